//! Patterns with `*` and `?`.

/// Whether a pattern stands for the whole of a text: `*` for any part of it, `?` for one
/// character.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut read) = (0, 0);
    // Where to go on when the last star has to stand for one character more.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&character) if character == '?' || character == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((place, since)) => {
                    star = Some((place, since + 1));
                    at = place + 1;
                    read = since + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("*", "", true),
            ("*", "any thing", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("?b", "éb", true),
            ("*.service", "a.b.service", true),
            ("a**", "a", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_its_own_pattern(text in "[^*?]{0,20}") {
            prop_assert!(matches(&text, &text));
        }

        // Time stays bounded: what goes back does so to the last star alone.
        #[test]
        fn any_pattern_comes_to_an_end(pattern in "[a*?]{0,60}", text in "[ab]{0,200}") {
            let _ = matches(&pattern, &text);
        }
    }
}
