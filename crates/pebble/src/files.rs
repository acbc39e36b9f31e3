//! Files of the container, through the API: read, write, list, make, remove.
//!
//! Paths are the container's. Messages are those of Go, for charms see them.

mod accounts;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod pattern;
pub(crate) mod root;
pub(crate) mod write;

pub(crate) use self::accounts::Ids;

use rustix::io::Errno;

use crate::plan::quoted;

/// Why something could not be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileError {
    pub(crate) kind: FileErrorKind,
    pub(crate) message: String,
}

/// The kinds of errors that clients tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum FileErrorKind {
    NotFound,
    PermissionDenied,
    GenericFileError,
}

impl FileError {
    pub(crate) fn generic(message: impl Into<String>) -> Self {
        Self { kind: FileErrorKind::GenericFileError, message: message.into() }
    }

    /// What a call says of a path, as Go puts it.
    pub(crate) fn of(call: &str, path: &str, error: Errno) -> Self {
        let (kind, text) = match error {
            Errno::NOENT => (FileErrorKind::NotFound, "no such file or directory".to_owned()),
            Errno::ACCESS => (FileErrorKind::PermissionDenied, "permission denied".to_owned()),
            Errno::PERM => (FileErrorKind::PermissionDenied, "operation not permitted".to_owned()),
            other => (FileErrorKind::GenericFileError, go_text(other)),
        };
        Self { kind, message: format!("{call} {path}: {text}") }
    }

    /// The same, with a word on what was being done.
    pub(crate) fn within(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// The error as the API has it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"kind": self.kind.to_string(), "message": self.message})
    }

    /// The status of an answer that is this error.
    pub(crate) fn status(&self) -> u16 {
        match self.kind {
            FileErrorKind::NotFound => 404,
            FileErrorKind::PermissionDenied => 403,
            FileErrorKind::GenericFileError => 400,
        }
    }
}

/// The text of an error as Go has it: as the system's, in lower case.
fn go_text(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// Refuses paths that do not begin at the root.
pub(crate) fn require_absolute(path: &str) -> Result<(), FileError> {
    if path.starts_with('/') {
        return Ok(());
    }
    Err(FileError::generic(format!("paths must be absolute, got {}", quoted(path))))
}

/// Reads permissions of a request: three octal digits.
pub(crate) fn permissions(text: &str, default: u32) -> Result<u32, FileError> {
    if text.is_empty() {
        return Ok(default);
    }
    let is_octal = text.len() == 3 && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    u32::from_str_radix(text, 8).ok().filter(|_| is_octal).ok_or_else(|| {
        FileError::generic(format!("permissions must be a 3-digit octal string, got {}", quoted(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_three_octal_digits() {
        let check = |text: &str, expected: Option<u32>| {
            assert_eq!(permissions(text, 0o644).ok(), expected, "{text}");
        };
        check("", Some(0o644));
        check("600", Some(0o600));
        check("1000", None);
        check("-01", None);
        check("+77", None);
        check("689", None);
    }

    #[test]
    fn errors_are_put_as_by_go() {
        let check = |error: Errno, expected: &str| {
            assert_eq!(FileError::of("open", "/a", error).message, expected);
        };
        check(Errno::NOENT, "open /a: no such file or directory");
        check(Errno::NOTDIR, "open /a: not a directory");
        check(Errno::NOTEMPTY, "open /a: directory not empty");
        check(Errno::LOOP, "open /a: too many levels of symbolic links");
    }
}
