//! Listens, and serves each connection on a thread of its own.
//!
//! Threads take turns to wait for a connection: the one that gets it serves it, and sees to it that another
//! one waits meanwhile. So nothing is handed from thread to thread, and a server that nobody asks has one.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use crate::changes::Changes;
use crate::checks::CheckOutcome;
use crate::clock::Time;
use crate::core::Core;
use crate::error::PebbleError;
use crate::files::root::Root;
use crate::http::Stream;
use crate::identities::Identities;
use crate::notices::{NoticeKind, Notices, Occurrence};
use crate::options::{Clock, Options, Workload};
use crate::plan::{Layers, read_layer_name};
use crate::records::{Records, Snapshot};
use crate::services::Current;
use crate::shared::Shared;
use crate::{api, connection};

/// How long the end of a server waits for its threads.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// How long a snapshot waits for what a client has just left behind.
const SNAPSHOT_PATIENCE: Duration = Duration::from_millis(200);

/// A Pebble that listens on a socket, until it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    listeners: Vec<Arc<Listener>>,
    socket: Utf8PathBuf,
    http_address: Option<std::net::SocketAddr>,
    layers_dir: Option<Utf8PathBuf>,
}

/// Looks into a server and does to it what does not come through its socket. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    layers_dir: Option<Utf8PathBuf>,
}

/// What is listened on, and how many threads wait for a connection there.
struct Listener {
    socket: Socket,
    idle: AtomicUsize,
}

enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    fn new(socket: Socket) -> Arc<Self> {
        Arc::new(Self { socket, idle: AtomicUsize::new(0) })
    }

    fn accept(&self) -> std::io::Result<Stream> {
        match &self.socket {
            Socket::Unix(listener) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
            Socket::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
        }
    }

    fn shut_down(&self) {
        let file = match &self.socket {
            Socket::Unix(listener) => listener.as_fd(),
            Socket::Tcp(listener) => listener.as_fd(),
        };
        // Whoever waits for a connection comes back with an error.
        let _ = rustix::net::shutdown(file, rustix::net::Shutdown::Both);
    }
}

impl Server {
    /// Starts a server. It answers as soon as this returns.
    pub fn start(options: Options) -> Result<Self, PebbleError> {
        let has_processes = matches!(options.workload, Workload::Process);
        if has_processes && matches!(options.clock, Clock::Virtual(_)) {
            return Err(PebbleError::ProcessInVirtualTime);
        }
        let root = Root::open(&options.root, !has_processes)
            .map_err(|error| PebbleError::Root { path: options.root.clone(), source: error.into() })?;
        let mut layers = Layers::default();
        if let Some(folder) = &options.layers_dir {
            read_layers(&root, folder, &mut layers)?;
        }
        let mut listeners = vec![listen(&options.socket)?];
        let mut http_address = None;
        if let Some(address) = &options.http {
            let failed = |source| PebbleError::Http { address: address.clone(), source };
            // Go takes a port alone for all addresses.
            let full = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() };
            let listener = TcpListener::bind(full).map_err(failed)?;
            http_address = listener.local_addr().ok();
            listeners.push(Listener::new(Socket::Tcp(listener)));
        }
        let limits = options.limits;
        let shared = Shared::new(
            |shared| Core {
                time: Time::new(options.clock),
                layers,
                changes: Changes::default(),
                notices: Notices::default(),
                identities: Identities::default(),
                services: BTreeMap::new(),
                checks: BTreeMap::new(),
                executions: BTreeMap::new(),
                records: Records::default(),
                workload: options.workload,
                root,
                boot_id: options.boot_id,
                version: options.version,
                http_address: options.http,
                environment: options.environment,
                busy: 0,
                open_inputs: 0,
                connect_timeout: limits.connect_timeout,
                is_closed: false,
                shared,
                last_run: 0,
            },
            limits,
        );
        let server =
            Self { shared, listeners, socket: options.socket, http_address, layers_dir: options.layers_dir };
        server.shared.step(Core::plan_changed);
        for listener in &server.listeners {
            server.shared.workers.fetch_add(1, Ordering::SeqCst);
            spawn_worker(&server.shared, listener).map_err(PebbleError::Thread)?;
        }
        Ok(server)
    }

    /// Returns a handle, which outlives the server and is of no use then.
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared), layers_dir: self.layers_dir.clone() }
    }

    /// Where the socket is.
    pub fn socket(&self) -> &Utf8Path {
        &self.socket
    }

    /// Where HTTP is served, if it is.
    pub fn http_address(&self) -> Option<std::net::SocketAddr> {
        self.http_address
    }
}

/// The socket is removed, requests that wait are ended, and processes are killed.
impl Drop for Server {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = fs_err::remove_file(&self.socket);
        self.shared.close();
        for listener in &self.listeners {
            listener.shut_down();
        }
        let deadline = Instant::now() + END_PATIENCE;
        while self.shared.workers.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_micros(50));
            // A connection that was being taken when all were closed.
            self.shared.close();
        }
    }
}

impl Handle {
    /// What can be seen of the server, and what clients did to it. Commands whose clients have just gone are
    /// waited for, for a moment.
    pub fn snapshot(&self) -> Snapshot {
        let is_quiet = |core: &Core| core.open_inputs == 0;
        self.shared.settle(SNAPSHOT_PATIENCE, is_quiet).snapshot()
    }

    /// Whether a service runs, as `pebble services` tells it.
    pub fn is_active(&self, service: &str) -> bool {
        let core = self.shared.lock();
        core.services.get(service).is_some_and(|service| service.state.current() == Current::Active)
    }

