//! How the `juju` that people type and the supervisor talk: one request with three descriptors,
//! and one reply.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most that a message holds. Command lines of Linux are shorter.
const MESSAGE_BYTES_MAX: u32 = 8 << 20;
/// Standard input, output and error.
const DESCRIPTORS: usize = 3;
/// How much room descriptors take where they are received.
const SCM_BYTES: usize = 128;

/// What is asked of the supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The words behind `juju`.
    pub(crate) words: Vec<String>,
    /// The folder that paths are relative to.
    pub(crate) cwd: Utf8PathBuf,
    /// The variables that commands look at.
    pub(crate) env: BTreeMap<String, String>,
}

/// What becomes of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The supervisor has taken the request, and what it does counts from now on.
    Taken,
    /// It ends at this moment: another one has to be started.
    Ending,
    /// The command wants what is typed as it is typed: the client answers with [`TERMINAL_IS_LEFT`].
    Terminal,
    /// The command is over, with this exit code.
    Done(i32),
}

/// What a client says when its terminal hands on what is typed as it is typed.
pub(crate) const TERMINAL_IS_LEFT: u8 = b'T';

/// Sends a request with the descriptors of the command.
pub(crate) fn send_request(
    stream: &mut UnixStream,
    request: &Request,
    descriptors: [BorrowedFd<'_>; DESCRIPTORS],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(&*stream, &[IoSlice::new(b"J")], &mut ancillary, SendFlags::empty())?;
    send(stream, request)
}

/// Receives a request with its descriptors.
pub(crate) fn receive_request(stream: &mut UnixStream) -> io::Result<(Request, [OwnedFd; DESCRIPTORS])> {
    let mut space = [MaybeUninit::uninit(); SCM_BYTES];
    let mut buffer = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(&*stream, &mut [IoSliceMut::new(&mut byte)], &mut buffer, RecvFlags::CMSG_CLOEXEC)?;
    let mut taken = Vec::new();
    for message in buffer.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            taken.extend(descriptors);
        }
    }
    let descriptors = taken.try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok((receive(stream)?, descriptors))
}

/// Sends a message.
pub(crate) fn send<T: Serialize>(stream: &mut impl Write, message: &T) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let length = u32::try_from(text.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_le_bytes(), text.as_slice()].concat())
}

/// Waits for a message.
pub(crate) fn receive<T: DeserializeOwned>(stream: &mut UnixStream) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MESSAGE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length as usize];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Listens at a path of any length: the addresses of sockets are short, so the folder is named by
/// its descriptor.
pub(crate) fn listen(path: &Utf8Path) -> io::Result<UnixListener> {
    with_short_path(path, |short| {
        match fs_err::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        UnixListener::bind(short)
    })
}

/// Connects to a path of any length.
pub(crate) fn connect(path: &Utf8Path) -> io::Result<UnixStream> {
    with_short_path(path, |short| UnixStream::connect(short))
}

fn with_short_path<T>(path: &Utf8Path, act: impl FnOnce(&str) -> io::Result<T>) -> io::Result<T> {
    use std::os::fd::AsRawFd as _;
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let folder = fs_err::File::open(folder)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    act(&format!("/proc/self/fd/{}/{name}", folder.file().as_fd().as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_with_their_descriptors_over_any_path() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().join("d".repeat(120))).unwrap();
        fs_err::create_dir_all(&folder).unwrap();
        let path = folder.join("socket");
        let listener = listen(&path).unwrap();
        let mut near = connect(&path).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let file = fs_err::File::open("/dev/null").unwrap();
        let words = vec!["status".to_owned(), "--format".to_owned(), "json".to_owned()];
        let request = Request { words: words.clone(), cwd: "/tmp".into(), env: BTreeMap::new() };
        let descriptor = || file.file().as_fd();
        send_request(&mut near, &request, [descriptor(), descriptor(), descriptor()]).unwrap();
        let (received, descriptors) = receive_request(&mut far).unwrap();
        assert_eq!((received.words, descriptors.len()), (words, 3));
        send(&mut far, &Reply::Done(2)).unwrap();
        assert!(matches!(receive(&mut near).unwrap(), Reply::Done(2)));
    }

    #[test]
    fn nonsense_is_refused() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.write_all(&[255; 8]).unwrap();
        assert!(receive::<Reply>(&mut far).is_err());
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.write_all(b"J1234").unwrap();
        assert!(receive_request(&mut far).is_err());
    }
}
