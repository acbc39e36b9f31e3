//! Bundles: reading them with their overlays, finding what is wrong, and planning what to do.
//!
//! [`compose`] lays overlays over a bundle and checks the outcome with Juju's words; [`plan`] turns
//! a bundle into steps that can be done one after another. What a step does to a model is elsewhere.
//! Files are only asked for through [`BundleFiles`].

mod charm_name;
mod compose;
mod data;
mod plan;
mod steps;
#[cfg(test)]
mod tests;
mod verify;

pub use charm_name::CharmSource;
pub(crate) use compose::clean;
pub use compose::{BundleSource, Composed, compose};
pub use data::{Bundle, BundleApplication, BundleMachine, BundleOffer, BundleResource, ExposedEndpoint};
pub use plan::{ExistingApplication, ExistingModel, plan};
pub use steps::{PlannedMachine, Step};

use camino::Utf8Path;

/// What a bundle may ask of files: whether a charm is there, and what an included file holds.
pub trait BundleFiles {
    /// Whether there is a file or a directory at the path.
    fn exists(&self, path: &Utf8Path) -> bool;
    /// What the file at the path holds, or why it cannot be read.
    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, String>;
}

/// What Juju says of a bundle whose applications want the cloud's credentials, where they are not
/// trusted with `--trust`. Nothing, where none wants them.
pub fn missing_trust(bundle: &Bundle) -> Option<String> {
    let wanting: Vec<&str> = bundle
        .applications
        .iter()
        .filter(|(_, application)| application.requires_trust)
        .map(|(name, _)| name.as_str())
        .collect();
    if wanting.is_empty() {
        return None;
    }
    Some(format!(
        "Bundle cannot be deployed without trusting applications with your cloud credentials.\n\
         Please repeat the deploy command with the --trust argument if you consent to trust the following \
         application(s):\n  - {}",
        wanting.join("\n  - ")
    ))
}
