//! Actions and commands in units: `run` and `exec`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use charmproof_lifecycle::stimulus::EXEC_ACTION;
use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Context, failed};
use crate::actions::{ActionSpec, RunArguments, command_of_words, undefined_action};
use crate::controller::data::{ModelData, TaskData, TaskKind, TaskStatus};
use crate::names::UnitOrLeader;
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::view::task::{self, TaskResultView, TaskResultsView, TimingView, write_exec, write_run};
use crate::view::time::Times;
use crate::view::to_yaml;

/// How long is waited for actions, and for commands, when nothing is said.
const RUN_WAIT: Duration = Duration::from_mins(1);
pub(super) const EXEC_WAIT: Duration = Duration::from_mins(5);

/// What an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An action of a charm: whoever waits for it is told how far it is.
    Action,
    /// Commands, of which only the results are told.
    Exec,
}

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
    let file = match context.parsed.text("params").filter(|file| !file.is_empty()).map(str::to_owned) {
        Some(file) => Some(context.session.read_text(&file)?),
        None => None,
    };
    let parameters =
        asked.parameters(file.as_deref(), context.parsed.is_set("string-args")).map_err(failed)?;
    let action = asked.action.as_str();
    let declared = declared(context, &uuid, &receivers);
    let operation =
        context.change(&uuid, |model| Ok(schedule(model, action, &receivers, &parameters, &declared)))?;
    follow_up(context, &uuid, operation, RUN_WAIT, Kind::Action)
}

/// Returns how long is waited: what was said, or what is usual. `None` is for ever.
fn wait_of(context: &Context<'_>, usual: Duration) -> Option<Duration> {
    match context.parsed.duration("wait") {
        Some(wait) if wait.is_negative() => None,
        Some(wait) if !wait.is_zero() => Duration::try_from(wait).ok(),
        Some(_) | None => Some(usual),
    }
}

/// What the charms of units declare, by the digest of the charm.
type Declared = BTreeMap<String, BTreeMap<String, ActionSpec>>;

/// Reads what the charms of receivers declare.
fn declared(context: &Context<'_>, uuid: &str, receivers: &[String]) -> Declared {
    let charms: BTreeMap<String, String> = context.controller.look(|held| {
        let Some(model) = held.model(uuid) else { return BTreeMap::new() };
        let names = receivers.iter().map(|name| charmproof_agent::state::application_of(name));
        let charms = names.filter_map(|name| model.applications.get(name));
        charms.map(|data| (data.charm.digest.clone(), data.charm.name.clone())).collect()
    });
    let folder = context.controller.folder();
    charms
        .into_iter()
        .map(|(digest, name)| {
            let actions = crate::charms::actions(folder, &digest, &name);
            (digest, actions)
        })
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
    let tags: Vec<String> = receivers.iter().map(|receiver| tag(receiver)).collect();
    let operation = model.add_operation(format!("{action} run on {}", tags.join(",")));
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
    let unit = receiving_unit(model, receiver)?;
    let application = model.applications.get(charmproof_agent::state::application_of(&unit));
    let actions = application.and_then(|application| declared.get(&application.charm.digest));
    let spec = actions.and_then(|actions| actions.get(action));
    let spec = spec.ok_or_else(|| undefined_action(action, &unit))?;
    Ok((unit, spec.prepare(parameters)?))
}

/// Returns the unit that is to run something, or what Juju says when it asks for it to be run.
fn receiving_unit(model: &ModelData, receiver: &str) -> Result<Name, String> {
    if let Some(application) = receiver.strip_suffix("/leader") {
        let leader = model.lifecycle.leader(application).cloned();
        return leader.ok_or_else(|| format!("could not determine leader for {}", quote(application)));
    }
    let unit = Name::from(receiver);
    if model.units.contains_key(&unit) {
        Ok(unit)
    } else {
        Err(format!("{} not found", quote(&tag(receiver))))
    }
}

/// Returns how Juju tells units and machines apart: `unit-web-0`, `machine-0`. A leader is named as it was
/// asked for.
fn tag(receiver: &str) -> String {
    if receiver.ends_with("/leader") {
        receiver.to_owned()
    } else if receiver.contains('/') {
        format!("unit-{}", receiver.replace('/', "-"))
    } else {
        format!("machine-{receiver}")
    }
}

