//! Lives as text: for programs ([`json`]), for people ([`story`]), and as bare names.

pub mod json;
pub mod story;

use crate::environment::{self, Numbers, Variable};
use crate::life::{Life, Step};
use crate::vocabulary::{Name, Outcome};

/// Returns the hooks that ran as the judge reads them: the unit, the name, and how it ended
/// where that was not well.
pub fn names(steps: &[Step]) -> impl Iterator<Item = (&Name, String)> {
    steps.iter().filter_map(Step::hook).map(|(unit, hook, outcome)| {
        let end = match outcome {
            Outcome::Ok | Outcome::Missing => "",
            Outcome::Failed => " failed",
            Outcome::Terminated => " terminated",
        };
        (unit, hook.name() + end)
    })
}

/// Returns the hooks that ran, each with the variables of its environment.
pub fn environments(life: &Life) -> Vec<(String, Vec<Variable>)> {
    let mut numbers = Numbers::default();
    let hooks = life.steps.iter().filter_map(Step::hook);
    let environments = hooks.map(|(unit, hook, _)| {
        numbers.count(hook);
        (hook.name(), environment::variables(life.stage.profile.version, unit, hook, numbers))
    });
    environments.collect()
}
