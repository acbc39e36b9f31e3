//! Things that are going to be removed.

use super::{Blame, Oracle, Suspicion, normalised};
use crate::player::Played;

const CATEGORIES: [&str; 3] = ["DeprecationWarning: ", "PendingDeprecationWarning: ", "FutureWarning: "];

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    for (number, hook) in played.hooks.iter().enumerate() {
        for line in hook.effects.log.iter().filter(|line| line.level == "WARNING") {
            // ops writes warnings as `file:line: Category: text`.
            let Some((place, text)) = CATEGORIES.iter().find_map(|category| line.text.split_once(category))
            else {
                continue;
            };
            let file = place.trim_end_matches([' ', ':']);
            // What a package in the environment does to another one is not the charm's to mend.
            if file.contains("site-packages") {
                continue;
            }
            let text = text.lines().next().unwrap_or_default();
            seen.push(Suspicion {
                oracle: Oracle::Deprecation,
                blame: Blame::Charm,
                cause: normalised(text),
                summary: format!("deprecated: {text}"),
                details: line.text.clone(),
                hook: Some(number),
            });
        }
    }
}
