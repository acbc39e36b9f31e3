//! Root causes: the regressions of a fleet, grouped by what they have in common.
//!
//! Three hundred failures of one missing attribute are one line. Two regressions
//! share a cause when their exception, their message without all that differs
//! from charm to charm, and the deepest frame inside a swapped package are equal;
//! the frame counts by file and function, not by line. Diagnostics of linters
//! share a cause when tool and rule are equal.

use std::collections::BTreeMap;

use crate::comparison::{CaseComparison, Cause};
use crate::event::{CaseKind, Failure, Frame, SubjectId};
use crate::normalise::{normalise, without_quoted};
use crate::outcome::Outcome;

/// One regressed case, as the clusters see it.
pub(crate) struct Regression<'a> {
    /// The charm.
    pub(crate) subject: &'a SubjectId,
    /// The target.
    pub(crate) target: &'a str,
    /// What sort of case it is.
    pub(crate) kind: CaseKind,
    /// The case itself.
    pub(crate) case: &'a CaseComparison,
    /// How long it takes to see it again.
    pub(crate) cost_ms: u64,
    /// How many cases were lost because of it, which are cases that it hits.
    pub(crate) took_along: usize,
}

/// What makes two regressions one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CauseKey {
    exception: String,
    message: String,
    place: Option<(String, String)>,
}

impl Regression<'_> {
    /// Returns what it has in common with its like.
    pub(crate) fn key(&self) -> CauseKey {
        let failure = failure_of(self.case);
        match self.kind {
            CaseKind::Diagnostic if !self.is_collection() => {
                CauseKey { exception: rule(&self.case.case, &failure), message: String::new(), place: None }
            }
            CaseKind::Diagnostic | CaseKind::Test | CaseKind::Suite => CauseKey {
                exception: failure.exception.clone(),
                message: said(&failure),
                place: place_of(&failure).map(|frame| (frame.file.clone(), frame.function.clone())),
            },
        }
    }

    /// Returns how many cases it stands for; the suite is none of them.
    fn cases(&self) -> usize {
        (self.took_along + usize::from(self.kind != CaseKind::Suite)).max(1)
    }

    /// Whether it is a file of tests that could not be imported: listed only where it
    /// fails, as a diagnostic is, but with an exception, as a test has.
    fn is_collection(&self) -> bool {
        self.case.candidate.contains(&Some(Outcome::CollectionError))
    }

    fn title(&self) -> String {
        let failure = failure_of(self.case);
        if self.kind == CaseKind::Diagnostic && !self.is_collection() {
            return rule(&self.case.case, &failure);
        }
        let message = failure.message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
        match (failure.exception.as_str(), message) {
            ("", "") => format!("{} without a message", self.case.case),
            ("", message) => message.to_owned(),
            (exception, "") => exception.to_owned(),
            (exception, message) => format!("{exception}: {message}"),
        }
    }
}

/// Exceptions whose quoted words are names of code, which tell causes apart.
const NAMING: [&str; 7] = [
    "AttributeError",
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "NotImplementedError",
    "TypeError",
    "UnboundLocalError",
];

/// Returns the message as far as it is the same from charm to charm. What one place of
/// a swapped package says of `'ingress'` and of `'database'` is one thing; and so is what
/// tests say of one class of the package, `ActiveStatus('…') == ActiveStatus('…')`.
fn said(failure: &Failure) -> String {
    let message = normalise(&failure.message);
    let class = failure.exception.rsplit('.').next().unwrap_or_default();
    if NAMING.contains(&class) {
        return message;
    }
    let bare = without_quoted(&message);
    if place_of(failure).is_some() || (class == "AssertionError" && names_something(&bare)) {
        bare
    } else {
        message
    }
}

/// Whether more is left of an assertion than its grammar: texts that are compared with
/// texts have nothing in common.
fn names_something(assertion: &str) -> bool {
    const GRAMMAR: [&str; 11] =
        ["assert", "and", "or", "not", "in", "is", "None", "True", "False", "N", "where"];
    assertion
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|word| word.starts_with(char::is_alphabetic) && !GRAMMAR.contains(&word))
}

/// Returns the causes of the regressions, the one that hits most charms first,
/// and for each regression the index of its cause.
pub(crate) fn cluster(regressions: &[Regression<'_>]) -> (Vec<Cause>, Vec<usize>) {
    let mut groups: BTreeMap<CauseKey, Vec<usize>> = BTreeMap::new();
    for (index, regression) in regressions.iter().enumerate() {
        groups.entry(regression.key()).or_default().push(index);
    }
    let mut causes: Vec<(Cause, Vec<usize>)> =
        groups.into_values().map(|members| (cause_of(regressions, &members), members)).collect();
    causes.sort_by(|(a, _), (b, _)| {
        (b.subjects.len(), b.cases)
            .cmp(&(a.subjects.len(), a.cases))
            .then_with(|| (&a.title, &a.place, &a.smallest).cmp(&(&b.title, &b.place, &b.smallest)))
    });
    let mut of = vec![0; regressions.len()];
    for (index, (_, members)) in causes.iter().enumerate() {
        for &member in members {
            of[member] = index;
        }
    }
    (causes.into_iter().map(|(cause, _)| cause).collect(), of)
}

fn cause_of(regressions: &[Regression<'_>], members: &[usize]) -> Cause {
    let mut subjects: Vec<SubjectId> =
        members.iter().map(|&member| regressions[member].subject.clone()).collect();
    subjects.sort();
    subjects.dedup();
    let quickest = members
        .iter()
        .map(|&member| &regressions[member])
        .min_by_key(|one| (one.cost_ms, one.subject, one.target, &one.case.case))
        .expect("a group has at least the member that founded it");
    let failure = failure_of(quickest.case);
    Cause {
        title: quickest.title(),
        place: place_of(&failure).map(|frame| format!("{}:{} in {}", frame.file, frame.line, frame.function)),
        subjects,
        cases: members.iter().map(|&member| regressions[member].cases()).sum(),
        smallest: (quickest.subject.clone(), quickest.target.to_owned(), quickest.case.case.clone()),
        failure,
    }
}

/// Returns what the case said, or how it ended where it said nothing.
fn failure_of(case: &CaseComparison) -> Failure {
    case.failure.clone().unwrap_or_else(|| Failure {
        exception: case
            .candidate
            .iter()
            .flatten()
            .find(|outcome| outcome.is_failure())
            .map_or_else(String::new, |outcome| outcome.words()),
        ..Failure::default()
    })
}

/// Returns the deepest frame inside a swapped package.
fn place_of(failure: &Failure) -> Option<&Frame> {
    failure.frames.iter().rev().find(|frame| frame.package.is_some())
}

/// Returns `tool rule` of a diagnostic, whose case starts with the tool's name.
fn rule(case: &str, failure: &Failure) -> String {
    let tool = case.split_whitespace().next().unwrap_or_default();
    if failure.exception.is_empty() {
        format!("{tool}: {}", normalise(&failure.message))
    } else {
        format!("{tool} {}", failure.exception)
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
