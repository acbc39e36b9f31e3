//! One line that says why a pair has its verdict, for someone in a hurry.

use crate::comparison::{CaseComparison, PairComparison, SUITE};
use crate::event::{CaseKind, Failure, Plan, UnitResult};
use crate::outcome::Outcome;
use crate::verdict::Verdict;

/// How much of a message fits into the line.
const MESSAGE_LENGTH: usize = 160;

/// All that the line is made of.
pub(super) struct Facts<'a> {
    pub(super) pair: &'a PairComparison,
    pub(super) kinds: &'a [CaseKind],
    pub(super) plan: &'a Plan,
    pub(super) baseline: &'a [&'a UnitResult],
    pub(super) candidate: &'a [&'a UnitResult],
    /// Whether both sides ran the very same packages.
    pub(super) identical: bool,
}

/// Returns the line.
pub(super) fn summary(facts: &Facts<'_>) -> String {
    let line = line(facts);
    if facts.identical {
        format!("both sides run the same {}, so this says nothing of it; {line}", facts.swapped())
    } else {
        line
    }
}

fn line(facts: &Facts<'_>) -> String {
    let pair = facts.pair;
    let suite = pair.cases.iter().find(|case| case.case == SUITE && case.verdict == pair.verdict);
    let told = |result: Option<&&UnitResult>| {
        result.map(|result| first_line(&result.summary)).filter(|line| !line.is_empty())
    };
    match pair.verdict {
        Verdict::Regressed => {
            if let Some(suite) = suite {
                let lost = facts.of(Verdict::LostCase).count();
                let also = if lost > 0 {
                    format!("; {} not reached", facts.count(lost, "was", "were"))
                } else {
                    String::new()
                };
                format!("with the swap: {}{also}", suite_words(suite, &suite.candidate))
            } else {
                let number = facts.of(Verdict::Regressed).count();
                format!(
                    "{} with the swap only: {}",
                    facts.count(number, "fails", "fail"),
                    facts.first(Verdict::Regressed)
                )
            }
        }
        Verdict::LostCase if suite.is_some() => format!(
            "the suite ran without the swap; with it: {}",
            pair.candidate.map_or_else(String::new, Outcome::words)
        ),
        Verdict::LostCase => format!(
            "{} not run with the swap: {}",
            facts.count(facts.of(Verdict::LostCase).count(), "is", "are"),
            facts.first(Verdict::LostCase)
        ),
        Verdict::NotInjected => {
            let unproven = |outcome: Option<Outcome>| outcome == Some(Outcome::NotInjected);
            let (side, result) = if unproven(pair.baseline) {
                ("baseline", facts.baseline.first())
            } else {
                ("candidate", facts.candidate.first())
            };
            let seen = result.map(|result| first_line(&result.injection.summary));
            let seen = seen.filter(|line| !line.is_empty());
            let seen = seen.map_or_else(String::new, |seen| format!(": {seen}"));
            if pair.candidate == Some(Outcome::NotInjected)
                && facts.candidate.first().is_some_and(|one| one.outcome == Outcome::NotUsed)
            {
                format!(
                    "the baseline's environment holds {}, the candidate's does not{seen}",
                    facts.swapped_names()
                )
            } else {
                format!("no proof that the {side} ran with the swapped packages{seen}")
            }
        }
        Verdict::Spurious => suite.map_or_else(
            || format!("differs for a reason that is not the swap's: {}", facts.first(Verdict::Spurious)),
            |suite| {
                let spoilt = |side: &[Option<Outcome>]| {
                    side.iter()
                        .flatten()
                        .any(|one| matches!(one, Outcome::CouldNotPrepare(_) | Outcome::ToolFailed))
                };
                if spoilt(&suite.candidate) {
                    format!("candidate only: {}", suite_words(suite, &suite.candidate))
                } else {
                    let said = told(facts.baseline.first());
                    format!("baseline only: {}", with_reason(&suite.baseline, said))
                }
            },
        ),
        Verdict::Flaky if suite.is_some() => "the suite does not agree with itself on one side".to_owned(),
        Verdict::Flaky => format!(
            "{} on one side: {}",
            facts.count(
                facts.of(Verdict::Flaky).count(),
                "does not agree with itself",
                "do not agree with themselves"
            ),
            facts.first(Verdict::Flaky)
        ),
        Verdict::Blocked => {
            let said = told(facts.candidate.first()).or_else(|| told(facts.baseline.first()));
            format!("neither side could run: {}", with_reason(&[pair.candidate], said))
        }
        Verdict::StillFailing => {
            let failing = || facts.of(Verdict::StillFailing).filter(|case| case.case != SUITE);
            let (other, same): (Vec<_>, Vec<_>) = failing().partition(|case| case.fails_otherwise());
            if let Some(said) = most_frequent(&other, true) {
                let also = match same.len() {
                    0 => String::new(),
                    1 => "; 1 more fails as before".to_owned(),
                    more => format!("; {more} more fail as before"),
                };
                format!("{} otherwise with the swap: {said}{also}", facts.count(other.len(), "fails", "fail"))
            } else if !same.is_empty() {
                format!(
                    "{} with and without the swap: {}",
                    facts.count(same.len(), "fails", "fail"),
                    most_frequent(&same, false).unwrap_or_else(|| facts.first(Verdict::StillFailing))
                )
            } else {
                let said = told(facts.candidate.first());
                format!("fails with and without the swap: {}", with_reason(&[pair.candidate], said))
            }
        }
        Verdict::Slower | Verdict::Faster => {
            let word = if pair.verdict == Verdict::Slower { "longer" } else { "less time" };
            let case = pair.cases.iter().find(|case| case.verdict == pair.verdict);
            let times = case.map(|case| case.duration_ms);
            let (before, after) = match times {
                Some((Some(before), Some(after))) => (before, after),
                _ => (0, 0),
            };
            format!(
                "{} takes {word} with the swap: {:.1} s -> {:.1} s",
                case.map_or("the suite", |case| if case.case == SUITE { "the suite" } else { &case.case }),
                before as f64 / 1000.0,
                after as f64 / 1000.0,
            )
        }
        Verdict::Fixed => {
            let number = facts.of(Verdict::Fixed).filter(|case| case.case != SUITE).count();
            if number > 0 {
                format!(
                    "{} without the swap only: {}",
                    facts.count(number, "fails", "fail"),
                    facts.first(Verdict::Fixed)
                )
            } else {
                let said = told(facts.baseline.first());
                format!("works with the swap; without it: {}", with_reason(&[pair.baseline], said))
            }
        }
        Verdict::NewCase => {
            let number = facts.of(Verdict::NewCase).count();
            format!("{} with the swap only, and passing", facts.count(number, "is run", "are run"))
        }
        Verdict::StillPassing if pair.case_counts.1 > 0 && pair.still_passing == 1 => {
            "1 test passes on both sides".to_owned()
        }
        Verdict::StillPassing if pair.case_counts.1 > 0 => {
            format!("all {} pass on both sides", pair.still_passing)
        }
        Verdict::StillPassing => "passes on both sides".to_owned(),
        Verdict::Unaffected => match (pair.baseline, pair.candidate) {
            (_, Some(Outcome::NotUsed)) => {
                format!("does not use {}", facts.swapped_names())
            }
            (_, Some(outcome)) => outcome.words(),
            (_, None) => String::new(),
        },
        Verdict::Unknown => match (facts.baseline.is_empty(), facts.candidate.is_empty()) {
            (true, true) => "no result yet".to_owned(),
            (true, false) => "no baseline result yet".to_owned(),
            (false, true) => "no candidate result yet".to_owned(),
            (false, false) => "one side was left out".to_owned(),
        },
    }
}

