//! Relations between models: what units of one model see of those of another.
//!
//! A relation between models has a number in each. Where it is consumed, its far end is an
//! application under the name that people gave it, and its units are called after that. Where it
//! is offered, the far end is `remote-` with a number that nobody chose, and no person sees it. Both
//! models keep what they see of the other as if it was their own; [`follow`] brings that up to date
//! each time that one of them has changed. To do so again changes nothing.
//!
//! What a single relation carries is in `mirror`, secrets are in `secrets`. What people do with offers
//! is in `commands::offers`.

mod mirror;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use charmproof_agent::state::{RelationEnd, RelationEnds, Secret, application_of};
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use sha2::{Digest as _, Sha256};

use crate::commands::shown_application_status;
use crate::controller::Held;
use crate::controller::data::{ModelData, RemoteApplicationData};

/// How an application is shown whose offer is gone, and why.
const TERMINATED: &str = "terminated";
const OFFER_REMOVED: &str = "offer has been removed";
/// How often news of one model may lead to news of the next. What one model tells another makes units
/// there run hooks and nothing else at once, so there is never much left for the second time.
const ROUNDS_MAX: usize = 8;

/// Brings all models that are related to one that has changed to the same knowledge.
pub(crate) fn follow(held: &mut Held) {
    if held.models().all(|model| model.remotes.is_empty()) {
        return;
    }
    let mut news = held.touched();
    for _ in 0..ROUNDS_MAX {
        let mut next = BTreeSet::new();
        for (consuming, offering) in pairs(held, &news) {
            let changed = match (held.model(&consuming), held.model(&offering)) {
                (Some(_), Some(_)) => held.change_both(&consuming, &offering, settle),
                (Some(_), None) => {
                    [held.model_mut(&consuming).is_some_and(|model| lose_offers(model, &offering)), false]
                }
                (None, Some(_)) => {
                    [false, held.model_mut(&offering).is_some_and(|model| lose_consumers(model, &consuming))]
                }
                (None, None) => [false; 2],
            };
            for (uuid, _) in [consuming, offering].into_iter().zip(changed).filter(|(_, is_new)| *is_new) {
                next.insert(uuid);
            }
        }
        if next.is_empty() {
            return;
        }
        news = next;
    }
}

/// Returns who consumes of whom, as far as one of both has changed: the models' ids.
fn pairs(held: &Held, news: &BTreeSet<String>) -> BTreeSet<(String, String)> {
    let all = held.models().flat_map(|model| {
        model.remotes.values().map(|remote| match remote.url {
            Some(_) => (model.uuid.clone(), remote.model_uuid.clone()),
            None => (remote.model_uuid.clone(), model.uuid.clone()),
        })
    });
    all.filter(|(consuming, offering)| news.contains(consuming) || news.contains(offering)).collect()
}

/// Brings two models to the same knowledge. Returns which of them has changed.
fn settle(consuming: &mut ModelData, offering: &mut ModelData) -> [bool; 2] {
    let mut changed = [false; 2];
    let aliases: Vec<Name> = consuming
        .remotes
        .iter()
        .filter(|(_, remote)| remote.url.is_some() && remote.model_uuid == offering.uuid)
        .map(|(alias, _)| alias.clone())
        .collect();
    for alias in &aliases {
        changed[0] |= follow_status(consuming, offering, alias);
        for relation in relations_of(consuming, alias) {
            if connect(consuming, offering, alias, relation).is_some() {
                changed = [true; 2];
            }
        }
    }
    let mut ends = Vec::new();
    for (name, here, there) in connections(offering, &consuming.uuid) {
        let [is_ended_there, is_ended_here] = follow_removal(consuming, offering, there, here);
        changed = [changed[0] | is_ended_there, changed[1] | is_ended_here];
        ends.extend(mirror::ends(consuming, offering, &name, there, here));
    }
    for pair in &ends {
        let [consumed, offered] = mirror::settle(consuming, offering, pair);
        changed = [changed[0] | consumed, changed[1] | offered];
    }
    let [consumed, offered] = secrets::settle(consuming, offering, &ends);
    changed = [changed[0] | consumed, changed[1] | offered];
    changed[1] |=
        forget_connections(offering, &consuming.uuid, |there| consuming.state.relations.contains_key(&there));
    changed[0] |= forget_consumed(consuming);
    changed
}

/// Returns the relations of an application of another model.
fn relations_of(model: &ModelData, application: &Name) -> Vec<u32> {
    let relations = model.state.relations.values();
    relations.filter(|relation| relation.end_of(application).is_some()).map(|relation| relation.id).collect()
}

