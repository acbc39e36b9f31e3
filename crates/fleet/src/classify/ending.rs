//! The order of the questions; the module's head tells why.

use charmproof_store::event::{CaseResult, CommandResult};
use charmproof_store::outcome::{Outcome, PrepareKind};

use super::rules::{self, Phase};
use super::summary::{counts, evidence, of_diagnostics, of_tests, one_line, speaking};
use super::{Classified, Exit, Kind, Runner, Seen};
use crate::diagnostics::{pytest_text, unittest};

/// Signals that mean a crash, by number.
const SIGNALS: [(i32, &str); 9] = [
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (15, "SIGTERM"),
    (31, "SIGSYS"),
];

/// A decision, before its texts are cut to size.
struct Decision {
    outcome: Outcome,
    summary: String,
    evidence: Option<String>,
    rule: &'static str,
}

impl Decision {
    fn new(rule: &'static str, outcome: Outcome, summary: impl Into<String>) -> Self {
        Self { outcome, summary: summary.into(), evidence: None, rule }
    }

    fn with_evidence(mut self, line: Option<&str>) -> Self {
        self.evidence = line.map(str::to_owned);
        self
    }
}

/// What is asked again and again.
struct View<'a> {
    seen: &'a Seen<'a>,
    log: &'a str,
    /// What pytest or unittest counted, in the log.
    counted: Option<&'a str>,
    phase: Phase,
    /// The status that the failing command had, seen through its runner.
    code: Option<i32>,
}

pub(super) fn decide(seen: &Seen<'_>, log: &str) -> Classified {
    let told = if seen.kind == Kind::Suite && speaking(seen.cases).is_empty() {
        from_words(log)
    } else {
        Vec::new()
    };
    let heard = Seen { cases: &told, ..*seen };
    let view = View::new(if told.is_empty() { seen } else { &heard }, log);
    let decision = sandbox(&view)
        .or_else(|| crash(&view))
        .or_else(|| cases_spoke(&view))
        .or_else(|| ended_well(&view))
        .or_else(|| from_log(&view))
        .unwrap_or_else(|| unexplained(&view));
    Classified {
        outcome: decision.outcome,
        summary: one_line(&decision.summary),
        evidence: decision.evidence.as_deref().map(evidence).filter(|line| !line.is_empty()),
        rule: decision.rule,
    }
}

/// Returns what a suite said to people, where it left no cases behind.
fn from_words(log: &str) -> Vec<CaseResult> {
    let told = pytest_text(log);
    if told.is_empty() { unittest(log) } else { told }
}

impl<'a> View<'a> {
    fn new(seen: &'a Seen<'a>, log: &'a str) -> Self {
        let counted = rules::counted(log);
        let spoke = !speaking(seen.cases).is_empty();
        let phase = match seen.reached_commands {
            _ if spoke => Phase::AfterTests,
            _ if counted.is_some() || rules::session_began(log) => Phase::Session,
            Some(true) => Phase::Commands,
            Some(false) => Phase::SetUp,
            None => Phase::Unknown,
        };
        let code = match seen.exit {
            Exit::Exited(status) => Some(inner_code(seen, log, status)),
            _ => None,
        };
        Self { seen, log, counted, phase, code }
    }

    fn failing(&self) -> Vec<&'a CaseResult> {
        speaking(self.seen.cases).into_iter().filter(|case| case.outcome.is_failure()).collect()
    }

    /// Returns the command that failed, unless the target passed over it.
    fn failing_command(&self) -> Option<&'a CommandResult> {
        let mut failed = self.seen.commands.iter().rev();
        failed
            .find(|command| command.exit_code.is_some_and(|code| code != 0) && command.exit_code == self.code)
    }

    fn last_line(&self) -> Option<&'a str> {
        self.log.lines().rev().find(|line| !line.trim().is_empty() && !rules::is_trailer(line))
    }
}

/// Returns the status of the command that failed, which make hides behind 2.
fn inner_code(seen: &Seen<'_>, log: &str, status: i32) -> i32 {
    if status == 0 {
        return 0;
    }
    if seen.runner == Runner::Make
        && let Some(code) = rules::make_error(log)
    {
        return code;
    }
    let last = seen.commands.iter().rev().filter_map(|command| command.exit_code).find(|code| *code != 0);
    // A target may pass over a command's failure; then another thing failed.
    let is_its_own = |code: &i32| seen.runner == Runner::Nox || (code & 0xff) == (status & 0xff);
    last.filter(is_its_own).unwrap_or(status)
}

