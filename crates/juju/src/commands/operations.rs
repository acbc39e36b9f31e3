//! Actions and commands in units: `run` and `exec`.

use std::collections::BTreeMap;
use std::time::Duration;

use charmproof_lifecycle::vocabulary::Name;
use serde_json::{Map, Value};

use super::{Context, failed};
use crate::actions::{ActionSpec, RunArguments, command_of_words, undefined_action};
use crate::controller::data::{ModelData, TaskData, TaskKind};
use crate::names::UnitOrLeader;
use crate::session::{CommandError, CommandResult};
use crate::view::task::{TaskResultView, TaskResultsView, TimingView, write_exec, write_run};
use crate::view::time::Times;

/// How long is waited for actions, and for commands, when nothing is said.
const RUN_WAIT: Duration = Duration::from_mins(1);
const EXEC_WAIT: Duration = Duration::from_mins(5);

/// `run`
pub(super) fn run(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let Some(asked) = RunArguments::parse(&context.parsed.positionals) else {
        return Err(CommandError::Usage("no action specified".to_owned()));
    };
    let receivers: Vec<String> = asked
        .units
        .iter()
        .map(|unit| match unit {
            UnitOrLeader::Unit { application, ordinal } => format!("{application}/{ordinal}"),
            UnitOrLeader::Leader { application } => format!("{application}/leader"),
        })
        .collect();
    let file = match context.parsed.text("params").filter(|file| !file.is_empty()) {
        Some(file) => Some(fs_err::read_to_string(context.session.path(file)).map_err(failed)?),
        None => None,
    };
    let parameters =
        asked.parameters(file.as_deref(), context.parsed.is_set("string-args")).map_err(failed)?;
    let action = asked.action.as_str();
    let declared = declared(context, &uuid, &receivers);
    let background = context.parsed.is_set("background");
    let wait = wait_of(context, RUN_WAIT);
    let operation =
        context.change(&uuid, |model| Ok(schedule(model, action, &receivers, &parameters, &declared)))?;
    let (tasks, failures) = context.look(&uuid, |model| {
        let data = &model.operations[&operation];
        Ok((data.tasks.clone(), data.failures.clone()))
    })?;
    if tasks.is_empty() {
        // Juju 3 says so and ends well.
        let lines: String = failures.iter().map(|(_, why)| format!("\n- {why}")).collect();
        context.session.say(&format!("Operation {operation} failed to schedule any tasks:{lines}"));
        return Ok(());
    }
    announce(context, &uuid, operation, &tasks, background)?;
    if background {
        return Ok(());
    }
    finish(context, &uuid, &tasks, wait, true)
}

/// Returns how long is waited: what was said, or what is usual.
fn wait_of(context: &Context<'_>, usual: Duration) -> Duration {
    let said = context.parsed.duration("wait").filter(|_| context.parsed.was_given("wait"));
    said.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or(usual)
}

/// What the charms of units declare, by the digest of the charm.
type Declared = BTreeMap<String, BTreeMap<String, ActionSpec>>;

/// Reads what the charms of receivers declare.
fn declared(context: &Context<'_>, uuid: &str, receivers: &[String]) -> Declared {
    let charms: Vec<(String, String)> = context.controller.look(|held| {
        let Some(model) = held.model(uuid) else { return Vec::new() };
        let names = receivers.iter().map(|name| charmproof_agent::state::application_of(name));
        let charms = names.filter_map(|name| model.applications.get(name));
        charms.map(|data| (data.charm.digest.clone(), data.charm.name.clone())).collect()
    });
    let folder = context.controller.folder();
    charms
        .into_iter()
        .map(|(digest, name)| (digest.clone(), crate::charms::actions(folder, &digest, &name)))
        .collect()
}

/// Asks units to run an action.
fn schedule(
    model: &mut ModelData,
    action: &str,
    receivers: &[String],
    parameters: &Map<String, Value>,
    declared: &Declared,
) -> u64 {
    let operation = model.add_operation(format!("{action} run on {}", receivers.join(",")));
    for receiver in receivers {
        match ready(model, action, receiver, parameters, declared) {
            Ok((unit, parameters)) => {
                model.add_task(operation, &unit, TaskKind::Action { name: action.to_owned(), parameters });
            }
            Err(why) => {
                if let Some(operation) = model.operations.get_mut(&operation) {
                    operation.failures.push((receiver.clone(), why));
                }
            }
        }
    }
    operation
}

