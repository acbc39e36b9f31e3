//! Finds out what may follow what, by walking through the machine.
//!
//! The unit is walked through with a charm that has a few of all; the parts of a unit each
//! with a charm that has nothing else, as no part waits for another one. That this is enough
//! is held by tests, which look for what random lives of whole charms run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::search::{FIRST_NEW, Possible, Walker, search};
use super::{Part, Place};
use crate::stimulus::{Stimulus, StimulusKind};
use crate::vocabulary::{Hook, HookKind, Name, Platform};
use crate::world::{
    Charm, Endpoint, Life, Operation, Profile, Role, SecretOwner, SeriesUpgrade, StorageKind, World,
};

/// What may follow what, and whether it needs nothing out of the ordinary.
pub(super) type Follows = BTreeMap<(Place, Place), bool>;

/// Derives the graph of a charm, part by part.
pub(super) struct Derivation<'a> {
    charm: &'a Charm,
    profile: Profile,
    has_quirks: bool,
}

impl<'a> Derivation<'a> {
    pub(super) fn new(charm: &'a Charm, profile: Profile, has_quirks: bool) -> Self {
        Self { charm, profile, has_quirks }
    }

    /// What follows what in the life of the unit as a whole.
    pub(super) fn unit(&self) -> Follows {
        let follows = RefCell::new(Follows::new());
        let walker = UnitWalker { follows: &follows, last: Place::Begin, is_disturbed: false };
        self.walk(
            self.sample(),
            &walker,
            &between_of_unit,
            vec![
                Stimulus::AgentRestarts,
                Stimulus::MachineReboots,
                Stimulus::PodLost,
                Stimulus::PodTerminated,
            ],
        );
        let mut follows = follows.into_inner();
        // Of whatever fails, it is the same that follows (R90), so it is shown once.
        follows.insert((Place::AnyHook, Place::Error), true);
        follows.insert((Place::Error, Place::AnyHook), true);
        follows
    }

    /// What follows what in one relation of an endpoint.
    pub(super) fn endpoint(&self, endpoint: &Endpoint) -> Follows {
        let role = endpoint.role;
        let mut charm = Charm::default().with_endpoint(role, ENDPOINT);
        for declared in &mut charm.endpoints {
            declared.is_container_scoped = endpoint.is_container_scoped;
        }
        self.part(charm, &|world| {
            let mut found = agent_restarts(world);
            let id = if role == Role::Peer { 0 } else { FIRST_NEW };
            let Some(relation) = world.relations.get(&id) else {
                found.push(integrate(FIRST_NEW, "far"));
                return found;
            };
            found.extend([
                Stimulus::RemoveRelation { relation: id },
                Stimulus::SuspendRelation { relation: id },
                Stimulus::ResumeRelation { relation: id },
                Stimulus::RemoteAppWrites { relation: id },
                Stimulus::RemoveUnit,
            ]);
            if role == Role::Peer {
                found.push(Stimulus::AppWrites { relation: id });
            }
            for number in 1..=2 {
                let unit = relation.remote_app.numbered(number);
                found.push(Stimulus::RemoteUnitJoins { relation: id, unit: unit.clone() });
                found.push(Stimulus::RemoteUnitWrites { relation: id, unit: unit.clone() });
                found.push(Stimulus::RemoteUnitLeaves { relation: id, unit });
            }
            found
        })
    }

    /// What follows what in one instance of a storage.
    pub(super) fn storage(&self) -> Follows {
        let mut charm = Charm::default();
        charm.storages.push(StorageKind { name: STORAGE.into(), minimum: 0, maximum: Some(1) });
        self.part(charm, &|_| {
            let storage_id = Name::of(format_args!("{STORAGE}/{FIRST_NEW}"));
            vec![
                Stimulus::StorageAdded { storage_id: storage_id.clone() },
                Stimulus::StorageDetached { storage_id },
                Stimulus::RemoveUnit,
            ]
        })
    }

