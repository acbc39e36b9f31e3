//! Real traces, broken in small ways: the judge never fails, and its rules find them.

use std::collections::BTreeSet;

use charmproof_lifecycle::rules::{Event, RuleId, Start, judge};
use charmproof_lifecycle::vocabulary::{Hook, Marker, Outcome};

use crate::traces::{Trace, traces};

/// How many mutations are made of each trace.
const PER_TRACE: usize = 300;

/// How much of a trace is used. What comes later is the timer, for the most part.
const EVENTS_MAX: usize = 80;

/// Names that a mutation may put in. With them, rules that no trace comes near are met.
const NAMES: [&str; 22] = [
    "install",
    "start",
    "config-changed",
    "upgrade-charm",
    "stop",
    "remove",
    "update-status",
    "leader-elected",
    "leader-settings-changed",
    "leader-deposed",
    "secret-changed",
    "pre-series-upgrade",
    "data-storage-attached",
    "data-storage-detaching",
    "data-storage-detached",
    "other-relation-created",
    "other-relation-joined",
    "other-relation-departed",
    "other-relation-broken",
    "workload-pebble-ready",
    "workload-pebble-check-failed",
    "backup-action",
];

/// A generator with one number of state, the same on every machine (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % limit
    }
}

fn named(name: &str) -> Event {
    Hook::parse(name).map_or_else(Event::Unknown, Event::ran)
}

/// Breaks the trace in one place, and returns which way.
fn mutate(events: &mut Vec<Event>, random: &mut Random) {
    let at = random.below(events.len());
    match random.below(7) {
        0 => {
            let other = random.below(events.len());
            events.swap(at, other);
        }
        1 => drop(events.remove(at)),
        2 => {
            let to = random.below(events.len() + 1);
            events.insert(to, events[at].clone());
        }
        3 => {
            let name = NAMES[random.below(NAMES.len())];
            match (&mut events[at], Hook::parse(name)) {
                // A new kind in the same relation breaks the relation's course.
                (Event::Hook { hook, .. }, Ok(new))
                    if hook.relation_id.is_some() && new.kind.scope() == hook.kind.scope() =>
                {
                    hook.kind = new.kind;
                }
                (event, _) => *event = named(name),
            }
        }
        4 => events.insert(at, named(NAMES[random.below(NAMES.len())])),
        5 => {
            if let Event::Hook { outcome, .. } = &mut events[at] {
                *outcome = Outcome::Failed;
            }
        }
        _ => {
            let marker = [Marker::RebootDetected, Marker::AgentStarted, Marker::NewPod][random.below(3)];
            events.insert(at, Event::Marker(marker));
        }
    }
}

#[test]
fn broken_traces_are_rejected_and_each_rule_does_so() {
    let mut random = Random(2026);
    let (mut count, mut rejected) = (0_usize, 0_usize);
    let mut rules = BTreeSet::new();
    for Trace { settings, mut events, .. } in traces() {
        events.truncate(EVENTS_MAX);
        for _ in 0..PER_TRACE {
            let mut mutated = events.clone();
            mutate(&mut mutated, &mut random);
            if mutated.len() > 1 && random.below(4) == 0 {
                mutate(&mut mutated, &mut random);
            }
            let findings = judge(settings.clone(), &mutated);
            count += 1;
            rejected += usize::from(findings.iter().any(charmproof_lifecycle::rules::Finding::is_breach));
            let breaches = findings.iter().filter(|finding| finding.is_breach());
            rules.extend(breaches.map(|finding| finding.rule));
        }
    }
    // Swapping two timers or dropping a notice breaks nothing, so most are accepted.
    assert!(count >= 10_000 && rejected * 4 > count, "{rejected} of {count} were rejected");
    let judged: BTreeSet<RuleId> = RuleId::ALL.iter().copied().filter(|id| is_a_judged_must(*id)).collect();
    let silent: Vec<RuleId> = judged.difference(&rules).copied().collect();
    // Each of these has sequences written by hand, in `rules.rs`.
    assert_eq!(silent, WITHOUT_MATERIAL);
}

/// The rules that no mutation of these traces can break: no trace names its units.
const WITHOUT_MATERIAL: [RuleId; 1] = [RuleId::R43];

fn is_a_judged_must(id: RuleId) -> bool {
    id.rule().can_be_broken()
}

#[test]
fn any_order_of_hooks_can_be_judged() {
    let mut random = Random(7);
    for trace in traces() {
        for _ in 0..20 {
            let mut events = trace.events[..trace.events.len().min(EVENTS_MAX)].to_vec();
            for at in (1..events.len()).rev() {
                events.swap(at, random.below(at + 1));
            }
            let mut settings = trace.settings.clone();
            if random.below(2) == 0 {
                settings.start = Start::Unknown;
            }
            let findings = judge(settings, &events);
            assert!(findings.iter().all(|finding| finding.position < events.len()));
        }
    }
}
