//! `charmproof validate` and `charmproof explain`.

use charmproof_testkit::TestEnv;

use crate::support::PROGRAM;

/// The recorded traces that the judge is tested with.
const TRACES: &str = include_str!("../../../lifecycle/tests/data/traces.json");

fn said(env: &TestEnv, words: &[&str], code: i32) -> String {
    let result = env.charmproof(words).expect_code(code);
    format!("$ charmproof {}\n{}{}\n", words.join(" "), result.stdout, env.redactor().redact(&result.stderr))
}

#[test]
fn a_sequence_of_names_is_judged() {
    let env = &TestEnv::new(PROGRAM);
    env.file(
        "good.txt",
        "# a unit without relations\ninstall\nleader_elected\n\nconfig-changed\nstart failed\nstart\n",
    );
    env.file(
        "bad.txt",
        "install\ndb-relation-created\nleader-elected\nconfig-changed # first\nupdate-status\nstart\n\
         db-relation-joined\ndb-relation-broken\nupdate-status\n",
    );
    env.file("late.txt", "install\nleader-elected\nconfig-changed\nstart\ndata-storage-attached\n");
    env.file("detached.txt", "update-status\ndata-storage-detached\n");
    let all = [
        said(env, &["validate", "good.txt"], 0),
        said(env, &["validate", "bad.txt"], 1),
        said(env, &["validate", "late.txt", "--platform", "k8s"], 0),
        said(env, &["validate", "late.txt", "--platform", "machine", "--juju", "4.0"], 0),
        said(env, &["validate", "detached.txt"], 1),
    ];
    insta::assert_snapshot!("validate_names", all.join("\n"));
}

#[test]
fn real_traces_are_valid() {
    let env = TestEnv::new(PROGRAM);
    env.file("traces.json", TRACES);
    let result = env.charmproof(&["validate", "traces.json"]).expect_code(0);
    let valid = result.stdout.lines().filter(|line| line.contains(": valid, ")).count();
    assert_eq!(valid, 44, "{}", result.stdout);
    // What the traces themselves do not tell (which endpoints are peers) warns of nothing.
    let warnings: Vec<&str> = result.stdout.lines().filter(|line| line.starts_with("warning:")).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn our_own_json_is_judged_unit_by_unit() {
    let env = &TestEnv::new(PROGRAM);
    env.file(
        "lines.jsonl",
        concat!(
            r#"{"schema":1,"seed":7,"juju":"3.6","platform":"machine","steps":["#,
            r#"{"by":"user","stimulus":"deploy"},"#,
            r#"{"unit":"web/0","hook":"install"},{"unit":"web/1","hook":"install"},"#,
            r#"{"unit":"web/0","hook":"db-relation-created","relation_id":3,"remote_app":"pg"},"#,
            r#"{"unit":"web/1","hook":"leader-settings-changed"},"#,
            r#"{"unit":"web/0","hook":"leader-elected"},{"unit":"web/0","hook":"config-changed"},"#,
            r#"{"unit":"web/0","hook":"start"},"#,
            r#"{"unit":"web/0","hook":"db-relation-joined","relation_id":3,"remote_unit":"pg/0"},"#,
            r#"{"unit":"web/0","hook":"db-relation-changed","relation_id":3,"remote_unit":"pg/1"}]}"#,
            "\n"
        ),
    );
    insta::assert_snapshot!("validate_json", said(env, &["validate", "lines.jsonl"], 1));
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let env = &TestEnv::new(PROGRAM);
    env.file("unknown.txt", "install\nsecret-removed\n");
    env.file("odd.txt", "install well\n");
    env.file("empty.txt", "# nothing\n");
    env.file("broken.json", "[{\"events\": 3}]\n");
    env.file("newer.jsonl", "{\"schema\":2,\"steps\":[]}\n");
    env.file("long.txt", &"x".repeat(10_000));
    let all = [
        said(env, &["validate", "unknown.txt"], 2),
        said(env, &["validate", "odd.txt"], 2),
        said(env, &["validate", "empty.txt"], 2),
        said(env, &["validate", "broken.json"], 2),
        said(env, &["validate", "newer.jsonl"], 2),
        said(env, &["validate", "long.txt"], 2),
        said(env, &["validate", "empty.txt", "--juju", "two"], 2),
        said(env, &["explain", "R99"], 2),
    ];
    insta::assert_snapshot!("validate_bad", all.join("\n"));
}

#[test]
fn rules_and_hooks_are_explained() {
    let env = &TestEnv::new(PROGRAM);
    let all = [
        said(env, &["explain", "r31"], 0),
        said(env, &["explain", "R64"], 0),
        said(env, &["explain", "data_storage_detaching"], 0),
        said(env, &["explain", "update-status"], 0),
    ];
    insta::assert_snapshot!("explain", all.join("\n"));
}
