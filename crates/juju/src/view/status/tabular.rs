//! `juju status` as people know it: a table per kind of thing.

use super::super::colour::Colour;
use super::super::order::naturally;
use super::super::storage;
use super::super::table::Table;
use super::{
    ApplicationView, MESSAGE_WIDTH, MachineListView, MachineView, ModelView, OfferStatusView, RelationView,
    RemoteApplicationView, StatusInfo, StatusOptions, StatusView, UnitView, each_subordinate,
    image_reference, ports, shortened,
};

/// The hooks that a unit's row names while they run: those whose message has no name of an
/// integration, a storage or a container before them.
const HOOKS_NAMED: [&str; 19] = [
    "install",
    "start",
    "config-changed",
    "upgrade-charm",
    "stop",
    "remove",
    "collect-metrics",
    "meter-status-changed",
    "leader-elected",
    "leader-deposed",
    "leader-settings-changed",
    "update-status",
    "pre-series-upgrade",
    "post-series-upgrade",
    "relation-created",
    "relation-joined",
    "relation-changed",
    "relation-departed",
    "relation-broken",
];

/// Writes a table per kind of thing that is there.
pub fn write_tabular(status: &StatusView, options: &StatusOptions) -> String {
    let mut table = Table::new(options.is_coloured);
    write_model(&mut table, status);
    if !status.remote_applications.is_empty() {
        write_remote_applications(&mut table, status);
    }
    if !status.applications.is_empty() {
        write_applications(&mut table, status);
        write_units(&mut table, status);
    }
    if !status.model.is_caas() && !status.machines.is_empty() {
        table.text("\n");
        write_machine_rows(&mut table, status.machines.values());
    }
    if !status.offers.is_empty() {
        write_offers(&mut table, status);
    }
    if options.shows_relations && !status.relations.is_empty() {
        write_relations(&mut table, &status.relations);
    }
    if options.shows_storage && !status.storage.is_empty() {
        storage::write_status_section(&mut table, &status.storage);
    }
    table.finish()
}

/// Writes the machines alone, as `juju machines` does.
pub fn write_machines(list: &MachineListView, is_coloured: bool) -> String {
    let mut table = Table::new(is_coloured);
    write_machine_rows(&mut table, list.machines.values());
    table.finish()
}

fn write_model(table: &mut Table, status: &StatusView) {
    let model = &status.model;
    let mut headers = vec!["Model", "Controller", "Cloud/Region", "Version"];
    let mut rest = Vec::new();
    if !model.sla.is_empty() {
        headers.push("SLA");
        rest.push(model.sla.clone());
    }
    if let Some(controller) = &status.controller {
        headers.push("Timestamp");
        rest.push(controller.timestamp.clone());
    }
    let notes = notes(model);
    if !notes.is_empty() {
        headers.push("Notes");
        rest.push(shortened(&notes, MESSAGE_WIDTH));
    }
    table.headers(&headers);
    let region = if model.region.is_empty() { String::new() } else { format!("/{}", model.region) };
    table.cell(&model.name).cell(&model.controller).cell(&format!("{}{region}", model.cloud));
    if !model.version.is_empty() {
        table.cell(&model.version);
    }
    table.line(&rest.iter().map(String::as_str).collect::<Vec<_>>());
}

/// What matters most about a model.
fn notes(model: &ModelView) -> String {
    if !model.status.message.is_empty() {
        model.status.message.clone()
    } else if model.upgrade_available.is_empty() {
        String::new()
    } else {
        format!("upgrade available: {}", model.upgrade_available)
    }
}

fn write_remote_applications(table: &mut Table, status: &StatusView) {
    table.text("\n").headers(&["SAAS", "Status", "Store", "URL"]);
    for name in naturally(status.remote_applications.keys()) {
        let RemoteApplicationView { url, status, .. } = &status.remote_applications[name];
        let (store, path) = url.split_once(':').unwrap_or(("local", url));
        table.cell(name).status(&status.current).line(&[store, path]);
    }
    table.flush();
}

fn write_applications(table: &mut Table, status: &StatusView) {
    let is_caas = status.model.is_caas();
    let mut headers = vec!["App", "Version", "Status", "Scale", "Charm", "Channel", "Rev"];
    if is_caas {
        headers.push("Address");
    }
    headers.extend(["Exposed", "Message"]);
    table.text("\n").headers(&headers);
    table.align_right(3);
    table.align_right(6);
    for name in naturally(status.applications.keys()) {
        let application = &status.applications[name];
        table.cell(name).cell(&shown_version(application, is_caas));
        table.status(&application.status.current);
        let (available, wanted) = scale(status, name, application);
        if available == wanted {
            table.cell(&available.to_string());
        } else {
            table.cell_in(Colour::Yellow, &format!("{available}/{wanted}"));
        }
        table.cell(&application.charm_name).cell(&application.charm_channel);
        let revision = application.charm_rev.to_string();
        if application.can_upgrade_to.is_empty() {
            table.cell(&revision);
        } else {
            table.cell_in(Colour::Yellow, &revision);
        }
        if is_caas {
            table.cell_in(Colour::Cyan, &application.address);
        }
        if application.exposed {
            table.cell_in(Colour::Green, "yes");
        } else {
            table.cell("no");
        }
        end_with_message(table, &application.status.message);
    }
    table.flush();
}

