//! Tests: real texts of the tools, one rule each; then what holds of all.

mod behaviour;
mod properties;
mod real;

use charmproof_store::event::{CaseKind, CaseResult, CommandResult, Failure};
use charmproof_store::outcome::Outcome;

use super::{Classified, Exit, Kind, Runner, Seen, classify};

/// A suite that ended with 1 and of which nothing else was seen.
fn seen(log: &str) -> Seen<'_> {
    Seen {
        runner: Runner::Tox,
        target: "unit",
        exit: Exit::Exited(1),
        log,
        commands: &[],
        reached_commands: None,
        cases: &[],
        kind: Kind::Suite,
    }
}

fn case(name: &str, outcome: Outcome, exception: &str, message: &str) -> CaseResult {
    let failure = (!exception.is_empty()).then(|| Failure {
        exception: exception.to_owned(),
        message: message.to_owned(),
        ..Failure::default()
    });
    CaseResult { name: name.to_owned(), kind: CaseKind::Test, outcome, duration_ms: 0, failure }
}

fn command(command: &str, exit_code: i32) -> CommandResult {
    CommandResult { command: command.to_owned(), exit_code: Some(exit_code) }
}

/// `outcome | rule | summary`.
fn show(classified: &Classified) -> String {
    format!("{} | {} | {}", classified.outcome.words(), classified.rule, classified.summary)
}
