//! Subordinate units: one beside each principal that a relation ties to them.

use charmproof_agent::state::{RelationEnds, application_of};
use charmproof_lifecycle::vocabulary::Name;

use crate::controller::data::ModelData;

/// Adds the units of subordinates that a relation brings.
pub(crate) fn place(model: &mut ModelData, relation: u32) {
    let Some((principal, subordinate)) = tied(model, relation) else { return };
    let principals: Vec<(Name, Option<u32>)> = model
        .state
        .units_of(&principal)
        .map(|unit| unit.name.clone())
        .map(|unit| {
            let machine = model.units.get(&unit).and_then(|data| data.machine.clone());
            (unit, machine.and_then(|machine| machine.parse().ok()))
        })
        .collect();
    for (unit, machine) in principals {
        let is_there = model.subordinates(&unit).any(|other| application_of(other) == subordinate);
        if !is_there {
            // A unit that cannot be added now is looked for with the next unit of the principal.
            let _ = model.add_unit(&subordinate, machine, Some(&unit));
        }
    }
}

/// Adds the subordinates of a unit that is new.
pub(crate) fn place_beside(model: &mut ModelData, application: &Name) {
    let relations: Vec<u32> = model
        .state
        .relations
        .values()
        .filter(|relation| !relation.is_dying && relation.end_of(application).is_some())
        .map(|relation| relation.id)
        .collect();
    for relation in relations {
        place(model, relation);
    }
}

/// Removes subordinates that no relation ties to a principal any more.
pub(crate) fn displace(model: &mut ModelData) {
    let lonely: Vec<Name> = model
        .state
        .units
        .values()
        .filter_map(|unit| Some((unit.name.clone(), unit.principal.clone()?)))
        .filter(|(unit, principal)| {
            !model.state.relations.values().any(|relation| {
                !relation.is_dying
                    && tied(model, relation.id).is_some_and(|(above, below)| {
                        above == application_of(principal) && below == application_of(unit)
                    })
            })
        })
        .map(|(unit, _)| unit)
        .collect();
    for unit in lonely {
        // One that is on its way out already goes on.
        let _ = model.remove_unit(&unit, false);
    }
}

/// Returns the principal and the subordinate that a relation ties together, if it does.
fn tied(model: &ModelData, relation: u32) -> Option<(Name, Name)> {
    let RelationEnds::Between(a, b) = &model.state.relations.get(&relation)?.ends else { return None };
    let facts = |name: &Name| {
        let metadata = model.applications.get(name)?.metadata.as_ref()?;
        Some(metadata.subordinate)
    };
    let is_container = |name: &Name, endpoint: &Name| {
        let charm = model.lifecycle.applications().find(|(known, _)| *known == name);
        charm
            .and_then(|(_, charm)| charm.endpoint(endpoint))
            .is_some_and(|endpoint| endpoint.is_container_scoped)
    };
    if !is_container(&a.application, &a.endpoint) && !is_container(&b.application, &b.endpoint) {
        return None;
    }
    match (facts(&a.application)?, facts(&b.application)?) {
        (false, true) => Some((a.application.clone(), b.application.clone())),
        (true, false) => Some((b.application.clone(), a.application.clone())),
        (true, true) | (false, false) => None,
    }
}
