//! What a comparison makes of proof, environments and equal packages.

use super::tests::{listed, one, sides};
use super::{compare, same_swaps};
use crate::comparison::SUITE;
use crate::event::{Injection, Proof, Side, Sighting};
use crate::outcome::Outcome;
use crate::test_support::{case, plan, result};
use crate::verdict::Verdict;

use Outcome::{Fail, NotInjected, NotUsed, Pass};
use Side::{Baseline, Candidate};

#[test]
fn without_proof_nothing_is_known() {
    let (pair, comparison) = sides((Pass, &[("x", Pass)]), (NotInjected, &[("x", Fail)]));
    assert_eq!(listed(&pair), [(SUITE, Verdict::NotInjected)]);
    assert!(comparison.causes.is_empty());

    for proof in [Proof::Missing, Proof::NotNeeded] {
        let mut candidate = result(Candidate, 0, Pass, vec![case("x", Pass)]);
        candidate.injection = Injection { proof, summary: "saw ops 2.1".into(), sightings: vec![] };
        let (pair, _) = one(&[result(Baseline, 0, Pass, vec![case("x", Pass)]), candidate]);
        assert_eq!(pair.verdict, Verdict::NotInjected);
        assert_eq!(pair.candidate, Some(NotInjected));
        assert!(!pair.signal);
        assert_eq!(pair.summary, "no proof that the candidate ran with the swapped packages: saw ops 2.1");
    }
}

#[test]
fn an_environment_without_the_package_is_unaffected_unless_the_swap_took_it_away() {
    let mut baseline = result(Baseline, 0, Pass, vec![case("x", Pass)]);
    let candidate = result(Candidate, 0, NotUsed, vec![case("x", Fail)]);
    let (pair, _) = one(&[baseline.clone(), candidate.clone()]);
    assert_eq!((pair.verdict, listed(&pair)), (Verdict::Unaffected, vec![]));
    assert_eq!(pair.summary, "does not use ops");

    baseline.environment.insert("OPS".into(), "2.1".into());
    let (pair, _) = one(&[baseline, candidate.clone()]);
    assert_eq!(pair.verdict, Verdict::NotInjected);
    assert_eq!(pair.summary, "the baseline's environment holds ops, the candidate's does not");

    let mut baseline = result(Baseline, 0, Pass, vec![]);
    baseline.injection.sightings.push(sighting("digest-2.1"));
    let (pair, _) = one(&[baseline, candidate]);
    assert_eq!(pair.verdict, Verdict::NotInjected);
}

fn sighting(digest: &str) -> Sighting {
    Sighting {
        package: "Ops".into(),
        version: "2.1".into(),
        digest: digest.into(),
        path: "ops".into(),
        process: String::new(),
        imported: false,
    }
}

#[test]
fn equal_packages_on_both_sides_say_nothing_and_that_is_said() {
    let mut same = plan(&["a"], &["unit"]);
    same.baseline = same.candidate.clone();
    assert!(same_swaps(&same));
    let mut baseline = result(Baseline, 0, Pass, vec![]);
    baseline.injection.proof = Proof::Installed;
    let pair = &compare(&same, &[baseline, result(Candidate, 0, Pass, vec![])]).pairs[0];
    assert!(!pair.signal);
    assert_eq!(
        pair.summary,
        "both sides run the same ops 3.9.0, so this says nothing of it; passes on both sides"
    );

    let mut baseline = result(Baseline, 0, Pass, vec![]);
    baseline.injection.sightings.push(sighting("digest-3.9.0"));
    let (pair, _) = one(&[baseline, result(Candidate, 0, Pass, vec![])]);
    assert!(!pair.signal);
}

#[test]
fn other_packages_that_differ_are_drift() {
    let mut before = result(Baseline, 0, Pass, vec![]);
    let mut after = result(Candidate, 0, Pass, vec![]);
    for (side, list) in [
        (&mut before, [("ops", "2.1"), ("PyYAML", "6.0"), ("same", "1")]),
        (&mut after, [("ops", "3.9.0"), ("pyyaml", "6.1"), ("same", "1")]),
    ] {
        side.environment = list.map(|(name, version)| (name.into(), version.into())).into();
    }
    after.environment.insert("new".into(), "1".into());
    let (pair, _) = one(&[before, after]);
    assert_eq!(pair.drift, ["new none -> 1", "pyyaml 6.0 -> 6.1"]);
}
