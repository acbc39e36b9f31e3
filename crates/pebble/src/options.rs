//! What a server is started with. It decides nothing and opens nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::Timestamp;

use crate::rules::ExecRules;

/// Everything that a [`Server`](crate::Server) is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the unix socket is made. A socket that lies there is replaced.
    pub socket: Utf8PathBuf,
    /// The container's private root: paths of the API are paths inside it, and neither `..` nor a symbolic
    /// link leads out of it.
    pub root: Utf8PathBuf,
    /// What stands behind services, commands and checks.
    pub workload: Workload,
    /// Which time it is for services, checks and notices.
    pub clock: Clock,
    /// What `/v1/system-info` says; Juju fires pebble-ready when it changes.
    pub boot_id: String,
    /// What `/v1/system-info` says.
    pub version: String,
    /// A TCP address on which `/v1/health` and `/v1/system-info` are served to anybody, as Pebble's
    /// `--http` does. `None` serves the socket alone.
    pub http: Option<String>,
    /// The folder inside the root whose layers the plan begins with, where it exists.
    pub layers_dir: Option<Utf8PathBuf>,
    /// The environment that services and commands inherit, as they inherit that of Pebble.
    pub environment: BTreeMap<String, String>,
    /// What a client may ask for at most.
    pub limits: Limits,
}

impl Options {
    /// A server with a workload on paper, a virtual clock that begins in 2024, and nothing unusual.
    pub fn new(socket: impl Into<Utf8PathBuf>, root: impl Into<Utf8PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            root: root.into(),
            workload: Workload::Simulated(ExecRules::default()),
            clock: Clock::Virtual(Timestamp::constant(1_704_067_200, 0)),
            boot_id: "00000000-0000-0000-0000-000000000001".into(),
            version: "v1.19.2".into(),
            http: None,
            layers_dir: None,
            environment: BTreeMap::from([("PATH".into(), crate::process::DEFAULT_PATH.into())]),
            limits: Limits::default(),
        }
    }
}

/// What stands behind services, commands and checks.
#[derive(Debug, Clone)]
pub enum Workload {
    /// Nothing runs: services are active on paper, and commands are answered by rules.
    Simulated(ExecRules),
    /// Services, commands and checks are real processes. They need the real clock.
    Process,
}

/// Which time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Time begins here and passes only where somebody waits for it, or by
    /// [`Handle::advance`](crate::Handle::advance); nothing ever sleeps.
    Virtual(Timestamp),
    /// The time of the machine.
    Real,
}

/// What a client may ask for at most. Whatever goes beyond is refused, and the connection closed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections that are served at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Bytes of the first line and the headers of a request.
    pub head_bytes: usize,
    /// Bytes of a JSON body.
    pub json_bytes: u64,
    /// Bytes of an upload, all files of it together.
    pub upload_bytes: u64,
    /// How long the head of a request may take in all, and how long a connection may be idle.
    pub head_timeout: Duration,
    /// How long a body or a reader may stand still.
    pub stall_timeout: Duration,
    /// How long a command waits for its websockets.
    pub connect_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head_bytes: 64 << 10,
            json_bytes: 8 << 20,
            upload_bytes: 1 << 30,
            head_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
        }
    }
}
