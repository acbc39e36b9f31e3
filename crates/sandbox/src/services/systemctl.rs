//! What `systemctl`, `service` and `journalctl` do and say.
//!
//! The texts and the exit codes are those of systemd 255, the one of Ubuntu 24.04: charms and
//! their libraries match on them. What cannot work here says so by name.

use std::collections::BTreeSet;

use jiff::Timestamp;
use nix::sys::signal::Signal;

use super::call::{Call, Said};
use super::condition::matches;
use super::install::{self, InstallOptions};
use super::journal::Journal;
use super::library::{Found, Library};
use super::manager::{Entry, JobId, JobKind, JobResult, Manager, RequestError};
use super::name::UnitName;
use super::service::config;
use super::service::state::{Outcome as ServiceOutcome, Slot, Target};
use super::unit::{LoadState, Unit};

mod journalctl;
mod lists;
mod options;
mod power;
mod show;
mod status;

use options::Options;

/// The version that the texts are those of.
const VERSION: &str = "systemd 255 (255.4-1ubuntu8)\n\
    +PAM +AUDIT +SELINUX +APPARMOR +IMA +SMACK +SECCOMP -GCRYPT +GNUTLS +OPENSSL +ACL +BLKID default-hierarchy=unified\n";

/// What is known of running processes.
pub(crate) trait Processes {
    /// Those of a unit, with the words that they were started with.
    fn of(&self, unit: &UnitName) -> Vec<(i32, String)>;
    /// The name of a process.
    fn name(&self, pid: i32) -> String;
    /// The number of the present life of a unit.
    fn invocation(&self, unit: &UnitName) -> String;
    /// Sends a signal.
    fn signal(&mut self, unit: &UnitName, target: Target, signal: Signal);
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    Said(Said),
    /// It is answered when its jobs are done.
    Waiting(Waiting),
    /// It is done, and then the machine boots again.
    Reboot,
}

/// Jobs that somebody waits for, and what was said already.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub jobs: Vec<(JobId, UnitName)>,
    said: Said,
    verb: String,
    is_quiet: bool,
}

/// Everything that a verb may look at.
struct Scene<'a, P> {
    manager: &'a mut Manager<Library>,
    journal: &'a Journal,
    processes: &'a mut P,
    now: Timestamp,
}

/// Does what a program in the machine was called for.
pub(crate) fn run(
    call: &Call,
    is_root: bool,
    manager: &mut Manager<Library>,
    journal: &Journal,
    processes: &mut impl Processes,
    now: Timestamp,
) -> Outcome {
    let mut scene = Scene { manager, journal, processes, now };
    match call.program.as_str() {
        "journalctl" if is_root => Outcome::Said(journalctl::run(&mut scene, &call.arguments)),
        "journalctl" => {
            Outcome::Said(Said::failed(1, "No journal files were opened due to insufficient permissions."))
        }
        "service" => service(&mut scene, &call.arguments, is_root),
        name if power::is_program(name) => power::run(name, &call.arguments, is_root),
        _ => systemctl(&mut scene, &call.arguments, is_root),
    }
}

/// Words the results of jobs that are done.
pub(crate) fn finish(waiting: Waiting, manager: &Manager<Library>) -> Said {
    let mut said = waiting.said;
    for (id, _) in &waiting.jobs {
        let Some((unit, kind, result)) = manager.result(*id) else { continue };
        let text = match result {
            JobResult::Done => continue,
            JobResult::Canceled => format!("Job for {unit} canceled."),
            JobResult::Dependency => {
                format!("A dependency job for {unit} failed. See 'journalctl -xe' for details.")
            }
            JobResult::Assert => format!("Assertion failed on job for {unit}."),
            JobResult::Failed => {
                let service = manager.entry(unit).and_then(Entry::service);
                let outcome = match kind {
                    JobKind::Start | JobKind::Stop | JobKind::Restart => {
                        service.map(|service| service.outcome)
                    }
                    JobKind::Reload => None,
                };
                failure(unit, outcome, &waiting.verb)
            }
        };
        said.code = 1;
        if !waiting.is_quiet {
            said.complain(text);
        }
    }
    said
}

