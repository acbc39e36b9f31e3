//! Changes: listed, waited for, given up.

use serde::Deserialize;
use serde_json::Value;

use super::{Result, bad_request, json_body, optional_duration};
use crate::connection::Request;
use crate::core::Core;
use crate::duration;
use crate::http::reply::Reply;
use crate::plan::quoted;
use crate::shared::Waited;

pub(super) fn list(request: &Request<'_>) -> Result {
    let wanted = match request.head.query("select") {
        "" | "in-progress" => Some(false),
        "ready" => Some(true),
        "all" => None,
        _ => return Err(bad_request("select should be one of: all,in-progress,ready")),
    };
    let service = request.head.query("for");
    let core = request.shared.lock();
    let changes = &core.changes;
    let found: Vec<Value> = changes
        .all()
        .filter(|change| wanted.is_none_or(|ready| changes.status(change).is_ready() == ready))
        .filter(|change| service.is_empty() || change.services.iter().any(|name| name == service))
        .map(|change| changes.to_json(change))
        .collect();
    Ok(Reply::sync(&Value::Array(found)))
}

fn find(core: &Core, id: &str) -> Result<u64> {
    core.changes
        .find(id)
        .map(|change| change.id)
        .ok_or_else(|| Reply::error(404, &format!("cannot find change with id {}", quoted(id))))
}

fn shown(core: &Core, id: u64) -> Reply {
    match core.changes.change(id) {
        Some(change) => Reply::sync(&core.changes.to_json(change)),
        None => Reply::error(404, &format!("cannot find change with id \"{id}\"")),
    }
}

pub(super) fn get(request: &Request<'_>, id: &str) -> Result {
    let core = request.shared.lock();
    let id = find(&core, id)?;
    Ok(shown(&core, id))
}

pub(super) fn wait(request: &Request<'_>, id: &str) -> Result {
    let id = find(&request.shared.lock(), id)?;
    let timeout = optional_duration(request.head.query("timeout"), "timeout")?;
    match request.shared.wait(timeout, |core| core.changes.is_ready(id)) {
        Waited::Happened => Ok(shown(&request.shared.lock(), id)),
        Waited::TimedOut => {
            let timeout = duration::print(timeout.unwrap_or_default());
            Err(Reply::error(504, &format!("timed out waiting for change after {timeout}")))
        }
        Waited::Closed => Err(Reply::error(500, "request cancelled")),
    }
}

pub(super) fn post(request: &mut Request<'_>, id: &str) -> Result {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        action: String,
    }
    let id = find(&request.shared.lock(), id)?;
    let payload: Payload = json_body(request, "data from request body")?;
    if payload.action != "abort" {
        return Err(bad_request(format!("invalid action {}", quoted(&payload.action))));
    }
    request.shared.step(|core| {
        if core.changes.is_ready(id) {
            return Err(bad_request(format!("cannot abort change {id} with nothing pending")));
        }
        core.abort_change(id);
        Ok(shown(core, id))
    })
}
