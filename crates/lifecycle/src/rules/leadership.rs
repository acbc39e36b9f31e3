//! Leadership: R54 and R56.

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::view::View;
use crate::vocabulary::{Hook, HookKind, JujuVersion, Marker};

/// R54: a leader is not elected again before it lost leadership.
///
/// Losing it runs no hook. Up to 3.6 the unit then runs `leader-settings-changed`, so two
/// elections without it, and without a new agent, show the breach. 4.x shows nothing.
#[derive(Debug, Default)]
pub(super) struct ElectedOnce {
    is_leader: bool,
}

impl Monitor for ElectedOnce {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let loss_is_seen = view.settings.version.is_some_and(|version| version < JujuVersion::V4_0);
        if hook.kind == HookKind::LeaderElected && self.is_leader && loss_is_seen && !view.may_be_rerun(hook)
        {
            found.add(RuleId::R54, "this unit is the leader already, and has not lost leadership since");
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        if hook.kind == HookKind::LeaderElected {
            self.is_leader = true;
        } else if matches!(hook.kind, HookKind::LeaderSettingsChanged | HookKind::Start | HookKind::Stop) {
            self.is_leader = false;
        }
    }

    fn is_told(&mut self, _view: &View, marker: Marker) {
        if matches!(marker, Marker::LeaderDeposed | Marker::AgentStarted | Marker::RebootDetected) {
            self.is_leader = false;
        }
    }
}

/// R56: a unit that goes has no part in leadership any more.
#[derive(Debug)]
pub(super) struct NoLeadershipWhenDying;

impl Monitor for NoLeadershipWhenDying {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if !view.is_stopped_for_good() {
            return;
        }
        if hook.kind == HookKind::LeaderElected {
            found.add(RuleId::R56, "a unit that is being removed is not elected");
        } else if hook.kind == HookKind::LeaderSettingsChanged {
            // Fixed within 2.9, about 2.9.29: the line has releases of both kinds.
            if view.settings.version.is_none_or(|version| version == JujuVersion::V2_9) {
                found.warn(
                    RuleId::R56,
                    "a unit that is being removed heard of leadership: a bug of Juju before 2.9.29",
                );
            } else {
                found.add(RuleId::R56, "a unit that is being removed hears nothing of leadership");
            }
        }
    }
}
