//! What Juju can do to a unit of a charm, and in which order.
//!
//! [`vocabulary`] has the words: hooks, outcomes, platforms, versions. Nothing here does
//! IO, reads a clock or an environment, or keeps anything global.

#![forbid(unsafe_code)]

pub mod vocabulary;
