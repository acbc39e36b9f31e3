//! How a run of a unit ended, from all that was seen of it.
//!
//! It decides an outcome, never a verdict: the other side is not known here.

use camino::Utf8Path;
use charmproof_charm::offerings::Runner;
use charmproof_sandbox::{Ended, RunRecord};
use charmproof_store::event::{CaseResult, CommandResult, Injection, Proof, UnitId};
use charmproof_store::outcome::{Outcome, PrepareKind};

use super::invocation::is_lint;
use super::work::Ready;
use crate::classify::{Classified, Exit, Kind, Seen, classify};
use crate::diagnostics::{self, Paths};
use crate::inject::evidence::Evidence;
use crate::inject::proof;
use crate::inject::unit_file::EXIT_OURS;

/// A unit's run, judged.
pub(super) struct Judged {
    pub(super) outcome: Outcome,
    pub(super) summary: String,
    pub(super) cases: Vec<CaseResult>,
    pub(super) commands: Vec<CommandResult>,
    pub(super) injection: Injection,
}

/// Decides how a run ended from all that was seen of it.
pub(super) fn judge(
    unit: &UnitId,
    ready: &Ready,
    record: &RunRecord,
    text: &str,
    evidence: &Evidence,
    charm_dir: &Utf8Path,
) -> Judged {
    let exit = exit_of(&record.ended);
    let mut commands = evidence.commands.clone();
    // An environment of tox without a command has run nothing, however well it ended.
    let is_tox = ready.invocation.runner == Runner::Tox && evidence.tox_began;
    if commands.is_empty() && !(is_tox && exit == Exit::Exited(0)) {
        let exit_code = if let Exit::Exited(code) = exit { Some(code) } else { None };
        commands.push(CommandResult { command: ready.command.words.join(" "), exit_code });
    }
    let kind = if is_lint(&unit.target) { Kind::Lint } else { Kind::Suite };
    let paths = Paths { charm_dir: charm_dir.as_str() };
    let mut cases = evidence.cases.clone();
    if cases.is_empty() {
        cases = match kind {
            Kind::Lint => diagnostics::parse(text, &commands, &paths),
            Kind::Suite if !evidence.junit.is_empty() => evidence.junit.clone(),
            Kind::Suite => {
                let found = diagnostics::unittest(text);
                if found.is_empty() { diagnostics::pytest_text(text) } else { found }
            }
        };
        diagnostics::relative_to(&mut cases, &paths);
        diagnostics::attribute(&mut cases, |module| {
            ready
                .packages
                .iter()
                .find(|package| package.modules.iter().any(|m| m.split('.').next() == Some(module)))
                .map(|package| package.name.clone())
        });
    }
    // The swap is the last step of tox's set-up, so an environment was looked at if
    // and only if the target's own commands were reached.
    let mut reached = match ready.invocation.runner {
        Runner::Tox => Some(evidence.tox_began && !evidence.environments.is_empty()),
        // Lives begin when the environment has been looked at.
        Runner::Lives => Some(!evidence.environments.is_empty()),
        Runner::Just | Runner::Make | Runner::Nox | Runner::Pytest => None,
    };
    // Some charms install within their own commands; that is set-up as well.
    let failed = commands.iter().find(|command| command.exit_code.is_some_and(|code| code != 0));
    if cases.is_empty() && failed.is_some_and(|command| is_installing(&command.command)) {
        reached = Some(false);
    }
    let Classified { mut outcome, mut summary, .. } = classify(&Seen {
        runner: match ready.invocation.runner {
            Runner::Tox => crate::classify::Runner::Tox,
            Runner::Just => crate::classify::Runner::Just,
            Runner::Make => crate::classify::Runner::Make,
            Runner::Nox => crate::classify::Runner::Nox,
            Runner::Pytest | Runner::Lives => crate::classify::Runner::Plain,
        },
        target: &ready.invocation.name,
        exit,
        log: text,
        commands: &commands,
        reached_commands: reached,
        cases: &cases,
        kind,
    });
    let has_tested = kind == Kind::Suite && !cases.is_empty();
    let injection = proof::judge(unit.side, &ready.packages, evidence, has_tested);
    if let Some((message, said)) = &evidence.swap_failure {
        outcome = swap_failure(message, said);
        summary = format!("{message}: {}", said.lines().next().unwrap_or(""));
    } else if ready.invocation.runner == Runner::Lives && exit == Exit::Exited(EXIT_OURS) {
        outcome = Outcome::ToolFailed;
        summary = text.lines().rfind(|line| line.starts_with("charmproof: ")).unwrap_or("").to_string();
    } else if reached == Some(false) && outcome.is_failure() && outcome != Outcome::Timeout {
        // Whatever it was, the suite has not begun: its code cannot be at fault.
        outcome = Outcome::CouldNotPrepare(PrepareKind::Tool);
    } else if injection.proof == Proof::Missing
        && outcome.origin() == charmproof_store::outcome::Origin::Suite
    {
        outcome = Outcome::NotInjected;
        summary.clone_from(&injection.summary);
    } else if injection.proof == Proof::NotUsed
        && (outcome == Outcome::Pass || !cases.is_empty())
        && ready.packages.iter().any(|package| package.version.is_some())
        && outcome.origin() == charmproof_store::outcome::Origin::Suite
    {
        outcome = Outcome::NotUsed;
        summary.clone_from(&injection.summary);
    }
    Judged { outcome, summary, cases, commands, injection }
}

/// Whether a command installs what the suite needs.
fn is_installing(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let program = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or("");
    let has = |names: &[&str]| words.iter().skip(1).take(4).any(|word| names.contains(word));
    match program {
        "poetry" => has(&["install", "sync"]),
        "uv" => has(&["sync"]) || (has(&["pip"]) && has(&["install", "sync"])),
        _ => (program.starts_with("pip") || has(&["pip"])) && has(&["install"]),
    }
}

/// Whose trouble it is that a swap failed. The exact version was prepared before, so
/// that it cannot be put in is never the resolver's word on the swap; what it newly
/// requires may well be.
fn swap_failure(message: &str, said: &str) -> Outcome {
    let said = said.to_lowercase();
    let is_requirement = message.contains("what it requires");
    let has = |needles: &[&str]| needles.iter().any(|needle| said.contains(needle));
    if has(&["no space left"]) {
        Outcome::CouldNotPrepare(PrepareKind::Disk)
    } else if has(&["error sending request", "dns error", "failed to fetch", "timed out", "connection"]) {
        Outcome::CouldNotPrepare(PrepareKind::Network)
    } else if is_requirement && has(&["no solution found", "unsatisfiable", "requires-python"]) {
        Outcome::CouldNotPrepare(PrepareKind::Resolver)
    } else {
        Outcome::ToolFailed
    }
}

fn exit_of(ended: &Ended) -> Exit {
    match ended {
        Ended::Exited { code } => Exit::Exited(*code),
        Ended::Signalled { signal } => Exit::Signalled(*signal),
        Ended::TimedOut { .. } => Exit::TimedOut,
        Ended::Silent { .. } => Exit::Silent,
        Ended::OutOfMemory { .. } => Exit::OutOfMemory,
        Ended::TooManyProcesses { .. } => Exit::TooManyProcesses,
        Ended::DiskFull { .. } => Exit::DiskFull,
        Ended::Cancelled => Exit::Cancelled,
    }
}
