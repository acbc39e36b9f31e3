//! What a controller knows: plain data, which is kept as it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use charmproof_agent::state::State;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_lifecycle::environment::Numbers;
use charmproof_lifecycle::model::Model as Lifecycle;
use charmproof_lifecycle::vocabulary::{Name, Platform};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The user that everything belongs to.
pub const USER: &str = "admin";

/// What a person's `juju` keeps for itself: clouds, credentials, which model is the current one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientData {
    /// The controller that is the current one.
    pub controller: Option<String>,
    /// The current model of each controller, by its short name.
    pub models: BTreeMap<String, String>,
    /// Clouds that the person has added, as they were given.
    pub clouds: BTreeMap<String, Value>,
    /// Clouds that were added to controllers, by the controller's name.
    pub controller_clouds: BTreeMap<String, BTreeMap<String, Value>>,
    /// Credentials, by cloud and name.
    pub credentials: BTreeMap<String, BTreeMap<String, Value>>,
    /// The region of each cloud that is used if none is named.
    pub default_regions: BTreeMap<String, String>,
    /// The credential of each cloud that is used if none is named.
    pub default_credentials: BTreeMap<String, String>,
    /// Credentials that were uploaded, by controller, cloud and name.
    pub controller_credentials: BTreeMap<String, BTreeMap<String, BTreeMap<String, Value>>>,
    /// The id of each controller.
    pub controller_uuids: BTreeMap<String, String>,
}

/// Where a charm came from, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CharmData {
    /// The name that it calls itself.
    pub name: String,
    /// Which of all that were uploaded under the name, or the store's number.
    pub revision: u32,
    /// Whether it came from a file or folder of the user, and not from the store.
    pub is_local: bool,
    /// The channel that it is followed on, if it came from the store.
    pub channel: Option<String>,
    /// What its own `version` file says.
    pub version: Option<String>,
    /// The digest of its archive, by which its files are kept.
    pub digest: String,
    /// The base that it runs on: `ubuntu` and `24.04`.
    pub base: Base,
}

#[cfg(test)]
impl CharmData {
    /// A charm of a name, as tests deploy it.
    pub(crate) fn example(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            revision: 0,
            is_local: true,
            channel: None,
            version: None,
            digest: String::new(),
            base: Base { name: "ubuntu".to_owned(), channel: "24.04".to_owned() },
        }
    }
}

/// A base.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Base {
    /// The system: `ubuntu`.
    pub name: String,
    /// Its release: `24.04`.
    pub channel: String,
}

/// What is known of an application, besides what its units see.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApplicationData {
    /// The charm.
    pub charm: CharmData,
    /// What the charm declares. Read again from its files after a restart.
    #[serde(skip)]
    pub metadata: Option<Arc<CharmMetadata>>,
    /// Whether it is reachable from outside of the model, to whom.
    pub exposed: Option<Exposure>,
    /// The number of the next unit, on machines.
    pub next_unit: u32,
    /// How many units it is to have, on Kubernetes.
    pub scale: u32,
    /// What the user asked of machines: `cores=2 mem=4096M`.
    pub constraints: String,
    /// How each storage is to be made.
    pub storage: BTreeMap<String, String>,
    /// Its resources.
    pub resources: BTreeMap<String, ResourceData>,
    /// How often its charm or one of its resources was changed (state/application.go,
    /// `CharmModifiedVersion`).
    #[serde(default)]
    pub charm_modified: u32,
    /// The address of its service, on Kubernetes.
    pub address: Option<String>,
    /// Whether it was asked to go.
    pub is_dying: bool,
    /// Whether what stands in its way is removed too.
    pub is_forced: bool,
    /// Notes of people: `juju annotate`, bundles.
    pub annotations: BTreeMap<String, String>,
    /// How its status changed.
    #[serde(default)]
    pub history: VecDeque<StatusEntry>,
}

/// To whom an application is reachable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Exposure {
    /// By endpoint; the empty one is all of them. Each has spaces and networks.
    pub endpoints: BTreeMap<String, (Vec<String>, Vec<String>)>,
}

/// A resource of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResourceData {
    /// Whether it is a file, and not an image.
    pub is_file: bool,
    /// The digest of the file that was uploaded.
    pub digest: Option<String>,
    /// The name that it has for the charm: `foo.tar`.
    pub file_name: Option<String>,
    /// The image.
    pub image: Option<String>,
    /// Who one is to the registry of the image.
    pub credentials: Option<(String, String)>,
    /// The store's number, if it came from there.
    pub revision: Option<u32>,
    /// How large the file is, in bytes.
    pub size: u64,
    /// When it was given.
    pub since: Timestamp,
    /// How often one was attached since the application was deployed.
    pub generation: u32,
}

/// What a unit's agent does, as `juju status` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AgentStatus {
    /// Its machine or pod is not there yet.
    Allocating,
    /// It runs something.
    Executing,
    /// It has nothing to do.
    Idle,
    /// A hook has failed, and it waits until that is resolved or tried again. What is shown is an idle agent
    /// and a workload in error (state/unitagent.go and state/unit.go, `Status`).
    Error,
    /// It cannot be run.
    Failed,
    /// It does not answer: somebody has stopped it.
    Lost,
}

