//! Secrets: `add-secret`, `update-secret`, `remove-secret`, `grant-secret`, `revoke-secret`,
//! `secrets`, `show-secret`.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use charmproof_agent::state::{Secret, SecretId, SecretOwner, SecretUpdate};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Context, failed};
use crate::controller::data::ModelData;
use crate::session::{CommandError, CommandResult};
use crate::values::settings::{SecretValue, parse_secret_values};
use crate::values::yaml::read_yaml;
use crate::view::secret::{SecretAccessView, SecretContentView, SecretRevisionView, SecretView, write_list};

/// How secrets of people are shown as owned.
const MODEL_OWNER: &str = "<model>";

/// Reads what a secret is to hold: words, and a file.
fn content(context: &Context<'_>, words: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let mut all = BTreeMap::new();
    if let Some(file) = context.parsed.text("file").filter(|file| !file.is_empty()) {
        let text = context.session.read_text(file)?;
        let Value::Object(read) = read_yaml(&text).map_err(failed)? else {
            return Err(CommandError::failed(format!("the file \"{file}\" is no map of keys and values")));
        };
        for (key, value) in read {
            let text = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            all.insert(key, text);
        }
    }
    for (key, value) in parse_secret_values(words).map_err(failed)? {
        let text = match value {
            SecretValue::Text(text) => text,
            SecretValue::Encoded(text) => decoded(&key, &text)?,
            SecretValue::File(path) => context.session.read_text(&path)?,
        };
        all.insert(key, text);
    }
    for key in all.keys() {
        if !crate::values::settings::is_secret_key(key) {
            return Err(CommandError::failed(format!("key \"{key}\" not valid")));
        }
    }
    Ok(all)
}

/// Decodes a value that was given in base64.
fn decoded(key: &str, text: &str) -> Result<String, CommandError> {
    let bytes = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    bytes.ok_or_else(|| CommandError::failed(format!("the value of \"{key}\" is no text in base64")))
}

fn find(model: &ModelData, name: &str) -> Result<SecretId, CommandError> {
    // What another model lets units of this one read is a secret of that model.
    let is_own =
        |id: &SecretId| !model.state.secrets.get(id).is_some_and(|secret| model.is_of_elsewhere(secret));
    model.state.find_secret(name).ok().filter(is_own).ok_or_else(|| {
        CommandError::failed(format!("secret \"{}\" not found", name.trim_start_matches("secret:")))
    })
}

/// `add-secret`
pub(super) fn add(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let content = content(context, &context.parsed.positionals[1..])?;
    if content.is_empty() {
        return Err(CommandError::failed("missing secret value or filename"));
    }
    let info = context.parsed.text("info").unwrap_or_default().to_owned();
    let id = context.change(&uuid, |model| {
        model.state.now = Timestamp::now();
        model
            .state
            .add_user_secret(&name, &info, content)
            .map_err(|_| CommandError::failed(format!("secret with name \"{name}\" already exists")))
    })?;
    context.session.print(&format!("{}\n", id.uri()));
    Ok(())
}

/// `update-secret`
pub(super) fn update(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let content = content(context, &context.parsed.positionals[1..])?;
    let given =
        |flag: &str| context.parsed.text(flag).filter(|_| context.parsed.was_given(flag)).map(str::to_owned);
    let update = SecretUpdate {
        content: Some(content).filter(|content| !content.is_empty()),
        label: given("name"),
        description: given("info"),
        ..SecretUpdate::default()
    };
    let prunes = context.parsed.switch("auto-prune");
    context.change(&uuid, |model| {
        let id = find(model, &name)?;
        model.state.now = Timestamp::now();
        model.state.update_user_secret(&id, update, prunes).map_err(failed)?;
        model.follow_secrets();
        Ok(())
    })
}

/// `remove-secret`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let revision = context.parsed.number("revision").filter(|revision| *revision > 0);
    let revision = revision.and_then(|revision| u32::try_from(revision).ok());
    context.change(&uuid, |model| {
        let id = find(model, &name)?;
        model.state.now = Timestamp::now();
        model.state.remove_user_secret(&id, revision).map_err(failed)?;
        model.follow_secrets();
        Ok(())
    })
}

/// `grant-secret`
pub(super) fn grant(context: &mut Context<'_>) -> CommandResult {
    access(context, true)
}

/// `revoke-secret`
pub(super) fn revoke(context: &mut Context<'_>) -> CommandResult {
    access(context, false)
}

fn access(context: &mut Context<'_>, grants: bool) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let applications: Vec<String> = context.word(1).split(',').map(str::to_owned).collect();
    context.change(&uuid, |model| {
        let id = find(model, &name)?;
        for name in &applications {
            let application = super::units::application(model, name)?;
            if grants {
                model.state.grant_secret(&id, &application, None).map_err(failed)?;
            } else {
                // One that could not read it before cannot do so now.
                let _ = model.state.revoke_secret(&id, &application);
            }
        }
        model.follow_secrets();
        Ok(())
    })
}

