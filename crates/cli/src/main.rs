//! charmproof: tells what a change breaks, before it is shipped.

mod args;
mod commands;
mod error;
mod hidden;
mod output;
mod place;
mod progress;

use std::process::ExitCode;

use charmproof_sandbox::CancelToken;
use clap::Parser as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::{Cli, Command};
use crate::error::{Exit, Failure};
use crate::place::Place;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // Before any thread exists: the sandbox's launcher must be single-threaded.
    if let Some(code) = hidden::serve(&words) {
        return ExitCode::from(u8::try_from(code).unwrap_or(70));
    }
    let cli = Cli::parse();
    match serve(&cli) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            output::say(&failure.to_string());
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn serve(cli: &Cli) -> Result<Exit, Failure> {
    let place = Place::new(&cli.global)?;
    let cancel = CancelToken::new().map_err(|error| Failure::of("the program could not start", &error))?;
    watch_signals(&cancel)?;
    let (colour, is_quiet) = (cli.global.color, cli.global.quiet);
    match &cli.command {
        Command::Check(args) => commands::check::run(&place, args, colour, is_quiet, &cancel),
        Command::Resume(args) => commands::resume::run(&place, args, colour, is_quiet, &cancel),
        Command::Fleet(command) => commands::fleet::run(&place, command, is_quiet, &cancel),
        Command::Show(args) => commands::show::run(&place, args, colour),
        Command::Compare(args) => commands::compare::run(&place, args, colour),
        Command::Runs(args) => commands::runs::run(&place, args, colour),
        Command::Report(args) => commands::report::run(&place, args, colour),
        Command::Merge(args) => commands::merge::run(&place, args, colour),
        Command::Simulate(args) => commands::simulate::run(args),
        Command::Validate(args) => commands::validate::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Doctor(_) => commands::doctor::run(&place),
        Command::Clean(args) => commands::clean::run(&place, args),
    }
}

/// The first signal stops a run in order; the second one at once.
fn watch_signals(cancel: &CancelToken) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Failure::of("the program could not start", &error))?;
    let cancel = cancel.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if cancel.is_cancelled() {
                // Everything that runs dies with this process.
                signal_hook::low_level::exit(Exit::Interrupted as i32);
            }
            cancel.cancel();
        }
    });
    Ok(())
}
