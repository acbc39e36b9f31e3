//! The cases of all attempts, matched by name, and what each cell of that table
//! says once it is known how its suite ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::comparison::{CaseComparison, SUITE};
use crate::event::{CaseKind, CaseResult, Failure, UnitResult};
use crate::outcome::Outcome;
use crate::settle::{looks_slower, settle, settle_times};
use crate::verdict::{Standing, Verdict};

/// One run of a side's suite: its result, and how it ended as far as proven.
pub(super) struct Attempt<'a> {
    pub(super) result: &'a UnitResult,
    pub(super) suite: Outcome,
    pub(super) cases: BTreeMap<String, &'a CaseResult>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(result: &'a UnitResult, suite: Outcome) -> Self {
        Self { result, suite, cases: by_name(&result.cases) }
    }

    /// Whether the suite ended before all of its cases had.
    pub(super) fn died(&self) -> bool {
        is_death(self.suite)
    }

    /// Whether one of its cases says why the suite did not pass.
    pub(super) fn is_explained(&self) -> bool {
        match Standing::of(Some(self.suite), CaseKind::Suite) {
            Standing::Works => true,
            Standing::Fails if self.died() => self.cases.values().any(|case| case.outcome == self.suite),
            Standing::Fails => self.cases.values().any(|case| case.outcome.is_failure()),
            Standing::Silent
            | Standing::Unresolvable
            | Standing::Troubled
            | Standing::Unproven
            | Standing::Unused
            | Standing::LeftOut
            | Standing::Unrun => false,
        }
    }

    /// Returns what this attempt says of a case.
    ///
    /// A suite that died says of the cases that it did not reach that it died;
    /// they are not absent. A suite that the environment spoilt vouches for what
    /// passed and for nothing else. Without proof of what ran, no case counts.
    fn says(&self, name: &str) -> Option<Outcome> {
        let own = self.cases.get(name).map(|case| case.outcome);
        match Standing::of(Some(self.suite), CaseKind::Suite) {
            Standing::Unproven | Standing::Unused | Standing::LeftOut => Some(self.suite),
            Standing::Troubled => match own {
                Some(Outcome::Pass) => own,
                Some(_) | None => Some(self.suite),
            },
            // A suite that ran nothing says nothing of what it did not list.
            Standing::Unresolvable | Standing::Silent => own.or(Some(self.suite)),
            Standing::Fails if self.died() => own.or(Some(self.suite)),
            Standing::Works | Standing::Fails | Standing::Unrun => own,
        }
    }
}

/// Whether a suite with this outcome ended before all of its cases had.
pub(super) fn is_death(suite: Outcome) -> bool {
    match Standing::of(Some(suite), CaseKind::Suite) {
        Standing::Fails => suite != Outcome::Fail,
        Standing::Unresolvable => true,
        Standing::Works
        | Standing::Silent
        | Standing::Troubled
        | Standing::Unproven
        | Standing::Unused
        | Standing::LeftOut
        | Standing::Unrun => false,
    }
}

/// Returns the cases by name; the second of one name is `name#2`, and so on.
fn by_name(cases: &[CaseResult]) -> BTreeMap<String, &CaseResult> {
    let mut named: BTreeMap<String, &CaseResult> = BTreeMap::new();
    // Names that occur as such are never taken by a counted one.
    let given: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        let count = seen.entry(&case.name).or_insert(usize::from(case.name == SUITE));
        *count += 1;
        if *count == 1 {
            named.insert(case.name.clone(), case);
            continue;
        }
        let mut name = format!("{}#{count}", case.name);
        while given.contains(name.as_str()) {
            *count += 1;
            name = format!("{}#{count}", case.name);
        }
        named.insert(name, case);
    }
    named
}

/// All the cases of a pair, judged.
#[derive(Default)]
pub(super) struct Table {
    /// The cases that reports list, with their kinds.
    pub(super) cases: Vec<(CaseComparison, CaseKind)>,
    /// How many still pass.
    pub(super) still_passing: usize,
    /// Whether a case was lost because the candidate's suite died.
    pub(super) lost_by_death: bool,
    /// Whether a case on both sides looks slower, on whatever attempts.
    pub(super) looks_slower: bool,
}