fn owner(secret: &Secret) -> String {
    match &secret.owner {
        SecretOwner::Application(name) | SecretOwner::Unit(name) => name.to_string(),
        SecretOwner::User => MODEL_OWNER.to_owned(),
    }
}

/// Returns what is shown of a secret.
fn view(secret: &Secret) -> SecretView {
    let is_users = secret.owner == SecretOwner::User;
    let rotation: &str = secret.rotation.into();
    let latest = secret.latest_revision();
    SecretView {
        revision: u64::from(secret.latest),
        expires: latest.and_then(|revision| revision.expire),
        rotation: if rotation == "never" { String::new() } else { rotation.to_owned() },
        rotates: secret.rotates,
        owner: owner(secret),
        description: secret.description.clone(),
        name: if is_users { secret.label.clone() } else { String::new() },
        label: if is_users { String::new() } else { secret.label.clone() },
        updated: secret.updated,
        ..SecretView::made(secret.created)
    }
}

/// `secrets`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let wanted = context.parsed.text("owner").filter(|owner| !owner.is_empty()).map(str::to_owned);
    let views: BTreeMap<String, SecretView> = context.look(&uuid, |model| {
        let is_wanted = |secret: &Secret| match &wanted {
            None => true,
            Some(wanted) => tag(&secret.owner, &model.uuid) == *wanted || owner(secret) == *wanted,
        };
        let own = model.state.secrets.iter().filter(|(_, secret)| !model.is_of_elsewhere(secret));
        let wanted = own.filter(|(_, secret)| is_wanted(secret));
        Ok(wanted.map(|(id, secret)| (id.to_string(), view(secret))).collect())
    })?;
    context.show(&views, |_| write_list(&views, Timestamp::now()));
    Ok(())
}

/// Returns how Juju writes an owner where it has to be told from others.
fn tag(owner: &SecretOwner, uuid: &str) -> String {
    match owner {
        SecretOwner::Application(name) => format!("application-{name}"),
        SecretOwner::Unit(name) => format!("unit-{}", name.replace('/', "-")),
        SecretOwner::User => format!("model-{uuid}"),
    }
}

/// `show-secret`
pub(super) fn show(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let reveals = context.parsed.is_set("reveal");
    let shows_revisions = context.parsed.is_set("revisions");
    let revision = context.parsed.number("revision").filter(|revision| *revision > 0);
    let revision = revision.and_then(|revision| u32::try_from(revision).ok());
    let views = context.look(&uuid, |model| {
        let id = find(model, &name)?;
        let secret =
            model.state.secrets.get(&id).ok_or_else(|| CommandError::failed("the secret is gone"))?;
        let mut shown = view(secret);
        let number = revision.unwrap_or(secret.latest);
        let found = secret.revisions.get(&number);
        let found = found
            .ok_or_else(|| CommandError::failed(format!("secret \"{id}\" revision {number} not found")))?;
        if revision.is_some() {
            shown.revision = u64::from(number);
        }
        shown.checksum = checksum(&found.content);
        if reveals {
            shown.content = Some(SecretContentView(found.content.clone()));
        }
        if shows_revisions {
            let revisions = secret.revisions.iter().map(|(number, revision)| SecretRevisionView {
                revision: u64::from(*number),
                backend: "internal".to_owned(),
                created: revision.created,
                updated: revision.updated,
                expires: revision.expire,
            });
            shown.revisions = revisions.collect();
        }
        let access = secret.grants.iter().map(|(who, grant)| {
            let target = if who.contains('/') {
                format!("unit-{}", who.replace('/', "-"))
            } else {
                format!("application-{who}")
            };
            let scope = grant.relation.and_then(|id| relation_tag(model, id));
            let scope = scope.unwrap_or_else(|| format!("model-{}", model.uuid));
            SecretAccessView { target, scope, role: "view".to_owned() }
        });
        shown.access = access.collect();
        Ok(BTreeMap::from([(id.to_string(), shown)]))
    })?;
    // People get YAML here.
    context.show(&views, |_| crate::view::to_yaml(&views));
    Ok(())
}

/// Returns how Juju writes a relation where it has to be told from other things.
fn relation_tag(model: &ModelData, id: u32) -> Option<String> {
    use charmproof_agent::state::RelationEnds;
    let relation = model.state.relations.get(&id)?;
    Some(match &relation.ends {
        RelationEnds::Peer(end) => format!("relation-{}.{}", end.application, end.endpoint),
        RelationEnds::Between(a, b) => {
            format!("relation-{}.{}#{}.{}", a.application, a.endpoint, b.application, b.endpoint)
        }
    })
}

/// Returns the checksum of a content, over its keys in their order.
fn checksum(content: &BTreeMap<String, String>) -> String {
    let mut hasher = Sha256::new();
    for (key, value) in content {
        hasher.update(key.as_bytes());
        hasher.update([0]);
        hasher.update(value.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
