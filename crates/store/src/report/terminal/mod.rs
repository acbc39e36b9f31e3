//! Reports for a terminal.
//!
//! Colour only repeats what the words say, so every report reads the same
//! without it, and fits 80 columns. Commands are never broken over lines:
//! people copy them.

mod runs;
mod show;
mod style;
mod summary;
mod table;

pub use runs::{RunRow, runs};
pub use show::show;
pub use style::Style;
pub use summary::summary;

/// How a terminal shows things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Whether there is colour.
    pub style: Style,
    /// How many columns there are; fewer than 60 count as 60.
    pub width: usize,
}

impl Default for Terminal {
    fn default() -> Self {
        Self { style: Style::Plain, width: 80 }
    }
}

impl Terminal {
    /// The columns that are really used: very long lines are hard to read.
    fn columns(self) -> usize {
        self.width.clamp(60, 160)
    }
}
