//! Secrets that one model lets units of another read.
//!
//! The other model has a copy under the same id, which belongs to the application as it is called
//! there. Who reads which revision is known where the readers are, and told to the owner, who hears
//! of revisions that nobody reads any more.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_agent::state::{Grant, Secret, SecretConsumer, SecretId, SecretOwner, application_of};
use charmproof_lifecycle::vocabulary::Name;

use super::mirror::{Pair, Side, renamed};
use crate::controller::data::ModelData;

/// Brings copies of secrets to what their owners say, and owners to what is read. Returns which of
/// both models has changed.
pub(super) fn settle(consuming: &mut ModelData, offering: &mut ModelData, pairs: &[Pair]) -> [bool; 2] {
    let to_consuming: Vec<(&Side, &Side)> =
        pairs.iter().map(|pair| (&pair.offering, &pair.consuming)).collect();
    let to_offering: Vec<(&Side, &Side)> =
        pairs.iter().map(|pair| (&pair.consuming, &pair.offering)).collect();
    let given = copy(offering, consuming, &to_consuming);
    let taken = copy(consuming, offering, &to_offering);
    let read_here = tell_readers(consuming, offering, &to_consuming);
    let read_there = tell_readers(offering, consuming, &to_offering);
    let changed = [given || read_there, taken || read_here];
    for (model, is_new) in [consuming, offering].into_iter().zip(changed) {
        if is_new {
            model.follow_secrets();
        }
    }
    changed
}

/// Copies what the owners of `from` let units of `to` read. `sides` are those of both for each relation.
fn copy(from: &ModelData, to: &mut ModelData, sides: &[(&Side, &Side)]) -> bool {
    let mut wanted: BTreeMap<SecretId, Secret> = BTreeMap::new();
    for (source, side) in sides {
        for (id, secret) in &from.state.secrets {
            let Some(owner) = owner_there(&secret.owner, source, side) else { continue };
            let grants: BTreeMap<Name, Grant> = secret
                .grants
                .iter()
                .filter(|(to, _)| application_of(to) == source.far.as_str())
                .map(|(to, grant)| {
                    (renamed(to, &side.near), Grant { relation: grant.relation.map(|_| side.relation) })
                })
                .collect();
            // One that may not be read any more stays known, so that readers learn why.
            if grants.is_empty() && !to.state.secrets.contains_key(id) {
                continue;
            }
            let consumers = to.state.secrets.get(id).map(|copy| copy.consumers.clone()).unwrap_or_default();
            let copy = wanted.entry(id.clone()).or_insert_with(|| Secret {
                owner,
                label: String::new(),
                description: String::new(),
                rotation: charmproof_agent::state::Rotation::Never,
                rotates: None,
                grants: BTreeMap::new(),
                consumers,
                ..secret.clone()
            });
            copy.grants.extend(grants);
        }
    }
    let owners: BTreeSet<&Name> = sides.iter().map(|(_, side)| &side.far).collect();
    let is_copy = |secret: &Secret| {
        secret.owner.application().is_some_and(|owner| owners.iter().any(|known| *known == owner))
    };
    let before = to.state.secrets.len();
    to.state.secrets.retain(|id, secret| !is_copy(secret) || wanted.contains_key(id));
    let mut is_new = to.state.secrets.len() != before;
    for (id, secret) in wanted {
        if to.state.secrets.get(&id) != Some(&secret) {
            to.state.secrets.insert(id, secret);
            is_new = true;
        }
    }
    is_new
}

/// Returns whose secret it is in the other model; `None` if it is of nobody in the relation.
fn owner_there(owner: &SecretOwner, source: &Side, side: &Side) -> Option<SecretOwner> {
    match owner {
        SecretOwner::Application(name) if *name == source.near => {
            Some(SecretOwner::Application(side.far.clone()))
        }
        SecretOwner::Unit(unit) if application_of(unit) == source.near.as_str() => {
            Some(SecretOwner::Unit(renamed(unit, &side.far)))
        }
        SecretOwner::Application(_) | SecretOwner::Unit(_) | SecretOwner::User => None,
    }
}

/// Tells the owners of `from` which revisions units of `to` read.
fn tell_readers(to: &ModelData, from: &mut ModelData, sides: &[(&Side, &Side)]) -> bool {
    let mut is_new = false;
    for (source, side) in sides {
        for (id, copy) in &to.state.secrets {
            if copy.owner.application() != Some(side.far.as_str()) {
                continue;
            }
            let Some(secret) = from.state.secrets.get_mut(id) else { continue };
            let readers =
                copy.consumers.iter().filter(|(unit, _)| application_of(unit) == side.near.as_str());
            let readers: BTreeMap<Name, SecretConsumer> = readers
                .map(|(unit, reader)| {
                    let seen = SecretConsumer { revision: reader.revision, label: None };
                    (renamed(unit, &source.far), seen)
                })
                .collect();
            let is_of_there = |unit: &Name| application_of(unit) == source.far.as_str();
            let known = secret.consumers.iter().filter(|(unit, _)| is_of_there(unit));
            if known.eq(readers.iter()) {
                continue;
            }
            secret.consumers.retain(|unit, _| !is_of_there(unit));
            secret.consumers.extend(readers);
            is_new = true;
        }
    }
    is_new
}
