//! A local Juju: models whose units run real charms, and the `juju` command that people type.
//!
//! [`client`] is the program that people start; it hands its words to the [`supervisor`], the process
//! that models live in. There, [`commands`] do what was typed, and a [`controller`] keeps models and
//! lets units live: each in a place that [`hosting`] makes. [`flags`] reads command lines as Juju does,
//! [`names`], [`values`] and [`query`] what stands in them, and [`view`] has what is printed. Nothing here
//! prints or exits by itself: a command writes to the descriptors of whoever typed it.

#![forbid(unsafe_code)]

pub mod actions;
mod assumes;
pub mod bundle;
mod charmhub;
mod charms;
pub mod client;
pub mod commands;
pub mod controller;
mod cross_model;
pub mod flags;
pub mod hosting;
pub mod names;
pub mod place;
pub mod query;
pub mod session;
pub mod supervisor;
mod terminal;
pub mod values;
pub mod view;
mod wire;
mod workload;
