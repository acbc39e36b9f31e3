//! Looking at single things, and at what they were like.

use charmproof_testkit::wait_for;
use serde_json::Value;

use super::timeline::{check, watch};
use super::{LIMIT, Local, On};

#[test]
fn applications_and_machines_in_full() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let mut said = String::new();
    for words in [
        &["show-application", "tiny"][..],
        &["constraints", "tiny"],
        &["set-constraints", "tiny", "mem=2G", "cores=2"],
        &["constraints", "tiny"],
        &["constraints", "tiny", "--format", "json"],
        &["set-constraints", "tiny", "mem=lots"],
        &["constraints", "nope"],
        &["expose", "tiny", "--endpoints", "site", "--to-cidrs", "10.0.0.0/8"],
        &["show-application", "tiny", "--format", "json"],
        &["show-application", "nope", "tiny", "nix"],
        &["show-machine", "0"],
        &["show-machine", "7", "--format", "json"],
        &["bind", "tiny", "alpha", "site=alpha"],
        &["bind", "tiny", "site=beta"],
        &["bind", "tiny", "nope=alpha"],
        &["bind", "tiny"],
    ] {
        said += &local.said(words);
    }
    // A unit that is added later gets them.
    local.juju(&["add-unit", "tiny"]).success();
    local.settle("tiny/1", "active", "red");
    assert_eq!(local.status()["machines"]["1"]["constraints"], "cores=2 mem=2048M");
    insta::assert_snapshot!("juju_details", said);
    local.end();
}

#[test]
fn what_statuses_were_is_remembered() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["config", "tiny", "colour=blue"]).success();
    local.settle("tiny/0", "active", "blue");
    let mut said = String::new();
    for words in [
        &["show-status-log", "tiny/0"][..],
        &["show-status-log", "tiny/0", "-n", "2"],
        &["show-status-log", "tiny/0", "--type", "workload", "--days", "1"],
        &["show-status-log", "tiny/0", "--type", "juju-unit", "-n", "1"],
        &["show-status-log", "tiny", "--type", "application", "-n", "2"],
        &["show-status-log", "0", "--type", "juju-machine"],
        &["show-status-log", "0", "--type", "machine"],
        &["show-status-log", "--type", "model"],
        &["show-status-log", "tiny/0", "--from-date", "2100-01-01"],
        &["show-status-log", "tiny/0", "--from-date", "soon"],
        &["show-status-log", "tiny/9"],
        &["show-status-log", "tiny"],
        &["show-status-log", "9", "--type", "machine"],
        &["show-status-log", "nope", "--type", "saas"],
    ] {
        said += &local.said(words);
    }
    insta::assert_snapshot!("juju_status_log", said);
    let last = local.json(&["show-status-log", "tiny/0", "--type", "workload", "-n", "1"]);
    assert_eq!((last[0]["status"].as_str(), last[0]["message"].as_str()), (Some("active"), Some("blue")));
    assert!(last[0]["since"].as_str().unwrap().ends_with('Z'), "{last}");
    // What was is known after a crash, too, and what a unit ran can be judged.
    local.kill_supervisor();
    let log = local.juju(&["show-status-log", "tiny/0", "-n", "100"]).success();
    assert!(log.contains("installing charm software"), "{log}");
    local.end();
}

#[test]
fn a_hook_that_fails_again_and_again_is_an_error_in_between() {
    const DISPATCH: &str = "#!/bin/bash\ncase $JUJU_DISPATCH_PATH in\n\
        hooks/install) [ -e fixed ] ;;\nhooks/start) status-set active ;;\nesac\n";
    const MESSAGE: &str = "hook failed: \"install\"";
    let local = Local::new(On::Machines);
    local.write_charm("frail", "name: frail\nsummary: s\ndescription: d\n", "{}\n", DISPATCH);
    let entry = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("type"), text("status"), text("message")).trim_end().to_owned()
    };
    let failed = format!("juju-unit error {MESSAGE}");
    let log = || local.json(&["show-status-log", "frail/0", "-n", "100"]).as_array().unwrap().clone();
    let seen = watch(&local, "frail/0", || {
        local.juju(&["deploy", "./frail"]).success();
        local.settle("frail/0", "error", MESSAGE);
        let unit = local.unit("frail/0");
        assert_eq!(unit["workload-status"]["since"], unit["juju-status"]["since"]);
        wait_for("the hook to fail again", LIMIT, || {
            log().iter().filter(|line| entry(line) == failed).count() == 2
        });
        fs_err::write(local.charm_folder("frail/0").join("fixed"), "").unwrap();
        local.juju(&["resolved", "frail/0"]).success();
        local.settle("frail/0", "active", "");
    });
    check(&seen);
    let lines: Vec<String> = log().iter().map(entry).collect();
    let begins = lines.iter().position(|line| line.ends_with("installing charm software")).unwrap();
    let again = ["juju-unit executing running install hook", &failed];
    let expected = [&["workload maintenance installing charm software"][..], &again, &again, &again[..1]];
    assert_eq!(lines[begins..begins + 6], expected.concat(), "{lines:#?}");
    local.end();
}

#[test]
fn the_log_begins_where_it_is_asked_to() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let all = local.log();
    let check = |flags: &[&str], expected: &dyn Fn(&[&str]) -> Vec<String>| {
        let lines: Vec<&str> = all.lines().collect();
        let said = local.juju(&[&["debug-log"], flags].concat()).success();
        assert_eq!(said.lines().map(str::to_owned).collect::<Vec<_>>(), expected(&lines), "{flags:?}");
    };
    let texts = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    check(&[], &|lines| texts(&lines[lines.len() - 10..]));
    check(&["--no-tail"], &|lines| texts(&lines[lines.len() - 10..]));
    check(&["--limit", "3"], &|lines| texts(&lines[lines.len() - 3..]));
    check(&["--limit", "0"], &|lines| texts(lines));
    check(&["--replay", "--limit", "3"], &|lines| texts(&lines[..3]));
    local.end();
}

#[test]
fn commands_for_the_other_kind_of_model_are_refused() {
    let local = Local::new(On::Kubernetes);
    local.deploy("tiny");
    let mut said = String::new();
    for words in [
        &["add-machine"][..],
        &["machines"],
        &["show-machine", "0"],
        &["remove-machine", "0", "--no-prompt"],
        &["ssh-keys"],
        &["add-ssh-key", "ssh-ed25519 AAAA me"],
        &["add-unit", "tiny", "--to", "0"],
        &["remove-unit", "tiny/0", "--no-prompt"],
        &["remove-unit", "tiny", "--no-prompt"],
        &["exec", "--all", "true"],
        &["exec", "--machine", "0", "true"],
    ] {
        said += &local.said(words);
    }
    local.juju(&["add-model", "machines", "localhost"]).success();
    said += &local.said(&["scale-application", "tiny", "2"]);
    said += &local.said(&["remove-unit", "tiny", "--num-units", "1", "--no-prompt"]);
    local.juju(&["destroy-model", "machines", "--no-prompt"]).success();
    local.juju(&["switch", "m"]).success();
    insta::assert_snapshot!("juju_kinds_of_models", said);
    local.end();
}
