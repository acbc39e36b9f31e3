//! What snapd answers on its socket, `/run/snapd.socket`: the part of its REST interface that
//! charms use, next to the `snap` command and with the same machine behind it.
//!
//! Nothing here listens. Whoever does hands over a request and sends what comes back, as JSON
//! with the type `application/json`. Changes are done as soon as they are asked for.

use serde_json::{Map, Value, json};

use super::machine::{Machine, Snap};
use super::rules::Rules;
use super::said::Said;
use super::snap::{self, NoService, Refusal, Turn, Wish};
use super::{Act, AnsweredBy, Record};

/// Where the socket is, in the unit.
pub const SOCKET: &str = "/run/snapd.socket";

/// The number of every change: all are done at once, so one will do.
const CHANGE: &str = "1";
/// How long snapd holds what is held for ever.
const FOR_EVER: &str = "2318-04-11T00:00:00Z";

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path, with the query.
    pub target: &'a str,
    /// What was sent.
    pub body: &'a [u8],
}

/// What is sent back, and done.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status of HTTP.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// What is to be done in the unit, in order, before the answer is sent.
    pub acts: Vec<Act>,
    /// What is to be remembered: the method and target in place of a program and its arguments,
    /// and the status as the code.
    pub record: Record,
}

enum Outcome {
    Result(Value),
    Change,
    /// What snapd may know and this does not.
    Unknown,
    Refused {
        status: u16,
        kind: &'static str,
        message: String,
        value: Value,
    },
}

fn refused(status: u16, kind: &'static str, message: impl Into<String>) -> Outcome {
    Outcome::Refused { status, kind, message: message.into(), value: Value::Null }
}

fn not_installed(name: &str) -> Outcome {
    refused(404, "snap-not-found", format!("snap \"{name}\" is not installed"))
}

/// Answers a request.
pub fn answer(machine: &mut Machine, rules: &Rules, request: &Request<'_>) -> Response {
    let mut said = Said::default();
    let outcome = outcome(machine, rules, request, &mut said);
    let answered_by = match &outcome {
        Outcome::Unknown => AnsweredBy::Nobody,
        Outcome::Result(_) | Outcome::Change | Outcome::Refused { .. } => AnsweredBy::BuiltIn,
    };
    let (status, body) = match outcome {
        Outcome::Result(result) => {
            (200, json!({"type": "sync", "status-code": 200, "status": "OK", "result": result}))
        }
        Outcome::Change => (
            202,
            json!({"type": "async", "status-code": 202, "status": "Accepted", "change": CHANGE, "result": null}),
        ),
        Outcome::Unknown => (
            404,
            json!({"type": "error", "status-code": 404, "status": "Not Found", "result": {"message": "not found"}}),
        ),
        Outcome::Refused { status, kind, message, value } => {
            let mut result = Map::new();
            result.insert("message".into(), message.into());
            if !kind.is_empty() {
                result.insert("kind".into(), kind.into());
            }
            if !value.is_null() {
                result.insert("value".into(), value);
            }
            let text = if status == 404 { "Not Found" } else { "Bad Request" };
            (status, json!({"type": "error", "status-code": status, "status": text, "result": result}))
        }
    };
    let arguments = vec!["snapd".into(), request.method.into(), request.target.into()];
    let record = Record { arguments, code: i32::from(status), answered_by, assumed: said.assumed };
    Response { status, body, acts: said.acts, record }
}

