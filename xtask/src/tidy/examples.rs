//! Every charm of the example fleet says what it is for.

use std::collections::BTreeSet;

use super::Problem;
use super::tree::Tree;

const FLEET: &str = "examples/fleet/";

/// Checks that every folder of the example fleet has a README, and that its first line
/// after the title is a sentence.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let names: BTreeSet<&str> =
        tree.paths().filter_map(|path| Some(path.strip_prefix(FLEET)?.split_once('/')?.0)).collect();
    names.into_iter().filter_map(|name| check_one(tree, name)).collect()
}

fn check_one(tree: &Tree, name: &str) -> Option<Problem> {
    let path = format!("{FLEET}{name}/README.md");
    let Some(text) = tree.text(&path) else {
        return Some(Problem::in_file(&path, "is missing: say what the example is for"));
    };
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    if !lines.next().is_some_and(|(line, _)| line.starts_with("# ")) {
        return Some(Problem::in_file(&path, "does not begin with a title"));
    }
    match lines.next() {
        Some((line, _)) if is_sentence(line) => None,
        Some((_, number)) => {
            let message = "should be one sentence that says what the example is for";
            Some(Problem::at(&path, number, message))
        }
        None => Some(Problem::in_file(&path, "does not say what the example is for")),
    }
}

fn is_sentence(line: &str) -> bool {
    line.ends_with('.') && line.chars().next().is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    fn check_readme(text: &str, expected: &[&str]) {
        let files = [("examples/fleet/fleet.toml", ""), ("examples/fleet/flaky/README.md", text)];
        assert_says(check, &files, expected);
    }

    #[test]
    fn an_example_says_what_it_is_for() {
        check_readme("# flaky\n\nA report, one of whose tests fails now and then.\n\nMore.\n", &[]);
    }

    #[test]
    fn an_example_that_does_not_is_told() {
        check_readme(
            "# flaky\n\n| a | b |\n",
            &["examples/fleet/flaky/README.md:3: should be one sentence that says what the \
               example is for"],
        );
        check_readme("# flaky\n", &["examples/fleet/flaky/README.md: does not say what the example is for"]);
        check_readme("A report.\n", &["examples/fleet/flaky/README.md: does not begin with a title"]);
        assert_says(
            check,
            &[("examples/fleet/hangs/tox.ini", "")],
            &["examples/fleet/hangs/README.md: is missing: say what the example is for"],
        );
    }
}
