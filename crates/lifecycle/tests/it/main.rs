//! The judge, held against real traces, broken ones, and sequences for each rule.

mod independence;
mod mutations;
mod rules;
mod sequence;
mod traces;
