//! What `juju clouds`, `juju show-cloud`, `juju credentials` and `juju show-credential` show.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::document::{InOrder, either, in_one_line, only_json, only_yaml, to_yaml};
use super::table::Table;

/// A cloud. `juju clouds` prints a map of these, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudView {
    /// Who knows it: `public`, `built-in` or `local`.
    pub defined: String,
    /// Its kind, `lxd` or `kubernetes`.
    pub kind: String,
    /// What it is.
    pub description: String,
    /// How one may prove who one is.
    pub auth_types: Vec<String>,
    /// Its address.
    pub endpoint: String,
    /// The address of who knows users.
    pub identity_endpoint: String,
    /// The address of its storage.
    pub storage_endpoint: String,
    /// The region that is used if none is named.
    pub default_region: String,
    /// How many credentials there are for it.
    pub credential_count: u64,
    /// Its regions, in their own order.
    pub regions: Vec<(String, RegionView)>,
    /// Its settings.
    pub config: BTreeMap<String, Value>,
    /// The certificates of who signs for it.
    pub ca_certificates: Vec<String>,
    /// Who may use it, by name.
    pub users: BTreeMap<String, CloudUserView>,
    /// Whether its certificate does not matter.
    pub skips_tls_verify: bool,
}

/// A region of a cloud; addresses only if they differ from those of the cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegionView {
    /// Its address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The address of who knows users.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub identity_endpoint: String,
    /// The address of its storage.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub storage_endpoint: String,
}

/// Who may use a cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CloudUserView {
    /// The name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// `admin` or `add-model`.
    pub access: String,
}

/// Regions: a map in JSON, and in YAML one that keeps its order.
#[derive(Clone, Copy)]
struct Regions<'a>(&'a [(String, RegionView)]);

impl Regions<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Regions<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted: BTreeMap<&String, &RegionView> =
            self.0.iter().map(|(name, region)| (name, region)).collect();
        either(serializer, &sorted, &InOrder(self.0))
    }
}

/// What is printed of a cloud, with its name and what is said of it before, if that is wanted.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Printed<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    defined: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty", serialize_with = "in_one_line")]
    auth_types: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    endpoint: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    identity_endpoint: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    storage_endpoint: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    default_region: &'a str,
    #[serde(skip_serializing_if = "super::is_zero")]
    credential_count: u64,
    #[serde(skip_serializing_if = "Regions::is_empty")]
    regions: Regions<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    config: &'a BTreeMap<String, Value>,
    #[serde(rename = "ca-credentials", skip_serializing_if = "<[String]>::is_empty")]
    ca_certificates: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    users: &'a BTreeMap<String, CloudUserView>,
    #[serde(rename = "skip-tls-verify", skip_serializing_if = "super::is_false")]
    skips_tls_verify: bool,
}

impl CloudView {
    fn printed<'a>(&'a self, name: &'a str, summary: &'a str) -> Printed<'a> {
        Printed {
            name,
            summary,
            defined: &self.defined,
            kind: self.shown_kind(),
            description: &self.description,
            auth_types: &self.auth_types,
            endpoint: &self.endpoint,
            identity_endpoint: &self.identity_endpoint,
            storage_endpoint: &self.storage_endpoint,
            default_region: &self.default_region,
            credential_count: self.credential_count,
            regions: Regions(&self.regions),
            config: &self.config,
            ca_certificates: &self.ca_certificates,
            users: &self.users,
            skips_tls_verify: self.skips_tls_verify,
        }
    }

    /// People say `k8s`.
    fn shown_kind(&self) -> &str {
        if self.kind == "kubernetes" { "k8s" } else { &self.kind }
    }
}

impl Serialize for CloudView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.printed("", "").serialize(serializer)
    }
}

/// A cloud with its name, as `juju show-cloud --format json` prints a list of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedCloudView {
    /// Its name.
    pub name: String,
    /// Whose it is: `Client cloud "NAME"`, `Cloud "NAME" from controller "NAME"`.
    pub summary: String,
    /// The cloud.
    pub cloud: CloudView,
}

