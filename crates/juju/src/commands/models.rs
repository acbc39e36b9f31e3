//! Models and controllers: `add-model`, `destroy-model`, `models`, `show-model`, `switch`,
//! `controllers`, `model-config`, `model-constraints`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONTROLLERS, Context, ControllerFacts, failed, platform_of_cloud};
use crate::controller::VERSION;
use crate::controller::data::{ModelData, ModelPlatform, USER};
use crate::session::{CommandError, CommandResult};
use crate::values::constraints::Constraints;
use crate::view::client::{VersionView, write_version, write_version_in_full};
use crate::view::config::{ModelConfigView, ModelSettingView, write_model_config, write_model_value};
use crate::view::controller::{ControllerListView, ControllerView, write_list as write_controllers};
use crate::view::model::{
    ModelCounts, ModelCredentialView, ModelDetailsView, ModelListOptions, ModelListView, ModelMachineView,
    ModelStatusView, ModelSummaryView, ModelUserView, write_list,
};
use crate::view::time::ago;

/// How long a model may take to go before it is told that it does not.
const DESTROY_TIMEOUT: Duration = Duration::from_mins(30);

/// What is said where there are no models.
const NO_MODELS: &str = "\nThere are no models available. You can add models with\n\"juju add-model\", or you can ask an \
    administrator or owner\nof a model to grant access to that model with \"juju grant\".\n";

/// `add-model`
pub(super) fn add(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).to_owned();
    if !crate::names::is_model(&name) {
        return Err(CommandError::failed(format!(
            "\"{name}\" is not a valid name: model names may only contain lowercase letters, digits and hyphens"
        )));
    }
    let controller = controller_named(context)?;
    let cloud = match context.parsed.positionals.get(1) {
        Some(cloud) => cloud.split('/').next().unwrap_or_default().to_owned(),
        None => controller.cloud.to_owned(),
    };
    let platform = platform_of_cloud(&cloud).or_else(|| {
        let known = context.controller.look(|held| held.client.clouds.get(&cloud).cloned());
        known.map(|cloud| match cloud.get("type").and_then(Value::as_str) {
            Some("k8s" | "kubernetes") => ModelPlatform::Kubernetes,
            Some(_) | None => ModelPlatform::Machine,
        })
    });
    let Some(platform) = platform else {
        return Err(CommandError::failed(format!(
            "cloud \"{cloud}\" is not a cloud of the local controller, which has \"localhost\" for machines and \"k8s\" for Kubernetes"
        )));
    };
    let settings = settings(context, "config")?;
    let uuid = uuid()?;
    let switches = !context.parsed.is_set("no-switch");
    context.controller.change(|held| {
        if held.named(controller.name, &name).is_some() {
            return Err(CommandError::failed(format!(
                "failed to create new model: model \"{name}\" for {USER} already exists (already exists)"
            )));
        }
        let mut model = ModelData::new(uuid.clone(), &name, controller.name, &cloud, platform);
        model.config = settings;
        held.add_model(model);
        if switches {
            held.client.controller = Some(controller.name.to_owned());
            held.client.models.insert(controller.name.to_owned(), name.clone());
        }
        Ok(())
    })?;
    // A credential is called as its cloud is.
    context.say(&format!(
        "Added '{name}' model on {cloud}/localhost with credential '{cloud}' for user '{USER}'"
    ));
    Ok(())
}

/// Returns the controller that `-c` names, or the current one.
pub(super) fn controller_named(context: &Context<'_>) -> Result<ControllerFacts, CommandError> {
    let name = match context.parsed.controller() {
        Some(name) => name.to_owned(),
        None => context.controller.look(|held| context.current_controller(held))?,
    };
    let found = CONTROLLERS.into_iter().find(|controller| controller.name == name);
    found.ok_or_else(|| CommandError::failed(format!("controller {name} not found")))
}

