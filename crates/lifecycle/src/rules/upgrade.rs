//! Refreshes, the timer, and upgrades of the series: R51, R53, R58 and R95.

use std::collections::BTreeMap;

use super::RuleId;
use super::errors::{is_dropped_without_leadership, unless_resolved};
use super::finding::Found;
use super::monitor::Monitor;
use super::view::{Known, View};
use crate::vocabulary::{Hook, HookKind, Name, Platform, Scope};

/// R51: `upgrade-charm` queues `config-changed`.
#[derive(Debug, Default)]
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
            found
                .add(
                    RuleId::R51,
                    format!(
                        "`config-changed` comes immediately after `upgrade-charm`, and here `{hook}` does"
                    ),
                )
                .since(view.places.upgraded);
        }
    }
}

/// R53: a refresh waits while a hook is in error, or swaps the code without a hook.
#[derive(Debug, Default)]
pub(super) struct NoUpgradeInError;

impl Monitor for NoUpgradeInError {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let Some(failed) = view.failed.as_ref().filter(|_| view.gives_up_failed(hook)) else { return };
        // R57: what only the leader does is dropped where leadership was lost meanwhile.
        let may_be_dropped = failed.kind == HookKind::Install || is_dropped_without_leadership(failed.kind);
        if hook.kind == HookKind::UpgradeCharm && !may_be_dropped {
            let reason = format!("`upgrade-charm` waits until `{failed}`, which failed, is done");
            unless_resolved(view, RuleId::R53, reason, found);
        }
    }
}

/// R58: `update-status` runs when there is nothing else to do.
#[derive(Debug, Default)]
pub(super) struct UpdateStatusWhenIdle {
    /// Where units joined that wait for their `changed`, by endpoint and relation.
    pending: BTreeMap<(Name, Option<u32>), usize>,
}

impl Monitor for UpdateStatusWhenIdle {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind != HookKind::UpdateStatus {
            return;
        }
        if view.stopped {
            found
                .add(RuleId::R58, "`update-status` does not run between `stop` and the next `start`")
                .since(view.places.stopped);
        } else if let Some(((endpoint, _), place)) = self.pending.first_key_value() {
            found
                .add(
                    RuleId::R58,
                    format!(
                        "`update-status` runs when nothing else is to be done, and `{endpoint}-relation-changed` has to follow the unit that joined"
                    ),
                )
                .since(Some(*place));
            self.pending.clear();
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        let can_matter = hook.kind == HookKind::RelationJoined || !self.pending.is_empty();
        if !can_matter || hook.kind.scope() != Scope::Relation {
            return;
        }
        let key = (hook.subject.clone().unwrap_or_default(), hook.relation_id);
        if hook.kind == HookKind::RelationJoined {
            self.pending.insert(key, view.place);
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
    /// The place of `pre-series-upgrade`.
    paused: Option<usize>,
}

impl Monitor for SeriesUpgradePauses {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let may_run = matches!(hook.kind.scope(), Scope::Action) || hook.kind == HookKind::PostSeriesUpgrade;
        if self.paused.is_some() && !may_run && !view.may_be_rerun(hook) {
            found
                .add(
                    RuleId::R95,
                    format!("no hook runs between `pre-series-upgrade` and `post-series-upgrade`, and here `{hook}` does"),
                )
                .since(self.paused);
            self.paused = None;
        }
        // An agent that was away may have missed the first of the two.
        let must_be_paused = view.sees_all() && view.tells_all() && !view.has_restarted;
        let is_alone = self.paused.is_none() && view.failed.is_none() && !view.may_be_rerun(hook);
        if hook.kind == HookKind::PostSeriesUpgrade && must_be_paused && is_alone {
            found.add(RuleId::R95, "`post-series-upgrade` ran without a `pre-series-upgrade` before it");
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind == HookKind::PreSeriesUpgrade {
            self.paused = Some(view.place);
        } else if hook.kind == HookKind::PostSeriesUpgrade {
            self.paused = None;
        }
    }
}
