//! What an application is set to: `config-get`, `is-leader`, `leader-get`, `leader-set`,
//! and what a charm keeps with the controller: `state-get`, `state-set`, `state-delete`.

use std::collections::BTreeMap;

use super::call::Call;
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::output::Data;
use super::view::{View, key_values};
use crate::state::{HookContext, State};

/// The longest key of a charm's state.
const STATE_KEY_BYTES_MAX: usize = 256;
/// The longest value of a charm's state.
const STATE_VALUE_BYTES_MAX: usize = 65_536;

/// Reads the arguments of `config-get`.
pub(super) fn parse_config_get(mut arguments: Arguments) -> Attempt<Call> {
    let (key, is_all) = (arguments.next().filter(|key| !key.is_empty()), arguments.is_on("a"));
    if let Some(key) = key.as_ref().filter(|_| is_all) {
        return Err(Failure::usage(format!("cannot use argument --all together with key {}", quoted(key))));
    }
    arguments.end()?;
    Ok(Call::ConfigGet { key, is_all })
}

/// Reads the arguments of `leader-get`.
pub(super) fn parse_leader_get(mut arguments: Arguments) -> Attempt<Call> {
    let key = arguments.next().unwrap_or_else(|| "-".to_owned());
    if key.contains('=') {
        return Err(Failure::usage(format!("invalid key {}", quoted(&key))));
    }
    arguments.end()?;
    Ok(Call::LeaderGet { key: Some(key).filter(|key| key != "-") })
}

/// Reads the arguments of `leader-set`.
pub(super) fn parse_leader_set(arguments: &Arguments) -> Attempt<Call> {
    Ok(Call::LeaderSet { settings: key_values(&arguments.positional, true)? })
}

/// Reads the arguments of `state-get`. With `--strict`, a key that is not there is an error.
pub(super) fn parse_state_get(mut arguments: Arguments) -> Attempt<Call> {
    let key = arguments.next().filter(|key| key != "-" && !key.is_empty());
    arguments.end()?;
    Ok(Call::StateGet { key, is_strict: arguments.is_on("strict") })
}

/// Reads the arguments of `state-set`.
pub(super) fn parse_state_set(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    Ok(Call::StateSet { values: view.settings(&mut arguments)? })
}

/// Reads the arguments of `state-delete`.
pub(super) fn parse_state_delete(mut arguments: Arguments) -> Attempt<Call> {
    let key = arguments.next().unwrap_or_default();
    arguments.end()?;
    Ok(Call::StateDelete { key })
}

/// Runs `config-get`.
pub(super) fn config_get(
    state: &State,
    context: &HookContext,
    key: Option<&str>,
    is_all: bool,
) -> Attempt<Data> {
    let config = &state.application(&context.application)?.config;
    if let Some(key) = key {
        return Ok(config.get(key).and_then(|option| option.effective()).map_or(Data::Null, Data::from));
    }
    let values = config.iter().filter_map(|(name, option)| match option.effective() {
        Some(value) => Some((name.clone(), Data::from(value))),
        None => is_all.then(|| (name.clone(), Data::Null)),
    });
    Ok(Data::map(values))
}

/// Runs `leader-get`.
pub(super) fn leader_get(state: &State, context: &HookContext, key: Option<&str>) -> Attempt<Data> {
    let settings = &state.application(&context.application)?.leader_settings;
    Ok(match key {
        None => Data::text_map(settings),
        Some(key) => settings.get(key).map_or(Data::Null, |value| Data::text(value.clone())),
    })
}

/// Runs `leader-set`, which takes effect at once.
pub(super) fn leader_set(
    state: &mut State,
    context: &mut HookContext,
    changes: &BTreeMap<String, String>,
) -> Attempt<()> {
    if !context.is_leader(state) {
        return Err(Failure::refused(
            "cannot write leadership settings: cannot write settings: not the leader",
        ));
    }
    let settings = &mut state.application_mut(&context.application)?.leader_settings;
    for (key, value) in changes {
        if value.is_empty() {
            settings.remove(key);
        } else {
            settings.insert(key.clone(), value.clone());
        }
        context.effects.leader_settings.insert(key.clone(), value.clone());
    }
    Ok(())
}

/// Runs `state-get`. What this hook has set is seen.
pub(super) fn state_get(
    state: &State,
    context: &HookContext,
    key: Option<&str>,
    is_strict: bool,
) -> Attempt<Data> {
    let mut values = state.unit(&context.unit)?.charm_state.clone();
    for (key, value) in &context.charm_state {
        match value {
            Some(value) => values.insert(key.clone(), value.clone()),
            None => values.remove(key),
        };
    }
    let Some(key) = key else { return Ok(Data::text_map(&values)) };
    match values.get(key) {
        Some(value) => Ok(Data::text(value.clone())),
        None if is_strict => Err(Failure::refused(format!("{} not found", quoted(key)))),
        None => Ok(Data::text("")),
    }
}

/// Runs `state-set`, which is kept back until the hook has ended.
pub(super) fn state_set(context: &mut HookContext, values: &BTreeMap<String, String>) -> Attempt<()> {
    for (key, value) in values {
        let check = |what: &str, size: usize, most: usize| {
            if size <= most {
                return Ok(());
            }
            Err(Failure::refused(format!("max allowed {what} size ({most}) exceeded (current size: {size})")))
        };
        check("key", key.len(), STATE_KEY_BYTES_MAX)?;
        check("value", value.len(), STATE_VALUE_BYTES_MAX)?;
    }
    for (key, value) in values {
        context.charm_state.insert(key.clone(), Some(value.clone()));
    }
    Ok(())
}
