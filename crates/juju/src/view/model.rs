//! What `juju show-model` and `juju models` show.

use std::collections::BTreeMap;

use serde::Serialize;

use super::colour::Colour;
use super::table::Table;

/// A model in full. `juju show-model` prints a map of one, by its short name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelDetailsView {
    /// The name with its owner: `admin/model`.
    pub name: String,
    /// The name.
    pub short_name: String,
    /// Its UUID.
    pub model_uuid: String,
    /// `iaas` or `caas`.
    pub model_type: String,
    /// The UUID of its controller.
    pub controller_uuid: String,
    /// The name of its controller.
    pub controller_name: String,
    /// Whether the controller itself is in it.
    pub is_controller: bool,
    /// Who has it.
    pub owner: String,
    /// The cloud that it is in.
    pub cloud: String,
    /// The region of the cloud.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The kind of the cloud, `lxd` or `kubernetes`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub provider_type: String,
    /// `alive`, `dying` or `dead`.
    pub life: String,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ModelStatusView>,
    /// Who may use it, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, ModelUserView>,
    /// Its machines, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub machines: BTreeMap<String, ModelMachineView>,
    /// Where its secrets are, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_backends: BTreeMap<String, SecretBackendView>,
    /// The level of support.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sla: String,
    /// The version of Juju.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent_version: String,
    /// The credential that it is made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<ModelCredentialView>,
    /// What charms may ask it for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supported_features: Vec<SupportedFeatureView>,
}

/// How a model is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelStatusView {
    /// The word for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current: String,
    /// What is said about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Why it is so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// How long ago it became so, as [`ago`](super::time::ago) says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub since: String,
}

/// Who may use a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelUserView {
    /// The name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// `read`, `write` or `admin`.
    pub access: String,
    /// How long ago they were there, or `never connected`.
    pub last_connection: String,
}

/// A machine of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModelMachineView {
    /// How many cores it has.
    pub cores: u64,
}

/// Where secrets are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SecretBackendView {
    /// How many there are.
    pub num_secrets: u64,
    /// Whether they can be read: `active`.
    pub status: String,
    /// What is said about that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The credential of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelCredentialView {
    /// Its name.
    pub name: String,
    /// Who has it.
    pub owner: String,
    /// The cloud it is for.
    pub cloud: String,
    /// Whether the cloud takes it: `valid` or `invalid`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub validity_check: String,
}

/// What charms may ask a model for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SupportedFeatureView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its version, if it has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
}

/// All models of a controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelListView {
    /// The models.
    pub models: Vec<ModelSummaryView>,
    /// The one that commands are about, without its owner.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current_model: String,
}

/// A model among others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelSummaryView {
    /// The name with its owner.
    pub name: String,
    /// The name.
    pub short_name: String,
    /// Its UUID.
    pub model_uuid: String,
    /// `iaas` or `caas`.
    pub model_type: String,
    /// The UUID of its controller.
    pub controller_uuid: String,
    /// The name of its controller.
    pub controller_name: String,
    /// Whether the controller itself is in it.
    pub is_controller: bool,
    /// Who has it.
    pub owner: String,
    /// The cloud that it is in.
    pub cloud: String,
    /// The region of the cloud.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The credential that it is made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<ModelCredentialView>,
    /// The kind of the cloud.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub provider_type: String,
    /// `alive`, `dying` or `dead`.
    pub life: String,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ModelStatusView>,
    /// What the user may do with it.
    pub access: String,
    /// When the user was there last.
    pub last_connection: String,
    /// How many machines, cores and units it has; only the table says.
    #[serde(skip)]
    pub counts: ModelCounts,
    /// The level of support.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sla: String,
    /// The version of Juju.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent_version: String,
}

/// What is counted of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelCounts {
    /// Machines.
    pub machines: Option<u64>,
    /// Their cores.
    pub cores: Option<u64>,
    /// Units.
    pub units: Option<u64>,
}

/// How `juju models` is shown to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelListOptions<'a> {
    /// The controller that has them.
    pub controller: &'a str,
    /// Who asks.
    pub user: &'a str,
    /// Whether UUIDs are shown (`--uuid`).
    pub shows_uuids: bool,
    /// Whether the current model is coloured.
    pub is_coloured: bool,
}

/// Writes `juju models`.
pub fn write_list(list: &ModelListView, options: &ModelListOptions<'_>) -> String {
    let ModelListOptions { controller, user, shows_uuids, is_coloured } = *options;
    let mut table = Table::new(is_coloured);
    let has = |count: fn(&ModelCounts) -> Option<u64>| {
        list.models.iter().any(|model| count(&model.counts).is_some())
    };
    let (has_machines, has_cores, has_units) =
        (has(|counts| counts.machines), has(|counts| counts.cores), has(|counts| counts.units));
    table.line(&[&format!("Controller: {controller}")]).text("\n");
    let mut headers = vec!["Model"];
    if shows_uuids {
        headers.push("UUID");
    }
    headers.extend(["Cloud/Region", "Type", "Status"]);
    // Units are aligned as if cores stood before them, whatever stands there.
    let first_count = headers.len();
    let counts = [
        ("Machines", has_machines, first_count),
        ("Cores", has_cores, first_count + 1),
        ("Units", has_units, first_count + 1),
    ];
    for (header, is_shown, column) in counts {
        if is_shown {
            headers.push(header);
            table.align_right(column);
        }
    }
    headers.extend(["Access", "Last connection"]);
    table.line(&headers);
    for model in &list.models {
        write_model(&mut table, model, user, list, shows_uuids);
        let mut count = |is_shown: bool, count: Option<u64>, none: &str| {
            if is_shown {
                table.cell(&count.map_or_else(|| none.to_owned(), |count| count.to_string()));
            }
        };
        count(has_machines, model.counts.machines, "0");
        count(has_cores, model.counts.cores, "-");
        count(has_units, model.counts.units, "-");
        let access = if model.access.is_empty() { "-" } else { &model.access };
        table.line(&[access, &model.last_connection]);
    }
    table.finish()
}

fn write_model(
    table: &mut Table,
    model: &ModelSummaryView,
    user: &str,
    list: &ModelListView,
    shows_uuids: bool,
) {
    let name = if model.owner == user { &model.short_name } else { &model.name };
    if *name == list.current_model {
        table.cell_in(Colour::Green, &format!("{name}*"));
    } else {
        table.cell(name);
    }
    if shows_uuids {
        table.cell(&model.model_uuid);
    }
    let place = format!("{}/{}", model.cloud, model.region);
    let status = model.status.as_ref().map_or("", |status| status.current.as_str());
    let status = if status.is_empty() { "-" } else { status };
    table.cell(place.trim_matches('/')).cell(&model.provider_type).cell(status);
}
