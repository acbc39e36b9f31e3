//! One file for each command.

pub(crate) mod asked;
pub(crate) mod charm;
pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod compare;
pub(crate) mod crashdump;
pub(crate) mod doctor;
pub(crate) mod env;
pub(crate) mod execute;
pub(crate) mod explain;
pub(crate) mod fleet;
pub(crate) mod fuzz;
pub(crate) mod graph;
pub(crate) mod merge;
pub(crate) mod pack;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod runs;
pub(crate) mod show;
pub(crate) mod simulate;
pub(crate) mod stage;
pub(crate) mod swaps;
pub(crate) mod test;
pub(crate) mod validate;
pub(crate) mod work;

use charmproof_store::comparison::{Comparison, PairComparison};
use charmproof_store::event::{OutputId, UnitResult};
use charmproof_store::outcome::Outcome;
use charmproof_store::report::Report;
use charmproof_store::run::Run;
use charmproof_store::verdict::Verdict;

use crate::error::Exit;

/// How much of a log a report is given.
const LOG_BYTES: usize = 512 * 1024;

/// A run with its comparison, ready to be shown.
pub(crate) struct Shown {
    pub(crate) run: Run,
    pub(crate) comparison: Comparison,
    results: Vec<UnitResult>,
}

impl Shown {
    pub(crate) fn new(run: Run) -> Self {
        let comparison = run.comparison();
        let results = run.latest().into_values().cloned().collect();
        Self { run, comparison, results }
    }

    /// Calls `use_it` with the report.
    pub(crate) fn with_report<T>(&self, use_it: impl FnOnce(&Report<'_>) -> T) -> T {
        let outputs = |id: &OutputId| -> Option<String> {
            let bytes = self.run.output(id).ok()?;
            let text = String::from_utf8_lossy(&bytes);
            if text.len() <= LOG_BYTES {
                return Some(text.into_owned());
            }
            let from = text.len() - LOG_BYTES;
            let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            Some(text[from..].to_string())
        };
        use_it(&Report {
            started: &self.run.started,
            plan: &self.run.plan,
            comparison: &self.comparison,
            results: &self.results,
            warnings: &self.run.warnings,
            ending: self.run.ending,
            outputs: &outputs,
        })
    }
}

/// Returns how a command that compared something ends.
pub(crate) fn exit_of(comparison: &Comparison) -> Exit {
    let count = |verdict| comparison.totals.get(&verdict).copied().unwrap_or(0);
    if count(Verdict::Regressed) + count(Verdict::LostCase) > 0 {
        return Exit::Regressed;
    }
    if comparison.pairs.iter().any(|pair| pair.signal) {
        return Exit::Fine;
    }
    // Without a signal, that no environment holds the package, or that both sides hold the
    // same, is an answer if it is the whole of it: a linter that uses no `ops` says nothing
    // of the tests beside it that could not run.
    let is_answer = |pair: &&PairComparison| {
        pair.candidate == Some(Outcome::NotUsed) || pair.verdict == Verdict::StillPassing
    };
    let is_meant =
        |pair: &&PairComparison| !matches!(pair.candidate, Some(Outcome::Filtered | Outcome::NoSuchTarget));
    let mut meant = comparison.pairs.iter().filter(is_meant).peekable();
    let has_answer = meant.peek().is_some() && meant.all(|pair| is_answer(&pair));
    if has_answer { Exit::Fine } else { Exit::CouldNotRun }
}
