//! A command line that has been read.

use jiff::SignedDuration;

use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec};
use crate::values::go;

/// Flags that every command takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GlobalFlags {
    /// `--debug`
    pub is_debug: bool,
    /// `-h`, `--help`
    pub wants_help: bool,
    /// `--description`, which plugins of Juju are asked for.
    pub wants_description: bool,
    /// `--log-file`
    pub log_file: Option<String>,
    /// `--logging-config`
    pub logging_config: Option<String>,
    /// `-q`, `--quiet`: nothing but results and errors.
    pub is_quiet: bool,
    /// `--show-log`
    pub shows_log: bool,
    /// `-v`, `--verbose`
    pub is_verbose: bool,
}

impl GlobalFlags {
    /// Takes note of a flag, by its first name, whose value has been found good.
    pub(crate) fn note(&mut self, name: &str, value: &str) {
        let is_on = go::parse_bool(value).unwrap_or(false);
        match name {
            "debug" => self.is_debug = is_on,
            "help" => self.wants_help = is_on,
            "description" => self.wants_description = is_on,
            "log-file" => self.log_file = Some(value.to_owned()),
            "logging-config" => self.logging_config = Some(value.to_owned()),
            "quiet" => self.is_quiet = is_on,
            "show-log" => self.shows_log = is_on,
            "verbose" => self.is_verbose = is_on,
            // The leading flags, which are of no use once a command has been found.
            _ => {}
        }
    }
}

/// A flag as it stands on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenFlag {
    /// Its first name.
    pub(crate) name: &'static str,
    /// The name that was typed.
    pub(crate) typed: &'static str,
    /// Its value.
    pub(crate) value: String,
}

/// What the words behind a command say. Flags are asked for by any of their names.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The command.
    pub command: &'static CommandSpec,
    /// What is no flag and no value of one, in order.
    pub positionals: Vec<String>,
    /// The flags that every command takes.
    pub global: GlobalFlags,
    /// The command's flags as they were given, by their first name, in order.
    pub(crate) given: Vec<GivenFlag>,
}

impl Parsed {
    /// A command without flags and positionals.
    pub(crate) fn new(command: &'static CommandSpec) -> Self {
        Self { command, positionals: Vec::new(), global: GlobalFlags::default(), given: Vec::new() }
    }

    fn spec(&self, name: &str) -> Option<FlagSpec> {
        let spec = self.command.flag(name);
        debug_assert!(spec.is_some(), "{} has no flag {name}", self.command.name);
        spec
    }

    fn last(&self, spec: FlagSpec) -> Option<&str> {
        let mut given = self.given.iter().rev();
        given.find(|given| given.name == spec.names[0]).map(|given| given.value.as_str())
    }

    /// Whether a switch is on, and whether any other flag was given.
    pub fn is_set(&self, name: &str) -> bool {
        let Some(spec) = self.spec(name) else { return false };
        if spec.kind.is_switch() {
            self.last(spec).map_or(spec.default == "true", |value| go::parse_bool(value).unwrap_or(false))
        } else {
            self.was_given(name)
        }
    }

    /// Whether the flag is on the command line, with whatever value.
    pub fn was_given(&self, name: &str) -> bool {
        self.spec(name).is_some_and(|spec| self.last(spec).is_some())
    }

    /// What a switch was set to, where it was given.
    pub fn switch(&self, name: &str) -> Option<bool> {
        self.last(self.spec(name)?).and_then(|value| go::parse_bool(value).ok())
    }

    /// The flags of these that are on the command line, as they were typed, in order of their names.
    pub(crate) fn typed_among(&self, names: &[&str]) -> Vec<String> {
        let mut typed: Vec<&str> =
            self.given.iter().filter(|given| names.contains(&given.name)).map(|given| given.typed).collect();
        typed.sort_unstable();
        typed.dedup();
        typed.into_iter().map(FlagSpec::with_hyphens).collect()
    }

    /// The last value of a flag, or its default where that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        let spec = self.spec(name)?;
        let has_text_default = matches!(spec.kind, FlagKind::Text | FlagKind::Plain | FlagKind::Format);
        let default = Some(spec.default).filter(|default| has_text_default && !default.is_empty());
        self.last(spec).or(default)
    }

    /// All values of a flag, in order.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let Some(spec) = self.spec(name) else { return Vec::new() };
        let given = self.given.iter().filter(|given| given.name == spec.names[0]);
        given.map(|given| given.value.as_str()).collect()
    }

    /// The items of a list with commas. Of several lists the last one holds, but ids of storage
    /// add up.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let Some(spec) = self.spec(name) else { return Vec::new() };
        if spec.kind == FlagKind::StorageIds {
            let lists = self.texts(name).into_iter().filter(|list| !list.is_empty());
            return lists.flat_map(|list| list.split(',')).collect();
        }
        self.last(spec).map(|list| list.split(',').collect()).unwrap_or_default()
    }

    /// A whole number: the last one given, or the default, where that is not below zero. Juju
    /// writes such a default where it means that nothing was said.
    pub fn number(&self, name: &str) -> Option<i64> {
        let spec = self.spec(name)?;
        if let Some(value) = self.last(spec) {
            return go::parse_int(value).ok();
        }
        go::parse_int(spec.default).ok().filter(|default| *default >= 0)
    }

    /// A length of time: the last one given, or the default, where that is not below zero.
    pub fn duration(&self, name: &str) -> Option<SignedDuration> {
        let spec = self.spec(name)?;
        if let Some(value) = self.last(spec) {
            return go::parse_duration(value).ok();
        }
        go::parse_duration(spec.default).ok().filter(|default| !default.is_negative())
    }

    /// The format to print in, where the command has formats.
    pub fn format(&self) -> Option<&str> {
        if self.command.formats.is_empty() { None } else { self.text("format") }
    }

    /// Whether what is printed is for machines, so that an error prints `{}` as well.
    pub fn is_for_machines(&self) -> bool {
        matches!(self.format(), Some("json" | "yaml"))
    }

    /// The model of `-m`, where the command takes it and it is not empty.
    pub fn model(&self) -> Option<&str> {
        if self.command.takes_model() { self.text("model").filter(|model| !model.is_empty()) } else { None }
    }

    /// The controller of `-c`, where the command takes it and it is not empty.
    pub fn controller(&self) -> Option<&str> {
        self.command.flag("controller")?;
        self.text("controller").filter(|controller| !controller.is_empty())
    }

    /// The file of `-o`, where the command has formats.
    pub fn output_file(&self) -> Option<&str> {
        if self.command.formats.is_empty() { None } else { self.text("output") }
    }
}
