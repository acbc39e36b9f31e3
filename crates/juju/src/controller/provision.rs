//! What a unit is given before its first hook: a machine or a pod, the charm's files, hook tools.
//!
//! What a unit sees as `/var/lib/juju` lies in a folder of ours. It is hostile: its owner may put
//! links anywhere. So nothing of ours is written below it but by renaming what was made elsewhere, and
//! folders in it are opened without following a link ([`Opened`]).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::server::{self, EXEC_SOCKET, Server, TOOLS_SOCKET};
use charmproof_agent::state::{HookContext, StatusKind, application_of};
use charmproof_agent::surroundings::{self, AgentPlace};
use charmproof_agent::tool_client::{EXEC, install_program, install_tools};
use charmproof_lifecycle::environment::Numbers;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name};
use jiff::Timestamp;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::data::{AgentStatus, Base, ModelData};
use super::{Controller, Held, PlaceKey, commands, hook, lock, storage, upgrade};
use crate::hosting::{Host, HostRequest, HostingError, NetworkOf, RootOf};
use crate::workload::agent::{self, AgentPebble};

/// Where units see what belongs to Juju.
const JUJU_FOLDER: &str = "/var/lib/juju";
/// Where the charm's container sees the containers of its pod.
const CONTAINERS_FOLDER: &str = "/charm/containers";

/// The folder of a model in which things are made that are then put elsewhere.
pub(super) const STAGING: &str = "staging";

/// Where a pod keeps what the Pebble of its charm's container has.
const AGENT_FOLDER: &str = "agent";
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

/// Removes the files of a unit that is no more: those of its pod, or of its agent on a machine.
pub(super) fn remove_unit_folder(controller: &Controller, model: &str, unit: &Name, machine: Option<&str>) {
    controller.hosting().remove_folder(&upgrade::folder(controller, model, unit));
    let Some(machine) = machine else {
        controller.hosting().remove_folder(&pod_folder(controller, model, unit));
        return;
    };
    let juju = machine_folder(controller, model, machine).join("juju");
    for part in ["agents", "tools"] {
        // A machine that is not there has nothing of the unit either.
        let Ok(folder) = Opened::new(&juju, Utf8Path::new(part)) else { continue };
        let _ = fs_err::remove_dir_all(folder.path(&super::uniter::entity(unit)));
    }
}

pub(super) fn pod_folder(controller: &Controller, model: &str, unit: &Name) -> Utf8PathBuf {
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

/// A folder below one that units see, held open: what a unit puts into its way meanwhile leads nowhere else.
pub(super) struct Opened {
    folder: OwnedFd,
}

impl Opened {
    /// Opens a folder in one that units see as a whole. A link on the way is refused.
    fn new(seen: &Utf8Path, path: &Utf8Path) -> std::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(seen.as_std_path(), flags, Mode::empty())?;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let folder = rustix::fs::openat2(root, path.as_std_path(), flags, Mode::empty(), resolve)?;
        Ok(Self { folder })
    }

    /// Returns the path of something in it, which is one for as long as this is held.
    pub(super) fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("/proc/self/fd/{}/{name}", self.folder.as_raw_fd()))
    }
}

/// Opens the folder of a unit's agent from outside.
pub(super) fn agent_folder(
    controller: &Controller,
    model: &str,
    unit: &Name,
) -> Result<Opened, HostingError> {
    let path = Utf8Path::new("agents").join(super::uniter::entity(unit));
    Opened::new(&juju_folder(controller, model, unit), &path)
        .map_err(failed("open the folder of a unit's agent"))
}

/// A container: its name, its image, and who one is to the image's registry.
type ContainerImage = (String, Option<String>, Option<(String, String)>);

/// What of a unit decides how it is provisioned.
struct Wanted {
    machine: Option<String>,
    base: Base,
    digest: String,
    /// Whether that is the application's charm.
    is_newest: bool,
    charm_modified: u32,
    model_name: String,
    containers: Vec<ContainerImage>,
}

