//! Services: the states that one goes through, and what happens when it ends.
//!
//! The states are Pebble's. Behind them is either nothing (the simulated workload) or a process; `process`
//! starts that.

mod process;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::changes::{NewChange, NewTask, Work};
use crate::clock::Timer;
use crate::core::{Core, LogBuffer};
use crate::options::Workload;
use crate::plan::{Action, Direction, FormatError, Lanes, Service, quoted};
use crate::signals;

/// How long a service has to run before it counts as started.
const OKAY_DELAY: Duration = Duration::from_secs(1);
/// How long to wait after SIGKILL.
const GIVE_UP_DELAY: Duration = Duration::from_secs(5);
/// Lines of output that a failed start shows.
const LAST_LINES: usize = 20;

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum State {
    Starting,
    Running,
    Terminating,
    Killing,
    Stopped,
    Backoff,
    Exited,
}

/// What the API says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Current {
    Active,
    Backoff,
    Error,
    Inactive,
}

impl State {
    pub(crate) fn current(self) -> Current {
        match self {
            Self::Starting | Self::Running => Current::Active,
            Self::Terminating | Self::Killing | Self::Stopped => Current::Inactive,
            Self::Backoff => Current::Backoff,
            Self::Exited => Current::Error,
        }
    }
}

/// A service that has been started at least once.
#[derive(Debug)]
pub(crate) struct ServiceState {
    pub(crate) state: State,
    pub(crate) config: Service,
    pub(crate) current_since: Option<Timestamp>,
    pub(crate) starts: u64,
    pub(crate) logs: LogBuffer,
    run: u64,
    backoff: Duration,
    /// Whether the service is being ended so that it can be started again.
    is_restarting: bool,
    start_task: Option<u64>,
    stop_task: Option<u64>,
    /// The process, which leads a group of its own.
    pid: Option<Pid>,
}

impl ServiceState {
    fn new(config: Service) -> Self {
        Self {
            state: State::Stopped,
            config,
            current_since: None,
            starts: 0,
            logs: LogBuffer::default(),
            run: 0,
            backoff: Duration::ZERO,
            is_restarting: false,
            start_task: None,
            stop_task: None,
            pid: None,
        }
    }

    fn go(&mut self, state: State, now: Timestamp) {
        if self.current_since.is_none() || self.state.current() != state.current() {
            self.current_since = Some(now);
        }
        self.state = state;
        self.is_restarting = false;
    }

    fn signal_group(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            // A group that is gone already needs no signal.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Kills what is left of the service.
    pub(crate) fn kill(&self) {
        self.signal_group(Signal::KILL);
    }
}

/// Which services a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum ServiceAction {
    Start,
    Stop,
    Restart,
    Replan,
    Autostart,
}

impl Core {
    /// Makes a change of what a request asks for.
    pub(crate) fn change_services(
        &mut self,
        action: ServiceAction,
        names: &[String],
    ) -> Result<u64, FormatError> {
        let plan = self.plan();
        let (stop, start): (Lanes, Lanes) = match action {
            ServiceAction::Start | ServiceAction::Autostart => {
                (Vec::new(), plan.lanes(names, Direction::Start)?)
            }
            ServiceAction::Stop => (plan.lanes(names, Direction::Stop)?, Vec::new()),
            ServiceAction::Restart => {
                let mut stop = plan.lanes(names, Direction::Stop)?;
                for lane in &mut stop {
                    lane.retain(|name| names.contains(name));
                }
                stop.retain(|lane| !lane.is_empty());
                (stop, plan.lanes(names, Direction::Start)?)
            }
            ServiceAction::Replan => self.replan()?,
        };
        let mut tasks = Vec::new();
        add_tasks(&mut tasks, &stop, Work::Stop, "Stop", 0);
        let stops = tasks.len();
        add_tasks(&mut tasks, &start, Work::Start, "Start", stops);

        let mut touched: Vec<String> = stop.concat();
        touched.extend(start.concat());
        let shown = match action {
            ServiceAction::Replan => {
                touched.sort();
                touched.dedup();
                touched.clone()
            }
            ServiceAction::Start
            | ServiceAction::Stop
            | ServiceAction::Restart
            | ServiceAction::Autostart => names.to_vec(),
        };
        // Pebble counts the services that the last set of lanes names.
        let count = match action {
            ServiceAction::Replan => touched.len(),
            ServiceAction::Stop => stop.concat().len(),
            ServiceAction::Start | ServiceAction::Restart | ServiceAction::Autostart => start.concat().len(),
        };
        let kind = action.to_string();
        let mut title = kind.clone();
        title[..1].make_ascii_uppercase();
        let summary = match (tasks.len(), count, shown.first()) {
            (0, _, _) | (_, _, None) => format!("{title} - no services"),
            (_, 0 | 1, Some(first)) => format!("{title} service {}", quoted(first)),
            (_, count, Some(first)) => format!("{title} service {} and {} more", quoted(first), count - 1),
        };
        Ok(self.add_change(NewChange { kind, summary, tasks, services: shown }))
    }

