//! Compares a run's two sides, case by case.
//!
//! Pure and total: any set of results, in any order, gives a [`Comparison`]; what
//! is missing or odd is a verdict, never a panic or an error. What a pair of
//! outcomes means is decided in [`verdict`](mod@crate::verdict), what several
//! attempts mean in [`settle`](mod@crate::settle); here the cases of the two sides
//! are matched, and a suite that died is kept apart from cases that failed.

mod cells;
mod pair;
mod proof;
mod summary;

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::cluster;
use crate::comparison::{Comparison, PairComparison, TwoRuns};
use crate::event::{CaseKind, Plan, Side, SubjectId, SubjectRecord, SwapRecord, UnitResult};
use crate::outcome::Outcome;
use crate::run::Run;
use crate::verdict::Verdict;

pub use pair::Pair;
pub use proof::same_swaps;

/// A compared pair, with what only the clusters need.
struct Judged {
    pair: PairComparison,
    /// What sort of case each of the pair's cases is.
    kinds: Vec<CaseKind>,
    /// The case that is the death of the candidate's suite, where it died.
    killer: Option<usize>,
    /// How many cases were lost because of that.
    took_along: usize,
}

/// Returns the comparison of all that the plan asks for.
///
/// Every subject and target of the plan is in it exactly once, and so is every
/// further pair that has a result. Of two results of one unit the one that began
/// later counts.
pub fn compare(plan: &Plan, results: &[UnitResult]) -> Comparison {
    // A run of baselines alone misses no candidate.
    let one_sided =
        plan.candidate.is_empty() && results.iter().all(|result| result.unit.side == Side::Baseline);
    compare_sides(plan, results, one_sided)
}

fn compare_sides(plan: &Plan, results: &[UnitResult], one_sided: bool) -> Comparison {
    let mut groups: BTreeMap<(&SubjectId, &str), Vec<&UnitResult>> = BTreeMap::new();
    for subject in &plan.subjects {
        for target in &plan.targets {
            groups.entry((&subject.id, target)).or_default();
        }
    }
    for result in results {
        groups.entry((&result.unit.subject, &result.unit.target)).or_default().push(result);
    }
    let filtered: BTreeMap<&SubjectId, &str> = plan
        .subjects
        .iter()
        .filter_map(|subject| Some((&subject.id, subject.filtered.as_deref()?)))
        .collect();
    let (mut unfinished, mut reused) = (0, 0);
    let mut judged = Vec::with_capacity(groups.len());
    for ((subject, target), results) in groups {
        let pair = Pair::new(subject, target, results);
        reused += pair.all().filter(|result| result.reused_from.is_some()).count();
        if let Some(reason) = filtered.get(subject)
            && pair.all().all(|result| result.outcome == Outcome::Filtered)
        {
            judged.push(pair.left_out(reason));
            continue;
        }
        unfinished += usize::from(pair.baseline.is_empty());
        unfinished += usize::from(pair.candidate.is_empty() && !one_sided);
        judged.push(pair.judge(plan));
    }
    finish(judged, unfinished, reused)
}

/// Adds the causes and the totals.
fn finish(mut judged: Vec<Judged>, unfinished: usize, reused: usize) -> Comparison {
    let regressions: Vec<_> = judged.iter().flat_map(Judged::regressions).collect();
    let (causes, of) = cluster(&regressions);
    drop(regressions);
    let mut of = of.into_iter();
    for one in &mut judged {
        for case in &mut one.pair.cases {
            if case.verdict == Verdict::Regressed {
                case.cause = of.next();
            }
        }
        if one.took_along > 0
            && let Some(cause) = one.killer.and_then(|killer| one.pair.cases[killer].cause)
        {
            for case in &mut one.pair.cases {
                if case.verdict == Verdict::LostCase {
                    case.cause = Some(cause);
                }
            }
        }
    }
    let mut totals = BTreeMap::new();
    for one in &judged {
        *totals.entry(one.pair.verdict).or_insert(0) += 1;
    }
    Comparison {
        pairs: judged.into_iter().map(|one| one.pair).collect(),
        causes,
        totals,
        unfinished,
        reused,
        two_runs: None,
    }
}

