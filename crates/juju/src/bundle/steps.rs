//! What is to be done for a bundle, one thing after another.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bundle::charm_name::CharmSource;
use crate::bundle::data::{BundleApplication, ExposedEndpoint};
use crate::values::go::quote;

/// A thing to do. Machines are named by the ids that they will have if nobody else adds machines
/// meanwhile; who does the steps keeps track of the ids that they really get.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Have a charm ready.
    UploadCharm {
        /// The charm: a whole path, or a name.
        charm: String,
        /// The revision on Charmhub.
        revision: Option<i64>,
        /// The channel on Charmhub.
        channel: String,
        /// The base in full, or nothing.
        base: String,
        /// The architecture.
        architecture: String,
    },
    /// Deploy an application, without units in a machine model.
    Deploy {
        /// Its name.
        name: String,
        /// What the bundle says of it.
        application: Box<BundleApplication>,
        /// How many units to start with, in a Kubernetes model.
        unit_count: i64,
        /// The base in full, or nothing.
        base: String,
    },
    /// Change settings of an application that is there.
    SetOptions {
        /// The application.
        application: String,
        /// The settings.
        options: BTreeMap<String, Value>,
    },
    /// Change constraints of an application that is there.
    SetConstraints {
        /// The application.
        application: String,
        /// The constraints, as text.
        constraints: String,
    },
    /// Change the number of units of a Kubernetes application that is there.
    Scale {
        /// The application.
        application: String,
        /// How many units.
        unit_count: i64,
    },
    /// Let others reach an application.
    Expose {
        /// The application.
        application: String,
        /// Who may reach which endpoint. Everyone may reach all, if it is empty.
        endpoints: BTreeMap<String, ExposedEndpoint>,
    },
    /// Annotate an application or a machine.
    SetAnnotations {
        /// The application's name, or the planned id of the machine.
        target: String,
        /// Whether it is a machine.
        is_machine: bool,
        /// What Juju calls the target.
        shown_as: String,
        /// The annotations.
        annotations: BTreeMap<String, String>,
    },
    /// Add a machine, or a container on one.
    AddMachine {
        /// Its planned id.
        machine: String,
        /// Its id in the bundle.
        bundle_machine: Option<String>,
        /// The kind of container, and the planned id of the machine that it is on. A machine that
        /// no step has added is added with its container.
        container: Option<(String, String)>,
        /// Whether the machine below the container was there before.
        is_on_existing: bool,
        /// The base in full, or nothing.
        base: String,
        /// Constraints, as text.
        constraints: String,
    },
    /// Consume an offer.
    Consume {
        /// Its URL.
        url: String,
        /// What it is called here.
        name: String,
    },
    /// Offer endpoints of an application.
    Offer {
        /// The offer's name.
        offer: String,
        /// The application.
        application: String,
        /// The endpoints.
        endpoints: Vec<String>,
        /// Whether there is such an offer already.
        is_update: bool,
    },
    /// Give a user access to an offer.
    GrantOffer {
        /// The user.
        user: String,
        /// What the user may do.
        access: String,
        /// The offer.
        offer: String,
    },
    /// Integrate two applications.
    Integrate {
        /// One endpoint.
        one: String,
        /// The other.
        other: String,
    },
    /// Add a unit.
    AddUnit {
        /// The application.
        application: String,
        /// The unit's planned name.
        unit: String,
        /// Where.
        machine: PlannedMachine,
        /// Which unit or application it is to be beside, as the bundle says it.
        directive: Option<String>,
    },
}

/// The machine of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedMachine {
    /// A new one, made for the unit, with this planned id.
    ForUnit(String),
    /// One of an earlier step, by its planned id.
    Planned(String),
    /// One that is there.
    Existing(String),
}

impl PlannedMachine {
    /// The planned id, or the real one of a machine that is there.
    pub fn id(&self) -> &str {
        match self {
            Self::ForUnit(id) | Self::Planned(id) | Self::Existing(id) => id,
        }
    }

    /// What Juju calls it. A container has no more than its id.
    fn shown(&self) -> String {
        match self {
            Self::ForUnit(id) | Self::Planned(id) if !id.contains('/') => format!("new machine {id}"),
            Self::Existing(id) if !id.contains('/') => format!("existing machine {id}"),
            Self::ForUnit(id) | Self::Planned(id) | Self::Existing(id) => id.clone(),
        }
    }
}