/// Returns a new id.
pub(super) fn uuid() -> Result<String, CommandError> {
    use std::io::Read as _;
    let mut bytes = [0_u8; 16];
    fs_err::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(failed)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// Reads `key=value` words and files of settings.
pub(super) fn settings(context: &Context<'_>, flag: &str) -> Result<BTreeMap<String, Value>, CommandError> {
    let mut all = BTreeMap::new();
    for word in context.parsed.texts(flag) {
        if let Some((key, value)) = word.split_once('=') {
            drop(all.insert(key.to_owned(), Value::String(value.to_owned())));
        } else {
            let text = context.session.read_text(word)?;
            let read: BTreeMap<String, Value> = serde_saphyr::from_str(&text).map_err(failed)?;
            all.extend(read);
        }
    }
    Ok(all)
}

/// `destroy-model`
pub(super) fn destroy(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).to_owned();
    let (uuid, filesystems) = context.controller.look(|held| {
        let model = context.find_model(held, &name)?;
        // What is part of a machine goes with it.
        let filesystems = model.storages.values().filter(|storage| model.is_detachable(storage)).count();
        Ok::<_, CommandError>((model.uuid.clone(), filesystems))
    })?;
    let is_forced = context.parsed.is_set("force");
    if !context.parsed.is_set("no-prompt") {
        super::confirm::confirm_model(context, &uuid)?;
    }
    let keeps = context.parsed.is_set("release-storage");
    if filesystems > 0 && !keeps && !context.parsed.is_set("destroy-storage") {
        return Err(CommandError::failed(format!(
            "cannot destroy model \"{name}\"\n\nThe model has persistent storage remaining:\n    {filesystems} filesystem(s)\n\nTo destroy the storage, run the destroy-model\ncommand again with the \"--destroy-storage\" option.\n\nTo release the storage from Juju's management\nwithout destroying it, use the \"--release-storage\"\noption instead. The storage can then be imported\ninto another Juju model.\n\n"
        )));
    }
    context.session.say("Destroying model");
    context.controller.change(|held| {
        let Some(model) = held.model_mut(&uuid) else { return };
        model.is_dying = true;
        let applications: Vec<_> = model.applications.keys().cloned().collect();
        for application in applications {
            // One that is on its way out already goes on.
            let _ = model.remove_application(&application, is_forced);
        }
        for machine in model.machines.values_mut() {
            machine.is_dying = true;
        }
        model.tidy();
    });
    let timeout = context.parsed.duration("timeout").and_then(|timeout| Duration::try_from(timeout).ok());
    let emptied = context.wait_until(Some(timeout.unwrap_or(DESTROY_TIMEOUT)), |held| {
        held.model(&uuid)
            .is_none_or(|model| model.units.is_empty() && model.applications.is_empty())
            .then_some(())
    })?;
    if emptied.is_none() && !is_forced {
        return Err(CommandError::failed(format!(
            "timeout waiting for model \"{name}\" to be destroyed; use --force to destroy what is left"
        )));
    }
    context.controller.forget_model(&uuid);
    context.session.say("Model destroyed.");
    Ok(())
}

/// Returns the id of a controller, which is the same for ever.
pub(super) fn controller_uuid(context: &Context<'_>, name: &str) -> Result<String, CommandError> {
    let known = context.controller.look(|held| held.client.controller_uuids.get(name).cloned());
    if let Some(known) = known {
        return Ok(known);
    }
    let new = uuid()?;
    Ok(context
        .controller
        .change(|held| held.client.controller_uuids.entry(name.to_owned()).or_insert(new).clone()))
}

