//! What a charm offers to run, and which of it a target means.
//!
//! A *target* is what a user asks a fleet for: `unit`, `lint`, `static`,
//! `integration`, or the very name of an environment or recipe. Charms call
//! their suites by many names in several runners; the choice is a table. One
//! target is no suite of the charm's: for `lifecycle`, charmproof runs its code.

mod just;
mod make;
mod nox;
mod target;

use std::collections::BTreeSet;
use std::fmt;

use camino::Utf8Path;

pub use just::{just_recipes, just_recipes_with_parameters};
pub use make::make_targets;
pub use nox::nox_sessions;
pub use target::{INTEGRATION, Invocation, LIVES, NoTarget, choose_target, needs_juju};

use crate::toxconfig::tox_config;
use crate::{Broken, Tree};

/// A program that runs a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runner {
    /// tox.
    Tox,
    /// just.
    Just,
    /// make.
    Make,
    /// nox.
    Nox,
    /// pytest itself, when nothing above offers the unit or integration tests.
    Pytest,
    /// charmproof itself, which runs the charm's code through lives of a unit.
    Lives,
}

impl Runner {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tox => "tox",
            Self::Just => "just",
            Self::Make => "make",
            Self::Nox => "nox",
            Self::Pytest => "pytest",
            Self::Lives => "lives",
        }
    }
}

impl fmt::Display for Runner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Where charms keep the tests that need a Juju, the likeliest first.
const INTEGRATION_FOLDERS: [&str; 4] =
    ["tests/integration", "tests/functional", "tests/e2e", "test/integration"];

/// What a charm offers to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offerings {
    /// Environments of tox.
    pub tox: BTreeSet<String>,
    /// Recipes of just, and aliases of recipes.
    pub just: BTreeSet<String>,
    /// Those of the recipes that take arguments.
    pub just_with_parameters: BTreeSet<String>,
    /// Targets of make.
    pub make: BTreeSet<String>,
    /// Sessions of nox.
    pub nox: BTreeSet<String>,
    /// The directory of unit tests that pytest could be given, if there is
    /// one.
    pub pytest: Option<String>,
    /// The directory of integration tests, if there is one.
    pub integration: Option<String>,
    /// The program that hooks are run with, if there is one.
    pub program: Option<String>,
    /// The tox configuration that cannot be read. What it would offer is not
    /// known, so that pytest does not stand in for it.
    pub broken: Option<Broken>,
}

impl Offerings {
    /// Reads what the charm at the root of a tree offers.
    pub fn read(tree: &dyn Tree) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| tree.read(Utf8Path::new(name)));
        let mut offerings = Self::default();
        match tox_config(tree) {
            Ok(Some(config)) => offerings.tox = config.environments,
            Ok(None) => {}
            Err(broken) => offerings.broken = Some(broken),
        }
        if let Some(text) = first(&["justfile", "Justfile", ".justfile", "JUSTFILE"]) {
            offerings.just = just_recipes(&text);
            offerings.just_with_parameters = just_recipes_with_parameters(&text);
        }
        if let Some(text) = first(&["GNUmakefile", "makefile", "Makefile"]) {
            offerings.make = make_targets(&text);
        }
        if let Some(text) = first(&["noxfile.py"]) {
            offerings.nox = nox_sessions(&text);
        }
        offerings.pytest = ["tests/unit", "tests", "test"]
            .into_iter()
            .find(|directory| has_tests(tree, directory))
            .map(str::to_owned);
        offerings.integration = INTEGRATION_FOLDERS
            .into_iter()
            .find(|directory| tree.files_below(Utf8Path::new(directory)).any(|file| is_test(file)))
            .map(str::to_owned);
        offerings.program = ["src/charm.py", "dispatch"]
            .into_iter()
            .find(|program| tree.has(Utf8Path::new(program)))
            .map(str::to_owned);
        offerings
    }

    /// The names that a runner offers.
    pub fn of(&self, runner: Runner) -> impl Iterator<Item = &str> {
        let names: Box<dyn Iterator<Item = &str>> = match runner {
            Runner::Tox => Box::new(self.tox.iter().map(String::as_str)),
            Runner::Just => Box::new(self.just.iter().map(String::as_str)),
            Runner::Make => Box::new(self.make.iter().map(String::as_str)),
            Runner::Nox => Box::new(self.nox.iter().map(String::as_str)),
            Runner::Pytest => Box::new(self.pytest.iter().chain(&self.integration).map(String::as_str)),
            Runner::Lives => Box::new(self.program.iter().map(String::as_str)),
        };
        names
    }
}

/// Whether a directory holds tests that need no Juju. Those for integration
/// are no reason to run pytest by itself.
fn has_tests(tree: &dyn Tree, directory: &str) -> bool {
    tree.files_below(Utf8Path::new(directory)).any(|file| {
        let needs_juju = file.components().any(|part| {
            let part = part.as_str();
            part.starts_with("integration") || part.starts_with("functional") || part == "e2e"
        });
        is_test(file) && !needs_juju
    })
}

/// Whether pytest would look for tests in a file.
fn is_test(file: &Utf8Path) -> bool {
    let name = file.file_name().unwrap_or("");
    file.extension() == Some("py") && (name.starts_with("test_") || name.ends_with("_test.py"))
}

#[cfg(test)]
mod tests;
