//! Secrets that people make (`juju add-secret` and the like), and those of a model's owner.

use std::collections::{BTreeMap, BTreeSet};

use super::secret::{NewSecret, SecretId, SecretOwner, SecretUpdate};
use super::{State, StateError};

impl State {
    /// Finds a secret of the user by its name, or any secret by its URI or id.
    pub fn find_secret(&self, name_or_id: &str) -> Result<SecretId, StateError> {
        let by_name = self.secrets.iter().find(|(_, secret)| {
            secret.owner == SecretOwner::User && !secret.label.is_empty() && secret.label == name_or_id
        });
        if let Some((id, _)) = by_name {
            return Ok(id.clone());
        }
        SecretId::parse(name_or_id)
            .filter(|id| self.secrets.contains_key(id))
            .ok_or_else(|| StateError::unknown("secret", name_or_id))
    }

    /// Makes a secret of the user. Names are used once.
    pub fn add_user_secret(
        &mut self,
        name: &str,
        description: &str,
        content: BTreeMap<String, String>,
    ) -> Result<SecretId, StateError> {
        self.refuse_taken_name(name, None)?;
        Ok(self.add_secret(NewSecret {
            label: name.to_owned(),
            description: description.to_owned(),
            ..NewSecret::of(SecretOwner::User, content)
        }))
    }

    /// Changes a secret of the user, and whether old revisions of it go by themselves. The same
    /// content makes no revision. Returns its last revision.
    pub fn update_user_secret(
        &mut self,
        id: &SecretId,
        mut update: SecretUpdate,
        has_auto_prune: Option<bool>,
    ) -> Result<u32, StateError> {
        if let Some(name) = &update.label {
            self.refuse_taken_name(name, Some(id))?;
        }
        let secret = self.user_secret(id)?;
        let current = secret.latest_revision().map(|revision| &revision.content);
        update.content = update.content.filter(|content| Some(content) != current);
        secret.has_auto_prune = has_auto_prune.unwrap_or(secret.has_auto_prune);
        let latest = self.revise_secret(id, update)?;
        self.prune_secrets();
        Ok(latest)
    }

    /// Removes a revision of a secret of the user, or all of it.
    pub fn remove_user_secret(&mut self, id: &SecretId, revision: Option<u32>) -> Result<(), StateError> {
        let secret = self.user_secret(id)?;
        if let Some(revision) = revision.filter(|revision| !secret.revisions.contains_key(revision)) {
            return Err(StateError::unknown("secret revision", format!("{id}/{revision}")));
        }
        self.remove_secret(id, revision)
    }

    /// Removes the revisions that nobody reads of the secrets that are to be kept so. To be done
    /// after each hook, which may have read a later one.
    pub fn prune_secrets(&mut self) {
        for secret in self.secrets.values_mut() {
            if secret.has_auto_prune && secret.owner == SecretOwner::User {
                let unused: BTreeSet<u32> = secret.unused_revisions();
                secret.revisions.retain(|revision, _| !unused.contains(revision));
            }
        }
    }

    fn user_secret(&mut self, id: &SecretId) -> Result<&mut super::Secret, StateError> {
        self.secrets
            .get_mut(id)
            .filter(|secret| secret.owner == SecretOwner::User)
            .ok_or_else(|| StateError::unknown("secret", id))
    }

    fn refuse_taken_name(&self, name: &str, of: Option<&SecretId>) -> Result<(), StateError> {
        let is_taken = !name.is_empty()
            && self.secrets.iter().any(|(id, secret)| {
                secret.owner == SecretOwner::User && secret.label == name && Some(id) != of
            });
        if is_taken { Err(StateError::exists("secret with name", name)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};

    use super::*;
    use crate::state::{Juju, ModelIdentity};

    fn content(value: &str) -> BTreeMap<String, String> {
        [("key".to_owned(), value.to_owned())].into()
    }

    fn state() -> State {
        State::new(Juju::of_line(JujuVersion::V3_6, Platform::Machine), ModelIdentity::default())
    }

    #[test]
    fn a_secret_is_found_by_its_name_and_by_its_id_in_every_spelling() {
        let mut state = state();
        let id = state.add_user_secret("password", "for tests", content("one")).unwrap();
        for text in ["password", id.as_str(), &id.uri(), &format!("secret://{}/{id}", state.model.uuid)] {
            assert_eq!(state.find_secret(text), Ok(id.clone()), "{text}");
        }
        assert_eq!(state.find_secret("other"), Err(StateError::unknown("secret", "other")));
        let taken = state.add_user_secret("password", "", content("two"));
        assert_eq!(taken, Err(StateError::exists("secret with name", "password")));
    }

    #[test]
    fn an_update_makes_a_revision_only_of_other_content() {
        let mut state = state();
        let id = state.add_user_secret("password", "", content("one")).unwrap();
        let made = state.now;
        state.advance_clock(jiff::SignedDuration::from_secs(5));
        let update = |value: &str| SecretUpdate { content: Some(content(value)), ..SecretUpdate::default() };
        assert_eq!(state.update_user_secret(&id, update("one"), None), Ok(1));
        assert_eq!((state.secrets[&id].created, state.secrets[&id].updated), (made, made));
        assert_eq!(state.update_user_secret(&id, update("two"), None), Ok(2));
        let secret = &state.secrets[&id];
        assert_eq!((secret.created, secret.updated), (made, state.now));
        assert_eq!((secret.revisions[&1].created, secret.revisions[&2].created), (made, state.now));
        assert_eq!(secret.revisions.len(), 2);
    }

    #[test]
    fn revisions_that_nobody_reads_go_where_that_is_asked_for() {
        let mut state = state();
        let id = state.add_user_secret("password", "", content("1")).unwrap();
        state.track_secret(&id, "web/0", 1).unwrap();
        for value in ["2", "3"] {
            let update = SecretUpdate { content: Some(content(value)), ..SecretUpdate::default() };
            state.update_user_secret(&id, update, Some(true)).unwrap();
        }
        let revisions = |state: &State| state.secrets[&id].revisions.keys().copied().collect::<Vec<_>>();
        assert_eq!(revisions(&state), [1, 3]);
        state.track_secret(&id, "web/0", 3).unwrap();
        state.prune_secrets();
        assert_eq!(revisions(&state), [3]);
        let missing = state.remove_user_secret(&id, Some(2));
        assert_eq!(missing, Err(StateError::unknown("secret revision", format!("{id}/2"))));
        state.remove_user_secret(&id, None).unwrap();
        assert_eq!(state.secrets.len(), 0);
    }
}
