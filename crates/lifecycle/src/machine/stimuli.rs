//! Applies a stimulus to the world, or says why it is impossible.

use std::sync::Arc;

use smol_str::ToSmolStr;

use super::restart::{Comeback, come_back, die};
use super::{Effect, Effects, IllegalEvent, commit};
use crate::stimulus::{EXEC_ACTION, Stimulus};
use crate::vocabulary::{HookKind, JujuVersion, Marker, Name, Platform};
use crate::world::{
    Container, Life, Operation, Relation, Role, Secret, SecretOwner, SeriesUpgrade, Storage, WorkloadEvent,
    World,
};

type Applied = Result<(), IllegalEvent>;

pub(super) fn apply(world: &mut World, stimulus: Stimulus, effects: &mut Effects<'_>) -> Applied {
    match (&stimulus, world.life) {
        (Stimulus::Deploy { .. }, Life::Undeployed) => {}
        (Stimulus::Deploy { .. }, Life::Alive | Life::Dying | Life::Dead) => {
            return Err(IllegalEvent::AlreadyDeployed);
        }
        (_, Life::Undeployed) => return Err(IllegalEvent::NotDeployed),
        (_, Life::Dead) => return Err(IllegalEvent::UnitGone),
        (_, Life::Alive | Life::Dying) => {}
    }
    match stimulus {
        Stimulus::Deploy { leads, first_relation, first_storage } => {
            deploy(world, leads, first_relation, first_storage);
            effects.push(Effect::Mark(Marker::AgentStarted));
            Ok(())
        }
        Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint: _ } => {
            integrate(world, relation, endpoint, remote_app)
        }
        Stimulus::RemoveRelation { relation } => remove_relation(world, relation),
        Stimulus::SuspendRelation { relation } => {
            let relation = living_relation(world, relation)?;
            if relation.is_peer() {
                return Err(IllegalEvent::PeerRelation(relation.endpoint.clone()));
            }
            let was_suspended = std::mem::replace(&mut relation.is_suspended, true);
            (!was_suspended).then_some(()).ok_or(IllegalEvent::NothingChanges)
        }
        Stimulus::ResumeRelation { relation } => {
            let relation = living_relation(world, relation)?;
            let was_suspended = std::mem::replace(&mut relation.is_suspended, false);
            was_suspended.then_some(()).ok_or(IllegalEvent::NothingChanges)
        }
        Stimulus::RemoteUnitJoins { relation, unit } => remote_unit_joins(world, relation, unit),
        Stimulus::RemoteUnitLeaves { relation, unit } => {
            let left = living_relation(world, relation)?.remote_units.remove(&unit);
            left.map(drop).ok_or_else(|| unknown("remote unit", &unit))
        }
        Stimulus::RemoteUnitWrites { relation, unit } => {
            let version = living_relation(world, relation)?.remote_units.get_mut(&unit);
            *version.ok_or_else(|| unknown("remote unit", &unit))? += 1;
            Ok(())
        }
        Stimulus::RemoteAppWrites { relation } => {
            living_relation(world, relation)?.app_version += 1;
            Ok(())
        }
        Stimulus::UnitWrites { relation } => in_scope(world, relation).map(drop),
        Stimulus::AppWrites { relation } => {
            // The lease decides, which a unit may hold before it is told so by `leader-elected`: what it
            // writes in `relation-created`, which comes first (R15), is heard as well.
            let (leads, has_quirks) = (world.holds_lease || world.agent.leader, world.has_quirks);
            let relation = in_scope(world, relation)?;
            if !leads {
                return Err(IllegalEvent::NotLeader);
            }
            // R37: the leader is told of what it wrote itself.
            relation.app_version += u64::from(has_quirks && relation.is_peer());
            Ok(())
        }
        Stimulus::ConfigChanges => {
            world.config_version += 1;
            Ok(())
        }
        Stimulus::LeadershipGained => set_lease(world, true),
        Stimulus::LeadershipLost => set_lease(world, false),
        Stimulus::LeaderSettingsWritten => {
            let version = world.profile.version;
            if version >= JujuVersion::V4_0 {
                return Err(IllegalEvent::NotInVersion(version));
            }
            world.agent.settings_seen = false;
            Ok(())
        }
        Stimulus::StorageAdded { storage_id } => storage_added(world, storage_id),
        Stimulus::StorageDetached { storage_id } => detach_storage(world, &storage_id),
        Stimulus::ContainerRestarts { container } => {
            // Checks begin anew with Pebble, and what it did not tell yet is forgotten.
            let container = workload(world, &container)?;
            *container = Container {
                boot: container.boot + 1,
                boot_seen: container.boot_seen,
                ..Container::default()
            };
            Ok(())
        }
        Stimulus::CustomNotice { container, key } => {
            has_version(world, JujuVersion::V3_4)?;
            workload(world, &container)?.events.push_back(WorkloadEvent::CustomNotice(key));
            Ok(())
        }
        Stimulus::CheckFails { container, check } => {
            has_version(world, JujuVersion::V3_6)?;
            let container = workload(world, &container)?;
            if !container.failing_checks.insert(check.clone()) {
                return Err(IllegalEvent::NothingChanges);
            }
            container.events.push_back(WorkloadEvent::CheckFailed(check));
            Ok(())
        }
        Stimulus::CheckRecovers { container, check } => {
            has_version(world, JujuVersion::V3_6)?;
            let container = workload(world, &container)?;
            if !container.failing_checks.remove(&check) {
                return Err(IllegalEvent::NothingChanges);
            }
            container.events.push_back(WorkloadEvent::CheckRecovered(check));
            Ok(())
        }
        Stimulus::SecretAdded { secret_id, owner } => add_secret(world, secret_id, owner),
        Stimulus::SecretRevised { secret_id } => {
            let secret = world.secrets.get_mut(&secret_id);
            secret.ok_or_else(|| unknown("secret", &secret_id))?.latest += 1;
            Ok(())
        }
        Stimulus::SecretRotationDue { secret_id } => {
            let secret = own_secret(world, &secret_id)?;
            if secret.rotation_due {
                return Err(IllegalEvent::NothingChanges);
            }
            secret.rotation_due = true;
            Ok(())
        }
        Stimulus::SecretExpires { secret_id, revision } => {
            let secret = own_secret(world, &secret_id)?;
            let is_there = (1..=secret.latest).contains(&u64::from(revision));
            if !is_there || secret.unused.contains_key(&revision) {
                return Err(unknown("revision", &revision.to_smolstr()));
            }
            secret.expired.insert(revision).then_some(()).ok_or(IllegalEvent::NothingChanges)
        }
        Stimulus::SecretUnused { secret_id, revision } => {
            let secret = own_secret(world, &secret_id)?;
            // The latest revision is not superseded, so it is in use.
            if !(1..secret.latest).contains(&u64::from(revision)) {
                return Err(unknown("superseded revision", &revision.to_smolstr()));
            }
            if secret.unused.contains_key(&revision) {
                return Err(IllegalEvent::NothingChanges);
            }
            secret.expired.remove(&revision);
            secret.unused.insert(revision, false);
            Ok(())
        }
        Stimulus::ActionRuns { action } => {
            if !world.charm.actions.contains(&action) && action != EXEC_ACTION {
                return Err(unknown("action", &action));
            }
            world.actions.push_back(action);
            Ok(())
        }
        Stimulus::Refresh { forced } => {
            is_alive(world)?;
            world.charm_version += 1;
            if forced && matches!(world.agent.operation, Operation::Failed(_)) {
                // R53: the code is swapped below the failed hook, and no hook tells of it.
                world.agent.charm_version = world.charm_version;
            }
            Ok(())
        }
        Stimulus::AgentRestarts => {
            is_up(world)?;
            die(world, effects);
            come_back(world, Comeback::SamePlace, effects);
            Ok(())
        }
        Stimulus::MachineReboots => {
            is_on(world, Platform::Machine)?;
            die(world, effects);
            come_back(world, Comeback::Rebooted, effects);
            Ok(())
        }
        Stimulus::CharmReboots { now } => {
            is_on(world, Platform::Machine)?;
            match &world.agent.running {
                None => return Err(IllegalEvent::NoHookRuns),
                // R62: an action may not.
                Some(running) if running.hook.kind == HookKind::Action => {
                    return Err(IllegalEvent::ActionRuns);
                }
                Some(_) => {}
            }
            if now {
                die(world, effects);
                come_back(world, Comeback::Rebooted, effects);
            } else {
                world.agent.reboots_after_hook = true;
            }
            Ok(())
        }
        Stimulus::PodTerminated => {
            is_on(world, Platform::Kubernetes)?;
            is_up(world)?;
            world.agent.is_shutting_down = true;
            effects.push(Effect::Mark(Marker::AgentStopping));
            Ok(())
        }
        Stimulus::PodLost => {
            is_on(world, Platform::Kubernetes)?;
            if !world.agent.is_up {
                return Err(IllegalEvent::AgentDown);
            }
            die(world, effects);
            Ok(())
        }
        Stimulus::PodStarted => {
            is_on(world, Platform::Kubernetes)?;
            if world.agent.is_up {
                return Err(IllegalEvent::AgentUp);
            }
            come_back(world, Comeback::NewPod, effects);
            Ok(())
        }
        Stimulus::SeriesUpgradePrepared => {
            is_on(world, Platform::Machine)?;
            if world.profile.version >= JujuVersion::V4_0 {
                return Err(IllegalEvent::NotInVersion(world.profile.version));
            }
            is_alive(world)?;
            if !world.agent.started {
                return Err(IllegalEvent::NotYet(HookKind::Start));
            }
            if world.series_upgrade != SeriesUpgrade::None {
                return Err(IllegalEvent::SeriesUpgrading);
            }
            world.series_upgrade = SeriesUpgrade::Preparing;
            Ok(())
        }
        Stimulus::SeriesUpgradeCompleted => {
            if world.series_upgrade != SeriesUpgrade::Paused {
                return Err(IllegalEvent::NotYet(HookKind::PreSeriesUpgrade));
            }
            world.series_upgrade = SeriesUpgrade::Completing;
            Ok(())
        }
        Stimulus::Retry => {
            is_in_error(world)?;
            world.agent.retry_due = true;
            Ok(())
        }
        Stimulus::ResolveWithoutRetry => resolve_without_retry(world, effects),
        Stimulus::TimePasses => {
            if is_in_error(world).is_ok() {
                world.agent.retry_due = true;
            } else {
                world.timer_ticked = true;
            }
            Ok(())
        }
        Stimulus::RemoveUnit => remove_unit(world),
    }
}

