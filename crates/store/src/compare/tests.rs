use std::collections::BTreeMap;

use super::compare;
use crate::comparison::{Comparison, PairComparison, SUITE};
use crate::event::{Side, UnitResult};
use crate::outcome::{Outcome, PrepareKind};
use crate::test_support::{case, diagnostic, plan, result};
use crate::verdict::Verdict;

use Outcome::{CollectionError, Crashed, Empty, Fail, Pass, Timeout, ToolFailed};
use Side::{Baseline, Candidate};

pub(super) const NETWORK: Outcome = Outcome::CouldNotPrepare(PrepareKind::Network);
const RESOLVER: Outcome = Outcome::CouldNotPrepare(PrepareKind::Resolver);

pub(super) fn one(results: &[UnitResult]) -> (PairComparison, Comparison) {
    let comparison = compare(&plan(&["a"], &["unit"]), results);
    assert_eq!(comparison.pairs.len(), 1);
    (comparison.pairs[0].clone(), comparison)
}

/// Compares two sides of one attempt each.
pub(super) fn sides(
    (before, before_cases): (Outcome, &[(&str, Outcome)]),
    (after, after_cases): (Outcome, &[(&str, Outcome)]),
) -> (PairComparison, Comparison) {
    let cases =
        |cases: &[(&str, Outcome)]| cases.iter().map(|(name, outcome)| case(name, *outcome)).collect();
    one(&[result(Baseline, 0, before, cases(before_cases)), result(Candidate, 0, after, cases(after_cases))])
}

pub(super) fn listed(pair: &PairComparison) -> Vec<(&str, Verdict)> {
    pair.cases.iter().map(|case| (case.case.as_str(), case.verdict)).collect()
}

#[test]
fn cases_are_compared_one_by_one() {
    let (pair, comparison) = sides(
        (Fail, &[("keeps", Pass), ("breaks", Pass), ("heals", Fail), ("stays", Fail), ("goes", Pass)]),
        (Fail, &[("keeps", Pass), ("breaks", Fail), ("heals", Pass), ("stays", Fail), ("comes", Pass)]),
    );
    assert_eq!(
        listed(&pair),
        [
            ("breaks", Verdict::Regressed),
            ("goes", Verdict::LostCase),
            ("stays", Verdict::StillFailing),
            ("heals", Verdict::Fixed),
            ("comes", Verdict::NewCase),
        ]
    );
    assert_eq!(pair.verdict, Verdict::Regressed);
    assert_eq!(pair.still_passing, 1);
    assert_eq!(pair.case_counts, (5, 5));
    assert!(pair.signal);
    assert_eq!(comparison.causes.len(), 1);
    assert_eq!(pair.cases[0].cause, Some(0));
    // Lost, but not because the suite died: no cause of it is known.
    assert_eq!(pair.cases[1].cause, None);
    assert_eq!(pair.summary, "1 test fails with the swap only: AttributeError: breaks has no attribute 'x'");
}

#[test]
fn a_plain_pass_lists_nothing() {
    let (pair, comparison) = sides((Pass, &[("x", Pass)]), (Pass, &[("x", Pass)]));
    assert_eq!((pair.verdict, listed(&pair)), (Verdict::StillPassing, vec![]));
    assert_eq!(pair.summary, "1 test passes on both sides");
    assert_eq!(comparison.totals, BTreeMap::from([(Verdict::StillPassing, 1)]));
    assert_eq!(comparison.unfinished, 0);
}

#[test]
fn a_suite_that_dies_is_a_regression_and_takes_its_cases_along() {
    for death in [Timeout, Outcome::OutOfMemory, Crashed, CollectionError, RESOLVER] {
        let (pair, comparison) = sides(
            (Pass, &[("x", Pass), ("y", Pass), ("s", Outcome::SkippedBySuite)]),
            (death, &[("x", Pass)]),
        );
        assert_eq!(listed(&pair), [(SUITE, Verdict::Regressed), ("y", Verdict::LostCase)], "{death:?}");
        assert_eq!(pair.verdict, Verdict::Regressed);
        assert_eq!(
            pair.summary,
            format!("with the swap: {0}: said {0}; 1 test was not reached", death.words())
        );
        assert_eq!(pair.cases[1].candidate, [None]);
        assert_eq!(comparison.causes.len(), 1);
        assert_eq!(comparison.causes[0].cases, 1);
        assert_eq!(pair.cases[1].cause, Some(0));
    }
}

#[test]
fn a_failing_suite_that_dies_has_regressed_if_something_in_it_passed() {
    let (pair, _) = sides((Fail, &[("x", Pass), ("y", Fail)]), (Timeout, &[]));
    assert_eq!(
        listed(&pair),
        [(SUITE, Verdict::Regressed), ("x", Verdict::LostCase), ("y", Verdict::StillFailing)]
    );
    let (pair, comparison) = sides((Fail, &[("y", Fail)]), (Timeout, &[]));
    assert_eq!(pair.verdict, Verdict::StillFailing);
    assert!(comparison.causes.is_empty());
}

