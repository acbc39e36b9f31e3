//! What a stand-in says, while it is being put together.

use super::Act;

/// What a stand-in says and does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) acts: Vec<Act>,
    pub(super) assumed: Vec<String>,
}

impl Said {
    /// Success, with one text.
    pub(super) fn printed(text: impl Into<String>) -> Self {
        Self { stdout: text.into(), ..Self::default() }
    }

    /// Failure, with what is written to standard error.
    pub(super) fn failed(code: i32, text: impl Into<String>) -> Self {
        Self { code, stderr: text.into(), ..Self::default() }
    }

    /// Adds a line to standard output.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.stdout.push_str(text.as_ref());
        self.stdout.push('\n');
    }

    /// Adds a line to standard error.
    pub(super) fn complain(&mut self, text: impl AsRef<str>) {
        self.stderr.push_str(text.as_ref());
        self.stderr.push('\n');
    }

    /// Notes what a real machine would have known, once.
    pub(super) fn assumes(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.assumed.contains(&text) {
            self.assumed.push(text);
        }
    }
}
