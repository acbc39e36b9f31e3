//! What a unit is going to do: all that can be decided before it runs.

use charmproof_charm::interpreter::Choice;
use charmproof_charm::offerings::Invocation;
use charmproof_store::event::UnitId;
use charmproof_store::outcome::Outcome;

use super::invocation::CommandLine;
use super::settings::UnitLimits;
use crate::inject::unit_file::WatchedPackage;
use crate::provision::pythons::Python;

/// A unit, with all decided that can be decided without running it.
#[derive(Clone, Debug)]
pub struct PreparedUnit {
    /// Which unit.
    pub unit: UnitId,
    /// What is run, or how it ends without.
    pub work: Work,
}

/// What a unit does.
#[derive(Clone, Debug)]
pub enum Work {
    /// Nothing; this is how it ends, and why.
    Nothing(Outcome, String),
    /// A command.
    Run(Box<Ready>),
}

/// A command that is ready to be run.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The key of its inputs.
    pub key: String,
    /// The target, as it was asked for.
    pub(super) target: String,
    pub(super) invocation: Invocation,
    pub(super) command: CommandLine,
    pub(super) python: Python,
    pub(super) choice: Choice,
    pub(super) packages: Vec<WatchedPackage>,
    pub(super) limits: UnitLimits,
}
