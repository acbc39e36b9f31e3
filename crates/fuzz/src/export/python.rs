//! Python expressions, laid out as a formatter would.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// How long a line may be.
const COLUMNS: usize = 88;
const INDENT: usize = 4;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Python {
    /// What stands there as it is.
    Code(String),
    /// A call: what is called, and the arguments, with names or without.
    Call(String, Vec<(Option<&'static str>, Python)>),
    /// `{key: value}`; a key that is absent stands for `**value`.
    Dict(Vec<(Option<Python>, Python)>),
    /// `{item}`; not empty.
    Set(Vec<Python>),
    /// `[item]`.
    List(Vec<Python>),
}

impl Python {
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }

    /// Returns a text as a literal.
    pub(super) fn text(text: &str) -> Self {
        Self::Code(literal(text))
    }

    /// Returns a dictionary of texts.
    pub(super) fn texts(of: &BTreeMap<String, String>) -> Self {
        Self::Dict(of.iter().map(|(key, value)| (Some(Self::text(key)), Self::text(value))).collect())
    }

    /// Returns a value of JSON.
    pub(super) fn value(value: &Value) -> Self {
        match value {
            Value::Null => Self::code("None"),
            Value::Bool(true) => Self::code("True"),
            Value::Bool(false) => Self::code("False"),
            Value::Number(number) => Self::code(number.to_string()),
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::List(items.iter().map(Self::value).collect()),
            Value::Object(items) => {
                let items = items.iter().map(|(key, value)| (Some(Self::text(key)), Self::value(value)));
                Self::Dict(items.collect())
            }
        }
    }

    /// Writes the expression behind `before`, which begins a line `depth` blocks deep.
    pub(super) fn written(&self, before: &str, depth: usize) -> String {
        let mut text = format!("{}{before}", " ".repeat(depth * INDENT));
        self.write(&mut text, depth, 0);
        text
    }

    /// Writes the expression at the end of `text`. So many columns come after it.
    fn write(&self, text: &mut String, depth: usize, columns_after: usize) {
        let flat = self.flat();
        let column = text.rsplit('\n').next().unwrap_or_default().chars().count();
        let (open, items, close) = match self {
            Self::Code(code) => {
                text.push_str(code);
                return;
            }
            Self::Call(name, arguments) => (
                format!("{name}("),
                arguments
                    .iter()
                    .map(|(name, value)| (name.map_or_else(String::new, |name| format!("{name}=")), value))
                    .collect(),
                ")",
            ),
            Self::Dict(items) => {
                let lead = |key: &Option<Self>| {
                    key.as_ref().map_or_else(|| "**".to_owned(), |key| format!("{}: ", key.flat()))
                };
                ("{".to_owned(), items.iter().map(|(key, value)| (lead(key), value)).collect(), "}")
            }
            Self::Set(items) => {
                ("{".to_owned(), items.iter().map(|value| (String::new(), value)).collect(), "}")
            }
            Self::List(items) => {
                ("[".to_owned(), items.iter().map(|value| (String::new(), value)).collect(), "]")
            }
        };
        let items: Vec<(String, &Self)> = items;
        if column + flat.chars().count() + columns_after <= COLUMNS || items.is_empty() {
            text.push_str(&flat);
            return;
        }
        text.push_str(&open);
        let indent = " ".repeat((depth + 1) * INDENT);
        for (lead, value) in items {
            let _ = write!(text, "\n{indent}{lead}");
            value.write(text, depth + 1, 1);
            text.push(',');
        }
        let _ = write!(text, "\n{}{close}", " ".repeat(depth * INDENT));
    }

    fn flat(&self) -> String {
        let joined = |items: Vec<String>| items.join(", ");
        match self {
            Self::Code(code) => code.clone(),
            Self::Call(name, arguments) => {
                let one = |(name, value): &(Option<&str>, Self)| match name {
                    Some(name) => format!("{name}={}", value.flat()),
                    None => value.flat(),
                };
                format!("{name}({})", joined(arguments.iter().map(one).collect()))
            }
            Self::Dict(items) => {
                let one = |(key, value): &(Option<Self>, Self)| match key {
                    Some(key) => format!("{}: {}", key.flat(), value.flat()),
                    None => format!("**{}", value.flat()),
                };
                format!("{{{}}}", joined(items.iter().map(one).collect()))
            }
            Self::Set(items) => format!("{{{}}}", joined(items.iter().map(Self::flat).collect())),
            Self::List(items) => format!("[{}]", joined(items.iter().map(Self::flat).collect())),
        }
    }
}

/// Returns a literal of Python with the text in it.
pub(super) fn literal(text: &str) -> String {
    let quote = if text.contains('"') && !text.contains('\'') { '\'' } else { '"' };
    let mut result = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            quoted if quoted == quote => {
                result.push('\\');
                result.push(quoted);
            }
            control if control.is_control() => {
                let _ = write!(result, "\\u{:04x}", u32::from(control));
            }
            other => result.push(other),
        }
    }
    result.push(quote);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        let check = |text: &str, expected: &str| assert_eq!(literal(text), expected);
        check("a", r#""a""#);
        check("it's", r#""it's""#);
        check(r#"say "a""#, r#"'say "a"'"#);
        check(r#"it's "a""#, r#""it's \"a\"""#);
        check("a\nb\\c\u{1}", r#""a\nb\\c\u0001""#);
    }

    #[test]
    fn what_is_long_has_a_line_for_each_part() {
        let data: BTreeMap<String, String> = [("host", "10.0.0.1"), ("password", "x")]
            .map(|(key, value)| (key.to_owned(), value.repeat(3)))
            .into();
        let relation = Python::Call(
            "testing.Relation".to_owned(),
            vec![(None, Python::text("db")), (Some("remote_app_data"), Python::texts(&data))],
        );
        let state = |relations: Vec<Python>| {
            Python::Call("testing.State".to_owned(), vec![(Some("relations"), Python::Set(relations))])
        };
        assert_eq!(
            state(vec![relation.clone(), relation]).written("state = ", 1),
            r#"    state = testing.State(
        relations={
            testing.Relation(
                "db",
                remote_app_data={"host": "10.0.0.110.0.0.110.0.0.1", "password": "xxx"},
            ),
            testing.Relation(
                "db",
                remote_app_data={"host": "10.0.0.110.0.0.110.0.0.1", "password": "xxx"},
            ),
        },
    )"#
        );
        assert_eq!(
            state(vec![Python::code("db")]).written("state = ", 1),
            "    state = testing.State(relations={db})"
        );
    }
}
