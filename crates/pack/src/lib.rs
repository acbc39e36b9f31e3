//! What a charm's folder becomes before anybody runs it: packages, files, an archive.
//!
//! [`recipe`] reads what charmcraft.yaml asks for, [`environment`] makes the virtual environment that
//! a charm is shipped with, [`prime`](mod@prime) puts the files together, with those that charmcraft
//! would write, and [`archive`] makes a `.charm` of them. [`layout`] makes a folder, for code that is
//! run here and now.
//! Nothing here runs a charm's code but the build of its own packages and the [`script`]s that say how it
//! is packed, and those in the sandbox. Nothing prints.

#![forbid(unsafe_code)]

pub mod archive;
pub mod declaration;
mod dispatch;
pub mod environment;
mod error;
pub mod layout;
pub mod prime;
pub mod recipe;
pub mod script;
pub mod values;

pub use error::PackError;
