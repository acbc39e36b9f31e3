//! The first process of a machine.
//!
//! It makes the root, executes programs as it is told on its control socket, reaps all that
//! nobody waits for, and lets its [`Companion`] manage services. The end of the control socket
//! is the end of charmproof, or of its interest: then everything in the machine is killed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, setsid};

use super::companion::{Alone, Companion, companion};
use super::execute;
use super::ground::Ground;
use super::protocol::{MachinePlan, News, Order, Readiness, Word};
use super::spec::{Exit, MachineLevel};
use super::{root, wire};
use crate::protocol::Failure;
use crate::{payload, plain, procfs, supervise};

const FAILED: i32 = 70;
/// How long processes that do not die are waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const SWEEP_PERIOD_MS: u16 = 5;
/// How long programs have after a reboot was asked for: whoever asked is to hear that it was heard.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// A program that was started, and the socket about it.
struct Running {
    pid: Pid,
    socket: OwnedFd,
    /// Whether anybody may still say something.
    is_heard: bool,
}

struct Init {
    level: MachineLevel,
    control: OwnedFd,
    signals: SignalFd,
    running: Vec<Running>,
    companion: Box<dyn Companion>,
    /// What is shown at other places of the machine.
    shown: root::Shown,
    /// An orderly end, once there is one.
    ending: Option<Ending>,
}

/// How long an orderly end may take.
#[derive(Debug, Clone, Copy)]
struct Ending {
    /// Until nothing is waited for any more.
    all: Instant,
    /// Until programs are not waited for any more, but services are.
    programs: Instant,
}

/// Serves one machine until its end, and returns the exit code of the process.
pub(crate) fn run(plan: &MachinePlan, ground: Ground, control: OwnedFd, network: Option<OwnedFd>) -> i32 {
    match serve(plan, ground, control, network) {
        Ok(()) => 0,
        Err(_) => FAILED,
    }
}

fn serve(plan: &MachinePlan, ground: Ground, control: OwnedFd, network: Option<OwnedFd>) -> io::Result<()> {
    // Made before there is a child, or its end may be missed.
    let signals = supervise::signals()?;
    match wire::receive::<Order>(&control)? {
        Some((Order::Go, _)) => {}
        Some(_) | None => return Ok(()),
    }
    // Of its own, so that no terminal is left.
    let _ = setsid();
    if !plan.level.is_isolated() {
        // It must be left to kill the others.
        set_child_subreaper(true)?;
        set_pdeathsig(Signal::SIGTERM)?;
    }
    let notes = match prepare(plan, ground, network) {
        Ok(notes) => notes,
        Err(failure) => return wire::send(&control, &Readiness::Failed(failure), &[]),
    };
    if plan.level == MachineLevel::Root {
        // This process needs them for as long as it is there; no program that it starts has them.
        payload::drop_capabilities();
    }
    let companion = if plan.has_services { companion(plan.level) } else { Box::new(Alone) };
    let mut init = Init {
        level: plan.level,
        control,
        signals,
        running: Vec::new(),
        companion,
        shown: root::Shown::default(),
        ending: None,
    };
    init.companion.start();
    wire::send(&init.control, &Readiness::Ready { notes }, &[])?;
    let served = init.serve();
    // Whoever waits for a program is to hear of the end of the machine, not of our signal.
    init.running.clear();
    init.kill_all();
    served
}

fn prepare(plan: &MachinePlan, ground: Ground, network: Option<OwnedFd>) -> Result<Vec<String>, Failure> {
    if let Some(network) = network {
        setns(network, CloneFlags::CLONE_NEWNET)
            .map_err(|errno| Failure::new("enter the network of", errno))?;
    }
    if plan.level.is_isolated() { root::build(plan, ground) } else { Ok(Vec::new()) }
}

/// What can be heard.
enum Heard {
    Signals,
    Control,
    Program(usize),
    Companion(usize),
}

