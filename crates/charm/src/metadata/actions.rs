//! Actions and their parameters.
//!
//! What Juju takes is in `ReadActionsYaml` of juju/charm v12 `actions.go`; the
//! schemas are checked by juju/gojsonschema, which speaks draft 4.

use super::Origin;
use super::reader::{Reader, misspelling_of, quoted};
use super::scalar;
use crate::yaml::{Entry, Kind, Node, Value};

/// A type of JSON, as parameters of actions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JsonType {
    /// A list.
    Array,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Nothing.
    Null,
    /// A mapping.
    Object,
    /// Text.
    String,
}

impl JsonType {
    /// All types.
    pub const ALL: [Self; 7] =
        [Self::Array, Self::Boolean, Self::Integer, Self::Number, Self::Null, Self::Object, Self::String];

    /// The word for it in a schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Null => "null",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

/// A parameter of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The types that its value may have; any, if none is named.
    pub types: Vec<JsonType>,
    /// Whether the action cannot run without it.
    pub is_required: bool,
    /// What it is for.
    pub description: Option<String>,
    /// The value that it has if none is given.
    pub default: Option<Node>,
    /// The values that it may have; any, if none is named.
    pub allowed: Vec<Node>,
    /// Where it is declared.
    pub origin: Origin,
}

/// An action of a charm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// The names that `required` lists.
    pub required: Vec<String>,
    /// Whether it may be given parameters that are not declared. Nothing if the
    /// charm does not say: then Juju 4 refuses them, and older ones do not.
    pub additional_properties: Option<bool>,
    /// Whether it may run while another one does.
    pub parallel: bool,
    /// The group of actions that do not run at the same time.
    pub execution_group: Option<String>,
    /// Where it is declared.
    pub origin: Origin,
}

const KEYS: [&str; 9] = [
    "description",
    "params",
    "required",
    "parallel",
    "execution-group",
    "additionalProperties",
    "properties",
    "title",
    "type",
];

/// Keys of a schema whose meaning Juju cannot resolve, and refuses.
const PROHIBITED_KEYS: [&str; 2] = ["$ref", "$schema"];

/// Reads a mapping of actions: actions.yaml, or `actions` in charmcraft.yaml.
pub(super) fn read(reader: &mut Reader<'_>, actions: &[Entry]) -> Vec<Action> {
    actions.iter().map(|entry| action(reader, entry)).collect()
}

