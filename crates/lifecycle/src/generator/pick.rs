//! Which stimulus comes next.

use super::chance::Chance;
use crate::stimulus::{Stimulus, StimulusKind};
use crate::world::{Role, SecretOwner, SeriesUpgrade, World};

/// How often a stimulus that cannot be built is replaced by another one.
const TRIES_MAX: u32 = 8;

/// Remote applications have units up to this number, so that ten and two meet: Juju sorts
/// units as strings (R39).
const REMOTE_UNITS_MAX: u32 = 12;

/// Returns how often a kind happens, compared with the others. Time passes most of all in
/// real life, and teaches least.
fn weight(kind: StimulusKind) -> u32 {
    match kind {
        // The generator does these itself, at the beginning and at the end.
        StimulusKind::Deploy | StimulusKind::RemoveUnit => 0,
        StimulusKind::RemoteUnitJoins => 10,
        StimulusKind::Integrate | StimulusKind::RemoteUnitWrites => 7,
        StimulusKind::RemoteUnitLeaves | StimulusKind::TimePasses | StimulusKind::ConfigChanges => 5,
        StimulusKind::RemoteAppWrites
        | StimulusKind::LeadershipGained
        | StimulusKind::LeadershipLost
        | StimulusKind::ActionRuns => 4,
        StimulusKind::RemoveRelation
        | StimulusKind::Refresh
        | StimulusKind::ContainerRestarts
        | StimulusKind::CustomNotice
        | StimulusKind::CheckFails
        | StimulusKind::CheckRecovers
        | StimulusKind::SecretAdded
        | StimulusKind::SecretRevised
        | StimulusKind::SecretRotationDue
        | StimulusKind::SecretExpires
        | StimulusKind::SecretUnused
        | StimulusKind::Retry => 3,
        StimulusKind::StorageAdded
        | StimulusKind::StorageDetached
        | StimulusKind::AgentRestarts
        | StimulusKind::PodTerminated
        | StimulusKind::PodStarted
        | StimulusKind::MachineReboots
        | StimulusKind::SeriesUpgradeCompleted
        | StimulusKind::ResolveWithoutRetry => 2,
        StimulusKind::PodLost | StimulusKind::SeriesUpgradePrepared => 1,
    }
}

