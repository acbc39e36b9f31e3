//! What the player of a life changes: what people, clouds and other charms do.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_lifecycle::vocabulary::Name;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::application::Application;
use super::relation::{Databag, Relation, RelationEnds};
use super::secret::{Grant, NewSecret, SecretConsumer, SecretId, SecretUpdate};
use super::unit::{Status, StatusKind, StorageInstance, StorageKind, Unit};
use super::{State, StateError, application_of};

type Changed = Result<(), StateError>;

impl State {
    /// Lets time pass.
    pub fn advance_clock(&mut self, by: SignedDuration) {
        // The clock of a life that would outlast the calendar stands still.
        self.now = self.now.checked_add(by).unwrap_or(self.now);
    }

    /// Sets the time to the real one, without the fractions of a second that Juju shows nowhere.
    pub fn set_clock(&mut self, now: Timestamp) {
        self.now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    }

    /// Adds an application.
    pub fn add_application(&mut self, application: Application) -> Changed {
        if self.applications.contains_key(&application.name) {
            return Err(StateError::exists("application", &application.name));
        }
        self.applications.insert(application.name.clone(), application);
        Ok(())
    }

    /// Removes an application, its units and the secrets that it owns.
    pub fn remove_application(&mut self, name: &str) -> Changed {
        self.applications.remove(name).ok_or_else(|| StateError::unknown("application", name))?;
        self.units.retain(|unit, _| application_of(unit) != name);
        self.secrets.retain(|_, secret| secret.owner.application() != Some(name));
        Ok(())
    }

    /// Adds a unit of an application. A subordinate has the unit that it lives beside.
    pub fn add_unit(&mut self, name: &str, principal: Option<&str>) -> Changed {
        self.application(application_of(name))?;
        if self.units.contains_key(name) {
            return Err(StateError::exists("unit", name));
        }
        // Units on one machine share its address.
        let address = self.address_of(principal.unwrap_or(name));
        self.addresses.insert(name.into(), address.clone());
        let unit = Unit {
            name: name.into(),
            public_address: address.clone(),
            private_address: address,
            principal: principal.map(Name::from),
            is_dying: false,
            status: Status::new(StatusKind::Waiting, "installing agent", self.now),
            has_set_status: false,
            failure: None,
            failed_since: None,
            workload_version: String::new(),
            ports: std::collections::BTreeSet::new(),
            storages: BTreeMap::new(),
            charm_state: BTreeMap::new(),
            members: BTreeMap::new(),
            payloads: BTreeMap::new(),
        };
        self.units.insert(name.into(), unit);
        Ok(())
    }

    /// Removes a unit, with the secrets that it owns and its part in those of others.
    pub fn remove_unit(&mut self, name: &str) -> Changed {
        self.units.remove(name).ok_or_else(|| StateError::unknown("unit", name))?;
        self.secrets.retain(|_, secret| secret.owner != super::SecretOwner::Unit(name.into()));
        for secret in self.secrets.values_mut() {
            secret.consumers.remove(name);
            secret.grants.remove(name);
        }
        for relation in self.relations.values_mut() {
            relation.in_scope.remove(name);
        }
        let application = self.applications.get_mut(application_of(name));
        if let Some(application) = application.filter(|found| found.leader.as_deref() == Some(name)) {
            application.leader = None;
        }
        Ok(())
    }

    /// Says that a unit was asked to go.
    pub fn set_unit_dying(&mut self, name: &str) -> Changed {
        self.unit_mut(name)?.is_dying = true;
        Ok(())
    }

    /// Says what Juju shows of a unit before its charm says something itself.
    pub fn set_unit_status(&mut self, name: &str, kind: StatusKind, message: &str) {
        let now = self.now;
        if let Ok(unit) = self.unit_mut(name) {
            unit.status.become_another(Status::new(kind, message, now));
        }
    }

    /// Shows no failure of a unit any more.
    pub fn forget_failure(&mut self, name: &str) {
        if let Ok(unit) = self.unit_mut(name) {
            unit.forget_failure();
        }
    }

    /// Gives an application what another charm declares. What was set stays, where the charm still
    /// has it.
    pub fn replace_charm(&mut self, name: &str, charm: &CharmMetadata) {
        let Some(known) = self.applications.get_mut(name) else { return };
        let mut renewed = Application::of_charm(known.name.clone(), charm);
        for (option, now) in &mut renewed.config {
            if let Some(before) = known.config.get(option)
                && before.value.as_ref().is_some_and(|value| now.accepts(value))
            {
                now.value.clone_from(&before.value);
            }
        }
        for (resource, file) in &mut renewed.resources {
            if let Some(before) = known.resources.get(resource) {
                file.clone_from(before);
            }
        }
        renewed.is_trusted = known.is_trusted;
        renewed.leader = known.leader.take();
        renewed.status = known.status.take();
        renewed.leader_settings = std::mem::take(&mut known.leader_settings);
        *known = renewed;
    }

