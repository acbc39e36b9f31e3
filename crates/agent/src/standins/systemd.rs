//! `systemctl`, `service` and `journalctl`.
//!
//! A unit is known when a package or a snap brought it, when the machine came with it, or when
//! the charm wrote its file. It does what it is told: nothing ever fails on its own.

use super::machine::{Activity, Machine, Service};
use super::rules::Rules;
use super::said::Said;
use super::{Words, glob, units};

/// Options whose value is the next word.
const WITH_VALUE: [&str; 13] = [
    "-t",
    "--type",
    "-p",
    "--property",
    "-P",
    "-s",
    "--signal",
    "-n",
    "--lines",
    "-o",
    "--output",
    "-H",
    "-M",
];

#[derive(Default)]
struct Options<'a> {
    is_quiet: bool,
    is_now: bool,
    is_value: bool,
    properties: Vec<&'a str>,
}

fn parted(arguments: &[String]) -> (Vec<&str>, Options<'_>) {
    let mut plain = Vec::new();
    let mut options = Options::default();
    let mut waiting: Option<&str> = None;
    for word in arguments.iter().map(String::as_str) {
        let (name, value) = match (waiting.take(), word.split_once('=')) {
            (Some(name), _) => (name, Some(word)),
            (None, Some((name, value))) if word.starts_with("--") => (name, Some(value)),
            (None, Some(_) | None) => (word, None),
        };
        match (name, value) {
            ("-q" | "--quiet", _) => options.is_quiet = true,
            ("--now", _) => options.is_now = true,
            ("--value", _) => options.is_value = true,
            ("-p" | "--property", Some(value)) => options.properties.extend(value.split(',')),
            ("-P", Some(value)) => {
                options.is_value = true;
                options.properties.extend(value.split(','));
            }
            (name, None) if WITH_VALUE.contains(&name) => waiting = Some(name),
            (name, _) if name.starts_with('-') => {}
            (name, _) => plain.push(name),
        }
    }
    (plain, options)
}

pub(super) fn systemctl(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let (plain, options) = parted(words.arguments);
    let Some((verb, names)) = plain.split_first() else {
        return list_units(machine, &[]);
    };
    let units = resolve(machine, words, names);
    match *verb {
        "daemon-reload" | "daemon-reexec" | "reset-failed" | "set-property" | "edit" | "set-default"
        | "import-environment" | "set-environment" | "preset" | "kill" | "clean" | "link" => Said::default(),
        "is-system-running" => Said::printed("running\n"),
        "get-default" => Said::printed("multi-user.target\n"),
        "list-units" => list_units(machine, names),
        "list-unit-files" => list_unit_files(machine, names),
        "start"
        | "stop"
        | "restart"
        | "try-restart"
        | "reload"
        | "reload-or-restart"
        | "try-reload-or-restart"
        | "condrestart"
        | "force-reload" => act(machine, verb, &units),
        "enable" | "disable" | "reenable" | "mask" | "unmask" => {
            let mut said = files(machine, verb, &units, options.is_quiet);
            let now = match *verb {
                "enable" | "reenable" => "start",
                _ => "stop",
            };
            if options.is_now && said.code == 0 && *verb != "unmask" {
                let acted = act(machine, now, &units);
                said.code = acted.code;
                said.stderr += &acted.stderr;
            }
            said
        }
        "is-active" | "is-failed" | "is-enabled" => ask(machine, verb, &units, options.is_quiet),
        "status" => status(machine, &units),
        "show" => show(machine, &units, &options),
        "cat" => cat(machine, words, &units),
        other => Said::failed(1, format!("Unknown command verb {other}.\n")),
    }
}

/// The full names that are meant: `*` stands for known units, a file of the charm's makes its unit
/// known.
fn resolve(machine: &mut Machine, words: &Words<'_>, names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        // A path is that of a unit's file.
        let name = super::base_name(name);
        let unit = units::full_name(name);
        if name.contains(['*', '?']) {
            found.extend(machine.services.keys().filter(|known| glob::matches(&unit, known)).cloned());
            continue;
        }
        if !machine.services.contains_key(&unit) && own_file(words, &unit).is_some() {
            let service = Service {
                activity: Activity::Inactive,
                is_enabled: false,
                is_masked: false,
                owner: String::new(),
            };
            machine.services.insert(unit.clone(), service);
        }
        // What a charm wrote and took away again is gone.
        let is_gone = machine.services.get(&unit).is_some_and(|service| {
            service.owner.is_empty()
                && service.activity != Activity::Active
                && own_file(words, &unit).is_none()
        });
        if is_gone {
            machine.services.remove(&unit);
        }
        found.push(unit);
    }
    found
}

fn own_file(words: &Words<'_>, unit: &str) -> Option<String> {
    let folders = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];
    // `worker@1` is an instance of `worker@`.
    let template =
        unit.split_once('@').and_then(|(name, rest)| Some(format!("{name}@.{}", rest.rsplit_once('.')?.1)));
    let names = std::iter::once(unit.to_owned()).chain(template);
    names
        .flat_map(|name| folders.map(|folder| format!("{folder}/{name}")))
        .find_map(|path| words.call.file(&path))
}

