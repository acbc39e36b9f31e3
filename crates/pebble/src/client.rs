//! Who asks a Pebble, as Juju's agent and the program `pebble` do: one connection for each request.

mod exec;
mod transfer;

use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::fs::{Mode, OFlags};
use serde_json::Value;
use thiserror::Error;

pub use transfer::PrintedLine;

/// The most that an answer has.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// How long an answer may take that nobody waits for anything else for.
const PATIENCE: Duration = Duration::from_secs(10);
const HEADERS_MAX: usize = 64;
/// What is written otherwise in a path, which ends at a space and has its query behind a `?`.
const NOT_IN_PATHS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("cannot communicate with server: {0}")]
    Unreachable(#[source] std::io::Error),
    /// Pebble says no.
    #[error("{message}")]
    Refused {
        /// The number of HTTP.
        status: u16,
        /// Why.
        message: String,
    },
    /// What was asked for cannot be written here.
    #[error("cannot write it: {0}")]
    Local(#[source] std::io::Error),
    /// That was no Pebble.
    #[error("cannot decode response from server")]
    Unreadable,
}

/// What a Pebble answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// What was asked for.
    pub result: Value,
    /// The change that does it, if that takes longer.
    pub change: Option<String>,
}

/// A client of one Pebble.
#[derive(Clone, Debug)]
pub struct Client {
    socket: Utf8PathBuf,
}

impl Client {
    /// Returns a client of whoever listens at a socket. Nobody need be there yet.
    pub fn new(socket: impl Into<Utf8PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Asks for all that is at a path: `/v1/services`.
    pub fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.find(path, &[])
    }

    /// Asks for what fits a query: at `/v1/services`, `names` is `web`. Any text can be asked for.
    pub fn find(&self, path: &str, pairs: &[(&str, &str)]) -> Result<Answer, ClientError> {
        self.ask("GET", &target(path, pairs), &[], PATIENCE)
    }

    /// Asks for something that Pebble may wait for, for so long.
    pub fn wait(&self, path: &str, pairs: &[(&str, &str)], time: Duration) -> Result<Answer, ClientError> {
        self.ask("GET", &target(path, pairs), &[], time + PATIENCE)
    }

