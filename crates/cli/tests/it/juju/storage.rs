//! Storage: real folders that units have, and that outlive them; and the commands about it.

use super::{LIMIT, Local, On, wait_for};

const METADATA: &str = r"name: keeper
summary: s
description: d
storage:
  data:
    type: filesystem
    location: /srv/data
  logs:
    type: filesystem
    multiple: {range: 0-2}
    minimum-size: 100M
";

/// A charm that writes down where its storage is, and what it finds there.
const DISPATCH: &str = r#"#!/bin/bash
name=${JUJU_DISPATCH_PATH##*/}
juju-log "1 $name"
case $name in
    data-storage-attached)
        place=$(storage-get location)
        [ "$place" = "$JUJU_STORAGE_LOCATION" ] && mountpoint -q "$place" || exit 9
        [ -e "$place/first" ] || echo "$JUJU_UNIT_NAME" > "$place/first" ;;
    data-storage-detaching) echo "$JUJU_UNIT_NAME" > "$(storage-get location)/last" ;;
    start) status-set active ready ;;
    actions/more|more) storage-add logs=1 ;;
esac
exit 0
"#;

/// Writes the charm, and returns how commands call it.
fn keeper(local: &Local) -> &'static str {
    local.write_charm("keeper", METADATA, "more: {}\n", DISPATCH);
    "./keeper"
}

#[test]
fn storage_outlives_units_of_machines() {
    let local = Local::new(On::Machines);
    let charm = keeper(&local);
    let mut said = local.said(&["storage"]);
    said += &local.said(&["deploy", charm, "--storage", "data=lxd,2G", "--storage", "logs=rootfs,1G,2"]);
    local.settle("keeper/0", "active", "ready");
    said += &local.said(&["storage"]);
    said += &local.said(&["show-storage", "data/0"]);
    let seen = "cat /srv/data/first; ls -d /var/lib/juju/storage/logs/*; mountpoint /srv/data";
    said += &local.said(&["exec", "--unit", "keeper/0", seen]);
    // What a charm asks for that may have no more.
    said += &local.said(&["add-storage", "keeper/0", "logs"]);
    said += &local.said(&["add-storage", "keeper/9", "data", "logs"]);
    // It is there again after the machine was away.
    local.kill_supervisor();
    local.settle("keeper/0", "active", "ready");
    said += &local.said(&["exec", "--unit", "keeper/0", "cat /srv/data/first"]);

    said += &local.said(&["remove-storage", "data/0"]);
    said += &local.said(&["detach-storage", "data/0"]);
    wait_for("data/0 to be free", LIMIT, || {
        local.json(&["storage"])["storage"]["data/0"]["attachments"].is_null()
    });
    // What is called like its folder is no instance, and what is in that stays.
    said += &local.said(&["remove-storage", "data-0", ".", ".."]);
    said += &local.said(&["exec", "--unit", "keeper/0", "ls -A /srv/data"]);
    said += &local.said(&["add-unit", "keeper", "--attach-storage", "data/0"]);
    local.settle("keeper/1", "active", "ready");
    said += &local.said(&[
        "exec",
        "--unit",
        "keeper/1",
        "cat /srv/data/first /srv/data/last; ls /var/lib/juju/storage",
    ]);
    said += &local.said(&["status", "--storage"]);
    said += &local.said(&["remove-unit", "keeper/1", "--no-prompt"]);
    wait_for("keeper/1 to be gone", LIMIT, || local.unit("keeper/1").is_null());
    said += &local.said(&["attach-storage", "keeper/0", "data/0"]);
    local.settle("keeper/0", "active", "ready");
    said += &local.said(&["exec", "--unit", "keeper/0", "cat /srv/data/last"]);
    // What would be lost with the model has to be spoken of.
    said += &local.said(&["destroy-model", "m", "--no-prompt"]);
    said += &local.said(&["remove-unit", "keeper/0", "--no-prompt", "--destroy-storage"]);
    wait_for("keeper/0 to be gone", LIMIT, || local.unit("keeper/0").is_null());
    said += &local.said(&["storage", "--format", "json"]);
    insta::assert_snapshot!("juju_storage", said);
    local.end();
}

