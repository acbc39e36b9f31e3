//! What is chosen of clouds, and what their credentials hold: `regions`, `default-region`,
//! `show-credential`, `default-credential`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::clouds::{known, looked_at, shown_attributes, text_of};
use super::{CONTROLLERS, Context};
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::view::cloud::{
    CloudView, CredentialContentView, CredentialDetailsListView, CredentialDetailsView, FoundRegionsView,
    RegionView, write_regions,
};

/// `regions`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).to_owned();
    let (on_client, controller) = looked_at(context)?;
    let mut found = FoundRegionsView::default();
    let mut errors = Vec::new();
    let mut told = String::new();
    let mut take = |cloud: Option<CloudView>, missing: String, none: String| -> Vec<(String, RegionView)> {
        match cloud {
            None => errors.push(missing),
            Some(cloud) if cloud.regions.is_empty() => told += &none,
            Some(cloud) => return cloud.regions,
        }
        Vec::new()
    };
    if on_client {
        let cloud = known(context, None).remove(&name);
        let none = format!("Cloud {} has no regions defined locally on this client.\n", quote(&name));
        found.of_client = take(cloud, format!("cloud {name} not found"), none);
    }
    if let Some(controller) = controller {
        let cloud = known(context, Some(&controller)).remove(&name);
        let place = format!("on controller {}", quote(&controller));
        let none = format!("Cloud {} has no regions defined {place}.\n", quote(&name));
        found.of_controller = take(cloud, format!("{place}: cloud {} not found", quote(&name)), none);
    }
    for error in &errors {
        context.session.say(&format!("ERROR {error}"));
    }
    context.session.print(&told);
    context.show(&found, |_| write_regions(&found));
    if errors.is_empty() { Ok(()) } else { Err(CommandError::Silent(1)) }
}

/// Returns a cloud of the client.
fn cloud(context: &Context<'_>, name: &str) -> Result<CloudView, CommandError> {
    known(context, None).remove(name).ok_or_else(|| CommandError::failed(format!("cloud {name} not found")))
}

/// `default-region`
pub(super) fn default_region(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).to_owned();
    let cloud = cloud(context, &name)?;
    if cloud.regions.is_empty() {
        return Err(CommandError::failed(format!("cloud {name} has no regions")));
    }
    let shown = quote(&name);
    let text = match context.parsed.positionals.get(1).cloned() {
        Some(region) => {
            let known = cloud.regions.iter().find(|(known, _)| known.eq_ignore_ascii_case(&region));
            let Some((known, _)) = known else {
                let mut all: Vec<String> = cloud.regions.iter().map(|(name, _)| quote(name)).collect();
                all.sort();
                return Err(CommandError::failed(format!(
                    "region {} not found (expected one of [{}])",
                    quote(&region),
                    all.join(" ")
                )));
            };
            context.controller.change(|held| held.client.default_regions.insert(name.clone(), known.clone()));
            format!("Default region in {name} set to {}.", quote(known))
        }
        None if context.parsed.is_set("reset") => {
            context.controller.change(|held| held.client.default_regions.remove(&name));
            format!("Default region for cloud {shown} is no longer set on this client.")
        }
        None => match context.controller.look(|held| held.client.default_regions.get(&name).cloned()) {
            Some(region) => format!("Default region for cloud {shown} is {} on this client.", quote(&region)),
            None => format!("Default region for cloud {shown} is not set on this client."),
        },
    };
    context.say(&text);
    Ok(())
}

/// `default-credential`
pub(super) fn default_credential(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).to_owned();
    cloud(context, &name)?;
    let shown = quote(&name);
    let text = match context.parsed.positionals.get(1).cloned() {
        Some(credential) => {
            let is_known = context.controller.change(|held| {
                let all = held.client.credentials.get(&name);
                let is_known = all.is_some_and(|all| all.contains_key(&credential));
                if is_known {
                    held.client.default_credentials.insert(name.clone(), credential.clone());
                }
                is_known
            });
            if !is_known {
                return Err(CommandError::failed(format!(
                    "credential {} for cloud {name} not valid",
                    quote(&credential)
                )));
            }
            format!(
                "Local credential {} is set to be default for {shown} for this client.",
                quote(&credential)
            )
        }
        None if context.parsed.is_set("reset") => {
            context.controller.change(|held| held.client.default_credentials.remove(&name));
            format!("Default credential for cloud {shown} is no longer set on this client.")
        }
        None => match context.controller.look(|held| held.client.default_credentials.get(&name).cloned()) {
            Some(credential) => {
                format!("Default credential for cloud {shown} is {} on this client.", quote(&credential))
            }
            None => format!("Default credential for cloud {shown} is not set on this client."),
        },
    };
    context.say(&text);
    Ok(())
}

