//! What `juju actions` and `juju show-action` show.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::document::to_yaml;
use super::order::naturally;
use super::table::Table;

/// The actions of an application, each with its description.
///
/// With `--schema`, a map of JSON schemas is printed instead.
pub type ActionListView = BTreeMap<String, String>;

/// Names what an action is for.
pub fn description(text: &str) -> String {
    if text.is_empty() { "No description".to_owned() } else { text.to_owned() }
}

/// Writes `juju actions`.
pub fn write_list(actions: &ActionListView) -> String {
    let mut table = Table::new(false);
    table.line(&["Action", "Description"]);
    for name in naturally(actions.keys()) {
        let lines: Vec<&str> = actions[name].trim().lines().collect();
        table.line(&[name, &lines.join("\n\t")]);
    }
    table.finish()
}

/// An argument of an action.
#[derive(Serialize)]
struct Argument<'a> {
    #[serde(rename = "type")]
    kind: Option<&'a Value>,
    description: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a Value>,
}

/// Writes `juju show-action`, of an action with this description and schema.
pub fn write_action(description: &str, schema: &Value) -> String {
    let properties = schema.get("properties").and_then(Value::as_object);
    let arguments: BTreeMap<&String, Argument<'_>> = properties
        .into_iter()
        .flatten()
        .filter(|(_, details)| details.is_object())
        .map(|(name, details)| {
            let kind = details.get("type");
            let argument =
                Argument { kind, description: details.get("description"), default: details.get("default") };
            (name, argument)
        })
        .collect();
    format!("{description}\n\nArguments\n{}\n", to_yaml(&arguments))
}