/// Says what was asked for, and waits for the results unless they are to come in the background.
fn follow_up(
    context: &mut Context<'_>,
    uuid: &str,
    operation: u64,
    usual: Duration,
    kind: Kind,
) -> CommandResult {
    let (tasks, failures) = context.look(uuid, |model| {
        let data = &model.operations[&operation];
        let tasks = data.tasks.iter().filter_map(|id| Some((*id, model.tasks.get(id)?.receiver.clone())));
        let failures: Vec<String> = data.failures.iter().map(|(_, why)| why.clone()).collect();
        Ok((tasks.collect::<Vec<(u64, String)>>(), failures))
    })?;
    let background = context.parsed.is_set("background");
    let number = operation.to_string();
    if !background {
        let told: Vec<(String, String)> =
            tasks.iter().map(|(id, receiver)| (id.to_string(), tag(receiver))).collect();
        let text = if tasks.is_empty() { "\n".to_owned() } else { task::running(&number, &told) };
        tell(context, kind, &text);
    }
    let failures = failures.join("\n");
    if tasks.is_empty() {
        // Juju 3 says so and ends well.
        context.say(&format!("Operation {operation} failed to schedule any tasks:\n{failures}"));
        return Ok(());
    }
    if !failures.is_empty() {
        context.say(&format!("Some actions could not be scheduled:\n{failures}\n"));
    }
    if background {
        let ids: Vec<String> = tasks.iter().map(|(id, _)| id.to_string()).collect();
        if tasks.len() > 1 {
            let by_receiver: BTreeMap<&String, BTreeMap<&str, &String>> = tasks
                .iter()
                .zip(&ids)
                .map(|((_, receiver), id)| (receiver, BTreeMap::from([("id", id)])))
                .collect();
            context.session.print(&to_yaml(&by_receiver));
        }
        context.say(task::scheduled(&number, &ids).trim_end());
        return Ok(());
    }
    finish(context, uuid, &tasks, wait_of(context, usual), kind)
}

/// Tells how far something is: of commands only whoever wants to hear more.
fn tell(context: &mut Context<'_>, kind: Kind, text: &str) {
    let is_told = match kind {
        Kind::Action => !context.parsed.global.is_quiet,
        Kind::Exec => context.parsed.global.is_verbose,
    };
    if is_told {
        context.session.say(text.strip_suffix('\n').unwrap_or(text));
    }
}

/// What was seen of a task while one waited for it.
pub(super) struct Followed {
    /// Whether nothing more is to be waited for.
    pub(super) is_over: bool,
    /// Whether it has told something.
    pub(super) has_logged: bool,
}

/// Waits for a task, and shows what it tells meanwhile if that is wanted.
pub(super) fn follow(
    context: &mut Context<'_>,
    uuid: &str,
    id: u64,
    timeout: Option<Duration>,
    shows_log: bool,
) -> Result<Followed, CommandError> {
    let times = context.times();
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut shown = 0;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let seen = context.wait_until(left, |held| {
            let Some(task) = held.model(uuid).and_then(|model| model.tasks.get(&id)) else {
                return Some((Vec::new(), true));
            };
            // Whoever asks Juju stops to wait for one that is about to be cut off.
            let is_over = !matches!(task.status, TaskStatus::Pending | TaskStatus::Running);
            let news: Vec<_> = task.log.iter().skip(shown).filter(|_| shows_log).cloned().collect();
            (is_over || !news.is_empty()).then_some((news, is_over))
        })?;
        let Some((news, is_over)) = seen else {
            return Ok(Followed { is_over: false, has_logged: shown > 0 });
        };
        for (time, line) in &news {
            context.say(&format!("{} {line}", times.progress(*time)));
        }
        shown += news.len();
        if is_over {
            return Ok(Followed { is_over, has_logged: shown > 0 });
        }
    }
}

