//! The only place that prints: results on the standard output, talk on the other.

use std::io::{IsTerminal as _, Write as _};

use charmproof_store::report::{Style, Terminal};

use crate::args::Colour;

/// How wide text is at most; longer lines are hard to read.
const WIDTH_MAX: usize = 110;

/// Prints a result. A reader that went away (`| head`) is no error.
pub(crate) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Prints a result of many. Returns whether the reader is still there.
pub(crate) fn result_to_listener(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(end.as_bytes()));
    written.and_then(|()| out.flush()).is_ok()
}

/// Prints talk.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// Returns how the standard output shows things.
pub(crate) fn terminal(colour: Colour) -> Terminal {
    let is_terminal = std::io::stdout().is_terminal();
    let wants = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .or_else(|| is_terminal.then(|| usize::from(console::Term::stdout().size().1)))
        .unwrap_or(100);
    Terminal { style: if wants { Style::Colour } else { Style::Plain }, width }
}

/// Breaks a text between words so that no line is wider than `width`. The first line begins
/// behind `indent` columns, and the others are put below its beginning.
pub(crate) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let columns = width.clamp(indent + 20, WIDTH_MAX.max(indent + 20)) - indent;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a first line");
        let is_full = last.chars().count() + 1 + word.chars().count() > columns;
        if !last.is_empty() && is_full {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrapped("one two three", 2, 80), "one two three");
        assert_eq!(wrapped("a rule that has to hold here", 2, 22), "a rule that has to\n  hold here");
        // A word that is too long stands alone.
        assert_eq!(
            wrapped("a xxxxxxxxxxxxxxxxxxxxxxxxxxx b", 2, 22),
            "a\n  xxxxxxxxxxxxxxxxxxxxxxxxxxx\n  b"
        );
    }
}
