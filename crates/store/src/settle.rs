//! Several attempts on both sides, settled into one verdict.
//!
//! Nobody is accused on one run. A side that does not agree with itself is
//! flaky, and says nothing about the swap; an attempt that the environment spoilt
//! says nothing at all, and is dropped where another attempt speaks.

use crate::event::CaseKind;
use crate::outcome::Outcome;
use crate::verdict::{Standing, Verdict, verdict};

/// The factor between two times that counts as a difference.
const TIME_FACTOR: f64 = 1.5;

/// The least difference that counts for one case.
const CASE_DIFFERENCE_MS: u64 = 1_000;

/// The least difference that counts for a whole suite.
const SUITE_DIFFERENCE_MS: u64 = 3_000;

/// How many times each side must have been timed before a claim is made.
const TIMED_ATTEMPTS: usize = 2;

/// Returns what the attempts of both sides mean together.
///
/// - Attempts that the environment or charmproof spoilt are dropped from a side
///   that has others.
/// - One attempt without proof of what ran makes the whole pair unproven: that
///   the others had it is then luck.
/// - A side whose attempts differ in a way that matters is flaky. It does not
///   matter how a case failed, nor whether a case that is gone with the swap on
///   every attempt passed on every one without it: it is lost either way.
/// - A regression or a fix needs every remaining attempt of both sides.
///
/// A side without any attempt has no result: [`Verdict::Unknown`].
pub fn settle(baseline: &[Option<Outcome>], candidate: &[Option<Outcome>], kind: CaseKind) -> Verdict {
    let baseline = telling(baseline, kind);
    let candidate = telling(candidate, kind);
    let mut verdicts =
        baseline.iter().flat_map(|&before| candidate.iter().map(move |&after| verdict(before, after, kind)));
    let Some(first) = verdicts.next() else {
        return Verdict::Unknown;
    };
    let (mut agreed, mut unproven, mut unknown) = (true, false, false);
    for each in std::iter::once(first).chain(verdicts) {
        agreed &= each == first;
        unproven |= each == Verdict::NotInjected;
        unknown |= each == Verdict::Unknown;
    }
    if unproven {
        return Verdict::NotInjected;
    }
    if unknown {
        return Verdict::Unknown;
    }
    let steady = is_steady(&baseline, kind) && is_steady(&candidate, kind);
    match first {
        _ if !agreed => Verdict::Flaky,
        Verdict::Regressed | Verdict::Fixed if !steady => Verdict::Flaky,
        settled => settled,
    }
}

/// Returns the attempts that the environment did not spoil, or all if it spoilt
/// every one.
fn telling(attempts: &[Option<Outcome>], kind: CaseKind) -> Vec<Option<Outcome>> {
    let told: Vec<_> = attempts
        .iter()
        .copied()
        .filter(|&attempt| Standing::of(attempt, kind) != Standing::Troubled)
        .collect();
    if told.is_empty() { attempts.to_vec() } else { told }
}

/// Whether all attempts say the same, however they say it.
fn is_steady(attempts: &[Option<Outcome>], kind: CaseKind) -> bool {
    let word = |attempt: &Option<Outcome>| match Standing::of(*attempt, kind) {
        // Failing and being impossible to prepare are both "does not work".
        Standing::Unresolvable => Standing::Fails,
        Standing::Works
        | Standing::Fails
        | Standing::Silent
        | Standing::Troubled
        | Standing::Unproven
        | Standing::Unused
        | Standing::LeftOut
        | Standing::Unrun => Standing::of(*attempt, kind),
    };
    attempts.windows(2).all(|pair| word(&pair[0]) == word(&pair[1]))
}

/// Returns the verdict on the times of something that works on both sides: the
/// shortest of each side counts, as everything else on the machine only ever
/// makes a run longer. (Times that nobody took are 0 on both sides, and differ in
/// nothing.)
///
/// With fewer than two times on a side there is no claim.
pub fn settle_times(baseline_ms: &[u64], candidate_ms: &[u64], kind: CaseKind) -> Verdict {
    if baseline_ms.len() < TIMED_ATTEMPTS || candidate_ms.len() < TIMED_ATTEMPTS {
        return Verdict::StillPassing;
    }
    judge_times(baseline_ms, candidate_ms, kind)
}

/// Whether what was timed so far looks slower with the swap, whatever the number
/// of attempts: a reason to run both sides again, not a claim.
pub fn looks_slower(baseline_ms: &[u64], candidate_ms: &[u64], kind: CaseKind) -> bool {
    judge_times(baseline_ms, candidate_ms, kind) == Verdict::Slower
}

fn judge_times(baseline: &[u64], candidate: &[u64], kind: CaseKind) -> Verdict {
    let least = match kind {
        CaseKind::Test | CaseKind::Diagnostic => CASE_DIFFERENCE_MS,
        CaseKind::Suite => SUITE_DIFFERENCE_MS,
    };
    let (Some(&before), Some(&after)) = (baseline.iter().min(), candidate.iter().min()) else {
        return Verdict::StillPassing;
    };
    let clearly = |short: u64, long: u64| {
        long.saturating_sub(short) > least && long as f64 > short as f64 * TIME_FACTOR
    };
    if clearly(before, after) {
        Verdict::Slower
    } else if clearly(after, before) {
        Verdict::Faster
    } else {
        Verdict::StillPassing
    }
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
