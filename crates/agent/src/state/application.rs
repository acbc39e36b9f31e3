//! An application: what its charm declares, and what is set for all of its units.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use charmproof_charm::metadata::{self, CharmMetadata, OptionType, OptionValue};
use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StateError;
use super::secret::SecretId;
use super::unit::{Status, StatusKind, StorageKind};

/// Which side of a relation an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointRole {
    /// It offers something.
    Provides,
    /// It needs something.
    Requires,
    /// It connects the units of the application.
    Peer,
}

/// An endpoint that a charm declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Which side of a relation it is.
    pub role: EndpointRole,
    /// What both sides agree on.
    pub interface: String,
}

/// The type of a configuration option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ConfigType {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// The URI of a secret.
    Secret,
}

/// A configuration option, with the value that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigOption {
    /// The type of its value.
    pub kind: ConfigType,
    /// The value that it has while none is set.
    pub default: Option<Value>,
    /// The value that was set.
    pub value: Option<Value>,
}

impl ConfigOption {
    /// Returns the value that a charm sees.
    pub fn effective(&self) -> Option<&Value> {
        self.value.as_ref().or(self.default.as_ref())
    }

    /// Reads the value that a person wrote on a command line, as Juju does (juju/charm,
    /// `Option.parse`). `name` is that of the option, for who is told that it cannot be read.
    pub fn read(&self, name: &str, text: &str) -> Result<Value, StateError> {
        let value = match self.kind {
            ConfigType::String => Some(Value::from(text)),
            ConfigType::Int => text.parse::<i64>().ok().map(Value::from),
            ConfigType::Float => {
                text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
            }
            ConfigType::Boolean => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Value::from(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Value::from(false)),
                _ => None,
            },
            ConfigType::Secret => SecretId::parse(text).map(|_| Value::from(text)),
        };
        value.ok_or_else(|| StateError::WrongType {
            option: name.to_owned(),
            expected: self.kind.into(),
            value: text.to_owned(),
        })
    }

    /// Whether the option can have the value.
    pub fn accepts(&self, value: &Value) -> bool {
        match self.kind {
            ConfigType::String | ConfigType::Secret => value.is_string(),
            ConfigType::Int => value.is_i64(),
            ConfigType::Float => value.is_number(),
            ConfigType::Boolean => value.is_boolean(),
        }
    }
}

/// A storage that a charm declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageDeclaration {
    /// What it is to the charm.
    pub kind: StorageKind,
    /// How many instances a unit may have, if that is limited.
    pub count_max: Option<u32>,
    /// Where the charm wants it mounted.
    pub location: Option<String>,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name.
    pub name: Name,
    /// Whether nothing of it runs here: of such an application only the databags are known.
    pub is_outside: bool,
    /// Whether its units live beside those of another.
    pub is_subordinate: bool,
    /// Whether it was deployed with `--trust`.
    pub is_trusted: bool,
    /// The unit that leads it.
    pub leader: Option<Name>,
    /// Its endpoints.
    pub endpoints: BTreeMap<Name, Endpoint>,
    /// Names that addresses can be bound to and that are no endpoints.
    pub extra_bindings: BTreeSet<String>,
    /// Its configuration options.
    pub config: BTreeMap<String, ConfigOption>,
    /// The storages that its charm declares.
    pub storages: BTreeMap<Name, StorageDeclaration>,
    /// The names of its resources, and the files of those that are there.
    pub resources: BTreeMap<String, Option<Utf8PathBuf>>,
    /// The classes of payloads that its charm declares, with the type of each.
    pub payload_classes: BTreeMap<String, String>,
    /// What the leader has set; `None` until it has.
    pub status: Option<Status>,
    /// What the leader shares with `leader-set`.
    pub leader_settings: BTreeMap<String, String>,
    /// The specification of its pods, where the charm writes one.
    pub pod_spec: Option<String>,
    /// The same, as Kubernetes itself spells it.
    pub raw_pod_spec: Option<String>,
}

impl Application {
    /// Returns an application of which nothing is known but its name.
    pub fn new(name: impl Into<Name>) -> Self {
        Self {
            name: name.into(),
            is_outside: false,
            is_subordinate: false,
            is_trusted: false,
            leader: None,
            endpoints: BTreeMap::new(),
            extra_bindings: BTreeSet::new(),
            config: BTreeMap::new(),
            storages: BTreeMap::new(),
            resources: BTreeMap::new(),
            payload_classes: BTreeMap::new(),
            status: None,
            leader_settings: BTreeMap::new(),
            pod_spec: None,
            raw_pod_spec: None,
        }
    }

    /// Returns an application of which nothing runs here.
    pub fn outside(name: impl Into<Name>) -> Self {
        Self { is_outside: true, ..Self::new(name) }
    }