    /// Which services run with another configuration than the plan has, and what is enabled and not running.
    fn replan(&mut self) -> Result<(Lanes, Lanes), FormatError> {
        let plan = self.layers.plan().clone();
        let mut changed = Vec::new();
        for (name, service) in &mut self.services {
            match plan.services.get(name) {
                Some(config) if *config == service.config => continue,
                Some(config) => service.config = config.clone(),
                None => {}
            }
            changed.push(name.clone());
        }
        let start: Vec<String> = plan
            .services
            .iter()
            .filter(|(name, service)| service.is_enabled() || changed.contains(name))
            .map(|(name, _)| name.clone())
            .collect();
        let lanes = (plan.lanes(&changed, Direction::Stop)?, plan.lanes(&start, Direction::Start)?);
        self.start_enabled_checks();
        Ok(lanes)
    }

    /// Begins to start a service, for a task.
    pub(crate) fn start_service(&mut self, task: u64, name: &str) {
        let Some(config) = self.plan().services.get(name).cloned() else {
            self.end_task(task, Err(format!("cannot find service {} in plan", quoted(name))));
            return;
        };
        let service =
            self.services.entry(name.to_owned()).or_insert_with(|| ServiceState::new(config.clone()));
        service.config = config;
        match service.state {
            State::Starting | State::Running => {
                self.log_task(task, &format!("Service {} already started.", quoted(name)));
                self.end_task(task, Ok(()));
                return;
            }
            State::Terminating | State::Killing => {
                let state = service.state;
                self.end_task(task, Err(format!("cannot start service while {state}")));
                return;
            }
            State::Stopped | State::Backoff | State::Exited => service.backoff = Duration::ZERO,
        }
        let now = self.now();
        match self.launch(name) {
            Ok(()) => {
                let Some(service) = self.services.get_mut(name) else { return };
                service.go(State::Starting, now);
                service.start_task = Some(task);
                let run = service.run;
                self.time.set(OKAY_DELAY, Timer::Okay { service: name.to_owned(), run });
            }
            Err(message) => {
                if let Some(service) = self.services.get_mut(name) {
                    service.go(State::Stopped, now);
                }
                self.end_task(task, Err(message));
            }
        }
    }

    /// Starts whatever stands behind a service.
    fn launch(&mut self, name: &str) -> Result<(), String> {
        let run = self.next_run();
        let now = self.now();
        let Some(config) = self.services.get(name).map(|service| service.config.clone()) else {
            return Ok(());
        };
        let words = config.words(name).map_err(|error| error.to_string())?;
        let pid = match &self.workload {
            Workload::Simulated(rules) => {
                let rule = rules.for_service(&config.command).cloned();
                if let Some(rule) = rule {
                    let service = name.to_owned();
                    let after = Duration::from_millis(rule.after_ms);
                    self.time.set(after, Timer::Exit { service, run, code: rule.exit_code });
                    if let Some(service) = self.services.get_mut(name) {
                        for line in rule.output.lines() {
                            service.logs.push(now, line.to_owned());
                        }
                    }
                }
                None
            }
            Workload::Process => Some(process::start(self, name, run, &words, &config)?),
        };
        let Some(service) = self.services.get_mut(name) else { return Ok(()) };
        service.run = run;
        service.pid = pid;
        service.starts += 1;
        self.time.set(config.backoff_limit(), Timer::BackoffReset { service: name.to_owned(), run });
        Ok(())
    }

    /// Begins to stop a service, for a task.
    pub(crate) fn stop_service(&mut self, task: u64, name: &str) {
        let now = self.now();
        let quoted_name = quoted(name);
        let Some(service) = self.services.get_mut(name) else {
            self.log_task(task, &format!("Service {quoted_name} has never been started."));
            self.end_task(task, Ok(()));
            return;
        };
        let said = match service.state {
            State::Terminating | State::Killing => format!("Service {quoted_name} already stopping."),
            State::Stopped => format!("Service {quoted_name} already stopped."),
            State::Exited => {
                service.go(State::Stopped, now);
                format!("Service {quoted_name} had already exited.")
            }
            State::Backoff => {
                service.go(State::Stopped, now);
                String::new()
            }
            State::Starting | State::Running => {
                service.stop_task = Some(task);
                if let Some(start) = service.start_task.take() {
                    self.end_task(
                        start,
                        Err("service start attempt: stopped before the 1s okay delay".into()),
                    );
                }
                self.terminate(name, false);
                return;
            }
        };
        if !said.is_empty() {
            self.log_task(task, &said);
        }
        self.end_task(task, Ok(()));
    }

