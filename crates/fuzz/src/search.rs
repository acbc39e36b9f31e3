//! Looks for lives that a charm does not survive.
//!
//! Rounds of lives are played, on as many threads as asked for. What a round has found is taken
//! in the order of its lives, and the next round is made of that alone: the same seed finds the
//! same, however many threads there are. Lives run quickly, with all hooks of a unit in one
//! process; what they show is then seen again in forks, made as small as it gets, and seen cold.

mod confirm;
pub mod duel;
mod finding;
mod pool;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::runner::{Interpreter, InterpreterSpec, Mode, RunnerError, Welcome};
use charmproof_agent::standins::Rules;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::{self, Step};
use charmproof_lifecycle::performance::Afterwards;
use charmproof_lifecycle::vocabulary::Name;

use crate::convergence;
use crate::oracle::{self, Blame, Oracle, Questions, Suspicion};
use crate::player::{Actor, Looks, Play, Played, Shell, play};
use crate::script;

pub use finding::{Confirmation, Finding};

/// How many lives a round has. Fixed, so that what is found does not depend on the machine.
const ROUND: u64 = 32;
/// Of how many lives one is played in two orders.
const ORDERS_EVERY: u64 = 4;
/// How many lives that reached something new are kept to be mutated.
const KEPT_MAX: usize = 200;

/// A charm that takes part.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its application's name.
    pub application: Name,
    /// What it declares.
    pub metadata: Arc<CharmMetadata>,
    /// How its interpreter is made; `work` is the folder below which each thread has its own.
    pub interpreter: InterpreterSpec,
}

/// What is looked for, and how long.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What lives are like.
    pub plan: Plan,
    /// The first seed.
    pub first_seed: u64,
    /// How many lives are played, if that is what ends the search.
    pub lives: Option<u64>,
    /// How long lives are played, if that is what ends the search.
    pub time: Option<Duration>,
    /// How many threads play.
    pub jobs: usize,
    /// What is asked of each life.
    pub questions: Questions,
    /// How long a hook may take before it is killed, in seconds.
    pub hook_timeout_s: f64,
    /// How many hooks a life may have.
    pub hooks_max: usize,
    /// How many findings are made small; the others are only told.
    pub findings_max: usize,
    /// Lives of earlier searches, which new ones are made of as well.
    pub corpus: Vec<Vec<Step>>,
    /// What the user knows better than the stand-ins.
    pub rules: Arc<Rules>,
    /// The folder with the stand-ins.
    pub stand_ins: Option<Utf8PathBuf>,
    /// Whether the applications were deployed with `--trust`.
    pub is_trusted: bool,
    /// A shell in the place of a hook.
    pub shell: Option<Shell>,
    /// Whether two sides are compared, so that all that can be seen is looked at.
    pub compares: bool,
}

/// What a search has done.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was found, the first life first.
    pub findings: Vec<Finding>,
    /// How many lives were played.
    pub lives: u64,
    /// How many hooks ran, those of making findings small not counted.
    pub hooks: u64,
    /// How often each kind of hook ran.
    pub kinds: BTreeMap<String, u64>,
    /// The charm's lines that ran, and all that can: file and line.
    pub lines_reached: BTreeSet<(String, u32)>,
    /// All lines that can run.
    pub lines: Vec<(String, u32)>,
    /// What the interpreter says of itself.
    pub welcome: Welcome,
    /// What could not be told of some lives, because something of ours went wrong.
    pub troubles: Vec<String>,
    /// How many suspicions did not show again in a fork: the charm's modules remember.
    pub unconfirmed: Vec<Suspicion>,
    /// How often something was seen that the user's rules allow, by the reason that they give.
    pub allowed: BTreeMap<String, u64>,
    /// How long it took.
    pub took: Duration,
}

/// What happens meanwhile, for whoever shows it.
#[derive(Clone, Debug)]
pub enum Progress {
    /// So many lives were played, of so many if that is known.
    Lives(u64, Option<u64>),
    /// Something was found and is now made small.
    Reducing(String),
    /// Something was found.
    Found(Box<Finding>),
    /// A life reached lines that none before it had.
    Kept(life::Life),
}

