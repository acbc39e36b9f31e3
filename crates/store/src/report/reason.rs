//! Why a pair says nothing about the swap.

use crate::comparison::PairComparison;
use crate::outcome::{Origin, Outcome, PrepareKind};
use crate::verdict::Verdict;

/// Why a pair gave no signal, what asks for action first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// It ran without proof that the swap was there.
    NotInjected,
    /// charmproof itself failed.
    ToolFailed,
    /// The environment could not be made.
    Prepare(PrepareOrder),
    /// A limit or a signal ended it.
    Ended,
    /// Something else than the swap made the difference.
    Spurious,
    /// Neither side came as far as a case: the files of tests cannot be imported.
    NotCollected,
    /// The suites ran no case.
    Empty,
    /// No result yet.
    NoResult,
    /// None of the swapped packages is there.
    NotUsed,
    /// The charm has no such target.
    NoSuchTarget,
    /// Left out on purpose.
    Filtered,
    /// Both sides ran with the very same files.
    SamePackage,
    /// Anything else: both sides failed in a way that shows nothing.
    Other,
}

/// A [`PrepareKind`] in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrepareOrder(PrepareKind);

impl PrepareOrder {
    fn place(self) -> usize {
        PrepareKind::ALL.iter().position(|&kind| kind == self.0).unwrap_or(PrepareKind::ALL.len())
    }
}

impl Ord for PrepareOrder {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for PrepareOrder {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Reason {
    /// Returns why a pair gave no signal. The candidate is asked first, since a
    /// baseline that ran proves that the charm can.
    pub(crate) fn of(pair: &PairComparison) -> Self {
        match pair.verdict {
            Verdict::NotInjected => return Self::NotInjected,
            Verdict::Unknown => return Self::NoResult,
            _ => {}
        }
        let outcomes = [pair.candidate, pair.baseline];
        let silent = outcomes.into_iter().flatten().find(|outcome| outcome.origin() != Origin::Suite);
        if let Some(outcome) = silent {
            return match outcome {
                Outcome::CouldNotPrepare(kind) => Self::Prepare(PrepareOrder(kind)),
                Outcome::NotInjected => Self::NotInjected,
                Outcome::ToolFailed => Self::ToolFailed,
                Outcome::NotUsed => Self::NotUsed,
                Outcome::Empty => Self::Empty,
                Outcome::NoSuchTarget => Self::NoSuchTarget,
                Outcome::Filtered => Self::Filtered,
                _ => Self::Other,
            };
        }
        let ended = |outcome: Option<Outcome>| {
            matches!(outcome, Some(Outcome::Timeout | Outcome::OutOfMemory | Outcome::Crashed))
        };
        if outcomes.iter().any(Option::is_none) {
            Self::NoResult
        } else if outcomes == [Some(Outcome::CollectionError); 2] && pair.still_passing == 0 {
            Self::NotCollected
        } else if outcomes.into_iter().any(ended) {
            Self::Ended
        } else {
            match pair.verdict {
                Verdict::Unaffected => Self::NotUsed,
                Verdict::Spurious => Self::Spurious,
                // Suites that ran, and different packages, would be a signal.
                _ if !outcomes.contains(&Some(Outcome::SkippedBySuite)) => Self::SamePackage,
                _ => Self::Other,
            }
        }
    }

    /// The stable name, as in JSON.
    pub(crate) fn key(self) -> String {
        match self {
            Self::NotInjected => "not-injected".into(),
            Self::ToolFailed => "tool-failed".into(),
            Self::Prepare(kind) => {
                format!("could-not-prepare/{}", kind.0.words().replace(' ', "-"))
            }
            Self::Ended => "ended-by-limit".into(),
            Self::Spurious => "spurious".into(),
            Self::NotCollected => "not-collected".into(),
            Self::Empty => "empty".into(),
            Self::NoResult => "no-result".into(),
            Self::NotUsed => "not-used".into(),
            Self::NoSuchTarget => "no-such-target".into(),
            Self::Filtered => "filtered".into(),
            Self::SamePackage => "same-package".into(),
            Self::Other => "other".into(),
        }
    }

