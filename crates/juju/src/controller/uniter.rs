//! A unit that lives: it gets a place, and runs what the lifecycle names, hook by hook.

use std::sync::Arc;
use std::time::Duration;

use charmproof_agent::state::StatusKind;
use charmproof_lifecycle::machine::Effect;
use charmproof_lifecycle::model::{ModelEvent, Target};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, Name};
use charmproof_lifecycle::world::Operation;
use jiff::{SignedDuration, Timestamp};

use super::data::{AgentStatus, ModelData};
use super::{Controller, lock, provision};
use crate::hosting::Host;

/// How long a unit waits without a look whether it was asked for something.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long a unit whose place cannot be made waits before it tries again.
const PLACE_RETRY: Duration = Duration::from_secs(10);
/// How often Pebble is asked whether a container is ready.
const PEBBLE_POLL: SignedDuration = SignedDuration::from_secs(5);
/// How long a failed hook waits at first (worker/uniter, `retryTimeDefault`); the time doubles.
const RETRY_MIN: SignedDuration = SignedDuration::from_secs(5);
const RETRY_MAX: SignedDuration = SignedDuration::from_mins(5);

/// What is said of an agent that does not answer (apiserver/common/unitstatus.go).
const LOST: &str = "agent is not communicating with the server";

/// What a unit does next.
pub(super) enum Work {
    /// A hook or an action.
    Hook(Hook),
    /// It moves in again: where it lived is gone.
    ComeBack,
    /// It moves into another pod, as its charm or a resource has changed.
    AnotherPod,
    /// It is no more.
    Gone,
    /// The supervisor ends.
    End,
}

/// Lets a unit live until it is no more, or the supervisor ends.
pub(super) fn run(controller: &Arc<Controller>, model: &str, unit: &Name) {
    let Some(mut home) = move_in(controller, model, unit) else { return };
    begin(controller, model, unit);
    loop {
        match next(controller, model, unit, &home) {
            Work::Hook(hook) => {
                let after = super::hook::run(controller, model, unit, &hook);
                // Whoever asked for a reboot knows of it already.
                if after == AfterHook::Rebooted
                    && let Ok(place) = provision::place_of(controller, model, unit)
                {
                    home = place;
                }
            }
            work @ (Work::ComeBack | Work::AnotherPod) => {
                // Its address is free again when nobody holds it any more.
                drop(home);
                if matches!(work, Work::AnotherPod) {
                    provision::end_pod(controller, model, unit);
                } else {
                    lose_place(controller, model, unit);
                }
                match move_in(controller, model, unit) {
                    Some(place) => home = place,
                    None => return,
                }
                controller.change(|held| {
                    if let Some(model) = held.model_mut(model) {
                        model.come_back(unit);
                    }
                });
            }
            Work::Gone => {
                leave(controller, model, unit);
                return;
            }
            Work::End => return,
        }
    }
}

/// What became of a unit's place while it ran a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterHook {
    /// Nothing.
    Stayed,
    /// The hook has asked for a reboot, which is done.
    Rebooted,
}

/// Gives a unit its place, and tries again for as long as that takes. `None` if it is not wanted any more.
fn move_in(controller: &Arc<Controller>, model: &str, unit: &Name) -> Option<Arc<dyn Host>> {
    loop {
        if controller.is_ending() {
            return None;
        }
        let is_wanted = controller.look(|held| {
            held.model(model).and_then(|model| model.units.get(unit)).is_some_and(|unit| !unit.is_forced)
        });
        if !is_wanted {
            leave(controller, model, unit);
            return None;
        }
        let provided = provision::provision(controller, model, unit);
        match provided.and_then(|()| provision::place_of(controller, model, unit)) {
            Ok(place) => return Some(place),
            Err(error) => {
                let message = error.to_string();
                controller.change(|held| {
                    let as_error = ("ERROR", "juju.worker.provisioner");
                    provision::warn(controller, held, model, &entity(unit), as_error, &message);
                    let Some(model) = held.model_mut(model) else { return };
                    model.state.now = Timestamp::now();
                    model.set_agent(unit, AgentStatus::Allocating, "");
                    model.state.set_unit_status(unit, StatusKind::Waiting, &message);
                    model.note_status(unit);
                    model.pass_leadership_on(unit);
                    let machine = model.units.get(unit).and_then(|unit| unit.machine.as_ref()?.parse().ok());
                    let machine = machine.and_then(|number: u32| model.machines.get_mut(&number));
                    // One that is there has made its own way, and the unit's trouble is another.
                    if let Some(machine) = machine.filter(|machine| machine.status != "started") {
                        machine.since = model.state.now;
                        machine.message = message;
                    }
                });
                // Until it is not wanted any more, or the time is over.
                let _ = controller.wait_until(Some(PLACE_RETRY), &|| false, |held| {
                    let data = held.model(model).and_then(|model| model.units.get(unit));
                    data.is_none_or(|unit| unit.is_forced).then_some(())
                });
            }
        }
    }
}

