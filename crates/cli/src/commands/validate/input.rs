//! Reads sequences: names one a line, recorded traces, and charmproof's own JSON. What
//! Juju logs is read by [`log`].

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _};

use charmproof_lifecycle::rules::{Event, Filter, Settings, Start};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, JujuVersion, Marker, Outcome, Platform, Remote};
use serde::Deserialize;

use super::log;
use super::trial::Trial;
use crate::args::Begins;
use crate::error::{Exit, Failure};

/// How long a line of names may be. No name comes near it; a file of something else does.
const NAME_BYTES_MAX: u64 = 4 * 1024;

/// How long a JSON document, or a line of JSON, may be.
const JSON_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A recorded trace: the hooks of one unit, and what is known about them.
#[derive(Deserialize)]
struct Trace {
    #[serde(default)]
    id: String,
    #[serde(default)]
    charm: String,
    #[serde(default)]
    platform: String,
    #[serde(default)]
    juju: String,
    events: Vec<String>,
    #[serde(default)]
    outcomes: Vec<String>,
    #[serde(default)]
    markers: Vec<(usize, String)>,
    #[serde(default)]
    rel_ids: Vec<Option<u32>>,
    #[serde(default)]
    from_start: bool,
    #[serde(default)]
    filtered: Option<String>,
}

/// A sequence in charmproof's own form.
#[derive(Deserialize)]
struct Sequence {
    schema: u32,
    #[serde(default)]
    juju: Option<String>,
    #[serde(default)]
    platform: Option<String>,
    steps: Vec<Step>,
}

/// A step of such a sequence. Without a hook it is a stimulus, which needs no judgement.
#[derive(Deserialize)]
struct Step {
    unit: Option<String>,
    hook: Option<String>,
    outcome: Option<String>,
    relation_id: Option<u32>,
    remote_app: Option<String>,
    remote_unit: Option<String>,
    departing_unit: Option<String>,
    storage_id: Option<String>,
    notice_key: Option<String>,
    check: Option<String>,
    secret_id: Option<String>,
    secret_revision: Option<u32>,
}

/// Reads all of `reader`, and gives `finish` each sequence that ends.
pub(super) fn read(
    mut reader: Box<dyn BufRead>,
    settings: &Settings,
    begins: Option<Begins>,
    finish: &mut dyn FnMut(Trial),
) -> Result<(), Failure> {
    let mut trial = Trial::new("the sequence", settings.clone(), begins);
    let mut line = Vec::new();
    let mut is_json = None;
    let mut is_first = true;
    for number in 1.. {
        line.clear();
        let bytes_max = if is_json == Some(true) { JSON_BYTES_MAX } else { NAME_BYTES_MAX };
        let count = (&mut reader)
            .take(bytes_max)
            .read_until(b'\n', &mut line)
            .map_err(|error| cannot_read(&error))?;
        if count == 0 {
            break;
        }
        let begins_json = line.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'[' | b'{'));
        if is_json.is_none() && !line.trim_ascii().is_empty() {
            is_json = Some(begins_json);
        }
        if line.trim_ascii_start().starts_with(b"[") {
            return document(&line, reader, settings, begins, finish);
        }
        if is_json == Some(true) && !line.ends_with(b"\n") {
            (&mut reader)
                .take(JSON_BYTES_MAX)
                .read_until(b'\n', &mut line)
                .map_err(|error| cannot_read(&error))?;
        }
        let text = std::str::from_utf8(&line).map_err(|_| {
            Failure::usage(format!("line {number} is no text")).hint("names of hooks, one a line, are")
        })?;
        if is_first && !text.trim().is_empty() {
            is_first = false;
            if let Some(form) = log::Form::of(text) {
                return log::read(form, (number, text), reader, settings, begins, finish);
            }
        }
        if is_json == Some(true) {
            json_line(number, text, settings, begins, finish)?;
        } else if count as u64 == NAME_BYTES_MAX {
            return Err(Failure::usage(format!("line {number} is too long for the name of a hook")));
        } else if let Some(event) = name_line(number, text)? {
            trial.read(number, &event);
        }
    }
    if !trial.is_empty() {
        finish(trial);
    }
    Ok(())
}

