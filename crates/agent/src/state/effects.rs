//! What others have to be told of a hook, and what is compared between two runs of one.

use std::collections::BTreeMap;

use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::secret::SecretId;
use super::unit::{Port, StatusKind};
use crate::tools::Call;

/// Who writes: a unit, or the leader for its application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writer {
    /// A unit.
    Unit(Name),
    /// An application.
    Application(Name),
}

/// Relation data that is other than it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelationChange {
    /// The relation.
    pub relation: u32,
    /// Whose data it is.
    pub writer: Writer,
    /// The keys that differ, with the values that they have now; `None` where they are gone.
    pub keys: BTreeMap<String, Option<String>>,
}

/// Something that happened to a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretChange {
    /// It is new.
    Added,
    /// It has a revision more.
    Revised {
        /// The revision.
        revision: u32,
    },
    /// What is said about it is other than it was: its label, its rotation.
    Described,
    /// A revision is gone, or all of it.
    Removed {
        /// The revision; `None` for all of them.
        revision: Option<u32>,
    },
    /// Somebody may read it now.
    Granted {
        /// The unit or application.
        to: Name,
        /// The relation that the permission ends with.
        relation: u32,
    },
    /// Somebody may not read it any more.
    Revoked {
        /// The unit or application.
        from: Name,
    },
    /// The unit reads another revision from now on.
    Tracked {
        /// The revision.
        revision: u32,
    },
}

/// A secret, and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretEffect {
    /// The secret.
    pub id: SecretId,
    /// What happened.
    pub change: SecretChange,
}

/// Ports that were opened or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortChange {
    /// The ports.
    pub port: Port,
    /// Whether they are open now.
    pub is_open: bool,
}

/// Storage that the charm asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StorageAddition {
    /// The name of the storage.
    pub name: Name,
    /// How many instances more.
    pub count: u32,
}

/// When the machine is to be rebooted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reboot {
    /// When the hook has ended.
    Later,
    /// At once: the hook is killed, nothing of it is kept, and it runs again.
    Now,
}

/// A status that the charm has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusSet {
    /// Whose.
    pub of: Writer,
    /// Which.
    pub kind: StatusKind,
    /// In words.
    pub message: String,
}

/// What an action gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// Its results, nested where keys had dots.
    pub results: BTreeMap<String, Value>,
    /// Why it failed; `None` if it did not.
    pub failure: Option<String>,
    /// What it has told while it ran.
    pub log: Vec<String>,
    /// When it has told each of these. In a life that is played, that is when the hook began.
    #[serde(skip)]
    pub log_times: Vec<Timestamp>,
}

/// A line of the unit's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `TRACE` to `CRITICAL`.
    pub level: String,
    /// The text.
    pub text: String,
}

/// A metric that the charm has reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Its name.
    pub key: String,
    /// Its value, as it was written.
    pub value: String,
    /// What tells it from others of the name.
    pub labels: BTreeMap<String, String>,
}

/// A payload that was registered, changed or unregistered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PayloadChange {
    /// Its class and its id: `redis/docker-1`.
    pub payload: String,
    /// Its status; `None` when it is gone.
    pub status: Option<String>,
}

/// A hook tool that ended with an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misuse {
    /// The name of the tool.
    pub tool: String,
    /// All arguments that it was given, its name first.
    pub arguments: Vec<String>,
    /// The exit code.
    pub code: i32,
    /// What it said.
    pub message: String,
}

/// All that a hook did, each list in the order in which it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HookEffects {
    /// Whether what Juju keeps back until the end was kept.
    pub is_committed: bool,
    /// Relation data that is other than it was.
    pub relation_changes: Vec<RelationChange>,
    /// What happened to secrets.
    pub secrets: Vec<SecretEffect>,
    /// What became of ports.
    pub ports: Vec<PortChange>,
    /// Storage that was asked for.
    pub storage_additions: Vec<StorageAddition>,
    /// Keys of the charm's state with the controller that differ; `None` where they are gone.
    pub charm_state: BTreeMap<String, Option<String>>,
    /// Whether the application's pods were specified anew.
    pub pod_spec: Option<String>,
    /// Whether the machine is to be rebooted.
    pub reboot: Option<Reboot>,
    /// Every status that was set.
    pub statuses: Vec<StatusSet>,
    /// The version of the workload, if it was set.
    pub workload_version: Option<String>,
    /// What the leader shared with `leader-set`.
    pub leader_settings: BTreeMap<String, String>,
    /// What the action gave back, if it was one.
    pub action: Option<ActionOutcome>,
    /// What was logged.
    pub log: Vec<LogLine>,
    /// Metrics that were reported.
    pub metrics: Vec<Metric>,
    /// Payloads that were registered, changed or unregistered.
    pub payloads: Vec<PayloadChange>,
    /// What was called, by meaning: how it was spelt makes no difference.
    pub calls: Vec<Call>,
    /// Tools that ended with an error.
    pub misuses: Vec<Misuse>,
}
