//! Applications that come, change their charm, and go.

use std::sync::Arc;

use super::relations::{Far, Link};
use super::{Application, IllegalModelEvent, Model, number_of, unknown};
use crate::machine::IllegalEvent;
use crate::vocabulary::{Name, Platform};
use crate::world::{Charm, Container, Few, Life, Relation, Role, Storage, World};

impl Model {
    /// Deploys a charm under a name that nobody has, without a unit yet. Its peer relations get the
    /// next numbers.
    pub fn add_application(&mut self, name: impl Into<Name>, charm: impl Into<Arc<Charm>>) {
        let (name, charm) = (name.into(), charm.into());
        let first_peer = self.next_relation;
        for endpoint in charm.endpoints.iter().filter(|endpoint| endpoint.role == Role::Peer) {
            let far = Far::Peers;
            self.links.insert(self.next_relation, Link::new(name.clone(), endpoint.name.clone(), far));
            self.next_relation += 1;
        }
        self.applications.insert(name, Application { charm, first_peer, leader: None });
    }

    /// Forgets an application that has no units any more, with its peer relations.
    pub fn remove_application(&mut self, name: &Name) -> Result<(), IllegalModelEvent> {
        if let Some((unit, _)) = self.units.iter().find(|(_, world)| world.application() == name) {
            return Err(unknown("application without units", unit));
        }
        self.applications.remove(name).ok_or_else(|| unknown("application", name))?;
        let own: Vec<u32> =
            self.links.iter().filter(|(_, link)| link.is_of_peers(name)).map(|(id, _)| *id).collect();
        for id in own {
            self.links.remove(&id);
        }
        Ok(())
    }

    /// Gives an application another charm, which its units run from their next hook on. Whether
    /// they hear of it is told by [`Stimulus::Refresh`](crate::stimulus::Stimulus::Refresh). Peer
    /// relations that the charm did not have get the next numbers, and units of Kubernetes have the
    /// containers of the new one.
    pub fn replace_charm(
        &mut self,
        name: &Name,
        charm: impl Into<Arc<Charm>>,
    ) -> Result<(), IllegalModelEvent> {
        let charm: Arc<Charm> = charm.into();
        let Some(application) = self.applications.get_mut(name) else {
            return Err(unknown("application", name));
        };
        application.charm = Arc::clone(&charm);
        let known: Vec<Name> = self.peer_relations(name).map(|(_, endpoint)| endpoint.clone()).collect();
        let mut new_peers = Vec::new();
        for endpoint in charm.endpoints.iter().filter(|endpoint| endpoint.role == Role::Peer) {
            if !known.contains(&endpoint.name) {
                let link = Link::new(name.clone(), endpoint.name.clone(), Far::Peers);
                self.links.insert(self.next_relation, link);
                new_peers.push((self.next_relation, endpoint.name.clone()));
                self.next_relation += 1;
            }
        }
        for world in self.units.values_mut().filter(|world| world.application() == name) {
            world.charm = Arc::clone(&charm);
            for (id, endpoint) in &new_peers {
                let relation = Relation::new(endpoint.clone(), Role::Peer, name.clone());
                world.relations.insert(*id, relation);
                world.next_relation = world.next_relation.max(id + 1);
            }
            if world.is_on(Platform::Kubernetes) {
                renew_containers(world);
            }
        }
        Ok(())
    }

    /// Forgets a unit that goes without its last hooks, as `--force` has it. The others see it leave.
    pub fn forget_unit(&mut self, unit: &Name) {
        self.forget_leader(unit);
        self.departs(unit);
        self.units.remove(unit);
        self.principals.remove(unit);
    }

