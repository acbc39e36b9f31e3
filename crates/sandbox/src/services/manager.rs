//! All units of a machine and the jobs that change them: events in, effects out.
//!
//! The manager decides what is started and stopped, in which order, and what became of it. It
//! starts no process, waits for nothing and reads no clock; what it needs from the disk it asks of
//! a [`Shelf`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::condition::Condition;
use super::library::{Library, is_early, is_left_out_of_boot};
use super::name::UnitName;
use super::service::config::ServiceType;
use super::service::state::{Effect, Event, Outcome, Service, State, Times};
use super::socket::SocketConfig;
use super::timer::Moments;
use super::unit::{Kind, LoadState, Unit};

mod jobs;

pub(crate) use jobs::{Job, JobId, JobKind, JobResult, RequestError, can_reload};

/// How often the number of a main process is looked for in its file.
const FIND_MAIN_EVERY: Duration = Duration::from_millis(20);
/// Every unit that nobody uses is forgotten sooner or later; results of jobs are too.
const RESULTS_MAX: usize = 4096;

/// What the manager has to know from the disk.
pub(crate) trait Shelf {
    /// Reads a unit.
    fn load(&self, name: &UnitName) -> Unit;
    /// The first condition that does not hold.
    fn unmet(&self, conditions: &[Condition]) -> Option<Condition>;
    /// Whether a unit's files are others by now.
    fn is_outdated(&self, unit: &Unit) -> bool;
    /// Lets packages write the units that they generate.
    fn generate(&self);
}

impl Shelf for Library {
    fn load(&self, name: &UnitName) -> Unit {
        Library::load(self, name)
    }

    fn unmet(&self, conditions: &[Condition]) -> Option<Condition> {
        super::condition::unmet(conditions, &self.root).cloned()
    }

    fn is_outdated(&self, unit: &Unit) -> bool {
        Library::is_outdated(self, unit)
    }

    fn generate(&self) {
        super::generators::generate(&self.root);
    }
}

/// What the manager wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Something for a service; its timeouts are kept here and not handed on.
    Service(UnitName, Effect),
    OpenSockets(UnitName, Box<SocketConfig>),
    CloseSockets(UnitName, Box<SocketConfig>),
    /// A line for the journal of a unit.
    Log(UnitName, String),
}

/// What a unit does at present.
#[derive(Debug, Clone)]
pub(crate) enum Life {
    Service(Box<Service>),
    Timer(TimerLife),
    Socket(Simple),
    Target(Simple),
    Provided(Simple),
}

/// A unit that is active or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Simple {
    pub is_active: bool,
    pub is_failed: bool,
    pub times: Times,
}

/// A timer.
#[derive(Debug, Clone, Default)]
pub(crate) struct TimerLife {
    pub simple: Simple,
    pub activation: Option<Timestamp>,
    pub last_elapse: Option<Timestamp>,
    pub next: Option<Timestamp>,
}

/// A unit and what it does.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub unit: Arc<Unit>,
    pub life: Life,
    /// The condition that kept it from starting the last time.
    pub unmet: Option<Condition>,
    /// When it was started, for the limit of starts.
    starts: VecDeque<Timestamp>,
    deadline: Option<Timestamp>,
    find_main_at: Option<Timestamp>,
}

impl Entry {
    fn new(unit: Unit) -> Self {
        let life = match &unit.kind {
            Kind::Service(config) => Life::Service(Box::new(Service::new(Arc::new((**config).clone())))),
            Kind::Timer(_) => Life::Timer(TimerLife::default()),
            Kind::Socket(_) => Life::Socket(Simple::default()),
            Kind::Target => Life::Target(Simple { is_active: is_early(&unit.name), ..Simple::default() }),
            Kind::Provided => Life::Provided(Simple { is_active: true, ..Simple::default() }),
        };
        let unit = Arc::new(unit);
        Self { unit, life, unmet: None, starts: VecDeque::new(), deadline: None, find_main_at: None }
    }

    /// The service, if it is one.
    pub(crate) fn service(&self) -> Option<&Service> {
        match &self.life {
            Life::Service(service) => Some(service),
            Life::Timer(_) | Life::Socket(_) | Life::Target(_) | Life::Provided(_) => None,
        }
    }

