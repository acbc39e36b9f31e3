//! Changes and their tasks: what was asked for, how far it is, and what went wrong.
//!
//! Pure bookkeeping. Who does the tasks is in `core`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::notices::{NoticeKind, Notices, Occurrence};

/// Lines of a task's log that are kept.
const LOG_LINES: usize = 10;
/// Finished changes that are kept.
const CHANGES: usize = 500;

/// How far a change or a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub(crate) enum Status {
    Do,
    Doing,
    Done,
    Abort,
    Hold,
    Error,
}

impl Status {
    pub(crate) fn is_ready(self) -> bool {
        match self {
            Self::Done | Self::Hold | Self::Error => true,
            Self::Do | Self::Doing | Self::Abort => false,
        }
    }
}

/// What a task does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    Start(String),
    Stop(String),
    Exec,
    /// A check that is made (or, if `recover`, made until it succeeds again).
    Check {
        name: String,
        recover: bool,
    },
}

impl Work {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Stop(_) => "stop",
            Self::Exec => "exec",
            Self::Check { recover: false, .. } => "perform-check",
            Self::Check { recover: true, .. } => "recover-check",
        }
    }
}

/// One task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: u64,
    pub(crate) change: u64,
    pub(crate) work: Work,
    pub(crate) summary: String,
    pub(crate) status: Status,
    pub(crate) log: Vec<String>,
    pub(crate) waits_for: Vec<u64>,
    pub(crate) spawned: Timestamp,
    pub(crate) ready: Option<Timestamp>,
    pub(crate) data: Option<Value>,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) tasks: Vec<u64>,
    pub(crate) services: Vec<String>,
    check: Option<String>,
    spawned: Timestamp,
    ready: Option<Timestamp>,
    told: Status,
}

/// All changes and tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    all: BTreeMap<u64, Change>,
    tasks: BTreeMap<u64, Task>,
    /// Tasks that have not begun, so that nobody looks through all of them.
    pending: BTreeSet<u64>,
    last_change: u64,
    last_task: u64,
}

/// A task to be added: what it does, and which of the tasks added with it (by their number) come before.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    pub(crate) work: Work,
    pub(crate) summary: String,
    pub(crate) waits_for: Vec<usize>,
}

/// A change to be added.
#[derive(Debug, Clone)]
pub(crate) struct NewChange {
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) tasks: Vec<NewTask>,
    pub(crate) services: Vec<String>,
}

impl Changes {
    /// Adds a change. One without tasks is done at once.
    pub(crate) fn add(&mut self, now: Timestamp, new: NewChange, notices: &mut Notices) -> u64 {
        self.last_change += 1;
        let id = self.last_change;
        let first = self.last_task + 1;
        let mut tasks = Vec::new();
        let mut check = None;
        for task in new.tasks {
            self.last_task += 1;
            if let Work::Check { name, .. } = &task.work {
                check = Some(name.clone());
            }
            let waits_for = task.waits_for.into_iter().map(|index| first + index as u64).collect();
            tasks.push(self.last_task);
            self.pending.insert(self.last_task);
            self.tasks.insert(
                self.last_task,
                Task {
                    id: self.last_task,
                    change: id,
                    work: task.work,
                    summary: task.summary,
                    status: Status::Do,
                    log: Vec::new(),
                    waits_for,
                    spawned: now,
                    ready: None,
                    data: None,
                },
            );
        }
        let change = Change {
            id,
            kind: new.kind,
            summary: new.summary,
            tasks,
            services: new.services,
            check,
            spawned: now,
            ready: None,
            told: Status::Do,
        };
        self.all.insert(id, change);
        self.tell(id, now, notices);
        self.observe(id, now, notices);
        self.prune();
        id
    }

