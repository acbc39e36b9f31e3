//! What `juju controllers`, `juju show-controller`, `juju whoami` and `juju switch` show.

use std::collections::BTreeMap;

use serde::Serialize;

use super::colour::Colour;
use super::document::in_one_line;
use super::table::Table;

/// All controllers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ControllerListView {
    /// Controllers, by name.
    pub controllers: BTreeMap<String, ControllerView>,
    /// The one that commands are about.
    pub current_controller: String,
}

/// A controller among others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControllerView {
    /// The current model there, with its owner unless that is the user.
    pub current_model: String,
    /// The user.
    pub user: String,
    /// What the user may do.
    pub access: String,
    /// The address that it was reached by last.
    pub recent_server: String,
    /// Its UUID.
    pub uuid: String,
    /// All its addresses, with ports.
    pub api_endpoints: Vec<String>,
    /// The certificate of who signed its own.
    pub ca_cert: String,
    /// Its cloud.
    pub cloud: String,
    /// The region of the cloud.
    pub region: String,
    /// The version of Juju.
    pub agent_version: String,
    /// How many models it has.
    pub models: Option<u64>,
    /// How many machines it has, if its cloud has machines.
    pub machines: Option<u64>,
    /// How many nodes it has, if it is on Kubernetes.
    pub nodes: Option<u64>,
}

impl Serialize for ControllerView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The UUID has another name in YAML.
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            #[serde(skip_serializing_if = "str::is_empty")]
            current_model: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            user: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            access: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            recent_server: &'a str,
            #[serde(serialize_with = "super::document::only_yaml")]
            controller_uuid: &'a str,
            #[serde(serialize_with = "super::document::only_json")]
            uuid: &'a str,
            #[serde(serialize_with = "in_one_line")]
            api_endpoints: &'a [String],
            ca_cert: &'a str,
            cloud: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            region: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            agent_version: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            model_count: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            machine_count: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            node_count: Option<u64>,
        }
        let printed = Printed {
            current_model: &self.current_model,
            user: &self.user,
            access: &self.access,
            recent_server: &self.recent_server,
            controller_uuid: &self.uuid,
            uuid: &self.uuid,
            api_endpoints: &self.api_endpoints,
            ca_cert: &self.ca_cert,
            cloud: &self.cloud,
            region: &self.region,
            agent_version: &self.agent_version,
            model_count: self.models,
            machine_count: self.machines,
            node_count: self.nodes,
        };
        printed.serialize(serializer)
    }
}

/// Writes `juju controllers`; without `--refresh` it says that things may have changed.
pub fn write_list(list: &ControllerListView, is_refreshed: bool, is_coloured: bool) -> String {
    let mut table = Table::new(is_coloured);
    if !is_refreshed && !list.controllers.is_empty() {
        table.text("Use --refresh option with this command to see the latest information.\n\n");
    }
    for column in [5, 6, 7] {
        table.align_right(column);
    }
    table.line(&[
        "Controller",
        "Model",
        "User",
        "Access",
        "Cloud/Region",
        "Models",
        "Nodes",
        "HA",
        "Version",
    ]);
    for (name, controller) in &list.controllers {
        write_controller(&mut table, name, controller, *name == list.current_controller);
    }
    table.finish()
}

fn write_controller(table: &mut Table, name: &str, controller: &ControllerView, is_current: bool) {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let access =
        if controller.user.is_empty() { "-".to_owned() } else { or(&controller.access, "(unknown)") };
    let count = |count: Option<u64>| {
        count.filter(|count| *count > 0).map_or_else(|| "-".to_owned(), |count| count.to_string())
    };
    let nodes = controller.nodes.filter(|count| *count > 0).or(controller.machines);
    if is_current {
        table.cell_in(Colour::Green, &format!("{name}*"));
    } else {
        table.cell(name);
    }
    let region = if controller.region.is_empty() { String::new() } else { format!("/{}", controller.region) };
    table.cell(&or(&controller.current_model, "-")).cell(&or(&controller.user, "-")).cell(&access);
    table.cell(&format!("{}{region}", controller.cloud)).cell(&count(controller.models)).cell(&count(nodes));
    // Nothing of ours is there several times.
    table.cell(if nodes.is_some_and(|count| count > 0) { "none" } else { "-" });
    table.cell(&or(&controller.agent_version, "(unknown)")).text("\n");
}

