//! Hooks that change something when they run again.

use charmproof_agent::state::SecretChange;
use charmproof_pebble::Snapshot;

use super::{Blame, Oracle, Suspicion, exception, normalised};
use crate::convergence::JUJUS_OWN_KEYS;
use crate::player::{HookRecord, Played};

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    for (number, hook) in played.hooks.iter().enumerate() {
        let Some(again) = hook.again.as_deref() else { continue };
        for (what, details) in differences(hook, again) {
            seen.push(Suspicion {
                oracle: Oracle::Idempotence,
                blame: Blame::Charm,
                cause: format!("{} again: {}", hook.hook.kind.pattern(), normalised(&what)),
                summary: format!("`{}` a second time {what}", hook.name),
                details,
                hook: Some(number),
            });
        }
    }
}

/// Returns what the second run did, which had nothing to do.
fn differences(first: &HookRecord, again: &HookRecord) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if !again.exit.is_success() {
        let failure = exception::of_hook(0, again);
        found.push((format!("fails ({})", failure.cause), failure.details));
        return found;
    }
    for change in &again.effects.relation_changes {
        let is_own = |key: &&str| !JUJUS_OWN_KEYS.contains(key);
        let keys: Vec<&str> = change.keys.keys().map(String::as_str).filter(is_own).collect();
        if keys.is_empty() {
            continue;
        }
        found
            .push((format!("writes other relation data: {}", keys.join(", ")), format!("{:?}", change.keys)));
    }
    // That a unit now reads a newer revision, or has a name for it, changes nothing for others.
    let changes = again.effects.secrets.iter().filter(|effect| match effect.change {
        SecretChange::Added | SecretChange::Revised { .. } | SecretChange::Removed { .. } => true,
        SecretChange::Described
        | SecretChange::Granted { .. }
        | SecretChange::Revoked { .. }
        | SecretChange::Tracked { .. } => false,
    });
    for secret in changes {
        found.push(("makes or changes a secret".to_owned(), format!("{:?}", secret.change)));
    }
    for (name, before) in &first.workloads {
        let Some(after) = again.workloads.get(name) else { continue };
        if before.plan != after.plan {
            found.push((format!("changes the plan of `{name}`"), format!("{}\n{}", before.plan, after.plan)));
        }
        let starts =
            |snapshot: &Snapshot| snapshot.services.values().map(|service| service.starts).sum::<u64>();
        if starts(after) > starts(before) {
            found.push((format!("starts services of `{name}` again"), format!("{:?}", after.services)));
        }
    }
    if !again.effects.ports.is_empty() {
        found.push(("opens or closes ports".to_owned(), format!("{:?}", again.effects.ports)));
    }
    let last = |record: &HookRecord| {
        record.effects.statuses.last().map(|status| (status.of.clone(), status.kind, status.message.clone()))
    };
    if let (Some(before), Some(after)) = (last(first), last(again))
        && before != after
    {
        found.push(("ends in another status".to_owned(), format!("{before:?}\n{after:?}")));
    }
    found
}
