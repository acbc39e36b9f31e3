//! Colour by meaning, with a switch.

use crate::report::words::Meaning;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences at all.
    #[default]
    Plain,
    /// The sixteen colours that every terminal has.
    Colour,
}

impl Style {
    /// Text in the colour of its meaning.
    pub(super) fn meaning(self, meaning: Meaning, text: &str) -> String {
        match meaning {
            Meaning::Bad => self.wrap("31;1", text),
            Meaning::Warn => self.wrap("33", text),
            Meaning::Good => self.wrap("32", text),
            Meaning::Quiet => text.to_owned(),
        }
    }

    /// A heading.
    pub(super) fn heading(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Text of less weight.
    pub(super) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// A command to type.
    pub(super) fn command(self, text: &str) -> String {
        self.wrap("36", text)
    }

    /// A line of a unified diff.
    pub(super) fn diff(self, line: &str) -> String {
        match line.chars().next() {
            Some('+') => self.wrap("32", line),
            Some('-') => self.wrap("31", line),
            Some('@') => self.wrap("36", line),
            _ => line.to_owned(),
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour if !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain | Self::Colour => text.to_owned(),
        }
    }
}
