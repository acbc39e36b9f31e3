//! Remarks about a file, and the error for a file that cannot be read at all.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

/// The longest source line quoted in a snippet, in characters.
const SNIPPET_WIDTH_CHARS: usize = 120;

/// A position in a text, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset in a text. Offsets past the end give the end.
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The start of a line.
    pub fn line(line: usize) -> Self {
        Self { line, column: 1 }
    }

    /// Quotes the line at this place with a caret below the column.
    pub fn snippet(self, text: &str) -> String {
        let source = text.lines().nth(self.line.saturating_sub(1)).unwrap_or("");
        let skipped = self.column.saturating_sub(SNIPPET_WIDTH_CHARS / 2 + 1);
        let skipped = if source.chars().count() > SNIPPET_WIDTH_CHARS { skipped } else { 0 };
        let shown: String = source
            .chars()
            .skip(skipped)
            .take(SNIPPET_WIDTH_CHARS)
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let caret = " ".repeat(self.column.saturating_sub(skipped + 1));
        format!("{number} | {}\n{gutter} | {caret}^", shown.trim_end())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is odd, or good to know.
    Remark,
    /// The tool that the file is for refuses it: Juju or charmcraft would not
    /// take this charm.
    Error,
}

/// A remark about a file or a charm: something odd that did not stop us.
///
/// Shown with `{}`, it is one line; with `{:#}`, the source line and the hint
/// follow below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// How much it matters.
    pub severity: Severity,
    /// The file the remark is about, relative to the tree that was read.
    pub file: Option<Utf8PathBuf>,
    /// Where in the file.
    pub place: Option<Place>,
    /// The remark: a lower-case fragment.
    pub text: String,
    /// The source line with a caret, when a position is known.
    pub snippet: Option<String>,
    /// What to write instead: a sentence.
    pub hint: Option<String>,
}

impl Note {
    /// A remark about nothing in particular.
    pub fn general(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { severity: Severity::Remark, file: None, place: None, text, snippet: None, hint: None }
    }

    /// A remark about a file.
    pub fn in_file(file: impl Into<Utf8PathBuf>, text: impl Into<String>) -> Self {
        Self { file: Some(file.into()), ..Self::general(text) }
    }

    /// A remark about a place in a file.
    pub fn at(file: impl Into<Utf8PathBuf>, place: Place, text: impl Into<String>) -> Self {
        Self { place: Some(place), ..Self::in_file(file, text) }
    }

    /// The same note as an error.
    #[must_use]
    pub fn as_error(self) -> Self {
        Self { severity: Severity::Error, ..self }
    }

    /// Whether Juju or charmcraft would refuse the charm because of this.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.place) {
            (Some(file), Some(place)) => write!(formatter, "{file}:{place}: {}", self.text)?,
            (Some(file), None) => write!(formatter, "{file}: {}", self.text)?,
            (None, _) => formatter.write_str(&self.text)?,
        }
        if formatter.alternate() {
            if let Some(snippet) = &self.snippet {
                write!(formatter, "\n{snippet}")?;
            }
            if let Some(hint) = &self.hint {
                write!(formatter, "\nhint: {hint}")?;
            }
        }
        Ok(())
    }
}

/// A file that cannot be parsed: what is wrong, and exactly where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{place}: {message}")]
pub struct Broken {
    /// The file, relative to the tree that was read.
    pub file: Utf8PathBuf,
    /// Where in the file.
    pub place: Place,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// The source line with a caret below the column.
    pub snippet: String,
}

impl Broken {
    /// Builds the error, quoting the text at the place.
    pub fn new(file: &Utf8Path, text: &str, place: Place, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place, message: message.into(), snippet: place.snippet(text) }
    }
}

impl From<Broken> for Note {
    fn from(broken: Broken) -> Self {
        Self {
            severity: Severity::Error,
            file: Some(broken.file),
            place: Some(broken.place),
            text: broken.message,
            snippet: Some(broken.snippet),
            hint: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_snippet_points_at_the_column() {
        let place = Place { line: 2, column: 7 };
        assert_eq!(place.snippet("name: x\ntype: [\n"), "2 | type: [\n  |       ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let text = "a".repeat(5000);
        let snippet = Place { line: 1, column: 4000 }.snippet(&text);
        assert!(snippet.len() < 300, "{snippet}");
        assert!(snippet.ends_with('^'));
    }

    proptest! {
        #[test]
        fn places_never_panic(text in ".*", offset in 0usize..200, line in 0usize..9, column in 0usize..300) {
            let place = Place::of_offset(&text, offset);
            prop_assert!(place.line >= 1 && place.column >= 1);
            let _ = place.snippet(&text);
            let _ = Place { line, column }.snippet(&text);
        }
    }
}
