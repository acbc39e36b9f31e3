//! `charmproof crashdump` of real machines and pods.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::{Local, On};

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
    local.juju(&["ssh", "tiny/0", "echo 'it works' > /var/log/own.log"]).success();
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
