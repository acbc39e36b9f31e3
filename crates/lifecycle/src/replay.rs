//! Plays a life again of which steps were taken out or changed, and keeps it valid.
//!
//! Charms do what the steps say: hooks end as they did, and writes are among the stimuli.

use crate::life::{Stage, Step, Target};
use crate::model::Model;
use crate::performance::{Cast, Ending, perform};
use crate::stimulus::Stimulus;
use crate::vocabulary::{Hook, Name, Outcome};

pub use crate::performance::Afterwards;

/// Plays steps and returns the life that they make.
pub fn replay(stage: &Stage, steps: &[Step], afterwards: Afterwards) -> Vec<Step> {
    perform(stage, steps, afterwards, &mut AsWritten)
}

/// Charms that do what the script says.
struct AsWritten;

impl Cast for AsWritten {
    fn adapt(&mut self, _: &Model, _: &Target, stimulus: &Stimulus) -> Option<Stimulus> {
        Some(stimulus.clone())
    }

    fn happened(&mut self, _: &Model, _: &Target, _: &Stimulus) {}

    fn begin(&mut self, _: &Model, _: &Name, _: &Hook) {}

    fn end(&mut self, _: &Model, _: &Name, _: &Hook, scripted: Outcome) -> Ending {
        Ending { outcome: scripted, deeds: Vec::new() }
    }

    fn cut_off(&mut self, _: &Name, _: &Hook) {}

    fn gone(&mut self, _: &Model, _: &Name) {}

    fn goes_on(&self) -> bool {
        true
    }
}