/// Searches. `is_cancelled` is asked now and then, and what was found so far is returned.
pub fn search(
    subjects: &[Subject],
    settings: &Settings,
    is_cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, RunnerError> {
    let began = Instant::now();
    let mut report = Report::default();
    let stages: Mutex<Vec<Ensemble>> = Mutex::new(Vec::new());
    for job in 0..settings.jobs.max(1) {
        let ensemble = Ensemble::start(subjects, job)?;
        report.welcome = ensemble.welcome().clone();
        stages.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(ensemble);
    }
    report.lines.clone_from(&report.welcome.lines);
    for line in &report.welcome.lines_at_import {
        report.lines_reached.extend(report.lines.get(*line as usize).cloned());
    }
    let mut kept: Vec<Vec<Step>> = settings.corpus.clone();
    let mut known: BTreeSet<(Oracle, String)> = BTreeSet::new();
    let mut next = settings.first_seed;
    let is_over = |lives: u64| {
        is_cancelled()
            || settings.lives.is_some_and(|most| lives >= most)
            || settings.time.is_some_and(|time| began.elapsed() >= time)
    };
    while !is_over(report.lives) {
        let most = settings.lives.map_or(ROUND, |most| ROUND.min(most - report.lives));
        let round = play_round(settings, &stages, next, most, &kept, &|played| {
            progress(Progress::Lives(report.lives + played, settings.lives));
            is_cancelled() || settings.time.is_some_and(|time| began.elapsed() >= time)
        })?;
        next += most;
        for life in round {
            report.lives += 1;
            for hook in &life.played.hooks {
                report.hooks += 1 + u64::from(hook.again.is_some());
                *report.kinds.entry(hook.hook.kind.pattern().clone()).or_default() += 1;
            }
            if let Some(trouble) = &life.played.trouble {
                report.troubles.push(format!("life {}: {trouble}", life.seed));
            }
            let mut is_new = false;
            for line in &life.played.lines {
                if let Some(place) = report.lines.get(*line as usize) {
                    is_new |= report.lines_reached.insert(place.clone());
                }
            }
            if is_new && kept.len() < KEPT_MAX {
                kept.push(life.script.clone());
                progress(Progress::Kept(life::Life {
                    stage: settings.plan.stage.clone(),
                    seed: Some(life.seed),
                    steps: life.script.clone(),
                }));
            }
            for suspicion in &life.suspicions {
                let name = suspicion.oracle.name();
                let texts = [&suspicion.summary, &suspicion.cause];
                if let Some(rule) = texts.iter().find_map(|text| settings.rules.allowed(name, text)) {
                    *report.allowed.entry(rule.reason.as_str().to_owned()).or_default() += 1;
                    continue;
                }
                if let Some(finding) = report.findings.iter_mut().find(|finding| finding.is_of(suspicion)) {
                    finding.lives += 1;
                    continue;
                }
                if !known.insert((suspicion.oracle, suspicion.cause.clone())) {
                    continue;
                }
                progress(Progress::Reducing(suspicion.summary.clone()));
                let mut free = stages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let Some(ensemble) = free.first_mut() else { continue };
                let is_small = report.findings.len() < settings.findings_max;
                match confirm::confirm(ensemble, settings, &life, suspicion, is_small) {
                    Some(finding) => {
                        progress(Progress::Found(Box::new(finding.clone())));
                        report.findings.push(finding);
                    }
                    None => report.unconfirmed.push(suspicion.clone()),
                }
            }
        }
    }
    report.took = began.elapsed();
    Ok(report)
}

/// Plays one script, with all that can be seen of it.
pub fn play_once(
    subjects: &[Subject],
    settings: &Settings,
    script: &[Step],
    seed: u64,
    mode: Mode,
) -> Result<Played, RunnerError> {
    Ok(Ensemble::start(subjects, 0)?.play(settings, script, seed, mode))
}

/// A life of a round.
pub(crate) struct Life {
    pub(crate) seed: u64,
    pub(crate) script: Vec<Step>,
    pub(crate) played: Played,
    pub(crate) suspicions: Vec<Suspicion>,
}

/// Plays the lives of a round and returns them in their order. `watch` is told how many were
/// played, and says whether to stop.
fn play_round(
    settings: &Settings,
    stages: &Mutex<Vec<Ensemble>>,
    first: u64,
    count: u64,
    kept: &[Vec<Step>],
    watch: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<Life>, RunnerError> {
    let played = pool::in_order(stages, settings.jobs, count, watch, &|ensemble: &mut Ensemble, number| {
        let life = one_life(settings, ensemble, first + number, kept);
        if life.played.trouble.is_some() {
            ensemble.restart()?;
        }
        Ok(life)
    });
    played.into_iter().collect()
}

fn one_life(settings: &Settings, ensemble: &mut Ensemble, seed: u64, kept: &[Vec<Step>]) -> Life {
    let fresh = script::of_seed(&settings.plan, seed);
    // Every third life is one that reached something new, changed a little.
    let script = match kept.get(usize::try_from(seed).unwrap_or(0) % kept.len().max(1)) {
        Some(script) if seed % 3 == 2 => script::mutated(script, &fresh, seed),
        Some(_) | None => fresh,
    };
    let played = ensemble.play(settings, &script, seed, Mode::Sequence);
    let mut suspicions = oracle::look(&played, &settings.questions);
    let asks_orders = settings.questions.oracles.contains(&Oracle::Convergence);
    if asks_orders && seed % ORDERS_EVERY == 1 {
        suspicions.extend(two_orders(settings, ensemble, &script, seed, Mode::Sequence));
    }
    Life { seed, script, played, suspicions }
}

/// Plays a script in two orders, and returns what differs at the end.
pub(crate) fn two_orders(
    settings: &Settings,
    ensemble: &mut Ensemble,
    script: &[Step],
    seed: u64,
    mode: Mode,
) -> Vec<Suspicion> {
    let Some((hasty, calm)) = script::two_orders(script) else { return Vec::new() };
    let hasty = ensemble.play(settings, &hasty, seed, mode);
    let calm = ensemble.play(settings, &calm, seed, mode);
    convergence::compare(&hasty, &calm)
}

/// The interpreters of one thread, one for each charm.
pub(crate) struct Ensemble {
    subjects: Vec<Subject>,
    interpreters: Vec<Interpreter>,
    job: usize,
    starts: usize,
}

impl Ensemble {
    pub(crate) fn start(subjects: &[Subject], job: usize) -> Result<Self, RunnerError> {
        let mut ensemble = Self { subjects: subjects.to_vec(), interpreters: Vec::new(), job, starts: 0 };
        ensemble.restart()?;
        Ok(ensemble)
    }

    /// Starts all interpreters anew: one of them is gone.
    pub(crate) fn restart(&mut self) -> Result<(), RunnerError> {
        self.interpreters.clear();
        self.starts += 1;
        for (number, subject) in self.subjects.iter().enumerate() {
            let mut spec = subject.interpreter.clone();
            spec.work = folder_of(&subject.interpreter.work, self.job, self.starts, number);
            self.interpreters.push(Interpreter::start(spec)?);
        }
        Ok(())
    }

    pub(crate) fn welcome(&self) -> &Welcome {
        self.interpreters[0].welcome()
    }

    /// Plays a script.
    pub(crate) fn play(&mut self, settings: &Settings, script: &[Step], seed: u64, mode: Mode) -> Played {
        let actors = self.subjects.iter().zip(&mut self.interpreters);
        let actors = actors.map(|(subject, interpreter)| Actor {
            application: subject.application.clone(),
            metadata: Arc::clone(&subject.metadata),
            interpreter,
        });
        let asked = |oracle| settings.questions.oracles.contains(&oracle);
        let mut settings_of_play = Play {
            actors: actors.collect(),
            mode,
            seed,
            hook_timeout_s: settings.hook_timeout_s,
            hooks_max: settings.hooks_max,
            ends_at_failure: true,
            looks: Looks {
                storage: asked(Oracle::DeferredForever) || settings.compares,
                repeats: asked(Oracle::Idempotence) && seed.is_multiple_of(2),
                states: mode != Mode::Sequence,
                workloads: settings.compares,
            },
            rules: &settings.rules,
            stand_ins: settings.stand_ins.as_deref(),
            is_trusted: settings.is_trusted,
            shell: settings.shell.clone(),
        };
        play(&settings.plan.stage, script, Afterwards::Stop, &mut settings_of_play)
    }
}

fn folder_of(work: &Utf8Path, job: usize, starts: usize, number: usize) -> Utf8PathBuf {
    work.join(format!("j{job}-{starts}-{number}"))
}

/// Whether a suspicion is about the charm, so that it is worth to be made small.
pub(crate) fn is_of_charm(suspicion: &Suspicion) -> bool {
    suspicion.blame == Blame::Charm
}
