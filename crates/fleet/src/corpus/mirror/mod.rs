//! Bare, shallow copies of remote repositories in the cache.
//!
//! A mirror lies at `mirrors/<host>/<owner>/<name>.git`. Each reference is
//! fetched, one commit deep, to a ref of ours (`refs/charmproof/...`) with a
//! forced refspec: a branch that was force-pushed is simply the new commit, and
//! an interrupted fetch is simply done again. Commits that were fetched before
//! stay (nothing is ever collected), so a recorded run can be repeated.
//!
//! Each mirror has a lock beside it, taken for the time of a fetch. git itself
//! holds the lock too, as its input: a git that outlives a killed charmproof
//! keeps others out until it is done.
//!
//! One repository that fails stops nothing. Its last good commit stays usable
//! and is reported as stale.

mod failure;
mod fetch;
mod resolve;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

pub use failure::{Failure, FailureKind};
pub use resolve::{ResolveError, Resolved};
pub use status::{MirrorStatus, RefStatus};

use super::git::{CancelCheck, Git};
use super::location::{GitRef, GitUrl, Reference, ReferenceError};

/// Why the cache of mirrors cannot be used.
#[derive(Debug, Error)]
pub enum MirrorError {
    /// The directory cannot be made or written.
    #[error("failed to prepare the cache of mirrors at `{path}`")]
    Cache {
        /// The directory.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The commit to pin is not one.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The commit to pin could not be fetched.
    #[error("failed to fetch commit {commit} of {url}: {failure}")]
    Pin {
        /// The repository.
        url: String,
        /// The commit.
        commit: String,
        /// Why not.
        failure: Failure,
    },
}

/// How to fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchSettings {
    /// How many repositories at once.
    pub jobs: usize,
    /// How long one repository may take, all attempts together.
    pub timeout: Duration,
    /// How often to try when the network is at fault; at least 1.
    pub attempts: usize,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self { jobs: 8, timeout: Duration::from_mins(5), attempts: 2 }
    }
}

/// Something that happened while fetching.
#[derive(Clone, Debug)]
pub enum MirrorEvent<'a> {
    /// A repository's turn has come.
    Started {
        /// What is fetched.
        source: &'a GitRef,
    },
    /// A repository is done.
    Finished {
        /// What was fetched.
        source: &'a GitRef,
        /// How it went.
        outcome: &'a FetchOutcome,
        /// How many are done.
        done: usize,
        /// Of how many.
        total: usize,
        /// How long it took.
        elapsed: Duration,
    },
}

/// How the fetch of one reference went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchOutcome {
    /// There is a commit that was not there before.
    Fetched {
        /// The commit.
        commit: String,
        /// The commit it replaces; `None` on the first fetch.
        before: Option<String>,
    },
    /// The remote still has the commit we had.
    Unchanged {
        /// The commit.
        commit: String,
    },
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// The commit of an earlier fetch, still usable.
        stale: Option<String>,
    },
}

impl FetchOutcome {
    /// Returns the commit that can be used now, stale or not.
    pub fn commit(&self) -> Option<&str> {
        match self {
            Self::Fetched { commit, .. } | Self::Unchanged { commit } => Some(commit),
            Self::Failed { stale, .. } => stale.as_deref(),
        }
    }

    /// Returns whether it is a failure.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

/// A reference and how its fetch went.
#[derive(Clone, Debug)]
pub struct FetchResult {
    /// What was wanted.
    pub source: GitRef,
    /// How it went.
    pub outcome: FetchOutcome,
    /// The mirror.
    pub git_dir: Utf8PathBuf,
}

/// The mirrors in a cache directory.
#[derive(Debug)]
pub struct Mirrors {
    root: Utf8PathBuf,
    git: Git,
}

impl Mirrors {
    /// Opens the mirrors below `cache_dir`, made if missing.
    pub fn open(cache_dir: &Utf8Path, git: Git) -> Result<Self, MirrorError> {
        let root = cache_dir.join("mirrors");
        let prepare = || {
            fs_err::create_dir_all(&root)?;
            root.canonicalize_utf8()
        };
        match prepare() {
            Ok(root) => Ok(Self { root, git }),
            Err(source) => Err(MirrorError::Cache { path: root, source }),
        }
    }

