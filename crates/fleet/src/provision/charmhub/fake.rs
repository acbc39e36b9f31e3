//! A Charmhub on this machine, for tests: it answers in the shapes that Charmhub
//! documents and charmcraft reads, or in any other way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::content_hash;

/// How a request is answered.
pub(in crate::provision) enum Reaction {
    /// With this status and body.
    Answer(u16, String),
    /// With these bytes, whatever they are.
    Bytes(Vec<u8>),
    /// With these bytes and then nothing, until the client leaves.
    Hang(Vec<u8>),
}

impl Reaction {
    /// A good answer.
    pub(in crate::provision) fn json(body: &Value) -> Self {
        Self::Answer(200, body.to_string())
    }
}

/// A request, as far as the tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provision) struct Request {
    /// For example `POST /v1/charm/libraries/bulk`.
    pub(in crate::provision) line: String,
    /// The body.
    pub(in crate::provision) body: String,
}

/// A server on the loopback interface, until it is dropped.
pub(in crate::provision) struct Server {
    /// Its address.
    pub(in crate::provision) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server that reacts as told.
    pub(in crate::provision) fn start(react: impl Fn(&Request) -> Reaction + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (log, over) = (Arc::clone(&requests), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // What goes wrong here shows in what the client gets.
                let _ = serve(&stream, &log, &react);
            }
        });
        Self { url, requests, is_over }
    }

    /// What was asked so far.
    pub(in crate::provision) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Request>>,
    react: &impl Fn(&Request) -> Reaction,
) -> std::io::Result<()> {
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
    let request = Request {
        line: first.trim_end().trim_end_matches(" HTTP/1.1").to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    log.lock().unwrap().push(request.clone());
    let mut stream = stream;
    match react(&request) {
        Reaction::Answer(status, body) => stream.write_all(&response(status, body.len(), body.as_bytes())),
        Reaction::Bytes(bytes) => stream.write_all(&bytes),
        Reaction::Hang(bytes) => {
            stream.write_all(&bytes)?;
            stream.read_to_end(&mut Vec::new()).map(|_| ())
        }
    }
}

/// A response that claims to be that long.
pub(in crate::provision) fn response(status: u16, length: usize, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A published library.
#[derive(Clone)]
pub(in crate::provision) struct Published {
    /// The charm, as Charmhub spells it.
    pub(in crate::provision) charm: &'static str,
    /// Its name.
    pub(in crate::provision) lib: &'static str,
    /// Its API version.
    pub(in crate::provision) api: u64,
    /// Its patch.
    pub(in crate::provision) patch: u64,
}

impl Published {
    /// Its identifier.
    pub(in crate::provision) fn id(&self) -> String {
        format!("{}0{}", self.charm.replace('-', ""), self.lib.replace('_', ""))
    }

    /// Its text.
    pub(in crate::provision) fn text(&self) -> String {
        let Self { charm, lib, api, patch } = self;
        format!("\"\"\"{charm}.{lib}\"\"\"\nLIBAPI = {api}\nLIBPATCH = {patch}\nVALUE = \"{patch}\"\n")
    }

    /// Its entry in a listing, without its text.
    pub(in crate::provision) fn entry(&self) -> Value {
        json!({
            "charm-name": self.charm,
            "library-name": self.lib,
            "library-id": self.id(),
            "api": self.api,
            "patch": self.patch,
            "hash": content_hash(&self.text()),
        })
    }

    /// The answer when it is asked for by itself.
    pub(in crate::provision) fn whole(&self) -> Value {
        let mut entry = self.entry();
        entry["content"] = self.text().into();
        entry
    }
}

/// What Charmhub says when something in a request is unknown.
pub(in crate::provision) fn refusal() -> Reaction {
    let message = "Items need to include 'library_id' or 'package_id'";
    Reaction::Answer(400, json!({"error-list": [{"code": null, "message": message}]}).to_string())
}

/// Reacts as Charmhub does that has these libraries.
pub(in crate::provision) fn shelf(
    libraries: Vec<Published>,
) -> impl Fn(&Request) -> Reaction + Send + 'static {
    move |request| {
        if request.line == "POST /v1/charm/libraries/bulk" {
            let items: Vec<Value> = serde_json::from_str(&request.body).unwrap();
            let mut entries = Vec::new();
            for item in items {
                let named: Vec<&Published> = libraries
                    .iter()
                    .filter(|library| {
                        item["charm-name"] == library.charm && item["library-name"] == library.lib
                    })
                    .collect();
                if named.is_empty() {
                    return refusal();
                }
                let found = named
                    .into_iter()
                    .filter(|library| item["api"] == library.api)
                    .filter(|library| item.get("patch").is_none_or(|patch| *patch == library.patch))
                    .max_by_key(|library| library.patch);
                entries.extend(found.map(Published::entry));
            }
            return Reaction::json(&json!({"libraries": entries}));
        }
        let found = libraries.iter().find(|library| {
            let Published { charm, api, patch, .. } = library;
            request.line
                == format!("GET /v1/charm/libraries/{charm}/{}?api={api}&patch={patch}", library.id())
        });
        match found {
            Some(library) => Reaction::json(&library.whole()),
            None => {
                Reaction::Answer(404, json!({"error-list": [{"code": "resource-not-found"}]}).to_string())
            }
        }
    }
}
