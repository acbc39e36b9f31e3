//! The process that holds all machines of one charmproof.
//!
//! It is charmproof's own binary, started anew and single-threaded, in the user namespace that
//! all machines share, where there is one. It makes network namespaces and sockets in them, and
//! forks the first process of each machine. When charmproof dies, its socket closes and the
//! holder ends; with it end the first processes, and with each of those all that its machine
//! runs, its mounts and, when nobody else has it, its network.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin};

use super::ground::{self, Ground};
use super::init;
use super::protocol::{Answer, Demand, Hello, MachinePlan, SocketKind};
use super::spec::MachineLevel;
use super::wire;
use crate::protocol::Failure;
use crate::supervise;
use crate::sys::{self, Side};

const FAILED: i32 = 70;
/// How long first processes may take to end by themselves: longer than their own patience.
const PATIENCE: Duration = Duration::from_secs(6);
const LOOK_PERIOD_MS: u16 = 20;

/// Holds machines for [`crate::Launcher`], which speaks through standard input, and returns the
/// exit code for the process.
pub(crate) fn main() -> i32 {
    match serve() {
        Ok(()) => 0,
        Err(_) => FAILED,
    }
}

/// A first process, and what closes when it and all that it had mounted are gone.
struct Held {
    pid: Pid,
    // In this order: whoever hears of the end finds the files free.
    _lock: OwnedFd,
    _life: OwnedFd,
}

fn serve() -> io::Result<()> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let Some((hello, _)) = wire::receive::<Hello>(&socket)? else {
        return Ok(());
    };
    let level = hello.level;
    let ground = match ground::enter(&hello) {
        Ok(ground) => ground,
        Err(why) => return wire::send(&socket, &Answer::Refused { why }, &[]),
    };
    // Where nothing else bounds them, what machines lose is found by its parent.
    if level == MachineLevel::ProcessOnly {
        set_child_subreaper(true)?;
    }
    let signals = supervise::signals()?;
    wire::send(&socket, &Answer::Done, &[])?;

    let mut held: Vec<Held> = Vec::new();
    loop {
        let mut fds =
            [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
            Ok(_) => {}
        }
        let (signalled, spoken) = (fds[0].any() == Some(true), fds[1].any() == Some(true));
        if signalled {
            while let Ok(Some(signal)) = signals.read_signal() {
                if signal.ssi_signo == Signal::SIGTERM as u32 {
                    return Ok(());
                }
            }
            reap(&mut held);
        }
        if spoken {
            let Some((demand, descriptors)) = wire::receive::<Demand>(&socket)? else {
                wait_for_ends(&mut held, &signals);
                return Ok(());
            };
            answer(&socket, ground, demand, descriptors, &mut held)?;
        }
    }
}

/// Lets the first processes end, which hear of charmproof's end as this one does: until then
/// nobody else may have the files of their machines. Those that do not are killed with this one.
fn wait_for_ends(held: &mut Vec<Held>, signals: &SignalFd) {
    let deadline = Instant::now() + PATIENCE;
    while !held.is_empty() && Instant::now() < deadline {
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(LOOK_PERIOD_MS));
        while let Ok(Some(_)) = signals.read_signal() {}
        reap(held);
    }
}