/// What is known of a unit, besides what it sees itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnitData {
    /// The machine that it is on; `None` on Kubernetes.
    pub machine: Option<String>,
    /// What its agent does.
    pub agent: AgentStatus,
    /// In words.
    pub agent_message: String,
    /// Since when.
    pub agent_since: Timestamp,
    /// Whether its agent has begun to look for work.
    pub is_up: bool,
    /// Numbers that its hooks are counted by.
    pub numbers: (u32, u32),
    /// How often the hook that fails now has failed in a row.
    pub failures: u32,
    /// When the hook that failed is tried again.
    pub retry_at: Option<Timestamp>,
    /// Until when it rests, as Pebble is asked again only after a while (R85).
    #[serde(skip)]
    pub rests_until: Option<Timestamp>,
    /// When `update-status` is due.
    pub update_at: Option<Timestamp>,
    /// Actions and commands of the user that wait for their turn, by the number of their task.
    pub actions: VecDeque<u64>,
    /// Whether it goes without its last hooks.
    pub is_forced: bool,
    /// The charm that it runs: it changes when `upgrade-charm` begins.
    pub charm_digest: String,
    /// The revision of that charm.
    pub charm_revision: u32,
    /// The ids of notices that its containers have told of and that it has not done with, by container and key.
    #[serde(default)]
    pub notices: BTreeMap<String, String>,
    /// The digests of the files of resources that it has, by resource.
    #[serde(default)]
    pub resources: BTreeMap<String, String>,
    /// What [`ApplicationData::charm_modified`] was when its pod was made.
    #[serde(default)]
    pub charm_modified: u32,
    /// How its status changed.
    pub history: VecDeque<StatusEntry>,
}

impl UnitData {
    /// Returns the numbers that its hooks are counted by.
    pub fn counted(&self) -> Numbers {
        Numbers { action: self.numbers.0, notice: self.numbers.1 }
    }
}

/// A line of `juju show-status-log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatusEntry {
    /// Since when.
    pub since: Timestamp,
    /// Whether it is about the agent, and not about the workload, the instance or the application.
    pub is_agent: bool,
    /// Which: `active`, `executing`.
    pub status: String,
    /// In words.
    pub message: String,
}

/// How a machine is that is not there yet.
pub const PENDING: &str = "pending";

/// A machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MachineData {
    /// What it runs.
    pub base: Base,
    /// Its address, once it has one.
    pub address: Option<String>,
    /// `pending`, `started`, `down`.
    pub status: String,
    /// Why it could not be made.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// What was asked of it.
    pub constraints: String,
    /// Whether it goes when nothing is on it any more.
    pub is_dying: bool,
    /// Whether the user has made it by itself, so that it stays without units.
    pub is_manual: bool,
    /// Notes of bundles.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// How its status changed: that of its agent, and that of the instance.
    #[serde(default)]
    pub history: VecDeque<StatusEntry>,
}

impl MachineData {
    /// Returns how its instance is, in a word and in more of them.
    pub fn instance_status(&self) -> (&'static str, &str) {
        match (self.status.as_str(), self.message.as_str()) {
            ("started", _) => ("running", "Running"),
            (_, "") => ("pending", ""),
            (_, why) => ("provisioning error", why),
        }
    }
}

/// An instance of a storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StorageData {
    /// The unit that has it, or had it last.
    pub owner: Option<Name>,
    /// Whether the unit has it now.
    pub is_attached: bool,
    /// The pool that it was made of.
    pub pool: String,
    /// How large it was asked to be, in MiB.
    pub size_mib: u64,
    /// Whether it is a file system, and not a block device.
    pub is_filesystem: bool,
    /// Where the unit sees it.
    pub location: String,
    /// Whether it is to go.
    pub is_dying: bool,
    /// Since when it is as it is.
    pub since: Timestamp,
}

/// A pool that storage can come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PoolData {
    /// Who provides it: `tmpfs`.
    pub provider: String,
    /// What was said of it.
    pub attributes: BTreeMap<String, String>,
}

/// Endpoints that other models may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OfferData {
    /// The application.
    pub application: Name,
    /// Its endpoints, by the name that they are offered under.
    pub endpoints: BTreeMap<String, String>,
    /// Who may use it, beside the user: name and access.
    pub users: BTreeMap<String, String>,
    /// Since when.
    pub since: Timestamp,
}

/// An application of another model, under the name that it has here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RemoteApplicationData {
    /// The offer that it is, as it was consumed; `None` for who consumes one of ours.
    pub url: Option<String>,
    /// The name of the offer, in the model that offers.
    pub offer: String,
    /// The other model.
    pub model_uuid: String,
    /// What it is called there.
    pub application: Name,
    /// What can be integrated with it: endpoint, its interface, and whether it provides.
    pub endpoints: BTreeMap<String, (String, bool)>,
    /// Of who consumes one of ours: the relations, by their number here, each with its number there.
    #[serde(default)]
    pub connections: BTreeMap<u32, u32>,
    /// How it was last seen there: the word and the message.
    #[serde(default)]
    pub status: Option<(String, String)>,
    /// Whether its offer is gone.
    #[serde(default)]
    pub is_withdrawn: bool,
    /// Whether it was asked to go.
    pub is_dying: bool,
    /// Since when it is as it was last seen.
    pub since: Timestamp,
}

