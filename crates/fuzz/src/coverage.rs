//! What lives have reached of the rules of the lifecycle.
//!
//! A rule bears on a life if a small change of the life would break it: a hook less, a hook twice,
//! two hooks in another order. Lives in which no two kinds of hooks follow each other that did not
//! follow each other before are not looked at, as they could say little that is new.

use std::collections::BTreeSet;

use charmproof_lifecycle::life::{Happening, Stage, Step};
use charmproof_lifecycle::rules::{Event, Judgement, RuleId, Settings, Start, judge};
use charmproof_lifecycle::vocabulary::{HookKind, Name};
use charmproof_lifecycle::world::Role;

/// How many hooks and markers of a unit are looked at, from its first.
const EVENTS_MAX: usize = 80;

/// The rules that bear on lives, as far as those were looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct RulesReached {
    pub(crate) rules: BTreeSet<RuleId>,
    pairs: BTreeSet<(HookKind, HookKind)>,
}

impl RulesReached {
    /// Looks at a life, if it has anything new.
    pub(crate) fn look(&mut self, stage: &Stage, steps: &[Step]) {
        let units: BTreeSet<&Name> = steps.iter().filter_map(Step::hook).map(|(unit, ..)| unit).collect();
        for unit in units {
            let events = events(unit, steps);
            if self.has_new_pair(&events) {
                self.rules.extend(bearing(&settings(stage, unit), &events));
            }
        }
    }

    fn has_new_pair(&mut self, events: &[Event]) -> bool {
        let kinds = events.iter().filter_map(|event| match event {
            Event::Hook { hook, .. } => Some(hook.kind),
            Event::Marker(_) | Event::Unknown(_) => None,
        });
        let kinds: Vec<HookKind> = kinds.collect();
        let before = self.pairs.len();
        self.pairs.extend(kinds.windows(2).map(|pair| (pair[0], pair[1])));
        self.pairs.len() > before
    }
}

/// Returns the rules that hold on a stage and that a sequence of hooks can show a breach of.
pub fn rules_of(stage: &Stage) -> Vec<RuleId> {
    let holds = |id: &&RuleId| {
        let rule = id.rule();
        let is_seen = match rule.judgement {
            Judgement::Watched | Judgement::Partly(_) | Judgement::WarnsOnly(_) => true,
            Judgement::Allows | Judgement::Unseen(_) => false,
        };
        is_seen
            && rule.platform.is_none_or(|platform| platform == stage.profile.platform)
            && rule.since.is_none_or(|since| since <= stage.profile.version)
            && rule.until.is_none_or(|until| until >= stage.profile.version)
    };
    RuleId::ALL.iter().filter(holds).copied().collect()
}

fn settings(stage: &Stage, unit: &Name) -> Settings {
    let application = unit.split('/').next().unwrap_or_default();
    let deployed = stage.deployments.iter().find(|deployment| deployment.application == application);
    let endpoints = deployed.iter().flat_map(|deployment| deployment.charm.endpoints.iter());
    let peers = endpoints.filter(|endpoint| endpoint.role == Role::Peer);
    Settings {
        version: Some(stage.profile.version),
        platform: Some(stage.profile.platform),
        start: Start::Deployment,
        unit: Some(unit.to_string()),
        peers: Some(peers.map(|endpoint| endpoint.name.to_string()).collect()),
        ..Settings::default()
    }
}

fn events(unit: &Name, steps: &[Step]) -> Vec<Event> {
    let events = steps.iter().filter_map(|step| match &step.what {
        Happening::Stimulus { .. } | Happening::Begin { .. } => None,
        Happening::Hook { unit: of, hook, outcome, .. } => {
            (of == unit).then(|| Event::Hook { hook: hook.clone(), outcome: *outcome })
        }
        Happening::Marker { unit: of, marker } => (of == unit).then_some(Event::Marker(*marker)),
    });
    events.take(EVENTS_MAX).collect()
}

/// Returns the rules that small changes of a sequence break.
fn bearing(settings: &Settings, events: &[Event]) -> BTreeSet<RuleId> {
    let mut broken = BTreeSet::new();
    for place in 0..events.len() {
        let mut less = events.to_vec();
        let taken = less.remove(place);
        let mut twice = events.to_vec();
        twice.insert(place, taken);
        let mut swapped = events.to_vec();
        swapped.swap(place, (place + 1) % events.len());
        for changed in [less, twice, swapped] {
            broken.extend(judge(settings.clone(), &changed).into_iter().map(|finding| finding.rule));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use charmproof_lifecycle::generator::{Plan, generate};
    use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
    use charmproof_lifecycle::world::{Charm, Profile};

    use super::*;

    #[test]
    fn rules_bear_on_lives_and_more_lives_reach_more() {
        let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Machine };
        let charm = Charm::default().with_endpoint(Role::Requires, "db").with_endpoint(Role::Peer, "peers");
        let plan = Plan::new(Stage::new(profile, "app", charm));
        let mut reached = RulesReached::default();
        reached.look(&plan.stage, &generate(&plan, 1));
        let first = reached.rules.clone();
        assert!(first.contains(&RuleId::R01) && first.contains(&RuleId::R10), "{first:?}");
        for seed in 2..20 {
            reached.look(&plan.stage, &generate(&plan, seed));
        }
        assert!(reached.rules.len() > first.len() && reached.rules.is_superset(&first));
        let all = rules_of(&plan.stage);
        let strange: Vec<_> = reached.rules.iter().filter(|rule| !all.contains(rule)).collect();
        assert!(strange.is_empty(), "{strange:?}");
    }

    #[test]
    fn rules_of_another_platform_do_not_count() {
        let of = |platform| {
            rules_of(&Stage::new(Profile { version: JujuVersion::V3_6, platform }, "app", Charm::default()))
        };
        let (machine, kubernetes) = (of(Platform::Machine), of(Platform::Kubernetes));
        assert!(machine.contains(&RuleId::R20) && !kubernetes.contains(&RuleId::R20));
        assert!(!machine.contains(&RuleId::R21) && kubernetes.contains(&RuleId::R21));
    }
}
