//! Actions and commands in the background: what is known of them, and how they are cancelled.

use super::{LIMIT, Local, On};
use charmproof_testkit::wait_for;

/// Waits until a task is as far as that.
#[track_caller]
fn until(local: &Local, task: &str, status: &str) {
    wait_for(&format!("task {task} to be {status}"), LIMIT, || {
        local.json(&["show-task", task])["status"] == status
    });
}

#[test]
fn tasks_are_followed_by_their_numbers() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let mut said = String::new();
    for words in [
        &["actions", "tiny"][..],
        &["actions", "tiny", "--format", "json"],
        &["actions", "tiny", "--schema"],
        &["actions", "nope"],
        &["show-action", "tiny", "greet"],
        &["show-action", "tiny", "nope"],
        &["operations"],
        &["run", "tiny/0", "greet", "--background"],
        &["show-operation", "1", "--watch"],
        &["show-task", "2", "--watch"],
        &["run", "tiny/0", "tiny/leader", "greet", "name=me", "--background"],
        &["show-operation", "3", "--watch"],
        &["show-operation", "3", "--format", "json"],
        &["show-task", "4", "--format", "json"],
        &["run", "tiny/0", "tiny/7", "greet"],
        &["run", "tiny/0", "tiny/leader", "greet"],
        &["run", "tiny/0", "break", "--background"],
        &["show-task", "12", "--wait", "1m"],
        &["run", "tiny/0", "refuse", "--background"],
        &["show-operation", "13", "--wait", "1m"],
        &["exec", "--all", "echo here"],
        &["exec", "--machine", "0,9", "echo there"],
        &["-v", "exec", "--unit", "tiny/leader", "echo leader; exit 3"],
        &["operations"],
        &["operations", "--actions", "juju-exec"],
        &["operations", "--machines", "0", "--status", "completed"],
        &["operations", "--limit", "2", "--offset", "1"],
        &["operations", "--applications", "nope"],
        &["show-operation", "99"],
        &["show-task", "99"],
        &["show-task", "x"],
        &["show-task", "2", "--wait", "1s", "--watch"],
    ] {
        said += &local.said(words);
    }
    insta::assert_snapshot!("juju_tasks", said);
    local.end();
}

#[test]
fn a_task_is_cancelled_before_it_begins_and_while_it_runs() {
    let local = Local::new(On::Kubernetes);
    local.deploy("tiny");
    for action in ["linger", "greet", "greet"] {
        local.juju(&["run", "tiny/0", action, "--background"]).success();
    }
    local.waits("tiny/0");
    let mut said = local.said(&["operations"]);
    for words in [
        &["show-task", "2"][..],
        &["show-task", "4"],
        &["show-task", "2", "--wait", "100ms"],
        &["show-operation", "1", "--wait", "100ms"],
        &["cancel-task"],
        &["cancel-task", "4", "2", "99"],
    ] {
        said += &local.said(words);
    }
    until(&local, "2", "aborted");
    // The other of the same name is the one that is run.
    until(&local, "6", "completed");
    for words in [
        &["operations", "--format", "yaml"][..],
        &["show-task", "4"],
        &["show-task", "6"],
        &["cancel-task", "6", "--format", "json"],
    ] {
        said += &local.said(words);
    }
    insta::assert_snapshot!("juju_tasks_cancelled", said);
    assert_eq!(local.ran("tiny/0").iter().filter(|name| *name == "greet").count(), 1);
    local.end();
}

#[test]
fn commands_on_machines_are_cancelled() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["exec", "--machine", "0", "--background", "sleep 600"]).success();
    until(&local, "2", "running");
    local.juju(&["exec", "--unit", "tiny/0", "--background", "sleep 600"]).success();
    until(&local, "4", "running");
    local.juju(&["cancel-task", "2", "4"]).success();
    until(&local, "2", "aborted");
    until(&local, "4", "aborted");
    local.settle("tiny/0", "active", "red");
    local.end();
}