impl Step {
    /// The lines that Juju prints for the step, without the hyphen in front.
    pub fn descriptions(&self) -> Vec<String> {
        let line = match self {
            Self::UploadCharm { charm, revision, channel, base, architecture } => {
                let source = CharmSource::parse(charm).ok();
                let name = source.as_ref().and_then(CharmSource::name).unwrap_or(charm);
                let location = source.as_ref().map_or("", CharmSource::location);
                let base = if base.is_empty() { String::new() } else { format!(" for base {base}") };
                let version = match revision.filter(|revision| *revision >= 0) {
                    Some(revision) => format!(" with revision {revision}"),
                    None if channel.is_empty() => String::new(),
                    None => format!(" from channel {channel}"),
                };
                let architecture = if architecture.is_empty() {
                    String::new()
                } else {
                    format!(" with architecture={architecture}")
                };
                format!("upload charm {name}{location}{base}{version}{architecture}")
            }
            Self::Deploy { name, application, unit_count, base } => {
                let source = CharmSource::parse(&application.charm).ok();
                let charm = source.as_ref().and_then(CharmSource::name);
                let location = source.as_ref().map_or("", CharmSource::location);
                let units = match unit_count {
                    count if *count <= 0 => String::new(),
                    1 => " with 1 unit".to_owned(),
                    count => format!(" with {count} units"),
                };
                let base = if base.is_empty() { String::new() } else { format!(" on {base}") };
                let channel = if application.channel.is_empty() {
                    String::new()
                } else {
                    format!(" with {}", application.channel)
                };
                let using = charm
                    .filter(|charm| charm != name)
                    .map(|charm| format!(" using {charm}"))
                    .unwrap_or_default();
                format!("deploy application {name}{location}{units}{base}{channel}{using}")
            }
            Self::SetOptions { application, .. } => format!("set application options for {application}"),
            Self::SetConstraints { application, constraints } => {
                format!("set constraints for {application} to {}", quote(constraints))
            }
            Self::Scale { application, unit_count } => format!("scale {application} to {unit_count} units"),
            Self::Expose { application, endpoints } => return exposure(application, endpoints),
            Self::SetAnnotations { shown_as, .. } => format!("set annotations for {shown_as}"),
            Self::AddMachine { machine, bundle_machine, container, is_on_existing, .. } => {
                let word = if *is_on_existing { "existing" } else { "new" };
                let id = container.as_ref().map_or(machine, |(_, parent)| parent);
                let of_bundle = bundle_machine
                    .as_ref()
                    .filter(|bundle_machine| *bundle_machine != id)
                    .map(|bundle_machine| format!(" (bundle machine {bundle_machine})"))
                    .unwrap_or_default();
                let shown = format!("{word} machine {id}{of_bundle}");
                match container {
                    Some((kind, _)) => format!("add {kind} container {machine} on {shown}"),
                    None => format!("add {shown}"),
                }
            }
            Self::Consume { url, name } => format!("consume offer {name} at {url}"),
            Self::Offer { offer, application, endpoints, is_update } => {
                let verb = if *is_update { "update" } else { "create" };
                format!("{verb} offer {offer} using {application}:{}", endpoints.join(","))
            }
            Self::GrantOffer { user, access, offer } => {
                format!("grant user {user} {access} access to offer {offer}")
            }
            Self::Integrate { one, other } => format!("add relation {one} - {other}"),
            Self::AddUnit { unit, machine, directive, .. } => {
                let satisfied = directive
                    .as_ref()
                    .map(|directive| format!(" to satisfy [{directive}]"))
                    .unwrap_or_default();
                format!("add unit {unit} to {}{satisfied}", machine.shown())
            }
        };
        vec![line]
    }
}

/// A line for all endpoints, and one for each group of endpoints that the same may reach.
fn exposure(application: &str, endpoints: &BTreeMap<String, ExposedEndpoint>) -> Vec<String> {
    const EVERYWHERE: &str = "CIDRs 0.0.0.0/0 and ::/0";
    if endpoints.is_empty() {
        return vec![format!("expose all endpoints of {application} and allow access from {EVERYWHERE}")];
    }
    let mut groups: Vec<(Vec<&str>, &ExposedEndpoint)> = Vec::new();
    for (endpoint, exposed) in endpoints {
        // What holds for all endpoints is never told together with what holds for one.
        let alike = groups.iter_mut().find(|(names, other)| *other == exposed && !names[0].is_empty());
        match alike {
            Some((names, _)) => names.push(endpoint),
            None => groups.push((vec![endpoint], exposed)),
        }
    }
    let plural = |count: usize| if count > 1 { "s" } else { "" };
    let lines = groups.into_iter().map(|(names, exposed)| {
        let what = if names[0].is_empty() {
            "expose all endpoints".to_owned()
        } else {
            let names_shown = names.join(",");
            format!("override expose settings for endpoint{} {names_shown}", plural(names.len()))
        };
        let (mut spaces, mut cidrs) = (exposed.spaces.clone(), exposed.cidrs.clone());
        spaces.sort();
        cidrs.sort();
        let mut sources = Vec::new();
        if !spaces.is_empty() {
            sources.push(format!("space{} {}", plural(spaces.len()), spaces.join(",")));
        }
        if !cidrs.is_empty() {
            sources.push(format!("CIDR{} {}", plural(cidrs.len()), cidrs.join(",")));
        }
        let sources = if sources.is_empty() { EVERYWHERE.to_owned() } else { sources.join(" and ") };
        format!("{what} of {application} and allow access from {sources}")
    });
    lines.collect()
}
