//! Reads the files of a directory on disk, with git's help where there is git.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use super::cache::{DigestCache, Stamp};
use super::{
    FileEntry, FileMode, Origin, Repository, Snapshot, TreeDigest, TreeError, TreeReader, in_parallel,
};
use crate::corpus::git::Git;
use crate::corpus::location::hex;

/// Directories of environments and caches; never part of a snapshot unless git
/// tracks them.
pub const PRUNED_CACHES: &[&str] = &[
    ".tox",
    ".nox",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
];

/// Directories that builds write; not part of a plain directory. `*.egg-info`
/// goes with them.
pub const PRUNED_OUTPUTS: &[&str] = &["build", "dist"];

/// How deep submodules are followed.
const SUBMODULE_DEPTH_MAX: usize = 8;

pub(super) fn read(reader: TreeReader<'_>, path: &Utf8Path) -> Result<Snapshot, TreeError> {
    let root = path.canonicalize_utf8().map_err(TreeError::io("find the directory"))?;
    let mut listing = Listing::default();
    let mut state = State::default();
    let repository = find_repository(reader.git, &root);
    if let Some(repository) = &repository {
        let (status, listed) = std::thread::scope(|scope| {
            let status = scope.spawn(|| read_status(reader.git, &root));
            let listed = listing.add_git(reader.git, &root, Utf8Path::new(""), 0);
            (status.join(), listed)
        });
        listed?;
        match status {
            Ok(status) => state = status?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        state.repository = Some(repository.clone());
    }
    if repository.is_none() || listing.is_empty() {
        // Not in git, or in a directory that the repository around it ignores.
        state = State::default();
        listing.add_plain(&root, Utf8Path::new(""))?;
    } else if listing.tracked == 0 {
        // The repository around it has never heard of it.
        state = State::default();
    }
    let mut notes = std::mem::take(&mut listing.notes);
    let cache = DigestCache::open(reader.cache_dir, &root, reader.settled);
    let paths = listing.visible(&root);
    let read = in_parallel(&paths, |path| read_file(&root, path, &cache))?;
    let mut files = Vec::with_capacity(read.len());
    for found in read {
        match found {
            Found::File(file) => files.push(file),
            Found::Gone => state.dirty |= state.commit.is_some(),
            Found::Special(path) => notes.push(format!("`{path}` is not a file and was left out")),
        }
    }
    cache.store(files.iter().map(|file| (file.path.as_path(), &file.stamp, file.content.as_str())));
    Ok(Snapshot {
        digest: digest(&files),
        dirty: state.commit.is_some() && (state.dirty || listing.untracked > 0),
        commit: state.commit,
        origin: Origin::Directory { root, repository: state.repository },
        files,
        notes,
    })
}

fn digest(files: &[FileEntry]) -> TreeDigest {
    let mut hash = Sha256::new();
    hash.update(b"charmproof tree 1\0");
    for file in files {
        hash.update(match file.mode {
            FileMode::Regular => b"f",
            FileMode::Executable => b"x",
            FileMode::Symlink => b"l",
        });
        hash.update(file.content.as_bytes());
        hash.update(file.path.as_str().as_bytes());
        hash.update(b"\0");
    }
    TreeDigest(format!("sha256:{}", hex(&hash.finalize())))
}

#[derive(Debug, Default)]
struct State {
    repository: Option<Repository>,
    commit: Option<String>,
    dirty: bool,
}

/// Returns the repository whose work tree has `root`.
fn find_repository(git: &Git, root: &Utf8Path) -> Option<Repository> {
    let text = git
        .command(root)
        .args(["rev-parse", "--path-format=absolute", "--is-inside-work-tree"])
        .args(["--git-common-dir", "--show-object-format", "--show-prefix"])
        .read_text()
        .ok()?;
    // A directory name with a line break would shift the lines.
    let mut lines = text.lines();
    let (inside, common_dir, object_format) = (lines.next()?, lines.next()?, lines.next()?);
    let prefix = lines.next().unwrap_or("");
    let known = inside == "true" && common_dir.starts_with('/') && lines.next().is_none();
    known.then(|| Repository {
        common_dir: common_dir.into(),
        prefix: prefix.trim_end_matches('/').into(),
        object_format: object_format.to_owned(),
    })
}

/// Asks for the commit and whether tracked files differ from it.
fn read_status(git: &Git, root: &Utf8Path) -> Result<State, TreeError> {
    let output = git
        .command(root)
        .args(["status", "--porcelain=v2", "--branch", "-z", "--no-renames"])
        .args(["--untracked-files=no", "--ignore-submodules=untracked", "--", "."])
        .read()
        .map_err(TreeError::git(root))?;
    let text = String::from_utf8_lossy(&output);
    let mut state = State::default();
    for record in text.split('\0').filter(|record| !record.is_empty()) {
        if let Some(id) = record.strip_prefix("# branch.oid ") {
            state.commit = (id != "(initial)").then(|| id.to_owned());
        } else if !record.starts_with('#') {
            state.dirty = true;
        }
    }
    Ok(state)
}

/// The paths of a directory, before they are looked at.
#[derive(Debug, Default)]
struct Listing {
    paths: BTreeSet<Utf8PathBuf>,
    tracked: usize,
    untracked: usize,
    notes: Vec<String>,
}

impl Listing {
    fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Adds what git tracks or would track in `root`/`below`.
    fn add_git(
        &mut self,
        git: &Git,
        root: &Utf8Path,
        below: &Utf8Path,
        depth: usize,
    ) -> Result<(), TreeError> {
        let cwd = root.join(below);
        let output = git
            .command(&cwd)
            .args(["ls-files", "-z", "-t", "--stage", "--cached", "--others", "--exclude-standard"])
            .output_limit(512 << 20)
            .read()
            .map_err(TreeError::git(&cwd))?;
        for record in output.split(|&byte| byte == 0).filter(|r| !r.is_empty()) {
            let Ok(record) = std::str::from_utf8(record) else {
                let shown = String::from_utf8_lossy(record);
                self.notes.push(format!("a file name is not UTF-8: {shown}"));
                continue;
            };
            if let Some(path) = record.strip_prefix("? ") {
                self.add_untracked(git, root, below, path, depth)?;
            } else if let Some((head, path)) = record.split_once('\t') {
                self.tracked += 1;
                let path = below.join(path);
                if head.split(' ').nth(1) == Some("160000") {
                    self.add_submodule(git, root, &path, depth)?;
                } else {
                    self.paths.insert(path);
                }
            }
        }
        Ok(())
    }

    fn add_untracked(
        &mut self,
        git: &Git,
        root: &Utf8Path,
        below: &Utf8Path,
        path: &str,
        depth: usize,
    ) -> Result<(), TreeError> {
        let path = below.join(path.trim_end_matches('/'));
        let relative = path.strip_prefix(below).unwrap_or(&path);
        if relative.components().any(|part| PRUNED_CACHES.contains(&part.as_str())) {
            return Ok(());
        }
        self.untracked += 1;
        // git shows a checkout inside the checkout as one directory.
        let meta = fs_err::symlink_metadata(root.join(&path));
        if meta.is_ok_and(|meta| meta.is_dir()) {
            return self.add_submodule(git, root, &path, depth);
        }
        self.paths.insert(path);
        Ok(())
    }

    fn add_submodule(
        &mut self,
        git: &Git,
        root: &Utf8Path,
        path: &Utf8Path,
        depth: usize,
    ) -> Result<(), TreeError> {
        if !root.join(path).join(".git").exists() {
            return Ok(());
        }
        if depth >= SUBMODULE_DEPTH_MAX {
            self.notes.push(format!("`{path}` is nested too deep and was left out"));
            return Ok(());
        }
        let untracked = self.untracked;
        let result = self.add_git(git, root, path, depth + 1);
        // What a nested checkout does not track says nothing about ours.
        self.untracked = untracked;
        result
    }

    /// Adds all files below `root`/`below` but prunes.
    fn add_plain(&mut self, root: &Utf8Path, below: &Utf8Path) -> Result<(), TreeError> {
        let fail = TreeError::io("read the directory");
        for entry in fs_err::read_dir(root.join(below)).map_err(&fail)? {
            let entry = entry.map_err(&fail)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let shown = name.to_string_lossy().into_owned();
                self.notes.push(format!("a file name is not UTF-8: {shown}"));
                continue;
            };
            let path = below.join(name);
            if entry.file_type().map_err(&fail)?.is_dir() {
                let pruned = name == ".git"
                    || PRUNED_CACHES.contains(&name)
                    || PRUNED_OUTPUTS.contains(&name)
                    || Utf8Path::new(name).extension() == Some("egg-info");
                if !pruned {
                    self.add_plain(root, &path)?;
                }
            } else {
                self.paths.insert(path);
            }
        }
        Ok(())
    }

    /// Returns the paths whose directories are directories. git still lists
    /// `a/b` after `a` became a link, and the link may lead anywhere.
    fn visible(&self, root: &Utf8Path) -> Vec<Utf8PathBuf> {
        let mut real = BTreeMap::from([(Utf8PathBuf::new(), true)]);
        self.paths
            .iter()
            .filter(|path| path.parent().is_none_or(|dir| is_real_directory(root, dir, &mut real)))
            .cloned()
            .collect()
    }
}