/// Credentials, by cloud and name.
type Credentials = BTreeMap<String, BTreeMap<String, Value>>;

/// `show-credential`
pub(super) fn show_credential(context: &mut Context<'_>) -> CommandResult {
    let wanted = match context.parsed.positionals.as_slice() {
        [cloud, name, ..] => Some((cloud.clone(), name.clone())),
        [] | [_] => None,
    };
    let shows_secrets = context.parsed.is_set("show-secrets");
    let (on_client, controller) = looked_at(context)?;
    let mut view = CredentialDetailsListView::default();
    let mut has_failed = false;
    if on_client {
        let all = context.controller.look(|held| held.client.credentials.clone());
        match select(&all, wanted.as_ref()) {
            Ok(chosen) => view.client_credentials = details(&chosen, shows_secrets, |_| None),
            Err(why) => {
                has_failed = true;
                context.session.say(&format!("ERROR client credential content lookup failed: {why}"));
            }
        }
    }
    if let Some(controller) = controller {
        let (mut all, models) = context.controller.look(|held| {
            let all = held.client.controller_credentials.get(&controller).cloned().unwrap_or_default();
            let own = held.models().filter(|model| model.controller == controller);
            let models: Vec<(String, String)> =
                own.map(|model| (model.cloud.clone(), model.name.clone())).collect();
            (all, models)
        });
        // Those that models here are made with are called as their clouds are.
        for cloud in CONTROLLERS.map(|controller| controller.cloud) {
            let content = BTreeMap::from([("auth-type", "certificate")]);
            let built_in = all.entry(cloud.to_owned()).or_default();
            built_in.entry(cloud.to_owned()).or_insert_with(|| serde_json::json!(content));
        }
        if let Ok(chosen) = select(&all, wanted.as_ref()) {
            view.controller_credentials = details(&chosen, shows_secrets, |cloud| {
                let own = models.iter().filter(|(of, _)| of == cloud);
                Some(own.map(|(_, model)| (model.clone(), "admin".to_owned())).collect())
            });
        } else {
            let name = wanted.map(|(_, name)| name).unwrap_or_default();
            context.say(&format!("credential {} not found", quote(&name)));
        }
    }
    if view == CredentialDetailsListView::default() {
        context.say("No credentials from this client or from a controller to display.");
        return Ok(());
    }
    context.show(&view, |_| crate::view::to_yaml(&view));
    if has_failed { Err(CommandError::Silent(1)) } else { Ok(()) }
}

/// Returns the credential that was named, or all of them.
fn select(all: &Credentials, wanted: Option<&(String, String)>) -> Result<Credentials, String> {
    let Some((cloud, name)) = wanted else { return Ok(all.clone()) };
    let of_cloud = all
        .get(cloud)
        .ok_or_else(|| format!("loading credentials: credentials for cloud {cloud} not found"))?;
    let value = of_cloud.get(name).ok_or_else(|| {
        format!("credential {} for cloud {} in local client not found", quote(name), quote(cloud))
    })?;
    Ok(BTreeMap::from([(cloud.clone(), BTreeMap::from([(name.clone(), value.clone())]))]))
}

/// Returns what is shown of credentials; `models` tells which models are made with those of a cloud, if
/// somebody knows.
fn details(
    credentials: &Credentials,
    shows_secrets: bool,
    models: impl Fn(&str) -> Option<BTreeMap<String, String>>,
) -> BTreeMap<String, BTreeMap<String, CredentialDetailsView>> {
    let of = |cloud: &str, name: &str, value: &Value| {
        let in_use = models(cloud);
        CredentialDetailsView {
            content: CredentialContentView {
                auth_type: value.get("auth-type").map(text_of).unwrap_or_default(),
                validity_check: if in_use.is_some() { "valid" } else { "" }.to_owned(),
                attributes: shown_attributes(value, shows_secrets),
            },
            models: in_use.filter(|_| name == cloud).unwrap_or_default(),
        }
    };
    let non_empty = credentials.iter().filter(|(_, credentials)| !credentials.is_empty());
    non_empty
        .map(|(cloud, credentials)| {
            let views = credentials.iter().map(|(name, value)| (name.clone(), of(cloud, name, value)));
            (cloud.clone(), views.collect())
        })
        .collect()
}
