//! A server, and a client that speaks to it as `ops` does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod exec;
mod files;
mod hostile;
mod process;
mod simulated;