#[test]
fn a_suite_that_the_environment_spoilt_accuses_nobody() {
    for trouble in [NETWORK, ToolFailed, Outcome::CouldNotPrepare(PrepareKind::HostPackage)] {
        let (pair, comparison) = sides((Pass, &[("x", Pass), ("y", Pass)]), (trouble, &[("x", Fail)]));
        assert_eq!(
            listed(&pair),
            [(SUITE, Verdict::Spurious), ("x", Verdict::Spurious), ("y", Verdict::Spurious)],
            "{trouble:?}"
        );
        assert_eq!(pair.verdict, Verdict::Spurious);
        assert!(!pair.signal);
        assert!(comparison.causes.is_empty());
        // And the other way round nobody is praised.
        let (pair, _) = sides((trouble, &[]), (Pass, &[("x", Pass)]));
        assert_eq!(pair.verdict, Verdict::Spurious);
        assert!(pair.summary.starts_with("baseline only: "), "{}", pair.summary);
    }
}

#[test]
fn a_baseline_that_died_accuses_nobody_of_what_it_did_not_reach() {
    let (pair, _) = sides((Timeout, &[("x", Pass)]), (Fail, &[("x", Pass), ("y", Fail), ("z", Pass)]));
    assert_eq!(
        listed(&pair),
        [(SUITE, Verdict::StillFailing), ("y", Verdict::StillFailing), ("z", Verdict::Fixed)]
    );
}

#[test]
fn an_exit_status_that_no_case_explains_is_told() {
    let (pair, comparison) = sides((Pass, &[("x", Pass)]), (Fail, &[("x", Pass)]));
    assert_eq!(listed(&pair), [(SUITE, Verdict::Regressed)]);
    assert_eq!(comparison.causes[0].title, "said fail");
    let (pair, _) = sides((Fail, &[("x", Pass)]), (Fail, &[("x", Pass)]));
    assert_eq!(listed(&pair), [(SUITE, Verdict::StillFailing)]);
    let (pair, _) = sides((Pass, &[("x", Fail)]), (Fail, &[("x", Fail)]));
    assert_eq!(listed(&pair), [(SUITE, Verdict::Regressed), ("x", Verdict::StillFailing)]);
}

#[test]
fn a_collection_error_is_told_once() {
    let (pair, comparison) = sides((Pass, &[("f::x", Pass)]), (CollectionError, &[("f", CollectionError)]));
    assert_eq!(listed(&pair), [("f", Verdict::Regressed), ("f::x", Verdict::LostCase)]);
    assert_eq!(comparison.causes.len(), 1);
    assert_eq!(comparison.causes[0].cases, 2);
}

#[test]
fn a_suite_that_runs_nothing_any_more_is_lost() {
    for gone in [Empty, Outcome::NoSuchTarget] {
        let (pair, _) = sides((Pass, &[("x", Pass)]), (gone, &[]));
        assert_eq!(listed(&pair), [(SUITE, Verdict::LostCase), ("x", Verdict::LostCase)]);
    }
}

#[test]
fn diagnostics_come_and_go() {
    let lint = |side, outcome, names: &[&str]| {
        result(side, 0, outcome, names.iter().map(|name| diagnostic(name, "F401")).collect())
    };
    let (pair, comparison) = one(&[
        lint(Baseline, Fail, &["ruff a F401 old", "ruff b F401 both"]),
        lint(Candidate, Fail, &["ruff b F401 both", "ruff c F401 new"]),
    ]);
    assert_eq!(
        listed(&pair),
        [
            ("ruff c F401 new", Verdict::Regressed),
            ("ruff b F401 both", Verdict::StillFailing),
            ("ruff a F401 old", Verdict::Fixed),
        ]
    );
    assert_eq!(comparison.causes[0].title, "ruff F401");
    assert_eq!(pair.summary, "1 diagnostic is reported with the swap only: F401: ruff c F401 new");
    // All gone, and the tool says so.
    let (pair, _) = one(&[lint(Baseline, Fail, &["ruff a F401 old"]), lint(Candidate, Pass, &[])]);
    assert_eq!(pair.verdict, Verdict::Fixed);
    // All gone, because the tool broke.
    let (pair, _) = one(&[lint(Baseline, Fail, &["ruff a F401 old"]), lint(Candidate, Crashed, &[])]);
    assert_eq!(pair.verdict, Verdict::Regressed);
    assert_eq!(listed(&pair)[1], ("ruff a F401 old", Verdict::StillFailing));
    // New, but the tool broke before it could have been reported.
    let (pair, _) = one(&[lint(Baseline, Crashed, &[]), lint(Candidate, Fail, &["ruff c F401 new"])]);
    assert_eq!(pair.verdict, Verdict::StillFailing);
}

#[test]
fn a_case_that_flakes_is_flaky() {
    let (pair, comparison) = one(&[
        result(Baseline, 0, Pass, vec![case("x", Pass)]),
        result(Candidate, 0, Fail, vec![case("x", Fail)]),
        result(Baseline, 1, Pass, vec![case("x", Pass)]),
        result(Candidate, 1, Pass, vec![case("x", Pass)]),
    ]);
    assert_eq!(listed(&pair), [("x", Verdict::Flaky)]);
    assert_eq!(pair.attempts, (2, 2));
    assert!(comparison.causes.is_empty());
    assert_eq!(pair.cases[0].candidate, [Some(Fail), Some(Pass)]);
}

