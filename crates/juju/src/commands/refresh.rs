//! `refresh`: an application gets another charm, or other resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use charmproof_charm::metadata::CharmMetadata;
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use charmproof_lifecycle::world::Charm;

use super::deploy::{Found, charm_settings, file_resources, given_resources, local, next_revision};
use super::{Context, failed};
use crate::controller::data::{ModelData, ResourceData};
use crate::session::{CommandError, CommandResult};

/// `refresh`
pub(super) fn refresh(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let current = context.look(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        Ok(model.applications[&application].charm.clone())
    })?;
    let typed = context
        .parsed
        .text("path")
        .or_else(|| context.parsed.text("switch"))
        .filter(|path| !path.is_empty())
        .map(str::to_owned);
    let given: BTreeMap<String, String> = context
        .parsed
        .texts("resource")
        .into_iter()
        .map(|word| word.split_once('=').unwrap_or((word, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let found = match &typed {
        Some(path)
            if path.starts_with('.')
                || path.starts_with('/')
                || path.starts_with('~')
                || context.session.path(path).exists() =>
        {
            let found = local(context, &context.session.path(path), path)?;
            let other = found.kept.metadata.name.as_ref().map(ToString::to_string).unwrap_or_default();
            if other != current.name {
                return Err(CommandError::failed(format!(
                    "cannot refresh \"{}\" to \"{other}\"",
                    current.name
                )));
            }
            Some(found)
        }
        Some(name) => super::store::refreshed(context, &uuid, name.trim_start_matches("ch:"), &current)?,
        None if current.is_local && given.is_empty() => {
            return Err(CommandError::failed("refreshing a local charm requires either --path or --switch"));
        }
        None if current.is_local => None,
        None => super::store::refreshed(context, &uuid, &current.name.clone(), &current)?,
    };
    let is_same =
        found.as_ref().is_none_or(|found| !found.is_local && found.revision == Some(current.revision));
    if is_same && given.is_empty() {
        context.say(&format!("charm \"{}\": already up-to-date", current.name));
        return Ok(());
    }
    let said = replace(
        context,
        &uuid,
        &name,
        found.as_ref().filter(|_| !is_same),
        &given,
        context.parsed.is_set("force-units"),
    )?;
    if let Some(said) = said {
        context.say(&said);
    }
    if context.parsed.is_set("trust") {
        super::applications::set_trust(context, &uuid, &name, true)?;
    }
    Ok(())
}

/// Gives an application another charm or other resources.
pub(super) fn replace(
    context: &Context<'_>,
    uuid: &str,
    name: &str,
    found: Option<&Found>,
    given: &BTreeMap<String, String>,
    is_forced: bool,
) -> Result<Option<String>, CommandError> {
    let metadata = match &found {
        Some(found) => Arc::new(found.kept.metadata.clone()),
        None => context.look(uuid, |model| {
            let application = super::units::application(model, name)?;
            model.applications[&application]
                .metadata
                .clone()
                .ok_or_else(|| CommandError::failed("the charm's files are gone"))
        })?,
    };
    let resources = given_resources(context, &metadata, given)?;
    let stored = found.as_ref().map(|found| found.resources.clone()).unwrap_or_default();
    // Only `refresh` takes settings as well.
    let settings = match context.parsed.command.name {
        "refresh" => charm_settings(context, name, &metadata)?,
        _other => BTreeMap::new(),
    };
    context.change(uuid, |model| {
        let application = super::units::application(model, name)?;
        let mut said = None;
        if let Some(found) = found {
            super::deploy::assumes(model, &metadata, context.parsed.is_set("force"))?;
            let forces_base = context.parsed.is_set("force-base");
            said = Some(swap_charm(model, &application, found, &metadata, forces_base)?);
        }
        if let Some(data) = model.applications.get_mut(&application) {
            for (name, resource) in resources {
                let known = data.resources.get(&name);
                let generation = known.map_or(0, |known| known.generation);
                let is_revision = given.get(&name).is_none_or(|value| value.parse::<u32>().is_ok());
                // What the user has uploaded stays until the user says otherwise.
                let is_uploaded =
                    known.is_some_and(|known| known.revision.is_none()) && !given.contains_key(&name);
                let stored = stored.get(&name).filter(|_| is_revision && !is_uploaded);
                if let Some(stored) = stored {
                    let is_news = known.is_none_or(|known| known.revision != stored.revision);
                    let generation = generation + u32::from(is_news);
                    data.resources.insert(name, ResourceData { generation, ..stored.clone() });
                } else if given.contains_key(&name) {
                    data.resources.insert(name, ResourceData { generation: generation + 1, ..resource });
                } else if known.is_none() {
                    data.resources.insert(name, resource);
                }
            }
        }
        for (resource, path) in file_resources(model, &application, context) {
            let _ = model.state.set_resource(&application, &resource, path);
        }
        if !settings.is_empty() {
            model.state.set_config(&application, &settings).map_err(failed)?;
        }
        if let Some(data) = model.applications.get_mut(&application) {
            data.charm_modified += 1;
        }
        let target = Target::Application(application.clone());
        if model.state.units_of(&application).next().is_some() {
            model.poke(&target, &Stimulus::Refresh { forced: is_forced }).map_err(failed)?;
        }
        Ok(said)
    })
}

/// Gives an application another charm. Endpoints that are in use have to stay.
fn swap_charm(
    model: &mut ModelData,
    application: &Name,
    found: &Found,
    metadata: &Arc<CharmMetadata>,
    forces_base: bool,
) -> Result<String, CommandError> {
    let used: Vec<(u32, Name)> = model
        .state
        .relations
        .values()
        .filter_map(|relation| Some((relation.id, relation.end_of(application)?.endpoint.clone())))
        .collect();
    for (_, endpoint) in &used {
        let is_there = metadata.endpoints.iter().any(|declared| declared.name == endpoint.as_str())
            || endpoint.as_str() == "juju-info";
        if !is_there {
            return Err(CommandError::failed(format!(
                "cannot upgrade application \"{application}\" to charm \"local:{}\": would break relation \"{application}:{endpoint}\"",
                found.kept.metadata.name.as_ref().map(ToString::to_string).unwrap_or_default()
            )));
        }
    }
    let charm_name = found.kept.metadata.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let bases = &found.kept.bases;
    let base = &model.applications[application].charm.base;
    let has_base = bases.iter().any(|(name, channel)| *name == base.name && *channel == base.channel);
    if !bases.is_empty() && !has_base && !forces_base {
        let supported: Vec<String> =
            bases.iter().map(|(name, channel)| format!("{name}@{channel}")).collect();
        return Err(CommandError::failed(format!(
            "cannot upgrade application \"{application}\" to charm \"{}:{charm_name}\": base \"{}@{}\" not supported by \
             charm, the charm supported bases are: {}",
            if found.is_local { "local" } else { "ch" },
            base.name,
            base.channel,
            supported.join(", ")
        )));
    }
    let revision = found.revision.unwrap_or_else(|| next_revision(model, &charm_name));
    let declared = Charm::from(&**metadata).with_implicit_endpoint();
    model.lifecycle.replace_charm(application, declared).map_err(failed)?;
    model.state.replace_charm(application, metadata);
    model.state.follow_peers(&model.lifecycle, application);
    if let Some(data) = model.applications.get_mut(application) {
        data.charm = found.charm(revision, data.charm.base.clone());
        data.metadata = Some(Arc::clone(metadata));
    }
    let from = if found.is_local { "local charm" } else { "charm-hub charm" };
    Ok(format!("Added {from} \"{charm_name}\", revision {revision}, to the model"))
}
