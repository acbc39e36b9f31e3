//! What one relation between models carries: who is in it, what they wrote, and whether it is
//! suspended.

use std::collections::BTreeMap;

use charmproof_agent::state::{Databag, application_of};
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;

use super::ends_of;
use crate::controller::data::ModelData;

/// One side of a relation between models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// The number of the relation.
    pub(super) relation: u32,
    /// The application of the model itself.
    pub(super) near: Name,
    /// What the application of the other model is called here.
    pub(super) far: Name,
}

/// Both sides of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// That of who consumes.
    pub(super) consuming: Side,
    /// That of who offers.
    pub(super) offering: Side,
}

/// Returns the sides of a relation that is there in both models.
pub(super) fn ends(
    consuming: &ModelData,
    offering: &ModelData,
    consumer: &Name,
    consumed: u32,
    offered: u32,
) -> Option<Pair> {
    let (near, _) = ends_of(&offering.state.relations.get(&offered)?.ends, consumer)?;
    let offering_side = Side { relation: offered, near: near.application.clone(), far: consumer.clone() };
    let ends = &consuming.state.relations.get(&consumed)?.ends;
    let alias = consuming.remotes.iter().find(|(alias, remote)| {
        remote.url.is_some() && remote.model_uuid == offering.uuid && ends_of(ends, alias).is_some()
    });
    let alias = alias.map(|(alias, _)| alias)?;
    let (near, _) = ends_of(ends, alias)?;
    let consuming_side = Side { relation: consumed, near: near.application.clone(), far: alias.clone() };
    Some(Pair { consuming: consuming_side, offering: offering_side })
}

/// Brings both sides of a relation to the same knowledge. Returns which of them has changed.
pub(super) fn settle(consuming: &mut ModelData, offering: &mut ModelData, pair: &Pair) -> [bool; 2] {
    let lives = |model: &ModelData, side: &Side| {
        model.state.relations.get(&side.relation).is_some_and(|relation| !relation.is_dying)
    };
    if !lives(consuming, &pair.consuming) || !lives(offering, &pair.offering) {
        // Each lets its own units go: what the others did last is not news any more.
        return [false; 2];
    }
    let is_suspended = suspend(offering, &pair.offering, consuming, &pair.consuming);
    let is_consuming_new = copy(offering, &pair.offering, consuming, &pair.consuming);
    let is_offering_new = copy(consuming, &pair.consuming, offering, &pair.offering);
    [is_suspended || is_consuming_new, is_offering_new]
}

/// Who offers says whether a relation is suspended.
fn suspend(offering: &ModelData, said: &Side, consuming: &mut ModelData, side: &Side) -> bool {
    let (Some(known), Some(seen)) =
        (offering.state.relations.get(&said.relation), consuming.state.relations.get(&side.relation))
    else {
        return false;
    };
    if known.is_suspended == seen.is_suspended {
        return false;
    }
    let relation = side.relation;
    let stimulus = if known.is_suspended {
        Stimulus::SuspendRelation { relation }
    } else {
        Stimulus::ResumeRelation { relation }
    };
    match offering.suspensions.get(&said.relation) {
        Some(message) => consuming.suspensions.insert(relation, message.clone()),
        None => consuming.suspensions.remove(&relation),
    };
    consuming.poke(&Target::Application(side.near.clone()), &stimulus).is_ok()
}

/// Lets units of one side see those of the other.
fn copy(from: &ModelData, source: &Side, to: &mut ModelData, side: &Side) -> bool {
    let Some(known) = from.state.relations.get(&source.relation) else { return false };
    // Juju takes a unit that is asked to go out of all relations at once (state/cleanup.go).
    let is_there = |unit: &&Name| {
        application_of(unit) == source.near.as_str()
            && from.state.units.get(*unit).is_some_and(|unit| !unit.is_dying)
    };
    let present: BTreeMap<Name, &Databag> = known
        .in_scope
        .iter()
        .filter(is_there)
        .filter_map(|unit| Some((renamed(unit, &side.far), known.unit_data.get(unit)?)))
        .collect();
    let target = Target::Application(side.near.clone());
    let relation = side.relation;
    let mut is_new = false;
    for unit in seen(to, side) {
        if !present.contains_key(&unit) {
            // What no unit here hears, as all are on their way out, is tried again with the next change.
            is_new |= to.poke(&target, &Stimulus::RemoteUnitLeaves { relation, unit }).is_ok();
        }
    }
    let before = seen(to, side);
    for (unit, data) in present {
        let is_known = before.contains(&unit);
        if !is_known {
            if let Some(address) = data.get("ingress-address") {
                to.state.set_outside_address(&unit, address);
            }
            let stimulus = Stimulus::RemoteUnitJoins { relation, unit: unit.clone() };
            if to.poke(&target, &stimulus).is_err() {
                continue;
            }
            is_new = true;
        }
        let empty = Databag::new();
        let old = to.state.relations.get(&relation).and_then(|known| known.unit_data.get(&unit));
        let changes = changes(old.unwrap_or(&empty), data);
        if !changes.is_empty() {
            // The relation is there: it was looked at.
            let _ = to.state.write_unit_data(relation, &unit, &changes);
            is_new = true;
            if is_known {
                let _ = to.poke(&target, &Stimulus::RemoteUnitWrites { relation, unit });
            }
        }
    }
    let empty = Databag::new();
    let data = known.application_data.get(&source.near).unwrap_or(&empty);
    let old = to.state.relations.get(&relation).and_then(|known| known.application_data.get(&side.far));
    let changes = changes(old.unwrap_or(&empty), data);
    if !changes.is_empty() {
        let _ = to.state.write_application_data(relation, &side.far, &changes);
        // A unit that has left already hears nothing of it.
        let _ = to.poke(&target, &Stimulus::RemoteAppWrites { relation });
        is_new = true;
    }
    is_new
}

/// Returns the units of the other model that are known to be in a relation.
fn seen(model: &ModelData, side: &Side) -> Vec<Name> {
    let known = model.state.relations.get(&side.relation);
    let units = known.into_iter().flat_map(|relation| &relation.in_scope);
    units.filter(|unit| application_of(unit) == side.far.as_str()).cloned().collect()
}

/// Returns what a unit is called where its application has another name.
pub(super) fn renamed(unit: &Name, application: &Name) -> Name {
    match unit.rsplit_once('/') {
        Some((_, number)) => Name::new(&format!("{application}/{number}")),
        None => application.clone(),
    }
}

/// Returns what has to be written so that `old` becomes `new`; empty texts remove their keys.
fn changes(old: &Databag, new: &Databag) -> Databag {
    let removed = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), String::new()));
    let written = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
    removed.chain(written.map(|(key, value)| (key.clone(), value.clone()))).collect()
}
