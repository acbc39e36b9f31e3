//! Values of a charm's configuration options, by the types that the charm declares.

use std::collections::BTreeMap;

use charmproof_charm::metadata::OptionType;
use serde_json::{Number, Value};

use crate::names;
use crate::values::go::{self, quote};
use crate::values::yaml::read_yaml;

/// The types of a charm's options by their names.
pub type OptionTypes = BTreeMap<String, OptionType>;

/// What a text on a command line is as the value of an option.
pub fn parse_option(name: &str, kind: OptionType, text: &str) -> Result<Value, String> {
    let parsed = match kind {
        OptionType::Secret if !text.is_empty() && !names::is_secret_uri(text) => {
            let uri = quote(text);
            return Err(format!("invalid secret URI for option {}: secret URI {uri} not valid", quote(name)));
        }
        OptionType::String | OptionType::Secret => Some(Value::String(text.to_owned())),
        OptionType::Int => go::parse_decimal(text).ok().map(|number| Value::Number(number.into())),
        OptionType::Float => parse_float(text).map(Value::Number),
        OptionType::Boolean => go::parse_bool(text).ok().map(Value::Bool),
    };
    parsed.ok_or_else(|| unexpected(name, kind, &quote(text)))
}

/// What a value in a YAML file is as the value of an option. Nothing at all is the default again.
pub fn option_of_yaml(name: &str, kind: OptionType, value: &Value) -> Result<Value, String> {
    let unexpected = || unexpected(name, kind, &go_syntax(value));
    match (kind, value) {
        // Texts are read as those of a command line, for files that were written for older Jujus.
        (kind, Value::String(text)) => parse_option(name, kind, text),
        (_, Value::Null) => Ok(Value::Null),
        (OptionType::Int, Value::Number(number)) => {
            number.as_i64().map(|number| Value::Number(number.into())).ok_or_else(unexpected)
        }
        (OptionType::Float, Value::Number(number)) => {
            let float = number.as_f64().and_then(Number::from_f64);
            float.map(Value::Number).ok_or_else(unexpected)
        }
        (OptionType::Boolean, Value::Bool(_)) => Ok(value.clone()),
        (
            OptionType::String
            | OptionType::Secret
            | OptionType::Int
            | OptionType::Float
            | OptionType::Boolean,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_),
        ) => Err(unexpected()),
    }
}

fn unexpected(name: &str, kind: OptionType, found: &str) -> String {
    format!("option {} expected {}, got {found}", quote(name), kind.name())
}

fn unknown(name: &str) -> String {
    format!("unknown option {}", quote(name))
}

fn parse_float(text: &str) -> Option<Number> {
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

/// A value as Go writes it in a program, which is how Juju quotes what it did not expect.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{}:{}", quote(key), go_syntax(value))).collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", pairs.join(", "))
        }
    }
}

