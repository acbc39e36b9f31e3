//! `deploy`: charms from files and folders, with all that is asked of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::metadata::{CharmMetadata, ResourceKind};
use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Context, SPACE, failed};
use crate::charms::{self, CharmError, KeptCharm};
use crate::controller::data::{Base, CharmData, ModelData, ResourceData};
use crate::controller::storage::{check_location, label_of};
use crate::session::{CommandError, CommandResult};
use crate::values::constraints::Constraints;
use crate::values::go::quote;
use crate::values::options::option_of_yaml;
use crate::values::storage::StorageConstraints;

/// Bases that people mean when nothing says which, the first that the charm has.
const PREFERRED: [&str; 4] = ["24.04", "22.04", "20.04", "26.04"];

/// How many units a model may have here: they all are on this host.
const UNITS_MAX: usize = 1000;

/// Returns the architecture, as Juju calls it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// A charm that a command names: taken in, and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) kept: KeptCharm,
    pub(crate) is_local: bool,
    pub(crate) revision: Option<u32>,
    pub(crate) channel: Option<String>,
    /// The resources that came with it from the store.
    pub(crate) resources: BTreeMap<String, ResourceData>,
}

impl Found {
    /// Returns what is known of the charm once it is deployed.
    pub(super) fn charm(&self, revision: u32, base: Base) -> CharmData {
        CharmData {
            name: self.kept.metadata.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            revision,
            is_local: self.is_local,
            channel: self.channel.clone(),
            version: self.kept.version.clone(),
            digest: self.kept.digest.clone(),
            base,
        }
    }
}

/// What is asked of a deployment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deployment {
    /// The name of the application; that of the charm if not given.
    pub(crate) application: Option<String>,
    pub(crate) base: Option<Base>,
    pub(crate) units: Option<u32>,
    pub(crate) places: Vec<String>,
    pub(crate) config: BTreeMap<String, Value>,
    pub(crate) trusts: bool,
    pub(crate) constraints: String,
    pub(crate) storage: BTreeMap<String, StorageConstraints>,
    pub(crate) attached: Vec<String>,
    pub(crate) resources: BTreeMap<String, String>,
    pub(crate) is_forced: bool,
}

/// `deploy`
pub(super) fn deploy(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let path = context.session.path(&name);
    let is_path = name.starts_with('.') || name.starts_with('/') || name.starts_with('~');
    if is_path && is_bundle(&path) {
        return super::bundles::deploy(context, &uuid, &path);
    }
    let found = if is_path {
        local(context, &path, &name)?
    } else {
        if path.exists() {
            return Err(CommandError::failed(format!(
                "The charm or bundle \"{name}\" is ambiguous.\nTo deploy a local charm or bundle, run `juju deploy ./{name}`.\nTo deploy a charm or bundle from CharmHub, run `juju deploy ch:{name}`."
            )));
        }
        match super::store::find(context, &uuid, &name)? {
            super::store::Stored::Charm(found) => *found,
            super::store::Stored::Bundle(path) => return super::bundles::deploy(context, &uuid, &path),
        }
    };
    crate::flags::check_deploy_flags(context.parsed, false).map_err(CommandError::failed)?;
    let deployment = deployment(context)?;
    let text = start(context, &uuid, &found, &deployment)?;
    for line in text {
        context.say(&line);
    }
    Ok(())
}

pub(super) fn is_bundle(path: &Utf8Path) -> bool {
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    (is_yaml && path.is_file())
        || (path.is_dir() && path.join("bundle.yaml").exists() && !path.join("metadata.yaml").exists())
}

/// Takes in a charm of the user's.
pub(crate) fn local(context: &Context<'_>, path: &Utf8Path, typed: &str) -> Result<Found, CommandError> {
    let folder = context.controller.folder();
    if !path.exists() {
        return Err(CommandError::failed(format!("no charm was found at \"{typed}\"")));
    }
    let kept =
        if path.is_dir() { charms::keep_folder(folder, path) } else { charms::keep_archive(folder, path) };
    let kept = kept.map_err(|error| match error {
        CharmError::Archive(error) => {
            CommandError::failed(format!("invalid charm or bundle provided at \"{typed}\": {error}"))
        }
        CharmError::NoCharm(why) if path.is_dir() => {
            let hint = if path.join("charmcraft.yaml").exists() {
                format!("\nThe folder is a charm's source: `charmproof pack {typed}` makes a .charm of it.")
            } else {
                String::new()
            };
            CommandError::failed(format!("invalid charm or bundle provided at \"{typed}\": {why}{hint}"))
        }
        CharmError::Io(_) | CharmError::Hostile(_) | CharmError::NoCharm(_) => {
            CommandError::failed(format!("invalid charm or bundle provided at \"{typed}\": {error}"))
        }
    })?;
    if kept.metadata.name.is_none() {
        return Err(CommandError::failed(format!(
            "invalid charm or bundle provided at \"{typed}\": metadata.yaml has no name"
        )));
    }
    Ok(Found { kept, is_local: true, revision: None, channel: None, resources: BTreeMap::new() })
}

