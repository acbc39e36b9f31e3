//! Checks: listed, switched, made at once; and whether all is well.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Result, bad_request, json_body};
use crate::checks::probe::{self, Surroundings};
use crate::checks::{CheckOutcome, unreachable_target};
use crate::connection::Request;
use crate::http::reply::Reply;
use crate::plan::quoted;

fn level<'a>(request: &'a Request<'_>) -> Result<&'a str> {
    let level = request.head.query("level");
    match level {
        "" | "alive" | "ready" => Ok(level),
        _ => Err(bad_request("level must be \"alive\" or \"ready\"")),
    }
}

pub(super) fn list(request: &Request<'_>) -> Result {
    let level = level(request)?;
    let names = request.head.query_list("names");
    let core = request.shared.lock();
    let found: Vec<Value> = core
        .checks
        .iter()
        .filter(|(name, check)| {
            (level.is_empty() || check.level() == level) && (names.is_empty() || names.contains(name))
        })
        .map(|(name, check)| check.to_json(name))
        .collect();
    Ok(Reply::sync(&Value::Array(found)))
}

pub(super) fn health(request: &Request<'_>) -> Result {
    let level = level(request)?;
    let names = request.head.query_list("names");
    let core = request.shared.lock();
    // Who is ready is alive.
    let is_meant = |own: &str| level.is_empty() || own == level || (level == "ready" && own == "alive");
    let is_healthy = !core.checks.iter().any(|(name, check)| {
        is_meant(check.level()) && (names.is_empty() || names.contains(name)) && check.status() == "down"
    });
    let status = if is_healthy { 200 } else { 502 };
    Ok(Reply::sync_with(status, &json!({"healthy": is_healthy})))
}

pub(super) fn post(request: &mut Request<'_>) -> Result {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        action: String,
        checks: Option<Vec<String>>,
    }
    let payload: Payload = json_body(request, "data from request body")?;
    let names = payload.checks.unwrap_or_default();
    if names.is_empty() {
        return Err(bad_request(format!("must specify checks for {} action", payload.action)));
    }
    let is_on = match payload.action.as_str() {
        "start" => true,
        "stop" => false,
        other => return Err(bad_request(format!("invalid action {}", quoted(other)))),
    };
    let changed = request
        .shared
        .step(|core| core.switch_checks(&names, is_on))
        .map_err(|error| bad_request(format!("cannot {} checks: {error}", payload.action)))?;
    Ok(Reply::sync(&json!({"changed": changed})))
}

pub(super) fn refresh(request: &mut Request<'_>) -> Result {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        name: String,
    }
    let Payload { name } = json_body(request, "data from request body")?;
    if name.is_empty() {
        return Err(bad_request("must specify check name"));
    }
    let Some((config, run, forced)) = request.shared.step(|core| core.refreshable(&name)) else {
        return Err(Reply::error(404, &format!("cannot find check with name {}", quoted(&name))));
    };
    let core = request.shared.lock();
    let is_simulated = core.is_simulated();
    let on_paper = match forced {
        Some(CheckOutcome::Up) => Some(Ok(())),
        Some(CheckOutcome::Down) => Some(Err(unreachable_target(&config))),
        None => is_simulated.then(|| core.simulated_result(&config)),
    };
    let surroundings = Surroundings::of(&core);
    drop(core);
    let result = on_paper.unwrap_or_else(|| probe::make(&config, &surroundings));
    let error = result.as_ref().err().map(crate::checks::Failure::text);
    request.shared.step(|core| core.check_made(&name, run, result));
    let mut answer = json!({});
    if let Some(check) = request.shared.lock().checks.get(&name) {
        answer["info"] = check.to_json(&name);
    }
    if let Some(error) = error {
        answer["error"] = json!(error);
    }
    Ok(Reply::sync(&answer))
}
