//! Jobs: what is to become of units, what that pulls in, and in which order it is done.

use std::collections::BTreeMap;

use super::{Action, Life, Manager, RESULTS_MAX, Shelf, shown, starts_at_boot};
use crate::services::name::UnitName;
use crate::services::service::state::{Event, Outcome, State};
use crate::services::unit::{Kind, LoadState, Unit};

/// The number of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JobId(pub u64);

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobKind {
    Start,
    Stop,
    Reload,
    Restart,
}

impl JobKind {
    /// The word in `systemctl list-jobs`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Reload => "reload",
            Self::Restart => "restart",
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobResult {
    Done,
    Canceled,
    Failed,
    Dependency,
    Assert,
}

/// Something that is to become of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub id: JobId,
    pub unit: UnitName,
    pub kind: JobKind,
    pub is_running: bool,
}

/// Why nothing can become of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("Unit {0} not found.")]
    NotFound(UnitName),
    #[error("Unit {0} not loaded.")]
    NotLoaded(UnitName),
    #[error("Unit {0} is masked.")]
    Masked(UnitName),
    #[error("Unit {0} has a bad unit file setting.")]
    BadSetting(UnitName),
    #[error("Unit name {0} is missing the instance name.")]
    MissingInstance(UnitName),
    #[error("Job type {} is not applicable for unit {unit}.", .kind.word())]
    NotApplicable { kind: JobKind, unit: UnitName },
    #[error(
        "Operation refused, unit {0} may be requested by dependency only (it is configured to refuse manual start/stop)."
    )]
    OnlyByDependency(UnitName),
    #[error("{0} is not active, cannot reload.")]
    NotActive(UnitName),
}

impl<S: Shelf> Manager<S> {
    /// Asks for something to become of a unit, by a person.
    pub(crate) fn request(
        &mut self,
        kind: JobKind,
        name: &UnitName,
        now: jiff::Timestamp,
    ) -> Result<JobId, RequestError> {
        self.now = now;
        let entry = self.load(name);
        let (unit, is_active) = (std::sync::Arc::clone(&entry.unit), entry.is_active());
        if kind == JobKind::Stop {
            if unit.load == LoadState::NotFound && entry.is_idle() {
                return Err(RequestError::NotLoaded(name.clone()));
            }
        } else {
            loadable(name, &unit)?;
        }
        match kind {
            JobKind::Start | JobKind::Restart if unit.refuses_manual_start => {
                return Err(RequestError::OnlyByDependency(unit.name.clone()));
            }
            JobKind::Stop | JobKind::Restart if unit.refuses_manual_stop => {
                return Err(RequestError::OnlyByDependency(unit.name.clone()));
            }
            JobKind::Reload if !can_reload(&unit) => {
                return Err(RequestError::NotApplicable { kind, unit: unit.name.clone() });
            }
            JobKind::Reload if !is_active => return Err(RequestError::NotActive(unit.name.clone())),
            JobKind::Start | JobKind::Stop | JobKind::Reload | JobKind::Restart => {}
        }
        let id = self.enqueue(kind, name)?;
        self.work();
        Ok(id)
    }

    /// How a job ended, if it has.
    pub(crate) fn result(&self, id: JobId) -> Option<&(UnitName, JobKind, JobResult)> {
        self.results.get(&id)
    }

    pub(super) fn enqueue_boot(&mut self, name: &UnitName) -> Result<JobId, RequestError> {
        self.plan(JobKind::Start, name, true)
    }

    /// Puts a job and all that it pulls in into the queue.
    pub(super) fn enqueue(&mut self, kind: JobKind, name: &UnitName) -> Result<JobId, RequestError> {
        self.plan(kind, name, false)
    }

