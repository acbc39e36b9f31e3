//! A unit: what it says of itself, and what Juju has given it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a unit or an application is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum StatusKind {
    /// It works on something.
    Maintenance,
    /// A person has to do something.
    Blocked,
    /// It waits for others.
    Waiting,
    /// It does what it is there for.
    Active,
    /// It has not said.
    Unknown,
    /// A hook failed.
    Error,
    /// It has stopped for good.
    Terminated,
}

impl StatusKind {
    /// Returns the name, as tools write it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the status that a charm may set by this name.
    pub(crate) fn settable(name: &str) -> Option<Self> {
        let kind: Self = name.parse().ok()?;
        match kind {
            Self::Maintenance | Self::Blocked | Self::Waiting | Self::Active => Some(kind),
            Self::Unknown | Self::Error | Self::Terminated => None,
        }
    }

    /// Which status of several units Juju shows for the application: the one with the
    /// largest number (core/status, `statusSeverities`). Who is busy himself comes before who
    /// waits for others.
    pub fn severity(self) -> u8 {
        match self {
            Self::Error => 100,
            Self::Blocked => 90,
            Self::Maintenance => 80,
            Self::Waiting => 70,
            Self::Active => 60,
            Self::Terminated => 50,
            Self::Unknown => 40,
        }
    }
}

/// A status, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// How it is.
    pub kind: StatusKind,
    /// In words.
    pub message: String,
    /// More about it; no hook tool can set that.
    pub data: Map<String, Value>,
    /// Since when.
    pub since: Timestamp,
}

impl Status {
    /// Returns a status without further data.
    pub fn new(kind: StatusKind, message: impl Into<String>, since: Timestamp) -> Self {
        Self { kind, message: message.into(), data: Map::new(), since }
    }

    /// Becomes another one. A status that is said again is as old as it was (state/status.go, `setStatus`).
    pub fn become_another(&mut self, other: Self) {
        if (self.kind, &self.message, &self.data) != (other.kind, &other.message, &other.data) {
            *self = other;
        }
    }
}

/// What a port speaks.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PortProtocol {
    /// Without ports.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Ports from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// What is spoken there.
    pub protocol: PortProtocol,
    /// The first port; 0 for ICMP, which has none.
    pub from: u16,
    /// The last one.
    pub to: u16,
}

impl PortRange {
    /// Whether both have a port in common.
    pub(crate) fn conflicts_with(self, other: Self) -> bool {
        self.protocol == other.protocol && self.from <= other.to && other.from <= self.to
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol: &str = self.protocol.into();
        match self.protocol {
            PortProtocol::Icmp => f.write_str(protocol),
            PortProtocol::Tcp | PortProtocol::Udp if self.from == self.to => {
                write!(f, "{}/{protocol}", self.from)
            }
            PortProtocol::Tcp | PortProtocol::Udp => write!(f, "{}-{}/{protocol}", self.from, self.to),
        }
    }
}

/// Ports that are open for an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port {
    /// The ports.
    pub range: PortRange,
    /// The endpoint; empty for all of them.
    pub endpoint: String,
}

/// What a storage is to a charm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum StorageKind {
    /// A mounted file system.
    Filesystem,
    /// A bare block device.
    Block,
}

/// An instance of a storage, at a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageInstance {
    /// What it is to the charm.
    pub kind: StorageKind,
    /// Where it is.
    pub location: String,
}

/// A unit of an application that is modelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name: `mysql/0`.
    pub name: Name,
    /// The address that it has within the model.
    pub private_address: String,
    /// The address that others have for it.
    pub public_address: String,
    /// The unit that it lives beside, if it is a subordinate.
    pub principal: Option<Name>,
    /// Whether it was asked to go.
    pub is_dying: bool,
    /// What the charm has last said of itself.
    pub status: Status,
    /// Whether the charm has ever said something.
    pub has_set_status: bool,
    /// What Juju shows instead, while a failed hook waits: `hook failed: "install"`.
    pub failure: Option<String>,
    /// When that hook failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_since: Option<Timestamp>,
    /// The version of the workload.
    pub workload_version: String,
    /// The ports that are open.
    pub ports: BTreeSet<Port>,
    /// The storage that is attached, by id: `data/0`.
    pub storages: BTreeMap<Name, StorageInstance>,
    /// What the charm keeps with the controller (`state-set`).
    pub charm_state: BTreeMap<String, String>,
    /// Which units of each relation the agent has told the charm of, and not yet that they
    /// go. What `relation-list` lists.
    pub members: BTreeMap<u32, BTreeSet<Name>>,
    /// The payloads that it has registered: class and id, and their status.
    pub payloads: BTreeMap<String, String>,
}

impl Unit {
    /// Returns the ports that are open for any endpoint, as `juju status` and `show-unit` list them:
    /// by protocol and number, each once (core/network, `SortPortRanges`).
    pub fn opened_ports(&self) -> Vec<String> {
        let ranges: BTreeSet<PortRange> = self.ports.iter().map(|port| port.range).collect();
        ranges.iter().map(ToString::to_string).collect()
    }

    /// Shows no failure any more.
    pub(super) fn forget_failure(&mut self) {
        (self.failure, self.failed_since) = (None, None);
    }

    /// Returns the status that `juju status` and goal-state show.
    pub fn shown_status(&self) -> Status {
        match &self.failure {
            Some(message) => {
                let since = self.failed_since.unwrap_or(self.status.since);
                Status::new(StatusKind::Error, message.clone(), since)
            }
            None => self.status.clone(),
        }
    }
}
