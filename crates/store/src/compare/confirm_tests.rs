//! When both sides are run again, and what their times say then.

use super::Pair;
use super::tests::{NETWORK, listed, one};
use crate::comparison::SUITE;
use crate::event::{RunId, Side, UnitResult};
use crate::outcome::Outcome;
use crate::test_support::{case, plan, result, unit};
use crate::verdict::Verdict;

use Outcome::{Fail, Pass};
use Side::{Baseline, Candidate};

#[test]
fn times_are_compared_once_there_are_two_of_each() {
    let timed = |side, attempt, ms| {
        let mut timed = result(side, attempt, Pass, vec![case("x", Pass), case("y", Pass)]);
        timed.cases[0].duration_ms = ms;
        timed
    };
    let asked = plan(&["a"], &["unit"]);
    let first = [timed(Baseline, 0, 1000), timed(Candidate, 0, 4000)];
    let pair = Pair::new(&first[0].unit.subject, "unit", &first);
    assert_eq!(pair.compare(&asked).verdict, Verdict::StillPassing);
    assert!(pair.needs_confirmation(&asked, 2));

    let both = [first.to_vec(), vec![timed(Baseline, 1, 1100), timed(Candidate, 1, 4100)]].concat();
    let pair = Pair::new(&both[0].unit.subject, "unit", &both);
    let compared = pair.compare(&asked);
    assert_eq!(listed(&compared), [("x", Verdict::Slower)]);
    assert_eq!(compared.summary, "x takes longer with the swap: 1.0 s -> 4.0 s");
    assert!(!pair.needs_confirmation(&asked, 2));

    // Times of an earlier run are none, so one more is asked for, and no more.
    let mut reused = both.clone();
    reused[0].reused_from = Some(RunId("earlier".into()));
    let pair = Pair::new(&reused[0].unit.subject, "unit", &reused);
    assert_eq!(pair.compare(&asked).verdict, Verdict::StillPassing);
    assert!(pair.needs_confirmation(&asked, 2));
    let more = [reused, vec![timed(Baseline, 2, 1000), timed(Candidate, 2, 4000)]].concat();
    let pair = Pair::new(&more[0].unit.subject, "unit", &more);
    assert_eq!(pair.compare(&asked).verdict, Verdict::Slower);
    assert!(!pair.needs_confirmation(&asked, 2));
}

#[test]
fn a_whole_suite_can_be_slower_than_any_of_its_cases() {
    let timed = |side, attempt, ms: u64| {
        let mut timed = result(side, attempt, Pass, (0..10).map(|n| case(&n.to_string(), Pass)).collect());
        for case in &mut timed.cases {
            case.duration_ms = ms / 20;
        }
        timed.duration_ms = ms;
        timed
    };
    let mut results: Vec<_> =
        [0, 1].into_iter().flat_map(|n| [timed(Baseline, n, 8_000), timed(Candidate, n, 17_000)]).collect();
    let (pair, _) = one(&results);
    assert_eq!(listed(&pair), [(SUITE, Verdict::Slower)]);
    assert_eq!(pair.summary, "the suite takes longer with the swap: 7.0 s -> 16.0 s");
    // The environment took its time, the cases did not.
    for result in &mut results {
        result.cases.iter_mut().for_each(|case| case.duration_ms = 100);
    }
    assert_eq!(one(&results).0.verdict, Verdict::StillPassing);
}

#[test]
fn disagreement_is_confirmed_and_agreement_is_not() {
    let asked = plan(&["a"], &["unit"]);
    let needs = |results: &[UnitResult]| {
        Pair::new(&unit("a", "unit", Baseline, 0).subject, "unit", results).needs_confirmation(&asked, 2)
    };
    let pass = |side, attempt| result(side, attempt, Pass, vec![case("x", Pass)]);
    let fail = |side, attempt| result(side, attempt, Fail, vec![case("x", Fail)]);
    assert!(needs(&[pass(Baseline, 0), fail(Candidate, 0)]));
    assert!(needs(&[fail(Baseline, 0), pass(Candidate, 0)]));
    assert!(needs(&[pass(Baseline, 0), result(Candidate, 0, NETWORK, vec![])]));
    assert!(!needs(&[pass(Baseline, 0), pass(Candidate, 0)]));
    assert!(!needs(&[fail(Baseline, 0), fail(Candidate, 0)]));
    assert!(!needs(&[pass(Baseline, 0)]));
    assert!(!needs(&[pass(Baseline, 0), fail(Candidate, 0), pass(Baseline, 1), fail(Candidate, 1)]));
    // Both suites fail, but not in the same cases.
    let other = result(Candidate, 0, Fail, vec![case("x", Pass), case("y", Fail)]);
    assert!(needs(&[result(Baseline, 0, Fail, vec![case("x", Fail), case("y", Pass)]), other]));
}

#[test]
fn an_attempt_that_was_spoilt_is_not_what_is_shown() {
    let (pair, _) = one(&[
        result(Baseline, 0, Pass, vec![case("x", Pass)]),
        result(Candidate, 0, NETWORK, vec![]),
        result(Baseline, 1, Pass, vec![case("x", Pass)]),
        result(Candidate, 1, Pass, vec![case("x", Pass)]),
    ]);
    assert_eq!((pair.verdict, pair.candidate), (Verdict::StillPassing, Some(Pass)));
    assert_eq!((pair.case_counts, pair.attempts), ((1, 1), (2, 2)));
    assert!(pair.signal);
}