/// Whether Juju takes a name for an action: lower-case letters, digits, and
/// hyphens between them.
pub(super) fn is_action_name(name: &str) -> bool {
    let is_end =
        |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    is_end(bytes.first().copied())
        && is_end(bytes.last().copied())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

fn action(reader: &mut Reader<'_>, entry: &Entry) -> Action {
    let of = format!("the action {}", quoted(&entry.key));
    let mut action = Action {
        name: entry.key.clone(),
        description: None,
        parameters: Vec::new(),
        required: Vec::new(),
        additional_properties: None,
        parallel: false,
        execution_group: None,
        origin: reader.origin(entry.place),
    };
    if !is_action_name(&entry.key) {
        let fixed = entry.key.to_lowercase().replace(['_', ' ', '.'], "-");
        let hint = if is_action_name(&fixed) {
            format!("Call it {}.", quoted(&fixed))
        } else {
            "A name has lower-case letters, digits, and hyphens between them.".to_owned()
        };
        let text = format!("{} is no name for an action", quoted(&entry.key));
        reader.error(entry.place, text, hint);
    }
    // An action without anything is one without parameters.
    if scalar::is_null(&entry.value) {
        return action;
    }
    let Some(fields) = reader.mapping(entry, &of) else {
        return action;
    };
    reader.misspelt(fields, &KEYS, &of);
    check_schema(reader, fields, &of);
    action.description = fields.get("description").and_then(scalar::as_text).map(str::to_owned);
    action.required = texts(fields.get("required"));
    action.additional_properties = match fields.get("additionalProperties").map(Node::kind) {
        Some(Kind::Bool(allowed)) => Some(allowed),
        // A schema for them allows those that match.
        Some(Kind::Mapping) => Some(true),
        Some(Kind::Null | Kind::Int | Kind::Float | Kind::Timestamp | Kind::Text | Kind::Sequence) | None => {
            None
        }
    };
    if let Some(parallel) = fields.entry("parallel") {
        match parallel.value.kind() {
            Kind::Bool(value) => action.parallel = value,
            // Unlike elsewhere, no text stands for a boolean here.
            Kind::Null
            | Kind::Int
            | Kind::Float
            | Kind::Timestamp
            | Kind::Text
            | Kind::Sequence
            | Kind::Mapping => {
                if !is_go_boolean(&parallel.value) {
                    reader.wrong(parallel, &format!("`parallel` of {of}"), "true or false");
                }
            }
        }
    }
    action.execution_group = reader.text(fields, "execution-group", &of);
    parameters(reader, fields, &mut action, &of);
    action
}

/// `y` and `n` are booleans to Juju's YAML, and text to charmcraft's.
fn is_go_boolean(node: &Node) -> bool {
    let is_plain = matches!(node.value, Value::Scalar { plain: true, .. });
    is_plain && scalar::as_bool(node).is_some() && matches!(node.text(), Some("y" | "Y" | "n" | "N"))
}

fn parameters(reader: &mut Reader<'_>, fields: &Node, action: &mut Action, of: &str) {
    // Some charms write the schema's own `properties`, which Juju takes as well.
    let mut entries: &[Entry] = &[];
    for key in ["properties", "params"] {
        if let Some(section) = fields.entry(key)
            && let Some(properties) = reader.mapping(section, &format!("`{key}` of {of}"))
        {
            entries = properties.entries();
            check_properties(reader, entries, of);
        }
    }
    for entry in entries {
        let schema = &entry.value;
        action.parameters.push(Parameter {
            name: entry.key.clone(),
            types: texts(schema.get("type")).iter().filter_map(|name| json_type(name)).collect(),
            is_required: action.required.contains(&entry.key),
            description: schema.get("description").and_then(scalar::as_text).map(str::to_owned),
            default: schema.get("default").filter(|node| !scalar::is_null(node)).cloned(),
            allowed: schema.get("enum").map_or(&[][..], Node::items).to_vec(),
            origin: reader.origin(entry.place),
        });
    }
    for item in fields.get("required").map_or(&[][..], Node::items) {
        if let Some(name) = item.text()
            && !action.parameters.iter().any(|parameter| parameter.name == name)
        {
            let text = format!("`required` of {of} names {}, which is no parameter of it", quoted(name));
            reader.remark(item.place, text, "");
        }
    }
}

fn texts(node: Option<&Node>) -> Vec<String> {
    node.map(Node::texts).unwrap_or_default().into_iter().map(str::to_owned).collect()
}

fn json_type(name: &str) -> Option<JsonType> {
    JsonType::ALL.into_iter().find(|kind| kind.name() == name)
}

/// Checks parameters, and the properties of those that are mappings. Depth is
/// bounded by that of the file.
fn check_properties(reader: &mut Reader<'_>, properties: &[Entry], of: &str) {
    for entry in properties {
        let of = format!("{} of {of}", quoted(&entry.key));
        let Some(schema) = reader.mapping(entry, &of) else {
            continue;
        };
        check_schema(reader, schema, &of);
        if let Some(nested) = schema.entry("properties")
            && let Some(nested) = reader.mapping(nested, &format!("`properties` of {of}"))
        {
            check_properties(reader, nested.entries(), &of);
        }
    }
}

/// Checks what gojsonschema refuses most often in a schema.
fn check_schema(reader: &mut Reader<'_>, schema: &Node, of: &str) {
    for key in PROHIBITED_KEYS {
        if let Some(entry) = schema.entry(key) {
            let hint = "Write the schema out in its place.";
            reader.error(entry.place, format!("Juju refuses `{key}` in the schema of {of}"), hint);
        }
    }
    check_types(reader, schema, of);
    for key in ["title", "description"] {
        if let Some(entry) = schema.entry(key)
            && scalar::as_text(&entry.value).is_none()
        {
            reader.wrong(entry, &format!("`{key}` of {of}"), "text");
        }
    }
    check_required(reader, schema, of);
    if let Some(entry) = schema.entry("additionalProperties")
        && !matches!(entry.value.kind(), Kind::Bool(_) | Kind::Mapping)
        && !is_go_boolean(&entry.value)
    {
        reader.wrong(entry, &format!("`additionalProperties` of {of}"), "true or false");
    }
    if let Some(entry) = schema.entry("enum")
        && entry.value.kind() != Kind::Sequence
    {
        reader.wrong(entry, &format!("`enum` of {of}"), "a list");
    }
    if let Some(items) = schema.get("items") {
        for item in std::iter::once(items).chain(items.items()).filter(|node| node.kind() == Kind::Mapping) {
            check_schema(reader, item, &format!("the items of {of}"));
        }
    }
}

fn check_types(reader: &mut Reader<'_>, schema: &Node, of: &str) {
    let Some(entry) = schema.entry("type") else {
        return;
    };
    let node = &entry.value;
    match node.kind() {
        Kind::Text => {
            let name = node.text().unwrap_or_default();
            if json_type(name).is_none() {
                let meant = match name {
                    "int" => Some("integer"),
                    "bool" => Some("boolean"),
                    "str" => Some("string"),
                    "float" | "double" => Some("number"),
                    "list" => Some("array"),
                    "dict" | "map" | "mapping" => Some("object"),
                    other => misspelling_of(other, &JsonType::ALL.map(JsonType::name)),
                };
                let hint = match meant {
                    Some(meant) => format!("Write `type: {meant}`."),
                    None => "JSON has string, integer, number, boolean, array, object and null.".to_owned(),
                };
                let text = format!("`type` of {of} is {}, which is no type of JSON", quoted(name));
                reader.error(node.place, text, hint);
            }
        }
        // Juju overlooks unknown types in a list of them, if they are text.
        Kind::Sequence => {
            for item in node.items().iter().filter(|item| scalar::as_text(item).is_none()) {
                let found = scalar::in_words(item);
                let text = format!("`type` of {of} should list names of types, not {found}");
                reader.error(item.place, text, "Quote the name: \"null\".");
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Int | Kind::Float | Kind::Timestamp | Kind::Mapping => {
            reader.wrong(entry, &format!("`type` of {of}"), "the name of a type of JSON");
        }
    }
}

fn check_required(reader: &mut Reader<'_>, schema: &Node, of: &str) {
    let Some(entry) = schema.entry("required") else {
        return;
    };
    if entry.value.kind() != Kind::Sequence {
        let found = scalar::in_words(&entry.value);
        let hint =
            "List the parameters that the action cannot run without, beside `params`: `required: [name]`.";
        reader.error(entry.value.place, format!("`required` of {of} should be a list, not {found}"), hint);
    }
    for item in entry.value.items() {
        if scalar::as_text(item).is_none() {
            let found = scalar::in_words(item);
            reader.error(item.place, format!("`required` of {of} should list names, not {found}"), "");
        }
    }
}
