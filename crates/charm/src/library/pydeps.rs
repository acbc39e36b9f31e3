//! The packages that a charm library asks for: `PYDEPS = ["requests>=2"]`.
//!
//! charmcraft imports the module to read the list. Here nothing of a charm is executed, so
//! only a list of literal strings is understood.

use super::python_text::code_lines;

/// What a library says about the packages that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonDependencies {
    /// There is no `PYDEPS`.
    Unsaid,
    /// The requirements, as they are written.
    Listed(Vec<String>),
    /// The value is no list of literal strings.
    NotLiteral {
        /// The line of the assignment.
        line: usize,
    },
}

impl PythonDependencies {
    /// Reads the text of a library. The last assignment at the left margin counts.
    pub fn parse(text: &str) -> Self {
        let mut said = Self::Unsaid;
        for (line, code) in code_lines(text) {
            let Some(after) = code.strip_prefix("PYDEPS") else { continue };
            // `PYDEPS: List[str] = […]` is one as well; `PYDEPS_OF = 1` and `PYDEPS == x` are none.
            let after = after.trim_start();
            if !after.starts_with([':', '=']) || after.starts_with("==") {
                continue;
            }
            let Some(equals) = after.find('=') else { continue };
            let value = &after[equals + 1..];
            let start = value.as_ptr() as usize - text.as_ptr() as usize;
            said = strings(&text[start..]).map_or(Self::NotLiteral { line }, Self::Listed);
        }
        said
    }
}

/// Reads a list or tuple of literal strings at the start of a text.
fn strings(text: &str) -> Option<Vec<String>> {
    let mut rest = blank(text);
    let end = match rest.chars().next()? {
        '[' => ']',
        '(' => ')',
        _ => return None,
    };
    rest = &rest[1..];
    let mut found: Vec<String> = Vec::new();
    let mut may_begin = true;
    let mut is_within = false;
    loop {
        rest = blank(rest);
        let first = rest.chars().next()?;
        if first == end {
            return is_statement_end(&rest[1..]).then_some(found);
        }
        if first == ',' && is_within {
            (may_begin, is_within) = (true, false);
            rest = &rest[1..];
            continue;
        }
        let (string, after) = literal(rest)?;
        // Strings side by side are one string.
        match found.last_mut().filter(|_| !may_begin) {
            Some(last) => last.push_str(&string),
            None => found.push(string),
        }
        (may_begin, is_within) = (false, true);
        rest = after;
    }
}

/// Whether nothing more is done with the value before the line ends.
fn is_statement_end(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or("").trim_start();
    line.is_empty() || line.starts_with(['#', ';'])
}

/// Skips blanks, line ends and comments.
fn blank(text: &str) -> &str {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{c}']);
        let trimmed = trimmed.strip_prefix("\\\n").unwrap_or(trimmed);
        let after = match trimmed.strip_prefix('#') {
            Some(comment) => comment.find('\n').map_or("", |end| &comment[end..]),
            None => trimmed,
        };
        if after.len() == rest.len() {
            return rest;
        }
        rest = after;
    }
}

/// Reads one short string without anything that would have to be computed.
fn literal(text: &str) -> Option<(String, &str)> {
    let is_raw = text.starts_with(['r', 'R']);
    let text = text.strip_prefix(['r', 'R', 'u', 'U']).unwrap_or(text);
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    if text[1..].starts_with([quote]) && text[2..].starts_with([quote]) {
        return None;
    }
    let mut value = String::new();
    let mut characters = text[1..].char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => return Some((value, &text[1 + at + character.len_utf8()..])),
            '\n' => return None,
            '\\' if is_raw => return None,
            '\\' => match characters.next()?.1 {
                escaped @ ('\\' | '"' | '\'') => value.push(escaped),
                _ => return None,
            },
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let expected = expected.iter().map(ToString::to_string).collect();
        assert_eq!(PythonDependencies::parse(text), PythonDependencies::Listed(expected), "{text}");
    }

    #[test]
    fn lists_of_strings() {
        check("PYDEPS = ['a']", &["a"]);
        check("LIBID = 'x'\nPYDEPS = [\n    \"a>=1\",  # why\n    'b',\n]\nimport b\n", &["a>=1", "b"]);
        check("PYDEPS: List[str] = []", &[]);
        check("PYDEPS = (\"a ; python_version < '3.9'\",)", &["a ; python_version < '3.9'"]);
        check("PYDEPS = [\"a\" \">=1\", \"b\"]", &["a>=1", "b"]);
        check("PYDEPS=['a[x]', 'b']\nPYDEPS = ['c']", &["c"]);
        check("\"\"\"\nPYDEPS = ['no']\n\"\"\"\nPYDEPS = ['yes']", &["yes"]);
    }

    #[test]
    fn what_has_to_be_computed_is_not_read() {
        for value in [
            "['a'] + other",
            "['a'].copy()",
            "other",
            "[f'a']",
            "['a' if x else 'b']",
            "['a', b]",
            "['a'",
            "[,]",
            "['''a''']",
        ] {
            let said = PythonDependencies::parse(&format!("# one\nPYDEPS = {value}\n"));
            assert_eq!(said, PythonDependencies::NotLiteral { line: 2 }, "{value}");
        }
    }

    #[test]
    fn libraries_without_a_list() {
        for text in ["", "PYDEPS_OF = ['a']", "PYDEPS == ['a']", "    PYDEPS = ['a']", "# PYDEPS = ['a']"] {
            assert_eq!(PythonDependencies::parse(text), PythonDependencies::Unsaid, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), close in "PYDEPS(: x)? ?= ?(\\[|\\(|\\]|\\)|'|\"|a|,|#|\n|\\\\|r|é| ){0,20}") {
            let _ = PythonDependencies::parse(&text);
            let _ = PythonDependencies::parse(&close);
        }

        #[test]
        fn what_was_written_is_read(items in proptest::collection::vec("[a-z][a-z0-9<>=.,; \\[\\]']{0,12}", 0..5)) {
            let list: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
            let text = format!("PYDEPS = [\n{}\n]\n", list.join(",\n"));
            prop_assert_eq!(PythonDependencies::parse(&text), PythonDependencies::Listed(items));
        }
    }
}
