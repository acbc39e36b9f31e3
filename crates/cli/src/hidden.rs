//! The calls that charmproof makes to itself.
//!
//! They are no part of the command line that people use: `__launch` enters the
//! sandbox, `__swap` puts the swapped packages into an environment, `__shim` stands in
//! for `uv` and `poetry` inside a run, `__lifecycle` plays lives as the suite of a unit, `__integration` runs a
//! unit's integration tests with a local Juju beside them, `__pebble` is the Pebble of a container by itself,
//! `__supervisor` the process that models of the local Juju live in, and
//! `__tools-server` lets the tests of the Python package call the hook tools. Called by the name
//! `juju`, `charmcraft` or `pebble`, the program is one of those.

pub(crate) mod charmcraft;
mod integration;
mod lifecycle;
mod named;
mod pebble;
pub(crate) mod supervisor;

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_fleet::inject::environment::{swap_all, swap_prefix};
use charmproof_fleet::inject::shim::{self, Plan};
use charmproof_fleet::inject::unit_file::UnitFile;

use crate::args::Global;
use crate::error::{Exit, Failure};

/// Serves a hidden call; `None` if this is none.
pub(crate) fn serve(words: &[String]) -> Option<i32> {
    if let Some(code) = named::serve(words) {
        return Some(code);
    }
    match words.get(1)?.as_str() {
        // Its command line is Juju's, so nothing of it may be read as ours.
        "juju" => Some(named::juju(&words[0], &words[2..])),
        "__launch" => Some(charmproof_sandbox::launcher_main()),
        "__swap" => Some(swap(&words[2..])),
        "__lifecycle" => Some(lifecycle::serve(&words[2..])),
        "__integration" => Some(integration::serve(&words[2..])),
        "__shim" => Some(stand_in(&words[2..])),
        "__tools-server" => Some(crate::tools_server::serve(&words[2..])),
        "__supervisor" => Some(supervisor::serve(&words[2..])),
        "__pebble" => Some(pebble::serve(&words[2..])),
        _ => None,
    }
}

/// Becomes the client of the local Juju, where options of charmproof came before `juju`. With none, the
/// call never gets as far as being parsed.
pub(crate) fn juju(global: &Global, words: &[String]) -> Result<Exit, Failure> {
    let failed = |error: &std::io::Error| Failure::of("the local Juju could not be called", error);
    let mut command = Command::new(std::env::current_exe().map_err(|error| failed(&error))?);
    command.arg("juju").args(words);
    if let Some(cache) = &global.cache {
        command.env("CHARMPROOF_CACHE", cache);
    }
    Err(failed(&command.exec()))
}

#[expect(clippy::print_stderr, reason = "what goes wrong inside a run belongs into its log")]
fn complain(message: &str) {
    eprintln!("charmproof: {message}");
}

fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// `--unit FILE [--prefix DIR | --here]`: one environment, the one that is active, or
/// all around the charm.
fn swap(words: &[String]) -> i32 {
    let mut unit = None;
    let mut prefixes: Vec<Utf8PathBuf> = Vec::new();
    let mut is_here = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--unit" => unit = words.next(),
            "--prefix" => prefixes.extend(words.next().map(Utf8PathBuf::from)),
            "--here" => is_here = true,
            _ => {}
        }
    }
    let Some(unit) = unit.and_then(|path| UnitFile::read(Utf8Path::new(path)).ok()) else {
        complain("the unit's description cannot be read");
        return 70;
    };
    let variables = variables();
    if is_here {
        prefixes.extend(variables.get("VIRTUAL_ENV").map(Utf8PathBuf::from));
    }
    let result = if prefixes.is_empty() {
        swap_all(&unit, &variables)
    } else {
        prefixes.iter().try_for_each(|prefix| swap_prefix(&unit, prefix))
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            complain(&chain(&error));
            70
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// `--unit FILE PROGRAM ARGUMENTS...`.
fn stand_in(words: &[String]) -> i32 {
    let [_, unit_path, program, arguments @ ..] = words else {
        complain("a shim was called without its unit");
        return 70;
    };
    let Ok(unit) = UnitFile::read(Utf8Path::new(unit_path)) else {
        complain("the unit's description cannot be read");
        return 70;
    };
    let variables = variables();
    let Some(real) = shim::real_program(&unit, program, &variables) else {
        complain(&format!("{program}: command not found"));
        return 127;
    };
    let swap_command: Vec<String> =
        [unit.charmproof.as_str(), "__swap", "--unit", unit_path, "--here"].map(ToString::to_string).to_vec();
    if shim::is_isolated(program, arguments) {
        // Losing this line makes the proof weaker, never stronger.
        let _ = unit.emit(&serde_json::json!({"event": "isolated", "command": arguments.join(" ")}));
    }
    match shim::plan(program, arguments, &swap_command) {
        Plan::Become(words) => become_program(Command::new(&real).args(words), program),
        Plan::BecomeTox(words) => become_program(Command::new("tox").args(words), "tox"),
        Plan::RunThenSwap(words) => {
            let code = run(Command::new(&real).args(words), program);
            if code != 0 {
                return code;
            }
            match swap_all(&unit, &variables) {
                Ok(()) => 0,
                Err(error) => {
                    complain(&chain(&error));
                    70
                }
            }
        }
        Plan::SyncThenBecome { sync, run: words } => {
            let code = run(Command::new(&real).args(sync), program);
            if code != 0 {
                return code;
            }
            become_program(Command::new(&real).args(words), program)
        }
    }
}

fn become_program(command: &mut Command, name: &str) -> i32 {
    let error = command.exec();
    complain(&format!("{name}: {error}"));
    127
}

fn run(command: &mut Command, name: &str) -> i32 {
    match command.status() {
        Ok(status) => code_of(status),
        Err(error) => {
            complain(&format!("{name}: {error}"));
            127
        }
    }
}

fn code_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}
