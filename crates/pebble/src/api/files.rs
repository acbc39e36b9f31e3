//! Files: read and listed, written, made and removed.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Result, bad_request, json_body};
use crate::connection::{Answered, Request};
use crate::files::root::Root;
use crate::files::write::{Item, Removal};
use crate::files::{FileError, list, write};
use crate::http::multipart::{Multipart, parameters};
use crate::http::reply::{Chunked, Reply};
use crate::plan::quoted;
use crate::records::FileRecord;

/// Files of one request.
const FILES: usize = 10_000;
/// Characters that a boundary has at least.
const BOUNDARY: usize = 32;

pub(super) fn get(request: &mut Request<'_>) -> Result<Answered> {
    let head = request.head;
    match head.query("action") {
        "read" => {
            let paths = head.query_all("path");
            if paths.is_empty() {
                return Err(bad_request("must specify one or more paths"));
            }
            if head.header("accept") != Some("multipart/form-data") {
                return Err(bad_request("must accept multipart/form-data"));
            }
            let root = request.shared.lock().root.clone();
            let keeps_alive = request.keeps_alive;
            request.body.drain();
            let written = read(&root, &paths, request.body.stream(), keeps_alive);
            Ok(Answered::Written(written.is_ok() && keeps_alive))
        }
        "list" => {
            let path = head.query("path");
            if path.is_empty() {
                return Err(bad_request("must specify path"));
            }
            let itself = match head.query("itself") {
                "true" => true,
                "" | "false" => false,
                _ => return Err(bad_request("itself parameter must be \"true\" or \"false\"")),
            };
            if !path.starts_with('/') {
                return Err(bad_request(format!("path must be absolute, got {}", quoted(path))));
            }
            let root = request.shared.lock().root.clone();
            list::list(&root, path, head.query("pattern"), itself)
                .map(|found| Answered::Reply(Reply::sync(&Value::Array(found))))
                .map_err(|error| Reply::error_with(error.status(), &error.to_json()))
        }
        other => Err(bad_request(format!("invalid action {}", quoted(other)))),
    }
}

/// Writes files as parts, and behind them what became of each.
fn read(root: &Root, paths: &[&str], stream: &mut impl Write, keeps_alive: bool) -> io::Result<()> {
    // No content can hold it by accident: nobody knows it before.
    let boundary = format!("{:032x}{:028x}", seed(), seed());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let mut body = Chunked::begin(stream, &content_type, keeps_alive)?;
    let mut results = Vec::new();
    let mut line_end = "";
    for path in paths {
        let error = match write::open(root, path) {
            Ok(mut file) => {
                let name = path.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], "");
                write!(
                    body,
                    "{line_end}--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                )?;
                line_end = "\r\n";
                let mut buffer = vec![0; 64 << 10];
                loop {
                    match file.read(&mut buffer) {
                        Ok(0) => break None,
                        Ok(count) => body.write_all(&buffer[..count])?,
                        Err(error) => break Some(FileError::generic(format!("read {path}: {error}"))),
                    }
                }
            }
            Err(error) => Some(error),
        };
        results.push(result(path, error.as_ref()));
    }
    let metadata = json!({"type": "sync", "status-code": 200, "status": "OK", "result": results});
    write!(
        body,
        "{line_end}--{boundary}\r\nContent-Disposition: form-data; name=\"response\"\r\nContent-Type: application/json\r\n\r\n{metadata}\n\r\n--{boundary}--\r\n"
    )?;
    body.end()
}

/// A number that nobody knows.
fn seed() -> u64 {
    use std::hash::BuildHasher as _;
    std::collections::hash_map::RandomState::new().hash_one(0)
}

fn result(path: &str, error: Option<&FileError>) -> Value {
    let mut value = json!({"path": path});
    if let Some(error) = error {
        value["error"] = error.to_json();
    }
    value
}

/// Notes what became of files, and answers with it.
fn answer(
    request: &Request<'_>,
    outcomes: Vec<(String, std::result::Result<FileRecord, FileError>)>,
) -> Reply {
    let mut results = Vec::new();
    request.shared.step(|core| {
        for (path, outcome) in outcomes {
            results.push(result(&path, outcome.as_ref().err()));
            if let Ok(record) = outcome
                && (core.records.files.len() < FILES || core.records.files.contains_key(&path))
            {
                core.records.files.insert(path, record);
            }
        }
    });
    Reply::sync(&Value::Array(results))
}

