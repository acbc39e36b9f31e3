//! The launcher: what charmproof's hidden subcommand does.
//!
//! It must not start a thread: what follows forks and goes on in Rust.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::parent_id;

use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;

use crate::host;
use crate::machine::holder;
use crate::namespace::{Identity, Level, Shelter, levels, settle};
use crate::payload;
use crate::protocol::{Plan, Report, Request, Started};
use crate::record::ProcessProtection;
use crate::spec::Namespaces;
use crate::supervise;
use crate::sys::{self, Side};

/// The exit code of a launcher that could not do its work.
const FAILED: i32 = 70;
const REQUEST_BYTES_MAX: u64 = 64 << 20;

/// Runs one command as [`crate::Launcher`] asks on standard input and returns
/// the exit code for the process.
///
/// This is the body of the hidden subcommand. Call it first thing in `main`,
/// before any thread exists, and end the process with what it returns.
pub fn launcher_main() -> i32 {
    if speaks_socket() {
        return holder::main();
    }
    // Before anything else: from here on, charmproof's death is ours.
    let tied = set_pdeathsig(Signal::SIGKILL);
    match serve() {
        Ok(()) if tied.is_ok() => 0,
        _ => FAILED,
    }
}

/// Whether this process is to hold machines: then it is spoken to over a socket, not a pipe.
fn speaks_socket() -> bool {
    let kind = rustix::fs::fstat(io::stdin()).map(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode));
    kind == Ok(rustix::fs::FileType::Socket)
}

fn serve() -> io::Result<()> {
    // Not `Stdin`, which would read ahead what is for the supervisor.
    let mut control = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut length = [0; 8];
    control.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length).min(REQUEST_BYTES_MAX);
    let mut request = Vec::new();
    (&control).take(length).read_to_end(&mut request)?;
    match serde_json::from_slice(&request)? {
        Request::Probe => report(&host::probe_namespaces()),
        Request::Run(plan) => {
            if parent_id() != plan.parent {
                // It died before its death would have been ours.
                return Ok(());
            }
            launch(&plan, &mut control)
        }
    }
}

/// Tries one level after the other.
fn launch(plan: &Plan, control: &mut File) -> io::Result<()> {
    // Opened outside of any namespace, where they can be written.
    let open = |path| fs_err::OpenOptions::new().write(true).open(path).map(|file| file.into_parts().0);
    let joins = plan.joins.iter().map(open).collect::<io::Result<Vec<_>>>()?;
    let identity = Identity::current();
    let mut notes = Vec::new();
    for level in levels(&plan.isolation, nix::unistd::geteuid().is_root()) {
        if level == Level::BARE {
            if plan.isolation.namespaces == Namespaces::Required && !notes.is_empty() {
                break;
            }
            return command(plan, &joins, control, level, Shelter::none(), notes);
        }
        match descend(plan, &joins, control, level, identity, &notes)? {
            None => return Ok(()),
            Some(refusal) => notes.push(format!("{} refused: {refusal}", level.describe())),
        }
    }
    report(&Report::Refused { notes })
}

/// Runs the command in a child that lives in `level`. The answer is why that
/// was refused, if it was.
fn descend(
    plan: &Plan,
    joins: &[File],
    control: &mut File,
    level: Level,
    identity: Identity,
    notes: &[String],
) -> io::Result<Option<String>> {
    let (mut answer, mut question) = io::pipe()?;
    match sys::fork_into(level.clone_flags()) {
        Err(errno) => Ok(Some(errno.desc().to_owned())),
        Ok(Side::Child) => {
            drop(answer);
            let code = match enter(plan, level, identity) {
                Err(refusal) => {
                    let _ = question.write_all(refusal.as_bytes());
                    FAILED
                }
                Ok(shelter) => {
                    let settled = question.write_all(b"+");
                    drop(question);
                    let done =
                        settled.and_then(|()| command(plan, joins, control, level, shelter, notes.to_vec()));
                    if done.is_ok() { 0 } else { FAILED }
                }
            };
            leave(code)
        }
        Ok(Side::Parent { child }) => {
            drop(question);
            let mut verdict = String::new();
            // Closed as soon as it settled: this is not the wait for its end.
            answer.read_to_string(&mut verdict)?;
            while waitpid(child, None) == Err(nix::Error::EINTR) {}
            Ok((verdict != "+").then_some(verdict))
        }
    }
}

#[expect(clippy::exit, reason = "the child of a fork must not return into its parent's code")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

fn enter(plan: &Plan, level: Level, identity: Identity) -> Result<Shelter, String> {
    // The first process of a namespace takes all others with it. Without one,
    // somebody must be left to kill them.
    let last_word = if level.processes { Signal::SIGKILL } else { Signal::SIGTERM };
    set_pdeathsig(last_word).map_err(|errno| errno.desc().to_owned())?;
    settle(level, identity, &plan.isolation)
}

/// Starts and supervises the command in this process's own surroundings.
fn command(
    plan: &Plan,
    joins: &[File],
    control: &mut File,
    level: Level,
    shelter: Shelter,
    mut notes: Vec<String>,
) -> io::Result<()> {
    let signals = supervise::signals()?;
    if shelter.processes == ProcessProtection::Subreaper {
        set_child_subreaper(true)?;
        set_pdeathsig(Signal::SIGTERM)?;
    }
    notes.extend(shelter.notes);
    let main = match payload::start(plan, joins) {
        Ok(main) => main,
        Err(failure) => return report(&Report::NotStarted(failure)),
    };
    report(&Report::Started(Started {
        processes: shelter.processes,
        files: shelter.files,
        user_namespace: level.user,
        notes,
    }))?;
    let finish = supervise::supervise(main, control, &signals, shelter.processes, plan.counts_leftovers);
    report(&Report::Ended(finish))
}

fn report(report: &Report) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    // Not `print!`: a line is one write, also from the child of a fork.
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(&line)
}
