//! The client: one connection for each request, as `ops` does it.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use camino::Utf8PathBuf;
use charmproof_pebble::{Clock, Handle, Options, Server, Workload};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// A server with a root of its own.
pub(crate) struct Pebble {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn result(&self) -> Value {
        self.json()["result"].clone()
    }

    pub(crate) fn message(&self) -> String {
        format!("{} {}", self.status, self.result()["message"].as_str().unwrap_or_default())
    }
}

impl Pebble {
    pub(crate) fn start(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().join("root")).unwrap();
        fs_err::create_dir(&root).unwrap();
        let mut options = Options::new(root.with_file_name("socket"), root);
        change(&mut options);
        Self { server: Server::start(options).unwrap(), folder }
    }

    pub(crate) fn simulated() -> Self {
        Self::start(|_| {})
    }

    /// Real processes, in the root of the machine.
    pub(crate) fn process() -> Self {
        Self::start(|options| {
            options.workload = Workload::Process;
            options.clock = Clock::Real;
            options.root = "/".into();
        })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.server.handle()
    }

    pub(crate) fn root(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().join("root")).unwrap()
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.server.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Sends bytes and returns all that comes back.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // A server that has seen enough does not read the rest.
        let _ = stream.write_all(bytes);
        read(&mut stream)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.raw(
            format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: multipart/form-data\r\nConnection: close\r\n\r\n"
            )
            .as_bytes(),
        )
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        let body = body.to_string();
        let length = body.len();
        self.raw(
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .as_bytes(),
        )
    }

    pub(crate) fn layer(&self, text: &str) -> Reply {
        let body = json!({"action": "add", "combine": true, "label": "l", "format": "yaml", "layer": text});
        self.post("/v1/layers", &body)
    }

    /// Asks for a change of services and waits for it: its status and its error.
    pub(crate) fn services(&self, action: &str, names: &[&str]) -> Value {
        let reply = self.post("/v1/services", &json!({"action": action, "services": names}));
        assert_eq!(reply.status, 202, "{}", reply.json());
        self.wait(reply.json()["change"].as_str().unwrap())
    }

    pub(crate) fn wait(&self, change: &str) -> Value {
        let reply = self.get(&format!("/v1/changes/{change}/wait?timeout=20s"));
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.result()
    }

    /// What services are: `name=current`.
    pub(crate) fn current(&self) -> String {
        let services = self.get("/v1/services?names=").result();
        let shown = services.as_array().unwrap().iter().map(|service| {
            format!("{}={}", service["name"].as_str().unwrap(), service["current"].as_str().unwrap())
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Writes a file as `ops` does: in several parts, in chunks.
    pub(crate) fn push(&self, item: &Value, content: &[u8]) -> Reply {
        let boundary = "0123456789abcdef0123456789abcdef";
        let path = item["path"].as_str().unwrap().replace('"', "\\\"");
        let metadata = json!({"action": "write", "files": [item]});
        let front = format!(
            "--{boundary}\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{metadata}\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{path}\"\r\n\r\n"
        );
        let back = format!("\r\n--{boundary}--\r\n");
        let mut bytes = format!(
            "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=\"{boundary}\"\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        .into_bytes();
        for chunk in [front.as_bytes(), content, back.as_bytes()].concat().chunks(16 << 10) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        self.raw(&bytes)
    }

    /// What a request on one file says: nothing if all went well, else kind and message.
    pub(crate) fn file_error(reply: &Reply) -> String {
        assert_eq!(reply.status, 200, "{}", reply.json());
        let error = reply.result()[0]["error"].clone();
        if error.is_null() {
            return String::new();
        }
        format!("{}: {}", error["kind"].as_str().unwrap(), error["message"].as_str().unwrap())
    }

    /// The same, for a request that may have been refused as a whole.
    pub(crate) fn file_error_or_status(reply: &Reply) -> String {
        if reply.status == 200 { Self::file_error(reply) } else { reply.message() }
    }

    pub(crate) fn websocket(&self, task: &str, kind: &str) -> WebSocket<UnixStream> {
        let request = format!("ws://localhost/v1/tasks/{task}/websocket/{kind}");
        tungstenite::client(request, self.connect()).unwrap().0
    }

    /// Runs a command: output, errors, and the change.
    pub(crate) fn exec(&self, body: &Value, stdin: Option<&[u8]>) -> (String, String, Value) {
        let reply = self.post("/v1/exec", body);
        assert_eq!(reply.status, 202, "{}", reply.json());
        let task = reply.result()["task-id"].as_str().unwrap().to_owned();
        let _control = self.websocket(&task, "control");
        let mut stdio = self.websocket(&task, "stdio");
        let mut stderr = (body["split-stderr"] == true).then(|| self.websocket(&task, "stderr"));
        if let Some(stdin) = stdin {
            stdio.send(Message::binary(stdin.to_vec())).unwrap();
            stdio.send(Message::text("{\"command\":\"end\"}")).unwrap();
        }
        let output = drain(&mut stdio);
        let errors = stderr.as_mut().map(drain).unwrap_or_default();
        let change = self.wait(reply.json()["change"].as_str().unwrap());
        (output, errors, change)
    }
}

/// Reads messages up to the one that says the end.
pub(crate) fn drain(socket: &mut WebSocket<UnixStream>) -> String {
    let mut text = Vec::new();
    loop {
        match socket.read().unwrap() {
            Message::Binary(bytes) => text.extend(bytes),
            Message::Text(message) => {
                assert_eq!(message.as_str(), "{\"command\":\"end\"}");
                return String::from_utf8(text).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Reads an answer to its end.
pub(crate) fn read(stream: &mut UnixStream) -> Reply {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let mut body = bytes[end..].to_vec();
    if head.contains("Transfer-Encoding: chunked") {
        body = unchunked(&body);
    }
    Reply { status, head, body }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..at]).unwrap(), 16).unwrap();
        body.extend(&bytes[at + 2..at + 2 + size]);
        bytes = &bytes[at + 4 + size..];
    }
    body
}
