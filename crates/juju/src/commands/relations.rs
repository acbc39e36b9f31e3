//! `integrate` and `remove-relation`.

use charmproof_agent::state::{RelationEnd, RelationEnds};
use charmproof_lifecycle::machine::IllegalEvent;
use charmproof_lifecycle::model::{IllegalModelEvent, Target};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use charmproof_lifecycle::world::Role;

use super::{Context, failed};
use crate::controller::ModelError;
use crate::controller::data::ModelData;
use crate::session::{CommandError, CommandResult};

/// The endpoint that every application has without declaring it.
pub(crate) const JUJU_INFO: &str = "juju-info";

/// An endpoint that could be one end of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) application: Name,
    pub(crate) endpoint: Name,
    role: Role,
    interface: String,
    is_container_scoped: bool,
    is_subordinate: bool,
    is_implicit: bool,
    is_remote: bool,
}

/// Returns the endpoints that a word may mean: `web`, or `web:db`.
fn ends(model: &ModelData, word: &str) -> Result<Vec<End>, CommandError> {
    let (name, endpoint) =
        word.split_once(':').map_or((word, None), |(name, endpoint)| (name, Some(endpoint)));
    let mut all = Vec::new();
    if let Some(remote) = model.remotes.get(name) {
        for (endpoint, (interface, provides)) in &remote.endpoints {
            all.push(End {
                application: name.into(),
                endpoint: endpoint.as_str().into(),
                role: if *provides { Role::Provides } else { Role::Requires },
                interface: interface.clone(),
                is_container_scoped: false,
                is_subordinate: false,
                is_implicit: false,
                is_remote: true,
            });
        }
    } else {
        let application = super::units::application(model, name)?;
        let charm = model
            .lifecycle
            .applications()
            .find(|(known, _)| **known == application)
            .map(|(_, charm)| charm.clone());
        let Some(charm) = charm else {
            return Err(CommandError::failed(format!("application \"{name}\" not found")));
        };
        let declared = charm.endpoints.iter().filter(|declared| declared.role != Role::Peer);
        for declared in declared.filter(|declared| declared.name != *JUJU_INFO) {
            all.push(End {
                application: application.clone(),
                endpoint: declared.name.clone(),
                role: declared.role,
                interface: declared.interface.to_string(),
                is_container_scoped: declared.is_container_scoped,
                is_subordinate: charm.is_subordinate,
                is_implicit: false,
                is_remote: false,
            });
        }
        all.push(End {
            application: application.clone(),
            endpoint: JUJU_INFO.into(),
            role: Role::Provides,
            interface: JUJU_INFO.to_owned(),
            is_container_scoped: false,
            is_subordinate: charm.is_subordinate,
            is_implicit: true,
            is_remote: false,
        });
    }
    if let Some(endpoint) = endpoint {
        all.retain(|end| end.endpoint == *endpoint);
        if all.is_empty() {
            return Err(CommandError::failed(format!(
                "application \"{name}\" has no \"{endpoint}\" relation"
            )));
        }
    }
    Ok(all)
}

/// Finds the two endpoints that words mean (state/state.go, `InferEndpoints`).
pub(crate) fn infer(model: &ModelData, one: &str, other: &str) -> Result<(End, End), CommandError> {
    let (near, far) = (ends(model, one)?, ends(model, other)?);
    let mut candidates = Vec::new();
    for a in &near {
        for b in &far {
            let fits = matches!(
                (a.role, b.role),
                (Role::Provides, Role::Requires) | (Role::Requires, Role::Provides)
            );
            let is_container = a.is_container_scoped || b.is_container_scoped;
            let has_place =
                !is_container || ((a.is_subordinate || b.is_subordinate) && !a.is_remote && !b.is_remote);
            if fits && a.interface == b.interface && a.application != b.application && has_place {
                candidates.push((a.clone(), b.clone()));
            }
        }
    }
    if candidates.len() > 1 {
        candidates.retain(|(a, b)| !a.is_implicit && !b.is_implicit);
    }
    let mut found = candidates.into_iter();
    match (found.next(), found.next()) {
        (Some(pair), None) => Ok(pair),
        (None, _) => Err(CommandError::failed("no relations found")),
        (Some(first), Some(second)) => {
            let mut keys: Vec<String> = [first, second]
                .into_iter()
                .chain(found)
                .map(|(a, b)| key(&a, &b))
                .map(|key| format!("\"{key}\""))
                .collect();
            keys.sort();
            Err(CommandError::failed(format!(
                "ambiguous relation: \"{one} {other}\" could refer to {}",
                keys.join("; ")
            )))
        }
    }
}

/// Returns how Juju names a relation: who requires comes first.
pub(crate) fn key(a: &End, b: &End) -> String {
    let (first, second) = if a.role == Role::Requires { (a, b) } else { (b, a) };
    format!("{}:{} {}:{}", first.application, first.endpoint, second.application, second.endpoint)
}

/// `integrate`
pub(super) fn integrate(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let words = [context.word(0).to_owned(), context.word(1).to_owned()];
    let words = super::offers::consume_words(context, &uuid, words)?;
    connect(context, &uuid, &words[0], &words[1])
}

