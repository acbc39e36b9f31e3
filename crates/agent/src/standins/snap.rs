//! `snap`, and what installing and removing a snap does.

use camino::Utf8PathBuf;
use serde_json::{Map, Value};

use super::machine::{Activity, Machine, Service, Snap, SnapService};
use super::rules::{Confinement, Rules, value_of};
use super::said::Said;
use super::{Act, Words, units};

/// The version and revision of snaps that nobody gave one.
const ASSUMED_VERSION: &str = "1.0";
const ASSUMED_REVISION: &str = "1";

/// Where a snap without a channel comes from.
const CHANNEL: &str = "latest/stable";

/// What can be said of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) channel: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) is_classic: bool,
    pub(super) is_devmode: bool,
    /// It comes from a file, not from the store.
    pub(super) is_local: bool,
}

/// Why a snap cannot be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotInStore,
    NeedsClassic,
    NoSuchRevision,
}

/// A channel in full: `edge` is that of the track `latest`, and `latest` its stable one.
pub(super) fn full_channel(text: &str) -> String {
    let text = text.trim_matches('"');
    let is_risk = |word: &str| matches!(word, "stable" | "candidate" | "beta" | "edge");
    match text.split_once('/') {
        _ if text.is_empty() => CHANNEL.into(),
        None if is_risk(text) => format!("latest/{text}"),
        None => format!("{text}/stable"),
        Some((first, _)) if is_risk(first) => format!("latest/{text}"),
        Some(_) => text.to_owned(),
    }
}

/// The channel that a refresh leads to: a risk alone is that of the track that is followed.
fn within_track(text: &str, followed: &str) -> String {
    let full = full_channel(text);
    let is_bare = ["stable", "candidate", "beta", "edge"].contains(&text.trim_matches('"'));
    match (is_bare, full.split_once('/'), followed.split_once('/')) {
        (true, Some((_, risk)), Some((track, _))) => format!("{track}/{risk}"),
        (_, _, _) => full,
    }
}

/// Whether the store has a snap, and how it is there.
pub(super) fn in_store(rules: &Rules, name: &str) -> Option<(String, String, Confinement)> {
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        && name.contains(|c: char| c.is_ascii_lowercase());
    let rule = rules.snap(name);
    if !is_name || rule.is_some_and(|rule| !rule.available) {
        return None;
    }
    let version = rule.and_then(|rule| rule.version.clone()).unwrap_or_else(|| ASSUMED_VERSION.into());
    let revision = rule.and_then(|rule| rule.revision.clone()).unwrap_or_else(|| ASSUMED_REVISION.into());
    Some((version, revision, rule.map(|rule| rule.confinement).unwrap_or_default()))
}

/// Installs a snap, or another revision or channel of one that is there.
pub(super) fn put(
    machine: &mut Machine,
    rules: &Rules,
    name: &str,
    wish: &Wish,
    said: &mut Said,
) -> Result<(), Refusal> {
    let (version, revision, confinement) = in_store(rules, name).ok_or(Refusal::NotInStore)?;
    let before = machine.snaps.get(name);
    let is_classic_already = before.is_some_and(|snap| snap.confinement == "classic");
    if confinement == Confinement::Classic && !wish.is_classic && !is_classic_already {
        return Err(Refusal::NeedsClassic);
    }
    let rule = rules.snap(name);
    if rule.is_none() && before.is_none() {
        said.assumes(format!(
            "snap {name} was taken to be in the store, with one service and one program of its name"
        ));
    }
    let asked = wish.revision.as_deref().map(|revision| revision.trim_matches('"').to_owned());
    if let Some(asked) = &asked
        && rule.is_some_and(|rule| rule.revision.is_some())
        && *asked != revision
    {
        return Err(Refusal::NoSuchRevision);
    }
    let kept = before.cloned();
    let services = rule.and_then(|rule| rule.services.clone()).unwrap_or_else(|| vec![name.to_owned()]);
    let running = SnapService { is_active: true, is_enabled: true };
    let snap = Snap {
        version,
        revision: if wish.is_local { "x1".into() } else { asked.unwrap_or(revision) },
        channel: match (&wish.channel, &kept) {
            (Some(channel), Some(kept)) => within_track(channel, &kept.channel),
            (Some(channel), None) => full_channel(channel),
            (None, Some(kept)) => kept.channel.clone(),
            (None, None) => CHANNEL.into(),
        },
        confinement: match (
            wish.is_devmode,
            wish.is_classic && (rule.is_none() || confinement == Confinement::Classic),
        ) {
            (true, _) => Confinement::Devmode.to_string(),
            // Without a rule, whoever asks for classic is believed.
            (false, true) => Confinement::Classic.to_string(),
            (false, false) => {
                kept.as_ref().map_or_else(|| confinement.to_string(), |kept| kept.confinement.clone())
            }
        },
        held_until: kept.as_ref().and_then(|kept| kept.held_until.clone()),
        services: kept.as_ref().map_or_else(
            || services.into_iter().map(|service| (service, running)).collect(),
            |kept| kept.services.clone(),
        ),
        config: kept.as_ref().map(|kept| kept.config.clone()).unwrap_or_default(),
        connections: kept.as_ref().map(|kept| kept.connections.clone()).unwrap_or_default(),
        aliases: kept.map(|kept| kept.aliases).unwrap_or_default(),
    };
    machine.snaps.insert(name.to_owned(), snap);
    let programs = rule.map(|rule| rule.programs.clone()).unwrap_or_default();
    for program in std::iter::once(name.to_owned())
        .chain(programs.into_iter().map(|program| format!("{name}.{program}")))
    {
        said.acts
            .push(Act::Program { path: format!("/snap/bin/{program}").into(), is_assumed: rule.is_none() });
    }
    sync_units(machine, name);
    Ok(())
}

