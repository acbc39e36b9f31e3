//! Moves a model and writes down what it does.

use crate::life::{Happening, Phase, Step, Target};
use crate::machine::Effect;
use crate::model::{IllegalModelEvent, Model, ModelEffect, ModelEvent};
use crate::stimulus::Stimulus;
use crate::vocabulary::{Marker, Name, Outcome};
use crate::world::World;

/// A model, and its life so far.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) model: Model,
    pub(crate) phase: Phase,
    pub(crate) steps: Vec<Step>,
}

impl Recorder {
    pub(crate) fn new(model: Model) -> Self {
        Self { model, phase: Phase::Setup, steps: Vec::new() }
    }

    /// Lets something happen, if it can happen now. Returns whether it did.
    pub(crate) fn poke(&mut self, target: Target, stimulus: Stimulus) -> Result<(), IllegalModelEvent> {
        let leads = target_leads(&self.model, &target);
        let event = ModelEvent::Stimulus { target: target.clone(), stimulus: stimulus.clone() };
        let effects = self.model.step(event)?;
        self.push(Happening::Stimulus { target, stimulus });
        self.record(effects, leads);
        Ok(())
    }

    /// Lets a unit's agent look for what to do.
    pub(crate) fn resolve(&mut self, unit: &Name, choice: u32) {
        let effects = self.model.step(ModelEvent::Resolve { unit: unit.clone(), choice });
        self.record(effects.expect("an agent looks for work while no hook runs"), false);
    }

    /// Ends the hook that a unit runs.
    pub(crate) fn end(&mut self, unit: &Name, outcome: Outcome) {
        let leads = self.model.units().get(unit).is_some_and(World::leads);
        let effects = self.model.step(ModelEvent::HookEnds { unit: unit.clone(), outcome });
        self.record(effects.expect("a hook ends while it runs"), leads);
    }

    fn push(&mut self, what: Happening) {
        self.steps.push(Step { phase: self.phase, what });
    }

    /// Writes down what the units did. `leads` is whether the unit whose hook ends led.
    fn record(&mut self, effects: Vec<ModelEffect>, leads: bool) {
        for ModelEffect { unit, effect } in effects {
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
    }
}

fn target_leads(model: &Model, target: &Target) -> bool {
    match target {
        Target::Unit(unit) => model.units().get(unit).is_some_and(World::leads),
        Target::Application(_) => false,
    }
}
