//! Commands: from the request to the exit code.
//!
//! A command is run when the client has connected its websockets, by the thread of the last of them.
//! `socket` carries the bytes, `process` runs real commands.

mod process;
pub(crate) mod socket;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::json;

use self::socket::{Frames, Kind};
use crate::changes::Work;
use crate::clock::Timer;
use crate::core::Core;
use crate::duration;
use crate::files::Ids;
use crate::http::Stream;
use crate::options::Workload;
use crate::rules::ExecRule;
use crate::shared::Shared;

/// What is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) working_dir: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) ids: Option<Ids>,
    pub(crate) split_stderr: bool,
}

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its websockets are not all there.
    Waiting,
    /// It runs.
    Running,
}

/// A command on its way.
#[derive(Debug)]
pub(crate) struct Execution {
    setup: Setup,
    /// Where its record is.
    record: Option<usize>,
    connected: BTreeMap<Kind, Stream>,
    stage: Stage,
    /// Whether what the client sends has somewhere to go.
    is_started: bool,
    /// The process, which leads a group of its own.
    pid: Option<Pid>,
    /// Its standard input, until that is over.
    input: Option<Arc<std::io::PipeWriter>>,
    /// How it will end, if that is known before.
    planned_code: i32,
    was_aborted: bool,
}

impl Execution {
    pub(crate) fn new(setup: Setup, record: Option<usize>) -> Self {
        Self {
            setup,
            record,
            connected: BTreeMap::new(),
            stage: Stage::Waiting,
            is_started: false,
            pid: None,
            input: None,
            planned_code: 0,
            was_aborted: false,
        }
    }

    /// Kills what runs, and closes the websockets.
    pub(crate) fn close(&mut self) {
        if let Some(pid) = self.pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        for stream in self.connected.values() {
            stream.shut_down();
        }
    }

    fn takes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Control | Kind::Stdio => true,
            Kind::Stderr => self.setup.split_stderr,
        }
    }

    fn has_io(&self) -> bool {
        [Kind::Stdio, Kind::Stderr]
            .into_iter()
            .all(|kind| !self.takes(kind) || self.connected.contains_key(&kind))
    }
}

/// Why a websocket is not connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotConnected {
    NoTask,
    WrongTask(&'static str),
    NoSocket,
    Already,
}

impl Core {
    /// Begins to wait for the websockets of a command.
    pub(crate) fn await_connections(&mut self, task: u64) {
        let patience = self.connect_timeout;
        self.time.set(patience, Timer::Connect { task });
    }

    /// Nobody connected in time.
    pub(crate) fn connect_elapsed(&mut self, task: u64) {
        if self.executions.get(&task).is_some_and(|execution| execution.stage == Stage::Waiting) {
            let message =
                format!("exec {task}: timeout waiting for websocket connections: context deadline exceeded");
            self.finish_execution(task, None, Some(message));
        }
    }

    /// Takes a websocket for a command. Says whether now everything is there and the command has to be run.
    pub(crate) fn connect(&mut self, task: u64, kind: Kind, stream: Stream) -> Result<bool, NotConnected> {
        let Some(known) = self.changes.task(task) else { return Err(NotConnected::NoTask) };
        match known.work {
            Work::Exec => {}
            Work::Start(_) | Work::Stop(_) | Work::Check { .. } => {
                return Err(NotConnected::WrongTask(known.work.kind()));
            }
        }
        let execution = self.executions.get_mut(&task).ok_or(NotConnected::NoSocket)?;
        if !execution.takes(kind) {
            return Err(NotConnected::NoSocket);
        }
        if execution.connected.contains_key(&kind) {
            return Err(NotConnected::Already);
        }
        execution.connected.insert(kind, stream);
        if kind == Kind::Stdio {
            self.open_inputs += 1;
        }
        if execution.stage == Stage::Waiting && execution.has_io() {
            execution.stage = Stage::Running;
            self.busy += 1;
            self.time.cancel(|timer| *timer == Timer::Connect { task });
            return Ok(true);
        }
        Ok(false)
    }

    /// Ends a command: no code means that it did not end by itself.
    pub(crate) fn finish_execution(&mut self, task: u64, code: Option<i32>, error: Option<String>) {
        let Some(execution) = self.executions.remove(&task) else { return };
        if execution.stage == Stage::Running {
            self.busy = self.busy.saturating_sub(1);
        }
        if let Some(control) = execution.connected.get(&Kind::Control) {
            control.shut_down();
        }
        if let Some(record) = execution.record.and_then(|index| self.records.exec.get_mut(index)) {
            record.exit_code = code;
            record.error.clone_from(&error);
        }
        if execution.stage == Stage::Running {
            self.changes.set_data(task, json!({"exit-code": code.unwrap_or(-1)}));
        }
        let result = match error {
            // What was given up on purpose has not failed.
            Some(_) if execution.was_aborted => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        };
        self.end_task(task, result);
    }

