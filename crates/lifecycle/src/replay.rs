//! Plays a life again of which steps were taken out or changed, and keeps it valid.
//!
//! A stimulus that is impossible by now is left out. Hooks are never copied: a step that
//! says that a hook ran stands for "the unit runs a hook, if it has one to run", which is
//! the same one where Juju's random order allows that, and ends in the same way.

use std::collections::BTreeSet;

use crate::life::{Happening, Stage, Step};
use crate::machine::{self, Event, Next, choice_of, next_hook};
use crate::recorder::Recorder;
use crate::stimulus::Stimulus;
use crate::vocabulary::{Hook, Marker, Name, Outcome};
use crate::world::{Operation, World};

/// What happens when the steps have been played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Afterwards {
    /// The life ends there.
    Stop,
    /// The units run until they have nothing to do; what failed is tried again.
    Settle,
}

/// Plays steps and returns the life that they make.
pub fn replay(stage: &Stage, steps: &[Step], afterwards: Afterwards) -> Vec<Step> {
    let mut player = Player { recorder: Recorder::new(stage.model()), cut_off: BTreeSet::new() };
    for step in steps {
        player.recorder.phase = player.recorder.phase.max(step.phase);
        player.play(step);
    }
    match afterwards {
        Afterwards::Stop => {}
        Afterwards::Settle => player.settle(),
    }
    player.recorder.steps
}

struct Player {
    recorder: Recorder,
    /// Units of which a stimulus has cut a hook off: the step that says so is done.
    cut_off: BTreeSet<Name>,
}

impl Player {
    fn play(&mut self, step: &Step) {
        match &step.what {
            Happening::Stimulus { target, stimulus } => {
                let before = self.recorder.steps.len();
                // What is impossible now does not happen.
                if self.recorder.poke(target.clone(), stimulus.clone()).is_ok() {
                    let cut_off = self.recorder.steps[before..].iter().filter_map(Step::hook);
                    self.cut_off.extend(cut_off.map(|(unit, _, _)| unit.clone()));
                }
            }
            Happening::Begin { unit, hook } => self.begin(unit, Some(hook)),
            Happening::Hook { unit, hook, outcome, .. } => {
                if self.cut_off.remove(unit) && *outcome == Outcome::Terminated {
                    return;
                }
                self.begin(unit, Some(hook));
                self.end(unit, *outcome);
            }
            // What agents do without a hook is only told by these.
            Happening::Marker {
                unit,
                marker: Marker::UnitRemoved | Marker::AgentExited | Marker::LeaderDeposed,
            } => self.begin_nothing(unit),
            Happening::Marker { .. } => {}
        }
    }

    fn world(&self, unit: &Name) -> Option<&World> {
        self.recorder.model.units().get(unit)
    }

    /// Lets a unit that runs nothing begin the hook, or else the first that it may.
    fn begin(&mut self, unit: &Name, wanted: Option<&Hook>) {
        let Some(world) = self.world(unit).filter(|world| !world.is_running()) else { return };
        let choice = wanted.and_then(|hook| choice_of(world, hook)).unwrap_or(0);
        self.recorder.resolve(unit, choice);
    }

    /// Lets the agent do what it does without a hook, unless a hook follows at once.
    fn begin_nothing(&mut self, unit: &Name) {
        let Some(world) = self.world(unit).filter(|world| !world.is_running()) else { return };
        let mut ahead = world.clone();
        let looks = machine::step(&mut ahead, Event::Resolve { choice: 0 });
        if looks.is_ok() && !ahead.is_running() {
            self.recorder.resolve(unit, 0);
        }
    }

    fn end(&mut self, unit: &Name, outcome: Outcome) {
        let Some(world) = self.world(unit).filter(|world| world.is_running()) else { return };
        let is_possible = outcome != Outcome::Terminated || world.is_shutting_down();
        self.recorder.end(unit, if is_possible { outcome } else { Outcome::Ok });
    }

    fn settle(&mut self) {
        loop {
            let units: Vec<Name> = self.recorder.model.units().keys().cloned().collect();
            let before = self.recorder.steps.len();
            for unit in &units {
                self.settle_unit(unit);
            }
            if self.recorder.steps.len() == before {
                return;
            }
        }
    }

    fn settle_unit(&mut self, unit: &Name) {
        while let Some(world) = self.world(unit) {
            if world.is_running() {
                self.recorder.end(unit, Outcome::Ok);
                continue;
            }
            if next_hook(world, 0) != Next::Wait {
                self.recorder.resolve(unit, 0);
                continue;
            }
            let cure = if !world.has_agent() {
                Stimulus::PodStarted
            } else if matches!(world.operation(), Operation::Failed(_)) {
                Stimulus::Retry
            } else {
                return;
            };
            if self.recorder.poke(crate::life::Target::Unit(unit.clone()), cure).is_err() {
                return;
            }
        }
    }
}
