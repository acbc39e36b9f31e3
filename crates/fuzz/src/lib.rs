//! Real charms, run through lives of units.
//!
//! [`environment`] and [`layout`] make what a charm needs around it to be run, [`player`] runs it
//! through a life, [`oracle`] says what a life must not show, and [`search`] looks for lives that
//! show it, and [`suite`] plays the same ones for two sides to be compared. What lives there are is decided in `charmproof-lifecycle`. Nothing here prints.

#![forbid(unsafe_code)]

pub mod convergence;
pub mod differential;
pub mod environment;
pub mod export;
pub mod layout;
pub mod oracle;
pub mod player;
pub mod script;
pub mod search;
pub mod suite;
