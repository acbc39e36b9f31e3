//! JSON schema, draft 4, as Juju's library has it.
//!
//! The words of its errors are Juju's, with their oddities: a maximum that a value may reach is
//! called what it must be lower than. Formats are not looked at, and references are refused before
//! a schema comes here. Keys of maps are gone through in order, so that several errors always come
//! in the same one.

use std::fmt;

use regex::Regex;
use serde_json::{Map, Value};

use crate::view::to_json;

/// A schema that has been found good.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    types: Vec<String>,
    properties: Vec<(String, Schema)>,
    pattern_properties: Vec<(Regex, Schema)>,
    additional_properties: Additional,
    required: Vec<String>,
    min_properties: Option<usize>,
    max_properties: Option<usize>,
    dependencies: Vec<(String, Dependency)>,
    items: Items,
    additional_items: Additional,
    min_items: Option<usize>,
    max_items: Option<usize>,
    has_unique_items: bool,
    multiple_of: Option<f64>,
    minimum: Option<f64>,
    is_minimum_exclusive: bool,
    maximum: Option<f64>,
    is_maximum_exclusive: bool,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    enumeration: Vec<String>,
    one_of: Vec<Schema>,
    any_of: Vec<Schema>,
    all_of: Vec<Schema>,
    not: Option<Box<Schema>>,
}

#[derive(Debug, Clone, Default)]
enum Additional {
    #[default]
    Unsaid,
    Allowed(bool),
    Like(Box<Schema>),
}

#[derive(Debug, Clone, Default)]
enum Items {
    #[default]
    Unsaid,
    Each(Box<Schema>),
    InOrder(Vec<Schema>),
}

#[derive(Debug, Clone)]
enum Dependency {
    Keys(Vec<String>),
    Schema(Box<Schema>),
}

/// What is wrong with a value, where it is, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} : {reason}, given {given}")]
pub struct SchemaError {
    /// Where, as `(root).key.0`.
    pub place: String,
    /// What is wrong.
    pub reason: String,
    /// The value, as JSON.
    pub given: String,
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];

impl Schema {
    /// Makes a schema of what a charm declares.
    pub fn compile(declared: &Value) -> Result<Self, String> {
        let Value::Object(map) = declared else { return Err("schema must be of type object".to_owned()) };
        let keys = Keys { map };
        let mut schema = Self { types: keys.types()?, ..Self::default() };
        for key in ["title", "description"] {
            if map.get(key).is_some_and(|value| !value.is_string()) {
                return Err(format!("{key} must be of type string"));
            }
        }
        if let Some(properties) = map.get("properties") {
            let properties = properties.as_object().ok_or("properties must be of type object".to_owned())?;
            for (name, declared) in properties {
                schema.properties.push((name.clone(), Self::compile(declared)?));
            }
        }
        schema.additional_properties = keys.additional("additionalProperties")?;
        if let Some(patterns) = map.get("patternProperties") {
            let patterns =
                patterns.as_object().ok_or("patternProperties must be of type schema".to_owned())?;
            for (pattern, declared) in patterns {
                let regex = Regex::new(pattern).map_err(|_| format!("Invalid regex pattern '{pattern}'"))?;
                schema.pattern_properties.push((regex, Self::compile(declared)?));
            }
        }
        schema.dependencies = keys.dependencies()?;
        schema.items = keys.items()?;
        schema.additional_items = keys.additional("additionalItems")?;
        keys.numbers(&mut schema)?;
        (schema.min_length, schema.max_length) = keys.range("minLength", "maxLength")?;
        if let Some(pattern) = map.get("pattern") {
            let pattern = pattern.as_str().ok_or("pattern must be of a string".to_owned())?;
            schema.pattern =
                Some(Regex::new(pattern).map_err(|_| "pattern must be a valid regex".to_owned())?);
        }
        (schema.min_properties, schema.max_properties) = keys.range("minProperties", "maxProperties")?;
        schema.required = keys.required()?;
        schema.min_items = keys.count("minItems")?;
        schema.max_items = keys.count("maxItems")?;
        schema.has_unique_items = keys.truth("uniqueItems", "boolean")?.unwrap_or(false);
        for value in keys.array("enum")? {
            let text = json(value);
            if schema.enumeration.contains(&text) {
                return Err("enum items must be unique".to_owned());
            }
            schema.enumeration.push(text);
        }
        schema.one_of = keys.schemas("oneOf")?;
        schema.any_of = keys.schemas("anyOf")?;
        schema.all_of = keys.schemas("allOf")?;
        if let Some(declared) = map.get("not") {
            if !declared.is_object() {
                return Err("not must be of an object".to_owned());
            }
            schema.not = Some(Box::new(Self::compile(declared)?));
        }
        Ok(schema)
    }

