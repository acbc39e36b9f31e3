//! What `juju spaces`, `juju show-space` and `juju subnets` show.

use std::collections::BTreeMap;

use serde::Serialize;

/// All spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpaceListView {
    /// The spaces.
    pub spaces: Vec<SpaceView>,
}

/// A space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpaceView {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its networks, by address.
    pub subnets: BTreeMap<String, SpaceSubnetView>,
}

/// A network of a space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpaceSubnetView {
    /// `ipv4` or `ipv6`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the cloud calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// `in-use` or `terminating`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Where it is.
    pub zones: Vec<String>,
}

/// Writes `juju spaces`. Other than in Juju's other tables, lines are padded to their end, and an
/// empty one follows.
pub fn write_spaces(list: &SpaceListView) -> String {
    let mut rows = vec![["Name", "Space ID", "Subnets"]];
    for space in &list.spaces {
        let mut subnets = space.subnets.keys();
        let first = subnets.next().map_or("", String::as_str);
        rows.push([&space.name, &space.id, first]);
        rows.extend(subnets.map(|subnet| ["", "", subnet.as_str()]));
    }
    rows.push([""; 3]);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    rows.iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            cells.join("  ") + "\n"
        })
        .collect()
}

/// A space in full, as `juju show-space` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpaceDetailsView {
    /// The space.
    pub space: SpaceFactsView,
    /// The applications that are bound to it.
    pub applications: Vec<String>,
    /// How many machines are in it.
    pub machine_count: u64,
}

/// What is known of a space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpaceFactsView {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its networks.
    pub subnets: Vec<SubnetFactsView>,
}

/// What is known of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SubnetFactsView {
    /// Its address.
    pub cidr: String,
    /// What the cloud calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// The number of the virtual network.
    pub vlan_tag: u64,
    /// Where it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
}

/// All networks of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SubnetListView {
    /// The networks, by address.
    pub subnets: BTreeMap<String, SubnetView>,
}

/// A network of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SubnetView {
    /// `ipv4` or `ipv6`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the cloud calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// `in-use` or `terminating`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The space that it is in.
    pub space: String,
    /// Where it is.
    pub zones: Vec<String>,
}