    fn plan(&mut self, kind: JobKind, name: &UnitName, is_boot: bool) -> Result<JobId, RequestError> {
        let mut plan: BTreeMap<UnitName, JobKind> = BTreeMap::new();
        let anchor = self.load(name).unit.name.clone();
        match kind {
            JobKind::Start => self.add_start(&anchor, &mut plan, is_boot)?,
            JobKind::Stop => self.add_stop(&anchor, JobKind::Stop, &mut plan),
            JobKind::Reload => {
                plan.insert(anchor.clone(), JobKind::Reload);
            }
            JobKind::Restart => {
                let is_up =
                    self.entry(&anchor).is_some_and(|entry| !entry.is_idle() && entry.active() != "failed");
                self.add_start(&anchor, &mut plan, is_boot)?;
                if is_up {
                    self.add_stop(&anchor, JobKind::Restart, &mut plan);
                }
            }
        }
        // What is asked for has a job, even if nothing has to be done.
        plan.entry(anchor.clone()).or_insert(kind);
        let mut found = None;
        for (unit, kind) in plan {
            let id = self.install(&unit, kind);
            if unit == anchor {
                found = Some(id);
            }
        }
        Ok(found.expect("the anchor is in its plan"))
    }

    fn add_start(
        &mut self,
        name: &UnitName,
        plan: &mut BTreeMap<UnitName, JobKind>,
        is_boot: bool,
    ) -> Result<(), RequestError> {
        let entry = self.load(name);
        let unit = std::sync::Arc::clone(&entry.unit);
        loadable(name, &unit)?;
        // What a unit that is up needs was seen to when it came up.
        if plan.contains_key(&unit.name) || entry.is_active() {
            return Ok(());
        }
        plan.insert(unit.name.clone(), JobKind::Start);
        for needed in unit.needed() {
            self.add_start(needed, plan, is_boot)?;
        }
        for needed in &unit.requisite {
            if !self.load(needed).is_active() {
                return Err(RequestError::NotFound(needed.clone()));
            }
        }
        for wanted in &unit.wants {
            if is_boot && !starts_at_boot(wanted) {
                continue;
            }
            let mut tried = plan.clone();
            // A wish that cannot be met is no failure.
            if self.add_start(wanted, &mut tried, is_boot).is_ok() {
                *plan = tried;
            }
        }
        let rivals: Vec<UnitName> = self
            .entries
            .values()
            .filter(|other| {
                !other.is_idle()
                    && other.active() != "failed"
                    && other.unit.name != unit.name
                    && (unit.conflicts.contains(&other.unit.name)
                        || other.unit.conflicts.contains(&unit.name))
            })
            .map(|other| other.unit.name.clone())
            .collect();
        for rival in rivals {
            self.add_stop(&rival, JobKind::Stop, plan);
        }
        Ok(())
    }

    /// Adds a stop or a restart of a unit, and of those that cannot be without it.
    fn add_stop(&self, name: &UnitName, kind: JobKind, plan: &mut BTreeMap<UnitName, JobKind>) {
        if plan.insert(name.clone(), kind) == Some(kind) {
            return;
        }
        let dependants = self.entries.values().filter(|entry| {
            !entry.is_idle()
                && entry.active() != "failed"
                && entry
                    .unit
                    .needed()
                    .chain(&entry.unit.requisite)
                    .chain(&entry.unit.part_of)
                    .any(|other| other == name)
        });
        for dependant in dependants {
            if plan.get(&dependant.unit.name) != Some(&kind) {
                self.add_stop(&dependant.unit.name, kind, plan);
            }
        }
    }

    /// Puts one job into the queue, in place of another of the same unit if there is one.
    fn install(&mut self, unit: &UnitName, kind: JobKind) -> JobId {
        let other = self.jobs.values().find(|job| job.unit == *unit).cloned();
        if let Some(other) = other {
            let is_covered = other.kind == kind
                || (other.kind == JobKind::Restart && kind == JobKind::Start)
                || (other.kind == JobKind::Start && kind == JobKind::Reload);
            if is_covered && (!other.is_running || kind != JobKind::Restart) {
                return other.id;
            }
            self.finish(other.id, JobResult::Canceled);
        }
        self.next_job += 1;
        let id = JobId(self.next_job);
        self.jobs.insert(id, Job { id, unit: unit.clone(), kind, is_running: false });
        id
    }

