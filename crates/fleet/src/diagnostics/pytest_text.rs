//! What pytest prints, for runs that left no machine-readable result behind.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use charmproof_store::event::{CaseKind, CaseResult, Failure};
use charmproof_store::outcome::Outcome;
use regex::Regex;

use super::names::pattern;
use super::python::{exception_of, python_frames};
use super::text::{EXCERPT_CHARS_MAX, MESSAGE_CHARS_MAX, cut, cut_middle, plain};

/// The case that stands for all those that the output does not name.
pub(super) const WHOLE_RUN: &str = "pytest: the run as a whole";

/// What pytest says of a case that should have failed.
const UNEXPECTED_PASS: &str = "[XPASS(strict)]";

/// `tests/a.py::test_b PASSED [ 10%]`, also behind xdist's `[gw0] [ 10%] `.
static VERBOSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(\S+\.py::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: \(.*\))?(?: +\[ *\d+%\])?$")
});
static XDIST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\[gw\d+\] (?:\[ *\d+%\] )?(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+\.py::.+?)$")
});
static SUMMARY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(FAILED|ERROR|SUBFAILED\S*|SUBFAIL) ((?:\S+\.py|\S+/)\S*.*)$"));
static COUNTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:=+ )?((?:\d+ [a-z]+(?: [a-z]+)?(?:, )?)+|no tests ran) in [\d.]+s(?: \(\d[^)]*\))?(?: =+)?$",
    )
});
static SECTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^_{3,} (.+?) _{3,}$"));
static RULER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:={3,} .+ ={3,}|-+ generated xml file.* -+)$"));

/// Returns the last line of counts, for example `1 failed, 2 passed`.
fn counts_line(text: &str) -> Option<&str> {
    text.lines()
        .rev()
        .find_map(|line| COUNTS.captures(line.trim_end()))
        .and_then(|found| found.get(1))
        .map(|counts| counts.as_str())
}

/// Returns the number in front of a word such as `failed` in a line of counts.
fn count_of(counts: &str, word: &str) -> u64 {
    counts
        .split(", ")
        .filter_map(|part| part.split_once(' '))
        .find(|(_, what)| what.trim_end_matches('s') == word.trim_end_matches('s'))
        .and_then(|(count, _)| count.parse().ok())
        .unwrap_or(0)
}

