//! One subject's target: its two sides, compared.

use std::collections::BTreeMap;

use super::Judged;
use super::cells::{Attempt, Table, judge};
use super::proof::{already_there, drift, has_proof, proven, same_swaps};
use super::summary::{Facts, summary};
use crate::cluster::Regression;
use crate::comparison::{CaseComparison, PairComparison, SUITE};
use crate::event::{CaseKind, Failure, Plan, Side, SubjectId, SwapRecord, UnitResult};
use crate::outcome::{Origin, Outcome};
use crate::settle::{looks_slower, settle, settle_times};
use crate::verdict::{Standing, Verdict};

/// The results of one subject's target.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    subject: &'a SubjectId,
    target: &'a str,
    /// The results of each side, by attempt.
    pub(super) baseline: Vec<&'a UnitResult>,
    pub(super) candidate: Vec<&'a UnitResult>,
}

impl<'a> Pair<'a> {
    /// Returns the pair of this subject and target out of any results; those of
    /// other pairs are passed over. Of two results of one unit the one that began
    /// later counts.
    pub fn new(
        subject: &'a SubjectId,
        target: &'a str,
        results: impl IntoIterator<Item = &'a UnitResult>,
    ) -> Self {
        let mut sides: BTreeMap<(Side, u32), &UnitResult> = BTreeMap::new();
        for result in results {
            if result.unit.subject != *subject || result.unit.target != target {
                continue;
            }
            sides
                .entry((result.unit.side, result.unit.attempt))
                .and_modify(|kept| {
                    if is_later(result, kept) {
                        *kept = result;
                    }
                })
                .or_insert(result);
        }
        let (mut baseline, mut candidate) = (Vec::new(), Vec::new());
        for ((side, _), result) in sides {
            match side {
                Side::Baseline => baseline.push(result),
                Side::Candidate => candidate.push(result),
            }
        }
        Self { subject, target, baseline, candidate }
    }

    /// Returns what the pair means so far, with no causes.
    pub fn compare(&self, plan: &Plan) -> PairComparison {
        self.judge(plan).pair
    }

    /// Whether both sides should be run once more before anything is claimed:
    /// they disagree, or the candidate looks slower, and one of them has fewer
    /// than `attempts` attempts.
    ///
    /// Times of results that were taken from an earlier run do not count; so a
    /// side that only looks slower may be run once more than that.
    pub fn needs_confirmation(&self, plan: &Plan, attempts: u32) -> bool {
        if self.baseline.is_empty() || self.candidate.is_empty() {
            return false;
        }
        let wanted = attempts as usize;
        let (before, after) = self.attempts(plan);
        let table = judge(&before, &after);
        let pair = self.judge(plan).pair;
        let disagrees = pair.fails_otherwise()
            || pair.verdict.claims_a_change()
            || pair.cases.iter().any(|case| case.verdict.claims_a_change());
        if disagrees && before.len().min(after.len()) < wanted {
            return true;
        }
        let fresh = |side: &[&UnitResult]| side.iter().filter(|result| result.reused_from.is_none()).count();
        let slower = table.looks_slower
            || suite_times(&before, &after, false, looks_slower, |&slower| slower).unwrap_or(false);
        slower
            && fresh(&self.baseline).min(fresh(&self.candidate)) < wanted
            && before.len().min(after.len()) <= wanted
    }