/// Returns the unit and the parameters, if the unit has such an action.
fn ready(
    model: &ModelData,
    action: &str,
    receiver: &str,
    parameters: &Map<String, Value>,
    declared: &Declared,
) -> Result<(Name, Map<String, Value>), String> {
    let unit = super::units::unit(model, receiver).map_err(|error| error.to_string())?;
    let application = model.applications.get(charmproof_agent::state::application_of(&unit));
    let actions = application.and_then(|application| declared.get(&application.charm.digest));
    let spec = actions.and_then(|actions| actions.get(action));
    let spec = spec.ok_or_else(|| undefined_action(action, &unit))?;
    Ok((unit, spec.prepare(parameters)?))
}

/// Says what was asked for.
fn announce(
    context: &mut Context<'_>,
    uuid: &str,
    operation: u64,
    tasks: &[u64],
    background: bool,
) -> CommandResult {
    let receivers: Vec<(u64, String)> = context.look(uuid, |model| {
        Ok(tasks.iter().filter_map(|id| Some((*id, model.tasks.get(id)?.receiver.clone()))).collect())
    })?;
    if background {
        match receivers.as_slice() {
            [(task, _)] => {
                context.say(&format!("Scheduled operation {operation} with task {task}"));
                context.say(&format!("Check operation status with 'juju show-operation {operation}'"));
                context.say(&format!("Check task status with 'juju show-task {task}'"));
            }
            many => {
                context.say(&format!("Scheduled operation {operation} with {} tasks", many.len()));
                for (task, receiver) in many {
                    context.say(&format!("  - task {task} on {}", tag(receiver)));
                }
                context.say(&format!("Check operation status with 'juju show-operation {operation}'"));
                context.say("Check task status with 'juju show-task <id>'");
            }
        }
        return Ok(());
    }
    let plural = if receivers.len() == 1 { "" } else { "s" };
    context.say(&format!("Running operation {operation} with {} task{plural}", receivers.len()));
    for (task, receiver) in &receivers {
        context.say(&format!("  - task {task} on {}", tag(receiver)));
    }
    context.say("");
    Ok(())
}

fn tag(receiver: &str) -> String {
    if receiver.contains('/') {
        format!("unit-{}", receiver.replace('/', "-"))
    } else {
        format!("machine-{receiver}")
    }
}

/// Waits for tasks, and prints what became of them.
fn finish(
    context: &mut Context<'_>,
    uuid: &str,
    tasks: &[u64],
    wait: Duration,
    is_action: bool,
) -> CommandResult {
    if is_action {
        for task in tasks {
            context.say(&format!("Waiting for task {task}..."));
        }
    }
    let attention = context.session.attention.clone();
    let is_over = || attention.is_over();
    let done = context.controller.wait_until(Some(wait), &is_over, |held| {
        let model = held.model(uuid)?;
        tasks.iter().all(|id| model.tasks.get(id).is_none_or(|task| task.status.is_over())).then_some(())
    });
    if context.session.attention.is_over() {
        return Err(CommandError::Silent(1));
    }
    let times = context.times();
    let all: Vec<(u64, TaskData)> = context.look(uuid, |model| {
        Ok(tasks.iter().filter_map(|id| Some((*id, model.tasks.get(id)?.clone()))).collect())
    })?;
    if done.is_none() {
        let late: Vec<String> = all
            .iter()
            .filter(|(_, task)| !task.status.is_over())
            .map(|(_, task)| {
                if task.is_unit {
                    format!("unit {}", task.receiver)
                } else {
                    format!("machine {}", task.receiver)
                }
            })
            .collect();
        return Err(CommandError::failed(format!("timed out waiting for results from: {}", late.join(", "))));
    }
    if is_action {
        for (_, task) in &all {
            for (time, line) in &task.log {
                context.say(&format!("{} {line}", times.progress(*time)));
            }
        }
        context.say("");
    }
    let views: TaskResultsView =
        all.iter().map(|(id, task)| (task.receiver.clone(), view(*id, task, &times))).collect();
    if is_action {
        context.show(&views, |is_coloured| write_run(&views, is_coloured));
    } else {
        let is_machine_format = context.parsed.is_for_machines();
        if is_machine_format {
            context.show(&views, |_| String::new());
        } else {
            let text = write_exec(&views);
            context.session.print(&text);
        }
    }
    let failed_tasks: Vec<(u64, i32)> = all
        .iter()
        .filter_map(|(id, task)| Some((*id, task.return_code?)))
        .filter(|(_, code)| *code != 0)
        .collect();
    if failed_tasks.is_empty() {
        return Ok(());
    }
    let plural = if failed_tasks.len() == 1 { "" } else { "s" };
    let lines: String =
        failed_tasks.iter().map(|(id, code)| format!(" - id \"{id}\" with return code {code}\n")).collect();
    context.session.say(&format!(
        "ERROR the following task{plural} failed:\n{lines}\nuse 'juju show-task' to inspect the failure{}",
        if failed_tasks.len() == 1 { "" } else { "s" }
    ));
    Err(CommandError::Silent(1))
}

