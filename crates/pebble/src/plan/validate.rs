//! What a layer may not say, and what a plan has to.

use super::{Action, FormatError, Layer, Plan, order, quoted, split};

const TARGETS: [&str; 3] = ["loki", "opentelemetry", "syslog"];

fn refuse<T>(message: String) -> Result<T, FormatError> {
    Err(FormatError(message))
}

/// Checks a layer by itself.
pub(super) fn layer(layer: &Layer) -> Result<(), FormatError> {
    if layer.label.starts_with("pebble-") {
        return refuse("cannot use reserved label prefix \"pebble-\"".into());
    }
    for (name, service) in &layer.services {
        let quoted_name = quoted(name);
        if name.is_empty() {
            return refuse("cannot use empty string as service name".into());
        }
        if name == "pebble" {
            return refuse(format!("cannot use reserved service name {quoted_name}"));
        }
        if name.starts_with('-') {
            return refuse(format!("cannot use service name {quoted_name}: starting with \"-\" not allowed"));
        }
        if let Err(error) = service.words(name) {
            return refuse(format!("plan service {quoted_name} command invalid: {error}"));
        }
        let refuse_action = |key: &str, action: &str| {
            refuse(format!("plan service {quoted_name} {key} action {} invalid", quoted(action)))
        };
        if !is_action(&service.on_success, Action::FailureShutdown) {
            return refuse_action("on-success", &service.on_success);
        }
        if !is_action(&service.on_failure, Action::SuccessShutdown) {
            return refuse_action("on-failure", &service.on_failure);
        }
        for action in service.on_check_failure.values() {
            if !is_action(action, Action::SuccessShutdown) {
                return refuse_action("on-check-failure", action);
            }
        }
        if let Some(factor) = service.backoff_factor.filter(|factor| *factor < 1.0) {
            return refuse(format!(
                "plan service {quoted_name} backoff-factor must be 1.0 or greater, not {factor}"
            ));
        }
    }
    for (name, check) in &layer.checks {
        let quoted_name = quoted(name);
        if name.is_empty() {
            return refuse("cannot use empty string as check name".into());
        }
        if !matches!(check.level.as_str(), "" | "alive" | "ready") {
            return refuse(format!("plan check {quoted_name} level must be \"alive\" or \"ready\""));
        }
        if !matches!(check.startup.as_str(), "" | "enabled" | "disabled") {
            return refuse(format!("plan check {quoted_name} startup must be \"enabled\" or \"disabled\""));
        }
        for (key, duration) in [("period", check.period), ("timeout", check.timeout)] {
            if duration.is_some_and(|duration| duration.is_zero()) {
                return refuse(format!("plan check {quoted_name} {key} must not be zero"));
            }
        }
        if let Some(exec) = &check.exec
            && let Err(error) = split(&exec.command)
        {
            return refuse(format!("plan check {quoted_name} command invalid: {error}"));
        }
    }
    for (name, target) in &layer.log_targets {
        if let Some(label) = target.labels.keys().find(|label| label.starts_with("pebble_")) {
            return refuse(format!(
                "log target {}: label {} uses reserved prefix \"pebble_\"",
                quoted(name),
                quoted(label)
            ));
        }
        if !target.kind.is_empty() && !TARGETS.contains(&target.kind.as_str()) {
            return refuse(format!(
                "log target {} has unsupported type {}, must be \"loki\", \"opentelemetry\" or \"syslog\"",
                quoted(name),
                quoted(&target.kind)
            ));
        }
    }
    Ok(())
}

fn is_action(text: &str, only_here: Action) -> bool {
    match text.parse() {
        Ok(Action::Restart | Action::Shutdown | Action::Ignore) => true,
        Ok(action @ (Action::FailureShutdown | Action::SuccessShutdown)) => action == only_here,
        Err(_) => text.is_empty(),
    }
}

/// Checks all layers together.
pub(super) fn plan(plan: &Plan) -> Result<(), FormatError> {
    if let Some((name, _)) = plan.services.iter().find(|(_, service)| service.command.is_empty()) {
        return refuse(format!("plan must define \"command\" for service {}", quoted(name)));
    }
    for (name, check) in &plan.checks {
        let quoted_name = quoted(name);
        if check.http.as_ref().is_some_and(|http| http.url.is_empty()) {
            return refuse(format!("plan must set \"url\" for http check {quoted_name}"));
        }
        if check.tcp.as_ref().is_some_and(|tcp| tcp.port == 0) {
            return refuse(format!("plan must set \"port\" for tcp check {quoted_name}"));
        }
        if let Some(exec) = &check.exec {
            if exec.command.is_empty() {
                return refuse(format!("plan must set \"command\" for exec check {quoted_name}"));
            }
            let context = &exec.service_context;
            if !context.is_empty() && !plan.services.contains_key(context) {
                return refuse(format!(
                    "plan check {quoted_name} service context specifies non-existent service {}",
                    quoted(context)
                ));
            }
        }
        let kinds = [check.http.is_some(), check.tcp.is_some(), check.exec.is_some()];
        if kinds.into_iter().filter(|is_set| *is_set).count() != 1 {
            return refuse(format!(
                "plan must specify one of \"http\", \"tcp\", or \"exec\" for check {quoted_name}"
            ));
        }
    }
    for (name, target) in &plan.log_targets {
        let quoted_name = quoted(name);
        if target.kind.is_empty() {
            return refuse(format!(
                "plan must define \"type\" (\"loki\", \"opentelemetry\" or \"syslog\") for log target {quoted_name}"
            ));
        }
        for service in &target.services {
            let service = service.strip_prefix('-').unwrap_or(service);
            if service != "all" && !plan.services.contains_key(service) {
                return refuse(format!(
                    "log target {quoted_name} specifies unknown service {}",
                    quoted(service)
                ));
            }
        }
        if target.location.is_empty() {
            return refuse(format!("plan must define \"location\" for log target {quoted_name}"));
        }
    }
    let names: Vec<String> = plan.services.keys().cloned().collect();
    order::order(&plan.services, &names, order::Direction::Start).map(drop)
}
