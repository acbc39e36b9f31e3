//! The plan, and layers for it.

use serde::Deserialize;
use serde_json::json;

use super::{Result, bad_request, json_body};
use crate::connection::Request;
use crate::http::reply::Reply;
use crate::plan::{AddError, quoted};

pub(super) fn get(request: &Request<'_>) -> Result {
    let format = request.head.query("format");
    if format != "yaml" {
        return Err(bad_request(format!("invalid format {}", quoted(format))));
    }
    Ok(Reply::sync(&json!(request.shared.lock().plan().to_yaml())))
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Payload {
    action: String,
    combine: bool,
    inner: bool,
    label: String,
    format: String,
    layer: String,
}

pub(super) fn post_layer(request: &mut Request<'_>) -> Result {
    let payload: Payload = json_body(request, "request body")?;
    if payload.action != "add" {
        return Err(bad_request(format!("invalid action {}", quoted(&payload.action))));
    }
    if payload.label.is_empty() {
        return Err(bad_request("label must be set"));
    }
    if payload.format != "yaml" {
        return Err(bad_request(format!("invalid format {}", quoted(&payload.format))));
    }
    request.shared.step(|core| {
        let added = core.layers.add(&payload.label, &payload.layer, payload.combine, payload.inner);
        added.map_err(|error| {
            let status = match error {
                AddError::LabelExists(_) | AddError::Text(_) | AddError::Format(_) => 400,
                AddError::NotInner => 500,
            };
            Reply::error(status, &error.to_string())
        })?;
        core.plan_changed();
        Ok(Reply::sync(&json!(true)))
    })
}
