//! `secret-add`, `-set`, `-get`, `-info-get`, `-ids`, `-grant`, `-revoke`, `-remove`: what
//! they do. Reading their arguments is in `secret_arguments`.
//!
//! What changes a secret is kept back until the hook has ended. Only an id is given out at
//! once, and never again to another; and a unit that reads a committed secret with
//! `--refresh` reads the new revision from then on, even if its hook fails.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use charmproof_lifecycle::vocabulary::Name;

use super::call::{OwnerKind, SecretDetails, SecretMode};
use super::failure::{Attempt, Failure, quoted};
use super::output::Data;
use super::relation::relation_key;
use crate::state::{
    Grant, HookContext, NewSecret, PendingGrant, Secret, SecretChange, SecretConsumer, SecretId, SecretOwner,
    SecretUpdate, State, is_unit_name,
};

fn not_found(id: &SecretId) -> Failure {
    Failure::refused(format!("secret {} not found", quoted(id.as_str())))
}

/// Runs `secret-add`.
pub(super) fn add(
    state: &mut State,
    context: &mut HookContext,
    owner: OwnerKind,
    content: &BTreeMap<String, String>,
    details: &SecretDetails,
) -> Attempt<SecretId> {
    let owner = match owner {
        OwnerKind::Unit => SecretOwner::Unit(context.unit.clone()),
        OwnerKind::Application if context.is_leader(state) => {
            SecretOwner::Application(context.application.clone())
        }
        OwnerKind::Application => return Err(Failure::not_leader()),
    };
    if content.is_empty() {
        return Err(Failure::refused("empty secret value not valid"));
    }
    let label = details.label.clone().unwrap_or_default();
    refuse_taken_label(state, context, &label, None)?;
    let id = state.next_secret_id();
    let secret = NewSecret {
        owner,
        content: content.clone(),
        label,
        description: details.description.clone().unwrap_or_default(),
        expire: details.expire,
        rotation: details.rotation.unwrap_or_default(),
    };
    context.secrets.created.insert(id.clone(), secret);
    Ok(id)
}

/// An owner has a label once.
fn refuse_taken_label(
    state: &State,
    context: &HookContext,
    label: &str,
    of: Option<&SecretId>,
) -> Attempt<()> {
    let is_taken =
        !label.is_empty() && owned_by_label(state, context, label).is_some_and(|id| Some(&id) != of);
    if is_taken {
        return Err(Failure::refused(format!("secret with label {} already exists", quoted(label))));
    }
    Ok(())
}

/// Runs `secret-set`.
pub(super) fn set(
    state: &State,
    context: &mut HookContext,
    id: &SecretId,
    content: &BTreeMap<String, String>,
    details: &SecretDetails,
) -> Attempt<()> {
    manage(state, context, id)?;
    if let Some(label) = &details.label {
        refuse_taken_label(state, context, label, Some(id))?;
    }
    // Since 3.6, Juju makes no revision of the content that is there.
    let is_unchanged = state.juju.is_at_least(3, 6, 0)
        && context.secrets.updated.get(id).is_none_or(|update| update.content.is_none())
        && state
            .secrets
            .get(id)
            .and_then(Secret::latest_revision)
            .is_some_and(|revision| revision.content == *content);
    let update = SecretUpdate {
        content: Some(content.clone()).filter(|content| !content.is_empty() && !is_unchanged),
        label: details.label.clone(),
        description: details.description.clone(),
        expire: details.expire,
        rotation: details.rotation,
    };
    match context.secrets.created.get_mut(id) {
        // What this hook has made has one revision, whatever becomes of it before the end.
        Some(secret) => {
            secret.content = update.content.unwrap_or_else(|| std::mem::take(&mut secret.content));
            secret.label = update.label.unwrap_or_else(|| std::mem::take(&mut secret.label));
            secret.description =
                update.description.unwrap_or_else(|| std::mem::take(&mut secret.description));
            secret.expire = update.expire.or(secret.expire);
            secret.rotation = update.rotation.unwrap_or(secret.rotation);
        }
        None => context.secrets.updated.entry(id.clone()).or_default().merge(update),
    }
    Ok(())
}

