//! What a command line of a command looks like.

use std::fmt;

use crate::flags::parsed::Parsed;

/// A command of Juju, as the table has it.
#[derive(Clone, Copy)]
pub struct CommandSpec {
    /// The command's name. That of a command within a command has a space: `wait-for unit`.
    pub name: &'static str,
    /// Other names that it answers to.
    pub aliases: &'static [&'static str],
    /// The positionals, as the usage line shows them.
    pub arguments: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// What else to know about it, in a few sentences.
    pub details: &'static str,
    /// Lines that show how it is used.
    pub examples: &'static [&'static str],
    /// Commands to read about next.
    pub see_also: &'static [&'static str],
    /// Its own flags. Those that come with the target and the formats are in [`Self::all_flags`].
    pub flags: &'static [FlagSpec],
    /// Whether flags may follow positionals. They may not where positionals are a command line of
    /// another program.
    pub is_interspersed: bool,
    /// What the command works on, which decides between `-m` and `-c`.
    pub target: Target,
    /// The formats that it can print, the default first. Empty where it has no `--format`.
    pub formats: &'static [&'static str],
    /// Whether it takes `-B`, which Juju has for signing in without a browser.
    pub has_login: bool,
    /// What Juju's words call flags here: `option`, and `flag` in a command within a command.
    pub flags_are: &'static str,
    /// Juju's check of positionals and of flags that exclude each other.
    pub(crate) check: fn(&Parsed) -> Result<(), String>,
}

/// A command is known by its name; all of it would bury everything else.
impl fmt::Debug for CommandSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("CommandSpec").field(&self.name).finish()
    }
}

/// What a command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A model, by `-m` or `--model`.
    Model,
    /// A controller, by `-c` or `--controller`.
    Controller,
    /// The client, a controller, or both, by `--client` and `-c`.
    ClientOrController,
    /// Nothing, or what a positional names.
    Nothing,
}

/// A flag with all of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagSpec {
    /// Its names without hyphens. The first is the one to ask [`Parsed`] for.
    pub names: &'static [&'static str],
    /// What it takes.
    pub kind: FlagKind,
    /// What holds where it is not given, as Juju's help shows it.
    pub default: &'static str,
    /// What it is for, in a line.
    pub help: &'static str,
}

/// What a flag takes, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagKind {
    /// On or off; needs no value.
    Switch,
    /// On, off, or not said; needs no value.
    MaybeSwitch,
    /// Any text; the last one holds.
    Text,
    /// Any text that Juju's help shows without quotes, such as the path of a file.
    Plain,
    /// A whole number.
    Number,
    /// A whole number that is not negative.
    Count,
    /// A number of log lines, which has words of its own when it is none.
    Lines,
    /// A length of time.
    Duration,
    /// Texts with commas in between; the last list holds.
    List,
    /// Any text, as often as wanted, in order.
    Texts,
    /// `key=value` or the path of a file with settings, as often as wanted.
    Settings,
    /// `name=value` with each name once.
    Resources,
    /// Storage of an application, or of one of a bundle's applications.
    Storage {
        /// Whether `application:` may come first.
        is_for_bundles: bool,
    },
    /// Devices of an application, or of one of a bundle's applications.
    Devices,
    /// Ids of storage, with commas in between.
    StorageIds,
    /// Storage constraints with spaces in between.
    Disks,
    /// One of the command's formats.
    Format,
}

impl FlagKind {
    /// Whether the flag stands alone, unless a value is attached with `=`.
    pub fn is_switch(self) -> bool {
        matches!(self, Self::Switch | Self::MaybeSwitch)
    }
}

impl FlagSpec {
    /// A switch that is off by default.
    pub const fn switch(names: &'static [&'static str], help: &'static str) -> Self {
        Self { names, kind: FlagKind::Switch, default: "false", help }
    }

    /// A text that is empty by default.
    pub const fn text(names: &'static [&'static str], help: &'static str) -> Self {
        Self { names, kind: FlagKind::Text, default: "", help }
    }

    /// A flag of another kind, or with another default.
    pub const fn new(
        names: &'static [&'static str],
        kind: FlagKind,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self { names, kind, default, help }
    }

    /// The name with the hyphens that it is typed with.
    pub fn with_hyphens(name: &str) -> String {
        if name.chars().count() > 1 { format!("--{name}") } else { format!("-{name}") }
    }
}

