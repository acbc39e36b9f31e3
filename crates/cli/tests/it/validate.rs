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
    env.file("typing.txt", "install\ndb-relation-joind\n");
    env.file("words.txt", "\nOct  7 10:00:00 host web[1]: something happened\n");
    env.file("object.json", "{\"schema\":1,\"seed\":7}\n");
    env.file("step.json", "{\"schema\":1,\"steps\":[{\"hook\":\"install\",\"outcome\":\"well\"}]}\n");
    env.file("cut.json", "{\"schema\":1,\"steps\":[{\"hook\":\"inst");
    let bytes = |name: &str, bytes: &[u8]| fs_err::write(env.root().join("work").join(name), bytes).unwrap();
    bytes("nothing.txt", b"");
    bytes("log.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    bytes("utf16.txt", b"\xff\xfei\0n\0s\0t\0a\0l\0l\0\n\0");
    bytes("program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let all = [
        said(env, &["validate", "unknown.txt"], 2),
        said(env, &["validate", "odd.txt"], 2),
        said(env, &["validate", "empty.txt"], 2),
        said(env, &["validate", "broken.json"], 2),
        said(env, &["validate", "newer.jsonl"], 2),
        said(env, &["validate", "long.txt"], 2),
        said(env, &["validate", "empty.txt", "--juju", "two"], 2),
        said(env, &["validate", "typing.txt"], 2),
        said(env, &["validate", "words.txt"], 2),
        said(env, &["validate", "object.json"], 2),
        said(env, &["validate", "step.json"], 2),
        said(env, &["validate", "cut.json"], 2),
        said(env, &["validate", "nothing.txt"], 2),
        said(env, &["validate", "log.gz"], 2),
        said(env, &["validate", "utf16.txt"], 2),
        said(env, &["validate", "program"], 2),
        said(env, &["validate", "."], 2),
        said(env, &["validate", "missing.txt"], 2),
        said(env, &["validate", "unknown.txt", "--charm", "."], 2),
        said(env, &["validate", "unknown.txt", "--charm", "missing"], 2),
        said(env, &["explain", "R99"], 2),
        said(env, &["explain", "config-chnaged"], 2),
        said(env, &["explain", "relation"], 2),
        said(env, &["explain", "storage-detached"], 2),
        said(env, &["explain", "zebra"], 2),
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
        said(env, &["explain", "R20"], 0),
        said(env, &["explain", "R46"], 0),
        said(env, &["explain", "R92"], 0),
        said(env, &["explain", "update-status"], 0),
        said(env, &["explain", "ENDPOINT-relation-departed"], 0),
        said(env, &["explain"], 0),
    ];
    insta::assert_snapshot!("explain", all.join("\n"));
}

/// Whatever `explain` lists can be asked for.
#[test]
fn everything_that_is_listed_is_explained() {
    let env = &TestEnv::new(PROGRAM);
    let list = env.charmproof(&["explain"]).expect_code(0).stdout;
    let words: Vec<&str> = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(words.len() > 110, "{}", words.len());
    for word in words {
        let told = env.charmproof(&["explain", word]).expect_code(0).stdout;
        assert!(told.starts_with(word) && told.lines().count() > 5, "{word}: {told}");
    }
}

/// A charm that was refreshed had other names before, so in a log a strange one is odd only.
#[test]
fn names_are_checked_against_a_charm() {
    let env = &TestEnv::new(PROGRAM);
    env.file(
        "charm/charmcraft.yaml",
        "name: web\ntype: charm\nsummary: s\ndescription: d\nrequires:\n  database:\n    interface: pg\n\
         peers:\n  replicas:\n    interface: web\ncontainers:\n  web: {}\n\
         storage:\n  data:\n    type: filesystem\n",
    );
    let setup =
        "install\nreplicas-relation-created\nleader-elected\ndata-storage-attached\nconfig-changed\nstart\n";
    env.file("good.txt", &format!("{setup}database-relation-created\nweb-pebble-ready\n"));
    env.file("typing.txt", &format!("{setup}databse-relation-created\n"));
    // What the charm says of its peers, and where it runs, is known to other rules as well.
    env.file("peers.txt", "install\nleader-elected\nreplicas-relation-created\nconfig-changed\nstart\n");
    env.file("storage.txt", "data-storage-attached\ninstall\n");
    env.file(
        "debug.log",
        "unit-web-0: 10:00:00 INFO juju.worker.uniter.operation ran \"databse-relation-created\" hook (via x)\n",
    );
    let all = [
        said(env, &["validate", "good.txt", "--charm", "charm"], 0),
        said(env, &["validate", "typing.txt", "--charm", "charm"], 1),
        said(env, &["validate", "peers.txt", "--charm", "charm"], 1),
        said(env, &["validate", "storage.txt", "--charm", "charm"], 1),
        said(env, &["validate", "debug.log", "--charm", "charm"], 0),
    ];
    insta::assert_snapshot!("validate_charm", all.join("\n"));
}

#[test]
fn verdicts_are_json_for_programs() {
    let env = &TestEnv::new(PROGRAM);
    env.file("bad.txt", "install\ndb-relation-joined failed\nstart\n");
    insta::assert_snapshot!("validate_as_json", said(env, &["validate", "bad.txt", "--format", "json"], 1));
}

