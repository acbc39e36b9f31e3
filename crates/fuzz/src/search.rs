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
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::runner::{Exit, Handler, Interpreter, InterpreterSpec, Mode, RunnerError, Welcome};
use charmproof_agent::standins::Rules;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::{self, Step};
use charmproof_lifecycle::performance::Afterwards;
use charmproof_lifecycle::rules::RuleId;
use charmproof_lifecycle::vocabulary::Name;

use crate::convergence;
use crate::coverage::RulesReached;
use crate::oracle::{self, Blame, Oracle, Questions, Suspicion};
use crate::player::{Actor, Looks, Play, Played, Shell, play};
use crate::script;

pub use finding::{Confirmation, Finding, Size};

/// How many lives a round has. Fixed, so that what is found does not depend on the machine.
const ROUND: u64 = 32;
/// Of how many lives one is played in two orders.
const ORDERS_EVERY: u64 = 4;
/// How many lives that reached something new are kept to be mutated.
const KEPT_MAX: usize = 200;
/// When a hook runs out of its time in each of so many lives at first, the others would do no
/// better, and each would take that time.
const BLOCKED_MAX: usize = 8;

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
    /// How many of them succeeded.
    pub hooks_done: u64,
    /// The charm's lines that ran, and all that can: file and line.
    pub lines_reached: BTreeSet<(String, u32)>,
    /// All lines that can run.
    pub lines: Vec<(String, u32)>,
    /// The rules of the lifecycle that bore on the lives.
    pub rules_reached: BTreeSet<RuleId>,
    /// What the interpreter says of itself.
    pub welcome: Welcome,
    /// What could not be told of some lives, because something of ours went wrong.
    pub troubles: Vec<String>,
    /// How many suspicions did not show again in a fork: the charm's modules remember.
    pub unconfirmed: Vec<Suspicion>,
    /// How often something was seen that the user's rules allow, by the reason that they give.
    pub allowed: BTreeMap<String, u64>,
    /// Whether it was given up, because a hook ran out of its time in each life.
    pub is_blocked: bool,
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

