//! The entries of a fleet and what makes two of them the same.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::corpus::location::GitRef;
use crate::corpus::problem::{Problem, Severity};

/// Where an entry's files come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepositorySource {
    /// A remote repository at a reference; read from a mirror.
    Git(GitRef),
    /// A directory the user owns, absolute; only ever read.
    Path(Utf8PathBuf),
}

/// Limits that somebody asks for. `None` leaves it to whoever is asked next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds a suite may take.
    pub timeout_s: Option<u64>,
    /// Seconds a suite may stay silent.
    pub silence_s: Option<u64>,
    /// Memory of all its processes.
    pub memory_mib: Option<u64>,
    /// How many processes it may have at once.
    pub processes: Option<u64>,
    /// How much it may write to its log.
    pub log_mib: Option<u64>,
    /// How much it may write to disk.
    pub disk_mib: Option<u64>,
}

impl Limits {
    /// Returns these limits, and `below` where they say nothing.
    #[must_use]
    pub fn or(self, below: Self) -> Self {
        Self {
            timeout_s: self.timeout_s.or(below.timeout_s),
            silence_s: self.silence_s.or(below.silence_s),
            memory_mib: self.memory_mib.or(below.memory_mib),
            processes: self.processes.or(below.processes),
            log_mib: self.log_mib.or(below.log_mib),
            disk_mib: self.disk_mib.or(below.disk_mib),
        }
    }
}

/// The outcomes `expected` can name.
pub const OUTCOMES: &[&str] = &[
    "pass",
    "fail",
    "collection-error",
    "timeout",
    "out-of-memory",
    "crashed",
    "could-not-prepare",
    "not-injected",
    "not-used",
    "empty",
    "no-such-target",
    "tool-failed",
];

/// What is different about one entry, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// Not run at all, for this reason.
    pub skip: Option<String>,
    /// Limits of its own.
    pub limits: Limits,
    /// The outcome people know it has, by target; `*` stands for every target.
    pub expected: BTreeMap<String, String>,
    /// Why it differs. There whenever something does.
    pub reason: Option<String>,
    /// The last day it holds.
    pub expires: Option<Date>,
}

/// One repository of a fleet, or one charm of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetEntry {
    /// Where its files are.
    pub source: RepositorySource,
    /// Only this directory of it.
    pub subpath: Option<Utf8PathBuf>,
    /// Who looks after it.
    pub team: Option<String>,
    /// Groups it can be selected by.
    pub groups: BTreeSet<String>,
    /// What is different about it.
    pub exceptions: Exceptions,
    /// Limits of the list's `[defaults]`, for what nobody else says.
    pub default_limits: Limits,
    /// Its name in reports: `owner/name[/subpath]`; unique in its list.
    pub label: String,
}

impl FleetEntry {
    /// Returns an entry with nothing special about it.
    pub fn new(source: RepositorySource, subpath: Option<Utf8PathBuf>) -> Self {
        let mut label = match &source {
            RepositorySource::Git(git) => git.url.label(),
            RepositorySource::Path(path) => path.file_name().map_or_else(|| path.to_string(), str::to_owned),
        };
        if let Some(subpath) = &subpath {
            label.push('/');
            label.push_str(subpath.as_str());
        }
        Self {
            source,
            subpath,
            team: None,
            groups: BTreeSet::new(),
            exceptions: Exceptions::default(),
            default_limits: Limits::default(),
            label,
        }
    }

    /// Returns what to fetch for it.
    pub fn git(&self) -> Option<&GitRef> {
        match &self.source {
            RepositorySource::Git(git) => Some(git),
            RepositorySource::Path(_) => None,
        }
    }

    /// Returns what two entries share if they are the same.
    fn identity(&self) -> (Utf8PathBuf, String, Utf8PathBuf) {
        let subpath = self.subpath.clone().unwrap_or_default();
        match &self.source {
            RepositorySource::Git(git) => (git.url.key(), git.reference.as_str().to_owned(), subpath),
            RepositorySource::Path(path) => (path.clone(), String::new(), subpath),
        }
    }
}

/// A fleet as read, and what is wrong with the list it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetList {
    /// The entries, in the order of the list.
    pub entries: Vec<FleetEntry>,
    /// Everything to tell the user about it. With an [`Severity::Error`] among
    /// them, a command should stop before it runs anything.
    pub problems: Vec<Problem>,
}

impl FleetList {
    /// Returns a list of one entry.
    pub(crate) fn of(entry: FleetEntry) -> Self {
        Self { entries: vec![entry], problems: Vec::new() }
    }

    /// Returns a list of no entry and one problem.
    pub(crate) fn problem(problem: Problem) -> Self {
        Self { entries: Vec::new(), problems: vec![problem] }
    }

    /// Returns whether the list should not be used as it is.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.problems.extend(other.problems);
    }

    /// Adds `entry`, or merges it into the same one; returns whether it merged.
    pub(crate) fn insert(&mut self, entry: FleetEntry, index: &mut Index) -> bool {
        if let Some(&at) = index.0.get(&entry.identity()) {
            merge(&mut self.entries[at], entry);
            true
        } else {
            index.0.insert(entry.identity(), self.entries.len());
            self.entries.push(entry);
            false
        }
    }

    /// Merges entries that several lists share and makes the labels unique.
    pub(crate) fn finish(&mut self) {
        let mut index = Index::default();
        for entry in std::mem::take(&mut self.entries) {
            self.insert(entry, &mut index);
        }
        // Each round says more: the reference, then the host, then a number.
        for round in 0..3 {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for entry in &self.entries {
                *seen.entry(entry.label.clone()).or_default() += 1;
            }
            let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
            for entry in &mut self.entries {
                if seen[&entry.label] == 1 {
                    continue;
                }
                match (&entry.source, round) {
                    (RepositorySource::Git(git), 0) if !git.reference.is_head() => {
                        entry.label = format!("{}@{}", entry.label, git.reference);
                    }
                    (RepositorySource::Git(git), 1) => {
                        entry.label = format!("{}/{}", git.url.host(), entry.label);
                    }
                    (RepositorySource::Path(path), 1) => {
                        if let Some(parent) = path.parent().and_then(Utf8Path::file_name) {
                            entry.label = format!("{parent}/{}", entry.label);
                        }
                    }
                    (_, 2) => {
                        let number = numbers.entry(entry.label.clone()).or_default();
                        *number += 1;
                        if *number > 1 {
                            entry.label = format!("{}~{number}", entry.label);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Leaves out entries whose directory is missing.
    pub(crate) fn check_paths(&mut self, file: &str) {
        let problems = &mut self.problems;
        self.entries.retain(|entry| match &entry.source {
            RepositorySource::Path(path) if !path.is_dir() => {
                let message = format!("`{path}` is not a directory");
                problems.push(Problem::whole(Severity::Error, file, message));
                false
            }
            _ => true,
        });
    }
}

/// Where each entry of a list is.
#[derive(Debug, Default)]
pub(crate) struct Index(BTreeMap<(Utf8PathBuf, String, Utf8PathBuf), usize>);

fn merge(kept: &mut FleetEntry, other: FleetEntry) {
    kept.groups.extend(other.groups);
    if kept.team.is_none() {
        kept.team = other.team;
    }
    if kept.exceptions.reason.is_none() {
        let limits = other.exceptions.limits.or(kept.exceptions.limits);
        kept.exceptions = other.exceptions;
        kept.exceptions.limits = limits;
    }
}
