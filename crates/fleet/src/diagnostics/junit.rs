//! pytest's JUnit XML.
//!
//! Both of pytest's families are read: `xunit2` (the default) names a case by
//! class and name only, `xunit1` gives its file too.

use std::borrow::Cow;
use std::collections::BTreeMap;

use charmproof_store::event::{CaseKind, CaseResult, Failure};
use charmproof_store::outcome::Outcome;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::python::{exception_of, python_frames};
use super::text::{EXCERPT_CHARS_MAX, MESSAGE_CHARS_MAX, cut, cut_middle, plain};

/// Most cases that are read from one file.
const CASES_MAX: usize = 200_000;
/// Most bytes that are read of one failure's text.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of elements.
const DEPTH_MAX: usize = 64;
/// Most characters of a case's name.
const NAME_CHARS_MAX: usize = 2_000;

/// The file ended early, or is no JUnit XML.
#[derive(Debug, thiserror::Error)]
#[error("could not read all of the JUnit XML ({} cases were read)", .cases.len())]
pub struct JunitError {
    /// What was read until then.
    pub cases: Vec<CaseResult>,
    /// What was wrong.
    #[source]
    pub problem: JunitProblem,
}

/// What was wrong with a JUnit file.
#[derive(Debug, thiserror::Error)]
pub enum JunitProblem {
    /// Not well-formed.
    #[error("broken XML at byte {at}")]
    Broken {
        /// Where.
        at: u64,
        /// The parser's words.
        #[source]
        source: quick_xml::Error,
    },
    /// It stops inside an element; the process that wrote it was killed.
    #[error("the file ends inside an element")]
    Truncated,
    /// The outermost element is another one.
    #[error("the outermost element is `{name}`, not `testsuites` or `testsuite`")]
    NotJunit {
        /// Its name; empty if there is no element at all.
        name: String,
    },
    /// More than any real suite has.
    #[error("more than {CASES_MAX} cases, or elements nested deeper than {DEPTH_MAX}")]
    TooLarge,
}

/// What the open `testcase` said so far.
#[derive(Debug)]
struct OpenCase {
    name: String,
    kind: CaseKind,
    duration_ms: u64,
    outcome: Outcome,
    failure: Option<Failure>,
}

/// The verdict element (`failure`, `error`, `skipped`) that is open.
#[derive(Debug)]
struct OpenVerdict {
    element: String,
    kind: String,
    message: String,
    text: String,
}

#[derive(Debug, Default)]
struct Cases {
    cases: Vec<CaseResult>,
    places: BTreeMap<String, usize>,
}

/// Reads the cases of a JUnit file, in its order.
///
/// A case that is told of several times (a failed call and then a failed
/// teardown, sub-tests) is one case, and failed if any of them did.
pub fn junit(xml: &str) -> Result<Vec<CaseResult>, JunitError> {
    let mut cases = Cases::default();
    match read(xml, &mut cases) {
        Ok(()) => Ok(cases.cases),
        Err(problem) => Err(JunitError { cases: cases.cases, problem }),
    }
}

fn read(xml: &str, cases: &mut Cases) -> Result<(), JunitProblem> {
    let mut reader = Reader::from_str(xml);
    let mut depth = 0_usize;
    let mut seen_root = false;
    let mut open_case: Option<OpenCase> = None;
    let mut open_verdict: Option<OpenVerdict> = None;
    loop {
        let event = reader
            .read_event()
            .map_err(|source| JunitProblem::Broken { at: reader.error_position(), source })?;
        match event {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH_MAX || cases.cases.len() >= CASES_MAX {
                    return Err(JunitProblem::TooLarge);
                }
                check_root(&start, &mut seen_root)?;
                begin(&start, &mut open_case, &mut open_verdict);
            }
            Event::Empty(start) => {
                if cases.cases.len() >= CASES_MAX {
                    return Err(JunitProblem::TooLarge);
                }
                check_root(&start, &mut seen_root)?;
                begin(&start, &mut open_case, &mut open_verdict);
                finish(start.name().as_ref(), &mut open_case, &mut open_verdict, cases);
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                finish(end.name().as_ref(), &mut open_case, &mut open_verdict, cases);
            }
            Event::Text(text) => {
                append(&mut open_verdict, &text.xml_content(XmlVersion::default()));
            }
            Event::CData(data) => append(&mut open_verdict, &data),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten();
                match character {
                    Some(character) => {
                        append(&mut open_verdict, character.encode_utf8(&mut [0; 4]));
                    }
                    None => append(
                        &mut open_verdict,
                        quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or(""),
                    ),
                }
            }
            Event::Eof if !seen_root => {
                return Err(JunitProblem::NotJunit { name: String::new() });
            }
            Event::Eof if depth > 0 => return Err(JunitProblem::Truncated),
            Event::Eof => return Ok(()),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
}