fn failure(unit: &UnitName, outcome: Option<ServiceOutcome>, verb: &str) -> String {
    let why = match outcome {
        Some(ServiceOutcome::Success | ServiceOutcome::ExecCondition) | None => "",
        Some(ServiceOutcome::Protocol) => {
            " because the service did not take the steps required by its unit configuration"
        }
        Some(ServiceOutcome::Timeout) => " because a timeout was exceeded",
        Some(ServiceOutcome::ExitCode) => " because the control process exited with error code",
        Some(ServiceOutcome::Signal) => " because a fatal signal was delivered to the control process",
        Some(ServiceOutcome::CoreDump) => {
            " because a fatal signal was delivered causing the control process to dump core"
        }
        Some(ServiceOutcome::Resources) => " because of unavailable resources or another system error",
        Some(ServiceOutcome::StartLimitHit) => " because start of the service was attempted too often",
    };
    let hint = format!("See \"systemctl status {unit}\" and \"journalctl -xeu {unit}\" for details.");
    let more = match outcome {
        Some(ServiceOutcome::StartLimitHit) => format!(
            "\nTo force a start use \"systemctl reset-failed {unit}\"\nfollowed by \"systemctl {verb} {unit}\" again."
        ),
        Some(_) | None => String::new(),
    };
    format!("Job for {unit} failed{why}.\n{hint}{more}")
}

fn systemctl<P: Processes>(scene: &mut Scene<'_, P>, arguments: &[String], is_root: bool) -> Outcome {
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(text) => return Outcome::Said(Said::failed(1, text)),
    };
    if options.asks_version {
        return Outcome::Said(Said { stdout: VERSION.to_owned(), ..Said::default() });
    }
    if options.asks_help {
        let text = "systemctl [OPTIONS...] COMMAND ...\n\nQuery or send control commands to the manager of services \
                    of this machine, which is charmproof's.\n";
        return Outcome::Said(Said { stdout: text.to_owned(), ..Said::default() });
    }
    let (verb, names) = match options.words.split_first() {
        Some((verb, names)) => (verb.as_str(), names),
        None => ("list-units", &[][..]),
    };
    if options.is_user {
        // There are no managers of users here; what is set up for all of them is set up for nobody.
        return Outcome::Said(if options.is_global {
            Said::default()
        } else {
            Said::failed(1, "Failed to connect to bus: No medium found")
        });
    }
    if power::is_verb(verb) {
        return if options.is_dry_run {
            Outcome::Said(Said::default())
        } else {
            power::run(verb, &[], is_root)
        };
    }
    if changes(verb) && !is_root {
        let text = match names.first() {
            Some(name) => format!(
                "Failed to {verb} {name}: Interactive authentication required.\nSee system logs and \
                 'systemctl status {name}' for details."
            ),
            None => format!("Failed to {verb}: Interactive authentication required."),
        };
        return Outcome::Said(Said::failed(4, text));
    }
    if needs_names(verb) && names.is_empty() {
        return Outcome::Said(Said::failed(1, "Too few arguments."));
    }
    dispatch(scene, verb, names, &options)
}

