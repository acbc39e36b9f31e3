//! What a unit is given before its first hook: a machine or a pod, the charm's files, hook tools.
//!
//! What a unit sees as `/var/lib/juju` lies in a folder of ours. It is hostile: its owner may put
//! links anywhere. So nothing of ours is written below it but by renaming what was made elsewhere.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::server::{self, EXEC_SOCKET, Server, TOOLS_SOCKET};
use charmproof_agent::state::{HookContext, StatusKind, application_of};
use charmproof_agent::surroundings::{self, AgentPlace};
use charmproof_agent::tool_client::{EXEC, install_program, install_tools};
use charmproof_lifecycle::environment::Numbers;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name};
use jiff::Timestamp;

use super::data::{AgentStatus, Base, ModelData};
use super::{Controller, Held, PlaceKey, commands, hook, lock, storage};
use crate::hosting::{Host, HostRequest, HostingError, NetworkOf, RootOf};

/// Where units see what belongs to Juju.
const JUJU_FOLDER: &str = "/var/lib/juju";
/// Where the charm's container sees the containers of its pod.
const CONTAINERS_FOLDER: &str = "/charm/containers";

/// Where people and programs on a unit's machine find `juju-exec`.
const EXEC_PATH: &str = "/usr/bin/juju-exec";
/// What comes behind the names of machines, as LXD has it.
const MACHINE_DOMAIN: &str = "lxd";

/// Returns what comes behind the name of a pod: that of the application's headless service.
pub(crate) fn pod_domain(unit: &str, model_name: &str) -> String {
    format!("{}-endpoints.{model_name}.svc.cluster.local", application_of(unit))
}

/// Returns the folder of a unit's charm, as the unit sees it.
pub(super) fn charm_folder(unit: &str) -> Utf8PathBuf {
    Utf8Path::new(JUJU_FOLDER).join("agents").join(super::uniter::entity(unit)).join("charm")
}

/// Returns where a machine's own files are kept.
pub(super) fn machine_folder(controller: &Controller, model: &str, machine: &str) -> Utf8PathBuf {
    controller.folder().model(model).join("machines").join(machine)
}

/// Returns what is removed with a unit.
pub(super) fn unit_folder(controller: &Controller, model: &str, unit: &Name) -> Utf8PathBuf {
    let machine = controller.look(|held| held.model(model)?.units.get(unit)?.machine.clone());
    match machine {
        Some(machine) => {
            machine_folder(controller, model, &machine).join("juju/agents").join(super::uniter::entity(unit))
        }
        None => pod_folder(controller, model, unit),
    }
}

fn pod_folder(controller: &Controller, model: &str, unit: &Name) -> Utf8PathBuf {
    controller.folder().model(model).join("pods").join(unit.replace('/', "-"))
}

/// Returns the folder of a unit's machine or pod.
pub(super) fn place_folder(controller: &Controller, model: &str, unit: &Name) -> Utf8PathBuf {
    let machine = controller.look(|held| held.model(model)?.units.get(unit)?.machine.clone());
    match machine {
        Some(machine) => machine_folder(controller, model, &machine),
        None => pod_folder(controller, model, unit),
    }
}

/// Returns the names of the containers that a unit's workload has.
pub(super) fn container_names(controller: &Controller, model: &str, unit: &Name) -> Vec<String> {
    let names = wanted(controller, model, unit).map(|wanted| wanted.containers);
    names.unwrap_or_default().into_iter().map(|(name, _, _)| name).collect()
}

/// Returns the folder outside that a unit sees as `/var/lib/juju`.
fn juju_folder(controller: &Controller, model: &str, unit: &Name) -> Utf8PathBuf {
    place_folder(controller, model, unit).join("juju")
}

/// Returns the folder outside of a unit's agent.
pub(super) fn agent_folder(controller: &Controller, model: &str, unit: &Name) -> Utf8PathBuf {
    juju_folder(controller, model, unit).join("agents").join(super::uniter::entity(unit))
}

/// A container: its name, its image, and who one is to the image's registry.
type ContainerImage = (String, Option<String>, Option<(String, String)>);

