//! How a process of a charm asks for a hook tool: frames on a Unix stream socket.
//!
//! A frame is a length (`u32`, little endian like every number here) and that many bytes.
//! A request is a kind, with some kinds the id of the hook's context, the arguments, what the tool was given to read, and the files that
//! its arguments name, which the asking process has read because they may exist for it
//! alone. A reply is an exit code, standard output and standard error. An asker that was
//! given `-o FILE` writes the standard output there itself.
//!
//! Nothing here opens a socket. Whatever bytes come, decoding them ends in a value or in a
//! [`ProtocolError`].

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use thiserror::Error;

use crate::tools::{Reply, ToolCall};

/// The most that one frame holds.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The kind of a request whose asker waits for a reply.
const WANTS_REPLY: u8 = b'T';
/// The kind of a request that is not replied to. Log lines are sent so, because their
/// round trips are a large part of a hook's time and their replies are never looked at.
const WANTS_NONE: u8 = b'N';
/// The kind of a request whose asker waits for a reply, and says which hook it belongs to: the
/// id of the hook's context comes first.
const OF_CONTEXT: u8 = b'C';

/// A call of a hook tool, as it comes from a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whether the process waits for a reply.
    pub wants_reply: bool,
    /// The id of the hook's context (`JUJU_CONTEXT_ID`), where the process knows it. One that
    /// wants no reply never says.
    pub context_id: Option<String>,
    /// What is called.
    pub call: ToolCall,
}

/// Bytes that are no message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// The message ends before what it announces.
    #[error("the message ends after {0} bytes, in the middle of something")]
    Truncated(usize),
    /// The message goes on after what it announces.
    #[error("{0} bytes follow the end of the message")]
    Trailing(usize),
    /// The first byte is no kind of request.
    #[error("there is no request of kind {0:#04x}")]
    UnknownKind(u8),
    /// A path is not UTF-8.
    #[error("the path of an attachment is not UTF-8")]
    PathNotText,
    /// The id of a context is not UTF-8.
    #[error("the id of the context is not UTF-8")]
    ContextNotText,
    /// Something that is either there or not has a third state.
    #[error("{0:#04x} is neither yes nor no")]
    NotBoolean(u8),
    /// The frame is larger than any may be.
    #[error("a frame of {0} bytes is larger than the {FRAME_BYTES_MAX} that are allowed")]
    TooLarge(usize),
}

impl From<ProtocolError> for io::Error {
    fn from(error: ProtocolError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl Request {
    /// Returns the payload of the frame that carries the request.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = match (&self.context_id, self.wants_reply) {
            (_, false) => vec![WANTS_NONE],
            (None, true) => vec![WANTS_REPLY],
            (Some(context_id), true) => {
                let mut bytes = vec![OF_CONTEXT];
                put(&mut bytes, context_id.as_bytes());
                bytes
            }
        };
        put_count(&mut bytes, self.call.arguments.len());
        for argument in &self.call.arguments {
            put(&mut bytes, argument);
        }
        match &self.call.stdin {
            Some(stdin) => {
                bytes.push(1);
                put(&mut bytes, stdin);
            }
            None => bytes.push(0),
        }
        put_count(&mut bytes, self.call.attachments.len());
        for (path, content) in &self.call.attachments {
            put(&mut bytes, path.as_bytes());
            put(&mut bytes, content);
        }
        bytes
    }

    /// Reads the payload of a frame.
    pub fn decode(payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut reader = Reader { bytes: payload, taken: 0 };
        let (wants_reply, context_id) = match reader.byte()? {
            WANTS_REPLY => (true, None),
            WANTS_NONE => (false, None),
            OF_CONTEXT => {
                let id = std::str::from_utf8(reader.counted()?).map_err(|_| ProtocolError::ContextNotText)?;
                (true, Some(id.to_owned()))
            }
            other => return Err(ProtocolError::UnknownKind(other)),
        };
        let count = reader.count()?;
        // No more is set aside than the bytes that came can fill.
        let mut arguments = Vec::with_capacity(count.min(payload.len() / 4));
        for _ in 0..count {
            arguments.push(reader.counted()?.to_vec());
        }
        let stdin = match reader.byte()? {
            0 => None,
            1 => Some(reader.counted()?.to_vec()),
            other => return Err(ProtocolError::NotBoolean(other)),
        };
        let mut attachments = BTreeMap::new();
        for _ in 0..reader.count()? {
            let path = std::str::from_utf8(reader.counted()?).map_err(|_| ProtocolError::PathNotText)?;
            attachments.insert(path.to_owned(), reader.counted()?.to_vec());
        }
        reader.end()?;
        Ok(Self { wants_reply, context_id, call: ToolCall { arguments, stdin, attachments } })
    }
}

