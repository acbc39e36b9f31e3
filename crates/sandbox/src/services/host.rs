//! The shell around the manager: processes, sockets, journals, and who asks for something.
//!
//! It has one thread and never waits but for a process to take over its program; whoever hosts it
//! waits for [`Services::descriptors`] and calls [`Services::turn`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::call::{Incoming, Said, answer};
use super::command::CommandLine;
use super::journal::{self, Journal, Lines};
use super::keeper::{Keeper, News};
use super::library::Library;
use super::manager::{Action, JobId, Manager};
use super::name::UnitName;
use super::plan::{Context, plan};
use super::service::config::ServiceType;
use super::service::state::{Effect, Event, Slot, State, Target};
use super::systemctl::{self, Outcome, Waiting};
use super::{accounts, activation};
use crate::procfs;

/// How often the descriptors are looked at in one turn, so that a chatty service cannot keep the
/// host from its other work.
const ROUNDS_MAX: usize = 16;
const READ_BYTES: usize = 64 * 1024;
const CLIENTS_MAX: usize = 256;
/// Whose members may read what services wrote.
const JOURNAL_GROUPS: [&str; 3] = ["adm", "systemd-journal", "wheel"];
/// How long somebody who asked may take to read the answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// The name under which the manager itself is in the journal.
const OWN_NAME: &str = "systemd";

/// Where services live.
#[derive(Debug, Clone)]
pub struct ServicesSettings {
    /// The root folder with the unit files: `/` in a machine.
    pub root: Utf8PathBuf,
    /// A folder of our own for sockets and journals: `/run/charmproof` in a machine.
    pub folder: Utf8PathBuf,
    /// Whether `/dev/log` is to be served.
    pub serves_syslog: bool,
    /// Whether nobody but root exists, so that `User=` cannot be obeyed.
    pub has_single_user: bool,
}

impl ServicesSettings {
    /// Of a machine whose root folder is the root.
    pub fn of_machine() -> Self {
        Self {
            root: Utf8PathBuf::from("/"),
            folder: Utf8PathBuf::from("/run/charmproof"),
            serves_syslog: true,
            has_single_user: false,
        }
    }
}

/// The processes of a unit.
struct Running {
    keeper: Keeper,
    notify: Option<(UnixDatagram, Utf8PathBuf)>,
    invocation: String,
}

/// What a process writes.
struct Writing {
    unit: UnitName,
    identifier: String,
    pid: i32,
    pipe: File,
    lines: Lines,
}

/// Somebody who asks for something.
struct Client {
    number: u64,
    stream: UnixStream,
    incoming: Incoming,
    is_root: bool,
    /// Who it is, by number.
    user: u32,
    waiting: Option<Waiting>,
}

/// The services of a machine.
pub struct Services {
    settings: ServicesSettings,
    manager: Manager<Library>,
    journal: Journal,
    running: BTreeMap<UnitName, Running>,
    writing: BTreeMap<u64, Writing>,
    sockets: BTreeMap<UnitName, Vec<(OwnedFd, String)>>,
    listener: UnixListener,
    syslog: Option<UnixDatagram>,
    clients: Vec<Client>,
    next_number: u64,
    reboots: bool,
}

/// What was heard of.
enum Source {
    Listener,
    Client(u64),
    Output(u64),
    Keeper(UnitName),
    Notify(UnitName),
    Socket(UnitName),
    Syslog,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Services {
    /// Opens the socket of `systemctl`, and starts nothing yet.
    pub fn new(settings: ServicesSettings) -> io::Result<Self> {
        fs_err::create_dir_all(&settings.folder)?;
        fs_err::set_permissions(&settings.folder, std::fs::Permissions::from_mode(0o755))?;
        fs_err::create_dir_all(settings.folder.join("notify"))?;
        let listener = bound(&settings.folder.join("services.socket"), |path| UnixListener::bind(path))?;
        listener.set_nonblocking(true)?;
        let syslog = if settings.serves_syslog { open_syslog(&settings.folder).ok() } else { None };
        let journal = Journal::new(&settings.folder.join("journal"))?;
        // What services say may be secret.
        fs_err::set_permissions(settings.folder.join("journal"), std::fs::Permissions::from_mode(0o700))?;
        let manager = Manager::new(Library::new(&settings.root), Timestamp::now());
        Ok(Self {
            settings,
            manager,
            journal,
            running: BTreeMap::new(),
            writing: BTreeMap::new(),
            sockets: BTreeMap::new(),
            listener,
            syslog,
            clients: Vec::new(),
            next_number: 0,
            reboots: false,
        })
    }

    /// Starts what starts with the machine.
    pub fn start(&mut self) {
        super::generators::make_temporary_files(&self.settings.root);
        self.manager.boot(Timestamp::now());
        self.act();
    }

    /// Begins to stop everything.
    pub fn stop(&mut self) {
        self.manager.shut_down(Timestamp::now());
        self.act();
    }

    /// Whether nothing runs any more after [`Services::stop`].
    pub fn is_stopped(&self) -> bool {
        self.manager.is_down()
    }

    /// Whether somebody inside has asked for a reboot.
    pub fn reboots(&self) -> bool {
        self.reboots
    }

    /// What to wait for; [`Services::turn`] is to be called when any of them is readable.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.sources().into_iter().map(|(descriptor, _)| descriptor).collect()
    }