/// Runs `secret-remove`.
pub(super) fn remove(
    state: &State,
    context: &mut HookContext,
    id: &SecretId,
    revision: Option<u32>,
) -> Attempt<()> {
    // What this hook has made has one revision: without it there is nothing left. Whoever removes what
    // is removed already hears nothing (worker/uniter/runner/context, `RemoveSecret`).
    if !is_removed(context, id) {
        manage(state, context, id)?;
    }
    context.secrets.grants.retain(|grant| grant.id() != id);
    if context.secrets.created.remove(id).is_some() || is_removed(context, id) {
        context.secrets.removed.insert(id.clone(), None);
        return Ok(());
    }
    match revision {
        None => {
            context.secrets.removed.insert(id.clone(), None);
        }
        Some(revision) => {
            let removed = context.secrets.removed.entry(id.clone()).or_insert_with(|| Some(BTreeSet::new()));
            if let Some(revisions) = removed {
                revisions.insert(revision);
            }
        }
    }
    Ok(())
}

/// Runs `secret-grant`.
pub(super) fn grant(
    state: &State,
    context: &mut HookContext,
    id: &SecretId,
    relation: u32,
    to: &Name,
) -> Attempt<()> {
    manage(state, context, id)?;
    context.secrets.grants.push(PendingGrant::Grant { id: id.clone(), to: to.clone(), relation });
    Ok(())
}

/// Runs `secret-revoke`.
pub(super) fn revoke(state: &State, context: &mut HookContext, id: &SecretId, from: &Name) -> Attempt<()> {
    manage(state, context, id)?;
    context.secrets.grants.push(PendingGrant::Revoke { id: id.clone(), from: from.clone() });
    Ok(())
}

/// Runs `secret-ids`; nothing at all where there is none.
pub(super) fn ids(state: &State, context: &HookContext) -> Data {
    let mut ids: BTreeSet<&SecretId> = context.secrets.created.keys().collect();
    ids.extend(state.secrets.iter().filter_map(|(id, secret)| {
        (may_manage(state, context, &secret.owner) && !is_removed(context, id)).then_some(id)
    }));
    if ids.is_empty() { Data::Null } else { Data::texts(ids.into_iter().map(ToString::to_string)) }
}

/// Runs `secret-info-get`. What this hook has changed is shown as it will be.
pub(super) fn info_get(
    state: &State,
    context: &HookContext,
    id: Option<&SecretId>,
    label: Option<&str>,
) -> Attempt<Data> {
    let by_label = label.and_then(|label| owned_by_label(state, context, label));
    let found = id.or(by_label.as_ref()).and_then(|id| Some((id, as_it_will_be(state, context, id)?)));
    let Some((id, secret)) = found.filter(|(_, secret)| may_manage(state, context, &secret.owner)) else {
        let wanted = id.map(SecretId::as_str).or(label).unwrap_or_default();
        return Err(Failure::refused(format!("secret {} not found", quoted(wanted))));
    };
    let owner = match secret.owner {
        SecretOwner::Application(_) => "application",
        SecretOwner::Unit(_) => "unit",
        SecretOwner::User => "model",
    };
    let mut entries = vec![
        ("revision", Data::Int(i64::from(secret.latest))),
        ("label", Data::text(secret.label.clone())),
        ("owner", Data::text(owner)),
    ];
    if !secret.description.is_empty() {
        entries.push(("description", Data::text(secret.description.clone())));
    }
    let rotation: &str = secret.rotation.into();
    entries.push(("rotation", Data::text(rotation)));
    if let Some(expire) = secret.latest_revision().and_then(|revision| revision.expire) {
        entries.push(("expiry", Data::text(expire.to_string())));
    }
    if let Some(rotates) = secret.rotates {
        entries.push(("rotates", Data::text(rotates.to_string())));
    }
    let access: Vec<Data> =
        secret.grants.iter().map(|(target, grant)| access_entry(state, target, grant)).collect();
    if !access.is_empty() {
        entries.push(("access", Data::List(access)));
    }
    Ok(Data::map([(id.to_string(), Data::map(entries))]))
}

