//! Starts the launcher, watches it, and says what became of the command.

use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::cancel::CancelToken;
use crate::cgroup::{Places, RunGroup};
use crate::error::SandboxError;
use crate::host::HostAbilities;
use crate::log::{Heartbeat, LogSummary, LogWriter, pump};
use crate::machine::{self, Demand, Machine, MachineLevel, MachineSpec, Network, NetworkSpec, Realm};
use crate::procfs;
use crate::protocol::{Finish, KILL, Plan, Report, Request, Started, Status, TERMINATE};
use crate::record::{Control, Ended, FileProtection, ProcessProtection, Protection, RunRecord};
use crate::spec::CommandSpec;
use crate::watch::Watch;

/// How long the launcher may take to kill everything before it is killed
/// itself: longer than its own patience.
const PATIENCE: Duration = Duration::from_secs(7);
/// Without a control group each process may reserve this times the memory, and
/// the user have this times the processes: the watch enforces the limits, this
/// bounds the damage between two looks.
const RESERVE: u64 = 2;

/// Runs commands through a hidden subcommand of the charmproof binary.
#[derive(Debug, Clone)]
pub struct Launcher {
    program: Utf8PathBuf,
    arguments: Vec<String>,
    uses_cgroups: bool,
    /// Tried for machines, strongest first; `None` is all that this user can have.
    machine_levels: Option<Vec<MachineLevel>>,
    /// What holds the machines, once there is one.
    realm: Arc<Mutex<Option<Arc<Realm>>>>,
}

impl Launcher {
    /// Returns a launcher that executes `program` with `arguments`, which must
    /// end up in [`crate::launcher_main`].
    pub fn new(program: Utf8PathBuf, arguments: Vec<String>) -> Self {
        Self { program, arguments, uses_cgroups: true, machine_levels: None, realm: Arc::default() }
    }

    /// Does without control groups, as on a host that offers none.
    #[must_use]
    pub fn without_cgroups(mut self) -> Self {
        self.uses_cgroups = false;
        self
    }

    /// Lets machines be separated from the host in this way only, as on a host that offers no
    /// stronger one.
    #[must_use]
    pub fn with_machine_level(mut self, level: MachineLevel) -> Self {
        self.machine_levels = Some(vec![level]);
        self.realm = Arc::default();
        self
    }

    /// Starts a machine, and comes back when programs can be executed in it. Machines end with
    /// their last clone, and with this process; not with the calling thread.
    pub fn machine(&self, spec: &MachineSpec) -> Result<Machine, SandboxError> {
        Machine::start(self.realm()?, spec, self.uses_cgroups)
    }

    /// Makes a network for machines of this launcher and its clones.
    pub fn network(&self, spec: &NetworkSpec) -> Result<Network, SandboxError> {
        Network::create(self.realm()?, spec)
    }

    /// Says what separates machines from the host here, and why it is nothing stronger.
    pub fn machine_level(&self) -> Result<(MachineLevel, Vec<String>), SandboxError> {
        let realm = self.realm()?;
        Ok((realm.level, realm.notes.clone()))
    }

    /// Removes a folder in which a machine kept its files: this user alone may not, where they
    /// belong to users of the machine.
    pub fn remove_kept(&self, kept: &Utf8Path) -> Result<(), SandboxError> {
        let done = self.realm()?.ask(&Demand::Remove(kept.to_owned()), &[]);
        done.map(drop).map_err(|source| SandboxError::Machine {
            step: "remove the files of".to_owned(),
            machine: kept.to_string(),
            source,
        })
    }

    /// Returns what holds the machines, and starts it if there is none, or none any more.
    fn realm(&self) -> Result<Arc<Realm>, SandboxError> {
        let mut realm = self.realm.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(realm) = realm.as_ref().filter(|realm| realm.is_alive()) {
            return Ok(Arc::clone(realm));
        }
        let levels = self.machine_levels.clone().unwrap_or_else(machine::levels);
        let started = Arc::new(Realm::start(&self.program, &self.arguments, &levels)?);
        *realm = Some(Arc::clone(&started));
        Ok(started)
    }

    /// Tries what this host allows. Takes some milliseconds and leaves nothing.
    pub fn probe(&self) -> Result<HostAbilities, SandboxError> {
        let mut child = self.spawn()?;
        let sent = self.send(&mut child, &Request::Probe);
        let mut text = String::new();
        let heard = child.stdout.take().map_or(Ok(0), |mut stdout| stdout.read_to_string(&mut text));
        let status = child.wait().map_err(|source| self.failed("wait for", source))?;
        drop(sent?);
        heard.map_err(|source| self.failed("hear from", source))?;
        let report = serde_json::from_str(&text).ok().and_then(HostAbilities::assemble);
        report.ok_or_else(|| self.lost(&status.to_string()))
    }

