//! Metrics, in the text format of Prometheus.

use crate::connection::Request;
use crate::http::reply::Reply;
use crate::services::Current;

pub(super) fn get(request: &Request<'_>) -> Reply {
    let core = request.shared.lock();
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, label: &str, values: Vec<(&String, u64)>| {
        for (owner, value) in values {
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
            text.push_str(&format!("{name}{{{label}=\"{owner}\"}} {value}\n\n"));
        }
    };
    let active = |current: Current| u64::from(current == Current::Active);
    metric(
        "pebble_service_active",
        "gauge",
        "Whether the service is currently active (1) or not (0)",
        "service",
        core.services.iter().map(|(name, service)| (name, active(service.state.current()))).collect(),
    );
    metric(
        "pebble_service_start_count",
        "counter",
        "Number of times the service has started",
        "service",
        core.services.iter().map(|(name, service)| (name, service.starts)).collect(),
    );
    metric(
        "pebble_check_up",
        "gauge",
        "Whether the health check is up (1) or not (0)",
        "check",
        core.checks
            .iter()
            .filter(|(_, check)| check.status() != "inactive")
            .map(|(name, check)| (name, u64::from(check.status() == "up")))
            .collect(),
    );
    Reply::text("text/plain; version=0.0.4; charset=utf-8", text)
}
