//! Generated lives, judged by all that can be known of them: the charm, the unit, and every
//! marker. What is known lets rules accuse that are silent about a log.

use std::collections::BTreeSet;
use std::sync::Arc;

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::life::{Happening, Phase, Step};
use charmproof_lifecycle::rules::{
    DeclaredCharm, DeclaredEndpoint, Event, Finding, Markers, Settings, Start, judge,
};
use charmproof_lifecycle::vocabulary::{HookKind, Marker, Name, Remote};
use charmproof_lifecycle::world::{Charm, Profile, Role};

use crate::lives::{many_units, plan, profiles, story};

/// How many lives each profile is tried with, with and without the mistakes of Juju.
const SEEDS: u64 = 400;

fn declared(charm: &Charm) -> DeclaredCharm {
    let endpoint = |endpoint: &charmproof_lifecycle::world::Endpoint| {
        let declared = DeclaredEndpoint {
            is_peer: endpoint.role == Role::Peer,
            is_container_scoped: endpoint.is_container_scoped,
        };
        (endpoint.name.clone(), declared)
    };
    DeclaredCharm {
        endpoints: charm.endpoints.iter().map(endpoint).collect(),
        storages: charm.storages.iter().map(|storage| (storage.name.clone(), storage.minimum)).collect(),
        containers: charm.containers.iter().cloned().collect(),
        actions: charm.actions.iter().cloned().collect(),
        may_be_other_revision: false,
    }
}

/// Returns each unit's life, as the judge reads it where everything is known.
pub(crate) fn told(profile: Profile, plan: &Plan, steps: &[Step]) -> Vec<(Settings, Vec<Event>)> {
    let units: BTreeSet<&Name> = steps.iter().filter_map(Step::hook).map(|(unit, _, _)| unit).collect();
    let life = |unit: &Name| {
        let application = unit.split('/').next().unwrap_or_default();
        let deployment =
            plan.stage.deployments.iter().find(|deployment| deployment.application == application);
        let settings = Settings {
            version: Some(profile.version),
            platform: Some(profile.platform),
            start: Start::Deployment,
            markers: Markers::All,
            unit: Some(unit.to_string()),
            charm: deployment.map(|deployment| Arc::new(declared(&deployment.charm))),
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
    };
    units.into_iter().map(life).collect()
}

/// Returns the plan of one charm in one unit, and that of two applications of several units.
pub(crate) fn plans(profile: Profile) -> [Plan; 2] {
    [plan(profile.version, profile.platform), many_units(profile)]
}

#[test]
fn lives_of_which_everything_is_known_are_accepted() {
    for profile in profiles() {
        for (plan, seeds) in plans(profile).into_iter().zip([SEEDS, SEEDS / 8]) {
            for (seed, has_quirks) in (0..seeds).flat_map(|seed| [(seed, false), (seed, true)]) {
                let mut plan = plan.clone();
                plan.stage.has_quirks = has_quirks;
                let steps = generate(&plan, seed);
                for (settings, events) in told(profile, &plan, &steps) {
                    let unit = settings.unit.clone().unwrap_or_default();
                    let breaches: Vec<Finding> =
                        judge(settings, &events).into_iter().filter(Finding::is_breach).collect();
                    assert!(
                        breaches.is_empty(),
                        "{profile:?}, seed {seed}, quirks {has_quirks}, {unit}: {breaches:#?}\n{}",
                        numbered(&events)
                    );
                }
            }
        }
    }
}

/// Cut anywhere, what is left of a life is one that began before.
#[test]
fn lives_are_accepted_from_any_place_on() {
    for profile in profiles() {
        let [plan, _] = plans(profile);
        for seed in 0..20 {
            let steps = generate(&plan, seed);
            for (settings, events) in told(profile, &plan, &steps) {
                let settings = Settings { start: Start::Unknown, ..settings };
                for begin in 0..events.len() {
                    let findings = judge(settings.clone(), &events[begin..]);
                    let breach = findings.into_iter().find(Finding::is_breach);
                    assert!(
                        breach.is_none(),
                        "{profile:?}, seed {seed}, from {begin}: {breach:#?}\n{}",
                        numbered(&events)
                    );
                }
            }
        }
    }
}

/// Lists what happened, with the hooks numbered as findings number them.
fn numbered(events: &[Event]) -> String {
    let mut position = 0;
    let line = |event: &Event| match event {
        Event::Hook { hook, outcome } => {
            position += 1;
            format!("{:5}   {hook} {outcome:?}\n", position - 1)
        }
        Event::Marker(marker) => format!("        <{}>\n", marker.name()),
        Event::Unknown(unknown) => format!("        {unknown}\n"),
    };
    events.iter().map(line).collect()
}

/// Units of a subordinate charm live beside one unit each, and go when nothing ties them to
/// it any more (R49).
#[test]
fn lives_of_subordinates_are_accepted() {
    let mut charm = Charm { is_subordinate: true, ..Charm::default() };
    charm = charm.with_endpoint(Role::Requires, "info").with_endpoint(Role::Provides, "metrics");
    charm.endpoints[0].is_container_scoped = true;
    let mut removed_with_relation = 0;
    for profile in profiles() {
        let mut plan = plan(profile.version, profile.platform);
        plan.stage.deployments[0].charm = Arc::new(charm.clone());
        for (seed, units) in (0..100).flat_map(|seed| [(seed, 1), (seed, 3)]) {
            plan.stage.deployments[0].units = units;
            let steps = generate(&plan, seed);
            for (settings, events) in told(profile, &plan, &steps) {
                let breaches: Vec<Finding> =
                    judge(settings, &events).into_iter().filter(Finding::is_breach).collect();
                assert!(breaches.is_empty(), "{profile:?}, seed {seed}: {breaches:#?}\n{}", story(&steps));
            }
            for (unit, hook, _) in steps.iter().filter_map(Step::hook) {
                if let (HookKind::RelationJoined, "info", Remote::Unit(remote)) =
                    (hook.kind, hook.subject(), &hook.remote)
                {
                    let number = |unit: &str| unit.split('/').nth(1).map(str::to_owned);
                    assert_eq!(number(unit), number(remote), "the unit beside it");
                }
            }
            // Nobody asked for the removal of a unit that is gone before the teardown.
            removed_with_relation += u32::from(units == 1)
                * u32::from(steps.iter().any(|step| {
                    step.phase < Phase::Teardown
                        && matches!(&step.what, Happening::Marker { marker: Marker::UnitRemoved, .. })
                }));
        }
    }
    assert!(removed_with_relation > 20, "some go with their relation: {removed_with_relation}");
}
