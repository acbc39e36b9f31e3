//! What tests and units ran, and when: read from what they noted, and shown as text or as a page.
//!
//! Pure: lines go in, text comes out. The local Juju appends a line for all that a unit runs, and the
//! plugin inside of a suite one for each test. Processes of a suite may write there, so lines are
//! bounded, and one that makes no sense is counted and left out.

mod html;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

pub(crate) use html::html;
pub(crate) use text::text;

/// A longer line is no event.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// How many events are kept.
const EVENTS_MAX: usize = 100_000;
/// How many notes are kept.
const NOTES_MAX: usize = 1_000;

/// All that is known of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeline {
    /// The events, in the order in which they began.
    pub(crate) events: Vec<Event>,
    /// What is not as on a real cloud, each once.
    pub(crate) notes: BTreeSet<String>,
    /// How many lines could not be read.
    pub(crate) unread: usize,
}

/// Something that took time, or a status that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its model; empty for a test.
    pub(crate) model: String,
    /// Its unit; empty for a test.
    pub(crate) unit: String,
    /// What kind of thing it is.
    pub(crate) what: What,
    /// The hook, the action, the status or the test.
    pub(crate) name: String,
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// What there is to say of it.
    pub(crate) message: String,
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    Hook,
    Action,
    Exec,
    Status,
    Test,
}

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    #[serde(alias = "passed")]
    Ok,
    Failed,
    Skipped,
}

/// A line, as it is written.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    model: String,
    #[serde(default)]
    unit: String,
    what: What,
    name: String,
    started: Timestamp,
    ended: Timestamp,
    outcome: Outcome,
    #[serde(default)]
    message: String,
}

/// A line that is no event.
#[derive(Deserialize)]
struct NoteLine {
    what: Noted,
    time: Timestamp,
    message: String,
}

/// What such a line is.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Noted {
    Note,
}

/// A unit, or a test, with its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// What people call it.
    pub(crate) label: String,
    pub(crate) events: Vec<&'a Event>,
}

impl Event {
    /// How long it took.
    pub(crate) fn took(&self) -> Duration {
        Duration::try_from(self.ended.duration_since(self.started)).unwrap_or_default()
    }
}

impl Timeline {
    /// Reads the lines of a run that began at an instant; older ones are of another run.
    pub(crate) fn read(text: &str, since: Timestamp) -> Self {
        let mut timeline = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let parsed = (line.len() <= LINE_BYTES_MAX).then(|| serde_json::from_str::<Line>(line));
            match parsed {
                Some(Ok(line)) if timeline.events.len() < EVENTS_MAX => {
                    if line.ended >= since {
                        timeline.events.push(Event {
                            model: plain(&line.model),
                            unit: plain(&line.unit),
                            what: line.what,
                            name: plain(&line.name),
                            started: line.started.max(since).min(line.ended),
                            ended: line.ended,
                            outcome: line.outcome,
                            message: plain(&line.message),
                        });
                    }
                }
                Some(Err(_)) => match serde_json::from_str::<NoteLine>(line) {
                    Ok(NoteLine { what: Noted::Note, time, message }) if timeline.notes.len() < NOTES_MAX => {
                        if time >= since {
                            timeline.notes.insert(plain(&message));
                        }
                    }
                    Ok(_) | Err(_) => timeline.unread += 1,
                },
                Some(Ok(_)) | None => timeline.unread += 1,
            }
        }
        timeline.events.sort_by_key(|event| (event.started, event.ended));
        timeline
    }

    /// The first and the last instant of it.
    pub(crate) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.events.iter().map(|event| event.started).min()?;
        let last = self.events.iter().map(|event| event.ended).max()?;
        Some((first, last))
    }

    /// The tests, in the order in which they began.
    pub(crate) fn tests(&self) -> Vec<Row<'_>> {
        let tests = self.events.iter().filter(|event| event.what == What::Test);
        tests.map(|event| Row { label: event.name.clone(), events: vec![event] }).collect()
    }

    /// The units, by model, application and number.
    pub(crate) fn units(&self) -> Vec<Row<'_>> {
        let mut units: BTreeMap<(&str, &str, u64), Vec<&Event>> = BTreeMap::new();
        for event in self.events.iter().filter(|event| event.what != What::Test) {
            let (application, number) = event.unit.rsplit_once('/').unwrap_or((&event.unit, "0"));
            let key = (event.model.as_str(), application, number.parse().unwrap_or(u64::MAX));
            units.entry(key).or_default().push(event);
        }
        let is_one_model =
            units.keys().all(|(model, ..)| Some(*model) == units.keys().next().map(|key| key.0));
        units
            .into_values()
            .map(|events| {
                let (model, unit) = (&events[0].model, &events[0].unit);
                let label = if is_one_model { unit.clone() } else { format!("{model} {unit}") };
                Row { label, events }
            })
            .collect()
    }

    /// How many tests ended so.
    pub(crate) fn tests_that(&self, outcome: Outcome) -> usize {
        let tests = self.events.iter().filter(|event| event.what == What::Test);
        tests.filter(|event| event.outcome == outcome).count()
    }
}

/// Text that a terminal shows and does not obey.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() && character != '\n' { '\u{fffd}' } else { character })
        .collect()
}