fn check_root(start: &BytesStart<'_>, seen_root: &mut bool) -> Result<(), JunitProblem> {
    let name = start.name();
    let name: &str = name.as_ref();
    if !*seen_root && name != "testsuites" && name != "testsuite" {
        return Err(JunitProblem::NotJunit { name: cut(name, 80) });
    }
    *seen_root = true;
    Ok(())
}

fn append(open: &mut Option<OpenVerdict>, text: &str) {
    if let Some(verdict) = open
        && verdict.text.len() < TEXT_BYTES_MAX
    {
        verdict.text.push_str(text);
    }
}

fn begin(start: &BytesStart<'_>, open_case: &mut Option<OpenCase>, open_verdict: &mut Option<OpenVerdict>) {
    let name = start.name();
    match name.as_ref() {
        "testcase" => {
            *open_verdict = None;
            let name = case_name(
                &attribute(start, "file"),
                &attribute(start, "classname"),
                &attribute(start, "name"),
            );
            *open_case = Some(OpenCase {
                name,
                kind: CaseKind::Test,
                duration_ms: milliseconds(&attribute(start, "time")),
                outcome: Outcome::Pass,
                failure: None,
            });
        }
        element @ ("failure" | "error" | "skipped") if open_case.is_some() => {
            *open_verdict = Some(OpenVerdict {
                element: element.to_owned(),
                kind: attribute(start, "type"),
                message: attribute(start, "message"),
                text: String::new(),
            });
        }
        _ => {}
    }
}

