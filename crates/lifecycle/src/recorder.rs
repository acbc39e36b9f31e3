//! Moves a model and writes down what it does.

use crate::life::{Happening, Phase, Step, Target};
use crate::machine::Effect;
use crate::model::{IllegalModelEvent, Model, ModelEffect, ModelEvent};
use crate::stimulus::Stimulus;
use crate::vocabulary::{Marker, Name, Outcome};
use crate::world::World;

/// How many steps a list has room for at first. Steps are large, and moving them costs.
const STEPS_USUAL: usize = 256;

/// A model, and its life so far.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) model: Model,
    pub(crate) phase: Phase,
    pub(crate) steps: Vec<Step>,
    /// Empty between steps.
    effects: Vec<ModelEffect>,
}

impl Recorder {
    pub(crate) fn new(model: Model) -> Self {
        Self { model, phase: Phase::Setup, steps: Vec::with_capacity(STEPS_USUAL), effects: Vec::new() }
    }

    /// Lets something happen, if it can happen now. Returns whether it did.
    pub(crate) fn poke(&mut self, target: Target, stimulus: Stimulus) -> Result<(), IllegalModelEvent> {
        let leads = target_leads(&self.model, &target);
        let event = ModelEvent::Stimulus { target: target.clone(), stimulus: stimulus.clone() };
        self.effects.clear();
        self.model.step_into(event, &mut self.effects)?;
        self.push(Happening::Stimulus { target, stimulus });
        self.record(leads);
        Ok(())
    }

    /// Lets a unit's agent look for what to do.
    pub(crate) fn resolve(&mut self, unit: &Name, choice: u32) {
        let event = ModelEvent::Resolve { unit: unit.clone(), choice };
        let done = self.model.step_into(event, &mut self.effects);
        done.expect("an agent looks for work while no hook runs");
        self.record(false);
    }

    /// Ends the hook that a unit runs.
    pub(crate) fn end(&mut self, unit: &Name, outcome: Outcome) {
        let leads = self.model.units().get(unit).is_some_and(World::leads);
        let event = ModelEvent::HookEnds { unit: unit.clone(), outcome };
        let done = self.model.step_into(event, &mut self.effects);
        done.expect("a hook ends while it runs");
        self.record(leads);
    }

    fn push(&mut self, what: Happening) {
        self.steps.push(Step { phase: self.phase, what });
    }

    /// Writes down what the units did. `leads` is whether the unit whose hook ends led.
    fn record(&mut self, leads: bool) {
        let mut effects = std::mem::take(&mut self.effects);
        for ModelEffect { unit, effect } in effects.drain(..) {
            match effect {
                Effect::Begin(hook) => self.push(Happening::Begin { unit, hook }),
                Effect::Ended { hook, outcome } => {
                    // That it began is only worth telling if something came in between.
                    self.steps.pop_if(
                        |last| matches!(&last.what, Happening::Begin { unit: begun, .. } if *begun == unit),
                    );
                    self.push(Happening::Hook { unit, hook, outcome, leads });
                }
                Effect::Mark(marker) => self.push(Happening::Marker { unit, marker }),
                Effect::UnitDied => self.push(Happening::Marker { unit, marker: Marker::UnitRemoved }),
                Effect::AgentExited => self.push(Happening::Marker { unit, marker: Marker::AgentExited }),
            }
        }
        self.effects = effects;
    }
}

fn target_leads(model: &Model, target: &Target) -> bool {
    match target {
        Target::Unit(unit) => model.units().get(unit).is_some_and(World::leads),
        Target::Application(_) => false,
    }
}
