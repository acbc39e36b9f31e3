//! Decides which unit runs next, and writes down every result as it lands.
//!
//! One dispatcher owns all state and the log; each unit runs on a thread of its own
//! that knows nothing but its unit. A pair that disagrees is run again on both sides,
//! in fresh copies, before it is called anything.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use charmproof_sandbox::LiveLine;
use charmproof_store::compare::Pair;
use charmproof_store::event::{Ending, Event, Plan, Proof, Side, UnitId, UnitResult};
use charmproof_store::log::RunWriter;
use charmproof_store::outcome::{Origin, Outcome};
use charmproof_store::store::Store;

use super::subject::Subject;
use super::unit::{Done, RunContext};
use super::work::{Ready, Work};

/// What a unit that has never run is thought to take.
const UNKNOWN_COST_MS: u64 = 20_000;
/// What a unit that has never run is thought to need.
const UNKNOWN_MEMORY_BYTES: u64 = 512 * 1024 * 1024;
/// How often an observer is told that time has passed.
const TICK: Duration = Duration::from_millis(200);

/// How much may run at once.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Units that work at once. Those that only wait (for a port, a sleep, a timeout)
    /// are not counted; with them it is less than twice as many, and one stays one.
    pub jobs: usize,
    /// Memory that all units together are thought to need at most.
    pub memory_bytes: u64,
}

impl Capacity {
    fn has_room(&self, running: &[(UnitId, Instant, LiveLine)]) -> bool {
        let working = running.iter().filter(|(_, _, live)| !live.is_waiting()).count();
        working < self.jobs && running.len() < self.jobs * 2 - 1
    }
}

/// What an observer is told.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A unit began.
    Started {
        /// The unit.
        unit: &'a UnitId,
    },
    /// A unit has a result.
    Finished {
        /// The result.
        result: &'a UnitResult,
    },
    /// Time has passed.
    Tick,
}

/// Where a run stands.
#[derive(Debug, Default)]
pub struct Standing {
    /// Units with a result.
    pub done: usize,
    /// Units in all, as far as is known.
    pub total: usize,
    /// Results that were taken from earlier runs.
    pub reused: usize,
    /// What is left to do, as wall time on all workers together.
    pub remaining_ms: u64,
    /// What runs now, with its start and its last line.
    pub running: Vec<(UnitId, Instant, LiveLine)>,
    /// Results by outcome of the candidate.
    pub outcomes: BTreeMap<Outcome, usize>,
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// A result could not be written down; nothing more is run.
    #[error("a result could not be written to the run's log")]
    Log(#[source] charmproof_store::error::Error),
}

/// A run under way.
#[derive(Debug)]
pub struct Run<'a> {
    /// What all units share.
    pub context: &'a RunContext<'a>,
    /// The charms that are run, those left out not among them.
    pub subjects: &'a [Subject],
    /// What was planned.
    pub plan: &'a Plan,
    /// Where results are kept.
    pub store: &'a Store,
    /// The log.
    pub writer: &'a mut RunWriter,
    /// How much may run at once.
    pub capacity: Capacity,
}

struct Job {
    pair: usize,
    unit: UnitId,
    ready: Box<Ready>,
    cost_ms: u64,
    memory_bytes: u64,
}

struct PairState {
    subject: usize,
    target: String,
    results: Vec<UnitResult>,
    waiting: usize,
}

