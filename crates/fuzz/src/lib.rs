//! Real charms, run through lives of units.
//!
//! This crate makes what a charm needs around it to be run. What lives there are is decided in
//! `charmproof-lifecycle`. It never prints.

#![forbid(unsafe_code)]

pub mod convergence;
pub mod layout;
pub mod oracle;
pub mod player;
pub mod script;
pub mod search;
