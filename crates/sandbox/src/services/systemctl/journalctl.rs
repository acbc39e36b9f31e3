//! `journalctl`, over what the services of this machine wrote.
//!
//! Following a journal (`-f`) and searching by fields are refused by name.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Processes, Scene};
use crate::services::call::Said;
use crate::services::condition::matches;
use crate::services::journal::Record;
use crate::services::name::UnitName;

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    units: Vec<String>,
    identifiers: Vec<String>,
    lines: Option<usize>,
    output: String,
    is_reverse: bool,
    is_quiet: bool,
    priority: Option<u8>,
    pattern: Option<String>,
    notes: Vec<String>,
    does_nothing: bool,
    asks_disk_usage: bool,
    asks_version: bool,
}

pub(super) fn run<P: Processes>(scene: &mut Scene<'_, P>, arguments: &[String]) -> Said {
    let options = match read(arguments) {
        Ok(options) => options,
        Err(text) => return Said::failed(1, text),
    };
    let mut said = Said::default();
    for note in &options.notes {
        said.complain(note);
    }
    if options.asks_version {
        said.line(super::VERSION.trim_end());
        return said;
    }
    if options.asks_disk_usage {
        said.line("Archived and active journals take up 0B in the file system.");
        return said;
    }
    if options.does_nothing {
        return said;
    }
    let units: Vec<String> = options
        .units
        .iter()
        .map(|unit| {
            if unit.contains(['*', '?', '[']) {
                unit.clone()
            } else {
                UnitName::from_word(unit)
                    .map_or(unit.clone(), |name| scene.manager.load(&name).unit.name.to_string())
            }
        })
        .collect();
    let wants = |unit: &str| units.is_empty() || units.iter().any(|wanted| matches(wanted, unit));
    let mut records = scene.journal.read(wants);
    records.retain(|record| {
        (options.identifiers.is_empty() || options.identifiers.contains(&record.identifier))
            && options.priority.is_none_or(|priority| record.priority <= priority)
            && options.pattern.as_ref().is_none_or(|pattern| record.message.contains(pattern.as_str()))
    });
    if let Some(lines) = options.lines {
        records.drain(..records.len().saturating_sub(lines));
    }
    if options.is_reverse {
        records.reverse();
    }
    if records.is_empty() {
        if !options.is_quiet && options.output != "json" && options.output != "cat" {
            said.line("-- No entries --");
        }
        return said;
    }
    let host_name = &scene.manager.shelf.identity.host_name;
    for record in &records {
        match options.output.as_str() {
            "cat" => said.line(&record.message),
            "short-iso" => said.line(with_time(record, host_name, "%Y-%m-%dT%H:%M:%S+00:00")),
            "short-precise" => said.line(with_time(record, host_name, "%b %d %H:%M:%S%.6f")),
            "short-full" => said.line(with_time(record, host_name, "%a %Y-%m-%d %H:%M:%S UTC")),
            "short-unix" => {
                let seconds = format!("{}.{:06}", record.time / 1_000_000, record.time % 1_000_000);
                said.line(with_time(record, host_name, &seconds));
            }
            "json" | "json-pretty" => said.line(json(record, host_name)),
            _ => said.line(short(record, host_name)),
        }
    }
    said
}

/// `Nov 22 05:37:12 host sh[570]: hello`
pub(super) fn short(record: &Record, host_name: &str) -> String {
    with_time(record, host_name, "%b %d %H:%M:%S")
}

fn with_time(record: &Record, host_name: &str, form: &str) -> String {
    let moment = Timestamp::from_microsecond(record.time).unwrap_or(Timestamp::UNIX_EPOCH);
    let time = moment.to_zoned(TimeZone::UTC).strftime(form).to_string();
    format!("{time} {host_name} {}[{}]: {}", record.identifier, record.pid, record.message)
}

fn json(record: &Record, host_name: &str) -> String {
    serde_json::json!({
        "__REALTIME_TIMESTAMP": record.time.to_string(),
        "_HOSTNAME": host_name,
        "_PID": record.pid.to_string(),
        "_SYSTEMD_UNIT": record.unit,
        "SYSLOG_IDENTIFIER": record.identifier,
        "PRIORITY": record.priority.to_string(),
        "MESSAGE": record.message,
    })
    .to_string()
}

