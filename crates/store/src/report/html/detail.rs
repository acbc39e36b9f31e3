//! Fills what unfolds under a row of the charms table.

use crate::comparison::{CaseComparison, PairComparison, SUITE};
use crate::event::{Failure as Said, Proof, Side, Sighting, UnitResult};
use crate::outcome::Outcome;
use crate::report::facts::{Facts, is_silent};
use crate::report::html::allowance::{Allowance, cost};
use crate::report::html::context::{command, name, outcome, sentence};
use crate::report::html::model;
use crate::report::logs::{around_error, diff_of_logs};
use crate::report::text::{clean_line, shell_quote};
use crate::report::words::{
    Meaning, bytes, case_words, duration, duration_or, proof_words, short_digest, verdict_meaning,
    verdict_tone,
};
use crate::verdict::Verdict;

/// How many entries of each list are shown.
const CASES: usize = 100;
const RUNS: usize = 20;
const COMMANDS: usize = 30;
const EDITS: usize = 40;
const DRIFT: usize = 60;
const SIGHTINGS: usize = 12;
const FRAMES: usize = 12;

/// How many lines of a log and of a difference are shown.
const LOG_LINES: usize = 150;
const DIFF_LINES: usize = 300;

/// Whether the page holds the logs of a pair. It does not for pairs that are as
/// they were, or that had nothing to run: nobody reads them.
pub(super) fn shows_logs(pair: &PairComparison) -> bool {
    match pair.verdict {
        Verdict::StillPassing | Verdict::Unaffected => false,
        _ => pair.baseline.is_some() || pair.candidate.is_some(),
    }
}

/// Returns all that is shown of a pair.
pub(super) fn of(facts: &Facts<'_>, pair: &PairComparison, allowance: &mut Allowance) -> model::Detail {
    let runs = facts.runs(&pair.subject, &pair.target);
    let share = allowance.share();
    let first = |side| facts.run(&pair.subject, &pair.target, side, 0);
    let sides: Vec<&UnitResult> = [Side::Baseline, Side::Candidate].into_iter().filter_map(first).collect();
    let (cases, more_cases) = cases(pair, allowance, share * 2 / 5);
    let run = shell_quote(&clean_line(&facts.report.started.run.0));
    let charm = shell_quote(&clean_line(&pair.subject.0));
    model::Detail {
        meaning: verdict_meaning(pair.verdict),
        reproduce: sides
            .iter()
            .filter(|run| !run.reproduce.is_empty())
            .map(|run| model::SideLine { side: run.unit.side.word(), line: command(&run.reproduce) })
            .collect(),
        cases,
        more_cases,
        still_passing: pair.still_passing,
        runs: runs.iter().take(RUNS).map(|run| unit_run(run)).collect(),
        proofs: sides.iter().map(|run| proof(run)).collect(),
        commands: commands(&sides),
        edits: edits(&sides),
        drift: pair.drift.iter().take(DRIFT).map(|line| name(line)).collect(),
        logs: shows_logs(pair).then(|| logs(facts, pair, allowance, share * 3 / 5)),
        show: command(&format!("charmproof show {run} {charm}")),
    }
}

/// The cases that fit into `room`, and how many do not.
fn cases(pair: &PairComparison, allowance: &mut Allowance, room: usize) -> (Vec<model::Case>, usize) {
    /// What the markup of one case takes.
    const MARKUP: usize = 700;
    let mut shown = Vec::new();
    let mut used = 0;
    for case in pair.cases.iter().take(CASES) {
        if used > room && shown.len() >= 3 {
            break;
        }
        // Much is said of the first cases; later ones mostly repeat it.
        let most = if shown.len() < 5 { room / 5 } else { room / 20 };
        let entry = one_case(case, allowance, most.min(6_000));
        used += MARKUP + cost(&entry.name);
        used += entry.failure.as_ref().map_or(0, |failure| cost(&failure.excerpt));
        shown.push(entry);
    }
    let more = pair.cases.len() - shown.len();
    (shown, more)
}

fn one_case(case: &CaseComparison, allowance: &mut Allowance, most: usize) -> model::Case {
    model::Case {
        name: if case.case == SUITE { "the suite as a whole".into() } else { name(&case.case) },
        words: case_words(case.verdict),
        tone: verdict_tone(case.verdict).key(),
        baseline: attempts(&case.baseline),
        candidate: attempts(&case.candidate),
        time: match case.duration_ms {
            (None | Some(0), None | Some(0)) => "–".into(),
            (before, after) => {
                format!("{} → {}", duration_or(before, "–"), duration_or(after, "–"))
            }
        },
        cause: case.cause.map(|at| at + 1),
        without: case
            .baseline_failure
            .as_ref()
            .map_or_else(String::new, |said| sentence(&format!("{}: {}", said.exception, said.message))),
        failure: case.failure.as_ref().map(|said| failure(said, allowance, most)),
    }
}

/// Outcomes of all attempts, with repetitions counted.
fn attempts(all: &[Option<Outcome>]) -> Vec<model::Outcome> {
    let runs = all.chunk_by(|a, b| a == b);
    runs.map(|same| outcome(same[0], same.len(), "absent")).collect()
}

/// What a suite said, at most `most` bytes of its excerpt.
pub(super) fn failure(said: &Said, allowance: &mut Allowance, most: usize) -> model::Failure {
    let exception = name(&said.exception);
    let message = sentence(&said.message);
    model::Failure {
        said: match (exception.is_empty(), message.is_empty()) {
            (false, false) => format!("{exception}: {message}"),
            (false, true) => exception,
            (true, _) => message,
        },
        frames: said
            .frames
            .iter()
            // The innermost frames are where it happened.
            .skip(said.frames.len().saturating_sub(FRAMES))
            .map(|frame| model::Frame {
                place: format!("{}:{}", name(&frame.file), frame.line),
                function: name(&frame.function),
                package: frame.package.as_deref().map(name),
            })
            .collect(),
        excerpt: allowance.end_of(around_error(said, 80), 80, most),
    }
}

