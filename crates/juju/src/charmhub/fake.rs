//! A Charmhub on this machine, for tests: it answers in the shapes that Juju reads, or in any other.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cache::hex;

/// What is answered: a status, more headers, and a body.
#[derive(Clone, Debug)]
pub(crate) struct Reply(pub(crate) u16, pub(crate) &'static str, pub(crate) Vec<u8>);

/// A server on the loopback interface, until it is dropped.
pub(crate) struct FakeStore {
    /// Its address.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    /// By path, without the query.
    replies: BTreeMap<String, Reply>,
    /// The paths that were asked for, with bodies.
    requests: Vec<(String, Value)>,
}

impl FakeStore {
    /// Starts one that has nothing.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (shared, over) = (Arc::clone(&state), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // What goes wrong here shows in what the client gets.
                let _ = serve(&stream, &shared);
            }
        });
        Self { url, state, is_over }
    }

    /// Says what a path is answered with.
    pub(crate) fn answer(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// Says what questions for charms are answered with.
    pub(crate) fn refresh(&self, result: &Value) {
        let body = json!({ "results": [result], "error-list": [] });
        self.answer("/v2/charms/refresh", Reply(200, "", body.to_string().into_bytes()));
    }

    /// Publishes a file, and returns what is told of it.
    pub(crate) fn publish(&self, path: &str, bytes: &[u8]) -> Value {
        self.answer(path, Reply(200, "", bytes.to_vec()));
        json!({
            "url": format!("{}{path}", self.url),
            "hash-sha-256": hex(&Sha256::digest(bytes)),
            "size": bytes.len(),
        })
    }

    /// Returns the paths that were asked for so far, with bodies.
    pub(crate) fn requests(&self) -> Vec<(String, Value)> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl Drop for FakeStore {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

/// A charm as the store tells of it.
pub(crate) fn charm(name: &str, revision: u32, download: &Value, resources: &Value) -> Value {
    json!({
        "charm": {
            "type": "charm", "name": name, "id": "abc", "revision": revision, "download": download,
            "resources": resources,
            "bases": [{ "architecture": "amd64", "name": "ubuntu", "channel": "24.04" }],
        },
        "effective-channel": "stable", "instance-key": "charmproof", "id": "abc", "name": name,
        "result": "install",
    })
}

/// What is wrong with a question, as the store tells it.
pub(crate) fn error(code: &str, message: &str, extra: &Value) -> Value {
    json!({
        "error": { "code": code, "message": message, "extra": extra },
        "instance-key": "charmproof", "name": "", "result": "error",
    })
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let target = first.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let reply = {
        let mut state = state.lock().unwrap();
        state.requests.push((target.to_owned(), serde_json::from_slice(&body).unwrap_or_default()));
        state.replies.get(&path).cloned()
    };
    let Reply(status, headers, body) = reply.unwrap_or(Reply(404, "", b"{}".to_vec()));
    let head = format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
