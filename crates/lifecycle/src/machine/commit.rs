//! What the beginning and the commit of a hook change.

use super::hooks;
use crate::vocabulary::{Hook, HookKind, Name, Remote};
use crate::world::{Container, Life, Operation, Relation, Running, Secret, SeriesUpgrade, Storage, World};

/// Begins a hook. The version of what it tells of is that of now: what comes later is
/// told by another hook (R38).
pub(super) fn begin(world: &mut World, hook: Hook) {
    let version = version_of(world, &hook);
    let agent = &mut world.agent;
    agent.retry_due = false;
    if hook.kind == HookKind::Action {
        world.actions.pop_front();
    } else {
        // Leadership is accepted before its hook, so a hook that is lost is not made up
        // for (R66). The same goes for the charm's files, and for an owed `start`.
        agent.leader |= hook.kind == HookKind::LeaderElected;
        agent.owes_start &= hook.kind != HookKind::Start;
        if hook.kind == HookKind::UpgradeCharm {
            agent.charm_version = world.charm_version;
        }
        agent.operation = Operation::Queued(hook.clone());
    }
    agent.running = Some(Running { hook, version });
}

/// Returns the version of what the hook tells of; 0 for hooks that tell of nothing that
/// has versions.
pub(super) fn version_of(world: &World, hook: &Hook) -> u64 {
    let relation = || hook.relation_id.and_then(|id| world.relations.get(&id));
    let version = match hook.kind {
        HookKind::ConfigChanged => Some(world.config_version),
        HookKind::RelationJoined | HookKind::RelationChanged => relation().and_then(|relation| {
            match &hook.remote {
                Remote::Application => Some(relation.app_version),
                // A unit that left has the version that was seen last.
                Remote::Unit(unit) => {
                    relation.remote_units.get(unit).or_else(|| relation.members.get(unit)).copied()
                }
                Remote::Unknown => None,
            }
        }),
        HookKind::PebbleReady => {
            hook.subject.as_ref().and_then(|name| world.containers.get(name)).map(|container| container.boot)
        }
        HookKind::SecretChanged => {
            hook.secret_id.as_ref().and_then(|id| world.secrets.get(id)).map(|secret| secret.latest)
        }
        HookKind::Install
        | HookKind::Start
        | HookKind::UpgradeCharm
        | HookKind::Stop
        | HookKind::Remove
        | HookKind::UpdateStatus
        | HookKind::LeaderElected
        | HookKind::LeaderSettingsChanged
        | HookKind::LeaderDeposed
        | HookKind::RelationCreated
        | HookKind::RelationDeparted
        | HookKind::RelationBroken
        | HookKind::StorageAttached
        | HookKind::StorageDetaching
        | HookKind::PebbleCustomNotice
        | HookKind::PebbleCheckFailed
        | HookKind::PebbleCheckRecovered
        | HookKind::SecretRotate
        | HookKind::SecretExpired
        | HookKind::SecretRemove
        | HookKind::Action
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged
        | HookKind::PreSeriesUpgrade
        | HookKind::PostSeriesUpgrade => None,
    };
    version.unwrap_or(0)
}

