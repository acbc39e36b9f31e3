//! One relation, as Juju and as the agent see it.

use std::collections::BTreeMap;

use super::Role;

/// A relation of the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) endpoint: String,
    pub(crate) role: Role,
    pub(crate) remote_app: String,
    /// It was removed, and the unit has not left it yet.
    pub(crate) is_dying: bool,
    /// The remote units in scope, with the versions of their data. The order is that of
    /// strings, which is the one that Juju serves units in (R39).
    pub(crate) remote_units: BTreeMap<String, u64>,
    /// The version of the remote application's data; nobody is told of 0 (R36).
    pub(crate) app_version: u64,

    /// The agent ran `relation-created`.
    pub(crate) created: bool,
    /// The units that joined, with the versions of their data that were seen.
    pub(crate) members: BTreeMap<String, u64>,
    /// The unit that joined last and waits for its `changed` (R31).
    pub(crate) changed_pending: Option<String>,
    pub(crate) app_version_seen: u64,
}

impl Relation {
    pub(crate) fn new(endpoint: &str, role: Role, remote_app: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            role,
            remote_app: remote_app.to_owned(),
            is_dying: false,
            remote_units: BTreeMap::new(),
            app_version: 0,
            created: false,
            members: BTreeMap::new(),
            changed_pending: None,
            app_version_seen: 0,
        }
    }

    pub(crate) fn is_peer(&self) -> bool {
        self.role == Role::Peer
    }
}
