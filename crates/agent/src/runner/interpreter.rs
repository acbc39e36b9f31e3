//! The warm interpreter of one charm.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::{
    CancelToken, CommandSpec, DiskLimit, Ended, Isolation, Launcher, Limits, LogTarget, Namespaces,
    RunRecord, SandboxError,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::Root;
use super::channel::{Channel, wait};
use super::listeners::Listeners;
use super::unit::{UnitProcess, UnitSpec};
use super::{RunnerError, authority, python};
use crate::standins::web::{Door, Network};

/// How long a charm and its dependencies may take to be imported.
const IMPORT_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a unit's process may take to come up.
const UNIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is asked meanwhile whether to go on waiting.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How long all of it may go on; each hook has a limit of its own.
const LIFETIME: Duration = Duration::from_hours(7 * 24);
const LOG_SHOWN_BYTES: usize = 4000;
/// How many processes and threads a charm may have. Those of a bomb all want to run at once.
const PROCESSES_MAX: u32 = 200;
/// How large a file of a charm may become. In memory, all of a unit's files may have as much.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// What part of the memory one process may have: a charm that takes all is told so, by an
/// exception, before all of its processes are ended.
const MEMORY_SHARE: u64 = 2;
/// How long the end of a process is waited for that seems to have ended.
const END_TIMEOUT: Duration = Duration::from_millis(300);

/// What an interpreter is made of.
#[derive(Clone, Debug)]
pub struct InterpreterSpec {
    /// Starts commands in the sandbox.
    pub launcher: Launcher,
    /// The Python of the charm's environment.
    pub python: Utf8PathBuf,
    /// The charm, laid out as in a packed one. It is only read.
    pub charm: Utf8PathBuf,
    /// The charm's program, relative to `charm`: `src/charm.py`.
    pub program: Utf8PathBuf,
    /// The name of the application, which is part of the path that Juju puts the charm in.
    pub application: String,
    /// A folder of this interpreter alone. Sockets lie in it, so its path has to be short.
    pub work: Utf8PathBuf,
    /// The folder with the hook tools.
    pub tools: Utf8PathBuf,
    /// The names of the hook tools.
    pub tool_names: Vec<String>,
    /// What else the charm has to see: its environment, the real folder of its Python.
    pub visible: Vec<Utf8PathBuf>,
    /// A file of the user that replaces things before the charm runs.
    pub preload: Option<Utf8PathBuf>,
    /// Whether it is noted which of the charm's lines ran.
    pub counts_lines: bool,
    /// How much memory all of its processes may use.
    pub memory_bytes: u64,
    /// What time it is at first, in seconds since 1970.
    pub clock_s: u64,
    /// The modules of which it is told where they were imported from.
    pub watched_modules: Vec<String>,
}

/// A function that a charm observes events with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Handler {
    /// Its name.
    pub name: String,
    /// The events, as the charm calls them.
    pub events: Vec<String>,
    /// The file that it is in.
    pub file: String,
    /// The first line of its body.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

/// What the interpreter says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Welcome {
    /// The version of Python.
    #[serde(default)]
    pub python: Vec<u32>,
    /// The version of ops.
    pub ops: Option<String>,
    /// Why the charm can only be run cold.
    pub cold: Option<String>,
    /// Why units have no root filesystem of their own.
    pub bare: Option<String>,
    /// File and line of each line that can be counted.
    #[serde(default)]
    pub lines: Vec<(String, u32)>,
    /// The numbers of those that ran when the charm was imported.
    #[serde(default)]
    pub lines_at_import: Vec<u32>,
    /// The functions that the charm's own code observes events with.
    #[serde(default)]
    pub handlers: Vec<Handler>,
    /// The file of each watched module that the charm has imported.
    #[serde(default)]
    pub modules: BTreeMap<String, Utf8PathBuf>,
    /// Why the user's own file, which is run before the charm, failed.
    #[serde(default)]
    pub preload: Option<String>,
}

/// A Python that has imported a charm.
#[derive(Debug)]
pub struct Interpreter {
    spec: InterpreterSpec,
    welcome: Welcome,
    control: Channel,
    listener: UnixListener,
    cancel: CancelToken,
    process: Option<JoinHandle<Result<RunRecord, SandboxError>>>,
    units: u32,
}

impl Interpreter {
    /// Starts an interpreter and waits until it has imported the charm.
    pub fn start(spec: InterpreterSpec) -> Result<Self, RunnerError> {
        Self::start_unless(spec, &|| false)
    }

