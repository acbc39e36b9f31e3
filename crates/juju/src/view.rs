//! What commands print: documents for programs, and tables for people.
//!
//! A document is a plain structure of what is true, made by whoever knows it; [`to_json`] and
//! [`to_yaml`] print it byte for byte as Juju 3.6 does, fields in its order and with the same
//! ones left out. Beside a structure stands what prints it as a table. Nothing here knows a
//! model, a clock or a terminal: times are given, and whether colours are wanted too.

pub mod application;
pub mod colour;
pub mod config;
pub mod constraints;
mod document;
pub mod model;
pub mod order;
pub mod status;
pub mod storage;
pub mod table;
pub mod task;
pub mod time;
pub mod unit;

pub use document::{to_json, to_yaml};

#[cfg(test)]
mod tests;
