//! Globs as Go's `path.Match` has them, over texts in which a slash is nothing special.
//!
//! Names of files hold no slash, so for them it is the same; commands of rules do.

/// A glob is malformed; Pebble says so in these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub(crate) struct BadPattern;

/// One piece of a glob.
enum Piece {
    Any,
    One,
    Exact(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Exact(wanted) => *wanted == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn pieces(glob: &str) -> Result<Vec<Piece>, BadPattern> {
    let mut pieces = Vec::new();
    let mut rest = glob.chars().peekable();
    while let Some(c) = rest.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Exact(rest.next().ok_or(BadPattern)?),
            '[' => {
                let negated = rest.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    if !ranges.is_empty() && rest.next_if_eq(&']').is_some() {
                        break;
                    }
                    let low = class_character(&mut rest)?;
                    let high =
                        if rest.next_if_eq(&'-').is_some() { class_character(&mut rest)? } else { low };
                    ranges.push((low, high));
                }
                Piece::Class { negated, ranges }
            }
            other => Piece::Exact(other),
        });
    }
    Ok(pieces)
}

fn class_character(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, BadPattern> {
    match rest.next() {
        Some('\\') => rest.next().ok_or(BadPattern),
        None | Some(']' | '-') => Err(BadPattern),
        Some(c) => Ok(c),
    }
}

/// Says whether a glob is well formed.
pub(crate) fn check(glob: &str) -> Result<(), BadPattern> {
    pieces(glob).map(drop)
}

/// Says whether the whole text fits the glob. Takes time in the product of both lengths at most.
pub(crate) fn matches(glob: &str, text: &str) -> Result<bool, BadPattern> {
    let pieces = pieces(glob)?;
    let text: Vec<char> = text.chars().collect();
    let (mut piece, mut at) = (0, 0);
    // Where to go on when what follows the last star does not fit: the star takes one more.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                retry = Some((piece, at));
                piece += 1;
                continue;
            }
            Some(wanted) if text.get(at).is_some_and(|c| wanted.takes(*c)) => {
                piece += 1;
                at += 1;
                continue;
            }
            None if at == text.len() => return Ok(true),
            Some(_) | None => {}
        }
        match retry {
            Some((star, from)) if from < text.len() => {
                retry = Some((star, from + 1));
                piece = star + 1;
                at = from + 1;
            }
            Some(_) | None => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs_match_as_in_go() {
        let check = |glob: &str, text: &str, expected: bool| {
            assert_eq!(matches(glob, text), Ok(expected), "{glob} {text}");
        };
        check("abc", "abc", true);
        check("*", "abc", true);
        check("*c", "abc", true);
        check("a*", "a", true);
        check("a*b?c*x", "abxbbxdbxebxczzx", true);
        check("a*b?c*x", "abxbbxdbxebxczzy", false);
        check("ab[c]", "abc", true);
        check("ab[b-d]", "abc", true);
        check("ab[e-g]", "abc", false);
        check("ab[^e-g]", "abc", true);
        check("a\\*b", "a*b", true);
        check("a\\*b", "ab", false);
        check("[\\]a]", "]", true);
        check("[x\\-]", "-", true);
        check("file*.gz", "file2.tar.gz", true);
        check("file*.gz", "backup_file.gz", false);
        check("run *", "run /a/b", true);
        check("", "", true);
        check("", "a", false);
    }

    #[test]
    fn malformed_globs_are_refused() {
        for glob in ["[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "a\\"] {
            assert_eq!(check(glob), Err(BadPattern), "{glob}");
            assert_eq!(matches(glob, "a"), Err(BadPattern), "{glob}");
        }
    }

    proptest! {
        #[test]
        fn an_escaped_text_matches_itself_alone(text in ".*", other in ".*") {
            let glob: String = text.chars().flat_map(|c| ['\\', c]).collect();
            prop_assert_eq!(matches(&glob, &text), Ok(true));
            prop_assert_eq!(matches(&glob, &other), Ok(text == other));
        }

        #[test]
        fn no_glob_panics_or_takes_long(glob in "[a*?\\[\\]^\\\\-]{0,40}", text in "[a]{0,200}") {
            let _ = matches(&glob, &text);
        }
    }
}
