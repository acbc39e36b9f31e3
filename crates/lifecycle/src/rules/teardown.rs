//! The end of a unit: R70 to R73 and R76.
//!
//! On machines `stop` says that the unit is being removed. On Kubernetes a pod that goes
//! runs it too, and only a source that tells of every marker tells the two apart.

use std::collections::BTreeMap;

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::settings::Start;
use super::view::{Known, View};
use crate::vocabulary::{Hook, HookKind, Name, Platform, Scope};

/// R70: a unit that goes runs `stop`, then `remove`.
#[derive(Debug, Default)]
pub(super) struct StopThenRemove {
    /// The machine was rebooted, or the agent began, just before the last `stop`.
    stop_is_rerun: bool,
}

impl Monitor for StopThenRemove {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let is_stopped = view.stopped || view.has_failed(HookKind::Stop);
        if hook.kind == HookKind::Remove && view.started == Known::Yes && !is_stopped {
            found.add(RuleId::R70, "`remove` ran without a `stop` before it");
        }
        // A reboot between the two brings a `start`, and so does one in the middle of `stop`:
        // that is done first (R65), and then the `start` that is owed (R60).
        // Before the first line there may have been one, too.
        let is_first = view.last.is_none() && view.settings.start == Start::Unknown;
        let is_after_reboot = view.rebooted || view.agent_is_new || is_first;
        let may_be_reboot = is_after_reboot || self.stop_is_rerun || view.has_failed(HookKind::Start);
        if hook.kind == HookKind::Stop {
            let is_retry = view.has_failed(HookKind::Stop);
            self.stop_is_rerun = is_after_reboot || (is_retry && self.stop_is_rerun);
        }
        if hook.kind == HookKind::Start && view.is_stopped_for_good() && !may_be_reboot {
            found
                .add(RuleId::R70, "the `stop` of a unit that goes is followed by `remove`, not by `start`")
                .since(view.places.stopped);
        }
    }
}

/// R71: a unit stops when its relations are gone.
#[derive(Debug, Default)]
pub(super) struct RelationsBeforeStop {
    /// How many relations each endpoint has that is known to be no peer, and where the
    /// last of them was created.
    live: BTreeMap<Name, (u32, usize)>,
}

impl Monitor for RelationsBeforeStop {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if matches!(hook.kind, HookKind::RelationDeparted | HookKind::RelationBroken)
            && view.is_stopped_for_good()
        {
            found
                .add(RuleId::R71, format!("`{hook}` comes before `stop` when a unit is removed"))
                .since(view.places.stopped);
        }
        if hook.kind == HookKind::Stop && view.stop_is_for_good() {
            for (endpoint, (_, place)) in self.live.iter().filter(|(_, (count, _))| *count > 0) {
                found
                    .add(RuleId::R71, format!("`stop` ran before `{endpoint}-relation-broken`"))
                    .since(Some(*place));
            }
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind.scope() != Scope::Relation || view.is_peer(hook) != Some(false) {
            return;
        }
        let (count, place) = self.live.entry(hook.subject.clone().unwrap_or_default()).or_default();
        if hook.kind == HookKind::RelationCreated {
            *count += 1;
            *place = view.place;
        } else if hook.kind == HookKind::RelationBroken {
            *count = count.saturating_sub(1);
        }
    }
}

/// Whether the hook is one that the next pod of a unit runs, so that it was the pod and not
/// the unit that went.
pub(super) fn shows_new_pod(view: &View, hook: &Hook) -> bool {
    let is_of_pod = matches!(hook.kind, HookKind::UpgradeCharm | HookKind::Start);
    is_of_pod && view.is_on(Platform::Kubernetes)
}

/// R72: `remove` is the last hook.
#[derive(Debug, Default)]
pub(super) struct RemoveIsLast;

impl Monitor for RemoveIsLast {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if view.gone {
            found.add(RuleId::R72, format!("`{hook}` ran when the unit was gone")).since(view.places.removed);
        } else if view.removed && !view.may_be_rerun(hook) && !shows_new_pod(view, hook) {
            found
                .add(RuleId::R72, format!("`{hook}` ran after `remove`, which is a unit's last hook"))
                .since(view.places.removed);
        }
    }
}

/// R73: a unit that did not start does not stop, nor does one that has stopped.
#[derive(Debug, Default)]
pub(super) struct StopOnce;

impl Monitor for StopOnce {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind != HookKind::Stop {
            return;
        }
        if view.installed != Known::No && view.is_not_started() {
            found.add(RuleId::R73, "`stop` ran, and the unit had not started");
        } else if view.stopped && !view.may_be_rerun(hook) {
            found.add(RuleId::R73, "`stop` ran twice without a `start` between").since(view.places.stopped);
        }
    }
}

/// R76: a unit that goes begins nothing.
#[derive(Debug, Default)]
pub(super) struct DyingUnitsOnlyTearDown;

impl Monitor for DyingUnitsOnlyTearDown {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let begins_something = matches!(
            hook.kind,
            HookKind::RelationCreated
                | HookKind::RelationJoined
                | HookKind::RelationChanged
                | HookKind::UpdateStatus
        ) || hook.kind.scope() == Scope::Secret;
        // R74: a pod that is replaced meanwhile upgrades even so.
        let upgrades = matches!(hook.kind, HookKind::ConfigChanged | HookKind::UpgradeCharm)
            && view.is_on(Platform::Machine);
        if (begins_something || upgrades) && view.is_stopped_for_good() && !view.removed {
            found
                .add(RuleId::R76, format!("`{hook}` ran after `stop`, on a unit that is being removed"))
                .since(view.places.stopped);
        }
    }
}
