//! The end of a hook: what was kept back is done, or forgotten.

use std::collections::BTreeMap;

use charmproof_lifecycle::vocabulary::{Hook, HookKind, Outcome};

use super::State;
use super::changes::write;
use super::context::{HookContext, PendingGrant, PendingSecrets, move_members};
use super::effects::{HookEffects, PortChange, Reboot, RelationChange, SecretChange, SecretEffect, Writer};
use super::relation::Databag;
use super::secret::{Grant, SecretConsumer, SecretId};
use super::unit::{Status, StatusKind};

impl HookContext {
    /// Ends the hook: does what was kept back if it ended well, and forgets it otherwise.
    pub fn finish(mut self, state: &mut State, outcome: Outcome) -> HookEffects {
        self.effects.reboot = self.reboot;
        self.effects.action = self.action.take().map(|action| action.outcome);
        // A process that asked for a reboot at once is killed, whatever it still returned.
        let is_committed = outcome.is_committed() && self.reboot != Some(Reboot::Now);
        self.effects.is_committed = is_committed;
        if is_committed {
            self.commit(state);
        } else {
            if self.effects.reboot == Some(Reboot::Later) {
                self.effects.reboot = None;
            }
            if outcome == Outcome::Failed && self.reboot.is_none() {
                self.show_failure(state);
            }
        }
        self.effects
    }

    fn show_failure(&self, state: &mut State) {
        // A failed action puts no unit into error, nor do commands of a person.
        if self.hook.kind == HookKind::Action || self.is_for_commands {
            return;
        }
        let now = state.now;
        if let Some(unit) = state.units.get_mut(&self.unit) {
            unit.failed_since = Some(now);
            unit.failure = Some(format!("hook failed: \"{}\"", self.hook.name()));
        }
    }

    fn commit(&mut self, state: &mut State) {
        self.commit_relations(state);
        self.commit_ports(state);
        let pending = std::mem::take(&mut self.secrets);
        self.commit_secrets(state, pending);
        self.commit_charm_state(state);
        self.effects.storage_additions = std::mem::take(&mut self.storage_additions);
        if let Some(application) = state.applications.get_mut(&self.application) {
            if let Some(spec) = self.pod_spec.take() {
                self.effects.pod_spec = Some(spec.clone());
                application.pod_spec = Some(spec);
            }
            if let Some(spec) = self.raw_pod_spec.take() {
                self.effects.pod_spec = Some(spec.clone());
                application.raw_pod_spec = Some(spec);
            }
        }
        // A4: whatever becomes of an action, the unit is as it was.
        if self.hook.kind != HookKind::Action && !self.is_for_commands {
            state.count_as_done(&self.unit, &self.hook);
        }
    }

    fn commit_relations(&mut self, state: &mut State) {
        let unit_data = std::mem::take(&mut self.unit_data);
        let application_data = std::mem::take(&mut self.application_data);
        for (id, changes) in unit_data {
            let Some(relation) = state.relations.get_mut(&id) else { continue };
            let databag = relation.unit_data.entry(self.unit.clone()).or_default();
            let keys = written(databag, &changes);
            self.note_relation_change(id, Writer::Unit(self.unit.clone()), keys);
        }
        for (id, changes) in application_data {
            let Some(relation) = state.relations.get_mut(&id) else { continue };
            let databag = relation.application_data.entry(self.application.clone()).or_default();
            let keys = written(databag, &changes);
            self.note_relation_change(id, Writer::Application(self.application.clone()), keys);
        }
    }

    fn note_relation_change(&mut self, id: u32, writer: Writer, keys: BTreeMap<String, Option<String>>) {
        // Juju tells nobody of a write that changed nothing.
        if !keys.is_empty() {
            self.effects.relation_changes.push(RelationChange { relation: id, writer, keys });
        }
    }

    fn commit_ports(&mut self, state: &mut State) {
        let ports = std::mem::take(&mut self.ports);
        let Some(unit) = state.units.get_mut(&self.unit) else { return };
        for (port, is_open) in ports {
            let is_changed = if is_open { unit.ports.insert(port.clone()) } else { unit.ports.remove(&port) };
            if is_changed {
                self.effects.ports.push(PortChange { port, is_open });
            }
        }
    }

