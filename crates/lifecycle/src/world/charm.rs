//! What a charm declares, as far as the order of hooks depends on it.

use charmproof_charm::metadata::{self, CharmMetadata};
use serde::{Deserialize, Serialize};

use crate::vocabulary::Name;

/// Which side of a relation an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It offers something to other applications.
    Provides,
    /// It needs something of other applications.
    Requires,
    /// It connects the units of one application.
    Peer,
}

impl Role {
    /// Returns the name, as formats write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provides => "provides",
            Self::Requires => "requires",
            Self::Peer => "peer",
        }
    }
}

/// An endpoint of a charm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Endpoint {
    /// Its name.
    pub name: Name,
    /// Which side of a relation it is.
    pub role: Role,
    /// What both sides have to agree on; empty where it is not told.
    pub interface: Name,
    /// How many relations it may have at once, if that is limited.
    pub limit: Option<u32>,
    /// Whether it connects a unit with the one beside it on the same machine, and with no
    /// other (`scope: container`).
    pub is_container_scoped: bool,
}

/// A storage of a charm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StorageKind {
    /// Its name.
    pub name: Name,
    /// How many instances a unit is deployed with.
    pub minimum: u32,
    /// How many it may have, if that is limited.
    pub maximum: Option<u32>,
}

/// A charm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Charm {
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Its storages.
    pub storages: Vec<StorageKind>,
    /// The names of its workload containers. Machines have none, whatever is here.
    pub containers: Vec<Name>,
    /// The names of its actions.
    pub actions: Vec<Name>,
    /// Whether its units live beside those of another charm.
    pub is_subordinate: bool,
}

/// Writes a charm that is shared as the charm that it is. What is read is shared by nobody yet.
pub(crate) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Charm;

    pub(crate) fn serialize<S: Serializer>(charm: &Arc<Charm>, serializer: S) -> Result<S::Ok, S::Error> {
        Charm::serialize(charm, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Charm>, D::Error> {
        Charm::deserialize(deserializer).map(Arc::new)
    }
}

impl Charm {
    /// Returns the charm with one endpoint more.
    #[must_use]
    pub fn with_endpoint(mut self, role: Role, name: &str) -> Self {
        self.endpoints.push(Endpoint {
            name: name.into(),
            role,
            interface: Name::default(),
            limit: None,
            is_container_scoped: false,
        });
        self
    }

    /// Returns the charm with the endpoint that every one has without declaring it, to which
    /// subordinates can be tied (`juju-info`).
    #[must_use]
    pub fn with_implicit_endpoint(mut self) -> Self {
        const NAME: &str = "juju-info";
        if self.endpoint(NAME).is_none() {
            self.endpoints.push(Endpoint {
                name: NAME.into(),
                role: Role::Provides,
                interface: NAME.into(),
                limit: None,
                is_container_scoped: false,
            });
        }
        self
    }

    /// Returns the charm with one storage more, of which each unit has one instance at
    /// first, and may get others.
    #[must_use]
    pub fn with_storage(mut self, name: &str) -> Self {
        self.storages.push(StorageKind { name: name.into(), minimum: 1, maximum: None });
        self
    }

    /// Returns the charm with one container more.
    #[must_use]
    pub fn with_container(mut self, name: &str) -> Self {
        self.containers.push(name.into());
        self
    }

    /// Returns the charm with one action more.
    #[must_use]
    pub fn with_action(mut self, name: &str) -> Self {
        self.actions.push(name.into());
        self
    }

    /// Returns the endpoint of the name.
    pub fn endpoint<Q: ?Sized>(&self, name: &Q) -> Option<&Endpoint>
    where
        Name: PartialEq<Q>,
    {
        self.endpoints.iter().find(|endpoint| endpoint.name == *name)
    }

    /// Returns the storage of the name.
    pub fn storage(&self, name: &str) -> Option<&StorageKind> {
        self.storages.iter().find(|storage| storage.name == name)
    }
}

impl From<&CharmMetadata> for Charm {
    /// Takes from what a charm declares what the order of its hooks depends on.
    fn from(declared: &CharmMetadata) -> Self {
        let endpoints = declared.endpoints.iter().map(|endpoint| Endpoint {
            name: endpoint.name.as_str().into(),
            role: match endpoint.role {
                metadata::Role::Provides => Role::Provides,
                metadata::Role::Requires => Role::Requires,
                metadata::Role::Peer => Role::Peer,
            },
            interface: endpoint.interface.as_deref().unwrap_or_default().into(),
            limit: endpoint.limit,
            is_container_scoped: match endpoint.scope {
                metadata::Scope::Global => false,
                metadata::Scope::Container => true,
            },
        });
        let storages = declared.storages.iter().map(|storage| StorageKind {
            name: storage.name.as_str().into(),
            minimum: storage.count_min,
            maximum: storage.count_max,
        });
        Self {
            endpoints: endpoints.collect(),
            storages: storages.collect(),
            containers: declared.containers.iter().map(|container| container.name.as_str().into()).collect(),
            actions: declared.actions.iter().map(|action| action.name.as_str().into()).collect(),
            is_subordinate: declared.subordinate,
        }
    }
}
