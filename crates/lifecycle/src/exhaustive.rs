//! All lives up to a small depth, for people who want certainty rather than luck.
//!
//! The depth is how many stimuli there are after the deployment and the setup. At each
//! place between two hooks, either the unit goes on, in each of the orders that Juju may
//! choose, or one of the possible stimuli happens. Hooks succeed, and names come from small
//! sets: one remote application for each endpoint, with two units.

use std::collections::HashMap;

use crate::life::{Integration, Phase, Stage, Step, Target};
use crate::machine::{Next, next_hooks};
use crate::model::{Model, ModelEvent};
use crate::recorder::Recorder;
use crate::stimulus::{Stimulus, StimulusKind};
use crate::vocabulary::{Name, Outcome};
use crate::world::{Role, SecretOwner, World};

/// Which lives are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where they take place. One unit is deployed of the first charm.
    pub stage: Stage,
    /// What is integrated at once.
    pub integrations: Vec<Integration>,
    /// How many stimuli there are at most.
    pub depth: u32,
    /// The kinds of stimuli that happen.
    pub kinds: Vec<StimulusKind>,
}

/// Returns how many lives there are, without making them; `None` if they are more than
/// `most`, which is found out long before they are counted.
pub fn count(extent: &Extent, most: u64) -> Option<u64> {
    let mut known = HashMap::new();
    [true, false].into_iter().try_fold(0_u64, |sum, leads| {
        let start = deployed(extent, leads);
        let count = count_from(extent, &start.model, extent.depth, most, &mut known)?;
        sum.checked_add(count).filter(|sum| *sum <= most)
    })
}

/// Makes all lives, and gives each to `visit`, which ends the search by returning `false`.
pub fn visit(extent: &Extent, visit: &mut dyn FnMut(&[Step]) -> bool) {
    for leads in [true, false] {
        if !visit_from(extent, &deployed(extent, leads), extent.depth, visit) {
            return;
        }
    }
}

/// Returns the unit, deployed and set up: setup itself has few choices, and random lives
/// show them.
fn deployed(extent: &Extent, leads: bool) -> Recorder {
    let mut recorder = Recorder::new(extent.stage.model());
    let application = extent.stage.deployments.first().map(|deployment| deployment.application.clone());
    let unit = application.unwrap_or_default().numbered(0);
    let deployment = Stimulus::Deploy { leads, first_relation: 0, first_storage: 0 };
    if recorder.poke(Target::Unit(unit.clone()), deployment).is_err() {
        return recorder;
    }
    recorder.integrate_at_first(&extent.stage, &extent.integrations);
    while let Some(world) = recorder.model.units().get(&unit) {
        if world.is_running() {
            recorder.end(&unit, Outcome::Ok);
            continue;
        }
        recorder.resolve(&unit, 0);
        if recorder.model.units().get(&unit).is_none_or(|world| !world.is_running()) {
            break;
        }
    }
    recorder.phase = Phase::Operation;
    recorder
}

/// What can be done at a place.
enum Branch {
    /// The unit runs a hook, or does what needs none.
    Advance { unit: Name, choice: u32 },
    /// Something happens.
    Poke { target: Target, stimulus: Stimulus },
}

/// Returns all that can come next. With none, the life ends; `is_rest` says that it may
/// end there in any case.
fn branches(extent: &Extent, model: &Model, left: u32) -> (Vec<Branch>, bool) {
    let mut found = Vec::new();
    let Some((unit, world)) = model.units().iter().next() else { return (found, true) };
    for (choice, next) in next_hooks(world) {
        if next != Next::Wait {
            found.push(Branch::Advance { unit: unit.clone(), choice });
        }
    }
    let is_rest = found.is_empty();
    if left > 0 {
        found.extend(possible(extent, model, unit, world));
    }
    (found, is_rest)
}

