//! A command line split into words by the rules of a shell's quotes, without its expansions.

use std::fmt::Write as _;

/// Why a command line cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadWords {
    #[error("EOF found after escape character")]
    Escape,
    #[error("EOF found when expecting closing quote")]
    Quote,
}

/// Splits a command line. A `#` where a word could begin makes the rest of the line a comment.
pub(crate) fn split(line: &str) -> Result<Vec<String>, BadWords> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => {
                let _ = rest.by_ref().find(|c| *c == '\n');
            }
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next().ok_or(BadWords::Quote)? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next().ok_or(BadWords::Quote)? {
                        '"' => break,
                        '\\' => word.push(rest.next().ok_or(BadWords::Escape)?),
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(rest.next().ok_or(BadWords::Escape)?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Quotes a text as Go's `%q` does.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            c if c.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() || c == '\u{feff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_by_quotes() {
        let check = |line: &str, expected: &[&str]| assert_eq!(split(line).unwrap(), expected, "{line}");
        check("", &[]);
        check("  a  b\tc\n", &["a", "b", "c"]);
        check("one 'two three' \"four \\\" five\"", &["one", "two three", "four \" five"]);
        check("a\\ b 'c'\"d\"e", &["a b", "cde"]);
        check("'' \"\"", &["", ""]);
        check("a #comment\nb c#d", &["a", "b", "c#d"]);
        check("sh -c 'sleep 10; echo \"x\"'", &["sh", "-c", "sleep 10; echo \"x\""]);
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        assert_eq!(split("a 'b"), Err(BadWords::Quote));
        assert_eq!(split("a \"b"), Err(BadWords::Quote));
        assert_eq!(split("a \"b\\"), Err(BadWords::Escape));
        assert_eq!(split("a\\"), Err(BadWords::Escape));
    }

    #[test]
    fn texts_are_quoted_as_by_go() {
        assert_eq!(quoted("a \"b\"\\\n\t\x01é\u{85}"), "\"a \\\"b\\\"\\\\\\n\\t\\x01é\\u0085\"");
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in proptest::collection::vec("[^']*", 0..6)) {
            let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line), Ok(words));
        }

        #[test]
        fn no_line_panics(line in "\\PC*") {
            let _ = split(&line);
        }
    }
}
