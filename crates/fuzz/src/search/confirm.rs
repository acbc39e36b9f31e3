//! Sees a suspicion again, makes its life small, and sees that cold.

use charmproof_agent::runner::{Exit, Mode};
use charmproof_lifecycle::life::{self, Step};
use charmproof_lifecycle::reducer::{Reduced, reduce};

use super::{Confirmation, Ensemble, Finding, Life, Settings, Size, is_of_charm, two_orders};
use crate::oracle::{self, Oracle, Suspicion};
use crate::player::Played;

/// How many hooks may run to make a life small, in all that is tried. Counted, and not timed, so
/// that the same seed ends with the same life everywhere.
const HOOKS_MAX: f64 = 8000.0;
/// For how much a hook counts of lives in two orders, which have many.
const HOOK_OF_ORDERS: f64 = 0.1;
/// For how many hooks a second counts of one that ran out of its time.
const HOOKS_A_SECOND: f64 = 60.0;

/// Returns the finding that a suspicion turns out to be; `None` if it does not show again. When
/// the search is over, what was seen until then is told as it is.
pub(super) fn confirm(
    ensemble: &mut Ensemble<'_>,
    settings: &Settings,
    life: &Life,
    suspicion: &Suspicion,
    is_small: bool,
) -> Option<Finding> {
    let view = View { ensemble, settings, seed: life.seed, suspicion, hooks_left: HOOKS_MAX };
    if suspicion.oracle == Oracle::Convergence {
        view.of_two_orders(life, is_small)
    } else {
        view.of_one_life(life, is_small && is_of_charm(suspicion))
    }
}

struct View<'a, 'b> {
    ensemble: &'a mut Ensemble<'b>,
    settings: &'a Settings,
    seed: u64,
    suspicion: &'a Suspicion,
    hooks_left: f64,
}

impl View<'_, '_> {
    fn of_one_life(mut self, life: &Life, is_small: bool) -> Option<Finding> {
        let Some(mut best) = self.shows(&life.script, Mode::Fork) else { return self.unseen(life) };
        let mut tries = 0;
        if is_small {
            let stage = &self.settings.plan.stage;
            // Quickly first; what that leaves is tried in forks if it does not hold there.
            for mode in [Mode::Sequence, Mode::Fork] {
                let reduced = reduce(stage, &best.0.steps, &mut |steps| self.still_shows(steps, mode));
                let Some(reduced) = reduced else { continue };
                tries += reduced.tries;
                if let Some(smaller) = self.shows(&reduced.steps, Mode::Fork) {
                    best = smaller;
                    break;
                }
            }
        }
        let cold = self.shows(&best.0.steps, Mode::Cold);
        let confirmation = if cold.is_some() { Confirmation::Cold } else { Confirmation::Fork };
        let (played, suspicion) = cold.unwrap_or(best);
        Some(self.finding(played, suspicion, confirmation, tries, is_small))
    }

    fn of_two_orders(mut self, life: &Life, is_small: bool) -> Option<Finding> {
        let stage = &self.settings.plan.stage;
        let mut reduced = Reduced { steps: life.script.clone(), tries: 0 };
        if is_small {
            let smaller = reduce(stage, &reduced.steps, &mut |steps| {
                self.hooks_left > 0.0 && self.differs(steps, Mode::Sequence).is_some()
            });
            reduced = smaller.unwrap_or(reduced);
        }
        let mut confirmed = None;
        for (mode, confirmation) in [(Mode::Fork, Confirmation::Fork), (Mode::Cold, Confirmation::Cold)] {
            let Some((hasty, same)) = self.differs(&reduced.steps, mode) else { break };
            confirmed = Some((hasty, same, confirmation));
        }
        let Some((hasty, same, confirmation)) = confirmed else { return self.unseen(life) };
        Some(self.finding(hasty, same, confirmation, reduced.tries, is_small))
    }

    /// Returns what is told of a suspicion that was not seen again: nothing, unless there was no
    /// time to look.
    fn unseen(self, life: &Life) -> Option<Finding> {
        let (played, suspicion) = (life.played.clone(), self.suspicion.clone());
        self.ensemble.is_over().then(|| self.finding(played, suspicion, Confirmation::Quick, 0, true))
    }

    /// Plays a script. Returns what was played, and the suspicion as it shows there.
    fn shows(&mut self, script: &[Step], mode: Mode) -> Option<(Played, Suspicion)> {
        let played = self.ensemble.play(self.settings, script, self.seed, mode);
        self.pay(&played, 1.0);
        if played.is_cut {
            return None;
        }
        let seen = oracle::look(&played, &self.settings.questions);
        let same = seen.into_iter().find(|seen| self.is_same(seen))?;
        Some((played, same))
    }

    /// Whether a smaller script shows it too; no more is tried when enough was.
    fn still_shows(&mut self, script: &[Step], mode: Mode) -> bool {
        self.hooks_left > 0.0 && !self.ensemble.is_over() && self.shows(script, mode).is_some()
    }

    /// Plays a script in two orders. Returns the hastier of the two, and the suspicion if it shows.
    fn differs(&mut self, script: &[Step], mode: Mode) -> Option<(Played, Suspicion)> {
        if self.ensemble.is_over() {
            return None;
        }
        let orders = two_orders(self.settings, self.ensemble, script, self.seed, mode)?;
        self.pay(&orders.hasty, HOOK_OF_ORDERS);
        self.pay(&orders.calm, HOOK_OF_ORDERS);
        let same = orders.differences.into_iter().find(|seen| self.is_same(seen))?;
        Some((orders.hasty, same))
    }

    /// Counts the hooks that ran, each for as much.
    fn pay(&mut self, played: &Played, each: f64) {
        for hook in &played.hooks {
            let is_late = hook.exit == Exit::TimedOut;
            self.hooks_left -= if is_late { self.settings.hook_timeout_s * HOOKS_A_SECOND } else { each };
        }
    }

    fn is_same(&self, seen: &Suspicion) -> bool {
        seen.oracle == self.suspicion.oracle && seen.cause == self.suspicion.cause
    }

    fn finding(
        &self,
        played: Played,
        suspicion: Suspicion,
        confirmation: Confirmation,
        tries: u32,
        is_small: bool,
    ) -> Finding {
        let size = match is_small {
            true if self.ensemble.is_over() => Size::Stopped,
            true if self.hooks_left <= 0.0 => Size::TooManyHooks,
            true => Size::Small,
            false => Size::AsFound,
        };
        let stage = self.settings.plan.stage.clone();
        Finding {
            suspicion,
            seed: self.seed,
            life: life::Life { stage, seed: Some(self.seed), steps: played.steps },
            hooks: played.hooks,
            confirmation,
            lives: 1,
            tries,
            size,
        }
    }
}