    /// Begins every job that nothing is in the way of.
    pub(super) fn work(&mut self) {
        loop {
            let next = self.jobs.values().find(|job| !job.is_running && !self.has_to_wait(job)).cloned();
            let Some(job) = next else {
                // A circle in the order: one of its jobs goes first.
                let is_stuck = !self.jobs.is_empty() && self.jobs.values().all(|job| !job.is_running);
                let Some(first) = self.jobs.values().next().cloned().filter(|_| is_stuck) else { return };
                let text = "Found ordering cycle; it is broken here.".to_owned();
                self.actions.push(Action::Log(first.unit.clone(), text));
                self.begin(&first);
                continue;
            };
            self.begin(&job);
        }
    }

    fn begin(&mut self, job: &Job) {
        if let Some(job) = self.jobs.get_mut(&job.id) {
            job.is_running = true;
        }
        let ended = match job.kind {
            // What is still going down comes up when it is down.
            JobKind::Start if self.is_going_down(&job.unit) => {
                if let Some(job) = self.jobs.get_mut(&job.id) {
                    job.kind = JobKind::Restart;
                }
                None
            }
            JobKind::Start => self.begin_start(&job.unit),
            JobKind::Stop => self.begin_stop(&job.unit),
            JobKind::Reload => match self.entry(&job.unit) {
                Some(entry) if entry.is_active() && entry.service().is_some() => {
                    self.serve(&job.unit, Event::Reload);
                    None
                }
                Some(entry) if entry.is_active() => Some(JobResult::Done),
                Some(_) | None => Some(JobResult::Failed),
            },
            JobKind::Restart => match self.begin_stop(&job.unit) {
                Some(JobResult::Done) => {
                    self.turn_into_start(job.id);
                    self.begin_start(&job.unit)
                }
                other => other,
            },
        };
        match ended {
            // Nothing had to be done, or nothing could be.
            Some(result) => self.conclude(job.id, result, false),
            None => self.settle(&job.unit),
        }
    }

    fn is_going_down(&self, name: &UnitName) -> bool {
        self.entry(name).is_some_and(|entry| entry.active() == "deactivating")
    }