fn end_with_message(table: &mut Table, message: &str) {
    table.text_in(Colour::Gray, &shortened(message, MESSAGE_WIDTH)).text("\n");
}

/// The first line of the version, in a model on Kubernetes with as little of an image's
/// address as says what it is.
fn shown_version(application: &ApplicationView, is_caas: bool) -> String {
    let width = if is_caas { 30 } else { 15 };
    let mut version = application.version.split('\n').next().unwrap_or_default().to_owned();
    if is_caas && !version.is_empty() {
        version = image_reference::shown(&version);
        let is_of_juju =
            application.version.contains("jujucharms.") || application.version.contains("rocks.");
        let parts: Vec<&str> = version.split('/').collect();
        let is_redundant = parts.len() > 2 && (version.len() > width || parts[1] == application.charm);
        if is_of_juju && is_redundant && application.charm_origin == "charmhub" {
            version = format!("res:{}", parts[2..].join("/"));
        }
        if version.len() > width
            && let Some((_, rest)) = version.split_once('/')
        {
            version = format!("{}/{rest}", super::ELLIPSIS);
        }
    }
    shortened(&version, width)
}

/// How many units work, and how many there are to be.
fn scale(status: &StatusView, name: &str, application: &ApplicationView) -> (u64, u64) {
    let (mut available, mut wanted) = (0, 0);
    let mut count = |unit: &UnitView| {
        wanted += 1;
        let is_up = matches!(unit.juju_status.current.as_str(), "executing" | "idle" | "running");
        if is_up && unit.workload_status.current != "terminated" {
            available += 1;
        }
    };
    if application.subordinate_to.is_empty() {
        application.units.values().for_each(&mut count);
    } else {
        let principals = status.applications.values().flat_map(|application| application.units.values());
        principals
            .flat_map(|unit| &unit.subordinates)
            .filter(|(unit, _)| unit.split_once('/').is_some_and(|(application, _)| application == name))
            .for_each(|(_, unit)| count(unit));
    }
    if status.model.is_caas() {
        wanted = application.scale;
    }
    (available, wanted)
}

fn write_units(table: &mut Table, status: &StatusView) {
    let units = || status.applications.values().flat_map(|application| &application.units);
    if units().next().is_none() {
        return;
    }
    let is_caas = status.model.is_caas();
    if is_caas {
        table.text("\n").headers(&["Unit", "Workload", "Agent", "Address", "Ports", "Message"]);
    } else {
        table.text("\n").headers(&[
            "Unit",
            "Workload",
            "Agent",
            "Machine",
            "Public address",
            "Ports",
            "Message",
        ]);
    }
    let mut sorted: Vec<(&String, &UnitView)> = units().collect();
    sorted.sort_by(|one, other| super::super::order::natural(one.0, other.0));
    let mut write = |name: &str, unit: &UnitView, depth: usize| {
        write_unit(table, name, unit, depth, is_caas);
    };
    for (name, unit) in sorted {
        write(name, unit, 0);
        each_subordinate(unit, 1, &mut write);
    }
    table.flush();
}

fn write_unit(table: &mut Table, name: &str, unit: &UnitView, depth: usize, is_caas: bool) {
    let mut message = unit.workload_status.message.clone();
    if unit.juju_status.current == "allocating" && message.is_empty() {
        message.clone_from(&unit.juju_status.message);
    }
    if let Some(doing) = doing(&unit.juju_status) {
        message = format!("({doing}) {message}");
    }
    let star = if unit.leader { "*" } else { "" };
    table.cell(&format!("{}{name}{star}", " ".repeat(depth * 2)));
    table.status(&unit.workload_status.current).status(&unit.juju_status.current);
    if is_caas {
        table.cell_in(Colour::Cyan, &unit.address);
    } else {
        table.cell(&unit.machine).cell_in(Colour::Cyan, &unit.public_address);
    }
    let is_coloured = table.is_coloured();
    let ports = ports::grouped(&unit.open_ports, |port| {
        if is_coloured { Colour::BrightMagenta.paint(port) } else { port.to_owned() }
    });
    table.cell(&ports);
    end_with_message(table, &message);
}

