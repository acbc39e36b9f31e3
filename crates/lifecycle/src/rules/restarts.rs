//! Reboots, restarts of the agent and new pods: R60, R61, R63 to R67, and R69.

use super::RuleId;
use super::errors::is_dropped_without_leadership;
use super::finding::Found;
use super::monitor::Monitor;
use super::teardown::shows_new_pod;
use super::view::{Known, View};
use crate::vocabulary::{Hook, HookKind, Marker, Platform};

/// A new agent that owes a `start`.
///
/// A hook that was interrupted runs first (R65). Logs that are written when a hook ends do
/// not show the interrupted attempt, so it can be any one hook.
#[derive(Debug, Default)]
struct OwedStart {
    is_owed: bool,
    first: Option<Hook>,
    /// A `start` was done, and nothing has happened since that leads to another one.
    is_done: bool,
}

impl OwedStart {
    fn is_told(&mut self, view: &View) {
        self.is_owed = view.started == Known::Yes && !view.stopped && !view.upgrade_pending;
        self.first = None;
        self.is_done = false;
    }

    /// Whether `hook` is a `start` that nothing led to. Only a source that tells of every
    /// marker shows that.
    fn is_uncalled(&self, view: &View, hook: &Hook) -> bool {
        let is_again = view.has_failed(HookKind::Start) || view.may_be_rerun(hook);
        hook.kind == HookKind::Start && view.tells_all() && self.is_done && !is_again
    }

    fn commits(&mut self, hook: &Hook) {
        self.is_done |= hook.kind == HookKind::Start;
    }

    /// Whether `hook` runs where `start` should.
    fn is_broken_by(&mut self, view: &View, hook: &Hook) -> bool {
        if !self.is_owed {
            return false;
        }
        if matches!(
            hook.kind,
            HookKind::Start
                | HookKind::Stop
                | HookKind::Remove
                | HookKind::PreSeriesUpgrade
                | HookKind::PostSeriesUpgrade
        ) {
            self.is_owed = false;
            return false;
        }
        if hook.kind == HookKind::Action || view.upgrade_pending {
            return false;
        }
        let may_be_retry = view.failed.is_some() || view.may_be_rerun(hook);
        let is_retry = may_be_retry && self.first.as_ref().is_some_and(|first| first.may_be(hook));
        let is_broken = self.first.is_some() && !is_retry;
        if self.first.is_none() {
            self.first = Some(hook.clone());
        }
        self.is_owed = !is_broken;
        is_broken
    }
}

/// R60: a machine that was rebooted runs `start`.
#[derive(Debug, Default)]
pub(super) struct StartAfterReboot {
    start: OwedStart,
    /// The agent that saw the reboot has not said that it began.
    waits_for_agent: bool,
}

impl Monitor for StartAfterReboot {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if self.start.is_broken_by(view, hook) {
            found
                .add(RuleId::R60, format!("after a reboot `start` comes first, and here `{hook}` does"))
                .since(view.places.restarted);
        } else if view.is_on(Platform::Machine) && self.start.is_uncalled(view, hook) {
            found.add(RuleId::R60, "`start` ran again, and the machine was not rebooted");
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        self.start.commits(hook);
    }

    fn is_told(&mut self, view: &View, marker: Marker) {
        if marker == Marker::RebootDetected && view.is_on(Platform::Machine) {
            self.start.is_told(view);
            // Logs have the two in either order.
            self.waits_for_agent = !view.agent_is_new;
        } else if marker == Marker::AgentStarted {
            // An agent only remembers the reboot, so the next one knows of none.
            let is_of_reboot = std::mem::take(&mut self.waits_for_agent) && self.start.first.is_none();
            self.start.is_owed &= is_of_reboot;
        }
    }
}

/// R61: a reboot before the setup is through brings no `start` of its own.
#[derive(Debug, Default)]
pub(super) struct NoStartBeforeSetup {
    was_rebooted_early: bool,
}

impl Monitor for NoStartBeforeSetup {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let is_early = view.configured == Known::No && !view.has_failed(HookKind::ConfigChanged);
        if hook.kind == HookKind::Start && self.was_rebooted_early && is_early {
            found.add(RuleId::R61, "a reboot before the first `config-changed` does not lead to `start`");
        }
    }

    fn is_told(&mut self, view: &View, marker: Marker) {
        if marker == Marker::RebootDetected && view.is_on(Platform::Machine) {
            self.was_rebooted_early |= view.configured == Known::No;
        }
    }
}

/// R63: on Kubernetes every new agent of a unit that had started runs `start` first.
#[derive(Debug, Default)]
pub(super) struct StartAfterRestart {
    start: OwedStart,
}

impl Monitor for StartAfterRestart {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if self.start.is_broken_by(view, hook) {
            found
                .add(
                    RuleId::R63,
                    format!(
                        "on Kubernetes `start` comes first when the agent restarts, and here `{hook}` does"
                    ),
                )
                .since(view.places.restarted);
        } else if view.is_on(Platform::Kubernetes) && self.start.is_uncalled(view, hook) {
            found.add(RuleId::R63, "`start` ran again, and the agent did not restart");
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        self.start.commits(hook);
    }

