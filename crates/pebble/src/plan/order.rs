//! In which order services start and stop: what must come first, and what goes on beside each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{FormatError, Service};
use crate::plan::words::quoted;

/// Services that start or stop one after the other; lanes go on beside each other.
pub(crate) type Lanes = Vec<Vec<String>>;

/// Which way services go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Start,
    Stop,
}

/// Returns the named services and all that they need (or, when stopping, all that need them), in order.
pub(crate) fn lanes(
    services: &BTreeMap<String, Service>,
    names: &[String],
    direction: Direction,
) -> Result<Lanes, FormatError> {
    let order = order(services, names, direction)?;
    Ok(into_lanes(services, &order))
}

fn missing(name: &str) -> FormatError {
    FormatError(format!("service {} does not exist", quoted(name)))
}

/// Returns the services in one order; an error names those that wait for each other.
pub(crate) fn order(
    services: &BTreeMap<String, Service>,
    names: &[String],
    direction: Direction,
) -> Result<Vec<String>, FormatError> {
    let mut chosen: BTreeSet<&str> = BTreeSet::new();
    let mut pending: VecDeque<&str> = names.iter().map(String::as_str).collect();
    while let Some(name) = pending.pop_front() {
        let service = services.get(name).ok_or_else(|| missing(name));
        if !chosen.insert(name) {
            continue;
        }
        match direction {
            Direction::Start => pending.extend(service?.requires.iter().map(String::as_str)),
            Direction::Stop => pending.extend(
                services
                    .iter()
                    .filter(|(_, other)| other.requires.iter().any(|required| required == name))
                    .map(|(other, _)| other.as_str()),
            ),
        }
    }

    let mut waits_for: BTreeMap<&str, Vec<&str>> = chosen.iter().map(|name| (*name, Vec::new())).collect();
    for name in &chosen {
        let (_, service) = services.get_key_value(*name).ok_or_else(|| missing(name))?;
        let (earlier, later) = match direction {
            Direction::Start => (&service.after, &service.before),
            Direction::Stop => (&service.before, &service.after),
        };
        for other in earlier.iter().filter(|other| chosen.contains(other.as_str())) {
            waits_for.entry(name).or_default().push(other);
        }
        for other in later {
            if let Some(waits) = waits_for.get_mut(other.as_str()) {
                waits.push(name);
            }
        }
    }
    sort(&waits_for)
}

/// How far the walk through a service's predecessors is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Done,
}

/// Sorts by depth first, with names in alphabetical order, so that each comes after what it waits for.
fn sort(waits_for: &BTreeMap<&str, Vec<&str>>) -> Result<Vec<String>, FormatError> {
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    let mut sorted = Vec::new();
    for root in waits_for.keys() {
        // An explicit stack: a layer may name thousands of services in a row.
        let mut stack: Vec<(&str, usize)> = vec![(root, 0)];
        while let Some((name, next)) = stack.pop() {
            if next == 0 && marks.contains_key(name) {
                continue;
            }
            marks.insert(name, Mark::Open);
            if let Some(other) = waits_for[name].get(next) {
                stack.push((name, next + 1));
                match marks.get(other) {
                    Some(Mark::Open) => return Err(cycle(waits_for, other)),
                    Some(Mark::Done) => {}
                    None => stack.push((other, 0)),
                }
            } else {
                marks.insert(name, Mark::Done);
                sorted.push(name.to_owned());
            }
        }
    }
    Ok(sorted)
}

/// Names all services that wait for this one and that it waits for.
fn cycle(waits_for: &BTreeMap<&str, Vec<&str>>, member: &str) -> FormatError {
    let reach = |from: &str| -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut pending = vec![from.to_owned()];
        while let Some(name) = pending.pop() {
            for next in waits_for.get(name.as_str()).into_iter().flatten() {
                if seen.insert((*next).to_owned()) {
                    pending.push((*next).to_owned());
                }
            }
        }
        seen
    };
    let names: Vec<String> = reach(member).into_iter().filter(|name| reach(name).contains(member)).collect();
    FormatError(format!("services in before/after loop: {}", names.join(", ")))
}

