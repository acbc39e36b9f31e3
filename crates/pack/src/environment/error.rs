//! Why a charm has no environment to run in.

use std::fmt;
use std::time::Duration;

use camino::Utf8PathBuf;
use charmproof_charm::interpreter::NoInterpreter;
use charmproof_charm::{Broken, TreeError};
use charmproof_fleet::provision::tools::ToolError;
use charmproof_sandbox::SandboxError;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making an empty environment.
    Create,
    /// Installing what the charm is shipped with.
    Install,
    /// Installing what its libraries ask for.
    Libraries,
    /// Putting the swapped packages in.
    Swap,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Create => "make an empty environment",
            Self::Install => "install what the charm is shipped with",
            Self::Libraries => "install what the charm's libraries ask for",
            Self::Swap => "put the swapped packages in",
        })
    }
}

/// Why a charm has no environment to run in.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The charm's folder cannot be read.
    #[error("the charm cannot be read")]
    Tree(#[from] TreeError),
    /// A file that says what the charm needs is broken.
    #[error("what the charm needs cannot be read")]
    Manifest(#[from] Broken),
    /// A lock cannot be made sense of.
    #[error("`{file}` cannot be read: {why}; write it anew with the tool that made it")]
    Lock {
        /// The file.
        file: &'static str,
        /// Why: a lower-case fragment.
        why: String,
    },
    /// It is not a charm that can be run from its folder.
    #[error(
        "this charm is put together of layers when it is built; give the folder of the built charm instead"
    )]
    Layers,
    /// No interpreter will do.
    #[error(
        "there is no Python to run the charm with; install one that fits, with `uv python install` or pyenv"
    )]
    Python(#[from] NoInterpreter),
    /// uv is not there.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The sandbox could not run the installer.
    #[error("the sandbox could not {step}")]
    Sandbox {
        /// What was being done.
        step: Step,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// The installer refused.
    #[error("uv could not {step}, from {from}; the whole log is {log}\n{said}")]
    Refused {
        /// What was being done.
        step: Step,
        /// From which files.
        from: String,
        /// The last lines that uv said.
        said: String,
        /// Where all that it said is.
        log: Utf8PathBuf,
    },
    /// The installer was ended from outside or by a limit.
    #[error("uv did not get to {step}, from {from}: {why}; the whole log is {log}\n{said}")]
    Ended {
        /// What was being done.
        step: Step,
        /// From which files.
        from: String,
        /// What ended it: a lower-case fragment.
        why: String,
        /// The last lines that uv said.
        said: String,
        /// Where all that it said is.
        log: Utf8PathBuf,
    },
    /// The user asked to stop.
    #[error("the making of the charm's environment was interrupted")]
    Cancelled,
    /// Nothing brings ops.
    #[error(
        "nothing brings ops: {from} does not lead to it; name ops in the charm's dependencies, as charmcraft packs no charm without them"
    )]
    NoOps {
        /// What was installed from.
        from: String,
    },
    /// What is installed is not what was prepared.
    #[error(
        "`{package}` was to be swapped for {wanted}, but the environment holds {found}; delete {folder} and try again"
    )]
    NotSwapped {
        /// The package.
        package: String,
        /// The version and digest that were prepared.
        wanted: String,
        /// What is there.
        found: String,
        /// The environment's folder.
        folder: Utf8PathBuf,
    },
    /// The cache could not be read or written.
    #[error("the cache of environments could not be used")]
    Cache(#[from] std::io::Error),
}

/// Says how long something may take, for people.
pub(super) fn shown(limit: Duration) -> String {
    match limit.as_secs() {
        seconds if seconds >= 120 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