    /// The word of `ActiveState=`.
    pub(crate) fn active(&self) -> &'static str {
        match &self.life {
            Life::Service(service) => service.state.active(),
            Life::Timer(TimerLife { simple, .. })
            | Life::Socket(simple)
            | Life::Target(simple)
            | Life::Provided(simple) => match (simple.is_failed, simple.is_active) {
                (true, _) => "failed",
                (false, true) => "active",
                (false, false) => "inactive",
            },
        }
    }

    /// The word of `SubState=`.
    pub(crate) fn sub(&self) -> &'static str {
        match (&self.life, self.active()) {
            (Life::Service(service), _) => service.state.word(),
            (_, "failed") => "failed",
            (_, "inactive") => "dead",
            (Life::Timer(timer), _) if timer.next.is_none() => "elapsed",
            (Life::Timer(_), _) => "waiting",
            (Life::Socket(_), _) => "listening",
            (Life::Provided(_), _) if self.unit.name.suffix() == ".mount" => "mounted",
            (Life::Provided(_), _) if self.unit.name.suffix() == ".service" => "running",
            (Life::Target(_) | Life::Provided(_), _) => "active",
        }
    }

    /// When it came to be what it is.
    pub(crate) fn times(&self) -> Times {
        match &self.life {
            Life::Service(service) => service.times,
            Life::Timer(TimerLife { simple, .. })
            | Life::Socket(simple)
            | Life::Target(simple)
            | Life::Provided(simple) => simple.times,
        }
    }

    /// Whether it is up, for those that need it.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.active(), "active" | "reloading")
    }

    /// Whether nothing goes on.
    pub(crate) fn is_idle(&self) -> bool {
        self.active() == "inactive"
    }
}

/// The units of a machine.
pub(crate) struct Manager<S> {
    pub shelf: S,
    entries: BTreeMap<UnitName, Entry>,
    /// Other names of loaded units.
    aliases: BTreeMap<UnitName, UnitName>,
    jobs: BTreeMap<JobId, Job>,
    results: BTreeMap<JobId, (UnitName, JobKind, JobResult)>,
    next_job: u64,
    boot: Timestamp,
    now: Timestamp,
    actions: Vec<Action>,
    is_stopping: bool,
}

impl<S: Shelf> Manager<S> {
    pub(crate) fn new(shelf: S, now: Timestamp) -> Self {
        Self {
            shelf,
            entries: BTreeMap::new(),
            aliases: BTreeMap::new(),
            jobs: BTreeMap::new(),
            results: BTreeMap::new(),
            next_job: 0,
            boot: now,
            now,
            actions: Vec::new(),
            is_stopping: false,
        }
    }

    /// When the machine came up.
    pub(crate) fn boot_time(&self) -> Timestamp {
        self.boot
    }

    /// What is to be done since it was asked last.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// All units that are loaded.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Jobs that are not done.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// A unit that is loaded.
    pub(crate) fn entry(&self, name: &UnitName) -> Option<&Entry> {
        self.entries.get(self.aliases.get(name).unwrap_or(name))
    }

    fn entry_mut(&mut self, name: &UnitName) -> Option<&mut Entry> {
        let name = self.aliases.get(name).unwrap_or(name);
        self.entries.get_mut(name)
    }

    /// Whether a unit's files changed since they were read.
    pub(crate) fn is_outdated(&self, entry: &Entry) -> bool {
        self.shelf.is_outdated(&entry.unit)
    }

    /// A unit, read from the disk unless it is in use. What is found out about a unit that does
    /// nothing is forgotten again, as systemd does it; so a unit file that was just written needs
    /// no `daemon-reload`.
    pub(crate) fn load(&mut self, name: &UnitName) -> &Entry {
        let real = self.aliases.get(name).unwrap_or(name).clone();
        let is_kept = self.entries.get(&real).is_some_and(|entry| !entry.is_idle())
            || self.jobs.values().any(|job| job.unit == real)
            || (self.entries.contains_key(&real) && self.is_used(&real));
        if !is_kept {
            // With it go its limit of starts and what is known of its last processes, as in systemd.
            self.entries.remove(&real);
            self.aliases.retain(|_, other| *other != real);
            let unit = self.shelf.load(name);
            let real = unit.name.clone();
            // Another name of a unit that is in use.
            if !self.entries.contains_key(&real) || self.entries[&real].is_idle() {
                for alias in &unit.aliases {
                    self.aliases.insert(alias.clone(), real.clone());
                }
                self.entries.insert(real.clone(), Entry::new(unit));
            }
            if real != *name {
                self.aliases.insert(name.clone(), real);
            }
        }
        let real = self.aliases.get(name).unwrap_or(name);
        &self.entries[real]
    }

