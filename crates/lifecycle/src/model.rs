//! Several units of several applications, and who hears of what.
//!
//! A [`Model`] has one [`World`] for each unit. It moves a unit as the machine does, and
//! tells the others what they see of it: a unit that enters a relation, leaves it, or
//! writes. An application that is not modelled is *outside*: its units come, write and go
//! as stimuli say. What a unit does next is decided by its own machine alone.

mod deployment;
mod relations;
mod secrets;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

use crate::machine::{self, Effect, Event, IllegalEvent};

use crate::stimulus::Stimulus;
use crate::vocabulary::{HookKind, Name, Outcome};
use crate::world::{Charm, Few, Life, Profile, World, shared_charm};

use relations::Link;

pub use secrets::{KnownSecret, KnownSecretOwner};

pub use crate::machine::UnitEffect;

/// Whom a stimulus is addressed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// One unit, such as `web/0`.
    Unit(Name),
    /// All units of an application.
    Application(Name),
}

impl Target {
    /// Returns the name of the unit or application.
    pub fn name(&self) -> &Name {
        match self {
            Self::Unit(name) | Self::Application(name) => name,
        }
    }
}

/// Something that moves a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelEvent {
    /// Something happens to a unit or an application.
    Stimulus {
        /// Whom it happens to.
        target: Target,
        /// What happens.
        stimulus: Stimulus,
    },
    /// The agent of a unit looks for what to do.
    Resolve {
        /// The unit.
        unit: Name,
        /// Any number; it decides where Juju's own order is random.
        choice: u32,
    },
    /// The hook that a unit runs ends.
    HookEnds {
        /// The unit.
        unit: Name,
        /// How it ends.
        outcome: Outcome,
    },
}

/// Why something cannot happen now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum IllegalModelEvent {
    /// The machine of a unit refuses it.
    #[error(transparent)]
    Unit(#[from] IllegalEvent),
    /// Nobody has the name.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What it would be: an application, a unit.
        what: &'static str,
        /// The name that was given.
        name: SmolStr,
    },
    /// It happens to units or to applications, and the target is the other one.
    #[error("`{stimulus}` does not happen to {what}")]
    WrongTarget {
        /// The name of the stimulus.
        stimulus: &'static str,
        /// What was given: a unit, an application.
        what: &'static str,
    },
    /// The other end is modelled, so that its units speak for themselves.
    #[error("the units of `{0}` are part of the model and do this themselves")]
    NotOutside(Name),
    /// There is one leader.
    #[error("`{0}` leads already")]
    OtherLeads(Name),
    /// An integration of two modelled applications names both endpoints.
    #[error("the endpoint of `{0}` has to be named, and to fit")]
    NoRemoteEndpoint(Name),
}

type Applied = Result<(), IllegalModelEvent>;

/// A charm that was deployed under a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Application {
    #[serde(with = "shared_charm")]
    charm: Arc<Charm>,
    /// The number of its first peer relation; the others follow.
    first_peer: u32,
    leader: Option<Name>,
}

/// Units, and what is between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Model {
    profile: Profile,
    has_quirks: bool,
    #[serde(default)]
    has_told_secrets: bool,
    applications: Few<Name, Application>,
    units: Few<Name, World>,
    links: Few<u32, Link>,
    next_relation: u32,
    next_storage: u32,
    /// The unit that a unit of a subordinate lives beside, where somebody said so.
    #[serde(default)]
    principals: Few<Name, Name>,
}

impl Model {
    /// Returns a model in which nothing was deployed. With quirks, Juju also does what it
    /// does by mistake (see [`World::with_quirks`], and R47: survivors are not told of a peer
    /// that left, on Juju 4).
    pub fn new(profile: Profile, has_quirks: bool) -> Self {
        Self {
            profile,
            has_quirks,
            has_told_secrets: false,
            applications: Few::new(),
            units: Few::new(),
            links: Few::new(),
            next_relation: 0,
            next_storage: 0,
            principals: Few::new(),
        }
    }

    /// Returns the model of somebody who runs real charms and says of each revision of a secret
    /// and of each reader, with [`Self::follow_secrets`]: none is made up where a hook would
    /// make one.
    #[must_use]
    pub fn with_told_secrets(self) -> Self {
        Self { has_told_secrets: true, ..self }
    }

    /// Returns the model with a charm deployed under a name, and no unit of it yet. Its
    /// peer relations get the next numbers.
    #[must_use]
    pub fn with_application(mut self, name: impl Into<Name>, charm: impl Into<Arc<Charm>>) -> Self {
        self.add_application(name, charm);
        self
    }

