//! Hooks that take too long.

use charmproof_agent::runner::Exit;

use super::{Blame, Oracle, Suspicion};
use crate::player::Played;

pub(super) fn look(played: &Played, budget_s: f64, seen: &mut Vec<Suspicion>) {
    for (number, hook) in played.hooks.iter().enumerate() {
        let is_over = hook.exit == Exit::TimedOut || hook.wall_us as f64 > budget_s * 1e6;
        if is_over {
            seen.push(Suspicion {
                oracle: Oracle::SlowHook,
                blame: Blame::Charm,
                cause: format!("{} takes too long", hook.hook.kind.pattern()),
                summary: format!("`{}` takes longer than {budget_s} s", hook.name),
                details: hook.output.clone(),
                hook: Some(number),
            });
        }
    }
}
