//! The machine of one charm as a graph: what a unit of it runs, and what may follow.
//!
//! A [`Graph`] has one cluster for the unit, and one for each endpoint, storage and container,
//! for secrets and for actions. None of it is written down anywhere: [`derive`] walks through
//! all that the machine can do with a charm that has one of the kind, so that the graph and
//! the machine cannot disagree. [`Path`] finds a sequence of hooks in a graph, and
//! [`mermaid`], [`svg`] and [`html`] draw both.

mod derive;
pub mod html;
mod layout;
pub mod mermaid;
mod path;
mod search;
mod shown;
pub mod svg;
mod untold;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::vocabulary::{HookKind, Name, Scope};
use crate::world::{Charm, Profile, Role};

pub use path::{Path, Stray, Traffic, Visit};

/// What a cluster is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The unit as a whole.
    Unit,
    /// Each relation of an endpoint.
    Endpoint(Name),
    /// Each instance of a storage.
    Storage(Name),
    /// A workload container, each notice of it and each check.
    Container(Name),
    /// Each secret, and each revision.
    Secrets,
    /// Each run of an action.
    Actions,
}

/// A part of the unit's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Until `start` was done once.
    Setup,
    /// From then on.
    Operation,
    /// `stop` and `remove`.
    Teardown,
}

/// Where a unit, or a part of it, can be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// It is not there yet. The unit is deployed, and has run nothing.
    Begin,
    /// The hook was the last one.
    Hook(Part, HookKind),
    /// The action was the last one.
    Action(Name),
    /// The unit has started, and is free to do whatever comes.
    Idle,
    /// The unit is being removed: before it started, after that, or after it stopped.
    Dying(Part),
    /// There is no agent: the pod is gone.
    Down,
    /// The unit is no more.
    Gone,
    /// Any hook, for what happens to all of them.
    AnyHook,
    /// A hook failed.
    Error,
}

/// A place, as a cluster shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which place it is.
    pub place: Place,
    /// What stands in it.
    pub label: String,
    /// The names of the hooks that lead to it, where the label is not the name itself.
    pub hooks: Vec<String>,
}

/// That one place may follow another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The index of the node that it leaves.
    pub from: usize,
    /// The index of the node that it leads to.
    pub to: usize,
    /// Whether it needs nothing out of the ordinary. The rest of the edges are for what
    /// happens while a unit is being set up.
    pub is_usual: bool,
}

/// Places that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// What it is about.
    pub subject: Subject,
    /// What stands above it.
    pub title: String,
    /// Its places.
    pub nodes: Vec<Node>,
    /// What may follow what.
    pub edges: Vec<Edge>,
}

impl Cluster {
    /// Returns the index of a place.
    pub fn node(&self, place: &Place) -> Option<usize> {
        self.nodes.iter().position(|node| node.place == *place)
    }

    /// Returns the index of the edge between two nodes.
    pub fn edge(&self, from: usize, to: usize) -> Option<usize> {
        self.edges.iter().position(|edge| edge.from == from && edge.to == to)
    }
}

/// The machine of a charm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The name of the charm.
    pub charm: Name,
    /// Which Juju, and on what.
    pub profile: Profile,
    /// The unit's cluster first.
    pub clusters: Vec<Cluster>,
}

impl Graph {
    /// Derives the graph of a charm. With quirks, it has what Juju does by mistake, too.
    pub fn of(name: impl Into<Name>, charm: &Arc<Charm>, profile: Profile, has_quirks: bool) -> Self {
        let charm_name = name.into();
        let derive = derive::Derivation::new(charm, profile, has_quirks);
        let mut clusters = vec![cluster(Subject::Unit, "the unit".to_owned(), &derive.unit(), charm)];
        // Endpoints of one kind are alike, and deriving takes a while.
        let mut by_kind: BTreeMap<(bool, bool), derive::Follows> = BTreeMap::new();
        for endpoint in &charm.endpoints {
            let kind = (endpoint.role == Role::Peer, endpoint.is_container_scoped);
            let follows = by_kind.entry(kind).or_insert_with(|| derive.endpoint(endpoint));
            let role = match endpoint.role {
                Role::Provides => "provides",
                Role::Requires => "requires",
                Role::Peer => "peers",
            };
            let interface = if endpoint.interface.is_empty() {
                String::new()
            } else {
                format!(" {}", endpoint.interface)
            };
            let title = format!("{}: {role}{interface}", endpoint.name);
            let subject = Subject::Endpoint(endpoint.name.clone());
            clusters.push(cluster(subject, title, follows, charm));
        }
        let follows = if charm.storages.is_empty() { derive::Follows::new() } else { derive.storage() };
        for storage in &charm.storages {
            let title = format!("{}: storage", storage.name);
            let subject = Subject::Storage(storage.name.clone());
            clusters.push(cluster(subject, title, &follows, charm));
        }
        let follows = if charm.containers.is_empty() { derive::Follows::new() } else { derive.container() };
        for container in &charm.containers {
            let title = format!("{container}: container");
            let subject = Subject::Container(container.clone());
            clusters.push(cluster(subject, title, &follows, charm));
        }
        clusters.push(cluster(Subject::Secrets, "secrets".to_owned(), &derive.secrets(), charm));
        clusters.push(cluster(Subject::Actions, "actions".to_owned(), &derive.actions(), charm));
        // What this Juju or this platform does not have, and what the charm does not have.
        clusters.retain(|cluster| !cluster.edges.is_empty());
        Self { charm: charm_name, profile, clusters }
    }

