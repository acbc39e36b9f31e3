//! The life of one service: events in, effects out.
//!
//! The states are those of systemd, with its names. Nothing here starts a process or reads a clock:
//! what to do is said as an [`Effect`], and what came of it is an [`Event`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::Signal;

use super::config::{KillMode, Restart, ServiceConfig, ServiceType};
use super::status::ExitStatus;
pub(crate) use super::vocabulary::{Effect, Event, Outcome, Process, Slot, State, Target, Times};
use crate::services::command::CommandLine;

/// A service and all that is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub config: Arc<ServiceConfig>,
    pub state: State,
    pub outcome: Outcome,
    pub reload_outcome: Outcome,
    pub main: Option<i32>,
    pub control: Option<i32>,
    pub main_status: Option<ExitStatus>,
    /// The processes of this life, for `status`.
    pub processes: Vec<Process>,
    pub status_text: String,
    pub restarts: u32,
    pub times: Times,
    /// Whether any process may be left.
    has_processes: bool,
    /// The commands that follow in the running phase.
    waiting: Vec<CommandLine>,
    phase: &'static str,
    forbids_restart: bool,
    waits_for_main: bool,
    now: Timestamp,
    effects: Vec<Effect>,
}

impl Service {
    pub(crate) fn new(config: Arc<ServiceConfig>) -> Self {
        Self {
            config,
            state: State::Dead,
            outcome: Outcome::Success,
            reload_outcome: Outcome::Success,
            main: None,
            control: None,
            main_status: None,
            processes: Vec::new(),
            status_text: String::new(),
            restarts: 0,
            times: Times::default(),
            has_processes: false,
            waiting: Vec::new(),
            phase: "",
            forbids_restart: false,
            waits_for_main: false,
            now: Timestamp::UNIX_EPOCH,
            effects: Vec::new(),
        }
    }

    /// Whether the number of the main process is still looked for.
    pub(crate) fn waits_for_main(&self) -> bool {
        self.waits_for_main
    }

    /// The end of the last process of a phase, for `status`.
    pub(crate) fn last_of(&self, slot: Slot) -> Option<&Process> {
        self.processes.iter().rev().find(|process| process.slot == slot)
    }

