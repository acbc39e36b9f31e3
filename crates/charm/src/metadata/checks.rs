//! What only shows when all files are read: names that are used and not
//! declared, declared twice, or reserved.
//!
//! These are the checks of `Meta.Check` and `parseContainers` of juju/charm
//! v12 `meta.go`, and those that charmcraft makes when it puts the files
//! together (`charmcraft/preprocess.py`).

use std::collections::BTreeMap;

use super::extensions::Additions;
use super::reader::{Reader, listed, misspelling_of, quoted};
use super::relations::{Endpoint, Role, Scope};
use super::resources::ResourceKind;
use super::{CharmFile, CharmMetadata, Framework, Origin, Roots};
use crate::Note;
use crate::yaml::{Kind, Node};

/// Sections that say what a charm has. metadata.yaml and charmcraft.yaml may
/// both have them.
pub(super) const SECTIONS: [&str; 11] = [
    "provides",
    "requires",
    "peers",
    "storage",
    "containers",
    "resources",
    "assumes",
    "subordinate",
    "extra-bindings",
    "devices",
    "charm-user",
];
/// What charmcraft refuses to find in both files.
const ONCE: [&str; 3] = ["name", "summary", "description"];
/// What Juju refuses to do without.
const REQUIRED: [&str; 3] = ["name", "summary", "description"];
/// Keys of metadata.yaml that mark it as of the format before Juju 2.9.
const OLD_FORMAT: [&str; 3] = ["deployment", "min-juju-version", "series"];
/// Keys of metadata.yaml that mark it as of the format since Juju 2.9.
const NEW_FORMAT: [&str; 3] = ["assumes", "charm-user", "containers"];
/// Keys at the top of a charm's files that are no misspelling of [`SECTIONS`].
const OTHER_KEYS: [&str; 26] = [
    "actions",
    "config",
    "extensions",
    "name",
    "title",
    "display-name",
    "summary",
    "description",
    "type",
    "bases",
    "base",
    "build-base",
    "platforms",
    "parts",
    "links",
    "docs",
    "issues",
    "source",
    "website",
    "contact",
    "maintainer",
    "maintainers",
    "tags",
    "categories",
    "series",
    "terms",
];

/// Compares charmcraft.yaml with the files beside it.
pub(super) fn check_files(reader: &mut Reader<'_>, roots: &Roots) {
    let Some(charmcraft) = &roots.charmcraft else {
        return;
    };
    reader.file = CharmFile::Charmcraft;
    if let Some(metadata) = &roots.metadata {
        for key in ONCE {
            if let Some(entry) = charmcraft.entry(key)
                && metadata.entry(key).is_some()
            {
                let text = format!("`{key}` is in metadata.yaml as well, and charmcraft takes it once only");
                reader.error(entry.place, text, format!("Remove `{key}` from one of the files."));
            }
        }
        for key in SECTIONS {
            if let Some(entry) = charmcraft.entry(key) {
                // charmcraft packs a metadata.yaml as it is, if there is one
                // (`_write_file_or_object` of `charmcraft/services/package.py`).
                let text =
                    format!("there is a metadata.yaml, so charmcraft leaves `{key}` of this file away");
                let hint = format!("Move `{key}` to metadata.yaml, or all of metadata.yaml to this file.");
                reader.remark(entry.place, text, hint);
            }
        }
    }
    let files =
        [("config", CharmFile::Config, &roots.config), ("actions", CharmFile::Actions, &roots.actions)];
    for (key, file, root) in files {
        if let Some(entry) = charmcraft.entry(key)
            && root.is_some()
        {
            let name = file.name();
            let text = format!("`{key}` is in {name} as well, and charmcraft takes only one of the two");
            reader.error(
                entry.place,
                text,
                format!("Move what {name} has below `{key}:`, and remove {name}."),
            );
        }
    }
}

/// Says which keys at the top of a file are probably misspelt.
pub(super) fn check_keys(reader: &mut Reader<'_>, root: &Node) {
    for entry in root.entries() {
        let key = entry.key.as_str();
        if OTHER_KEYS.contains(&key) {
            continue;
        }
        let Some(meant) = misspelling_of(key, &SECTIONS) else {
            continue;
        };
        let hint = format!("Did you mean `{meant}`?");
        match reader.file {
            // charmcraft refuses all keys that it does not know.
            CharmFile::Charmcraft => {
                reader.error(entry.place, format!("charmcraft does not know `{key}`"), hint);
            }
            CharmFile::Metadata | CharmFile::Config | CharmFile::Actions => {
                reader.remark(entry.place, format!("`{key}` means nothing to Juju"), hint);
            }
        }
    }
}

/// Checks that metadata.yaml does not mix two formats (`ensureUnambiguousFormat`).
pub(super) fn check_format(reader: &mut Reader<'_>, metadata: &Node) {
    let new: Vec<&str> = NEW_FORMAT.into_iter().filter(|key| metadata.get(key).is_some()).collect();
    if new.is_empty() {
        return;
    }
    for key in OLD_FORMAT {
        if let Some(entry) = metadata.entry(key) {
            let text = format!("Juju refuses `{key}` together with {}", listed(new.iter().copied()));
            let hint = match key {
                "min-juju-version" => "Say it below `assumes:`, as `juju >= 3.1`.",
                "series" => "Say it in charmcraft.yaml, as `base` or `bases`.",
                _ => "Remove it; it is of charms before Juju 2.9.",
            };
            reader.error(entry.place, text, hint);
        }
    }
}

