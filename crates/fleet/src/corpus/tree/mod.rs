//! The files of a repository as the tool sees them, and copies of them.
//!
//! A [`Snapshot`] is a list of files with a digest: of a mirror at a commit, of
//! a checkout as it is on disk now, or of a directory that git knows nothing of.
//! [`TreeReader::materialise`] writes one out as a copy to work in, and
//! [`TreeReader::refresh`] makes such a copy pristine again.
//!
//! What belongs to a snapshot:
//!
//! - *Mirror*: the tree of the commit. The digest is git's own id of the tree.
//!   Submodules are not fetched; each is noted.
//! - *Checkout*: what git tracks, as it is on disk, and what it does not track
//!   and does not ignore. Submodules give their files as they are on disk.
//!   Untracked environments and caches ([`PRUNED_CACHES`]) are left out even
//!   where nobody ignores them.
//! - *Plain directory*: all files but [`PRUNED_CACHES`] and [`PRUNED_OUTPUTS`].
//!
//! The root of a snapshot is the directory the user named, not the top of the
//! git repository it lies in: a folder with twenty examples is twenty small
//! copies. It is widened only where files refer to `..`; see [`Scope`].
//!
//! A copy of a checkout or mirror has a private `.git` that borrows the objects
//! of its source, so that `git describe`, `git status` and ignore rules work.
//! Nothing is ever written to a source.

mod cache;
mod checkout;
mod copy;
mod links;
mod private_git;
mod refresh;
mod scope;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

pub use checkout::{PRUNED_CACHES, PRUNED_OUTPUTS};
pub use scope::Scope;

use super::git::{Git, GitError};

/// Why files could not be read or written.
#[derive(Debug, Error)]
pub enum TreeError {
    /// git could not read the repository.
    #[error("failed to read the files of `{path}`")]
    Git {
        /// The repository.
        path: Utf8PathBuf,
        /// What git said.
        #[source]
        source: GitError,
    },
    /// The disk said no. The source names the path.
    #[error("failed to {action}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The user saved a file between snapshot and copy.
    #[error("`{path}` changed while it was copied")]
    Changed {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The copy would lie in its source, or the source in the copy.
    #[error("a copy at `{dest}` would overlap its source `{root}`")]
    Overlap {
        /// The copy.
        dest: Utf8PathBuf,
        /// The source.
        root: Utf8PathBuf,
    },
    /// There is something where the copy should go.
    #[error("`{dest}` is not empty")]
    NotEmpty {
        /// The copy.
        dest: Utf8PathBuf,
    },
}

impl TreeError {
    fn io(action: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    fn git(path: &Utf8Path) -> impl Fn(GitError) -> Self + '_ {
        move |source| Self::Git { path: path.to_owned(), source }
    }
}

/// What a file is besides its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileMode {
    /// An ordinary file.
    Regular,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link; its content is where it points.
    Symlink,
}

/// One file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// The path from the snapshot's root, without `..`.
    pub path: Utf8PathBuf,
    /// What it is.
    pub mode: FileMode,
    /// git's blob id for a mirror, else the SHA-256 of the content.
    pub content: String,
    /// How large it is.
    pub size_bytes: u64,
    /// The source's size and times when it was read; 0 for a mirror.
    stamp: cache::Stamp,
}

/// A name for all files of a snapshot together: equal digests, equal files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeDigest(String);

impl TreeDigest {
    /// Returns it as `git:<tree id>` or `sha256:<digest>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the files of a snapshot are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A bare repository in the cache.
    Mirror {
        /// The repository.
        git_dir: Utf8PathBuf,
    },
    /// A directory on disk.
    Directory {
        /// The directory, canonical.
        root: Utf8PathBuf,
        /// The git repository that has it, if one does.
        repository: Option<Repository>,
    },
}

/// The git repository of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Where its objects and refs are.
    pub common_dir: Utf8PathBuf,
    /// The snapshot's root as seen from its top; empty for the top itself.
    pub prefix: Utf8PathBuf,
    /// `sha1` or `sha256`.
    pub object_format: String,
}

/// The files of a repository at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Where they are.
    pub origin: Origin,
    /// The commit they are of, or were changed from.
    pub commit: Option<String>,
    /// Whether they differ from that commit.
    pub dirty: bool,
    /// The name of the whole.
    pub digest: TreeDigest,
    /// The files, sorted by path.
    pub files: Vec<FileEntry>,
    /// What was left out and why.
    pub notes: Vec<String>,
}

