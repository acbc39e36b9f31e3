//! What is known about a sequence before it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::vocabulary::{JujuVersion, Name, Platform};

/// Where a sequence begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the deployment of the unit: nothing ran before the first hook.
    Deployment,
    /// Somewhere. A rule may only accuse on what the sequence itself has shown.
    #[default]
    Unknown,
}

/// What somebody has left out of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filter {
    /// Nothing.
    #[default]
    Nothing,
    /// All but the hooks of some endpoints, which are there from their first.
    OtherEndpoints,
    /// Anything. Only rules that need to see but one hook can judge.
    Anything,
}

/// How much a source tells of what is no hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Markers {
    /// Whatever it happens to say. No log of Juju tells of `juju resolved`, for one.
    #[default]
    Some,
    /// Each: every agent that began or was told to go, lost leadership, resolved hooks.
    All,
}

/// What a charm declares, as far as the judge needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredCharm {
    /// Its endpoints.
    pub endpoints: BTreeMap<Name, DeclaredEndpoint>,
    /// Its storages, and how many instances of each a unit is deployed with at least.
    pub storages: BTreeMap<Name, u32>,
    /// Its workload containers.
    pub containers: BTreeSet<Name>,
    /// Its actions.
    pub actions: BTreeSet<Name>,
    /// Whether hooks of the sequence may be of another revision of the charm, as in a log.
    pub may_be_other_revision: bool,
}

/// An endpoint that a charm declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeclaredEndpoint {
    /// It connects the units of one application.
    pub is_peer: bool,
    /// It connects a unit with the one beside it on the same machine, and with no other.
    pub is_container_scoped: bool,
}

/// What is known about a sequence before it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The line of Juju releases; without it, whatever any of them does is accepted.
    pub version: Option<JujuVersion>,
    /// The platform; without it, whatever either does is accepted.
    pub platform: Option<Platform>,
    /// Where the sequence begins.
    pub start: Start,
    /// What was left out.
    pub filter: Filter,
    /// How much it tells besides hooks.
    pub markers: Markers,
    /// The unit that ran the hooks.
    pub unit: Option<String>,
    /// The charm's peer endpoints, all of them. No log names them.
    pub peers: Option<BTreeSet<String>>,
    /// The charm. Where it is known, `peers` need not be given.
    pub charm: Option<Arc<DeclaredCharm>>,
}

impl Settings {
    /// Whether an endpoint is one between units of the same application, if known.
    pub(super) fn is_peer(&self, endpoint: &str, remote_app: Option<&Name>) -> Option<bool> {
        if let Some(peers) = &self.peers {
            return Some(peers.contains(endpoint));
        }
        let declared = self.charm.as_ref().and_then(|charm| charm.endpoints.get(endpoint));
        if let Some(declared) = declared {
            return Some(declared.is_peer);
        }
        let (unit, remote_app) = (self.unit.as_ref()?, remote_app?);
        Some(unit.split('/').next() == Some(remote_app.as_str()))
    }
}
