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
fn a_base_that_nobody_has_is_named() {
    let local = Local::new(On::Machines);
    local.env.file(
        "tiny/manifest.yaml",
        "bases:\n- {name: ubuntu, channel: \"99.04\", architectures: [amd64, arm64]}\n",
    );
    let said = local.said(&["deploy", "./tiny"]);
    assert!(said.contains("99.04") || local.log().contains("99.04"), "{said}\n{}", local.log());
    // Whoever looks is told why the unit waits, and it can be removed although it never lived.
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
