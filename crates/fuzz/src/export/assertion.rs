//! What holds of a charm without the defect, as lines of a test.

use charmproof_agent::state::SecretOwner;
use charmproof_lifecycle::vocabulary::{HookKind, Remote};

use super::Inexpressible;
use super::python::literal;
use crate::oracle::exception::traceback_of;
use crate::oracle::traceback::Traceback;
use crate::oracle::{Blame, Oracle, secrets::CHARACTERS_MIN};
use crate::player::HookRecord;
use crate::search::Finding;

/// What a test asserts, and of which hook.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    /// The number of the hook that shows it.
    pub(super) hook: usize,
    /// What it is.
    pub(super) kind: ClaimKind,
    /// Whether the hooks before count, and not only what Juju keeps of them.
    pub(super) needs_all_hooks: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum ClaimKind {
    /// The hook ends well. The text says how it ended.
    Succeeds(String),
    /// No warning with the text is given.
    NoWarning(String),
    /// The hook runs twice, and lines compare `once` and `twice`.
    Twice(Vec<String>),
    /// Lines look at `state` after the hook.
    After(Vec<String>),
}

/// Exceptions that say no more than that Juju refused something.
const REFUSALS: [&str; 2] = ["ops.model.ModelError", "ops.hookcmds"];

pub(super) fn claim(finding: &Finding) -> Result<Claim, Inexpressible> {
    let suspicion = &finding.suspicion;
    if suspicion.blame == Blame::Environment {
        return inexpressible(
            "it is about something that is not there where the charm ran, and not about the charm",
        );
    }
    let at = || {
        let number = suspicion.hook.and_then(|number| Some((number, finding.hooks.get(number)?)));
        number.ok_or_else(|| Inexpressible("it shows in no hook of its own".to_owned()))
    };
    match suspicion.oracle {
        Oracle::UncaughtException => {
            let (hook, record) = at()?;
            Ok(Claim { hook, kind: ClaimKind::Succeeds(exception(record)?), needs_all_hooks: false })
        }
        Oracle::Idempotence => {
            let (hook, record) = at()?;
            Ok(Claim { hook, kind: ClaimKind::Twice(again(record)?), needs_all_hooks: false })
        }
        Oracle::LeftBehind => secret_is_gone(finding),
        Oracle::SecretLeak => {
            let (hook, _) = at()?;
            Ok(Claim { hook, kind: ClaimKind::After(no_leak(&suspicion.cause)), needs_all_hooks: false })
        }
        Oracle::Deprecation => {
            let (hook, _) = at()?;
            let text = suspicion.summary.trim_start_matches("deprecated: ").to_owned();
            Ok(Claim { hook, kind: ClaimKind::NoWarning(text), needs_all_hooks: false })
        }
        Oracle::UnsettledStatus => {
            let (hook, _) = at()?;
            let lines = vec![
                "# There is nothing left to do, so the unit has to say something else by now.".to_owned(),
                "assert not isinstance(state.unit_status, testing.MaintenanceStatus)".to_owned(),
            ];
            Ok(Claim { hook, kind: ClaimKind::After(lines), needs_all_hooks: true })
        }
        Oracle::DeferredForever => {
            let (hook, record) = at()?;
            let kept = record.kept.iter().flat_map(|kept| &kept.notices);
            let method =
                kept.map(|(_, _, method)| method.as_str()).find(|method| suspicion.cause.starts_with(method));
            let lines = vec![
                "# What it waits for is not going to come.".to_owned(),
                format!(
                    "assert {} not in [event.observer for event in state.deferred]",
                    literal(method.unwrap_or_default())
                ),
            ];
            Ok(Claim { hook, kind: ClaimKind::After(lines), needs_all_hooks: true })
        }
        Oracle::ToolMisuse => inexpressible("ops.testing takes calls of hook tools that Juju refuses"),
        Oracle::Convergence => inexpressible("it compares two lives, and no single one is wrong"),
        Oracle::PingPong => inexpressible("ops.testing runs the code of one unit, and several take part"),
        Oracle::SlowHook => inexpressible("a test that waits says nothing until it is stopped"),
    }
}

fn inexpressible<T>(why: &str) -> Result<T, Inexpressible> {
    Err(Inexpressible(why.to_owned()))
}

