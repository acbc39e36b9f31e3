//! The arguments of what has to do with the local Juju. The text of each item is its help.

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

/// Be the `juju` of a local Juju, with Juju's own command line
///
/// Examples:
///   charmproof juju add-model dev
///   charmproof juju deploy ./web_amd64.charm
///   charmproof juju status --watch 2s
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, disable_help_flag = true)]
pub(crate) struct JujuArgs {
    /// A command of Juju, with its options and arguments
    #[arg(value_name = "COMMAND", allow_hyphen_values = true, trailing_var_arg = true)]
    pub(crate) words: Vec<String>,
}

/// Print the environment in which `juju` and `charmcraft` are charmproof's
///
/// Nothing is installed, and a real juju is not replaced: in a shell that has read this,
/// the two names stand for this program.
///
/// Examples:
///   eval "$(charmproof env)"
///   charmproof env --shell fish | source
///
/// Exit status: 0 fine, 2 the command line is wrong, 3 the folder cannot be used.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct EnvArgs {
    /// How it is written [default: as $SHELL reads it]
    #[arg(long, value_enum)]
    pub(crate) shell: Option<ShellKind>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// Who reads an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellKind {
    /// sh, bash, zsh and dash
    Sh,
    /// fish
    Fish,
    /// Programs: an object of variables
    Json,
}

/// Start a shell, or a command, in which `juju` and `charmcraft` are charmproof's
///
/// Examples:
///   charmproof shell
///   charmproof shell -- tox -e integration
///
/// Exit status: that of the shell or the command; 3 if it cannot be started.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ShellArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// A command to run instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// Whose models are meant.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DataArgs {
    /// The folder of the local Juju's data [default: ~/.local/share/charmproof/juju]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<Utf8PathBuf>,
}
