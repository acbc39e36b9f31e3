//! A report in JUnit's XML.
//!
//! A CI system that reads it must go red for regressions and for nothing else.
//! So a `failure` is a case that regressed or was lost, and nothing is ever an
//! `error`: most systems treat the two alike. Whatever says nothing about the
//! swap (not injected, blocked, spurious, flaky, still failing) is `skipped`,
//! with the reason as its message, and stays visible that way.
//!
//! There is one `testsuite` for each charm and target. Its first `testcase`,
//! `(verdict)`, stands for the pair as a whole; one more follows for each case
//! that is not as it was.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use crate::comparison::{PairComparison, SUITE};
use crate::event::Failure;
use crate::report::Report;
use crate::report::facts::{Facts, accuses, is_silent};
use crate::report::logs::{around_error, tail};
use crate::report::reason::Reason;
use crate::report::text::{clean, clean_line, shorten};
use crate::report::words::{attempts_words, verdict_meaning, verdict_words};
use crate::verdict::Verdict;

/// How one `testcase` ends.
enum End {
    Passed,
    Skipped(String),
    Failed { message: String, text: String },
}

/// One `testcase`.
struct TestCase {
    name: String,
    duration_ms: Option<u64>,
    end: End,
    output: String,
}

/// Returns the report as JUnit XML.
pub fn render(report: &Report<'_>) -> String {
    let facts = Facts::new(report);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let written = write_all(&facts, &mut writer);
    written.expect("writing to memory does not fail");
    let xml = String::from_utf8(writer.into_inner()).expect("only text was written");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n")
}

type Xml = Writer<Vec<u8>>;