fn dispatch<P: Processes>(
    scene: &mut Scene<'_, P>,
    verb: &str,
    names: &[String],
    options: &Options,
) -> Outcome {
    if is_action(verb) {
        let said = Said::default();
        return act(scene, verb, names, options, said);
    }
    if matches!(verb, "enable" | "disable" | "reenable" | "mask" | "unmask" | "preset" | "link" | "revert") {
        return change_files(scene, verb, names, options);
    }
    Outcome::Said(match verb {
        "is-active" => ask(scene, names, options, &["active", "reloading"], 3),
        "is-failed" => ask(scene, names, options, &["failed"], 1),
        "is-enabled" => is_enabled(scene, names, options),
        "status" => status::run(scene, names, options),
        "show" => show::run(scene, names, options),
        "cat" => cat(scene, names),
        "list-units" => lists::units(scene, names, options),
        "list-unit-files" => lists::unit_files(scene, names, options),
        "list-timers" => lists::timers(scene, names, options),
        "list-sockets" => lists::sockets(scene, options),
        "list-jobs" => lists::jobs(scene),
        "list-dependencies" => lists::dependencies(scene, names, options),
        "daemon-reload" | "daemon-reexec" => {
            scene.manager.daemon_reload();
            Said::default()
        }
        "reset-failed" => reset_failed(scene, names),
        "kill" => kill(scene, names, options),
        "is-system-running" => is_system_running(scene, options),
        "get-default" => get_default(scene),
        "show-environment" => {
            Said { stdout: format!("LANG=C.UTF-8\nPATH={}\n", super::plan::PATH), ..Said::default() }
        }
        // They change what only a kernel, a boot or a terminal would notice.
        "set-property" | "set-default" | "import-environment" | "set-environment" | "unset-environment"
        | "log-level" | "log-target" | "service-log-level" | "preset-all" | "clean" => Said::default(),
        "edit" => Said::failed(1, "Cannot edit units if not on a tty."),
        "kexec" | "soft-reboot" | "suspend" | "hibernate" | "isolate" | "rescue" | "emergency"
        | "default" | "switch-root" | "bind" | "mount-image" | "freeze" | "thaw" | "exit" => {
            Said::failed(1, format!("systemctl {verb} is not supported in this machine of charmproof."))
        }
        other => Said::failed(1, format!("Unknown command verb {other}.")),
    })
}

fn is_action(verb: &str) -> bool {
    matches!(
        verb,
        "start"
            | "stop"
            | "restart"
            | "reload"
            | "try-restart"
            | "condrestart"
            | "reload-or-restart"
            | "try-reload-or-restart"
            | "reload-or-try-restart"
            | "condreload"
            | "force-reload"
    )
}

/// Whether only root may do it.
fn changes(verb: &str) -> bool {
    is_action(verb)
        || matches!(
            verb,
            "enable"
                | "disable"
                | "reenable"
                | "mask"
                | "unmask"
                | "preset"
                | "preset-all"
                | "link"
                | "revert"
                | "daemon-reload"
                | "daemon-reexec"
                | "reset-failed"
                | "kill"
                | "set-property"
                | "set-default"
        )
}

fn needs_names(verb: &str) -> bool {
    is_action(verb)
        || matches!(
            verb,
            "enable"
                | "disable"
                | "reenable"
                | "mask"
                | "unmask"
                | "preset"
                | "link"
                | "revert"
                | "is-active"
                | "is-failed"
                | "is-enabled"
                | "cat"
                | "kill"
                | "set-property"
        )
}

/// The units that words stand for: patterns stand for those that are loaded.
fn resolve(manager: &Manager<Library>, words: &[String], suffix: &str) -> Result<Vec<UnitName>, String> {
    let mut names: Vec<UnitName> = Vec::new();
    for word in words {
        if word.contains(['*', '?', '[']) {
            let full = if word.contains('.') || word.ends_with('*') {
                word.clone()
            } else {
                format!("{word}{suffix}")
            };
            let is_there = |entry: &&Entry| entry.unit.load != LoadState::NotFound || !entry.is_idle();
            let found = manager.entries().filter(is_there).map(|entry| &entry.unit.name);
            names.extend(found.filter(|name| matches(&full, name.as_str())).cloned());
        } else {
            names.push(UnitName::from_word(word).map_err(|error| error.to_string())?);
        }
    }
    Ok(names)
}