/// Returns what is shown of a task.
pub(super) fn view(id: u64, task: &TaskData, times: &Times) -> TaskResultView {
    let time = |at: Option<jiff::Timestamp>| at.map(|at| times.task(at)).unwrap_or_default();
    TaskResultView {
        id: id.to_string(),
        log: task.log.iter().map(|(at, line)| format!("{} {line}", times.task(*at))).collect(),
        machine: (!task.is_unit).then(|| task.receiver.clone()),
        message: task.message.clone(),
        results: task.shown_results().into_iter().collect::<BTreeMap<_, _>>(),
        status: <&str>::from(task.status).to_owned(),
        timing: Some(TimingView {
            completed: time(task.completed),
            enqueued: time(Some(task.enqueued)),
            started: time(task.started),
        }),
        unit: task.is_unit.then(|| task.receiver.clone()),
    }
}

/// `exec`
pub(super) fn exec(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let commands = command_of_words(&context.parsed.positionals);
    let list =
        |flag: &str| -> Vec<String> { context.parsed.list(flag).into_iter().map(str::to_owned).collect() };
    let (units, machines, applications) = (list("unit"), list("machine"), list("application"));
    let is_all = context.parsed.is_set("all");
    let background = context.parsed.is_set("background");
    let wait = wait_of(context, EXEC_WAIT);
    let (operation, failures) = context.change(&uuid, |model| {
        if model.is_kubernetes() && !machines.is_empty() {
            return Err(CommandError::failed("unable to target machines with a k8s controller"));
        }
        let mut receivers: Vec<Result<Name, String>> = Vec::new();
        for name in &units {
            receivers.push(super::units::unit(model, name).map_err(|error| error.to_string()));
        }
        for name in &applications {
            let application = super::units::application(model, name)?;
            receivers.extend(model.state.units_of(&application).map(|unit| Ok(unit.name.clone())));
        }
        let mut on_machines = machines.clone();
        if is_all {
            if model.is_kubernetes() {
                receivers.extend(model.units.keys().map(|unit| Ok(unit.clone())));
            } else {
                on_machines.extend(model.machines.keys().map(ToString::to_string));
            }
        }
        let operation = model.add_operation(format!(
            "run command on {}",
            units.iter().chain(&applications).chain(&on_machines).cloned().collect::<Vec<_>>().join(",")
        ));
        let mut failures = Vec::new();
        for receiver in receivers {
            match receiver {
                Ok(unit) => {
                    model.add_task(operation, &unit, TaskKind::Exec { commands: commands.clone() });
                }
                Err(why) => failures.push(why),
            }
        }
        for machine in on_machines {
            if machine.parse::<u32>().is_ok_and(|number| model.machines.contains_key(&number)) {
                model.add_machine_task(operation, &machine, TaskKind::Exec { commands: commands.clone() });
            } else {
                failures.push(format!("machine {machine} not found"));
            }
        }
        Ok((operation, failures))
    })?;
    let tasks = context.look(&uuid, |model| Ok(model.operations[&operation].tasks.clone()))?;
    if tasks.is_empty() {
        let lines: String = failures.iter().map(|why| format!("\n- {why}")).collect();
        context.session.say(&format!("Operation {operation} failed to schedule any tasks:{lines}"));
        return Ok(());
    }
    context.controller.run_machine_tasks(&uuid, &tasks);
    if background {
        return announce(context, &uuid, operation, &tasks, true);
    }
    finish(context, &uuid, &tasks, wait, false)
}
