//! Operations of the user: actions, and commands in the context of a unit.

use charmproof_agent::state::HookEffects;
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::{EXEC_ACTION, Stimulus};
use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::data::{ModelData, OperationData, TaskData, TaskKind, TaskStatus};
use super::hook::Done;
use crate::hosting::Ended;

impl ModelData {
    /// Returns the number of a new operation.
    pub fn add_operation(&mut self, summary: impl Into<String>) -> u64 {
        self.last_task += 1;
        let operation = OperationData {
            summary: summary.into(),
            tasks: Vec::new(),
            failures: Vec::new(),
            enqueued: Timestamp::now(),
        };
        self.operations.insert(self.last_task, operation);
        self.last_task
    }

    /// Asks a unit to do something, as part of an operation. Returns the number of the task.
    pub fn add_task(&mut self, operation: u64, unit: &Name, kind: TaskKind) -> u64 {
        self.last_task += 1;
        let id = self.last_task;
        if let Some(operation) = self.operations.get_mut(&operation) {
            operation.tasks.push(id);
        }
        self.tasks.insert(id, new(operation, unit.as_str(), true, kind));
        self.enqueue(unit, id);
        id
    }

    /// Lets a task of a unit wait for its turn.
    pub(super) fn enqueue(&mut self, unit: &Name, id: u64) {
        let Some(task) = self.tasks.get(&id) else { return };
        let action: Name = match &task.kind {
            TaskKind::Action { name, .. } => name.as_str().into(),
            TaskKind::Exec { .. } => EXEC_ACTION.into(),
        };
        match self.poke(&Target::Unit(unit.clone()), &Stimulus::ActionRuns { action }) {
            Ok(_) => {
                if let Some(data) = self.units.get_mut(unit) {
                    data.actions.push_back(id);
                }
            }
            // The charm has no such action, or the unit is gone by now.
            Err(error) => {
                if let Some(task) = self.tasks.get_mut(&id) {
                    task.fail(&error.to_string());
                }
            }
        }
    }

    /// Ends what a unit that is no more was still to do (state/cleanup.go, `cleanupRemovedUnit`).
    pub(super) fn cancel_tasks_of(&mut self, unit: &Name) {
        let own = self.tasks.values_mut().filter(|task| task.is_unit && task.receiver == unit.as_str());
        for task in own.filter(|task| !task.status.is_over()) {
            task.status = TaskStatus::Cancelled;
            "unit removed".clone_into(&mut task.message);
            task.completed = Some(Timestamp::now());
        }
    }

    /// Cancels a task: one that waits is over, one that runs is told to end. One that is over stays as
    /// it is. Returns whether there is such a task.
    pub fn cancel_task(&mut self, id: u64) -> bool {
        let Some(task) = self.tasks.get_mut(&id) else { return false };
        match task.status {
            TaskStatus::Pending => {
                task.status = TaskStatus::Cancelled;
                "action cancelled via the API".clone_into(&mut task.message);
                task.completed = Some(Timestamp::now());
                let (unit, action) = (Name::from(task.receiver.as_str()), task.action().to_owned());
                if let Some(data) = self.units.get_mut(&unit) {
                    data.actions.retain(|waiting| *waiting != id);
                    // One that the unit has taken up in this moment finds no task, and runs nothing.
                    let _ = self.lifecycle.forget_action(&unit, &action);
                }
            }
            TaskStatus::Running => task.status = TaskStatus::Aborting,
            TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled
            | TaskStatus::Aborting
            | TaskStatus::Aborted => {}
        }
        true
    }

    /// Notes a task of a machine, which somebody else runs. Returns its number.
    pub fn add_machine_task(&mut self, operation: u64, machine: &str, kind: TaskKind) -> u64 {
        self.last_task += 1;
        let id = self.last_task;
        if let Some(operation) = self.operations.get_mut(&operation) {
            operation.tasks.push(id);
        }
        self.tasks.insert(id, new(operation, machine, false, kind));
        id
    }
}

pub(super) fn new(operation: u64, receiver: &str, is_unit: bool, kind: TaskKind) -> TaskData {
    TaskData {
        operation,
        receiver: receiver.to_owned(),
        is_unit,
        kind,
        status: TaskStatus::Pending,
        message: String::new(),
        results: Map::new(),
        return_code: None,
        stdout: String::new(),
        stderr: String::new(),
        log: Vec::new(),
        about: None,
        enqueued: Timestamp::now(),
        started: None,
        completed: None,
    }
}

/// Ends the task that an action is.
pub(super) fn end_action(model: &mut ModelData, task: u64, effects: &HookEffects, done: Option<&Done>) {
    let Some(data) = model.tasks.get_mut(&task) else { return };
    let is_aborting = data.status == TaskStatus::Aborting;
    end(data, done);
    if let Some(outcome) = &effects.action {
        data.results = outcome.results.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(failure) = &outcome.failure {
            data.status = TaskStatus::Failed;
            data.message.clone_from(failure);
        }
    }
    // Commands of a person that fail are completed, with their exit code.
    let is_action = matches!(data.kind, TaskKind::Action { .. });
    if let Some(code) = data.return_code.filter(|code| *code != 0 && is_action) {
        data.status = TaskStatus::Failed;
        if data.message.is_empty() {
            data.message = format!("exit status {code}");
        }
    }
    if done.is_none_or(|done| done.ended.is_none()) && data.message.is_empty() {
        data.status = TaskStatus::Failed;
        data.message = format!("action not implemented on unit \"{}\"", data.receiver);
    }
    // It may have ended well before it was told to (worker/uniter/runner/context, `finalizeAction`).
    if is_aborting && (data.status == TaskStatus::Failed || data.return_code != Some(0)) {
        data.status = TaskStatus::Aborted;
        "terminated".clone_into(&mut data.message);
    }
}

/// Ends a task with what its process has left.
pub(crate) fn end(data: &mut TaskData, done: Option<&Done>) {
    data.status = TaskStatus::Completed;
    data.completed = Some(Timestamp::now());
    let Some(done) = done else { return };
    data.return_code = done.ended.map(Ended::code);
    data.stdout.clone_from(&done.stdout);
    data.stderr.clone_from(&done.stderr);
}

impl TaskData {
    /// Ends it without a result.
    pub(crate) fn fail(&mut self, message: &str) {
        self.status = TaskStatus::Failed;
        message.clone_into(&mut self.message);
        self.completed = Some(Timestamp::now());
    }

    /// Ends it because somebody wanted it to.
    pub(crate) fn abort(&mut self) {
        self.status = TaskStatus::Aborted;
        self.completed = Some(Timestamp::now());
    }

    /// Returns what it runs, as operations call it.
    pub fn action(&self) -> &str {
        match &self.kind {
            TaskKind::Action { name, .. } => name,
            TaskKind::Exec { .. } => EXEC_ACTION,
        }
    }

    /// Returns what `juju run` and `juju exec` show as results.
    pub fn shown_results(&self) -> Map<String, Value> {
        let mut results = self.results.clone();
        if let Some(code) = self.return_code {
            results.insert("return-code".to_owned(), code.into());
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                results.insert(name.to_owned(), text.as_str().into());
            }
        }
        results
    }
}
