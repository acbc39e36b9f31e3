//! What Juju knows of one life: applications, units, relations, secrets, storage.
//!
//! A [`State`] is plain data. The player of a life changes it as the lifecycle says (an
//! application comes, a unit enters a relation, a remote unit writes); hook tools read it
//! and write to it through a [`HookContext`], which keeps back what Juju keeps back until
//! the hook has ended well. Times, addresses and the ids of secrets are made by counting,
//! so that the same life has the same ones.
//!
//! Nothing here decides what happens next: `charmproof_lifecycle` does.

mod application;
mod changes;
mod commit;
mod context;
mod effects;
mod follow;
mod keeping;
mod networking;
mod relation;
mod secret;
mod unit;
mod user_secret;

use std::collections::BTreeMap;
use std::fmt;

use charmproof_lifecycle::vocabulary::{JujuVersion, Name, Platform};
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

pub use application::{Application, ConfigOption, ConfigType, Endpoint, EndpointRole, StorageDeclaration};
pub(crate) use context::PendingGrant;
pub use context::{ActionRun, CommandsError, HookContext, Restriction};
pub use effects::{
    ActionOutcome, HookEffects, LogLine, Metric, Misuse, PayloadChange, PortChange, Reboot, RelationChange,
    SecretChange, SecretEffect, StatusSet, StorageAddition, Writer,
};
pub use relation::{Databag, Relation, RelationEnd, RelationEnds};
pub use secret::{
    Grant, NewSecret, Rotation, Secret, SecretConsumer, SecretId, SecretOwner, SecretRevision, SecretUpdate,
};
pub use unit::{Port, PortProtocol, PortRange, Status, StatusKind, StorageInstance, StorageKind, Unit};

/// Which Juju it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Juju {
    /// The version as `JUJU_VERSION` has it.
    pub version: String,
    /// The line of releases that the version belongs to.
    #[serde(serialize_with = "as_text", deserialize_with = "line_of_text")]
    pub line: JujuVersion,
    /// What units run on.
    #[serde(serialize_with = "as_text", deserialize_with = "platform_of_text")]
    pub platform: Platform,
}

impl Juju {
    /// Returns the Juju of a version such as `3.6.5`; `None` where it is no version that
    /// there are rules for.
    pub fn parse(version: &str, platform: Platform) -> Option<Self> {
        Some(Self { version: version.to_owned(), line: JujuVersion::parse(version)?, platform })
    }

    /// Returns a usual release of a line.
    pub fn of_line(line: JujuVersion, platform: Platform) -> Self {
        let version = match line {
            JujuVersion::V2_9 => "2.9.51",
            JujuVersion::V3_1 => "3.1.10",
            JujuVersion::V3_4 => "3.5.7",
            JujuVersion::V3_6 => "3.6.12",
            JujuVersion::V4_0 => "4.0.0",
        };
        Self { version: version.to_owned(), line, platform }
    }

    /// Whether the version is at least this one.
    pub(crate) fn is_at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        let mut numbers = self
            .version
            .split(|character: char| !character.is_ascii_digit())
            .map(|number| number.parse::<u32>().unwrap_or_default());
        let mut next = || numbers.next().unwrap_or_default();
        (next(), next(), next()) >= (major, minor, patch)
    }
}

/// Which model it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
}

impl Default for ModelIdentity {
    fn default() -> Self {
        Self { name: "proof".to_owned(), uuid: "5d3ac0fe-9f1c-4c0e-8a57-6f0c1b2d3e4f".to_owned() }
    }
}

/// What `credential-get` tells a charm that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The kind of cloud: `lxd`, `openstack`.
    pub cloud_type: String,
    /// The name of the cloud.
    pub name: String,
    /// Its region; may be empty.
    pub region: String,
    /// Where its API is; may be empty.
    pub endpoint: String,
    /// How one authenticates: `certificate`, `userpass`.
    pub auth_type: String,
    /// What one authenticates with.
    pub attributes: BTreeMap<String, String>,
}

/// Something that the state was asked to change and does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// Nothing has that name or id.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What it would be: an application, a unit.
        what: &'static str,
        /// The name or id that was given.
        name: String,
    },
    /// Something with that name or id is there already.
    #[error("there is a {what} `{name}` already")]
    Exists {
        /// What it is.
        what: &'static str,
        /// The name or id that was given.
        name: String,
    },
    /// A value that a configuration option cannot have.
    #[error("the option `{option}` is of type {expected}, and `{value}` is not")]
    WrongType {
        /// The option.
        option: String,
        /// The type that it has.
        expected: &'static str,
        /// What was given.
        value: String,
    },
}

impl StateError {
    fn unknown(what: &'static str, name: impl fmt::Display) -> Self {
        Self::Unknown { what, name: name.to_string() }
    }

    fn exists(what: &'static str, name: impl fmt::Display) -> Self {
        Self::Exists { what, name: name.to_string() }
    }
}

