//! What `juju show-unit` shows: a map of units by name.

use std::collections::BTreeMap;

use serde::Serialize;

/// A unit and what its integrations hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnitDetailsView {
    /// The version of the workload.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workload_version: String,
    /// The machine that it is on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// Its open ports.
    pub opened_ports: Vec<String>,
    /// The address of its machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub public_address: String,
    /// The URL of its charm: `local:NAME-REVISION`, `ch:amd64/NAME-REVISION`.
    pub charm: String,
    /// Whether it leads its application.
    pub leader: bool,
    /// `alive`, `dying` or `dead`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    /// Its integrations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relation_info: Vec<RelationDataView>,
    /// The name of its pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// The address of its pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
}

/// An integration as a unit sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelationDataView {
    /// The number of the integration.
    pub relation_id: u64,
    /// The unit's own endpoint.
    pub endpoint: String,
    /// Whether the other side is in another model.
    pub is_cross_model: bool,
    /// The endpoint of the other side.
    pub related_endpoint: String,
    /// What the application on the other side set.
    pub application_data: BTreeMap<String, String>,
    /// What the unit itself set; none if only applications are asked for (`--app`), or if it
    /// is not there yet.
    pub local_unit: Option<UnitDataView>,
    /// What the units of the other side set.
    pub related_units: BTreeMap<String, UnitDataView>,
}

/// What a unit set in an integration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnitDataView {
    /// Whether it has entered the integration.
    pub in_scope: bool,
    /// What it set.
    pub data: BTreeMap<String, String>,
}

impl Serialize for RelationDataView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// A local unit that is not there is left out of YAML; JSON has it as null data.
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            relation_id: u64,
            endpoint: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            cross_model: Option<bool>,
            related_endpoint: &'a str,
            application_data: &'a BTreeMap<String, String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            local_unit: Option<&'a UnitDataView>,
            #[serde(
                rename = "local-unit",
                skip_serializing_if = "Option::is_none",
                serialize_with = "super::document::only_json"
            )]
            no_local_unit: Option<NoUnitData>,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            related_units: &'a BTreeMap<String, UnitDataView>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct NoUnitData {
            in_scope: bool,
            data: (),
        }
        let no_local_unit =
            if self.local_unit.is_none() { Some(NoUnitData { in_scope: false, data: () }) } else { None };
        let printed = Printed {
            relation_id: self.relation_id,
            endpoint: &self.endpoint,
            cross_model: self.is_cross_model.then_some(true),
            related_endpoint: &self.related_endpoint,
            application_data: &self.application_data,
            local_unit: self.local_unit.as_ref(),
            no_local_unit,
            related_units: &self.related_units,
        };
        printed.serialize(serializer)
    }
}
