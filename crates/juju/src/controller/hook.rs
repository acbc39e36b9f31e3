//! One hook or action of a unit, from its beginning to its end.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use camino::Utf8Path;
use charmproof_agent::protocol::Request;
use charmproof_agent::server;
use charmproof_agent::state::{HookContext, HookEffects, Reboot};
use charmproof_agent::tools::{self, Reply};
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::{EXEC_ACTION, Stimulus};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name, Outcome};
use charmproof_lifecycle::world::Operation;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::data::{AgentStatus, ModelData, TaskKind, TaskStatus};
use super::process::{self, Output};
use super::uniter::{AfterHook, entity, schedule_retry};
use super::{Controller, Held, Running, provision};
use crate::hosting::{Ended, Host, Process};

/// How often it is looked whether a hook is to be cut off.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What a process is started with.
struct Start {
    env: BTreeMap<String, String>,
    program: Vec<String>,
    place: Arc<dyn Host>,
}

/// Runs a hook that the lifecycle has begun.
pub(super) fn run(controller: &Arc<Controller>, model: &str, unit: &Name, hook: &Hook) -> AfterHook {
    let started = Timestamp::now();
    let done = begin(controller, model, unit, hook).and_then(|start| match start {
        None => Ok(Done { ended: None, stdout: String::new(), stderr: String::new() }),
        Some(start) => execute(controller, model, unit, hook.kind == HookKind::Action, &hook.name(), start),
    });
    let was_cut_off = match &done {
        Ok(Done { ended: Some(Ended::PlaceGone), .. }) => true,
        // Whoever is killed with the place may be told of before the place is.
        Ok(Done { ended: Some(Ended::Signal(_)), .. }) | Err(_) => is_place_gone(controller, model, unit),
        Ok(Done { ended: Some(Ended::Code(_)) | None, .. }) => false,
    };
    if was_cut_off {
        cut_off(controller, model, unit, hook, started);
        return AfterHook::Stayed;
    }
    finish(controller, model, unit, hook, started, &done)
}

/// Whether a unit's place is gone by now, or in a moment.
fn is_place_gone(controller: &Controller, model: &str, unit: &Name) -> bool {
    const LOOKS: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(20);
    (0..LOOKS).any(|look| {
        if look > 0 {
            thread::sleep(PAUSE);
        }
        provision::place_of(controller, model, unit).is_err()
    })
}

/// Forgets a hook whose place went while it ran: it is for the lifecycle to say what a unit does that was
/// away in the middle of one.
fn cut_off(controller: &Controller, model_uuid: &str, unit: &Name, hook: &Hook, started: Timestamp) {
    const MESSAGE: &str = "the unit's place is gone";
    if controller.is_ending() {
        return;
    }
    let model_name = controller.change(|held| {
        let running = held.running.remove(&(model_uuid.to_owned(), unit.clone()));
        let message = format!("hook \"{}\" was cut off: {MESSAGE}", hook.name());
        held.log(model_uuid, &entity(unit), "ERROR", "juju.worker.uniter.operation", &message);
        let model = held.model_mut(model_uuid)?;
        // One that did not begin yet has not taken its task.
        let task = running.map_or_else(|| task_of(model, unit, hook).0, |running| running.task);
        if let Some(task) = task.and_then(|task| model.tasks.get_mut(&task)) {
            task.fail(MESSAGE);
        }
        Some(model.name.clone())
    });
    controller.tell(
        &model_name.unwrap_or_default(),
        unit,
        if hook.kind == HookKind::Action { "action" } else { "hook" },
        &hook.name(),
        started,
        "failed",
        MESSAGE,
    );
}

/// A process that has ended.
pub(super) struct Done {
    /// How; nothing if there was nothing to be run.
    pub(super) ended: Option<Ended>,
    /// What it printed, if that was to be kept.
    pub(super) stdout: String,
    /// What it complained about.
    pub(super) stderr: String,
}

