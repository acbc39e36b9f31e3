//! What lines of Juju's own logs say about hooks.
//!
//! Three forms are known: `juju debug-log`, the file that a unit's agent writes, and
//! `juju show-status-log`. A line that says nothing about the order of hooks is passed
//! over: logs hold tracebacks, other agents and whatever a charm prints. The agent writes
//! its line when a hook has ended (uniter/operation/runhook.go), the status log when it
//! begins.

use crate::vocabulary::{Marker, Outcome};

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A hook ended.
    Ended {
        /// Its name.
        hook: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// A hook began; how it ended is told by the next line, if it failed.
    Began {
        /// Its name.
        hook: String,
        /// What it is about, where that is told: a remote unit, a secret.
        about: Option<String>,
    },
    /// The hook that runs now is one of this relation: what the charm logs names it.
    Relation {
        /// The endpoint.
        endpoint: String,
        /// The number of the relation.
        id: u32,
    },
    /// Something else that matters to the order of hooks.
    Marker(Marker),
}

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// How many words stand before the level at most: the agent, a date, a time.
const WORDS_BEFORE_LEVEL: usize = 3;

/// Whether the line is one of a log of an agent.
pub fn is_of_agent(line: &str) -> bool {
    split(line).is_some()
}

/// Whether the line is the head of `juju show-status-log`, or a line of it.
pub fn is_of_status(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words == ["Time", "Type", "Status", "Message"] || status(line).is_some()
}

/// Returns what a line of an agent's log says, and of which unit, where it names one.
pub fn of_agent(line: &str) -> Option<(Option<String>, Remark)> {
    let (agent, module, message) = split(line)?;
    let unit = agent.and_then(unit_of_agent).or_else(|| unit_of_module(module));
    Some((unit, remark(module, message)?))
}

/// Returns what a line of `juju show-status-log` says.
pub fn of_status(line: &str) -> Option<Remark> {
    let (status, message) = status(line)?;
    if status == "error" {
        let hook = quoted(message.strip_prefix("hook failed: ")?)?;
        return Some(Remark::Ended { hook: hook.to_owned(), outcome: Outcome::Failed });
    }
    let (hook, rest) = message.strip_prefix("running ")?.split_once(' ')?;
    let about = rest.strip_prefix("hook for ").map(|about| about.trim().to_owned());
    (rest == "hook" || about.is_some()).then(|| Remark::Began { hook: hook.to_owned(), about })
}

/// Returns the agent, the module and the message of a line.
fn split(line: &str) -> Option<(Option<&str>, &str, &str)> {
    let mut rest = line.trim_end();
    let mut agent = None;
    for index in 0..=WORDS_BEFORE_LEVEL {
        let (word, tail) = rest.split_once(' ')?;
        rest = tail.trim_start();
        if LEVELS.contains(&word) {
            // Something must say who and when.
            if index == 0 {
                return None;
            }
            let (module, message) = rest.split_once(' ')?;
            return Some((agent, module, without_place(message)));
        }
        match word.strip_suffix(':') {
            Some(name) if index == 0 => agent = Some(name),
            _ if is_time(word) => {}
            _ => return None,
        }
    }
    None
}

/// Whether a word is a date or a time.
fn is_time(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.contains([':', '-'])
        && word.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '-' | '.' | 'T' | 'Z' | '+'))
}

/// Returns a message without the place in Juju's source that files put before it.
fn without_place(message: &str) -> &str {
    match message.split_once(' ') {
        Some((place, rest)) if place.contains(".go:") => rest,
        _ => message,
    }
}

/// `unit-mysql-router-3` is `mysql-router/3`.
fn unit_of_agent(agent: &str) -> Option<String> {
    let (application, number) = agent.strip_prefix("unit-")?.rsplit_once('-')?;
    number.parse::<u32>().ok()?;
    Some(format!("{application}/{number}"))
}

/// `unit.web/0.juju-log` is of `web/0`.
fn unit_of_module(module: &str) -> Option<String> {
    let unit = module.strip_prefix("unit.")?.split('.').next()?;
    unit.contains('/').then(|| unit.to_owned())
}