fn outcome(machine: &mut Machine, rules: &Rules, request: &Request<'_>, said: &mut Said) -> Outcome {
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let body: Value = serde_json::from_slice(request.body).unwrap_or(Value::Null);
    match (request.method, &parts[..]) {
        ("GET", ["v2", "system-info"]) => Outcome::Result(
            json!({"series": "16", "version": "2.63", "on-classic": true, "confinement": "strict"}),
        ),
        ("GET", ["v2", "snaps"]) => {
            Outcome::Result(machine.snaps.iter().map(|(name, snap)| described(name, snap)).collect())
        }
        ("GET", ["v2", "snaps", name]) => match machine.snaps.get(*name) {
            Some(snap) => Outcome::Result(described(name, snap)),
            None => Outcome::Refused {
                status: 404,
                kind: "snap-not-found",
                message: "snap not installed".into(),
                value: (*name).into(),
            },
        },
        ("POST", ["v2", "snaps", name]) => act(machine, rules, name, &body, said),
        ("POST", ["v2", "snaps"]) => {
            let names: Vec<String> = texts(&body, "snaps");
            for name in names {
                let outcome = act(machine, rules, &name, &body, said);
                if let Outcome::Refused { .. } = outcome {
                    return outcome;
                }
            }
            Outcome::Change
        }
        ("GET", ["v2", "snaps", name, "conf"]) => {
            configuration(machine, name, parameter(query, "keys").as_deref())
        }
        ("PUT", ["v2", "snaps", name, "conf"]) => configure(machine, name, &body),
        ("GET", ["v2", "find"]) => find(rules, query),
        ("GET", ["v2", "apps"]) => apps(machine, query),
        ("POST", ["v2", "apps"]) => turn(machine, rules, &body, said),
        ("GET", ["v2", "changes", id]) => Outcome::Result(json!({
            "id": id, "kind": "change", "summary": "a change", "status": "Done", "ready": true, "data": {},
        })),
        ("GET", ["v2", "changes" | "logs" | "connections" | "interfaces" | "aliases"]) => {
            Outcome::Result(json!([]))
        }
        ("POST", ["v2", "aliases"]) => aliases(machine, &body, said),
        ("POST", ["v2", "interfaces"]) => interfaces(machine, &body),
        _ => {
            let path = path.to_owned();
            said.assumes(format!("snapd was said not to know {} {path}", request.method));
            Outcome::Unknown
        }
    }
}

/// The value of a parameter of a query.
fn parameter(query: &str, wanted: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(wanted)?.strip_prefix('='))?;
    let mut decoded = Vec::new();
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        let digits = || Some([bytes.clone().next()?, bytes.clone().nth(1)?]);
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let pair =
                    digits().and_then(|pair| u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok());
                decoded.push(pair.unwrap_or(b'%'));
                if pair.is_some() {
                    bytes.nth(1);
                }
            }
            byte => decoded.push(byte),
        }
    }
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

