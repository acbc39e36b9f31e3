//! The command line. The text of each item is its help.

#![expect(clippy::doc_markdown, reason = "these comments are the help, where marks would show")]

mod local;

use camino::Utf8PathBuf;
use charmproof_fleet::run::settings::LIVES_USUAL;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use local::{
    Compression, CrashdumpArgs, DataArgs, EnvArgs, JujuArgs, ShellArgs, ShellKind, TestArgs,
};

/// Tell what a change breaks in a fleet of Juju charms, before it ships
///
/// charmproof runs the lint, unit and other suites of a whole fleet of charms twice,
/// as they are and with a dependency swapped, and says exactly what the swap changed.
#[derive(Debug, Parser)]
#[command(name = "charmproof", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Folder for mirrors, tools, environments and results [default: ~/.cache/charmproof]
    #[arg(long, env = "CHARMPROOF_CACHE", global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(crate) cache: Option<Utf8PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, help_heading = "Everywhere")]
    pub(crate) color: Colour,
    /// Say nothing on the way, only the result
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(Box<CheckArgs>),
    Resume(ResumeArgs),
    /// List, fetch and look at the repositories of a fleet
    #[command(subcommand)]
    Fleet(FleetCommand),
    Show(ShowArgs),
    Compare(CompareArgs),
    Runs(RunsArgs),
    Report(ReportArgs),
    Merge(MergeArgs),
    Simulate(Box<SimulateArgs>),
    Fuzz(Box<FuzzArgs>),
    Replay(Box<ReplayArgs>),
    Pack(PackArgs),
    Test(Box<TestArgs>),
    Juju(JujuArgs),
    Crashdump(CrashdumpArgs),
    Env(EnvArgs),
    Shell(ShellArgs),
    Validate(ValidateArgs),
    Explain(ExplainArgs),
    /// Show the machine of hooks that a charm lives in
    #[command(subcommand)]
    Lifecycle(LifecycleCommand),
    Doctor(DoctorArgs),
    Clean(CleanArgs),
}

/// Run targets of every charm without and with a swap, and say what the swap changed
///
/// Examples:
///   charmproof check unit lint charms.csv --swap 'ops @ ../operator'
///   charmproof check unit . --swap ops==3.8.0 --baseline ops==3.7.1
///   charmproof check unit fleet.toml --swap 'ops @ canonical:main' -- -k test_start
///
/// Exit status: 0 no regression, 1 regressions found, 2 the command line is wrong,
/// 3 nothing could be compared, 130 interrupted (see `charmproof resume`).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CheckArgs {
    /// Targets (lint, unit, static, any environment or recipe by name, integration: against a
    /// local Juju for each side, or lifecycle: the charm's own code through lives of a unit), then the fleet: a charm, a folder of checkouts, a git URL, a CSV or a fleet.toml
    /// [default fleet: fleet.toml, charms.csv or the charm in this folder]
    #[arg(required = true, value_name = "TARGET|FLEET")]
    pub(crate) words: Vec<String>,
    /// What to swap in: 'ops==3.8.0', 'ops @ ../operator', 'ops @ owner:branch',
    /// 'NAME @ git+https://…@ref', 'charms.NAME.vN.LIB -> FILE'; may be repeated
    #[arg(long, short, required = true, value_name = "SPEC", help_heading = "Swap")]
    pub(crate) swap: Vec<String>,
    /// What the baseline uses instead of what each charm asks for; may be repeated
    #[arg(long, short, value_name = "SPEC", help_heading = "Swap")]
    pub(crate) baseline: Vec<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Use the exact commits of an earlier run
    #[arg(long, value_name = "RUN", help_heading = "Parts and repetitions")]
    pub(crate) at: Option<String>,
    /// Run only part I of N; see `--costs` and `charmproof merge`
    #[arg(long, value_name = "I/N", help_heading = "Parts and repetitions")]
    pub(crate) shard: Option<String>,
    /// Split shards by what an earlier run took, the same one for all shards
    #[arg(long, value_name = "RUN", requires = "shard", help_heading = "Parts and repetitions")]
    pub(crate) costs: Option<String>,
    /// Arguments for the test runner
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<String>,
}

