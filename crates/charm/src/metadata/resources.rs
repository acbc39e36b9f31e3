//! Resources: files and images that are deployed beside a charm.
//!
//! What Juju takes is in juju/charm v12 `resources.go` and `resource/meta.go`.

use super::Origin;
use super::reader::{Reader, quoted};
use crate::yaml::{Entry, Node};

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A file that units fetch.
    File,
    /// The image of a container.
    OciImage,
}

/// A resource of a charm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: ResourceKind,
    /// What the file is called on the unit.
    pub filename: Option<String>,
    /// Where the image comes from. Juju knows nothing of it; test suites do.
    pub upstream_source: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where it is declared.
    pub origin: Origin,
    /// Whether its type could be read.
    pub(super) is_understood: bool,
}

const KEYS: [&str; 5] = ["type", "filename", "description", "upstream-source", "auto-fetch"];

/// Reads `resources`.
pub(super) fn read(reader: &mut Reader<'_>, root: &Node) -> Vec<Resource> {
    reader.section(root, "resources").iter().map(|entry| resource(reader, entry)).collect()
}

fn resource(reader: &mut Reader<'_>, entry: &Entry) -> Resource {
    let of = format!("the resource {}", quoted(&entry.key));
    let mut resource = Resource {
        name: entry.key.clone(),
        kind: ResourceKind::File,
        filename: None,
        upstream_source: None,
        description: None,
        origin: reader.origin(entry.place),
        is_understood: false,
    };
    let Some(fields) = reader.mapping(entry, &of) else {
        return resource;
    };
    reader.misspelt(fields, &KEYS, &of);
    resource.filename = reader.text(fields, "filename", &of);
    resource.description = reader.text(fields, "description", &of);
    resource.upstream_source = fields.get("upstream-source").and_then(Node::text).map(str::to_owned);
    // Without a type it is a file.
    let Some(kind) = (match fields.get("type") {
        None => Some(ResourceKind::File),
        Some(node) => kind(reader, node, fields, &of),
    }) else {
        return resource;
    };
    resource.kind = kind;
    resource.is_understood = true;
    if kind == ResourceKind::File {
        check_filename(reader, entry, fields, &resource, &of);
    }
    resource
}

fn kind(reader: &mut Reader<'_>, node: &Node, fields: &Node, of: &str) -> Option<ResourceKind> {
    match reader.text(fields, "type", of)?.as_str() {
        "file" => Some(ResourceKind::File),
        "oci-image" => Some(ResourceKind::OciImage),
        other => {
            let text = format!("`type` of {of} is {}, which is no type of resource", quoted(other));
            reader.error(node.place, text, "Write `file` or `oci-image`.");
            None
        }
    }
}

fn check_filename(reader: &mut Reader<'_>, entry: &Entry, fields: &Node, resource: &Resource, of: &str) {
    match (fields.get("filename"), resource.filename.as_deref()) {
        (None, _) => {
            let hint = "Add `filename: <name>`, or `type: oci-image` if it is an image.";
            reader.error(entry.place, format!("{of} is a file without a `filename`"), hint);
        }
        (Some(node), Some("")) => {
            let hint = "Write what the file is to be called on the unit.";
            reader.error(node.place, format!("`filename` of {of} is empty"), hint);
        }
        (Some(node), Some(name)) if name.contains('/') => {
            let hint = "Write a name without directories.";
            reader.error(node.place, format!("`filename` of {of} has a `/` in it"), hint);
        }
        (Some(_), _) => {}
    }
}
