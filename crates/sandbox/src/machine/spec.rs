//! What a machine is made of, and what is executed in it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::client::Machine;
use super::network::Network;

/// A root filesystem, a process tree, a host name and an address of its own.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// What `hostname` prints inside, and what other units may call it.
    pub host_name: String,
    /// What comes behind the host name, and a dot, in its full name; empty if nothing does.
    pub domain: String,
    /// Its files.
    pub root: RootSpec,
    /// What of the host it sees, and where.
    pub binds: Vec<Bind>,
    /// How it is reached, and what it reaches.
    pub network: MachineNetwork,
    /// Where its first process and its services write what nobody else reads.
    pub log: Utf8PathBuf,
    /// Paths inside that look empty at first, whatever the layers have there: they can be
    /// written, and what is written is kept. With the host's own userland as a layer,
    /// [`default_hides`](super::default_hides) is added.
    pub hides: Vec<Utf8PathBuf>,
    /// How much of the host it may use.
    pub limits: MachineLimits,
    /// Whether services run in it that packages bring, and `systemctl` works.
    pub has_services: bool,
    /// Who people log in as, with the rights of root by `sudo`. The user is made where the files have none.
    pub login_user: Option<String>,
}

impl MachineSpec {
    /// Returns a machine with the host's network, and without binds, limits and services.
    pub fn new(host_name: impl Into<String>, root: RootSpec, log: Utf8PathBuf) -> Self {
        Self {
            host_name: host_name.into(),
            domain: String::new(),
            root,
            binds: Vec::new(),
            network: MachineNetwork::Host,
            log,
            hides: Vec::new(),
            limits: MachineLimits::default(),
            has_services: false,
            login_user: None,
        }
    }
}

/// The files of a machine: layers that are only read, and what it changes.
#[derive(Debug, Clone)]
pub struct RootSpec {
    /// Root filesystems, the topmost first. `/` is the host's own userland. The same layer may
    /// serve many machines; nobody may change it meanwhile.
    pub layers: Vec<Utf8PathBuf>,
    /// A folder of ours for what the machine changes. It survives the machine and the program;
    /// only one machine at a time may use it.
    pub kept: Utf8PathBuf,
}

/// A file, socket or folder of the host that is seen inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// Where it is on the host.
    pub source: Utf8PathBuf,
    /// Where it is inside; made if it is missing.
    pub target: Utf8PathBuf,
    /// Whether it cannot be changed from inside.
    pub is_read_only: bool,
}

/// How a machine is reached, and what it reaches.
#[derive(Debug, Clone)]
pub enum MachineNetwork {
    /// An address of its own in a network of ours.
    Own {
        /// The network.
        network: Network,
        /// A free address in it; [`Network::free_address`] finds one.
        address: Ipv4Addr,
    },
    /// The network of another machine: the containers of a pod share one.
    Of(Machine),
    /// The host's.
    Host,
}

/// How much of the host a machine may use. Space on the disk is not bounded: a filesystem
/// would have to have quotas for that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MachineLimits {
    /// Memory of all its processes together, with what is in its `/tmp` and `/run`.
    pub memory_bytes: Option<u64>,
    /// Processes and threads, all together.
    pub processes: Option<u32>,
}

/// A program to execute inside a machine.
#[derive(Debug)]
pub struct MachineExec {
    /// The program and its arguments. A name without `/` is looked up in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The complete environment. `HOME`, `USER` and `LOGNAME` are added for a named user
    /// where they are missing.
    pub env: BTreeMap<String, String>,
    /// Where it starts, inside.
    pub cwd: Utf8PathBuf,
    /// Who it runs as.
    pub user: User,
    /// Standard input, output and error.
    pub stdio: [OwnedFd; 3],
    /// Whether standard input becomes the controlling terminal of its session.
    pub terminal: Terminal,
}

impl MachineExec {
    /// Returns a program that root starts in `/`, with the usual `PATH` and nothing else.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>, stdio: [OwnedFd; 3]) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: BTreeMap::from([("PATH".to_owned(), super::PATH.to_owned())]),
            cwd: Utf8PathBuf::from("/"),
            user: User::Root,
            stdio,
            terminal: Terminal::None,
        }
    }
}

