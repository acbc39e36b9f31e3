//! A connection to a process of the warm interpreter.

use std::io::{self, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;

use super::RunnerError;
use crate::protocol::{first_frame, write_frame};

/// The kind of a frame that holds a message of the interpreter, and no call of a tool.
const MESSAGE: u8 = b'J';
/// How much room descriptors take where they are received: each, and what stands before them.
const SCM_BYTES_EACH: usize = 4;
const SCM_BYTES_HEAD: usize = 64;
/// How long one frame may take to come, once it began.
const FRAME_TIMEOUT: Duration = Duration::from_secs(20);

/// How much is read at once. Few frames are longer.
const READ_BYTES: usize = 16 * 1024;

/// What came.
pub(super) enum Incoming {
    /// A message of the interpreter itself.
    Message(Value),
    /// The payload of a tool's call.
    Call(Vec<u8>),
    /// The other side is gone.
    End,
}

#[derive(Debug)]
pub(super) struct Channel {
    stream: UnixStream,
    /// The process at the other end, which its number alone would not name for ever. None where
    /// the kernel does not tell.
    other_side: Option<OwnedFd>,
    /// What was read and not taken yet: log lines come with the call that follows them.
    received: Vec<u8>,
    /// How much of it was taken.
    taken: usize,
}

impl Channel {
    pub(super) fn new(stream: UnixStream) -> Result<Self, RunnerError> {
        stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_read_timeout(Some(FRAME_TIMEOUT)))
            .and_then(|()| stream.set_write_timeout(Some(FRAME_TIMEOUT)))
            .map_err(RunnerError::io("set up a connection"))?;
        let other_side = rustix::net::sockopt::socket_peercred(&stream)
            .and_then(|who| pidfd_open(who.pid, PidfdFlags::empty()))
            .ok();
        Ok(Self { stream, other_side, received: Vec::with_capacity(READ_BYTES), taken: 0 })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Ends the process at the other end, whatever it does.
    pub(super) fn kill_other_side(&self) {
        if let Some(process) = &self.other_side {
            // One that has ended already is as it should be.
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }

    /// Whether the process at the other end is gone, or goes within so much time.
    pub(super) fn is_over_within(&self, time: Duration) -> bool {
        match &self.other_side {
            Some(process) => {
                wait(&[process.as_fd()], Instant::now() + time).is_ok_and(|which| which.is_some())
            }
            None => false,
        }
    }

    /// Sends a message. The other side's end shows when it is read from.
    pub(super) fn send(&mut self, message: &Value) -> io::Result<()> {
        write_frame(&mut self.stream, message.to_string().as_bytes())
    }

    pub(super) fn send_bytes(&mut self, payload: &[u8]) -> io::Result<()> {
        write_frame(&mut self.stream, payload)
    }

    /// Whether something has come already, so that nobody has to wait for it.
    pub(super) fn has_more(&self) -> bool {
        matches!(first_frame(&self.received[self.taken..]), Ok(Some(_)))
    }

    /// Waits for what comes next. What is no frame at all counts as the end.
    pub(super) fn receive(&mut self) -> Incoming {
        loop {
            match first_frame(&self.received[self.taken..]) {
                Ok(Some((payload, length))) => {
                    let incoming = match payload.split_first() {
                        Some((&MESSAGE, message)) => {
                            serde_json::from_slice(message).map_or(Incoming::End, Incoming::Message)
                        }
                        Some(_) | None => Incoming::Call(payload.to_vec()),
                    };
                    self.taken += length;
                    return incoming;
                }
                Ok(None) => {}
                Err(_) => return Incoming::End,
            }
            match self.read() {
                Ok(0) => return Incoming::End,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Incoming::End,
            }
        }
    }

    /// Takes over descriptors that the other side sends next, with a byte that says nothing.
    pub(super) fn descriptors(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        let mut space = vec![MaybeUninit::uninit(); SCM_BYTES_EACH * count.max(1) + SCM_BYTES_HEAD];
        let mut buffer = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let flags = RecvFlags::CMSG_CLOEXEC;
        recvmsg(&self.stream, &mut [IoSliceMut::new(&mut byte)], &mut buffer, flags)?;
        let mut taken = Vec::new();
        for message in buffer.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                taken.extend(descriptors);
            }
        }
        if taken.len() == count { Ok(taken) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// Reads what is there, or waits for something.
    fn read(&mut self) -> io::Result<usize> {
        self.received.drain(..self.taken);
        self.taken = 0;
        let length = self.received.len();
        self.received.resize(length + READ_BYTES, 0);
        let count = self.stream.read(&mut self.received[length..]);
        self.received.truncate(length + count.as_ref().map_or(0, |count| *count));
        count
    }

    /// Waits for a message. Calls of tools make no sense now, and are not answered.
    pub(super) fn message(&mut self) -> Option<Value> {
        loop {
            match self.receive() {
                Incoming::Message(message) => return Some(message),
                Incoming::Call(_) => {}
                Incoming::End => return None,
            }
        }
    }
}

/// Waits until any of `of` can be read. Returns which, or `None` when the time is over.
pub(super) fn wait(of: &[BorrowedFd<'_>], deadline: Instant) -> io::Result<Option<usize>> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut polled: Vec<PollFd<'_>> =
            of.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        match poll(&mut polled, Some(&timeout)) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(polled.iter().position(|fd| !fd.revents().is_empty())),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