/// Searches. `is_cancelled` is asked now and then, also while a hook runs, and what was found so
/// far is returned. So it is when the interpreter cannot be had any more.
pub fn search(
    subjects: &[Subject],
    settings: &Settings,
    is_cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, RunnerError> {
    let began = Instant::now();
    let blocked = Blocked::default();
    let is_over = || {
        is_cancelled()
            || settings.time.is_some_and(|time| began.elapsed() >= time)
            || blocked.is_everywhere.load(Ordering::Relaxed)
    };
    let mut report = Report::default();
    let stages: Mutex<Vec<Ensemble<'_>>> = Mutex::new(Vec::new());
    for job in 0..settings.jobs.max(1) {
        let ensemble = match Ensemble::start(subjects, job, &is_over) {
            Err(RunnerError::Cancelled) => break,
            ensemble => ensemble?,
        };
        report.welcome = ensemble.welcome().clone();
        stages.lock().unwrap_or_else(PoisonError::into_inner).push(ensemble);
    }
    report.lines.clone_from(&report.welcome.lines);
    for line in &report.welcome.lines_at_import {
        report.lines_reached.extend(report.lines.get(*line as usize).cloned());
    }
    let mut search = Search {
        settings,
        stages: &stages,
        progress,
        report,
        known: BTreeSet::new(),
        rules: RulesReached::default(),
    };
    let mut kept: Vec<Vec<Step>> = settings.corpus.clone();
    let mut next = settings.first_seed;
    while !is_over()
        && !search.report.is_blocked
        && settings.lives.is_none_or(|most| search.report.lives < most)
    {
        let count = settings.lives.map_or(ROUND, |most| ROUND.min(most - search.report.lives));
        let so_far = search.report.lives;
        let watch = |played| {
            progress(Progress::Lives(so_far + played, settings.lives));
            is_over()
        };
        let mut round = play_round(settings, &stages, next, count, &kept, &watch, &blocked);
        // What was suspected of the lives until then is still looked into.
        search.report.is_blocked = blocked.is_everywhere.swap(false, Ordering::Relaxed);
        if search.report.is_blocked {
            round.truncate(BLOCKED_MAX);
        }
        // The threads have put their interpreters back in any order.
        stages.lock().unwrap_or_else(PoisonError::into_inner).sort_by_key(|ensemble| ensemble.job);
        next += count;
        for life in round {
            match life {
                Ok(life) => search.take(&life, &mut kept),
                Err(error) => {
                    search.report.troubles.push(error.to_string());
                    search.report.took = began.elapsed();
                    return Ok(search.report);
                }
            }
        }
    }
    let mut report = search.report;
    report.rules_reached = search.rules.rules;
    report.took = began.elapsed();
    Ok(report)
}

/// Tells a charm that blocks for ever, whatever happens to it, from one that now and then does.
#[derive(Default)]
struct Blocked {
    is_everywhere: AtomicBool,
    lives: AtomicUsize,
}

impl Blocked {
    /// Notes what became of a life, by its place in the search.
    fn note(&self, place: u64, played: &Played) {
        let is_late = played.hooks.iter().any(|hook| hook.exit == Exit::TimedOut);
        let is_of_first = usize::try_from(place).is_ok_and(|place| place < BLOCKED_MAX);
        if is_late && is_of_first && self.lives.fetch_add(1, Ordering::Relaxed) + 1 == BLOCKED_MAX {
            self.is_everywhere.store(true, Ordering::Relaxed);
        }
    }
}

/// A search that goes on.
struct Search<'a, 'b> {
    settings: &'a Settings,
    stages: &'a Mutex<Vec<Ensemble<'b>>>,
    progress: &'a (dyn Fn(Progress) + Sync),
    report: Report,
    /// What was looked at before, and either found or not seen again.
    known: BTreeSet<(Oracle, String)>,
    rules: RulesReached,
}

impl Search<'_, '_> {
    /// Counts a life, keeps it if it is worth it, and looks into what is suspected of it.
    fn take(&mut self, life: &Life, kept: &mut Vec<Vec<Step>>) {
        let report = &mut self.report;
        report.lives += 1;
        for hook in &life.played.hooks {
            report.hooks += 1 + u64::from(hook.again.is_some());
            report.hooks_done += u64::from(hook.exit.is_success());
        }
        if let Some(trouble) = &life.played.trouble {
            report.troubles.push(format!("life {}: {trouble}", life.seed));
        }
        self.rules.look(&self.settings.plan.stage, &life.played.steps);
        let mut is_new = false;
        for line in &life.played.lines {
            if let Some(place) = report.lines.get(*line as usize) {
                is_new |= report.lines_reached.insert(place.clone());
            }
        }
        if is_new && kept.len() < KEPT_MAX {
            kept.push(life.script.clone());
            (self.progress)(Progress::Kept(life::Life {
                stage: self.settings.plan.stage.clone(),
                seed: Some(life.seed),
                steps: life.script.clone(),
            }));
        }
        for suspicion in &life.suspicions {
            self.look_into(life, suspicion);
        }
    }

    fn look_into(&mut self, life: &Life, suspicion: &Suspicion) {
        let report = &mut self.report;
        let name = suspicion.oracle.name();
        let texts = [&suspicion.summary, &suspicion.cause];
        if let Some(rule) = texts.iter().find_map(|text| self.settings.rules.allowed(name, text)) {
            *report.allowed.entry(rule.reason.as_str().to_owned()).or_default() += 1;
            return;
        }
        if let Some(finding) = report.findings.iter_mut().find(|finding| finding.is_of(suspicion)) {
            finding.lives += 1;
            return;
        }
        if !self.known.insert((suspicion.oracle, suspicion.cause.clone())) {
            return;
        }
        (self.progress)(Progress::Reducing(suspicion.summary.clone()));
        let mut free = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ensemble) = free.first_mut() else { return };
        let is_small = report.findings.len() < self.settings.findings_max;
        match confirm::confirm(ensemble, self.settings, life, suspicion, is_small) {
            Some(finding) => {
                (self.progress)(Progress::Found(Box::new(finding.clone())));
                report.findings.push(finding);
            }
            None => report.unconfirmed.push(suspicion.clone()),
        }
    }
}

impl Report {
    /// Returns the handlers of the charm's own code, and whether each of them ran.
    pub fn handlers(&self) -> Vec<(&Handler, bool)> {
        let ran = |handler: &Handler| {
            self.lines_reached
                .iter()
                .any(|(file, line)| *file == handler.file && (handler.first..=handler.last).contains(line))
        };
        self.welcome.handlers.iter().map(|handler| (handler, ran(handler))).collect()
    }
}

/// Plays one script, with all that can be seen of it.
pub fn play_once(
    subjects: &[Subject],
    settings: &Settings,
    script: &[Step],
    seed: u64,
    mode: Mode,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Played, RunnerError> {
    Ok(Ensemble::start(subjects, 0, is_cancelled)?.play(settings, script, seed, mode))
}

/// A life of a round.
pub(crate) struct Life {
    pub(crate) seed: u64,
    pub(crate) script: Vec<Step>,
    pub(crate) played: Played,
    pub(crate) suspicions: Vec<Suspicion>,
}

/// Plays the lives of a round and returns them in their order, those that were not stopped.
/// `watch` is told how many were played, and says whether to stop.
fn play_round(
    settings: &Settings,
    stages: &Mutex<Vec<Ensemble<'_>>>,
    first: u64,
    count: u64,
    kept: &[Vec<Step>],
    watch: &(dyn Fn(u64) -> bool + Sync),
    blocked: &Blocked,
) -> Vec<Result<Life, RunnerError>> {
    let played =
        pool::in_order(stages, settings.jobs, count, watch, &|ensemble: &mut Ensemble<'_>, number| {
            ensemble.mend()?;
            let life = one_life(settings, ensemble, first + number, kept);
            blocked.note(life.seed - settings.first_seed, &life.played);
            Ok(life)
        });
    played.into_iter().take_while(|life| life.as_ref().map_or(true, |life| !life.played.is_cut)).collect()
}

