//! `systemctl status`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{
    Options, Processes, Scene, file_state, journalctl, main_process, outdated, process_line, resolve,
    system_state,
};
use crate::services::call::Said;
use crate::services::install;
use crate::services::manager::Entry;
use crate::services::service::state::Outcome;
use crate::services::span;
use crate::services::unit::{Kind, LoadState};

/// How many lines of the journal are shown.
const LINES: usize = 10;

pub(super) fn run<P: Processes>(scene: &mut Scene<'_, P>, words: &[String], options: &Options) -> Said {
    if words.is_empty() {
        return machine(scene);
    }
    // A number is that of a process.
    let names: Vec<String> = words
        .iter()
        .map(|word| match word.parse::<i32>() {
            Ok(pid) => unit_of(scene, pid).unwrap_or_else(|| word.clone()),
            Err(_) => word.clone(),
        })
        .collect();
    let names = match resolve(scene.manager, &names, ".service") {
        Ok(names) => names,
        Err(error) => return Said::failed(1, error),
    };
    let mut said = Said::default();
    for name in names {
        let entry = scene.manager.load(&name).clone();
        if entry.unit.load == LoadState::NotFound && entry.is_idle() {
            said.complain(format!("Unit {name} could not be found."));
            said.code = 4;
            continue;
        }
        if !said.stdout.is_empty() {
            said.stdout.push('\n');
        }
        if scene.manager.is_outdated(&entry) {
            said.complain(outdated(&entry.unit.name));
        }
        unit(scene, &entry, options, &mut said);
        let code = match entry.active() {
            "inactive" | "failed" | "deactivating" | "activating" => 3,
            _ => 0,
        };
        if said.code == 0 {
            said.code = code;
        }
    }
    said
}

fn unit_of<P: Processes>(scene: &Scene<'_, P>, pid: i32) -> Option<String> {
    let found = scene
        .manager
        .entries()
        .find(|entry| scene.processes.of(&entry.unit.name).iter().any(|(process, _)| *process == pid));
    found.map(|entry| entry.unit.name.as_str().to_owned())
}

fn machine<P: Processes>(scene: &Scene<'_, P>) -> Said {
    let mut said = Said::default();
    let failed = scene.manager.entries().filter(|entry| entry.active() == "failed").count();
    said.line(format!("● {}", scene.manager.shelf.identity.host_name));
    said.line(format!("    State: {}", system_state(scene)));
    said.line(format!("    Units: {} loaded (incl. loaded aliases)", scene.manager.entries().count()));
    said.line(format!("     Jobs: {} queued", scene.manager.jobs().count()));
    said.line(format!("   Failed: {failed} units"));
    said.line(format!("    Since: {}", since(scene.manager.boot_time(), scene.now)));
    said.line("  systemd: 255.4-1ubuntu8");
    said
}

/// `Sun 2026-11-22 05:37:12 UTC; 520ms ago`
fn since(moment: Timestamp, now: Timestamp) -> String {
    let past = Duration::try_from(now.duration_since(moment)).unwrap_or(Duration::ZERO);
    format!("{}; {}", stamp(moment), span::ago(past))
}

/// A moment as systemd shows it.
pub(super) fn stamp(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string()
}

fn unit<P: Processes>(scene: &mut Scene<'_, P>, entry: &Entry, options: &Options, said: &mut Said) {
    let name = &entry.unit.name;
    let active = entry.active();
    let mark = match active {
        "active" | "reloading" | "activating" | "deactivating" => '●',
        "failed" => '×',
        _ => '○',
    };
    let mark = if active == "reloading" { '↻' } else { mark };
    if entry.unit.description == name.as_str() {
        said.line(format!("{mark} {name}"));
    } else {
        said.line(format!("{mark} {name} - {}", entry.unit.description));
    }
    said.line(format!("     Loaded: {}", loaded(scene, entry)));
    if !entry.unit.source.drop_ins.is_empty() {
        let mut folder = None;
        for (index, path) in entry.unit.source.drop_ins.iter().enumerate() {
            let key = if index == 0 { "    Drop-In:" } else { "            " };
            if folder != path.parent() {
                folder = path.parent();
                said.line(format!("{key} {}", folder.map_or("", |folder| folder.as_str())));
            }
            said.line(format!("             └─{}", path.file_name().unwrap_or("")));
        }
    }
    said.line(format!("     Active: {}", activity(entry, scene.now)));
    timing(entry, scene.now, said);
    triggers(scene, entry, said);
    for (index, page) in entry.unit.documentation.iter().enumerate() {
        said.line(format!("{} {page}", if index == 0 { "       Docs:" } else { "            " }));
    }
    let Some(service) = entry.service() else { return };
    if let Some(condition) = &entry.unmet {
        said.line(format!(
            "  Condition: start condition failed\n             └─ Condition{} was not met",
            condition.shown()
        ));
    }
    let processes = service.processes.iter();
    for line in processes.filter_map(process_line) {
        said.line(format!("    Process: {line}"));
    }
    if let Some(main) = main_process(service) {
        match main.ended {
            Some((_, status)) => said.line(format!("   Main PID: {} ({})", main.pid, status.shown())),
            None => said.line(format!("   Main PID: {} ({})", main.pid, scene.processes.name(main.pid))),
        }
    }
    if !service.status_text.is_empty() {
        said.line(format!("     Status: \"{}\"", service.status_text));
    }
    let processes = scene.processes.of(name);
    if !processes.is_empty() {
        said.line(format!("      Tasks: {}", processes.len()));
        said.line(format!("     CGroup: /system.slice/{name}"));
        for (index, (pid, words)) in processes.iter().enumerate() {
            let branch = if index + 1 == processes.len() { "└─" } else { "├─" };
            said.line(format!("             {branch}{pid} {words}"));
        }
    }
    let lines = options.lines.unwrap_or(LINES);
    let records = scene.journal.read(|unit| unit == name.as_str());
    if !records.is_empty() && lines > 0 {
        said.stdout.push('\n');
        for record in records.iter().skip(records.len().saturating_sub(lines)) {
            said.line(journalctl::short(record, &scene.manager.shelf.identity.host_name));
        }
    }
}