#[test]
fn equal_names_are_counted() {
    let twice = |last| vec![case("x", Pass), case("x#2", Pass), case("x", last)];
    let (pair, _) = one(&[result(Baseline, 0, Pass, twice(Pass)), result(Candidate, 0, Fail, twice(Fail))]);
    assert_eq!(listed(&pair), [("x#3", Verdict::Regressed)]);
    assert_eq!(pair.still_passing, 2);
    let (pair, _) = one(&[
        result(Baseline, 0, Pass, vec![case(SUITE, Pass)]),
        result(Candidate, 0, Fail, vec![case(SUITE, Fail)]),
    ]);
    assert_eq!(listed(&pair), [("(suite)#2", Verdict::Regressed)]);
}

#[test]
fn what_is_missing_is_counted() {
    let mut asked = plan(&["a", "b", "c"], &["lint", "unit"]);
    asked.subjects[1].filtered = Some("no tests".into());
    let comparison = compare(&asked, &[result(Baseline, 0, Pass, vec![])]);
    assert_eq!(comparison.pairs.len(), 6);
    assert_eq!(comparison.unfinished, 7);
    let summaries: Vec<_> = comparison.pairs.iter().map(|pair| pair.summary.as_str()).collect();
    assert_eq!(
        summaries,
        [
            "no result yet",
            "no candidate result yet",
            "left out: no tests",
            "left out: no tests",
            "no result yet",
            "no result yet"
        ]
    );
    assert_eq!(comparison.totals, BTreeMap::from([(Verdict::Unknown, 4), (Verdict::Unaffected, 2)]));
    // A run of baselines alone misses no candidates.
    asked.candidate.clear();
    assert_eq!(compare(&asked, &[result(Baseline, 0, Pass, vec![])]).unfinished, 3);
}

#[test]
fn a_failure_for_another_reason_is_told() {
    let failing = |name: &str, exception: &str, message: &str, swapped: bool| {
        let mut case = case(name, Fail);
        let mut said = crate::test_support::failure(exception, message);
        if !swapped {
            said.frames.pop();
        }
        case.failure = Some(said);
        case
    };
    let fails = |side, cases| result(side, 0, Fail, cases);
    let snap = |name: &str| failing(name, "SnapError", "no such snap", false);
    let attribute = |swapped| failing("x", "AttributeError", "no attribute 'items'", swapped);

    let (pair, comparison) = one(&[
        fails(Baseline, vec![snap("x"), snap("y")]),
        fails(Candidate, vec![attribute(true), snap("y")]),
    ]);
    assert_eq!((pair.verdict, pair.fails_otherwise()), (Verdict::StillFailing, true));
    assert_eq!(
        pair.summary,
        "1 test fails otherwise with the swap: AttributeError: no attribute 'items'; 1 more fails as before"
    );
    let before = pair.cases[0].baseline_failure.as_ref().unwrap();
    assert_eq!(before.exception, "SnapError");
    assert!(comparison.causes.is_empty());

    // Of another class, outside of the swapped package, and in part of the same words.
    let alike = failing("x", "RuntimeError", "no such snap either", false);
    let (pair, _) = one(&[fails(Baseline, vec![snap("x")]), fails(Candidate, vec![alike])]);
    assert!(!pair.fails_otherwise());
    // Where a side has an attempt of either sort, nothing is claimed.
    let mut again = fails(Baseline, vec![attribute(true)]);
    again.unit.attempt = 1;
    let (pair, _) = one(&[fails(Baseline, vec![snap("x")]), again, fails(Candidate, vec![attribute(true)])]);
    assert!(!pair.fails_otherwise());
}

#[test]
fn the_most_frequent_failure_is_told() {
    let cases = || {
        let mut cases: Vec<_> = (0..4).map(|number| case(&format!("t{number}"), Fail)).collect();
        cases[0].failure.as_mut().unwrap().exception = "SnapError".into();
        cases
    };
    let (pair, _) = one(&[result(Baseline, 0, Fail, cases()), result(Candidate, 0, Fail, cases())]);
    assert_eq!(pair.summary, "4 tests fail with and without the swap: AttributeError ×3 (+1 other)");
}

#[test]
fn suites_that_cannot_be_imported_on_either_side_are_no_signal() {
    let broken = |side| {
        let mut file = diagnostic("tests/unit/test_charm.py", "ImportError");
        file.outcome = CollectionError;
        result(side, 0, CollectionError, vec![file])
    };
    let (pair, _) = one(&[broken(Baseline), broken(Candidate)]);
    assert_eq!((pair.verdict, pair.signal), (Verdict::StillFailing, false));
    // With the swap only: that is what is looked for.
    let works = result(Baseline, 0, Pass, vec![case("x", Pass)]);
    let (pair, _) = one(&[works, broken(Candidate)]);
    assert!(pair.signal);
    assert_ne!(pair.verdict, Verdict::StillFailing);
}
