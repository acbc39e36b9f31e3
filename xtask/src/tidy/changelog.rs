//! The changelog always has a place for what comes next.

use super::Problem;
use super::tree::Tree;

const CHANGELOG: &str = "CHANGELOG.md";

/// Checks that the first section of the changelog is the unreleased one.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(CHANGELOG) else {
        return vec![Problem::in_file(CHANGELOG, "is missing")];
    };
    let first = text.lines().zip(1..).find_map(|(line, number)| Some((line.strip_prefix("## ")?, number)));
    match first {
        Some(("[Unreleased]" | "Unreleased", _)) => Vec::new(),
        Some((title, number)) => {
            let message = format!("the first section is `{title}`: put `## [Unreleased]` before it");
            vec![Problem::at(CHANGELOG, number, message)]
        }
        None => vec![Problem::in_file(CHANGELOG, "has no section `## [Unreleased]`")],
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    #[test]
    fn an_open_changelog_is_fine() {
        assert_says(check, &[(CHANGELOG, "# Changelog\n\n## [Unreleased]\n\n## [1.0.0]\n")], &[]);
    }

    #[test]
    fn a_closed_changelog_is_told() {
        assert_says(
            check,
            &[(CHANGELOG, "# Changelog\n\n## [1.0.0]\n")],
            &["CHANGELOG.md:3: the first section is `[1.0.0]`: put `## [Unreleased]` before it"],
        );
        assert_says(
            check,
            &[(CHANGELOG, "# Changelog\n")],
            &["CHANGELOG.md: has no section `## [Unreleased]`"],
        );
        assert_says(check, &[], &["CHANGELOG.md: is missing"]);
    }
}