    /// Gives a unit another address, as the cloud does to a pod that it moves. Its relations
    /// hear of it with the next `config-changed`.
    pub fn set_address(&mut self, name: &str, address: &str) -> Changed {
        let unit = self.unit_mut(name)?;
        address.clone_into(&mut unit.private_address);
        address.clone_into(&mut unit.public_address);
        self.addresses.insert(name.into(), address.to_owned());
        Ok(())
    }

    /// Says which address a unit of outside has, before it enters a relation.
    pub fn set_outside_address(&mut self, unit: &str, address: &str) {
        self.addresses.insert(unit.into(), address.to_owned());
    }

    /// Says in which model the other end of a relation is.
    pub fn set_remote_model(&mut self, id: u32, model_uuid: &str) -> Changed {
        self.relation_mut(id)?.remote_model_uuid = Some(model_uuid.to_owned());
        Ok(())
    }

    /// Sets who leads an application.
    pub fn set_leader(&mut self, application: &str, leader: Option<&str>) -> Changed {
        if let Some(leader) = leader {
            self.unit(leader)?;
        }
        self.application_mut(application)?.leader = leader.map(Name::from);
        Ok(())
    }

    /// Sets configuration options.
    pub fn set_config(&mut self, application: &str, values: &BTreeMap<String, Value>) -> Changed {
        let application = self.application_mut(application)?;
        for (name, value) in values {
            let option = application.config.get(name).ok_or_else(|| StateError::unknown("option", name))?;
            if !option.accepts(value) {
                let (option, expected, value) = (name.clone(), option.kind.into(), value.to_string());
                return Err(StateError::WrongType { option, expected, value });
            }
        }
        for (name, value) in values {
            if let Some(option) = application.config.get_mut(name) {
                option.value = Some(value.clone());
            }
        }
        Ok(())
    }

    /// Gives configuration options their defaults back.
    pub fn reset_config(&mut self, application: &str, names: &[&str]) -> Changed {
        let application = self.application_mut(application)?;
        for name in names {
            let option =
                application.config.get_mut(*name).ok_or_else(|| StateError::unknown("option", name))?;
            option.value = None;
        }
        Ok(())
    }

    /// Says where the file of a resource is; `None` where nobody has supplied it.
    pub fn set_resource(&mut self, application: &str, name: &str, path: Option<Utf8PathBuf>) -> Changed {
        self.application_mut(application)?.resources.insert(name.to_owned(), path);
        Ok(())
    }

    /// Adds a relation.
    pub fn add_relation(&mut self, id: u32, ends: RelationEnds) -> Changed {
        if self.relations.contains_key(&id) {
            return Err(StateError::exists("relation", id));
        }
        self.relations.insert(id, Relation::new(id, ends));
        Ok(())
    }

    /// Removes a relation, with its data and the permissions that end with it.
    pub fn remove_relation(&mut self, id: u32) -> Changed {
        self.relations.remove(&id).ok_or_else(|| StateError::unknown("relation", id))?;
        for unit in self.units.values_mut() {
            unit.members.remove(&id);
        }
        for secret in self.secrets.values_mut() {
            secret.grants.retain(|_, grant| grant.relation != Some(id));
        }
        Ok(())
    }

    /// Says that a relation was asked to go.
    pub fn set_relation_dying(&mut self, id: u32) -> Changed {
        self.relation_mut(id)?.is_dying = true;
        Ok(())
    }

    /// Suspends or resumes a relation.
    pub fn set_relation_suspended(&mut self, id: u32, is_suspended: bool) -> Changed {
        self.relation_mut(id)?.is_suspended = is_suspended;
        Ok(())
    }

    /// Lets a unit enter a relation, be it one of the model or of outside. Juju writes its
    /// addresses for it; what it wrote when it was there before is gone.
    pub fn enter_scope(&mut self, id: u32, unit: &str) -> Changed {
        self.relation(id)?;
        let address = self.address_of(unit);
        let data = self.addresses_in_relations(&address);
        let relation = self.relation_mut(id)?;
        if relation.in_scope.insert(unit.into()) {
            relation.unit_data.insert(unit.into(), data);
        }
        Ok(())
    }

    /// Lets a unit leave a relation. What it wrote can be read until the relation is gone.
    pub fn leave_scope(&mut self, id: u32, unit: &str) -> Changed {
        self.relation_mut(id)?.in_scope.remove(unit);
        Ok(())
    }

    /// Writes to a relation for a unit of outside; empty texts remove their keys. Returns
    /// the keys that are other than they were.
    pub fn write_unit_data(
        &mut self,
        id: u32,
        unit: &str,
        changes: &Databag,
    ) -> Result<Vec<String>, StateError> {
        let relation = self.relation_mut(id)?;
        Ok(write(relation.unit_data.entry(unit.into()).or_default(), changes))
    }

    /// Writes to a relation for an application of outside; empty texts remove their keys.
    /// Returns the keys that are other than they were.
    pub fn write_application_data(
        &mut self,
        id: u32,
        application: &str,
        changes: &Databag,
    ) -> Result<Vec<String>, StateError> {
        let relation = self.relation_mut(id)?;
        Ok(write(relation.application_data.entry(application.into()).or_default(), changes))
    }

