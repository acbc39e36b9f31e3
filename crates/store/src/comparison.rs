//! A run, compared case by case: the one value that every report shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Failure, SubjectId};
use crate::outcome::Outcome;
use crate::verdict::Verdict;

/// The name that stands for the suite as a whole among its cases.
pub const SUITE: &str = "(suite)";

/// A whole run (or a pair of runs), compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// One entry for each subject and target, in order of name.
    pub pairs: Vec<PairComparison>,
    /// Regressions by cause, the one that hits most charms first.
    pub causes: Vec<Cause>,
    /// How many pairs there are of each headline verdict.
    pub totals: BTreeMap<Verdict, usize>,
    /// Units of the plan that have no result (yet).
    pub unfinished: usize,
    /// Units whose result was taken from an earlier run.
    pub reused: usize,
    /// Where two runs were compared: what is in one of them only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_runs: Option<TwoRuns>,
}

/// The charms of two runs that cannot be compared, since the other run has none
/// of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoRuns {
    /// Those of the run that counts as the baseline.
    pub only_before: Vec<SubjectId>,
    /// Those of the other one.
    pub only_after: Vec<SubjectId>,
}

/// One subject's target: baseline against candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairComparison {
    /// The charm.
    pub subject: SubjectId,
    /// The target.
    pub target: String,
    /// The headline: the gravest verdict of its cases and its suite.
    pub verdict: Verdict,
    /// How each side's suite ended, as far as there is proof of what it ran with,
    /// on the first attempt that the environment did not spoil; `None` where it
    /// has no result.
    pub baseline: Option<Outcome>,
    /// See `baseline`.
    pub candidate: Option<Outcome>,
    /// One line for people: why this verdict.
    pub summary: String,
    /// The cases whose verdict is neither `StillPassing` nor `Unaffected`, gravest
    /// first; [`SUITE`] is among them where it says what no case says.
    pub cases: Vec<CaseComparison>,
    /// How many cases still pass, and are therefore not listed.
    pub still_passing: usize,
    /// How many cases each side ran, on that attempt.
    pub case_counts: (usize, usize),
    /// Wall time of that attempt of each side.
    pub duration_ms: (Option<u64>, Option<u64>),
    /// How often each side was run.
    pub attempts: (u32, u32),
    /// Other distributions that differ between the two environments, as
    /// `name 1.0 -> 1.1` (`none` where it is missing).
    pub drift: Vec<String>,
    /// Whether both sides spoke, each with proof of what it ran and the two with
    /// different packages, so that the pair says something about the swap.
    pub signal: bool,
}

/// One case: baseline against candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseComparison {
    /// The case, or [`SUITE`].
    pub case: String,
    /// What the pair means.
    pub verdict: Verdict,
    /// Outcomes of all attempts, in order; `None` where the case was absent.
    pub baseline: Vec<Option<Outcome>>,
    /// See `baseline`.
    pub candidate: Vec<Option<Outcome>>,
    /// What the candidate (or, for a fixed case, the baseline) said.
    pub failure: Option<Failure>,
    /// What the baseline said, where a case that still fails does so for another
    /// reason than it did without the swap; `None` everywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_failure: Option<Failure>,
    /// Shortest wall time over the attempts of each side.
    pub duration_ms: (Option<u64>, Option<u64>),
    /// The index into [`Comparison::causes`], for a regression and for the cases
    /// that a regression of the suite took along.
    pub cause: Option<usize>,
}

impl PairComparison {
    /// Whether it fails on both sides, and with the swap for another reason: what
    /// the swap broke is then hidden behind what was broken before.
    pub fn fails_otherwise(&self) -> bool {
        self.verdict == Verdict::StillFailing && self.cases.iter().any(CaseComparison::fails_otherwise)
    }
}

impl CaseComparison {
    /// Whether it fails on both sides, and with the swap for another reason.
    pub fn fails_otherwise(&self) -> bool {
        self.verdict == Verdict::StillFailing && self.baseline_failure.is_some()
    }
}

/// One root cause of regressions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// For example ``AttributeError: 'frozenset' object has no attribute …``.
    pub title: String,
    /// The deepest frame inside a swapped package, as `ops/model.py:412 in get`.
    pub place: Option<String>,
    /// The charms that it hits.
    pub subjects: Vec<SubjectId>,
    /// How many cases it hits.
    pub cases: usize,
    /// The case that is quickest to run again: subject, target, case.
    pub smallest: (SubjectId, String, String),
    /// What that case said.
    pub failure: Failure,
}
