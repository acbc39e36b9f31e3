//! What is known about each mirror: its commit, when, and the last failure.
//!
//! Each mirror has its own small file, written under its lock, so one that is
//! damaged or lost says nothing about the others.

use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::{FetchOutcome, Mirrors};
use crate::corpus::list::FleetList;
use crate::corpus::location::GitRef;

const FILE: &str = "charmproof-status.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    schema: u32,
    url: String,
    refs: BTreeMap<String, RefStatus>,
}

/// What is known about one reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefStatus {
    /// The commit that is here.
    pub commit: Option<String>,
    /// When the remote last confirmed it.
    pub fetched_at: Option<Timestamp>,
    /// When the remote was last asked.
    pub attempted_at: Option<Timestamp>,
    /// Why that failed; `None` if it did not.
    pub failure: Option<Failure>,
}

/// One entry of a fleet and the state of its mirror.
#[derive(Clone, Debug)]
pub struct MirrorStatus {
    /// The entry's label.
    pub label: String,
    /// What it wants.
    pub source: GitRef,
    /// Where the mirror is, or would be.
    pub git_dir: Utf8PathBuf,
    /// What is known; all `None` if it was never fetched.
    pub state: RefStatus,
    /// Disk use of the mirror in bytes; shared by the references in it.
    pub size_bytes: u64,
}

impl Mirrors {
    /// Returns the state of the mirrors of all remote entries, in their order.
    pub fn status(&self, list: &FleetList) -> Vec<MirrorStatus> {
        let remote = list.entries.iter().filter_map(|entry| {
            let source = entry.git()?.clone();
            Some((entry.label.clone(), source))
        });
        remote
            .map(|(label, source)| {
                let git_dir = self.path(&source.url);
                MirrorStatus {
                    label,
                    state: self.ref_status(&source),
                    size_bytes: size(&git_dir),
                    source,
                    git_dir,
                }
            })
            .collect()
    }

    /// Returns what is known about `source`.
    pub fn ref_status(&self, source: &GitRef) -> RefStatus {
        read(&self.path(&source.url)).refs.remove(source.reference.as_str()).unwrap_or_default()
    }

    pub(super) fn record(&self, source: &GitRef, outcome: &FetchOutcome) -> io::Result<()> {
        let dir = self.path(&source.url);
        // A repository that was never there gets its record all the same.
        fs_err::create_dir_all(&dir)?;
        let now = Timestamp::now();
        let mut record = read(&dir);
        record.schema = 1;
        record.url = source.url.to_string();
        let state = record.refs.entry(source.reference.as_str().to_owned()).or_default();
        state.attempted_at = Some(now);
        state.commit = outcome.commit().map(str::to_owned);
        match outcome {
            FetchOutcome::Fetched { .. } | FetchOutcome::Unchanged { .. } => {
                state.fetched_at = Some(now);
                state.failure = None;
            }
            FetchOutcome::Failed { failure, .. } => state.failure = Some(failure.clone()),
        }
        let text = serde_json::to_vec_pretty(&record)?;
        let partial = dir.join(format!("{FILE}.partial"));
        fs_err::write(&partial, text)?;
        fs_err::rename(&partial, dir.join(FILE))
    }
}

fn read(dir: &Utf8Path) -> Record {
    fs_err::read(dir.join(FILE))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .filter(|record: &Record| record.schema == 1)
        .unwrap_or_default()
}

/// Returns how many bytes the files below `dir` have; mirrors are few files.
fn size(dir: &Utf8Path) -> u64 {
    let Ok(entries) = dir.read_dir_utf8() else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
