//! Hooks, as `ctx.on` has names for them.

use charmproof_lifecycle::vocabulary::{HookKind, Remote};

use super::Inexpressible;
use super::python::Python;
use super::view::{View, number_of};
use crate::player::HookRecord;

/// Where an event finds what it is about.
pub(super) struct Subjects<'a> {
    /// The name of the state.
    pub(super) state: &'a str,
    /// The name of a variable with the relation, if there is one.
    pub(super) relation: Option<&'a str>,
    /// Whether secrets of the charm have the ids that they had in the life.
    pub(super) knows_secrets: bool,
}

/// Returns the event of a hook.
pub(super) fn event(
    record: &HookRecord,
    view: &View,
    subjects: &Subjects<'_>,
) -> Result<Python, Inexpressible> {
    let hook = &record.hook;
    let plain = |name: &str| Ok(Python::code(format!("ctx.on.{name}()")));
    let state = subjects.state;
    let relation = || {
        let id = hook.relation_id.unwrap_or_default();
        subjects.relation.map_or_else(|| format!("{state}.get_relation({id})"), str::to_owned)
    };
    let of_relation = |name: &str| {
        let mut arguments = vec![(None, Python::code(relation()))];
        if let Remote::Unit(unit) = &hook.remote
            && let Some(number) = number_of(unit)
        {
            arguments.push((Some("remote_unit"), Python::code(number.to_string())));
        }
        Ok(Python::Call(format!("ctx.on.{name}"), arguments))
    };
    let of_storage = |name: &str| {
        let id = hook.storage_id.as_deref().unwrap_or_default();
        let (storage, index) = id.rsplit_once('/').unwrap_or((id, "0"));
        Ok(Python::code(format!("ctx.on.{name}({state}.get_storage(\"{storage}\", index={index}))")))
    };
    let of_secret = |name: &str, has_revision: bool| {
        let mut arguments = vec![(None, Python::code(secret(record, view, subjects)?))];
        if has_revision {
            let revision = hook.secret_revision.unwrap_or(1);
            arguments.push((Some("revision"), Python::code(revision.to_string())));
        }
        Ok(Python::Call(format!("ctx.on.{name}"), arguments))
    };
    let unknown = || Err(Inexpressible(format!("ops.testing cannot run `{}`", record.name)));
    match hook.kind {
        HookKind::Install => plain("install"),
        HookKind::Start => plain("start"),
        HookKind::Stop => plain("stop"),
        HookKind::Remove => plain("remove"),
        HookKind::ConfigChanged => plain("config_changed"),
        HookKind::UpdateStatus => plain("update_status"),
        HookKind::UpgradeCharm => plain("upgrade_charm"),
        HookKind::LeaderElected => plain("leader_elected"),
        HookKind::PreSeriesUpgrade => plain("pre_series_upgrade"),
        HookKind::PostSeriesUpgrade => plain("post_series_upgrade"),
        HookKind::RelationCreated => of_relation("relation_created"),
        HookKind::RelationJoined => of_relation("relation_joined"),
        HookKind::RelationChanged => of_relation("relation_changed"),
        HookKind::RelationDeparted => of_relation("relation_departed"),
        HookKind::RelationBroken => of_relation("relation_broken"),
        HookKind::StorageAttached => of_storage("storage_attached"),
        HookKind::StorageDetaching => of_storage("storage_detaching"),
        HookKind::PebbleReady => {
            Ok(Python::code(format!("ctx.on.pebble_ready({state}.get_container(\"{}\"))", hook.subject())))
        }
        HookKind::SecretChanged => of_secret("secret_changed", false),
        HookKind::SecretRotate => of_secret("secret_rotate", false),
        HookKind::SecretExpired => of_secret("secret_expired", true),
        HookKind::SecretRemove => of_secret("secret_remove", true),
        HookKind::Action => {
            let mut arguments = vec![(None, Python::text(hook.subject()))];
            if let Some(parameters) = record.parameters.as_ref().filter(|all| !all.is_empty()) {
                let items =
                    parameters.iter().map(|(name, value)| (Some(Python::text(name)), Python::value(value)));
                arguments.push((Some("params"), Python::Dict(items.collect())));
            }
            Ok(Python::Call("ctx.on.action".to_owned(), arguments))
        }
        HookKind::LeaderDeposed
        | HookKind::LeaderSettingsChanged
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged
        | HookKind::PebbleCustomNotice
        | HookKind::PebbleCheckFailed
        | HookKind::PebbleCheckRecovered => unknown(),
    }
}

/// Whether `ops.testing` has an event for the hooks of a kind.
pub(super) fn is_known(kind: HookKind) -> bool {
    match kind {
        HookKind::LeaderDeposed
        | HookKind::LeaderSettingsChanged
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged => false,
        HookKind::Install
        | HookKind::Start
        | HookKind::Stop
        | HookKind::Remove
        | HookKind::ConfigChanged
        | HookKind::UpdateStatus
        | HookKind::UpgradeCharm
        | HookKind::LeaderElected
        | HookKind::PreSeriesUpgrade
        | HookKind::PostSeriesUpgrade
        | HookKind::RelationCreated
        | HookKind::RelationJoined
        | HookKind::RelationChanged
        | HookKind::RelationDeparted
        | HookKind::RelationBroken
        | HookKind::StorageAttached
        | HookKind::StorageDetaching
        | HookKind::PebbleReady
        | HookKind::PebbleCustomNotice
        | HookKind::PebbleCheckFailed
        | HookKind::PebbleCheckRecovered
        | HookKind::SecretChanged
        | HookKind::SecretRotate
        | HookKind::SecretExpired
        | HookKind::SecretRemove
        | HookKind::Action => true,
    }
}

/// Returns the secret that a hook is about.
fn secret(record: &HookRecord, view: &View, subjects: &Subjects<'_>) -> Result<String, Inexpressible> {
    let state = subjects.state;
    let uri = record.hook.secret_id.as_deref().unwrap_or_default();
    let found = view.secrets.iter().find(|(id, _)| id.uri() == uri);
    let (_, found) = found.ok_or_else(|| {
        Inexpressible(format!("`{}` is about a secret that the unit cannot read", record.name))
    })?;
    if subjects.knows_secrets || found.owner.is_none() {
        return Ok(format!("{state}.get_secret(id=\"{uri}\")"));
    }
    match &found.label {
        Some(label) => Ok(format!("{state}.get_secret(label={})", super::python::literal(label))),
        None => Err(Inexpressible(format!(
            "`{}` is about a secret without a label, which a test cannot tell from others",
            record.name
        ))),
    }
}
