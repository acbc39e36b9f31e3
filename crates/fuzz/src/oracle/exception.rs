//! Hooks that fail.

use charmproof_agent::runner::Exit;
use charmproof_agent::standins::{AnsweredBy, Record};

use super::traceback::{self, Traceback};
use super::{Blame, Oracle, Suspicion, normalised};
use crate::player::{HookRecord, Played};

/// What an exception says when something is not there that a unit has and this place does not.
const REFUSALS: [&str; 16] = [
    "Network is unreachable",
    "Name or service not known",
    "Temporary failure in name resolution",
    "No address associated with hostname",
    "nodename nor servname",
    "Connection refused",
    "ConnectError",
    "MaxRetryError",
    "NewConnectionError",
    "ConfigError: Configuration file",
    "ServiceAccount",
    "Read-only file system",
    "Operation not permitted",
    "No route to host",
    "ConnectTimeout",
    "No space left on device",
];

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    for (number, hook) in played.hooks.iter().enumerate() {
        if hook.exit.is_success() || hook.exit == Exit::TimedOut || hook.effects.reboot.is_some() {
            continue;
        }
        let mut suspicion = of_hook(number, hook);
        let of_unit = |earlier: &&HookRecord| earlier.unit == hook.unit;
        let before = played.hooks[..=number].iter().filter(of_unit);
        let last = played.hooks[..number].iter().rfind(of_unit);
        if misses_file_of_package(hook, before) || misreads_silence(hook, last) || is_refused_by_web(hook) {
            suspicion.blame = Blame::Environment;
        }
        seen.push(suspicion);
    }
}

/// Whether a hook misses a file that something brings which was only said to be installed: a folder
/// of the file's path has the name that a stand-in was given.
fn misses_file_of_package<'a>(hook: &HookRecord, before: impl Iterator<Item = &'a HookRecord>) -> bool {
    let Some(traceback) = traceback_of(hook).filter(|found| found.exception == "FileNotFoundError") else {
        return false;
    };
    let Some(path) = traceback.message.split('\'').find(|part| part.starts_with('/')) else { return false };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    before
        .flat_map(|earlier| &earlier.stand_ins)
        .filter(|record| !record.assumed.is_empty())
        .flat_map(|record| &record.arguments)
        // A package may be asked for with its version: `squid=6.6-1`.
        .any(|word| word.split('=').next().is_some_and(|name| parts.contains(&name)))
}

/// Parts of files that ask web servers, and snapd: what a failure over there passes through.
const WEB_CLIENTS: [&str; 13] = [
    "/lightkube/",
    "/kubernetes/client/",
    "/httpx/",
    "/httpcore/",
    "/requests/",
    "/urllib3/",
    "/urllib/request.py",
    "/http/client.py",
    "/aiohttp/",
    "/websocket/",
    "/websockets/",
    "/snap/",
    "/snap.py",
];

/// Whether a hook fails over a request that nobody here can answer: the traceback, or one that led
/// to it, passes through what asked.
fn is_refused_by_web(hook: &HookRecord) -> bool {
    let is_unknown = |record: &Record| {
        let is_snapd = record.arguments.first().is_some_and(|first| first == "snapd");
        record.is_unknown_web() || (is_snapd && record.answered_by == AnsweredBy::Nobody)
    };
    hook.stand_ins.iter().any(is_unknown)
        && traceback_of(hook)
            .is_some_and(|traceback| WEB_CLIENTS.iter().any(|part| traceback.text.contains(part)))
}

/// What reading an answer fails with that is not there.
const MISREADINGS: [&str; 4] = ["json.decoder.JSONDecodeError", "ValueError", "IndexError", "AttributeError"];