fn texts(body: &Value, key: &str) -> Vec<String> {
    let items = body.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn described(name: &str, snap: &Snap) -> Value {
    let mut described = json!({
        "id": name, "name": name, "title": name, "summary": "a snap", "description": "a snap",
        "status": "active", "type": "app", "version": snap.version, "revision": snap.revision,
        "channel": snap.channel.trim_start_matches("latest/"), "tracking-channel": snap.channel,
        "confinement": snap.confinement, "devmode": snap.confinement == "devmode", "private": false,
        "apps": apps_of(name, snap),
    });
    if let (Some(until), Some(map)) = (&snap.held_until, described.as_object_mut()) {
        let until = if until.contains('T') { until.as_str() } else { FOR_EVER };
        map.insert("hold".into(), until.into());
    }
    described
}

fn apps_of(name: &str, snap: &Snap) -> Vec<Value> {
    let services = snap.services.iter().map(|(app, service)| {
        json!({"snap": name, "name": app, "daemon": "simple", "daemon-scope": "system", "enabled": service.is_enabled, "active": service.is_active})
    });
    services.collect()
}

fn act(machine: &mut Machine, rules: &Rules, name: &str, body: &Value, said: &mut Said) -> Outcome {
    let is_there = machine.snaps.contains_key(name);
    let flag = |key: &str| body.get(key).and_then(Value::as_bool) == Some(true);
    let wish = Wish {
        channel: text(body, "channel").map(str::to_owned),
        revision: text(body, "revision").map(str::to_owned),
        is_classic: flag("classic"),
        is_devmode: flag("devmode"),
        is_local: false,
    };
    match text(body, "action").unwrap_or_default() {
        "install" if is_there => {
            refused(400, "snap-already-installed", format!("snap \"{name}\" is already installed"))
        }
        "install" => put(machine, rules, name, &wish, said),
        "refresh" if is_there => {
            let before = machine.snaps.get(name).cloned();
            let outcome = put(machine, rules, name, &wish, said);
            if wish.revision.is_none()
                && machine.snaps.get(name).cloned() == before
                && matches!(outcome, Outcome::Change)
            {
                return refused(
                    400,
                    "snap-no-update-available",
                    format!("snap \"{name}\" has no updates available"),
                );
            }
            outcome
        }
        "remove" if is_there => {
            snap::take_away(machine, name, said);
            Outcome::Change
        }
        "remove" => refused(400, "snap-not-installed", format!("snap \"{name}\" is not installed")),
        "hold" if is_there => {
            let until = text(body, "time").unwrap_or("forever").to_owned();
            if let Some(snap) = machine.snaps.get_mut(name) {
                snap.held_until = Some(until);
            }
            Outcome::Change
        }
        "unhold" => {
            if let Some(snap) = machine.snaps.get_mut(name) {
                snap.held_until = None;
            }
            Outcome::Change
        }
        "enable" | "disable" | "revert" | "switch" if is_there => Outcome::Change,
        // snapd gives no kind here.
        _ if !is_there => refused(400, "", format!("snap \"{name}\" is not installed")),
        other => refused(400, "", format!("unknown action {other}")),
    }
}

fn put(machine: &mut Machine, rules: &Rules, name: &str, wish: &Wish, said: &mut Said) -> Outcome {
    match snap::put(machine, rules, name, wish, said) {
        Ok(()) => Outcome::Change,
        Err(Refusal::NotInStore) => refused(404, "snap-not-found", "snap not found"),
        Err(Refusal::NeedsClassic) => {
            refused(400, "snap-needs-classic", format!("snap \"{name}\" requires classic confinement"))
        }
        Err(Refusal::NoSuchRevision) => {
            refused(404, "snap-revision-not-available", "no snap revision available as specified")
        }
    }
}

fn configuration(machine: &mut Machine, name: &str, keys: Option<&str>) -> Outcome {
    let empty = std::collections::BTreeMap::new();
    let config = snap::config(machine, name).map_or(&empty, |config| &*config);
    let Some(keys) = keys else {
        return Outcome::Result(serde_json::to_value(config).unwrap_or_default());
    };
    let mut found = Map::new();
    for key in keys.split(',').map(str::trim).filter(|key| !key.is_empty()) {
        let Some(value) = snap::lookup(config, key) else {
            return Outcome::Refused {
                status: 400,
                kind: "option-not-found",
                message: format!("snap \"{name}\" has no \"{key}\" configuration option"),
                value: json!({"SnapName": name, "Key": key}),
            };
        };
        found.insert(key.to_owned(), value.clone());
    }
    Outcome::Result(Value::Object(found))
}

fn configure(machine: &mut Machine, name: &str, body: &Value) -> Outcome {
    let Some(config) = snap::config(machine, name) else { return not_installed(name) };
    for (key, value) in body.as_object().into_iter().flatten() {
        snap::store(config, key, value.clone());
    }
    Outcome::Change
}

fn find(rules: &Rules, query: &str) -> Outcome {
    let name = parameter(query, "name").or_else(|| parameter(query, "q")).unwrap_or_default();
    match snap::in_store(rules, &name) {
        Some((version, revision, confinement)) => Outcome::Result(json!([{
            "id": name, "name": name, "title": name, "summary": "a snap", "description": "a snap",
            "status": "available", "type": "app", "version": version, "revision": revision,
            "channel": "stable", "confinement": confinement.to_string(), "devmode": false, "private": false,
        }])),
        None => refused(404, "snap-not-found", "snap not found"),
    }
}

fn apps(machine: &Machine, query: &str) -> Outcome {
    let names = parameter(query, "names").unwrap_or_default();
    let mut found = Vec::new();
    for wanted in names.split(',').filter(|name| !name.is_empty()) {
        let (name, app) = wanted.split_once('.').map_or((wanted, None), |(name, app)| (name, Some(app)));
        let Some(snap) = machine.snaps.get(name) else { return not_installed(name) };
        found.extend(
            apps_of(name, snap)
                .into_iter()
                .filter(|described| app.is_none() || described["name"].as_str() == app),
        );
    }
    if names.is_empty() {
        found = machine.snaps.iter().flat_map(|(name, snap)| apps_of(name, snap)).collect();
    }
    Outcome::Result(Value::Array(found))
}

fn turn(machine: &mut Machine, rules: &Rules, body: &Value, said: &mut Said) -> Outcome {
    let flag = |key: &str| body.get(key).and_then(Value::as_bool) == Some(true);
    let how = match text(body, "action").unwrap_or_default() {
        "start" => Turn::Start { enable: flag("enable") },
        "stop" => Turn::Stop { disable: flag("disable") },
        "restart" => Turn::Restart,
        other => return refused(400, "", format!("unknown action {other}")),
    };
    let names = texts(body, "names");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match snap::turn(machine, rules, &names, how, said) {
        Ok(()) => Outcome::Change,
        Err(NoService::Snap(name)) => not_installed(&name),
        Err(NoService::App(snap, app)) => {
            let app = app.map(|app| format!(".{app}")).unwrap_or_default();
            refused(404, "app-not-found", format!("snap \"{snap}{app}\" has no services"))
        }
    }
}

fn aliases(machine: &mut Machine, body: &Value, said: &mut Said) -> Outcome {
    let alias = text(body, "alias").unwrap_or_default().to_owned();
    match (text(body, "action").unwrap_or_default(), text(body, "snap"), text(body, "app")) {
        ("alias", Some(name), Some(app)) => match machine.snaps.get_mut(name) {
            Some(snap) => {
                snap.aliases.insert(alias.clone(), format!("{name}.{app}"));
                said.acts.push(Act::Program { path: format!("/snap/bin/{alias}").into(), is_assumed: false });
                Outcome::Change
            }
            None => refused(404, "snap-not-installed", format!("snap \"{name}\" is not installed")),
        },
        ("unalias", ..) => {
            let is_known = machine.snaps.values().any(|snap| snap.aliases.contains_key(&alias));
            if !is_known {
                return refused(400, "", format!("cannot find manual alias \"{alias}\" in any snap"));
            }
            for snap in machine.snaps.values_mut() {
                snap.aliases.remove(&alias);
            }
            said.acts.push(Act::Remove { path: format!("/snap/bin/{alias}").into() });
            Outcome::Change
        }
        _ => refused(400, "", "unsupported alias action"),
    }
}

fn interfaces(machine: &mut Machine, body: &Value) -> Outcome {
    let end = |list: &str, key: &str| {
        let first = body.get(list).and_then(|list| list.get(0));
        let part = |name: &str| first.and_then(|end| text(end, name)).unwrap_or_default().to_owned();
        (part("snap"), part(key))
    };
    let (plug_snap, plug) = end("plugs", "plug");
    let (slot_snap, slot) = end("slots", "slot");
    let connection = format!("{plug_snap}:{plug} {slot_snap}:{slot}");
    let Some(snap) = machine.snaps.get_mut(&plug_snap) else {
        return refused(400, "", format!("snap \"{plug_snap}\" has no plug named \"{plug}\""));
    };
    match text(body, "action").unwrap_or_default() {
        "connect" => {
            snap.connections.insert(connection);
            Outcome::Change
        }
        "disconnect" => {
            let before = snap.connections.len();
            snap.connections
                .retain(|known| *known != connection && !known.starts_with(&format!("{plug_snap}:{plug} ")));
            if before == snap.connections.len() {
                return refused(400, "interfaces-unchanged", "nothing to do");
            }
            Outcome::Change
        }
        _ => refused(400, "", "unsupported interface action"),
    }
}
