//! How the values of unit files are split into words, and how variables are put into commands.
//!
//! The rules are those of systemd.service(5), section "Command lines": quotes group, a backslash
//! escapes as in C, `${NAME}` is replaced anywhere, and a word that is `$NAME` becomes as many
//! words as the variable has.

/// The words of a value. Unbalanced quotes are an error, in words.
pub(crate) fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote: Option<char> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let mut buffer = [0; 4];
        match (c, quote) {
            ('\\', _) => {
                let bytes = escaped(&mut rest)?;
                word.get_or_insert_default().extend(bytes);
            }
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                // A quote opens at the begin of a word only; `a="b"` keeps its quotes out all the
                // same, because systemd unquotes in the middle of a word too.
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_ascii_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().extend(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    if quote.is_some() {
        return Err("Unbalanced quoting".to_owned());
    }
    words.extend(word.take());
    Ok(words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect())
}

/// What follows a backslash, as bytes.
fn escaped(rest: &mut std::str::Chars<'_>) -> Result<Vec<u8>, String> {
    let Some(c) = rest.next() else { return Err("Trailing backslash".to_owned()) };
    let single = |byte: u8| Ok(vec![byte]);
    match c {
        'a' => single(7),
        'b' => single(8),
        'f' => single(12),
        'n' => single(b'\n'),
        'r' => single(b'\r'),
        't' => single(b'\t'),
        'v' => single(11),
        's' => single(b' '),
        'x' => {
            let digits: String = rest.clone().take(2).collect();
            match u8::from_str_radix(&digits, 16) {
                Ok(byte) if digits.len() == 2 => {
                    rest.nth(1);
                    single(byte)
                }
                Ok(_) | Err(_) => Err(format!("Invalid escape sequence \\x{digits}")),
            }
        }
        // `\;` and the quotes stand for themselves. What C does not know keeps its backslash.
        '\\' | '"' | '\'' | ';' => Ok(c.to_string().into_bytes()),
        other => Ok(format!("\\{other}").into_bytes()),
    }
}

/// Puts variables into the words of a command, the program excepted.
pub(crate) fn substitute<'a>(words: &[String], lookup: impl Fn(&str) -> Option<&'a str>) -> Vec<String> {
    let mut done = Vec::new();
    for word in words {
        let whole = word.strip_prefix('$').filter(|name| is_name(name));
        match whole {
            Some(name) => {
                let value = lookup(name).unwrap_or("");
                // Quotes in the value group, and unbalanced ones are left as they are.
                done.extend(
                    split(value)
                        .unwrap_or_else(|_| value.split_ascii_whitespace().map(str::to_owned).collect()),
                );
            }
            None => done.push(fill(word, &lookup)),
        }
    }
    done
}

fn fill<'a>(word: &str, lookup: &impl Fn(&str) -> Option<&'a str>) -> String {
    let mut filled = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        filled += before;
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
            continue;
        }
        match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, behind)) if is_name(name) => {
                filled += lookup(name).unwrap_or("");
                rest = behind;
            }
            Some(_) | None => {
                filled.push('$');
                rest = after;
            }
        }
    }
    filled + rest
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(split(text).unwrap(), expected);
    }

    #[test]
    fn quotes_group_and_backslashes_escape() {
        check("/bin/sh -c 'echo hello; exit 3'", &["/bin/sh", "-c", "echo hello; exit 3"]);
        check(r#"a "b c" d\x20e "" f"#, &["a", "b c", "d e", "", "f"]);
        check(r#"--name="x y""#, &["--name=x y"]);
        check(r"grep \d+ \;", &["grep", "\\d+", ";"]);
        assert_eq!(split("a 'b").unwrap_err(), "Unbalanced quoting");
    }

    #[test]
    fn variables_are_put_in() {
        let lookup = |name: &str| match name {
            "OPTS" => Some("-a 'b c'"),
            "PORT" => Some("80"),
            _ => None,
        };
        let words = split("$OPTS --port=${PORT} $NONE x$PORT $$HOME ${NONE}").unwrap();
        assert_eq!(substitute(&words, lookup), ["-a", "b c", "--port=80", "x$PORT", "$HOME", ""]);
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in prop::collection::vec("[ -&(-\\[\\]-~]{0,8}", 0..5)) {
            let text = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&text).unwrap(), words);
        }

        #[test]
        fn any_text_is_split_or_refused(text in "\\PC{0,40}") {
            if let Ok(words) = split(&text) {
                substitute(&words, |_| Some("'"));
            }
        }
    }
}
