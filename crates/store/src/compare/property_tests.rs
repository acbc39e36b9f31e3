//! Properties that hold for any set of results.

use proptest::prelude::*;

use super::{Pair, compare};
use crate::comparison::SUITE;
use crate::event::{CaseKind, Plan, Proof, RunId, Side, UnitResult};
use crate::outcome::Outcome;
use crate::test_support::{case, plan, result, unit};
use crate::verdict::Verdict;

use Outcome::Pass;
use Side::{Baseline, Candidate};

fn any_result() -> impl Strategy<Value = UnitResult> {
    let outcome = || prop::sample::select(Outcome::all());
    let any_case = (0..5_u8, outcome(), prop::sample::select(CaseKind::ALL.to_vec()), 0..9_000_u64).prop_map(
        |(name, outcome, kind, duration_ms)| {
            let mut made = case(["x", "x#2", "y", SUITE, "z"][usize::from(name)], outcome);
            (made.kind, made.duration_ms) = (kind, duration_ms);
            made
        },
    );
    let proof = prop::sample::select(vec![
        Proof::NotNeeded,
        Proof::InProcess,
        Proof::InProcess,
        Proof::Installed,
        Proof::NotUsed,
        Proof::Missing,
    ]);
    (
        (0..3_usize, 0..2_usize, any::<bool>(), 0..3_u32),
        outcome(),
        prop::collection::vec(any_case, 0..6),
        proof,
        (any::<bool>(), any::<bool>(), 0..3_i64, 0..20_000_u64),
    )
        .prop_map(|((subject, target, side, attempt), outcome, cases, proof, (ops, old, at, ms))| {
            let side = if side { Baseline } else { Candidate };
            let mut made = result(side, attempt, outcome, cases);
            made.unit = unit(["a", "b", "extra"][subject], ["unit", "lint"][target], side, attempt);
            made.injection.proof = proof;
            made.duration_ms = ms;
            made.started_at = crate::test_support::moment(at);
            made.reused_from = old.then(|| RunId("old".into()));
            if ops {
                made.environment.insert("ops".into(), "2.0".into());
            }
            made
        })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(both, same, filtered)| {
        let mut asked = plan(&["a", "b", "c"], &["unit", "lint", "unit"]);
        if both {
            asked.baseline = vec![crate::test_support::swap(if same { "3.9.0" } else { "2.0" })];
        }
        if filtered {
            asked.subjects[1].filtered = Some("why not".into());
        }
        asked
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_results_make_a_sound_comparison(
        plan in any_plan(),
        results in prop::collection::vec(any_result(), 0..14),
    ) {
        let comparison = compare(&plan, &results);
        let mut pairs: Vec<_> = comparison
            .pairs
            .iter()
            .map(|pair| (pair.subject.0.as_str(), pair.target.as_str()))
            .collect();
        prop_assert!(pairs.is_sorted());
        let number = pairs.len();
        pairs.dedup();
        prop_assert_eq!(pairs.len(), number);
        for subject in ["a", "b", "c"] {
            for target in ["unit", "lint"] {
                prop_assert!(pairs.contains(&(subject, target)));
            }
        }
        prop_assert_eq!(comparison.totals.values().sum::<usize>(), number);
        for pair in &comparison.pairs {
            prop_assert!(comparison.totals.contains_key(&pair.verdict));
            prop_assert!(pair.cases.is_sorted_by_key(|case| case.verdict));
            for case in &pair.cases {
                prop_assert!(pair.verdict <= case.verdict);
                prop_assert_eq!(
                    case.verdict == Verdict::Regressed,
                    case.cause.is_some() && case.verdict != Verdict::LostCase
                );
                prop_assert!(case.cause.is_none_or(|cause| cause < comparison.causes.len()));
            }
            let names: std::collections::BTreeSet<_> =
                pair.cases.iter().map(|case| &case.case).collect();
            prop_assert_eq!(names.len(), pair.cases.len());
            // No word without proof.
            if pair.signal {
                prop_assert_ne!(pair.verdict, Verdict::NotInjected);
            }
            prop_assert!(!pair.summary.is_empty());
            prop_assert!(!pair.summary.contains('\n'));
        }
        let caused: usize = comparison
            .pairs
            .iter()
            .flat_map(|pair| &pair.cases)
            .filter(|case| case.cause.is_some())
            .count();
        prop_assert!(comparison.causes.iter().map(|cause| cause.cases).sum::<usize>() <= caused.max(comparison.causes.len()));
        let sizes: Vec<_> = comparison
            .causes
            .iter()
            .map(|cause| std::cmp::Reverse((cause.subjects.len(), cause.cases)))
            .collect();
        prop_assert!(sizes.is_sorted());
    }

    #[test]
    fn the_order_of_results_does_not_matter(
        plan in any_plan(),
        results in prop::collection::vec(any_result(), 0..14),
    ) {
        let forwards = compare(&plan, &results);
        let mut backwards = results;
        backwards.reverse();
        prop_assert_eq!(compare(&plan, &backwards), forwards);
    }

    #[test]
    fn confirming_comes_to_an_end(
        plan in any_plan(),
        results in prop::collection::vec(any_result(), 1..6),
    ) {
        let subject = results[0].unit.subject.clone();
        let mut all: Vec<UnitResult> = results;
        for attempt in 0..8 {
            for side in [Baseline, Candidate] {
                let mut more = all[0].clone();
                more.unit.side = side;
                more.unit.attempt = attempt;
                all.push(more);
            }
        }
        prop_assert!(!Pair::new(&subject, &all[0].unit.target, &all).needs_confirmation(&plan, 3));
    }

    #[test]
    fn a_candidate_without_proof_never_passes_or_accuses(
        results in prop::collection::vec(any_result(), 0..14),
    ) {
        let mut results = results;
        for result in &mut results {
            if result.unit.side == Candidate {
                result.injection.proof = Proof::Missing;
            }
        }
        for pair in compare(&plan(&["a", "b", "c"], &["unit", "lint"]), &results).pairs {
            let spoke = pair.candidate.is_some_and(|one| one == Pass || one.is_failure());
            prop_assert!(!spoke);
            prop_assert!(!pair.signal);
            prop_assert!(
                !matches!(pair.verdict, Verdict::StillPassing | Verdict::Fixed),
                "{:?}", pair
            );
        }
    }
}
