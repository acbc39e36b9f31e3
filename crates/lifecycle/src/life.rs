//! A life: what happened to some units, step by step.

use crate::stimulus::{Actor, Stimulus};
use crate::vocabulary::{Hook, Marker, Name, Outcome};

pub use crate::model::Target;

/// A part of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it was.
    pub phase: Phase,
    /// What it was.
    pub what: Happening,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
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