/// What a task is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// An action of the charm.
    Action {
        /// Its name.
        name: String,
        /// What it was called with.
        parameters: Map<String, Value>,
    },
    /// Commands of the user, for a shell.
    Exec {
        /// The commands.
        commands: String,
    },
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum TaskStatus {
    /// It waits.
    Pending,
    /// It runs.
    Running,
    /// It is done.
    Completed,
    /// It has failed.
    Failed,
    /// It was cancelled before it began.
    Cancelled,
    /// It was cancelled while it runs.
    Aborting,
    /// It was cancelled while it ran.
    Aborted,
}

impl TaskStatus {
    /// Whether nothing more becomes of it.
    pub fn is_over(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Aborting => false,
            Self::Completed | Self::Failed | Self::Cancelled | Self::Aborted => true,
        }
    }
}

/// Something that the user asked a unit or a machine to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskData {
    /// The operation that it is part of.
    pub operation: u64,
    /// The unit, or the machine.
    pub receiver: String,
    /// Whether that is a unit.
    pub is_unit: bool,
    /// What it is.
    pub kind: TaskKind,
    /// How far it is.
    pub status: TaskStatus,
    /// Why it failed.
    pub message: String,
    /// What it gave back.
    pub results: Map<String, Value>,
    /// The exit code of what was run, once it has one.
    pub return_code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
    /// What it told while it ran.
    pub log: Vec<(Timestamp, String)>,
    /// What it is about, if it is commands of somebody on the unit's own machine.
    #[serde(default)]
    pub about: Option<CommandsAbout>,
    /// When it was asked for.
    pub enqueued: Timestamp,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub completed: Option<Timestamp>,
}

/// What commands are about that `juju-exec` runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CommandsAbout {
    /// The relation that their context is of.
    pub relation: Option<u32>,
    /// The unit at its other end.
    pub remote_unit: Option<Name>,
    /// Whether that one need not be in the relation.
    pub is_remote_unit_forced: bool,
}

/// Tasks that were asked for at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OperationData {
    /// What it was, in words.
    pub summary: String,
    /// Its tasks.
    pub tasks: Vec<u64>,
    /// What could not be asked for: the receiver and why.
    pub failures: Vec<(String, String)>,
    /// When it was asked for.
    pub enqueued: Timestamp,
}

/// A model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelData {
    /// Its id.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// The controller that it belongs to.
    pub controller: String,
    /// The cloud that it is on.
    pub cloud: String,
    /// What its units run on.
    pub platform: ModelPlatform,
    /// When it was made.
    pub since: Timestamp,
    /// Whether it was asked to go.
    pub is_dying: bool,
    /// Who does what next.
    pub lifecycle: Lifecycle,
    /// What units see.
    pub state: State,
    /// What the user has set, by key.
    pub config: BTreeMap<String, Value>,
    /// What every machine is to have.
    pub constraints: String,
    /// The applications.
    pub applications: BTreeMap<Name, ApplicationData>,
    /// The number of the next unit of applications that are no more, on machines.
    #[serde(default)]
    pub unit_numbers: BTreeMap<Name, u32>,
    /// The units.
    pub units: BTreeMap<Name, UnitData>,
    /// The machines, by number.
    pub machines: BTreeMap<u32, MachineData>,
    /// The number of the next machine.
    pub next_machine: u32,
    /// The instances of storage.
    pub storages: BTreeMap<Name, StorageData>,
    /// The pools of storage that were made, by name.
    #[serde(default)]
    pub pools: BTreeMap<String, PoolData>,
    /// What other models may use.
    pub offers: BTreeMap<String, OfferData>,
    /// What of other models is used here, and who of other models uses something of here.
    pub remotes: BTreeMap<Name, RemoteApplicationData>,
    /// Why relations are suspended, where somebody said so.
    #[serde(default)]
    pub suspensions: BTreeMap<u32, String>,
    /// The operations.
    pub operations: BTreeMap<u64, OperationData>,
    /// The tasks.
    pub tasks: BTreeMap<u64, TaskData>,
    /// The last number of an operation or a task.
    pub last_task: u64,
    /// The revision that the next local charm of a name gets.
    pub charm_revisions: BTreeMap<String, u32>,
    /// Keys that people may log in with.
    pub ssh_keys: Vec<String>,
    /// Who may do what: user and access.
    pub users: BTreeMap<String, String>,
}

/// What the units of a model run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelPlatform {
    /// Machines: `iaas`.
    Machine,
    /// Kubernetes: `caas`.
    Kubernetes,
}

impl From<ModelPlatform> for Platform {
    fn from(platform: ModelPlatform) -> Self {
        match platform {
            ModelPlatform::Machine => Self::Machine,
            ModelPlatform::Kubernetes => Self::Kubernetes,
        }
    }
}
