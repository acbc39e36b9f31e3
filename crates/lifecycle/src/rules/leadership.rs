//! Leadership: R54 and R56.

use super::finding::Found;
use super::monitor::Monitor;
use super::view::View;
use super::{KnownBug, RuleId};
use crate::vocabulary::{Hook, HookKind, JujuVersion, Marker};

/// R54: a leader is not elected again before it lost leadership.
///
/// Losing it runs no hook. Up to 3.6 the unit then runs `leader-settings-changed`, so two
/// elections without it, and without a new agent, show the breach. 4.x shows nothing. A
/// source that tells of everything tells of the loss as well.
#[derive(Debug, Default)]
pub(super) struct ElectedOnce {
    /// The place of the election, as far as nothing shows that leadership was lost.
    elected: Option<usize>,
    /// The same, where only the source itself may say that leadership was lost. The agent
    /// accepts leadership before it runs the hook, and keeps it when it restarts.
    accepted: Option<usize>,
}

impl Monitor for ElectedOnce {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let loss_is_seen = view.settings.version.is_some_and(|version| version < JujuVersion::V4_0);
        let elected = self.accepted.or(self.elected.filter(|_| loss_is_seen));
        if hook.kind == HookKind::LeaderElected {
            let is_again = view.may_be_rerun(hook) || view.interrupted.as_ref() == Some(hook);
            if elected.is_some() && !is_again && !view.has_failed(HookKind::LeaderElected) {
                found
                    .add(RuleId::R54, "this unit is the leader already, and has not lost leadership since")
                    .since(elected);
            }
            self.accepted = view.tells_all().then_some(view.place);
        } else if hook.kind == HookKind::LeaderSettingsChanged && self.accepted.is_some() {
            found
                .add(RuleId::R54, "this unit is the leader, and only others hear of the leader's settings")
                .since(self.accepted);
            self.accepted = None;
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind == HookKind::LeaderElected {
            self.elected = Some(view.place);
        } else if matches!(hook.kind, HookKind::LeaderSettingsChanged | HookKind::Start | HookKind::Stop) {
            self.elected = None;
        }
    }

    fn is_told(&mut self, _view: &View, marker: Marker) {
        if matches!(marker, Marker::LeaderDeposed | Marker::AgentStarted | Marker::RebootDetected) {
            self.elected = None;
        }
        if marker == Marker::LeaderDeposed {
            self.accepted = None;
        }
    }
}

/// R56: a unit that goes has no part in leadership any more.
#[derive(Debug, Default)]
pub(super) struct NoLeadershipWhenDying;

impl Monitor for NoLeadershipWhenDying {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if !view.is_stopped_for_good() {
            return;
        }
        if hook.kind == HookKind::LeaderElected {
            found.add(RuleId::R56, "a unit that is being removed is not elected").since(view.places.stopped);
        } else if hook.kind == HookKind::LeaderSettingsChanged {
            // Fixed within 2.9, about 2.9.29: the line has releases of both kinds.
            let finding = if view.settings.version.is_none_or(|version| version == JujuVersion::V2_9) {
                let reason =
                    "a unit that is being removed heard of leadership, as it did before about 2.9.29";
                found.warn(RuleId::R56, reason).bug(KnownBug::SettingsWhenDying)
            } else {
                found.add(RuleId::R56, "a unit that is being removed hears nothing of leadership")
            };
            finding.since(view.places.stopped);
        }
    }
}