fn unknown(said: &mut Said, unit: &str) {
    said.assumes(format!(
        "there is no unit {unit}: no package or snap here is known to bring it, and the charm wrote no file for it; \
         `services` of a [[package]] rule can say otherwise"
    ));
}

fn act(machine: &mut Machine, verb: &str, units: &[String]) -> Said {
    let mut said = Said::default();
    if units.is_empty() {
        return Said::failed(1, "Too few arguments.\n");
    }
    for unit in units {
        let Some(service) = machine.services.get_mut(unit) else {
            let word = verb.trim_start_matches("try-");
            let end = if verb == "stop" { "loaded" } else { "found" };
            said.complain(format!("Failed to {word} {unit}: Unit {unit} not {end}."));
            said.code = 5;
            unknown(&mut said, unit);
            continue;
        };
        let is_active = service.activity == Activity::Active;
        match verb {
            "stop" => service.activity = Activity::Inactive,
            "reload" | "force-reload" if !is_active => {
                said.complain(format!("{unit} is not active, cannot reload."));
                said.code = 1;
            }
            "try-restart" | "condrestart" | "try-reload-or-restart" if !is_active => {}
            _ if service.is_masked => {
                said.complain(format!("Failed to {verb} {unit}: Unit {unit} is masked."));
                said.code = 1;
            }
            _ => service.activity = Activity::Active,
        }
    }
    said
}

fn files(machine: &mut Machine, verb: &str, units: &[String], is_quiet: bool) -> Said {
    let mut said = Said::default();
    for unit in units {
        let is_masking = matches!(verb, "mask" | "unmask");
        let Some(service) = machine.services.get_mut(unit) else {
            if is_masking {
                said.complain(format!("Unit {unit} does not exist, proceeding anyway."));
            } else {
                said.complain(format!("Failed to {verb} unit: Unit file {unit} does not exist."));
                said.code = 1;
                unknown(&mut said, unit);
            }
            continue;
        };
        let link = format!("/etc/systemd/system/multi-user.target.wants/{unit}");
        let mask = format!("/etc/systemd/system/{unit}");
        let line = match verb {
            "enable" | "reenable" if service.is_masked => {
                said.complain(format!("Failed to {verb} unit: Unit file {mask} is masked."));
                said.code = 1;
                continue;
            }
            "enable" | "reenable" => {
                let line = format!("Created symlink {link} → /usr/lib/systemd/system/{unit}.");
                (!std::mem::replace(&mut service.is_enabled, true)).then_some(line)
            }
            "disable" => {
                std::mem::replace(&mut service.is_enabled, false).then(|| format!("Removed \"{link}\"."))
            }
            "mask" => {
                let line = format!("Created symlink {mask} → /dev/null.");
                (!std::mem::replace(&mut service.is_masked, true)).then_some(line)
            }
            _ => std::mem::replace(&mut service.is_masked, false).then(|| format!("Removed \"{mask}\".")),
        };
        if let Some(line) = line.filter(|_| !is_quiet) {
            said.complain(line);
        }
    }
    said
}

fn ask(machine: &Machine, verb: &str, units: &[String], is_quiet: bool) -> Said {
    let mut said = Said::default();
    let mut is_any = false;
    let mut is_known = false;
    for unit in units {
        let service = machine.services.get(unit);
        is_known |= service.is_some();
        let (answer, holds) = match (verb, service) {
            ("is-enabled", None) => ("not-found".to_owned(), false),
            ("is-enabled", Some(service)) if service.is_masked => ("masked".to_owned(), false),
            ("is-enabled", Some(service)) => {
                ((if service.is_enabled { "enabled" } else { "disabled" }).to_owned(), service.is_enabled)
            }
            (_, None) => ("inactive".to_owned(), false),
            ("is-failed", Some(service)) => {
                (service.activity.to_string(), service.activity == Activity::Failed)
            }
            (_, Some(service)) => (service.activity.to_string(), service.activity == Activity::Active),
        };
        is_any |= holds;
        if !is_quiet {
            said.line(answer);
        }
        if service.is_none() {
            unknown(&mut said, unit);
        }
    }
    said.code = match (is_any, verb) {
        (true, _) => 0,
        (false, "is-active") => {
            if is_known {
                3
            } else {
                4
            }
        }
        (false, "is-enabled") => {
            if is_known {
                1
            } else {
                4
            }
        }
        (false, _) => 1,
    };
    said
}

fn status(machine: &Machine, names: &[String]) -> Said {
    let mut said = Said::default();
    for unit in names {
        let Some(service) = machine.services.get(unit) else {
            said.complain(format!("Unit {unit} could not be found."));
            said.code = 4;
            unknown(&mut said, unit);
            continue;
        };
        let (mark, detail) = match service.activity {
            Activity::Active => ('●', "active (running)"),
            Activity::Inactive => ('○', "inactive (dead)"),
            Activity::Failed => ('×', "failed (Result: exit-code)"),
        };
        let loaded = if service.is_masked { "masked" } else { "loaded" };
        let enabled = if service.is_enabled { "enabled" } else { "disabled" };
        said.line(format!("{mark} {unit}"));
        said.line(format!(
            "     Loaded: {loaded} (/usr/lib/systemd/system/{unit}; {enabled}; preset: enabled)"
        ));
        said.line(format!("     Active: {detail}"));
        if service.activity != Activity::Active && said.code == 0 {
            said.code = 3;
        }
    }
    said
}