/// What of a unit decides how it is provisioned.
struct Wanted {
    machine: Option<String>,
    base: Base,
    digest: String,
    model_name: String,
    containers: Vec<ContainerImage>,
}

/// Gives a unit what it needs, as far as it is not there yet.
pub(super) fn provision(controller: &Arc<Controller>, model: &str, unit: &Name) -> Result<(), HostingError> {
    let wanted =
        wanted(controller, model, unit).ok_or_else(|| HostingError("the unit is gone".to_owned()))?;
    match &wanted.machine {
        Some(machine) => {
            let _making = lock(&controller.making);
            start_machine(controller, model, machine)?;
        }
        None => start_pod(controller, model, unit, &wanted)?,
    }
    let address = address_of(controller, model, unit);
    controller.change(|held| {
        let Some(data) = held.model_mut(model) else { return };
        if let Some(address) = address {
            // A unit that is gone has no address.
            let _ = data.state.set_address(unit, &address);
        }
        data.state.now = Timestamp::now();
        if data.units.get(unit).is_some_and(|unit| !unit.is_up) {
            data.set_agent(unit, AgentStatus::Allocating, "");
            data.state.set_unit_status(unit, StatusKind::Waiting, "installing agent");
            data.note_status(unit);
        }
    });
    storage::mount_again(controller, model, unit)?;
    lay_out(controller, model, unit, &wanted.digest)?;
    serve_tools(controller, model, unit)?;
    write_names(controller, model);
    Ok(())
}

fn wanted(controller: &Controller, model: &str, unit: &Name) -> Option<Wanted> {
    controller.look(|held| {
        let model = held.model(model)?;
        let data = model.units.get(unit)?;
        let application = model.applications.get(application_of(unit))?;
        let base = application.charm.base.clone();
        let declared = application.metadata.iter().flat_map(|metadata| metadata.containers.iter());
        let containers = declared.map(|container| {
            let resource = container.resource.as_deref().and_then(|name| application.resources.get(name));
            let image = resource.and_then(|resource| resource.image.clone());
            (container.name.clone(), image, resource.and_then(|resource| resource.credentials.clone()))
        });
        Some(Wanted {
            machine: data.machine.clone(),
            base,
            digest: data.charm_digest.clone(),
            model_name: model.name.clone(),
            containers: if data.machine.is_none() { containers.collect() } else { Vec::new() },
        })
    })
}

fn failed(action: &str) -> impl FnOnce(std::io::Error) -> HostingError + '_ {
    move |error| HostingError(format!("could not {action}: {error}"))
}

/// Returns the address that a place had before, if it can have it again.
fn before(controller: &Controller, model: &str, address: Option<String>) -> Option<Ipv4Addr> {
    let address = address?.parse().ok()?;
    controller.hosting().may_have(model, address).then_some(address)
}

/// Gives away an address of a model's network.
fn next_address(controller: &Controller, model: &str) -> Result<Ipv4Addr, HostingError> {
    let number = controller.change(|held| {
        let data = held.model_mut(model)?;
        data.last_address += 1;
        Some(data.last_address)
    });
    let number = number.ok_or_else(|| HostingError("the model is gone".to_owned()))?;
    controller.hosting().address(model, number)
}