    /// Returns which Juju it is, and on what.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Returns the names of the applications, with their charms.
    pub fn applications(&self) -> impl Iterator<Item = (&Name, &Arc<Charm>)> {
        self.applications.iter().map(|(name, application)| (name, &application.charm))
    }

    /// Whether anybody in the model sees what a unit writes to its relations.
    pub fn has_listeners(&self, unit: &str) -> bool {
        if self.units.len() < 2 {
            return false;
        }
        let application = application_of(unit).into();
        self.links.values().any(|link| link.is_between_modelled(&application))
    }

    /// Returns the units that are there, with all that is known of each.
    pub fn units(&self) -> &Few<Name, World> {
        &self.units
    }

    /// Returns the number that the next relation has to have.
    pub fn next_relation(&self) -> u32 {
        self.next_relation
    }

    /// Returns the number that the next instance of a storage has to have.
    pub fn next_storage(&self) -> u32 {
        self.next_storage
    }

    /// Whether an application is part of the model.
    pub fn is_modelled(&self, application: &Name) -> bool {
        self.applications.contains_key(application)
    }

    /// Returns the deployment of a unit: of the number given, or refused by [`Self::step`].
    pub fn deploy(&self, unit: &Name) -> Stimulus {
        let application = self.applications.get(application_of(unit));
        Stimulus::Deploy {
            leads: application.is_some_and(|application| application.leader.is_none()),
            first_relation: application.map_or(0, |application| application.first_peer),
            first_storage: self.next_storage,
        }
    }

    /// Moves the model by one event. On an error it is as it was.
    pub fn step(&mut self, event: ModelEvent) -> Result<Vec<UnitEffect>, IllegalModelEvent> {
        let mut effects = Vec::new();
        match event {
            ModelEvent::Stimulus { target, stimulus } => self.stimulus(&target, stimulus, &mut effects)?,
            ModelEvent::Resolve { unit, choice } => self.resolve(&unit, choice, &mut effects)?,
            ModelEvent::HookEnds { unit, outcome } => self.end(&unit, outcome, &mut effects)?,
        }
        Ok(effects)
    }

    /// Lets something happen, and adds what the units do to `effects`. Who moves the model
    /// millions of times keeps the list.
    pub(crate) fn stimulus(
        &mut self,
        target: &Target,
        stimulus: Stimulus,
        effects: &mut Vec<UnitEffect>,
    ) -> Applied {
        let kind = stimulus.kind();
        match target {
            Target::Application(application) if kind.is_of_application() => {
                if !self.applications.contains_key(application) {
                    return Err(unknown("application", application));
                }
                self.apply_to_application(application, stimulus, effects)
            }
            Target::Application(_) => {
                Err(IllegalModelEvent::WrongTarget { stimulus: kind.name(), what: "an application" })
            }
            Target::Unit(_) if kind.is_of_application() => {
                Err(IllegalModelEvent::WrongTarget { stimulus: kind.name(), what: "a unit" })
            }
            Target::Unit(unit) => self.apply_to_unit(unit, stimulus, effects),
        }
    }

    /// Lets a unit's agent look for what to do, as [`Self::stimulus`] does.
    pub(crate) fn resolve(&mut self, unit: &Name, choice: u32, effects: &mut Vec<UnitEffect>) -> Applied {
        self.unit(unit, Event::Resolve { choice }, effects)
    }

    /// Ends the hook that a unit runs, as [`Self::stimulus`] does.
    pub(crate) fn end(&mut self, unit: &Name, outcome: Outcome, effects: &mut Vec<UnitEffect>) -> Applied {
        self.unit(unit, Event::HookEnds { outcome }, effects)
    }

    fn apply_to_unit(&mut self, unit: &Name, stimulus: Stimulus, effects: &mut Vec<UnitEffect>) -> Applied {
        if let Stimulus::Deploy { leads, .. } = stimulus {
            return self.add_unit(unit, leads, effects);
        }
        if matches!(stimulus, Stimulus::LeadershipGained) {
            return self.move_leadership(unit, effects);
        }
        if let Stimulus::StorageAdded { storage_id } = &stimulus {
            let number = self.new_storage_number(storage_id)?;
            self.unit(unit, Event::Stimulus(stimulus), effects)?;
            self.next_storage = number + 1;
            return Ok(());
        }
        self.unit(unit, Event::Stimulus(stimulus.clone()), effects)?;
        if let Stimulus::UnitWrites { relation } = stimulus {
            self.tell(relation, unit, |unit| Stimulus::RemoteUnitWrites { relation, unit });
        } else if let Stimulus::AppWrites { relation } = stimulus {
            self.app_writes(relation, unit);
        } else if matches!(stimulus, Stimulus::LeadershipLost) {
            self.forget_leader(unit);
        } else if matches!(stimulus, Stimulus::RemoveUnit) {
            self.forget_leader(unit);
            self.departs(unit);
        }
        Ok(())
    }