/// Removes a snap; whether it was there.
pub(super) fn take_away(machine: &mut Machine, name: &str, said: &mut Said) -> bool {
    let Some(snap) = machine.snaps.remove(name) else { return false };
    for program in std::iter::once(name).chain(snap.aliases.keys().map(String::as_str)) {
        said.acts.push(Act::Remove { path: Utf8PathBuf::from(format!("/snap/bin/{program}")) });
    }
    sync_units(machine, name);
    true
}

/// Lets systemd know the services of a snap.
fn sync_units(machine: &mut Machine, name: &str) {
    let owner = format!("snap {name}");
    machine.services.retain(|_, service| service.owner != owner);
    let Some(snap) = machine.snaps.get(name) else { return };
    for (app, service) in &snap.services {
        let unit = Service {
            activity: if service.is_active { Activity::Active } else { Activity::Inactive },
            is_enabled: service.is_enabled,
            is_masked: false,
            owner: owner.clone(),
        };
        machine.services.insert(units::full_name(&format!("snap.{name}.{app}")), unit);
    }
}

/// What is done to services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Start { enable: bool },
    Stop { disable: bool },
    Restart,
}

/// Why services cannot be turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoService {
    /// The snap is not installed.
    Snap(String),
    /// It has no such service, or none at all.
    App(String, Option<String>),
}

/// Starts and stops services, given as `snap` or `snap.service`.
pub(super) fn turn(
    machine: &mut Machine,
    rules: &Rules,
    names: &[&str],
    turn: Turn,
    said: &mut Said,
) -> Result<(), NoService> {
    for name in names {
        let (snap_name, app) = match name.split_once('.') {
            Some((snap, app)) => (snap, Some(app)),
            None => (*name, None),
        };
        let snap = machine.snaps.get_mut(snap_name).ok_or_else(|| NoService::Snap(snap_name.to_owned()))?;
        if let Some(app) = app
            && !snap.services.contains_key(app)
        {
            if rules.snap(snap_name).is_some_and(|rule| rule.services.is_some()) {
                return Err(NoService::App(snap_name.to_owned(), Some(app.to_owned())));
            }
            said.assumes(format!("snap {snap_name} was taken to have a service {app}"));
            snap.services.insert(app.to_owned(), SnapService { is_active: false, is_enabled: true });
        }
        if snap.services.is_empty() {
            return Err(NoService::App(snap_name.to_owned(), None));
        }
        for (_, service) in snap.services.iter_mut().filter(|(name, _)| app.is_none_or(|app| app == *name)) {
            match turn {
                Turn::Start { enable } => {
                    service.is_active = true;
                    service.is_enabled |= enable;
                }
                Turn::Stop { disable } => {
                    service.is_active = false;
                    service.is_enabled &= !disable;
                }
                Turn::Restart => service.is_active = true,
            }
        }
        sync_units(machine, snap_name);
    }
    Ok(())
}

