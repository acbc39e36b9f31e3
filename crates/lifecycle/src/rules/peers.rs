//! Peer relations: R45 and R46.

use super::finding::Found;
use super::monitor::Monitor;
use super::view::{Known, View};
use super::{KnownBug, RuleId};
use crate::vocabulary::{Hook, HookKind, Remote};

/// R45: a unit does not join itself.
#[derive(Debug, Default)]
pub(super) struct JoinedNeverNamesThisUnit;

impl Monitor for JoinedNeverNamesThisUnit {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if let (HookKind::RelationJoined, Remote::Unit(remote), Some(unit)) =
            (hook.kind, &hook.remote, &view.settings.unit)
            && remote == unit
        {
            found.add(RuleId::R45, format!("`{hook}` names the unit that runs it"));
        }
    }
}

/// R45: peer relations are there from the deployment, or from a refresh that adds them.
#[derive(Debug, Default)]
pub(super) struct PeersAreCreatedInSetup {
    was_upgraded: bool,
}

impl Monitor for PeersAreCreatedInSetup {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        // A forced refresh of a unit in error runs no hook (R53).
        self.was_upgraded |= hook.kind == HookKind::UpgradeCharm || view.failed.is_some();
        if hook.kind == HookKind::RelationCreated
            && view.sees_all()
            && view.started == Known::Yes
            && !self.was_upgraded
            && view.is_peer(hook) == Some(true)
        {
            found
                .add(RuleId::R45, format!("`{hook}` is of a peer relation, and comes before `start`"))
                .since(view.places.configured);
        }
    }
}

/// R46: peer relations are not broken, except by a bug of Juju.
#[derive(Debug, Default)]
pub(super) struct PeersAreNotBroken;

impl Monitor for PeersAreNotBroken {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::RelationBroken && view.is_peer(hook) == Some(true) {
            found
                .add(
                    RuleId::R46,
                    format!("`{hook}` is of a peer relation, which happens when a unit goes after its agent restarted"),
                )
                .bug(KnownBug::PeersBroken);
        }
    }
}