    /// Gives a unit an instance of a storage that was another unit's before, or its own. One that is new
    /// is added with [`Stimulus::StorageAdded`](crate::stimulus::Stimulus::StorageAdded).
    pub fn attach_storage(&mut self, unit: &Name, storage_id: &Name) -> Result<(), IllegalModelEvent> {
        let world = self.units.get_mut(unit).ok_or_else(|| unknown("unit", unit))?;
        if world.life() != Life::Alive {
            return Err(IllegalEvent::UnitDying.into());
        }
        let name = storage_id.split('/').next().unwrap_or_default();
        let kind = world.charm.storage(name).ok_or_else(|| unknown("storage", storage_id))?;
        if world.storages.contains_key(storage_id) {
            return Err(IllegalEvent::UsedBefore(storage_id.as_str().into()).into());
        }
        let count = world.storages.keys().filter(|id| id.split('/').next() == Some(name)).count();
        if kind.maximum.is_some_and(|maximum| count >= maximum as usize) {
            return Err(IllegalEvent::Full { what: "storage", name: kind.name.clone() }.into());
        }
        world.storages.insert(storage_id.clone(), Storage::Provisioned);
        Ok(())
    }

    /// Takes the newest instances of a storage from a unit that was not told of them yet: instead of
    /// those, it is to get others. Returns their ids.
    pub fn withdraw_storage(&mut self, unit: &Name, name: &str, count: usize) -> Vec<Name> {
        let Some(world) = self.units.get_mut(unit) else { return Vec::new() };
        let untold = world
            .storages
            .iter()
            .filter(|(id, storage)| **storage == Storage::Provisioned && id.split('/').next() == Some(name));
        let mut ids: Vec<Name> = untold.map(|(id, _)| id.clone()).collect();
        ids.sort_by_key(|id| id.rsplit('/').next().and_then(|number| number.parse::<u32>().ok()));
        let taken = ids.split_off(ids.len().saturating_sub(count));
        for id in &taken {
            world.storages.remove(id);
        }
        taken
    }

    /// Forgets a relation that was removed when all units had left it already, so that none of them
    /// could hear of that.
    pub fn forget_relation(&mut self, id: u32) {
        self.links.remove(&id);
    }

    /// Takes back that a unit is to run an action. Returns whether one of the name still waited.
    pub fn forget_action(&mut self, unit: &Name, action: &str) -> bool {
        let Some(world) = self.units.get_mut(unit) else { return false };
        let last = world.actions.iter().rposition(|waiting| waiting == action);
        last.and_then(|place| world.actions.remove(place)).is_some()
    }

    /// Returns the unit that leads an application.
    pub fn leader(&self, application: &str) -> Option<&Name> {
        self.applications.get(application).and_then(|application| application.leader.as_ref())
    }

    /// Returns the number of an application's first peer relation; the others of its first charm
    /// follow.
    pub fn first_peer_relation(&self, application: &str) -> Option<u32> {
        self.applications.get(application).map(|application| application.first_peer)
    }

    /// Returns the peer relations of an application: their numbers and endpoints.
    pub fn peer_relations(&self, application: &Name) -> impl Iterator<Item = (u32, &Name)> {
        let links = self.links.iter().filter(|(_, link)| link.far == Far::Peers);
        links.filter_map(move |(id, link)| Some((*id, link.endpoint_of(application)?)))
    }

    /// Says which unit a unit of a subordinate is going to live beside, before it is deployed.
    /// Units of which nobody says so live beside those of the same number.
    pub fn set_principal(&mut self, unit: &Name, principal: &Name) {
        self.principals.insert(unit.clone(), principal.clone());
    }

    /// Whether two units live on the same machine, one of them as a subordinate.
    pub(super) fn are_beside(&self, one: &Name, other: &Name) -> bool {
        match (self.principals.get(one), self.principals.get(other)) {
            (Some(principal), None) => principal == other,
            (None, Some(principal)) => principal == one,
            // Subordinates of one unit may be related as well.
            (Some(principal), Some(of_other)) => {
                principal == of_other || principal == other || of_other == one
            }
            (None, None) => number_of(one) == number_of(other),
        }
    }

