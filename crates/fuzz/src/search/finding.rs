//! Something that was found, with the smallest life that shows it.

use charmproof_lifecycle::life::Life;

use crate::oracle::Suspicion;
use crate::player::HookRecord;

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// It was seen with a new interpreter for each hook, as Juju runs a charm.
    Cold,
    /// It was seen in forks of an interpreter, and not cold.
    Fork,
    /// It was seen with all hooks in one process, and the search was over before it was looked at
    /// again.
    Quick,
}

/// How far a life was made small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Nothing can be left out.
    Small,
    /// It is as it was found: there are many findings, or it is not about the charm.
    AsFound,
    /// More hooks would have had to run than may.
    TooManyHooks,
    /// The search was over before.
    Stopped,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was seen.
    pub suspicion: Suspicion,
    /// The seed of the first life that showed it.
    pub seed: u64,
    /// The smallest life that shows it.
    pub life: Life,
    /// What the charm did in that life.
    pub hooks: Vec<HookRecord>,
    /// How sure it is.
    pub confirmation: Confirmation,
    /// In how many lives it showed.
    pub lives: u64,
    /// How many lives were tried to make it small.
    pub tries: u32,
    /// How far that went.
    pub size: Size,
}

impl Finding {
    /// Whether a suspicion is this one again.
    pub fn is_of(&self, suspicion: &Suspicion) -> bool {
        self.suspicion.oracle == suspicion.oracle && self.suspicion.cause == suspicion.cause
    }
}
