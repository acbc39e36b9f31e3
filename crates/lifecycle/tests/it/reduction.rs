//! Lives that are played again, and lives that are made shorter.

use charmproof_lifecycle::generator::generate;
use charmproof_lifecycle::life::{Happening, Life, Stage, Step};
use charmproof_lifecycle::reducer::reduce;
use charmproof_lifecycle::replay::{Afterwards, replay};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{HookKind, JujuVersion, Outcome, Platform};
use charmproof_lifecycle::world::Profile;

use crate::lives::{breaches, many_units, plan, profiles, story};

/// Some lives of every profile, of one unit and of many.
fn lives(seeds: u64) -> impl Iterator<Item = Life> {
    profiles().flat_map(move |profile| {
        (0..seeds).flat_map(move |seed| {
            [plan(profile.version, profile.platform), many_units(profile)].map(|plan| {
                let steps = generate(&plan, seed);
                Life { stage: plan.stage, seed: Some(seed), steps }
            })
        })
    })
}

#[track_caller]
fn is_valid(stage: &Stage, steps: &[Step]) {
    for unit in steps.iter().filter_map(Step::hook).map(|(unit, _, _)| unit) {
        let breaches = breaches(stage.profile, unit, steps);
        assert!(breaches.is_empty(), "{:?}, {unit}: {breaches:#?}\n{}", stage.profile, story(steps));
    }
}

#[test]
fn a_life_that_is_played_again_is_the_same() {
    for life in lives(40) {
        let again = replay(&life.stage, &life.steps, Afterwards::Settle);
        let differs = again.iter().zip(&life.steps).position(|(one, other)| one != other);
        let place = differs.unwrap_or(again.len().min(life.steps.len()));
        assert!(
            again == life.steps,
            "{:?}, seed {:?}, step {place}:\n{}\n---- played again ----\n{}",
            life.stage.profile,
            life.seed,
            story(&life.steps[..life.steps.len().min(place + 3)]),
            story(&again[place.saturating_sub(3)..again.len().min(place + 3)]),
        );
    }
}

#[test]
fn what_remains_of_a_life_is_valid_whatever_is_taken_out() {
    for life in lives(6) {
        for every in [2, 3, 7] {
            let remaining: Vec<Step> = life
                .steps
                .iter()
                .enumerate()
                .filter(|(place, _)| place % every != 1)
                .map(|(_, step)| step.clone())
                .collect();
            is_valid(&life.stage, &replay(&life.stage, &remaining, Afterwards::Settle));
        }
    }
}

/// Whether a relation was broken while the unit did not lead, after it had once.
fn lost_lead_before_broken(steps: &[Step]) -> bool {
    let mut has_led = false;
    steps.iter().any(|step| {
        let Happening::Hook { hook, leads, .. } = &step.what else { return false };
        has_led |= *leads;
        hook.kind == HookKind::RelationBroken && has_led && !leads
    })
}

#[test]
fn a_reduced_life_is_short_and_valid_and_still_fails() {
    let mut reduced_count = 0;
    for life in lives(15).filter(|life| lost_lead_before_broken(&life.steps)) {
        let mut asked = 0;
        let reduced = reduce(&life.stage, &life.steps, &mut |steps| {
            asked += 1;
            lost_lead_before_broken(steps)
        })
        .expect("the life fails");
        reduced_count += 1;
        assert_eq!(reduced.tries, asked);
        assert!(asked < 400, "few tries: {asked}");
        assert!(lost_lead_before_broken(&reduced.steps));
        is_valid(&life.stage, &reduced.steps);
        let again = reduce(&life.stage, &life.steps, &mut |steps| lost_lead_before_broken(steps));
        assert_eq!(again, Some(reduced.clone()), "the same every time");
        let stimuli = reduced.steps.iter().filter_map(Step::stimulus);
        let stimuli = stimuli.filter(|(_, stimulus)| !matches!(stimulus, Stimulus::Deploy { .. })).count();
        // Leadership comes and goes, a relation comes and goes.
        assert!(stimuli <= 5, "seed {:?}:\n{}", life.seed, story(&reduced.steps));
    }
    assert!(reduced_count > 20, "enough lives fail: {reduced_count}");
}

#[test]
fn what_does_not_fail_is_not_reduced() {
    let life = lives(1).next().expect("there are lives");
    assert_eq!(reduce(&life.stage, &life.steps, &mut |_| false), None);
}

#[test]
fn an_error_that_nobody_needs_is_mended() {
    let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Machine };
    let plan = plan(profile.version, profile.platform);
    let has_stopped = |steps: &[Step]| {
        steps
            .iter()
            .filter_map(Step::hook)
            .any(|(_, hook, outcome)| hook.kind == HookKind::Stop && outcome.is_committed())
    };
    let has_failed = |steps: &[Step]| {
        steps.iter().filter_map(Step::hook).any(|(_, _, outcome)| outcome == Outcome::Failed)
    };
    let seed = (0..1_000).find(|seed| {
        let steps = generate(&plan, *seed);
        has_stopped(&steps) && has_failed(&steps)
    });
    let steps = generate(&plan, seed.expect("there is such a life"));
    let reduced = reduce(&plan.stage, &steps, &mut |steps| has_stopped(steps)).expect("it fails");
    assert!(!has_failed(&reduced.steps), "{}", story(&reduced.steps));
    let names: Vec<String> =
        reduced.steps.iter().filter_map(Step::hook).map(|(_, hook, _)| hook.name()).collect();
    assert_eq!(names.last().map(String::as_str), Some("stop"));
}
