//! Root filesystems that units and their workloads begin with.
//!
//! [`Images`] gives a [`Root`] for a base such as `ubuntu@24.04`, and for the image of a workload container:
//! from an OCI layout, an archive, a registry, a folder, or a recipe that says what stands in for an image.
//! Where nobody gave a root for a base, this host's own userland is the lowest layer, and a small layer of
//! ours hides what is the host's own and adds the Python of the base.
//!
//! ```text
//! a reference ─► source ─► manifest ─► layers, unpacked once by their digest ─► Root
//!      └────────────────► recipe ───► a small layer, and what is bound into it ─┘
//! ```
//!
//! Nothing here mounts anything or starts a unit, and nothing prints. What is made is kept in one folder
//! ([`Images::new`]), appears there whole or not at all, and is safe with several processes at once.

#![forbid(unsafe_code)]

mod cache;
mod copy;
mod digest;
mod error;
mod farm;
mod host;
mod images;
mod layout;
mod manifest;
mod python;
mod recipe;
mod reference;
mod registry;
mod root;
mod settings;
mod skeleton;
mod source;
mod unpack;
mod users;

pub use error::{ImageError, PullError, RecipeError};
pub use images::Images;

pub use reference::Reference;
pub use root::{Bind, Root, RootConfig};
pub use settings::{Builder, Credentials, OsRelease, RootsFile, Settings, Standing};
pub use unpack::{Limits, UnpackError};
