//! What a user asks to swap, and how it becomes something that can be installed.
//!
//! A [`SwapSpec`](spec::SwapSpec) is what was typed. [`prepare`] turns it into
//! [`PreparedSwap`]s: exact versions, built once, whose digest tells an edited
//! checkout from the one before. Nothing here touches a charm.

pub mod prepare;
pub mod prepared;
pub mod record;
pub mod sources;
pub mod spec;
pub mod wheel;

pub use prepare::{PrepareSwapError, SwapContext, prepare};
pub use prepared::{PreparedLibrary, PreparedPackage, PreparedSwap};
pub use spec::{PackageSource, SpecError, SwapSpec};