/// Checks that nothing is missing that Juju or charmcraft cannot do without.
pub(super) fn check_required(reader: &mut Reader<'_>, charmcraft: Option<&Node>, metadata: Option<&Node>) {
    let says = |root: Option<&Node>, key: &str| {
        root.and_then(|root| root.get(key)).is_some_and(|node| node.kind() != Kind::Null)
    };
    let missing: Vec<&str> =
        REQUIRED.into_iter().filter(|key| !says(charmcraft, key) && !says(metadata, key)).collect();
    let file = if metadata.is_some() { CharmFile::Metadata } else { CharmFile::Charmcraft };
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let text = format!("{} {verb} missing, and Juju refuses a charm without", listed(missing));
        reader.add(Note::in_file(reader.path(file), text).as_error());
    }
    if charmcraft.is_some() && !says(charmcraft, "type") {
        let text = "`type` is missing, and charmcraft refuses a project without";
        let note = Note {
            hint: Some("Add `type: charm`.".to_owned()),
            ..Note::in_file(reader.path(CharmFile::Charmcraft), text).as_error()
        };
        reader.add(note);
    }
}

/// Checks the names of a charm against each other.
pub(super) fn check_names(reader: &mut Reader<'_>, metadata: &CharmMetadata) {
    check_reserved(reader, metadata);
    check_extra_bindings(reader, metadata);
    // What layers and unknown extensions declare cannot be seen from here.
    if metadata.is_complete() {
        check_containers(reader, metadata);
        check_subordinate(reader, metadata);
    }
}

/// Leaves the first of several endpoints of one name, whatever their roles.
pub(super) fn drop_repeated(reader: &mut Reader<'_>, endpoints: &mut Vec<Endpoint>) {
    let mut seen: BTreeMap<String, (Role, Origin)> = BTreeMap::new();
    endpoints.retain(|endpoint| {
        let Some((role, first)) = seen.get(&endpoint.name) else {
            seen.insert(endpoint.name.clone(), (endpoint.role, endpoint.origin));
            return true;
        };
        let line = match *first {
            Origin::Declared { file, place } => format!(", in line {} of {}", place.line, file.name()),
            Origin::Extension(_) => String::new(),
        };
        let text = format!(
            "the endpoint {} is declared in `{}` already{line}",
            quoted(&endpoint.name),
            role.section()
        );
        reader.error_at(endpoint.origin, text, "Juju wants each name once; call one of them otherwise.");
        false
    });
}

fn is_reserved(name: &str) -> bool {
    name == "juju" || name.starts_with("juju-")
}

/// `reservedName`: Juju keeps these names for itself, except in charms that
/// are its own.
fn check_reserved(reader: &mut Reader<'_>, metadata: &CharmMetadata) {
    // Whose charm it is cannot be known without its name.
    let Some(name) = metadata.name.as_ref().filter(|name| !name.as_str().starts_with("juju-")) else {
        return;
    };
    let hint = "Names that start with `juju-` are Juju's own; call it otherwise.";
    for endpoint in &metadata.endpoints {
        let is_for_principal =
            metadata.subordinate && endpoint.role == Role::Requires && endpoint.scope == Scope::Container;
        if is_reserved(&endpoint.name) && !is_for_principal {
            let text = format!(
                "the charm {} may have no endpoint {}",
                quoted(name.as_str()),
                quoted(&endpoint.name)
            );
            reader.error_at(endpoint.origin, text, hint);
        }
        if endpoint.role != Role::Requires
            && let Some(interface) = &endpoint.interface
            && is_reserved(interface)
        {
            let text = format!(
                "the endpoint {} may not have the interface {} in `{}`",
                quoted(&endpoint.name),
                quoted(interface),
                endpoint.role.section()
            );
            let hint = "Interfaces that start with `juju-` are Juju's own: a charm can only require them.";
            reader.error_at(endpoint.origin, text, hint);
        }
    }
    for action in metadata.actions.iter().filter(|action| is_reserved(&action.name)) {
        reader.error_at(action.origin, format!("{} is reserved", quoted(&action.name)), hint);
    }
}

fn check_extra_bindings(reader: &mut Reader<'_>, metadata: &CharmMetadata) {
    for (name, origin) in &metadata.extra_bindings {
        if metadata.endpoints.iter().any(|endpoint| endpoint.name == *name) {
            let text = format!("{} is an endpoint already, and needs no extra binding", quoted(name));
            reader.error_at(*origin, text, "Remove it from `extra-bindings`.");
        }
    }
}

