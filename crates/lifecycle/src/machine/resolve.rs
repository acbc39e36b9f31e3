//! The resolver: the first entry of the agent's list that applies.
//!
//! The order of the checks is the order of Juju's resolvers (worker/uniter/resolver.go).
//! Where several hooks are alike to it, it walks a Go map, whose order is random.

use super::hooks;
use crate::vocabulary::{Hook, HookKind, JujuVersion, Name, Platform, Remote};
use crate::world::{
    Hint, Life, Operation, Relation, RelationStep, SecretOwner, SeriesUpgrade, Storage, World,
};

/// What the agent does next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// It runs a hook, or an action.
    Run(Hook),
    /// It gives leadership back, which no hook tells.
    Resign,
    /// It forgets the failed hook, which leadership took away meanwhile.
    Drop,
    /// Its process ends, as it was told to.
    Exit,
    /// It says that the unit is dead.
    Die,
    /// It has nothing to do, or cannot do it yet.
    Wait,
}

/// Returns what the agent does next. `choice` decides where Juju's order is random.
pub fn next_hook(world: &World, choice: u32) -> Next {
    let agent = &world.agent;
    match world.life {
        Life::Undeployed | Life::Dead => return Next::Wait,
        Life::Alive | Life::Dying => {}
    }
    if !agent.is_up || agent.running.is_some() {
        return Next::Wait;
    }
    if agent.removed {
        return Next::Die;
    }
    match &agent.operation {
        Operation::Continue => next_when_free(world, choice),
        Operation::Queued(hook) => next_in_shutdown(world).unwrap_or_else(|| Next::Run(hook.clone())),
        Operation::Failed(hook) => {
            // A1: actions run while a hook is in error. One that is about to be tried
            // again leaves them no time.
            let action = world.actions.front().filter(|_| !agent.retry_due);
            if let Some(action) = action {
                return Next::Run(hooks::of_action(action));
            }
            if let Some(next) = next_in_shutdown(world) {
                return next;
            }
            match (agent.retry_due, is_overtaken(world, hook)) {
                (false, _) => Next::Wait,
                (true, true) => Next::Drop,
                (true, false) => Next::Run(hook.clone()),
            }
        }
    }
}

/// R57: the leader's hooks are not run by a unit that no longer leads.
fn is_overtaken(world: &World, hook: &Hook) -> bool {
    let is_of_application = || {
        let secret = hook.secret_id.as_ref().and_then(|id| world.secrets.get(id));
        secret.is_some_and(|secret| secret.owner == SecretOwner::Application)
    };
    let is_for_leader = match hook.kind {
        HookKind::LeaderElected => true,
        HookKind::SecretRotate | HookKind::SecretExpired | HookKind::SecretRemove => is_of_application(),
        HookKind::Install
        | HookKind::Start
        | HookKind::ConfigChanged
        | HookKind::UpgradeCharm
        | HookKind::Stop
        | HookKind::Remove
        | HookKind::UpdateStatus
        | HookKind::LeaderSettingsChanged
        | HookKind::LeaderDeposed
        | HookKind::RelationCreated
        | HookKind::RelationJoined
        | HookKind::RelationChanged
        | HookKind::RelationDeparted
        | HookKind::RelationBroken
        | HookKind::StorageAttached
        | HookKind::StorageDetaching
        | HookKind::PebbleReady
        | HookKind::PebbleCustomNotice
        | HookKind::PebbleCheckFailed
        | HookKind::PebbleCheckRecovered
        | HookKind::SecretChanged
        | HookKind::Action
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged
        | HookKind::PreSeriesUpgrade
        | HookKind::PostSeriesUpgrade => false,
    };
    is_for_leader && !world.holds_lease
}

/// Returns all that the agent may do next, where Juju's own order is random, each with a
/// number that makes [`next_hook`] choose it.
pub fn next_hooks(world: &World) -> Vec<(u32, Next)> {
    let mut found: Vec<(u32, Next)> = Vec::new();
    for choice in choices(world) {
        let next = next_hook(world, choice);
        if !found.iter().any(|(_, known)| *known == next) {
            found.push((choice, next));
        }
    }
    found
}

