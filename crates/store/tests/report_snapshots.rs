//! What each report shows of one realistic run.
//!
//! On purpose changes, write the snapshots anew with `INSTA_UPDATE=always`.

mod report_support;

use charmproof_store::comparison::CaseComparison;
use charmproof_store::event::{Ending, Failure, RunId, SubjectId};
use charmproof_store::report::{self, RunRow, Style, Terminal};
use charmproof_store::verdict::Verdict;
use report_support::{Sample, fleet, hostile, sample};

/// A charm whose name contains `part`.
fn charm<'a>(sample: &'a Sample, part: &str) -> &'a SubjectId {
    let mut pairs = sample.comparison.pairs.iter();
    let pair = pairs.find(|pair| pair.subject.0.contains(part));
    &pair.expect("the sample has the charm").subject
}

#[test]
fn report_terminal_summary() {
    insta::assert_snapshot!(sample().show(|report| report::summary(report, Terminal::default())));
}

#[test]
fn report_terminal_of_a_clean_run() {
    let mut clean = fleet(7);
    clean.comparison.causes.clear();
    clean.comparison.pairs.retain(|pair| pair.cases.is_empty());
    clean.warnings.clear();
    clean.plan.missing.clear();
    insta::assert_snapshot!(clean.show(|report| report::summary(report, Terminal::default())));
}

#[test]
fn report_terminal_show_pair() {
    let sample = sample();
    let charm = charm(&sample, "kfp-ui");
    let shown = sample.show(|run| report::show(run, charm, Some("unit"), None, Terminal::default()));
    insta::assert_snapshot!(shown.expect("the charm is there"));
}

#[test]
fn report_terminal_show_case() {
    let sample = sample();
    let charm = charm(&sample, "kfp-ui");
    let shown = sample.show(|run| report::show(run, charm, None, Some("test_ingress"), Terminal::default()));
    insta::assert_snapshot!(shown.expect("the case is there"));
}

#[test]
fn report_terminal_shows_nothing_of_the_unknown() {
    let sample = sample();
    let charm = charm(&sample, "kfp-ui");
    let show = |charm: &SubjectId, target, case| {
        sample.show(|run| report::show(run, charm, target, case, Terminal::default()))
    };
    assert!(show(&SubjectId("no/such".into()), None, None).is_none());
    assert!(show(charm, Some("integration"), None).is_none());
    assert!(show(charm, None, Some("no such case")).is_none());
}

#[test]
fn report_terminal_runs() {
    let sample = sample();
    let row = |run: &str, ending| RunRow {
        run: RunId(run.into()),
        at: sample.started.at,
        ending,
        swap: "ops 3.7.1 → 3.8.0".into(),
        charms: 17,
        totals: sample.comparison.totals.clone(),
    };
    let rows = [
        row("20261121-130211-k3f9", Some(Ending::Completed)),
        row("20261120-090000-aaaa", Some(Ending::Interrupted)),
    ];
    insta::assert_snapshot!(report::runs(&rows, Terminal::default()));
}

/// Colour repeats what the words say: without it, the same words remain.
#[test]
fn report_terminal_colour_adds_no_words() {
    let sample = hostile();
    let with = |style| sample.show(|report| report::summary(report, Terminal { style, width: 80 }));
    let plain = with(Style::Plain);
    let mut coloured = with(Style::Colour);
    for code in ["0", "1", "2", "31;1", "32", "33", "36"] {
        coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(coloured, plain);
    assert!(!plain.contains(['\u{1b}', '\u{202e}', '\u{0}']));
}

/// Everything but commands and other unbreakable words fits the terminal.
#[test]
fn report_terminal_fits_80_columns() {
    let text = sample().show(|report| report::summary(report, Terminal::default()));
    let wide = |line: &&str| line.chars().count() > 80 && !line.trim_start().starts_with("charmproof ");
    let wide: Vec<&str> = text.lines().filter(wide).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn report_markdown() {
    insta::assert_snapshot!(sample().show(report::markdown));
}

#[test]
fn report_json() {
    insta::assert_snapshot!(sample().show(report::json));
}

#[test]
fn report_junit() {
    insta::assert_snapshot!(sample().show(report::junit));
}

#[test]
fn report_html_context() {
    insta::assert_json_snapshot!(sample().show(report::html_context));
}

/// A break behind an older one has a place of its own in every summary.
#[test]
fn report_tells_what_fails_otherwise() {
    let mut sample = sample();
    let pairs = &mut sample.comparison.pairs;
    let pair = pairs.iter_mut().find(|pair| pair.verdict == Verdict::StillFailing).expect("there is one");
    pair.summary = "1 test fails otherwise with the swap: AttributeError: items".into();
    let mut case = pair.cases.first().cloned().unwrap_or_else(|| CaseComparison {
        case: "test_x".into(),
        verdict: Verdict::StillFailing,
        baseline: Vec::new(),
        candidate: Vec::new(),
        failure: None,
        baseline_failure: None,
        duration_ms: (None, None),
        cause: None,
    });
    case.baseline_failure = Some(Failure { exception: "SnapError".into(), ..Failure::default() });
    pair.cases = vec![case];
    let terminal = sample.show(|report| report::summary(report, Terminal::default()));
    let listed = terminal.split("\nFails otherwise now\n").nth(1).expect("it has a heading");
    assert!(listed.contains("AttributeError: items"), "{terminal}");
    assert!(terminal.contains("Unchanged: 2 still passing\n"), "{terminal}");
    let claim = terminal.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(claim.contains("1 charm fails otherwise now"), "{terminal}");
    let markdown = sample.show(report::markdown);
    assert!(markdown.contains("#### Fails otherwise now\n\n| charm"), "{markdown}");
    assert!(sample.show(report::html).contains("Fails otherwise now <span"));
}