fn show(machine: &Machine, units: &[String], options: &Options<'_>) -> Said {
    let mut said = Said::default();
    for unit in units {
        let service = machine.services.get(unit);
        let is_active = service.is_some_and(|service| service.activity == Activity::Active);
        let properties = [
            ("Id", unit.clone()),
            (
                "LoadState",
                match service {
                    Some(service) if service.is_masked => "masked".into(),
                    Some(_) => "loaded".into(),
                    None => "not-found".into(),
                },
            ),
            ("ActiveState", service.map_or("inactive".into(), |service| service.activity.to_string())),
            ("SubState", if is_active { "running".into() } else { "dead".into() }),
            (
                "UnitFileState",
                match service {
                    Some(service) if service.is_masked => "masked".into(),
                    Some(service) if service.is_enabled => "enabled".into(),
                    Some(_) => "disabled".into(),
                    None => String::new(),
                },
            ),
            ("MainPID", if is_active { "1000".into() } else { "0".into() }),
            ("Result", "success".into()),
            ("NRestarts", "0".into()),
        ];
        let is_wanted = |name: &str| options.properties.is_empty() || options.properties.contains(&name);
        for (name, value) in properties.iter().filter(|(name, _)| is_wanted(name)) {
            said.line(if options.is_value { value.clone() } else { format!("{name}={value}") });
        }
    }
    said
}

fn cat(machine: &Machine, words: &Words<'_>, units: &[String]) -> Said {
    let mut said = Said::default();
    for unit in units {
        match (own_file(words, unit), machine.services.contains_key(unit)) {
            (Some(text), _) => said.line(format!("# /etc/systemd/system/{unit}\n{text}")),
            (None, true) => {
                said.line(format!("# /usr/lib/systemd/system/{unit}\n[Unit]\nDescription={unit}\n"));
            }
            (None, false) => {
                said.complain(format!("No files found for {unit}."));
                said.code = 1;
            }
        }
    }
    said
}

fn list_units(machine: &Machine, patterns: &[&str]) -> Said {
    let mut said = Said::printed("  UNIT LOAD ACTIVE SUB DESCRIPTION\n");
    for (unit, service) in &machine.services {
        if patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, unit)) {
            let sub = if service.activity == Activity::Active { "running" } else { "dead" };
            said.line(format!("  {unit} loaded {} {sub} {unit}", service.activity));
        }
    }
    said
}

fn list_unit_files(machine: &Machine, patterns: &[&str]) -> Said {
    let mut said = Said::printed("UNIT FILE STATE PRESET\n");
    let mut count = 0;
    for (unit, service) in &machine.services {
        if patterns.is_empty()
            || patterns.iter().any(|pattern| glob::matches(&units::full_name(pattern), unit))
        {
            let state = match (service.is_masked, service.is_enabled) {
                (true, _) => "masked",
                (false, true) => "enabled",
                (false, false) => "disabled",
            };
            said.line(format!("{unit} {state} enabled"));
            count += 1;
        }
    }
    said.line(format!("\n{count} unit files listed."));
    said.code = i32::from(count == 0 && !patterns.is_empty());
    said
}

pub(super) fn service(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let (plain, _) = parted(words.arguments);
    let (name, verb) = match plain[..] {
        [name, verb, ..] => (name, verb),
        [..] if words.arguments.iter().any(|word| word == "--status-all") => return service_list(machine),
        [..] => {
            return Said::failed(
                1,
                "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n",
            );
        }
    };
    let units = resolve(machine, words, &[name]);
    if !units.iter().any(|unit| machine.services.contains_key(unit)) {
        let mut said = Said::failed(1, format!("{name}: unrecognized service\n"));
        unknown(&mut said, &units::full_name(name));
        return said;
    }
    match verb {
        "status" => status(machine, &units),
        "start" | "stop" | "restart" | "reload" | "force-reload" | "try-restart" => {
            act(machine, verb, &units)
        }
        other => Said::failed(
            1,
            format!("Usage: /etc/init.d/{name} {{start|stop|restart|reload|status}}, not {other}\n"),
        ),
    }
}

fn service_list(machine: &Machine) -> Said {
    let mut said = Said::default();
    for (unit, service) in &machine.services {
        let mark = if service.activity == Activity::Active { '+' } else { '-' };
        said.line(format!(" [ {mark} ]  {}", unit.trim_end_matches(".service")));
    }
    said
}

pub(super) fn journalctl(_machine: &mut Machine, _rules: &Rules, _words: &Words<'_>) -> Said {
    Said::printed("-- No entries --\n")
}
