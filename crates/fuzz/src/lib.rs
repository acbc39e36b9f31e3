//! Real charms, run through lives of units.
//!
//! [`player`] runs a charm through a life, [`oracle`] says what a life must not show, [`search`]
//! looks for lives that show it, and [`suite`] plays the same ones for two sides to be compared.
//! What a charm needs around it is made by `charmproof-pack`, and what lives there are is decided in
//! `charmproof-lifecycle`. Nothing here prints.

#![forbid(unsafe_code)]

pub mod convergence;
pub mod coverage;
pub mod differential;
pub mod export;
pub mod oracle;
pub mod player;
pub mod ready;
pub mod script;
pub mod search;
pub mod suite;
