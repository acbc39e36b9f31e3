//! Checks of commands on applications, units, relations and offers.

use super::{
    Checked, at_most_one, first, no_wait_needs_force, none_left, not_valid, refuse, valid_application,
};
use crate::flags::parsed::Parsed;
use crate::names::{self, OfferUrl, is_application, is_relation_endpoint, is_unit, parse_placement};
use crate::values::channel::Channel;
use crate::values::constraints::Constraints;
use crate::values::go::{self, quote};
use crate::values::is_cidr;

/// `--num-units`, `--to` and `--attach-storage`.
fn new_units(parsed: &Parsed) -> Checked {
    let unit_count = parsed.number("num-units").unwrap_or(0);
    if unit_count < 1 {
        return refuse("--num-units must be a positive integer");
    }
    if !parsed.list("attach-storage").is_empty() && unit_count != 1 {
        return refuse("--attach-storage cannot be used with -n");
    }
    let to = parsed.text("to").unwrap_or_default();
    if !to.is_empty() {
        for directive in to.split(',') {
            if directive.is_empty() {
                return Err(format!("invalid --to parameter {}", quote(to)));
            }
            if parse_placement(directive).is_err() {
                return Err(format!("invalid --to parameter {}", quote(directive)));
            }
        }
    }
    Ok(())
}

pub(crate) fn add_unit(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "no application specified")?;
    none_left(rest)?;
    new_units(parsed)
}

/// Flags of `deploy` that say nothing about a bundle.
const CHARM_FLAGS: [&str; 9] =
    ["attach-storage", "base", "bind", "config", "constraints", "num-units", "resource", "series", "to"];
/// Flags of `deploy` that say nothing about a charm.
const BUNDLE_FLAGS: [&str; 2] = ["overlay", "map-machines"];

/// What Juju says, once it knows that it deploys a bundle or a charm, of flags that are for the
/// other. The exit code is then 1, for the command runs already.
pub fn check_deploy_flags(parsed: &Parsed, is_bundle: bool) -> Result<(), String> {
    let (what, typed) = if is_bundle {
        ("bundle", parsed.typed_among(&CHARM_FLAGS))
    } else {
        ("charm", parsed.typed_among(&BUNDLE_FLAGS))
    };
    if typed.is_empty() {
        return Ok(());
    }
    Err(format!("options provided but not supported when deploying a {what}: {}", typed.join(", ")))
}

pub(crate) fn deploy(parsed: &Parsed) -> Checked {
    if parsed.text("base").is_some() && parsed.text("series").is_some() {
        return refuse("--series and --base cannot be specified together");
    }
    match parsed.positionals.as_slice() {
        [] => return refuse("no charm or bundle specified"),
        [_charm] => {}
        [_charm, name] => names::check_application(name).map_err(|invalid| invalid.0)?,
        [_charm, _name, rest @ ..] => return none_left(rest),
    }
    machine_map(parsed.text("map-machines").unwrap_or_default())
        .map_err(|reason| format!("error in --map-machines: {reason}"))?;
    new_units(parsed)?;
    if let Some(channel) = parsed.text("channel").filter(|channel| !channel.is_empty()) {
        Channel::parse(channel).map_err(|reason| format!("error in --channel: {reason}"))?;
    }
    Ok(())
}

fn machine_map(text: &str) -> Checked {
    let is_top_level = |id: &str| go::parse_decimal(id).is_ok_and(|number| number >= 0);
    for part in text.split(',').map(str::trim).filter(|part| !matches!(*part, "" | "existing")) {
        let pair = part.split_once('=').filter(|(_, machine)| !machine.contains('='));
        let Some((bundle_id, machine_id)) = pair else {
            return Err(format!(
                "expected \"existing\" or \"<bundle-id>=<machine-id>\", got {}",
                quote(part)
            ));
        };
        let (bundle_id, machine_id) = (bundle_id.trim(), machine_id.trim());
        if !is_top_level(bundle_id) {
            return Err(format!("bundle-id {} is not a top level machine id", quote(bundle_id)));
        }
        if !is_top_level(machine_id) {
            return Err(format!("machine-id {} is not a top level machine id", quote(machine_id)));
        }
    }
    Ok(())
}