    fn is_told(&mut self, view: &View, marker: Marker) {
        if marker == Marker::AgentStarted && view.is_on(Platform::Kubernetes) {
            self.start.is_told(view);
        }
    }
}

/// R64: a new pod runs `upgrade-charm`, `config-changed` and `start`, with nothing between.
#[derive(Debug, Default)]
pub(super) struct NewPodUpgrades {
    state: NewPod,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum NewPod {
    #[default]
    No,
    Upgraded,
    Configured,
}

impl Monitor for NewPodUpgrades {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::UpgradeCharm {
            let follows_stop = view.last.as_ref().is_some_and(|last| last.kind == HookKind::Stop);
            let is_new_pod = view.agent_is_new || (follows_stop && view.stopped);
            let is_judged = view.is_on(Platform::Kubernetes) && view.started == Known::Yes;
            self.state = if is_new_pod && is_judged { NewPod::Upgraded } else { NewPod::No };
        } else if matches!(hook.kind, HookKind::Start | HookKind::Stop) {
            self.state = NewPod::No;
        } else if self.state == NewPod::Configured && !view.may_be_rerun(hook) {
            found
                .add(
                    RuleId::R64,
                    format!("a new pod runs `upgrade-charm`, `config-changed` and then `start`, and here `{hook}` runs"),
                )
                .since(view.places.upgraded);
            self.state = NewPod::No;
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        if self.state == NewPod::Upgraded && hook.kind == HookKind::ConfigChanged {
            self.state = NewPod::Configured;
        }
    }
}

/// R67: on Kubernetes, what follows the `stop` of a pod belongs to the next agent.
///
/// Only `joined` is judged: hooks of what was already going on may still slip in or be run
/// again, and `update-status` is R58's.
#[derive(Debug, Default)]
pub(super) struct NothingBetweenStopAndRestart;

impl Monitor for NothingBetweenStopAndRestart {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if view.stopped && view.is_on(Platform::Kubernetes) && hook.kind == HookKind::RelationJoined {
            found
                .add(RuleId::R67, format!("`{hook}` ran between `stop` and the `start` of the next pod"))
                .since(view.places.stopped);
        }
    }
}

/// R65: a hook that was killed with its agent runs again before anything else.
///
/// Only a source that tells of every marker shows that the agent was killed, and not told
/// to go (R66).
#[derive(Debug, Default)]
pub(super) struct InterruptedRunsFirst;

impl Monitor for InterruptedRunsFirst {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let Some(interrupted) = &view.interrupted else { return };
        // R57: what only the leader does is dropped where leadership was lost meanwhile.
        let may_be_dropped = is_dropped_without_leadership(interrupted.kind);
        if hook.kind != HookKind::Action && interrupted != hook && !may_be_dropped {
            found
                .add(
                    RuleId::R65,
                    format!(
                        "`{interrupted}` was cut off when the agent died, and runs again before `{hook}`"
                    ),
                )
                .since(view.places.failed);
        }
    }
}

/// R66: an agent that was told to go begins nothing but `stop` and what precedes it.
///
/// What runs at that moment still ends. A unit that is being removed goes on with that.
#[derive(Debug, Default)]
pub(super) struct NothingNewWhenToldToGo {
    /// The place where the agent was told.
    told: Option<usize>,
    /// A hook ended since.
    has_ended_one: bool,
}

impl Monitor for NothingNewWhenToldToGo {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if self.told.is_none() || !view.is_on(Platform::Kubernetes) {
            return;
        }
        let is_new = matches!(
            hook.kind,
            HookKind::Install
                | HookKind::UpgradeCharm
                | HookKind::ConfigChanged
                | HookKind::RelationJoined
                | HookKind::UpdateStatus
        );
        if is_new && self.has_ended_one {
            found
                .add(
                    RuleId::R66,
                    format!("`{hook}` ran when the agent had been told to go: it runs `stop` and ends"),
                )
                .since(self.told);
            self.told = None;
        }
        self.has_ended_one = true;
    }

    fn is_told(&mut self, view: &View, marker: Marker) {
        match marker {
            Marker::AgentStopping => {
                self.told = Some(view.place);
                self.has_ended_one = false;
            }
            Marker::AgentStarted | Marker::RebootDetected | Marker::NewPod | Marker::UnitRemoved => {
                self.told = None;
            }
            Marker::LeaderDeposed
            | Marker::AwaitingResolution
            | Marker::ResolvedWithoutRetry
            | Marker::AgentExited => {}
        }
    }
}

/// R69: a pod that is replaced does not run `remove`.
///
/// What follows shows that it was replaced: the next pod runs on with the unit.
#[derive(Debug, Default)]
pub(super) struct NoRemoveForPods;

impl Monitor for NoRemoveForPods {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if view.removed && !view.gone && !view.may_be_rerun(hook) && shows_new_pod(view, hook) {
            found
                .add(
                    RuleId::R69,
                    format!("`{hook}` after `remove`: a pod that is replaced runs `stop` and no `remove`"),
                )
                .since(view.places.removed);
        }
    }
}