/// Prepares a hook. `None` if the charm has no code for it.
fn begin(
    controller: &Arc<Controller>,
    model_uuid: &str,
    unit: &Name,
    hook: &Hook,
) -> Result<Option<Start>, String> {
    if hook.kind == HookKind::UpgradeCharm {
        super::upgrade::replace_charm(controller, model_uuid, unit).map_err(|error| error.to_string())?;
    }
    let place = provision::place_of(controller, model_uuid, unit).map_err(|error| error.to_string())?;
    super::storage::attach(controller, model_uuid, unit, hook).map_err(|error| error.to_string())?;
    let is_command = is_command(hook);
    let program = if is_command { None } else { provision::program_of(controller, model_uuid, unit, hook) };
    controller.change(|held| {
        held.contexts += 1;
        let id = format!("{unit}-{}-{}", hook.name(), random(held.contexts));
        let (model, running) =
            held.model_and_running(model_uuid).ok_or_else(|| "the model is gone".to_owned())?;
        model.state.now = Timestamp::now();
        model.state.prepare(unit, hook);
        let (task, parameters) = task_of(model, unit, hook);
        let about = task.and_then(|task| model.tasks.get(&task)?.about.clone());
        let context = match &about {
            Some(about) => HookContext::for_commands(
                &model.state,
                unit,
                about.relation,
                about.remote_unit.as_ref(),
                about.is_remote_unit_forced,
            )
            .map_err(|error| error.to_string()),
            None => {
                HookContext::new(&mut model.state, unit, hook, parameters).map_err(|error| error.to_string())
            }
        };
        let context = context.inspect_err(|error| {
            // It was taken off the queue, and nobody else ends it.
            if let Some(task) = task.and_then(|task| model.tasks.get_mut(&task)) {
                task.fail(error);
            }
        })?;
        model.note_status(unit);
        let message = describe(hook);
        if hook.kind != HookKind::UpdateStatus {
            model.set_agent(unit, AgentStatus::Executing, &message);
        }
        let mut numbers = model.units.get(unit).map(super::data::UnitData::counted).unwrap_or_default();
        numbers.count(hook);
        if let Some(data) = model.units.get_mut(unit) {
            data.numbers = (numbers.action, numbers.notice);
        }
        let commands_of = about.is_some().then_some(&context);
        let mut env = provision::variables(model, unit, hook, numbers, &id, commands_of);
        let commands = task.and_then(|task| match &model.tasks.get(&task)?.kind {
            TaskKind::Exec { commands } => Some(commands.clone()),
            TaskKind::Action { .. } => None,
        });
        if is_command {
            env.retain(|name, _| !name.starts_with("JUJU_ACTION_"));
        } else if let Some(task) = task {
            env.insert("JUJU_ACTION_UUID".to_owned(), task.to_string());
            env.insert("JUJU_ACTION_TAG".to_owned(), format!("action-{task}"));
        }
        running.insert((model_uuid.to_owned(), unit.clone()), Running { context, id, task });
        let program =
            commands.map(|commands| vec!["/bin/bash".to_owned(), "-c".to_owned(), commands]).or(program);
        // One whose task was cancelled a moment ago is none any more.
        let program = program.filter(|_| hook.kind != HookKind::Action || task.is_some());
        Ok(program.map(|program| Start { env, program, place }))
    })
}

/// Whether a hook is no hook of the charm, but commands of a person.
fn is_command(hook: &Hook) -> bool {
    hook.kind == HookKind::Action && hook.subject() == EXEC_ACTION
}

/// Returns the task that an action is, which begins, and what it was called with.
fn task_of(model: &mut ModelData, unit: &Name, hook: &Hook) -> (Option<u64>, Option<Map<String, Value>>) {
    if hook.kind != HookKind::Action {
        return (None, None);
    }
    let tasks = &model.tasks;
    let is_it = |id: &u64| {
        tasks.get(id).is_some_and(|task| {
            let is_it = match &task.kind {
                TaskKind::Action { name, .. } => name == hook.subject(),
                TaskKind::Exec { .. } => is_command(hook),
            };
            is_it && !task.status.is_over()
        })
    };
    let id = model.units.get_mut(unit).and_then(|data| {
        let place = data.actions.iter().position(is_it)?;
        data.actions.remove(place)
    });
    let parameters = id.and_then(|id| {
        let task = model.tasks.get_mut(&id)?;
        task.status = TaskStatus::Running;
        task.started = Some(Timestamp::now());
        match &task.kind {
            TaskKind::Action { parameters, .. } => Some(parameters.clone()),
            TaskKind::Exec { .. } => None,
        }
    });
    (id, Some(parameters.unwrap_or_default()))
}

/// Returns what the agent says of a hook that runs (worker/uniter/operation/runhook.go).
fn describe(hook: &Hook) -> String {
    use charmproof_lifecycle::vocabulary::Remote;
    if is_command(hook) {
        return "running commands".to_owned();
    }
    if hook.kind == HookKind::Action {
        return format!("running action {}", hook.subject());
    }
    match &hook.remote {
        Remote::Unit(remote) => format!("running {} hook for {remote}", hook.name()),
        Remote::Unknown | Remote::Application => format!("running {} hook", hook.name()),
    }
}

