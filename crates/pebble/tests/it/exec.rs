//! Commands that are answered by rules.

use charmproof_pebble::{ExecRules, Workload};
use serde_json::json;

use crate::client::{Pebble, drain};

const RULES: &str = r#"
    [[exec]]
    command = "fail *"
    exit-code = 42
    stdout = "OUT"
    stderr = "ERR"

    [[exec]]
    command = "gone"
    missing = true

    [[exec]]
    command = "dump"
    writes = { "/var/dump" = "rows" }

    [[exec]]
    command = "load"
    reads-stdin = true
    stdout = "loaded"

    [[exec]]
    command = "slow"
    takes-ms = 10000
    exit-code = 7
"#;

fn pebble() -> Pebble {
    let rules: ExecRules = toml::from_str(RULES).unwrap();
    Pebble::start(|options| options.workload = Workload::Simulated(rules))
}

#[test]
fn rules_say_how_a_command_ends() {
    let pebble = pebble();
    let (output, errors, change) =
        pebble.exec(&json!({"command": ["fail", "now"], "split-stderr": true}), None);
    assert_eq!((output.as_str(), errors.as_str()), ("OUT", "ERR"));
    assert_eq!((&change["status"], &change["tasks"][0]["data"]["exit-code"]), (&json!("Done"), &json!(42)));
    let (output, _, _) = pebble.exec(&json!({"command": ["fail", "now"]}), None);
    assert_eq!(output, "OUTERR");
    let (output, _, change) = pebble.exec(&json!({"command": ["anything"]}), None);
    assert_eq!((output.as_str(), &change["tasks"][0]["data"]["exit-code"]), ("", &json!(0)));
    let reply = pebble.post("/v1/exec", &json!({"command": ["gone"]}));
    assert_eq!(reply.message(), "400 cannot find executable \"gone\"");
    pebble.exec(&json!({"command": ["dump"]}), None);
    assert_eq!(fs_err::read_to_string(pebble.root().join("var/dump")).unwrap(), "rows");
    let (output, _, _) = pebble.exec(&json!({"command": ["load"]}), Some(b"data"));
    assert_eq!(output, "loaded");
    let records = pebble.handle().snapshot().exec;
    let unanswered: Vec<bool> = records.iter().map(|record| record.unanswered).collect();
    assert_eq!(unanswered, [false, false, true, false, false, false]);
    assert_eq!(records[3].error.as_deref(), Some("cannot find executable \"gone\""));
    let digest = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7";
    assert_eq!(records[5].stdin_sha256.as_deref(), Some(digest));
}

#[test]
fn commands_take_their_time_in_the_clock_alone() {
    let pebble = pebble();
    let started = std::time::Instant::now();
    let (_, _, change) = pebble.exec(&json!({"command": ["slow"]}), None);
    assert_eq!(change["tasks"][0]["data"]["exit-code"], 7);
    let (_, _, change) = pebble.exec(&json!({"command": ["slow"], "timeout": "5.000s"}), None);
    assert_eq!(
        change["err"],
        "cannot perform the following tasks:\n- Execute command \"slow\" (timed out after 5s: context deadline exceeded)"
    );
    assert_eq!(change["tasks"][0]["data"]["exit-code"], -1);
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn a_command_has_the_context_that_was_asked_for() {
    let pebble = pebble();
    pebble.layer(
        "services: {web: {override: replace, command: x, environment: {A: '1', B: '2'}, user: web, working-dir: /srv}}",
    );
    let body = json!({"command": ["x"], "service-context": "web", "environment": {"B": "3"}, "timeout": null, "user": null});
    let reply = pebble.post("/v1/exec", &body);
    let result = reply.result();
    assert_eq!(result["working-dir"], "/srv");
    let environment = &result["environment"];
    assert_eq!(
        (&environment["A"], &environment["B"], &environment["LANG"]),
        (&json!("1"), &json!("3"), &json!("C.UTF-8"))
    );
    let reply = pebble.post("/v1/exec", &json!({"command": ["x"], "service-context": "none"}));
    assert_eq!(reply.message(), "400 context service \"none\" not found");
}

#[test]
fn websockets_are_where_a_command_waits_for_them() {
    let pebble = pebble();
    let upgrade = |task: &str, kind: &str| {
        let request = format!(
            "GET /v1/tasks/{task}/websocket/{kind} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        pebble.raw(request.as_bytes()).message()
    };
    assert_eq!(upgrade("9", "stdio"), "404 cannot find task \"9\"");
    pebble.layer("services: {web: {override: replace, command: x}}");
    pebble.services("start", &["web"]);
    assert_eq!(upgrade("1", "stdio"), "400 \"start\" tasks do not have websockets");
    let reply = pebble.post("/v1/exec", &json!({"command": ["load"]}));
    let task = reply.result()["task-id"].as_str().unwrap().to_owned();
    assert_eq!(upgrade(&task, "stderr"), format!("404 cannot find stderr websocket for task \"{task}\""));
    assert_eq!(upgrade(&task, "other"), format!("404 cannot find other websocket for task \"{task}\""));
    assert_eq!(
        pebble.get(&format!("/v1/tasks/{task}/websocket/stdio")).message(),
        "400 websocket: the client is not using the websocket protocol"
    );
    let mut stdio = pebble.websocket(&task, "stdio");
    assert_eq!(upgrade(&task, "stdio"), "500 stdio websocket already connected");
    stdio.send(tungstenite::Message::text("{\"command\":\"end\"}")).unwrap();
    assert_eq!(drain(&mut stdio), "loaded");
}

#[test]
fn a_command_for_which_nobody_connects_fails() {
    let pebble = pebble();
    let reply = pebble.post("/v1/exec", &json!({"command": ["x"]}));
    let change = pebble.wait(reply.json()["change"].as_str().unwrap());
    assert_eq!(
        change["err"],
        "cannot perform the following tasks:\n- Execute command \"x\" (exec 1: timeout waiting for websocket connections: context deadline exceeded)"
    );
}
