//! Terminals: the one that a person types in, and the one that a command has in a machine or pod.
//!
//! What is typed goes to the command as it is typed: so the person's terminal is *raw* meanwhile, which is
//! done and undone by the `juju` that was typed, whose terminal it is. What goes between both is handed on by
//! the supervisor ([`relay`]).

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::hosting::{Ended, Process};
use crate::session::Session;

/// What a terminal takes as the end of what is typed.
const END_OF_INPUT: u8 = 4;
/// How often is looked whether the person's terminal has another size, and whether they still wait.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// The same for a command that has let go of its terminal.
const LOOK_SOON: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// The terminal of this process, which hands on what is typed as it is typed. It is what it was before when
/// this goes, and when the process is ended by a signal.
pub(crate) struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// Makes standard input raw. In the background, the kernel stops the process until it is in the
    /// foreground.
    pub(crate) fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        restore_at_signals(&before)?;
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Lets signals that end the process undo what it did to its terminal first.
fn restore_at_signals(before: &Termios) -> io::Result<()> {
    let (mut told, teller) = UnixStream::pair()?;
    let which = Arc::new(AtomicUsize::new(0));
    for signal in [SIGTERM, SIGHUP, SIGINT, SIGQUIT] {
        let number = usize::try_from(signal).map_err(io::Error::other)?;
        signal_hook::flag::register_usize(signal, Arc::clone(&which), number)?;
        signal_hook::low_level::pipe::register(signal, teller.try_clone()?)?;
    }
    let before = before.clone();
    std::thread::spawn(move || {
        if told.read_exact(&mut [0]).is_ok() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
            let signal = i32::try_from(which.load(Ordering::Relaxed)).unwrap_or(SIGTERM);
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// What a person's terminal was like, if they have one.
pub(crate) struct Before<'a> {
    stdin: &'a File,
    modes: Option<Termios>,
}

impl<'a> Before<'a> {
    /// Remembers it.
    pub(crate) fn of(session: &'a Session) -> Self {
        Self { stdin: &session.stdin, modes: tcgetattr(&session.stdin).ok() }
    }

    /// Makes another terminal like this one.
    pub(crate) fn apply(&self, terminal: &OwnedFd) {
        if let Some(modes) = &self.modes {
            let _ = tcsetattr(terminal, OptionalActions::Now, modes);
        }
    }
}

impl Drop for Before<'_> {
    fn drop(&mut self) {
        // What is said from here on is said to a terminal that is as it was; and the client may have been
        // killed before it could do it.
        if let Some(modes) = &self.modes {
            let _ = tcsetattr(self.stdin, OptionalActions::Drain, modes);
        }
    }
}

/// Returns the size of the terminal that a person sees.
pub(crate) fn size(session: &Session) -> Option<Winsize> {
    tcgetwinsize(&session.stdin).or_else(|_| tcgetwinsize(&session.stdout)).ok()
}

/// Gives a terminal its size.
pub(crate) fn set_size(terminal: &OwnedFd, size: Option<Winsize>) {
    if let Some(size) = size {
        let _ = tcsetwinsize(terminal, size);
    }
}

/// Hands on what is typed and what is printed until the command is over. `watched` is our end of the
/// command's terminal. `None` if nobody waits any more, and the command was ended.
pub(crate) fn relay(
    session: &Session,
    watched: OwnedFd,
    process: &dyn Process,
    is_over: &dyn Fn() -> bool,
) -> io::Result<Option<Ended>> {
    fcntl_setfl(&watched, fcntl_getfl(&watched)? | OFlags::NONBLOCK)?;
    let mut watched = File::from(watched);
    let mut stdin = &session.stdin;
    let mut last_size = size(session);
    let mut typed: Vec<u8> = Vec::new();
    let (mut reads, mut is_open) = (true, true);
    let mut buffer = vec![0; 16 << 10];
    loop {
        // Looked at before what it has printed: nothing is printed after its end.
        let ended = process.wait_for(Duration::ZERO);
        let nothing = PollFlags::empty();
        let wants_typed = if reads && typed.is_empty() { PollFlags::IN } else { nothing };
        let wants_watched = match (is_open, typed.is_empty()) {
            (true, true) => PollFlags::IN,
            (true, false) => PollFlags::IN | PollFlags::OUT,
            (false, _) => nothing,
        };
        // A terminal that is gone would be told of again and again, so it is left out.
        let own = stdin.as_fd();
        let mut polled = Vec::with_capacity(2);
        if is_open {
            polled.push(PollFd::new(&watched, wants_watched));
        }
        if !wants_typed.is_empty() {
            polled.push(PollFd::from_borrowed_fd(own, wants_typed));
        }
        let patience = match (ended.is_some(), is_open) {
            (true, _) => Timespec { tv_sec: 0, tv_nsec: 0 },
            (false, true) => LOOK_AGAIN,
            (false, false) => LOOK_SOON,
        };
        match poll(&mut polled, Some(&patience)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let found = |at: usize| polled.get(at).map_or(nothing, PollFd::revents);
        let (of_watched, of_typed) = if is_open { (found(0), found(1)) } else { (nothing, found(0)) };
        let mut has_printed = false;
        if of_watched.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            match watched.read(&mut buffer) {
                Ok(count @ 1..) => {
                    has_printed = true;
                    let gives_up = || session.attention.is_over() || is_over();
                    if write_patiently(&session.stdout, &buffer[..count], &gives_up).is_err() {
                        session.attention.end();
                    }
                }
                Err(error) if is_for_later(&error) => {}
                // Nobody has the other end any more.
                Ok(_) | Err(_) => is_open = false,
            }
        }
        if let Some(ended) = ended.filter(|_| !has_printed) {
            return Ok(Some(ended));
        }
        if of_watched.contains(PollFlags::OUT) && !typed.is_empty() {
            match watched.write(&typed) {
                Ok(count) => drop(typed.drain(..count)),
                Err(error) if is_for_later(&error) => {}
                Err(_) => is_open = false,
            }
        }
        if of_typed.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            match stdin.read(&mut buffer) {
                Ok(count @ 1..) => typed.extend_from_slice(&buffer[..count]),
                Err(error) if is_for_later(&error) => {}
                Ok(_) | Err(_) => {
                    reads = false;
                    typed.push(END_OF_INPUT);
                }
            }
        }
        let now = size(session);
        if now != last_size {
            set_size(&OwnedFd::from(watched.try_clone()?), now);
            last_size = now;
        }
        if session.attention.is_over() || is_over() {
            process.kill();
            return Ok(None);
        }
    }
}

/// Writes all of it. Where whoever reads takes no more at this moment and wants nobody to wait for that, we
/// wait all the same, as long as somebody wants it.
pub(crate) fn write_patiently(
    mut to: &File,
    mut bytes: &[u8],
    gives_up: &dyn Fn() -> bool,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if is_for_later(&error) && !gives_up() => {
                match poll(&mut [PollFd::new(&to, PollFlags::OUT)], Some(&LOOK_AGAIN)) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Whether what a person types comes from a terminal.
pub(crate) fn is_typed(session: &Session) -> bool {
    session.stdin.is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_take_more_at_once_gets_all_of_it() {
        let (mut reader, writer) = io::pipe().unwrap();
        let writer = File::from(OwnedFd::from(writer));
        fcntl_setfl(&writer, fcntl_getfl(&writer).unwrap() | OFlags::NONBLOCK).unwrap();
        let long = vec![b'x'; 1 << 20];
        let given_up = write_patiently(&writer, &long, &|| true).unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::WouldBlock);
        let reading = std::thread::spawn(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| read.len())
        });
        write_patiently(&writer, &long, &|| false).unwrap();
        drop(writer);
        assert!(reading.join().unwrap().unwrap() > long.len());
    }
}
