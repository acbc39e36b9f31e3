//! What a unit finds in its own machine or pod: who it is, `juju-exec`, files of resources, Pebble.

use super::{LIMIT, Local, On, wait_for};

#[test]
fn commands_run_in_the_context_of_a_unit_from_its_machine() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    // As on a machine of a cloud, only root may talk to the agent.
    let ssh = |command: &str| local.juju(&["ssh", "tiny/0", &format!("sudo {command}")]);
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
fn the_program_pebble_does_in_a_container_what_it_does_in_one_of_kubernetes() {
    let local = Local::bare();
    let layer = "[web]\nsummary = \"the host\"\n[web.pebble_layer]\nname = \"web\"\nservices.web = { override = \
                 \"replace\", command = \"sh -c 'echo up; exec sleep 1000'\", startup = \"enabled\" }\n";
    local.env.file("../config/charmproof/images.toml", layer);
    local.juju(&["add-model", "m", On::Kubernetes.cloud()]).success();
    let metadata = "name: pods\nsummary: s\ndescription: d\ncontainers:\n  web: {resource: web-image}\nresources:\n  \
                    web-image: {type: oci-image}\n";
    let dispatch =
        "#!/bin/bash\ncase $JUJU_DISPATCH_PATH in hooks/web-pebble-ready) status-set active ready ;; esac\n";
    local.write_charm("pods", metadata, "{}\n", dispatch);
    local.juju(&["deploy", "./pods", "--resource", "web-image=recipe:web"]).success();
    local.settle("pods/0", "active", "ready");
    let redactor = local.redactor().pattern(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z", "<when>");
    let mut said = String::new();
    for command in [
        "replan",
        "logs -n all",
        "logs --format json web",
        "logs --format xml",
        "exec -w /srv --env A='b c' -- sh -c 'pwd; echo $A; echo aside >&2; exit 7'",
        "exec -- sh -c 'echo one; echo two >&2; echo three' 2>&1",
        "exec -z ls",
        "exec nothing-of-the-kind",
        "exec --timeout 100ms sleep 10",
        "mkdir /srv/some/folder",
        "mkdir -p -m 750 /srv/some/folder",
        "push -p -m 640 /etc/hostname /srv/some/folder/deep/name",
        "push /nowhere /srv/name",
        "ls /srv/some/folder",
        "ls -l --abs-time '/srv/some/fold*'",
        "ls -d -l --abs-time /srv/some/folder/deep/name",
        "ls -ld --abs-time /srv/some/folder/deep/name",
        "ls '/s*/some'",
        "mkdir -pm 750 --uid nobody /srv/other",
        "pull /srv/some/folder/deep/name /tmp/name",
        "pull /srv/none /tmp/none",
        "rm /srv/some",
        "rm -r /srv/some",
        "ls /srv",
        "tasks 999",
        "enter",
    ] {
        let typed = format!("/charm/bin/pebble {command}; echo \"exit code: $?\"");
        let result = local.juju(&["ssh", "--container", "web", "pods/0", &typed]);
        said += &format!("$ pebble {command}\n{}\n", result.snapshot(&redactor));
    }
    insta::assert_snapshot!("pebble_program", said);
    let typed =
        "cmp /etc/hostname /tmp/name && ! ls /tmp/none 2>&1; seq 100000 | /charm/bin/pebble exec md5sum";
    let sum = local.juju(&["ssh", "--container", "web", "pods/0", typed]).success();
    assert!(sum.ends_with("dea9193b768319cbb4ff1a137ac03113  -\n"), "{sum}");
    // Somebody who follows hears what comes, and leaves.
    let typed =
        "(sleep 1; /charm/bin/pebble restart web) & timeout 5 /charm/bin/pebble logs -f -n 0 | head -n 1";
    let heard = local.juju(&["ssh", "--container", "web", "pods/0", typed]).success();
    assert!(heard.contains("[web] up"), "{heard}");
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
    // What looks like another query is a name as any other.
    assert_eq!(inside("/charm/bin/pebble services 'web&names=a b' 2>&1"), "No matching services.\n");
    assert_eq!(inside("/charm/bin/pebble notices --key 'a b#&users=all' 2>&1"), "No matching notices.\n");
    let recorded = inside("/charm/bin/pebble notify example.com/done size=7");
    let id = recorded.trim().strip_prefix("Recorded notice ").unwrap();
    local.settle("pods/0", "active", &format!("{id} custom example.com/done"));
    inside("touch /tmp/down");
    local.settle("pods/0", "active", "web up failed");
    assert!(inside("/charm/bin/pebble checks").contains("down"));
    inside("rm /tmp/down");
    local.settle("pods/0", "active", "web up recovered");
    wait_for("the check to be fine", LIMIT, || inside("/charm/bin/pebble health") == "healthy\n");
    // A container whose Pebble ends is started anew, and has what its image has. Nothing in the pod leads it
    // to files of the host.
    inside("touch /tmp/gone /srv/gone");
    let outside = local.env.root().join("outside");
    inside(&format!("ln -sf {outside} /charm/container/pebble.log"));
    let moved = local.juju(&["exec", "--unit", "pods/0", "mv /charm/containers/web /charm/containers/other"]);
    assert!(moved.to_string().contains("busy"), "{moved}");
    // What kills it may be ended with the container before it says that all went well.
    let _ = local.juju(&["ssh", "--container", "web", "pods/0", "pkill -9 -f [_]_pebble"]);
    local.settle("pods/0", "active", "ready");
    assert_eq!(inside("ls /srv /tmp"), "/srv:\n\n/tmp:\n");
    assert!(!outside.exists());
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

#[test]
fn another_image_comes_with_another_pod() {
    let local = Local::bare();
    let image = |name: &str, command: &str| {
        format!(
            "[{name}]\nsummary = \"the host\"\n[{name}.pebble_layer]\nname = \"{name}\"\nservices.web = {{ override = \
             \"replace\", command = \"{command}\", startup = \"enabled\" }}\n"
        )
    };
    let images = image("first", "sleep 1000") + &image("second", "sleep 2000");
    local.env.file("../config/charmproof/images.toml", &images);
    local.juju(&["add-model", "m", On::Kubernetes.cloud()]).success();
    let metadata = "name: pods\nsummary: s\ndescription: d\ncontainers:\n  web: {resource: web-image}\nresources:\n  \
                    web-image: {type: oci-image}\n";
    let dispatch = "#!/bin/bash\njuju-log \"1 ${JUJU_DISPATCH_PATH##*/}\"\ncase $JUJU_DISPATCH_PATH in\n    \
                    hooks/upgrade-charm) status-set maintenance upgrading ;;\n    hooks/web-pebble-ready) status-set \
                    active \"$(PEBBLE_SOCKET=/charm/containers/web/pebble.socket /charm/bin/pebble plan | grep -o 'sleep \
                    .*')\" ;;\nesac\n";
    local.write_charm("pods", metadata, "{}\n", dispatch);
    local.juju(&["deploy", "./pods", "--resource", "web-image=recipe:first"]).success();
    local.settle("pods/0", "active", "sleep 1000");
    let before = local.ran("pods/0").len();
    local.juju(&["attach-resource", "pods", "web-image=recipe:second"]).success();
    local.settle("pods/0", "active", "sleep 2000");
    let ran = local.ran("pods/0");
    assert_eq!(ran[before..], ["stop", "upgrade-charm", "config-changed", "start", "web-pebble-ready"]);
    // So does another container.
    let more = metadata.replace("containers:\n", "containers:\n  side: {resource: web-image}\n");
    local.write_charm("pods", &more, "{}\n", dispatch);
    local.juju(&["refresh", "pods", "--path", "./pods"]).success();
    wait_for("the other container", LIMIT, || local.ran("pods/0").contains(&"side-pebble-ready".to_owned()));
    local.settle("pods/0", "active", "sleep 2000");
    let ran = local.ran("pods/0");
    assert_eq!(ran.iter().filter(|hook| *hook == "upgrade-charm").count(), 2, "{ran:?}");
    // And so does another charm with the same images: what the one before has written is gone.
    local.juju(&["exec", "--unit", "pods/0", "echo kept > own"]).success();
    let before = local.ran("pods/0").len();
    local.write_charm("pods", &more, "{}\n", &format!("{dispatch}# Another one.\n"));
    local.juju(&["refresh", "pods", "--path", "./pods"]).success();
    wait_for("the other charm", LIMIT, || local.ran("pods/0").len() == before + 6);
    let ran = local.ran("pods/0");
    assert_eq!(ran[before..before + 4], ["stop", "upgrade-charm", "config-changed", "start"]);
    local.settle("pods/0", "active", "sleep 2000");
    local.juju(&["exec", "--unit", "pods/0", "test ! -e own"]).success();
    local.end();
}
