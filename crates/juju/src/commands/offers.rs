//! Offers and what is consumed of them.

use super::Context;
use crate::session::CommandError;

/// Consumes what words of `integrate` name in other models, and returns the words as they are here.
pub(super) fn consume_words(
    _: &Context<'_>,
    _: &str,
    words: [String; 2],
) -> Result<[String; 2], CommandError> {
    Ok(words)
}
