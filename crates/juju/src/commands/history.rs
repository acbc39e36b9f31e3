//! `show-status-log`: the statuses that something had.

use std::collections::BTreeMap;

use charmproof_lifecycle::vocabulary::Name;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Context;
use crate::controller::data::{ModelData, StatusEntry};
use crate::names::{is_application, is_machine, is_unit};
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::view::log::{PastStatusView, write_past};

/// How many statuses are shown when nothing is said.
const ENTRIES_SHOWN: usize = 20;

/// Which of the statuses are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backlog {
    Last(usize),
    Since(Timestamp),
}

impl Backlog {
    fn of(context: &Context<'_>) -> Result<Self, CommandError> {
        let number = |flag: &str| context.parsed.number(flag).filter(|number| *number != 0);
        if let Some(days) = number("days") {
            let span = SignedDuration::from_hours(days.saturating_mul(24));
            let since = Timestamp::now().checked_sub(span).unwrap_or(Timestamp::MIN);
            return Ok(Self::Since(since));
        }
        if let Some(date) = context.parsed.text("from-date").filter(|date| !date.is_empty()) {
            let midnight = date.parse::<Date>().ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
            let midnight = midnight.ok_or_else(|| {
                CommandError::Usage(format!(
                    "parsing backlog date: parsing time {}: it is no day as 2006-01-02 is one",
                    quote(date)
                ))
            })?;
            return Ok(Self::Since(midnight.timestamp()));
        }
        let count = number("n").and_then(|count| usize::try_from(count).ok()).unwrap_or(ENTRIES_SHOWN);
        Ok(Self::Last(count))
    }

    fn keep(self, mut entries: Vec<PastStatusView>) -> Vec<PastStatusView> {
        entries.sort_by_key(|entry| entry.since);
        match self {
            Self::Last(count) => entries.split_off(entries.len().saturating_sub(count)),
            Self::Since(since) => entries.into_iter().filter(|entry| entry.since >= since).collect(),
        }
    }
}

/// `show-status-log`
pub(super) fn show(context: &mut Context<'_>) -> CommandResult {
    let kind = context.parsed.text("type").unwrap_or("unit").to_owned();
    let name = context.parsed.positionals.first().cloned().unwrap_or_default();
    let backlog = Backlog::of(context)?;
    let uuid = context.model()?;
    let is_valid = match kind.as_str() {
        "model" => true,
        "unit" | "workload" | "juju-unit" => is_unit(&name),
        "application" | "saas" => is_application(&name),
        _ => is_machine(&name),
    };
    if !is_valid {
        let what = match kind.as_str() {
            "application" | "saas" => "an application".to_owned(),
            other => format!("a {other}"),
        };
        return Err(CommandError::failed(format!("{} is not a valid name for {what}", quote(&name))));
    }
    let entries = context.look(&uuid, |model| {
        of(model, &kind, &name).ok_or_else(|| {
            let (tag, what) = match kind.as_str() {
                "unit" | "workload" | "juju-unit" => {
                    (format!("unit-{}", name.replace('/', "-")), format!("unit {}", quote(&name)))
                }
                "application" => (format!("application-{name}"), format!("application {}", quote(&name))),
                "saas" => (format!("application-{name}"), format!("saas application {}", quote(&name))),
                _ => (format!("machine-{}", name.replace('/', "-")), format!("machine {name}")),
            };
            CommandError::failed(format!(
                "while processing the request: fetching status history for {}: {what} not found",
                quote(&tag)
            ))
        })
    })?;
    let entries = backlog.keep(entries);
    if entries.is_empty() {
        return Err(CommandError::failed("no status history available"));
    }
    let times = context.times();
    context.show(&entries, |is_coloured| write_past(&entries, &times, is_coloured));
    Ok(())
}

/// Returns the statuses that a thing had. `None` if it is not there.
fn of(model: &ModelData, kind: &str, name: &str) -> Option<Vec<PastStatusView>> {
    let key = Name::from(name);
    match kind {
        "model" => Some(vec![past(model.since, "available", "", "model")]),
        "unit" | "workload" | "juju-unit" => {
            let history = &model.units.get(&key)?.history;
            Some(select(history, kind != "juju-unit", kind != "workload", "workload", "juju-unit"))
        }
        "application" => {
            let history = &model.applications.get(&key)?.history;
            Some(select(history, true, false, "application", ""))
        }
        "saas" => {
            let remote = model.remotes.get(&key).filter(|remote| remote.url.is_some())?;
            let (status, message) =
                remote.status.clone().unwrap_or_else(|| ("unknown".to_owned(), String::new()));
            Some(vec![past(remote.since, &status, &message, "saas")])
        }
        _ => {
            let history = &model.machines.get(&name.parse().ok()?)?.history;
            let is_instance = matches!(kind, "machine" | "container");
            Some(select(history, is_instance, !is_instance, kind, kind))
        }
    }
}

/// Returns statuses of the thing itself, of its agent, or both.
fn select<'a>(
    history: impl IntoIterator<Item = &'a StatusEntry>,
    itself: bool,
    agent: bool,
    name: &str,
    agent_name: &str,
) -> Vec<PastStatusView> {
    let wanted = history.into_iter().filter(|entry| if entry.is_agent { agent } else { itself });
    wanted
        .map(|entry| {
            let kind = if entry.is_agent { agent_name } else { name };
            past(entry.since, &entry.status, &entry.message, kind)
        })
        .collect()
}

fn past(since: Timestamp, status: &str, message: &str, kind: &str) -> PastStatusView {
    PastStatusView {
        status: status.to_owned(),
        message: message.to_owned(),
        data: BTreeMap::new(),
        since,
        kind: kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_or_the_newest_are_kept() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let all = || [3, 1, 2].map(|second| past(at(second), &second.to_string(), "", "unit")).to_vec();
        let kept = |backlog: Backlog| {
            backlog.keep(all()).into_iter().map(|entry| entry.status).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(kept(Backlog::Last(2)), "2 3");
        assert_eq!(kept(Backlog::Last(9)), "1 2 3");
        assert_eq!(kept(Backlog::Since(at(2))), "2 3");
        assert_eq!(kept(Backlog::Since(at(4))), "");
    }
}
