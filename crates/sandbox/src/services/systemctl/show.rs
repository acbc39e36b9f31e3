//! `systemctl show`: properties, in systemd's own order.

use std::time::Duration;

use jiff::Timestamp;

use super::{Options, Processes, Scene, file_state, joined, resolve, status, system_state};
use crate::services::call::Said;
use crate::services::install;
use crate::services::manager::{Entry, can_reload};
use crate::services::name::UnitName;
use crate::services::service::state::{Process, Service, Slot};
use crate::services::span;
use crate::services::unit::{Kind, LoadState};

type Property = (&'static str, String);

pub(super) fn run<P: Processes>(scene: &mut Scene<'_, P>, words: &[String], options: &Options) -> Said {
    let mut said = Said::default();
    if words.is_empty() {
        print(&of_manager(scene), options, &mut said);
        return said;
    }
    let names = match resolve(scene.manager, words, ".service") {
        Ok(names) => names,
        Err(error) => return Said::failed(1, error),
    };
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            said.stdout.push('\n');
        }
        let entry = scene.manager.load(name).clone();
        let mut properties = Vec::new();
        if let Some(service) = entry.service() {
            of_service(service, scene, &entry, &mut properties);
        }
        of_unit(scene, &entry, name.as_str(), &mut properties);
        print(&properties, options, &mut said);
    }
    said
}

fn print(properties: &[Property], options: &Options, said: &mut Said) {
    let is_wanted =
        |name: &str| options.properties.is_empty() || options.properties.iter().any(|wanted| wanted == name);
    for (name, value) in properties.iter().filter(|(name, _)| is_wanted(name)) {
        // Without `--all`, what is empty is shown only where it was asked for.
        if value.is_empty() && options.properties.is_empty() && !options.shows_all {
            continue;
        }
        if options.is_value { said.line(value) } else { said.line(format!("{name}={value}")) }
    }
}

fn yes(holds: bool) -> String {
    (if holds { "yes" } else { "no" }).to_owned()
}

fn moment(moment: Option<Timestamp>) -> String {
    moment.map_or(String::new(), status::stamp)
}

fn monotonic(moment: Option<Timestamp>, boot: Timestamp) -> String {
    // From the boot of the machine; never zero, which means never.
    moment
        .map_or("0".to_owned(), |moment| (moment.as_microsecond() - boot.as_microsecond()).max(1).to_string())
}

fn length(span: Option<Duration>) -> String {
    span.map_or("infinity".to_owned(), |span| span::format(span, Duration::from_micros(1)))
}

fn of_manager<P: Processes>(scene: &Scene<'_, P>) -> Vec<Property> {
    let failed = scene.manager.entries().filter(|entry| entry.active() == "failed").count();
    vec![
        ("Version", "255.4-1ubuntu8".to_owned()),
        ("Virtualization", "lxc".to_owned()),
        ("Architecture", std::env::consts::ARCH.replace('_', "-").replace("aarch64", "arm64")),
        ("NNames", scene.manager.entries().count().to_string()),
        ("NFailedUnits", failed.to_string()),
        ("NJobs", scene.manager.jobs().count().to_string()),
        ("UnitPath", crate::services::library::FOLDERS.join(" ")),
        ("SystemState", system_state(scene).to_owned()),
    ]
}

