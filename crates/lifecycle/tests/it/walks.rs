//! Random walks through the machine, which ask at every place what holds at all of them.

use charmproof_lifecycle::machine::{Event, Next, next_hook, step};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Name, Outcome, Platform};
use charmproof_lifecycle::world::{Life, Operation, SecretOwner, World};

use crate::lives::{charm, profiles};

/// Numbers that are random enough to walk by.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn of<T: Clone>(&mut self, options: &[T]) -> T {
        options[self.next() as usize % options.len()].clone()
    }
}

/// Returns stimuli of every kind but the deployment, possible or not.
fn stimuli() -> Vec<Stimulus> {
    let mut all = vec![
        Stimulus::ConfigChanges,
        Stimulus::LeadershipGained,
        Stimulus::LeadershipLost,
        Stimulus::Refresh { forced: false },
        Stimulus::Refresh { forced: true },
        Stimulus::CharmReboots { now: true },
        Stimulus::CharmReboots { now: false },
        Stimulus::LeaderSettingsWritten,
        Stimulus::AgentRestarts,
        Stimulus::PodTerminated,
        Stimulus::PodLost,
        Stimulus::PodStarted,
        Stimulus::MachineReboots,
        Stimulus::SeriesUpgradePrepared,
        Stimulus::SeriesUpgradeCompleted,
        Stimulus::Retry,
        Stimulus::ResolveWithoutRetry,
        Stimulus::TimePasses,
        Stimulus::ActionRuns { action: "backup".into() },
        Stimulus::ActionRuns { action: "absent".into() },
        Stimulus::StorageAdded { storage_id: "data/2".into() },
        Stimulus::StorageAdded { storage_id: "data/5".into() },
        Stimulus::StorageAdded { storage_id: "absent/3".into() },
    ];
    for relation in 0..4 {
        all.push(Stimulus::RemoveRelation { relation });
        all.push(Stimulus::SuspendRelation { relation });
        all.push(Stimulus::ResumeRelation { relation });
        all.push(Stimulus::UnitWrites { relation });
        all.push(Stimulus::AppWrites { relation });
        all.push(Stimulus::RemoteAppWrites { relation });
        for unit in ["app/0", "app/1", "pg/2", "pg/10", "haproxy/0"].map(Name::from) {
            all.push(Stimulus::RemoteUnitJoins { relation, unit: unit.clone() });
            all.push(Stimulus::RemoteUnitLeaves { relation, unit: unit.clone() });
            all.push(Stimulus::RemoteUnitWrites { relation, unit });
        }
    }
    for (endpoint, remote_app) in [("db", "pg"), ("http", "haproxy"), ("peers", "app"), ("absent", "pg")] {
        for relation in 1..4 {
            let (endpoint, remote_app) = (endpoint.into(), remote_app.into());
            all.push(Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint: None });
        }
    }
    for storage_id in ["data/0", "logs/1", "data/2"].map(Name::from) {
        all.push(Stimulus::StorageDetached { storage_id });
    }
    for container in ["app", "absent"].map(Name::from) {
        let (key, check) = (Name::from("example.com/done"), Name::from("up"));
        all.push(Stimulus::ContainerRestarts { container: container.clone() });
        all.push(Stimulus::CustomNotice { container: container.clone(), key });
        all.push(Stimulus::CheckFails { container: container.clone(), check: check.clone() });
        all.push(Stimulus::CheckRecovers { container, check });
    }
    let owners =
        [("own", SecretOwner::Unit), ("ours", SecretOwner::Application), ("other", SecretOwner::Remote)];
    for (name, owner) in owners {
        let secret_id = Name::from(format!("secret:{name}"));
        all.push(Stimulus::SecretAdded { secret_id: secret_id.clone(), owner });
        all.push(Stimulus::SecretRevised { secret_id: secret_id.clone() });
        all.push(Stimulus::SecretRotationDue { secret_id: secret_id.clone() });
        all.push(Stimulus::SecretExpires { secret_id: secret_id.clone(), revision: 1 });
        all.push(Stimulus::SecretUnused { secret_id, revision: 1 });
    }
    all
}

