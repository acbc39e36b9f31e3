//! Configuration options.
//!
//! What Juju takes is in `ReadConfig` of juju/charm v12 `config.go`.

use super::Origin;
use super::reader::{Reader, misspelling_of, quoted, shortened};
use super::scalar;
use crate::yaml::{Entry, Node, Value};

/// The type of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptionType {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// The URI of a secret of the user (since Juju 3.3).
    Secret,
}

impl OptionType {
    /// All types.
    pub const ALL: [Self; 5] = [Self::String, Self::Int, Self::Float, Self::Boolean, Self::Secret];

    /// The word for it in a charm's files.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Secret => "secret",
        }
    }
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// Text.
    String(String),
    /// A whole number.
    Int(i64),
    /// A number, as it is written.
    Float(String),
    /// True or false.
    Boolean(bool),
    /// The URI of a secret, or nothing at all.
    Secret(String),
}

/// A configuration option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigOption {
    /// The name.
    pub name: String,
    /// The type of its value.
    pub kind: OptionType,
    /// The value that it has until the user sets another.
    pub default: Option<OptionValue>,
    /// What it is for.
    pub description: Option<String>,
    /// Where it is declared.
    pub origin: Origin,
}

const KEYS: [&str; 3] = ["type", "default", "description"];

/// Reads the options of a mapping that has `options`: config.yaml, or `config`
/// in charmcraft.yaml.
pub(super) fn read(reader: &mut Reader<'_>, config: &Node) -> Vec<ConfigOption> {
    let Some(options) = config.entry("options") else {
        if let Some(first) = config.entries().first() {
            // Juju calls this `invalid config: empty configuration`.
            let hint = "Put the options below `options:`.";
            reader.error(first.place, "the configuration has no `options`", hint);
        }
        return Vec::new();
    };
    if scalar::is_null(&options.value) {
        return Vec::new();
    }
    let options = reader.mapping(options, "`options`").map_or(&[][..], Node::entries);
    options.iter().map(|entry| option(reader, entry)).collect()
}

fn option(reader: &mut Reader<'_>, entry: &Entry) -> ConfigOption {
    let of = format!("the option {}", quoted(&entry.key));
    let mut option = ConfigOption {
        name: entry.key.clone(),
        kind: OptionType::String,
        default: None,
        description: None,
        origin: reader.origin(entry.place),
    };
    // An option without anything is one of type string.
    if scalar::is_null(&entry.value) {
        return option;
    }
    let Some(fields) = reader.mapping(entry, &of) else {
        return option;
    };
    reader.misspelt(fields, &KEYS, &of);
    if let Some(description) = fields.entry("description") {
        // Juju makes text of any scalar here.
        option.description = description.value.text().map(str::to_owned);
        if !matches!(description.value.value, Value::Scalar { .. }) {
            reader.wrong(description, &format!("`description` of {of}"), "text");
        }
    }
    let Some(kind) = kind(reader, fields, &of) else {
        return option;
    };
    option.kind = kind;
    option.default = default(reader, fields, kind, &of);
    option
}

/// The type; nothing if it is none that Juju knows.
fn kind(reader: &mut Reader<'_>, fields: &Node, of: &str) -> Option<OptionType> {
    let names = OptionType::ALL.map(OptionType::name);
    let Some(entry) = fields.entry("type").filter(|entry| !scalar::is_null(&entry.value)) else {
        // Juju takes an option without a type for one of type string.
        return Some(OptionType::String);
    };
    let Some(text) = entry.value.text() else {
        reader.wrong(entry, &format!("`type` of {of}"), "text");
        return None;
    };
    let known = OptionType::ALL.into_iter().find(|kind| kind.name() == text);
    if known.is_none() && !text.is_empty() {
        let meant = match text {
            "bool" => Some("boolean"),
            "str" | "text" => Some("string"),
            "integer" => Some("int"),
            "number" | "double" => Some("float"),
            other => misspelling_of(other, &names),
        };
        let hint = match meant {
            Some(meant) => format!("Write `type: {meant}`."),
            None => "Write `string`, `int`, `float`, `boolean` or `secret`.".to_owned(),
        };
        let text = format!("`type` of {of} is {}, which is no type of option", quoted(text));
        reader.error(entry.value.place, text, hint);
        return None;
    }
    Some(known.unwrap_or(OptionType::String))
}

fn default(reader: &mut Reader<'_>, fields: &Node, kind: OptionType, of: &str) -> Option<OptionValue> {
    let node = fields.get("default").filter(|node| !scalar::is_null(node))?;
    let value = match kind {
        OptionType::String => scalar::as_text(node).map(|text| OptionValue::String(text.to_owned())),
        OptionType::Int => scalar::as_int(node).map(OptionValue::Int),
        OptionType::Float => scalar::as_number(node).map(|text| OptionValue::Float(text.to_owned())),
        OptionType::Boolean => scalar::as_bool(node).map(OptionValue::Boolean),
        OptionType::Secret => scalar::as_text(node).map(|text| OptionValue::Secret(text.to_owned())),
    };
    let place = node.place;
    match &value {
        None => {
            let (found, name) = (scalar::in_words(node), kind.name());
            let text = format!("`default` of {of} is {found}, and its type is `{name}`");
            reader.error(place, text, hint_for_default(node, kind));
        }
        Some(OptionValue::Secret(uri)) if !is_secret_uri(uri) => {
            let text = format!("`default` of {of} is {}, which is no URI of a secret", quoted(uri));
            let hint =
                "Remove `default`: the user sets the option to a URI such as secret:9m4e2mr0ui3e8a215n4g.";
            reader.error(place, text, hint);
        }
        Some(
            OptionValue::String(_)
            | OptionValue::Int(_)
            | OptionValue::Float(_)
            | OptionValue::Boolean(_)
            | OptionValue::Secret(_),
        ) => {}
    }
    value
}

fn hint_for_default(node: &Node, kind: OptionType) -> String {
    let Some(text) = node.text() else {
        return format!("Write a value of type `{}`, or remove `default`.", kind.name());
    };
    match kind {
        OptionType::String | OptionType::Secret => {
            format!("Quote it: \"{}\".", shortened(text))
        }
        OptionType::Float if text.parse::<f64>().is_ok() => "Remove the quotes.".to_owned(),
        OptionType::Int | OptionType::Float | OptionType::Boolean => {
            format!("Write a value of type `{}`, or remove `default`.", kind.name())
        }
    }
}

/// Whether Juju takes a text for the URI of a secret. The empty text stands
/// for none.
fn is_secret_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    text.is_empty() || scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("secret"))
}
