//! What `juju config` and `juju model-config` show.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::document::{only_json, only_yaml, to_yaml};
use super::table::Table;

/// The configuration of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApplicationConfigView {
    /// The name of the application.
    pub application: String,
    /// What Juju itself knows of it: `trust`, on Kubernetes also how it is reached.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub application_config: BTreeMap<String, SettingView>,
    /// The charm's name.
    pub charm: String,
    /// The charm's options.
    pub settings: BTreeMap<String, SettingView>,
}

/// An option and its value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SettingView {
    /// What it is without being set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it is for.
    pub description: String,
    /// `default`, `user` or `unset`.
    pub source: String,
    /// `string`, `int`, `float`, `boolean` or `secret`; `bool` for Juju's own.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// Writes `juju config APPLICATION KEY`: the value alone, or an empty line for none.
pub fn write_value(setting: &SettingView) -> String {
    let text = match &setting.value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            other.to_string()
        }
    };
    format!("{text}\n")
}

/// The configuration of a model, by key.
pub type ModelConfigView = BTreeMap<String, ModelSettingView>;

/// A setting of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettingView {
    /// What it is.
    pub value: Value,
    /// `default`, `controller` or `model`.
    pub source: String,
}

impl Serialize for ModelSettingView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// JSON writes the names with capitals.
        #[derive(Serialize)]
        struct Printed<'a> {
            #[serde(rename = "Value", serialize_with = "only_json")]
            value_in_json: &'a Value,
            #[serde(rename = "Source", serialize_with = "only_json")]
            source_in_json: &'a str,
            #[serde(rename = "value", serialize_with = "only_yaml")]
            value_in_yaml: &'a Value,
            #[serde(rename = "source", serialize_with = "only_yaml")]
            source_in_yaml: &'a str,
        }
        let printed = Printed {
            value_in_json: &self.value,
            source_in_json: &self.source,
            value_in_yaml: &self.value,
            source_in_yaml: &self.source,
        };
        printed.serialize(serializer)
    }
}

/// Writes `juju model-config`.
pub fn write_model_config(config: &ModelConfigView) -> String {
    let mut table = Table::new(false);
    table.line(&["Attribute", "From", "Value"]);
    for (key, setting) in config {
        let is_long_text =
            key == "cloudinit-userdata" && setting.value.as_str().is_some_and(|text| !text.is_empty());
        let value = if is_long_text {
            "<value set, see juju model-config cloudinit-userdata>".to_owned()
        } else {
            to_yaml(&setting.value)
        };
        table.line(&[key, &setting.source, value.trim_end_matches('\n')]);
    }
    table.finish()
}

/// Writes `juju model-config KEY`: the value alone, and nothing for an empty one.
pub fn write_model_value(setting: &ModelSettingView) -> String {
    match &setting.value {
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("{text}\n"),
        Value::Bool(true) => "True\n".to_owned(),
        Value::Bool(false) => "False\n".to_owned(),
        other @ (Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) => to_yaml(other),
    }
}
