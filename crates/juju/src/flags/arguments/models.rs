//! Checks of commands on models and their settings, and of those that look at them.

use super::{Checked, first, none_left, not_valid, refuse};
use crate::flags::parsed::Parsed;
use crate::names::{OfferUrl, is_application, is_machine, is_model, is_unit, is_user};
use crate::values::constraints::Constraints;
use crate::values::go::quote;

pub(crate) fn set_model_constraints(parsed: &Parsed) -> Checked {
    Constraints::parse(&parsed.positionals).map(drop)
}

/// What `config`, `model-config` and `model-defaults` do with keys, settings and `--reset`.
fn settings(parsed: &Parsed, positionals: &[String], unresettable: &[&str]) -> Checked {
    let mut actions: Vec<&str> = Vec::new();
    if parsed.text("file").is_some_and(|path| !path.is_empty()) {
        actions.push("use --file flag");
    }
    let lists = parsed.texts("reset");
    let reset: Vec<&str> = lists.iter().flat_map(|list| list.trim_matches(',').split(',')).collect();
    if !lists.is_empty() {
        actions.push("use --reset flag");
        for key in &reset {
            if unresettable.contains(key) {
                return Err(format!("{} cannot be reset", quote(key)));
            }
            if key.contains('=') {
                return Err(format!(
                    "--reset accepts a comma delimited set of keys \"a,b,c\", received: {}",
                    quote(key)
                ));
            }
        }
    }
    let mut to_set: Vec<&str> = Vec::new();
    let mut key_count = 0;
    for argument in positionals {
        let Some((key, _)) = argument.split_once('=') else {
            key_count += 1;
            continue;
        };
        if key.is_empty() {
            return Err(format!("expected \"key=value\", got {}", quote(argument)));
        }
        if to_set.contains(&key) {
            return Err(format!("key {} specified more than once", quote(key)));
        }
        to_set.push(key);
    }
    if key_count > 0 {
        actions.push("get value");
    }
    if !to_set.is_empty() {
        actions.push("set key=value pairs");
    }
    if key_count > 0 && actions.len() > 1 {
        let (last, others) = actions.split_last().unwrap_or((&"", &[]));
        return Err(format!("cannot {} and {last} simultaneously", others.join(", ")));
    }
    if key_count > 1 {
        return refuse("cannot specify multiple keys to get");
    }
    let both = reset.iter().find(|key| to_set.contains(key));
    both.map_or(Ok(()), |key| Err(format!("cannot set and reset key {} simultaneously", quote(key))))
}

pub(crate) fn config(parsed: &Parsed) -> Checked {
    let (application, rest) = first(parsed, "no application name specified")?;
    if application.contains('=') {
        return refuse("no application name specified");
    }
    settings(parsed, rest, &[])
}

pub(crate) fn model_config(parsed: &Parsed) -> Checked {
    settings(parsed, &parsed.positionals, &["agent-version", "charmhub-url"])
}

pub(crate) fn add_model(parsed: &Parsed) -> Checked {
    let missing = "juju: no model name was passed. See \"juju add-model --help\".\n\nDid you mean:\n\
                   \tjuju add-model <model name>";
    let (name, rest) = first(parsed, missing)?;
    if !is_model(name) {
        return Err(format!(
            "{} is not a valid name: model names may only contain lowercase letters, digits and hyphens",
            quote(name)
        ));
    }
    if let Some(owner) = parsed.text("owner").filter(|owner| !owner.is_empty() && !is_user(owner)) {
        return Err(format!("{} is not a valid user", quote(owner)));
    }
    none_left(rest.get(1..).unwrap_or_default())
}

pub(crate) fn destroy_model(parsed: &Parsed) -> Checked {
    if parsed.is_set("destroy-storage") && parsed.is_set("release-storage") {
        return refuse("--destroy-storage and --release-storage cannot both be specified");
    }
    if let Some(timeout) = parsed.duration("timeout") {
        // Minus one second is what Juju takes for no timeout at all.
        let is_unset = timeout.as_nanos() == -1_000_000_000;
        if timeout.is_negative() && !is_unset {
            return refuse("--timeout must be zero or greater");
        }
        if !is_unset && !parsed.is_set("force") {
            return refuse("--timeout can only be used with --force (dangerous)");
        }
    }
    let (_, rest) = first(parsed, "no model specified")?;
    none_left(rest)
}