/// Makes a machine, or brings it back.
pub(crate) fn start_machine(controller: &Controller, model: &str, machine: &str) -> Result<(), HostingError> {
    let key: PlaceKey = (model.to_owned(), format!("machine {machine}"));
    if controller.place(&key).is_some() {
        return Ok(());
    }
    let number: u32 = machine.parse().map_err(|_| HostingError(format!("`{machine}` is no machine")))?;
    let known = controller.look(|held| {
        let data = held.model(model)?;
        let machine = data.machines.get(&number)?;
        Some((machine.base.clone(), machine.address.clone(), data.name.clone()))
    });
    let (base, address, name) = known.ok_or_else(|| HostingError(format!("machine {machine} is gone")))?;
    let address = before(controller, model, address).map_or_else(|| next_address(controller, model), Ok)?;
    let folder = machine_folder(controller, model, machine);
    fs_err::create_dir_all(folder.join("juju/agents")).map_err(failed("make a machine's folder"))?;
    fs_err::create_dir_all(folder.join("juju/tools")).map_err(failed("make a machine's folder"))?;
    fs_err::create_dir_all(folder.join("storage")).map_err(failed("make a machine's folder"))?;
    let request = HostRequest {
        model_uuid: model.to_owned(),
        host_name: format!("juju-{}-{machine}", &model[model.len().saturating_sub(6)..]),
        domain: MACHINE_DOMAIN.to_owned(),
        root: RootOf::Base(base),
        kept: folder.join("root"),
        binds: vec![
            (folder.join("juju"), JUJU_FOLDER.into(), true),
            (folder.join("storage"), storage::SEEN.into(), true),
            (exec_program(controller)?, EXEC_PATH.into(), false),
        ],
        network: NetworkOf::Own(address),
        names: Vec::new(),
        has_services: true,
        is_in_pod: false,
    };
    let place = controller.hosting().start(&request)?;
    let warnings = place.warnings();
    controller.set_place(key, place);
    controller.change(|held| {
        for warning in warnings {
            warn(controller, held, model, &format!("machine-{machine}"), WARNING, &warning);
        }
        let Some(data) = held.model_mut(model) else { return };
        if let Some(machine) = data.machines.get_mut(&number) {
            machine.address = Some(address.to_string());
            "started".clone_into(&mut machine.status);
            machine.message.clear();
            machine.since = Timestamp::now();
        }
    });
    let _ = name;
    Ok(())
}

/// Makes the containers of a pod, or brings them back.
fn start_pod(
    controller: &Arc<Controller>,
    model: &str,
    unit: &Name,
    wanted: &Wanted,
) -> Result<(), HostingError> {
    let folder = pod_folder(controller, model, unit);
    let key: PlaceKey = (model.to_owned(), unit.to_string());
    for (name, _, _) in &wanted.containers {
        fs_err::create_dir_all(folder.join("containers").join(name))
            .map_err(failed("make a container's folder"))?;
    }
    for part in ["juju/agents", "juju/tools", "containers", "storage"] {
        fs_err::create_dir_all(folder.join(part)).map_err(failed("make a pod's folder"))?;
    }
    storage::bring_all(controller, model, unit)?;
    let charm = if let Some(place) = controller.place(&key) {
        place
    } else {
        let known = controller.look(|held| {
            let address = held.model(model)?.state.units.get(unit)?.private_address.clone();
            Some(address).filter(|_| {
                held.model(model).is_some_and(|model| model.units.get(unit).is_some_and(|unit| unit.is_up))
            })
        });
        let address = before(controller, model, known).map_or_else(|| next_address(controller, model), Ok)?;
        let request = HostRequest {
            model_uuid: model.to_owned(),
            host_name: unit.replace('/', "-"),
            domain: pod_domain(unit, &wanted.model_name),
            root: RootOf::Base(wanted.base.clone()),
            kept: folder.join("root"),
            binds: vec![
                (folder.join("juju"), JUJU_FOLDER.into(), true),
                (folder.join("containers"), CONTAINERS_FOLDER.into(), true),
                (folder.join("storage"), storage::SEEN.into(), true),
                (exec_program(controller)?, EXEC_PATH.into(), false),
            ],
            network: NetworkOf::Own(address),
            names: Vec::new(),
            has_services: false,
            is_in_pod: true,
        };
        let place = controller.hosting().start(&request)?;
        controller.set_place(key, Arc::clone(&place));
        controller.change(|held| {
            for warning in place.warnings() {
                warn(controller, held, model, &super::uniter::entity(unit), WARNING, &warning);
            }
            if let Some(data) = held.model_mut(model) {
                let _ = data.state.set_address(unit, &address.to_string());
            }
        });
        place
    };
    for (name, image, credentials) in &wanted.containers {
        crate::workload::start(
            controller,
            model,
            unit,
            name,
            image.as_deref(),
            credentials.as_ref(),
            &pod_domain(unit, &wanted.model_name),
            &folder,
            &charm,
        )?;
    }
    Ok(())
}

