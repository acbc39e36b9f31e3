//! The text of a layer as a tree, read as the YAML library of Go reads it.
//!
//! Scalars keep the text they were written with; what they are is asked later, by the field that they are
//! for. A duplicate key is an error, aliases and merge keys are followed within a budget.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};

/// How deep a layer may nest.
const DEPTH: usize = 64;
/// How many nodes a layer may have once its aliases are followed.
const NODES: usize = 100_000;

/// A value and the line on which it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A YAML value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A scalar; `plain` if it was written without quotes, so that it may be a number.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Map(Vec<(String, usize, Node)>),
}

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Text,
    List,
    Map,
}

impl Kind {
    /// The tag that Go's errors name.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Text => "!!str",
            Self::List => "!!seq",
            Self::Map => "!!map",
        }
    }
}

impl Node {
    /// What the node is.
    pub(crate) fn kind(&self) -> Kind {
        match &self.value {
            Value::Scalar { text, plain: true } => kind_of_plain(text),
            Value::Scalar { plain: false, .. } => Kind::Text,
            Value::List(_) => Kind::List,
            Value::Map(_) => Kind::Map,
        }
    }
}

/// What a plain scalar is to Go's library: the core schema of YAML 1.2, with some of 1.1.
pub(crate) fn kind_of_plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return Kind::Bool,
        ".nan" | ".NaN" | ".NAN" => return Kind::Float,
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Kind::Float;
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Kind::Text;
    }
    if int(text).is_some() {
        return Kind::Int;
    }
    if is_float(&unsigned.replace('_', "")) { Kind::Float } else { Kind::Text }
}

/// Reads a whole number as Go does: decimal, `0x`, `0o`, `0b`, and octal with a leading zero.
pub(crate) fn int(text: &str) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = unsigned.replace('_', "");
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        Some(_) | None => (10, digits.as_str()),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

fn is_float(unsigned: &str) -> bool {
    let (number, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number_is_fine = match number.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !number.is_empty() && digits(number),
    };
    let exponent_is_fine = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    number_is_fine && exponent_is_fine
}

/// Reads the first document of a text; `None` if there is none. The error begins with `yaml: `.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, String> {
    let mut builder =
        Builder { parser: Parser::new_from_str(text), anchors: BTreeMap::new(), nodes_left: NODES };
    while let Some((event, span)) = builder.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(None),
            event => return builder.node(event, span, 0).map(Some),
        }
    }
    Ok(None)
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes_left: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, String> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => {
                let message = error.kind().to_string();
                let mut letters = message.chars();
                let first = letters.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
                Err(format!("yaml: line {}: {first}{}", error.marker().line().max(1), letters.as_str()))
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, String> {
        let line = span.start.line().max(1);
        if depth >= DEPTH {
            return Err(format!("yaml: line {line}: exceeded max depth of {DEPTH}"));
        }
        self.spend(1)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
                let plain = style == ScalarStyle::Plain && !is_text;
                let value = Value::Scalar { text: text.into_owned(), plain };
                Ok(self.remember(anchor, Node { line, value }))
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
                Ok(self.remember(anchor, Node { line, value: Value::List(items) }))
            }
            Event::MappingStart(_, anchor, _) => {
                let value = Value::Map(self.mapping(depth)?);
                Ok(self.remember(anchor, Node { line, value }))
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return Err("yaml: anchor value contains itself".into());
                };
                if depth + depth_of(&node) >= DEPTH {
                    return Err(format!("yaml: line {line}: exceeded max depth of {DEPTH}"));
                }
                self.spend(count(&node))?;
                Ok(node)
            }
            _ => Ok(Node { line, value: Value::Scalar { text: String::new(), plain: true } }),
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<(String, usize, Node)>, String> {
        let mut entries: Vec<(String, usize, Node)> = Vec::new();
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        let mut merged = Vec::new();
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
                    None => return Err("yaml: a mapping is not closed".into()),
                }
            };
            let line = key.line;
            let Value::Scalar { text, plain } = key.value else {
                return Err(format!("yaml: line {line}: a key has to be text"));
            };
            if text == "<<" && plain {
                merge(&mut merged, value)?;
                continue;
            }
            if let Some(first) = lines.insert(text.clone(), line) {
                return Err(format!(
                    "yaml: unmarshal errors:\n  line {line}: mapping key \"{text}\" already defined at line {first}"
                ));
            }
            entries.push((text, line, value));
        }
        for (key, line, value) in merged {
            if lines.insert(key.clone(), line).is_none() {
                entries.push((key, line, value));
            }
        }
        Ok(entries)
    }

    fn remember(&mut self, anchor: usize, node: Node) -> Node {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn spend(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes_left = self
            .nodes_left
            .checked_sub(nodes)
            .ok_or("yaml: document contains excessive aliasing or is too large")?;
        Ok(())
    }
}

