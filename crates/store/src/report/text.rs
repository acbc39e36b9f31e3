//! Text from other people's repositories, made fit to be shown.

/// Returns `text` without terminal escapes, control characters and characters
/// that reorder what follows them. Line breaks and tabs stay; every kind of line
/// break becomes `\n`.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            c if c.is_control() || is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Like [`clean`], on one line: every run of white space becomes one space.
pub(crate) fn clean_line(text: &str) -> String {
    let cleaned = clean(text);
    let mut out = String::with_capacity(cleaned.len());
    for word in cleaned.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Swallows what follows an escape character: `[31m`, `]0;title BEL`, or one
/// character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            while let Some(&c) = chars.peek() {
                if c == '\n' {
                    return;
                }
                chars.next();
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    return;
                }
            }
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while let Some(&c) = chars.peek() {
                if c == '\n' {
                    return;
                }
                chars.next();
                if c == '\u{7}' || c == '\\' {
                    return;
                }
            }
        }
        Some('\n') | None => {}
        Some(_) => {
            chars.next();
        }
    }
}

/// Whether a character shows nothing and can mislead: it sets the direction of
/// text, joins nothing, or is not a character at all.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Returns the first `most` characters, with `…` as the last of them where
/// something was cut.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// Returns `text` in at most `most` columns, with `…` in its middle where
/// something was cut: both ends of a charm's name tell charms apart.
pub(crate) fn shorten_middle(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(1);
    let head = room / 3;
    let tail = room - head;
    let mut out = take_columns(text.chars(), head);
    out.push('…');
    let back = take_columns(text.chars().rev(), tail);
    out.extend(back.chars().rev());
    out
}

/// Returns as many characters as fit into `most` columns.
fn take_columns(chars: impl Iterator<Item = char>, most: usize) -> String {
    let mut used = 0;
    let mut out = String::new();
    for c in chars {
        used += char_columns(c);
        if used > most {
            break;
        }
        out.push(c);
    }
    out
}

/// Returns how many terminal columns `text` takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

/// East Asian wide characters and emoji take two columns, combining marks none.
/// The ranges are coarse: a wrong guess costs alignment, nothing more.
fn char_columns(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Breaks `text` between words into lines of at most `width` columns. A word
/// that is longer than a line stays whole, so that commands can be copied.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Returns `word` as a POSIX shell reads it back.
pub(crate) fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Returns a command line as a shell would read it back.
pub(crate) fn shell_line(words: &[String]) -> String {
    // Where the program lay on the machine of the run helps nobody else.
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let quoted: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(index, word)| if index == 0 { shell_quote(&name(word)) } else { shell_quote(word) })
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_drops_escapes_and_tricks() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(clean("\u{1b}]0;title\u{7}rest"), "rest");
        assert_eq!(clean("a\r\nb\rc"), "a\nb\nc");
        assert_eq!(clean("user\u{202e}txt.exe\u{0}\u{8}"), "usertxt.exe");
        assert_eq!(clean("\u{1b}"), "");
        assert_eq!(clean("\u{1b}[12\nkept"), "\nkept");
        assert_eq!(clean_line("  a\n\tb  "), "a b");
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shorten("wörter", 6), "wörter");
        assert_eq!(shorten("wörter", 4), "wör…");
        assert_eq!(shorten_middle("canonical/kfp-operators/charms/kfp-ui", 20), "canoni…charms/kfp-ui");
        assert!(columns(&shorten_middle("日本語日本語日本語", 7)) <= 7);
    }

    #[test]
    fn wrap_keeps_long_words() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("abcdefgh i", 4), ["abcdefgh", "i"]);
        assert!(wrap("  ", 4).is_empty());
    }

    #[test]
    fn quoting_reads_back() {
        assert_eq!(shell_quote("ops==3.8.0"), "ops==3.8.0");
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
        assert_eq!(shell_quote(""), "''");
        assert_eq!(shell_line(&["/x/a".into(), "b c".into(), "/d/e".into()]), "a 'b c' /d/e");
    }
}