/// Says in the model's log what is not as on a real cloud, and to whoever looks at the whole.
pub(crate) fn warn(
    controller: &Controller,
    held: &mut Held,
    model: &str,
    entity: &str,
    (level, module): (&str, &str),
    message: &str,
) {
    held.log(model, entity, level, module, message);
    let name = held.model(model).map(|model| model.name.clone()).unwrap_or_default();
    controller.tell(&name, "", "note", entity, Timestamp::now(), "ok", message);
}

/// How the log speaks of what a place is made of.
pub(super) const WARNING: (&str, &str) = ("WARNING", "juju.worker.provisioner");

/// Makes the containers of a pod that are not there: `name` begins with its image alone.
pub(crate) fn start_containers(
    controller: &Arc<Controller>,
    model: &str,
    unit: &Name,
    name: &str,
) -> Result<(), HostingError> {
    let wanted =
        wanted(controller, model, unit).ok_or_else(|| HostingError("the unit is gone".to_owned()))?;
    controller.hosting().remove_folder(&pod_folder(controller, model, unit).join("roots").join(name));
    start_pod(controller, model, unit, &wanted)?;
    write_names(controller, model);
    Ok(())
}

fn address_of(controller: &Controller, model: &str, unit: &Name) -> Option<String> {
    controller.look(|held| {
        let data = held.model(model)?;
        match &data.units.get(unit)?.machine {
            Some(machine) => data.machines.get(&machine.parse().ok()?)?.address.clone(),
            None => Some(data.state.units.get(unit)?.private_address.clone()),
        }
    })
}

/// Returns the place that a unit's charm runs in.
pub(crate) fn place_of(
    controller: &Controller,
    model: &str,
    unit: &Name,
) -> Result<Arc<dyn Host>, HostingError> {
    let machine = controller.look(|held| held.model(model)?.units.get(unit)?.machine.clone());
    let what = machine.map_or_else(|| unit.to_string(), |machine| format!("machine {machine}"));
    controller
        .place(&(model.to_owned(), what))
        .ok_or_else(|| HostingError("the unit's place is gone".to_owned()))
}

/// Lays the charm's files and the hook tools out where the unit sees them.
fn lay_out(controller: &Controller, model: &str, unit: &Name, digest: &str) -> Result<(), HostingError> {
    let juju = juju_folder(controller, model, unit);
    let entity = super::uniter::entity(unit);
    let folder = juju.join("agents").join(&entity);
    if !folder.join("charm").exists() {
        let staging = staging(controller, model)?;
        let made = staging.join("agent");
        fs_err::create_dir_all(&made).map_err(failed("make a unit's folder"))?;
        crate::charms::lay_out(controller.folder(), digest, &made.join("charm"))
            .map_err(failed("lay out the charm"))?;
        let _ = fs_err::remove_dir_all(&folder);
        fs_err::rename(&made, &folder).map_err(failed("lay out the charm"))?;
        let _ = fs_err::remove_dir_all(&staging);
    }
    let tools = juju.join("tools").join(&entity);
    if !tools.exists() {
        let staging = staging(controller, model)?;
        let made = staging.join("tools");
        let juju_version = controller.look(|held| held.model(model).map(|model| model.state.juju.clone()));
        let juju_version = juju_version.ok_or_else(|| HostingError("the model is gone".to_owned()))?;
        install_tools(&made, &juju_version).map_err(failed("lay out the hook tools"))?;
        fs_err::rename(&made, &tools).map_err(failed("lay out the hook tools"))?;
        let _ = fs_err::remove_dir_all(&staging);
    }
    Ok(())
}

/// Returns a folder of ours that nobody else sees, beside those that units see.
pub(super) fn staging(controller: &Controller, model: &str) -> Result<Utf8PathBuf, HostingError> {
    let folder = controller.folder().model(model).join("staging").join(hook::random(0));
    fs_err::create_dir_all(&folder).map_err(failed("make a folder"))?;
    Ok(folder)
}

