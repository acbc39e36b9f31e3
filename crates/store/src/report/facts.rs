//! What all reports derive from a run before they show it.

use std::collections::{BTreeMap, BTreeSet};

use crate::comparison::{Cause, PairComparison};
use crate::event::{Ending, Side, SubjectId, SubjectRecord, SwapRecord, UnitResult};
use crate::outcome::Outcome;
use crate::report::Report;
use crate::report::reason::Reason;
use crate::report::text::clean_line;
use crate::report::words::{Meaning, count};
use crate::verdict::Verdict;

/// A run with its lookups made and its pairs sorted into three heaps.
pub(crate) struct Facts<'a> {
    /// The run itself.
    pub(crate) report: Report<'a>,
    /// Pairs that the swap changed, or that changed by themselves; gravest first.
    pub(crate) changed: Vec<&'a PairComparison>,
    /// Pairs that failed before and now fail for another reason.
    pub(crate) otherwise: Vec<&'a PairComparison>,
    /// Pairs that say nothing, by reason; what asks for action first.
    pub(crate) no_signal: BTreeMap<Reason, Vec<&'a PairComparison>>,
    /// Pairs that are as before, failing ones first.
    pub(crate) unchanged: Vec<&'a PairComparison>,
    /// The verdict sentence.
    pub(crate) headline: Headline,
    runs: Runs<'a>,
    subjects: BTreeMap<&'a SubjectId, &'a SubjectRecord>,
}

/// The verdict of the whole run, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Headline {
    /// What it means.
    pub(crate) tone: Meaning,
    /// The claim, for example `1 regression cause, 2 charms`.
    pub(crate) claim: String,
    /// What was swapped, for example `ops 3.7.1 → 3.8.0`; may be empty.
    pub(crate) swap: String,
    /// Charms with at least one regressed or lost pair.
    pub(crate) regressed: usize,
    /// Charms with at least one pair that says something.
    pub(crate) with_signal: usize,
    /// Charms whose pairs all say nothing.
    pub(crate) without_signal: usize,
}

impl Headline {
    /// The claim and the swap together.
    pub(crate) fn sentence(&self) -> String {
        if self.swap.is_empty() {
            return self.claim.clone();
        }
        format!("{}: {}", self.claim, self.swap)
    }
}

/// Whether a pair is held against the swap.
pub(crate) fn accuses(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Regressed | Verdict::LostCase)
}

/// Whether a pair says nothing about the swap.
pub(crate) fn is_silent(pair: &PairComparison) -> bool {
    if accuses(pair.verdict) {
        return false;
    }
    let silent = matches!(
        pair.verdict,
        Verdict::NotInjected | Verdict::Blocked | Verdict::Unaffected | Verdict::Unknown
    );
    silent || !pair.signal
}

impl<'a> Facts<'a> {
    /// Sorts out a run.
    pub(crate) fn new(report: &Report<'a>) -> Self {
        let mut runs: Runs<'a> = BTreeMap::new();
        for result in report.results {
            let of_subject = runs.entry(&result.unit.subject.0).or_default();
            let of_pair = of_subject.entry(&result.unit.target).or_default();
            // A resumed run may have written a unit twice; the last one counts.
            of_pair.retain(|other| other.unit != result.unit);
            of_pair.push(result);
        }
        for of_pair in runs.values_mut().flat_map(BTreeMap::values_mut) {
            of_pair.sort_by_key(|result| (result.unit.side, result.unit.attempt));
        }
        let mut changed = Vec::new();
        let mut unchanged = Vec::new();
        let mut otherwise = Vec::new();
        let mut no_signal: BTreeMap<Reason, Vec<&PairComparison>> = BTreeMap::new();
        for pair in &report.comparison.pairs {
            if is_silent(pair) {
                no_signal.entry(Reason::of(pair)).or_default().push(pair);
            } else if pair.fails_otherwise() {
                otherwise.push(pair);
            } else if matches!(pair.verdict, Verdict::StillPassing | Verdict::StillFailing) {
                unchanged.push(pair);
            } else {
                changed.push(pair);
            }
        }
        // The sorts are stable: within a verdict, pairs stay in order of name.
        changed.sort_by_key(|pair| pair.verdict);
        unchanged.sort_by_key(|pair| pair.verdict);
        let subjects = report.plan.subjects.iter().map(|subject| (&subject.id, subject)).collect();
        Self {
            report: *report,
            changed,
            otherwise,
            no_signal,
            unchanged,
            headline: headline(report, &runs),
            runs,
            subjects,
        }
    }

