//! The kinds of hooks that Juju runs.

use serde::{Deserialize, Serialize};

use super::{JujuVersion, Platform};

/// A kind of hook. An action is one as well: it goes through the same dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the name that Juju gives to the hook")]
pub enum HookKind {
    Install,
    Start,
    ConfigChanged,
    UpgradeCharm,
    Stop,
    Remove,
    UpdateStatus,
    LeaderElected,
    LeaderSettingsChanged,
    LeaderDeposed,
    RelationCreated,
    RelationJoined,
    RelationChanged,
    RelationDeparted,
    RelationBroken,
    StorageAttached,
    StorageDetaching,
    PebbleReady,
    PebbleCustomNotice,
    PebbleCheckFailed,
    PebbleCheckRecovered,
    SecretChanged,
    SecretRotate,
    SecretExpired,
    SecretRemove,
    Action,
    CollectMetrics,
    MeterStatusChanged,
    PreSeriesUpgrade,
    PostSeriesUpgrade,
}

/// What a kind of hook is about, besides its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The unit alone.
    Unit,
    /// An endpoint, and one relation of it.
    Relation,
    /// A storage of the charm, and one instance of it.
    Storage,
    /// A workload container.
    Container,
    /// A secret, which the name of the hook does not tell.
    Secret,
    /// An action of the charm.
    Action,
}

impl HookKind {
    /// All kinds, in the order in which a unit may first meet them.
    pub const ALL: [Self; 30] = [
        Self::Install,
        Self::Start,
        Self::ConfigChanged,
        Self::UpgradeCharm,
        Self::Stop,
        Self::Remove,
        Self::UpdateStatus,
        Self::LeaderElected,
        Self::LeaderSettingsChanged,
        Self::LeaderDeposed,
        Self::RelationCreated,
        Self::RelationJoined,
        Self::RelationChanged,
        Self::RelationDeparted,
        Self::RelationBroken,
        Self::StorageAttached,
        Self::StorageDetaching,
        Self::PebbleReady,
        Self::PebbleCustomNotice,
        Self::PebbleCheckFailed,
        Self::PebbleCheckRecovered,
        Self::SecretChanged,
        Self::SecretRotate,
        Self::SecretExpired,
        Self::SecretRemove,
        Self::Action,
        Self::CollectMetrics,
        Self::MeterStatusChanged,
        Self::PreSeriesUpgrade,
        Self::PostSeriesUpgrade,
    ];

