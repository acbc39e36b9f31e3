//! Runs that are killed or interrupted, and finished afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use camino::Utf8PathBuf;
use charmproof_testkit::{processes_with, wait_for, wait_until};
use serde_json::Value;

use crate::support::{World, small_greeter, table};

/// Tests that have nothing to do with what is swapped.
const OTHER: &str = "import unittest\n\nimport charmgreet\n\n\nclass Other(unittest.TestCase):\n    def test_other(self):\n        self.assertTrue(charmgreet)\n";

/// With a second attempt, so that a kill can also fall into the repetitions.
const WORDS: [&str; 8] =
    ["check", "unit", "./fleet", "--swap", "charmgreet==2.0", "--no-reuse", "--attempts", "2"];

/// Six charms, of which two regress.
fn fleet() -> World {
    let world = World::new();
    for name in ["a", "d"] {
        world.add(&small_greeter(name));
    }
    for name in ["b", "c", "e", "f"] {
        world.add(&small_greeter(name).with_file("tests/unit/test_charm.py", OTHER));
    }
    world
}

fn spawn(world: &World, words: &[&str]) -> Child {
    let mut command = world.env.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Returns the folders of all runs, oldest first.
fn runs(world: &World) -> Vec<Utf8PathBuf> {
    let Ok(entries) = world.cache().join("store/runs").read_dir_utf8() else { return Vec::new() };
    let mut runs: Vec<Utf8PathBuf> = entries
        .flatten()
        .map(|entry| entry.path().to_owned())
        .filter(|path| path.join("log.jsonl").is_file())
        .collect();
    runs.sort();
    runs
}

/// Returns the whole lines of a log.
fn events(run: &Utf8PathBuf) -> Vec<Value> {
    let text = fs_err::read_to_string(run.join("log.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn finished(world: &World) -> usize {
    let runs = runs(world);
    runs.last().map_or(0, |run| events(run).iter().filter(|event| event["event"] == "unit-finished").count())
}

/// Checks that nothing that had a result was started or recorded again.
#[track_caller]
fn assert_nothing_twice(run: &Utf8PathBuf) {
    let mut done = BTreeSet::new();
    for event in events(run) {
        let unit = event["unit"].to_string();
        match event["event"].as_str() {
            Some("unit-started") => assert!(!done.contains(&unit), "{unit} was run although it had a result"),
            Some("unit-finished") => assert!(done.insert(unit.clone()), "{unit} has two results"),
            _ => {}
        }
    }
}

/// Waits until no process of this world is left.
#[track_caller]
fn assert_nothing_runs(world: &World) {
    let root = world.env.root().as_str();
    let left = || processes_with(root);
    let gone = wait_until(Duration::from_secs(20), || left().is_empty().then_some(()));
    assert!(gone.is_some(), "still there: {:#?}", left());
}

fn without_times(table: &str) -> BTreeSet<String> {
    table.lines().map(str::to_owned).collect()
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_like_any_other() {
    let undisturbed = fleet();
    let expected = undisturbed.checked(undisturbed.env.charmproof(&WORDS)).code(1);

    let world = fleet();
    let mut numbers = Numbers(2026);
    let mut kills = 0;
    // Until it has been killed five times, at moments that know nothing of what is done.
    for round in 0..30 {
        if kills == 5 {
            break;
        }
        let begun = runs(&world);
        let mut child = match begun.last() {
            Some(run) => spawn(&world, &["resume", run.file_name().unwrap()]),
            None => spawn(&world, &WORDS),
        };
        let before = finished(&world);
        let wanted = before + numbers.below(3) as usize;
        let more = Duration::from_millis(numbers.below(700));
        // A number of results, and then some time that has no meaning.
        let ended = wait_until(Duration::from_mins(2), || {
            let status = child.try_wait().unwrap();
            (status.is_some() || finished(&world) >= wanted).then_some(status)
        });
        let ended = match ended.flatten() {
            Some(status) => Some(status),
            None => wait_until(more, || child.try_wait().unwrap()),
        };
        if ended.is_some() {
            let output = child.wait_with_output().unwrap();
            panic!(
                "round {round} ended by itself after {kills} kills:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        assert_nothing_runs(&world);
        if let Some(run) = runs(&world).last() {
            // What a kill in the midst of a write leaves.
            let log = run.join("log.jsonl");
            let mut text = fs_err::read_to_string(&log).unwrap();
            if text.ends_with('\n') && round % 2 == 1 {
                text.push_str("{\"event\":\"unit-finished\",\"unit\":{\"subj");
                fs_err::write(&log, text).unwrap();
            }
        }
    }
    assert_eq!(kills, 5);
    let all = runs(&world);
    assert_eq!(all.len(), 1, "each time the same run was taken up: {all:?}");
    let result = world.checked(world.env.charmproof(&["resume"])).code(1);
    assert_eq!(without_times(&result.table()), without_times(&expected.table()));
    assert_eq!(result.report["run"]["ending"], "completed");
    assert_eq!(result.report["run"]["unfinished"], 0);
    assert_nothing_twice(&all[0]);
    assert_nothing_runs(&world);

    // There is nothing more to do, and doing it changes nothing.
    let size = events(&all[0]).iter().filter(|event| event["event"] == "unit-started").count();
    let again = world.checked(world.env.charmproof(&["resume"])).code(1);
    assert!(again.result.stderr.contains("is complete already"), "{}", again.result);
    let after = events(&all[0]).iter().filter(|event| event["event"] == "unit-started").count();
    assert_eq!(size, after);
}

#[test]
fn an_interrupted_run_shows_what_it_has_and_can_be_finished() {
    for (signal, name) in [("-INT", "SIGINT"), ("-TERM", "SIGTERM")] {
        let world = fleet();
        let child = spawn(&world, &[&WORDS[..], &["--jobs", "1"]].concat());
        wait_for("two results", Duration::from_mins(2), || finished(&world) >= 2);
        let refused = world.env.charmproof(&["clean"]);
        assert!(refused.stderr.contains("is under way in this cache"), "{refused}");
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(130), "{name}\n{stdout}\n{stderr}");
        let run = runs(&world).pop().unwrap();
        let run_name = run.file_name().unwrap();
        assert!(
            stderr.contains(&format!("interrupted; `charmproof resume {run_name}` finishes it")),
            "{stderr}"
        );
        // The summary says that it is partial.
        let partial = world.report(run_name);
        assert_eq!(partial["run"]["ending"], "interrupted");
        assert_eq!(partial["verdict"]["partial"], true);
        assert!(partial["run"]["unfinished"].as_u64().unwrap() > 0, "{}", partial["run"]);
        assert!(stdout.contains("interrupted") || stdout.contains("unfinished"), "{stdout}");
        assert_nothing_runs(&world);

        let finished = world.checked(world.env.charmproof(&["resume", run_name, "--jobs", "2"])).code(1);
        assert_eq!(finished.report["run"]["ending"], "completed");
        assert_eq!(finished.unit("a"), "regressed: pass -> fail");
        assert_eq!(finished.unit("f"), "still-passing: pass -> pass");
        assert_eq!(finished.report["run"]["unfinished"], 0);
        assert_nothing_twice(&run);
        let _ = world.env.charmproof(&["clean"]).success();
        assert!(!world.cache().join("work/s").exists());
    }
}

/// What was swapped in is no longer what it was, so a run must not be finished with it.
#[test]
fn a_run_is_not_finished_with_another_swap() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.add(&small_greeter(name));
    }
    world.checkout("operator", "2.0", crate::support::LOUD);
    let words = ["check", "unit", "./fleet", "--swap", "charmgreet @ ./operator", "--jobs", "1"];
    let mut child = spawn(&world, &words);
    wait_for("a result", Duration::from_mins(2), || finished(&world) >= 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nothing_runs(&world);

    let settled: BTreeMap<Utf8PathBuf, usize> =
        runs(&world).into_iter().map(|run| (run.clone(), events(&run).len())).collect();
    world.checkout("operator", "2.0", crate::support::POLITE);
    let refused = world.env.charmproof(&["resume"]).expect_code(2);
    assert!(refused.stderr.contains("has changed since the run began"), "{refused}");
    for (run, count) in settled {
        assert_eq!(events(&run).len(), count, "nothing is added to it");
    }

    world.checkout("operator", "2.0", crate::support::LOUD);
    let finished = world.checked(world.env.charmproof(&["resume"])).code(1);
    assert!(table(&finished.report).contains("regressed"), "{}", finished.result);
}