    fn tell(&self, id: u64, now: Timestamp, notices: &mut Notices) {
        let Some(change) = self.all.get(&id) else { return };
        let mut data = BTreeMap::from([("kind".to_owned(), change.kind.clone())]);
        if let Some(check) = &change.check {
            data.insert("check-name".into(), check.clone());
        }
        let occurrence = Occurrence {
            user: None,
            kind: NoticeKind::ChangeUpdate,
            key: id.to_string(),
            data,
            repeat_after: std::time::Duration::ZERO,
        };
        notices.add(now, occurrence);
    }

    /// Looks at a change after one of its tasks has changed: notes when it is ready, and tells of it.
    fn observe(&mut self, id: u64, now: Timestamp, notices: &mut Notices) {
        let Some(status) = self.all.get(&id).map(|change| self.status(change)) else { return };
        let Some(change) = self.all.get_mut(&id) else { return };
        if status.is_ready() && change.ready.is_none() {
            change.ready = Some(now);
        }
        if change.told != status {
            change.told = status;
            self.tell(id, now, notices);
        }
    }

    /// Forgets the oldest finished changes when there are too many.
    fn prune(&mut self) {
        if self.all.len() <= CHANGES {
            return;
        }
        let finished: Vec<u64> =
            self.all.values().filter(|change| change.ready.is_some()).map(|change| change.id).collect();
        for id in finished.iter().take(finished.len().saturating_sub(CHANGES)) {
            for task in self.all.remove(id).into_iter().flat_map(|change| change.tasks) {
                self.tasks.remove(&task);
            }
        }
    }

    /// How far a change is: what its tasks are, the unfinished ones first.
    pub(crate) fn status(&self, change: &Change) -> Status {
        if change.tasks.is_empty() {
            return Status::Done;
        }
        let order = [Status::Abort, Status::Doing, Status::Do, Status::Error, Status::Done, Status::Hold];
        let has = |status: &Status| {
            change.tasks.iter().any(|id| self.tasks.get(id).is_some_and(|task| task.status == *status))
        };
        order.into_iter().find(has).unwrap_or(Status::Hold)
    }

    pub(crate) fn change(&self, id: u64) -> Option<&Change> {
        self.all.get(&id)
    }

    /// Returns the id in a path of the API, if there is such a change.
    pub(crate) fn find(&self, id: &str) -> Option<&Change> {
        let number: u64 = id.parse().ok()?;
        self.all.get(&number).filter(|change| change.id.to_string() == id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Change> {
        self.all.values()
    }

    pub(crate) fn task(&self, id: u64) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// Says whether a change has come to its end; one that was forgotten has.
    pub(crate) fn is_ready(&self, id: u64) -> bool {
        self.all.get(&id).is_none_or(|change| self.status(change).is_ready())
    }

    /// Returns the tasks that can begin: those for which nothing is left to wait for.
    pub(crate) fn startable(&self) -> Vec<u64> {
        let is_done = |id: &u64| self.tasks.get(id).is_none_or(|task| task.status == Status::Done);
        let can_begin = |id: &&u64| self.tasks.get(id).is_some_and(|task| task.waits_for.iter().all(is_done));
        self.pending.iter().filter(can_begin).copied().collect()
    }

    pub(crate) fn begin(&mut self, id: u64, now: Timestamp, notices: &mut Notices) {
        self.set(id, Status::Doing, now, notices);
    }

    /// Ends a task. An error is written to its log, and what waits for it is not done.
    pub(crate) fn end(&mut self, id: u64, result: Result<(), String>, now: Timestamp, notices: &mut Notices) {
        let status = match result {
            Ok(()) => Status::Done,
            Err(message) => {
                self.log(id, "ERROR", &message, now);
                Status::Error
            }
        };
        if status == Status::Error {
            let mut failed = vec![id];
            while let Some(failed_id) = failed.pop() {
                let waiting: Vec<u64> = self
                    .tasks
                    .values()
                    .filter(|task| task.status == Status::Do && task.waits_for.contains(&failed_id))
                    .map(|task| task.id)
                    .collect();
                for id in waiting {
                    self.set(id, Status::Hold, now, notices);
                    failed.push(id);
                }
            }
        }
        self.set(id, status, now, notices);
    }

    fn set(&mut self, id: u64, status: Status, now: Timestamp, notices: &mut Notices) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.status = status;
        if status != Status::Do {
            self.pending.remove(&id);
        }
        if status.is_ready() {
            task.ready = Some(now);
        }
        let change = task.change;
        self.observe(change, now, notices);
    }

    /// Gives up a change: what has not begun is held, and what is under way is returned, to be stopped.
    pub(crate) fn abort(&mut self, id: u64, now: Timestamp, notices: &mut Notices) -> Vec<u64> {
        let tasks = self.all.get(&id).map(|change| change.tasks.clone()).unwrap_or_default();
        let mut under_way = Vec::new();
        for id in tasks {
            match self.tasks.get(&id).map(|task| task.status) {
                Some(Status::Do) => self.set(id, Status::Hold, now, notices),
                Some(Status::Doing) => {
                    self.set(id, Status::Abort, now, notices);
                    under_way.push(id);
                }
                Some(Status::Done | Status::Abort | Status::Hold | Status::Error) | None => {}
            }
        }
        under_way
    }

    /// Adds a line to a task's log, under `INFO` or `ERROR`.
    pub(crate) fn log(&mut self, id: u64, kind: &str, message: &str, now: Timestamp) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.log.len() >= LOG_LINES {
            task.log.remove(0);
        }
        let time = now.strftime("%Y-%m-%dT%H:%M:%SZ");
        task.log.push(format!("{time} {kind} {message}"));
    }

