//! Clouds and credentials that a person keeps: `add-cloud`, `update-cloud`, `remove-cloud`, `clouds`,
//! `show-cloud`, `add-credential`, `update-credential`, `remove-credential`, `credentials`.
//!
//! They are kept and shown. Nothing is ever made in them: models are on this host.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{CONTROLLERS, Context, failed};
use crate::controller::VERSION;
use crate::controller::data::{ModelPlatform, USER};
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::values::yaml::read_yaml;
use crate::view::cloud::{
    CloudCredentialsView, CloudView, CredentialListView, CredentialView, NamedCloudView, RegionView,
    write_clouds, write_clouds_in_yaml, write_credentials, write_list,
};
use crate::view::controller::{AccountView, ControllerDetailsView, ControllerFactsView, ControllerModelView};

/// Attributes of credentials that are shown to those only who ask for secrets: what the providers of Juju
/// call hidden.
const HIDDEN: [&str; 14] = [
    "ClientKeyData",
    "Token",
    "api-token",
    "application-password",
    "client-cert",
    "client-key",
    "maas-oauth",
    "pass-phrase",
    "password",
    "private-key",
    "secret-key",
    "server-cert",
    "token",
    "trust-password",
];

/// Returns the attributes of a credential, those that are hidden only if secrets are shown.
pub(super) fn shown_attributes(credential: &Value, shows_secrets: bool) -> BTreeMap<String, String> {
    let attributes = credential.as_object().into_iter().flatten().filter(|(key, _)| *key != "auth-type");
    let shown = attributes.filter(|(key, _)| shows_secrets || !HIDDEN.contains(&key.as_str()));
    shown.map(|(key, value)| (key.clone(), text_of(value))).collect()
}

/// Writes what a credential says as text.
pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Where a command keeps what it is given: with the client, or with a controller.
fn controller_of(context: &Context<'_>) -> Result<Option<String>, CommandError> {
    let Some(name) = context.parsed.controller() else { return Ok(None) };
    if CONTROLLERS.iter().any(|controller| controller.name == name) {
        return Ok(Some(name.to_owned()));
    }
    Err(CommandError::failed(format!("controller {name} not found")))
}

/// Returns whether the client is looked at, and which controller: what was said, or both, the current
/// controller (cmd/modelcmd/controller.go, `MaybePrompt`).
pub(super) fn looked_at(context: &Context<'_>) -> Result<(bool, Option<String>), CommandError> {
    let (on_client, controller) = (context.parsed.is_set("client"), controller_of(context)?);
    if on_client || controller.is_some() {
        return Ok((on_client, controller));
    }
    // Where there is none, the client alone is.
    Ok((true, context.controller.look(|held| context.current_controller(held)).ok()))
}

/// Whether the client is meant: said so, or nothing said.
fn means_client(context: &Context<'_>, controller: Option<&String>) -> bool {
    context.parsed.is_set("client") || controller.is_none()
}

/// Reads a file of definitions: what it has below `key` and a name.
fn definition(context: &Context<'_>, key: &str, name: &str) -> Result<Option<Value>, CommandError> {
    // `update-cloud` has the short name alone, in Juju too.
    let flag = if context.parsed.command.flag("file").is_some() { "file" } else { "f" };
    let file = context.parsed.text(flag).filter(|file| !file.is_empty()).map(str::to_owned);
    let file = file.or_else(|| context.parsed.positionals.get(1).cloned());
    let Some(file) = file else { return Ok(None) };
    let text = context.session.read_text(&file)?;
    let document = read_yaml(&text).map_err(failed)?;
    let found = document.get(key).and_then(|all| all.get(name)).cloned();
    found
        .map(Some)
        .ok_or_else(|| CommandError::failed(format!("{key} \"{name}\" not found in file \"{file}\"")))
}

/// `add-cloud`
pub(super) fn add(context: &mut Context<'_>) -> CommandResult {
    keep(context, true)
}

/// `update-cloud`
pub(super) fn update(context: &mut Context<'_>) -> CommandResult {
    keep(context, false)
}

