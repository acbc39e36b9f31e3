//! What stays when it should have gone.

use charmproof_lifecycle::vocabulary::HookKind;

use super::{Blame, Oracle, Suspicion, normalised};
use crate::player::Played;

pub(super) fn look(played: &Played, seen: &mut Vec<Suspicion>) {
    for (number, hook) in played.hooks.iter().enumerate() {
        if hook.hook.kind != HookKind::Remove || !hook.exit.is_success() {
            continue;
        }
        for path in &hook.left {
            seen.push(Suspicion {
                oracle: Oracle::LeftBehind,
                blame: Blame::Charm,
                cause: format!("{} after remove", normalised(path)),
                summary: format!("`{path}` is still there after `remove`"),
                details: String::new(),
                hook: Some(number),
            });
        }
    }
    for (secret, relation) in &played.orphans {
        seen.push(Suspicion {
            oracle: Oracle::LeftBehind,
            blame: Blame::Charm,
            cause: format!("a secret of `{relation}` after relation-broken"),
            summary: format!("the secret `{secret}`, made for `{relation}`, outlives the relation"),
            details: String::new(),
            hook: None,
        });
    }
}
