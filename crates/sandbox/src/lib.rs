//! Runs one command of somebody else, bounded, and leaves nothing behind.
//!
//! charmproof runs the test suites of whole fleets of charms: code it does not
//! know, which may hang, flood its log, eat the memory or leave servers
//! running. This crate starts one such command and promises that the call
//! comes back, with the reason why ([`Ended`]) and with an honest account of
//! what really protected the host ([`Protection`]). It knows nothing of charms.
//!
//! # Double spawn
//!
//! Namespaces must be entered by a single-threaded process, and a process that
//! dies by SIGKILL cannot clean up. So [`Launcher::run`] starts the charmproof
//! binary again with a hidden subcommand whose body is [`launcher_main`]:
//!
//! ```text
//! charmproof ── launcher ── first process of the namespaces ── the command
//!   poll loop    waits       mounts, reaps, kills               …its children
//! ```
//!
//! Every arrow is a parent-death signal, and the launcher's standard input is a
//! pipe that closes when charmproof dies: when any of the three goes, so does
//! all that is to the right of it. Where the kernel refuses namespaces, the
//! launcher itself watches the command as a *child subreaper* and kills all
//! descendants it finds in `/proc`.
//!
//! # What it does not do
//!
//! It bounds accidents, it is no wall against an attacker: the network, the
//! devices and the unix sockets of the host stay reachable unless
//! [`Isolation::hidden`] masks them.

#![deny(unsafe_code)] // `sys` alone forks and calls what no crate wraps.

mod cancel;
mod cgroup;
mod entry;
mod error;
mod host;
mod launcher;
mod log;
pub mod machine;
mod mountinfo;
mod mounts;
mod namespace;
mod payload;
mod plain;
mod procfs;
mod protocol;
mod record;
pub mod services;
mod spec;
mod supervise;
mod sys;
mod watch;

pub use cancel::CancelToken;
pub use cgroup::{left_groups, sweep};
pub use entry::launcher_main;
pub use error::SandboxError;
pub use host::{Ability, HostAbilities};
pub use launcher::Launcher;
pub use log::LiveLine;
pub use record::{Control, Ended, FileProtection, ProcessProtection, Protection, RunRecord};
pub use spec::{CommandSpec, DiskLimit, Isolation, Limits, LogTarget, Namespaces};
