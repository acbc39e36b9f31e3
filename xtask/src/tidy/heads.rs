//! Every public module begins with what it is for.

use super::Problem;
use super::tree::{Tree, folder_of, join};

/// Checks that the file of every `pub mod` begins with a `//!` comment.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let ours = |path: &str| path.starts_with("crates/") || path.starts_with("xtask/");
    tree.ending(".rs")
        .filter(|(path, _)| ours(path))
        .flat_map(|(path, text)| public_modules(path, text))
        .filter_map(|files| {
            let (path, text) = files.iter().find_map(|path| Some((path, tree.text(path)?)))?;
            let message = "is a public module: begin with `//!` and what it is for";
            (!has_head(text)).then(|| Problem::in_file(path, message))
        })
        .collect()
}

/// Returns where the file of each public module that `text` declares may be.
fn public_modules(path: &str, text: &str) -> Vec<[String; 2]> {
    let folder = match path.rsplit_once('/').map_or(path, |(_, name)| name) {
        "lib.rs" | "main.rs" | "mod.rs" => folder_of(path),
        _ => path.trim_end_matches(".rs"),
    };
    let mut lines_before = "";
    let mut modules = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.trim().strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            // A path in an attribute counts from the folder of the file that has it.
            let given = lines_before
                .trim()
                .strip_prefix("#[path = \"")
                .and_then(|rest| rest.strip_suffix("\"]"))
                .and_then(|given| join(folder_of(path), given));
            modules.push(match given {
                Some(given) => [given.clone(), given],
                None => [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")],
            });
        }
        lines_before = line;
    }
    modules
}

fn has_head(text: &str) -> bool {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(|line| line.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    #[test]
    fn modules_with_a_head_are_fine() {
        assert_says(
            check,
            &[
                ("crates/a/src/lib.rs", "//! A.\npub mod b;\nmod private;\npub mod c;\n"),
                ("crates/a/src/b.rs", "//! B.\n"),
                ("crates/a/src/c/mod.rs", "//! C.\n"),
                ("crates/a/src/private.rs", ""),
            ],
            &[],
        );
    }

    #[test]
    fn modules_without_one_are_told() {
        assert_says(
            check,
            &[
                ("crates/a/src/lib.rs", "pub mod b;\n    pub mod e;\n"),
                ("crates/a/src/b.rs", "//!\npub mod c;\n#[path = \"other.rs\"]\npub mod d;\n"),
                ("crates/a/src/b/c.rs", "use x;\n"),
                ("crates/a/src/other.rs", ""),
                ("crates/a/src/e.rs", "\n//! E.\n"),
            ],
            &[
                "crates/a/src/b.rs: is a public module: begin with `//!` and what it is for",
                "crates/a/src/b/c.rs: is a public module: begin with `//!` and what it is for",
                "crates/a/src/other.rs: is a public module: begin with `//!` and what it is for",
            ],
        );
    }
}