/// Ends what is left of a place whose first process is gone. The containers of a pod share the network
/// of the first one, and go with it.
pub(super) fn lose_place(controller: &Controller, model: &str, unit: &Name) {
    controller.change(|held| {
        let message = "the unit's machine or pod is gone, and is started again";
        held.log(model, &entity(unit), "WARNING", "juju.worker.provisioner", message);
        if let Some(model) = held.model_mut(model) {
            // Who asked for them is gone as well.
            model.end_commands(unit);
        }
    });
    // Whoever is starting a container anew in a pod that is gone gets to the end of it first.
    let pod = controller.pod(model, unit);
    let making = lock(&pod);
    controller.remove_places(model, |place| place == unit.as_str() || place.starts_with(&format!("{unit} ")));
    drop(making);
    let machine = controller.look(|held| held.model(model)?.units.get(unit)?.machine.clone());
    // Another unit of the machine may have brought it back.
    let Some(machine) = machine.map(|machine| format!("machine {machine}")) else { return };
    let _making = lock(&controller.making);
    if controller.place(&(model.to_owned(), machine.clone())).is_none() {
        controller.remove_places(model, |place| place == machine);
    }
}

/// Returns how logs call a unit.
pub(super) fn entity(unit: &str) -> String {
    format!("unit-{}", unit.replace('/', "-"))
}

/// The agent comes up.
fn begin(controller: &Controller, model: &str, unit: &Name) {
    controller.change(|held| {
        held.log(model, &entity(unit), "INFO", "juju.worker.uniter", &format!("unit \"{unit}\" started"));
        let Some(model) = held.model_mut(model) else { return };
        let is_new = model.units.get(unit).is_some_and(|data| !data.is_up);
        if let Some(data) = model.units.get_mut(unit) {
            data.is_up = true;
        }
        if is_new {
            model.state.now = Timestamp::now();
            model.state.set_unit_status(unit, StatusKind::Waiting, "agent initialising");
            model.note_status(unit);
        }
    });
}

/// The unit is no more: its place ends, and nobody knows it any longer.
pub(super) fn leave(controller: &Arc<Controller>, model: &str, unit: &Name) {
    let machine = controller.look(|held| held.model(model)?.units.get(unit)?.machine.clone());
    let is_own = |place: &str| place == unit.as_str() || place.starts_with(&format!("{unit} "));
    // A container whose Pebble has ended is started anew by somebody else: not from here on.
    let pod = controller.pod(model, unit);
    let making = lock(&pod);
    controller.remove_places(model, is_own);
    super::storage::leave(controller, model, unit);
    let key = (model.to_owned(), unit.clone());
    let emptied = controller.change(|held| {
        held.running.remove(&key);
        let message = format!("unit \"{unit}\" shutting down: agent should be terminated");
        held.log(model, &entity(unit), "INFO", "juju.worker.uniter", &message);
        let Some(data) = held.model_mut(model) else { return machine.clone() };
        data.forget_unit(unit);
        machine
            .clone()
            .filter(|machine| machine.parse::<u32>().is_ok_and(|number| !data.machines.contains_key(&number)))
    });
    // Whoever has waited for it finds no unit.
    drop(making);
    // Nobody waits for what the unit was still to do: its commands are over.
    let servers = lock(&controller.servers).remove(&key);
    drop(servers);
    let agent = lock(&controller.agents).remove(&key);
    drop(agent);
    if let Some(emptied) = emptied {
        controller.remove_places(model, |place| place == format!("machine {emptied}"));
        controller.hosting().remove_folder(&provision::machine_folder(controller, model, &emptied));
    } else {
        provision::remove_unit_folder(controller, model, unit, machine.as_deref());
    }
    controller.remove_rest_of_gone(model);
    // All that it had is gone: one of the same name, which may be there by now, gets a thread of its own.
    lock(&controller.threads).remove(&key);
    controller.start_units();
}