fn loaded<P: Processes>(scene: &Scene<'_, P>, entry: &Entry) -> String {
    let unit = &entry.unit;
    match unit.load {
        LoadState::Masked => format!("masked (Reason: Unit {} is masked.)", unit.name),
        LoadState::BadSetting => {
            format!("bad-setting (Reason: Unit {} has a bad unit file setting.)", unit.name)
        }
        LoadState::NotFound => format!("not-found (Reason: Unit {} not found.)", unit.name),
        LoadState::Loaded => {
            if let Some(script) = &unit.source.script {
                return format!("loaded ({script}; generated)");
            }
            let Some(fragment) = &unit.source.fragment else {
                return match unit.kind {
                    Kind::Provided => {
                        "loaded (stands for the machine itself, as charmproof made it)".to_owned()
                    }
                    Kind::Service(_) | Kind::Timer(_) | Kind::Socket(_) | Kind::Target => "loaded".to_owned(),
                };
            };
            let state = file_state(&scene.manager.shelf, unit);
            let preset = match state {
                install::FileState::Static => String::new(),
                _ if install::is_preset(&scene.manager.shelf, &unit.name) => "; preset: enabled".to_owned(),
                _ => "; preset: disabled".to_owned(),
            };
            format!("loaded ({fragment}; {}{preset})", state.word())
        }
    }
}

fn activity(entry: &Entry, now: Timestamp) -> String {
    let (active, sub) = (entry.active(), entry.sub());
    let outcome = entry.service().map_or(Outcome::Success, |service| service.outcome);
    let shown = match (active, outcome) {
        ("failed", _) => format!("failed (Result: {})", outcome.word()),
        ("activating", outcome) if outcome != Outcome::Success => {
            format!("activating ({sub}) (Result: {})", outcome.word())
        }
        _ => format!("{active} ({sub})"),
    };
    let times = entry.times();
    let moment = match active {
        "active" | "reloading" => times.active_enter,
        "inactive" | "failed" => times.inactive_enter,
        "activating" => times.inactive_exit,
        _ => times.active_exit,
    };
    moment.map_or(shown.clone(), |moment| format!("{shown} since {}", since(moment, now)))
}

fn timing(entry: &Entry, now: Timestamp, said: &mut Said) {
    let times = entry.times();
    if let (Some(enter), Some(exit), "inactive" | "failed") =
        (times.active_enter, times.active_exit, entry.active())
        && exit >= enter
    {
        let lasted = Duration::try_from(exit.duration_since(enter)).unwrap_or(Duration::ZERO);
        said.line(format!("   Duration: {}", span::format(lasted, Duration::from_millis(1))));
    }
    if let crate::services::manager::Life::Timer(timer) = &entry.life {
        let shown = match timer.next {
            Some(next) => {
                let left = Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO);
                format!("{}; {} left", stamp(next), span::format(left, Duration::from_secs(1)))
            }
            None => "n/a".to_owned(),
        };
        said.line(format!("    Trigger: {shown}"));
    }
}

fn triggers<P: Processes>(scene: &Scene<'_, P>, entry: &Entry, said: &mut Said) {
    let mark = |name| match scene.manager.entry(name).map(Entry::active) {
        Some("active" | "reloading") => '●',
        Some("failed") => '×',
        Some(_) | None => '○',
    };
    match &entry.unit.kind {
        Kind::Timer(timer) => said.line(format!("   Triggers: {} {}", mark(&timer.unit), timer.unit)),
        Kind::Socket(socket) => {
            said.line(format!("   Triggers: {} {}", mark(&socket.service), socket.service));
        }
        Kind::Service(_) => {
            for other in scene.manager.entries() {
                let is_trigger = match &other.unit.kind {
                    Kind::Timer(timer) => timer.unit == entry.unit.name,
                    Kind::Socket(socket) => socket.service == entry.unit.name,
                    Kind::Service(_) | Kind::Target | Kind::Provided => false,
                };
                if is_trigger {
                    said.line(format!("TriggeredBy: {} {}", mark(&other.unit.name), other.unit.name));
                }
            }
        }
        Kind::Target | Kind::Provided => {}
    }
}
