//! Health checks: when they are made, and what becomes of their results.
//!
//! A check is a change that goes on: `perform-check` until it has failed often enough, then `recover-check`
//! until it succeeds. `probe` makes a real one.

pub(crate) mod probe;

use serde_json::{Value, json};

use crate::changes::{NewChange, NewTask, Work};
use crate::clock::Timer;
use crate::core::Core;
use crate::options::Workload;
use crate::plan::{Check, quoted, split};

/// What a check's state is forced to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It succeeds.
    Up,
    /// It fails.
    Down,
}

/// How a check failed: the message, and what the log shows beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) details: String,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), details: String::new() }
    }

    /// Both in one, as task logs and the answer to a refresh have it.
    pub(crate) fn text(&self) -> String {
        if self.details.is_empty() {
            self.message.clone()
        } else {
            format!("{}; {}", self.message, self.details)
        }
    }
}

/// A check of the plan, and how it goes.
#[derive(Debug, Clone)]
pub(crate) struct CheckState {
    /// The configuration that it is made with, with the context of its service filled in.
    config: Check,
    successes: i64,
    failures: i64,
    /// The change that goes on; none if the check is stopped.
    change: Option<u64>,
    task: Option<u64>,
    previous_change: Option<u64>,
    is_recovering: bool,
    run: u64,
    /// Whether the probe is under way.
    is_probing: bool,
    forced: Option<CheckOutcome>,
}

impl CheckState {
    fn new(config: Check) -> Self {
        Self {
            config,
            successes: 0,
            failures: 0,
            change: None,
            task: None,
            previous_change: None,
            is_recovering: false,
            run: 0,
            is_probing: false,
            forced: None,
        }
    }

    /// What the API says: `up`, `down` or `inactive`.
    pub(crate) fn status(&self) -> &'static str {
        if self.change.is_none() {
            "inactive"
        } else if self.failures >= self.config.threshold {
            "down"
        } else {
            "up"
        }
    }

    pub(crate) fn level(&self) -> &str {
        &self.config.level
    }

    /// The check as the API has it.
    pub(crate) fn to_json(&self, name: &str) -> Value {
        let mut value = json!({
            "name": name,
            "startup": if self.config.is_enabled() { "enabled" } else { "disabled" },
            "status": self.status(),
            "successes": self.successes,
            "threshold": self.config.threshold,
        });
        if !self.config.level.is_empty() {
            value["level"] = json!(self.config.level);
        }
        if self.failures != 0 {
            value["failures"] = json!(self.failures);
        }
        if let Some(change) = self.change {
            value["change-id"] = json!(change.to_string());
        }
        if let Some(change) = self.previous_change {
            value["prev-change-id"] = json!(change.to_string());
        }
        value
    }
}

impl Core {
    /// Follows the plan: ends checks that are gone or other than before, and begins new ones.
    pub(crate) fn plan_changed(&mut self) {
        let plan = self.plan().clone();
        let known: Vec<String> = self.checks.keys().cloned().collect();
        let mut begun = Vec::new();
        for name in known {
            let Some(state) = self.checks.get(&name) else { continue };
            let is_active = state.change.is_some();
            let old = state.config.clone();
            match plan.checks.get(&name) {
                Some(config) if plan.resolved(config) == old => continue,
                // One that was switched off in the plan goes on until somebody stops it.
                Some(config) if is_active && !config.is_enabled() && old.is_enabled() => continue,
                Some(_) | None => {}
            }
            self.end_check(&name);
            self.checks.remove(&name);
            if is_active && plan.checks.contains_key(&name) {
                begun.push(name);
            }
        }
        for (name, config) in &plan.checks {
            if !self.checks.contains_key(name) {
                self.checks.insert(name.clone(), CheckState::new(plan.resolved(config)));
                if config.is_enabled() || begun.contains(name) {
                    self.begin_check(name, false);
                }
            }
        }
    }

