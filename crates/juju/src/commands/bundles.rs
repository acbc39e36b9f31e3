//! Bundles.

use camino::Utf8Path;

use super::Context;
use crate::session::{CommandError, CommandResult};

/// Deploys a bundle.
pub(super) fn deploy(_: &mut Context<'_>, _: &str, _: &Utf8Path) -> CommandResult {
    Err(CommandError::failed("bundles are not supported by this emulator"))
}
