//! Help, in the layout that Juju has for it.

use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, GLOBAL_FLAGS, LEADING_FLAGS};
use crate::flags::table::all;
use crate::flags::unsupported::UNSUPPORTED_COMMANDS;

/// Flags that the help of every command shows, by their first name.
const SHOWN_GLOBAL_FLAGS: [&str; 6] = ["debug", "help", "logging-config", "quiet", "show-log", "verbose"];

/// Whether the command is a group of others, as `wait-for` is.
pub(crate) fn has_commands_within(spec: &CommandSpec) -> bool {
    commands_within(spec).next().is_some()
}

fn commands_within(spec: &CommandSpec) -> impl Iterator<Item = &'static CommandSpec> {
    all().filter(|other| other.name.strip_prefix(spec.name).is_some_and(|rest| rest.starts_with(' ')))
}

/// What `juju help COMMAND` prints.
pub fn command_help(spec: &CommandSpec) -> String {
    let flags = spec.all_flags();
    let mut text = format!("Usage: juju {}", spec.name);
    // A group shows the flags that every command has as its own.
    let is_group = has_commands_within(spec);
    if is_group || !flags.is_empty() {
        text.push_str(&format!(" [{}s]", spec.flags_are));
    }
    if !spec.arguments.is_empty() {
        text.push_str(&format!(" {}", spec.arguments));
    }
    text.push('\n');
    text.push_str(&format!("\nSummary:\n{}\n", spec.summary));
    if is_group {
        text.push_str(&format!("\nFlags:\n{}", flag_list(GLOBAL_FLAGS, &[])));
    } else if spec.name == "version" {
        // The one command whose help leaves out what every command takes.
        text.push_str(&format!("\nOptions:\n{}", flag_list(&flags, spec.formats)));
    } else {
        let shown = |flag: &&FlagSpec| SHOWN_GLOBAL_FLAGS.contains(&flag.names[0]);
        let global: Vec<FlagSpec> = GLOBAL_FLAGS.iter().filter(shown).copied().collect();
        text.push_str(&format!("\nGlobal Options:\n{}", flag_list(&global, &[])));
        if !flags.is_empty() {
            text.push_str(&format!("\nCommand Options:\n{}", flag_list(&flags, spec.formats)));
        }
    }
    if !spec.details.is_empty() {
        text.push_str(&format!("\nDetails:\n{}\n", spec.details));
    }
    if !spec.aliases.is_empty() {
        text.push_str(&format!("\nAliases: {}\n", spec.aliases.join(", ")));
    }
    if !spec.examples.is_empty() {
        text.push_str("\nExamples:\n");
        for example in spec.examples {
            text.push_str(&format!("    {example}\n"));
        }
    }
    if is_group {
        let within: Vec<(&str, &str)> =
            commands_within(spec).map(|other| (&other.name[spec.name.len() + 1..], other.summary)).collect();
        let width = within.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        text.push_str("\nSubcommands:\n");
        for (name, summary) in within {
            text.push_str(&format!("    {name:width$} - {summary}\n"));
        }
    }
    if !spec.see_also.is_empty() {
        text.push_str("\nSee also:\n");
        for other in spec.see_also {
            text.push_str(&format!(" - {other}\n"));
        }
    }
    text
}

/// Flags as `gnuflag` lists them: each with all of its names, the shortest first, sorted by that.
fn flag_list(flags: &[FlagSpec], formats: &[&str]) -> String {
    let mut entries: Vec<(Vec<&str>, &FlagSpec)> = flags
        .iter()
        .map(|flag| {
            let mut names = flag.names.to_vec();
            names.sort_by_key(|name| (name.len(), *name));
            (names, flag)
        })
        .collect();
    entries.sort_by_key(|(names, _)| names[0]);
    let mut text = String::new();
    for (names, flag) in entries {
        let names: Vec<String> = names.into_iter().map(FlagSpec::with_hyphens).collect();
        let default = match flag.kind {
            FlagKind::Text => format!(" (= \"{}\")", flag.default),
            FlagKind::Switch
            | FlagKind::MaybeSwitch
            | FlagKind::Plain
            | FlagKind::Number
            | FlagKind::Count
            | FlagKind::Lines
            | FlagKind::Duration
            | FlagKind::List
            | FlagKind::Texts
            | FlagKind::Settings
            | FlagKind::Resources
            | FlagKind::Storage { .. }
            | FlagKind::Devices
            | FlagKind::StorageIds
            | FlagKind::Disks
            | FlagKind::Format => format!("  (= {})", flag.default),
        };
        let help = if flag.kind == FlagKind::Format {
            let mut sorted = formats.to_vec();
            sorted.sort_unstable();
            format!("{} ({})", flag.help, sorted.join("|"))
        } else {
            flag.help.to_owned()
        };
        text.push_str(&format!("{}{default}\n    {help}\n", names.join(", ")));
    }
    text
}

/// What `juju` and `juju help` print.
pub fn basic_help() -> String {
    let starters = [
        "add-model",
        "deploy",
        "status",
        "add-unit",
        "integrate",
        "expose",
        "config",
        "run",
        "models",
        "controllers",
        "whoami",
        "switch",
    ];
    let mut text = "\
This is charmproof's local Juju: models whose units run real charms on this machine.
Its commands are those of Juju 3.6.

Starter commands:

"
    .to_owned();
    for spec in all().filter(|spec| starters.contains(&spec.name)) {
        text.push_str(&format!("    {:<19} {}\n", spec.name, spec.summary));
    }
    text.push_str(
        "
Help commands:

    juju help           This help page.
    juju help <command> Show help for the specified command.

For the full list of supported commands run:

    juju help commands
",
    );
    text
}

/// What `juju help commands` prints: every command and alias with a line on what it does.
pub fn command_list() -> String {
    let mut lines: Vec<(&str, String)> = vec![("help", HELP_SUMMARY.to_owned())];
    for spec in all().filter(|spec| !spec.name.contains(' ')) {
        lines.push((spec.name, spec.summary.to_owned()));
        for alias in spec.aliases {
            lines.push((alias, format!("Alias for '{}'.", spec.name)));
        }
    }
    lines.sort_unstable();
    aligned(&lines)
}

fn aligned(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut list = String::new();
    for (name, text) in lines {
        list.push_str(&format!("{name:width$}  {text}\n"));
    }
    list
}

/// What `juju help topics` prints.
pub fn topic_list() -> String {
    aligned(&[
        ("basics", "Where to begin".to_owned()),
        ("commands", "A line on every command".to_owned()),
        ("global-options", "Options that every command takes".to_owned()),
        ("topics", "This list".to_owned()),
    ])
}

/// What `juju help global-options` prints.
pub fn global_options() -> String {
    format!(
        "Global Options\n\nThese options may be used with any command, and may appear in front of any\ncommand.\n\n{}",
        flag_list(GLOBAL_FLAGS, &[])
    )
}

const HELP_SUMMARY: &str = "Show help on a command or a topic.";

/// What `juju help help` prints.
pub(crate) fn help_of_help() -> String {
    let leading = flag_list(LEADING_FLAGS, &[]);
    format!(
        "Usage: juju help [topic]\n\nSummary:\n{HELP_SUMMARY}\n\nDetails:\nIn front of a command there may also be:\n\n{leading}\n\
         {} commands of Juju are known by name only, and say so when they are run.\n\nSee also: topics\n",
        UNSUPPORTED_COMMANDS.len()
    )
}
