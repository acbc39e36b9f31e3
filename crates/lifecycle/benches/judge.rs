//! How many hooks a second the judge reads, on one core: `cargo bench -p charmproof-lifecycle
//! --bench judge`.
//!
//! The lives are those of a charm with five relations, made by the generator and kept in
//! memory, so that nothing but the judge is measured.

use std::hint::black_box;
use std::sync::Arc;

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::life::{Happening, Stage};
use charmproof_lifecycle::rules::{DeclaredCharm, DeclaredEndpoint, Event, Judge, Markers, Settings, Start};
use charmproof_lifecycle::vocabulary::{Hook, JujuVersion, Platform};
use charmproof_lifecycle::world::{Charm, Endpoint, Profile, Role};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const LIVES: u64 = 200;

fn charm() -> Charm {
    Charm::default()
        .with_endpoint(Role::Requires, "database")
        .with_endpoint(Role::Requires, "ingress")
        .with_endpoint(Role::Provides, "http")
        .with_endpoint(Role::Provides, "metrics")
        .with_endpoint(Role::Peer, "peers")
        .with_storage("data")
        .with_container("web")
        .with_action("backup")
}

/// The same charm, as the judge knows it.
fn declared() -> DeclaredCharm {
    let charm = charm();
    let endpoint = |endpoint: &Endpoint| {
        let is_peer = endpoint.role == Role::Peer;
        (endpoint.name.clone(), DeclaredEndpoint { is_peer, is_container_scoped: false })
    };
    DeclaredCharm {
        endpoints: charm.endpoints.iter().map(endpoint).collect(),
        storages: charm.storages.iter().map(|storage| (storage.name.clone(), storage.minimum)).collect(),
        containers: charm.containers.iter().cloned().collect(),
        actions: charm.actions.iter().cloned().collect(),
        may_be_other_revision: false,
    }
}

fn lives(platform: Platform) -> Vec<Vec<Event>> {
    let profile = Profile { version: JujuVersion::V3_6, platform };
    let plan = Plan { stimuli: 200, ..Plan::new(Stage::new(profile, "web", charm())) };
    let events = |seed| {
        let steps = generate(&plan, seed);
        let events = steps.into_iter().filter_map(|step| match step.what {
            Happening::Stimulus { .. } | Happening::Begin { .. } => None,
            Happening::Hook { hook, outcome, .. } => Some(Event::Hook { hook, outcome }),
            Happening::Marker { marker, .. } => Some(Event::Marker(marker)),
        });
        events.collect()
    };
    (0..LIVES).map(events).collect()
}

/// The same lives as a log of names has them.
fn names_of(lives: &[Vec<Event>]) -> Vec<Vec<Event>> {
    let bare = |event: &Event| match event {
        Event::Hook { hook, outcome } => {
            let bare = Hook { subject: hook.subject.clone(), ..Hook::of_kind(hook.kind) };
            Some(Event::Hook { hook: bare, outcome: *outcome })
        }
        Event::Marker(_) | Event::Unknown(_) => None,
    };
    lives.iter().map(|life| life.iter().filter_map(bare).collect()).collect()
}

fn judge_all(settings: &Settings, lives: &[Vec<Event>]) -> usize {
    let mut findings = 0;
    for life in lives {
        let mut judge = Judge::new(settings.clone());
        for event in life {
            findings += judge.step(event).len();
        }
    }
    findings
}

fn hooks(lives: &[Vec<Event>]) -> u64 {
    let hooks = |life: &Vec<Event>| life.iter().filter(|event| matches!(event, Event::Hook { .. })).count();
    lives.iter().map(|life| hooks(life) as u64).sum()
}

fn benchmarks(criterion: &mut Criterion) {
    for platform in Platform::ALL {
        let settings = Settings {
            version: Some(JujuVersion::V3_6),
            platform: Some(platform),
            start: Start::Deployment,
            unit: Some("web/0".to_owned()),
            markers: Markers::All,
            charm: Some(Arc::new(declared())),
            ..Settings::default()
        };
        let lives = lives(platform);
        let names = names_of(&lives);
        let mut group = criterion.benchmark_group("judge");
        group.throughput(Throughput::Elements(hooks(&lives)));
        group.bench_function(format!("all that is known, on {platform}"), |bencher| {
            bencher.iter(|| black_box(judge_all(&settings, &lives)));
        });
        let settings = Settings { start: Start::Deployment, ..Settings::default() };
        group.bench_function(format!("names only, on {platform}"), |bencher| {
            bencher.iter(|| black_box(judge_all(&settings, &names)));
        });
        group.finish();
    }
}

criterion_group!(judging, benchmarks);
criterion_main!(judging);
