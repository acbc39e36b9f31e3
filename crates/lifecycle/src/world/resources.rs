//! Storage, containers, secrets, and the upgrade of a machine's series.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::vocabulary::Name;

/// One instance of a storage. What was detached is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Storage {
    /// It is there, and the unit was not told yet.
    Provisioned,
    /// `storage-attached` was committed.
    Attached,
    /// It goes, and its `storage-attached` is under way: unless that is committed, nobody
    /// hears of it again.
    Leaving,
    /// It goes, and `storage-detaching` was not committed yet.
    Dying,
}

/// Something that Pebble tells, apart from being ready.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WorkloadEvent {
    CustomNotice(Name),
    CheckFailed(Name),
    CheckRecovered(Name),
}

/// A workload container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Container {
    /// Counts the starts of Pebble.
    pub(crate) boot: u64,
    /// The start of Pebble that this life of the agent has told the charm of.
    pub(crate) boot_seen: Option<u64>,
    pub(crate) failing_checks: BTreeSet<Name>,
    /// What this life of the agent has not told the charm yet, oldest first.
    pub(crate) events: VecDeque<WorkloadEvent>,
    /// What Pebble still stores of what was told: each notice once, with its last time.
    pub(crate) told: VecDeque<WorkloadEvent>,
}

/// Whose secret it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretOwner {
    /// This unit.
    Unit,
    /// This application: only the leader hears of it.
    Application,
    /// Somebody else, whose secret this unit has read.
    Remote,
}

impl SecretOwner {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Application, Self::Remote];

    /// Returns the name, as formats write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Application => "application",
            Self::Remote => "remote",
        }
    }
}

/// A secret that the unit owns or has read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Secret {
    pub(crate) owner: SecretOwner,
    /// Whether the unit reads it though it is its own or its application's, and so hears of
    /// revisions as others do.
    #[serde(default)]
    pub(crate) is_read: bool,
    pub(crate) latest: u64,
    /// The revision that this unit was told of last, for a secret that it reads.
    pub(crate) consumed: u64,
    pub(crate) rotation_due: bool,
    /// Revisions that expired and were not told of.
    pub(crate) expired: BTreeSet<u32>,
    /// Revisions that nobody reads any more, and whether the owner was told (R87).
    pub(crate) unused: BTreeMap<u32, bool>,
}

/// How far an upgrade of the machine's series is (R95).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SeriesUpgrade {
    None,
    /// `pre-series-upgrade` is to run.
    Preparing,
    /// It ran, and the unit waits.
    Paused,
    /// `post-series-upgrade` is to run.
    Completing,
}
