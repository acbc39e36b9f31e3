//! The launcher for the tests of this crate, and a driver for it.
//!
//! `charmproof-launch` is the launcher. `charmproof-launch run <file>` runs the
//! command specification in a JSON file and prints the record, so that a test
//! can do that as another user, or kill it. `charmproof-launch probe` prints
//! what the host allows.

use std::process::ExitCode;

use camino::Utf8PathBuf;
use charmproof_sandbox::{CancelToken, CommandSpec, Launcher, launcher_main};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        [] => return ExitCode::from(launcher_main() as u8),
        ["run", file] => run(file, false),
        ["run-without-cgroups", file] => run(file, true),
        ["probe"] => probe(),
        _ => Err(format!("unknown arguments {words:?}").into()),
    };
    match answer {
        Ok(text) => {
            println(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

type Answer = Result<String, Box<dyn std::error::Error>>;

fn launcher() -> Result<Launcher, Box<dyn std::error::Error>> {
    Ok(Launcher::new(Utf8PathBuf::try_from(std::env::current_exe()?)?, Vec::new()))
}

fn run(file: &str, without_cgroups: bool) -> Answer {
    let spec: CommandSpec = serde_json::from_slice(&fs_err::read(file)?)?;
    let mut launcher = launcher()?;
    if without_cgroups {
        launcher = launcher.without_cgroups();
    }
    Ok(serde_json::to_string(&launcher.run(&spec, &CancelToken::new()?)?)?)
}

fn probe() -> Answer {
    Ok(serde_json::to_string_pretty(&launcher()?.probe()?)?)
}

#[expect(clippy::print_stdout, reason = "this is a program for tests, whose output is its answer")]
fn println(text: &str) {
    println!("{text}");
}
