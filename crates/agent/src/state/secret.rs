//! Secrets: their revisions, who owns them, who may read them, and who reads which revision.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::application_of;

/// The id of a secret, as bare as `secret-ids` prints it: 20 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretId(String);

/// How many letters and digits an id has.
const ID_CHARACTERS: u32 = 20;

impl SecretId {
    /// Returns the id of the secret that was made as this one of all. Later ones are
    /// larger, so a map of secrets is in the order in which they were made.
    ///
    /// Of another seed, all are others. That of a life that is played is 0.
    pub(crate) fn numbered(seed: u64, number: u64) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        // As Juju's ids are: 4 bytes of a time, 5 of a machine and a process, 3 of a counter.
        let seed = u128::from(seed);
        let time = 0x6955_b900 ^ (seed >> 40);
        let machine = 0x2a_1c7e_55d1 ^ (seed & 0xff_ffff_ffff);
        let bits = (time << 64) | (machine << 24) | u128::from(number & 0x00ff_ffff);
        let digits = (0..ID_CHARACTERS).rev().map(|place| {
            let five = (bits << 4) >> (5 * place) & 0x1f;
            char::from(DIGITS[five as usize])
        });
        Self(digits.collect())
    }

    /// Reads `secret:ID`, `secret://MODEL/ID` or the bare id.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = match text.strip_prefix("secret:") {
            Some(rest) => match rest.strip_prefix("//") {
                Some(rest) => rest.rsplit_once('/')?.1,
                None => rest,
            },
            None => text,
        };
        let is_id = bare.len() == ID_CHARACTERS as usize
            && bare.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte));
        is_id.then(|| Self(bare.to_owned()))
    }

    /// Returns the bare id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the URI that charms hand around: `secret:ID`.
    pub fn uri(&self) -> String {
        format!("secret:{}", self.0)
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose secret it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretOwner {
    /// An application: its leader manages it.
    Application(Name),
    /// A unit.
    Unit(Name),
    /// The user of Juju.
    User,
}

impl SecretOwner {
    /// Returns the application that owns it, or that the unit which owns it is of.
    pub fn application(&self) -> Option<&str> {
        match self {
            Self::Application(name) => Some(name),
            Self::Unit(name) => Some(application_of(name)),
            Self::User => None,
        }
    }
}

/// How often a secret is to be rotated.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Rotation {
    /// Not at all.
    #[default]
    Never,
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Every year.
    Yearly,
}

impl Rotation {
    /// Returns when a secret is to be rotated that was rotated now.
    pub(crate) fn next(self, now: Timestamp) -> Option<Timestamp> {
        let days = match self {
            Self::Never => return None,
            Self::Hourly => return now.checked_add(jiff::SignedDuration::from_hours(1)).ok(),
            Self::Daily => 1,
            Self::Weekly => 7,
            Self::Monthly => 30,
            Self::Quarterly => 91,
            Self::Yearly => 365,
        };
        now.checked_add(jiff::SignedDuration::from_hours(24 * days)).ok()
    }
}

/// One content of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRevision {
    /// The keys and values.
    pub content: BTreeMap<String, String>,
    /// When the revision is to be removed.
    pub expire: Option<Timestamp>,
    /// When the owner is told next that it has expired, if it was told before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_told_next: Option<Timestamp>,
    /// When it was made.
    #[serde(default)]
    pub created: Timestamp,
    /// When something of it changed last.
    #[serde(default)]
    pub updated: Timestamp,
}

impl SecretRevision {
    fn new(content: BTreeMap<String, String>, expire: Option<Timestamp>, now: Timestamp) -> Self {
        Self { content, expire, expiry_told_next: None, created: now, updated: now }
    }
}

/// That somebody may read a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The relation that it ends with; `None` where the user gave it.
    pub relation: Option<u32>,
}

/// Which revision a unit reads, and what it calls the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretConsumer {
    /// The revision.
    pub revision: u32,
    /// The name that the unit has for the secret.
    pub label: Option<String>,
}

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Whose it is.
    pub owner: SecretOwner,
    /// The name that the owner has for it; empty if none.
    pub label: String,
    /// What the owner says of it.
    pub description: String,
    /// How often it is to be rotated.
    pub rotation: Rotation,
    /// When it is to be rotated next.
    pub rotates: Option<Timestamp>,
    /// The number of the last revision.
    pub latest: u32,
    /// The revisions that are there.
    pub revisions: BTreeMap<u32, SecretRevision>,
    /// The units and applications that may read it.
    pub grants: BTreeMap<Name, Grant>,
    /// The units that have read it.
    pub consumers: BTreeMap<Name, SecretConsumer>,
    /// Whether revisions that nobody reads any more go by themselves, for one of the user.
    #[serde(default)]
    pub has_auto_prune: bool,
    /// When it was made.
    #[serde(default)]
    pub created: Timestamp,
    /// When something of it changed last.
    #[serde(default)]
    pub updated: Timestamp,
}

impl Secret {
    /// Returns the last revision. Only a secret that is being removed has none.
    pub fn latest_revision(&self) -> Option<&SecretRevision> {
        self.revisions.get(&self.latest)
    }

