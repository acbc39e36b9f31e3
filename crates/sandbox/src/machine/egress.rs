//! The way out of the networks of machines.
//!
//! The router takes all that machines send to the world as sent to itself. Here connections are
//! accepted whose port is a known one, and made again from the host to where they were meant
//! for. No machine needs a setting for that, no proxy has to be known to any program, and
//! nothing is changed on the host: no forwarding, no rule of a firewall. Names are looked up as
//! the host does it, but for those of the machines themselves.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, PipeReader, PipeWriter};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::Ipv4PacketInfo;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg};

use super::dns::{self, Kind};
use super::protocol::SocketKind;
use super::realm::Realm;
use super::subnet::Subnet;

/// What leads out: secure shell, names, the web, proxies, registries, git and keys. Anything
/// else is refused at once, which programs take better than silence.
const PORTS: [u16; 10] = [22, NAMES_PORT, 80, 443, 3128, 5000, 8080, 8443, 9418, 11371];
const NAMES_PORT: u16 = 53;
/// How many connections and questions there may be at once.
const AT_ONCE_MAX: usize = 512;
const BACKLOG: i32 = 128;
const DIAL: Duration = Duration::from_secs(10);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_mins(15);
const ASK: Duration = Duration::from_secs(4);
const PACKET_BYTES_MAX: usize = 4096;

/// What machines are called, for each network. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    names: Arc<Mutex<BTreeMap<Ipv4Addr, BTreeMap<String, Ipv4Addr>>>>,
}

impl Names {
    /// Says what the machines of a network are called, in the place of what was said before.
    pub(crate) fn set(&self, subnet: Subnet, names: BTreeMap<String, Ipv4Addr>) {
        let lower: BTreeMap<String, Ipv4Addr> =
            names.into_iter().map(|(name, address)| (name.to_ascii_lowercase(), address)).collect();
        let mut all = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if lower.is_empty() {
            all.remove(&subnet.base());
        } else {
            all.insert(subnet.base(), lower);
        }
    }

    /// Looks a name up, first in the network of whoever asks.
    fn address(&self, asker: Ipv4Addr, name: &str) -> Option<Ipv4Addr> {
        let all = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.get(&Subnet::around(asker).base()).and_then(|names| names.get(name));
        own.or_else(|| all.values().find_map(|names| names.get(name))).copied()
    }

    /// Looks an address up; of several names the longest, which says most.
    fn name(&self, address: Ipv4Addr) -> Option<String> {
        let all = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let names = all.get(&Subnet::around(address).base())?;
        let of_address = names.iter().filter(|(_, found)| **found == address);
        of_address.map(|(name, _)| name.clone()).max_by_key(String::len)
    }
}

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Egress {
    /// Closes when this goes, and the server with it.
    _stopper: PipeWriter,
}

impl Egress {
    pub(crate) fn start(realm: &Realm, router: &OwnedFd, names: Names) -> io::Result<Self> {
        let everywhere = |port| SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        let mut listeners = Vec::new();
        for port in PORTS {
            let socket = realm.socket(router, SocketKind::Tcp)?;
            rustix::net::bind(&socket, &everywhere(port))?;
            rustix::net::listen(&socket, BACKLOG)?;
            let listener = TcpListener::from(socket);
            // A connection that is gone before it is accepted must stop nobody.
            listener.set_nonblocking(true)?;
            listeners.push(listener);
        }
        let socket = realm.socket(router, SocketKind::Udp)?;
        rustix::net::bind(&socket, &everywhere(NAMES_PORT))?;
        nix::sys::socket::setsockopt(&socket, Ipv4PacketInfo, &true)?;
        let questions = UdpSocket::from(socket);
        questions.set_nonblocking(true)?;
        let (stop, stopper) = io::pipe()?;
        let server = Server { listeners, questions, names, active: Arc::default() };
        thread::Builder::new().name("egress".to_owned()).spawn(move || server.serve(&stop))?;
        Ok(Self { _stopper: stopper })
    }
}

struct Server {
    listeners: Vec<TcpListener>,
    questions: UdpSocket,
    names: Names,
    active: Arc<AtomicUsize>,
}

