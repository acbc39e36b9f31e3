//! How a charm manages its Python dependencies, and where a package is
//! mentioned in its files.

mod mentions;
mod requirement;

use camino::Utf8Path;

pub use mentions::{Mention, mentions};
pub use requirement::requirement_name;

use crate::interpreter::{Floor, PythonConstraint, PythonWishes, Wish};
use crate::metadata::CharmMetadata;
use crate::names::{PackageName, PythonVersion};
use crate::toml_text::TomlText;
use crate::toxconfig::ToxConfig;
use crate::{Broken, Note, Tree};

/// What a charm manages its dependencies with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// uv.
    Uv {
        /// Whether there is a uv.lock.
        lock: bool,
    },
    /// Poetry.
    Poetry {
        /// Whether there is a poetry.lock.
        lock: bool,
    },
    /// A pyproject.toml with dependencies, and no particular tool.
    Pep621,
    /// Files such as requirements.txt.
    Requirements,
    /// Nothing but what tox is told to install.
    ToxDeps,
    /// Nothing that was recognised.
    Unknown,
}

/// What a charm's files say about its dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyFacts {
    /// What they are managed with.
    pub style: Style,
    /// Why we think so: lower-case fragments that name files and tables.
    pub evidence: Vec<String>,
    /// The name of the project.
    pub name: Option<PackageName>,
    /// The versions of Python that the manifest allows.
    pub requires_python: Option<Wish<PythonConstraint>>,
    /// The versions of Python that the lock was made for.
    pub lock_requires_python: Option<Wish<PythonConstraint>>,
    /// What `.python-version` says.
    pub python_version_file: Option<Wish<PythonVersion>>,
    /// What could not be made sense of.
    pub notes: Vec<Note>,
}

impl DependencyFacts {
    /// Brings together all that bears on the choice of a Python for one tox
    /// environment (or for no environment of tox).
    pub fn python_wishes(
        &self,
        metadata: &CharmMetadata,
        tox: Option<(&ToxConfig, &str)>,
        floors: Vec<Floor>,
    ) -> PythonWishes {
        PythonWishes {
            requires_python: self.requires_python.clone(),
            lock_requires_python: self.lock_requires_python.clone(),
            tox_base_python: tox.and_then(|(config, environment)| {
                let version = config.base_python_of(environment)?;
                Some(Wish::new(version, format!("environment {environment} in {}", config.file)))
            }),
            python_version_file: self.python_version_file.clone(),
            base: metadata.base_for_tests().cloned(),
            floors,
        }
    }
}

/// Reads the facts from a charm's files. A pyproject.toml that is not TOML is
/// an error, for nothing that uses it can work.
pub fn dependency_facts(tree: &dyn Tree) -> Result<DependencyFacts, Broken> {
    let has = |name: &str| tree.has(Utf8Path::new(name));
    let read = |name: &str| tree.read(Utf8Path::new(name));
    let mut facts = DependencyFacts {
        style: Style::Unknown,
        evidence: Vec::new(),
        name: None,
        requires_python: None,
        lock_requires_python: None,
        python_version_file: None,
        notes: Vec::new(),
    };
    let (uv_lock, poetry_lock) = (has("uv.lock"), has("poetry.lock"));
    let mut tables = Tables::default();
    if let Some(text) = read("pyproject.toml") {
        let file = Utf8Path::new("pyproject.toml");
        let toml = TomlText::parse(file, &text)?;
        tables = Tables::of(&toml);
        facts.add_manifest(&toml);
    }
    facts.decide_style(tree, uv_lock, poetry_lock, &tables);
    if uv_lock && poetry_lock {
        facts.notes.push(Note::general("there are both a uv.lock and a poetry.lock"));
    }
    let lock = match facts.style {
        Style::Uv { lock: true } => Some(("uv.lock", "requires-python")),
        Style::Poetry { lock: true } => Some(("poetry.lock", "python-versions")),
        _ => None,
    };
    if let Some((file, key)) = lock
        && let Some(text) = read(file)
    {
        let constraint = top_level_string(&text, key, file == "poetry.lock");
        facts.lock_requires_python = facts.constraint(constraint, &format!("{key} in {file}"), file);
    }
    if let Some(text) = read(".python-version") {
        let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        match first.and_then(PythonVersion::from_interpreter_name) {
            Some(version) => {
                facts.python_version_file = Some(Wish::new(version, ".python-version"));
            }
            None => facts.notes.push(Note::in_file(".python-version", "no version of Python is named here")),
        }
    }
    Ok(facts)
}

