//! Lives as text: for programs ([`json`]), for people ([`story`]), and as bare names.

pub mod json;
pub mod story;

use crate::life::Step;

/// Returns the names of the hooks that ran, one a line.
pub fn names(steps: &[Step]) -> String {
    steps.iter().filter_map(Step::hook).map(|(_, hook, _)| hook.name() + "\n").collect()
}