/// Gives a unit what it needs, as far as it is not there yet.
pub(super) fn provision(controller: &Arc<Controller>, model: &str, unit: &Name) -> Result<(), HostingError> {
    let wanted =
        wanted(controller, model, unit).ok_or_else(|| HostingError("the unit is gone".to_owned()))?;
    if let Some(machine) = &wanted.machine {
        let _making = lock(&controller.making);
        start_machine(controller, model, machine)?;
    } else {
        let pod = controller.pod(model, unit);
        let _making = lock(&pod);
        start_pod(controller, model, unit, &wanted)?;
    }
    let address = address_of(controller, model, unit);
    controller.change(|held| {
        let Some(data) = held.model_mut(model) else { return };
        if let Some(address) = address {
            // A unit that is gone has no address.
            let _ = data.state.set_address(unit, &address);
        }
        data.state.now = Timestamp::now();
        if let Some(data) = data.units.get_mut(unit).filter(|data| !data.is_up && wanted.is_newest) {
            // What the application was given since the unit was added is there from the beginning.
            data.charm_modified = wanted.charm_modified;
        }
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
            is_newest: data.charm_digest == application.charm.digest,
            charm_modified: application.charm_modified,
            model_name: model.name.clone(),
            containers: if data.machine.is_none() { containers.collect() } else { Vec::new() },
        })
    })
}

pub(super) fn failed(action: &str) -> impl FnOnce(std::io::Error) -> HostingError + '_ {
    move |error| HostingError(format!("could not {action}: {error}"))
}

/// Starts a place with the address that it had before, or one that nobody has and nobody is going to have.
fn start_place(
    controller: &Controller,
    model: &str,
    before: Option<&str>,
    request: impl FnOnce(NetworkOf) -> HostRequest,
) -> Result<(Arc<dyn Host>, Ipv4Addr), HostingError> {
    let hosting = controller.hosting();
    let before = before.and_then(|address| address.parse().ok());
    let before = before.filter(|address| hosting.may_have(model, *address));
    let address = match before {
        Some(address) => address,
        None => hosting.take_address(model, &promised(controller, model))?,
    };
    let started = hosting.start(&request(NetworkOf::Own(address)));
    if started.is_err() && before.is_none() {
        hosting.release_address(model, address);
    }
    started.map(|place| (place, address))
}

