//! `action-get`, `action-set`, `action-log`, `action-fail`.
//!
//! What an action says is kept whatever becomes of its process.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::call::Call;
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::output::Data;
use crate::state::{ActionRun, HookContext, State};

/// What an action that gives no reason fails with.
const NO_REASON: &str = "action failed without reason given, check action for errors";
/// Results that Juju sets itself.
const RESERVED: [&str; 4] = ["stdout", "stdout-encoding", "stderr", "stderr-encoding"];

/// Reads the arguments of `action-get`.
pub(super) fn parse_get(mut arguments: Arguments) -> Attempt<Call> {
    let keys = arguments.next().map(|path| path.split('.').map(str::to_owned).collect());
    arguments.end()?;
    Ok(Call::ActionGet { keys: keys.unwrap_or_default() })
}

/// Reads the arguments of `action-set`.
pub(super) fn parse_set(arguments: &Arguments) -> Attempt<Call> {
    let mut results = Vec::new();
    for argument in &arguments.positional {
        let (path, value) = argument.split_once('=').ok_or_else(|| {
            Failure::usage(format!("argument {} must be of the form key...=value", quoted(argument)))
        })?;
        let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
        for key in &keys {
            if !is_key(key) {
                return Err(Failure::usage(format!(
                    "key {} must start and end with lowercase alphanumeric, and contain only lowercase \
                     alphanumeric, hyphens and periods",
                    quoted(key)
                )));
            }
            if RESERVED.contains(&key.as_str()) {
                return Err(Failure::usage(format!("cannot set reserved action key {}", quoted(key))));
            }
        }
        results.push((keys, value.to_owned()));
    }
    Ok(Call::ActionSet { results })
}

fn is_key(key: &str) -> bool {
    let is_outer = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    key.starts_with(is_outer)
        && key.ends_with(is_outer)
        && key.chars().all(|character| is_outer(character) || character == '-')
}

/// Reads the arguments of `action-log`.
pub(super) fn parse_log(arguments: &Arguments) -> Attempt<Call> {
    if arguments.positional.is_empty() {
        return Err(Failure::usage("no message specified"));
    }
    Ok(Call::ActionLog { message: arguments.positional.join(" ") })
}

/// Reads the arguments of `action-fail`.
pub(super) fn parse_fail(mut arguments: Arguments) -> Attempt<Call> {
    let message = arguments.next().unwrap_or_else(|| NO_REASON.to_owned());
    arguments.end()?;
    Ok(Call::ActionFail { message })
}

fn running(context: &mut HookContext) -> Attempt<&mut ActionRun> {
    context.action.as_mut().ok_or_else(Failure::not_running_action)
}

/// Runs `action-get`. A key that is not there is nothing.
pub(super) fn get(context: &HookContext, keys: &[String]) -> Attempt<Data> {
    let action = context.action.as_ref().ok_or_else(Failure::not_running_action)?;
    let parameters = Value::Object(action.parameters.clone());
    let found = keys.iter().try_fold(&parameters, |value, key| value.as_object()?.get(key));
    Ok(found.map_or(Data::Null, Data::from))
}

/// Runs `action-set`. A value takes the place of a map, and a map that of a value.
pub(super) fn set(context: &mut HookContext, results: &[(Vec<String>, String)]) -> Attempt<()> {
    let outcome = &mut running(context)?.outcome;
    for (keys, value) in results {
        if let [first, rest @ ..] = keys.as_slice() {
            set_result(&mut outcome.results, first, rest, value);
        }
    }
    Ok(())
}

fn set_result(results: &mut BTreeMap<String, Value>, first: &str, rest: &[String], value: &str) {
    if rest.is_empty() {
        results.insert(first.to_owned(), Value::from(value));
        return;
    }
    let mut place = results.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    for key in rest {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[key.as_str()];
    }
    *place = Value::from(value);
}

/// Runs `action-log`, which takes effect at once.
pub(super) fn log(state: &State, context: &mut HookContext, message: &str) -> Attempt<()> {
    let outcome = &mut running(context)?.outcome;
    outcome.log.push(message.to_owned());
    outcome.log_times.push(state.now);
    Ok(())
}

/// Runs `action-fail`.
pub(super) fn fail(context: &mut HookContext, message: &str) -> Attempt<()> {
    running(context)?.outcome.failure = Some(message.to_owned());
    Ok(())
}
