//! Failed hooks: R02, R74, R90 and R91.

use super::finding::Found;
use super::monitor::Monitor;
use super::view::View;
use super::{Finding, RuleId};
use crate::vocabulary::{Hook, HookKind, Marker, Platform, Remote};

/// Adds a finding about a failed hook that something else came after. Who runs
/// `juju resolved --no-retry` makes that possible, so it accuses only where the source
/// would tell of it.
pub(super) fn unless_resolved<'found>(
    view: &View,
    rule: RuleId,
    reason: String,
    found: &'found mut Found,
) -> &'found mut Finding {
    let finding = if view.tells_all() {
        found.add(rule, reason)
    } else {
        found.warn(rule, reason + ", unless somebody ran `juju resolved --no-retry`")
    };
    finding.since(view.places.failed)
}

/// R02: a failed `install` runs again.
#[derive(Debug, Default)]
pub(super) struct FailedInstallIsRetried;

impl Monitor for FailedInstallIsRetried {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if view.has_failed(HookKind::Install) && view.gives_up_failed(hook) {
            let reason = format!("`install` failed and has to run again before `{hook}`");
            unless_resolved(view, RuleId::R02, reason, found);
        }
    }
}

/// R74: a unit that goes while a hook is in error waits for its resolution.
#[derive(Debug, Default)]
pub(super) struct DyingWaitsInError;

impl Monitor for DyingWaitsInError {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if !ends_unit(view, hook.kind) || !view.gives_up_failed(hook) {
            return;
        }
        let Some(failed) = view.failed.as_ref().filter(|failed| is_run_again(failed.kind)) else { return };
        let reason = format!(
            "`{failed}` failed, and a unit that is being removed waits with `{hook}` until that is done"
        );
        unless_resolved(view, RuleId::R74, reason, found);
    }
}

/// Whether a hook of the kind shows that the unit is being removed. R66: on Kubernetes an
/// agent that is told to go runs `stop`, too, and does not wait for failed hooks.
fn ends_unit(view: &View, kind: HookKind) -> bool {
    kind == HookKind::Remove || (kind == HookKind::Stop && !view.may_be_on(Platform::Kubernetes))
}

/// R90: a failed hook is the next hook, until it is done.
#[derive(Debug, Default)]
pub(super) struct FailedIsRetried;

impl Monitor for FailedIsRetried {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let Some(failed) = view.failed.as_ref().filter(|_| view.gives_up_failed(hook)) else { return };
        // R02, R53 and R74 have something more exact to say; the `stop` of a pod is R66's.
        let is_told_elsewhere =
            matches!(hook.kind, HookKind::UpgradeCharm | HookKind::Remove | HookKind::Stop);
        if is_told_elsewhere || !is_run_again(failed.kind) {
            return;
        }
        let reason = format!("`{failed}` failed and has to run again before `{hook}`");
        unless_resolved(view, RuleId::R90, reason, found);
    }
}

/// Whether a failed hook of the kind is always run again. R02 is about `install`.
fn is_run_again(kind: HookKind) -> bool {
    kind != HookKind::Install && !is_dropped_without_leadership(kind)
}

/// R57: whether a failed hook of the kind may be dropped because the unit no longer leads.
/// Who owns a secret is not known here.
pub(super) fn is_dropped_without_leadership(kind: HookKind) -> bool {
    matches!(
        kind,
        HookKind::LeaderElected | HookKind::SecretRotate | HookKind::SecretExpired | HookKind::SecretRemove
    )
}

/// R91: a hook that was resolved without a retry counts as done.
///
/// What has to follow it is judged by the other rules, which hear of a commit. This one is
/// about the hook itself: what happens once does not come again.
#[derive(Debug, Default)]
pub(super) struct ResolvedIsDone {
    resolved: Option<(Hook, usize)>,
}

impl Monitor for ResolvedIsDone {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::Action {
            return;
        }
        let Some((resolved, place)) = self.resolved.take() else { return };
        let is_restart = hook.kind == HookKind::Start && (view.agent_is_new || view.rebooted);
        if resolved == *hook && comes_once(hook) && !is_restart {
            found
                .add(
                    RuleId::R91,
                    format!(
                        "`{hook}` was resolved without a retry, so it counts as done and does not run again"
                    ),
                )
                .since(Some(place));
        }
    }

    fn is_told(&mut self, view: &View, marker: Marker) {
        if marker == Marker::ResolvedWithoutRetry {
            self.resolved = view.failed.clone().map(|failed| (failed, view.place));
        }
    }
}

/// Whether Juju runs the hook once, as long as nothing else runs between. Of some it can
/// only be told with the number or id of what they are about.
fn comes_once(hook: &Hook) -> bool {
    match hook.kind {
        HookKind::Install
        | HookKind::Start
        | HookKind::Stop
        | HookKind::Remove
        | HookKind::PreSeriesUpgrade
        | HookKind::PostSeriesUpgrade => true,
        HookKind::RelationCreated | HookKind::RelationBroken => hook.relation_id.is_some(),
        HookKind::RelationJoined | HookKind::RelationDeparted => {
            hook.relation_id.is_some() && matches!(hook.remote, Remote::Unit(_))
        }
        HookKind::StorageAttached | HookKind::StorageDetaching => hook.storage_id.is_some(),
        HookKind::SecretRemove => hook.secret_id.is_some() && hook.secret_revision.is_some(),
        HookKind::ConfigChanged
        | HookKind::UpgradeCharm
        | HookKind::UpdateStatus
        | HookKind::LeaderElected
        | HookKind::LeaderSettingsChanged
        | HookKind::LeaderDeposed
        | HookKind::RelationChanged
        | HookKind::PebbleReady
        | HookKind::PebbleCustomNotice
        | HookKind::PebbleCheckFailed
        | HookKind::PebbleCheckRecovered
        | HookKind::SecretChanged
        | HookKind::SecretRotate
        | HookKind::SecretExpired
        | HookKind::Action
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged => false,
    }
}
