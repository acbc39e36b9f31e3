//! What a pair of outcomes means.
//!
//! [`Verdict`] and [`Outcome`] are two types on purpose: an outcome is a fact
//! about one run, a verdict a judgement about two. [`verdict`] judges one pair
//! of outcomes, [`settle`](crate::settle::settle) several attempts of each side.
//!
//! # The table
//!
//! Outcomes are judged by what they say ([`Standing`]); rows are the baseline,
//! columns the candidate.
//!
//! | | works | fails | silent | unresolvable | troubled |
//! |---|---|---|---|---|---|
//! | **works** | still passing | **regressed** | **lost case** | **regressed** | spurious |
//! | **fails** | fixed | still failing | lost case ¹ | still failing | spurious |
//! | **silent** | new case | **regressed** | unaffected | spurious | spurious |
//! | **unresolvable** | fixed | still failing | spurious | blocked | blocked |
//! | **troubled** | spurious | spurious | spurious | blocked | blocked |
//!
//! ¹ fixed for a diagnostic, which exists only where it is reported.
//!
//! The outcomes that belong to no run of the suite come before the table, in
//! this order:
//!
//! | pair | verdict | why |
//! |---|---|---|
//! | a suite without a result on a side | unknown | nothing was run yet |
//! | both left out | unaffected | left out on purpose |
//! | one left out | unknown | the other side alone says nothing |
//! | not injected on either side | not injected | what ran is not known, so nothing is; a failure that the suite had before changes nothing in that |
//! | both not used | unaffected | the swap cannot matter |
//! | candidate not used, baseline ran or is silent | unaffected | the environment holds none of the swapped packages. (Where the baseline's environment did hold one, the injection was lost; only [`compare`](crate::compare::compare) can see that, and says so.) |
//! | candidate not used, baseline not prepared | spurious | the baseline's trouble is not the swap's |
//! | baseline not used, candidate silent | unaffected | |
//! | baseline not used, candidate ran or is unresolvable | not injected | the baseline's own swap was lost, so there is nothing to hold the candidate against |
//! | baseline not used, candidate troubled | spurious | |
//!
//! Decisions worth a reason:
//!
//! - *Fails → fails* is still failing whatever the two kinds of failure are: a
//!   suite that failed an assertion and now runs into a limit did not work
//!   before either. Both outcomes are in the comparison for people to see.
//! - *Fails → silent* of a test is a lost case, not a fix: nobody saw it pass.
//! - *Silent → fails* is a regression: the failure exists only with the swap.
//!   For a diagnostic that is the only shape a regression has; for a test it
//!   takes two attempts to be believed, as everything does.
//! - *Silent → unresolvable* is spurious: nothing that worked was taken away.
//! - *Skipped → skipped* is unaffected: the suite says nothing about it on
//!   either side. Reports leave such cases out.
//! - *Works → unresolvable* (the resolver finds no solution, or no interpreter
//!   fits) is a regression: nothing but the swap differs between the two sides.

use serde::{Deserialize, Serialize};

use crate::event::CaseKind;
use crate::outcome::{Outcome, PrepareKind};

/// What baseline against candidate means, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It worked without the swap, or was not there, and fails with it, on every
    /// attempt.
    Regressed,
    /// It was run without the swap and is not run at all with it.
    LostCase,
    /// The candidate did not run with the swapped packages: nothing is known.
    NotInjected,
    /// The two sides differ for a reason that is not the swap's: a limit of the
    /// environment, the network, the disk, or charmproof itself.
    Spurious,
    /// One side does not agree with itself.
    Flaky,
    /// Neither side could run.
    Blocked,
    /// It fails with and without the swap.
    StillFailing,
    /// It works on both sides, and takes clearly longer with the swap.
    Slower,
    /// It failed without the swap and works with it.
    Fixed,
    /// It works on both sides, and takes clearly less time with the swap.
    Faster,
    /// It is run with the swap only, and works.
    NewCase,
    /// It works on both sides.
    StillPassing,
    /// The target's environment holds none of the swapped packages, or there was
    /// nothing to run: the swap cannot matter.
    Unaffected,
    /// A side has no result yet.
    Unknown,
}

impl Verdict {
    /// Every verdict, gravest first.
    pub const ALL: [Self; 14] = [
        Self::Regressed,
        Self::LostCase,
        Self::NotInjected,
        Self::Spurious,
        Self::Flaky,
        Self::Blocked,
        Self::StillFailing,
        Self::Slower,
        Self::Fixed,
        Self::Faster,
        Self::NewCase,
        Self::StillPassing,
        Self::Unaffected,
        Self::Unknown,
    ];

    /// Whether this holds the swap responsible for a loss.
    pub fn is_accusation(self) -> bool {
        match self {
            Self::Regressed | Self::LostCase => true,
            Self::NotInjected
            | Self::Spurious
            | Self::Flaky
            | Self::Blocked
            | Self::StillFailing
            | Self::Slower
            | Self::Fixed
            | Self::Faster
            | Self::NewCase
            | Self::StillPassing
            | Self::Unaffected
            | Self::Unknown => false,
        }
    }