impl Serialize for NamedCloudView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.cloud.printed(&self.name, &self.summary).serialize(serializer)
    }
}

/// Writes `juju show-cloud` for people.
pub fn write_clouds(clouds: &[NamedCloudView]) -> String {
    let end = if clouds.len() > 1 { "\n" } else { "" };
    let mut text = String::new();
    for named in clouds {
        let details = named.cloud.printed("", "");
        text += &format!("{}:\n\n{}{end}", named.summary, to_yaml(&details));
    }
    text
}

/// Writes `juju show-cloud --format yaml`.
pub fn write_clouds_in_yaml(clouds: &[NamedCloudView]) -> String {
    let end = if clouds.len() > 1 { "---\n" } else { "" };
    clouds.iter().map(|named| to_yaml(named) + end).collect()
}

/// The regions of a cloud, as `juju regions` prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundRegionsView {
    /// Those that the client knows.
    pub of_client: Vec<(String, RegionView)>,
    /// Those that the controller knows.
    pub of_controller: Vec<(String, RegionView)>,
}

impl Serialize for FoundRegionsView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            #[serde(skip_serializing_if = "Regions::is_empty")]
            client_cloud_regions: Regions<'a>,
            #[serde(skip_serializing_if = "Regions::is_empty")]
            controller_cloud_regions: Regions<'a>,
        }
        let printed = Printed {
            client_cloud_regions: Regions(&self.of_client),
            controller_cloud_regions: Regions(&self.of_controller),
        };
        printed.serialize(serializer)
    }
}

/// Writes `juju regions`.
pub fn write_regions(regions: &FoundRegionsView) -> String {
    let mut table = Table::new(false);
    if !regions.of_client.is_empty() {
        table.text("\nClient Cloud Regions\n");
        for (name, _) in &regions.of_client {
            table.text(&format!("{name}\n"));
        }
    }
    if !regions.of_controller.is_empty() {
        table.text("\nController Cloud Regions\n");
        for (name, _) in &regions.of_controller {
            table.cell(name).text("\n");
        }
    }
    table.finish()
}

/// Writes `juju clouds`: those of the controller, and those that the client knows.
pub fn write_list(
    of_controller: &BTreeMap<String, CloudView>,
    of_client: &BTreeMap<String, CloudView>,
) -> String {
    let mut table = Table::new(false);
    let row = |table: &mut Table, name: &str, cloud: &CloudView| {
        let first = cloud.regions.first().map_or("", |(name, _)| name.as_str());
        let region = if cloud.default_region.is_empty() { first } else { &cloud.default_region };
        table.cell(name).cell(&cloud.regions.len().to_string()).cell(region).cell(cloud.shown_kind());
    };
    if !of_controller.is_empty() {
        table.text("\nClouds available on the controller:\n").line(&["Cloud", "Regions", "Default", "Type"]);
        for (name, cloud) in of_controller {
            row(&mut table, name, cloud);
            table.text("\n");
        }
    }
    if !of_client.is_empty() {
        if of_controller.is_empty() {
            table.text("You can bootstrap a new controller using one of these clouds...\n");
        }
        table.text("\nClouds available on the client:\n");
        table.line(&["Cloud", "Regions", "Default", "Type", "Credentials", "Source", "Description"]);
        for (name, cloud) in of_client {
            row(&mut table, name, cloud);
            let description: String = if cloud.description.chars().count() > 40 {
                cloud.description.chars().take(39).collect()
            } else {
                cloud.description.clone()
            };
            table.line(&[&cloud.credential_count.to_string(), &cloud.defined, &description]);
        }
    }
    table.finish()
}

/// All credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CredentialListView {
    /// Those that the client has, by cloud.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub client_credentials: BTreeMap<String, CloudCredentialsView>,
    /// Those that the controller has, by cloud.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub controller_credentials: BTreeMap<String, CloudCredentialsView>,
}

/// The credentials for a cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudCredentialsView {
    /// The one that is used if none is named.
    pub default_credential: String,
    /// The region that is used if none is named.
    pub default_region: String,
    /// Credentials, by name.
    pub credentials: BTreeMap<String, CredentialView>,
}

