//! What systemd is to a machine charm, for machines without systemd.
//!
//! Packages bring unit files, charms write some, and both expect `systemctl` to start them. Here
//! is a manager of services that reads those files and runs what they say, and the programs
//! `systemctl`, `journalctl` and `service` that speak to it. Their texts and exit codes are those
//! of systemd, for charms match on them.
//!
//! # Parts
//!
//! ```text
//! name, text, words, span, calendar, specifiers, command ── the language of unit files
//! unit, service::config, timer, socket, condition, library ── what they mean, where they are
//! service::state, manager ── the core: events in, effects out; no process, no clock
//! plan, process, keeper ── how a process comes to be, and who has it
//! journal, call, systemctl, install ── what is asked and answered
//! generators, programs ── what packages run for a manager, and what they find in its place
//! host ── the shell around all of it
//! ```
//!
//! Each service has a [keeper]: a child subreaper, so that whatever a service starts, and however
//! it puts itself into the background, belongs to it without any control group.
//!
//! # What it does not do
//!
//! - What only confines a service (`ProtectSystem=`, `PrivateTmp=`, `SystemCallFilter=`, limits of
//!   control groups) is passed over: the machine is the sandbox.
//! - There is no D-Bus and no manager of users. `Type=dbus` is as `simple`; whoever listens to
//!   systemd on the bus hears nothing.
//! - Mounts, paths, slices, scopes and devices only exist by name; `.path` units watch nothing.
//! - Sockets are opened for a service as a whole; `Accept=yes`, FIFOs and netlink are refused.
//! - Watchdogs are not kept, and `Persistent=` and the random delays of timers are ignored.

mod accounts;
mod activation;
mod calendar;
mod call;
mod command;
mod condition;
mod generators;
mod host;
mod install;
mod journal;
mod keeper;
mod library;
mod manager;
mod name;
mod plan;
mod process;
mod programs;
mod service;
mod socket;
mod span;
mod specifiers;
mod systemctl;
mod text;
mod timer;
mod unit;
mod words;

pub use host::{Services, ServicesSettings, services_main};
pub use programs::install_programs;
