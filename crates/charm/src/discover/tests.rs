use proptest::prelude::*;

use super::*;
use crate::MemoryTree;

/// Compares `path name Kind` of every root.
fn check(fixture: &str, expected: &[&str]) {
    let discovery = discover(&MemoryTree::from_fixture(fixture));
    let found: Vec<String> = discovery
        .roots
        .iter()
        .map(|root| {
            let path = if root.path.as_str().is_empty() { "." } else { root.path.as_str() };
            let name = root.name.as_ref().map_or("?", CharmName::as_str);
            format!("{path} {name} {:?}", root.kind)
        })
        .collect();
    assert_eq!(found, expected, "{fixture}");
}

#[test]
fn a_charm_at_the_top() {
    check("--- charmcraft.yaml\ntype: charm\nname: a\n--- src/charm.py\n", &[". a Ops"]);
}

#[test]
fn a_charm_known_by_metadata_alone() {
    check("--- metadata.yaml\nname: a\nsummary: s\n--- src/charm.py\nimport ops\n", &[". a Ops"]);
}

#[test]
fn a_charmcraft_file_without_a_type() {
    check("--- charmcraft.yaml\nbases: []\n--- metadata.yaml\nname: a\n--- src/charm.py\n", &[". a Ops"]);
    check("--- charmcraft.yaml\nsomething: else\n", &[]);
}

#[test]
fn a_bundle_does_not_hide_the_charms_below_it() {
    check(
        "--- charmcraft.yaml\ntype: bundle\n--- bundle.yaml\nname: kubeflow\napplications: {}\n\
         --- charms/b/charmcraft.yaml\ntype: charm\n--- charms/b/metadata.yaml\nname: b\nsummary: s\n--- charms/b/src/charm.py\n\
         --- charms/a/charmcraft.yaml\ntype: charm\nname: a\n--- charms/a/src/charm.py\n",
        &[". kubeflow Bundle", "charms/a a Ops", "charms/b b Ops"],
    );
}

#[test]
fn a_charm_does_not_hide_the_charms_below_it() {
    check(
        "--- charmcraft.yaml\ntype: charm\nname: a\n--- src/charm.py\n\
         --- more/deep/down/here/charmcraft.yaml\ntype: charm\nname: b\n--- more/deep/down/here/src/charm.py\n",
        &[". a Ops", "more/deep/down/here b Ops"],
    );
}

#[test]
fn a_test_charm_is_a_helper() {
    check(
        "--- charmcraft.yaml\ntype: charm\nname: a\n--- src/charm.py\n\
         --- tests/integration/any-charm/charmcraft.yaml\ntype: charm\nname: any\n--- tests/integration/any-charm/src/charm.py\n\
         --- tests/bundle.yaml\napplications: {}\n",
        &[". a Ops", "tests/integration/any-charm any TestHelper"],
    );
}

#[test]
fn a_template_of_a_charm_is_none() {
    check(
        "--- x/{{cookiecutter.name}}/charmcraft.yaml\ntype: charm\n--- x/{{cookiecutter.name}}/metadata.yaml\nname: {{ name }}\n--- x/{{cookiecutter.name}}/src/charm.py\n",
        &["x/{{cookiecutter.name}} ? Template"],
    );
}

#[test]
fn caches_hold_no_charms() {
    check(
        "--- .tox/x/charmcraft.yaml\ntype: charm\nname: a\n--- build/charmcraft.yaml\ntype: charm\nname: a\n\
         --- venv/metadata.yaml\nname: a\nsummary: s\n--- venv/src/charm.py\n",
        &[],
    );
}

#[test]
fn other_metadata_files_are_not_charms() {
    check("--- metadata.yaml\npackage: {name: conda}\n--- src/x.py\n", &[]);
    check("--- metadata.yaml\nname: a\nsummary: no code beside it\n", &[]);
    check("--- metadata.yaml\nname: a\nversion: 1\n--- src/x.py\n", &[]);
    check("--- metadata.yaml\nname: My Dashboard\ndescription: d\n--- src/x.ts\n", &[]);
    check("--- snap/metadata.yaml\n{{ jinja }}\n", &[]);
}

#[test]
fn reactive_charms_in_both_layouts() {
    check("--- metadata.yaml\nname: a\nsummary: s\n--- layer.yaml\n--- reactive/a.py\n", &[". a Reactive"]);
    check(
        "--- src/metadata.yaml\nname: a\nsummary: s\n--- src/layer.yaml\n--- src/reactive/a.py\n--- tox.ini\n",
        &[". a Reactive"],
    );
    check(
        "--- charmcraft.yaml\ntype: charm\nparts: {charm: {plugin: reactive}}\n--- src/metadata.yaml\nname: a\nsummary: s\n--- src/layer.yaml\n",
        &[". a Reactive"],
    );
}

#[test]
fn charms_without_ops() {
    check("--- metadata.yaml\nname: a\nsummary: s\n--- hooks/install\n#!/bin/sh\n", &[". a HooksOnly"]);
    check(
        "--- charmcraft.yaml\ntype: charm\nname: go\nparts: {go: {plugin: go}}\n--- main.go\n",
        &[". go NotPython"],
    );
    check("--- metadata.yaml\nname: a\nsummary: s\n--- hooks/install\n--- src/charm.py\n", &[". a Ops"]);
}

#[test]
fn an_entry_point_elsewhere() {
    check(
        "--- charmcraft.yaml\ntype: charm\nname: a\nparts: {charm: {plugin: charm, charm-entrypoint: src/main.py}}\n--- src/main.py\n",
        &[". a Ops"],
    );
}

#[test]
fn a_broken_charmcraft_file_is_a_charm_with_a_note() {
    let fixture = "--- charmcraft.yaml\nname: a\n{{ template }}: [\n--- src/charm.py\n";
    check(fixture, &[". a Ops"]);
    let discovery = discover(&MemoryTree::from_fixture(fixture));
    assert!(discovery.roots[0].notes[0].snippet.is_some());
}

#[test]
fn other_projects_of_charmcraft_are_left_out() {
    check("--- charmcraft.yaml\ntype: interface\nname: a\n", &[]);
}

#[test]
fn a_hostile_tree_is_bounded() {
    let files = (0..20_000).map(|index| (format!("d{index}/charmcraft.yaml"), "type: charm\n"));
    let discovery = discover(&MemoryTree::new(files));
    assert_eq!(discovery.roots.len(), CANDIDATES);
    assert_eq!(discovery.notes.len(), 1);
}

#[test]
fn every_kind_that_is_left_out_says_why() {
    use CharmKind::{Bundle, HooksOnly, NotPython, Ops, Reactive, Template, TestHelper};
    for kind in [Ops, Reactive, HooksOnly, Bundle, NotPython, TestHelper, Template] {
        assert_eq!(kind.skip_reason().is_none(), kind == Ops, "{kind:?}");
    }
}

proptest! {
    #[test]
    fn any_tree_is_looked_through(files in prop::collection::vec(
        ("(|a/|tests/|src/|a/b/)(charmcraft.yaml|metadata.yaml|bundle.yaml|src/charm.py|layer.yaml|hooks/x|[a-z/.]{0,6})",
         "(type: charm\n|name: [a-z{}]{0,3}\n|summary: s\n|applications: \\{\\}\n|[:\\[{%]){0,4}"), 0..8)) {
        let tree = MemoryTree::new(files);
        let discovery = discover(&tree);
        let mut paths: Vec<_> = discovery.roots.iter().map(|root| &root.path).collect();
        prop_assert!(paths.is_sorted());
        paths.dedup();
        prop_assert_eq!(paths.len(), discovery.roots.len());
    }
}
