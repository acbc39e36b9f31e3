//! Commands that somebody on a unit's own machine has the agent run (`juju-exec`).
//!
//! They wait for their turn among the unit's hooks, and see what a hook would see. They are no
//! operation of the user: nobody lists them, and their numbers are none of the model's.

use std::sync::Arc;

use charmproof_agent::protocol::Request;
use charmproof_agent::server::Commands;
use charmproof_agent::state::HookContext;
use charmproof_agent::tools::Reply;
use charmproof_lifecycle::vocabulary::Name;

use super::data::{CommandsAbout, ModelData, TaskData, TaskKind};
use super::hook::refused;
use super::{Controller, task};

/// From here on tasks have numbers that no operation of a model reaches.
const FIRST_NUMBER: u64 = 1 << 62;

/// Answers a program that wants commands to be run, when they have ended.
pub(super) fn answer(controller: &Arc<Controller>, model: &str, unit: &Name, request: &Request) -> Reply {
    let Some(commands) = Commands::of(&request.call) else { return refused("bad request") };
    let relation = match commands.relation_id() {
        Ok(relation) => relation,
        Err(why) => return refused(why),
    };
    let about = CommandsAbout {
        relation,
        remote_unit: commands.remote_unit.clone(),
        is_remote_unit_forced: commands.is_remote_unit_forced,
    };
    let id = controller.change(|held| {
        let model = held.model_mut(model).ok_or_else(|| "the model is gone".to_owned())?;
        // What cannot be is said at once, and not when it is their turn.
        HookContext::for_commands(
            &model.state,
            unit,
            about.relation,
            about.remote_unit.as_ref(),
            about.is_remote_unit_forced,
        )
        .map_err(|error| error.to_string())?;
        Ok::<u64, String>(model.add_commands(unit, commands.script.clone(), about.clone()))
    });
    let id = match id {
        Ok(id) => id,
        Err(why) => return refused(&why),
    };
    let is_over = || false;
    let ended = controller.wait_until(None, &is_over, |held| {
        let task = held.model(model).and_then(|model| model.tasks.get(&id));
        task.is_none_or(|task| task.status.is_over()).then(|| task.cloned())
    });
    controller.change(|held| {
        if let Some(model) = held.model_mut(model) {
            model.tasks.remove(&id);
        }
    });
    match ended.flatten() {
        Some(task) => reply(task),
        None => refused("the unit is gone"),
    }
}

fn reply(task: TaskData) -> Reply {
    match task.return_code {
        Some(code) => Reply { code, stdout: task.stdout.into_bytes(), stderr: task.stderr.into_bytes() },
        None => refused(&task.message),
    }
}

impl ModelData {
    /// Asks a unit to run commands. Returns a number that is forgotten with them.
    fn add_commands(&mut self, unit: &Name, commands: String, about: CommandsAbout) -> u64 {
        let id = self.tasks.range(FIRST_NUMBER..).next_back().map_or(FIRST_NUMBER, |(id, _)| id + 1);
        let mut data = task::new(0, unit.as_str(), true, TaskKind::Exec { commands });
        data.about = Some(about);
        self.tasks.insert(id, data);
        self.enqueue(unit, id);
        id
    }

    /// Ends what was asked for from a place of a unit that is gone, and has not begun.
    pub(super) fn end_commands(&mut self, unit: &Name) {
        let asked = self.tasks.range_mut(FIRST_NUMBER..);
        for (_, task) in asked.filter(|(_, task)| task.receiver == unit.as_str() && !task.status.is_over()) {
            task.fail("the unit's place is gone");
        }
    }

    /// Forgets what nobody waits for any more: who asked is gone with the machine.
    pub(super) fn forget_commands(&mut self) {
        self.tasks.retain(|id, _| *id < FIRST_NUMBER);
    }
}
