//! Machines, and the programs in them, as charmproof has them.

use std::fs::{File, TryLockError};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::network::Attachment;
use super::protocol::{Answer, Demand, ExecPlan, MachinePlan, NetworkPlan, News, Order, Readiness, Word};
use super::realm::Realm;
use super::spec::{Exit, MachineExec, MachineNetwork, MachineProtection, MachineSpec};
use super::{default_hides, wire};
use crate::cgroup::{Places, RunGroup};
use crate::error::SandboxError;
use crate::protocol::Failure;
use crate::record::Control;

/// How long a machine may take to be gone: longer than its own patience.
const PATIENCE: Duration = Duration::from_secs(7);
/// How long its services may take to end: longer than their manager's patience.
const SHUT_DOWN: Duration = Duration::from_secs(20);

/// How long its first process may take to make the root, and to start what starts with the machine.
const BOOT: Duration = Duration::from_mins(1);

/// A machine. Clones are the same machine; when the last one goes, the machine ends.
#[derive(Debug, Clone)]
pub struct Machine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    realm: Arc<Realm>,
    spec: MachineSpec,
    uses_cgroups: bool,
    /// Kept over reboots: whoever shares the network of this machine keeps it, too.
    attachment: Option<Arc<Attachment>>,
    /// `None` once it was stopped.
    run: Mutex<Option<Arc<Run>>>,
}

/// One life of a machine, from boot to end.
#[derive(Debug)]
struct Run {
    control: OwnedFd,
    /// Closes when the first process is gone, and with it all others.
    life: OwnedFd,
    pid: Pid,
    group: RunGroup,
    notes: Vec<String>,
}

impl Machine {
    pub(crate) fn start(
        realm: Arc<Realm>,
        spec: &MachineSpec,
        uses_cgroups: bool,
    ) -> Result<Self, SandboxError> {
        let kept = &spec.root.kept;
        let private = std::fs::Permissions::from_mode(0o700);
        // What is in it may be for some users of the machine only, and is for none of the host.
        fs_err::create_dir_all(kept)
            .and_then(|()| fs_err::set_permissions(kept, private))
            .map_err(|source| machine_error(&spec.host_name, "make a place for the files of", source))?;
        let spec = completed(spec);
        let failed = |source| machine_error(&spec.host_name, "give an address to", source);
        let attachment = match (&spec.network, realm.level.is_isolated()) {
            (MachineNetwork::Own { network, address }, true) => {
                Some(Arc::new(network.attach(*address).map_err(failed)?))
            }
            (MachineNetwork::Of(other), true) => other.shared.attachment.clone(),
            (MachineNetwork::Host, _) | (_, false) => None,
        };
        let shared = Shared { realm, spec, uses_cgroups, attachment, run: Mutex::new(None) };
        let run = shared.boot()?;
        *shared.run() = Some(Arc::new(run));
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Executes a program inside. It gets a session of its own and goes on when the answer is
    /// dropped.
    pub fn exec(&self, spec: MachineExec) -> Result<MachineProcess, SandboxError> {
        let MachineExec { argv, env, cwd, user, stdio, terminal } = spec;
        let program = argv.first().cloned().unwrap_or_default();
        let order = Order::Execute(ExecPlan { argv, env, cwd, user, terminal });
        let [input, output, error] = &stdio;
        let socket = self.order(&order, &[input.as_fd(), output.as_fd(), error.as_fd()])?;
        // Our ends of its pipes must not outlive it.
        drop(stdio);
        match wire::receive::<News>(&socket) {
            Ok(Some((News::Started { pid }, _))) => {
                Ok(MachineProcess { pid, socket, exit: Mutex::new(None) })
            }
            Ok(Some((News::Failed(failure), _))) => Err(not_started(failure, program)),
            Ok(Some((News::Ended(_) | News::Done, _)) | None) => Err(self.gone()),
            Err(source) => Err(self.error("hear from", source)),
        }
    }

    /// Writes a file inside, in place: programs that have it open, and mounts of it, see the
    /// new text.
    pub fn write_file(&self, path: &Utf8Path, text: &str) -> Result<(), SandboxError> {
        let order = Order::Write { path: path.to_owned(), text: text.to_owned() };
        self.errand(&order, path.as_str()).map(drop)
    }

    /// Shows a folder of the machine at another place of it, too, which is made if it is missing, until the
    /// machine ends or [`Self::unmount`] is asked for. At a place where something is mounted, nothing
    /// happens.
    pub fn mount(
        &self,
        source: &Utf8Path,
        target: &Utf8Path,
        is_read_only: bool,
    ) -> Result<(), SandboxError> {
        let order = Order::Mount { source: source.to_owned(), target: target.to_owned(), is_read_only };
        self.errand(&order, target.as_str()).map(drop)
    }

    /// Undoes [`Self::mount`].
    pub fn unmount(&self, target: &Utf8Path) -> Result<(), SandboxError> {
        self.errand(&Order::Unmount { target: target.to_owned() }, target.as_str()).map(drop)
    }

    /// Opens a new terminal inside: the end to watch, and the end to give to a program as its
    /// standard descriptors.
    pub fn open_terminal(&self) -> Result<(OwnedFd, OwnedFd), SandboxError> {
        let ends = self.errand(&Order::OpenTerminal, "a terminal")?;
        <[OwnedFd; 2]>::try_from(ends).map(<(OwnedFd, OwnedFd)>::from).map_err(|_| self.gone())
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.shared.run().as_ref().is_some_and(|run| !run.is_over())
    }

    /// Ends everything in it at once and starts it anew: with the same files and the same
    /// address, and without what was in its `/run` and `/tmp`.
    pub fn reboot(&self) -> Result<(), SandboxError> {
        let mut run = self.shared.run();
        if let Some(run) = run.take() {
            run.end();
        }
        *run = Some(Arc::new(self.shared.boot()?));
        Ok(())
    }

    /// Lets its services end in order, then ends everything.
    pub fn shut_down(&self) {
        let Some(run) = self.shared.run().take() else { return };
        if wire::send(&run.control, &Order::ShutDown, &[]).is_ok() {
            wait_readable(run.life.as_fd(), Some(Instant::now() + SHUT_DOWN));
        }
        run.end();
    }

    /// Ends everything in it at once. What it changed in its files is kept.
    pub fn stop(&self) {
        let run = self.shared.run().take();
        if let Some(run) = run {
            run.end();
        }
    }

    /// Returns the address it has, if it has one of its own or another machine's.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.shared.attachment.as_ref().map(|attachment| attachment.address)
    }

