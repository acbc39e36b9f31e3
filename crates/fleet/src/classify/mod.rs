//! What happened to a target as a whole, told from how its process ended, what
//! it printed, and which cases it yielded.
//!
//! Pure: values in, a [`Classified`] out. What a *pair* of outcomes means is
//! decided in `charmproof-store`.
//!
//! The order of the questions is the point:
//!
//! 1. Did a limit of the sandbox end it? Then that is what happened.
//! 2. Did a process die of a signal?
//! 3. Did a case fail? Then the suite spoke, and no line of the log can turn
//!    that into trouble of the environment. The one exception: *every* failing
//!    case itself says that a host could not be reached, that the disk was full,
//!    or that a charm library is not there.
//! 4. Did it end well? Then only cases that ran make it a pass.
//! 5. Else the closed table of [`rules`] is asked in its order, but only those
//!    rules that fit how far the run had come: what fails before the target's
//!    own commands begin is never the suite's failure.
//!
//! Network rules stand before resolver rules, because pip calls a package that
//! it could not look up "no matching distribution".

mod ending;
mod rules;
mod summary;

use charmproof_store::event::{CaseResult, CommandResult};
use charmproof_store::outcome::Outcome;

/// What runs a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// tox.
    Tox,
    /// just.
    Just,
    /// make.
    Make,
    /// nox.
    Nox,
    /// A command of our own choice, with no runner around it.
    Plain,
}

/// How the process of a target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal, which no limit of ours sent.
    Signalled(i32),
    /// The wall-clock limit ended it.
    TimedOut,
    /// The silence limit ended it.
    Silent,
    /// The memory limit ended it.
    OutOfMemory,
    /// The limit of processes was reached.
    TooManyProcesses,
    /// The allowance of disk space was used up.
    DiskFull,
    /// The user stopped the run.
    Cancelled,
}

/// Which sort of target ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Tests: no case at all is no pass.
    Suite,
    /// Linters, formatters, type checkers.
    Lint,
}

/// All that was seen of one target.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What ran it.
    pub runner: Runner,
    /// The name of the target as the runner was asked for it, for example
    /// `unit`.
    pub target: &'a str,
    /// How the process ended.
    pub exit: Exit,
    /// All that it printed.
    pub log: &'a str,
    /// The commands that were seen to run, in order.
    pub commands: &'a [CommandResult],
    /// Whether set-up ended and the target's own commands began; `None` where
    /// nobody could tell.
    pub reached_commands: Option<bool>,
    /// The cases, from [`crate::diagnostics`].
    pub cases: &'a [CaseResult],
    /// Which sort of target it is.
    pub kind: Kind,
}

/// How a target ended, and why we say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// The outcome.
    pub outcome: Outcome,
    /// One line of at most 160 characters; empty for a plain pass.
    pub summary: String,
    /// The line of the log that decided, where one did.
    pub evidence: Option<String>,
    /// The name of the rule that decided.
    pub rule: &'static str,
}

/// Decides how a target ended. Total, and deterministic.
pub fn classify(seen: &Seen<'_>) -> Classified {
    let log = crate::diagnostics::plain(seen.log);
    ending::decide(seen, &log)
}

#[cfg(test)]
mod tests;
