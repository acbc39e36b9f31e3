//! The routes, and what each answers.

mod changes;
mod checks;
mod exec;
mod files;
mod logs;
mod metrics;
mod notices;
mod plan;
mod services;

use std::io::Read as _;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::connection::{Answered, Request};
use crate::duration;
use crate::http::Stream;
use crate::http::reply::Reply;
use crate::plan::quoted;

/// Most routes answer or refuse; both are answers.
type Result<T = Reply> = std::result::Result<T, Reply>;

fn bad_request(message: impl AsRef<str>) -> Reply {
    Reply::error(400, message.as_ref())
}

/// Answers a request.
pub(crate) fn handle(request: &mut Request<'_>) -> Answered {
    request.shared.lock().records.requests += 1;
    let path = request.head.path.clone();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let Some(parts) = parts.strip_prefix(&["v1"]) else {
        return Answered::Reply(Reply::error(404, "invalid API endpoint requested"));
    };
    let is_get = match request.head.method.as_str() {
        "GET" | "HEAD" => true,
        "POST" => false,
        _ => return Answered::Reply(not_allowed(request)),
    };
    // Over TCP, Pebble answers nobody whom it does not know, but for the two that tell nothing.
    let is_open = matches!(parts, ["system-info" | "health"]);
    if !is_open && matches!(request.body.stream(), Stream::Tcp(_)) {
        return Answered::Reply(Reply::error(401, "access denied"));
    }
    let result = match (parts, is_get) {
        (["system-info"], true) => Ok(system_info(request)),
        (["health"], true) => checks::health(request),
        (["changes"], true) => changes::list(request),
        (["changes", id], true) => changes::get(request, id),
        (["changes", id], false) => changes::post(request, id),
        (["changes", id, "wait"], true) => changes::wait(request, id),
        (["services"], true) => Ok(services::list(request)),
        (["services"], false) => services::post(request),
        (["services", _], true | false) => Err(bad_request("not implemented")),
        (["plan"], true) => plan::get(request),
        (["layers"], false) => plan::post_layer(request),
        (["files"], true) => match files::get(request) {
            Ok(answered) => return answered,
            Err(reply) => Err(reply),
        },
        (["files"], false) => files::post(request),
        (["logs"], true) => match logs::get(request) {
            Ok(answered) => return answered,
            Err(reply) => Err(reply),
        },
        (["exec"], false) => exec::post(request),
        (["signals"], false) => services::post_signals(request),
        (["checks"], true) => checks::list(request),
        (["checks"], false) => checks::post(request),
        (["checks", "refresh"], false) => checks::refresh(request),
        (["notices"], true) => notices::list(request),
        (["notices"], false) => notices::post(request),
        (["notices", id], true) => notices::get(request, id),
        (["warnings"], true) => Ok(Reply::sync(&json!([]))),
        (["warnings"], false) => warnings_okay(request),
        (["identities"], true) => Ok(Reply::sync(&request.shared.lock().identities.to_json())),
        (["identities"], false) => post_identities(request),
        (["metrics"], true) => Ok(metrics::get(request)),
        // Nobody pairs with a container.
        (["pairing"], false) => Err(Reply::error(401, "access denied")),
        (
            ["system-info" | "health" | "plan" | "logs" | "metrics"]
            | ["changes", _, "wait"]
            | ["notices", _],
            false,
        )
        | (["layers" | "exec" | "signals" | "pairing"] | ["checks", "refresh"], true) => {
            Err(not_allowed(request))
        }
        _ => Err(Reply::error(404, "invalid API endpoint requested")),
    };
    Answered::Reply(result.unwrap_or_else(|reply| reply))
}

fn not_allowed(request: &Request<'_>) -> Reply {
    Reply::error(405, &format!("method {} not allowed", quoted(&request.head.method)))
}

/// Reads a JSON body; `what` is what Pebble says that it cannot decode.
fn json_body<T: DeserializeOwned>(request: &mut Request<'_>, what: &str) -> Result<T> {
    let limit = request.shared.limits.json_bytes;
    request.body.limit(limit + 1);
    let mut bytes = Vec::new();
    let read = request.body.by_ref().take(limit + 1).read_to_end(&mut bytes);
    if bytes.len() as u64 > limit {
        return Err(Reply::error(413, "request body too large"));
    }
    read.map_err(|error| bad_request(format!("cannot decode {what}: {error}")))?;
    // Go reads the first value and looks at nothing behind it.
    let mut values = serde_json::Deserializer::from_slice(&bytes).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(bad_request(format!("cannot decode {what}: {error}"))),
        None => Err(bad_request(format!("cannot decode {what}: EOF"))),
    }
}

/// Reads a duration that may be missing.
fn optional_duration(text: &str, what: &str) -> Result<Option<std::time::Duration>> {
    if text.is_empty() {
        return Ok(None);
    }
    duration::parse(text)
        .map(|duration| Some(duration).filter(|duration| !duration.is_zero()))
        .map_err(|error| bad_request(format!("invalid {what}: {error}")))
}

fn system_info(request: &Request<'_>) -> Reply {
    let core = request.shared.lock();
    let mut info = json!({"boot-id": core.boot_id, "version": core.version});
    if let Some(address) = &core.http_address {
        info["http-address"] = json!(address);
    }
    Reply::sync(&info)
}

/// Warnings are notices today; there are none to be seen and acknowledged here.
fn warnings_okay(request: &mut Request<'_>) -> Result {
    #[derive(serde::Deserialize)]
    struct Payload {
        #[serde(default)]
        action: String,
    }
    let payload: Payload = json_body(request, "request body into warnings operation")?;
    if payload.action != "okay" {
        return Err(bad_request(format!("unknown warning action {}", quoted(&payload.action))));
    }
    Ok(Reply::sync(&json!(0)))
}

fn post_identities(request: &mut Request<'_>) -> Result {
    #[derive(serde::Deserialize)]
    struct Payload {
        #[serde(default)]
        action: String,
        #[serde(default)]
        identities: Option<std::collections::BTreeMap<String, Option<crate::identities::Identity>>>,
    }
    let payload: Payload = json_body(request, "request body")?;
    request
        .shared
        .step(|core| core.identities.change(&payload.action, payload.identities.unwrap_or_default()))
        .map_err(bad_request)?;
    Ok(Reply::sync(&Value::Null))
}