/// A number that nobody guesses, as ids of contexts have.
pub(super) fn random(count: u64) -> String {
    let mut bytes = [0_u8; 8];
    let read = fs_err::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    match read {
        Ok(()) => format!("{:016x}", u64::from_le_bytes(bytes)),
        Err(_) => count.to_string(),
    }
}

/// Runs a process of a unit, to its end.
fn execute(
    controller: &Arc<Controller>,
    model: &str,
    unit: &Name,
    keeps_output: bool,
    name: &str,
    start: Start,
) -> Result<Done, String> {
    let (process, [stdout, stderr]) =
        process::start(start.place.as_ref(), start.program, start.env, provision::charm_folder(unit))?;
    let tell = |level: &'static str| {
        let (controller, model, entity) = (Arc::clone(controller), model.to_owned(), entity(unit));
        let module = format!("unit.{unit}.{name}");
        move |line: &str| controller.lock().log(&model, &entity, level, &module, line)
    };
    let (out, err) = if keeps_output {
        (Output::keep(stdout), Output::keep(stderr))
    } else {
        (Output::tell(stdout, tell("DEBUG")), Output::tell(stderr, tell("WARNING")))
    };
    let ended = wait(controller, model, unit, process.as_ref());
    Ok(Done { ended: Some(ended), stdout: out.until_now(), stderr: err.until_now() })
}

/// Waits for the end of a process, and cuts it off when its unit goes.
fn wait(controller: &Controller, model: &str, unit: &Name, process: &dyn Process) -> Ended {
    let mut is_killed = false;
    loop {
        if let Some(ended) = process.wait_for(LOOK_AGAIN) {
            return ended;
        }
        let is_over = controller.is_ending()
            || controller.look(|held| {
                let Some(model_data) = held.model(model) else { return true };
                let is_forced = model_data.units.get(unit).is_none_or(|data| data.is_forced);
                let key = (model.to_owned(), unit.clone());
                let running = held.running.get(&key);
                let reboots = running.is_some_and(|running| running.context.reboot() == Some(Reboot::Now));
                let task = running.and_then(|running| model_data.tasks.get(&running.task?));
                let is_aborted = task.is_some_and(|task| task.status == TaskStatus::Aborting);
                is_forced || reboots || is_aborted
            });
        if is_over && !is_killed {
            is_killed = true;
            process.kill();
        }
    }
}

