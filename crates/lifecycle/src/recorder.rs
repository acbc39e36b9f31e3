//! Moves a model and writes down what it does.

use crate::life::{Deployment, Happening, Integration, Phase, Stage, Step, Target};
use crate::machine::Effect;
use crate::model::{IllegalModelEvent, Model, UnitEffect, number_of};
use crate::stimulus::Stimulus;
use crate::vocabulary::{Marker, Name, Outcome};
use crate::world::{Endpoint, Role, World};

/// How many steps a list has room for at first. Steps are large, and moving them costs.
const STEPS_USUAL: usize = 256;

/// A model, and its life so far.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) model: Model,
    pub(crate) phase: Phase,
    pub(crate) steps: Vec<Step>,
    /// Empty between steps.
    effects: Vec<UnitEffect>,
}

impl Recorder {
    pub(crate) fn new(model: Model) -> Self {
        Self { model, phase: Phase::Setup, steps: Vec::with_capacity(STEPS_USUAL), effects: Vec::new() }
    }

    /// Lets something happen, if it can happen now. Returns whether it did.
    pub(crate) fn poke(&mut self, target: Target, stimulus: Stimulus) -> Result<(), IllegalModelEvent> {
        let leads = target_leads(&self.model, &target);
        self.effects.clear();
        self.model.stimulus(&target, stimulus.clone(), &mut self.effects)?;
        self.push(Happening::Stimulus { target, stimulus });
        self.record(leads);
        Ok(())
    }

    /// Integrates what is integrated with the deployment: what is asked for, and subordinate
    /// charms with a principal, without which they would have no unit (R49).
    pub(crate) fn integrate_at_first(&mut self, stage: &Stage, asked: &[Integration]) {
        for integration in asked.iter().cloned().chain(principals(stage, asked)) {
            let Integration { application, endpoint, remote_app, remote_endpoint } = integration;
            let relation = self.model.next_relation();
            let stimulus = Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint };
            // What is impossible does not happen.
            let _ = self.poke(Target::Application(application), stimulus);
        }
        self.meet_principals();
    }

    /// Lets each subordinate unit have the unit that it lives beside (R49).
    pub(crate) fn meet_principals(&mut self) {
        let mut meetings = Vec::new();
        for (unit, world) in self.model.units() {
            for (relation, known) in world.relations.iter().filter(|(_, known)| known.is_container_scoped) {
                let unit = Name::of(format_args!("{}/{}", known.remote_app, number_of(unit)));
                let target = Target::Application(world.application().clone());
                meetings.push((target, Stimulus::RemoteUnitJoins { relation: *relation, unit }));
            }
        }
        for (target, stimulus) in meetings {
            // One that has met already does not meet again.
            let _ = self.poke(target, stimulus);
        }
    }

    /// Lets a unit's agent look for what to do.
    pub(crate) fn resolve(&mut self, unit: &Name, choice: u32) {
        let done = self.model.resolve(unit, choice, &mut self.effects);
        done.expect("an agent looks for work while no hook runs");
        self.record(false);
    }

    /// Ends the hook that a unit runs.
    pub(crate) fn end(&mut self, unit: &Name, outcome: Outcome) {
        let leads = self.model.units().get(unit).is_some_and(World::leads);
        let done = self.model.end(unit, outcome, &mut self.effects);
        done.expect("a hook ends while it runs");
        self.record(leads);
    }

    fn push(&mut self, what: Happening) {
        self.steps.push(Step { phase: self.phase, what });
    }

    /// Writes down what the units did. `leads` is whether the unit whose hook ends led.
    fn record(&mut self, leads: bool) {
        if self.effects.is_empty() {
            return;
        }
        let mut effects = std::mem::take(&mut self.effects);
        for UnitEffect { unit, effect } in effects.drain(..) {
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

/// Returns what subordinate charms are integrated with that nobody integrates with a
/// principal.
fn principals<'a>(stage: &'a Stage, asked: &'a [Integration]) -> impl Iterator<Item = Integration> + 'a {
    let subordinates = stage.deployments.iter().filter(|deployment| deployment.charm.is_subordinate);
    subordinates.filter_map(|Deployment { application, charm, .. }| {
        let is_tie = |endpoint: &&Endpoint| endpoint.is_container_scoped && endpoint.role == Role::Requires;
        let is_asked = |endpoint: &Endpoint| {
            let is_it =
                |asked: &Integration| asked.application == *application && asked.endpoint == endpoint.name;
            asked.iter().any(is_it)
        };
        let mut ties = charm.endpoints.iter().filter(is_tie);
        if ties.clone().any(is_asked) {
            return None;
        }
        Some(Integration {
            application: application.clone(),
            endpoint: ties.next()?.name.clone(),
            remote_app: "principal".into(),
            remote_endpoint: None,
        })
    })
}

fn target_leads(model: &Model, target: &Target) -> bool {
    match target {
        Target::Unit(unit) => model.units().get(unit).is_some_and(World::leads),
        Target::Application(_) => false,
    }
}