fn write_all(facts: &Facts<'_>, writer: &mut Xml) -> std::io::Result<()> {
    let suites: Vec<(&PairComparison, Vec<TestCase>)> =
        facts.report.comparison.pairs.iter().map(|pair| (pair, cases(pair))).collect();
    let all = suites.iter().flat_map(|(_, cases)| cases);
    let mut root = BytesStart::new("testsuites");
    attribute(&mut root, "name", &facts.headline.sentence());
    totals(&mut root, all);
    writer.write_event(Event::Start(root))?;
    for (pair, cases) in &suites {
        let mut suite = BytesStart::new("testsuite");
        attribute(&mut suite, "name", &suite_name(pair));
        totals(&mut suite, cases.iter());
        attribute(
            &mut suite,
            "timestamp",
            &facts.report.started.at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        );
        attribute(&mut suite, "time", &seconds(pair.duration_ms.1));
        writer.write_event(Event::Start(suite))?;
        properties(facts, pair, writer)?;
        for case in cases {
            write_case(pair, case, writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn suite_name(pair: &PairComparison) -> String {
    format!("{} {}", pair.subject, pair.target)
}

/// Sets the attribute, on one line and without characters that XML cannot hold.
fn attribute(element: &mut BytesStart<'_>, name: &str, value: &str) {
    element.push_attribute((name, clean_line(value).as_str()));
}

fn totals<'a>(element: &mut BytesStart<'_>, cases: impl Iterator<Item = &'a TestCase>) {
    let (mut tests, mut failures, mut skipped) = (0_usize, 0_usize, 0_usize);
    for case in cases {
        tests += 1;
        match case.end {
            End::Passed => {}
            End::Skipped(_) => skipped += 1,
            End::Failed { .. } => failures += 1,
        }
    }
    attribute(element, "tests", &tests.to_string());
    attribute(element, "failures", &failures.to_string());
    attribute(element, "errors", "0");
    attribute(element, "skipped", &skipped.to_string());
}

fn properties(facts: &Facts<'_>, pair: &PairComparison, writer: &mut Xml) -> std::io::Result<()> {
    let mut all = vec![("verdict", verdict_words(pair.verdict).to_owned())];
    if let Some(commit) = facts.subject(&pair.subject).and_then(|subject| subject.commit.as_ref()) {
        all.push(("commit", commit.clone()));
    }
    if let Some(command) = facts.reproduce(&pair.subject, &pair.target) {
        all.push(("reproduce", command.to_owned()));
    }
    writer.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in all {
        let mut property = BytesStart::new("property");
        attribute(&mut property, "name", name);
        attribute(&mut property, "value", &value);
        writer.write_event(Event::Empty(property))?;
    }
    writer.write_event(Event::End(BytesEnd::new("properties")))
}

/// The `testcase`s of one pair: its verdict, then what is not as it was.
fn cases(pair: &PairComparison) -> Vec<TestCase> {
    let summary = shorten(&clean_line(&pair.summary), 500);
    let whole = pair.cases.iter().find(|case| case.case == SUITE);
    let said = whole.and_then(|case| case.failure.as_ref()).map_or(String::new(), excerpt);
    let end = if is_silent(pair) {
        End::Skipped(join(&Reason::of(pair).words(), &summary))
    } else {
        end_of(pair.verdict, &summary, said)
    };
    let mut all = vec![TestCase {
        name: "(verdict)".into(),
        duration_ms: pair.duration_ms.1,
        end,
        output: format!("{}\n{summary}", verdict_meaning(pair.verdict)),
    }];
    for case in pair.cases.iter().filter(|case| case.case != SUITE) {
        let attempts = format!(
            "baseline {}; candidate {}",
            attempts_words(&case.baseline),
            attempts_words(&case.candidate)
        );
        let message = case.failure.as_ref().map_or_else(
            || attempts.clone(),
            |failure| shorten(&join(&failure.exception, &failure.message), 500),
        );
        let said = case.failure.as_ref().map_or(String::new(), excerpt);
        all.push(TestCase {
            name: case.case.clone(),
            duration_ms: case.duration_ms.1,
            end: end_of(case.verdict, &message, said),
            output: attempts,
        });
    }
    all
}

/// What a verdict is in JUnit's terms.
fn end_of(verdict: Verdict, message: &str, text: String) -> End {
    let message = join(verdict_words(verdict), message);
    match verdict {
        verdict if accuses(verdict) => End::Failed { message, text },
        Verdict::StillPassing | Verdict::Fixed | Verdict::Faster | Verdict::Slower | Verdict::NewCase => {
            End::Passed
        }
        _ => End::Skipped(message),
    }
}

fn join(head: &str, tail: &str) -> String {
    match (head.is_empty(), tail.is_empty()) {
        (_, true) => head.to_owned(),
        (true, false) => tail.to_owned(),
        (false, false) => format!("{head}: {tail}"),
    }
}

fn excerpt(failure: &Failure) -> String {
    tail(around_error(failure, 80), 80, 8_000)
}

fn write_case(pair: &PairComparison, case: &TestCase, writer: &mut Xml) -> std::io::Result<()> {
    let mut element = BytesStart::new("testcase");
    attribute(&mut element, "classname", &format!("{}.{}", pair.subject, pair.target));
    attribute(&mut element, "name", &case.name);
    attribute(&mut element, "time", &seconds(case.duration_ms));
    writer.write_event(Event::Start(element))?;
    match &case.end {
        End::Passed => {}
        End::Skipped(message) => {
            let mut skipped = BytesStart::new("skipped");
            attribute(&mut skipped, "message", message);
            writer.write_event(Event::Empty(skipped))?;
        }
        End::Failed { message, text } => {
            let mut failure = BytesStart::new("failure");
            attribute(&mut failure, "message", message);
            write_text(failure, text, writer)?;
        }
    }
    write_text(BytesStart::new("system-out"), &clean(&case.output), writer)?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

fn write_text(start: BytesStart<'_>, text: &str, writer: &mut Xml) -> std::io::Result<()> {
    let end = start.to_end().into_owned();
    writer.write_event(Event::Start(start))?;
    writer.write_event(Event::Text(BytesText::new(text)))?;
    writer.write_event(Event::End(end))
}

fn seconds(ms: Option<u64>) -> String {
    format!("{:.3}", ms.unwrap_or(0) as f64 / 1000.0)
}
