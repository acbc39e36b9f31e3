//! A Pebble: the server that runs in each container of a Kubernetes charm, and that `ops` talks to.
//!
//! [`Server`] listens on a unix socket and answers as Pebble 1.32 does: layers and the plan, services,
//! files, commands, checks, notices. Behind the answers is one of two workloads. *Simulated*, services run
//! on paper, commands are answered by [`ExecRules`], files lie in a private root, and time is a number, so
//! that nothing ever sleeps. *Process*, all of it is real. What clients did is in a [`Snapshot`].
//!
//! A [`Client`] asks one, be it this or another.
//!
//! It knows nothing of charms and of Juju. It promises no protection: processes of the workload are what
//! they are, and whoever reaches the socket may do everything.

#![forbid(unsafe_code)]

mod api;
mod changes;
mod checks;
mod client;
mod clock;
mod connection;
mod core;
mod duration;
mod error;
mod exec;
mod files;
mod http;
mod identities;
mod notices;
mod options;
mod plan;
mod process;
mod records;
mod rules;
mod server;
mod services;
mod shared;
mod signals;

pub use checks::CheckOutcome;
pub use client::{Answer, Client, ClientError, PrintedLine};
pub use error::PebbleError;
pub use files::layout::lay_out;
pub use notices::NoticeKind;
pub use options::{Clock, Limits, Options, Workload};
pub use records::{
    ChangeRecord, CheckRecord, ExecRecord, FileRecord, NoticeRecord, ServiceRecord, SignalRecord, Snapshot,
};
pub use rules::{ExecRule, ExecRules, ServiceRule};
pub use server::{Handle, Server};
