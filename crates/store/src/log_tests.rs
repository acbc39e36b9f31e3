use camino::Utf8Path;
use fs_err as fs;

use super::{LOG_FILE, RunWriter, is_being_written, read_output, visit};
use crate::error::Error;
use crate::event::{Ending, Event, OutputId, RunId, Side};
use crate::outcome::Outcome;
use crate::run::Run;
use crate::test_support::{case, folder, head, moment, plan, result, unit};

fn finished(attempt: u32) -> Event {
    Event::UnitFinished(Box::new(result(
        Side::Baseline,
        attempt,
        Outcome::Pass,
        vec![case("x ü\n", Outcome::Fail)],
    )))
}

fn all_kinds() -> Vec<Event> {
    vec![
        Event::Planned(plan(&["a"], &["unit"])),
        Event::UnitStarted { unit: unit("a", "unit", Side::Baseline, 0), at: moment(1) },
        finished(0),
        Event::Warned { message: "the disk is slow".into() },
        finished(1),
        Event::RunFinished { at: moment(9), ending: Ending::Interrupted },
    ]
}

fn write(dir: &Utf8Path, events: &[Event]) {
    let (mut writer, _) = RunWriter::create(dir, &head("r", 0)).unwrap();
    for event in events {
        writer.append(event).unwrap();
    }
}

fn events(dir: &Utf8Path) -> Vec<Event> {
    let mut events = Vec::new();
    visit(dir, 0, |_, event| {
        events.push(event.unwrap());
        Ok(())
    })
    .unwrap();
    events
}

#[test]
fn what_is_written_is_read() {
    let folder = folder();
    let dir = folder.path.join("r");
    write(&dir, &all_kinds());
    assert_eq!(events(&dir)[1..], all_kinds());
    let run = Run::read(&dir).unwrap();
    assert_eq!(run.started, head("r", 0));
    assert_eq!(run.plan, plan(&["a"], &["unit"]));
    assert_eq!(run.results.len(), 2);
    assert_eq!(run.warnings, ["the disk is slow"]);
    assert_eq!((run.ending, run.finished_at), (Some(Ending::Interrupted), Some(moment(9))));
    assert!(run.in_flight.is_empty() && run.problems.is_empty() && run.planned);
}

/// Killed at every byte, the run reads as far as it was whole, and is taken up
/// again as if the torn line had never been begun.
#[test]
fn a_log_torn_at_any_byte_is_read_and_taken_up_again() {
    let folder = folder();
    let whole_dir = folder.path.join("whole");
    write(&whole_dir, &all_kinds());
    let whole = fs::read(whole_dir.join(LOG_FILE)).unwrap();
    let head_end = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;

    let torn_dir = folder.path.join("torn");
    fs::create_dir_all(torn_dir.join("outputs")).unwrap();
    for cut in 0..=whole.len() {
        fs::write(torn_dir.join(LOG_FILE), &whole[..cut]).unwrap();
        if cut < head_end {
            assert!(matches!(Run::read(&torn_dir), Err(Error::NoHead { .. })), "{cut}");
            assert!(matches!(RunWriter::reopen(&torn_dir), Err(Error::NoHead { .. })), "{cut}");
            continue;
        }
        let lines =
            whole[..cut].split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")).count();
        let run = Run::read(&torn_dir).unwrap();
        assert_eq!(run.problems, [], "{cut}");
        let read = events(&torn_dir);
        assert_eq!(read[1..], all_kinds()[..lines - 1], "{cut}");

        let mut writer = RunWriter::reopen(&torn_dir).unwrap();
        // Cut off, not only overwritten: what follows may be shorter.
        let left = fs::read(torn_dir.join(LOG_FILE)).unwrap();
        assert!(left.len() <= cut && left.ends_with(b"\n"), "{cut}");
        writer.append(&Event::RunResumed { at: moment(20) }).unwrap();
        writer.append(&finished(7)).unwrap();
        drop(writer);
        let mut expected = read;
        expected.extend([Event::RunResumed { at: moment(20) }, finished(7)]);
        assert_eq!(events(&torn_dir), expected, "{cut}");
        let run = Run::read(&torn_dir).unwrap();
        assert_eq!((run.ending, run.resumed.len()), (None, 1));
    }
}