/// Which charms of a fleet are meant.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SelectionArgs {
    /// Only charms whose name has this part, or fits this pattern with * and ?
    #[arg(long, value_name = "PATTERN", help_heading = "Charms")]
    pub(crate) charm: Vec<String>,
    /// Leave out charms whose name has this part, or fits this pattern
    #[arg(long, value_name = "PATTERN", help_heading = "Charms")]
    pub(crate) exclude: Vec<String>,
    /// Only charms of this team
    #[arg(long, value_name = "NAME", help_heading = "Charms")]
    pub(crate) team: Vec<String>,
    /// Only charms of this group
    #[arg(long, value_name = "NAME", help_heading = "Charms")]
    pub(crate) group: Vec<String>,
    /// Only the first N repositories
    #[arg(long, value_name = "N", help_heading = "Charms")]
    pub(crate) limit: Option<usize>,
    /// Take a malformed row of a CSV for an error, not for a warning
    #[arg(long, help_heading = "Charms")]
    pub(crate) strict: bool,
}

/// How units are run.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Units at once [default: the number of processors]
    #[arg(long, short, value_name = "N", help_heading = "Running")]
    pub(crate) jobs: Option<usize>,
    /// Set a variable for the tests, without taking the charm's own away
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Running")]
    pub(crate) env: Vec<String>,
    /// Make warnings errors, except where the charm says otherwise
    #[arg(long, help_heading = "Running")]
    pub(crate) werror: bool,
    /// How often a disagreeing pair is run in all before it is called regressed
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Running")]
    pub(crate) attempts: u32,
    /// How many lives of each charm the target `lifecycle` plays
    #[arg(long, value_name = "N", default_value_t = LIVES_USUAL, value_parser = clap::value_parser!(u64).range(1..=100_000), help_heading = "Running")]
    pub(crate) lives: u64,
    /// Run everything anew, even where no input changed
    #[arg(long, help_heading = "Running")]
    pub(crate) no_reuse: bool,
    /// Fetch repositories that have a mirror already, too
    #[arg(long, help_heading = "Running")]
    pub(crate) refresh: bool,
    /// Fetch no repository of the fleet and ask Charmhub nothing
    #[arg(long, help_heading = "Running")]
    pub(crate) offline: bool,
    /// Wall-clock limit of a unit, in seconds [default: 1800, or what the fleet says]
    #[arg(long, value_name = "S", help_heading = "Limits")]
    pub(crate) timeout: Option<u64>,
    /// How long a unit may neither print nor compute, in seconds [default: 300, or what the fleet says]
    #[arg(long, value_name = "S", help_heading = "Limits")]
    pub(crate) silence: Option<u64>,
    /// Memory of a unit, in MiB [default: 4096, or what the fleet says]
    #[arg(long, value_name = "MIB", help_heading = "Limits")]
    pub(crate) memory: Option<u64>,
    /// Processes and threads of a unit [default: 4096, or what the fleet says]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) processes: Option<u64>,
    /// How much of a unit's log is kept, in MiB [default: 4, or what the fleet says]
    #[arg(long, value_name = "MIB", help_heading = "Limits")]
    pub(crate) log_size: Option<u64>,
    /// What a unit may occupy on disk, in MiB [default: 8192, or what the fleet says]
    #[arg(long, value_name = "MIB", help_heading = "Limits")]
    pub(crate) disk: Option<u64>,
    /// Do without namespaces; leftover processes are still caught
    #[arg(long, help_heading = "Limits")]
    pub(crate) no_sandbox: bool,
}