/// Waits for what a unit does next, and lets it begin.
pub(super) fn next(controller: &Controller, model_uuid: &str, unit: &Name, home: &Arc<dyn Host>) -> Work {
    let mut held = controller.lock();
    loop {
        if controller.is_ending() {
            return Work::End;
        }
        let now = Timestamp::now();
        let Some(model) = held.model(model_uuid) else { return Work::Gone };
        let Some(data) = model.units.get(unit) else { return Work::Gone };
        if data.is_forced || !model.lifecycle.units().contains_key(unit) {
            return Work::Gone;
        }
        if !home.is_running() {
            return Work::ComeBack;
        }
        let is_replaced = model.wants_another_pod(unit);
        if controller.is_agent_stopped(model_uuid, unit) {
            if is_replaced {
                // Nobody is there who would run `stop`.
                return Work::AnotherPod;
            }
            // An error stays one, so that it is not forgotten.
            if !matches!(data.agent, AgentStatus::Lost | AgentStatus::Error) {
                if let Some(model) = held.model_mut(model_uuid) {
                    model.set_agent(unit, AgentStatus::Lost, LOST);
                }
                controller.keep(&mut held);
            }
            controller.rest(&held, model_uuid, unit);
            held = controller
                .changed
                .wait_timeout(held, LOOK_AGAIN)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
            continue;
        }
        let mut is_changed = false;
        if data.agent == AgentStatus::Lost
            && let Some(model) = held.model_mut(model_uuid)
        {
            // It begins to look for work as an agent that has been away.
            is_changed |= model.poke(&Target::Unit(unit.clone()), &Stimulus::AgentRestarts).is_ok();
        }
        if is_replaced && let Some(model) = held.model_mut(model_uuid) {
            // The agent is told to go, and runs `stop` first (R66). It is told once.
            is_changed |= model.poke(&Target::Unit(unit.clone()), &Stimulus::PodTerminated).is_ok();
        }
        let Some(model) = held.model(model_uuid) else { return Work::Gone };
        if let Some(stimulus) = due(model, unit, now)
            && let Some(model) = held.model_mut(model_uuid)
        {
            if stimulus == Stimulus::TimePasses {
                schedule_update(model, unit);
            } else if let Some(data) = model.units.get_mut(unit) {
                data.retry_at = None;
            }
            // What the lifecycle refuses has happened already.
            is_changed |= model.poke(&Target::Unit(unit.clone()), &stimulus).is_ok();
        }
        let choice = held.contexts as u32;
        // Looking for work is no change: only what is found is kept.
        let Some((model, _)) = held.passing(model_uuid) else { return Work::Gone };
        let event = ModelEvent::Resolve { unit: unit.clone(), choice };
        let is_resting = rests(model, unit).is_some_and(|until| now < until);
        let effects = if is_resting { Vec::new() } else { model.lifecycle.step(event).unwrap_or_default() };
        let mut begun = None;
        let mut is_gone = false;
        let mut has_exited = false;
        for done in effects {
            is_changed = true;
            match done.effect {
                Effect::Begin(hook) if done.unit == *unit => begun = Some(hook),
                Effect::UnitDied if done.unit == *unit => is_gone = true,
                Effect::AgentExited if done.unit == *unit => has_exited = true,
                Effect::Begin(_)
                | Effect::UnitDied
                | Effect::AgentExited
                | Effect::Ended { .. }
                | Effect::Mark(_) => {}
            }
        }
        if let Some(hook) = begun {
            // It is kept that it runs when it really does.
            return Work::Hook(hook);
        }
        is_changed |= !is_gone && !has_exited && settle(model, unit);
        if is_changed {
            held.model_mut(model_uuid);
            controller.keep(&mut held);
        }
        if is_gone {
            return Work::Gone;
        }
        if has_exited {
            return Work::AnotherPod;
        }
        controller.rest(&held, model_uuid, unit);
        let wait = held.model(model_uuid).map_or(Duration::ZERO, |model| until_due(model, unit, now));
        held = controller
            .changed
            .wait_timeout(held, wait.min(LOOK_AGAIN))
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .0;
    }
}

/// The unit has nothing to do at this moment. Returns whether that is news.
fn settle(model: &mut ModelData, unit: &Name) -> bool {
    let is_news = model.set_agent_at_rest(unit);
    let has_timer = model.units.get(unit).is_some_and(|data| data.update_at.is_some());
    let has_started =
        model.lifecycle.units().get(unit).is_some_and(charmproof_lifecycle::world::World::has_started);
    if has_started && !has_timer {
        schedule_update(model, unit);
        // A charm that has never said how it is.
        let is_silent = model.state.units.get(unit).is_some_and(|unit| !unit.has_set_status);
        if is_silent {
            model.state.now = Timestamp::now();
            model.state.set_unit_status(unit, StatusKind::Unknown, "");
            model.note_status(unit);
        }
        return true;
    }
    is_news
}

