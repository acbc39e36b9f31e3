//! How a process asks for a stand-in: frames as those of hook tools, on the same socket.
//!
//! A request is laid out as one for a hook tool, with a kind of its own. Its attachments are the
//! files that the answer depends on (those that `tool_client/standin.rs` names), and the folder
//! that the process was in, under the name `.`. A reply goes on, after the length of standard
//! error and it, with the number of acts and each of them: a byte for its kind, and its fields.

use super::{Act, StandInCall, StandInReply};
use crate::protocol::{ProtocolError, Request};

/// The kind of a request for a stand-in.
const STAND_IN: u8 = b'S';
/// The kind of a request for a hook tool, which is laid out alike.
const TOOL: u8 = b'T';
/// The name under which the folder of the process is attached.
const DIRECTORY: &str = ".";

impl StandInCall {
    /// Whether the payload of a frame asks for a stand-in.
    pub fn is_asked_by(payload: &[u8]) -> bool {
        payload.first() == Some(&STAND_IN)
    }

    /// Reads the payload of a frame.
    pub fn decode(payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut alike = payload.to_vec();
        match alike.first_mut() {
            Some(kind) if *kind == STAND_IN => *kind = TOOL,
            Some(kind) => return Err(ProtocolError::UnknownKind(*kind)),
            None => return Err(ProtocolError::Truncated(0)),
        }
        let mut call = Request::decode(&alike)?.call;
        let directory = call.attachments.remove(DIRECTORY).unwrap_or_else(|| b"/".to_vec());
        Ok(Self {
            arguments: call.arguments,
            stdin: call.stdin,
            directory: String::from_utf8_lossy(&directory).into_owned(),
            files: call.attachments,
        })
    }
}

impl StandInReply {
    /// Returns the payload of the frame that carries the reply.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.code.to_le_bytes().to_vec();
        put(&mut bytes, &self.stdout);
        put(&mut bytes, &self.stderr);
        put_count(&mut bytes, self.acts.len());
        for act in &self.acts {
            match act {
                Act::WriteFile { path, mode, content } => {
                    bytes.push(b'W');
                    put(&mut bytes, path.as_str().as_bytes());
                    bytes.extend(mode.to_le_bytes());
                    put(&mut bytes, content);
                }
                Act::Remove { path } => {
                    bytes.push(b'R');
                    put(&mut bytes, path.as_str().as_bytes());
                }
                Act::Program { path, is_assumed } => {
                    bytes.push(b'P');
                    put(&mut bytes, path.as_str().as_bytes());
                    bytes.push(u8::from(*is_assumed));
                }
                Act::Daemon { name, arguments, pid_file } => {
                    bytes.push(b'D');
                    put(&mut bytes, name.as_bytes());
                    put_count(&mut bytes, arguments.len());
                    for argument in arguments {
                        put(&mut bytes, argument.as_bytes());
                    }
                    put(&mut bytes, pid_file.as_ref().map_or("", |path| path.as_str()).as_bytes());
                }
            }
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::tools::ToolCall;

    proptest! {
        #[test]
        fn a_call_is_read_as_it_was_written(
            arguments in vec(vec(any::<u8>(), 0..10), 0..4),
            files in btree_map("/[a-z]{1,8}", vec(any::<u8>(), 0..10), 0..3),
        ) {
            let mut attachments: BTreeMap<String, Vec<u8>> = files.clone();
            attachments.insert(".".into(), b"/srv".to_vec());
            let call = ToolCall { arguments: arguments.clone(), stdin: None, attachments };
            let mut payload = Request { wants_reply: true, context_id: None, call }.encode();
            payload[0] = b'S';
            prop_assert!(StandInCall::is_asked_by(&payload));
            let expected = StandInCall { arguments, stdin: None, directory: "/srv".into(), files };
            prop_assert_eq!(StandInCall::decode(&payload), Ok(expected));
        }

        #[test]
        fn any_bytes_are_a_call_or_are_not(bytes in vec(any::<u8>(), 0..200)) {
            let _ = StandInCall::decode(&bytes);
            let mut alike = bytes;
            alike.insert(0, b'S');
            let _ = StandInCall::decode(&alike);
        }
    }
}