/// Finish a run that was killed or interrupted, without repeating what is done
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run: a name, the start of one, or `latest`
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    /// Units at once [default: the number of processors]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {
    /// Fetch the repositories of a fleet into the cache
    Fetch(FleetFetchArgs),
    /// List the charms of a fleet, those left out with the reason
    List(FleetArgs),
    /// Tell how old the mirrors are and which of them failed
    Status(FleetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct FleetFetchArgs {
    #[command(flatten)]
    pub(crate) fleet: FleetArgs,
    /// Repositories at once
    #[arg(long, short, default_value_t = 8)]
    pub(crate) jobs: usize,
    /// How long one repository may take, in seconds
    #[arg(long, default_value_t = 300)]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    /// A charm, a folder of checkouts, a git URL, a CSV or a fleet.toml
    #[arg(value_name = "FLEET")]
    pub(crate) fleet: Vec<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

/// Show a run, a charm of it or one case: proof, commands, log and diff of logs
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The run: a name, the start of one, `latest`, `previous` or a folder
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    /// The charm
    pub(crate) charm: Option<String>,
    /// A target of it, a case (or a part of its name), or both
    #[arg(num_args = 0..=2, value_name = "TARGET|CASE")]
    pub(crate) words: Vec<String>,
    /// Print the whole log of one side
    #[arg(long, value_enum, value_name = "SIDE", requires = "charm")]
    pub(crate) log: Option<SideArg>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SideArg {
    Baseline,
    Candidate,
}

/// Compare the candidates of two runs
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The earlier run
    #[arg(default_value = "previous")]
    pub(crate) before: String,
    /// The later run
    #[arg(default_value = "latest")]
    pub(crate) after: String,
}

/// List the runs
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Make the index anew from the runs' logs first
    #[arg(long)]
    pub(crate) rebuild_index: bool,
    /// How many to list
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Write a report of a run
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The run: a name, the start of one, `latest`, `previous` or a folder
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    /// html is one page that works from disk, markdown fits a comment on a pull request
    #[arg(long, short, value_enum, default_value_t = Format::Markdown)]
    pub(crate) format: Format,
    /// Write into this file instead of the standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<Utf8PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Markdown,
    Html,
    Json,
    Junit,
}

/// Make one run of the shards of a check
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Runs, by name or by folder
    #[arg(required = true)]
    pub(crate) runs: Vec<String>,
}

/// Tell what this host offers: interpreters, tools, protections; and what dead runs have left
///
/// Examples:
///   charmproof doctor
///   charmproof doctor --clean
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DoctorArgs {
    /// Remove what runs have left that were killed, or whose host crashed
    #[arg(long)]
    pub(crate) clean: bool,
}

/// Delete environments, or everything, from the cache
#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    /// Delete the package caches, mirrors, tools and results as well
    #[arg(long)]
    pub(crate) all: bool,
    /// Only say what would be deleted
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
}

