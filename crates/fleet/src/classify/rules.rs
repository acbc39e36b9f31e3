//! The closed table of what a log can say, and how it is asked.

mod table;

use std::borrow::Cow;
use std::sync::LazyLock;

use charmproof_store::outcome::{Outcome, PrepareKind};
use regex::{Captures, Regex};

use super::{Runner, Seen};
use table::{Needs, RULES, Rule};

/// How far a run had come when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The target's own commands had not begun.
    SetUp,
    /// Nobody can tell.
    Unknown,
    /// The target's own commands had begun, no test session had.
    Commands,
    /// A test session had begun, and no case was seen to fail.
    Session,
    /// Cases ran, and none failed.
    AfterTests,
}

/// A rule that fits.
#[derive(Clone, Debug)]
pub(super) struct Hit<'a> {
    pub(super) rule: &'static str,
    pub(super) outcome: Outcome,
    pub(super) summary: String,
    pub(super) evidence: &'a str,
}

/// The mark in a pattern that stands for the wanted target.
const TARGET_MARK: &str = "@TARGET@";

static COMPILED: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    RULES.iter().map(|rule| (!rule.pattern.contains(TARGET_MARK)).then(|| pattern(rule.pattern))).collect()
});

static TOX_BEGAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^\S+: commands(?:_pre|_post)?\[\d+\]> "));
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^(?:=+ )?(?:(?:\d+ (?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun|subtests passed)(?:, )?)+|no tests ran) in [\d.]+s.*$|^Ran \d+ tests? in [\d.]+s$",
    )
});
static SESSION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^=+ test session starts =+$|^={5,} (?:ERRORS|FAILURES) ={5,}$"));
static SKIPPED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?m)^\S+: skipped because could not find python interpreter with spec\(s\): (.+)$")
});
static MAKE_ERROR: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^g?make(?:\[\d+\])?: \*\*\* \[.+\] Error (\d+)$"));
static MAKE_SIGNAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^g?make(?:\[\d+\])?: \*\*\* \[.+\] (Segmentation fault|Aborted|Killed|Bus error|Terminated)(?: \(core dumped\))?$",
    )
});
static TOX_SIGNAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^ +\S+: FAIL code -(\d+)\b.*$"));
static JUST_SIGNAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?im)^error: recipe `.+` was terminated on line \d+ by signal (\d+)$"));
static FATAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^Fatal Python error: .+$"));
static TELLING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^(?:\S+: )?(?:ERROR|error|Error|fatal|FATAL)\b:? .+$|^(?:\w+\.)*\w*(?:Error|Exception): .+$|^\S+: failed with .+$",
    )
});
static TRAILER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^  \S+: (?:OK|FAIL|SKIP)\b|^  (?:evaluation failed|congratulations) :|^\S+: exit -?\d+ \(|^nox > Session .+ (?:failed|aborted)\.$|^hint: ",
    )
});
static OUTBOUND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"Name or service not known|Temporary failure in name resolution|nodename nor servname|No address associated with hostname|[Ff]ailed to resolve|Could not resolve host|Network is unreachable|No route to host|ENETUNREACH|ENOTFOUND|EAI_AGAIN",
    )
});
static LOCAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\blocalhost\b|\b127\.\d|\[?::1\]?\b|\.sock\b|\.local\b"));
static MISSING_LIBRARY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^No module named 'charms(?:\.[\w.]+)?'"));

fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("the pattern is a constant that the tests compile")
}

fn line_at(text: &str, at: usize) -> &str {
    let from = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let to = text[at..].find('\n').map_or(text.len(), |end| at + end);
    text[from..to].trim()
}

/// The names of all rules of the table.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// Asks the table. Of the rules that fit the phase, the first that finds its
/// text decides.
pub(super) fn ask<'a>(log: &'a str, seen: &Seen<'_>, phase: Phase, code: Option<i32>) -> Option<Hit<'a>> {
    let recent = relevant(log, phase);
    RULES.iter().zip(COMPILED.iter()).find_map(|(rule, compiled)| {
        if !rule.fits(seen.runner, phase) || !rule.needs_met(code) {
            return None;
        }
        let compiled = if let Some(compiled) = compiled {
            Cow::Borrowed(compiled)
        } else {
            let source = rule.pattern.replace(TARGET_MARK, &regex::escape(seen.target));
            // A target's name that makes no pattern cannot be found.
            Cow::Owned(Regex::new(&source).ok()?)
        };
        let text = if rule.reads_all { log } else { recent };
        let found = compiled.captures(text)?;
        Some(hit(rule, text, &found))
    })
}

