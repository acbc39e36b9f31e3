//! What is kept of a hook: all of it at the end, some of it at once, none of it otherwise.

use charmproof_lifecycle::vocabulary::{Outcome, Platform};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::world::{World, texts};
use crate::state::{Reboot, SecretChange, State};
use crate::tools::ToolCall;

/// A call that Juju keeps back until the hook has ended.
fn a_kept_back_call() -> impl Strategy<Value = Vec<String>> {
    let key = "[a-c]";
    let value = "[x-z]{0,2}";
    prop_oneof![
        (key, value).prop_map(|(key, value)| format!("relation-set -r 1 {key}={value}")),
        (key, value).prop_map(|(key, value)| format!("relation-set -r 2 --app {key}={value}")),
        (80_u16..84).prop_map(|port| format!("open-port {port}")),
        (80_u16..84).prop_map(|port| format!("close-port {port}")),
        (key, "[x-z]{1,2}").prop_map(|(key, value)| format!("state-set {key}={value}")),
        key.prop_map(|key| format!("state-delete {key}")),
        Just("storage-add data=1".to_owned()),
        "[x-z]{1,2}".prop_map(|value| format!("secret-set OWN key={value}")),
        Just("secret-set OWN --label other --rotate daily".to_owned()),
        Just("secret-grant OWN -r 1".to_owned()),
        Just("secret-revoke OWN --app pg".to_owned()),
        Just("secret-remove OWN".to_owned()),
        Just("juju-reboot".to_owned()),
    ]
    .prop_map(|line| line.split(' ').map(str::to_owned).collect())
}

/// A world with a secret of the application, which the hook before has made.
fn with_a_secret() -> (World, String) {
    let mut world = World::new();
    let uri = String::from_utf8(world.run("secret-add --label own key=one").stdout).unwrap();
    world.finish(Outcome::Ok);
    world.begin("config-changed", "");
    (world, uri.trim_end().to_owned())
}

fn run(world: &mut World, words: &[String], secret: &str) {
    let words: Vec<&str> =
        words.iter().map(|word| if word == "OWN" { secret } else { word.as_str() }).collect();
    world.call(&ToolCall::of(&words));
}

/// The state without what a failed hook leaves in any case: that it failed.
fn without_failure(state: &State) -> State {
    let mut state = state.clone();
    for unit in state.units.values_mut() {
        (unit.failure, unit.failed_since) = (None, None);
    }
    state
}