const MODEL: [FlagSpec; 1] = [FlagSpec::text(
    &["model", "m"],
    "The model to work on: a name with or without [<controller>:][<user>/], or a UUID",
)];
const CONTROLLER: [FlagSpec; 1] = [FlagSpec::text(&["controller", "c"], "The controller to work on")];
const CLIENT: [FlagSpec; 1] = [FlagSpec::switch(&["client"], "Work on what this client knows")];
const LOGIN: [FlagSpec; 1] = [FlagSpec::switch(&["no-browser-login", "B"], "Sign in without a web browser")];
const OUTPUT: [FlagSpec; 1] = [FlagSpec::text(&["output", "o"], "Write to this file")];

impl CommandSpec {
    /// Whether the command takes `-m` and `--model`.
    pub fn takes_model(&self) -> bool {
        self.target == Target::Model
    }

    /// All flags of the command: its own, and those that come with its target and formats.
    pub fn all_flags(&self) -> Vec<FlagSpec> {
        let mut flags = self.flags.to_vec();
        match self.target {
            Target::Model => flags.extend(MODEL),
            Target::Controller => flags.extend(CONTROLLER),
            Target::ClientOrController => {
                flags.extend(CONTROLLER);
                flags.extend(CLIENT);
            }
            Target::Nothing => {}
        }
        if self.has_login {
            flags.extend(LOGIN);
        }
        if let Some(default) = self.formats.first() {
            let help = "Print in this format";
            flags.push(FlagSpec { names: &["format"], kind: FlagKind::Format, default, help });
            flags.extend(OUTPUT);
        }
        flags
    }

    /// The flag with the name, given without hyphens.
    pub fn flag(&self, name: &str) -> Option<FlagSpec> {
        self.all_flags().into_iter().find(|flag| flag.names.contains(&name))
    }
}

/// Flags that every command takes, before its name or behind it.
pub(crate) const GLOBAL_FLAGS: &[FlagSpec] = &[
    FlagSpec::switch(&["debug"], "Say all there is to say, as --show-log --logging-config=<root>=DEBUG does"),
    FlagSpec::switch(&["help", "h"], "Show help on a command or a topic"),
    FlagSpec::text(&["log-file"], "The file to write the log to"),
    FlagSpec::text(&["logging-config"], "Log levels of modules"),
    FlagSpec::switch(&["quiet", "q"], "Say nothing but results and errors"),
    FlagSpec::switch(&["show-log"], "Write the log to standard error"),
    FlagSpec::switch(&["verbose", "v"], "Say more"),
    FlagSpec::switch(&["description"], "Say in a line what the program is for"),
];

/// Flags that may only come before a command's name.
pub(crate) const LEADING_FLAGS: &[FlagSpec] = &[
    FlagSpec::switch(&["version"], "Print the version"),
    FlagSpec::switch(&["no-alias"], "Read no aliases of commands"),
];

impl CommandSpec {
    /// What most commands have, for the table to start from.
    pub(crate) const BASE: Self = Self {
        name: "",
        aliases: &[],
        arguments: "",
        summary: "",
        details: "",
        examples: &[],
        see_also: &[],
        flags: &[],
        is_interspersed: true,
        target: Target::Model,
        formats: &[],
        has_login: true,
        flags_are: "option",
        check: crate::flags::arguments::nothing,
    };
}

/// The formats of a command that prints YAML unless asked for another.
pub(crate) const YAML: &[&str] = &["yaml", "json"];
/// The formats of a command that prints a table unless asked for another.
pub(crate) const TABULAR: &[&str] = &["tabular", "json", "yaml"];
/// The formats of a command that prints plain text unless asked for another.
pub(crate) const PLAIN: &[&str] = &["plain", "json", "yaml"];
/// The formats of a command that prints plain values as they are, unless asked for another.
pub(crate) const SMART: &[&str] = &["smart", "json", "yaml"];
