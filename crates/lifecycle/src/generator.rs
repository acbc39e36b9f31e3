//! Random lives of a unit: somebody pokes the machine, and it runs.
//!
//! All chance comes from one seed, through a generator of numbers that gives the same ones
//! on every platform. A seed also switches kinds of stimuli off (swarm testing), since
//! lives in which everything happens never show what only a few things together do.

mod chance;
mod pick;

use crate::machine::{Effect, Event, step};
use crate::stimulus::{Actor, Stimulus, StimulusKind};
use crate::vocabulary::{Hook, Marker, Outcome};
use crate::world::{Charm, Life, Operation, Profile, World};
use chance::Chance;

/// A part of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// From the deployment until the unit has started and has nothing to do.
    Setup,
    /// Until somebody removes the unit.
    Operation,
    /// Until the unit is gone.
    Teardown,
}

impl Phase {
    /// Returns the name, as people and formats write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Operation => "operation",
            Self::Teardown => "teardown",
        }
    }
}

/// One step of a life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody did something.
    Stimulus {
        /// When.
        phase: Phase,
        /// Who.
        by: Actor,
        /// What.
        stimulus: Stimulus,
    },
    /// A hook ran.
    Hook {
        /// When.
        phase: Phase,
        /// The hook.
        hook: Hook,
        /// How it ended.
        outcome: Outcome,
    },
    /// The agent's log says something that is no hook.
    Marker {
        /// When.
        phase: Phase,
        /// What.
        marker: Marker,
    },
}

/// What lives are to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which Juju, and on what.
    pub profile: Profile,
    /// The charm.
    pub charm: Charm,
    /// The name of the application.
    pub application: String,
    /// How many stimuli there are in the operation phase, and at most in each other.
    pub stimuli: u32,
    /// Whether hooks may fail.
    pub with_failures: bool,
    /// Kinds that never happen. What a unit cannot live without does: it is deployed and
    /// removed, its pod comes back, and what failed is tried again.
    pub without: Vec<StimulusKind>,
}

/// After so many steps of the machine with nobody poking it, a unit that is not idle never
/// will be. Far more than any life needs, so reaching it is a mistake of the machine.
const STEPS_UNTIL_IDLE_MAX: u32 = 10_000;

/// Returns the life that `seed` stands for.
pub fn generate(plan: &Plan, seed: u64) -> Vec<Step> {
    let mut life = OneLife::new(plan, seed);
    life.poke(Stimulus::Deploy { leads: life.leads_at_first });
    life.run_phase();
    life.phase = Phase::Operation;
    life.left = plan.stimuli;
    life.run_phase();
    life.phase = Phase::Teardown;
    life.left = plan.stimuli / 4;
    life.finish_series_upgrade();
    life.poke(Stimulus::RemoveUnit);
    life.run_phase();
    life.steps
}

/// A life that is being generated.
#[derive(Debug)]
struct OneLife {
    chance: Chance,
    world: World,
    phase: Phase,
    /// How many stimuli the phase may still have.
    left: u32,
    enabled: Vec<StimulusKind>,
    leads_at_first: bool,
    /// How likely things are in this life, in thousandths.
    fails: u32,
    interrupts: u32,
    pokes: u32,
    steps: Vec<Step>,
}

impl OneLife {
    fn new(plan: &Plan, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let fails = if plan.with_failures && chance.happens(500) { chance.below(150) } else { 0 };
        let interrupts = if chance.happens(500) { chance.below(60) } else { 0 };
        let enabled = pick::swarm(&mut chance, &plan.without);
        Self {
            world: World::new(plan.profile, plan.charm.clone(), &plan.application),
            phase: Phase::Setup,
            left: plan.stimuli / 2,
            enabled,
            leads_at_first: chance.happens(600),
            fails,
            interrupts,
            pokes: 50 + chance.below(400),
            steps: Vec::new(),
            chance,
        }
    }