impl Server {
    fn serve(&self, stop: &PipeReader) {
        loop {
            let sources = [stop.as_fd(), self.questions.as_fd()];
            let sources = sources.into_iter().chain(self.listeners.iter().map(AsFd::as_fd));
            let mut fds: Vec<PollFd<'_>> =
                sources.map(|source| PollFd::new(source, PollFlags::POLLIN)).collect();
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(_) => return,
                Ok(_) => {}
            }
            let spoken: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
            if spoken[0] {
                return;
            }
            if spoken[1] {
                self.hear_question();
            }
            for (listener, _) in self.listeners.iter().zip(&spoken[2..]).filter(|(_, spoken)| **spoken) {
                if let Ok((stream, _)) = listener.accept() {
                    self.at_once(move || lead_out(&stream));
                }
            }
        }
    }

    /// Does something on a thread of its own, unless there are too many.
    fn at_once(&self, work: impl FnOnce() + Send + 'static) {
        if self.active.fetch_add(1, Ordering::Relaxed) >= AT_ONCE_MAX {
            self.active.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let active = Arc::clone(&self.active);
        let spawned = thread::Builder::new().name("egress".to_owned()).spawn(move || {
            work();
            active.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            self.active.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn hear_question(&self) {
        let Some(Query { packet, asker, asked }) = hear(&self.questions) else { return };
        let Ok(socket) = self.questions.try_clone() else { return };
        let names = self.names.clone();
        self.at_once(move || {
            if let Some(answer) = answer(&packet, asker.ip(), &names) {
                say(&socket, &answer, asker, asked);
            }
        });
    }
}

/// A question, who asked it, and whom: they expect the answer from there.
struct Query {
    packet: Vec<u8>,
    asker: SockaddrIn,
    asked: libc::in_addr,
}

fn hear(socket: &UdpSocket) -> Option<Query> {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    let mut space = nix::cmsg_space!(libc::in_pktinfo);
    let mut slices = [IoSliceMut::new(&mut packet)];
    let flags = MsgFlags::empty();
    let heard = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags).ok()?;
    let (length, asker) = (heard.bytes, heard.address?);
    let asked = heard.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(info.ipi_addr),
        _ => None,
    })?;
    packet.truncate(length);
    Some(Query { packet, asker, asked })
}

fn say(socket: &UdpSocket, answer: &[u8], asker: SockaddrIn, asked: libc::in_addr) {
    let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: asked, ipi_addr: asked };
    let from = [ControlMessage::Ipv4PacketInfo(&info)];
    // Whoever gave up asking needs no answer.
    let _ = sendmsg(socket.as_raw_fd(), &[IoSlice::new(answer)], &from, MsgFlags::empty(), Some(&asker));
}

/// Answers for names of ours, and asks the host's servers for all others.
fn answer(packet: &[u8], asker: Ipv4Addr, names: &Names) -> Option<Vec<u8>> {
    let question = dns::question(packet)?;
    match question.kind {
        Kind::Address | Kind::Address6 => {
            if let Some(address) = names.address(asker, &question.name) {
                let addresses: &[Ipv4Addr] = if question.kind == Kind::Address { &[address] } else { &[] };
                return Some(dns::with_addresses(packet, &question, addresses));
            }
            // There is no way out for these addresses.
            if question.kind == Kind::Address6 {
                return Some(dns::with_addresses(packet, &question, &[]));
            }
        }
        Kind::Pointer => {
            if let Some(name) = question.address().and_then(|address| names.name(address)) {
                return Some(dns::with_name(packet, &question, &name));
            }
        }
        Kind::Other => {}
    }
    Some(ask_host(packet).unwrap_or_else(|| dns::failure(packet, &question)))
}

fn ask_host(packet: &[u8]) -> Option<Vec<u8>> {
    let resolver = fs_err::read_to_string("/etc/resolv.conf").ok()?;
    dns::servers(&resolver).into_iter().find_map(|server| {
        let own: IpAddr = match server {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((own, 0)).ok()?;
        socket.connect((server, NAMES_PORT)).ok()?;
        socket.set_read_timeout(Some(ASK)).ok()?;
        socket.send(packet).ok()?;
        let mut answer = vec![0; PACKET_BYTES_MAX];
        let length = socket.recv(&mut answer).ok()?;
        answer.truncate(length);
        // Another answer than the one that was waited for.
        (answer.get(..2) == packet.get(..2)).then_some(answer)
    })
}

/// Makes a connection again from the host, and lets both talk.
fn lead_out(inside: &TcpStream) {
    let Some(outside) = dial(inside) else { return };
    let prepare = |stream: &TcpStream| {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))
    };
    if prepare(inside).is_err() || prepare(&outside).is_err() {
        return;
    }
    thread::scope(|scope| {
        scope.spawn(|| pass(inside, &outside));
        pass(&outside, inside);
    });
}

/// Connects to where a connection was meant for.
fn dial(inside: &TcpStream) -> Option<TcpStream> {
    let Ok(SocketAddr::V4(target)) = inside.local_addr() else { return None };
    let address = *target.ip();
    if target.port() == NAMES_PORT {
        let resolver = fs_err::read_to_string("/etc/resolv.conf").ok()?;
        let servers =
            dns::servers(&resolver).into_iter().map(|server| SocketAddr::from((server, NAMES_PORT)));
        return servers.into_iter().find_map(|server| TcpStream::connect_timeout(&server, ASK).ok());
    }
    let leads_nowhere = address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_unspecified()
        || address.is_broadcast();
    let is_own = inside.peer_addr().is_ok_and(|peer| match peer {
        SocketAddr::V4(peer) => Subnet::around(*peer.ip()).gateway() == address,
        SocketAddr::V6(_) => false,
    });
    if leads_nowhere || is_own {
        return None;
    }
    TcpStream::connect_timeout(&target.into(), DIAL).ok()
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let done = io::copy(&mut from, &mut to);
    // After an error the other way is of no use either.
    let what = if done.is_ok() { Shutdown::Write } else { Shutdown::Both };
    let _ = to.shutdown(what);
    if done.is_err() {
        let _ = from.shutdown(Shutdown::Both);
    }
}
