//! What `juju status` shows of a model.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_agent::state::{Relation, RelationEnds, Status, StatusKind, application_of};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name};
use jiff::Timestamp;

use crate::controller::VERSION;
use crate::controller::data::{AgentStatus, ApplicationData, MachineData, ModelData, UnitData};
use crate::view::status::{
    ApplicationRelationView, ApplicationView, BaseView, ControllerClockView, MachineView, ModelView,
    NetworkInterfaceView, OfferStatusView, RelationView, RemoteApplicationView, RemoteEndpointView,
    StatusInfo, StatusView, UnitView,
};
use crate::view::time::Times;

/// Returns what is shown of a model.
pub(crate) fn status(model: &ModelData, times: &Times) -> StatusView {
    let now = Timestamp::now();
    StatusView {
        model: ModelView {
            name: model.name.clone(),
            kind: if model.is_kubernetes() { "caas" } else { "iaas" }.to_owned(),
            controller: model.controller.clone(),
            cloud: model.cloud.clone(),
            region: "localhost".to_owned(),
            version: VERSION.to_owned(),
            upgrade_available: String::new(),
            status: StatusInfo::new(
                if model.is_dying { "destroying" } else { "available" },
                "",
                times.since(model.since),
            ),
            sla: "unsupported".to_owned(),
        },
        machines: model
            .machines
            .iter()
            .map(|(number, data)| (number.to_string(), machine(model, *number, data, times)))
            .collect(),
        applications: model
            .applications
            .iter()
            .map(|(name, data)| (name.to_string(), application(model, name, data, times)))
            .collect(),
        remote_applications: remote_applications(model, times),
        offers: offers(model),
        relations: relations(model),
        storage: super::storage_view::list(model, times),
        controller: Some(ControllerClockView { timestamp: times.time_of_day(now) }),
    }
}

fn base(data: &ApplicationData) -> BaseView {
    BaseView { name: data.charm.base.name.clone(), channel: data.charm.base.channel.clone() }
}

/// Returns the hardware address that an address stands for: they come in pairs.
fn hardware_address(address: &str) -> String {
    let numbers: Vec<u8> = address.split('.').filter_map(|number| number.parse().ok()).collect();
    let hex: String = numbers.iter().map(|number| format!(":{number:02x}")).collect();
    format!("00:16{hex}")
}

fn machine(model: &ModelData, number: u32, data: &MachineData, times: &Times) -> MachineView {
    let is_started = data.status == "started";
    let host = format!("juju-{}-{number}", &model.uuid[model.uuid.len().saturating_sub(6)..]);
    let address = data.address.clone().unwrap_or_default();
    let since = times.since(data.since);
    let interfaces = if is_started {
        let interface = NetworkInterfaceView {
            ip_addresses: vec![address.clone()],
            mac_address: hardware_address(&address),
            space: super::SPACE.to_owned(),
            is_up: true,
            ..NetworkInterfaceView::default()
        };
        BTreeMap::from([("eth0".to_owned(), interface)])
    } else {
        BTreeMap::new()
    };
    let mut juju_status = StatusInfo::new(data.status.clone(), "", since.clone());
    if is_started {
        VERSION.clone_into(&mut juju_status.version);
    }
    let (machine_status, message) = data.instance_status();
    MachineView {
        id: number.to_string(),
        juju_status,
        hostname: if is_started { host.clone() } else { String::new() },
        dns_name: address.clone(),
        ip_addresses: if is_started { vec![address] } else { Vec::new() },
        instance_id: if is_started { host } else { "pending".to_owned() },
        machine_status: StatusInfo::new(machine_status, message, since.clone()),
        modification_status: StatusInfo::new("idle", "", since),
        base: Some(BaseView { name: data.base.name.clone(), channel: data.base.channel.clone() }),
        network_interfaces: interfaces,
        constraints: data.constraints.clone(),
        hardware: if is_started { format!("arch={}", super::deploy::architecture()) } else { String::new() },
        ..MachineView::default()
    }
}

