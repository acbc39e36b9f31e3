//! `charmproof simulate`.

use charmproof_testkit::TestEnv;
use serde_json::Value;

use crate::support::PROGRAM;

/// A charm with something of everything.
const CHARM: &str = "\
name: web
type: charm
summary: A web server
description: It serves pages.
requires:
  db: {interface: pg, limit: 1}
  logs: {interface: loki}
peers:
  replicas: {interface: replicas}
storage:
  data: {type: filesystem}
containers:
  app: {resource: image}
resources:
  image: {type: oci-image}
actions:
  backup: {description: Makes a backup.}
";

/// A charm that the other one can be integrated with.
const PG: &str = "\
name: pg
type: charm
summary: A database
description: It stores.
provides:
  database: {interface: pg}
";

fn with_charms() -> TestEnv {
    let env = TestEnv::new(PROGRAM);
    env.file("web/charmcraft.yaml", CHARM);
    env.file("pg/charmcraft.yaml", PG);
    env
}

fn said(env: &TestEnv, words: &[&str], code: i32) -> String {
    let result = env.charmproof(words).expect_code(code);
    format!("$ charmproof {}\n{}{}\n", words.join(" "), result.stdout, env.redactor().redact(&result.stderr))
}

#[test]
fn a_life_is_told_in_each_format() {
    let env = &with_charms();
    let all = [
        said(env, &["simulate", "web", "--seed", "7", "--length", "8"], 0),
        said(env, &["simulate", "web", "--seed", "7", "--length", "8", "--format", "names"], 0),
        said(env, &["simulate", "web", "--seed", "7", "--phase", "teardown", "--format", "env"], 0),
        said(env, &["simulate", "--relation", "db", "--seed", "1", "--length", "0", "--format", "json"], 0),
    ];
    insta::assert_snapshot!("simulate_formats", all.join("\n"));
}

#[test]
fn several_charms_live_in_one_model() {
    let env = &with_charms();
    let words = [
        "simulate",
        "web",
        "--units",
        "2",
        "--with",
        "pg",
        "--integrate",
        "web:db",
        "pg:database",
        "--seed",
        "3",
        "--length",
        "6",
        "--without",
        "hook-fails",
    ];
    insta::assert_snapshot!("simulate_several", said(env, &words, 0));
}

#[test]
fn a_seed_is_printed_and_stands_for_one_life() {
    let env = &with_charms();
    let first = env.charmproof(&["simulate", "web"]).success();
    let (title, _) = first.split_once('\n').unwrap();
    let seed = title.split("--seed ").nth(1).unwrap();
    assert_eq!(env.charmproof(&["simulate", "web", "--seed", seed]).success(), first);
    // Runs are the seeds that follow.
    let two =
        env.charmproof(&["simulate", "web", "--seed", "4", "--runs", "2", "--format", "json"]).success();
    let one = env.charmproof(&["simulate", "web", "--seed", "5", "--format", "json"]).success();
    assert_eq!(two.lines().nth(1), one.lines().next());
}

#[test]
fn lives_of_every_profile_are_valid() {
    let env = &with_charms();
    for version in ["2.9", "3.1", "3.4", "3.6", "4.0"] {
        for platform in ["machine", "k8s"] {
            let words = [
                "simulate",
                "web",
                "--juju",
                version,
                "--platform",
                platform,
                "--units",
                "2",
                "--with",
                "pg",
                "--integrate",
                "web:db",
                "pg:database",
                "--runs",
                "20",
                "--seed",
                "1",
                "--format",
                "json",
            ];
            env.file("lives.jsonl", &env.charmproof(&words).success());
            let judged = env.charmproof(&["validate", "lives.jsonl"]).success();
            assert!(judged.lines().filter(|line| line.contains(": valid, ")).count() >= 60, "{judged}");
        }
    }
}

#[test]
fn names_are_what_validate_reads() {
    let env = &with_charms();
    let mut failed = 0;
    for seed in 0..20 {
        let words = ["simulate", "web", "--seed", &seed.to_string(), "--format", "names"];
        let names = env.charmproof(&words).success();
        failed += usize::from(names.contains(" failed\n"));
        env.file("names.txt", &names);
        let judged = env.charmproof(&["validate", "names.txt", "--charm", "web", "--juju", "3.6"]).success();
        assert!(judged.contains(": valid, "), "{judged}");
    }
    assert!(failed > 3, "hooks that fail are among them: {failed}");
}