/// Waits for tasks, and prints what became of them.
fn finish(
    context: &mut Context<'_>,
    uuid: &str,
    tasks: &[(u64, String)],
    wait: Option<Duration>,
    kind: Kind,
) -> CommandResult {
    let deadline = wait.and_then(|wait| Instant::now().checked_add(wait));
    for (index, (id, _)) in tasks.iter().enumerate() {
        tell(context, kind, &task::waiting(&id.to_string()));
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let shows_log = kind == Kind::Action && tasks.len() == 1;
        let followed = follow(context, uuid, *id, left, shows_log)?;
        if followed.has_logged {
            tell(context, kind, "\n");
        }
        if !followed.is_over {
            let late: BTreeSet<(bool, &str)> = tasks[index..]
                .iter()
                .map(|(_, receiver)| (receiver.contains('/'), receiver.as_str()))
                .collect();
            let late: Vec<String> = late
                .into_iter()
                .map(|(is_unit, receiver)| format!("{} {receiver}", if is_unit { "unit" } else { "machine" }))
                .collect();
            return Err(CommandError::failed(format!(
                "timed out waiting for results from: {}",
                late.join(", ")
            )));
        }
    }
    let times = context.times();
    let views: TaskResultsView = context.look(uuid, |model| {
        let known = tasks.iter().filter_map(|(id, _)| Some((*id, model.tasks.get(id)?)));
        Ok(known.map(|(id, task)| (task.receiver.clone(), view(id, task, &times))).collect())
    })?;
    match kind {
        Kind::Action => context.show(&views, |is_coloured| write_run(&views, is_coloured)),
        Kind::Exec if context.parsed.is_for_machines() => context.show(&views, |_| String::new()),
        Kind::Exec => {
            let text = write_exec(&views);
            context.session.print(&text);
        }
    }
    let codes: BTreeMap<String, i64> = views
        .values()
        .filter_map(|view| Some((view.id.clone(), view.return_code()?)))
        .filter(|(_, code)| *code > 0)
        .collect();
    if codes.is_empty() {
        return Ok(());
    }
    context.session.say(&format!("ERROR {}", task::failed(&codes)));
    Err(CommandError::Silent(1))
}

/// Writes the time of a task, which Juju knows to the second.
pub(super) fn task_time(times: &Times, at: Timestamp) -> String {
    times.task(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

/// Returns what a task has told, each line with its time.
pub(super) fn log_lines(task: &TaskData, times: &Times) -> Vec<String> {
    task.log.iter().map(|(at, line)| format!("{} {line}", task_time(times, *at))).collect()
}

/// Returns what is shown of a task.
pub(super) fn view(id: u64, task: &TaskData, times: &Times) -> TaskResultView {
    let time = |at: Option<Timestamp>| at.map(|at| task_time(times, at)).unwrap_or_default();
    TaskResultView {
        id: id.to_string(),
        log: log_lines(task, times),
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
    let operation = context.change(&uuid, |model| {
        if model.is_kubernetes() && !machines.is_empty() {
            return Err(CommandError::failed("unable to target machines with a k8s controller"));
        }
        if is_all && model.is_kubernetes() {
            return Err(CommandError::failed("cannot run on all machines with a caas model"));
        }
        let mut receivers: BTreeSet<String> = BTreeSet::new();
        for name in &units {
            let leader = if name.ends_with("/leader") {
                receiving_unit(model, name)
            } else {
                Ok(name.as_str().into())
            };
            receivers.insert(leader.map_err(CommandError::failed)?.to_string());
        }
        for name in &applications {
            let application = super::units::application(model, name)?;
            receivers.extend(model.state.units_of(&application).map(|unit| unit.name.to_string()));
        }
        let mut on_machines = machines.clone();
        if is_all {
            on_machines.extend(model.machines.keys().map(ToString::to_string));
        }
        let tags: Vec<String> = receivers.iter().chain(&on_machines).map(|receiver| tag(receiver)).collect();
        let operation = model.add_operation(format!("{EXEC_ACTION} run on {}", tags.join(",")));
        let mut failures = Vec::new();
        for receiver in &receivers {
            match receiving_unit(model, receiver) {
                Ok(unit) => {
                    model.add_task(operation, &unit, TaskKind::Exec { commands: commands.clone() });
                }
                Err(why) => failures.push((receiver.clone(), why)),
            }
        }
        for machine in on_machines {
            if machine.parse::<u32>().is_ok_and(|number| model.machines.contains_key(&number)) {
                model.add_machine_task(operation, &machine, TaskKind::Exec { commands: commands.clone() });
            } else {
                let why = format!("{} not found", quote(&tag(&machine)));
                failures.push((machine, why));
            }
        }
        if let Some(operation) = model.operations.get_mut(&operation) {
            operation.failures = failures;
        }
        Ok(operation)
    })?;
    let tasks = context.look(&uuid, |model| Ok(model.operations[&operation].tasks.clone()))?;
    context.controller.run_machine_tasks(&uuid, &tasks);
    follow_up(context, &uuid, operation, EXEC_WAIT, Kind::Exec)
}
