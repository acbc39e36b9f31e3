//! What `juju export-bundle` shows.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::document::to_yaml;

/// A model as a bundle.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BundleView {
    /// `kubernetes`, and nothing for machines.
    #[serde(rename = "bundle", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `ubuntu@24.04/stable`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub default_base: String,
    /// Applications of other models, by the name they have here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub saas: BTreeMap<String, BundleSaasView>,
    /// Applications, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub applications: BTreeMap<String, BundleApplicationView>,
    /// Machines, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub machines: BTreeMap<String, BundleMachineView>,
    /// Integrations, as pairs of endpoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<[String; 2]>,
}

/// An application of another model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BundleSaasView {
    /// Where it is offered.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// An application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BundleApplicationView {
    /// The charm's name, or `local:NAME-REVISION`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub charm: String,
    /// The channel that it follows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// The charm's revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The base, if it is not the default one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// Its resources, a revision or a name each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, Value>,
    /// How many units it has on machines.
    #[serde(rename = "num_units", skip_serializing_if = "super::is_zero")]
    pub num_units: u64,
    /// How many units it has on Kubernetes.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub scale: u64,
    /// The machines of its units.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Whether its ports are reached from outside.
    #[serde(skip_serializing_if = "super::is_false")]
    pub expose: bool,
    /// Options that were set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Value>,
    /// What other programs keep with it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What is asked of its machines.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub constraints: String,
    /// Its storage: `rootfs,1,1024M`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<String, String>,
    /// The space of each endpoint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bindings: BTreeMap<String, String>,
    /// Whether it may use the cloud.
    #[serde(skip_serializing_if = "super::is_false")]
    pub trust: bool,
}

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BundleMachineView {
    /// What is asked of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub constraints: String,
    /// What other programs keep with it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The base, if it is not the default one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub base: String,
}

/// What only an overlay may have: offers, and who reaches which endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OverlayView {
    /// Applications, by name.
    pub applications: BTreeMap<String, OverlayApplicationView>,
}

/// An application of an overlay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OverlayApplicationView {
    /// Who may reach which endpoint; the empty name stands for all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed_endpoints: BTreeMap<String, super::application::ExposedEndpointView>,
    /// Its offers, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub offers: BTreeMap<String, BundleOfferView>,
}

/// An offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BundleOfferView {
    /// The endpoints that are offered.
    pub endpoints: Vec<String>,
    /// Who may do what with it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub acl: BTreeMap<String, String>,
}

/// Writes `juju export-bundle`: the bundle, and an overlay if it has something.
pub fn write(bundle: &BundleView, overlay: &OverlayView) -> String {
    let text = to_yaml(bundle);
    if overlay.applications.is_empty() {
        return text;
    }
    format!("{text}--- # overlay.yaml\n{}", to_yaml(overlay))
}