fn act<P: Processes>(
    scene: &mut Scene<'_, P>,
    verb: &str,
    words: &[String],
    options: &Options,
    mut said: Said,
) -> Outcome {
    let names = match resolve(scene.manager, words, ".service") {
        Ok(names) => names,
        Err(error) => return Outcome::Said(Said::failed(1, format!("Failed to {verb} unit: {error}"))),
    };
    let mut jobs = Vec::new();
    for name in names {
        let entry = scene.manager.load(&name);
        let (unit, is_active) = (std::sync::Arc::clone(&entry.unit), entry.is_active());
        let is_up = is_active || entry.active() == "activating";
        let can_reload = super::manager::can_reload(&unit);
        // Some do something to units that are up only; others only have to be known to them.
        let is_for_any = matches!(verb, "start" | "stop" | "restart" | "reload" | "reload-or-restart");
        if !is_for_any && !is_up && unit.load != LoadState::NotFound {
            continue;
        }
        let kind = match verb {
            "start" => JobKind::Start,
            "stop" => JobKind::Stop,
            "restart" | "try-restart" | "condrestart" => JobKind::Restart,
            "reload" => JobKind::Reload,
            // The others reload where that is possible.
            _ if can_reload && is_active => JobKind::Reload,
            _ => JobKind::Restart,
        };
        if scene.manager.entry(&name).is_some_and(|entry| scene.manager.is_outdated(entry))
            && !options.has_no_warnings
        {
            said.complain(outdated(&unit.name));
        }
        match scene.manager.request(kind, &name, scene.now) {
            Ok(id) => jobs.push((id, name)),
            Err(error) => {
                let (code, text) = refusal(&error, verb, &name);
                said.code = said.code.max(code);
                said.complain(text);
            }
        }
    }
    if options.does_not_wait || jobs.is_empty() {
        return Outcome::Said(said);
    }
    Outcome::Waiting(Waiting { jobs, said, verb: verb.to_owned(), is_quiet: options.is_quiet })
}

fn refusal(error: &RequestError, verb: &str, name: &UnitName) -> (i32, String) {
    let plain = format!("Failed to {verb} {name}: {error}");
    let more = || format!("{plain}\nSee system logs and 'systemctl status {name}' for details.");
    match error {
        RequestError::NotFound(_) | RequestError::NotLoaded(_) => (5, plain),
        RequestError::Masked(_) => (1, plain),
        RequestError::NotApplicable { .. } => (3, plain),
        RequestError::NotActive(_) => (1, error.to_string()),
        RequestError::BadSetting(_) | RequestError::MissingInstance(_) => (1, more()),
        RequestError::OnlyByDependency(_) => (4, more()),
    }
}

fn outdated(name: &UnitName) -> String {
    format!(
        "Warning: The unit file, source configuration file or drop-ins of {name} changed on disk. Run \
         'systemctl daemon-reload' to reload units."
    )
}

fn change_files<P: Processes>(
    scene: &mut Scene<'_, P>,
    verb: &str,
    words: &[String],
    options: &Options,
) -> Outcome {
    let library = match &options.root {
        Some(root) if root.as_str() != "/" => Library::new(root),
        Some(_) | None => scene.manager.shelf.clone(),
    };
    let how = InstallOptions {
        is_quiet: options.is_quiet,
        is_runtime: options.is_runtime,
        is_forced: options.is_forced,
        has_no_warnings: options.has_no_warnings,
    };
    let paths: Vec<&str> = words.iter().map(String::as_str).filter(|word| word.starts_with('/')).collect();
    let mut said = Said::default();
    // A path is linked before it is enabled.
    if !paths.is_empty() && matches!(verb, "enable" | "reenable" | "link") {
        said = install::link(&library, &paths, how);
    }
    let mut names = Vec::new();
    for word in words {
        match UnitName::from_word(word) {
            Ok(name) => names.push(name),
            Err(error) => return Outcome::Said(Said::failed(1, format!("Failed to {verb} unit: {error}"))),
        }
    }
    let done = match verb {
        _ if said.code != 0 => Said::default(),
        "enable" => install::enable(&library, &names, how),
        "disable" => install::disable(&library, &names, how),
        "reenable" => {
            let mut done = install::disable(&library, &names, how);
            let enabled = install::enable(&library, &names, how);
            done.code = done.code.max(enabled.code);
            done.stderr += &enabled.stderr;
            done
        }
        "mask" => install::mask(&library, &names, how),
        "unmask" => install::unmask(&library, &names, how),
        "preset" => install::preset(&library, &names, &options.preset_mode, how),
        _ => Said::default(),
    };
    said.code = said.code.max(done.code);
    said.stderr += &done.stderr;
    if options.root.is_none() || library.root == scene.manager.shelf.root {
        scene.manager.daemon_reload();
    }
    let next = match verb {
        "enable" | "reenable" => Some("start"),
        "disable" | "mask" => Some("stop"),
        _ => None,
    };
    match next {
        Some(next) if options.is_now && said.code == 0 => {
            let plain: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
            // What is not there need not be stopped.
            let known = |name: &String| {
                next == "start"
                    || UnitName::parse(name).is_ok_and(|name| {
                        let entry = scene.manager.load(&name);
                        entry.unit.load != LoadState::NotFound || !entry.is_idle()
                    })
            };
            let plain: Vec<String> = plain.into_iter().filter(known).collect();
            act(scene, next, &plain, options, said)
        }
        Some(_) | None => Outcome::Said(said),
    }
}

