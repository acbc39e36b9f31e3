//! Prints any structure as Juju prints it: JSON as Go's `encoding/json`, YAML as its yaml.v2.
//!
//! The fields of a structure keep their order. The entries of a map are sorted: in JSON by
//! their bytes, in YAML as people count (`a/2` before `a/10`). Where Go prints the two formats
//! from different fields, a structure says so with [`only_json`], [`only_yaml`] or
//! [`unless_empty_in_yaml`].

use std::fmt;

use charmproof_agent::tools::{self, Data};
use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{self, Serializer};

use super::{order, time as times};

/// Prints a value as one line of JSON, its end included.
///
/// # Panics
///
/// If an implementation of [`Serialize`] fails by itself; derived ones do not.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    tools::to_json(&data(value, Format::Json))
}

/// Prints a value as YAML, a line per value.
///
/// # Panics
///
/// If an implementation of [`Serialize`] fails by itself; derived ones do not.
pub fn to_yaml<T: Serialize + ?Sized>(value: &T) -> String {
    let text = tools::to_yaml(&data(value, Format::Yaml));
    // Juju ends a document with one line end, also behind a text that has several.
    let body = text.trim_end_matches('\n');
    if body.is_empty() { String::new() } else { format!("{body}\n") }
}

/// A value as JSON has it.
pub(super) fn json_data<T: Serialize + ?Sized>(value: &T) -> Data {
    data(value, Format::Json)
}

fn data<T: Serialize + ?Sized>(value: &T, format: Format) -> Data {
    value
        .serialize(Printer { format })
        .expect("what is printed has only fields that can be printed")
        .unwrap_or(Data::Null)
}

/// For `#[serde(serialize_with)]`: the field is in JSON alone.
pub(super) fn only_json<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(ONLY_JSON, value)
}

/// For `#[serde(serialize_with)]`: the field is in YAML alone.
pub(super) fn only_yaml<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(ONLY_YAML, value)
}

/// For `#[serde(serialize_with)]`: YAML leaves the field out if nothing is in it, and JSON,
/// which knows no empty structure, writes `{}`.
pub(super) fn unless_empty_in_yaml<T: Serialize, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(UNLESS_EMPTY_IN_YAML, value)
}

/// For `#[serde(serialize_with)]`: a time, which YAML writes without quotes.
pub(super) fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(PLAIN, &times::rfc3339(*at))
}

/// As [`time`], for one that may be missing.
#[expect(clippy::ref_option, reason = "serde hands over references")]
pub(super) fn optional_time<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => time(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// For `#[serde(serialize_with)]`: texts that YAML writes in one line, in brackets.
pub(super) fn in_one_line<S: Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(IN_ONE_LINE, texts)
}

/// Writes texts as a list of YAML in one line. What means something there is quoted.
fn one_line(texts: &[Data]) -> String {
    let items = texts.iter().map(|item| {
        let text = tools::to_yaml(item);
        let text = text.trim_end();
        if text.contains([':', ',', '[', ']', '{', '}', '?']) && !text.starts_with(['\'', '"']) {
            format!("'{}'", text.replace('\'', "''"))
        } else {
            text.to_owned()
        }
    });
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// For implementations of [`Serialize`]: another value in each format.
pub(super) fn either<S: Serializer>(
    serializer: S,
    in_json: &impl Serialize,
    in_yaml: &impl Serialize,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(EITHER, &(in_json, in_yaml))
}

/// A map that keeps its order.
pub(super) struct InOrder<'a, T>(pub(super) &'a [(String, T)]);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(IN_ORDER, self.0)
    }
}

/// The name of a field whose entries stand among the other fields.
const INLINED: &str = "$inlined";
const IN_ORDER: &str = "$in-order";
const EITHER: &str = "$either";
const PLAIN: &str = "$plain";
const IN_ONE_LINE: &str = "$in-one-line";
const ONLY_JSON: &str = "$only-json";
const ONLY_YAML: &str = "$only-yaml";
const UNLESS_EMPTY_IN_YAML: &str = "$unless-empty-in-yaml";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
}

/// Why a value cannot be printed: what its own implementation says.
#[derive(Debug)]
struct Unprintable(String);

impl fmt::Display for Unprintable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Unprintable {}

impl ser::Error for Unprintable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A value, or nothing where the field is not in this format.
type Printed = Result<Option<Data>, Unprintable>;

#[derive(Clone, Copy)]
struct Printer {
    format: Format,
}

impl Printer {
    fn value<T: Serialize + ?Sized>(self, value: &T) -> Result<Data, Unprintable> {
        Ok(value.serialize(self)?.unwrap_or(Data::Null))
    }

