//! A process that runs the hooks of one unit.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::channel::{Channel, Incoming, wait};
use super::listeners::Listeners;
use super::{Exit, HookResult, HookRun, Mode, RunnerError};
use crate::protocol::{ProtocolError, Request, read_frame, write_frame};
use crate::standins::web::{Network, WebReply, WebRequest};
use crate::standins::{StandInCall, StandInReply};
use crate::tools::{Reply, ToolCall};

/// How much longer than a hook's own time is waited for the word that it is over.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is asked meanwhile whether to go on at all.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How much a unit may tell the agent in its life: calls of tools, what they are given, what is
/// logged, and what web servers are asked. All of it is kept until the life was judged, and ordinary lives need a
/// hundredth of this.
const TOLD_BYTES_MAX: u64 = 32 << 20;
/// How long a tool that was started as a program may take to say what it wants.
const TOOL_TIMEOUT: Duration = Duration::from_secs(5);
/// What the process says of a hook whose time was over.
const TIMED_OUT: i64 = -1000;

/// What a unit's process is made of.
#[derive(Clone, Debug)]
pub struct UnitSpec {
    /// The unit: `web/0`.
    pub name: String,
    /// How its hooks are run.
    pub mode: Mode,
    /// The folder of each workload container, which holds Pebble's socket.
    pub containers: BTreeMap<String, Utf8PathBuf>,
    /// What else it sees: a path outside, and where it is inside.
    pub binds: Vec<(Utf8PathBuf, Utf8PathBuf)>,
    /// A folder of stand-ins, and where the unit has a copy of it.
    pub stand_ins: Option<(Utf8PathBuf, Utf8PathBuf)>,
    /// Files that it begins with, by path. Without a root of its own it has none of them.
    pub files: BTreeMap<String, String>,
    /// What its processes can connect to. Without a root of its own it has none of that.
    pub network: Network,
    /// Whether lines that ran before count as new again.
    pub forgets_lines: bool,
}

/// What a unit keeps between its hooks, besides what Juju keeps for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// What was deferred: event, observer, method.
    pub notices: Vec<(String, String, String)>,
    /// What is stored, by handle.
    pub stored: BTreeMap<String, String>,
}

/// Who answers what a hook asks for.
pub trait Answers {
    /// Answers a hook tool.
    fn tool(&mut self, call: &ToolCall) -> Reply;

    /// Answers a program that cannot run in a unit.
    fn stand_in(&mut self, call: &StandInCall) -> StandInReply;

    /// Whether the hook is to be cut off, because nobody wants to know any more.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Answers a web server that is asked, or snapd.
    fn web(&mut self, request: &WebRequest) -> WebReply;
}

/// A process that runs the hooks of one unit. It ends when this is dropped.
#[derive(Debug)]
pub struct UnitProcess {
    channel: Channel,
    exec_listener: UnixListener,
    listeners: Option<Listeners>,
    folder: Utf8PathBuf,
    charm_dir: Utf8PathBuf,
    socket: Utf8PathBuf,
    is_lost: bool,
    told_bytes: u64,
}

impl UnitProcess {
    pub(super) fn new(
        channel: Channel,
        exec_listener: UnixListener,
        listeners: Option<Listeners>,
        folder: Utf8PathBuf,
        charm_dir: Utf8PathBuf,
        socket: Utf8PathBuf,
    ) -> Self {
        Self { channel, exec_listener, listeners, folder, charm_dir, socket, is_lost: false, told_bytes: 0 }
    }

    /// Returns where the unit sees its charm.
    pub fn charm_dir(&self) -> &Utf8Path {
        &self.charm_dir
    }

    /// Returns where programs of the unit find the agent.
    pub fn socket(&self) -> &Utf8Path {
        &self.socket
    }

    /// Whether its process is gone, so that it runs no hook any more.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Runs a hook. `answers` is asked for each tool that is called.
    pub fn run(&mut self, hook: &HookRun, answers: &mut dyn Answers) -> Result<HookResult, RunnerError> {
        let began = Instant::now();
        if self.is_lost || self.channel.send(&json!({ "hook": hook })).is_err() {
            return Ok(self.lost(began, hook.timeout_s));
        }
        let deadline = began + Duration::from_secs_f64(hook.timeout_s) + PATIENCE;
        loop {
            if answers.is_cancelled() {
                self.give_up();
                return Err(RunnerError::Cancelled);
            }
            if self.told_bytes > TOLD_BYTES_MAX {
                self.give_up();
                return Ok(ended(Exit::Flooded, began));
            }
            let soon = deadline.min(Instant::now() + LOOK_AGAIN);
            let ready = if self.channel.has_more() {
                Some(0)
            } else {
                let (channel, programs) = (self.channel.as_fd(), self.exec_listener.as_fd());
                let ready = match &self.listeners {
                    Some(listeners) => wait(&[channel, programs, listeners.as_fd()], soon),
                    None => wait(&[channel, programs], soon),
                };
                ready.map_err(RunnerError::io("wait for a hook"))?
            };
            match ready {
                Some(0) => match self.channel.receive() {
                    Incoming::Message(message) => return Ok(result_of(&message)),
                    Incoming::Call(payload) => self.answer_call(&payload, answers),
                    Incoming::End => return Ok(self.lost(began, hook.timeout_s)),
                },
                Some(1) => self.answer_program(answers),
                Some(_) => self.answer_web(answers)?,
                None if Instant::now() < deadline => {}
                None => return Ok(self.lost(began, hook.timeout_s)),
            }
        }
    }

