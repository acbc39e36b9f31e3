//! What a unit finds in its own machine or pod: who it is, `juju-exec`, files of resources, Pebble.

use super::{LIMIT, Local, On, wait_for};

#[test]
fn commands_run_in_the_context_of_a_unit_from_its_machine() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let ssh = |command: &str| local.juju(&["ssh", "tiny/0", command]);
    let out = ssh("juju-exec tiny/0 'echo $JUJU_UNIT_NAME; config-get colour; pwd; echo err >&2; exit 3'");
    assert_eq!(out.code, Some(3), "{out}");
    assert_eq!(out.stdout, "tiny/0\nred\n/var/lib/juju/agents/unit-tiny-0/charm\n");
    assert!(out.stderr.starts_with("err\n"), "{out}");
    // What it has written counts, whatever it returned; so it does for `exec`.
    let kept = ssh("juju-exec -u tiny/0 -- 'status-set active inside; open-port 80; exit 1'");
    assert_eq!(kept.code, Some(1), "{kept}");
    local.settle("tiny/0", "active", "inside");
    assert_eq!(local.unit("tiny/0")["open-ports"], serde_json::json!(["80/tcp"]));
    let kept = local.juju(&["exec", "--unit", "tiny/0", "open-port 81; state-set a=b; exit 1"]);
    assert_eq!(kept.code, Some(1), "{kept}");
    let ports = local.juju(&["exec", "--unit", "tiny/0", "opened-ports; state-get a"]).success();
    assert_eq!(ports, "80/tcp\n81/tcp\nb\n");
    // A hook runs as from outside.
    let ran = local.ran("tiny/0").len();
    ssh("juju-exec -u tiny/0 'JUJU_DISPATCH_PATH=hooks/update-status ./dispatch'").success();
    assert_eq!(local.ran("tiny/0").len(), ran + 1);
    for (command, expected) in [
        ("juju-exec tiny/9 true", "unit \"tiny/9\" not found on this machine"),
        ("juju-exec -r 7 tiny/0 true", "ERROR unknown relation id: 7"),
        ("juju-exec", "missing unit-name"),
    ] {
        let refused = ssh(command);
        assert!(refused.code != Some(0) && refused.stderr.contains(expected), "{command}: {refused}");
    }
    // None of it is an operation of the user: the next one has the next number.
    let last = local.json(&["exec", "--unit", "tiny/0", "true"]);
    assert_eq!(last["tiny/0"]["id"], "6");
    local.end();
}

#[test]
fn a_relation_is_what_commands_are_about() {
    let local = Local::new(On::Kubernetes);
    local.deploy("front");
    local.deploy("back");
    local.juju(&["integrate", "front:backend", "back:site"]).success();
    local.settle("front/0", "active", "sees http://back/0");
    let out = local.juju(&[
        "ssh",
        "front/0",
        "juju-exec -r 0 front/0 'echo $JUJU_RELATION $JUJU_RELATION_ID $JUJU_REMOTE_UNIT; relation-get url'",
    ]);
    assert_eq!(out.stdout, "backend backend:0 back/0\nhttp://back/0\n", "{out}");
    // Pods know their own full name, and each other's.
    let names = "hostname -f; getent hosts back-0.back-endpoints.m.svc.cluster.local | wc -l; python3 -c 'import \
                 socket; print(socket.getfqdn())'";
    let full = "front-0.front-endpoints.m.svc.cluster.local";
    let said = local.juju(&["exec", "--unit", "front/0", names]).success();
    assert_eq!(said, format!("{full}\n1\n{full}\n"));
    local.end();
}

