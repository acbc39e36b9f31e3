//! `storage-list`, `storage-get`, `storage-add`.

use std::collections::BTreeMap;

use super::call::Call;
use super::failure::{Attempt, Failure, quoted, quoted_list};
use super::flags::Arguments;
use super::output::Data;
use super::view::View;
use crate::state::{HookContext, State, StorageAddition};

/// Reads the arguments of `storage-list`.
pub(super) fn parse_list(mut arguments: Arguments) -> Attempt<Call> {
    let name = arguments.next().filter(|name| !name.is_empty());
    arguments.end()?;
    Ok(Call::StorageList { name })
}

/// Reads the arguments of `storage-get`.
pub(super) fn parse_get(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let named = arguments.read("s", |text| {
        let is_id = text.split_once('/').is_some_and(|(name, number)| {
            !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let is_there =
            view.state.units.get(&view.context.unit).is_some_and(|unit| unit.storages.contains_key(text));
        match (is_id, is_there) {
            (false, _) => Err("invalid storage ID".to_owned()),
            (true, false) => Err("storage not found".to_owned()),
            (true, true) => Ok(text.to_owned()),
        }
    })?;
    let id = named
        .or_else(|| view.hook_storage().map(str::to_owned))
        .ok_or_else(|| Failure::usage("no storage instance specified"))?;
    let key = arguments.next().filter(|key| !key.is_empty());
    arguments.end()?;
    Ok(Call::StorageGet { id, key })
}

/// Reads the arguments of `storage-add`: `NAME` or `NAME=COUNT`.
pub(super) fn parse_add(arguments: &Arguments) -> Attempt<Call> {
    if arguments.positional.is_empty() {
        return Err(Failure::usage("storage add requires a storage directive"));
    }
    let mut counts = BTreeMap::new();
    for argument in &arguments.positional {
        let (name, count) = argument.split_once('=').unwrap_or((argument, "1"));
        let is_size = count.ends_with(|character: char| character.is_ascii_alphabetic());
        let number = count.parse::<u32>().ok().filter(|number| *number > 0);
        let Some(number) = number else {
            return Err(Failure::usage(if is_size {
                format!("only count can be specified for {}", quoted(name))
            } else {
                format!(
                    "cannot parse directive for storage {}: cannot parse count: count must be greater than zero, got {}",
                    quoted(name),
                    quoted(count)
                )
            }));
        };
        if counts.insert(name.to_owned(), number).is_some() {
            return Err(Failure::usage(format!("storage {} specified more than once", quoted(name))));
        }
    }
    Ok(Call::StorageAdd { counts })
}

/// Runs `storage-list`.
pub(super) fn list(state: &State, context: &HookContext, name: Option<&str>) -> Attempt<Data> {
    let storages = &state.unit(&context.unit)?.storages;
    let is_meant = |id: &str| name.is_none_or(|name| id.split_once('/').is_some_and(|(of, _)| of == name));
    Ok(Data::texts(storages.keys().filter(|id| is_meant(id)).map(ToString::to_string)))
}

/// Runs `storage-get`.
pub(super) fn get(state: &State, context: &HookContext, id: &str, key: Option<&str>) -> Attempt<Data> {
    let instance =
        state.unit(&context.unit)?.storages.get(id).ok_or_else(|| Failure::refused("storage not found"))?;
    let kind: &str = instance.kind.into();
    match key {
        None => {
            Ok(Data::map([("kind", Data::text(kind)), ("location", Data::text(instance.location.clone()))]))
        }
        Some("kind") => Ok(Data::text(kind)),
        Some("location") => Ok(Data::text(instance.location.clone())),
        Some(other) => Err(Failure::refused(format!("invalid storage attribute {}", quoted(other)))),
    }
}

/// Runs `storage-add`, which is kept back until the hook has ended.
pub(super) fn add(state: &State, context: &mut HookContext, counts: &BTreeMap<String, u32>) -> Attempt<()> {
    let declared = &state.application(&context.application)?.storages;
    let unknown: Vec<String> =
        counts.keys().filter(|name| !declared.contains_key(name.as_str())).cloned().collect();
    if !unknown.is_empty() {
        let known: Vec<String> = declared.keys().map(ToString::to_string).collect();
        return Err(Failure::refused(format!(
            "charm storage {} not found, expected one of {}",
            quoted(&unknown[0]),
            quoted_list(&known)
        )));
    }
    for (name, count) in counts {
        context.storage_additions.push(StorageAddition { name: name.as_str().into(), count: *count });
    }
    Ok(())
}