/// Reads the cases that pytest names: all of them in verbose output, else those
/// that failed, with one more for the run as a whole.
///
/// A run of no tests yields no case.
pub fn pytest_text(text: &str) -> Vec<CaseResult> {
    let text = plain(text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let sections = sections(&lines);
    let mut cases = Cases::default();
    for line in &lines {
        if let Some(found) = VERBOSE.captures(line) {
            cases.add(&found[1], outcome_of(&found[2]), None);
        } else if let Some(found) = XDIST.captures(line) {
            cases.add(&found[2], outcome_of(&found[1]), None);
        } else if let Some(found) = SUMMARY.captures(line) {
            let (node, message) = split_summary(&found[2]);
            let outcome = match &found[1] {
                "ERROR" if !node.contains("::") => Outcome::CollectionError,
                _ if message.starts_with("worker '") && message.contains("crashed while running") => {
                    Outcome::Crashed
                }
                _ => Outcome::Fail,
            };
            cases.add(node, outcome, Some(failure(node, message, &sections)));
        }
    }
    if let Some(counts) = counts_line(&text) {
        let failed = count_of(counts, "failed") + count_of(counts, "error");
        let ran = failed + count_of(counts, "passed") + count_of(counts, "xpassed");
        if failed > 0 {
            let failure =
                Failure { exception: "failed".into(), message: counts.to_owned(), ..Failure::default() };
            cases.add(WHOLE_RUN, Outcome::Fail, Some(failure));
        } else if ran > 0 {
            cases.add(WHOLE_RUN, Outcome::Pass, None);
        }
    }
    cases.in_order
}

#[derive(Default)]
struct Cases {
    in_order: Vec<CaseResult>,
    places: BTreeMap<String, usize>,
}

impl Cases {
    /// Adds what is told of a case; once failed, it stays so.
    fn add(&mut self, name: &str, outcome: Outcome, failure: Option<Failure>) {
        let place = *self.places.entry(name.to_owned()).or_insert_with(|| {
            let kind = match outcome {
                Outcome::CollectionError => CaseKind::Diagnostic,
                _ => CaseKind::Test,
            };
            self.in_order.push(CaseResult {
                name: name.to_owned(),
                kind,
                outcome,
                duration_ms: 0,
                failure: None,
            });
            self.in_order.len() - 1
        });
        let known = &mut self.in_order[place];
        if outcome.is_failure() && !known.outcome.is_failure() {
            known.outcome = outcome;
        }
        if known.failure.is_none() {
            known.failure = failure;
        }
    }
}

fn outcome_of(word: &str) -> Outcome {
    match word {
        "PASSED" | "XPASS" => Outcome::Pass,
        "SKIPPED" | "XFAIL" => Outcome::SkippedBySuite,
        _ => Outcome::Fail,
    }
}

/// Splits `node - message`; a parameter in brackets may hold ` - ` as well.
fn split_summary(told: &str) -> (&str, &str) {
    let mut depth = 0_i32;
    for (at, character) in told.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            ' ' if depth <= 0 && told[at..].starts_with(" - ") => {
                return (&told[..at], told[at + 3..].trim());
            }
            _ => {}
        }
    }
    // An opening bracket inside a parameter is never closed.
    match told.split_once(" - ") {
        Some((node, message)) if depth > 0 => (node, message.trim()),
        _ => (told.trim(), ""),
    }
}

/// Returns the text of each section that tells of a failure, by its heading.
fn sections<'a>(lines: &[&'a str]) -> BTreeMap<&'a str, String> {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    let mut open: Option<&str> = None;
    for line in lines {
        if let Some(heading) = SECTION.captures(line).and_then(|heading| heading.get(1)) {
            open = Some(heading.as_str());
        } else if RULER.is_match(line) {
            open = None;
        } else if let Some(heading) = open {
            let text = found.entry(heading).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

/// `TestX::test_y[d::e]` as in a heading: `TestX.test_y[d::e]`.
fn dotted(inside: &str) -> String {
    let (name, parameters) = inside.split_at(inside.find('[').unwrap_or(inside.len()));
    format!("{}{parameters}", name.replace("::", "."))
}

fn failure(node: &str, told: &str, sections: &BTreeMap<&str, String>) -> Failure {
    let in_class = node.split_once("::").map(|(_, inside)| dotted(inside));
    let headings = match in_class {
        Some(name) => {
            vec![name.clone(), format!("ERROR at setup of {name}"), format!("ERROR at teardown of {name}")]
        }
        None => vec![format!("ERROR collecting {node}")],
    };
    let section = headings.iter().find_map(|heading| {
        // A sub-test's heading goes on with its parameters.
        let sub_test = format!("{heading} (");
        sections
            .get(heading.as_str())
            .or_else(|| sections.iter().find(|(known, _)| known.starts_with(&sub_test)).map(|(_, text)| text))
    });
    let text = section.map_or("", String::as_str);
    let (mut exception, mut message) = exception_of(text);
    if told.starts_with(UNEXPECTED_PASS) {
        (exception, message) = ("XPASS(strict)".into(), told.to_owned());
    }
    if exception.is_empty() && message.is_empty() {
        (exception, message) = exception_of(told);
        if exception.is_empty() {
            told.clone_into(&mut message);
        }
    }
    Failure {
        exception,
        message: cut(&message, MESSAGE_CHARS_MAX),
        frames: python_frames(text),
        excerpt: cut_middle(text.trim_end(), EXCERPT_CHARS_MAX),
    }
}

#[cfg(test)]
#[path = "pytest_text_tests.rs"]
mod tests;