fn unknown(what: &'static str, name: &str) -> IllegalEvent {
    IllegalEvent::Unknown { what, name: name.into() }
}

fn is_alive(world: &World) -> Applied {
    if world.life == Life::Alive { Ok(()) } else { Err(IllegalEvent::UnitDying) }
}

fn is_on(world: &World, platform: Platform) -> Applied {
    let is_on = world.is_on(platform);
    is_on.then_some(()).ok_or(IllegalEvent::NotOnPlatform(world.profile.platform))
}

fn has_version(world: &World, first: JujuVersion) -> Applied {
    let version = world.profile.version;
    (version >= first).then_some(()).ok_or(IllegalEvent::NotInVersion(version))
}

/// A process that was told to go does not restart by itself, nor is it told twice.
fn is_up(world: &World) -> Applied {
    let is_up = world.agent.is_up && !world.agent.is_shutting_down;
    is_up.then_some(()).ok_or(IllegalEvent::AgentDown)
}

/// R92: only a hook that failed and is not being tried again can be resolved.
fn is_in_error(world: &World) -> Applied {
    let agent = &world.agent;
    let is_failed = matches!(agent.operation, Operation::Failed(_)) && !agent.retry_due;
    (is_failed && agent.is_up).then_some(()).ok_or(IllegalEvent::NoHookFailed)
}