/// The configuration of a snap, or of snapd itself; nothing if it is not installed.
pub(super) fn config<'a>(
    machine: &'a mut Machine,
    name: &str,
) -> Option<&'a mut std::collections::BTreeMap<String, Value>> {
    match name {
        "system" | "core" => Some(&mut machine.snap_system),
        _ => machine.snaps.get_mut(name).map(|snap| &mut snap.config),
    }
}

/// The value of a key with dots.
pub(super) fn lookup<'a>(
    config: &'a std::collections::BTreeMap<String, Value>,
    key: &str,
) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let mut value = config.get(parts.next()?)?;
    for part in parts {
        value = value.get(part)?;
    }
    Some(value)
}

/// Sets the value of a key with dots; null takes it away.
pub(super) fn store(config: &mut std::collections::BTreeMap<String, Value>, key: &str, new: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        if new.is_null() {
            config.remove(key);
        } else {
            config.insert(key.to_owned(), new);
        }
        return;
    };
    let inner = config.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(map) = inner {
        let mut below: std::collections::BTreeMap<String, Value> = std::mem::take(map).into_iter().collect();
        store(&mut below, rest, new);
        map.extend(below);
    }
}

struct Command<'a> {
    names: Vec<&'a str>,
    options: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Command<'a> {
    fn parse(arguments: &'a [String]) -> Self {
        let mut parsed = Self { names: Vec::new(), options: Vec::new() };
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => parsed.options.push((name, Some(value))),
                _ if matches!(word, "--channel" | "--revision" | "--cohort") => {
                    parsed.options.push((word, words.next()));
                }
                _ if word.starts_with('-') && word.len() > 1 => parsed.options.push((word, None)),
                _ => parsed.names.push(word),
            }
        }
        parsed
    }

    fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(name))
    }

    fn value(&self, wanted: &str) -> Option<String> {
        let found = self.options.iter().find(|(name, _)| *name == wanted)?;
        found.1.map(|value| value.trim_matches('"').to_owned())
    }

    fn wish(&self) -> Wish {
        let risk = ["--stable", "--candidate", "--beta", "--edge"].into_iter().find(|risk| self.has(&[risk]));
        Wish {
            channel: self
                .value("--channel")
                .or_else(|| risk.map(|risk| risk.trim_start_matches('-').to_owned())),
            revision: self.value("--revision"),
            is_classic: self.has(&["--classic"]),
            is_devmode: self.has(&["--devmode"]),
            is_local: false,
        }
    }
}

pub(super) fn snap(machine: &mut Machine, rules: &Rules, words: &Words<'_>) -> Said {
    let Some((verb, arguments)) = words.arguments.split_first() else {
        return Said::printed("The snap command lets you install, configure, refresh and remove snaps.\n");
    };
    let command = Command::parse(arguments);
    match verb.as_str() {
        "install" => install(machine, rules, &command),
        "refresh" => refresh(machine, rules, &command),
        "remove" => remove(machine, &command),
        "list" => list(machine, &command),
        "info" => info(machine, rules, &command),
        "find" | "search" => find(rules, &command),
        "get" => get(machine, &command),
        "set" | "unset" => set(machine, verb, &command),
        "start" | "stop" | "restart" | "enable" | "disable" => daemons(machine, rules, verb, &command),
        "services" => services(machine, &command),
        "connect" | "disconnect" => connect(machine, verb, &command),
        "connections" => connections(machine, &command),
        "alias" | "unalias" => alias(machine, verb, &command),
        "version" | "--version" => Said::printed("snap    2.63\nsnapd   2.63\nseries  16\n"),
        "logs" | "wait" | "ack" | "known" | "changes" | "tasks" | "watch" | "warnings" | "model"
        | "debug" | "run" | "download" | "revert" | "switch" | "save" | "saved" | "forget" | "prefer"
        | "abort" | "login" | "whoami" => Said::default(),
        other => Said::failed(64, format!("error: unknown command \"{other}\", see 'snap help'.\n")),
    }
}

fn refusal(name: &str, refusal: Refusal, wish: &Wish) -> Said {
    let text = match refusal {
        Refusal::NotInStore => format!("snap \"{name}\" not found"),
        Refusal::NeedsClassic => format!(
            "This revision of snap \"{name}\" was published using classic confinement and thus may perform\n       \
             arbitrary system changes outside of the security sandbox that snaps are usually confined to,\n       \
             which may put your system at risk.\n\n       If you understand and want to proceed repeat the command including --classic."
        ),
        Refusal::NoSuchRevision => format!(
            "cannot install snap \"{name}\": no snap revision available as specified ({})",
            wish.revision.as_deref().unwrap_or_default()
        ),
    };
    Said::failed(1, format!("error: {text}\n"))
}

