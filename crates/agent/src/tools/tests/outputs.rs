//! What tools print: a table for each.

use charmproof_lifecycle::vocabulary::{JujuVersion, Outcome, Platform};
use serde_json::json;

use super::world::{World, texts};
use crate::tools::{Call, Tool, ToolCall, meaning};

fn check(table: &[(&str, &str)]) {
    let mut world = World::new();
    for (line, expected) in table {
        world.prints(line, expected);
    }
}

#[test]
fn config_get() {
    check(&[
        (
            "config-get --format=json",
            "{\"debug\":false,\"name\":\"a \\u003cweb\\u003e server\",\"port\":80,\"ratio\":1}\n",
        ),
        ("config-get", "debug: false\nname: a <web> server\nport: 80\nratio: 1\n"),
        ("config-get -a", "debug: false\nname: a <web> server\nport: 80\nratio: 1\nunset: null\n"),
        ("config-get name", "a <web> server\n"),
        ("config-get debug", "False\n"),
        ("config-get --format json port", "80\n"),
        ("config-get --format=json unset", "null\n"),
        ("config-get unset", ""),
        ("config-get no-such-option", ""),
    ]);
}

#[test]
fn relation_tools() {
    check(&[
        ("relation-ids db --format=json", "[\"db:1\"]\n"),
        ("relation-ids peers", "peers:2\n"),
        ("relation-ids nothing --format=json", "[]\n"),
        ("relation-list --format=json -r db:1", "[\"pg/0\"]\n"),
        ("relation-list -r 1 --format=json", "[\"pg/0\"]\n"),
        ("relation-list -r 1", "pg/0\n"),
        ("relation-list --format=json --app -r 1", "\"pg\"\n"),
        ("relation-list --format=json --app -r 2", "\"web\"\n"),
        (
            "relation-get --format=json -r 1 - pg/0",
            "{\"egress-subnets\":\"10.1.0.3/32\",\"host\":\"10.9.8.7\",\"ingress-address\":\"10.1.0.3\",\
             \"private-address\":\"10.1.0.3\"}\n",
        ),
        ("relation-get -r 1 host pg/0", "10.9.8.7\n"),
        ("relation-get -r 1 absent pg/0", ""),
        ("relation-get --format=json -r 1 absent pg/0", "null\n"),
        ("relation-get --format=json -r 1 - pg --app", "{\"version\":\"14\"}\n"),
        ("relation-get --format=json -r 1 --app - pg/0", "{\"version\":\"14\"}\n"),
        ("relation-get --format=json -r 1 --app - web", "{}\n"),
        ("relation-set -r 1 key=value other=", ""),
        ("relation-get -r 1 key web/0", "value\n"),
        ("relation-model-get --format=json -r 1", "{\"uuid\":\"5d3ac0fe-9f1c-4c0e-8a57-6f0c1b2d3e4f\"}\n"),
    ]);
}

#[test]
fn relation_hooks_have_defaults() {
    let mut world = World::new();
    world.begin("db-relation-changed", "db:1 pg/0");
    world.prints("relation-get host", "10.9.8.7\n");
    world.prints("relation-ids", "db:1\n");
    world.prints("relation-list", "pg/0\n");
    world.begin("db-relation-changed", "db:1 pg");
    world.prints("relation-get version", "14\n");
    world.begin("db-relation-departed", "db:1 pg/0");
    world.prints("relation-list --format=json", "[]\n");
    world.prints("relation-get host", "10.9.8.7\n");
    world.begin("config-changed", "");
    world.refuses("relation-get host", 2, "no relation id specified");
}

#[test]
fn leadership() {
    let mut world = World::new();
    world.prints("is-leader --format=json", "true\n");
    world.prints("is-leader", "True\n");
    world.prints("leader-set one=1 two=2", "");
    world.begin_at("web/1", "config-changed", "");
    world.prints("is-leader", "False\n");
    world.prints("leader-get", "one: \"1\"\ntwo: \"2\"\n");
    world.prints("leader-get two", "2\n");
    world.prints("relation-get --format=json -r 2 --app - web", "{\"shared\":\"yes\"}\n");
}

