//! What `juju resources` shows.

use jiff::Timestamp;
use serde::Serialize;

use super::document::{only_yaml, time};
use super::table::Table;

/// The resources of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResourceListView {
    /// What it has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceView>,
    /// What is newer in the store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<StoreResourceView>,
}

/// A resource of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceView {
    /// `APPLICATION/NAME`.
    pub id: String,
    /// The application.
    pub application: String,
    /// Its name.
    pub name: String,
    /// `file` or `oci-image`.
    pub kind: String,
    /// The name of the file.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Its revision, if it is from the store.
    pub revision: Option<u64>,
    /// The checksum of its content.
    pub fingerprint: String,
    /// How large it is.
    pub size_bytes: u64,
    /// `upload` or `store`.
    pub origin: String,
    /// When it came; nothing if it has not.
    pub timestamp: Option<Timestamp>,
    /// Who brought it.
    pub username: String,
}

impl ResourceView {
    /// The revision in the store, or the minute of the upload.
    fn shown_revision(&self) -> String {
        let shown = match self.origin.as_str() {
            "store" => self.revision.map(|revision| revision.to_string()),
            "upload" => self.timestamp.map(|at| at.strftime("%Y-%m-%dT%H:%M").to_string()),
            _ => None,
        };
        shown.unwrap_or_else(|| "-".to_owned())
    }

    /// Who uploaded it, or where it is from.
    fn shown_origin(&self) -> &str {
        let is_by_someone = self.origin == "upload" && self.timestamp.is_some() && !self.username.is_empty();
        if is_by_someone { &self.username } else { &self.origin }
    }
}

impl Serialize for ResourceView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// What the table shows is in YAML as well.
        #[derive(Serialize)]
        struct Printed<'a> {
            #[serde(rename = "resourceid", skip_serializing_if = "str::is_empty")]
            id: &'a str,
            #[serde(rename = "applicationId", skip_serializing_if = "str::is_empty")]
            application: &'a str,
            name: &'a str,
            #[serde(rename = "type")]
            kind: &'a str,
            path: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            description: &'a str,
            revision: String,
            fingerprint: &'a str,
            size: u64,
            origin: &'a str,
            used: bool,
            #[serde(serialize_with = "time")]
            timestamp: Timestamp,
            #[serde(skip_serializing_if = "str::is_empty")]
            username: &'a str,
            #[serde(rename = "combinedrevision", serialize_with = "only_yaml")]
            combined_revision: String,
            #[serde(rename = "usedyesno", serialize_with = "only_yaml")]
            used_yes_no: &'a str,
            #[serde(rename = "combinedorigin", serialize_with = "only_yaml")]
            combined_origin: &'a str,
        }
        let is_used = self.timestamp.is_some();
        let first_of_all = Timestamp::from_second(-62_135_596_800).unwrap_or(Timestamp::MIN);
        let printed = Printed {
            id: &self.id,
            application: &self.application,
            name: &self.name,
            kind: &self.kind,
            path: &self.path,
            description: &self.description,
            revision: self.revision.map_or_else(|| "-".to_owned(), |revision| revision.to_string()),
            fingerprint: &self.fingerprint,
            size: self.size_bytes,
            origin: &self.origin,
            used: is_used,
            // What has not come came, for Go, at the first of all times.
            timestamp: self.timestamp.unwrap_or(first_of_all),
            username: &self.username,
            combined_revision: self.shown_revision(),
            used_yes_no: if is_used { "yes" } else { "no" },
            combined_origin: self.shown_origin(),
        };
        printed.serialize(serializer)
    }
}

/// A resource in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreResourceView {
    /// Its name.
    pub name: String,
    /// `file` or `oci-image`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of the file.
    pub path: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its revision.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub revision: u64,
    /// The checksum of its content.
    pub fingerprint: String,
    /// How large it is.
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// `store`.
    pub origin: String,
}

/// Writes `juju charm-resources`.
pub fn write_store_list(resources: &[StoreResourceView]) -> String {
    let mut table = Table::new(false);
    write_in_store(&mut table, resources);
    table.finish()
}

fn write_in_store(table: &mut Table, resources: &[StoreResourceView]) {
    table.line(&["Resource", "Revision"]);
    let mut resources: Vec<&StoreResourceView> = resources.iter().collect();
    resources.sort_by(|one, other| one.name.cmp(&other.name));
    for resource in resources {
        table.line(&[&resource.name, &resource.revision.to_string()]);
    }
}

/// Writes `juju resources APPLICATION`.
pub fn write_list(list: &ResourceListView) -> String {
    let mut table = Table::new(false);
    table.line(&["Resource", "Supplied by", "Revision"]);
    for resource in by_name(&list.resources) {
        table.line(&[&resource.name, resource.shown_origin(), &resource.shown_revision()]);
    }
    if !list.updates.is_empty() {
        table.text("\n").line(&["[Updates Available]"]);
        write_in_store(&mut table, &list.updates);
    }
    table.finish()
}

/// Writes `juju resources UNIT`.
pub fn write_unit_list(resources: &[ResourceView]) -> String {
    let mut table = Table::new(false);
    table.line(&["Resource", "Revision"]);
    for resource in by_name(resources) {
        table.line(&[&resource.name, &resource.shown_revision()]);
    }
    table.finish()
}

fn by_name(resources: &[ResourceView]) -> Vec<&ResourceView> {
    let mut resources: Vec<&ResourceView> = resources.iter().collect();
    resources.sort_by(|one, other| one.name.cmp(&other.name));
    resources
}
