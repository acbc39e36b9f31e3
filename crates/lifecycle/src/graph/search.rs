//! Walks through all that the machine can do.
//!
//! What a unit may meet has no end, as versions count up. What it runs next depends on much
//! less: whether a version was seen, not which one it is. So each world is brought to the
//! least one that goes on like it, and of those there are few.

use std::collections::HashMap;

use crate::machine::{Effect, Event, Next, next_hook, next_hooks, step};
use crate::stimulus::Stimulus;
use crate::vocabulary::{Hook, Outcome};
use crate::world::{Hint, World};

/// The number that the first new relation and the first new storage have, each time.
pub(super) const FIRST_NEW: u32 = 10;

/// Somebody who goes along.
pub(super) trait Walker: Clone + Eq + std::hash::Hash {
    /// Something happened to the unit, which was as `before` says.
    fn pokes(&mut self, before: &World, stimulus: &Stimulus);
    /// The unit ran a hook, and it was committed.
    fn runs(&mut self, before: &World, hook: &Hook);
    /// Nothing runs at this moment.
    /// It may forget what the rest of its way does not depend on.
    fn rests(&mut self, world: &mut World);
}

/// What may happen at a place.
pub(super) struct Possible<'a> {
    /// Between two hooks.
    pub(super) between: &'a dyn Fn(&World) -> Vec<Stimulus>,
    /// To the agent, while a hook runs.
    pub(super) within: Vec<Stimulus>,
}

/// Visits every place that can be reached while no more than `stimuli` things happen from one
/// rest of the unit to the next, each place with every walker who gets there.
pub(super) fn search<W: Walker>(start: World, walker: W, possible: &Possible<'_>, stimuli: u8) {
    // With how many things left each place was visited: fewer find nothing new.
    let mut known: HashMap<(World, W), u8> = HashMap::new();
    let mut todo: Vec<(World, W, u8)> = Vec::new();
    let mut push = |mut world: World, mut walker: W, left: u8, todo: &mut Vec<(World, W, u8)>| {
        walker.rests(&mut world);
        reduce(&mut world);
        let rests = world.agent.is_up && next_hook(&world, 0) == Next::Wait;
        let left = if rests { stimuli } else { left };
        let found = (world, walker);
        if known.get(&found).is_none_or(|known| *known < left) {
            known.insert(found.clone(), left);
            todo.push((found.0, found.1, left));
        }
    };
    push(start, walker, stimuli, &mut todo);
    while let Some((world, walker, left)) = todo.pop() {
        for stimulus in (possible.between)(&world) {
            // A pod that is gone comes back.
            let price = u8::from(stimulus != Stimulus::PodStarted);
            let (mut after, mut walker) = (world.clone(), walker.clone());
            if left >= price && step(&mut after, Event::Stimulus(stimulus.clone())).is_ok() {
                walker.pokes(&world, &stimulus);
                push(after, walker, left - price, &mut todo);
            }
        }
        for (choice, next) in next_hooks(&world) {
            if next == Next::Wait {
                continue;
            }
            let mut begun = world.clone();
            let effects = step(&mut begun, Event::Resolve { choice }).unwrap_or_default();
            let hook = effects.into_iter().find_map(|effect| match effect {
                Effect::Begin(hook) => Some(hook),
                Effect::Ended { .. } | Effect::Mark(_) | Effect::AgentExited | Effect::UnitDied => None,
            });
            let Some(hook) = hook else {
                push(begun, walker.clone(), left, &mut todo);
                continue;
            };
            for End { cause, outcome, after } in ends(&begun, &possible.within) {
                let price = u8::from(cause.is_some());
                if left < price {
                    continue;
                }
                let mut walker = walker.clone();
                if outcome.is_committed() {
                    walker.runs(&world, &hook);
                }
                if let Some(cause) = cause {
                    walker.pokes(&begun, cause);
                }
                push(after, walker, left - price, &mut todo);
            }
        }
    }
}

/// One way in which a hook may end.
struct End<'a> {
    /// What happened while it ran.
    cause: Option<&'a Stimulus>,
    outcome: Outcome,
    after: World,
}

/// Returns all ways in which the hook that runs may end.
fn ends<'a>(begun: &World, within: &'a [Stimulus]) -> Vec<End<'a>> {
    let end = |world: &World, cause: Option<&'a Stimulus>, outcome: Outcome| {
        let mut after = world.clone();
        step(&mut after, Event::HookEnds { outcome }).ok().map(|_| End { cause, outcome, after })
    };
    let mut found: Vec<End<'a>> = end(begun, None, Outcome::Ok).into_iter().collect();
    for stimulus in within {
        let mut after = begun.clone();
        if step(&mut after, Event::Stimulus(stimulus.clone())).is_err() {
            continue;
        }
        if after.is_running() {
            found.extend(end(&after, Some(stimulus), Outcome::Ok));
            found.extend(end(&after, Some(stimulus), Outcome::Terminated));
        } else {
            found.push(End { cause: Some(stimulus), outcome: Outcome::Terminated, after });
        }
    }
    found
}

/// Brings a world in which nothing runs to the least one that goes on like it.
fn reduce(world: &mut World) {
    let is_new = world.agent.config_seen.is_some_and(|seen| seen != world.config_version);
    world.config_version = u64::from(is_new);
    world.agent.config_seen = world.agent.config_seen.map(|_| 0);
    let is_new = world.agent.charm_version != world.charm_version;
    (world.agent.charm_version, world.charm_version) = (0, u64::from(is_new));
    (world.next_relation, world.next_storage) = (FIRST_NEW, FIRST_NEW);
    for relation in world.relations.values_mut() {
        relation.hint = Hint::Unknown;
        (relation.app_version_seen, relation.app_version) =
            match (relation.app_version_seen, relation.app_version) {
                (_, 0) => (0, 0),
                (seen, latest) if seen == latest => (1, 1),
                (0, _) => (0, 1),
                (_, _) => (1, 2),
            };
        for (unit, version) in relation.remote_units.iter_mut() {
            let is_new = relation.members.get(unit).is_some_and(|seen| *seen != *version);
            *version = if is_new { 2 } else { 1 };
        }
        for seen in relation.members.values_mut() {
            *seen = 1;
        }
    }
    for container in world.containers.values_mut() {
        container.boot_seen = container.boot_seen.filter(|seen| *seen == container.boot).map(|_| 1);
        container.boot = 1;
        if !world.has_quirks {
            container.told.clear();
        }
    }
    for secret in world.secrets.values_mut() {
        let is_new = secret.latest > secret.consumed;
        secret.consumed = 1;
        secret.latest = if is_new { 2 } else { 1 };
    }
}