/// Make up what can happen to a charm, and the hooks that Juju runs for it
///
/// Users, clouds, other charms and Juju do random things to the units of a charm; which
/// hooks follow from that is not random, but what Juju's unit agent does. A seed stands for
/// one life, always the same.
///
/// Examples:
///   charmproof simulate .
///   charmproof simulate . --seed 7 --length 50 --without refresh --format names
///   charmproof simulate --relation db --peer replicas --storage data --runs 100 --format json
///   charmproof simulate . --exhaustive 2 --only integrate --only remote-unit-joins
///   charmproof simulate . --units 3 --with ../db-charm --integrate app:db db-charm:db
///
/// KIND is what may happen: deploy, integrate, config-changes, pod-lost, machine-reboots,
/// hook-fails and so on; a wrong one is answered with all of them.
///
/// Exit status: 0 fine, 2 the charm or the command line is wrong.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SimulateArgs {
    /// The folder of a charm
    #[arg(value_name = "CHARM_DIR", conflicts_with_all = ["spec", "replay"])]
    pub(crate) charm: Option<Utf8PathBuf>,
    /// A file that declares a charm, in the form of charmcraft.yaml or metadata.yaml
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(crate) spec: Option<Utf8PathBuf>,
    /// Play a life again, as --format json wrote it, after steps were taken out; - is standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["seed", "runs", "length", "only", "without", "exhaustive", "units"])]
    pub(crate) replay: Option<String>,

    #[command(flatten)]
    pub(crate) described: DescribedCharm,

    /// The seed of the first life [default: a new one, which is printed]
    #[arg(long, value_name = "N", help_heading = "Lives")]
    pub(crate) seed: Option<u64>,
    /// How many lives, of one seed after the other
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Lives")]
    pub(crate) runs: u64,
    /// How many things happen between setup and teardown, in each life
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(..=100_000), help_heading = "Lives")]
    pub(crate) length: u32,
    /// Let only this happen, and what a life cannot do without; may be repeated
    #[arg(long, value_name = "KIND", help_heading = "Lives")]
    pub(crate) only: Vec<String>,
    /// Let this not happen; may be repeated
    #[arg(long, value_name = "KIND", help_heading = "Lives")]
    pub(crate) without: Vec<String>,
    /// How many units are deployed at first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Lives")]
    pub(crate) units: u32,
    /// The folder of another charm that lives in the same model; may be repeated
    #[arg(long, value_name = "CHARM_DIR", help_heading = "Lives")]
    pub(crate) with: Vec<Utf8PathBuf>,
    /// Integrate two endpoints, as in app:db pg:database; may be repeated
    #[arg(long, num_args = 2, value_names = ["ENDPOINT", "ENDPOINT"], help_heading = "Lives")]
    pub(crate) integrate: Vec<String>,
    /// The version of Juju
    #[arg(long, value_name = "VERSION", default_value = "3.6", help_heading = "Lives")]
    pub(crate) juju: String,
    /// What the units run on [default: k8s for charms with containers, else machine]
    #[arg(long, value_enum, help_heading = "Lives")]
    pub(crate) platform: Option<OnPlatform>,
    /// Let Juju also do what it does by mistake (rules R37, R46, R47, R48, R83)
    #[arg(long, help_heading = "Lives")]
    pub(crate) quirks: bool,
    /// Make all lives with so many stimuli after setup, instead of random ones; counts them first
    #[arg(long, value_name = "DEPTH", conflicts_with_all = ["seed", "runs", "length", "units", "with", "integrate"], help_heading = "Lives")]
    pub(crate) exhaustive: Option<u32>,

    /// Show this part of each life only
    #[arg(long, value_enum, help_heading = "Output")]
    pub(crate) phase: Option<OfPhase>,
    /// How lives are shown
    #[arg(long, value_enum, default_value_t = LifeFormat::Story, help_heading = "Output")]
    pub(crate) format: LifeFormat,
}

