//! The words and figures that all reports share.

use jiff::Timestamp;

use crate::event::Proof;
use crate::outcome::Outcome;
use crate::verdict::Verdict;

/// Every verdict, gravest first.
pub(crate) const VERDICTS: [Verdict; 14] = [
    Verdict::Regressed,
    Verdict::LostCase,
    Verdict::NotInjected,
    Verdict::Spurious,
    Verdict::Flaky,
    Verdict::Blocked,
    Verdict::StillFailing,
    Verdict::Slower,
    Verdict::Fixed,
    Verdict::Faster,
    Verdict::NewCase,
    Verdict::StillPassing,
    Verdict::Unaffected,
    Verdict::Unknown,
];

/// What a thing means to the reader, which decides its colour everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The swap broke it.
    Bad,
    /// Look at it: something is in the way or does not hold still.
    Warn,
    /// Better than before.
    Good,
    /// As before, or of no consequence.
    Quiet,
}

impl Meaning {
    /// The name used for classes in HTML.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Good => "good",
            Self::Quiet => "quiet",
        }
    }
}

/// The stable name, as in JSON.
pub(crate) fn verdict_key(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "regressed",
        Verdict::LostCase => "lost-case",
        Verdict::NotInjected => "not-injected",
        Verdict::Spurious => "spurious",
        Verdict::Flaky => "flaky",
        Verdict::Blocked => "blocked",
        Verdict::StillFailing => "still-failing",
        Verdict::Slower => "slower",
        Verdict::Fixed => "fixed",
        Verdict::Faster => "faster",
        Verdict::NewCase => "new-case",
        Verdict::StillPassing => "still-passing",
        Verdict::Unaffected => "unaffected",
        Verdict::Unknown => "unknown",
    }
}

/// The words that people read.
pub(crate) fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "regressed",
        Verdict::LostCase => "lost cases",
        Verdict::NotInjected => "not injected",
        Verdict::Spurious => "spurious",
        Verdict::Flaky => "flaky",
        Verdict::Blocked => "blocked",
        Verdict::StillFailing => "still failing",
        Verdict::Slower => "slower",
        Verdict::Fixed => "fixed",
        Verdict::Faster => "faster",
        Verdict::NewCase => "new cases",
        Verdict::StillPassing => "still passing",
        Verdict::Unaffected => "unaffected",
        Verdict::Unknown => "no result yet",
    }
}

/// The words for one case.
pub(crate) fn case_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::LostCase => "lost",
        Verdict::NewCase => "new",
        _ => verdict_words(verdict),
    }
}

/// One sentence that says what the verdict claims.
pub(crate) fn verdict_meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "What worked without the swap fails with it, on every attempt.",
        Verdict::LostCase => "It passed without the swap and is not run at all with it.",
        Verdict::NotInjected => "There is no proof that the suite ran with the swapped packages.",
        Verdict::Spurious => "The sides differ, but for a reason that is not the swap's.",
        Verdict::Flaky => "One side does not agree with itself.",
        Verdict::Blocked => "Neither side could run.",
        Verdict::StillFailing => "It fails with and without the swap.",
        Verdict::Slower => "It works on both sides, and takes clearly longer with the swap.",
        Verdict::Fixed => "It failed without the swap and works with it.",
        Verdict::Faster => "It works on both sides, and takes clearly less time with the swap.",
        Verdict::NewCase => "It is run with the swap only, and works.",
        Verdict::StillPassing => "It works on both sides.",
        Verdict::Unaffected => "The swap cannot matter: nothing there uses the swapped packages.",
        Verdict::Unknown => "A side has no result yet.",
    }
}

/// What the verdict means to the reader.
pub(crate) fn verdict_tone(verdict: Verdict) -> Meaning {
    match verdict {
        Verdict::Regressed | Verdict::LostCase => Meaning::Bad,
        Verdict::NotInjected | Verdict::Spurious | Verdict::Flaky | Verdict::Blocked | Verdict::Slower => {
            Meaning::Warn
        }
        Verdict::Fixed | Verdict::Faster | Verdict::NewCase => Meaning::Good,
        Verdict::StillFailing | Verdict::StillPassing | Verdict::Unaffected | Verdict::Unknown => {
            Meaning::Quiet
        }
    }
}

/// The place of a verdict in the order of gravity, 0 for the gravest.
pub(crate) fn gravity(verdict: Verdict) -> usize {
    VERDICTS.iter().position(|&each| each == verdict).unwrap_or(VERDICTS.len())
}

/// The stable name, as in JSON.
pub(crate) fn outcome_key(outcome: Outcome) -> String {
    match outcome {
        Outcome::Pass => "pass".into(),
        Outcome::Fail => "fail".into(),
        Outcome::CollectionError => "collection-error".into(),
        Outcome::Timeout => "timeout".into(),
        Outcome::OutOfMemory => "out-of-memory".into(),
        Outcome::Crashed => "crashed".into(),
        Outcome::SkippedBySuite => "skipped-by-suite".into(),
        Outcome::CouldNotPrepare(kind) => {
            format!("could-not-prepare/{}", kind.words().replace(' ', "-"))
        }
        Outcome::NotInjected => "not-injected".into(),
        Outcome::NotUsed => "not-used".into(),
        Outcome::Empty => "empty".into(),
        Outcome::NoSuchTarget => "no-such-target".into(),
        Outcome::Filtered => "filtered".into(),
        Outcome::ToolFailed => "tool-failed".into(),
    }
}