    /// Checks a value, and says all that is wrong with it.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<SchemaError>> {
        let mut findings = Findings::default();
        self.look_at(value, "(root)", &mut findings);
        if findings.errors.is_empty() { Ok(()) } else { Err(findings.errors) }
    }

    fn look_apart(&self, value: &Value, place: &str) -> Findings {
        let mut findings = Findings::default();
        self.look_at(value, place, &mut findings);
        findings
    }

    fn look_at(&self, value: &Value, place: &str, findings: &mut Findings) {
        if !self.types.is_empty() && !self.types.iter().any(|kind| is_of_type(value, kind)) {
            let kinds = if let [only] = self.types.as_slice() {
                only.clone()
            } else {
                format!("[{}]", self.types.join(","))
            };
            // A wrong type ends the look at this value, without the point for having looked.
            findings.add(place, format!("must be of type {kinds}"), json(value));
            return;
        }
        self.look_at_combinations(value, place, findings);
        match value {
            Value::Array(items) => {
                self.look_at_items(value, items, place, findings);
                self.look_at_enumeration(value, place, findings);
            }
            Value::Object(map) => {
                self.look_at_map(value, map, place, findings);
                self.look_at_enumeration(value, place, findings);
                for (name, schema) in &self.properties {
                    if let Some(inner) = map.get(name) {
                        schema.look_at(inner, &format!("{place}.{name}"), findings);
                    }
                }
            }
            Value::Number(number) => {
                self.look_at_number(number.as_f64().unwrap_or(f64::NAN), place, findings);
                self.look_at_enumeration(value, place, findings);
            }
            Value::String(text) => {
                self.look_at_enumeration(value, place, findings);
                self.look_at_text(value, text, place, findings);
            }
            Value::Null | Value::Bool(_) => self.look_at_enumeration(value, place, findings),
        }
        findings.score += 1;
    }

    fn look_at_combinations(&self, value: &Value, place: &str, findings: &mut Findings) {
        if !self.any_of.is_empty() {
            let looks: Vec<Findings> =
                self.any_of.iter().map(|schema| schema.look_apart(value, place)).collect();
            if looks.iter().all(|look| !look.errors.is_empty()) {
                findings.add(place, "must validate at least one schema (anyOf)", json(value));
                findings.merge(best(looks));
            }
        }
        if !self.one_of.is_empty() {
            let looks: Vec<Findings> =
                self.one_of.iter().map(|schema| schema.look_apart(value, place)).collect();
            let fine_count = looks.iter().filter(|look| look.errors.is_empty()).count();
            if fine_count != 1 {
                findings.add(place, "must validate one and only one schema (oneOf)", json(value));
                if fine_count == 0 {
                    findings.merge(best(looks));
                }
            }
        }
        let mut is_any_wrong = false;
        for schema in &self.all_of {
            let look = schema.look_apart(value, place);
            is_any_wrong |= !look.errors.is_empty();
            findings.merge(look);
        }
        if is_any_wrong {
            findings.add(place, "must validate all the schemas (allOf)", json(value));
        }
        if self.not.as_ref().is_some_and(|schema| schema.look_apart(value, place).errors.is_empty()) {
            findings.add(place, "must not validate the schema (not)", json(value));
        }
        if let Value::Object(map) = value {
            for (_, dependency) in self.dependencies.iter().filter(|(key, _)| map.contains_key(key)) {
                match dependency {
                    Dependency::Keys(keys) => {
                        for missing in keys.iter().filter(|other| !map.contains_key(*other)) {
                            findings.add(place, format!("has a dependency on {missing}"), json(value));
                        }
                    }
                    Dependency::Schema(schema) => schema.look_at(value, place, findings),
                }
            }
        }
        findings.score += 1;
    }

    fn look_at_enumeration(&self, value: &Value, place: &str, findings: &mut Findings) {
        let given = json(value);
        if !self.enumeration.is_empty() && !self.enumeration.contains(&given) {
            let values = self.enumeration.join(",");
            findings.add(place, format!("must match one of the enum values [{values}]"), given);
        }
        findings.score += 1;
    }

    fn look_at_items(&self, value: &Value, items: &[Value], place: &str, findings: &mut Findings) {
        match &self.items {
            Items::Each(schema) => {
                for (index, item) in items.iter().enumerate() {
                    findings.merge(schema.look_apart(item, &format!("{place}.{index}")));
                }
            }
            // Lists that are shorter than what is declared are not looked into.
            Items::InOrder(schemas) if items.len() == schemas.len() => {
                for (index, (schema, item)) in schemas.iter().zip(items).enumerate() {
                    findings.merge(schema.look_apart(item, &format!("{place}.{index}")));
                }
            }
            Items::InOrder(schemas) if items.len() > schemas.len() => match &self.additional_items {
                Additional::Unsaid | Additional::Allowed(true) => {}
                Additional::Allowed(false) => {
                    findings.add(place, "no additional item allowed on array", json(value));
                }
                Additional::Like(schema) => {
                    for (index, item) in items.iter().enumerate().skip(schemas.len()) {
                        findings.merge(schema.look_apart(item, &format!("{place}.{index}")));
                    }
                }
            },
            Items::Unsaid | Items::InOrder(_) => {}
        }
        if let Some(least) = self.min_items.filter(|least| items.len() < *least) {
            findings.add(place, format!("array must have at least {least} items"), json(value));
        }
        if let Some(most) = self.max_items.filter(|most| items.len() > *most) {
            findings.add(place, format!("array must have at the most {most} items"), json(value));
        }
        if self.has_unique_items {
            let mut seen: Vec<String> = Vec::new();
            for item in items.iter().map(json) {
                if seen.contains(&item) {
                    findings.add(place, "array items must be unique", json(value));
                }
                seen.push(item);
            }
        }
        findings.score += 1;
    }

    fn look_at_map(&self, value: &Value, map: &Map<String, Value>, place: &str, findings: &mut Findings) {
        if let Some(least) = self.min_properties.filter(|least| map.len() < *least) {
            findings.add(place, format!("must have at least {least} properties"), json(value));
        }
        if let Some(most) = self.max_properties.filter(|most| map.len() > *most) {
            findings.add(place, format!("must have at the most {most} properties"), json(value));
        }
        for name in &self.required {
            if map.contains_key(name) {
                findings.score += 1;
            } else {
                let reason = format!("\"{name}\" property is missing and required");
                findings.add(place, reason, json(value));
            }
        }
        for (key, inner) in map {
            let is_declared = self.properties.iter().any(|(name, _)| name == key);
            let (has_pattern, is_matched) = self.look_at_patterns(key, inner, place, findings);
            let is_left_over = if is_declared { has_pattern && !is_matched } else { !is_matched };
            match &self.additional_properties {
                Additional::Unsaid if has_pattern && !is_matched => {
                    let patterns = self.patterns();
                    let reason = format!("property \"{key}\" does not match pattern {patterns}");
                    findings.add(place, reason, json(value));
                }
                Additional::Allowed(false) if is_left_over => {
                    let reason = format!("additional property \"{key}\" is not allowed");
                    findings.add(place, reason, json(value));
                }
                Additional::Like(schema) if is_left_over => {
                    findings.merge(schema.look_apart(inner, place));
                }
                Additional::Unsaid | Additional::Allowed(_) | Additional::Like(_) => {}
            }
        }
        findings.score += 1;
    }

    /// Whether a pattern fits the key, and whether the value is what such a key must have.
    fn look_at_patterns(
        &self,
        key: &str,
        value: &Value,
        place: &str,
        findings: &mut Findings,
    ) -> (bool, bool) {
        // Where all additional properties are allowed, patterns are not even looked at.
        if matches!(self.additional_properties, Additional::Allowed(true)) {
            return (false, false);
        }
        let mut has_pattern = false;
        let mut is_matched = false;
        for (_, schema) in self.pattern_properties.iter().filter(|(pattern, _)| pattern.is_match(key)) {
            has_pattern = true;
            let look = schema.look_apart(value, &format!("{place}.{key}"));
            is_matched |= look.errors.is_empty();
            findings.merge(look);
        }
        if is_matched {
            findings.score += 1;
        }
        (has_pattern, is_matched)
    }

    fn patterns(&self) -> String {
        let quoted: Vec<String> =
            self.pattern_properties.iter().map(|(pattern, _)| format!("\"{pattern}\"")).collect();
        if let [only] = quoted.as_slice() { only.clone() } else { format!("[{}]", quoted.join(",")) }
    }

    fn look_at_number(&self, value: f64, place: &str, findings: &mut Findings) {
        // The library gives such a number as a text, and so it is quoted.
        let given = || json(&Value::String(number(value)));
        if let Some(unit) = self.multiple_of.filter(|unit| !is_whole(value / unit)) {
            findings.add(place, format!("must be a multiple of {}", number(unit)), given());
        }
        if let Some(most) = self.maximum {
            if self.is_maximum_exclusive && value >= most {
                findings.add(place, format!("must be lower than or equal to {}", number(most)), given());
            } else if !self.is_maximum_exclusive && value > most {
                findings.add(place, format!("must be lower than {}", number(most)), given());
            }
        }
        if let Some(least) = self.minimum {
            if self.is_minimum_exclusive && value <= least {
                findings.add(place, format!("must be greater than or equal to {}", number(least)), given());
            } else if !self.is_minimum_exclusive && value < least {
                findings.add(place, format!("must be greater than {}", number(least)), given());
            }
        }
        findings.score += 1;
    }

    fn look_at_text(&self, value: &Value, text: &str, place: &str, findings: &mut Findings) {
        let length = text.chars().count();
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            let reason = format!("string length must be greater or equal to {least}");
            findings.add(place, reason, json(value));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            let reason = format!("string length must be lower or equal to {most}");
            findings.add(place, reason, json(value));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            findings.add(place, format!("does not match pattern '{pattern}'"), json(value));
        }
        findings.score += 1;
    }
}