    /// Returns an application of a charm, as it is deployed: no option is set, and no
    /// resource is there.
    pub fn of_charm(name: impl Into<Name>, charm: &CharmMetadata) -> Self {
        let endpoints = charm.endpoints.iter().map(|endpoint| {
            let role = match endpoint.role {
                metadata::Role::Provides => EndpointRole::Provides,
                metadata::Role::Requires => EndpointRole::Requires,
                metadata::Role::Peer => EndpointRole::Peer,
            };
            let interface = endpoint.interface.clone().unwrap_or_default();
            (Name::from(endpoint.name.as_str()), Endpoint { role, interface })
        });
        let storages = charm.storages.iter().map(|storage| {
            let declaration = StorageDeclaration {
                kind: match storage.kind {
                    metadata::StorageKind::Filesystem => StorageKind::Filesystem,
                    metadata::StorageKind::Block => StorageKind::Block,
                },
                count_max: storage.count_max,
                location: storage.location.clone(),
            };
            (Name::from(storage.name.as_str()), declaration)
        });
        Self {
            is_subordinate: charm.subordinate,
            endpoints: endpoints.collect(),
            extra_bindings: charm.extra_bindings.iter().map(|(name, _)| name.clone()).collect(),
            config: charm.config_options.iter().map(config_option).collect(),
            storages: storages.collect(),
            resources: charm.resources.iter().map(|resource| (resource.name.clone(), None)).collect(),
            payload_classes: charm.payload_classes.iter().cloned().collect(),
            ..Self::new(name)
        }
    }

    /// Whether addresses can be bound to the name.
    pub(crate) fn has_binding(&self, name: &str) -> bool {
        self.endpoints.contains_key(name) || self.extra_bindings.contains(name) || name == "juju-info"
    }

    /// Returns the status that `juju status` shows for the application: what the leader
    /// has set, or else the worst of its units, the first of those that are as bad.
    pub fn shown_status<'a>(&self, units: impl Iterator<Item = &'a Status>, now: Timestamp) -> Status {
        self.status.clone().unwrap_or_else(|| {
            units
                .min_by_key(|status| Reverse(status.kind.severity()))
                .cloned()
                .unwrap_or_else(|| Status::new(StatusKind::Unknown, "", now))
        })
    }
}

fn config_option(declared: &metadata::ConfigOption) -> (String, ConfigOption) {
    let kind = match declared.kind {
        OptionType::String => ConfigType::String,
        OptionType::Int => ConfigType::Int,
        OptionType::Float => ConfigType::Float,
        OptionType::Boolean => ConfigType::Boolean,
        OptionType::Secret => ConfigType::Secret,
    };
    let default = declared.default.as_ref().and_then(|value| match value {
        // An empty text is a default like any other (`ReadConfig` of juju/charm leaves "" of a
        // text alone), and charms ask whether it is empty.
        OptionValue::String(text) | OptionValue::Secret(text) => Some(Value::from(text.clone())),
        OptionValue::Int(number) => Some(Value::from(*number)),
        OptionValue::Float(text) => text.parse::<f64>().ok().map(Value::from),
        OptionValue::Boolean(value) => Some(Value::from(*value)),
    });
    (declared.name.clone(), ConfigOption { kind, default, value: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        let check = |kind: ConfigType, text: &str, expected: Option<Value>| {
            let option = ConfigOption { kind, default: None, value: None };
            let read = option.read("option", text);
            assert!(read.as_ref().is_ok_and(|value| option.accepts(value)) == expected.is_some(), "{text}");
            assert_eq!(read.ok(), expected, "{text}");
        };
        check(ConfigType::String, "", Some("".into()));
        check(ConfigType::String, "80", Some("80".into()));
        check(ConfigType::Int, "-80", Some((-80).into()));
        check(ConfigType::Int, "80.0", None);
        check(ConfigType::Float, "1e3", Some(1000.0.into()));
        check(ConfigType::Float, "inf", None);
        check(ConfigType::Boolean, "True", Some(true.into()));
        check(ConfigType::Boolean, "0", Some(false.into()));
        check(ConfigType::Boolean, "yes", None);
        let id = "secret:9m4e2mr0ui3e8a215n4g";
        check(ConfigType::Secret, id, Some(id.into()));
        check(ConfigType::Secret, "password", None);
    }

    #[test]
    fn the_worst_unit_speaks_for_the_application() {
        use StatusKind::{Active, Blocked, Error, Maintenance, Terminated, Unknown, Waiting};
        let now = Timestamp::UNIX_EPOCH;
        let check = |units: &[(StatusKind, &str)], expected: (StatusKind, &str)| {
            let units: Vec<Status> =
                units.iter().map(|(kind, message)| Status::new(*kind, *message, now)).collect();
            let shown = Application::new("web").shown_status(units.iter(), now);
            assert_eq!((shown.kind, shown.message.as_str()), expected);
        };
        let all = [Error, Blocked, Maintenance, Waiting, Active, Terminated, Unknown];
        for pair in all.windows(2) {
            check(&[(pair[1], "milder"), (pair[0], "worse")], (pair[0], "worse"));
        }
        check(&[(Waiting, "first"), (Waiting, "second")], (Waiting, "first"));
        check(&[], (Unknown, ""));
    }
}