/// Reads `db-relation-joined`, or `start failed`, with a remark behind `#`.
fn name_line(number: usize, line: &str) -> Result<Option<Event>, Failure> {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    let Some(name) = words.next() else { return Ok(None) };
    let outcome = match words.next() {
        None => Outcome::Ok,
        Some(word) => Outcome::parse(word).ok_or_else(|| {
            Failure::usage(format!("line {number}: `{}` is no way in which a hook ends", word.escape_debug()))
                .hint("a line is the name of a hook and maybe `ok`, `failed`, `missing` or `terminated`")
        })?,
    };
    event(name, outcome, &format!("line {number}")).map(Some)
}

fn event(name: &str, outcome: Outcome, place: &str) -> Result<Event, Failure> {
    match Hook::parse(name) {
        Ok(hook) => Ok(Event::Hook { hook, outcome }),
        // A rule of its own is about this one, as so many write it.
        Err(unknown) if unknown.meant == Some(HookKind::StorageDetaching) => Ok(Event::Unknown(unknown)),
        Err(unknown) => Err(Failure::usage(format!("{place}: {unknown}"))
            .hint("`charmproof explain HOOK` tells about a hook; `#` begins a remark")),
    }
}

/// Reads a whole document of recorded traces, which `begin` begins.
fn document(
    begin: &[u8],
    reader: Box<dyn BufRead>,
    settings: &Settings,
    begins: Option<Begins>,
    finish: &mut dyn FnMut(Trial),
) -> Result<(), Failure> {
    let all = std::io::Read::chain(begin, reader.take(JSON_BYTES_MAX));
    let traces: Vec<Trace> = serde_json::from_reader(all).map_err(|error| no_traces(&error))?;
    traces.iter().try_for_each(|trace| judge_trace(trace, settings, begins, finish))
}

fn json_line(
    number: usize,
    line: &str,
    settings: &Settings,
    begins: Option<Begins>,
    finish: &mut dyn FnMut(Trial),
) -> Result<(), Failure> {
    if line.trim().is_empty() {
        return Ok(());
    }
    let place = format!("line {number}");
    let value: serde_json::Value = serde_json::from_str(line).map_err(|error| {
        Failure::of(&format!("{place} is no JSON of a sequence"), &error).exit(Exit::Usage)
    })?;
    if value.get("events").is_some() {
        let trace: Trace = serde_json::from_value(value).map_err(|error| no_traces(&error))?;
        return judge_trace(&trace, settings, begins, finish);
    }
    let sequence: Sequence = serde_json::from_value(value)
        .map_err(|error| Failure::of(&format!("{place} is no sequence"), &error).exit(Exit::Usage))?;
    if sequence.schema != 1 {
        return Err(Failure::usage(format!(
            "{place} has schema {}, and this charmproof knows 1",
            sequence.schema
        )));
    }
    judge_sequence(&place, sequence, settings, begins, finish)
}