    /// Whether a unit that is up refers to this one.
    fn is_used(&self, name: &UnitName) -> bool {
        self.entries.values().any(|entry| {
            !entry.is_idle()
                && (entry.unit.wants.contains(name)
                    || entry.unit.requires.contains(name)
                    || entry.unit.binds_to.contains(name)
                    || matches!(&entry.unit.kind, Kind::Timer(timer) if timer.unit == *name)
                    || matches!(&entry.unit.kind, Kind::Socket(socket) if socket.service == *name))
        })
    }

    /// Reads all unit files anew.
    pub(crate) fn daemon_reload(&mut self) {
        self.shelf.generate();
        let names: Vec<UnitName> = self.entries.keys().cloned().collect();
        self.aliases.clear();
        for name in names {
            let unit = self.shelf.load(&name);
            for alias in unit.aliases.iter().filter(|alias| **alias != name) {
                self.aliases.insert(alias.clone(), name.clone());
            }
            let Some(entry) = self.entries.get_mut(&name) else { continue };
            let is_same_kind =
                std::mem::discriminant(&Entry::new(unit.clone()).life) == std::mem::discriminant(&entry.life);
            if entry.is_idle() && (unit.load == LoadState::NotFound || !is_same_kind) {
                self.entries.remove(&name);
                continue;
            }
            if let (Life::Service(service), Kind::Service(config)) = (&mut entry.life, &unit.kind) {
                service.config = Arc::new((**config).clone());
            }
            entry.unit = Arc::new(unit);
            // As in systemd, which keeps the counts of starts across nothing.
            entry.starts.clear();
            if let Kind::Timer(_) = entry.unit.kind {
                self.set_timer(&name);
            }
        }
        self.load_used();
    }

    /// Loads what units that are up refer to, so that it stays as it was read until the next
    /// `daemon-reload`.
    fn load_used(&mut self) {
        let used: BTreeSet<UnitName> = self
            .entries
            .values()
            .filter(|entry| entry.is_active())
            .flat_map(|entry| entry.unit.wants.iter().chain(entry.unit.needed()).cloned())
            .collect();
        for name in used {
            if self.entry(&name).is_none() {
                self.load(&name);
            }
        }
    }

    /// Starts what starts with the machine.
    pub(crate) fn boot(&mut self, now: Timestamp) {
        self.now = now;
        self.shelf.generate();
        let names = ["sockets.target", "timers.target", "multi-user.target", "default.target"];
        for name in names.into_iter().filter_map(|name| UnitName::parse(name).ok()) {
            if self.load(&name).unit.load == LoadState::Loaded
                && let Err(error) = self.enqueue_boot(&name)
            {
                self.actions.push(Action::Log(name, error.to_string()));
            }
        }
        self.work();
        self.load_used();
    }

    /// Stops everything, with the machine.
    pub(crate) fn shut_down(&mut self, now: Timestamp) {
        self.now = now;
        self.is_stopping = true;
        let active: Vec<UnitName> = self
            .entries
            .values()
            .filter(|entry| !entry.is_idle() && entry.active() != "failed")
            .map(|entry| entry.unit.name.clone())
            .collect();
        for name in active {
            // Nothing but a unit that vanished meanwhile could be in the way.
            let _ = self.enqueue(JobKind::Stop, &name);
        }
        self.work();
    }

    /// Whether nothing is left after [`Manager::shut_down`].
    pub(crate) fn is_down(&self) -> bool {
        self.is_stopping
            && self.jobs.is_empty()
            && self.entries.values().all(|entry| match &entry.life {
                Life::Service(service) => {
                    matches!(service.state, State::Dead | State::Failed | State::AutoRestart)
                }
                Life::Timer(_) | Life::Socket(_) | Life::Target(_) | Life::Provided(_) => true,
            })
    }

    /// Something happened to a service.
    pub(crate) fn event(&mut self, name: &UnitName, event: Event, now: Timestamp) {
        self.now = now;
        self.serve(name, event);
        self.work();
    }

    /// A process was made for a service; it is noted before the service hears of it.
    pub(crate) fn note_process(
        &mut self,
        name: &UnitName,
        slot: super::service::state::Slot,
        phase: &'static str,
        command: super::command::CommandLine,
        pid: i32,
    ) {
        if let Some(Life::Service(service)) = self.entry_mut(name).map(|entry| &mut entry.life) {
            service.note_process(slot, phase, command, pid);
        }
    }