impl Facts<'_> {
    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &CaseComparison> {
        self.pair.cases.iter().filter(move |case| case.verdict == verdict)
    }

    /// Returns `1 test fails`, `3 tests fail`, or the same of diagnostics.
    fn count(&self, number: usize, one: &str, many: &str) -> String {
        let diagnostics = self.kinds.contains(&CaseKind::Diagnostic) && !self.kinds.contains(&CaseKind::Test);
        let noun = if diagnostics { "diagnostic" } else { "test" };
        let one = if diagnostics { one.replace("fails", "is reported") } else { one.to_owned() };
        let many = if diagnostics { many.replace("fail", "are reported") } else { many.to_owned() };
        if number == 1 { format!("1 {noun} {one}") } else { format!("{number} {noun}s {many}") }
    }

    /// Returns what the first case of this verdict said, or else its name.
    fn first(&self, verdict: Verdict) -> String {
        let cases = || self.of(verdict).filter(|case| case.case != SUITE);
        cases()
            .find_map(|case| case.failure.as_ref().map(failure_words).filter(|one| !one.is_empty()))
            .or_else(|| cases().next().map(|case| case.case.clone()))
            .unwrap_or_default()
    }

    /// Returns `ops 3.9.0`, or several of these.
    fn swapped(&self) -> String {
        let swaps = self.plan.candidate.iter();
        swaps.map(|swap| format!("{} {}", swap.package, swap.version)).collect::<Vec<_>>().join(", ")
    }

    fn swapped_names(&self) -> String {
        let names: Vec<_> = self.plan.candidate.iter().map(|swap| swap.package.as_str()).collect();
        if names.is_empty() { "the swapped packages".to_owned() } else { names.join(" or ") }
    }
}