    /// Returns the hardware address that goes with [`Machine::address`], as `ip link` prints it.
    pub fn hardware_address(&self) -> Option<String> {
        let bytes = self.shared.attachment.as_ref()?.hardware_address;
        Some(bytes.map(|byte| format!("{byte:02x}")).join(":"))
    }

    /// Returns who people log in as, if the machine can have users.
    pub fn login_user(&self) -> Option<&str> {
        self.shared.spec.login_user.as_deref().filter(|_| self.shared.realm.level.has_users())
    }

    /// Returns the number that its first process has on the host.
    pub fn host_pid(&self) -> Option<i32> {
        self.shared.run().as_ref().map(|run| run.pid.as_raw())
    }

    /// Says what really separates it from the host.
    pub fn protection(&self) -> MachineProtection {
        let run = self.shared.run();
        let control = |control: Option<Control>| control.unwrap_or(Control::Unbounded);
        let mut notes = self.shared.realm.notes.clone();
        if let Some(run) = run.as_ref() {
            notes.extend(run.notes.iter().cloned());
            notes.extend(run.group.notes.iter().cloned());
        }
        if self.shared.spec.limits.memory_bytes.is_some() || self.shared.spec.limits.processes.is_some() {
            notes.push("the space that it takes on the disk is not bounded".to_owned());
        }
        MachineProtection {
            level: self.shared.realm.level,
            memory: control(run.as_ref().and_then(|run| run.group.bounds_memory())),
            process_count: control(run.as_ref().and_then(|run| run.group.bounds_processes())),
            notes,
        }
    }

