//! Refreshes, the timer, and upgrades of the series: R51, R53, R58 and R95.

use std::collections::BTreeMap;

use super::RuleId;
use super::errors::is_dropped_without_leadership;
use super::finding::Found;
use super::monitor::Monitor;
use super::view::{Known, View};
use crate::vocabulary::{Hook, HookKind, Name, Platform, Scope};

/// R51: `upgrade-charm` queues `config-changed`.
#[derive(Debug)]
pub(super) struct ConfigChangedFollowsUpgrade;

impl Monitor for ConfigChangedFollowsUpgrade {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if !view.upgrade_pending || view.may_be_rerun(hook) {
            return;
        }
        // A pod that goes at this moment stops, and the next one upgrades again (R66).
        let is_new_pod = matches!(hook.kind, HookKind::Stop | HookKind::UpgradeCharm)
            && view.may_be_on(Platform::Kubernetes);
        let is_action_in_error = hook.kind == HookKind::Action && view.failed.is_some();
        // Storage is looked at before the queue, once the unit has started.
        let is_storage = hook.kind.scope() == Scope::Storage && view.started != Known::No;
        if hook.kind != HookKind::ConfigChanged && !is_new_pod && !is_action_in_error && !is_storage {
            found.add(
                RuleId::R51,
                format!("`config-changed` comes immediately after `upgrade-charm`, and here `{hook}` does"),
            );
        }
    }
}

/// R53: a refresh waits while a hook is in error, or swaps the code without a hook.
#[derive(Debug)]
pub(super) struct NoUpgradeInError;

impl Monitor for NoUpgradeInError {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let Some(failed) = view.failed.as_ref().filter(|_| view.gives_up_failed(hook)) else { return };
        // R57: what only the leader does is dropped where leadership was lost meanwhile.
        let may_be_dropped = failed.kind == HookKind::Install || is_dropped_without_leadership(failed.kind);
        if hook.kind == HookKind::UpgradeCharm && !may_be_dropped {
            found.add(
                RuleId::R53,
                format!("`upgrade-charm` waits until `{failed}`, which failed, is done or resolved"),
            );
        }
    }
}

/// R58: `update-status` runs when there is nothing else to do.
#[derive(Debug, Default)]
pub(super) struct UpdateStatusWhenIdle {
    /// Units that joined and wait for their `changed`, by endpoint and relation.
    pending: BTreeMap<(Name, Option<u32>), u32>,
}

impl Monitor for UpdateStatusWhenIdle {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind != HookKind::UpdateStatus {
            return;
        }
        if view.stopped {
            found.add(RuleId::R58, "`update-status` does not run between `stop` and the next `start`");
        } else if let Some(((endpoint, _), _)) = self.pending.first_key_value() {
            found.add(
                RuleId::R58,
                format!(
                    "`update-status` runs when nothing else is to be done, and `{endpoint}-relation-changed` has to follow the unit that joined"
                ),
            );
            self.pending.clear();
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        let key = (hook.subject.clone().unwrap_or_default(), hook.relation_id);
        if hook.kind == HookKind::RelationJoined {
            *self.pending.entry(key).or_default() += 1;
        } else if hook.kind == HookKind::RelationChanged && hook.relation_id.is_some() {
            self.pending.remove(&key);
            // One that joined without a number may have been of this relation.
            self.pending.remove(&(key.0, None));
        } else if matches!(hook.kind, HookKind::RelationChanged | HookKind::RelationBroken) {
            self.pending.retain(|(endpoint, _), _| *endpoint != key.0);
        }
    }
}

/// R95: between the two hooks of a series upgrade a unit is paused.
#[derive(Debug, Default)]
pub(super) struct SeriesUpgradePauses {
    is_paused: bool,
}

impl Monitor for SeriesUpgradePauses {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let may_run = matches!(hook.kind.scope(), Scope::Action) || hook.kind == HookKind::PostSeriesUpgrade;
        if self.is_paused && !may_run && !view.may_be_rerun(hook) {
            found.add(
                RuleId::R95,
                format!("no hook runs between `pre-series-upgrade` and `post-series-upgrade`, and here `{hook}` does"),
            );
            self.is_paused = false;
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        if hook.kind == HookKind::PreSeriesUpgrade {
            self.is_paused = true;
        } else if hook.kind == HookKind::PostSeriesUpgrade {
            self.is_paused = false;
        }
    }
}
