//! What `juju status` shows: a model and all that is in it.
//!
//! [`StatusView`] is the document that `--format json` and `--format yaml` print; [`write_tabular`],
//! [`write_oneline`] and [`write_summary`] are for people.

mod image_reference;
mod oneline;
mod ports;
mod summary;
mod tabular;
mod watch;

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::unless_empty_in_yaml;
use super::storage::StorageListView;
pub use oneline::write_oneline;
pub use summary::write_summary;
pub use tabular::{write_machines, write_tabular};
pub use watch::{WATCH_BEGIN, WATCH_END, write_frame};

/// How status is shown to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusOptions {
    /// Whether words are coloured.
    pub is_coloured: bool,
    /// Whether integrations have a table (`--relations`, `--integrations`).
    pub shows_relations: bool,
    /// Whether storage has a table (`--storage`).
    pub shows_storage: bool,
}

/// A model and all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatusView {
    /// The model itself.
    pub model: ModelView,
    /// Machines, by number.
    pub machines: BTreeMap<String, MachineView>,
    /// Applications, by name.
    pub applications: BTreeMap<String, ApplicationView>,
    /// Applications of other models that are used here, by the name they have here.
    #[serde(rename = "application-endpoints", skip_serializing_if = "BTreeMap::is_empty")]
    pub remote_applications: BTreeMap<String, RemoteApplicationView>,
    /// What other models may use, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub offers: BTreeMap<String, OfferStatusView>,
    /// Integrations, which only the table shows as such.
    #[serde(skip)]
    pub relations: Vec<RelationView>,
    /// Storage. JSON and YAML always have it, be it empty.
    pub storage: StorageListView,
    /// The controller's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<ControllerClockView>,
}

/// The controller's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ControllerClockView {
    /// The time of day, as [`Times::time_of_day`](super::time::Times::time_of_day) writes it.
    pub timestamp: String,
}

/// The model of a status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelView {
    /// The name, without its owner.
    pub name: String,
    /// `iaas` or `caas`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of its controller.
    pub controller: String,
    /// The cloud it is in.
    pub cloud: String,
    /// The region of the cloud.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The version of Juju.
    pub version: String,
    /// A newer version of Juju, if there is one.
    #[serde(rename = "upgrade-available", skip_serializing_if = "String::is_empty")]
    pub upgrade_available: String,
    /// How the model is.
    #[serde(rename = "model-status", serialize_with = "unless_empty_in_yaml")]
    pub status: StatusInfo,
    /// The level of support: `unsupported`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sla: String,
}

impl ModelView {
    /// Whether units of this model are pods.
    pub fn is_caas(&self) -> bool {
        self.kind == "caas"
    }
}

/// How something is, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatusInfo {
    /// The word for it, `active` for instance.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current: String,
    /// What is said about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Why a model is as it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Since when, as [`Times::since`](super::time::Times::since) writes it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub since: String,
    /// The version of an agent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// `dying` or `dead`, and empty while it lives.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
}

impl StatusInfo {
    /// A status with a message, since some time.
    pub fn new(current: impl Into<String>, message: impl Into<String>, since: impl Into<String>) -> Self {
        Self { current: current.into(), message: message.into(), since: since.into(), ..Self::default() }
    }
}

/// The operating system that something runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BaseView {
    /// `ubuntu`.
    pub name: String,
    /// `24.04`; a risk is named unless it is `stable`.
    pub channel: String,
}

/// A machine, or a container on one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MachineView {
    /// The number: `0`, or `0/lxd/1`.
    #[serde(skip)]
    pub id: String,
    /// How its agent is.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub juju_status: StatusInfo,
    /// The host name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// The address that it is reached by.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dns_name: String,
    /// All its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<String>,
    /// What the cloud calls it; `pending` until it is there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instance_id: String,
    /// What people call it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// How the machine itself is.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub machine_status: StatusInfo,
    /// Whether it is being changed.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub modification_status: StatusInfo,
    /// Its operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseView>,
    /// Its network, by the name of the interface.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub network_interfaces: BTreeMap<String, NetworkInterfaceView>,
    /// The containers on it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub containers: BTreeMap<String, MachineView>,
    /// What was asked of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub constraints: String,
    /// What it has: `arch=amd64 cores=2 mem=4096M availability-zone=here`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hardware: String,
    /// Whether it votes among controllers.
    #[serde(rename = "controller-member-status", skip_serializing_if = "String::is_empty")]
    pub controller_member_status: String,
}

/// A network interface of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkInterfaceView {
    /// Its addresses.
    pub ip_addresses: Vec<String>,
    /// Its hardware address.
    pub mac_address: String,
    /// The way out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// Who resolves names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_nameservers: Vec<String>,
    /// The space that it is in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub space: String,
    /// Whether it is up.
    pub is_up: bool,
}