fn application(model: &ModelData, name: &Name, data: &ApplicationData, times: &Times) -> ApplicationView {
    let units: Vec<&Name> = model.units.keys().filter(|unit| application_of(unit) == name.as_str()).collect();
    let is_subordinate = data.metadata.as_ref().is_some_and(|metadata| metadata.subordinate);
    let known = model.state.applications.get(name);
    let mut version = String::new();
    for unit in &units {
        if let Some(unit) = model.state.units.get(*unit).filter(|unit| !unit.workload_version.is_empty()) {
            version.clone_from(&unit.workload_version);
        }
    }
    let bindings = known
        .into_iter()
        .flat_map(|known| known.endpoints.keys())
        .filter(|endpoint| endpoint.as_str() != super::relations::JUJU_INFO);
    let bindings: BTreeMap<String, String> = bindings
        .map(ToString::to_string)
        .chain([String::new()])
        .map(|endpoint| (endpoint, super::SPACE.to_owned()))
        .collect();
    ApplicationView {
        charm: charm_url(data),
        base: Some(base(data)),
        charm_origin: if data.charm.is_local { "local" } else { "charmhub" }.to_owned(),
        charm_name: data.charm.name.clone(),
        charm_rev: u64::from(data.charm.revision),
        charm_channel: data.charm.channel.clone().unwrap_or_default(),
        charm_version: data.charm.version.clone().unwrap_or_default(),
        scale: if model.is_kubernetes() { u64::from(data.scale) } else { 0 },
        provider_id: if model.is_kubernetes() {
            super::models::stable_uuid(&format!("{}/{name}", model.uuid))
        } else {
            String::new()
        },
        address: if model.is_kubernetes() { service_address(model, name) } else { String::new() },
        exposed: data.exposed.is_some(),
        life: if data.is_dying { "dying" } else { "" }.to_owned(),
        status: application_status(model, name, times),
        relations: application_relations(model, name),
        subordinate_to: if is_subordinate { principals(model, name) } else { Vec::new() },
        units: if is_subordinate {
            BTreeMap::new()
        } else {
            units
                .into_iter()
                .filter_map(|unit| Some((unit.to_string(), unit_view(model, unit, times)?)))
                .collect()
        },
        version,
        endpoint_bindings: bindings,
        ..ApplicationView::default()
    }
}

/// Returns the address of an application's service: that of a unit, as services of ours have no
/// address of their own.
pub(super) fn service_address(model: &ModelData, name: &str) -> String {
    let leader = model.lifecycle.leader(name);
    let first = leader.cloned().or_else(|| model.state.units_of(name).next().map(|unit| unit.name.clone()));
    let unit = first
        .and_then(|unit| model.units.get(&unit).filter(|data| data.is_up).and(model.state.units.get(&unit)));
    unit.map(|unit| unit.public_address.clone()).unwrap_or_default()
}

/// Returns how Juju writes a charm: `local:web-0`, or the name of one from the store.
fn charm_url(data: &ApplicationData) -> String {
    if data.charm.is_local {
        format!("local:{}-{}", data.charm.name, data.charm.revision)
    } else {
        data.charm.name.clone()
    }
}

/// Returns how Juju writes a charm in full.
pub(super) fn full_charm_url(data: &ApplicationData, revision: u32) -> String {
    if data.charm.is_local {
        format!("local:{}-{revision}", data.charm.name)
    } else {
        format!("ch:{}/{}-{revision}", super::deploy::architecture(), data.charm.name)
    }
}

/// Returns what is shown of a unit's workload: the error of its agent, with the other end of the relation,
/// or what the charm said last. So it is while the hook that failed runs again (state/unit.go, `Status`). What
/// the charm of a lost agent said last is not what it is like (apiserver/common/unitstatus.go).
pub(crate) fn workload_status(model: &ModelData, unit: &Name) -> Option<Status> {
    let (data, seen) = (model.units.get(unit)?, model.state.units.get(unit)?);
    if data.agent == AgentStatus::Lost && seen.status.kind != StatusKind::Terminated {
        let message = format!("agent lost, see 'juju show-status-log {unit}'");
        return Some(Status { kind: StatusKind::Unknown, message, ..seen.status.clone() });
    }
    if data.agent != AgentStatus::Error || pending(model, unit, data).is_some() {
        return Some(seen.status.clone());
    }
    let shown = Status::new(StatusKind::Error, data.agent_message.clone(), data.agent_since);
    let world = model.lifecycle.units().get(unit)?;
    let charmproof_lifecycle::world::Operation::Failed(hook) = world.operation() else { return Some(shown) };
    let other = hook.relation_id.and_then(|id| {
        let relation = model.state.relations.get(&id)?;
        let RelationEnds::Between(a, b) = &relation.ends else { return None };
        let far = if a.application == application_of(unit) { b } else { a };
        Some(format!("{}:{}", far.application, far.endpoint))
    });
    Some(match other {
        Some(other) => Status { message: format!("{} for {other}", shown.message), ..shown },
        None => shown,
    })
}