/// Ends a hook: what it wrote counts or is forgotten, and others are told.
fn finish(
    controller: &Arc<Controller>,
    model_uuid: &str,
    unit: &Name,
    hook: &Hook,
    started: Timestamp,
    done: &Result<Done, String>,
) -> AfterHook {
    if controller.is_ending() {
        // The hook was cut off, and runs again with the next supervisor.
        return AfterHook::Stayed;
    }
    let outcome = match done {
        // What commands of a person wrote is kept if they could be run at all, whatever they returned
        // (worker/uniter/runner, `runJujuExecAction`).
        Ok(Done { ended: Some(Ended::Code(_) | Ended::Signal(_)), .. }) if is_command(hook) => Outcome::Ok,
        Ok(Done { ended: None, .. }) => Outcome::Missing,
        Ok(Done { ended: Some(Ended::Code(0)), .. }) => Outcome::Ok,
        Ok(Done { ended: Some(_), .. }) | Err(_) => Outcome::Failed,
    };
    let detached = hook
        .storage_id
        .as_ref()
        .filter(|_| hook.kind == HookKind::StorageDetaching && outcome.is_committed());
    if let Some(id) = detached {
        super::storage::detach(controller, model_uuid, unit, id);
    }
    // A hook that is cut off because its unit is forced to go is no fault of the charm.
    let is_unwanted = outcome == Outcome::Failed
        && controller.look(|held| {
            let data = held.model(model_uuid).and_then(|model| model.units.get(unit));
            data.is_none_or(|data| data.is_forced)
        });
    let trouble = controller.look(|held| {
        let complaint = || held.complaint(model_uuid, &entity(unit), started);
        if is_unwanted { CUT_OFF.to_owned() } else { trouble(done, complaint) }
    });
    let reboots = controller.change(|held| {
        let key = (model_uuid.to_owned(), unit.clone());
        let running = held.running.remove(&key);
        log_end(held, model_uuid, unit, hook, done, outcome);
        let model = held.model_mut(model_uuid)?;
        model.state.now = Timestamp::now();
        let (effects, task) = match running {
            Some(running) => (running.context.finish(&mut model.state, outcome), running.task),
            None => (HookEffects::default(), None),
        };
        let deeds = model.deeds(&effects);
        let target = Target::Unit(unit.clone());
        let mut reboots = None;
        let (during, after): (Vec<Stimulus>, Vec<Stimulus>) =
            deeds.into_iter().partition(|deed| matches!(deed, Stimulus::CharmReboots { .. }));
        for deed in during {
            if model.poke(&target, &deed).is_ok() {
                reboots = effects.reboot;
            }
        }
        let is_running =
            model.lifecycle.units().get(unit).is_some_and(charmproof_lifecycle::world::World::is_running);
        if is_running {
            // A unit that was forced to go is not there any more.
            let _ = model.end_hook(unit, outcome);
        }
        if outcome.is_committed() && hook.kind != HookKind::Action {
            model.state.committed(unit, hook);
            if let Some(data) = model.units.get_mut(unit) {
                (data.failures, data.retry_at) = (0, None);
                if let Some(notice) = provision::notice_key(hook) {
                    data.notices.remove(&notice);
                }
            }
        }
        for deed in after {
            // What is impossible by now does not happen.
            let _ = model.poke(&target, &deed);
        }
        let is_failed = model
            .lifecycle
            .units()
            .get(unit)
            .is_some_and(|world| matches!(world.operation(), Operation::Failed(_)));
        if is_failed {
            // Also when an action has ended that came in between.
            model.set_agent_at_rest(unit);
        }
        if is_failed && outcome == Outcome::Failed {
            schedule_retry(model, unit);
        }
        if outcome == Outcome::Failed && hook.kind == HookKind::PebbleReady {
            super::uniter::rest(model, unit);
        }
        if let Some(task) = task {
            super::task::end_action(model, task, &effects, done.as_ref().ok());
        }
        super::storage::note(model, unit, hook, outcome);
        model.note_new_storage(None);
        model.note_status(unit);
        model.tidy();
        model.state.follow_secret_hook(hook, &effects);
        model.state.prune_secrets();
        model.follow_secrets();
        reboots
    });
    super::storage::remove_gone(controller, model_uuid, detached);
    let (what, name) = match (hook.kind == HookKind::Action, is_command(hook)) {
        (_, true) => ("exec", "juju-exec".to_owned()),
        (true, false) => ("action", hook.subject().to_owned()),
        (false, false) => ("hook", hook.name()),
    };
    let is_well = matches!(done, Ok(Done { ended: Some(Ended::Code(0)) | None, .. }));
    let result = match (is_unwanted, is_well) {
        (true, _) => "skipped",
        (false, true) => "ok",
        (false, false) => "failed",
    };
    let model_name =
        controller.look(|held| held.model(model_uuid).map_or_else(String::new, |model| model.name.clone()));
    controller.tell(&model_name, unit, what, &name, started, result, &trouble);
    if reboots.is_some() {
        provision::reboot(controller, model_uuid, unit);
    }
    controller.start_units();
    if reboots.is_some() { AfterHook::Rebooted } else { AfterHook::Stayed }
}

/// What is said of a hook whose unit was forced to go.
const CUT_OFF: &str = "cut off, as its unit was removed";

/// Says in a line why a hook failed: how its process ended, and what the charm said last. Empty if it did
/// not fail.
fn trouble(done: &Result<Done, String>, complaint: impl Fn() -> Option<String>) -> String {
    let how = match done {
        Err(error) => return error.clone(),
        Ok(Done { ended: None | Some(Ended::Code(0)), .. }) => return String::new(),
        Ok(Done { ended: Some(Ended::Code(code)), .. }) => format!("exit status {code}"),
        Ok(Done { ended: Some(Ended::Signal(signal)), .. }) => format!("signal {signal}"),
        Ok(Done { ended: Some(Ended::PlaceGone), .. }) => "the unit's place is gone".to_owned(),
    };
    let complaint = complaint().unwrap_or_default();
    // The last line of a traceback is the error.
    match complaint.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => format!("{how}: {}", line.trim()),
        None => how,
    }
}