fn hit<'a>(rule: &Rule, text: &'a str, found: &Captures<'a>) -> Hit<'a> {
    let mut summary = String::new();
    found.expand(rule.says, &mut summary);
    let at = found
        .get(0)
        .map_or(0, |whole| whole.start() + (whole.as_str().len() - whole.as_str().trim_start().len()));
    Hit { rule: rule.name, outcome: rule.outcome, summary, evidence: line_at(text, at) }
}

/// Returns the part of the log that a phase is about.
fn relevant(log: &str, phase: Phase) -> &str {
    match phase {
        Phase::SetUp | Phase::Unknown => log,
        // What set-up said before that was overcome.
        Phase::Commands | Phase::Session => TOX_BEGAN.find(log).map_or(log, |began| &log[began.start()..]),
        Phase::AfterTests => COUNTED.find_iter(log).last().map_or(log, |counted| &log[counted.end()..]),
    }
}

impl Rule {
    fn fits(&self, runner: Runner, phase: Phase) -> bool {
        self.phases.contains(&phase) && (self.runners.is_empty() || self.runners.contains(&runner))
    }

    fn needs_met(&self, code: Option<i32>) -> bool {
        match self.needs {
            Needs::Nothing => true,
            Needs::NotFound => code == Some(127),
        }
    }
}

/// Returns the last line in which pytest or unittest counted.
pub(super) fn counted(log: &str) -> Option<&str> {
    COUNTED.find_iter(log).last().map(|counted| counted.as_str().trim_matches(['=', ' ']))
}

/// Whether a test session began.
pub(super) fn session_began(log: &str) -> bool {
    SESSION.is_match(log)
}

/// Returns what is known of an environment that tox skipped.
pub(super) fn skipped_environment(log: &str) -> Option<Hit<'_>> {
    let found = SKIPPED.captures(log)?;
    Some(Hit {
        rule: "tox-skipped",
        outcome: Outcome::CouldNotPrepare(PrepareKind::Interpreter),
        summary: format!("tox skipped it: no Python interpreter for {}", &found[1]),
        evidence: line_at(log, found.get(0).map_or(0, |whole| whole.start())),
    })
}

/// Returns the status of the first command that make says failed.
pub(super) fn make_error(log: &str) -> Option<i32> {
    MAKE_ERROR.captures_iter(log).find_map(|found| found[1].parse().ok().filter(|code| *code != 0))
}

/// Returns the signal that the runner says ended its command, and where it says
/// so.
pub(super) fn runner_signal(log: &str, runner: Runner) -> Option<(i32, &str)> {
    let numbered = |found: Captures<'_>| found[1].parse::<i32>().ok();
    let (signal, at) = match runner {
        Runner::Tox => {
            let found = TOX_SIGNAL.captures(log)?;
            let at = found.get(0)?.end();
            (numbered(found)?, at)
        }
        Runner::Just => {
            let found = JUST_SIGNAL.captures(log)?;
            let at = found.get(0)?.end();
            (numbered(found)?, at)
        }
        Runner::Make => {
            let found = MAKE_SIGNAL.captures(log)?;
            let signal = match &found[1] {
                "Segmentation fault" => 11,
                "Aborted" => 6,
                "Killed" => 9,
                "Bus error" => 7,
                _ => 15,
            };
            (signal, found.get(0)?.end())
        }
        Runner::Nox | Runner::Plain => return None,
    };
    Some((signal, line_at(log, at)))
}

/// Returns the line in which Python says that it died.
pub(super) fn fatal_error(log: &str) -> Option<&str> {
    FATAL.find(log).map(|fatal| fatal.as_str().trim())
}

/// Whether the line is only what a runner puts below everything.
pub(super) fn is_trailer(line: &str) -> bool {
    TRAILER.is_match(line)
}

/// Returns the last line that looks as if it said why.
pub(super) fn telling_line(log: &str) -> Option<&str> {
    TELLING.find_iter(log).last().map(|line| line.as_str().trim())
}

/// Returns the trouble of the environment that a case's own failure clearly is.
pub(super) fn trouble_of(exception: &str, message: &str) -> Option<PrepareKind> {
    let class = exception.rsplit('.').next().unwrap_or(exception);
    if matches!(class, "ModuleNotFoundError" | "ImportError") && MISSING_LIBRARY.is_match(message) {
        return Some(PrepareKind::CharmLibrary);
    }
    if class == "OSError" && (message.contains("[Errno 28]") || message.contains("[Errno 122]")) {
        return Some(PrepareKind::Disk);
    }
    let is_network = class.contains("Connect")
        || matches!(
            class,
            "gaierror" | "URLError" | "NameResolutionError" | "MaxRetryError" | "HTTPError" | "ProxyError"
        );
    (is_network && OUTBOUND.is_match(message) && !LOCAL.is_match(message)).then_some(PrepareKind::Network)
}
