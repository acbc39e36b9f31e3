//! The example charms of this repository, read from disk: each is found, and
//! its suites are where its README says.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::discover::{CharmKind, discover};
use charmproof_charm::interpreter::{Choice, NoInterpreter, choose};
use charmproof_charm::library::missing_libraries;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_charm::names::PythonVersion;
use charmproof_charm::offerings::{Offerings, choose_target};
use charmproof_charm::pyproject::{Style, dependency_facts};
use charmproof_charm::toxconfig::tox_config;
use charmproof_charm::{DiskTree, Subtree};

fn examples() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Compares the kind of every charm, what runs its unit tests, and how its
/// dependencies are managed.
fn check(example: &str, expected: &[(&str, CharmKind, &str, Style)]) {
    let tree = DiskTree::open(&examples().join(example)).expect("the example is there");
    let roots = discover(&tree).roots;
    let found: Vec<(&str, CharmKind, String, Style)> = roots
        .iter()
        .map(|root| {
            let subtree = Subtree::new(&tree, &root.path);
            let unit = match choose_target("unit", &Offerings::read(&subtree)) {
                Ok(invocation) => format!("{} {}", invocation.runner, invocation.name),
                Err(error) if error.broken.is_some() => "broken".to_owned(),
                Err(_) => "none".to_owned(),
            };
            let facts = dependency_facts(&subtree).expect("the manifest is not broken");
            (root.path.as_str(), root.kind, unit, facts.style)
        })
        .collect();
    let found: Vec<(&str, CharmKind, &str, Style)> =
        found.iter().map(|(path, kind, unit, style)| (*path, *kind, unit.as_str(), *style)).collect();
    assert_eq!(found, expected, "{example}");
}

#[test]
fn charms_of_every_packaging_style() {
    use CharmKind::{Bundle, Ops, Reactive};
    let requirements = Style::Requirements;
    check("tinyproxy", &[("", Ops, "tox unit", Style::Uv { lock: true })]);
    check("fleet/uv-groups", &[("", Ops, "tox unit", Style::Uv { lock: true })]);
    check("fleet/poetry-lock", &[("", Ops, "tox unit", Style::Poetry { lock: true })]);
    check("fleet/tox-toml", &[("", Ops, "tox unit", requirements)]);
    check("fleet/justfile-only", &[("", Ops, "just unit", Style::Uv { lock: true })]);
    check("fleet/makefile-only", &[("", Ops, "make unit", requirements)]);
    check("fleet/broken-tox", &[("", Ops, "broken", requirements)]);
    let tree = DiskTree::open(&examples().join("fleet/legacy-reactive")).expect("it is there");
    assert_eq!(discover(&tree).roots[0].kind, Reactive);
    check(
        "fleet/monorepo-bundle",
        &[
            ("", Bundle, "none", Style::Unknown),
            ("charms/cache", Ops, "tox unit", requirements),
            ("charms/web", Ops, "tox unit", requirements),
            ("charms/worker", Ops, "tox unit", requirements),
        ],
    );
}

#[test]
fn a_fetched_library_is_missing() {
    let tree = DiskTree::open(&examples().join("fleet/fetched-libs")).expect("it is there");
    let missing = missing_libraries(&CharmMetadata::read(&tree), &tree);
    let keys: Vec<String> = missing.iter().map(|lacking| lacking.key.to_string()).collect();
    assert_eq!(keys, ["charms.cache_server.v0.cache_link"]);
}

#[test]
fn nothing_is_to_be_said_about_the_examples() {
    let tree = DiskTree::open(&examples()).expect("the examples are there");
    let mut endpoints = 0;
    for root in discover(&tree).roots {
        let metadata = CharmMetadata::read(&Subtree::new(&tree, &root.path));
        assert_eq!(metadata.notes, [], "{}", root.path);
        endpoints += metadata.endpoints.len();
    }
    assert!(endpoints > 5, "{endpoints} endpoints were found");
}

fn choose_for(example: &str) -> Result<Choice, NoInterpreter> {
    let tree = DiskTree::open(&examples().join(example)).expect("it is there");
    let tox = tox_config(&tree).expect("it is not broken").expect("it is there");
    let wishes = dependency_facts(&tree).expect("it is not broken").python_wishes(
        &CharmMetadata::read(&tree),
        Some((&tox, "unit")),
        Vec::new(),
    );
    choose(&wishes, &[8, 10, 12, 13].map(PythonVersion::three))
}

#[test]
fn interpreters_of_new_and_old_charms() {
    let choice = choose_for("tinyproxy").expect("there is one");
    assert_eq!(choice.version, PythonVersion::three(12));
    let error = choose_for("fleet/needs-old-python").expect_err("there is none");
    assert_eq!(error.wanted, "`3.5` (environment unit in tox.ini)");
}