/// Returns the relations that a model consumes of this one: the far end, the number here, and there.
fn connections(offering: &ModelData, consuming: &str) -> Vec<(Name, u32, u32)> {
    let consumers =
        offering.remotes.iter().filter(|(_, remote)| remote.url.is_none() && remote.model_uuid == consuming);
    consumers
        .flat_map(|(name, remote)| {
            remote.connections.iter().map(|(here, there)| (name.clone(), *here, *there))
        })
        .collect()
}

/// Shows how an application of another model is, and ends its relations when its offer is gone.
fn follow_status(consuming: &mut ModelData, offering: &ModelData, alias: &Name) -> bool {
    let Some(remote) = consuming.remotes.get_mut(alias) else { return false };
    let offered = offering.offers.get(&remote.offer).map(|offer| &offer.application);
    // An offer that comes again under the same name is another one, which is to be consumed anew.
    let Some(application) =
        offered.filter(|application| **application == remote.application && !remote.is_withdrawn)
    else {
        return terminate(consuming, alias);
    };
    let status = shown_application_status(offering, application);
    let seen = (status.kind.name().to_owned(), status.message);
    if remote.status.as_ref() == Some(&seen) {
        return false;
    }
    remote.status = Some(seen);
    remote.since = status.since;
    true
}

fn terminate(consuming: &mut ModelData, alias: &Name) -> bool {
    let mut is_new = false;
    if let Some(remote) = consuming.remotes.get_mut(alias)
        && !remote.is_withdrawn
    {
        remote.is_withdrawn = true;
        remote.status = Some((TERMINATED.to_owned(), OFFER_REMOVED.to_owned()));
        remote.since = jiff::Timestamp::now();
        is_new = true;
    }
    for relation in relations_of(consuming, alias) {
        is_new |= end(consuming, relation);
    }
    is_new
}

/// Lets a relation end, if it does not yet.
fn end(model: &mut ModelData, relation: u32) -> bool {
    let is_alive = model.state.relations.get(&relation).is_some_and(|relation| !relation.is_dying);
    is_alive && model.remove_relation(relation).is_ok()
}

/// Returns how the offering side calls who consumes: always the same for the same.
fn consumer_name(consuming: &ModelData, alias: &Name, application: &Name) -> Name {
    let digest = Sha256::digest(format!("{} {alias} {application}", consuming.uuid));
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Name::new(&format!("remote-{hex}"))
}

/// Makes a relation that somebody consumes known to who offers it, if it is not. `None` if nothing
/// was made.
fn connect(consuming: &mut ModelData, offering: &mut ModelData, alias: &Name, relation: u32) -> Option<()> {
    let known = consuming.state.relations.get(&relation).filter(|relation| !relation.is_dying)?;
    let (near, far) = ends_of(&known.ends, alias)?;
    let name = consumer_name(consuming, alias, &near.application);
    let is_connected = offering
        .remotes
        .get(&name)
        .is_some_and(|remote| remote.connections.values().any(|id| *id == relation));
    if is_connected {
        return None;
    }
    let remote = consuming.remotes.get(alias)?;
    let offer = offering.offers.get(&remote.offer)?;
    let endpoint = offer.endpoints.get(far.endpoint.as_str())?;
    let declared = consuming.state.applications.get(&near.application)?.endpoints.get(&near.endpoint);
    let (interface, provides) = remote.endpoints.get(far.endpoint.as_str())?;
    let interface = declared.map_or(interface, |declared| &declared.interface).clone();
    let seen = RemoteApplicationData {
        url: None,
        offer: remote.offer.clone(),
        model_uuid: consuming.uuid.clone(),
        application: near.application.clone(),
        endpoints: BTreeMap::new(),
        connections: BTreeMap::new(),
        status: None,
        is_withdrawn: false,
        is_dying: false,
        since: jiff::Timestamp::now(),
    };
    let (own, provides) = (near.endpoint.to_string(), !provides);
    let number = offering.lifecycle.next_relation();
    let stimulus = Stimulus::Integrate {
        relation: number,
        endpoint: endpoint.as_str().into(),
        remote_app: name.clone(),
        remote_endpoint: Some(near.endpoint.clone()),
    };
    let target = Target::Application(offer.application.clone());
    // An endpoint that has no room for one more: it is tried again when something changes there.
    offering.poke(&target, &stimulus).ok()?;
    // The relation was found above, and the other one was just made.
    let _ = offering.state.set_remote_model(number, &consuming.uuid);
    let _ = consuming.state.set_remote_model(relation, &offering.uuid);
    let remote = offering.remotes.entry(name).or_insert(seen);
    remote.connections.insert(number, relation);
    remote.endpoints.insert(own, (interface, provides));
    Some(())
}

