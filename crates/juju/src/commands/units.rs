//! Units: `add-unit`, `remove-unit`, `scale-application`, `resolved`.

use charmproof_agent::state::application_of;
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use charmproof_lifecycle::world::Operation;

use super::confirm::{Answer, Plan, confirm};
use super::{Context, failed};
use crate::controller::data::{AgentStatus, ModelData};
use crate::session::{CommandError, CommandResult};

/// Why something cannot be done to an application that is on its way out (state/errors/common.go).
pub(super) const NOT_ALIVE: &str = "application is not found or not alive";

/// Returns the application of a name, or says that there is none.
pub(super) fn application(model: &ModelData, name: &str) -> Result<Name, CommandError> {
    if model.applications.contains_key(name) {
        return Ok(name.into());
    }
    if model.remotes.get(name).is_some_and(|remote| remote.url.is_some()) {
        return Err(CommandError::failed(format!("cannot use saas application \"{name}\" here")));
    }
    Err(CommandError::failed(format!("application \"{name}\" not found")))
}

/// Returns the unit of a name, which may be `web/leader`, or says that there is none.
pub(super) fn unit(model: &ModelData, name: &str) -> Result<Name, CommandError> {
    if let Some(application_name) = name.strip_suffix("/leader") {
        application(model, application_name)?;
        let leader = model.lifecycle.leader(application_name).cloned();
        return leader.ok_or_else(|| {
            CommandError::failed(format!("could not determine leader for \"{application_name}\""))
        });
    }
    if model.units.contains_key(name) {
        return Ok(name.into());
    }
    if !crate::names::is_unit(name) {
        return Err(CommandError::failed(format!("\"{name}\" is not a valid unit name")));
    }
    Err(CommandError::failed(format!("unit \"{name}\" not found")))
}

/// `add-unit`
pub(super) fn add(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let count = context.parsed.number("num-units").unwrap_or(1);
    let count = u32::try_from(count).ok().filter(|count| *count > 0);
    let count = count.ok_or_else(|| CommandError::failed("must add at least one unit"))?;
    let places: Vec<String> = context.parsed.list("to").into_iter().map(str::to_owned).collect();
    let attached: Vec<String> =
        context.parsed.list("attach-storage").into_iter().map(str::to_owned).collect();
    context.change(&uuid, |model| {
        let application = application(model, &name)?;
        if model.applications[&application].metadata.as_ref().is_some_and(|metadata| metadata.subordinate) {
            return Err(CommandError::failed(format!(
                "cannot add unit 1/{count} to application \"{name}\": application is subordinate"
            )));
        }
        if model.is_kubernetes() && !places.is_empty() {
            return Err(CommandError::failed("k8s models only support --num-units, --attach-storage"));
        }
        if model.is_kubernetes() {
            sees_it_is_alive(model, &application, model.applications[&application].scale.saturating_add(count))?;
        } else if model.applications[&application].is_dying {
            return Err(CommandError::failed(format!(
                "cannot add unit 1/{count} to application \"{name}\": cannot add unit to application \"{name}\": {NOT_ALIVE}"
            )));
        }
        for number in 0..count {
            let place = places.get(number as usize).map(String::as_str);
            super::deploy::add_unit(model, &application, place)?;
        }
        super::deploy::attach(model, &application, &attached)
    })
}

/// Sees that an application which is to have so many units on Kubernetes is not on its way out
/// (state/application.go, `ChangeScale`).
fn sees_it_is_alive(model: &ModelData, application: &Name, scale: u32) -> CommandResult {
    if model.applications[application].is_dying {
        return Err(CommandError::failed(format!(
            "cannot set scale for application \"{application}\" to {scale}: {NOT_ALIVE}"
        )));
    }
    Ok(())
}

/// `remove-unit`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let is_forced = context.parsed.is_set("force");
    let destroys_storage = context.parsed.is_set("destroy-storage");
    let count = context.parsed.number("num-units").filter(|count| *count > 0);
    let names = context.parsed.positionals.clone();
    let is_kubernetes = context.look(&uuid, |model| Ok(model.is_kubernetes()))?;
    if is_kubernetes {
        let is_named = names.iter().any(|name| name.contains('/'));
        if is_named || names.len() != 1 {
            return Err(CommandError::failed(
                "k8s models do not support removing named units.\nInstead specify an application with --num-units.",
            ));
        }
        let Some(count) = count else {
            return Err(CommandError::failed(
                "specifying number (--num-units) of units to remove is required when the model is k8s",
            ));
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let left = context.change(&uuid, |model| {
            let name = application(model, &names[0])?;
            let scale = model.applications[&name].scale;
            let left = scale.checked_sub(count).ok_or_else(|| {
                CommandError::failed(format!("scaling down by {count} with {scale} units is not possible"))
            })?;
            shrink(model, &name, left, is_forced)?;
            Ok(left)
        })?;
        context.say(&format!("scaling down to {left} units"));
        return Ok(());
    }
    if count.is_some() {
        return Err(CommandError::failed("--num-units not allowed with this model"));
    }
    let plan = |model: &ModelData, name: &str| {
        let unit = unit(model, name)?;
        if model.state.units.get(&unit).is_some_and(|unit| unit.principal.is_some()) {
            return Err(CommandError::failed(format!(
                "unit \"{name}\" is a subordinate, to remove use remove-relation. Note: this will remove all units of \"{}\"",
                application_of(&unit)
            )));
        }
        let storage = fate_of_storage(model, std::slice::from_ref(&unit), destroys_storage);
        Ok((unit, format!("will remove unit {name}\n{storage}")))
    };
    let plans: Vec<Plan> = context.look(&uuid, |model| {
        let texts = |name: &String| (name.clone(), plan(model, name).map(|(_, text)| text));
        Ok(names.iter().map(texts).collect())
    })?;
    let answer = confirm(context, &uuid, "unit ", &plans, None)?;
    if answer == Answer::Stop {
        return Ok(());
    }
    let mut first_error = None;
    for name in names {
        let removed = context.change(&uuid, |model| {
            let (unit, text) = plan(model, &name)?;
            note_storage(model, &unit, destroys_storage);
            model.remove_unit(&unit, is_forced).map_err(failed)?;
            Ok(text)
        });
        match removed {
            Ok(text) if answer == Answer::Go => context.session.print(&text),
            Ok(_) => {}
            Err(error) => {
                context.session.say(&format!("ERROR removing unit {name} failed: {error}"));
                first_error = first_error.or(Some(error));
            }
        }
    }
    first_error.map_or(Ok(()), |_| Err(CommandError::Silent(1)))
}

