//! The process that models live in: it takes command lines and runs each on a thread of its own.
//!
//! There is one for each data folder. It is started by the first command that needs it, and goes when
//! no model is left, and that is written down.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGINT, SIGTERM};
use thiserror::Error;

use crate::client::READY;
use crate::commands;
use crate::controller::Controller;
use crate::controller::database::DatabaseError;
use crate::hosting::Hosting;
use crate::place::DataFolder;
use crate::session::{Attention, Session};
use crate::wire::{self, Reply};

/// How long it stays when there is nothing left to do: somebody may be about to type another command.
const IDLE: Duration = Duration::from_millis(1500);
/// How often it looks whether it is wanted.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// How long a client may take to say what it wants.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the one before may take to end, which answers nobody any more.
const PREDECESSOR_ENDS: Duration = Duration::from_secs(20);

/// What a command ends with that broke down.
const BROKEN: i32 = 70;

/// Why there is no supervisor.
#[derive(Debug, Error)]
pub enum SupervisorError {
    /// Another one has the folder.
    #[error("another supervisor has the data folder")]
    Taken,
    /// Something of ours that did not work.
    #[error("the supervisor cannot run: {0}")]
    Io(#[from] io::Error),
    /// What is kept cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Runs the supervisor of a folder until it is not needed any more.
pub fn run(folder: &DataFolder, hosting: Box<dyn Hosting>) -> Result<(), SupervisorError> {
    // What a terminal sends to those who type in it is not for us. A process that leads a group
    // already is as good.
    let _ = rustix::process::setsid();
    folder.make()?;
    let claim = folder.lock_supervisor(PREDECESSOR_ENDS).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => SupervisorError::Taken,
        _ => SupervisorError::Io(error),
    })?;
    let is_told_to_go = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&is_told_to_go))?;
    }
    let controller = Controller::open(folder.clone(), hosting)?;
    let listener = wire::listen(&folder.socket())?;
    listener.set_nonblocking(true)?;
    controller.wake();
    tell_ready()?;
    let has_folder = || folder.holds(&claim);
    serve(&controller, &listener, &is_told_to_go, &has_folder);
    // Whoever connects from now on starts another one. Where the folder was deleted and made anew, the
    // socket there is already that of another one.
    if has_folder() {
        let _ = fs_err::remove_file(folder.socket());
    }
    refuse_waiting(&listener);
    controller.end();
    controller.write_down_again();
    Ok(())
}

/// Says to who started it that it is there, and lets go of the descriptor.
fn tell_ready() -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{READY}")?;
    stdout.flush()?;
    let nothing = fs_err::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(nothing.file().as_fd())?;
    Ok(())
}

fn serve(
    controller: &Arc<Controller>,
    listener: &UnixListener,
    is_told_to_go: &AtomicBool,
    has_folder: &dyn Fn() -> bool,
) {
    let sessions = Arc::new(AtomicUsize::new(0));
    let mut last_needed = Instant::now();
    loop {
        // Who deletes the folder wants the models to be gone; nobody could reach them again anyway.
        if is_told_to_go.load(Ordering::Relaxed) || !has_folder() {
            return;
        }
        controller.tick();
        controller.bring_back_machines();
        controller.follow_agents();
        controller.write_down_again();
        let mut polled = [PollFd::new(listener, PollFlags::IN)];
        let _ = poll(&mut polled, Some(&LOOK_AGAIN));
        if let Ok((stream, _)) = listener.accept() {
            last_needed = Instant::now();
            if !is_ours(&stream) {
                continue;
            }
            sessions.fetch_add(1, Ordering::SeqCst);
            let (controller, sessions) = (Arc::clone(controller), Arc::clone(&sessions));
            thread::spawn(move || {
                attend(&controller, stream);
                sessions.fetch_sub(1, Ordering::SeqCst);
            });
        } else if controller.is_needed() || sessions.load(Ordering::SeqCst) > 0 {
            last_needed = Instant::now();
        } else if last_needed.elapsed() > IDLE {
            return;
        }
    }
}

/// Tells clients that were a moment too late.
fn refuse_waiting(listener: &UnixListener) {
    while let Ok((mut stream, _)) = listener.accept() {
        let _ = wire::send(&mut stream, &Reply::Ending);
    }
}

/// Whether the other side is the same user. The folder is closed to others; this is the second lock.
fn is_ours(stream: &UnixStream) -> bool {
    let peer = rustix::net::sockopt::socket_peercred(stream);
    peer.is_ok_and(|peer| peer.uid == rustix::process::getuid() || peer.uid.is_root())
}

/// Runs one command line.
fn attend(controller: &Arc<Controller>, mut stream: UnixStream) {
    let received = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(REQUEST_TIMEOUT)))
        .and_then(|()| wire::receive_request(&mut stream));
    let Ok((request, [stdin, stdout, stderr])) = received else { return };
    if wire::send(&mut stream, &Reply::Taken).is_err() {
        return;
    }
    let attention = Attention::default();
    watch(&stream, attention.clone());
    let session = Session {
        words: request.words,
        cwd: request.cwd,
        env: request.env,
        stdin: stdin.into(),
        stdout: stdout.into(),
        stderr: stderr.into(),
        attention,
        caller: stream.try_clone().ok(),
    };
    // A command that breaks down is told, and takes nobody along: what it had changed was whole.
    let mut stderr = session.stderr.try_clone();
    let run = std::panic::AssertUnwindSafe(|| commands::run(controller, session));
    let code = std::panic::catch_unwind(run).unwrap_or_else(|_| {
        if let Ok(stderr) = &mut stderr {
            let _ = writeln!(
                stderr,
                "ERROR this is a mistake of charmproof's: see {}",
                controller.folder().log()
            );
        }
        BROKEN
    });
    if let (Some(trouble), Ok(stderr)) = (controller.unsaved(), &mut stderr) {
        let folder = controller.folder().path();
        let _ = writeln!(
            stderr,
            "WARNING what has changed is in memory only, and lost if the local Juju ends: {trouble}\n\
             WARNING free some space where {folder} is; it is written down by itself then"
        );
    }
    let _ = wire::send(&mut stream, &Reply::Done(code));
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

/// Notices when the client leaves its terminal to the command, and when it goes before the command is over,
/// as with Ctrl-C.
fn watch(stream: &UnixStream, attention: Attention) {
    let Ok(mut stream) = stream.try_clone() else { return };
    let _ = stream.set_read_timeout(None);
    thread::spawn(move || {
        let mut word = [0];
        while matches!(stream.read(&mut word), Ok(1)) && word == [wire::TERMINAL_IS_LEFT] {
            attention.leave_terminal();
        }
        attention.end();
    });
}
