//! A command in the container, with what it reads and prints.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::{Client, ClientError, PATIENCE};

/// What says that there is no more.
const END: &str = "{\"command\":\"end\"}";
const CHUNK_BYTES: usize = 32 << 10;

impl Client {
    /// Runs a command, and returns the code that it ended with. `body` is what `/v1/exec` takes; with
    /// `split-stderr` in it there is somebody to hear `errors`. Whoever stops waiting takes the command along.
    pub fn exec(
        &self,
        body: &Value,
        input: impl Read + Send + 'static,
        output: &mut impl Write,
        errors: Option<&mut (impl Write + Send)>,
    ) -> Result<i32, ClientError> {
        let answer = self.post("/v1/exec", body)?;
        let (Some(task), Some(change)) = (answer.result["task-id"].as_str(), answer.change) else {
            return Err(ClientError::Unreadable);
        };
        // The command begins when all of them are there, and ends with this one.
        let control = self.websocket(task, "control")?;
        let stdio = self.websocket(task, "stdio")?;
        let stderr = errors.map(|errors| Ok((self.websocket(task, "stderr")?, errors))).transpose()?;
        let copy = stdio.get_ref().try_clone().map_err(ClientError::Unreachable)?;
        // It ends with the program: whoever types need not type again.
        std::thread::spawn(move || feed(WebSocket::from_raw_socket(copy, Role::Client, None), input));
        std::thread::scope(|scope| {
            if let Some((stderr, errors)) = stderr {
                scope.spawn(move || print(stderr, errors));
            }
            print(stdio, output);
        });
        let change = self.wait_for_change(&change)?;
        drop(control);
        if let Some(message) = change["err"].as_str() {
            return Err(ClientError::Refused { status: 500, message: message.to_owned() });
        }
        let code = change["tasks"][0]["data"]["exit-code"].as_i64().ok_or(ClientError::Unreadable)?;
        i32::try_from(code).map_err(|_| ClientError::Unreadable)
    }

    fn websocket(&self, task: &str, kind: &str) -> Result<WebSocket<UnixStream>, ClientError> {
        let stream = self.ready(Some(PATIENCE)).map_err(ClientError::Unreachable)?;
        let shaken = tungstenite::client(format!("ws://localhost/v1/tasks/{task}/websocket/{kind}"), stream);
        let (socket, _) = shaken.map_err(|_| ClientError::Unreadable)?;
        // Commands may be silent for any time.
        socket.get_ref().set_read_timeout(None).map_err(ClientError::Unreachable)?;
        socket.get_ref().set_write_timeout(None).map_err(ClientError::Unreachable)?;
        Ok(socket)
    }
}

/// Sends what there is to read. Nobody is told when the command has gone meanwhile.
fn feed(mut socket: WebSocket<UnixStream>, mut input: impl Read) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(count @ 1..) = input.read(&mut buffer) {
        if socket.send(Message::binary(buffer[..count].to_vec())).is_err() {
            return;
        }
    }
    let _ = socket.send(Message::text(END));
}

/// Prints what comes, up to the end. What nobody reads any more is thrown away, so that the command goes on.
fn print(mut socket: WebSocket<UnixStream>, output: &mut impl Write) {
    loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) => {
                let _ = output.write_all(&bytes).and_then(|()| output.flush());
            }
            Ok(Message::Text(_) | Message::Close(_)) | Err(_) => return,
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
        }
    }
}
