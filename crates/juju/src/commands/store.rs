//! Charms from Charmhub.

use camino::Utf8PathBuf;

use super::Context;
use super::deploy::Found;
use crate::controller::data::CharmData;
use crate::session::CommandError;

/// What the store has under a name.
pub(super) enum Stored {
    /// A charm.
    Charm(Box<Found>),
    /// A bundle, and where it was put.
    Bundle(Utf8PathBuf),
}

/// Finds a charm by its name.
pub(super) fn find(_: &Context<'_>, _: &str, name: &str) -> Result<Stored, CommandError> {
    Err(CommandError::failed(format!("charm or bundle \"{name}\" not found")))
}

/// Finds what a charm can be refreshed to.
pub(super) fn refreshed(
    _: &Context<'_>,
    _: &str,
    _: &str,
    _: &CharmData,
) -> Result<Option<Found>, CommandError> {
    Ok(None)
}