/// What a look at a value has found, and how much of the value was fine: of several schemas that
/// a value does not fit, the one that it fits best says why.
#[derive(Default)]
struct Findings {
    errors: Vec<SchemaError>,
    score: i64,
}

impl Findings {
    fn add(&mut self, place: &str, reason: impl fmt::Display, given: String) {
        self.errors.push(SchemaError { place: place.to_owned(), reason: reason.to_string(), given });
        self.score -= 2;
    }

    fn merge(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.score += other.score;
    }
}

/// The first of those with the highest score.
fn best(looks: Vec<Findings>) -> Findings {
    looks
        .into_iter()
        .reduce(|best, look| if look.score > best.score { look } else { best })
        .unwrap_or_default()
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(number) => {
            kind == "number" || (kind == "integer" && number.as_f64().is_some_and(is_whole))
        }
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}

/// Numbers that are held exactly, as JavaScript counts them.
fn is_whole(value: f64) -> bool {
    value.is_finite() && value.abs() <= 9_007_199_254_740_991.0 && value.fract() == 0.0
}

/// A number in the fewest letters.
fn number(value: f64) -> String {
    if is_whole(value) { format!("{}", value as i64) } else { format!("{value}") }
}

/// A value as Go prints it: keys sorted, and a whole number without a point.
fn json(value: &Value) -> String {
    to_json(&as_go_has_it(value)).trim_end().to_owned()
}

