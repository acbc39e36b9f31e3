//! How the simulated workload answers: which command ends how, and which service does not run.
//!
//! Rules come from a file of the user, so they are strict: an unknown key is an error. Reading the file is
//! the caller's business.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::files::pattern;

/// The rules of a simulated workload, in order; the first that fits decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ExecRules {
    /// What commands do.
    pub exec: Vec<ExecRule>,
    /// What services do, where they do not simply run.
    pub service: Vec<ServiceRule>,
}

/// What one command does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExecRule {
    /// A glob over the words of the command, joined by spaces: `*` and `?` match anything, `[...]` one of
    /// some characters, and a backslash takes the next character as it is.
    pub command: String,
    /// The exit code.
    #[serde(default)]
    pub exit_code: i32,
    /// What the command prints.
    #[serde(default)]
    pub stdout: String,
    /// What the command complains.
    #[serde(default)]
    pub stderr: String,
    /// Files that the command writes: path and content.
    #[serde(default)]
    pub writes: BTreeMap<String, String>,
    /// Whether the command ends only when its standard input does.
    #[serde(default)]
    pub reads_stdin: bool,
    /// Whether the container has no such program.
    #[serde(default)]
    pub missing: bool,
    /// How long the command takes, in milliseconds of the clock.
    #[serde(default)]
    pub takes_ms: u64,
}

/// What one service does, where it does not simply run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceRule {
    /// A glob over the service's command, as in [`ExecRule::command`].
    pub command: String,
    /// The exit code with which it ends.
    #[serde(default)]
    pub exit_code: i32,
    /// How long it runs before it ends, in milliseconds of the clock.
    #[serde(default)]
    pub after_ms: u64,
    /// What it printed.
    #[serde(default)]
    pub output: String,
}

impl ExecRules {
    /// Returns the rule for a command.
    pub fn for_command(&self, words: &[String]) -> Option<&ExecRule> {
        let line = words.join(" ");
        self.exec.iter().find(|rule| pattern::matches(&rule.command, &line) == Ok(true))
    }

    /// Returns the rule for a service's command.
    pub fn for_service(&self, command: &str) -> Option<&ServiceRule> {
        self.service.iter().find(|rule| pattern::matches(&rule.command, command) == Ok(true))
    }

    /// Returns the first glob that is malformed, so that a caller can refuse the file.
    pub fn malformed(&self) -> Option<&str> {
        let globs = self.exec.iter().map(|rule| &rule.command);
        let globs = globs.chain(self.service.iter().map(|rule| &rule.command));
        globs.map(String::as_str).find(|glob| pattern::check(glob).is_err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [[exec]]
        command = "pg_isready*"
        exit-code = 2
        stderr = "no response"

        [[exec]]
        command = "*"
        stdout = "anything"

        [[service]]
        command = "/bin/crash *"
        exit-code = 1
    "#;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules: ExecRules = toml::from_str(RULES).unwrap();
        let check = |words: &[&str], expected: &str| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            assert_eq!(rules.for_command(&words).unwrap().command, expected);
        };
        check(&["pg_isready", "-h", "a/b"], "pg_isready*");
        check(&["ls"], "*");
        assert_eq!(rules.for_service("/bin/crash now").unwrap().exit_code, 1);
        assert_eq!(rules.for_service("/bin/other"), None);
        assert_eq!(rules.malformed(), None);
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        assert!(toml::from_str::<ExecRules>("[[exec]]\ncommand = 'a'\nexitcode = 1").is_err());
        let rules: ExecRules = toml::from_str("[[exec]]\ncommand = '[a'").unwrap();
        assert_eq!(rules.malformed(), Some("[a"));
    }
}
