//! One run, read back from its log.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use crate::compare::compare;
use crate::comparison::Comparison;
use crate::error::Result;
use crate::event::{Ending, Event, OutputId, Plan, RunId, RunStarted, UnitId, UnitResult};
use crate::log::{LogProblem, read_head, read_output, visit};

/// All that a run's log says.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run's folder.
    pub dir: Utf8PathBuf,
    /// Its head.
    pub started: RunStarted,
    /// What it set out to do; empty if it was stopped before it knew.
    pub plan: Plan,
    /// Whether it got as far as a plan.
    pub planned: bool,
    /// All results, in the order of the log; see [`Run::latest`].
    pub results: Vec<UnitResult>,
    /// What it warned of.
    pub warnings: Vec<String>,
    /// How it ended; `None` if it is still going on, or was killed.
    pub ending: Option<Ending>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When it was taken up again.
    pub resumed: Vec<Timestamp>,
    /// Units that began and have no result.
    pub in_flight: Vec<UnitId>,
    /// Lines of the log that could not be read.
    pub problems: Vec<LogProblem>,
}

impl Run {
    /// Reads the run in this folder, whether it is finished or not.
    pub fn read(dir: &Utf8Path) -> Result<Self> {
        let mut run = Self {
            dir: dir.to_owned(),
            started: read_head(dir)?,
            plan: Plan::default(),
            planned: false,
            results: Vec::new(),
            warnings: Vec::new(),
            ending: None,
            finished_at: None,
            resumed: Vec::new(),
            in_flight: Vec::new(),
            problems: Vec::new(),
        };
        visit(dir, 0, |_, event| {
            match event {
                Ok(event) => run.take(event),
                Err(problem) => run.problems.push(problem),
            }
            Ok(())
        })?;
        Ok(run)
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::RunStarted(head) => self.started = head,
            Event::Planned(plan) => {
                self.plan = plan;
                self.planned = true;
            }
            Event::UnitStarted { unit, .. } => self.in_flight.push(unit),
            Event::UnitFinished(result) => {
                self.in_flight.retain(|unit| *unit != result.unit);
                self.results.push(*result);
            }
            Event::Warned { message } => self.warnings.push(message),
            Event::RunFinished { at, ending } => {
                self.ending = Some(ending);
                self.finished_at = Some(at);
            }
            Event::RunResumed { at } => {
                self.ending = None;
                self.finished_at = None;
                // What was going on then is not going on now.
                self.in_flight.clear();
                self.resumed.push(at);
            }
        }
    }

    /// Returns the run's name.
    pub fn id(&self) -> &RunId {
        &self.started.run
    }

    /// Returns the result of each unit; of several the one that the log has last.
    pub fn latest(&self) -> BTreeMap<&UnitId, &UnitResult> {
        self.results.iter().map(|result| (&result.unit, result)).collect()
    }

    /// Returns the run, compared.
    pub fn comparison(&self) -> Comparison {
        let results: Vec<UnitResult> = self.latest().into_values().cloned().collect();
        compare(&self.plan, &results)
    }

    /// Returns an output of the run.
    pub fn output(&self, id: &OutputId) -> Result<Vec<u8>> {
        read_output(&self.dir, id)
    }
}
