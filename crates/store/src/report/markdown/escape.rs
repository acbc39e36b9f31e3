//! Hostile text in GitHub Markdown.
//!
//! Text from a charm never appears bare: a name could be a mention that notifies
//! a stranger, `#12` would link this report from another pull request, and a
//! pipe would end a cell of a table. It stands in code, where GitHub looks for
//! nothing, and fences are longer than any run of backticks inside them.

use crate::report::text::{clean, clean_line, shorten};

/// Inline code, outside of tables.
pub(super) fn code(text: &str) -> String {
    let text = clean_line(text);
    if text.is_empty() {
        return String::new();
    }
    let marks = "`".repeat(longest_run(&text) + 1);
    // Markdown takes one space off each end, so that backticks can stand there.
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{marks}{space}{text}{space}{marks}")
}

/// Inline code in a cell of a table, at most `most` characters of it.
pub(super) fn cell_code(text: &str, most: usize) -> String {
    let text = shorten(&clean_line(text), most);
    // How backslashes before pipes are read is a matter of the implementation.
    if text.contains(['|', '\\']) { html_code(&text) } else { code(&text) }
}

/// Inline code where GitHub reads HTML only, as in a summary.
pub(super) fn summary_code(text: &str, most: usize) -> String {
    html_code(&shorten(&clean_line(text), most))
}

/// Code in HTML, with every character that Markdown or HTML knows as an entity.
fn html_code(text: &str) -> String {
    format!("<code>{}</code>", entities(text))
}

/// Text that is neither code nor able to do anything. An invisible joiner keeps
/// mentions and references from being recognised.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let text = clean_line(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if chars.peek().is_none_or(|next| *next == ' ') && matches!(c, '.' | ':') {
            out.push(c);
            continue;
        }
        push_entity(c, &mut out);
        if matches!(c, '@' | '#' | ':' | '/' | '.') {
            out.push('\u{2060}');
        }
    }
    out
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push_entity(c, &mut out);
    }
    out
}

fn push_entity(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' | '\'' | '`' | '|' | '\\' | '*' | '_' | '~' | '[' | ']' | '(' | ')' | '!' | '@' | '#' | '$'
        | ':' | '.' => {
            out.push_str("&#");
            out.push_str(&u32::from(c).to_string());
            out.push(';');
        }
        c => out.push(c),
    }
}

/// A fenced block that ends with a line break.
pub(super) fn fence(text: &str, language: &str) -> String {
    let text = clean(text);
    let text = text.trim_end();
    let marks = "`".repeat(longest_run(text).max(2) + 1);
    format!("{marks}{language}\n{text}\n{marks}\n")
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_readable_where_it_can() {
        assert_eq!(code("tests/unit::test_a[x]"), "`tests/unit::test_a[x]`");
        assert_eq!(code("@someone #12 <img>"), "`@someone #12 <img>`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``a`"), "``` ``a` ```");
        assert_eq!(cell_code("a|b\\", 9), "<code>a&#124;b&#92;</code>");
        assert_eq!(code("a\n\n- b"), "`a - b`");
        assert_eq!(code(" \n"), "");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(fence("x", "sh"), "```sh\nx\n```\n");
        assert_eq!(fence("````\n# out", "text"), "`````text\n````\n# out\n`````\n");
    }

    #[test]
    fn plain_text_does_nothing() {
        assert_eq!(plain("@me"), "&#64;\u{2060}me");
        assert_eq!(plain("<b>"), "&lt;b&gt;");
    }
}
