//! A repository as the parsers see it: a sorted list of paths and a reader.
//!
//! [`DiskTree`] is the one place in this crate that does IO. It never leaves
//! its root, never loops, and stops at [`Limits`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use camino::{Utf8Path, Utf8PathBuf};

use crate::Note;

/// Directories that never hold sources of a charm.
const PRUNED_DIRS: [&str; 6] = ["node_modules", "build", "dist", "venv", "__pycache__", "site-packages"];

/// A list of files, and their text.
pub trait Tree {
    /// All files, as sorted paths relative to the root of the tree.
    fn files(&self) -> &BTreeSet<Utf8PathBuf>;

    /// The text of a file; nothing if it is absent, too large or not UTF-8.
    fn read(&self, path: &Utf8Path) -> Option<String>;

    /// Whether a file is listed by way of a symbolic link to a directory, so
    /// that it is listed once more at its own place.
    fn is_linked(&self, _path: &Utf8Path) -> bool {
        false
    }

    /// Whether there is such a file. One that somebody names may lie where
    /// nobody looks, and so not be listed.
    fn has(&self, path: &Utf8Path) -> bool {
        self.files().contains(path)
    }

    /// Whether there is a file below such a directory.
    fn has_dir(&self, path: &Utf8Path) -> bool {
        self.files_below(path).next().is_some()
    }

    /// The files below a directory; all files for the empty path.
    fn files_below<'a>(&'a self, directory: &Utf8Path) -> Box<dyn Iterator<Item = &'a Utf8PathBuf> + 'a> {
        // Paths order by component, so one directory is one unbroken range.
        let directory = directory.to_owned();
        let first = directory.clone();
        Box::new(
            self.files()
                .range(first..)
                .take_while({
                    let directory = directory.clone();
                    move |file| file.starts_with(&directory)
                })
                .filter(move |file| **file != directory),
        )
    }
}

/// Whether a path goes through a directory that is never looked into: caches,
/// environments, build output and dot directories.
pub fn is_pruned_path(path: &Utf8Path) -> bool {
    path.parent().is_some_and(|parent| parent.components().any(|component| is_pruned_dir(component.as_str())))
}

fn is_pruned_dir(name: &str) -> bool {
    (name.starts_with('.') && name != "." && name != "..") || PRUNED_DIRS.contains(&name)
}

/// A tree held in memory, for tests and for listings that came from git.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    files: BTreeSet<Utf8PathBuf>,
    texts: BTreeMap<Utf8PathBuf, String>,
}

impl MemoryTree {
    /// Builds a tree from paths and texts.
    pub fn new<Path: Into<Utf8PathBuf>, Text: Into<String>>(
        files: impl IntoIterator<Item = (Path, Text)>,
    ) -> Self {
        let texts: BTreeMap<Utf8PathBuf, String> =
            files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        Self { files: texts.keys().cloned().collect(), texts }
    }

    /// Reads a fixture that describes several files in one text: each starts
    /// with a line `--- path`.
    pub fn from_fixture(fixture: &str) -> Self {
        let mut texts: Vec<(Utf8PathBuf, String)> = Vec::new();
        for line in fixture.lines() {
            if let Some(path) = line.strip_prefix("--- ") {
                texts.push((Utf8PathBuf::from(path.trim()), String::new()));
            } else if let Some((_, text)) = texts.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
        }
        Self::new(texts)
    }
}

impl Tree for MemoryTree {
    fn files(&self) -> &BTreeSet<Utf8PathBuf> {
        &self.files
    }

    fn read(&self, path: &Utf8Path) -> Option<String> {
        self.texts.get(path).cloned()
    }
}

/// One directory of a tree, seen as a tree of its own.
pub struct Subtree<'a> {
    tree: &'a dyn Tree,
    root: Utf8PathBuf,
    files: BTreeSet<Utf8PathBuf>,
}

impl<'a> Subtree<'a> {
    /// The tree below a directory.
    pub fn new(tree: &'a dyn Tree, root: &Utf8Path) -> Self {
        let files = tree
            .files_below(root)
            .filter_map(|file| file.strip_prefix(root).ok())
            .map(Utf8Path::to_owned)
            .collect();
        Self { tree, root: root.to_owned(), files }
    }
}

impl Tree for Subtree<'_> {
    fn files(&self) -> &BTreeSet<Utf8PathBuf> {
        &self.files
    }

    fn read(&self, path: &Utf8Path) -> Option<String> {
        if !self.files.contains(path) {
            return None;
        }
        self.tree.read(&self.root.join(path))
    }

    fn is_linked(&self, path: &Utf8Path) -> bool {
        self.tree.is_linked(&self.root.join(path))
    }
}

/// How much of a directory a [`DiskTree`] lists and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many directories deep.
    pub depth: usize,
    /// How many files and directories in all.
    pub entries: usize,
    /// The largest file that is read.
    pub file_size_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 16, entries: 50_000, file_size_bytes: 16 << 20 }
    }
}

/// A directory that cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The root is missing or unreadable.
    #[error("cannot list `{path}`")]
    Root {
        /// The root that was asked for.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The real path of the root is not UTF-8.
    #[error("the real path of `{path}` is not UTF-8")]
    NotUtf8 {
        /// The root that was asked for.
        path: Utf8PathBuf,
    },
}

/// A directory on disk, listed once.
#[derive(Debug, Clone)]
pub struct DiskTree {
    root: Utf8PathBuf,
    files: BTreeSet<Utf8PathBuf>,
    linked_dirs: BTreeSet<Utf8PathBuf>,
    notes: Vec<Note>,
    limits: Limits,
}