    /// Runs until the phase's stimuli are used up and the unit has nothing to do.
    fn run_phase(&mut self) {
        let mut steps_left = STEPS_UNTIL_IDLE_MAX;
        while steps_left > 0 && self.world.life() != Life::Dead {
            steps_left -= 1;
            if self.world.is_running() {
                self.end_hook();
                continue;
            }
            if self.left > 0 && self.chance.happens(self.pokes) {
                self.happen();
                continue;
            }
            let choice = self.chance.number();
            self.drive(Event::Resolve { choice });
            if self.world.is_running() || self.world.life() == Life::Dead {
                continue;
            }
            // The unit has nothing to do.
            if self.left > 0 {
                self.happen();
            } else if let Some(stimulus) = self.cure() {
                self.poke(stimulus);
            } else {
                return;
            }
        }
    }

    /// Lets something happen, if anything can.
    fn happen(&mut self) {
        self.left -= 1;
        if let Some(stimulus) = pick::stimulus(&self.world, &self.enabled, &mut self.chance) {
            self.poke(stimulus);
        }
    }

    /// Returns what an idle unit needs to go on, which somebody sees to sooner or later: a
    /// pod, or another try of its failed hook.
    fn cure(&mut self) -> Option<Stimulus> {
        if !self.world.has_agent() {
            return Some(Stimulus::PodStarted);
        }
        match self.world.operation() {
            Operation::Continue | Operation::Queued(_) => None,
            Operation::Failed(_)
                if self.may(StimulusKind::ResolveWithoutRetry) && self.chance.happens(250) =>
            {
                Some(Stimulus::ResolveWithoutRetry)
            }
            Operation::Failed(_) if self.chance.happens(500) => Some(Stimulus::Retry),
            Operation::Failed(_) => Some(Stimulus::TimePasses),
        }
    }

    fn may(&self, kind: StimulusKind) -> bool {
        self.enabled.contains(&kind)
    }

    /// Ends the hook that runs, or the agent below it.
    fn end_hook(&mut self) {
        if self.left > 0 && self.chance.happens(self.interrupts) {
            self.left -= 1;
            if let Some(stimulus) = pick::interruption(&self.world, &self.enabled, &mut self.chance) {
                self.poke(stimulus);
                return;
            }
        }
        let outcome = if self.world.agent.is_shutting_down && self.chance.happens(500) {
            Outcome::Terminated
        } else if self.chance.happens(self.fails) {
            Outcome::Failed
        } else if self.chance.happens(30) {
            Outcome::Missing
        } else {
            Outcome::Ok
        };
        self.drive(Event::HookEnds { outcome });
    }

    /// A unit cannot be removed while its machine's series is upgraded, so that is finished.
    fn finish_series_upgrade(&mut self) {
        if pick::series_upgrade_waits(&self.world) {
            self.poke(Stimulus::SeriesUpgradeCompleted);
            let left = std::mem::take(&mut self.left);
            self.run_phase();
            self.left = left;
        }
    }

    fn poke(&mut self, stimulus: Stimulus) {
        let by = stimulus.kind().by();
        let effects = step(&mut self.world, Event::Stimulus(stimulus.clone()));
        // What is impossible just now simply does not happen.
        if let Ok(effects) = effects {
            self.steps.push(Step::Stimulus { phase: self.phase, by, stimulus });
            self.record(effects);
        }
    }

    fn drive(&mut self, event: Event) {
        let effects = step(&mut self.world, event);
        self.record(effects.expect("a hook ends when one runs, and the agent looks when none does"));
    }

    fn record(&mut self, effects: Vec<Effect>) {
        let phase = self.phase;
        self.steps.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Ended { hook, outcome } => Some(Step::Hook { phase, hook, outcome }),
            Effect::Mark(marker) => Some(Step::Marker { phase, marker }),
            Effect::Begin(_) | Effect::AgentExited | Effect::UnitDied => None,
        }));
    }
}
