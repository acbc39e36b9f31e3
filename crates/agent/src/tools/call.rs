//! What a call of a hook tool means.

use std::collections::BTreeMap;

use charmproof_lifecycle::vocabulary::{JujuVersion, Name};
use jiff::Timestamp;
use serde::Serialize;
use strum::EnumDiscriminants;

use crate::state::{Juju, PortRange, Rotation, SecretId, StatusKind};

/// What a call asks for or does. Defaults are filled in and references resolved, so calls
/// that mean the same are equal; the format of the output is no part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, EnumDiscriminants)]
#[serde(rename_all = "kebab-case")]
#[strum_discriminants(
    name(Tool),
    doc = "A hook tool.",
    expect(missing_docs, reason = "the names are those of the tools"),
    derive(PartialOrd, Ord, Hash, Serialize, strum::EnumIter, strum::EnumString, strum::IntoStaticStr),
    strum(serialize_all = "kebab-case"),
    serde(rename_all = "kebab-case")
)]
#[expect(missing_docs, reason = "the names are those of the tools, and the fields those of their manuals")]
pub enum Call {
    ActionFail {
        message: String,
    },
    ActionGet {
        keys: Vec<String>,
    },
    ActionLog {
        message: String,
    },
    ActionSet {
        results: Vec<(Vec<String>, String)>,
    },
    AddMetric {
        metrics: BTreeMap<String, String>,
        labels: BTreeMap<String, String>,
    },
    ApplicationVersionSet {
        version: String,
    },
    ClosePort {
        range: PortRange,
        endpoints: Vec<String>,
    },
    ConfigGet {
        key: Option<String>,
        is_all: bool,
    },
    CredentialGet,
    GoalState,
    IsLeader,
    JujuLog {
        level: String,
        message: String,
    },
    JujuReboot {
        is_now: bool,
    },
    #[strum_discriminants(strum(serialize = "k8s-raw-get"))]
    K8sRawGet,
    #[strum_discriminants(strum(serialize = "k8s-raw-set"))]
    K8sRawSet {
        specification: String,
    },
    #[strum_discriminants(strum(serialize = "k8s-spec-get"))]
    K8sSpecGet,
    #[strum_discriminants(strum(serialize = "k8s-spec-set"))]
    K8sSpecSet {
        specification: String,
        resources: Option<String>,
    },
    LeaderGet {
        key: Option<String>,
    },
    LeaderSet {
        settings: BTreeMap<String, String>,
    },
    NetworkGet {
        binding: String,
        relation: Option<u32>,
        keys: Vec<NetworkKey>,
    },
    OpenPort {
        range: PortRange,
        endpoints: Vec<String>,
    },
    OpenedPorts {
        has_endpoints: bool,
    },
    PayloadRegister {
        class: String,
        id: String,
        kind: String,
        tags: Vec<String>,
    },
    PayloadStatusSet {
        class: String,
        id: String,
        status: String,
    },
    PayloadUnregister {
        class: String,
        id: String,
    },
    PodSpecGet,
    PodSpecSet {
        specification: String,
        resources: Option<String>,
    },
    RelationGet {
        relation: u32,
        of: String,
        is_application: bool,
        key: Option<String>,
    },
    RelationIds {
        endpoint: String,
    },
    RelationList {
        relation: u32,
        is_application: bool,
    },
    RelationModelGet {
        relation: u32,
    },
    RelationSet {
        relation: u32,
        is_application: bool,
        settings: BTreeMap<String, String>,
    },
    ResourceGet {
        name: String,
    },
    SecretAdd {
        owner: OwnerKind,
        content: BTreeMap<String, String>,
        details: SecretDetails,
    },
    SecretGet {
        id: Option<SecretId>,
        label: Option<String>,
        key: Option<String>,
        mode: SecretMode,
    },
    SecretGrant {
        id: SecretId,
        relation: u32,
        to: Name,
    },
    SecretIds,
    SecretInfoGet {
        id: Option<SecretId>,
        label: Option<String>,
    },
    SecretRemove {
        id: SecretId,
        revision: Option<u32>,
    },
    SecretRevoke {
        id: SecretId,
        from: Name,
    },
    SecretSet {
        id: SecretId,
        content: BTreeMap<String, String>,
        details: SecretDetails,
    },
    StateDelete {
        key: String,
    },
    StateGet {
        key: Option<String>,
        is_strict: bool,
    },
    StateSet {
        values: BTreeMap<String, String>,
    },
    StatusGet {
        is_application: bool,
        has_data: bool,
    },
    StatusSet {
        is_application: bool,
        kind: StatusKind,
        message: String,
    },
    StorageAdd {
        counts: BTreeMap<String, u32>,
    },
    StorageGet {
        id: String,
        key: Option<String>,
    },
    StorageList {
        name: Option<String>,
    },
    UnitGet {
        address: UnitAddress,
    },
}

