use fs_err as fs;

use super::{FORMAT_FILE, RunRef, Store, run_id};
use crate::error::Error;
use crate::event::{Ending, Event, RunId, Side};
use crate::outcome::Outcome;
use crate::test_support::{folder, head, moment, plan, result};
use crate::verdict::Verdict;

fn create(store: &Store, name: &str, second: i64) {
    let mut writer = store.create_run(&head(name, second)).unwrap();
    store.append(&mut writer, &Event::Planned(plan(&["a"], &["unit"]))).unwrap();
}

#[test]
fn names_of_runs_are_times() {
    let at = "2026-11-21T13:02:11.9+00:00".parse().unwrap();
    assert_eq!(run_id(at, 0).0, "20261121-130211-bbbb");
    let mut seen: Vec<_> = (0..1 << 20).step_by(997).map(|random| run_id(at, random)).collect();
    let number = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), number);
    assert!(run_id(at, u32::MAX).0.starts_with("20261121-130211-"));
}

#[test]
fn runs_are_found_by_name_start_place_and_path() {
    let folder = folder();
    let store = Store::open(&folder.path).unwrap();
    let find = |text: &str| store.find(&RunRef::parse(text)).map(|dir| dir.file_name().unwrap().to_owned());
    assert!(matches!(find("latest"), Err(Error::NoRun { .. })));
    // Neither in the order of their names nor of their making.
    create(&store, "20261121-abc", 20);
    create(&store, "20261121-abd", 30);
    create(&store, "20261121", 10);
    for (text, name) in [
        ("latest", "20261121-abd"),
        ("previous", "20261121-abc"),
        ("20261121-abc", "20261121-abc"),
        ("20261121", "20261121"),
        (store.run_dir(&RunId("20261121-abc".into())).as_str(), "20261121-abc"),
    ] {
        assert_eq!(find(text).unwrap(), name, "{text}");
    }
    let error = find("20261121-").unwrap_err();
    assert_eq!(error.to_string(), "\"20261121-\" may be any of 20261121-abc, 20261121-abd");
    for text in ["2025", "", "./nowhere", "20261121-abcd"] {
        assert!(matches!(find(text), Err(Error::NoRun { .. })), "{text}");
    }
    let names: Vec<_> = store.runs().unwrap().into_iter().map(|run| run.id.0).collect();
    assert_eq!(names, ["20261121-abd", "20261121-abc", "20261121"]);
}

#[test]
fn names_that_are_no_folders_are_refused() {
    let folder = folder();
    let store = Store::open(&folder.path).unwrap();
    for name in ["", "..", "a/b", ".x", "-x", "a b"] {
        assert!(matches!(store.create_run(&head(name, 0)), Err(Error::BadName { .. })), "{name}");
    }
    create(&store, "r", 0);
    assert!(matches!(store.create_run(&head("r", 0)), Err(Error::Exists { .. })));
}

#[test]
fn a_newer_store_is_left_alone() {
    let folder = folder();
    fs::write(folder.path.join(FORMAT_FILE), "2\n").unwrap();
    let text = Store::open(&folder.path).unwrap_err().to_string();
    assert!(text.ends_with("(format 2; this one reads up to 1)"), "{text}");
    assert_eq!(fs::read_dir(&folder.path).unwrap().count(), 1);
    fs::write(folder.path.join(FORMAT_FILE), "who knows").unwrap();
    assert!(matches!(Store::open(&folder.path), Err(Error::BadFormat { .. })));
}

#[test]
fn a_run_is_taken_up_again_and_finished() {
    let folder = folder();
    let store = Store::open(&folder.path).unwrap();
    let name = RunRef::Name("r".into());
    create(&store, "r", 0);
    let (mut writer, run) = store.resume(&name, moment(5)).unwrap();
    assert!(run.planned && run.results.is_empty());
    assert!(matches!(store.resume(&name, moment(6)), Err(Error::Locked { .. })));
    assert!(matches!(store.delete(&name), Err(Error::Locked { .. })));
    for side in [Side::Baseline, Side::Candidate] {
        let event = Event::UnitFinished(Box::new(result(side, 0, Outcome::Pass, vec![])));
        store.append(&mut writer, &event).unwrap();
    }
    let event = Event::RunFinished { at: moment(9), ending: Ending::Completed };
    store.append(&mut writer, &event).unwrap();
    drop(writer);
    let run = store.run(&RunRef::Latest).unwrap();
    assert_eq!((run.ending, run.resumed.as_slice()), (Some(Ending::Completed), &[moment(5)][..]));
    assert_eq!(run.comparison().pairs[0].verdict, Verdict::StillPassing);
    let summary = &store.runs().unwrap()[0];
    assert_eq!((summary.units, summary.subjects), (2, 1));
    assert_eq!(summary.candidate, ["ops@3.9.0"]);
    assert_eq!(summary.finished_at, Some(moment(9)));
}

#[test]
fn a_deleted_run_is_gone() {
    let folder = folder();
    let store = Store::open(&folder.path).unwrap();
    create(&store, "r", 0);
    let outside = folder.path.join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::copy(store.run_dir(&RunId("r".into())).join("log.jsonl"), outside.join("log.jsonl")).unwrap();
    assert!(matches!(store.delete(&RunRef::Path(outside.clone())), Err(Error::NoRun { .. })));
    assert_eq!(store.delete(&RunRef::Name("r".into())).unwrap(), RunId("r".into()));
    assert!(store.runs().unwrap().is_empty());
    assert_eq!(fs::read_dir(folder.path.join("runs")).unwrap().count(), 0);
    assert!(store.run(&RunRef::Path(outside)).is_ok());
}

#[test]
fn a_run_that_cannot_be_read_spoils_no_other() {
    let folder = folder();
    let store = Store::open(&folder.path).unwrap();
    create(&store, "good", 0);
    let bad = folder.path.join("runs/bad");
    fs::create_dir_all(&bad).unwrap();
    fs::write(bad.join("log.jsonl"), "rubbish\n").unwrap();
    let again = Store::open(&folder.path).unwrap();
    assert_eq!(again.warnings().len(), 1);
    assert!(again.warnings()[0].starts_with("the run bad is left out: "), "{:?}", again.warnings());
    assert_eq!(again.runs().unwrap().len(), 1);
    assert!(again.run(&RunRef::Latest).is_ok());
}