/// Replaces the charm's files by those of the application's charm, when `upgrade-charm` begins. What
/// the charm has written beside its own files stays, as Juju keeps it.
pub(super) fn replace_charm(controller: &Controller, model: &str, unit: &Name) -> Result<(), HostingError> {
    let digests = controller.look(|held| {
        let model = held.model(model)?;
        let old = model.units.get(unit)?.charm_digest.clone();
        let charm = &model.applications.get(application_of(unit))?.charm;
        Some((old, charm.digest.clone(), charm.revision))
    });
    let Some((old, new, revision)) = digests else { return Ok(()) };
    if old == new {
        return Ok(());
    }
    let folder = juju_folder(controller, model, unit).join("agents").join(super::uniter::entity(unit));
    let staging = staging(controller, model)?;
    let (made, before) = (staging.join("new"), staging.join("old"));
    crate::charms::lay_out(controller.folder(), &new, &made).map_err(failed("lay out the charm"))?;
    fs_err::rename(folder.join("charm"), &before).map_err(failed("replace the charm"))?;
    crate::charms::keep_what_was_written(controller.folder(), &old, &before, &made)
        .map_err(failed("keep what the charm has written"))?;
    fs_err::rename(&made, folder.join("charm")).map_err(failed("replace the charm"))?;
    let _ = fs_err::remove_dir_all(&staging);
    controller.change(|held| {
        let unit = held.model_mut(model).and_then(|model| model.units.get_mut(unit));
        if let Some(unit) = unit {
            (unit.charm_digest, unit.charm_revision) = (new, revision);
        }
    });
    Ok(())
}

/// Answers the tools of a unit from now on, and runs commands for whoever asks on its machine.
fn serve_tools(controller: &Arc<Controller>, model: &str, unit: &Name) -> Result<(), HostingError> {
    let folder = agent_folder(controller, model, unit);
    let tools = server::listen(&folder, TOOLS_SOCKET).map_err(failed("listen for hook tools"))?;
    let commands = server::listen(&folder, EXEC_SOCKET).map_err(failed("listen for juju-exec"))?;
    let (weak, of) = (Arc::downgrade(controller), (model.to_owned(), unit.clone()));
    let tools = Server::start(tools, move |request| match weak.upgrade() {
        Some(controller) => hook::answer(&controller, &of.0, &of.1, request),
        None => charmproof_agent::tools::Reply::default(),
    });
    let (weak, of) = (Arc::downgrade(controller), (model.to_owned(), unit.clone()));
    let commands = Server::start(commands, move |request| match weak.upgrade() {
        Some(controller) => commands::answer(&controller, &of.0, &of.1, request),
        None => charmproof_agent::tools::Reply::default(),
    });
    let servers =
        [tools.map_err(failed("listen for hook tools"))?, commands.map_err(failed("listen for juju-exec"))?];
    lock(&controller.servers).insert((model.to_owned(), unit.clone()), servers);
    Ok(())
}

/// Returns the program that people and programs on a unit's machine know as `juju-exec`. One file serves
/// all of them.
fn exec_program(controller: &Controller) -> Result<Utf8PathBuf, HostingError> {
    let path = controller.folder().path().join(EXEC);
    if !path.exists() {
        let made = controller.folder().path().join(format!("{EXEC}-{}", hook::random(0)));
        install_program(&made)
            .and_then(|()| fs_err::rename(&made, &path))
            .map_err(failed("lay out juju-exec"))?;
    }
    Ok(path)
}

/// Returns the program of a hook or an action: what the charm has of it, by Juju's order.
pub(super) fn program_of(
    controller: &Controller,
    model: &str,
    unit: &Name,
    hook: &Hook,
) -> Option<Vec<String>> {
    let folder =
        juju_folder(controller, model, unit).join("agents").join(super::uniter::entity(unit)).join("charm");
    let own = if hook.kind == HookKind::Action {
        format!("actions/{}", hook.subject())
    } else {
        format!("hooks/{}", hook.name())
    };
    let candidates = ["dispatch".to_owned(), own];
    let found = candidates.into_iter().find(|path| hook::is_program(&folder.join(path)))?;
    Some(vec![charm_folder(unit).join(found).into_string()])
}

