//! What a suite said, case by case.
//!
//! Pure: text in, [`CaseResult`]s out. Nothing here starts a process, reads a
//! file, or judges a suite as a whole (that is [`crate::classify`]).
//!
//! - [`parse`] reads the diagnostics of linters, formatters and type checkers.
//! - [`junit()`] reads pytest's JUnit XML, the best source there is for tests.
//! - [`unittest`](unittest()) and [`pytest_text`](pytest_text()) read what
//!   people read, for when nothing else was left behind.
//! - [`python_frames`] and [`exception_of`] read tracebacks.
//!
//! A case keeps its name when its line moves: names hold no line numbers, no
//! addresses, no machine paths. The line is in the failure's frame.

mod junit;
mod lint;
mod names;
mod pytest_text;
mod python;
mod text;
mod unittest;

use charmproof_store::event::CaseResult;

pub use junit::{JunitError, JunitProblem, junit};
pub use lint::{COMMAND_CASE, parse};
pub use pytest_text::pytest_text;
pub use python::{exception_of, python_frames};
pub use text::plain;
pub use unittest::unittest;

/// Where a run's files lay, so that cases can name them without the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paths<'a> {
    /// Absolute path of the charm's copy; what is below it is named relative
    /// to it. Empty for none.
    pub charm_dir: &'a str,
}

/// Whether the case stands for a whole run that did not name all its cases.
pub(crate) fn is_whole_run(name: &str) -> bool {
    name == pytest_text::WHOLE_RUN || name == unittest::WHOLE_RUN
}

/// Names the charm's own files in all frames relative to the charm.
pub fn relative_to(cases: &mut [CaseResult], paths: &Paths<'_>) {
    for frame in cases
        .iter_mut()
        .filter_map(|case| case.failure.as_mut())
        .flat_map(|failure| failure.frames.iter_mut())
    {
        frame.file = paths.relative(&frame.file);
    }
}

/// Replaces the top-level module in each frame's `package` by the swapped
/// distribution that owns it, or by nothing.
///
/// The parsers know which files lie in `site-packages`, and so name the
/// top-level module there (`ops`); only the caller knows which were swapped.
pub fn attribute(cases: &mut [CaseResult], owner: impl Fn(&str) -> Option<String>) {
    for frame in cases
        .iter_mut()
        .filter_map(|case| case.failure.as_mut())
        .flat_map(|failure| failure.frames.iter_mut())
    {
        frame.package = frame.package.as_deref().and_then(&owner);
    }
}
