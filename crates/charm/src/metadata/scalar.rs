//! What a scalar may be to those who read a charm's files.
//!
//! charmcraft reads charmcraft.yaml with `PyYAML` and writes what it read into
//! the charm; metadata.yaml, config.yaml and actions.yaml go into the charm as
//! they are, and Juju reads all of it with `go-yaml`. The two differ in details
//! (`1e3`, `y`, `0o17`, `1:30`). A scalar is accepted here if either would
//! accept it: who differs from both is wrong for sure.

use crate::yaml::{Kind, Node, Value};

/// The texts that Go's `strconv.ParseBool` takes for a boolean, which Juju
/// lets stand for one.
const BOOLEAN_TEXTS: [(&str, bool); 12] = [
    ("1", true),
    ("t", true),
    ("T", true),
    ("TRUE", true),
    ("true", true),
    ("True", true),
    ("0", false),
    ("f", false),
    ("F", false),
    ("FALSE", false),
    ("false", false),
    ("False", false),
];

/// Whether the node is null: nothing was written, or `null`, or `~`.
pub(super) fn is_null(node: &Node) -> bool {
    node.kind() == Kind::Null
}

/// The text of a node that a reader takes for text.
pub(super) fn as_text(node: &Node) -> Option<&str> {
    // go-yaml makes a text of what looks like a date.
    kinds_of(node).iter().any(|kind| matches!(kind, Kind::Text | Kind::Timestamp)).then(|| node.text())?
}

/// The value of a node that a reader takes for a boolean.
pub(super) fn as_bool(node: &Node) -> Option<bool> {
    let plain = kinds_of(node).into_iter().find_map(|kind| match kind {
        Kind::Bool(value) => Some(value),
        Kind::Null
        | Kind::Int
        | Kind::Float
        | Kind::Timestamp
        | Kind::Text
        | Kind::Sequence
        | Kind::Mapping => None,
    });
    plain.or_else(|| {
        let text = as_text(node)?;
        BOOLEAN_TEXTS.iter().find(|(spelling, _)| *spelling == text).map(|(_, value)| *value)
    })
}

/// The value of a node that a reader takes for a whole number. Juju lets a text
/// stand for one.
pub(super) fn as_int(node: &Node) -> Option<i64> {
    let text = node.text()?;
    go_int(text).or_else(|| if node.kind() == Kind::Int { base_sixty(text) } else { None })
}

/// The text of a node that a reader takes for a number.
pub(super) fn as_number(node: &Node) -> Option<&str> {
    kinds_of(node).iter().any(|kind| matches!(kind, Kind::Int | Kind::Float)).then(|| node.text())?
}

/// What a node is, in words.
pub(super) fn in_words(node: &Node) -> &'static str {
    match node.kind() {
        Kind::Null => "nothing",
        Kind::Bool(_) => "a boolean",
        Kind::Int => "a whole number",
        Kind::Float => "a number",
        Kind::Timestamp => "a date",
        Kind::Text => "text",
        Kind::Sequence => "a list",
        Kind::Mapping => "a mapping",
    }
}

/// `PyYAML` reads `1:30` as 90.
fn base_sixty(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
    let first = parts.next()??;
    parts.try_fold(first, |sum, part| sum.checked_mul(60)?.checked_add(part?))
}

/// What the node is to `PyYAML` and to `go-yaml`.
fn kinds_of(node: &Node) -> [Kind; 2] {
    let to_python = node.kind();
    let to_go = match &node.value {
        Value::Scalar { text, plain: true } if to_python != Kind::Null => go_kind(text),
        Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => to_python,
    };
    [to_python, to_go]
}

/// What a plain scalar is to `go-yaml` v2.
fn go_kind(text: &str) -> Kind {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Kind::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Kind::Bool(false)
        }
        _ if go_int(text).is_some() => Kind::Int,
        _ if is_go_float(text) => Kind::Float,
        _ => Kind::Text,
    }
}

/// Reads a whole number as Go's `strconv.ParseInt` with base 0 does.
pub(super) fn go_int(text: &str) -> Option<i64> {
    let text = text.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    // `from_str_radix` would take a second sign.
    let is_number = digits.starts_with(|digit: char| digit.is_digit(radix));
    if is_number { i64::from_str_radix(&format!("{sign}{digits}"), radix).ok() } else { None }
}

fn is_go_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_special = matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    let starts = |text: &str| text.starts_with(|digit: char| digit.is_ascii_digit());
    let has_digit_first = starts(unsigned) || unsigned.strip_prefix('.').is_some_and(starts);
    // Rust's words for infinity start with a letter.
    is_special || (has_digit_first && unsigned.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    /// What a scalar passes for: text, boolean, whole number, number.
    fn check(scalar: &str, expected: &str) {
        let text = format!("k: {scalar}\n");
        let (root, _) = crate::yaml::parse(Utf8Path::new("f.yaml"), &text).expect("it is YAML");
        let node = root.get("k").expect("the key is there");
        let passes = [
            ("text", as_text(node).is_some()),
            ("boolean", as_bool(node).is_some()),
            ("whole", as_int(node).is_some()),
            ("number", as_number(node).is_some()),
        ];
        let found: Vec<&str> =
            passes.into_iter().filter_map(|(name, passes)| passes.then_some(name)).collect();
        assert_eq!(found.join(" "), expected, "{scalar}");
    }

    #[test]
    fn a_scalar_passes_for_what_either_reader_makes_of_it() {
        check("abc", "text");
        check("2024-01-31", "text");
        check("'5'", "text whole");
        check("5", "whole number");
        check("0x1F", "whole number");
        check("5.0", "number");
        check("true", "boolean");
        check("'true'", "text boolean");
        check("yes", "boolean");
        check("y", "text boolean");
        check("1e3", "text number");
        check("0o17", "text whole number");
        check("1:30", "text whole number");
        check("99999999999999999999", "number");
        check("1:30.5", "text number");
        check("", "");
        check("[a]", "");
        check("{a: b}", "");
    }

    #[test]
    fn whole_numbers_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("10", Some(10)),
            ("-3", Some(-3)),
            ("+3", Some(3)),
            ("1_000", Some(1000)),
            ("010", Some(8)),
            ("0x10", Some(16)),
            ("0b11", Some(3)),
            ("0", Some(0)),
            ("", None),
            ("-", None),
            ("--1", None),
            ("0x-1", None),
            ("1.0", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(go_int(text), expected, "{text}");
        }
    }
}