/// Who may read a secret, and until when. Juju writes units, applications and relations as
/// tags here.
fn access_entry(state: &State, target: &str, grant: &Grant) -> Data {
    let target = if is_unit_name(target) {
        format!("unit-{}", target.replace('/', "-"))
    } else {
        format!("application-{target}")
    };
    let relation = grant.relation.and_then(|id| state.relations.get(&id));
    let scope = relation.map_or_else(
        || format!("model-{}", state.model.uuid),
        |relation| format!("relation-{}", relation_key(state, relation).replace(':', ".").replace(' ', "#")),
    );
    Data::map([("target", Data::text(target)), ("scope", Data::text(scope)), ("role", Data::text("view"))])
}

/// Returns a secret as it will be when the hook ends well, as far as the agent knows; `None` if there is
/// none then.
fn as_it_will_be(state: &State, context: &HookContext, id: &SecretId) -> Option<Secret> {
    if is_removed(context, id) {
        return None;
    }
    let pending = context.secrets.created.get(id).map(|secret| secret.clone().into_secret(state.now));
    let known = state.secrets.get(id);
    let mut secret = pending.or_else(|| known.cloned())?;
    if let Some(update) = context.secrets.updated.get(id) {
        // A revision has its number when it is there.
        secret.apply(SecretUpdate { content: None, ..update.clone() }, state.now);
    }
    // When it is to be rotated is for the controller to say, which has not been asked yet.
    secret.rotates = known.and_then(|known| known.rotates);
    for grant in context.secrets.grants.iter().filter(|grant| grant.id() == id) {
        match grant {
            PendingGrant::Grant { to, relation, .. } => {
                secret.grants.insert(to.clone(), Grant { relation: Some(*relation) });
            }
            PendingGrant::Revoke { from, .. } => {
                secret.grants.remove(from);
            }
        }
    }
    Some(secret)
}

/// Whether this hook removes all of a secret.
fn is_removed(context: &HookContext, id: &SecretId) -> bool {
    matches!(context.secrets.removed.get(id), Some(None))
}

/// Whether the unit sees what only the owner of a secret sees.
fn may_manage(state: &State, context: &HookContext, owner: &SecretOwner) -> bool {
    match owner {
        SecretOwner::Unit(unit) => *unit == context.unit,
        SecretOwner::Application(application) => {
            *application == context.application && context.is_leader(state)
        }
        SecretOwner::User => false,
    }
}

/// Refuses to change a secret that the unit does not own, or that its application does and
/// another unit leads it.
fn manage(state: &State, context: &HookContext, id: &SecretId) -> Attempt<()> {
    if is_removed(context, id) {
        return Err(not_found(id));
    }
    let owner = context
        .secrets
        .created
        .get(id)
        .map(|secret| &secret.owner)
        .or_else(|| state.secrets.get(id).map(|secret| &secret.owner))
        .ok_or_else(|| not_found(id))?;
    match owner {
        SecretOwner::Application(application) if *application == context.application => {
            if context.is_leader(state) { Ok(()) } else { Err(Failure::not_leader()) }
        }
        SecretOwner::Unit(unit) if *unit == context.unit => Ok(()),
        SecretOwner::Application(_) | SecretOwner::Unit(_) | SecretOwner::User => Err(not_found(id)),
    }
}

/// Returns the secret to which an owner has given a label: the unit, or its application.
fn owned_by_label(state: &State, context: &HookContext, label: &str) -> Option<SecretId> {
    let created = context.secrets.created.iter().find(|(_, secret)| secret.label == label);
    if let Some((id, _)) = created {
        return Some(id.clone());
    }
    let is_own = |secret: &Secret| match &secret.owner {
        SecretOwner::Application(application) => *application == context.application,
        SecretOwner::Unit(unit) => *unit == context.unit,
        SecretOwner::User => false,
    };
    let found = state.secrets.iter().find(|(id, secret)| {
        let pending = context.secrets.updated.get(id).and_then(|update| update.label.as_ref());
        is_own(secret) && !is_removed(context, id) && pending.unwrap_or(&secret.label) == label
    });
    found.map(|(id, _)| id.clone())
}