/// `is-active` and `is-failed`.
fn ask<P: Processes>(
    scene: &mut Scene<'_, P>,
    words: &[String],
    options: &Options,
    good: &[&str],
    otherwise: i32,
) -> Said {
    let mut said = Said::default();
    let names = match resolve(scene.manager, words, ".service") {
        Ok(names) => names,
        Err(error) => return Said::failed(1, error),
    };
    let (mut holds, mut is_known) = (false, false);
    for name in names {
        let entry = scene.manager.load(&name);
        is_known |= entry.unit.load != LoadState::NotFound || !entry.is_idle();
        let active = entry.active();
        holds |= good.contains(&active);
        if !options.is_quiet {
            said.line(active);
        }
    }
    // Code 4 is for programs whose state cannot be known.
    said.code = match (holds, is_known) {
        (true, _) => 0,
        (false, true) => otherwise,
        (false, false) => 4,
    };
    said
}

fn is_enabled<P: Processes>(scene: &mut Scene<'_, P>, words: &[String], options: &Options) -> Said {
    let mut said = Said::default();
    let library = match &options.root {
        Some(root) if root.as_str() != "/" => Library::new(root),
        Some(_) | None => scene.manager.shelf.clone(),
    };
    let (mut is_any, mut is_known) = (false, false);
    for word in words {
        let Ok(name) = UnitName::from_word(word) else {
            return Said::failed(1, format!("Failed to get unit file state for {word}: Invalid argument"));
        };
        let state = install::state(&library, &name);
        is_any |= state.is_enabled();
        is_known |= state != install::FileState::NotFound;
        if !options.is_quiet {
            said.line(state.word());
        }
    }
    said.code = match (is_any, is_known) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 4,
    };
    said
}

fn cat<P: Processes>(scene: &mut Scene<'_, P>, words: &[String]) -> Said {
    let mut said = Said::default();
    let names = match resolve(scene.manager, words, ".service") {
        Ok(names) => names,
        Err(error) => return Said::failed(1, error),
    };
    for name in names {
        let unit = std::sync::Arc::clone(&scene.manager.load(&name).unit);
        if unit.load == LoadState::Masked {
            said.line(format!("# Unit {name} is masked."));
            continue;
        }
        let files: Vec<_> = unit.source.fragment.iter().chain(&unit.source.drop_ins).collect();
        if files.is_empty() {
            said.complain(format!("No files found for {name}."));
            said.code = 1;
        }
        for file in files {
            if !said.stdout.is_empty() {
                said.stdout.push('\n');
            }
            said.line(format!("# {file}"));
            let path = scene.manager.shelf.path(file.as_str());
            said.stdout += &String::from_utf8_lossy(&crate::plain::read(path).unwrap_or_default());
            if !said.stdout.ends_with('\n') {
                said.stdout.push('\n');
            }
        }
    }
    said
}

fn reset_failed<P: Processes>(scene: &mut Scene<'_, P>, words: &[String]) -> Said {
    let mut said = Said::default();
    if words.is_empty() {
        let all: Vec<UnitName> = scene.manager.entries().map(|entry| entry.unit.name.clone()).collect();
        for name in all {
            scene.manager.reset_failed(&name, scene.now);
        }
        return said;
    }
    let names = match resolve(scene.manager, words, ".service") {
        Ok(names) => names,
        Err(error) => return Said::failed(1, error),
    };
    for name in names {
        let is_known = scene.manager.load(&name).unit.load != LoadState::NotFound;
        if !is_known || !scene.manager.reset_failed(&name, scene.now) {
            said.complain(format!("Failed to reset failed state of unit {name}: Unit {name} not loaded."));
            said.code = 1;
        }
    }
    said
}