/// Returns the exception that most of the cases end with, and how many do: with
/// its message where all say the same, or where that is asked for. `None` where no
/// case says anything.
fn most_frequent(cases: &[&CaseComparison], with_message: bool) -> Option<String> {
    let name = |failure: &Failure| match failure.exception.as_str() {
        "" => first_line(&failure.message),
        exception => exception.to_owned(),
    };
    let mut counts: Vec<(String, usize)> = Vec::new();
    let said = || cases.iter().filter_map(|case| case.failure.as_ref());
    for name in said().map(name).filter(|name| !name.is_empty()) {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    // Of equally frequent ones the first counts.
    let most = counts.iter().map(|&(_, count)| count).max()?;
    let (top, times) = counts.into_iter().find(|&(_, count)| count == most)?;
    let mut words = said().filter(|failure| name(failure) == top).map(failure_words);
    let first = words.next()?;
    let alike = words.all(|one| one == first);
    let others = cases.len() - times;
    let shown = if with_message || (alike && others == 0) { first } else { top };
    let plain = (alike && others == 0) || times == 1;
    let shown = if plain { shown } else { format!("{shown} ×{times}") };
    Some(if others == 0 { shown } else { format!("{shown} (+{others} other)") })
}

/// Returns how the suite ended on a side, and what it said.
fn suite_words(suite: &CaseComparison, side: &[Option<Outcome>]) -> String {
    with_reason(side, suite.failure.as_ref().map(|failure| first_line(&failure.message)))
}

/// Returns the first outcome that is no pass, with the reason where it adds one.
fn with_reason(side: &[Option<Outcome>], reason: Option<String>) -> String {
    let outcome = side.iter().flatten().find(|&&outcome| outcome != Outcome::Pass);
    let words = outcome.map_or_else(|| "pass".to_owned(), |outcome| outcome.words());
    match reason {
        Some(reason) if !reason.is_empty() => format!("{words}: {reason}"),
        _ => words,
    }
}

fn failure_words(failure: &Failure) -> String {
    let message = first_line(&failure.message);
    match (failure.exception.as_str(), message.as_str()) {
        ("", _) => message,
        (exception, "") => exception.to_owned(),
        (exception, message) => format!("{exception}: {message}"),
    }
}

/// Returns the first line that says something, cut to what fits.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= MESSAGE_LENGTH {
        return line.to_owned();
    }
    let cut: String = line.chars().take(MESSAGE_LENGTH - 1).collect();
    format!("{}…", cut.trim_end())
}
