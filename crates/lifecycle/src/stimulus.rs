//! Everything that can happen to a unit, apart from its own hooks.
//!
//! [`machine`](crate::machine) applies a stimulus to the world, or refuses it where Juju
//! would not let it happen.

use crate::world::SecretOwner;

/// Who does something to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever types `juju`.
    User,
    /// What the unit runs on.
    Cloud,
    /// The charm itself.
    ThisCharm,
    /// The charm at the other end of a relation, or whoever scales it.
    OtherCharm,
    /// Juju, of its own accord.
    Juju,
}

/// Something that happens to a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the names and numbers of what a stimulus is about")]
pub enum Stimulus {
    /// The unit is deployed, with its peer relations and storage.
    Deploy { leads: bool },
    /// An endpoint is integrated with one of another application.
    Integrate { endpoint: String, remote_app: String },
    /// A relation is removed.
    RemoveRelation { relation: u32 },
    /// A remote unit, or another unit of a peer relation, enters the scope.
    RemoteUnitJoins { relation: u32, unit: String },
    /// A remote unit leaves the scope.
    RemoteUnitLeaves { relation: u32, unit: String },
    /// A remote unit writes to its data.
    RemoteUnitWrites { relation: u32, unit: String },
    /// The remote leader writes to its application's data.
    RemoteAppWrites { relation: u32 },
    /// An option, the trust or the address changes.
    ConfigChanges,
    /// Juju makes this unit the leader.
    LeadershipGained,
    /// Another unit became the leader.
    LeadershipLost,
    /// An instance of a storage is added.
    StorageAdded { storage: String },
    /// An instance of a storage is detached or removed.
    StorageDetached { storage_id: String },
    /// A workload container starts again, and with it Pebble.
    ContainerRestarts { container: String },
    /// The workload notifies Pebble.
    CustomNotice { container: String, key: String },
    /// A check of Pebble reaches its threshold.
    CheckFails { container: String, check: String },
    /// A failing check succeeds.
    CheckRecovers { container: String, check: String },
    /// The unit makes a secret, or reads somebody else's for the first time.
    SecretAdded { secret_id: String, owner: SecretOwner },
    /// The owner of a secret, be it this unit or another, makes a new revision.
    SecretRevised { secret_id: String },
    /// An own secret is to be rotated.
    SecretRotationDue { secret_id: String },
    /// A revision of an own secret expires.
    SecretExpires { secret_id: String, revision: u32 },
    /// Nobody reads a revision of an own secret any more.
    SecretUnused { secret_id: String, revision: u32 },
    /// An action is asked for.
    ActionRuns { action: String },
    /// The charm or a resource of it is refreshed.
    Refresh,
    /// The agent's process ends and comes back in the same place.
    AgentRestarts,
    /// The pod gets SIGTERM and will be replaced.
    PodTerminated,
    /// The pod is gone without a word.
    PodLost,
    /// A new pod runs the agent.
    PodStarted,
    /// The machine reboots.
    MachineReboots,
    /// `juju upgrade-machine prepare`.
    SeriesUpgradePrepared,
    /// `juju upgrade-machine complete`.
    SeriesUpgradeCompleted,
    /// `juju resolved`: the failed hook runs again.
    Retry,
    /// `juju resolved --no-retry`: the failed hook counts as done.
    ResolveWithoutRetry,
    /// Some minutes pass: Juju tries a failed hook again, or the timer of `update-status`
    /// runs out.
    TimePasses,
    /// The unit is removed.
    RemoveUnit,
}

/// A kind of stimulus, for weights and switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the stimulus of the same name")]
pub enum StimulusKind {
    Deploy,
    Integrate,
    RemoveRelation,
    RemoteUnitJoins,
    RemoteUnitLeaves,
    RemoteUnitWrites,
    RemoteAppWrites,
    ConfigChanges,
    LeadershipGained,
    LeadershipLost,
    StorageAdded,
    StorageDetached,
    ContainerRestarts,
    CustomNotice,
    CheckFails,
    CheckRecovers,
    SecretAdded,
    SecretRevised,
    SecretRotationDue,
    SecretExpires,
    SecretUnused,
    ActionRuns,
    Refresh,
    AgentRestarts,
    PodTerminated,
    PodLost,
    PodStarted,
    MachineReboots,
    SeriesUpgradePrepared,
    SeriesUpgradeCompleted,
    Retry,
    ResolveWithoutRetry,
    TimePasses,
    RemoveUnit,
}