/// Run the real code of a charm through random lives that Juju can lead, and say what it does
/// not survive
///
/// The charm runs in its own environment, in a sandbox, with hook tools and Pebble played by
/// charmproof. What is found is made as small as it gets, seen again as Juju runs a charm, and
/// handed over as a story, as a life to replay, and as a test where `ops.testing` can tell it.
///
/// Examples:
///   charmproof fuzz .
///   charmproof fuzz . --time 5m --jobs 4
///   charmproof fuzz . --seed 7 --seeds 1
///   charmproof fuzz . --with ../db-charm --integrate app:db db-charm:database --units 3
///   charmproof fuzz . --swap 'ops @ ../operator'
///
/// The same seed finds the same, whatever the number of jobs; --time ends where it ends.
///
/// Exit status: 0 nothing found, 1 something found, 2 the command line is wrong, 3 the charm
/// could not be run.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct FuzzArgs {
    /// The folder of the charm
    #[arg(value_name = "CHARM_DIR", default_value = ".")]
    pub(crate) charm: Utf8PathBuf,
    /// How many lives [default: 200, if there is no --time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Search")]
    pub(crate) seeds: Option<u64>,
    /// How long to search: 90s, 5m, 1h
    #[arg(long, value_name = "TIME", conflicts_with = "seeds", help_heading = "Search")]
    pub(crate) time: Option<String>,
    /// The seed of the first life [default: 1]
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Search")]
    pub(crate) seed: u64,
    /// How many lives are played at once [default: one for each processor]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Search")]
    pub(crate) jobs: Option<u32>,
    /// Ask only this of each life; may be repeated. A wrong one is answered with all of them
    #[arg(long, value_name = "ORACLE", help_heading = "Search")]
    pub(crate) oracle: Vec<String>,
    /// Do not ask this; may be repeated
    #[arg(long, value_name = "ORACLE", help_heading = "Search")]
    pub(crate) without_oracle: Vec<String>,
    /// How many seconds a hook may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, help_heading = "Search")]
    pub(crate) hook_budget: f64,

    /// How many things happen between setup and teardown, in each life
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(..=10_000), help_heading = "Lives")]
    pub(crate) length: u32,
    /// How many units are deployed at first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20), help_heading = "Lives")]
    pub(crate) units: u32,
    /// The folder of another charm that lives in the same model, with its real code; may be repeated
    #[arg(long, value_name = "CHARM_DIR", help_heading = "Lives")]
    pub(crate) with: Vec<Utf8PathBuf>,
    /// Integrate two endpoints, as in app:db pg:database; may be repeated
    #[arg(long, num_args = 2, value_names = ["ENDPOINT", "ENDPOINT"], help_heading = "Lives")]
    pub(crate) integrate: Vec<String>,
    /// The version of Juju
    #[arg(long, value_name = "VERSION", default_value = "3.6", help_heading = "Lives")]
    pub(crate) juju: String,
    /// Let only this happen, and what a life cannot do without; may be repeated
    #[arg(long, value_name = "KIND", help_heading = "Lives")]
    pub(crate) only: Vec<String>,
    /// Let this not happen; may be repeated
    #[arg(long, value_name = "KIND", help_heading = "Lives")]
    pub(crate) without: Vec<String>,

    /// Play each life twice, without and with this swapped in, and say what differs; may be repeated
    #[arg(long, value_name = "SPEC", help_heading = "Search")]
    pub(crate) swap: Vec<String>,
    /// What the side without the swap has instead; may be repeated
    #[arg(long, value_name = "SPEC", requires = "swap", help_heading = "Search")]
    pub(crate) baseline: Vec<String>,

    /// A Python file that is run before the charm, to put stand-ins in the place of what cannot run
    #[arg(long, value_name = "FILE", help_heading = "Surroundings")]
    pub(crate) preload: Option<Utf8PathBuf>,
    /// A file of rules: what programs, packages and other applications do, and what is allowed
    #[arg(long, value_name = "FILE", help_heading = "Surroundings")]
    pub(crate) rules: Option<Utf8PathBuf>,
    /// Deploy the charms as with `juju deploy --trust`
    #[arg(long, help_heading = "Surroundings")]
    pub(crate) trust: bool,
    /// A folder of lives that reached something new: they are begun with, and kept
    #[arg(long, value_name = "DIR", conflicts_with = "swap", help_heading = "Search")]
    pub(crate) corpus: Option<Utf8PathBuf>,
    /// Where findings are written [default: the cache]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub(crate) output: Option<Utf8PathBuf>,
}

/// Pack a charm, as `charmcraft pack` would, in seconds
///
/// The archive has what charmcraft's plugins charm, uv, poetry, python, dump and nil put
/// into it. Packages come as wheels, from the charm's own lock or requirements, and are
/// kept for the next time. No container, snap or virtual machine is needed.
///
/// Examples:
///   charmproof pack
///   charmproof pack ../my-charm --output dist --platform ubuntu@24.04:amd64
///   charmproof pack . --swap 'ops @ ../operator'
///
/// Exit status: 0 packed, 2 charmcraft.yaml is wrong or asks for what is not done here (reactive
/// charms, extensions, packages of the base), 3 it could not be done.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct PackArgs {
    /// The folder of the charm
    #[arg(default_value = ".", value_name = "CHARM_DIR")]
    pub(crate) charm: Utf8PathBuf,
    /// Folder for the archive [default: the current one]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<Utf8PathBuf>,
    /// Pack for this platform only [default: all that are built on such a machine as this]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// Swap a package in, as `charmproof check` does; may be repeated
    #[arg(long, short, value_name = "SPEC")]
    pub(crate) swap: Vec<String>,
}