    /// All runs of a pair: baseline before candidate, first attempt first.
    pub(crate) fn runs(&self, subject: &SubjectId, target: &str) -> &[&'a UnitResult] {
        let of_subject = self.runs.get(subject.0.as_str());
        of_subject.and_then(|targets| targets.get(target)).map_or(&[], Vec::as_slice)
    }

    /// One run of a pair.
    pub(crate) fn run(
        &self,
        subject: &SubjectId,
        target: &str,
        side: Side,
        attempt: u32,
    ) -> Option<&'a UnitResult> {
        let of_pair = self.runs(subject, target).iter();
        of_pair.copied().find(|run| run.unit.side == side && run.unit.attempt == attempt)
    }

    /// The charm as the plan knows it.
    pub(crate) fn subject(&self, id: &SubjectId) -> Option<&'a SubjectRecord> {
        self.subjects.get(id).copied()
    }

    /// Charms that were left out on purpose, with the reason.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&'a SubjectId, &'a str)> {
        let subjects = self.report.plan.subjects.iter();
        subjects.filter_map(|subject| Some((&subject.id, subject.filtered.as_deref()?)))
    }

    /// The log of one run as it was kept; `None` where there is none any more.
    /// Nothing shows it before it went through [`tail`](super::logs::tail) or
    /// [`diff_of_logs`](super::logs::diff_of_logs).
    pub(crate) fn log(&self, run: &UnitResult) -> Option<String> {
        let id = run.log.as_ref()?;
        (self.report.outputs)(id)
    }

    /// The command that repeats what a pair's candidate did.
    pub(crate) fn reproduce(&self, subject: &SubjectId, target: &str) -> Option<&'a str> {
        let of_pair = self.runs(subject, target);
        let candidate = of_pair.iter().find(|run| run.unit.side == Side::Candidate);
        let command = candidate.or(of_pair.first())?.reproduce.as_str();
        (!command.is_empty()).then_some(command)
    }

    /// The command that repeats a cause on its smallest case.
    pub(crate) fn reproduce_cause(&self, cause: &Cause) -> Option<&'a str> {
        self.reproduce(&cause.smallest.0, &cause.smallest.1)
    }

    /// Wall time from the start of the run to the end of its last unit. What was
    /// reused from earlier runs does not count.
    pub(crate) fn wall_ms(&self) -> Option<u64> {
        let fresh = self.report.results.iter().filter(|result| result.reused_from.is_none());
        let ends = fresh.map(|result| {
            let began = result.started_at.as_millisecond() - self.report.started.at.as_millisecond();
            u64::try_from(began).unwrap_or(0) + result.duration_ms
        });
        ends.max()
    }

    /// Wall time of all fresh units added up, and charmproof's own part of it.
    pub(crate) fn work_ms(&self) -> (u64, u64) {
        let fresh = self.report.results.iter().filter(|result| result.reused_from.is_none());
        fresh.fold((0, 0), |(all, own), result| (all + result.duration_ms, own + result.overhead_ms))
    }

    /// Whether something of the plan has no result.
    pub(crate) fn is_partial(&self) -> bool {
        is_partial(&self.report)
    }

    /// How many charms were left out on purpose.
    pub(crate) fn left_out_charms(&self) -> usize {
        let pairs = self.no_signal.get(&Reason::Filtered).into_iter().flatten();
        let mut charms: BTreeSet<&SubjectId> = pairs.map(|pair| &pair.subject).collect();
        charms.extend(self.left_out().map(|(id, _)| id));
        charms.len()
    }

    /// One line for each package that a variant swaps in, what was asked for
    /// before what came along.
    pub(crate) fn swaps(&self) -> Vec<Swap<'a>> {
        asked(&self.report.plan.candidate)
            .into_iter()
            .flat_map(|(first, others)| std::iter::once(first).chain(others))
            .map(|record| Swap { record, before: versions_before(&self.report, &record.package, &self.runs) })
            .collect()
    }
}

/// One swapped package, with what was there before.
pub(crate) struct Swap<'a> {
    /// What the candidate puts in.
    pub(crate) record: &'a SwapRecord,
    /// The versions that the baselines ran with, oldest first.
    pub(crate) before: Vec<String>,
}

fn is_partial(report: &Report<'_>) -> bool {
    report.ending != Some(Ending::Completed) || report.comparison.unfinished > 0
}

