//! Makes hooks with all that Juju tells about them.

use crate::vocabulary::{Hook, HookKind, Name, Remote};
use crate::world::{Relation, WorkloadEvent};

pub(super) fn of_relation(kind: HookKind, id: u32, relation: &Relation, remote: Remote) -> Hook {
    Hook {
        subject: Some(relation.endpoint.clone()),
        relation_id: Some(id),
        remote_app: Some(relation.remote_app.clone()),
        remote,
        ..Hook::of_kind(kind)
    }
}

pub(super) fn of_storage(kind: HookKind, storage_id: &Name) -> Hook {
    let name = storage_id.split('/').next().unwrap_or_default();
    Hook { subject: Some(name.into()), storage_id: Some(storage_id.clone()), ..Hook::of_kind(kind) }
}

pub(super) fn pebble_ready(container: &Name) -> Hook {
    Hook { subject: Some(container.clone()), ..Hook::of_kind(HookKind::PebbleReady) }
}

pub(super) fn of_workload_event(container: &Name, event: &WorkloadEvent) -> Hook {
    let subject = Some(container.clone());
    match event {
        WorkloadEvent::CustomNotice(key) => {
            let notice = Some(key.clone());
            Hook { subject, notice, ..Hook::of_kind(HookKind::PebbleCustomNotice) }
        }
        WorkloadEvent::CheckFailed(check) => {
            let check = Some(check.clone());
            Hook { subject, check, ..Hook::of_kind(HookKind::PebbleCheckFailed) }
        }
        WorkloadEvent::CheckRecovered(check) => {
            let check = Some(check.clone());
            Hook { subject, check, ..Hook::of_kind(HookKind::PebbleCheckRecovered) }
        }
    }
}

/// Makes a hook of a secret. The revision is told for `secret-remove` and `secret-expired`.
pub(super) fn of_secret(kind: HookKind, secret_id: &Name, secret_revision: Option<u32>) -> Hook {
    Hook { secret_id: Some(secret_id.clone()), secret_revision, ..Hook::of_kind(kind) }
}

pub(super) fn of_action(action: &Name) -> Hook {
    Hook { subject: Some(action.clone()), ..Hook::of_kind(HookKind::Action) }
}
