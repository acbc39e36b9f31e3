//! YAML as charm tools read it: the way `PyYAML` does, with positions.
//!
//! Values keep the text they were written with, so that `version: 0.10` and
//! `channel: 22.10` are not turned into 0.1 and 22.1. What `PyYAML` would make
//! of a plain scalar is answered by [`Node::kind`]. A duplicate key is a note
//! and the last one wins; aliases and merge keys are followed within a budget.

mod resolve;

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::{Broken, Note, Place};

/// How deep a document may nest.
const DEPTH: usize = 64;
/// How many nodes a document may have once its aliases are followed.
const NODES: usize = 200_000;
/// How many notes one document is worth.
const NOTES: usize = 100;
/// The tag prefix for which `!!str` and its kin are short.
const CORE_TAG_STRING: &str = "str";

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where the value starts.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// A YAML value. Scalars keep their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A scalar: its text, and whether it was written plainly, without quotes.
    Scalar {
        /// The text, after quotes and escapes are dealt with.
        text: String,
        /// Whether it was written without quotes, so that it may be a number.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file. Keys are unique.
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub value: Node,
}

/// What `PyYAML` makes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// A whole number.
    Int,
    /// A number with a point. Written unquoted, a version loses its last zero.
    Float,
    /// A date.
    Timestamp,
    /// Text.
    Text,
    /// A list.
    Sequence,
    /// A mapping.
    Mapping,
}

impl Node {
    fn null(place: Place) -> Self {
        Self { place, value: Value::Scalar { text: String::new(), plain: true } }
    }

    /// What `PyYAML` would make of this node.
    pub fn kind(&self) -> Kind {
        match &self.value {
            Value::Sequence(_) => Kind::Sequence,
            Value::Mapping(_) => Kind::Mapping,
            Value::Scalar { plain: false, .. } => Kind::Text,
            Value::Scalar { text, plain: true } => resolve::kind_of_plain(text),
        }
    }

    /// The text of a scalar as it was written; nothing for null and for
    /// lists and mappings.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if self.kind() != Kind::Null => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn bool(&self) -> Option<bool> {
        match self.kind() {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key of a mapping, with its place and its value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The texts of a list of scalars, or of one scalar that stands alone.
    pub fn texts(&self) -> Vec<&str> {
        match self.text() {
            Some(text) => vec![text],
            None => self.items().iter().filter_map(Node::text).collect(),
        }
    }
}

/// Reads the first document of a text. An empty text is an empty mapping.
/// Oddities that `PyYAML` lets pass (or another parser would not) are notes.
pub fn parse(file: &Utf8Path, text: &str) -> Result<(Node, Vec<Note>), Broken> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        file,
        text,
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        nodes_left: NODES,
        notes: Vec::new(),
    };
    let root = builder.document()?;
    Ok((root, builder.notes))
}

/// What went wrong while building: a position and a message.
type Built<T> = Result<T, Broken>;

