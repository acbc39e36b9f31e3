//! What commands print: documents for programs, and tables for people.
//!
//! A document is a plain structure of what is true, made by whoever knows it; [`to_json`] and
//! [`to_yaml`] print it byte for byte as Juju 3.6 does, fields in its order and with the same
//! ones left out. Beside a structure stands what prints it as a table. Nothing here knows a
//! model, a clock or a terminal: times are given, and whether colours are wanted too.

pub mod action;
pub mod application;
pub mod bundle;
pub mod charmhub;
pub mod client;
pub mod cloud;
pub mod colour;
mod coloured;
pub mod config;
pub mod controller;
mod document;
pub mod log;
pub mod model;
pub mod network;
pub mod offer;
pub mod operation;
pub mod order;
pub mod resource;
pub mod secret;
pub mod status;
pub mod storage;
pub mod table;
pub mod task;
pub mod time;
pub mod unit;
pub mod user;

pub use coloured::{to_coloured_json, to_coloured_yaml};
pub use document::{to_json, to_yaml};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests;
