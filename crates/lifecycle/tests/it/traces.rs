//! Recorded traces of real units are accepted, with the warnings that are known.

use std::collections::BTreeMap;

use charmproof_lifecycle::rules::{Event, Filter, RuleId, Settings, Start, judge};
use charmproof_lifecycle::vocabulary::{Hook, JujuVersion, Marker, Outcome, Platform};
use serde_json::Value;

/// A recorded trace, as the judge takes it.
pub(crate) struct Trace {
    pub(crate) id: String,
    pub(crate) settings: Settings,
    pub(crate) events: Vec<Event>,
}

/// The peer endpoints, where the source of a trace says which they are.
const PEERS: [(&str, &[&str]); 5] = [
    ("T39", &["restart", "database-peers", "refresh-v-three"]),
    ("T40", &["prometheus-peers"]),
    ("T55", &["peer"]),
    ("T56", &["peers"]),
    ("T67", &["peers"]),
];

pub(crate) fn traces() -> Vec<Trace> {
    let text = include_str!("../data/traces.json");
    let traces: Vec<Value> = serde_json::from_str(text).expect("the traces are JSON");
    traces.iter().map(trace).collect()
}

fn trace(value: &Value) -> Trace {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let id = text("id").to_owned();
    let filter = match text("filtered") {
        "" => Filter::Nothing,
        // Its reporter kept every hook of the relation, and says that none is missing.
        "peers relation only" => Filter::OtherEndpoints,
        _ => Filter::Anything,
    };
    let peers = PEERS
        .iter()
        .find(|(of, _)| *of == id)
        .map(|(_, peers)| peers.iter().map(ToString::to_string).collect());
    let settings = Settings {
        version: JujuVersion::parse(text("juju")),
        platform: Platform::parse(text("platform")),
        start: if value["from_start"] == true { Start::Deployment } else { Start::Unknown },
        filter,
        peers,
        ..Settings::default()
    };
    let mut markers: BTreeMap<u64, Vec<Marker>> = BTreeMap::new();
    for marker in value["markers"].as_array().into_iter().flatten() {
        let before = marker[0].as_u64().expect("a marker has its place");
        markers
            .entry(before)
            .or_default()
            .extend(Marker::parse(marker[1].as_str().expect("a marker is text")));
    }
    let mut events = Vec::new();
    for (index, name) in value["events"].as_array().expect("a trace has hooks").iter().enumerate() {
        events.extend(markers.remove(&(index as u64)).into_iter().flatten().map(Event::Marker));
        let outcome = value["outcomes"][index]
            .as_str()
            .map_or(Outcome::Ok, |outcome| Outcome::parse(outcome).expect("an outcome that we know"));
        let name = name.as_str().expect("a hook is text");
        let mut hook = Hook::parse(name).expect("a hook that we know");
        hook.relation_id =
            value["rel_ids"][index].as_u64().map(|id| u32::try_from(id).expect("a small number"));
        events.push(Event::Hook { hook, outcome });
    }
    events.extend(markers.into_values().flatten().map(Event::Marker));
    Trace { id, settings, events }
}

#[test]
fn real_traces_are_accepted_with_the_known_warnings() {
    let mut said = Vec::new();
    for trace in traces() {
        for finding in judge(trace.settings, &trace.events) {
            assert!(!finding.is_breach(), "{} at {}: {finding}", trace.id, finding.position);
            said.push((trace.id.clone(), finding.rule, finding.position));
        }
    }
    // The one recovery without a failure, and the two bugs that their reporters found.
    let expected = [("T20", RuleId::R84, 44), ("T55", RuleId::R46, 0), ("T56", RuleId::R48, 0)]
        .map(|(id, rule, position)| (id.to_owned(), rule, position));
    assert_eq!(said, expected);
}

#[test]
fn traces_are_accepted_from_any_place_on() {
    // With an unknown beginning, a rule accuses only on what it has seen.
    for trace in traces().into_iter().filter(|trace| trace.settings.filter == Filter::Nothing) {
        for begin in 0..trace.events.len().min(60) {
            let settings = Settings { start: Start::Unknown, ..trace.settings.clone() };
            for finding in judge(settings, &trace.events[begin..]) {
                assert!(!finding.is_breach(), "{} from {begin} at {}: {finding}", trace.id, finding.position);
            }
        }
    }
}

#[test]
fn traces_are_accepted_without_what_they_tell_besides_names() {
    for trace in traces() {
        let names = trace.events.iter().filter_map(|event| match event {
            Event::Hook { hook, outcome } => {
                Some(Event::Hook { hook: Hook { relation_id: None, ..hook.clone() }, outcome: *outcome })
            }
            Event::Marker(_) | Event::Unknown(_) => None,
        });
        let settings = Settings { platform: None, version: None, ..trace.settings };
        for finding in judge(settings, &names.collect::<Vec<_>>()) {
            assert!(!finding.is_breach(), "{} at {}: {finding}", trace.id, finding.position);
        }
    }
}
