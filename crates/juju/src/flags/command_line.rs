//! The whole command line: what comes before a command, the command, and asking for help.

use crate::flags::arguments::check_arguments;
use crate::flags::error::FlagError;
use crate::flags::help;
use crate::flags::parsed::{GlobalFlags, Parsed};
use crate::flags::read::{parse, read_words};
use crate::flags::spec::{CommandSpec, FlagSpec, GLOBAL_FLAGS, LEADING_FLAGS};
use crate::flags::table::find;
use crate::flags::unsupported::{is_unsupported, unknown_command};
use crate::values::go::quote_all;

/// What the words behind `juju` ask for.
#[derive(Debug, Clone)]
pub enum CommandLine {
    /// Run a command whose flags and positionals are fine as far as words can tell.
    Run(Parsed),
    /// Print this text to standard output.
    Print(String),
    /// No command has the name. A program `juju-NAME` on the path is run with the words; where
    /// there is none, [`unknown_command`] says what to print.
    Plugin {
        /// The name that no command has.
        name: String,
        /// The words behind it.
        words: Vec<String>,
    },
}

/// Reads the words behind `juju`.
pub fn read_command_line(words: &[String]) -> Result<CommandLine, FlagError> {
    if let [only] = words
        && matches!(only.as_str(), "help" | "-h" | "--help")
    {
        return Ok(CommandLine::Print(help::basic_help()));
    }
    let words = with_version_as_command(words);
    let leading: Vec<FlagSpec> = GLOBAL_FLAGS.iter().chain(LEADING_FLAGS).copied().collect();
    let read = read_words(&leading, &[], "option", false, &words)?;
    let mut global = GlobalFlags::default();
    for given in read.flags {
        global.note(given.name, &given.value);
    }
    if global.wants_description {
        // Juju asks its plugins for a description, and has none itself.
        return if read.positionals.is_empty() {
            Ok(CommandLine::Print("juju: no description available\n".to_owned()))
        } else {
            Err(FlagError::Arguments(format!("unrecognized args: {}", quote_all(&read.positionals))))
        };
    }
    let Some((name, words)) = read.positionals.split_first() else {
        return Ok(CommandLine::Print(help::basic_help()));
    };
    if name == "help" {
        return read_help(words);
    }
    let Some(spec) = find(name) else {
        if is_unsupported(name) {
            return Err(FlagError::Unsupported(name.clone()));
        }
        return Ok(CommandLine::Plugin { name: name.clone(), words: words.to_vec() });
    };
    let (spec, words) = match command_within(spec, words)? {
        Within::Command(spec, words) => (spec, words),
        Within::Help(text) => return Ok(CommandLine::Print(text)),
    };
    let mut parsed = parse(spec, &words)?;
    merge(&mut parsed.global, global);
    if parsed.global.wants_help {
        return Ok(CommandLine::Print(help::command_help(spec)));
    }
    check_arguments(&parsed)?;
    if parsed.global.is_verbose && parsed.global.is_quiet {
        return Err(FlagError::VerboseAndQuiet);
    }
    Ok(CommandLine::Run(parsed))
}

/// `juju --version` is `juju version`, unless a command comes first.
fn with_version_as_command(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    let is_command = |word: &String| !word.starts_with("--") && word != "help" && word != "version";
    let command_at = words.iter().position(is_command);
    let flag_at = words.iter().rposition(|word| word == "--version");
    if let Some(flag_at) = flag_at
        && command_at.is_none_or(|command_at| command_at > flag_at)
    {
        words[flag_at] = "version".into();
    }
    words
}

/// What was said before the command holds, unless it was said again behind it.
fn merge(behind: &mut GlobalFlags, before: GlobalFlags) {
    behind.is_debug |= before.is_debug;
    behind.wants_help |= before.wants_help;
    behind.is_quiet |= before.is_quiet;
    behind.shows_log |= before.shows_log;
    behind.is_verbose |= before.is_verbose;
    behind.log_file = behind.log_file.take().or(before.log_file);
    behind.logging_config = behind.logging_config.take().or(before.logging_config);
}

enum Within {
    Command(&'static CommandSpec, Vec<String>),
    Help(String),
}

/// The command within a command, as in `wait-for unit`. Only flags that every command takes come
/// before its name.
fn command_within(spec: &'static CommandSpec, words: &[String]) -> Result<Within, FlagError> {
    if !help::has_commands_within(spec) {
        return Ok(Within::Command(spec, words.to_vec()));
    }
    let read = read_words(GLOBAL_FLAGS, &[], spec.flags_are, false, words)?;
    let wants_help = read.flags.iter().any(|given| given.name == "help" && given.value == "true");
    let Some((name, rest)) = read.positionals.split_first() else {
        return Ok(Within::Help(help::command_help(spec)));
    };
    let Some(within) = find(&format!("{} {name}", spec.name)) else {
        if wants_help {
            return Ok(Within::Help(help::command_help(spec)));
        }
        return Err(FlagError::Arguments(format!("unrecognized command: {} {name}", spec.name)));
    };
    let mut words: Vec<String> = rest.to_vec();
    if wants_help {
        words.insert(0, "--help".to_owned());
    }
    Ok(Within::Command(within, words))
}

/// `juju help [command|topic]`.
fn read_help(words: &[String]) -> Result<CommandLine, FlagError> {
    let flags: Vec<FlagSpec> = GLOBAL_FLAGS.to_vec();
    let topics = read_words(&flags, &[], "option", true, words)?.positionals;
    let Some((topic, rest)) = topics.split_first() else {
        return Ok(CommandLine::Print(help::basic_help()));
    };
    if let Some(spec) = find(topic) {
        let mut spec = spec;
        let mut rest = rest;
        if help::has_commands_within(spec)
            && let Some((name, behind)) = rest.split_first()
        {
            let within = find(&format!("{} {name}", spec.name));
            spec = within.ok_or_else(|| {
                FlagError::Arguments(format!("subcommand {} not found", crate::values::go::quote(name)))
            })?;
            rest = behind;
        }
        if !rest.is_empty() {
            let text = format!("extra arguments to command help: {}", quote_all(rest));
            return Err(FlagError::Arguments(text));
        }
        return Ok(CommandLine::Print(help::command_help(spec)));
    }
    match topic.as_str() {
        "help" => Ok(CommandLine::Print(help::help_of_help())),
        "basics" => Ok(CommandLine::Print(help::basic_help())),
        "commands" => Ok(CommandLine::Print(help::command_list())),
        "topics" => Ok(CommandLine::Print(help::topic_list())),
        "global-options" => Ok(CommandLine::Print(help::global_options())),
        other if is_unsupported(other) => Err(FlagError::Unsupported(other.to_owned())),
        other => Err(FlagError::UnknownCommand(unknown_command(other))),
    }
}
