//! A report for programs.
//!
//! The types here are the published format and nothing else: they share no code
//! with the types of the log, so that either can change without the other. The
//! format is described in `docs/reference/report-json.md` and, for machines, in
//! `docs/reference/report.schema.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::comparison::{CaseComparison, Cause, PairComparison};
use crate::event::{Ending, Failure, Side, Sighting, SwapRecord, UnitResult};
use crate::outcome::Outcome;
use crate::report::Report;
use crate::report::facts::{Facts, is_silent};
use crate::report::reason::Reason;
use crate::report::words::{VERDICTS, outcome_key, proof_key, verdict_key};

/// The version of the format. A change that an older reader would misunderstand
/// raises it; new members do not.
pub const JSON_SCHEMA: u32 = 1;

/// Returns the report as JSON, indented, with a line break at its end.
pub fn render(report: &Report<'_>) -> String {
    let facts = Facts::new(report);
    let document = Document::new(&facts);
    let mut text = serde_json::to_string_pretty(&document).expect("the document has string keys only");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    charmproof: &'a str,
    run: Run<'a>,
    verdict: Headline,
    swap: Swap<'a>,
    totals: BTreeMap<&'static str, usize>,
    causes: Vec<CauseEntry<'a>>,
    pairs: Vec<Pair<'a>>,
    left_out: Vec<LeftOut<'a>>,
    missing: Vec<Missing<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Run<'a> {
    id: &'a str,
    started_at: String,
    ending: &'static str,
    command: &'a [String],
    targets: &'a [String],
    shard: Option<&'a str>,
    wall_ms: Option<u64>,
    unfinished: usize,
    reused: usize,
}

#[derive(Serialize)]
struct Headline {
    sentence: String,
    regressed: bool,
    partial: bool,
    charms_regressed: usize,
    charms_with_signal: usize,
    charms_without_signal: usize,
}

#[derive(Serialize)]
struct Swap<'a> {
    baseline: Vec<Package<'a>>,
    candidate: Vec<Package<'a>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the published ones")]
struct Package<'a> {
    spec: &'a str,
    package: &'a str,
    version: &'a str,
    digest: &'a str,
    source: &'a str,
    /// Versions that the baselines ran with; empty for the baseline's own swaps.
    replaces: Vec<String>,
}

#[derive(Serialize)]
struct CauseEntry<'a> {
    title: &'a str,
    place: Option<&'a str>,
    charms: Vec<&'a str>,
    cases: usize,
    smallest: Smallest<'a>,
    failure: FailureEntry<'a>,
}

#[derive(Serialize)]
struct Smallest<'a> {
    charm: &'a str,
    target: &'a str,
    case: &'a str,
    reproduce: Option<&'a str>,
}

#[derive(Serialize)]
struct FailureEntry<'a> {
    exception: &'a str,
    message: &'a str,
    excerpt: &'a str,
    frames: Vec<FrameEntry<'a>>,
}

#[derive(Serialize)]
struct FrameEntry<'a> {
    file: &'a str,
    line: u32,
    function: &'a str,
    package: Option<&'a str>,
}

#[derive(Serialize)]
struct Pair<'a> {
    charm: &'a str,
    target: &'a str,
    name: Option<&'a str>,
    repository: Option<&'a str>,
    commit: Option<&'a str>,
    root: Option<&'a str>,
    team: Option<&'a str>,
    groups: &'a [String],
    verdict: &'static str,
    signal: bool,
    no_signal_reason: Option<String>,
    summary: &'a str,
    baseline: SideEntry,
    candidate: SideEntry,
    still_passing: usize,
    cases: Vec<Case<'a>>,
    drift: &'a [String],
    runs: Vec<UnitRun<'a>>,
}

#[derive(Serialize)]
struct SideEntry {
    outcome: Option<String>,
    attempts: u32,
    cases: usize,
    duration_ms: Option<u64>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the published ones")]
struct Case<'a> {
    case: &'a str,
    verdict: &'static str,
    baseline: Vec<Option<String>>,
    candidate: Vec<Option<String>>,
    baseline_ms: Option<u64>,
    candidate_ms: Option<u64>,
    /// Index into `causes`.
    cause: Option<usize>,
    failure: Option<FailureEntry<'a>>,
    baseline_failure: Option<FailureEntry<'a>>,
}

