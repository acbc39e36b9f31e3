//! Gives each unit of a source a trial of its own.

use std::collections::BTreeMap;

use charmproof_lifecycle::reading::{About, Receiver};
use charmproof_lifecycle::rules::{Event, Settings, Start};

use super::report::Printer;
use super::trial::Trial;
use crate::args::Begins;
use crate::output;

/// Judges what a source tells, and prints each verdict when its sequence is over.
pub(super) struct Court {
    /// What the command line says.
    known: Settings,
    begins: Option<Begins>,
    printer: Printer,
    /// What the source says of the sequences that it tells now.
    about: About,
    starts: BTreeMap<String, Start>,
    trials: BTreeMap<Option<String>, Trial>,
    count: usize,
    is_valid: bool,
}

impl Court {
    pub(super) fn new(known: Settings, begins: Option<Begins>, printer: Printer) -> Self {
        Self {
            known,
            begins,
            printer,
            about: About::default(),
            starts: BTreeMap::new(),
            trials: BTreeMap::new(),
            count: 0,
            is_valid: true,
        }
    }

    /// Returns how many sequences were judged.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether Juju could have run all of them.
    pub(super) fn is_valid(&self) -> bool {
        self.is_valid
    }

    fn trial(&self, unit: Option<&str>) -> Trial {
        let mut settings = self.about.settings(&self.known, unit);
        let told = unit.and_then(|unit| self.starts.get(unit).copied()).or(self.about.start);
        settings.start = match (self.begins, told) {
            (Some(Begins::Deployment), _) => Start::Deployment,
            (Some(Begins::Anywhere), _) => Start::Unknown,
            (None, told) => told.unwrap_or_default(),
        };
        // A sequence that begins with `install` is one from the deployment on, unless
        // somebody says where it begins.
        let may_begin_with_install = self.begins.is_none() && self.about.start.is_none();
        let name =
            unit.map(str::to_owned).or_else(|| self.about.name.clone()).or_else(|| self.known.unit.clone());
        Trial::new(name, settings, may_begin_with_install)
    }
}

impl Receiver for Court {
    fn begins(&mut self, about: &About) {
        self.about = about.clone();
    }

    fn unit_begins(&mut self, unit: &str, start: Start) {
        if !self.starts.contains_key(unit) {
            self.starts.insert(unit.to_owned(), start);
        }
    }

    fn event(&mut self, unit: Option<&str>, place: usize, event: &Event) {
        let key = unit.map(str::to_owned);
        if !self.trials.contains_key(&key) {
            let trial = self.trial(unit);
            self.trials.insert(key.clone(), trial);
        }
        if let Some(trial) = self.trials.get_mut(&key) {
            trial.read(place, event);
        }
    }

    fn ends(&mut self) {
        self.starts.clear();
        for trial in std::mem::take(&mut self.trials).into_values().filter(|trial| !trial.is_empty()) {
            self.count += 1;
            self.is_valid &= trial.is_valid();
            output::result(&self.printer.print(&trial));
        }
    }
}
