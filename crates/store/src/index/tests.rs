use std::time::Instant;

use fs_err as fs;

use super::{Cost, INDEX_VERSION, Index};
use crate::error::Error;
use crate::event::{Ending, Event, RunId, Side, UnitResult};
use crate::log::LOG_FILE;
use crate::outcome::{Outcome, PrepareKind};
use crate::store::{RunRef, Store};
use crate::test_support::{Folder, case, folder, head, moment, plan, result, unit};

fn store() -> (Folder, Store) {
    let folder = folder();
    let store = Store::open(&folder.path).unwrap();
    (folder, store)
}

/// Writes a whole run of these results.
fn run(store: &Store, name: &str, second: i64, results: Vec<UnitResult>) {
    let mut writer = store.create_run(&head(name, second)).unwrap();
    assert_eq!(store.append(&mut writer, &Event::Planned(plan(&["a"], &["unit"]))).unwrap(), None);
    for result in results {
        let unit = result.unit.clone();
        store.append(&mut writer, &Event::UnitStarted { unit, at: moment(second) }).unwrap();
        store.append(&mut writer, &Event::UnitFinished(Box::new(result))).unwrap();
    }
    let event = Event::RunFinished { at: moment(second + 60), ending: Ending::Completed };
    store.append(&mut writer, &event).unwrap();
}

fn made(inputs: &str, second: i64, outcome: Outcome) -> UnitResult {
    let mut made = result(Side::Baseline, 0, outcome, vec![case("x", outcome)]);
    made.inputs = inputs.into();
    made.started_at = moment(second);
    made
}

#[test]
fn the_newest_fit_result_is_found() {
    let (_folder, store) = store();
    run(&store, "one", 0, vec![made("i", 1, Outcome::Pass)]);
    run(&store, "two", 100, vec![made("i", 101, Outcome::Fail), made("other", 102, Outcome::Pass)]);
    // Of one unit the last result counts.
    let found = store.find_reusable("other").unwrap().unwrap();
    assert_eq!(found.found_in, RunId("two".into()));
    assert_eq!(found.result.reused_from, Some(RunId("two".into())));
    let found = store.find_reusable("i").unwrap().unwrap();
    assert_eq!(found.found_in, RunId("one".into()));
    assert_eq!(store.find_reusable("nothing").unwrap(), None);

    let mut reused = found.result;
    reused.started_at = moment(1);
    run(&store, "three", 200, vec![reused]);
    let found = store.find_reusable("i").unwrap().unwrap();
    assert_eq!(found.result.reused_from, Some(RunId("one".into())));
}

#[test]
fn what_is_not_fit_is_not_found() {
    let (_folder, store) = store();
    let mut flaky = made("flaky", 4, Outcome::Fail);
    flaky.unit.attempt = 1;
    let network = Outcome::CouldNotPrepare(PrepareKind::Network);
    let named = |name: &str, mut result: UnitResult| {
        result.unit = unit(name, "unit", Side::Baseline, 0);
        result
    };
    run(
        &store,
        "one",
        0,
        vec![
            named("b", made("ours", 1, Outcome::ToolFailed)),
            named("c", made("network", 2, network)),
            named("d", made("", 2, Outcome::Pass)),
            made("flaky", 3, Outcome::Pass),
            flaky,
        ],
    );
    for inputs in ["ours", "network", "", "flaky"] {
        assert_eq!(store.find_reusable(inputs).unwrap(), None, "{inputs}");
    }
}

#[test]
fn an_entry_whose_line_or_output_is_gone_is_dropped() {
    let (_folder, store) = store();
    run(&store, "one", 0, vec![made("i", 1, Outcome::Pass)]);
    let mut with_log = made("j", 1, Outcome::Pass);
    with_log.log = Some(crate::event::OutputId("0".repeat(64)));
    run(&store, "two", 1, vec![with_log]);
    assert_eq!(store.find_reusable("j").unwrap(), None);

    let log = store.run_dir(&RunId("one".into())).join(LOG_FILE);
    let text = fs::read_to_string(&log).unwrap().replace("\"inputs\":\"i\"", "\"inputs\":\"k\"");
    fs::write(&log, text).unwrap();
    assert_eq!(store.find_reusable("i").unwrap(), None);
    let dump = store.index().dump().unwrap();
    assert!(!dump.iter().any(|line| line.starts_with("units")), "{dump:?}");
    fs::remove_file(&log).unwrap();
    assert_eq!(store.find_reusable("i").unwrap(), None);
}

#[test]
fn cost_is_what_the_last_times_took() {
    let (_folder, store) = store();
    assert_eq!(store.expected_cost("a", "unit").unwrap(), None);
    for second in 0..7 {
        let mut one = made("i", second, Outcome::Pass);
        one.duration_ms = 1000 * second as u64;
        one.memory_peak_bytes = (second == 3).then_some(77);
        run(&store, &format!("r{second}"), second, vec![one]);
    }
    // A run that could not even be prepared says nothing of what it takes.
    let unprepared = Outcome::CouldNotPrepare(PrepareKind::Tool);
    run(&store, "r8", 8, vec![made("i", 8, unprepared)]);
    let expected = Cost { duration_ms: 4000, memory_bytes: Some(77) };
    assert_eq!(store.expected_cost("a", "unit").unwrap(), Some(expected));
}

