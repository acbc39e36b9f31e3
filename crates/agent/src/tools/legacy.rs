//! What Juju 4 has no more: pod specifications, payloads and metrics.

use super::call::{Call, Tool};
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::output::Data;
use super::view::{View, key_values};
use crate::state::{HookContext, Metric, PayloadChange, Restriction, State};

/// Reads the arguments of `add-metric`.
pub(super) fn parse_add_metric(arguments: &Arguments) -> Attempt<Call> {
    if arguments.positional.is_empty() {
        return Err(Failure::usage("no metrics specified"));
    }
    let metrics =
        key_values(&arguments.positional, false).map_err(|failure| failure.annotated("invalid metrics"))?;
    let labels: Vec<String> =
        arguments.text("l").iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
    let labels = key_values(&labels, false).map_err(|failure| failure.annotated("invalid labels"))?;
    Ok(Call::AddMetric { metrics, labels })
}

/// Reads the arguments of `k8s-spec-set`, `pod-spec-set` and `k8s-raw-set`.
pub(super) fn parse_spec_set(tool: Tool, arguments: &Arguments, view: View<'_>) -> Attempt<Call> {
    let read = |name: &str| match arguments.text(name) {
        Some(path) => view.file(&path).map(|bytes| Some(String::from_utf8_lossy(bytes).into_owned())),
        None => Ok(None),
    };
    let specification = read("file")?.ok_or_else(|| Failure::usage("no K8s spec file specified"))?;
    if specification.is_empty() {
        return Err(Failure::usage(
            "no K8s spec provided: pipe K8s spec to command, or specify a file with --file",
        ));
    }
    let resources = read("k8s-resources")?;
    arguments.end()?;
    Ok(match tool {
        Tool::K8sRawSet => Call::K8sRawSet { specification },
        Tool::PodSpecSet => Call::PodSpecSet { specification, resources },
        _ => Call::K8sSpecSet { specification, resources },
    })
}

/// Reads the arguments of `payload-register`.
pub(super) fn parse_payload_register(mut arguments: Arguments) -> Attempt<Call> {
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(kind), Some(class), Some(id)) => {
            Ok(Call::PayloadRegister { class, id, kind, tags: arguments.positional })
        }
        (_, _, _) => Err(Failure::usage("missing required arguments")),
    }
}

/// Reads the arguments of `payload-status-set`.
pub(super) fn parse_payload_status_set(mut arguments: Arguments) -> Attempt<Call> {
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(class), Some(id), Some(status)) => {
            arguments.end()?;
            Ok(Call::PayloadStatusSet { class, id, status })
        }
        (_, _, _) => Err(Failure::usage("missing required arguments")),
    }
}

/// Reads the arguments of `payload-unregister`.
pub(super) fn parse_payload_unregister(mut arguments: Arguments) -> Attempt<Call> {
    match (arguments.next(), arguments.next()) {
        (Some(class), Some(id)) => {
            arguments.end()?;
            Ok(Call::PayloadUnregister { class, id })
        }
        (_, _) => Err(Failure::usage("missing required arguments")),
    }
}

/// Runs `add-metric`.
pub(super) fn add_metric(
    context: &mut HookContext,
    metrics: &std::collections::BTreeMap<String, String>,
    labels: &std::collections::BTreeMap<String, String>,
) -> Attempt<()> {
    if let Some(key) = metrics.keys().find(|key| key.starts_with("juju")) {
        return Err(Failure::refused(format!("{key} uses a reserved prefix")));
    }
    if context.restriction != Restriction::Metrics {
        return Err(Failure::refused("cannot record metric: metrics not allowed in this context"));
    }
    for (key, value) in metrics {
        let (key, value, labels) = (key.clone(), value.clone(), labels.clone());
        context.effects.metrics.push(Metric { key, value, labels });
    }
    Ok(())
}

/// Runs `k8s-spec-set`, `pod-spec-set` and `k8s-raw-set`, which are kept back until the hook
/// has ended.
pub(super) fn spec_set(
    state: &State,
    context: &mut HookContext,
    specification: &str,
    resources: Option<&str>,
    is_raw: bool,
) -> Attempt<()> {
    if !context.is_leader(state) {
        return Err(Failure::not_leader());
    }
    let text = match resources {
        Some(resources) => format!("{specification}\n{resources}"),
        None => specification.to_owned(),
    };
    if is_raw {
        context.raw_pod_spec = Some(text);
    } else {
        context.pod_spec = Some(text);
    }
    Ok(())
}

/// Runs `k8s-spec-get`, `pod-spec-get` and `k8s-raw-get`.
pub(super) fn spec_get(state: &State, context: &HookContext, is_raw: bool) -> Attempt<Data> {
    let application = state.application(&context.application)?;
    let spec = if is_raw { &application.raw_pod_spec } else { &application.pod_spec };
    Ok(Data::text(spec.clone().unwrap_or_default()))
}

/// Runs `payload-register`, which takes effect at once.
pub(super) fn payload_register(
    state: &mut State,
    context: &mut HookContext,
    class: &str,
    id: &str,
    kind: &str,
) -> Attempt<()> {
    match state.application(&context.application)?.payload_classes.get(class) {
        None => {
            return Err(Failure::refused(format!("payload {} not found in metadata.yaml", quoted(class))));
        }
        Some(expected) if expected != kind => {
            return Err(Failure::refused(format!(
                "incorrect type {} for payload {}, expected {}",
                quoted(kind),
                quoted(class),
                quoted(expected)
            )));
        }
        Some(_) => {}
    }
    set_payload(state, context, &format!("{class}/{id}"), Some("running"))
}

/// Runs `payload-status-set`, which takes effect at once.
pub(super) fn payload_status_set(
    state: &mut State,
    context: &mut HookContext,
    class: &str,
    id: &str,
    status: &str,
) -> Attempt<()> {
    const STATUSES: [&str; 4] = ["starting", "running", "stopping", "stopped"];
    if !STATUSES.contains(&status) {
        return Err(Failure::refused(format!(
            "status {} not supported; expected one of [\"running\", \"starting\", \"stopped\", \"stopping\"]",
            quoted(status)
        )));
    }
    let payload = format!("{class}/{id}");
    if !state.unit(&context.unit)?.payloads.contains_key(&payload) {
        return Err(Failure::refused(format!("payload {} not found", quoted(&payload))));
    }
    set_payload(state, context, &payload, Some(status))
}

/// Runs `payload-unregister`, which takes effect at once. It does nothing to what is not
/// there.
pub(super) fn payload_unregister(
    state: &mut State,
    context: &mut HookContext,
    class: &str,
    id: &str,
) -> Attempt<()> {
    set_payload(state, context, &format!("{class}/{id}"), None)
}

fn set_payload(
    state: &mut State,
    context: &mut HookContext,
    payload: &str,
    status: Option<&str>,
) -> Attempt<()> {
    let payloads = &mut state.unit_mut(&context.unit)?.payloads;
    match status {
        Some(status) => payloads.insert(payload.to_owned(), status.to_owned()),
        None => payloads.remove(payload),
    };
    let change = PayloadChange { payload: payload.to_owned(), status: status.map(str::to_owned) };
    context.effects.payloads.push(change);
    Ok(())
}