    /// Takes in an event, and says what to do.
    pub(crate) fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        match event {
            Event::Start => self.start(),
            Event::Stop => self.stop(),
            Event::Reload => self.reload(),
            Event::Spawned { slot, pid, is_executed } => self.spawned(slot, pid, is_executed),
            Event::NotSpawned(why) => self.not_spawned(&why),
            Event::Ended { pid, status } => self.ended(pid, status),
            Event::Empty => self.empty(),
            Event::MainFound(pid) => self.main_found(pid),
            Event::Notified(lines) => self.notified(&lines),
            Event::Elapsed => self.elapsed(),
        }
        std::mem::take(&mut self.effects)
    }

    /// Fails without having run: the start was asked for too often, or a need was not met.
    pub(crate) fn refuse(&mut self, outcome: Outcome, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        if self.outcome == Outcome::Success {
            self.outcome = outcome;
        }
        self.arm(None);
        self.log(format!("Failed with result '{}'.", self.outcome.word()));
        self.go(State::Failed);
        std::mem::take(&mut self.effects)
    }

    /// Forgets a failure.
    pub(crate) fn reset(&mut self, now: Timestamp) {
        self.now = now;
        if self.state == State::Failed {
            self.go(State::Dead);
        }
        self.outcome = Outcome::Success;
        self.restarts = 0;
    }

    fn go(&mut self, state: State) {
        if self.state != state {
            self.times.note(self.state.active(), state.active(), self.now);
            self.state = state;
        }
    }

    fn log(&mut self, text: impl Into<String>) {
        self.effects.push(Effect::Log(text.into()));
    }

    fn arm(&mut self, after: Option<Duration>) {
        self.effects.push(Effect::Arm(after));
    }

    fn start(&mut self) {
        match self.state {
            State::Dead | State::Failed | State::AutoRestart => {}
            State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
            | State::Running
            | State::Exited
            | State::Reload
            | State::Stop
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalSigterm
            | State::FinalSigkill => return,
        }
        if self.state != State::AutoRestart {
            self.restarts = 0;
        }
        self.outcome = Outcome::Success;
        self.reload_outcome = Outcome::Success;
        self.main = None;
        self.control = None;
        self.main_status = None;
        self.processes.clear();
        self.status_text.clear();
        self.forbids_restart = false;
        self.waits_for_main = false;
        if self.config.conditions.is_empty() {
            self.enter_start_pre();
        } else {
            self.go(State::Condition);
            self.arm(self.config.start_timeout);
            self.run_phase("ExecCondition", Slot::Control, &self.config.conditions.clone());
        }
    }

    /// An automatic restart begins.
    pub(crate) fn count_restart(&mut self) {
        self.restarts += 1;
    }

    fn stop(&mut self) {
        self.forbids_restart = true;
        match self.state {
            State::AutoRestart => {
                self.arm(None);
                self.go(State::Dead);
                self.effects.push(Effect::CleanUp);
            }
            State::Condition | State::StartPre | State::Start | State::StartPost => {
                self.enter_signal(State::StopSigterm, Outcome::Success);
            }
            State::Reload => {
                self.control = None;
                self.enter_stop(Outcome::Success);
            }
            State::Running | State::Exited => self.enter_stop(Outcome::Success),
            State::Dead
            | State::Failed
            | State::Stop
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalSigterm
            | State::FinalSigkill => {}
        }
    }

    fn reload(&mut self) {
        if !matches!(self.state, State::Running | State::Exited) {
            return;
        }
        self.reload_outcome = Outcome::Success;
        if self.config.reload.is_empty() {
            if self.config.service_type == ServiceType::NotifyReload
                && let Some(main) = self.main
            {
                self.go(State::Reload);
                self.arm(self.config.start_timeout);
                self.effects.push(Effect::Signal { target: Target::Process(main), signal: Signal::SIGHUP });
            }
            return;
        }
        self.go(State::Reload);
        self.arm(self.config.start_timeout);
        self.run_phase("ExecReload", Slot::Control, &self.config.reload.clone());
    }

    fn run_phase(&mut self, phase: &'static str, slot: Slot, commands: &[CommandLine]) {
        let Some((first, rest)) = commands.split_first() else { return };
        self.phase = phase;
        self.waiting = rest.to_vec();
        self.run(slot, first.clone());
    }

    fn run(&mut self, slot: Slot, command: CommandLine) {
        let mut environment = Vec::new();
        if let Some(main) = self.main {
            environment.push(("MAINPID".to_owned(), main.to_string()));
        }
        if self.phase == "ExecStop" || self.phase == "ExecStopPost" {
            environment.push(("SERVICE_RESULT".to_owned(), self.outcome.word().to_owned()));
            if let Some(status) = self.main_status {
                environment.push(("EXIT_CODE".to_owned(), status.how().to_owned()));
                let number = match status {
                    ExitStatus::Code(code) => code.to_string(),
                    ExitStatus::Signal { number, .. } => Signal::try_from(number)
                        .map_or(number.to_string(), |signal| signal.as_str()[3..].to_owned()),
                };
                environment.push(("EXIT_STATUS".to_owned(), number));
            }
        }
        self.effects.push(Effect::Run { slot, phase: self.phase, command, environment });
    }

    /// Takes the place of what the manager knows of a process that it starts now.
    pub(crate) fn note_process(&mut self, slot: Slot, phase: &'static str, command: CommandLine, pid: i32) {
        // One process of each phase is shown; of a service that starts again, those of the last life.
        self.processes.retain(|process| process.phase != phase || process.command != command);
        self.processes.push(Process { slot, phase, command, pid, started: self.now, ended: None });
    }

    fn spawned(&mut self, slot: Slot, pid: i32, is_executed: bool) {
        self.has_processes = true;
        match slot {
            Slot::Control => self.control = Some(pid),
            Slot::Main => {
                self.main = Some(pid);
                if self.state == State::Start {
                    match self.config.service_type {
                        ServiceType::Simple | ServiceType::Idle | ServiceType::Dbus => {
                            self.enter_start_post();
                        }
                        // If the program could not take over, its end says so in a moment.
                        ServiceType::Exec if is_executed => self.enter_start_post(),
                        ServiceType::Exec
                        | ServiceType::Forking
                        | ServiceType::Oneshot
                        | ServiceType::Notify
                        | ServiceType::NotifyReload => {}
                    }
                }
            }
        }
    }

    fn not_spawned(&mut self, why: &str) {
        self.log(format!("Failed to run '{}' task: {why}", self.phase));
        match self.state {
            State::Reload => {
                self.reload_outcome = Outcome::Resources;
                self.enter_running(Outcome::Success);
            }
            State::StopPost => self.enter_signal(State::FinalSigterm, Outcome::Resources),
            State::Stop
            | State::Dead
            | State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
            | State::Running
            | State::Exited
            | State::StopSigterm
            | State::StopSigkill
            | State::FinalSigterm
            | State::FinalSigkill
            | State::Failed
            | State::AutoRestart => self.enter_signal(State::StopSigterm, Outcome::Resources),
        }
    }

    fn enter_start_pre(&mut self) {
        if self.config.start_pre.is_empty() {
            self.enter_start();
        } else {
            self.go(State::StartPre);
            self.arm(self.config.start_timeout);
            self.run_phase("ExecStartPre", Slot::Control, &self.config.start_pre.clone());
        }
    }

    fn enter_start(&mut self) {
        self.go(State::Start);
        self.arm(self.config.start_timeout);
        if self.config.start.is_empty() {
            self.enter_start_post();
            return;
        }
        let slot = if self.config.service_type == ServiceType::Forking { Slot::Control } else { Slot::Main };
        self.run_phase("ExecStart", slot, &self.config.start.clone());
    }

    fn enter_start_post(&mut self) {
        if self.config.start_post.is_empty() {
            self.enter_running(Outcome::Success);
        } else {
            self.go(State::StartPost);
            self.arm(self.config.start_timeout);
            self.run_phase("ExecStartPost", Slot::Control, &self.config.start_post.clone());
        }
    }

    fn note(&mut self, outcome: Outcome) {
        if self.outcome == Outcome::Success {
            self.outcome = outcome;
        }
    }

    fn enter_running(&mut self, outcome: Outcome) {
        self.control = None;
        self.note(outcome);
        // A forking service whose main process is not known lives as long as any of its processes.
        let is_alive = self.main.is_some()
            || (self.config.service_type == ServiceType::Forking
                && self.main_status.is_none()
                && self.has_processes);
        if self.outcome != Outcome::Success {
            self.enter_signal(State::StopSigterm, self.outcome);
        } else if is_alive {
            self.go(State::Running);
            self.arm(self.config.runtime_max);
        } else if self.config.remains_after_exit {
            self.go(State::Exited);
            self.arm(None);
        } else {
            self.enter_stop(Outcome::Success);
        }
    }

    fn enter_stop(&mut self, outcome: Outcome) {
        self.note(outcome);
        if self.config.stop.is_empty() {
            self.enter_signal(State::StopSigterm, Outcome::Success);
        } else {
            self.go(State::Stop);
            self.arm(self.config.stop_timeout);
            self.run_phase("ExecStop", Slot::Control, &self.config.stop.clone());
        }
    }

    fn enter_signal(&mut self, state: State, outcome: Outcome) {
        self.note(outcome);
        self.waits_for_main = false;
        let is_kill = matches!(state, State::StopSigkill | State::FinalSigkill);
        let signal = if is_kill { Signal::SIGKILL } else { self.config.kill_signal };
        let mut targets = Vec::new();
        match self.config.kill_mode {
            KillMode::ControlGroup if self.has_processes => targets.push(Target::All),
            KillMode::Mixed if is_kill && self.has_processes => targets.push(Target::All),
            KillMode::Mixed | KillMode::Process => {
                targets.extend(self.main.into_iter().chain(self.control).map(Target::Process));
            }
            KillMode::ControlGroup | KillMode::None => {}
        }
        if targets.is_empty() {
            match state {
                State::StopSigterm if self.config.sends_sigkill => {
                    self.enter_signal(State::StopSigkill, Outcome::Success);
                }
                State::StopSigterm | State::StopSigkill => self.enter_stop_post(Outcome::Success),
                State::FinalSigterm if self.config.sends_sigkill => {
                    self.enter_signal(State::FinalSigkill, Outcome::Success);
                }
                State::Dead
                | State::Condition
                | State::StartPre
                | State::Start
                | State::StartPost
                | State::Running
                | State::Exited
                | State::Reload
                | State::Stop
                | State::StopPost
                | State::FinalSigterm
                | State::FinalSigkill
                | State::Failed
                | State::AutoRestart => self.enter_dead(Outcome::Success),
            }
            return;
        }
        self.go(state);
        self.arm(self.config.stop_timeout);
        for target in targets {
            self.effects.push(Effect::Signal { target, signal });
            if self.config.sends_sighup && !is_kill {
                self.effects.push(Effect::Signal { target, signal: Signal::SIGHUP });
            }
        }
    }

    fn enter_stop_post(&mut self, outcome: Outcome) {
        self.note(outcome);
        if self.config.stop_post.is_empty() {
            self.enter_signal(State::FinalSigterm, Outcome::Success);
        } else {
            self.go(State::StopPost);
            self.arm(self.config.stop_timeout);
            self.run_phase("ExecStopPost", Slot::Control, &self.config.stop_post.clone());
        }
    }

    fn enter_dead(&mut self, outcome: Outcome) {
        self.note(outcome);
        self.main = None;
        self.control = None;
        self.arm(None);
        match self.outcome {
            Outcome::Success => self.log("Deactivated successfully."),
            Outcome::ExecCondition => self.log("Skipped due to 'exec-condition'."),
            Outcome::Protocol
            | Outcome::Timeout
            | Outcome::ExitCode
            | Outcome::Signal
            | Outcome::CoreDump
            | Outcome::Resources
            | Outcome::StartLimitHit => self.log(format!("Failed with result '{}'.", self.outcome.word())),
        }
        let is_well = matches!(self.outcome, Outcome::Success | Outcome::ExecCondition);
        if !self.forbids_restart && self.shall_restart() {
            // Dead for a moment, so that the times tell it.
            self.go(if is_well { State::Dead } else { State::Failed });
            self.go(State::AutoRestart);
            self.arm(Some(self.config.restart_after));
        } else {
            self.go(if is_well { State::Dead } else { State::Failed });
            self.effects.push(Effect::CleanUp);
        }
    }

    fn shall_restart(&self) -> bool {
        let listed = |statuses: &super::config::Statuses| match self.main_status {
            Some(ExitStatus::Code(code)) => statuses.codes.contains(&code),
            Some(ExitStatus::Signal { number, .. }) => statuses.signals.contains(&number),
            None => false,
        };
        if listed(&self.config.restart_prevent) {
            return false;
        }
        if listed(&self.config.restart_force) {
            return true;
        }
        match self.config.restart {
            Restart::No | Restart::OnWatchdog => false,
            Restart::OnSuccess => self.outcome == Outcome::Success,
            Restart::OnFailure => !matches!(self.outcome, Outcome::Success | Outcome::ExecCondition),
            Restart::OnAbnormal => {
                !matches!(self.outcome, Outcome::Success | Outcome::ExecCondition | Outcome::ExitCode)
            }
            Restart::OnAbort => matches!(self.outcome, Outcome::Signal | Outcome::CoreDump),
            Restart::Always => self.outcome != Outcome::ExecCondition,
        }
    }

    fn ended(&mut self, pid: i32, status: ExitStatus) {
        let process = self.processes.iter_mut().rev().find(|process| process.pid == pid);
        let mut ignores_failure = false;
        if let Some(process) = process {
            process.ended = Some((self.now, status));
            ignores_failure = process.command.ignores_failure;
        }
        if self.main == Some(pid) {
            self.main_ended(status, ignores_failure);
        } else if self.control == Some(pid) {
            self.control_ended(status, ignores_failure);
        }
    }

    fn judged(&self, status: ExitStatus, is_daemon: bool, ignores_failure: bool) -> Outcome {
        if ignores_failure || status.is_clean(&self.config.success, is_daemon) {
            return Outcome::Success;
        }
        match status {
            ExitStatus::Code(_) => Outcome::ExitCode,
            ExitStatus::Signal { dumped_core: false, .. } => Outcome::Signal,
            ExitStatus::Signal { dumped_core: true, .. } => Outcome::CoreDump,
        }
    }

    fn main_ended(&mut self, status: ExitStatus, ignores_failure: bool) {
        let is_oneshot = self.config.service_type == ServiceType::Oneshot;
        let outcome = self.judged(status, !is_oneshot, ignores_failure);
        self.main = None;
        self.main_status = Some(status);
        if outcome != Outcome::Success || status.number() != 0 {
            self.log(format!("Main process exited, {}", status.logged()));
        }
        self.note(outcome);
        match self.state {
            State::Start => match self.config.service_type {
                ServiceType::Oneshot if outcome == Outcome::Success => {
                    if self.waiting.is_empty() {
                        self.enter_start_post();
                    } else {
                        let next = self.waiting.remove(0);
                        self.run(Slot::Main, next);
                    }
                }
                // It left well, and without a word that it was ready.
                ServiceType::Notify | ServiceType::NotifyReload
                    if outcome == Outcome::Success && !self.config.remains_after_exit =>
                {
                    self.enter_signal(State::StopSigterm, Outcome::Protocol);
                }
                ServiceType::Notify
                | ServiceType::NotifyReload
                | ServiceType::Oneshot
                | ServiceType::Simple
                | ServiceType::Exec
                | ServiceType::Forking
                | ServiceType::Idle
                | ServiceType::Dbus => self.enter_signal(State::StopSigterm, outcome),
            },
            State::Running => self.enter_running(outcome),
            State::Stop | State::StopSigterm | State::StopSigkill => {
                if self.control.is_none() {
                    self.enter_stop_post(outcome);
                }
            }
            State::FinalSigterm | State::FinalSigkill => {
                if self.control.is_none() && !self.has_processes {
                    self.enter_dead(outcome);
                }
            }
            // Where a helper still runs, it decides how it goes on.
            State::StartPost
            | State::Reload
            | State::StopPost
            | State::Condition
            | State::StartPre
            | State::Dead
            | State::Exited
            | State::Failed
            | State::AutoRestart => {}
        }
    }

    fn control_ended(&mut self, status: ExitStatus, ignores_failure: bool) {
        let outcome = self.judged(status, false, ignores_failure);
        self.control = None;
        if outcome != Outcome::Success {
            self.log(format!("Control process exited, {}", status.logged()));
        }
        if outcome == Outcome::Success && !self.waiting.is_empty() && self.state.has_commands() {
            let next = self.waiting.remove(0);
            self.run(Slot::Control, next);
            return;
        }
        match self.state {
            State::Condition => match status {
                ExitStatus::Code(0) => self.enter_start_pre(),
                ExitStatus::Code(1..=254) => {
                    self.enter_signal(State::StopSigterm, Outcome::ExecCondition);
                }
                ExitStatus::Code(_) | ExitStatus::Signal { .. } => {
                    self.enter_signal(State::StopSigterm, outcome);
                }
            },
            State::StartPre if outcome == Outcome::Success => self.enter_start(),
            State::Start if outcome == Outcome::Success => {
                let finds_main = self.config.pid_file.is_some() || self.config.guesses_main;
                if finds_main && self.main.is_none() {
                    self.waits_for_main = self.config.pid_file.is_some();
                    self.effects.push(Effect::FindMain);
                }
                if !self.waits_for_main {
                    self.enter_start_post();
                }
            }
            State::StartPost if outcome == Outcome::Success => self.enter_running(Outcome::Success),
            State::StartPre | State::Start | State::StartPost => {
                self.enter_signal(State::StopSigterm, outcome);
            }
            State::Reload => {
                self.reload_outcome = outcome;
                self.enter_running(Outcome::Success);
            }
            State::Stop => self.enter_signal(State::StopSigterm, outcome),
            State::StopSigterm | State::StopSigkill => {
                if self.main.is_none() {
                    self.enter_stop_post(outcome);
                }
            }
            State::StopPost => self.enter_signal(State::FinalSigterm, outcome),
            State::FinalSigterm | State::FinalSigkill => {
                if self.main.is_none() && !self.has_processes {
                    self.enter_dead(outcome);
                }
            }
            State::Dead | State::Running | State::Exited | State::Failed | State::AutoRestart => {}
        }
    }

    fn empty(&mut self) {
        self.has_processes = false;
        match self.state {
            State::Start if self.waits_for_main && self.control.is_none() => {
                self.log("Daemon never wrote its PID file. Failing.");
                self.enter_signal(State::StopSigterm, Outcome::Protocol);
            }
            State::Running if self.main.is_none() => self.enter_running(Outcome::Success),
            State::StopSigterm | State::StopSigkill if self.main.is_none() && self.control.is_none() => {
                self.enter_stop_post(Outcome::Success);
            }
            State::FinalSigterm | State::FinalSigkill => self.enter_dead(Outcome::Success),
            State::Start
            | State::Running
            | State::StopSigterm
            | State::StopSigkill
            | State::Dead
            | State::Condition
            | State::StartPre
            | State::StartPost
            | State::Exited
            | State::Reload
            | State::Stop
            | State::StopPost
            | State::Failed
            | State::AutoRestart => {}
        }
    }

    fn main_found(&mut self, pid: i32) {
        let is_waiting = std::mem::take(&mut self.waits_for_main);
        match self.state {
            State::Start | State::StartPost | State::Running => {
                self.main = Some(pid);
                self.main_status = None;
                if let Some(command) = self.config.start.first().cloned() {
                    self.processes.push(Process {
                        slot: Slot::Main,
                        phase: "",
                        command,
                        pid,
                        started: self.now,
                        ended: None,
                    });
                }
                if is_waiting && self.state == State::Start {
                    self.enter_start_post();
                }
            }
            State::Dead
            | State::Condition
            | State::StartPre
            | State::Exited
            | State::Reload
            | State::Stop
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalSigterm
            | State::FinalSigkill
            | State::Failed
            | State::AutoRestart => {}
        }
    }

    fn notified(&mut self, lines: &[(String, String)]) {
        for (name, value) in lines {
            match (name.as_str(), value.as_str()) {
                ("MAINPID", value) => {
                    if let Some(pid) = value.parse().ok().filter(|pid| Some(*pid) != self.main) {
                        self.main_found(pid);
                    }
                }
                ("STATUS", value) => value.clone_into(&mut self.status_text),
                ("READY", "1") => match (self.state, self.config.service_type) {
                    (State::Start, ServiceType::Notify | ServiceType::NotifyReload) => {
                        self.enter_start_post();
                    }
                    (State::Reload, _) if self.control.is_none() => self.enter_running(Outcome::Success),
                    (_, _) => {}
                },
                ("RELOADING", "1") if self.state == State::Running => {
                    self.go(State::Reload);
                    self.arm(self.config.start_timeout);
                }
                ("STOPPING", "1") if self.state == State::Running => {
                    self.go(State::StopSigterm);
                    self.arm(self.config.stop_timeout);
                }
                ("EXTEND_TIMEOUT_USEC", value) => {
                    if let (Ok(time), true) = (value.parse(), self.state.has_commands()) {
                        self.arm(Some(Duration::from_micros(time)));
                    }
                }
                (_, _) => {}
            }
        }
    }

    fn elapsed(&mut self) {
        let phase = self.state.word();
        match self.state {
            State::Condition | State::StartPre | State::Start | State::StartPost => {
                self.log(format!("{phase} operation timed out. Terminating."));
                self.enter_signal(State::StopSigterm, Outcome::Timeout);
            }
            State::Running => {
                self.log("Service reached runtime time limit. Stopping.");
                self.enter_stop(Outcome::Timeout);
            }
            State::Reload => {
                self.log("Reload operation timed out. Killing reload process.");
                if let Some(control) = self.control {
                    let target = Target::Process(control);
                    self.effects.push(Effect::Signal { target, signal: Signal::SIGKILL });
                }
                self.reload_outcome = Outcome::Timeout;
                self.enter_running(Outcome::Success);
            }
            State::Stop => {
                self.log("Stopping timed out. Terminating.");
                self.enter_signal(State::StopSigterm, Outcome::Timeout);
            }
            State::StopSigterm | State::FinalSigterm => {
                let next =
                    if self.state == State::StopSigterm { State::StopSigkill } else { State::FinalSigkill };
                if self.config.sends_sigkill {
                    self.log(format!("State '{phase}' timed out. Killing."));
                    self.enter_signal(next, Outcome::Timeout);
                } else {
                    self.log(format!("State '{phase}' timed out. Skipping SIGKILL."));
                    self.after_kill();
                }
            }
            State::StopSigkill | State::FinalSigkill => {
                self.log("Processes still around after SIGKILL. Ignoring.");
                self.after_kill();
            }
            State::StopPost => {
                self.log("State 'stop-post' timed out. Terminating.");
                self.enter_signal(State::FinalSigterm, Outcome::Timeout);
            }
            State::AutoRestart => self.effects.push(Effect::RestartDue),
            State::Dead | State::Exited | State::Failed => {}
        }
    }

    fn after_kill(&mut self) {
        if matches!(self.state, State::StopSigterm | State::StopSigkill) {
            self.enter_stop_post(Outcome::Timeout);
        } else {
            self.enter_dead(Outcome::Timeout);
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
