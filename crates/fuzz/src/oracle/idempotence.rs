//! Hooks that change something when they run again.

use super::{Blame, Oracle, Suspicion, exception, normalised};
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
        let keys: Vec<&str> = change.keys.keys().map(String::as_str).collect();
        found
            .push((format!("writes other relation data: {}", keys.join(", ")), format!("{:?}", change.keys)));
    }
    for secret in &again.effects.secrets {
        found.push(("makes or changes a secret".to_owned(), format!("{:?}", secret.change)));
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