/// Returns the variables of a hook, or of commands on the unit's machine that see what a hook would.
pub(super) fn variables(
    model: &ModelData,
    unit: &Name,
    hook: &Hook,
    numbers: Numbers,
    id: &str,
    commands: Option<&HookContext>,
) -> BTreeMap<String, String> {
    let charm_dir = charm_folder(unit);
    let socket = charm_dir.parent().unwrap_or(Utf8Path::new("/")).join(TOOLS_SOCKET);
    let tools = Utf8Path::new(JUJU_FOLDER).join("tools").join(super::uniter::entity(unit));
    let machine = model.units.get(unit).and_then(|unit| unit.machine.clone()).unwrap_or_default();
    let place = AgentPlace {
        charm_dir: &charm_dir,
        socket: &socket,
        tools: &tools,
        context_id: id,
        machine: &machine,
        availability_zone: "",
        api_addresses: "127.0.0.1:17070",
    };
    let mut all = match commands {
        Some(context) => surroundings::command_variables(&model.state, context, &place),
        None => surroundings::hook_variables(&model.state, unit, hook, numbers, &place),
    };
    // The charm asks Pebble for the notice by its id.
    if hook.kind == HookKind::PebbleCustomNotice
        && let Some(notice) = &hook.notice
        && let Some(id) =
            model.units.get(unit).and_then(|unit| unit.notices.get(&format!("{} {notice}", hook.subject())))
    {
        all.insert("JUJU_NOTICE_ID".to_owned(), id.clone());
    }
    for (name, key) in [
        ("JUJU_CHARM_HTTP_PROXY", "juju-http-proxy"),
        ("JUJU_CHARM_HTTPS_PROXY", "juju-https-proxy"),
        ("JUJU_CHARM_NO_PROXY", "juju-no-proxy"),
    ] {
        if let Some(value) = model.config_text(key) {
            all.insert(name.to_owned(), value);
        }
    }
    all
}

/// Tells all places of a model the names of all others.
pub(crate) fn write_names(controller: &Controller, model: &str) {
    let names = controller.look(|held| {
        let Some(model) = held.model(model) else { return Vec::new() };
        let mut names: Vec<(Ipv4Addr, String)> = Vec::new();
        for unit in model.state.units.values() {
            let Ok(address) = unit.private_address.parse::<Ipv4Addr>() else { continue };
            let (application, host) = (application_of(&unit.name), unit.name.replace('/', "-"));
            if model.is_kubernetes() {
                let domain = format!("{}.svc.cluster.local", model.name);
                names.push((address, format!("{host}.{} {host}", pod_domain(&unit.name, &model.name))));
                if unit.name.ends_with("/0") || model.state.is_leader(&unit.name) {
                    names.push((
                        address,
                        format!("{application}.{domain} {application}.{0} {application}", model.name),
                    ));
                    names.push((address, format!("{application}-endpoints.{domain}")));
                }
            }
        }
        for (number, machine) in &model.machines {
            if let Some(address) = machine.address.as_ref().and_then(|address| address.parse().ok()) {
                let host = format!("juju-{}-{number}", &model.uuid[model.uuid.len().saturating_sub(6)..]);
                names.push((address, format!("{host}.lxd {host}")));
            }
        }
        names
    });
    for place in controller.places_of(model) {
        place.set_names(&names);
    }
}

/// Boots a unit's machine again.
pub(super) fn reboot(controller: &Arc<Controller>, model: &str, unit: &Name) {
    let machine = controller.look(|held| held.model(model)?.units.get(unit)?.machine.clone());
    let Some(machine) = machine else { return };
    controller.remove_places(model, |place| place == format!("machine {machine}"));
    let _making = lock(&controller.making);
    let started = start_machine(controller, model, &machine);
    let units = controller.look(|held| {
        let units = held.model(model).into_iter().flat_map(|model| &model.units);
        let there = units.filter(|(_, data)| data.machine.as_deref() == Some(machine.as_str()));
        there.map(|(unit, _)| unit.clone()).collect::<Vec<_>>()
    });
    let mounted = || units.iter().try_for_each(|unit| storage::mount_again(controller, model, unit));
    if let Err(error) = started.and_then(|()| mounted()) {
        controller.complain(&format!("machine {machine} did not come back: {error}"));
    }
    write_names(controller, model);
}