    /// The words that people read.
    pub(crate) fn words(self) -> String {
        match self {
            Self::NotInjected => "the swap was not seen".into(),
            Self::ToolFailed => "charmproof failed".into(),
            Self::Prepare(kind) => format!("could not prepare: {}", kind.0.words()),
            Self::Ended => "ended by a limit or a signal".into(),
            Self::Spurious => "something other than the swap".into(),
            Self::NotCollected => "tests cannot be imported, on either side".into(),
            Self::Empty => "no case was run".into(),
            Self::NoResult => "no result yet".into(),
            Self::NotUsed => "swapped packages not used".into(),
            Self::NoSuchTarget => "no such target".into(),
            Self::Filtered => "left out on purpose".into(),
            Self::SamePackage => "both sides ran the same package".into(),
            Self::Other => "no usable outcome".into(),
        }
    }

    /// What it means and what can be done, in a sentence or two.
    pub(crate) fn explanation(self) -> &'static str {
        match self {
            Self::NotInjected => {
                "The suite ran, but nothing proves that it ran with the swapped packages, so its outcome \
                 says nothing about them. The details name the version that was seen instead."
            }
            Self::ToolFailed => "This is charmproof's fault, not the charm's. Please report it with the log.",
            Self::Prepare(kind) => match kind.0 {
                PrepareKind::Interpreter => {
                    "No Python that the charm accepts is on this host. `charmproof doctor` says which to install."
                }
                PrepareKind::Tool => "A program that the suite calls is missing on this host.",
                PrepareKind::HostPackage => {
                    "A header or library of the host is missing. `charmproof doctor` lists the packages to install."
                }
                PrepareKind::Resolver => {
                    "The dependency resolver found no set of versions. Where only the candidate is hit, the \
                     swapped version may be outside the charm's own bounds."
                }
                PrepareKind::Network => "A host could not be reached. Run it again.",
                PrepareKind::CharmLibrary => "A charm library that the charm names could not be had.",
                PrepareKind::Disk => {
                    "The disk, or the allowance on it, was full. Free some space and run it again."
                }
                PrepareKind::Configuration => {
                    "The charm's own configuration is broken, with and without the swap."
                }
            },
            Self::Ended => {
                "A time limit, a memory limit or a signal ended the suite, so its cases tell nothing."
            }
            Self::Spurious => "The sides differ, but something other than the swap explains the difference.",
            Self::NotCollected => {
                "With and without the swap, the files of tests cannot be imported, so no case was compared. \
                 The log names what is missing."
            }
            Self::Empty => "The suite ended well and ran no case at all.",
            Self::NoResult => {
                "The run stopped before both sides had a result. `charmproof resume` finishes it."
            }
            Self::NotUsed => {
                "The environments that ran hold none of the swapped packages: the swap cannot matter."
            }
            Self::NoSuchTarget => "The charm offers no such target.",
            Self::Filtered => "The fleet or the command line leaves the charm out.",
            Self::SamePackage => {
                "Both sides ran with the very same files of the swapped packages, so comparing them says \
                 nothing about the swap."
            }
            Self::Other => "Neither side ended in a way that can be compared.",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The published schema names every reason, and no other.
    #[test]
    fn the_schema_has_all_keys() {
        let mut all = vec![
            Reason::NotInjected,
            Reason::ToolFailed,
            Reason::Ended,
            Reason::Spurious,
            Reason::NotCollected,
            Reason::Empty,
            Reason::NoResult,
            Reason::NotUsed,
            Reason::NoSuchTarget,
            Reason::Filtered,
            Reason::SamePackage,
            Reason::Other,
        ];
        all.extend(PrepareKind::ALL.map(|kind| Reason::Prepare(PrepareOrder(kind))));
        let keys: BTreeSet<String> = all.into_iter().map(Reason::key).collect();
        let schema = include_str!("../../../../docs/reference/report.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let published = schema["$defs"]["no_signal_reason"]["enum"].as_array().unwrap();
        let published: BTreeSet<String> =
            published.iter().filter_map(|key| key.as_str().map(String::from)).collect();
        assert_eq!(keys, published);
    }
}
