//! Places on this host: machines of the sandbox, with roots of images.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_images::{Credentials, Images, Root, Settings};
use charmproof_sandbox::Launcher;
use charmproof_sandbox::machine::{
    Bind, Exit, Machine, MachineExec, MachineNetwork, MachineProcess, MachineSpec, Network, NetworkSpec,
    RootSpec, Subnet, Terminal, User,
};

use super::{
    Base, Ended, Exec, Host, HostRequest, Hosting, HostingError, ImageFacts, LOGIN_USER, NetworkOf, Process,
    RootOf,
};
use crate::place::DataFolder;

/// Where a place sees charmproof itself: the program that is Pebble there.
const PROGRAM: &str = "/charm/bin/charmproof";
/// Where the containers of a pod have the program `pebble`, which is the same one.
const PEBBLE: &str = "/charm/bin/pebble";
/// How long the addresses of a network that is going are waited for, and how often it is looked.
const OLD_NETWORK_GOES: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The signal that nobody can ignore.
const KILL: i32 = 9;

/// Places on this host.
pub struct LocalHosting {
    launcher: Launcher,
    images: Images,
    folder: DataFolder,
    program: Utf8PathBuf,
    networks: Mutex<HashMap<String, Network>>,
    /// Held while an image is made, which several units wait for.
    making: Mutex<()>,
}

impl LocalHosting {
    /// Returns the hosting of a controller. `program` is charmproof itself, `cache` where roots are kept.
    pub fn new(
        launcher: Launcher,
        folder: DataFolder,
        program: Utf8PathBuf,
        cache: &Utf8Path,
        settings: Settings,
    ) -> Result<Self, HostingError> {
        let images = Images::new(cache, settings).map_err(failed)?;
        Ok(Self {
            launcher,
            images,
            folder,
            program,
            networks: Mutex::new(HashMap::new()),
            making: Mutex::new(()),
        })
    }

    /// Returns the network of a model: with the addresses that it had before, if it had any.
    fn network(&self, model: &str) -> Result<Network, HostingError> {
        let mut networks = lock(&self.networks);
        if let Some(network) = networks.get(model) {
            return Ok(network.clone());
        }
        let file = self.folder.model(model).join("network");
        let wanted = fs_err::read_to_string(&file).ok().and_then(|text| text.trim().parse::<Subnet>().ok());
        let spec = NetworkSpec { subnet: wanted, ..NetworkSpec::default() };
        let mut network = self.launcher.network(&spec).map_err(failed)?;
        // After a crash, the kernel may still be about to remove the network that was there before.
        let began = Instant::now();
        while wanted.is_some_and(|wanted| wanted != network.subnet()) && began.elapsed() < OLD_NETWORK_GOES {
            drop(network);
            std::thread::sleep(LOOK_AGAIN);
            network = self.launcher.network(&spec).map_err(failed)?;
        }
        let kept = fs_err::create_dir_all(self.folder.model(model))
            .and_then(|()| fs_err::write(&file, network.subnet().to_string()));
        kept.map_err(failed)?;
        networks.insert(model.to_owned(), network.clone());
        Ok(network)
    }

    fn root(&self, of: &RootOf) -> Result<Root, HostingError> {
        let _making = lock(&self.making);
        match of {
            RootOf::Base(base) => self.images.base(&base.name, &base.channel).map_err(failed),
            RootOf::Image(reference, credentials) => {
                let credentials = credentials.as_ref().map(|(username, password)| Credentials {
                    username: username.clone(),
                    password: password.clone(),
                });
                self.images.workload(reference, credentials.as_ref()).map_err(failed)
            }
        }
    }
}