    /// What follows what in a container: its starts, one notice, one check.
    pub(super) fn container(&self) -> Follows {
        if self.profile.platform == Platform::Machine {
            return Follows::new();
        }
        self.part(Charm::default().with_container(CONTAINER), &|world| {
            let (container, check) = (Name::from(CONTAINER), Name::from("check"));
            let mut found = agent_restarts(world);
            found.push(Stimulus::ContainerRestarts { container: container.clone() });
            // As the list of what was not told yet has no end, it holds one at a time.
            if world.containers.values().all(|container| container.events.is_empty()) {
                found.extend([
                    Stimulus::CustomNotice { container: container.clone(), key: "key".into() },
                    Stimulus::CheckFails { container: container.clone(), check: check.clone() },
                    Stimulus::CheckRecovers { container, check },
                ]);
            }
            found
        })
    }

    /// What follows what for one secret and one revision of it.
    pub(super) fn secrets(&self) -> Follows {
        self.part(Charm::default(), &|_| {
            let mut found = Vec::new();
            for owner in [SecretOwner::Unit, SecretOwner::Remote] {
                let secret_id = Name::from(owner.name());
                found.push(Stimulus::SecretAdded { secret_id: secret_id.clone(), owner });
                found.push(Stimulus::SecretRevised { secret_id: secret_id.clone() });
                found.push(Stimulus::SecretRotationDue { secret_id: secret_id.clone() });
                found.push(Stimulus::SecretExpires { secret_id: secret_id.clone(), revision: 1 });
                found.push(Stimulus::SecretUnused { secret_id, revision: 1 });
            }
            found
        })
    }

    /// Each run of an action is by itself, and takes place or does not.
    pub(super) fn actions(&self) -> Follows {
        let mut charm = Charm::default();
        charm.actions.clone_from(&self.charm.actions);
        self.part(charm, &|world| {
            let names = world.charm.actions.iter().filter(|_| world.actions.is_empty());
            names.map(|action| Stimulus::ActionRuns { action: action.clone() }).collect()
        })
    }

    /// Returns a charm that has as much of each kind as makes a difference: two of what may
    /// follow itself.
    fn sample(&self) -> Charm {
        let of_role = |is_peer: bool, count: usize| {
            let endpoints = self.charm.endpoints.iter();
            endpoints.filter(move |endpoint| (endpoint.role == Role::Peer) == is_peer).take(count)
        };
        let endpoint = |endpoint: &Endpoint| Endpoint { limit: None, ..endpoint.clone() };
        let mut charm = Charm::default();
        charm.endpoints.extend(of_role(false, 1).map(endpoint));
        let peers = if charm.endpoints.is_empty() { 2 } else { 1 };
        charm.endpoints.extend(of_role(true, peers).map(endpoint));
        let has_storage_at_first = self.charm.storages.iter().any(|storage| storage.minimum > 0);
        if !self.charm.storages.is_empty() {
            let minimum = u32::from(has_storage_at_first);
            charm.storages.push(StorageKind { name: STORAGE.into(), minimum, maximum: Some(2) });
        }
        charm
    }

    /// Walks through one part of a unit.
    fn part(&self, charm: Charm, between: &dyn Fn(&World) -> Vec<Stimulus>) -> Follows {
        let follows = RefCell::new(Follows::new());
        let walker = PartWalker { follows: &follows, last: BTreeMap::new() };
        self.walk(charm, &walker, between, Vec::new());
        follows.into_inner()
    }

    fn walk<W: Walker>(
        &self,
        charm: Charm,
        walker: &W,
        between: &dyn Fn(&World) -> Vec<Stimulus>,
        within: Vec<Stimulus>,
    ) {
        let charm = Arc::new(charm);
        let possible = Possible { between, within };
        for leads in [true, false] {
            let mut world = World::new(self.profile, Arc::clone(&charm), "near/0");
            if self.has_quirks {
                world = world.with_quirks();
            }
            let deployment = Stimulus::Deploy { leads, first_relation: 0, first_storage: 0 };
            let deployed = crate::machine::step(&mut world, crate::machine::Event::Stimulus(deployment));
            debug_assert!(deployed.is_ok(), "a new unit can be deployed");
            search(world, walker.clone(), &possible, STIMULI);
        }
    }
}

