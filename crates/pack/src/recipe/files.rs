//! Which files of a part are taken, and where they go: `stage`, `prime` and `organize`.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::yaml::Node;
use glob::{MatchOptions, Pattern};

use super::{RecipeError, invalid};

/// As Python's `glob` matches, which craft-parts uses: no `*` spans folders or hidden files.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A list of files to take, some with a `-` before them, which are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    included: Vec<Pattern>,
    excluded: Vec<Pattern>,
}

impl Selection {
    /// Reads the texts of such a list. A text that is no pattern stands for itself.
    pub fn new(texts: &[&str]) -> Self {
        let mut selection = Self::default();
        for text in texts {
            let (list, text) = match text.strip_prefix('-') {
                Some(rest) => (&mut selection.excluded, rest),
                None => (&mut selection.included, *text),
            };
            // A backslash lets a name begin with a minus.
            let text = text.strip_prefix('\\').unwrap_or(text).trim_end_matches('/');
            // What lies below is taken with a folder in any case.
            let text = text.strip_suffix("/**").unwrap_or(text);
            let pattern = Pattern::new(text).or_else(|_| Pattern::new(&Pattern::escape(text)));
            list.extend(pattern);
        }
        selection
    }

    /// Whether a file is taken. A folder that is named stands for all in it.
    pub fn takes(&self, file: &Utf8Path) -> bool {
        let hits = |patterns: &[Pattern]| {
            patterns.iter().any(|pattern| {
                file.ancestors()
                    .filter(|path| !path.as_str().is_empty())
                    .any(|path| pattern.matches_with(path.as_str(), OPTIONS))
            })
        };
        let is_all = self.included.is_empty()
            || self.included.iter().any(|pattern| matches!(pattern.as_str(), "*" | "**"));
        (is_all || hits(&self.included)) && !hits(&self.excluded)
    }
}

/// Where files go that are not to stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Organized(Vec<(Pattern, Utf8PathBuf, bool)>);

impl Organized {
    /// Whether all files stay where they are.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The place of a file in the charm.
    pub fn place(&self, file: &Utf8Path) -> Utf8PathBuf {
        for (pattern, target, is_folder) in &self.0 {
            for path in file.ancestors().filter(|path| !path.as_str().is_empty()) {
                if !pattern.matches_with(path.as_str(), OPTIONS) {
                    continue;
                }
                let below = file.strip_prefix(path).unwrap_or(Utf8Path::new(""));
                let name = if *is_folder { path.file_name().unwrap_or_default() } else { "" };
                return [target.as_path(), Utf8Path::new(name), below]
                    .iter()
                    .flat_map(|part| part.components())
                    .collect();
            }
        }
        file.to_owned()
    }
}

/// Reads a mapping of patterns to places.
pub(super) fn organized(node: Option<&Node>) -> Result<Organized, RecipeError> {
    let mut all = Vec::new();
    for entry in node.map(Node::entries).unwrap_or_default() {
        let target = entry.value.text().unwrap_or_default();
        let pattern = Pattern::new(entry.key.trim_end_matches('/'))
            .map_err(|error| invalid(&entry.value, format!("`{}` is no pattern: {error}", entry.key)))?;
        let leaves = Utf8Path::new(target).components().any(|part| part.as_str() == "..");
        if target.is_empty() || target.starts_with('/') || leaves {
            return Err(invalid(&entry.value, format!("`{}` has to go to a place in the charm", entry.key)));
        }
        // Several files can only go into a folder.
        let is_folder = target.ends_with('/') || entry.key.contains('*');
        all.push((pattern, Utf8PathBuf::from(target.trim_end_matches('/')), is_folder));
    }
    Ok(Organized(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_takes_files_and_folders() {
        let check = |texts: &[&str], file: &str, expected: bool| {
            assert_eq!(Selection::new(texts).takes(Utf8Path::new(file)), expected, "{texts:?} {file}");
        };
        check(&[], "any/thing", true);
        check(&["*"], ".hidden", true);
        check(&["LICENSE"], "LICENSE", true);
        check(&["LICENSE"], "LICENSES", false);
        check(&["templates/"], "templates/a/b.j2", true);
        check(&["templates/**"], "templates/a/b.j2", true);
        check(&["*.svg"], "icon.svg", true);
        check(&["*.svg"], "a/icon.svg", false);
        check(&["-tests"], "tests/unit/test_charm.py", false);
        check(&["-tests"], "src/charm.py", true);
        check(&["*", "-*.md"], "README.md", false);
        check(&["src/*", "-src/secret"], "src/secret", false);
    }

    #[test]
    fn files_go_where_they_are_put() {
        let check = |pattern: &str, target: &str, file: &str, expected: &str| {
            let (node, _) = charmproof_charm::yaml::parse(
                Utf8Path::new("charmcraft.yaml"),
                &format!("'{pattern}': {target}\n"),
            )
            .unwrap();
            let organized = organized(Some(&node)).unwrap();
            assert_eq!(organized.place(Utf8Path::new(file)), expected, "{pattern} {target} {file}");
        };
        check("a.txt", "b.txt", "a.txt", "b.txt");
        check("a.txt", "docs/", "a.txt", "docs/a.txt");
        check("folder", "other", "folder/x/y", "other/x/y");
        check("*.txt", "docs", "a.txt", "docs/a.txt");
        check("*.txt", "docs", "src/a.txt", "src/a.txt");
    }
}
