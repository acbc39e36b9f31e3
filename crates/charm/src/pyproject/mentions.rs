//! Every place in a charm's files that names a distribution.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::requirement::requirement_name;
use crate::ini::Ini;
use crate::names::PackageName;
use crate::toml_text::TomlText;
use crate::tree::is_pruned_path;
use crate::{Tree, yaml};

/// A place that names a distribution.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    /// The file, relative to the charm.
    pub file: Utf8PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The table, section or part; empty for files that are just lists.
    pub table: String,
    /// The requirement as it is written.
    pub text: String,
}

/// Lists of requirements in a pyproject.toml or tox.toml; `*` is any key.
const LISTS: [&[&str]; 13] = [
    &["project", "dependencies"],
    &["project", "optional-dependencies", "*"],
    &["dependency-groups", "*"],
    &["build-system", "requires"],
    &["tool", "uv", "dev-dependencies"],
    &["tool", "uv", "constraint-dependencies"],
    &["tool", "uv", "override-dependencies"],
    &["tool", "pdm", "dev-dependencies", "*"],
    &["tool", "hatch", "envs", "*", "dependencies"],
    &["tool", "hatch", "envs", "*", "extra-dependencies"],
    &["tool", "tox", "requires"],
    &["tool", "tox", "env_run_base", "deps"],
    &["tool", "tox", "env", "*", "deps"],
];

const TOX_TOML_LISTS: [&[&str]; 3] = [&["requires"], &["env_run_base", "deps"], &["env", "*", "deps"]];

/// Tables whose keys are the names of distributions.
const TABLES: [&[&str]; 4] = [
    &["tool", "poetry", "dependencies"],
    &["tool", "poetry", "dev-dependencies"],
    &["tool", "poetry", "group", "*", "dependencies"],
    &["tool", "uv", "sources"],
];

/// Keys of a part in charmcraft.yaml that list requirements.
const PART_KEYS: [&str; 4] =
    ["python-packages", "charm-python-packages", "charm-binary-python-packages", "charm-strict-dependencies"];

/// Every place in a charm's files that names a distribution, by file and
/// line: manifests, requirements files, the tox configuration, the parts of
/// the build, and the locks. Files that are broken mention nothing.
pub fn mentions(tree: &dyn Tree, package: &PackageName) -> Vec<Mention> {
    let mut finder = Finder { package, found: BTreeSet::new() };
    let own_files = own_files(tree);
    for file in own_files {
        let is_top = file.components().count() == 1;
        let name = file.file_name().unwrap_or("");
        let is_wanted = is_requirements_file(file)
            || is_top
                && matches!(
                    name,
                    "pyproject.toml"
                        | "tox.toml"
                        | "tox.ini"
                        | "setup.cfg"
                        | "setup.py"
                        | "charmcraft.yaml"
                        | "uv.lock"
                        | "poetry.lock"
                );
        if !is_wanted {
            continue;
        }
        let Some(text) = tree.read(file) else {
            continue;
        };
        match name {
            "pyproject.toml" => finder.in_toml(file, &text, &LISTS),
            "tox.toml" => finder.in_toml(file, &text, &TOX_TOML_LISTS),
            "tox.ini" | "setup.cfg" => finder.in_ini(file, &text, 0),
            "setup.py" => finder.in_setup_py(file, &text),
            "charmcraft.yaml" => finder.in_charmcraft(file, &text),
            "uv.lock" | "poetry.lock" => finder.in_lock(file, &text),
            _ => finder.in_requirements(file, &text),
        }
    }
    finder.found.into_iter().collect()
}

/// The files of the charm itself, without those of charms below it.
fn own_files(tree: &dyn Tree) -> impl Iterator<Item = &Utf8PathBuf> {
    let others: BTreeSet<&Utf8Path> = tree
        .files()
        .iter()
        .filter(|file| file.file_name() == Some("charmcraft.yaml"))
        .filter_map(|file| file.parent())
        .filter(|directory| !directory.as_str().is_empty())
        .collect();
    tree.files().iter().filter(move |file| {
        !is_pruned_path(file) && !file.ancestors().any(|directory| others.contains(directory))
    })
}

/// Whether a file lists requirements, by its name.
pub(super) fn is_requirements_file(file: &Utf8Path) -> bool {
    let Some(name) = file.file_name() else {
        return false;
    };
    let is_list = matches!(file.extension(), Some("txt" | "in"));
    let directory = file.parent().and_then(Utf8Path::file_name);
    is_list
        && (name.contains("requirements")
            || name.contains("constraints")
            || directory == Some("requirements"))
}

/// Whether a tox configuration installs anything.
pub(super) fn has_tox_deps(tree: &dyn Tree) -> bool {
    let read = |name: &str| tree.read(Utf8Path::new(name)).unwrap_or_default();
    read("tox.ini").lines().chain(read("tox.toml").lines()).any(|line| {
        let key = line.trim_start();
        key.strip_prefix("deps").is_some_and(|rest| rest.trim_start().starts_with(['=', ':']))
    })
}