fn unit_run(run: &UnitResult) -> model::UnitRun {
    model::UnitRun {
        side: run.unit.side.word(),
        attempt: run.unit.attempt + 1,
        outcome: outcome(Some(run.outcome), 1, ""),
        summary: sentence(&run.summary),
        time: duration(run.duration_ms),
        cpu: duration(run.cpu_ms),
        memory: run.memory_peak_bytes.map_or_else(|| "–".into(), bytes),
        interpreter: run.interpreter.as_deref().map_or_else(|| "–".into(), name),
        invocation: command(&run.invocation),
        reused_from: run.reused_from.as_ref().map(|run| name(&run.0)),
    }
}

fn proof(run: &UnitResult) -> model::Proof {
    let injection = &run.injection;
    let tone = match injection.proof {
        Proof::InProcess => Meaning::Good,
        Proof::Missing => Meaning::Warn,
        Proof::NotNeeded | Proof::Installed | Proof::NotUsed => Meaning::Quiet,
    };
    model::Proof {
        side: run.unit.side.word(),
        words: proof_words(injection.proof),
        tone: tone.key(),
        summary: sentence(&injection.summary),
        sightings: injection.sightings.iter().take(SIGHTINGS).map(sighting).collect(),
    }
}

fn sighting(sighting: &Sighting) -> model::Sighting {
    model::Sighting {
        package: name(&sighting.package),
        version: if sighting.version.is_empty() { "absent".into() } else { name(&sighting.version) },
        digest: short_digest(&clean_line(&sighting.digest)),
        path: name(&sighting.path),
        seen: match (sighting.process.is_empty(), sighting.imported) {
            (true, _) => "after the install".into(),
            (false, true) => format!("imported by {}", name(&sighting.process)),
            (false, false) => format!("by {}", name(&sighting.process)),
        },
    }
}

/// The commands of both sides, once where they agree.
fn commands(sides: &[&UnitResult]) -> Vec<model::SideCommands> {
    let lists: Vec<(&'static str, Vec<model::Command>)> = sides
        .iter()
        .map(|run| {
            let shown = run.commands.iter().take(COMMANDS).map(|each| model::Command {
                line: command(&each.command),
                exit: each.exit_code.map_or_else(|| "no exit status".into(), |code| format!("exit {code}")),
                tone: if each.exit_code == Some(0) { Meaning::Quiet } else { Meaning::Bad }.key(),
            });
            (run.unit.side.word(), shown.collect())
        })
        .collect();
    let lists = once(lists).into_iter();
    lists.map(|(side, commands)| model::SideCommands { side, commands }).collect()
}

/// What was changed in the copies, once where both sides agree.
fn edits(sides: &[&UnitResult]) -> Vec<model::SideLines> {
    let lists: Vec<(&'static str, Vec<String>)> = sides
        .iter()
        .map(|run| {
            let shown = run.edits.iter().take(EDITS).map(|line| sentence(line));
            (run.unit.side.word(), shown.collect())
        })
        .collect();
    let lists = once(lists).into_iter();
    lists.map(|(side, lines)| model::SideLines { side, lines }).collect()
}

/// Drops empty lists, and merges two lists that agree.
fn once<T: PartialEq>(mut lists: Vec<(&'static str, Vec<T>)>) -> Vec<(&'static str, Vec<T>)> {
    if let [(_, first), (_, second)] = lists.as_slice()
        && first == second
    {
        lists.pop();
        lists[0].0 = "both sides";
    }
    lists.retain(|(_, list)| !list.is_empty());
    lists
}

/// The ends of both logs and how they differ, in at most `room` bytes.
fn logs(facts: &Facts<'_>, pair: &PairComparison, allowance: &mut Allowance, room: usize) -> model::Logs {
    let log = |side| {
        let run = facts.run(&pair.subject, &pair.target, side, 0)?;
        facts.log(run)
    };
    let (before, after) = (log(Side::Baseline), log(Side::Candidate));
    let diff = match (&before, &after) {
        // Where nothing is known, how two failures differ helps nobody.
        (Some(before), Some(after)) if !is_silent(pair) => {
            Some(diff_lines(&diff_of_logs(before, after, DIFF_LINES), allowance, room / 2))
        }
        _ => None,
    };
    model::Logs {
        diff,
        candidate: after.map(|log| allowance.end_of(&log, LOG_LINES, room / 3)),
        baseline: before.map(|log| allowance.end_of(&log, LOG_LINES, room / 6)),
    }
}

/// The lines of a difference that fit into `room`.
fn diff_lines(diff: &str, allowance: &mut Allowance, room: usize) -> Vec<model::DiffLine> {
    /// What the markup of one line takes.
    const MARKUP: usize = 24;
    let mut used = 0;
    let mut lines = Vec::new();
    for line in diff.lines().skip(2) {
        used += MARKUP + cost(line);
        if used > room {
            lines.push(model::DiffLine { kind: "hunk", text: "… more lines of difference".into() });
            break;
        }
        allowance.spend(line);
        let kind = match line.as_bytes().first() {
            Some(b'+') => "added",
            Some(b'-') => "gone",
            Some(b'@') => "hunk",
            _ => "same",
        };
        lines.push(model::DiffLine { kind, text: line.to_owned() });
    }
    lines
}
