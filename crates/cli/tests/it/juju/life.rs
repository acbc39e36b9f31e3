//! What people do with applications, from the first command to the last.

use super::{LIMIT, Local, On};
use charmproof_testkit::wait_for;

#[test]
fn an_application_on_machines() {
    let said = life(On::Machines);
    insta::assert_snapshot!("juju_life_machines", said);
}

#[test]
fn an_application_on_kubernetes() {
    let said = life(On::Kubernetes);
    insta::assert_snapshot!("juju_life_kubernetes", said);
}

fn life(on: On) -> String {
    let local = Local::new(on);
    let mut said = local.said(&["deploy", "./tiny"]);
    // It is there before `deploy` is over.
    let at_once = local.unit("tiny/0");
    assert!(at_once["workload-status"]["current"].is_string(), "{at_once:#}");
    local.settle("tiny/0", "active", "red");
    said += &local.said(&["status"]);
    assert_eq!(local.ran("tiny/0"), ["install", "leader-elected", "config-changed", "start"]);

    for words in [
        &["config", "tiny", "colour"][..],
        &["config", "tiny", "colour=blue", "count=7"],
        &["config", "tiny", "count"],
    ] {
        said += &local.said(words);
    }
    local.settle("tiny/0", "active", "blue");
    said += &local.said(&["config", "tiny", "--reset", "colour"]);
    local.settle("tiny/0", "active", "red");

    for words in [
        &["run", "tiny/0", "greet", "name=Ada"][..],
        &["run", "tiny/leader", "greet", "--quiet", "--format", "json"],
        &["run", "tiny/0", "refuse"],
        &["run", "tiny/0", "break"],
        &["run", "tiny/0", "nothing"],
        &["exec", "--unit", "tiny/0", "echo out; echo err >&2; pwd"],
        &["exec", "--unit", "tiny/0", "exit 5"],
        &["exec", "--application", "tiny", "config-get count"],
    ] {
        said += &local.said(words);
    }
    said += &local.said(&["run", "tiny/0", "linger", "--wait", "100ms"]);
    local.waits("tiny/0");
    local.go("tiny/0");
    local.settle("tiny/0", "active", "red");

    said += &local.said(&["show-unit", "tiny/0"]);
    said += &local.said(&["debug-log", "--include", "unit-tiny-0", "--limit", "4"]);
    local.end();
    said
}

#[test]
fn a_failed_hook_is_resolved() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["config", "tiny", "colour=bad"]).success();
    local.settle("tiny/0", "error", "hook failed: \"config-changed\"");
    let mut said = local.said(&["status"]);
    // Actions run, whatever has failed.
    said += &local.said(&["run", "tiny/0", "greet"]);
    local.juju(&["config", "tiny", "colour=green"]).success();
    said += &local.said(&["resolved", "tiny/0"]);
    local.settle("tiny/0", "active", "green");
    said += &local.said(&["resolved", "tiny/0"]);
    local.juju(&["config", "tiny", "colour=bad"]).success();
    local.settle("tiny/0", "error", "hook failed: \"config-changed\"");
    let before = local.ran("tiny/0").len();
    said += &local.said(&["resolved", "--no-retry", "tiny/0"]);
    local.settle("tiny/0", "active", "green");
    assert_eq!(local.ran("tiny/0").len(), before, "a hook that is not to be tried again was");
    insta::assert_snapshot!("juju_resolved", said);
    local.end();
}

#[test]
fn units_come_and_go() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let mut said = local.said(&["add-unit", "tiny", "-n", "2"]);
    local.settle("tiny/1", "active", "red");
    local.settle("tiny/2", "active", "red");
    let both = local.json(&["exec", "--application", "tiny", "hostname -I"]);
    assert_eq!(both.as_object().unwrap().len(), 3, "{both:#}");
    said += &local.said(&["remove-unit", "tiny/0", "--no-prompt"]);
    wait_for("tiny/0 to be gone", LIMIT, || local.unit("tiny/0").is_null());
    assert!(
        local.ran("tiny/0").ends_with(&["stop".to_owned(), "remove".to_owned()]),
        "{:?}",
        local.ran("tiny/0")
    );
    // Somebody else leads.
    wait_for("another leader", LIMIT, || {
        ["tiny/1", "tiny/2"].iter().any(|unit| local.unit(unit)["leader"] == true)
    });
    said += &local.said(&["add-unit", "tiny"]);
    local.settle("tiny/3", "active", "red");
    said += &local.said(&["remove-application", "tiny", "--no-prompt"]);
    wait_for("tiny to be gone", LIMIT, || local.status()["applications"]["tiny"].is_null());
    insta::assert_snapshot!("juju_units", said);
    local.end();
}

#[test]
fn charms_are_related() {
    let local = Local::new(On::Kubernetes);
    local.deploy("front");
    local.deploy("back");
    let mut said = local.said(&["integrate", "front:backend", "back:site"]);
    local.settle("front/0", "active", "sees http://back/0");
    said += &local.said(&["status", "--relations"]);
    said += &local.said(&["show-unit", "front/0"]);
    said += &local.said(&["integrate", "front:backend", "back:site"]);
    said += &local.said(&["remove-relation", "front", "back"]);
    local.settle("front/0", "active", "alone");
    local.settle("back/0", "active", "red");
    said += &local.said(&["remove-relation", "front", "back"]);
    insta::assert_snapshot!("juju_relations", said);
    let expected = [
        "backend-relation-created",
        "backend-relation-joined",
        "backend-relation-changed",
        "backend-relation-departed",
        "backend-relation-broken",
    ];
    let mut ran = local.ran("front/0");
    // What is written late is told of once more.
    ran.dedup();
    assert!(ran.ends_with(&expected.map(str::to_owned)), "{ran:?}");
    local.end();
}

#[test]
fn a_new_revision_of_a_charm() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let before = local.ran("tiny/0").len();
    local.charm("tiny", "2");
    local.env.file("tiny/new", "new\n");
    local.juju(&["exec", "--unit", "tiny/0", "echo kept > own"]).success();
    let mut said = local.said(&["refresh", "tiny", "--path", "./tiny"]);
    wait_for("the upgrade", LIMIT, || local.ran("tiny/0").len() == before + 2);
    local.settle("tiny/0", "active", "red");
    assert_eq!(local.ran("tiny/0")[before..], ["upgrade-charm", "config-changed"]);
    said += &local.said(&["exec", "--unit", "tiny/0", "cat version new own"]);
    assert_eq!(local.status()["applications"]["tiny"]["charm-rev"], 1);
    // The same files again are the same charm.
    said += &local.said(&["refresh", "tiny", "--path", "./tiny"]);
    insta::assert_snapshot!("juju_refresh", said);
    local.end();
}

#[test]
fn a_unit_that_reads_its_own_secret_hears_of_its_next_revision() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let exec = |commands: &str| local.juju(&["exec", "--unit", "tiny/0", commands]).success();
    let id = exec("secret-add --label own key=one");
    // Who has never read it has nothing to hear of.
    exec(&format!("secret-set {} key=two", id.trim()));
    exec("secret-get --label own");
    local.settle("tiny/0", "active", "red");
    assert!(!local.ran("tiny/0").contains(&"secret-changed".to_owned()));
    exec(&format!("secret-set {} key=three", id.trim()));
    wait_for("the owner hears of it", LIMIT, || local.ran("tiny/0").contains(&"secret-changed".to_owned()));
    local.end();
}
