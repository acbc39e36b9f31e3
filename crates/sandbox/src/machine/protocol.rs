//! What charmproof, the holder and the first processes of machines say to each other.
//!
//! charmproof asks the holder ([`Demand`]) and waits for each [`Answer`]. It speaks to the
//! first process of a machine over the machine's control socket ([`Order`], answered once, by
//! [`Readiness`]), and about each program over a socket of its own ([`Word`], [`News`]).

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::spec::{Bind, Exit, MachineLevel, Terminal, User};
use crate::protocol::Failure;

/// The first message to the holder.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) level: MachineLevel,
    /// Lines for the maps of user and group ids, if `newuidmap` has to write them.
    pub(crate) subordinate: Option<(IdMap, IdMap)>,
}

/// Ids inside, outside, and how many, as `newuidmap` wants them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdMap(pub(crate) Vec<[u32; 3]>);

/// What the holder is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Demand {
    /// A new network namespace; its descriptor comes with the answer.
    Network {
        /// Whether it hands on what comes from one of its links and is meant for another.
        is_router: bool,
    },
    /// A socket in the network namespace whose descriptor comes along.
    Socket(SocketKind),
    /// The first process of a machine. Descriptors: its control socket, a socket that tells of
    /// its end by closing, the lock of its files, its log and, if it has one, its network
    /// namespace.
    Start(Box<MachinePlan>),
    /// Removes a folder that a machine wrote, whoever owns what is in it.
    Remove(Utf8PathBuf),
}

/// The kinds of sockets that are needed in a network namespace.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum SocketKind {
    Tcp,
    Udp,
    Netlink,
}

/// The holder's answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Done; what was asked for comes along.
    Done,
    /// The first process, as the host numbers it.
    Started {
        pid: i32,
    },
    Failed(Failure),
    /// The answer to [`Hello`], if its level does not work here.
    Refused {
        why: String,
    },
}

/// One machine, as its first process sees it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MachinePlan {
    pub(crate) level: MachineLevel,
    pub(crate) host_name: String,
    pub(crate) domain: String,
    pub(crate) layers: Vec<Utf8PathBuf>,
    pub(crate) kept: Utf8PathBuf,
    pub(crate) hides: Vec<Utf8PathBuf>,
    pub(crate) binds: Vec<Bind>,
    pub(crate) network: NetworkPlan,
    pub(crate) has_services: bool,
    pub(crate) login_user: Option<String>,
}

/// What a machine has to know of its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NetworkPlan {
    /// The namespace comes along.
    Own {
        address: std::net::Ipv4Addr,
        resolver: std::net::Ipv4Addr,
        search: Vec<String>,
    },
    Host,
}

/// What the first process of a machine is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// It is in its control groups: it may make its root.
    Go,
    /// Executes a program. Descriptors: the socket about it, and its standard input, output
    /// and error.
    Execute(ExecPlan),
    /// Writes a file anew, in place.
    Write { path: Utf8PathBuf, text: String },
    /// Shows a folder of the machine at another place of it, too.
    Mount { source: Utf8PathBuf, target: Utf8PathBuf, is_read_only: bool },
    /// Shows there again what was there before. Programs that are in it stay in it.
    Unmount { target: Utf8PathBuf },
    /// Opens a terminal of the machine; both of its ends come back on the socket that comes along.
    OpenTerminal,
    /// Ends the services, then everything.
    ShutDown,
}

/// The first process's only word on its control socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Readiness {
    Ready { notes: Vec<String> },
    Failed(Failure),
}

/// One program, as the first process sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExecPlan {
    pub(crate) argv: Vec<String>,
    pub(crate) env: std::collections::BTreeMap<String, String>,
    pub(crate) cwd: Utf8PathBuf,
    pub(crate) user: User,
    pub(crate) terminal: Terminal,
}

/// What the first process is told about one program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// To its process group; SIGKILL goes to all its descendants and its session.
    Signal(i32),
}

/// What becomes of one program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum News {
    Started {
        pid: i32,
    },
    Failed(Failure),
    Ended(Exit),
    /// A file was written, a folder mounted, or a terminal opened.
    Done,
}
