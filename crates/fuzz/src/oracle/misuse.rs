//! Hook tools that Juju refuses.

use super::{Blame, Oracle, Suspicion, exception, normalised};
use crate::player::Played;

/// What tools answer to a question that charms may ask: whether something is there.
const ANSWERS: [&str; 3] = ["not found", "no network config found", "relation not found"];

/// Sees refused calls. Of a hook that fails for one, `tells_failures` says that it is told anyway.
pub(super) fn look(played: &Played, tells_failures: bool, seen: &mut Vec<Suspicion>) {
    for (number, hook) in played.hooks.iter().enumerate() {
        let fails = tells_failures && !hook.exit.is_success();
        let failure = fails.then(|| exception::traceback_of(hook)).flatten();
        for misuse in &hook.effects.misuses {
            let message = misuse.message.trim().trim_start_matches("ERROR ");
            if failure.as_ref().is_some_and(|failure| failure.message.contains(message)) {
                continue;
            }
            if ANSWERS.iter().any(|answer| misuse.message.contains(answer)) {
                continue;
            }
            // Whoever deploys it knows that it needs --trust.
            let is_untrusted = misuse.message.contains("cannot access cloud credentials");
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