fn install(machine: &mut Machine, rules: &Rules, command: &Command<'_>) -> Said {
    let mut said = Said::default();
    if command.names.is_empty() {
        return Said::failed(1, "error: the required argument `<snap>` was not provided\n");
    }
    for word in &command.names {
        let mut wish = command.wish();
        let local = word
            .strip_suffix(".snap")
            .map(|stem| super::base_name(stem).split('_').next().unwrap_or(stem).to_owned());
        wish.is_local = local.is_some();
        let name = local.as_deref().unwrap_or(word);
        if machine.snaps.contains_key(name) && !wish.is_local {
            said.complain(format!("snap \"{name}\" is already installed, see 'snap help refresh'"));
            continue;
        }
        if let Err(why) = put(machine, rules, name, &wish, &mut said) {
            let refused = refusal(name, why, &wish);
            return Said { assumed: said.assumed, ..refused };
        }
        let snap = &machine.snaps[name];
        let from = if wish.is_local { String::new() } else { " from Publisher✓".to_owned() };
        let channel = match snap.channel.as_str() {
            CHANNEL => String::new(),
            other => format!(" ({})", other.trim_start_matches("latest/")),
        };
        said.line(format!("{name}{channel} {}{from} installed", snap.version));
    }
    said
}

fn refresh(machine: &mut Machine, rules: &Rules, command: &Command<'_>) -> Said {
    let mut said = Said::default();
    let names: Vec<String> = command.names.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        return Said { stderr: "All snaps up to date.\n".into(), ..said };
    }
    for name in &names {
        let Some(snap) = machine.snaps.get_mut(name) else {
            return Said::failed(1, format!("error: snap \"{name}\" is not installed\n"));
        };
        if command.has(&["--unhold"]) {
            snap.held_until = None;
            said.line(format!("Removed general refresh hold of \"{name}\""));
            continue;
        }
        if command.has(&["--hold"]) {
            let until = command.value("--hold").unwrap_or_else(|| "forever".into());
            said.line(format!(
                "General refreshes of \"{name}\" held {}",
                if until == "forever" { "indefinitely".into() } else { format!("for {until}") }
            ));
            snap.held_until = Some(until);
            continue;
        }
        let before = (snap.revision.clone(), snap.channel.clone());
        let wish = command.wish();
        if let Err(why) = put(machine, rules, name, &wish, &mut said) {
            return refusal(name, why, &wish);
        }
        let snap = &machine.snaps[name];
        if (&snap.revision, &snap.channel) == (&before.0, &before.1) {
            said.complain(format!("snap \"{name}\" has no updates available"));
        } else {
            said.line(format!(
                "{name} ({}) {} from Publisher✓ refreshed",
                snap.channel.trim_start_matches("latest/"),
                snap.version
            ));
        }
    }
    said
}

fn remove(machine: &mut Machine, command: &Command<'_>) -> Said {
    let mut said = Said::default();
    for name in &command.names {
        if take_away(machine, name, &mut said) {
            said.line(format!("{name} removed"));
        } else {
            said.complain(format!("snap \"{name}\" is not installed"));
        }
    }
    said
}

fn list(machine: &Machine, command: &Command<'_>) -> Said {
    let is_wanted = |name: &str| command.names.is_empty() || command.names.contains(&name);
    let found: Vec<_> = machine.snaps.iter().filter(|(name, _)| is_wanted(name)).collect();
    if found.is_empty() {
        return if command.names.is_empty() {
            Said {
                stderr: "No snaps are installed yet. Try 'snap install hello-world'.\n".into(),
                ..Said::default()
            }
        } else {
            Said::failed(1, "error: no matching snaps installed\n")
        };
    }
    let mut said = Said::printed("Name  Version  Rev  Tracking  Publisher  Notes\n");
    for (name, snap) in found {
        said.line(format!(
            "{name}  {}  {}  {}  publisher✓  {}",
            snap.version,
            snap.revision,
            snap.channel,
            notes(snap)
        ));
    }
    said
}

fn notes(snap: &Snap) -> String {
    let mut notes = Vec::new();
    if snap.confinement != "strict" {
        notes.push(snap.confinement.as_str());
    }
    if snap.held_until.is_some() {
        notes.push("held");
    }
    if notes.is_empty() { "-".into() } else { notes.join(",") }
}

