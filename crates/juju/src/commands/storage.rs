//! Storage and its pools: `storage`, `show-storage`, `add-storage`, `attach-storage`, `detach-storage`,
//! `remove-storage`, `storage-pools` and those that change pools.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use serde_json::Value;

use super::{Context, storage_view};
use crate::controller::data::{ModelData, PoolData};
use crate::controller::storage as content;
use crate::session::{CommandError, CommandResult};
use crate::values::settings::parse_attributes;
use crate::values::storage::{is_pool, parse_storage_by_label};
use crate::view::storage::{
    PoolView, StorageListView, StorageView, write_filesystem_list, write_list, write_pools, write_volume_list,
};

/// `storage`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let times = context.times();
    let mut list = context.look(&uuid, |model| Ok(storage_view::list(model, &times)))?;
    let ids = context.parsed.positionals.clone();
    let is_meant = |id: &String| ids.is_empty() || ids.contains(id);
    let (filesystems, volumes) = (context.parsed.is_set("filesystem"), context.parsed.is_set("volume"));
    if filesystems {
        list.filesystems.retain(|id, _| is_meant(id));
        list = StorageListView { filesystems: list.filesystems, ..StorageListView::default() };
    } else if volumes {
        list.volumes.retain(|id, _| is_meant(id));
        list = StorageListView { volumes: list.volumes, ..StorageListView::default() };
    }
    if list.is_empty() {
        if context.parsed.format().is_none_or(|format| format == "tabular") {
            context.say("No storage to display.");
        }
        return Ok(());
    }
    context.show(&list, |is_coloured| match (filesystems, volumes) {
        (true, _) => write_filesystem_list(&list),
        (false, true) => write_volume_list(&list),
        (false, false) => write_list(&list, is_coloured),
    });
    Ok(())
}

/// `show-storage`
pub(super) fn show(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let times = context.times();
    let ids = context.parsed.positionals.clone();
    if let Some(wrong) = ids.iter().find(|id| !crate::names::is_storage(id)) {
        return Err(CommandError::failed(format!("invalid storage ID {wrong}")));
    }
    let mut all = context.look(&uuid, |model| Ok(storage_view::list(model, &times)))?.storage;
    let missing: Vec<String> = ids
        .iter()
        .filter(|id| !all.contains_key(*id))
        .map(|id| format!("storage instance \"{id}\" not found"))
        .collect();
    if !missing.is_empty() {
        return Err(CommandError::failed(missing.join("\n")));
    }
    let views: BTreeMap<String, StorageView> =
        ids.iter().filter_map(|id| Some((id.clone(), all.remove(id)?))).collect();
    context.show(&views, |_| String::new());
    Ok(())
}