/// `grant` and `revoke`.
pub(crate) fn access(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "no user specified")?;
    let (permission, targets) = rest.split_first().ok_or("no permission level specified")?;
    let mut has_models = false;
    let mut has_offers = false;
    for target in targets {
        if OfferUrl::parse(target).is_ok() {
            has_offers = true;
            continue;
        }
        let model = match target.split_once('/') {
            Some((user, _)) if !is_user(user) => {
                let reason = not_valid("user name", user);
                return Err(format!("validating model name {}: {reason}", quote(target)));
            }
            Some((_, model)) => model,
            None => target.as_str(),
        };
        if !is_model(model) {
            return Err(not_valid("model name", model));
        }
        has_models = true;
    }
    if has_models && has_offers {
        return refuse("either specify model names or offer URLs but not both");
    }
    let permission = permission.as_str();
    let is_for_controllers = matches!(permission, "login" | "superuser");
    let is_for_models = matches!(permission, "read" | "write" | "admin");
    let is_for_offers = matches!(permission, "read" | "consume" | "admin");
    if (has_models || has_offers) && is_for_controllers {
        return Err(format!(
            "You have specified a controller access permission {}.\nIf you intended to change controller \
             access, do not specify any model names or offer URLs.\nSee 'juju help grant'.",
            quote(permission)
        ));
    }
    if has_models && !is_for_models {
        return Err(format!("{} model access not valid", quote(permission)));
    }
    if has_offers && !is_for_offers {
        return Err(format!("{} offer access not valid", quote(permission)));
    }
    if !has_models && !has_offers && is_for_models {
        return Err(format!(
            "You have specified a model access permission {}.\nIf you intended to change model access, you \
             need to specify one or more model names.\nSee 'juju help grant'.",
            quote(permission)
        ));
    }
    Ok(())
}

const LOG_LEVELS: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"];

pub(crate) fn debug_log(parsed: &Parsed) -> Checked {
    let level = parsed.text("level").unwrap_or_default();
    let is_level =
        LOG_LEVELS.contains(&level.to_ascii_uppercase().as_str()) || level.eq_ignore_ascii_case("warn");
    if !level.is_empty() && !is_level {
        let known: Vec<String> = LOG_LEVELS.iter().map(|level| quote(level)).collect();
        return Err(format!("level value {} is not one of {}", quote(level), known.join(", ")));
    }
    let (tail, no_tail) = (parsed.is_set("tail"), parsed.is_set("no-tail"));
    let (limit, lines) = (parsed.was_given("limit"), parsed.was_given("lines"));
    let exclusive = [
        (tail && no_tail, "--tail and --no-tail"),
        (no_tail && parsed.is_set("retry"), "--no-tail and --retry"),
        (no_tail && lines, "--no-tail and --lines"),
        (tail && limit, "--tail and --limit"),
        (limit && lines, "--limit and --lines"),
        (parsed.is_set("replay") && lines, "--replay and --lines"),
    ];
    if let Some((_, flags)) = exclusive.iter().find(|(is_wrong, _)| *is_wrong) {
        return Err(format!("setting {flags} not valid"));
    }
    if parsed.duration("retry-delay").is_some_and(|delay| delay.is_negative()) {
        return refuse("negative retry delay not valid");
    }
    none_left(&parsed.positionals)
}

pub(crate) fn status(parsed: &Parsed) -> Checked {
    if parsed.is_set("color") && parsed.is_set("no-color") {
        return refuse("cannot mix --no-color and --color");
    }
    Ok(())
}

const HISTORY_KINDS: [&str; 10] = [
    "model",
    "application",
    "saas",
    "unit",
    "juju-unit",
    "workload",
    "machine",
    "juju-machine",
    "container",
    "juju-container",
];

pub(crate) fn show_status_log(parsed: &Parsed) -> Checked {
    let kind = parsed.text("type").unwrap_or_default();
    match parsed.positionals.as_slice() {
        [] if kind != "model" => return refuse("entity name is missing."),
        [] | [_] => {}
        _several => return refuse("unexpected arguments after entity name."),
    }
    let has_date = parsed.text("from-date").is_some_and(|date| !date.is_empty());
    let has = |name: &str| parsed.number(name).is_some_and(|number| number != 0);
    if [has_date, has("n"), has("days")].into_iter().filter(|given| *given).count() > 1 {
        return refuse("backlog size, backlog date and backlog days back cannot be specified together");
    }
    if HISTORY_KINDS.contains(&kind) {
        return Ok(());
    }
    Err(format!("unexpected status type {}", quote(kind)))
}

/// The one name behind `wait-for unit` and its like.
fn awaited(parsed: &Parsed, what: &str, missing: &str, is_valid: fn(&str) -> bool) -> Checked {
    match parsed.positionals.as_slice() {
        [] => refuse(missing),
        [name] if is_valid(name) => Ok(()),
        [name] => Err(format!("{} is not valid {what}", quote(name))),
        _several => Err(format!("only one {what} can be supplied as an argument to this command")),
    }
}

pub(crate) fn wait_for_application(parsed: &Parsed) -> Checked {
    let missing = "application name must be supplied when waiting for an application";
    awaited(parsed, "application name", missing, is_application)
}

pub(crate) fn wait_for_machine(parsed: &Parsed) -> Checked {
    awaited(parsed, "machine id", "machine id must be supplied when waiting for an machine", is_machine)
}

pub(crate) fn wait_for_model(parsed: &Parsed) -> Checked {
    let is_valid = |name: &str| is_model(name.rsplit([':', '/']).next().unwrap_or(name));
    awaited(parsed, "model name", "model name must be supplied when waiting for an model", is_valid)
}

pub(crate) fn wait_for_unit(parsed: &Parsed) -> Checked {
    awaited(parsed, "unit name", "unit name must be supplied when waiting for an unit", is_unit)
}
