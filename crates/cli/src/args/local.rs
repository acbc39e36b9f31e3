//! The arguments of what has to do with the local Juju. The text of each item is its help.

use camino::Utf8PathBuf;
use charmproof_charm::offerings::INTEGRATION;
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

/// Run a charm's integration tests against the local Juju
///
/// The charm is packed, `juju` and `charmcraft` are charmproof's, and the suite is the charm's
/// own, unmodified: its tox, just, make or nox, or pytest for what no runner offers. Afterwards
/// a time line shows what every test and every unit ran, and when.
///
/// Examples:
///   charmproof test
///   charmproof test ../my-charm -- -k test_deploy
///   charmproof test --keep-models --html timeline.html
///
/// Exit status: that of the suite; 2 the command line or the charm is wrong, 3 the suite could
/// not be run, 130 interrupted.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct TestArgs {
    /// The folder of the charm
    #[arg(default_value = ".", value_name = "CHARM_DIR")]
    pub(crate) charm: Utf8PathBuf,
    /// What the charm calls its suite, where it is not `integration` or the like
    #[arg(long, value_name = "NAME", default_value = INTEGRATION)]
    pub(crate) target: String,
    /// Do not pack the charm; the suite finds one by itself. It is not packed either if CHARM_PATH is set
    #[arg(long, help_heading = "Packing", conflicts_with_all = ["platform"])]
    pub(crate) no_pack: bool,
    /// Pack for this platform only [default: all that are built on such a machine as this]
    #[arg(long, value_name = "PLATFORM", help_heading = "Packing")]
    pub(crate) platform: Option<String>,
    /// Swap a package into every charm that is packed; may be repeated
    #[arg(long, short, value_name = "SPEC", help_heading = "Packing")]
    pub(crate) swap: Vec<String>,
    /// Keep the models, in the data that `charmproof env` uses
    #[arg(long, help_heading = "Models")]
    pub(crate) keep_models: bool,
    /// Name the model (for pytest-jubilant, the beginning of its models' names), in the data that `charmproof env` uses
    #[arg(long, value_name = "NAME", help_heading = "Models")]
    pub(crate) model: Option<String>,
    /// The controller of new models [default: concierge-k8s for charms with containers, else concierge-lxd]
    #[arg(long, value_parser = crate::local::CONTROLLERS, value_name = "NAME", help_heading = "Models")]
    pub(crate) controller: Option<String>,
    /// Let waits of Jubilant end with a change, instead of with its next look
    #[arg(long, help_heading = "Models")]
    pub(crate) fast_waits: bool,
    /// Write the logs of models, and what was noted for the time line, into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub(crate) logs: Option<Utf8PathBuf>,
    /// Write the time line as a page
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) html: Option<Utf8PathBuf>,
    /// Arguments for the test runner
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<String>,
}

/// Collect what a model tells about itself, as juju-crashdump does
///
/// The archive holds the status, the log and the configuration of the model, and from every
/// machine and container what lies where logs and the state of Juju are. It may hold secrets.
/// `juju crashdump` is the same.
///
/// Examples:
///   charmproof crashdump
///   charmproof crashdump -m dev -o artifacts --small
///
/// Exit status: 0 written, 2 the command line is wrong, 3 there is no such model or the archive
/// cannot be written, 130 interrupted.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CrashdumpArgs {
    /// The model [default: the current one]
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Where the archive is written
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) output_dir: Utf8PathBuf,
    /// Leave out /var/lib/juju
    #[arg(long, short)]
    pub(crate) small: bool,
    /// How the archive is compressed
    #[arg(long, short, value_enum, default_value = "xz")]
    pub(crate) compression: Compression,
    /// What the archive is called, behind `juju-crashdump-` [default: a random UUID]
    #[arg(long, short, value_name = "NAME")]
    pub(crate) uniq: Option<String>,
    /// Leave out larger files
    #[arg(long, short = 'f', value_name = "BYTES", default_value_t = 5_000_000)]
    pub(crate) max_file_size: u64,
    /// Leave out files whose name is like this; may be repeated
    #[arg(long, short = 'x', value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// How long the files of one machine or container may take
    #[arg(long, short, value_name = "SECONDS", default_value_t = 45)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Further folders of the machines
    #[arg(value_name = "EXTRA_DIR")]
    pub(crate) extra_dirs: Vec<String>,
}

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compression {
    /// Small, and what juju-crashdump writes
    Xz,
    /// Fast
    Gz,
}

impl Compression {
    /// Returns how the names of such files end.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Xz => "xz",
            Self::Gz => "gz",
        }
    }
}

/// Whose models are meant.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DataArgs {
    /// The folder of the local Juju's data [default: $JUJU_DATA, or ~/.local/share/charmproof/juju]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<Utf8PathBuf>,
}