fn judge_trace(
    trace: &Trace,
    settings: &Settings,
    begins: Option<Begins>,
    finish: &mut dyn FnMut(Trial),
) -> Result<(), Failure> {
    let filter = match trace.filtered.as_deref() {
        None | Some("") => Filter::Nothing,
        Some(kept) if kept.ends_with("relation only") => Filter::OtherEndpoints,
        Some(_) => Filter::Anything,
    };
    let start = match begins {
        None if trace.from_start => Start::Deployment,
        None | Some(_) => settings.start,
    };
    let own = Settings {
        version: settings.version.or_else(|| JujuVersion::parse(&trace.juju)),
        platform: settings.platform.or_else(|| Platform::parse(&trace.platform)),
        start,
        filter,
        ..settings.clone()
    };
    let name = format!("{} {}", trace.id, trace.charm).trim().escape_debug().to_string();
    // The trace itself says where it begins.
    let mut trial =
        Trial::new(if name.is_empty() { "a trace" } else { &name }, own, begins.or(Some(Begins::Anywhere)));
    let mut markers: BTreeMap<usize, Vec<Marker>> = BTreeMap::new();
    for (place, text) in &trace.markers {
        markers.entry(*place).or_default().extend(Marker::parse(text));
    }
    for (index, hook_name) in trace.events.iter().enumerate() {
        for marker in markers.remove(&index).into_iter().flatten() {
            trial.read(index, &Event::Marker(marker));
        }
        let place = format!("{name}, event {index}");
        let outcome = outcome(trace.outcomes.get(index).map(String::as_str), &place)?;
        let mut event = event(hook_name, outcome, &place)?;
        if let Event::Hook { hook, .. } = &mut event {
            hook.relation_id = trace.rel_ids.get(index).copied().flatten();
        }
        trial.read(index, &event);
    }
    finish(trial);
    Ok(())
}

fn judge_sequence(
    place: &str,
    sequence: Sequence,
    settings: &Settings,
    begins: Option<Begins>,
    finish: &mut dyn FnMut(Trial),
) -> Result<(), Failure> {
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let own = Settings {
        version: settings.version.or_else(|| JujuVersion::parse(&of(&sequence.juju))),
        platform: settings.platform.or_else(|| Platform::parse(&of(&sequence.platform))),
        ..settings.clone()
    };
    // Each unit has a life of its own.
    let mut trials: BTreeMap<String, Trial> = BTreeMap::new();
    for (index, step) in sequence.steps.into_iter().enumerate() {
        let Some(hook_name) = &step.hook else { continue };
        let place = format!("{place}, step {index}");
        let outcome = outcome(step.outcome.as_deref(), &place)?;
        let mut event = event(hook_name, outcome, &place)?;
        let unit = step.unit.clone();
        if let Event::Hook { hook, .. } = &mut event {
            fill(hook, step);
        }
        let name = unit.clone().unwrap_or_else(|| place.split(',').next().unwrap_or_default().to_owned());
        let of_unit = Settings { unit: unit.or_else(|| own.unit.clone()), ..own.clone() };
        let shown = name.escape_debug().to_string();
        trials.entry(name).or_insert_with(|| Trial::new(shown, of_unit, begins)).read(index, &event);
    }
    trials.into_values().for_each(finish);
    Ok(())
}

/// Gives the hook what a step says about it.
fn fill(hook: &mut Hook, step: Step) {
    hook.relation_id = step.relation_id;
    hook.remote = match (step.remote_unit, &step.remote_app) {
        (Some(unit), _) => Remote::Unit(unit.into()),
        (None, Some(_)) => Remote::Application,
        (None, None) => Remote::Unknown,
    };
    hook.remote_app = step.remote_app.map(Into::into);
    hook.departing_unit = step.departing_unit.map(Into::into);
    hook.storage_id = step.storage_id.map(Into::into);
    hook.notice = step.notice_key.map(Into::into);
    hook.check = step.check.map(Into::into);
    hook.secret_id = step.secret_id.map(Into::into);
    hook.secret_revision = step.secret_revision;
}

fn outcome(text: Option<&str>, place: &str) -> Result<Outcome, Failure> {
    let Some(text) = text else { return Ok(Outcome::Ok) };
    Outcome::parse(text)
        .ok_or_else(|| Failure::usage(format!("{place}: `{text}` is no way in which a hook ends")))
}

pub(super) fn cannot_read(error: &std::io::Error) -> Failure {
    Failure::of("the sequence cannot be read", error).exit(Exit::Usage)
}

fn no_traces(error: &serde_json::Error) -> Failure {
    Failure::of("this JSON is no list of recorded traces", error)
        .exit(Exit::Usage)
        .hint("each has at least `events`, a list of names of hooks")
}