fn keep(context: &mut Context<'_>, is_new: bool) -> CommandResult {
    let name = context.word(0).to_owned();
    let Some(definition) = definition(context, "clouds", &name)? else {
        return Err(CommandError::failed(
            "adding a cloud without a file is not supported by this emulator: use --file",
        ));
    };
    if definition.get("type").and_then(Value::as_str).is_none() {
        return Err(CommandError::failed(format!("cloud \"{name}\" has no type")));
    }
    let controller = controller_of(context)?;
    let on_client = means_client(context, controller.as_ref());
    context.controller.change(|held| {
        if on_client {
            if is_new && held.client.clouds.contains_key(&name) {
                return Err(CommandError::failed(format!(
                    "local cloud \"{name}\" already exists\nuse `update-cloud {name} --client` to override known definition"
                )));
            }
            if !is_new && !held.client.clouds.contains_key(&name) {
                return Err(CommandError::failed(format!("cloud {name} not found on this client")));
            }
            held.client.clouds.insert(name.clone(), definition.clone());
        }
        if let Some(controller) = &controller {
            let clouds = held.client.controller_clouds.entry(controller.clone()).or_default();
            if is_new && clouds.contains_key(&name) {
                return Err(CommandError::failed(format!("cloud \"{name}\" already exists on controller \"{controller}\"")));
            }
            clouds.insert(name.clone(), definition.clone());
        }
        Ok(())
    })?;
    let done = if is_new { "added" } else { "updated" };
    if on_client {
        context.say(&format!("Cloud \"{name}\" successfully {done} to your local client."));
    }
    if let Some(controller) = controller {
        context.say(&format!("Cloud \"{name}\" {done} to controller \"{controller}\"."));
    }
    Ok(())
}

/// `remove-cloud`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).to_owned();
    let controller = controller_of(context)?;
    let on_client = means_client(context, controller.as_ref());
    let (from_client, from_controller) = context.controller.change(|held| {
        let from_client = on_client && held.client.clouds.remove(&name).is_some();
        let clouds =
            controller.as_ref().and_then(|controller| held.client.controller_clouds.get_mut(controller));
        (from_client, clouds.is_some_and(|clouds| clouds.remove(&name).is_some()))
    });
    if !from_client && !from_controller {
        return Err(CommandError::failed(format!("cloud {name} not found")));
    }
    let place = if from_client {
        "from this client".to_owned()
    } else {
        format!("from controller \"{}\"", controller.unwrap_or_default())
    };
    context.say(&format!("Removed details of cloud \"{name}\" {place}"));
    Ok(())
}

/// Returns what is shown of a cloud that was described in a file.
fn described(definition: &Value, credentials: u64) -> CloudView {
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let regions: Vec<(String, RegionView)> = definition
        .get("regions")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, region)| {
            let region = RegionView {
                endpoint: text(region, "endpoint"),
                identity_endpoint: text(region, "identity-endpoint"),
                storage_endpoint: text(region, "storage-endpoint"),
            };
            (name.clone(), region)
        })
        .collect();
    let list = |key: &str| -> Vec<String> {
        let items = definition.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    CloudView {
        defined: "local".to_owned(),
        kind: text(definition, "type"),
        description: text(definition, "description"),
        auth_types: list("auth-types"),
        endpoint: text(definition, "endpoint"),
        identity_endpoint: text(definition, "identity-endpoint"),
        storage_endpoint: text(definition, "storage-endpoint"),
        default_region: String::new(),
        credential_count: credentials,
        regions,
        ca_certificates: list("ca-certificates"),
        ..CloudView::default()
    }
}

/// Returns the clouds that models are really on.
fn built_in() -> BTreeMap<String, CloudView> {
    let of = |controller: &super::ControllerFacts| {
        let (kind, description, auth_types) = match controller.platform {
            ModelPlatform::Machine => ("lxd", "LXD Container Hypervisor", vec!["certificate", "interactive"]),
            ModelPlatform::Kubernetes => {
                ("kubernetes", "A Kubernetes Cluster", vec!["certificate", "oauth2", "userpass"])
            }
        };
        let view = CloudView {
            defined: "built-in".to_owned(),
            kind: kind.to_owned(),
            description: description.to_owned(),
            auth_types: auth_types.into_iter().map(str::to_owned).collect(),
            default_region: "localhost".to_owned(),
            credential_count: 1,
            regions: vec![("localhost".to_owned(), RegionView::default())],
            ..CloudView::default()
        };
        (controller.cloud.to_owned(), view)
    };
    CONTROLLERS.iter().map(of).collect()
}