    /// Gives the peer relations of a new unit their numbers, where a refresh brought some that do
    /// not follow on the first.
    pub(super) fn number_peers(&mut self, application: &Name, unit: &Name) {
        let numbers: Vec<(u32, Name)> =
            self.peer_relations(application).map(|(id, endpoint)| (id, endpoint.clone())).collect();
        let Some(world) = self.units.get_mut(unit) else { return };
        let is_numbered = numbers.iter().all(|(id, endpoint)| {
            world.relations.get(id).is_some_and(|relation| relation.endpoint == *endpoint)
        });
        if is_numbered {
            return;
        }
        world.relations = Few::new();
        for (id, endpoint) in numbers {
            world.relations.insert(id, Relation::new(endpoint, Role::Peer, application.clone()));
            world.next_relation = world.next_relation.max(id + 1);
        }
    }
}

fn renew_containers(world: &mut World) {
    let names = world.charm.containers.clone();
    let kept = names.into_iter().map(|name| {
        let container = world.containers.get(&name).cloned();
        (name, container.unwrap_or_else(Container::default))
    });
    world.containers = kept.collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelEvent, Target};
    use crate::stimulus::Stimulus;
    use crate::vocabulary::{JujuVersion, Outcome};
    use crate::world::Profile;

    fn model(platform: Platform) -> Model {
        Model::new(Profile { version: JujuVersion::V3_6, platform }, false)
    }

    fn poke(model: &mut Model, target: Target, stimulus: Stimulus) {
        model.step(ModelEvent::Stimulus { target, stimulus }).unwrap();
    }

    fn deploy(model: &mut Model, unit: &str) {
        let stimulus = model.deploy(&unit.into());
        poke(model, Target::Unit(unit.into()), stimulus);
    }

    /// Lets all units run until they have nothing to do, and returns the hooks with these names:
    /// `web/0 peers-relation-joined web/1`.
    fn settle(model: &mut Model, names: &str) -> Vec<String> {
        let mut ran = Vec::new();
        loop {
            let before = ran.len();
            let units: Vec<Name> = model.units().keys().cloned().collect();
            let mut has_run = false;
            for unit in units {
                model.step(ModelEvent::Resolve { unit: unit.clone(), choice: 0 }).unwrap();
                let Some(hook) = model.units().get(&unit).and_then(World::running).cloned() else { continue };
                model.step(ModelEvent::HookEnds { unit: unit.clone(), outcome: Outcome::Ok }).unwrap();
                has_run = true;
                if hook.name().contains(names) {
                    let remote = match &hook.remote {
                        crate::vocabulary::Remote::Unit(remote) => format!(" {remote}"),
                        crate::vocabulary::Remote::Application | crate::vocabulary::Remote::Unknown => {
                            String::new()
                        }
                    };
                    ran.push(format!("{unit} {}{remote}", hook.name()));
                }
            }
            if !has_run && ran.len() == before {
                ran.sort();
                return ran;
            }
        }
    }

    #[test]
    fn an_action_that_is_taken_back_is_not_run() {
        let mut model = model(Platform::Machine);
        model.add_application("web", Charm::default().with_action("greet").with_action("bow"));
        deploy(&mut model, "web/0");
        settle(&mut model, "");
        let unit = Name::from("web/0");
        for action in ["greet", "bow", "greet"] {
            poke(&mut model, Target::Unit(unit.clone()), Stimulus::ActionRuns { action: action.into() });
        }
        assert!(model.forget_action(&unit, "greet"));
        assert!(!model.forget_action(&unit, "wave") && !model.forget_action(&"web/9".into(), "greet"));
        assert_eq!(settle(&mut model, ""), ["web/0 bow-action", "web/0 greet-action"]);
    }

    #[test]
    fn a_subordinate_unit_sees_the_unit_that_it_was_put_beside_and_no_other() {
        let logs = {
            let mut charm = Charm { is_subordinate: true, ..Charm::default() };
            charm = charm.with_endpoint(Role::Requires, "host");
            charm.endpoints[0].is_container_scoped = true;
            charm.endpoints[0].interface = "juju-info".into();
            charm
        };
        let mut model = model(Platform::Machine);
        model.add_application("logs", logs);
        for application in ["web", "db"] {
            model.add_application(application, Charm::default().with_implicit_endpoint());
        }
        for unit in ["web/0", "web/1", "db/0"] {
            deploy(&mut model, unit);
        }
        for application in ["web", "db"] {
            let stimulus = Stimulus::Integrate {
                relation: model.next_relation(),
                endpoint: "host".into(),
                remote_app: application.into(),
                remote_endpoint: Some("juju-info".into()),
            };
            poke(&mut model, Target::Application("logs".into()), stimulus);
        }
        // Not in the order of the units that they are beside.
        for (number, principal) in ["web/1", "db/0", "web/0"].into_iter().enumerate() {
            let unit = Name::new(&format!("logs/{number}"));
            model.set_principal(&unit, &principal.into());
            deploy(&mut model, &unit);
        }
        let joined = settle(&mut model, "-relation-joined");
        assert_eq!(
            joined,
            [
                "db/0 juju-info-relation-joined logs/1",
                "logs/0 host-relation-joined web/1",
                "logs/1 host-relation-joined db/0",
                "logs/2 host-relation-joined web/0",
                "web/0 juju-info-relation-joined logs/2",
                "web/1 juju-info-relation-joined logs/0",
            ]
        );
        poke(&mut model, Target::Unit("logs/0".into()), Stimulus::UnitWrites { relation: 0 });
        assert_eq!(settle(&mut model, "changed"), ["web/1 juju-info-relation-changed logs/0"]);
    }

    #[test]
    fn a_leader_is_heard_before_it_is_told_that_it_leads() {
        let mut model = model(Platform::Machine);
        model.add_application("web", Charm::default().with_endpoint(Role::Requires, "data"));
        model.add_application("db", Charm::default().with_endpoint(Role::Provides, "data"));
        deploy(&mut model, "web/0");
        settle(&mut model, "");
        let stimulus = Stimulus::Integrate {
            relation: model.next_relation(),
            endpoint: "data".into(),
            remote_app: "db".into(),
            remote_endpoint: Some("data".into()),
        };
        poke(&mut model, Target::Application("web".into()), stimulus);
        deploy(&mut model, "db/0");
        let db = Name::new("db/0");
        loop {
            model.step(ModelEvent::Resolve { unit: db.clone(), choice: 0 }).unwrap();
            let hook = model.units().get(&db).and_then(World::running).unwrap().name();
            assert_ne!(hook, "leader-elected", "the leader was told first");
            model.step(ModelEvent::HookEnds { unit: db.clone(), outcome: Outcome::Ok }).unwrap();
            if hook == "data-relation-created" {
                break;
            }
        }
        poke(&mut model, Target::Unit(db), Stimulus::AppWrites { relation: 0 });
        let changed = settle(&mut model, "data-relation-changed");
        assert!(changed.contains(&"web/0 data-relation-changed".to_owned()), "{changed:?}");
    }

    #[test]
    fn who_leaves_and_one_of_the_same_name_are_both_heard_of() {
        let mut model = model(Platform::Kubernetes);
        model.add_application("web", Charm::default().with_endpoint(Role::Peer, "peers"));
        for unit in ["web/0", "web/1"] {
            deploy(&mut model, unit);
        }
        settle(&mut model, "");
        let second = Name::new("web/1");
        poke(&mut model, Target::Unit(second.clone()), Stimulus::RemoveUnit);
        // It goes before the other one has heard of it.
        while model.units().get(&second).is_some_and(|world| world.life() != Life::Dead) {
            model.step(ModelEvent::Resolve { unit: second.clone(), choice: 0 }).unwrap();
            if model.units().get(&second).and_then(World::running).is_some() {
                model.step(ModelEvent::HookEnds { unit: second.clone(), outcome: Outcome::Ok }).unwrap();
            }
        }
        model.forget_unit(&second);
        deploy(&mut model, "web/1");
        let mut heard = settle(&mut model, "peers-relation");
        heard.retain(|hook| hook.starts_with("web/0"));
        let expected = ["changed", "departed", "joined"];
        assert_eq!(heard, expected.map(|what| format!("web/0 peers-relation-{what} web/1")));
    }

    #[test]
    fn storage_goes_from_unit_to_unit() {
        let mut model = model(Platform::Machine);
        model.add_application("web", Charm::default().with_storage("data"));
        deploy(&mut model, "web/0");
        deploy(&mut model, "web/1");
        settle(&mut model, "");
        let detached = Stimulus::StorageDetached { storage_id: "data/0".into() };
        poke(&mut model, Target::Unit("web/0".into()), detached);
        assert_eq!(settle(&mut model, "storage"), ["web/0 data-storage-detaching"]);
        // A unit that is deployed for it has no other one.
        deploy(&mut model, "web/2");
        assert_eq!(model.withdraw_storage(&"web/2".into(), "data", 1), ["data/2"]);
        assert!(model.withdraw_storage(&"web/1".into(), "data", 1).is_empty());
        model.attach_storage(&"web/2".into(), &"data/0".into()).unwrap();
        assert_eq!(settle(&mut model, "storage"), ["web/2 data-storage-attached"]);
        let check = |model: &mut Model, unit: &str, id: &str, expected: &str| {
            let refused = model.attach_storage(&unit.into(), &id.into()).unwrap_err();
            assert_eq!(refused.to_string(), expected);
        };
        check(&mut model, "web/2", "data/0", "the number of `data/0` was used before");
        check(&mut model, "web/9", "data/0", "there is no unit `web/9`");
        check(&mut model, "web/2", "logs/0", "there is no storage `logs/0`");
    }

    #[test]
    fn a_refresh_can_bring_peers_and_containers() {
        let before = Charm::default().with_container("web").with_endpoint(Role::Peer, "peers");
        let after = before.clone().with_endpoint(Role::Peer, "cluster").with_container("proxy");
        let mut model = model(Platform::Kubernetes);
        model.add_application("web", before);
        model.add_application("db", Charm::default().with_endpoint(Role::Peer, "peers"));
        deploy(&mut model, "web/0");
        settle(&mut model, "");
        model.replace_charm(&"web".into(), after).unwrap();
        poke(&mut model, Target::Application("web".into()), Stimulus::Refresh { forced: false });
        let restarted = Stimulus::ContainerRestarts { container: "proxy".into() };
        poke(&mut model, Target::Unit("web/0".into()), restarted);
        let hooks = settle(&mut model, "-");
        for hook in ["web/0 cluster-relation-created", "web/0 proxy-pebble-ready", "web/0 upgrade-charm"] {
            assert!(hooks.iter().any(|ran| ran == hook), "{hook}: {hooks:?}");
        }
        // The numbers of later units are those of the relations that are there.
        deploy(&mut model, "web/1");
        let joined = settle(&mut model, "-relation-joined");
        assert_eq!(
            joined,
            [
                "web/0 cluster-relation-joined web/1",
                "web/0 peers-relation-joined web/1",
                "web/1 cluster-relation-joined web/0",
                "web/1 peers-relation-joined web/0",
            ]
        );
        let peers: Vec<(u32, String)> =
            model.peer_relations(&"web".into()).map(|(id, endpoint)| (id, endpoint.to_string())).collect();
        assert_eq!(peers, [(0, "peers".to_owned()), (2, "cluster".to_owned())]);
    }

    #[test]
    fn an_application_without_units_can_go_and_come_again() {
        let web = Name::new("web");
        let charm = Charm::default().with_endpoint(Role::Peer, "peers");
        let mut model = model(Platform::Machine);
        assert_eq!(model.remove_application(&web), Err(unknown("application", &web)));
        model.add_application("web", charm.clone());
        deploy(&mut model, "web/0");
        settle(&mut model, "");
        assert!(model.remove_application(&web).is_err(), "it has a unit");
        poke(&mut model, Target::Unit("web/0".into()), Stimulus::RemoveUnit);
        settle(&mut model, "");
        model.remove_application(&web).unwrap();
        assert_eq!(model.peer_relations(&web).count(), 0);
        model.add_application("web", charm);
        assert_eq!(model.peer_relations(&web).map(|(id, _)| id).collect::<Vec<_>>(), [1]);
    }
}
