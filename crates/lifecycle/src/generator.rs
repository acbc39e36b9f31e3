//! Random lives: somebody pokes the units of a model, and they run.
//!
//! All chance comes from one seed, through a generator of numbers that gives the same ones
//! on every platform. A seed also switches kinds of stimuli off (swarm testing), since
//! lives in which everything happens never show what only a few things together do.

mod chance;
mod pick;
mod plan;

use crate::life::{Phase, Step, Target};
use crate::model::Model;
use crate::recorder::Recorder;
use crate::stimulus::{Stimulus, StimulusKind};
use crate::vocabulary::{Name, Outcome};
use crate::world::{Operation, World};
use chance::Chance;
use pick::Swarm;

pub use plan::Plan;

/// After so many steps of the machine with nobody poking it, units that are not idle never
/// will be. Far more than any life needs, so reaching it is a mistake of the machine.
const STEPS_UNTIL_IDLE_MAX: u32 = 10_000_000;

/// Returns the life that `seed` stands for.
pub fn generate(plan: &Plan, seed: u64) -> Vec<Step> {
    let mut life = OneLife::new(plan, seed);
    life.set_up();
    life.operate();
    life.tear_down();
    life.recorder.steps
}

/// A life that is being generated.
#[derive(Debug)]
struct OneLife<'plan> {
    plan: &'plan Plan,
    chance: Chance,
    recorder: Recorder,
    swarm: Swarm,
    /// How many stimuli the phase may still have.
    left: u32,
    /// How often charms may still write in this phase. Each write is news for others, and
    /// without an end to it many units would never come to rest.
    writes_left: u32,
    /// How many steps the machine made since somebody poked it.
    steps: u32,
    /// The units that may have something to do.
    awake: Vec<Name>,
    leads_at_first: bool,
    /// How likely things are in this life, in thousandths.
    fails: u32,
    interrupts: u32,
    pokes: u32,
    writes: u32,
}

impl<'plan> OneLife<'plan> {
    fn new(plan: &'plan Plan, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let fails = if plan.with_failures && chance.happens(500) { chance.below(150) } else { 0 };
        let interrupts = if chance.happens(500) { chance.below(60) } else { 0 };
        let swarm = Swarm::new(&mut chance, plan);
        Self {
            plan,
            recorder: Recorder::new(plan.stage.model()),
            swarm,
            left: plan.stimuli / 2,
            writes_left: plan.stimuli,
            steps: 0,
            awake: Vec::new(),
            leads_at_first: chance.happens(600),
            fails,
            interrupts,
            pokes: 50 + chance.below(400),
            writes: chance.below(600),
            chance,
        }
    }

    fn model(&self) -> &Model {
        &self.recorder.model
    }

    fn set_up(&mut self) {
        for deployment in &self.plan.stage.deployments {
            for number in 0..deployment.units {
                let unit = deployment.application.numbered(number);
                let mut stimulus = self.model().deploy(&unit);
                if let Stimulus::Deploy { leads, .. } = &mut stimulus {
                    // One unit stands for any of its application, be it the leader or not.
                    *leads &= deployment.units > 1 || self.leads_at_first;
                }
                self.poke(Target::Unit(unit), stimulus);
            }
        }
        self.recorder.integrate_at_first(&self.plan.stage, &self.plan.integrations);
        self.run();
    }

    fn operate(&mut self) {
        self.recorder.phase = Phase::Operation;
        self.left = self.plan.stimuli;
        self.writes_left = self.plan.stimuli;
        self.run();
    }

    fn tear_down(&mut self) {
        self.recorder.phase = Phase::Teardown;
        // A unit cannot be removed while its machine's series is upgraded, so that is
        // finished first.
        self.left = 0;
        let paused = self.model().units().iter().filter(|(_, world)| pick::series_upgrade_waits(world));
        let paused: Vec<Name> = paused.map(|(unit, _)| unit.clone()).collect();
        if !paused.is_empty() {
            for unit in paused {
                self.poke(Target::Unit(unit), Stimulus::SeriesUpgradeCompleted);
            }
            self.run();
        }
        self.left = self.plan.stimuli / 4;
        self.writes_left = self.plan.stimuli / 4;
        let mut units: Vec<Name> = self.model().units().keys().cloned().collect();
        while !units.is_empty() {
            let index = self.chance.below(u32::try_from(units.len()).unwrap_or(u32::MAX));
            let unit = units.swap_remove(index as usize);
            self.poke(Target::Unit(unit), Stimulus::RemoveUnit);
        }
        self.run();
    }

