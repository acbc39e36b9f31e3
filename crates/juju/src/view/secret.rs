//! What `juju secrets` and `juju show-secret` show: maps of secrets by their id.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::document::{optional_time, time};
use super::table::Table;
use super::time::ago;

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SecretView {
    /// Its newest revision.
    pub revision: u64,
    /// The checksum of its content, if that is shown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub checksum: String,
    /// When it is of no use any more.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub expires: Option<Timestamp>,
    /// How often it is to be changed: `daily` and so on, `never` or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rotation: String,
    /// When it is to be changed next.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub rotates: Option<Timestamp>,
    /// An application, a unit, or `<model>` for a user's secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The name of a user's secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The label that a charm gave its secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// When it was made.
    #[serde(serialize_with = "time")]
    pub created: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "time")]
    pub updated: Timestamp,
    /// Why it cannot be shown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// Its content, with `--reveal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<SecretContentView>,
    /// Its revisions, with `--revisions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<SecretRevisionView>,
    /// Who may read it; only `show-secret` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<SecretAccessView>,
}

impl SecretView {
    /// A secret of which no more is known than when it was made.
    pub fn made(at: Timestamp) -> Self {
        Self {
            revision: 1,
            checksum: String::new(),
            expires: None,
            rotation: String::new(),
            rotates: None,
            owner: String::new(),
            description: String::new(),
            name: String::new(),
            label: String::new(),
            created: at,
            updated: at,
            error: String::new(),
            content: None,
            revisions: Vec::new(),
            access: Vec::new(),
        }
    }
}

/// What a secret holds, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretContentView(pub BTreeMap<String, String>);

impl Serialize for SecretContentView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// JSON has the values one level below.
        #[derive(Serialize)]
        struct InJson<'a> {
            #[serde(rename = "Data", skip_serializing_if = "BTreeMap::is_empty")]
            data: &'a BTreeMap<String, String>,
        }
        super::document::either(serializer, &InJson { data: &self.0 }, &self.0)
    }
}

/// A revision of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SecretRevisionView {
    /// Its number.
    pub revision: u64,
    /// Where it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub backend: String,
    /// When it was made.
    #[serde(serialize_with = "time")]
    pub created: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "time")]
    pub updated: Timestamp,
    /// When it is of no use any more.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub expires: Option<Timestamp>,
}

/// Who may read a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SecretAccessView {
    /// `application-NAME` or `unit-NAME-NUMBER`.
    pub target: String,
    /// `model-UUID`, or the integration that it holds for.
    pub scope: String,
    /// `view` or `manage`.
    pub role: String,
}

/// Writes `juju secrets`.
pub fn write_list(secrets: &BTreeMap<String, SecretView>, now: Timestamp) -> String {
    let mut table = Table::new(false);
    table.align_right(4);
    table.line(&["ID", "Name", "Owner", "Rotation", "Revision", "Last updated"]);
    let mut secrets: Vec<(&String, &SecretView)> = secrets.iter().collect();
    secrets.sort_by(|(_, one), (_, other)| {
        one.owner.cmp(&other.owner).then_with(|| other.revision.cmp(&one.revision))
    });
    for (id, secret) in secrets {
        let name = if secret.name.is_empty() { "-" } else { &secret.name };
        table.cell(id).cell(name).cell(&secret.owner).cell(&secret.rotation);
        table.cell(&secret.revision.to_string()).cell(&ago(secret.updated, now)).text("\n");
    }
    table.finish()
}