fn info(machine: &Machine, rules: &Rules, command: &Command<'_>) -> Said {
    let mut said = Said::default();
    for name in &command.names {
        let Some((version, revision, _)) = in_store(rules, name) else {
            return Said::failed(
                1,
                format!("warning: no snap found for \"{name}\"\nerror: no valid snaps given\n"),
            );
        };
        said.line(format!("name:      {name}\nsummary:   a snap\npublisher: publisher✓\nlicense:   unset\ndescription: |\n  a snap"));
        if let Some(snap) = machine.snaps.get(*name) {
            said.line(format!("tracking:     {}", snap.channel));
            if let Some(until) = &snap.held_until {
                said.line(format!("hold:         {until}"));
            }
            said.line(format!("installed:    {} ({}) 1MB {}", snap.version, snap.revision, notes(snap)));
        }
        said.line(format!("channels:\n  latest/stable:    {version} 2026-01-01 ({revision}) 1MB -"));
    }
    said
}

fn find(rules: &Rules, command: &Command<'_>) -> Said {
    let mut said = Said::default();
    for name in &command.names {
        match in_store(rules, name) {
            Some((version, ..)) => said.line(format!(
                "Name  Version  Publisher  Notes  Summary\n{name}  {version}  publisher✓  -  a snap"
            )),
            None => said.complain(format!("No matching snaps for \"{name}\"")),
        }
    }
    said
}

fn get(machine: &mut Machine, command: &Command<'_>) -> Said {
    let Some((name, keys)) = command.names.split_first() else {
        return Said::failed(1, "error: the required argument `<snap>` was not provided\n");
    };
    let is_document = command.has(&["-d"]);
    let empty = std::collections::BTreeMap::new();
    let config = config(machine, name).map_or(&empty, |config| &*config);
    if keys.is_empty() {
        if config.is_empty() {
            return Said::failed(1, format!("error: snap \"{name}\" has no configuration\n"));
        }
        if is_document {
            return document(&serde_json::to_value(config).unwrap_or_default());
        }
        let mut said = Said::printed("Key  Value\n");
        for (key, value) in config {
            said.line(format!("{key}  {}", shown(value)));
        }
        return said;
    }
    let mut found = Map::new();
    for key in keys {
        let Some(value) = lookup(config, key) else {
            return Said::failed(
                1,
                format!("error: snap \"{name}\" has no \"{key}\" configuration option\n"),
            );
        };
        found.insert((*key).to_owned(), value.clone());
    }
    match (is_document || keys.len() > 1, found.values().next()) {
        (false, Some(value)) => Said::printed(format!("{}\n", shown(value))),
        _ => document(&Value::Object(found)),
    }
}

