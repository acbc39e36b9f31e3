//! `relation-ids`, `relation-list`, `relation-get`, `relation-set`, `relation-model-get`.

use std::collections::BTreeMap;

use super::call::Call;
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::output::Data;
use super::view::View;
use crate::state::{
    Databag, EndpointRole, HookContext, Relation, RelationEnds, State, application_of, is_application_name,
    is_unit_name,
};

/// Reads the arguments of `relation-ids`.
pub(super) fn parse_ids(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let of_hook = || view.hook_relation().map(|_| view.context.hook.subject().to_owned());
    let endpoint =
        arguments.next().or_else(of_hook).ok_or_else(|| Failure::usage("no endpoint name specified"))?;
    arguments.end()?;
    Ok(Call::RelationIds { endpoint })
}

/// Reads the arguments of `relation-list`.
pub(super) fn parse_list(arguments: &Arguments, view: View<'_>) -> Attempt<Call> {
    let relation = view.needed_relation(arguments)?;
    arguments.end()?;
    Ok(Call::RelationList { relation, is_application: arguments.is_on("app") })
}

/// Reads the arguments of `relation-model-get`.
pub(super) fn parse_model_get(arguments: &Arguments, view: View<'_>) -> Attempt<Call> {
    let relation = view.needed_relation(arguments)?;
    arguments.end()?;
    Ok(Call::RelationModelGet { relation })
}

/// Reads the arguments of `relation-set`.
pub(super) fn parse_set(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let relation = view.needed_relation(&arguments)?;
    let settings = view.settings(&mut arguments)?;
    Ok(Call::RelationSet { relation, is_application: arguments.is_on("app"), settings })
}

/// Reads the arguments of `relation-get`. Whose data is meant is said, or follows from the
/// hook: its remote unit, or its remote application where the hook is about no unit.
pub(super) fn parse_get(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let relation = view.needed_relation(&arguments)?;
    let key = arguments.next().filter(|key| key != "-" && !key.is_empty());
    let wants_application = arguments.is_on("app");
    let remote_application = view.context.hook.remote_app.as_ref().filter(|_| view.hook_relation().is_some());
    let (of, is_application) = match arguments.next() {
        Some(named) if wants_application && is_unit_name(&named) => (application_of(&named).to_owned(), true),
        Some(named) if !wants_application && is_application_name(&named) => {
            return Err(Failure::usage(format!(
                "expected unit name, got application name {}",
                quoted(&named)
            )));
        }
        Some(named) => (named, wants_application),
        None => match (view.context.remote_unit(), remote_application) {
            (Some(unit), _) if !wants_application => (unit.to_string(), false),
            (_, Some(application)) => (application.to_string(), true),
            (Some(unit), None) => (application_of(unit).to_owned(), true),
            (None, None) => return Err(Failure::usage("no unit or application specified")),
        },
    };
    arguments.end()?;
    Ok(Call::RelationGet { relation, of, is_application, key })
}

/// Runs `relation-ids`. They are in the order of text, so `db:10` comes before `db:9`.
pub(super) fn ids(state: &State, context: &HookContext, endpoint: &str) -> Data {
    let mut ids: Vec<String> = state
        .relations
        .values()
        .filter(|relation| context.has_relation(state, relation.id))
        .filter_map(|relation| relation.end_of(&context.application).map(|end| (relation, end)))
        .filter(|(_, end)| end.endpoint == endpoint)
        .map(|(relation, end)| format!("{}:{}", end.endpoint, relation.id))
        .collect();
    ids.sort();
    Data::texts(ids)
}

/// Runs `relation-list`.
pub(super) fn list(state: &State, context: &HookContext, id: u32, is_application: bool) -> Attempt<Data> {
    let relation = state.relation(id)?;
    if is_application {
        let remote = relation.remote_application(&context.application);
        return Ok(Data::text(remote.map(ToString::to_string).unwrap_or_default()));
    }
    let members = context.members.get(&id).into_iter().flatten();
    Ok(Data::texts(members.map(ToString::to_string)))
}