    /// Whether this claims a change, so that more attempts could take it back.
    pub fn claims_a_change(self) -> bool {
        match self {
            Self::Regressed
            | Self::LostCase
            | Self::Fixed
            | Self::NewCase
            | Self::Spurious
            | Self::Slower
            | Self::Faster => true,
            Self::NotInjected
            | Self::Flaky
            | Self::Blocked
            | Self::StillFailing
            | Self::StillPassing
            | Self::Unaffected
            | Self::Unknown => false,
        }
    }
}

/// What an outcome says of the swap, which is all that a verdict needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It passed.
    Works,
    /// The suite's own code ran and failed.
    Fails,
    /// The suite said nothing of it: absent, skipped, empty, no such target.
    Silent,
    /// The environment has no solution: the swap may be the reason.
    Unresolvable,
    /// The environment or charmproof failed: never the swap's fault.
    Troubled,
    /// It ran, with what is not known.
    Unproven,
    /// The environment holds none of the swapped packages.
    Unused,
    /// Left out on purpose.
    LeftOut,
    /// The suite has no result.
    Unrun,
}

impl Standing {
    /// Returns what `outcome` says, for a case of this kind.
    pub(crate) fn of(outcome: Option<Outcome>, kind: CaseKind) -> Self {
        match outcome {
            None => match kind {
                CaseKind::Test | CaseKind::Diagnostic => Self::Silent,
                CaseKind::Suite => Self::Unrun,
            },
            Some(Outcome::Pass) => Self::Works,
            Some(
                Outcome::Fail
                | Outcome::CollectionError
                | Outcome::Timeout
                | Outcome::OutOfMemory
                | Outcome::Crashed,
            ) => Self::Fails,
            Some(Outcome::SkippedBySuite | Outcome::Empty | Outcome::NoSuchTarget) => Self::Silent,
            Some(Outcome::CouldNotPrepare(prepare)) => match prepare {
                PrepareKind::Resolver | PrepareKind::Interpreter => Self::Unresolvable,
                PrepareKind::Tool
                | PrepareKind::HostPackage
                | PrepareKind::Network
                | PrepareKind::CharmLibrary
                | PrepareKind::Disk
                | PrepareKind::Configuration => Self::Troubled,
            },
            Some(Outcome::ToolFailed) => Self::Troubled,
            Some(Outcome::NotInjected) => Self::Unproven,
            Some(Outcome::NotUsed) => Self::Unused,
            Some(Outcome::Filtered) => Self::LeftOut,
        }
    }
}

/// Returns what one pair of outcomes means; `None` is a case that was absent, or
/// a suite without a result.
///
/// Total: see the table in the [module's documentation](self). One pair of
/// attempts is a suspicion; [`settle`](crate::settle::settle) makes it a claim.
#[expect(clippy::match_same_arms, reason = "the arms follow the rows of the table")]
pub fn verdict(baseline: Option<Outcome>, candidate: Option<Outcome>, kind: CaseKind) -> Verdict {
    use Standing as S;
    match (Standing::of(baseline, kind), Standing::of(candidate, kind)) {
        // No result on a side.
        (S::Unrun, _) | (_, S::Unrun) => Verdict::Unknown,
        // Left out.
        (S::LeftOut, S::LeftOut) => Verdict::Unaffected,
        (S::LeftOut, _) | (_, S::LeftOut) => Verdict::Unknown,
        // No proof of what ran.
        (S::Unproven, _) | (_, S::Unproven) => Verdict::NotInjected,
        // None of the swapped packages there.
        (S::Works | S::Fails | S::Silent | S::Unused, S::Unused) => Verdict::Unaffected,
        (S::Unresolvable | S::Troubled, S::Unused) => Verdict::Spurious,
        (S::Unused, S::Silent) => Verdict::Unaffected,
        (S::Unused, S::Works | S::Fails | S::Unresolvable) => Verdict::NotInjected,
        (S::Unused, S::Troubled) => Verdict::Spurious,
        // The table.
        (S::Works, S::Works) => Verdict::StillPassing,
        (S::Works, S::Fails | S::Unresolvable) => Verdict::Regressed,
        (S::Works, S::Silent) => Verdict::LostCase,
        (S::Works, S::Troubled) => Verdict::Spurious,
        (S::Fails, S::Works) => Verdict::Fixed,
        (S::Fails, S::Fails | S::Unresolvable) => Verdict::StillFailing,
        (S::Fails, S::Silent) => match kind {
            CaseKind::Test | CaseKind::Suite => Verdict::LostCase,
            CaseKind::Diagnostic => Verdict::Fixed,
        },
        (S::Fails, S::Troubled) => Verdict::Spurious,
        (S::Silent, S::Works) => Verdict::NewCase,
        (S::Silent, S::Fails) => Verdict::Regressed,
        (S::Silent, S::Silent) => Verdict::Unaffected,
        (S::Silent, S::Unresolvable | S::Troubled) => Verdict::Spurious,
        (S::Unresolvable, S::Works) => Verdict::Fixed,
        (S::Unresolvable, S::Fails) => Verdict::StillFailing,
        (S::Unresolvable, S::Silent) => Verdict::Spurious,
        (S::Unresolvable, S::Unresolvable | S::Troubled) => Verdict::Blocked,
        (S::Troubled, S::Works | S::Fails | S::Silent) => Verdict::Spurious,
        (S::Troubled, S::Unresolvable | S::Troubled) => Verdict::Blocked,
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
