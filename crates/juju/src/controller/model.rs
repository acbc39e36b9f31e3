//! What happens to a model: its lifecycle and its state move together.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use charmproof_agent::state::{
    Application, Credential, HookEffects, Juju, ModelIdentity, RelationEnds, State, StatusKind,
    application_of,
};
use charmproof_charm::metadata::CharmMetadata;
use charmproof_lifecycle::machine::{Effect, Event, UnitEffect, step};
use charmproof_lifecycle::model::{IllegalModelEvent, Model as Lifecycle, ModelEvent, Target};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, JujuVersion, Name, Outcome};
use charmproof_lifecycle::world::{Charm, Operation, Profile, Role, World};
use jiff::Timestamp;
use thiserror::Error;

use super::data::{
    AgentStatus, ApplicationData, Base, CharmData, MachineData, ModelData, ModelPlatform, PENDING, PoolData,
    StatusEntry, TaskStatus, UnitData,
};

/// Which Juju it is.
pub const VERSION: &str = "3.6.12";

/// Why something cannot happen in a model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// The lifecycle does not allow it.
    #[error(transparent)]
    Illegal(#[from] IllegalModelEvent),
    /// What Juju keeps does not.
    #[error(transparent)]
    State(#[from] charmproof_agent::state::StateError),
    /// There is no such thing.
    #[error("{what} \"{name}\" not found")]
    NotFound {
        /// What it would be.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

impl ModelData {
    /// Returns a model with nothing in it.
    pub fn new(uuid: String, name: &str, controller: &str, cloud: &str, platform: ModelPlatform) -> Self {
        let profile = Profile { version: JujuVersion::V3_6, platform: platform.into() };
        let juju = Juju { version: VERSION.to_owned(), ..Juju::of_line(JujuVersion::V3_6, platform.into()) };
        let now = Timestamp::now();
        let mut state = State::new(juju, ModelIdentity { name: name.to_owned(), uuid: uuid.clone() });
        state.now = now;
        // Secrets are known in other models, where they must not meet one of the same id.
        state.secret_seed = seed(&uuid);
        state.credential = Some(credential(cloud, platform));
        Self {
            uuid,
            name: name.to_owned(),
            controller: controller.to_owned(),
            cloud: cloud.to_owned(),
            platform,
            since: now,
            is_dying: false,
            // Charms are real here: what they do with secrets is told, and nothing is made up (R86).
            lifecycle: Lifecycle::new(profile, false).with_told_secrets(),
            state,
            config: BTreeMap::new(),
            constraints: String::new(),
            applications: BTreeMap::new(),
            unit_numbers: BTreeMap::new(),
            units: BTreeMap::new(),
            machines: BTreeMap::new(),
            next_machine: 0,
            storages: BTreeMap::new(),
            pools: pools(platform),
            offers: BTreeMap::new(),
            remotes: BTreeMap::new(),
            suspensions: BTreeMap::new(),
            operations: BTreeMap::new(),
            tasks: BTreeMap::new(),
            last_task: 0,
            charm_revisions: BTreeMap::new(),
            ssh_keys: Vec::new(),
            users: BTreeMap::from([(super::data::USER.to_owned(), "admin".to_owned())]),
        }
    }

    /// Whether it is on Kubernetes.
    pub fn is_kubernetes(&self) -> bool {
        self.platform == ModelPlatform::Kubernetes
    }

    /// Lets something happen, and brings what units see to where it is then.
    pub fn poke(&mut self, target: &Target, stimulus: &Stimulus) -> Result<Vec<UnitEffect>, ModelError> {
        self.state.now = Timestamp::now();
        let event = ModelEvent::Stimulus { target: target.clone(), stimulus: stimulus.clone() };
        let effects = self.lifecycle.step(event)?;
        self.state.follow(&self.lifecycle, target, stimulus);
        Ok(effects)
    }

    /// Deploys a charm under a name, without a unit yet.
    pub fn add_application(
        &mut self,
        name: &Name,
        metadata: &Arc<CharmMetadata>,
        charm: CharmData,
    ) -> Result<(), ModelError> {
        let first_peer = self.lifecycle.next_relation();
        self.state.add_application(Application::of_charm(name.clone(), metadata))?;
        let declared = Charm::from(&**metadata).with_implicit_endpoint();
        let peers = declared.endpoints.iter().filter(|endpoint| endpoint.role == Role::Peer);
        for (number, endpoint) in (first_peer..).zip(peers) {
            let end = charmproof_agent::state::RelationEnd::new(name.clone(), endpoint.name.clone());
            self.state.add_relation(number, RelationEnds::Peer(end))?;
        }
        self.lifecycle.add_application(name.clone(), declared);
        let data = ApplicationData {
            charm,
            metadata: Some(Arc::clone(metadata)),
            exposed: None,
            // Where there was one of the name, its units are counted on (state/state.go, `AddApplication`).
            next_unit: self.unit_numbers.remove(name).unwrap_or_default(),
            scale: 0,
            constraints: String::new(),
            storage: BTreeMap::new(),
            resources: BTreeMap::new(),
            charm_modified: 0,
            address: None,
            is_dying: false,
            is_forced: false,
            annotations: BTreeMap::new(),
            history: VecDeque::new(),
        };
        self.applications.insert(name.clone(), data);
        Ok(())
    }

    /// Returns the number of a machine that is new.
    pub fn add_machine(&mut self, base: Base, constraints: String, is_manual: bool) -> u32 {
        let number = self.next_machine;
        self.next_machine += 1;
        let machine = MachineData {
            base,
            address: None,
            status: PENDING.to_owned(),
            message: String::new(),
            since: Timestamp::now(),
            constraints,
            is_dying: false,
            is_manual,
            annotations: BTreeMap::new(),
            history: VecDeque::new(),
        };
        self.machines.insert(number, machine);
        number
    }

    /// Adds a unit to an application: on a machine, or beside its principal.
    pub fn add_unit(
        &mut self,
        application: &Name,
        machine: Option<u32>,
        principal: Option<&Name>,
    ) -> Result<Name, ModelError> {
        let now = Timestamp::now();
        let Some(data) = self.applications.get_mut(application) else {
            return Err(ModelError::NotFound { what: "application", name: application.to_string() });
        };
        // Pods are counted from zero, whichever were there before.
        let is_free = |number: &u32| !self.units.contains_key(&application.numbered(*number));
        let pod = (0..u32::MAX).find(is_free).filter(|_| self.platform == ModelPlatform::Kubernetes);
        let number = pod.unwrap_or(data.next_unit);
        let unit = application.numbered(number);
        let (charm_digest, charm_revision) = (data.charm.digest.clone(), data.charm.revision);
        let charm_modified = data.charm_modified;
        if let Some(principal) = principal {
            self.lifecycle.set_principal(&unit, principal);
        }
        let stimulus = self.lifecycle.deploy(&unit);
        self.state.now = now;
        self.lifecycle
            .step(ModelEvent::Stimulus { target: Target::Unit(unit.clone()), stimulus: stimulus.clone() })?;
        self.state.add_unit(&unit, principal.map(Name::as_str))?;
        if matches!(stimulus, Stimulus::Deploy { leads: true, .. }) {
            self.state.set_leader(application, Some(&unit))?;
        }
        if let Some(data) = self.applications.get_mut(application) {
            data.next_unit = data.next_unit.max(number + 1);
            data.scale += 1;
        }
        let is_there = machine
            .and_then(|machine| self.machines.get(&machine))
            .map(|machine| machine.status == "started");
        if is_there == Some(false) {
            self.state.set_unit_status(&unit, StatusKind::Waiting, "waiting for machine");
        }
        let data = UnitData {
            machine: machine.map(|machine| machine.to_string()),
            agent: AgentStatus::Allocating,
            agent_message: String::new(),
            agent_since: now,
            is_up: false,
            numbers: (0, 0),
            failures: 0,
            retry_at: None,
            rests_until: None,
            update_at: None,
            actions: VecDeque::new(),
            is_forced: false,
            charm_digest,
            charm_revision,
            notices: BTreeMap::new(),
            resources: BTreeMap::new(),
            charm_modified,
            history: VecDeque::from([StatusEntry {
                since: now,
                is_agent: true,
                status: <&str>::from(AgentStatus::Allocating).to_owned(),
                message: String::new(),
            }]),
        };
        self.units.insert(unit.clone(), data);
        self.note_status(&unit);
        Ok(unit)
    }

    /// Returns the hook that a unit runs, or is going to run as soon as it can.
    pub fn pending(&self, unit: &str) -> Option<Hook> {
        let world = self.lifecycle.units().get(unit)?;
        if let Some(hook) = world.running() {
            return Some(hook.clone());
        }
        if matches!(world.operation(), Operation::Failed(_)) && !self.is_due(unit) {
            return None;
        }
        let mut ahead: World = world.clone();
        let effects = step(&mut ahead, Event::Resolve { choice: 0 }).ok()?;
        effects.into_iter().find_map(|effect| match effect {
            Effect::Begin(hook) => Some(hook),
            Effect::Ended { .. } | Effect::Mark(_) | Effect::AgentExited | Effect::UnitDied => None,
        })
    }

    fn is_due(&self, unit: &str) -> bool {
        self.units.get(unit).and_then(|data| data.retry_at).is_some_and(|at| at <= Timestamp::now())
    }

    /// Lets a unit go. Its last hooks run first, unless it is forced.
    pub fn remove_unit(&mut self, unit: &Name, is_forced: bool) -> Result<(), ModelError> {
        let Some(data) = self.units.get_mut(unit) else {
            return Err(ModelError::NotFound { what: "unit", name: unit.to_string() });
        };
        // One whose agent has never come up has nothing to run (state/unit.go, `destroyOps`).
        data.is_forced |= is_forced || !data.is_up;
        let is_dying_already = self.state.units.get(unit).is_some_and(|seen| seen.is_dying);
        match self.poke(&Target::Unit(unit.clone()), &Stimulus::RemoveUnit) {
            Ok(_) | Err(ModelError::Illegal(IllegalModelEvent::Unit(_))) => {}
            Err(error) => return Err(error),
        }
        if !is_dying_already && let Some(application) = self.applications.get_mut(application_of(unit)) {
            application.scale = application.scale.saturating_sub(1);
        }
        let beside: Vec<Name> = self.subordinates(unit).cloned().collect();
        for other in beside {
            self.remove_unit(&other, is_forced)?;
        }
        Ok(())
    }

    /// Returns the units that live beside a principal.
    pub fn subordinates<'a>(&'a self, unit: &'a str) -> impl Iterator<Item = &'a Name> {
        self.state
            .units
            .values()
            .filter(move |other| other.principal.as_deref() == Some(unit))
            .map(|other| &other.name)
    }

    /// Forgets a unit that has run its last hook, or that is forced to go.
    pub fn forget_unit(&mut self, unit: &Name) {
        let world_is_there = self.lifecycle.units().contains_key(unit);
        if world_is_there {
            // It did not die by itself.
            self.lifecycle.forget_unit(unit);
        }
        let application = Name::from(application_of(unit));
        let led = self.state.is_leader(unit);
        // One that was never known has nothing to be forgotten.
        let _ = self.state.remove_unit(unit);
        self.cancel_tasks_of(unit);
        let machine = self.units.remove(unit).and_then(|data| data.machine);
        if led || self.lifecycle.leader(&application).is_none() {
            self.elect(&application);
        }
        let number = machine.and_then(|machine| machine.parse::<u32>().ok());
        if let Some(number) = number {
            let is_empty = !self.units.values().any(|other| other.machine == Some(number.to_string()));
            if is_empty && self.machines.get(&number).is_some_and(|machine| !machine.is_manual) {
                self.machines.remove(&number);
            }
        }
        self.tidy();
    }

    /// Lets another unit lead in the place of one that could not be placed: agents ask for that, and it has
    /// none.
    pub(super) fn pass_leadership_on(&mut self, unit: &Name) {
        let is_up = |unit: &Name| self.units.get(unit).is_some_and(|data| data.is_up);
        let application = Name::from(application_of(unit));
        let mut others = self.units.keys().filter(|other| application_of(other) == application.as_str());
        if self.state.is_leader(unit) && !is_up(unit) && others.any(is_up) {
            self.elect(&application);
        }
    }

    /// Lets another unit lead: one whose agent is up, if there is one.
    fn elect(&mut self, application: &Name) {
        let mut alive: Vec<&Name> = self
            .lifecycle
            .units()
            .iter()
            .filter(|(_, world)| {
                world.application() == application && world.life() == charmproof_lifecycle::world::Life::Alive
            })
            .map(|(unit, _)| unit)
            .collect();
        alive.sort_by_key(|unit| !self.units.get(*unit).is_some_and(|data| data.is_up));
        if let Some(unit) = alive.first().map(|unit| (*unit).clone()) {
            // One that leads already goes on.
            let _ = self.poke(&Target::Unit(unit), &Stimulus::LeadershipGained);
        }
    }

    /// Removes a relation: its units leave it first.
    pub fn remove_relation(&mut self, id: u32) -> Result<(), ModelError> {
        let Some(relation) = self.state.relations.get(&id) else {
            return Err(ModelError::NotFound { what: "relation", name: id.to_string() });
        };
        let near = match &relation.ends {
            RelationEnds::Peer(end) => end.application.clone(),
            RelationEnds::Between(one, other) => {
                if self.applications.contains_key(&one.application) {
                    one.application.clone()
                } else {
                    other.application.clone()
                }
            }
        };
        let target = Target::Application(near);
        match self.poke(&target, &Stimulus::RemoveRelation { relation: id }) {
            Ok(_) => {}
            Err(ModelError::Illegal(_)) => self.lifecycle.forget_relation(id),
            Err(error) => return Err(error),
        }
        let _ = self.state.set_relation_dying(id);
        self.tidy();
        Ok(())
    }

    /// Removes an application: relations, units, and then itself.
    pub fn remove_application(&mut self, name: &Name, is_forced: bool) -> Result<(), ModelError> {
        let Some(data) = self.applications.get_mut(name) else {
            return Err(ModelError::NotFound { what: "application", name: name.to_string() });
        };
        data.is_dying = true;
        data.is_forced |= is_forced;
        let relations: Vec<u32> = self
            .state
            .relations
            .values()
            .filter(|relation| !relation.is_peer() && !relation.is_dying && relation.end_of(name).is_some())
            .map(|relation| relation.id)
            .collect();
        for relation in relations {
            self.remove_relation(relation)?;
        }
        let units: Vec<Name> = self.state.units_of(name).map(|unit| unit.name.clone()).collect();
        for unit in units {
            self.remove_unit(&unit, is_forced)?;
        }
        self.offers.retain(|_, offer| offer.application != *name);
        self.tidy();
        Ok(())
    }

    /// Forgets what has nothing left that keeps it: relations without units, applications without
    /// units and relations.
    pub fn tidy(&mut self) {
        let over: Vec<u32> = self
            .state
            .relations
            .values()
            .filter(|relation| {
                relation.is_dying && !relation.in_scope.iter().any(|unit| self.state.units.contains_key(unit))
            })
            .map(|relation| relation.id)
            .collect();
        for id in over {
            let _ = self.state.remove_relation(id);
        }
        let over: Vec<Name> = self
            .applications
            .iter()
            .filter(|(name, data)| {
                data.is_dying
                    && self.state.units_of(name).next().is_none()
                    && !self
                        .state
                        .relations
                        .values()
                        .any(|relation| !relation.is_peer() && relation.end_of(name).is_some())
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in over {
            let peers: Vec<u32> = self
                .state
                .relations
                .values()
                .filter(|relation| relation.is_peer() && relation.end_of(&name).is_some())
                .map(|relation| relation.id)
                .collect();
            for id in peers {
                let _ = self.state.remove_relation(id);
            }
            let _ = self.state.remove_application(&name);
            let _ = self.lifecycle.remove_application(&name);
            let data = self.applications.remove(&name);
            if let Some(data) = data.filter(|_| !self.is_kubernetes()) {
                self.unit_numbers.insert(name.clone(), data.next_unit);
            }
            // One that was made while it was on its way out goes with it.
            self.offers.retain(|_, offer| offer.application != name);
        }
        let idle: Vec<u32> = self
            .machines
            .iter()
            .filter(|(number, machine)| {
                machine.is_dying && !self.units.values().any(|unit| unit.machine == Some(number.to_string()))
            })
            .map(|(number, _)| *number)
            .collect();
        for number in idle {
            self.machines.remove(&number);
        }
    }

    /// Brings units back after the supervisor was gone, and with it all that they ran on.
    pub(crate) fn all_come_back(&mut self) {
        let units: Vec<Name> = self.units.keys().cloned().collect();
        for unit in units {
            self.come_back(&unit);
        }
        self.forget_commands();
        for task in self.tasks.values_mut() {
            match task.status {
                TaskStatus::Running => task.fail("the local controller was ended while it ran"),
                TaskStatus::Aborting => task.abort(),
                // Who would have run it on the machine is gone.
                TaskStatus::Pending if !task.is_unit => {
                    task.fail("the local controller was ended before it ran");
                }
                TaskStatus::Pending
                | TaskStatus::Completed
                | TaskStatus::Failed
                | TaskStatus::Cancelled
                | TaskStatus::Aborted => {}
            }
        }
        for unit in self.units.values_mut() {
            let tasks = &self.tasks;
            let waits = |id: &u64| tasks.get(id).is_some_and(|task| !task.status.is_over());
            unit.actions.retain(waits);
        }
    }

    /// Whether a unit's pod is to be replaced by one for the charm and the resources that its application
    /// has by now. Kubernetes does so with one after the other, from the last to the first.
    pub(super) fn wants_another_pod(&self, unit: &Name) -> bool {
        let Some(application) = self.applications.get(application_of(unit)) else { return false };
        let is_old = |unit: &Name| {
            self.units.get(unit).map(|data| data.charm_modified) != Some(application.charm_modified)
        };
        let is_alive = |world: &World| world.life() == charmproof_lifecycle::world::Life::Alive;
        let number = |unit: &Name| unit.rsplit('/').next().and_then(|number| number.parse::<u32>().ok());
        let worlds = self.lifecycle.units();
        let mut later = worlds.iter().filter(|(other, world)| {
            application_of(other) == application_of(unit) && number(other) > number(unit) && is_alive(world)
        });
        self.is_kubernetes()
            && is_old(unit)
            && worlds.get(unit).is_some_and(is_alive)
            && !later.any(|(other, world)| is_old(other) || !world.has_agent())
    }

    /// Lets a unit know that its machine or pod was away. A hook that ran there was cut off.
    pub(crate) fn come_back(&mut self, unit: &Name) {
        let is_up = self.units.get(unit).is_some_and(|data| data.is_up);
        if !is_up {
            return;
        }
        let target = Target::Unit(unit.clone());
        // What the lifecycle refuses has not begun, or is on its way out.
        if self.is_kubernetes() {
            let _ = self.poke(&target, &Stimulus::PodLost);
            let _ = self.poke(&target, &Stimulus::PodStarted);
        } else {
            let _ = self.poke(&target, &Stimulus::MachineReboots);
        }
    }

    /// Returns what a hook did that the lifecycle has to know. Secrets are followed as a whole.
    pub(crate) fn deeds(&self, effects: &HookEffects) -> Vec<Stimulus> {
        let all = charmproof_agent::deeds::deeds(effects, &self.lifecycle, &self.state);
        all.into_iter().filter(|deed| !matches!(deed, Stimulus::SecretAdded { .. })).collect()
    }

    /// Lets units hear of what became of secrets.
    pub(crate) fn follow_secrets(&mut self) {
        let known = charmproof_agent::deeds::known_secrets(&self.state);
        self.lifecycle.follow_secrets(&known);
    }

    /// Returns a key of the model's configuration, as text.
    pub fn config_text(&self, key: &str) -> Option<String> {
        self.config.get(key).map(|value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// Ends the hook that a unit runs.
    pub(crate) fn end_hook(&mut self, unit: &Name, outcome: Outcome) -> Result<Vec<UnitEffect>, ModelError> {
        Ok(self.lifecycle.step(ModelEvent::HookEnds { unit: unit.clone(), outcome })?)
    }
}

/// Returns the pools that a model begins with, as the clouds have them.
fn pools(platform: ModelPlatform) -> BTreeMap<String, PoolData> {
    match platform {
        ModelPlatform::Kubernetes => BTreeMap::new(),
        ModelPlatform::Machine => [("btrfs", &[][..]), ("zfs", &[("zfs.pool_name", "juju-lxd")][..])]
            .into_iter()
            .map(|(driver, more)| {
                let own = [("driver", driver.to_owned()), ("lxd-pool", format!("juju-{driver}"))];
                let more = more.iter().map(|(key, value)| (*key, (*value).to_owned()));
                let attributes =
                    own.into_iter().chain(more).map(|(key, value)| (key.to_owned(), value)).collect();
                (format!("lxd-{driver}"), PoolData { provider: "lxd".to_owned(), attributes })
            })
            .collect(),
    }
}

/// Returns what a trusted charm is told of the cloud. There is none: nothing answers at its address, and
/// there is nothing that one would authenticate with.
fn credential(cloud: &str, platform: ModelPlatform) -> Credential {
    let (cloud_type, endpoint, auth_type) = match platform {
        ModelPlatform::Machine => ("lxd", "https://127.0.0.1:8443", "certificate"),
        ModelPlatform::Kubernetes => ("kubernetes", "https://127.0.0.1:16443", "oauth2"),
    };
    Credential {
        cloud_type: cloud_type.to_owned(),
        name: cloud.to_owned(),
        region: "localhost".to_owned(),
        endpoint: endpoint.to_owned(),
        auth_type: auth_type.to_owned(),
        attributes: BTreeMap::new(),
    }
}

/// Returns a number that is another one for each model.
fn seed(uuid: &str) -> u64 {
    let digits: String = uuid.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).unwrap_or_default()
}