    /// Runs until nobody has anything left to do.
    fn run(&mut self) {
        self.wake();
        self.steps = 0;
        while self.steps < STEPS_UNTIL_IDLE_MAX {
            self.steps += 1;
            let count = u32::try_from(self.awake.len()).unwrap_or(u32::MAX);
            if count == 0 {
                // Everybody has come to rest.
                if self.left > 0 && !self.model().units().is_empty() {
                    self.happen();
                } else if !self.cure() {
                    return;
                }
                self.wake();
                continue;
            }
            let index = if count == 1 { 0 } else { self.chance.below(count) as usize };
            let unit = self.awake[index].clone();
            self.advance(&unit, index);
        }
        unreachable!("the units do not come to rest");
    }

    fn wake(&mut self) {
        self.awake.clear();
        self.awake.extend(self.recorder.model.units().keys().cloned());
    }

    /// Lets one unit do something, or something happen to the model.
    fn advance(&mut self, unit: &Name, index: usize) {
        let Some(world) = self.recorder.model.units().get(unit) else {
            self.awake.swap_remove(index);
            return;
        };
        if world.is_running() {
            if self.left > 0 && self.chance.happens(self.pokes / 8) {
                self.happen();
            } else {
                self.end_hook(unit);
            }
            return;
        }
        if self.left > 0 && self.chance.happens(self.pokes) {
            self.happen();
            return;
        }
        let choice = self.chance.number();
        self.recorder.resolve(unit, choice);
        let is_running = self.recorder.model.units().get(unit).is_some_and(World::is_running);
        if !is_running {
            self.awake.swap_remove(index);
        }
    }

    /// Lets something happen, if anything can.
    fn happen(&mut self) {
        self.left -= 1;
        let model = &self.recorder.model;
        let Some((target, stimulus)) = self.swarm.stimulus(self.plan, model, &mut self.chance) else {
            return;
        };
        // Who takes an application down does not scale it up.
        let is_too_late = self.recorder.phase == Phase::Teardown && stimulus.kind() == StimulusKind::Deploy;
        if is_too_late {
            return;
        }
        let is_new_unit = stimulus.kind() == StimulusKind::Deploy;
        self.poke(target, stimulus);
        if is_new_unit {
            self.recorder.meet_principals();
            self.wake();
        }
    }

    /// Does for the idle units what they need to go on, which somebody sees to sooner or
    /// later: a pod, another try of a failed hook, a leader. Returns whether any did.
    fn cure(&mut self) -> bool {
        let mut cures = Vec::new();
        for (unit, world) in self.model().units() {
            cures.push((unit.clone(), world.has_agent(), matches!(world.operation(), Operation::Failed(_))));
        }
        let mut is_cured = false;
        for (unit, has_agent, has_failed) in cures {
            let stimulus = if !has_agent {
                Stimulus::PodStarted
            } else if !has_failed {
                continue;
            } else if self.swarm.has(StimulusKind::ResolveWithoutRetry) && self.chance.happens(250) {
                Stimulus::ResolveWithoutRetry
            } else if self.chance.happens(500) {
                Stimulus::Retry
            } else {
                Stimulus::TimePasses
            };
            is_cured = true;
            self.poke(Target::Unit(unit), stimulus);
        }
        is_cured
    }

    /// Ends the hook that a unit runs, or the agent below it.
    fn end_hook(&mut self, unit: &Name) {
        let Some(world) = self.recorder.model.units().get(unit) else { return };
        if self.left > 0 && self.chance.happens(self.interrupts) {
            self.left -= 1;
            if let Some(stimulus) = self.swarm.interruption(world, &mut self.chance) {
                self.poke(Target::Unit(unit.clone()), stimulus);
                return;
            }
        }
        let outcome = if world.is_shutting_down() && self.chance.happens(500) {
            Outcome::Terminated
        } else if self.chance.happens(self.fails) {
            Outcome::Failed
        } else if self.chance.happens(30) {
            Outcome::Missing
        } else {
            Outcome::Ok
        };
        self.recorder.end(unit, outcome);
        if outcome == Outcome::Ok {
            self.write(unit);
        }
    }

    /// Lets a charm write to a relation, where anybody sees that.
    fn write(&mut self, unit: &Name) {
        let model = &self.recorder.model;
        let hears_itself = self.plan.stage.has_quirks;
        let is_heard = hears_itself || model.has_listeners(unit);
        if !is_heard || self.writes_left == 0 || !self.chance.happens(self.writes) {
            return;
        }
        let Some(world) = model.units().get(unit) else { return };
        let Some(relation) = pick::entered_relation(world, &mut self.chance) else { return };
        let is_app_write = world.leads() && self.chance.happens(500);
        let stimulus =
            if is_app_write { Stimulus::AppWrites { relation } } else { Stimulus::UnitWrites { relation } };
        if self.swarm.has(stimulus.kind()) {
            self.writes_left -= 1;
            self.poke(Target::Unit(unit.clone()), stimulus);
        }
    }

    /// What is impossible just now simply does not happen.
    fn poke(&mut self, target: Target, stimulus: Stimulus) {
        if self.recorder.poke(target, stimulus).is_ok() {
            self.steps = 0;
            self.wake();
        }
    }
}
