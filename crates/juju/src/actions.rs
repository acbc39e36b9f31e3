//! Actions of a charm: what their files declare, and which parameters they take.
//!
//! Juju checks parameters against a JSON schema when an action is asked for, before a task exists,
//! and puts defaults in afterwards. Both are done here as its library does them, with its words.
//! All of it is pure; running an action is elsewhere.

mod arguments;
mod schema;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use arguments::{RunArguments, command_of_words};
pub use schema::{Schema, SchemaError};

use crate::names::is_key;
use crate::values::go::quote;
use crate::values::yaml::read_yaml;

/// An action as a charm declares it.
#[derive(Debug, Clone)]
pub struct ActionSpec {
    /// What it does.
    pub description: String,
    /// Whether it may run beside others of the unit.
    pub is_parallel: bool,
    /// The group of actions that run one after another.
    pub execution_group: String,
    /// What its parameters must be, as `juju actions --schema` and `show-action` print it.
    pub parameters: Value,
    schema: Schema,
}

impl ActionSpec {
    /// Checks parameters, and adds the defaults of those that were not given.
    pub fn prepare(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        self.schema.validate(&Value::Object(given.clone())).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            format!("validation failed: {}", errors.join("; "))
        })?;
        let mut with_defaults = given.clone();
        insert_defaults(&mut with_defaults, &self.parameters["properties"])?;
        Ok(with_defaults)
    }
}

/// What Juju says of an action that a charm has not.
pub fn undefined_action(action: &str, unit: &str) -> String {
    format!("action {} not defined on unit {}", quote(action), quote(unit))
}

/// Reads a charm's `actions.yaml`.
pub fn read_actions(charm: &str, yaml: &str) -> Result<BTreeMap<String, ActionSpec>, String> {
    let mut actions = BTreeMap::new();
    for (name, declared) in map_of(read_yaml(yaml)?, "actions.yaml is no map")? {
        if !is_key(&name) {
            return Err(format!("bad action name {name}"));
        }
        if let Some(reason) = reserved(charm, &name) {
            return Err(format!("cannot use action name {name}: {reason}"));
        }
        let declared = map_of(declared, &format!("action {name} is no map"))?;
        actions.insert(name.clone(), read_action(&name, declared)?);
    }
    Ok(actions)
}

/// What is nothing at all is an empty map.
fn map_of(value: Value, otherwise: &str) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(otherwise.to_owned()),
    }
}

/// Names that Juju keeps for itself, except in charms that are its own.
fn reserved(charm: &str, name: &str) -> Option<&'static str> {
    if charm.starts_with("juju-") {
        None
    } else if name == "juju" {
        Some("\"juju\" is a reserved name")
    } else if name.starts_with("juju-") {
        Some("the \"juju-\" prefix is reserved")
    } else {
        None
    }
}

fn read_action(name: &str, declared: Map<String, Value>) -> Result<ActionSpec, String> {
    let mut description = "No description".to_owned();
    let mut is_parallel = false;
    let mut execution_group = String::new();
    let mut parameters =
        json!({"description": description, "type": "object", "title": name, "properties": {}});
    let text = |key: &str, value: &Value| {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| format!("value for schema key {} must be a string", quote(key)))
    };
    for (key, value) in declared {
        match key.as_str() {
            "description" => {
                description = text(&key, &value)?;
                parameters[key] = value;
            }
            "title" => {
                text(&key, &value)?;
                parameters[key] = value;
            }
            "required" if value.is_array() => parameters[key] = value,
            "required" => return Err("value for schema key \"required\" must be a YAML list".to_owned()),
            "parallel" => {
                is_parallel = value
                    .as_bool()
                    .ok_or_else(|| "value for schema key \"parallel\" must be a bool".to_owned())?;
            }
            "execution-group" => execution_group = text(&key, &value)?,
            "params" => {
                refuse_references(&value)?;
                if !value.is_object() {
                    return Err("params failed to parse as a map".to_owned());
                }
                parameters["properties"] = value;
            }
            _ => {
                refuse_references(&value)?;
                parameters[key] = value;
            }
        }
    }
    let schema = Schema::compile(&parameters)
        .map_err(|reason| format!("invalid params schema for action schema {name}: {reason}"))?;
    Ok(ActionSpec { description, is_parallel, execution_group, parameters, schema })
}

