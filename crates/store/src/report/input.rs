//! What every report is made from.

use crate::comparison::Comparison;
use crate::event::{Ending, OutputId, Plan, RunStarted, UnitResult};

/// A run, ready to be shown.
///
/// All parts are borrowed: whoever read the run from its log owns them.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The head of the run.
    pub started: &'a RunStarted,
    /// What it set out to do.
    pub plan: &'a Plan,
    /// What came out, compared.
    pub comparison: &'a Comparison,
    /// What every unit did, all attempts. Where a unit is in here more than
    /// once, the last one counts.
    pub results: &'a [UnitResult],
    /// What the user should know and belongs to no unit.
    pub warnings: &'a [String],
    /// How the run stopped; `None` where it was killed.
    pub ending: Option<Ending>,
    /// The text of a kept output, where it is still there. The reports cap what
    /// they show of it, but the caller may well cap it before.
    pub outputs: &'a dyn Fn(&OutputId) -> Option<String>,
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report")
            .field("run", &self.started.run)
            .field("pairs", &self.comparison.pairs.len())
            .field("results", &self.results.len())
            .finish_non_exhaustive()
    }
}
