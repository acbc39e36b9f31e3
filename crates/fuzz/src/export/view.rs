//! What one unit sees of the model, as `ops.testing` has words for it.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_agent::state::{
    Databag, PortProtocol, Relation, Rotation, Secret, SecretId, SecretOwner, State, StatusKind,
    application_of,
};
use charmproof_agent::tools::Call;
use charmproof_charm::metadata::{CharmMetadata, Scope};
use charmproof_lifecycle::vocabulary::{HookKind, Name, Platform, Remote};
use serde_json::Value;

use super::python::Python;
use crate::player::HookRecord;

/// What Juju writes for a unit by itself.
const JUJUS_OWN_KEYS: [&str; 3] = ["egress-subnets", "ingress-address", "private-address"];

/// The name that a test has for what Juju writes by itself.
pub(super) const ADDRESSES: &str = "ADDRESSES";

#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) config: BTreeMap<String, Value>,
    pub(super) leader: bool,
    pub(super) relations: BTreeMap<u32, RelationView>,
    pub(super) storages: BTreeSet<String>,
    pub(super) containers: BTreeMap<String, bool>,
    pub(super) secrets: BTreeMap<SecretId, SecretView>,
    pub(super) ports: BTreeSet<(PortProtocol, u16)>,
    pub(super) status: Option<(StatusKind, String)>,
    pub(super) planned_units: usize,
    pub(super) is_machine: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Regular,
    Peer,
    Subordinate,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct RelationView {
    pub(super) kind: Kind,
    pub(super) endpoint: String,
    pub(super) id: u32,
    pub(super) remote_app: String,
    pub(super) local_app: Databag,
    pub(super) local_unit: Databag,
    pub(super) remote_app_data: Databag,
    pub(super) remote_units: BTreeMap<u32, Databag>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct SecretView {
    pub(super) owner: Option<&'static str>,
    pub(super) label: Option<String>,
    pub(super) tracked: BTreeMap<String, String>,
    pub(super) latest: BTreeMap<String, String>,
    pub(super) rotation: Rotation,
    pub(super) expire: Option<String>,
    pub(super) grants: BTreeMap<u32, BTreeSet<String>>,
}

impl View {
    /// Returns what a unit sees when a hook begins.
    pub(super) fn of(state: &State, record: &HookRecord, metadata: &CharmMetadata) -> Self {
        let (unit, hook) = (record.unit.as_str(), &record.hook);
        let application = application_of(unit);
        let known = state.applications.get(application);
        let own = state.units.get(unit);
        let config = known.iter().flat_map(|known| &known.config).filter_map(|(name, option)| {
            let value = option.value.as_ref().filter(|value| option.default.as_ref() != Some(value))?;
            Some((name.clone(), value.clone()))
        });
        let is_there = |relation: &&Relation| {
            relation.end_of(application).is_some()
                && (!relation.is_dying
                    || relation.in_scope.contains(unit)
                    || hook.relation_id == Some(relation.id))
        };
        let relations = state.relations.values().filter(is_there);
        let is_machine = state.juju.platform == Platform::Machine;
        let containers = metadata.containers.iter().filter(|_| !is_machine);
        let secrets = state.secrets.iter().filter(|(_, secret)| secret.may_be_read_by(unit));
        let ports = own.iter().flat_map(|own| &own.ports);
        Self {
            config: config.collect(),
            leader: state.is_leader(unit),
            relations: relations
                .map(|relation| (relation.id, RelationView::of(state, relation, record, metadata)))
                .collect(),
            storages: own.iter().flat_map(|own| own.storages.keys()).map(Name::to_string).collect(),
            containers: containers
                .map(|container| (container.name.clone(), record.workloads.contains_key(&container.name)))
                .collect(),
            secrets: secrets
                .filter_map(|(id, secret)| Some((id.clone(), SecretView::of(secret, unit)?)))
                .collect(),
            ports: ports
                .filter(|port| port.range.from == port.range.to && port.endpoint.is_empty())
                .map(|port| (port.range.protocol, port.range.from))
                .collect(),
            status: own
                .filter(|own| own.has_set_status)
                .map(|own| (own.status.kind, own.status.message.clone())),
            planned_units: state.units_of(application).count(),
            is_machine,
        }
    }

    /// Returns the whole as a `State`. The relations that are named are variables by then.
    pub(super) fn expression(
        &self,
        named: &BTreeMap<u32, &str>,
        rest: Vec<(Option<&'static str>, Python)>,
    ) -> Python {
        let mut arguments = Vec::new();
        let mut give = |name, value| arguments.push((Some(name), value));
        if self.is_machine {
            give("model", Python::code("testing.Model(type=\"lxd\")"));
        }
        if self.leader {
            give("leader", Python::code("True"));
        }
        if self.planned_units > 1 {
            give("planned_units", Python::code(self.planned_units.to_string()));
        }
        if !self.config.is_empty() {
            give("config", self.config_expression());
        }
        if !self.relations.is_empty() {
            let one = |relation: &RelationView| match named.get(&relation.id) {
                Some(name) => Python::code(*name),
                None => relation.expression(),
            };
            give("relations", Python::Set(self.relations.values().map(one).collect()));
        }
        if !self.storages.is_empty() {
            give("storages", self.storages_expression());
        }
        if !self.containers.is_empty() {
            give("containers", self.containers_expression());
        }
        if !self.secrets.is_empty() {
            let secrets = self.secrets.iter().map(|(id, secret)| secret.expression(id));
            give("secrets", Python::Set(secrets.collect()));
        }
        if !self.ports.is_empty() {
            let one = |(protocol, port): &(PortProtocol, u16)| match protocol {
                PortProtocol::Tcp => Python::code(format!("testing.TCPPort({port})")),
                PortProtocol::Udp => Python::code(format!("testing.UDPPort({port})")),
                PortProtocol::Icmp => Python::code("testing.ICMPPort()"),
            };
            give("opened_ports", Python::Set(self.ports.iter().map(one).collect()));
        }
        if let Some(status) = self.status_expression() {
            give("unit_status", status);
        }
        arguments.extend(rest);
        Python::Call("testing.State".to_owned(), arguments)
    }

    pub(super) fn config_expression(&self) -> Python {
        let items = self.config.iter().map(|(name, value)| (Some(Python::text(name)), Python::value(value)));
        Python::Dict(items.collect())
    }

    pub(super) fn storages_expression(&self) -> Python {
        let storages = self.storages.iter().map(|id| Python::code(storage(id)));
        set(storages.collect())
    }

    pub(super) fn containers_expression(&self) -> Python {
        let one = |(name, can_connect): (&String, &bool)| {
            let can_connect = if *can_connect { "True" } else { "False" };
            Python::Call(
                "testing.Container".to_owned(),
                vec![(None, Python::text(name)), (Some("can_connect"), Python::code(can_connect))],
            )
        };
        set(self.containers.iter().map(one).collect())
    }

    fn status_expression(&self) -> Option<Python> {
        let (kind, message) = self.status.as_ref()?;
        let class = match kind {
            StatusKind::Maintenance => "MaintenanceStatus",
            StatusKind::Blocked => "BlockedStatus",
            StatusKind::Waiting => "WaitingStatus",
            StatusKind::Active => "ActiveStatus",
            StatusKind::Unknown | StatusKind::Error | StatusKind::Terminated => return None,
        };
        let message = if message.is_empty() { Vec::new() } else { vec![(None, Python::text(message))] };
        Some(Python::Call(format!("testing.{class}"), message))
    }
}

/// Returns a set, which Python does not write as `{}` if it is empty.
fn set(items: Vec<Python>) -> Python {
    if items.is_empty() { Python::code("set()") } else { Python::Set(items) }
}

/// Returns the storage of an id such as `data/0`.
pub(super) fn storage(id: &str) -> String {
    let (name, index) = id.rsplit_once('/').unwrap_or((id, "0"));
    format!("testing.Storage(\"{name}\", index={index})")
}

impl RelationView {
    fn of(state: &State, relation: &Relation, record: &HookRecord, metadata: &CharmMetadata) -> Self {
        let (unit, hook) = (record.unit.as_str(), &record.hook);
        let application = application_of(unit);
        let endpoint = relation.end_of(application).map_or_else(String::new, |end| end.endpoint.to_string());
        let remote = relation.remote_application(application).map_or("", Name::as_str);
        let declared = metadata.endpoints.iter().find(|declared| declared.name == endpoint);
        let kind = if relation.is_peer() {
            Kind::Peer
        } else if declared.is_some_and(|declared| declared.scope == Scope::Container) {
            Kind::Subordinate
        } else {
            Kind::Regular
        };
        let members = state.units.get(unit).and_then(|own| own.members.get(&relation.id));
        let mut members: BTreeSet<Name> = members.cloned().unwrap_or_default();
        if let (Some(id), Remote::Unit(about)) = (hook.relation_id, &hook.remote)
            && id == relation.id
        {
            match hook.kind {
                // A unit that goes is not listed any more. Its data can be read all the same,
                // which a test only allows of units that are listed.
                HookKind::RelationDeparted if !reads(record, id, about) => {
                    members.remove(about);
                }
                HookKind::RelationJoined | HookKind::RelationChanged | HookKind::RelationDeparted => {
                    members.insert(about.clone());
                }
                _ => {}
            }
        }
        if hook.kind == HookKind::RelationBroken && hook.relation_id == Some(relation.id) {
            members.clear();
        }
        let bag = |of: &BTreeMap<Name, Databag>, name: &str| of.get(name).cloned().unwrap_or_default();
        let remote_units = members
            .iter()
            .filter(|member| member.as_str() != unit)
            .filter_map(|member| Some((number_of(member)?, bag(&relation.unit_data, member))));
        Self {
            kind,
            endpoint,
            id: relation.id,
            remote_app: remote.to_owned(),
            local_app: bag(&relation.application_data, application),
            local_unit: bag(&relation.unit_data, unit),
            remote_app_data: if kind == Kind::Peer {
                Databag::new()
            } else {
                bag(&relation.application_data, remote)
            },
            remote_units: remote_units.collect(),
        }
    }

    /// Returns the relation, to be written into a state.
    pub(super) fn expression(&self) -> Python {
        let mut arguments =
            vec![(None, Python::text(&self.endpoint)), (Some("id"), Python::code(self.id.to_string()))];
        if self.kind != Kind::Peer {
            arguments.push((Some("remote_app_name"), Python::text(&self.remote_app)));
        }
        if !self.local_app.is_empty() {
            arguments.push((Some("local_app_data"), Python::texts(&self.local_app)));
        }
        // What Juju writes is what a test has by itself.
        if has_own(&self.local_unit) {
            arguments.push((Some("local_unit_data"), unit_databag(&self.local_unit)));
        }
        arguments.extend(self.remote_arguments());
        let class = match self.kind {
            Kind::Regular => "testing.Relation",
            Kind::Peer => "testing.PeerRelation",
            Kind::Subordinate => "testing.SubordinateRelation",
        };
        Python::Call(class.to_owned(), arguments)
    }

    /// Returns what others write.
    pub(super) fn remote_arguments(&self) -> Vec<(Option<&'static str>, Python)> {
        let mut arguments = Vec::new();
        if !self.remote_app_data.is_empty() {
            arguments.push((Some("remote_app_data"), Python::texts(&self.remote_app_data)));
        }
        match self.kind {
            Kind::Regular => {
                arguments.push((Some("remote_units_data"), self.units_expression()));
            }
            Kind::Peer => {
                if !self.remote_units.is_empty() {
                    arguments.push((Some("peers_data"), self.units_expression()));
                }
            }
            Kind::Subordinate => {
                if let Some((number, data)) = self.remote_units.iter().next() {
                    arguments.push((Some("remote_unit_id"), Python::code(number.to_string())));
                    arguments.push((Some("remote_unit_data"), unit_databag(data)));
                }
            }
        }
        arguments
    }

    fn units_expression(&self) -> Python {
        let units = self.remote_units.iter();
        Python::Dict(
            units
                .map(|(number, data)| (Some(Python::code(number.to_string())), unit_databag(data)))
                .collect(),
        )
    }
}

/// Whether a hook has read the data of a unit.
fn reads(record: &HookRecord, id: u32, unit: &str) -> bool {
    record.effects.calls.iter().any(|call| {
        matches!(call, Call::RelationGet { relation, of, is_application: false, .. } if *relation == id && of == unit)
    })
}

/// Whether there is more in a databag than Juju writes by itself.
fn has_own(data: &Databag) -> bool {
    data.keys().any(|key| !JUJUS_OWN_KEYS.contains(&key.as_str()))
}

/// Returns the databag of a unit.
fn unit_databag(data: &Databag) -> Python {
    let own: Databag = data
        .iter()
        .filter(|(key, _)| !JUJUS_OWN_KEYS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if own.len() == data.len() {
        return Python::texts(data);
    }
    if own.is_empty() {
        return Python::code(ADDRESSES);
    }
    let Python::Dict(items) = Python::texts(&own) else { return Python::texts(data) };
    Python::Dict(std::iter::once((None, Python::code(ADDRESSES))).chain(items).collect())
}

impl SecretView {
    /// `None` for a secret that has nothing in it any more.
    fn of(secret: &Secret, unit: &str) -> Option<Self> {
        let latest = secret.latest_revision()?;
        let consumer = secret.consumers.get(unit);
        let tracked =
            consumer.and_then(|consumer| secret.revisions.get(&consumer.revision)).unwrap_or(latest);
        let owner = match &secret.owner {
            SecretOwner::Application(owner) if owner == application_of(unit) => Some("app"),
            SecretOwner::Unit(owner) if owner == unit => Some("unit"),
            SecretOwner::Application(_) | SecretOwner::Unit(_) | SecretOwner::User => None,
        };
        let label = match owner {
            Some(_) => Some(secret.label.clone()),
            None => consumer.and_then(|consumer| consumer.label.clone()),
        };
        let mut grants: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
        for (to, grant) in secret.grants.iter().filter(|_| owner.is_some()) {
            if let Some(relation) = grant.relation {
                grants.entry(relation).or_default().insert(to.to_string());
            }
        }
        Some(Self {
            owner,
            label: label.filter(|label| !label.is_empty()),
            tracked: tracked.content.clone(),
            latest: latest.content.clone(),
            rotation: secret.rotation,
            expire: latest.expire.map(|time| time.to_string().replace('Z', "+00:00")),
            grants,
        })
    }

    pub(super) fn expression(&self, id: &SecretId) -> Python {
        let mut arguments = vec![(None, Python::texts(&self.tracked))];
        if self.latest != self.tracked {
            arguments.push((Some("latest_content"), Python::texts(&self.latest)));
        }
        arguments.push((Some("id"), Python::text(&id.uri())));
        if let Some(owner) = self.owner {
            arguments.push((Some("owner"), Python::text(owner)));
        }
        if let Some(label) = &self.label {
            arguments.push((Some("label"), Python::text(label)));
        }
        let rotation: &str = self.rotation.into();
        if self.rotation != Rotation::Never {
            arguments.push((
                Some("rotate"),
                Python::code(format!("ops.SecretRotate.{}", rotation.to_uppercase())),
            ));
        }
        if let Some(expire) = &self.expire {
            arguments.push((
                Some("expire"),
                Python::code(format!("datetime.datetime.fromisoformat(\"{expire}\")")),
            ));
        }
        if !self.grants.is_empty() {
            let one = |(relation, to): (&u32, &BTreeSet<String>)| {
                let to = to.iter().map(|name| Python::text(name)).collect();
                (Some(Python::code(relation.to_string())), Python::Set(to))
            };
            arguments.push((Some("remote_grants"), Python::Dict(self.grants.iter().map(one).collect())));
        }
        Python::Call("testing.Secret".to_owned(), arguments)
    }
}

/// Returns the number of a unit.
pub(super) fn number_of(unit: &str) -> Option<u32> {
    unit.rsplit_once('/')?.1.parse().ok()
}