impl Serialize for CloudCredentialsView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            #[serde(skip_serializing_if = "str::is_empty")]
            default_credential: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            default_region: &'a str,
            #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "only_json")]
            cloud_credentials: &'a BTreeMap<String, CredentialView>,
            #[serde(rename = "$inlined", serialize_with = "only_yaml")]
            inlined: &'a BTreeMap<String, CredentialView>,
        }
        let printed = Printed {
            default_credential: &self.default_credential,
            default_region: &self.default_region,
            cloud_credentials: &self.credentials,
            inlined: &self.credentials,
        };
        printed.serialize(serializer)
    }
}

/// A credential; what is secret in it is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialView {
    /// How it proves who one is.
    pub auth_type: String,
    /// What it consists of.
    pub attributes: BTreeMap<String, String>,
    /// Whether it is valid no more.
    pub is_revoked: bool,
    /// The name for people.
    pub label: String,
}

impl Serialize for CredentialView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            auth_type: &'a str,
            #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "only_json")]
            details: &'a BTreeMap<String, String>,
            #[serde(skip_serializing_if = "super::is_false")]
            revoked: bool,
            #[serde(skip_serializing_if = "str::is_empty")]
            label: &'a str,
            #[serde(rename = "$inlined", serialize_with = "only_yaml")]
            inlined: &'a BTreeMap<String, String>,
        }
        let printed = Printed {
            auth_type: &self.auth_type,
            details: &self.attributes,
            revoked: self.is_revoked,
            label: &self.label,
            inlined: &self.attributes,
        };
        printed.serialize(serializer)
    }
}

/// Writes `juju credentials`; `is_client_only` if those of a controller were not asked for.
pub fn write_credentials(credentials: &CredentialListView, is_client_only: bool) -> String {
    let mut table = Table::new(false);
    if is_client_only && credentials.client_credentials.is_empty() {
        table.text("No credentials from this client to display.\n");
    } else if !is_client_only && credentials.controller_credentials.is_empty() {
        table.text("No credentials from any controller to display.\n");
    }
    let groups =
        [("Controller", &credentials.controller_credentials), ("Client", &credentials.client_credentials)];
    for (whose, group) in groups.into_iter().filter(|(_, group)| !group.is_empty()) {
        table.text(&format!("\n{whose} Credentials:\n")).line(&["Cloud", "Credentials"]);
        for (cloud, credentials) in group {
            let (default, others): (Vec<&String>, Vec<&String>) =
                credentials.credentials.keys().partition(|name| **name == credentials.default_credential);
            let names = default.into_iter().map(|name| format!("{name}*")).chain(others.into_iter().cloned());
            let names: Vec<String> = names.collect();
            if names.is_empty() {
                table.line(&[&format!("No credentials to display for cloud {cloud}")]);
            } else {
                table.line(&[cloud, &names.join(", ")]);
            }
        }
    }
    table.finish()
}

/// Credentials in full, as `juju show-credential` prints them, in YAML alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CredentialDetailsListView {
    /// Those that the controller has, by cloud and name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub controller_credentials: BTreeMap<String, BTreeMap<String, CredentialDetailsView>>,
    /// Those that the client has, by cloud and name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub client_credentials: BTreeMap<String, BTreeMap<String, CredentialDetailsView>>,
}

/// A credential in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CredentialDetailsView {
    /// What it consists of.
    pub content: CredentialContentView,
    /// What its user may do in which model.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, String>,
}

/// What a credential consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CredentialContentView {
    /// How it proves who one is.
    pub auth_type: String,
    /// Whether the cloud takes it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub validity_check: String,
    /// The rest.
    #[serde(rename = "$inlined")]
    pub attributes: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credentials_are_said_to_be_none() {
        let none = CredentialListView::default();
        assert_eq!(write_credentials(&none, true), "No credentials from this client to display.\n");
        assert_eq!(write_credentials(&none, false), "No credentials from any controller to display.\n");
        assert_eq!(super::super::to_json(&none), "{}\n");
    }
}