/// Returns a number that makes [`next_hook`] choose the hook, if there is one.
pub fn choice_of(world: &World, hook: &Hook) -> Option<u32> {
    let mut ahead;
    let mut world = world;
    while let next @ (Next::Resign | Next::Drop) = next_hook(world, 0) {
        ahead = world.clone();
        pass(&mut ahead, &next);
        world = &ahead;
    }
    choices(world).find(|choice| matches!(next_hook(world, *choice), Next::Run(next) if next == *hook))
}

/// Does what the agent does on its way to a hook, without telling anybody.
pub(super) fn pass(world: &mut World, next: &Next) {
    match next {
        Next::Resign => {
            world.agent.leader = false;
            // The unit has not seen what the next leader says (R54).
            world.agent.settings_seen = false;
        }
        // R57: what was to be tried again is no longer this unit's.
        Next::Drop => world.agent.operation = Operation::Continue,
        Next::Run(_) | Next::Exit | Next::Die | Next::Wait => {}
    }
}

/// Returns numbers among which each option of each size of choice is met.
fn choices(world: &World) -> impl Iterator<Item = u32> {
    let containers = 2 * world.containers.len();
    let most = world.relations.len().max(world.storages.len()).max(containers).max(1) as u64;
    // The least number that `choose` maps to the index. All that one size is asked for are
    // met before the next size, and the whole is what is there most often.
    (1..=most).rev().flat_map(|count| {
        (0..count).map(move |index| u32::try_from((index << 32).div_ceil(count)).unwrap_or(u32::MAX))
    })
}

fn next_when_free(world: &World, choice: u32) -> Next {
    let agent = &world.agent;
    // R95: a unit whose series is upgraded waits, reboots included.
    match world.series_upgrade {
        SeriesUpgrade::Preparing => return run(HookKind::PreSeriesUpgrade),
        SeriesUpgrade::Paused => return Next::Wait,
        SeriesUpgrade::Completing => return run(HookKind::PostSeriesUpgrade),
        SeriesUpgrade::None => {}
    }
    if agent.owes_start {
        return run(HookKind::Start);
    }
    if let Some(hook) = relation_created(world, choice) {
        return Next::Run(hook);
    }
    if let Some(next) = leadership(world) {
        return next;
    }
    if let Some(hook) = workload_event(world, choice).or_else(|| secret(world)) {
        return Next::Run(hook);
    }
    if let Some(action) = world.actions.front().filter(|_| agent.installed) {
        return Next::Run(hooks::of_action(action));
    }
    if let Some(hook) = storage(world, choice) {
        return Next::Run(hook);
    }
    if let Some(next) = next_in_shutdown(world) {
        return next;
    }
    if world.life == Life::Dying { next_when_dying(world, choice) } else { next_when_alive(world, choice) }
}

fn run(kind: HookKind) -> Next {
    Next::Run(Hook::of_kind(kind))
}

/// Returns which of `options` it is; all of them are as likely.
fn choose<I: Iterator + Clone>(mut options: I, choice: u32) -> Option<I::Item> {
    let count = options.clone().count();
    if count == 0 {
        return None;
    }
    let index = (u64::from(choice) * count as u64) >> 32;
    options.nth(index as usize)
}

/// R10: relations that the unit has not entered yet come before all else of a living unit.
fn relation_created(world: &World, choice: u32) -> Option<Hook> {
    if !world.agent.installed || world.life != Life::Alive {
        return None;
    }
    let new = world
        .relations
        .iter()
        .filter(|(_, relation)| !relation.created && !relation.is_dying && !relation.is_suspended);
    let (id, relation) = choose(new, choice)?;
    // R30: it is about the relation, so no unit is named.
    Some(hooks::of_relation(HookKind::RelationCreated, *id, relation, Remote::Application))
}

fn leadership(world: &World) -> Option<Next> {
    let agent = &world.agent;
    let is_dying = world.life == Life::Dying;
    if agent.leader && (!world.holds_lease || is_dying) {
        return Some(Next::Resign);
    }
    if !agent.installed || is_dying || agent.leader {
        return None;
    }
    if world.holds_lease {
        return Some(run(HookKind::LeaderElected));
    }
    // R54, R55: what a unit that does not lead has seen is forgotten with its agent.
    let hears_of_settings = world.profile.version < JujuVersion::V4_0;
    (hears_of_settings && !agent.settings_seen).then(|| run(HookKind::LeaderSettingsChanged))
}

