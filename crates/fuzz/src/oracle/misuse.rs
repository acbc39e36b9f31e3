//! Hook tools that Juju refuses.

use super::{Blame, Oracle, Suspicion, normalised};
use crate::player::Played;

/// What tools answer to a question that charms may ask: whether something is there.
const ANSWERS: [&str; 3] = ["not found", "no network config found", "relation not found"];

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    for (number, hook) in played.hooks.iter().enumerate() {
        for misuse in &hook.effects.misuses {
            if ANSWERS.iter().any(|answer| misuse.message.contains(answer)) {
                continue;
            }
            // Whoever deploys it knows that it needs --trust.
            let is_untrusted = misuse.message.contains("cannot access cloud credentials");
            let message = misuse.message.trim().trim_start_matches("ERROR ");
            seen.push(Suspicion {
                oracle: Oracle::ToolMisuse,
                blame: if is_untrusted { Blame::Environment } else { Blame::Charm },
                cause: format!("{}: {}", misuse.tool, normalised(message)),
                summary: format!("`{}` in `{}` is refused: {message}", misuse.tool, hook.name),
                details: misuse.arguments.join(" "),
                hook: Some(number),
            });
        }
    }
}