/// The hook or the action that an agent runs, if its message says so.
fn doing(agent: &StatusInfo) -> Option<&str> {
    if agent.current != "executing" {
        return None;
    }
    let is_named = |hook: &&str| HOOKS_NAMED.contains(hook);
    let hook = agent.message.strip_prefix("running ").and_then(|rest| rest.split_once(" hook"));
    if let Some((hook, _)) = hook.filter(|(hook, _)| is_named(hook)) {
        return Some(hook);
    }
    agent.message.strip_prefix("running action ")
}

fn write_machine_rows<'a>(table: &mut Table, machines: impl Iterator<Item = &'a MachineView>) {
    table.headers(&["Machine", "State", "Address", "Inst id", "Base", "AZ", "Message"]);
    let mut machines: Vec<&MachineView> = machines.collect();
    machines.sort_by(|one, other| super::super::order::natural(&one.id, &other.id));
    for machine in machines {
        write_machine(table, machine);
    }
    table.flush();
}

fn write_machine(table: &mut Table, machine: &MachineView) {
    // What goes wrong while a machine is changed matters more than how it is.
    let (state, message) = if machine.modification_status.current == "error" {
        (&machine.modification_status.current, &machine.modification_status.message)
    } else {
        (&machine.juju_status.current, &machine.machine_status.message)
    };
    let zone = machine.hardware.split(' ').find_map(|word| word.strip_prefix("availability-zone="));
    let base =
        machine.base.as_ref().map(|base| format!("{}@{}", base.name, base.channel)).unwrap_or_default();
    let name = if machine.display_name.is_empty() { &machine.instance_id } else { &machine.display_name };
    table.cell(&machine.id).status(state).cell_in(Colour::Cyan, &machine.dns_name);
    table.cell(name).cell(&base).cell(zone.unwrap_or_default());
    if message.is_empty() {
        table.text("\n");
    } else {
        end_with_message(table, message);
    }
    for id in naturally(machine.containers.keys()) {
        write_machine(table, &machine.containers[id]);
    }
}

fn write_offers(table: &mut Table, status: &StatusView) {
    table.text("\n").headers(&[
        "Offer",
        "Application",
        "Charm",
        "Rev",
        "Connected",
        "Endpoint",
        "Interface",
        "Role",
    ]);
    for name in naturally(status.offers.keys()) {
        let offer: &OfferStatusView = &status.offers[name];
        for (index, (endpoint, details)) in offer.endpoints.iter().enumerate() {
            let (charm, revision) = charm_and_revision(&offer.charm);
            let connected = format!("{}/{}", offer.active_connected_count, offer.total_connected_count);
            // What is said of the offer is said once.
            let first = [name.as_str(), &offer.application, charm, revision, &connected];
            let first = if index == 0 { first } else { [""; 5] };
            for cell in first {
                table.cell(cell);
            }
            table.line(&[endpoint, &details.interface, &details.role]);
        }
    }
    table.flush();
}

/// The name and the revision in the URL of a charm.
fn charm_and_revision(url: &str) -> (&str, &str) {
    let path = url.rsplit([':', '/']).next().unwrap_or(url);
    match path.rsplit_once('-') {
        Some((name, revision)) if revision.bytes().all(|byte| byte.is_ascii_digit()) => (name, revision),
        Some(_) | None => (path, "-1"),
    }
}

fn write_relations(table: &mut Table, relations: &[RelationView]) {
    table.text("\n").headers(&["Integration provider", "Requirer", "Interface", "Type", "Message"]);
    let mut relations: Vec<&RelationView> = relations.iter().collect();
    relations.sort_by(|one, other| {
        one.provider.cmp(&other.provider).then_with(|| one.requirer.cmp(&other.requirer))
    });
    for relation in relations {
        for side in [&relation.provider, &relation.requirer] {
            match side.split_once(':') {
                Some((application, endpoint)) => {
                    table.text(application).cell_in(Colour::Magenta, &format!(":{endpoint}"));
                }
                None => {
                    table.cell(side);
                }
            }
        }
        table.cell(&relation.interface).cell(&relation.kind);
        if relation.status != "joined" {
            match relation_colour(&relation.status) {
                Some(colour) => table.cell_in(colour, &relation.status),
                None => table.cell(&relation.status),
            };
            table.text_in(Colour::Gray, &shortened(&relation.message, MESSAGE_WIDTH));
        }
        table.text("\n");
    }
    table.flush();
}

fn relation_colour(status: &str) -> Option<Colour> {
    match status {
        "joined" => Some(Colour::Green),
        "suspended" => Some(Colour::Yellow),
        "error" | "broken" => Some(Colour::Red),
        _ => None,
    }
}