/// Returns the kinds that this life has: each is switched off in one of four lives.
pub(super) fn swarm(chance: &mut Chance, without: &[StimulusKind]) -> Vec<StimulusKind> {
    let mut kinds = Vec::new();
    for kind in StimulusKind::ALL {
        let is_on = chance.happens(750);
        if is_on && !without.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Returns something that can happen to the unit as it is, if a few tries find any.
pub(super) fn stimulus(world: &World, enabled: &[StimulusKind], chance: &mut Chance) -> Option<Stimulus> {
    let all: u32 = enabled.iter().map(|kind| weight(*kind)).sum();
    (0..TRIES_MAX).find_map(|_| {
        let mut left = chance.below(all);
        let kind = enabled.iter().copied().find(|kind| {
            let is_it = left < weight(*kind);
            left = left.saturating_sub(weight(*kind));
            is_it
        })?;
        build(kind, world, chance)
    })
}

/// Returns something that can cut off the hook that runs.
pub(super) fn interruption(world: &World, enabled: &[StimulusKind], chance: &mut Chance) -> Option<Stimulus> {
    const INTERRUPTIONS: [StimulusKind; 4] = [
        StimulusKind::AgentRestarts,
        StimulusKind::PodTerminated,
        StimulusKind::PodLost,
        StimulusKind::MachineReboots,
    ];
    let kind = chance.one_of(INTERRUPTIONS.into_iter().filter(|kind| enabled.contains(kind)))?;
    build(kind, world, chance)
}

pub(super) fn series_upgrade_waits(world: &World) -> bool {
    world.series_upgrade == SeriesUpgrade::Paused
}

fn build(kind: StimulusKind, world: &World, chance: &mut Chance) -> Option<Stimulus> {
    match kind {
        StimulusKind::Deploy => None,
        StimulusKind::Integrate => {
            let endpoints = world.charm.endpoints.iter().filter(|endpoint| endpoint.role != Role::Peer);
            let endpoint = chance.one_of(endpoints)?.name.clone();
            let remote_app = format!("{endpoint}-{}", chance.one_of(["a", "b", "c"])?);
            Some(Stimulus::Integrate { endpoint, remote_app })
        }
        StimulusKind::RemoveRelation => {
            let relations = world.relations.iter().filter(|(_, relation)| !relation.is_peer());
            let relation = chance.one_of(relations.map(|(id, _)| *id))?;
            Some(Stimulus::RemoveRelation { relation })
        }
        StimulusKind::RemoteUnitJoins => {
            let (relation, known) = chance.one_of(&world.relations)?;
            let unit = format!("{}/{}", known.remote_app, chance.below(REMOTE_UNITS_MAX));
            (unit != world.unit).then_some(Stimulus::RemoteUnitJoins { relation: *relation, unit })
        }
        StimulusKind::RemoteUnitLeaves => {
            let (relation, unit) = remote_unit(world, chance)?;
            Some(Stimulus::RemoteUnitLeaves { relation, unit })
        }
        StimulusKind::RemoteUnitWrites => {
            let (relation, unit) = remote_unit(world, chance)?;
            Some(Stimulus::RemoteUnitWrites { relation, unit })
        }
        StimulusKind::RemoteAppWrites => {
            let relation = chance.one_of(world.relations.keys().copied())?;
            Some(Stimulus::RemoteAppWrites { relation })
        }
        StimulusKind::ConfigChanges => Some(Stimulus::ConfigChanges),
        StimulusKind::LeadershipGained => Some(Stimulus::LeadershipGained),
        StimulusKind::LeadershipLost => Some(Stimulus::LeadershipLost),
        StimulusKind::StorageAdded => {
            let storage = chance.one_of(&world.charm.storages)?.clone();
            Some(Stimulus::StorageAdded { storage })
        }
        StimulusKind::StorageDetached => {
            let storage_id = chance.one_of(world.storages.keys())?.clone();
            Some(Stimulus::StorageDetached { storage_id })
        }
        StimulusKind::ContainerRestarts => {
            let container = chance.one_of(world.containers.keys())?.clone();
            Some(Stimulus::ContainerRestarts { container })
        }
        StimulusKind::CustomNotice => {
            let container = chance.one_of(world.containers.keys())?.clone();
            let key = format!("example.com/{}", chance.one_of(["ready", "done"])?);
            Some(Stimulus::CustomNotice { container, key })
        }
        StimulusKind::CheckFails => {
            let container = chance.one_of(world.containers.keys())?.clone();
            let check = chance.one_of(["up", "ready"])?.to_owned();
            Some(Stimulus::CheckFails { container, check })
        }
        StimulusKind::CheckRecovers => {
            let failing = world.containers.iter().flat_map(|(name, container)| {
                container.failing_checks.iter().map(move |check| (name.clone(), check.clone()))
            });
            let (container, check) = chance.one_of(failing)?;
            Some(Stimulus::CheckRecovers { container, check })
        }
        StimulusKind::SecretAdded => {
            let secret_id = format!("secret:{}", world.secrets.len());
            let owners = [SecretOwner::Unit, SecretOwner::Application, SecretOwner::Remote];
            Some(Stimulus::SecretAdded { secret_id, owner: chance.one_of(owners)? })
        }
        StimulusKind::SecretRevised => {
            let secret_id = chance.one_of(world.secrets.keys())?.clone();
            Some(Stimulus::SecretRevised { secret_id })
        }
        StimulusKind::SecretRotationDue => {
            let (secret_id, _) = own_secret(world, chance)?;
            Some(Stimulus::SecretRotationDue { secret_id })
        }
        StimulusKind::SecretExpires => {
            let (secret_id, revision) = own_secret(world, chance)?;
            Some(Stimulus::SecretExpires { secret_id, revision })
        }
        StimulusKind::SecretUnused => {
            let (secret_id, revision) = own_secret(world, chance)?;
            Some(Stimulus::SecretUnused { secret_id, revision })
        }
        StimulusKind::ActionRuns => {
            let action = chance.one_of(&world.charm.actions)?.clone();
            Some(Stimulus::ActionRuns { action })
        }
        StimulusKind::Refresh => Some(Stimulus::Refresh),
        StimulusKind::AgentRestarts => Some(Stimulus::AgentRestarts),
        StimulusKind::PodTerminated => Some(Stimulus::PodTerminated),
        StimulusKind::PodLost => Some(Stimulus::PodLost),
        StimulusKind::PodStarted => Some(Stimulus::PodStarted),
        StimulusKind::MachineReboots => Some(Stimulus::MachineReboots),
        StimulusKind::SeriesUpgradePrepared => Some(Stimulus::SeriesUpgradePrepared),
        StimulusKind::SeriesUpgradeCompleted => Some(Stimulus::SeriesUpgradeCompleted),
        StimulusKind::Retry => Some(Stimulus::Retry),
        StimulusKind::ResolveWithoutRetry => Some(Stimulus::ResolveWithoutRetry),
        StimulusKind::TimePasses => Some(Stimulus::TimePasses),
        StimulusKind::RemoveUnit => Some(Stimulus::RemoveUnit),
    }
}

fn remote_unit(world: &World, chance: &mut Chance) -> Option<(u32, String)> {
    let units = world
        .relations
        .iter()
        .flat_map(|(id, relation)| relation.remote_units.keys().map(move |unit| (*id, unit)));
    let (relation, unit) = chance.one_of(units)?;
    Some((relation, unit.clone()))
}

/// Returns a secret of this application, and a revision of it.
fn own_secret(world: &World, chance: &mut Chance) -> Option<(String, u32)> {
    let secrets = world.secrets.iter().filter(|(_, secret)| secret.owner != SecretOwner::Remote);
    let (secret_id, secret) = chance.one_of(secrets)?;
    let revision = 1 + chance.below(u32::try_from(secret.latest).unwrap_or(u32::MAX));
    Some((secret_id.clone(), revision))
}