fn log_end(
    held: &mut Held,
    model: &str,
    unit: &Name,
    hook: &Hook,
    done: &Result<Done, String>,
    outcome: Outcome,
) {
    let entity = entity(unit);
    let name = hook.name();
    let (level, message) = match (hook.kind == HookKind::Action, outcome, done) {
        (true, _, _) if is_command(hook) => ("DEBUG", "ran commands of a user".to_owned()),
        (true, _, _) => ("INFO", format!("ran action \"{}\"", hook.subject())),
        (false, Outcome::Missing, _) => ("INFO", format!("skipped \"{name}\" hook (missing)")),
        (false, _, Ok(Done { ended: Some(Ended::Code(0)), .. })) => {
            ("INFO", format!("ran \"{name}\" hook (via hook dispatching script: dispatch)"))
        }
        (false, _, Ok(Done { ended: Some(Ended::Code(code)), .. })) => (
            "ERROR",
            format!("hook \"{name}\" (via hook dispatching script: dispatch) failed: exit status {code}"),
        ),
        (false, _, Ok(Done { ended: Some(Ended::Signal(signal)), .. })) => (
            "ERROR",
            format!("hook \"{name}\" (via hook dispatching script: dispatch) failed: signal: {signal}"),
        ),
        (false, _, Ok(Done { ended: Some(Ended::PlaceGone) | None, .. })) => {
            ("ERROR", format!("hook \"{name}\" was cut off: the unit's place is gone"))
        }
        (false, _, Err(error)) => ("ERROR", format!("hook \"{name}\" could not be run: {error}")),
    };
    held.log(model, &entity, level, "juju.worker.uniter.operation", &message);
}

/// Answers a tool that a process of a unit has called.
pub(super) fn answer(controller: &Controller, model_uuid: &str, unit: &Name, request: &Request) -> Reply {
    let Some(id) = request.context_id.as_deref() else { return server::no_context() };
    let call = &request.call;
    let wants_resource = super::resources::is_asked_for(call);
    if wants_resource && let Err(error) = super::resources::lay_out(controller, model_uuid, unit) {
        return refused(&format!("could not download resource: {error}"));
    }
    // What a hook writes is kept when it ends: one that is cut off runs again.
    let mut held = controller.lock();
    let key = (model_uuid.to_owned(), unit.clone());
    let Some((model, running)) = held.passing(model_uuid) else { return refused("the model is gone") };
    let Some(running) = running.get_mut(&key).filter(|running| running.id == id) else {
        return server::wrong_context(id);
    };
    model.state.now = Timestamp::now();
    let (lines_before, statuses_before) =
        (running.context.effects().log.len(), running.context.effects().statuses.len());
    let mut reply = tools::answer(&mut model.state, &mut running.context, call);
    if wants_resource
        && reply.code == 0
        && let Some(path) = super::resources::seen(model, unit, call)
    {
        reply.stdout = path.into_string().into_bytes();
    }
    let effects = running.context.effects();
    let said: Vec<(String, String)> =
        effects.log[lines_before..].iter().map(|line| (line.level.clone(), line.text.clone())).collect();
    let has_new_status = effects.statuses.len() > statuses_before;
    if let Some(task) = running.task.and_then(|task| model.tasks.get_mut(&task))
        && let Some(log) = running.context.action_log()
    {
        let news = log.get(task.log.len()..).unwrap_or_default();
        task.log.extend(news.iter().map(|line| (model.state.now, line.clone())));
    }
    if has_new_status {
        model.note_status(unit);
    }
    let module = format!("unit.{unit}.juju-log");
    for (level, text) in said {
        held.log(model_uuid, &entity(unit), &level, &module, &text);
    }
    drop(held);
    if has_new_status {
        controller.announce();
    }
    reply
}

pub(super) fn refused(message: &str) -> Reply {
    Reply { code: 1, stdout: Vec::new(), stderr: format!("ERROR {message}\n").into_bytes() }
}

/// Whether a file of a unit is there and may be run.
pub(super) fn is_program(path: &Utf8Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_hook_is_told_by_what_the_charm_said_last() {
        let check = |ended, complaint: Option<&str>, expected: &str| {
            let done = Ok(Done { ended, stdout: String::new(), stderr: String::new() });
            assert_eq!(trouble(&done, || complaint.map(str::to_owned)), expected);
        };
        let traceback =
            "Uncaught exception while in charm code:\nTraceback:\n  File \"x\"\nValueError: no\n\n";
        check(Some(Ended::Code(1)), Some(traceback), "exit status 1: ValueError: no");
        check(Some(Ended::Code(2)), None, "exit status 2");
        check(Some(Ended::Signal(9)), Some("  \n"), "signal 9");
        check(Some(Ended::Code(0)), Some("a warning"), "");
        check(None, None, "");
        assert_eq!(trouble(&Err("no place".to_owned()), || None), "no place");
    }
}
