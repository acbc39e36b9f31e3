//! What others notice of a hook, in the words of the lifecycle.

use charmproof_lifecycle::model::{KnownSecret, KnownSecretOwner, Model};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::world::SecretOwner as LifecycleOwner;

use crate::state::{HookEffects, Reboot, SecretChange, SecretOwner, State, Writer};

/// Returns what the unit did that the lifecycle has to know, in its order. All of it happens to
/// the unit itself; the model tells the others. `state` is that after the hook.
///
/// A reboot comes first: it happens while the hook still runs. A hook that left nothing did
/// nothing else.
pub fn deeds(effects: &HookEffects, model: &Model, state: &State) -> Vec<Stimulus> {
    let mut deeds = Vec::new();
    if let Some(reboot) = effects.reboot {
        deeds.push(Stimulus::CharmReboots { now: reboot == Reboot::Now });
    }
    if !effects.is_committed {
        return deeds;
    }
    for change in &effects.relation_changes {
        let relation = change.relation;
        deeds.push(match change.writer {
            Writer::Unit(_) => Stimulus::UnitWrites { relation },
            Writer::Application(_) => Stimulus::AppWrites { relation },
        });
    }
    for effect in &effects.secrets {
        if effect.change == SecretChange::Added {
            let owner = match state.secrets.get(&effect.id).map(|secret| &secret.owner) {
                Some(SecretOwner::Unit(_)) => LifecycleOwner::Unit,
                Some(SecretOwner::Application(_) | SecretOwner::User) | None => LifecycleOwner::Application,
            };
            deeds.push(Stimulus::SecretAdded { secret_id: effect.id.uri().into(), owner });
        }
    }
    let mut number = model.next_storage();
    for addition in &effects.storage_additions {
        for _ in 0..addition.count {
            deeds.push(Stimulus::StorageAdded { storage_id: addition.name.numbered(number) });
            number += 1;
        }
    }
    deeds
}

/// Returns all secrets as [`Model::follow_secrets`] wants them.
///
/// Where real charms run for as long as they like, this takes the place of the deeds about
/// secrets: readers hear of new revisions, and owners of revisions that nobody reads any more.
/// To be called after each hook, be it committed or not, since what a hook reads counts at once;
/// and after whatever people do with secrets.
pub fn known_secrets(state: &State) -> Vec<KnownSecret> {
    state
        .secrets
        .iter()
        .map(|(id, secret)| KnownSecret {
            secret_id: id.uri().into(),
            owner: match &secret.owner {
                SecretOwner::Unit(unit) if state.units.contains_key(unit) => {
                    KnownSecretOwner::Unit(unit.clone())
                }
                SecretOwner::Application(application) if state.is_modelled(application) => {
                    KnownSecretOwner::Application(application.clone())
                }
                SecretOwner::Unit(_) | SecretOwner::Application(_) | SecretOwner::User => {
                    KnownSecretOwner::Outside
                }
            },
            latest: secret.latest,
            revisions: secret.revisions.keys().copied().collect(),
            unused: secret.unused_revisions(),
            readers: secret.consumers.keys().cloned().collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
