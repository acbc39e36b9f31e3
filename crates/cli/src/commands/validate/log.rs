//! Reads what Juju logs: `juju debug-log`, an agent's file, `juju show-status-log`.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _};

use charmproof_lifecycle::juju_log::{self, Remark};
use charmproof_lifecycle::rules::{Event, Settings};
use charmproof_lifecycle::vocabulary::{Hook, Outcome};

use super::input::cannot_read;
use super::trial::Trial;
use crate::args::Begins;
use crate::error::Failure;

/// How much of a line is looked at. What matters stands at its beginning.
const LINE_BYTES_MAX: u64 = 4 * 1024;

/// Units of one log at most: more are no log of a model.
const UNITS_MAX: usize = 10_000;

/// Which of Juju's logs it is.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// `juju debug-log`, or the file of a unit's agent.
    Agent,
    /// `juju show-status-log`.
    Status,
}

impl Form {
    /// Returns the form of a text that begins with this line, if it is a log.
    pub(super) fn of(line: &str) -> Option<Self> {
        if juju_log::is_of_agent(line) {
            Some(Self::Agent)
        } else if juju_log::is_of_status(line) {
            Some(Self::Status)
        } else {
            None
        }
    }
}

/// One unit of the log.
struct Unit {
    trial: Trial,
    /// The relation that the hook which runs now is of, as the charm's own lines say.
    relation: Option<(String, u32)>,
    /// A hook that began, where the log tells of beginnings.
    begun: Option<(usize, String)>,
}

/// Reads the rest of a log, whose first line was read already, and judges each unit.
pub(super) fn read(
    form: Form,
    first: (usize, &str),
    mut reader: Box<dyn BufRead>,
    settings: &Settings,
    begins: Option<Begins>,
    finish: &mut dyn FnMut(Trial),
) -> Result<(), Failure> {
    let mut units: BTreeMap<Option<String>, Unit> = BTreeMap::new();
    take(form, first.0, first.1, &mut units, settings, begins)?;
    let mut line = Vec::new();
    for number in first.0 + 1.. {
        line.clear();
        let count = (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| cannot_read(&error))?;
        if count == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            skip_line(&mut reader)?;
        }
        take(form, number, &String::from_utf8_lossy(&line), &mut units, settings, begins)?;
    }
    let has_hooks = |unit: &Unit| !unit.trial.is_empty() || unit.begun.is_some();
    if !units.values().any(has_hooks) {
        return Err(Failure::usage("the log tells of no hook").hint(
            "agents tell of hooks at the level INFO: `juju model-config logging-config='<root>=INFO'`",
        ));
    }
    for mut unit in units.into_values() {
        unit.end_begun(Outcome::Ok);
        if !unit.trial.is_empty() {
            finish(unit.trial);
        }
    }
    Ok(())
}

/// Passes over the rest of a line, however long it is.
fn skip_line(reader: &mut Box<dyn BufRead>) -> Result<(), Failure> {
    loop {
        let buffer = reader.fill_buf().map_err(|error| cannot_read(&error))?;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let count = end.map_or(buffer.len(), |end| end + 1);
        let is_over = end.is_some() || buffer.is_empty();
        reader.consume(count);
        if is_over {
            return Ok(());
        }
    }
}

fn take(
    form: Form,
    number: usize,
    line: &str,
    units: &mut BTreeMap<Option<String>, Unit>,
    settings: &Settings,
    begins: Option<Begins>,
) -> Result<(), Failure> {
    let (name, remark) = match form {
        Form::Agent => match juju_log::of_agent(line) {
            Some(found) => found,
            None => return Ok(()),
        },
        Form::Status => match juju_log::of_status(line) {
            Some(remark) => (None, remark),
            None => return Ok(()),
        },
    };
    if units.len() >= UNITS_MAX && !units.contains_key(&name) {
        return Err(Failure::usage(format!("line {number}: the log is of more than {UNITS_MAX} units")));
    }
    let unit = units.entry(name.clone()).or_insert_with(|| {
        let own = Settings { unit: name.clone().or_else(|| settings.unit.clone()), ..settings.clone() };
        let shown = name.as_deref().unwrap_or("the unit").escape_debug().to_string();
        Unit { trial: Trial::new(shown, own, begins), relation: None, begun: None }
    });
    unit.take(number, remark);
    Ok(())
}

impl Unit {
    fn take(&mut self, number: usize, remark: Remark) {
        match remark {
            Remark::Relation { endpoint, id } => self.relation = Some((endpoint, id)),
            Remark::Marker(marker) => self.trial.read(number, &Event::Marker(marker)),
            Remark::Began { hook } => {
                self.end_begun(Outcome::Ok);
                self.begun = Some((number, hook));
            }
            Remark::Ended { hook, outcome } => match self.begun.take() {
                Some((began, name)) if name == hook => self.hook(began, &name, outcome),
                other => {
                    self.begun = other;
                    self.end_begun(Outcome::Ok);
                    self.hook(number, &hook, outcome);
                }
            },
        }
    }

    fn end_begun(&mut self, outcome: Outcome) {
        if let Some((number, hook)) = self.begun.take() {
            self.hook(number, &hook, outcome);
        }
    }

    fn hook(&mut self, number: usize, name: &str, outcome: Outcome) {
        let relation = self.relation.take();
        match Hook::parse(name) {
            Ok(mut hook) => {
                hook.relation_id =
                    relation.filter(|(endpoint, _)| endpoint == hook.subject()).map(|(_, id)| id);
                self.trial.read(number, &Event::Hook { hook, outcome });
            }
            // A later Juju may have hooks that this one does not know.
            Err(unknown) if unknown.meant.is_some() => self.trial.read(number, &Event::Unknown(unknown)),
            Err(_) => {}
        }
    }
}