/// Walks through the lives of units, and shows each place to `visit`.
fn walk(mut visit: impl FnMut(&World, &mut Numbers)) {
    let stimuli = stimuli();
    let outcomes = [Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Missing, Outcome::Failed];
    for profile in profiles() {
        for seed in 0..10 {
            let mut numbers = Numbers(seed);
            let mut world = World::new(profile, charm(), "app/0");
            if seed % 2 == 0 {
                world = world.with_quirks();
            }
            let leads = numbers.next() > u32::MAX / 2;
            step(
                &mut world,
                Event::Stimulus(Stimulus::Deploy { leads, first_relation: 0, first_storage: 0 }),
            )
            .expect("it is not deployed");
            for place in 0..300 {
                visit(&world, &mut numbers);
                let event = if place == 250 {
                    Event::Stimulus(Stimulus::RemoveUnit)
                } else if numbers.next() > u32::MAX / 2 {
                    Event::Stimulus(numbers.of(&stimuli))
                } else if world.is_running() {
                    Event::HookEnds { outcome: numbers.of(&outcomes) }
                } else {
                    Event::Resolve { choice: numbers.next() }
                };
                // Much of what a walk tries is impossible, which is what it is for.
                let before = world.clone();
                if step(&mut world, event.clone()).is_err() {
                    assert_eq!(world, before, "{event:?} was refused, and changed something");
                }
            }
        }
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let stimuli = stimuli();
    let mut refused = 0;
    walk(|world, numbers| {
        for _ in 0..8 {
            let stimulus = numbers.of(&stimuli);
            let mut after = world.clone();
            if step(&mut after, Event::Stimulus(stimulus.clone())).is_err() {
                refused += 1;
                assert_eq!(after, *world, "{stimulus:?} was refused, and changed something");
            }
        }
    });
    assert!(refused > 10_000, "enough was refused to learn from: {refused}");
}

/// Does for an idle unit what it needs to go on; nothing if it needs nothing.
fn cure(world: &mut World) -> bool {
    let stimulus = match world.operation() {
        _ if !world.has_agent() && world.life() != Life::Dead => Stimulus::PodStarted,
        Operation::Failed(_) if world.life() != Life::Dead => Stimulus::Retry,
        Operation::Failed(_) | Operation::Continue | Operation::Queued(_) => return false,
    };
    step(world, Event::Stimulus(stimulus)).expect("an idle unit in error, or without its pod");
    true
}

/// Runs until the unit is idle, and returns how many hooks that took.
fn settle(world: &mut World, numbers: &mut Numbers) -> u32 {
    let mut hooks = 0;
    loop {
        if world.is_running() {
            hooks += 1;
            assert!(hooks < 200, "the unit does not come to rest");
            step(world, Event::HookEnds { outcome: Outcome::Ok }).expect("a hook runs");
        } else if next_hook(world, 0) != Next::Wait {
            step(world, Event::Resolve { choice: numbers.next() }).expect("no hook runs");
        } else if !cure(world) {
            return hooks;
        }
    }
}

#[test]
fn a_unit_that_is_left_alone_comes_to_rest_and_can_be_removed() {
    walk(|world, numbers| {
        let mut world = world.clone();
        settle(&mut world, numbers);
        let is_paused = step(&mut world, Event::Stimulus(Stimulus::SeriesUpgradeCompleted)).is_ok();
        if is_paused {
            settle(&mut world, numbers);
        }
        if world.life() == Life::Alive {
            assert!(world.has_started(), "what is left alone is set up");
            step(&mut world, Event::Stimulus(Stimulus::RemoveUnit)).expect("it is alive");
            settle(&mut world, numbers);
        }
        assert_eq!(world.life(), Life::Dead);
        assert_eq!(next_hook(&world, 0), Next::Wait);
    });
}

#[test]
fn each_choice_is_a_hook_that_another_choice_may_be() {
    let mut differed = 0;
    walk(|world, numbers| {
        let choices = [0, numbers.next(), u32::MAX].map(|choice| next_hook(world, choice));
        let is_hook = choices.clone().map(|next| matches!(next, Next::Run(_)));
        assert_eq!(is_hook, [is_hook[0]; 3], "whether something runs is no matter of chance");
        differed += u32::from(choices[0] != choices[2]);
        if world.profile().platform == Platform::Machine {
            assert!(world.has_agent() || world.life() == Life::Dead, "a machine keeps its agent");
        }
    });
    assert!(differed > 100, "chance decided often enough: {differed}");
}
