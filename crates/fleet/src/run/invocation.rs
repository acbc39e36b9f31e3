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
                // What a recipe does with options is not known, and pytest knows its own. Words in front
                // of them, as the name of a package, are for the recipe.
                let is_for_recipe = invocation.runner == Runner::Just && takes_arguments;
                let options = arguments.iter().position(|word| word.starts_with('-'));
                let plain = if is_for_recipe { options.unwrap_or(arguments.len()) } else { 0 };
                let (plain, rest) = arguments.split_at(plain);
                words.extend_from_slice(plain);
                if !rest.is_empty() {
                    let rest: Vec<String> = rest.iter().map(|word| shell_word(word)).collect();
                    pytest_options = Some(rest.join(" "));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_reach_whoever_takes_them() {
        let check = |runner, takes_arguments, arguments: &[&str], words: &str, options: Option<&str>| {
            let invocation = Invocation { runner, name: "integration".into(), why: String::new() };
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            let line = command_line(&invocation, &arguments, takes_arguments, 0);
            assert_eq!((line.words.join(" ").as_str(), line.pytest_options.as_deref()), (words, options));
        };
        let both = ["web", "-k", "a b"];
        check(Runner::Tox, true, &both, "tox run --colored no -e integration -- web -k a b", None);
        check(Runner::Tox, false, &both, "tox run --colored no -e integration", Some("web -k 'a b'"));
        check(Runner::Just, true, &both, "just --color=never integration web", Some("-k 'a b'"));
        check(Runner::Just, true, &both[..1], "just --color=never integration web", None);
        check(Runner::Just, false, &both, "just --color=never integration", Some("web -k 'a b'"));
        check(Runner::Make, false, &both[1..], "make integration", Some("-k 'a b'"));
        check(Runner::Pytest, true, &both, "uv run pytest integration web -k a b", None);
    }
}