    /// Asks a service to end.
    fn terminate(&mut self, name: &str, is_restarting: bool) {
        let now = self.now();
        let is_simulated = self.is_simulated();
        let Some(service) = self.services.get_mut(name) else { return };
        service.signal_group(Signal::TERM);
        service.go(State::Terminating, now);
        service.is_restarting = is_restarting;
        let (run, delay) = (service.run, service.config.kill_delay());
        if is_simulated {
            // On paper a service ends as soon as it is asked to.
            self.service_exited(name, run, 128 + Signal::TERM.as_raw());
        } else {
            self.time.set(delay, Timer::Kill { service: name.to_owned(), run });
        }
    }

    pub(crate) fn is_simulated(&self) -> bool {
        match self.workload {
            Workload::Simulated(_) => true,
            Workload::Process => false,
        }
    }

    /// Gives up the start of a service.
    pub(crate) fn abort_start(&mut self, task: u64, name: &str) {
        let now = self.now();
        if let Some(service) = self.services.get_mut(name) {
            service.start_task = None;
            service.kill();
            service.go(State::Stopped, now);
        }
        self.end_task(task, Err("start aborted, sent SIGKILL to process".into()));
    }

    fn of_run(&mut self, name: &str, run: u64) -> Option<&mut ServiceState> {
        self.services.get_mut(name).filter(|service| service.run == run)
    }

    pub(crate) fn okay_elapsed(&mut self, name: &str, run: u64) {
        let now = self.now();
        let Some(service) = self.of_run(name, run).filter(|service| service.state == State::Starting) else {
            return;
        };
        service.go(State::Running, now);
        if let Some(task) = service.start_task.take() {
            self.end_task(task, Ok(()));
        }
    }

    pub(crate) fn backoff_elapsed(&mut self, name: &str, run: u64) {
        let now = self.now();
        let Some(service) = self.of_run(name, run).filter(|service| service.state == State::Backoff) else {
            return;
        };
        let backoff = service.backoff;
        if self.launch(name).is_ok()
            && let Some(service) = self.services.get_mut(name)
        {
            service.backoff = backoff;
            service.go(State::Running, now);
        }
    }

    pub(crate) fn backoff_reset_elapsed(&mut self, name: &str, run: u64) {
        if let Some(service) = self.of_run(name, run).filter(|service| service.state == State::Running) {
            service.backoff = Duration::ZERO;
        }
    }

    pub(crate) fn kill_delay_elapsed(&mut self, name: &str, run: u64) {
        let now = self.now();
        let Some(service) = self.of_run(name, run).filter(|service| service.state == State::Terminating)
        else {
            return;
        };
        service.kill();
        let is_restarting = service.is_restarting;
        service.go(State::Killing, now);
        service.is_restarting = is_restarting;
        self.time.set(GIVE_UP_DELAY, Timer::GiveUp { service: name.to_owned(), run });
    }

    pub(crate) fn give_up_elapsed(&mut self, name: &str, run: u64) {
        let now = self.now();
        let Some(service) = self.of_run(name, run).filter(|service| service.state == State::Killing) else {
            return;
        };
        service.go(State::Stopped, now);
        if let Some(task) = service.stop_task.take() {
            let message = "cannot stop service: process still running after SIGTERM and SIGKILL";
            self.end_task(task, Err(message.into()));
        }
    }

    /// Whatever stood behind a service has ended.
    pub(crate) fn service_exited(&mut self, name: &str, run: u64, code: i32) {
        let now = self.now();
        let Some(service) = self.of_run(name, run) else { return };
        service.pid = None;
        let (action, _) = service.config.action_after(code == 0);
        match service.state {
            State::Starting => {
                let last = service.logs.last(LAST_LINES, "    ");
                if let Some(task) = service.start_task.take() {
                    if !last.is_empty() {
                        self.log_task(task, &format!("Most recent service output:\n{last}"));
                    }
                    let message =
                        format!("service start attempt: exited quickly with code {code}, will {action}");
                    self.end_task(task, Err(message));
                }
                self.after_exit(name, code, action);
            }
            State::Running => self.after_exit(name, code, action),
            State::Terminating | State::Killing if service.is_restarting => self.back_off(name),
            State::Terminating | State::Killing => {
                service.go(State::Stopped, now);
                if let Some(task) = service.stop_task.take() {
                    self.end_task(task, Ok(()));
                }
            }
            State::Stopped | State::Backoff | State::Exited => {}
        }
    }

    fn after_exit(&mut self, name: &str, code: i32, action: Action) {
        let now = self.now();
        let state = match action {
            Action::Restart => {
                self.back_off(name);
                return;
            }
            Action::Ignore if code == 0 => State::Stopped,
            Action::Ignore => State::Exited,
            Action::Shutdown | Action::FailureShutdown | Action::SuccessShutdown => {
                let is_success =
                    action == Action::SuccessShutdown || (action == Action::Shutdown && code == 0);
                self.records.shut_down(is_success);
                State::Exited
            }
        };
        if let Some(service) = self.services.get_mut(name) {
            service.go(state, now);
        }
    }

