//! Opening sockets for services, and datagrams whose sender is known.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};

use camino::Utf8Path;
use nix::unistd::{Gid, Uid, chown};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, bind,
    listen, recvmsg, socket_with, sockopt,
};

use super::accounts;
use super::condition::in_root;
use super::socket::{Address, Listen, SocketConfig};

const BACKLOG: i32 = 4096;

/// Opens all sockets of a unit. The error is a sentence.
pub(super) fn open(config: &SocketConfig, root: &Utf8Path) -> Result<Vec<(OwnedFd, String)>, String> {
    config
        .listens
        .iter()
        .map(|listen| {
            let opened = match &listen.address {
                Address::Unix(path) => open_unix(path, listen, config, root),
                Address::Internet(address) => open_internet(address, listen.is_stream),
            };
            let address = match &listen.address {
                Address::Unix(address) | Address::Internet(address) => address,
            };
            let opened =
                opened.map_err(|error| format!("Failed to create listening socket ({address}): {error}"))?;
            Ok((opened, config.descriptor_name.clone()))
        })
        .collect()
}

fn open_unix(
    path: &str,
    listen: &Listen,
    config: &SocketConfig,
    root: &Utf8Path,
) -> std::io::Result<OwnedFd> {
    let path = Utf8Path::new(path);
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let _ = fs_err::remove_file(path);
    let socket: OwnedFd =
        if listen.is_stream { UnixListener::bind(path)?.into() } else { UnixDatagram::bind(path)?.into() };
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(config.mode))?;
    let read = |file: &str| crate::plain::read_text(in_root(root, file)).unwrap_or_default();
    let user = config.user.as_ref().and_then(|name| accounts::user(name, &read("/etc/passwd")));
    let group = config.group.as_ref().and_then(|name| accounts::group(name, &read("/etc/group")));
    let group = group.or(user.as_ref().map(|user| user.group));
    chown(path.as_std_path(), user.map(|user| Uid::from_raw(user.id)), group.map(Gid::from_raw))?;
    for link in &config.symlinks {
        let _ = fs_err::remove_file(link);
        fs_err::os::unix::fs::symlink(path, link)?;
    }
    Ok(socket)
}

fn open_internet(address: &str, is_stream: bool) -> std::io::Result<OwnedFd> {
    let parsed: SocketAddr =
        address.parse().map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
    match open_family(parsed, is_stream) {
        // A machine without the newer protocol has the older one.
        Err(_) if parsed.is_ipv6() && parsed.ip().is_unspecified() => {
            let address = SocketAddr::from(([0, 0, 0, 0], parsed.port()));
            if is_stream {
                TcpListener::bind(address).map(Into::into)
            } else {
                UdpSocket::bind(address).map(Into::into)
            }
        }
        done => done,
    }
}

fn open_family(address: SocketAddr, is_stream: bool) -> std::io::Result<OwnedFd> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let kind = if is_stream { SocketType::STREAM } else { SocketType::DGRAM };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
    }
    bind(&socket, &address)?;
    if is_stream {
        listen(&socket, BACKLOG)?;
    }
    Ok(socket)
}

/// Takes away what a closed unit leaves.
pub(super) fn clean_up(config: &SocketConfig) {
    for listen in &config.listens {
        if let Address::Unix(path) = &listen.address {
            // A service of its own may have made another one meanwhile; that is its business.
            if config.removes_on_stop {
                let _ = fs_err::remove_file(path);
            }
        }
    }
}

/// Receives one datagram, with the number of the process that sent it.
pub(super) fn receive_from(socket: impl AsFd) -> Option<(String, i32)> {
    let mut buffer = [0; 8192];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(socket, &mut [IoSliceMut::new(&mut buffer)], &mut ancillary, RecvFlags::DONTWAIT).ok()?;
    let mut pid = 0;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmCredentials(sender) = message {
            pid = sender.pid.as_raw_nonzero().get();
        }
    }
    Some((String::from_utf8_lossy(&buffer[..received.bytes]).into_owned(), pid))
}