    fn commit_secrets(&mut self, state: &mut State, pending: PendingSecrets) {
        let PendingSecrets { created, updated, removed, grants, track_latest } = pending;
        let now = state.now;
        for (id, secret) in created {
            state.secrets.insert(id.clone(), secret.into_secret(now));
            self.note_secret(id, SecretChange::Added);
        }
        for (id, update) in updated {
            let Some(secret) = state.secrets.get_mut(&id) else { continue };
            let before = secret.clone();
            secret.apply(update, now);
            let change = match secret.latest {
                // Nobody is told of an update that says what was there already.
                _ if *secret == before => continue,
                latest if latest == before.latest => SecretChange::Described,
                revision => SecretChange::Revised { revision },
            };
            self.note_secret(id, change);
        }
        for id in track_latest {
            let Some(secret) = state.secrets.get_mut(&id) else { continue };
            let revision = secret.latest;
            let label = secret.consumers.get(&self.unit).and_then(|consumer| consumer.label.clone());
            secret.consumers.insert(self.unit.clone(), SecretConsumer { revision, label });
            self.note_secret(id, SecretChange::Tracked { revision });
        }
        for grant in grants {
            match grant {
                PendingGrant::Grant { id, to, relation } => {
                    let Some(secret) = state.secrets.get_mut(&id) else { continue };
                    let grant = Grant { relation: Some(relation) };
                    if secret.grants.insert(to.clone(), grant.clone()) != Some(grant) {
                        self.note_secret(id, SecretChange::Granted { to, relation });
                    }
                }
                PendingGrant::Revoke { id, from } => {
                    let Some(secret) = state.secrets.get_mut(&id) else { continue };
                    if secret.grants.remove(&from).is_some() {
                        self.note_secret(id, SecretChange::Revoked { from });
                    }
                }
            }
        }
        for (id, revisions) in removed {
            match revisions {
                None => {
                    if state.remove_secret(&id, None).is_ok() {
                        self.note_secret(id, SecretChange::Removed { revision: None });
                    }
                }
                Some(revisions) => {
                    for revision in revisions {
                        if state.remove_secret(&id, Some(revision)).is_ok() {
                            let change = SecretChange::Removed { revision: Some(revision) };
                            self.note_secret(id.clone(), change);
                        }
                    }
                }
            }
        }
    }

    pub(crate) fn note_secret(&mut self, id: SecretId, change: SecretChange) {
        self.effects.secrets.push(SecretEffect { id, change });
    }

    fn commit_charm_state(&mut self, state: &mut State) {
        let changes = std::mem::take(&mut self.charm_state);
        let Some(unit) = state.units.get_mut(&self.unit) else { return };
        for (key, value) in changes {
            let before = match &value {
                Some(value) => unit.charm_state.insert(key.clone(), value.clone()),
                None => unit.charm_state.remove(&key),
            };
            if before != value {
                self.effects.charm_state.insert(key, value);
            }
        }
    }
}

impl State {
    /// Does what the agent does when a hook counts as done: it ended well, or a person said
    /// `juju resolved --no-retry`. Only in the second case has the player to say so.
    pub fn count_as_done(&mut self, unit: &str, hook: &Hook) {
        let now = self.now;
        let Some(unit) = self.units.get_mut(unit) else { return };
        unit.forget_failure();
        move_members(&mut unit.members, hook);
        match hook.kind {
            // A charm that has never said how it is, is unknown once it has started.
            HookKind::Start if !unit.has_set_status => {
                unit.status = Status::new(StatusKind::Unknown, "", now);
            }
            HookKind::Stop => unit.status = Status::new(StatusKind::Maintenance, "", now),
            HookKind::Remove => unit.status = Status::new(StatusKind::Terminated, "", now),
            _ => {}
        }
    }
}

/// Writes to a databag, and returns the keys that differ now with their values.
fn written(databag: &mut Databag, changes: &Databag) -> BTreeMap<String, Option<String>> {
    let keys = write(databag, changes);
    keys.into_iter().map(|key| (key.clone(), databag.get(&key).cloned())).collect()
}
