//! A life: what it says of itself, and its steps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smol_str::SmolStr;

use super::super::{About, event, outcome};
use super::State;
use crate::rules::{DeclaredCharm, DeclaredEndpoint, Event, Markers, Start};
use crate::vocabulary::{Hook, JujuVersion, Marker, Name, Platform, Remote};

/// What a life or a trace says of itself.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) schema: Option<u64>,
    juju: Option<String>,
    platform: Option<String>,
    charms: BTreeMap<Name, Arc<DeclaredCharm>>,
}

#[derive(Deserialize)]
struct CharmObject {
    #[serde(default)]
    name: Name,
    #[serde(default)]
    endpoints: Vec<EndpointObject>,
    #[serde(default)]
    storages: Vec<StorageObject>,
    #[serde(default)]
    containers: Vec<Name>,
    #[serde(default)]
    actions: Vec<Name>,
}

#[derive(Deserialize)]
struct EndpointObject {
    name: Name,
    #[serde(default)]
    role: SmolStr,
    #[serde(default)]
    scope: SmolStr,
}

#[derive(Deserialize)]
struct StorageObject {
    name: Name,
    multiple: Option<String>,
}

impl Head {
    /// Takes the value of a key, if it is one of a head.
    pub(super) fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "schema" => self.schema = Some(map.next_value()?),
            "juju" => self.juju = map.next_value()?,
            "platform" => self.platform = map.next_value()?,
            "charms" => {
                for charm in map.next_value::<Vec<CharmObject>>()? {
                    self.add(charm);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes the charm that the life is about. A trace only has its name.
    pub(super) fn charm(&mut self, value: serde_json::Value) -> Result<(), serde_json::Error> {
        if value.is_object() {
            self.add(serde_json::from_value(value)?);
        }
        Ok(())
    }

    fn add(&mut self, charm: CharmObject) {
        let endpoint = |endpoint: EndpointObject| {
            let declared = DeclaredEndpoint {
                is_peer: endpoint.role == "peer",
                is_container_scoped: endpoint.scope == "container",
            };
            (endpoint.name, declared)
        };
        let storage = |storage: StorageObject| (storage.name, storage.multiple.as_deref().map_or(1, minimum));
        let declared = DeclaredCharm {
            endpoints: charm.endpoints.into_iter().map(endpoint).collect(),
            storages: charm.storages.into_iter().map(storage).collect(),
            containers: charm.containers.into_iter().collect(),
            actions: charm.actions.into_iter().collect(),
            may_be_other_revision: false,
        };
        self.charms.insert(charm.name, Arc::new(declared));
    }

    /// Returns what a life has said of itself so far.
    pub(super) fn about(&self) -> About {
        About {
            version: self.juju.as_deref().and_then(JujuVersion::parse),
            platform: self.platform.as_deref().and_then(Platform::parse),
            markers: Markers::All,
            charms: self.charms.clone(),
            ..About::default()
        }
    }
}

/// Returns the least of `0-`, `1-3`, `2+` or `2`.
fn minimum(multiple: &str) -> u32 {
    let digits = multiple.trim().split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// The steps of a life, which are handed on one by one.
pub(super) struct Steps<'state, 'receiver> {
    state: &'state mut State<'receiver>,
    place: &'state str,
    about: &'state About,
}

impl<'state, 'receiver> Steps<'state, 'receiver> {
    pub(super) fn new(state: &'state mut State<'receiver>, place: &'state str, about: &'state About) -> Self {
        Self { state, place, about }
    }
}

/// A step, as far as the judge needs it.
#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    phase: SmolStr,
    unit: Option<SmolStr>,
    stimulus: Option<SmolStr>,
    hook: Option<SmolStr>,
    marker: Option<SmolStr>,
    outcome: Option<SmolStr>,
    relation_id: Option<u32>,
    remote_app: Option<Name>,
    remote_unit: Option<Name>,
    departing_unit: Option<Name>,
    storage_id: Option<Name>,
    notice_key: Option<Name>,
    check: Option<Name>,
    secret_id: Option<Name>,
    secret_revision: Option<u32>,
    /// The environment of a hook says nothing that its keys do not say.
    #[serde(default, rename = "env")]
    _env: IgnoredAny,
}

impl<'de> DeserializeSeed<'de> for Steps<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Steps<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of steps")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { state, place, about } = self;
        state.receiver.begins(about);
        let mut number = 0;
        let mut is_whole = false;
        while let Some(step) = list.next_element::<Step>()? {
            number += 1;
            // Who shows some phases only leaves out the deployment.
            is_whole |= number == 1 && step.phase == "setup";
            let unit = step.unit.as_deref();
            if let (Some("deploy"), Some(unit)) = (step.stimulus.as_deref(), unit) {
                state.receiver.unit_begins(unit, Start::Deployment);
            } else if let (true, Some(unit)) = (is_whole, unit) {
                state.receiver.unit_begins(unit, Start::Deployment);
            }
            let here = || format!("{place}, step {number}");
            if let Some(marker) = step.marker.as_deref() {
                // A later charmproof may have markers that this one does not know.
                let known = Marker::ALL.into_iter().find(|known| known.name() == marker);
                if let Some(marker) = known {
                    state.receiver.event(unit, number, &Event::Marker(marker));
                }
            } else if let Some(name) = step.hook.as_deref() {
                let told =
                    outcome(step.outcome.as_deref(), here).and_then(|outcome| event(name, outcome, here));
                let mut event = told.map_err(|error| state.stop::<A::Error>(error))?;
                let unit = step.unit.clone();
                if let Event::Hook { hook, .. } = &mut event {
                    fill(hook, step);
                }
                state.receiver.event(unit.as_deref(), number, &event);
            }
            (state.passed)();
        }
        state.receiver.ends();
        Ok(())
    }
}

/// Gives the hook what a step says about it.
fn fill(hook: &mut Hook, step: Step) {
    hook.relation_id = step.relation_id;
    hook.remote = match (step.remote_unit, &step.remote_app) {
        (Some(unit), _) => Remote::Unit(unit),
        (None, Some(_)) => Remote::Application,
        (None, None) => Remote::Unknown,
    };
    hook.remote_app = step.remote_app;
    hook.departing_unit = step.departing_unit;
    hook.storage_id = step.storage_id;
    hook.notice = step.notice_key;
    hook.check = step.check;
    hook.secret_id = step.secret_id;
    hook.secret_revision = step.secret_revision;
}
