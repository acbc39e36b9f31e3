//! Everything that can happen to a unit, apart from its own hooks.
//!
//! [`machine`](crate::machine) applies a stimulus to the world of one unit, or refuses it
//! where Juju would not let it happen. [`model`](crate::model) says which units hear of it.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

use crate::vocabulary::Name;
use crate::world::SecretOwner;

/// The action that every unit has: commands of a person, run in a context as a hook has it (`juju
/// exec`).
pub const EXEC_ACTION: &str = "juju-exec";

/// Who does something to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
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

impl Actor {
    /// Returns the name, as people and formats write it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Something that happens to a unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[strum_discriminants(
    name(StimulusKind),
    derive(PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray),
    strum(serialize_all = "kebab-case"),
    doc = "A kind of stimulus, for weights and switches."
)]
#[expect(missing_docs, reason = "the fields are the names and numbers of what a stimulus is about")]
pub enum Stimulus {
    /// The unit is deployed, with its peer relations and storage, which are counted from
    /// the numbers given.
    Deploy { leads: bool, first_relation: u32, first_storage: u32 },
    /// An endpoint is integrated with one of another application.
    Integrate { relation: u32, endpoint: Name, remote_app: Name, remote_endpoint: Option<Name> },
    /// A relation is removed.
    RemoveRelation { relation: u32 },
    /// A relation to another model is suspended: its units leave it for the time being.
    SuspendRelation { relation: u32 },
    /// A suspended relation goes on.
    ResumeRelation { relation: u32 },
    /// A remote unit, or another unit of a peer relation, enters the scope.
    RemoteUnitJoins { relation: u32, unit: Name },
    /// A remote unit leaves the scope.
    RemoteUnitLeaves { relation: u32, unit: Name },
    /// A remote unit writes to its data.
    RemoteUnitWrites { relation: u32, unit: Name },
    /// The remote leader writes to its application's data.
    RemoteAppWrites { relation: u32 },
    /// The unit writes to its data of a relation.
    UnitWrites { relation: u32 },
    /// The unit, which leads, writes to its application's data of a relation.
    AppWrites { relation: u32 },
    /// An option, the trust or the address changes.
    ConfigChanges,
    /// Juju makes this unit the leader.
    LeadershipGained,
    /// Another unit became the leader.
    LeadershipLost,
    /// The leader writes to the settings that Juju before 4.0 keeps for it.
    LeaderSettingsWritten,
    /// An instance of a storage is added: `data/3`.
    StorageAdded { storage_id: Name },
    /// An instance of a storage is detached or removed.
    StorageDetached { storage_id: Name },
    /// A workload container starts again, and with it Pebble.
    ContainerRestarts { container: Name },
    /// The workload notifies Pebble.
    CustomNotice { container: Name, key: Name },
    /// A check of Pebble fails for the first time.
    CheckFails { container: Name, check: Name },
    /// A check that failed is fine again.
    CheckRecovers { container: Name, check: Name },
    /// The unit makes a secret, or reads one of somebody else for the first time.
    SecretAdded { secret_id: Name, owner: SecretOwner },
    /// The owner of a secret, be it this unit or another, makes a new revision.
    SecretRevised { secret_id: Name },
    /// An own secret is to be rotated.
    SecretRotationDue { secret_id: Name },
    /// A revision of an own secret expires.
    SecretExpires { secret_id: Name, revision: u32 },
    /// Nobody reads a revision of an own secret any more.
    SecretUnused { secret_id: Name, revision: u32 },
    /// An action is asked for.
    ActionRuns { action: Name },
    /// The charm or a resource of it is refreshed. A forced refresh does not wait for a
    /// hook in error.
    Refresh { forced: bool },
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
    /// The hook that runs calls `juju-reboot`: at once (`--now`), or when it ends.
    CharmReboots { now: bool },
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

impl Stimulus {
    /// Returns what kind of stimulus it is.
    pub fn kind(&self) -> StimulusKind {
        self.into()
    }
}

impl StimulusKind {
    /// All kinds.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the name, as people and formats write it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the kind of the name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether it happens to all units of an application at once.
    pub fn is_of_application(self) -> bool {
        match self {
            Self::Integrate
            | Self::RemoveRelation
            | Self::SuspendRelation
            | Self::ResumeRelation
            | Self::RemoteUnitJoins
            | Self::RemoteUnitLeaves
            | Self::RemoteUnitWrites
            | Self::RemoteAppWrites
            | Self::ConfigChanges
            | Self::LeaderSettingsWritten
            | Self::Refresh => true,
            Self::Deploy
            | Self::UnitWrites
            | Self::AppWrites
            | Self::LeadershipGained
            | Self::LeadershipLost
            | Self::StorageAdded
            | Self::StorageDetached
            | Self::ContainerRestarts
            | Self::CustomNotice
            | Self::CheckFails
            | Self::CheckRecovers
            | Self::SecretAdded
            | Self::SecretRevised
            | Self::SecretRotationDue
            | Self::SecretExpires
            | Self::SecretUnused
            | Self::ActionRuns
            | Self::AgentRestarts
            | Self::PodTerminated
            | Self::PodLost
            | Self::PodStarted
            | Self::MachineReboots
            | Self::CharmReboots
            | Self::SeriesUpgradePrepared
            | Self::SeriesUpgradeCompleted
            | Self::Retry
            | Self::ResolveWithoutRetry
            | Self::TimePasses
            | Self::RemoveUnit => false,
        }
    }

    /// Returns who does it.
    pub fn by(self) -> Actor {
        match self {
            Self::Deploy
            | Self::Integrate
            | Self::RemoveRelation
            | Self::SuspendRelation
            | Self::ResumeRelation
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
            Self::CustomNotice
            | Self::CheckFails
            | Self::CheckRecovers
            | Self::SecretAdded
            | Self::UnitWrites
            | Self::AppWrites
            | Self::CharmReboots => Actor::ThisCharm,
            Self::RemoteUnitJoins
            | Self::RemoteUnitLeaves
            | Self::RemoteUnitWrites
            | Self::RemoteAppWrites
            | Self::SecretRevised
            | Self::SecretUnused => Actor::OtherCharm,
            Self::LeadershipGained
            | Self::LeadershipLost
            | Self::LeaderSettingsWritten
            | Self::SecretRotationDue
            | Self::SecretExpires
            | Self::TimePasses => Actor::Juju,
        }
    }
}