fn merge(into: &mut Vec<(String, usize, Node)>, value: Node) -> Result<(), String> {
    let refused = || "yaml: map merge requires map or sequence of maps as the value".to_owned();
    match value.value {
        Value::Map(entries) => into.extend(entries),
        Value::List(items) => {
            for item in items {
                let Value::Map(entries) = item.value else { return Err(refused()) };
                into.extend(entries);
            }
        }
        Value::Scalar { .. } => return Err(refused()),
    }
    Ok(())
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, _, value)| 1 + count(value)).sum::<usize>(),
    }
}

fn depth_of(node: &Node) -> usize {
    let deepest = match &node.value {
        Value::Scalar { .. } => None,
        Value::List(items) => items.iter().map(depth_of).max(),
        Value::Map(entries) => entries.iter().map(|(_, _, value)| depth_of(value)).max(),
    };
    1 + deepest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_scalars_are_what_go_takes_them_for() {
        let check = |text: &str, expected: Kind| assert_eq!(kind_of_plain(text), expected, "{text}");
        check("", Kind::Null);
        check("~", Kind::Null);
        check("true", Kind::Bool);
        check("yes", Kind::Text);
        check("on", Kind::Text);
        check("12", Kind::Int);
        check("-1_000", Kind::Int);
        check("0x1F", Kind::Int);
        check("0755", Kind::Int);
        check("0o755", Kind::Int);
        check("08", Kind::Float);
        check("1.5", Kind::Float);
        check("1e3", Kind::Float);
        check(".5", Kind::Float);
        check("1.", Kind::Float);
        check("-.inf", Kind::Float);
        check("1.2.3", Kind::Text);
        check("10s", Kind::Text);
        check("1:30", Kind::Text);
        check("-", Kind::Text);
        check("e3", Kind::Text);
        assert_eq!(int("0755"), Some(0o755));
        assert_eq!(int("-0x10"), Some(-16));
        assert_eq!(int("99999999999999999999"), None);
    }

    #[test]
    fn what_is_no_layer_is_an_error_and_no_end() {
        let check = |text: &str, expected: &str| assert_eq!(parse(text).unwrap_err(), expected);
        check(
            "a: 1\nb: 2\na: 3",
            "yaml: unmarshal errors:\n  line 3: mapping key \"a\" already defined at line 1",
        );
        check("a: &a [*a]", "yaml: anchor value contains itself");
        let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
        for name in b'b'..=b'h' {
            let (name, before) = (char::from(name), char::from(name - 1));
            bomb += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(","));
        }
        check(&bomb, "yaml: document contains excessive aliasing or is too large");
        assert!(parse(&"[".repeat(10_000)).is_err());
    }

    #[test]
    fn merge_keys_fill_in_what_is_not_there() {
        let Some(Node { value: Value::Map(entries), .. }) =
            parse("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\n").unwrap()
        else {
            panic!("no mapping");
        };
        let Value::Map(b) = &entries[1].2.value else { panic!("no mapping") };
        let keys: Vec<_> = b.iter().map(|(key, _, _)| key.as_str()).collect();
        assert_eq!(keys, ["x", "y"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z:\\-\\[\\]{}&*!|>'\"%@ \n\t#,?<0-9]{0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_text_at_all_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
