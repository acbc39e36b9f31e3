//! What a charm is: repository layouts, charm metadata, vendored libraries,
//! Python manifests and the suites a charm offers.
//!
//! Everything here answers questions about *text*. A repository is a
//! [`Tree`]: a list of paths and a way to read one. Parsers do no IO, read no
//! clock and no environment; [`DiskTree`] is the only part that touches a
//! disk. Broken input is data: parsers return what they could read together
//! with [`Note`]s that say where the rest went wrong.

#![forbid(unsafe_code)]

mod note;
mod tree;

pub mod discover;
pub mod interpreter;
pub mod library;
pub mod metadata;
pub mod names;
pub mod offerings;
pub mod pyproject;
pub mod spelling;
pub mod toxconfig;
pub mod yaml;

mod ini;
mod python_constraint;
mod toml_text;

pub use note::{Broken, Note, Place, Severity};
pub use tree::{DiskTree, Limits, MemoryTree, Subtree, Tree, TreeError, is_pruned_path};
