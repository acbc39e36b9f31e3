//! Several runs made one: the shards of a check, put together again.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use crate::error::{Error, Result};
use crate::event::{
    Ending, Event, Plan, RunId, RunStarted, Side, SubjectId, SubjectRecord, SwapRecord, UnitId, UnitResult,
};
use crate::run::Run;
use crate::store::{RunRef, Store};

impl Store {
    /// Copies the results and outputs of several runs into a new one, whose head
    /// is `head`.
    ///
    /// Of two results of one unit the one that began later counts. Runs with
    /// different swaps, or that tested different files of one charm, are not two
    /// parts of one answer: they are refused. The new run is complete if all of
    /// its parts are.
    pub fn merge(&self, parts: &[RunRef], head: &RunStarted) -> Result<Run> {
        let runs = parts.iter().map(|part| Run::read(&self.find(part)?)).collect::<Result<Vec<Run>>>()?;
        let plan = merged_plan(&runs)?;
        let mut results: BTreeMap<UnitId, (&Run, &UnitResult)> = BTreeMap::new();
        for run in &runs {
            for (unit, result) in run.latest() {
                results
                    .entry(unit.clone())
                    .and_modify(|kept| {
                        if result.started_at >= kept.1.started_at {
                            *kept = (run, result);
                        }
                    })
                    .or_insert((run, result));
            }
        }

        let mut writer = self.create_run(head)?;
        self.append(&mut writer, &Event::Planned(plan))?;
        for run in &runs {
            for message in run.warnings.iter().cloned().chain(run.problems.iter().map(ToString::to_string)) {
                let message = format!("{}: {message}", run.id());
                self.append(&mut writer, &Event::Warned { message })?;
            }
        }
        for (run, result) in results.into_values() {
            let mut result = result.clone();
            if let Some(id) = &result.log
                && let Err(error) = writer.take_output(&run.dir, id)
            {
                // A verdict does not hang on a log that was lost on the way.
                let unit = &result.unit;
                let message = format!(
                    "{}: the log of {} {} ({}) is lost: {error}",
                    run.id(),
                    unit.subject,
                    unit.target,
                    unit.side.word()
                );
                self.append(&mut writer, &Event::Warned { message })?;
                result.log = None;
            }
            self.append(&mut writer, &Event::UnitFinished(Box::new(result)))?;
        }
        let complete = runs.iter().all(|run| run.ending == Some(Ending::Completed));
        let ending = if complete { Ending::Completed } else { Ending::Interrupted };
        self.append(&mut writer, &Event::RunFinished { at: head.at, ending })?;
        let dir: Utf8PathBuf = writer.dir().to_owned();
        drop(writer);
        Run::read(&dir)
    }
}

/// Returns the plan of all the runs together.
fn merged_plan(runs: &[Run]) -> Result<Plan> {
    // A run that was stopped before it had a plan adds nothing to one.
    let planned: Vec<&Run> = runs.iter().filter(|run| run.planned).collect();
    let first = planned.first().or(runs.first().as_ref()).copied().ok_or(Error::NothingToMerge)?;
    for run in &planned {
        check_swaps(first, run, Side::Baseline)?;
        check_swaps(first, run, Side::Candidate)?;
    }
    let mut subjects: BTreeMap<SubjectId, (RunId, SubjectRecord)> = BTreeMap::new();
    let mut targets: Vec<String> = Vec::new();
    let mut missing = BTreeMap::new();
    for run in &planned {
        for target in &run.plan.targets {
            if !targets.contains(target) {
                targets.push(target.clone());
            }
        }
        missing.extend(run.plan.missing.clone());
        for record in &run.plan.subjects {
            let Some((holder, kept)) = subjects.get(&record.id) else {
                subjects.insert(record.id.clone(), (run.id().clone(), record.clone()));
                continue;
            };
            match (&kept.filtered, &record.filtered) {
                (None, None) if kept.tree != record.tree => {
                    return Err(Error::DifferentTrees {
                        first: holder.clone(),
                        second: run.id().clone(),
                        subject: record.id.clone(),
                    });
                }
                (Some(_), None) => {
                    subjects.insert(record.id.clone(), (run.id().clone(), record.clone()));
                }
                (None | Some(_), _) => {}
            }
        }
    }
    // What one shard could not get, another may have had.
    let had: BTreeSet<String> = subjects.values().map(|(_, record)| record.repository.clone()).collect();
    missing.retain(|repository, _| !had.contains(repository));
    Ok(Plan {
        targets,
        subjects: subjects.into_values().map(|(_, record)| record).collect(),
        candidate: first.plan.candidate.clone(),
        baseline: first.plan.baseline.clone(),
        shard: None,
        missing,
    })
}

/// Refuses two runs that swap in different files. Where these came from, and how
/// the user typed it, may differ from machine to machine.
fn check_swaps(first: &Run, second: &Run, side: Side) -> Result<()> {
    let of = |run: &Run| -> BTreeSet<(String, String, String)> {
        swaps(run, side)
            .iter()
            .map(|swap| (swap.package.clone(), swap.version.clone(), swap.digest.clone()))
            .collect()
    };
    if of(first) == of(second) {
        return Ok(());
    }
    let words = |run: &Run| {
        let swaps = swaps(run, side);
        let each: Vec<String> = swaps
            .iter()
            .map(|swap| {
                let digest: String = swap.digest.chars().take(12).collect();
                format!("{} {} ({digest})", swap.package, swap.version)
            })
            .collect();
        if each.is_empty() { "none".to_owned() } else { each.join(", ") }
    };
    Err(Error::DifferentSwaps {
        first: first.id().clone(),
        second: second.id().clone(),
        side: side.word(),
        first_swaps: words(first),
        second_swaps: words(second),
    })
}

fn swaps(run: &Run, side: Side) -> &[SwapRecord] {
    match side {
        Side::Baseline => &run.plan.baseline,
        Side::Candidate => &run.plan.candidate,
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