/// Play a life with the real code of a charm, hook by hook, as Juju runs it
///
/// Examples:
///   charmproof replay life.json
///   charmproof replay life.json --until 4 --shell
///
/// With --shell, a shell is started in the place of the hook that --until names (or the last
/// one), with its environment, its files and its hook tools: `./dispatch` there runs the hook.
///
/// Exit status: 0 all hooks succeed, 1 one fails, 2 the command line is wrong, 3 the charm could
/// not be run.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ReplayArgs {
    /// The life, as `charmproof fuzz` or `charmproof simulate --format json` wrote it
    #[arg(value_name = "FILE")]
    pub(crate) life: Utf8PathBuf,
    /// The folder of the charm
    #[arg(long, value_name = "CHARM_DIR", default_value = ".")]
    pub(crate) charm: Utf8PathBuf,
    /// The folder of another charm of the life; may be repeated
    #[arg(long, value_name = "CHARM_DIR")]
    pub(crate) with: Vec<Utf8PathBuf>,
    /// Stop after the hook of this number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) until: Option<u32>,
    /// Start a shell in the place of that hook
    #[arg(long)]
    pub(crate) shell: bool,
    /// Swap this in; may be repeated
    #[arg(long, value_name = "SPEC")]
    pub(crate) swap: Vec<String>,
    /// A Python file that is run before the charm
    #[arg(long, value_name = "FILE")]
    pub(crate) preload: Option<Utf8PathBuf>,
    /// A file of rules
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<Utf8PathBuf>,
    /// Deploy the charms as with `juju deploy --trust`
    #[arg(long)]
    pub(crate) trust: bool,
}

/// A charm that is described on the command line.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DescribedCharm {
    /// An endpoint that is integrated when the charm is deployed; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "A charm without files")]
    pub(crate) relation: Vec<String>,
    /// An endpoint that may be integrated later; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "A charm without files")]
    pub(crate) potential_relation: Vec<String>,
    /// A peer endpoint; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "A charm without files")]
    pub(crate) peer: Vec<String>,
    /// A storage that each unit is deployed with; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "A charm without files")]
    pub(crate) storage: Vec<String>,
    /// A storage that may be added later; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "A charm without files")]
    pub(crate) potential_storage: Vec<String>,
    /// A workload container; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "A charm without files")]
    pub(crate) container: Vec<String>,
}

/// A part of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OfPhase {
    Setup,
    Operation,
    Teardown,
}

/// How lives are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LifeFormat {
    /// What happened, for people
    Story,
    /// One object a life, for programs
    Json,
    /// The names of the hooks, as `validate` reads them
    Names,
    /// Each hook with the variables of its environment, as a shell reads them
    Env,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LifecycleCommand {
    Graph(Box<GraphArgs>),
}

