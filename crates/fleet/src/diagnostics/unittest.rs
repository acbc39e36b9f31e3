//! What `unittest` prints, for suites that leave nothing better behind.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use charmproof_store::event::{CaseKind, CaseResult, Failure};
use charmproof_store::outcome::Outcome;
use regex::Regex;

use super::names::pattern;
use super::python::{exception_of, python_frames};
use super::text::{EXCERPT_CHARS_MAX, cut_middle, plain};

/// The case that stands for all those that a terse run does not name.
pub(super) const WHOLE_RUN: &str = "unittest: the run as a whole";

/// `test_a (tests.T.test_a)`, or up to Python 3.10 `test_a (tests.T)`.
static BEGUN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\w+) \(([\w.]+)\)( [\[(].*?[\])])?(?: \.\.\. (.*))?$"));
static REOPENED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^.+ \.\.\. (\w+ \([\w.]+\)(?: \.\.\. .*)?)$"));
static VERDICT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|\.\.\. |[^\w])(ok|FAIL|ERROR|skipped '.*'|skipped \x22.*\x22|expected failure|unexpected success)$",
    )
});
static BLOCK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(FAIL|ERROR|UNEXPECTED SUCCESS): (\w+) \(([\w.]+)\)(?: (\[.*\]|\(.*\)))*$"));
static RAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Ran (\d+) tests? in [\d.]+s$"));
static ENDED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$"));

/// Reads the cases that `unittest` names: all of them in verbose output, else
/// those that failed, with one more for the run as a whole.
///
/// Sub-tests belong to their test. A run of no tests yields no case.
pub fn unittest(text: &str) -> Vec<CaseResult> {
    let text = plain(text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut cases = Cases::default();
    verbose(&lines, &mut cases);
    blocks(&lines, &mut cases);
    whole(&lines, &mut cases);
    cases.in_order
}

#[derive(Default)]
struct Cases {
    in_order: Vec<CaseResult>,
    places: BTreeMap<String, usize>,
}

impl Cases {
    fn add(&mut self, name: String, outcome: Outcome, failure: Option<Failure>) {
        if let Some(&place) = self.places.get(&name) {
            let known = &mut self.in_order[place];
            if !known.outcome.is_failure() || known.failure.is_none() {
                if outcome.is_failure() {
                    known.outcome = outcome;
                }
                known.failure = failure.or(known.failure.take());
            }
            return;
        }
        self.places.insert(name.clone(), self.in_order.len());
        let kind = match outcome {
            Outcome::CollectionError => CaseKind::Diagnostic,
            _ => CaseKind::Test,
        };
        self.in_order.push(CaseResult { name, kind, outcome, duration_ms: 0, failure });
    }
}

/// Returns the case's name with its class in front, whatever the version.
fn full_name(method: &str, place: &str) -> String {
    if is_loader(place) {
        return method.to_owned();
    }
    let ends_with_method = place.strip_suffix(method).is_some_and(|rest| rest.ends_with('.'));
    if ends_with_method { place.to_owned() } else { format!("{place}.{method}") }
}

/// Whether this is the stand-in for a module that could not be imported.
fn is_loader(place: &str) -> bool {
    place.starts_with("unittest.loader._FailedTest")
        || place.starts_with("unittest.loader.ModuleImportFailure")
}

fn verbose(lines: &[&str], cases: &mut Cases) {
    let mut open: Option<String> = None;
    for line in lines {
        if line.starts_with("=====") || RAN.is_match(line) {
            break;
        }
        // A test whose sub-tests failed leaves its line open (Python 3.10); the
        // next one goes on behind it.
        let line = match REOPENED.captures(line) {
            Some(found) => &line[found.get(1).map_or(0, |next| next.start())..],
            None => line,
        };
        let begun = BEGUN.captures(line).filter(|found| found.get(3).is_none());
        if let Some(found) = begun {
            let name = full_name(&found[1], &found[2]);
            let is_loader = is_loader(&found[2]);
            match found.get(4).and_then(|rest| outcome_of(rest.as_str())) {
                Some((Outcome::Fail, _)) if is_loader => {
                    cases.add(name, Outcome::CollectionError, None);
                }
                Some((outcome, failure)) => cases.add(name, outcome, failure),
                None => open = Some(name),
            }
        } else if let Some((outcome, failure)) = outcome_of(line)
            && let Some(name) = open.take()
        {
            // The verdict comes behind a docstring, or behind what the test
            // printed.
            cases.add(name, outcome, failure);
        }
    }
}

fn outcome_of(text: &str) -> Option<(Outcome, Option<Failure>)> {
    let found = VERDICT.captures(text)?;
    let word = &found[1];
    let failure = |exception: &str, message: &str| {
        Some(Failure { exception: exception.to_owned(), message: message.to_owned(), ..Failure::default() })
    };
    Some(match word {
        "ok" => (Outcome::Pass, None),
        "FAIL" | "ERROR" => (Outcome::Fail, None),
        "expected failure" => (Outcome::SkippedBySuite, failure("expected failure", "")),
        "unexpected success" => (Outcome::Fail, failure("unexpected success", "")),
        skipped => {
            let reason = skipped.trim_start_matches("skipped ").trim_matches(['\'', '"']);
            (Outcome::SkippedBySuite, failure("skipped", reason))
        }
    })
}

fn blocks(lines: &[&str], cases: &mut Cases) {
    for (at, line) in lines.iter().enumerate() {
        let Some(found) = BLOCK.captures(line) else {
            continue;
        };
        if at == 0 || !lines[at - 1].starts_with("=====") {
            continue;
        }
        let body: Vec<&str> = lines[at + 1..]
            .iter()
            .take_while(|line| !line.starts_with("=====") && !RAN.is_match(line))
            .copied()
            .collect();
        let text = body.join("\n");
        let text = text.trim_end_matches(['-', '\n']);
        let (exception, message) = match &found[1] {
            "UNEXPECTED SUCCESS" => ("unexpected success".into(), String::new()),
            _ => exception_of(text),
        };
        let outcome = if is_loader(&found[3]) { Outcome::CollectionError } else { Outcome::Fail };
        let failure = Failure {
            exception,
            message,
            frames: python_frames(text),
            excerpt: cut_middle(text, EXCERPT_CHARS_MAX),
        };
        cases.add(full_name(&found[2], &found[3]), outcome, Some(failure));
    }
}

fn whole(lines: &[&str], cases: &mut Cases) {
    let count: u64 = lines
        .iter()
        .filter_map(|line| RAN.captures(line)?[1].parse::<u64>().ok())
        .fold(0, u64::saturating_add);
    if count == 0 {
        return;
    }
    // Of several runs in one log, each has to have ended well.
    let mut ends = lines.iter().filter_map(|line| ENDED.captures(line)).peekable();
    if ends.peek().is_none() {
        return;
    }
    let failed = ends.find(|end| &end[1] == "FAILED");
    let failure = failed.as_ref().map(|end| Failure {
        exception: "FAILED".into(),
        message: end.get(2).map_or("", |counts| counts.as_str()).to_owned(),
        ..Failure::default()
    });
    let outcome = if failure.is_some() { Outcome::Fail } else { Outcome::Pass };
    cases.add(WHOLE_RUN.to_owned(), outcome, failure);
}

#[cfg(test)]
#[path = "unittest_tests.rs"]
mod tests;
