//! The same lives with two versions of something, and all that can be seen of them.
//!
//! Both sides get the same script, the same values, the same clock. What differs is told by
//! what it is (a status, relation data, a call of a tool), one difference for each place in the
//! charm's life, and hooks are compared up to the first that makes the lives part. A side that
//! differs from itself says that it is noise: whoever compares plays one side twice.

use std::collections::BTreeSet;

use charmproof_agent::tools::Call;
use serde::Serialize;
use serde_json::{Value, json};

use crate::oracle::{exception, normalised};
use crate::player::{HookRecord, Played};

/// What two lives can differ in, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Observable {
    /// Whether the hook fails, and how.
    Failure,
    /// The final status.
    Status,
    /// What is written to relations.
    RelationData,
    /// What becomes of secrets.
    Secrets,
    /// Which ports are open.
    Ports,
    /// What an action gives back.
    ActionResult,
    /// The plan of a container, and its services.
    Plan,
    /// The files that are pushed to a container.
    Files,
    /// The commands that are executed in a container.
    Exec,
    /// What is deferred.
    Deferred,
    /// What is stored.
    Stored,
    /// Warnings that something is going to be removed.
    Deprecations,
    /// What is logged as a warning or worse.
    Log,
    /// The tools that are called, by meaning. No test can see it, and it is not counted.
    Calls,
}

impl Observable {
    /// Returns the name, as people write it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether a difference changes what the charm does, rather than how it does it.
    pub fn is_behaviour(self) -> bool {
        match self {
            Self::Failure
            | Self::Status
            | Self::RelationData
            | Self::Secrets
            | Self::Ports
            | Self::ActionResult
            | Self::Plan
            | Self::Files
            | Self::Exec
            | Self::Deferred
            | Self::Stored => true,
            Self::Deprecations | Self::Log | Self::Calls => false,
        }
    }
}

/// Something in which two lives differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// What it is.
    pub observable: Observable,
    /// The kind of hook: `db-relation-changed`.
    pub hook: String,
    /// The number of the hook in the life.
    pub place: usize,
    /// What the baseline does.
    pub baseline: String,
    /// What the candidate does.
    pub candidate: String,
}

impl Difference {
    /// Returns what two differences have in common that are one.
    pub fn cause(&self) -> (Observable, String, String) {
        (self.observable, normalised(&self.baseline), normalised(&self.candidate))
    }
}

/// Compares two lives, hook by hook, up to the first hook that they do not share.
pub fn compare(baseline: &Played, candidate: &Played) -> Vec<Difference> {
    let mut found = Vec::new();
    for (place, (one, other)) in baseline.hooks.iter().zip(&candidate.hooks).enumerate() {
        if (&one.unit, &one.name) != (&other.unit, &other.name) {
            break;
        }
        for observable in ALL {
            let (was, is) = (seen(observable, one), seen(observable, other));
            if was != is {
                found.push(Difference {
                    observable,
                    hook: one.name.clone(),
                    place,
                    baseline: shown(&was),
                    candidate: shown(&is),
                });
            }
        }
        if one.exit.is_success() != other.exit.is_success() {
            // From here on they live different lives.
            break;
        }
    }
    found
}

/// Returns the differences of `found` that are not in `noise`: what one side differs in from
/// itself says nothing of the other.
pub fn without_noise(found: Vec<Difference>, noise: &[Difference]) -> Vec<Difference> {
    let noisy: BTreeSet<(Observable, &str)> =
        noise.iter().map(|difference| (difference.observable, difference.hook.as_str())).collect();
    found
        .into_iter()
        .filter(|difference| !noisy.contains(&(difference.observable, difference.hook.as_str())))
        .collect()
}

const ALL: [Observable; 14] = [
    Observable::Failure,
    Observable::Status,
    Observable::RelationData,
    Observable::Secrets,
    Observable::Ports,
    Observable::ActionResult,
    Observable::Plan,
    Observable::Files,
    Observable::Exec,
    Observable::Deferred,
    Observable::Stored,
    Observable::Deprecations,
    Observable::Log,
    Observable::Calls,
];

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

fn seen(observable: Observable, hook: &HookRecord) -> Value {
    match observable {
        Observable::Failure if hook.exit.is_success() => Value::Null,
        Observable::Failure => json!(
            exception::traceback_of(hook)
                .map_or_else(|| exception::of_hook(0, hook).cause, |traceback| exception::kind(&traceback))
        ),
        Observable::Status => {
            let mut last = hook.effects.statuses.iter().map(|set| json!([set.of, set.kind, set.message]));
            last.next_back().unwrap_or(Value::Null)
        }
        Observable::RelationData => unless_empty(json!(hook.effects.relation_changes)),
        Observable::Secrets => unless_empty(json!(hook.effects.secrets)),
        Observable::Ports => unless_empty(json!(hook.effects.ports)),
        Observable::ActionResult => json!(hook.effects.action),
        Observable::Plan => {
            let plans = hook.workloads.iter().map(|(name, seen)| json!([name, seen.plan, seen.services]));
            unless_empty(Value::Array(plans.collect()))
        }
        Observable::Files => {
            let files = hook.workloads.iter().map(|(name, seen)| json!([name, seen.files]));
            unless_empty(Value::Array(files.collect()))
        }
        Observable::Exec => {
            let exec = hook.workloads.iter().map(|(name, seen)| json!([name, seen.exec]));
            unless_empty(Value::Array(exec.collect()))
        }
        Observable::Deferred => {
            let notices = hook.kept.iter().flat_map(|kept| &kept.notices);
            // The number in an event's path counts events, which is how ops names them.
            let named = notices.map(|(event, observer, method)| json!([normalised(event), observer, method]));
            unless_empty(Value::Array(named.collect()))
        }
        Observable::Stored => {
            let stored = hook.kept.iter().flat_map(|kept| &kept.stored);
            // Handles of events and of the framework itself are how ops works, not what charms do.
            let own = stored.filter(|(handle, _)| {
                !handle.contains("/on/") && !handle.contains("StoredStateData[_stored]")
            });
            unless_empty(Value::Array(own.map(|(handle, value)| json!([handle, value])).collect()))
        }
        Observable::Deprecations => unless_empty(json!(lines(hook, true))),
        Observable::Log => unless_empty(json!(lines(hook, false))),
        Observable::Calls => {
            let calls: BTreeSet<String> = hook
                .effects
                .calls
                .iter()
                .filter(|call| !matches!(call, Call::JujuLog { .. }))
                .map(|call| json!(call).to_string())
                .collect();
            unless_empty(json!(calls))
        }
    }
}

/// Returns the warnings of the log: those of deprecations, or the others, without line numbers.
fn lines(hook: &HookRecord, deprecations: bool) -> Vec<String> {
    let is_deprecation = |text: &str| text.contains("DeprecationWarning: ");
    let is_grave = |level: &str| matches!(level, "WARNING" | "ERROR" | "CRITICAL");
    hook.effects
        .log
        .iter()
        .filter(|line| is_grave(&line.level) && is_deprecation(&line.text) == deprecations)
        // A traceback differs with every line that moves; that a hook fails is told above.
        .filter(|line| !line.text.contains("Traceback (most recent call last)"))
        .map(|line| match line.text.split_once("Warning: ") {
            Some((_, text)) => text.lines().next().unwrap_or_default().to_owned(),
            None => normalised(&line.text),
        })
        .collect()
}

fn unless_empty(value: Value) -> Value {
    match &value {
        Value::Array(all) if all.is_empty() => Value::Null,
        Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_) => value,
    }
}
