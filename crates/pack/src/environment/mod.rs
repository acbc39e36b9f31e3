//! The virtual environment that a charm is run in.
//!
//! What is wanted follows from the charm's files alone ([`wanted`]); [`provide`] makes it, once
//! for all charms that want the same, and keeps it in the cache. It is the environment that the
//! charm is *shipped* with: what its tests need is not in it.
//!
//! Nothing of the charm is executed but the build of its own packages, and that in the sandbox.

mod error;
mod installer;
mod key;
mod poetry;
mod provide;
mod swaps;
pub mod wanted;

pub use error::{EnvironmentError, Step};
pub use installer::MakingSettings;
pub(crate) use installer::{Caged, caged};
pub use provide::{CharmEnvironment, EnvironmentContext, provide, provide_for};