    fn serve(&mut self, name: &UnitName, event: Event) {
        let now = self.now;
        let Some(entry) = self.entry_mut(name) else { return };
        let Life::Service(service) = &mut entry.life else { return };
        let before = service.state;
        let effects = service.handle(event, now);
        self.take_effects(name, before, effects);
    }

    fn take_effects(&mut self, name: &UnitName, before: State, effects: Vec<Effect>) {
        let now = self.now;
        let mut is_restart_due = false;
        let Some(entry) = self.entry_mut(name) else { return };
        let real = entry.unit.name.clone();
        let mut handed_on = Vec::new();
        for effect in effects {
            match effect {
                Effect::Arm(after) => entry.deadline = after.map(|after| later(now, after)),
                Effect::RestartDue => is_restart_due = true,
                Effect::FindMain => {
                    entry.find_main_at = Some(later(now, FIND_MAIN_EVERY));
                    handed_on.push(Action::Service(real.clone(), Effect::FindMain));
                }
                Effect::Log(text) => handed_on.push(Action::Log(real.clone(), text)),
                Effect::Run { .. } | Effect::Signal { .. } | Effect::CleanUp => {
                    handed_on.push(Action::Service(real.clone(), effect));
                }
            }
        }
        let Some(service) = entry.service() else { return };
        let (state, outcome) = (service.state, service.outcome);
        let unit = Arc::clone(&entry.unit);
        self.actions.extend(handed_on);
        if is_restart_due {
            self.restart_automatically(&real);
        } else if state != before {
            self.announce(&unit, before, state, outcome);
            self.settle(&real);
        }
    }

    /// What others have to do because a service changed.
    fn announce(&mut self, unit: &Unit, before: State, state: State, outcome: Outcome) {
        let name = &unit.name;
        let was_up = matches!(before.active(), "active" | "reloading" | "deactivating");
        if matches!(state, State::Dead | State::Failed) && was_up {
            let bound: Vec<UnitName> = self
                .entries
                .values()
                .filter(|entry| entry.is_active() && entry.unit.binds_to.contains(name))
                .map(|entry| entry.unit.name.clone())
                .collect();
            for other in bound {
                let _ = self.enqueue(JobKind::Stop, &other);
            }
        }
        let next = match state {
            State::Failed => &unit.on_failure,
            State::Dead if before != State::Failed && outcome == Outcome::Success => &unit.on_success,
            State::Dead
            | State::Condition
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
            | State::FinalSigkill
            | State::AutoRestart => return self.look_after_timers(name),
        };
        if !self.is_stopping {
            for other in next.clone() {
                if let Err(error) = self.enqueue(JobKind::Start, &other) {
                    self.actions.push(Action::Log(name.clone(), error.to_string()));
                }
            }
        }
        self.look_after_timers(name);
    }

    /// Timers that count from what a unit does have another next moment.
    fn look_after_timers(&mut self, name: &UnitName) {
        let timers: Vec<UnitName> = self
            .entries
            .values()
            .filter(|entry| matches!(&entry.unit.kind, Kind::Timer(timer) if timer.unit == *name))
            .map(|entry| entry.unit.name.clone())
            .collect();
        for timer in timers {
            self.set_timer(&timer);
        }
    }

    fn restart_automatically(&mut self, name: &UnitName) {
        if self.is_stopping {
            return;
        }
        if let Some(Life::Service(service)) = self.entry_mut(name).map(|entry| &mut entry.life) {
            service.count_restart();
            let count = service.restarts;
            let text = format!("Scheduled restart job, restart counter is at {count}.");
            self.actions.push(Action::Log(name.clone(), text));
        }
        if let Err(error) = self.enqueue(JobKind::Start, name) {
            self.actions.push(Action::Log(name.clone(), error.to_string()));
        }
    }

    /// Whether a unit may start once more; the start counts.
    fn may_start(&mut self, name: &UnitName) -> bool {
        let now = self.now;
        let Some(entry) = self.entry_mut(name) else { return false };
        let Some((burst, interval)) = entry.unit.start_limit else { return true };
        while entry.starts.front().is_some_and(|start| later(*start, interval) <= now) {
            entry.starts.pop_front();
        }
        if entry.starts.len() >= burst as usize {
            return false;
        }
        entry.starts.push_back(now);
        true
    }