/// Whether a hook cannot read what a program says, of which nobody here knows what it says: it was
/// only said to have succeeded, in silence.
fn misreads_silence(hook: &HookRecord, last: Option<&HookRecord>) -> bool {
    let unanswered = |record: &HookRecord| -> usize {
        let executed = record.workloads.values().flat_map(|snapshot| &snapshot.exec);
        executed.filter(|command| command.unanswered).count()
    };
    let heard_nothing = unanswered(hook) > last.map_or(0, unanswered)
        || hook.stand_ins.iter().any(|record| record.answered_by == AnsweredBy::Nobody);
    heard_nothing
        && traceback_of(hook).is_some_and(|traceback| {
            MISREADINGS.contains(&traceback.exception.as_str())
                && (traceback.exception != "AttributeError" || traceback.message.contains("'NoneType'"))
        })
}

/// Returns what is to be said of a hook that failed.
pub(crate) fn of_hook(number: usize, hook: &HookRecord) -> Suspicion {
    let traceback = traceback_of(hook);
    let (cause, summary, details, blame) = if let Some(traceback) = &traceback {
        let first_line = traceback.message.lines().next().unwrap_or_default();
        (
            cause(traceback),
            format!("`{}` fails: {}: {first_line}", hook.name, traceback.exception),
            traceback.text.clone(),
            blame(traceback),
        )
    } else {
        let how = match hook.exit {
            Exit::Code(code) => format!("exit code {code}"),
            Exit::Signal(signal) => format!("signal {signal}"),
            Exit::TimedOut => "its time was over".to_owned(),
            Exit::Lost => "it ended the process that ran it".to_owned(),
            Exit::Flooded => "it called hook tools with more than 32 MiB in all".to_owned(),
        };
        // Which process a signal ends depends on how hooks are run.
        let cause = match hook.exit {
            Exit::Signal(_) | Exit::Lost => "killed",
            Exit::Code(_) | Exit::TimedOut | Exit::Flooded => &how,
        };
        // Of a program that it cannot read, Python has no traceback to show.
        let last = hook.output.lines().rfind(|line| !line.trim().is_empty());
        let said =
            last.filter(|line| line.starts_with("SyntaxError: ") || line.starts_with("IndentationError: "));
        (
            format!("{cause} without a traceback"),
            format!("`{}` fails: {}", hook.name, said.unwrap_or(&how)),
            hook.output.clone(),
            Blame::Charm,
        )
    };
    Suspicion { oracle: Oracle::UncaughtException, blame, cause, summary, details, hook: Some(number) }
}

/// Returns what tracebacks of one defect have in common: the exception, and where the charm was. What
/// the exception says differs from life to life, and counts only where the charm had no part in it.
fn cause(traceback: &Traceback) -> String {
    match traceback.charm_frame() {
        Some(frame) => {
            let (file, function) = (frame.short_file(), &frame.function);
            format!("{} in {file} {function}: {}", traceback.exception, frame.statement)
        }
        None => kind(traceback),
    }
}

/// Returns what tracebacks have in common that say the same: the exception, where it was raised or
/// where the charm was, and its message without what differs from life to life.
pub(crate) fn kind(traceback: &Traceback) -> String {
    let place = traceback.charm_frame().or_else(|| traceback.frames.last());
    let place = place.map_or_else(String::new, |frame| format!("{} {}", frame.short_file(), frame.function));
    let first_line = traceback.message.lines().next().unwrap_or_default();
    format!("{} in {place}: {}", traceback.exception, kind_of_message(traceback, first_line))
}

/// Exceptions that quote names of the program. Others quote values, which differ from life to
/// life.
const QUOTE_NAMES: [&str; 6] =
    ["KeyError", "AttributeError", "NameError", "ImportError", "ModuleNotFoundError", "TypeError"];

/// Returns what messages of one defect have in common.
fn kind_of_message(traceback: &Traceback, line: &str) -> String {
    if QUOTE_NAMES.contains(&traceback.exception.as_str()) {
        return normalised(line);
    }
    normalised(&without_quoted(line))
}

