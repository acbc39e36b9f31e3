//! What Juju keeps about one unit, and what the unit's agent remembers.
//!
//! A [`World`] is a value. It changes only through [`machine`](crate::machine), so that
//! whatever is in it came about in a way that Juju allows.

mod agent;
mod charm;
mod few;
mod relation;
mod resources;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{Hook, HookKind, JujuVersion, Name, Platform};

pub use agent::Operation;
pub(crate) use agent::{Agent, Running};
pub(crate) use charm::shared as shared_charm;
pub use charm::{Charm, Endpoint, Role, StorageKind};
pub use few::Few;
pub(crate) use relation::{Hint, Relation, RelationStep};
pub use resources::SecretOwner;
pub(crate) use resources::{Container, Secret, SeriesUpgrade, Storage, WorkloadEvent};

/// Which Juju, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// The line of Juju releases.
    pub version: JujuVersion,
    /// Where the unit runs.
    pub platform: Platform,
}

impl Profile {
    /// Whether a unit of this profile ever runs hooks of the kind.
    pub fn allows(self, kind: HookKind) -> bool {
        kind.exists_in(self.version) && kind.platform().is_none_or(|platform| platform == self.platform)
    }
}

/// How far a unit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// Nobody has deployed it yet.
    Undeployed,
    /// It is wanted.
    Alive,
    /// It is being removed.
    Dying,
    /// It is gone, and runs nothing any more.
    Dead,
}

/// One unit, everything that it has, and its agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct World {
    pub(crate) profile: Profile,
    /// Whether Juju does what it does by mistake: R37, R46, R48 and R83.
    pub(crate) has_quirks: bool,
    /// Whether somebody tells of each revision of a secret ([`Model::with_told_secrets`]).
    ///
    /// [`Model::with_told_secrets`]: crate::model::Model::with_told_secrets
    #[serde(default)]
    pub(crate) has_told_secrets: bool,
    #[serde(with = "charm::shared")]
    pub(crate) charm: Arc<Charm>,
    pub(crate) unit: Name,
    pub(crate) application: Name,
    pub(crate) life: Life,
    /// Juju has given the application's leadership to this unit.
    pub(crate) holds_lease: bool,
    pub(crate) config_version: u64,
    pub(crate) charm_version: u64,
    /// The timer of `update-status` has run out since the last hook.
    pub(crate) timer_ticked: bool,
    pub(crate) series_upgrade: SeriesUpgrade,
    /// By the number of the relation. A relation that is over is not here any more.
    pub(crate) relations: Few<u32, Relation>,
    /// By the id of the instance, such as `data/0`.
    pub(crate) storages: Few<Name, Storage>,
    pub(crate) containers: Few<Name, Container>,
    pub(crate) secrets: Few<Name, Secret>,
    /// Actions that were asked for and have not begun, oldest first.
    pub(crate) actions: VecDeque<Name>,
    pub(crate) agent: Agent,
    pub(crate) next_relation: u32,
    pub(crate) next_storage: u32,
}

impl World {
    /// Returns the world before the deployment of a unit, such as `web/0`.
    pub fn new(profile: Profile, charm: impl Into<Arc<Charm>>, unit: impl Into<Name>) -> Self {
        let unit = unit.into();
        Self {
            profile,
            has_quirks: false,
            has_told_secrets: false,
            charm: charm.into(),
            application: unit.split('/').next().unwrap_or_default().into(),
            unit,
            life: Life::Undeployed,
            holds_lease: false,
            config_version: 0,
            charm_version: 0,
            timer_ticked: false,
            series_upgrade: SeriesUpgrade::None,
            relations: Few::new(),
            storages: Few::new(),
            containers: Few::new(),
            secrets: Few::new(),
            actions: VecDeque::new(),
            agent: Agent::default(),
            next_relation: 0,
            next_storage: 0,
        }
    }

    /// Returns the world of a Juju that also does what it does by mistake: the leader is
    /// told of what it wrote to peers itself (R37), peers are broken after a restart (R46),
    /// a restart loses `relation-created` (R48) and tells notices again (R83).
    #[must_use]
    pub fn with_quirks(mut self) -> Self {
        self.has_quirks = true;
        self
    }

    /// Returns which Juju it is, and on what.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Returns the name of the unit.
    pub fn unit(&self) -> &Name {
        &self.unit
    }

    /// Returns the name of the unit's application.
    pub fn application(&self) -> &Name {
        &self.application
    }

    /// Returns how far the unit has come.
    pub fn life(&self) -> Life {
        self.life
    }

    /// Whether `install` was committed.
    pub fn is_installed(&self) -> bool {
        self.agent.installed
    }

    /// Whether `start` was committed at least once.
    pub fn has_started(&self) -> bool {
        self.agent.started
    }

    /// Returns what the agent is about.
    pub fn operation(&self) -> &Operation {
        &self.agent.operation
    }

    /// Whether Juju says that the unit leads, which is so before its charm is told (S3).
    pub fn leads(&self) -> bool {
        self.holds_lease
    }

    /// Returns the ids of the storage that the unit has or is to have.
    pub fn storages(&self) -> impl Iterator<Item = &Name> {
        self.storages.keys()
    }

    /// Whether the workload of a container has told something that the charm has not done with yet.
    pub fn hears_of(&self, container: &Name) -> bool {
        self.containers.get(container).is_some_and(|container| !container.events.is_empty())
    }

    /// Returns the hook or action that runs at this moment.
    pub fn running(&self) -> Option<&Hook> {
        self.agent.running.as_ref().map(|running| &running.hook)
    }

    /// Whether a hook or an action runs at this moment.
    pub fn is_running(&self) -> bool {
        self.agent.running.is_some()
    }

    /// Whether the unit's pod was told to go.
    pub fn is_shutting_down(&self) -> bool {
        self.agent.is_shutting_down
    }

    /// Whether the agent's process is there.
    pub fn has_agent(&self) -> bool {
        self.agent.is_up
    }

    /// Returns a relation that is going to change.
    pub(crate) fn relation_mut(&mut self, id: u32) -> Option<&mut Relation> {
        let relation = self.relations.get_mut(&id)?;
        relation.hint = Hint::Unknown;
        Some(relation)
    }

    pub(crate) fn is_on(&self, platform: Platform) -> bool {
        self.profile.platform == platform
    }
}
