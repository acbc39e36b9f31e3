//! Actions that charms have, and what became of those that were run: `actions`, `show-action`,
//! `operations`, `show-operation`, `show-task`, `cancel-task`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charmproof_agent::state::application_of;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Context, operations};
use crate::actions::ActionSpec;
use crate::controller::Held;
use crate::controller::data::{ModelData, OperationData, TaskData, TaskKind, TaskStatus};
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::view::operation::{
    ActionCallView, OperationRow, OperationTaskView, OperationTimingView, OperationView, write_list,
    write_part, write_task,
};
use crate::view::time::Times;
use crate::view::{action, to_yaml};

/// How many operations a list has when nothing is said (state/operation.go).
const OPERATIONS_MAX: usize = 50;

/// Returns the actions of an application's charm.
fn actions_of(
    context: &Context<'_>,
    application: &str,
) -> Result<BTreeMap<String, ActionSpec>, CommandError> {
    let uuid = context.model()?;
    let (digest, name) = context.look(&uuid, |model| {
        let application = super::units::application(model, application)?;
        let charm = &model.applications[&application].charm;
        Ok((charm.digest.clone(), charm.name.clone()))
    })?;
    Ok(crate::charms::actions(context.controller.folder(), &digest, &name))
}

/// `actions`
pub(super) fn actions(context: &mut Context<'_>) -> CommandResult {
    let application = context.word(0).to_owned();
    let actions = actions_of(context, &application)?;
    if context.parsed.is_set("schema") {
        let schemas: BTreeMap<&String, &Value> =
            actions.iter().map(|(name, spec)| (name, &spec.parameters)).collect();
        context.show(&schemas, |_| to_yaml(&schemas));
        return Ok(());
    }
    let list: action::ActionListView =
        actions.into_iter().map(|(name, spec)| (name, action::description(&spec.description))).collect();
    if list.is_empty() && !context.parsed.is_for_machines() {
        context.say(&format!("No actions defined for {application}."));
        return Ok(());
    }
    context.show(&list, |_| action::write_list(&list));
    Ok(())
}

/// `show-action`
pub(super) fn show_action(context: &mut Context<'_>) -> CommandResult {
    let (application, name) = (context.word(0).to_owned(), context.word(1).to_owned());
    let actions = actions_of(context, &application)?;
    let Some(spec) = actions.get(&name) else {
        context.say(&format!("unknown action {}", quote(&name)));
        return Err(CommandError::Silent(1));
    };
    let text = action::write_action(&spec.description, &spec.parameters);
    context.session.print(&text);
    Ok(())
}

impl OperationData {
    /// Returns the tasks, each with its number.
    fn tasks_in<'a>(&'a self, model: &'a ModelData) -> impl Iterator<Item = (u64, &'a TaskData)> {
        self.tasks.iter().filter_map(|id| Some((*id, model.tasks.get(id)?)))
    }

    /// Returns how far it is, which its tasks tell (state/operation.go, `Status`).
    fn status(&self, model: &ModelData) -> &'static str {
        use TaskStatus::{Aborted, Cancelled, Completed, Failed, Pending, Running};
        let of_tasks: Vec<TaskStatus> = self.tasks_in(model).map(|(_, task)| task.status).collect();
        if of_tasks.is_empty() {
            return "error";
        }
        if of_tasks.iter().all(|status| status.is_over()) {
            let worst = [Failed, Cancelled, Completed].into_iter().find(|status| of_tasks.contains(status));
            return match worst {
                // What could not be asked for at all is an error of the whole.
                Some(Completed) if !self.failures.is_empty() => "error",
                Some(worst) => worst.into(),
                None => Aborted.into(),
            };
        }
        let has_begun = of_tasks.iter().any(|status| !matches!(status, Pending | Cancelled));
        if has_begun { Running.into() } else { Pending.into() }
    }

    fn started(&self, model: &ModelData) -> Option<Timestamp> {
        self.tasks_in(model).filter_map(|(_, task)| task.started).min()
    }

    fn completed(&self, model: &ModelData) -> Option<Timestamp> {
        let is_over = self.tasks_in(model).all(|(_, task)| task.status.is_over());
        self.tasks_in(model).filter_map(|(_, task)| task.completed).max().filter(|_| is_over)
    }

    /// Returns why parts of it could not be asked for.
    fn fail(&self) -> String {
        if self.failures.is_empty() {
            return String::new();
        }
        let reasons: Vec<&str> = self.failures.iter().map(|(_, why)| why.as_str()).collect();
        format!("error(s) enqueueing action(s): {}", reasons.join(", "))
    }
}

