//! Pebble and secrets: R80, R84 and R86.

use std::collections::BTreeMap;

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::view::View;
use crate::vocabulary::{Hook, HookKind, Marker, Name, Scope};

/// R80: Pebble's hooks wait for `install`, and for hooks that are queued.
#[derive(Debug, Default)]
pub(super) struct PebbleWaits;

impl Monitor for PebbleWaits {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() != Scope::Container {
            return;
        }
        if view.is_not_installed() {
            found.add(RuleId::R80, format!("`{hook}` ran before `install`"));
        } else if view.start_pending && !view.has_failed(HookKind::Start) {
            found
                .add(RuleId::R80, format!("`{hook}` ran between the first `config-changed` and its `start`"));
        } else if view.upgrade_pending && !view.has_failed(HookKind::ConfigChanged) {
            found.add(RuleId::R80, format!("`{hook}` ran between `upgrade-charm` and its `config-changed`"));
        }
    }
}

/// R84: a check fails, recovers, and fails again.
///
/// A warning only: logs do not name the check, and a container may have several.
#[derive(Debug, Default)]
pub(super) struct ChecksAlternate {
    /// Whether each check of each container failed last, in this life of the agent.
    is_failing: BTreeMap<(Name, Option<Name>), bool>,
    /// The life of the agent began before our eyes.
    is_whole: bool,
}

impl Monitor for ChecksAlternate {
    fn begins(&mut self, _view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::Start {
            self.is_failing.clear();
            self.is_whole = true;
        }
        let fails = hook.kind == HookKind::PebbleCheckFailed;
        if !fails && hook.kind != HookKind::PebbleCheckRecovered {
            return;
        }
        let before =
            self.is_failing.insert((hook.subject.clone().unwrap_or_default(), hook.check.clone()), fails);
        let was_failing = before.or(self.is_whole.then_some(false));
        if was_failing == Some(fails) {
            let said = if fails { "failed already" } else { "had not failed" };
            found.add(
                RuleId::R84,
                format!("`{hook}`, and the check {said}; it may be another check of the same container"),
            );
        }
    }

    fn is_told(&mut self, _view: &View, marker: Marker) {
        if marker == Marker::AgentStarted {
            self.is_failing.clear();
            self.is_whole = true;
        }
    }
}

/// R86: secrets have hooks from `install` on.
#[derive(Debug, Default)]
pub(super) struct SecretsNeedInstall;

impl Monitor for SecretsNeedInstall {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() == Scope::Secret && view.is_not_installed() {
            found.add(RuleId::R86, format!("`{hook}` ran before `install`"));
        }
    }
}