/// Returns all clouds of the client or of a controller.
pub(super) fn known(context: &Context<'_>, controller: Option<&String>) -> BTreeMap<String, CloudView> {
    let mut all = built_in();
    context.controller.look(|held| {
        let own = match controller {
            Some(controller) => held.client.controller_clouds.get(controller),
            None => Some(&held.client.clouds),
        };
        for (name, definition) in own.into_iter().flatten() {
            let count = held.client.credentials.get(name).map_or(0, |all| all.len() as u64);
            all.insert(name.clone(), described(definition, count));
        }
        for (name, region) in &held.client.default_regions {
            if let Some(cloud) = all.get_mut(name) {
                cloud.default_region.clone_from(region);
            }
        }
    });
    all
}

/// `clouds`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let (on_client, controller) = looked_at(context)?;
    let of_client = if on_client { known(context, None) } else { BTreeMap::new() };
    let of_controller = controller.map(|controller| known(context, Some(&controller))).unwrap_or_default();
    let mut all = of_client.clone();
    all.extend(of_controller.clone());
    context.show(&all, |_| write_list(&of_controller, &of_client));
    Ok(())
}

/// `show-cloud`
pub(super) fn show(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).to_owned();
    let (on_client, controller) = looked_at(context)?;
    let (mut shown, mut errors) = (Vec::new(), Vec::new());
    if let Some(controller) = &controller {
        match known(context, Some(controller)).remove(&name) {
            Some(cloud) => shown.push(NamedCloudView {
                name: name.clone(),
                summary: format!("Cloud {} from controller {}", quote(&name), quote(controller)),
                cloud,
            }),
            None => errors.push(format!("cloud {} not found", quote(&name))),
        }
    }
    if on_client {
        let mut all = known(context, None);
        if let Some(cloud) = all.remove(&name) {
            shown.push(NamedCloudView {
                name: name.clone(),
                summary: format!("Client cloud {}", quote(&name)),
                cloud,
            });
        } else {
            let others: Vec<String> = all.into_keys().collect();
            errors.push(format!(
                "cloud {name} not found, possible alternative clouds:\n\n  - {}",
                others.join("\n  - ")
            ));
        }
    }
    for error in &errors {
        context.session.say(&format!("ERROR {error}"));
    }
    if !shown.is_empty() {
        let text = match context.parsed.format() {
            Some("json") => crate::view::to_json(&shown),
            Some("yaml") => write_clouds_in_yaml(&shown),
            Some(_) | None => write_clouds(&shown),
        };
        context.session.print(&text);
    }
    if errors.is_empty() { Ok(()) } else { Err(CommandError::Silent(1)) }
}

/// `add-credential` and `update-credential`
pub(super) fn add_credential(context: &mut Context<'_>) -> CommandResult {
    let cloud = context.word(0).to_owned();
    let Some(credentials) = definition(context, "credentials", &cloud)? else {
        return Err(CommandError::failed(
            "adding a credential without a file is not supported by this emulator: use --file",
        ));
    };
    let controller = controller_of(context)?;
    let on_client = means_client(context, controller.as_ref());
    let named: BTreeMap<String, Value> = credentials
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.is_object())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, value) in &named {
        if value.get("auth-type").and_then(Value::as_str).is_none() {
            return Err(CommandError::failed(format!(
                "credential \"{name}\" for cloud \"{cloud}\" has no auth-type"
            )));
        }
    }
    context.controller.change(|held| {
        if on_client {
            held.client.credentials.entry(cloud.clone()).or_default().extend(named.clone());
        }
        if let Some(controller) = &controller {
            let all = held.client.controller_credentials.entry(controller.clone()).or_default();
            all.entry(cloud.clone()).or_default().extend(named.clone());
        }
    });
    for name in named.keys() {
        context.say(&format!("Credential \"{name}\" added locally for cloud \"{cloud}\"."));
    }
    Ok(())
}

/// `remove-credential`
pub(super) fn remove_credential(context: &mut Context<'_>) -> CommandResult {
    let (cloud, name) = (context.word(0).to_owned(), context.word(1).to_owned());
    let removed = context.controller.change(|held| {
        held.client.credentials.get_mut(&cloud).is_some_and(|all| all.remove(&name).is_some())
    });
    if !removed {
        return Err(CommandError::failed(format!("credential \"{name}\" for cloud \"{cloud}\" not found")));
    }
    context.say(&format!("Credential \"{name}\" for cloud \"{cloud}\" removed from this client."));
    Ok(())
}

