//! A small language for sequences, so that a test of a rule fits on a line.
//!
//! Words between blanks. `db-relation-joined:3@pg/0` is a hook of relation 3 with its
//! remote unit, `@` with nothing behind it the remote application; `=data/0` is a storage,
//! `%pg/0` a departing unit; `!` and `?` say that the hook failed and was terminated.
//! `<agent>` and its like are markers. `setup` stands for four hooks. What is known of the
//! sequence comes first: `k8s`, `machine`, `3.6`, `mid` (begins anywhere), `told` (every
//! marker is there), `only-endpoint`, `peers=a,b`, `unit=app/0`, and what the charm has, as
//! in `endpoints=db,host:container,peers:peer`, `storages=data:1`, `containers=c`,
//! `actions=backup`; `in-log` says that it may have been another revision.

use std::sync::Arc;

use charmproof_lifecycle::rules::{DeclaredCharm, DeclaredEndpoint, Event, Filter, Markers, Settings, Start};
use charmproof_lifecycle::vocabulary::{Hook, JujuVersion, Marker, Outcome, Platform, Remote};

pub(crate) fn parse(text: &str) -> (Settings, Vec<Event>) {
    let mut settings = Settings { start: Start::Deployment, ..Settings::default() };
    let mut charm = DeclaredCharm::default();
    let mut events = Vec::new();
    for word in text.split_whitespace() {
        if let Some(platform) = Platform::parse(word) {
            settings.platform = Some(platform);
        } else if let Some(version) = JujuVersion::parse(word) {
            settings.version = Some(version);
        } else if word == "mid" {
            settings.start = Start::Unknown;
        } else if word == "told" {
            settings.markers = Markers::All;
        } else if declares(word, &mut charm) {
            settings.charm = Some(Arc::new(charm.clone()));
        } else if word == "only-endpoint" {
            settings.filter = Filter::OtherEndpoints;
        } else if let Some(peers) = word.strip_prefix("peers=") {
            settings.peers =
                Some(peers.split(',').filter(|peer| !peer.is_empty()).map(str::to_owned).collect());
        } else if let Some(unit) = word.strip_prefix("unit=") {
            settings.unit = Some(unit.to_owned());
        } else if word == "setup" {
            events.extend(["install", "leader-elected", "config-changed", "start"].map(event));
        } else {
            events.push(event(word));
        }
    }
    (settings, events)
}

/// Reads what a charm has, if the word tells that.
fn declares(word: &str, charm: &mut DeclaredCharm) -> bool {
    if word == "in-log" {
        charm.may_be_other_revision = true;
        return true;
    }
    let Some((what, names)) = word.split_once('=') else { return false };
    let names = || names.split(',').map(|name| name.split_once(':').unwrap_or((name, "")));
    match what {
        "endpoints" => charm.endpoints.extend(names().map(|(name, kind)| {
            let endpoint =
                DeclaredEndpoint { is_peer: kind == "peer", is_container_scoped: kind == "container" };
            (name.into(), endpoint)
        })),
        "storages" => {
            let minimum = |text: &str| text.parse().expect("a number behind the storage");
            charm.storages.extend(names().map(|(name, number)| (name.into(), minimum(number))));
        }
        "containers" => charm.containers.extend(names().map(|(name, _)| name.into())),
        "actions" => charm.actions.extend(names().map(|(name, _)| name.into())),
        _ => return false,
    }
    true
}

fn event(word: &str) -> Event {
    let marker = match word {
        "<agent>" => Some(Marker::AgentStarted),
        "<reboot>" => Some(Marker::RebootDetected),
        "<new-pod>" => Some(Marker::NewPod),
        "<stopping>" => Some(Marker::AgentStopping),
        "<removed>" => Some(Marker::UnitRemoved),
        "<deposed>" => Some(Marker::LeaderDeposed),
        "<resolved>" => Some(Marker::ResolvedWithoutRetry),
        _ => None,
    };
    if let Some(marker) = marker {
        return Event::Marker(marker);
    }
    let (word, outcome) = match (word.strip_suffix('!'), word.strip_suffix('?')) {
        (Some(word), _) => (word, Outcome::Failed),
        (None, Some(word)) => (word, Outcome::Terminated),
        (None, None) => (word, Outcome::Ok),
    };
    let (word, departing_unit) = split(word, '%');
    let (word, storage_id) = split(word, '=');
    let (word, remote) = split(word, '@');
    let (name, relation_id) = split(word, ':');
    let hook = match Hook::parse(name) {
        Ok(hook) => hook,
        Err(unknown) => return Event::Unknown(unknown),
    };
    let remote = match remote {
        None => Remote::Unknown,
        Some(unit) if unit.is_empty() => Remote::Application,
        Some(unit) => Remote::Unit(unit.into()),
    };
    let relation_id = relation_id.map(|id| id.parse().expect("the number of a relation"));
    Event::Hook {
        hook: Hook {
            relation_id,
            remote,
            departing_unit: departing_unit.map(Into::into),
            storage_id: storage_id.map(Into::into),
            ..hook
        },
        outcome,
    }
}

fn split(word: &str, separator: char) -> (&str, Option<String>) {
    match word.split_once(separator) {
        Some((before, after)) => (before, Some(after.to_owned())),
        None => (word, None),
    }
}
