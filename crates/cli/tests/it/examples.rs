//! The examples through every command that a charm can go through, with nothing replaced: the packages are
//! those of the index, tinyproxy is the one of the distribution, and the suites are their own.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_testkit::TestEnv;

use crate::support::PROGRAM;

/// Surroundings with copies of some examples. Tools and packages are kept from test to test.
fn with(examples: &[&str]) -> TestEnv {
    let kept = Utf8Path::new(PROGRAM).parent().unwrap().join("e2e/examples");
    fs_err::create_dir_all(&kept).unwrap();
    let mut env = TestEnv::new(PROGRAM);
    env.set("XDG_CACHE_HOME", &kept);
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

#[test]
fn tinyproxy_goes_through_all_of_it() {
    let env = with(&["tinyproxy"]);
    env.charmproof(&["pack", "tinyproxy", "-o", "packed"]).success();
    let packed = env.work().join("packed").read_dir_utf8().unwrap().flatten();
    assert_eq!(packed.filter(|entry| entry.file_name().ends_with(".charm")).count(), 1);
    let checked = env.charmproof(&["check", "unit", "tinyproxy", "--swap", "ops==3.8.1"]);
    let told = checked.success();
    assert!(told.contains("1 still passing"), "{told}");
    let fuzzed = env.charmproof(&["fuzz", "tinyproxy", "--seeds", "20"]).success();
    assert!(fuzzed.contains("0 found in 20 lives"), "{fuzzed}");
    assert!(fuzzed.contains("6 of 6 handlers ran"), "{fuzzed}");
    let tested = env.charmproof(&["test", "tinyproxy"]).success();
    assert!(tested.contains("8 passed") && tested.contains("The suite passed after "), "{tested}");
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
    let tested = env.charmproof(&["test", "guestbook"]).success();
    assert!(tested.contains("The suite passed after "), "{tested}");
    // Both charms are packed by the suite itself; the time line knows the units of both.
    assert!(tested.contains("guestbook-database/0: ") && tested.contains("guestbook/1: "), "{tested}");
}