#[test]
fn files_of_resources_have_the_names_that_the_charm_gives_them() {
    let local = Local::new(On::Machines);
    let metadata =
        "name: filed\nsummary: s\ndescription: d\nresources:\n  page: {type: file, filename: page.txt}\n";
    let dispatch = "#!/bin/bash\njuju-log \"1 ${JUJU_DISPATCH_PATH##*/}\"\ncase $JUJU_DISPATCH_PATH in hooks/config-changed|hooks/upgrade-charm)\n  \
                    status-set active \"$(cat \"$(resource-get page)\")\" ;; esac\n";
    local.write_charm("filed", metadata, "{}\n", dispatch);
    local.env.file("one.txt", "one");
    local.env.file("two.txt", "two");
    local.juju(&["deploy", "./filed", "--resource", "page=./one.txt"]).success();
    local.settle("filed/0", "active", "one");
    let path = local.juju(&["exec", "--unit", "filed/0", "resource-get page"]).success();
    assert_eq!(path, "/var/lib/juju/agents/unit-filed-0/resources/page/page.txt\n");
    // The unit's own copy is its own, and is another one when others are attached.
    local.juju(&["exec", "--unit", "filed/0", "echo mine > $(resource-get page)"]).success();
    local.juju(&["attach-resource", "filed", "page=./two.txt"]).success();
    local.settle("filed/0", "active", "two");
    local.end();
}

#[test]
fn a_workload_tells_its_charm_of_notices_and_checks() {
    let local = Local::bare();
    let layer = "[web]\nsummary = \"the host\"\n[web.pebble_layer]\nname = \"web\"\nservices.web = { override = \
                 \"replace\", command = \"sleep 1000\", startup = \"enabled\" }\nchecks.up = { override = \
                 \"replace\", period = \"100ms\", timeout = \"90ms\", threshold = 1, exec = { command = \"test ! -e \
                 /tmp/down\" } }\n";
    local.env.file("../config/charmproof/images.toml", layer);
    local.juju(&["add-model", "m", On::Kubernetes.cloud()]).success();
    let metadata = "name: pods\nsummary: s\ndescription: d\ncontainers:\n  web: {resource: web-image}\nresources:\n  \
                    web-image: {type: oci-image}\n";
    let dispatch = r#"#!/bin/bash
juju-log "1 ${JUJU_DISPATCH_PATH##*/}"
case $JUJU_DISPATCH_PATH in
    hooks/web-pebble-ready) status-set active ready ;;
    hooks/web-pebble-custom-notice) status-set active "$JUJU_NOTICE_ID $JUJU_NOTICE_TYPE $JUJU_NOTICE_KEY" ;;
    hooks/web-pebble-check-*) status-set active "$JUJU_WORKLOAD_NAME $JUJU_PEBBLE_CHECK_NAME ${JUJU_DISPATCH_PATH##*-}" ;;
esac
"#;
    local.write_charm("pods", metadata, "{}\n", dispatch);
    local.juju(&["deploy", "./pods", "--resource", "web-image=recipe:web"]).success();
    local.settle("pods/0", "active", "ready");
    let inside = |command: &str| local.juju(&["ssh", "--container", "web", "pods/0", command]).success();
    // The layers of the image are what the plan begins with.
    assert!(inside("/charm/bin/pebble plan").contains("command: sleep 1000"));
    inside("/charm/bin/pebble replan");
    assert!(inside("/charm/bin/pebble services").contains("web      enabled  active   today at"));
    let recorded = inside("/charm/bin/pebble notify example.com/done size=7");
    let id = recorded.trim().strip_prefix("Recorded notice ").unwrap();
    local.settle("pods/0", "active", &format!("{id} custom example.com/done"));
    inside("touch /tmp/down");
    local.settle("pods/0", "active", "web up failed");
    assert!(inside("/charm/bin/pebble checks").contains("down"));
    inside("rm /tmp/down");
    local.settle("pods/0", "active", "web up recovered");
    wait_for("the check to be fine", LIMIT, || inside("/charm/bin/pebble health") == "healthy\n");
    // A container whose Pebble ends is started anew, and has what its image has.
    inside("touch /tmp/gone /srv/gone");
    // What kills it may be ended with the container before it says that all went well.
    let _ = local.juju(&["ssh", "--container", "web", "pods/0", "pkill -9 -f [_]_pebble"]);
    local.settle("pods/0", "active", "ready");
    assert_eq!(inside("ls /srv /tmp"), "/srv:\n\n/tmp:\n");
    let ran = local.ran("pods/0");
    let told: Vec<&str> = ran.iter().map(String::as_str).filter(|hook| hook.contains("-pebble-")).collect();
    let expected = [
        "web-pebble-ready",
        "web-pebble-custom-notice",
        "web-pebble-check-failed",
        "web-pebble-check-recovered",
        "web-pebble-ready",
    ];
    assert_eq!(told, expected);
    local.end();
}
