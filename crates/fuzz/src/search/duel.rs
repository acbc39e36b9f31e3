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
    /// The how manieth it is, in the order in which they were found.
    pub number: usize,
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

/// What happens meanwhile, for whoever shows it.
#[derive(Clone, Copy, Debug)]
pub enum DuelProgress<'a> {
    /// So many lives were played, of so many if that is known.
    Lives(u64, Option<u64>),
    /// Something differs.
    Found(&'a Found),
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
    /// How many hooks succeeded, of both sides.
    pub hooks_done: u64,
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
    progress: &(dyn Fn(DuelProgress<'_>) + Sync),
) -> Result<DuelReport, RunnerError> {
    let began = Instant::now();
    let is_late = || is_cancelled() || settings.time.is_some_and(|time| began.elapsed() >= time);
    let mut pairs = Vec::new();
    for job in 0..settings.jobs.max(1) {
        // Sockets and folders of the two must not meet.
        pairs.push(Pair {
            baseline: Ensemble::start(baseline, 2 * job, &is_late)?,
            candidate: Ensemble::start(candidate, 2 * job + 1, &is_late)?,
        });
    }
    let pairs = Mutex::new(pairs);
    let mut report = DuelReport::default();
    let mut next = settings.first_seed;
    while !is_late() && settings.lives.is_none_or(|most| report.lives < most) {
        let count = settings.lives.map_or(ROUND, |most| ROUND.min(most - report.lives));
        let so_far = report.lives;
        let watch = |done: u64| {
            progress(DuelProgress::Lives(so_far + done, settings.lives));
            is_late()
        };
        let round = pool::in_order(&pairs, settings.jobs, count, &watch, &|pair: &mut Pair<'_>, number| {
            let seed = next + number;
            let script = script::of_seed(&settings.plan, seed);
            pair.baseline.mend()?;
            pair.candidate.mend()?;
            let seen = pair.play(settings, &script, seed, Mode::Sequence);
            Ok::<_, RunnerError>((seed, script, seen))
        });
        next += count;
        if round.is_empty() {
            break;
        }
        for life in round {
            let (seed, script, seen) = match life {
                Ok(life) => life,
                Err(error) => {
                    report.troubles.push(error.to_string());
                    return Ok(report.sorted());
                }
            };
            if seen.is_cut {
                break;
            }
            report.lives += 1;
            report.hooks += seen.hooks;
            report.hooks_done += seen.hooks_done;
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
                let number = report.found.len() + 1;
                if let Some(found) = pair.confirm(settings, &script, seed, &difference, number) {
                    progress(DuelProgress::Found(&found));
                    report.found.push(found);
                }
            }
        }
    }
    Ok(report.sorted())
}

impl DuelReport {
    fn sorted(mut self) -> Self {
        self.found.sort_by(|one, other| {
            (one.difference.observable, one.seed, &one.difference).cmp(&(
                other.difference.observable,
                other.seed,
                &other.difference,
            ))
        });
        self
    }
}

/// Both sides, on one thread.
struct Pair<'a> {
    baseline: Ensemble<'a>,
    candidate: Ensemble<'a>,
}

/// What both sides showed in a life.
struct Seen {
    differences: Vec<Difference>,
    noise: u64,
    hooks: u64,
    hooks_done: u64,
    wall_us: (u64, u64),
    trouble: Option<String>,
    is_cut: bool,
}

impl Pair<'_> {
    fn play(&mut self, settings: &Settings, script: &[Step], seed: u64, mode: Mode) -> Seen {
        let one = self.baseline.play(settings, script, seed, mode);
        let other = self.candidate.play(settings, script, seed, mode);
        let took = |played: &crate::player::Played| played.hooks.iter().map(|hook| hook.wall_us).sum::<u64>();
        let mut seen = Seen {
            differences: Vec::new(),
            noise: 0,
            hooks: one.hooks.len() as u64,
            hooks_done: one.hooks.iter().chain(&other.hooks).filter(|hook| hook.exit.is_success()).count()
                as u64,
            wall_us: (took(&one), took(&other)),
            trouble: one.trouble.clone().or_else(|| other.trouble.clone()),
            is_cut: one.is_cut || other.is_cut,
        };
        if seen.trouble.is_some() || seen.is_cut {
            return seen;
        }
        let found = compare(&one, &other);
        if !found.is_empty() {
            let again = self.baseline.play(settings, script, seed, mode);
            seen.is_cut |= again.is_cut;
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
        number: usize,
    ) -> Option<Found> {
        let same = |seen: Seen| {
            let mut differences = seen.differences.into_iter().filter(|_| !seen.is_cut);
            differences.find(|found| is_same(found, difference))
        };
        let stage = &settings.plan.stage;
        let found = |difference: Difference, steps: Vec<Step>, confirmation: Confirmation| {
            let life = life::Life { stage: stage.clone(), seed: Some(seed), steps };
            Found { number, difference, seed, life, confirmation, lives: 1 }
        };
        let forked = same(self.play(settings, script, seed, Mode::Fork));
        if forked.is_none() && self.baseline.is_over() {
            return Some(found(difference.clone(), script.to_vec(), Confirmation::Quick));
        }
        forked?;
        let small = reduce(stage, script, &mut |steps| {
            !self.baseline.is_over() && same(self.play(settings, steps, seed, Mode::Sequence)).is_some()
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
        Some(found(shown, steps, confirmation))
    }
}

/// Whether two differences are one: of a smaller life the values may be others.
fn is_same(one: &Difference, other: &Difference) -> bool {
    let kind = |observable: Observable, hook: &str| (observable, hook.to_owned());
    kind(one.observable, &one.hook) == kind(other.observable, &other.hook) && one.cause() == other.cause()
}