    /// Runs the command to its end, whatever that is, and returns when nothing
    /// of it is left. Everything dies with the calling *thread*, not only with
    /// its process; any number of threads may call this at once.
    pub fn run(&self, spec: &CommandSpec, cancel: &CancelToken) -> Result<RunRecord, SandboxError> {
        let start = Instant::now();
        spec.check()?;
        if let Some(directory) = &spec.isolation.private_tmp {
            // Somebody else's directory may have the right mode already.
            let _ = fs_err::set_permissions(directory, std::fs::Permissions::from_mode(0o1777));
        }
        let writer = LogWriter::create(&spec.log)?;
        let limits = &spec.limits;
        let group = if self.uses_cgroups {
            RunGroup::create(&Places::find(), limits.memory_bytes, limits.processes)
        } else {
            RunGroup::none()
        };

        let (stop, stopper) = io::pipe().map_err(|source| self.failed("speak to", source))?;
        let mut child = self.spawn()?;
        let launcher = child.id();
        let heartbeat = Heartbeat::new(start);
        let live = spec.log.live.as_ref();
        let watch = Watch::new(limits, &group, &heartbeat, launcher, start, live);
        let control = self.send(&mut child, &Request::Run(Box::new(plan(spec, &group))))?;
        let missing = || self.failed("speak to", io::Error::from(io::ErrorKind::BrokenPipe));
        let reports = child.stdout.take().map(OwnedFd::from).ok_or_else(missing)?;
        let output = child.stderr.take().ok_or_else(missing)?;

        let mut dialogue = Dialogue {
            control: Some(control),
            reports: PipeReader::from(reports),
            unread: Vec::new(),
            heard: Heard::default(),
        };
        let (judged, log) = thread::scope(|scope| {
            let reader = scope.spawn(|| pump(output, stop, writer, &heartbeat, live));
            let judged = attend(&mut dialogue, &mut child, watch, &group, spec, cancel);
            drop(stopper);
            let unread =
                LogSummary { error: Some("the log reader failed".to_owned()), ..LogSummary::default() };
            (judged, reader.join().unwrap_or(unread))
        });
        // Closing the control pipe is the last word.
        dialogue.control = None;
        let status = child.wait().map_err(|source| self.failed("wait for", source))?;
        let heard = dialogue.heard;

        if let Some(notes) = heard.refused {
            return Err(SandboxError::Refused { notes });
        }
        if let Some(failure) = heard.failure {
            let program = spec.program.to_string_lossy().into_owned();
            let source = io::Error::from_raw_os_error(failure.errno);
            return Err(SandboxError::NotStarted { step: failure.step, program, source });
        }
        let peak = [group.memory_peak_bytes().unwrap_or(0), judged.watched_peak_bytes];
        let peak = peak.into_iter().fold(0, u64::max);
        let peak = match (&heard.finish, group.memory_peak_bytes()) {
            (Some(finish), None) => peak.max(finish.resident_peak_bytes),
            _ => peak,
        };
        let ended = verdict(spec, &group, judged.ended, heard.finish.as_ref(), peak).ok_or_else(|| {
            let signal = status.signal().map_or(String::new(), |signal| format!(", by signal {signal}"));
            self.lost(&format!("{status}{signal}, after {} bytes of output", log.bytes_total))
        })?;
        let cpu_time = group.cpu_time().or(heard.finish.as_ref().map(|finish| finish.cpu_time));
        let mut protection = protection(spec, &group, heard.started);
        protection.notes.extend(heard.finish.into_iter().flat_map(|finish| finish.notes));
        drop(group);
        Ok(RunRecord {
            ended,
            duration: start.elapsed(),
            cpu_time: cpu_time.unwrap_or_default(),
            memory_peak_bytes: peak,
            log_bytes_total: log.bytes_total,
            log_bytes_dropped: log.bytes_dropped,
            log_error: log.error,
            protection,
        })
    }

    fn spawn(&self) -> Result<Child, SandboxError> {
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            // Out of reach of the terminal's Ctrl-C, which is charmproof's.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| self.failed("start", source))
    }

