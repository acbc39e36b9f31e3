//! The unit's state machine: which hook the agent runs next, and what a hook changes.
//!
//! Hooks are never put into a sequence; they follow from the state of the [`World`]. An
//! [`Event`] goes in and [`Effect`]s come out. Nothing here knows of the judge.

mod commit;
mod hooks;
mod resolve;
mod restart;
mod stimuli;

use smol_str::SmolStr;
use thiserror::Error;

use crate::stimulus::Stimulus;
use crate::vocabulary::{Hook, HookKind, JujuVersion, Marker, Name, Outcome, Platform, Scope};
use crate::world::{Life, Operation, World};

pub use resolve::{Next, choice_of, next_hook, next_hooks};

/// Something that moves the machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Something happens to the unit.
    Stimulus(Stimulus),
    /// The agent looks for what to do. Where Juju's own order is random, `choice` decides.
    Resolve {
        /// Any number; all of its range counts.
        choice: u32,
    },
    /// The hook that runs ends.
    HookEnds {
        /// How it ends.
        outcome: Outcome,
    },
}

/// Something that the machine did, for who runs it to act on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The hook is to run now.
    Begin(Hook),
    /// The hook ended. What the charm wrote counts if the outcome is a committed one, and
    /// is forgotten if not (R91).
    Ended {
        /// The hook.
        hook: Hook,
        /// How it ended.
        outcome: Outcome,
    },
    /// Something that the agent's log says and that is no hook.
    Mark(Marker),
    /// The agent's process ended, and somebody has to start it again.
    AgentExited,
    /// The unit is gone.
    UnitDied,
}

/// Something that a unit did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnitEffect {
    /// The unit.
    pub unit: Name,
    /// What it did.
    pub effect: Effect,
}

/// A list that grows by what one unit does.
struct Effects<'list> {
    unit: Name,
    list: &'list mut Vec<UnitEffect>,
}

impl Effects<'_> {
    fn push(&mut self, effect: Effect) {
        self.list.push(UnitEffect { unit: self.unit.clone(), effect });
    }
}

/// Why something cannot happen now. The world is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum IllegalEvent {
    /// The unit does not exist yet.
    #[error("the unit is not deployed")]
    NotDeployed,
    /// The unit exists.
    #[error("the unit is deployed already")]
    AlreadyDeployed,
    /// The unit is no more.
    #[error("the unit is gone")]
    UnitGone,
    /// The unit is on its way out.
    #[error("the unit is being removed")]
    UnitDying,
    /// The unit waits for the end of a series upgrade.
    #[error("the machine's series is being upgraded")]
    SeriesUpgrading,
    /// The unit has not come far enough.
    #[error("the unit has not run `{}`", .0.suffix())]
    NotYet(HookKind),
    /// This Juju does not have it.
    #[error("Juju {0} does not do this")]
    NotInVersion(JujuVersion),
    /// This platform does not have it.
    #[error("this does not happen on {0}")]
    NotOnPlatform(Platform),
    /// The unit has nothing of this name.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What it would be: a relation, a storage.
        what: &'static str,
        /// The name that was given.
        name: SmolStr,
    },
    /// Only relations between applications come and go.
    #[error("`{0}` is a peer relation")]
    PeerRelation(Name),
    /// Numbers are never used again.
    #[error("the number of `{0}` was used before")]
    UsedBefore(SmolStr),
    /// The charm limits how many there may be.
    #[error("the {what} `{name}` has as many as the charm allows")]
    Full {
        /// What it is: an endpoint, a storage.
        what: &'static str,
        /// Its name.
        name: Name,
    },
    /// Only the leader may.
    #[error("the unit does not lead")]
    NotLeader,
    /// It is no hook.
    #[error("an action runs, which may not do this")]
    ActionRuns,
    /// It is so already.
    #[error("nothing would change")]
    NothingChanges,
    /// The agent's process is not there.
    #[error("the agent does not run")]
    AgentDown,
    /// The agent's process is there.
    #[error("the agent runs")]
    AgentUp,
    /// One hook at a time.
    #[error("a hook runs at this moment")]
    HookRuns,
    /// No hook can end.
    #[error("no hook runs at this moment")]
    NoHookRuns,
    /// No hook is to be resolved.
    #[error("no hook waits in error")]
    NoHookFailed,
    /// Only an agent that was told to go terminates a hook.
    #[error("the agent was not told to go")]
    NotShuttingDown,
}