pub(crate) fn bind(parsed: &Parsed) -> Checked {
    let (application, _) = first(parsed, "no application specified")?;
    valid_application(application)
}

pub(crate) fn constraints(parsed: &Parsed) -> Checked {
    let (application, rest) = first(parsed, "no application name specified")?;
    valid_application(application)?;
    none_left(rest)
}

pub(crate) fn set_constraints(parsed: &Parsed) -> Checked {
    let (application, rest) = first(parsed, "no application name specified")?;
    valid_application(application)?;
    Constraints::parse(rest).map(drop)
}

/// An application by its first positional, and nothing else; its name is looked at later.
pub(crate) fn expose(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "no application name specified")?;
    none_left(rest)
}

/// Juju looks at no more than the first positional of `trust`.
pub(crate) fn trust(parsed: &Parsed) -> Checked {
    first(parsed, "no application name specified").map(drop)
}

pub(crate) fn refresh(parsed: &Parsed) -> Checked {
    let (application, rest) = first(parsed, "no application specified")?;
    none_left(rest)?;
    valid_application(application)?;
    let has = |name: &str| parsed.text(name).is_some_and(|text| !text.is_empty());
    let has_revision = parsed.number("revision").is_some_and(|revision| revision != -1);
    if has("switch") && has_revision {
        return refuse("--switch and --revision are mutually exclusive");
    }
    if has("path") && has_revision {
        return refuse("--path and --revision are mutually exclusive");
    }
    if has("switch") && has("path") {
        return refuse("--switch and --path are mutually exclusive");
    }
    Ok(())
}

pub(crate) fn integrate(parsed: &Parsed) -> Checked {
    if parsed.positionals.len() != 2 {
        return refuse("an integration must involve two applications");
    }
    let mut has_remote = false;
    for endpoint in &parsed.positionals {
        if OfferUrl::parse(endpoint).is_ok() {
            if has_remote {
                return refuse("providing more than one remote endpoints not supported");
            }
            has_remote = true;
        } else {
            local_endpoint(endpoint)?;
        }
    }
    let via = parsed.text("via").unwrap_or_default().replace(' ', "");
    for cidr in via.split(',').filter(|_| !via.is_empty()) {
        if !is_cidr(cidr) {
            return Err(format!("invalid CIDR address: {cidr}"));
        }
        if cidr == "0.0.0.0/0" {
            return Err(format!("CIDR {} not allowed", quote(cidr)));
        }
    }
    Ok(())
}

fn local_endpoint(endpoint: &str) -> Checked {
    let application = match endpoint.split_once(':') {
        Some((application, relation)) => {
            if application.is_empty() || !is_relation_endpoint(relation) {
                return Err(not_valid("endpoint", endpoint));
            }
            application
        }
        None => endpoint,
    };
    if is_application(application) { Ok(()) } else { Err(not_valid("application name", application)) }
}

pub(crate) fn remove_application(parsed: &Parsed) -> Checked {
    first(parsed, "no application specified")?;
    for name in &parsed.positionals {
        valid_application(name)?;
    }
    no_wait_needs_force(parsed)
}

pub(crate) fn remove_relation(parsed: &Parsed) -> Checked {
    match parsed.positionals.as_slice() {
        [id] => relation_id(id),
        [_one, _other] => Ok(()),
        _none_or_many => refuse("a relation must involve two applications"),
    }
}

fn relation_id(id: &str) -> Checked {
    if go::parse_decimal(id).is_ok_and(|number| number >= 0) {
        Ok(())
    } else {
        Err(not_valid("relation ID", id))
    }
}

pub(crate) fn relation_ids(parsed: &Parsed) -> Checked {
    first(parsed, "no relation ids specified")?;
    parsed
        .positionals
        .iter()
        .try_for_each(|id| relation_id(id.trim()).map_err(|_| not_valid("relation ID", id)))
}

pub(crate) fn remove_saas(parsed: &Parsed) -> Checked {
    first(parsed, "no SAAS application names specified")?;
    for name in &parsed.positionals {
        if !is_application(name) {
            return Err(format!("invalid SAAS application name {}", quote(name)));
        }
    }
    Ok(())
}

