//! Every page of the documentation can be found from its index.

use super::Problem;
use super::tree::{Tree, join};

const DOCS: &str = "docs/";
const INDEX: &str = "docs/index.md";

/// Checks that the index links every page below `docs/`.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(index) = tree.text(INDEX) else {
        return vec![Problem::in_file(INDEX, "is missing")];
    };
    let linked: Vec<String> = index
        .split("](")
        .skip(1)
        .filter_map(|part| part.split([')', '#', ' ']).next())
        .filter_map(|target| join(DOCS, target))
        .collect();
    tree.ending(".md")
        .filter(|(path, _)| path.starts_with(DOCS) && *path != INDEX)
        .filter(|(path, _)| !linked.iter().any(|link| link == path))
        .map(|(path, _)| Problem::in_file(path, format!("is not linked from {INDEX}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    #[test]
    fn pages_that_nobody_finds_are_told() {
        assert_says(
            check,
            &[
                (INDEX, "[a](how-to/a.md), [b](b.md#there)"),
                ("docs/how-to/a.md", ""),
                ("docs/b.md", ""),
                ("docs/how-to/c.md", ""),
                ("README.md", ""),
            ],
            &["docs/how-to/c.md: is not linked from docs/index.md"],
        );
        assert_says(check, &[], &["docs/index.md: is missing"]);
    }
}
