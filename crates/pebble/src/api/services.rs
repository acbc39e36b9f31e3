//! Services: listed, started and stopped, and sent signals.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Result, bad_request, json_body};
use crate::connection::Request;
use crate::http::reply::Reply;
use crate::plan::{Direction, quoted};
use crate::services::ServiceAction;

pub(super) fn list(request: &Request<'_>) -> Reply {
    let names = request.head.query_list("names");
    Reply::sync(&Value::Array(request.shared.lock().service_infos(&names)))
}

pub(super) fn post(request: &mut Request<'_>) -> Result {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        action: String,
        services: Option<Vec<String>>,
    }
    let payload: Payload = json_body(request, "data from request body")?;
    let mut names = payload.services.unwrap_or_default();
    let action: Option<ServiceAction> = payload.action.parse().ok();
    let takes_names = match action {
        Some(ServiceAction::Replan | ServiceAction::Autostart) => false,
        Some(ServiceAction::Start | ServiceAction::Stop | ServiceAction::Restart) | None => true,
    };
    if takes_names && names.is_empty() {
        return Err(bad_request(format!("must specify services for {} action", payload.action)));
    }
    if !takes_names && !names.is_empty() {
        return Err(bad_request(format!("{} accepts no service names", payload.action)));
    }
    let Some(action) = action else {
        return Err(bad_request(format!("invalid action {}", quoted(&payload.action))));
    };
    request.shared.step(|core| {
        if action == ServiceAction::Autostart {
            let plan = core.plan();
            let enabled: Vec<String> = plan
                .services
                .iter()
                .filter(|(_, service)| service.is_enabled())
                .map(|(name, _)| name.clone())
                .collect();
            let lanes = plan
                .lanes(&enabled, Direction::Start)
                .map_err(|error| Reply::error(500, &error.to_string()))?;
            names = lanes.concat();
            if names.is_empty() {
                let result = json!({"kind": "no-default-services", "message": "no default services"});
                return Err(Reply::error_with(400, &result));
            }
        }
        let change = core
            .change_services(action, &names)
            .map_err(|error| bad_request(format!("cannot {action} services: {error}")))?;
        Ok(Reply::async_(change, &Value::Null))
    })
}

pub(super) fn post_signals(request: &mut Request<'_>) -> Result {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        signal: String,
        services: Option<Vec<String>>,
    }
    let payload: Payload = json_body(request, "request body")?;
    let services = payload.services.unwrap_or_default();
    if services.is_empty() {
        return Err(bad_request("must specify one or more services"));
    }
    request
        .shared
        .step(|core| core.send_signal(&services, &payload.signal))
        .map_err(|error| Reply::error(500, &error))?;
    Ok(Reply::sync(&json!(true)))
}