/// Who a program runs as. Names are those of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum User {
    /// The machine's root.
    Root,
    /// A name in the machine's `/etc/passwd`, with all its groups.
    Named(String),
    /// A user and a group by number, and no further group.
    Ids(u32, u32),
}

/// Whether a program has a terminal. It always has a session of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terminal {
    /// No controlling terminal, whatever the descriptors are.
    #[default]
    None,
    /// Standard input is a terminal, and controls the session.
    Controlling,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// With its machine.
    MachineGone,
}

/// What separates machines from the host here, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineLevel {
    /// Root, in a user namespace: everything works inside, and the machine's root has no rights
    /// outside of it.
    RootInUserNamespace,
    /// Root without a user namespace, less the rights that would let it out.
    Root,
    /// A plain user with subordinate ids: machines have users and groups.
    SubordinateIds,
    /// A plain user with one id: everything inside belongs to it, and packages that make users
    /// cannot be installed.
    SingleId,
    /// No namespaces: processes on the host itself, which are ended with the machine.
    ProcessOnly,
}

impl MachineLevel {
    /// Returns its name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::RootInUserNamespace => "root in a user namespace",
            Self::Root => "root without a user namespace",
            Self::SubordinateIds => "a user namespace with subordinate ids",
            Self::SingleId => "a user namespace with one id",
            Self::ProcessOnly => "no namespaces",
        }
    }

    /// Says what would give more, if anything would.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::RootInUserNamespace | Self::Root => None,
            Self::SubordinateIds => Some("as root, the host would reach the addresses of machines"),
            Self::SingleId => Some(
                "with `newuidmap` and `newgidmap` (package uidmap) and a line for you of at least 65535 ids in \
                 /etc/subuid and /etc/subgid, machines would have users of their own; as root, the host would \
                 reach their addresses as well",
            ),
            Self::ProcessOnly => Some(
                "run charmproof as root, or let it make user namespaces: where AppArmor forbids that, with `sudo \
                 sysctl --write kernel.apparmor_restrict_unprivileged_userns=0` or a profile with `userns,`",
            ),
        }
    }

    /// Says in a sentence what it gives.
    pub fn describe(self) -> &'static str {
        match self {
            Self::RootInUserNamespace => {
                "machines with files, processes, users and addresses of their own, which the host reaches; \
                 their root has no rights on the host"
            }
            Self::Root => {
                "machines with files, processes, users and addresses of their own, which the host reaches; \
                 their root is the host's, less the rights that would let it out"
            }
            Self::SubordinateIds => {
                "machines with files, processes, users and addresses of their own, made without root; the host \
                 reaches their addresses only from inside their network"
            }
            Self::SingleId => {
                "machines with files, processes and addresses of their own, but a single user: packages that \
                 make users cannot be installed; the host reaches their addresses only from inside their network"
            }
            Self::ProcessOnly => {
                "no machines: programs run on the host itself, with its files and its network, and are ended \
                 together"
            }
        }
    }

    /// Whether machines have users besides root.
    pub fn has_users(self) -> bool {
        match self {
            Self::RootInUserNamespace | Self::Root | Self::SubordinateIds => true,
            Self::SingleId | Self::ProcessOnly => false,
        }
    }

    /// Whether machines have files and processes of their own.
    pub fn is_isolated(self) -> bool {
        match self {
            Self::RootInUserNamespace | Self::Root | Self::SubordinateIds | Self::SingleId => true,
            Self::ProcessOnly => false,
        }
    }
}

/// What really separates a machine from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineProtection {
    /// What separates it.
    pub level: MachineLevel,
    /// What bounds its memory.
    pub memory: crate::Control,
    /// What bounds the number of its processes.
    pub process_count: crate::Control,
    /// One sentence for each thing that is weaker than it could be.
    pub notes: Vec<String>,
}