impl Reply {
    /// Returns the payload of the frame that carries the reply.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.stdout.len() + self.stderr.len());
        bytes.extend(self.code.to_le_bytes());
        put(&mut bytes, &self.stdout);
        bytes.extend(&self.stderr);
        bytes
    }

    /// Reads the payload of a frame.
    pub fn decode(payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut reader = Reader { bytes: payload, taken: 0 };
        let code = i32::from_le_bytes(reader.array()?);
        let stdout = reader.counted()?.to_vec();
        Ok(Self { code, stdout, stderr: payload[reader.taken..].to_vec() })
    }
}

/// Writes a frame.
pub fn write_frame(stream: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    if payload.len() > FRAME_BYTES_MAX {
        return Err(ProtocolError::TooLarge(payload.len()).into());
    }
    // One write: two would be two packets, and two wake-ups of the other side.
    let mut frame = Vec::with_capacity(4 + payload.len());
    put(&mut frame, payload);
    stream.write_all(&frame)
}

/// Reads a frame; `None` where the other side has closed the stream between two.
pub fn read_frame(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let mut filled = 0;
    while filled < length.len() {
        match stream.read(&mut length[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(ProtocolError::TooLarge(length).into());
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload)?;
    Ok(Some(payload))
}

/// Whether a buffer that is being filled from a stream begins with a whole frame: its
/// payload, and how many bytes the frame takes.
pub fn first_frame(buffer: &[u8]) -> Result<Option<(&[u8], usize)>, ProtocolError> {
    let Some(length) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(ProtocolError::TooLarge(length));
    }
    Ok(buffer.get(4..4 + length).map(|payload| (payload, 4 + length)))
}

fn put(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
    taken: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ProtocolError> {
        let end = self.taken.checked_add(count).ok_or(ProtocolError::Truncated(self.bytes.len()))?;
        let part = self.bytes.get(self.taken..end).ok_or(ProtocolError::Truncated(self.bytes.len()))?;
        self.taken = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        self.take(N)?.try_into().map_err(|_| ProtocolError::Truncated(self.bytes.len()))
    }

    fn byte(&mut self) -> Result<u8, ProtocolError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn count(&mut self) -> Result<usize, ProtocolError> {
        self.array().map(|bytes| usize::from(u16::from_le_bytes(bytes)))
    }

    fn counted(&mut self) -> Result<&'a [u8], ProtocolError> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        self.take(length)
    }

    fn end(&self) -> Result<(), ProtocolError> {
        match self.bytes.len() - self.taken {
            0 => Ok(()),
            rest => Err(ProtocolError::Trailing(rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
        vec(any::<u8>(), 0..20)
    }

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(
            wants_reply: bool,
            context_id in option::of(".{0,20}"),
            arguments in vec(some_bytes(), 0..5),
            stdin in option::of(some_bytes()),
            attachments in btree_map(".{0,8}", some_bytes(), 0..3),
        ) {
            let context_id = context_id.filter(|_| wants_reply);
            let request = Request { wants_reply, context_id, call: ToolCall { arguments, stdin, attachments } };
            prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
        }

        #[test]
        fn a_reply_is_read_as_it_was_written(code: i32, stdout in some_bytes(), stderr in some_bytes()) {
            let reply = Reply { code, stdout, stderr };
            prop_assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
        }

        #[test]
        fn any_bytes_are_a_message_or_are_not(bytes in vec(any::<u8>(), 0..200)) {
            if let Ok(request) = Request::decode(&bytes) {
                prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
            }
            if let Ok(reply) = Reply::decode(&bytes) {
                prop_assert_eq!(reply.encode(), bytes.clone());
            }
            if let Ok(Some((payload, taken))) = first_frame(&bytes) {
                prop_assert_eq!(payload.len() + 4, taken);
            }
            let _ = read_frame(&mut bytes.as_slice());
        }

        #[test]
        fn a_message_that_is_cut_is_refused(cut in 0_usize..30) {
            let call = ToolCall::of(&["relation-get", "-"]);
            let context_id = Some("web/0-start-1".to_owned());
            let encoded = Request { wants_reply: true, context_id, call }.encode();
            prop_assume!(cut < encoded.len());
            prop_assert!(Request::decode(&encoded[..cut]).is_err());
        }
    }

    #[test]
    fn frames_follow_each_other() {
        let mut stream = Vec::new();
        write_frame(&mut stream, b"one").unwrap();
        write_frame(&mut stream, b"").unwrap();
        let mut reading = stream.as_slice();
        assert_eq!(read_frame(&mut reading).unwrap(), Some(b"one".to_vec()));
        assert_eq!(read_frame(&mut reading).unwrap(), Some(Vec::new()));
        assert_eq!(read_frame(&mut reading).unwrap(), None);
        assert_eq!(first_frame(&stream), Ok(Some((b"one".as_slice(), 7))));
        assert_eq!(first_frame(&stream[..6]), Ok(None));
    }

    #[test]
    fn a_frame_that_is_too_large_is_refused_before_it_is_read() {
        let announced = u32::MAX.to_le_bytes();
        assert_eq!(first_frame(&announced), Err(ProtocolError::TooLarge(u32::MAX as usize)));
        assert_eq!(read_frame(&mut announced.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