fn document(value: &Value) -> Said {
    Said::printed(format!("{value:#}\n"))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn set(machine: &mut Machine, verb: &str, command: &Command<'_>) -> Said {
    let Some((name, settings)) = command.names.split_first() else {
        return Said::failed(1, "error: the required argument `<snap>` was not provided\n");
    };
    let is_text = command.has(&["-s"]);
    let Some(config) = config(machine, name) else {
        return Said::failed(1, format!("error: snap \"{name}\" is not installed\n"));
    };
    for setting in settings {
        match setting.split_once('=') {
            _ if verb == "unset" => store(config, setting, Value::Null),
            Some((key, value)) if is_text => store(config, key, Value::String(value.to_owned())),
            Some((key, value)) => store(config, key, value_of(value)),
            None if setting.ends_with('!') => store(config, setting.trim_end_matches('!'), Value::Null),
            None => {
                return Said::failed(
                    1,
                    format!("error: invalid configuration: \"{setting}\" (want key=value)\n"),
                );
            }
        }
    }
    Said::default()
}

fn daemons(machine: &mut Machine, rules: &Rules, verb: &str, command: &Command<'_>) -> Said {
    let mut said = Said::default();
    let how = match verb {
        "start" | "enable" => Turn::Start { enable: command.has(&["--enable"]) || verb == "enable" },
        "stop" | "disable" => Turn::Stop { disable: command.has(&["--disable"]) || verb == "disable" },
        _ => Turn::Restart,
    };
    match turn(machine, rules, &command.names, how, &mut said) {
        Ok(()) => {
            said.line(match how {
                Turn::Start { .. } => "Started.",
                Turn::Stop { .. } => "Stopped.",
                Turn::Restart => "Restarted.",
            });
            said
        }
        Err(NoService::Snap(name)) => Said::failed(1, format!("error: snap \"{name}\" not found\n")),
        Err(NoService::App(snap, Some(app))) => {
            Said::failed(1, format!("error: snap \"{snap}\" has no service \"{app}\"\n"))
        }
        Err(NoService::App(snap, None)) => {
            Said::failed(1, format!("error: snap \"{snap}\" has no services\n"))
        }
    }
}

fn services(machine: &Machine, command: &Command<'_>) -> Said {
    let mut said = Said::printed("Service  Startup  Current  Notes\n");
    for (name, snap) in &machine.snaps {
        for (app, service) in &snap.services {
            let full = format!("{name}.{app}");
            if command.names.is_empty()
                || command.names.iter().any(|wanted| *wanted == name || *wanted == full)
            {
                let startup = if service.is_enabled { "enabled" } else { "disabled" };
                let current = if service.is_active { "active" } else { "inactive" };
                said.line(format!("{full}  {startup}  {current}  -"));
            }
        }
    }
    said
}

fn connect(machine: &mut Machine, verb: &str, command: &Command<'_>) -> Said {
    let Some((plug, slot)) = command.names.split_first() else {
        return Said::failed(1, "error: the required argument `<snap>:<plug>` was not provided\n");
    };
    let name = plug.split(':').next().unwrap_or(plug);
    let Some(snap) = machine.snaps.get_mut(name) else {
        return Said::failed(1, format!("error: snap \"{name}\" is not installed\n"));
    };
    let connection = std::iter::once(plug).chain(slot.first()).copied().collect::<Vec<_>>().join(" ");
    if verb == "connect" {
        snap.connections.insert(connection);
    } else {
        snap.connections.retain(|known| known.split(' ').next() != Some(plug));
    }
    Said::default()
}

fn connections(machine: &Machine, command: &Command<'_>) -> Said {
    let mut said = Said::printed("Interface  Plug  Slot  Notes\n");
    for (name, snap) in &machine.snaps {
        if command.names.is_empty() || command.names.contains(&name.as_str()) {
            for connection in &snap.connections {
                let (plug, slot) = connection.split_once(' ').unwrap_or((connection, ":system"));
                let interface = plug.split(':').nth(1).unwrap_or(plug);
                said.line(format!("{interface}  {plug}  {slot}  manual"));
            }
        }
    }
    said
}

fn alias(machine: &mut Machine, verb: &str, command: &Command<'_>) -> Said {
    let mut said = Said::default();
    match (verb, &command.names[..]) {
        ("alias", [program, alias]) => {
            let name = program.split('.').next().unwrap_or(program);
            let Some(snap) = machine.snaps.get_mut(name) else {
                return Said::failed(1, format!("error: snap \"{name}\" is not installed\n"));
            };
            snap.aliases.insert((*alias).to_owned(), (*program).to_owned());
            said.acts.push(Act::Program { path: format!("/snap/bin/{alias}").into(), is_assumed: false });
            said.line(format!("Added:\n  - {program} as {alias}"));
        }
        ("unalias", [alias, ..]) => {
            for snap in machine.snaps.values_mut() {
                snap.aliases.retain(|known, _| known != alias);
            }
            said.acts.push(Act::Remove { path: format!("/snap/bin/{alias}").into() });
        }
        _ => return Said::failed(1, "error: the required arguments were not provided\n"),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_in_full() {
        for (text, expected) in [
            ("", "latest/stable"),
            ("edge", "latest/edge"),
            ("latest", "latest/stable"),
            ("\"latest\"", "latest/stable"),
            ("14/stable", "14/stable"),
            ("stable/fix", "latest/stable/fix"),
        ] {
            assert_eq!(full_channel(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_with_dots_are_paths() {
        let mut config = std::collections::BTreeMap::new();
        store(&mut config, "a.b.c", Value::from(1));
        store(&mut config, "a.d", Value::from("x"));
        assert_eq!(serde_json::to_string(&config).unwrap(), r#"{"a":{"b":{"c":1},"d":"x"}}"#);
        assert_eq!(lookup(&config, "a.b.c"), Some(&Value::from(1)));
        store(&mut config, "a.b", Value::Null);
        assert_eq!(lookup(&config, "a.b.c"), None);
        store(&mut config, "a", Value::Null);
        assert!(config.is_empty());
    }
}
