//! A time line for the terminal.

use std::fmt::Write as _;

use charmproof_store::report::count;
use jiff::Timestamp;

use super::{Event, Outcome, Row, Timeline, What, words};

/// How many rows of each kind are drawn; the rest is counted.
const ROWS_MAX: usize = 40;
/// The narrowest and the widest that names may be.
const LABEL: (usize, usize) = (12, 36);
/// The room for a duration.
const FIGURE: usize = 12;
const HOOK: char = '█';
const ASKED: char = '▒';
const TEST: char = '─';
const SKIPPED: char = '·';
const FAILED: char = '✗';

/// Returns the time line as text that is `width` columns wide. Empty if nothing happened.
pub(crate) fn text(timeline: &Timeline, width: usize) -> String {
    let Some((first, last)) = timeline.span() else { return String::new() };
    let (tests, units) = (timeline.tests(), timeline.units());
    let labels = tests.iter().map(|row| short(&row.label)).chain(units.iter().map(|row| row.label.as_str()));
    let label = labels.map(|label| label.chars().count()).max().unwrap_or(0).clamp(LABEL.0, LABEL.1);
    let columns = width.clamp(60, 160).saturating_sub(label + FIGURE + 3);
    let scale = Scale { first, seconds: seconds(first, last).max(0.001), columns };
    let mut out = String::new();
    let whole = words(std::time::Duration::from_secs_f64(seconds(first, last)));
    let _ = writeln!(out, "{:label$} {:>FIGURE$}  0 s{whole:>rest$}", "Time line", "", rest = columns - 3);
    for (rows, one) in [(&tests, "test"), (&units, "unit")] {
        for row in rows.iter().take(ROWS_MAX) {
            let _ = writeln!(
                out,
                "{:label$} {:>FIGURE$}  {}",
                cut(short(&row.label), label),
                words(
                    row.events
                        .iter()
                        .filter(|event| event.what != What::Status)
                        .map(|event| event.took())
                        .sum()
                ),
                scale.bar(row).trim_end()
            );
        }
        if rows.len() > ROWS_MAX {
            let _ = writeln!(out, "and {} more {one}s", rows.len() - ROWS_MAX);
        }
    }
    let _ = writeln!(
        out,
        "{TEST} test  {HOOK} hook  {ASKED} action or command  {SKIPPED} skipped  {FAILED} failed"
    );
    for row in units.iter().take(ROWS_MAX) {
        out.push_str(&summary(row));
    }
    if timeline.unread > 0 {
        let _ = writeln!(out, "{} could not be read", count(timeline.unread, "line"));
    }
    out
}

/// What a unit did, in a line; and a line for each thing that failed.
fn summary(row: &Row<'_>) -> String {
    let of = |what: What| row.events.iter().filter(move |event| event.what == what);
    let mut parts = Vec::new();
    for (what, one) in [(What::Hook, "hook"), (What::Action, "action"), (What::Exec, "command")] {
        let number = of(what).count();
        if number > 0 {
            parts.push(count(number, one));
        }
    }
    let longest = of(What::Hook).max_by_key(|event| event.took());
    if let Some(longest) = longest {
        parts.push(format!("the longest {} with {}", longest.name, words(longest.took())));
    }
    let mut out =
        if parts.is_empty() { String::new() } else { format!("{}: {}\n", row.label, parts.join(", ")) };
    for event in row.events.iter().filter(|event| event.outcome == Outcome::Failed) {
        let why = event.message.lines().next().unwrap_or_default();
        let _ = writeln!(out, "  {FAILED} {}{}{why}", event.name, if why.is_empty() { "" } else { ": " });
    }
    out
}

/// From instants to columns.
struct Scale {
    first: Timestamp,
    seconds: f64,
    columns: usize,
}

impl Scale {
    fn bar(&self, row: &Row<'_>) -> String {
        let mut cells = vec![' '; self.columns];
        // What failed is drawn last, so that nothing hides it.
        let (failed, other): (Vec<&Event>, Vec<&Event>) =
            row.events.iter().copied().partition(|event| event.outcome == Outcome::Failed);
        for event in other.into_iter().chain(failed) {
            let mark = match (event.what, event.outcome) {
                (What::Status, _) => continue,
                (_, Outcome::Failed) => FAILED,
                (_, Outcome::Skipped) => SKIPPED,
                (What::Hook, Outcome::Ok) => HOOK,
                (What::Action | What::Exec, Outcome::Ok) => ASKED,
                (What::Test, Outcome::Ok) => TEST,
            };
            let from = self.column(event.started).min(self.columns - 1);
            let to = self.column(event.ended).max(from + 1).min(self.columns);
            cells[from..to].fill(mark);
        }
        cells.into_iter().collect()
    }

    fn column(&self, at: Timestamp) -> usize {
        (seconds(self.first, at) / self.seconds * self.columns as f64) as usize
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// A test without its file and its class.
fn short(label: &str) -> &str {
    let name = label.split_once("::").map_or(label, |(_, name)| name);
    // What a test is called with may be anything.
    let head = name.find('[').unwrap_or(name.len());
    name[..head].rfind("::").map_or(name, |place| &name[place + 2..])
}

fn cut(label: &str, columns: usize) -> String {
    if label.chars().count() <= columns {
        return label.to_owned();
    }
    let kept: String = label.chars().take(columns - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn a_run_as_text() {
        insta::assert_snapshot!(text(&example(), 100));
    }

    #[test]
    fn a_test_is_called_by_its_name_alone() {
        let check = |label, expected| assert_eq!(short(label), expected);
        check("tests/integration/test_charm.py::test_deploy", "test_deploy");
        check("tests/test_charm.py::TestWeb::test_deploy[a::b]", "test_deploy[a::b]");
        check("web", "web");
    }

    #[test]
    fn nothing_is_shown_of_nothing() {
        assert_eq!(text(&Timeline::default(), 100), "");
    }
}
