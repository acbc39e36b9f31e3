//! Roots, from all places that they come from, and archives that are up to no good.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod bases;
mod hostile;
mod layouts;
mod machines;
mod pull;
mod recipes;
mod support;