impl Init {
    fn serve(&mut self) -> io::Result<()> {
        loop {
            let now = Instant::now();
            if let Some(Ending { all, programs }) = self.ending {
                let is_quiet = self.running.is_empty() || now >= programs;
                if now >= all || (is_quiet && self.companion.is_stopped()) {
                    return Ok(());
                }
            } else if self.companion.reboots() {
                // Programs are not asked to end: with the machine, they end as on one that goes away. Whoever
                // has it started anew notices that it is gone.
                self.ending =
                    Some(Ending { all: now + self.companion.patience(), programs: now + LAST_WORDS });
                self.companion.stop();
            }
            for heard in self.wait()? {
                match heard {
                    Heard::Signals => {
                        while let Ok(Some(signal)) = self.signals.read_signal() {
                            // In a machine of its own, only programs inside could have sent it.
                            if signal.ssi_signo == Signal::SIGTERM as u32 && !self.level.is_isolated() {
                                return Ok(());
                            }
                        }
                        self.reap();
                    }
                    Heard::Control => match wire::receive::<Order>(&self.control) {
                        Ok(Some((order, descriptors))) => self.obey(order, descriptors),
                        Ok(None) | Err(_) => return Ok(()),
                    },
                    Heard::Program(index) => self.listen(index),
                    Heard::Companion(index) => self.companion.ready(index),
                }
            }
            self.running.retain(|program| program.pid.as_raw() > 0);
            let now = Instant::now();
            if self.companion.deadline().is_some_and(|deadline| deadline <= now) {
                self.companion.tick(now);
            }
        }
    }