    /// Ends the change of a check, if one goes on.
    fn end_check(&mut self, name: &str) {
        let Some(state) = self.checks.get_mut(name) else { return };
        state.change = None;
        let (task, run) = (state.task.take(), state.run);
        self.time.cancel(|timer| matches!(timer, Timer::Check { run: other, .. } if *other == run));
        if let Some(task) = task {
            self.end_task(task, Ok(()));
        }
    }

    /// Begins the change of a check.
    fn begin_check(&mut self, name: &str, recover: bool) {
        let run = self.next_run();
        let Some(state) = self.checks.get(name) else { return };
        let verb = if recover { "Recover" } else { "Perform" };
        let summary = format!("{verb} {} check {}", state.config.kind(), quoted(name));
        let work = Work::Check { name: name.to_owned(), recover };
        let new = NewChange {
            kind: work.kind().to_owned(),
            summary: summary.clone(),
            tasks: vec![NewTask { work, summary, waits_for: Vec::new() }],
            services: Vec::new(),
        };
        let change = self.add_change(new);
        let task = self.changes.change(change).and_then(|change| change.tasks.first().copied());
        let Some(state) = self.checks.get_mut(name) else { return };
        state.previous_change = if recover || state.is_recovering { state.change } else { None };
        state.change = Some(change);
        state.task = task;
        state.is_recovering = recover;
        state.run = run;
        state.is_probing = false;
    }

    /// Sets the timer of a check, for its task has begun.
    pub(crate) fn schedule_check(&mut self, name: &str) {
        if let Some(state) = self.checks.get(name) {
            self.time.set(state.config.period(), Timer::Check { check: name.to_owned(), run: state.run });
        }
    }

    /// The period of a check is over.
    pub(crate) fn check_due(&mut self, name: &str, run: u64) {
        let Some(state) = self.checks.get_mut(name).filter(|state| state.run == run) else { return };
        self.time.set(state.config.period(), Timer::Check { check: name.to_owned(), run });
        if state.is_probing {
            return;
        }
        let config = state.config.clone();
        match state.forced {
            Some(CheckOutcome::Up) => self.check_made(name, run, Ok(())),
            Some(CheckOutcome::Down) => self.check_made(name, run, Err(unreachable_target(&config))),
            None => match &self.workload {
                Workload::Simulated(_) => {
                    let result = self.simulated_result(&config);
                    self.check_made(name, run, result);
                }
                Workload::Process => {
                    state.is_probing = true;
                    probe::in_background(self, name, run, &config);
                }
            },
        }
    }

