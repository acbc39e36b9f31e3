//! Real traces and generated lives, broken in small ways: the judge never fails, and each
//! of its rules finds some.

use std::collections::BTreeSet;

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::rules::{Event, Finding, RuleId, Settings, Start, judge};
use charmproof_lifecycle::vocabulary::{Hook, Marker, Outcome, Remote};

use crate::lives::profiles;
use crate::told_lives::{plans, told};
use crate::traces::{Trace, traces};

/// How many mutations are made of each trace, and of each unit of a generated life.
const PER_TRACE: usize = 200;
const PER_LIFE: usize = 40;

/// How many lives of each profile and plan are broken.
const SEEDS: u64 = 8;

/// How much of a sequence is used. What comes later in a trace is the timer, for the most
/// part.
const EVENTS_MAX: usize = 80;

/// Names that a mutation may put in. With them, rules that no sequence comes near are met.
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

    fn one_of<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }
}

fn named(name: &str) -> Event {
    Hook::parse(name).map_or_else(Event::Unknown, Event::ran)
}

/// Breaks a sequence in one place, in one of ten ways.
fn mutate(events: &mut Vec<Event>, random: &mut Random) {
    let at = random.below(events.len());
    let other = random.below(events.len());
    match random.below(10) {
        0 => events.swap(at, other),
        1 => {
            let next = (at + 1) % events.len();
            events.swap(at, next);
        }
        2 => drop(events.remove(at)),
        3 => {
            let to = random.below(events.len() + 1);
            events.insert(to, events[at].clone());
        }
        4 => rename(&mut events[at], random),
        5 => events.insert(at, named(random.one_of(&NAMES))),
        6 => {
            if let Event::Hook { outcome, .. } = &mut events[at] {
                *outcome = random.one_of(&[Outcome::Ok, Outcome::Failed, Outcome::Terminated]);
            }
        }
        7 => {
            let marker = random.one_of(&[
                Marker::RebootDetected,
                Marker::AgentStarted,
                Marker::AgentStopping,
                Marker::NewPod,
                Marker::ResolvedWithoutRetry,
                Marker::UnitRemoved,
            ]);
            events.insert(at, Event::Marker(marker));
        }
        _ => {
            let from = events[other].clone();
            if let (Event::Hook { hook, .. }, Event::Hook { hook: from, .. }) = (&mut events[at], from) {
                alter(hook, &from, random);
            }
        }
    }
}

/// Puts another name where a hook was.
fn rename(event: &mut Event, random: &mut Random) {
    let name = random.one_of(&NAMES);
    match (event, Hook::parse(name)) {
        // A new kind in the same relation or storage breaks its course.
        (Event::Hook { hook, .. }, Ok(new)) if new.kind.scope() == hook.kind.scope() => hook.kind = new.kind,
        (event, _) => *event = named(name),
    }
}

/// Changes one of the things that a hook is about, to what another hook has or nobody has.
fn alter(hook: &mut Hook, from: &Hook, random: &mut Random) {
    match random.below(7) {
        0 => hook.relation_id = from.relation_id.or(Some(99)),
        1 => hook.remote = from.remote.clone(),
        2 => hook.remote = Remote::Unit("db-a/99".into()),
        3 => hook.departing_unit = from.departing_unit.clone().or(Some("nobody/0".into())),
        4 => hook.storage_id = from.storage_id.clone().or(Some("data/99".into())),
        5 => hook.subject = from.subject.clone().or(Some("juju-info".into())),
        _ => {
            hook.secret_id.clone_from(&from.secret_id);
            hook.check.clone_from(&from.check);
        }
    }
}

/// What became of the mutations.
#[derive(Default)]
struct Tally {
    count: usize,
    rejected: usize,
    rules: BTreeSet<RuleId>,
}

impl Tally {
    /// Breaks a sequence many times and judges what comes out.
    fn breaks(&mut self, settings: &Settings, events: &[Event], times: usize, random: &mut Random) {
        for _ in 0..times {
            let mut mutated = events[..events.len().min(EVENTS_MAX)].to_vec();
            mutate(&mut mutated, random);
            if mutated.len() > 1 && random.below(4) == 0 {
                mutate(&mut mutated, random);
            }
            let findings = judge(settings.clone(), &mutated);
            self.count += 1;
            self.rejected += usize::from(findings.iter().any(Finding::is_breach));
            let breaches = findings.iter().filter(|finding| finding.is_breach());
            self.rules.extend(breaches.map(|finding| finding.rule));
        }
    }
}

#[test]
fn broken_sequences_are_rejected_and_each_rule_does_so() {
    let mut random = Random(2026);
    let mut tally = Tally::default();
    for Trace { settings, events, .. } in traces() {
        tally.breaks(&settings, &events, PER_TRACE, &mut random);
    }
    let of_traces = tally.count;
    for profile in profiles() {
        for plan in plans(profile) {
            for seed in 0..SEEDS {
                let steps = generate(&Plan { stimuli: 25, ..plan.clone() }, seed);
                for (settings, events) in told(profile, &plan, &steps) {
                    tally.breaks(&settings, &events, PER_LIFE, &mut random);
                }
            }
        }
    }
    let Tally { count, rejected, rules } = tally;
    // Swapping two timers or dropping a notice breaks nothing, so many are accepted.
    assert!(of_traces > 8_000 && count > 20_000, "{of_traces} of traces, {count} of all");
    assert!(rejected * 4 > count, "{rejected} of {count} were rejected");
    let silent: Vec<RuleId> =
        RuleId::ALL.iter().copied().filter(|id| id.rule().can_be_broken() && !rules.contains(id)).collect();
    assert_eq!(silent, [], "no mutation is rejected by these");
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
            assert!(findings.iter().all(|finding| finding.since <= Some(finding.position)));
        }
    }
}
