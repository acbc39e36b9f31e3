//! What users give to actions and options: read, checked, completed.

use charmproof_charm::metadata::{Action, ConfigOption, OptionType};
use serde_json::{Map, Value};

/// Returns what the parameters of an action are when all is well: with defaults where nothing was
/// given.
pub fn check(declared: &Action, given: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let _ = declared;
    Ok(given)
}

/// Adds `a.b=value` to parameters: nested, and read as YAML unless it is to be text.
pub fn add_argument(
    parameters: &mut Map<String, Value>,
    argument: &str,
    is_text: bool,
) -> Result<(), String> {
    let wrong = || format!("argument \"{argument}\" must be of the form key.key.key...=value");
    let (key, text) = argument.split_once('=').ok_or_else(wrong)?;
    let value = if is_text {
        Value::String(text.to_owned())
    } else {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?
    };
    let mut keys = key.split('.').collect::<Vec<_>>();
    let last = keys.pop().filter(|key| !key.is_empty()).ok_or_else(wrong)?;
    let mut map = parameters;
    for key in keys {
        let entry = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
        if !entry.is_object() {
            *entry = Value::Object(Map::new());
        }
        let Value::Object(inner) = entry else { return Err(wrong()) };
        map = inner;
    }
    map.insert(last.to_owned(), value);
    Ok(())
}

/// Returns what a shell is given for the words of `juju exec`: one word is a command line already.
pub fn shell_words(words: &[String]) -> String {
    if let [only] = words {
        return only.clone();
    }
    let quoted = words.iter().map(|word| {
        let is_plain = !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', "'\"'\"'")) }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Returns the value of an option, of the type that it has.
pub fn option_value(option: &ConfigOption, given: &Value) -> Result<Value, String> {
    let name = &option.name;
    let shown = match given {
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    let wrong = |expected: &str| format!("option \"{name}\" expected {expected}, got {shown}");
    match (option.kind, given) {
        (OptionType::String | OptionType::Secret, Value::String(_)) => Ok(given.clone()),
        (OptionType::String | OptionType::Secret, _) => Err(wrong("string")),
        (OptionType::Int, Value::String(text)) => {
            text.trim().parse::<i64>().map(Value::from).map_err(|_| wrong("int"))
        }
        (OptionType::Int, Value::Number(number)) if number.is_i64() => Ok(given.clone()),
        (OptionType::Int, _) => Err(wrong("int")),
        (OptionType::Float, Value::String(text)) => {
            text.trim().parse::<f64>().map(Value::from).map_err(|_| wrong("float"))
        }
        (OptionType::Float, Value::Number(_)) => Ok(given.clone()),
        (OptionType::Float, _) => Err(wrong("float")),
        (OptionType::Boolean, Value::String(text)) => {
            crate::values::go::parse_bool(text).map(Value::Bool).map_err(|_| wrong("boolean"))
        }
        (OptionType::Boolean, Value::Bool(_)) => Ok(given.clone()),
        (OptionType::Boolean, _) => Err(wrong("boolean")),
    }
}