/// Returns the status of an application: what its leader has set, or that of the unit which needs
/// most attention (core/status/status.go, `DeriveStatus`).
pub(super) fn application_status(model: &ModelData, name: &Name, times: &Times) -> StatusInfo {
    let status = shown_application_status(model, name);
    StatusInfo::new(status.kind.name(), status.message, times.since(status.since))
}

/// Returns the status that an application shows.
pub(crate) fn shown_application_status(model: &ModelData, name: &Name) -> Status {
    let known = model.state.applications.get(name);
    if let Some(status) = known.and_then(|known| known.status.as_ref()) {
        return status.clone();
    }
    let mut statuses: Vec<Status> = model
        .units
        .keys()
        .filter(|unit| application_of(unit) == name.as_str())
        .filter_map(|unit| workload_status(model, unit))
        .collect();
    statuses.reverse();
    let worst = statuses.into_iter().max_by_key(|status| status.kind.severity());
    worst.unwrap_or_else(|| Status::new(StatusKind::Unknown, "", model.since))
}

/// Returns what a unit is about to run: whoever asks right after a command sees that there is work, before
/// the agent has begun it.
fn pending(model: &ModelData, unit: &Name, data: &UnitData) -> Option<Hook> {
    let is_at_rest = data.is_up && matches!(data.agent, AgentStatus::Idle | AgentStatus::Error);
    let hook = is_at_rest.then(|| model.pending(unit)).flatten();
    hook.filter(|hook| hook.kind != HookKind::UpdateStatus)
}

fn agent_status(model: &ModelData, unit: &Name, data: &UnitData, times: &Times) -> StatusInfo {
    let (status, message) = match &pending(model, unit, data) {
        Some(hook) if hook.kind == HookKind::Action => {
            (AgentStatus::Executing, format!("running action {}", hook.subject()))
        }
        Some(hook) => (AgentStatus::Executing, format!("running {} hook", hook.name())),
        // The workload shows it.
        None if data.agent == AgentStatus::Error => (AgentStatus::Idle, String::new()),
        None => (data.agent, data.agent_message.clone()),
    };
    let mut info = StatusInfo::new(<&str>::from(status), message, times.since(data.agent_since));
    if data.is_up {
        VERSION.clone_into(&mut info.version);
    }
    if model.state.units.get(unit).is_some_and(|unit| unit.is_dying) {
        "dying".clone_into(&mut info.life);
    }
    info
}

pub(super) fn unit_view(model: &ModelData, unit: &Name, times: &Times) -> Option<UnitView> {
    let (data, known) = (model.units.get(unit)?, model.state.units.get(unit)?);
    let shown = workload_status(model, unit)?;
    let application = model.applications.get(application_of(unit))?;
    let is_kubernetes = model.is_kubernetes();
    let address = address(model, unit);
    let subordinates = model
        .subordinates(unit)
        .filter_map(|other| Some((other.to_string(), unit_view(model, other, times)?)));
    Some(UnitView {
        workload_status: StatusInfo::new(shown.kind.name(), shown.message, times.since(shown.since)),
        juju_status: agent_status(model, unit, data, times),
        leader: leads(model, unit),
        upgrading_from: if data.charm_digest == application.charm.digest {
            String::new()
        } else {
            full_charm_url(application, data.charm_revision)
        },
        machine: if known.principal.is_some() {
            String::new()
        } else {
            data.machine.clone().unwrap_or_default()
        },
        open_ports: known
            .ports
            .iter()
            .map(|port| port.range.to_string())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        public_address: if is_kubernetes { String::new() } else { address.clone() },
        address: if is_kubernetes { address } else { String::new() },
        provider_id: if is_kubernetes && data.is_up { unit.replace('/', "-") } else { String::new() },
        subordinates: subordinates.collect(),
    })
}

