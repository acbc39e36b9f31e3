//! What tools refuse, with Juju's words and exit codes.

use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
use proptest::prelude::*;

use super::world::World;
use crate::tools::{Tool, ToolCall};

fn check(table: &[(&str, i32, &str)]) {
    let mut world = World::new();
    for (line, code, expected) in table {
        world.refuses(line, *code, expected);
    }
}

#[test]
fn arguments_that_are_wrong() {
    check(&[
        ("relation-list -r 9", 2, "invalid value \"9\" for option -r: relation not found"),
        ("relation-list -r db:9", 2, "invalid value \"db:9\" for option -r: relation not found"),
        ("relation-list -r peers:1", 2, "invalid value \"peers:1\" for option -r: relation not found"),
        ("relation-get -r x - pg/0", 2, "invalid value \"x\" for option -r: invalid relation id"),
        ("relation-list", 2, "no relation id specified"),
        ("relation-get -r 1 - pg", 2, "expected unit name, got application name \"pg\""),
        ("relation-get -r 1", 2, "no unit or application specified"),
        ("relation-set -r 1 novalue", 2, "expected \"key=value\", got \"novalue\""),
        ("relation-ids", 2, "no endpoint name specified"),
        ("config-get one two", 2, "unrecognized args: [\"two\"]"),
        ("config-get --all name", 2, "cannot use argument --all together with key \"name\""),
        ("config-get --format=xml", 2, "invalid value \"xml\" for option --format: unknown format \"xml\""),
        (
            "goal-state --format=smart",
            2,
            "invalid value \"smart\" for option --format: unknown format \"smart\"",
        ),
        ("config-get --nothing", 2, "option provided but not defined: --nothing"),
        ("status-set", 2, "invalid args, require <status> [message]"),
        (
            "status-set error",
            2,
            "invalid status \"error\", expected one of [maintenance blocked waiting active]",
        ),
        ("storage-get", 2, "no storage instance specified"),
        ("storage-get -s data/9", 2, "invalid value \"data/9\" for option -s: storage not found"),
        ("storage-get -s data", 2, "invalid value \"data\" for option -s: invalid storage ID"),
        ("storage-add", 2, "storage add requires a storage directive"),
        ("secret-add", 2, "missing secret value or filename"),
        ("secret-add ab=x", 2, "key \"ab\" not valid"),
        ("secret-add --owner nobody key=x", 2, "secret owner \"nobody\" not valid"),
        ("secret-add --rotate often key=x", 2, "rotate policy \"often\" not valid"),
        ("secret-get", 2, "require either a secret URI or label"),
        ("secret-get x", 2, "secret URI \"x\" not valid"),
        ("secret-get --label x --peek --refresh", 2, "specify one of --peek or --refresh but not both"),
        ("secret-remove", 2, "missing secret URI"),
        ("juju-log", 2, "no message specified"),
        (
            "action-set Key=1",
            2,
            "key \"Key\" must start and end with lowercase alphanumeric, and contain only \
          lowercase alphanumeric, hyphens and periods",
        ),
        ("action-set stdout=1", 2, "cannot set reserved action key \"stdout\""),
        ("network-get", 2, "no arguments specified"),
        ("unit-get name", 2, "unknown setting \"name\""),
    ]);
}

#[test]
fn what_cannot_be_done() {
    check(&[
        ("relation-get -r 1 - other/0", 1, "permission denied"),
        ("relation-get -r 1 --app - other", 1, "permission denied"),
        ("relation-get -r 1 - web/1", 1, "permission denied"),
        (
            "relation-get -r 1 - pg/7",
            1,
            "cannot read settings for unit \"pg/7\" in relation \"web:db pg:clients\": settings not found",
        ),
        ("relation-set -r 1 --file /nowhere", 1, "open /nowhere: no such file or directory"),
        ("network-get nothing", 1, "no network config found for binding \"nothing\""),
        ("storage-add logs", 1, "charm storage \"logs\" not found, expected one of [\"data\"]"),
        ("secret-get secret:d5at4l0ui3e8a215n4g0", 1, "secret \"d5at4l0ui3e8a215n4g0\" not found"),
        ("secret-info-get --label x", 1, "secret \"x\" not found"),
        ("secret-get --label x", 1, "consumer label \"x\" not found"),
        ("action-get", 1, "not running an action"),
        ("add-metric users=3", 1, "cannot record metric: metrics not allowed in this context"),
        ("credential-get", 1, "cannot access cloud credentials: permission denied"),
        ("payload-register docker nothing x", 1, "payload \"nothing\" not found in metadata.yaml"),
    ]);
    let mut world = World::on(JujuVersion::V3_4, Platform::Kubernetes);
    let expected = "port ranges are not supported for k8s applications, please specify a single port";
    world.refuses("open-port 8000-8010", 1, expected);
    world.refuses("close-port 8000-8010/udp", 1, expected);
    world.run("open-port 8000-8000");
    let expected = "cannot access cloud credentials: credential-get on a \"caas\" model not supported";
    world.refuses("credential-get", 1, expected);
}

