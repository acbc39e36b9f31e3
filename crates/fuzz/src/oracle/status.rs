//! Units that say they are busy when they have nothing to do.

use charmproof_agent::state::StatusKind;
use charmproof_lifecycle::vocabulary::HookKind;

use super::{Blame, Oracle, Suspicion, normalised};
use crate::player::Played;

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    // What the place could not do may be what the charm waits for.
    if played.has_unanswered || !played.came_to_rest {
        return;
    }
    for unit in played.state.units.values().filter(|unit| !unit.is_dying) {
        let hooks: Vec<usize> =
            (0..played.hooks.len()).filter(|number| played.hooks[*number].unit == unit.name).collect();
        let is_well = hooks.iter().all(|number| played.hooks[*number].exit.is_success());
        // The timer is the last chance to notice that all is well.
        let last =
            hooks.last().copied().filter(|number| played.hooks[*number].hook.kind == HookKind::UpdateStatus);
        let (Some(last), true) = (last, is_well) else { continue };
        let is_busy = unit.status.kind == StatusKind::Maintenance;
        if is_busy {
            seen.push(Suspicion {
                oracle: Oracle::UnsettledStatus,
                blame: Blame::Charm,
                cause: format!("maintenance: {}", normalised(&unit.status.message)),
                summary: format!("the unit is idle and stays in maintenance: {}", unit.status.message),
                details: String::new(),
                hook: Some(last),
            });
        }
    }
}