    /// When [`Services::turn`] is to be called at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        if self.running.values().any(|running| running.keeper.has_early_news()) {
            return Some(Instant::now());
        }
        let deadline = self.manager.deadline()?;
        let left = deadline.duration_since(Timestamp::now());
        Some(Instant::now() + Duration::try_from(left).unwrap_or(Duration::ZERO))
    }

    /// Looks at everything and does what is to be done. It does not wait.
    pub fn turn(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let now = Timestamp::now();
            if self.manager.deadline().is_some_and(|deadline| deadline <= now) {
                self.manager.tick(now);
                self.act();
            }
            let mut heard = self.heard();
            let early = self.running.iter().filter(|(_, running)| running.keeper.has_early_news());
            heard.extend(early.map(|(unit, _)| Source::Keeper(unit.clone())).collect::<Vec<_>>());
            if heard.is_empty() {
                return;
            }
            for source in heard {
                match source {
                    Source::Listener => self.accept(),
                    Source::Client(number) => self.listen(number),
                    Source::Output(number) => self.read_output(number),
                    Source::Keeper(unit) => self.hear_keeper(&unit),
                    Source::Notify(unit) => self.hear_notification(&unit),
                    Source::Socket(unit) => self.manager.socket_ready(&unit, Timestamp::now()),
                    Source::Syslog => self.hear_syslog(),
                }
                self.act();
            }
        }
    }

    fn sources(&self) -> Vec<(BorrowedFd<'_>, Source)> {
        let mut sources = vec![(self.listener.as_fd(), Source::Listener)];
        let clients = self.clients.iter().filter(|client| client.waiting.is_none());
        sources.extend(clients.map(|client| (client.stream.as_fd(), Source::Client(client.number))));
        // The last words of a process come before the news of its end.
        sources.extend(
            self.writing.iter().map(|(number, output)| (output.pipe.as_fd(), Source::Output(*number))),
        );
        for (unit, running) in &self.running {
            if let Some((notify, _)) = &running.notify {
                sources.push((notify.as_fd(), Source::Notify(unit.clone())));
            }
            sources.push((running.keeper.socket.as_fd(), Source::Keeper(unit.clone())));
        }
        sources.extend(self.syslog.iter().map(|socket| (socket.as_fd(), Source::Syslog)));
        for (unit, sockets) in &self.sockets {
            if self.waits_for_traffic(unit) {
                sources
                    .extend(sockets.iter().map(|(socket, _)| (socket.as_fd(), Source::Socket(unit.clone()))));
            }
        }
        sources
    }

    /// Whether a connection would start a service that does not run.
    fn waits_for_traffic(&self, socket: &UnitName) -> bool {
        use super::unit::Kind;
        let Some(Kind::Socket(config)) = self.manager.entry(socket).map(|entry| &entry.unit.kind) else {
            return false;
        };
        let is_idle = self
            .manager
            .entry(&config.service)
            .is_none_or(|entry| matches!(entry.active(), "inactive" | "failed"));
        is_idle && !self.manager.jobs().any(|job| job.unit == config.service)
    }

    fn heard(&self) -> Vec<Source> {
        let (descriptors, sources): (Vec<_>, Vec<_>) = self.sources().into_iter().unzip();
        let mut fds: Vec<PollFd<'_>> =
            descriptors.into_iter().map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN)).collect();
        if poll(&mut fds, PollTimeout::ZERO).is_err() {
            return Vec::new();
        }
        let is_heard: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        sources
            .into_iter()
            .zip(is_heard)
            .filter_map(|(source, is_heard)| is_heard.then_some(source))
            .collect()
    }

    /// Does what the manager wants done, until it wants nothing more.
    fn act(&mut self) {
        loop {
            let actions = self.manager.take_actions();
            if actions.is_empty() {
                break;
            }
            for action in actions {
                match action {
                    Action::Service(unit, effect) => self.serve(&unit, effect),
                    Action::OpenSockets(unit, config) => {
                        match activation::open(&config, &self.settings.root) {
                            Ok(sockets) => {
                                self.sockets.insert(unit, sockets);
                            }
                            Err(why) => self.manager.sockets_failed(&unit, why, Timestamp::now()),
                        }
                    }
                    Action::CloseSockets(unit, config) => {
                        self.sockets.remove(&unit);
                        activation::clean_up(&config);
                    }
                    Action::Log(unit, text) => self.log(&unit, &text),
                }
            }
        }
        self.answer_clients();
    }

    fn log(&mut self, unit: &UnitName, text: &str) {
        // As systemd does, the lines about a unit begin with its name.
        let about = ["Start", "Stop", "Finished", "Failed to start", "Dependency", "Reload"];
        let is_skipped = text.contains(" was skipped because of ");
        let text = if is_skipped
            || (about.iter().any(|begin| text.starts_with(begin)) && !text.starts_with("Start request"))
        {
            text.to_owned()
        } else {
            format!("{unit}: {text}")
        };
        self.journal.write(&journal::record(Timestamp::now(), unit, OWN_NAME, 1, (6, &text)));
    }

    fn serve(&mut self, unit: &UnitName, effect: Effect) {
        match effect {
            Effect::Run { slot, phase, command, environment } => {
                let event = match self.run(unit, slot, phase, &command, environment) {
                    Ok((pid, is_executed)) => {
                        self.manager.note_process(unit, slot, phase, command, pid);
                        Event::Spawned { slot, pid, is_executed }
                    }
                    Err(why) => Event::NotSpawned(why),
                };
                self.manager.event(unit, event, Timestamp::now());
            }
            Effect::Signal { target, signal } => self.signal(unit, target, signal),
            Effect::FindMain => self.find_main(unit),
            Effect::CleanUp => self.clean_up(unit),
            Effect::Log(text) => self.log(unit, &text),
            // The manager keeps those to itself.
            Effect::Arm(_) | Effect::RestartDue => {}
        }
    }

    fn run(
        &mut self,
        unit: &UnitName,
        slot: Slot,
        phase: &'static str,
        command: &CommandLine,
        environment: Vec<(String, String)>,
    ) -> Result<(i32, bool), String> {
        let words = |error: io::Error| error.to_string();
        let Some(service) = self.manager.entry(unit).and_then(|entry| entry.service()) else {
            return Err("the unit is gone".to_owned());
        };
        let config = std::sync::Arc::clone(&service.config);
        if !self.running.contains_key(unit) {
            let keeper = Keeper::start().map_err(words)?;
            self.next_number += 1;
            let invocation = invocation(self.next_number);
            self.running.insert(unit.clone(), Running { keeper, notify: None, invocation });
        }
        let mut variables = environment;
        let notifies = matches!(config.service_type, ServiceType::Notify | ServiceType::NotifyReload);
        let mut sockets = Vec::new();
        let mut names = Vec::new();
        if phase == "ExecStart" {
            for (socket_unit, opened) in &self.sockets {
                if self.serves(socket_unit, unit) {
                    for (socket, name) in opened {
                        sockets.push(socket);
                        names.push(name.clone());
                    }
                }
            }
        }
        let Some(running) = self.running.get_mut(unit) else { return Err("its keeper is gone".to_owned()) };
        if notifies && running.notify.is_none() {
            self.next_number += 1;
            let path = self.settings.folder.join(format!("notify/{}", self.next_number));
            let socket = bound(&path, |path| UnixDatagram::bind(path)).map_err(words)?;
            socket.set_nonblocking(true).map_err(words)?;
            running.notify = Some((socket, path));
        }
        if let Some((_, path)) = &running.notify {
            variables.push(("NOTIFY_SOCKET".to_owned(), path.to_string()));
        }
        variables.push(("INVOCATION_ID".to_owned(), running.invocation.clone()));
        let context = Context {
            root: &self.settings.root,
            variables,
            sockets: names,
            has_single_user: self.settings.has_single_user,
            unit: unit.as_str(),
        };
        let plan = plan(command, &config.execution, &context);
        let (reader, writer) = io::pipe().map_err(words)?;
        let started = running.keeper.run(plan, &OwnedFd::from(writer), &sockets)?;
        let pipe = File::from(OwnedFd::from(reader));
        rustix::io::ioctl_fionbio(&pipe, true).map_err(|errno| errno.to_string())?;
        let identifier =
            config.execution.identifier.clone().unwrap_or_else(|| command.identifier().to_owned());
        self.next_number += 1;
        let writing =
            Writing { unit: unit.clone(), identifier, pid: started.0, pipe, lines: Lines::default() };
        self.writing.insert(self.next_number, writing);
        debug_assert!(matches!(slot, Slot::Main | Slot::Control), "every process has a place");
        Ok(started)
    }

    /// Whether a socket unit is there for a service.
    fn serves(&self, socket: &UnitName, service: &UnitName) -> bool {
        use super::unit::Kind;
        match self.manager.entry(socket).map(|entry| &entry.unit.kind) {
            Some(Kind::Socket(config)) => config.service == *service,
            Some(Kind::Service(_) | Kind::Timer(_) | Kind::Target | Kind::Provided) | None => false,
        }
    }

    fn signal(&self, unit: &UnitName, target: Target, signal: Signal) {
        let send = |pid: i32| {
            let _ = kill(Pid::from_raw(pid), signal);
            // A process that was stopped hears of it only when it goes on.
            if signal == Signal::SIGTERM || signal == Signal::SIGHUP {
                let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
            }
        };
        match target {
            Target::Process(pid) => send(pid),
            Target::All => {
                let Some(running) = self.running.get(unit) else { return };
                // What was forked meanwhile is found when it is looked again.
                let rounds = if signal == Signal::SIGKILL { 4 } else { 1 };
                for _ in 0..rounds {
                    let processes = running.keeper.processes();
                    if processes.is_empty() {
                        break;
                    }
                    processes.into_iter().for_each(send);
                }
            }
        }
    }

    fn find_main(&mut self, unit: &UnitName) {
        let Some(service) = self.manager.entry(unit).and_then(|entry| entry.service()) else { return };
        let Some(running) = self.running.get(unit) else { return };
        let found = match &service.config.pid_file {
            Some(path) => {
                let number = crate::plain::read_text(path).ok().and_then(|text| text.trim().parse().ok());
                let is_own = |pid: &i32| running.keeper.processes().contains(pid);
                number.filter(is_own)
            }
            // The only process that the start left behind.
            None => match procfs::children(running.keeper.pid.as_raw())[..] {
                [only] => Some(only),
                [..] => None,
            },
        };
        if let Some(pid) = found {
            self.manager.event(unit, Event::MainFound(pid), Timestamp::now());
        }
    }

    fn clean_up(&mut self, unit: &UnitName) {
        let config = self
            .manager
            .entry(unit)
            .and_then(|entry| entry.service())
            .map(|service| std::sync::Arc::clone(&service.config));
        if let Some(config) = config.filter(|config| !config.execution.keeps_runtime_folders) {
            let runtime = config.execution.folders.iter().filter(|kind| kind.variable == "RUNTIME_DIRECTORY");
            for folder in runtime.flat_map(|kind| &kind.folders) {
                // One that is not there, or not empty of mounts, is left.
                let _ = fs_err::remove_dir_all(&folder.path);
            }
        }
        let is_over = self.running.get(unit).is_some_and(|running| running.keeper.processes().is_empty());
        if is_over {
            self.drop_keeper(unit);
        }
    }

    fn drop_keeper(&mut self, unit: &UnitName) {
        if let Some(running) = self.running.remove(unit)
            && let Some((_, path)) = running.notify
        {
            let _ = fs_err::remove_file(path);
        }
    }

    fn hear_keeper(&mut self, unit: &UnitName) {
        // What was written before the end belongs before the news of it.
        let own: Vec<u64> = self
            .writing
            .iter()
            .filter(|(_, output)| output.unit == *unit)
            .map(|(number, _)| *number)
            .collect();
        for number in own {
            self.read_output(number);
        }
        let Some(running) = self.running.get_mut(unit) else { return };
        let Some(news) = running.keeper.hear() else {
            self.drop_keeper(unit);
            self.manager.event(unit, Event::Empty, Timestamp::now());
            return;
        };
        for news in news {
            let event = match news {
                News::Ended { pid, status } => Event::Ended { pid, status },
                News::Empty => Event::Empty,
                News::Started { .. } | News::NotStarted { .. } => continue,
            };
            let is_empty = event == Event::Empty;
            self.manager.event(unit, event, Timestamp::now());
            self.act();
            let is_over = self.manager.entry(unit).and_then(|entry| entry.service()).is_none_or(|service| {
                matches!(service.state, State::Dead | State::Failed | State::AutoRestart)
            });
            if is_empty && is_over {
                self.drop_keeper(unit);
            }
        }
    }

    fn hear_notification(&mut self, unit: &UnitName) {
        let Some((socket, _)) = self.running.get(unit).and_then(|running| running.notify.as_ref()) else {
            return;
        };
        let mut packet = [0; 4096];
        let Ok(length) = socket.recv(&mut packet) else { return };
        let text = String::from_utf8_lossy(&packet[..length]);
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.manager.event(unit, Event::Notified(lines), Timestamp::now());
    }

    fn hear_syslog(&mut self) {
        let Some(socket) = &self.syslog else { return };
        let Some((packet, pid)) = activation::receive_from(socket) else { return };
        let (priority, identifier, text) = journal::syslog(&packet);
        let ancestors = procfs::ancestors(pid);
        let unit = self
            .running
            .iter()
            .find(|(_, running)| ancestors.contains(&running.keeper.pid.as_raw()))
            .map(|(unit, _)| unit.clone());
        // What no service of ours wrote is in the journal under a name that no unit has.
        let own = UnitName::parse("session.scope").ok();
        if let Some(unit) = unit.or(own) {
            self.journal.write(&journal::record(
                Timestamp::now(),
                &unit,
                &identifier,
                pid,
                (priority, &text),
            ));
        }
    }

    fn read_output(&mut self, number: u64) {
        let Some(output) = self.writing.get_mut(&number) else { return };
        let mut buffer = vec![0; READ_BYTES];
        let (mut lines, is_over) = match output.pipe.read(&mut buffer) {
            Ok(0) => (Vec::new(), true),
            Ok(length) => (output.lines.add(&buffer[..length]), false),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return;
            }
            Err(_) => (Vec::new(), true),
        };
        if is_over {
            lines.extend(output.lines.end());
        }
        for line in lines {
            let said = journal::priority(&line);
            let record =
                journal::record(Timestamp::now(), &output.unit, &output.identifier, output.pid, said);
            self.journal.write(&record);
        }
        if is_over {
            self.writing.remove(&number);
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() >= CLIENTS_MAX || stream.set_nonblocking(true).is_err() {
                continue;
            }
            let Ok(peer) = rustix::net::sockopt::socket_peercred(&stream) else { continue };
            let is_root = peer.uid.is_root();
            self.next_number += 1;
            self.clients.push(Client {
                number: self.next_number,
                stream,
                incoming: Incoming::default(),
                is_root,
                user: peer.uid.as_raw(),
                waiting: None,
            });
        }
    }

    /// Whether a user may read what services wrote.
    fn is_administrator(&self, user: u32) -> bool {
        let read = |path: &str| crate::plain::read_text(self.settings.root.join(path)).unwrap_or_default();
        let (passwd, groups) = (read("etc/passwd"), read("etc/group"));
        accounts::is_in_one_of(&JOURNAL_GROUPS, &user.to_string(), &passwd, &groups)
    }

    fn listen(&mut self, number: u64) {
        let Some(at) = self.clients.iter().position(|client| client.number == number) else { return };
        let mut buffer = vec![0; READ_BYTES];
        let client = &mut self.clients[at];
        let call = match client.stream.read(&mut buffer) {
            Ok(length) if length > 0 => match client.incoming.add(&buffer[..length]) {
                Ok(None) => return,
                Ok(Some(call)) => call,
                Err(()) => {
                    self.clients.remove(at);
                    return;
                }
            },
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return;
            }
            Ok(_) | Err(_) => {
                self.clients.remove(at);
                return;
            }
        };
        let (mut is_root, user) = (client.is_root, client.user);
        if call.program == "journalctl" {
            is_root = is_root || self.is_administrator(user);
        }
        let mut view = View { running: &self.running, signals: Vec::new() };
        let outcome =
            systemctl::run(&call, is_root, &mut self.manager, &self.journal, &mut view, Timestamp::now());
        let signals = view.signals;
        for (unit, target, signal) in signals {
            self.signal(&unit, target, signal);
        }
        match outcome {
            Outcome::Said(said) => self.say(at, &said),
            Outcome::Waiting(waiting) => self.clients[at].waiting = Some(waiting),
            Outcome::Reboot => {
                self.say(at, &Said::default());
                self.reboots = true;
            }
        }
    }

    fn say(&mut self, at: usize, said: &Said) {
        let mut client = self.clients.remove(at);
        // Somebody who went away, or does not read, is not waited for.
        let _ = client
            .stream
            .set_nonblocking(false)
            .and_then(|()| client.stream.set_write_timeout(Some(ANSWER_PATIENCE)))
            .and_then(|()| client.stream.write_all(&answer(said)));
    }

    fn answer_clients(&mut self) {
        let manager = &self.manager;
        let is_done = |id: &JobId| manager.result(*id).is_some();
        let done: Vec<u64> = self
            .clients
            .iter()
            .filter(|client| {
                client.waiting.as_ref().is_some_and(|waiting| waiting.jobs.iter().all(|(id, _)| is_done(id)))
            })
            .map(|client| client.number)
            .collect();
        for number in done {
            let Some(at) = self.clients.iter().position(|client| client.number == number) else { continue };
            if let Some(waiting) = self.clients[at].waiting.take() {
                let said = systemctl::finish(waiting, &self.manager);
                self.say(at, &said);
            }
        }
    }
}

