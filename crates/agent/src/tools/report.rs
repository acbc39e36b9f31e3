//! What a charm tells of itself and asks about the model: `juju-log`, `juju-reboot`,
//! `application-version-set`, `resource-get`, `goal-state`, `credential-get`.

use jiff::Timestamp;

use super::call::Call;
use super::failure::{Attempt, Failure};
use super::flags::Arguments;
use super::output::Data;
use crate::state::{HookContext, LogLine, Reboot, Relation, State, Status, application_of};

/// The levels that Juju has; it takes them in capitals and in small letters.
const LEVELS: [&str; 7] = ["UNSPECIFIED", "TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// Reads the arguments of `juju-log`.
pub(super) fn parse_log(arguments: &Arguments) -> Attempt<Call> {
    if arguments.positional.is_empty() {
        return Err(Failure::usage("no message specified"));
    }
    let level = if arguments.is_on("debug") { "DEBUG" } else { arguments.value("l").unwrap_or("INFO") };
    Ok(Call::JujuLog { level: level.to_owned(), message: arguments.positional.join(" ") })
}

/// Reads the arguments of `juju-reboot`.
pub(super) fn parse_reboot(arguments: &Arguments) -> Attempt<Call> {
    arguments.end()?;
    Ok(Call::JujuReboot { is_now: arguments.is_on("now") })
}

/// Reads the arguments of `application-version-set`.
pub(super) fn parse_version_set(mut arguments: Arguments) -> Attempt<Call> {
    let version = arguments.next().ok_or_else(|| Failure::usage("no version specified"))?;
    arguments.end()?;
    Ok(Call::ApplicationVersionSet { version })
}

/// Reads the arguments of `resource-get`.
pub(super) fn parse_resource_get(mut arguments: Arguments) -> Attempt<Call> {
    let name = arguments.next().ok_or_else(|| Failure::usage("missing required resource name"))?;
    if name.is_empty() {
        return Err(Failure::usage("resource name must not be empty"));
    }
    arguments.end()?;
    Ok(Call::ResourceGet { name })
}

/// Runs `juju-log`, which takes effect at once. A level that there is none of becomes INFO,
/// and a warning says so.
pub(super) fn log(context: &mut HookContext, level: &str, message: &str) {
    let upper = level.to_ascii_uppercase();
    let level = if level.is_empty() {
        "INFO".to_owned()
    } else if upper == "WARN" {
        "WARNING".to_owned()
    } else if LEVELS.contains(&upper.as_str()) {
        upper
    } else {
        let text = format!("Specified log level of {} is not valid", super::failure::quoted(level));
        context.effects.log.push(LogLine { level: "WARNING".to_owned(), text });
        "INFO".to_owned()
    };
    context.effects.log.push(LogLine { level, text: message.to_owned() });
}

/// Runs `juju-reboot`. The wish is granted when the hook has ended well, or at once.
pub(super) fn reboot(context: &mut HookContext, is_now: bool) -> Attempt<()> {
    if context.action.is_some() {
        return Err(Failure::refused("juju-reboot is not supported when running an action."));
    }
    // Whoever has asked for it at once does not go on.
    if context.reboot != Some(Reboot::Now) {
        context.reboot = Some(if is_now { Reboot::Now } else { Reboot::Later });
    }
    Ok(())
}

/// Runs `application-version-set`, which takes effect at once.
pub(super) fn version_set(state: &mut State, context: &mut HookContext, version: &str) -> Attempt<()> {
    version.clone_into(&mut state.unit_mut(&context.unit)?.workload_version);
    context.effects.workload_version = Some(version.to_owned());
    Ok(())
}

/// Runs `resource-get`.
pub(super) fn resource_get(state: &State, context: &HookContext, name: &str) -> Attempt<String> {
    match state.application(&context.application)?.resources.get(name) {
        Some(Some(path)) => Ok(path.to_string()),
        Some(None) | None => Err(Failure::refused(format!(
            "could not download resource: HTTP request failed: Get \
             https://localhost:17070/model/{}/units/{}/resources/{name}: resource#{}/{name} not found",
            state.model.uuid, context.unit, context.application
        ))),
    }
}

/// Runs `goal-state`: the units that there are to be, and those at the other ends.
pub(super) fn goal_state(state: &State, context: &HookContext) -> Data {
    let units = state
        .units_of(&context.application)
        .filter(|unit| !unit.is_dying)
        .map(|unit| (unit.name.to_string(), goal(&unit.shown_status(), None)));
    let mut relations: Vec<(String, Vec<(String, Data)>)> = Vec::new();
    for relation in state.relations.values().filter(|relation| !relation.is_dying && !relation.is_peer()) {
        let Some(end) = relation.end_of(&context.application) else { continue };
        let entries = goals_of(state, context, relation);
        match relations.iter_mut().find(|(endpoint, _)| end.endpoint == *endpoint) {
            Some((_, known)) => known.extend(entries),
            None => relations.push((end.endpoint.to_string(), entries)),
        }
    }
    relations.sort_by(|one, other| one.0.cmp(&other.0));
    let relations = relations.into_iter().map(|(endpoint, mut entries)| {
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        (endpoint, Data::map(entries))
    });
    Data::map([("units", Data::map(units)), ("relations", Data::map(relations))])
}

fn goals_of(state: &State, context: &HookContext, relation: &Relation) -> Vec<(String, Data)> {
    let Some(remote) = relation.remote_application(&context.application) else { return Vec::new() };
    let joined = Status::new(crate::state::StatusKind::Active, "", state.now);
    let mut entries = vec![(remote.to_string(), goal(&joined, Some("joined")))];
    let is_remote = |unit: &str| application_of(unit) == remote.as_str();
    let modelled = state.units_of(remote).filter(|unit| !unit.is_dying);
    entries.extend(modelled.map(|unit| (unit.name.to_string(), goal(&unit.shown_status(), None))));
    // Of units outside the model, only that they are there is known.
    let outside =
        relation.in_scope.iter().filter(|unit| is_remote(unit) && !state.units.contains_key(unit.as_str()));
    entries.extend(outside.map(|unit| (unit.to_string(), goal(&joined, None))));
    entries
}

fn goal(status: &Status, word: Option<&str>) -> Data {
    let word = word.unwrap_or(status.kind.name());
    Data::map([("status", Data::text(word)), ("since", Data::text(since(status.since)))])
}

/// Juju writes times here with a space and without fractions.
fn since(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Runs `credential-get`. Only an application that the user trusts is told.
pub(super) fn credential_get(state: &State, context: &HookContext) -> Attempt<Data> {
    let refused = |reason: &str| Failure::refused(format!("cannot access cloud credentials: {reason}"));
    let is_kubernetes = match state.juju.platform {
        charmproof_lifecycle::vocabulary::Platform::Kubernetes => true,
        charmproof_lifecycle::vocabulary::Platform::Machine => false,
    };
    // Before 3.6.10, a model on Kubernetes told nobody.
    if is_kubernetes && !state.juju.is_at_least(3, 6, 10) {
        return Err(refused("credential-get on a \"caas\" model not supported"));
    }
    if !state.application(&context.application)?.is_trusted {
        return Err(refused("permission denied"));
    }
    let credential = state.credential.as_ref().ok_or_else(|| refused("credential not found"))?;
    let mut entries = vec![
        ("type", Data::text(credential.cloud_type.clone())),
        ("name", Data::text(credential.name.clone())),
    ];
    let optional = [("region", &credential.region), ("endpoint", &credential.endpoint)];
    entries.extend(
        optional
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key, Data::text(text.clone()))),
    );
    entries.push((
        "credential",
        Data::map([
            ("auth-type", Data::text(credential.auth_type.clone())),
            ("attrs", Data::text_map(&credential.attributes)),
        ]),
    ));
    Ok(Data::map(entries))
}