/// Returns an id that a text always has.
pub(super) fn stable_uuid(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn kind(platform: ModelPlatform) -> (&'static str, &'static str) {
    match platform {
        ModelPlatform::Machine => ("iaas", "lxd"),
        ModelPlatform::Kubernetes => ("caas", "kubernetes"),
    }
}

/// `models`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let controller = controller_named(context)?;
    let controller_uuid = controller_uuid(context, controller.name)?;
    let view = context.controller.look(|held| {
        let mut models: Vec<&ModelData> =
            held.models().filter(|model| model.controller == controller.name).collect();
        models.sort_by(|one, other| one.name.cmp(&other.name));
        let current = held.client.models.get(controller.name).cloned().unwrap_or_default();
        let models = models.into_iter().map(|model| {
            let (model_type, provider_type) = kind(model.platform);
            ModelSummaryView {
                name: format!("{USER}/{}", model.name),
                short_name: model.name.clone(),
                model_uuid: model.uuid.clone(),
                model_type: model_type.to_owned(),
                controller_uuid: controller_uuid.clone(),
                controller_name: controller.name.to_owned(),
                is_controller: false,
                owner: USER.to_owned(),
                cloud: model.cloud.clone(),
                region: "localhost".to_owned(),
                credential: Some(credential(model)),
                provider_type: provider_type.to_owned(),
                life: life(model).to_owned(),
                status: Some(model_status(model)),
                access: "admin".to_owned(),
                last_connection: "just now".to_owned(),
                counts: ModelCounts {
                    machines: (!model.machines.is_empty()).then_some(model.machines.len() as u64),
                    cores: None,
                    units: (!model.units.is_empty()).then_some(model.units.len() as u64),
                },
                sla: String::new(),
                agent_version: VERSION.to_owned(),
            }
        });
        ModelListView { models: models.collect(), current_model: current }
    });
    let shows_uuids = context.parsed.is_set("uuid");
    context.show(&view, |is_coloured| {
        write_list(
            &view,
            &ModelListOptions { controller: controller.name, user: USER, shows_uuids, is_coloured },
        )
    });
    if view.models.is_empty() && !context.parsed.is_for_machines() {
        context.session.say(NO_MODELS);
    }
    Ok(())
}

fn credential(model: &ModelData) -> ModelCredentialView {
    ModelCredentialView {
        name: model.cloud.clone(),
        owner: USER.to_owned(),
        cloud: model.cloud.clone(),
        validity_check: "valid".to_owned(),
    }
}

fn life(model: &ModelData) -> &'static str {
    if model.is_dying { "dying" } else { "alive" }
}

fn model_status(model: &ModelData) -> ModelStatusView {
    ModelStatusView {
        current: if model.is_dying { "destroying" } else { "available" }.to_owned(),
        since: ago(model.since, Timestamp::now()),
        ..ModelStatusView::default()
    }
}

/// `show-model`
pub(super) fn show(context: &mut Context<'_>) -> CommandResult {
    let uuid = match context.parsed.positionals.first() {
        Some(name) => {
            context.controller.look(|held| context.find_model(held, name).map(|model| model.uuid.clone()))?
        }
        None => context.model()?,
    };
    let controller = context.look(&uuid, |model| Ok(model.controller.clone()))?;
    let controller_uuid = controller_uuid(context, &controller)?;
    let view = context.look(&uuid, |model| {
        let (model_type, provider_type) = kind(model.platform);
        let machines =
            model.machines.keys().map(|number| (number.to_string(), ModelMachineView { cores: 0 }));
        let users = model.users.iter().map(|(name, access)| {
            let last_connection = if name == USER { "just now" } else { "never connected" };
            let user = ModelUserView {
                display_name: name.clone(),
                access: access.clone(),
                last_connection: last_connection.to_owned(),
            };
            (name.clone(), user)
        });
        let details = ModelDetailsView {
            name: format!("{USER}/{}", model.name),
            short_name: model.name.clone(),
            model_uuid: model.uuid.clone(),
            model_type: model_type.to_owned(),
            controller_uuid,
            controller_name: controller,
            is_controller: false,
            owner: USER.to_owned(),
            cloud: model.cloud.clone(),
            region: "localhost".to_owned(),
            provider_type: provider_type.to_owned(),
            life: life(model).to_owned(),
            status: Some(model_status(model)),
            users: users.collect(),
            machines: machines.collect(),
            secret_backends: BTreeMap::new(),
            sla: String::new(),
            agent_version: VERSION.to_owned(),
            credential: Some(credential(model)),
            supported_features: Vec::new(),
        };
        Ok(BTreeMap::from([(model.name.clone(), details)]))
    })?;
    // People get YAML here.
    context.show(&view, |_| crate::view::to_yaml(&view));
    Ok(())
}