/// Go holds every number of a document as one with a point, and prints whole ones without.
fn as_go_has_it(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if is_whole(float) => Value::Number((float as i64).into()),
            Some(_) | None => value.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(as_go_has_it).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), as_go_has_it(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// Reads what is declared, with the library's words for what is declared wrongly.
struct Keys<'a> {
    map: &'a Map<String, Value>,
}

impl Keys<'_> {
    fn types(&self) -> Result<Vec<String>, String> {
        let wrong = || "type must be of type string/array of strings".to_owned();
        match self.map.get("type") {
            None => Ok(Vec::new()),
            Some(Value::String(kind)) if TYPES.contains(&kind.as_str()) => Ok(vec![kind.clone()]),
            Some(Value::String(kind)) => Err(format!("{kind} is not a valid type")),
            Some(Value::Array(kinds)) => {
                let kinds: Option<Vec<&str>> = kinds.iter().map(Value::as_str).collect();
                // Of a list, what is no type is passed over.
                let known = kinds.ok_or_else(wrong)?.into_iter().filter(|kind| TYPES.contains(kind));
                Ok(known.map(str::to_owned).collect())
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(wrong()),
        }
    }

    fn additional(&self, key: &str) -> Result<Additional, String> {
        match self.map.get(key) {
            None => Ok(Additional::Unsaid),
            Some(Value::Bool(is_allowed)) => Ok(Additional::Allowed(*is_allowed)),
            Some(declared @ Value::Object(_)) => Ok(Additional::Like(Box::new(Schema::compile(declared)?))),
            Some(Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                Err(format!("{key} must be of type boolean/schema"))
            }
        }
    }

    fn dependencies(&self) -> Result<Vec<(String, Dependency)>, String> {
        let Some(declared) = self.map.get("dependencies") else { return Ok(Vec::new()) };
        let declared = declared.as_object().ok_or("dependencies must be of type object".to_owned())?;
        let wrong = || "dependency must be of type schema or array of strings".to_owned();
        let mut dependencies = Vec::new();
        for (key, value) in declared {
            let dependency = match value {
                Value::Array(keys) => {
                    let keys: Option<Vec<String>> =
                        keys.iter().map(|key| key.as_str().map(str::to_owned)).collect();
                    Dependency::Keys(keys.ok_or_else(wrong)?)
                }
                Value::Object(_) => Dependency::Schema(Box::new(Schema::compile(value)?)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(wrong()),
            };
            dependencies.push((key.clone(), dependency));
        }
        Ok(dependencies)
    }

    fn items(&self) -> Result<Items, String> {
        let wrong = || "items must be of type schema/array of schemas".to_owned();
        match self.map.get("items") {
            None => Ok(Items::Unsaid),
            Some(declared @ Value::Object(_)) => Ok(Items::Each(Box::new(Schema::compile(declared)?))),
            Some(Value::Array(declared)) => {
                if !declared.iter().all(Value::is_object) {
                    return Err(wrong());
                }
                declared.iter().map(Schema::compile).collect::<Result<_, _>>().map(Items::InOrder)
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Err(wrong()),
        }
    }

    fn numbers(&self, schema: &mut Schema) -> Result<(), String> {
        schema.multiple_of = self.number("multipleOf")?;
        if schema.multiple_of.is_some_and(|unit| unit <= 0.0) {
            return Err("multipleOf must be strictly greater than 0".to_owned());
        }
        schema.minimum = self.number("minimum")?;
        schema.is_minimum_exclusive = self.exclusive("exclusiveMinimum", "minimum", "boolean")?;
        schema.maximum = self.number("maximum")?;
        schema.is_maximum_exclusive = self.exclusive("exclusiveMaximum", "maximum", "number")?;
        if let (Some(least), Some(most)) = (schema.minimum, schema.maximum)
            && least > most
        {
            return Err("minimum cannot be greater than maximum".to_owned());
        }
        Ok(())
    }

    fn number(&self, key: &str) -> Result<Option<f64>, String> {
        let value = self.map.get(key);
        value.map(|value| value.as_f64().ok_or_else(|| format!("{key} must be of a number"))).transpose()
    }

    fn exclusive(&self, key: &str, limit: &str, kind: &str) -> Result<bool, String> {
        let is_exclusive = self.truth(key, kind)?;
        if is_exclusive.is_some() && !self.map.contains_key(limit) {
            return Err(format!("{key} cannot be used without {limit}"));
        }
        Ok(is_exclusive.unwrap_or(false))
    }

    fn truth(&self, key: &str, kind: &str) -> Result<Option<bool>, String> {
        let value = self.map.get(key);
        value.map(|value| value.as_bool().ok_or_else(|| format!("{key} must be of a {kind}"))).transpose()
    }

    fn count(&self, key: &str) -> Result<Option<usize>, String> {
        let Some(value) = self.map.get(key) else { return Ok(None) };
        let number = value.as_f64().filter(|number| is_whole(*number));
        let number = number.ok_or_else(|| format!("{key} must be of an integer"))?;
        if number < 0.0 {
            return Err(format!("{key} must be greater than or equal to 0"));
        }
        Ok(Some(number as usize))
    }

    fn range(&self, least: &str, most: &str) -> Result<(Option<usize>, Option<usize>), String> {
        let range = (self.count(least)?, self.count(most)?);
        if let (Some(least_count), Some(most_count)) = range
            && least_count > most_count
        {
            return Err(format!("{least} cannot be greater than {most}"));
        }
        Ok(range)
    }

    fn array(&self, key: &str) -> Result<&[Value], String> {
        let Some(value) = self.map.get(key) else { return Ok(&[]) };
        let items = value.as_array().ok_or_else(|| format!("{key} must be of an array"))?;
        Ok(items)
    }

    fn schemas(&self, key: &str) -> Result<Vec<Schema>, String> {
        self.array(key)?.iter().map(Schema::compile).collect()
    }

    fn required(&self) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = Vec::new();
        for value in self.array("required")? {
            let name = value.as_str().ok_or("required items must be string".to_owned())?;
            if names.iter().any(|other| other == name) {
                return Err("required items must be unique".to_owned());
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn errors(schema: &Value, value: &Value) -> String {
        let schema = Schema::compile(schema).unwrap();
        let errors = schema.validate(value).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn values_that_do_not_fit() {
        let check = |schema: Value, value: Value, expected: &str| {
            assert_eq!(errors(&schema, &value), expected, "{schema} {value}");
        };
        check(
            json!({"type": ["integer", "null"]}),
            json!("a"),
            "(root) : must be of type [integer,null], given \"a\"",
        );
        check(json!({"type": "integer"}), json!(2.0), "");
        check(json!({"type": "number"}), json!(2), "");
        check(json!({"multipleOf": 0.5}), json!(1.25), "(root) : must be a multiple of 0.5, given \"1.25\"");
        check(
            json!({"maximum": 5, "exclusiveMaximum": true}),
            json!(5),
            "(root) : must be lower than or equal to 5, given \"5\"",
        );
        check(
            json!({"minimum": 5, "exclusiveMinimum": true}),
            json!(5),
            "(root) : must be greater than or equal to 5, given \"5\"",
        );
        check(
            json!({"maxLength": 1}),
            json!("äb"),
            "(root) : string length must be lower or equal to 1, given \"äb\"",
        );
        check(
            json!({"pattern": "^<"}),
            json!("a<&>"),
            "(root) : does not match pattern '^<', given \"a\\u003c\\u0026\\u003e\"",
        );
        check(
            json!({"items": {"type": "string"}, "maxItems": 1, "uniqueItems": true}),
            json!([1, 1]),
            "(root).0 : must be of type string, given 1; (root).1 : must be of type string, given 1; \
             (root) : array must have at the most 1 items, given [1,1]; (root) : array items must be unique, given [1,1]",
        );
        check(json!({"minItems": 1}), json!([]), "(root) : array must have at least 1 items, given []");
        check(
            json!({"items": [{"type": "string"}], "additionalItems": false}),
            json!(["a", 1]),
            "(root) : no additional item allowed on array, given [\"a\",1]",
        );
        check(
            json!({"items": [{}], "additionalItems": {"type": "null"}}),
            json!(["a", 1]),
            "(root).1 : must be of type null, given 1",
        );
        check(json!({"minProperties": 1}), json!({}), "(root) : must have at least 1 properties, given {}");
        check(
            json!({"maxProperties": 0}),
            json!({"a": 1}),
            "(root) : must have at the most 0 properties, given {\"a\":1}",
        );
        check(
            json!({"dependencies": {"a": ["b"]}}),
            json!({"a": 1}),
            "(root) : has a dependency on b, given {\"a\":1}",
        );
        check(
            json!({"dependencies": {"a": {"required": ["c"]}}}),
            json!({"a": 1}),
            "(root) : \"c\" property is missing and required, given {\"a\":1}",
        );
        check(
            json!({"additionalProperties": {"type": "string"}, "properties": {"a": {}}}),
            json!({"a": 1, "b": 2}),
            "(root) : must be of type string, given 2",
        );
        check(
            json!({"patternProperties": {"^x": {"type": "string"}}}),
            json!({"x1": 1}),
            "(root).x1 : must be of type string, given 1; \
             (root) : property \"x1\" does not match pattern \"^x\", given {\"x1\":1}",
        );
        check(
            json!({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 5}]}),
            json!(3),
            "(root) : must validate at least one schema (anyOf), given 3; \
             (root) : must be greater than 5, given \"3\"",
        );
        check(
            json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}),
            json!(3),
            "(root) : must validate one and only one schema (oneOf), given 3",
        );
        check(
            json!({"allOf": [{"type": "integer"}, {"minimum": 5}]}),
            json!(3),
            "(root) : must be greater than 5, given \"3\"; \
             (root) : must validate all the schemas (allOf), given 3",
        );
        check(
            json!({"not": {"type": "null"}}),
            json!(null),
            "(root) : must not validate the schema (not), given null",
        );
        check(
            json!({"enum": [1, "a", null]}),
            json!(2),
            "(root) : must match one of the enum values [1,\"a\",null], given 2",
        );
        check(json!({"enum": [1]}), json!(1.0), "");
    }

    #[test]
    fn schemas_that_are_none() {
        let check = |schema: Value, expected: &str| {
            assert_eq!(Schema::compile(&schema).map(drop), Err(expected.to_owned()), "{schema}");
        };
        check(json!("x"), "schema must be of type object");
        check(json!({"type": "text"}), "text is not a valid type");
        check(json!({"type": 5}), "type must be of type string/array of strings");
        check(json!({"title": 5}), "title must be of type string");
        check(json!({"properties": []}), "properties must be of type object");
        check(json!({"properties": {"a": "string"}}), "schema must be of type object");
        check(json!({"additionalProperties": 1}), "additionalProperties must be of type boolean/schema");
        check(json!({"patternProperties": {"(": {}}}), "Invalid regex pattern '('");
        check(json!({"items": 1}), "items must be of type schema/array of schemas");
        check(json!({"dependencies": {"a": 1}}), "dependency must be of type schema or array of strings");
        check(json!({"minimum": "1"}), "minimum must be of a number");
        check(json!({"minimum": 2, "maximum": 1}), "minimum cannot be greater than maximum");
        check(json!({"exclusiveMinimum": true}), "exclusiveMinimum cannot be used without minimum");
        check(json!({"multipleOf": 0}), "multipleOf must be strictly greater than 0");
        check(json!({"minLength": 1.5}), "minLength must be of an integer");
        check(json!({"maxItems": -1}), "maxItems must be greater than or equal to 0");
        check(json!({"minLength": 2, "maxLength": 1}), "minLength cannot be greater than maxLength");
        check(json!({"pattern": "("}), "pattern must be a valid regex");
        check(json!({"required": "a"}), "required must be of an array");
        check(json!({"required": [1]}), "required items must be string");
        check(json!({"required": ["a", "a"]}), "required items must be unique");
        check(json!({"enum": [1, 1.0]}), "enum items must be unique");
        check(json!({"not": 1}), "not must be of an object");
    }

    proptest! {
        #[test]
        fn any_value_fits_a_schema_that_asks_for_nothing(text in "\\PC*", number in any::<f64>()) {
            prop_assert_eq!(errors(&json!({}), &json!({"a": text, "b": [number]})), "");
        }

        #[test]
        fn limits_are_kept(value in -20_i64..20, least in -10_i64..10, width in 0_i64..10) {
            let schema = json!({"minimum": least, "maximum": least + width});
            let is_fine = (least..=least + width).contains(&value);
            prop_assert_eq!(errors(&schema, &json!(value)).is_empty(), is_fine);
        }
    }
}
