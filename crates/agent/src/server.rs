//! A socket of one unit, at which its processes ask for hook tools.
//!
//! For units whose hooks run in a root filesystem of their own, as processes that are started
//! there: each tool is a process that connects, asks once and goes. The server knows nothing of
//! hooks; whoever starts it says what is answered. [`wrong_context`] and [`no_context`] are what
//! Juju says to a process of a hook that is over, or of none. `juju-exec` asks at a socket of its
//! own, and [`Commands`] is what it wants.
//!
//! What clients can do is bounded: how many connections are open at once, how long one may take
//! to ask, how much it may send.

mod commands;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use camino::Utf8Path;
use fs_err as fs;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{Mode, OFlags};

use crate::protocol::{Request, read_frame, write_frame};
use crate::tools::Reply;

pub use commands::Commands;

/// How many connections are served at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 32;
/// How long a client may take to send its request, or to take its reply.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
/// The name of the socket in the folder of a unit's agent.
pub const TOOLS_SOCKET: &str = "agent.socket";
/// The name of the one that `juju-exec` asks at.
pub const EXEC_SOCKET: &str = "run.socket";

/// Listens at a socket in a folder, in the place of one that was left there. Only its owner may
/// connect. The path of the folder may be longer than addresses of sockets are.
pub fn listen(folder: &Utf8Path, name: &str) -> io::Result<UnixListener> {
    fs::create_dir_all(folder)?;
    let directory = rustix::fs::open(
        folder.as_std_path(),
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    match rustix::fs::unlinkat(&directory, name, rustix::fs::AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let path = format!("/proc/self/fd/{}/{name}", directory.as_raw_fd());
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

/// Returns what Juju says to a process that belongs to a hook that is over
/// (worker/uniter/runner, `startJujucServer`).
pub fn wrong_context(context_id: &str) -> Reply {
    refusal(&format!("bad request: wrong context ID; got {context_id:?}"))
}

/// Returns what Juju says to a process that belongs to no hook (cmd/jujud, `hookToolMain`).
pub fn no_context() -> Reply {
    refusal("JUJU_CONTEXT_ID not set")
}

fn refusal(message: &str) -> Reply {
    Reply { code: 1, stdout: Vec::new(), stderr: format!("ERROR {message}\n").into_bytes() }
}

/// A server that runs until it is dropped. Then no process gets an answer any more; an answer
/// that is being made is waited for.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What the threads of a server share.
#[derive(Debug)]
struct Shared {
    /// Written to when the server ends.
    end: OwnedFd,
    connections: Mutex<Connections>,
    /// Told of each connection that ends.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Connections {
    is_over: bool,
    open: BTreeMap<u64, UnixStream>,
    next: u64,
}

impl Shared {
    // What a thread that panicked left behind is still a list of connections.
    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Serves the connections of a listener. One request is answered at a time, as Juju does.
    pub fn start<F>(listener: UnixListener, answer: F) -> io::Result<Self>
    where
        F: FnMut(&Request) -> Reply + Send + 'static,
    {
        let shared = Arc::new(Shared {
            end: eventfd(0, EventfdFlags::CLOEXEC)?,
            connections: Mutex::default(),
            ended: Condvar::new(),
        });
        listener.set_nonblocking(true)?;
        let accepting = thread::Builder::new().name("hook tools".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            let answer = Arc::new(Mutex::new(answer));
            move || accept(&listener, &shared, &answer)
        })?;
        Ok(Self { shared, accepting: Some(accepting) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.connections().is_over = true;
        let _ = rustix::io::write(&self.shared.end, &1_u64.to_ne_bytes());
        self.shared.ended.notify_all();
        if let Some(accepting) = self.accepting.take() {
            // One that panicked has said so.
            let _ = accepting.join();
        }
        let mut connections = self.shared.connections();
        for stream in connections.open.values() {
            // Who is still asking sees the end of the connection.
            let _ = stream.shutdown(std::net::Shutdown::Read);
        }
        while !connections.open.is_empty() {
            connections = self.shared.ended.wait(connections).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Accepts connections until the server ends.
fn accept<F>(listener: &UnixListener, shared: &Arc<Shared>, answer: &Arc<Mutex<F>>)
where
    F: FnMut(&Request) -> Reply + Send + 'static,
{
    loop {
        let mut polled = [
            PollFd::new(&shared.end, PollFlags::IN),
            PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        let mut connections = shared.connections();
        while connections.open.len() >= CONNECTIONS_MAX && !connections.is_over {
            connections = shared.ended.wait(connections).unwrap_or_else(PoisonError::into_inner);
        }
        if connections.is_over {
            return;
        }
        // Whoever has gone again meanwhile is not missed.
        let Ok((stream, _)) = listener.accept() else { continue };
        let Ok(kept) = stream.try_clone() else { continue };
        let number = connections.next;
        connections.next += 1;
        connections.open.insert(number, kept);
        drop(connections);
        let of_thread = (Arc::clone(shared), Arc::clone(answer));
        let spawned = thread::Builder::new().name("hook tool".to_owned()).spawn(move || {
            let (shared, answer) = of_thread;
            let ending = Ending { shared: &shared, number };
            // A client that goes, or sends what is no request, has nobody who would be told.
            let _ = serve(stream, &shared, &answer);
            drop(ending);
        });
        if spawned.is_err() {
            shared.connections().open.remove(&number);
        }
    }
}

/// Takes a connection off the list when its thread ends, even if that panics.
struct Ending<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.shared.connections().open.remove(&self.number);
        self.shared.ended.notify_all();
    }
}

/// Answers the requests of one connection, usually one.
fn serve<F>(mut stream: UnixStream, shared: &Shared, answer: &Mutex<F>) -> io::Result<()>
where
    F: FnMut(&Request) -> Reply,
{
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(CLIENT_TIMEOUT))?;
    stream.set_write_timeout(Some(CLIENT_TIMEOUT))?;
    while let Some(payload) = read_frame(&mut stream)? {
        let request = Request::decode(&payload)?;
        let reply = {
            let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
            if shared.connections().is_over {
                return Ok(());
            }
            (*answer)(&request)
        };
        if request.wants_reply {
            write_frame(&mut stream, &reply.encode())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