    fn wait(&self) -> io::Result<Vec<Heard>> {
        let mut sources =
            vec![(self.signals.as_fd(), Heard::Signals), (self.control.as_fd(), Heard::Control)];
        for (index, program) in self.running.iter().enumerate().filter(|(_, program)| program.is_heard) {
            sources.push((program.socket.as_fd(), Heard::Program(index)));
        }
        for (index, descriptor) in self.companion.descriptors().into_iter().enumerate() {
            sources.push((descriptor, Heard::Companion(index)));
        }
        let (descriptors, heard): (Vec<BorrowedFd<'_>>, Vec<Heard>) = sources.into_iter().unzip();
        let mut fds: Vec<PollFd<'_>> =
            descriptors.into_iter().map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN)).collect();
        let now = Instant::now();
        let ending =
            self.ending.map(|ending| if now < ending.programs { ending.programs } else { ending.all });
        let until = [self.companion.deadline(), ending].into_iter().flatten().min();
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => return Ok(Vec::new()),
            Err(errno) => return Err(errno.into()),
            Ok(_) => {}
        }
        let spoken: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        Ok(heard.into_iter().zip(spoken).filter_map(|(heard, spoken)| spoken.then_some(heard)).collect())
    }

    fn obey(&mut self, order: Order, descriptors: Vec<OwnedFd>) {
        match order {
            Order::Go => {}
            Order::Execute(plan) => {
                let Ok([socket, input, output, error]) = <[OwnedFd; 4]>::try_from(descriptors) else {
                    return;
                };
                match execute::start(&plan, self.level, &[input, output, error]) {
                    // If nobody listens any more, it runs all the same.
                    Ok(pid) => {
                        let _ = wire::send(&socket, &News::Started { pid: pid.as_raw() }, &[]);
                        self.running.push(Running { pid, socket, is_heard: true });
                    }
                    Err(failure) => drop(wire::send(&socket, &News::Failed(failure), &[])),
                }
            }
            Order::Write { path, text } => {
                let Some(socket) = descriptors.first() else { return };
                let news = match plain::write_in_place(path.as_std_path(), &text) {
                    Ok(()) => News::Done,
                    Err(error) => News::Failed(Failure::io("write a file in", &error)),
                };
                let _ = wire::send(socket, &news, &[]);
            }
            Order::Mount { source, target, is_read_only } => {
                let Some(socket) = descriptors.first() else { return };
                let done = self.in_own_root(|shown| shown.show(&source, &target, is_read_only));
                answer(socket, done);
            }
            Order::Unmount { target } => {
                let Some(socket) = descriptors.first() else { return };
                let done = self.in_own_root(|shown| shown.hide(&target));
                answer(socket, done);
            }
            Order::OpenTerminal => {
                let Some(socket) = descriptors.first() else { return };
                let _ = match execute::open_terminal() {
                    Ok((watched, terminal)) => {
                        wire::send(socket, &News::Done, &[watched.as_fd(), terminal.as_fd()])
                    }
                    Err(failure) => wire::send(socket, &News::Failed(failure), &[]),
                };
            }
            Order::ShutDown => {
                let all = Instant::now() + self.companion.patience();
                self.ending = Some(Ending { all, programs: all });
                self.companion.stop();
                for program in &self.running {
                    let _ = killpg(program.pid, Signal::SIGTERM);
                }
            }
        }
    }

    /// Does what concerns a root of its own, and nothing where that would be the host's.
    fn in_own_root(
        &mut self,
        work: impl FnOnce(&mut root::Shown) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.level.is_isolated() {
            work(&mut self.shown)
        } else {
            Err(Failure::new("mount anything in", Errno::ENOTSUP))
        }
    }

    fn listen(&mut self, index: usize) {
        let Some(program) = self.running.get_mut(index) else { return };
        match wire::receive::<Word>(&program.socket) {
            Ok(Some((Word::Signal(number), _))) => {
                let Ok(signal) = Signal::try_from(number) else { return };
                send_signal(program.pid, signal);
            }
            // It goes on without listeners, as it would without charmproof's interest.
            Ok(None) | Err(_) => program.is_heard = false,
        }
    }

    fn reap(&mut self) {
        loop {
            let status = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(status) => status,
            };
            let (pid, exit) = match status {
                WaitStatus::Exited(pid, code) => (pid, Exit::Code(code)),
                WaitStatus::Signaled(pid, signal, _) => (pid, Exit::Signal(signal as i32)),
                WaitStatus::Stopped(..)
                | WaitStatus::PtraceEvent(..)
                | WaitStatus::PtraceSyscall(_)
                | WaitStatus::Continued(_)
                | WaitStatus::StillAlive => continue,
            };
            match self.running.iter_mut().find(|program| program.pid == pid) {
                Some(program) => {
                    let _ = wire::send(&program.socket, &News::Ended(exit), &[]);
                    // The places of the others must stay what they are until this turn is over.
                    program.pid = Pid::from_raw(0);
                    program.is_heard = false;
                }
                None => self.companion.child_ended(status),
            }
        }
    }

    /// Kills everybody and waits for it, so that what they had mounted is free afterwards.
    fn kill_all(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.reap();
            if waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) == Err(Errno::ECHILD) {
                return;
            }
            if Instant::now() > deadline {
                return;
            }
            if self.level.is_isolated() {
                let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
            } else {
                kill_descendants(getpid());
            }
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::from(SWEEP_PERIOD_MS));
            while let Ok(Some(_)) = self.signals.read_signal() {}
        }
    }
}

fn answer(socket: &OwnedFd, done: Result<(), Failure>) {
    // If nobody listens any more, it is done all the same.
    let _ = match done {
        Ok(()) => wire::send(socket, &News::Done, &[]),
        Err(failure) => wire::send(socket, &News::Failed(failure), &[]),
    };
}

/// SIGKILL goes to all that descends from a program and to its session, anything else to its
/// process group, as from a terminal.
fn send_signal(pid: Pid, signal: Signal) {
    if pid.as_raw() <= 0 {
        return;
    }
    if signal != Signal::SIGKILL {
        let _ = killpg(pid, signal);
        return;
    }
    // Listed before the first signal: what loses its parent is found no more.
    let tree = procfs::descendants(pid.as_raw());
    let session = procfs::session(pid.as_raw());
    let _ = kill(pid, Signal::SIGKILL);
    let _ = killpg(pid, Signal::SIGKILL);
    let living = tree.iter().filter(|process| !process.is_zombie).map(|process| process.pid);
    for process in living.chain(session) {
        let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
    }
}

fn kill_descendants(pid: Pid) {
    for process in procfs::descendants(pid.as_raw()) {
        if !process.is_zombie {
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
    }
}