    /// Does what an update says. A revision that is new has no expiry but the one that came
    /// with it.
    pub(crate) fn apply(&mut self, update: SecretUpdate, now: Timestamp) {
        let SecretUpdate { content, label, description, expire, rotation } = update;
        let before = self.clone();
        if let Some(content) = content {
            self.latest += 1;
            self.revisions.insert(self.latest, SecretRevision::new(content, expire, now));
        } else if let (Some(expire), Some(revision)) = (expire, self.revisions.get_mut(&self.latest))
            && revision.expire != Some(expire)
        {
            revision.expire = Some(expire);
            revision.expiry_told_next = None;
            revision.updated = now;
        }
        self.label = label.unwrap_or_else(|| std::mem::take(&mut self.label));
        self.description = description.unwrap_or_else(|| std::mem::take(&mut self.description));
        // A policy that stays moves no date.
        if let Some(rotation) = rotation.filter(|rotation| *rotation != self.rotation) {
            self.rotation = rotation;
            self.rotates = rotation.next(now);
        }
        if *self != before {
            self.updated = now;
        }
    }

    /// Whether a unit may read it: its owner, the units of the application that owns it, and
    /// those to whom it was granted.
    pub fn may_be_read_by(&self, unit: &str) -> bool {
        let application = application_of(unit);
        let is_owner = match &self.owner {
            SecretOwner::Application(owner) => owner == application,
            SecretOwner::Unit(owner) => owner == unit,
            SecretOwner::User => false,
        };
        is_owner || self.grants.contains_key(unit) || self.grants.contains_key(application)
    }

    /// Returns the revisions that nobody reads any more: those before the last one of which
    /// no unit that has read the secret is a reader.
    pub fn unused_revisions(&self) -> BTreeSet<u32> {
        let is_read = |revision: &u32| self.consumers.values().any(|consumer| consumer.revision == *revision);
        self.revisions
            .keys()
            .copied()
            .filter(|revision| *revision != self.latest && !is_read(revision))
            .collect()
    }
}

/// A secret that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSecret {
    /// Whose it is.
    pub owner: SecretOwner,
    /// The keys and values of its first revision.
    pub content: BTreeMap<String, String>,
    /// The name that the owner has for it; empty if none.
    pub label: String,
    /// What the owner says of it.
    pub description: String,
    /// When the first revision is to be removed.
    pub expire: Option<Timestamp>,
    /// How often it is to be rotated.
    pub rotation: Rotation,
}

impl NewSecret {
    /// Returns a secret about which nothing is said but its content.
    pub fn of(owner: SecretOwner, content: BTreeMap<String, String>) -> Self {
        Self {
            owner,
            content,
            label: String::new(),
            description: String::new(),
            expire: None,
            rotation: Rotation::Never,
        }
    }

    /// Returns the secret with its first revision.
    pub(crate) fn into_secret(self, now: Timestamp) -> Secret {
        let revision = SecretRevision::new(self.content, self.expire, now);
        Secret {
            owner: self.owner,
            label: self.label,
            description: self.description,
            rotation: self.rotation,
            rotates: self.rotation.next(now),
            latest: 1,
            revisions: BTreeMap::from([(1, revision)]),
            grants: BTreeMap::new(),
            consumers: BTreeMap::new(),
            has_auto_prune: false,
            created: now,
            updated: now,
        }
    }
}

/// What is to become of a secret. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretUpdate {
    /// The content of a new revision.
    pub content: Option<BTreeMap<String, String>>,
    /// The name that the owner has for it.
    pub label: Option<String>,
    /// What the owner says of it.
    pub description: Option<String>,
    /// When its last revision is to be removed.
    pub expire: Option<Timestamp>,
    /// How often it is to be rotated.
    pub rotation: Option<Rotation>,
}

impl SecretUpdate {
    /// Takes over what a later update says.
    pub(crate) fn merge(&mut self, later: Self) {
        let Self { content, label, description, expire, rotation } = later;
        self.content = content.or(self.content.take());
        self.label = label.or(self.label.take());
        self.description = description.or(self.description.take());
        self.expire = expire.or(self.expire);
        self.rotation = rotation.or(self.rotation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_are_read_in_every_spelling() {
        let [first, second, later] = [0, 1, 100_000].map(|number| SecretId::numbered(0, number));
        let of_another_seed = SecretId::numbered(7, 0);
        assert!(of_another_seed != first && SecretId::parse(of_another_seed.as_str()).is_some());
        assert!(first < second && second < later);
        let check = |text: &str, expected: Option<&SecretId>| {
            assert_eq!(SecretId::parse(text).as_ref(), expected, "{text}");
        };
        check(first.as_str(), Some(&first));
        check(&first.uri(), Some(&first));
        check(&format!("secret://5d3ac0fe-9f1c-4c0e-8a57-6f0c1b2d3e4f/{first}"), Some(&first));
        check("secret:", None);
        check("db-password", None);
        check("secret://nothing", None);
    }
}
