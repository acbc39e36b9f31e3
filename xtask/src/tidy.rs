//! `cargo xtask tidy`: the rules of this project that no other tool checks.
//!
//! Each check is a pure function from a [`Tree`] to the [`Problem`]s that it sees, in a
//! file of its own, and sees all of them: nobody should have to run it twice. None of
//! them changes a file.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use self::tree::Tree;

mod arrows;
mod changelog;
mod dependencies;
mod examples;
mod heads;
mod links;
mod markers;
mod pages;
mod sizes;
mod strings;
mod tree;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    /// From 1; `None` where the file as a whole is meant.
    line: Option<usize>,
    /// What is wrong, and what to do about it.
    message: String,
}

impl Problem {
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, message: message.into() }
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// A check and the rule that it holds.
struct Check {
    name: &'static str,
    check: fn(&Tree) -> Vec<Problem>,
}

const CHECKS: [Check; 10] = [
    Check { name: "crates depend on each other as agreed", check: arrows::check },
    Check { name: "every dependency is explained", check: dependencies::check },
    Check { name: "no file is too long", check: sizes::check },
    Check { name: "no host or path of one machine is named", check: strings::check },
    Check { name: "nothing is ignored or left undone", check: markers::check },
    Check { name: "every public module says what it is", check: heads::check },
    Check { name: "every example says what it is for", check: examples::check },
    Check { name: "links lead somewhere", check: links::check },
    Check { name: "every page is linked from the index", check: pages::check },
    Check { name: "the changelog is open", check: changelog::check },
];

/// Runs every check on the checkout.
pub(crate) fn run(root: &Path, arguments: &[String]) -> anyhow::Result<ExitCode> {
    if !arguments.is_empty() {
        bail!("`tidy` takes no arguments");
    }
    let tree = Tree::read(root)?;
    let mut count = 0;
    for Check { name, check } in CHECKS {
        let mut problems = check(&tree);
        if problems.is_empty() {
            continue;
        }
        problems.sort();
        count += problems.len();
        println!("not so: {name}");
        for problem in problems {
            println!("  {problem}");
        }
    }
    if count == 0 {
        println!("tidy: {} files, {} checks, no problem", tree.len(), CHECKS.len());
        Ok(ExitCode::SUCCESS)
    } else {
        println!("tidy: {count} problem(s)");
        Ok(ExitCode::from(1))
    }
}

/// Tests of one check: what it says of a few files, a line for each problem.
#[cfg(test)]
fn assert_says(check: fn(&Tree) -> Vec<Problem>, files: &[(&str, &str)], expected: &[&str]) {
    let mut problems = check(&Tree::of(files));
    problems.sort();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(said, expected);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_like_that_of_a_compiler() {
        assert_eq!(Problem::at("a/b.rs", 3, "is odd").to_string(), "a/b.rs:3: is odd");
        assert_eq!(Problem::in_file("a/b.rs", "is odd").to_string(), "a/b.rs: is odd");
    }
}
