//! What a charm's files say it is shipped with. Pure: nothing is asked of an index.
//!
//! The part of charmcraft.yaml that packs the charm decides: its plugin reads one kind of file.
//! Where that file is not there (it may be made during the build), the next one that says
//! the same is taken: uv.lock, poetry.lock, requirements files, the manifest.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::interpreter::{Floor, PythonWishes};
use charmproof_charm::library::{PythonDependencies, vendored_libraries};
use charmproof_charm::metadata::CharmMetadata;
use charmproof_charm::names::PackageName;
use charmproof_charm::pyproject::{Style, dependency_facts, requirement_name};
use charmproof_charm::yaml::{self, Node};
use charmproof_charm::{Broken, Place, Tree};
use toml::{Table, Value};

use super::error::EnvironmentError;
use super::poetry;
use crate::recipe::placed;

/// What is installed first, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Main {
    /// All that uv.lock has for the project, its development groups left out.
    UvLock {
        /// Extras of the project that the part asks for.
        extras: Vec<String>,
        /// Groups that the part asks for.
        groups: Vec<String>,
    },
    /// Lines to install and lines that bound their versions, both from Poetry's files.
    Poetry {
        /// Whether a lock gave the versions.
        is_locked: bool,
        /// What to install.
        requirements: Vec<String>,
        /// Which versions of anything.
        constraints: Vec<String>,
    },
    /// Requirements files, and single requirements of the part.
    Requirements {
        /// The files, relative to the charm.
        files: Vec<Utf8PathBuf>,
        /// Files that bound versions.
        constraints: Vec<Utf8PathBuf>,
        /// Single requirements.
        packages: Vec<String>,
    },
    /// The dependencies in pyproject.toml.
    Manifest,
    /// No file says anything.
    Nothing,
}

impl Main {
    /// Names the files, for people.
    pub fn source(&self) -> String {
        match self {
            Self::UvLock { .. } => "uv.lock".into(),
            Self::Poetry { is_locked: true, .. } => "poetry.lock".into(),
            Self::Poetry { is_locked: false, .. } => "tool.poetry in pyproject.toml".into(),
            Self::Requirements { files, packages, .. } => {
                let mut names: Vec<String> = files.iter().map(ToString::to_string).collect();
                if !packages.is_empty() {
                    names.push("the packages in charmcraft.yaml".into());
                }
                names.join(" and ")
            }
            Self::Manifest => "pyproject.toml".into(),
            Self::Nothing => "the charm (it has no lock, no requirements.txt and no pyproject.toml)".into(),
        }
    }

    /// Whether all versions are given, so that an index can tell nothing new.
    pub fn is_exact(&self) -> bool {
        match self {
            Self::UvLock { .. } | Self::Poetry { is_locked: true, .. } => true,
            Self::Poetry { is_locked: false, .. }
            | Self::Requirements { .. }
            | Self::Manifest
            | Self::Nothing => false,
        }
    }
}

/// What a charm is to have around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What is installed first.
    pub main: Main,
    /// What the vendored libraries ask for, each requirement once.
    pub library_requirements: Vec<String>,
    /// All that bears on the choice of a Python, but for swapped packages.
    pub pythons: PythonWishes,
    /// Folders and files beside the manifest that are installed, relative to the charm.
    pub local: Vec<Utf8PathBuf>,
    /// The texts that decide, with their names: an environment is kept under their digest.
    pub inputs: Vec<(String, String)>,
    /// What people should know about it.
    pub notes: Vec<String>,
}

impl Wanted {
    /// Reads the files of the charm at the root of a tree.
    pub fn read(tree: &dyn Tree) -> Result<Self, EnvironmentError> {
        let is_layered = ["layer.yaml", "src/layer.yaml"].iter().any(|file| tree.has(Utf8Path::new(file)));
        if is_layered
            && !tree.has(Utf8Path::new("src/charm.py"))
            && !tree.has(Utf8Path::new("requirements.txt"))
        {
            return Err(EnvironmentError::Layers);
        }
        let facts = dependency_facts(tree)?;
        let mut pythons = facts.python_wishes(&CharmMetadata::read(tree), None, Vec::new());
        // That file is for whoever works on the charm; Juju runs it with what its base brings.
        pythons.python_version_file = None;
        let mut reader = Reader { tree, manifest: manifest(tree)?, parts: parts(tree)?, notes: Vec::new() };
        let main = reader.main(facts.style)?;
        let library_requirements = reader.library_requirements(&main);
        let local = reader.local(&main);
        let mut inputs = reader.inputs(&main);
        inputs.push(("main".into(), format!("{main:?}")));
        inputs.push(("libraries".into(), library_requirements.join("\n")));
        Ok(Self { main, library_requirements, pythons, local, inputs, notes: reader.notes })
    }