/// The runs of each subject and target.
type Runs<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a UnitResult>>>;

/// Says in one sentence what the run found. It never says that all is well where
/// nothing was seen.
fn headline(report: &Report<'_>, runs: &Runs<'_>) -> Headline {
    let mut regressed = BTreeSet::new();
    let mut lost = BTreeSet::new();
    let mut speaking = BTreeSet::new();
    let mut planned = BTreeSet::new();
    let mut otherwise = BTreeSet::new();
    let mut reasons = BTreeSet::new();
    for pair in &report.comparison.pairs {
        if [pair.baseline, pair.candidate].contains(&Some(Outcome::Filtered)) {
            continue;
        }
        planned.insert(&pair.subject);
        if is_silent(pair) {
            reasons.insert(Reason::of(pair));
        } else if pair.fails_otherwise() {
            otherwise.insert(&pair.subject);
        }
        if pair.signal || accuses(pair.verdict) {
            speaking.insert(&pair.subject);
        }
        match pair.verdict {
            Verdict::Regressed => drop(regressed.insert(&pair.subject)),
            Verdict::LostCase => drop(lost.insert(&pair.subject)),
            _ => {}
        }
    }
    for cause in &report.comparison.causes {
        regressed.extend(&cause.subjects);
    }
    let causes = report.comparison.causes.len();
    let without = planned.difference(&speaking).count();
    let only_lost = lost.difference(&regressed).count();
    let mut parts = Vec::new();
    if causes > 0 {
        parts.push(count(causes, "regression cause"));
        parts.push(count(regressed.len(), "charm"));
    } else if !regressed.is_empty() {
        parts.push(format!("{} regressed", count(regressed.len(), "charm")));
    }
    if only_lost > 0 {
        let more = if parts.is_empty() { "charm" } else { "more charm" };
        parts.push(format!("{} lost cases", count(only_lost, more)));
    }
    let bad = !parts.is_empty();
    if planned.is_empty() {
        parts.push("nothing was checked".into());
    } else if !bad && speaking.is_empty() {
        let only = |reason| reasons.iter().all(|&each| each == reason) && !reasons.is_empty();
        parts.push(match planned.len() {
            _ if only(Reason::NotUsed) => format!("no target here uses {}", asked_names(report)),
            _ if only(Reason::SamePackage) => "nothing is known: both sides ran the same package".into(),
            1 => "nothing is known: the charm gave no signal".into(),
            all => format!("nothing is known: none of {} gave a signal", count(all, "charm")),
        });
    } else if !bad {
        let silent = match without {
            0 => String::new(),
            without => format!(" ({without} more gave no signal)"),
        };
        parts.push(format!("no regression in {}{silent}", count(speaking.len(), "charm")));
    }
    match otherwise.len() {
        0 => {}
        1 => parts.push("1 charm fails otherwise now".into()),
        all => parts.push(format!("{} fail otherwise now", count(all, "charm"))),
    }
    let mut claim = parts.join(", ");
    let partial = is_partial(report);
    if partial {
        claim.push_str(match report.ending {
            Some(Ending::Interrupted) => " so far (interrupted)",
            Some(Ending::Completed) => " so far",
            None => " so far (not finished)",
        });
    }
    let tone = match (bad, speaking.is_empty() || partial || !otherwise.is_empty()) {
        (true, _) => Meaning::Bad,
        (false, true) => Meaning::Warn,
        (false, false) => Meaning::Good,
    };
    Headline {
        tone,
        claim,
        swap: swap_words(report, runs),
        regressed: regressed.union(&lost).count(),
        with_signal: speaking.len(),
        without_signal: without,
    }
}

/// The versions of a package that baselines ran with, oldest first.
fn versions_before(report: &Report<'_>, package: &str, runs: &Runs<'_>) -> Vec<String> {
    if let Some(swapped) = report.plan.baseline.iter().find(|record| record.package == package) {
        return vec![clean_line(&swapped.version)];
    }
    let all = runs.values().flat_map(BTreeMap::values).flatten();
    let baselines = all.filter(|run| run.unit.side == Side::Baseline);
    let seen = baselines.filter_map(|run| run.environment.get(package));
    let seen: BTreeSet<Vec<Piece>> = seen.map(|version| pieces(&clean_line(version))).collect();
    seen.into_iter().map(|pieces| pieces.iter().map(Piece::text).collect()).collect()
}

