//! Finds checkouts in a directory: `<leaf>` and `<owner>/<leaf>`.

use camino::{Utf8DirEntry, Utf8Path, Utf8PathBuf};

use super::entry::{FleetEntry, FleetList, RepositorySource};
use crate::corpus::problem::{Problem, Severity};

/// Files that make a directory a repository of charms even without `.git`.
const CHARM_FILES: &[&str] = &["charmcraft.yaml", "metadata.yaml", "bundle.yaml"];

/// Returns the checkouts in `path`, which the user called `name`.
///
/// A directory that is a git checkout or has charm files is one entry and is not
/// looked into. Hidden directories are passed over.
pub fn scan(path: &Utf8Path, name: &str) -> FleetList {
    let path = match path.canonicalize_utf8() {
        Ok(path) => path,
        Err(error) => {
            let message = format!("failed to read: {error}");
            return FleetList::problem(Problem::whole(Severity::Error, name, message));
        }
    };
    if is_repository(&path) {
        return FleetList::of(FleetEntry::new(RepositorySource::Path(path), None));
    }
    let mut list = FleetList::default();
    for child in directories(&path, name, &mut list) {
        if is_repository(&child) {
            list.entries.push(entry(&child, &path));
            continue;
        }
        for grandchild in directories(&child, name, &mut list) {
            if is_repository(&grandchild) {
                list.entries.push(entry(&grandchild, &path));
            }
        }
    }
    if list.entries.is_empty() {
        let message = "no charm and no git checkout here, nor one or two levels below";
        list.problems.push(Problem::whole(Severity::Error, name, message));
    }
    list
}

fn entry(path: &Utf8Path, below: &Utf8Path) -> FleetEntry {
    let label = path.strip_prefix(below).unwrap_or(path).to_string();
    let mut entry = FleetEntry::new(RepositorySource::Path(path.to_owned()), None);
    entry.label = label;
    entry
}

fn is_repository(path: &Utf8Path) -> bool {
    if path.join(".git").exists() || has_charm_files(path) {
        return true;
    }
    // A monorepo keeps its charms in `charms/`.
    path.join("charms")
        .read_dir_utf8()
        .is_ok_and(|children| children.flatten().any(|child| has_charm_files(child.path())))
}

fn has_charm_files(path: &Utf8Path) -> bool {
    CHARM_FILES.iter().any(|file| path.join(file).is_file())
}

/// Returns the visible directories in `path`, sorted. A link to a directory
/// counts: people gather checkouts that way.
fn directories(path: &Utf8Path, name: &str, list: &mut FleetList) -> Vec<Utf8PathBuf> {
    let entries = match path.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("failed to read `{path}`: {error}");
            list.problems.push(Problem::whole(Severity::Warning, name, message));
            return Vec::new();
        }
    };
    let mut found: Vec<Utf8PathBuf> = entries
        .flatten()
        .filter(|entry| !entry.file_name().starts_with('.') && entry.path().is_dir())
        .map(Utf8DirEntry::into_path)
        .filter(|path| !path.as_str().chars().any(char::is_control))
        .collect();
    found.sort();
    found
}