/// Which tables a pyproject.toml has.
#[derive(Default)]
struct Tables {
    project_dependencies: bool,
    dependency_groups: bool,
    poetry: bool,
    uv: bool,
}

impl Tables {
    fn of(toml: &TomlText<'_>) -> Self {
        Self {
            project_dependencies: toml.get(&["project", "dependencies"]).is_some()
                || toml.get(&["project", "optional-dependencies"]).is_some(),
            dependency_groups: toml.get(&["dependency-groups"]).is_some(),
            poetry: toml.get(&["tool", "poetry", "dependencies"]).is_some()
                || toml.get(&["tool", "poetry", "group"]).is_some()
                || toml.get(&["tool", "poetry", "dev-dependencies"]).is_some()
                || toml.get(&["tool", "poetry", "package-mode"]).is_some(),
            uv: toml.get(&["tool", "uv"]).is_some(),
        }
    }
}

impl DependencyFacts {
    fn add_manifest(&mut self, toml: &TomlText<'_>) {
        let file = "pyproject.toml";
        let names = [&["project", "name"][..], &["tool", "poetry", "name"]];
        self.name = names.iter().find_map(|path| toml.text_at(path)).map(PackageName::new);
        let poetry_python: [&[&str]; 2] = [
            &["tool", "poetry", "dependencies", "python"],
            &["tool", "poetry", "dependencies", "python", "version"],
        ];
        if let Some(text) = toml.text_at(&["project", "requires-python"]) {
            let source = format!("requires-python in {file}");
            self.requires_python = self.constraint(Some(text.to_owned()), &source, file);
        } else if let Some(text) = poetry_python.iter().find_map(|path| toml.text_at(path)) {
            let source = format!("tool.poetry.dependencies.python in {file}");
            self.requires_python = self.constraint(Some(text.to_owned()), &source, file);
        }
    }

    fn constraint(
        &mut self,
        text: Option<String>,
        source: &str,
        file: &str,
    ) -> Option<Wish<PythonConstraint>> {
        match text?.parse() {
            Ok(constraint) => Some(Wish::new(constraint, source)),
            Err(invalid) => {
                self.notes.push(Note::in_file(file, invalid.to_string()));
                None
            }
        }
    }

    fn decide_style(&mut self, tree: &dyn Tree, uv_lock: bool, poetry_lock: bool, tables: &Tables) {
        let requirements = tree
            .files()
            .iter()
            .any(|file| mentions::is_requirements_file(file) && file.components().count() <= 2);
        let signs = [
            // In order: the first that holds decides.
            (
                uv_lock && !(poetry_lock && tables.poetry && !tables.uv),
                Style::Uv { lock: uv_lock },
                "uv.lock",
            ),
            (poetry_lock, Style::Poetry { lock: poetry_lock }, "poetry.lock"),
            (tables.poetry, Style::Poetry { lock: poetry_lock }, "tool.poetry in pyproject.toml"),
            (tables.uv, Style::Uv { lock: uv_lock }, "tool.uv in pyproject.toml"),
            (tables.project_dependencies, Style::Pep621, "project.dependencies in pyproject.toml"),
            (tables.dependency_groups, Style::Pep621, "dependency-groups in pyproject.toml"),
            (requirements, Style::Requirements, "a requirements file"),
            (mentions::has_tox_deps(tree), Style::ToxDeps, "deps in the tox configuration"),
        ];
        for (holds, style, evidence) in signs {
            if holds {
                if self.style == Style::Unknown {
                    self.style = style;
                }
                self.evidence.push(evidence.to_owned());
            }
        }
    }
}

/// The string that a line of a generated lock file assigns to a key: a lock
/// may be a megabyte, and only this line matters. Poetry writes the line that
/// counts last, uv first.
fn top_level_string(text: &str, key: &str, last: bool) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| {
        let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
        Some(value.trim_matches(['"', '\'']).to_owned())
    });
    if last { lines.next_back() } else { lines.next() }
}

#[cfg(test)]
mod tests;
