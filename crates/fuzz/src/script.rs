//! What lives are played: made from seeds, mutated from others, and put into another order.

use std::collections::BTreeSet;

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::life::{Happening, Phase, Step, Target};
use charmproof_lifecycle::stimulus::{Stimulus, StimulusKind};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name, Outcome};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How often the timer runs out before a unit's status is judged.
const TICKS_AT_THE_END: usize = 3;
/// How many hooks units may run between two stimuli of a calm life.
const HOOKS_BETWEEN: usize = 60;

/// Returns the script of a seed. Every other life ends before its teardown, so that what units
/// say when all is done can be judged.
pub fn of_seed(plan: &Plan, seed: u64) -> Vec<Step> {
    let mut plan = plan.clone();
    // Real code fails by itself, or it does not.
    plan.with_failures = false;
    let mut steps = generate(&plan, seed);
    if seed % 2 == 1 {
        steps.retain(|step| step.phase != Phase::Teardown);
        rest(&mut steps);
    }
    steps
}

/// Lets units come to rest, and the timer run out.
fn rest(steps: &mut Vec<Step>) {
    let units = units(steps);
    for _ in 0..TICKS_AT_THE_END {
        settle(&units, steps);
        for unit in &units {
            steps.push(happens(Target::Unit(unit.clone()), Stimulus::TimePasses));
        }
    }
    settle(&units, steps);
}

/// Returns the units that are deployed.
fn units(steps: &[Step]) -> BTreeSet<Name> {
    let deployed = steps
        .iter()
        .filter_map(Step::stimulus)
        .filter(|(_, stimulus)| stimulus.kind() == StimulusKind::Deploy);
    deployed.map(|(target, _)| target.name().clone()).collect()
}

fn happens(target: Target, stimulus: Stimulus) -> Step {
    Step { phase: Phase::Operation, what: Happening::Stimulus { target, stimulus } }
}

/// Lets each unit run what it has to run. A hook in a script stands for "the unit runs a hook,
/// if it has one to run".
fn settle(units: &BTreeSet<Name>, steps: &mut Vec<Step>) {
    for _ in 0..HOOKS_BETWEEN {
        for unit in units {
            let hook = Hook::of_kind(HookKind::UpdateStatus);
            let what = Happening::Hook { unit: unit.clone(), hook, outcome: Outcome::Ok, leads: false };
            steps.push(Step { phase: Phase::Operation, what });
        }
    }
}

/// Returns two lives in which the same things happen to units that stay: as in `script`, and
/// one after the other, each when all units are at rest. `None` if there is nothing to reorder.
pub fn two_orders(script: &[Step]) -> Option<(Vec<Step>, Vec<Step>)> {
    let commutes = |stimulus: &Stimulus| {
        matches!(
            stimulus.kind(),
            StimulusKind::Deploy
                | StimulusKind::Integrate
                | StimulusKind::RemoteUnitJoins
                | StimulusKind::ConfigChanges
        )
    };
    let kept: Vec<Step> = script
        .iter()
        .filter(|step| step.phase != Phase::Teardown)
        .filter(|step| step.stimulus().is_none_or(|(_, stimulus)| commutes(stimulus)))
        .filter(|step| step.hook().is_none_or(|(_, _, outcome)| outcome == Outcome::Ok))
        .cloned()
        .collect();
    let stimuli: Vec<&Step> = kept.iter().filter(|step| step.stimulus().is_some()).collect();
    let is_deployment =
        |step: &&&Step| step.stimulus().is_some_and(|(_, stimulus)| stimulus.kind() == StimulusKind::Deploy);
    if stimuli.iter().filter(|step| !is_deployment(step)).count() == 0 {
        return None;
    }
    let units = units(&kept);
    let mut hasty = kept.clone();
    rest(&mut hasty);
    let mut calm: Vec<Step> = stimuli.iter().filter(is_deployment).map(|step| (*step).clone()).collect();
    for step in stimuli.iter().filter(|step| !is_deployment(step)) {
        settle(&units, &mut calm);
        calm.push((*step).clone());
    }
    rest(&mut calm);
    Some((hasty, calm))
}

/// Returns a script made of one that reached something, and of another.
pub fn mutated(script: &[Step], other: &[Step], seed: u64) -> Vec<Step> {
    let mut numbers = ChaCha8Rng::seed_from_u64(seed ^ 0x4d75_7461_7465);
    let mut below = |end: usize| {
        let end = u64::try_from(end).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        usize::try_from((u64::from(numbers.next_u32()) * end) >> 32).unwrap_or(0)
    };
    let mut steps = script.to_vec();
    let is_free =
        |step: &Step| step.stimulus().is_some_and(|(_, stimulus)| stimulus.kind() != StimulusKind::Deploy);
    let donors: Vec<&Step> = other.iter().filter(|step| is_free(step)).collect();
    for _ in 0..=below(4) {
        let places: Vec<usize> = (0..steps.len()).filter(|place| is_free(&steps[*place])).collect();
        match below(3) {
            0 if !places.is_empty() => {
                steps.remove(places[below(places.len())]);
            }
            1 if !places.is_empty() => {
                let step = steps[places[below(places.len())]].clone();
                let place = below(steps.len());
                steps.insert(place, step);
            }
            _ if !donors.is_empty() => {
                let place = below(steps.len());
                steps.insert(place, donors[below(donors.len())].clone());
            }
            _ => {}
        }
    }
    steps
}
