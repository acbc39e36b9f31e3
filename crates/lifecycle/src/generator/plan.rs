//! What lives are to be like.

use crate::life::{Integration, Stage};
use crate::stimulus::StimulusKind;

/// What lives are to be like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Where they take place.
    pub stage: Stage,
    /// What is integrated at once.
    pub integrations: Vec<Integration>,
    /// How many stimuli there are in the operation phase, and at most in each other.
    pub stimuli: u32,
    /// Whether hooks may fail.
    pub with_failures: bool,
    /// The kinds that may happen; all of them, if there are none here.
    pub only: Vec<StimulusKind>,
    /// Kinds that never happen. What a unit cannot live without does: it is deployed and
    /// removed, its pod comes back, and what failed is tried again.
    pub without: Vec<StimulusKind>,
}

impl Plan {
    /// Returns a plan with twenty stimuli of all kinds, and failures.
    pub fn new(stage: Stage) -> Self {
        Self {
            stage,
            integrations: Vec::new(),
            stimuli: 20,
            with_failures: true,
            only: Vec::new(),
            without: Vec::new(),
        }
    }
}
