//! What to run and within which bounds.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::log::LiveLine;

/// One command, complete: nothing is taken from the calling process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommandSpec {
    /// The program: a path, or a name looked up in the `PATH` of `environment`.
    pub program: OsString,
    /// Its arguments, without the program itself.
    pub arguments: Vec<OsString>,
    /// Where it starts; absolute.
    pub working_directory: Utf8PathBuf,
    /// The complete environment; nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// What the command may see and touch.
    pub isolation: Isolation,
    /// How much of everything it may use.
    pub limits: Limits,
    /// Where its output goes.
    pub log: LogTarget,
}

/// What the command may see and touch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Isolation {
    /// Whether namespaces are demanded, wanted or left out.
    pub namespaces: Namespaces,
    /// Give the command its own process numbers and System V IPC, so that all
    /// it leaves running dies with it.
    pub private_processes: bool,
    /// Make every mount read-only except `writable` and the private `/tmp`.
    /// `/dev` keeps working, `/dev/shm` becomes a small private one. A command
    /// run as root also loses the capabilities that would let it undo this.
    pub read_only_host: bool,
    /// Let a command run as root keep those capabilities, because it makes namespaces and mounts itself. What
    /// is read-only stays so for everybody who does not mean to change that.
    pub keeps_capabilities: bool,
    /// Trees that stay writable. Hard links work within one tree, not across
    /// two: give the common parent of a cache and a checkout, not both.
    pub writable: Vec<Utf8PathBuf>,
    /// Paths that must be visible, read-only, though a private `/tmp` or a
    /// writable tree would cover them.
    pub visible: Vec<Utf8PathBuf>,
    /// Paths to mask where they exist: directories look empty, anything else
    /// becomes `/dev/null`.
    pub hidden: Vec<Utf8PathBuf>,
    /// A directory of the caller that is shown as `/tmp` and `/var/tmp`. It
    /// gets mode 1777. Without it a read-only host has a read-only `/tmp`.
    pub private_tmp: Option<Utf8PathBuf>,
}

impl Isolation {
    /// Returns whether any of it needs a mount namespace.
    pub(crate) fn wants_mounts(&self) -> bool {
        self.read_only_host || self.private_tmp.is_some() || !self.hidden.is_empty()
    }
}

/// Whether namespaces are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespaces {
    /// Use them where the host allows it; [`crate::Protection`] says what held.
    #[default]
    Preferred,
    /// Refuse to run the command without all that was asked for.
    Required,
    /// Do without, as on a host that refuses them.
    Off,
}

/// How much of everything the command may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// The longest the command may take.
    pub wall: Duration,
    /// The longest it may neither write to its log nor compute.
    pub silence: Option<Duration>,
    /// Time between SIGTERM and the end of everything, when `wall` or
    /// `silence` is over.
    pub grace: Duration,
    /// Memory of all its processes together.
    pub memory_bytes: Option<u64>,
    /// Processes and threads, all together.
    pub processes: Option<u32>,
    /// Size of any one file it writes.
    pub file_bytes: Option<u64>,
    /// Space on disk.
    pub disk: Option<DiskLimit>,
}

impl Limits {
    /// Returns limits with this wall time, a grace of two seconds and nothing
    /// else bounded.
    pub fn wall(wall: Duration) -> Self {
        Self {
            wall,
            silence: None,
            grace: Duration::from_secs(2),
            memory_bytes: None,
            processes: None,
            file_bytes: None,
            disk: None,
        }
    }
}

/// Space on disk, looked at every two seconds or less often for large trees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskLimit {
    /// The tree that is measured.
    pub path: Utf8PathBuf,
    /// The most it may occupy; a hard-linked file counts once.
    pub bytes_max: Option<u64>,
    /// The least that must stay free on its filesystem.
    pub free_bytes_min: Option<u64>,
}

/// Where the output goes. Standard output and error share one pipe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogTarget {
    /// The file to write; its directory is made if missing.
    pub path: Utf8PathBuf,
    /// How many of the first bytes are kept; written as they come.
    pub head_bytes: u64,
    /// How many of the last bytes are kept, in memory until the end.
    pub tail_bytes: u64,
    /// A cell that always holds the last line, for a progress display.
    #[serde(skip)]
    pub live: Option<LiveLine>,
}

impl LogTarget {
    /// Returns a target that keeps one MiB at each end.
    pub fn new(path: impl Into<Utf8PathBuf>) -> Self {
        Self { path: path.into(), head_bytes: 1 << 20, tail_bytes: 1 << 20, live: None }
    }
}

impl CommandSpec {
    /// Checks what can be known before anything is started.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        let has_nul = |bytes: &[u8]| bytes.contains(&0);
        let program = self.program.as_encoded_bytes();
        if program.is_empty() || has_nul(program) {
            return Err(wrong("the program is empty or contains a NUL byte"));
        }
        if self.arguments.iter().any(|argument| has_nul(argument.as_encoded_bytes())) {
            return Err(wrong("an argument contains a NUL byte"));
        }
        for (name, value) in &self.environment {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(wrong(format!("the variable `{}` cannot be passed on", name.escape_debug())));
            }
        }
        let isolation = &self.isolation;
        let named =
            [&self.working_directory].into_iter().chain(&isolation.writable).chain(&isolation.visible);
        for path in named.chain(&isolation.private_tmp) {
            if !path.is_absolute() || !path.exists() {
                return Err(wrong(format!("`{path}` is not an absolute path that exists")));
            }
        }
        for path in &isolation.hidden {
            if !path.is_absolute() {
                return Err(wrong(format!("`{path}` is not an absolute path")));
            }
        }
        Ok(())
    }
}

fn wrong(why: impl Into<String>) -> SandboxError {
    SandboxError::Specification { why: why.into() }
}
