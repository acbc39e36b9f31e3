//! Failed hooks: R02 and R90.

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::view::View;
use crate::vocabulary::{Hook, HookKind, Platform};

/// R02: a failed `install` runs again.
#[derive(Debug)]
pub(super) struct FailedInstallIsRetried;

impl Monitor for FailedInstallIsRetried {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if view.has_failed(HookKind::Install) && view.gives_up_failed(hook) {
            found.add(
                RuleId::R02,
                format!(
                    "`install` failed and has to run again before `{hook}`, unless somebody ran `juju resolved --no-retry`"
                ),
            );
        }
    }
}

/// R90: a failed hook is the next hook, until it is done.
#[derive(Debug)]
pub(super) struct FailedIsRetried;

impl Monitor for FailedIsRetried {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let Some(failed) = view.failed.as_ref().filter(|_| view.gives_up_failed(hook)) else { return };
        // R02 and R53 have something more exact to say.
        if failed.kind == HookKind::Install || hook.kind == HookKind::UpgradeCharm {
            return;
        }
        // R57: what only the leader does is dropped where leadership was lost meanwhile.
        if is_dropped_without_leadership(failed.kind) {
            return;
        }
        // R66: on Kubernetes an agent that is told to go runs `stop` even so.
        if hook.kind == HookKind::Stop && view.may_be_on(Platform::Kubernetes) {
            return;
        }
        found.add(
            RuleId::R90,
            format!(
                "`{failed}` failed and has to run again before `{hook}`, unless somebody ran `juju resolved --no-retry`"
            ),
        );
    }
}

/// Whether a failed hook of the kind may be dropped because the unit no longer leads. Who
/// owns a secret is not known here.
pub(super) fn is_dropped_without_leadership(kind: HookKind) -> bool {
    matches!(
        kind,
        HookKind::LeaderElected | HookKind::SecretRotate | HookKind::SecretExpired | HookKind::SecretRemove
    )
}