/// What writing a copy took.
#[derive(Clone, Debug, Default)]
pub struct MaterialiseStats {
    /// Files written; on a refresh, only those that had changed.
    pub files_written: usize,
    /// Their size.
    pub bytes_written: u64,
    /// Whether the file system shares the blocks with the source.
    pub reflinked: bool,
    /// Things removed on a refresh.
    pub removed: usize,
    /// Links that pointed out of the copy and were left out.
    pub dropped_links: Vec<Utf8PathBuf>,
    /// Object directories the copy's `.git` borrows from. Whoever hides the
    /// rest of the machine from a suite must leave these readable.
    pub borrowed_objects: Vec<Utf8PathBuf>,
    /// What could not be done and does not matter much.
    pub notes: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Reads snapshots and writes copies.
#[derive(Clone, Copy, Debug)]
pub struct TreeReader<'a> {
    git: &'a Git,
    cache_dir: Option<&'a Utf8Path>,
    /// How long a file must have been left alone before its digest is kept.
    settled: Duration,
}

impl<'a> TreeReader<'a> {
    /// Returns a reader. With a `cache_dir`, the content digests of checkouts
    /// are remembered there, and an unchanged checkout is not read again.
    pub fn new(git: &'a Git, cache_dir: Option<&'a Utf8Path>) -> Self {
        Self { git, cache_dir, settled: Duration::from_secs(2) }
    }

    /// Returns the files of the mirror `git_dir` at `commit`.
    pub fn mirror(&self, git_dir: &Utf8Path, commit: &str) -> Result<Snapshot, TreeError> {
        let git_dir = git_dir.canonicalize_utf8().map_err(TreeError::io("find the mirror"))?;
        let call = || self.git.isolated(&git_dir).args(["--git-dir", "."]);
        let fail = TreeError::git(&git_dir);
        let tree = call()
            .args(["rev-parse", "--verify", "--end-of-options"])
            .arg(format!("{commit}^{{tree}}"))
            .read_text()
            .map_err(&fail)?;
        let listing = call()
            .args(["ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options"])
            .arg(&tree)
            .output_limit(512 << 20)
            .read()
            .map_err(&fail)?;
        let mut files = Vec::new();
        let mut notes = Vec::new();
        for record in listing.split(|&byte| byte == 0).filter(|r| !r.is_empty()) {
            let Ok(record) = std::str::from_utf8(record) else {
                notes.push(format!("a file name is not UTF-8: {}", String::from_utf8_lossy(record)));
                continue;
            };
            let Some((head, path)) = record.split_once('\t') else {
                continue;
            };
            let mut words = head.split_ascii_whitespace();
            let (mode, _, id, size) = (words.next(), words.next(), words.next(), words.next());
            let mode = match mode {
                Some("100755") => FileMode::Executable,
                Some("120000") => FileMode::Symlink,
                Some("160000") => {
                    notes.push(format!("the submodule `{path}` is not fetched"));
                    continue;
                }
                _ => FileMode::Regular,
            };
            files.push(FileEntry {
                path: path.into(),
                mode,
                content: id.unwrap_or_default().to_owned(),
                size_bytes: size.and_then(|size| size.parse().ok()).unwrap_or(0),
                stamp: cache::Stamp::default(),
            });
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        drop(fail);
        Ok(Snapshot {
            origin: Origin::Mirror { git_dir },
            commit: Some(commit.to_owned()),
            dirty: false,
            digest: TreeDigest(format!("git:{tree}")),
            files,
            notes,
        })
    }

    /// Returns the files of the directory `path` as they are on disk.
    pub fn directory(&self, path: &Utf8Path) -> Result<Snapshot, TreeError> {
        checkout::read(*self, path)
    }

    /// Writes `snapshot` to `dest`, which must be empty or missing.
    pub fn materialise(&self, snapshot: &Snapshot, dest: &Utf8Path) -> Result<MaterialiseStats, TreeError> {
        copy::materialise(*self, snapshot, dest)
    }

    /// Makes the copy at `dest` what [`materialise`](Self::materialise) made:
    /// removes what is not in `snapshot`, rewrites what differs, and makes the
    /// private `.git` anew. Entries named in `keep` (`.tox`, `.venv`) stay where
    /// they lie in a directory of the snapshot and are not part of it.
    pub fn refresh(
        &self,
        snapshot: &Snapshot,
        dest: &Utf8Path,
        keep: &[&str],
    ) -> Result<MaterialiseStats, TreeError> {
        refresh::refresh(*self, snapshot, dest, keep)
    }
}

/// Calls `work` for each item, on several threads if there are many. The first
/// error ends it.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, TreeError> + Sync,
) -> Result<Vec<R>, TreeError> {
    const FEW: usize = 64;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    if items.len() <= FEW || threads == 1 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    let parts: Vec<Result<Vec<R>, TreeError>> = std::thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(items.len().div_ceil(threads))
            .map(|chunk| scope.spawn(move || chunk.iter().map(work).collect()))
            .collect();
        workers
            .into_iter()
            .map(|worker| match worker.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    let mut all = Vec::with_capacity(items.len());
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}
