//! Command lines as Juju reads them.
//!
//! Juju reads flags with a library of its own, `gnuflag`, whose rules and words of refusal are
//! followed here: `--flag value`, `--flag=value`, `-n 2`, `-n2`, several short flags in one word,
//! flags between and after positionals, and `--` to end them. A table says which commands there
//! are and which flags they take. All of it is pure: what a command does is elsewhere, and nothing
//! here looks at a model, a file or the environment.
//!
//! [`read_command_line`] turns the words behind `juju` into a [`CommandLine`]; [`parse`] reads the
//! words behind one command; [`check_arguments`] says what Juju says about positionals before a
//! command runs.

mod arguments;
mod command_line;
mod error;
mod help;
mod parsed;
mod read;
mod spec;
mod table;
mod unsupported;

pub use arguments::{check_arguments, check_arguments_in_model, check_deploy_flags};
pub use command_line::{CommandLine, read_command_line};
pub use error::FlagError;
pub use help::{basic_help, command_help, command_list, global_options, topic_list};
pub use parsed::{GlobalFlags, Parsed};
pub use read::parse;
pub use spec::{CommandSpec, FlagKind, FlagSpec, Target};
pub use table::{all, find};
pub(crate) use unsupported::distance;
pub use unsupported::{UNSUPPORTED_COMMANDS, unknown_command};
