//! One relation, as Juju and as the agent see it.

use serde::{Deserialize, Serialize};

use super::{Few, Role};
use crate::vocabulary::{HookKind, Name};

/// What a relation needs next.
#[derive(Clone, Debug)]
pub(crate) struct RelationStep {
    /// The hook that it needs.
    pub(crate) kind: HookKind,
    /// The unit that the hook is about; none where it is about the application.
    pub(crate) unit: Option<Name>,
}

/// What was found out about a relation and need not be found out again. It is no part of
/// what a relation is, so it makes no two of them different.
#[derive(Clone, Debug, Default)]
pub(crate) enum Hint {
    /// Nobody has looked since the relation changed.
    #[default]
    Unknown,
    /// This is what it needs while the unit lives, if anything.
    Known(Option<RelationStep>),
}

impl PartialEq for Hint {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hint {}

impl std::hash::Hash for Hint {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// A relation of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Relation {
    pub(crate) endpoint: Name,
    pub(crate) role: Role,
    pub(crate) remote_app: Name,
    /// It connects the unit with the one beside it, and with no other (R49).
    pub(crate) is_container_scoped: bool,
    /// It was removed, and the unit has not left it yet.
    pub(crate) is_dying: bool,
    /// It is suspended: until it is resumed, the unit acts as if it were over (R33).
    pub(crate) is_suspended: bool,
    /// The unit left it once, because it was suspended.
    pub(crate) was_left: bool,
    /// The remote units in scope, with the versions of their data. The order is that of
    /// strings, which is the one that Juju serves units in (R39).
    pub(crate) remote_units: Few<Name, u64>,
    /// The version of the remote application's data; nobody is told of 0 (R36).
    pub(crate) app_version: u64,

    /// The agent ran `relation-created`.
    pub(crate) created: bool,
    /// The units that joined, with the versions of their data that were seen.
    pub(crate) members: Few<Name, u64>,
    /// The unit that joined last and waits for its `changed` (R31).
    pub(crate) changed_pending: Option<Name>,
    pub(crate) app_version_seen: u64,
    /// What it needs next, as long as the unit lives and nothing changes. Most relations need
    /// nothing most of the time, and looking through all their units takes long.
    #[serde(skip)]
    pub(crate) hint: Hint,
}

impl Relation {
    pub(crate) fn new(endpoint: Name, role: Role, remote_app: Name) -> Self {
        Self {
            endpoint,
            role,
            remote_app,
            is_container_scoped: false,
            is_dying: false,
            is_suspended: false,
            was_left: false,
            remote_units: Few::new(),
            app_version: 0,
            created: false,
            members: Few::new(),
            changed_pending: None,
            app_version_seen: 0,
            hint: Hint::default(),
        }
    }

    pub(crate) fn is_peer(&self) -> bool {
        self.role == Role::Peer
    }
}
