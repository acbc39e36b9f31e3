//! What is refused, in the words that Juju has for it.

use std::io::Write as _;

use charmproof_testkit::wait_for;

use super::{LIMIT, Local, METADATA, On};

/// Writes a zip, of names with texts.
fn zip(local: &Local, path: &str, files: &[(&str, &str)]) {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in files {
        if let Some(name) = name.strip_prefix("link:") {
            writer.add_symlink(name, *text, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
    }
    fs_err::write(local.env.work().join(path), writer.finish().unwrap().into_inner()).unwrap();
}

#[test]
fn charms_that_are_none() {
    let local = Local::new(On::Machines);
    let metadata = format!("name: tiny\n{METADATA}");
    local.env.file("text.charm", "no zip");
    zip(&local, "nothing.charm", &[("dispatch", "")]);
    zip(&local, "above.charm", &[("metadata.yaml", &metadata), ("../../escaped", "x")]);
    let outside = local.env.root().join("escaped");
    zip(&local, "absolute.charm", &[("metadata.yaml", &metadata), (outside.as_str(), "x")]);
    zip(&local, "link.charm", &[("metadata.yaml", &metadata), ("link:out", "/etc/passwd")]);
    zip(&local, "broken.charm", &[("metadata.yaml", "name: [")]);
    zip(&local, "nameless.charm", &[("metadata.yaml", METADATA)]);
    let said: String = ["text", "nothing", "above", "absolute", "link", "broken", "nameless", "missing"]
        .map(|name| local.said(&["deploy", &format!("./{name}.charm")]))
        .concat();
    insta::assert_snapshot!("juju_no_charms", said);
    assert!(!outside.exists() && !local.env.root().join("work/escaped").exists());
    assert!(local.status()["applications"].as_object().unwrap().is_empty());
    local.destroy(&[]);
}

#[test]
fn a_packed_charm_is_a_charm() {
    let local = Local::new(On::Machines);
    let files = ["metadata.yaml", "config.yaml", "actions.yaml", "manifest.yaml", "version", "dispatch"];
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for file in files {
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file(file, options).unwrap();
        writer.write_all(&fs_err::read(local.env.work().join("tiny").join(file)).unwrap()).unwrap();
    }
    fs_err::write(local.env.work().join("tiny_amd64.charm"), writer.finish().unwrap().into_inner()).unwrap();
    local.juju(&["deploy", "./tiny_amd64.charm"]).success();
    local.settle("tiny/0", "active", "red");
    local.end();
}

#[test]
fn what_fails_changes_nothing() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let before = local.status()["applications"].clone();
    let mut said = String::new();
    for words in [
        &["deploy", "./tiny", "other", "--to", "99"][..],
        &["deploy", "./tiny", "other", "-n", "3", "--to", "0,1,99"],
        &["deploy", "./tiny", "other", "--attach-storage", "data/9"],
        &["deploy", "./tiny", "other", "-n", "4000000000"],
        &["add-unit", "tiny", "-n", "2", "--to", "0,99"],
        &["add-unit", "tiny", "--attach-storage", "data/9"],
        &["add-unit", "tiny", "-n", "4000000000"],
        &["config", "tiny", "colour=blue", "count=many"],
    ] {
        said += &local.said(words);
        assert_eq!(local.status()["applications"], before, "{words:?}");
    }
    insta::assert_snapshot!("juju_changes_nothing", said);
    assert_eq!(local.status()["machines"].as_object().unwrap().len(), 1);
    local.end();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let local = Local::new(On::Machines);
    let metadata = |more: &str| format!("name: bad\nsummary: s\ndescription: d\n{more}");
    let dispatch = "#!/bin/sh\n[ \"${JUJU_DISPATCH_PATH##*/}\" != start ] || status-set active\n";
    local.write_charm("broken", &metadata("provides: ["), "{}\n", dispatch);
    local.write_charm(
        "beside",
        &metadata("subordinate: true\nrequires: {on: {interface: juju-info, scope: container}}\n"),
        "{}\n",
        dispatch,
    );
    local.write_charm("new", &metadata("assumes: [juju >= 99]\n"), "{}\n", dispatch);
    local.write_charm("other", &metadata(""), "{}\n", dispatch);
    let manifest = "bases:\n- {name: ubuntu, channel: \"22.04\", architectures: [amd64, arm64]}\n";
    local.env.file("other/manifest.yaml", manifest);
    local.write_charm("plain", &metadata(""), "{}\n", dispatch);
    local.env.file("plain/config.yaml", "options: {key: {type: secret}}\n");
    local.env.file("typo.yaml", "applications: {plain: {charm: ./plain, num_unit: 1}}\n");
    local.juju(&["deploy", "./plain", "plain"]).success();
    local.settle("plain/0", "active", "");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFAC0JqLmOG3eJhM9BKRhIcvH7oDo4qmRGwOqGp/mQg me@host";
    let said: String = [
        &["deploy", "./broken"][..],
        &["deploy", "./beside", "--to", "0"],
        &["deploy", "./beside", "--constraints", "mem=1G"],
        &["deploy", "./new"],
        &["refresh", "plain", "--path", "./new"],
        &["refresh", "plain", "--path", "./other"],
        &["config", "plain", "key=garbage"],
        &["deploy", "./plain", "two", "--config", "key=secret:"],
        &["deploy", "./plain", "two", "--bind", "nowhere"],
        &["deploy", "./plain", "two", "--bind", "none=alpha"],
        &["deploy", "./plain", "two", "--constraints", "arch=s390x"],
        &["expose", "plain", "--endpoints", "none"],
        &["expose", "plain", "--to-cidrs", "10.0.0.0/99"],
        &["expose", "plain", "--to-spaces", "nowhere"],
        &["model-config", "agent-version=3.5.0"],
        &["deploy", "./typo.yaml"],
        &["add-ssh-key", "garbage", key, key],
        &["ssh-keys"],
        &["remove-ssh-key", "nobody", "me@host"],
        &["ssh-keys"],
    ]
    .map(|words| local.said(words))
    .concat();
    insta::assert_snapshot!("juju_no_sense", said);
    local.end();
}

#[test]
fn a_base_that_nobody_has_is_named() {
    let local = Local::new(On::Machines);
    local.env.file(
        "tiny/manifest.yaml",
        "bases:\n- {name: ubuntu, channel: \"99.04\", architectures: [amd64, arm64]}\n",
    );
    let said = local.said(&["deploy", "./tiny"]);
    assert!(said.contains("ERROR `ubuntu@99.04` is no base that charmproof can stand in for"), "{said}");
    assert!(local.status()["applications"].as_object().unwrap().is_empty());
    // Whoever deploys it all the same is told why the unit waits, and it can be removed although it never lived.
    local.juju(&["deploy", "./tiny", "--force"]).success();
    let why = |status: &serde_json::Value| {
        status["message"].as_str().is_some_and(|message| message.contains("`ubuntu@99.04` is no base"))
    };
    wait_for("the status to say why", LIMIT, || {
        let status = local.status();
        let unit = &status["applications"]["tiny"]["units"]["tiny/0"]["workload-status"];
        let machine = &status["machines"]["0"]["machine-status"];
        why(unit) && why(machine) && machine["current"] == "provisioning error"
    });
    local.juju(&["remove-unit", "tiny/0", "--no-prompt"]).success();
    wait_for("the unit to go", LIMIT, || local.unit("tiny/0").is_null());
    local.juju(&["add-unit", "tiny"]).success();
    local.destroy(&[]);
}

#[test]
fn what_is_not_there_is_named() {
    let local = Local::new(On::Machines);
    local.charm("other", "1");
    local.charm("third", "1");
    local.deploy("tiny");
    for name in ["other", "third"] {
        local.juju(&["deploy", &format!("./{name}")]).success();
        local.settle(&format!("{name}/0"), "active", "red");
    }
    local.juju(&["integrate", "tiny:backend", "other:site"]).success();
    local.settle("tiny/0", "active", "sees http://other/0");
    let said: String = [
        // Bad flags and words.
        &["frobnicate"][..],
        &["deploy", "./tiny", "--nope"],
        &["debug-log", "--nope"],
        &["run"],
        &["run", "tiny/0", "greet", "--background", "--wait", "3s"],
        // Models.
        &["add-model", "m"],
        &["add-model", "M_"],
        &["status", "-m", "nope"],
        &["destroy-model", "nope", "--no-prompt"],
        // Applications.
        &["deploy", "./tiny"],
        &["deploy", "./tiny", "Bad_Name"],
        &["deploy", "./tiny", "more", "--config", "nope=1"],
        &["deploy", "./tiny", "more", "--config", "count=abc"],
        &["config", "nope"],
        &["config", "tiny", "nope"],
        &["config", "tiny", "nope=1"],
        &["config", "tiny", "count=abc"],
        &["remove-application", "nope", "--no-prompt"],
        &["refresh", "nope", "--path", "./tiny"],
        &["refresh", "tiny", "--path", "./other"],
        // Units.
        &["remove-unit", "tiny/9", "--no-prompt"],
        &["show-unit", "tiny/9"],
        &["resolved", "tiny/0"],
        &["resolved", "tiny/9"],
        // Actions.
        &["run", "tiny/0", "nope"],
        &["run", "tiny/9", "greet"],
        &["run", "nope/0", "greet"],
        &["run", "tiny/0", "greet", "name=3"],
        &["exec", "--unit", "nope/0", "true"],
        // Relations.
        &["integrate", "other", "third"],
        &["integrate", "tiny:backend", "third:site"],
        &["integrate", "tiny:backend", "tiny:site"],
        &["integrate", "tiny:nope", "third"],
        &["integrate", "tiny", "nope"],
        &["remove-relation", "other", "third"],
    ]
    .into_iter()
    .map(|words| local.said(words))
    .collect();
    insta::assert_snapshot!("juju_refusals", said);
    local.end();
}

#[test]
fn an_application_on_its_way_out_gets_nothing_new() {
    for on in [On::Machines, On::Kubernetes] {
        let local = Local::new(on);
        local.deploy("tiny");
        local.deploy("other");
        local.juju(&["config", "tiny", "colour=slow"]).success();
        local.waits("tiny/0");
        local.juju(&["remove-application", "tiny", "--no-prompt"]).success();
        let before = local.status()["applications"].clone();
        assert_eq!(before["tiny"]["life"], "dying");
        let refused = |words: &[&str], expected: &str| {
            let said = local.juju(words);
            assert_eq!((said.code, said.stderr.trim_end()), (Some(1), expected), "{words:?}");
        };
        let not_alive = "application is not found or not alive";
        let relation = "cannot add relation \"other:backend tiny:site\"";
        refused(
            &["integrate", "other:backend", "tiny"],
            &format!("ERROR {relation}: application \"tiny\" is not alive"),
        );
        for (command, flag) in [("expose", "true"), ("unexpose", "false")] {
            let what = format!("cannot set exposed flag for application \"tiny\" to {flag}");
            refused(&[command, "tiny"], &format!("ERROR {what}: {not_alive}"));
        }
        match on {
            On::Machines => {
                let what = "cannot add unit to application \"tiny\"";
                let expected =
                    format!("ERROR cannot add unit 1/2 to application \"tiny\": {what}: {not_alive}");
                refused(&["add-unit", "tiny", "-n", "2"], &expected);
            }
            On::Kubernetes => {
                let what = "cannot set scale for application \"tiny\" to 3";
                refused(&["scale-application", "tiny", "3"], &format!("ERROR {what}: {not_alive}"));
            }
        }
        assert_eq!(local.status()["applications"], before);
        local.go("tiny/0");
        wait_for("the application to go", LIMIT, || local.status()["applications"]["tiny"].is_null());
        local.destroy(&[]);
    }
}

#[test]
fn what_may_mean_several_relations_removes_none() {
    let local = Local::new(On::Machines);
    local.charm("other", "1");
    for name in ["tiny", "other"] {
        local.juju(&["deploy", &format!("./{name}")]).success();
    }
    local.juju(&["integrate", "tiny:backend", "other:site"]).success();
    local.juju(&["integrate", "tiny:site", "other:backend"]).success();
    let said = local.juju(&["remove-relation", "tiny", "other"]);
    let expected = "ERROR ambiguous relation: \"tiny other\" could refer to \"tiny:backend other:site\"; \
        \"other:backend tiny:site\"\n";
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), expected));
    local.juju(&["remove-relation", "tiny", "other:site"]).success();
    local.juju(&["remove-relation", "tiny", "other"]).success();
    local.destroy(&[]);
}

#[test]
fn a_controller_that_nobody_knows_is_not_another_one() {
    let mut local = Local::new(On::Machines);
    local.env.set("JUJU_CONTROLLER", "nope");
    let expected = "ERROR No selected controller.\n\nUse \"juju switch\" to select from the following \
        controllers:\n\n  - concierge-k8s\n  - concierge-lxd\n";
    for words in [&["models"][..], &["add-model", "zz"], &["status"], &["status", "-m", "m"]] {
        let said = local.juju(words);
        assert_eq!((said.code, said.stderr.as_str()), (Some(1), expected), "{words:?}");
    }
    // Who names one needs no other.
    let named = local.juju(&["models", "-c", "concierge-lxd", "--format", "json"]).success();
    assert!(named.contains("\"short-name\":\"m\"") && !named.contains("zz"), "{named}");
    assert!(local.juju(&["controllers"]).success().contains("concierge-k8s"));
    local.env.set("JUJU_CONTROLLER", "");
    local.destroy(&[]);
}
