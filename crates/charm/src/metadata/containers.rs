//! Containers with a workload, beside the charm in its pod.
//!
//! What Juju takes is in `parseContainers` of juju/charm v12 `meta.go`. That a
//! container names resources and storage that exist is checked by
//! [`super::checks`], when all files are read.

use super::reader::{Reader, quoted};
use super::{Base, Origin};
use crate::yaml::{Entry, Node};

/// The range of users and groups that Juju keeps for itself.
const RESERVED_IDS: std::ops::Range<i64> = 1000..10_000;

/// Storage mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The name of the storage.
    pub storage: String,
    /// The directory in the container. A storage may be mounted several times.
    pub location: Option<String>,
    /// Where it is declared.
    pub origin: Origin,
}

/// A container of a charm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The name, which its hooks start with.
    pub name: String,
    /// The resource with its image.
    pub resource: Option<String>,
    /// The bases of its image, where no resource is named.
    pub bases: Vec<Base>,
    /// The storage in it.
    pub mounts: Vec<Mount>,
    /// The user that its processes run as.
    pub uid: Option<i64>,
    /// The group that its processes run as.
    pub gid: Option<i64>,
    /// Where it is declared.
    pub origin: Origin,
    /// Where it names its resource.
    pub(super) resource_origin: Option<Origin>,
}

const KEYS: [&str; 5] = ["resource", "bases", "mounts", "uid", "gid"];
const MOUNT_KEYS: [&str; 2] = ["storage", "location"];

/// Reads `containers`.
pub(super) fn read(reader: &mut Reader<'_>, root: &Node) -> Vec<Container> {
    reader.section(root, "containers").iter().map(|entry| container(reader, entry)).collect()
}

fn container(reader: &mut Reader<'_>, entry: &Entry) -> Container {
    let of = format!("the container {}", quoted(&entry.key));
    let mut container = Container {
        name: entry.key.clone(),
        resource: None,
        bases: Vec::new(),
        mounts: Vec::new(),
        uid: None,
        gid: None,
        origin: reader.origin(entry.place),
        resource_origin: None,
    };
    let Some(fields) = reader.mapping(entry, &of) else {
        return container;
    };
    reader.misspelt(fields, &KEYS, &of);
    container.resource = reader.text(fields, "resource", &of);
    container.resource_origin = fields.get("resource").map(|node| reader.origin(node.place));
    container.bases = bases(fields);
    for item in reader.list(fields, "mounts", &of) {
        mounts(reader, item, &of, &mut container.mounts);
    }
    container.uid = id(reader, fields, "uid", &of);
    container.gid = id(reader, fields, "gid", &of);
    container
}

fn bases(fields: &Node) -> Vec<Base> {
    let items = fields.get("bases").map_or(&[][..], Node::items);
    let text = |item: &Node, key: &str| item.get(key).and_then(Node::text).map(str::to_owned);
    items
        .iter()
        .filter_map(|item| format!("{}@{}", text(item, "name")?, text(item, "channel")?).parse().ok())
        .collect()
}

fn mounts(reader: &mut Reader<'_>, item: &Node, of: &str, mounts: &mut Vec<Mount>) {
    let of = format!("a mount of {of}");
    let entry = Entry { key: "mounts".to_owned(), place: item.place, value: item.clone() };
    let Some(fields) = reader.mapping(&entry, &of) else {
        return;
    };
    reader.misspelt(fields, &MOUNT_KEYS, &of);
    for key in MOUNT_KEYS {
        if fields.get(key).is_none_or(|node| node.text() == Some("")) {
            let hint =
                "A mount has the name of a storage and a directory: `{storage: data, location: /data}`.";
            reader.error(item.place, format!("{of} has no `{key}`"), hint);
        }
    }
    let storage = reader.text(fields, "storage", &of);
    // Each directory is a mount of its own; Juju has no list of them.
    let location = reader.text(fields, "location", &of);
    let origin = reader.origin(fields.get("storage").unwrap_or(item).place);
    if let Some(storage) = storage.filter(|name| !name.is_empty()) {
        mounts.push(Mount { storage, location, origin });
    }
}

fn id(reader: &mut Reader<'_>, fields: &Node, key: &str, of: &str) -> Option<i64> {
    let node = fields.get(key)?;
    let id = reader.whole(fields, key, of)?;
    if RESERVED_IDS.contains(&id) {
        let text = format!("`{key}` of {of} is {id}, and Juju keeps 1000 to 9999 for itself");
        reader.error(node.place, text, "Take a number below 1000, or from 10000 on.");
    }
    Some(id)
}
