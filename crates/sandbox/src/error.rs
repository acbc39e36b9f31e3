//! Why a run could not be made; never what became of the command.

use std::io;

use camino::Utf8PathBuf;

/// A run that could not be made. What became of a command that did run is in
/// [`crate::Ended`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The specification contradicts itself or the host.
    #[error("the command cannot be run as specified: {why}")]
    Specification {
        /// What is wrong with it.
        why: String,
    },
    /// The log file could not be opened.
    #[error("could not open the log `{path}`")]
    Log {
        /// The log file.
        path: Utf8PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Our own launcher could not be started or spoken to.
    #[error("could not {action} the launcher `{program}`")]
    Launcher {
        /// What was tried.
        action: &'static str,
        /// The launcher's binary.
        program: Utf8PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The launcher ended without saying how the command did.
    #[error("the launcher `{program}` was lost ({status})")]
    LauncherLost {
        /// The launcher's binary.
        program: Utf8PathBuf,
        /// How it ended, in words.
        status: String,
    },
    /// The command's program could not be executed.
    #[error("could not {step} `{program}`")]
    NotStarted {
        /// What was tried: `execute`, `enter its working directory for`, …
        step: String,
        /// The command's program.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Namespaces were required and the host refused them.
    #[error("the host refuses the required isolation: {}", .notes.join("; "))]
    Refused {
        /// One sentence for each thing that was refused.
        notes: Vec<String>,
    },
    /// A machine could not be started, or did not do what it was told.
    #[error("could not {step} the machine `{machine}`")]
    Machine {
        /// What was tried: `start`, `mount the files of`, …
        step: String,
        /// Its host name.
        machine: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A machine has ended, or was never there.
    #[error("the machine `{machine}` is not running")]
    MachineGone {
        /// Its host name.
        machine: String,
    },
    /// A network of machines could not be made.
    #[error("could not {action} a network for machines")]
    Network {
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}