/// Reads what the flags ask for.
fn deployment(context: &Context<'_>) -> Result<Deployment, CommandError> {
    let parsed = context.parsed;
    let base = parsed.text("base").filter(|base| !base.is_empty()).map(base_of).transpose()?;
    let mut storage = BTreeMap::new();
    for word in parsed.texts("storage") {
        let argument = crate::values::storage::StorageArgument::parse(word, false).map_err(failed)?;
        storage.insert(argument.label, argument.constraints);
    }
    let mut resources = BTreeMap::new();
    for word in parsed.texts("resource") {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        resources.insert(name.to_owned(), value.to_owned());
    }
    let constraints = Constraints::parse(&parsed.texts("constraints")).map_err(failed)?;
    check_architecture(&constraints)?;
    Ok(Deployment {
        application: parsed.positionals.get(1).cloned(),
        base,
        units: if parsed.was_given("num-units") {
            parsed.number("num-units").and_then(|count| u32::try_from(count).ok())
        } else {
            None
        },
        places: parsed.list("to").into_iter().map(str::to_owned).collect(),
        config: BTreeMap::new(),
        trusts: parsed.is_set("trust"),
        constraints: constraints.to_string(),
        storage,
        attached: parsed.list("attach-storage").into_iter().map(str::to_owned).collect(),
        resources,
        is_forced: parsed.is_set("force"),
    })
}

/// Refuses machines of another architecture than the host's.
pub(super) fn check_architecture(constraints: &Constraints) -> CommandResult {
    match constraints.arch.as_deref().filter(|arch| !arch.is_empty() && *arch != architecture()) {
        Some(other) => Err(CommandError::failed(format!(
            "this emulator has no machines with arch={other}: this host is {}",
            architecture()
        ))),
        None => Ok(()),
    }
}

/// Refuses bindings to spaces that there are not, or of endpoints that there are not. All endpoints are in the
/// one space already.
pub(super) fn check_bindings<'a>(
    words: impl IntoIterator<Item = &'a str>,
    has_endpoint: impl Fn(&str) -> bool,
) -> CommandResult {
    for word in words {
        let (endpoint, space) = word.split_once('=').unwrap_or(("", word));
        if space != SPACE {
            return Err(CommandError::failed(format!("space {} not found", quote(space))));
        }
        if !endpoint.is_empty() && !has_endpoint(endpoint) {
            return Err(CommandError::failed(format!("endpoint {} not found", quote(endpoint))));
        }
    }
    Ok(())
}

/// Reads a base: `ubuntu@24.04` or `ubuntu@24.04/stable`.
pub(crate) fn base_of(text: &str) -> Result<Base, CommandError> {
    let (name, channel) = text
        .split_once('@')
        .filter(|(name, channel)| !name.is_empty() && !channel.is_empty())
        .ok_or_else(|| {
            CommandError::failed(format!(
                "expected base string to contain os and channel separated by '@', got \"{text}\""
            ))
        })?;
    let channel = channel.split('/').next().unwrap_or_default();
    Ok(Base { name: name.to_owned(), channel: channel.to_owned() })
}

