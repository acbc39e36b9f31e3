//! Sees a suspicion again, makes its life small, and sees that cold.

use charmproof_agent::runner::Mode;
use charmproof_lifecycle::life::{self, Step};
use charmproof_lifecycle::reducer::reduce;

use super::{Confirmation, Ensemble, Finding, Life, Settings, is_of_charm, two_orders};
use crate::oracle::{self, Oracle, Suspicion};
use crate::player::Played;

/// How many hooks may run to make a life small, in all that is tried. Counted, and not timed, so
/// that the same seed ends with the same life everywhere.
const HOOKS_MAX: usize = 8000;

/// Returns the finding that a suspicion turns out to be; `None` if it does not show again.
pub(super) fn confirm(
    ensemble: &mut Ensemble,
    settings: &Settings,
    life: &Life,
    suspicion: &Suspicion,
    is_small: bool,
) -> Option<Finding> {
    let mut view = View { ensemble, settings, seed: life.seed, suspicion, hooks_left: HOOKS_MAX };
    if suspicion.oracle == Oracle::Convergence {
        return view.orders(life, is_small);
    }
    let forked = view.shows(&life.script, Mode::Fork)?;
    let mut best = forked;
    let mut tries = 0;
    if is_small && is_of_charm(suspicion) {
        let stage = &settings.plan.stage;
        // Quickly first; what that leaves is tried in forks if it does not hold there.
        for mode in [Mode::Sequence, Mode::Fork] {
            let reduced = reduce(stage, &best.0.steps, &mut |steps| view.still_shows(steps, mode));
            let Some(reduced) = reduced else { continue };
            tries += reduced.tries;
            if let Some(smaller) = view.shows(&reduced.steps, Mode::Fork) {
                best = smaller;
                break;
            }
        }
    }
    let cold = view.shows(&best.0.steps, Mode::Cold);
    let confirmation = if cold.is_some() { Confirmation::Cold } else { Confirmation::Fork };
    let (played, suspicion) = cold.unwrap_or(best);
    Some(view.finding(played.steps.clone(), played, suspicion, confirmation, tries))
}

struct View<'a> {
    ensemble: &'a mut Ensemble,
    settings: &'a Settings,
    seed: u64,
    suspicion: &'a Suspicion,
    hooks_left: usize,
}

impl View<'_> {
    /// Plays a script. Returns what was played, and the suspicion as it shows there.
    fn shows(&mut self, script: &[Step], mode: Mode) -> Option<(Played, Suspicion)> {
        let played = self.ensemble.play(self.settings, script, self.seed, mode);
        self.hooks_left = self.hooks_left.saturating_sub(played.hooks.len());
        let seen = oracle::look(&played, &self.settings.questions);
        let same = seen.into_iter().find(|seen| self.is_same(seen))?;
        Some((played, same))
    }

    /// Whether a smaller script shows it too; no more is tried when enough was.
    fn still_shows(&mut self, script: &[Step], mode: Mode) -> bool {
        self.hooks_left > 0 && self.shows(script, mode).is_some()
    }

    fn is_same(&self, seen: &Suspicion) -> bool {
        seen.oracle == self.suspicion.oracle && seen.cause == self.suspicion.cause
    }

    fn orders(&mut self, life: &Life, is_small: bool) -> Option<Finding> {
        let stage = &self.settings.plan.stage;
        let mut script = life.script.clone();
        let mut tries = 0;
        if is_small {
            let reduced = reduce(stage, &script, &mut |steps| self.differs(steps, Mode::Sequence).is_some());
            if let Some(reduced) = reduced {
                script = reduced.steps;
                tries = reduced.tries;
            }
        }
        let mut confirmed = None;
        for mode in [Mode::Fork, Mode::Cold] {
            let Some(same) = self.differs(&script, mode) else { break };
            confirmed =
                Some((same, if mode == Mode::Cold { Confirmation::Cold } else { Confirmation::Fork }));
        }
        let (same, confirmation) = confirmed?;
        let (hasty, _) = crate::script::two_orders(&script)?;
        let played = self.ensemble.play(self.settings, &hasty, life.seed, Mode::Fork);
        Some(self.finding(played.steps.clone(), played, same, confirmation, tries))
    }

    /// Plays a script in two orders. Returns the suspicion if it shows.
    fn differs(&mut self, script: &[Step], mode: Mode) -> Option<Suspicion> {
        let seen = two_orders(self.settings, self.ensemble, script, self.seed, mode);
        seen.into_iter().find(|seen| self.is_same(seen))
    }

    fn finding(
        &self,
        steps: Vec<Step>,
        played: Played,
        suspicion: Suspicion,
        confirmation: Confirmation,
        tries: u32,
    ) -> Finding {
        let stage = self.settings.plan.stage.clone();
        Finding {
            suspicion,
            seed: self.seed,
            life: life::Life { stage, seed: Some(self.seed), steps },
            hooks: played.hooks,
            confirmation,
            lives: 1,
            tries,
        }
    }
}