impl Stimulus {
    /// Returns what kind of stimulus it is.
    pub fn kind(&self) -> StimulusKind {
        match self {
            Self::Deploy { .. } => StimulusKind::Deploy,
            Self::Integrate { .. } => StimulusKind::Integrate,
            Self::RemoveRelation { .. } => StimulusKind::RemoveRelation,
            Self::RemoteUnitJoins { .. } => StimulusKind::RemoteUnitJoins,
            Self::RemoteUnitLeaves { .. } => StimulusKind::RemoteUnitLeaves,
            Self::RemoteUnitWrites { .. } => StimulusKind::RemoteUnitWrites,
            Self::RemoteAppWrites { .. } => StimulusKind::RemoteAppWrites,
            Self::ConfigChanges => StimulusKind::ConfigChanges,
            Self::LeadershipGained => StimulusKind::LeadershipGained,
            Self::LeadershipLost => StimulusKind::LeadershipLost,
            Self::StorageAdded { .. } => StimulusKind::StorageAdded,
            Self::StorageDetached { .. } => StimulusKind::StorageDetached,
            Self::ContainerRestarts { .. } => StimulusKind::ContainerRestarts,
            Self::CustomNotice { .. } => StimulusKind::CustomNotice,
            Self::CheckFails { .. } => StimulusKind::CheckFails,
            Self::CheckRecovers { .. } => StimulusKind::CheckRecovers,
            Self::SecretAdded { .. } => StimulusKind::SecretAdded,
            Self::SecretRevised { .. } => StimulusKind::SecretRevised,
            Self::SecretRotationDue { .. } => StimulusKind::SecretRotationDue,
            Self::SecretExpires { .. } => StimulusKind::SecretExpires,
            Self::SecretUnused { .. } => StimulusKind::SecretUnused,
            Self::ActionRuns { .. } => StimulusKind::ActionRuns,
            Self::Refresh => StimulusKind::Refresh,
            Self::AgentRestarts => StimulusKind::AgentRestarts,
            Self::PodTerminated => StimulusKind::PodTerminated,
            Self::PodLost => StimulusKind::PodLost,
            Self::PodStarted => StimulusKind::PodStarted,
            Self::MachineReboots => StimulusKind::MachineReboots,
            Self::SeriesUpgradePrepared => StimulusKind::SeriesUpgradePrepared,
            Self::SeriesUpgradeCompleted => StimulusKind::SeriesUpgradeCompleted,
            Self::Retry => StimulusKind::Retry,
            Self::ResolveWithoutRetry => StimulusKind::ResolveWithoutRetry,
            Self::TimePasses => StimulusKind::TimePasses,
            Self::RemoveUnit => StimulusKind::RemoveUnit,
        }
    }
}

impl StimulusKind {
    /// All kinds.
    pub const ALL: [Self; 34] = [
        Self::Deploy,
        Self::Integrate,
        Self::RemoveRelation,
        Self::RemoteUnitJoins,
        Self::RemoteUnitLeaves,
        Self::RemoteUnitWrites,
        Self::RemoteAppWrites,
        Self::ConfigChanges,
        Self::LeadershipGained,
        Self::LeadershipLost,
        Self::StorageAdded,
        Self::StorageDetached,
        Self::ContainerRestarts,
        Self::CustomNotice,
        Self::CheckFails,
        Self::CheckRecovers,
        Self::SecretAdded,
        Self::SecretRevised,
        Self::SecretRotationDue,
        Self::SecretExpires,
        Self::SecretUnused,
        Self::ActionRuns,
        Self::Refresh,
        Self::AgentRestarts,
        Self::PodTerminated,
        Self::PodLost,
        Self::PodStarted,
        Self::MachineReboots,
        Self::SeriesUpgradePrepared,
        Self::SeriesUpgradeCompleted,
        Self::Retry,
        Self::ResolveWithoutRetry,
        Self::TimePasses,
        Self::RemoveUnit,
    ];

    /// Returns the name, as people and formats write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Integrate => "integrate",
            Self::RemoveRelation => "remove-relation",
            Self::RemoteUnitJoins => "remote-unit-joins",
            Self::RemoteUnitLeaves => "remote-unit-leaves",
            Self::RemoteUnitWrites => "remote-unit-writes",
            Self::RemoteAppWrites => "remote-app-writes",
            Self::ConfigChanges => "config-changes",
            Self::LeadershipGained => "leadership-gained",
            Self::LeadershipLost => "leadership-lost",
            Self::StorageAdded => "storage-added",
            Self::StorageDetached => "storage-detached",
            Self::ContainerRestarts => "container-restarts",
            Self::CustomNotice => "custom-notice",
            Self::CheckFails => "check-fails",
            Self::CheckRecovers => "check-recovers",
            Self::SecretAdded => "secret-added",
            Self::SecretRevised => "secret-revised",
            Self::SecretRotationDue => "secret-rotation-due",
            Self::SecretExpires => "secret-expires",
            Self::SecretUnused => "secret-unused",
            Self::ActionRuns => "action-runs",
            Self::Refresh => "refresh",
            Self::AgentRestarts => "agent-restarts",
            Self::PodTerminated => "pod-terminated",
            Self::PodLost => "pod-lost",
            Self::PodStarted => "pod-started",
            Self::MachineReboots => "machine-reboots",
            Self::SeriesUpgradePrepared => "series-upgrade-prepared",
            Self::SeriesUpgradeCompleted => "series-upgrade-completed",
            Self::Retry => "retry",
            Self::ResolveWithoutRetry => "resolve-without-retry",
            Self::TimePasses => "time-passes",
            Self::RemoveUnit => "remove-unit",
        }
    }

    /// Returns who does it.
    pub fn by(self) -> Actor {
        match self {
            Self::Deploy
            | Self::Integrate
            | Self::RemoveRelation
            | Self::ConfigChanges
            | Self::StorageAdded
            | Self::StorageDetached
            | Self::ActionRuns
            | Self::Refresh
            | Self::SeriesUpgradePrepared
            | Self::SeriesUpgradeCompleted
            | Self::Retry
            | Self::ResolveWithoutRetry
            | Self::RemoveUnit => Actor::User,
            Self::ContainerRestarts
            | Self::AgentRestarts
            | Self::PodTerminated
            | Self::PodLost
            | Self::PodStarted
            | Self::MachineReboots => Actor::Cloud,
            Self::CustomNotice | Self::CheckFails | Self::CheckRecovers | Self::SecretAdded => {
                Actor::ThisCharm
            }
            Self::RemoteUnitJoins
            | Self::RemoteUnitLeaves
            | Self::RemoteUnitWrites
            | Self::RemoteAppWrites
            | Self::SecretRevised
            | Self::SecretUnused => Actor::OtherCharm,
            Self::LeadershipGained
            | Self::LeadershipLost
            | Self::SecretRotationDue
            | Self::SecretExpires
            | Self::TimePasses => Actor::Juju,
        }
    }
}
