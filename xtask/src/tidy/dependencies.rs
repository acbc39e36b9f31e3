//! Every direct dependency has a line that says why we have it.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Problem;
use super::arrows::{dependency_tables, manifests};
use super::tree::Tree;

const MANIFEST: &str = "Cargo.toml";
const PAGE: &str = "docs/dependencies.md";

/// Checks that the workspace's dependencies and the lines of the page are the same, and
/// that no crate has a dependency of its own beside them.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(manifest) = tree.text(MANIFEST).and_then(|text| text.parse::<Table>().ok()) else {
        return vec![Problem::in_file(MANIFEST, "is missing, or no TOML")];
    };
    let used: BTreeSet<&str> = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.get("path").is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let explained = explained(tree.text(PAGE).unwrap_or_default());

    let mut problems = Vec::new();
    for name in used.difference(&explained.iter().map(|(name, _)| *name).collect()) {
        let message = format!("`{name}` has no line: say what it is for, and why this one");
        problems.push(Problem::in_file(PAGE, message));
    }
    for (name, line) in explained.iter().filter(|(name, _)| !used.contains(name)) {
        let message = format!("`{name}` is no dependency of the workspace (any more)");
        problems.push(Problem::at(PAGE, *line, message));
    }
    for (path, text) in manifests(tree) {
        // That one which is no TOML is told elsewhere.
        let manifest: Table = text.parse().unwrap_or_default();
        for (_, table) in dependency_tables(&manifest) {
            for (name, _) in table.iter().filter(|(_, value)| value.get("workspace").is_none()) {
                let message = format!(
                    "`{name}` has a version of its own: list it in the workspace's \
                     dependencies and write `{name}.workspace = true`"
                );
                problems.push(Problem::in_file(path, message));
            }
        }
    }
    problems
}

/// Returns the names in the first column of the table of crates, with their lines.
fn explained(page: &str) -> Vec<(&str, usize)> {
    let lines = page.lines().zip(1..);
    let section = lines.skip_while(|(line, _)| line.trim() != "## Crates").skip(1);
    section
        .take_while(|(line, _)| !line.starts_with("## "))
        .filter_map(|(line, number)| {
            let (name, rest) = line.strip_prefix("| `")?.split_once("` |")?;
            // A name alone explains nothing.
            let cells = rest.trim_end_matches('|').split('|');
            cells.into_iter().all(|cell| !cell.trim().is_empty()).then_some((name, number))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    const WORKSPACE: &str = "[workspace.dependencies]\n\
        charmproof-store = { path = \"crates/store\" }\n\
        serde = { version = \"1\" }\n\
        toml = \"1\"\n";

    #[test]
    fn a_full_page_is_fine() {
        let page = "## Crates\n| crate | job |\n|---|---|\n| `serde` | a |\n| `toml` | b |\n\
                    ## Python programs\n| `uv` | c |\n";
        assert_says(check, &[(MANIFEST, WORKSPACE), (PAGE, page)], &[]);
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_told() {
        let page = "## Crates\n| `serde` | |\n| `old` | c |\n";
        assert_says(
            check,
            &[(MANIFEST, WORKSPACE), (PAGE, page)],
            &[
                "docs/dependencies.md: `serde` has no line: say what it is for, and why this one",
                "docs/dependencies.md: `toml` has no line: say what it is for, and why this one",
                "docs/dependencies.md:3: `old` is no dependency of the workspace (any more)",
            ],
        );
    }

    #[test]
    fn crates_have_no_versions_of_their_own() {
        assert_says(
            check,
            &[
                (MANIFEST, "[workspace]\n"),
                ("crates/a/Cargo.toml", "[dependencies]\nregex = \"1\"\nserde.workspace = true\n"),
            ],
            &["crates/a/Cargo.toml: `regex` has a version of its own: list it in the workspace's \
               dependencies and write `regex.workspace = true`"],
        );
    }
}