    /// Sends an order with a socket for the answer.
    fn order(&self, order: &Order, descriptors: &[BorrowedFd<'_>]) -> Result<OwnedFd, SandboxError> {
        let run = self.shared.run().clone().ok_or_else(|| self.gone())?;
        let (ours, theirs) = wire::pair().map_err(|source| self.error("speak to", source))?;
        let all: Vec<BorrowedFd<'_>> =
            [theirs.as_fd()].into_iter().chain(descriptors.iter().copied()).collect();
        match wire::send(&run.control, order, &all) {
            Ok(()) => Ok(ours),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(self.gone()),
            Err(source) => Err(self.error("speak to", source)),
        }
    }

    /// Has something done that is not a program.
    fn errand(&self, order: &Order, object: &str) -> Result<Vec<OwnedFd>, SandboxError> {
        let socket = self.order(order, &[])?;
        match wire::receive::<News>(&socket) {
            Ok(Some((News::Done, descriptors))) => Ok(descriptors),
            Ok(Some((News::Failed(failure), _))) => Err(not_started(failure, object.to_owned())),
            Ok(Some((News::Started { .. } | News::Ended(_), _)) | None) => Err(self.gone()),
            Err(source) => Err(self.error("hear from", source)),
        }
    }

    fn error(&self, step: &str, source: io::Error) -> SandboxError {
        machine_error(&self.shared.spec.host_name, step, source)
    }

    fn gone(&self) -> SandboxError {
        SandboxError::MachineGone { machine: self.shared.spec.host_name.clone() }
    }
}

impl Shared {
    fn run(&self) -> MutexGuard<'_, Option<Arc<Run>>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn boot(&self) -> Result<Run, SandboxError> {
        let failed = |step: &'static str| move |source| machine_error(&self.spec.host_name, step, source);
        let spec = &self.spec;
        let limits = &spec.limits;
        let group = if self.uses_cgroups && (limits.memory_bytes.is_some() || limits.processes.is_some()) {
            RunGroup::create(&Places::find(), limits.memory_bytes, limits.processes)
        } else {
            RunGroup::none()
        };
        if let Some(folder) = spec.log.parent() {
            fs_err::create_dir_all(folder).map_err(failed("open the log of"))?;
        }
        let log = fs_err::OpenOptions::new().create(true).append(true).open(&spec.log);
        let log = log.map_err(failed("open the log of"))?;

        let lock = self.lock()?;
        let (control, their_control) = wire::pair().map_err(failed("speak to"))?;
        let (life, their_life) = wire::pair().map_err(failed("speak to"))?;
        let mut descriptors = vec![their_control.as_fd(), their_life.as_fd(), lock.as_fd(), log.as_fd()];
        descriptors.extend(self.attachment.as_ref().map(|attachment| attachment.namespace.as_fd()));
        let demand = Demand::Start(Box::new(self.plan()));
        let (answer, _) = self.realm.ask(&demand, &descriptors).map_err(failed("start"))?;
        drop((their_control, their_life, lock));
        let Answer::Started { pid } = answer else {
            return Err(failed("start")(io::Error::from(io::ErrorKind::InvalidData)));
        };
        let mut run = Run { control, life, pid: Pid::from_raw(pid), group, notes: Vec::new() };
        for join in run.group.joins() {
            fs_err::write(&join, pid.to_string()).map_err(failed("bound"))?;
        }
        wire::send(&run.control, &Order::Go, &[]).map_err(failed("speak to"))?;
        if !wait_readable(run.control.as_fd(), Some(Instant::now() + BOOT)) {
            return Err(failed("start")(io::Error::from(io::ErrorKind::TimedOut)));
        }
        match wire::receive::<Readiness>(&run.control).map_err(failed("hear from"))? {
            Some((Readiness::Ready { notes }, _)) => {
                run.notes = notes;
                Ok(run)
            }
            Some((Readiness::Failed(failure), _)) => Err(SandboxError::Machine {
                step: failure.step,
                machine: spec.host_name.clone(),
                source: io::Error::from_raw_os_error(failure.errno),
            }),
            None => Err(SandboxError::MachineGone { machine: spec.host_name.clone() }),
        }
    }