/// `add-storage`
pub(super) fn add(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let unit_name = context.word(0).to_owned();
    let asked = parse_storage_by_label(&context.parsed.positionals[1..]).map_err(CommandError::Usage)?;
    let (mut added, mut failures) = (Vec::new(), Vec::new());
    for (label, constraints) in &asked {
        let done = context.change(&uuid, |model| {
            Ok(alive_unit(model, &unit_name).and_then(|unit| model.add_storage(&unit, label, constraints)))
        })?;
        match done {
            Ok(ids) => added.extend(ids),
            Err(why) => failures.push((label.clone(), why)),
        }
    }
    for id in added {
        context.say(&format!("added storage {id} to {unit_name}"));
    }
    if failures.is_empty() {
        return Ok(());
    }
    let mut reasons: Vec<&str> = failures.iter().map(|(_, why)| why.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    // What is wrong with the unit is wrong with all of them, and said once.
    if failures.len() == asked.len() && reasons.len() < failures.len() {
        for why in reasons {
            context.session.say(why);
        }
    } else {
        for (label, why) in &failures {
            context.session.say(&format!("failed to add storage \"{label}\" to {unit_name}: {why}"));
        }
    }
    Err(CommandError::Silent(1))
}

fn alive_unit(model: &ModelData, name: &str) -> Result<Name, String> {
    let unit = model.state.units.get(name).ok_or_else(|| format!("unit \"{name}\" not found"))?;
    if unit.is_dying { Err("unit is not alive".to_owned()) } else { Ok(unit.name.clone()) }
}

/// What a command does to each of several instances, and what it says.
struct Each {
    /// Said of one that it was done to: `detaching`.
    doing: &'static str,
    /// Said of one that it was not: `detach`.
    what: &'static str,
    /// Said behind both.
    to: String,
}

/// Does something to each of the instances that are named, and says what became of it.
fn each(
    context: &mut Context<'_>,
    uuid: &str,
    ids: &[String],
    words: &Each,
    act: impl Fn(&mut ModelData, &str) -> Result<(), String>,
) -> CommandResult {
    let mut done = Vec::new();
    let mut failures = Vec::new();
    for id in ids {
        match context.change(uuid, |model| act(model, id).map_err(CommandError::Failed)) {
            Ok(()) => done.push(id),
            Err(why) => failures.push((id, why.to_string())),
        }
    }
    for id in &done {
        context.say(&format!("{} {id}{}", words.doing, words.to));
    }
    for (id, why) in &failures {
        context.say(&format!("failed to {} {id}{}: {why}", words.what, words.to));
    }
    if failures.is_empty() {
        return Ok(());
    }
    let is_attached = |why: &str| why.ends_with("storage is attached");
    if failures.iter().any(|(_, why)| is_attached(why))
        && !context.look(uuid, |model| Ok(model.is_kubernetes()))?
    {
        context.say(
            "\nUse the --force option to remove attached storage, or use\n\"juju detach-storage\" to explicitly detach the storage\nbefore removing.",
        );
    }
    Err(CommandError::Silent(1))
}

/// `attach-storage`
pub(super) fn attach(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let unit_name = context.word(0).to_owned();
    let ids = context.parsed.positionals[1..].to_vec();
    let words = Each { doing: "attaching", what: "attach", to: format!(" to {unit_name}") };
    let act = |model: &mut ModelData, id: &str| {
        let attached = alive_unit(model, &unit_name).and_then(|unit| model.attach_storage(&unit, id));
        attached.map_err(|why| format!("cannot attach storage {id} to unit {unit_name}: {why}"))
    };
    each(context, &uuid, &ids, &words, act)
}

/// `detach-storage`
pub(super) fn detach(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let ids = context.parsed.positionals.clone();
    let words = Each { doing: "detaching", what: "detach", to: String::new() };
    each(context, &uuid, &ids, &words, release)
}

/// Lets the unit that has an instance give it back. One that nobody has is left.
fn release(model: &mut ModelData, id: &str) -> Result<(), String> {
    let storage = model.storages.get(id).ok_or_else(|| format!("storage instance \"{id}\" not found"))?;
    let Some(unit) = storage.owner.clone() else { return Ok(()) };
    let stimulus = Stimulus::StorageDetached { storage_id: id.into() };
    // What is on its way already goes on.
    let _ = model.poke(&Target::Unit(unit.clone()), &stimulus);
    let has_it = model
        .lifecycle
        .units()
        .get(&unit)
        .is_some_and(|world| world.storages().any(|known| known.as_str() == id));
    if !has_it && let Some(storage) = model.storages.get_mut(id) {
        // The unit was never told of it.
        (storage.owner, storage.is_attached) = (None, false);
    }
    Ok(())
}

/// `remove-storage`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let ids = context.parsed.positionals.clone();
    let (is_forced, keeps) = (context.parsed.is_set("force"), context.parsed.is_set("no-destroy"));
    let words = Each { doing: "removing", what: "remove", to: String::new() };
    let verb = if keeps { "release" } else { "destroy" };
    let act = |model: &mut ModelData, id: &str| {
        let storage = model.storages.get_mut(id);
        let storage = storage
            .ok_or_else(|| format!("cannot {verb} storage \"{id}\": storage instance \"{id}\" not found"))?;
        if storage.owner.is_some() && !is_forced {
            return Err(format!("cannot {verb} storage \"{id}\": storage is attached"));
        }
        storage.is_dying = true;
        release(model, id)?;
        if model.storages.get(id).is_some_and(|storage| storage.owner.is_none()) {
            model.storages.remove(id);
        }
        Ok(())
    };
    let known = |context: &Context<'_>| {
        context.look(&uuid, |model| Ok(model.storages.keys().cloned().collect::<BTreeSet<Name>>()))
    };
    let before = known(context)?;
    let removed = each(context, &uuid, &ids, &words, act);
    let after = known(context)?;
    // What the cloud would keep of a storage that Juju forgets, it keeps out of everybody's sight.
    let is_gone = |id: &&Name| ids.iter().any(|word| word == id.as_str()) && !after.contains(*id);
    for id in before.iter().filter(|_| !keeps).filter(is_gone) {
        content::remove_content(context.controller, &uuid, id);
    }
    removed
}