/// Says what becomes of the storage of units that go, a line for each instance.
pub(super) fn fate_of_storage(model: &ModelData, units: &[Name], destroys: bool) -> String {
    let own = model.storages.iter();
    let own = own.filter(|(_, storage)| storage.owner.as_ref().is_some_and(|owner| units.contains(owner)));
    // What is part of a machine goes with it.
    let (removed, detached): (Vec<_>, Vec<_>) =
        own.partition(|(_, storage)| destroys || !model.is_detachable(storage));
    let removed = removed.into_iter().map(|(id, _)| format!("- will remove storage {id}\n"));
    let detached = detached.into_iter().map(|(id, _)| format!("- will detach storage {id}\n"));
    removed.chain(detached).collect()
}

/// Lets the storage of a unit go with it, if it is to.
pub(super) fn note_storage(model: &mut ModelData, unit: &Name, destroys: bool) {
    for storage in model.storages.values_mut().filter(|storage| storage.owner.as_ref() == Some(unit)) {
        storage.is_dying |= destroys;
    }
}

/// Removes the units with the highest numbers until so many are left, as Kubernetes does.
pub(super) fn shrink(model: &mut ModelData, application: &Name, left: u32, is_forced: bool) -> CommandResult {
    let mut units: Vec<(u32, Name)> = model
        .lifecycle
        .units()
        .iter()
        .filter(|(_, world)| {
            world.application() == application && world.life() == charmproof_lifecycle::world::Life::Alive
        })
        .filter_map(|(unit, _)| Some((unit.rsplit('/').next()?.parse().ok()?, unit.clone())))
        .collect();
    units.sort_unstable();
    for (_, unit) in units.into_iter().skip(left as usize) {
        model.remove_unit(&unit, is_forced).map_err(failed)?;
    }
    // A stateful set counts its pods from zero, so the next one gets the number again.
    if let Some(data) = model.applications.get_mut(application) {
        data.scale = left;
    }
    Ok(())
}

/// `scale-application`
pub(super) fn scale(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let (name, scale) = (context.word(0).to_owned(), context.word(1).to_owned());
    let wanted: u32 = scale.parse().map_err(|_| {
        CommandError::Usage(format!(
            "invalid scale \"{scale}\": strconv.Atoi: parsing \"{scale}\": invalid syntax"
        ))
    })?;
    context.change(&uuid, |model| {
        if !model.is_kubernetes() {
            return Err(CommandError::failed(
                "scaling is only supported on k8s models: use add-unit and remove-unit",
            ));
        }
        let application = application(model, &name)?;
        sees_it_is_alive(model, &application, wanted)?;
        scale_to(model, &application, wanted)
    })?;
    context.say(&format!("{name} scaled to {wanted} units"));
    Ok(())
}

/// Adds or removes units until there are so many.
pub(super) fn scale_to(model: &mut ModelData, application: &Name, wanted: u32) -> CommandResult {
    let scale = model.applications[application].scale;
    for _ in scale..wanted {
        super::deploy::add_unit(model, application, None)?;
    }
    if wanted < scale { shrink(model, application, wanted, false) } else { Ok(()) }
}

/// `resolved`
pub(super) fn resolved(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let is_all = context.parsed.is_set("all");
    let stimulus =
        if context.parsed.is_set("no-retry") { Stimulus::ResolveWithoutRetry } else { Stimulus::Retry };
    let names = context.parsed.positionals.clone();
    // Those that are in no error state do not keep the others from being resolved.
    let errors = context.change(&uuid, |model| {
        let failed_units: Vec<Name> = model
            .lifecycle
            .units()
            .iter()
            .filter(|(_, world)| matches!(world.operation(), Operation::Failed(_)))
            .map(|(unit, _)| unit.clone())
            .collect();
        let units = if is_all {
            failed_units.clone()
        } else {
            names.iter().map(|name| unit(model, name)).collect::<Result<_, _>>()?
        };
        let mut errors = Vec::new();
        for unit in units {
            if !failed_units.contains(&unit) {
                errors.push(format!("unit \"{unit}\" is not in an error state"));
                continue;
            }
            model.poke(&Target::Unit(unit.clone()), &stimulus).map_err(failed)?;
            if let Some(data) = model.units.get_mut(&unit) {
                data.retry_at = None;
            }
            if stimulus == Stimulus::ResolveWithoutRetry {
                model.state.forget_failure(&unit);
                model.set_agent(&unit, AgentStatus::Idle, "");
            }
        }
        Ok(errors)
    })?;
    if errors.is_empty() { Ok(()) } else { Err(CommandError::failed(errors.join("\n"))) }
}