/// Makes one line of an error and its causes.
fn failed(error: impl std::error::Error) -> HostingError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    HostingError(text)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hosting for LocalHosting {
    fn check_base(&self, base: &Base) -> Result<(), HostingError> {
        self.images.check_base(&base.name, &base.channel).map_err(failed)
    }

    fn start(&self, request: &HostRequest) -> Result<Arc<dyn Host>, HostingError> {
        let root = self.root(&request.root)?;
        let upper = request.kept.join("upper");
        let layers_file = request.kept.join("layers.json");
        fs_err::create_dir_all(&request.kept).map_err(failed)?;
        // The layers are those that the place began with, whatever images say by now.
        let known = fs_err::read(&layers_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let layers: Vec<Utf8PathBuf> = if let Some(layers) = known {
            layers
        } else {
            fs_err::create_dir_all(&upper).map_err(failed)?;
            let layers = root.prepare(&upper).map_err(failed)?;
            let text = serde_json::to_vec(&layers).map_err(failed)?;
            fs_err::write(&layers_file, text).map_err(failed)?;
            layers
        };
        let mut spec = MachineSpec::new(
            request.host_name.clone(),
            RootSpec { layers, kept: request.kept.clone() },
            request.kept.join("console.log"),
        );
        let own = request.binds.iter().map(|(source, target, is_writable)| Bind {
            source: source.clone(),
            target: target.clone(),
            is_read_only: !is_writable,
        });
        spec.binds = own.collect();
        spec.binds.extend(root.binds.iter().map(|bind| Bind {
            source: bind.source.clone(),
            target: bind.target.clone(),
            is_read_only: true,
        }));
        if matches!(request.root, RootOf::Image(..)) {
            let program = Bind { source: self.program.clone(), target: PROGRAM.into(), is_read_only: true };
            spec.binds.push(program);
        }
        if request.is_in_pod {
            let pebble = Bind { source: self.program.clone(), target: PEBBLE.into(), is_read_only: true };
            spec.binds.push(pebble);
        }
        spec.network = match &request.network {
            NetworkOf::Own(address) => {
                MachineNetwork::Own { network: self.network(&request.model_uuid)?, address: *address }
            }
            NetworkOf::Shared(other) => match other.as_any().downcast_ref::<LocalHost>() {
                Some(other) => MachineNetwork::Of(other.machine.clone()),
                None => return Err(HostingError("the pod's network is not of this host".to_owned())),
            },
        };
        spec.hides.push(self.folder.path().to_owned());
        spec.has_services = request.has_services;
        // Containers have nobody to log in as.
        spec.login_user = request.has_services.then(|| LOGIN_USER.to_owned());
        spec.domain.clone_from(&request.domain);
        let machine = self.launcher.machine(&spec).map_err(failed)?;
        let network = lock(&self.networks).get(&request.model_uuid).cloned();
        let mut warnings = root.warnings.clone();
        warnings.extend(machine.protection().notes);
        let config = root.config;
        let facts = ImageFacts {
            env: config.env,
            work_dir: Some(config.work_dir).filter(|folder| !folder.as_str().is_empty()),
            user: config.user,
        };
        Ok(Arc::new(LocalHost { machine, network, warnings, facts }))
    }

    fn take_address(
        &self,
        model_uuid: &str,
        promised: &BTreeSet<Ipv4Addr>,
    ) -> Result<Ipv4Addr, HostingError> {
        let address = self.network(model_uuid)?.free_address_except(promised);
        address.ok_or_else(|| HostingError("the model's network has no free address left".to_owned()))
    }

    fn release_address(&self, model_uuid: &str, address: Ipv4Addr) {
        if let Some(network) = lock(&self.networks).get(model_uuid) {
            network.release(address);
        }
    }

    fn may_have(&self, model_uuid: &str, address: Ipv4Addr) -> bool {
        self.network(model_uuid).is_ok_and(|network| network.subnet().contains(address))
    }

    fn remove_network(&self, model_uuid: &str) {
        lock(&self.networks).remove(model_uuid);
    }

    fn remove_folder(&self, folder: &Utf8Path) {
        if fs_err::remove_dir_all(folder).is_err() && folder.exists() {
            // What belongs to users of a machine is removed by whoever holds machines.
            let _ = self.launcher.remove_kept(folder);
        }
    }

    fn pebble_program(&self) -> Vec<String> {
        [PROGRAM, "__pebble", "--process", "--stay", "--root", "/", "--socket"].map(str::to_owned).to_vec()
    }
}

/// A place on this host.
struct LocalHost {
    machine: Machine,
    network: Option<Network>,
    warnings: Vec<String>,
    facts: ImageFacts,
}

impl LocalHost {
    fn start(&self, exec: Exec, terminal: Terminal) -> Result<Box<dyn Process>, HostingError> {
        let spec = MachineExec {
            argv: exec.argv,
            env: exec.env,
            cwd: exec.cwd,
            user: exec.user.as_deref().map_or(User::Root, user),
            stdio: exec.stdio,
            terminal,
        };
        Ok(Box::new(LocalProcess(self.machine.exec(spec).map_err(failed)?)))
    }
}

impl Host for LocalHost {
    fn exec(&self, exec: Exec) -> Result<Box<dyn Process>, HostingError> {
        self.start(exec, Terminal::None)
    }

    fn open_terminal(&self) -> Result<(OwnedFd, OwnedFd), HostingError> {
        self.machine.open_terminal().map_err(failed)
    }

    fn exec_in_terminal(&self, exec: Exec) -> Result<Box<dyn Process>, HostingError> {
        self.start(exec, Terminal::Controlling)
    }

    fn login_user(&self) -> Option<String> {
        self.machine.login_user().map(str::to_owned)
    }

    fn is_running(&self) -> bool {
        self.machine.is_running()
    }

    fn stop(&self) {
        self.machine.stop();
    }

    fn mount(&self, source: &Utf8Path, target: &Utf8Path, is_read_only: bool) -> Result<(), HostingError> {
        self.machine.mount(source, target, is_read_only).map_err(failed)
    }

    fn unmount(&self, target: &Utf8Path) -> Result<(), HostingError> {
        self.machine.unmount(target).map_err(failed)
    }

    fn set_names(&self, names: &[(Ipv4Addr, String)]) {
        let Some(network) = &self.network else { return };
        let all: BTreeMap<String, Ipv4Addr> = names
            .iter()
            .flat_map(|(address, words)| words.split(' ').map(|name| (name.to_owned(), *address)))
            .collect();
        network.set_names(all);
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn image(&self) -> ImageFacts {
        self.facts.clone()
    }
}

/// Reads who is to run something: a name, or numbers.
fn user(text: &str) -> User {
    let (name, group) = text.split_once(':').unwrap_or((text, text));
    match (name.parse(), group.parse()) {
        (Ok(0), _) => User::Root,
        (Ok(user), Ok(group)) => User::Ids(user, group),
        (Ok(user), Err(_)) => User::Ids(user, user),
        (Err(_), _) if name == "root" || name.is_empty() => User::Root,
        (Err(_), _) => User::Named(name.to_owned()),
    }
}

struct LocalProcess(MachineProcess);

impl Process for LocalProcess {
    fn wait_for(&self, time: Duration) -> Option<Ended> {
        self.0.wait_for(time).map(|exit| match exit {
            Exit::Code(code) => Ended::Code(code),
            Exit::Signal(signal) => Ended::Signal(signal),
            Exit::MachineGone => Ended::PlaceGone,
        })
    }

    fn kill(&self) {
        self.0.kill(KILL);
    }
}