fn deploy(world: &mut World, leads: bool, first_relation: u32, first_storage: u32) {
    world.life = Life::Alive;
    world.holds_lease = leads;
    world.agent.is_up = true;
    world.next_relation = first_relation;
    world.next_storage = first_storage;
    let application = world.application().clone();
    let charm = Arc::clone(&world.charm);
    for endpoint in charm.endpoints.iter().filter(|endpoint| endpoint.role == Role::Peer) {
        let relation = Relation::new(endpoint.name.clone(), endpoint.role, application.clone());
        world.relations.insert(world.next_relation, relation);
        world.next_relation += 1;
    }
    for storage in &charm.storages {
        for _ in 0..storage.minimum {
            let storage_id = storage.name.numbered(world.next_storage);
            world.storages.insert(storage_id, Storage::Provisioned);
            world.next_storage += 1;
        }
    }
    if world.is_on(Platform::Kubernetes) {
        let names = world.charm.containers.iter();
        world.containers = names.map(|name| (name.clone(), Container::default())).collect();
    }
}

/// Adds an instance, which has a number that none had before.
fn storage_added(world: &mut World, storage_id: Name) -> Applied {
    is_alive(world)?;
    let (name, number) = storage_id.split_once('/').ok_or_else(|| unknown("storage", &storage_id))?;
    let number: u32 = number.parse().map_err(|_| unknown("storage", &storage_id))?;
    let kind = world.charm.storage(name).ok_or_else(|| unknown("storage", name))?;
    if number < world.next_storage {
        return Err(IllegalEvent::UsedBefore(storage_id.as_str().into()));
    }
    let is_of_kind = |id: &&Name| id.split('/').next() == Some(name);
    let count = world.storages.keys().filter(is_of_kind).count();
    if kind.maximum.is_some_and(|maximum| count >= maximum as usize) {
        return Err(IllegalEvent::Full { what: "storage", name: kind.name.clone() });
    }
    world.next_storage = number + 1;
    world.storages.insert(storage_id, Storage::Provisioned);
    Ok(())
}