/// Draw which hooks Juju runs for a charm, and in which orders
///
/// The graph has a machine for the unit and one for each endpoint, storage and container,
/// for secrets and for actions. A sequence of hooks can be drawn on it, in any form that
/// `charmproof validate` reads: names, a life as JSON, `juju debug-log`.
///
/// Examples:
///   charmproof lifecycle graph . --format svg --output lifecycle.svg
///   charmproof lifecycle graph . --platform k8s --juju 4.0
///   charmproof simulate . --seed 7 --format json | charmproof lifecycle graph --path - --format html -o life.html
///   juju debug-log --replay --no-tail | charmproof lifecycle graph . --path - --unit web/0 --format svg -o web.svg
///
/// Exit status: 0 fine, 1 the sequence leaves the graph, 2 the charm or the command line is wrong.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct GraphArgs {
    /// The folder of a charm [default: that of the life, with --path]
    #[arg(value_name = "CHARM_DIR", conflicts_with = "spec")]
    pub(crate) charm: Option<Utf8PathBuf>,
    /// A file that declares a charm, in the form of charmcraft.yaml or metadata.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) described: DescribedCharm,

    /// A sequence of hooks that is drawn on the graph; - is standard input
    #[arg(long, value_name = "FILE|-", help_heading = "Sequence")]
    pub(crate) path: Option<String>,
    /// Which unit of a sequence with several [default: the first that runs a hook]
    #[arg(long, value_name = "UNIT", requires = "path", help_heading = "Sequence")]
    pub(crate) unit: Option<String>,

    /// The version of Juju [default: that of the sequence, else 3.6]
    #[arg(long, value_name = "VERSION", help_heading = "Juju")]
    pub(crate) juju: Option<String>,
    /// What the units run on [default: that of the sequence, else k8s for charms with containers, else machine]
    #[arg(long, value_enum, help_heading = "Juju")]
    pub(crate) platform: Option<OnPlatform>,
    /// Let Juju also do what it does by mistake (rules R37, R46, R47, R48, R83)
    #[arg(long, help_heading = "Juju")]
    pub(crate) quirks: bool,

    /// mermaid is text that many pages draw, html is a page to point at things in
    #[arg(long, short, value_enum, default_value_t = GraphFormat::Mermaid, help_heading = "Output")]
    pub(crate) format: GraphFormat,
    /// Draw what is unusual, too: all that may happen while a unit is being set up
    #[arg(long, help_heading = "Output")]
    pub(crate) all: bool,
    /// Write into this file instead of the standard output
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<Utf8PathBuf>,
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Mermaid,
    Svg,
    Html,
}

/// Say whether Juju could have run a sequence of hooks, and which rule says no
///
/// The sequence is read from a file or, for -, from standard input: what `juju debug-log`
/// or `juju show-status-log` prints; names of hooks, one a line, with `failed` behind
/// those that failed and remarks behind #; recorded traces (JSON); or charmproof's own
/// JSON, as `charmproof simulate --format json` writes it. Each unit is judged by itself.
///
/// Examples:
///   juju debug-log --replay --no-tail --include web/0 | charmproof validate -
///   juju show-status-log web/0 --days 7 | charmproof validate - --charm .
///   printf 'install\nstart\n' | charmproof validate -
///
/// Exit status: 0 Juju can do this, 1 it cannot, 2 the input cannot be read.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ValidateArgs {
    /// The sequence, or - for standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
    /// The version of Juju [default: whatever any version does is accepted]
    #[arg(long, value_name = "VERSION")]
    pub(crate) juju: Option<String>,
    /// What the unit runs on [default: whatever either does is accepted]
    #[arg(long, value_enum)]
    pub(crate) platform: Option<OnPlatform>,
    /// Where the sequence begins [default: at the deployment if install is first]
    #[arg(long, value_enum)]
    pub(crate) begins: Option<Begins>,
    /// The unit that ran the hooks, as in web/0
    #[arg(long, value_name = "UNIT")]
    pub(crate) unit: Option<String>,
    /// The folder of the charm that ran the hooks: names are checked against it
    #[arg(long, value_name = "CHARM_DIR")]
    pub(crate) charm: Option<Utf8PathBuf>,
    /// A peer endpoint of the charm; may be repeated, and then all are to be given
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) peer: Vec<String>,
    /// How verdicts are shown
    #[arg(long, value_enum, default_value_t = ValidateFormat::Text)]
    pub(crate) format: ValidateFormat,
}

/// How verdicts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValidateFormat {
    /// The first hook that cannot be, with those around it, for people
    Text,
    /// One object a sequence, for programs
    Json,
}

/// What a unit runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnPlatform {
    Machine,
    K8s,
}

/// Where a sequence begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Begins {
    Deployment,
    Anywhere,
}

/// Tell what a rule of Juju says, or when a hook fires, what comes before and after it,
/// what its environment has and which rules it has; without a word, list all
///
/// Examples:
///   charmproof explain
///   charmproof explain R31
///   charmproof explain db-relation-joined
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ExplainArgs {
    /// A rule or a hook
    #[arg(value_name = "RULE|HOOK")]
    pub(crate) word: Option<String>,
}

#[cfg(test)]
mod tests;