fn is_real_directory(root: &Utf8Path, dir: &Utf8Path, known: &mut BTreeMap<Utf8PathBuf, bool>) -> bool {
    if let Some(&real) = known.get(dir) {
        return real;
    }
    let real = dir.parent().is_none_or(|parent| is_real_directory(root, parent, known))
        && fs_err::symlink_metadata(root.join(dir)).is_ok_and(|meta| meta.is_dir());
    known.insert(dir.to_owned(), real);
    real
}

enum Found {
    File(FileEntry),
    /// Tracked and not on disk.
    Gone,
    /// A pipe, a socket, a device, a directory in place of a file.
    Special(Utf8PathBuf),
}

fn read_file(root: &Utf8Path, path: &Utf8Path, cache: &DigestCache) -> Result<Found, TreeError> {
    let fail = TreeError::io("read a file of the checkout");
    let full = root.join(path);
    let meta = match fs_err::symlink_metadata(&full) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Gone),
        Err(error) => return Err(fail(error)),
    };
    let stamp = Stamp::of(&meta);
    let mode = if meta.is_symlink() {
        FileMode::Symlink
    } else if !meta.is_file() {
        return Ok(Found::Special(path.to_owned()));
    } else if meta.permissions().mode() & 0o100 != 0 {
        FileMode::Executable
    } else {
        FileMode::Regular
    };
    let content = match cache.get(path, &stamp) {
        Some(digest) => digest.to_owned(),
        None if mode == FileMode::Symlink => {
            let target = fs_err::read_link(&full).map_err(&fail)?;
            hex(&Sha256::digest(target.as_os_str().as_encoded_bytes()))
        }
        None => file_digest(&full).map_err(&fail)?,
    };
    Ok(Found::File(FileEntry { path: path.to_owned(), mode, content, size_bytes: meta.len(), stamp }))
}

/// Returns the SHA-256 of a file's content.
pub(super) fn file_digest(path: &Utf8Path) -> io::Result<String> {
    let mut file = fs_err::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}
