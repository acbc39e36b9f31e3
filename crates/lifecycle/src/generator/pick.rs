//! Which stimulus comes next.

use std::sync::LazyLock;

use super::chance::Chance;
use super::plan::Plan;
use crate::life::Target;
use crate::model::{Model, application_of, number_of};
use crate::stimulus::{Stimulus, StimulusKind};
use crate::vocabulary::{Name, Platform};
use crate::world::{Operation, Relation, Role, Secret, SecretOwner, SeriesUpgrade, World};

/// How often a stimulus that cannot be built is replaced by another one.
const TRIES_MAX: u32 = 8;

/// Remote applications have units up to this number, so that ten and two meet: Juju sorts
/// units as strings (R39).
const REMOTE_UNITS_MAX: u32 = 12;

/// What workloads notify of.
static NOTICES: LazyLock<[Name; 2]> =
    LazyLock::new(|| ["example.com/ready", "example.com/done"].map(Name::new));

/// What is checked of workloads.
static CHECKS: LazyLock<[Name; 2]> = LazyLock::new(|| ["up", "ready"].map(Name::new));

/// How many units more than at first an application may get.
const UNITS_MORE_MAX: usize = 2;

/// How many lots there are in the usual life.
const LOTS_USUAL: usize = 128;

/// Returns how often a kind happens, compared with the others. Time passes most of all in
/// real life, and teaches least.
fn weight(kind: StimulusKind) -> usize {
    match kind {
        // A charm writes when a hook of it ends, and the generator sees to that.
        StimulusKind::UnitWrites | StimulusKind::AppWrites => 0,
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
        | StimulusKind::Deploy
        | StimulusKind::Retry => 3,
        StimulusKind::StorageAdded
        | StimulusKind::StorageDetached
        | StimulusKind::AgentRestarts
        | StimulusKind::PodTerminated
        | StimulusKind::PodStarted
        | StimulusKind::MachineReboots
        | StimulusKind::SeriesUpgradeCompleted
        | StimulusKind::ResumeRelation
        | StimulusKind::RemoveUnit
        | StimulusKind::ResolveWithoutRetry => 2,
        StimulusKind::PodLost
        | StimulusKind::CharmReboots
        | StimulusKind::SuspendRelation
        | StimulusKind::LeaderSettingsWritten
        | StimulusKind::SeriesUpgradePrepared => 1,
    }
}

/// The kinds that one life has: each is switched off in one of four lives.
#[derive(Debug)]
pub(super) struct Swarm {
    kinds: Vec<StimulusKind>,
    /// The kinds, each as often as its weight says.
    lots: Vec<StimulusKind>,
}

impl Swarm {
    pub(super) fn new(chance: &mut Chance, plan: &Plan) -> Self {
        let mut kinds = Vec::with_capacity(StimulusKind::ALL.len());
        let mut lots = Vec::with_capacity(LOTS_USUAL);
        for kind in StimulusKind::ALL {
            // Who asks for certain kinds wants to see them in each life.
            let is_on = chance.happens(750) || !plan.only.is_empty();
            let is_wanted = plan.only.is_empty() || plan.only.contains(kind);
            if is_on && is_wanted && !plan.without.contains(kind) {
                kinds.push(*kind);
                lots.extend(std::iter::repeat_n(*kind, weight(*kind)));
            }
        }
        Self { kinds, lots }
    }