struct Finder<'a> {
    package: &'a PackageName,
    found: BTreeSet<Mention>,
}

impl Finder<'_> {
    fn consider(&mut self, file: &Utf8Path, line: usize, table: &str, requirement: &str) {
        if requirement_name(requirement).as_ref() == Some(self.package) {
            self.add(file, line, table, requirement);
        }
    }

    fn add(&mut self, file: &Utf8Path, line: usize, table: &str, text: &str) {
        self.found.insert(Mention {
            file: file.to_owned(),
            line,
            table: table.to_owned(),
            text: text.trim().to_owned(),
        });
    }

    fn in_toml(&mut self, file: &Utf8Path, text: &str, lists: &[&[&str]]) {
        let Ok(toml) = TomlText::parse(file, text) else {
            return;
        };
        toml.walk(&mut |visit| {
            if !visit.is_entry {
                if lists.iter().any(|pattern| matches(pattern, visit.path)) {
                    self.consider(file, visit.line, &visit.path.join("."), visit.text);
                }
                return;
            }
            let Some((key, table)) = visit.path.split_last() else {
                return;
            };
            let is_package = TABLES.iter().any(|pattern| matches(pattern, table));
            if is_package && PackageName::new(key) == *self.package {
                self.add(file, visit.line, &table.join("."), visit.source);
            }
        });
        let legacy = ["tool", "tox", "legacy_tox_ini"];
        if let (Some(value), Some(ini)) = (toml.get(&legacy), toml.text_at(&legacy)) {
            self.in_ini(file, ini, toml.line_of(value));
        }
    }

    fn in_ini(&mut self, file: &Utf8Path, text: &str, lines_before: usize) {
        let Ok(ini) = Ini::parse(file, text) else {
            return;
        };
        for section in &ini.sections {
            let keys: &[&str] = match section.name.as_str() {
                "tox" | "tox:tox" => &["requires"],
                "options" => &["install_requires", "tests_require", "setup_requires"],
                "options.extras_require" => &["*"],
                name if name == "testenv" || name.starts_with("testenv:") => &["deps"],
                _ => continue,
            };
            for entry in &section.options {
                if !keys.contains(&entry.key.as_str()) && keys != ["*"] {
                    continue;
                }
                for (line, requirement) in &entry.lines {
                    let requirement = without_factors(crate::ini::without_comment(requirement));
                    self.consider(file, lines_before + line, &section.name, requirement);
                }
            }
        }
    }

    /// The strings in quotes of a setup.py that look like requirements.
    fn in_setup_py(&mut self, file: &Utf8Path, text: &str) {
        for (index, line) in text.lines().enumerate() {
            let quoted = line.split(['"', '\'']).skip(1).step_by(2);
            for requirement in quoted {
                self.consider(file, index + 1, "", requirement);
            }
        }
    }

    fn in_charmcraft(&mut self, file: &Utf8Path, text: &str) {
        let Ok((root, _)) = yaml::parse(file, text) else {
            return;
        };
        for yaml::Entry { key: part, value, .. } in root.get("parts").map_or(&[][..], yaml::Node::entries) {
            for item in PART_KEYS.iter().filter_map(|key| value.get(key)).flat_map(yaml::Node::items) {
                if let Some(requirement) = item.text() {
                    self.consider(file, item.place.line, &format!("parts.{part}"), requirement);
                }
            }
        }
    }

    fn in_requirements(&mut self, file: &Utf8Path, text: &str) {
        for (index, line) in text.lines().enumerate() {
            let requirement = line.trim_end_matches('\\');
            self.consider(file, index + 1, "", requirement);
        }
    }

    /// Locks are generated: the version is on the line after the name.
    fn in_lock(&mut self, file: &Utf8Path, text: &str) {
        let string = |line: &str, key: &str| {
            let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
            Some(value.trim().trim_matches('"').to_owned())
        };
        let mut lines = text.lines().enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let Some(name) = string(line, "name") else {
                continue;
            };
            if PackageName::new(&name) == *self.package {
                let version = lines.peek().and_then(|(_, next)| string(next, "version"));
                let text = version.map_or(name.clone(), |version| format!("{name} {version}"));
                self.add(file, index + 1, "package", &text);
            }
        }
    }
}

fn matches(pattern: &[&str], path: &[String]) -> bool {
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(wanted, key)| *wanted == "*" || wanted == key)
}

/// Cuts the condition off a line of tox: `py310-unit: ops`.
fn without_factors(line: &str) -> &str {
    match line.split_once(": ") {
        Some((factors, rest))
            if factors
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ',' | '!' | '{' | '}' | '.')) =>
        {
            rest
        }
        _ => line,
    }
}
