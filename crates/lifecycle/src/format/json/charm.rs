//! A charm as JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{UnreadableLife, is_false};
use crate::life::Deployment;
use crate::vocabulary::Name;
use crate::world::{Charm, Endpoint, Role, StorageKind};

#[derive(Default, Serialize, Deserialize)]
pub(super) struct CharmObject {
    name: Name,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    units: u32,
    #[serde(default)]
    endpoints: Vec<EndpointObject>,
    #[serde(default)]
    storages: Vec<StorageObject>,
    #[serde(default)]
    containers: Vec<Name>,
    #[serde(default)]
    actions: Vec<Name>,
    #[serde(default, skip_serializing_if = "is_false")]
    subordinate: bool,
}

#[derive(Serialize, Deserialize)]
struct EndpointObject {
    name: Name,
    role: SmolStr,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    interface: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<SmolStr>,
}

#[derive(Serialize, Deserialize)]
struct StorageObject {
    name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multiple: Option<String>,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

impl CharmObject {
    pub(super) fn of(deployment: &Deployment) -> Self {
        let charm = &deployment.charm;
        let endpoints = charm.endpoints.iter().map(|endpoint| EndpointObject {
            name: endpoint.name.clone(),
            role: endpoint.role.name().into(),
            interface: endpoint.interface.clone(),
            limit: endpoint.limit,
            scope: endpoint.is_container_scoped.then(|| "container".into()),
        });
        let storages = charm
            .storages
            .iter()
            .map(|storage| StorageObject { name: storage.name.clone(), multiple: multiple(storage) });
        Self {
            name: deployment.application.clone(),
            units: deployment.units,
            endpoints: endpoints.collect(),
            storages: storages.collect(),
            containers: charm.containers.clone(),
            actions: charm.actions.clone(),
            subordinate: charm.is_subordinate,
        }
    }

    pub(super) fn read(self) -> Result<Deployment, UnreadableLife> {
        let endpoints: Result<Vec<Endpoint>, _> =
            self.endpoints.into_iter().map(EndpointObject::read).collect();
        let storages: Result<Vec<StorageKind>, _> =
            self.storages.into_iter().map(StorageObject::read).collect();
        let charm = Charm {
            endpoints: endpoints?,
            storages: storages?,
            containers: self.containers,
            actions: self.actions,
            is_subordinate: self.subordinate,
        };
        Ok(Deployment { application: self.name, charm: Arc::new(charm), units: self.units })
    }
}

impl EndpointObject {
    fn read(self) -> Result<Endpoint, UnreadableLife> {
        let role = match self.role.as_str() {
            "provides" => Role::Provides,
            "requires" => Role::Requires,
            "peer" | "peers" => Role::Peer,
            word => return Err(UnreadableLife::Header { what: "role", word: word.to_owned() }),
        };
        Ok(Endpoint {
            name: self.name,
            role,
            interface: self.interface,
            limit: self.limit,
            is_container_scoped: self.scope.as_deref() == Some("container"),
        })
    }
}

impl StorageObject {
    fn read(self) -> Result<StorageKind, UnreadableLife> {
        let Some(multiple) = self.multiple else {
            return Ok(StorageKind { name: self.name, minimum: 1, maximum: Some(1) });
        };
        let unknown = || UnreadableLife::Header { what: "number of storages", word: multiple.clone() };
        let (minimum, maximum) = multiple.split_once('-').unwrap_or((&multiple, &multiple));
        let minimum = minimum.parse().map_err(|_| unknown())?;
        let maximum = if maximum.is_empty() { None } else { Some(maximum.parse().map_err(|_| unknown())?) };
        Ok(StorageKind { name: self.name, minimum, maximum })
    }
}

/// Writes how many instances there may be; nothing where there is exactly one.
fn multiple(storage: &StorageKind) -> Option<String> {
    match (storage.minimum, storage.maximum) {
        (1, Some(1)) => None,
        (minimum, Some(maximum)) if minimum == maximum => Some(minimum.to_string()),
        (minimum, Some(maximum)) => Some(format!("{minimum}-{maximum}")),
        (minimum, None) => Some(format!("{minimum}-")),
    }
}