proptest! {
    #[test]
    fn nothing_is_changed_before_the_end(calls in proptest::collection::vec(a_kept_back_call(), 0..12)) {
        let (mut world, secret) = with_a_secret();
        let before = world.state.clone();
        for call in &calls {
            run(&mut world, call, &secret);
            prop_assert_eq!(&world.state, &before);
        }
    }

    #[test]
    fn a_hook_that_fails_leaves_the_state_as_it_was(
        calls in proptest::collection::vec(a_kept_back_call(), 0..12),
        outcome in proptest::sample::select(vec![Outcome::Failed, Outcome::Terminated]),
    ) {
        let (mut world, secret) = with_a_secret();
        let before = world.state.clone();
        for call in &calls {
            run(&mut world, call, &secret);
        }
        let effects = world.finish(outcome);
        prop_assert_eq!(without_failure(&world.state), before);
        prop_assert!(!effects.is_committed);
        prop_assert_eq!(effects.reboot, None);
        prop_assert!(effects.relation_changes.is_empty() && effects.ports.is_empty());
        prop_assert!(effects.secrets.is_empty() && effects.storage_additions.is_empty());
    }

    /// Whatever hooks have left, the state can be written down, and read, and goes on as before.
    #[test]
    fn a_state_that_is_read_again_is_the_same(
        hooks in proptest::collection::vec(proptest::collection::vec(a_kept_back_call(), 0..6), 0..4),
        last in proptest::collection::vec(a_kept_back_call(), 0..6),
        is_on_kubernetes: bool,
    ) {
        let (mut world, secret) = with_a_secret();
        if is_on_kubernetes {
            world.state.juju.platform = Platform::Kubernetes;
        }
        for calls in &hooks {
            world.begin("update-status", "");
            for call in calls {
                run(&mut world, call, &secret);
            }
            world.finish(Outcome::Ok);
        }
        let mut again = world.clone();
        again.state = serde_json::from_str(&serde_json::to_string(&world.state).unwrap()).unwrap();
        prop_assert_eq!(&again.state, &world.state);
        let [effects, again_effects] = [&mut world, &mut again].map(|world| {
            world.begin("update-status", "");
            for call in &last {
                run(world, call, &secret);
            }
            world.run("secret-add key=value");
            world.run("status-set active ready");
            world.finish(Outcome::Ok)
        });
        prop_assert_eq!((effects, world.state), (again_effects, again.state));
    }

    /// The same hook again writes what is there already.
    #[test]
    fn the_same_writes_again_change_nothing(
        calls in proptest::collection::vec(("[a-c]", "[x-z]{0,2}", 1_u32..3), 1..8),
    ) {
        let mut world = World::new();
        for is_second in [false, true] {
            for (key, value, relation) in &calls {
                world.run(&format!("relation-set -r {relation} {key}={value}"));
            }
            let effects = world.finish(Outcome::Ok);
            prop_assert!(!is_second || effects.relation_changes.is_empty());
            world.begin("update-status", "");
        }
    }

    /// What is told of relations is what differs, key by key.
    #[test]
    fn what_is_told_of_relations_is_what_differs(
        before in proptest::collection::btree_map("[a-c]", "[x-z]", 0..3),
        writes in proptest::collection::vec(("[a-c]", "[x-z]{0,1}"), 0..6),
    ) {
        let mut world = World::new();
        world.state.write_unit_data(1, "web/0", &before).unwrap();
        let old = world.state.relations[&1].unit_data["web/0"].clone();
        for (key, value) in &writes {
            world.run(&format!("relation-set -r 1 {key}={value}"));
        }
        let effects = world.finish(Outcome::Ok);
        let new = &world.state.relations[&1].unit_data["web/0"];
        let mut told = old.clone();
        for (key, value) in effects.relation_changes.iter().flat_map(|change| &change.keys) {
            prop_assert_ne!(old.get(key), value.as_ref());
            match value {
                Some(value) => told.insert(key.clone(), value.clone()),
                None => told.remove(key),
            };
        }
        prop_assert_eq!(&told, new);
    }
}

#[test]
fn others_see_only_what_was_committed() {
    let mut world = World::new();
    world.run("relation-set -r 2 step=one");
    let mut other = world.clone();
    other.begin_at("web/1", "peers-relation-changed", "peers:2 web/0");
    other.prints("relation-get --format=json step", "null\n");
    world.run("relation-set -r 2 step=two");
    let effects = world.finish(Outcome::Ok);
    assert_eq!(effects.relation_changes.len(), 1);
    world.begin_at("web/1", "peers-relation-changed", "peers:2 web/0");
    world.prints("relation-get step", "two\n");
}

#[test]
fn some_things_take_effect_at_once() {
    let mut world = World::new();
    world.run("status-set blocked no");
    world.run("application-version-set 1.2");
    world.run("leader-set a=1");
    world.run("juju-log text");
    let granted = world.granted();
    let latest = world
        .state
        .revise_secret(
            &granted,
            crate::state::SecretUpdate { content: Some(texts(&[("password", "new")])), ..Default::default() },
        )
        .unwrap();
    world.prints(&format!("secret-get --refresh {granted}"), "password: new\n");
    let effects = world.finish(Outcome::Failed);
    let unit = &world.state.units["web/0"];
    assert_eq!((unit.status.message.as_str(), unit.workload_version.as_str()), ("no", "1.2"));
    assert_eq!(unit.failure.as_deref(), Some("hook failed: \"config-changed\""));
    assert_eq!(world.state.applications["web"].leader_settings, texts(&[("a", "1")]));
    assert_eq!(world.state.secrets[&granted].consumers["web/0"].revision, latest);
    assert_eq!(effects.secrets[0].change, SecretChange::Tracked { revision: latest });
    assert_eq!((effects.log.len(), effects.statuses.len()), (1, 1));
    world.begin("config-changed", "");
    assert_eq!(world.state.units["web/0"].failure, None);
}

