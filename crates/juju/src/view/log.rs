//! What `juju debug-log` and `juju show-status-log` show.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use super::document::time;
use super::table::Table;
use super::time::Times;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Who wrote it: `unit-tinyproxy-0`, `controller-0`.
    pub entity: String,
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// What part wrote it: `juju.worker.uniter.operation`, `unit.tinyproxy/0.juju-log`.
    pub module: String,
    /// The line of the source.
    pub location: String,
    /// What it is marked with.
    pub labels: Vec<String>,
    /// What it says.
    pub message: String,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
pub enum LogLevel {
    /// Steps.
    Trace,
    /// What developers want to know.
    Debug,
    /// What people want to know.
    Info,
    /// What may be wrong.
    Warning,
    /// What is wrong.
    Error,
    /// What nothing works with.
    Critical,
}

impl LogLevel {
    fn sequence(self) -> &'static str {
        match self {
            Self::Trace => "\u{1b}[39m",
            Self::Debug => "\u{1b}[32m",
            Self::Info => "\u{1b}[94m",
            Self::Warning => "\u{1b}[33m",
            Self::Error => "\u{1b}[91m",
            Self::Critical => "\u{1b}[41;97m",
        }
    }
}

/// How lines of the log are shown.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The time zone of times (`--utc`).
    pub zone: TimeZone,
    /// Whether dates are shown (`--date`).
    pub shows_dates: bool,
    /// Whether milliseconds are shown (`--ms`).
    pub shows_milliseconds: bool,
    /// Whether lines of the source are shown (`--location`).
    pub shows_locations: bool,
    /// Whether levels are coloured (`--color`).
    pub is_coloured: bool,
}

/// Writes a line of `juju debug-log`.
pub fn write_line(line: &LogLine, options: &LogOptions) -> String {
    let zoned = line.at.to_zoned(options.zone.clone());
    let date = if options.shows_dates { zoned.strftime("%Y-%m-%d ").to_string() } else { String::new() };
    let milliseconds = if options.shows_milliseconds {
        format!(".{:03}", line.at.subsec_millisecond())
    } else {
        String::new()
    };
    let name: &str = line.level.into();
    let level = if options.is_coloured {
        format!("{}{name}\u{1b}[0m", line.level.sequence())
    } else {
        name.to_owned()
    };
    let location = if options.shows_locations { format!("{} ", line.location) } else { String::new() };
    let labels = if line.labels.is_empty() { String::new() } else { format!("{} ", line.labels.join(",")) };
    format!(
        "{}: {date}{}{milliseconds} {level} {} {location}{labels}{}\n",
        line.entity,
        zoned.strftime("%H:%M:%S"),
        line.module,
        line.message
    )
}

/// A status that something had. `juju show-status-log` prints a list of these.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastStatusView {
    /// The word for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// What was said about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What else is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, Value>,
    /// Since when.
    #[serde(serialize_with = "time")]
    pub since: Timestamp,
    /// Of what: `workload`, `juju-unit`, `application`, `machine`, `juju-machine`, `model`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// Writes `juju show-status-log`.
pub fn write_past(statuses: &[PastStatusView], times: &Times, is_coloured: bool) -> String {
    let mut table = Table::new(is_coloured);
    table.line(&["Time", "Type", "Status", "Message"]);
    for past in statuses {
        table.cell(&times.since(past.since)).cell(&past.kind).status(&past.status);
        table.line(&[&past.message]);
    }
    table.finish()
}