fn read(arguments: &[String]) -> Result<Options, String> {
    const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    let mut options = Options::default();
    let mut words = arguments.iter().flat_map(|word| split(word)).peekable();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            Some(_) | None => (word.clone(), None),
        };
        let mut value = |name: &str| match &value {
            Some(value) => Ok(value.clone()),
            None => words.next().ok_or(format!("journalctl: option '{name}' requires an argument")),
        };
        match name.as_str() {
            "-u" | "--unit" => options.units.push(value("--unit")?),
            "-t" | "--identifier" => options.identifiers.push(value("--identifier")?),
            "-n" | "--lines" => {
                let lines = value("--lines")?;
                options.lines = match lines.as_str() {
                    "all" => None,
                    lines => Some(
                        lines
                            .trim_start_matches('+')
                            .parse()
                            .map_err(|_| format!("Failed to parse lines '{lines}'"))?,
                    ),
                };
            }
            "-o" | "--output" => options.output = value("--output")?,
            "-r" | "--reverse" => options.is_reverse = true,
            "-q" | "--quiet" => options.is_quiet = true,
            "-e" | "--pager-end" => options.lines = options.lines.or(Some(1000)),
            "-g" | "--grep" => options.pattern = Some(value("--grep")?),
            "-p" | "--priority" => {
                let text = value("--priority")?;
                let level =
                    text.parse().ok().or(NAMES.iter().position(|known| *known == text).map(|at| at as u8));
                options.priority = Some(level.ok_or(format!("Unknown log level {text}"))?);
            }
            "--since" | "-S" | "--until" | "-U" => {
                let text = value(&name)?;
                options.notes.push(format!("Note: {name} {text} is ignored; all that is kept is shown."));
            }
            "--vacuum-size" | "--vacuum-time" | "--vacuum-files" => {
                value(&name)?;
                options.does_nothing = true;
            }
            "--rotate" | "--flush" | "--sync" | "--relinquish-var" => options.does_nothing = true,
            "--disk-usage" => options.asks_disk_usage = true,
            "--version" => options.asks_version = true,
            "-b" | "--boot" => {
                if words.peek().is_some_and(|next| next.parse::<i32>().is_ok()) {
                    words.next();
                }
            }
            "-D" | "--directory" | "--file" | "-M" | "--machine" | "--user-unit" | "-f" | "--follow"
            | "--list-boots" | "-F" | "--field" => {
                return Err(format!("journalctl {name} is not supported in this machine of charmproof."));
            }
            "--no-pager" | "-x" | "--catalog" | "-a" | "--all" | "-l" | "--full" | "--no-full"
            | "--system" | "-m" | "--merge" | "--no-hostname" | "--utc" | "--no-tail" | "-k" | "--dmesg" => {}
            other if other.starts_with('-') => {
                return Err(format!("journalctl: unrecognized option '{other}'"));
            }
            other => match other.split_once('=') {
                Some(("_SYSTEMD_UNIT" | "UNIT", unit)) => options.units.push(unit.to_owned()),
                Some(("SYSLOG_IDENTIFIER", identifier)) => options.identifiers.push(identifier.to_owned()),
                Some(_) | None => return Err(format!("Failed to add match '{other}': Invalid argument")),
            },
        }
    }
    Ok(options)
}

/// Takes letters apart that stand together: `-xeu redis`, `-n5`.
fn split(word: &str) -> Vec<String> {
    let mut letters = word.chars();
    if letters.next() != Some('-') || word.starts_with("--") || word.len() <= 2 {
        return vec![word.to_owned()];
    }
    let mut parts = Vec::new();
    let mut rest = letters.as_str();
    while let Some(letter) = rest.chars().next() {
        parts.push(format!("-{letter}"));
        rest = &rest[letter.len_utf8()..];
        if "utnopgSUDFM".contains(letter) && !rest.is_empty() {
            parts.push(rest.to_owned());
            break;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn options_are_read() {
        let options = |line: &str| read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let found = options("-xeu redis --no-pager -n5 -o cat").unwrap();
        assert_eq!(
            (found.units, found.lines, found.output),
            (vec!["redis".to_owned()], Some(5), "cat".to_owned())
        );
        assert_eq!(options("-u a --since yesterday").unwrap().notes.len(), 1);
        assert!(options("-f").unwrap_err().contains("not supported"));
        assert_eq!(options("-n x").unwrap_err(), "Failed to parse lines 'x'");
    }

    #[test]
    fn a_record_is_shown_in_a_line() {
        let record = Record {
            time: 1_795_325_832_000_000,
            unit: "a.service".to_owned(),
            identifier: "sh".to_owned(),
            pid: 570,
            priority: 6,
            message: "hello".to_owned(),
        };
        assert_eq!(short(&record, "unit-0"), "Nov 22 05:37:12 unit-0 sh[570]: hello");
    }

    proptest! {
        #[test]
        fn any_arguments_are_read_or_refused(arguments in prop::collection::vec("-{0,2}[a-zA-Z=é]{0,6}", 0..5)) {
            let _ = read(&arguments);
        }
    }
}
