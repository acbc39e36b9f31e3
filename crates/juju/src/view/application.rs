//! What `juju show-application` shows: a map of applications by name.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::unless_empty_in_yaml;
use crate::values::constraints::Constraints;

/// An application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApplicationDetailsView {
    /// The charm's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub charm: String,
    /// `ubuntu@24.04`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// The channel that it follows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// What is asked of its machines.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub constraints: Constraints,
    /// Whether it is no subordinate.
    pub principal: bool,
    /// Whether its ports are reached from outside.
    pub exposed: bool,
    /// Who may reach which endpoint; the empty name stands for all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed_endpoints: BTreeMap<String, ExposedEndpointView>,
    /// Whether it is in another model.
    pub remote: bool,
    /// `alive`, `dying` or `dead`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    /// The space of each endpoint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoint_bindings: BTreeMap<String, String>,
}

/// Who may reach an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExposedEndpointView {
    /// Those in these spaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose_to_spaces: Vec<String>,
    /// Those with these addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose_to_cidrs: Vec<String>,
}