fn count_from(
    extent: &Extent,
    model: &Model,
    left: u32,
    most: u64,
    known: &mut HashMap<(Model, u32), u64>,
) -> Option<u64> {
    if let Some(count) = known.get(&(model.clone(), left)) {
        return Some(*count);
    }
    let (branches, is_rest) = branches(extent, model, left);
    let mut sum = u64::from(is_rest);
    for branch in branches {
        let mut after = model.clone();
        let spent = match branch {
            Branch::Advance { unit, choice } => {
                let _ = after.step(ModelEvent::Resolve { unit: unit.clone(), choice });
                if after.units().get(&unit).is_some_and(World::is_running) {
                    let _ = after.step(ModelEvent::HookEnds { unit, outcome: Outcome::Ok });
                }
                0
            }
            Branch::Poke { target, stimulus } => {
                if after.step(ModelEvent::Stimulus { target, stimulus }).is_err() {
                    continue;
                }
                1
            }
        };
        // Each place is reached by one life at least, so that one with too many is enough.
        let count = count_from(extent, &after, left - spent, most, known)?;
        sum = sum.checked_add(count).filter(|sum| *sum <= most)?;
    }
    known.insert((model.clone(), left), sum);
    Some(sum)
}

fn visit_from(
    extent: &Extent,
    recorder: &Recorder,
    left: u32,
    visit: &mut dyn FnMut(&[Step]) -> bool,
) -> bool {
    let (branches, is_rest) = branches(extent, &recorder.model, left);
    if is_rest && !visit(&recorder.steps) {
        return false;
    }
    for branch in branches {
        let mut after = recorder.clone();
        let spent = match branch {
            Branch::Advance { unit, choice } => {
                after.resolve(&unit, choice);
                if after.model.units().get(&unit).is_some_and(World::is_running) {
                    after.end(&unit, Outcome::Ok);
                }
                0
            }
            Branch::Poke { target, stimulus } => {
                if stimulus == Stimulus::RemoveUnit {
                    after.phase = Phase::Teardown;
                }
                if after.poke(target, stimulus).is_err() {
                    continue;
                }
                1
            }
        };
        if !visit_from(extent, &after, left - spent, visit) {
            return false;
        }
    }
    true
}

/// Returns what may be tried on the unit; the model refuses what is impossible.
fn possible(extent: &Extent, model: &Model, unit: &Name, world: &World) -> Vec<Branch> {
    let mut stimuli = Vec::new();
    for kind in &extent.kinds {
        of_kind(*kind, model, world, &mut stimuli);
    }
    let application = world.application().clone();
    let targeted = stimuli.into_iter().map(|stimulus| {
        let target = if stimulus.kind().is_of_application() {
            Target::Application(application.clone())
        } else {
            Target::Unit(unit.clone())
        };
        Branch::Poke { target, stimulus }
    });
    targeted.collect()
}

