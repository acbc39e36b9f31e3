//! No test is switched off, and nothing is left to be done later.

use super::Problem;
use super::tree::Tree;

/// What may not be in our Rust code, and what to do instead. In pieces, so that this
/// file is not told on.
const FORBIDDEN: [([&str; 2], &str); 2] = [
    (["#[", "ignore"], "switches a test off: assert what happens now, with a comment"),
    (["to", "do!"], "leaves something undone"),
];

/// Checks the Rust files for attributes and macros that put things off.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.ending(".rs") {
        for (line, number) in text.lines().zip(1..) {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (pieces, why) in FORBIDDEN {
                let marker = pieces.concat();
                if line.contains(&marker) {
                    problems.push(Problem::at(path, number, format!("`{marker}` {why}")));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    #[test]
    fn markers_are_told_and_comments_are_not() {
        let [(ignore, _), (undone, _)] = FORBIDDEN;
        let [ignore, undone] = [ignore.concat(), undone.concat()];
        let text = format!("// {undone}()\n{ignore}]\nfn a() {{ {undone}() }}\n");
        assert_says(
            check,
            &[("crates/a/src/lib.rs", &text), ("a.md", &undone)],
            &[
                &format!(
                    "crates/a/src/lib.rs:2: `{ignore}` switches a test off: assert what happens \
                     now, with a comment"
                ),
                &format!("crates/a/src/lib.rs:3: `{undone}` leaves something undone"),
            ],
        );
    }
}
