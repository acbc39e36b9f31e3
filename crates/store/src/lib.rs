//! Run logs, their index, verdicts, clusters and reports.
//!
//! This crate never starts a process and never prints. It knows what happened
//! (the [log](event)), what a pair of outcomes means (the [verdict]) and how to
//! show it (the reports).

mod cluster;
pub mod compare;
pub mod comparison;
pub mod error;
pub mod event;
pub mod index;
pub mod log;
mod merge;
mod normalise;
pub mod outcome;
pub mod report;
pub mod run;
pub mod settle;
pub mod store;
#[cfg(test)]
mod test_support;
pub mod verdict;
