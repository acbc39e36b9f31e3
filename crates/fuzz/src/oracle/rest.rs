//! Units that keep each other busy.

use std::collections::BTreeMap;

use charmproof_agent::state::{SecretChange, Writer, application_of};
use charmproof_lifecycle::life::Step;
use charmproof_lifecycle::stimulus::Actor;

use super::{Blame, Oracle, Suspicion, normalised};
use crate::player::{HookRecord, Played};

/// How often the same thing may change while nobody but the charms does anything.
const CHANGES_MAX: usize = 8;
/// How often more for each unit: a leader may well write down who is there as they come.
const CHANGES_FOR_UNIT: usize = 2;
/// How many of the changes are shown.
const SHOWN: usize = 6;

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    let alone = &played.hooks[played.hooks.len().saturating_sub(hooks_alone(played))..];
    let most = CHANGES_MAX + CHANGES_FOR_UNIT * played.state.units.len();
    let changes = changes(played, alone);
    let Some(((who, what), values)) = changes.into_iter().max_by_key(|(_, values)| values.len()) else {
        return;
    };
    if values.len() <= most {
        return;
    }
    seen.push(Suspicion {
        oracle: Oracle::PingPong,
        blame: Blame::Charm,
        cause: format!("{} without end", normalised(&what)),
        summary: format!("`{who}` changes {what} again and again, while nothing comes from outside"),
        details: values[values.len() - SHOWN..].join("\n"),
        hook: played.hooks.len().checked_sub(1),
    });
}

/// Returns how many hooks have run since anybody but the charms did something.
fn hooks_alone(played: &Played) -> usize {
    let is_from_outside = |step: &Step| step.by().is_some_and(|by| by != Actor::ThisCharm);
    let alone = played.steps.iter().rev().take_while(|step| !is_from_outside(step));
    alone.filter(|step| step.hook().is_some()).count()
}

/// Returns what hooks have changed: who, what, and in which hook to which value.
fn changes(played: &Played, hooks: &[HookRecord]) -> BTreeMap<(String, String), Vec<String>> {
    let mut all: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for hook in hooks {
        for change in &hook.effects.relation_changes {
            let (Writer::Unit(who) | Writer::Application(who)) = &change.writer;
            let relation = played.state.relations.get(&change.relation);
            let end = relation.and_then(|relation| relation.end_of(application_of(who)));
            let endpoint = end.map_or("a relation", |end| end.endpoint.as_str());
            for (key, value) in &change.keys {
                let what = format!("`{key}` of `{endpoint}`");
                let value = value.as_deref().unwrap_or("removed");
                all.entry((who.to_string(), what)).or_default().push(format!("{}: {value}", hook.name));
            }
        }
        for secret in &hook.effects.secrets {
            if let SecretChange::Revised { revision } = secret.change {
                let what = "the content of a secret".to_owned();
                let value = format!("{}: revision {revision} of {}", hook.name, secret.id.uri());
                all.entry((hook.unit.to_string(), what)).or_default().push(value);
            }
        }
    }
    all
}