    /// Returns where the mirror of `url` is, or would be.
    pub fn path(&self, url: &GitUrl) -> Utf8PathBuf {
        self.root.join(url.key())
    }

    /// Returns how git is called here.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// Fetches `wanted`, several at once. Results are in the order of `wanted`;
    /// a source named twice is fetched once. Once `cancel` says so, what is
    /// under way is stopped and the rest is reported as cancelled.
    pub fn fetch(
        &self,
        wanted: &[GitRef],
        settings: FetchSettings,
        progress: &(dyn Fn(MirrorEvent<'_>) + Sync),
        cancel: CancelCheck<'_>,
    ) -> Vec<FetchResult> {
        let mut distinct: Vec<&GitRef> = Vec::new();
        let mut places = Vec::with_capacity(wanted.len());
        let mut seen = std::collections::BTreeMap::new();
        for source in wanted {
            let place = *seen.entry((source.url.key(), &source.reference)).or_insert(distinct.len());
            if place == distinct.len() {
                distinct.push(source);
            }
            places.push(place);
        }
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let outcomes: Mutex<Vec<Option<FetchOutcome>>> = Mutex::new(vec![None; distinct.len()]);
        let worker = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(source) = distinct.get(at) else {
                    return;
                };
                let started = std::time::Instant::now();
                let outcome = if cancel() {
                    FetchOutcome::Failed { failure: Failure::cancelled(), stale: self.commit(source) }
                } else {
                    progress(MirrorEvent::Started { source });
                    self.fetch_one(source, settings, cancel)
                };
                progress(MirrorEvent::Finished {
                    source,
                    outcome: &outcome,
                    done: done.fetch_add(1, Ordering::Relaxed) + 1,
                    total: distinct.len(),
                    elapsed: started.elapsed(),
                });
                if let Ok(mut outcomes) = outcomes.lock() {
                    outcomes[at] = Some(outcome);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..settings.jobs.clamp(1, distinct.len().max(1)) {
                scope.spawn(worker);
            }
        });
        let outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        wanted
            .iter()
            .zip(places)
            .map(|(source, place)| FetchResult {
                source: source.clone(),
                outcome: outcomes[place].clone().expect("the scope ends when every source has an outcome"),
                git_dir: self.path(&source.url),
            })
            .collect()
    }

    /// Makes `commit` of `url` available and returns the mirror. Asks the
    /// remote only if the commit is not here.
    pub fn pin(
        &self,
        url: &GitUrl,
        commit: &str,
        settings: FetchSettings,
        cancel: CancelCheck<'_>,
    ) -> Result<Utf8PathBuf, MirrorError> {
        let source = GitRef { url: url.clone(), reference: Reference::commit(commit)? };
        match self.fetch_one(&source, settings, cancel) {
            FetchOutcome::Failed { failure, .. } => {
                Err(MirrorError::Pin { url: url.to_string(), commit: commit.to_owned(), failure })
            }
            FetchOutcome::Fetched { .. } | FetchOutcome::Unchanged { .. } => Ok(self.path(url)),
        }
    }

    /// Returns the commit the mirror has for `source`, if any, without asking
    /// the remote.
    pub fn commit(&self, source: &GitRef) -> Option<String> {
        let dir = self.path(&source.url);
        let name = match source.reference.commit_id() {
            // Every pack is fetched whole, so a commit that is here is complete.
            Some(id) => id.to_owned(),
            None => source.reference.local(),
        };
        if !dir.join("HEAD").is_file() {
            return None;
        }
        let output = self
            .git
            .command(&dir)
            .args(["--git-dir", "."])
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{name}^{{commit}}"))
            .read_text()
            .ok()?;
        Some(output).filter(|commit| !commit.is_empty())
    }
}