/// Returns what is shown of an operation; results and logs only where they are wanted.
fn operation_view(
    model: &ModelData,
    operation: &OperationData,
    times: &Times,
    is_whole: bool,
) -> OperationView {
    let timing = |enqueued: Timestamp, started: Option<Timestamp>, completed: Option<Timestamp>| {
        let text = |at: Option<Timestamp>| at.map(|at| operations::task_time(times, at)).unwrap_or_default();
        OperationTimingView {
            enqueued: text(Some(enqueued)),
            started: text(started),
            completed: text(completed),
        }
    };
    let calls: Vec<ActionCallView> = operation.tasks_in(model).map(|(_, task)| call(task)).collect();
    let is_one = calls.windows(2).all(|two| two[0] == two[1]);
    let tasks = operation.tasks_in(model).map(|(id, task)| {
        let view = OperationTaskView {
            name: if is_one { String::new() } else { task.action().to_owned() },
            host: task.receiver.clone(),
            status: <&str>::from(task.status).to_owned(),
            timing: timing(task.enqueued, task.started, task.completed),
            log: if is_whole { operations::log_lines(task, times) } else { Vec::new() },
            message: task.message.clone(),
            results: if is_whole { task.shown_results().into_iter().collect() } else { BTreeMap::new() },
        };
        (id.to_string(), view)
    });
    OperationView {
        summary: operation.summary.clone(),
        status: operation.status(model).to_owned(),
        fail: operation.fail(),
        error: String::new(),
        timing: timing(operation.enqueued, operation.started(model), operation.completed(model)),
        tasks: tasks.collect(),
        action: calls.into_iter().next().filter(|_| is_one),
    }
}

/// Returns what a task runs, and with what.
fn call(task: &TaskData) -> ActionCallView {
    let parameters = match &task.kind {
        TaskKind::Action { parameters, .. } => parameters.clone(),
        TaskKind::Exec { commands } => Map::from_iter([
            ("command".to_owned(), Value::from(commands.as_str())),
            ("timeout".to_owned(), Value::from(operations::EXEC_WAIT.as_nanos() as u64)),
            ("workload-context".to_owned(), Value::from(false)),
        ]),
    };
    ActionCallView { name: task.action().to_owned(), parameters: parameters.into_iter().collect() }
}

/// What a list of operations is restricted to.
struct Filter {
    actions: BTreeSet<String>,
    /// Units and machines; `None` for all.
    receivers: Option<BTreeSet<String>>,
    statuses: BTreeSet<String>,
}

impl Filter {
    /// Reads it from the flags. `None` if an application is not there, so that nothing matches.
    fn of(context: &Context<'_>, model: &ModelData) -> Option<Self> {
        let list = |flag: &str| -> BTreeSet<String> {
            context.parsed.list(flag).into_iter().map(str::to_owned).collect()
        };
        let (actions, mut receivers) = (list("actions"), list("units"));
        receivers.extend(list("machines"));
        let mut applications = list("applications");
        if actions.is_empty() && receivers.is_empty() && applications.is_empty() {
            // Juju asks for the units of all applications then, so that of a model which has some, tasks of
            // machines are not listed.
            applications = model.applications.keys().map(ToString::to_string).collect();
        }
        if applications.iter().any(|name| !model.applications.contains_key(name.as_str())) {
            return None;
        }
        let of_applications = model.units.keys().filter(|unit| applications.contains(application_of(unit)));
        receivers.extend(of_applications.map(ToString::to_string));
        let is_narrow = !receivers.is_empty();
        Some(Self { actions, receivers: is_narrow.then_some(receivers), statuses: list("status") })
    }

    fn takes(&self, task: &TaskData) -> bool {
        (self.actions.is_empty() || self.actions.contains(task.action()))
            && self.receivers.as_ref().is_none_or(|receivers| receivers.contains(&task.receiver))
    }
}

/// `operations`
pub(super) fn operations(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let times = context.times();
    let count_of = |flag: &str| {
        context.parsed.number(flag).and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
    };
    let (offset, limit) = (count_of("offset"), count_of("limit"));
    let limit = if limit == 0 { OPERATIONS_MAX } else { limit };
    let (views, rows, is_cut) = context.look(&uuid, |model| {
        let Some(filter) = Filter::of(context, model) else {
            return Ok((BTreeMap::new(), Vec::new(), false));
        };
        let matching: Vec<(u64, OperationData)> = model
            .operations
            .iter()
            .filter_map(|(id, operation)| {
                let tasks: Vec<u64> = operation
                    .tasks_in(model)
                    .filter(|(_, task)| filter.takes(task))
                    .map(|(id, _)| id)
                    .collect();
                let is_wanted = !tasks.is_empty()
                    && (filter.statuses.is_empty() || filter.statuses.contains(operation.status(model)));
                is_wanted.then(|| (*id, OperationData { tasks, ..operation.clone() }))
            })
            .collect();
        let is_cut = matching.len() > offset + limit;
        let shown: Vec<(u64, OperationData)> = matching.into_iter().skip(offset).take(limit).collect();
        let rows: Vec<OperationRow> = shown.iter().map(|(id, shown)| row(model, *id, shown)).collect();
        let views: BTreeMap<String, OperationView> = shown
            .iter()
            .map(|(id, operation)| (id.to_string(), operation_view(model, operation, &times, false)))
            .collect();
        Ok((views, rows, is_cut))
    })?;
    if rows.is_empty() {
        context.say("no matching operations");
        return Ok(());
    }
    context.show(&views, |_| {
        let part = if offset > 0 || is_cut {
            write_part(offset, rows.len(), is_cut.then_some(limit))
        } else {
            String::new()
        };
        part + &write_list(&rows, &times)
    });
    Ok(())
}