fn workload_event(world: &World, choice: u32) -> Option<Hook> {
    if !world.agent.installed {
        return None;
    }
    let options = world.containers.iter().flat_map(|(name, container)| {
        let is_new = container.boot_seen != Some(container.boot);
        let ready = is_new.then_some((name, None));
        // The notices of one container come in their order (R84).
        let told = container.events.front().map(|event| (name, Some(event)));
        ready.into_iter().chain(told)
    });
    let (name, event) = choose(options, choice)?;
    Some(event.map_or_else(|| hooks::pebble_ready(name), |event| hooks::of_workload_event(name, event)))
}

/// R86, R88: expired, rotate, changed, remove. Secrets of the application are the leader's.
fn secret(world: &World) -> Option<Hook> {
    if world.secrets.is_empty() || !world.agent.installed || world.life != Life::Alive {
        return None;
    }
    // The first secret of each kind of news, since one kind comes before another whatever the secret.
    let (mut rotated, mut changed, mut unused) = (None, None, None);
    for (id, secret) in &world.secrets {
        let is_own = match secret.owner {
            SecretOwner::Unit => true,
            SecretOwner::Application => world.agent.leader,
            SecretOwner::Remote => false,
        };
        if is_own {
            if let Some(revision) = secret.expired.first() {
                return Some(hooks::of_secret(HookKind::SecretExpired, id, Some(*revision)));
            }
            if secret.rotation_due {
                rotated = rotated.or(Some((HookKind::SecretRotate, id, None)));
            }
            if let Some((revision, _)) = secret.unused.iter().find(|(_, told)| !**told) {
                unused = unused.or(Some((HookKind::SecretRemove, id, Some(*revision))));
            }
        }
        if (secret.owner == SecretOwner::Remote || secret.is_read) && secret.consumed < secret.latest {
            changed = changed.or(Some((HookKind::SecretChanged, id, None)));
        }
    }
    let (kind, id, revision) = rotated.or(changed).or(unused)?;
    Some(hooks::of_secret(kind, id, revision))
}

/// R20, R21: on a machine the storage comes before `install`, on Kubernetes after it.
fn storage(world: &World, choice: u32) -> Option<Hook> {
    if world.is_on(Platform::Kubernetes) && !world.agent.installed {
        return None;
    }
    let in_state = |state: Storage| {
        let found = world.storages.iter().filter(move |(_, storage)| **storage == state);
        found.map(|(id, _)| id)
    };
    let dying = choose(in_state(Storage::Dying), choice);
    let detaching = dying.map(|id| hooks::of_storage(HookKind::StorageDetaching, id));
    detaching.or_else(|| {
        let id = choose(in_state(Storage::Provisioned), choice)?;
        Some(hooks::of_storage(HookKind::StorageAttached, id))
    })
}

/// R66: a pod that was told to go runs `stop` and nothing that was queued.
fn next_in_shutdown(world: &World) -> Option<Next> {
    let agent = &world.agent;
    if !agent.is_shutting_down {
        return None;
    }
    let stops = world.life == Life::Alive && agent.started && !agent.stopped;
    Some(if stops { run(HookKind::Stop) } else { Next::Exit })
}

/// R70: relations, `stop`, `remove`.
fn next_when_dying(world: &World, choice: u32) -> Next {
    let agent = &world.agent;
    if !agent.installed {
        return Next::Die;
    }
    if let Some(hook) = relation_hook(world, choice) {
        Next::Run(hook)
    } else if agent.started && !agent.stopped {
        run(HookKind::Stop)
    } else {
        run(HookKind::Remove)
    }
}

fn next_when_alive(world: &World, choice: u32) -> Next {
    let agent = &world.agent;
    if !agent.installed {
        return run(HookKind::Install);
    }
    if agent.charm_version != world.charm_version {
        return run(HookKind::UpgradeCharm);
    }
    if agent.config_seen != Some(world.config_version) {
        return run(HookKind::ConfigChanged);
    }
    if let Some(hook) = relation_hook(world, choice) {
        return Next::Run(hook);
    }
    let is_idle = agent.started && !agent.stopped;
    if is_idle && world.timer_ticked { run(HookKind::UpdateStatus) } else { Next::Wait }
}

