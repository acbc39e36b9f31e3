//! `charmproof env` and `charmproof shell`: an environment in which `juju` and `charmcraft` are ours.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use camino::Utf8Path;
use charmproof_fleet::process::shell_word;

use crate::args::{DataArgs, EnvArgs, ShellArgs, ShellKind};
use crate::error::{Exit, Failure};
use crate::local::{self, LocalJuju};
use crate::output::{self, say};
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &EnvArgs) -> Result<Exit, Failure> {
    let local = local_juju(place, &args.data)?;
    let shell = args.shell.unwrap_or_else(|| usual(place.variables.get("SHELL").map_or("", String::as_str)));
    output::result(&text(shell, &variables(place, &local)));
    Ok(Exit::Fine)
}

pub(crate) fn shell(place: &Place, args: &ShellArgs, is_quiet: bool) -> Result<Exit, Failure> {
    let local = local_juju(place, &args.data)?;
    let usual = place.variables.get("SHELL").filter(|shell| !shell.is_empty()).cloned();
    let mut words = args.command.iter().cloned();
    let program = words.next().or(usual).unwrap_or_else(|| "/bin/sh".to_owned());
    if args.command.is_empty() && !is_quiet {
        say("`juju` and `charmcraft` are charmproof's in this shell; `exit` leaves it, and models stay");
    }
    let error = Command::new(&program).args(words).envs(variables(place, &local)).exec();
    Err(Failure::of(&format!("`{program}` cannot be started"), &error))
}

/// Lays out the data that is meant.
pub(crate) fn local_juju(place: &Place, data: &DataArgs) -> Result<LocalJuju, Failure> {
    let named = data.data.as_ref().map(|data| place.working_directory.join(data));
    let usual = || local::data_of_call(place.program.as_str(), &place.variables, &place.program);
    let data = named.or_else(usual).ok_or_else(|| {
        Failure::usage("there is no home to keep the data of the local Juju in")
            .hint("name a folder with --data")
    })?;
    LocalJuju::lay_out(&data, &place.program).map_err(|error| {
        Failure::of(&format!("`{data}` cannot be used for the local Juju"), &error)
            .hint("name another folder with --data")
    })
}

/// Returns the variables that differ from those of the user.
fn variables(place: &Place, local: &LocalJuju) -> BTreeMap<String, String> {
    local.variables(place.variables.get("PATH").map_or("/usr/bin:/bin", String::as_str))
}

/// How the user's shell reads variables.
fn usual(shell: &str) -> ShellKind {
    if Utf8Path::new(shell).file_name() == Some("fish") { ShellKind::Fish } else { ShellKind::Sh }
}

/// Writes variables for whoever reads them.
fn text(shell: ShellKind, variables: &BTreeMap<String, String>) -> String {
    let lines = |write: fn(&str, &str) -> String| {
        variables.iter().map(|(name, value)| write(name, value)).collect::<Vec<_>>().join("\n")
    };
    match shell {
        ShellKind::Sh => lines(|name, value| format!("export {name}={}", shell_word(value))),
        ShellKind::Fish => lines(|name, value| {
            // To fish a path is a list, and `'` and `\\` are all that means something between quotes.
            let words = if name == "PATH" { value.split(':').collect() } else { vec![value] };
            let words =
                words.iter().map(|word| format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'")));
            format!("set -gx {name} {}", words.collect::<Vec<_>>().join(" "))
        }),
        ShellKind::Json => serde_json::json!(variables).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shell: ShellKind, expected: &str) {
        let variables = [("JUJU_DATA", "/a b"), ("PATH", "/a b/shims:/usr/bin")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(text(shell, &variables), expected);
    }

    #[test]
    fn each_shell_gets_its_own_words() {
        check(ShellKind::Sh, "export JUJU_DATA='/a b'\nexport PATH='/a b/shims:/usr/bin'");
        check(ShellKind::Fish, "set -gx JUJU_DATA '/a b'\nset -gx PATH '/a b/shims' '/usr/bin'");
        check(ShellKind::Json, r#"{"JUJU_DATA":"/a b","PATH":"/a b/shims:/usr/bin"}"#);
    }

    #[test]
    fn the_users_shell_decides() {
        assert_eq!(usual("/usr/bin/fish"), ShellKind::Fish);
        assert_eq!(usual("/bin/bash"), ShellKind::Sh);
        assert_eq!(usual(""), ShellKind::Sh);
    }
}
