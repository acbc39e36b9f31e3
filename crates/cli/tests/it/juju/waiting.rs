//! `wait-for`: things that get to be as a query says, and things that do not.

use super::{Local, On};

#[test]
fn queries_of_the_documentation() {
    let local = Local::new(On::Machines);
    local.juju(&["deploy", "./tiny"]).success();
    let mut said = String::new();
    for words in [&["unit", "tiny/0"][..], &["application", "tiny"], &["model", "m"], &["machine", "0"]] {
        // How long it takes, and so what is told meanwhile, differs.
        let result = local.juju(&[&["wait-for"], words].concat());
        let last = result.stderr.lines().last().unwrap_or_default().to_owned();
        said += &format!("$ juju wait-for {}\n{}\n{last}\n\n", words.join(" "), result.success());
    }
    for words in [
        &["application", "tiny", "--query", "len(units) == 1"][..],
        &["application", "tiny", "--query", r#"name=="tiny" && (status=="active" || status=="idle")"#],
        &[
            "application",
            "tiny",
            "--query",
            r#"forEach(units, unit => unit.life=="alive" && unit.workload-status=="active" && startsWith(unit.name, "tiny"))"#,
        ],
        &["model", "m", "--query", r#"forEach(applications, app => app.status == "active")"#],
        &[
            "model",
            "m",
            "--query",
            r#"life=="alive" && status=="available" && forEach(applications, app => app.status == "active")"#,
        ],
        &["unit", "tiny/0", "--query", "len(machines) == 1"],
        &["unit", "tiny/0", "--query", r#"print(workload-message) == "red""#],
        &["unit", "tiny/0", "--summary=false"],
        &["unit", "tiny/0", "--query", r#"workload-status=="blocked""#, "--timeout", "300ms"],
        &["application", "nope", "--timeout", "300ms"],
        &["model", "nope", "--timeout", "300ms"],
        &["unit", "tiny/0", "--query", r#"unit.status=="available""#],
        &["unit", "tiny/0", "--query", r#"life=="alive"#],
        &["unit"],
        &["unit", "tiny"],
    ] {
        said += &local.said(&[&["wait-for"], words].concat());
    }
    insta::assert_snapshot!("juju_wait_for", said);
    local.end();
}

#[test]
fn whoever_waits_learns_of_changes_and_of_the_end() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let blue = r#"workload-message=="blue""#;
    let waits = local.spawn(&["wait-for", "unit", "tiny/0", "--query", blue]);
    local.juju(&["config", "tiny", "colour=blue"]).success();
    assert!(waits.wait_with_output().unwrap().status.success());
    let never = |what: &str, name: &str| {
        local.spawn(&["wait-for", what, name, "--query", r#"name=="never""#, "--timeout", "50s"])
    };
    let waiting = [never("unit", "tiny/0"), never("application", "tiny"), never("model", "m")];
    // They have to be there before it goes.
    std::thread::sleep(std::time::Duration::from_millis(500));
    local.juju(&["remove-application", "tiny", "--no-prompt"]).success();
    let [unit, application, model] = waiting;
    let end = |waits: std::process::Child| {
        let output = waits.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said.lines().last().unwrap_or_default().to_owned())
    };
    assert_eq!(end(unit), (Some(0), "unit \"tiny/0\" has been removed".to_owned()));
    assert_eq!(end(application), (Some(1), "ERROR application tiny removed".to_owned()));
    local.destroy(&[]);
    assert_eq!(end(model), (Some(0), "model \"m\" has been removed".to_owned()));
}
