//! What is wrong with a query, as Juju says it.

use thiserror::Error;

use super::lexer::Position;
use crate::flags::distance;
use crate::values::go::quote;

/// Why a query cannot be read, or cannot be asked of an entity. The text spans lines.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct QueryError(String);

/// What would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub(super) enum Expected {
    #[strum(serialize = "INT")]
    Integer,
    #[strum(serialize = "FLOAT")]
    Decimal,
    #[strum(serialize = "BOOL")]
    Bool,
    /// The end of a text.
    Text,
    #[strum(serialize = ")")]
    RightParenthesis,
    #[strum(serialize = "]")]
    RightBracket,
    /// Something that is so or not, beside `&&`.
    And,
    /// The same beside `||`.
    Or,
}

/// What is wrong, before it is said in which query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not spelt as it should be.
    Syntax { position: Position, expected: Option<Expected> },
    /// A name that an entity has not, and those that it has.
    Name { name: String, kind: &'static str, known: Vec<&'static str> },
    /// A function that there is not.
    Function { name: String, known: Vec<&'static str> },
    /// A value that something cannot be done with.
    Value(String),
}

impl Fault {
    /// Says it of a query.
    pub(super) fn in_query(&self, query: &str) -> QueryError {
        QueryError(match self {
            Self::Syntax { position, expected } => syntax(query, *position, *expected),
            Self::Name { name, kind, known } => {
                let what = format!("No possible matches for {} on {kind}\n", quote(name));
                format!(
                    "Cannot execute query: invalid identifier.\n\n{}{what}{}",
                    lines(query),
                    similar(name, known)
                )
            }
            Self::Function { name, known } => format!(
                "Cannot execute query: runtime syntax error.\n\n{}wait-for has no function {}.\n{}",
                lines(query),
                quote(name),
                similar(name, known)
            ),
            Self::Value(what) => format!(
                "Cannot execute query: runtime error.\n\n{}wait-for requires the {what}\n\
                 Maybe try removing the character and try again.",
                lines(query)
            ),
        })
    }
}

fn syntax(query: &str, position: Position, expected: Option<Expected>) -> String {
    let of_operator = |operator: &str| {
        format!("Ensure that each side of the {operator} operator can be evaluated to a boolean")
    };
    let line = query.lines().nth(position.line - 1).unwrap_or_default();
    let ledger = format!("{} | ", position.line);
    let blank = " ".repeat(ledger.len() + position.column - 1);
    let (reason, advice) = match expected {
        None => {
            let advice = match line.chars().nth(position.column - 1) {
                Some(character) => format!(
                    "wait-for doesn't support '{character}'. Maybe try removing the character and try again"
                ),
                None => "The query ends too early".to_owned(),
            };
            ("unexpected character".to_owned(), advice)
        }
        Some(Expected::Text) => (
            "string is not correctly terminated".to_owned(),
            "Try adding a closing quote to the string".to_owned(),
        ),
        Some(Expected::And) => ("invalid AND (&&) operator".to_owned(), of_operator("&&")),
        Some(Expected::Or) => ("invalid OR (||) operator".to_owned(), of_operator("||")),
        Some(
            other @ (Expected::Integer
            | Expected::Decimal
            | Expected::Bool
            | Expected::RightParenthesis
            | Expected::RightBracket),
        ) => (
            format!("expected {other}"),
            "The type doesn't match the expected syntax. Maybe try removing the character and try again"
                .to_owned(),
        ),
    };
    format!("Cannot parse query: {reason}.\n\n{ledger}{line}\n{blank}^\n{advice}.")
}

/// Returns the query with the numbers of its lines.
fn lines(query: &str) -> String {
    let lines = query.lines().enumerate().map(|(index, line)| format!("{} | {line}\n", index + 1));
    lines.collect::<String>() + "\n"
}

/// Names what may have been meant.
fn similar(name: &str, known: &[&'static str]) -> String {
    let closest = known.iter().map(|known| (distance(name.as_bytes(), known.as_bytes()), *known)).min();
    let Some((_, first)) = closest.filter(|(distance, known)| *distance <= known.len() + 1) else {
        return String::new();
    };
    let mut others: Vec<&str> = known.iter().copied().filter(|known| *known != first).collect();
    others.sort_unstable();
    let mut text = format!("Did you mean:\n\n    {first}\n");
    if !others.is_empty() {
        text += &format!("\nOther possible matches:\n\n    - {}", others.join("\n    - "));
    }
    text
}