/// `switch`
pub(super) fn switch(context: &mut Context<'_>) -> CommandResult {
    let shown = |held: &crate::controller::Held| {
        let controller = held.client.controller.clone().unwrap_or_else(|| CONTROLLERS[0].name.to_owned());
        let model =
            held.client.models.get(&controller).filter(|name| held.named(&controller, name).is_some());
        match model {
            Some(model) => format!("{controller}:{USER}/{model}"),
            None => format!("{controller} (controller)"),
        }
    };
    let Some(target) = context.parsed.positionals.first().cloned() else {
        let text = context.controller.look(shown);
        context.session.print(&format!("{text}\n"));
        return Ok(());
    };
    let before = context.controller.look(shown);
    let target = target.trim_end_matches(':').to_owned();
    let is_controller = CONTROLLERS.iter().any(|controller| controller.name == target);
    let found = context.controller.look(|held| {
        if is_controller {
            return Ok((target.clone(), None));
        }
        let model = context.find_model(held, &target)?;
        Ok::<_, CommandError>((model.controller.clone(), Some(model.name.clone())))
    });
    let (controller, model) = match found {
        Ok(found) => found,
        Err(CommandError::Failed(_)) => {
            return Err(CommandError::failed(format!(
                "cannot determine if \"{target}\" is a valid model: \"{target}\" is not the name of a model or controller"
            )));
        }
        Err(error) => return Err(error),
    };
    context.controller.change(|held| {
        held.client.controller = Some(controller.clone());
        if let Some(model) = model {
            held.client.models.insert(controller, model);
        }
    });
    let after = context.controller.look(shown);
    let text = if before == after { format!("{after} (no change)") } else { format!("{before} -> {after}") };
    context.session.say(&text);
    Ok(())
}

/// `controllers`
pub(super) fn controllers(context: &mut Context<'_>) -> CommandResult {
    // Who is told that there is no current one looks for the others here.
    let current = context.controller.look(|held| context.current_controller(held)).unwrap_or_default();
    let server = "127.0.0.1:17070".to_owned();
    let mut all = ControllerListView { current_controller: current, ..ControllerListView::default() };
    for controller in CONTROLLERS {
        let uuid = controller_uuid(context, controller.name)?;
        let (model, count, machines) = context.controller.look(|held| {
            let own = || held.models().filter(|model| model.controller == controller.name);
            let model = held.client.models.get(controller.name).cloned();
            (model, own().count(), own().map(|model| model.machines.len()).sum::<usize>())
        });
        let view = ControllerView {
            current_model: model.unwrap_or_default(),
            user: USER.to_owned(),
            access: "superuser".to_owned(),
            recent_server: server.clone(),
            uuid,
            api_endpoints: vec![server.clone()],
            ca_cert: String::new(),
            cloud: controller.cloud.to_owned(),
            region: "localhost".to_owned(),
            agent_version: VERSION.to_owned(),
            models: Some(count as u64),
            machines: (controller.platform == ModelPlatform::Machine).then_some(machines as u64),
            nodes: None,
        };
        all.controllers.insert(controller.name.to_owned(), view);
    }
    // What is said of them is always the latest.
    context.show(&all, |is_coloured| write_controllers(&all, true, is_coloured));
    Ok(())
}

/// `whoami`
#[expect(clippy::unnecessary_wraps, reason = "all commands end alike")]
pub(super) fn whoami(context: &mut Context<'_>) -> CommandResult {
    let found = context.controller.look(|held| {
        let controller = context.current_controller(held).ok()?;
        let model = held.client.models.get(&controller).cloned();
        Some((controller, model))
    });
    let Some((controller, model)) = found else {
        let text = "There is no current controller.\nRun juju controllers to see available controllers.";
        context.session.say(text);
        return Ok(());
    };
    let mut document = json!({ "controller": controller, "user": USER });
    if let Some(model) = &model {
        document["model"] = Value::String(model.clone());
    }
    let model = model.map_or_else(String::new, |model| format!("Model:       {model}\n"));
    context.show(&document, |_| format!("Controller:  {controller}\n{model}User:        {USER}\n"));
    Ok(())
}

