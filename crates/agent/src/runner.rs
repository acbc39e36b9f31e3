//! Runs hooks of real charms: cold, in forks of a warm interpreter, or all in one process.
//!
//! An [`Interpreter`] has imported one charm with its environment. It makes [`UnitProcess`]es,
//! each with a root filesystem of its own where the host allows it, and a unit runs hooks.
//! Whatever tools the charm calls are answered by the caller, in the order of the calls. What
//! becomes of a hook is only reported here; what it means is not judged.

mod acts;
pub mod authority;
mod channel;
mod conversation;
mod interpreter;
mod listeners;
mod python;
mod unit;

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use interpreter::{Handler, Interpreter, InterpreterSpec, Welcome, tools_folder};
pub use unit::{Answers, Inspection, UnitProcess, UnitSpec};

/// How the hooks of a unit are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A new interpreter for each hook, as Juju does it. The reference.
    Cold,
    /// A fork of the warm interpreter for each hook: nothing is left of one in the next.
    Fork,
    /// All hooks of a unit in one process. What modules keep is kept, so what is found this
    /// way has to be confirmed.
    Sequence,
}

/// One hook that is to run.
#[derive(Clone, Debug, Serialize)]
pub struct HookRun {
    /// All variables of its environment.
    pub env: BTreeMap<String, String>,
    /// Where chance begins.
    pub seed: u64,
    /// What time it is, in seconds since 1970.
    #[serde(rename = "clock")]
    pub clock_s: u64,
    /// How long it may take, in seconds.
    pub timeout_s: f64,
    /// Whether what the unit keeps is looked at afterwards.
    #[serde(rename = "looks")]
    pub looks_at_storage: bool,
    /// How it is run, if not as the unit's other hooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The program and its arguments, for a cold run.
    pub program: Vec<String>,
    /// The terminal that the program reads from and writes to, if it is for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
}

/// How a hook's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exit {
    /// By itself; 0 is a success.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It was killed, because its time was over.
    TimedOut,
    /// It took the unit's process along, as one does that kills its parent.
    Lost,
    /// It was killed, because it told the agent more than is kept of a unit's life.
    Flooded,
}

impl Exit {
    /// Whether the hook succeeded.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

/// What became of a hook.
#[derive(Clone, Debug, PartialEq)]
pub struct HookResult {
    /// How it ended.
    pub exit: Exit,
    /// What it printed, the end of it.
    pub output: String,
    /// How long it took.
    pub wall: Duration,
    /// How long processors worked for it.
    pub cpu: Duration,
    /// The charm's lines that ran for the first time, as numbers of [`Welcome::lines`].
    pub new_lines: Vec<u32>,
    /// What the unit keeps after it, if that was looked at.
    pub kept: Option<Inspection>,
}

/// Why a charm cannot be run at all. None of it is the charm's doing, but for
/// [`RunnerError::Ended`].
#[derive(Debug, Error)]
pub enum RunnerError {
    /// The interpreter did not come up, or is gone.
    #[error("the interpreter of the charm ended: {why}")]
    Ended {
        /// What it said, or how it ended.
        why: String,
    },
    /// Something of ours that did not work.
    #[error("could not {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The sandbox could not be had.
    #[error(transparent)]
    Sandbox(#[from] charmproof_sandbox::SandboxError),
    /// A message that makes no sense.
    #[error("the interpreter sent a message that makes no sense: {0}")]
    Message(String),
    /// The user's own file, which is run before the charm, failed.
    #[error("`{file}`, which is run before the charm, failed:\n{traceback}")]
    Preload {
        /// The file.
        file: Utf8PathBuf,
        /// Where and why.
        traceback: String,
    },
    /// It was to stop, and nothing can be said of what was going on.
    #[error("it was stopped")]
    Cancelled,
}

impl RunnerError {
    pub(crate) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}