/// What `systemctl` sees of processes.
pub(super) struct View<'a> {
    running: &'a BTreeMap<UnitName, Running>,
    signals: Vec<(UnitName, Target, Signal)>,
}

impl systemctl::Processes for View<'_> {
    fn of(&self, unit: &UnitName) -> Vec<(i32, String)> {
        let Some(running) = self.running.get(unit) else { return Vec::new() };
        let mut pids = running.keeper.processes();
        pids.sort_unstable();
        pids.into_iter().map(|pid| (pid, procfs::command_line(pid))).collect()
    }

    fn name(&self, pid: i32) -> String {
        procfs::name(pid)
    }

    fn invocation(&self, unit: &UnitName) -> String {
        self.running.get(unit).map_or(String::new(), |running| running.invocation.clone())
    }

    fn signal(&mut self, unit: &UnitName, target: Target, signal: Signal) {
        self.signals.push((unit.clone(), target, signal));
    }
}

/// Binds a socket that everybody may speak to, in place of one that was left behind.
fn bound<T>(path: &Utf8Path, bind: impl Fn(&Utf8Path) -> io::Result<T>) -> io::Result<T> {
    let _ = fs_err::remove_file(path);
    let socket = bind(path)?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    Ok(socket)
}

fn open_syslog(folder: &Utf8Path) -> io::Result<UnixDatagram> {
    let path = folder.join("dev-log");
    let socket = bound(&path, |path| UnixDatagram::bind(path))?;
    socket.set_nonblocking(true)?;
    rustix::net::sockopt::set_socket_passcred(&socket, true)?;
    if Utf8Path::new("/dev/log").symlink_metadata().is_err() {
        fs_err::os::unix::fs::symlink(&path, "/dev/log")?;
    }
    Ok(socket)
}

