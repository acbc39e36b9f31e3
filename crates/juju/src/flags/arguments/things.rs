//! Checks of commands on machines, storage, secrets and clouds.

use super::{Checked, at_most_one, first, no_wait_needs_force, none_left, not_valid, refuse};
use crate::flags::parsed::Parsed;
use crate::names::{is_cloud, is_machine, is_unit, parse_placement};
use crate::values::go::quote;
use crate::values::storage::parse_storage_by_label;

pub(crate) fn add_machine(parsed: &Parsed) -> Checked {
    if parsed.text("base").is_some() && parsed.text("series").is_some() {
        return refuse("--series and --base cannot be specified together");
    }
    at_most_one(parsed)?;
    let Some(directive) = parsed.positionals.first() else { return Ok(()) };
    let placement = parse_placement(directive).map_err(|invalid| invalid.0)?;
    if parsed.number("n").is_some_and(|count| count > 1) && !placement.directive.is_empty() {
        return refuse("cannot use -n when specifying a placement directive");
    }
    Ok(())
}

pub(crate) fn remove_machine(parsed: &Parsed) -> Checked {
    first(parsed, "no machines specified")?;
    if let Some(id) = parsed.positionals.iter().find(|id| !is_machine(id)) {
        return Err(format!("invalid machine id {}", quote(id)));
    }
    no_wait_needs_force(parsed)
}

pub(crate) fn ssh(parsed: &Parsed) -> Checked {
    first(parsed, "no target name specified").map(drop)
}

pub(crate) fn scp(parsed: &Parsed) -> Checked {
    if parsed.positionals.len() < 2 { refuse("at least two arguments required") } else { Ok(()) }
}

pub(crate) fn add_ssh_key(parsed: &Parsed) -> Checked {
    first(parsed, "no ssh key specified").map(drop)
}

pub(crate) fn remove_ssh_key(parsed: &Parsed) -> Checked {
    first(parsed, "no ssh key id specified").map(drop)
}

pub(crate) fn add_storage(parsed: &Parsed) -> Checked {
    let [unit, storage @ ..] = parsed.positionals.as_slice() else {
        return refuse("add-storage requires a unit and a storage directive");
    };
    if storage.is_empty() {
        return refuse("add-storage requires a unit and a storage directive");
    }
    if !is_unit(unit) {
        return Err(not_valid("unit name", unit));
    }
    parse_storage_by_label(storage).map(drop)
}

pub(crate) fn attach_storage(parsed: &Parsed) -> Checked {
    if parsed.positionals.len() < 2 {
        return refuse("attach-storage requires a unit ID and at least one storage ID");
    }
    Ok(())
}

pub(crate) fn detach_storage(parsed: &Parsed) -> Checked {
    first(parsed, "detach-storage requires at least one storage ID").map(drop)
}

pub(crate) fn remove_storage(parsed: &Parsed) -> Checked {
    first(parsed, "remove-storage requires at least one storage ID").map(drop)
}

pub(crate) fn storage(parsed: &Parsed) -> Checked {
    let (filesystem, volume) = (parsed.is_set("filesystem"), parsed.is_set("volume"));
    if filesystem && volume {
        return refuse("--filesystem and --volume can not be used together");
    }
    if !parsed.positionals.is_empty() && !filesystem && !volume {
        return refuse("specifying IDs only supported with --filesystem and --volume options");
    }
    Ok(())
}

pub(crate) fn show_storage(parsed: &Parsed) -> Checked {
    first(parsed, "must specify storage ID(s)").map(drop)
}

pub(crate) fn create_storage_pool(parsed: &Parsed) -> Checked {
    // In a Kubernetes model the provider may be left out, so that one positional can be enough.
    if parsed.positionals.is_empty() {
        return refuse(
            "pool creation requires names, provider type and optional attributes for configuration",
        );
    }
    Ok(())
}

pub(crate) fn remove_storage_pool(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "pool removal requires storage pool name")?;
    none_left(rest)
}

pub(crate) fn update_storage_pool(parsed: &Parsed) -> Checked {
    if parsed.positionals.len() < 2 {
        return refuse("pool update requires name and configuration attributes");
    }
    Ok(())
}

