//! What services print, as lines of JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Result, bad_request};
use crate::connection::{Answered, Request};
use crate::core::Core;
use crate::http::reply::Chunked;
use crate::shared::Shared;

/// Lines that are sent if nobody says how many.
const LINES: usize = 30;

struct Line {
    time: Timestamp,
    service: String,
    text: String,
}

pub(super) fn get(request: &mut Request<'_>) -> Result<Answered> {
    let head = request.head;
    let services = head.query_list("services");
    let follows = match head.query("follow") {
        "true" => true,
        "" | "false" => false,
        _ => return Err(bad_request("follow parameter must be \"true\" or \"false\"")),
    };
    let count = match head.query("n") {
        "" if follows => 0,
        "" => LINES,
        "-1" => usize::MAX,
        n => n.parse().map_err(|_| bad_request("n must be -1, 0, or a positive integer"))?,
    };
    request.body.drain();
    let (shared, keeps_alive) = (request.shared, request.keeps_alive);
    let stream = request.body.stream();
    let Ok(watched) = stream.try_clone() else { return Ok(Answered::Written(false)) };
    let sent = send(shared, stream, &services, count, follows, keeps_alive, &|| watched.is_gone());
    Ok(Answered::Written(sent.is_ok() && keeps_alive && !follows))
}

/// The lines that were printed since those that were seen, by time.
fn lines(core: &Core, services: &[String], seen: &mut BTreeMap<String, u64>) -> Vec<Line> {
    let mut found = Vec::new();
    for (name, service) in &core.services {
        if !services.is_empty() && !services.contains(name) {
            continue;
        }
        let before = seen.insert(name.clone(), service.logs.written).unwrap_or(0);
        let new = usize::try_from(service.logs.written - before).unwrap_or(usize::MAX);
        let skipped = service.logs.lines.len().saturating_sub(new);
        found.extend(service.logs.lines.iter().skip(skipped).map(|line| Line {
            time: line.time,
            service: name.clone(),
            text: line.text.clone(),
        }));
    }
    found.sort_by_key(|line| line.time);
    found
}

fn send(
    shared: &Shared,
    stream: &mut impl Write,
    services: &[String],
    count: usize,
    follows: bool,
    keeps_alive: bool,
    is_gone: &dyn Fn() -> bool,
) -> io::Result<()> {
    let mut body = Chunked::begin(stream, "application/x-ndjson", keeps_alive && !follows)?;
    let mut seen = BTreeMap::new();
    let mut found = lines(&shared.lock(), services, &mut seen);
    found.drain(..found.len().saturating_sub(count));
    loop {
        let mut text = String::new();
        for line in &found {
            let entry = json!({"time": line.time.to_string(), "service": line.service, "message": line.text});
            text.push_str(&entry.to_string());
            text.push('\n');
        }
        body.write_all(text.as_bytes())?;
        if !follows {
            return body.end();
        }
        // Every second it is seen whether somebody still listens.
        let has_new = |core: &Core| {
            core.services.iter().any(|(name, service)| {
                (services.is_empty() || services.contains(name))
                    && service.logs.written != seen.get(name).copied().unwrap_or(0)
            })
        };
        let core = shared.settle(Duration::from_secs(1), has_new);
        if core.is_closed || is_gone() {
            return body.end();
        }
        found = lines(&core, services, &mut seen);
    }
}