    /// A simulated command's time is over.
    pub(crate) fn simulated_end(&mut self, task: u64) {
        let Some(execution) = self.executions.get(&task) else { return };
        let code = execution.planned_code;
        self.busy += 1;
        self.finish_execution(task, Some(code), None);
    }

    /// Gives up a command.
    pub(crate) fn abort_execution(&mut self, task: u64) {
        let Some(execution) = self.executions.get_mut(&task) else {
            self.end_task(task, Ok(()));
            return;
        };
        execution.was_aborted = true;
        match (execution.pid, execution.stage) {
            // The thread that waits for the process reports.
            (Some(pid), Stage::Running) => drop(kill_process(pid, Signal::KILL)),
            (Some(_) | None, Stage::Waiting) | (None, Stage::Running) => {
                self.finish_execution(task, None, None);
            }
        }
    }

    /// Sends a signal to a command.
    fn signal_execution(&mut self, task: u64, signal: Signal) {
        let Some(execution) = self.executions.get(&task).filter(|running| running.stage == Stage::Running)
        else {
            return;
        };
        match execution.pid {
            // The command may have ended meanwhile.
            Some(pid) => drop(kill_process(pid, signal)),
            None if self.is_simulated() => {
                self.time.cancel(|timer| *timer == Timer::ExecEnd { task });
                self.finish_execution(task, Some(128 + signal.as_raw()), None);
            }
            None => {}
        }
    }
}

/// What a simulated command does.
struct Answer {
    rule: ExecRule,
    output: Option<Frames>,
    errors: Option<Frames>,
}

/// Runs a command for which everything is there.
pub(crate) fn run(shared: &Arc<Shared>, task: u64) {
    let core = shared.lock();
    let Some(execution) = core.executions.get(&task) else { return };
    let frames = |kind: Kind| execution.connected.get(&kind).and_then(|stream| Frames::new(stream).ok());
    let (output, errors) = (frames(Kind::Stdio), frames(Kind::Stderr));
    match &core.workload {
        Workload::Process => {
            let setup = execution.setup.clone();
            drop(core);
            process::run(shared, task, &setup, output, errors);
        }
        Workload::Simulated(rules) => {
            let rule = rules.for_command(&execution.setup.command).cloned();
            let rule = rule.unwrap_or_default();
            let waits = rule.reads_stdin;
            drop(core);
            if !waits {
                answer(shared, task, Answer { rule, output, errors });
            }
        }
    }
}

/// The standard input of a simulated command is over, for which some wait.
fn input_ended(shared: &Arc<Shared>, task: u64) {
    let core = shared.lock();
    let Some(execution) = core.executions.get(&task) else { return };
    let Workload::Simulated(rules) = &core.workload else { return };
    let Some(rule) = rules.for_command(&execution.setup.command).filter(|rule| rule.reads_stdin).cloned()
    else {
        return;
    };
    let frames = |kind: Kind| execution.connected.get(&kind).and_then(|stream| Frames::new(stream).ok());
    let (output, errors) = (frames(Kind::Stdio), frames(Kind::Stderr));
    drop(core);
    answer(shared, task, Answer { rule, output, errors });
}

/// Answers a simulated command.
fn answer(shared: &Arc<Shared>, task: u64, answer: Answer) {
    let Answer { rule, output, errors } = answer;
    let root = shared.lock().root.clone();
    for (path, content) in &rule.writes {
        let item = crate::files::write::Item::at(path);
        // A rule that cannot be followed is seen in the files that are not there.
        let _ = crate::files::write::write(&root, &item, &mut content.as_bytes());
    }
    let both = errors.is_none();
    if let Some(mut output) = output {
        output.send(rule.stdout.as_bytes());
        if both {
            output.send(rule.stderr.as_bytes());
        }
        output.end();
    }
    if let Some(mut errors) = errors {
        errors.send(rule.stderr.as_bytes());
        errors.end();
    }
    shared.step(|core| {
        let Some(execution) = core.executions.get_mut(&task) else { return };
        let takes = Duration::from_millis(rule.takes_ms);
        let timeout = execution.setup.timeout.filter(|timeout| *timeout < takes);
        execution.planned_code = rule.exit_code;
        match timeout {
            Some(timeout) => {
                core.time.pass_by(timeout);
                core.finish_execution(task, None, Some(timed_out(timeout)));
            }
            None if takes.is_zero() => core.finish_execution(task, Some(rule.exit_code), None),
            None => {
                // Time has to pass until it ends, so nothing really goes on.
                core.busy = core.busy.saturating_sub(1);
                core.time.set(takes, Timer::ExecEnd { task });
            }
        }
    });
}

fn timed_out(timeout: Duration) -> String {
    format!("timed out after {}: context deadline exceeded", duration::print(timeout))
}
