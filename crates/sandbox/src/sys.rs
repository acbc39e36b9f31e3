//! The few system calls that no crate wraps safely.
//!
//! Only the launcher calls them, and the launcher has one thread: that is what
//! makes going on in Rust after a fork sound.

#![expect(unsafe_code, reason = "fork, clone and prctl have no safe wrapper; each use says why it is sound")]

use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sched::CloneFlags;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::unistd::{ForkResult, Pid, fork};

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Parent { child: Pid },
    Child,
}

/// Forks. The caller's process must have a single thread.
pub(crate) fn fork_here() -> nix::Result<Side> {
    // SAFETY: with a single thread no lock can be held by a thread that does
    // not exist in the child.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(Side::Parent { child }),
        ForkResult::Child => Ok(Side::Child),
    }
}

/// Forks a child into new namespaces. The caller's process must have a single
/// thread. Unlike `unshare`, it leaves the caller where it was.
pub(crate) fn fork_into(namespaces: CloneFlags) -> nix::Result<Side> {
    if namespaces.is_empty() {
        return fork_here();
    }
    let flags = libc::c_long::from(namespaces.bits() | libc::SIGCHLD);
    let zero: libc::c_long = 0;
    // SAFETY: without CLONE_VM and with a null stack this is a fork: the child
    // has a copy of everything. The other arguments are unused without the
    // flags that ask for them, so their order on each architecture is no matter.
    let result = unsafe { libc::syscall(libc::SYS_clone, flags, zero, zero, zero, zero) };
    match nix::errno::Errno::result(result)? {
        0 => Ok(Side::Child),
        child => Ok(Side::Parent { child: Pid::from_raw(child as libc::pid_t) }),
    }
}

/// Gives every signal its default meaning and blocks none. Rust ignores
/// SIGPIPE, and whoever started us may ignore others; both would be inherited.
pub(crate) fn reset_signals() {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: the default action is no handler that could do harm. Numbers
        // that may not be changed are refused.
        let _ = unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// Takes a capability from all programs that this process will execute.
pub(crate) fn drop_bounding_capability(number: libc::c_ulong) -> io::Result<()> {
    // SAFETY: PR_CAPBSET_DROP takes one number and touches no memory of ours.
    match unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes every file descriptor from 3 on close at the next exec. Kernels
/// before 5.11 cannot; ours are all opened that way, so it is only about what
/// charmproof was itself given.
pub(crate) fn close_others_on_exec() {
    let (first, last): (libc::c_uint, libc::c_uint) = (3, libc::c_uint::MAX);
    // SAFETY: it only sets a flag on descriptors; nothing is closed here.
    let _ = unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Closes every file descriptor but the standard ones and those given, which get new numbers.
/// The caller's process must have a single thread and must not use, or drop, any other
/// descriptor afterwards: it is for the child of a fork that goes its own way.
pub(crate) fn keep_only<const N: usize>(kept: [Option<OwnedFd>; N]) -> nix::Result<[Option<OwnedFd>; N]> {
    // More than the kernel lets anybody have would be refused below.
    let first_free = 3 + RawFd::try_from(N).unwrap_or(RawFd::MAX - 3);
    let mut high: [Option<RawFd>; N] = [None; N];
    for (number, descriptor) in high.iter_mut().zip(kept) {
        let Some(descriptor) = descriptor else { continue };
        // Above all that is given back below.
        *number = Some(fcntl(&descriptor, FcntlArg::F_DUPFD_CLOEXEC(first_free))?);
        // Closed with the rest.
        let _ = descriptor.into_raw_fd();
    }
    let mut low = high;
    for (place, number) in (3..).zip(low.iter_mut()) {
        let Some(number) = number else { continue };
        // SAFETY: both are numbers only. What the new one was before is closed on purpose; no
        // high number lies among the low ones, so nothing that is still needed is.
        Errno::result(unsafe { libc::dup3(*number, place, libc::O_CLOEXEC) })?;
        *number = place;
    }
    let (first, last): (libc::c_uint, libc::c_uint) = (3 + N as libc::c_uint, libc::c_uint::MAX);
    let none: libc::c_uint = 0;
    // SAFETY: nobody uses the closed descriptors any more, as the caller promises.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, none) } != 0 {
        for number in first_free..=1024 {
            // SAFETY: as above, for kernels before 5.9.
            let _ = unsafe { libc::close(number) };
        }
    }
    // SAFETY: each of these was just made by `dup3`, and nobody else knows of it.
    Ok(low.map(|number| number.map(|number| unsafe { OwnedFd::from_raw_fd(number) })))
}

/// Gives descriptors the numbers from 3 on, in their order, and lets the next program have them.
/// For the child of a fork, which drops no other descriptor afterwards and executes a program.
pub(crate) fn hand_on(descriptors: Vec<OwnedFd>) -> nix::Result<()> {
    let count = RawFd::try_from(descriptors.len()).map_err(|_| Errno::EMFILE)?;
    let mut high = Vec::new();
    for descriptor in descriptors {
        high.push(fcntl(&descriptor, FcntlArg::F_DUPFD_CLOEXEC(3 + count))?);
        // Its number is one of those that are taken below, or closes at the exec.
        let _ = descriptor.into_raw_fd();
    }
    for (place, number) in (3..).zip(high) {
        // SAFETY: both are numbers only. What the new one was before is closed on purpose: the
        // caller has given up all descriptors but these. The copy stays open at the exec.
        Errno::result(unsafe { libc::dup2(number, place) })?;
    }
    Ok(())
}
