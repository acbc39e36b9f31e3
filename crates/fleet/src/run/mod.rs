//! Runs the targets of a fleet's charms in both variants.
//!
//! [`subject`] says what is run, [`slot`] where, [`unit`] runs one unit, and
//! [`schedule`] decides which unit is next and what must be run once more. What came
//! out is a [`UnitResult`](charmproof_store::event::UnitResult); what it means is
//! decided in `charmproof-store`.

pub mod environment;
pub mod interpreter;
pub mod invocation;
mod judge;
pub mod key;
pub mod lift;
pub mod schedule;
mod scrub;
pub mod settings;
pub mod slot;
pub mod subject;
pub mod unit;
pub mod work;