    /// How a check ends on paper: rules decide of commands, and everything else succeeds.
    pub(crate) fn simulated_result(&self, config: &Check) -> Result<(), Failure> {
        let Workload::Simulated(rules) = &self.workload else { return Ok(()) };
        let Some(exec) = &config.exec else { return Ok(()) };
        let words = split(&exec.command).unwrap_or_default();
        match rules.for_command(&words) {
            Some(rule) if rule.missing => Err(Failure::new(format!(
                "exec: {}: executable file not found in $PATH",
                quoted(words.first().map_or("", String::as_str))
            ))),
            Some(rule) if rule.exit_code != 0 => Err(Failure {
                message: format!("exit status {}", rule.exit_code),
                details: format!("{}{}", rule.stdout, rule.stderr).trim().to_owned(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// A check has been made.
    pub(crate) fn check_made(&mut self, name: &str, run: u64, result: Result<(), Failure>) {
        let Some(state) = self.checks.get_mut(name).filter(|state| state.run == run) else { return };
        state.is_probing = false;
        if state.change.is_none() {
            return;
        }
        let task = state.task;
        match result {
            Ok(()) if state.is_recovering => {
                state.successes = 1;
                state.failures = 0;
                state.task = None;
                self.time.cancel(|timer| matches!(timer, Timer::Check { run: other, .. } if *other == run));
                if let Some(task) = task {
                    self.end_task(task, Ok(()));
                }
                self.begin_check(name, false);
            }
            Ok(()) => {
                state.successes += 1;
                let failures = std::mem::take(&mut state.failures);
                if let Some(task) = task.filter(|_| failures > 0) {
                    let plural = if failures == 1 { "" } else { "s" };
                    self.log_task(task, &format!("succeeded after {failures} failure{plural}"));
                }
            }
            Err(failure) => {
                state.failures += 1;
                if state.is_recovering || state.failures < state.config.threshold {
                    let now = self.now();
                    if let Some(task) = task {
                        self.changes.log(task, "ERROR", &failure.text(), now);
                    }
                    return;
                }
                state.task = None;
                self.time.cancel(|timer| matches!(timer, Timer::Check { run: other, .. } if *other == run));
                self.check_failed(name);
                if let Some(task) = task {
                    self.end_task(task, Err(failure.text()));
                }
                self.begin_check(name, true);
            }
        }
    }

    /// Makes a check end one way from now on, and have that state at once.
    pub(crate) fn force_check(&mut self, name: &str, outcome: CheckOutcome) -> bool {
        let Some(state) = self.checks.get_mut(name) else { return false };
        state.forced = Some(outcome);
        if state.change.is_none() {
            return true;
        }
        let failure = unreachable_target(&state.config);
        let wanted = match outcome {
            CheckOutcome::Up => "up",
            CheckOutcome::Down => "down",
        };
        let mut attempts = state.config.threshold.clamp(1, 1000);
        while attempts > 0 {
            attempts -= 1;
            let Some(state) = self.checks.get(name).filter(|state| state.status() != wanted) else { break };
            let run = state.run;
            let result = match outcome {
                CheckOutcome::Up => Ok(()),
                CheckOutcome::Down => Err(failure.clone()),
            };
            self.check_made(name, run, result);
            self.begin_tasks();
        }
        true
    }

    /// Begins the checks that are enabled and not under way, as a replan does.
    pub(crate) fn start_enabled_checks(&mut self) {
        let stopped: Vec<String> = self
            .checks
            .iter()
            .filter(|(_, state)| state.change.is_none() && state.config.is_enabled())
            .map(|(name, _)| name.clone())
            .collect();
        for name in stopped {
            self.restart_check(&name);
        }
    }

    fn restart_check(&mut self, name: &str) {
        if let Some(state) = self.checks.get_mut(name) {
            state.successes = 0;
            state.failures = 0;
            state.is_recovering = false;
            self.begin_check(name, false);
        }
    }

    /// Starts or stops checks; returns those for which that changed something.
    pub(crate) fn switch_checks(&mut self, names: &[String], is_on: bool) -> Result<Vec<String>, String> {
        let mut missing: Vec<&str> =
            names.iter().filter(|name| !self.checks.contains_key(*name)).map(String::as_str).collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            return Err(format!("cannot find checks in plan: {}", missing.join(", ")));
        }
        let mut changed = Vec::new();
        for name in names {
            if self.checks.get(name).is_some_and(|state| state.change.is_some() == is_on) {
                continue;
            }
            if is_on {
                self.restart_check(name);
            } else {
                self.end_check(name);
            }
            changed.push(name.clone());
        }
        changed.sort();
        Ok(changed)
    }

    /// What has to be done to make a check at once, and under which run it reports.
    pub(crate) fn refreshable(&mut self, name: &str) -> Option<(Check, u64, Option<CheckOutcome>)> {
        let state = self.checks.get(name)?;
        let run = state.run;
        if state.change.is_some() {
            let period = state.config.period();
            self.time.cancel(|timer| matches!(timer, Timer::Check { run: other, .. } if *other == run));
            self.time.set(period, Timer::Check { check: name.to_owned(), run });
        }
        let state = self.checks.get(name)?;
        Some((state.config.clone(), run, state.forced))
    }
}

/// What a check says when what it looks at is not there.
pub(crate) fn unreachable_target(config: &Check) -> Failure {
    let message = match (&config.http, &config.tcp) {
        (Some(http), _) => {
            format!("Get {}: dial tcp: connect: connection refused", quoted(&http.url))
        }
        (None, Some(tcp)) => {
            let host = if tcp.host.is_empty() { "localhost" } else { &tcp.host };
            format!("dial tcp {host}:{}: connect: connection refused", tcp.port)
        }
        (None, None) => "exit status 1".to_owned(),
    };
    Failure::new(message)
}