    fn entries(self) -> Entries {
        Entries { printer: self, fields: Vec::new(), variant: None, key: None }
    }

    fn items(self, length: Option<usize>) -> Items {
        Items { printer: self, values: Vec::with_capacity(length.unwrap_or_default()), variant: None }
    }
}

fn whole<T: TryInto<i64> + Copy + fmt::Display>(number: T) -> Data {
    // No count that Juju prints is beyond what JSON's readers take.
    number.try_into().map_or_else(|_| Data::Text(number.to_string()), Data::Int)
}

impl Serializer for Printer {
    type Ok = Option<Data>;
    type Error = Unprintable;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, value: bool) -> Printed {
        Ok(Some(Data::Bool(value)))
    }

    fn serialize_i8(self, value: i8) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_i16(self, value: i16) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_i32(self, value: i32) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_i64(self, value: i64) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_u8(self, value: u8) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_u16(self, value: u16) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_u32(self, value: u32) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_u64(self, value: u64) -> Printed {
        Ok(Some(whole(value)))
    }

    fn serialize_f32(self, value: f32) -> Printed {
        Ok(Some(Data::Float(f64::from(value))))
    }

    fn serialize_f64(self, value: f64) -> Printed {
        Ok(Some(Data::Float(value)))
    }

    fn serialize_char(self, value: char) -> Printed {
        Ok(Some(Data::Text(value.to_string())))
    }

    fn serialize_str(self, value: &str) -> Printed {
        Ok(Some(Data::Text(value.to_owned())))
    }

    fn serialize_bytes(self, value: &[u8]) -> Printed {
        Ok(Some(Data::Text(String::from_utf8_lossy(value).into_owned())))
    }

    fn serialize_none(self) -> Printed {
        Ok(Some(Data::Null))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Printed {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Printed {
        Ok(Some(Data::Null))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Printed {
        Ok(Some(Data::Null))
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Printed {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Printed {
        match (name, self.format) {
            (ONLY_JSON, Format::Yaml) | (ONLY_YAML, Format::Json) => Ok(None),
            (UNLESS_EMPTY_IN_YAML, Format::Yaml) => {
                Ok(value.serialize(self)?.filter(|data| *data != Data::Map(Vec::new())))
            }
            (EITHER, format) => Ok(value.serialize(self)?.and_then(|data| match data {
                Data::List(mut values) => match format {
                    Format::Json => Some(values.swap_remove(0)),
                    Format::Yaml => values.pop(),
                },
                other => Some(other),
            })),
            (IN_ORDER, Format::Json | Format::Yaml) => Ok(value.serialize(self)?.map(in_order)),
            (PLAIN, Format::Json | Format::Yaml) => Ok(value.serialize(self)?.map(|data| match data {
                Data::Text(text) => Data::Plain(text),
                other => other,
            })),
            (IN_ONE_LINE, Format::Yaml) => Ok(value.serialize(self)?.map(|data| match data {
                Data::List(items) => Data::Plain(one_line(&items)),
                other => other,
            })),
            (_, Format::Json | Format::Yaml) => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Printed {
        Ok(Some(Data::Map(vec![(variant.to_owned(), self.value(value)?)])))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items, Unprintable> {
        Ok(self.items(length))
    }

    fn serialize_tuple(self, length: usize) -> Result<Items, Unprintable> {
        Ok(self.items(Some(length)))
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Items, Unprintable> {
        Ok(self.items(Some(length)))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items, Unprintable> {
        Ok(Items { variant: Some(variant), ..self.items(Some(length)) })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Entries, Unprintable> {
        Ok(self.entries())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Entries, Unprintable> {
        Ok(self.entries())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Entries, Unprintable> {
        Ok(Entries { variant: Some(variant), ..self.entries() })
    }
}

struct Items {
    printer: Printer,
    values: Vec<Data>,
    variant: Option<&'static str>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        self.values.push(self.printer.value(value)?);
        Ok(())
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Option<Data>;
    type Error = Unprintable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        self.push(value)
    }

    fn end(self) -> Printed {
        Ok(Some(named(self.variant, Data::List(self.values))))
    }
}

impl ser::SerializeTuple for Items {
    type Ok = Option<Data>;
    type Error = Unprintable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        self.push(value)
    }

    fn end(self) -> Printed {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleStruct for Items {
    type Ok = Option<Data>;
    type Error = Unprintable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        self.push(value)
    }

    fn end(self) -> Printed {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleVariant for Items {
    type Ok = Option<Data>;
    type Error = Unprintable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        self.push(value)
    }

    fn end(self) -> Printed {
        ser::SerializeSeq::end(self)
    }
}

struct Entries {
    printer: Printer,
    fields: Vec<(String, Data)>,
    variant: Option<&'static str>,
    key: Option<String>,
}

impl Entries {
    fn push<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Unprintable> {
        match value.serialize(self.printer)? {
            None => {}
            Some(Data::Map(entries)) if key == INLINED => self.fields.extend(entries),
            Some(data) => self.fields.push((key, data)),
        }
        Ok(())
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Option<Data>;
    type Error = Unprintable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unprintable> {
        let key = match self.printer.value(key)? {
            Data::Text(text) | Data::Plain(text) => text,
            Data::Int(number) => number.to_string(),
            Data::Null | Data::Bool(_) | Data::Float(_) | Data::List(_) | Data::Map(_) => {
                return Err(Unprintable("a key has to be a text".to_owned()));
            }
        };
        self.key = Some(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        let key = self.key.take().unwrap_or_default();
        self.push(key, value)
    }

    fn end(mut self) -> Printed {
        match self.printer.format {
            Format::Json => self.fields.sort_by(|one, other| one.0.cmp(&other.0)),
            Format::Yaml => self.fields.sort_by(|one, other| order::yaml_keys(&one.0, &other.0)),
        }
        Ok(Some(Data::Map(self.fields)))
    }
}

impl ser::SerializeStruct for Entries {
    type Ok = Option<Data>;
    type Error = Unprintable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unprintable> {
        self.push(key.to_owned(), value)
    }

    fn end(self) -> Printed {
        Ok(Some(named(self.variant, Data::Map(self.fields))))
    }
}

impl ser::SerializeStructVariant for Entries {
    type Ok = Option<Data>;
    type Error = Unprintable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unprintable> {
        self.push(key.to_owned(), value)
    }

    fn end(self) -> Printed {
        ser::SerializeStruct::end(self)
    }
}

/// A map of a list of pairs.
fn in_order(pairs: Data) -> Data {
    let entry = |pair: Data| match pair {
        Data::List(mut pair) => match (pair.pop(), pair.pop()) {
            (Some(value), Some(Data::Text(key))) => Some((key, value)),
            (_, _) => None,
        },
        _ => None,
    };
    match pairs {
        Data::List(pairs) => Data::Map(pairs.into_iter().filter_map(entry).collect()),
        other => other,
    }
}

fn named(variant: Option<&'static str>, data: Data) -> Data {
    match variant {
        None => data,
        Some(variant) => Data::Map(vec![(variant.to_owned(), data)]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    struct Example {
        second_word: &'static str,
        first_word: BTreeMap<&'static str, u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<bool>,
        #[serde(rename = "Value", serialize_with = "only_json")]
        value_in_json: bool,
        #[serde(rename = "value", serialize_with = "only_yaml")]
        value_in_yaml: bool,
        #[serde(serialize_with = "unless_empty_in_yaml")]
        empty: Empty,
    }

    #[derive(Serialize)]
    struct Empty {}

    #[test]
    fn fields_keep_their_order_and_maps_are_sorted() {
        let example = Example {
            second_word: "<&>",
            first_word: BTreeMap::from([("a/10", 1), ("a/2", 2), ("B", 3)]),
            absent: None,
            value_in_json: true,
            value_in_yaml: false,
            empty: Empty {},
        };
        assert_eq!(
            to_json(&example),
            "{\"second-word\":\"\\u003c\\u0026\\u003e\",\"first-word\":{\"B\":3,\"a/10\":1,\"a/2\":2},\
             \"Value\":true,\"empty\":{}}\n"
        );
        assert_eq!(
            to_yaml(&example),
            "second-word: <&>\nfirst-word:\n  B: 3\n  a/2: 2\n  a/10: 1\nvalue: false\n"
        );
    }

    #[test]
    fn an_empty_document_is_printed_as_such() {
        let nothing: BTreeMap<String, String> = BTreeMap::new();
        assert_eq!((to_json(&nothing).as_str(), to_yaml(&nothing).as_str()), ("{}\n", "{}\n"));
        assert_eq!((to_json(&()).as_str(), to_yaml(&()).as_str()), ("null\n", ""));
    }

    #[test]
    fn texts_end_with_one_line_end() {
        assert_eq!(to_yaml(&BTreeMap::from([("key", "one\ntwo\n")])), "key: |\n  one\n  two\n");
    }

    proptest! {
        #[test]
        fn json_is_read_as_it_was_meant(entries in prop::collection::btree_map(".{0,8}", ".{0,20}", 0..5)) {
            let read: BTreeMap<String, String> = serde_json::from_str(&to_json(&entries)).unwrap();
            prop_assert_eq!(read, entries);
        }
    }
}