/// Runs `relation-model-get`.
pub(super) fn model_get(state: &State, id: u32) -> Attempt<Data> {
    let uuid = state.relation(id)?.remote_model_uuid.as_ref().unwrap_or(&state.model.uuid);
    Ok(Data::map([("uuid", Data::text(uuid.clone()))]))
}

/// Runs `relation-get`.
pub(super) fn get(
    state: &State,
    context: &HookContext,
    id: u32,
    of: &str,
    is_application: bool,
    key: Option<&str>,
) -> Attempt<Data> {
    let relation = state.relation(id)?;
    let databag = if is_application {
        application_data(state, context, relation, of)?
    } else {
        unit_data(state, context, relation, of)?
    };
    Ok(match key {
        None => Data::text_map(&databag),
        Some(key) => databag.get(key).map_or(Data::Null, |value| Data::text(value.clone())),
    })
}

fn unit_data(state: &State, context: &HookContext, relation: &Relation, unit: &str) -> Attempt<Databag> {
    if context.unit == unit {
        let committed = relation.unit_data.get(unit);
        return Ok(with_pending(committed, context.unit_data.get(&relation.id)));
    }
    // The controller shows a unit only what is at the other end.
    let remote = relation.remote_application(&context.application);
    if remote.is_none_or(|remote| remote != application_of(unit)) {
        return Err(Failure::refused("permission denied"));
    }
    relation.unit_data.get(unit).cloned().ok_or_else(|| {
        Failure::refused(format!(
            "cannot read settings for unit {} in relation {}: settings not found",
            quoted(unit),
            quoted(&relation_key(state, relation))
        ))
    })
}

fn application_data(
    state: &State,
    context: &HookContext,
    relation: &Relation,
    application: &str,
) -> Attempt<Databag> {
    let committed = relation.application_data.get(application);
    if context.application == application {
        if context.is_leader(state) {
            return Ok(with_pending(committed, context.application_data.get(&relation.id)));
        }
        // Between peers, the other units read what their leader wrote.
        if !relation.is_peer() {
            return Err(Failure::refused("permission denied"));
        }
    } else if relation.remote_application(&context.application).is_none_or(|remote| remote != application) {
        return Err(Failure::refused("permission denied"));
    }
    Ok(committed.cloned().unwrap_or_default())
}

fn with_pending(committed: Option<&Databag>, pending: Option<&Databag>) -> Databag {
    let mut databag = committed.cloned().unwrap_or_default();
    for (key, value) in pending.into_iter().flatten() {
        if value.is_empty() {
            databag.remove(key);
        } else {
            databag.insert(key.clone(), value.clone());
        }
    }
    databag
}

/// Returns the name that Juju has for a relation: `web:db mysql:server`, the side that
/// requires first.
pub(super) fn relation_key(state: &State, relation: &Relation) -> String {
    let show = |end: &crate::state::RelationEnd| format!("{}:{}", end.application, end.endpoint);
    match &relation.ends {
        RelationEnds::Peer(end) => show(end),
        RelationEnds::Between(one, other) => {
            let role = |end: &crate::state::RelationEnd| {
                let application = state.applications.get(&end.application)?;
                Some(application.endpoints.get(&end.endpoint)?.role)
            };
            let is_swapped =
                role(one) == Some(EndpointRole::Provides) || role(other) == Some(EndpointRole::Requires);
            let (first, second) = if is_swapped { (other, one) } else { (one, other) };
            format!("{} {}", show(first), show(second))
        }
    }
}

/// Runs `relation-set`. What is written is kept back until the hook has ended.
pub(super) fn set(
    state: &State,
    context: &mut HookContext,
    id: u32,
    is_application: bool,
    settings: &BTreeMap<String, String>,
) -> Attempt<()> {
    state.relation(id)?;
    if is_application && !context.is_leader(state) {
        return Err(Failure::refused("cannot write relation settings"));
    }
    let pending = if is_application { &mut context.application_data } else { &mut context.unit_data };
    let pending = pending.entry(id).or_default();
    for (key, value) in settings {
        pending.insert(key.clone(), value.clone());
    }
    Ok(())
}