    /// Restarts the container: services, commands, checks and layers are gone, and the boot id is another
    /// one. Files are the caller's business.
    pub fn restart(&self, boot_id: impl Into<String>) {
        self.shared.step(|core| {
            core.restart(boot_id.into());
            if let Some(folder) = &self.layers_dir {
                let mut layers = Layers::default();
                // What was valid at the start may be broken now; Pebble would not start, we go on without.
                if read_layers(&core.root, folder, &mut layers).is_ok() {
                    core.layers = layers;
                    core.plan_changed();
                }
            }
        });
    }

    /// Leaves a notice, as the workload does with `pebble notify`. Returns its id.
    pub fn notify(&self, kind: NoticeKind, key: &str) -> String {
        let id = self.shared.step(|core| {
            let now = core.now();
            let user = match kind {
                NoticeKind::Custom => Some(0),
                NoticeKind::ChangeUpdate | NoticeKind::Warning => None,
            };
            let occurrence = Occurrence {
                user,
                kind,
                key: key.to_owned(),
                data: BTreeMap::new(),
                repeat_after: Duration::ZERO,
            };
            core.notices.add(now, occurrence)
        });
        id.to_string()
    }

    /// Makes a check succeed or fail from now on, and be up or down at once. False if the plan has no such
    /// check.
    pub fn set_check(&self, name: &str, outcome: CheckOutcome) -> bool {
        self.shared.step(|core| core.force_check(name, outcome))
    }

    /// Lets virtual time pass. The real clock takes no orders.
    pub fn advance(&self, duration: Duration) {
        self.shared.advance(duration);
    }
}

/// Makes the socket, in the place of one that was left behind.
fn listen(path: &Utf8Path) -> Result<Arc<Listener>, PebbleError> {
    use std::os::unix::fs::FileTypeExt as _;
    if fs_err::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket()) {
        // If it cannot be removed, binding says why.
        let _ = fs_err::remove_file(path);
    }
    UnixListener::bind(path)
        .map(|listener| Listener::new(Socket::Unix(listener)))
        .map_err(|source| PebbleError::Socket { path: path.to_owned(), source })
}

/// Reads the layers of a folder and of the folders in it, in their order.
fn read_layers(root: &Root, folder: &Utf8Path, layers: &mut Layers) -> Result<(), PebbleError> {
    let refuse = |message: String| PebbleError::Layers { path: folder.to_owned(), message };
    let Ok((_, names)) = root.names(folder.as_str()) else { return Ok(()) };
    let mut found: Vec<(u32, String, Utf8PathBuf)> = Vec::new();
    for name in &names {
        if let Some((order, label)) = read_layer_name(name, ".yaml") {
            found.push((order * 1000, label.to_owned(), folder.join(name)));
        } else if let Some((order, label)) = read_layer_name(name, ".d") {
            let inner = folder.join(name);
            let (_, inner_names) =
                root.names(inner.as_str()).map_err(|error| refuse(format!("{inner}: {error}")))?;
            for inner_name in inner_names {
                if let Some((inner_order, inner_label)) = read_layer_name(&inner_name, ".yaml") {
                    let label = format!("{label}/{inner_label}");
                    found.push((order * 1000 + inner_order, label, inner.join(&inner_name)));
                }
            }
        }
    }
    found.sort();
    for (order, label, path) in found {
        let text = root
            .read_small(path.as_str())
            .map_err(|error| refuse(format!("cannot read layer file: {error}")))?;
        layers.add_file(order, &label, &text).map_err(|error| refuse(error.to_string()))?;
    }
    Ok(())
}

fn spawn_worker(shared: &Arc<Shared>, listener: &Arc<Listener>) -> std::io::Result<()> {
    let (shared, listener) = (Arc::clone(shared), Arc::clone(listener));
    let thread = std::thread::Builder::new().name("pebble".into()).stack_size(512 << 10);
    thread
        .spawn(move || {
            let worker = Worker(&shared);
            work(worker.0, &listener);
        })
        .map(drop)
}

/// A thread that is counted.
struct Worker<'a>(&'a Arc<Shared>);

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        self.0.workers.fetch_sub(1, Ordering::SeqCst);
    }
}

fn work(shared: &Arc<Shared>, listener: &Arc<Listener>) {
    loop {
        listener.idle.fetch_add(1, Ordering::SeqCst);
        let accepted = listener.accept();
        let others = listener.idle.fetch_sub(1, Ordering::SeqCst) - 1;
        let stream = match accepted {
            Ok(stream) => stream,
            Err(_) if shared.lock().is_closed => return,
            Err(_) => {
                // Out of files, most likely: somebody has to close one first.
                std::thread::park_timeout(Duration::from_millis(10));
                continue;
            }
        };
        if others == 0 && shared.workers.load(Ordering::SeqCst) < shared.limits.connections {
            shared.workers.fetch_add(1, Ordering::SeqCst);
            if spawn_worker(shared, listener).is_err() {
                shared.workers.fetch_sub(1, Ordering::SeqCst);
            }
        }
        serve(shared, stream);
        if listener.idle.load(Ordering::SeqCst) >= 2 {
            return;
        }
    }
}

fn serve(shared: &Arc<Shared>, stream: Stream) {
    let limits = shared.limits;
    let timeout = limits.head_timeout.min(limits.stall_timeout);
    if stream.set_timeouts(timeout, limits.stall_timeout).is_err() {
        return;
    }
    let id = shared.last_connection.fetch_add(1, Ordering::Relaxed);
    if let Ok(copy) = stream.try_clone() {
        shared.connections.lock().unwrap_or_else(PoisonError::into_inner).insert(id, copy);
    }
    if !shared.lock().is_closed {
        connection::serve(shared, stream, api::handle);
    }
    shared.connections.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
}
