//! What is between the units of a model, and who sees what of it.

use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;

use super::{Applied, IllegalModelEvent, Model, UnitEffect, application_of, unknown};
use crate::machine::{Event, IllegalEvent};
use crate::stimulus::Stimulus;
use crate::vocabulary::{JujuVersion, Name};
use crate::world::{Endpoint, Few, Role, World};

/// The other end of a relation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Far {
    /// The same application.
    Peers,
    /// An application that is not modelled.
    Outside(Name),
    /// An endpoint of an application of the model.
    Modelled { application: Name, endpoint: Name },
}

/// One relation that was not removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Link {
    application: Name,
    endpoint: Name,
    pub(super) far: Far,
    is_suspended: bool,
    /// The units that have entered it, of either end.
    scope: Few<Name, ()>,
    /// The applications that have written to it.
    writers: Few<Name, ()>,
}

impl Link {
    pub(super) fn new(application: Name, endpoint: Name, far: Far) -> Self {
        let (scope, writers) = (Few::new(), Few::new());
        Self { application, endpoint, far, is_suspended: false, scope, writers }
    }

    /// Whether it is a peer relation of the application.
    pub(super) fn is_of_peers(&self, application: &Name) -> bool {
        self.far == Far::Peers && self.application == *application
    }

    /// Returns the application at the other end, as `application` sees it.
    fn other_end(&self, application: &Name) -> &Name {
        match &self.far {
            Far::Outside(far) => far,
            Far::Modelled { application: far, .. } if self.application == *application => far,
            Far::Peers | Far::Modelled { .. } => &self.application,
        }
    }

    /// Whether the application is one end, and the other one is modelled too.
    pub(super) fn is_between_modelled(&self, application: &Name) -> bool {
        self.endpoint_of(application).is_some() && !matches!(self.far, Far::Outside(_))
    }

    /// Returns the endpoint of the application, if it is one end.
    pub(super) fn endpoint_of(&self, application: &Name) -> Option<&Name> {
        if self.application == *application {
            return Some(&self.endpoint);
        }
        match &self.far {
            Far::Modelled { application: far, endpoint } if far == application => Some(endpoint),
            Far::Modelled { .. } | Far::Peers | Far::Outside(_) => None,
        }
    }
}

