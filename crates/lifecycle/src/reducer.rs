//! Makes a life that fails shorter, for as long as what remains is valid and still fails.
//!
//! Steps are taken out in ever smaller chunks, the stimuli first (delta debugging), and
//! [`replay`](crate::replay) repairs the rest. Who asks pays for each try with a run of
//! real code, so no life is tried twice, and the end of a life goes before its middle.

use std::collections::HashSet;

use crate::life::{Happening, Stage, Step};
use crate::replay::{Afterwards, replay};
use crate::stimulus::Stimulus;
use crate::vocabulary::Outcome;

/// A life that could not be made shorter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduced {
    /// What remains.
    pub steps: Vec<Step>,
    /// How many lives were tried.
    pub tries: u32,
}

/// Reduces a life. `fails` says whether a life still does what is looked for; it has to
/// answer the same for the same life. `None` if the life as given does not fail.
pub fn reduce(stage: &Stage, steps: &[Step], fails: &mut dyn FnMut(&[Step]) -> bool) -> Option<Reduced> {
    let mut search = Search { stage, fails, tried: HashSet::new(), tries: 0, best: Vec::new() };
    let as_given = replay(stage, steps, Afterwards::Stop);
    if !search.accepts(as_given) {
        return None;
    }
    search.cut_end();
    loop {
        let before = search.best.len();
        search.take_out(is_stimulus);
        search.cut_end();
        search.mend_outcomes();
        search.take_out(is_hook);
        search.cut_end();
        if search.best.len() == before {
            return Some(Reduced { steps: search.best, tries: search.tries });
        }
    }
}

struct Search<'a> {
    stage: &'a Stage,
    fails: &'a mut dyn FnMut(&[Step]) -> bool,
    tried: HashSet<Vec<Step>>,
    tries: u32,
    best: Vec<Step>,
}

impl Search<'_> {
    /// Tries a life, and keeps it if it fails.
    fn accepts(&mut self, life: Vec<Step>) -> bool {
        if !self.tried.insert(life.clone()) {
            return false;
        }
        self.tries += 1;
        let accepted = (self.fails)(&life);
        if accepted {
            self.best = life;
        }
        accepted
    }

    /// Tries what remains when steps are taken out, if that is less.
    fn tries_without(&mut self, remaining: &[Step]) -> bool {
        let life = replay(self.stage, remaining, Afterwards::Stop);
        is_simpler(&life, &self.best) && self.accepts(life)
    }

    /// Finds the shortest beginning that fails, by halves: what happens after a failure
    /// takes no part in it.
    fn cut_end(&mut self) {
        let (mut too_short, mut long_enough) = (0, self.best.len());
        while long_enough - too_short > 1 {
            let middle = usize::midpoint(too_short, long_enough);
            let beginning = self.best[..middle].to_vec();
            if self.tries_without(&beginning) {
                long_enough = self.best.len().min(middle);
            } else {
                too_short = middle;
            }
        }
    }

    /// Takes out the steps of a kind, in ever smaller chunks.
    fn take_out(&mut self, is_of_kind: fn(&Step) -> bool) {
        let count = self.best.iter().filter(|step| is_of_kind(step)).count();
        let mut chunk = count.div_ceil(2);
        while chunk > 0 {
            let mut skipped = 0;
            loop {
                let places: Vec<usize> =
                    (0..self.best.len()).filter(|place| is_of_kind(&self.best[*place])).collect();
                // From the end: what comes late rests on what came before, and not the
                // other way round.
                let Some(end) = places.len().checked_sub(skipped).filter(|end| *end > 0) else { break };
                let taken = &places[end.saturating_sub(chunk)..end];
                let remaining: Vec<Step> = self
                    .best
                    .iter()
                    .enumerate()
                    .filter(|(place, _)| !taken.contains(place))
                    .map(|(_, step)| step.clone())
                    .collect();
                if !self.tries_without(&remaining) {
                    skipped += chunk;
                }
            }
            chunk /= 2;
        }
    }

    /// Lets hooks succeed that did not.
    fn mend_outcomes(&mut self) {
        for place in 0..self.best.len() {
            let Some(step) = self.best.get(place) else { return };
            let Some((_, _, outcome)) = step.hook() else { continue };
            if outcome == Outcome::Ok {
                continue;
            }
            let mut mended = self.best.clone();
            if let Happening::Hook { outcome, .. } = &mut mended[place].what {
                *outcome = Outcome::Ok;
            }
            self.tries_without(&mended);
        }
    }
}

/// Whether the first life is the simpler one to read.
fn is_simpler(one: &[Step], other: &[Step]) -> bool {
    let size = |life: &[Step]| {
        let stimuli = life.iter().filter(|step| is_stimulus(step)).count();
        let odd = life.iter().filter_map(Step::hook).filter(|(_, _, outcome)| *outcome != Outcome::Ok);
        (stimuli, life.len(), odd.count())
    };
    size(one) < size(other)
}

/// Whether it is a stimulus that can be taken out; without a deployment there is no life.
fn is_stimulus(step: &Step) -> bool {
    step.stimulus().is_some_and(|(_, stimulus)| !matches!(stimulus, Stimulus::Deploy { .. }))
}

fn is_hook(step: &Step) -> bool {
    step.hook().is_some()
}