    /// Returns the name, or the end of the name after the dash where a subject comes
    /// first: `config-changed`, `relation-joined`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Start => "start",
            Self::ConfigChanged => "config-changed",
            Self::UpgradeCharm => "upgrade-charm",
            Self::Stop => "stop",
            Self::Remove => "remove",
            Self::UpdateStatus => "update-status",
            Self::LeaderElected => "leader-elected",
            Self::LeaderSettingsChanged => "leader-settings-changed",
            Self::LeaderDeposed => "leader-deposed",
            Self::RelationCreated => "relation-created",
            Self::RelationJoined => "relation-joined",
            Self::RelationChanged => "relation-changed",
            Self::RelationDeparted => "relation-departed",
            Self::RelationBroken => "relation-broken",
            Self::StorageAttached => "storage-attached",
            // R25: never "storage-detached", which is what many tools write.
            Self::StorageDetaching => "storage-detaching",
            Self::PebbleReady => "pebble-ready",
            Self::PebbleCustomNotice => "pebble-custom-notice",
            Self::PebbleCheckFailed => "pebble-check-failed",
            Self::PebbleCheckRecovered => "pebble-check-recovered",
            Self::SecretChanged => "secret-changed",
            Self::SecretRotate => "secret-rotate",
            Self::SecretExpired => "secret-expired",
            Self::SecretRemove => "secret-remove",
            Self::Action => "action",
            Self::CollectMetrics => "collect-metrics",
            Self::MeterStatusChanged => "meter-status-changed",
            Self::PreSeriesUpgrade => "pre-series-upgrade",
            Self::PostSeriesUpgrade => "post-series-upgrade",
        }
    }

    /// Returns what hooks of this kind are about.
    pub fn scope(self) -> Scope {
        match self {
            Self::Install
            | Self::Start
            | Self::ConfigChanged
            | Self::UpgradeCharm
            | Self::Stop
            | Self::Remove
            | Self::UpdateStatus
            | Self::LeaderElected
            | Self::LeaderSettingsChanged
            | Self::LeaderDeposed
            | Self::CollectMetrics
            | Self::MeterStatusChanged
            | Self::PreSeriesUpgrade
            | Self::PostSeriesUpgrade => Scope::Unit,
            Self::RelationCreated
            | Self::RelationJoined
            | Self::RelationChanged
            | Self::RelationDeparted
            | Self::RelationBroken => Scope::Relation,
            Self::StorageAttached | Self::StorageDetaching => Scope::Storage,
            Self::PebbleReady
            | Self::PebbleCustomNotice
            | Self::PebbleCheckFailed
            | Self::PebbleCheckRecovered => Scope::Container,
            Self::SecretChanged | Self::SecretRotate | Self::SecretExpired | Self::SecretRemove => {
                Scope::Secret
            }
            Self::Action => Scope::Action,
        }
    }

    /// Returns the name with its subject in capitals, as documentation writes it.
    pub fn pattern(self) -> String {
        match self.scope() {
            Scope::Unit | Scope::Secret => self.suffix().to_owned(),
            Scope::Relation => format!("ENDPOINT-{}", self.suffix()),
            Scope::Storage => format!("STORAGE-{}", self.suffix()),
            Scope::Container => format!("CONTAINER-{}", self.suffix()),
            Scope::Action => "ACTION-action".to_owned(),
        }
    }

    /// Whether the unit agent's own loop runs it. Metrics and the meter's status have
    /// workers of their own, so they have no place in the order of the rest.
    pub fn is_run_by_uniter(self) -> bool {
        !matches!(self, Self::CollectMetrics | Self::MeterStatusChanged)
    }

    /// Returns the platform that the kind is bound to, if it is to one.
    pub fn platform(self) -> Option<Platform> {
        match self.scope() {
            Scope::Container => Some(Platform::Kubernetes),
            Scope::Unit if matches!(self, Self::PreSeriesUpgrade | Self::PostSeriesUpgrade) => {
                Some(Platform::Machine)
            }
            Scope::Unit | Scope::Relation | Scope::Storage | Scope::Secret | Scope::Action => None,
        }
    }

    /// Whether this line of Juju ever runs it. `leader-deposed` has a name and is never
    /// run: Juju logs a warning instead.
    pub fn exists_in(self, version: JujuVersion) -> bool {
        match self {
            Self::LeaderDeposed => false,
            Self::LeaderSettingsChanged
            | Self::CollectMetrics
            | Self::MeterStatusChanged
            | Self::PreSeriesUpgrade
            | Self::PostSeriesUpgrade => version < JujuVersion::V4_0,
            Self::SecretChanged | Self::SecretRotate | Self::SecretExpired | Self::SecretRemove => {
                version >= JujuVersion::V3_1
            }
            Self::PebbleCustomNotice => version >= JujuVersion::V3_4,
            Self::PebbleCheckFailed | Self::PebbleCheckRecovered => version >= JujuVersion::V3_6,
            Self::Install
            | Self::Start
            | Self::ConfigChanged
            | Self::UpgradeCharm
            | Self::Stop
            | Self::Remove
            | Self::UpdateStatus
            | Self::LeaderElected
            | Self::RelationCreated
            | Self::RelationJoined
            | Self::RelationChanged
            | Self::RelationDeparted
            | Self::RelationBroken
            | Self::StorageAttached
            | Self::StorageDetaching
            | Self::PebbleReady
            | Self::Action => true,
        }
    }
}
