//! Secrets where everybody can read them.

use std::collections::BTreeMap;

use super::{Blame, Oracle, Suspicion};
use crate::player::Played;

/// What is shorter is found by chance.
pub(crate) const CHARACTERS_MIN: usize = 8;

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for secret in played.secrets.values() {
        for (key, value) in secret {
            if value.chars().count() >= CHARACTERS_MIN {
                known.insert(value, key);
            }
        }
    }
    if known.is_empty() {
        return;
    }
    for (number, hook) in played.hooks.iter().enumerate() {
        let found = |text: &str| known.iter().find(|(value, _)| text.contains(**value)).map(|(_, key)| *key);
        let mut report = |key: &str, place: String, details: &str| {
            seen.push(Suspicion {
                oracle: Oracle::SecretLeak,
                blame: Blame::Charm,
                cause: format!("`{key}` in {place}"),
                summary: format!("the secret's `{key}` is in {place}"),
                details: details.to_owned(),
                hook: Some(number),
            });
        };
        for line in &hook.effects.log {
            if let Some(key) = found(&line.text) {
                report(key, "the log".to_owned(), &line.text);
            }
        }
        for change in &hook.effects.relation_changes {
            for (name, value) in &change.keys {
                if let Some(key) = value.as_deref().and_then(found) {
                    report(key, format!("relation data, as `{name}`"), value.as_deref().unwrap_or_default());
                }
            }
        }
        for status in &hook.effects.statuses {
            if let Some(key) = found(&status.message) {
                report(key, "a status".to_owned(), &status.message);
            }
        }
    }
}
