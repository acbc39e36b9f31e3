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
}

impl Finding {
    /// Whether a suspicion is this one again.
    pub fn is_of(&self, suspicion: &Suspicion) -> bool {
        self.suspicion.oracle == suspicion.oracle && self.suspicion.cause == suspicion.cause
    }
}