/// Returns what a hook failed with.
fn exception(record: &HookRecord) -> Result<String, Inexpressible> {
    let Some(traceback) = traceback_of(record) else {
        return inexpressible("the hook ended without an exception, so ops.testing would end with it");
    };
    if REFUSALS.iter().any(|refusal| traceback.exception.starts_with(refusal)) {
        return inexpressible("Juju refused what the charm asked for, and ops.testing does not");
    }
    if is_about_absent_unit(record, &traceback) {
        return inexpressible(
            "`event.unit` is absent, and ops.testing always gives one where there are units",
        );
    }
    let message = traceback.message.lines().next().unwrap_or_default().trim();
    Ok(if message.is_empty() { traceback.exception } else { format!("{}: {message}", traceback.exception) })
}

/// Whether the charm may have stumbled over a change of the application, which no unit made.
fn is_about_absent_unit(record: &HookRecord, traceback: &Traceback) -> bool {
    record.hook.kind == HookKind::RelationChanged
        && record.hook.remote == Remote::Application
        && traceback.message.contains("None")
}

/// Compares the states after the first and after the second run.
fn again(record: &HookRecord) -> Result<Vec<String>, Inexpressible> {
    let Some(again) = record.again.as_deref() else {
        return inexpressible("what the hook did when it ran again was not kept");
    };
    let mut lines = Vec::new();
    let changed: std::collections::BTreeSet<u32> =
        again.effects.relation_changes.iter().map(|change| change.relation).collect();
    for relation in changed {
        for data in ["local_app_data", "local_unit_data"] {
            lines.push(format!(
                "assert twice.get_relation({relation}).{data} == once.get_relation({relation}).{data}"
            ));
        }
    }
    if !again.effects.secrets.is_empty() {
        lines.push(
            "assert {s.id: s.latest_content for s in twice.secrets} == {s.id: s.latest_content for s in once.secrets}"
                .to_owned(),
        );
    }
    if !again.effects.ports.is_empty() {
        lines.push("assert twice.opened_ports == once.opened_ports".to_owned());
    }
    if lines.is_empty() && again.exit.is_success() {
        lines.push("assert twice.unit_status == once.unit_status".to_owned());
        lines.push("assert twice.app_status == once.app_status".to_owned());
    }
    Ok(lines)
}

/// A secret that outlives the relation that it was made for.
fn secret_is_gone(finding: &Finding) -> Result<Claim, Inexpressible> {
    if finding.suspicion.hook.is_some() {
        return inexpressible("ops.testing has no machine whose files could be looked at");
    }
    let uri = finding.suspicion.summary.split('`').nth(1).unwrap_or_default();
    // The last one who could have removed it: who leads, or the unit that owns it.
    let may_remove = |record: &&HookRecord| {
        let Some(before) = record.before.as_deref() else { return false };
        let owner = before.secrets.iter().find(|(id, _)| id.uri() == uri).map(|(_, secret)| &secret.owner);
        let is_mine = match owner {
            Some(SecretOwner::Application(_)) => before.is_leader(&record.unit),
            Some(SecretOwner::Unit(owner)) => *owner == record.unit,
            Some(SecretOwner::User) | None => false,
        };
        is_mine && record.hook.kind == HookKind::RelationBroken && record.is_committed
    };
    let hook = finding.hooks.iter().rposition(|record| may_remove(&record));
    let Some(hook) = hook else {
        return inexpressible("no unit that may remove the secret hears of the end of the relation");
    };
    let lines = vec![
        "# The secret was for this relation alone.".to_owned(),
        format!("assert {} not in {{secret.id for secret in state.secrets}}", literal(uri)),
    ];
    Ok(Claim { hook, kind: ClaimKind::After(lines), needs_all_hooks: false })
}

/// Looks for the contents of secrets where `cause` says that they are.
fn no_leak(cause: &str) -> Vec<String> {
    let mut lines = vec![
        "contents = [".to_owned(),
        "    value".to_owned(),
        "    for secret in state.secrets".to_owned(),
        "    for value in {**secret.tracked_content, **secret.latest_content}.values()".to_owned(),
        format!("    if len(value) >= {CHARACTERS_MIN}"),
        "]".to_owned(),
    ];
    let place = if cause.ends_with("in the log") {
        "public = [line.message for line in ctx.juju_log]"
    } else if cause.ends_with("in a status") {
        "public = [state.unit_status.message, state.app_status.message]"
    } else {
        lines.push("public = [".to_owned());
        lines.push("    value".to_owned());
        lines.push("    for relation in state.relations".to_owned());
        lines.push("    for data in (relation.local_app_data, relation.local_unit_data)".to_owned());
        lines.push("    for value in data.values()".to_owned());
        "]"
    };
    lines.push(place.to_owned());
    lines.push("assert not [text for text in public if any(value in text for value in contents)]".to_owned());
    lines
}
