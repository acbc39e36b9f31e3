use proptest::prelude::*;

use super::{looks_slower, settle, settle_times};
use crate::event::CaseKind;
use crate::outcome::{Outcome, PrepareKind};
use crate::verdict::{Verdict, verdict};

const PASS: Option<Outcome> = Some(Outcome::Pass);
const FAIL: Option<Outcome> = Some(Outcome::Fail);
const TIMEOUT: Option<Outcome> = Some(Outcome::Timeout);
const SKIPPED: Option<Outcome> = Some(Outcome::SkippedBySuite);
const NETWORK: Option<Outcome> = Some(Outcome::CouldNotPrepare(PrepareKind::Network));
const RESOLVER: Option<Outcome> = Some(Outcome::CouldNotPrepare(PrepareKind::Resolver));
const OURS: Option<Outcome> = Some(Outcome::ToolFailed);
const UNPROVEN: Option<Outcome> = Some(Outcome::NotInjected);
const UNUSED: Option<Outcome> = Some(Outcome::NotUsed);

#[test]
fn attempts_settle() {
    for (before, after, expected) in [
        (&[PASS][..], &[PASS][..], Verdict::StillPassing),
        (&[PASS, PASS], &[FAIL, FAIL], Verdict::Regressed),
        (&[PASS, PASS], &[FAIL, TIMEOUT], Verdict::Regressed),
        (&[PASS, PASS], &[FAIL, RESOLVER], Verdict::Regressed),
        (&[PASS, PASS], &[FAIL, PASS], Verdict::Flaky),
        (&[PASS, FAIL], &[FAIL, FAIL], Verdict::Flaky),
        (&[PASS, FAIL], &[PASS, PASS], Verdict::Flaky),
        (&[PASS, FAIL], &[PASS, FAIL], Verdict::Flaky),
        (&[FAIL, TIMEOUT], &[FAIL, FAIL], Verdict::StillFailing),
        (&[FAIL, FAIL], &[PASS, PASS], Verdict::Fixed),
        (&[FAIL, PASS], &[PASS, PASS], Verdict::Flaky),
        // The environment spoilt one attempt; the others speak.
        (&[PASS, PASS], &[NETWORK, PASS], Verdict::StillPassing),
        (&[PASS, NETWORK], &[OURS, FAIL], Verdict::Regressed),
        (&[PASS, PASS], &[NETWORK, OURS], Verdict::Spurious),
        (&[NETWORK, NETWORK], &[NETWORK], Verdict::Blocked),
        // Not steady, so nobody is accused, whatever the combinations say.
        (&[None, PASS], &[FAIL, FAIL], Verdict::Flaky),
        (&[None, SKIPPED], &[FAIL, FAIL], Verdict::Regressed),
        // It is lost either way.
        (&[PASS, FAIL], &[None, None], Verdict::LostCase),
        (&[PASS, PASS], &[None, PASS], Verdict::Flaky),
        // One attempt without proof makes all doubtful.
        (&[PASS, PASS], &[UNPROVEN, PASS], Verdict::NotInjected),
        (&[PASS, FAIL], &[UNPROVEN, PASS], Verdict::NotInjected),
        (&[PASS, FAIL], &[UNUSED, UNUSED], Verdict::Unaffected),
        (&[], &[PASS], Verdict::Unknown),
        (&[PASS], &[], Verdict::Unknown),
        (&[], &[], Verdict::Unknown),
    ] {
        assert_eq!(settle(before, after, CaseKind::Test), expected, "{before:?} {after:?}");
    }
}

#[test]
fn times_need_two_of_each_and_a_clear_difference() {
    let case = |before: &[u64], after: &[u64]| settle_times(before, after, CaseKind::Test);
    assert_eq!(case(&[1000, 1100], &[2600, 2700]), Verdict::Slower);
    assert_eq!(case(&[2600, 2700], &[1000, 1100]), Verdict::Faster);
    assert_eq!(case(&[1000], &[2600, 2700]), Verdict::StillPassing);
    assert_eq!(case(&[1000, 1100], &[2600]), Verdict::StillPassing);
    // The best of each side counts.
    assert_eq!(case(&[1000, 1100], &[9000, 1100]), Verdict::StillPassing);
    // Much, but not by much; and by much, but not much.
    assert_eq!(case(&[10, 10], &[900, 900]), Verdict::StillPassing);
    assert_eq!(case(&[100_000, 100_000], &[140_000, 140_000]), Verdict::StillPassing);
    // A test that took no time and now takes some is slower.
    assert_eq!(case(&[0, 0], &[5000, 5000]), Verdict::Slower);
    assert_eq!(settle_times(&[1000, 1000], &[2600, 2600], CaseKind::Suite), Verdict::StillPassing);
    assert_eq!(settle_times(&[5000, 5000], &[9000, 9000], CaseKind::Suite), Verdict::Slower);
    assert!(looks_slower(&[1000], &[2600], CaseKind::Test));
    assert!(!looks_slower(&[], &[2600], CaseKind::Test));
}

fn cell() -> impl Strategy<Value = Option<Outcome>> {
    prop::option::of(prop::sample::select(Outcome::all()))
}

fn side() -> impl Strategy<Value = Vec<Option<Outcome>>> {
    prop::collection::vec(cell(), 0..4)
}

fn kind() -> impl Strategy<Value = CaseKind> {
    prop::sample::select(CaseKind::ALL.to_vec())
}

proptest! {
    #[test]
    fn one_attempt_of_each_is_the_verdict(before in cell(), after in cell(), kind in kind()) {
        prop_assert_eq!(settle(&[before], &[after], kind), verdict(before, after, kind));
    }

    #[test]
    fn the_order_of_attempts_does_not_matter(
        before in side(), after in side(), kind in kind(),
    ) {
        let settled = settle(&before, &after, kind);
        let (mut before, mut after) = (before, after);
        before.reverse();
        after.sort();
        prop_assert_eq!(settle(&before, &after, kind), settled);
    }

    #[test]
    fn a_regression_is_unanimous(before in side(), after in side(), kind in kind()) {
        if settle(&before, &after, kind) == Verdict::Regressed {
            prop_assert!(!before.contains(&FAIL) && !after.contains(&PASS));
            prop_assert!(before.iter().all(|one| !one.is_some_and(Outcome::is_failure)));
        }
    }

    #[test]
    fn a_side_that_passes_and_fails_is_never_a_pass_or_a_regression(
        before in side(), after in side(), kind in kind(),
    ) {
        let mut mixed = after;
        mixed.extend([PASS, FAIL]);
        let settled = settle(&before, &mixed, kind);
        prop_assert!(!matches!(
            settled,
            Verdict::Regressed | Verdict::StillPassing | Verdict::Fixed | Verdict::StillFailing
        ), "{:?}", settled);
    }
}
