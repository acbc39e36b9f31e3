//! Words of a query, each with its place.

use super::parser::Comparison;

/// Where something is in a query: lines and columns count from 1, characters from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) offset: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    End,
    Name(String),
    Underscore,
    Integer(String),
    Decimal(String),
    Text(String),
    /// A text whose quote is not closed.
    OpenText,
    Bool(String),
    Compare(Comparison),
    And,
    Or,
    Lambda,
    Comma,
    Semicolon,
    LeftParenthesis,
    RightParenthesis,
    LeftBracket,
    RightBracket,
    Point,
    /// What means nothing: `=`, `!`, `&`, `|` by themselves, and anything else.
    Other,
}

/// A word and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) position: Position,
}

/// Splits a query into words. The last one is its end.
pub(super) fn words(text: &str) -> Vec<Placed> {
    let characters: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut place = Position { offset: 0, line: 1, column: 1 };
    loop {
        while let Some(character) = characters.get(place.offset).filter(|character| character.is_whitespace())
        {
            place.offset += 1;
            place.column += 1;
            if *character == '\n' {
                (place.line, place.column) = (place.line + 1, 1);
            }
        }
        let (token, length) = word(&characters[place.offset.min(characters.len())..]);
        let is_end = token == Token::End;
        words.push(Placed { token, position: place });
        if is_end {
            return words;
        }
        // A text that is not closed ends with its line.
        place.offset += length;
        place.column += length;
    }
}

/// Returns the word that characters begin with, and how long it is.
fn word(rest: &[char]) -> (Token, usize) {
    let Some(first) = rest.first() else { return (Token::End, 0) };
    let second = rest.get(1);
    match (first, second) {
        ('=', Some('=')) => (Token::Compare(Comparison::Equal), 2),
        ('=', Some('>')) => (Token::Lambda, 2),
        ('!', Some('=')) => (Token::Compare(Comparison::NotEqual), 2),
        ('&', Some('&')) => (Token::And, 2),
        ('|', Some('|')) => (Token::Or, 2),
        ('<', Some('=')) => (Token::Compare(Comparison::LessOrEqual), 2),
        ('>', Some('=')) => (Token::Compare(Comparison::GreaterOrEqual), 2),
        ('<', _) => (Token::Compare(Comparison::Less), 1),
        ('>', _) => (Token::Compare(Comparison::Greater), 1),
        (',', _) => (Token::Comma, 1),
        (';', _) => (Token::Semicolon, 1),
        ('(', _) => (Token::LeftParenthesis, 1),
        (')', _) => (Token::RightParenthesis, 1),
        ('[', _) => (Token::LeftBracket, 1),
        (']', _) => (Token::RightBracket, 1),
        ('.', _) => (Token::Point, 1),
        ('_', _) => (Token::Underscore, 1),
        ('"' | '\'', _) => quoted(rest),
        (first, _) if is_digit(*first) => number(rest),
        (first, _) if first.is_alphabetic() => {
            let length = rest
                .iter()
                .take_while(|character| {
                    character.is_alphabetic() || is_digit(**character) || matches!(character, '-' | '_')
                })
                .count();
            let name: String = rest[..length].iter().collect();
            let is_bool = matches!(name.to_lowercase().as_str(), "true" | "false");
            (if is_bool { Token::Bool(name) } else { Token::Name(name) }, length)
        }
        _ => (Token::Other, 1),
    }
}

fn quoted(rest: &[char]) -> (Token, usize) {
    let quote = rest[0];
    let length = rest[1..].iter().take_while(|character| **character != quote && **character != '\n').count();
    match rest.get(length + 1) {
        Some(end) if *end == quote => (Token::Text(rest[1..=length].iter().collect()), length + 2),
        Some(_) | None => (Token::OpenText, length + 1),
    }
}

fn number(rest: &[char]) -> (Token, usize) {
    let mut length = 1;
    while let Some(character) = rest.get(length) {
        let is_range = *character == '.' && rest.get(length + 1) == Some(&'.');
        if !(is_digit(*character) || *character == '.') || is_range {
            break;
        }
        length += 1;
    }
    let text: String = rest[..length].iter().collect();
    (if text.contains('.') { Token::Decimal(text) } else { Token::Integer(text) }, length)
}

fn is_digit(character: char) -> bool {
    character.is_numeric()
}
