//! The page of the commands says what `charmproof COMMAND --help` says: no option is missing from
//! it, and it has none that there is not.

use std::collections::BTreeSet;

use charmproof_fleet::run::settings::UnitLimits;
use clap::{Command, CommandFactory as _};

use super::Cli;

const PAGE: &str = include_str!("../../../../docs/reference/commands.md");
const EVERYWHERE: &str = "Options of every command";

/// Returns a section of the page, without its heading.
fn section(title: &str) -> Option<&'static str> {
    let sections = PAGE.split("\n## ").skip(1);
    sections
        .filter_map(|section| section.split_once('\n'))
        .find(|(name, _)| *name == title)
        .map(|(_, text)| text)
}

/// Returns the long options that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_lowercase() || character == '-';
    let found = text.match_indices("--").filter_map(|(place, _)| {
        let before = text[..place].chars().next_back();
        let name: String = text[place + 2..].chars().take_while(|character| is_part(*character)).collect();
        let is_option =
            before.is_none_or(|before| !is_part(before)) && name.starts_with(|first: char| first != '-');
        is_option.then(|| name.trim_end_matches('-').to_owned())
    });
    found.collect()
}

/// Returns what the first cells of a section's tables name.
fn named_in_tables(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.flat_map(|row| named(row.replace("\\|", " ").split('|').next().unwrap_or_default())).collect()
}

/// Returns the options that a command shows, and those of its subcommands.
fn options(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter(|argument| !argument.is_hide_set() && !argument.is_global_set());
    let own = own.filter_map(|argument| argument.get_long()).map(str::to_owned);
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help").flat_map(options);
    let all: BTreeSet<String> = own.chain(inner).collect();
    all.into_iter().filter(|name| name != "help").collect()
}

/// Returns each command that has a section of its own, with the title of that.
fn commands(cli: &Command) -> Vec<(String, &Command)> {
    let shown =
        cli.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    let mut found = Vec::new();
    for command in shown {
        let name = command.get_name();
        if section(name).is_some() || !command.has_subcommands() {
            found.push((name.to_owned(), command));
            continue;
        }
        let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        found.extend(inner.map(|inner| (format!("{name} {}", inner.get_name()), inner)));
    }
    found
}

#[test]
fn every_command_and_option_has_its_place_on_the_page() {
    let mut cli = Cli::command();
    cli.build();
    let everywhere = named(section(EVERYWHERE).unwrap_or_default());
    let commands = commands(&cli);
    for (title, command) in &commands {
        let text = section(title).unwrap_or_else(|| panic!("`{title}` is not on the page"));
        let (shown, told) = (options(command), named(text));
        let missing: Vec<&String> = shown.difference(&told).collect();
        assert!(missing.is_empty(), "the page does not tell of {missing:?} of `{title}`");
        let strange: Vec<String> = named_in_tables(text)
            .into_iter()
            .filter(|name| !shown.contains(name) && !everywhere.contains(name))
            .collect();
        assert!(strange.is_empty(), "`{title}` has no {strange:?}");
    }
    let titles: BTreeSet<&str> = commands.iter().map(|(title, _)| title.as_str()).collect();
    let sections = PAGE.split("\n## ").skip(1).filter_map(|section| section.lines().next());
    let unknown: Vec<&str> =
        sections.filter(|title| *title != EVERYWHERE && !titles.contains(title)).collect();
    assert!(unknown.is_empty(), "there is no command {unknown:?}");
}

#[test]
fn global_options_are_told_once_for_all() {
    let cli = Cli::command();
    let globals = cli.get_arguments().filter(|argument| argument.is_global_set());
    let globals: BTreeSet<String> =
        globals.filter_map(|argument| argument.get_long()).map(str::to_owned).collect();
    let told = named_in_tables(section(EVERYWHERE).unwrap_or_default());
    let own = BTreeSet::from(["help".to_owned(), "version".to_owned()]);
    assert_eq!(told.difference(&own).cloned().collect::<BTreeSet<_>>(), globals);
}

#[test]
fn options_are_recognised_in_text() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(named(text), expected.iter().map(|name| (*name).to_owned()).collect(), "{text}");
    };
    check("`--jobs N`, `--dry-run`: a run -- with words", &["dry-run", "jobs"]);
    check("a---b and ----", &[]);
    check("--a--b", &["a--b"]);
}

#[test]
fn the_help_tells_the_usual_limits() {
    let UnitLimits { timeout_s, silence_s, memory_mib, processes, log_mib, disk_mib } = UnitLimits::USUAL;
    let command = Cli::command();
    let check = command.find_subcommand("check").unwrap();
    for (name, usual) in [
        ("timeout", timeout_s),
        ("silence", silence_s),
        ("memory", memory_mib),
        ("processes", processes),
        ("log_size", log_mib),
        ("disk", disk_mib),
    ] {
        let argument = check.get_arguments().find(|argument| argument.get_id() == name).unwrap();
        let help = argument.get_help().unwrap().to_string();
        assert!(help.contains(&format!("[default: {usual}, ")), "{name}: {help}");
    }
}
