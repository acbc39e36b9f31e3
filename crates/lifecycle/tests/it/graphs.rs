//! Graphs of charms, held against random lives: each says what the other does.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use charmproof_lifecycle::generator::generate;
use charmproof_lifecycle::graph::{Cluster, Edge, Graph, Path, Place, Subject, html, mermaid, svg};
use charmproof_lifecycle::life::Step;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, JujuVersion, Outcome, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role};
use proptest::prelude::*;

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

/// What follows what, in which kind of cluster.
type Follows<'a> = (&'static str, &'a Place, &'a Place);

/// Returns an edge without the name of its endpoint, storage or container: those of one kind
/// are alike.
fn follows<'a>(cluster: &'a Cluster, edge: &Edge) -> Follows<'a> {
    let kind = match &cluster.subject {
        Subject::Unit => "the unit",
        Subject::Endpoint(name) if name == "peers" => "peers",
        Subject::Endpoint(_) => "an endpoint",
        Subject::Storage(_) => "a storage",
        Subject::Container(_) => "a container",
        Subject::Secrets => "secrets",
        Subject::Actions => "actions",
    };
    (kind, &cluster.nodes[edge.from].place, &cluster.nodes[edge.to].place)
}

/// Every hook of every life has its edge, and every usual edge from or to a hook is met.
#[test]
fn lives_stay_on_the_edges_and_meet_the_usual_ones() {
    for profile in profiles() {
        for has_quirks in [false, true] {
            let graph = graph(profile, has_quirks);
            let mut plan = plan(profile.version, profile.platform);
            plan.stage.has_quirks = has_quirks;
            let mut met: BTreeSet<Follows<'_>> = BTreeSet::new();
            for seed in 0..if has_quirks { 50 } else { 300 } {
                let steps = generate(&plan, seed);
                let path = Path::find(&graph, &hooks(&steps));
                assert!(
                    path.strays.is_empty(),
                    "{profile:?}, seed {seed}: {}\n{:#?}",
                    story(&steps),
                    path.strays
                );
                for (cluster, traffic) in graph.clusters.iter().zip(&path.traffic) {
                    let taken = cluster.edges.iter().enumerate().filter(|(edge, _)| traffic.takes(*edge));
                    met.extend(taken.map(|(_, edge)| follows(cluster, edge)));
                }
            }
            // What Juju does by mistake takes too many lives to meet.
            let mut unmet = BTreeSet::new();
            for cluster in graph.clusters.iter().filter(|_| !has_quirks) {
                let is_hook = |node: usize| !cluster.nodes[node].hooks.is_empty();
                let counts = |edge: &&Edge| edge.is_usual && (is_hook(edge.from) || is_hook(edge.to));
                unmet.extend(cluster.edges.iter().filter(counts).map(|edge| follows(cluster, edge)));
            }
            unmet.retain(|edge| !met.contains(edge));
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
        for seed in 0..150 {
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

const MACHINE: Profile = Profile { version: JujuVersion::V3_6, platform: Platform::Machine };
const KUBERNETES: Profile = Profile { version: JujuVersion::V3_6, platform: Platform::Kubernetes };

/// Checks which hooks of a sequence the graph of a small charm does not allow.
#[track_caller]
fn check(profile: Profile, sequence: &str, expected: &[&str]) {
    let charm = Charm::default()
        .with_endpoint(Role::Peer, "peers")
        .with_endpoint(Role::Requires, "db")
        .with_container("web");
    let graph = Graph::of("app", &Arc::new(charm), profile, false);
    let hooks: Vec<(Hook, Outcome)> = sequence
        .split_whitespace()
        .map(|word| match word.strip_suffix('!') {
            Some(name) => (Hook::parse(name).expect(name), Outcome::Failed),
            None => (Hook::parse(word).expect(word), Outcome::Ok),
        })
        .collect();
    let strays = Path::find(&graph, &hooks).strays;
    let said: Vec<String> =
        strays.iter().map(|stray| format!("{}: {}", stray.number, stray.reason)).collect();
    assert_eq!(said, expected, "{sequence}");
}

const SETUP: &str = "install peers-relation-created leader-elected config-changed start";

#[test]
fn what_cannot_follow_is_told() {
    let after = |rest: &str| format!("{SETUP} {rest}");
    check(MACHINE, SETUP, &[]);
    check(MACHINE, "install start", &["2: `start` cannot follow `install` (the unit)"]);
    check(MACHINE, "install install", &[]);
    check(MACHINE, &after("upgrade-charm config-changed update-status stop remove"), &[]);
    check(
        MACHINE,
        &after("upgrade-charm update-status"),
        &["7: `update-status` cannot follow `upgrade-charm` (the unit)"],
    );
    check(MACHINE, &after("upgrade-charm! upgrade-charm config-changed"), &[]);
    check(
        MACHINE,
        &after("remove stop"),
        &["6: `remove` cannot follow `start` (the unit)", "7: `stop` cannot follow `remove` (the unit)"],
    );
    check(MACHINE, &after("stop remove install"), &[]);
    check(
        MACHINE,
        &after("web-pebble-ready"),
        &["6: `web-pebble-ready` is not of this charm, or not of this Juju"],
    );
    check(
        MACHINE,
        &after("http-relation-created"),
        &["6: `http-relation-created` is not of this charm, or not of this Juju"],
    );
    // From the middle, nothing before the first hook is known.
    check(MACHINE, "db-relation-changed update-status db-relation-departed stop remove", &[]);
    // A charm of Kubernetes that comes back in a new pod.
    check(KUBERNETES, &after("stop upgrade-charm config-changed start web-pebble-ready"), &[]);
    check(
        KUBERNETES,
        &after("web-pebble-check-recovered"),
        &["6: `web-pebble-check-recovered` cannot follow nothing (web: container)"],
    );
}

/// Of two relations, names do not say which one a hook is of. Some reading has to fit.
#[test]
fn relations_without_numbers_are_told_apart_as_it_fits() {
    let after = |rest: &str| format!("{SETUP} {rest}");
    let two = "db-relation-created db-relation-created db-relation-joined db-relation-joined";
    check(MACHINE, &after(&format!("{two} db-relation-changed db-relation-changed")), &[]);
    check(
        MACHINE,
        &after("db-relation-created db-relation-joined db-relation-departed"),
        &["8: `db-relation-departed` cannot follow `relation-joined` (db: requires)"],
    );
    check(
        MACHINE,
        &after("db-relation-joined"),
        &["6: `db-relation-joined` cannot follow nothing (db: requires)"],
    );
}

/// What a charm does not have, and what its Juju does not have, is not drawn.
#[test]
fn a_graph_has_what_its_charm_and_its_juju_have() {
    let subjects = |profile: Profile| -> Vec<Subject> {
        let graph = Graph::of("app", &Arc::new(Charm::default().with_container("web")), profile, false);
        graph.clusters.into_iter().map(|cluster| cluster.subject).collect()
    };
    let web = || Subject::Container("web".into());
    assert_eq!(subjects(MACHINE), [Subject::Unit, Subject::Secrets]);
    assert_eq!(subjects(KUBERNETES), [Subject::Unit, web(), Subject::Secrets]);
    let old = Profile { version: JujuVersion::V2_9, ..KUBERNETES };
    assert_eq!(subjects(old), [Subject::Unit, web()]);
}

/// Two graphs, which take longer to derive than to draw on.
static GRAPHS: LazyLock<[Graph; 2]> =
    LazyLock::new(|| [MACHINE, KUBERNETES].map(|profile| graph(profile, false)));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever the sequence, it can be drawn, and each of its hooks is somewhere.
    #[test]
    fn any_sequence_can_be_drawn(
        hooks in proptest::collection::vec(
            (
                proptest::sample::select(HookKind::ALL.to_vec()),
                proptest::sample::select(vec!["db", "peers", "data", "app", "backup", "absent"]),
                proptest::option::of(0_u32..3),
                proptest::sample::select(vec![Outcome::Ok, Outcome::Failed, Outcome::Missing, Outcome::Terminated]),
            ),
            0..40,
        )
    ) {
        let hooks: Vec<(Hook, Outcome)> = hooks
            .into_iter()
            .map(|(kind, subject, relation_id, outcome)| {
                (Hook { subject: Some(subject.into()), relation_id, ..Hook::of_kind(kind) }, outcome)
            })
            .collect();
        for graph in GRAPHS.iter() {
            let path = Path::find(graph, &hooks);
            prop_assert_eq!(path.visits.len(), hooks.len());
            for is_all in [false, true] {
                let drawn = svg::write(graph, Some(&path), is_all);
                prop_assert_eq!(drawn.matches("<g ").count(), drawn.matches("</g>").count());
                prop_assert!(html::write(graph, Some(&path), is_all).contains(&drawn));
                prop_assert!(mermaid::write(graph, Some(&path), is_all).contains("flowchart TB"));
            }
        }
    }
}
