//! Endpoints: `provides`, `requires` and `peers`.
//!
//! What Juju takes is in `ifaceExpander` of juju/charm v12 `meta.go`, what it
//! refuses afterwards in `Meta.Check`.

use super::Origin;
use super::reader::{Reader, quoted};
use crate::yaml::{Entry, Node};

/// On which side of a relation an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It offers the interface.
    Provides,
    /// It asks for the interface.
    Requires,
    /// It joins the units of the application itself.
    Peer,
}

impl Role {
    /// All roles, in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Provides, Self::Requires, Self::Peer];

    /// The section of a charm's files that declares such endpoints.
    pub fn section(self) -> &'static str {
        match self {
            Self::Provides => "provides",
            Self::Requires => "requires",
            Self::Peer => "peers",
        }
    }
}

/// Which units of the other application a unit sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of them.
    Global,
    /// The one on its own machine: a subordinate and its principal.
    Container,
}

/// An endpoint of a charm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The name, which its hooks start with.
    pub name: String,
    /// On which side it is.
    pub role: Role,
    /// The interface that it speaks; nothing if the file fails to say so.
    pub interface: Option<String>,
    /// How many relations it may have; nothing if there is no limit.
    pub limit: Option<u32>,
    /// Whether the charm works without a relation, as its author says. Juju
    /// keeps it and makes no use of it.
    pub optional: bool,
    /// Which units it sees.
    pub scope: Scope,
    /// Where it is declared.
    pub origin: Origin,
}

const KEYS: [&str; 4] = ["interface", "limit", "scope", "optional"];

/// Reads the endpoints of one role.
pub(super) fn read(reader: &mut Reader<'_>, root: &Node, role: Role) -> Vec<Endpoint> {
    reader.section(root, role.section()).iter().map(|entry| endpoint(reader, entry, role)).collect()
}

fn endpoint(reader: &mut Reader<'_>, entry: &Entry, role: Role) -> Endpoint {
    let of = format!("the endpoint {}", quoted(&entry.key));
    let mut endpoint = Endpoint {
        name: entry.key.clone(),
        role,
        interface: None,
        limit: None,
        optional: false,
        scope: Scope::Global,
        origin: reader.origin(entry.place),
    };
    // `db: mysql` is short for `db: {interface: mysql}`.
    if let Some(interface) = super::scalar::as_text(&entry.value) {
        endpoint.interface = Some(interface.to_owned());
        return endpoint;
    }
    let Some(fields) = reader.mapping(entry, &of) else {
        return endpoint;
    };
    reader.misspelt(fields, &KEYS, &of);
    endpoint.interface = reader.text(fields, "interface", &of);
    if fields.get("interface").is_none() {
        let hint = "Add the name of the interface: `interface: <name>`.";
        reader.error(entry.place, format!("{of} has no `interface`"), hint);
    }
    endpoint.limit = limit(reader, fields, &of);
    endpoint.optional = reader.boolean(fields, "optional", &of);
    endpoint.scope = scope(reader, fields, &of);
    endpoint
}

fn limit(reader: &mut Reader<'_>, fields: &Node, of: &str) -> Option<u32> {
    let node = fields.get("limit")?;
    // Juju takes a limit that is null, and 0, for no limit.
    if super::scalar::is_null(node) {
        return None;
    }
    let limit = reader.whole(fields, "limit", of)?;
    if limit < 0 {
        let hint = "Leave `limit` away if there is none.";
        reader.remark(node.place, format!("`limit` of {of} is {limit}, which no relation can meet"), hint);
    }
    u32::try_from(limit).ok().filter(|limit| *limit > 0)
}

fn scope(reader: &mut Reader<'_>, fields: &Node, of: &str) -> Scope {
    let Some(entry) = fields.entry("scope") else {
        return Scope::Global;
    };
    match entry.value.text() {
        Some("global") => Scope::Global,
        Some("container") => Scope::Container,
        Some(other) => {
            let text = format!("`scope` of {of} is {}, which is no scope", quoted(other));
            reader.error(entry.value.place, text, "Write `global` or `container`.");
            Scope::Global
        }
        None => {
            reader.wrong(entry, &format!("`scope` of {of}"), "`global` or `container`");
            Scope::Global
        }
    }
}