    /// Asks for something to be done.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer, ClientError> {
        self.ask("POST", path, body.to_string().as_bytes(), PATIENCE)
    }

    /// Waits for the end of a change, and returns it.
    pub fn wait_for_change(&self, id: &str) -> Result<Value, ClientError> {
        const STEP: Duration = Duration::from_secs(10);
        loop {
            match self.wait(&format!("/v1/changes/{id}/wait"), &[("timeout", "10s")], STEP) {
                Ok(answer) => return Ok(answer.result),
                Err(ClientError::Refused { status: 504, .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn ask(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        patience: Duration,
    ) -> Result<Answer, ClientError> {
        let mut bytes = Vec::new();
        let mut talk = || {
            let mut stream = self.ready(Some(patience))?;
            let head = format!(
                "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: \
                 {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), body].concat())?;
            std::io::Read::take(&mut stream, ANSWER_BYTES_MAX).read_to_end(&mut bytes)
        };
        talk().map_err(ClientError::Unreachable)?;
        read(&bytes)
    }
}

/// Writes a path and its query as they are in a request.
fn target(path: &str, pairs: &[(&str, &str)]) -> String {
    let path = utf8_percent_encode(path, NOT_IN_PATHS).to_string();
    if pairs.is_empty() {
        return path;
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

/// Connects to a socket whose path may be longer than addresses of sockets are, and to nothing that a link
/// leads to.
fn connect(socket: &Utf8Path) -> std::io::Result<UnixStream> {
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    let folder = if folder.as_str().is_empty() { Utf8Path::new(".") } else { folder };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(folder.as_std_path(), flags, Mode::empty())?;
    let path = format!("/proc/self/fd/{}/{name}", directory.as_raw_fd());
    if !fs_err::symlink_metadata(&path)?.file_type().is_socket() {
        return Err(std::io::Error::other(format!("{socket} is no socket")));
    }
    UnixStream::connect(path)
}

/// Reads an answer.
fn read(bytes: &[u8]) -> Result<Answer, ClientError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = head.parse(bytes) else {
        return Err(ClientError::Unreadable);
    };
    let status = head.code.unwrap_or_default();
    let document: Value = serde_json::from_slice(&bytes[length..]).map_err(|_| ClientError::Unreadable)?;
    let result = document.get("result").cloned().unwrap_or_default();
    if status >= 400 {
        let message = result.get("message").and_then(Value::as_str);
        let message = message.map_or_else(|| format!("server error: {status}"), str::to_owned);
        return Err(ClientError::Refused { status, message });
    }
    let change = document.get("change").and_then(Value::as_str).map(str::to_owned);
    Ok(Answer { result, change })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Options, Server};

    #[test]
    fn a_server_is_asked_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().join("root")).unwrap();
        fs_err::create_dir(&root).unwrap();
        let client = Client::new(root.with_file_name("socket"));
        assert!(matches!(client.get("/v1/system-info"), Err(ClientError::Unreachable(_))));
        let server = Server::start(Options::new(root.with_file_name("socket"), root.clone())).unwrap();
        assert_eq!(client.get("/v1/system-info").unwrap().result["version"], "v1.19.2");
        let layer = "services: {web: {override: replace, command: sleep 9, startup: enabled}}";
        let body = json!({"action": "add", "combine": true, "label": "l", "format": "yaml", "layer": layer});
        assert_eq!(client.post("/v1/layers", &body).unwrap().result, json!(true));
        let change = client.post("/v1/services", &json!({"action": "autostart"})).unwrap().change.unwrap();
        assert_eq!(client.wait_for_change(&change).unwrap()["status"], "Done");
        let refused =
            client.post("/v1/services", &json!({"action": "start", "services": ["db"]})).unwrap_err();
        assert_eq!(refused.to_string(), "cannot start services: service \"db\" does not exist");
        // What is asked for may look like another query.
        let name = "a&names=web c?+%#é";
        let services = json!({name: {"override": "replace", "command": "sleep 9"}});
        let layer = json!({"services": services}).to_string();
        let body = json!({"action": "add", "combine": true, "label": "m", "format": "yaml", "layer": layer});
        client.post("/v1/layers", &body).unwrap();
        let found = client.find("/v1/services", &[("names", name)]).unwrap().result;
        assert_eq!((&found[0]["name"], found.as_array().map(Vec::len)), (&json!(name), Some(1)));
        assert_eq!(client.find("/v1/services", &[("names", "db&names=web")]).unwrap().result, json!([]));
        let error = client.get("/v1/notices/1 a?b").unwrap_err();
        assert_eq!(error.to_string(), "cannot find notice with ID \"1 a?b\"");
        drop(server);
        // What lies there is no socket, and what a link leads to is nobody's business.
        fs_err::write(root.with_file_name("socket"), "").unwrap();
        let error = client.get("/v1/plan").unwrap_err();
        assert!(error.to_string().ends_with("/socket is no socket"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked_for(name in ".{0,9}", key in ".{0,9}", value in ".{0,9}") {
            let path = format!("/v1/notices/{name}");
            let target = target(&path, &[(&key, &value), ("users", "all")]);
            let request = format!("GET {target} HTTP/1.1\r\n\r\n");
            let (head, _) = crate::http::head::parse(request.as_bytes()).unwrap().unwrap();
            prop_assert_eq!(&head.path, &path);
            prop_assert_eq!(head.query(&key), if key == "users" { "all" } else { &value });
            prop_assert_eq!(head.query("users"), if key == "users" { &value } else { "all" });
        }

        #[test]
        fn any_bytes_are_an_answer_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_is_answered_is_read(status in 100_u16..600, text in "[ -~]{0,20}") {
            let body = json!({"result": {"message": text.clone()}, "change": "7"}).to_string();
            let bytes = format!("HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\n\r\n{body}");
            match read(bytes.as_bytes()) {
                Ok(answer) => {
                    prop_assert!(status < 400);
                    prop_assert_eq!(answer.change.as_deref(), Some("7"));
                }
                Err(ClientError::Refused { status: refused, message }) => {
                    prop_assert!(status >= 400 && refused == status);
                    prop_assert_eq!(message, text);
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