pub(super) fn post(request: &mut Request<'_>) -> Result {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        action: String,
        dirs: Option<Vec<Item>>,
        paths: Option<Vec<Removal>>,
    }
    let content_type = request.head.header("content-type").unwrap_or_default();
    if content_type.is_empty() {
        return Err(bad_request("invalid Content-Type \"\""));
    }
    let (kind, parameters) = parameters(content_type);
    match kind.as_str() {
        "multipart/form-data" => {
            let boundary = parameters.into_iter().find(|(name, _)| name == "boundary");
            let boundary = boundary.map(|(_, value)| value).unwrap_or_default();
            if boundary.len() < BOUNDARY || boundary.len() > 256 {
                return Err(bad_request(format!("invalid boundary {}", quoted(&boundary))));
            }
            write_files(request, &boundary)
        }
        "application/json" => {
            let payload: Payload = json_body(request, "request body")?;
            let root = request.shared.lock().root.clone();
            match payload.action.as_str() {
                "make-dirs" => {
                    let dirs = payload.dirs.unwrap_or_default();
                    let made = dirs.iter().map(|dir| (dir.path.clone(), write::make(&root, dir))).collect();
                    Ok(answer(request, made))
                }
                "remove" => {
                    let paths = payload.paths.unwrap_or_default();
                    let removed =
                        paths.iter().map(|path| (path.path.clone(), write::remove(&root, path))).collect();
                    Ok(answer(request, removed))
                }
                "write" => Err(bad_request("must use multipart with \"write\" action")),
                other => Err(bad_request(format!("invalid action {}", quoted(other)))),
            }
        }
        other => Err(bad_request(format!("invalid media type {}", quoted(other)))),
    }
}

/// Reads a part that is JSON, up to a limit.
fn json_part<T: DeserializeOwned>(part: &mut impl Read, limit: u64) -> Result<T> {
    let mut text = Vec::new();
    part.take(limit + 1)
        .read_to_end(&mut text)
        .map_err(|error| bad_request(format!("cannot decode request metadata: {error}")))?;
    if text.len() as u64 > limit {
        return Err(Reply::error(413, "request body too large"));
    }
    serde_json::from_slice(&text)
        .map_err(|error| bad_request(format!("cannot decode request metadata: {error}")))
}

fn write_files(request: &mut Request<'_>, boundary: &str) -> Result {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        action: String,
        files: Option<Vec<Item>>,
    }
    let (root, limits) = (request.shared.lock().root.clone(), request.shared.limits);
    request.body.limit(limits.upload_bytes);
    let mut multipart = Multipart::new(&mut request.body, boundary);
    let unreadable =
        |error: &dyn std::fmt::Display| bad_request(format!("cannot read request metadata: {error}"));
    let part = multipart.next_part().map_err(|error| unreadable(&error))?;
    let part = part.ok_or_else(|| unreadable(&"EOF"))?;
    if part.name != "request" {
        let name = quoted(&part.name);
        return Err(bad_request(format!("metadata field name must be \"request\", got {name}")));
    }
    let payload: Payload = json_part(&mut multipart, limits.json_bytes)?;
    if payload.action != "write" {
        let action = quoted(&payload.action);
        return Err(bad_request(format!("multipart action must be \"write\", got {action}")));
    }
    let files = payload.files.unwrap_or_default();
    if files.is_empty() {
        return Err(bad_request("must specify one or more files"));
    }
    let items: BTreeMap<&str, &Item> = files.iter().map(|item| (item.path.as_str(), item)).collect();
    let mut outcomes = BTreeMap::new();
    let mut index = 0;
    while let Some(part) = multipart
        .next_part()
        .map_err(|error| bad_request(format!("cannot read file part {index}: {error}")))?
    {
        if part.name != "files" {
            let name = quoted(&part.name);
            return Err(bad_request(format!("field name must be \"files\", got {name}")));
        }
        let Some(item) = items.get(part.filename.as_str()) else {
            return Err(bad_request(format!("no metadata for path {}", quoted(&part.filename))));
        };
        outcomes.insert(part.filename, write::write(&root, item, &mut multipart));
        index += 1;
    }
    let outcomes = files
        .iter()
        .map(|item| {
            let missing = || {
                let path = quoted(&item.path);
                Err(FileError::generic(format!("no file content for path {path}")))
            };
            (item.path.clone(), outcomes.remove(&item.path).unwrap_or_else(missing))
        })
        .collect();
    Ok(answer(request, outcomes))
}