/// Returns the ends of a relation: that of the model itself, and that of `far`.
fn ends_of<'a>(ends: &'a RelationEnds, far: &Name) -> Option<(&'a RelationEnd, &'a RelationEnd)> {
    match ends {
        RelationEnds::Between(a, b) if b.application == *far => Some((a, b)),
        RelationEnds::Between(a, b) if a.application == *far => Some((b, a)),
        RelationEnds::Between(..) | RelationEnds::Peer(_) => None,
    }
}

/// A relation that ends in one model ends in the other.
fn follow_removal(
    consuming: &mut ModelData,
    offering: &mut ModelData,
    consumed: u32,
    offered: u32,
) -> [bool; 2] {
    let lives = |model: &ModelData, id: u32| {
        model.state.relations.get(&id).is_some_and(|relation| !relation.is_dying)
    };
    match (lives(consuming, consumed), lives(offering, offered)) {
        (true, true) | (false, false) => [false; 2],
        (true, false) => [end(consuming, consumed), false],
        (false, true) => [false, end(offering, offered)],
    }
}

/// Forgets relations that are gone on both sides, and who consumed them.
fn forget_connections(offering: &mut ModelData, consuming: &str, is_there: impl Fn(u32) -> bool) -> bool {
    let relations = &offering.state.relations;
    let mut is_new = false;
    let mut gone = Vec::new();
    for (name, remote) in &mut offering.remotes {
        if remote.url.is_some() || remote.model_uuid != consuming {
            continue;
        }
        let before = remote.connections.len();
        remote.connections.retain(|here, there| relations.contains_key(here) || is_there(*there));
        is_new |= remote.connections.len() != before;
        if remote.connections.is_empty() {
            gone.push(name.clone());
        }
    }
    for name in gone {
        forget(offering, &name);
        is_new = true;
    }
    let known = &offering.state.relations;
    offering.suspensions.retain(|id, _| known.contains_key(id));
    is_new
}

/// Forgets applications of other models that were asked to go and have no relations any more.
fn forget_consumed(consuming: &mut ModelData) -> bool {
    let gone: Vec<Name> = consuming
        .remotes
        .iter()
        .filter(|(alias, remote)| {
            let mut relations = consuming.state.relations.values();
            remote.url.is_some()
                && remote.is_dying
                && !relations.any(|relation| relation.end_of(alias).is_some())
        })
        .map(|(alias, _)| alias.clone())
        .collect();
    for alias in &gone {
        forget(consuming, alias);
    }
    let known = &consuming.state.relations;
    consuming.suspensions.retain(|id, _| known.contains_key(id));
    !gone.is_empty()
}

/// Forgets an application of another model, with what it let units here read.
fn forget(model: &mut ModelData, name: &Name) {
    model.remotes.remove(name);
    for secret in model.state.secrets.values_mut() {
        secret.consumers.retain(|unit, _| application_of(unit) != name.as_str());
        secret.grants.retain(|to, _| application_of(to) != name.as_str());
    }
    // One that was never integrated is not known there.
    let _ = model.state.remove_application(name);
    model.follow_secrets();
}

/// The model that offered something is gone. So are the offers.
fn lose_offers(consuming: &mut ModelData, offering: &str) -> bool {
    let aliases: Vec<Name> = consuming
        .remotes
        .iter()
        .filter(|(_, remote)| remote.url.is_some() && remote.model_uuid == offering)
        .map(|(alias, _)| alias.clone())
        .collect();
    let mut is_new = false;
    for alias in &aliases {
        is_new |= terminate(consuming, alias);
    }
    is_new | forget_consumed(consuming)
}

/// The model that consumed something is gone. So are its relations.
fn lose_consumers(offering: &mut ModelData, consuming: &str) -> bool {
    let mut is_new = false;
    for (_, here, _) in connections(offering, consuming) {
        is_new |= end(offering, here);
    }
    is_new | forget_connections(offering, consuming, |_| false)
}

impl ModelData {
    /// Whether an application is that of another model which consumes one of ours. People do not
    /// see it.
    pub(crate) fn is_consumer(&self, application: &str) -> bool {
        self.remotes.get(application).is_some_and(|remote| remote.url.is_none())
    }

    /// Whether a secret belongs to somebody in another model, who lets units of this one read it.
    pub(crate) fn is_of_elsewhere(&self, secret: &Secret) -> bool {
        secret.owner.application().is_some_and(|owner| self.remotes.contains_key(owner))
    }

    /// Returns the relations in which other models use an offer, by their numbers here.
    pub(crate) fn connections_of<'a>(&'a self, offer: &'a str) -> impl Iterator<Item = u32> {
        let consumers =
            self.remotes.values().filter(move |remote| remote.url.is_none() && remote.offer == offer);
        consumers.flat_map(|remote| remote.connections.keys().copied())
    }
}

#[cfg(test)]
mod tests;
