//! Machines: `add-machine`, `remove-machine`, `machines`.

use charmproof_lifecycle::vocabulary::Name;

use super::confirm::{Answer, Plan, confirm};
use super::{Context, failed};
use crate::controller::data::{Base, ModelData};
use crate::session::{CommandError, CommandResult};
use crate::values::constraints::Constraints;
use crate::values::go::quote;
use crate::view::status::{MachineListView, write_machines};

/// `add-machine`
pub(super) fn add(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let base = context
        .parsed
        .text("base")
        .filter(|base| !base.is_empty())
        .map(super::deploy::base_of)
        .transpose()?;
    let constraints = Constraints::parse(&context.parsed.texts("constraints")).map_err(failed)?.to_string();
    let count = context.parsed.number("n").unwrap_or(1).max(1);
    if let Some(place) = context.parsed.positionals.first() {
        return Err(CommandError::failed(format!(
            "cannot add machine \"{place}\": placement is not supported by this emulator"
        )));
    }
    let numbers = context.change(&uuid, |model| {
        if model.is_kubernetes() {
            return Err(CommandError::failed(
                "Juju command \"add-machine\" not supported on container models",
            ));
        }
        let base = base.unwrap_or(Base { name: "ubuntu".to_owned(), channel: "24.04".to_owned() });
        Ok((0..count)
            .map(|_| model.add_machine(base.clone(), constraints.clone(), true))
            .collect::<Vec<u32>>())
    })?;
    for number in numbers {
        context.say(&format!("created machine {number}"));
        let (controller, uuid) = (std::sync::Arc::clone(context.controller), uuid.clone());
        std::thread::spawn(move || controller.start_machine(&uuid, number));
    }
    Ok(())
}

/// `remove-machine`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let is_forced = context.parsed.is_set("force");
    let words = context.parsed.positionals.clone();
    let plan = |model: &ModelData, word: &str, is_forced: bool| {
        let number: Option<u32> = word.parse().ok().filter(|number| model.machines.contains_key(number));
        let number = number.ok_or_else(|| CommandError::failed(format!("machine {word} not found")))?;
        let on_it = model.units.iter().filter(|(_, unit)| unit.machine.as_deref() == Some(word));
        let units: Vec<Name> = on_it.map(|(name, _)| name.clone()).collect();
        if !units.is_empty() && !is_forced {
            let names: Vec<&str> = units.iter().map(Name::as_str).collect();
            return Err(CommandError::failed(format!(
                "machine {word} has unit {} assigned",
                quote(&names.join(", "))
            )));
        }
        let mut text = format!("will remove machine {word}\n");
        for unit in &units {
            text += &format!("- will remove unit {unit}\n");
        }
        text += &super::units::fate_of_storage(model, &units, false);
        Ok((number, units, text))
    };
    let (plans, has_units) = context.look(&uuid, |model| {
        // What is only told may need more than it was given.
        let plans: Vec<_> = words.iter().map(|word| (word, plan(model, word, true))).collect();
        let has_units =
            plans.iter().any(|(_, plan)| plan.as_ref().is_ok_and(|(_, units, _)| !units.is_empty()));
        let texts = plans.into_iter().map(|(_, plan)| (String::new(), plan.map(|(_, _, text)| text)));
        Ok((texts.collect::<Vec<Plan>>(), has_units))
    })?;
    let hint = (has_units && !is_forced).then_some("\nThis will require `--force`");
    let answer = confirm(context, &uuid, "machine", &plans, hint)?;
    if answer == Answer::Stop {
        return Ok(());
    }
    let mut has_failed = false;
    for word in words {
        let removed = context.change(&uuid, |model| {
            let (number, units, text) = plan(model, &word, is_forced)?;
            for unit in &units {
                model.remove_unit(unit, true).map_err(failed)?;
            }
            if let Some(machine) = model.machines.get_mut(&number) {
                machine.is_dying = true;
                machine.is_manual = false;
            }
            model.tidy();
            Ok(text)
        });
        match removed {
            Ok(text) => {
                if answer == Answer::Go {
                    context.session.print(&text);
                }
                context.controller.remove_idle_machines(&uuid);
            }
            Err(error) => {
                context.session.say(&format!("ERROR removing machine failed: {error}"));
                has_failed = true;
            }
        }
    }
    if has_failed { Err(CommandError::Silent(1)) } else { Ok(()) }
}

/// `machines`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let times = context.times();
    let view = context.look(&uuid, |model| {
        let status = super::status_view::status(model, &times);
        Ok(MachineListView { model: model.name.clone(), machines: status.machines })
    })?;
    context.show(&view, |is_coloured| write_machines(&view, is_coloured));
    Ok(())
}
