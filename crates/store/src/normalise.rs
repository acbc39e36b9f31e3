//! Makes messages of one cause equal.
//!
//! Two charms never fail with the very same words: paths, addresses, unit names
//! and numbers differ. What is left when they are gone names the cause.
//! Quoted Python names stay, since they are what tells one missing attribute
//! from another.

/// Returns the first line of `message` that says something, with all that
/// differs from charm to charm replaced.
pub(crate) fn normalise(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let characters: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while at < characters.len() {
        let here = characters[at];
        if matches!(here, '\'' | '"' | '`') && !follows_word(&characters, at) {
            if let Some(length) = characters[at + 1..].iter().position(|&c| c == here) {
                let inside: String = characters[at + 1..at + 1 + length].iter().collect();
                out.push(here);
                out.push_str(&quoted(&inside));
                out.push(here);
                at += length + 2;
                continue;
            }
            out.push(here);
            at += 1;
        } else if here.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
            at += 1;
        } else if is_word(here) {
            let length = characters[at..].iter().position(|&c| !is_word(c)).unwrap_or(characters.len() - at);
            let text: String = characters[at..at + length].iter().collect();
            out.push_str(&word(&text));
            at += length;
        } else {
            out.push(here);
            at += 1;
        }
    }
    out
}

/// Returns a normalised message with nothing left between its quotes.
pub(crate) fn without_quoted(message: &str) -> String {
    let characters: Vec<char> = message.chars().collect();
    let mut out = String::with_capacity(message.len());
    let mut at = 0;
    while at < characters.len() {
        let here = characters[at];
        out.push(here);
        at += 1;
        if matches!(here, '\'' | '"' | '`')
            && !follows_word(&characters, at - 1)
            && let Some(length) = characters[at..].iter().position(|&c| c == here)
        {
            out.push('…');
            out.push(here);
            at += length + 1;
        }
    }
    out
}

/// Whether the character belongs to a word, a path or an address.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | '~' | '+')
}

/// Whether the quote at `at` is an apostrophe inside a word.
fn follows_word(characters: &[char], at: usize) -> bool {
    at > 0 && characters[at - 1].is_alphanumeric()
}

/// Returns what stands for a quoted text: itself for a Python name.
fn quoted(text: &str) -> String {
    let is_name = !text.is_empty()
        && text.split('.').all(|part| {
            part.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        });
    if is_name {
        word(text)
    } else if text.contains(char::is_whitespace) {
        normalise(text)
    } else if text.is_empty() {
        String::new()
    } else {
        "…".to_owned()
    }
}

/// Returns what stands for one unquoted word.
fn word(text: &str) -> String {
    let bare = text.trim_end_matches('.');
    let tail = &text[bare.len()..];
    if let Some(digits) = bare.strip_prefix("0x")
        && !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_hexdigit())
    {
        return format!("<address>{tail}");
    }
    if is_uuid(bare) {
        return format!("<uuid>{tail}");
    }
    if is_path(bare) {
        return format!("<path>{tail}");
    }
    if bare.len() >= 8
        && bare.chars().all(|c| c.is_ascii_hexdigit())
        && bare.chars().any(|c| c.is_ascii_digit())
        && bare.chars().any(|c| c.is_ascii_alphabetic())
    {
        return format!("<hex>{tail}");
    }
    if let Some(random) = bare.strip_prefix("tmp")
        && random.len() == 8
        && random.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    {
        return format!("<tmp>{tail}");
    }
    format!("{}{tail}", numbers(bare))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// Whether a word is a path: it has a folder, and is no fraction or choice such
/// as `1/2` or `and/or`.
fn is_path(text: &str) -> bool {
    let Some((folder, name)) = text.rsplit_once('/') else {
        return false;
    };
    text.starts_with(['/', '~', '.']) && text.len() > 1
        || folder.contains('/')
        || (!folder.is_empty() && name.contains('.') && name.contains(char::is_alphabetic))
}

/// Replaces every run of digits by `N`.
fn numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('N') {
            out.push('N');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{normalise, without_quoted};

    #[test]
    fn what_differs_from_charm_to_charm_goes() {
        for (message, expected) in [
            (
                "'frozenset' object has no attribute 'get_unit'",
                "'frozenset' object has no attribute 'get_unit'",
            ),
            ("<Model object at 0x7f3A01>", "<Model object at <address>>"),
            ("no such file: /tmp/pytest-of-ci/x.yaml", "no such file: <path>"),
            ("src/charm.py:120: bad", "<path>:N: bad"),
            ("unit 'mysql-k8s/0' is gone", "unit '…' is gone"),
            ("took 12.5 s of 10", "took N.N s of N"),
            ("id 6f1c2b1e-9d2a-4f6b-8a53-0123456789ab.", "id <uuid>."),
            ("commit deadbeef01 in tmpab_9xy1z", "commit <hex> in <tmp>"),
            ("can't do 'this thing 4'", "can't do 'this thing N'"),
            ("\n  second line counts\nthird", "second line counts"),
            ("and/or", "and/or"),
            ("an unclosed 'quote 1", "an unclosed 'quote N"),
            ("", ""),
        ] {
            assert_eq!(normalise(message), expected, "{message}");
        }
    }

    #[test]
    fn nothing_is_left_between_quotes() {
        for (message, expected) in [
            ("no relation 'db' of \"x y\"", "no relation '…' of \"…\""),
            ("can't find 'it", "can't find 'it"),
            ("''", "'…'"),
            ("", ""),
        ] {
            assert_eq!(without_quoted(message), expected, "{message}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for message in ["a /b/c 0x12 'x/1' 5", "tmpabcdefgh \"q r 1\" deadbeef0123"] {
            let once = normalise(message);
            assert_eq!(normalise(&once), once);
        }
    }
}