/// Moves the machine by one event. On an error, `world` is as it was.
pub fn step(world: &mut World, event: Event) -> Result<Vec<Effect>, IllegalEvent> {
    let mut effects = Vec::new();
    step_into(world, event, &mut effects)?;
    Ok(effects.into_iter().map(|UnitEffect { effect, .. }| effect).collect())
}

/// Moves the machine by one event, as [`step`], and adds what it does to a list, unless the
/// event is refused. Who moves it millions of times keeps the list.
pub fn step_into(world: &mut World, event: Event, list: &mut Vec<UnitEffect>) -> Result<(), IllegalEvent> {
    let mut effects = Effects { unit: world.unit.clone(), list };
    match event {
        Event::Stimulus(stimulus) => stimuli::apply(world, stimulus, &mut effects),
        Event::Resolve { choice } => resolve(world, choice, &mut effects),
        Event::HookEnds { outcome } => end(world, outcome, &mut effects),
    }
}

/// Lets the agent take the first entry that applies. What it does without a hook is done
/// on the way, until there is a hook to run or nothing to do.
fn resolve(world: &mut World, choice: u32, effects: &mut Effects<'_>) -> Result<(), IllegalEvent> {
    if world.agent.running.is_some() {
        return Err(IllegalEvent::HookRuns);
    }
    resolve::look_at_relations(world);
    loop {
        match next_hook(world, choice) {
            Next::Run(hook) => {
                commit::begin(world, hook.clone());
                effects.push(Effect::Begin(hook));
                return Ok(());
            }
            next @ Next::Resign => {
                resolve::pass(world, &next);
                effects.push(Effect::Mark(Marker::LeaderDeposed));
            }
            next @ Next::Drop => resolve::pass(world, &next),
            Next::Exit => {
                world.agent.is_up = false;
                world.agent.is_shutting_down = false;
                effects.push(Effect::AgentExited);
                return Ok(());
            }
            Next::Die => {
                world.life = Life::Dead;
                world.agent.is_up = false;
                effects.push(Effect::UnitDied);
                return Ok(());
            }
            Next::Wait => return Ok(()),
        }
    }
}

fn end(world: &mut World, outcome: Outcome, effects: &mut Effects<'_>) -> Result<(), IllegalEvent> {
    if outcome == Outcome::Terminated && !world.agent.is_shutting_down {
        return Err(IllegalEvent::NotShuttingDown);
    }
    let running = world.agent.running.take().ok_or(IllegalEvent::NoHookRuns)?;
    let hook = running.hook;
    let reboots = std::mem::take(&mut world.agent.reboots_after_hook) && outcome.is_committed();
    effects.push(Effect::Ended { hook: hook.clone(), outcome });
    if hook.kind == HookKind::Action {
        // A4: whatever becomes of an action, the unit is as it was.
        return Ok(());
    }
    match outcome {
        Outcome::Ok | Outcome::Missing => commit::commit(world, &hook, running.version),
        Outcome::Failed if hook.kind.scope() == Scope::Container => {
            // R85: nothing waits for it. A container that is ready says so again.
            commit::forget_workload_event(world, &hook);
            world.agent.operation = Operation::Continue;
        }
        Outcome::Failed => {
            world.agent.operation = Operation::Failed(hook);
            effects.push(Effect::Mark(Marker::AwaitingResolution));
        }
        // R66: it stays queued, and `stop` or the next pod may take its place.
        Outcome::Terminated => {}
    }
    if reboots {
        restart::die(world, effects);
        restart::come_back(world, restart::Comeback::Rebooted, effects);
    }
    Ok(())
}