/// What `simulate` writes is valid, as a life and as a part of one.
#[test]
fn simulated_lives_are_valid() {
    let env = &TestEnv::new(PROGRAM);
    let charm = ["--relation", "db", "--peer", "replicas", "--storage", "data", "--length", "40"];
    for (platform, juju) in [("machine", "2.9"), ("machine", "3.6"), ("k8s", "3.6"), ("k8s", "4.0")] {
        for phase in [&[][..], &["--phase", "operation"], &["--phase", "teardown"]] {
            let mut words = vec!["simulate", "--seed", "11", "--juju", juju, "--platform", platform];
            words.extend(["--format", "json", "--runs", "5", "--units", "2"]);
            words.extend(charm.iter().chain(phase));
            let life = env.charmproof(&words).expect_code(0).stdout;
            env.file("life", &life);
            let options = ["validate", "life", "--platform", platform, "--juju", juju];
            let verdict = env.charmproof(&options).expect_code(0);
            assert!(verdict.stdout.contains(": valid, "), "{verdict}");
        }
    }
}

/// What `juju debug-log` prints of an agent at work.
fn debug_log() -> String {
    let ran = |unit: &str, time: &str, hook: &str| {
        format!(
            "unit-{unit}: {time} INFO juju.worker.uniter.operation ran \"{hook}\" hook (via hook dispatching script: dispatch)\n"
        )
    };
    let mut text =
        String::from("machine-0: 10:00:00 INFO juju.worker.upgrader no waiter, upgrader is done\n");
    for (second, hook) in
        ["install", "db-relation-created", "leader-elected", "config-changed", "start"].iter().enumerate()
    {
        text += &ran("web-0", &format!("10:00:0{second}"), hook);
        text += &ran("my-db-1", &format!("10:00:0{second}"), hook);
    }
    text += "unit-web-0: 10:01:00 DEBUG unit.web/0.juju-log db:3: Emitting Juju event db_relation_joined.\n";
    text += "Traceback (most recent call last):\n";
    text += &ran("web-0", "10:01:00", "db-relation-joined");
    text += &ran("my-db-1", "10:01:00", "db-relation-joined");
    text += "unit-web-0: 10:01:01 DEBUG unit.web/0.juju-log db:3: Emitting Juju event db_relation_changed.\n";
    text += &ran("web-0", "10:01:01", "db-relation-changed");
    text += &ran("my-db-1", "10:01:01", "db-relation-departed");
    text += "unit-web-0: 10:01:02 ERROR juju.worker.uniter.operation hook \"config-changed\" (via hook dispatching script: dispatch) failed: exit status 1\n";
    text += "unit-web-0: 10:01:03 INFO juju.worker.uniter awaiting error resolution for \"config-changed\" hook\n";
    text += &ran("web-0", "10:01:09", "config-changed");
    text
}

#[test]
fn logs_of_juju_are_judged_unit_by_unit() {
    let env = &TestEnv::new(PROGRAM);
    env.file("debug.log", &debug_log());
    env.file(
        "status.log",
        "Time                  Type       Status       Message\n\
         07 Oct 2026 10:00:00Z  workload   waiting      installing agent\n\
         07 Oct 2026 10:00:01Z  juju-unit  executing    running install hook\n\
         07 Oct 2026 10:00:02Z  juju-unit  error        hook failed: \"install\"\n\
         07 Oct 2026 10:00:03Z  juju-unit  executing    running install hook\n\
         07 Oct 2026 10:00:04Z  juju-unit  executing    running start hook\n\
         07 Oct 2026 10:00:05Z  juju-unit  executing    running action backup\n\
         07 Oct 2026 10:00:06Z  juju-unit  executing    running db-relation-joined hook for pg/0\n\
         07 Oct 2026 10:00:07Z  juju-unit  idle         \n",
    );
    env.file("quiet.log", "unit-web-0: 10:00:00 WARNING juju.worker.uniter.operation we should run a leader-deposed hook here, but we can't yet\n");
    let all = [
        said(env, &["validate", "debug.log"], 1),
        said(env, &["validate", "status.log"], 1),
        said(env, &["validate", "quiet.log"], 2),
    ];
    insta::assert_snapshot!("validate_logs", all.join("\n"));
}

/// A line without an end, and bytes that are no text, are passed over.
#[test]
fn a_log_with_junk_in_it_is_read_to_its_end() {
    let env = &TestEnv::new(PROGRAM);
    let mut bytes = debug_log().replace("departed", "changed").into_bytes();
    bytes.extend(std::iter::repeat_n(b'x', 100_000));
    bytes.extend(b"\xff\xfe\0 ran \"start\" hook\n");
    bytes.extend(
        b"unit-web-0: 10:02:00 INFO juju.worker.uniter.operation ran \"update-status\" hook (via x)\n",
    );
    fs_err::write(env.root().join("work/junk.log"), bytes).unwrap();
    let result = env.charmproof(&["validate", "junk.log"]).expect_code(0);
    assert!(result.stdout.contains("web/0: valid, 10 hooks"), "{result}");
}