#[test]
fn status_tools() {
    check(&[
        ("status-get", "waiting\n"),
        ("status-set --application=False active ready", ""),
        (
            "status-get --include-data --format=json",
            "{\"message\":\"ready\",\"status\":\"active\",\"status-data\":{}}\n",
        ),
        ("status-get --format=json", "{\"status\":\"active\"}\n"),
        ("status-get --include-data", "message: ready\nstatus: active\nstatus-data: {}\n"),
        // The worst of the units, until the leader has set it.
        ("status-get --application", "waiting\n"),
        ("status-set --application=True blocked -- -x-", ""),
        (
            "status-get --include-data --format=json --application=true",
            "{\"application-status\":{\"message\":\"-x-\",\"status\":\"blocked\",\"status-data\":{},\"units\":{\
             \"web/0\":{\"message\":\"ready\",\"status\":\"active\",\"status-data\":{}},\
             \"web/1\":{\"message\":\"installing agent\",\"status\":\"waiting\",\"status-data\":{}}}}}\n",
        ),
    ]);
}

#[test]
fn port_tools() {
    check(&[
        ("opened-ports --format=json", "[]\n"),
        ("open-port 80/tcp", ""),
        ("open-port icmp", ""),
        ("open-port 8000-8010/udp --endpoints db,peers", ""),
        ("opened-ports --format=json", "[\"icmp\",\"80/tcp\",\"8000-8010/udp\"]\n"),
        ("opened-ports --endpoints", "icmp (*)\n80/tcp (*)\n8000-8010/udp (db, peers)\n"),
        ("close-port 80", ""),
        ("opened-ports", "icmp\n8000-8010/udp\n"),
    ]);
}

#[test]
fn storage_tools() {
    let mut world = World::new();
    world.prints("storage-list --format=json", "[\"data/0\"]\n");
    world.prints("storage-list data", "data/0\n");
    world.prints("storage-list logs --format=json", "[]\n");
    world.prints("storage-get --format=json -s data/0", "{\"kind\":\"filesystem\",\"location\":\"/srv\"}\n");
    world.prints("storage-get -s data/0 location", "/srv\n");
    world.prints("storage-add data=2", "");
    world.begin("data-storage-attached", "data/0");
    world.prints("storage-get location", "/srv\n");
    let help = String::from_utf8(world.run("storage-get --help").stdout).unwrap();
    assert!(help.contains("\n-s  (= data/0)\n"), "{help}");
}

#[test]
fn networks() {
    check(&[
        (
            "network-get --format=json db",
            "{\"bind-addresses\":[{\"mac-address\":\"\",\"interface-name\":\"eth0\",\"addresses\":[{\
             \"hostname\":\"\",\"value\":\"10.1.0.1\",\"cidr\":\"10.1.0.0/16\"}]}],\
             \"egress-subnets\":[\"10.1.0.1/32\"],\"ingress-addresses\":[\"10.1.0.1\"]}\n",
        ),
        ("network-get db --bind-address", "10.1.0.1\n"),
        ("network-get --ingress-address -r db:1 db", "10.1.0.1\n"),
        ("network-get --egress-subnets db", "10.1.0.1/32\n"),
        (
            "network-get --bind-address --egress-subnets db",
            "bind-address: 10.1.0.1\negress-subnets:\n- 10.1.0.1/32\n",
        ),
        ("unit-get private-address", "10.1.0.1\n"),
        ("unit-get public-address --format=json", "\"10.1.0.1\"\n"),
    ]);
}

#[test]
fn state_with_the_controller() {
    let mut world = World::new();
    world.prints("state-get --format=json", "{}\n");
    assert_eq!(world.run_with("state-set --file -", "a: |\n  one\n  two\n\"#b#\": '2'\n").code, 0);
    world.prints("state-get a", "one\ntwo\n\n");
    world.prints("state-get --format=json", "{\"#b#\":\"2\",\"a\":\"one\\ntwo\\n\"}\n");
    world.prints("state-delete a", "");
    world.prints("state-get a", "");
    world.prints("state-get --format=json a", "\"\"\n");
    world.refuses("state-get --strict a", 1, "\"a\" not found");
}