/// The next hook of some relation. Juju 3.6 serves peers last, other lines do not.
fn relation_hook(world: &World, choice: u32) -> Option<Hook> {
    let outlook = Outlook::of(world);
    let next = |(id, relation)| Some((id, relation, next_of_relation(outlook, relation)?));
    let options = || world.relations.iter().filter_map(next);
    let others = || options().filter(|(_, relation, _)| !relation.is_peer());
    let first = if world.profile.version == JujuVersion::V3_6 { choose(others(), choice) } else { None };
    let (id, relation, step) = first.or_else(|| choose(options(), choice))?;
    let remote = step.unit.clone().map_or(Remote::Application, Remote::Unit);
    let hook = hooks::of_relation(step.kind, *id, relation, remote);
    // R43: who leaves is the remote unit, unless this one does.
    let departing = if world.life == Life::Dying { Some(world.unit.clone()) } else { step.unit };
    Some(Hook { departing_unit: departing.filter(|_| step.kind == HookKind::RelationDeparted), ..hook })
}

/// Remembers what relations need next, until they change.
pub(super) fn look_at_relations(world: &mut World) {
    let outlook = Outlook::of(world);
    if outlook.is_alive {
        for relation in world.relations.values_mut() {
            if let Hint::Unknown = relation.hint {
                relation.hint = Hint::Known(find_next_of_relation(outlook, relation));
            }
        }
    }
}

/// What of the unit a relation depends on.
#[derive(Clone, Copy)]
struct Outlook {
    is_alive: bool,
    /// The agent no longer knows which relations are with peers.
    forgot_peers: bool,
}

impl Outlook {
    fn of(world: &World) -> Self {
        // Whether a peer relation would be broken after `stop`, too, nobody has seen.
        let forgot_peers = world.agent.forgot_peers && !world.agent.stopped;
        Self { is_alive: world.life == Life::Alive, forgot_peers }
    }
}

/// The next hook of one relation, which may have been found before.
fn next_of_relation(outlook: Outlook, relation: &Relation) -> Option<RelationStep> {
    match &relation.hint {
        Hint::Known(step) if outlook.is_alive => step.clone(),
        Hint::Known(_) | Hint::Unknown => find_next_of_relation(outlook, relation),
    }
}

/// Finds the next hook of one relation (relation/resolver.go): a pending `changed`,
/// `departed`, `broken`, the application's data, `joined`, the units' data.
fn find_next_of_relation(outlook: Outlook, relation: &Relation) -> Option<RelationStep> {
    if !relation.created {
        return None;
    }
    let of_unit = |kind, unit: &Name| Some(RelationStep { kind, unit: Some(unit.clone()) });
    if let Some(unit) = &relation.changed_pending {
        return of_unit(HookKind::RelationChanged, unit);
    }
    let is_over = relation.is_dying || relation.is_suspended || !outlook.is_alive;
    let leaves = |unit: &&Name| is_over || !relation.remote_units.contains_key(*unit);
    if let Some(unit) = relation.members.keys().find(leaves) {
        return of_unit(HookKind::RelationDeparted, unit);
    }
    if is_over {
        // R46: peers are left without a word, unless the agent forgot that they are peers.
        let is_peer = relation.is_peer() && !outlook.forgot_peers;
        return (!is_peer).then_some(RelationStep { kind: HookKind::RelationBroken, unit: None });
    }
    if relation.app_version != relation.app_version_seen {
        return Some(RelationStep { kind: HookKind::RelationChanged, unit: None });
    }
    let is_new = |unit: &&Name| !relation.members.contains_key(*unit);
    if let Some(unit) = relation.remote_units.keys().find(is_new) {
        return of_unit(HookKind::RelationJoined, unit);
    }
    let has_news = |(unit, version): &(&Name, &u64)| relation.members.get(*unit) != Some(*version);
    let (unit, _) = relation.remote_units.iter().find(has_news)?;
    of_unit(HookKind::RelationChanged, unit)
}