/// Returns the addresses that machines and pods of a model have, or will have again.
pub(super) fn promised(controller: &Controller, model: &str) -> BTreeSet<Ipv4Addr> {
    controller.look(|held| {
        let Some(model) = held.model(model) else { return BTreeSet::new() };
        let machines = model.machines.values().filter_map(|machine| machine.address.as_deref());
        let units = model.state.units.values().map(|unit| unit.private_address.as_str());
        machines.chain(units).filter_map(|address| address.parse().ok()).collect()
    })
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
        Some((machine.base.clone(), machine.address.clone()))
    });
    let (base, address) = known.ok_or_else(|| HostingError(format!("machine {machine} is gone")))?;
    let folder = machine_folder(controller, model, machine);
    fs_err::create_dir_all(folder.join("juju/agents")).map_err(failed("make a machine's folder"))?;
    fs_err::create_dir_all(folder.join("juju/tools")).map_err(failed("make a machine's folder"))?;
    fs_err::create_dir_all(folder.join("storage")).map_err(failed("make a machine's folder"))?;
    let exec_program = exec_program(controller)?;
    let request = |network| HostRequest {
        model_uuid: model.to_owned(),
        host_name: format!("juju-{}-{machine}", &model[model.len().saturating_sub(6)..]),
        domain: MACHINE_DOMAIN.to_owned(),
        root: RootOf::Base(base),
        kept: folder.join("root"),
        binds: vec![
            (folder.join("juju"), JUJU_FOLDER.into(), true),
            (folder.join("storage"), storage::SEEN.into(), true),
            (exec_program, EXEC_PATH.into(), false),
        ],
        network,
        has_services: true,
        is_in_pod: false,
    };
    let (place, address) = start_place(controller, model, address.as_deref(), request)?;
    let warnings = place.warnings();
    controller.set_place(key, place);
    let is_wanted = controller.change(|held| {
        for warning in warnings {
            warn(controller, held, model, &format!("machine-{machine}"), WARNING, &warning);
        }
        let machine = held.model_mut(model).and_then(|data| data.machines.get_mut(&number));
        let Some(machine) = machine else { return false };
        machine.address = Some(address.to_string());
        "started".clone_into(&mut machine.status);
        machine.message.clear();
        machine.since = Timestamp::now();
        true
    });
    if is_wanted {
        return Ok(());
    }
    // Somebody has removed it while it was made, which takes as long as its image is large.
    controller.remove_places(model, |place| place == format!("machine {machine}"));
    controller.hosting().remove_folder(&folder);
    Err(HostingError(format!("machine {machine} is gone")))
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
    for part in ["juju/agents", "juju/tools", "containers", "storage", AGENT_FOLDER] {
        fs_err::create_dir_all(folder.join(part)).map_err(failed("make a pod's folder"))?;
    }
    storage::bring_all(controller, model, unit)?;
    let charm = if let Some(place) = controller.place(&key) {
        place
    } else {
        let known = controller.look(|held| {
            let model = held.model(model)?;
            model.units.get(unit).filter(|unit| unit.is_up)?;
            Some(model.state.units.get(unit)?.private_address.clone())
        });
        let mut binds = vec![
            (folder.join("juju"), JUJU_FOLDER.into(), true),
            (folder.join("storage"), storage::SEEN.into(), true),
            (exec_program(controller)?, EXEC_PATH.into(), false),
            (folder.join(AGENT_FOLDER), agent::SEEN.into(), false),
        ];
        let unit_key = (model.to_owned(), unit.clone());
        // The one before would take the socket of its successor along.
        let before = lock(&controller.agents).remove(&unit_key);
        drop(before);
        let pebble = AgentPebble::start(&folder.join(AGENT_FOLDER))?;
        lock(&controller.agents).insert(unit_key, pebble);
        // Each by itself: what lies in a folder that is seen as a whole can be replaced by a link.
        binds.extend(wanted.containers.iter().map(|(name, _, _)| {
            (folder.join("containers").join(name), Utf8Path::new(CONTAINERS_FOLDER).join(name), true)
        }));
        let request = |network| HostRequest {
            model_uuid: model.to_owned(),
            host_name: unit.replace('/', "-"),
            domain: pod_domain(unit, &wanted.model_name),
            root: RootOf::Base(wanted.base.clone()),
            kept: folder.join("root"),
            binds,
            network,
            has_services: false,
            is_in_pod: true,
        };
        let (place, address) = start_place(controller, model, known.as_deref(), request)?;
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

/// Ends the pod of a unit with all that is in it but storage. The next one is made for the charm and the
/// resources that the application has by now.
pub(super) fn end_pod(controller: &Controller, model: &str, unit: &Name) {
    // Whoever starts a container anew starts it in the pod that is there.
    let pod = controller.pod(model, unit);
    let _making = lock(&pod);
    controller.remove_places(model, |place| place == unit.as_str() || place.starts_with(&format!("{unit} ")));
    let agent = lock(&controller.agents).remove(&(model.to_owned(), unit.clone()));
    drop(agent);
    let folder = pod_folder(controller, model, unit);
    // First, as it is for the charm that is in the others.
    controller.hosting().remove_folder(&upgrade::folder(controller, model, unit));
    for part in ["roots", "containers", "root", "juju", AGENT_FOLDER] {
        controller.hosting().remove_folder(&folder.join(part));
    }
    controller.change(|held| {
        let message = "the unit's pod is replaced: its charm or a resource has changed";
        held.log(model, &super::uniter::entity(unit), "INFO", WARNING.1, message);
        let Some(model) = held.model_mut(model) else { return };
        let Some(application) = model.applications.get(application_of(unit)) else { return };
        let Some(data) = model.units.get_mut(unit) else { return };
        data.charm_modified = application.charm_modified;
        data.charm_digest.clone_from(&application.charm.digest);
        data.charm_revision = application.charm.revision;
        data.resources.clear();
        data.notices.clear();
        // Who asked for them is gone as well.
        model.end_commands(unit);
    });
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

/// Makes the containers of a pod that are not there. If `name` is not, it begins with its image alone.
pub(crate) fn start_containers(
    controller: &Arc<Controller>,
    model: &str,
    unit: &Name,
    name: &str,
) -> Result<(), HostingError> {
    let pod = controller.pod(model, unit);
    let making = lock(&pod);
    let wanted =
        wanted(controller, model, unit).ok_or_else(|| HostingError("the unit is gone".to_owned()))?;
    if controller.place(&(model.to_owned(), format!("{unit} {name}"))).is_none() {
        controller.hosting().remove_folder(&pod_folder(controller, model, unit).join("roots").join(name));
    }
    start_pod(controller, model, unit, &wanted)?;
    drop(making);
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
pub(super) fn lay_out(
    controller: &Controller,
    model: &str,
    unit: &Name,
    digest: &str,
) -> Result<(), HostingError> {
    let juju = juju_folder(controller, model, unit);
    let entity = super::uniter::entity(unit);
    let agents = Opened::new(&juju, "agents".into()).map_err(failed("open the folder of agents"))?;
    let folder = agents.path(&entity);
    // Whoever replaced it may have been killed.
    upgrade::finish(controller, model, unit, digest)?;
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
    let tools = Opened::new(&juju, "tools".into()).map_err(failed("open the folder of hook tools"))?;
    let tools_folder = tools.path(&entity);
    if !tools_folder.exists() {
        let staging = staging(controller, model)?;
        let made = staging.join("tools");
        let juju_version = controller.look(|held| held.model(model).map(|model| model.state.juju.clone()));
        let juju_version = juju_version.ok_or_else(|| HostingError("the model is gone".to_owned()))?;
        install_tools(&made, &juju_version).map_err(failed("lay out the hook tools"))?;
        fs_err::rename(&made, &tools_folder).map_err(failed("lay out the hook tools"))?;
        let _ = fs_err::remove_dir_all(&staging);
    }
    Ok(())
}

/// Returns a folder of ours that nobody else sees, beside those that units see.
pub(super) fn staging(controller: &Controller, model: &str) -> Result<Utf8PathBuf, HostingError> {
    let folder = controller.folder().model(model).join(STAGING).join(hook::random(0));
    fs_err::create_dir_all(&folder).map_err(failed("make a folder"))?;
    Ok(folder)
}

/// Answers the tools of a unit from now on, and runs commands for whoever asks on its machine.
pub(super) fn serve_tools(
    controller: &Arc<Controller>,
    model: &str,
    unit: &Name,
) -> Result<(), HostingError> {
    let agent = agent_folder(controller, model, unit)?;
    let staging = staging(controller, model)?;
    let listen = |name: &str| {
        let listener = server::listen(&staging, name)?;
        fs_err::rename(staging.join(name), agent.path(name))?;
        Ok(listener)
    };
    let tools = listen(TOOLS_SOCKET).map_err(failed("listen for hook tools"))?;
    let commands = listen(EXEC_SOCKET).map_err(failed("listen for juju-exec"))?;
    let _ = fs_err::remove_dir_all(&staging);
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
    let before = lock(&controller.servers).insert((model.to_owned(), unit.clone()), servers);
    // It goes when it has answered, and what it answers may be for this very thread to do.
    std::thread::spawn(move || drop(before));
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

/// Returns by what the id of the notice is known that a hook tells of.
pub(super) fn notice_key(hook: &Hook) -> Option<String> {
    let notice = hook.notice.as_ref().filter(|_| hook.kind == HookKind::PebbleCustomNotice)?;
    Some(format!("{} {notice}", hook.subject()))
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
    if let Some(notice) = notice_key(hook)
        && let Some(id) = model.units.get(unit).and_then(|unit| unit.notices.get(&notice))
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