    /// Begins what a start job asks for. Says whether the job goes on; otherwise how it ended.
    fn begin_start(&mut self, name: &UnitName) -> Option<JobResult> {
        let now = self.now;
        let entry = self.entry(name)?;
        if entry.is_active() {
            return Some(JobResult::Done);
        }
        let unit = Arc::clone(&entry.unit);
        if let Some(condition) = self.shelf.unmet(&unit.conditions) {
            let text = format!(
                "{} was skipped because of an unmet condition check (Condition{}).",
                shown(&unit),
                condition.shown()
            );
            self.actions.push(Action::Log(name.clone(), text));
            if let Some(entry) = self.entry_mut(name) {
                entry.unmet = Some(condition);
            }
            return Some(JobResult::Done);
        }
        if let Some(assertion) = self.shelf.unmet(&unit.assertions) {
            let text = format!("Starting requested but asserts failed (Assert{}).", assertion.shown());
            self.actions.push(Action::Log(name.clone(), text));
            return Some(JobResult::Assert);
        }
        let may_start = matches!(unit.kind, Kind::Target | Kind::Provided) || self.may_start(name);
        let entry = self.entry_mut(name)?;
        entry.unmet = None;
        match &mut entry.life {
            Life::Service(service) => {
                let before = service.state;
                if may_start {
                    // What is up at once is only said to be up.
                    let takes_time = !service.config.start_pre.is_empty()
                        || matches!(
                            service.config.service_type,
                            ServiceType::Forking
                                | ServiceType::Oneshot
                                | ServiceType::Notify
                                | ServiceType::NotifyReload
                                | ServiceType::Dbus
                        );
                    if takes_time {
                        self.actions.push(Action::Log(name.clone(), format!("Starting {}...", shown(&unit))));
                    }
                    self.serve(name, Event::Start);
                } else {
                    let effects = service.refuse(Outcome::StartLimitHit, now);
                    self.actions
                        .push(Action::Log(name.clone(), "Start request repeated too quickly.".to_owned()));
                    self.take_effects(name, before, effects);
                    if before == State::Failed {
                        return Some(JobResult::Failed);
                    }
                }
                None
            }
            Life::Timer(timer) => {
                timer.activation = Some(now);
                timer.last_elapse = None;
                set_simple(&mut timer.simple, true, now);
                self.set_timer(name);
                Some(JobResult::Done)
            }
            Life::Socket(simple) => {
                set_simple(simple, true, now);
                if let Kind::Socket(config) = &unit.kind {
                    self.actions.push(Action::OpenSockets(name.clone(), Box::new(config.clone())));
                }
                Some(JobResult::Done)
            }
            Life::Target(simple) | Life::Provided(simple) => {
                set_simple(simple, true, now);
                Some(JobResult::Done)
            }
        }
    }

    /// Begins what a stop job asks for.
    fn begin_stop(&mut self, name: &UnitName) -> Option<JobResult> {
        let now = self.now;
        let entry = self.entry_mut(name)?;
        let unit = Arc::clone(&entry.unit);
        match &mut entry.life {
            Life::Service(service) => {
                if matches!(service.state, State::Dead | State::Failed) {
                    return Some(JobResult::Done);
                }
                self.actions.push(Action::Log(name.clone(), format!("Stopping {}...", shown(&unit))));
                self.serve(name, Event::Stop);
                None
            }
            Life::Timer(timer) => {
                timer.next = None;
                set_simple(&mut timer.simple, false, now);
                entry.deadline = None;
                Some(JobResult::Done)
            }
            Life::Socket(simple) => {
                set_simple(simple, false, now);
                if let Kind::Socket(config) = &unit.kind {
                    self.actions.push(Action::CloseSockets(name.clone(), Box::new(config.clone())));
                }
                Some(JobResult::Done)
            }
            Life::Target(simple) => {
                set_simple(simple, false, now);
                Some(JobResult::Done)
            }
            // The machine goes on being what it is.
            Life::Provided(_) => Some(JobResult::Done),
        }
    }

    /// The sockets of a unit could not be opened.
    pub(crate) fn sockets_failed(&mut self, name: &UnitName, why: String, now: Timestamp) {
        self.now = now;
        if let Some(Life::Socket(simple)) = self.entry_mut(name).map(|entry| &mut entry.life) {
            set_simple(simple, false, now);
            simple.is_failed = true;
        }
        self.actions.push(Action::Log(name.clone(), why));
    }

    /// Somebody connects to a socket.
    pub(crate) fn socket_ready(&mut self, name: &UnitName, now: Timestamp) {
        self.now = now;
        let Some(Kind::Socket(config)) = self.entry(name).map(|entry| entry.unit.kind.clone()) else {
            return;
        };
        if let Err(error) = self.enqueue(JobKind::Start, &config.service) {
            self.actions.push(Action::CloseSockets(name.clone(), Box::new(config)));
            self.sockets_failed(name, error.to_string(), now);
        }
        self.work();
    }