    pub(crate) fn set_data(&mut self, id: u64, data: Value) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.data = Some(data);
        }
    }

    /// What went wrong in a change, as Pebble puts it.
    pub(crate) fn error(&self, change: &Change) -> Option<String> {
        if self.status(change) != Status::Error {
            return None;
        }
        let mut message = String::from("cannot perform the following tasks:");
        for task in change.tasks.iter().filter_map(|id| self.tasks.get(id)) {
            for line in task.log.iter().filter(|_| task.status == Status::Error) {
                if let Some(error) = line.split_once(' ').and_then(|(_, rest)| rest.strip_prefix("ERROR ")) {
                    message.push_str(&format!("\n- {} ({error})", task.summary));
                }
            }
        }
        Some(message)
    }

    /// The change as the API has it.
    pub(crate) fn to_json(&self, change: &Change) -> Value {
        let status = self.status(change);
        let mut value = json!({
            "id": change.id.to_string(),
            "kind": change.kind,
            "summary": change.summary,
            "status": status.to_string(),
            "ready": status.is_ready(),
            "spawn-time": change.spawned.to_string(),
        });
        let tasks: Vec<Value> =
            change.tasks.iter().filter_map(|id| self.tasks.get(id)).map(task_to_json).collect();
        if !tasks.is_empty() {
            value["tasks"] = Value::Array(tasks);
        }
        if let Some(ready) = change.ready {
            value["ready-time"] = json!(ready.to_string());
        }
        if let Some(error) = self.error(change) {
            value["err"] = json!(error);
        }
        value
    }
}

fn task_to_json(task: &Task) -> Value {
    let done = u8::from(task.status != Status::Do);
    let mut value = json!({
        "id": task.id.to_string(),
        "kind": task.work.kind(),
        "summary": task.summary,
        "status": task.status.to_string(),
        "progress": {"label": "", "done": done, "total": 1},
        "spawn-time": task.spawned.to_string(),
    });
    if !task.log.is_empty() {
        value["log"] = json!(task.log);
    }
    if let Some(ready) = task.ready {
        value["ready-time"] = json!(ready.to_string());
    }
    if let Some(data) = &task.data {
        value["data"] = data.clone();
    }
    value
}