#[test]
fn a_damaged_line_costs_itself_only() {
    let folder = folder();
    let dir = folder.path.join("r");
    write(&dir, &all_kinds());
    let text = fs::read_to_string(dir.join(LOG_FILE)).unwrap();
    let mut lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
    lines[3] = b"{\"event\": \"unit-fin\xff\0";
    let mut bytes = lines.join(&b'\n');
    bytes.push(b'\n');
    fs::write(dir.join(LOG_FILE), bytes).unwrap();
    let run = Run::read(&dir).unwrap();
    assert_eq!(run.results.len(), 1);
    assert_eq!(run.ending, Some(Ending::Interrupted));
    assert_eq!(run.problems.len(), 1);
    assert!(run.problems[0].to_string().starts_with("line 4 of the log: "), "{}", run.problems[0]);
}

#[test]
fn a_newer_log_is_left_alone() {
    let folder = folder();
    let dir = folder.path.join("r");
    fs::create_dir_all(&dir).unwrap();
    let line = "{\"event\":\"run-started\",\"schema\":7,\"something\":\"new\"}\n";
    fs::write(dir.join(LOG_FILE), line).unwrap();
    for error in [Run::read(&dir).unwrap_err(), RunWriter::reopen(&dir).unwrap_err()] {
        let text = error.to_string();
        assert!(
            text.ends_with("was written by a newer charmproof (schema 7; this one reads up to 1)"),
            "{text}"
        );
        assert!(error.hint().is_some());
    }
    assert_eq!(fs::read_to_string(dir.join(LOG_FILE)).unwrap(), line);
}

#[test]
fn two_processes_cannot_write_one_run() {
    let folder = folder();
    let dir = folder.path.join("r");
    let (writer, _) = RunWriter::create(&dir, &head("r", 0)).unwrap();
    assert!(is_being_written(&dir));
    let error = RunWriter::reopen(&dir).unwrap_err();
    let text = format!("the run r is being written by process {}", std::process::id());
    assert_eq!(error.to_string(), text);
    assert!(matches!(RunWriter::create(&dir, &head("r", 0)), Err(Error::Exists { run: RunId(_) })));
    drop(writer);
    assert!(!is_being_written(&dir));
    RunWriter::reopen(&dir).unwrap();
}

#[test]
fn what_a_kill_left_of_a_new_run_is_no_hindrance() {
    let folder = folder();
    fs::create_dir_all(folder.path.join(".new-r/outputs")).unwrap();
    fs::write(folder.path.join(".new-r").join(LOG_FILE), "{").unwrap();
    write(&folder.path.join("r"), &[]);
    assert!(Run::read(&folder.path.join("r")).unwrap().results.is_empty());
}

#[test]
fn equal_outputs_are_kept_once_and_checked() {
    let folder = folder();
    let dir = folder.path.join("r");
    let (writer, _) = RunWriter::create(&dir, &head("r", 0)).unwrap();
    let id = writer.put_output(b"hello").unwrap();
    assert_eq!(id.0, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    let file = folder.path.join("file");
    fs::write(&file, b"hello").unwrap();
    assert_eq!(writer.put_output_file(&file).unwrap(), id);
    assert_eq!(fs::read_dir(dir.join("outputs")).unwrap().count(), 1);
    assert_eq!(read_output(&dir, &id).unwrap(), b"hello");

    let other = folder.path.join("other");
    let (second, _) = RunWriter::create(&other, &head("other", 0)).unwrap();
    second.take_output(&dir, &id).unwrap();
    assert_eq!(read_output(&other, &id).unwrap(), b"hello");

    fs::write(dir.join("outputs").join(format!("{id}.log")), b"jello").unwrap();
    assert!(matches!(read_output(&dir, &id), Err(Error::BadOutput { .. })));
    let outside = OutputId("../../etc/passwd".into());
    assert!(matches!(read_output(&dir, &outside), Err(Error::BadOutput { .. })));
}