#[test]
fn the_id_of_a_secret_is_never_given_out_again() {
    let mut world = World::new();
    let lost = world.run("secret-add key=one").stdout;
    world.finish(Outcome::Failed);
    world.begin("config-changed", "");
    let line = format!("secret-get {}", String::from_utf8(lost.clone()).unwrap().trim());
    assert_eq!(world.run(&line).code, 1);
    assert_ne!(world.run("secret-add key=one").stdout, lost);
}

#[test]
fn a_new_revision_is_read_when_that_is_asked_for() {
    let (mut world, secret) = with_a_secret();
    world.prints(&format!("secret-get {secret}"), "key: one\n");
    world.prints(&format!("secret-set {secret} key=two"), "");
    world.prints(&format!("secret-get {secret}"), "key: one\n");
    world.prints(&format!("secret-get --peek {secret}"), "key: two\n");
    world.finish(Outcome::Ok);
    world.begin("update-status", "");
    world.prints(&format!("secret-get {secret}"), "key: one\n");
    world.prints(&format!("secret-set {secret} key=three"), "");
    world.prints(&format!("secret-get --refresh {secret}"), "key: three\n");
    let mut failed = world.clone();
    failed.finish(Outcome::Failed);
    failed.begin("update-status", "");
    failed.prints(&format!("secret-get {secret}"), "key: one\n");
    world.finish(Outcome::Ok);
    world.begin("update-status", "");
    world.prints(&format!("secret-get {secret}"), "key: three\n");
    // Since 3.6 the same content makes no revision.
    world.prints(&format!("secret-set {secret} --label own key=three"), "");
    assert_eq!(world.finish(Outcome::Ok).secrets, []);
}

#[test]
fn a_reboot_at_once_leaves_nothing_and_is_no_failure() {
    let mut world = World::new();
    world.run("open-port 80");
    world.run("juju-reboot --now");
    assert_eq!(world.context.reboot(), Some(Reboot::Now));
    let effects = world.finish(Outcome::Ok);
    assert_eq!((effects.reboot, effects.is_committed), (Some(Reboot::Now), false));
    let unit = &world.state.units["web/0"];
    assert!(unit.ports.is_empty() && unit.failure.is_none());
}

#[test]
fn the_agent_sets_statuses_of_its_own() {
    let mut world = World::new();
    let mut check = |hook: &str, at_first: &str, at_last: &str| {
        world.begin(hook, "");
        let first = world.state.units["web/0"].status.message.clone();
        world.finish(Outcome::Ok);
        let last = world.state.units["web/0"].status.kind.name();
        assert_eq!((first.as_str(), last), (at_first, at_last), "{hook}");
    };
    check("install", "installing charm software", "maintenance");
    check("start", "installing charm software", "unknown");
    check("stop", "stopping charm software", "maintenance");
    check("remove", "cleaning up prior to charm deletion", "terminated");
}

#[test]
fn a_status_that_is_said_again_is_as_old_as_it_was() {
    let mut world = World::new();
    let mut since = |minutes: i64, call: &str, outcome: Outcome| {
        world.state.advance_clock(SignedDuration::from_mins(minutes));
        world.begin("update-status", "");
        world.run(call);
        world.finish(outcome);
        let shown = world.state.units["web/0"].shown_status();
        minutes - (world.state.now.as_second() - shown.since.as_second()) / 60
    };
    assert_eq!(since(1, "status-set active fine", Outcome::Ok), 1);
    assert_eq!(since(2, "status-set active fine", Outcome::Ok), 0);
    assert_eq!(since(4, "status-set active better", Outcome::Ok), 4);
    // An error is one since the hook failed, whatever the charm had said before.
    assert_eq!(since(8, "status-set active better", Outcome::Failed), 8);
    assert_eq!(since(16, "status-set active better", Outcome::Ok), -8);
}

