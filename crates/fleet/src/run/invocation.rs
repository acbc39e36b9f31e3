//! How a target becomes a command.

use charmproof_charm::offerings::{Invocation, LIVES, Runner, choose_target};
use charmproof_store::outcome::{Outcome, PrepareKind};

use super::subject::CharmFacts;
use crate::process::shell_word;

/// What a target means for one charm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Run this.
    Run(Invocation),
    /// There is nothing to run; how that ends, and why.
    Nothing(Outcome, String),
}

/// Chooses what serves a target.
///
/// A configuration that cannot be read is never taken for one that lacks the target:
/// tox itself is asked, and its answer counts.
pub fn choose(target: &str, facts: &CharmFacts) -> Chosen {
    match choose_target(target, &facts.offerings) {
        Ok(invocation) if invocation.runner == Runner::Pytest && facts.tox.is_err() => ask_tox(target),
        Ok(invocation) => Chosen::Run(invocation),
        Err(_) if target == LIVES => Chosen::Nothing(
            Outcome::NoSuchTarget,
            "the charm has neither src/charm.py nor dispatch, so there is no code to run".to_string(),
        ),
        Err(_) if facts.tox.is_err() => ask_tox(target),
        Err(missing) => {
            if let Err(broken) = &facts.dependencies {
                return Chosen::Nothing(
                    Outcome::CouldNotPrepare(PrepareKind::Configuration),
                    broken.to_string(),
                );
            }
            let offered = if missing.offered.is_empty() {
                "nothing".to_string()
            } else {
                missing.offered.iter().take(8).cloned().collect::<Vec<_>>().join(", ")
            };
            Chosen::Nothing(Outcome::NoSuchTarget, format!("the charm offers {offered}"))
        }
    }
}

fn ask_tox(target: &str) -> Chosen {
    Chosen::Run(Invocation {
        runner: Runner::Tox,
        name: target.to_string(),
        why: "its tox configuration cannot be read, so tox itself is asked".into(),
    })
}

/// A command with the arguments that reach the test runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The words.
    pub words: Vec<String>,
    /// Arguments that go through `PYTEST_ADDOPTS`, where the runner hands none on.
    pub pytest_options: Option<String>,
}

/// Returns the command of an invocation. Arguments are for test runners, and lives have none.
pub fn command_line(
    invocation: &Invocation,
    arguments: &[String],
    takes_arguments: bool,
    lives: u64,
) -> CommandLine {
    let mut words: Vec<String> = match invocation.runner {
        Runner::Tox => ["tox", "run", "--colored", "no", "-e", &invocation.name].map(Into::into).to_vec(),
        Runner::Just => vec!["just".into(), "--color=never".into(), invocation.name.clone()],
        Runner::Make => vec!["make".into(), invocation.name.clone()],
        Runner::Nox => vec!["nox".into(), "--session".into(), invocation.name.clone()],
        Runner::Pytest => ["uv", "run", "pytest", &invocation.name].map(Into::into).to_vec(),
        Runner::Lives => {
            ["charmproof", "__lifecycle", "--lives", &lives.to_string()].map(Into::into).to_vec()
        }
    };
    let mut pytest_options = None;
    if !arguments.is_empty() {
        match invocation.runner {
            Runner::Tox if takes_arguments => {
                words.push("--".into());
                words.extend_from_slice(arguments);
            }
            Runner::Pytest => words.extend_from_slice(arguments),
            Runner::Lives => {}
            Runner::Tox | Runner::Just | Runner::Make | Runner::Nox => {
                pytest_options =
                    Some(arguments.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "));
            }
        }
    }
    CommandLine { words, pytest_options }
}

/// Whether a target's cases are diagnostics rather than tests.
pub fn is_lint(target: &str) -> bool {
    let lints = [
        "lint",
        "static",
        "format",
        "fmt",
        "typecheck",
        "type-check",
        "types",
        "mypy",
        "pyright",
        "ruff",
        "codespell",
        "pep8",
        "style",
        "check",
    ];
    lints.iter().any(|name| target == *name || target.starts_with(&format!("{name}-")))
}