fn sandbox(view: &View<'_>) -> Option<Decision> {
    let so_far = counts(view.seen.cases);
    let so_far = if so_far.is_empty() { String::new() } else { format!(" ({so_far} until then)") };
    let during = if view.seen.reached_commands == Some(false) { " during set-up" } else { "" };
    let new = |rule, outcome, what: &str| {
        Some(Decision::new(rule, outcome, format!("{what}{during}{so_far}")).with_evidence(view.last_line()))
    };
    match view.seen.exit {
        Exit::Exited(_) | Exit::Signalled(_) => None,
        Exit::TimedOut | Exit::Silent => {
            let what =
                if view.seen.exit == Exit::TimedOut { "ran into the time limit" } else { "fell silent" };
            // An installer that waits for a host that does not answer.
            if view.phase == Phase::SetUp
                && let Some(found) = rules::ask(view.log, view.seen, Phase::SetUp, None)
                && found.outcome == Outcome::CouldNotPrepare(PrepareKind::Network)
            {
                let summary = format!("{what} during set-up; {}", found.summary);
                return Some(
                    Decision::new("sandbox-timeout-network", found.outcome, summary)
                        .with_evidence(Some(found.evidence)),
                );
            }
            new("sandbox-timeout", Outcome::Timeout, what)
        }
        Exit::OutOfMemory => new("sandbox-memory", Outcome::OutOfMemory, "used more memory than allowed"),
        Exit::TooManyProcesses => {
            new("sandbox-processes", Outcome::Crashed, "started more processes than allowed")
        }
        Exit::DiskFull => new(
            "sandbox-disk",
            Outcome::CouldNotPrepare(PrepareKind::Disk),
            "wrote more to the disk than allowed",
        ),
        Exit::Cancelled => new("cancelled", Outcome::ToolFailed, "stopped by the user"),
    }
}

fn crash(view: &View<'_>) -> Option<Decision> {
    let (signal, line) = match (view.seen.exit, view.code) {
        (Exit::Signalled(signal), _) => (signal, None),
        (Exit::Exited(status), Some(code)) if status != 0 => {
            let from_code = match code {
                129..=159 => Some(code - 128),
                -64..=-1 => Some(-code),
                _ => None,
            };
            let from_code = from_code.filter(|signal| SIGNALS.iter().any(|known| known.0 == *signal));
            match rules::runner_signal(view.log, view.seen.runner) {
                Some((signal, line)) => (signal, Some(line)),
                None => (from_code?, rules::fatal_error(view.log)),
            }
        }
        _ => return None,
    };
    let name = SIGNALS
        .iter()
        .find(|known| known.0 == signal)
        .map_or_else(|| format!("signal {signal}"), |known| known.1.to_owned());
    let line = line.or_else(|| view.last_line());
    if view.phase == Phase::SetUp {
        let outcome = Outcome::CouldNotPrepare(PrepareKind::Tool);
        let summary = format!("a program died of {name} during set-up");
        return Some(Decision::new("crash-in-set-up", outcome, summary).with_evidence(line));
    }
    let counts = counts(view.seen.cases);
    let counts = if counts.is_empty() { String::new() } else { format!(" ({counts} until then)") };
    let fatal = rules::fatal_error(view.log);
    let fatal = fatal.map(|line| format!("; {line}")).unwrap_or_default();
    Some(
        Decision::new("crash", Outcome::Crashed, format!("died of {name}{counts}{fatal}"))
            .with_evidence(line),
    )
}

fn cases_spoke(view: &View<'_>) -> Option<Decision> {
    let failing = view.failing();
    let first = failing.first()?;
    let ended_well = view.seen.exit == Exit::Exited(0);
    if view.seen.kind == Kind::Lint {
        let summary = of_diagnostics(view.seen.cases);
        if ended_well {
            // The target chose to pass over what its tools said.
            let summary = format!("{summary}; the target ended well all the same");
            return Some(Decision::new("lint-passed-over", Outcome::Pass, summary));
        }
        return Some(Decision::new("lint-diagnostics", Outcome::Fail, summary));
    }
    let mut troubles = failing.iter().map(|case| trouble_of(case));
    if let Some(Some(kind)) = troubles.next()
        && troubles.all(|trouble| trouble.is_some())
    {
        let summary = format!("{}: {}", kind.words(), of_tests(view.seen.cases));
        let line = first.failure.as_ref().map(|failure| failure.message.clone());
        return Some(
            Decision::new("every-failure-is-environmental", Outcome::CouldNotPrepare(kind), summary)
                .with_evidence(line.as_deref()),
        );
    }
    let same = failing.iter().all(|case| case.outcome == first.outcome);
    let (rule, outcome) = match first.outcome {
        Outcome::CollectionError if same => ("tests-not-collected", Outcome::CollectionError),
        Outcome::Crashed if same => ("tests-crashed", Outcome::Crashed),
        _ => ("tests-failed", Outcome::Fail),
    };
    let mut summary = of_tests(view.seen.cases);
    if ended_well {
        summary.push_str("; the target ended well all the same");
    }
    Some(Decision::new(rule, outcome, summary).with_evidence(view.counted))
}

