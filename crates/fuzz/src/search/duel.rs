//! The same lives with two versions of something, side by side.
//!
//! Each life is played by both sides; where they differ, the baseline plays it once more, and
//! what it differs in from itself counts for nothing. What is left is seen again in forks, made
//! small, and seen cold.

use std::sync::Mutex;
use std::time::Instant;

use charmproof_agent::runner::{Mode, RunnerError};
use charmproof_lifecycle::life::{self, Step};
use charmproof_lifecycle::reducer::reduce;

use super::{Confirmation, Ensemble, ROUND, Settings, Subject, pool};
use crate::differential::{Difference, Observable, compare, without_noise};
use crate::script;

/// A difference, with the smallest life that shows it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What differs.
    pub difference: Difference,
    /// The seed of the first life that showed it.
    pub seed: u64,
    /// The smallest life that shows it.
    pub life: life::Life,
    /// How sure it is.
    pub confirmation: Confirmation,
    /// In how many lives it showed.
    pub lives: u64,
}

/// What a duel has shown.
#[derive(Clone, Debug, Default)]
pub struct DuelReport {
    /// The differences, the gravest first.
    pub found: Vec<Found>,
    /// How many lives were played by both sides.
    pub lives: u64,
    /// How many hooks each side ran.
    pub hooks: u64,
    /// How many differences were only noise.
    pub noise: u64,
    /// What could not be told.
    pub troubles: Vec<String>,
    /// How long the hooks of the two sides took, in microseconds.
    pub wall_us: (u64, u64),
}

/// Plays lives with both sides. `is_cancelled` is asked now and then.
pub fn duel(
    baseline: &[Subject],
    candidate: &[Subject],
    settings: &Settings,
    is_cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(u64, Option<u64>) + Sync),
) -> Result<DuelReport, RunnerError> {
    let began = Instant::now();
    let mut pairs = Vec::new();
    for job in 0..settings.jobs.max(1) {
        // Sockets and folders of the two must not meet.
        pairs.push(Pair {
            baseline: Ensemble::start(baseline, 2 * job)?,
            candidate: Ensemble::start(candidate, 2 * job + 1)?,
        });
    }
    let pairs = Mutex::new(pairs);
    let mut report = DuelReport::default();
    let mut next = settings.first_seed;
    let is_late = || is_cancelled() || settings.time.is_some_and(|time| began.elapsed() >= time);
    while !is_late() && settings.lives.is_none_or(|most| report.lives < most) {
        let count = settings.lives.map_or(ROUND, |most| ROUND.min(most - report.lives));
        let so_far = report.lives;
        let watch = |done: u64| {
            progress(so_far + done, settings.lives);
            is_late()
        };
        let round = pool::in_order(&pairs, settings.jobs, count, &watch, &|pair: &mut Pair, number| {
            let seed = next + number;
            let script = script::of_seed(&settings.plan, seed);
            let seen = pair.play(settings, &script, seed, Mode::Sequence);
            if seen.trouble.is_some() {
                pair.baseline.restart()?;
                pair.candidate.restart()?;
            }
            Ok::<_, RunnerError>((seed, script, seen))
        });
        next += count;
        if round.is_empty() {
            break;
        }
        for life in round {
            let (seed, script, seen) = life?;
            report.lives += 1;
            report.hooks += seen.hooks;
            report.noise += seen.noise;
            report.wall_us.0 += seen.wall_us.0;
            report.wall_us.1 += seen.wall_us.1;
            report.troubles.extend(seen.trouble.map(|trouble| format!("life {seed}: {trouble}")));
            for difference in seen.differences {
                let is_known = |found: &&mut Found| found.difference.cause() == difference.cause();
                if let Some(known) = report.found.iter_mut().find(is_known) {
                    known.lives += 1;
                    continue;
                }
                let mut free = pairs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let Some(pair) = free.first_mut() else { continue };
                report.found.extend(pair.confirm(settings, &script, seed, &difference));
            }
        }
    }
    report.found.sort_by(|one, other| {
        (one.difference.observable, one.seed, &one.difference).cmp(&(
            other.difference.observable,
            other.seed,
            &other.difference,
        ))
    });
    Ok(report)
}

/// Both sides, on one thread.
struct Pair {
    baseline: Ensemble,
    candidate: Ensemble,
}

/// What both sides showed in a life.
struct Seen {
    differences: Vec<Difference>,
    noise: u64,
    hooks: u64,
    wall_us: (u64, u64),
    trouble: Option<String>,
}

impl Pair {
    fn play(&mut self, settings: &Settings, script: &[Step], seed: u64, mode: Mode) -> Seen {
        let one = self.baseline.play(settings, script, seed, mode);
        let other = self.candidate.play(settings, script, seed, mode);
        let took = |played: &crate::player::Played| played.hooks.iter().map(|hook| hook.wall_us).sum::<u64>();
        let mut seen = Seen {
            differences: Vec::new(),
            noise: 0,
            hooks: one.hooks.len() as u64,
            wall_us: (took(&one), took(&other)),
            trouble: one.trouble.clone().or_else(|| other.trouble.clone()),
        };
        if seen.trouble.is_some() {
            return seen;
        }
        let found = compare(&one, &other);
        if !found.is_empty() {
            let again = self.baseline.play(settings, script, seed, mode);
            let all = found.len();
            seen.differences = without_noise(found, &compare(&one, &again));
            seen.noise = (all - seen.differences.len()) as u64;
        }
        seen
    }

    /// Sees a difference again and makes its life small.
    fn confirm(
        &mut self,
        settings: &Settings,
        script: &[Step],
        seed: u64,
        difference: &Difference,
    ) -> Option<Found> {
        let same = |seen: Seen| seen.differences.into_iter().find(|found| is_same(found, difference));
        same(self.play(settings, script, seed, Mode::Fork))?;
        let stage = &settings.plan.stage;
        let small = reduce(stage, script, &mut |steps| {
            same(self.play(settings, steps, seed, Mode::Sequence)).is_some()
        });
        let steps = small.map_or_else(|| script.to_vec(), |reduced| reduced.steps);
        let (steps, shown, confirmation) =
            [(Mode::Cold, Confirmation::Cold), (Mode::Fork, Confirmation::Fork)]
                .into_iter()
                .find_map(|(mode, confirmation)| {
                    let shown = same(self.play(settings, &steps, seed, mode))?;
                    Some((steps.clone(), shown, confirmation))
                })
                .unwrap_or_else(|| (script.to_vec(), difference.clone(), Confirmation::Fork));
        let life = life::Life { stage: stage.clone(), seed: Some(seed), steps };
        Some(Found { difference: shown, seed, life, confirmation, lives: 1 })
    }
}

/// Whether two differences are one: of a smaller life the values may be others.
fn is_same(one: &Difference, other: &Difference) -> bool {
    let kind = |observable: Observable, hook: &str| (observable, hook.to_owned());
    kind(one.observable, &one.hook) == kind(other.observable, &other.hook) && one.cause() == other.cause()
}