/// Deploys a charm. Returns what is said of it.
pub(crate) fn start(
    context: &Context<'_>,
    uuid: &str,
    found: &Found,
    deployment: &Deployment,
) -> Result<Vec<String>, CommandError> {
    let metadata = Arc::new(found.kept.metadata.clone());
    let charm_name = metadata.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = deployment.application.clone().unwrap_or_else(|| charm_name.clone());
    crate::names::check_application(&name).map_err(failed)?;
    let settings = charm_settings(context, &name, &metadata)?;
    let bindings = context.parsed.text("bind").unwrap_or_default();
    check_bindings(bindings.split_whitespace(), |name| {
        metadata.endpoint(name).is_some() || metadata.extra_bindings.iter().any(|(known, _)| known == name)
    })?;
    let mut resources = given_resources(context, &metadata, &deployment.resources)?;
    add_stored_resources(&mut resources, found, &deployment.resources);
    // Juju takes the charm in first, and its revision is gone whatever becomes of the deployment.
    let revision = match found.revision {
        Some(revision) => revision,
        None => context.change(uuid, |model| Ok(next_revision(model, &charm_name)))?,
    };
    context.change(uuid, |model| {
        if model.applications.contains_key(name.as_str()) || model.remotes.contains_key(name.as_str()) {
            return Err(CommandError::failed(format!(
                "deploying {} application: cannot add application \"{name}\": application already exists",
                if found.is_local { "local charm" } else { "charm" }
            )));
        }
        assumes(model, &metadata, deployment.is_forced)?;
        if found.is_local && model.is_kubernetes() {
            images(&metadata, &resources)?;
        }
        let base = choose_base(model, found, deployment)?;
        if !deployment.is_forced {
            context.controller.hosting().check_base(&base).map_err(failed)?;
        }
        let charm = found.charm(revision, base.clone());
        if metadata.subordinate && !deployment.constraints.is_empty() {
            return Err(CommandError::failed("cannot use --constraints with subordinate application"));
        }
        let is_placed = deployment.units.is_some_and(|units| units > 0) || !deployment.places.is_empty();
        if metadata.subordinate && is_placed {
            return Err(CommandError::failed("cannot use --num-units or --to with subordinate application"));
        }
        if model.is_kubernetes() && deployment.places.iter().any(|place| !place.contains('=')) {
            return Err(CommandError::failed("--to cannot be used on k8s models"));
        }
        let application = Name::from(name.as_str());
        let storages = storage_of(model, &metadata, &deployment.storage)?;
        model.add_application(&application, &metadata, charm).map_err(failed)?;
        if !settings.is_empty() {
            model.state.set_config(&application, &settings).map_err(failed)?;
        }
        if !deployment.config.is_empty() {
            let typed = typed_settings(&metadata, &deployment.config)?;
            model.state.set_config(&application, &typed).map_err(failed)?;
        }
        if let Some(known) = model.state.applications.get_mut(&application) {
            known.is_trusted = deployment.trusts;
        }
        if let Some(data) = model.applications.get_mut(&application) {
            data.constraints.clone_from(&deployment.constraints);
            data.storage = storages;
            data.resources = resources;
        }
        for (resource, path) in file_resources(model, &application, context) {
            let _ = model.state.set_resource(&application, &resource, path);
        }
        let count = if metadata.subordinate { 0 } else { deployment.units.unwrap_or(1) };
        for number in 0..count {
            add_unit(model, &application, deployment.places.get(number as usize).map(String::as_str))?;
        }
        attach(model, &application, &deployment.attached)?;
        let on = format!("{}@{}/stable", base.name, base.channel);
        Ok(if found.is_local {
            vec![
                format!("Located local charm \"{charm_name}\", revision {revision}"),
                format!("Deploying \"{name}\" from local charm \"{charm_name}\", revision {revision} on {on}"),
            ]
        } else {
            let channel = found.channel.clone().unwrap_or_else(|| "latest/stable".to_owned());
            vec![format!("Deployed \"{name}\" from charm-hub charm \"{charm_name}\", revision {revision} in channel {channel} on {on}")]
        })
    })
}

/// Takes the store's resources where the user has given none, or has given their revision.
fn add_stored_resources(
    resources: &mut BTreeMap<String, ResourceData>,
    found: &Found,
    given: &BTreeMap<String, String>,
) {
    for (name, stored) in &found.resources {
        let is_revision = given.get(name).is_none_or(|value| value.parse::<u32>().is_ok());
        if is_revision && resources.contains_key(name) {
            resources.insert(name.clone(), stored.clone());
        }
    }
}

/// Refuses a charm from a file whose images nobody has named.
fn images(metadata: &CharmMetadata, resources: &BTreeMap<String, ResourceData>) -> CommandResult {
    let is_missing = |name: &str| {
        resources.get(name).is_none_or(|resource| resource.image.is_none() && resource.revision.is_none())
    };
    let missing: Vec<&str> = metadata
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::OciImage && is_missing(&resource.name))
        .map(|resource| resource.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(CommandError::failed(format!("local charm missing OCI images for: {}", missing.join(", "))))
}

