use proptest::prelude::*;

use super::*;
use crate::MemoryTree;

/// Reads offerings from words: `tox:unit make:test pytest:tests/unit`.
fn offerings(words: &str) -> Offerings {
    let mut offerings = Offerings::default();
    for word in words.split_whitespace() {
        let (runner, name) = word.split_once(':').expect("words are runner:name");
        match runner {
            "tox" => drop(offerings.tox.insert(name.to_owned())),
            "just" => drop(offerings.just.insert(name.to_owned())),
            "make" => drop(offerings.make.insert(name.to_owned())),
            "nox" => drop(offerings.nox.insert(name.to_owned())),
            "lives" => offerings.program = Some(name.to_owned()),
            "integration" => offerings.integration = Some(name.to_owned()),
            _ => offerings.pytest = Some(name.to_owned()),
        }
    }
    offerings
}

#[test]
fn targets_find_their_suites() {
    for (target, offered, expected) in [
        ("unit", "tox:unit tox:lint", "tox unit"),
        ("unit", "tox:unit-tests tox:test", "tox unit-tests"),
        ("unit", "tox:test-unit", "tox test-unit"),
        ("unit", "tox:unittest", "tox unittest"),
        ("unit", "tox:tests-unit", "tox tests-unit"),
        ("unit", "make:test", "make test"),
        ("unit", "tox:tests", "tox tests"),
        ("unit", "tox:py38 tox:py312 tox:py310", "tox py312"),
        ("unit", "tox:py3 tox:py310", "tox py3"),
        ("unit", "tox:python3", "none"),
        // The exact name anywhere beats another name in a preferred runner.
        ("unit", "tox:test make:unit", "make unit"),
        ("unit", "just:unit make:unit nox:unit", "just unit"),
        ("unit", "nox:unit make:unit", "make unit"),
        ("unit", "tox:lint pytest:tests/unit", "pytest tests/unit"),
        ("unit", "tox:lint", "none"),
        ("lint", "tox:pep8", "tox pep8"),
        ("lint", "tox:linters make:lint", "make lint"),
        ("lint", "tox:style tox:check", "tox check"),
        ("lint", "just:lint-code", "just lint-code"),
        ("lint", "pytest:tests/unit", "none"),
        ("static", "tox:static-charm tox:static-lib", "tox static-charm"),
        ("static", "tox:static-lib", "tox static-lib"),
        ("static", "tox:mypy", "tox mypy"),
        ("static", "make:typecheck nox:typing", "make typecheck"),
        ("static", "just:types", "just types"),
        ("static", "tox:lint", "none"),
        ("integration", "tox:integration tox:integration-tests", "tox integration"),
        ("integration", "tox:integration-tests", "tox integration-tests"),
        ("integration", "tox:integration-upgrade", "none"),
        ("integration", "make:functional integration:tests/functional", "make functional"),
        (
            "integration",
            "tox:unit pytest:tests/unit integration:tests/integration",
            "pytest tests/integration",
        ),
        ("unit", "integration:tests/integration", "none"),
        ("format", "tox:fmt", "none"),
        ("fmt", "tox:fmt", "tox fmt"),
        ("py3*", "tox:py310", "none"),
        ("lifecycle", "lives:src/charm.py tox:unit", "lives src/charm.py"),
        // It is ours, so that it means one thing in the whole fleet.
        ("lifecycle", "lives:dispatch tox:lifecycle", "lives dispatch"),
        ("lifecycle", "tox:unit pytest:tests/unit", "none"),
        ("unit", "lives:src/charm.py", "none"),
    ] {
        let found = match choose_target(target, &offerings(offered)) {
            Ok(invocation) => format!("{} {}", invocation.runner, invocation.name),
            Err(_) => "none".to_owned(),
        };
        assert_eq!(found, expected, "{target} in {offered}");
    }
}

#[test]
fn what_needs_a_juju_is_known_by_its_name() {
    for (target, expected) in [
        ("integration", true),
        ("integration-tests", true),
        ("integration-k8s", true),
        ("functional", true),
        ("func", true),
        ("e2e", true),
        ("unit", false),
        ("functions", false),
        ("lint", false),
        ("static-integration", false),
    ] {
        assert_eq!(needs_juju(target), expected, "{target}");
    }
}

#[test]
fn what_is_offered_instead_is_told() {
    let error =
        choose_target("docs", &offerings("make:test tox:lint nox:a just:b")).expect_err("nothing fits");
    assert_eq!(error.to_string(), "the charm offers nothing for `docs`");
    assert_eq!(error.offered, ["tox -e lint", "just b", "make test", "nox -s a"]);
}

#[test]
fn offerings_are_read_from_all_files() {
    let tree = MemoryTree::from_fixture(
        "--- tox.ini\n[tox]\nenvlist = lint\n--- Justfile\nfmt:\n--- Makefile\nall:\n--- noxfile.py\n@nox.session\ndef docs(s): pass\n\
         --- tests/unit/test_x.py\n--- tests/integration/test_y.py\n--- src/charm.py\n--- dispatch\n",
    );
    assert_eq!(
        Offerings::read(&tree),
        offerings(
            "tox:lint just:fmt make:all nox:docs pytest:tests/unit lives:src/charm.py integration:tests/integration"
        )
    );
}

#[test]
fn integration_tests_are_not_given_to_pytest() {
    let tree = MemoryTree::from_fixture("--- tests/integration/test_y.py\n--- tests/unit/helpers.py\n");
    assert_eq!(Offerings::read(&tree).pytest, None);
}

#[test]
fn pytest_does_not_stand_in_for_a_broken_tox_file() {
    let fixture = "--- tox.ini\nx\n--- tests/unit/test_x.py\n";
    let error = choose_target("unit", &Offerings::read(&MemoryTree::from_fixture(fixture)))
        .expect_err("tox cannot say what it offers");
    assert_eq!(error.broken.map(|broken| broken.place.line), Some(1));
    let fixture = format!("{fixture}--- Makefile\nunit:\n");
    assert!(choose_target("unit", &Offerings::read(&MemoryTree::from_fixture(&fixture))).is_ok());
}

proptest! {
    #[test]
    fn an_exact_name_is_always_found(
        target in "[a-z][a-z-]{0,8}", runner in prop::sample::select(vec!["tox", "just", "make", "nox"]),
        others in prop::collection::vec("(tox|just|make|nox):[a-z]{1,6}", 0..6),
    ) {
        let words = format!("{} {runner}:{target}", others.join(" "));
        let found = choose_target(&target, &offerings(&words)).expect("it is offered");
        prop_assert_eq!(found.name, target);
    }

    #[test]
    fn what_is_chosen_is_offered(
        target in prop::sample::select(vec!["unit", "lint", "static", "integration", "x"]),
        words in prop::collection::vec("(tox|just|make|nox|pytest):(unit|test|lint|py3[0-9]|mypy|x)", 0..6),
    ) {
        let offerings = offerings(&words.join(" "));
        if let Ok(found) = choose_target(target, &offerings) {
            prop_assert!(offerings.of(found.runner).any(|name| name == found.name));
        }
    }
}