/// Returns the comparison of two runs: the candidate side of `a`, or its baseline
/// where it has no candidate, against the same of `b`.
///
/// Only charms and targets of both runs are compared; the charms of one run alone
/// are named beside. A charm whose own files differ between the two runs has that
/// in its drift.
pub fn compare_runs(a: &Run, b: &Run) -> Comparison {
    let (swaps_a, results_a) = side_of(a, Side::Baseline);
    let (swaps_b, results_b) = side_of(b, Side::Candidate);
    let mut subjects: BTreeMap<SubjectId, SubjectRecord> = BTreeMap::new();
    for record in b.plan.subjects.iter().chain(&a.plan.subjects) {
        let kept = subjects.entry(record.id.clone()).or_insert_with(|| record.clone());
        if record.filtered.is_none() {
            kept.filtered = None;
        }
    }
    let ids = |run: &Run| -> BTreeSet<SubjectId> {
        run.plan.subjects.iter().map(|record| record.id.clone()).collect()
    };
    let (ids_a, ids_b) = (ids(a), ids(b));
    subjects.retain(|id, _| ids_a.contains(id) && ids_b.contains(id));
    let targets_b: BTreeSet<&String> = b.plan.targets.iter().collect();
    let targets: BTreeSet<String> =
        a.plan.targets.iter().filter(|target| targets_b.contains(target)).cloned().collect();
    let results: Vec<UnitResult> = results_a
        .into_iter()
        .chain(results_b)
        .filter(|result| subjects.contains_key(&result.unit.subject) && targets.contains(&result.unit.target))
        .collect();
    let plan = Plan {
        targets: targets.into_iter().collect(),
        subjects: subjects.into_values().collect(),
        candidate: swaps_b,
        baseline: swaps_a,
        shard: None,
        missing: BTreeMap::new(),
    };
    // Two runs are two experiments, even where neither swapped anything.
    let mut comparison = compare_sides(&plan, &results, false);
    comparison.two_runs = Some(TwoRuns {
        only_before: ids_a.difference(&ids_b).cloned().collect(),
        only_after: ids_b.difference(&ids_a).cloned().collect(),
    });
    for pair in &mut comparison.pairs {
        if let (Some(before), Some(after)) = (record(a, &pair.subject), record(b, &pair.subject))
            && before.tree != after.tree
        {
            let name = |record: &SubjectRecord| {
                record.commit.clone().unwrap_or_else(|| record.tree.chars().take(12).collect())
            };
            pair.drift.insert(0, format!("the charm itself {} -> {}", name(before), name(after)));
        }
    }
    comparison
}

fn record<'a>(run: &'a Run, subject: &SubjectId) -> Option<&'a SubjectRecord> {
    run.plan.subjects.iter().find(|record| record.id == *subject)
}

/// Returns the swaps and the results of the side of a run that counts against
/// another run, put on `as_side`.
fn side_of(run: &Run, as_side: Side) -> (Vec<SwapRecord>, Vec<UnitResult>) {
    let results = run.latest();
    let has_candidate =
        !run.plan.candidate.is_empty() || results.values().any(|result| result.unit.side == Side::Candidate);
    let (side, swaps) = if has_candidate {
        (Side::Candidate, &run.plan.candidate)
    } else {
        (Side::Baseline, &run.plan.baseline)
    };
    let results = results
        .into_values()
        .filter(|result| result.unit.side == side)
        .map(|result| {
            let mut result = result.clone();
            result.unit.side = as_side;
            result
        })
        .collect();
    (swaps.clone(), results)
}

#[cfg(test)]
mod confirm_tests;
#[cfg(test)]
mod proof_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
