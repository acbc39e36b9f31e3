//! The files of the checkout, as values.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// Every file that git knows or would add, by its path from the top.
pub(super) struct Tree {
    /// `None` for a file that is not text.
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the checkout at `root`. What git ignores is left out.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("could not run git")?;
        if !output.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let mut files = BTreeMap::new();
        for name in output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let name = String::from_utf8_lossy(name).into_owned();
            let path = root.join(&name);
            // A link's target is looked at under its own name; a file that was just
            // removed is still in the index.
            if path.is_symlink() || !path.is_file() {
                continue;
            }
            let text = String::from_utf8(fs_err::read(&path)?).ok();
            files.insert(name, text.filter(|text| !text.contains('\0')));
        }
        Ok(Self { files })
    }

    /// Makes one out of paths and texts.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())));
        Self { files: files.collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns the paths and texts of all text files, in order.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Returns the paths and texts of the text files with this ending, such as `.rs`.
    pub(super) fn ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(move |(path, _)| path.ends_with(ending))
    }

    /// Returns the text of one file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Returns all paths, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Whether there is such a file, or a folder with files in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        if path.is_empty() || self.files.contains_key(path) {
            return true;
        }
        let folder = format!("{path}/");
        let mut from = self.files.range(folder.clone()..);
        from.next().is_some_and(|(name, _)| name.starts_with(&folder))
    }
}

/// Returns the folder of a path; empty for the top.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns `path` as seen from `folder`, without `.` and `..`; `None` if it leaves the
/// tree.
pub(super) fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_when_a_file_in_it_is() {
        let tree = Tree::of(&[("a-b/x.md", ""), ("a/b/c.md", ""), ("a0", "")]);
        for path in ["a", "a/", "a/b", "a/b/c.md", "a0", "a-b", ""] {
            assert!(tree.has(path), "{path}");
        }
        for path in ["a/b/c", "b", "a0/x", "a-"] {
            assert!(!tree.has(path), "{path}");
        }
    }

    #[test]
    fn paths_join_within_the_tree() {
        assert_eq!(join("docs/how-to", "../index.md").as_deref(), Some("docs/index.md"));
        assert_eq!(join("", "./a//b").as_deref(), Some("a/b"));
        assert_eq!(join("docs", "../..").as_deref(), None);
        assert_eq!(folder_of("docs/index.md"), "docs");
        assert_eq!(folder_of("README.md"), "");
    }
}
