//! From the deployment to `start`: R01, R03, R10, R12 to R15.

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::view::{Known, View, needs_install};
use crate::vocabulary::{Hook, HookKind, JujuVersion, Platform};

/// R01: `install` is done once, and before all else but storage.
#[derive(Debug, Default)]
pub(super) struct InstallFirst;

impl Monitor for InstallFirst {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        match hook.kind {
            HookKind::Install => {
                if view.installed == Known::Yes && !view.may_be_rerun(hook) {
                    found
                        .add(
                            RuleId::R01,
                            "`install` runs once in the life of a unit, and this one is installed",
                        )
                        .since(view.places.installed);
                }
            }
            // R03 is about these.
            HookKind::Stop | HookKind::Remove => {}
            kind => {
                let is_action_too_early = kind == HookKind::Action && view.failed.is_none();
                if view.is_not_installed() && (needs_install(kind) || is_action_too_early) {
                    found.add(
                        RuleId::R01,
                        format!("`{hook}` ran before `install`; only the storage of a machine charm can come earlier"),
                    );
                }
            }
        }
    }
}

/// R03: a unit that dies before its `install` runs neither `stop` nor `remove`.
#[derive(Debug, Default)]
pub(super) struct NothingWithoutInstall;

impl Monitor for NothingWithoutInstall {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if view.is_not_installed() && matches!(hook.kind, HookKind::Stop | HookKind::Remove) {
            found.add(RuleId::R03, format!("a unit that was never installed goes without `{hook}`"));
        }
    }
}

/// R10: `start` needs a `config-changed` before it.
#[derive(Debug, Default)]
pub(super) struct ConfigChangedBeforeStart;

impl Monitor for ConfigChangedBeforeStart {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let is_set_up = view.configured != Known::No || view.has_failed(HookKind::ConfigChanged);
        if hook.kind == HookKind::Start && view.installed == Known::Yes && !is_set_up {
            found.add(RuleId::R10, "the first `start` comes after the first `config-changed`");
        }
    }
}

/// R10: peer relations are known at the deployment, so they are created before anything
/// that the agent runs besides. What comes after the leadership hook is R12's.
#[derive(Debug, Default)]
pub(super) struct PeersRightAfterInstall {
    /// The first hook that ran where only `created` should.
    other: Option<(Hook, usize)>,
}

impl Monitor for PeersRightAfterInstall {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let in_setup = view.installed == Known::Yes && view.configured == Known::No;
        if !in_setup {
            return;
        }
        match hook.kind {
            HookKind::RelationCreated => {
                if let Some((other, place)) = &self.other
                    && view.is_peer(hook) == Some(true)
                {
                    found
                        .add(
                            RuleId::R10,
                            format!("`{hook}` is of a peer relation, and comes right after `install`, before `{other}`"),
                        )
                        .since(Some(*place));
                }
            }
            // The new charm may have peers that the old one had not.
            HookKind::UpgradeCharm => self.other = None,
            HookKind::PebbleReady
            | HookKind::PebbleCustomNotice
            | HookKind::PebbleCheckFailed
            | HookKind::PebbleCheckRecovered
            | HookKind::SecretChanged
            | HookKind::SecretRotate
            | HookKind::SecretExpired
            | HookKind::SecretRemove
            | HookKind::ConfigChanged => {
                self.other.get_or_insert_with(|| (hook.clone(), view.place));
            }
            HookKind::Install
            | HookKind::Start
            | HookKind::Stop
            | HookKind::Remove
            | HookKind::UpdateStatus
            | HookKind::LeaderElected
            | HookKind::LeaderSettingsChanged
            | HookKind::LeaderDeposed
            | HookKind::RelationJoined
            | HookKind::RelationChanged
            | HookKind::RelationDeparted
            | HookKind::RelationBroken
            | HookKind::StorageAttached
            | HookKind::StorageDetaching
            | HookKind::Action
            | HookKind::CollectMetrics
            | HookKind::MeterStatusChanged
            | HookKind::PreSeriesUpgrade
            | HookKind::PostSeriesUpgrade => {}
        }
    }
}

/// R12: relations that exist at deployment are created before the first leadership hook.
/// Which relations do can be known of peers alone; any other may have been added later.
#[derive(Debug, Default)]
pub(super) struct KnownRelationsBeforeLeadership {
    /// The place of the leadership hook.
    leadership: Option<usize>,
}

impl Monitor for KnownRelationsBeforeLeadership {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let in_setup = view.installed == Known::Yes && view.configured == Known::No;
        if hook.kind == HookKind::RelationCreated
            && in_setup
            && self.leadership.is_some()
            && view.is_peer(hook) == Some(true)
        {
            found
                .add(
                    RuleId::R12,
                    format!("`{hook}` is of a peer relation, and comes before the leadership hook"),
                )
                .since(self.leadership);
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if matches!(hook.kind, HookKind::LeaderElected | HookKind::LeaderSettingsChanged) {
            self.leadership = Some(view.place);
        } else if hook.kind == HookKind::UpgradeCharm {
            // The new charm may have peers that the old one had not.
            self.leadership = None;
        }
    }
}

/// R13: the first `config-changed` queues `start`, so nothing can come between.
#[derive(Debug, Default)]
pub(super) struct StartFollowsConfigChanged;

impl Monitor for StartFollowsConfigChanged {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if !view.start_pending || hook.kind == HookKind::Start || view.may_be_rerun(hook) {
            return;
        }
        // Actions run while `start` is in error; a pod that was replaced begins anew (R64).
        let is_action_in_error = hook.kind == HookKind::Action && view.failed.is_some();
        let may_be_new_pod = hook.kind == HookKind::UpgradeCharm && view.may_be_on(Platform::Kubernetes);
        if !is_action_in_error && !may_be_new_pod {
            found
                .add(
                    RuleId::R13,
                    format!(
                        "`start` comes immediately after the first `config-changed`, and here `{hook}` does"
                    ),
                )
                .since(view.places.configured);
        }
    }
}

/// R14: what a unit does not do before its first `start`. Joined and changed are R35's.
#[derive(Debug, Default)]
pub(super) struct QuietBeforeStart;

impl Monitor for QuietBeforeStart {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let is_second_config =
            hook.kind == HookKind::ConfigChanged && view.start_pending && !view.may_be_rerun(hook);
        let is_too_early =
            matches!(hook.kind, HookKind::UpdateStatus | HookKind::RelationDeparted) || is_second_config;
        if is_too_early && view.is_not_started() {
            found.add(RuleId::R14, format!("`{hook}` ran before the first `start`"));
        }
    }
}

/// R15: setup has one leadership hook. More or fewer are possible, and rare.
#[derive(Debug, Default)]
pub(super) struct OneLeadershipHook {
    saw_install: bool,
    count: usize,
}

impl Monitor for OneLeadershipHook {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind != HookKind::Start || !self.saw_install {
            return;
        }
        self.saw_install = false;
        // From 4.0 on, units that do not lead are not told so.
        let may_be_none = view.settings.version.is_none_or(|version| version >= JujuVersion::V4_0);
        if self.count > 1 {
            found.add(RuleId::R15, format!("setup had {} leadership hooks, where one is usual", self.count));
        } else if self.count == 0 && !may_be_none {
            found.add(RuleId::R15, "setup had no leadership hook, where one is usual");
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        if hook.kind == HookKind::Install {
            self.saw_install = true;
            self.count = 0;
        } else if matches!(hook.kind, HookKind::LeaderElected | HookKind::LeaderSettingsChanged) {
            self.count += 1;
        }
    }
}