fn one_life(settings: &Settings, ensemble: &mut Ensemble<'_>, seed: u64, kept: &[Vec<Step>]) -> Life {
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
        let orders = two_orders(settings, ensemble, &script, seed, Mode::Sequence);
        suspicions.extend(orders.into_iter().flat_map(|orders| orders.differences));
    }
    Life { seed, script, played, suspicions }
}

/// The same life in two orders.
pub(crate) struct Orders {
    pub(crate) hasty: Played,
    pub(crate) calm: Played,
    /// What differs at the end.
    pub(crate) differences: Vec<Suspicion>,
}

/// Plays a script in two orders. `None` if it has but one.
pub(crate) fn two_orders(
    settings: &Settings,
    ensemble: &mut Ensemble<'_>,
    script: &[Step],
    seed: u64,
    mode: Mode,
) -> Option<Orders> {
    let (hasty, calm) = script::two_orders(script)?;
    let hasty = ensemble.play(settings, &hasty, seed, mode);
    let calm = ensemble.play(settings, &calm, seed, mode);
    let is_cut = hasty.is_cut || calm.is_cut;
    let differences = if is_cut { Vec::new() } else { convergence::compare(&hasty, &calm) };
    Some(Orders { hasty, calm, differences })
}

/// The interpreters of one thread, one for each charm.
pub(crate) struct Ensemble<'a> {
    subjects: Vec<Subject>,
    interpreters: Vec<Interpreter>,
    job: usize,
    starts: usize,
    is_over: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Ensemble<'a> {
    /// Starts the interpreters. `is_over` says when to stop, whatever goes on.
    pub(crate) fn start(
        subjects: &[Subject],
        job: usize,
        is_over: &'a (dyn Fn() -> bool + Sync),
    ) -> Result<Self, RunnerError> {
        let mut ensemble =
            Self { subjects: subjects.to_vec(), interpreters: Vec::new(), job, starts: 0, is_over };
        ensemble.mend()?;
        Ok(ensemble)
    }

    /// Whether the search is over.
    pub(crate) fn is_over(&self) -> bool {
        (self.is_over)()
    }

    /// Starts all interpreters anew if they are not there any more.
    pub(crate) fn mend(&mut self) -> Result<(), RunnerError> {
        if !self.interpreters.is_empty() {
            return Ok(());
        }
        self.starts += 1;
        let mut interpreters = Vec::new();
        for (number, subject) in self.subjects.iter().enumerate() {
            let mut spec = subject.interpreter.clone();
            spec.work = folder_of(&subject.interpreter.work, self.job, self.starts, number);
            interpreters.push(Interpreter::start_unless(spec, &self.is_over)?);
        }
        self.interpreters = interpreters;
        Ok(())
    }

    pub(crate) fn welcome(&self) -> &Welcome {
        self.interpreters[0].welcome()
    }

    /// Plays a script.
    pub(crate) fn play(&mut self, settings: &Settings, script: &[Step], seed: u64, mode: Mode) -> Played {
        if let Err(error) = self.mend() {
            return Played::not_begun(&settings.plan.stage, error.to_string());
        }
        let mut played = self.play_with_what_is_there(settings, script, seed, mode);
        let has_any = |exit: Exit| played.hooks.iter().any(|hook| hook.exit == exit);
        if has_any(Exit::TimedOut) {
            // It may have left so many busy processes that finding them would take for ever. With
            // the interpreter's namespace, all of them end at once.
            self.interpreters.clear();
        } else if played.trouble.is_some()
            || (has_any(Exit::Lost) && self.interpreters.iter().any(Interpreter::is_gone))
        {
            // A hook may have killed all that it could, and what it did is no trouble of ours.
            let why: Vec<String> = self.interpreters.drain(..).filter_map(Interpreter::why_gone).collect();
            for hook in played.hooks.iter_mut().filter(|hook| hook.exit == Exit::Lost) {
                hook.output = why.join("\n");
            }
        }
        played
    }

    fn play_with_what_is_there(
        &mut self,
        settings: &Settings,
        script: &[Step],
        seed: u64,
        mode: Mode,
    ) -> Played {
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
            is_over: self.is_over,
            cold_hooks: &[],
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
