//! charmproof: tells what a change breaks, before it is shipped.

mod args;
mod commands;
mod error;
mod hidden;
mod local;
mod output;
mod place;
mod progress;
mod timeline;
mod tools_server;

use std::process::ExitCode;

use charmproof_sandbox::CancelToken;
use clap::Parser as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::{Cli, Command, LifecycleCommand};
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
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::say(&failure.to_string());
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Returns the code to end with: one of ours, or that of a suite.
fn serve(cli: &Cli) -> Result<u8, Failure> {
    let (colour, is_quiet) = (cli.global.color, cli.global.quiet);
    // What is about sequences of hooks needs no cache, and ends at once when interrupted.
    let begin = || -> Result<(Place, CancelToken), Failure> {
        let place = Place::new(&cli.global)?;
        let cancel =
            CancelToken::new().map_err(|error| Failure::of("the program could not start", &error))?;
        watch_signals(&cancel)?;
        Ok((place, cancel))
    };
    let exit = match &cli.command {
        Command::Test(args) => {
            let (place, cancel) = begin()?;
            return commands::test::run(&place, args, colour, is_quiet, &cancel);
        }
        Command::Check(args) => {
            let (place, cancel) = begin()?;
            commands::check::run(&place, args, colour, is_quiet, &cancel)
        }
        Command::Resume(args) => {
            let (place, cancel) = begin()?;
            commands::resume::run(&place, args, colour, is_quiet, &cancel)
        }
        Command::Fleet(command) => {
            let (place, cancel) = begin()?;
            commands::fleet::run(&place, command, is_quiet, &cancel)
        }
        Command::Show(args) => commands::show::run(&begin()?.0, args, colour),
        Command::Compare(args) => commands::compare::run(&begin()?.0, args, colour),
        Command::Runs(args) => commands::runs::run(&begin()?.0, args, colour),
        Command::Report(args) => commands::report::run(&begin()?.0, args, colour),
        Command::Merge(args) => commands::merge::run(&begin()?.0, args, colour),
        Command::Simulate(args) => commands::simulate::run(args),
        Command::Fuzz(args) => {
            let (place, cancel) = begin()?;
            commands::fuzz::run(&place, args, colour, is_quiet, &cancel)
        }
        Command::Replay(args) => {
            let (place, cancel) = begin()?;
            commands::replay::run(&place, args, is_quiet, &cancel)
        }
        Command::Pack(args) => {
            let (place, cancel) = begin()?;
            commands::pack::run(&place, args, is_quiet, &cancel)
        }
        Command::Juju(args) => hidden::juju(&cli.global, &args.words),
        Command::Crashdump(args) => {
            let (place, cancel) = begin()?;
            commands::crashdump::run(&place, args, is_quiet, &cancel)
        }
        Command::Env(args) => commands::env::run(&begin()?.0, args),
        Command::Shell(args) => commands::env::shell(&begin()?.0, args, is_quiet),
        Command::Validate(args) => commands::validate::run(args, colour),
        Command::Explain(args) => commands::explain::run(args, colour),
        Command::Lifecycle(LifecycleCommand::Graph(args)) => commands::graph::run(args, is_quiet),
        Command::Doctor(args) => commands::doctor::run(&begin()?.0, args),
        Command::Clean(args) => commands::clean::run(&begin()?.0, args),
    };
    Ok(exit? as u8)
}

/// The first signal stops a run in order; the second one at once.
pub(crate) fn watch_signals(cancel: &CancelToken) -> Result<(), Failure> {
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
