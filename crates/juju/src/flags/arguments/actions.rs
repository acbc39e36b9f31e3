//! Checks of commands on actions and operations.

use super::{Checked, first, none_left, not_valid, refuse, valid_application};
use crate::flags::parsed::Parsed;
use crate::names::{UnitOrLeader, is_action, is_application, is_key, is_machine, is_operation, is_unit};
use crate::values::go::quote;

fn background_or_wait(parsed: &Parsed) -> Checked {
    let waits = parsed.duration("wait").is_some_and(|wait| wait.is_positive());
    if parsed.is_set("background") && waits {
        return refuse("cannot specify both --wait and --background");
    }
    Ok(())
}

pub(crate) fn run(parsed: &Parsed) -> Checked {
    background_or_wait(parsed)?;
    let mut applications: Vec<String> = Vec::new();
    let mut words = parsed.positionals.iter();
    let mut action = None;
    for word in words.by_ref() {
        if let Some(unit) = UnitOrLeader::parse(word) {
            applications.push(unit.application().to_owned());
        } else if is_key(word) {
            action = Some(word);
            break;
        } else {
            return Err(format!("invalid unit or action name {}", quote(word)));
        }
    }
    if applications.is_empty() {
        return refuse("no unit specified");
    }
    if action.is_none() {
        return refuse("no action specified");
    }
    applications.dedup();
    if applications.len() > 1 {
        return refuse("all units must be of the same application");
    }
    for word in words {
        let Some((key, _)) = word.split_once('=') else {
            return Err(format!("argument {} must be of the form key.key.key...=value", quote(word)));
        };
        if let Some(wrong) = key.split('.').find(|part| !is_key(part)) {
            return Err(format!(
                "key {} must start and end with lowercase alphanumeric, and contain only lowercase \
                 alphanumeric and hyphens",
                quote(wrong)
            ));
        }
    }
    Ok(())
}

pub(crate) fn exec(parsed: &Parsed) -> Checked {
    background_or_wait(parsed)?;
    first(parsed, "no commands specified")?;
    let (machines, applications, units) =
        (parsed.list("machine"), parsed.list("application"), parsed.list("unit"));
    if parsed.is_set("all") {
        for (what, targets) in [("machines", &machines), ("applications", &applications), ("units", &units)] {
            if !targets.is_empty() {
                return Err(format!("You cannot specify --all and individual {what}"));
            }
        }
    } else if machines.is_empty() && applications.is_empty() && units.is_empty() {
        return refuse("You must specify a target, either through --all, --machine, --application or --unit");
    }
    let mut wrong: Vec<String> = Vec::new();
    let mut note = |what: &str, name: &str| wrong.push(format!("  {} is not a valid {what}", quote(name)));
    for name in machines.iter().filter(|name| !is_machine(name)) {
        note("machine id", name);
    }
    for name in applications.iter().filter(|name| !is_application(name)) {
        note("application name", name);
    }
    for name in units.iter().filter(|name| UnitOrLeader::parse(name).is_none()) {
        note("unit name", name);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("The following exec targets are not valid:\n{}", wrong.join("\n")))
}

pub(crate) fn actions(parsed: &Parsed) -> Checked {
    if parsed.format() == Some("tabular") && parsed.is_set("schema") {
        return refuse("full schema not compatible with tabular output");
    }
    let (application, rest) = first(parsed, "no application name specified")?;
    none_left(rest)?;
    valid_application(application)
}

pub(crate) fn show_action(parsed: &Parsed) -> Checked {
    let (application, rest) = first(parsed, "no application specified")?;
    let (_, rest) = rest.split_first().ok_or("no action specified")?;
    none_left(rest)?;
    valid_application(application)
}

const TASK_STATUSES: [&str; 8] =
    ["pending", "running", "completed", "failed", "cancelled", "aborting", "aborted", "error"];

pub(crate) fn operations(parsed: &Parsed) -> Checked {
    let mut wrong: Vec<String> = Vec::new();
    for name in parsed.list("applications").into_iter().filter(|name| !is_application(name)) {
        wrong.push(format!("invalid application name {}", quote(name)));
    }
    for name in parsed.list("units").into_iter().filter(|name| !is_unit(name)) {
        wrong.push(format!("invalid unit name {}", quote(name)));
    }
    for id in parsed.list("machines").into_iter().filter(|id| !is_machine(id)) {
        wrong.push(format!("invalid machine id {}", quote(id)));
    }
    for status in parsed.list("status").into_iter().filter(|status| !TASK_STATUSES.contains(status)) {
        wrong.push(format!(
            "{} is not a valid task status, want one of [{}]",
            quote(status),
            TASK_STATUSES.join(" ")
        ));
    }
    if wrong.is_empty() { none_left(&parsed.positionals) } else { Err(wrong.join("\n")) }
}

fn watch_or_wait(parsed: &Parsed) -> Checked {
    if parsed.is_set("watch") && parsed.was_given("wait") {
        return refuse("specify either --watch or --wait but not both");
    }
    Ok(())
}

pub(crate) fn show_operation(parsed: &Parsed) -> Checked {
    watch_or_wait(parsed)?;
    let (id, rest) = first(parsed, "no operation ID specified")?;
    none_left(rest)?;
    if is_operation(id) { Ok(()) } else { Err(not_valid("operation ID", id)) }
}

pub(crate) fn show_task(parsed: &Parsed) -> Checked {
    watch_or_wait(parsed)?;
    let (id, rest) = first(parsed, "no task ID specified")?;
    none_left(rest)?;
    if is_action(id) { Ok(()) } else { Err(not_valid("task ID", id)) }
}

pub(crate) fn cancel_task(parsed: &Parsed) -> Checked {
    let wrong = parsed.positionals.iter().find(|id| !is_action(id));
    wrong.map_or(Ok(()), |id| Err(not_valid("task ID", id)))
}