#[derive(Serialize)]
struct UnitRun<'a> {
    side: &'static str,
    attempt: u32,
    outcome: String,
    summary: &'a str,
    started_at: String,
    duration_ms: u64,
    overhead_ms: u64,
    cpu_ms: u64,
    memory_peak_bytes: Option<u64>,
    invocation: &'a str,
    interpreter: Option<&'a str>,
    commands: Vec<CommandEntry<'a>>,
    edits: &'a [String],
    proof: &'static str,
    proof_summary: &'a str,
    sightings: Vec<SightingEntry<'a>>,
    inputs: &'a str,
    reused_from: Option<&'a str>,
    log: Option<&'a str>,
    protection: &'a str,
    reproduce: &'a str,
}

#[derive(Serialize)]
struct CommandEntry<'a> {
    command: &'a str,
    exit_code: Option<i32>,
}

#[derive(Serialize)]
struct SightingEntry<'a> {
    package: &'a str,
    version: &'a str,
    digest: &'a str,
    path: &'a str,
    process: &'a str,
    imported: bool,
}

#[derive(Serialize)]
struct LeftOut<'a> {
    charm: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Missing<'a> {
    repository: &'a str,
    reason: &'a str,
}

impl<'a> Document<'a> {
    fn new(facts: &Facts<'a>) -> Self {
        let report = facts.report;
        let headline = &facts.headline;
        let totals = &report.comparison.totals;
        let total = |verdict| totals.get(&verdict).copied().unwrap_or(0);
        Self {
            schema: JSON_SCHEMA,
            charmproof: &report.started.charmproof,
            run: Run {
                id: &report.started.run.0,
                started_at: report.started.at.to_string(),
                ending: match report.ending {
                    Some(Ending::Completed) => "completed",
                    Some(Ending::Interrupted) => "interrupted",
                    None => "killed",
                },
                command: &report.started.command,
                targets: &report.plan.targets,
                shard: report.plan.shard.as_deref(),
                wall_ms: facts.wall_ms(),
                unfinished: report.comparison.unfinished,
                reused: report.comparison.reused,
            },
            verdict: Headline {
                sentence: headline.sentence(),
                regressed: headline.regressed > 0,
                partial: facts.is_partial(),
                charms_regressed: headline.regressed,
                charms_with_signal: headline.with_signal,
                charms_without_signal: headline.without_signal,
            },
            swap: Swap {
                baseline: report.plan.baseline.iter().map(|swap| package(swap, Vec::new())).collect(),
                candidate: facts.swaps().into_iter().map(|swap| package(swap.record, swap.before)).collect(),
            },
            totals: VERDICTS.into_iter().map(|verdict| (verdict_key(verdict), total(verdict))).collect(),
            causes: report.comparison.causes.iter().map(|cause| cause_entry(facts, cause)).collect(),
            pairs: report.comparison.pairs.iter().map(|pair| pair_entry(facts, pair)).collect(),
            left_out: facts.left_out().map(|(charm, reason)| LeftOut { charm: &charm.0, reason }).collect(),
            missing: report
                .plan
                .missing
                .iter()
                .map(|(repository, reason)| Missing { repository, reason })
                .collect(),
            warnings: report.warnings,
        }
    }
}

fn package(record: &SwapRecord, replaces: Vec<String>) -> Package<'_> {
    Package {
        spec: &record.spec,
        package: &record.package,
        version: &record.version,
        digest: &record.digest,
        source: &record.source,
        replaces,
    }
}

fn cause_entry<'a>(facts: &Facts<'a>, cause: &'a Cause) -> CauseEntry<'a> {
    CauseEntry {
        title: &cause.title,
        place: cause.place.as_deref(),
        charms: cause.subjects.iter().map(|id| id.0.as_str()).collect(),
        cases: cause.cases,
        smallest: Smallest {
            charm: &cause.smallest.0.0,
            target: &cause.smallest.1,
            case: &cause.smallest.2,
            reproduce: facts.reproduce_cause(cause),
        },
        failure: failure_entry(&cause.failure),
    }
}