fn kill<P: Processes>(scene: &mut Scene<'_, P>, words: &[String], options: &Options) -> Said {
    let mut said = Said::default();
    let Some(signal) = config::signal(&options.signal) else {
        return Said::failed(1, format!("Failed to parse signal string \"{}\".", options.signal));
    };
    let names = match resolve(scene.manager, words, ".service") {
        Ok(names) => names,
        Err(error) => return Said::failed(1, error),
    };
    for name in names {
        let entry = scene.manager.load(&name);
        if entry.unit.load == LoadState::NotFound {
            said.complain(format!("Failed to kill unit {name}: Unit {name} not loaded."));
            said.code = 1;
            continue;
        }
        let real = entry.unit.name.clone();
        let Some(service) = entry.service() else { continue };
        let (main, control) = (service.main, service.control);
        let mut targets = Vec::new();
        match options.kill_whom.as_str() {
            "main" => targets.extend(main),
            "control" => targets.extend(control),
            _ => {
                scene.processes.signal(&real, Target::All, signal);
                continue;
            }
        }
        for pid in targets {
            scene.processes.signal(&real, Target::Process(pid), signal);
        }
    }
    said
}

fn is_system_running<P: Processes>(scene: &Scene<'_, P>, options: &Options) -> Said {
    let state = system_state(scene);
    let mut said = Said { code: i32::from(state != "running"), ..Said::default() };
    if !options.is_quiet {
        said.line(state);
    }
    said
}

fn get_default<P: Processes>(scene: &Scene<'_, P>) -> Said {
    let default = UnitName::parse("default.target").map(|name| scene.manager.shelf.find(&name));
    let name = match default {
        Ok(Found::File { name, .. }) => name.to_string(),
        Ok(Found::Masked { .. } | Found::Script { .. } | Found::Nothing) | Err(_) => {
            "graphical.target".to_owned()
        }
    };
    Said { stdout: name + "\n", ..Said::default() }
}

fn system_state<P: Processes>(scene: &Scene<'_, P>) -> &'static str {
    let is_degraded = scene.manager.entries().any(|entry| entry.active() == "failed");
    if is_degraded { "degraded" } else { "running" }
}

/// `service NAME VERB`, where the package that has a better one is not installed.
fn service<P: Processes>(scene: &mut Scene<'_, P>, arguments: &[String], is_root: bool) -> Outcome {
    let usage = "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]";
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--status-all"] => {
            let mut said = Said::default();
            for entry in scene.manager.entries().filter(|entry| entry.service().is_some()) {
                let mark = if entry.is_active() { '+' } else { '-' };
                said.line(format!(" [ {mark} ]  {}", entry.unit.name.stem()));
            }
            Outcome::Said(said)
        }
        [name, verb, ..] if !name.starts_with('-') => {
            let verb = match verb {
                "force-reload" => "reload-or-restart",
                "--full-restart" => "restart",
                verb => verb,
            };
            let Ok(unit) = UnitName::from_word(name) else {
                return Outcome::Said(Said::failed(1, format!("{name}: unrecognized service")));
            };
            if scene.manager.load(&unit).unit.load == LoadState::NotFound {
                return Outcome::Said(Said::failed(1, format!("{name}: unrecognized service")));
            }
            systemctl(scene, &[verb.to_owned(), unit.as_str().to_owned()], is_root)
        }
        [..] => Outcome::Said(Said::failed(1, usage)),
    }
}

/// The lines about a process in `status`.
fn process_line(process: &super::service::state::Process) -> Option<String> {
    let (_, status) = process.ended?;
    (!process.phase.is_empty()).then(|| {
        format!("{} {}={} ({})", process.pid, process.phase, process.command.shown(), status.shown())
    })
}

/// The files' own word for whether a unit is enabled.
fn file_state(library: &Library, unit: &Unit) -> install::FileState {
    install::state(library, &unit.name)
}

/// Units in a set, in one line.
fn joined(names: &BTreeSet<UnitName>) -> String {
    names.iter().map(UnitName::as_str).collect::<Vec<_>>().join(" ")
}

/// The main process of a service, or the last one it had.
fn main_process(service: &super::service::state::Service) -> Option<&super::service::state::Process> {
    service.last_of(Slot::Main)
}
