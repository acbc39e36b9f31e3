//! What is wrong with a list of charms, and where.
//!
//! A list is written by people, often hundreds of rows long. One bad row is
//! data, not the end: parsers collect [`Problem`]s and go on. Rendering is one
//! function, [`Problem::render`], so that all lists complain alike.

use std::fmt::Write as _;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing was left out.
    Note,
    /// Something was ignored or left out; the rest of the list works.
    Warning,
    /// The list should not be used as it is.
    Error,
}

impl Severity {
    /// Returns the word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The line a problem is about and the part of it to point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The line, without its line break, safe to print.
    pub text: String,
    /// The first character pointed at, counted from 0.
    pub start: usize,
    /// How many characters are pointed at; at least 1.
    pub length: usize,
}

/// Something to say about a list of charms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How much it matters.
    pub severity: Severity,
    /// The file as the user named it.
    pub file: String,
    /// The line, counted from 1; 0 when it is about the whole file.
    pub line: usize,
    /// The column in characters, counted from 1; 0 when unknown.
    pub column: usize,
    /// What is wrong, as a fragment without full stop.
    pub message: String,
    /// The place, when there is one.
    pub snippet: Option<Snippet>,
}

/// The longest line shown; longer ones are cut around the caret.
const SNIPPET_CHARS_MAX: usize = 120;

impl Problem {
    /// Returns a problem with a whole file or directory.
    pub fn whole(severity: Severity, file: &str, message: impl Into<String>) -> Self {
        Self { severity, file: file.to_owned(), line: 0, column: 0, message: message.into(), snippet: None }
    }

    /// Returns a problem at the bytes `span` of `text`, the content of `file`.
    pub fn at(
        severity: Severity,
        file: &str,
        text: &str,
        span: std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let start = floor_boundary(text, span.start);
        let end = floor_boundary(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line_text = text[line_start..line_end].trim_end_matches('\r');
        let column = text[line_start..start].chars().count();
        let length = text[start..end.min(line_end)].trim_end().chars().count();
        Self {
            severity,
            file: file.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: column + 1,
            message: message.into(),
            snippet: Some(cut(line_text, column, length.max(1))),
        }
    }

    /// Returns the problem as text of one or four lines, without colour and
    /// without a line break at the end.
    ///
    /// ```text
    /// warning: charms.csv:3:6: not a URL that git can fetch
    ///   |
    /// 3 | Data,kafka-operator,,manual
    ///   |      ^^^^^^^^^^^^^^
    /// ```
    pub fn render(&self) -> String {
        let mut out = format!("{}: {}", self.severity.as_str(), printable(&self.file));
        if self.line > 0 {
            let _ = write!(out, ":{}:{}", self.line, self.column);
        }
        let _ = write!(out, ": {}", printable(&self.message));
        if let Some(snippet) = &self.snippet {
            let gutter = " ".repeat(self.line.to_string().len());
            let _ = write!(
                out,
                "\n{gutter} |\n{} | {}\n{gutter} | {}{}",
                self.line,
                snippet.text,
                " ".repeat(snippet.start),
                "^".repeat(snippet.length),
            );
        }
        out
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns `line` cut to a width that fits, with the marked part in it.
fn cut(line: &str, start: usize, length: usize) -> Snippet {
    let chars: Vec<char> = line.chars().map(printable_char).collect();
    if chars.len() <= SNIPPET_CHARS_MAX {
        let start = start.min(chars.len());
        return Snippet {
            length: length.min((chars.len() - start).max(1)),
            text: chars.into_iter().collect(),
            start,
        };
    }
    let from = start.saturating_sub(40).min(chars.len());
    let to = (from + SNIPPET_CHARS_MAX).min(chars.len());
    let lead = if from > 0 { "..." } else { "" };
    let start = start.min(to) - from + lead.len();
    let tail = if to < chars.len() { "..." } else { "" };
    let body: String = chars[from..to].iter().collect();
    Snippet {
        length: length.min((lead.len() + to - from).saturating_sub(start).max(1)),
        text: format!("{lead}{body}{tail}"),
        start,
    }
}

/// Returns `text` without characters that could steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(printable_char).collect()
}

fn printable_char(character: char) -> char {
    match character {
        '\t' => ' ',
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        // Bidirectional overrides reorder what is shown.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        character => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_the_place() {
        let text = "Team,Repository\nData,kafka\n";
        let problem = Problem::at(Severity::Warning, "a.csv", text, 21..26, "not a URL");
        assert_eq!(problem.render(), "warning: a.csv:2:6: not a URL\n  |\n2 | Data,kafka\n  |      ^^^^^");
    }

    #[test]
    fn long_lines_are_cut_and_escapes_made_harmless() {
        let text = format!("{}\u{1b}[31mX{}", "a".repeat(300), "b".repeat(300));
        let problem = Problem::at(Severity::Error, "f", &text, 300..301, "m");
        let rendered = problem.render();
        assert!(!rendered.contains('\u{1b}'));
        assert!(rendered.lines().all(|line| line.chars().count() < 140));
        let lines: Vec<&str> = rendered.lines().collect();
        let caret = lines[3].find('^').expect("there is a caret");
        assert_eq!(lines[2].chars().nth(caret), Some('\u{fffd}'));
    }
}
