//! Names of which there are few, and which are compared and copied all the time.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::{SmolStr, ToSmolStr};

/// The name of a unit, an endpoint, a storage and the like.
///
/// Each name is stored once, for as long as the program runs, and a `Name` says where. To
/// copy one costs nothing, and two are equal if they are in the same place, which is what
/// lives of millions of hooks a second need. The order is that of the texts.
///
/// Text that is no name, or is looked at once and forgotten, should not become one.
#[derive(Clone)]
pub struct Name(&'static Place);

/// Where a name is stored.
struct Place {
    text: &'static str,
    /// The names of the first units or instances of it, as far as anybody asked.
    numbered: OnceLock<Box<[OnceLock<Name>; NUMBERED_MAX]>>,
}

/// So many units or instances of one name are kept with it.
const NUMBERED_MAX: usize = 16;

impl Place {
    const fn new(text: &'static str) -> Self {
        Self { text, numbered: OnceLock::new() }
    }
}

/// Every name that there is, by its text.
static NAMES: LazyLock<Mutex<HashMap<&'static str, Name>>> = LazyLock::new(Mutex::default);

/// The empty name, which has its place without being looked up.
static EMPTY: Place = Place::new("");

impl Name {
    /// Returns the name of a text.
    pub fn new(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        // A name is stored whole or not at all, so what a panic left behind is fine.
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(text) {
            return known.clone();
        }
        let text: &'static str = Box::leak(text.into());
        let name = Self(Box::leak(Box::new(Place::new(text))));
        names.insert(text, name.clone());
        name
    }

    /// Returns the name that is written like this: `Name::of(format_args!("{unit}/{number}"))`.
    pub fn of(text: fmt::Arguments<'_>) -> Self {
        Self::new(&text.to_smolstr())
    }

    /// Returns the name of a unit of an application or of an instance of a storage: `web/0`.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let make = || Self::of(format_args!("{self}/{number}"));
        let kept = || self.0.numbered.get_or_init(|| Box::new([const { OnceLock::new() }; NUMBERED_MAX]));
        match usize::try_from(number) {
            Ok(place) if place < NUMBERED_MAX => kept()[place].get_or_init(make).clone(),
            Ok(_) | Err(_) => make(),
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &'static str {
        self.0.text
    }
}

impl Default for Name {
    fn default() -> Self {
        Self(&EMPTY)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.as_str().cmp(other.as_str()) }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As the text does, since a name can be looked up by it.
        self.as_str().hash(state);
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Name {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<Name> for &str {
    fn eq(&self, other: &Name) -> bool {
        *self == other.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&SmolStr::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn equal_texts_are_one_name() {
        assert_eq!(Name::new("app/0"), Name::from("app/0".to_owned()));
        assert_ne!(Name::new("app/0"), Name::new("app/1"));
        assert_eq!(Name::new(""), Name::default());
        assert_eq!(Name::new("app/0"), "app/0");
        for number in [0, 1, 15, 16, u32::MAX] {
            assert_eq!(Name::new("app").numbered(number), Name::new(&format!("app/{number}")));
        }
    }

    #[test]
    fn names_are_ordered_as_texts() {
        // Made in another order than they are sorted in (R39).
        let mut names = ["app/2", "app/10", "app/1", ""].map(Name::new);
        names.sort();
        assert_eq!(names, ["", "app/1", "app/10", "app/2"].map(Name::new));
    }

    #[test]
    fn a_name_is_found_by_its_text() {
        let sorted = BTreeMap::from([(Name::new("db"), 1), (Name::new("web"), 2)]);
        assert_eq!(sorted.get("web"), Some(&2));
        let hashed = HashMap::from([(Name::new("db"), 1), (Name::new("web"), 2)]);
        assert_eq!(hashed.get("db"), Some(&1));
    }

    #[test]
    fn names_are_written_and_read_as_texts() {
        let text = serde_json::to_string(&Name::new("db")).expect("it is text");
        assert_eq!(text, r#""db""#);
        assert_eq!(serde_json::from_str::<Name>(&text).expect("it is a name"), "db");
        assert_eq!(format!("{0} {0:?} {0:>4}", Name::new("db")), r#"db "db"   db"#);
    }
}
