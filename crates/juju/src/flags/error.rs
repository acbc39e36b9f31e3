//! What is wrong with a command line.

use crate::flags::unsupported::instead;
use crate::values::go::quote;

/// Why a command line cannot be read. The text is what Juju prints behind `ERROR `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// The command has no such flag.
    #[error("{flags_are} provided but not defined: {flag}")]
    NotDefined {
        /// What flags are called: `option` or `flag`.
        flags_are: &'static str,
        /// The flag with its hyphens.
        flag: String,
    },
    /// The command line ends where a value is due.
    #[error("{flags_are} needs an argument: {flag}")]
    NeedsArgument {
        /// What flags are called: `option` or `flag`.
        flags_are: &'static str,
        /// The flag with its hyphens.
        flag: String,
    },
    /// There is no name between `--` and `=`.
    #[error("empty {flags_are} in argument {}", quote(.word))]
    EmptyName {
        /// What flags are called: `option` or `flag`.
        flags_are: &'static str,
        /// The word.
        word: String,
    },
    /// The value is not one that the flag takes.
    #[error("invalid value {} for {flags_are} {flag}: {reason}", quote(.value))]
    InvalidValue {
        /// What flags are called: `option` or `flag`.
        flags_are: &'static str,
        /// The flag with its hyphens.
        flag: String,
        /// The value.
        value: String,
        /// Why the flag does not take it.
        reason: String,
    },
    /// Positionals are missing or too many, or flags exclude each other.
    #[error("{0}")]
    Arguments(String),
    /// There is no such command, and perhaps a similar one.
    #[error("{0}")]
    UnknownCommand(String),
    /// Juju has the command, this program has not.
    #[error("command {} not supported by this emulator{}", quote(.0), instead(.0))]
    Unsupported(String),
    /// `--verbose` and `--quiet` at once.
    #[error("\"verbose\" and \"quiet\" flags clash, please use one or the other, not both")]
    VerboseAndQuiet,
}

impl FlagError {
    /// The exit code: 2 where a command line is wrong, 1 where a right one could not be run.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotDefined { .. }
            | Self::NeedsArgument { .. }
            | Self::EmptyName { .. }
            | Self::InvalidValue { .. }
            | Self::Arguments(_) => 2,
            Self::UnknownCommand(_) | Self::Unsupported(_) | Self::VerboseAndQuiet => 1,
        }
    }
}
