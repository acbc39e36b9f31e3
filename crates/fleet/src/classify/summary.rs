//! One line on what a target said.

use std::collections::BTreeMap;

use charmproof_store::event::CaseResult;
use charmproof_store::outcome::Outcome;

use crate::diagnostics::{COMMAND_CASE, is_whole_run};

/// Most characters of a summary.
pub(super) const SUMMARY_CHARS_MAX: usize = 160;
/// Most characters of the evidence.
const EVIDENCE_CHARS_MAX: usize = 400;
/// How many rules the summary of a lint target names.
const RULES_NAMED: usize = 3;

/// Makes the text one line of at most [`SUMMARY_CHARS_MAX`] characters.
pub(super) fn one_line(text: &str) -> String {
    short(text, SUMMARY_CHARS_MAX)
}

/// Makes a line of the log fit to be shown.
pub(super) fn evidence(line: &str) -> String {
    short(line, EVIDENCE_CHARS_MAX)
}

fn short(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars_max {
        return line;
    }
    line.chars().take(chars_max - 1).chain(std::iter::once('…')).collect()
}

/// Returns the cases of the suite's own: not those that stand for a command,
/// nor that of a whole run where another one says what failed.
pub(super) fn speaking(cases: &[CaseResult]) -> Vec<&CaseResult> {
    let own = || cases.iter().filter(|case| !case.name.starts_with(COMMAND_CASE));
    let named = own().any(|case| case.outcome.is_failure() && !is_whole_run(&case.name));
    own().filter(|case| !(named && is_whole_run(&case.name))).collect()
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// `2 failed, 1 collection error, 5 passed`.
pub(super) fn counts(cases: &[CaseResult]) -> String {
    let own = speaking(cases);
    let of = |wanted: &dyn Fn(Outcome) -> bool| own.iter().filter(|case| wanted(case.outcome)).count();
    let collection = of(&|outcome| outcome == Outcome::CollectionError);
    let failed = of(&|outcome| outcome.is_failure()) - collection;
    let passed = of(&|outcome| outcome == Outcome::Pass);
    let skipped = of(&|outcome| outcome == Outcome::SkippedBySuite);
    let mut parts = Vec::new();
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if collection > 0 {
        parts.push(plural(collection, "collection error"));
    }
    if passed > 0 {
        parts.push(format!("{passed} passed"));
    }
    if skipped > 0 && parts.is_empty() {
        parts.push(format!("{skipped} skipped"));
    }
    parts.join(", ")
}

/// What the failing cases of a suite have in common, with their counts.
pub(super) fn of_tests(cases: &[CaseResult]) -> String {
    let failing: Vec<&CaseResult> =
        speaking(cases).into_iter().filter(|case| case.outcome.is_failure()).collect();
    let counts = counts(cases);
    let all_collection = failing.iter().all(|case| case.outcome == Outcome::CollectionError);
    if let [only] = failing.as_slice() {
        if is_whole_run(&only.name) {
            return only.failure.as_ref().map_or(counts, |failure| failure.message.clone());
        }
        let told = told(only);
        if all_collection && !told.is_empty() {
            return format!("collection error in {}: {told}", only.name);
        }
        return join(&counts, &told);
    }
    let classes = failing
        .iter()
        .filter_map(|case| case.failure.as_ref())
        .map(|failure| class(&failure.exception))
        .filter(|class| !class.is_empty());
    join(&counts, &tally(classes))
}

fn join(counts: &str, told: &str) -> String {
    if told.is_empty() { counts.to_owned() } else { format!("{counts}; {told}") }
}

fn told(case: &CaseResult) -> String {
    let Some(failure) = &case.failure else {
        return String::new();
    };
    let message = failure.message.lines().map(str::trim).find(|line| !line.is_empty());
    match (class(&failure.exception), message) {
        (class, None) => class.to_owned(),
        ("", Some(message)) => message.to_owned(),
        (class, Some(message)) => format!("{class}: {message}"),
    }
}

/// `scenario.errors.InconsistentScenarioError` without its modules.
fn class(exception: &str) -> &str {
    exception.rsplit('.').next().unwrap_or(exception)
}

/// `InconsistentScenarioError x13 (+2 other)`.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let ordered = by_count(names);
    let Some((name, count)) = ordered.first() else {
        return String::new();
    };
    let others: usize = ordered[1..].iter().map(|(_, count)| count).sum();
    let others = if others > 0 { format!(" (+{others} other)") } else { String::new() };
    format!("{name} x{count}{others}")
}

fn by_count<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counted.entry(name).or_default() += 1;
    }
    let mut ordered: Vec<_> = counted.into_iter().collect();
    ordered.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    ordered
}

/// `15 diagnostics: ruff F401 x5, mypy arg-type (+9 other)`.
pub(super) fn of_diagnostics(cases: &[CaseResult]) -> String {
    let rules: Vec<String> = speaking(cases)
        .into_iter()
        .filter(|case| case.outcome.is_failure())
        .map(|case| {
            let tool = case.name.split_whitespace().next().unwrap_or_default();
            let rule = case.failure.as_ref().map_or("", |failure| failure.exception.as_str());
            format!("{tool} {rule}").trim().to_owned()
        })
        .collect();
    let ordered = by_count(rules.iter().map(String::as_str));
    let named: Vec<String> = ordered
        .iter()
        .take(RULES_NAMED)
        .map(|(rule, count)| if *count == 1 { (*rule).to_owned() } else { format!("{rule} x{count}") })
        .collect();
    let others: usize = ordered.iter().skip(RULES_NAMED).map(|(_, count)| count).sum();
    let others = if others > 0 { format!(" (+{others} other)") } else { String::new() };
    format!("{}: {}{others}", plural(rules.len(), "diagnostic"), named.join(", "))
}
