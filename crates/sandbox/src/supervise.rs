//! Waits for the command and ends all that it started.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeValLike;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};

use crate::procfs;
use crate::protocol::{Finish, KILL, Status, TERMINATE};
use crate::record::ProcessProtection;

/// How long processes that do not die are waited for. A process dies late when
/// it sits in the kernel, and not at all when it changed its user.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often to look for new descendants while the old ones die.
const SWEEP_PERIOD_MS: u16 = 5;

/// The signals of this process, as a descriptor. Make it before there is a
/// child, or its end may be missed.
pub(crate) fn signals() -> nix::Result<SignalFd> {
    let mut mask = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        mask.add(signal);
    }
    mask.thread_block()?;
    SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Waits for the end of `main`, or for the word to kill it, and ends whatever
/// it left.
pub(crate) fn supervise(
    main: Pid,
    control: &mut File,
    signals: &SignalFd,
    processes: ProcessProtection,
    counts_leftovers: bool,
) -> Finish {
    let status = wait(main, control, signals);
    let threads_left = counts_leftovers.then(|| procfs::usage(getpid().as_raw()).threads);
    let mut notes = Vec::new();
    if !kill_all(signals, processes) {
        notes.push(format!("some processes outlived SIGKILL for {} seconds", PATIENCE.as_secs()));
    }
    let (mut cpu_time, mut resident_peak_bytes) = (Duration::ZERO, 0);
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) {
        let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        cpu_time = Duration::from_micros(u64::try_from(microseconds).unwrap_or(0));
        resident_peak_bytes = u64::try_from(usage.max_rss()).unwrap_or(0) * 1024;
    }
    Finish { status, cpu_time, resident_peak_bytes, threads_left, notes }
}

fn wait(main: Pid, control: &mut File, signals: &SignalFd) -> Status {
    loop {
        let mut fds = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(control.as_fd(), PollFlags::POLLIN),
        ];
        if poll(&mut fds, PollTimeout::NONE).is_err_and(|errno| errno != Errno::EINTR) {
            return Status::Killed;
        }
        let (signalled, spoken) = (fds[0].any() == Some(true), fds[1].any() == Some(true));
        if signalled {
            while let Ok(Some(signal)) = signals.read_signal() {
                if signal.ssi_signo != Signal::SIGCHLD as u32 {
                    return Status::Killed;
                }
            }
            if let Some(status) = reap(Some(main)) {
                return status;
            }
        }
        if spoken {
            let mut byte = [KILL];
            // The end of the pipe is the end of charmproof.
            match control.read(&mut byte) {
                Ok(1) if byte[0] == TERMINATE => drop(killpg(main, Signal::SIGTERM)),
                _ => return Status::Killed,
            }
        }
    }
}

/// Reaps all children that have ended; the answer is about `main`.
fn reap(main: Option<Pid>) -> Option<Status> {
    let mut answer = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if Some(pid) == main => {
                answer = Some(Status::Code(code));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if Some(pid) == main => {
                answer = Some(Status::Signal(signal as i32));
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return answer,
            Ok(_) => {}
        }
    }
}

/// Kills all descendants and waits for them. Says whether none is left: as the
/// first process of a namespace, or as a subreaper, this process is the parent
/// of every orphan, so no child means no descendant.
fn kill_all(signals: &SignalFd, processes: ProcessProtection) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        reap(None);
        if waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) == Err(Errno::ECHILD) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        match processes {
            ProcessProtection::PidNamespace => drop(kill(Pid::from_raw(-1), Signal::SIGKILL)),
            ProcessProtection::Subreaper => {
                for process in procfs::descendants(getpid().as_raw()) {
                    if !process.is_zombie {
                        let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
                    }
                }
            }
        }
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(SWEEP_PERIOD_MS));
        while let Ok(Some(_)) = signals.read_signal() {}
    }
}