/// Returns what time brings to a unit now.
fn due(model: &ModelData, unit: &Name, now: Timestamp) -> Option<Stimulus> {
    let (data, world) = (model.units.get(unit)?, model.lifecycle.units().get(unit)?);
    if matches!(world.operation(), Operation::Failed(_)) {
        return data.retry_at.filter(|at| *at <= now).map(|_| Stimulus::Retry);
    }
    let is_due = data.update_at.is_some_and(|at| at <= now) && world.has_started();
    is_due.then_some(Stimulus::TimePasses)
}

/// Returns until when a unit does nothing by itself.
fn rests(model: &ModelData, unit: &Name) -> Option<Timestamp> {
    model.units.get(unit)?.rests_until
}

/// Pebble is asked again only after a while (R85; worker/uniter/pebblepoller.go), so a hook of a container
/// that fails does not run without end.
pub(super) fn rest(model: &mut ModelData, unit: &Name) {
    if let Some(data) = model.units.get_mut(unit) {
        data.rests_until = Timestamp::now().checked_add(PEBBLE_POLL).ok();
    }
}

/// Returns how long it takes until time brings something to a unit.
fn until_due(model: &ModelData, unit: &Name, now: Timestamp) -> Duration {
    let Some(data) = model.units.get(unit) else { return Duration::ZERO };
    let is_failed = model
        .lifecycle
        .units()
        .get(unit)
        .is_some_and(|world| matches!(world.operation(), Operation::Failed(_)));
    let at =
        if is_failed { data.retry_at } else { data.rests_until.filter(|at| now < *at).or(data.update_at) };
    at.map_or(LOOK_AGAIN, |at| {
        Duration::try_from(now.until(at).map_or(SignedDuration::ZERO, |span| {
            SignedDuration::try_from(span).unwrap_or(SignedDuration::ZERO)
        }))
        .unwrap_or(Duration::ZERO)
    })
    .max(Duration::from_millis(1))
}

/// Says when `update-status` comes next: after the model's interval, a fifth more or less
/// (worker/uniter/timer.go).
pub(super) fn schedule_update(model: &mut ModelData, unit: &Name) {
    let interval = model.update_interval();
    let Some(data) = model.units.get_mut(unit) else { return };
    let now = Timestamp::now();
    // Units are spread by their names, so that not all of a model wake at once.
    let spread =
        i64::from(unit.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % 41) - 20;
    let wait = SignedDuration::from_millis(
        i64::try_from(interval.as_millis()).unwrap_or(i64::MAX) / 100 * (100 + spread),
    );
    data.update_at = now.checked_add(wait).ok();
}

/// Says when a hook that failed is tried again.
pub(super) fn schedule_retry(model: &mut ModelData, unit: &Name) {
    let retries = model.config_text("automatically-retry-hooks").is_none_or(|text| text != "false");
    let Some(data) = model.units.get_mut(unit) else { return };
    data.failures += 1;
    let doubled = RETRY_MIN.saturating_mul(1 << (data.failures - 1).min(10));
    data.retry_at = retries.then(|| Timestamp::now().checked_add(doubled.min(RETRY_MAX)).ok()).flatten();
}

impl Controller {
    /// Lets time do what no unit waits for: secrets that are to be rotated, or that expire.
    pub(crate) fn tick(&self) {
        let with_secrets: Vec<String> = self.look(|held| {
            let has_some = |model: &&ModelData| !model.state.secrets.is_empty();
            held.models().filter(has_some).map(|model| model.uuid.clone()).collect()
        });
        for uuid in with_secrets {
            let mut held = self.lock();
            let Some((model, _)) = held.passing(&uuid) else { continue };
            model.state.now = Timestamp::now();
            let due = model.state.due_secrets();
            if due.is_empty() {
                continue;
            }
            let Some(model) = held.model_mut(&uuid) else { continue };
            let mut is_news = false;
            for (unit, stimulus) in due {
                // What the lifecycle knows already it refuses.
                is_news |= model.poke(&Target::Unit(unit), &stimulus).is_ok();
            }
            if is_news {
                self.keep(&mut held);
            }
        }
    }
}

impl ModelData {
    /// Returns how often `update-status` comes.
    pub fn update_interval(&self) -> Duration {
        const DEFAULT: Duration = Duration::from_mins(5);
        let text = self.config_text("update-status-hook-interval");
        let read = text.and_then(|text| crate::values::go::parse_duration(&text).ok());
        read.and_then(|interval| Duration::try_from(interval).ok()).unwrap_or(DEFAULT)
    }

    /// Says anew when `update-status` comes, after its interval was changed.
    pub(crate) fn reschedule_updates(&mut self) {
        let units: Vec<Name> = self.units.keys().cloned().collect();
        for unit in units {
            if self.units.get(&unit).is_some_and(|data| data.update_at.is_some()) {
                schedule_update(self, &unit);
            }
        }
    }
}
