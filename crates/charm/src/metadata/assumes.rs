//! What a charm assumes of Juju and of the model.
//!
//! The grammar is that of juju/charm v12 `assumes/parser.go`.

use std::fmt;

use super::Origin;
use super::reader::{Reader, quoted};
use crate::yaml::{Kind, Node};

/// How a feature's version is compared. Juju knows no other ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `<`
    Below,
}

impl Comparison {
    /// The sign for it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Below => "<",
        }
    }
}

/// A feature that a model has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// The name: `juju` or `k8s-api`.
    pub name: String,
    /// The versions of it that will do; all, if nothing is said.
    pub version: Option<(Comparison, String)>,
    /// Where it is declared.
    pub origin: Origin,
}

/// What a charm assumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assumption {
    /// There is a feature.
    Feature(Feature),
    /// One of these holds.
    AnyOf(Vec<Assumption>),
    /// All of these hold.
    AllOf(Vec<Assumption>),
}

impl fmt::Display for Assumption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |assumptions: &[Assumption]| {
            assumptions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Feature(Feature { name, version: None, .. }) => formatter.write_str(name),
            Self::Feature(Feature { name, version: Some((comparison, version)), .. }) => {
                write!(formatter, "{name} {} {version}", comparison.sign())
            }
            Self::AnyOf(assumptions) => write!(formatter, "any of ({})", join(assumptions)),
            Self::AllOf(assumptions) => write!(formatter, "all of ({})", join(assumptions)),
        }
    }
}

const HINT: &str = "Write a list such as `[juju >= 3.1, k8s-api]`.";

/// Reads `assumes`; all of the items have to hold.
pub(super) fn read(reader: &mut Reader<'_>, root: &Node) -> Vec<Assumption> {
    let Some(entry) = root.entry("assumes") else {
        return Vec::new();
    };
    if reader.is_left_away(entry) {
        return Vec::new();
    }
    if entry.value.kind() != Kind::Sequence {
        reader.wrong(entry, "`assumes`", "a list");
    }
    all(reader, entry.value.items())
}

/// Features in the order of the file, with `any-of` and `all-of` left away.
pub(super) fn flatten(node: &Node, into: &mut Vec<String>) {
    if let Some(text) = node.text() {
        into.push(text.to_owned());
    }
    for item in node.items() {
        flatten(item, into);
    }
    for entry in node.entries() {
        flatten(&entry.value, into);
    }
}

fn all(reader: &mut Reader<'_>, items: &[Node]) -> Vec<Assumption> {
    items.iter().filter_map(|item| assumption(reader, item)).collect()
}

fn assumption(reader: &mut Reader<'_>, node: &Node) -> Option<Assumption> {
    if node.kind() == Kind::Mapping {
        return composite(reader, node);
    }
    let Some(text) = super::scalar::as_text(node) else {
        let found = super::scalar::in_words(node);
        reader.error(node.place, format!("an assumption should be text, not {found}"), HINT);
        return None;
    };
    let origin = reader.origin(node.place);
    let feature = feature(text.trim(), origin);
    if feature.is_none() {
        let hint = if text.contains(['=', '>', '<']) {
            "Versions are compared with `>=` and `<` only: `juju >= 3.1`."
        } else {
            HINT
        };
        reader.error(node.place, format!("{} is no assumption that Juju can read", quoted(text)), hint);
    }
    feature.map(Assumption::Feature)
}

fn composite(reader: &mut Reader<'_>, node: &Node) -> Option<Assumption> {
    let hint = "Write one of `any-of:` and `all-of:`, with a list below it.";
    let [entry] = node.entries() else {
        reader.error(node.place, "an assumption should have one key", hint);
        return None;
    };
    let make = match entry.key.as_str() {
        "any-of" => Assumption::AnyOf,
        "all-of" => Assumption::AllOf,
        other => {
            let text = format!("{} is no way to put assumptions together", quoted(other));
            reader.error(entry.place, text, hint);
            return None;
        }
    };
    if entry.value.kind() != Kind::Sequence {
        reader.wrong(entry, &quoted(&entry.key), "a list");
    }
    Some(make(all(reader, entry.value.items())))
}

fn feature(text: &str, origin: Origin) -> Option<Feature> {
    let end = text.find(|character: char| {
        !(character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
    });
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let is_name = name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit());
    if !is_name {
        return None;
    }
    let feature = |version| Feature { name: name.to_owned(), version, origin };
    let rest = rest.trim();
    if rest.is_empty() {
        return Some(feature(None));
    }
    let (comparison, version) = match (rest.strip_prefix(">="), rest.strip_prefix('<')) {
        (Some(version), _) => (Comparison::AtLeast, version),
        (None, Some(version)) => (Comparison::Below, version),
        (None, None) => return None,
    };
    let version = version.trim();
    // `3`, `3.1`, `3.1.0`, `3.0-beta1`, `2.9.0.1`
    let is_version = version.starts_with(|first: char| first.is_ascii_digit())
        && version
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '.' | '-'));
    is_version.then(|| feature(Some((comparison, version.to_owned()))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::CharmFile;
    use super::*;
    use crate::Place;

    fn read_feature(text: &str) -> Option<String> {
        let origin = Origin::Declared { file: CharmFile::Charmcraft, place: Place::line(1) };
        feature(text, origin).map(|feature| Assumption::Feature(feature).to_string())
    }

    #[test]
    fn features_have_versions_or_not() {
        for (text, expected) in [
            ("k8s-api", Some("k8s-api")),
            ("juju >= 3.1", Some("juju >= 3.1")),
            ("juju>=2.9.0", Some("juju >= 2.9.0")),
            ("juju < 4", Some("juju < 4")),
            ("juju >= 3.0-beta1", Some("juju >= 3.0-beta1")),
            ("juju <= 3.1", None),
            ("juju > 3.1", None),
            ("juju == 3.1", None),
            ("juju 3.1", None),
            ("juju >=", None),
            ("Juju", None),
            ("j", None),
            ("", None),
        ] {
            assert_eq!(read_feature(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_feature_or_not(text in any::<String>()) {
            let _ = read_feature(&text);
        }
    }
}
