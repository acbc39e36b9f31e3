//! What happens in the lifecycle, as it shows in Juju's state.
//!
//! The lifecycle's model knows that something happened; the state has what tools tell of it.
//! Whoever moves a model calls [`State::follow`] after each stimulus, [`State::prepare`] before
//! each hook and [`State::committed`] after each that ended well. What a stimulus does not tell
//! (the values of options, what a unit of outside writes) is written by whoever knows it.

use charmproof_lifecycle::model::{Model, Target};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name};

use super::application::Application;
use super::relation::{RelationEnd, RelationEnds};
use super::{State, application_of};

impl State {
    /// Whether units of the application run here.
    pub fn is_modelled(&self, application: &str) -> bool {
        self.applications.get(application).is_some_and(|known| !known.is_outside)
    }

    /// Brings the state to where the model is after something happened. What the state
    /// refuses it has already, or never had. The unit of a subordinate that is deployed is there
    /// already, with the unit that it lives beside ([`Self::add_unit`]).
    pub fn follow(&mut self, model: &Model, target: &Target, stimulus: &Stimulus) {
        let name = target.name();
        match stimulus {
            Stimulus::Deploy { leads, .. } => self.deploy(model, name, *leads),
            Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint } => {
                self.integrate(
                    application_of(name),
                    *relation,
                    endpoint,
                    remote_app,
                    remote_endpoint.as_ref().unwrap_or(endpoint),
                );
            }
            Stimulus::RemoveRelation { relation } => {
                let _ = self.set_relation_dying(*relation);
            }
            Stimulus::SuspendRelation { relation } => {
                let _ = self.set_relation_suspended(*relation, true);
            }
            Stimulus::ResumeRelation { relation } => {
                let _ = self.set_relation_suspended(*relation, false);
            }
            Stimulus::RemoteUnitJoins { relation, unit } => {
                if !self.is_modelled(application_of(unit)) {
                    let _ = self.enter_scope(*relation, unit);
                }
            }
            Stimulus::RemoteUnitLeaves { relation, unit } => {
                if !self.is_modelled(application_of(unit)) {
                    let _ = self.leave_scope(*relation, unit);
                }
            }
            Stimulus::LeadershipGained => {
                let _ = self.set_leader(application_of(name), Some(name));
            }
            Stimulus::LeadershipLost => {
                if self.is_leader(name) {
                    let _ = self.set_leader(application_of(name), None);
                }
            }
            Stimulus::RemoveUnit => {
                // It goes on to lead until somebody else does, or it is gone: nobody revokes the
                // lease of a unit that is on its way out (R56 is about hooks only).
                let _ = self.set_unit_dying(name);
            }
            // Storage shows when its hook runs, and the others change nothing that tools tell, or
            // more than a stimulus says.
            Stimulus::RemoteUnitWrites { .. }
            | Stimulus::RemoteAppWrites { .. }
            | Stimulus::ConfigChanges
            | Stimulus::StorageAdded { .. }
            | Stimulus::StorageDetached { .. }
            | Stimulus::ContainerRestarts { .. }
            | Stimulus::CustomNotice { .. }
            | Stimulus::CheckFails { .. }
            | Stimulus::CheckRecovers { .. }
            | Stimulus::UnitWrites { .. }
            | Stimulus::AppWrites { .. }
            | Stimulus::LeaderSettingsWritten
            | Stimulus::SecretAdded { .. }
            | Stimulus::SecretRevised { .. }
            | Stimulus::SecretRotationDue { .. }
            | Stimulus::SecretExpires { .. }
            | Stimulus::SecretUnused { .. }
            | Stimulus::ActionRuns { .. }
            | Stimulus::Refresh { .. }
            | Stimulus::AgentRestarts
            | Stimulus::PodTerminated
            | Stimulus::PodLost
            | Stimulus::PodStarted
            | Stimulus::MachineReboots
            | Stimulus::CharmReboots { .. }
            | Stimulus::SeriesUpgradePrepared
            | Stimulus::SeriesUpgradeCompleted
            | Stimulus::Retry
            | Stimulus::ResolveWithoutRetry
            | Stimulus::TimePasses => {}
        }
    }

    /// Shows what a hook is about before it runs, where Juju does.
    pub fn prepare(&mut self, unit: &str, hook: &Hook) {
        match (hook.kind, hook.relation_id, &hook.storage_id) {
            // R35: a unit is in scope from the first hook of the relation on.
            (HookKind::RelationCreated, Some(relation), _) => {
                let _ = self.enter_scope(relation, unit);
            }
            // Where it is, somebody who really mounts it has said before.
            (HookKind::StorageAttached, _, Some(id)) => {
                let is_there = self.units.get(unit).is_some_and(|unit| unit.storages.contains_key(id));
                if !is_there {
                    let _ = self.attach_storage(unit, id, None);
                }
            }
            _ => {}
        }
    }

    /// Does what Juju does when a hook was committed. [`HookContext::finish`] has done what
    /// concerns the unit alone.
    ///
    /// [`HookContext::finish`]: super::HookContext::finish
    pub fn committed(&mut self, unit: &str, hook: &Hook) {
        match (hook.kind, hook.relation_id, &hook.storage_id) {
            (HookKind::RelationBroken, Some(relation), _) => {
                let _ = self.leave_scope(relation, unit);
                if self.is_over(relation) {
                    let _ = self.remove_relation(relation);
                }
            }
            (HookKind::StorageDetaching, _, Some(id)) => {
                let _ = self.detach_storage(unit, id);
            }
            _ => {}
        }
    }

    /// Does what Juju does when a person says that a failed hook counts as done (`juju resolved
    /// --no-retry`).
    pub fn resolved_without_retry(&mut self, unit: &str, hook: &Hook) {
        self.count_as_done(unit, hook);
        self.committed(unit, hook);
    }

    /// Removes the relations that were asked to go and that no unit of here is in, and returns
    /// their numbers. A relation that no unit has entered, or whose units are gone, has nobody
    /// who would leave it.
    pub fn remove_relations_that_are_over(&mut self) -> Vec<u32> {
        let over: Vec<u32> = self.relations.keys().copied().filter(|id| self.is_over(*id)).collect();
        for id in &over {
            let _ = self.remove_relation(*id);
        }
        over
    }

    /// Whether a relation was asked to go and the last unit of here has left it.
    fn is_over(&self, id: u32) -> bool {
        self.relations.get(&id).is_some_and(|relation| {
            relation.is_dying && !relation.in_scope.iter().any(|unit| self.units.contains_key(unit))
        })
    }

    fn deploy(&mut self, model: &Model, unit: &Name, leads: bool) {
        let application = Name::from(application_of(unit));
        self.follow_peers(model, &application);
        let _ = self.add_unit(unit, None);
        if leads {
            let _ = self.set_leader(&application, Some(unit));
        }
    }

    /// Adds the peer relations of an application that are not there yet: at its first unit, and
    /// those that a refresh brought ([`Model::replace_charm`]).
    pub fn follow_peers(&mut self, model: &Model, application: &Name) {
        for (number, endpoint) in model.peer_relations(application) {
            let end = RelationEnd::new(application.clone(), endpoint.clone());
            let _ = self.add_relation(number, RelationEnds::Peer(end));
        }
    }

    fn integrate(
        &mut self,
        application: &str,
        relation: u32,
        endpoint: &Name,
        remote_app: &Name,
        remote_endpoint: &Name,
    ) {
        if !self.applications.contains_key(remote_app) {
            let _ = self.add_application(Application::outside(remote_app.clone()));
        }
        let own = RelationEnd::new(application, endpoint.clone());
        let other = RelationEnd::new(remote_app.clone(), remote_endpoint.clone());
        let _ = self.add_relation(relation, RelationEnds::Between(own, other));
    }
}