/// Commits a hook: it succeeded, the charm has none, or a failed one was resolved (R91).
pub(super) fn commit(world: &mut World, hook: &Hook, version: u64) {
    // R58: a tick is lost when anything else commits first.
    world.timer_ticked = false;
    let agent = &mut world.agent;
    agent.operation = Operation::Continue;
    match hook.kind {
        HookKind::Install => agent.installed = true,
        HookKind::Start => {
            agent.started = true;
            agent.stopped = false;
        }
        HookKind::ConfigChanged => {
            agent.config_seen = Some(version);
            if !agent.started {
                // R13.
                agent.operation = Operation::Queued(Hook::of_kind(HookKind::Start));
            }
        }
        HookKind::UpgradeCharm => {
            // R55: the agent's loop begins anew, and its memory of the settings with it.
            agent.settings_seen = false;
            // R51.
            agent.operation = Operation::Queued(Hook::of_kind(HookKind::ConfigChanged));
        }
        HookKind::Stop => {
            agent.stopped = true;
            // R67: a pod that goes leaves the `start` that it owed to the next one.
            agent.owes_start &= !agent.is_shutting_down;
        }
        HookKind::Remove => agent.removed = true,
        HookKind::LeaderSettingsChanged => agent.settings_seen = true,
        HookKind::RelationCreated
        | HookKind::RelationJoined
        | HookKind::RelationChanged
        | HookKind::RelationDeparted
        | HookKind::RelationBroken => commit_of_relation(world, hook, version),
        HookKind::StorageAttached => {
            let storage = hook.storage_id.as_ref().and_then(|id| world.storages.get_mut(id));
            if let Some(storage) = storage {
                // One that began to go meanwhile is detached after all (R24).
                *storage = match *storage {
                    Storage::Provisioned | Storage::Attached => Storage::Attached,
                    Storage::Leaving | Storage::Dying => Storage::Dying,
                };
            }
        }
        HookKind::StorageDetaching => {
            hook.storage_id.as_ref().and_then(|id| world.storages.remove(id));
        }
        HookKind::PebbleReady => {
            let container = hook.subject.as_ref().and_then(|name| world.containers.get_mut(name));
            if let Some(container) = container {
                container.boot_seen = Some(version);
            }
        }
        HookKind::PebbleCustomNotice | HookKind::PebbleCheckFailed | HookKind::PebbleCheckRecovered => {
            forget_workload_event(world, hook);
        }
        HookKind::SecretChanged
        | HookKind::SecretRotate
        | HookKind::SecretExpired
        | HookKind::SecretRemove => {
            let makes_revisions = !world.has_told_secrets;
            if let Some(secret) = hook.secret_id.as_ref().and_then(|id| world.secrets.get_mut(id)) {
                commit_of_secret(secret, hook, version, makes_revisions);
            }
        }
        HookKind::PreSeriesUpgrade => world.series_upgrade = SeriesUpgrade::Paused,
        HookKind::PostSeriesUpgrade => world.series_upgrade = SeriesUpgrade::None,
        // These change nothing that the order of hooks depends on. The agent's own loop
        // runs neither metrics nor the meter's status, and nobody runs leader-deposed.
        HookKind::UpdateStatus
        | HookKind::LeaderElected
        | HookKind::LeaderDeposed
        | HookKind::Action
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged => {}
    }
}

/// Takes the notice or change that the hook was about off its container's list. A container
/// that is ready again is none of these.
pub(super) fn forget_workload_event(world: &mut World, hook: &Hook) {
    let Some(name) = &hook.subject else { return };
    let is_first = |container: &Container| {
        container.events.front().is_some_and(|event| hooks::of_workload_event(name, event) == *hook)
    };
    if let Some(container) = world.containers.get_mut(name).filter(|container| is_first(container)) {
        let event = container.events.pop_front();
        container.told.retain(|told| Some(told) != event.as_ref());
        container.told.extend(event);
    }
}

fn commit_of_relation(world: &mut World, hook: &Hook, version: u64) {
    let Some(id) = hook.relation_id else { return };
    let is_alive = world.life == Life::Alive;
    let Some(relation) = world.relation_mut(id) else { return };
    if hook.kind == HookKind::RelationBroken {
        if relation.is_dying || !is_alive {
            world.relations.remove(&id);
        } else {
            // R33: it is suspended, or was until now, and is entered anew when it goes on.
            relation.created = false;
            relation.was_left = true;
            relation.app_version_seen = 0;
        }
        return;
    }
    if hook.kind == HookKind::RelationCreated {
        relation.created = true;
        return;
    }
    match &hook.remote {
        Remote::Unit(unit) => commit_of_unit(relation, hook.kind, unit, version),
        Remote::Application => relation.app_version_seen = version,
        // The resolver names whom a hook is about.
        Remote::Unknown => {}
    }
}

fn commit_of_unit(relation: &mut Relation, kind: HookKind, unit: &Name, version: u64) {
    if kind == HookKind::RelationDeparted {
        relation.members.remove(unit);
        return;
    }
    relation.members.insert(unit.clone(), version);
    // R31: whoever joined gets a `changed`, before anything else of the relation.
    relation.changed_pending = (kind == HookKind::RelationJoined).then(|| unit.clone());
}

fn commit_of_secret(secret: &mut Secret, hook: &Hook, version: u64, makes_revisions: bool) {
    secret.consumed = if hook.kind == HookKind::SecretChanged { version } else { secret.consumed };
    // The charm makes a new revision when it is told to rotate, so that it is told once. With
    // real charms, whoever runs them says whether it has.
    if hook.kind == HookKind::SecretRotate {
        secret.rotation_due = false;
        secret.latest += u64::from(makes_revisions);
    }
    let Some(revision) = hook.secret_revision else { return };
    if hook.kind == HookKind::SecretExpired {
        secret.expired.remove(&revision);
    } else if hook.kind == HookKind::SecretRemove {
        // R87: once for each revision.
        secret.unused.insert(revision, true);
    }
}
