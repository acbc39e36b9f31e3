//! Where units live: something that has a root filesystem and an address, and runs commands.
//!
//! What a unit needs of it is here; [`local`] makes it of the sandbox of this host. Others, such as
//! containers of LXD, may come beside it.

pub mod local;
#[cfg(test)]
pub(crate) mod nowhere;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use crate::controller::data::Base;

/// Who people log in as on machines of clouds.
pub(crate) const LOGIN_USER: &str = "ubuntu";

/// Why a unit has no place to live in, or a command cannot be run there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct HostingError(pub String);

/// What a place begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootOf {
    /// A system with nothing else on it.
    Base(Base),
    /// An image of a workload, and who one is to its registry.
    Image(String, Option<(String, String)>),
}

/// Which network a place has.
#[derive(Clone)]
pub enum NetworkOf {
    /// One of its own, with this address in the model's network.
    Own(Ipv4Addr),
    /// That of another place: the containers of a pod.
    Shared(Arc<dyn Host>),
}

impl fmt::Debug for NetworkOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(address) => write!(f, "Own({address})"),
            Self::Shared(_) => f.write_str("Shared"),
        }
    }
}

/// A place that is to be made.
#[derive(Clone, Debug)]
pub struct HostRequest {
    /// The model that it is for.
    pub model_uuid: String,
    /// What it calls itself.
    pub host_name: String,
    /// What comes behind that, and a dot, in its full name; empty if nothing does.
    pub domain: String,
    /// What it begins with.
    pub root: RootOf,
    /// Where what it writes is kept, so that it is there again after a restart.
    pub kept: Utf8PathBuf,
    /// Folders and files of the host that it sees: where they are outside, inside, and whether it may
    /// write there.
    pub binds: Vec<(Utf8PathBuf, Utf8PathBuf, bool)>,
    /// Its network.
    pub network: NetworkOf,
    /// Whether packages can run services in it, as in a machine. Containers have none, or Pebble.
    pub has_services: bool,
    /// Whether it is a container of a pod, which has the program `pebble`.
    pub is_in_pod: bool,
}

/// A command that is to be run in a place.
#[derive(Debug)]
pub struct Exec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// All variables of its environment.
    pub env: BTreeMap<String, String>,
    /// Where it begins.
    pub cwd: Utf8PathBuf,
    /// Who runs it: a name, or `uid:gid`; nobody else than root if not given.
    pub user: Option<String>,
    /// Standard input, output and error.
    pub stdio: [OwnedFd; 3],
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// With the place that it ran in.
    PlaceGone,
}

impl Ended {
    /// Returns the exit code that a shell would tell.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
            Self::PlaceGone => 137,
        }
    }
}

/// A command that runs.
pub trait Process: Send + Sync {
    /// Waits for its end, for some time.
    fn wait_for(&self, time: Duration) -> Option<Ended>;
    /// Ends it, and all that it has started.
    fn kill(&self);
}

/// A place where a unit lives. What runs there ends when it is dropped.
pub trait Host: Send + Sync {
    /// Runs a command.
    fn exec(&self, exec: Exec) -> Result<Box<dyn Process>, HostingError>;
    /// Opens a terminal of the place: the end to watch, and the end that a command has.
    fn open_terminal(&self) -> Result<(OwnedFd, OwnedFd), HostingError>;
    /// Runs a command whose standard input is a terminal of the place, which controls it.
    fn exec_in_terminal(&self, exec: Exec) -> Result<Box<dyn Process>, HostingError>;
    /// Returns who people log in as, if that is not root.
    fn login_user(&self) -> Option<String>;
    /// Whether it is there.
    fn is_running(&self) -> bool;
    /// Ends all that runs there.
    fn stop(&self);
    /// Shows a folder of the place at another path of it, too, until the place ends or that is undone.
    fn mount(&self, source: &Utf8Path, target: &Utf8Path, is_read_only: bool) -> Result<(), HostingError>;
    /// Undoes [`Self::mount`].
    fn unmount(&self, target: &Utf8Path) -> Result<(), HostingError>;
    /// Writes the names of others anew.
    fn set_names(&self, names: &[(Ipv4Addr, String)]);
    /// What a person has to know of it: what stands in for what, what it cannot do.
    fn warnings(&self) -> Vec<String>;
    /// The same place as what made it, for others that share its network.
    fn as_any(&self) -> &dyn std::any::Any;
    /// The variables that an image brings, its user and its folder.
    fn image(&self) -> ImageFacts {
        ImageFacts::default()
    }
}

/// What an image says of processes in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Where processes begin.
    pub work_dir: Option<Utf8PathBuf>,
    /// Who they are.
    pub user: Option<String>,
}

/// What makes places.
pub trait Hosting: Send + Sync {
    /// Makes a place, or brings back one that was there before.
    fn start(&self, request: &HostRequest) -> Result<Arc<dyn Host>, HostingError>;
    /// Refuses a base that no place can have here, and says what would be needed. It is quick.
    fn check_base(&self, base: &Base) -> Result<(), HostingError>;
    /// Takes an address of a model's network, which is made if need be. It is none of those that places are
    /// going to have again.
    fn take_address(&self, model_uuid: &str, promised: &BTreeSet<Ipv4Addr>)
    -> Result<Ipv4Addr, HostingError>;
    /// Gives an address back that was taken, and that no place has.
    fn release_address(&self, model_uuid: &str, address: Ipv4Addr);
    /// Removes a folder that places kept their files in. What belongs to users of a place is no matter.
    fn remove_folder(&self, folder: &Utf8Path);
    /// Whether a place of a model can have an address: one of before may belong to somebody else by now.
    fn may_have(&self, model_uuid: &str, address: Ipv4Addr) -> bool;
    /// Ends a model's network.
    fn remove_network(&self, model_uuid: &str);
    /// Returns who is to be started in a container as its Pebble.
    fn pebble_program(&self) -> Vec<String>;
}