    /// Deploys a unit, and lets it enter what its application is part of (R44).
    fn add_unit(&mut self, unit: &Name, leads: bool, effects: &mut Vec<UnitEffect>) -> Applied {
        let application_name = Name::from(application_of(unit));
        let Some(application) = self.applications.get_mut(&application_name) else {
            return Err(unknown("application", &application_name));
        };
        if self.units.contains_key(unit) {
            return Err(IllegalEvent::AlreadyDeployed.into());
        }
        if leads {
            if let Some(leader) = &application.leader {
                return Err(IllegalModelEvent::OtherLeads(leader.clone()));
            }
            application.leader = Some(unit.clone());
        }
        let (charm, first_relation) = (Arc::clone(&application.charm), application.first_peer);
        let first_storage = self.next_storage;
        self.next_storage += charm.storages.iter().map(|storage| storage.minimum).sum::<u32>();
        let world = World::new(self.profile, charm, unit.clone());
        let world = if self.has_quirks { world.with_quirks() } else { world };
        let world = World { has_told_secrets: self.has_told_secrets, ..world };
        self.units.insert(unit.clone(), world);
        let deployment = Stimulus::Deploy { leads, first_relation, first_storage };
        self.unit(unit, Event::Stimulus(deployment), effects)?;
        self.number_peers(&application_name, unit);
        for stimulus in self.entrances(&application_name, unit) {
            self.unit(unit, Event::Stimulus(stimulus), effects)?;
        }
        Ok(())
    }

    /// Makes a unit the leader, in the place of the one that is.
    fn move_leadership(&mut self, unit: &Name, effects: &mut Vec<UnitEffect>) -> Applied {
        self.unit(unit, Event::Stimulus(Stimulus::LeadershipGained), effects)?;
        let Some(application) = self.applications.get_mut(application_of(unit)) else { return Ok(()) };
        if let Some(former) = application.leader.replace(unit.clone()) {
            // One that is on its way out has given it up already.
            let _ = self.unit(&former, Event::Stimulus(Stimulus::LeadershipLost), effects);
        }
        Ok(())
    }

    fn forget_leader(&mut self, unit: &Name) {
        let application = self.applications.get_mut(application_of(unit));
        if let Some(application) = application.filter(|application| application.leader.as_ref() == Some(unit))
        {
            application.leader = None;
        }
    }

    /// Returns the number of an instance, which is new in the whole model: so Juju counts.
    fn new_storage_number(&self, storage_id: &Name) -> Result<u32, IllegalModelEvent> {
        let number = storage_id.split('/').nth(1).and_then(|number| number.parse::<u32>().ok());
        let number = number.ok_or_else(|| unknown("storage", storage_id))?;
        if number < self.next_storage {
            return Err(IllegalEvent::UsedBefore(storage_id.as_str().into()).into());
        }
        Ok(number)
    }

    /// Moves the machine of one unit, and tells the others what they see of that.
    fn unit(&mut self, unit: &Name, event: Event, effects: &mut Vec<UnitEffect>) -> Applied {
        let world = self.units.get_mut(unit).ok_or_else(|| unknown("unit", unit))?;
        let before = effects.len();
        machine::step_into(world, event, effects)?;
        let has_died = world.life() == Life::Dead;
        for done in &effects[before..] {
            match &done.effect {
                Effect::Begin(hook) if hook.kind == HookKind::RelationCreated => {
                    self.enters(hook.relation_id, unit);
                }
                Effect::Ended { hook, outcome }
                    if hook.kind == HookKind::RelationBroken && outcome.is_committed() =>
                {
                    self.leaves(hook.relation_id, unit);
                }
                Effect::Begin(_)
                | Effect::Ended { .. }
                | Effect::Mark(_)
                | Effect::AgentExited
                | Effect::UnitDied => {}
            }
        }
        if has_died {
            self.forget_leader(unit);
            self.departs(unit);
            self.units.remove(unit);
            self.principals.remove(unit);
        }
        Ok(())
    }
}

fn unknown(what: &'static str, name: &str) -> IllegalModelEvent {
    IllegalModelEvent::Unknown { what, name: name.into() }
}

/// Returns the application of a unit.
pub fn application_of(unit: &str) -> &str {
    unit.split('/').next().unwrap_or_default()
}

/// Returns the number of a unit, as text: the 2 of `web/2`.
pub(crate) fn number_of(unit: &str) -> &str {
    unit.split('/').nth(1).unwrap_or_default()
}
