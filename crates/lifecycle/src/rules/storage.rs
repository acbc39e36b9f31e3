//! Storage: R20, R21, R22, R24 and R26. R25 is in the judge, as it is about a name.

use std::collections::{BTreeMap, BTreeSet};

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::settings::Start;
use super::view::{Known, View};
use crate::vocabulary::{Hook, HookKind, Name, Platform, Scope};

/// R20: on a machine `install` waits for the storage of the deployment.
///
/// How much that is, only the charm tells. Who detaches one before its hook ran makes
/// `install` go on without it, so this only warns.
#[derive(Debug, Default)]
pub(super) struct InstallWaitsForStorage {
    attached: BTreeMap<Name, u32>,
}

impl Monitor for InstallWaitsForStorage {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let Some(charm) = &view.settings.charm else { return };
        let is_first = hook.kind == HookKind::Install && view.installed == Known::No && view.failed.is_none();
        if !is_first || view.may_be_rerun(hook) || !view.is_on(Platform::Machine) {
            return;
        }
        for (storage, minimum) in &charm.storages {
            let attached = self.attached.get(storage).copied().unwrap_or(0);
            if attached < *minimum {
                found.warn(
                    RuleId::R20,
                    format!("`install` ran with {attached} of {minimum} of `{storage}`, unless somebody detached it before"),
                );
            }
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        if hook.kind == HookKind::StorageAttached {
            *self.attached.entry(hook.subject.clone().unwrap_or_default()).or_default() += 1;
        }
    }
}

/// R21: on Kubernetes no storage is attached before `install`.
#[derive(Debug, Default)]
pub(super) struct NotBeforeInstallOnKubernetes {
    was_attached: bool,
}

impl Monitor for NotBeforeInstallOnKubernetes {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if !view.is_on(Platform::Kubernetes) {
            return;
        }
        if hook.kind == HookKind::StorageAttached && view.is_not_installed() {
            found.add(RuleId::R21, format!("on Kubernetes `{hook}` comes after `install`"));
        } else if hook.kind == HookKind::Install && view.installed == Known::Unknown && self.was_attached {
            found.add(RuleId::R21, "on Kubernetes no storage is attached before `install`");
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        self.was_attached |= hook.kind == HookKind::StorageAttached;
    }
}

/// R22: on Kubernetes storage is normally there before the first `config-changed`.
#[derive(Debug, Default)]
pub(super) struct AttachedBeforeStart {
    seen: BTreeSet<Name>,
}

impl Monitor for AttachedBeforeStart {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::StorageAttached
            && view.is_on(Platform::Kubernetes)
            && view.settings.start == Start::Deployment
            && view.started == Known::Yes
            && !self.seen.contains(hook.subject())
        {
            found.add(
                RuleId::R22,
                format!(
                    "on Kubernetes `{hook}` is normally run between the leadership hook and `config-changed`"
                ),
            );
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        if hook.kind == HookKind::StorageAttached {
            self.seen.insert(hook.subject.clone().unwrap_or_default());
        }
    }
}

/// R24: each storage is attached, and then may be detached.
///
/// A storage that was detached may be attached again by `juju attach-storage`.
#[derive(Debug, Default)]
pub(super) struct AttachedThenDetaching {
    /// Whether each instance is attached, and since when it is as it is.
    is_attached: BTreeMap<Name, (bool, usize)>,
    attached_by_name: BTreeMap<Name, u32>,
}

impl Monitor for AttachedThenDetaching {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() != Scope::Storage || view.may_be_rerun(hook) {
            return;
        }
        let sees_all = view.sees_all();
        let id = hook.storage_id.as_deref();
        let known = id.and_then(|id| self.is_attached.get(id).copied());
        if let (HookKind::StorageAttached, Some(id), Some((true, place))) = (hook.kind, id, known) {
            found.add(RuleId::R24, format!("storage `{id}` is attached already")).since(Some(place));
        }
        if hook.kind == HookKind::StorageDetaching {
            let by_name = self.attached_by_name.get(hook.subject()).copied().unwrap_or(0);
            let is_detached_by_id = known.is_some_and(|(is_attached, _)| !is_attached)
                || (sees_all && id.is_some() && known.is_none());
            if is_detached_by_id || (sees_all && by_name == 0) {
                let storage = id.unwrap_or(hook.subject());
                found
                    .add(RuleId::R24, format!("storage `{storage}` goes, and is not attached"))
                    .since(known.map(|(_, place)| place));
            }
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind.scope() != Scope::Storage {
            return;
        }
        let is_attached = hook.kind == HookKind::StorageAttached;
        let by_name = self.attached_by_name.entry(hook.subject.clone().unwrap_or_default()).or_default();
        *by_name = if is_attached { *by_name + 1 } else { by_name.saturating_sub(1) };
        if let Some(id) = &hook.storage_id {
            self.is_attached.insert(id.clone(), (is_attached, view.place));
        }
    }
}

/// R26: a unit that goes gives its storage back before it stops.
///
/// On Kubernetes a `stop` may be that of a pod, with the removal of the unit still to
/// come (R73). There it can be judged where the source tells of every marker.
#[derive(Debug, Default)]
pub(super) struct DetachingBeforeStop;

impl Monitor for DetachingBeforeStop {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::StorageDetaching && view.is_stopped_for_good() {
            found
                .add(RuleId::R26, format!("`{hook}` comes before `stop` when a unit is removed"))
                .since(view.places.stopped);
        }
    }
}
