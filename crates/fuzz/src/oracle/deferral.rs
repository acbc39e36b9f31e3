//! Events that are deferred again and again.

use std::collections::BTreeMap;

use charmproof_agent::state::StatusKind;

use super::{Blame, Oracle, Suspicion, normalised};
use crate::player::Played;

/// How many hooks of a unit a deferred event may outlast.
const HOOKS_MAX: usize = 8;

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    let mut ages: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for (number, hook) in played.hooks.iter().enumerate() {
        let Some(kept) = hook.kept.as_ref().filter(|_| hook.exit.is_success()) else { continue };
        for (event, _, method) in &kept.notices {
            let age = ages.entry((hook.unit.as_str(), event, method)).or_default();
            *age += 1;
            // A charm that says that it waits may be right; one that says all is well is not.
            let says_well =
                hook.effects.statuses.iter().rev().any(|status| status.kind == StatusKind::Active);
            if *age == HOOKS_MAX && says_well {
                seen.push(Suspicion {
                    oracle: Oracle::DeferredForever,
                    blame: Blame::Charm,
                    cause: format!("{method} defers {}", normalised(event)),
                    summary: format!(
                        "`{method}` still defers its event after {HOOKS_MAX} hooks, while the unit is active"
                    ),
                    details: event.clone(),
                    hook: Some(number),
                });
            }
        }
    }
}
