//! `status-get` and `status-set`.

use super::call::Call;
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::output::{Data, Format};
use crate::state::{HookContext, Restriction, State, Status, StatusKind, StatusSet, Writer};

/// Reads the arguments of `status-set`.
pub(super) fn parse_set(mut arguments: Arguments) -> Attempt<Call> {
    let name = arguments.next().ok_or_else(|| Failure::usage("invalid args, require <status> [message]"))?;
    let kind = StatusKind::settable(&name).ok_or_else(|| {
        Failure::usage(format!(
            "invalid status {}, expected one of [maintenance blocked waiting active]",
            quoted(&name)
        ))
    })?;
    let message = arguments.next().unwrap_or_default();
    arguments.end()?;
    Ok(Call::StatusSet { is_application: arguments.is_on("application"), kind, message })
}

/// Reads the arguments of `status-get`.
pub(super) fn parse_get(arguments: &Arguments) -> Attempt<Call> {
    arguments.end()?;
    let has_data = arguments.is_on("include-data");
    Ok(Call::StatusGet { is_application: arguments.is_on("application"), has_data })
}

/// Runs `status-set`, which takes effect at once.
pub(super) fn set(
    state: &mut State,
    context: &mut HookContext,
    is_application: bool,
    kind: StatusKind,
    message: &str,
) -> Attempt<()> {
    let status = Status::new(kind, message, state.now);
    let of = if is_application {
        if !context.is_leader(state) {
            return Err(Failure::not_leader().annotated("setting application status"));
        }
        let known = &mut state.application_mut(&context.application)?.status;
        match known {
            Some(known) => known.become_another(status),
            None => *known = Some(status),
        }
        Writer::Application(context.application.clone())
    } else {
        let unit = state.unit_mut(&context.unit)?;
        unit.status.become_another(status);
        unit.has_set_status = true;
        Writer::Unit(context.unit.clone())
    };
    context.effects.statuses.push(StatusSet { of, kind, message: message.to_owned() });
    Ok(())
}

/// Runs `status-get`. Without data, and unless another format is asked for, it prints one
/// word.
pub(super) fn get(
    state: &State,
    context: &HookContext,
    is_application: bool,
    has_data: bool,
    format: Format,
) -> Attempt<Data> {
    if context.restriction != Restriction::None {
        return Ok(Data::text(StatusKind::Unknown.name()));
    }
    let is_word = !has_data && format == Format::Smart;
    if !is_application {
        let status = &state.unit(&context.unit)?.status;
        return Ok(if is_word {
            Data::text(status.kind.name())
        } else {
            Data::map(details(status, has_data))
        });
    }
    if !context.is_leader(state) {
        return Err(Failure::not_leader().annotated("finding application status"));
    }
    let units: Vec<_> =
        state.units_of(&context.application).map(|unit| (unit.name.clone(), unit.shown_status())).collect();
    let application = state.application(&context.application)?;
    let status = application.shown_status(units.iter().map(|(_, status)| status), state.now);
    if is_word {
        return Ok(Data::text(status.kind.name()));
    }
    let mut entries = details(&status, has_data);
    let units = units.iter().map(|(name, status)| (name.to_string(), Data::map(details(status, has_data))));
    entries.push(("units", Data::map(units)));
    Ok(Data::map([("application-status", Data::map(entries))]))
}

fn details(status: &Status, has_data: bool) -> Vec<(&'static str, Data)> {
    let mut entries = Vec::new();
    if has_data {
        entries.push(("message", Data::text(status.message.clone())));
    }
    entries.push(("status", Data::text(status.kind.name())));
    if has_data {
        let data = status.data.iter().map(|(key, value)| (key.clone(), Data::from(value)));
        entries.push(("status-data", Data::map(data)));
    }
    entries
}
