//! The corpus, the swaps, the preparation and the runs of a fleet check.
//!
//! This crate makes things happen and says what happened; what a pair of outcomes
//! means is decided in `charmproof-store`. It never prints.

pub mod classify;
pub mod corpus;
pub mod diagnostics;
pub mod inject;
pub mod plan;
pub mod process;
pub mod provision;
pub mod run;
pub mod swap;
