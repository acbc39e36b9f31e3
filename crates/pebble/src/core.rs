//! The state of one Pebble, and what moves it: requests, timers, and processes that end.
//!
//! Everything is behind one lock. What a request asks for becomes tasks; after each step the tasks that can
//! begin are begun. Nothing in here waits for anything. `shared` is what waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Weak;
use std::time::Duration;

use jiff::Timestamp;

use crate::changes::{Changes, NewChange, Status, Work};
use crate::checks::CheckState;
use crate::clock::{Time, Timer};
use crate::exec::Execution;
use crate::files::root::Root;
use crate::identities::Identities;
use crate::notices::Notices;
use crate::options::Workload;
use crate::plan::{Layers, Plan};
use crate::records::Records;
use crate::services::ServiceState;
use crate::shared::Shared;

/// The state of one Pebble.
pub(crate) struct Core {
    pub(crate) time: Time,
    pub(crate) layers: Layers,
    pub(crate) changes: Changes,
    pub(crate) notices: Notices,
    pub(crate) identities: Identities,
    pub(crate) services: BTreeMap<String, ServiceState>,
    pub(crate) checks: BTreeMap<String, CheckState>,
    /// Commands by task, from the request to the end of the task.
    pub(crate) executions: BTreeMap<u64, Execution>,
    pub(crate) records: Records,
    pub(crate) workload: Workload,
    pub(crate) root: Root,
    pub(crate) boot_id: String,
    pub(crate) version: String,
    pub(crate) http_address: Option<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// Things that really go on and will report: commands, processes. Virtual time waits for them.
    pub(crate) busy: usize,
    /// Standard inputs of commands that a client may still write to.
    pub(crate) open_inputs: usize,
    /// How long a command waits for its websockets.
    pub(crate) connect_timeout: Duration,
    /// Whether the server is going away.
    pub(crate) is_closed: bool,
    /// Whom threads report to.
    pub(crate) shared: Weak<Shared>,
    /// Counts runs of services and checks, so that no two are mistaken for each other.
    pub(crate) last_run: u64,
}

impl Core {
    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.layers.plan()
    }

    pub(crate) fn next_run(&mut self) -> u64 {
        self.last_run += 1;
        self.last_run
    }

    /// Adds a change and returns its id. Its tasks begin when the step ends.
    pub(crate) fn add_change(&mut self, new: NewChange) -> u64 {
        let now = self.now();
        self.changes.add(now, new, &mut self.notices)
    }

    /// Ends a task.
    pub(crate) fn end_task(&mut self, task: u64, result: Result<(), String>) {
        let now = self.now();
        self.changes.end(task, result, now, &mut self.notices);
    }

    /// Adds a line to a task's log.
    pub(crate) fn log_task(&mut self, task: u64, message: &str) {
        let now = self.now();
        self.changes.log(task, "INFO", message, now);
    }

    /// Begins all tasks that can begin, until none is left.
    pub(crate) fn begin_tasks(&mut self) {
        loop {
            let tasks = self.changes.startable();
            if tasks.is_empty() || self.is_closed {
                return;
            }
            for task in tasks {
                let Some(work) = self.changes.task(task).map(|task| task.work.clone()) else { continue };
                let now = self.now();
                self.changes.begin(task, now, &mut self.notices);
                match work {
                    Work::Start(name) => self.start_service(task, &name),
                    Work::Stop(name) => self.stop_service(task, &name),
                    Work::Exec => self.await_connections(task),
                    Work::Check { name, .. } => self.schedule_check(&name),
                }
            }
        }
    }

    /// Gives up a change.
    pub(crate) fn abort_change(&mut self, id: u64) {
        let now = self.now();
        for task in self.changes.abort(id, now, &mut self.notices) {
            let Some(work) = self.changes.task(task).map(|task| task.work.clone()) else { continue };
            match work {
                Work::Start(name) => self.abort_start(task, &name),
                // The signal is out already; the task ends when the service does.
                Work::Stop(_) => {}
                Work::Exec => self.abort_execution(task),
                Work::Check { .. } => self.end_task(task, Ok(())),
            }
        }
    }

    /// Does what a timer is for.
    pub(crate) fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Okay { service, run } => self.okay_elapsed(&service, run),
            Timer::Backoff { service, run } => self.backoff_elapsed(&service, run),
            Timer::BackoffReset { service, run } => self.backoff_reset_elapsed(&service, run),
            Timer::Kill { service, run } => self.kill_delay_elapsed(&service, run),
            Timer::GiveUp { service, run } => self.give_up_elapsed(&service, run),
            Timer::Exit { service, run, code } => self.service_exited(&service, run, code),
            Timer::Check { check, run } => self.check_due(&check, run),
            Timer::Connect { task } => self.connect_elapsed(task),
            Timer::ExecEnd { task } => self.simulated_end(task),
        }
        self.begin_tasks();
    }

    /// Everything that runs is gone, as when a container is restarted: services, commands, checks and
    /// layers. What Pebble keeps in its state file stays: changes, notices, identities.
    pub(crate) fn restart(&mut self, boot_id: String) {
        self.kill_processes();
        self.time.cancel(|_| true);
        let unfinished: Vec<u64> = self
            .changes
            .all()
            .filter(|change| !self.changes.status(change).is_ready())
            .flat_map(|change| change.tasks.clone())
            .filter(|task| self.changes.task(*task).is_some_and(|task| !task.status.is_ready()))
            .collect();
        for task in unfinished {
            let is_check =
                self.changes.task(task).is_some_and(|task| matches!(task.work, Work::Check { .. }));
            let result = if is_check { Ok(()) } else { Err("Pebble was restarted".to_owned()) };
            if self.changes.task(task).is_some_and(|task| task.status != Status::Hold) {
                self.end_task(task, result);
            }
        }
        self.services.clear();
        self.checks.clear();
        self.executions.clear();
        self.busy = 0;
        self.layers = Layers::default();
        self.boot_id = boot_id;
    }

    /// Kills every process that is left.
    pub(crate) fn kill_processes(&mut self) {
        for service in self.services.values() {
            service.kill();
        }
        for execution in self.executions.values_mut() {
            execution.close();
        }
    }
}

/// Output of a service, the newest of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogBuffer {
    pub(crate) lines: VecDeque<LogLine>,
    bytes: usize,
    /// Counts lines ever written, so that a reader can tell what it has not seen.
    pub(crate) written: u64,
}

/// A line that a service printed.
#[derive(Debug, Clone)]
pub(crate) struct LogLine {
    pub(crate) time: Timestamp,
    pub(crate) text: String,
}

impl LogBuffer {
    /// Bytes that are kept.
    const BYTES: usize = 100 * 1024;

    pub(crate) fn push(&mut self, time: Timestamp, text: String) {
        self.bytes += text.len() + 1;
        self.written += 1;
        self.lines.push_back(LogLine { time, text });
        while self.bytes > Self::BYTES
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= line.text.len() + 1;
        }
    }

    /// The last lines, as a task's log shows them.
    pub(crate) fn last(&self, count: usize, indent: &str) -> String {
        let skipped = self.lines.len().saturating_sub(count);
        let marker = (skipped > 0).then(|| format!("{indent}(...)"));
        let lines = self.lines.iter().skip(skipped).map(|line| format!("{indent}{}", line.text));
        marker.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}
