//! A local Juju: models whose units run real charms, and the `juju` command that people type.
//!
//! [`flags`] reads command lines as Juju does, [`view`] has what commands print. Nothing here
//! prints or exits by itself: a command writes to the descriptors of whoever typed it.

pub mod flags;
pub mod names;
pub mod values;
pub mod view;