/// Returns a duration as people say it.
pub(crate) fn words(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    format!("{} min {:02} s", whole / 60, whole % 60)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A run of one test module and three units of two models.
    pub(crate) fn example() -> Timeline {
        let line = |model: &str,
                    unit: &str,
                    what: &str,
                    name: &str,
                    from: f64,
                    to: f64,
                    outcome: &str,
                    message: &str| {
            let at = |seconds: f64| format!("2026-11-21T09:00:{seconds:06.3}Z");
            serde_json::json!({
                "time": at(to), "model": model, "unit": unit, "what": what, "name": name,
                "started": at(from), "ended": at(to), "outcome": outcome, "message": message,
            })
            .to_string()
        };
        let lines = [
            line("", "", "test", "tests/integration/test_charm.py::test_deploy", 0.2, 9.5, "passed", ""),
            line(
                "",
                "",
                "test",
                "tests/integration/test_charm.py::test_blocks[<b>]",
                9.5,
                12.0,
                "failed",
                "call: assert 1 == 2",
            ),
            line(
                "",
                "",
                "test",
                "tests/integration/test_charm.py::test_machine",
                12.0,
                12.0,
                "skipped",
                "no machine",
            ),
            line("m", "web/0", "status", "waiting", 0.9, 0.9, "ok", "installing agent"),
            line("m", "web/0", "hook", "install", 1.0, 6.0, "ok", ""),
            line("m", "web/0", "status", "active", 6.2, 6.2, "ok", ""),
            line("m", "web/0", "hook", "config-changed", 6.0, 6.4, "ok", ""),
            line("m", "web/0", "hook", "start", 6.4, 6.6, "ok", ""),
            line("m", "web/0", "action", "rotate", 10.0, 10.5, "ok", ""),
            line("m", "web/0", "status", "error", 11.5, 11.5, "ok", "hook failed: \"config-changed\""),
            line("m", "web/0", "hook", "config-changed", 11.0, 11.5, "failed", "exit status 1"),
            line("m", "web/10", "hook", "install", 2.0, 6.0, "ok", ""),
            line("m", "web/2", "exec", "cat /run/x.pid", 8.0, 8.1, "ok", ""),
            "no event".to_owned(),
        ];
        Timeline::read(&lines.join("\n"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_note_is_kept_once_and_is_no_event() {
        let line = |time: &str| {
            format!(
                "{{\"what\":\"note\",\"time\":\"{time}\",\"message\":\"noble is stood in for\",\"name\":\"machine-0\"}}"
            )
        };
        let text = [line("2026-01-01T00:00:00Z"), line("2026-01-03T00:00:00Z"), line("2026-01-04T00:00:00Z")];
        let timeline = Timeline::read(&text.join("\n"), "2026-01-02T00:00:00Z".parse().unwrap());
        assert_eq!(timeline.notes.into_iter().collect::<Vec<_>>(), ["noble is stood in for"]);
        assert_eq!((timeline.events.len(), timeline.unread), (0, 0));
    }

    #[test]
    fn lines_become_rows() {
        let timeline = example();
        assert_eq!(timeline.unread, 1);
        let labels = |rows: Vec<Row<'_>>| rows.into_iter().map(|row| row.label).collect::<Vec<_>>();
        assert_eq!(labels(timeline.units()), ["web/0", "web/2", "web/10"]);
        assert_eq!(labels(timeline.tests()).len(), 3);
        let (first, last) = timeline.span().unwrap();
        assert_eq!(last.duration_since(first).as_millis(), 11_800);
        assert_eq!(timeline.tests_that(Outcome::Failed), 1);
    }

    #[test]
    fn what_an_earlier_run_wrote_is_left_out() {
        let since: Timestamp = "2026-11-21T09:00:08Z".parse().unwrap();
        let lines = [("install", "1.000", "6.000"), ("start", "7.500", "8.500")].map(|(name, from, to)| {
            format!(
                r#"{{"what":"hook","unit":"a/0","name":"{name}","started":"2026-11-21T09:00:0{from}Z","ended":"2026-11-21T09:00:0{to}Z","outcome":"ok"}}"#
            )
        });
        let timeline = Timeline::read(&lines.join("\n"), since);
        assert_eq!(timeline.events.len(), 1);
        assert_eq!((timeline.events[0].started, timeline.unread), (since, 0));
    }

    #[test]
    fn two_models_are_told_apart() {
        let event = |model: &str| {
            format!(
                r#"{{"model":"{model}","unit":"a/0","what":"hook","name":"start","started":"2026-11-21T09:00:00Z","ended":"2026-11-21T09:00:01Z","outcome":"ok"}}"#
            )
        };
        let timeline = Timeline::read(&[event("x"), event("y")].join("\n"), Timestamp::UNIX_EPOCH);
        let labels: Vec<String> = timeline.units().into_iter().map(|row| row.label).collect();
        assert_eq!(labels, ["x a/0", "y a/0"]);
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        for (ms, expected) in [
            (0, "0.0 s"),
            (1_240, "1.2 s"),
            (59_940, "59.9 s"),
            (59_960, "1 min 00 s"),
            (188_000, "3 min 08 s"),
        ] {
            assert_eq!(words(Duration::from_millis(ms)), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_shown(text_of in any::<String>(), close in "(\\{\"what\":\"hook\",\"name\":\"a\",\"unit\":\"a/[0-9]{1,30}\",\"started\":\"[0-9]{4}-01-01T00:00:00Z\",\"ended\":\"2026-01-01T00:00:00Z\",\"outcome\":\"ok\"\\}\n){0,5}", width in 0_usize..200) {
            for text_of in [text_of, close] {
                let timeline = Timeline::read(&text_of, Timestamp::UNIX_EPOCH);
                let _ = text(&timeline, width);
                let _ = html(&timeline, "t");
            }
        }
    }
}