    /// Starts an interpreter, and stops when `is_cancelled` says so.
    pub fn start_unless(spec: InterpreterSpec, is_cancelled: &dyn Fn() -> bool) -> Result<Self, RunnerError> {
        let work = &spec.work;
        fs_err::create_dir_all(work.join("tmp")).map_err(RunnerError::io("make a folder"))?;
        let program = python::write(&work.join("python")).map_err(RunnerError::io("write a program"))?;
        let socket = work.join("agent.socket");
        let _ = fs_err::remove_file(&socket);
        let listener = UnixListener::bind(&socket).map_err(RunnerError::io("listen for the interpreter"))?;
        let cancel = CancelToken::new().map_err(RunnerError::io("make a pipe"))?;
        let command = command(&spec, &program, &socket);
        let (launcher, token) = (spec.launcher.clone(), cancel.clone());
        let process = std::thread::spawn(move || launcher.run(&command, &token));
        let deadline = Instant::now() + IMPORT_TIMEOUT;
        let is_over = || process.is_finished() || is_cancelled();
        let said = accept(&listener, deadline, is_over).and_then(|mut control| {
            while !is_over() && Instant::now() < deadline {
                if wait(&[control.as_fd()], deadline.min(Instant::now() + LOOK_AGAIN)).ok()?.is_some() {
                    return Some((control.message()?, control));
                }
            }
            None
        });
        let Some((message, control)) = said else {
            let is_late = Instant::now() >= deadline;
            if !is_late && !is_cancelled() {
                let_end(&process);
            }
            cancel.cancel();
            let record = process.join();
            if is_cancelled() {
                return Err(RunnerError::Cancelled);
            }
            let said = log_end(work);
            let why = if is_late {
                format!("the charm's import took longer than {} s", IMPORT_TIMEOUT.as_secs())
            } else {
                format!("while the charm was imported, {}", how_ended(record))
            };
            return Err(RunnerError::Ended {
                why: if said.is_empty() { why } else { format!("{why}\n{said}") },
            });
        };
        let welcome =
            Welcome::deserialize(&message).map_err(|error| RunnerError::Message(error.to_string()))?;
        let interpreter = Self { spec, welcome, control, listener, cancel, process: Some(process), units: 0 };
        match (&interpreter.welcome.preload, &interpreter.spec.preload) {
            (Some(traceback), Some(file)) => {
                Err(RunnerError::Preload { file: file.clone(), traceback: traceback.trim().to_owned() })
            }
            (None, _) | (_, None) => Ok(interpreter),
        }
    }

    /// Whether it is gone, as after a hook that killed all that it could.
    pub fn is_gone(&self) -> bool {
        self.process.as_ref().is_none_or(JoinHandle::is_finished) || self.control.is_over_within(END_TIMEOUT)
    }

    /// Returns what the interpreter says of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Returns what it was made of.
    pub fn spec(&self) -> &InterpreterSpec {
        &self.spec
    }

    /// Makes a process for a unit.
    pub fn unit(&mut self, unit: &UnitSpec) -> Result<UnitProcess, RunnerError> {
        self.units += 1;
        let folder = self.spec.work.join(format!("u{}", self.units));
        let is_bare = self.welcome.bare.is_some();
        let place = UnitPlace::new(&self.spec, unit, &folder, is_bare);
        fs_err::create_dir_all(folder.join("agent")).map_err(RunnerError::io("make a folder"))?;
        let exec_listener =
            UnixListener::bind(place.socket_outside()).map_err(RunnerError::io("listen for hook tools"))?;
        exec_listener.set_nonblocking(true).map_err(RunnerError::io("listen for hook tools"))?;
        let request = place.request(unit, &self.spec);
        if self.control.send(&request).is_err() {
            return Err(self.ended());
        }
        let deadline = Instant::now() + UNIT_TIMEOUT;
        let has_ended = || self.process.as_ref().is_none_or(JoinHandle::is_finished);
        let accepted = accept(&self.listener, deadline, has_ended);
        let Some(mut channel) = accepted else { return Err(self.ended()) };
        let Some(hello) = channel.message() else {
            return Err(RunnerError::Ended { why: self.log_end() });
        };
        let listeners = listeners(&mut channel, unit, &hello)?;
        Ok(UnitProcess::new(channel, exec_listener, listeners, folder, place.charm_dir, place.socket_inside))
    }

    /// Returns in words how it ended, if it did by itself.
    pub fn why_gone(mut self) -> Option<String> {
        if !self.is_gone() {
            return None;
        }
        let process = self.process.take()?;
        let_end(&process);
        self.cancel.cancel();
        let record = process.join();
        let is_ours = matches!(&record, Ok(Ok(record)) if record.ended == Ended::Cancelled);
        (!is_ours).then(|| how_ended(record))
    }