struct Builder<'a> {
    file: &'a Utf8Path,
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes_left: usize,
    notes: Vec<Note>,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Built<Node> {
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..) => {}
                Event::StreamEnd | Event::DocumentEnd => break,
                event => {
                    let root = self.node(event, span, 0)?;
                    self.rest()?;
                    return Ok(root);
                }
            }
        }
        Ok(Node { place: Place::line(1), value: Value::Mapping(Vec::new()) })
    }

    /// Reads on after the first document, to say what is wrong with the rest.
    fn rest(&mut self) -> Built<()> {
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::DocumentStart(..)) {
                let text = "the file has more than one document; only the first is used";
                self.note(place_of(span), text);
                break;
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Built<Option<(Event<'a>, Span)>> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => Err(self.broken(&error)),
        }
    }

    fn broken(&self, error: &ScanError) -> Broken {
        let place = Place { line: error.marker().line().max(1), column: error.marker().col() + 1 };
        let mut message = lower_first(&error.kind().to_string());
        let line = self.text.lines().nth(place.line - 1).unwrap_or("");
        if ["{{", "{%", "{#"].iter().any(|mark| line.contains(mark)) {
            message.push_str("; the line looks like a template that was not rendered");
        }
        Broken::new(self.file, self.text, place, message)
    }

    fn fault(&self, span: Span, message: &str) -> Broken {
        Broken::new(self.file, self.text, place_of(span), message)
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Built<Node> {
        if depth >= DEPTH {
            return Err(self.fault(span, "the file nests too deeply"));
        }
        self.spend(1, span)?;
        let place = place_of(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_tagged_text = tag.is_some_and(|tag| tag.core_suffix() == Some(CORE_TAG_STRING));
                let plain = style == ScalarStyle::Plain && !is_tagged_text;
                let value = Value::Scalar { text: text.into_owned(), plain };
                Ok(self.remember(anchor, Node { place, value }))
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                while let Some((event, span)) = self.next()? {
                    match event {
                        Event::SequenceEnd => break,
                        Event::Comment(..) => {}
                        event => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                Ok(self.remember(anchor, Node { place, value: Value::Sequence(items) }))
            }
            Event::MappingStart(_, anchor, _) => {
                let entries = self.mapping(depth)?;
                Ok(self.remember(anchor, Node { place, value: Value::Mapping(entries) }))
            }
            Event::Alias(id) => {
                // An alias inside its own anchor has no value yet.
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return Err(self.fault(span, "an alias refers to itself"));
                };
                if depth + depth_of(&node) >= DEPTH {
                    return Err(self.fault(span, "the file nests too deeply"));
                }
                self.spend(count_nodes(&node), span)?;
                Ok(node)
            }
            _ => Ok(Node::null(place)),
        }
    }

    fn mapping(&mut self, depth: usize) -> Built<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut index_of: BTreeMap<String, usize> = BTreeMap::new();
        let mut merged: Vec<Entry> = Vec::new();
        while let Some((event, span)) = self.next()? {
            let key = match event {
                Event::MappingEnd => break,
                Event::Comment(..) => continue,
                event => self.node(event, span, depth + 1)?,
            };
            let value = loop {
                match self.next()? {
                    Some((Event::Comment(..), _)) => {}
                    Some((event, span)) => break self.node(event, span, depth + 1)?,
                    None => break Node::null(key.place),
                }
            };
            let Value::Scalar { text, plain } = key.value else {
                let place = key.place;
                self.note(place, "a key that is not text was left out");
                continue;
            };
            if text == "<<" && plain {
                match value.value {
                    Value::Mapping(more) => merged.extend(more),
                    Value::Sequence(items) => {
                        merged.extend(items.iter().flat_map(|item| item.entries().to_vec()));
                    }
                    Value::Scalar { .. } => {}
                }
                continue;
            }
            if let Some(&index) = index_of.get(&text) {
                let first = entries[index].place.line;
                let remark =
                    format!("the key `{text}` is here again (first in line {first}); the last one wins");
                self.note(key.place, remark);
                entries[index].value = value;
            } else {
                index_of.insert(text.clone(), entries.len());
                entries.push(Entry { key: text, place: key.place, value });
            }
        }
        for entry in merged {
            if !index_of.contains_key(&entry.key) {
                index_of.insert(entry.key.clone(), entries.len());
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    fn note(&mut self, place: Place, text: impl Into<String>) {
        if self.notes.len() < NOTES {
            let snippet = Some(place.snippet(self.text));
            self.notes.push(Note { snippet, ..Note::at(self.file, place, text) });
        }
    }

    fn remember(&mut self, anchor: usize, node: Node) -> Node {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Built<()> {
        match self.nodes_left.checked_sub(nodes) {
            Some(left) => {
                self.nodes_left = left;
                Ok(())
            }
            None => Err(self.fault(span, "the file is too large once its aliases are followed")),
        }
    }
}

fn place_of(span: Span) -> Place {
    Place { line: span.start.line().max(1), column: span.start.col() + 1 }
}

fn count_nodes(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::Sequence(items) => 1 + items.iter().map(count_nodes).sum::<usize>(),
        Value::Mapping(entries) => {
            1 + entries.iter().map(|entry| 1 + count_nodes(&entry.value)).sum::<usize>()
        }
    }
}

fn depth_of(node: &Node) -> usize {
    1 + node
        .items()
        .iter()
        .chain(node.entries().iter().map(|entry| &entry.value))
        .map(depth_of)
        .max()
        .unwrap_or(0)
}

pub(crate) fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
