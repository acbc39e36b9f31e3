//! What queries ask about: entities with properties, and entities that belong to them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

/// A property of an entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Property {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Whether something is so.
    Is(bool),
    /// Settings by their keys.
    Settings(BTreeMap<String, String>),
}

impl Serialize for Property {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
            Self::Is(is) => is.serialize(serializer),
            Self::Settings(settings) => settings.serialize(serializer),
        }
    }
}

/// A model, an application, a unit or a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// What Juju calls such ones where a query is wrong: `UnitInfo`.
    pub kind: &'static str,
    /// Its name or number.
    pub name: String,
    /// Its properties, by name.
    pub properties: BTreeMap<&'static str, Property>,
    /// What belongs to it: `units`, `machines`.
    pub members: BTreeMap<&'static str, Vec<Entity>>,
}

impl Entity {
    /// Returns the names that a query can use of it.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> =
            self.properties.keys().chain(self.members.keys()).copied().collect();
        names.sort_unstable();
        names
    }
}

/// What queries have looked at: the names that were used of the entity itself, and of each that belongs
/// to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnessed {
    /// Names that were used.
    pub names: BTreeSet<String>,
    /// By what belongs to it, `units`, and by the name of each.
    pub members: BTreeMap<&'static str, BTreeMap<String, Witnessed>>,
    /// What `print` was called with.
    pub printed: Vec<String>,
}

impl Witnessed {
    /// Returns the values that an entity has now for what was looked at.
    pub fn values(&self, entity: &Entity) -> BTreeMap<String, Property> {
        let known = self.names.iter().filter_map(|name| {
            // What belongs to an entity is shown by itself, and stands here for being looked at.
            let is_member = entity.members.contains_key(name.as_str());
            let empty = || is_member.then(|| Property::Settings(BTreeMap::new()));
            let value = entity.properties.get(name.as_str()).cloned().or_else(empty)?;
            Some((name.clone(), value))
        });
        known.collect()
    }
}
