//! Which files of a charm's folder charmcraft's `charm` plugin leaves out: `.jujuignore`.
//!
//! It looks like `.gitignore` and is not: a pattern with a `/` in its middle matches at any depth,
//! and the first `!` that matches decides. So it is read as charmcraft reads it.

use camino::Utf8Path;
use regex::Regex;

/// What is left out of every charm.
const ALWAYS: &str = ".git\n.svn\n.hg\n.bzr\n.tox\n/build/\n/revision\n/venv\n.jujuignore\n/staging-venv\n";

/// The patterns of a charm.
#[derive(Debug, Clone)]
pub struct Ignored(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    pattern: Regex,
    is_kept: bool,
    is_for_folders: bool,
}

impl Ignored {
    /// Reads the text of a `.jujuignore`; the empty text for a charm that has none. A pattern that
    /// makes no sense is passed over.
    pub fn read(text: &str) -> Self {
        Self(ALWAYS.lines().chain(text.lines()).filter_map(rule).collect())
    }

    /// Whether the charm goes without a file or folder, relative to its own.
    pub fn leaves_out(&self, path: &Utf8Path, is_folder: bool) -> bool {
        let path = format!("/{path}");
        let mut is_out = false;
        for rule in &self.0 {
            if (rule.is_for_folders && !is_folder) || !rule.pattern.is_match(&path) {
                continue;
            }
            if rule.is_kept {
                return false;
            }
            is_out = true;
        }
        is_out
    }
}

fn rule(line: &str) -> Option<Rule> {
    let line = line.trim_start().trim_end_matches('\r');
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let unmarked = line.trim_start_matches('!');
    let is_kept = unmarked.len() < line.len();
    // A space at the end counts where it is escaped.
    let trimmed = unmarked.trim_start().trim_end_matches(' ');
    let is_escaped = trimmed.ends_with('\\') && unmarked.len() > trimmed.len();
    let text = if is_escaped { format!("{trimmed} ") } else { trimmed.to_owned() };
    let text = text.replace("\\!", "!").replace("\\ ", " ").replace("\\#", "#");
    let folder = text.trim_end_matches('/');
    let anchored = if folder.starts_with('/') { folder.to_owned() } else { format!("**/{folder}") };
    Some(Rule {
        pattern: Regex::new(&expression(&anchored)).ok()?,
        is_kept,
        is_for_folders: folder.len() < text.len(),
    })
}

/// Returns a pattern as a regular expression of whole paths.
fn expression(pattern: &str) -> String {
    let mut found = String::from(r"(?s)\A");
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (text, taken) = match first {
            '/' if rest.starts_with("/**/") => (".*/".to_owned(), 4),
            // At the very beginning it stands for the root as well.
            '*' if rest.starts_with("**/") && found.ends_with('A') => (".*/".to_owned(), 3),
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            '[' => match rest.get(2..).and_then(|tail| tail.find(']')) {
                Some(length) => {
                    let inner = &rest[1..2 + length];
                    let inner = inner.replace('\\', "\\\\").replace(['&', '~'], "").replace('[', "\\[");
                    let inner = inner.strip_prefix('!').map(|tail| format!("^{tail}")).unwrap_or(inner);
                    (format!("[{inner}]"), length + 3)
                }
                None => ("\\[".to_owned(), 1),
            },
            other => (regex::escape(other.encode_utf8(&mut [0; 4])), other.len_utf8()),
        };
        found.push_str(&text);
        rest = &rest[taken..];
    }
    found + r"\z"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_charmcrafts_do() {
        let check = |text: &str, path: &str, is_folder: bool, expected: bool| {
            let ignored = Ignored::read(text);
            assert_eq!(ignored.leaves_out(Utf8Path::new(path), is_folder), expected, "{text} {path}");
        };
        check("", ".git", true, true);
        check("", "a/.tox", true, true);
        check("", "venv", true, true);
        check("", "src/venv", true, false);
        check("", "build", true, true);
        check("", "build", false, false);
        check("", "src/charm.py", false, false);
        check("*.pyc", "src/charm.pyc", false, true);
        check("/tests", "tests", true, true);
        check("/tests", "src/tests", true, false);
        check("tests/unit", "a/tests/unit", true, true);
        check("*.md\n!README.md", "README.md", false, false);
        check("*.md\n!README.md", "docs/a.md", false, true);
        check("# *.py", "a.py", false, false);
        check("a?c", "abc", false, true);
        check("[ab].txt", "b.txt", false, true);
        check("[!ab].txt", "b.txt", false, false);
        check("a**z", "a/b/z", false, true);
        check("[", "[", false, true);
    }
}