    pub(super) fn has(&self, kind: StimulusKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Returns something that can happen to the model as it is, if a few tries find any.
    pub(super) fn stimulus(
        &self,
        plan: &Plan,
        model: &Model,
        chance: &mut Chance,
    ) -> Option<(Target, Stimulus)> {
        if self.kinds.is_empty() {
            return None;
        }
        (0..TRIES_MAX).find_map(|_| {
            let kind = chance.one_of(&self.lots)?;
            let (unit, world) = chance.one_of(model.units())?;
            if *kind == StimulusKind::Deploy {
                return new_unit(plan, model, unit).map(Some);
            }
            if is_out_of_question(*kind, world) {
                return Some(None);
            }
            let is_scaled = plan.stage.units_of(world.application()) > 1;
            if *kind == StimulusKind::RemoveUnit && !(is_scaled && model.units().len() > 1) {
                return None;
            }
            let stimulus = build(*kind, model, world, chance)?;
            if is_scaled && is_of_peers(&stimulus, world) {
                // The peers of several units are those units.
                return None;
            }
            let target = if kind.is_of_application() {
                Target::Application(world.application().clone())
            } else {
                Target::Unit(unit.clone())
            };
            Some(Some((target, stimulus)))
        })?
    }

    /// Returns something that can cut off the hook that a unit runs.
    pub(super) fn interruption(&self, world: &World, chance: &mut Chance) -> Option<Stimulus> {
        const INTERRUPTIONS: [(StimulusKind, Stimulus, Option<Platform>); 5] = [
            (StimulusKind::AgentRestarts, Stimulus::AgentRestarts, None),
            (StimulusKind::PodTerminated, Stimulus::PodTerminated, Some(Platform::Kubernetes)),
            (StimulusKind::PodLost, Stimulus::PodLost, Some(Platform::Kubernetes)),
            (StimulusKind::MachineReboots, Stimulus::MachineReboots, Some(Platform::Machine)),
            (StimulusKind::CharmReboots, Stimulus::CharmReboots { now: true }, Some(Platform::Machine)),
        ];
        let platform = world.profile().platform;
        let fitting = INTERRUPTIONS
            .iter()
            .filter(|(kind, _, only)| self.has(*kind) && only.is_none_or(|only| only == platform));
        chance.one_of(fitting).map(|(_, stimulus, _)| stimulus.clone())
    }
}

/// Whether the machine would refuse the kind whatever it is about, as can be seen without making one. It is only
/// said of kinds of which the rest is not drawn, and of which nearly half are refused; the machine decides.
fn is_out_of_question(kind: StimulusKind, world: &World) -> bool {
    match kind {
        StimulusKind::LeadershipGained => world.leads(),
        StimulusKind::LeadershipLost => !world.leads(),
        StimulusKind::Retry | StimulusKind::ResolveWithoutRetry => {
            !matches!(world.operation(), Operation::Failed(_))
        }
        StimulusKind::SeriesUpgradeCompleted => !series_upgrade_waits(world),
        StimulusKind::MachineReboots | StimulusKind::SeriesUpgradePrepared => !world.is_on(Platform::Machine),
        StimulusKind::PodTerminated | StimulusKind::PodLost => {
            !(world.is_on(Platform::Kubernetes) && world.has_agent())
        }
        StimulusKind::PodStarted => !world.is_on(Platform::Kubernetes) || world.has_agent(),
        StimulusKind::AgentRestarts => !world.has_agent(),
        StimulusKind::Deploy
        | StimulusKind::Integrate
        | StimulusKind::RemoveRelation
        | StimulusKind::SuspendRelation
        | StimulusKind::ResumeRelation
        | StimulusKind::RemoteUnitJoins
        | StimulusKind::RemoteUnitLeaves
        | StimulusKind::RemoteUnitWrites
        | StimulusKind::RemoteAppWrites
        | StimulusKind::UnitWrites
        | StimulusKind::AppWrites
        | StimulusKind::ConfigChanges
        | StimulusKind::LeaderSettingsWritten
        | StimulusKind::StorageAdded
        | StimulusKind::StorageDetached
        | StimulusKind::ContainerRestarts
        | StimulusKind::CustomNotice
        | StimulusKind::CheckFails
        | StimulusKind::CheckRecovers
        | StimulusKind::SecretAdded
        | StimulusKind::SecretRevised
        | StimulusKind::SecretRotationDue
        | StimulusKind::SecretExpires
        | StimulusKind::SecretUnused
        | StimulusKind::ActionRuns
        | StimulusKind::Refresh
        | StimulusKind::CharmReboots
        | StimulusKind::TimePasses
        | StimulusKind::RemoveUnit => false,
    }
}

/// Returns the deployment of one unit more, of an application that has several.
fn new_unit(plan: &Plan, model: &Model, unit: &Name) -> Option<(Target, Stimulus)> {
    let application = Name::from(application_of(unit));
    let planned = plan.stage.units_of(&application) as usize;
    let is_taken = |unit: &Name| model.units().contains_key(unit);
    let count = model.units().keys().filter(|unit| application == application_of(unit)).count();
    if planned < 2 || count >= planned + UNITS_MORE_MAX {
        return None;
    }
    // On Kubernetes the name of a unit that was removed is used again (R78); what matters
    // here is only that nobody has it now.
    let new = (0..planned + UNITS_MORE_MAX)
        .map(|number| Name::of(format_args!("{application}/{number}")))
        .find(|unit| !is_taken(unit))?;
    let stimulus = model.deploy(&new);
    Some((Target::Unit(new), stimulus))
}

pub(super) fn series_upgrade_waits(world: &World) -> bool {
    world.series_upgrade == SeriesUpgrade::Paused
}

/// Whether it is something that a peer does.
fn is_of_peers(stimulus: &Stimulus, world: &World) -> bool {
    let relation = if let Stimulus::RemoteUnitJoins { relation, .. }
    | Stimulus::RemoteUnitLeaves { relation, .. }
    | Stimulus::RemoteUnitWrites { relation, .. }
    | Stimulus::RemoteAppWrites { relation } = stimulus
    {
        world.relations.get(relation)
    } else {
        None
    };
    relation.is_some_and(Relation::is_peer)
}

/// Returns a relation that the unit has entered.
pub(super) fn entered_relation(world: &World, chance: &mut Chance) -> Option<u32> {
    let entered = world.relations.iter().filter(|(_, relation)| relation.created && !relation.is_dying);
    chance.one_of(entered).map(|(id, _)| *id)
}

fn build(kind: StimulusKind, model: &Model, world: &World, chance: &mut Chance) -> Option<Stimulus> {
    match kind {
        StimulusKind::Deploy | StimulusKind::UnitWrites | StimulusKind::AppWrites => None,
        StimulusKind::Integrate => {
            let endpoints = world.charm.endpoints.iter().filter(|endpoint| endpoint.role != Role::Peer);
            let endpoint = chance.one_of(endpoints)?.name.clone();
            let remote_app = Name::of(format_args!("{endpoint}-{}", chance.one_of(["a", "b", "c"])?));
            let relation = model.next_relation();
            Some(Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint: None })
        }
        StimulusKind::RemoveRelation => {
            let relation = relation(world, chance, |relation| !relation.is_peer())?;
            Some(Stimulus::RemoveRelation { relation })
        }
        StimulusKind::SuspendRelation => {
            let relation = relation(world, chance, |relation| !relation.is_peer())?;
            Some(Stimulus::SuspendRelation { relation })
        }
        StimulusKind::ResumeRelation => {
            let relation = relation(world, chance, |relation| relation.is_suspended)?;
            Some(Stimulus::ResumeRelation { relation })
        }
        StimulusKind::RemoteUnitJoins => {
            let (relation, known) = chance.one_of(&world.relations)?;
            if known.is_container_scoped {
                let unit = Name::of(format_args!("{}/{}", known.remote_app, number_of(&world.unit)));
                return Some(Stimulus::RemoteUnitJoins { relation: *relation, unit });
            }
            let unit = known.remote_app.numbered(chance.below(REMOTE_UNITS_MAX));
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
        StimulusKind::LeaderSettingsWritten => Some(Stimulus::LeaderSettingsWritten),
        StimulusKind::StorageAdded => {
            let storage = chance.one_of(&world.charm.storages)?;
            let storage_id = storage.name.numbered(model.next_storage());
            Some(Stimulus::StorageAdded { storage_id })
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
            let key = chance.one_of(&*NOTICES)?.clone();
            Some(Stimulus::CustomNotice { container, key })
        }
        StimulusKind::CheckFails => {
            let container = chance.one_of(world.containers.keys())?.clone();
            let check = chance.one_of(&*CHECKS)?.clone();
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
            let secret_id = Name::of(format_args!("secret:{}", world.secrets.len()));
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
        StimulusKind::Refresh => Some(Stimulus::Refresh { forced: chance.happens(250) }),
        StimulusKind::AgentRestarts => Some(Stimulus::AgentRestarts),
        StimulusKind::PodTerminated => Some(Stimulus::PodTerminated),
        StimulusKind::PodLost => Some(Stimulus::PodLost),
        StimulusKind::PodStarted => Some(Stimulus::PodStarted),
        StimulusKind::MachineReboots => Some(Stimulus::MachineReboots),
        StimulusKind::CharmReboots => Some(Stimulus::CharmReboots { now: chance.happens(500) }),
        StimulusKind::SeriesUpgradePrepared => Some(Stimulus::SeriesUpgradePrepared),
        StimulusKind::SeriesUpgradeCompleted => Some(Stimulus::SeriesUpgradeCompleted),
        StimulusKind::Retry => Some(Stimulus::Retry),
        StimulusKind::ResolveWithoutRetry => Some(Stimulus::ResolveWithoutRetry),
        StimulusKind::TimePasses => Some(Stimulus::TimePasses),
        StimulusKind::RemoveUnit => Some(Stimulus::RemoveUnit),
    }
}

/// Returns a relation of the unit that is as asked for.
fn relation(
    world: &World,
    chance: &mut Chance,
    is_fitting: impl Fn(&Relation) -> bool + Clone,
) -> Option<u32> {
    let fitting = world.relations.iter().filter(|(_, relation)| is_fitting(relation));
    chance.one_of(fitting).map(|(id, _)| *id)
}

fn remote_unit(world: &World, chance: &mut Chance) -> Option<(u32, Name)> {
    let inhabited = world.relations.iter().filter(|(_, relation)| !relation.remote_units.is_empty());
    let (relation, known) = chance.one_of(inhabited)?;
    Some((*relation, chance.one_of(known.remote_units.keys())?.clone()))
}

/// Returns a secret of this application, and a revision of it.
fn own_secret(world: &World, chance: &mut Chance) -> Option<(Name, u32)> {
    let is_own = |(_, secret): &(&Name, &Secret)| secret.owner != SecretOwner::Remote;
    let secrets = world.secrets.iter().filter(is_own);
    let (secret_id, secret) = chance.one_of(secrets)?;
    let revision = 1 + chance.below(u32::try_from(secret.latest).unwrap_or(u32::MAX));
    Some((secret_id.clone(), revision))
}
