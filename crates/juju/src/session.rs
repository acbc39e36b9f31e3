//! What a command reads and writes: the words and the descriptors of whoever typed it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use crate::terminal::write_patiently;
use crate::wire::{self, Reply};

/// Whether the person who typed a command still waits for it, and has left the terminal to it.
#[derive(Clone, Debug, Default)]
pub struct Attention(Arc<AttentionState>);

#[derive(Debug, Default)]
struct AttentionState {
    is_over: AtomicBool,
    has_left_terminal: AtomicBool,
}

impl Attention {
    /// Says that nobody waits any more.
    pub fn end(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits any more.
    pub fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Relaxed)
    }

    /// Says that what is typed is handed on as it is.
    pub fn leave_terminal(&self) {
        self.0.has_left_terminal.store(true, Ordering::Relaxed);
    }

    /// Whether what is typed is handed on as it is.
    pub fn has_left_terminal(&self) -> bool {
        self.0.has_left_terminal.load(Ordering::Relaxed)
    }
}

/// One command line that is being run.
#[derive(Debug)]
pub struct Session {
    /// The words behind `juju`.
    pub words: Vec<String>,
    /// The folder that paths are relative to.
    pub cwd: Utf8PathBuf,
    /// The variables of the environment that `juju` looks at.
    pub env: BTreeMap<String, String>,
    /// What the command may read.
    pub stdin: File,
    /// Where results go.
    pub stdout: File,
    /// Where talk goes.
    pub stderr: File,
    /// Whether somebody still waits.
    pub attention: Attention,
    /// The way back to the `juju` that was typed, to ask for its terminal.
    pub caller: Option<UnixStream>,
}

impl Session {
    /// Prints a result. Somebody who does not read any more is no error: the command has done its
    /// work.
    pub fn print(&mut self, text: &str) {
        let attention = &self.attention;
        if write_patiently(&self.stdout, text.as_bytes(), &|| attention.is_over()).is_err() {
            self.attention.end();
        }
    }

    /// Tells the person something.
    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.stderr, "{text}");
    }

    /// Returns a path as the person means it.
    pub fn path(&self, path: impl AsRef<Utf8Path>) -> Utf8PathBuf {
        let path = path.as_ref();
        match (path.strip_prefix("~"), self.env.get("HOME")) {
            (Ok(rest), Some(home)) => Utf8Path::new(home).join(rest),
            _ => self.cwd.join(path),
        }
    }

    /// Reads a file that the person has named, or their input for `-`.
    pub fn read_text(&self, name: &str) -> Result<String, CommandError> {
        let mut text = String::new();
        if name == "-" {
            let read = (&self.stdin).read_to_string(&mut text);
            return read.map(|_| text).map_err(|error| CommandError::failed(format!("read -: {error}")));
        }
        let path = self.path(name);
        fs_err::read_to_string(&path).map_err(|error| CommandError::failed(unreadable(&path, &error)))
    }

    /// Whether results are read by a person, who sees colours.
    pub fn is_coloured(&self) -> bool {
        !self.env.contains_key("NO_COLOR") && self.stdout.is_terminal()
    }

    /// Asks for the terminal of whoever typed the command, so that it sees what is typed as it is typed, and
    /// waits for it. In the background, the terminal is somebody else's until the person comes back to it.
    /// Returns whether it was left to the command.
    pub fn take_terminal(&self) -> bool {
        const LOOK_AGAIN: Duration = Duration::from_millis(2);
        let asked =
            self.caller.as_ref().is_some_and(|mut caller| wire::send(&mut caller, &Reply::Terminal).is_ok());
        while asked && !self.attention.has_left_terminal() {
            if self.attention.is_over() {
                return false;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        asked
    }

    /// Returns copies of the three descriptors, for a process that takes the command's place.
    pub fn descriptors(&self) -> io::Result<[std::os::fd::OwnedFd; 3]> {
        Ok([self.stdin.try_clone()?.into(), self.stdout.try_clone()?.into(), self.stderr.try_clone()?.into()])
    }
}

/// Says why a file cannot be read, as Go says it.
pub(crate) fn unreadable(path: &Utf8Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
        io::ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
        io::ErrorKind::NotADirectory => format!("open {path}: not a directory"),
        io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
        _ => format!("open {path}: {error}"),
    }
}

/// Why a command did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// It was not spelt as it should be: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It failed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// It ended with a code of its own, and has said what there was to say.
    #[error("exit code {0}")]
    Silent(i32),
}

impl CommandError {
    /// Returns the exit code that the command ends with.
    pub fn code(&self) -> i32 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Silent(code) => *code,
        }
    }

    /// Returns a failure.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

/// How a command ends.
pub type CommandResult = Result<(), CommandError>;
