//! Services, checks, notices and time on paper.

use std::time::{Duration, Instant};

use charmproof_pebble::{CheckOutcome, ExecRules, NoticeKind, Workload};
use serde_json::json;

use crate::client::Pebble;

const WEB: &str = "
services:
  web: {override: replace, command: web, startup: enabled, requires: [db], after: [db]}
  db: {override: replace, command: db}
  extra: {override: replace, command: extra}
";

fn with_rules(rules: &str) -> Pebble {
    let rules: ExecRules = toml::from_str(rules).unwrap();
    Pebble::start(|options| options.workload = Workload::Simulated(rules))
}

#[test]
fn services_start_stop_and_follow_the_plan() {
    let pebble = Pebble::simulated();
    let started = Instant::now();
    assert_eq!(pebble.layer(WEB).status, 200);
    assert_eq!(pebble.current(), "db=inactive extra=inactive web=inactive");
    let change = pebble.services("replan", &[]);
    assert_eq!(
        (&change["status"], &change["summary"]),
        (&json!("Done"), &json!("Replan service \"db\" and 1 more"))
    );
    assert_eq!(pebble.current(), "db=active extra=inactive web=active");
    let change = pebble.services("start", &["db"]);
    assert!(change["tasks"][0]["log"][0].as_str().unwrap().ends_with("INFO Service \"db\" already started."));
    pebble.services("stop", &["db"]);
    assert_eq!(pebble.current(), "db=inactive extra=inactive web=inactive");
    let change = pebble.services("restart", &["extra"]);
    assert_eq!(change["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(pebble.services("autostart", &[])["summary"], "Autostart service \"db\" and 1 more");
    let change = pebble.services("replan", &[]);
    assert_eq!(change["summary"], "Replan service \"db\" and 1 more");
    // Several seconds of starting have passed, and none of them here.
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn requests_that_make_no_sense_are_refused_in_the_words_of_pebble() {
    let pebble = Pebble::simulated();
    let check = |path: &str, body: serde_json::Value, expected: &str| {
        assert_eq!(pebble.post(path, &body).message(), expected, "{path} {body}");
    };
    check(
        "/v1/services",
        json!({"action": "start", "services": ["x"]}),
        "400 cannot start services: service \"x\" does not exist",
    );
    check("/v1/services", json!({"action": "start"}), "400 must specify services for start action");
    check(
        "/v1/services",
        json!({"action": "replan", "services": ["x"]}),
        "400 replan accepts no service names",
    );
    check("/v1/services", json!({"action": "jump", "services": ["x"]}), "400 invalid action \"jump\"");
    check("/v1/services", json!({"action": "autostart"}), "400 no default services");
    check("/v1/layers", json!({"action": "add", "format": "yaml", "layer": ""}), "400 label must be set");
    check(
        "/v1/layers",
        json!({"action": "add", "label": "a", "format": "json", "layer": ""}),
        "400 invalid format \"json\"",
    );
    check(
        "/v1/signals",
        json!({"signal": "SIGHUP", "services": ["x"]}),
        "500 cannot send signal to \"x\": service is not running",
    );
    check(
        "/v1/checks",
        json!({"action": "stop", "checks": ["b", "a"]}),
        "400 cannot stop checks: cannot find checks in plan: a, b",
    );
    check(
        "/v1/notices",
        json!({"action": "add", "type": "custom", "key": "x"}),
        "400 invalid key \"x\" (must be in \"example.com/path\" format)",
    );
    check("/v1/exec", json!({"command": []}), "400 must specify command");
    check("/v1/changes/7", json!({"action": "abort"}), "404 cannot find change with id \"7\"");
    check("/v1/files", json!({"action": "write"}), "400 must use multipart with \"write\" action");
    check("/v1/system-info", json!({}), "405 method \"POST\" not allowed");
    check("/v1/none", json!({}), "404 invalid API endpoint requested");
    check("/v2/services", json!({}), "404 invalid API endpoint requested");
    assert_eq!(pebble.get("/v1/plan").message(), "400 invalid format \"\"");
    assert_eq!(pebble.get("/v1/notices/9").message(), "404 cannot find notice with ID \"9\"");
    assert_eq!(pebble.get("/v1/changes/x/wait").message(), "404 cannot find change with id \"x\"");
    let reply = pebble.post("/v1/services", &json!({"action": "autostart"}));
    assert_eq!(reply.result()["kind"], "no-default-services");
    assert_eq!(pebble.get("/v1/warnings").result(), json!([]));
    // Go reads null as what is not there.
    assert_eq!(pebble.post("/v1/identities", &json!({"action": "add", "identities": null})).status, 200);
}

#[test]
fn a_service_that_ends_backs_off_and_comes_back() {
    let pebble =
        with_rules("[[service]]\ncommand = 'crash'\nexit-code = 3\nafter-ms = 100\noutput = 'no config'");
    pebble.layer("services: {a: {override: replace, command: crash, backoff-delay: 10s}}");
    let change = pebble.services("start", &["a"]);
    assert_eq!(
        change["err"],
        "cannot perform the following tasks:\n- Start service \"a\" (service start attempt: exited quickly with code 3, will restart)"
    );
    let log = change["tasks"][0]["log"][0].as_str().unwrap().to_owned();
    assert!(log.ends_with("INFO Most recent service output:\n    no config"), "{log}");
    assert_eq!(pebble.current(), "a=backoff");
    pebble.handle().advance(Duration::from_secs(10));
    assert_eq!(pebble.current(), "a=active");
    pebble.handle().advance(Duration::from_millis(100));
    assert_eq!(pebble.current(), "a=backoff");
    assert_eq!(pebble.handle().snapshot().services["a"].starts, 2);
    let log = pebble.get("/v1/logs?n=1");
    let line: serde_json::Value = serde_json::from_slice(&log.body).unwrap();
    assert_eq!((&line["service"], &line["message"]), (&json!("a"), &json!("no config")));
}

#[test]
fn what_happens_when_a_service_ends_is_in_the_plan() {
    let check = |actions: &str, code: i32, current: &str, shutdowns: &[&str]| {
        let rule = format!("[[service]]\ncommand = 'x'\nexit-code = {code}\nafter-ms = 2000");
        let pebble = with_rules(&rule);
        let layer = format!("services: {{a: {{override: replace, command: x, {actions}}}}}");
        assert_eq!(pebble.layer(&layer).status, 200);
        pebble.services("start", &["a"]);
        pebble.handle().advance(Duration::from_millis(1100));
        assert_eq!(pebble.current(), format!("a={current}"), "{actions}");
        assert_eq!(pebble.handle().snapshot().shutdowns, shutdowns, "{actions}");
    };
    check("on-failure: ignore", 1, "error", &[]);
    check("on-success: ignore", 0, "inactive", &[]);
    check("on-failure: shutdown", 1, "error", &["failure"]);
    check("on-success: shutdown", 0, "error", &["success"]);
    check("on-failure: success-shutdown", 1, "error", &["success"]);
    check("on-success: failure-shutdown", 0, "error", &["failure"]);
    check("on-success: restart", 0, "backoff", &[]);
}

#[test]
fn checks_go_down_and_up_and_services_hear_of_it() {
    let pebble = Pebble::simulated();
    pebble.layer(
        "services: {a: {override: replace, command: x, on-check-failure: {up: restart}}}\n\
         checks: {up: {override: replace, level: alive, threshold: 2, tcp: {port: 1}}, off: {override: replace, startup: disabled, tcp: {port: 1}}}",
    );
    pebble.services("start", &["a"]);
    let statuses = || {
        let checks = pebble.get("/v1/checks").result();
        let shown = checks.as_array().unwrap().iter().map(|check| {
            format!(
                "{}={}/{}",
                check["name"].as_str().unwrap(),
                check["status"].as_str().unwrap(),
                check["failures"]
            )
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(statuses(), "off=inactive/null up=up/null");
    assert_eq!(pebble.get("/v1/health").status, 200);
    assert!(pebble.handle().set_check("up", CheckOutcome::Down));
    assert!(!pebble.handle().set_check("none", CheckOutcome::Down));
    assert_eq!(statuses(), "off=inactive/null up=down/2");
    assert_eq!(pebble.current(), "a=backoff");
    assert_eq!(pebble.get("/v1/health?level=ready").status, 502);
    assert_eq!(pebble.get("/v1/health?names=off").status, 200);
    let changes = pebble.get("/v1/changes?select=all").result();
    let kinds: Vec<_> = changes
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["perform-check", "start", "recover-check"]);
    pebble.handle().advance(Duration::from_secs(10));
    assert_eq!(statuses(), "off=inactive/null up=down/3");
    pebble.handle().set_check("up", CheckOutcome::Up);
    assert_eq!(statuses(), "off=inactive/null up=up/null");
    let refreshed = pebble.post("/v1/checks/refresh", &json!({"name": "up"})).result();
    assert_eq!((&refreshed["info"]["status"], &refreshed["info"]["successes"]), (&json!("up"), &json!(2)));
    let switch = |action: &str| {
        pebble.post("/v1/checks", &json!({"action": action, "checks": ["up", "off"]})).result()
    };
    assert_eq!(switch("start"), json!({"changed": ["off"]}));
    assert_eq!(switch("stop"), json!({"changed": ["off", "up"]}));
    assert_eq!(statuses(), "off=inactive/null up=inactive/null");
}

#[test]
fn a_check_of_a_command_follows_the_rules() {
    let pebble = with_rules("[[exec]]\ncommand = 'pg_isready *'\nexit-code = 2\nstderr = 'no response'");
    pebble
        .layer("checks: {db: {override: replace, period: 1s, threshold: 1, exec: {command: pg_isready -q}}}");
    pebble.handle().advance(Duration::from_secs(1));
    let checks = pebble.get("/v1/checks").result();
    assert_eq!((&checks[0]["status"], &checks[0]["failures"]), (&json!("down"), &json!(1)));
    let previous = checks[0]["prev-change-id"].as_str().unwrap().to_owned();
    let change = pebble.get(&format!("/v1/changes/{previous}")).result();
    assert_eq!(
        change["err"],
        "cannot perform the following tasks:\n- Perform exec check \"db\" (exit status 2; no response)"
    );
}

#[test]
fn notices_come_from_clients_workloads_and_changes() {
    let pebble = Pebble::simulated();
    let add = json!({"action": "add", "type": "custom", "key": "example.com/a", "data": {"k": "v"}});
    assert_eq!(pebble.post("/v1/notices", &add).result(), json!({"id": "1"}));
    assert_eq!(pebble.handle().notify(NoticeKind::Custom, "example.com/b"), "2");
    pebble.layer(WEB);
    pebble.services("start", &["extra"]);
    let notices = pebble.get("/v1/notices?types=custom").result();
    assert_eq!((&notices[0]["last-data"], &notices[1]["key"]), (&json!({"k": "v"}), &json!("example.com/b")));
    let updates = pebble.get("/v1/notices?types=change-update&users=all").result();
    assert_eq!((&updates[0]["user-id"], &updates[0]["last-data"]["kind"]), (&json!(null), &json!("start")));
    assert_eq!(pebble.get("/v1/notices?types=unheard-of").result(), json!([]));
    let after = notices[1]["last-repeated"].as_str().unwrap();
    assert_eq!(pebble.get(&format!("/v1/notices?types=custom&after={after}&timeout=5s")).result(), json!([]));
    assert_eq!(pebble.handle().snapshot().notices.len(), 2);
}

#[test]
fn a_restart_leaves_what_pebble_keeps() {
    let pebble = Pebble::simulated();
    pebble.layer(WEB);
    pebble.services("start", &["web"]);
    pebble.handle().notify(NoticeKind::Custom, "example.com/b");
    pebble.handle().restart("second");
    assert_eq!(pebble.get("/v1/system-info").result(), json!({"boot-id": "second", "version": "v1.19.2"}));
    assert_eq!(pebble.get("/v1/plan?format=yaml").result(), json!("{}\n"));
    assert_eq!(pebble.current(), "");
    assert_eq!(pebble.get("/v1/notices?types=custom").result().as_array().unwrap().len(), 1);
    assert_eq!(pebble.get("/v1/changes/1").result()["status"], "Done");
}

#[test]
fn the_same_requests_leave_the_same_snapshot() {
    let life = || {
        let pebble = Pebble::simulated();
        pebble.layer(WEB);
        pebble.services("replan", &[]);
        pebble.exec(&json!({"command": ["ls"], "split-stderr": true}), None);
        pebble.push(&json!({"path": "/a", "user": "web"}), b"x");
        pebble.services("stop", &["web"]);
        pebble.handle().snapshot()
    };
    let snapshot = life();
    assert_eq!(snapshot, life());
    insta::assert_json_snapshot!(snapshot);
}

#[test]
fn the_socket_goes_with_the_server() {
    let pebble = Pebble::simulated();
    let socket = pebble.server.socket().to_owned();
    // Somebody who waits for ever does not keep the server.
    let waiting = std::thread::spawn({
        let mut stream = pebble.connect();
        move || {
            use std::io::Write as _;
            // The server may be gone before the request is out.
            let _ = stream.write_all(b"GET /v1/logs?follow=true HTTP/1.1\r\n\r\n");
            crate::client::read(&mut stream)
        }
    });
    let handle = pebble.handle();
    drop(pebble.server);
    assert!(!socket.exists());
    waiting.join().unwrap();
    assert_eq!(handle.snapshot().exec, []);
}