/// An application and its units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApplicationView {
    /// `local:NAME-REVISION` for a local charm, and the name of one from Charmhub.
    pub charm: String,
    /// The operating system that it is deployed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseView>,
    /// `local` or `charmhub`.
    pub charm_origin: String,
    /// The charm's name.
    pub charm_name: String,
    /// The charm's revision.
    pub charm_rev: u64,
    /// The channel that it follows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub charm_channel: String,
    /// What the charm's `version` file says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub charm_version: String,
    /// The LXD profile of the charm.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub charm_profile: String,
    /// A newer revision in the channel.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub can_upgrade_to: String,
    /// How many units are wanted, in a model on Kubernetes.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub scale: u64,
    /// What Kubernetes calls its service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// The address of the service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Whether its ports are reached from outside.
    pub exposed: bool,
    /// `dying` or `dead`, and empty while it lives.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    /// How it is.
    #[serde(rename = "application-status")]
    pub status: StatusInfo,
    /// Its integrations, by endpoint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub relations: BTreeMap<String, Vec<ApplicationRelationView>>,
    /// Whose subordinate it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subordinate_to: Vec<String>,
    /// Its units; those of a subordinate are below the units they belong to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, UnitView>,
    /// The version of the workload.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The space of each endpoint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoint_bindings: BTreeMap<String, String>,
}

/// The other side of an endpoint of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApplicationRelationView {
    /// The application there; itself for peers.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub related_application: String,
    /// What they speak.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub interface: String,
    /// `global` or `container`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// A unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnitView {
    /// How its workload is.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub workload_status: StatusInfo,
    /// What its agent does.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub juju_status: StatusInfo,
    /// Whether it leads its application.
    #[serde(skip_serializing_if = "super::is_false")]
    pub leader: bool,
    /// The charm that it still has while the application has another.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub upgrading_from: String,
    /// The machine that it is on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// Its open ports, `80/tcp` or `8000-8010/tcp`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open_ports: Vec<String>,
    /// The address of its machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub public_address: String,
    /// The address of its pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The name of its pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// Units of subordinates that are with it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subordinates: BTreeMap<String, UnitView>,
}

/// An endpoint of an offer, as both sides see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RemoteEndpointView {
    /// What is spoken there.
    pub interface: String,
    /// `provider` or `requirer`.
    pub role: String,
}

/// An application of another model that is used here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RemoteApplicationView {
    /// Where it is offered: `admin/model.offer`.
    pub url: String,
    /// Its endpoints.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, RemoteEndpointView>,
    /// `dying` or `dead`, and empty while it lives.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    /// How it is.
    #[serde(rename = "application-status")]
    pub status: StatusInfo,
    /// The applications that use it, by endpoint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub relations: BTreeMap<String, Vec<String>>,
}

/// An offer in a status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OfferStatusView {
    /// The application behind it.
    pub application: String,
    /// The URL of its charm, `local:NAME-REVISION` or `ch:amd64/NAME-REVISION`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub charm: String,
    /// How many integrations use it.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub total_connected_count: u64,
    /// How many of them are up.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub active_connected_count: u64,
    /// What is offered.
    pub endpoints: BTreeMap<String, RemoteEndpointView>,
}

/// An integration, as the table shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelationView {
    /// The side that provides, `APPLICATION:ENDPOINT`.
    pub provider: String,
    /// The side that requires; for peers, the same.
    pub requirer: String,
    /// What they speak.
    pub interface: String,
    /// `regular`, `peer` or `subordinate`.
    pub kind: String,
    /// `joined`, or what keeps it from that.
    pub status: String,
    /// What is said about that.
    pub message: String,
}

/// The machines of a model, which `juju machines` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MachineListView {
    /// The name of the model.
    pub model: String,
    /// Its machines.
    pub machines: BTreeMap<String, MachineView>,
}

/// How many characters of a message a table shows.
const MESSAGE_WIDTH: usize = 120;

/// What stands for what is left out.
const ELLIPSIS: &str = "...";

/// Shortens a text to a number of bytes, as Juju counts.
fn shortened(text: &str, width: usize) -> String {
    if text.len() <= width {
        return text.to_owned();
    }
    let mut end = width - ELLIPSIS.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ELLIPSIS}", &text[..end])
}

/// Calls with each unit below a unit, and how deep below it is.
fn each_subordinate(unit: &UnitView, depth: usize, call: &mut impl FnMut(&str, &UnitView, usize)) {
    for name in super::order::naturally(unit.subordinates.keys()) {
        let subordinate = &unit.subordinates[name];
        call(name, subordinate, depth);
        each_subordinate(subordinate, depth + 1, call);
    }
}
