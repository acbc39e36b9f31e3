//! The example fleet, with a release of ops that breaks two of its charms: what is
//! expected of every charm, and the same again from what is kept.

use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_testkit::TestEnv;
use serde_json::Value;

use crate::support::{PROGRAM, run_of, table};

/// What becomes of the suite of every charm: verdict, baseline and candidate.
const UNIT: &[(&str, &str)] = &[
    ("baseline-fails", "still-failing: fail -> fail"),
    ("broken-tox", "blocked: could-not-prepare/configuration -> could-not-prepare/configuration"),
    ("eats-memory", "still-failing: out-of-memory -> out-of-memory"),
    ("empty-suite", "unaffected: empty -> empty"),
    ("fetched-libs", "still-passing: pass -> pass"),
    ("flaky", "any"),
    ("floods-log", "still-passing: pass -> pass"),
    ("hangs", "still-failing: timeout -> timeout"),
    ("hash-pinned", "still-passing: pass -> pass"),
    ("justfile-only", "still-passing: pass -> pass"),
    ("legacy-reactive", "unaffected: filtered -> filtered"),
    ("makefile-only", "still-passing: pass -> pass"),
    ("monorepo-bundle", "unaffected: filtered -> filtered"),
    ("monorepo-bundle/charms/cache", "still-passing: pass -> pass"),
    ("monorepo-bundle/charms/web", "still-passing: pass -> pass"),
    ("monorepo-bundle/charms/worker", "regressed: pass -> fail"),
    ("needs-old-python", "blocked: could-not-prepare/interpreter -> could-not-prepare/interpreter"),
    ("ops-regression", "regressed: pass -> fail"),
    ("poetry-lock", "still-passing: pass -> pass"),
    ("requirements-split", "still-passing: pass -> pass"),
    ("scenario-alone", "still-passing: pass -> pass"),
    ("tinyproxy", "still-passing: pass -> pass"),
    ("tox-ini-deps", "still-passing: pass -> pass"),
    ("tox-toml", "still-passing: pass -> pass"),
    ("uv-groups", "still-passing: pass -> pass"),
    ("uv-run-frozen", "still-passing: pass -> pass"),
];

/// The cases that two charms lose, for one and the same reason.
const LOST: &[(&str, &str)] = &[
    ("ops-regression", "test_takes_the_token_back"),
    ("monorepo-bundle/charms/worker", "test_takes_the_key_back"),
];

/// Charms of which this host is said to be in trouble, or the charm itself, and never
/// the swap.
const NO_SIGNAL: &[&str] = &["broken-tox", "needs-old-python", "empty-suite"];

fn words(pair: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    format!(
        "{}: {} -> {}",
        word(&pair["verdict"]),
        word(&pair["baseline"]["outcome"]),
        word(&pair["candidate"]["outcome"])
    )
}

/// The packages of this fleet are many: they are kept from test to test, results not.
fn env() -> (TestEnv, Utf8PathBuf) {
    let kept = Utf8Path::new(PROGRAM).parent().unwrap().join("e2e/example-fleet");
    let cache = kept.join("charmproof");
    clear(&cache);
    fs_err::create_dir_all(&kept).unwrap();
    let mut env = TestEnv::new(PROGRAM);
    env.set("XDG_CACHE_HOME", &kept);
    (env, cache)
}

/// Removes all but tools and packages.
fn clear(cache: &Utf8Path) {
    for name in ["store", "work/s", "work/t", "swaps", "libraries"] {
        if cache.join(name).exists() {
            fs_err::remove_dir_all(cache.join(name)).unwrap();
        }
    }
}