/// How many things happen at most from one rest of the unit to the next. What follows what
/// depends on no more.
const STIMULI: u8 = 2;

const ENDPOINT: &str = "endpoint";
const STORAGE: &str = "storage";
const CONTAINER: &str = "container";

/// What a new agent forgets matters where Juju makes mistakes, and to containers.
fn agent_restarts(world: &World) -> Vec<Stimulus> {
    let matters = world.has_quirks || !world.charm.containers.is_empty();
    if matters { vec![Stimulus::AgentRestarts] } else { Vec::new() }
}

fn integrate(relation: u32, remote_app: &str) -> Stimulus {
    let (endpoint, remote_app) = (ENDPOINT.into(), remote_app.into());
    Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint: None }
}

/// What may happen to a unit as a whole.
fn between_of_unit(world: &World) -> Vec<Stimulus> {
    let agent = &world.agent;
    let mut found = vec![
        Stimulus::ConfigChanges,
        Stimulus::LeadershipGained,
        Stimulus::LeadershipLost,
        Stimulus::LeaderSettingsWritten,
        Stimulus::Refresh { forced: false },
        Stimulus::AgentRestarts,
        Stimulus::PodTerminated,
        Stimulus::PodLost,
        Stimulus::PodStarted,
        Stimulus::MachineReboots,
        Stimulus::SeriesUpgradePrepared,
        Stimulus::SeriesUpgradeCompleted,
        Stimulus::RemoveUnit,
    ];
    if agent.started {
        found.push(Stimulus::TimePasses);
        return found;
    }
    // Relations and storage are of the unit's setup; later they are their own affair.
    if let Some(endpoint) = world.charm.endpoints.iter().find(|endpoint| endpoint.role != Role::Peer) {
        for number in [FIRST_NEW, FIRST_NEW + 1] {
            if !world.relations.contains_key(&number) {
                let (endpoint, remote_app) = (endpoint.name.clone(), Name::of(format_args!("far-{number}")));
                found.push(Stimulus::Integrate {
                    relation: number,
                    endpoint,
                    remote_app,
                    remote_endpoint: None,
                });
            }
        }
    }
    let storage_id = Name::of(format_args!("{STORAGE}/{FIRST_NEW}"));
    if !world.storages.contains_key(&storage_id) && !world.charm.storages.is_empty() {
        found.push(Stimulus::StorageAdded { storage_id });
    }
    found
}

/// Adds what follows what; once usual is always usual.
fn add(follows: &RefCell<Follows>, from: &Place, to: &Place, is_usual: bool) {
    let mut follows = follows.borrow_mut();
    if let Some(known) = follows.get_mut(&(from.clone(), to.clone())) {
        *known |= is_usual;
    } else {
        follows.insert((from.clone(), to.clone()), is_usual);
    }
}

/// Goes along with the unit as a whole.
#[derive(Clone)]
struct UnitWalker<'a> {
    follows: &'a RefCell<Follows>,
    last: Place,
    /// Something happened while the unit was being set up.
    is_disturbed: bool,
}

impl PartialEq for UnitWalker<'_> {
    fn eq(&self, other: &Self) -> bool {
        (&self.last, self.is_disturbed) == (&other.last, other.is_disturbed)
    }
}

impl Eq for UnitWalker<'_> {}

impl std::hash::Hash for UnitWalker<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.last, self.is_disturbed).hash(state);
    }
}

impl UnitWalker<'_> {
    fn goes_to(&mut self, place: Place) {
        add(self.follows, &self.last, &place, !self.is_disturbed);
        self.last = place;
    }
}