    fn set_timer(&mut self, name: &UnitName) {
        let (boot, now) = (self.boot, self.now);
        let Some(entry) = self.entry(name) else { return };
        let Kind::Timer(config) = &entry.unit.kind else { return };
        let Life::Timer(timer) = &entry.life else { return };
        let Some(activation) = timer.activation.filter(|_| timer.simple.is_active) else { return };
        let times = self.entry(&config.unit).map(Entry::times).unwrap_or_default();
        let next = config.next(&Moments {
            boot,
            activation,
            unit_active: times.inactive_exit,
            unit_inactive: times.inactive_enter,
            last_elapse: timer.last_elapse,
            now,
        });
        if let Some(entry) = self.entry_mut(name) {
            entry.deadline = next;
            if let Life::Timer(timer) = &mut entry.life {
                timer.next = next;
            }
        }
    }

    /// When [`Manager::tick`] is to be called next.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.entries.values().flat_map(|entry| [entry.deadline, entry.find_main_at]).flatten().min()
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.now = now;
        let is_due = |moment: &Option<Timestamp>| moment.is_some_and(|moment| moment <= now);
        let due: Vec<UnitName> = self
            .entries
            .values()
            .filter(|entry| is_due(&entry.deadline) || is_due(&entry.find_main_at))
            .map(|entry| entry.unit.name.clone())
            .collect();
        for name in due {
            let Some(entry) = self.entries.get_mut(&name) else { continue };
            let is_elapsed = is_due(&entry.deadline);
            if is_elapsed {
                entry.deadline = None;
            }
            if is_due(&entry.find_main_at) {
                let is_waiting = entry.service().is_some_and(Service::waits_for_main);
                entry.find_main_at = is_waiting.then(|| later(now, FIND_MAIN_EVERY));
                if is_waiting {
                    self.actions.push(Action::Service(name.clone(), Effect::FindMain));
                }
            }
            if !is_elapsed {
                continue;
            }
            let entry = &self.entries[&name];
            match &entry.life {
                Life::Service(_) => self.serve(&name, Event::Elapsed),
                Life::Timer(_) => self.elapse_timer(&name),
                Life::Socket(_) | Life::Target(_) | Life::Provided(_) => {}
            }
        }
        self.work();
    }

    fn elapse_timer(&mut self, name: &UnitName) {
        let now = self.now;
        let Some(entry) = self.entry_mut(name) else { return };
        let Kind::Timer(config) = entry.unit.kind.clone() else { return };
        if let Life::Timer(timer) = &mut entry.life {
            timer.last_elapse = Some(now);
        }
        if let Err(error) = self.enqueue(JobKind::Start, &config.unit) {
            self.actions.push(Action::Log(name.clone(), error.to_string()));
        }
        self.set_timer(name);
    }

    /// Forgets a failure. Says whether the unit is known.
    pub(crate) fn reset_failed(&mut self, name: &UnitName, now: Timestamp) -> bool {
        self.now = now;
        let Some(entry) = self.entry_mut(name) else { return false };
        entry.starts.clear();
        match &mut entry.life {
            Life::Service(service) => service.reset(now),
            Life::Timer(TimerLife { simple, .. })
            | Life::Socket(simple)
            | Life::Target(simple)
            | Life::Provided(simple) => simple.is_failed = false,
        }
        true
    }
}

/// What is put into log lines for a unit.
fn shown(unit: &Unit) -> String {
    if unit.description == unit.name.as_str() {
        unit.description.clone()
    } else {
        format!("{} - {}", unit.name, unit.description)
    }
}

fn set_simple(simple: &mut Simple, is_active: bool, now: Timestamp) {
    let word = |is_active| if is_active { "active" } else { "inactive" };
    if simple.is_active != is_active {
        simple.times.note(word(simple.is_active), word(is_active), now);
    }
    simple.is_active = is_active;
    simple.is_failed = false;
}

/// A moment after another. One that is too far away never comes.
fn later(now: Timestamp, after: Duration) -> Timestamp {
    SignedDuration::try_from(after)
        .ok()
        .and_then(|after| now.checked_add(after).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Whether a unit is started with the machine although a target wants it.
fn starts_at_boot(name: &UnitName) -> bool {
    !is_left_out_of_boot(name)
}

#[cfg(test)]
#[path = "manager_tests.rs"]
mod tests;
