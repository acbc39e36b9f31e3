//! Random lives, held against the judge, which knows nothing of how they were made.

use std::collections::BTreeSet;

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::life::{Deployment, Happening, Integration, Phase, Stage, Step};
use charmproof_lifecycle::rules::{Event, Finding, Settings, Start, judge};
use charmproof_lifecycle::stimulus::{Stimulus, StimulusKind};
use charmproof_lifecycle::vocabulary::{HookKind, JujuVersion, Marker, Outcome, Platform, Remote};
use charmproof_lifecycle::world::{Charm, Profile, Role};

/// How many lives each profile is tried with.
const SEEDS: u64 = 2_000;

pub(crate) fn charm() -> Charm {
    Charm::default()
        .with_endpoint(Role::Requires, "db")
        .with_endpoint(Role::Requires, "ingress")
        .with_endpoint(Role::Provides, "http")
        .with_endpoint(Role::Peer, "peers")
        .with_storage("data")
        .with_storage("logs")
        .with_container("app")
        .with_container("proxy")
        .with_action("backup")
}

pub(crate) fn plan(version: JujuVersion, platform: Platform) -> Plan {
    let stage = Stage::new(Profile { version, platform }, "app", charm());
    Plan { stimuli: 40, ..Plan::new(stage) }
}

pub(crate) fn profiles() -> impl Iterator<Item = Profile> {
    JujuVersion::ALL
        .into_iter()
        .flat_map(|version| Platform::ALL.into_iter().map(move |platform| Profile { version, platform }))
}

/// Returns what the judge reads, with all that can be known of the unit.
pub(crate) fn for_judge(profile: Profile, unit: &str, steps: &[Step]) -> (Settings, Vec<Event>) {
    let settings = Settings {
        version: Some(profile.version),
        platform: Some(profile.platform),
        start: Start::Deployment,
        unit: Some(unit.to_owned()),
        peers: Some(BTreeSet::from(["peers".to_owned()])),
        ..Settings::default()
    };
    let events = steps.iter().filter_map(|step| match &step.what {
        Happening::Stimulus { .. } | Happening::Begin { .. } => None,
        Happening::Hook { unit: of, hook, outcome, .. } => {
            (of == unit).then(|| Event::Hook { hook: hook.clone(), outcome: *outcome })
        }
        Happening::Marker { unit: of, marker } => (of == unit).then_some(Event::Marker(*marker)),
    });
    (settings, events.collect())
}

pub(crate) fn breaches(profile: Profile, unit: &str, steps: &[Step]) -> Vec<Finding> {
    let (settings, events) = for_judge(profile, unit, steps);
    judge(settings, &events).into_iter().filter(Finding::is_breach).collect()
}

/// Tells a life, a step a line, with the hooks numbered as findings number them.
pub(crate) fn story(steps: &[Step]) -> String {
    let mut position = 0;
    let mut lines = Vec::new();
    for step in steps {
        lines.push(match &step.what {
            Happening::Stimulus { target, stimulus } => format!("        {}: {stimulus:?}", target.name()),
            Happening::Marker { unit, marker } => format!("        {unit}: <{marker:?}>"),
            Happening::Begin { unit, hook } => format!("        {unit}: {hook} begins"),
            Happening::Hook { unit, hook, outcome, .. } => {
                position += 1;
                format!("{:5}   {unit}: {hook} {outcome:?}", position - 1)
            }
        });
    }
    lines.join("\n")
}

fn hooks(steps: &[Step]) -> impl Iterator<Item = HookKind> + '_ {
    steps.iter().filter_map(|step| step.hook().map(|(_, hook, _)| hook.kind))
}

fn kinds(steps: &[Step]) -> impl Iterator<Item = StimulusKind> + '_ {
    steps.iter().filter_map(|step| step.stimulus().map(|(_, stimulus)| stimulus.kind()))
}

