//! YAML as Juju's own reader of it does, as values.
//!
//! Plain words are what Go's `yaml.v2` makes of them: `yes` and `off` are truth values, `0x1F` and
//! `010` are numbers, a date is text. Numbers that JSON cannot hold stay text.

use camino::Utf8Path;
use charmproof_charm::yaml::{self, Node};
use serde_json::{Map, Number, Value};

use crate::values::go;

/// Reads the first document of a text. An empty text is nothing at all. What is wrong is said as
/// `line N: …`.
pub fn read_yaml(text: &str) -> Result<Value, String> {
    let is_empty = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if is_empty {
        return Ok(Value::Null);
    }
    let (root, _notes) = yaml::parse(Utf8Path::new("yaml"), text)
        .map_err(|broken| format!("yaml: line {}: {}", broken.place.line, broken.message))?;
    Ok(value_of(&root))
}

/// What a node is as a value.
pub fn value_of(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Scalar { text, plain: false } => Value::String(text.clone()),
        yaml::Value::Scalar { text, plain: true } => plain_scalar(text),
        yaml::Value::Sequence(items) => Value::Array(items.iter().map(value_of).collect()),
        yaml::Value::Mapping(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.clone(), value_of(&entry.value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Value::String(text.to_owned());
    }
    let number = text.replace('_', "");
    if let Ok(integer) = go::parse_int(&number) {
        return Value::Number(integer.into());
    }
    if let Ok(integer) = go::parse_uint(&number) {
        return Value::Number(integer.into());
    }
    let float = is_float(&number).then(|| number.parse().ok()).flatten().and_then(Number::from_f64);
    float.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// Digits with a point or an exponent, whose sign must be written.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or(("", mantissa));
    let has_mantissa = are_digits(whole) && are_digits(fraction) && !fraction.is_empty();
    let has_exponent = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|digits| !digits.is_empty() && are_digits(digits))
    });
    has_mantissa && has_exponent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_what_juju_makes_of_them() {
        let check = |text: &str, expected: Value| assert_eq!(read_yaml(text), Ok(expected), "{text}");
        check("", Value::Null);
        check("# nothing", Value::Null);
        check("~", Value::Null);
        check("hello", json!("hello"));
        check("12", json!(12));
        check("-1", json!(-1));
        check("0x1F", json!(31));
        check("010", json!(8));
        check("1_000", json!(1000));
        check("18446744073709551615", json!(18_446_744_073_709_551_615_u64));
        check("1.5", json!(1.5));
        check("1e+3", json!(1000.0));
        check("1e3", json!("1e3"));
        check("22.04.1", json!("22.04.1"));
        check("2001-12-14", json!("2001-12-14"));
        check("'12'", json!("12"));
        check("off", json!(false));
        check("y", json!(true));
        check("[1, a, {b: yes}]", json!([1, "a", {"b": true}]));
        check("a: {b: c}\nd: null", json!({"a": {"b": "c"}, "d": null}));
    }

    #[test]
    fn broken_text_is_refused_with_its_line() {
        let refused = read_yaml("a: 1\nb: [").unwrap_err();
        assert!(refused.starts_with("yaml: line "), "{refused}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = read_yaml(&text);
            let _ = plain_scalar(&text);
        }

        #[test]
        fn numbers_are_read_as_they_are(number in any::<i64>(), fraction in 0_u32..1000) {
            prop_assert_eq!(read_yaml(&number.to_string()), Ok(json!(number)));
            let text = format!("{}.{fraction}", number / 1_000_000);
            let expected: f64 = text.parse().unwrap();
            prop_assert_eq!(read_yaml(&text), Ok(json!(expected)));
        }
    }
}