/// Returns the verdict on every case of the two sides.
pub(super) fn judge(baseline: &[Attempt<'_>], candidate: &[Attempt<'_>]) -> Table {
    let mut kinds: BTreeMap<&str, CaseKind> = BTreeMap::new();
    for attempt in baseline.iter().chain(candidate) {
        for (name, case) in &attempt.cases {
            kinds.entry(name).or_insert(case.kind);
        }
    }
    let mut table = Table::default();
    for (name, kind) in kinds {
        let before: Vec<_> = baseline.iter().map(|attempt| attempt.says(name)).collect();
        let after: Vec<_> = candidate.iter().map(|attempt| attempt.says(name)).collect();
        let mut verdict = settle(&before, &after, kind);
        let seen_before = baseline.iter().any(|attempt| attempt.cases.contains_key(name));
        let seen_after = candidate.iter().any(|attempt| attempt.cases.contains_key(name));
        let all_silent = |cells: &[Option<Outcome>]| {
            cells.iter().all(|&cell| Standing::of(cell, kind) == Standing::Silent)
        };
        if verdict == Verdict::Regressed && !seen_after {
            // It never ran: what is gone is lost, and the suite is what failed.
            let gone = vec![None; after.len()];
            verdict = settle(&before, &gone, kind);
            table.lost_by_death |= verdict == Verdict::LostCase;
        } else if verdict == Verdict::StillFailing && !seen_after && kind == CaseKind::Diagnostic {
            // The tool worked well enough to report it, and died with the swap.
            table.lost_by_death |= baseline.iter().all(|attempt| !attempt.died());
        }
        if !seen_before && all_silent(&after) || !seen_after && all_silent(&before) {
            // Nothing was ever run, so nothing can be lost or in doubt.
            verdict = Verdict::Unaffected;
        }
        if verdict == Verdict::StillPassing {
            let times = |fresh_only| (times(baseline, name, fresh_only), times(candidate, name, fresh_only));
            let (before, after) = times(false);
            table.looks_slower |= looks_slower(&before, &after, kind);
            let (before, after) = times(true);
            verdict = settle_times(&before, &after, kind);
        }
        match verdict {
            Verdict::StillPassing => table.still_passing += 1,
            Verdict::Unaffected => {}
            _ => table.cases.push((compared(name, verdict, baseline, candidate), kind)),
        }
    }
    table
}

/// Returns how long the case took on each attempt on which it passed; with
/// `fresh_only`, without those of an earlier run, which had another load.
fn times(attempts: &[Attempt<'_>], name: &str, fresh_only: bool) -> Vec<u64> {
    attempts
        .iter()
        .filter(|attempt| !fresh_only || attempt.result.reused_from.is_none())
        .filter_map(|attempt| attempt.cases.get(name))
        .filter(|case| case.outcome == Outcome::Pass)
        .map(|case| case.duration_ms)
        .collect()
}

fn compared(
    name: &str,
    verdict: Verdict,
    baseline: &[Attempt<'_>],
    candidate: &[Attempt<'_>],
) -> CaseComparison {
    let shown = |side: &[Attempt<'_>]| {
        side.iter().map(|attempt| attempt.cases.get(name).map(|case| case.outcome)).collect()
    };
    let failure = |side: &[Attempt<'_>]| -> Option<Failure> {
        side.iter()
            .filter_map(|attempt| attempt.cases.get(name))
            .filter(|case| case.outcome != Outcome::Pass)
            .find_map(|case| case.failure.clone())
    };
    let fastest = |side: &[Attempt<'_>]| {
        side.iter().filter_map(|attempt| attempt.cases.get(name)).map(|case| case.duration_ms).min()
    };
    CaseComparison {
        case: name.to_owned(),
        verdict,
        baseline: shown(baseline),
        candidate: shown(candidate),
        failure: match verdict {
            Verdict::Fixed => failure(baseline),
            _ => failure(candidate).or_else(|| failure(baseline)),
        },
        baseline_failure: match verdict {
            Verdict::StillFailing => another_reason(name, baseline, candidate),
            _ => None,
        },
        duration_ms: (fastest(baseline), fastest(candidate)),
        cause: None,
    }
}

/// Returns what the baseline said of a case, where the candidate fails for another
/// reason on every attempt of both sides.
fn another_reason(name: &str, baseline: &[Attempt<'_>], candidate: &[Attempt<'_>]) -> Option<Failure> {
    let said = |side: &[Attempt<'_>]| -> Vec<Failure> {
        side.iter()
            .filter_map(|attempt| attempt.cases.get(name))
            .filter(|case| case.outcome != Outcome::Pass)
            .filter_map(|case| case.failure.clone())
            .collect()
    };
    let (before, after) = (said(baseline), said(candidate));
    let differs = !after.is_empty()
        && before.iter().all(|before| after.iter().all(|after| is_another_reason(before, after)));
    differs.then_some(before).and_then(|before| before.into_iter().next())
}

/// Whether two failures are of different classes, and the later one comes out of a
/// swapped package where the earlier one does not, or says something else entirely.
fn is_another_reason(before: &Failure, after: &Failure) -> bool {
    if before.exception.is_empty() || after.exception.is_empty() || before.exception == after.exception {
        return false;
    }
    let in_swapped =
        |failure: &Failure| failure.frames.last().is_some_and(|deepest| deepest.package.is_some());
    if in_swapped(after) && !in_swapped(before) {
        return true;
    }
    let words = |failure: &Failure| -> BTreeSet<String> {
        failure
            .message
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() > 2)
            .map(str::to_lowercase)
            .collect()
    };
    let (before, after) = (words(before), words(after));
    !(before.is_empty() && after.is_empty()) && before.is_disjoint(&after)
}