/// Returns a text without what stands in quotes.
fn without_quoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let quote = &rest[start..=start];
        // An apostrophe is no quote.
        let begins = !rest[..start].ends_with(char::is_alphanumeric);
        if let Some(length) = rest[start + 1..].find(quote).filter(|_| begins) {
            result.push_str(&rest[..start]);
            result.push_str("'…'");
            rest = &rest[start + length + 2..];
        } else {
            result.push_str(&rest[..=start]);
            rest = &rest[start + 1..];
        }
    }
    result + rest
}

/// Returns the traceback of a hook: ops writes it to the log, and Python to standard error
/// where ops had no chance to.
pub(crate) fn traceback_of(hook: &HookRecord) -> Option<Traceback> {
    let logged =
        hook.effects.log.iter().rev().filter(|line| line.level == "ERROR" || line.level == "CRITICAL");
    logged.into_iter().find_map(|line| traceback::read(&line.text)).or_else(|| traceback::read(&hook.output))
}

fn blame(traceback: &Traceback) -> Blame {
    let last = format!("{}: {}", traceback.exception, traceback.message);
    // The image of a container may bring layers of its own, which nobody here has seen.
    let is_of_image = traceback.exception.ends_with("ModelError")
        && traceback.message.starts_with("service '")
        && traceback.message.contains("' not found");
    // Whoever deploys it knows that it needs --trust.
    let is_untrusted = last.contains("cannot access cloud credentials");
    let is_missing_program = traceback.exception == "FileNotFoundError"
        && traceback.frames.last().is_some_and(|frame| frame.file.ends_with("subprocess.py"));
    // A charm library that is fetched when the charm is packed, or a package of an extension.
    let is_missing_module = traceback.exception == "ModuleNotFoundError"
        && traceback.frames.last().is_some_and(|frame| frame.function == "<module>");
    if is_missing_program
        || is_missing_module
        || is_of_image
        || is_untrusted
        || REFUSALS.iter().any(|refusal| last.contains(refusal) || cause_of(traceback).contains(refusal))
    {
        Blame::Environment
    } else {
        Blame::Charm
    }
}

/// Returns what the text says before the last traceback: the exceptions that led to it.
fn cause_of(traceback: &Traceback) -> &str {
    traceback.text.rfind("Traceback (most recent call last):").map_or("", |place| &traceback.text[..place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_defect_has_one_cause_whatever_it_says() {
        let of = |file: &str, statement: &str, end: &str| {
            let text = format!(
                "Traceback (most recent call last):\n  File \"/v/site-packages/ops/main.py\", line 1, in main\n    run()\n  File \"{file}\", line 3, in _on_change\n    {statement}\n{end}\n"
            );
            cause(&traceback::read(&text).unwrap())
        };
        let charm = "/x/charm/src/charm.py";
        let check =
            |one: String, other: String, is_one: bool| assert_eq!(one == other, is_one, "{one}\n{other}");
        check(of(charm, "a(b)", "KeyError: 'mysql'"), of(charm, "a(b)", "KeyError: 'redis'"), true);
        check(
            of(charm, "a(b)", "Refused: bucket a1 of joe"),
            of(charm, "a(b)", "Refused: bucket c of ann"),
            true,
        );
        check(of(charm, "a(b)", "KeyError: 'a'"), of(charm, "a(c)", "KeyError: 'a'"), false);
        check(of(charm, "a(b)", "KeyError: 'a'"), of(charm, "a(b)", "IndexError: a"), false);
        let package = "/v/site-packages/x.py";
        check(of(package, "a(b)", "E: bucket 1"), of(package, "a(b)", "E: bucket 22"), true);
        check(of(package, "a(b)", "E: bucket"), of(package, "a(b)", "E: object"), false);
    }

    #[test]
    fn what_is_quoted_is_no_part_of_the_cause() {
        let check = |text: &str, expected: &str| assert_eq!(without_quoted(text), expected, "{text}");
        check(
            "invalid literal for int() with base 10: 'two words'",
            "invalid literal for int() with base 10: '…'",
        );
        check("the unit's name isn't `a`", "the unit's name isn't '…'");
        check("one \"quote", "one \"quote");
        check("", "");
    }
}