#[test]
fn the_example_fleet_ends_as_its_table_says() {
    let (mut env, cache) = env();
    env.set_limit(Duration::from_mins(20));
    let fleet = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/fleet/fleet.toml");
    let counter = format!("FLAKY_COUNTER_FILE={}", cache.join("work/flaky"));
    let _ = fs_err::remove_file(cache.join("work/flaky"));
    let words_of_check = [
        "check",
        "unit",
        "lint",
        fleet,
        "--baseline",
        "ops==3.7.1",
        "--swap",
        "ops==3.8.0",
        "--env",
        &counter,
    ];
    let result = env.charmproof(&words_of_check).expect_code(1);
    let report_of = |result: &charmproof_testkit::CliResult| -> Value {
        let run = run_of(&result.stderr).unwrap();
        serde_json::from_str(&env.charmproof(&["report", &run, "--format", "json"]).success()).unwrap()
    };
    let report = report_of(&result);
    let pairs = report["pairs"].as_array().unwrap();
    let pair = |charm: &str, target: &str| {
        pairs.iter().find(|pair| pair["charm"] == charm && pair["target"] == target)
    };

    let mut left_out: Vec<&str> =
        report["left_out"].as_array().unwrap().iter().map(|entry| entry["charm"].as_str().unwrap()).collect();
    left_out.sort_unstable();
    assert_eq!(left_out, ["legacy-reactive", "monorepo-bundle"]);
    let mut wrong = Vec::new();
    for (charm, expected) in UNIT {
        let found = match pair(charm, "unit") {
            Some(pair) => words(pair),
            None => "absent".to_owned(),
        };
        if found != *expected && *expected != "any" {
            wrong.push(format!("{charm} unit: {found}, not {expected}"));
        }
        // Where a charm has a lint suite that can be run, it passes.
        if let Some(pair) = pair(charm, "lint")
            && !words(pair).contains("filtered")
            && !words(pair).contains("no-such-target")
            && !words(pair).contains("could-not-prepare/")
            && !words(pair).contains("not-used")
            && words(pair) != "still-passing: pass -> pass"
        {
            wrong.push(format!("{charm} lint: {}", words(pair)));
        }
    }
    let known: Vec<&str> = UNIT.iter().map(|(charm, _)| *charm).collect();
    let unknown: Vec<&str> = pairs
        .iter()
        .map(|pair| pair["charm"].as_str().unwrap())
        .filter(|charm| !known.contains(charm))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "{result}");
    assert_eq!(unknown, Vec::<&str>::new(), "charms that the table above lacks");

    let flaky = &pair("flaky", "unit").unwrap()["verdict"];
    assert!(flaky == "flaky" || flaky == "still-passing" || flaky == "still-failing", "{flaky}");
    for charm in NO_SIGNAL {
        assert_eq!(pair(charm, "unit").unwrap()["signal"], false, "{charm}");
    }

    // One cause, two charms.
    let causes = report["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1, "{causes:#?}");
    assert_eq!(causes[0]["charms"].as_array().unwrap().len(), 2, "{causes:#?}");
    assert_eq!(causes[0]["failure"]["message"], "'frozenset' object has no attribute 'remove'");
    for (charm, case) in LOST {
        let cases = pair(charm, "unit").unwrap()["cases"].as_array().unwrap();
        let regressed: Vec<&str> = cases
            .iter()
            .filter(|case| case["verdict"] == "regressed")
            .map(|case| case["case"].as_str().unwrap())
            .collect();
        assert_eq!(regressed.len(), 1, "{charm}: {regressed:?}");
        assert!(regressed[0].ends_with(case), "{charm}: {regressed:?}");
    }

    // Every pass of a candidate is proven, and with the companions of ops.
    for pair in pairs.iter().filter(|pair| pair["target"] == "unit" && pair["candidate"]["outcome"] == "pass")
    {
        for run in pair["runs"].as_array().unwrap() {
            assert_eq!(
                run["proof"], "in-process",
                "{} {}: {}",
                pair["charm"], run["side"], run["proof_summary"]
            );
            let (ops, scenario) =
                if run["side"] == "candidate" { ("3.8.0", "8.8.0") } else { ("3.7.1", "8.7.1") };
            for (package, version) in [("ops", ops), ("ops-scenario", scenario)] {
                for seen in run["sightings"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|seen| seen["package"] == package && seen["version"] != "")
                {
                    assert_eq!(seen["version"], version, "{package} in {} {}", pair["charm"], run["side"]);
                }
            }
        }
    }

    // 60 MB were printed, and no more than the limit is kept, from both ends.
    let run = run_of(&result.stderr).unwrap();
    let log = env.charmproof(&["show", &run, "floods-log", "unit", "--log", "candidate"]).success();
    assert!(log.len() <= 4 * 1024 * 1024 + 1024, "{} bytes", log.len());
    assert!(log.len() >= 1024 * 1024, "{} bytes", log.len());
    assert!(log.contains("000000 disk is nearly full") && log.contains("599999 disk is nearly full"));

    // The same again: nothing is run.
    let begun = Instant::now();
    let again = env.charmproof(&words_of_check).expect_code(1);
    let took = begun.elapsed();
    let second = report_of(&again);
    assert_eq!(table(&second), table(&report));
    let units: u64 = pairs
        .iter()
        .flat_map(|pair| pair["runs"].as_array().unwrap())
        .filter(|run| run["inputs"].as_str().is_some_and(|inputs| !inputs.is_empty()))
        .count() as u64;
    assert_eq!(second["run"]["reused"], units, "{}", again.stderr);
    let limit = if cfg!(debug_assertions) { Duration::from_secs(3) } else { Duration::from_millis(1500) };
    assert!(took < limit, "nothing was to be run, and it took {took:?}");
    // Now they are quickly found; the next time they would have to be read.
    clear(&cache);
}
