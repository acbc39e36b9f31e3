//! Small charms.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::repository::{Repo, write};

const CHARM_PY: &str = r#"#!/usr/bin/env python3
"""A charm for a test."""

import ops


class TestedCharm(ops.CharmBase):
    """Says that it is well."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._on_start)

    def _on_start(self, _event: ops.StartEvent):
        self.unit.status = ops.ActiveStatus()


if __name__ == "__main__":
    ops.main(TestedCharm)
"#;

/// Begins a small charm, with a `charmcraft.yaml`, a `src/charm.py` and nothing to run.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let folder = camino::Utf8Path::from_path(folder.path()).unwrap();
/// let path = charmproof_testkit::charm("web")
///     .with_tox_unit(&["python -c 'print(1)'"])
///     .write_to(folder);
/// assert!(path.join("tox.ini").exists());
/// ```
pub fn charm(name: &str) -> Charm {
    let metadata = format!(
        "name: {name}\ntype: charm\ntitle: {name}\nsummary: A charm for a test.\n\
         description: A charm for a test.\n\
         platforms:\n  ubuntu@24.04:amd64:\n\
         parts:\n  charm:\n    plugin: charm\n    source: .\n"
    );
    let files = BTreeMap::from([
        ("charmcraft.yaml".to_owned(), metadata),
        ("src/charm.py".to_owned(), CHARM_PY.to_owned()),
    ]);
    Charm { name: name.to_owned(), requirements: Vec::new(), environments: Vec::new(), files }
}

/// A charm in the making; [`charm()`] begins one.
#[must_use = "write it to a folder or into a repository"]
#[derive(Clone, Debug)]
pub struct Charm {
    name: String,
    requirements: Vec<String>,
    environments: Vec<(String, Vec<String>)>,
    files: BTreeMap<String, String>,
}

impl Charm {
    /// Adds a line to `requirements.txt`, which every tox environment installs. Without
    /// any, tox installs nothing and needs no network.
    pub fn with_requirement(mut self, requirement: &str) -> Self {
        self.requirements.push(requirement.to_owned());
        self
    }

    /// Adds the tox environment `unit`, which runs these commands.
    pub fn with_tox_unit(self, commands: &[&str]) -> Self {
        self.with_tox("unit", commands)
    }

    /// Adds the tox environment `lint`, which runs these commands.
    pub fn with_tox_lint(self, commands: &[&str]) -> Self {
        self.with_tox("lint", commands)
    }

    /// Adds a tox environment that runs these commands.
    pub fn with_tox(mut self, environment: &str, commands: &[&str]) -> Self {
        let commands = commands.iter().map(|command| (*command).to_owned()).collect();
        self.environments.push((environment.to_owned(), commands));
        self
    }

    /// Adds a file, or puts another text into it.
    pub fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// Returns all files, by path.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        if !self.requirements.is_empty() {
            files.insert("requirements.txt".to_owned(), self.requirements.join("\n") + "\n");
        }
        if !self.environments.is_empty() {
            files.insert("tox.ini".to_owned(), self.tox_ini());
        }
        files.extend(self.files.clone());
        files
    }

    /// Writes the charm into a folder of its name below `folder`, and returns that.
    pub fn write_to(&self, folder: &Utf8Path) -> Utf8PathBuf {
        let root = folder.join(&self.name);
        for (path, text) in self.files() {
            write(&root.join(path), &text);
        }
        root
    }

    /// Returns a repository with the charm at its top, committed.
    pub fn into_repo(self) -> Repo {
        let repo = Repo::new();
        let files = self.files().into_iter();
        files.fold(repo, |repo, (path, text)| repo.file(&path, &text)).commit("Begin")
    }

    fn tox_ini(&self) -> String {
        let mut lines = vec!["[tox]".to_owned(), "no_package = true".to_owned()];
        for (name, commands) in &self.environments {
            lines.extend([String::new(), format!("[testenv:{name}]")]);
            if !self.requirements.is_empty() {
                lines.push("deps = -r {tox_root}/requirements.txt".to_owned());
            }
            lines.push("commands =".to_owned());
            lines.extend(commands.iter().map(|command| format!("    {command}")));
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charm_has_what_was_asked_for() {
        let files = charm("web")
            .with_requirement("ops==3.7.1")
            .with_tox_unit(&["python -m unittest"])
            .with_tox_lint(&["ruff check", "ruff format --check"])
            .with_file("README.md", "# web\n")
            .files();
        let paths: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(paths, ["README.md", "charmcraft.yaml", "requirements.txt", "src/charm.py", "tox.ini"]);
        assert_eq!(
            files["tox.ini"],
            "[tox]\nno_package = true\n\n\
             [testenv:unit]\ndeps = -r {tox_root}/requirements.txt\n\
             commands =\n    python -m unittest\n\n\
             [testenv:lint]\ndeps = -r {tox_root}/requirements.txt\n\
             commands =\n    ruff check\n    ruff format --check\n"
        );
        assert_eq!(files["requirements.txt"], "ops==3.7.1\n");
    }

    #[test]
    fn a_plain_charm_has_nothing_to_run() {
        let paths: Vec<String> = charm("web").files().into_keys().collect();
        assert_eq!(paths, ["charmcraft.yaml", "src/charm.py"]);
    }

    #[test]
    fn a_charm_can_be_a_repository() {
        let repo = charm("web").with_tox_unit(&["true"]).into_repo();
        assert_eq!(repo.git(&["ls-files"]), "charmcraft.yaml\nsrc/charm.py\ntox.ini");
    }
}