fn remark(module: &str, message: &str) -> Option<Remark> {
    if module.ends_with("juju-log") {
        // `db:3: something that the charm said`.
        let (relation, _) = message.split_once(": ")?;
        let (endpoint, id) = relation.rsplit_once(':')?;
        let id = id.parse().ok()?;
        let is_name = !endpoint.is_empty() && !endpoint.contains(char::is_whitespace);
        return is_name.then(|| Remark::Relation { endpoint: endpoint.to_owned(), id });
    }
    if !module.contains("uniter") {
        return None;
    }
    let ended = |hook: &str, outcome| Some(Remark::Ended { hook: hook.to_owned(), outcome });
    if let Some(text) = message.strip_prefix("ran ") {
        let hook = quoted(text)?;
        return is_about_hook(text, hook).then(|| ended(hook, Outcome::Ok))?;
    }
    if let Some(text) = message.strip_prefix("skipped ") {
        let hook = quoted(text)?;
        return is_about_hook(text, hook).then(|| ended(hook, Outcome::Missing))?;
    }
    if let Some(text) = message.strip_prefix("hook ") {
        let hook = quoted(text)?;
        if text.ends_with(" was terminated") {
            return ended(hook, Outcome::Terminated);
        }
        let (_, why) = text.split_once("failed: ")?;
        let is_terminated = why.contains("signal: terminated");
        return ended(hook, if is_terminated { Outcome::Terminated } else { Outcome::Failed });
    }
    let marker = match message.strip_prefix("unit ").and_then(|text| Some((quoted(text)?, text))) {
        Some((_, text)) if text.ends_with(" started") => Some(Marker::AgentStarted),
        Some((_, text)) if text.contains(" shutting down") => Some(Marker::AgentStopping),
        // Juju would run a hook of that name, and writes so instead (operation/leader.go).
        None if message.contains("leader-deposed hook") => Some(Marker::LeaderDeposed),
        Some(_) | None => Marker::parse(message),
    };
    marker.map(Remark::Marker)
}

/// Returns what stands between the quotes at the beginning.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split_once('"').map(|(inside, _)| inside)
}

/// Whether `"x" hook` follows; actions are told of in the same words.
fn is_about_hook(text: &str, hook: &str) -> bool {
    text[hook.len() + 2..].trim_start().starts_with("hook")
}