    /// Returns all results.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a UnitResult> {
        self.baseline.iter().chain(&self.candidate).copied()
    }

    fn attempts(&self, plan: &Plan) -> (Vec<Attempt<'a>>, Vec<Attempt<'a>>) {
        let side = |own: &[&'a UnitResult], swaps: &[SwapRecord], others: &[&'a UnitResult]| {
            own.iter().map(|result| Attempt::new(result, proven(result, swaps, others))).collect::<Vec<_>>()
        };
        (
            side(&self.baseline, &plan.baseline, &self.candidate),
            side(&self.candidate, &plan.candidate, &self.baseline),
        )
    }

    /// Returns the entry of a subject that was left out on purpose.
    pub(super) fn left_out(&self, reason: &str) -> Judged {
        let mut pair = self.blank();
        pair.verdict = Verdict::Unaffected;
        pair.baseline = Some(Outcome::Filtered);
        pair.candidate = Some(Outcome::Filtered);
        pair.summary = format!("left out: {reason}");
        Judged { pair, kinds: Vec::new(), killer: None, took_along: 0 }
    }

    fn blank(&self) -> PairComparison {
        PairComparison {
            subject: self.subject.clone(),
            target: self.target.to_owned(),
            verdict: Verdict::Unknown,
            baseline: None,
            candidate: None,
            summary: String::new(),
            cases: Vec::new(),
            still_passing: 0,
            case_counts: (0, 0),
            duration_ms: (None, None),
            attempts: (self.baseline.len() as u32, self.candidate.len() as u32),
            drift: Vec::new(),
            signal: false,
        }
    }

    /// Returns the verdict on the pair.
    pub(super) fn judge(&self, plan: &Plan) -> Judged {
        let (before, after) = self.attempts(plan);
        let mut pair = self.blank();
        let (told_before, told_after) = (telling(&before), telling(&after));
        let outcome = |attempt: Option<&Attempt<'_>>| attempt.map(|one| one.suite);
        (pair.baseline, pair.candidate) = (outcome(told_before), outcome(told_after));
        let time = |attempt: Option<&Attempt<'_>>| attempt.map(|one| one.result.duration_ms);
        pair.duration_ms = (time(told_before), time(told_after));
        let count = |attempt: Option<&Attempt<'_>>| attempt.map_or(0, |one| one.cases.len());
        pair.case_counts = (count(told_before), count(told_after));
        if let (Some(before), Some(after)) = (told_before, told_after) {
            pair.drift = drift(before.result, after.result, plan);
        }

        let outcomes = |side: &[Attempt<'_>]| -> Vec<Option<Outcome>> {
            side.iter().map(|attempt| Some(attempt.suite)).collect()
        };
        let (suite_before, suite_after) = (outcomes(&before), outcomes(&after));
        let mut suite = settle(&suite_before, &suite_after, CaseKind::Suite);
        let table = match suite {
            // What ran is not known, or nothing did: no case says anything.
            Verdict::NotInjected | Verdict::Unknown => Table::default(),
            _ => judge(&before, &after),
        };
        if suite == Verdict::StillFailing && table.lost_by_death {
            // Cases worked; now the suite does not get to them.
            suite = Verdict::Regressed;
        }
        if suite == Verdict::StillPassing {
            suite =
                suite_times(&before, &after, true, settle_times, |&verdict| verdict != Verdict::StillPassing)
                    .unwrap_or(suite);
        }

        pair.still_passing = table.still_passing;
        let mut cases = table.cases;
        let lists_suite = suite_speaks(suite, &before, &after, &cases);
        if lists_suite {
            cases.push((self.suite_case(suite, &before, &after), CaseKind::Suite));
        }
        cases.sort_by(|(a, _), (b, _)| {
            (a.verdict, a.case != SUITE, &a.case).cmp(&(b.verdict, b.case != SUITE, &b.case))
        });
        pair.verdict = headline(suite, &cases, table.still_passing);

        let identical = same_swaps(plan) || already_there(&self.baseline, &plan.candidate);
        let spoke = |side: &[Attempt<'_>], swaps: &[SwapRecord]| {
            side.iter().any(|attempt| {
                attempt.suite.origin() == Origin::Suite
                    && attempt.suite != Outcome::SkippedBySuite
                    && has_proof(attempt.result, swaps)
            })
        };
        // Two suites that could not begin agree in nothing that the swap has a part in.
        let began = |side: &[Attempt<'_>]| {
            side.iter().any(|attempt| {
                attempt.suite != Outcome::CollectionError
                    || attempt.cases.values().any(|case| case.outcome == Outcome::Pass)
            })
        };
        pair.signal = !identical
            && (began(&before) || began(&after))
            && spoke(&before, &plan.baseline)
            && spoke(&after, &plan.candidate)
            && !matches!(pair.verdict, Verdict::NotInjected | Verdict::Unknown);

        let (listed, kinds): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
        pair.cases = listed;
        let killer = killer(&pair.cases, &after);
        let took_along = if killer.is_some() && table.lost_by_death {
            pair.cases.iter().filter(|case| case.verdict == Verdict::LostCase).count()
        } else {
            0
        };
        pair.summary = summary(&Facts {
            pair: &pair,
            kinds: &kinds,
            plan,
            baseline: &self.baseline,
            candidate: &self.candidate,
            identical,
        });
        Judged { pair, kinds, killer, took_along }
    }

    fn suite_case(&self, verdict: Verdict, before: &[Attempt<'_>], after: &[Attempt<'_>]) -> CaseComparison {
        let failing = |side: &[Attempt<'_>]| {
            side.iter().find(|attempt| attempt.suite != Outcome::Pass).map(|attempt| Failure {
                exception: match attempt.suite {
                    Outcome::Fail => String::new(),
                    other => other.words(),
                },
                message: said(attempt),
                ..Failure::default()
            })
        };
        let shown = |side: &[Attempt<'_>]| side.iter().map(|attempt| Some(attempt.suite)).collect();
        let fastest = |side: &[&UnitResult]| side.iter().map(|result| own_ms(result)).min();
        CaseComparison {
            case: SUITE.to_owned(),
            verdict,
            baseline: shown(before),
            candidate: shown(after),
            failure: match verdict {
                Verdict::Fixed => failing(before),
                _ => failing(after).or_else(|| failing(before)),
            },
            baseline_failure: None,
            duration_ms: (fastest(&self.baseline), fastest(&self.candidate)),
            cause: None,
        }
    }
}

