//! `charmproof crashdump` of real machines and pods.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use camino::Utf8Path;
use charmproof_testkit::wait_for;

use super::{LIMIT, Local, On, kill};

/// Returns what an archive holds: names to contents, and to where links lead.
fn read(archive: &Utf8Path) -> BTreeMap<String, String> {
    let output = std::process::Command::new("python3")
        .args([
            "-c",
            "import json, sys, tarfile\n\
             tar = tarfile.open(sys.argv[1])\n\
             print(json.dumps({m.name.split('/', 1)[1]: m.linkname or tar.extractfile(m).read().decode('utf-8', 'replace')\n\
             for m in tar if '/' in m.name}))",
            archive.as_str(),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_dump_of_machines_has_what_a_real_one_has() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["ssh", "tiny/0", "echo 'it works' | sudo tee /var/log/own.log"]).success();
    let folder = local.env.root().join("dumps");
    let result = local.env.charmproof(&["crashdump", "-o", folder.as_str(), "-u", "one"]);
    let path = result.success().trim().to_owned();
    assert_eq!(path, folder.join("juju-crashdump-one.tar.xz"));
    let dump = read(Utf8Path::new(&path));
    for (name, part) in [
        ("juju_status.yaml", "tiny/0:"),
        ("juju_status.txt", "tiny/0*"),
        ("debug_log.txt", "ran \"start\" hook"),
        ("model_config.yaml", "automatically-retry-hooks"),
        ("0/baremetal/var/log/own.log", "it works"),
        ("0/baremetal/var/lib/juju/agents/unit-tiny-0/charm/ran", "install"),
    ] {
        let text = dump.get(name).unwrap_or_else(|| panic!("no {name} in {:#?}", dump.keys()));
        assert!(text.contains(part), "{name}: {text}");
    }
    assert_eq!(dump.get("tiny_0").map(String::as_str), Some("0/baremetal"));

    // A name that is taken is refused, and what has it stays, as it does if there is nothing to dump.
    let before = fs_err::read(&path).unwrap();
    for model in ["m", "none"] {
        let again = ["crashdump", "-m", model, "-o", folder.as_str(), "-u", "one"];
        let refused = local.env.charmproof(&again).expect_code(3);
        assert_eq!(refused.stdout, "");
        assert!(fs_err::read(&path).unwrap() == before, "the first dump is another one\n{refused}");
    }

    // The name by which real hosts have it, and a smaller one.
    let result = local.juju(&["crashdump", "--small", "-c", "gz", "-o", folder.as_str(), "-x", "own.log"]);
    let dump = read(Utf8Path::new(result.success().trim()));
    assert!(dump.contains_key("juju_status.yaml"));
    assert!(!dump.keys().any(|name| name.contains("var/lib/juju") || name.ends_with("own.log")), "{dump:#?}");

    let refused = local.env.charmproof(&["crashdump", "-m", "none", "-o", folder.as_str()]).expect_code(3);
    assert!(refused.stderr.contains("none"), "{refused}");
    assert_eq!(folder.read_dir_utf8().unwrap().count(), 2, "a dump that failed left a file");
    local.end();
}

/// As Ctrl-C does: the signal goes to the whole group, so that the commands that are asked get it as well.
#[test]
fn a_dump_that_is_interrupted_says_so_and_leaves_no_archive() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let folder = local.env.root().join("dumps");
    let interrupted = |when: &str, is_there: &dyn Fn(u32) -> bool| {
        let mut command = local.env.command(&["crashdump", "-o", folder.as_str(), "-t", "600"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().unwrap();
        wait_for(when, LIMIT, || is_there(child.id()));
        let group = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{when}: {said}");
        assert_eq!((String::from_utf8_lossy(&output.stdout).as_ref(), said.as_str()), ("", ""), "{when}");
        let left = folder.read_dir_utf8().into_iter().flatten().flatten();
        assert_eq!(left.map(|entry| entry.path().to_owned()).collect::<Vec<_>>(), [] as [&str; 0], "{when}");
    };

    // While the first question waits for an answer: the supervisor stands still.
    let [supervisor] = local.supervisors().try_into().expect("there is one supervisor");
    kill(supervisor.id, "STOP");
    let asks = |id: u32| {
        let children = fs_err::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        !children.is_empty()
    };
    interrupted("the status is asked for", &asks);
    kill(supervisor.id, "CONT");

    // While a machine packs its files, which takes long.
    let slow = "sudo rm /usr/bin/find && printf '#!/bin/sh\ntouch /began; sleep 600\n' | sudo tee /usr/bin/find && \
                sudo chmod +x /usr/bin/find";
    local.juju(&["ssh", "tiny/0", slow]).success();
    let packs = |_: u32| local.juju(&["ssh", "tiny/0", "test -e /began"]).code == Some(0);
    interrupted("the machine packs", &packs);
    local.end();
}

#[test]
fn a_dump_of_pods_has_a_folder_for_each_container() {
    let local = Local::new(On::Kubernetes);
    local.deploy("tiny");
    let folder = local.env.root().join("dumps");
    let result = local.env.charmproof(&["crashdump", "-o", folder.as_str()]);
    let dump = read(Utf8Path::new(result.success().trim()));
    let ran = "tiny_0/charm/var/lib/juju/agents/unit-tiny-0/charm/ran";
    assert!(dump.get(ran).is_some_and(|text| text.contains("install")), "{:#?}", dump.keys());
    local.end();
}