pub(crate) fn remove_unit(parsed: &Parsed) -> Checked {
    no_wait_needs_force(parsed)
}

pub(crate) fn resolved(parsed: &Parsed) -> Checked {
    if parsed.is_set("all") {
        if parsed.positionals.is_empty() {
            return Ok(());
        }
        return refuse("specifying unit names(s) with --all not supported");
    }
    first(parsed, "no unit specified")?;
    let wrong = parsed.positionals.iter().find(|name| !is_unit(name));
    wrong.map_or(Ok(()), |name| Err(not_valid("unit name", name)))
}

pub(crate) fn scale_application(parsed: &Parsed) -> Checked {
    let (application, rest) = first(parsed, "no application specified")?;
    valid_application(application)?;
    let (scale, rest) = rest.split_first().ok_or("no scale specified")?;
    let count =
        go::parse_decimal(scale).map_err(|reason| format!("invalid scale {}: {reason}", quote(scale)))?;
    if count < 0 {
        return refuse("scale must be a positive integer");
    }
    none_left(rest)
}

/// Names of a kind, of which the wrong ones are listed together.
fn named(parsed: &Parsed, missing: &str, what: &str, is_valid: fn(&str) -> bool) -> Checked {
    first(parsed, missing)?;
    let wrong: Vec<&str> =
        parsed.positionals.iter().map(String::as_str).filter(|name| !is_valid(name)).collect();
    let plural = match wrong.len() {
        0 => return Ok(()),
        1 => "",
        _several => "s",
    };
    Err(format!("{what} name{plural} {} not valid", wrong.join(", ")))
}

pub(crate) fn show_application(parsed: &Parsed) -> Checked {
    named(parsed, "an application name must be supplied", "application", is_application)
}

pub(crate) fn show_unit(parsed: &Parsed) -> Checked {
    first(parsed, "an unit name must be supplied")?;
    if let Some(unit) = parsed.text("related-unit").filter(|unit| !unit.is_empty() && !is_unit(unit)) {
        return Err(format!("related unit name {unit} not valid"));
    }
    named(parsed, "an unit name must be supplied", "unit", is_unit)
}

pub(crate) fn attach_resource(parsed: &Parsed) -> Checked {
    let (application, rest) = first(parsed, "missing application name")?;
    let (resource, rest) = rest.split_first().ok_or("no resource specified")?;
    if !is_application(application) {
        return Err(not_valid("application", application));
    }
    let reason = match resource.split_once('=') {
        None => "expected name=path format",
        Some(("", _)) => "missing resource name",
        Some((_, "")) => "missing resource value",
        Some(_) => return none_left(rest),
    };
    Err(format!("bad resource arg {}: {reason}", quote(resource)))
}

pub(crate) fn resources(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "missing application or unit name")?;
    none_left(rest)
}

pub(crate) fn charm_resources(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "missing charm")?;
    none_left(rest)
}

pub(crate) fn offer(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "an offer must at least specify application endpoint")?;
    none_left(rest.get(1..).unwrap_or_default())
}

pub(crate) fn find_offers(parsed: &Parsed) -> Checked {
    let has = |name: &str| parsed.text(name).is_some_and(|text| !text.is_empty());
    if has("offer") && has("url") {
        return refuse("cannot specify both a URL term and offer term");
    }
    at_most_one(parsed)?;
    if !parsed.positionals.is_empty() && has("url") {
        return refuse("URL term cannot be specified twice");
    }
    Ok(())
}

pub(crate) fn show_offer(parsed: &Parsed) -> Checked {
    if parsed.positionals.len() == 1 { Ok(()) } else { refuse("must specify endpoint URL") }
}

pub(crate) fn remove_offer(parsed: &Parsed) -> Checked {
    first(parsed, "no offers specified").map(drop)
}

pub(crate) fn consume(parsed: &Parsed) -> Checked {
    let (_, rest) = first(parsed, "no remote offer specified")?;
    let Some((alias, rest)) = rest.split_first() else { return Ok(()) };
    valid_application(alias)?;
    none_left(rest)
}