    fn back_off(&mut self, name: &str) {
        let now = self.now();
        let Some(service) = self.services.get_mut(name) else { return };
        service.backoff = service.config.next_backoff(service.backoff);
        let (run, delay) = (service.run, service.backoff);
        service.go(State::Backoff, now);
        // Pebble adds up to a tenth by chance, which would make lives differ that are the same.
        self.time.set(delay, Timer::Backoff { service: name.to_owned(), run });
    }

    /// A check has failed as often as it may: services act that listen to it.
    pub(crate) fn check_failed(&mut self, check: &str) {
        let listening: Vec<(String, Action)> = self
            .services
            .iter()
            .filter_map(|(name, service)| {
                let action = service.config.on_check_failure.get(check)?.parse().ok()?;
                Some((name.clone(), action))
            })
            .collect();
        for (name, action) in listening {
            let state = self.services.get(&name).map(|service| service.state);
            match (state, action) {
                (Some(State::Running | State::Backoff | State::Exited), Action::Shutdown) => {
                    self.records.shut_down(false);
                }
                (Some(State::Running | State::Backoff | State::Exited), Action::SuccessShutdown) => {
                    self.records.shut_down(true);
                }
                (Some(State::Running), Action::Restart) => self.terminate(&name, true),
                (Some(State::Exited), Action::Restart) => self.back_off(&name),
                (
                    Some(
                        State::Running
                        | State::Backoff
                        | State::Exited
                        | State::Starting
                        | State::Terminating
                        | State::Killing
                        | State::Stopped,
                    )
                    | None,
                    _,
                ) => {}
            }
        }
    }

    /// Sends a signal to services; says what could not be sent.
    pub(crate) fn send_signal(&mut self, names: &[String], signal_name: &str) -> Result<(), String> {
        let mut errors = Vec::new();
        for name in names {
            if let Err(error) = self.send_one_signal(name, signal_name) {
                errors.push(format!("cannot send signal to {}: {error}", quoted(name)));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }

    fn send_one_signal(&mut self, name: &str, signal_name: &str) -> Result<(), String> {
        let not_running = || "service is not running".to_owned();
        let service = self.services.get(name).ok_or_else(not_running)?;
        match service.state {
            State::Starting | State::Running => {}
            State::Terminating | State::Killing | State::Stopped | State::Backoff | State::Exited => {
                return Err(not_running());
            }
        }
        let signal = signals::by_name(signal_name)
            .ok_or_else(|| format!("invalid signal name {}", quoted(signal_name)))?;
        let (pid, run) = (service.pid, service.run);
        self.records.signal(name, signal_name);
        match pid {
            Some(pid) => kill_process(pid, signal).map_err(|error| error.to_string())?,
            None if signals::ends_programs(signal) => {
                self.service_exited(name, run, 128 + signal.as_raw());
            }
            None => {}
        }
        Ok(())
    }

    /// Adds a line that a service printed.
    pub(crate) fn service_printed(&mut self, name: &str, text: String) {
        let now = self.now();
        if let Some(service) = self.services.get_mut(name) {
            service.logs.push(now, text);
        }
    }

    /// What the API says of services.
    pub(crate) fn service_infos(&self, names: &[String]) -> Vec<serde_json::Value> {
        let services: &BTreeMap<String, Service> = &self.plan().services;
        services
            .iter()
            .filter(|(name, _)| names.is_empty() || names.contains(name))
            .map(|(name, config)| {
                let running = self.services.get(name);
                let current = running.map_or(Current::Inactive, |service| service.state.current());
                let mut info = serde_json::json!({
                    "name": name,
                    "startup": if config.is_enabled() { "enabled" } else { "disabled" },
                    "current": current.to_string(),
                });
                if let Some(since) = running.and_then(|service| service.current_since) {
                    info["current-since"] = serde_json::json!(since.to_string());
                }
                info
            })
            .collect()
    }
}

/// Adds a task for each service: after the one before it in its lane, and after the first tasks.
fn add_tasks(
    tasks: &mut Vec<NewTask>,
    lanes: &Lanes,
    work: fn(String) -> Work,
    verb: &str,
    after_first: usize,
) {
    for lane in lanes {
        let mut before: Option<usize> = None;
        for name in lane {
            let mut waits_for: Vec<usize> = (0..after_first).collect();
            waits_for.extend(before);
            before = Some(tasks.len());
            let summary = format!("{verb} service {}", quoted(name));
            tasks.push(NewTask { work: work(name.clone()), summary, waits_for });
        }
    }
}