fn check_containers(reader: &mut Reader<'_>, metadata: &CharmMetadata) {
    for container in &metadata.containers {
        let of = format!("the container {}", quoted(&container.name));
        if let (Some(name), Some(origin)) = (&container.resource, container.resource_origin)
            && !name.is_empty()
        {
            match metadata.resources.iter().find(|resource| resource.name == *name) {
                Some(resource) if resource.kind == ResourceKind::OciImage => {}
                // Its type was wrong, and that is said already.
                Some(resource) if !resource.is_understood => {}
                Some(_) => {
                    let text = format!("{of} names the resource {}, which is no image", quoted(name));
                    reader.error_at(origin, text, "Write `type: oci-image` for the resource.");
                }
                None => {
                    let names = metadata.resources.iter().map(|resource| resource.name.as_str());
                    let text = format!("{of} names the resource {}, which is not declared", quoted(name));
                    let hint = declared("resource", "resources", names);
                    reader.error_at(origin, text, hint);
                }
            }
        }
        for mount in &container.mounts {
            if !metadata.storages.iter().any(|storage| storage.name == mount.storage) {
                let names = metadata.storages.iter().map(|storage| storage.name.as_str());
                let text =
                    format!("{of} mounts the storage {}, which is not declared", quoted(&mount.storage));
                let hint = declared("storage", "storage", names);
                reader.error_at(mount.origin, text, hint);
            }
        }
    }
}

fn declared<'n>(what: &str, section: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.take(5).collect();
    match names.as_slice() {
        [] => format!("Declare it below `{section}:`; the charm has no {what} at all."),
        names => format!(
            "Declare it below `{section}:`, or name one that is there: {}.",
            listed(names.iter().copied())
        ),
    }
}

fn check_subordinate(reader: &mut Reader<'_>, metadata: &CharmMetadata) {
    let Some(origin) = metadata.subordinate_origin.filter(|_| metadata.subordinate) else {
        return;
    };
    let has_principal = metadata
        .endpoints
        .iter()
        .any(|endpoint| endpoint.role == Role::Requires && endpoint.scope == Scope::Container);
    if !has_principal {
        let text = "a subordinate has to require an endpoint with `scope: container`, and this one does not";
        let hint = "Add `scope: container` to the endpoint that relates it to its principal.";
        reader.error_at(origin, text, hint);
    }
}

/// Sections that charmcraft does not take beside the extension of a framework.
const NOT_WITH_EXTENSION: [&str; 3] = ["devices", "extra-bindings", "storage"];

/// Checks that a charm does not declare what its extension declares
/// (`_check_input` of `charmcraft/extensions/app.py`).
pub(super) fn check_extension(reader: &mut Reader<'_>, root: &Node, framework: Framework, added: &Additions) {
    let extension = format!("the extension `{}-framework`", framework.name());
    for key in NOT_WITH_EXTENSION {
        if let Some(entry) = root.entry(key) {
            let text = format!("charmcraft does not take `{key}` together with {extension}");
            reader.error(entry.place, text, format!("Remove `{key}`, or the extension."));
        }
    }
    // These have to be what the extension makes of them, down to the last key;
    // other names cannot be that.
    let names_of = |role: Role| {
        let of_role = added.endpoints.iter().filter(move |endpoint| endpoint.role == role);
        of_role.map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>()
    };
    let whole = [
        ("containers", vec![added.container.name.as_str()]),
        ("resources", vec![added.resource.name.as_str()]),
        ("peers", names_of(Role::Peer)),
    ];
    for (key, names) in whole {
        if let Some(section) = root.entry(key)
            && let Some(foreign) =
                section.value.entries().iter().find(|entry| !names.contains(&entry.key.as_str()))
        {
            let text = format!("charmcraft takes no `{key}` but its own together with {extension}");
            reader.error(foreign.place, text, format!("Remove `{key}`, or the extension."));
        }
    }
    if let Some(assumes) = root.entry("assumes")
        && assumes.value.texts() != [added.assumption.name.as_str()]
    {
        let text = format!("charmcraft takes no `assumes` but its own together with {extension}");
        reader.error(assumes.place, text, "Remove `assumes`, or the extension.");
    }
    let options = root.get("config").and_then(|config| config.get("options"));
    let merged = [
        (root.get("provides"), names_of(Role::Provides)),
        (root.get("requires"), names_of(Role::Requires)),
        (root.get("actions"), added.actions.iter().map(|action| action.name.as_str()).collect()),
        (options, added.options.iter().map(|option| option.name.as_str()).collect()),
    ];
    for (section, names) in merged {
        for entry in section.map_or(&[][..], Node::entries) {
            if names.contains(&entry.key.as_str()) {
                let text = format!("{} is declared by {extension} already", quoted(&entry.key));
                reader.error(entry.place, text, "Remove it, or call it otherwise.");
            }
        }
    }
    for entry in options.map_or(&[][..], Node::entries) {
        let own = format!("{}-", framework.name());
        let taken = ["webserver-", own.as_str()].into_iter().find(|prefix| entry.key.starts_with(prefix));
        if let Some(prefix) = taken
            && !added.options.iter().any(|option| option.name == entry.key)
        {
            let text = format!("options that start with `{prefix}` are for {extension} alone");
            reader.error(entry.place, text, "Call the option otherwise.");
        }
    }
}
