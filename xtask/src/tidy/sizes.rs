//! No file of code is longer than a person can hold in mind, except for a reason.

use std::collections::BTreeMap;

use super::Problem;
use super::tree::Tree;

/// The most lines that a file may have.
const LINES_MAX: usize = 800;

/// The files that may have more, a line each: the path, then the reason.
const EXCEPTIONS: &str = "xtask/long-files.txt";

/// Where our code is.
const FOLDERS: [&str; 4] = ["crates/", "xtask/", "examples/", "python/"];

/// Checks the length of every Rust and Python file.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut exceptions = BTreeMap::new();
    for (line, number) in tree.text(EXCEPTIONS).unwrap_or_default().lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (path, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if reason.trim().is_empty() {
            problems.push(Problem::at(EXCEPTIONS, number, format!("`{path}` has no reason")));
        }
        exceptions.insert(path, number);
    }
    for (path, text) in tree.ending(".rs").chain(tree.ending(".py")) {
        let lines = text.lines().count();
        if lines <= LINES_MAX || !FOLDERS.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        if exceptions.remove(path).is_none() {
            let message = format!(
                "has {lines} lines, more than {LINES_MAX}: divide it, or give a reason in {EXCEPTIONS}"
            );
            problems.push(Problem::in_file(path, message));
        }
    }
    for (path, number) in exceptions {
        let message = format!("`{path}` is no long file (any more): remove the line");
        problems.push(Problem::at(EXCEPTIONS, number, message));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    #[test]
    fn long_files_need_a_reason() {
        let long = "a\n".repeat(801);
        assert_says(
            check,
            &[
                ("crates/a/src/lib.rs", &long),
                ("crates/a/src/table.rs", &long),
                ("crates/a/src/short.rs", &"a\n".repeat(800)),
                ("crates/a/data.txt", &long),
                (EXCEPTIONS, "# note\ncrates/a/src/table.rs  one table, easier in one piece\n"),
            ],
            &["crates/a/src/lib.rs: has 801 lines, more than 800: divide it, or give a reason in \
               xtask/long-files.txt"],
        );
    }

    #[test]
    fn exceptions_are_kept_in_order() {
        let long = "a\n".repeat(801);
        assert_says(
            check,
            &[("examples/a.py", &long), (EXCEPTIONS, "examples/a.py\ncrates/gone.rs it was long\n")],
            &[
                "xtask/long-files.txt:1: `examples/a.py` has no reason",
                "xtask/long-files.txt:2: `crates/gone.rs` is no long file (any more): remove the \
                 line",
            ],
        );
    }
}