/// Runs `secret-get`.
pub(super) fn get(
    state: &mut State,
    context: &mut HookContext,
    id: Option<&SecretId>,
    label: Option<&str>,
    key: Option<&str>,
    mode: SecretMode,
) -> Attempt<Data> {
    let found = match (id, label) {
        (Some(id), _) => id.clone(),
        (None, Some(label)) => by_any_label(state, context, label)
            .ok_or_else(|| Failure::refused(format!("consumer label {} not found", quoted(label))))?,
        (None, None) => return Err(Failure::usage("require either a secret URI or label")),
    };
    let content = content(state, context, &found, label.filter(|_| id.is_some()), mode)?;
    let Some(key) = key else { return Ok(Data::text_map(&content)) };
    let (name, is_encoded) = match key.strip_suffix("#base64") {
        Some(name) => (name, true),
        None => (key, false),
    };
    let value = content
        .get(name)
        .ok_or_else(|| Failure::refused(format!("secret key value {} not found", quoted(name))))?;
    Ok(Data::text(if is_encoded { STANDARD.encode(value) } else { value.clone() }))
}

/// Returns the secret of a label that the owner gave it or, failing that, the unit itself.
fn by_any_label(state: &State, context: &HookContext, label: &str) -> Option<SecretId> {
    owned_by_label(state, context, label).or_else(|| {
        let is_known = |secret: &Secret| {
            secret
                .consumers
                .get(&context.unit)
                .is_some_and(|consumer| consumer.label.as_deref() == Some(label))
        };
        state.secrets.iter().find(|(_, secret)| is_known(secret)).map(|(id, _)| id.clone())
    })
}

fn content(
    state: &mut State,
    context: &mut HookContext,
    id: &SecretId,
    new_label: Option<&str>,
    mode: SecretMode,
) -> Attempt<BTreeMap<String, String>> {
    if is_removed(context, id) {
        return Err(not_found(id));
    }
    if let Some(secret) = context.secrets.created.get(id) {
        return Ok(secret.content.clone());
    }
    let pending = context.secrets.updated.get(id).and_then(|update| update.content.clone());
    match (mode, pending) {
        (SecretMode::Peek, Some(content)) => return Ok(content),
        (SecretMode::Refresh, Some(content)) => {
            context.secrets.track_latest.insert(id.clone());
            return Ok(content);
        }
        (SecretMode::Tracked, _) | (SecretMode::Peek | SecretMode::Refresh, None) => {}
    }
    committed_content(state, context, id, new_label, mode)
}

/// Reads from the controller, which notes at once which revision the unit reads.
fn committed_content(
    state: &mut State,
    context: &mut HookContext,
    id: &SecretId,
    new_label: Option<&str>,
    mode: SecretMode,
) -> Attempt<BTreeMap<String, String>> {
    let secret = state.secrets.get_mut(id).ok_or_else(|| not_found(id))?;
    if !secret.may_be_read_by(&context.unit) {
        return Err(Failure::refused("permission denied"));
    }
    let known = secret.consumers.get(&context.unit).cloned();
    let revision = match (mode, &known) {
        (SecretMode::Tracked, Some(consumer)) => consumer.revision,
        (SecretMode::Tracked, None) | (SecretMode::Peek | SecretMode::Refresh, _) => secret.latest,
    };
    let content = secret.revisions.get(&revision).map(|found| found.content.clone()).ok_or_else(|| {
        Failure::refused(format!("secret revision {} not found", quoted(&format!("{id}/{revision}"))))
    })?;
    // A label of the owner stays the owner's: a unit of it has none of its own.
    let is_owner = secret.owner.application() == Some(context.application.as_str());
    let label = new_label.filter(|_| !is_owner).map(str::to_owned);
    let before = known.as_ref().map(|consumer| consumer.revision);
    let tracked = if mode == SecretMode::Peek { before } else { Some(revision) };
    if let Some(revision) = tracked {
        let label = label.or_else(|| known.and_then(|consumer| consumer.label));
        secret.consumers.insert(context.unit.clone(), SecretConsumer { revision, label });
    }
    if let Some(revision) = tracked.filter(|_| tracked != before) {
        context.note_secret(id.clone(), SecretChange::Tracked { revision });
    }
    Ok(content)
}