fn finish(
    name: &str,
    open_case: &mut Option<OpenCase>,
    open_verdict: &mut Option<OpenVerdict>,
    cases: &mut Cases,
) {
    match name {
        "testcase" => {
            if let Some(case) = open_case.take()
                && !case.name.is_empty()
            {
                cases.add(case);
            }
        }
        "failure" | "error" | "skipped" => {
            if let (Some(case), Some(verdict)) = (open_case.as_mut(), open_verdict.take()) {
                case.judge(&verdict);
            }
        }
        _ => {}
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> String {
    start
        .try_get_attribute(name)
        .ok()
        .flatten()
        .and_then(|found| found.normalized_value(XmlVersion::default()).ok())
        .map(Cow::into_owned)
        .unwrap_or_default()
}

fn milliseconds(seconds: &str) -> u64 {
    let seconds: f64 = seconds.replace(',', "").parse().unwrap_or(0.0);
    if seconds.is_finite() && seconds > 0.0 { (seconds * 1_000.0).round() as u64 } else { 0 }
}

impl OpenCase {
    fn judge(&mut self, verdict: &OpenVerdict) {
        let text = plain(&verdict.text);
        let outcome = match verdict.element.as_str() {
            "skipped" => Outcome::SkippedBySuite,
            _ if is_worker_crash(&verdict.message) || is_worker_crash(&text) => Outcome::Crashed,
            "error" if verdict.message == "collection failure" => Outcome::CollectionError,
            _ => Outcome::Fail,
        };
        // The first failure of a case says what went wrong; a skip inside a
        // failed case says nothing.
        if self.outcome.is_failure() {
            return;
        }
        let (exception, message) = match outcome {
            Outcome::SkippedBySuite => (verdict.kind.clone(), verdict.message.clone()),
            Outcome::Crashed => ("worker crashed".into(), text.trim().to_owned()),
            _ => exception_in(verdict, &text),
        };
        let frames = if outcome.is_failure() { python_frames(&text) } else { Vec::new() };
        if outcome == Outcome::CollectionError {
            // Such a case is listed only where it fails.
            self.kind = CaseKind::Diagnostic;
        }
        self.outcome = outcome;
        self.failure = Some(Failure {
            exception,
            message: cut(message.trim(), MESSAGE_CHARS_MAX),
            frames,
            excerpt: cut_middle(text.trim_end(), EXCERPT_CHARS_MAX),
        });
    }
}

fn is_worker_crash(message: &str) -> bool {
    message
        .lines()
        .next()
        .is_some_and(|line| line.contains("worker '") && line.contains("' crashed while running"))
}

fn exception_in(verdict: &OpenVerdict, text: &str) -> (String, String) {
    let (exception, message) = exception_of(text);
    if !exception.is_empty() {
        return (exception, message);
    }
    if verdict.message.starts_with("[XPASS(strict)]") || text.starts_with("[XPASS(strict)]") {
        return ("XPASS(strict)".into(), verdict.message.clone());
    }
    if !verdict.message.is_empty() && verdict.message != "collection failure" {
        return (verdict.kind.clone(), verdict.message.clone());
    }
    let message = if message.is_empty() { text.lines().next().unwrap_or("").into() } else { message };
    (verdict.kind.clone(), message)
}

impl Cases {
    fn add(&mut self, case: OpenCase) {
        let name = cut(&case.name, NAME_CHARS_MAX);
        let Some(&place) = self.places.get(&name) else {
            self.places.insert(name.clone(), self.cases.len());
            self.cases.push(CaseResult {
                name,
                kind: case.kind,
                outcome: case.outcome,
                duration_ms: case.duration_ms,
                failure: case.failure,
            });
            return;
        };
        let known = &mut self.cases[place];
        known.duration_ms = known.duration_ms.saturating_add(case.duration_ms);
        let replaces = case.outcome.is_failure() && !known.outcome.is_failure()
            || case.outcome == Outcome::Pass && known.outcome == Outcome::SkippedBySuite;
        if replaces {
            known.outcome = case.outcome;
            known.failure = case.failure;
        }
    }
}

/// Makes pytest's node id out of what the file says.
fn case_name(file: &str, class: &str, name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    if class == "pytest" && name == "internal" {
        return "pytest: internal error".to_owned();
    }
    if class.is_empty() {
        // A file that could not be collected: the module's dotted name.
        return if file.is_empty() { module_path(name) } else { file.to_owned() };
    }
    let (module, classes) = if file.is_empty() {
        split_class(class)
    } else {
        let dotted = file.strip_suffix(".py").unwrap_or(file).replace('/', ".");
        match class.strip_prefix(&dotted) {
            Some(classes) => (dotted, classes.trim_start_matches('.').to_owned()),
            // The test comes from a base class in another file.
            None => split_class(class),
        }
    };
    let mut id = module_path(&module);
    for part in classes.split('.').filter(|part| !part.is_empty()) {
        id.push_str("::");
        id.push_str(part);
    }
    format!("{id}::{name}")
}

fn module_path(dotted: &str) -> String {
    if dotted.contains('/') || dotted.contains(char::is_whitespace) {
        return dotted.to_owned();
    }
    format!("{}.py", dotted.replace('.', "/"))
}

/// Splits `tests.unit.test_charm.TestX` into module and classes.
///
/// The module ends with the last part that pytest would collect as a file;
/// without one, the classes begin with the first capital.
fn split_class(dotted: &str) -> (String, String) {
    let parts: Vec<&str> = dotted.split('.').collect();
    let is_file = |part: &&str| part.starts_with("test_") || part.ends_with("_test");
    let is_class = |part: &&str| part.trim_start_matches('_').starts_with(|first: char| first.is_uppercase());
    let first_class = parts
        .iter()
        .rposition(is_file)
        .map(|at| at + 1)
        .or_else(|| parts.iter().position(is_class).filter(|at| *at > 0))
        .unwrap_or(parts.len());
    (parts[..first_class].join("."), parts[first_class..].join("."))
}

#[cfg(test)]
#[path = "junit_tests.rs"]
mod tests;
