//! All commands, with their flags as Juju 3.6 has them.

mod actions;
mod applications;
mod clouds;
mod machines;
mod models;
mod offers;
mod secrets;
mod storage;
mod units;
mod waiting;

use crate::flags::spec::CommandSpec;

const GROUPS: [&[CommandSpec]; 10] = [
    models::COMMANDS,
    applications::COMMANDS,
    units::COMMANDS,
    actions::COMMANDS,
    machines::COMMANDS,
    storage::COMMANDS,
    secrets::COMMANDS,
    offers::COMMANDS,
    clouds::COMMANDS,
    waiting::COMMANDS,
];

/// All commands. Those within a command have a space in their name.
pub fn all() -> impl Iterator<Item = &'static CommandSpec> {
    GROUPS.into_iter().flatten()
}

/// The command with the name or alias.
pub fn find(name: &str) -> Option<&'static CommandSpec> {
    all().find(|spec| spec.name == name || spec.aliases.contains(&name))
}
