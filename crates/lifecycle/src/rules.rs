//! The judge: whether Juju could have run a sequence of hooks, and which rule says no.
//!
//! Each rule is a small monitor of its own. They share the view of what the sequence has
//! shown so far, which accuses nobody, and the words of
//! [`vocabulary`](crate::vocabulary). They share no code with anything that makes
//! sequences, so that a mistake in one is found by the other.
//!
//! A monitor accuses only when no course of events could explain the hook. What a source
//! does not tell (relation ids in a log of names, the time before the first line) makes
//! monitors silent, never suspicious.

mod availability;
mod catalogue;
mod declared;
mod errors;
mod finding;
pub mod guide;
mod judge;
mod known_bugs;
mod leadership;
mod monitor;
mod peers;
mod relation_members;
mod relations;
mod restarts;
mod settings;
mod setup;
mod storage;
mod teardown;
mod upgrade;
mod view;
mod workload;

pub use catalogue::{Judgement, Rule, RuleId, Strength};
pub use finding::Finding;
pub use judge::{Event, Judge, judge};
pub use known_bugs::KnownBug;
pub use settings::{DeclaredCharm, DeclaredEndpoint, Filter, Markers, Settings, Start};