    /// Waits until no machine has the files of this one: the kernel does not refuse a second one,
    /// but what both did would be lost. The holder gives the lock up when nothing is mounted.
    fn lock(&self) -> Result<File, SandboxError> {
        let failed = |source| machine_error(&self.spec.host_name, "have the files for itself of", source);
        let path = self.spec.root.kept.join("lock");
        let options = fs_err::OpenOptions::new().create(true).write(true).truncate(false).open(path);
        let file = options.map_err(failed)?.into_parts().0;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                    return Err(failed(io::Error::new(
                        io::ErrorKind::ResourceBusy,
                        "another machine has them",
                    )));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn plan(&self) -> MachinePlan {
        let spec = &self.spec;
        let network = match &self.attachment {
            Some(attachment) => NetworkPlan::Own {
                address: attachment.address,
                resolver: attachment.network.subnet().gateway(),
                search: attachment.network.search().to_vec(),
            },
            None => NetworkPlan::Host,
        };
        MachinePlan {
            level: self.realm.level,
            host_name: spec.host_name.clone(),
            domain: spec.domain.clone(),
            layers: spec.root.layers.clone(),
            kept: spec.root.kept.clone(),
            hides: spec.hides.clone(),
            binds: spec.binds.clone(),
            network,
            has_services: spec.has_services,
            login_user: spec.login_user.clone(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let run = self.run.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(run) = run {
            run.end();
        }
    }
}

impl Run {
    fn is_over(&self) -> bool {
        wait_readable(self.life.as_fd(), Some(Instant::now()))
    }

    /// Ends it and waits until nothing is left of it.
    fn end(&self) {
        // The first process takes it as the end of charmproof.
        let _ = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
        if !wait_readable(self.life.as_fd(), Some(Instant::now() + PATIENCE)) {
            // Its number cannot belong to another one: nobody has waited for it yet.
            let _ = kill(self.pid, Signal::SIGKILL);
            wait_readable(self.life.as_fd(), Some(Instant::now() + PATIENCE));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Also one that never became ready; a second end finds it gone.
        self.end();
    }
}

/// Says where things really are. With the host's own userland, what is private on the host is
/// hidden as well.
fn completed(spec: &MachineSpec) -> MachineSpec {
    let mut spec = spec.clone();
    // The holder sees the host below a folder, where a link from `/` on leads to elsewhere. What
    // is not there is found out by whoever opens it.
    let real = |path: &mut Utf8PathBuf| {
        if let Ok(found) = path.canonicalize_utf8() {
            *path = found;
        }
    };
    spec.root.layers.iter_mut().for_each(real);
    spec.binds.iter_mut().map(|bind| &mut bind.source).for_each(real);
    real(&mut spec.root.kept);
    if spec.root.layers.iter().any(|layer| layer == "/") {
        let ours = default_hides().into_iter().chain([spec.root.kept.clone()]);
        let missing: Vec<Utf8PathBuf> = ours.filter(|path| !spec.hides.contains(path)).collect();
        spec.hides.extend(missing);
    }
    spec
}

fn machine_error(machine: &str, step: &str, source: io::Error) -> SandboxError {
    SandboxError::Machine { step: step.to_owned(), machine: machine.to_owned(), source }
}

fn not_started(failure: Failure, program: String) -> SandboxError {
    SandboxError::NotStarted {
        step: failure.step,
        program,
        source: io::Error::from_raw_os_error(failure.errno),
    }
}

/// Waits until there is something to read, or the end; says whether there is.
fn wait_readable(descriptor: BorrowedFd<'_>, until: Option<Instant>) -> bool {
    loop {
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now());
            // Rounded up, or the last millisecond would be spent in a busy loop.
            PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = [PollFd::new(descriptor, PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(0) if until.is_some_and(|until| Instant::now() >= until) => return false,
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
}

/// A program in a machine. Any number of threads may wait for it.
#[derive(Debug)]
pub struct MachineProcess {
    pid: i32,
    socket: OwnedFd,
    exit: Mutex<Option<Exit>>,
}

impl MachineProcess {
    /// Returns its number inside.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Waits for its end.
    pub fn wait(&self) -> Exit {
        loop {
            if let Some(exit) = self.look(None) {
                return exit;
            }
        }
    }

    /// Waits for its end, but not longer than this.
    pub fn wait_for(&self, patience: Duration) -> Option<Exit> {
        self.look(Some(Instant::now() + patience))
    }

    /// Sends a signal to its process group. SIGKILL goes to all that descends from it, and to
    /// its session, as well. One that has ended is left alone.
    pub fn kill(&self, signal: i32) {
        // Whoever is gone needs no signal.
        let _ = wire::send(&self.socket, &Word::Signal(signal), &[]);
    }

    /// Returns what becomes readable when it has ended.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn look(&self, until: Option<Instant>) -> Option<Exit> {
        // Not under the lock: others may look at the same time. After the end the socket stays
        // readable, so nobody waits in vain.
        if !wait_readable(self.socket.as_fd(), until) {
            return None;
        }
        let mut exit = self.exit.lock().unwrap_or_else(PoisonError::into_inner);
        if exit.is_none() {
            *exit = match wire::receive::<News>(&self.socket) {
                Ok(Some((News::Ended(exit), _))) => Some(exit),
                Ok(Some((News::Started { .. } | News::Failed(_) | News::Done, _))) => None,
                Ok(None) | Err(_) => Some(Exit::MachineGone),
            };
        }
        *exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_userland_is_masked() {
        let root = super::super::spec::RootSpec { layers: vec!["/".into()], kept: "/data/kept".into() };
        let spec = completed(&MachineSpec::new("m", root.clone(), "/data/log".into()));
        for path in ["/home", "/root", "/tmp", "/var/tmp", "/data/kept"] {
            assert!(spec.hides.iter().any(|hidden| hidden == path), "{path}: {:?}", spec.hides);
        }
        let root = super::super::spec::RootSpec { layers: vec!["/data/base".into()], ..root };
        assert!(completed(&MachineSpec::new("m", root, "/data/log".into())).hides.is_empty());
    }
}
