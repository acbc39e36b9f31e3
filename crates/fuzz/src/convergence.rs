//! Two lives in which the same things happen in another order, and how they end.

use std::collections::BTreeMap;

use charmproof_agent::state::{State, application_of};
use serde_json::{Value, json};

use crate::oracle::{Blame, Oracle, Suspicion};
use crate::player::Played;

/// What Juju writes for a unit by itself.
const JUJUS_OWN_KEYS: [&str; 3] = ["egress-subnets", "ingress-address", "private-address"];

/// Returns what differs at the end of two lives.
pub fn compare(hasty: &Played, calm: &Played) -> Vec<Suspicion> {
    let is_judged = |played: &Played| {
        played.trouble.is_none()
            && played.came_to_rest
            && !played.has_unanswered
            && played.hooks.iter().all(|hook| hook.exit.is_success())
    };
    if !is_judged(hasty) || !is_judged(calm) {
        return Vec::new();
    }
    let (one, other) = (observable(&hasty.state), observable(&calm.state));
    let mut found = Vec::new();
    for (what, value) in &one {
        let there = other.get(what).unwrap_or(&Value::Null);
        if value != there {
            found.push(suspicion(what, value, there));
        }
    }
    for (what, value) in other.iter().filter(|(what, _)| !one.contains_key(*what)) {
        found.push(suspicion(what, &Value::Null, value));
    }
    found
}

fn suspicion(what: &(String, String), hasty: &Value, calm: &Value) -> Suspicion {
    let (kind, name) = what;
    Suspicion {
        oracle: Oracle::Convergence,
        blame: Blame::Charm,
        cause: format!("{kind} depends on the order"),
        summary: format!("the {kind} of `{name}` depends on the order in which things happen"),
        details: format!("at once:          {hasty}\none after another: {calm}"),
        hook: None,
    }
}

/// Returns what can be seen of a model from outside, by kind and name.
pub fn observable(state: &State) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    for unit in state.units.values() {
        let name = unit.name.to_string();
        let status: &str = unit.status.kind.into();
        all.insert(("status".to_owned(), name.clone()), json!([status, unit.status.message]));
        all.insert(("open ports".to_owned(), name.clone()), json!(unit.ports));
        all.insert(("workload version".to_owned(), name), json!(unit.workload_version));
    }
    for application in state.applications.values().filter(|application| !application.is_outside) {
        if let Some(status) = &application.status {
            let kind: &str = status.kind.into();
            all.insert(
                ("application status".to_owned(), application.name.to_string()),
                json!([kind, status.message]),
            );
        }
    }
    for relation in state.relations.values() {
        let is_modelled =
            |name: &str| state.applications.get(application_of(name)).is_some_and(|known| !known.is_outside);
        for (name, data) in relation.unit_data.iter().chain(&relation.application_data) {
            if !is_modelled(name) {
                continue;
            }
            let written: BTreeMap<&String, &String> =
                data.iter().filter(|(key, _)| !JUJUS_OWN_KEYS.contains(&key.as_str())).collect();
            let endpoint = relation.end_of(application_of(name)).map_or("", |end| end.endpoint.as_str());
            all.insert(
                ("relation data".to_owned(), format!("{name} in {endpoint}:{}", relation.id)),
                json!(written),
            );
        }
    }
    all
}