/// References within and between schemas are forbidden, so a schema never goes in a circle.
fn refuse_references(value: &Value) -> Result<(), String> {
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            if matches!(key.as_str(), "$ref" | "$schema") {
                return Err(format!("schema key {} not compatible with this version of juju", quote(key)));
            }
            refuse_references(value)
        }),
        Value::Array(items) => items.iter().try_for_each(refuse_references),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Adds what is missing, going into maps. Juju's library breaks where it is given a map for a
/// parameter whose schema has no properties, and the action is refused with what it says then.
fn insert_defaults(into: &mut Map<String, Value>, properties: &Value) -> Result<(), String> {
    let broken = |found: &Value| {
        let kind = match found {
            Value::Null => "nil",
            Value::Bool(_) => "bool",
            Value::Number(_) => "float64",
            Value::String(_) => "string",
            Value::Array(_) => "[]interface {}",
            Value::Object(_) => "map[string]interface {}",
        };
        format!(
            "schema error caused a panic: interface conversion: interface {{}} is {kind}, not map[string]interface {{}}"
        )
    };
    let properties = properties.as_object().ok_or_else(|| broken(properties))?;
    for (name, schema) in properties {
        let schema = schema.as_object().ok_or_else(|| broken(schema))?;
        let inner = schema.get("properties");
        match (into.get_mut(name), schema.get("default"), inner) {
            (Some(Value::Object(given)), _, inner) => {
                insert_defaults(given, inner.unwrap_or(&Value::Null))?;
            }
            (Some(_), _, _) | (None, None, None) => {}
            (None, Some(default), _) => {
                into.insert(name.clone(), default.clone());
            }
            (None, None, Some(inner)) => {
                let mut made = Map::new();
                insert_defaults(&mut made, inner)?;
                if !made.is_empty() {
                    into.insert(name.clone(), Value::Object(made));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BACKUP: &str = "
backup:
  description: Back up the database.
  params:
    target: {type: string, minLength: 2, pattern: '^[a-z]+$'}
    level: {type: integer, minimum: 1, maximum: 9, default: 5}
    kind: {type: string, enum: [full, part]}
    options:
      type: object
      properties:
        compress: {type: boolean, default: true}
        note: {type: string}
  required: [target]
  additionalProperties: false
  parallel: true
  execution-group: copies
";

    fn action(yaml: &str, name: &str) -> ActionSpec {
        read_actions("demo", yaml).unwrap().remove(name).unwrap()
    }

    fn prepared(given: Value) -> Result<Value, String> {
        let Value::Object(given) = given else { panic!("parameters are a map") };
        action(BACKUP, "backup").prepare(&given).map(Value::Object)
    }

    #[test]
    fn declared_actions() {
        let backup = action(BACKUP, "backup");
        assert_eq!(backup.description, "Back up the database.");
        assert_eq!((backup.is_parallel, backup.execution_group.as_str()), (true, "copies"));
        assert_eq!(backup.parameters["title"], json!("backup"));
        assert_eq!(backup.parameters["required"], json!(["target"]));
        let plain = action("snapshot:", "snapshot");
        assert_eq!(plain.description, "No description");
        assert_eq!(plain.parameters["properties"], json!({}));
        assert!(plain.prepare(&Map::from_iter([("any".to_owned(), json!(1))])).is_ok());
    }

    #[test]
    fn wrong_files() {
        let check = |yaml: &str, expected: &str| {
            assert_eq!(read_actions("demo", yaml).map(drop), Err(expected.to_owned()), "{yaml}");
        };
        check("Backup: {}", "bad action name Backup");
        check("juju-x: {}", "cannot use action name juju-x: the \"juju-\" prefix is reserved");
        check("juju: {}", "cannot use action name juju: \"juju\" is a reserved name");
        check("a: {description: 1}", "value for schema key \"description\" must be a string");
        check("a: {required: x}", "value for schema key \"required\" must be a YAML list");
        check("a: {parallel: x}", "value for schema key \"parallel\" must be a bool");
        check("a: {params: [x]}", "params failed to parse as a map");
        check("a: {params: {b: {$ref: x}}}", "schema key \"$ref\" not compatible with this version of juju");
        check(
            "a: {params: {b: {type: text}}}",
            "invalid params schema for action schema a: text is not a valid type",
        );
        assert!(read_actions("juju-controller", "juju-x: {}").is_ok());
    }

    #[test]
    fn defaults_are_added() {
        let check = |given: Value, expected: Value| assert_eq!(prepared(given), Ok(expected));
        check(json!({"target": "abc"}), json!({"target": "abc", "level": 5, "options": {"compress": true}}));
        check(
            json!({"target": "abc", "level": 1, "options": {"note": "x"}}),
            json!({"target": "abc", "level": 1, "options": {"note": "x", "compress": true}}),
        );
    }

    #[test]
    fn a_map_for_a_parameter_without_properties_is_what_juju_breaks_on() {
        let spec = action("a: {params: {b: {type: object}}}", "a");
        let Value::Object(given) = json!({"b": {"c": 1}}) else { unreachable!() };
        assert_eq!(
            spec.prepare(&given),
            Err("schema error caused a panic: interface conversion: interface {} is nil, not \
                 map[string]interface {}"
                .to_owned())
        );
    }

    #[test]
    fn wrong_parameters_are_refused_with_the_words_of_juju() {
        let check = |given: Value, expected: &str| {
            assert_eq!(prepared(given), Err(format!("validation failed: {expected}")));
        };
        check(json!({}), "(root) : \"target\" property is missing and required, given {}");
        check(
            json!({"level": 3}),
            "(root) : \"target\" property is missing and required, given {\"level\":3}",
        );
        check(json!({"target": 5}), "(root).target : must be of type string, given 5");
        check(
            json!({"target": "a"}),
            "(root).target : string length must be greater or equal to 2, given \"a\"",
        );
        check(json!({"target": "ABC"}), "(root).target : does not match pattern '^[a-z]+$', given \"ABC\"");
        check(json!({"target": "abc", "level": 10}), "(root).level : must be lower than 9, given \"10\"");
        check(json!({"target": "abc", "level": 0}), "(root).level : must be greater than 1, given \"0\"");
        check(json!({"target": "abc", "level": 1.5}), "(root).level : must be of type integer, given 1.5");
        check(
            json!({"target": "abc", "kind": "all"}),
            "(root).kind : must match one of the enum values [\"full\",\"part\"], given \"all\"",
        );
        check(
            json!({"target": "abc", "x": 1}),
            "(root) : additional property \"x\" is not allowed, given {\"target\":\"abc\",\"x\":1}",
        );
        check(
            json!({"target": "abc", "options": {"compress": "yes"}}),
            "(root).options.compress : must be of type boolean, given \"yes\"",
        );
        check(
            json!({"target": "A", "level": null}),
            "(root).level : must be of type integer, given null; (root).target : string length must be greater \
             or equal to 2, given \"A\"; (root).target : does not match pattern '^[a-z]+$', given \"A\"",
        );
    }

    #[test]
    fn an_action_that_is_not_there() {
        assert_eq!(undefined_action("foo", "a/0"), "action \"foo\" not defined on unit \"a/0\"");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = read_actions("demo", &text);
        }

        #[test]
        fn any_parameters_are_taken_or_refused(target in "\\PC{0,5}", level in any::<i64>(), note in any::<f64>()) {
            let taken = prepared(json!({"target": target, "level": level, "options": {"compress": true}}));
            let is_fine = target.len() >= 2
                && target.bytes().all(|byte| byte.is_ascii_lowercase())
                && (1..=9).contains(&level);
            prop_assert_eq!(taken.is_ok(), is_fine);
            let refused = prepared(json!({"target": note})).is_err();
            prop_assert!(refused);
        }
    }
}
