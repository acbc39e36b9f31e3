//! What became of a command.

use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

/// Why the command is no longer running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Ended {
    /// It ended by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal that we did not send ended it.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// It took longer than it may.
    TimedOut {
        /// How long that is.
        after: Duration,
    },
    /// It neither wrote nor computed for longer than it may.
    Silent {
        /// How long that is.
        after: Duration,
    },
    /// It, or one of its children, wanted more memory than there is. This
    /// holds even if the command went on and ended with a code of its own.
    OutOfMemory {
        /// The most it had.
        peak_bytes: u64,
        /// Its limit; `None` when the host itself ran out.
        limit_bytes: Option<u64>,
    },
    /// It wanted more processes and threads than it may have, and failed.
    TooManyProcesses {
        /// How many it may have.
        limit: u32,
    },
    /// It filled the disk.
    DiskFull {
        /// The tree that was measured.
        path: Utf8PathBuf,
        /// What the tree occupies, if that was the reason.
        used_bytes: Option<u64>,
        /// What was left on the filesystem.
        free_bytes: u64,
    },
    /// The [`crate::CancelToken`] was used.
    Cancelled,
}

impl Ended {
    /// Returns whether the command ended by itself with code 0.
    pub fn is_success(&self) -> bool {
        *self == Self::Exited { code: 0 }
    }
}

/// One run, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Why it is no longer running.
    pub ended: Ended,
    /// From the start of the launcher until nothing was left.
    pub duration: Duration,
    /// Processor time of all its processes, as far as it could be known.
    pub cpu_time: Duration,
    /// The most memory it had. From a cgroup: all processes and the page cache
    /// charged to them. Otherwise: the larger of what the watch saw and the
    /// largest single process.
    pub memory_peak_bytes: u64,
    /// How much it wrote to its log.
    pub log_bytes_total: u64,
    /// How much of that is not in the file.
    pub log_bytes_dropped: u64,
    /// What went wrong when the log was written, if anything did.
    pub log_error: Option<String>,
    /// What was really in force.
    pub protection: Protection,
}

/// What was really in force during a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// How leftovers of the command are caught.
    pub processes: ProcessProtection,
    /// What the command could write.
    pub files: FileProtection,
    /// Whether a user namespace was needed for that.
    pub user_namespace: bool,
    /// What bounds memory.
    pub memory: Control,
    /// What bounds the number of processes.
    pub process_count: Control,
    /// One sentence for each thing that was asked for and is weaker than that.
    pub notes: Vec<String>,
}

/// How leftovers of the command are caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessProtection {
    /// They die with their PID namespace, whatever they do.
    PidNamespace,
    /// The launcher inherits them and kills them one by one.
    Subreaper,
}

/// What the command could write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileProtection {
    /// Only what was listed; the root filesystem was read-only.
    ReadOnlyHost,
    /// Its own `/tmp` and masked paths, but no read-only host: it was not
    /// asked for, or the notes say who refused.
    PrivateMounts,
    /// All that its user can write.
    None,
}

/// What bounds a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// A version 1 control group: exact, by the kernel.
    CgroupV1,
    /// A version 2 control group: exact, by the kernel.
    CgroupV2,
    /// Resource limits per process, and a look at the whole tree every 100 ms.
    Watched,
    /// Nothing: no limit was asked for, and no control group could be made.
    Unbounded,
}