impl Walker for UnitWalker<'_> {
    fn pokes(&mut self, before: &World, stimulus: &Stimulus) {
        let agent = &before.agent;
        // What was there before `install` is found by it, and disturbs nobody.
        let is_early = matches!(stimulus.kind(), StimulusKind::Integrate | StimulusKind::StorageAdded)
            && !agent.installed;
        let is_busy = matches!(agent.operation, Operation::Queued(_))
            || before.life == Life::Dying
            || agent.owes_start
            || agent.is_shutting_down
            || (!agent.is_up && *stimulus != Stimulus::PodStarted);
        self.is_disturbed |= is_busy || (!agent.started && !is_early);
    }

    fn runs(&mut self, before: &World, hook: &Hook) {
        let Some(place) = place_in_unit(hook.kind, before.agent.started) else { return };
        // R67: what slips in between `stop` and the end of the agent.
        let has_stopped = self.last == Place::Hook(Part::Teardown, HookKind::Stop);
        self.is_disturbed |= has_stopped && before.life == Life::Alive;
        self.goes_to(place);
    }

    fn rests(&mut self, world: &mut World) {
        if world.agent.started {
            // From here on they are their own affair.
            world.relations.clear();
            world.storages.clear();
        }
        let Some(place) = resting_place(world, &self.last).filter(|place| *place != self.last) else {
            return;
        };
        // Between two things that a unit does in operation, it is free.
        let is_operating = matches!(self.last, Place::Hook(Part::Operation, _))
            || self.last == Place::Hook(Part::Setup, HookKind::Start);
        let agent = &world.agent;
        let was_free = agent.operation == Operation::Continue && agent.started && !agent.stopped;
        if place == Place::Idle || (is_operating && was_free) {
            let was_disturbed = std::mem::take(&mut self.is_disturbed);
            self.goes_to(Place::Idle);
            self.is_disturbed = was_disturbed && place != Place::Idle;
        }
        if place != Place::Idle {
            self.goes_to(place);
        }
    }
}

/// Returns where a unit is that runs no hook at this moment; nothing where its next hook is
/// bound to the last one.
fn resting_place(world: &World, last: &Place) -> Option<Place> {
    let agent = &world.agent;
    if world.life == Life::Dead {
        return Some(Place::Gone);
    }
    match agent.operation {
        Operation::Queued(_) | Operation::Continue if !agent.is_up => return Some(Place::Down),
        // A queued hook is the next one, and a failed one is even run first by the next agent
        // (R65).
        Operation::Queued(_) | Operation::Failed(_) => return None,
        Operation::Continue => {}
    }
    if world.life == Life::Dying {
        let goes = matches!(last, Place::Hook(Part::Teardown, _));
        let part = match (agent.started, agent.stopped) {
            (false, _) => Part::Setup,
            (true, false) => Part::Operation,
            (true, true) => Part::Teardown,
        };
        return (!goes).then_some(Place::Dying(part));
    }
    let is_paused = match world.series_upgrade {
        SeriesUpgrade::None | SeriesUpgrade::Preparing => false,
        SeriesUpgrade::Paused | SeriesUpgrade::Completing => true,
    };
    // R64: in a new pod, `start` follows `config-changed` at once.
    let is_coming_back = agent.owes_start
        && world.is_on(Platform::Kubernetes)
        && *last == Place::Hook(Part::Operation, HookKind::ConfigChanged);
    (agent.started && !agent.stopped && !is_paused && !is_coming_back).then_some(Place::Idle)
}

/// Returns where a hook takes the unit as a whole, if it is about that.
pub(super) fn place_in_unit(kind: HookKind, has_started: bool) -> Option<Place> {
    let part = if has_started { Part::Operation } else { Part::Setup };
    match kind {
        HookKind::Install
        | HookKind::Start
        | HookKind::ConfigChanged
        | HookKind::UpgradeCharm
        | HookKind::LeaderElected
        | HookKind::LeaderSettingsChanged
        | HookKind::UpdateStatus
        | HookKind::PreSeriesUpgrade
        | HookKind::PostSeriesUpgrade => Some(Place::Hook(part, kind)),
        // In operation these are the affair of their relation or storage alone.
        HookKind::RelationCreated | HookKind::StorageAttached => {
            (!has_started).then_some(Place::Hook(part, kind))
        }
        HookKind::Stop | HookKind::Remove => Some(Place::Hook(Part::Teardown, kind)),
        HookKind::LeaderDeposed
        | HookKind::RelationJoined
        | HookKind::RelationChanged
        | HookKind::RelationDeparted
        | HookKind::RelationBroken
        | HookKind::StorageDetaching
        | HookKind::PebbleReady
        | HookKind::PebbleCustomNotice
        | HookKind::PebbleCheckFailed
        | HookKind::PebbleCheckRecovered
        | HookKind::SecretChanged
        | HookKind::SecretRotate
        | HookKind::SecretExpired
        | HookKind::SecretRemove
        | HookKind::Action
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged => None,
    }
}