/// Refuses a charm that needs what the model has not (core/assumes).
pub(super) fn assumes(model: &ModelData, metadata: &CharmMetadata, is_forced: bool) -> CommandResult {
    if is_forced {
        return Ok(());
    }
    let unmet =
        crate::assumes::unmet(&metadata.assumptions, model.is_kubernetes(), crate::controller::VERSION);
    if unmet.is_empty() {
        return Ok(());
    }
    let lines: String = unmet.iter().map(|line| format!("\n  - {line}")).collect();
    Err(CommandError::failed(format!("Charm cannot be deployed because:{lines}")))
}

/// Chooses the base: what was asked for, what the model prefers, the newest long-term one that the
/// charm has.
fn choose_base(model: &ModelData, found: &Found, deployment: &Deployment) -> Result<Base, CommandError> {
    let bases = &found.kept.bases;
    let supported = || {
        let list: Vec<String> = bases.iter().map(|(name, channel)| format!("{name}@{channel}")).collect();
        list.join(", ")
    };
    let has =
        |base: &Base| bases.iter().any(|(name, channel)| *name == base.name && *channel == base.channel);
    if let Some(base) = &deployment.base {
        if bases.is_empty() || has(base) || deployment.is_forced {
            return Ok(base.clone());
        }
        return Err(CommandError::failed(format!(
            "base \"{}@{}\" is not supported, supported bases are: {}\nUse --force to deploy the charm anyway.",
            base.name,
            base.channel,
            supported()
        )));
    }
    let preferred = model
        .config_text("default-base")
        .filter(|text| !text.is_empty())
        .and_then(|text| base_of(&text).ok());
    if let Some(base) = preferred.filter(|base| bases.is_empty() || has(base)) {
        return Ok(base);
    }
    let ubuntu = |channel: &str| Base { name: "ubuntu".to_owned(), channel: channel.to_owned() };
    let chosen = PREFERRED.iter().map(|channel| ubuntu(channel)).find(|base| bases.is_empty() || has(base));
    let first = bases.first().map(|(name, channel)| Base { name: name.clone(), channel: channel.clone() });
    Ok(chosen.or(first).unwrap_or_else(|| ubuntu(PREFERRED[0])))
}

/// Reads `--config` words: `key=value`, or files with settings by application.
pub(super) fn charm_settings(
    context: &Context<'_>,
    application: &str,
    metadata: &CharmMetadata,
) -> Result<BTreeMap<String, Value>, CommandError> {
    let mut all = BTreeMap::new();
    for word in context.parsed.texts("config") {
        if let Some((key, value)) = word.split_once('=') {
            all.insert(key.to_owned(), Value::String(read_value(context, value)?));
        } else {
            all.extend(settings_in_file(context, word, application)?);
        }
    }
    // Juju's own settings of an application are no options of its charm.
    all.retain(|key, _| {
        !matches!(key.as_str(), "trust" | "juju-external-hostname" | "juju-application-path")
    });
    typed_settings(metadata, &all)
}

/// Returns what a file says of the settings of an application.
pub(super) fn settings_in_file(
    context: &Context<'_>,
    file: &str,
    application: &str,
) -> Result<serde_json::Map<String, Value>, CommandError> {
    let text = context.session.read_text(file)?;
    let read: BTreeMap<String, Value> = serde_saphyr::from_str(&text).map_err(failed)?;
    let own = read.get(application).and_then(Value::as_object).cloned();
    own.ok_or_else(|| CommandError::failed(format!("no settings found for \"{application}\"")))
}

/// Returns a value that may be the content of a file: `@path`.
pub(super) fn read_value(context: &Context<'_>, value: &str) -> Result<String, CommandError> {
    match value.strip_prefix('@') {
        Some(path) => fs_err::read_to_string(context.session.path(path)).map_err(|error| {
            CommandError::failed(format!("cannot read option from file \"{path}\": {error}"))
        }),
        None => Ok(value.to_owned()),
    }
}