fn of_service<P: Processes>(service: &Service, scene: &Scene<'_, P>, entry: &Entry, all: &mut Vec<Property>) {
    let config = &service.config;
    let boot = scene.manager.boot_time();
    let main = service.last_of(Slot::Main);
    let ended = main.and_then(|main| main.ended);
    let execution = &config.execution;
    all.extend([
        ("Type", config.service_type.word().to_owned()),
        ("ExitType", "main".to_owned()),
        ("Restart", config.restart.word().to_owned()),
        ("PIDFile", config.pid_file.clone().unwrap_or_default()),
        ("RestartUSec", length(Some(config.restart_after))),
        ("TimeoutStartUSec", length(config.start_timeout)),
        ("TimeoutStopUSec", length(config.stop_timeout)),
        ("RuntimeMaxUSec", length(config.runtime_max)),
        ("RemainAfterExit", yes(config.remains_after_exit)),
        ("GuessMainPID", yes(config.guesses_main)),
        ("MainPID", service.main.unwrap_or(0).to_string()),
        ("ControlPID", service.control.unwrap_or(0).to_string()),
        ("StatusText", service.status_text.clone()),
        ("Result", service.outcome.word().to_owned()),
        ("ReloadResult", service.reload_outcome.word().to_owned()),
        ("NRestarts", service.restarts.to_string()),
        ("ExecMainStartTimestamp", moment(main.map(|main| main.started))),
        ("ExecMainStartTimestampMonotonic", monotonic(main.map(|main| main.started), boot)),
        ("ExecMainExitTimestamp", moment(ended.map(|(when, _)| when))),
        ("ExecMainExitTimestampMonotonic", monotonic(ended.map(|(when, _)| when), boot)),
        ("ExecMainPID", main.map_or(0, |main| main.pid).to_string()),
        ("ExecMainCode", ended.map_or(0, |(_, status)| status.how_number()).to_string()),
        ("ExecMainStatus", ended.map_or(0, |(_, status)| status.number()).to_string()),
    ]);
    let phases = [
        ("ExecStartPre", &config.start_pre),
        ("ExecStart", &config.start),
        ("ExecStartPost", &config.start_post),
        ("ExecReload", &config.reload),
        ("ExecStop", &config.stop),
        ("ExecStopPost", &config.stop_post),
    ];
    for (phase, commands) in phases {
        for command in commands {
            let process = service
                .processes
                .iter()
                .rev()
                .find(|process| process.phase == phase && process.command == *command);
            all.push((phase, shown(command, process)));
        }
    }
    let group = if scene.processes.of(&entry.unit.name).is_empty() {
        String::new()
    } else {
        format!("/system.slice/{}", entry.unit.name)
    };
    let environment: Vec<String> =
        execution.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let files: Vec<String> = execution
        .environment_files
        .iter()
        .map(|(path, may_be_missing)| format!("{path} (ignore_errors={})", yes(*may_be_missing)))
        .collect();
    let folder = execution.working_directory.as_ref().map_or(String::new(), |(path, may_be_missing)| {
        if *may_be_missing { format!("!{path}") } else { path.clone() }
    });
    all.extend([
        ("Slice", "system.slice".to_owned()),
        ("ControlGroup", group),
        ("MemoryCurrent", "[not set]".to_owned()),
        ("TasksCurrent", "[not set]".to_owned()),
        ("Environment", environment.join(" ")),
        ("EnvironmentFiles", files.join("\n")),
        ("UMask", format!("{:04o}", execution.umask)),
        ("WorkingDirectory", folder),
        ("User", execution.user.clone().unwrap_or_default()),
        ("Group", execution.group.clone().unwrap_or_default()),
        ("DynamicUser", yes(execution.is_dynamic_user)),
    ]);
    let nofile = execution.limits.iter().find(|(name, _, _)| name == "NOFILE");
    let number = |limit: Option<u64>| limit.map_or("infinity".to_owned(), |limit| limit.to_string());
    all.push(("LimitNOFILE", nofile.map_or("524288".to_owned(), |(_, _, hard)| number(*hard))));
    all.push(("LimitNOFILESoft", nofile.map_or("1024".to_owned(), |(_, soft, _)| number(*soft))));
    all.push(("KillMode", config.kill_mode.word().to_owned()));
    all.push(("KillSignal", (config.kill_signal as i32).to_string()));
}

fn shown(command: &crate::services::command::CommandLine, process: Option<&Process>) -> String {
    let ended = process.and_then(|process| process.ended);
    let stamp = |when: Option<Timestamp>| when.map_or("n/a".to_owned(), status::stamp);
    let (code, number) = match ended {
        Some((_, status)) => (status.how(), status.named()),
        None => ("(null)", "0/0".to_owned()),
    };
    format!(
        "{{ path={} ; argv[]={} ; ignore_errors={} ; start_time=[{}] ; stop_time=[{}] ; pid={} ; code={code} ; \
         status={number} }}",
        command.program,
        command.shown(),
        yes(command.ignores_failure),
        stamp(process.map(|process| process.started)),
        stamp(ended.map(|(when, _)| when)),
        process.map_or(0, |process| process.pid),
    )
}

