//! The workload containers of a pod: each with the root of its image, and a Pebble of ours.

pub(crate) mod agent;
mod notices;

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_lifecycle::vocabulary::Name;
use charmproof_pebble::Client;
use notices::Listener;

use crate::controller::provision::warn;
use crate::controller::{Controller, provision, storage};
use crate::hosting::{Exec, Host, HostRequest, HostingError, NetworkOf, Process, RootOf};

/// Where a container sees its own folder, with the socket of Pebble.
const FOLDER: &str = "/charm/container";
/// Where Pebble keeps what it knows, as the container sees it.
const STATE_FOLDER: &str = "/charm/container/pebble";
/// How long Pebble may take to be there.
const PEBBLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Starts a container, unless it runs.
#[expect(clippy::too_many_arguments, reason = "a container is described by all of these")]
pub(crate) fn start(
    controller: &Arc<Controller>,
    model: &str,
    unit: &Name,
    name: &str,
    image: Option<&str>,
    credentials: Option<&(String, String)>,
    domain: &str,
    folder: &Utf8Path,
    pod: &Arc<dyn Host>,
) -> Result<(), HostingError> {
    let key = (model.to_owned(), format!("{unit} {name}"));
    if controller.place(&key).is_some() {
        return Ok(());
    }
    let Some(image) = image else {
        return Err(HostingError(format!(
            "the image of container \"{name}\" was not given: deploy with --resource"
        )));
    };
    let shared = folder.join("containers").join(name);
    fs_err::create_dir_all(shared.join("pebble")).map_err(|error| {
        HostingError(format!("could not make the folder of Pebble in \"{name}\": {error}"))
    })?;
    let request = HostRequest {
        model_uuid: model.to_owned(),
        host_name: unit.replace('/', "-"),
        domain: domain.to_owned(),
        root: RootOf::Image(image.to_owned(), credentials.cloned()),
        kept: folder.join("roots").join(name),
        binds: vec![
            (shared.clone(), FOLDER.into(), true),
            (folder.join("storage"), storage::SEEN_IN_CONTAINER.into(), true),
        ],
        network: NetworkOf::Shared(Arc::clone(pod)),
        has_services: false,
        is_in_pod: true,
    };
    let place = controller.hosting().start(&request)?;
    for warning in place.warnings() {
        controller.change(|held| {
            let entity = format!("unit-{}", unit.replace('/', "-"));
            let module = ("WARNING", "juju.worker.caasapplicationprovisioner");
            warn(controller, held, model, &entity, module, &warning);
        });
    }
    storage::mount_all_in_container(controller, model, unit, name, place.as_ref())?;
    let process = start_pebble(controller, place.as_ref(), name, &shared, &request.kept.join("pebble.log"))?;
    let listener = Listener {
        controller: Arc::downgrade(controller),
        model: model.to_owned(),
        unit: unit.clone(),
        container: name.into(),
        place: Arc::downgrade(&place),
        client: Client::new(shared.join("pebble.socket")),
        process,
    };
    controller.set_place(key, place);
    listener.start();
    Ok(())
}

/// Starts a container anew whose Pebble has ended. What it wrote outside of storage is gone.
fn start_again(
    controller: &Arc<Controller>,
    model: &str,
    unit: &Name,
    name: &str,
) -> Result<(), HostingError> {
    controller.change(|held| {
        let entity = format!("unit-{}", unit.replace('/', "-"));
        let message = format!("container \"{name}\" has ended, and is started again");
        held.log(model, &entity, "WARNING", "juju.worker.caasapplicationprovisioner", &message);
    });
    let what = format!("{unit} {name}");
    controller.remove_places(model, |place| place == what);
    provision::start_containers(controller, model, unit, name)
}

/// Returns the variables that Juju gives a container, over those of its image.
pub(crate) fn variables(name: &str) -> impl Iterator<Item = (String, String)> {
    let all = [
        ("JUJU_CONTAINER_NAME", name),
        ("PEBBLE", STATE_FOLDER),
        ("PEBBLE_SOCKET", "/charm/container/pebble.socket"),
        ("PEBBLE_COPY_ONCE", "/var/lib/pebble/default"),
    ];
    all.map(|(variable, value)| (variable.to_owned(), value.to_owned())).into_iter()
}

fn start_pebble(
    controller: &Controller,
    place: &dyn Host,
    name: &str,
    shared: &Utf8Path,
    // Where nobody in the pod sees it, and could put a link instead.
    log_path: &Utf8Path,
) -> Result<Box<dyn Process>, HostingError> {
    let socket = shared.join("pebble.socket");
    let _ = fs_err::remove_file(&socket);
    let failed =
        |error: std::io::Error| HostingError(format!("could not start Pebble in \"{name}\": {error}"));
    let log = fs_err::OpenOptions::new().create(true).append(true).open(log_path).map_err(failed)?;
    let nothing = fs_err::File::open("/dev/null").map_err(failed)?;
    let again = log.try_clone().map_err(failed)?;
    let facts = place.image();
    let mut env: BTreeMap<String, String> = facts.env;
    env.extend(variables(name));
    env.entry("PATH".to_owned())
        .or_insert_with(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    let mut argv = controller.hosting().pebble_program();
    argv.extend([format!("{FOLDER}/pebble.socket"), "--folder".to_owned(), STATE_FOLDER.to_owned()]);
    let exec = Exec {
        argv,
        env,
        cwd: facts.work_dir.unwrap_or_else(|| Utf8PathBuf::from("/")),
        user: None,
        stdio: [nothing.into_parts().0.into(), log.into_parts().0.into(), again.into_parts().0.into()],
    };
    let process = place.exec(exec)?;
    let began = Instant::now();
    while !socket.exists() {
        if let Some(ended) = process.wait_for(Duration::from_millis(10)) {
            let last = last_line(log_path).unwrap_or_default();
            return Err(HostingError(format!("Pebble in \"{name}\" ended with {}: {last}", ended.code())));
        }
        if began.elapsed() > PEBBLE_TIMEOUT {
            return Err(HostingError(format!("Pebble in \"{name}\" did not come up")));
        }
    }
    Ok(process)
}

/// Returns the last line of a log, however long that is.
fn last_line(log: &Utf8Path) -> std::io::Result<String> {
    const LINE_BYTES_MAX: u64 = 4096;
    let mut file = fs_err::File::open(log)?;
    let from = file.metadata()?.len().saturating_sub(LINE_BYTES_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LINE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).lines().last().unwrap_or_default().to_owned())
}
