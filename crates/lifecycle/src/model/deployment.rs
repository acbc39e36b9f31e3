//! Applications that come, change their charm, and go.

use std::sync::Arc;

use super::{Application, Far, IllegalModelEvent, Link, Model, unknown};
use crate::vocabulary::Name;
use crate::world::{Charm, Role};

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
    /// they hear of it is told by [`Stimulus::Refresh`](crate::stimulus::Stimulus::Refresh).
    pub fn replace_charm(
        &mut self,
        name: &Name,
        charm: impl Into<Arc<Charm>>,
    ) -> Result<(), IllegalModelEvent> {
        let charm = charm.into();
        let application = self.applications.get_mut(name).ok_or_else(|| unknown("application", name))?;
        application.charm = Arc::clone(&charm);
        for (_, world) in self.units.iter_mut().filter(|(_, world)| world.application() == name) {
            world.charm = Arc::clone(&charm);
        }
        Ok(())
    }

    /// Forgets a unit that goes without its last hooks, as `--force` has it. The others see it leave.
    pub fn forget_unit(&mut self, unit: &Name) {
        self.forget_leader(unit);
        self.departs(unit);
        self.units.remove(unit);
    }

    /// Returns the unit that leads an application.
    pub fn leader(&self, application: &str) -> Option<&Name> {
        self.applications.get(application).and_then(|application| application.leader.as_ref())
    }

    /// Returns the number of an application's first peer relation; the others follow.
    pub fn first_peer_relation(&self, application: &str) -> Option<u32> {
        self.applications.get(application).map(|application| application.first_peer)
    }
}