/// All that Juju keeps of one life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which Juju it is.
    pub juju: Juju,
    /// Which model it is.
    pub model: ModelIdentity,
    /// The time, which moves only when the player moves it.
    pub now: Timestamp,
    /// The applications, those outside the model among them.
    pub applications: BTreeMap<Name, Application>,
    /// The units of the applications that are modelled.
    pub units: BTreeMap<Name, Unit>,
    /// The relations, by number.
    pub relations: BTreeMap<u32, Relation>,
    /// The secrets.
    pub secrets: BTreeMap<SecretId, Secret>,
    /// The credential of the model, which only trusted applications may read.
    pub credential: Option<Credential>,
    /// The addresses of units, by the order in which they were first needed. Those of units
    /// outside the model are here too: in each relation a unit has the same one.
    addresses: BTreeMap<Name, String>,
    /// The networks that traffic of units seems to come from, for all of them (`egress-subnets` of
    /// the model's configuration); empty where each has its own address.
    #[serde(default)]
    pub egress_subnets: Vec<String>,
    /// The network that units are in; `None` for that of the first two numbers of an address.
    #[serde(default)]
    pub subnet: Option<String>,
    /// What makes the ids of this model's secrets others than those of another model.
    #[serde(default)]
    pub secret_seed: u64,
    /// Counts the secrets that were ever made, so that no id comes twice.
    secrets_made: u64,
}

impl State {
    /// Returns a model in which nothing was deployed.
    pub fn new(juju: Juju, model: ModelIdentity) -> Self {
        Self {
            juju,
            model,
            now: START,
            applications: BTreeMap::new(),
            units: BTreeMap::new(),
            relations: BTreeMap::new(),
            secrets: BTreeMap::new(),
            credential: None,
            addresses: BTreeMap::new(),
            egress_subnets: Vec::new(),
            subnet: None,
            secret_seed: 0,
            secrets_made: 0,
        }
    }

    /// Returns a unit of the model.
    pub fn unit(&self, name: &str) -> Result<&Unit, StateError> {
        self.units.get(name).ok_or_else(|| StateError::unknown("unit", name))
    }

    /// Returns an application.
    pub fn application(&self, name: &str) -> Result<&Application, StateError> {
        self.applications.get(name).ok_or_else(|| StateError::unknown("application", name))
    }

    /// Returns a relation.
    pub fn relation(&self, id: u32) -> Result<&Relation, StateError> {
        self.relations.get(&id).ok_or_else(|| StateError::unknown("relation", id))
    }

    /// Whether the unit leads its application.
    pub fn is_leader(&self, unit: &str) -> bool {
        self.applications
            .get(application_of(unit))
            .is_some_and(|application| application.leader.as_deref() == Some(unit))
    }

    /// Returns the units of an application, by name.
    pub fn units_of<'a>(&'a self, application: &'a str) -> impl Iterator<Item = &'a Unit> {
        self.units.values().filter(move |unit| application_of(&unit.name) == application)
    }
}

/// When every life begins: 1 January 2026, 00:00 UTC.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Returns the name of the application that a unit is of.
pub fn application_of(unit: &str) -> &str {
    unit.rsplit_once('/').map_or(unit, |(application, _)| application)
}

/// Whether `text` is the name of a unit: `mysql/0`.
pub(crate) fn is_unit_name(text: &str) -> bool {
    text.rsplit_once('/').is_some_and(|(application, number)| {
        is_application_name(application)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'))
    })
}

/// Whether `text` is the name of an application: words of letters and digits with dashes
/// in between, of which the first begins with a letter and none is a number.
pub(crate) fn is_application_name(text: &str) -> bool {
    text.starts_with(|character: char| character.is_ascii_lowercase())
        && text.split('-').all(|word| {
            word.bytes().any(|byte| byte.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// For types of other crates, which are shown and not serialised.
fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn line_of_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<JujuVersion, D::Error> {
    let text = String::deserialize(deserializer)?;
    JujuVersion::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no line of Juju releases")))
}

fn platform_of_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Platform, D::Error> {
    let text = String::deserialize(deserializer)?;
    // As it is shown, and as people write it.
    Platform::parse(&text.to_lowercase())
        .ok_or_else(|| D::Error::custom(format!("units run on machines or on Kubernetes, not on `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let check = |text: &str, is_application: bool, is_unit: bool| {
            assert_eq!((is_application_name(text), is_unit_name(text)), (is_application, is_unit), "{text}");
        };
        check("mysql", true, false);
        check("mysql-k8s", true, false);
        check("mysql/0", false, true);
        check("mysql/10", false, true);
        check("mysql/01", false, false);
        check("mysql-1", false, false);
        check("mysql/", false, false);
        check("", false, false);
        check("-", false, false);
    }

    #[test]
    fn versions_are_compared_by_number() {
        let check = |version: &str, expected: bool| {
            let juju = Juju::parse(version, Platform::Machine).unwrap();
            assert_eq!(juju.is_at_least(3, 6, 2), expected, "{version}");
        };
        check("3.6.1", false);
        check("3.6.2", true);
        check("3.6-beta1", false);
        check("3.10.0", true);
        check("4.0.0", true);
        check("2.9.51", false);
    }
}
