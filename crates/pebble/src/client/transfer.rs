//! What a Pebble sends or takes that may be of any length: what services print, and files.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Client, ClientError, HEADERS_MAX, PATIENCE, connect, read, target};
use crate::http::body::{Body, Incoming};
use crate::http::head::Length;
use crate::http::multipart::{Multipart, parameters};

/// The longest head of an answer, and the longest line that a service has printed.
const HEAD_BYTES_MAX: usize = 16 << 10;
const LINE_BYTES_MAX: u64 = 1 << 20;
/// What Pebble says of files, at most.
const RESULTS_BYTES_MAX: u64 = 1 << 20;
/// No content ends a part with it: the server looks for it behind a line's end only, and it is long.
const BOUNDARY: &str = "01234567890123456789012345678901-charmproof-pebble-part";

/// A line that a service has printed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PrintedLine {
    /// When.
    pub time: Timestamp,
    /// Which service.
    pub service: String,
    /// The line, without its end.
    pub message: String,
}

/// An answer whose body is read bit by bit.
struct Streamed {
    incoming: Incoming<UnixStream>,
    length: Length,
    content_type: String,
}

impl Client {
    /// Reads what services have printed, until there is no more, or `each` has heard enough. The pairs are
    /// those of `/v1/logs`: `n`, `services`, `follow`.
    pub fn logs(
        &self,
        pairs: &[(&str, &str)],
        mut each: impl FnMut(PrintedLine) -> bool,
    ) -> Result<(), ClientError> {
        let follows = pairs.contains(&("follow", "true"));
        let mut answer = self.open(&target("/v1/logs", pairs), (!follows).then_some(PATIENCE))?;
        let mut lines = BufReader::new(answer.body());
        loop {
            let mut line = Vec::new();
            let length = Read::take(&mut lines, LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if length.map_err(ClientError::Unreachable)? == 0 {
                return Ok(());
            }
            let line = serde_json::from_slice(&line).map_err(|_| ClientError::Unreadable)?;
            if !each(line) {
                return Ok(());
            }
        }
    }

    /// Copies a file of the container.
    pub fn pull(&self, path: &str, into: &mut impl Write) -> Result<(), ClientError> {
        let mut answer =
            self.open(&target("/v1/files", &[("action", "read"), ("path", path)]), Some(PATIENCE))?;
        let (_, parameters) = parameters(&answer.content_type);
        let boundary = parameters.into_iter().find(|(name, _)| name == "boundary");
        let boundary = boundary.map(|(_, value)| value).unwrap_or_default();
        let mut parts = Multipart::new(answer.body(), &boundary);
        while let Some(part) = parts.next_part().map_err(ClientError::Unreachable)? {
            if part.name == "response" {
                let mut text = Vec::new();
                let read = Read::take(&mut parts, RESULTS_BYTES_MAX).read_to_end(&mut text);
                read.map_err(ClientError::Unreachable)?;
                let document: Value = serde_json::from_slice(&text).map_err(|_| ClientError::Unreadable)?;
                return refused_file(&document["result"]);
            }
            io::copy(&mut parts, into).map_err(ClientError::Local)?;
        }
        Err(ClientError::Unreadable)
    }

    /// Writes a file of the container. `item` is what `/v1/files` takes: `path`, `make-dirs`, `permissions`,
    /// and whose it is to be.
    pub fn push(&self, item: &Value, from: &mut impl Read, length_bytes: u64) -> Result<(), ClientError> {
        let path = item["path"].as_str().unwrap_or_default();
        let name = path.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], "");
        let metadata = json!({"action": "write", "files": [item]});
        let before = format!(
            "--{BOUNDARY}\r\nContent-Type: application/json\r\nContent-Disposition: form-data; \
             name=\"request\"\r\n\r\n{metadata}\r\n--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\
             Content-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n"
        );
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let whole_bytes = before.len() as u64 + length_bytes + after.len() as u64;
        let mut stream = self.ready(Some(PATIENCE)).map_err(ClientError::Unreachable)?;
        let head = format!(
            "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; \
             boundary={BOUNDARY}\r\nContent-Length: {whole_bytes}\r\nConnection: close\r\n\r\n"
        );
        let mut send = || {
            stream.write_all(head.as_bytes())?;
            stream.write_all(before.as_bytes())?;
            if io::copy(&mut Read::take(&mut *from, length_bytes), &mut stream)? < length_bytes {
                return Err(io::Error::other("the file has become shorter"));
            }
            stream.write_all(after.as_bytes())
        };
        let sent = send();
        let mut bytes = Vec::new();
        // Whoever refuses need not have read all of it.
        match Read::take(&mut stream, RESULTS_BYTES_MAX).read_to_end(&mut bytes) {
            Ok(1..) => refused_file(&read(&bytes)?.result),
            Ok(0) => Err(sent.map_or_else(ClientError::Unreachable, |()| ClientError::Unreadable)),
            Err(error) => Err(ClientError::Unreachable(sent.err().unwrap_or(error))),
        }
    }

    /// Makes folders, or removes files: what `/v1/files` takes as JSON.
    pub fn change_files(&self, body: &Value) -> Result<(), ClientError> {
        refused_file(&self.post("/v1/files", body)?.result)
    }

    pub(super) fn ready(&self, patience: Option<Duration>) -> io::Result<UnixStream> {
        let stream = connect(&self.socket)?;
        stream.set_read_timeout(patience)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Asks for something, and reads no more than the head of the answer, unless it is a refusal.
    fn open(&self, target: &str, patience: Option<Duration>) -> Result<Streamed, ClientError> {
        let talk = || {
            let mut stream = self.ready(patience)?;
            let head = format!(
                "GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: multipart/form-data\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            let mut incoming = Incoming::new(stream);
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX && incoming.read(&mut byte)? > 0
            {
                head.push(byte[0]);
            }
            Ok((incoming, head))
        };
        let (mut incoming, mut bytes) = talk().map_err(ClientError::Unreachable)?;
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        if !matches!(head.parse(&bytes), Ok(httparse::Status::Complete(_))) {
            return Err(ClientError::Unreadable);
        }
        let header = |name: &str| {
            let own = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            own.map(|header| String::from_utf8_lossy(header.value).into_owned()).unwrap_or_default()
        };
        let length = if header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            Length::Chunked
        } else {
            Length::Bytes(header("content-length").parse().unwrap_or(0))
        };
        let content_type = header("content-type");
        if head.code.unwrap_or_default() >= 400 {
            let body = Body::new(&mut incoming, length, RESULTS_BYTES_MAX);
            let rest = Read::take(body, RESULTS_BYTES_MAX).read_to_end(&mut bytes);
            rest.map_err(ClientError::Unreachable)?;
            return Err(read(&bytes).err().unwrap_or(ClientError::Unreadable));
        }
        Ok(Streamed { incoming, length, content_type })
    }
}

impl Streamed {
    fn body(&mut self) -> Body<'_, UnixStream> {
        Body::new(&mut self.incoming, self.length, u64::MAX)
    }
}

/// Says what became of the first file that something could not be done with.
fn refused_file(results: &Value) -> Result<(), ClientError> {
    let errors =
        results.as_array().into_iter().flatten().filter_map(|result| result["error"]["message"].as_str());
    match errors.into_iter().next() {
        Some(message) => Err(ClientError::Refused { status: 400, message: message.to_owned() }),
        None => Ok(()),
    }
}
