use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Standing, Verdict, verdict};
use crate::event::CaseKind;
use crate::outcome::Outcome;

fn cells() -> Vec<Option<Outcome>> {
    std::iter::once(None).chain(Outcome::all().into_iter().map(Some)).collect()
}

fn words(cell: Option<Outcome>) -> String {
    cell.map_or_else(|| "absent".to_owned(), Outcome::words)
}

fn all_pairs() -> impl Iterator<Item = (Option<Outcome>, Option<Outcome>, CaseKind)> {
    CaseKind::ALL.into_iter().flat_map(|kind| {
        cells()
            .into_iter()
            .flat_map(move |before| cells().into_iter().map(move |after| (before, after, kind)))
    })
}

#[test]
fn the_whole_matrix() {
    for kind in CaseKind::ALL {
        let mut text = String::new();
        for before in cells() {
            for after in cells() {
                let verdict = format!("{:?}", verdict(before, after, kind));
                writeln!(text, "{:<33} -> {:<33} {verdict}", words(before), words(after)).unwrap();
            }
        }
        insta::assert_snapshot!(format!("matrix_{kind:?}").to_lowercase(), text);
    }
}

#[test]
fn environment_trouble_never_accuses() {
    for (before, after, kind) in all_pairs() {
        let trouble = |cell| Standing::of(cell, kind) == Standing::Troubled;
        if trouble(before) || trouble(after) {
            let found = verdict(before, after, kind);
            assert!(!found.is_accusation(), "{before:?} {after:?} {kind:?} {found:?}");
            assert!(
                !matches!(found, Verdict::StillPassing | Verdict::Fixed | Verdict::NewCase),
                "{before:?} {after:?} {kind:?} {found:?}"
            );
        }
    }
}

#[test]
fn passing_trouble_is_trouble() {
    for outcome in Outcome::all() {
        if let Outcome::CouldNotPrepare(kind) = outcome
            && kind.is_passing_trouble()
        {
            assert_eq!(Standing::of(Some(outcome), CaseKind::Suite), Standing::Troubled);
        }
    }
}

#[test]
fn nothing_changes_between_equal_sides() {
    for kind in CaseKind::ALL {
        for cell in cells() {
            assert!(!verdict(cell, cell, kind).claims_a_change(), "{cell:?} {kind:?}");
        }
    }
}

#[test]
fn the_other_way_round_a_loss_is_a_gain() {
    for (before, after, kind) in all_pairs() {
        let back = verdict(after, before, kind);
        match verdict(before, after, kind) {
            Verdict::Fixed => assert_eq!(back, Verdict::Regressed, "{before:?} {after:?} {kind:?}"),
            Verdict::NewCase => {
                assert_eq!(back, Verdict::LostCase, "{before:?} {after:?} {kind:?}");
            }
            Verdict::Regressed => assert!(
                matches!(back, Verdict::Fixed | Verdict::LostCase),
                "{before:?} {after:?} {kind:?} {back:?}"
            ),
            Verdict::Spurious | Verdict::Blocked | Verdict::Unknown | Verdict::StillPassing
                if !matches!(Standing::of(before, kind), Standing::Unused)
                    && !matches!(Standing::of(after, kind), Standing::Unused) =>
            {
                assert_eq!(back, verdict(before, after, kind), "{before:?} {after:?} {kind:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_pass_needs_two_passes() {
    for (before, after, kind) in all_pairs() {
        if verdict(before, after, kind) == Verdict::StillPassing {
            assert_eq!((before, after), (Some(Outcome::Pass), Some(Outcome::Pass)));
        }
        if matches!(verdict(before, after, kind), Verdict::Fixed | Verdict::NewCase) {
            assert!(after == Some(Outcome::Pass) || kind == CaseKind::Diagnostic);
        }
    }
}

#[test]
fn all_verdicts_are_listed_gravest_first() {
    assert!(Verdict::ALL.windows(2).all(|pair| pair[0] < pair[1]));
}

proptest! {
    #[test]
    fn verdicts_survive_json(index in 0..Verdict::ALL.len()) {
        let verdict = Verdict::ALL[index];
        let text = serde_json::to_string(&verdict).unwrap();
        prop_assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    }
}