/// Whether a unit is shown as the leader of its application: its agent asks for that when it comes up.
pub(super) fn leads(model: &ModelData, unit: &Name) -> bool {
    model.state.is_leader(unit) && model.units.get(unit).is_some_and(|data| data.is_up)
}

/// Returns the address of a unit: that of its machine, or of its pod once that is there. Empty until then.
pub(super) fn address(model: &ModelData, unit: &Name) -> String {
    let Some(data) = model.units.get(unit) else { return String::new() };
    let Some(machine) = &data.machine else {
        let pod = model.state.units.get(unit).filter(|_| data.is_up);
        return pod.map(|pod| pod.public_address.clone()).unwrap_or_default();
    };
    let machine = machine.parse().ok().and_then(|number: u32| model.machines.get(&number));
    machine.and_then(|machine| machine.address.clone()).unwrap_or_default()
}

/// Returns the other ends of an application's relations, by its own endpoint.
fn application_relations(model: &ModelData, name: &Name) -> BTreeMap<String, Vec<ApplicationRelationView>> {
    let mut all: BTreeMap<String, BTreeMap<String, ApplicationRelationView>> = BTreeMap::new();
    let interface = |endpoint: &Name| {
        if *endpoint == *super::relations::JUJU_INFO {
            return Some(super::relations::JUJU_INFO.to_owned());
        }
        let known = model.state.applications.get(name)?;
        Some(known.endpoints.get(endpoint)?.interface.clone())
    };
    for relation in model.state.relations.values() {
        let (own, other) = match &relation.ends {
            RelationEnds::Peer(end) if end.application == *name => (end, end),
            RelationEnds::Between(a, b) if a.application == *name => (a, b),
            RelationEnds::Between(a, b) if b.application == *name => (b, a),
            RelationEnds::Peer(_) | RelationEnds::Between(..) => continue,
        };
        // The offering side hides who consumes it.
        if model.is_consumer(&other.application) {
            continue;
        }
        let charm = model.lifecycle.applications().find(|(known, _)| *known == name).map(|(_, charm)| charm);
        let is_container = charm
            .and_then(|charm| charm.endpoint(&own.endpoint))
            .is_some_and(|endpoint| endpoint.is_container_scoped);
        let view = ApplicationRelationView {
            related_application: other.application.to_string(),
            interface: interface(&own.endpoint).unwrap_or_default(),
            scope: if is_container { "container" } else { "global" }.to_owned(),
        };
        all.entry(own.endpoint.to_string()).or_default().insert(other.application.to_string(), view);
    }
    all.into_iter().map(|(endpoint, views)| (endpoint, views.into_values().collect())).collect()
}

fn principals(model: &ModelData, name: &Name) -> Vec<String> {
    let all: BTreeSet<String> = model
        .state
        .relations
        .values()
        .filter_map(|relation| match &relation.ends {
            RelationEnds::Between(a, b) if a.application == *name => Some(b),
            RelationEnds::Between(a, b) if b.application == *name => Some(a),
            RelationEnds::Peer(_) | RelationEnds::Between(..) => None,
        })
        .filter(|end| {
            model
                .applications
                .get(&end.application)
                .and_then(|data| data.metadata.as_ref())
                .is_some_and(|metadata| !metadata.subordinate)
        })
        .map(|end| end.application.to_string())
        .collect();
    all.into_iter().collect()
}

