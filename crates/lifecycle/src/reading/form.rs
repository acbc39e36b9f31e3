//! What a text is, by its beginning.

use thiserror::Error;

use super::names;
use crate::juju_log;
use crate::vocabulary::Hook;

/// How much of a text has to be seen to tell what it is.
pub const BEGINNING_BYTES: usize = 64 * 1024;

/// A form of sequences that charmproof reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Names of hooks, one a line.
    Names,
    /// Lives or recorded traces.
    Json,
    /// `juju debug-log`, or the file of a unit's agent.
    AgentLog,
    /// `juju show-status-log`.
    StatusLog,
}

/// Why a text is none of them.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UnknownForm {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It is text that other programs write with two bytes a letter.
    #[error("is UTF-16 text")]
    Utf16,
    /// It is compressed.
    #[error("is compressed with {program}")]
    Compressed {
        /// The program that did it.
        program: &'static str,
        /// The one that undoes it.
        undo: &'static str,
    },
    /// It is no text.
    #[error("is no text: byte {at} is {byte:#04x}")]
    Binary {
        /// The first byte that is none of text, from 1.
        at: usize,
        /// The byte.
        byte: u8,
    },
    /// It is a text, and no sequence.
    #[error("line {line} is neither the name of a hook nor a line of Juju's logs: `{text}`")]
    Text {
        /// The first line that has anything.
        line: usize,
        /// The line.
        text: String,
    },
}

impl UnknownForm {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => "give the names of hooks, one a line, a log of Juju, or JSON".to_owned(),
            Self::Utf16 => "make it UTF-8: `iconv -f UTF-16 -t UTF-8 FILE | charmproof validate -`".to_owned(),
            Self::Compressed { undo, .. } => format!("`{undo} FILE | charmproof validate -`"),
            Self::Binary { .. } => "give a text: names of hooks, a log of Juju, or JSON".to_owned(),
            Self::Text { .. } => {
                "charmproof reads what `juju debug-log` and `juju show-status-log UNIT` print, the file that an agent logs to, names of hooks, and JSON".to_owned()
            }
        }
    }
}

/// The first bytes of files that programs have compressed.
const COMPRESSED: [(&[u8], &str, &str); 5] = [
    (b"\x1f\x8b", "gzip", "zcat"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat"),
    (b"\xfd7zXZ", "xz", "xzcat"),
    (b"BZh", "bzip2", "bzcat"),
    (b"PK\x03\x04", "zip", "unzip -p"),
];

/// Returns the form of a text, of which `beginning` is the first part, or all.
///
/// Logs are known by any of their lines, as people copy a prompt or a traceback along.
pub fn of(beginning: &[u8]) -> Result<Form, UnknownForm> {
    if let Some((_, program, undo)) = COMPRESSED.iter().find(|(magic, _, _)| beginning.starts_with(magic)) {
        return Err(UnknownForm::Compressed { program, undo });
    }
    if is_utf16(beginning) {
        return Err(UnknownForm::Utf16);
    }
    let text = String::from_utf8_lossy(beginning);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(UnknownForm::Empty);
    }
    if text.trim_start().starts_with(['[', '{']) {
        return Ok(Form::Json);
    }
    for line in text.lines() {
        if juju_log::is_of_agent(line) {
            return Ok(Form::AgentLog);
        }
        if juju_log::is_of_status(line) {
            return Ok(Form::StatusLog);
        }
    }
    if let Some((at, byte)) = first_of_no_text(beginning) {
        return Err(UnknownForm::Binary { at: at + 1, byte });
    }
    let words = |line: &str| line.split('#').next().unwrap_or_default().split_whitespace().count();
    let first = (1..).zip(text.lines()).find(|(_, line)| words(line) > 0);
    match first {
        // A wrong name is told by who reads names, with the one that was meant.
        Some((line, text)) if words(text) > 2 && Hook::parse(first_word(text)).is_err() => {
            Err(UnknownForm::Text { line, text: super::short(text.trim()) })
        }
        Some((line, text)) if text.len() > names::LINE_BYTES_MAX => {
            Err(UnknownForm::Text { line, text: super::short(text.trim()) })
        }
        Some(_) => Ok(Form::Names),
        None => Err(UnknownForm::Empty),
    }
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

/// Whether every other byte is zero, as in text of a European language.
fn is_utf16(beginning: &[u8]) -> bool {
    let has_mark = beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff");
    let zeros = |from: usize| {
        let every_other = beginning.iter().skip(from).step_by(2).take(32);
        beginning.len() >= 8 && every_other.clone().all(|byte| *byte == 0)
    };
    has_mark || zeros(1) != zeros(0)
}

/// Returns the first byte that is not of a text, apart from one that was cut off at the end.
fn first_of_no_text(beginning: &[u8]) -> Option<(usize, u8)> {
    if let Some(at) = beginning.iter().position(|byte| *byte == 0) {
        return Some((at, 0));
    }
    let error = std::str::from_utf8(beginning).err()?;
    error.error_len().map(|_| (error.valid_up_to(), beginning[error.valid_up_to()]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_known_by_their_beginning() {
        let check = |text: &str, expected: Form| assert_eq!(of(text.as_bytes()), Ok(expected), "{text}");
        check("install\nstart\n", Form::Names);
        check("# a unit\n\ninstall failed # first\n", Form::Names);
        check("\u{feff}install\n", Form::Names);
        check("instal\n", Form::Names);
        check("  [\n{}]", Form::Json);
        check("{\"schema\":1}", Form::Json);
        let line = "unit-web-0: 13:41:21 INFO juju.worker.uniter.operation ran \"install\" hook (via x)\n";
        check(line, Form::AgentLog);
        check(&format!("$ juju debug-log --replay\nsome words of a person here\n{line}"), Form::AgentLog);
        check("Time  Type  Status  Message\n", Form::StatusLog);
    }

    #[test]
    fn what_is_no_sequence_is_told() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(of(bytes).expect_err("no form").to_string(), expected);
        };
        check(b"", "is empty");
        check(b" \n\n", "is empty");
        check(b"# only a remark\n", "is empty");
        check(b"\x1f\x8b\x08\x00rest", "is compressed with gzip");
        check(b"\xff\xfei\0n\0", "is UTF-16 text");
        check(b"i\0n\0s\0t\0a\0l\0l\0\n\0", "is UTF-16 text");
        check(b"\x7fELF\x02\x01\x01\0\0\0\0\0", "is no text: byte 8 is 0x00");
        check(b"caf\xe9 au lait", "is no text: byte 4 is 0xe9");
        check(
            b"2026-10-07T10:00:00Z web[1]: something happened\n",
            "line 1 is neither the name of a hook nor a line of Juju's logs: `2026-10-07T10:00:00Z web[1]: something happened`",
        );
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_form_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = of(&bytes);
        }
    }
}