fn row(model: &ModelData, id: u64, operation: &OperationData) -> OperationRow {
    OperationRow {
        id: id.to_string(),
        status: operation.status(model).to_owned(),
        started: operation.started(model),
        finished: operation.completed(model),
        tasks: operation.tasks.iter().map(ToString::to_string).collect(),
        summary: operation.summary.clone(),
    }
}

/// How long a command waits for results: not at all, for a time, or for ever.
enum Patience {
    None,
    For(Duration),
    Endless,
}

impl Patience {
    fn of(context: &Context<'_>) -> Self {
        if context.parsed.is_set("watch") {
            return Self::Endless;
        }
        match context.parsed.duration("wait") {
            None => Self::None,
            Some(wait) if wait.is_negative() => Self::None,
            Some(wait) if wait.is_zero() => Self::Endless,
            Some(wait) => Self::For(wait.try_into().unwrap_or(Duration::MAX)),
        }
    }
}

/// `show-operation`
pub(super) fn show_operation(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let word = context.word(0).to_owned();
    let id: u64 = word.parse().unwrap_or_default();
    let is_pending = |held: &Held| {
        let model = held.model(&uuid)?;
        let status = model.operations.get(&id)?.status(model);
        matches!(status, "pending" | "running").then_some(())
    };
    if wait(context, |held| is_pending(held).is_none())? == Waited::InVain {
        return Err(CommandError::failed("timeout reached"));
    }
    let times = context.times();
    let view = context.look(&uuid, |model| {
        let operation = model.operations.get(&id);
        let operation =
            operation.ok_or_else(|| CommandError::failed(format!("operation {word} not found")))?;
        Ok(operation_view(model, operation, &times, true))
    })?;
    context.show(&view, |_| to_yaml(&view));
    Ok(())
}

/// What became of waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    /// It is so.
    Well,
    /// The time was over before.
    InVain,
}

/// Waits as long as the flags say, or until it is so.
fn wait(context: &Context<'_>, is_so: impl Fn(&Held) -> bool) -> Result<Waited, CommandError> {
    let timeout = match Patience::of(context) {
        Patience::None => return Ok(Waited::Well),
        Patience::For(time) => Some(time),
        Patience::Endless => None,
    };
    let done = context.wait_until(timeout, |held| is_so(held).then_some(()))?;
    Ok(if done.is_some() { Waited::Well } else { Waited::InVain })
}

/// `show-task`
pub(super) fn show_task(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let id: u64 = context.word(0).parse().unwrap_or_default();
    let times = context.times();
    let timeout = match Patience::of(context) {
        Patience::None => Some(Duration::ZERO),
        Patience::For(time) => Some(time),
        Patience::Endless => None,
    };
    let is_over = |held: &Held| {
        let task = held.model(&uuid).and_then(|model| model.tasks.get(&id));
        task.is_none_or(|task| !matches!(task.status, TaskStatus::Pending | TaskStatus::Running))
    };
    if timeout != Some(Duration::ZERO) && !context.controller.look(is_over) {
        let followed = operations::follow(context, &uuid, id, timeout, true)?;
        if followed.has_logged {
            context.session.say("");
        }
        if !followed.is_over {
            return Err(CommandError::failed("maximum wait time reached"));
        }
    }
    let view = context.look(&uuid, |model| {
        let task = model.tasks.get(&id).ok_or_else(|| CommandError::failed("id not found"))?;
        Ok(operations::view(id, task, &times))
    })?;
    context.show(&view, |is_coloured| write_task(&view, is_coloured));
    Ok(())
}

/// `cancel-task`
pub(super) fn cancel_task(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let ids = context.parsed.positionals.clone();
    if ids.is_empty() {
        return Err(CommandError::failed("no task IDs specified"));
    }
    let views = context.change(&uuid, |model| {
        let cancelled = ids.iter().map(|word| {
            let id: u64 = word.parse().unwrap_or_default();
            let is_known = model.cancel_task(id);
            let task = model.tasks.get(&id).filter(|_| is_known);
            let error = task.is_none().then(|| format!("action {} not found", quote(word)));
            let completed = task.and_then(|task| task.completed);
            let text = |text: Option<&str>| json!(text.unwrap_or_default());
            let mut view = BTreeMap::from([
                ("action", text(task.map(TaskData::action))),
                ("completed at", json!(completed.map_or_else(|| "n/a".to_owned(), date_and_time))),
                ("id", json!(word)),
                ("status", text(task.map(|task| task.status.into()))),
                ("unit", text(task.map(|task| task.receiver.as_str()))),
            ]);
            if let Some(error) = error {
                view.insert("error", json!(error));
            }
            view
        });
        Ok(cancelled.collect::<Vec<_>>())
    })?;
    let document = BTreeMap::from([("actions", views)]);
    context.show(&document, |_| to_yaml(&document));
    Ok(())
}

fn date_and_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