impl Judged {
    /// Returns the regressions of the pair, in the order of its cases.
    pub(super) fn regressions(&self) -> impl Iterator<Item = Regression<'_>> {
        let whole = self.pair.duration_ms.1.unwrap_or(u64::MAX);
        self.pair
            .cases
            .iter()
            .zip(&self.kinds)
            .enumerate()
            .filter(|(_, (case, _))| case.verdict == Verdict::Regressed)
            .map(move |(index, (case, &kind))| Regression {
                subject: &self.pair.subject,
                target: &self.pair.target,
                kind,
                case,
                // Linters tell no times: the whole suite is what it takes.
                cost_ms: case.duration_ms.1.filter(|&ms| ms > 0).unwrap_or(whole),
                took_along: if self.killer == Some(index) { self.took_along } else { 0 },
            })
    }
}

/// Returns the first attempt that the environment did not spoil, or the first of
/// all.
fn telling<'a, 'b>(side: &'b [Attempt<'a>]) -> Option<&'b Attempt<'a>> {
    side.iter()
        .find(|attempt| Standing::of(Some(attempt.suite), CaseKind::Suite) != Standing::Troubled)
        .or(side.first())
}

/// Returns what a result's suite said, with the reason where proof changed it.
fn said(attempt: &Attempt<'_>) -> String {
    if attempt.suite == attempt.result.outcome {
        attempt.result.summary.clone()
    } else {
        attempt.result.injection.summary.clone()
    }
}

/// Whether `a` counts rather than `b`: it began later; of two that began at once,
/// any, but always the same.
fn is_later(a: &UnitResult, b: &UnitResult) -> bool {
    let key = |result: &UnitResult| serde_json::to_string(result).unwrap_or_default();
    a.started_at > b.started_at || (a.started_at == b.started_at && key(a) > key(b))
}

