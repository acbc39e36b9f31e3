//! A life: what happened to some units, step by step.

use std::sync::Arc;

use crate::model::Model;
use crate::stimulus::{Actor, Stimulus};
use crate::vocabulary::{Hook, Marker, Name, Outcome};
use crate::world::{Charm, Profile};

pub use crate::model::Target;

/// A charm that is deployed at the beginning of a life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deployment {
    /// The name of the application.
    pub application: Name,
    /// The charm.
    pub charm: Arc<Charm>,
    /// How many units it has at first. One unit has peers outside of the model; of several,
    /// each is a peer of the others, and more may come and go.
    pub units: u32,
}

/// An integration that is made with the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Integration {
    /// A deployed application.
    pub application: Name,
    /// Its endpoint.
    pub endpoint: Name,
    /// The application at the other end, deployed or not.
    pub remote_app: Name,
    /// Its endpoint, which has to be known if it is deployed.
    pub remote_endpoint: Option<Name>,
}

/// Where a life takes place, and who is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// Which Juju, and on what.
    pub profile: Profile,
    /// Whether Juju also does what it does by mistake.
    pub has_quirks: bool,
    /// What is deployed. The first one is the charm that the life is about.
    pub deployments: Vec<Deployment>,
}

impl Stage {
    /// Returns a stage with one unit of one charm.
    pub fn new(profile: Profile, application: impl Into<Name>, charm: impl Into<Arc<Charm>>) -> Self {
        let deployment = Deployment { application: application.into(), charm: charm.into(), units: 1 };
        Self { profile, has_quirks: false, deployments: vec![deployment] }
    }

    /// Returns the model in which no unit was deployed yet.
    pub fn model(&self) -> Model {
        let model = Model::new(self.profile, self.has_quirks);
        self.deployments.iter().fold(model, |model, deployment| {
            model.with_application(deployment.application.clone(), Arc::clone(&deployment.charm))
        })
    }

    /// Returns how many units an application has at first.
    pub(crate) fn units_of(&self, application: &Name) -> u32 {
        let deployment = self.deployments.iter().find(|deployment| deployment.application == *application);
        deployment.map_or(0, |deployment| deployment.units)
    }
}

/// A life: where it took place, and what happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    /// Where it took place.
    pub stage: Stage,
    /// The seed that it was generated from, if it was.
    pub seed: Option<u64>,
    /// What happened.
    pub steps: Vec<Step>,
}

/// A part of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// From the deployment until the units have started and have nothing to do.
    Setup,
    /// Until somebody removes the units.
    Operation,
    /// Until they are gone.
    Teardown,
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Setup, Self::Operation, Self::Teardown];

    /// Returns the name, as people and formats write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Operation => "operation",
            Self::Teardown => "teardown",
        }
    }

    /// Returns the phase of the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

/// One step of a life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// When it was.
    pub phase: Phase,
    /// What it was.
    pub what: Happening,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// Somebody did something.
    Stimulus {
        /// Whom it happened to.
        target: Target,
        /// What it was.
        stimulus: Stimulus,
    },
    /// A unit began a hook. It is only told where something happens before the hook ends.
    Begin {
        /// The unit.
        unit: Name,
        /// The hook.
        hook: Hook,
    },
    /// A hook ended, and so it ran.
    Hook {
        /// The unit.
        unit: Name,
        /// The hook.
        hook: Hook,
        /// How it ended.
        outcome: Outcome,
        /// Whether the unit led while it ran.
        leads: bool,
    },
    /// A unit's log says something that is no hook.
    Marker {
        /// The unit.
        unit: Name,
        /// What it says.
        marker: Marker,
    },
}

impl Step {
    /// Returns who did it, if it is a stimulus.
    pub fn by(&self) -> Option<Actor> {
        match &self.what {
            Happening::Stimulus { stimulus, .. } => Some(stimulus.kind().by()),
            Happening::Begin { .. } | Happening::Hook { .. } | Happening::Marker { .. } => None,
        }
    }

    /// Returns the hook that ran, and how it ended.
    pub fn hook(&self) -> Option<(&Name, &Hook, Outcome)> {
        match &self.what {
            Happening::Hook { unit, hook, outcome, .. } => Some((unit, hook, *outcome)),
            Happening::Stimulus { .. } | Happening::Begin { .. } | Happening::Marker { .. } => None,
        }
    }

    /// Returns the stimulus, and whom it happened to.
    pub fn stimulus(&self) -> Option<(&Target, &Stimulus)> {
        match &self.what {
            Happening::Stimulus { target, stimulus } => Some((target, stimulus)),
            Happening::Hook { .. } | Happening::Begin { .. } | Happening::Marker { .. } => None,
        }
    }
}
