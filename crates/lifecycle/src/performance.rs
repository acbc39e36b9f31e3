//! Plays the steps of a life with charms that decide for themselves.
//!
//! The steps are a script: who does what, in which order, and when each unit looks for work.
//! What the charms make of it is up to a [`Cast`], such as the agent with real code, or
//! the script itself ([`replay`](crate::replay)). A stimulus that is impossible by now is left
//! out. Hooks are never copied: a step that says that a hook ran stands for "the unit runs a
//! hook, if it has one to run", which is the same one where Juju's random order allows that.

use std::collections::BTreeSet;

use crate::life::{Happening, Stage, Step, Target};
use crate::machine::{self, Event, Next, choice_of, next_hook};
use crate::model::Model;
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

/// How a hook ended, and what the charm did that others notice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ending {
    /// How it ended.
    pub outcome: Outcome,
    /// What the charm did, in its order. What is impossible does not happen.
    pub deeds: Vec<Stimulus>,
}

/// Who plays the charms of a life.
pub trait Cast {
    /// Returns what really happens of what the script says, if anything does.
    fn adapt(&mut self, model: &Model, target: &Target, stimulus: &Stimulus) -> Option<Stimulus>;

    /// Something happened; `model` has it already.
    fn happened(&mut self, model: &Model, target: &Target, stimulus: &Stimulus);

    /// A unit begins a hook.
    fn begin(&mut self, model: &Model, unit: &Name, hook: &Hook);

    /// The hook that a unit runs ends. `scripted` is how it does in the script, and
    /// [`Outcome::Terminated`] only where the agent was told to go.
    fn end(&mut self, model: &Model, unit: &Name, hook: &Hook, scripted: Outcome) -> Ending;

    /// The hook that a unit runs is cut off: nothing of it counts.
    fn cut_off(&mut self, unit: &Name, hook: &Hook);

    /// A unit has run its last hook, and is no more.
    fn gone(&mut self, model: &Model, unit: &Name);

    /// Whether the life goes on. One that does not is left as it is.
    fn goes_on(&self) -> bool;
}

/// Plays steps and returns the life that they make.
pub fn perform(stage: &Stage, steps: &[Step], afterwards: Afterwards, cast: &mut dyn Cast) -> Vec<Step> {
    let mut player = Player { recorder: Recorder::new(stage.model()), cast, cut_off: BTreeSet::new() };
    for step in steps {
        if !player.cast.goes_on() {
            return player.recorder.steps;
        }
        player.recorder.phase = player.recorder.phase.max(step.phase);
        player.play(step);
    }
    match afterwards {
        Afterwards::Stop => {}
        Afterwards::Settle => player.settle(),
    }
    player.recorder.steps
}

struct Player<'a> {
    recorder: Recorder,
    cast: &'a mut dyn Cast,
    /// Units of which a stimulus has cut a hook off: the step that says so is done.
    cut_off: BTreeSet<Name>,
}

impl Player<'_> {
    fn play(&mut self, step: &Step) {
        match &step.what {
            Happening::Stimulus { target, stimulus } => {
                let cut_off = self.poke(target, stimulus);
                self.cut_off.extend(cut_off);
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

    /// Lets something happen, unless it is impossible now. Returns the units of which it cut
    /// a hook off.
    fn poke(&mut self, target: &Target, stimulus: &Stimulus) -> Vec<Name> {
        let Some(stimulus) = self.cast.adapt(&self.recorder.model, target, stimulus) else {
            return Vec::new();
        };
        let before = self.recorder.steps.len();
        if self.recorder.poke(target.clone(), stimulus.clone()).is_err() {
            return Vec::new();
        }
        let ended = self.recorder.steps[before..].iter().filter_map(Step::hook);
        let ended: Vec<(Name, Hook)> = ended.map(|(unit, hook, _)| (unit.clone(), hook.clone())).collect();
        for (unit, hook) in &ended {
            self.cast.cut_off(unit, hook);
        }
        self.cast.happened(&self.recorder.model, target, &stimulus);
        ended.into_iter().map(|(unit, _)| unit).collect()
    }

    /// Lets a unit that runs nothing begin the hook, or else the first that it may.
    fn begin(&mut self, unit: &Name, wanted: Option<&Hook>) {
        let Some(world) = self.world(unit).filter(|world| !world.is_running()) else { return };
        let choice = wanted.and_then(|hook| choice_of(world, hook)).unwrap_or(0);
        self.resolve(unit, choice);
    }

    fn resolve(&mut self, unit: &Name, choice: u32) {
        self.recorder.resolve(unit, choice);
        let Some(world) = self.world(unit) else {
            self.cast.gone(&self.recorder.model, unit);
            return;
        };
        if let Some(hook) = world.running().cloned() {
            self.cast.begin(&self.recorder.model, unit, &hook);
        }
    }

    /// Lets the agent do what it does without a hook, unless a hook follows at once.
    fn begin_nothing(&mut self, unit: &Name) {
        let Some(world) = self.world(unit).filter(|world| !world.is_running()) else { return };
        let mut ahead = world.clone();
        let looks = machine::step(&mut ahead, Event::Resolve { choice: 0 });
        if looks.is_ok() && !ahead.is_running() {
            self.resolve(unit, 0);
        }
    }

    fn end(&mut self, unit: &Name, scripted: Outcome) {
        let Some(world) = self.world(unit) else { return };
        let Some(hook) = world.running().cloned() else { return };
        let is_possible = scripted != Outcome::Terminated || world.is_shutting_down();
        let scripted = if is_possible { scripted } else { Outcome::Ok };
        let Ending { outcome, deeds } = self.cast.end(&self.recorder.model, unit, &hook, scripted);
        // A charm that reboots its machine does it while its hook runs.
        let (during, after): (Vec<_>, Vec<_>) =
            deeds.into_iter().partition(|deed| matches!(deed, Stimulus::CharmReboots { .. }));
        for deed in during {
            self.do_deed(unit, &deed);
        }
        if !self.world(unit).is_some_and(World::is_running) {
            return;
        }
        self.recorder.end(unit, outcome);
        for deed in after {
            self.do_deed(unit, &deed);
        }
    }

    /// What a charm did is told to the others. What is impossible by now does not happen.
    fn do_deed(&mut self, unit: &Name, deed: &Stimulus) {
        let target = Target::Unit(unit.clone());
        if self.recorder.poke(target.clone(), deed.clone()).is_ok() {
            self.cast.happened(&self.recorder.model, &target, deed);
        }
    }

    fn settle(&mut self) {
        loop {
            let units: Vec<Name> = self.recorder.model.units().keys().cloned().collect();
            let before = self.recorder.steps.len();
            for unit in &units {
                self.settle_unit(unit);
            }
            if self.recorder.steps.len() == before || !self.cast.goes_on() {
                return;
            }
        }
    }

    fn settle_unit(&mut self, unit: &Name) {
        while let Some(world) = self.world(unit).filter(|_| self.cast.goes_on()) {
            if world.is_running() {
                self.end(unit, Outcome::Ok);
                continue;
            }
            if next_hook(world, 0) != Next::Wait {
                self.resolve(unit, 0);
                continue;
            }
            let cure = if !world.has_agent() {
                Stimulus::PodStarted
            } else if matches!(world.operation(), Operation::Failed(_)) {
                Stimulus::Retry
            } else {
                return;
            };
            let before = self.recorder.steps.len();
            self.poke(&Target::Unit(unit.clone()), &cure);
            if self.recorder.steps.len() == before {
                return;
            }
        }
    }
}
