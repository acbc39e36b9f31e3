//! What charmproof and its launcher say to each other.
//!
//! Down the launcher's standard input: the length of a JSON [`Request`] (8
//! bytes, little endian), the request, then single control bytes until the
//! pipe closes, which means the same as [`KILL`]. Up its standard output: one
//! JSON [`Report`] a line. Its standard error is the command's log.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::host::Ability;
use crate::record::{FileProtection, ProcessProtection};
use crate::spec::Isolation;

/// Asks the command to end, by SIGTERM to its process group.
pub(crate) const TERMINATE: u8 = b'T';
/// Ends everything.
pub(crate) const KILL: u8 = b'K';

/// What a launcher is started for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Run(Box<Plan>),
    Probe,
}

/// One command as the launcher sees it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Whose death ends everything.
    pub(crate) parent: u32,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) working_directory: Utf8PathBuf,
    /// `NAME=value`.
    pub(crate) environment: Vec<String>,
    pub(crate) isolation: Isolation,
    /// The `cgroup.procs` files that the command joins.
    pub(crate) joins: Vec<Utf8PathBuf>,
    pub(crate) file_bytes: Option<u64>,
    /// A bound for each process, where no cgroup bounds them together.
    pub(crate) data_bytes: Option<u64>,
    /// A bound for the user, where no cgroup bounds the command.
    pub(crate) user_processes: Option<u64>,
    /// Whether to count what the command leaves: one that was refused a fork
    /// may be gone before the watch sees how many it had.
    pub(crate) counts_leftovers: bool,
}

/// What the launcher has to say.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    Started(Started),
    Refused { notes: Vec<String> },
    NotStarted(Failure),
    Ended(Finish),
    Probed { namespaces: Ability, user_namespaces: Ability, read_only_host: Ability, overlay: Ability },
}

/// The protection that the launcher could set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) processes: ProcessProtection,
    pub(crate) files: FileProtection,
    pub(crate) user_namespace: bool,
    pub(crate) notes: Vec<String>,
}

/// A step between fork and exec that failed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) step: String,
    pub(crate) errno: i32,
}

impl Failure {
    pub(crate) fn new(step: &str, errno: nix::Error) -> Self {
        Self { step: step.to_owned(), errno: errno as i32 }
    }

    pub(crate) fn io(step: &str, error: &io::Error) -> Self {
        Self { step: step.to_owned(), errno: error.raw_os_error().unwrap_or(nix::libc::EIO) }
    }
}

/// The command's end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Finish {
    pub(crate) status: Status,
    pub(crate) cpu_time: Duration,
    /// Of the largest single process.
    pub(crate) resident_peak_bytes: u64,
    /// Processes and threads that the main process left, if that was asked.
    pub(crate) threads_left: Option<u32>,
    pub(crate) notes: Vec<String>,
}

/// How the main process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Code(i32),
    Signal(i32),
    /// We killed it before it ended.
    Killed,
}