impl DiskTree {
    /// Lists a directory within the default limits.
    pub fn open(root: &Utf8Path) -> Result<Self, TreeError> {
        Self::open_within(root, Limits::default())
    }

    /// Lists a directory, level by level, so that what lies near the top is
    /// listed even when a limit is reached.
    pub fn open_within(root: &Utf8Path, limits: Limits) -> Result<Self, TreeError> {
        let at_root = |source| TreeError::Root { path: root.to_owned(), source };
        let real_root = fs_err::canonicalize(root).map_err(at_root)?;
        let real_root = Utf8PathBuf::from_path_buf(real_root)
            .map_err(|_| TreeError::NotUtf8 { path: root.to_owned() })?;
        fs_err::read_dir(&real_root).map_err(at_root)?;
        let mut tree = Self {
            root: real_root,
            files: BTreeSet::new(),
            linked_dirs: BTreeSet::new(),
            notes: Vec::new(),
            limits,
        };
        tree.list();
        Ok(tree)
    }

    /// What was left out of the listing.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn list(&mut self) {
        let mut entries_left = self.limits.entries;
        let mut too_deep = 0_usize;
        let mut not_utf8 = 0_usize;
        let mut waiting = VecDeque::from([(Utf8PathBuf::new(), 0_usize)]);
        let mut is_full = false;
        while let Some((directory, depth)) = waiting.pop_front() {
            let Ok(entries) = self.root.join(&directory).read_dir_utf8() else {
                self.notes.push(Note::in_file(directory, "this directory cannot be listed"));
                continue;
            };
            // Taken before sorting, so that one huge directory stays bounded.
            let mut listed = Vec::new();
            for entry in entries {
                if entries_left == 0 {
                    self.notes.push(Note::general(format!(
                        "stopped listing after {} entries; what lies deeper was not seen",
                        self.limits.entries
                    )));
                    is_full = true;
                    break;
                }
                entries_left -= 1;
                match entry {
                    Ok(entry) => listed.push(entry),
                    Err(_) => not_utf8 += 1,
                }
            }
            listed.sort_by(|a, b| a.file_name().cmp(b.file_name()));
            for entry in listed {
                let path = directory.join(entry.file_name());
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let is_dir = if kind.is_symlink() {
                    match self.resolve_link(&directory, &path) {
                        Some(LinkTo::File) => false,
                        Some(LinkTo::Directory) => {
                            self.linked_dirs.insert(path.clone());
                            true
                        }
                        None => continue,
                    }
                } else if kind.is_file() {
                    false
                } else if kind.is_dir() {
                    true
                } else {
                    continue;
                };
                if !is_dir {
                    self.files.insert(path);
                } else if is_pruned_dir(entry.file_name()) {
                    self.linked_dirs.remove(&path);
                } else if depth + 1 >= self.limits.depth {
                    too_deep += 1;
                } else {
                    waiting.push_back((path, depth + 1));
                }
            }
            if is_full {
                break;
            }
        }
        if too_deep > 0 {
            self.notes.push(Note::general(format!(
                "{too_deep} directories lie deeper than {} levels and were not seen",
                self.limits.depth
            )));
        }
        if not_utf8 > 0 {
            self.notes.push(Note::general(format!("{not_utf8} names are not UTF-8 and were not seen")));
        }
    }

    /// Where a file really is, if that is inside the root.
    fn real_file(&self, path: &Utf8Path) -> Option<(Utf8PathBuf, std::fs::Metadata)> {
        let real =
            self.root.join(path).canonicalize_utf8().ok().filter(|real| real.starts_with(&self.root))?;
        let metadata = fs_err::metadata(&real).ok().filter(std::fs::Metadata::is_file)?;
        Some((real, metadata))
    }

    /// Where a link leads, if it stays inside the root and does not lead to a
    /// directory that it lies in itself.
    fn resolve_link(&self, directory: &Utf8Path, link: &Utf8Path) -> Option<LinkTo> {
        let target = self.root.join(link).canonicalize_utf8().ok()?;
        let inside = target.strip_prefix(&self.root).ok()?;
        if target.is_file() {
            return Some(LinkTo::File);
        }
        let real_directory = self.root.join(directory).canonicalize_utf8().ok()?;
        // A link below another link is not followed: two links that point at
        // each other would otherwise multiply until the limits are reached.
        let below_link = directory.ancestors().any(|ancestor| self.linked_dirs.contains(ancestor));
        let follow = target.is_dir()
            && !below_link
            && !real_directory.starts_with(&target)
            && !inside.components().any(|component| is_pruned_dir(component.as_str()));
        follow.then_some(LinkTo::Directory)
    }
}

enum LinkTo {
    File,
    Directory,
}

impl Tree for DiskTree {
    fn files(&self) -> &BTreeSet<Utf8PathBuf> {
        &self.files
    }

    fn read(&self, path: &Utf8Path) -> Option<String> {
        if !self.files.contains(path) && !is_pruned_path(path) {
            return None;
        }
        // Asked again: the checkout may have changed since it was listed.
        let (real, metadata) = self.real_file(path)?;
        if metadata.len() > self.limits.file_size_bytes {
            return None;
        }
        fs_err::read_to_string(&real).ok()
    }

    fn has(&self, path: &Utf8Path) -> bool {
        self.files.contains(path) || (is_pruned_path(path) && self.real_file(path).is_some())
    }

    fn is_linked(&self, path: &Utf8Path) -> bool {
        path.ancestors().skip(1).any(|ancestor| self.linked_dirs.contains(ancestor))
    }
}

#[cfg(test)]
mod tests;