    /// Sends the request and returns the pipe, which must stay open.
    fn send(&self, child: &mut Child, request: &Request) -> Result<ChildStdin, SandboxError> {
        let stdin = child.stdin.take();
        let send = || {
            let request = serde_json::to_vec(request)?;
            let mut message = (request.len() as u64).to_le_bytes().to_vec();
            message.extend(request);
            let mut control = stdin.ok_or(io::ErrorKind::BrokenPipe)?;
            control.write_all(&message)?;
            Ok(control)
        };
        send().map_err(|source| {
            let _ = child.kill();
            let _ = child.wait();
            self.failed("speak to", source)
        })
    }

    fn failed(&self, action: &'static str, source: io::Error) -> SandboxError {
        SandboxError::Launcher { action, program: self.program.clone(), source }
    }

    fn lost(&self, status: &str) -> SandboxError {
        SandboxError::LauncherLost { program: self.program.clone(), status: status.to_owned() }
    }
}

fn plan(spec: &CommandSpec, group: &RunGroup) -> Plan {
    let limits = &spec.limits;
    let is_root = nix::unistd::geteuid().is_root();
    let memory = limits.memory_bytes.filter(|_| group.bounds_memory().is_none());
    let processes = limits.processes.filter(|_| group.bounds_processes().is_none());
    Plan {
        parent: std::process::id(),
        program: spec.program.clone(),
        arguments: spec.arguments.clone(),
        working_directory: spec.working_directory.clone(),
        environment: spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        isolation: spec.isolation.clone(),
        joins: group.joins(),
        file_bytes: limits.file_bytes,
        data_bytes: memory.map(|bytes| bytes.saturating_mul(RESERVE)),
        // This limit counts all that the user runs, and root is exempt from it.
        user_processes: processes
            .filter(|_| !is_root)
            .map(|count| u64::from(count) * RESERVE + procfs::threads_of_user()),
        counts_leftovers: processes.is_some(),
    }
}

/// What the launcher has said so far.
#[derive(Debug, Default)]
struct Heard {
    started: Option<Started>,
    refused: Option<Vec<String>>,
    failure: Option<crate::protocol::Failure>,
    finish: Option<Finish>,
}

#[derive(Debug)]
struct Dialogue {
    control: Option<ChildStdin>,
    reports: PipeReader,
    unread: Vec<u8>,
    heard: Heard,
}

impl Dialogue {
    fn say(&mut self, word: u8) {
        // A launcher that no longer listens is about to be noticed.
        let _ = self.control.as_mut().map(|control| control.write_all(&[word]));
    }

    /// Reads what is waiting; says whether there can be more.
    fn listen(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let count = match self.reports.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Ok(count) => count,
            Err(_) => 0,
        };
        self.unread.extend_from_slice(&buffer[..count]);
        while let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(Report::Started(started)) => self.heard.started = Some(started),
                Ok(Report::Refused { notes }) => self.heard.refused = Some(notes),
                Ok(Report::NotStarted(failure)) => self.heard.failure = Some(failure),
                Ok(Report::Ended(finish)) => self.heard.finish = Some(finish),
                // Not a launcher at all; its end will tell.
                Ok(Report::Probed { .. }) | Err(_) => {}
            }
        }
        count > 0
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    /// Asked to end, until then.
    Asked(Instant),
    /// Everything is being killed, which must be done by then.
    Killed(Instant),
}

#[derive(Debug)]
struct Judged {
    /// Why we ended it, if we did.
    ended: Option<Ended>,
    watched_peak_bytes: u64,
}