/// Returns the trouble of the environment that a failure clearly is.
fn trouble_of(case: &CaseResult) -> Option<PrepareKind> {
    let failure = case.failure.as_ref()?;
    rules::trouble_of(&failure.exception, &failure.message)
}

fn ended_well(view: &View<'_>) -> Option<Decision> {
    if view.seen.exit != Exit::Exited(0) {
        return None;
    }
    let own = speaking(view.seen.cases);
    let ran = own.iter().any(|case| case.outcome != Outcome::SkippedBySuite);
    let skipped = own.len();
    match view.seen.kind {
        Kind::Suite if ran => Some(Decision::new("pass", Outcome::Pass, "")),
        Kind::Suite if skipped > 0 => Some(Decision::new(
            "all-skipped",
            Outcome::Empty,
            format!("ended well, but skipped all of its {skipped} tests"),
        )),
        Kind::Lint if lint_ran(view.seen) => Some(Decision::new("pass", Outcome::Pass, "")),
        Kind::Suite | Kind::Lint => {
            // tox ends well where it skips an environment.
            if let Some(found) = rules::skipped_environment(view.log) {
                return Some(from_rule(&found));
            }
            let what = match view.seen.kind {
                Kind::Suite => "ended well, but no test was seen to run",
                Kind::Lint => "ended well, but no command ran",
            };
            Some(Decision::new("nothing-ran", Outcome::Empty, what).with_evidence(view.last_line()))
        }
    }
}

/// Whether a lint target that ended well ran anything, as far as one can know.
fn lint_ran(seen: &Seen<'_>) -> bool {
    match (seen.runner, seen.reached_commands) {
        (_, Some(false)) => false,
        (Runner::Tox, Some(true)) => !seen.commands.is_empty(),
        (Runner::Tox, None) => !seen.commands.is_empty() || rules::skipped_environment(seen.log).is_none(),
        (Runner::Just | Runner::Make | Runner::Nox | Runner::Plain, _) => true,
    }
}

fn from_rule(found: &rules::Hit<'_>) -> Decision {
    Decision::new(found.rule, found.outcome, found.summary.clone()).with_evidence(Some(found.evidence))
}

fn from_log(view: &View<'_>) -> Option<Decision> {
    let found = rules::ask(view.log, view.seen, view.phase, view.code)?;
    let mut decision = from_rule(&found);
    if view.phase == Phase::AfterTests && view.seen.kind == Kind::Suite {
        decision.summary = format!("tests passed ({}); {}", counts(view.seen.cases), decision.summary);
    }
    Some(decision)
}

fn unexplained(view: &View<'_>) -> Decision {
    let code = view.code.map_or_else(|| "no exit status".to_owned(), |code| format!("exit {code}"));
    let command = view.failing_command().map(|command| command.command.as_str());
    let line = rules::telling_line(view.log).or_else(|| view.last_line());
    let told = line.map(|line| format!("; {}", line.trim())).unwrap_or_default();
    match view.phase {
        Phase::AfterTests if view.seen.kind == Kind::Suite => {
            let counts = counts(view.seen.cases);
            let after = command.map_or_else(
                || format!("the target ended with {code}"),
                |command| format!("`{command}` ended with {code}"),
            );
            Decision::new("after-tests", Outcome::Fail, format!("tests passed ({counts}); then {after}"))
                .with_evidence(line)
        }
        Phase::SetUp => Decision::new(
            "set-up-failed",
            Outcome::CouldNotPrepare(PrepareKind::Configuration),
            format!("set-up failed ({code}){told}"),
        )
        .with_evidence(line),
        Phase::AfterTests | Phase::Session | Phase::Commands | Phase::Unknown => {
            let what = match command {
                Some(command) => format!("`{command}` ended with {code}{told}"),
                None => format!("{code}{told}"),
            };
            Decision::new("unexplained", Outcome::Fail, what).with_evidence(line)
        }
    }
}