fn reap(held: &mut Vec<Held>) {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _)) => {
                held.retain(|machine| machine.pid != pid);
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn answer(
    socket: &OwnedFd,
    ground: Ground,
    demand: Demand,
    descriptors: Vec<OwnedFd>,
    held: &mut Vec<Held>,
) -> io::Result<()> {
    let answer = match demand {
        Demand::Network { is_router } => return elsewhere(socket, || new_network(is_router)),
        Demand::Socket(kind) => return elsewhere(socket, || socket_in(descriptors.first(), kind)),
        Demand::Start(plan) => match start(&plan, ground, descriptors, held) {
            Ok(pid) => Answer::Started { pid: pid.as_raw() },
            Err(failure) => Answer::Failed(failure),
        },
        Demand::Remove(path) => match remove(&ground.seen(&path)) {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Failed(Failure::io("remove", &error)),
        },
    };
    wire::send(socket, &answer, &[])
}

/// Lets a child answer that may go where the holder would not come back from: out of the host's
/// network.
fn elsewhere(socket: &OwnedFd, work: impl FnOnce() -> Result<OwnedFd, Failure>) -> io::Result<()> {
    match sys::fork_here()? {
        Side::Child => {
            let sent = match work() {
                Ok(descriptor) => wire::send(socket, &Answer::Done, &[descriptor.as_fd()]),
                Err(failure) => wire::send(socket, &Answer::Failed(failure), &[]),
            };
            leave(i32::from(sent.is_err()))
        }
        Side::Parent { child } => loop {
            match waitpid(child, None) {
                Err(Errno::EINTR) => {}
                Ok(WaitStatus::Exited(_, 0)) => return Ok(()),
                Ok(_) | Err(_) => {
                    return wire::send(socket, &Answer::Failed(Failure::new("answer", Errno::EPIPE)), &[]);
                }
            }
        },
    }
}

fn new_network(is_router: bool) -> Result<OwnedFd, Failure> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| Failure::new("make a network for", errno))?;
    if is_router {
        // The setting of this namespace, not the host's.
        fs_err::write("/proc/sys/net/ipv4/ip_forward", "1")
            .map_err(|error| Failure::io("join the networks of", &error))?;
    }
    let file = fs_err::File::open("/proc/self/ns/net");
    Ok(file.map_err(|error| Failure::io("look at the network of", &error))?.into_parts().0.into())
}

fn socket_in(network: Option<&OwnedFd>, kind: SocketKind) -> Result<OwnedFd, Failure> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let network = network.ok_or_else(|| Failure::new("find the network for", Errno::EBADF))?;
    setns(network, CloneFlags::CLONE_NEWNET).map_err(|errno| Failure::new("enter the network of", errno))?;
    let (family, kind) = match kind {
        SocketKind::Tcp => (AddressFamily::INET, SocketType::STREAM),
        SocketKind::Udp => (AddressFamily::INET, SocketType::DGRAM),
        // Links and routes are what such a socket is about if nothing is said.
        SocketKind::Netlink => (AddressFamily::NETLINK, SocketType::RAW),
    };
    socket_with(family, kind, SocketFlags::CLOEXEC, None)
        .map_err(|errno| Failure::io("make a socket for", &errno.into()))
}

fn start(
    plan: &MachinePlan,
    ground: Ground,
    descriptors: Vec<OwnedFd>,
    held: &mut Vec<Held>,
) -> Result<Pid, Failure> {
    let mut descriptors = descriptors.into_iter();
    let mut next = || descriptors.next();
    let (Some(control), Some(life), Some(lock), Some(log)) = (next(), next(), next(), next()) else {
        return Err(Failure::new("find the sockets for", Errno::EBADF));
    };
    let network = next();
    let mut flags = CloneFlags::empty();
    if plan.level.is_isolated() {
        flags = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC;
    }
    match sys::fork_into(flags).map_err(|errno| Failure::new("fork for", errno))? {
        Side::Child => {
            let tied = set_pdeathsig(Signal::SIGKILL);
            // What the holder has for other machines must not be kept open by this one, nor be there for
            // root in it: the socket that tells of all of them is the holder's standard input.
            let null = fs_err::File::open(ground.seen(Utf8Path::new("/dev/null")));
            let deaf = null.map_err(|_| Errno::ENOENT).and_then(|null| dup2_stdin(&null));
            let logged = deaf.and_then(|()| dup2_stderr(&log));
            let kept = sys::keep_only([Some(control), network]);
            let code = match (tied, logged, kept) {
                (Ok(()), Ok(()), Ok([Some(control), network])) => init::run(plan, ground, control, network),
                _ => FAILED,
            };
            leave(code)
        }
        Side::Parent { child } => {
            held.push(Held { pid: child, _lock: lock, _life: life });
            Ok(child)
        }
    }
}

#[expect(clippy::exit, reason = "the child of a fork must not return into its parent's code")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

/// Removes a tree in which machines may have left anything, but no mount.
fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Overlays leave a folder without any rights in their work directory.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs_err::remove_dir_all(path)
        }
        done => done,
    }
}

fn open_up(path: &Utf8Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o700));
    for entry in path.read_dir_utf8().into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(entry.path());
        }
    }
}
