//! The judge, held against real traces, broken ones, and sequences for each rule; the
//! machine, held against the judge and against sequences written out.

mod exhaustion;
mod formats;
mod graphs;
mod independence;
mod lives;
mod mutations;
mod page;
mod reading;
mod reduction;
mod rules;
mod scenarios;
mod sequence;
mod stored;
mod told_lives;
mod traces;
mod walks;