    fn turn_into_start(&mut self, id: JobId) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.kind = JobKind::Start;
        }
    }

    /// Whether a job has to wait for another.
    fn has_to_wait(&self, job: &Job) -> bool {
        let Some(unit) = self.entries.get(&job.unit).map(|entry| &entry.unit) else { return false };
        self.jobs.values().any(|other| {
            let Some(other_unit) = self.entries.get(&other.unit).map(|entry| &entry.unit) else {
                return false;
            };
            if other.id == job.id {
                return false;
            }
            let is_after = comes_after(unit, other_unit);
            let is_before = comes_after(other_unit, unit);
            match (job.kind, other.kind) {
                (JobKind::Stop, JobKind::Stop) => is_before,
                (JobKind::Stop, JobKind::Start | JobKind::Reload | JobKind::Restart) => false,
                // What is stopped goes first, whichever way the order is.
                (JobKind::Start | JobKind::Reload | JobKind::Restart, JobKind::Stop) => is_after || is_before,
                (
                    JobKind::Start | JobKind::Reload | JobKind::Restart,
                    JobKind::Start | JobKind::Reload | JobKind::Restart,
                ) => is_after && !(is_before && other.id > job.id),
            }
        })
    }

    /// Looks whether the job of a unit has come to its end.
    pub(super) fn settle(&mut self, name: &UnitName) {
        let Some(job) = self.jobs.values().find(|job| job.unit == *name && job.is_running).cloned() else {
            return;
        };
        let Some(Life::Service(service)) = self.entries.get(name).map(|entry| &entry.life) else { return };
        let (state, outcome, reload_outcome) = (service.state, service.outcome, service.reload_outcome);
        let result = match (job.kind, state) {
            // A oneshot is dead again when it has done its work.
            (JobKind::Start, State::Running | State::Exited | State::Reload | State::Dead)
            | (JobKind::Stop, State::Dead | State::Failed) => Some(JobResult::Done),
            (JobKind::Start, State::Failed) => Some(JobResult::Failed),
            (JobKind::Start, State::AutoRestart) => {
                (outcome != Outcome::Success).then_some(JobResult::Failed)
            }
            (JobKind::Restart, State::Dead | State::Failed | State::AutoRestart) => {
                self.turn_into_start(job.id);
                match self.begin_start(name) {
                    Some(result) => Some(result),
                    None => return self.settle(name),
                }
            }
            (JobKind::Reload, state) if state != State::Reload => {
                let is_well = reload_outcome == Outcome::Success;
                Some(if is_well { JobResult::Done } else { JobResult::Failed })
            }
            (JobKind::Start | JobKind::Stop | JobKind::Restart | JobKind::Reload, _) => None,
        };
        if let Some(result) = result {
            self.finish(job.id, result);
        }
    }

    fn finish(&mut self, id: JobId, result: JobResult) {
        self.conclude(id, result, true);
    }

    fn conclude(&mut self, id: JobId, result: JobResult, is_told: bool) {
        let Some(job) = self.jobs.remove(&id) else { return };
        let unit = self.entries.get(&job.unit).map(|entry| std::sync::Arc::clone(&entry.unit));
        if let Some(unit) = unit.filter(|_| is_told) {
            let is_service = matches!(unit.kind, Kind::Service(_));
            let text = match (job.kind, result) {
                (JobKind::Start, JobResult::Done) if is_service => match self.entries.get(&job.unit) {
                    Some(entry) if entry.is_active() => Some(format!("Started {}.", shown(&unit))),
                    Some(_) | None => Some(format!("Finished {}.", shown(&unit))),
                },
                (JobKind::Start, JobResult::Failed) => Some(format!("Failed to start {}.", shown(&unit))),
                (JobKind::Start, JobResult::Dependency) => {
                    Some(format!("Dependency failed for {}.", shown(&unit)))
                }
                (JobKind::Stop, JobResult::Done) if is_service => Some(format!("Stopped {}.", shown(&unit))),
                (JobKind::Reload, JobResult::Done) => Some(format!("Reloaded {}.", shown(&unit))),
                (JobKind::Reload, JobResult::Failed) => Some(format!("Reload failed for {}.", shown(&unit))),
                (JobKind::Start | JobKind::Stop | JobKind::Reload | JobKind::Restart, _) => None,
            };
            self.actions.extend(text.map(|text| Action::Log(job.unit.clone(), text)));
        }
        self.results.insert(id, (job.unit.clone(), job.kind, result));
        while self.results.len() > RESULTS_MAX {
            self.results.pop_first();
        }
        if matches!(job.kind, JobKind::Start | JobKind::Restart) && result != JobResult::Done {
            self.fail_dependants(&job.unit);
        }
    }

    /// Those that need a unit cannot start without it.
    fn fail_dependants(&mut self, name: &UnitName) {
        let dependants: Vec<JobId> = self
            .jobs
            .values()
            .filter(|job| !job.is_running && matches!(job.kind, JobKind::Start | JobKind::Restart))
            .filter(|job| {
                self.entries
                    .get(&job.unit)
                    .is_some_and(|entry| entry.unit.needed().any(|other| other == name))
            })
            .map(|job| job.id)
            .collect();
        for id in dependants {
            self.finish(id, JobResult::Dependency);
        }
    }
}

fn loadable(name: &UnitName, unit: &Unit) -> Result<(), RequestError> {
    if name.is_template() {
        return Err(RequestError::MissingInstance(name.clone()));
    }
    match unit.load {
        LoadState::Loaded => Ok(()),
        LoadState::NotFound => Err(RequestError::NotFound(name.clone())),
        LoadState::Masked => Err(RequestError::Masked(name.clone())),
        LoadState::BadSetting => Err(RequestError::BadSetting(name.clone())),
    }
}

/// Whether a unit can be told to read its configuration again.
pub(crate) fn can_reload(unit: &Unit) -> bool {
    match &unit.kind {
        Kind::Service(service) => {
            !service.reload.is_empty()
                || service.service_type == crate::services::service::config::ServiceType::NotifyReload
        }
        Kind::Provided => true,
        Kind::Timer(_) | Kind::Socket(_) | Kind::Target => false,
    }
}

fn comes_after(unit: &Unit, other: &Unit) -> bool {
    let names = |set: &std::collections::BTreeSet<UnitName>, unit: &Unit| {
        set.contains(&unit.name) || unit.aliases.iter().any(|alias| set.contains(alias))
    };
    names(&unit.after, other) || names(&other.before, unit)
}