/// Returns the wall time of a unit without charmproof's own part.
fn own_ms(result: &UnitResult) -> u64 {
    result.duration_ms.saturating_sub(result.overhead_ms)
}

/// Judges the times of two suites that passed.
///
/// The wall time of a unit holds the building of its environment, which depends
/// on caches and the network. So the time of the work itself must differ as well:
/// that of the cases where the suite tells it, else the processor's.
///
/// With `fresh_only`, results that were taken from an earlier run do not count.
fn suite_times<T: PartialEq>(
    before: &[Attempt<'_>],
    after: &[Attempt<'_>],
    fresh_only: bool,
    judge: impl Fn(&[u64], &[u64], CaseKind) -> T,
    says_something: impl Fn(&T) -> bool,
) -> Option<T> {
    let times = |side: &[Attempt<'_>], time: &dyn Fn(&UnitResult) -> u64| -> Vec<u64> {
        side.iter()
            .filter(|attempt| !fresh_only || attempt.result.reused_from.is_none())
            .filter(|attempt| attempt.suite == Outcome::Pass)
            .map(|attempt| time(attempt.result))
            .collect()
    };
    let of_cases = |result: &UnitResult| result.cases.iter().map(|case| case.duration_ms).sum::<u64>();
    let cases_tell = before
        .iter()
        .chain(after)
        .filter(|attempt| attempt.suite == Outcome::Pass)
        .all(|attempt| of_cases(attempt.result) > 0);
    let work = |result: &UnitResult| {
        if cases_tell { of_cases(result) } else { result.cpu_ms }
    };
    let wall = judge(&times(before, &own_ms), &times(after, &own_ms), CaseKind::Suite);
    let work = judge(&times(before, &work), &times(after, &work), CaseKind::Suite);
    (wall == work && says_something(&wall)).then_some(wall)
}

/// Whether the suite as a whole says something that no case says.
fn suite_speaks(
    suite: Verdict,
    before: &[Attempt<'_>],
    after: &[Attempt<'_>],
    cases: &[(CaseComparison, CaseKind)],
) -> bool {
    let unexplained = |side: &[Attempt<'_>]| side.iter().any(|attempt| !attempt.is_explained());
    let some = |verdict: Verdict| cases.iter().any(|(case, _)| case.verdict == verdict);
    match suite {
        Verdict::StillPassing | Verdict::Unaffected | Verdict::NewCase | Verdict::Unknown => false,
        Verdict::NotInjected | Verdict::Spurious | Verdict::Blocked | Verdict::LostCase => true,
        Verdict::Regressed => {
            unexplained(after) || !cases.iter().any(|(case, _)| case.verdict <= Verdict::Flaky)
        }
        Verdict::Fixed => unexplained(before) || cases.is_empty(),
        Verdict::StillFailing | Verdict::Flaky => unexplained(before) || unexplained(after),
        Verdict::Slower | Verdict::Faster => !some(suite),
    }
}

/// Returns the gravest verdict of the cases, which hold the suite's where it says
/// something of its own.
fn headline(suite: Verdict, cases: &[(CaseComparison, CaseKind)], still_passing: usize) -> Verdict {
    let gravest = cases.iter().map(|(case, _)| case.verdict).min();
    match gravest {
        Some(verdict) if still_passing > 0 => verdict.min(Verdict::StillPassing),
        Some(verdict) => verdict,
        None => suite,
    }
}

/// Returns the case that tells of the death of the candidate's suite.
fn killer(cases: &[CaseComparison], after: &[Attempt<'_>]) -> Option<usize> {
    let deaths: Vec<Outcome> =
        after.iter().filter(|attempt| attempt.died()).map(|attempt| attempt.suite).collect();
    cases.iter().position(|case| {
        case.verdict == Verdict::Regressed
            && case.candidate.iter().flatten().any(|outcome| deaths.contains(outcome))
    })
}