#[test]
fn a_new_address_is_told_with_the_configuration() {
    let mut world = World::new();
    world.state.set_address("web/0", "10.1.9.9").unwrap();
    world.begin("update-status", "");
    assert_eq!(world.finish(Outcome::Ok).relation_changes, []);
    world.begin("config-changed", "");
    assert_eq!(world.finish(Outcome::Ok).relation_changes.len(), 2);
    assert_eq!(world.state.relations[&1].unit_data["web/0"]["ingress-address"], "10.1.9.9");
}

#[test]
fn older_jujus_do_not_tell_of_ports_before_the_end() {
    let mut world = World::on(charmproof_lifecycle::vocabulary::JujuVersion::V2_9, Platform::Machine);
    world.run("open-port 80");
    world.prints("opened-ports", "");
    world.finish(Outcome::Ok);
    world.begin("update-status", "");
    world.prints("opened-ports", "80/tcp\n");
}

#[test]
fn an_action_says_when_it_said_something() {
    let mut world = World::new();
    world.begin_action(&serde_json::json!({}));
    let began = world.state.now;
    world.run("action-log first");
    world.state.set_clock(began.checked_add(jiff::SignedDuration::from_millis(2_700)).unwrap());
    world.run("action-log second");
    world.run("action-set done=half");
    let later = began.checked_add(jiff::SignedDuration::from_secs(2)).unwrap();
    let outcome = world.context.action().unwrap().outcome.clone();
    assert_eq!((outcome.log, outcome.log_times), (vec!["first".into(), "second".into()], vec![began, later]));
    // What it has said so far counts whatever becomes of it.
    assert_eq!(world.finish(Outcome::Failed).action.unwrap().results["done"], "half");
}

#[test]
fn units_of_one_machine_do_not_share_ports() {
    let mut world = World::new();
    world.run("open-port 80");
    world.run("open-port 9000-9010/udp");
    world.finish(Outcome::Ok);
    world.begin_at("web/1", "config-changed", "");
    // Another machine has ports of its own.
    world.run("open-port 80");
    let address = world.state.units["web/0"].private_address.clone();
    world.state.units.get_mut("web/1").unwrap().private_address = address;
    let conflict = |verb: &str, ports: &str, with: &str| {
        format!("cannot {verb} {ports} (unit \"web/1\"): port range conflicts with {with} (unit \"web/0\")")
    };
    for verb in ["open", "close"] {
        let udp = "9005-9020/udp";
        world.refuses(&format!("{verb}-port 80/tcp"), 1, &conflict(verb, "80/tcp", "80/tcp"));
        world.refuses(&format!("{verb}-port {udp}"), 1, &conflict(verb, udp, "9000-9010/udp"));
    }
    world.run("open-port 80/udp");
    world.run("close-port 80/udp");
    world.run("close-port 443");
}

#[test]
fn ranges_of_one_unit_do_not_overlap() {
    let mut world = World::new();
    let conflict = |verb: &str, ports: &str, with: &str| {
        format!("cannot {verb} {ports} (unit \"web/0\"): port range conflicts with {with}")
    };
    world.run("open-port 8000-8010");
    let earlier = "8000-8010/tcp (unit \"web/0\") requested earlier";
    world.refuses("open-port 8005", 1, &conflict("open", "8005/tcp", earlier));
    world.run("open-port 8000-8010 --endpoints db");
    // Nothing is open yet, and so this has nothing to close.
    world.run("close-port 8005-8006");
    world.run("close-port 8005");
    world.finish(Outcome::Ok);
    world.begin("update-status", "");
    let open = "8000-8010/tcp (unit \"web/0\")";
    for verb in ["open", "close"] {
        world.refuses(&format!("{verb}-port 8005"), 1, &conflict(verb, "8005/tcp", open));
    }
    // What is closed is open until the hook has ended.
    world.run("open-port 8000-8010");
    world.run("close-port 8000-8010");
    world.refuses("open-port 8005", 1, &conflict("open", "8005/tcp", open));
    world.run("close-port 9000-9010");
    let earlier = "9000-9010/tcp (unit \"web/0\") requested earlier";
    world.refuses("close-port 9005", 1, &conflict("close", "9005/tcp", earlier));
    world.run("open-port 9005");
    world.prints("opened-ports --endpoints", "8000-8010/tcp (db)\n9005/tcp (*)\n");
}