    /// Returns the end of what the interpreter printed.
    pub fn log_end(&self) -> String {
        log_end(&self.spec.work)
    }

    fn ended(&mut self) -> RunnerError {
        self.cancel.cancel();
        let record = self.process.take().map(JoinHandle::join);
        let how = record.map_or_else(|| "it ended before".to_owned(), how_ended);
        let said = self.log_end();
        RunnerError::Ended { why: if said.is_empty() { how } else { format!("{how}\n{said}") } }
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(process) = self.process.take() {
            // What it says of its end is of no use to anybody any more.
            let _ = process.join();
        }
    }
}

/// Where things of a unit lie.
struct UnitPlace {
    folder: Utf8PathBuf,
    charm_dir: Utf8PathBuf,
    socket_inside: Utf8PathBuf,
    root: Utf8PathBuf,
    is_bare: bool,
}

impl UnitPlace {
    fn new(spec: &InterpreterSpec, unit: &UnitSpec, folder: &Utf8Path, is_bare: bool) -> Self {
        let agents = juju_folder(&unit.name);
        let (charm_dir, socket_inside) = if is_bare {
            (folder.join("charm"), folder.join("agent").join("tools.socket"))
        } else {
            (agents.join("charm"), agents.join("run").join("tools.socket"))
        };
        Self {
            folder: folder.to_owned(),
            charm_dir,
            socket_inside,
            // One place is enough: each unit mounts over it in a namespace of its own.
            root: spec.work.join("root"),
            is_bare,
        }
    }

    fn socket_outside(&self) -> Utf8PathBuf {
        self.folder.join("agent").join("tools.socket")
    }

    fn request(&self, unit: &UnitSpec, spec: &InterpreterSpec) -> Value {
        let mut binds = vec![
            (self.folder.join("agent"), juju_folder(&unit.name).join("run")),
            (spec.tools.clone(), tools_folder(&unit.name)),
        ];
        for (name, folder) in &unit.containers {
            binds.push((folder.clone(), Utf8Path::new("/charm/containers").join(name)));
        }
        binds.extend(unit.binds.iter().cloned());
        let output = if self.is_bare { self.folder.join("output") } else { "/.charmproof/output".into() };
        json!({
            "mode": unit.mode,
            "forgets_lines": unit.forgets_lines,
            "files": unit.files,
            "stand_ins": unit.stand_ins,
            "network": network(&unit.network),
            "socket": spec.work.join("agent.socket"),
            "charm_dir": self.charm_dir,
            "root": self.root,
            "host_name": unit.name.replace('/', "-"),
            "binds": binds,
            "output": output,
        })
    }
}

/// Returns what the unit's process is told of its network.
fn network(network: &Network) -> Value {
    let authority = authority::certificate().filter(|_| network.is_authority_trusted);
    json!({
        "hosts": network.hosts,
        "ports": network.ports,
        "sockets": network.sockets,
        "authority": authority,
    })
}

/// Takes over what a unit's process listens at, as it says.
fn listeners(
    channel: &mut Channel,
    unit: &UnitSpec,
    hello: &Value,
) -> Result<Option<Listeners>, RunnerError> {
    let numbers = hello.get("listening").and_then(|numbers| Vec::<usize>::deserialize(numbers).ok());
    let numbers = numbers.unwrap_or_default();
    if numbers.is_empty() {
        return Ok(None);
    }
    let ports = unit.network.ports.iter().map(|(address, port)| Door::Port(*address, *port));
    let doors: Vec<Door> = ports.chain(unit.network.sockets.iter().cloned().map(Door::Socket)).collect();
    let failed = RunnerError::io("take over what a unit listens at");
    let asked = channel.send(&json!({ "hand_over": true }));
    let descriptors = asked.and_then(|()| channel.descriptors(numbers.len() + 1));
    let listeners = descriptors.and_then(|mut descriptors| {
        let stand_ins = unit.stand_ins.as_ref().map(|(_, inside)| inside.clone());
        let root = descriptors.pop().map(|root| Root::new(root, stand_ins));
        let doors = numbers.iter().filter_map(|number| doors.get(*number).cloned());
        Listeners::new(doors.zip(descriptors).collect(), root)
    });
    listeners.map(Some).map_err(failed)
}

/// Returns the folder that Juju has for a unit.
fn juju_folder(unit: &str) -> Utf8PathBuf {
    Utf8Path::new("/var/lib/juju/agents").join(format!("unit-{}", unit.replace('/', "-")))
}