/// A number for one life of a unit, in the form that systemd gives them.
fn invocation(number: u64) -> String {
    format!("{:016x}{number:016x}", Timestamp::now().as_nanosecond() as u64)
}

/// Serves the services of a machine, or of a root folder, until SIGTERM; then stops them all.
/// Returns the exit code for the process.
///
/// For a process of its own, with a single thread; a first process that waits for other things
/// as well hosts a [`Services`] itself.
pub fn services_main(settings: ServicesSettings) -> i32 {
    match serve(settings) {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: could not serve services: {error}");
            1
        }
    }
}

fn serve(settings: ServicesSettings) -> io::Result<()> {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    let signals = crate::supervise::signals()?;
    // What a keeper leaves behind comes to us.
    nix::sys::prctl::set_child_subreaper(true)?;
    let mut services = Services::new(settings)?;
    services.start();
    loop {
        let timeout = services.deadline().map_or(PollTimeout::NONE, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX)
        });
        {
            let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            fds.extend(services.descriptors().into_iter().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            match poll(&mut fds, timeout) {
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        while let Ok(Some(signal)) = signals.read_signal() {
            if signal.ssi_signo == Signal::SIGTERM as u32 {
                services.stop();
            }
        }
        while !matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive) | Err(_)) {}
        services.turn();
        if services.is_stopped() {
            return Ok(());
        }
    }
}