fn relations(model: &ModelData) -> Vec<RelationView> {
    let role = |application: &Name, endpoint: &Name| {
        let known = model.state.applications.get(application)?.endpoints.get(endpoint)?;
        Some((known.role, known.interface.clone()))
    };
    let mut all = Vec::new();
    // Juju shows a relation between models where it is consumed, and not where it is offered.
    let is_shown = |relation: &&Relation| match &relation.ends {
        RelationEnds::Peer(_) => true,
        RelationEnds::Between(a, b) => ![a, b].into_iter().any(|end| model.is_consumer(&end.application)),
    };
    for relation in model.state.relations.values().filter(is_shown) {
        let status = if relation.is_dying {
            "removed"
        } else if relation.is_suspended {
            "suspended"
        } else {
            "joined"
        };
        let word =
            |end: &charmproof_agent::state::RelationEnd| format!("{}:{}", end.application, end.endpoint);
        let (provider, requirer, kind, interface) = match &relation.ends {
            RelationEnds::Peer(end) => (
                word(end),
                word(end),
                "peer",
                role(&end.application, &end.endpoint).map(|(_, interface)| interface),
            ),
            RelationEnds::Between(a, b) => {
                let of_a = role(&a.application, &a.endpoint);
                let of_b = role(&b.application, &b.endpoint);
                let a_provides = match (&of_a, &of_b) {
                    (Some((charmproof_agent::state::EndpointRole::Provides, _)), _)
                    | (None, Some((charmproof_agent::state::EndpointRole::Requires, _))) => true,
                    (Some(_) | None, _) => false,
                };
                let charm = |name: &Name| model.applications.get(name).and_then(|data| data.metadata.clone());
                let is_subordinate = [a, b]
                    .iter()
                    .any(|end| charm(&end.application).is_some_and(|metadata| metadata.subordinate));
                let kind = if is_subordinate { "subordinate" } else { "regular" };
                let interface = of_a.or(of_b).map(|(_, interface)| interface);
                if a_provides {
                    (word(a), word(b), kind, interface)
                } else {
                    (word(b), word(a), kind, interface)
                }
            }
        };
        all.push(RelationView {
            provider,
            requirer,
            interface: interface.unwrap_or_default(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            message: model.suspensions.get(&relation.id).cloned().unwrap_or_default(),
        });
    }
    all
}

fn remote_applications(model: &ModelData, times: &Times) -> BTreeMap<String, RemoteApplicationView> {
    let mut all = BTreeMap::new();
    for (name, remote) in &model.remotes {
        let Some(url) = &remote.url else { continue };
        let endpoints = remote.endpoints.iter().map(|(endpoint, (interface, provides))| {
            let role = if *provides { "provider" } else { "requirer" };
            (endpoint.clone(), RemoteEndpointView { interface: interface.clone(), role: role.to_owned() })
        });
        let mut relations: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for relation in model.state.relations.values() {
            let RelationEnds::Between(a, b) = &relation.ends else { continue };
            for (own, other) in [(a, b), (b, a)] {
                if own.application == *name {
                    relations
                        .entry(own.endpoint.to_string())
                        .or_default()
                        .push(other.application.to_string());
                }
            }
        }
        let view = RemoteApplicationView {
            url: url.clone(),
            endpoints: endpoints.collect(),
            life: if remote.is_dying { "dying" } else { "" }.to_owned(),
            status: StatusInfo::new(
                remote.status.as_ref().map_or("unknown", |(status, _)| status.as_str()),
                remote.status.as_ref().map_or("", |(_, message)| message.as_str()),
                times.since(remote.since),
            ),
            relations,
        };
        all.insert(name.to_string(), view);
    }
    all
}

fn offers(model: &ModelData) -> BTreeMap<String, OfferStatusView> {
    let mut all = BTreeMap::new();
    for (name, offer) in &model.offers {
        let connections: Vec<u32> = model.connections_of(name).collect();
        let is_active = |id: &&u32| model.state.relations.get(id).is_some_and(|known| !known.is_suspended);
        let charm =
            model.applications.get(&offer.application).map(|data| full_charm_url(data, data.charm.revision));
        let view = OfferStatusView {
            application: offer.application.to_string(),
            charm: charm.unwrap_or_default(),
            total_connected_count: connections.len() as u64,
            active_connected_count: connections.iter().filter(is_active).count() as u64,
            endpoints: super::offers::endpoints(model, offer),
        };
        all.insert(name.clone(), view);
    }
    all
}