/// Something of a part that goes its own way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Strand {
    Relation(Option<u32>),
    Storage(Option<Name>),
    Ready,
    Notice(Option<Name>),
    Check(Option<Name>),
    SecretChanged(Option<Name>),
    SecretRotate(Option<Name>),
    SecretRevision(Option<Name>, Option<u32>),
    Action,
}

/// Returns what a hook is about, below the level of the unit, and where that takes it.
pub(super) fn strand_of(hook: &Hook) -> Option<(Strand, Place)> {
    let strand = match hook.kind {
        HookKind::RelationCreated
        | HookKind::RelationJoined
        | HookKind::RelationChanged
        | HookKind::RelationDeparted
        | HookKind::RelationBroken => Strand::Relation(hook.relation_id),
        HookKind::StorageAttached | HookKind::StorageDetaching => Strand::Storage(hook.storage_id.clone()),
        HookKind::PebbleReady => Strand::Ready,
        HookKind::PebbleCustomNotice => Strand::Notice(hook.notice.clone()),
        HookKind::PebbleCheckFailed | HookKind::PebbleCheckRecovered => Strand::Check(hook.check.clone()),
        HookKind::SecretChanged => Strand::SecretChanged(hook.secret_id.clone()),
        HookKind::SecretRotate => Strand::SecretRotate(hook.secret_id.clone()),
        HookKind::SecretExpired | HookKind::SecretRemove => {
            Strand::SecretRevision(hook.secret_id.clone(), hook.secret_revision)
        }
        HookKind::Action => {
            return Some((Strand::Action, Place::Action(hook.subject.clone().unwrap_or_default())));
        }
        HookKind::Install
        | HookKind::Start
        | HookKind::ConfigChanged
        | HookKind::UpgradeCharm
        | HookKind::Stop
        | HookKind::Remove
        | HookKind::UpdateStatus
        | HookKind::LeaderElected
        | HookKind::LeaderSettingsChanged
        | HookKind::LeaderDeposed
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged
        | HookKind::PreSeriesUpgrade
        | HookKind::PostSeriesUpgrade => return None,
    };
    Some((strand, Place::Hook(Part::Operation, hook.kind)))
}

/// Goes along with a part of the unit.
#[derive(Clone)]
struct PartWalker<'a> {
    follows: &'a RefCell<Follows>,
    last: BTreeMap<Strand, Place>,
}

impl PartialEq for PartWalker<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.last == other.last
    }
}

impl Eq for PartWalker<'_> {}

impl std::hash::Hash for PartWalker<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.last.hash(state);
    }
}

impl Walker for PartWalker<'_> {
    fn pokes(&mut self, _: &World, _: &Stimulus) {}

    fn runs(&mut self, _: &World, hook: &Hook) {
        let Some((strand, place)) = strand_of(hook) else { return };
        if strand == Strand::Action {
            // Each run is a new one.
            add(self.follows, &Place::Begin, &place, true);
            return;
        }
        let last = self.last.entry(strand).or_insert(Place::Begin);
        add(self.follows, last, &place, true);
        *last = place;
    }

    fn rests(&mut self, world: &mut World) {
        // What comes after the end has a number of its own, though the search gives it the
        // same one.
        self.last.retain(|strand, _| match strand {
            Strand::Relation(id) => id.is_some_and(|id| world.relations.contains_key(&id)),
            Strand::Storage(id) => id.as_ref().is_some_and(|id| world.storages.contains_key(id)),
            Strand::Ready
            | Strand::Notice(_)
            | Strand::Check(_)
            | Strand::SecretChanged(_)
            | Strand::SecretRotate(_)
            | Strand::SecretRevision(_, _)
            | Strand::Action => true,
        });
    }
}
