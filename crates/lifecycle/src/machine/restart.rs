//! The end of the agent's process, and its next beginning (R60 to R67).

use super::{Effect, Effects};
use crate::vocabulary::{Hook, HookKind, Marker, Outcome, Platform, Scope};
use crate::world::{Hint, Operation, World};

/// How the agent comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Comeback {
    /// In the same place: a machine that went on running, or the same pod.
    SamePlace,
    /// On a machine that booted.
    Rebooted,
    /// In a pod that has nothing of the last one.
    NewPod,
}

/// Ends the process without a word. The hook that runs is cut off.
pub(super) fn die(world: &mut World, effects: &mut Effects<'_>) {
    world.agent.is_up = false;
    world.agent.is_shutting_down = false;
    world.agent.reboots_after_hook = false;
    let Some(running) = world.agent.running.take() else { return };
    let hook = running.hook;
    effects.push(Effect::Ended { hook: hook.clone(), outcome: Outcome::Terminated });
    match hook.kind.scope() {
        // A4: an action that was cut off has failed.
        Scope::Action => {}
        // R85: Pebble is asked again.
        Scope::Container => world.agent.operation = Operation::Continue,
        // R65: the next agent runs it first.
        Scope::Unit | Scope::Relation | Scope::Storage | Scope::Secret => {
            world.agent.operation = Operation::Failed(hook);
        }
    }
}

/// Begins the process anew: what it only remembered is gone.
pub(super) fn come_back(world: &mut World, comeback: Comeback, effects: &mut Effects<'_>) {
    let is_on_kubernetes = world.is_on(Platform::Kubernetes);
    let agent = &mut world.agent;
    agent.is_up = true;
    agent.settings_seen = false;
    if world.has_quirks {
        agent.forgot_peers = true;
        // R48: relations that it was about to enter count as entered.
        let forgets = agent.installed && agent.operation == Operation::Continue;
        for relation in world.relations.values_mut().filter(|_| forgets) {
            relation.hint = Hint::Unknown;
            relation.created |= !relation.is_dying && !relation.is_suspended && !relation.was_left;
        }
    }
    agent.retry_due = matches!(agent.operation, Operation::Failed(_));
    for container in world.containers.values_mut() {
        container.boot_seen = None;
        if world.has_quirks {
            // R83: where it was in the list is forgotten, so Pebble tells everything again.
            container.told.append(&mut container.events);
            container.events = std::mem::take(&mut container.told);
        }
    }
    match comeback {
        // A reboot is only remembered: an agent that begins again knows of none.
        Comeback::SamePlace => agent.owes_start = false,
        Comeback::Rebooted => {
            effects.push(Effect::Mark(Marker::RebootDetected));
            // R61: only a unit that had started hears of it.
            agent.owes_start = agent.started;
        }
        Comeback::NewPod => {
            for container in world.containers.values_mut() {
                container.boot += 1;
                container.failing_checks.clear();
                container.events.clear();
                container.told.clear();
            }
            new_pod(world, effects);
        }
    }
    if is_on_kubernetes {
        // R63: every new agent takes itself for one after a reboot.
        world.agent.owes_start = world.agent.started;
    }
    effects.push(Effect::Mark(Marker::AgentStarted));
}

/// R64: the charm's files are gone, so it is installed or upgraded again.
fn new_pod(world: &mut World, effects: &mut Effects<'_>) {
    let agent = &mut world.agent;
    match agent.operation {
        // R65: a hook that was cut off, or is in error, takes the place of the upgrade.
        Operation::Failed(_) => {}
        Operation::Continue | Operation::Queued(_) if agent.installed => {
            agent.operation = Operation::Queued(Hook::of_kind(HookKind::UpgradeCharm));
            effects.push(Effect::Mark(Marker::NewPod));
        }
        Operation::Continue | Operation::Queued(_) => agent.operation = Operation::Continue,
    }
}