#[test]
fn pools_are_made_and_changed() {
    let local = Local::new(On::Machines);
    let charm = keeper(&local);
    let mut said = String::new();
    for words in [
        &["storage-pools"][..],
        &["create-storage-pool", "fast", "tmpfs", "size=1G"],
        &["create-storage-pool", "fast", "tmpfs"],
        &["create-storage-pool", "odd", "ebs"],
        &["update-storage-pool", "fast", "kind=quick"],
        &["update-storage-pool", "slow", "kind=quick"],
        &["storage-pools", "--name", "fast", "--format", "yaml"],
        &["storage-pools", "--provider", "tmpfs"],
        &["deploy", charm, "--storage", "data=slow"],
        &["deploy", charm, "--storage", "data=2"],
        &["deploy", charm, "--storage", "logs=10M"],
        &["deploy", charm, "--storage", "nothing=1"],
        &["deploy", charm, "--storage", "data=fast"],
        &["remove-storage-pool", "fast"],
        &["remove-storage-pool", "slow"],
        &["show-storage", "data/7"],
        &["detach-storage", "data/7"],
    ] {
        said += &local.said(words);
    }
    local.settle("keeper/0", "active", "ready");
    insta::assert_snapshot!("juju_pools", said);
    local.end();
}

#[test]
fn a_charm_asks_for_more_while_it_runs() {
    let local = Local::new(On::Machines);
    let charm = keeper(&local);
    local.juju(&["deploy", charm]).success();
    local.settle("keeper/0", "active", "ready");
    local.juju(&["run", "keeper/0", "more"]).success();
    wait_for("logs/1 to be there", LIMIT, || {
        local.json(&["storage"])["storage"]["logs/1"]["status"]["current"] == "attached"
    });
    let there =
        local.juju(&["exec", "--unit", "keeper/0", "storage-get -s logs/1 location; storage-list"]).success();
    assert_eq!(there, "/var/lib/juju/storage/logs/1\ndata/0\nlogs/1\n");
    // Without pools of its own, storage is part of its machine, and nobody has to speak of it.
    local.end();
}

#[test]
fn pods_and_their_containers_share_storage() {
    let local = Local::bare();
    local.env.file("../config/charmproof/images.toml", "[web]\nsummary = \"the host\"\n");
    local.juju(&["add-model", "m", On::Kubernetes.cloud()]).success();
    let metadata = "name: pods\nsummary: s\ndescription: d\nstorage:\n  data: {type: filesystem}\ncontainers:\n  \
                    web: {resource: web-image, mounts: [{storage: data, location: /data}]}\nresources:\n  web-image: \
                    {type: oci-image}\n";
    local.write_charm("pods", metadata, "{}\n", DISPATCH);
    local.juju(&["deploy", "./pods", "--resource", "web-image=recipe:web", "-n", "2"]).success();
    for unit in ["pods/0", "pods/1"] {
        local.settle(unit, "active", "ready");
        // Pods are all alike: each has its first one at the same place.
        let place = "/var/lib/juju/storage/data/0";
        let first = local.juju(&["exec", "--unit", unit, &format!("cat {place}/first")]).success();
        assert_eq!(first, format!("{unit}\n"));
        let words =
            ["ssh", "--container", "web", unit, "cat /data/first; echo web > /data/web; mountpoint /data"];
        assert_eq!(local.juju(&words).success(), format!("{unit}\n/data is a mountpoint\n"));
        assert_eq!(local.juju(&["exec", "--unit", unit, &format!("cat {place}/web")]).success(), "web\n");
    }
    local.kill_supervisor();
    local.settle("pods/0", "active", "ready");
    wait_for("the container to be there again", LIMIT, || {
        local.juju(&["ssh", "--container", "web", "pods/0", "cat /data/web"]).stdout == "web\n"
    });
    let said = local.said(&["detach-storage", "data/0"]) + &local.said(&["storage"]);
    insta::assert_snapshot!("juju_storage_kubernetes", said);
    let refused = local.juju(&["destroy-model", "m", "--no-prompt"]);
    assert!(refused.stderr.contains("2 filesystem(s)"), "{refused}");
    local.destroy(&["--destroy-storage"]);
}
