//! What stands behind `juju run` and `juju exec`.

use serde_json::{Map, Value};

use crate::names::UnitOrLeader;
use crate::values::yaml::read_yaml;

/// Who is to run which action, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunArguments {
    /// The units, in the order of the command line.
    pub units: Vec<UnitOrLeader>,
    /// The action's name.
    pub action: String,
    /// Parameters as keys within keys, and a text.
    pub parameters: Vec<(Vec<String>, String)>,
}

impl RunArguments {
    /// Takes apart positionals that have been found good. Nothing, if they have not.
    pub fn parse(positionals: &[String]) -> Option<Self> {
        let unit_count = positionals.iter().take_while(|word| UnitOrLeader::parse(word).is_some()).count();
        let units = positionals[..unit_count].iter().filter_map(|word| UnitOrLeader::parse(word)).collect();
        let (action, rest) = positionals[unit_count..].split_first()?;
        let mut parameters = Vec::new();
        for word in rest {
            let (key, value) = word.split_once('=')?;
            parameters.push((key.split('.').map(str::to_owned).collect(), value.to_owned()));
        }
        Some(Self { units, action: action.clone(), parameters })
    }

    /// The parameters of a file of `--params`, with those of the command line laid over them. With
    /// `--string-args`, values of the command line are text whatever they look like.
    pub fn parameters(&self, file: Option<&str>, are_strings: bool) -> Result<Map<String, Value>, String> {
        let mut parameters = match file.map(read_yaml).transpose()? {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                return Err("params must contain a YAML map with string keys".to_owned());
            }
        };
        for (keys, text) in &self.parameters {
            let value = if are_strings { Value::String(text.clone()) } else { read_yaml(text)? };
            insert(&mut parameters, keys, value);
        }
        Ok(parameters)
    }
}

/// Sets a value within maps. What is in the way and is no map is replaced by one.
fn insert(map: &mut Map<String, Value>, keys: &[String], value: Value) {
    let Some((first, rest)) = keys.split_first() else { return };
    if rest.is_empty() {
        map.insert(first.clone(), value);
        return;
    }
    let inner = map.entry(first.clone()).or_insert(Value::Null);
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

/// The words behind `juju exec` as one line for a shell. A single word is a line already; several
/// are quoted where they have spaces, quotes, dollars or backslashes in them.
pub fn command_of_words<T: AsRef<str>>(words: &[T]) -> String {
    if let [line] = words {
        return line.as_ref().to_owned();
    }
    let quoted: Vec<String> = words.iter().map(|word| quoted(word.as_ref())).collect();
    quoted.join(" ")
}

fn quoted(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len() + 2);
    let mut needs_quotes = false;
    for character in word.chars() {
        needs_quotes |= character.is_whitespace();
        if matches!(character, '"' | '$' | '\\') {
            needs_quotes = true;
            escaped.push('\\');
        }
        escaped.push(character);
    }
    if needs_quotes { format!("\"{escaped}\"") } else { escaped }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn units_an_action_and_parameters() {
        let arguments = RunArguments::parse(&words("a/0 a/leader backup x=1 y.z=a=b")).unwrap();
        let units: Vec<String> = arguments.units.iter().map(ToString::to_string).collect();
        assert_eq!(units, ["a/0", "a/leader"]);
        assert_eq!(arguments.action, "backup");
        assert_eq!(arguments.parameters[1], (words("y z"), "a=b".to_owned()));
        assert_eq!(RunArguments::parse(&words("a/0")), None);
    }

    #[test]
    fn values_are_yaml_and_lie_over_those_of_a_file() {
        let check = |line: &str, file: Option<&str>, are_strings: bool, expected: Value| {
            let arguments = RunArguments::parse(&words(&format!("a/0 b {line}"))).unwrap();
            let found = arguments.parameters(file, are_strings).map(Value::Object);
            assert_eq!(found, Ok(expected), "{line}");
        };
        check("x=1 y=true z=", None, false, json!({"x": 1, "y": true, "z": null}));
        check("x=1 y=true z=", None, true, json!({"x": "1", "y": "true", "z": ""}));
        check("a.b=1 a.c=[2,3]", None, false, json!({"a": {"b": 1, "c": [2, 3]}}));
        check("a.b=1", Some("a: {b: 2, c: 3}\nd: 4"), false, json!({"a": {"b": 1, "c": 3}, "d": 4}));
        check("a.b=1", Some("a: text"), false, json!({"a": {"b": 1}}));
        let arguments = RunArguments::parse(&words("a/0 b")).unwrap();
        assert_eq!(
            arguments.parameters(Some("[1]"), false),
            Err("params must contain a YAML map with string keys".to_owned())
        );
        assert_eq!(arguments.parameters(Some(""), false), Ok(Map::new()));
    }

    #[test]
    fn a_command_of_several_words_is_quoted() {
        let check = |words: &[&str], expected: &str| assert_eq!(command_of_words(words), expected);
        check(&["echo $HOME; ls"], "echo $HOME; ls");
        check(&["echo", "a b", "c"], "echo \"a b\" c");
        check(&["echo", "$HOME", "\"x\"", "a\\b", "it's"], r#"echo "\$HOME" "\"x\"" "a\\b" it's"#);
        check(&["ls", ""], "ls ");
    }

    proptest! {
        #[test]
        fn any_words_are_taken_apart_or_not(words in proptest::collection::vec("\\PC{0,8}|[a-z]/[0-9]|[a-z.]{1,5}=[0-9a-z]?", 0..6)) {
            if let Some(arguments) = RunArguments::parse(&words) {
                let _ = arguments.parameters(None, false);
                prop_assert_eq!(arguments.units.len() + arguments.parameters.len() + 1, words.len());
            }
            let _ = command_of_words(&words);
        }
    }
}
