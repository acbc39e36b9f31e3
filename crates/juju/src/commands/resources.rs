//! Resources: `attach-resource` and `resources`.

use std::collections::BTreeMap;

use super::{Context, failed};
use crate::controller::data::{ModelData, USER};
use crate::session::{CommandError, CommandResult};
use crate::view::resource::{ResourceListView, ResourceView, write_list, write_unit_list};

/// `attach-resource`
pub(super) fn attach(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let Some((resource, value)) = context.word(1).split_once('=') else {
        return Err(CommandError::Usage(format!(
            "expected name=path format for resource, got \"{}\"",
            context.word(1)
        )));
    };
    let given = BTreeMap::from([(resource.to_owned(), value.to_owned())]);
    let (resource, has_it) = context.look(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        Ok((resource.to_owned(), model.applications[&application].resources.contains_key(resource)))
    })?;
    if !has_it {
        return Err(CommandError::failed(format!(
            "failed to upload resource \"{resource}\": resource \"{name}/{resource}\" not found"
        )));
    }
    super::refresh::replace(context, &uuid, &name, None, &given, false).map(drop)
}

/// `resources`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    if name.contains('/') {
        let views = context.look(&uuid, |model| {
            let unit = super::units::unit(model, &name)?;
            Ok(views(model, charmproof_agent::state::application_of(&unit)))
        })?;
        let list = ResourceListView { resources: views, updates: Vec::new() };
        context.show(&list, |_| write_unit_list(&list.resources));
        return Ok(());
    }
    let views = context.look(&uuid, |model| {
        let application = super::units::application(model, &name).map_err(failed)?;
        Ok(views(model, &application))
    })?;
    if views.is_empty() && context.parsed.format().is_none_or(|format| format == "tabular") {
        context.say("No resources to display.");
        return Ok(());
    }
    let list = ResourceListView { resources: views, updates: Vec::new() };
    context.show(&list, |_| write_list(&list));
    Ok(())
}

fn views(model: &ModelData, application: &str) -> Vec<ResourceView> {
    let Some(data) = model.applications.get(application) else { return Vec::new() };
    let declared = data.metadata.iter().flat_map(|metadata| &metadata.resources);
    let descriptions: BTreeMap<&str, &str> = declared
        .map(|resource| (resource.name.as_str(), resource.description.as_deref().unwrap_or_default()))
        .collect();
    let views = data.resources.iter().map(|(name, resource)| {
        let is_there = resource.digest.is_some() || resource.image.is_some();
        let is_stored = resource.revision.is_some();
        ResourceView {
            id: format!("{application}/{name}"),
            application: application.to_owned(),
            name: name.clone(),
            kind: if resource.is_file { "file" } else { "oci-image" }.to_owned(),
            path: resource.file_name.clone().unwrap_or_default(),
            description: descriptions.get(name.as_str()).copied().unwrap_or_default().to_owned(),
            revision: resource.revision.map(u64::from),
            fingerprint: resource.digest.clone().unwrap_or_default(),
            size_bytes: resource.size,
            origin: if is_stored { "store" } else { "upload" }.to_owned(),
            timestamp: is_there.then_some(resource.since),
            username: if is_there && !is_stored { USER.to_owned() } else { String::new() },
        }
    });
    views.collect()
}
