//! What one call of the tool gave.

use std::fmt::Write as _;

use crate::redact::Redactor;

/// What one call of the tool gave: check it, or make a snapshot of it.
#[must_use = "look at the result: assert its exit code or make a snapshot of it"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliResult {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed as its result.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
}

impl CliResult {
    /// Checks the exit code; panics with all that was printed if it is another.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "another exit code than expected\n{self}");
        self
    }

    /// Checks that the call succeeded, and returns its standard output.
    #[track_caller]
    pub fn success(self) -> String {
        self.expect_code(0).stdout
    }

    /// Returns exit code, standard output and standard error in one text, for snapshots.
    pub fn snapshot(&self, redactor: &Redactor) -> String {
        redactor.redact(&self.to_string())
    }
}

impl std::fmt::Display for CliResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit code: {code}")?,
            None => writeln!(f, "ended by a signal")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "--- {name}")?;
            f.write_str(text)?;
            if !text.is_empty() && !text.ends_with('\n') {
                f.write_char('\n')?;
                writeln!(f, "(no newline at the end)")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> CliResult {
        CliResult { code: Some(1), stdout: "took 1.2 s\n".into(), stderr: "oh".into() }
    }

    #[test]
    fn a_snapshot_has_everything_and_nothing_that_varies() {
        assert_eq!(
            result().snapshot(&Redactor::standard()),
            "exit code: 1\n--- stdout\ntook <took>\n--- stderr\noh\n(no newline at the end)\n"
        );
        let killed = CliResult { code: None, stdout: String::new(), stderr: String::new() };
        assert_eq!(killed.to_string(), "ended by a signal\n--- stdout\n--- stderr\n");
    }

    #[test]
    #[should_panic(expected = "exit code: 1\n--- stdout\ntook 1.2 s")]
    fn another_code_shows_what_was_printed() {
        drop(result().expect_code(0));
    }
}