/// Returns the status and the message of a line about a unit's agent.
fn status(line: &str) -> Option<(&str, &str)> {
    let (before, rest) = line.split_once(" juju-unit ")?;
    if !before
        .split_whitespace()
        .any(|word| word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()))
    {
        return None;
    }
    let (status, message) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    Some((status, message.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(hook: &str, outcome: Outcome) -> Remark {
        Remark::Ended { hook: hook.into(), outcome }
    }

    #[test]
    fn lines_of_agents_are_read() {
        let check = |line: &str, unit: Option<&str>, expected: Option<Remark>| {
            let found = of_agent(line);
            assert_eq!(found.as_ref().map(|(_, remark)| remark.clone()), expected, "{line}");
            if expected.is_some() {
                assert_eq!(found.and_then(|(unit, _)| unit).as_deref(), unit, "{line}");
            }
        };
        check(
            "unit-web-0: 13:41:21 INFO juju.worker.uniter.operation ran \"install\" hook (via hook dispatching script: dispatch)",
            Some("web/0"),
            Some(ended("install", Outcome::Ok)),
        );
        check(
            "unit-mysql-router-12: 2026-10-07 13:41:21 INFO juju.worker.uniter.operation runhook.go:186 skipped \"start\" hook (missing)",
            Some("mysql-router/12"),
            Some(ended("start", Outcome::Missing)),
        );
        check(
            "2021-03-01 10:00:00 ERROR juju.worker.uniter.operation runhook.go:140 hook \"install\" (via hook dispatching script: dispatch) failed: exit status 1",
            None,
            Some(ended("install", Outcome::Failed)),
        );
        check(
            "unit-web-0: 13:41:21 ERROR juju.worker.uniter.operation hook \"start\" failed: signal: terminated",
            Some("web/0"),
            Some(ended("start", Outcome::Terminated)),
        );
        check(
            "unit-web-0: 13:41:21 WARNING juju.worker.uniter.operation hook \"start\" was terminated",
            Some("web/0"),
            Some(ended("start", Outcome::Terminated)),
        );
        check(
            "unit-web-0: 13:41:21 WARNING juju.worker.uniter.operation we should run a leader-deposed hook here, but we can't yet",
            Some("web/0"),
            Some(Remark::Marker(Marker::LeaderDeposed)),
        );
        check(
            "unit-web-0: 13:41:21 DEBUG unit.web/0.juju-log db:3: Emitting Juju event db_relation_joined.",
            Some("web/0"),
            Some(Remark::Relation { endpoint: "db".into(), id: 3 }),
        );
        check(
            "unit-web-0: 13:41:21 INFO juju.worker.uniter unit \"web/0\" started",
            Some("web/0"),
            Some(Remark::Marker(Marker::AgentStarted)),
        );
        check(
            "unit-web-0: 13:41:21 INFO juju.worker.uniter awaiting error resolution for \"start\" hook",
            Some("web/0"),
            Some(Remark::Marker(Marker::AwaitingResolution)),
        );
        // What the charm prints, what actions do, and what other agents say is no hook.
        check("unit-web-0: 13:41:21 INFO unit.web/0.juju-log ran \"install\" hook", None, None);
        check("unit-web-0: 13:41:21 INFO juju.worker.uniter.operation ran \"backup\" action", None, None);
        check("machine-0: 13:41:21 INFO juju.worker.upgrader no waiter", None, None);
        check("Traceback (most recent call last):", None, None);
        check("ran \"install\" hook", None, None);
    }

    #[test]
    fn lines_of_the_status_log_are_read() {
        let check = |line: &str, expected: Option<Remark>| assert_eq!(of_status(line), expected, "{line}");
        let began = |hook: &str, about: Option<&str>| {
            Some(Remark::Began { hook: hook.into(), about: about.map(str::to_owned) })
        };
        check(
            "07 Oct 2026 10:00:00+02:00  juju-unit  executing    running install hook",
            began("install", None),
        );
        check(
            "07 Oct 2026 10:00:00Z  juju-unit  executing    running db-relation-joined hook for pg/0",
            began("db-relation-joined", Some("pg/0")),
        );
        check(
            "07 Oct 2026 10:00:00Z  juju-unit  error        hook failed: \"install\"",
            Some(ended("install", Outcome::Failed)),
        );
        check("07 Oct 2026 10:00:00Z  juju-unit  executing    running action backup", None);
        check("07 Oct 2026 10:00:00Z  workload   active       running well", None);
        assert!(is_of_status("Time                  Type       Status       Message"));
    }

    /// Logs are cut anywhere.
    #[test]
    fn no_piece_of_a_line_is_too_much() {
        for line in [
            "unit-web-0: 13:41:21 INFO juju.worker.uniter.operation ran \"install\" hook (via é)",
            "unit-web-0: 13:41:21 DEBUG unit.web/0.juju-log db:3: Émitting",
            "07 Oct 2026 10:00:00Z  juju-unit  error        hook failed: \"install\"",
        ] {
            let places: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
            for &from in &places {
                for &to in places.iter().filter(|&&to| to >= from) {
                    let piece = &line[from..to];
                    let _ = (of_agent(piece), of_status(piece), is_of_agent(piece), is_of_status(piece));
                }
            }
        }
    }

    #[test]
    fn names_of_hooks_are_no_log() {
        for line in ["install", "db-relation-joined failed", "{\"schema\":1}", "", "INFO a b"] {
            assert!(!is_of_agent(line) && !is_of_status(line), "{line}");
        }
    }
}
