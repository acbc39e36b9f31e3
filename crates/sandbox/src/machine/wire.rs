//! Messages between charmproof, the holder of its machines, and their first processes.
//!
//! Each is JSON in one packet of a unix socket, with file descriptors beside it. What does not
//! fit into a packet goes into a file in memory, which is then the first descriptor.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// More than any message has.
const DESCRIPTORS_MAX: usize = 16;
const INLINE_BYTES_MAX: usize = 16 * 1024;
/// No honest message is longer: all arguments and variables of a program are bounded by the
/// kernel to less than this.
const BYTES_MAX: u64 = 32 << 20;
const INLINE: u8 = b'J';
const IN_FILE: u8 = b'M';

/// Returns two connected ends.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends one message. Any number of threads may do so on the same socket.
pub(crate) fn send(
    socket: impl AsFd,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    if json.len() <= INLINE_BYTES_MAX {
        return send_packet(socket.as_fd(), INLINE, &json, descriptors);
    }
    let mut file = File::from(memfd_create("message", MemfdFlags::CLOEXEC)?);
    file.write_all(&json)?;
    file.rewind()?;
    let all: Vec<BorrowedFd<'_>> = [file.as_fd()].into_iter().chain(descriptors.iter().copied()).collect();
    send_packet(socket.as_fd(), IN_FILE, &[], &all)
}

fn send_packet(
    socket: BorrowedFd<'_>,
    kind: u8,
    json: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    loop {
        match sendmsg(
            socket,
            &[IoSlice::new(&[kind]), IoSlice::new(json)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Receives one message; `None` is the end of the other side.
pub(crate) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut buffer = vec![0; INLINE_BYTES_MAX + 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut slices = [IoSliceMut::new(&mut buffer)];
        match recvmsg(&socket, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            // The other side died with words of ours unread.
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(errno) => return Err(errno.into()),
            Ok(received) => break received,
        }
    };
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let Some((&kind, json)) = buffer[..received.bytes].split_first() else {
        return Ok(None);
    };
    if kind == INLINE {
        return Ok(Some((serde_json::from_slice(json)?, descriptors)));
    }
    if kind != IN_FILE || descriptors.is_empty() {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut json = Vec::new();
    File::from(descriptors.remove(0)).take(BYTES_MAX).read_to_end(&mut json)?;
    Ok(Some((serde_json::from_slice(&json)?, descriptors)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        let (ours, theirs) = pair().unwrap();
        let (reader, writer) = io::pipe().unwrap();
        send(&ours, &text, &[writer.as_fd(), reader.as_fd()]).unwrap();
        drop((ours, reader, writer));
        let (heard, descriptors): (String, Vec<OwnedFd>) = receive(&theirs).unwrap().unwrap();
        assert_eq!(heard, text);
        let [writer, reader]: [OwnedFd; 2] = descriptors.try_into().unwrap();
        File::from(writer).write_all(b"through").unwrap();
        let mut read = String::new();
        File::from(reader).read_to_string(&mut read).unwrap();
        assert_eq!(read, "through");
        assert!(receive::<String>(&theirs).unwrap().is_none());
    }

    #[test]
    fn messages_arrive_whole_whatever_their_size() {
        for length in [0, 1, INLINE_BYTES_MAX - 2, INLINE_BYTES_MAX - 1, 3 << 20] {
            check(&"x".repeat(length));
        }
    }
}