/// Integrates what two words mean.
pub(crate) fn connect(context: &Context<'_>, uuid: &str, one: &str, other: &str) -> CommandResult {
    context.change(uuid, |model| {
        let (a, b) = infer(model, one, other)?;
        let key = key(&a, &b);
        // They are looked at in the order of the words (state/state.go, `AddRelation`).
        if let Some(dying) = [&a, &b].into_iter().find(|end| is_dying(model, &end.application)) {
            let why = format!("application \"{}\" is not alive", dying.application);
            return Err(CommandError::failed(format!("cannot add relation \"{key}\": {why}")));
        }
        let is_there = model.state.relations.values().find(|relation| match &relation.ends {
            RelationEnds::Peer(_) => false,
            RelationEnds::Between(x, y) => {
                let is = |end: &RelationEnd, of: &End| end.application == of.application && end.endpoint == of.endpoint;
                (is(x, &a) && is(y, &b)) || (is(x, &b) && is(y, &a))
            }
        });
        if let Some(relation) = is_there {
            let why = if relation.is_dying { format!("relation {key} is dying, but not yet removed") } else { format!("relation {key} already exists (already exists)") };
            return Err(CommandError::failed(format!("cannot add relation \"{key}\": {why}")));
        }
        if a.is_remote && b.is_remote {
            return Err(CommandError::failed("cannot add relation between two remote applications"));
        }
        let (near, far) = if a.is_remote { (&b, &a) } else { (&a, &b) };
        let id = model.lifecycle.next_relation();
        let stimulus = Stimulus::Integrate {
            relation: id,
            endpoint: near.endpoint.clone(),
            remote_app: far.application.clone(),
            remote_endpoint: Some(far.endpoint.clone()),
        };
        let target = Target::Application(near.application.clone());
        model.poke(&target, &stimulus).map_err(|error| match error {
            ModelError::Illegal(IllegalModelEvent::Unit(IllegalEvent::Full { name, .. })) => {
                let full = if near.endpoint == name { near } else { far };
                CommandError::failed(format!(
                    "cannot add relation \"{key}\": establishing a new relation for {}:{} would exceed its maximum relation limit of {}",
                    full.application,
                    full.endpoint,
                    limit(model, full)
                ))
            }
            error => failed(error),
        })?;
        super::subordinates::place(model, id);
        Ok(())
    })
}

/// Whether an application, of here or of another model, is on its way out.
fn is_dying(model: &ModelData, name: &Name) -> bool {
    model.applications.get(name).is_some_and(|data| data.is_dying)
        || model.remotes.get(name).is_some_and(|remote| remote.is_dying)
}

/// Returns how Juju names a relation that is there.
pub(super) fn key_of(model: &ModelData, a: &RelationEnd, b: &RelationEnd) -> String {
    let requires = |end: &RelationEnd| {
        let charm = model.lifecycle.applications().find(|(name, _)| **name == end.application);
        charm
            .and_then(|(_, charm)| charm.endpoint(&end.endpoint))
            .is_some_and(|found| found.role == Role::Requires)
    };
    let (first, second) = if requires(b) { (b, a) } else { (a, b) };
    format!("{}:{} {}:{}", first.application, first.endpoint, second.application, second.endpoint)
}

fn limit(model: &ModelData, end: &End) -> u32 {
    let charm = model.lifecycle.applications().find(|(name, _)| **name == end.application);
    charm.and_then(|(_, charm)| charm.endpoint(&end.endpoint)?.limit).unwrap_or_default()
}

/// `remove-relation`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let words = context.parsed.positionals.clone();
    context.change(&uuid, |model| {
        let id = match words.as_slice() {
            [id] => {
                let number: u32 = id.parse().map_err(|_| {
                    CommandError::Usage("a relation must involve two applications".to_owned())
                })?;
                model
                    .state
                    .relations
                    .get(&number)
                    .filter(|relation| !relation.is_peer())
                    .map(|relation| relation.id)
                    .ok_or_else(|| CommandError::failed(format!("relation {number} not found")))?
            }
            _ => find(model, &words[0], &words[1])?,
        };
        if model.state.relations.get(&id).is_some_and(|relation| relation.is_dying) {
            return Ok(());
        }
        model.remove_relation(id).map_err(failed)?;
        super::subordinates::displace(model);
        Ok(())
    })
}

/// Finds the relation between what two words mean (state/state.go, `InferActiveRelation`).
fn find(model: &ModelData, one: &str, other: &str) -> Result<u32, CommandError> {
    let part = |word: &str| -> (String, Option<String>) {
        let (name, endpoint) =
            word.split_once(':').map_or((word, None), |(name, endpoint)| (name, Some(endpoint.to_owned())));
        (name.to_owned(), endpoint)
    };
    let ((a, a_endpoint), (b, b_endpoint)) = (part(one), part(other));
    for name in [&a, &b] {
        if !model.remotes.contains_key(name.as_str()) {
            super::units::application(model, name)?;
        }
    }
    let is = |end: &RelationEnd, name: &str, endpoint: &Option<String>| {
        end.application == name && endpoint.as_ref().is_none_or(|endpoint| end.endpoint == endpoint.as_str())
    };
    let found = model.state.relations.values().filter(|relation| match &relation.ends {
        RelationEnds::Peer(_) => false,
        RelationEnds::Between(x, y) => {
            (is(x, &a, &a_endpoint) && is(y, &b, &b_endpoint))
                || (is(y, &a, &a_endpoint) && is(x, &b, &b_endpoint))
        }
    });
    let found: Vec<(u32, String)> = found
        .filter_map(|relation| match &relation.ends {
            RelationEnds::Peer(_) => None,
            RelationEnds::Between(x, y) => Some((relation.id, key_of(model, x, y))),
        })
        .collect();
    match found.as_slice() {
        [] => Err(CommandError::failed(format!("relation matching \"{one} {other}\" not found"))),
        [(id, _)] => Ok(*id),
        several => {
            let keys: Vec<String> = several.iter().map(|(_, key)| format!("\"{key}\"")).collect();
            Err(CommandError::failed(format!(
                "ambiguous relation: \"{one} {other}\" could refer to {}",
                keys.join("; ")
            )))
        }
    }
}