/// A controller in full. `juju show-controller` prints a map of these, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ControllerDetailsView {
    /// The controller itself.
    pub details: ControllerFactsView,
    /// Its machines, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub controller_machines: BTreeMap<String, ControllerMachineView>,
    /// Its pods, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub controller_nodes: BTreeMap<String, ControllerMachineView>,
    /// Its models, by name with owner.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ControllerModelView>,
    /// The current model there, with its owner.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current_model: String,
    /// Who uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountView>,
    /// What could not be found out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// What is known of a controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControllerFactsView {
    /// Its UUID.
    pub uuid: String,
    /// All its addresses, with ports.
    pub api_endpoints: Vec<String>,
    /// Its cloud.
    pub cloud: String,
    /// The region of the cloud.
    pub region: String,
    /// The version of Juju.
    pub agent_version: String,
    /// The source that it is made of.
    pub agent_git_commit: String,
    /// The version of Juju in its own model.
    pub controller_model_version: String,
    /// The fingerprint of the certificate.
    pub ca_fingerprint: String,
    /// The certificate of who signed its own.
    pub ca_cert: String,
}

impl Serialize for ControllerFactsView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The UUID has another name in YAML.
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            #[serde(serialize_with = "super::document::only_yaml")]
            controller_uuid: &'a str,
            #[serde(serialize_with = "super::document::only_json")]
            uuid: &'a str,
            #[serde(serialize_with = "in_one_line")]
            api_endpoints: &'a [String],
            cloud: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            region: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            agent_version: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            agent_git_commit: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            controller_model_version: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            ca_fingerprint: &'a str,
            ca_cert: &'a str,
        }
        let printed = Printed {
            controller_uuid: &self.uuid,
            uuid: &self.uuid,
            api_endpoints: &self.api_endpoints,
            cloud: &self.cloud,
            region: &self.region,
            agent_version: &self.agent_version,
            agent_git_commit: &self.agent_git_commit,
            controller_model_version: &self.controller_model_version,
            ca_fingerprint: &self.ca_fingerprint,
            ca_cert: &self.ca_cert,
        };
        printed.serialize(serializer)
    }
}

/// A machine or a pod that a controller is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ControllerMachineView {
    /// What the cloud calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instance_id: String,
    /// How it takes part in votes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ha_status: String,
}

/// A model of a controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControllerModelView {
    /// Its UUID.
    pub uuid: String,
    /// How many machines it has, if any.
    pub machines: Option<u64>,
    /// How many cores they have, if any.
    pub cores: Option<u64>,
    /// How many units it has, if it is on Kubernetes and has any.
    pub units: Option<u64>,
}

impl Serialize for ControllerModelView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The UUID has another name in YAML.
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            #[serde(serialize_with = "super::document::only_yaml")]
            model_uuid: &'a str,
            #[serde(serialize_with = "super::document::only_json")]
            uuid: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            machine_count: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            core_count: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            unit_count: Option<u64>,
        }
        let printed = Printed {
            model_uuid: &self.uuid,
            uuid: &self.uuid,
            machine_count: self.machines,
            core_count: self.cores,
            unit_count: self.units,
        };
        printed.serialize(serializer)
    }
}

/// Who uses a controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// The user.
    pub user: String,
    /// What the user may do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access: String,
    /// The password, with `--show-password`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
}

/// Who one is, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WhoAmIView {
    /// The current controller.
    pub controller: String,
    /// The current model, with its owner unless that is the user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// The user.
    pub user: String,
}

/// Writes `juju whoami`.
pub fn write_who_am_i(who: &WhoAmIView) -> String {
    let model = if who.model.is_empty() { "<no-current-model>" } else { &who.model };
    let mut table = Table::new(false);
    table.line(&["Controller:", &who.controller]).line(&["Model:", model]).line(&["User:", &who.user]);
    table.finish()
}

/// Where commands go, `CONTROLLER:OWNER/MODEL`; without a model, the controller, marked as one
/// for people.
pub fn place(controller: &str, model: Option<&str>, is_for_people: bool) -> String {
    match model {
        Some(model) => format!("{controller}:{model}"),
        None if is_for_people && !controller.is_empty() => format!("{controller} (controller)"),
        None => controller.to_owned(),
    }
}

/// What `juju switch` says, on the error stream.
pub fn switched(before: &str, after: &str) -> String {
    if before == after { format!("{before} (no change)\n") } else { format!("{before} -> {after}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switching_says_from_where_to_where() {
        let web = place("lxd", Some("admin/web"), true);
        assert_eq!(switched(&web, &place("k8s", None, true)), "lxd:admin/web -> k8s (controller)\n");
        assert_eq!(switched(&web, &web), "lxd:admin/web (no change)\n");
        assert_eq!(place("k8s", None, false), "k8s");
        assert_eq!(place("", None, true), "");
    }
}