/// What the outcome means to the reader.
pub(crate) fn outcome_tone(outcome: Option<Outcome>) -> Meaning {
    match outcome {
        Some(Outcome::Pass) => Meaning::Good,
        Some(outcome) if outcome.is_failure() => Meaning::Bad,
        Some(Outcome::CouldNotPrepare(_) | Outcome::NotInjected | Outcome::ToolFailed) => Meaning::Warn,
        Some(_) | None => Meaning::Quiet,
    }
}

/// The strength of a proof, in words.
pub(crate) fn proof_words(proof: Proof) -> &'static str {
    match proof {
        Proof::NotNeeded => "nothing was swapped",
        Proof::InProcess => "seen in the process",
        Proof::Installed => "installed",
        Proof::NotUsed => "not used",
        Proof::Missing => "not proven",
    }
}

/// The stable name of a proof, as in JSON.
pub(crate) fn proof_key(proof: Proof) -> &'static str {
    match proof {
        Proof::NotNeeded => "not-needed",
        Proof::InProcess => "in-process",
        Proof::Installed => "installed",
        Proof::NotUsed => "not-used",
        Proof::Missing => "missing",
    }
}

/// How a suite ended, where it has a result at all.
pub(crate) fn outcome_or(outcome: Option<Outcome>, absent: &str) -> String {
    outcome.map_or_else(|| absent.to_owned(), Outcome::words)
}

/// Outcomes of all attempts, with repetitions counted: `fail ×3`.
pub(crate) fn attempts_words(attempts: &[Option<Outcome>]) -> String {
    let mut runs: Vec<(String, usize)> = Vec::new();
    for &attempt in attempts {
        let words = outcome_or(attempt, "absent");
        match runs.last_mut() {
            Some((last, count)) if *last == words => *count += 1,
            _ => runs.push((words, 1)),
        }
    }
    if runs.is_empty() {
        return "not run".into();
    }
    let parts: Vec<String> = runs
        .into_iter()
        .map(|(words, count)| if count == 1 { words } else { format!("{words} ×{count}") })
        .collect();
    parts.join(", ")
}

/// Returns a number with what it counts: `1 charm`, `12,345 charms`.
pub fn count(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(number as u64))
}

/// `12,345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration as people say it: `840 ms`, `4.2 s`, `3 min 12 s`, `1 h 04 min`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = (ms + 500) / 1000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..59_950 => format!("{:.1} s", ms as f64 / 1000.0),
        _ if seconds < 3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A duration that may be missing.
pub(crate) fn duration_or(ms: Option<u64>, absent: &str) -> String {
    ms.map_or_else(|| absent.to_owned(), duration)
}

/// How the candidate's time differs: `+35 %`, `−12 %`; empty below 1 % or where
/// a side is missing.
pub(crate) fn change(baseline_ms: Option<u64>, candidate_ms: Option<u64>) -> String {
    let (Some(before), Some(after)) = (baseline_ms, candidate_ms) else {
        return String::new();
    };
    if before == 0 {
        return String::new();
    }
    let percent = ((after as f64 - before as f64) * 100.0 / before as f64).round() as i64;
    match percent {
        0 => String::new(),
        1.. => format!("+{percent} %"),
        _ => format!("−{} %", -percent),
    }
}

/// Memory as people say it.
pub(crate) fn bytes(bytes: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let size = bytes as f64;
    if size >= 1024.0 * MIB {
        format!("{:.1} GiB", size / MIB / 1024.0)
    } else if size >= MIB {
        format!("{:.0} MiB", size / MIB)
    } else {
        format!("{:.0} KiB", size / 1024.0)
    }
}

/// A moment as people read it, always in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The first twelve characters: enough to tell digests and commits apart.
pub(crate) fn short_digest(digest: &str) -> String {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_listed_in_their_own_order() {
        assert!(VERDICTS.is_sorted());
        let keys: std::collections::BTreeSet<&str> =
            VERDICTS.iter().map(|&verdict| verdict_key(verdict)).collect();
        assert_eq!(keys.len(), VERDICTS.len());
        for verdict in VERDICTS {
            let serialised = serde_json::to_value(verdict).unwrap();
            assert_eq!(serialised, verdict_key(verdict));
        }
    }

    #[test]
    fn outcome_keys_differ() {
        let all = Outcome::all();
        let keys: std::collections::BTreeSet<String> =
            all.iter().map(|&outcome| outcome_key(outcome)).collect();
        assert_eq!(keys.len(), all.len());
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(duration(840), "840 ms");
        assert_eq!(duration(4_210), "4.2 s");
        assert_eq!(duration(59_999), "1 min 00 s");
        assert_eq!(duration(192_000), "3 min 12 s");
        assert_eq!(duration(3_840_000), "1 h 04 min");
        assert_eq!(change(Some(1000), Some(1350)), "+35 %");
        assert_eq!(change(Some(1000), Some(880)), "−12 %");
        assert_eq!(change(Some(0), Some(880)), "");
        assert_eq!(count(1, "charm"), "1 charm");
        assert_eq!(count(1_234_567, "charm"), "1,234,567 charms");
        assert_eq!(bytes(300 * 1024 * 1024), "300 MiB");
        assert_eq!(attempts_words(&[Some(Outcome::Fail), Some(Outcome::Fail), None]), "fail ×2, absent");
    }
}