/// Returns the folder that Juju puts the hook tools of a unit in.
pub fn tools_folder(unit: &str) -> Utf8PathBuf {
    Utf8Path::new("/var/lib/juju/tools").join(format!("unit-{}", unit.replace('/', "-")))
}

fn command(spec: &InterpreterSpec, program: &Utf8Path, socket: &Utf8Path) -> CommandSpec {
    let mut visible = spec.visible.clone();
    visible.push(spec.work.join("python"));
    visible.extend(spec.preload.clone());
    let settings = json!({
        "socket": socket,
        "charm_source": spec.charm,
        "import_dir": juju_folder(&format!("{}/0", spec.application)).join("charm"),
        "program": spec.program,
        "tools": spec.tool_names,
        "visible": visible,
        "preload": spec.preload,
        "counts_lines": spec.counts_lines,
        "clock": spec.clock_s,
        "watched_modules": spec.watched_modules,
        "process_bytes_max": spec.memory_bytes / MEMORY_SHARE,
    });
    let environment = BTreeMap::from([
        ("PATH".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("HOME".to_owned(), "/root".to_owned()),
        // Sets are walked in the same order each time.
        ("PYTHONHASHSEED".to_owned(), "0".to_owned()),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
    ]);
    CommandSpec {
        program: spec.python.as_str().into(),
        arguments: vec![program.as_str().into(), settings.to_string().into()],
        working_directory: spec.work.clone(),
        environment,
        isolation: Isolation {
            namespaces: Namespaces::Preferred,
            private_processes: true,
            read_only_host: true,
            keeps_capabilities: false,
            writable: vec![spec.work.clone()],
            visible: Vec::new(),
            hidden: Vec::new(),
            private_tmp: None,
        },
        limits: Limits {
            memory_bytes: Some(spec.memory_bytes),
            processes: Some(PROCESSES_MAX),
            file_bytes: Some(FILE_BYTES_MAX),
            disk: Some(DiskLimit {
                path: spec.work.clone(),
                bytes_max: Some(2 << 30),
                free_bytes_min: Some(200 << 20),
            }),
            ..Limits::wall(LIFETIME)
        },
        log: LogTarget::new(spec.work.join("interpreter.log")),
    }
}

/// Waits for a connection, until it is too late or nobody is left to make one.
fn accept(listener: &UnixListener, deadline: Instant, has_ended: impl Fn() -> bool) -> Option<Channel> {
    loop {
        let soon = deadline.min(Instant::now() + LOOK_AGAIN);
        if wait(&[listener.as_fd()], soon).ok()?.is_some() {
            let (stream, _) = listener.accept().ok()?;
            return Channel::new(stream).ok();
        }
        if has_ended() || Instant::now() >= deadline {
            return None;
        }
    }
}

fn log_end(work: &Utf8Path) -> String {
    let text = fs_err::read(work.join("interpreter.log")).unwrap_or_default();
    let start = text.len().saturating_sub(LOG_SHOWN_BYTES);
    String::from_utf8_lossy(&text[start..]).trim().to_owned()
}

/// Gives a process that is gone the time to be noticed, so that how it ended can be told.
fn let_end(process: &JoinHandle<Result<RunRecord, SandboxError>>) {
    let deadline = Instant::now() + Duration::from_secs(2);
    while !process.is_finished() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns how an interpreter ended, in words.
fn how_ended(record: std::thread::Result<Result<RunRecord, SandboxError>>) -> String {
    let record = match record {
        Ok(Ok(record)) => record,
        Ok(Err(error)) => return error.to_string(),
        Err(_) => return "the thread that watched it panicked".to_owned(),
    };
    let mib = |bytes: u64| bytes >> 20;
    match record.ended {
        Ended::Exited { code } => format!("it ended with exit code {code}"),
        Ended::Signalled { signal } => format!("it was ended by signal {signal}"),
        Ended::Cancelled => "it was ended, because it did not answer".to_owned(),
        Ended::TimedOut { after } | Ended::Silent { after } => {
            format!("it was ended after {} s", after.as_secs())
        }
        Ended::OutOfMemory { peak_bytes, limit_bytes } => match limit_bytes {
            Some(limit) => format!("all of its processes had more than {} MiB of memory", mib(limit)),
            None => format!("there was no memory left beside its {} MiB", mib(peak_bytes)),
        },
        Ended::TooManyProcesses { limit } => format!("it had more than {limit} processes"),
        Ended::DiskFull { used_bytes, free_bytes, .. } => match used_bytes {
            Some(used) => format!("it wrote {} MiB to the disk", mib(used)),
            None => format!("only {} MiB are free on the disk", mib(free_bytes)),
        },
    }
}