/// Returns a relation that the unit has entered and not left.
fn in_scope(world: &mut World, id: u32) -> Result<&mut Relation, IllegalEvent> {
    let relation = world.relation_mut(id).filter(|relation| relation.created);
    relation.ok_or_else(|| unknown("relation", &id.to_smolstr()))
}

fn living_relation(world: &mut World, id: u32) -> Result<&mut Relation, IllegalEvent> {
    let relation = world.relation_mut(id).filter(|relation| !relation.is_dying);
    relation.ok_or_else(|| unknown("relation", &id.to_smolstr()))
}

fn integrate(world: &mut World, id: u32, endpoint: Name, remote_app: Name) -> Applied {
    is_alive(world)?;
    let declared = world.charm.endpoint(&endpoint).ok_or_else(|| unknown("endpoint", &endpoint))?;
    let (role, limit, is_container_scoped) = (declared.role, declared.limit, declared.is_container_scoped);
    if role == Role::Peer {
        return Err(IllegalEvent::PeerRelation(endpoint));
    }
    if id < world.next_relation {
        return Err(IllegalEvent::UsedBefore(id.to_smolstr()));
    }
    let is_there = world.relations.values().any(|relation| {
        !relation.is_dying && relation.endpoint == endpoint && relation.remote_app == remote_app
    });
    if is_there {
        return Err(IllegalEvent::NothingChanges);
    }
    // One that is on its way out counts until the unit has left it (state/application.go,
    // `establishedRelationCount`, goes through all relations that are still there).
    let is_there = |relation: &Relation| !relation.is_dying || relation.created;
    let of_endpoint = |relation: &&Relation| relation.endpoint == endpoint && is_there(relation);
    let count = world.relations.values().filter(of_endpoint).count();
    if limit.is_some_and(|limit| count >= limit as usize) {
        return Err(IllegalEvent::Full { what: "endpoint", name: endpoint });
    }
    world.next_relation = id + 1;
    let relation = Relation::new(endpoint, role, remote_app);
    world.relations.insert(id, Relation { is_container_scoped, ..relation });
    Ok(())
}

fn remove_relation(world: &mut World, id: u32) -> Applied {
    let relation = living_relation(world, id)?;
    if relation.is_peer() {
        return Err(IllegalEvent::PeerRelation(relation.endpoint.clone()));
    }
    relation.is_dying = true;
    Ok(())
}

fn remote_unit_joins(world: &mut World, id: u32, unit: Name) -> Applied {
    let own = world.unit.clone();
    let relation = living_relation(world, id)?;
    let is_of_application =
        unit.strip_prefix(&*relation.remote_app).is_some_and(|number| number.starts_with('/'));
    // R45: a unit never joins itself.
    if !is_of_application || unit == own {
        return Err(unknown("remote unit", &unit));
    }
    if relation.remote_units.contains_key(&unit) {
        return Err(IllegalEvent::NothingChanges);
    }
    // R49: there is one unit on the other side, the one beside this one.
    if relation.is_container_scoped && !relation.remote_units.is_empty() {
        return Err(IllegalEvent::Full { what: "endpoint", name: relation.endpoint.clone() });
    }
    relation.remote_units.insert(unit, 1);
    Ok(())
}