    /// Attaches storage to a unit. Without a location it is where the charm wants it, or
    /// where Juju puts it.
    pub fn attach_storage(&mut self, unit: &str, id: &str, location: Option<&str>) -> Changed {
        let name = id.rsplit_once('/').map_or(id, |(name, _)| name);
        let declared = self.application(application_of(unit))?.storages.get(name).cloned();
        let declared = declared.ok_or_else(|| StateError::unknown("storage", name))?;
        let location = match (location, declared.kind, declared.location) {
            (Some(location), _, _) => location.to_owned(),
            // Of a storage that may have several instances, each has a folder.
            (None, StorageKind::Filesystem, Some(place)) if declared.count_max == Some(1) => place,
            (None, StorageKind::Filesystem, Some(place)) => format!("{place}/{}", id.replace('/', "-")),
            (None, StorageKind::Filesystem, None) => format!("/var/lib/juju/storage/{id}"),
            (None, StorageKind::Block, _) => format!("/dev/disk/by-id/{}", id.replace('/', "-")),
        };
        let instance = StorageInstance { kind: declared.kind, location };
        self.unit_mut(unit)?.storages.insert(id.into(), instance);
        Ok(())
    }

    /// Detaches storage from a unit.
    pub fn detach_storage(&mut self, unit: &str, id: &str) -> Changed {
        let storages = &mut self.unit_mut(unit)?.storages;
        storages.remove(id).map(drop).ok_or_else(|| StateError::unknown("storage", id))
    }

    /// Makes a secret of somebody who is not running here.
    pub fn add_secret(&mut self, secret: NewSecret) -> SecretId {
        let id = self.next_secret_id();
        self.secrets.insert(id.clone(), secret.into_secret(self.now));
        id
    }

    /// Changes a secret of somebody who is not running here. Returns its last revision.
    pub fn revise_secret(&mut self, id: &SecretId, update: SecretUpdate) -> Result<u32, StateError> {
        let now = self.now;
        let secret = self.secret_mut(id)?;
        secret.apply(update, now);
        Ok(secret.latest)
    }

    /// Lets a unit or an application read a secret, for as long as a relation lasts.
    pub fn grant_secret(&mut self, id: &SecretId, to: &str, relation: Option<u32>) -> Changed {
        self.secret_mut(id)?.grants.insert(to.into(), Grant { relation });
        Ok(())
    }

    /// Ends the permission of a unit or an application.
    pub fn revoke_secret(&mut self, id: &SecretId, from: &str) -> Changed {
        let secret = self.secret_mut(id)?;
        secret.grants.remove(from);
        Ok(())
    }

    /// Says that a unit reads a revision from now on, as one of outside does.
    pub fn track_secret(&mut self, id: &SecretId, unit: &str, revision: u32) -> Changed {
        let consumers = &mut self.secret_mut(id)?.consumers;
        let label = consumers.get(unit).and_then(|consumer| consumer.label.clone());
        consumers.insert(unit.into(), SecretConsumer { revision, label });
        Ok(())
    }

    /// Removes a revision of a secret, or all of it.
    pub fn remove_secret(&mut self, id: &SecretId, revision: Option<u32>) -> Changed {
        let secret = self.secret_mut(id)?;
        if let Some(revision) = revision {
            secret.revisions.remove(&revision);
        } else {
            secret.revisions.clear();
        }
        if secret.revisions.is_empty() {
            self.secrets.remove(id);
        }
        Ok(())
    }

    pub(crate) fn next_secret_id(&mut self) -> SecretId {
        let id = SecretId::numbered(self.secret_seed, self.secrets_made);
        self.secrets_made += 1;
        id
    }

    pub(crate) fn unit_mut(&mut self, name: &str) -> Result<&mut Unit, StateError> {
        self.units.get_mut(name).ok_or_else(|| StateError::unknown("unit", name))
    }

    pub(crate) fn application_mut(&mut self, name: &str) -> Result<&mut Application, StateError> {
        self.applications.get_mut(name).ok_or_else(|| StateError::unknown("application", name))
    }

    fn relation_mut(&mut self, id: u32) -> Result<&mut Relation, StateError> {
        self.relations.get_mut(&id).ok_or_else(|| StateError::unknown("relation", id))
    }

    fn secret_mut(&mut self, id: &SecretId) -> Result<&mut super::Secret, StateError> {
        self.secrets.get_mut(id).ok_or_else(|| StateError::unknown("secret", id))
    }
}

/// Writes to a databag; empty texts remove their keys. Returns the keys that differ now.
pub(super) fn write(databag: &mut Databag, changes: &Databag) -> Vec<String> {
    let mut changed = Vec::new();
    for (key, value) in changes {
        let before =
            if value.is_empty() { databag.remove(key) } else { databag.insert(key.clone(), value.clone()) };
        if before.as_deref().unwrap_or_default() != value {
            changed.push(key.clone());
        }
    }
    changed
}