/// `storage-pools`
pub(super) fn pools(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let words = |flag: &str| -> Vec<String> {
        let texts = context.parsed.texts(flag);
        texts.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()
    };
    let (mut providers, names) = (words("provider"), words("name"));
    if let Some(wrong) = names.iter().find(|name| !is_pool(name)) {
        return Err(CommandError::failed(format!("pool name \"{wrong}\" not valid")));
    }
    let pools: BTreeMap<String, PoolView> = context.look(&uuid, |model| {
        let known: Vec<&str> = model.storage_providers().collect();
        if let Some(wrong) = providers.iter().find(|provider| !known.contains(&provider.as_str())) {
            return Err(CommandError::failed(format!("storage provider \"{wrong}\" not found")));
        }
        // The others are no choice there (apiserver/facades/client/storage, `ensureStoragePoolFilter`).
        if model.is_kubernetes() {
            providers.push("kubernetes".to_owned());
        }
        let is_meant = |name: &str, provider: &str| {
            let (by_name, by_provider) =
                (names.iter().any(|known| known == name), providers.iter().any(|known| known == provider));
            match (names.is_empty(), providers.is_empty()) {
                (true, true) => true,
                (false, false) => by_name && by_provider,
                (true, false) | (false, true) => by_name || by_provider,
            }
        };
        let made = model.pools.iter().map(|(name, pool)| {
            let attributes = pool.attributes.iter();
            let attrs = attributes.map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
            (name.clone(), PoolView { provider: pool.provider.clone(), attrs })
        });
        let usual = known.iter().map(|name| {
            ((*name).to_owned(), PoolView { provider: (*name).to_owned(), attrs: BTreeMap::new() })
        });
        Ok(made.chain(usual).filter(|(name, pool)| is_meant(name, &pool.provider)).collect())
    })?;
    if pools.is_empty() {
        context.say("No storage pools to display.");
        return Ok(());
    }
    context.show(&pools, |_| write_pools(&pools));
    Ok(())
}

fn attributes(words: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    parse_attributes(words).map_err(CommandError::Usage)
}

/// `create-storage-pool`
pub(super) fn create_pool(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let is_kubernetes = context.look(&uuid, |model| Ok(model.is_kubernetes()))?;
    let has_provider = context.parsed.positionals.get(1).is_some_and(|word| !word.contains('='));
    // The provider of a Kubernetes model's pools can be left out.
    let (provider, rest) = if is_kubernetes && !has_provider {
        ("kubernetes".to_owned(), 1)
    } else {
        (context.word(1).to_owned(), 2)
    };
    let attributes = attributes(context.parsed.positionals.get(rest..).unwrap_or_default())?;
    context.change(&uuid, |model| {
        if !is_pool(&name) {
            return Err(CommandError::failed(format!("pool name \"{name}\" not valid")));
        }
        if model.pools.contains_key(&name) {
            return Err(CommandError::failed(format!(
                "creating pool \"{name}\": cannot overwrite existing settings"
            )));
        }
        model.set_pool(&name, PoolData { provider, attributes }).map_err(CommandError::failed)
    })
}

/// `update-storage-pool`
pub(super) fn update_pool(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let mut attributes = attributes(&context.parsed.positionals[1..])?;
    context.change(&uuid, |model| {
        let known = model.pools.get(&name);
        let known = known.ok_or_else(|| CommandError::failed(format!("pool \"{name}\" not found")))?;
        let provider = attributes.remove("type").unwrap_or_else(|| known.provider.clone());
        model.set_pool(&name, PoolData { provider, attributes }).map_err(CommandError::failed)
    })
}

/// `remove-storage-pool`
pub(super) fn remove_pool(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    context.change(&uuid, |model| {
        if model.storages.values().any(|storage| storage.pool == name) {
            return Err(CommandError::failed(format!("storage pool \"{name}\" in use")));
        }
        match model.pools.remove(&name) {
            Some(_) => Ok(()),
            None => Err(CommandError::failed(format!("storage pool \"{name}\" not found"))),
        }
    })
}
