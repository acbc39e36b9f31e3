//! End-to-end tests: the program as people call it, on small fleets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod check;
mod example_fleet;
mod examples;
mod false_passes;
mod fleet;
mod fuzz;
mod graph;
mod hostile;
mod input;
mod integration;
mod juju;
mod lifecycle;
mod local;
mod pack;
mod reports;
mod resume;
mod simulate;
mod support;
mod validate;