impl Run<'_> {
    /// Runs everything that has no result yet, and returns how the run stopped.
    ///
    /// `finished` are results of the same run from before it was resumed.
    pub fn execute(
        &mut self,
        finished: Vec<UnitResult>,
        observe: &mut dyn FnMut(Progress<'_>, &Standing),
    ) -> Result<Ending, ScheduleError> {
        let mut standing = Standing::default();
        let mut pairs: Vec<PairState> = Vec::new();
        let mut known: BTreeMap<UnitId, UnitResult> =
            finished.into_iter().map(|r| (r.unit.clone(), r)).collect();
        for (index, subject) in self.subjects.iter().enumerate() {
            for target in &self.plan.targets {
                let results = known
                    .extract_if(.., |unit, _| unit.subject == subject.record.id && unit.target == *target)
                    .map(|(_, result)| result)
                    .collect();
                pairs.push(PairState { subject: index, target: target.clone(), results, waiting: 0 });
            }
        }
        // Both first runs of every pair, and whatever of its repetitions is there already.
        for pair in &pairs {
            standing.done += pair.results.len();
            standing.total += 2 + pair.results.iter().filter(|result| result.unit.attempt > 0).count();
        }

        let mut first: Vec<Job> = Vec::new();
        let mut lookups: Vec<(usize, Side)> = Vec::new();
        for (index, _) in pairs.iter().enumerate() {
            lookups.push((index, Side::Baseline));
            lookups.push((index, Side::Candidate));
        }
        for (index, side) in lookups {
            if let Some(job) = self.admit(&mut pairs, index, side, 0, &mut standing, observe)? {
                first.push(job);
            }
        }
        let mut queue = order(first, self.capacity.jobs);
        for index in 0..pairs.len() {
            self.confirm(&mut pairs, index, &mut queue, &mut standing, observe)?;
        }
        self.drive(&mut pairs, queue, &mut standing, observe)
    }

    /// Starts what fits and takes in what ends, until nothing is left.
    fn drive(
        &mut self,
        pairs: &mut [PairState],
        mut queue: VecDeque<Job>,
        standing: &mut Standing,
        observe: &mut dyn FnMut(Progress<'_>, &Standing),
    ) -> Result<Ending, ScheduleError> {
        let context = self.context;
        let subjects = self.subjects;
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel::<(usize, UnitId, u64, Done)>();
            let mut memory_in_use = 0_u64;
            let mut failure: Option<ScheduleError> = None;
            loop {
                let may_start = !context.cancel.is_cancelled() && failure.is_none();
                while may_start && self.capacity.has_room(&standing.running) {
                    let fits = |job: &Job| {
                        memory_in_use == 0 || memory_in_use + job.memory_bytes <= self.capacity.memory_bytes
                    };
                    let Some(at) = queue.iter().position(fits) else { break };
                    let Some(job) = queue.remove(at) else { break };
                    memory_in_use += job.memory_bytes;
                    let live = LiveLine::default();
                    standing.running.push((job.unit.clone(), Instant::now(), live.clone()));
                    let started = Event::UnitStarted { unit: job.unit.clone(), at: (context.now)() };
                    // Losing this line loses nothing.
                    let _ = self.store.append(self.writer, &started);
                    observe(Progress::Started { unit: &job.unit }, standing);
                    let sender = sender.clone();
                    let subject = &subjects[pairs[job.pair].subject];
                    scope.spawn(move || {
                        let done = context.run(subject, &job.unit, &job.ready, &live);
                        // The dispatcher waits for every unit that it started.
                        let _ = sender.send((job.pair, job.unit, job.memory_bytes, done));
                    });
                }
                if standing.running.is_empty() && (queue.is_empty() || !may_start) {
                    break;
                }
                standing.remaining_ms = remaining(&queue, standing, self.capacity.jobs);
                let (pair, unit, memory, done) = match receiver.recv_timeout(TICK) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => {
                        observe(Progress::Tick, standing);
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                standing.running.retain(|(running, _, _)| *running != unit);
                memory_in_use = memory_in_use.saturating_sub(memory);
                pairs[pair].waiting = pairs[pair].waiting.saturating_sub(1);
                let Done::Result(mut result, log) = done else { continue };
                if failure.is_some() {
                    continue;
                }
                let taken = self
                    .keep_log(&mut result, &log)
                    .and_then(|()| self.record(pairs, pair, *result, standing, observe))
                    .and_then(|()| self.skip_if_unused(pairs, pair, &mut queue, standing, observe))
                    .and_then(|()| self.confirm(pairs, pair, &mut queue, standing, observe));
                if let Err(error) = taken {
                    failure = Some(error);
                }
            }
            match failure {
                Some(error) => Err(error),
                None if context.cancel.is_cancelled() => Ok(Ending::Interrupted),
                None => Ok(Ending::Completed),
            }
        })
    }

    /// Makes a unit's first steps: what needs no run is recorded at once, what was
    /// run before is reused, and anything else becomes a job.
    fn admit(
        &mut self,
        pairs: &mut [PairState],
        index: usize,
        side: Side,
        attempt: u32,
        standing: &mut Standing,
        observe: &mut dyn FnMut(Progress<'_>, &Standing),
    ) -> Result<Option<Job>, ScheduleError> {
        let subject = &self.subjects[pairs[index].subject];
        let unit =
            UnitId { subject: subject.record.id.clone(), target: pairs[index].target.clone(), side, attempt };
        if pairs[index].results.iter().any(|result| result.unit == unit) {
            return Ok(None);
        }
        standing.total += usize::from(attempt > 0);
        // Without a swap in reach, there is nothing that the candidate could show.
        if side == Side::Candidate && self.is_unused(&pairs[index]) {
            let result = self.unused(&unit, &pairs[index]);
            self.record(pairs, index, result, standing, observe)?;
            return Ok(None);
        }
        match self.context.prepare(subject, &unit).work {
            Work::Nothing(outcome, why) => {
                let result = self.context.without_running(&unit, outcome, &why);
                self.record(pairs, index, result, standing, observe)?;
                Ok(None)
            }
            Work::Run(ready) => {
                if self.context.settings.reuse
                    && let Ok(Some(reusable)) = self.store.find_reusable(&ready.key)
                    && reusable.result.outcome.is_reusable()
                    && self.store.take_output(self.writer, &reusable).is_ok()
                {
                    let mut result = reusable.result;
                    result.unit = unit;
                    result.reproduce = self.context.reproduce_line(&result.unit);
                    self.record(pairs, index, result, standing, observe)?;
                    return Ok(None);
                }
                let cost = self.store.expected_cost(&unit.subject.0, &unit.target).ok().flatten();
                pairs[index].waiting += 1;
                Ok(Some(Job {
                    pair: index,
                    unit,
                    ready,
                    cost_ms: cost.map_or(UNKNOWN_COST_MS, |cost| cost.duration_ms),
                    memory_bytes: cost.and_then(|cost| cost.memory_bytes).unwrap_or(UNKNOWN_MEMORY_BYTES),
                }))
            }
        }
    }

    fn keep_log(&mut self, result: &mut UnitResult, log: &[u8]) -> Result<(), ScheduleError> {
        if !log.is_empty() {
            result.log = Some(self.writer.put_output(log).map_err(ScheduleError::Log)?);
        }
        Ok(())
    }

    fn record(
        &mut self,
        pairs: &mut [PairState],
        index: usize,
        result: UnitResult,
        standing: &mut Standing,
        observe: &mut dyn FnMut(Progress<'_>, &Standing),
    ) -> Result<(), ScheduleError> {
        let event = Event::UnitFinished(Box::new(result));
        self.store.append(self.writer, &event).map_err(ScheduleError::Log)?;
        let Event::UnitFinished(result) = event else { return Ok(()) };
        standing.done += 1;
        standing.reused += usize::from(result.reused_from.is_some());
        if result.unit.side == Side::Candidate {
            *standing.outcomes.entry(result.outcome).or_insert(0) += 1;
        }
        let pair = &mut pairs[index];
        observe(Progress::Finished { result: &result }, standing);
        pair.results.push(*result);
        Ok(())
    }

    /// Whether the baseline has shown that its environment holds nothing that the
    /// candidate swaps.
    fn is_unused(&self, pair: &PairState) -> bool {
        self.context.baseline.is_empty()
            && pair.results.iter().any(|result| {
                result.unit.side == Side::Baseline
                    && result.injection.proof == Proof::NotUsed
                    // An environment that could not be made is empty, and shows nothing.
                    && matches!(result.outcome.origin(), Origin::Suite | Origin::Nothing)
            })
    }

    fn unused(&self, unit: &UnitId, pair: &PairState) -> UnitResult {
        let summary = pair
            .results
            .iter()
            .find(|result| result.injection.proof == Proof::NotUsed)
            .map_or_else(String::new, |result| result.injection.summary.clone());
        let mut result = self.context.without_running(unit, Outcome::NotUsed, &summary);
        result.injection.proof = Proof::NotUsed;
        result.injection.summary = summary;
        result
    }

    /// Takes a candidate off the queue that its baseline has shown to be pointless.
    fn skip_if_unused(
        &mut self,
        pairs: &mut [PairState],
        index: usize,
        queue: &mut VecDeque<Job>,
        standing: &mut Standing,
        observe: &mut dyn FnMut(Progress<'_>, &Standing),
    ) -> Result<(), ScheduleError> {
        if !self.is_unused(&pairs[index]) {
            return Ok(());
        }
        while let Some(at) =
            queue.iter().position(|job| job.pair == index && job.unit.side == Side::Candidate)
        {
            let Some(job) = queue.remove(at) else { break };
            pairs[index].waiting = pairs[index].waiting.saturating_sub(1);
            let result = self.unused(&job.unit, &pairs[index]);
            self.record(pairs, index, result, standing, observe)?;
        }
        Ok(())
    }

    /// Queues one more run of both sides, where the pair needs it.
    fn confirm(
        &mut self,
        pairs: &mut [PairState],
        index: usize,
        queue: &mut VecDeque<Job>,
        standing: &mut Standing,
        observe: &mut dyn FnMut(Progress<'_>, &Standing),
    ) -> Result<(), ScheduleError> {
        loop {
            if pairs[index].waiting > 0 {
                return Ok(());
            }
            let pair = &pairs[index];
            let id = &self.subjects[pair.subject].record.id;
            let view = Pair::new(id, &pair.target, &pair.results);
            if !view.needs_confirmation(self.plan, self.context.settings.attempts) {
                return Ok(());
            }
            let attempt = pair.results.iter().map(|result| result.unit.attempt).max().unwrap_or(0) + 1;
            // Whoever went first before goes second now, so that neither side always
            // meets the same state of the machine.
            let sides = if attempt % 2 == 1 {
                [Side::Candidate, Side::Baseline]
            } else {
                [Side::Baseline, Side::Candidate]
            };
            let before = pairs[index].results.len();
            let mut jobs = Vec::new();
            for side in sides {
                jobs.extend(self.admit(pairs, index, side, attempt, standing, observe)?);
            }
            let is_stuck = jobs.is_empty() && pairs[index].results.len() == before;
            for job in jobs.into_iter().rev() {
                queue.push_front(job);
            }
            if is_stuck {
                return Ok(());
            }
        }
    }
}

/// Orders first runs: the longest pairs first, and a candidate some places behind its
/// baseline, so that the baseline can show that the candidate is not needed.
fn order(jobs: Vec<Job>, workers: usize) -> VecDeque<Job> {
    let mut by_pair: BTreeMap<usize, Vec<Job>> = BTreeMap::new();
    for job in jobs {
        by_pair.entry(job.pair).or_default().push(job);
    }
    let mut groups: Vec<Vec<Job>> = by_pair.into_values().collect();
    groups.sort_by_key(|group| {
        (std::cmp::Reverse(group.iter().map(|job| job.cost_ms).sum::<u64>()), group[0].unit.clone())
    });
    let mut queue = VecDeque::new();
    let mut delayed: VecDeque<Job> = VecDeque::new();
    for mut group in groups {
        group.sort_by_key(|job| job.unit.side);
        let mut group = VecDeque::from(group);
        queue.extend(group.pop_front());
        delayed.extend(group);
        if delayed.len() > workers {
            queue.extend(delayed.pop_front());
        }
    }
    queue.extend(delayed);
    queue
}

fn remaining(queue: &VecDeque<Job>, standing: &Standing, jobs: usize) -> u64 {
    let waiting: u64 = queue.iter().map(|job| job.cost_ms).sum();
    let running = standing.running.len() as u64 * UNKNOWN_COST_MS / 4;
    (waiting + running) / jobs.max(1) as u64
}
