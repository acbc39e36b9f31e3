//! Checks that depend on whether the model is one of Kubernetes.

use super::{Checked, refuse};
use crate::flags::error::FlagError;
use crate::flags::parsed::Parsed;
use crate::names::{is_application, is_unit};
use crate::values::go::quote;

/// Commands that have no meaning in a Kubernetes model.
const MACHINE_COMMANDS: [&str; 10] = [
    "add-machine",
    "add-ssh-key",
    "add-storage",
    "attach-storage",
    "detach-storage",
    "machines",
    "remove-machine",
    "remove-ssh-key",
    "show-machine",
    "ssh-keys",
];

/// Checks a command line against the kind of the model, before the command runs. Where Juju does
/// not know the model yet, it runs the command first.
pub fn check_arguments_in_model(parsed: &Parsed, is_kubernetes: bool) -> Result<(), FlagError> {
    let name = parsed.command.name;
    let checked = match (name, is_kubernetes) {
        (_, true) if MACHINE_COMMANDS.contains(&name) => {
            Err(format!("Juju command {} not supported on container models", quote(name)))
        }
        ("scale-application", false) => {
            Err(format!("Juju command {} only supported on k8s container models", quote(name)))
        }
        ("add-unit", true) => add_unit(parsed),
        ("deploy", true) => deploy(parsed),
        ("remove-unit", true) => remove_units_by_number(parsed),
        ("remove-unit", false) => remove_units_by_name(parsed),
        ("remove-storage", true) if parsed.is_set("force") => {
            refuse("forced detachment of storage on container models not supported")
        }
        ("create-storage-pool", is_kubernetes) => create_storage_pool(parsed, is_kubernetes),
        (_, true | false) => Ok(()),
    };
    checked.map_err(FlagError::Arguments)
}

fn add_unit(parsed: &Parsed) -> Checked {
    let is_placed = parsed.text("to").is_some_and(|to| !to.is_empty());
    if is_placed || !parsed.list("attach-storage").is_empty() {
        return refuse("k8s models only support --num-units");
    }
    Ok(())
}

fn deploy(parsed: &Parsed) -> Checked {
    if !parsed.list("attach-storage").is_empty() {
        return refuse("--attach-storage cannot be used on k8s models");
    }
    if parsed.text("to").is_some_and(|to| !to.is_empty()) {
        return refuse("--to cannot be used on k8s models");
    }
    Ok(())
}

fn remove_units_by_number(parsed: &Parsed) -> Checked {
    if parsed.is_set("dry-run") {
        return refuse("`--dry-run` is not supported for kubernetes units");
    }
    if parsed.is_set("destroy-storage") {
        return refuse("k8s models only support --num-units");
    }
    let application = match parsed.positionals.as_slice() {
        [] => return refuse("no application specified"),
        [application] => application,
        _several => return refuse("only single application supported"),
    };
    if is_unit(application) {
        return refuse(
            "k8s models do not support removing named units.\nInstead specify an application with --num-units.\n",
        );
    }
    if !is_application(application) {
        return Err(format!("application name {} not valid", quote(application)));
    }
    if parsed.number("num-units").is_none_or(|count| count <= 0) {
        return refuse("specify the number of units (> 0) to remove using --num-units");
    }
    Ok(())
}

fn remove_units_by_name(parsed: &Parsed) -> Checked {
    if parsed.number("num-units").is_some_and(|count| count != 0) {
        return refuse("--num-units for non k8s models not valid");
    }
    if parsed.positionals.is_empty() {
        return refuse("no units specified");
    }
    let wrong = parsed.positionals.iter().find(|name| !is_unit(name));
    wrong.map_or(Ok(()), |name| Err(format!("invalid unit name {}", quote(name))))
}

fn create_storage_pool(parsed: &Parsed, is_kubernetes: bool) -> Checked {
    let mut words: Vec<&str> = parsed.positionals.iter().map(String::as_str).collect();
    // The provider of a Kubernetes model's pools can be left out.
    if is_kubernetes && !words.is_empty() && words.get(1).is_none_or(|second| second.contains('=')) {
        words.insert(1, "kubernetes");
    }
    let [name, provider, attributes @ ..] = words.as_slice() else {
        return refuse(
            "pool creation requires names, provider type and optional attributes for configuration",
        );
    };
    if name.contains('=') || provider.contains('=') {
        return refuse(
            "pool creation requires names and provider type before optional attributes for configuration",
        );
    }
    crate::values::settings::parse_attributes(attributes).map(drop)
}