fn of_unit<P: Processes>(scene: &Scene<'_, P>, entry: &Entry, asked: &str, all: &mut Vec<Property>) {
    let unit = &entry.unit;
    let boot = scene.manager.boot_time();
    let is_there = unit.load == LoadState::Loaded;
    let mut names: Vec<&str> = vec![unit.name.as_str()];
    names.extend(unit.aliases.iter().map(UnitName::as_str));
    let wanted_by: Vec<&str> = scene
        .manager
        .entries()
        .filter(|other| other.unit.wants.contains(&unit.name))
        .map(|other| other.unit.name.as_str())
        .collect();
    let triggered_by: Vec<&str> = scene
        .manager
        .entries()
        .filter(|other| match &other.unit.kind {
            Kind::Timer(timer) => timer.unit == unit.name,
            Kind::Socket(socket) => socket.service == unit.name,
            Kind::Service(_) | Kind::Target | Kind::Provided => false,
        })
        .map(|other| other.unit.name.as_str())
        .collect();
    let triggers = match &unit.kind {
        Kind::Timer(timer) => timer.unit.to_string(),
        Kind::Socket(socket) => socket.service.to_string(),
        Kind::Service(_) | Kind::Target | Kind::Provided => String::new(),
    };
    let (state, preset) = match unit.load {
        LoadState::NotFound => (String::new(), String::new()),
        LoadState::Loaded | LoadState::Masked | LoadState::BadSetting => {
            let preset = install::is_preset(&scene.manager.shelf, &unit.name);
            let preset = if preset { "enabled" } else { "disabled" };
            match (&unit.source.fragment, &unit.source.script) {
                (None, None) => (String::new(), String::new()),
                (Some(_), _) | (_, Some(_)) => {
                    (file_state(&scene.manager.shelf, unit).word().to_owned(), preset.to_owned())
                }
            }
        }
    };
    let drop_ins: Vec<&str> = unit.source.drop_ins.iter().map(|path| path.as_str()).collect();
    let times = entry.times();
    all.extend([
        ("Id", unit.name.to_string()),
        ("Names", if unit.load == LoadState::NotFound { asked.to_owned() } else { names.join(" ") }),
        ("Requires", joined(&unit.requires)),
        ("Wants", joined(&unit.wants)),
        ("BindsTo", joined(&unit.binds_to)),
        ("PartOf", joined(&unit.part_of)),
        ("WantedBy", wanted_by.join(" ")),
        ("Conflicts", joined(&unit.conflicts)),
        ("Before", joined(&unit.before)),
        ("After", joined(&unit.after)),
        ("OnFailure", joined(&unit.on_failure)),
        ("Triggers", triggers),
        ("TriggeredBy", triggered_by.join(" ")),
        ("Documentation", unit.documentation.join(" ")),
        ("Description", unit.description.clone()),
        ("LoadState", unit.load.word().to_owned()),
        ("ActiveState", entry.active().to_owned()),
        ("FreezerState", "running".to_owned()),
        ("SubState", entry.sub().to_owned()),
        ("FragmentPath", unit.source.fragment.as_ref().map_or(String::new(), ToString::to_string)),
        ("SourcePath", unit.source.script.as_ref().map_or(String::new(), ToString::to_string)),
        ("DropInPaths", drop_ins.join(" ")),
        ("UnitFileState", state),
        ("UnitFilePreset", preset),
        ("StateChangeTimestamp", moment(times.state_change)),
        ("StateChangeTimestampMonotonic", monotonic(times.state_change, boot)),
        ("InactiveExitTimestamp", moment(times.inactive_exit)),
        ("InactiveExitTimestampMonotonic", monotonic(times.inactive_exit, boot)),
        ("ActiveEnterTimestamp", moment(times.active_enter)),
        ("ActiveEnterTimestampMonotonic", monotonic(times.active_enter, boot)),
        ("ActiveExitTimestamp", moment(times.active_exit)),
        ("ActiveExitTimestampMonotonic", monotonic(times.active_exit, boot)),
        ("InactiveEnterTimestamp", moment(times.inactive_enter)),
        ("InactiveEnterTimestampMonotonic", monotonic(times.inactive_enter, boot)),
        ("CanStart", yes(is_there)),
        ("CanStop", yes(true)),
        ("CanReload", yes(is_there && can_reload(unit))),
        ("CanIsolate", yes(false)),
        ("RefuseManualStart", yes(unit.refuses_manual_start)),
        ("RefuseManualStop", yes(unit.refuses_manual_stop)),
        ("NeedDaemonReload", yes(scene.manager.is_outdated(entry))),
        ("ConditionResult", yes(entry.unmet.is_none() && times.inactive_exit.is_some())),
        ("LoadError", load_error(entry)),
        ("InvocationID", scene.processes.invocation(&unit.name)),
    ]);
}

fn load_error(entry: &Entry) -> String {
    let name = &entry.unit.name;
    match entry.unit.load {
        LoadState::Loaded => String::new(),
        LoadState::NotFound => format!("org.freedesktop.systemd1.NoSuchUnit \"Unit {name} not found.\""),
        LoadState::Masked => format!("org.freedesktop.systemd1.UnitMasked \"Unit {name} is masked.\""),
        LoadState::BadSetting => {
            format!("org.freedesktop.systemd1.BadUnitSetting \"Unit {name} has a bad unit file setting.\"")
        }
    }
}
