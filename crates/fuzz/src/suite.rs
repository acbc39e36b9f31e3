//! Lives as a suite of tests: the same ones each time, each with a result of its own.
//!
//! A search looks for what a charm gets wrong, and may do what it likes to find it. A suite is
//! for comparing two versions of something: life 7 of one side is life 7 of the other, whatever
//! became of the lives before. So lives are played by their seeds alone, in forks, and one that
//! fails is played again cold; what happens there counts.

use std::time::{Duration, Instant};

use charmproof_agent::runner::{Mode, RunnerError, Welcome};
use charmproof_lifecycle::life::Step;

use crate::oracle::exception::traceback_of;
use crate::oracle::traceback::Traceback;
use crate::oracle::{self, Blame, Oracle, Suspicion};
use crate::player::Played;
use crate::script;
use crate::search::{Ensemble, Settings, Subject};

/// What is asked of a life. The other oracles judge how a charm does things; a charm that some of
/// them suspect in every life would hide behind it what a swap breaks.
pub const ORACLES: [Oracle; 3] = [Oracle::UncaughtException, Oracle::PingPong, Oracle::SlowHook];

/// What became of a life.
#[derive(Clone, Debug)]
pub struct LifeResult {
    /// The seed that it was made of.
    pub seed: u64,
    /// How it ended.
    pub ending: Ending,
    /// How many hooks ran.
    pub hooks: usize,
    /// How long it took, all that was done to be sure included.
    pub took: Duration,
}

/// How a life ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The charm got through it.
    Lived,
    /// The charm did not.
    Failed(Box<Defect>),
    /// It cannot be told: something was not there that a unit has, or something of ours went wrong.
    Untold(String),
}

/// What a charm did wrong.
#[derive(Clone, Debug)]
pub struct Defect {
    /// What was seen.
    pub suspicion: Suspicion,
    /// The traceback, if there is one.
    pub traceback: Option<Traceback>,
    /// The hooks of the life: unit, name, and how it ended where it failed.
    pub story: Vec<String>,
}

impl Defect {
    /// Returns the type of the exception without its module, or else the oracle's name.
    pub fn exception(&self) -> &str {
        match &self.traceback {
            Some(traceback) => traceback.exception.rsplit('.').next().unwrap_or(&traceback.exception),
            None => self.suspicion.oracle.name(),
        }
    }

    /// Returns what the exception says, or else what was seen.
    pub fn message(&self) -> &str {
        self.traceback.as_ref().map_or(&self.suspicion.summary, |traceback| &traceback.message)
    }
}

/// Charms that are ready to be played.
pub struct Suite {
    ensemble: Ensemble<'static>,
    settings: Settings,
}

impl Suite {
    /// Starts the interpreters of the charms. Which oracles the settings name is of no account.
    pub fn start(subjects: &[Subject], mut settings: Settings) -> Result<Self, RunnerError> {
        settings.questions.oracles = ORACLES.to_vec();
        Ok(Self { ensemble: Ensemble::start(subjects, 0, &|| false)?, settings })
    }

    /// Returns what the interpreter of the first charm says of itself.
    pub fn welcome(&self) -> &Welcome {
        self.ensemble.welcome()
    }

    /// Plays the life of a seed.
    pub fn play(&mut self, seed: u64) -> Result<LifeResult, RunnerError> {
        let began = Instant::now();
        let script = script::of_seed(&self.settings.plan, seed);
        let (mut ending, mut hooks) = self.once(&script, seed, Mode::Fork)?;
        if matches!(ending, Ending::Failed(_)) {
            // Juju starts each hook anew, so that is what counts.
            (ending, hooks) = self.once(&script, seed, Mode::Cold)?;
        }
        Ok(LifeResult { seed, ending, hooks, took: began.elapsed() })
    }

    fn once(&mut self, script: &[Step], seed: u64, mode: Mode) -> Result<(Ending, usize), RunnerError> {
        self.ensemble.mend()?;
        let played = self.ensemble.play(&self.settings, script, seed, mode);
        let suspicions = oracle::look(&played, &self.settings.questions);
        Ok((ending(&played, &suspicions), played.hooks.len()))
    }
}

fn ending(played: &Played, suspicions: &[Suspicion]) -> Ending {
    if let Some(trouble) = &played.trouble {
        return Ending::Untold(trouble.clone());
    }
    // A hook that waits is one that waits for something, which is rarely here.
    let is_of_charm = |seen: &&Suspicion| seen.blame == Blame::Charm && seen.oracle != Oracle::SlowHook;
    let Some(seen) = suspicions.iter().find(is_of_charm) else {
        return suspicions.first().map_or(Ending::Lived, |seen| Ending::Untold(seen.summary.clone()));
    };
    let hook = seen.hook.and_then(|number| played.hooks.get(number));
    Ending::Failed(Box::new(Defect {
        suspicion: seen.clone(),
        traceback: hook.filter(|_| seen.oracle == Oracle::UncaughtException).and_then(traceback_of),
        story: story(played),
    }))
}

fn story(played: &Played) -> Vec<String> {
    let line = |hook: &crate::player::HookRecord| {
        let failed = if hook.exit.is_success() { "" } else { ": failed" };
        format!("{} {}{failed}", hook.unit, hook.name)
    };
    played.hooks.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::traceback;

    #[test]
    fn a_defect_is_called_as_a_test_would_call_it() {
        let check = |oracle: Oracle, text: &str, expected: (&str, &str)| {
            let suspicion = Suspicion {
                oracle,
                blame: Blame::Charm,
                cause: String::new(),
                summary: "the units never come to rest".to_owned(),
                details: text.to_owned(),
                hook: None,
            };
            let defect = Defect { suspicion, traceback: traceback::read(text), story: Vec::new() };
            assert_eq!((defect.exception(), defect.message()), expected, "{text}");
        };
        let raised = "Traceback (most recent call last):\n  File \"/x/charm/src/charm.py\", line 3, in f\n\
                      ops.model.ModelError: ERROR no\n";
        check(Oracle::UncaughtException, raised, ("ModelError", "ERROR no"));
        check(Oracle::PingPong, "", ("ping-pong", "the units never come to rest"));
    }
}
