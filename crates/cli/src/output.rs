//! The only place that prints: results on the standard output, talk on the other.

use std::io::{IsTerminal as _, Write as _};

use charmproof_store::report::{Style, Terminal};

use crate::args::Colour;

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
