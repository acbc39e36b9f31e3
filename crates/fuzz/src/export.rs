//! Findings, written down for those who do not have charmproof.
//!
//! Everything here makes text of what was played. Nothing runs, and nothing is read or written.

mod assertion;
pub mod charm;
mod event;
pub mod pytest;
mod python;
mod story;
mod view;

pub use charm::Charm;
pub use pytest::{Inexpressible, pytest};