/// Waits for the launcher's end and sees to it that it comes.
fn attend(
    dialogue: &mut Dialogue,
    child: &mut Child,
    mut watch: Watch<'_>,
    group: &RunGroup,
    spec: &CommandSpec,
    cancel: &CancelToken,
) -> Judged {
    let mut ended = None;
    let mut phase = Phase::Running;
    loop {
        let until = match phase {
            Phase::Running => watch.due(),
            Phase::Asked(until) | Phase::Killed(until) => until,
        };
        let can_cancel = !matches!(phase, Phase::Killed(_));
        let (spoken, cancelled) = wait_for(&dialogue.reports, can_cancel.then_some(cancel), until);
        if spoken && !dialogue.listen() {
            break;
        }
        if dialogue.heard.finish.is_some() {
            // It ended by itself, or as it was told; the rest is a formality.
            phase =
                if let Phase::Killed(_) = phase { phase } else { Phase::Killed(Instant::now() + PATIENCE) };
        } else if cancelled {
            ended.get_or_insert(Ended::Cancelled);
            dialogue.say(KILL);
            phase = Phase::Killed(Instant::now() + PATIENCE);
        }
        match phase {
            Phase::Running => {
                let Some(reason) = watch.look(&|| cancel.is_cancelled()) else {
                    continue;
                };
                if matches!(reason, Ended::TimedOut { .. } | Ended::Silent { .. }) {
                    dialogue.say(TERMINATE);
                    phase = Phase::Asked(Instant::now() + spec.limits.grace);
                } else {
                    dialogue.say(KILL);
                    phase = Phase::Killed(Instant::now() + PATIENCE);
                }
                ended = Some(reason);
            }
            Phase::Asked(until) if Instant::now() >= until => {
                dialogue.say(KILL);
                phase = Phase::Killed(Instant::now() + PATIENCE);
            }
            Phase::Killed(until) if Instant::now() >= until => {
                let _ = child.kill();
                group.kill();
                break;
            }
            Phase::Asked(_) | Phase::Killed(_) => {}
        }
    }
    Judged { ended, watched_peak_bytes: watch.peak_bytes }
}

/// Waits until the launcher speaks, the run is cancelled, or time is up.
fn wait_for(reports: &PipeReader, cancel: Option<&CancelToken>, until: Instant) -> (bool, bool) {
    let mut fds = vec![PollFd::new(reports.as_fd(), PollFlags::POLLIN)];
    fds.extend(cancel.map(|cancel| PollFd::new(cancel.as_fd(), PollFlags::POLLIN)));
    // Rounded up, or the last millisecond would be spent in a busy loop.
    let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    let timeout = PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX);
    match poll(&mut fds, timeout) {
        Ok(_) => (fds[0].any() == Some(true), fds.get(1).and_then(PollFd::any) == Some(true)),
        Err(Errno::EINTR) => (false, false),
        // Nothing to wait on any more: let reading find out.
        Err(_) => (true, false),
    }
}

/// Weighs what we did against what the kernel and the launcher say.
fn verdict(
    spec: &CommandSpec,
    group: &RunGroup,
    ours: Option<Ended>,
    finish: Option<&Finish>,
    peak_bytes: u64,
) -> Option<Ended> {
    let limits = &spec.limits;
    // A worker that was killed for its memory is also why the rest of a test
    // run hangs, so it outranks the end of our patience.
    let is_patience = matches!(ours, None | Some(Ended::TimedOut { .. } | Ended::Silent { .. }));
    if is_patience && group.oom_kills() > 0 {
        return Some(Ended::OutOfMemory { peak_bytes, limit_bytes: limits.memory_bytes });
    }
    if ours.is_some() {
        return ours;
    }
    let finish = finish?;
    let (ended, failed) = match finish.status {
        Status::Code(code) => (Ended::Exited { code }, code != 0),
        Status::Signal(signal) => (Ended::Signalled { signal }, true),
        // Nobody but us may kill it; somebody told the launcher to.
        Status::Killed => return None,
    };
    if failed
        && group.bounds_memory().is_none()
        && limits.memory_bytes.is_some_and(|limit| peak_bytes > limit)
    {
        return Some(Ended::OutOfMemory { peak_bytes, limit_bytes: limits.memory_bytes });
    }
    let had_too_many = |limit: &u32| match finish.threads_left {
        Some(left) => left > *limit,
        None => group.refused_forks() > 0,
    };
    if let Some(limit) = limits.processes.filter(|limit| failed && had_too_many(limit)) {
        return Some(Ended::TooManyProcesses { limit });
    }
    Some(ended)
}

fn protection(spec: &CommandSpec, group: &RunGroup, started: Option<Started>) -> Protection {
    let limits = &spec.limits;
    let fallback = |is_wanted: bool| {
        if is_wanted { Control::Watched } else { Control::Unbounded }
    };
    let started = started.unwrap_or(Started {
        processes: ProcessProtection::Subreaper,
        files: FileProtection::None,
        user_namespace: false,
        notes: vec!["it was ended before the command was started".to_owned()],
    });
    let mut notes = started.notes;
    notes.extend(group.notes.iter().cloned());
    Protection {
        processes: started.processes,
        files: started.files,
        user_namespace: started.user_namespace,
        memory: group.bounds_memory().unwrap_or(fallback(limits.memory_bytes.is_some())),
        process_count: group.bounds_processes().unwrap_or(fallback(limits.processes.is_some())),
        notes,
    }
}
