//! How many hooks a second the generator makes, for a charm with five relations: in lives as long as `simulate` and
//! `fuzz` make them unless told otherwise, and in lives of ten times the length, in which hooks are a smaller part
//! of what happens.

use std::hint::black_box;

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::life::{Integration, Stage, Step};
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// How often something happens to the unit: as usual, and in long lives.
const STIMULI: [u32; 2] = [20, 200];

/// Returns a plan for lives in which something happens so often.
fn plan(stimuli: u32) -> Plan {
    let endpoints = ["db", "ingress", "logging", "tracing"];
    let charm =
        endpoints.iter().fold(Charm::default(), |charm, name| charm.with_endpoint(Role::Requires, name));
    let mut charm = charm.with_endpoint(Role::Peer, "peers").with_storage("data").with_container("app");
    for endpoint in &mut charm.endpoints {
        endpoint.limit = Some(1);
    }
    let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Kubernetes };
    let mut plan = Plan::new(Stage::new(profile, "app", charm));
    plan.stimuli = stimuli;
    plan.integrations = endpoints
        .iter()
        .map(|endpoint| Integration {
            application: "app".into(),
            endpoint: (*endpoint).into(),
            remote_app: format!("{endpoint}-app").into(),
            remote_endpoint: None,
        })
        .collect();
    plan
}

fn lives(criterion: &mut Criterion) {
    let seeds = 0..50;
    let mut group = criterion.benchmark_group("generator");
    for stimuli in STIMULI {
        let plan = plan(stimuli);
        let hooks: usize =
            seeds.clone().map(|seed| generate(&plan, seed).iter().filter_map(Step::hook).count()).sum();
        group.throughput(Throughput::Elements(hooks as u64));
        group.bench_function(format!("lives of five relations, {stimuli} stimuli"), |bencher| {
            bencher.iter(|| {
                for seed in seeds.clone() {
                    black_box(generate(&plan, seed));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lives);
criterion_main!(benches);