fn set_lease(world: &mut World, holds: bool) -> Applied {
    if world.holds_lease == holds {
        return Err(IllegalEvent::NothingChanges);
    }
    if holds {
        is_alive(world)?;
    }
    world.holds_lease = holds;
    Ok(())
}

fn detach_storage(world: &mut World, storage_id: &Name) -> Applied {
    is_alive(world)?;
    // R28: Kubernetes refuses it; there, storage goes with its unit.
    is_on(world, Platform::Machine)?;
    match world.storages.get(storage_id) {
        Some(Storage::Provisioned | Storage::Attached) => {}
        Some(Storage::Leaving | Storage::Dying) => return Err(IllegalEvent::NothingChanges),
        None => return Err(unknown("storage", storage_id)),
    }
    release_storage(world, storage_id);
    Ok(())
}

/// R24: what the unit was never told of goes without a hook.
fn release_storage(world: &mut World, storage_id: &Name) {
    let is_under_way = match &world.agent.operation {
        Operation::Continue => false,
        Operation::Queued(hook) | Operation::Failed(hook) => {
            hook.kind == HookKind::StorageAttached && hook.storage_id.as_ref() == Some(storage_id)
        }
    };
    let Some(storage) = world.storages.get_mut(storage_id) else { return };
    match *storage {
        Storage::Attached => *storage = Storage::Dying,
        Storage::Provisioned if is_under_way => *storage = Storage::Leaving,
        Storage::Provisioned => drop(world.storages.remove(storage_id)),
        Storage::Leaving | Storage::Dying => {}
    }
}

fn workload<'world>(world: &'world mut World, name: &Name) -> Result<&'world mut Container, IllegalEvent> {
    is_on(world, Platform::Kubernetes)?;
    if !world.agent.is_up {
        return Err(IllegalEvent::AgentDown);
    }
    world.containers.get_mut(name).ok_or_else(|| unknown("container", name))
}

fn add_secret(world: &mut World, secret_id: Name, owner: SecretOwner) -> Applied {
    has_version(world, JujuVersion::V3_1)?;
    if !world.agent.installed {
        return Err(IllegalEvent::NotYet(HookKind::Install));
    }
    if let Some(known) = world.secrets.get_mut(&secret_id) {
        // A unit may read what is its own; a life without real charms has no such reader.
        let begins_to_read = world.has_told_secrets && owner == SecretOwner::Remote;
        if begins_to_read && known.owner != SecretOwner::Remote && !known.is_read {
            known.is_read = true;
            // It has what it has just read.
            known.consumed = known.latest;
            return Ok(());
        }
        return Err(IllegalEvent::NothingChanges);
    }
    let secret = Secret {
        owner,
        is_read: false,
        latest: 1,
        consumed: 1,
        rotation_due: false,
        expired: std::collections::BTreeSet::new(),
        unused: std::collections::BTreeMap::new(),
    };
    world.secrets.insert(secret_id, secret);
    Ok(())
}

fn own_secret<'world>(
    world: &'world mut World,
    secret_id: &Name,
) -> Result<&'world mut Secret, IllegalEvent> {
    let secret = world.secrets.get_mut(secret_id).filter(|secret| secret.owner != SecretOwner::Remote);
    secret.ok_or_else(|| unknown("own secret", secret_id))
}

fn resolve_without_retry(world: &mut World, effects: &mut Effects<'_>) -> Applied {
    is_in_error(world)?;
    if world.agent.running.is_some() {
        return Err(IllegalEvent::HookRuns);
    }
    if let Operation::Failed(hook) = std::mem::take(&mut world.agent.operation) {
        let version = commit::version_of(world, &hook);
        effects.push(Effect::Mark(Marker::ResolvedWithoutRetry));
        commit::commit(world, &hook, version);
    }
    Ok(())
}

fn remove_unit(world: &mut World) -> Applied {
    is_alive(world)?;
    if world.series_upgrade != SeriesUpgrade::None {
        return Err(IllegalEvent::SeriesUpgrading);
    }
    world.life = Life::Dying;
    let storages: Vec<Name> = world.storages.keys().cloned().collect();
    for storage_id in storages {
        release_storage(world, &storage_id);
    }
    Ok(())
}