/// `credentials`
#[expect(clippy::unnecessary_wraps, reason = "all commands end alike")]
pub(super) fn credentials(context: &mut Context<'_>) -> CommandResult {
    let shows_secrets = context.parsed.is_set("show-secrets");
    let wanted = context.parsed.positionals.first().cloned();
    let of = |all: &BTreeMap<String, BTreeMap<String, Value>>| -> BTreeMap<String, CloudCredentialsView> {
        let wanted = all.iter().filter(|(cloud, _)| wanted.as_ref().is_none_or(|wanted| *wanted == **cloud));
        wanted
            .map(|(cloud, credentials)| {
                let credentials =
                    credentials.iter().map(|(name, value)| (name.clone(), credential(value, shows_secrets)));
                let view = CloudCredentialsView {
                    credentials: credentials.collect(),
                    ..CloudCredentialsView::default()
                };
                (cloud.clone(), view)
            })
            .collect()
    };
    let view = context.controller.look(|held| {
        let controller = context.current_controller(held).unwrap_or_default();
        let mut client_credentials = of(&held.client.credentials);
        for (cloud, credentials) in &mut client_credentials {
            credentials.default_credential =
                held.client.default_credentials.get(cloud).cloned().unwrap_or_default();
            credentials.default_region = held.client.default_regions.get(cloud).cloned().unwrap_or_default();
        }
        CredentialListView {
            client_credentials,
            controller_credentials: held
                .client
                .controller_credentials
                .get(&controller)
                .map(of)
                .unwrap_or_default(),
        }
    });
    let is_client_only = context.parsed.is_set("client");
    context.show(&view, |_| write_credentials(&view, is_client_only));
    Ok(())
}

fn credential(value: &Value, shows_secrets: bool) -> CredentialView {
    CredentialView {
        auth_type: value.get("auth-type").map(text_of).unwrap_or_default(),
        attributes: shown_attributes(value, shows_secrets),
        ..CredentialView::default()
    }
}

/// `show-controller`
pub(super) fn show_controller(context: &mut Context<'_>) -> CommandResult {
    let current = context.controller.look(|held| context.current_controller(held));
    let names: Vec<String> = match context.parsed.positionals.as_slice() {
        [] => vec![current.map_err(|_| CommandError::failed("there is no active controller"))?],
        names => names.to_vec(),
    };
    let mut all = BTreeMap::new();
    for name in names {
        let Some(facts) = CONTROLLERS.into_iter().find(|controller| controller.name == name) else {
            return Err(CommandError::failed(format!("controller {name} not found")));
        };
        let uuid = super::models::controller_uuid(context, &name)?;
        let (models, current_model) = context.controller.look(|held| {
            let own = held.models().filter(|model| model.controller == name);
            let models = own.map(|model| {
                let some = |count: usize| (count > 0).then_some(count as u64);
                let view = ControllerModelView {
                    uuid: model.uuid.clone(),
                    machines: some(model.machines.len()),
                    cores: None,
                    units: if model.is_kubernetes() { some(model.units.len()) } else { None },
                };
                (format!("{USER}/{}", model.name), view)
            });
            let current = held.client.models.get(&name).map(|model| format!("{USER}/{model}"));
            (models.collect(), current.unwrap_or_default())
        });
        let view = ControllerDetailsView {
            details: ControllerFactsView {
                uuid,
                api_endpoints: vec!["127.0.0.1:17070".to_owned()],
                cloud: facts.cloud.to_owned(),
                region: "localhost".to_owned(),
                agent_version: VERSION.to_owned(),
                controller_model_version: VERSION.to_owned(),
                ..ControllerFactsView::default()
            },
            models,
            current_model,
            account: Some(AccountView {
                user: USER.to_owned(),
                access: "superuser".to_owned(),
                ..AccountView::default()
            }),
            ..ControllerDetailsView::default()
        };
        all.insert(name, view);
    }
    context.show(&all, |_| crate::view::to_yaml(&all));
    Ok(())
}