    /// All that bears on the choice of a Python, with what the swapped packages need.
    pub fn python_wishes(&self, floors: Vec<Floor>) -> PythonWishes {
        PythonWishes { floors, ..self.pythons.clone() }
    }
}

/// A part of the build that installs Python packages.
#[derive(Debug, Default)]
struct Part {
    plugin: String,
    source: Utf8PathBuf,
    files: Vec<String>,
    constraints: Vec<String>,
    packages: Vec<String>,
    extras: Vec<String>,
    groups: Vec<String>,
}

struct Reader<'a> {
    tree: &'a dyn Tree,
    manifest: Table,
    parts: Vec<Part>,
    notes: Vec<String>,
}

fn manifest(tree: &dyn Tree) -> Result<Table, Broken> {
    let file = Utf8Path::new("pyproject.toml");
    let Some(text) = tree.read(file) else { return Ok(Table::new()) };
    text.parse().map_err(|error: toml::de::Error| {
        let place = Place::of_offset(&text, error.span().map_or(0, |span| span.start));
        Broken::new(file, &text, place, error.message())
    })
}

/// Reads the parts that pack Python. Without charmcraft.yaml it is as charmcraft's default.
fn parts(tree: &dyn Tree) -> Result<Vec<Part>, Broken> {
    let file = Utf8Path::new("charmcraft.yaml");
    let default = || vec![Part { plugin: "charm".into(), ..Part::default() }];
    let Some(text) = tree.read(file) else { return Ok(default()) };
    let (root, _) = yaml::parse(file, &text)?;
    let Some(parts) = root.get("parts") else { return Ok(default()) };
    Ok(parts
        .entries()
        .iter()
        .map(|entry| part(&entry.key, &entry.value))
        .filter(|part| matches!(part.plugin.as_str(), "charm" | "python" | "uv" | "poetry"))
        .collect())
}

fn part(name: &str, node: &Node) -> Part {
    let all = |keys: &[&str]| -> Vec<String> {
        let texts = keys.iter().filter_map(|key| node.get(key)).flat_map(Node::texts);
        texts.map(str::to_owned).collect()
    };
    let text = |key: &str| node.get(key).and_then(Node::text);
    let source = text("source").filter(|source| !source.contains(':') && !source.starts_with('/'));
    Part {
        plugin: text("plugin").unwrap_or(name).to_owned(),
        source: placed(Utf8Path::new(""), source.unwrap_or("")),
        files: all(&["charm-requirements", "python-requirements"]),
        constraints: all(&["python-constraints"]),
        packages: all(&[
            "charm-python-packages",
            "charm-binary-python-packages",
            "charm-strict-dependencies",
            "python-packages",
        ])
        .into_iter()
        // `charm-strict-dependencies` is a switch, `.` the charm itself.
        .filter(|package| {
            !matches!(package.as_str(), "true" | "false" | "." | "pip" | "setuptools" | "wheel")
        })
        .collect(),
        extras: all(&["uv-extras"]),
        groups: {
            let named = all(&["uv-groups", "poetry-with"]);
            named.into_iter().chain(exported_groups(&all(&["poetry-export-extra-args"]))).collect()
        },
    }
}

/// Returns the groups that arguments of `poetry export` name: `--only main,charm-libs`. The main
/// dependencies are taken anyway.
fn exported_groups(arguments: &[String]) -> Vec<String> {
    let mut groups = Vec::new();
    let mut words = arguments.iter().flat_map(|argument| argument.split([' ', '=']));
    while let Some(word) = words.next() {
        if matches!(word, "--only" | "--with") {
            groups.extend(words.next().into_iter().flat_map(|names| names.split(',')).map(str::to_owned));
        }
    }
    groups.retain(|group| group != "main");
    groups
}