#[test]
fn secrets() {
    let mut world = World::new();
    let granted = world.granted();
    world.prints("secret-ids --format=json", "null\n");
    world.prints("secret-ids", "");
    world.prints(&format!("secret-get {granted}"), "password: hunter2\n");
    world.prints(&format!("secret-get --format=json {}", granted.uri()), "{\"password\":\"hunter2\"}\n");
    world.prints(&format!("secret-get secret://model/{granted} password"), "hunter2\n");
    world.prints(&format!("secret-get {granted} password#base64"), "aHVudGVyMg==\n");

    let reply = world.run("secret-add --label mine --rotate daily --expire 24h key=one");
    let uri = String::from_utf8(reply.stdout).unwrap();
    let id = uri.trim_end().strip_prefix("secret:").unwrap().to_owned();
    assert_eq!((id.len(), uri.ends_with('\n')), (20, true));
    world.prints("secret-ids", &format!("{id}\n"));
    world.prints("secret-get --label mine --format=json", "{\"key\":\"one\"}\n");
    world.prints(&format!("secret-grant {id} -r 1"), "");
    world.prints(&format!("secret-grant --unit pg/0 --relation db:1 {id}"), "");
    world.prints(
        "secret-info-get --label mine",
        &format!(
            "{id}:\n  revision: 1\n  label: mine\n  owner: application\n  rotation: daily\n  \
             expiry: \"2026-01-02T00:00:00Z\"\n  access:\n  - target: application-pg\n    scope: relation-web.db#pg.clients\n    role: view\n  \
             - target: unit-pg-0\n    scope: relation-web.db#pg.clients\n    role: view\n"
        ),
    );
    // When it is to be rotated is known once the controller knows of it; what is pending shows in what is
    // said of it, and in its number when it is there.
    world.finish(Outcome::Ok);
    world.begin("config-changed", "");
    world.prints(&format!("secret-set {id} --description new --rotate hourly key=two"), "");
    let info = String::from_utf8(world.run("secret-info-get --label mine").stdout).unwrap();
    for line in ["revision: 1", "description: new", "rotation: hourly", "rotates: \"2026-01-02T00:00:00Z\""] {
        assert!(info.contains(line), "{line}: {info}");
    }
    world.finish(Outcome::Ok);
    world.begin("config-changed", "");
    let info = String::from_utf8(world.run("secret-info-get --label mine").stdout).unwrap();
    assert!(info.contains("revision: 2") && info.contains("rotates: \"2026-01-01T01:00:00Z\""), "{info}");
}

#[test]
fn a_secret_that_a_hook_makes_can_be_removed_again() {
    let mut world = World::new();
    let id = world.run("secret-add --label mine key=one").stdout;
    let id = String::from_utf8(id).unwrap().trim_end().to_owned();
    world.prints(&format!("secret-grant {id} -r 1"), "");
    // Its one revision is all of it; whoever removes it twice hears nothing.
    world.prints(&format!("secret-remove {id} --revision 1"), "");
    world.prints(&format!("secret-remove {id}"), "");
    world.prints("secret-ids", "");
    let effects = world.finish(Outcome::Ok);
    assert_eq!(effects.secrets, []);
    assert_eq!(world.state.secrets.len(), 1);
}

#[test]
fn actions() {
    let mut world = World::new();
    world.begin_action(&json!({"depth": 3, "where": {"host": "a"}}));
    world.prints("action-get --format=json", "{\"depth\":3,\"where\":{\"host\":\"a\"}}\n");
    world.prints("action-get where.host", "a\n");
    world.prints("action-get absent", "");
    world.prints("action-set a.b=1 a.c=x=y plain=", "");
    world.prints("action-log half way", "");
    world.prints("action-fail", "");
    let action = world.finish(Outcome::Failed).action.unwrap();
    assert_eq!(json!(action.results), json!({"a": {"b": "1", "c": "x=y"}, "plain": ""}));
    assert_eq!(action.failure.unwrap(), "action failed without reason given, check action for errors");
    assert_eq!(action.log, ["half way"]);
}

#[test]
fn goal_state() {
    check(&[
        ("status-set active", ""),
        (
            "goal-state --format=json",
            "{\"units\":{\"web/0\":{\"status\":\"active\",\"since\":\"2026-01-01 00:00:00Z\"},\
             \"web/1\":{\"status\":\"waiting\",\"since\":\"2026-01-01 00:00:00Z\"}},\
             \"relations\":{\"db\":{\"pg\":{\"status\":\"joined\",\"since\":\"2026-01-01 00:00:00Z\"},\
             \"pg/0\":{\"status\":\"active\",\"since\":\"2026-01-01 00:00:00Z\"}}}}\n",
        ),
    ]);
}

