//! What a monitor is.

use super::finding::Found;
use super::view::View;
use crate::vocabulary::{Hook, Marker};

/// Watches one rule.
///
/// A hook begins once for each attempt, and is committed at most once: when an attempt
/// succeeds, when the charm has no such hook, or when a failed one was resolved. Rules
/// forbid beginnings and remember commits.
pub(super) trait Monitor {
    /// A hook begins; `view` is what was so before it.
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found);

    /// A hook was committed; `view` is what was so before that.
    fn commits(&mut self, _view: &View, _hook: &Hook) {}

    /// The source says that something happened.
    fn is_told(&mut self, _view: &View, _marker: Marker) {}
}