pub(crate) fn add_secret(parsed: &Parsed) -> Checked {
    let (_, values) = first(parsed, "secret name needs to be supplied as the first argument")?;
    if values.is_empty() && parsed.text("file").is_none_or(str::is_empty) {
        return refuse("missing secret value or filename");
    }
    secret_values(values)
}

pub(crate) fn update_secret(parsed: &Parsed) -> Checked {
    let (_, values) = first(parsed, "missing secret URI")?;
    secret_values(values)
}

fn secret_values(values: &[String]) -> Checked {
    let wrong = values.iter().find(|value| value.trim_end_matches('=').find('=').is_none_or(|at| at == 0));
    wrong.map_or(Ok(()), |value| Err(not_valid("key value", value)))
}

/// `grant-secret` and `revoke-secret`.
pub(crate) fn secret_access(parsed: &Parsed) -> Checked {
    let [_secret, _applications, rest @ ..] = parsed.positionals.as_slice() else {
        return refuse("missing secret URI or application name");
    };
    none_left(rest)
}

pub(crate) fn remove_secret(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "missing secret URI")?;
    none_left(rest)
}

pub(crate) fn show_secret(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "secret ID is required")?;
    let revision = parsed.number("revision").unwrap_or(0);
    if parsed.is_set("revisions") {
        if parsed.is_set("reveal") {
            return refuse("specify either --revisions or --reveal but not both");
        }
        if revision > 0 {
            return refuse("specify either --revisions or --revision but not both");
        }
    }
    if revision < 0 {
        return refuse("revision must be a positive integer");
    }
    none_left(rest)
}

pub(crate) fn add_cloud(parsed: &Parsed) -> Checked {
    if let Some(name) = parsed.positionals.first().filter(|name| !is_cloud(name)) {
        return Err(not_valid("cloud name", name));
    }
    let file = parsed.text("file").filter(|path| !path.is_empty());
    if let (Some(file), Some(second)) = (file, parsed.positionals.get(1))
        && file != second
    {
        return refuse("cannot specify cloud file with option and argument");
    }
    none_left(parsed.positionals.get(2..).unwrap_or_default())
}

pub(crate) fn update_cloud(parsed: &Parsed) -> Checked {
    let (name, rest) = first(parsed, "cloud name required")?;
    if !is_cloud(name) {
        return Err(not_valid("cloud name", name));
    }
    none_left(rest)
}

pub(crate) fn remove_cloud(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "Usage: juju remove-cloud <cloud name>")?;
    none_left(rest)
}

pub(crate) fn show_cloud(parsed: &Parsed) -> Checked {
    if parsed.positionals.len() == 1 { Ok(()) } else { refuse("no cloud specified") }
}

pub(crate) fn regions(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "no cloud specified")?;
    none_left(rest)
}

pub(crate) fn add_credential(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "Usage: juju add-credential <cloud-name> [-f <credentials.yaml>]")?;
    none_left(rest)
}

pub(crate) fn update_credential(parsed: &Parsed) -> Checked {
    if parsed.positionals.len() > 2 {
        return refuse("only a cloud name and / or credential name need to be provided");
    }
    Ok(())
}

pub(crate) fn remove_credential(parsed: &Parsed) -> Checked {
    let [_cloud, _credential, rest @ ..] = parsed.positionals.as_slice() else {
        return refuse("Usage: juju remove-credential <cloud-name> <credential-name>");
    };
    none_left(rest)
}

pub(crate) fn show_credential(parsed: &Parsed) -> Checked {
    match parsed.positionals.len() {
        0 | 2 => Ok(()),
        1 => refuse("both cloud and credential name are needed"),
        _many => refuse("only cloud and credential names are supported"),
    }
}

pub(crate) fn default_credential(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "Usage: juju default-credential <cloud-name> [<credential-name>]")?;
    none_left(rest.get(1..).unwrap_or_default())
}

pub(crate) fn default_region(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "Usage: juju default-region <cloud-name> [<region>]")?;
    none_left(rest.get(1..).unwrap_or_default())
}