fn failure_entry(failure: &Failure) -> FailureEntry<'_> {
    FailureEntry {
        exception: &failure.exception,
        message: &failure.message,
        excerpt: &failure.excerpt,
        frames: failure
            .frames
            .iter()
            .map(|frame| FrameEntry {
                file: &frame.file,
                line: frame.line,
                function: &frame.function,
                package: frame.package.as_deref(),
            })
            .collect(),
    }
}

fn pair_entry<'a>(facts: &Facts<'a>, pair: &'a PairComparison) -> Pair<'a> {
    let subject = facts.subject(&pair.subject);
    let speaks = !is_silent(pair);
    let outcome = |outcome: Option<Outcome>| outcome.map(outcome_key);
    Pair {
        charm: &pair.subject.0,
        target: &pair.target,
        name: subject.and_then(|subject| subject.charm.as_deref()),
        repository: subject.map(|subject| subject.repository.as_str()),
        commit: subject.and_then(|subject| subject.commit.as_deref()),
        root: subject.map(|subject| subject.root.as_str()),
        team: subject.and_then(|subject| subject.team.as_deref()),
        groups: subject.map_or(&[], |subject| subject.groups.as_slice()),
        verdict: verdict_key(pair.verdict),
        signal: speaks,
        no_signal_reason: (!speaks).then(|| Reason::of(pair).key()),
        summary: &pair.summary,
        baseline: SideEntry {
            outcome: outcome(pair.baseline),
            attempts: pair.attempts.0,
            cases: pair.case_counts.0,
            duration_ms: pair.duration_ms.0,
        },
        candidate: SideEntry {
            outcome: outcome(pair.candidate),
            attempts: pair.attempts.1,
            cases: pair.case_counts.1,
            duration_ms: pair.duration_ms.1,
        },
        still_passing: pair.still_passing,
        cases: pair.cases.iter().map(case_entry).collect(),
        drift: &pair.drift,
        runs: facts.runs(&pair.subject, &pair.target).iter().map(|run| run_entry(run)).collect(),
    }
}

fn case_entry(case: &CaseComparison) -> Case<'_> {
    let keys =
        |attempts: &[Option<Outcome>]| attempts.iter().map(|outcome| outcome.map(outcome_key)).collect();
    Case {
        case: &case.case,
        verdict: verdict_key(case.verdict),
        baseline: keys(&case.baseline),
        candidate: keys(&case.candidate),
        baseline_ms: case.duration_ms.0,
        candidate_ms: case.duration_ms.1,
        cause: case.cause,
        failure: case.failure.as_ref().map(failure_entry),
        baseline_failure: case.baseline_failure.as_ref().map(failure_entry),
    }
}

fn run_entry(run: &UnitResult) -> UnitRun<'_> {
    UnitRun {
        side: match run.unit.side {
            Side::Baseline => "baseline",
            Side::Candidate => "candidate",
        },
        attempt: run.unit.attempt,
        outcome: outcome_key(run.outcome),
        summary: &run.summary,
        started_at: run.started_at.to_string(),
        duration_ms: run.duration_ms,
        overhead_ms: run.overhead_ms,
        cpu_ms: run.cpu_ms,
        memory_peak_bytes: run.memory_peak_bytes,
        invocation: &run.invocation,
        interpreter: run.interpreter.as_deref(),
        commands: run
            .commands
            .iter()
            .map(|command| CommandEntry { command: &command.command, exit_code: command.exit_code })
            .collect(),
        edits: &run.edits,
        proof: proof_key(run.injection.proof),
        proof_summary: &run.injection.summary,
        sightings: run.injection.sightings.iter().map(sighting_entry).collect(),
        inputs: &run.inputs,
        reused_from: run.reused_from.as_ref().map(|run| run.0.as_str()),
        log: run.log.as_ref().map(|log| log.0.as_str()),
        protection: &run.protection,
        reproduce: &run.reproduce,
    }
}

fn sighting_entry(sighting: &Sighting) -> SightingEntry<'_> {
    SightingEntry {
        package: &sighting.package,
        version: &sighting.version,
        digest: &sighting.digest,
        path: &sighting.path,
        process: &sighting.process,
        imported: sighting.imported,
    }
}
