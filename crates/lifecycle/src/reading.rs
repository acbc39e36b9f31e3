//! Reads sequences that others wrote, for the judge: names, JSON, logs.
//!
//! [`form`] tells what a text is by its beginning, [`names`] reads a line of names,
//! [`json`] lives and recorded traces, [`log`] what Juju logs. Each hands events on as it
//! meets them, so that an input may be longer than memory; where the text comes from is not
//! known here.

pub mod form;
pub mod json;
pub mod log;
pub mod names;

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::rules::{DeclaredCharm, Event, Filter, Markers, Settings, Start};
use crate::vocabulary::{Hook, HookKind, JujuVersion, Name, Outcome, Platform, UnknownHook};

/// What a source says of its sequences before it tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// What the source calls the sequence.
    pub name: Option<String>,
    /// The line of Juju releases.
    pub version: Option<JujuVersion>,
    /// The platform.
    pub platform: Option<Platform>,
    /// Where it begins, if it says so.
    pub start: Option<Start>,
    /// What was left out of it.
    pub filter: Filter,
    /// How much it tells besides hooks.
    pub markers: Markers,
    /// Whether it is what real units did. Their charm may have been refreshed since.
    pub is_recorded: bool,
    /// The charms of the applications.
    pub charms: BTreeMap<Name, Arc<DeclaredCharm>>,
}

impl About {
    /// Returns what is known of the sequence of one unit: what `known` says, and what it
    /// leaves open as far as the source says it.
    pub fn settings(&self, known: &Settings, unit: Option<&str>) -> Settings {
        let unit = unit.map(str::to_owned).or_else(|| known.unit.clone());
        let application = unit.as_deref().and_then(|unit| unit.split('/').next()).unwrap_or_default();
        // With one charm, it is that of every unit that has no other.
        let only = (self.charms.len() == 1).then(|| self.charms.values().next()).flatten();
        let charm = known.charm.as_ref().or_else(|| self.charms.get(application)).or(only);
        let may_be_other_revision =
            |charm: &Arc<DeclaredCharm>| charm.may_be_other_revision || self.is_recorded;
        let charm = charm.map(|charm| {
            let may_be_other_revision = may_be_other_revision(charm);
            Arc::new(DeclaredCharm { may_be_other_revision, ..DeclaredCharm::clone(charm) })
        });
        Settings {
            version: known.version.or(self.version),
            platform: known.platform.or(self.platform),
            start: self.start.unwrap_or(known.start),
            filter: self.filter,
            markers: self.markers,
            charm,
            peers: known.peers.clone(),
            unit,
        }
    }
}

/// Takes what a source tells, in its order.
pub trait Receiver {
    /// A sequence begins, or several that belong together, one for each unit.
    fn begins(&mut self, about: &About);

    /// The source says where the sequence of a unit begins.
    fn unit_begins(&mut self, unit: &str, start: Start);

    /// Something happened to a unit, if the source says to which. `place` is a line of a
    /// text, or a step of a life, both from 1.
    fn event(&mut self, unit: Option<&str>, place: usize, event: &Event);

    /// Nothing more belongs to what began last.
    fn ends(&mut self);
}

/// Why a text is no sequence.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unreadable {
    /// A name that no hook has.
    #[error("{place}: {unknown}{}", suggested(.suggestion.as_ref()))]
    Hook {
        /// Where it stands.
        place: String,
        /// The name.
        unknown: UnknownHook,
        /// A name that it may be a mistake of.
        suggestion: Option<String>,
    },
    /// A word stands where it should be said how a hook ended.
    #[error("{place}: `{}` is no way in which a hook ends", short(.word))]
    Outcome {
        /// Where it stands.
        place: String,
        /// The word.
        word: String,
    },
    /// A life of another version of the form.
    #[error("{place} has schema {schema}, and this charmproof knows {}", json::SCHEMA)]
    Schema {
        /// Which life.
        place: String,
        /// Its version.
        schema: u64,
    },
    /// An object that is neither a life nor a trace.
    #[error("{place} has neither `steps`, as a life has, nor `events`, as a trace has")]
    NoSequence {
        /// Which object.
        place: String,
    },
    /// A log of more units than any model has.
    #[error("line {line}: the log is of more than {} units", log::UNITS_MAX)]
    Units {
        /// The line of the first one that is too many.
        line: usize,
    },
}

fn suggested(suggestion: Option<&String>) -> String {
    suggestion.map(|name| format!("; `{name}` is near")).unwrap_or_default()
}

/// Returns what can be shown of a word that may be anything.
fn short(word: &str) -> String {
    let shown: String = word.chars().take(60).flat_map(char::escape_debug).collect();
    if word.chars().nth(60).is_some() { shown + "…" } else { shown }
}

/// Returns the event of a hook that is written as a name.
fn event(name: &str, outcome: Outcome, place: impl FnOnce() -> String) -> Result<Event, Unreadable> {
    match Hook::parse(name) {
        Ok(hook) => Ok(Event::Hook { hook, outcome }),
        // R25 is about this one, as so many write it.
        Err(unknown) if unknown.meant == Some(HookKind::StorageDetaching) => Ok(Event::Unknown(unknown)),
        Err(unknown) => {
            let suggestion = unknown.meant.is_none().then(|| names::nearest_hook(name)).flatten();
            Err(Unreadable::Hook { place: place(), unknown, suggestion })
        }
    }
}

fn outcome(word: Option<&str>, place: impl FnOnce() -> String) -> Result<Outcome, Unreadable> {
    let Some(word) = word else { return Ok(Outcome::Ok) };
    Outcome::parse(word).ok_or_else(|| Unreadable::Outcome { place: place(), word: word.to_owned() })
}