#[test]
fn a_life_without_some_of_its_steps_is_played_again() {
    let env = &with_charms();
    let words = ["simulate", "web", "--seed", "11", "--length", "30", "--format", "json"];
    let life = env.charmproof(&words).success();
    env.file("life.json", &life);
    let again = env.charmproof(&["simulate", "--replay", "life.json", "--format", "json"]).success();
    assert_eq!(again, life, "with nothing taken out it is the same");

    let mut changed: Value = serde_json::from_str(&life).unwrap();
    let steps = changed["steps"].as_array_mut().unwrap();
    let before = steps.len();
    steps.retain(|step| {
        step["stimulus"].is_null() || matches!(step["stimulus"].as_str(), Some("deploy" | "remove-unit"))
    });
    assert!(steps.len() < before);
    env.file("less.json", &changed.to_string());
    let less = env.charmproof(&["simulate", "--replay", "less.json", "--format", "json"]).success();
    env.file("less.jsonl", &less);
    assert!(env.charmproof(&["validate", "less.jsonl"]).success().contains(": valid, "));
    let names = env.charmproof(&["simulate", "--replay", "less.json", "--format", "names"]).success();
    assert!(names.starts_with("install\n") && names.ends_with("stop\nremove\n"), "{names}");
}

#[test]
fn all_small_lives_are_counted_first() {
    let env = &with_charms();
    let words = [
        "simulate",
        "--relation",
        "db",
        "--peer",
        "replicas",
        "--exhaustive",
        "2",
        "--only",
        "integrate",
        "--only",
        "config-changes",
        "--format",
        "json",
    ];
    let result = env.charmproof(&words).expect_code(0);
    let count: usize = result.stderr.trim().strip_suffix(" lives").unwrap().parse().unwrap();
    assert_eq!(result.stdout.lines().count(), count);
    let deep = ["simulate", "web", "--exhaustive", "12"];
    let result = env.charmproof(&deep).expect_code(2);
    assert!(result.stderr.contains("there are more than 1000000 lives of that depth"), "{}", result.stderr);
}

#[test]
fn what_makes_no_sense_is_told_with_what_would() {
    let env = &with_charms();
    env.file("bad/charmcraft.yaml", &CHARM.replace("limit: 1", "limit: many"));
    env.file("empty/readme.md", "nothing");
    env.file("junk.json", "\u{1}\u{2}");
    env.file(
        "none.json",
        r#"{"schema":1,"juju":"3.6","platform":"machine","charm":{"name":"web"},"steps":[]}"#,
    );
    env.file("future.json", r#"{"schema":7}"#);
    let all = [
        said(env, &["simulate"], 2),
        said(env, &["simulate", "nowhere"], 2),
        said(env, &["simulate", "empty"], 2),
        said(env, &["simulate", "bad"], 2),
        said(env, &["simulate", "web", "--only", "refersh"], 2),
        said(env, &["simulate", "web", "--only", "refresh", "--without", "refresh"], 2),
        said(env, &["simulate", "web", "--juju", "1.25"], 2),
        said(env, &["simulate", "web", "--units", "0"], 2),
        said(env, &["simulate", "web", "--runs", "0"], 2),
        said(env, &["simulate", "web", "--relation", "bd"], 2),
        said(env, &["simulate", "web", "--relation", "replicas"], 2),
        said(env, &["simulate", "web", "--integrate", "web", "pg:database"], 2),
        said(env, &["simulate", "web", "--integrate", "web:db", "pg:database"], 2),
        said(env, &["simulate", "web", "--with", "pg", "--integrate", "web:logs", "pg:database"], 2),
        said(env, &["simulate", "web", "--with", "web"], 2),
        said(env, &["simulate", "--relation", "a", "--relation", "a"], 2),
        said(env, &["simulate", "--relation", "a", "--peer", "a"], 2),
        said(env, &["simulate", "--peer", "a", "--potential-relation", "a"], 2),
        said(env, &["simulate", "--relation", "Db"], 2),
        said(env, &["simulate", "--container", "app", "--platform", "machine"], 2),
        said(
            env,
            &[
                "simulate",
                "web",
                "--platform",
                "machine",
                "--only",
                "pod-lost",
                "--seed",
                "1",
                "--length",
                "1",
                "--format",
                "names",
            ],
            0,
        ),
        said(env, &["simulate", "--replay", "junk.json"], 2),
        said(env, &["simulate", "--replay", "none.json"], 2),
        said(env, &["simulate", "--replay", "future.json"], 2),
        said(env, &["simulate", "--replay", "absent.json"], 2),
    ];
    insta::assert_snapshot!("simulate_nonsense", all.join("\n"));
}