/// A part of a version, so that 3.10 sorts behind 3.9.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Word(String),
    Number(u64, String),
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Number(_, text) => text,
        }
    }
}

fn pieces(version: &str) -> Vec<Piece> {
    let mut all: Vec<String> = Vec::new();
    for c in version.chars() {
        match all.last_mut() {
            Some(last) if last.ends_with(|l: char| l.is_ascii_digit() == c.is_ascii_digit()) => {
                last.push(c);
            }
            _ => all.push(c.into()),
        }
    }
    let piece = |text: String| match text.parse() {
        Ok(number) => Piece::Number(number, text),
        Err(_) => Piece::Word(text),
    };
    all.into_iter().map(piece).collect()
}

/// Returns the swaps by what the user typed: the package that it names, and those
/// that came along with it.
fn asked(swaps: &[SwapRecord]) -> Vec<(&SwapRecord, Vec<&SwapRecord>)> {
    let mut specs: Vec<(&str, Vec<&SwapRecord>)> = Vec::new();
    for swap in swaps {
        match specs.iter_mut().find(|(spec, _)| *spec == swap.spec) {
            Some((_, all)) => all.push(swap),
            None => specs.push((&swap.spec, vec![swap])),
        }
    }
    specs
        .into_iter()
        .map(|(spec, mut all)| {
            let named = all.iter().position(|swap| names(spec, &swap.package));
            let first = all.remove(named.unwrap_or(0));
            (first, all)
        })
        .collect()
}

/// Whether a specification begins with the name of this package.
fn names(spec: &str, package: &str) -> bool {
    let end = spec.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(spec.len());
    let plain = |name: &str| name.replace(['_', '.'], "-").to_lowercase();
    plain(&spec[..end]) == plain(package)
}

/// The packages that the user asked for: `ops` or `ops or cosl`.
fn asked_names(report: &Report<'_>) -> String {
    let asked = asked(&report.plan.candidate).into_iter();
    let names: Vec<String> = asked.map(|(swap, _)| clean_line(&swap.package)).collect();
    if names.is_empty() { "the swapped packages".into() } else { names.join(" or ") }
}

/// Says what was swapped: `ops 3.7.1 → 3.8.0 (with ops-scenario)`.
fn swap_words(report: &Report<'_>, runs: &Runs<'_>) -> String {
    let asked = asked(&report.plan.candidate);
    let mut parts: Vec<String> = asked
        .iter()
        .take(2)
        .map(|(swap, others)| {
            let before = versions_before(report, &swap.package, runs);
            let after = clean_line(&swap.version);
            let package = clean_line(&swap.package);
            // The local part tells builds apart; it only matters to readers where
            // nothing else does.
            let public = after.split('+').next().unwrap_or_default();
            let after = if before.iter().any(|version| version == public) { &after } else { public };
            let words = match before.as_slice() {
                [] => format!("{package} {after}"),
                [only] => format!("{package} {only} → {after}"),
                [first, .., last] => format!("{package} {first}…{last} → {after}"),
            };
            let with: Vec<String> = others.iter().take(3).map(|other| clean_line(&other.package)).collect();
            match others.len() {
                0 => words,
                1..=3 => format!("{words} (with {})", with.join(", ")),
                all => format!("{words} (with {} and {} more)", with.join(", "), all - 3),
            }
        })
        .collect();
    if asked.len() > 2 {
        parts.push(format!("{} more", asked.len() - 2));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_comes_first() {
        let swap = |spec: &str, package: &str| SwapRecord {
            spec: spec.into(),
            package: package.into(),
            ..crate::test_support::swap("3.9.0")
        };
        let swaps = [
            swap("ops @ ../operator", "ops-scenario"),
            swap("ops @ ../operator", "ops"),
            swap("../cosl", "cosl"),
        ];
        let found: Vec<(&str, usize)> =
            asked(&swaps).iter().map(|(first, others)| (first.package.as_str(), others.len())).collect();
        assert_eq!(found, [("ops", 1), ("cosl", 0)]);
    }

    #[test]
    fn versions_sort_by_number() {
        let mut versions = ["3.10.0", "3.9.1", "2.23", "3.9.0rc1"].map(pieces);
        versions.sort();
        let words: Vec<String> = versions.iter().map(|all| all.iter().map(Piece::text).collect()).collect();
        assert_eq!(words, ["2.23", "3.9.0rc1", "3.9.1", "3.10.0"]);
    }
}
