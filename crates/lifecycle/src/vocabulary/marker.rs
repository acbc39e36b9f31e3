//! How a hook ended, and what a log says between hooks.

use serde::{Deserialize, Serialize};

/// How one run of a hook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The charm returned 0.
    Ok,
    /// The charm returned something else; the unit is in error.
    Failed,
    /// The charm has no such hook. Juju counts it as done.
    Missing,
    /// The agent was told to go and took the hook with it; Juju queues it again.
    Terminated,
}

impl Outcome {
    /// Whether Juju goes on as if the hook had run.
    pub fn is_committed(self) -> bool {
        match self {
            Self::Ok | Self::Missing => true,
            Self::Failed | Self::Terminated => false,
        }
    }

    /// Returns the name, as recorded traces and formats write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Terminated => "terminated",
        }
    }

    /// Returns the outcome that recorded traces write as `text`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ok" => Some(Self::Ok),
            "failed" => Some(Self::Failed),
            "missing" => Some(Self::Missing),
            "terminated" => Some(Self::Terminated),
            _ => None,
        }
    }
}

/// Something that happened to a unit and that is not a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marker {
    /// The unit agent began (again).
    AgentStarted,
    /// The unit agent ended or was told to end (SIGTERM on Kubernetes).
    AgentStopping,
    /// The agent saw that its machine was rebooted, or that its container is new.
    RebootDetected,
    /// The agent found no charm in its pod and will run `upgrade-charm`.
    NewPod,
    /// Leadership was lost. Juju runs no hook for it.
    LeaderDeposed,
    /// A failed hook waits to be retried or resolved.
    AwaitingResolution,
    /// Somebody ran `juju resolved --no-retry`: the failed hook counts as done.
    ResolvedWithoutRetry,
    /// The agent, which was told to end, has ended.
    AgentExited,
    /// The unit is gone.
    UnitRemoved,
}

impl Marker {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AgentStarted,
        Self::AgentStopping,
        Self::RebootDetected,
        Self::NewPod,
        Self::LeaderDeposed,
        Self::AwaitingResolution,
        Self::ResolvedWithoutRetry,
        Self::AgentExited,
        Self::UnitRemoved,
    ];

    /// Returns the name, as formats write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AgentStarted => "agent-started",
            Self::AgentStopping => "agent-stopping",
            Self::RebootDetected => "reboot-detected",
            Self::NewPod => "new-pod",
            Self::LeaderDeposed => "leader-deposed",
            Self::AwaitingResolution => "awaiting-resolution",
            Self::ResolvedWithoutRetry => "resolved-without-retry",
            Self::AgentExited => "agent-exited",
            Self::UnitRemoved => "unit-removed",
        }
    }

    /// Returns what a remark of a log means, if it means something for the order of hooks.
    pub fn parse(text: &str) -> Option<Self> {
        const BEGINNINGS: [(&str, Marker); 9] = [
            ("uniter started", Marker::AgentStarted),
            ("containerAgent:", Marker::AgentStarted),
            ("uniter shutting down", Marker::AgentStopping),
            ("SIGTERM", Marker::AgentStopping),
            ("reboot detected", Marker::RebootDetected),
            ("queued upgrade-charm", Marker::NewPod),
            ("leader-deposed", Marker::LeaderDeposed),
            ("awaiting error resolution", Marker::AwaitingResolution),
            ("resolved --no-retry", Marker::ResolvedWithoutRetry),
        ];
        let text = text.trim();
        BEGINNINGS.iter().find(|(beginning, _)| text.starts_with(beginning)).map(|(_, marker)| *marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_read_as_agents_write_them() {
        let check = |text: &str, expected: Option<Marker>| {
            assert_eq!(Marker::parse(text), expected, "{text}");
        };
        check("uniter started", Some(Marker::AgentStarted));
        check("containerAgent: 3.6.5", Some(Marker::AgentStarted));
        check("uniter shutting down: catacomb is dying", Some(Marker::AgentStopping));
        check("leader-deposed warning (no hook)", Some(Marker::LeaderDeposed));
        check("resuming charm install", None);
    }
}