/// Adds the stimuli of a kind that the small sets of names have.
fn of_kind(kind: StimulusKind, model: &Model, world: &World, found: &mut Vec<Stimulus>) {
    let charm = &world.charm;
    let units = |remote_app: &Name| [0, 1].map(|number| remote_app.numbered(number));
    let own_secrets = world.secrets.iter().filter(|(_, secret)| secret.owner != SecretOwner::Remote);
    match kind {
        // A charm's writes are heard by nobody where all others are outside of the model, and
        // only a hook that runs can ask for a reboot, while hooks end at once here.
        StimulusKind::Deploy
        | StimulusKind::UnitWrites
        | StimulusKind::AppWrites
        | StimulusKind::CharmReboots => {}
        StimulusKind::Integrate => {
            for endpoint in charm.endpoints.iter().filter(|endpoint| endpoint.role != Role::Peer) {
                found.push(Stimulus::Integrate {
                    relation: model.next_relation(),
                    endpoint: endpoint.name.clone(),
                    remote_app: Name::of(format_args!("{}-a", endpoint.name)),
                    remote_endpoint: None,
                });
            }
        }
        StimulusKind::RemoveRelation => {
            found.extend(
                world.relations.keys().map(|relation| Stimulus::RemoveRelation { relation: *relation }),
            );
        }
        StimulusKind::SuspendRelation => {
            found.extend(
                world.relations.keys().map(|relation| Stimulus::SuspendRelation { relation: *relation }),
            );
        }
        StimulusKind::ResumeRelation => {
            found.extend(
                world.relations.keys().map(|relation| Stimulus::ResumeRelation { relation: *relation }),
            );
        }
        StimulusKind::RemoteUnitJoins => {
            for (relation, known) in &world.relations {
                let joins = units(&known.remote_app)
                    .map(|unit| Stimulus::RemoteUnitJoins { relation: *relation, unit });
                found.extend(joins);
            }
        }
        StimulusKind::RemoteUnitLeaves => {
            for (relation, known) in &world.relations {
                let units = known.remote_units.keys().cloned();
                found.extend(units.map(|unit| Stimulus::RemoteUnitLeaves { relation: *relation, unit }));
            }
        }
        StimulusKind::RemoteUnitWrites => {
            for (relation, known) in &world.relations {
                let units = known.remote_units.keys().cloned();
                found.extend(units.map(|unit| Stimulus::RemoteUnitWrites { relation: *relation, unit }));
            }
        }
        StimulusKind::RemoteAppWrites => {
            found.extend(
                world.relations.keys().map(|relation| Stimulus::RemoteAppWrites { relation: *relation }),
            );
        }
        StimulusKind::ConfigChanges => found.push(Stimulus::ConfigChanges),
        StimulusKind::LeadershipGained => found.push(Stimulus::LeadershipGained),
        StimulusKind::LeadershipLost => found.push(Stimulus::LeadershipLost),
        StimulusKind::LeaderSettingsWritten => found.push(Stimulus::LeaderSettingsWritten),
        StimulusKind::StorageAdded => {
            for storage in &charm.storages {
                let storage_id = storage.name.numbered(model.next_storage());
                found.push(Stimulus::StorageAdded { storage_id });
            }
        }
        StimulusKind::StorageDetached => {
            let ids = world.storages.keys().cloned();
            found.extend(ids.map(|storage_id| Stimulus::StorageDetached { storage_id }));
        }
        StimulusKind::ContainerRestarts => {
            let names = world.containers.keys().cloned();
            found.extend(names.map(|container| Stimulus::ContainerRestarts { container }));
        }
        StimulusKind::CustomNotice => {
            let names = world.containers.keys().cloned();
            found.extend(
                names.map(|container| Stimulus::CustomNotice { container, key: "example.com/done".into() }),
            );
        }
        StimulusKind::CheckFails => {
            let names = world.containers.keys().cloned();
            found.extend(names.map(|container| Stimulus::CheckFails { container, check: "up".into() }));
        }
        StimulusKind::CheckRecovers => {
            let names = world.containers.keys().cloned();
            found.extend(names.map(|container| Stimulus::CheckRecovers { container, check: "up".into() }));
        }
        StimulusKind::SecretAdded => {
            for owner in SecretOwner::ALL {
                let secret_id = Name::of(format_args!("secret:{}", owner.name()));
                found.push(Stimulus::SecretAdded { secret_id, owner });
            }
        }
        StimulusKind::SecretRevised => {
            found.extend(world.secrets.keys().map(|id| Stimulus::SecretRevised { secret_id: id.clone() }));
        }
        StimulusKind::SecretRotationDue => {
            found.extend(own_secrets.map(|(id, _)| Stimulus::SecretRotationDue { secret_id: id.clone() }));
        }
        StimulusKind::SecretExpires => {
            found.extend(
                own_secrets.map(|(id, _)| Stimulus::SecretExpires { secret_id: id.clone(), revision: 1 }),
            );
        }
        StimulusKind::SecretUnused => {
            found.extend(
                own_secrets.map(|(id, _)| Stimulus::SecretUnused { secret_id: id.clone(), revision: 1 }),
            );
        }
        StimulusKind::ActionRuns => {
            found.extend(charm.actions.iter().map(|action| Stimulus::ActionRuns { action: action.clone() }));
        }
        StimulusKind::Refresh => found.push(Stimulus::Refresh { forced: false }),
        StimulusKind::AgentRestarts => found.push(Stimulus::AgentRestarts),
        StimulusKind::PodTerminated => found.push(Stimulus::PodTerminated),
        StimulusKind::PodLost => found.push(Stimulus::PodLost),
        StimulusKind::PodStarted => found.push(Stimulus::PodStarted),
        StimulusKind::MachineReboots => found.push(Stimulus::MachineReboots),
        StimulusKind::SeriesUpgradePrepared => found.push(Stimulus::SeriesUpgradePrepared),
        StimulusKind::SeriesUpgradeCompleted => found.push(Stimulus::SeriesUpgradeCompleted),
        StimulusKind::Retry => found.push(Stimulus::Retry),
        StimulusKind::ResolveWithoutRetry => found.push(Stimulus::ResolveWithoutRetry),
        StimulusKind::TimePasses => found.push(Stimulus::TimePasses),
        StimulusKind::RemoveUnit => found.push(Stimulus::RemoveUnit),
    }
}
