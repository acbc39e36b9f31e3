//! Units that never come to rest.

use std::collections::BTreeSet;

use super::{Blame, Oracle, Suspicion};
use crate::player::Played;

/// How many of the last hooks are looked at.
const LAST: usize = 20;

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    if played.came_to_rest {
        return;
    }
    let last = &played.hooks[played.hooks.len().saturating_sub(LAST)..];
    let kinds: BTreeSet<String> = last.iter().map(|hook| hook.name.clone()).collect();
    let writes = last.iter().filter(|hook| !hook.effects.relation_changes.is_empty()).count();
    let kinds: Vec<String> = kinds.into_iter().collect();
    let changes: Vec<String> = last
        .iter()
        .flat_map(|hook| {
            hook.effects
                .relation_changes
                .iter()
                .map(move |change| format!("{} in {}: {:?}", hook.unit, hook.name, change.keys))
        })
        .take(6)
        .collect();
    seen.push(Suspicion {
        oracle: Oracle::PingPong,
        blame: Blame::Charm,
        cause: format!("{} without end", kinds.join(", ")),
        summary: format!(
            "the units never come to rest: {} of the last {} hooks write to a relation",
            writes,
            last.len()
        ),
        details: changes.join("\n"),
        hook: played.hooks.len().checked_sub(1),
    });
}
