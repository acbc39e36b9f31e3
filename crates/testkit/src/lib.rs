//! What the tests of charmproof share; never shipped.
//!
//! - [`TestEnv`] starts the tool with a home, a cache and an environment of its own.
//! - [`Redactor`] replaces what differs from run to run, for snapshots.
//! - [`Repo`] and [`charm()`] make small git repositories and charms.
//! - [`wait_for`] waits for a condition, with a limit; [`processes_with`] looks at what
//!   runs on the host.
//!
//! Nothing here knows the crates of charmproof: a test of any of them can use it.
//! Helpers panic when something is wrong, because that is how a test says so.
#![forbid(unsafe_code)]

mod charm;
mod environment;
mod process;
mod redact;
mod repository;
mod result;
mod wait;

pub use charm::{Charm, charm};
pub use environment::TestEnv;
pub use process::{FoundProcess, processes_with};
pub use redact::Redactor;
pub use repository::Repo;
pub use result::CliResult;
pub use wait::{wait_for, wait_until};
