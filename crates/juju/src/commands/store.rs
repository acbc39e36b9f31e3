//! Charms from Charmhub: `info`, `find`, and what `deploy` and `refresh` find there.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::deploy::{Found, base_of, resource_blob};
use super::{Context, failed};
use crate::charmhub::{
    self, Charmhub, DEFAULT_URL, ReleaseKind, ReleaseResource, StoreError, Substitute, Substitutes, Wanted,
};
use crate::charms;
use crate::controller::data::{Base, CharmData, ResourceData};
use crate::session::{CommandError, CommandResult};
use crate::values::channel::Channel;
use crate::view::charmhub::{write_found, write_info};
use crate::view::resource::{StoreResourceView, write_store_list};

/// What the store has under a name.
pub(super) enum Stored {
    /// A charm.
    Charm(Box<Found>),
    /// A bundle, and where it was put.
    Bundle(Utf8PathBuf),
}

/// What is asked of a charm beside its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The channel; the default one, if not given.
    pub(super) channel: Option<String>,
    /// Exactly this revision.
    pub(super) revision: Option<u32>,
    /// What it is to run on.
    pub(super) base: Option<Base>,
    /// Resources that are given: those with a number are the store's, too.
    pub(super) resources: BTreeMap<String, String>,
}

impl Asked {
    /// Reads what flags ask for.
    fn of_flags(context: &Context<'_>) -> Result<Self, CommandError> {
        let parsed = context.parsed;
        let named = |flag: &str| parsed.text(flag).filter(|text| !text.is_empty());
        let words = parsed.texts("resource");
        let resources = words.into_iter().filter_map(|word| word.split_once('='));
        Ok(Self {
            channel: named("channel").map(str::to_owned),
            revision: parsed.number("revision").and_then(|number| u32::try_from(number).ok()),
            base: named("base").map(base_of).transpose()?,
            resources: resources.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }
}

/// Finds a charm by its name, as the flags of a command ask for it.
pub(super) fn find(context: &mut Context<'_>, uuid: &str, name: &str) -> Result<Stored, CommandError> {
    let asked = Asked::of_flags(context)?;
    find_asked(context, uuid, name, &asked)
}

/// Finds a charm by its name.
pub(super) fn find_asked(
    context: &mut Context<'_>,
    uuid: &str,
    name: &str,
    asked: &Asked,
) -> Result<Stored, CommandError> {
    let name = name.strip_prefix("ch:").unwrap_or(name);
    if !crate::names::is_application(name) {
        return Err(CommandError::failed(format!(
            "cannot parse name and/or revision in URL \"{name}\": name \"{name}\" not valid"
        )));
    }
    if let Some(substitute) = substitutes(context)?.of_charm(name).cloned() {
        return stand_in(context, name, asked, &substitute);
    }
    let wanted = wanted(context, uuid, name, asked)?;
    let store = store(context, uuid)?;
    let found = store.find(&wanted).map_err(|error| explain(&store, name, &error))?;
    if let Some(reason) = &found.stale {
        context.say(&format!("{reason}\nWhat is kept of \"{name}\" is used."));
    }
    let release = found.value;
    let archive = store.file(&release.download).map_err(|error| explain(&store, name, &error))?;
    match release.kind {
        ReleaseKind::Bundle => {
            let text = charmhub::bundle_of(&archive).map_err(|error| explain(&store, name, &error))?;
            let folder = context.controller.folder().blobs().join("bundles").join(&release.download.digest);
            fs_err::create_dir_all(&folder).map_err(failed)?;
            let path = folder.join("bundle.yaml");
            fs_err::write(&path, text).map_err(failed)?;
            context.say(&format!("Located bundle \"{name}\" in charm-hub, revision {}", release.revision));
            Ok(Stored::Bundle(path))
        }
        ReleaseKind::Charm => {
            if asked.revision.is_some() && asked.channel.is_none() {
                return Err(CommandError::failed(
                    "specifying a revision requires a channel for future upgrades. Please use --channel",
                ));
            }
            let kept = charms::keep_archive(context.controller.folder(), &archive).map_err(|error| {
                CommandError::failed(format!("Charmhub's charm \"{name}\" cannot be used: {error}"))
            })?;
            let resources = resources(context, &store, name, &release.resources, asked)?;
            Ok(Stored::Charm(Box::new(Found {
                kept,
                is_local: false,
                revision: Some(release.revision),
                channel: Some(release.channel),
                resources,
            })))
        }
    }
}

/// Takes in the charm that stands in for one of the store. It goes by the name of that one, so that
/// nobody who looks at the model sees a difference.
fn stand_in(
    context: &mut Context<'_>,
    name: &str,
    asked: &Asked,
    substitute: &Substitute,
) -> Result<Stored, CommandError> {
    let Substitute { path, list, .. } = substitute;
    if !path.exists() {
        return Err(CommandError::failed(format!(
            "{path} is to stand in for \"{name}\", as {list} says, and is not there"
        )));
    }
    context.session.say(&format!("{path} stands in for \"{name}\" of Charmhub, as {list} says."));
    if super::deploy::is_bundle(path) {
        return Ok(Stored::Bundle(path.clone()));
    }
    let mut found = super::deploy::local(context, path, path.as_str())?;
    found.kept.metadata.name = name.parse().ok();
    found.is_local = false;
    found.revision = Some(asked.revision.unwrap_or(0));
    found.channel = Some(normalised(asked.channel.as_deref())?);
    let metadata = found.kept.metadata.clone();
    let given = super::deploy::given_resources(context, &metadata, &substitute.resources)?;
    found.resources = given;
    Ok(Stored::Charm(Box::new(found)))
}

fn normalised(channel: Option<&str>) -> Result<String, CommandError> {
    let mut channel = Channel::parse(channel.unwrap_or("latest/stable")).map_err(failed)?;
    channel.track.get_or_insert_with(|| "latest".to_owned());
    Ok(channel.to_string())
}

/// Finds what a charm can be refreshed to.
pub(super) fn refreshed(
    context: &mut Context<'_>,
    uuid: &str,
    name: &str,
    current: &CharmData,
) -> Result<Option<Found>, CommandError> {
    let mut asked = Asked::of_flags(context)?;
    asked.channel = asked.channel.or_else(|| current.channel.clone()).or_else(|| Some("stable".to_owned()));
    asked.base = asked.base.or_else(|| Some(current.base.clone()));
    match find_asked(context, uuid, name, &asked)? {
        Stored::Charm(found) => Ok(Some(*found)),
        Stored::Bundle(_) => Err(CommandError::failed(format!("\"{name}\" is a bundle, not a charm"))),
    }
}

fn wanted(context: &Context<'_>, uuid: &str, name: &str, asked: &Asked) -> Result<Wanted, CommandError> {
    let preferred = context.look(uuid, |model| Ok(model.config_text("default-base")))?;
    let preferred = preferred.filter(|text| !text.is_empty()).and_then(|text| base_of(&text).ok());
    let channel = asked.channel.as_deref().map(Channel::parse).transpose().map_err(failed)?;
    Ok(Wanted {
        name: name.to_owned(),
        channel: channel.map(|channel| channel.to_string()),
        revision: asked.revision,
        base: asked.base.clone().or(preferred),
        architecture: super::deploy::architecture().to_owned(),
    })
}

/// Returns the store that a model is told to use.
fn store(context: &Context<'_>, uuid: &str) -> Result<Charmhub, CommandError> {
    let of_model = context.look(uuid, |model| Ok(model.config_text("charmhub-url")))?;
    Ok(store_at(context, of_model))
}

fn store_at(context: &Context<'_>, of_model: Option<String>) -> Charmhub {
    let url = of_model
        .filter(|url| !url.is_empty() && url != DEFAULT_URL)
        .or_else(|| context.variable("CHARMHUB_URL"))
        .or_else(|| context.variable("CHARMPROOF_CHARMHUB_URL"))
        .unwrap_or_else(|| DEFAULT_URL.to_owned());
    Charmhub::new(&url, &cache_folder(context))
}

/// Returns the folder for what is kept of the store. It is none of the controller's, so that it is
/// there for the next one, too.
fn cache_folder(context: &Context<'_>) -> Utf8PathBuf {
    let root = match (
        context.variable("CHARMPROOF_CACHE"),
        context.variable("XDG_CACHE_HOME"),
        context.variable("HOME"),
    ) {
        (Some(cache), _, _) => context.session.path(cache),
        (None, Some(folder), _) => Utf8Path::new(&folder).join("charmproof"),
        (None, None, Some(home)) => Utf8Path::new(&home).join(".cache/charmproof"),
        (None, None, None) => context.controller.folder().path().join("cache"),
    };
    root.join("charmhub")
}

fn substitutes(context: &Context<'_>) -> Result<Substitutes, CommandError> {
    Substitutes::of(&context.session.cwd, &|name| context.variable(name)).map_err(failed)
}

/// Says what can be done where the store cannot be reached.
fn explain(store: &Charmhub, name: &str, error: &StoreError) -> CommandError {
    let hint = match error {
        StoreError::Unreachable { .. } => format!(
            "\nNothing is kept of \"{name}\" in {} either. Deploy it once where there is a network, or name a \
             charm that stands in for it in charmproof-charmhub.toml, beside the charm under test:\n\n  \
             [substitutes]\n  \"{name}\" = \"./path/to/{name}.charm\"",
            store.cache_folder()
        ),
        StoreError::Refused(_) | StoreError::Malformed(_) | StoreError::Cache(_) => String::new(),
    };
    CommandError::failed(format!("{error}{hint}"))
}

/// Fetches the store's resources of a charm, but for those that the user gives.
fn resources(
    context: &mut Context<'_>,
    store: &Charmhub,
    name: &str,
    released: &[ReleaseResource],
    asked: &Asked,
) -> Result<BTreeMap<String, ResourceData>, CommandError> {
    let mut all = BTreeMap::new();
    let mut wanted: Vec<ReleaseResource> = released.to_vec();
    wanted.retain(|resource| !asked.resources.contains_key(&resource.name));
    for (resource, value) in &asked.resources {
        let Ok(revision) = value.parse() else { continue };
        let found = released.iter().find(|known| known.name == *resource && known.revision == revision);
        wanted.push(match found {
            Some(found) => found.clone(),
            None => store
                .resource_revision(name, resource, revision)
                .map_err(|error| explain(store, name, &error))?,
        });
    }
    for resource in wanted {
        let empty = ResourceData {
            is_file: resource.is_file,
            file_name: Some(resource.file_name.clone()).filter(|name| !name.is_empty()),
            revision: Some(resource.revision),
            size: resource.download.size_bytes,
            since: Timestamp::now(),
            ..ResourceData::default()
        };
        let data = if resource.is_file {
            let path = store.file(&resource.download).map_err(|error| explain(store, name, &error))?;
            let blob = resource_blob(context, &resource.download.digest);
            keep(&path, &blob).map_err(failed)?;
            ResourceData { digest: Some(resource.download.digest.clone()), ..empty }
        } else {
            let image = store.image(name, &resource).map_err(|error| explain(store, name, &error))?;
            if let Some(reason) = &image.stale {
                context.say(&format!("{reason}\nWhat is kept of \"{}\" is used.", resource.name));
            }
            let image = image.value;
            let credentials = (!image.username.is_empty()).then_some((image.username, image.password));
            ResourceData { image: Some(image.name), credentials, ..empty }
        };
        all.insert(resource.name, data);
    }
    Ok(all)
}

/// Copies a file to its place among the controller's, where it is whole or not at all.
fn keep(path: &Utf8Path, blob: &Utf8Path) -> std::io::Result<()> {
    if blob.exists() {
        return Ok(());
    }
    if let Some(parent) = blob.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let temporary = blob.with_extension(format!("new{}", std::process::id()));
    fs_err::copy(path, &temporary)?;
    fs_err::rename(&temporary, blob)
}

/// `info`
pub(super) fn info(context: &mut Context<'_>) -> CommandResult {
    let name = context.word(0).trim_start_matches("ch:").to_owned();
    let store = store_at(context, None);
    let info = store.info(&name).map_err(failed)?;
    context.show(&info, |_| write_info(&info, true));
    Ok(())
}

/// `charm-resources`
pub(super) fn charm_resources(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).trim_start_matches("ch:").to_owned();
    let asked = Asked { channel: context.parsed.text("channel").map(str::to_owned), ..Asked::default() };
    let wanted = wanted(context, &uuid, &name, &asked)?;
    let store = store(context, &uuid)?;
    let release = store.find(&wanted).map_err(|error| explain(&store, &name, &error))?.value;
    let mut list: Vec<StoreResourceView> = release
        .resources
        .into_iter()
        .map(|resource| StoreResourceView {
            name: resource.name,
            kind: if resource.is_file { "file" } else { "oci-image" }.to_owned(),
            path: resource.file_name,
            description: String::new(),
            revision: u64::from(resource.revision),
            fingerprint: resource.download.digest,
            size_bytes: resource.download.size_bytes,
            origin: "store".to_owned(),
        })
        .collect();
    list.sort_by(|one, other| one.name.cmp(&other.name));
    if list.is_empty() && !context.parsed.is_for_machines() {
        context.say(match release.kind {
            ReleaseKind::Bundle => "Bundles have no resources to display.",
            ReleaseKind::Charm => "No resources to display.",
        });
        return Ok(());
    }
    context.show(&list, |_| write_store_list(&list));
    Ok(())
}

/// `find`
pub(super) fn search(context: &mut Context<'_>) -> CommandResult {
    let words = context.parsed.positionals.join(" ");
    let store = store_at(context, None);
    let found = store.search(&words).map_err(failed)?;
    if found.is_empty() {
        context.say(&format!("No matching charms for \"{words}\""));
        return Ok(());
    }
    context.show(&found, |_| write_found(&found));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::charmhub::fake::{FakeStore, charm};
    use crate::commands::offers::tests::Juju;

    #[test]
    fn resources_of_a_charm_in_the_store() {
        let (juju, store) = (Juju::new(), FakeStore::start());
        let check = |line: &str, expected: &str| {
            assert_eq!(juju.run_with(line, &[("CHARMHUB_URL", &store.url)]), expected, "{line}");
        };
        let download = store.publish("/db_7.charm", b"zip");
        let file = json!({ "type": "file", "name": "data", "filename": "data.tar", "revision": 2, "download": download });
        let image = json!({ "type": "oci-image", "name": "app", "filename": "", "revision": 31, "download": download });
        store.refresh(&charm("db", 7, &download, &json!([file, image])));
        check("charm-resources -m data db", "Resource  Revision\napp       31\ndata      2\n");
        let digest = download["hash-sha-256"].as_str().unwrap();
        check(
            "charm-resources -m data db --format json",
            &format!(
                "[{{\"name\":\"app\",\"type\":\"oci-image\",\"path\":\"\",\"revision\":31,\"fingerprint\":\"{digest}\",\
                 \"size\":3,\"origin\":\"store\"}},{{\"name\":\"data\",\"type\":\"file\",\"path\":\"data.tar\",\
                 \"revision\":2,\"fingerprint\":\"{digest}\",\"size\":3,\"origin\":\"store\"}}]\n"
            ),
        );
        store.refresh(&charm("web", 1, &download, &json!([])));
        check("charm-resources -m data web", "No resources to display.\n");
    }
}
