//! What clients did, as somebody who compares two runs wants to know it.
//!
//! A [`Snapshot`] holds no times and no addresses: two runs that did the same have equal snapshots.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::changes::Work;
use crate::core::Core;

/// Calls and signals that are kept; more are counted, and not kept.
const KEPT: usize = 10_000;

/// Everything that can be seen of a Pebble from outside, and what was done to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// The merged plan, as Pebble prints it.
    pub plan: String,
    /// Services of the plan, and those that ran and are no part of it any more.
    pub services: BTreeMap<String, ServiceRecord>,
    /// Checks of the plan.
    pub checks: BTreeMap<String, CheckRecord>,
    /// Commands, in the order in which they were asked for.
    pub exec: Vec<ExecRecord>,
    /// Files and folders that were written or removed through the API, by path.
    pub files: BTreeMap<String, FileRecord>,
    /// Signals that were sent to services.
    pub signals: Vec<SignalRecord>,
    /// Notices that a workload, or a client for it, left.
    pub notices: Vec<NoticeRecord>,
    /// What was asked for, and how it ended. Commands and checks are above.
    pub changes: Vec<ChangeRecord>,
    /// How often a service's end should have stopped Pebble, and with it the container: `success` or
    /// `failure` for each.
    pub shutdowns: Vec<String>,
    /// Requests that were answered.
    pub requests: u64,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceRecord {
    /// `active`, `inactive`, `backoff` or `error`.
    pub current: String,
    /// How often it was started.
    pub starts: u64,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckRecord {
    /// `up`, `down` or `inactive`.
    pub status: String,
}

/// A command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExecRecord {
    /// Its words.
    pub command: Vec<String>,
    /// The environment that was asked for, without what it inherits.
    pub environment: BTreeMap<String, String>,
    /// The working directory that was asked for.
    pub working_dir: String,
    /// The user that was asked for: a name, or a number.
    pub user: Option<String>,
    /// The group that was asked for: a name, or a number.
    pub group: Option<String>,
    /// The digest of the standard input, if there was any.
    pub stdin_sha256: Option<String>,
    /// How it ended; nothing while it has not.
    pub exit_code: Option<i32>,
    /// What went wrong beside that, such as a timeout.
    pub error: Option<String>,
    /// Whether no rule said what the command does, so that it did nothing.
    pub unanswered: bool,
}

/// A file or a folder, as a client left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FileRecord {
    /// It was written.
    File {
        /// Permissions.
        mode: u32,
        /// `user:group`, as names if names were given.
        owner: Option<String>,
        /// Bytes.
        size: u64,
        /// The digest of its content.
        sha256: String,
    },
    /// It was made.
    Folder {
        /// Permissions.
        mode: u32,
        /// `user:group`, as names if names were given.
        owner: Option<String>,
    },
    /// It was removed.
    Removed,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalRecord {
    /// To whom.
    pub service: String,
    /// Which.
    pub signal: String,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeRecord {
    /// `custom` or `warning`.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// What came with it.
    pub data: BTreeMap<String, String>,
    /// How often it occurred.
    pub occurrences: u64,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeRecord {
    /// Such as `start`.
    pub kind: String,
    /// In words.
    pub summary: String,
    /// How far it is.
    pub status: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// A digest as text.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is kept for snapshots.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    pub(crate) exec: Vec<ExecRecord>,
    pub(crate) files: BTreeMap<String, FileRecord>,
    pub(crate) signals: Vec<SignalRecord>,
    pub(crate) shutdowns: Vec<String>,
    pub(crate) requests: u64,
}

impl Records {
    pub(crate) fn shut_down(&mut self, is_success: bool) {
        if self.shutdowns.len() < KEPT {
            self.shutdowns.push(if is_success { "success" } else { "failure" }.to_owned());
        }
    }

    pub(crate) fn signal(&mut self, service: &str, signal: &str) {
        if self.signals.len() < KEPT {
            self.signals.push(SignalRecord { service: service.to_owned(), signal: signal.to_owned() });
        }
    }

    /// Notes a command and returns where, to add how it ends.
    pub(crate) fn exec(&mut self, record: ExecRecord) -> Option<usize> {
        if self.exec.len() >= KEPT {
            return None;
        }
        self.exec.push(record);
        Some(self.exec.len() - 1)
    }
}

impl Core {
    /// What can be seen from outside.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let planned = self.plan().services.keys().map(|name| {
            let record = ServiceRecord { current: "inactive".into(), starts: 0 };
            (name.clone(), record)
        });
        let ran = self.services.iter().map(|(name, service)| {
            let current = service.state.current().to_string();
            (name.clone(), ServiceRecord { current, starts: service.starts })
        });
        let checks = self
            .checks
            .iter()
            .map(|(name, check)| (name.clone(), CheckRecord { status: check.status().to_owned() }));
        let now = self.now();
        let notices = self.notices.list(now, &crate::notices::NoticeFilter::default());
        let notices = notices.into_iter().filter(|notice| match notice.kind {
            crate::notices::NoticeKind::ChangeUpdate => false,
            crate::notices::NoticeKind::Custom | crate::notices::NoticeKind::Warning => true,
        });
        let changes = self.changes.all().filter(|change| {
            let work = change.tasks.first().and_then(|task| self.changes.task(*task)).map(|task| &task.work);
            match work {
                Some(Work::Exec | Work::Check { .. }) => false,
                Some(Work::Start(_) | Work::Stop(_)) | None => true,
            }
        });
        Snapshot {
            plan: self.plan().to_yaml(),
            services: planned.chain(ran).collect(),
            checks: checks.collect(),
            exec: self.records.exec.clone(),
            files: self.records.files.clone(),
            signals: self.records.signals.clone(),
            notices: notices
                .map(|notice| NoticeRecord {
                    kind: notice.kind.to_string(),
                    key: notice.key.clone(),
                    data: notice.data.clone(),
                    occurrences: notice.occurrences,
                })
                .collect(),
            changes: changes
                .map(|change| ChangeRecord {
                    kind: change.kind.clone(),
                    summary: change.summary.clone(),
                    status: self.changes.status(change).to_string(),
                    error: self.changes.error(change),
                })
                .collect(),
            shutdowns: self.records.shutdowns.clone(),
            requests: self.records.requests,
        }
    }
}
