//! Two lives in which the same things happen in another order, and how they end.

use std::collections::BTreeMap;

use charmproof_agent::state::{Relation, State, application_of};
use serde_json::{Value, json};

use crate::oracle::{Blame, Oracle, Suspicion};
use crate::player::Played;

/// What Juju writes for a unit by itself.
pub(crate) const JUJUS_OWN_KEYS: [&str; 3] = ["egress-subnets", "ingress-address", "private-address"];

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
            if !is_modelled(name) || !is_read(relation, application_of(name)) {
                continue;
            }
            let written: BTreeMap<&String, String> = data
                .iter()
                .filter(|(key, _)| !JUJUS_OWN_KEYS.contains(&key.as_str()))
                .map(|(key, value)| (key, without_chance(value)))
                .collect();
            let endpoint = relation.end_of(application_of(name)).map_or("", |end| end.endpoint.as_str());
            all.insert(
                ("relation data".to_owned(), format!("{name} in {endpoint}:{}", relation.id)),
                json!(written),
            );
        }
    }
    all
}

/// Whether somebody at the other end can read what an application or its units write. Libraries
/// that wait for a reader with their writing are right to.
fn is_read(relation: &Relation, writer: &str) -> bool {
    relation.is_peer() || relation.in_scope.iter().any(|unit| application_of(unit) != writer)
}

/// How long a word may be that nobody drew by lot.
const WORD_MAX: usize = 15;

/// Returns a text without what is drawn by lot: keys, requests and certificates in PEM, and long
/// words of letters and digits, such as passwords and ids. Another order draws other lots.
fn without_chance(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, block)) = rest.split_once("-----BEGIN ") {
        kept.push_str(before);
        kept.push('…');
        let end = block.split_once("-----END ").and_then(|(_, after)| after.split_once("-----"));
        rest = end.map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    let mut result = String::with_capacity(kept.len());
    let is_of_word = |character: char| character.is_ascii_alphanumeric() || "-_+/=".contains(character);
    let mut rest = kept.as_str();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|character| is_of_word(character) != is_of_word(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        let is_drawn = is_of_word(first)
            && run.len() > WORD_MAX
            && run.contains(|character: char| character.is_ascii_digit())
            && run.contains(|character: char| character.is_ascii_alphabetic());
        result.push_str(if is_drawn { "…" } else { run });
        rest = after;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_by_lot_is_left_out() {
        let check = |text: &str, expected: &str| assert_eq!(without_chance(text), expected, "{text}");
        check("http://10.0.0.1:8080/path", "http://10.0.0.1:8080/path");
        check("859af301-fba8-44e3-8b16-e665bcb5a6ca", "…");
        check(
            r#"[{"csr": "-----BEGIN CERTIFICATE REQUEST-----\nMIIC\n-----END CERTIFICATE REQUEST-----"}]"#,
            r#"[{"csr": "…"}]"#,
        );
        check("-----BEGIN CERTIFICATE-----\nhalf", "…");
        check("a-long-name-without-numbers", "a-long-name-without-numbers");
        check("ünïcode", "ünïcode");
        check("", "");
    }
}
