//! Follows the units of a log, line by line.

use std::collections::BTreeMap;

use super::{Receiver, Unreadable};
use crate::juju_log::{self, Remark};
use crate::rules::Event;
use crate::vocabulary::{Hook, Outcome, Remote, Scope};

/// Units of one log at most: more are no log of a model.
pub const UNITS_MAX: usize = 10_000;

/// How much of a line is looked at. What matters stands at its beginning.
pub const LINE_BYTES_MAX: usize = 4 * 1024;

/// Which of Juju's logs it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// `juju debug-log`, or the file of a unit's agent.
    Agent,
    /// `juju show-status-log`.
    Status,
}

/// What a log has told of one unit and not handed on.
#[derive(Debug, Default)]
struct Unit {
    /// The relation that the hook which runs now is of, as the charm's own lines say.
    relation: Option<(String, u32)>,
    /// A hook that began, where the log tells of beginnings, and its line.
    begun: Option<(usize, Begun)>,
}

/// A hook that began.
#[derive(Debug)]
struct Begun {
    name: String,
    about: Option<String>,
}

/// Follows the units of one log.
#[derive(Debug)]
pub struct Follower {
    form: LogForm,
    units: BTreeMap<Option<String>, Unit>,
}

impl Follower {
    /// Returns one that has read nothing yet.
    pub fn new(form: LogForm) -> Self {
        Self { form, units: BTreeMap::new() }
    }

    /// Reads one line.
    pub fn line(&mut self, number: usize, line: &str, receiver: &mut dyn Receiver) -> Result<(), Unreadable> {
        let (name, remark) = match self.form {
            LogForm::Agent => match juju_log::of_agent(line) {
                Some(found) => found,
                None => return Ok(()),
            },
            LogForm::Status => match juju_log::of_status(line) {
                Some(remark) => (None, remark),
                None => return Ok(()),
            },
        };
        if !self.units.contains_key(&name) {
            if self.units.len() >= UNITS_MAX {
                return Err(Unreadable::Units { line: number });
            }
            self.units.insert(name.clone(), Unit::default());
        }
        if let Some(unit) = self.units.get_mut(&name) {
            unit.take(name.as_deref(), number, remark, receiver);
        }
        Ok(())
    }

    /// The log is over.
    pub fn end(self, receiver: &mut dyn Receiver) {
        for (name, mut unit) in self.units {
            unit.end_begun(name.as_deref(), receiver);
        }
    }
}

impl Unit {
    fn take(&mut self, name: Option<&str>, number: usize, remark: Remark, receiver: &mut dyn Receiver) {
        match remark {
            Remark::Relation { endpoint, id } => self.relation = Some((endpoint, id)),
            Remark::Marker(marker) => receiver.event(name, number, &Event::Marker(marker)),
            Remark::Began { hook, about } => {
                self.end_begun(name, receiver);
                self.begun = Some((number, Begun { name: hook, about }));
            }
            Remark::Ended { hook, outcome } => match self.begun.take() {
                Some((began, begun)) if begun.name == hook => {
                    self.hook(name, began, &begun, outcome, receiver);
                }
                other => {
                    self.begun = other;
                    self.end_begun(name, receiver);
                    self.hook(name, number, &Begun { name: hook, about: None }, outcome, receiver);
                }
            },
        }
    }

    /// What began and did not fail has ended well.
    fn end_begun(&mut self, name: Option<&str>, receiver: &mut dyn Receiver) {
        if let Some((number, begun)) = self.begun.take() {
            self.hook(name, number, &begun, Outcome::Ok, receiver);
        }
    }

    fn hook(
        &mut self,
        name: Option<&str>,
        number: usize,
        begun: &Begun,
        outcome: Outcome,
        receiver: &mut dyn Receiver,
    ) {
        let relation = self.relation.take();
        match Hook::parse(&begun.name) {
            Ok(mut hook) => {
                hook.relation_id =
                    relation.filter(|(endpoint, _)| endpoint == hook.subject()).map(|(_, id)| id);
                if let Some(about) = &begun.about {
                    fill(&mut hook, about);
                }
                receiver.event(name, number, &Event::Hook { hook, outcome });
            }
            // A later Juju may have hooks that this charmproof does not know.
            Err(unknown) if unknown.meant.is_some() => receiver.event(name, number, &Event::Unknown(unknown)),
            Err(_) => {}
        }
    }
}

/// Gives a hook what the status says that it is about: `pg/0`, or `secret:9m4e2mr0ui3e8a215n4g/2`.
fn fill(hook: &mut Hook, about: &str) {
    if hook.kind.scope() == Scope::Relation {
        hook.remote_app = about.split('/').next().map(Into::into);
        hook.remote = Remote::Unit(about.into());
    } else if hook.kind.scope() == Scope::Secret {
        let (id, revision) =
            about.split_once('/').map_or((about, None), |(id, revision)| (id, revision.parse().ok()));
        hook.secret_id = Some(id.into());
        hook.secret_revision = revision;
    }
}