    /// Returns the cluster of a subject.
    pub fn cluster(&self, subject: &Subject) -> Option<usize> {
        self.clusters.iter().position(|cluster| cluster.subject == *subject)
    }
}

/// Makes a cluster of what may follow what.
fn cluster(subject: Subject, title: String, follows: &derive::Follows, charm: &Charm) -> Cluster {
    let mut places: Vec<Place> = follows.keys().flat_map(|(from, to)| [from.clone(), to.clone()]).collect();
    places.sort_by_key(rank);
    places.dedup();
    let index = |place: &Place| places.iter().position(|known| known == place).unwrap_or_default();
    let mut edges: Vec<Edge> = follows
        .iter()
        .map(|((from, to), is_usual)| Edge { from: index(from), to: index(to), is_usual: *is_usual })
        .collect();
    edges.sort_by_key(|edge| (edge.from, edge.to));
    let nodes = places.iter().map(|place| node(&subject, place, charm)).collect();
    Cluster { subject, title, nodes, edges }
}

/// Places in the order in which a unit usually meets them.
fn rank(place: &Place) -> (u8, usize, Name) {
    let order =
        |kind: &HookKind| SETUP_ORDER.iter().position(|known| known == kind).unwrap_or(SETUP_ORDER.len());
    let by_kind = |kind: &HookKind| {
        order(kind) * 100 + HookKind::ALL.iter().position(|known| known == kind).unwrap_or(0)
    };
    match place {
        Place::Begin => (0, 0, Name::default()),
        Place::Hook(Part::Setup, kind) => (1, by_kind(kind), Name::default()),
        Place::Idle => (2, 0, Name::default()),
        Place::Hook(Part::Operation, kind) => (3, by_kind(kind), Name::default()),
        Place::Action(name) => (4, 0, name.clone()),
        Place::Down => (5, 0, Name::default()),
        Place::Dying(part) => (6, *part as usize, Name::default()),
        Place::Hook(Part::Teardown, kind) => (7, by_kind(kind), Name::default()),
        Place::Gone => (8, 0, Name::default()),
        Place::AnyHook => (9, 0, Name::default()),
        Place::Error => (9, 1, Name::default()),
    }
}

/// The order of setup, for reading. What may follow what is derived.
const SETUP_ORDER: [HookKind; 8] = [
    HookKind::StorageAttached,
    HookKind::Install,
    HookKind::RelationCreated,
    HookKind::LeaderElected,
    HookKind::LeaderSettingsChanged,
    HookKind::UpgradeCharm,
    HookKind::ConfigChanged,
    HookKind::Start,
];

fn node(subject: &Subject, place: &Place, charm: &Charm) -> Node {
    let (label, hooks) = match place {
        Place::Begin => match subject {
            Subject::Unit => ("deployed".to_owned(), Vec::new()),
            Subject::Endpoint(_)
            | Subject::Storage(_)
            | Subject::Container(_)
            | Subject::Secrets
            | Subject::Actions => (String::new(), Vec::new()),
        },
        Place::Hook(_, kind) => (kind.suffix().to_owned(), hooks_of(subject, *kind, charm)),
        Place::Action(name) => (name.to_string(), vec![format!("{name}-action")]),
        Place::Idle => ("in operation".to_owned(), Vec::new()),
        Place::Dying(_) => ("being removed".to_owned(), Vec::new()),
        Place::Down => ("no pod".to_owned(), Vec::new()),
        Place::Gone => ("gone".to_owned(), Vec::new()),
        Place::AnyHook => ("any hook".to_owned(), Vec::new()),
        Place::Error => ("error".to_owned(), Vec::new()),
    };
    Node { place: place.clone(), label, hooks }
}

/// Returns the names of the hooks of a kind that a cluster is about.
fn hooks_of(subject: &Subject, kind: HookKind, charm: &Charm) -> Vec<String> {
    let named = |name: &Name| format!("{name}-{}", kind.suffix());
    match (subject, kind.scope()) {
        (Subject::Endpoint(name) | Subject::Storage(name) | Subject::Container(name), _) => vec![named(name)],
        (Subject::Unit, Scope::Relation) => {
            charm.endpoints.iter().map(|endpoint| named(&endpoint.name)).collect()
        }
        (Subject::Unit, Scope::Storage) => {
            charm.storages.iter().map(|storage| named(&storage.name)).collect()
        }
        (Subject::Unit, Scope::Unit | Scope::Container | Scope::Secret | Scope::Action)
        | (Subject::Secrets | Subject::Actions, _) => vec![kind.suffix().to_owned()],
    }
}
