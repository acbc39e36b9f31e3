//! Which of a charm's suites a target means.

use super::{Offerings, Runner};
use crate::Broken;

/// A suite to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// What runs it.
    pub runner: Runner,
    /// The name to give the runner; for pytest, the directory of the tests, and
    /// for lives, the charm's program.
    pub name: String,
    /// Why this one: a lower-case fragment.
    pub why: String,
}

/// A charm does not offer what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the charm offers nothing for `{target}`")]
pub struct NoTarget {
    /// What was asked for.
    pub target: String,
    /// What the charm offers instead: `tox -e lint`, `make test`.
    pub offered: Vec<String>,
    /// The configuration that cannot be read, and might have offered it.
    #[source]
    pub broken: Option<Box<Broken>>,
}

/// The target that charmproof serves itself, whatever else is called so.
pub const LIVES: &str = "lifecycle";

/// The target of the tests that need a Juju.
pub const INTEGRATION: &str = "integration";

/// Whether a target's tests deploy charms, by its name: `integration`, `integration-k8s`, `functional`.
pub fn needs_juju(target: &str) -> bool {
    let (_, aliases) = ALIASES[ALIASES.len() - 1];
    let is_like =
        |name: &str| target.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    [INTEGRATION, "e2e"].iter().chain(aliases).any(|name| is_like(name))
}

/// Runners in the order of preference.
const RUNNERS: [Runner; 4] = [Runner::Tox, Runner::Just, Runner::Make, Runner::Nox];

/// A target, and the other names that charms give it, the likeliest first; those of integration tests last.
/// A `*` at the end stands for digits: `py3*` is `py310` and the like.
const ALIASES: [(&str, &[&str]); 4] = [
    (
        "unit",
        &[
            "unit-tests",
            "unit-test",
            "unit_tests",
            "unit_test",
            "unittests",
            "unittest",
            "test-unit",
            "tests-unit",
            "test_unit",
            "tests_unit",
            "test",
            "tests",
            "pytest",
            "py3",
            "py3*",
            "py",
        ],
    ),
    (
        "lint",
        &[
            "linters",
            "linter",
            "linting",
            "lint-code",
            "lint_code",
            "code-lint",
            "lint-check",
            "lint-python",
            "pep8",
            "flake8",
            "ruff",
            "check",
            "checks",
            "style",
            "codestyle",
            "format-check",
        ],
    ),
    (
        "static",
        &[
            "static-charm",
            "static-analysis",
            "static-check",
            "static-checks",
            "static_analysis",
            "typecheck",
            "type-check",
            "type_check",
            "types",
            "typing",
            "type",
            "mypy",
            "pyright",
            "static-lib",
        ],
    ),
    (
        "integration",
        &[
            "integration-tests",
            "integration-test",
            "integration_tests",
            "integration_test",
            "test-integration",
            "functional",
            "functional-tests",
            "func",
            "func-test",
        ],
    ),
];

/// Finds what a target means for a charm: the very name in any runner, or
/// else the likeliest of its other names; of two runners, tox before just
/// before make before nox. Unit and integration tests that nothing offers are
/// given to pytest, unless there is a configuration that cannot be read. Lives are offered by
/// whoever has a program.
pub fn choose_target(target: &str, offerings: &Offerings) -> Result<Invocation, NoTarget> {
    if target == LIVES
        && let Some(program) = &offerings.program
    {
        let why = format!("hooks are run with `{program}`");
        return Ok(Invocation { runner: Runner::Lives, name: program.clone(), why });
    }
    let exact = RUNNERS.into_iter().find(|runner| offerings.of(*runner).any(|name| name == target));
    if let Some(runner) = exact {
        return Ok(Invocation { runner, name: target.to_owned(), why: format!("{runner} has `{target}`") });
    }
    let aliases = ALIASES.iter().find(|(name, _)| *name == target).map_or(&[][..], |(_, aliases)| aliases);
    for alias in aliases {
        if let Some((runner, name)) = find(offerings, alias) {
            let why = format!("nothing is called `{target}`, and {runner} has `{name}`");
            return Ok(Invocation { runner, name, why });
        }
    }
    let tests = match target {
        "unit" => &offerings.pytest,
        INTEGRATION => &offerings.integration,
        _ => &None,
    };
    if offerings.broken.is_none()
        && let Some(directory) = tests
    {
        let why = format!("no runner offers {target} tests, and there are some in `{directory}`");
        return Ok(Invocation { runner: Runner::Pytest, name: directory.clone(), why });
    }
    Err(NoTarget {
        target: target.to_owned(),
        offered: offered(offerings),
        broken: offerings.broken.clone().map(Box::new),
    })
}

fn find(offerings: &Offerings, pattern: &str) -> Option<(Runner, String)> {
    RUNNERS.into_iter().find_map(|runner| {
        let mut fitting: Vec<&str> = offerings.of(runner).filter(|name| fits(pattern, name)).collect();
        // Of `py38` and `py312`, the newest.
        fitting.sort_by_key(|name| (name.len(), *name));
        fitting.last().map(|name| (runner, (*name).to_owned()))
    })
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name
            .strip_prefix(start)
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())),
        None => name == pattern,
    }
}

fn offered(offerings: &Offerings) -> Vec<String> {
    RUNNERS
        .into_iter()
        .flat_map(|runner| {
            let command = match runner {
                Runner::Tox => "tox -e",
                Runner::Nox => "nox -s",
                Runner::Just | Runner::Make | Runner::Pytest | Runner::Lives => runner.name(),
            };
            offerings.of(runner).map(move |name| format!("{command} {name}"))
        })
        .collect()
}