#[test]
fn a_rebuilt_index_is_the_same() {
    let (_folder, store) = store();
    run(&store, "one", 0, vec![made("i", 1, Outcome::Pass), made("i", 2, Outcome::Fail)]);
    run(&store, "two", 10, vec![made("j", 11, Outcome::Timeout)]);
    let (mut writer, _) = store.resume(&RunRef::Name("one".into()), moment(50)).unwrap();
    let event = Event::UnitFinished(Box::new(made("k", 51, Outcome::Pass)));
    store.append(&mut writer, &event).unwrap();
    store.append(&mut writer, &Event::Warned { message: "w".into() }).unwrap();
    drop(writer);
    let dump = store.index().dump().unwrap();
    assert_eq!(dump.len(), 4);
    assert_eq!(store.rebuild_index().unwrap(), Vec::<String>::new());
    assert_eq!(store.index().dump().unwrap(), dump);
}

#[test]
fn the_index_follows_the_logs() {
    let (folder, store) = store();
    run(&store, "one", 0, vec![made("i", 1, Outcome::Pass)]);
    run(&store, "two", 10, vec![made("j", 11, Outcome::Pass)]);
    let (mut writer, _) = store.resume(&RunRef::Name("two".into()), moment(50)).unwrap();
    // Written past the index, as after a kill between the two.
    writer.append(&Event::UnitFinished(Box::new(made("k", 51, Outcome::Pass)))).unwrap();
    let event = Event::RunFinished { at: moment(60), ending: Ending::Completed };
    store.append(&mut writer, &event).unwrap();
    assert!(store.find_reusable("k").unwrap().is_some());
    let dump = store.index().dump().unwrap();
    store.rebuild_index().unwrap();
    assert_eq!(store.index().dump().unwrap(), dump);

    fs::remove_dir_all(folder.path.join("runs/one")).unwrap();
    let again = Store::open(&folder.path).unwrap();
    let names: Vec<_> = again.index().runs().unwrap().into_iter().map(|run| run.id.0).collect();
    assert_eq!(names, ["two"]);
    assert_eq!(again.find_reusable("i").unwrap(), None);
}

#[test]
fn several_writers_share_an_index() {
    let (folder, store) = store();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let root = folder.path.clone();
            scope.spawn(move || {
                // Each as another process would.
                let store = Store::open(&root).unwrap();
                let made = |n: i64| made(&format!("i{writer}-{n}"), n, Outcome::Pass);
                for n in 0..5 {
                    run(&store, &format!("r{writer}-{n}"), n, vec![made(n)]);
                }
            });
        }
    });
    store.index().refresh().unwrap();
    let dump = store.index().dump().unwrap();
    assert_eq!(dump.len(), 40);
    store.rebuild_index().unwrap();
    assert_eq!(store.index().dump().unwrap(), dump);
}

#[test]
fn a_damaged_index_is_moved_aside_and_made_anew() {
    let (folder, store) = store();
    run(&store, "one", 0, vec![made("i", 1, Outcome::Pass)]);
    let dump = store.index().dump().unwrap();
    let path = store.index().path().to_owned();
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut inside = whole.clone();
    inside[4096..].fill(0x5a);
    for damaged in [b"not a database at all".repeat(300), inside, whole[..5000].to_vec()] {
        fs::write(&path, damaged).unwrap();
        let store = Store::open(&folder.path).unwrap();
        assert_eq!(store.index().dump().unwrap(), dump);
        assert_eq!(store.warnings().len(), 1, "{:?}", store.warnings());
        assert!(store.warnings()[0].contains("moved to"), "{:?}", store.warnings());
    }
    // One that is simply gone is nothing to talk about.
    fs::remove_file(&path).unwrap();
    let store = Store::open(&folder.path).unwrap();
    assert_eq!(store.index().dump().unwrap(), dump);
    assert!(store.warnings().is_empty());
}

#[test]
fn the_index_of_a_newer_build_is_not_touched() {
    let (folder, store) = store();
    let path = store.index().path().to_owned();
    drop(store);
    let newer = INDEX_VERSION + 1;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", newer).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let error = Index::open(&path, &folder.path.join("runs")).unwrap_err();
    assert!(matches!(error, Error::NewerIndex { found, .. } if found == newer));
    assert!(error.hint().is_some());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn fifty_look_ups_take_no_time() {
    let (_folder, store) = store();
    let big = |n: u32| {
        let mut big = made(&format!("i{n}"), i64::from(n), Outcome::Pass);
        big.unit = unit(&format!("charm-{n}"), "unit", Side::Baseline, 0);
        big.cases =
            (0..200).map(|n| case(&format!("tests/unit/test_charm.py::test_{n}"), Outcome::Pass)).collect();
        big
    };
    run(&store, "one", 0, (0..200).map(big).collect());
    let begun = Instant::now();
    for n in 0..50 {
        assert!(store.find_reusable(&format!("i{n}")).unwrap().is_some());
    }
    let taken = begun.elapsed();
    // Generous to a busy machine: 14 ms were measured, unoptimised.
    assert!(taken.as_millis() < 500, "{taken:?}");
}

#[test]
fn many_open_a_new_index_at_once() {
    for round in 0..200 {
        let folder = folder();
        let path = folder.path.join(format!("{round}.sqlite"));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Index::open(&path, &folder.path).unwrap());
            }
        });
    }
}