#[test]
fn open_ports_are_listed_once_each_by_protocol_and_number() {
    let mut world = World::new();
    for ports in ["9000-9010/udp", "443", "80", "80 --endpoints db", "icmp", "8080/udp"] {
        world.run(&format!("open-port {ports}"));
    }
    world.finish(Outcome::Ok);
    let expected = ["icmp", "80/tcp", "443/tcp", "8080/udp", "9000-9010/udp"];
    assert_eq!(world.state.units["web/0"].opened_ports(), expected);
}

#[test]
fn an_action_leaves_a_unit_in_error_as_it_was() {
    let mut world = World::new();
    world.finish(Outcome::Failed);
    let failure = world.state.units["web/0"].failure.clone();
    assert!(failure.is_some());
    for outcome in [Outcome::Ok, Outcome::Failed] {
        world.begin_action(&serde_json::json!({}));
        world.finish(outcome);
        assert_eq!(world.state.units["web/0"].failure, failure);
    }
}

#[test]
fn commands_see_what_a_hook_sees_and_are_none() {
    use crate::state::HookContext;
    let mut world = World::new();
    world.finish(Outcome::Failed);
    let before = world.state.units["web/0"].clone();
    world.context = HookContext::for_commands(&world.state, "web/0", Some(1), None, false).unwrap();
    world.prints("relation-get host", "10.9.8.7\n");
    world.prints("relation-ids", "db:1\n");
    world.refuses("action-get", 1, "not running an action");
    world.run("relation-set seen=yes");
    world.run("open-port 80");
    let effects = world.finish(Outcome::Ok);
    assert_eq!(effects.relation_changes.len(), 1);
    let mut unit = world.state.units["web/0"].clone();
    assert_eq!(unit.opened_ports(), ["80/tcp"]);
    unit.ports.clear();
    assert_eq!(unit, before, "the unit is in error as before, and has met nobody");
    world.context = HookContext::for_commands(&world.state, "web/0", None, None, false).unwrap();
    world.refuses("relation-get host", 2, "no relation id specified");
    world.finish(Outcome::Failed);
    assert_eq!(world.state.units["web/0"].failure, before.failure);
}

#[test]
fn commands_are_about_a_unit_that_is_there() {
    use crate::state::HookContext;
    let mut world = World::new();
    let check = |world: &World, relation, remote: Option<&str>, is_forced, expected: Result<&str, &str>| {
        let remote = remote.map(charmproof_lifecycle::vocabulary::Name::from);
        let context = HookContext::for_commands(&world.state, "web/0", relation, remote.as_ref(), is_forced);
        let told = context.map(|context| context.hook().to_string()).map_err(|error| error.to_string());
        assert_eq!(told.as_deref().map_err(String::as_str), expected);
    };
    check(&world, Some(1), None, false, Ok("db-relation-changed (db:1) of pg/0"));
    check(&world, Some(1), Some("pg/0"), false, Ok("db-relation-changed (db:1) of pg/0"));
    check(&world, Some(1), Some("pg/7"), true, Ok("db-relation-changed (db:1) of pg/7"));
    check(&world, Some(1), Some("pg/7"), false, Err("unknown remote unit pg/7; possibilities are [pg/0]"));
    check(&world, Some(9), None, false, Err("unknown relation id: 9"));
    check(&world, None, Some("pg/0"), false, Err("remote unit provided without a relation: pg/0"));
    world.state.count_as_done("web/0", &super::world::hook("db-relation-joined", "db:1 pg/1"));
    check(&world, Some(1), None, false, Err("ambiguous remote unit; possibilities are [pg/0 pg/1]"));
    for unit in ["pg/0", "pg/1"] {
        world
            .state
            .count_as_done("web/0", &super::world::hook("db-relation-departed", &format!("db:1 {unit}")));
    }
    check(&world, Some(1), None, false, Err("cannot infer remote unit in empty relation 1"));
}