/// What `network-get` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKey {
    /// The address to listen on.
    BindAddress,
    /// The address to tell others.
    IngressAddress,
    /// Where traffic comes from.
    EgressSubnets,
    /// The first address, as it was asked for before there were the others.
    PrimaryAddress,
}

/// Who is to own a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    /// The application.
    Application,
    /// The unit.
    Unit,
}

/// Which revision `secret-get` reads, and whether it is read from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretMode {
    /// The one that the unit reads.
    Tracked,
    /// The last one, this once.
    Peek,
    /// The last one, from now on.
    Refresh,
}

/// What is said about a secret. What is absent is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SecretDetails {
    /// The name that the owner has for it.
    pub label: Option<String>,
    /// What the owner says of it.
    pub description: Option<String>,
    /// When the revision is to be removed.
    pub expire: Option<Timestamp>,
    /// How often it is to be rotated.
    pub rotation: Option<Rotation>,
}

/// Which address `unit-get` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitAddress {
    /// The one within the model.
    Private,
    /// The one for others.
    Public,
}

impl Call {
    /// Returns the tool that is called.
    pub fn tool(&self) -> Tool {
        self.into()
    }
}

impl Tool {
    /// Returns all tools, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        <Self as strum::IntoEnumIterator>::iter()
    }

    /// Returns the tool of a name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether a charm finds the tool on its `PATH`. Juju 4 has none for what it has no more:
    /// leader settings, metrics, payloads and pod specifications.
    pub fn exists_in(self, juju: &Juju) -> bool {
        match self {
            Self::AddMetric
            | Self::K8sRawGet
            | Self::K8sRawSet
            | Self::K8sSpecGet
            | Self::K8sSpecSet
            | Self::LeaderGet
            | Self::LeaderSet
            | Self::PayloadRegister
            | Self::PayloadStatusSet
            | Self::PayloadUnregister
            | Self::PodSpecGet
            | Self::PodSpecSet => juju.line < JujuVersion::V4_0,
            Self::SecretAdd
            | Self::SecretGet
            | Self::SecretGrant
            | Self::SecretIds
            | Self::SecretInfoGet
            | Self::SecretRemove
            | Self::SecretRevoke
            | Self::SecretSet => juju.line >= JujuVersion::V3_1,
            Self::RelationModelGet => juju.is_at_least(3, 6, 2),
            Self::ActionFail
            | Self::ActionGet
            | Self::ActionLog
            | Self::ActionSet
            | Self::ApplicationVersionSet
            | Self::ClosePort
            | Self::ConfigGet
            | Self::CredentialGet
            | Self::GoalState
            | Self::IsLeader
            | Self::JujuLog
            | Self::JujuReboot
            | Self::NetworkGet
            | Self::OpenPort
            | Self::OpenedPorts
            | Self::RelationGet
            | Self::RelationIds
            | Self::RelationList
            | Self::RelationSet
            | Self::ResourceGet
            | Self::StateDelete
            | Self::StateGet
            | Self::StateSet
            | Self::StatusGet
            | Self::StatusSet
            | Self::StorageAdd
            | Self::StorageGet
            | Self::StorageList
            | Self::UnitGet => true,
        }
    }
}
