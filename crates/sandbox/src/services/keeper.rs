//! The keeper of one service's processes.
//!
//! A service may leave its first process and go on in the background. So each has a keeper: a
//! fork of the manager that starts the service's processes and is their *child subreaper*, which
//! makes it the parent of whatever they leave behind. What descends from the keeper is the
//! service, and nothing else is; the kernel keeps the books, with or without control groups.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::plan::ProcessPlan;
use super::process;
use super::service::status::ExitStatus;
use crate::machine::wire;
use crate::procfs;
use crate::supervise;
use crate::sys::{self, Side};

/// What a keeper is told. The end of the socket is the end of the keeper.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
    /// Start a process. Descriptors: where its output goes, and its sockets.
    Run(Box<ProcessPlan>),
}

/// What a keeper tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum News {
    Started {
        pid: i32,
        is_executed: bool,
    },
    NotStarted {
        why: String,
    },
    Ended {
        pid: i32,
        status: ExitStatus,
    },
    /// No process is left.
    Empty,
}

/// A keeper, as the manager has it.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) pid: Pid,
    pub(super) socket: OwnedFd,
    /// What came while something else was waited for.
    early: Vec<News>,
}

impl Keeper {
    /// Forks a keeper. The caller has one thread.
    pub(super) fn start() -> io::Result<Self> {
        let (ours, theirs) = wire::pair()?;
        match sys::fork_here()? {
            Side::Child => {
                let code = match sys::keep_only([Some(theirs)]) {
                    Ok([Some(socket)]) => i32::from(keep(&socket).is_err()),
                    Ok([None]) | Err(_) => 1,
                };
                leave(code)
            }
            Side::Parent { child } => Ok(Self { pid: child, socket: ours, early: Vec::new() }),
        }
    }

    /// Starts a process, and waits until its program has taken over or has not.
    pub(super) fn run(
        &mut self,
        plan: ProcessPlan,
        output: &OwnedFd,
        sockets: &[&OwnedFd],
    ) -> Result<(i32, bool), String> {
        let descriptors: Vec<_> =
            std::iter::once(output).chain(sockets.iter().copied()).map(AsFd::as_fd).collect();
        wire::send(&self.socket, &Order::Run(Box::new(plan)), &descriptors)
            .map_err(|error| error.to_string())?;
        loop {
            match wire::receive::<News>(&self.socket).map_err(|error| error.to_string())? {
                Some((News::Started { pid, is_executed }, _)) => return Ok((pid, is_executed)),
                Some((News::NotStarted { why }, _)) => return Err(why),
                Some((news @ (News::Ended { .. } | News::Empty), _)) => self.early.push(news),
                None => return Err("the keeper of its processes is gone".to_owned()),
            }
        }
    }

    /// What happened, as far as it is known; `None` once the keeper is gone.
    pub(super) fn hear(&mut self) -> Option<Vec<News>> {
        let mut heard = std::mem::take(&mut self.early);
        while is_readable(&self.socket) {
            match wire::receive::<News>(&self.socket) {
                Ok(Some((news, _))) => heard.push(news),
                Ok(None) | Err(_) if heard.is_empty() => return None,
                Ok(None) | Err(_) => break,
            }
        }
        Some(heard)
    }

    /// Whether [`Keeper::hear`] has something that no descriptor tells of.
    pub(super) fn has_early_news(&self) -> bool {
        !self.early.is_empty()
    }

    /// The processes of the service that are not yet gone.
    pub(super) fn processes(&self) -> Vec<i32> {
        procfs::descendants(self.pid.as_raw())
            .into_iter()
            .filter(|process| !process.is_zombie)
            .map(|process| process.pid)
            .collect()
    }
}

fn is_readable(socket: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

#[expect(clippy::exit, reason = "the child of a fork must not return into its parent's code")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

/// The life of a keeper.
fn keep(socket: &OwnedFd) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    set_child_subreaper(true)?;
    let signals = supervise::signals()?;
    let mut has_children = false;
    loop {
        let mut fds =
            [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
            Ok(_) => {}
        }
        let (is_signalled, is_spoken_to) = (fds[0].any() == Some(true), fds[1].any() == Some(true));
        if is_signalled {
            // Whoever sends a keeper anything but the end of a child means the service.
            while let Ok(Some(_)) = signals.read_signal() {}
            reap(socket, &mut has_children)?;
        }
        if is_spoken_to {
            let Some((Order::Run(plan), descriptors)) = wire::receive::<Order>(socket)? else {
                return Ok(());
            };
            let mut descriptors = descriptors.into_iter();
            let Some(output) = descriptors.next() else { continue };
            let news = match process::start(&plan, &output, descriptors.collect()) {
                Ok((pid, is_executed)) => {
                    has_children = true;
                    News::Started { pid: pid.as_raw(), is_executed }
                }
                Err(error) => News::NotStarted { why: error.to_string() },
            };
            wire::send(socket, &news, &[])?;
        }
    }
}

fn reap(socket: &OwnedFd, has_children: &mut bool) -> io::Result<()> {
    loop {
        let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, ExitStatus::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, dumped_core)) => {
                (pid, ExitStatus::Signal { number: signal as i32, dumped_core })
            }
            Err(Errno::ECHILD) => {
                if std::mem::take(has_children) {
                    wire::send(socket, &News::Empty, &[])?;
                }
                return Ok(());
            }
            Ok(_) | Err(_) => return Ok(()),
        };
        wire::send(socket, &News::Ended { pid: pid.as_raw(), status }, &[])?;
    }
}
