//! The variables of a hook's environment that tell what the hook is about.
//!
//! What is the same for every hook of a unit, such as where its model is, and what depends
//! on the machine, such as sockets and paths, is not here: whoever runs a hook adds it.
//! The names and their meaning are those of Juju 3.6 (worker/uniter/runner/context).

use crate::vocabulary::{Hook, HookKind, JujuVersion, Remote, Scope};

/// A variable and its value.
pub type Variable = (&'static str, String);

/// Numbers that Juju counts and that no hook knows by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The number of the action.
    pub action: u32,
    /// The number of the notice of Pebble.
    pub notice: u32,
}

impl Numbers {
    /// Counts a hook that ran.
    pub fn count(&mut self, hook: &Hook) {
        self.action += u32::from(hook.kind == HookKind::Action);
        self.notice += u32::from(hook.notice.is_some());
    }
}

/// Returns a release of a line of Juju, for `JUJU_VERSION`.
pub fn release(version: JujuVersion) -> &'static str {
    match version {
        JujuVersion::V2_9 => "2.9.51",
        JujuVersion::V3_1 => "3.1.10",
        JujuVersion::V3_4 => "3.4.6",
        JujuVersion::V3_6 => "3.6.8",
        JujuVersion::V4_0 => "4.0.0",
    }
}

/// Returns the variables of a hook of a unit.
pub fn variables(version: JujuVersion, unit: &str, hook: &Hook, numbers: Numbers) -> Vec<Variable> {
    let mut all = vec![("JUJU_UNIT_NAME", unit.to_owned()), ("JUJU_VERSION", release(version).to_owned())];
    let name = hook.name();
    if hook.kind == HookKind::Action {
        // An action has no name of a hook: that is how ops tells it from one.
        all.push(("JUJU_HOOK_NAME", String::new()));
        all.push(("JUJU_DISPATCH_PATH", format!("actions/{}", hook.subject())));
    } else {
        all.push(("JUJU_DISPATCH_PATH", format!("hooks/{name}")));
        all.push(("JUJU_HOOK_NAME", name));
    }
    match hook.kind.scope() {
        Scope::Unit => {
            if hook.kind == HookKind::PreSeriesUpgrade {
                all.push(("JUJU_TARGET_BASE", "ubuntu@24.04/stable".to_owned()));
                all.push(("JUJU_TARGET_SERIES", "noble".to_owned()));
            }
        }
        Scope::Relation => of_relation(hook, &mut all),
        Scope::Storage => {
            let storage_id = text(hook.storage_id.as_ref());
            all.push(("JUJU_STORAGE_KIND", "filesystem".to_owned()));
            all.push(("JUJU_STORAGE_LOCATION", format!("/var/lib/juju/storage/{storage_id}")));
            all.push(("JUJU_STORAGE_ID", storage_id));
        }
        Scope::Container => of_container(hook, numbers, &mut all),
        Scope::Secret => {
            all.push(("JUJU_SECRET_ID", text(hook.secret_id.as_ref())));
            all.push(("JUJU_SECRET_LABEL", String::new()));
            if let Some(revision) = hook.secret_revision {
                all.push(("JUJU_SECRET_REVISION", revision.to_string()));
            }
        }
        Scope::Action => {
            all.push(("JUJU_ACTION_NAME", hook.subject().to_owned()));
            all.push(("JUJU_ACTION_UUID", numbers.action.to_string()));
            all.push(("JUJU_ACTION_TAG", format!("action-{}", numbers.action)));
        }
    }
    all
}

fn of_relation(hook: &Hook, all: &mut Vec<Variable>) {
    let endpoint = hook.subject();
    all.push(("JUJU_RELATION", endpoint.to_owned()));
    if let Some(id) = hook.relation_id {
        all.push(("JUJU_RELATION_ID", format!("{endpoint}:{id}")));
    }
    all.push(("JUJU_REMOTE_APP", text(hook.remote_app.as_ref())));
    // Where a hook is about the application, the variable is there and empty.
    let remote_unit = match &hook.remote {
        Remote::Unit(unit) => unit.to_string(),
        Remote::Application | Remote::Unknown => String::new(),
    };
    all.push(("JUJU_REMOTE_UNIT", remote_unit));
    if let Some(departing) = &hook.departing_unit {
        all.push(("JUJU_DEPARTING_UNIT", departing.to_string()));
    }
}

fn of_container(hook: &Hook, numbers: Numbers, all: &mut Vec<Variable>) {
    all.push(("JUJU_WORKLOAD_NAME", hook.subject().to_owned()));
    if let Some(key) = &hook.notice {
        all.push(("JUJU_NOTICE_ID", numbers.notice.to_string()));
        all.push(("JUJU_NOTICE_TYPE", "custom".to_owned()));
        all.push(("JUJU_NOTICE_KEY", key.to_string()));
    }
    if let Some(check) = &hook.check {
        all.push(("JUJU_PEBBLE_CHECK_NAME", check.to_string()));
    }
}

fn text(name: Option<&crate::vocabulary::Name>) -> String {
    name.map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hook: &Hook, expected: &str) {
        let numbers = Numbers { action: 2, notice: 7 };
        let all = variables(JujuVersion::V3_6, "web/0", hook, numbers);
        // The first two are the same for all.
        let shown: Vec<String> = all[2..].iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn a_hook_knows_what_it_is_about() {
        check(&Hook::of_kind(HookKind::Start), "JUJU_DISPATCH_PATH=hooks/start JUJU_HOOK_NAME=start");
        check(
            &Hook { subject: Some("backup".into()), ..Hook::of_kind(HookKind::Action) },
            "JUJU_HOOK_NAME= JUJU_DISPATCH_PATH=actions/backup JUJU_ACTION_NAME=backup \
             JUJU_ACTION_UUID=2 JUJU_ACTION_TAG=action-2",
        );
        let departed = Hook {
            subject: Some("db".into()),
            relation_id: Some(3),
            remote_app: Some("pg".into()),
            remote: Remote::Unit("pg/1".into()),
            departing_unit: Some("pg/1".into()),
            ..Hook::of_kind(HookKind::RelationDeparted)
        };
        check(
            &departed,
            "JUJU_DISPATCH_PATH=hooks/db-relation-departed JUJU_HOOK_NAME=db-relation-departed \
             JUJU_RELATION=db JUJU_RELATION_ID=db:3 JUJU_REMOTE_APP=pg JUJU_REMOTE_UNIT=pg/1 \
             JUJU_DEPARTING_UNIT=pg/1",
        );
        let notice = Hook {
            subject: Some("web".into()),
            notice: Some("example.com/done".into()),
            ..Hook::of_kind(HookKind::PebbleCustomNotice)
        };
        check(
            &notice,
            "JUJU_DISPATCH_PATH=hooks/web-pebble-custom-notice JUJU_HOOK_NAME=web-pebble-custom-notice \
             JUJU_WORKLOAD_NAME=web JUJU_NOTICE_ID=7 JUJU_NOTICE_TYPE=custom JUJU_NOTICE_KEY=example.com/done",
        );
        let expired = Hook {
            secret_id: Some("secret:a".into()),
            secret_revision: Some(2),
            ..Hook::of_kind(HookKind::SecretExpired)
        };
        check(
            &expired,
            "JUJU_DISPATCH_PATH=hooks/secret-expired JUJU_HOOK_NAME=secret-expired JUJU_SECRET_ID=secret:a \
             JUJU_SECRET_LABEL= JUJU_SECRET_REVISION=2",
        );
    }
}
