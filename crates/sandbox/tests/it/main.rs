//! Runs real commands through the real launcher, in both of its modes: with all
//! that this host offers, and without namespaces and control groups.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod case;
mod endings;
mod isolation;
mod leftovers;
mod limits;
mod log;
mod machine;
mod services;
mod users;
