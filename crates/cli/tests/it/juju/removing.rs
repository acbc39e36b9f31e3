//! What is told before something is removed, and what a person answers.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use charmproof_testkit::wait_for;

use super::{LIMIT, Local, On};

/// Runs a command whose person types this, and returns all it gave.
fn answered(local: &Local, words: &[&str], answer: &str) -> String {
    let mut command = local.env.command(&[&["juju"], words].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| local.redactor().redact(&String::from_utf8(bytes).unwrap());
    format!(
        "$ juju {}\nexit code: {}\n--- stdout\n{}--- stderr\n{}\n",
        words.join(" "),
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr)
    )
}

#[test]
fn removals_are_told_and_asked_for() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["add-unit", "tiny"]).success();
    local.settle("tiny/1", "active", "red");
    let mut said = String::new();
    for words in [
        &["remove-unit", "tiny/0", "--dry-run"][..],
        &["remove-unit", "tiny/0", "tiny/9", "--dry-run"],
        &["remove-application", "tiny", "--dry-run"],
        &["remove-machine", "0", "--dry-run"],
        &["remove-machine", "9", "--dry-run"],
        &["remove-machine", "0", "--no-prompt"],
        &["remove-unit", "tiny/0"],
    ] {
        said += &local.said(words);
    }
    said += &answered(&local, &["remove-unit", "tiny/0"], "n\n");
    said += &answered(&local, &["remove-application", "tiny"], "no\n");
    said += &answered(&local, &["remove-machine", "0"], "");
    said += &answered(&local, &["destroy-model", "m"], "other\n");
    // Nothing was done yet.
    local.settle("tiny/0", "active", "red");
    assert_eq!(local.status()["machines"].as_object().unwrap().len(), 2);
    said += &answered(&local, &["remove-unit", "tiny/0"], "y\n");
    wait_for("the unit to go", LIMIT, || local.unit("tiny/0").is_null());
    said += &answered(&local, &["remove-machine", "1", "--force"], "YES\n");
    wait_for("the unit to go", LIMIT, || local.unit("tiny/1").is_null());
    // Who does not want to be asked says so once.
    local.juju(&["model-config", "mode="]).success();
    said += &local.said(&["remove-application", "tiny"]);
    insta::assert_snapshot!("juju_removals", said);
    wait_for("the application to go", LIMIT, || {
        local.status()["applications"].as_object().unwrap().is_empty()
    });
    assert!(answered(&local, &["destroy-model", "m"], "m\n").contains("exit code: 0"));
}

#[test]
fn an_answer_that_comes_too_late_removes_nothing() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let mut command = local.env.command(&["juju", "remove-unit", "tiny/0"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut asked = String::new();
    let mut stderr = child.stderr.take().unwrap();
    while !asked.contains("[y/N]?") {
        let mut some = [0; 256];
        let length = stderr.read(&mut some).unwrap();
        assert_ne!(length, 0, "{asked}");
        asked += &String::from_utf8_lossy(&some[..length]);
    }
    super::kill(child.id(), "INT");
    let mut stdin = child.stdin.take().unwrap();
    child.wait().unwrap();
    // The question is withdrawn within a moment: nobody is there any more to read what is said.
    wait_for("nobody to read answers", LIMIT, || stdin.write_all(b"y").is_err());
    local.settle("tiny/0", "active", "red");
    assert!(!local.log().contains("hook stop"), "{}", local.log());
    local.end();
}