impl Reader<'_> {
    fn has(&self, path: impl AsRef<Utf8Path>) -> bool {
        self.tree.has(path.as_ref())
    }

    fn main(&mut self, style: Style) -> Result<Main, EnvironmentError> {
        let uses = |plugin: &str| self.parts.iter().any(|part| part.plugin == plugin);
        if uses("uv") && self.has("uv.lock") {
            return Ok(self.uv_lock());
        }
        if uses("poetry") && self.has("poetry.lock") {
            return self.poetry(true);
        }
        let named = self.requirements(false);
        if let Some(named) = named {
            return Ok(named);
        }
        match style {
            Style::Uv { lock: true } => return Ok(self.uv_lock()),
            Style::Poetry { lock: true } => return self.poetry(true),
            Style::Uv { lock: false }
            | Style::Poetry { lock: false }
            | Style::Pep621
            | Style::Requirements
            | Style::ToxDeps
            | Style::Unknown => {}
        }
        if let Some(usual) = self.requirements(true) {
            return Ok(usual);
        }
        if matches!(style, Style::Poetry { lock: false }) {
            return self.poetry(false);
        }
        let has_dependencies = self.manifest.get("project").is_some_and(|p| p.get("dependencies").is_some());
        Ok(if has_dependencies { Main::Manifest } else { Main::Nothing })
    }

    fn uv_lock(&self) -> Main {
        let all = |of: fn(&Part) -> &Vec<String>| {
            let set: BTreeSet<String> = self.parts.iter().flat_map(of).cloned().collect();
            set.into_iter().collect::<Vec<_>>()
        };
        let is_uv = self.parts.iter().any(|part| part.plugin == "uv");
        Main::UvLock {
            extras: if is_uv { all(|part| &part.extras) } else { Vec::new() },
            groups: if is_uv { all(|part| &part.groups) } else { Vec::new() },
        }
    }

    fn poetry(&mut self, is_locked: bool) -> Result<Main, EnvironmentError> {
        let lock = self.tree.read(Utf8Path::new("poetry.lock")).filter(|_| is_locked);
        let groups: Vec<String> = self
            .parts
            .iter()
            .filter(|part| part.plugin == "poetry")
            .flat_map(|part| &part.groups)
            .flat_map(|group| group.split(','))
            .map(|group| group.trim().to_owned())
            .collect();
        let read = poetry::read(&self.manifest, &groups, lock.as_deref())
            .map_err(|why| EnvironmentError::Lock { file: "poetry.lock", why })?;
        self.notes.extend(read.notes);
        Ok(Main::Poetry { is_locked, requirements: read.requirements, constraints: read.constraints })
    }

    /// The requirements files and packages that parts name; with `usual`, the file that
    /// charmcraft takes when a part names none.
    fn requirements(&mut self, usual: bool) -> Option<Main> {
        let mut files: Vec<Utf8PathBuf> = Vec::new();
        let mut constraints = Vec::new();
        let mut packages = Vec::new();
        let mut missing = Vec::new();
        for part in self.parts.iter().filter(|part| matches!(part.plugin.as_str(), "charm" | "python")) {
            let place = |name: &String| {
                let inside = placed(&part.source, name);
                if self.has(&inside) { inside } else { placed(Utf8Path::new(""), name) }
            };
            for file in part.files.iter().map(place) {
                if self.has(&file) { files.push(file) } else { missing.push(file) }
            }
            constraints.extend(part.constraints.iter().map(place).filter(|file| self.has(file)));
            packages.extend(part.packages.iter().cloned());
        }
        let is_said = !files.is_empty() || !packages.is_empty();
        if usual && files.is_empty() {
            let sources = self.parts.iter().map(|part| part.source.join("requirements.txt"));
            let found = sources.chain(["requirements.txt".into()]).find(|file| self.has(file));
            files.extend(found);
        } else if !usual && is_said {
            for file in missing {
                self.notes.push(format!("{file} is named in charmcraft.yaml and not there; it was left out"));
            }
        }
        // Packages alone (`charm-binary-python-packages`) are what a lock or the usual file
        // does not have, so the file is looked for as well.
        if !usual && files.is_empty() {
            return None;
        }
        files.dedup();
        let found = !files.is_empty() || !packages.is_empty();
        found.then_some(Main::Requirements { files, constraints, packages })
    }

    /// What the vendored libraries ask for. Of charmcraft's plugins, `charm` alone looks at that, and
    /// lets what the requirements files say of a package go before it.
    fn library_requirements(&mut self, main: &Main) -> Vec<String> {
        if !self.parts.iter().any(|part| part.plugin == "charm") {
            return Vec::new();
        }
        let said = match main {
            Main::Requirements { files, .. } => self.with_included(files),
            Main::UvLock { .. } | Main::Poetry { .. } | Main::Manifest | Main::Nothing => Vec::new(),
        };
        let said: BTreeSet<PackageName> = said
            .iter()
            .flat_map(|(_, text)| text.lines())
            .filter_map(|line| requirement_name(line.trim()))
            .collect();
        let mut all = BTreeSet::new();
        for library in vendored_libraries(self.tree) {
            let Some(text) = self.tree.read(&library.path) else { continue };
            match PythonDependencies::parse(&text) {
                PythonDependencies::Unsaid => {}
                PythonDependencies::Listed(requirements) => all.extend(
                    requirements
                        .into_iter()
                        .filter(|line| requirement_name(line).is_none_or(|name| !said.contains(&name))),
                ),
                PythonDependencies::NotLiteral { line } => self.notes.push(format!(
                    "{}:{line}: PYDEPS is no list of literal strings; what it asks for was left out",
                    library.path
                )),
            }
        }
        all.into_iter().collect()
    }

    /// Folders and files beside the manifest that are installed.
    fn local(&self, main: &Main) -> Vec<Utf8PathBuf> {
        let mut found = BTreeSet::new();
        match main {
            Main::UvLock { .. } => {
                let text = self.tree.read(Utf8Path::new("uv.lock")).unwrap_or_default();
                // A lock that is broken is uv's to complain about.
                let lock: Table = text.parse().unwrap_or_default();
                let packages = lock.get("package").and_then(Value::as_array).into_iter().flatten();
                for source in packages.filter_map(|package| package.get("source")) {
                    let path =
                        ["directory", "editable", "path"].iter().find_map(|key| source.get(*key)?.as_str());
                    found.extend(path.filter(|path| *path != ".").map(Utf8PathBuf::from));
                }
            }
            Main::Poetry { requirements, .. } => {
                found.extend(requirements.iter().filter_map(|line| local_path(line)));
            }
            Main::Requirements { files, packages, .. } => {
                let texts = self.with_included(files);
                let lines = texts.iter().flat_map(|(_, text)| text.lines());
                found.extend(lines.filter_map(local_path));
                found.extend(packages.iter().filter_map(|line| local_path(line)));
            }
            Main::Manifest => {
                let sources =
                    self.manifest.get("tool").and_then(|tool| tool.get("uv")?.get("sources")?.as_table());
                let paths =
                    sources.into_iter().flatten().filter_map(|(_, source)| source.get("path")?.as_str());
                found.extend(paths.map(Utf8PathBuf::from));
            }
            Main::Nothing => {}
        }
        found.into_iter().collect()
    }

    /// The texts that decide what is installed.
    fn inputs(&self, main: &Main) -> Vec<(String, String)> {
        let mut inputs = Vec::new();
        match main {
            Main::UvLock { .. } => {
                let lock = self.tree.read(Utf8Path::new("uv.lock")).unwrap_or_default();
                inputs.push(("uv.lock".into(), lock));
            }
            Main::Requirements { files, constraints, .. } => {
                let all: Vec<Utf8PathBuf> = files.iter().chain(constraints).cloned().collect();
                inputs.extend(self.with_included(&all));
            }
            Main::Poetry { .. } | Main::Manifest | Main::Nothing => {}
        }
        // The configuration of linters changes often, and changes nothing here.
        for path in [["project", "requires-python"], ["project", "dependencies"], ["tool", "uv"]] {
            if let Some(value) = self.manifest.get(path[0]).and_then(|table| table.get(path[1])) {
                inputs.push((path.join("."), value.to_string()));
            }
        }
        inputs
    }

    /// Requirements files, with those that they include.
    fn with_included(&self, files: &[Utf8PathBuf]) -> Vec<(String, String)> {
        let mut waiting: Vec<Utf8PathBuf> = files.to_vec();
        let mut read: Vec<(String, String)> = Vec::new();
        while let Some(file) = waiting.pop() {
            if read.iter().any(|(name, _)| *name == file) {
                continue;
            }
            let Some(text) = self.tree.read(&file) else { continue };
            let folder = file.parent().unwrap_or(Utf8Path::new(""));
            for line in text.lines().map(str::trim) {
                let included = ["-r", "--requirement", "-c", "--constraint"]
                    .iter()
                    .find_map(|option| line.strip_prefix(option))
                    .map(|rest| rest.trim_start_matches([' ', '=']));
                waiting.extend(included.map(|name| placed(folder, name)));
            }
            read.push((file.into_string(), text));
        }
        read.sort();
        read
    }
}

/// The path that a requirement line names, if it names one beside the charm.
fn local_path(line: &str) -> Option<Utf8PathBuf> {
    let line = line.trim();
    let line =
        ["-e ", "--editable ", "--editable="].iter().find_map(|flag| line.strip_prefix(flag)).unwrap_or(line);
    let path = line.split([';', '#', '[']).next().unwrap_or(line).trim();
    let path = path.strip_prefix("file:").unwrap_or(path);
    let is_path = ["./", "../"].iter().any(|start| path.starts_with(start));
    is_path.then(|| Utf8PathBuf::from(path))
}

#[cfg(test)]
mod tests;