/// `version`
#[expect(clippy::unnecessary_wraps, reason = "all commands end alike")]
pub(super) fn version(context: &mut Context<'_>) -> CommandResult {
    let version = format!("{VERSION}-ubuntu-{}", super::deploy::architecture());
    if context.parsed.is_set("all") {
        let document = VersionView {
            version,
            git_commit: "0000000000000000000000000000000000000000".to_owned(),
            git_tree_state: "clean".to_owned(),
            compiler: "gc".to_owned(),
        };
        context.show(&document, |_| write_version_in_full(&document));
    } else {
        context.show(&version, |_| write_version(&version));
    }
    Ok(())
}

/// What of a model's configuration is text, while nobody has set it (environs/config).
const TEXTS: [(&str, &str); 51] = [
    ("agent-metadata-url", ""),
    ("agent-stream", "released"),
    ("apt-ftp-proxy", ""),
    ("apt-http-proxy", ""),
    ("apt-https-proxy", ""),
    ("apt-mirror", ""),
    ("apt-no-proxy", ""),
    ("backup-dir", ""),
    ("charmhub-url", "https://api.charmhub.io"),
    ("cloudinit-userdata", ""),
    ("container-image-metadata-url", ""),
    ("container-image-stream", "released"),
    ("container-inherit-properties", ""),
    ("container-networking-method", ""),
    ("default-base", ""),
    ("default-space", ""),
    ("egress-subnets", ""),
    ("fan-config", ""),
    ("firewall-mode", "instance"),
    ("ftp-proxy", ""),
    ("http-proxy", ""),
    ("https-proxy", ""),
    ("image-metadata-url", ""),
    ("image-stream", "released"),
    ("juju-ftp-proxy", ""),
    ("juju-http-proxy", ""),
    ("juju-https-proxy", ""),
    ("juju-no-proxy", "127.0.0.1,localhost,::1"),
    ("logging-config", "<root>=INFO"),
    ("logging-output", ""),
    ("lxd-snap-channel", "5.0/stable"),
    ("max-action-results-age", "336h"),
    ("max-action-results-size", "5G"),
    ("max-status-history-age", "336h"),
    ("max-status-history-size", "5G"),
    ("mode", "requires-prompts"),
    ("no-proxy", "127.0.0.1,localhost,::1"),
    ("provisioner-harvest-mode", "destroyed"),
    ("saas-ingress-allow", "0.0.0.0/0,::/0"),
    ("secret-backend", "auto"),
    ("snap-http-proxy", ""),
    ("snap-https-proxy", ""),
    ("snap-store-assertions", ""),
    ("snap-store-proxy", ""),
    ("snap-store-proxy-url", ""),
    ("ssh-allow", "0.0.0.0/0,::/0"),
    ("storage-default-block-source", ""),
    ("storage-default-filesystem-source", ""),
    ("update-status-hook-interval", "5m"),
    ("authorized-keys", ""),
    ("project", ""),
];

/// What of it is on or off.
const SWITCHES: [(&str, bool); 11] = [
    ("automatically-retry-hooks", true),
    ("development", false),
    ("disable-network-management", false),
    ("disable-telemetry", false),
    ("enable-os-refresh-update", true),
    ("enable-os-upgrade", true),
    ("ignore-machine-addresses", false),
    ("logforward-enabled", false),
    ("proxy-ssh", false),
    ("ssl-hostname-verification", true),
    ("transmit-vendor-metrics", true),
];

/// What of it is a number.
const NUMBERS: [(&str, i64); 3] = [
    ("net-bond-reconfigure-delay", 17),
    ("num-container-provision-workers", 4),
    ("num-provision-workers", 16),
];

/// What a model's configuration is while nobody has set it.
fn defaults(model: &ModelData) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> =
        TEXTS.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text))).collect();
    all.extend(SWITCHES.into_iter().map(|(key, is_on)| (key.to_owned(), Value::from(is_on))));
    all.extend(NUMBERS.into_iter().map(|(key, number)| (key.to_owned(), Value::from(number))));
    all.insert("resource-tags".to_owned(), Value::Object(serde_json::Map::new()));
    all.insert("type".to_owned(), Value::from(kind(model.platform).1));
    all
}

