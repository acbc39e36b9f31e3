//! Replacing what differs from run to run, so that the rest can be compared.

use regex::{Captures, Regex};

/// Replacements, done in order.
///
/// The stand-ins have one width each, and where a time is padded with spaces, in a
/// column of a table, the padding makes up for the difference. A column that is as wide
/// as its longest time still varies with that time: give such columns a least width.
#[derive(Clone, Debug)]
pub struct Redactor {
    replacements: Vec<Replacement>,
}

#[derive(Clone, Debug)]
enum Replacement {
    Text { text: String, stand_in: String },
    Pattern { pattern: Regex, stand_in: String },
    Padded { pattern: Regex, stand_in: String },
}

/// How long something took, as reports say it: `812 ms`, `4.2 s`, `3 min 12 s`,
/// `1 h 04 min`.
const DURATION: &str =
    r"(?P<before> *)\b(?:\d+ h \d{2} min|\d+ min \d{2} s|\d+\.\d+ s|\d+ s|\d+ ms)\b(?P<after> *)";

/// Names of runs, such as `20261121-130211-k3f9`.
const RUN: &str = r"\b\d{8}-\d{6}-[a-z0-9]{4}\b";

/// Moments: RFC 3339, and with a space and without seconds as people write it.
const MOMENT: &str = r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}| UTC)?";

/// The digest in the version of a swapped package, such as `3.9.0+cp.1a2b3c4d5e`.
const SWAPPED: &str = r"\+cp\.[0-9a-f]{10}\b";

/// SHA-256 and the names of commits, in full.
const DIGEST: &str = r"\b[0-9a-f]{64}\b";
const COMMIT: &str = r"\b[0-9a-f]{40}\b";

impl Redactor {
    /// Returns one that replaces nothing yet.
    pub fn new() -> Self {
        Self { replacements: Vec::new() }
    }

    /// Returns one that replaces times, digests and names of runs.
    pub fn standard() -> Self {
        Self::new()
            .pattern(RUN, "<run>")
            .pattern(MOMENT, "<when>")
            .pattern(SWAPPED, "+cp.<digest>")
            .pattern(DIGEST, "<sha256>")
            .pattern(COMMIT, "<commit>")
            .padded(DURATION, "<took>")
    }

    /// Also replaces a text, such as a path. Texts come before patterns, and the longest
    /// comes first, so that a path is replaced before the folder it is in.
    #[must_use]
    pub fn text(mut self, text: &str, stand_in: &str) -> Self {
        assert!(!text.is_empty(), "an empty text is everywhere");
        let is_before = |other: &Replacement| match other {
            Replacement::Text { text: other, .. } => other.len() >= text.len(),
            Replacement::Pattern { .. } | Replacement::Padded { .. } => false,
        };
        let index = self.replacements.partition_point(is_before);
        let replacement = Replacement::Text { text: text.into(), stand_in: stand_in.into() };
        self.replacements.insert(index, replacement);
        self
    }

    /// Also replaces what a regular expression finds; `stand_in` may refer to its groups.
    #[must_use]
    pub fn pattern(mut self, pattern: &str, stand_in: &str) -> Self {
        let pattern = Regex::new(pattern).expect("a test knows its pattern");
        self.replacements.push(Replacement::Pattern { pattern, stand_in: stand_in.into() });
        self
    }

    /// As `pattern`, for one with the groups `before` and `after` for the spaces around,
    /// which are kept such that the whole stays as wide as it was.
    #[must_use]
    fn padded(mut self, pattern: &str, stand_in: &str) -> Self {
        let pattern = Regex::new(pattern).expect("a constant");
        self.replacements.push(Replacement::Padded { pattern, stand_in: stand_in.into() });
        self
    }

    /// Returns `text` with everything replaced.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for replacement in &self.replacements {
            text = match replacement {
                Replacement::Text { text: from, stand_in } => text.replace(from, stand_in),
                Replacement::Pattern { pattern, stand_in } => {
                    pattern.replace_all(&text, stand_in).into_owned()
                }
                Replacement::Padded { pattern, stand_in } => {
                    pattern.replace_all(&text, |found: &Captures<'_>| pad(found, stand_in)).into_owned()
                }
            };
        }
        text
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::standard()
    }
}

/// Puts `stand_in` where the match was, and takes the difference in width from the
/// padding: that before it where there is more than a space between words, else that
/// after it.
fn pad(found: &Captures<'_>, stand_in: &str) -> String {
    let (before, after) = (found["before"].len(), found["after"].len());
    let width = found[0].len();
    let fill = |kept: usize| width.saturating_sub(kept + stand_in.len()).max(1);
    let (before, after) = if before > 1 {
        (fill(after), after)
    } else if after > 1 {
        (before, fill(before))
    } else {
        (before, after)
    };
    format!("{}{stand_in}{}", " ".repeat(before), " ".repeat(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Redactor::standard().redact(text), expected);
    }

    #[test]
    fn durations() {
        check("done in 1.2 s, 812 ms of it waiting", "done in <took>, <took> of it waiting");
        check("3 min 12 s; 1 h 04 min; 3 s.", "<took>; <took>; <took>.");
        check("3 suites, 4 months, 5 minutes, v1.2 sed", "3 suites, 4 months, 5 minutes, v1.2 sed");
    }

    #[test]
    fn columns_keep_their_width() {
        check("a |   1.2 s |", "a |  <took> |");
        check("b |  812 ms |", "b |  <took> |");
        check("a | 1.2 s    |", "a | <took>   |");
        check("b | 812 ms   |", "b | <took>   |");
        check("c | 3 min 12 s  |", "c | <took>      |");
    }

    #[test]
    fn names_of_runs_and_moments() {
        check("run 20261121-130211-k3f9 began", "run <run> began");
        check("at 2026-11-21T13:02:11.123Z.", "at <when>.");
        check("at 2026-11-21 13:02, then", "at <when>, then");
        check("2026-11-21 13:02:11+01:00", "<when>");
        check("on 2026-11-21 all", "on 2026-11-21 all");
    }

    #[test]
    fn digests() {
        check("ops 3.9.0+cp.1a2b3c4d5e!", "ops 3.9.0+cp.<digest>!");
        check(&"0a".repeat(32), "<sha256>");
        check(&"0a".repeat(20), "<commit>");
        check(&"0a".repeat(21), &"0a".repeat(21));
    }

    #[test]
    fn longer_paths_come_first() {
        let redactor = Redactor::standard().text("/tmp/x", "$TEST").text("/tmp/x/cache", "$CACHE");
        assert_eq!(redactor.redact("/tmp/x/cache/a /tmp/x/b"), "$CACHE/a $TEST/b");
    }

    #[test]
    fn texts_come_before_patterns() {
        let redactor = Redactor::standard().text("/tmp/20261121-130211-k3f9", "$TEST");
        assert_eq!(redactor.redact("/tmp/20261121-130211-k3f9/a"), "$TEST/a");
    }

    #[test]
    fn patterns_may_refer_to_groups() {
        let redactor = Redactor::new().pattern(r"pid (\d)\d*", "pid $1…");
        assert_eq!(redactor.redact("pid 4711, 1.2 s"), "pid 4…, 1.2 s");
    }
}