/// Settings that were given as texts, by the options' types.
pub fn parse_settings(
    types: &OptionTypes,
    settings: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, String> {
    let mut parsed = BTreeMap::new();
    for (name, text) in settings {
        let kind = types.get(name).ok_or_else(|| unknown(name))?;
        parsed.insert(name.clone(), parse_option(name, *kind, text)?);
    }
    Ok(parsed)
}

/// Settings of one application in a YAML file whose top keys are applications.
pub fn parse_settings_yaml(
    types: &OptionTypes,
    yaml: &str,
    application: &str,
) -> Result<BTreeMap<String, Value>, String> {
    let document = read_yaml(yaml).map_err(|reason| format!("cannot parse settings data: {reason}"))?;
    let settings = match &document {
        Value::Object(applications) => applications.get(application),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    };
    let settings = match settings {
        Some(Value::Object(settings)) => settings.clone(),
        Some(Value::Null) => serde_json::Map::new(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(format!("cannot parse settings data: the settings of {application} are no map"));
        }
        None => return Err(format!("no settings found for {}", quote(application))),
    };
    let mut parsed = BTreeMap::new();
    for (name, value) in &settings {
        let kind = types.get(name).ok_or_else(|| unknown(name))?;
        parsed.insert(name.clone(), option_of_yaml(name, *kind, value)?);
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn types() -> OptionTypes {
        OptionType::ALL.into_iter().map(|kind| (kind.name().to_owned(), kind)).collect()
    }

    #[test]
    fn texts_by_type() {
        let check = |kind: OptionType, text: &str, expected: Result<Value, &str>| {
            assert_eq!(parse_option("n", kind, text), expected.map_err(str::to_owned), "{text}");
        };
        check(OptionType::String, "", Ok(json!("")));
        check(OptionType::Int, "12", Ok(json!(12)));
        check(OptionType::Int, "abc", Err(r#"option "n" expected int, got "abc""#));
        check(OptionType::Int, "", Err(r#"option "n" expected int, got """#));
        check(OptionType::Int, "0x10", Err(r#"option "n" expected int, got "0x10""#));
        check(OptionType::Float, "1.5", Ok(json!(1.5)));
        check(OptionType::Float, "1e3", Ok(json!(1000.0)));
        check(OptionType::Float, "x", Err(r#"option "n" expected float, got "x""#));
        check(OptionType::Boolean, "True", Ok(json!(true)));
        check(OptionType::Boolean, "yes", Err(r#"option "n" expected boolean, got "yes""#));
        check(OptionType::Secret, "", Ok(json!("")));
        for uri in [
            "secret:9m4e2mr0ui3e8a215n4g",
            "9m4e2mr0ui3e8a215n4g",
            "secret://5d3ac0fe-2b1f-4a6d-8c52-6f1f5f0a9b10/9m4e2mr0ui3e8a215n4g",
        ] {
            check(OptionType::Secret, uri, Ok(json!(uri)));
        }
        for text in ["secret:", "garbage", "secret:9M4E2MR0UI3E8A215N4G", "file:9m4e2mr0ui3e8a215n4g"] {
            let why = format!("invalid secret URI for option \"n\": secret URI \"{text}\" not valid");
            check(OptionType::Secret, text, Err(&why));
        }
    }

    #[test]
    fn settings_of_a_command_line() {
        let check = |name: &str, text: &str, expected: &str| {
            let settings = BTreeMap::from([(name.to_owned(), text.to_owned())]);
            assert_eq!(parse_settings(&types(), &settings), Err(expected.to_owned()));
        };
        check("foo", "1", r#"unknown option "foo""#);
        check("int", "one", r#"option "int" expected int, got "one""#);
    }

    #[test]
    fn settings_of_a_file() {
        let check = |yaml: &str, expected: Result<Value, &str>| {
            let found = parse_settings_yaml(&types(), yaml, "app");
            let found = found.map(|settings| json!(settings));
            assert_eq!(found, expected.map_err(str::to_owned), "{yaml}");
        };
        check(
            "app: {int: 1, boolean: 'true', float: 2}",
            Ok(json!({"int": 1, "boolean": true, "float": 2.0})),
        );
        check("app: {string: null}", Ok(json!({"string": null})));
        check("app:", Ok(json!({})));
        check("other: {}", Err(r#"no settings found for "app""#));
        check("app: {foo: 1}", Err(r#"unknown option "foo""#));
        check("app: {string: 1}", Err(r#"option "string" expected string, got 1"#));
        check("app: {int: [1, a]}", Err(r#"option "int" expected int, got []interface {}{1, "a"}"#));
        check("app: {boolean: 1.5}", Err(r#"option "boolean" expected boolean, got 1.5"#));
        check("app: 5", Err("cannot parse settings data: the settings of app are no map"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_refused(text in "\\PC*") {
            for kind in OptionType::ALL {
                let _ = parse_option("n", kind, &text);
            }
            let _ = parse_settings_yaml(&types(), &text, "app");
        }

        #[test]
        fn printed_numbers_are_read_again(number in any::<i64>()) {
            prop_assert_eq!(parse_option("n", OptionType::Int, &number.to_string()), Ok(json!(number)));
        }
    }
}
