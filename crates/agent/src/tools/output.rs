//! What tools print, byte for byte as Juju does: `smart`, `yaml` and `json`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::yaml_text;

/// A value to print. Maps are printed in the order in which they are here.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// A text that YAML has as it is, without quotes: a time, or a list in one line.
    Plain(String),
    /// Values in a row.
    List(Vec<Data>),
    /// Values with names.
    Map(Vec<(String, Data)>),
}

/// Prints a value as Juju prints JSON: one line without spaces, and its end.
pub fn to_json(data: &Data) -> String {
    Format::Json.print(data)
}

/// Prints a value as Juju prints YAML, a line per value.
pub fn to_yaml(data: &Data) -> String {
    Format::Yaml.print(data)
}

impl Data {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(crate) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    pub(crate) fn text_map(entries: &BTreeMap<String, String>) -> Self {
        Self::map(entries.iter().map(|(key, value)| (key.clone(), Self::text(value.clone()))))
    }
}

impl From<&Value> for Data {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Int(integer),
                None => Self::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Self::text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(entries) => {
                let mut entries: Vec<_> =
                    entries.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect();
                entries.sort_by(|one, other| one.0.cmp(&other.0));
                Self::Map(entries)
            }
        }
    }
}

/// How a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Format {
    Smart,
    Yaml,
    Json,
}

impl Format {
    pub(crate) fn print(self, data: &Data) -> String {
        match self {
            Self::Smart => smart(data),
            Self::Yaml => yaml_text::print(data),
            Self::Json => {
                let mut text = String::new();
                json(&mut text, data);
                text.push('\n');
                text
            }
        }
    }
}

/// Text bare, lists of texts in lines, nothing for nothing, and YAML for the rest.
fn smart(data: &Data) -> String {
    let text = match data {
        Data::Null => String::new(),
        Data::Bool(true) => "True".to_owned(),
        Data::Bool(false) => "False".to_owned(),
        Data::Text(text) | Data::Plain(text) => text.clone(),
        Data::List(items) => {
            let texts: Option<Vec<&str>> = items
                .iter()
                .map(|item| match item {
                    Data::Text(text) | Data::Plain(text) => Some(text.as_str()),
                    Data::Null
                    | Data::Bool(_)
                    | Data::Int(_)
                    | Data::Float(_)
                    | Data::List(_)
                    | Data::Map(_) => None,
                })
                .collect();
            match texts {
                Some(texts) => texts.join("\n"),
                None => return yaml_text::print(data),
            }
        }
        Data::Int(_) | Data::Float(_) | Data::Map(_) => return yaml_text::print(data),
    };
    if text.is_empty() { text } else { text + "\n" }
}

fn json(text: &mut String, data: &Data) {
    match data {
        Data::Null => text.push_str("null"),
        Data::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Data::Int(number) => text.push_str(&number.to_string()),
        Data::Float(number) => text.push_str(&json_float(*number)),
        Data::Text(content) | Data::Plain(content) => json_text(text, content),
        Data::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                json(text, item);
            }
            text.push(']');
        }
        Data::Map(entries) => {
            text.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                json_text(text, key);
                text.push(':');
                json(text, value);
            }
            text.push('}');
        }
    }
}

/// Go writes whole numbers without a point, and exponents from 1e21 on and below 1e-6.
fn json_float(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{number:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            Some(_) | None => text,
        };
    }
    number.to_string()
}

/// Go also escapes what means something in HTML, and the two line separators of Unicode.
fn json_text(text: &mut String, content: &str) {
    text.push('"');
    for character in content.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{0}'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", character as u32);
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_printed_as_juju_prints_them() {
        let check = |data: Data, smart: &str, json: &str| {
            assert_eq!(Format::Smart.print(&data), smart);
            assert_eq!(Format::Json.print(&data), format!("{json}\n"));
        };
        check(Data::Null, "", "null");
        check(Data::text(""), "", "\"\"");
        check(Data::text("a\nb"), "a\nb\n", "\"a\\nb\"");
        check(Data::Bool(true), "True\n", "true");
        check(Data::Int(3), "3\n", "3");
        check(Data::Float(1.0), "1\n", "1");
        check(Data::Float(1.5), "1.5\n", "1.5");
        check(Data::Float(1e21), "1e+21\n", "1e+21");
        check(Data::texts(["a/0", "a/1"]), "a/0\na/1\n", "[\"a/0\",\"a/1\"]");
        check(Data::texts::<&str>([]), "", "[]");
        check(
            Data::text("<a & b>\u{2028}\u{1}"),
            "<a & b>\u{2028}\u{1}\n",
            r#""\u003ca \u0026 b\u003e\u2028\u0001""#,
        );
        check(Data::map([("b", Data::Int(1)), ("a", Data::Null)]), "b: 1\na: null\n", r#"{"b":1,"a":null}"#);
        check(Data::map::<&str>([]), "{}\n", "{}");
    }

    proptest! {
        #[test]
        fn any_text_survives_json(content in ".{0,30}") {
            let printed = Format::Json.print(&Data::text(content.clone()));
            prop_assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), content);
        }
    }
}
