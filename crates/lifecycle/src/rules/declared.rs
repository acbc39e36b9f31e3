//! V02: hooks of what the charm has.

use charmproof_charm::spelling::nearest;

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::settings::DeclaredCharm;
use super::view::View;
use crate::vocabulary::{Hook, Name, Scope};

/// V02: a hook of an endpoint, a storage, a container or an action that the charm has not.
#[derive(Debug)]
pub(super) struct OnlyWhatIsDeclared;

/// The endpoint that every charm has without declaring it, and without hooks (R49).
const IMPLICIT_ENDPOINT: &str = "juju-info";

impl Monitor for OnlyWhatIsDeclared {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let (Some(charm), Some(name)) = (&view.settings.charm, &hook.subject) else { return };
        let is_declared = match hook.kind.scope() {
            Scope::Relation => charm.endpoints.contains_key(name),
            Scope::Storage => charm.storages.contains_key(name),
            Scope::Container => charm.containers.contains(name),
            Scope::Action => charm.actions.contains(name),
            Scope::Unit | Scope::Secret => true,
        };
        if is_declared {
            return;
        }
        let Some((what, declared)) = declared(charm, hook.kind.scope()) else { return };
        if hook.kind.scope() == Scope::Relation && name == IMPLICIT_ENDPOINT {
            found.add(
                RuleId::R49,
                format!("`{hook}` is of an endpoint that the charm has without declaring it, and such have no hooks"),
            );
            return;
        }
        let mut reason = format!("`{hook}` is of the {what} `{name}`, which the charm has not");
        if let Some(nearest) = nearest(name, declared.iter().map(|known| known.as_str())) {
            reason += &format!("; `{nearest}` is near");
        } else if declared.is_empty() {
            reason += "; it has none";
        } else {
            let names: Vec<String> = declared.iter().map(|name| format!("`{name}`")).collect();
            reason += &format!("; it has {}", names.join(", "));
        }
        if charm.may_be_other_revision {
            found.warn(RuleId::V02, reason);
        } else {
            found.add(RuleId::V02, reason);
        }
    }
}

/// Returns what a charm has of a kind, and how that is called.
fn declared(charm: &DeclaredCharm, scope: Scope) -> Option<(&'static str, Vec<&Name>)> {
    match scope {
        Scope::Relation => Some(("endpoint", charm.endpoints.keys().collect())),
        Scope::Storage => Some(("storage", charm.storages.keys().collect())),
        Scope::Container => Some(("container", charm.containers.iter().collect())),
        Scope::Action => Some(("action", charm.actions.iter().collect())),
        Scope::Unit | Scope::Secret => None,
    }
}
