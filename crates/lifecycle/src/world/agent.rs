//! The unit agent: what it stores, and what it only remembers while it lives.

use serde::{Deserialize, Serialize};

use crate::vocabulary::Hook;

/// What the agent is about: Juju's `kind` and `step` in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Nothing: it chooses anew.
    #[default]
    Continue,
    /// This hook is the next one, whatever else happens.
    Queued(Hook),
    /// This hook failed or was interrupted, and has to be done first.
    Failed(Hook),
}

/// A hook that runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Running {
    pub(crate) hook: Hook,
    /// The version of what the hook tells of, as it was when the hook began: what changes
    /// while it runs needs a hook of its own.
    pub(crate) version: u64,
}

/// The state of the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Agent {
    // Stored in the controller, and kept when the agent ends.
    pub(crate) operation: Operation,
    pub(crate) installed: bool,
    pub(crate) started: bool,
    pub(crate) stopped: bool,
    pub(crate) removed: bool,
    /// The agent has accepted leadership, and not resigned.
    pub(crate) leader: bool,
    pub(crate) config_seen: Option<u64>,
    pub(crate) charm_version: u64,

    // Of the process, and lost with it.
    pub(crate) running: Option<Running>,
    pub(crate) is_up: bool,
    /// The pod was told to go (SIGTERM).
    pub(crate) is_shutting_down: bool,
    /// A `start` is owed for a reboot or, on Kubernetes, for a new agent.
    pub(crate) owes_start: bool,
    /// The failed hook is to be tried again now.
    pub(crate) retry_due: bool,
    /// The hook that runs asked for a reboot after it (R62).
    pub(crate) reboots_after_hook: bool,
    /// It began again, and no longer knows which of its relations are peers (R46).
    pub(crate) forgot_peers: bool,
    /// A unit that does not lead has seen the leader's settings.
    pub(crate) settings_seen: bool,
}