/// `model-config`
pub(super) fn config(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let resets: Vec<String> =
        context.parsed.texts("reset").iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
    let mut sets: BTreeMap<String, Value> = settings(context, "file")?;
    let mut keys = Vec::new();
    for word in &context.parsed.positionals {
        match word.split_once('=') {
            Some((key, value)) => drop(sets.insert(key.to_owned(), Value::String(value.to_owned()))),
            None => keys.push(word.clone()),
        }
    }
    // What a model was made with is no matter of its configuration.
    for (key, command) in [("agent-version", "upgrade-model"), ("charmhub-url", "add-model")] {
        if sets.contains_key(key) {
            return Err(CommandError::failed(format!("\"{key}\" must be set via \"{command}\"")));
        }
    }
    if !sets.is_empty() || !resets.is_empty() {
        let unknown = context.change(&uuid, |model| {
            let known = defaults(model);
            let mut unknown = Vec::new();
            for (key, value) in &sets {
                let value = typed(known.get(key), key, value)?;
                if !known.contains_key(key) {
                    unknown.push(key.clone());
                }
                model.config.insert(key.clone(), value);
            }
            for key in &resets {
                if model.config.remove(key).is_none() && !known.contains_key(key) {
                    unknown.push(key.clone());
                }
            }
            if sets.contains_key("update-status-hook-interval")
                || resets.iter().any(|key| key == "update-status-hook-interval")
            {
                model.reschedule_updates();
            }
            Ok(unknown)
        })?;
        for key in unknown {
            context.say(&format!("WARNING key \"{key}\" is not defined in the current model configuration: possible misspelling"));
        }
        return Ok(());
    }
    let view = context.look(&uuid, |model| {
        let mut all: ModelConfigView = defaults(model)
            .into_iter()
            .map(|(key, value)| (key, ModelSettingView { value, source: "default".to_owned() }))
            .collect();
        for (key, value) in &model.config {
            all.insert(key.clone(), ModelSettingView { value: value.clone(), source: "model".to_owned() });
        }
        Ok(all)
    })?;
    match keys.first() {
        Some(key) => {
            let Some(setting) = view.get(key) else {
                return Err(CommandError::failed(format!(
                    "key \"{key}\" not found in \"{}\" model",
                    context.look(&uuid, |model| Ok(model.name.clone()))?
                )));
            };
            context.show(&BTreeMap::from([(key.clone(), setting.clone())]), |_| write_model_value(setting));
        }
        None => context.show(&view, |_| write_model_config(&view)),
    }
    Ok(())
}

/// Returns a value of the type that its key has.
fn typed(known: Option<&Value>, key: &str, value: &Value) -> Result<Value, CommandError> {
    let Value::String(text) = value else { return Ok(value.clone()) };
    match known {
        Some(Value::Bool(_)) => match crate::values::go::parse_bool(text) {
            Ok(is_on) => Ok(Value::Bool(is_on)),
            Err(_) => Err(CommandError::failed(format!("{key}: expected bool, got string(\"{text}\")"))),
        },
        Some(Value::Number(_)) => match text.parse::<i64>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Err(CommandError::failed(format!("{key}: expected number, got string(\"{text}\")"))),
        },
        Some(Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_)) | None => {
            if key == "update-status-hook-interval" && crate::values::go::parse_duration(text).is_err() {
                return Err(CommandError::failed(format!(
                    "invalid update status hook interval in model configuration: time: invalid duration \"{text}\""
                )));
            }
            Ok(value.clone())
        }
    }
}

/// `model-constraints`
pub(super) fn constraints(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let constraints =
        context.look(&uuid, |model| Constraints::parse(&[&model.constraints]).map_err(failed))?;
    context.show(&constraints, |_| format!("{constraints}\n"));
    Ok(())
}

/// `set-model-constraints`
pub(super) fn set_constraints(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let constraints = Constraints::parse(&context.parsed.positionals).map_err(failed)?;
    context.change(&uuid, |model| {
        model.constraints = constraints.to_string();
        Ok(())
    })
}
