//! The websockets of a command: bytes as binary messages, the end as `{"command":"end"}`, and control.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::{input_ended, process};
use crate::core::Core;
use crate::http::Stream;
use crate::shared::Shared;
use crate::signals;

/// Bytes of one message from a client.
const MESSAGE_BYTES: usize = 64 << 20;
/// How long a client's input waits for its command; the other websockets have to be there before.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// What says that there is no more.
const END: &str = "{\"command\":\"end\"}";

/// Which websocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Kind {
    Control,
    Stdio,
    Stderr,
}

/// A side of a websocket. What is written is sent in one piece when it is flushed.
struct Side {
    stream: Stream,
    rest: io::Cursor<Vec<u8>>,
    pending: Vec<u8>,
}

impl Side {
    fn new(stream: Stream, rest: Vec<u8>) -> Self {
        Self { stream, rest: io::Cursor::new(rest), pending: Vec::new() }
    }
}

impl Read for Side {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.rest.read(buffer)? {
            0 => self.stream.read(buffer),
            count => Ok(count),
        }
    }
}

impl Write for Side {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.stream.write_all(&pending)
    }
}

fn websocket(side: Side) -> WebSocket<Side> {
    let config =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES)).max_frame_size(Some(MESSAGE_BYTES));
    WebSocket::from_raw_socket(side, Role::Server, Some(config))
}

/// The output of a command, on its way to the client.
pub(crate) struct Frames {
    socket: WebSocket<Side>,
    is_broken: bool,
}

impl Frames {
    pub(crate) fn new(stream: &Stream) -> io::Result<Self> {
        Ok(Self { socket: websocket(Side::new(stream.try_clone()?, Vec::new())), is_broken: false })
    }

    /// Sends bytes; says whether the client still takes them.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        for chunk in bytes.chunks(128 << 10) {
            self.is_broken |= self.socket.send(Message::binary(chunk.to_vec())).is_err();
            if self.is_broken {
                break;
            }
        }
        !self.is_broken
    }

    /// Says that there is no more.
    pub(crate) fn end(mut self) {
        if !self.is_broken {
            // A client that has gone does not need to know.
            let _ = self.socket.send(Message::text(END));
        }
    }
}

/// A message about the command itself.
#[derive(Deserialize)]
struct Control {
    #[serde(default)]
    command: String,
    signal: Option<SignalName>,
}

#[derive(Deserialize)]
struct SignalName {
    #[serde(default)]
    name: String,
}

/// Reads a websocket until the client closes it.
pub(crate) fn serve(shared: &Arc<Shared>, task: u64, kind: Kind, stream: Stream, rest: Vec<u8>) {
    let mut socket = websocket(Side::new(stream, rest));
    // What comes before the process is there would be lost.
    let can_take = |core: &Core| {
        core.is_simulated() || core.executions.get(&task).is_none_or(|execution| execution.is_started)
    };
    drop(shared.settle(START_PATIENCE, can_take));
    match kind {
        Kind::Control => control(shared, task, &mut socket),
        Kind::Stdio => input(shared, task, &mut socket),
        Kind::Stderr => while next(shared, task, &mut socket).is_some() {},
    }
}

/// The next message; nothing when the client has closed, or there is nobody left to send it to.
fn next(shared: &Shared, task: u64, socket: &mut WebSocket<Side>) -> Option<Message> {
    loop {
        match socket.read() {
            Ok(Message::Close(_)) => return None,
            Ok(message) => return Some(message),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                let core = shared.lock();
                if core.is_closed || !core.executions.contains_key(&task) {
                    return None;
                }
            }
            Err(_) => return None,
        }
    }
}

fn control(shared: &Arc<Shared>, task: u64, socket: &mut WebSocket<Side>) {
    while let Some(message) = next(shared, task, socket) {
        let Ok(control) = serde_json::from_slice::<Control>(&message.into_data()) else { continue };
        let signal = control.signal.and_then(|signal| signals::by_name(&signal.name));
        if let Some(signal) = signal.filter(|_| control.command == "signal") {
            shared.step(|core| core.signal_execution(task, signal));
        }
    }
    // A client that vanishes while its command runs takes it along.
    if !shared.lock().is_simulated() {
        shared.step(|core| core.signal_execution(task, Signal::KILL));
    }
}

/// Reads what the client sends to the command's standard input.
fn input(shared: &Arc<Shared>, task: u64, socket: &mut WebSocket<Side>) {
    let record = shared.lock().executions.get(&task).and_then(|execution| execution.record);
    let mut digest = Sha256::new();
    let mut has_input = false;
    let mut has_ended = false;
    while let Some(message) = next(shared, task, socket) {
        match message {
            Message::Binary(bytes) if !has_ended => {
                has_input = true;
                digest.update(&bytes);
                process::feed(shared, task, &bytes);
            }
            Message::Text(text) if !has_ended => {
                let command = serde_json::from_str::<Control>(text.as_str()).map(|control| control.command);
                if command.is_ok_and(|command| command == "end") {
                    has_ended = true;
                    has_input = true;
                    process::end_input(shared, task);
                    input_ended(shared, task);
                }
            }
            Message::Binary(_)
            | Message::Text(_)
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Close(_)
            | Message::Frame(_) => {}
        }
    }
    process::end_input(shared, task);
    if !has_ended {
        input_ended(shared, task);
    }
    shared.step(|core| {
        core.open_inputs = core.open_inputs.saturating_sub(1);
        if let Some(record) = record.and_then(|index| core.records.exec.get_mut(index)) {
            let sum = crate::records::hex(&digest.finalize());
            record.stdin_sha256 = has_input.then_some(sum);
        }
    });
}