/// Every life of the profile is accepted, ends in `remove`, and together they have every
/// kind of hook that the profile has.
fn check(version: JujuVersion, platform: Platform) {
    let plan = plan(version, platform);
    let mut seen = BTreeSet::new();
    let mut ended_installed = 0;
    for seed in 0..SEEDS {
        let steps = generate(&plan, seed);
        let breaches = breaches(plan.stage.profile, "app/0", &steps);
        assert!(
            breaches.is_empty(),
            "Juju {version} on {platform}, seed {seed}: {breaches:#?}\n{}",
            story(&steps)
        );
        let installed = steps
            .iter()
            .filter_map(Step::hook)
            .any(|(_, hook, outcome)| hook.kind == HookKind::Install && outcome.is_committed());
        // Liveness: whatever happened, a unit that was installed ends in `remove`. Actions
        // run while even that is in error.
        let last = hooks(&steps).filter(|kind| *kind != HookKind::Action).last();
        if installed {
            ended_installed += 1;
            assert_eq!(last, Some(HookKind::Remove), "seed {seed}:\n{}", story(&steps));
        }
        seen.extend(hooks(&steps));
    }
    assert!(ended_installed > SEEDS / 2, "most units are installed: {ended_installed}");
    // Metrics and the meter's status have workers of their own.
    let expected =
        HookKind::ALL.into_iter().filter(|kind| plan.stage.profile.allows(*kind) && kind.is_run_by_uniter());
    let missing: Vec<_> = expected.filter(|kind| !seen.contains(kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
    let foreign: Vec<_> = seen.into_iter().filter(|kind| !plan.stage.profile.allows(*kind)).collect();
    assert!(foreign.is_empty(), "not of this profile: {foreign:?}");
}

#[test]
fn lives_are_accepted_on_2_9_on_machines() {
    check(JujuVersion::V2_9, Platform::Machine);
}

#[test]
fn lives_are_accepted_on_2_9_on_kubernetes() {
    check(JujuVersion::V2_9, Platform::Kubernetes);
}

#[test]
fn lives_are_accepted_on_3_1_on_machines() {
    check(JujuVersion::V3_1, Platform::Machine);
}

#[test]
fn lives_are_accepted_on_3_1_on_kubernetes() {
    check(JujuVersion::V3_1, Platform::Kubernetes);
}

#[test]
fn lives_are_accepted_on_3_4_on_machines() {
    check(JujuVersion::V3_4, Platform::Machine);
}

#[test]
fn lives_are_accepted_on_3_4_on_kubernetes() {
    check(JujuVersion::V3_4, Platform::Kubernetes);
}

#[test]
fn lives_are_accepted_on_3_6_on_machines() {
    check(JujuVersion::V3_6, Platform::Machine);
}

#[test]
fn lives_are_accepted_on_3_6_on_kubernetes() {
    check(JujuVersion::V3_6, Platform::Kubernetes);
}

#[test]
fn lives_are_accepted_on_4_0_on_machines() {
    check(JujuVersion::V4_0, Platform::Machine);
}

#[test]
fn lives_are_accepted_on_4_0_on_kubernetes() {
    check(JujuVersion::V4_0, Platform::Kubernetes);
}

#[test]
fn every_kind_of_stimulus_happens() {
    let mut seen = BTreeSet::new();
    for profile in profiles() {
        for seed in 0..100 {
            let mut plan = plan(profile.version, profile.platform);
            plan.stage.has_quirks = true;
            seen.extend(kinds(&generate(&plan, seed)));
        }
    }
    let missing: Vec<_> = StimulusKind::ALL.iter().filter(|kind| !seen.contains(kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

/// The mistakes of Juju break no rule, whatever they look like.
#[test]
fn lives_with_quirks_are_accepted() {
    for profile in profiles() {
        let mut plan = plan(profile.version, profile.platform);
        plan.stage.has_quirks = true;
        for seed in 0..500 {
            let steps = generate(&plan, seed);
            let breaches = breaches(profile, "app/0", &steps);
            assert!(breaches.is_empty(), "{profile:?}, seed {seed}: {breaches:#?}\n{}", story(&steps));
        }
    }
}

/// Two applications of several units each, integrated with each other.
pub(crate) fn many_units(profile: Profile) -> Plan {
    let pg = Charm::default().with_endpoint(Role::Provides, "db").with_endpoint(Role::Peer, "peers");
    let pg = Deployment { application: "pg".into(), charm: pg.into(), units: 2 };
    let integration = Integration {
        application: "app".into(),
        endpoint: "db".into(),
        remote_app: "pg".into(),
        remote_endpoint: Some("db".into()),
    };
    let mut plan = plan(profile.version, profile.platform);
    plan.stage.deployments[0].units = 3;
    plan.stage.deployments.push(pg);
    plan.integrations.push(integration);
    plan
}

/// Two applications of several units each, integrated with each other: each unit's life is
/// accepted, and each ends.
#[test]
fn lives_of_many_units_are_accepted() {
    let mut met = BTreeSet::new();
    for profile in profiles() {
        let mut plan = many_units(profile);
        for (seed, has_quirks) in (0..150).flat_map(|seed| [(seed, false), (seed, true)]) {
            plan.stage.has_quirks = has_quirks;
            let steps = generate(&plan, seed);
            let units: BTreeSet<&str> =
                steps.iter().filter_map(Step::hook).map(|(unit, _, _)| unit.as_str()).collect();
            for unit in units {
                let breaches = breaches(profile, unit, &steps);
                assert!(
                    breaches.is_empty(),
                    "{profile:?}, seed {seed}, {unit}: {breaches:#?}\n{}",
                    story(&steps)
                );
            }
            let came = steps.iter().filter(|step| {
                matches!(&step.what, Happening::Stimulus { stimulus: Stimulus::Deploy { .. }, .. })
            });
            let went = steps
                .iter()
                .filter(|step| matches!(&step.what, Happening::Marker { marker: Marker::UnitRemoved, .. }));
            assert_eq!(came.count(), went.count(), "seed {seed}: every unit ends\n{}", story(&steps));
            met.extend(steps.iter().filter_map(Step::hook).filter_map(
                |(unit, hook, _)| match &hook.remote {
                    Remote::Unit(remote) => Some((unit.to_string(), hook.name(), remote.to_string())),
                    Remote::Unknown | Remote::Application => None,
                },
            ));
        }
    }
    for (unit, hook, remote) in [
        ("app/0", "db-relation-joined", "pg/1"),
        ("app/2", "db-relation-departed", "pg/0"),
        ("pg/1", "db-relation-changed", "app/2"),
        ("pg/0", "peers-relation-joined", "pg/1"),
        ("app/1", "peers-relation-departed", "app/0"),
        ("app/3", "peers-relation-joined", "app/0"),
    ] {
        let meeting = (unit.to_owned(), hook.to_owned(), remote.to_owned());
        assert!(met.contains(&meeting), "never seen: {meeting:?}");
    }
}

/// Each write of one unit is news for all others, and still they come to rest.
#[test]
fn many_units_that_write_to_each_other_come_to_rest() {
    let mut plan = plan(JujuVersion::V3_6, Platform::Machine);
    plan.stage.deployments[0].units = 20;
    plan.stimuli = 5;
    for seed in 0..3 {
        let steps = generate(&plan, seed);
        let removed = steps
            .iter()
            .filter(|step| matches!(&step.what, Happening::Marker { marker: Marker::UnitRemoved, .. }));
        assert!(removed.count() >= 20, "all of them end");
    }
}

/// A life may be long: what is bounded is how long units are busy without news.
#[test]
fn a_long_life_ends() {
    let stage = Stage::new(
        Profile { version: JujuVersion::V3_6, platform: Platform::Machine },
        "app",
        Charm::default(),
    );
    let plan = Plan {
        stimuli: 400_000,
        only: vec![StimulusKind::TimePasses],
        with_failures: false,
        ..Plan::new(stage)
    };
    let steps = generate(&plan, 1);
    assert!(hooks(&steps).filter(|kind| *kind == HookKind::UpdateStatus).count() > 100_000);
    assert_eq!(hooks(&steps).last(), Some(HookKind::Remove));
}

#[test]
fn what_is_switched_off_does_not_happen() {
    let without = vec![StimulusKind::Refresh, StimulusKind::AgentRestarts, StimulusKind::PodTerminated];
    for profile in profiles() {
        let plan = Plan { without: without.clone(), ..plan(profile.version, profile.platform) };
        let plan = Plan { with_failures: false, ..plan };
        for seed in 0..50 {
            let steps = generate(&plan, seed);
            assert!(kinds(&steps).all(|kind| !without.contains(&kind)));
            let outcomes = steps.iter().filter_map(Step::hook).map(|(_, _, outcome)| outcome);
            assert!(outcomes.into_iter().all(|outcome| outcome != Outcome::Failed));
        }
    }
}

#[test]
fn a_seed_stands_for_one_life() {
    for profile in profiles() {
        let plan = plan(profile.version, profile.platform);
        let lives: BTreeSet<String> = (0..50).map(|seed| story(&generate(&plan, seed))).collect();
        let again: BTreeSet<String> = (0..50).map(|seed| story(&generate(&plan, seed))).collect();
        assert_eq!(lives, again);
        assert!(lives.len() > 45, "seeds differ: {}", lives.len());
    }
}

/// A sum over all that a few lives are: it is the same on every platform, and changes when
/// what a seed stands for does.
#[test]
fn a_life_is_the_same_everywhere() {
    let plan = plan(JujuVersion::V3_6, Platform::Kubernetes);
    let stories: String = (0..20).map(|seed| story(&generate(&plan, seed))).collect();
    // FNV-1a.
    let sum = stories.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!(format!("{sum:016x}"), "2bb7614794faa9df");
}

#[test]
fn phases_follow_each_other() {
    for profile in profiles() {
        for seed in 0..50 {
            let steps = generate(&plan(profile.version, profile.platform), seed);
            let phases: Vec<Phase> = steps.iter().map(|step| step.phase).collect();
            assert!(phases.is_sorted());
        }
    }
}
