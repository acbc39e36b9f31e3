//! Terminal output as plain lines.

use std::borrow::Cow;

/// Most characters that a kept message has.
pub(crate) const MESSAGE_CHARS_MAX: usize = 2_000;
/// Most characters that a kept excerpt has.
pub(crate) const EXCERPT_CHARS_MAX: usize = 8_000;

/// Returns the text without terminal sequences, one line per line.
///
/// CSI and OSC sequences and other control characters go. A lone carriage
/// return becomes a line end, so that nothing a tool wrote is lost to a
/// progress bar that wrote over it.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte < b' ' && byte != b'\n' && byte != b'\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(current) = rest.next() {
        match current {
            '\u{1b}' => match rest.next() {
                Some('[') => {
                    for parameter in rest.by_ref() {
                        if ('\u{40}'..='\u{7e}').contains(&parameter) || parameter == '\n' {
                            break;
                        }
                    }
                }
                Some(']' | 'P' | '^' | '_') => {
                    while let Some(inside) = rest.next() {
                        if inside == '\u{7}' {
                            break;
                        }
                        if inside == '\u{1b}' {
                            rest.next_if_eq(&'\\');
                            break;
                        }
                        // An unfinished sequence must not eat the log.
                        if inside == '\n' {
                            out.push('\n');
                            break;
                        }
                    }
                }
                Some('(' | ')' | '#' | '%') => {
                    rest.next();
                }
                Some('\n') => out.push('\n'),
                _ => {}
            },
            '\r' => {
                if rest.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(current),
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// Returns at most `chars_max` characters, with `…` in place of what is cut.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars_max.saturating_sub(1)).chain(std::iter::once('…')).collect(),
    }
}

/// Returns head and tail of the text, at most `chars_max` characters in all.
pub(crate) fn cut_middle(text: &str, chars_max: usize) -> String {
    let total = text.chars().count();
    if total <= chars_max {
        return text.to_owned();
    }
    let head = chars_max / 4;
    let tail = chars_max.saturating_sub(head + 3);
    text.chars().take(head).chain("\n…\n".chars()).chain(text.chars().skip(total - tail)).collect()
}

/// Returns the text in one line, runs of white space as one blank.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(plain(input), expected);
    }

    #[test]
    fn terminal_sequences_go() {
        check("a \u{1b}[1;31mred\u{1b}[0m b", "a red b");
        check("\u{1b}]0;title\u{7}x", "x");
        check("\u{1b}]8;;http://h\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
        check("\u{1b}(Bplain", "plain");
    }

    #[test]
    fn carriage_returns_lose_nothing() {
        check("a\r\nb\r\n", "a\nb\n");
        check(" 10%\r100%\ndone", " 10%\n100%\ndone");
    }

    #[test]
    fn an_unfinished_sequence_ends_with_its_line() {
        check("\u{1b}]0;title\nnext", "\nnext");
        check("x\u{1b}", "x");
        check("x\u{1b}[", "x");
    }

    #[test]
    fn cuts_respect_the_limit() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert!(cut_middle(&"ä".repeat(500), 100).chars().count() <= 100);
    }
}
