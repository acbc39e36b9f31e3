//! Running a program of our own (uv, a build) and keeping what it said.
//!
//! Not for the charms' suites: those run in the sandbox.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

/// Why a program of ours did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("`{program}` could not be started")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended with another status than 0.
    #[error("`{command}` ended with {status}:\n{said}")]
    Failed {
        /// The command, as a shell would show it.
        command: String,
        /// For example `exit status: 2`.
        status: String,
        /// The last lines of what it said.
        said: String,
    },
}

impl ProcessError {
    /// Returns what the program said, or why it did not start.
    pub fn said(&self) -> String {
        match self {
            Self::Start { source, .. } => source.to_string(),
            Self::Failed { said, .. } => said.clone(),
        }
    }
}

/// A program to run, in a folder that must be named.
#[derive(Debug)]
pub struct Program {
    command: Command,
    shown: String,
}

impl Program {
    /// Names the program and the folder it runs in.
    pub fn new(program: impl AsRef<OsStr>, folder: &Utf8Path) -> Self {
        let shown = program.as_ref().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        Self { command, shown }
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, arguments: I) -> Self {
        for argument in arguments {
            self.shown.push(' ');
            self.shown.push_str(&shell_word(&argument.as_ref().to_string_lossy()));
            self.command.arg(argument);
        }
        self
    }

    /// Sets a variable on top of what is inherited.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it to its end and returns its standard output.
    pub fn output(mut self) -> Result<String, ProcessError> {
        let output = self
            .command
            .output()
            .map_err(|source| ProcessError::Start { program: self.shown.clone(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.trim().is_empty() {
            said = String::from_utf8_lossy(&output.stdout).into_owned();
        }
        let lines: Vec<&str> = said.trim_end().lines().collect();
        let from = lines.len().saturating_sub(30);
        Err(ProcessError::Failed {
            command: self.shown,
            status: output.status.to_string(),
            said: lines[from..].join("\n"),
        })
    }
}

/// Returns a word as a POSIX shell would need it.
pub fn shell_word(word: &str) -> String {
    let plain =
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,@+%^".contains(c));
    if plain { word.to_string() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Returns the first file of that name on a search path, folders in `without` left out.
pub fn find_on_path(name: &str, search_path: &str, without: &[&Utf8Path]) -> Option<Utf8PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    search_path
        .split(':')
        .filter(|folder| !folder.is_empty() && !without.iter().any(|w| Utf8Path::new(folder) == *w))
        .map(|folder| Utf8Path::new(folder).join(name))
        .find(|file| {
            file.metadata()
                .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_says_what_it_said() {
        let error = Program::new("sh", Utf8Path::new("/"))
            .arguments(["-c", "echo why >&2; exit 3"])
            .output()
            .unwrap_err();
        assert_eq!(error.to_string(), "`sh -c 'echo why >&2; exit 3'` ended with exit status: 3:\nwhy");
    }

    #[test]
    fn words_survive_a_shell() {
        for (word, expected) in [("a-b", "a-b"), ("", "''"), ("it's", r"'it'\''s'"), ("ops==3", "ops==3")] {
            assert_eq!(shell_word(word), expected);
        }
    }
}