#[test]
fn reports() {
    let mut world = World::new();
    world.prints("resource-get config", "/resources/config.tar");
    world.prints("juju-log --log-level DEBUG -- --two words", "");
    world.prints("juju-log -l nonsense text", "");
    world.prints("juju-log --debug text", "");
    world.prints("application-version-set -- -1.0", "");
    world.prints("juju-reboot", "");
    let effects = world.finish(Outcome::Ok);
    let log: Vec<_> = effects.log.iter().map(|line| (line.level.as_str(), line.text.as_str())).collect();
    let warning = "Specified log level of \"nonsense\" is not valid";
    let expected = [("DEBUG", "--two words"), ("WARNING", warning), ("INFO", "text"), ("DEBUG", "text")];
    assert_eq!(log, expected);
    assert_eq!(world.state.units["web/0"].workload_version, "-1.0");
}

#[test]
fn what_juju_4_has_no_more() {
    let mut world = World::on(JujuVersion::V3_4, Platform::Kubernetes);
    world.prints("payload-register docker monitoring abc tag", "");
    world.prints("payload-status-set monitoring abc stopped", "");
    assert_eq!(world.state.units["web/0"].payloads, texts(&[("monitoring/abc", "stopped")]));
    assert_eq!(world.run_with("k8s-spec-set --file -", "version: 3\n").code, 0);
    assert_eq!(world.finish(Outcome::Ok).pod_spec.as_deref(), Some("version: 3\n"));
    world.begin("config-changed", "");
    world.prints("k8s-spec-get", "version: 3\n\n");
    world.prints("pod-spec-get --format=json", "\"version: 3\\n\"\n");
    world.begin("collect-metrics", "");
    world.prints("add-metric --labels kind=active users=3", "");
    assert_eq!(world.finish(Outcome::Ok).metrics.len(), 1);
}

#[test]
fn calls_mean_the_same_however_they_are_spelt() {
    let world = World::new();
    let check = |spellings: &[&[&str]]| {
        let meanings: Vec<Option<Call>> = spellings
            .iter()
            .map(|spelling| meaning(&world.state, &world.context, &ToolCall::of(spelling)))
            .collect();
        assert!(meanings[0].is_some(), "{spellings:?}");
        assert!(meanings.iter().all(|meaning| *meaning == meanings[0]), "{meanings:?}");
    };
    let granted = world.granted();
    let (bare, uri) = (granted.as_str(), granted.uri());
    check(&[
        &["relation-list", "-r", "1", "--format=json"],
        &["relation-list", "--format=json", "-r", "db:1"],
        &["/tools/relation-list", "--relation=1"],
    ]);
    check(&[
        &["relation-get", "-r", "1", "-", "pg/0", "--format=json"],
        &["relation-get", "--format=json", "-r", "db:1", "-", "pg/0"],
    ]);
    check(&[
        &["status-set", "--application=False", "active", "a b"],
        &["status-set", "--application=false", "active", "--", "a b"],
    ]);
    check(&[
        &["secret-get", &uri, "--label", "x", "--refresh", "--format=json"],
        &["secret-get", "--format=json", bare, "--label", "x", "--refresh"],
    ]);
    check(&[
        &["secret-set", bare, "--label", "x", "--expire", "2030-01-01T00:00:00+00:00"],
        &["secret-set", "--label", "x", "--expire", "2030-01-01T00:00:00Z", "--owner", "application", bare],
    ]);
    check(&[&["secret-grant", bare, "--relation", "1"], &["secret-grant", "--relation", "db:1", bare]]);
    check(&[&["open-port", "80"], &["open-port", "80/TCP"], &["open-port", "--endpoints", "", "80-80/tcp"]]);
    check(&[&["action-log", "a b"], &["action-log", "--", "a b"]]);
}

#[test]
fn every_tool_has_a_manual() {
    let mut world = World::new();
    let juju = world.state.juju.clone();
    for tool in Tool::all().filter(|tool| tool.exists_in(&juju)) {
        let reply = world.run(&format!("{} --help", tool.name()));
        let text = String::from_utf8(reply.stdout).unwrap();
        assert_eq!(reply.code, 0, "{text}");
        assert!(text.starts_with(&format!("Usage: {}", tool.name())), "{text}");
    }
}