/// Puts services that require each other into one lane, and each other service into one of its own.
fn into_lanes(services: &BTreeMap<String, Service>, order: &[String]) -> Lanes {
    let mut lane_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut last: Option<usize> = None;
    for name in order {
        let requires = services.get(name).map(|service| service.requires.as_slice()).unwrap_or_default();
        let known = lane_of
            .get(name.as_str())
            .or_else(|| requires.iter().find_map(|required| lane_of.get(required.as_str())));
        let lane = known.copied().unwrap_or_else(|| last.map_or(0, |last| last + 1));
        lane_of.insert(name, lane);
        for required in requires {
            lane_of.insert(required, lane);
        }
        last = Some(lane);
    }
    let mut lanes: Lanes = vec![Vec::new(); lane_of.values().max().map_or(1, |most| most + 1)];
    for name in order {
        if let Some(lane) = lane_of.get(name.as_str()) {
            lanes[*lane].push(name.clone());
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(text: &str) -> BTreeMap<String, Service> {
        let mut services = BTreeMap::new();
        for line in text.split(';').map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let service: &mut Service = services.entry(words.next().unwrap().to_owned()).or_default();
            while let Some(word) = words.next() {
                let other = words.next().unwrap().to_owned();
                match word {
                    "after" => service.after.push(other),
                    "before" => service.before.push(other),
                    "requires" => service.requires.push(other),
                    other => panic!("{other}"),
                }
            }
        }
        services
    }

    fn shown(lanes: &Lanes) -> String {
        lanes.iter().map(|lane| lane.join(" ")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn services_start_after_what_they_need() {
        let check = |text: &str, names: &str, direction: Direction, expected: &str| {
            let names: Vec<String> = names.split_whitespace().map(ToString::to_string).collect();
            let said = match lanes(&plan(text), &names, direction) {
                Ok(lanes) => shown(&lanes),
                Err(error) => error.to_string(),
            };
            assert_eq!(said, expected, "{text}");
        };
        check("a; b; c", "c a", Direction::Start, "a | c");
        check("a requires b after b; b", "a", Direction::Start, "b a");
        check("a requires b after b; b", "b", Direction::Stop, "a b");
        check("a requires b after b; b", "a", Direction::Stop, "a");
        check("a before b; b", "a b", Direction::Start, "a | b");
        check("a before b; b", "b a", Direction::Stop, "b | a");
        check("a; b", "a x", Direction::Start, "service \"x\" does not exist");
        check("a; b", "a x", Direction::Stop, "service \"x\" does not exist");
        check("a requires x; b", "a", Direction::Start, "service \"x\" does not exist");
        check(
            "a after b; b after c; c after a; d",
            "a b c d",
            Direction::Start,
            "services in before/after loop: a, b, c",
        );
        check("a", "", Direction::Start, "");
    }

    proptest! {
        #[test]
        fn an_order_holds_what_was_asked_for(
            edges in proptest::collection::vec((0..6_usize, 0..6_usize, 0..3_usize), 0..12),
            asked in proptest::collection::btree_set(0..6_usize, 0..6),
        ) {
            let name = |index: usize| format!("s{index}");
            let mut services: BTreeMap<String, Service> =
                (0..6).map(|index| (name(index), Service::default())).collect();
            for (from, to, kind) in edges {
                let service = services.get_mut(&name(from)).unwrap();
                [&mut service.after, &mut service.before, &mut service.requires][kind].push(name(to));
            }
            let names: Vec<String> = asked.iter().map(|index| name(*index)).collect();
            for direction in [Direction::Start, Direction::Stop] {
                let Ok(order) = order(&services, &names, direction) else { continue };
                let at = |name: &str| order.iter().position(|other| other == name);
                for name in &names {
                    prop_assert!(at(name).is_some());
                }
                for (name, service) in &services {
                    for after in &service.after {
                        if let (Some(one), Some(other)) = (at(name), at(after)) {
                            prop_assert_eq!(one > other, direction == Direction::Start);
                        }
                    }
                }
                let mut laned: Vec<String> = into_lanes(&services, &order).concat();
                let mut sorted = order.clone();
                laned.sort();
                sorted.sort();
                prop_assert_eq!(laned, sorted);
            }
        }
    }
}
