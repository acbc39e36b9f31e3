//! The sessions of a noxfile.

use std::collections::BTreeSet;

/// The longest decorator that is read, in bytes.
const DECORATOR_BYTES: usize = 4_000;

/// The names of the sessions that a noxfile defines with `@nox.session`.
pub fn nox_sessions(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut decorator: Option<String> = None;
    let mut is_open = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if is_open {
            if let Some(decorator) = &mut decorator {
                decorator.push_str(trimmed);
                is_open = decorator.len() < DECORATOR_BYTES && is_unclosed(decorator);
            }
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix("@nox.session").or_else(|| trimmed.strip_prefix("@session"))
        {
            if rest.is_empty() || rest.starts_with(['(', ' ', '#']) {
                is_open = is_unclosed(rest);
                decorator = Some(rest.to_owned());
            }
            continue;
        }
        let function = trimmed.strip_prefix("def ").or_else(|| trimmed.strip_prefix("async def "));
        if let Some(function) = function
            && let Some(arguments) = decorator.take()
        {
            let function = function.split('(').next().unwrap_or("").trim();
            let name = keyword(&arguments, "name").unwrap_or(function);
            if !name.is_empty() {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

fn is_unclosed(arguments: &str) -> bool {
    arguments.matches(['(', '[']).count() > arguments.matches([')', ']']).count()
}

/// The value of a keyword argument that is a plain string.
fn keyword<'a>(arguments: &'a str, name: &str) -> Option<&'a str> {
    arguments.split(['(', ',']).find_map(|argument| {
        let (key, value) = argument.split_once('=')?;
        let value = value.trim().trim_end_matches(')').trim();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        (key.trim() == name).then(|| value[1..].split(quote).next()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(nox_sessions(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn sessions() {
        check("import nox\n@nox.session\ndef lint(session):\n    pass\ndef helper(): pass\n", &["lint"]);
        check(
            "@nox.session(python=[\"3.10\", \"3.12\"], name=\"unit-tests\")\ndef unit(session): pass\n",
            &["unit-tests"],
        );
        check("@nox.session(\n    name='a',\n)\n@nox.parametrize('x', [1])\ndef b(session): pass\n", &["a"]);
        check("@nox.session()  # why\ndef c(session: nox.Session) -> None: pass\n", &["c"]);
        check("@nox.sessions\ndef d(s): pass\n", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), close in "(@nox.session|\\(|\\)|name=|'|\n|def |a|,| ){0,30}") {
            let _ = nox_sessions(&text);
            let _ = nox_sessions(&close);
        }
    }
}
