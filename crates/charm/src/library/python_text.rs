//! Just enough of Python to tell code from strings and comments.

/// The lines of a text that are code, with their numbers from 1. Lines inside
/// triple-quoted strings are left out (libraries show imports in their
/// docstrings), and so are comment lines.
pub(super) fn code_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut open: Option<&'static str> = None;
    for (index, line) in text.lines().enumerate() {
        let started_open = open.is_some();
        open = state_after(line, open);
        if !started_open && !line.trim_start().starts_with('#') {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// The triple quote that is open after a line.
fn state_after(line: &str, mut open: Option<&'static str>) -> Option<&'static str> {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        match open {
            Some(quote) => {
                if let Some(after) = rest.strip_prefix(quote) {
                    rest = after;
                    open = None;
                    continue;
                }
                rest = skip(rest, if first == '\\' { 2 } else { 1 });
            }
            None if first == '#' => return None,
            None if rest.starts_with(DOUBLE) || rest.starts_with(SINGLE) => {
                open = Some(if first == '"' { DOUBLE } else { SINGLE });
                rest = &rest[3..];
            }
            None if first == '"' || first == '\'' => rest = after_short_string(&rest[1..], first),
            None => rest = skip(rest, 1),
        }
    }
    open
}

const DOUBLE: &str = "\"\"\"";
const SINGLE: &str = "'''";

fn after_short_string(mut rest: &str, quote: char) -> &str {
    while let Some(first) = rest.chars().next() {
        if first == quote {
            return skip(rest, 1);
        }
        rest = skip(rest, if first == '\\' { 2 } else { 1 });
    }
    rest
}

fn skip(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or("", |(at, _)| &text[at..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let lines: Vec<&str> = code_lines(text).into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn docstrings_and_comments_are_no_code() {
        check("\"\"\"doc\nimport a\n\"\"\"\nimport b\n# import c\n", &["\"\"\"doc", "import b"]);
        check("x = '''a'''\nimport b\n", &["x = '''a'''", "import b"]);
        check("x = \"it's '''\"\nimport b\n", &["x = \"it's '''\"", "import b"]);
        check("x = 1  # it's\nimport b\n", &["x = 1  # it's", "import b"]);
        check("'''\n\\'''\nimport b\n'''\nimport c\n", &["'''", "import c"]);
    }

    proptest! {
        #[test]
        fn any_text_is_scanned(text in any::<String>(), python in "(\"|'|\"\"\"|'''|\\\\|#|\n|a|é){0,40}") {
            let _ = code_lines(&text);
            let _ = code_lines(&python);
        }
    }
}
