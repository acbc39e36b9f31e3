//! Graphs of charms, held against random lives: each says what the other does.

use std::collections::BTreeSet;
use std::sync::Arc;

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::graph::{Graph, Path, Place, Subject};
use charmproof_lifecycle::life::Step;
use charmproof_lifecycle::vocabulary::{Hook, JujuVersion, Outcome, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role};

use crate::lives::{charm, plan, profiles, story};

fn graph(profile: Profile, has_quirks: bool) -> Graph {
    Graph::of("app", &Arc::new(charm()), profile, has_quirks)
}

fn hooks(steps: &[Step]) -> Vec<(Hook, Outcome)> {
    steps.iter().filter_map(Step::hook).map(|(_, hook, outcome)| (hook.clone(), outcome)).collect()
}

/// What a log of names tells: each hook and how it ended, and nothing else of it.
fn names(hooks: &[(Hook, Outcome)]) -> Vec<(Hook, Outcome)> {
    let name = |hook: &Hook| Hook::parse(&hook.name()).expect("the name of a hook");
    hooks.iter().map(|(hook, outcome)| (name(hook), *outcome)).collect()
}

/// Every hook of every life has its edge, and every usual edge from or to a hook is met.
#[test]
fn lives_stay_on_the_edges_and_meet_the_usual_ones() {
    for profile in profiles() {
        for has_quirks in [false, true] {
            let graph = graph(profile, has_quirks);
            let mut plan = plan(profile.version, profile.platform);
            plan.stage.has_quirks = has_quirks;
            let mut met: BTreeSet<(usize, usize)> = BTreeSet::new();
            for seed in 0..if has_quirks { 150 } else { 500 } {
                let steps = generate(&plan, seed);
                let path = Path::find(&graph, &hooks(&steps));
                assert!(
                    path.strays.is_empty(),
                    "{profile:?}, seed {seed}: {}\n{:#?}",
                    story(&steps),
                    path.strays
                );
                for (cluster, traffic) in path.traffic.iter().enumerate() {
                    let taken = (0..traffic.edges.len()).filter(|edge| !traffic.edges[*edge].is_empty());
                    met.extend(taken.chain(traffic.passed.iter().copied()).map(|edge| (cluster, edge)));
                }
            }
            let mut unmet = Vec::new();
            for (index, cluster) in graph.clusters.iter().enumerate() {
                let is_hook = |node: usize| !cluster.nodes[node].hooks.is_empty();
                for (number, edge) in cluster.edges.iter().enumerate() {
                    // What Juju does by mistake takes too many lives to meet.
                    let counts = edge.is_usual && !has_quirks && (is_hook(edge.from) || is_hook(edge.to));
                    if counts && !met.contains(&(index, number)) {
                        let place = |node: usize| &cluster.nodes[node].place;
                        unmet.push(format!(
                            "{}: {:?} to {:?}",
                            cluster.title,
                            place(edge.from),
                            place(edge.to)
                        ));
                    }
                }
            }
            assert!(unmet.is_empty(), "{profile:?}, no life meets {unmet:#?}");
        }
    }
}

/// Names alone never make a life look impossible.
#[test]
fn lives_of_names_stay_on_the_edges() {
    for profile in profiles() {
        let graph = graph(profile, false);
        let plan = plan(profile.version, profile.platform);
        for seed in 0..500 {
            let steps = generate(&plan, seed);
            let path = Path::find(&graph, &names(&hooks(&steps)));
            assert!(
                path.strays.is_empty(),
                "{profile:?}, seed {seed}: {}\n{:#?}",
                story(&steps),
                path.strays
            );
        }
    }
}
