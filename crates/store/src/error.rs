//! What can go wrong with a store.

use camino::{Utf8Path, Utf8PathBuf};

use crate::event::{LOG_SCHEMA, RunId, SubjectId};
use crate::index::INDEX_VERSION;
use crate::store::STORE_FORMAT;

/// The result of a store's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store, a run or its index could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written; the source names it.
    #[error("failed to {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A path is not UTF-8.
    #[error("the path {path} is not UTF-8")]
    NotUtf8 {
        /// The path, with its odd parts replaced.
        path: String,
    },
    /// The store was made by a newer build.
    #[error(
        "the store {root} was written by a newer charmproof (format {found}; this one reads up to {STORE_FORMAT})"
    )]
    NewerStore {
        /// The store.
        root: Utf8PathBuf,
        /// Its format.
        found: u32,
    },
    /// The store's `format` file says nothing that makes sense.
    #[error("the format file of the store {root} does not hold a version: {text:?}")]
    BadFormat {
        /// The store.
        root: Utf8PathBuf,
        /// What it holds.
        text: String,
    },
    /// The log was written by a newer build.
    #[error(
        "the log {log} was written by a newer charmproof (schema {found}; this one reads up to {LOG_SCHEMA})"
    )]
    NewerLog {
        /// The log.
        log: Utf8PathBuf,
        /// Its schema.
        found: u32,
    },
    /// The log does not start with the head of a run.
    #[error("the log {log} does not start with a run")]
    NoHead {
        /// The log.
        log: Utf8PathBuf,
    },
    /// The index was written by a newer build.
    #[error(
        "the index {path} was written by a newer charmproof (version {found}; this one knows up to {INDEX_VERSION})"
    )]
    NewerIndex {
        /// The index.
        path: Utf8PathBuf,
        /// Its version.
        found: i64,
    },
    /// SQLite refused.
    #[error("failed to {doing} the index")]
    Index {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process writes this run.
    #[error("the run {run} is being written by {holder}")]
    Locked {
        /// The run.
        run: RunId,
        /// `process 1234`, where that is known.
        holder: String,
    },
    /// There is a run of that name already.
    #[error("the run {run} exists already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// A run's name would not make a good folder.
    #[error("{name:?} cannot be the name of a run")]
    BadName {
        /// The name.
        name: String,
    },
    /// No run is meant by these words.
    #[error("no run {name:?} in the store {root}")]
    NoRun {
        /// What was asked for.
        name: String,
        /// The store.
        root: Utf8PathBuf,
    },
    /// Several runs are meant by these words.
    #[error("{name:?} may be any of {}", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// What it may be.
        candidates: Vec<String>,
    },
    /// Two runs that should be merged swap in different packages.
    #[error(
        "{first} and {second} cannot be merged: their {side} swaps differ ({first_swaps}; {second_swaps})"
    )]
    DifferentSwaps {
        /// One run.
        first: RunId,
        /// The other.
        second: RunId,
        /// Which side's swaps.
        side: &'static str,
        /// What the one swaps in.
        first_swaps: String,
        /// What the other swaps in.
        second_swaps: String,
    },
    /// Two runs that should be merged tested different files of one charm.
    #[error("{first} and {second} cannot be merged: they hold different files of {subject}")]
    DifferentTrees {
        /// One run.
        first: RunId,
        /// The other.
        second: RunId,
        /// The charm.
        subject: SubjectId,
    },
    /// There is nothing to merge.
    #[error("no runs to merge")]
    NothingToMerge,
    /// An output is not what its name says, or not there.
    #[error("the output {id} in {dir} does not have the content that its name says")]
    BadOutput {
        /// The digest that it should have.
        id: String,
        /// The run's folder.
        dir: Utf8PathBuf,
    },
    /// A value could not be written as JSON.
    #[error("failed to write an event as JSON")]
    Json(#[source] serde_json::Error),
}

impl Error {
    /// Returns what to do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NewerStore { .. } | Self::NewerLog { .. } => {
                Some("update charmproof, or use another store".to_owned())
            }
            Self::NewerIndex { path, .. } => {
                Some(format!("update charmproof, or delete {path}: it is rebuilt from the logs"))
            }
            Self::Locked { .. } => Some("wait for it, or stop that process".to_owned()),
            Self::NoRun { .. } => Some("`charmproof runs` lists the runs there are".to_owned()),
            Self::Ambiguous { .. } => Some("give more of its name".to_owned()),
            Self::DifferentSwaps { .. } => {
                Some("merge only the shards of one check, all with the same swaps".to_owned())
            }
            Self::DifferentTrees { .. } => {
                Some("run all shards with the same commits of the charms".to_owned())
            }
            Self::BadFormat { root, .. } => {
                Some(format!("if {root} is a store of charmproof, write {STORE_FORMAT} into its format file"))
            }
            Self::Io { .. }
            | Self::NotUtf8 { .. }
            | Self::NoHead { .. }
            | Self::Index { .. }
            | Self::Exists { .. }
            | Self::BadName { .. }
            | Self::NothingToMerge
            | Self::BadOutput { .. }
            | Self::Json(_) => None,
        }
    }

    /// Returns a converter for the errors of files.
    pub(crate) fn io(doing: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// Returns a converter for the errors of SQLite.
    pub(crate) fn index(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Index { doing, source }
    }
}

/// Returns a path as UTF-8.
pub(crate) fn utf8(path: std::path::PathBuf) -> Result<Utf8PathBuf> {
    Utf8PathBuf::from_path_buf(path).map_err(|path| Error::NotUtf8 { path: path.display().to_string() })
}

/// Returns the path's last part, for messages.
pub(crate) fn name_of(path: &Utf8Path) -> &str {
    path.file_name().unwrap_or(path.as_str())
}
