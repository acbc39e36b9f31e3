//! Values of a charm's files, as the readers of YAML that charms meet take them.

use charmproof_charm::yaml::{Node, Value};
use serde_json::{Map, Value as Json};

/// Returns what a value of a charm's file is as JSON, as Python's reader of YAML takes it.
pub fn json_of(node: &Node) -> Json {
    match &node.value {
        Value::Scalar { text, plain: false } => Json::from(text.clone()),
        Value::Scalar { text, plain: true } => plain(text),
        Value::Sequence(nodes) => Json::Array(nodes.iter().map(json_of).collect()),
        Value::Mapping(entries) => {
            let entries = entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.value)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn plain(text: &str) -> Json {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Json::from(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Json::from(false),
        "null" | "Null" | "NULL" | "~" | "" => Json::Null,
        text => {
            let whole = text.parse::<i64>().ok().filter(|_| !text.starts_with('+')).map(Json::from);
            let number = || {
                let is_number = text.contains('.')
                    && text.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
                text.parse::<f64>().ok().filter(|_| is_number).map(Json::from)
            };
            whole.or_else(number).unwrap_or_else(|| Json::from(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_python_takes_them_for() {
        let check = |text: &str, expected: Json| assert_eq!(plain(text), expected, "{text}");
        check("yes", Json::from(true));
        check("8080", Json::from(8080));
        check("-1", Json::from(-1));
        check("0.5", Json::from(0.5));
        check("1.2.3", Json::from("1.2.3"));
        check("~", Json::Null);
        check("1e3", Json::from("1e3"));
        check("text", Json::from("text"));
    }
}