    /// Ends the process in the midst of whatever it does.
    fn give_up(&mut self) {
        self.is_lost = true;
        self.channel.kill_other_side();
    }

    /// Returns the unit's own files below `places`, in their order. What it sees of the host is
    /// left out.
    pub fn files(&mut self, places: &[&str]) -> Option<Vec<String>> {
        self.channel.send(&json!({ "files": places })).ok()?;
        Vec::deserialize(self.channel.message()?.get("files")?).ok()
    }

    /// Brings back the storage that was there before the last hook, which counts for nothing.
    pub fn restore(&mut self) {
        self.restoring(&json!({ "restore": {} }));
    }

    /// Ends all processes that hooks have left behind, as a reboot does.
    pub fn reboot(&mut self) {
        self.restoring(&json!({ "reboot": true }));
    }

    fn restoring(&mut self, message: &Value) {
        if self.channel.send(message).is_err() || self.channel.message().is_none() {
            self.is_lost = true;
        }
    }

    fn lost(&mut self, began: Instant, timeout_s: f64) -> HookResult {
        // A charm can see to it that neither the time limit nor the end of the connection ends it.
        self.give_up();
        // A process that runs all hooks itself is stopped by the kernel when its time is over.
        let exit = if began.elapsed().as_secs_f64() < timeout_s { Exit::Lost } else { Exit::TimedOut };
        ended(exit, began)
    }

    fn answer_call(&mut self, payload: &[u8], answers: &mut dyn Answers) {
        self.told_bytes += payload.len() as u64;
        // What is no call came from a process that does not know the protocol; it waits in vain.
        if let Ok(Some(reply)) = reply_to(payload, answers) {
            // Whether the other side is still there shows at the next look.
            let _ = self.channel.send_bytes(&reply);
        }
    }

    fn answer_web(&mut self, answers: &mut dyn Answers) -> Result<(), RunnerError> {
        let served = self.listeners.as_mut().map_or(Ok(0), |listeners| listeners.serve(answers));
        self.told_bytes += served.map_err(RunnerError::io("serve what a unit connects to"))?;
        Ok(())
    }

    /// Answers a tool that was started as a program.
    fn answer_program(&mut self, answers: &mut dyn Answers) {
        let Ok((mut stream, _)) = self.exec_listener.accept() else { return };
        let told_bytes = &mut self.told_bytes;
        let mut serve = || -> io::Result<()> {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(TOOL_TIMEOUT))?;
            stream.set_write_timeout(Some(TOOL_TIMEOUT))?;
            while *told_bytes <= TOLD_BYTES_MAX
                && let Some(payload) = read_frame(&mut stream)?
            {
                *told_bytes += payload.len() as u64;
                if let Some(reply) = reply_to(&payload, answers)? {
                    write_frame(&mut stream, &reply)?;
                }
            }
            Ok(())
        };
        // A program that breaks off has nobody to be told about it.
        let _ = serve();
    }
}

impl Drop for UnitProcess {
    fn drop(&mut self) {
        // Its process sees the end of the connection, and goes.
        let _ = fs_err::remove_dir_all(&self.folder);
    }
}

/// Returns what is to be said of a hook whose process tells nothing any more.
fn ended(exit: Exit, began: Instant) -> HookResult {
    HookResult {
        exit,
        output: String::new(),
        wall: began.elapsed(),
        cpu: Duration::ZERO,
        new_lines: Vec::new(),
        kept: None,
    }
}

/// Returns the reply to a request, if it wants one.
fn reply_to(payload: &[u8], answers: &mut dyn Answers) -> Result<Option<Vec<u8>>, ProtocolError> {
    if StandInCall::is_asked_by(payload) {
        return Ok(Some(answers.stand_in(&StandInCall::decode(payload)?).encode()));
    }
    let request = Request::decode(payload)?;
    let reply = answers.tool(&request.call);
    Ok(request.wants_reply.then(|| reply.encode()))
}

fn result_of(message: &Value) -> HookResult {
    let number = |name: &str| message.get(name).and_then(Value::as_i64);
    let exit = match number("end") {
        Some(TIMED_OUT) => Exit::TimedOut,
        Some(code) if code < 0 => Exit::Signal(i32::try_from(-code).unwrap_or(i32::MAX)),
        Some(code) => Exit::Code(i32::try_from(code).unwrap_or(i32::MAX)),
        None => Exit::Lost,
    };
    let duration = |name: &str, unit: fn(u64) -> Duration| {
        unit(number(name).and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    };
    HookResult {
        exit,
        output: message.get("output").and_then(Value::as_str).unwrap_or_default().to_owned(),
        wall: duration("wall_us", Duration::from_micros),
        cpu: duration("cpu_ms", Duration::from_millis),
        new_lines: message.get("lines").and_then(|lines| Vec::deserialize(lines).ok()).unwrap_or_default(),
        kept: message.get("kept").and_then(|kept| Inspection::deserialize(kept).ok()),
    }
}