impl Model {
    /// Applies what happens to an application as a whole.
    pub(super) fn apply_to_application(
        &mut self,
        application: &Name,
        stimulus: Stimulus,
        effects: &mut Vec<UnitEffect>,
    ) -> Applied {
        if let Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint } = stimulus {
            let far = match remote_endpoint {
                Some(endpoint) if self.is_modelled(&remote_app) => {
                    Far::Modelled { application: remote_app, endpoint }
                }
                None if self.is_modelled(&remote_app) => {
                    return Err(IllegalModelEvent::NoRemoteEndpoint(remote_app));
                }
                Some(_) | None => Far::Outside(remote_app),
            };
            return self.integrate(relation, Link::new(application.clone(), endpoint, far), effects);
        }
        let Some(id) = relation_of(&stimulus) else {
            return self.fan_out(|_, world| world.application() == application, &stimulus, effects);
        };
        let link = self.links.get(&id).filter(|link| link.endpoint_of(application).is_some());
        let link = link.ok_or_else(|| unknown("relation", &id.to_smolstr()))?;
        if let Some((unit, is_there)) = remote_unit_of(&stimulus) {
            let other_end = link.other_end(application);
            if self.units.contains_key(unit) || matches!(link.far, Far::Modelled { .. }) {
                return Err(IllegalModelEvent::NotOutside(other_end.clone()));
            }
            // R49: the other end is the unit of the same machine, which is the one of the same
            // number here.
            let has_one = self.is_container_scoped(id);
            let beside: Vec<Name> = self
                .units_of(application)
                .into_iter()
                .filter(|near| !has_one || self.are_beside(near, unit))
                .collect();
            if has_one && beside.is_empty() {
                return Err(unknown("unit beside", unit));
            }
            self.fan_out(|near, _| beside.contains(near), &stimulus, effects)?;
            if let Some(link) = self.links.get_mut(&id) {
                if is_there {
                    link.scope.insert(unit.clone(), ());
                } else {
                    link.scope.remove(unit);
                }
            }
            return Ok(());
        }
        if matches!(stimulus, Stimulus::RemoteAppWrites { .. }) {
            let other_end = link.other_end(application).clone();
            if matches!(link.far, Far::Modelled { .. }) {
                return Err(IllegalModelEvent::NotOutside(other_end));
            }
            self.fan_out(|_, world| world.application() == application, &stimulus, effects)?;
            if let Some(link) = self.links.get_mut(&id) {
                link.writers.insert(other_end, ());
            }
            return Ok(());
        }
        // The rest is about the relation, and both ends hear of it.
        if link.far == Far::Peers {
            return Err(IllegalEvent::PeerRelation(link.endpoint.clone()).into());
        }
        let near = link.application.clone();
        let far = match &link.far {
            Far::Modelled { application, .. } => Some(application.clone()),
            Far::Peers | Far::Outside(_) => None,
        };
        let is_end = |application: &Name| *application == near || Some(application) == far.as_ref();
        self.fan_out(|_, world| is_end(world.application()), &stimulus, effects)?;
        if matches!(stimulus, Stimulus::RemoveRelation { .. }) {
            self.links.remove(&id);
            self.remove_without_principal(application, effects);
        } else if let Some(link) = self.links.get_mut(&id) {
            link.is_suspended = matches!(stimulus, Stimulus::SuspendRelation { .. });
        }
        Ok(())
    }

    /// Integrates two endpoints.
    fn integrate(&mut self, id: u32, link: Link, effects: &mut Vec<UnitEffect>) -> Applied {
        if id < self.next_relation {
            return Err(IllegalEvent::UsedBefore(id.to_smolstr()).into());
        }
        let near = self.declared(&link.application, &link.endpoint)?;
        if near.role == Role::Peer {
            return Err(IllegalEvent::PeerRelation(near.name.clone()).into());
        }
        self.has_room(&link.application, near)?;
        let mut ends = vec![(link.application.clone(), link.endpoint.clone(), None)];
        if let Far::Modelled { application, endpoint } = &link.far {
            let far = self.declared(application, endpoint)?;
            let fits = match near.role {
                Role::Provides => far.role == Role::Requires,
                Role::Requires => far.role == Role::Provides,
                Role::Peer => false,
            };
            if !fits || near.interface != far.interface || *application == link.application {
                return Err(IllegalModelEvent::NoRemoteEndpoint(application.clone()));
            }
            self.has_room(application, far)?;
            ends[0].2 = Some(endpoint.clone());
            ends.push((application.clone(), endpoint.clone(), Some(link.endpoint.clone())));
        }
        let is_there = self.links.values().any(|known| {
            known.application == link.application && known.endpoint == link.endpoint && known.far == link.far
        });
        if is_there {
            return Err(IllegalEvent::NothingChanges.into());
        }
        let mut first_error = None;
        let mut has_integrated = false;
        for (application, endpoint, remote_endpoint) in ends {
            let remote_app = link.other_end(&application).clone();
            let stimulus = Stimulus::Integrate { relation: id, endpoint, remote_app, remote_endpoint };
            match self.fan_out(|_, world| *world.application() == application, &stimulus, effects) {
                Ok(()) => has_integrated = true,
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        // An end of which all units are on their way out hears nothing of it.
        if let Some(error) = first_error.filter(|_| !has_integrated) {
            return Err(error);
        }
        self.next_relation = id + 1;
        self.links.insert(id, link);
        Ok(())
    }

    /// R49: a subordinate unit that no relation ties to a principal is removed.
    fn remove_without_principal(&mut self, application: &Name, effects: &mut Vec<UnitEffect>) {
        let is_subordinate =
            self.applications.get(application).is_some_and(|application| application.charm.is_subordinate);
        let has_principal = self
            .links
            .iter()
            .any(|(id, link)| link.endpoint_of(application).is_some() && self.is_container_scoped(*id));
        if !is_subordinate || has_principal {
            return;
        }
        for unit in self.units_of(application) {
            // One that is on its way out already goes on.
            let _ = self.apply_to_unit(&unit, Stimulus::RemoveUnit, effects);
        }
    }

    /// Whether a relation ties each unit to the one beside it: one of its ends says so.
    fn is_container_scoped(&self, id: u32) -> bool {
        let Some(link) = self.links.get(&id) else { return false };
        let far = match &link.far {
            Far::Modelled { application, endpoint } => Some((application, endpoint)),
            Far::Peers | Far::Outside(_) => None,
        };
        let mut ends = [Some((&link.application, &link.endpoint)), far].into_iter().flatten();
        ends.any(|(application, endpoint)| {
            self.declared(application, endpoint)
                .is_ok_and(|declared| declared.is_container_scoped && declared.role != Role::Peer)
        })
    }

    fn declared(&self, application: &Name, endpoint: &Name) -> Result<&Endpoint, IllegalModelEvent> {
        let found = self.applications.get(application).ok_or_else(|| unknown("application", application))?;
        found.charm.endpoint(endpoint).ok_or_else(|| unknown("endpoint", endpoint))
    }

    /// Whether the endpoint may have one relation more.
    fn has_room(&self, application: &Name, endpoint: &Endpoint) -> Applied {
        let is_here = |link: &&Link| link.endpoint_of(application) == Some(&endpoint.name);
        let count = self.links.values().filter(is_here).count();
        if endpoint.limit.is_some_and(|limit| count >= limit as usize) {
            return Err(IllegalEvent::Full { what: "endpoint", name: endpoint.name.clone() }.into());
        }
        Ok(())
    }

    fn units_of(&self, application: &Name) -> Vec<Name> {
        self.units
            .iter()
            .filter(|(_, world)| world.application() == application)
            .map(|(unit, _)| unit.clone())
            .collect()
    }

    /// Applies a stimulus to each of the units that hear of it. It is refused if all of them
    /// refuse it.
    fn fan_out(
        &mut self,
        hears: impl Fn(&Name, &World) -> bool,
        stimulus: &Stimulus,
        effects: &mut Vec<UnitEffect>,
    ) -> Applied {
        let mut first_error = None;
        let mut has_applied = false;
        // No unit comes or goes on the way: what happens to an application kills none.
        for place in 0..self.units.len() {
            let Some((unit, _)) = self.units.iter().nth(place).filter(|(unit, world)| hears(unit, world))
            else {
                continue;
            };
            match self.unit(&unit.clone(), Event::Stimulus(stimulus.clone()), effects) {
                Ok(()) => has_applied = true,
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.filter(|_| !has_applied).map_or(Ok(()), Err)
    }

    /// Returns what a new unit finds: the relations of its application, and who is in them.
    pub(super) fn entrances(&self, application: &Name, unit: &Name) -> Vec<Stimulus> {
        let mut found = Vec::new();
        for (id, link) in &self.links {
            let Some(endpoint) = link.endpoint_of(application) else { continue };
            let relation = *id;
            let remote_app = link.other_end(application);
            if link.far != Far::Peers {
                let (endpoint, remote_app) = (endpoint.clone(), remote_app.clone());
                found.push(Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint: None });
            }
            let has_one = self.is_container_scoped(relation);
            let others = link.scope.keys().filter(|other| {
                remote_app == application_of(other)
                    && *other != unit
                    && (!has_one || self.are_beside(other, unit))
            });
            found.extend(others.map(|other| Stimulus::RemoteUnitJoins { relation, unit: other.clone() }));
            // R36: nobody is told of an application that has written nothing.
            if link.writers.contains_key(remote_app) {
                found.push(Stimulus::RemoteAppWrites { relation });
            }
            if link.is_suspended {
                found.push(Stimulus::SuspendRelation { relation });
            }
        }
        found
    }

    /// A unit enters the scope of a relation: the other end sees it from now on (R35).
    pub(super) fn enters(&mut self, id: Option<u32>, unit: &Name) {
        let Some((id, link)) = id.and_then(|id| Some((id, self.links.get_mut(&id)?))) else { return };
        link.scope.insert(unit.clone(), ());
        self.tell(id, unit, |unit| Stimulus::RemoteUnitJoins { relation: id, unit });
    }

    /// A unit leaves the scope of a relation, which goes on without it.
    pub(super) fn leaves(&mut self, id: Option<u32>, unit: &Name) {
        let Some((id, link)) = id.and_then(|id| Some((id, self.links.get_mut(&id)?))) else { return };
        if link.scope.remove(unit).is_some() {
            self.tell(id, unit, |unit| Stimulus::RemoteUnitLeaves { relation: id, unit });
        }
    }

    /// A unit is being removed: Juju takes it out of all scopes at once, so that the others
    /// can get used to it (state/cleanup.go, `cleanupDyingUnit`).
    pub(super) fn departs(&mut self, unit: &Name) {
        let ids: Vec<u32> =
            self.links.iter().filter(|(_, link)| link.scope.contains_key(unit)).map(|(id, _)| *id).collect();
        for id in ids {
            let is_lost = self.has_quirks
                && self.profile.version == JujuVersion::V4_0
                && self.links.get(&id).is_some_and(|link| link.far == Far::Peers);
            if is_lost {
                // R47: Juju 4 does not tell its peers.
                self.links.get_mut(&id).map(|link| link.scope.remove(unit));
            } else {
                self.leaves(Some(id), unit);
            }
        }
    }

    /// The leader has written to its application's data.
    pub(super) fn app_writes(&mut self, id: u32, unit: &Name) {
        if let Some(link) = self.links.get_mut(&id) {
            link.writers.insert(application_of(unit).into(), ());
        }
        self.tell(id, unit, |_| Stimulus::RemoteAppWrites { relation: id });
    }

    /// Tells the units at the other end what a unit did.
    pub(super) fn tell(&mut self, id: u32, unit: &Name, stimulus: impl Fn(Name) -> Stimulus) {
        let (Some(link), Some(world)) = (self.links.get(&id), self.units.get(unit)) else { return };
        let other_end = link.other_end(world.application()).clone();
        // R49: of several units, one of the other end is beside this one.
        let has_one = self.is_container_scoped(id);
        let mut listeners = self.units_of(&other_end);
        listeners.retain(|listener| listener != unit && (!has_one || self.are_beside(listener, unit)));
        for listener in &listeners {
            // One that has left, or is on its way out, does not listen any more.
            let event = Event::Stimulus(stimulus(unit.clone()));
            let mut effects = Vec::new();
            let _ = self.unit(listener, event, &mut effects);
            debug_assert!(effects.is_empty(), "what a unit sees makes it do nothing at once");
        }
    }
}

/// Returns the relation that a stimulus of an application is about.
fn relation_of(stimulus: &Stimulus) -> Option<u32> {
    if let Stimulus::RemoveRelation { relation }
    | Stimulus::SuspendRelation { relation }
    | Stimulus::ResumeRelation { relation }
    | Stimulus::RemoteUnitJoins { relation, .. }
    | Stimulus::RemoteUnitLeaves { relation, .. }
    | Stimulus::RemoteUnitWrites { relation, .. }
    | Stimulus::RemoteAppWrites { relation } = stimulus
    {
        Some(*relation)
    } else {
        None
    }
}

/// Returns the remote unit that does something, and whether it is there afterwards.
fn remote_unit_of(stimulus: &Stimulus) -> Option<(&Name, bool)> {
    if let Stimulus::RemoteUnitJoins { unit, .. } | Stimulus::RemoteUnitWrites { unit, .. } = stimulus {
        return Some((unit, true));
    }
    if let Stimulus::RemoteUnitLeaves { unit, .. } = stimulus { Some((unit, false)) } else { None }
}
