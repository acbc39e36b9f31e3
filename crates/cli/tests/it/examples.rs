//! The examples through every command that a charm can go through, with nothing replaced: the packages are
//! those of the index, tinyproxy is the one of the distribution, and the suites are their own.
//!
//! While a suite runs, the status of every unit is looked at all the time: it may show nothing that Juju
//! would not. Afterwards the log of every model is judged.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_testkit::{TestEnv, processes_with, wait_for};
use serde_json::Value;

use crate::juju::timeline::{self, Over, Seen};
use crate::support::PROGRAM;

/// Surroundings with copies of some examples. Tools and packages are kept from test to test.
fn with(examples: &[&str]) -> TestEnv {
    let kept = Utf8Path::new(PROGRAM).parent().unwrap().join("e2e/examples");
    fs_err::create_dir_all(&kept).unwrap();
    let mut env = TestEnv::new(PROGRAM);
    env.set("XDG_CACHE_HOME", &kept);
    let data = env.root().join("juju");
    env.set("JUJU_DATA", data.as_str());
    env.set_limit(Duration::from_mins(10));
    let all = Utf8PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples"));
    for example in examples {
        copy(&all.join(example), &env.work().join(example));
    }
    env
}

/// Copies what belongs to the charm, and not what its author's tools have left there.
fn copy(from: &Utf8Path, to: &Utf8Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in from.read_dir_utf8().unwrap().flatten() {
        let target = to.join(entry.file_name());
        let is_hidden = entry.file_name().starts_with('.') || entry.file_name() == "__pycache__";
        if is_hidden || entry.file_name().ends_with(".charm") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs the suite of a charm, and judges what its units showed and ran. Returns what was printed.
fn tested(env: &TestEnv, charm: &str, units: &[&str]) -> String {
    let data = env.root().join("juju");
    let is_over = AtomicBool::new(false);
    let seen = Mutex::new(BTreeMap::<String, Vec<Seen>>::new());
    let printed = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                // The suite starts the local Juju, and ends it.
                if data.join("supervisor.socket").exists() {
                    look(env, &mut seen.lock().unwrap());
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let _over = Over(&is_over);
        // Named, so that the data is the one that is looked at.
        env.charmproof(&["test", charm, "--model", "looked-at", "--logs", "logs"]).success()
    });
    let seen = seen.into_inner().unwrap();
    for unit in units {
        assert!(seen.keys().any(|key| key.ends_with(&format!(" {unit}"))), "{unit} was not seen: {seen:#?}");
    }
    for of_a_unit in seen.values() {
        timeline::check(of_a_unit);
    }
    let logs = env.work().join("logs").read_dir_utf8().unwrap().flatten();
    let logs: Vec<_> = logs.filter(|entry| entry.path().extension() == Some("log")).collect();
    assert!(!logs.is_empty(), "there are no logs of models");
    for log in logs {
        let judged = env.charmproof(&["validate", log.path().as_str()]).success();
        assert!(judged.contains(": valid, "), "{judged}");
    }
    // The supervisor stays for a moment, in case that somebody types another command.
    wait_for("all processes to end", Duration::from_secs(20), || processes_with(data.as_str()).is_empty());
    printed
}

/// Notes what each unit of each model looks like, where it differs from before.
fn look(env: &TestEnv, seen: &mut BTreeMap<String, Vec<Seen>>) {
    let json = |words: &[&str]| -> Value {
        let words = [&["juju"], words, &["--format", "json"]].concat();
        // What is gone meanwhile shows nothing.
        serde_json::from_str(&env.charmproof(&words).stdout).unwrap_or(Value::Null)
    };
    let models = json(&["models", "--all"]);
    for model in models["models"].as_array().into_iter().flatten() {
        let name = model["name"].as_str().unwrap_or_default().to_owned();
        let status = json(&["status", "-m", &name]);
        let units = status["applications"].as_object().into_iter().flatten();
        let units = units.flat_map(|(_, application)| application["units"].as_object().into_iter().flatten());
        for (unit, shown) in units {
            let before = seen.entry(format!("{name} {unit}")).or_default();
            if before.last() != Some(&Seen::of(shown)) {
                before.push(Seen::of(shown));
            }
        }
    }
}

#[test]
fn tinyproxy_goes_through_all_of_it() {
    let env = with(&["tinyproxy"]);
    env.charmproof(&["pack", "tinyproxy", "-o", "packed"]).success();
    let packed = env.work().join("packed").read_dir_utf8().unwrap().flatten();
    assert_eq!(packed.filter(|entry| entry.file_name().ends_with(".charm")).count(), 1);
    let checked = env.charmproof(&["check", "unit", "tinyproxy", "--swap", "ops==3.8.1"]);
    let told = checked.success();
    assert!(told.contains("1 still passing"), "{told}");
    let fuzzed = env.charmproof(&["fuzz", "tinyproxy", "--rules", "tinyproxy/rules.toml", "--seeds", "20"]);
    let fuzzed = fuzzed.success();
    assert!(fuzzed.contains("0 found in 20 lives"), "{fuzzed}");
    assert!(fuzzed.contains("6 of 6 handlers ran"), "{fuzzed}");
    let tested = tested(&env, "tinyproxy", &["tinyproxy/0"]);
    assert!(tested.contains("8 passed") && tested.contains("The suite passed after "), "{tested}");
}

#[test]
fn a_swap_breaks_no_unit_test_of_a_pair_of_charms() {
    let env = with(&["guestbook", "guestbook-database"]);
    let told = env.charmproof(&["check", "unit", ".", "--swap", "ops==3.8.1"]).success();
    assert!(told.contains("2 still passing"), "{told}");
    for charm in ["guestbook", "guestbook-database"] {
        let shown = env.charmproof(&["show", "latest", charm]).success();
        assert!(shown.contains("candidate: seen in the process: ops 3.8.1"), "{shown}");
    }
}

#[test]
fn a_pair_of_charms_with_workloads_goes_through_all_of_it() {
    let env = with(&["guestbook", "guestbook-database"]);
    let fuzzed = env.charmproof(&[
        "fuzz",
        "guestbook",
        "--with",
        "guestbook-database",
        "--integrate",
        "guestbook:database",
        "guestbook-database:database",
        "--seeds",
        "8",
    ]);
    let told = fuzzed.success();
    assert!(told.contains("0 found in 8 lives"), "{told}");
    let tested = tested(&env, "guestbook", &["guestbook/0", "guestbook/1", "guestbook-database/0"]);
    assert!(tested.contains("The suite passed after "), "{tested}");
    // Both charms are packed by the suite itself; the time line knows the units of both.
    assert!(tested.contains("guestbook-database/0: ") && tested.contains("guestbook/1: "), "{tested}");
}