#[test]
fn what_only_the_leader_does() {
    let mut world = World::new();
    let made = String::from_utf8(world.run("secret-add key=x").stdout).unwrap();
    world.finish(charmproof_lifecycle::vocabulary::Outcome::Ok);
    world.begin_at("web/1", "config-changed", "");
    world.refuses("relation-set -r 1 --app a=1", 1, "cannot write relation settings");
    world.refuses("relation-get -r 1 --app - web", 1, "permission denied");
    world.refuses("status-get --application", 1, "finding application status: this unit is not the leader");
    world.refuses("secret-add key=x", 1, "this unit is not the leader");
    for line in
        ["secret-set ID key=y", "secret-remove ID", "secret-grant -r 1 ID", "secret-revoke --app pg ID"]
    {
        world.refuses(&line.replace("ID", made.trim()), 1, "this unit is not the leader");
    }
    world.prints(&format!("secret-get {}", made.trim()), "key: x\n");
    world.refuses(
        "leader-set a=1",
        1,
        "cannot write leadership settings: cannot write settings: not the leader",
    );
}

#[test]
fn hooks_that_may_do_little() {
    let mut world = World::new();
    world.begin("collect-metrics", "");
    let restricted = "not implemented for restricted context not implemented";
    for line in
        ["config-get", "is-leader", "relation-ids db", "status-set --application active", "open-port 80"]
    {
        world.refuses(line, 1, restricted);
    }
    world.prints("juju-log text", "");
    world.prints("status-set active", "");
    world.prints("status-get", "unknown\n");
}

#[test]
fn tools_that_are_not_there() {
    let check = |line: JujuVersion, command: &str| {
        let mut world = World::on(line, Platform::Machine);
        let reply = world.run(command);
        assert_eq!(reply.code, 127, "{command}");
        assert_eq!(String::from_utf8(reply.stderr).unwrap(), format!("{command}: command not found\n"));
    };
    check(JujuVersion::V4_0, "leader-get");
    check(JujuVersion::V4_0, "k8s-raw-set");
    check(JujuVersion::V2_9, "secret-ids");
    check(JujuVersion::V3_6, "no-such-tool");
    check(JujuVersion::V3_6, "");
}

proptest! {
    /// Whatever a charm calls is answered.
    #[test]
    fn any_call_is_answered(
        tool in proptest::sample::select(Tool::all().collect::<Vec<_>>()),
        rest in proptest::collection::vec(
            "[-a-z0-9=/:.#]{0,10}|--file|-r|1|db:1|pg/0|key=[a-z]{0,3}|.{0,6}", 0..5),
        stdin in ".{0,20}",
        hook in proptest::sample::select(vec!["config-changed", "collect-metrics", "actions/backup", "stop"]),
    ) {
        let mut world = World::new();
        world.begin(hook, "");
        let words: Vec<&str> = std::iter::once(tool.name()).chain(rest.iter().map(String::as_str)).collect();
        let call = ToolCall { stdin: Some(stdin.into_bytes()), ..ToolCall::of(&words) };
        let reply = world.call(&call);
        prop_assert_eq!(reply.code == 0, world.context.effects().misuses.is_empty());
        if reply.code != 0 {
            prop_assert!(reply.stdout.is_empty());
            prop_assert!(reply.stderr.starts_with(b"ERROR "));
        }
    }
}