/// Returns settings with the types that the charm's options have.
pub(super) fn typed_settings(
    metadata: &CharmMetadata,
    given: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>, CommandError> {
    let mut typed = BTreeMap::new();
    for (key, value) in given {
        let option = metadata.config_options.iter().find(|option| option.name == *key);
        let Some(option) = option else {
            return Err(CommandError::failed(format!(
                "parsing settings for application: unknown option \"{key}\""
            )));
        };
        let value = option_of_yaml(&option.name, option.kind, value)
            .map_err(|error| CommandError::failed(format!("parsing settings for application: {error}")))?;
        typed.insert(key.clone(), value);
    }
    Ok(typed)
}

/// Returns how each storage of a charm is to be made.
fn storage_of(
    model: &ModelData,
    metadata: &CharmMetadata,
    asked: &BTreeMap<String, StorageConstraints>,
) -> Result<BTreeMap<String, String>, CommandError> {
    let charm = metadata.name.as_ref().map(ToString::to_string).unwrap_or_default();
    for declared in &metadata.storages {
        check_location(&charm, declared).map_err(CommandError::failed)?;
    }
    for (name, constraints) in asked {
        let Some(declared) = metadata.storages.iter().find(|storage| storage.name == *name) else {
            return Err(CommandError::failed(format!("charm \"{charm}\" has no store called \"{name}\"")));
        };
        model
            .check_storage(&charm, declared, constraints, constraints.count)
            .map_err(CommandError::failed)?;
    }
    Ok(asked.iter().map(|(name, constraints)| (name.clone(), constraints.to_string())).collect())
}

/// Takes in the resources that were given.
pub(super) fn given_resources(
    context: &Context<'_>,
    metadata: &CharmMetadata,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, ResourceData>, CommandError> {
    for name in given.keys() {
        if !metadata.resources.iter().any(|resource| resource.name == *name) {
            return Err(CommandError::failed(format!("unrecognized resource \"{name}\"")));
        }
    }
    let mut all = BTreeMap::new();
    for declared in &metadata.resources {
        let value = given.get(&declared.name);
        let empty = ResourceData {
            is_file: declared.kind == ResourceKind::File,
            file_name: declared.filename.clone(),
            since: Timestamp::now(),
            ..ResourceData::default()
        };
        let data = match value {
            None => empty,
            Some(value) => resource(context, empty, value)?,
        };
        all.insert(declared.name.clone(), data);
    }
    Ok(all)
}

/// Takes in a resource: a file, or the name of an image.
pub(super) fn resource(
    context: &Context<'_>,
    empty: ResourceData,
    value: &str,
) -> Result<ResourceData, CommandError> {
    if let Ok(revision) = value.parse::<u32>() {
        return Ok(ResourceData { revision: Some(revision), ..empty });
    }
    let path = context.session.path(value);
    if !empty.is_file {
        // A file may hold the name and who one is to the registry.
        if path.is_file() && (value.ends_with(".json") || value.ends_with(".yaml") || value.ends_with(".yml"))
        {
            let text = fs_err::read_to_string(&path).map_err(failed)?;
            let read: BTreeMap<String, String> = serde_saphyr::from_str(&text).map_err(failed)?;
            let one_of = |names: &[&str]| names.iter().find_map(|name| read.get(*name).cloned());
            let image = one_of(&["ImageName", "registrypath", "imagename"]);
            let credentials = one_of(&["username", "Username"]).zip(one_of(&["password", "Password"]));
            return Ok(ResourceData { image, credentials, ..empty });
        }
        return Ok(ResourceData { image: Some(value.to_owned()), ..empty });
    }
    if !path.is_file() {
        return Err(CommandError::failed(format!("resource file \"{value}\": file does not exist")));
    }
    let wanted = empty.file_name.as_deref().and_then(|name| Utf8Path::new(name).extension());
    if wanted != path.extension() {
        return Err(CommandError::failed(format!(
            "incorrect extension on resource upload \"{value}\", expected \".{}\"",
            wanted.unwrap_or_default()
        )));
    }
    let bytes = fs_err::read(&path).map_err(failed)?;
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let blob = resource_blob(context, &digest);
    if !blob.exists() {
        if let Some(parent) = blob.parent() {
            fs_err::create_dir_all(parent).map_err(failed)?;
        }
        let temporary = blob.with_extension(format!("new{}", std::process::id()));
        fs_err::write(&temporary, &bytes).map_err(failed)?;
        fs_err::rename(&temporary, &blob).map_err(failed)?;
    }
    Ok(ResourceData { digest: Some(digest), size: bytes.len() as u64, ..empty })
}

pub(super) fn resource_blob(context: &Context<'_>, digest: &str) -> Utf8PathBuf {
    context.controller.folder().blobs().join("resources").join(digest)
}

/// Returns the file resources of an application, with where they are kept.
pub(super) fn file_resources(
    model: &ModelData,
    application: &Name,
    context: &Context<'_>,
) -> Vec<(String, Option<Utf8PathBuf>)> {
    let resources = model.applications.get(application).into_iter().flat_map(|data| &data.resources);
    resources
        .filter(|(_, resource)| resource.is_file)
        .map(|(name, resource)| {
            (name.clone(), resource.digest.as_ref().map(|digest| resource_blob(context, digest)))
        })
        .collect()
}

/// Adds a unit where it is to be: on a machine of its own, or on the one that is named.
pub(crate) fn add_unit(
    model: &mut ModelData,
    application: &Name,
    place: Option<&str>,
) -> Result<Name, CommandError> {
    let machine = if model.is_kubernetes() {
        None
    } else {
        let data = model.applications.get(application);
        let base = data
            .map_or(Base { name: "ubuntu".to_owned(), channel: PREFERRED[0].to_owned() }, |data| {
                data.charm.base.clone()
            });
        let constraints = data.map(|data| data.constraints.clone()).unwrap_or_default();
        match place {
            Some(place) if place.parse::<u32>().is_ok_and(|number| model.machines.contains_key(&number)) => {
                place.parse().ok()
            }
            Some(place) if place.parse::<u32>().is_ok() => {
                return Err(CommandError::failed(format!(
                    "cannot deploy \"{application}\" to machine {place}: machine {place} not found"
                )));
            }
            Some(place) if place.starts_with("lxd") || place.starts_with("kvm") => {
                return Err(CommandError::failed(format!(
                    "cannot deploy to \"{place}\": containers on machines are not supported by this emulator"
                )));
            }
            Some(_) | None => Some(model.add_machine(base, constraints, false)),
        }
    };
    if model.units.len() >= UNITS_MAX {
        return Err(CommandError::failed(format!(
            "this emulator supports at most {UNITS_MAX} units in a model"
        )));
    }
    let unit = model.add_unit(application, machine, None).map_err(failed)?;
    super::subordinates::place_beside(model, application);
    add_storage(model, application, &unit)?;
    Ok(unit)
}

/// Gives a unit that is new as many instances of each storage as were asked for.
fn add_storage(model: &mut ModelData, application: &Name, unit: &Name) -> CommandResult {
    model.note_new_storage(None);
    let Some(data) = model.applications.get(application) else { return Ok(()) };
    let declared = data.metadata.iter().flat_map(|metadata| &metadata.storages);
    let more: Vec<(String, StorageConstraints)> = declared
        .filter_map(|storage| {
            let asked = StorageConstraints::parse(data.storage.get(&storage.name)?).ok()?;
            let count = asked.count.checked_sub(u64::from(storage.count_min)).filter(|count| *count > 0)?;
            Some((storage.name.clone(), StorageConstraints { count, ..asked }))
        })
        .collect();
    for (label, asked) in more {
        model.add_storage(unit, &label, &asked).map_err(CommandError::failed)?;
    }
    Ok(())
}

/// Attaches storage that is there already to an application's newest unit, in the place of as many
/// instances that it would have had of its own.
pub(super) fn attach(model: &mut ModelData, application: &Name, ids: &[String]) -> CommandResult {
    if ids.is_empty() {
        return Ok(());
    }
    if model.is_kubernetes() {
        return Err(CommandError::failed("--attach-storage cannot be used on k8s models"));
    }
    let number = |unit: &Name| unit.rsplit('/').next().and_then(|number| number.parse::<u32>().ok());
    let newest = model.state.units_of(application).map(|unit| unit.name.clone()).max_by_key(number);
    let Some(unit) = newest else { return Ok(()) };
    for id in ids {
        for taken in model.lifecycle.withdraw_storage(&unit, label_of(id), 1) {
            model.storages.remove(&taken);
        }
        model.attach_storage(&unit, id).map_err(|why| {
            CommandError::failed(format!("cannot attach storage {id} to unit {unit}: {why}"))
        })?;
    }
    Ok(())
}

/// Counts the charms of a name that came from files.
pub(super) fn next_revision(model: &mut ModelData, charm: &str) -> u32 {
    let next = model.charm_revisions.entry(charm.to_owned()).or_insert(0);
    *next += 1;
    *next - 1
}
