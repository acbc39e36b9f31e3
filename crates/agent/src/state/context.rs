//! One hook that runs: what it is about, and what is kept back until it has ended.
//!
//! Juju keeps back most of what a hook writes and does all of it in one step when the hook
//! has ended well; a hook that fails leaves none of it. The hook itself sees some of its
//! own writes before that. What is kept back here is a list of changes beside the state, so
//! a hook that is dropped leaves nothing to undo.
//!
//! The state does not change under a hook but by the hook's own tools, so what Juju caches
//! for a hook (configuration, relation data) needs no cache here.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name, Remote};
use serde_json::{Map, Value};
use thiserror::Error;

use super::effects::{ActionOutcome, HookEffects, Reboot, StorageAddition};
use super::relation::Databag;
use super::secret::{NewSecret, SecretId, SecretUpdate};
use super::unit::{Port, Status, StatusKind, Unit};
use super::{State, StateError, application_of};

/// What a hook may do less than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// It may do all.
    None,
    /// `collect-metrics`: it reports metrics, and little else.
    Metrics,
    /// `meter-status-changed`: it sets the status of the unit, and little else.
    MeterStatus,
}

/// An action that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionRun {
    /// What it was called with.
    pub parameters: Map<String, Value>,
    /// What it gives back so far.
    pub outcome: ActionOutcome,
}

/// Permissions that a hook gives or takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PendingGrant {
    Grant { id: SecretId, to: Name, relation: u32 },
    Revoke { id: SecretId, from: Name },
}

impl PendingGrant {
    pub(crate) fn id(&self) -> &SecretId {
        match self {
            Self::Grant { id, .. } | Self::Revoke { id, .. } => id,
        }
    }
}

/// What a hook does to secrets when it ends well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingSecrets {
    pub(crate) created: BTreeMap<SecretId, NewSecret>,
    pub(crate) updated: BTreeMap<SecretId, SecretUpdate>,
    /// Revisions to remove; `None` for all of a secret.
    pub(crate) removed: BTreeMap<SecretId, Option<BTreeSet<u32>>>,
    pub(crate) grants: Vec<PendingGrant>,
    /// Secrets of which the unit reads the revision that this hook makes.
    pub(crate) track_latest: BTreeSet<SecretId>,
}

/// Why commands cannot be about what they are to be about, in Juju's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandsError {
    /// The unit is not there.
    #[error(transparent)]
    State(#[from] StateError),
    /// Who is at the other end makes sense with a relation only.
    #[error("remote unit provided without a relation: {0}")]
    NoRelation(Name),
    /// The unit is in no such relation.
    #[error("unknown relation id: {0}")]
    UnknownRelation(u32),
    /// Nobody is at the other end.
    #[error("cannot infer remote unit in empty relation {0}")]
    EmptyRelation(u32),
    /// Several units are there.
    #[error("ambiguous remote unit; possibilities are [{0}]")]
    AmbiguousRemoteUnit(String),
    /// Others are there.
    #[error("unknown remote unit {unit}; possibilities are [{possible}]")]
    UnknownRemoteUnit {
        /// The unit that was named.
        unit: Name,
        /// Those that are there.
        possible: String,
    },
}

/// One hook of one unit, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookContext {
    pub(crate) unit: Name,
    pub(crate) application: Name,
    pub(crate) hook: Hook,
    pub(crate) restriction: Restriction,
    /// Whether it is no hook, but commands of a person that see what a hook would.
    pub(crate) is_for_commands: bool,
    pub(crate) action: Option<ActionRun>,
    /// The units that `relation-list` lists during this hook.
    pub(crate) members: BTreeMap<u32, BTreeSet<Name>>,
    pub(crate) unit_data: BTreeMap<u32, Databag>,
    pub(crate) application_data: BTreeMap<u32, Databag>,
    /// Ports to open and to close, the later word for each.
    pub(crate) ports: BTreeMap<Port, bool>,
    pub(crate) secrets: PendingSecrets,
    /// Changes of the charm's state; an absent value removes the key.
    pub(crate) charm_state: BTreeMap<String, Option<String>>,
    pub(crate) storage_additions: Vec<StorageAddition>,
    pub(crate) pod_spec: Option<String>,
    pub(crate) raw_pod_spec: Option<String>,
    pub(crate) reboot: Option<Reboot>,
    pub(crate) effects: HookEffects,
}

impl HookContext {
    /// Begins a hook of a unit. An action has its parameters.
    ///
    /// The state changes by what the agent itself does before it runs a hook: an earlier
    /// failure is no longer shown, and some hooks begin with a status.
    pub fn new(
        state: &mut State,
        unit: &str,
        hook: &Hook,
        parameters: Option<Map<String, Value>>,
    ) -> Result<Self, StateError> {
        let now = state.now;
        let found = state.unit_mut(unit)?;
        let action = match hook.kind {
            HookKind::Action => {
                Some(ActionRun { parameters: parameters.unwrap_or_default(), ..ActionRun::default() })
            }
            _ => None,
        };
        if action.is_none() {
            found.forget_failure();
        }
        if let Some(message) = beginning_message(hook.kind) {
            found.status.become_another(Status::new(StatusKind::Maintenance, message, now));
        }
        let mut context = Self::of(found, hook.clone());
        context.action = action;
        move_members(&mut context.members, hook);
        if hook.kind == HookKind::ConfigChanged {
            context.renew_addresses(state);
        }
        Ok(context)
    }

    /// Begins commands of a person that run as if in a hook (`juju-exec` on the unit's machine). What
    /// they write is kept if they can be run at all, whatever they return (worker/uniter/runner,
    /// `RunCommands`): they end with [`Outcome::Ok`]. They change nothing of how the unit is.
    ///
    /// They may be about a relation, and a unit at its other end, which is the only one there if
    /// nobody says which (worker/uniter/runner/context, `inferRemoteUnit`).
    ///
    /// [`Outcome::Ok`]: charmproof_lifecycle::vocabulary::Outcome::Ok
    pub fn for_commands(
        state: &State,
        unit: &str,
        relation: Option<u32>,
        remote_unit: Option<&Name>,
        is_remote_unit_forced: bool,
    ) -> Result<Self, CommandsError> {
        let found = state.unit(unit)?;
        let Some(id) = relation else {
            if let Some(remote_unit) = remote_unit {
                return Err(CommandsError::NoRelation(remote_unit.clone()));
            }
            let hook = Hook::of_kind(HookKind::UpdateStatus);
            return Ok(Self { is_for_commands: true, ..Self::of(found, hook) });
        };
        let known = state.relations.get(&id).filter(|relation| relation.in_scope.contains(unit));
        let known = known.and_then(|relation| Some((relation, relation.end_of(application_of(unit))?)));
        let (known, end) = known.ok_or(CommandsError::UnknownRelation(id))?;
        let members: Vec<&Name> = found.members.get(&id).into_iter().flatten().collect();
        let possible = || members.iter().map(|unit| unit.as_str()).collect::<Vec<_>>().join(" ");
        let remote = match (remote_unit, members.as_slice()) {
            (Some(named), _) if is_remote_unit_forced || members.contains(&named) => {
                Remote::Unit(named.clone())
            }
            (Some(named), _) => {
                return Err(CommandsError::UnknownRemoteUnit { unit: named.clone(), possible: possible() });
            }
            (None, _) if is_remote_unit_forced => Remote::Application,
            (None, []) => return Err(CommandsError::EmptyRelation(id)),
            (None, [only]) => Remote::Unit((*only).clone()),
            (None, _) => return Err(CommandsError::AmbiguousRemoteUnit(possible())),
        };
        let hook = Hook {
            subject: Some(end.endpoint.clone()),
            relation_id: Some(id),
            remote_app: known.remote_application(application_of(unit)).cloned(),
            remote,
            ..Hook::of_kind(HookKind::RelationChanged)
        };
        Ok(Self { is_for_commands: true, ..Self::of(found, hook) })
    }

    fn of(unit: &Unit, hook: Hook) -> Self {
        Self {
            unit: unit.name.clone(),
            application: application_of(&unit.name).into(),
            restriction: match hook.kind {
                HookKind::CollectMetrics => Restriction::Metrics,
                HookKind::MeterStatusChanged => Restriction::MeterStatus,
                _ => Restriction::None,
            },
            hook,
            is_for_commands: false,
            action: None,
            members: unit.members.clone(),
            unit_data: BTreeMap::new(),
            application_data: BTreeMap::new(),
            ports: BTreeMap::new(),
            secrets: PendingSecrets::default(),
            charm_state: BTreeMap::new(),
            storage_additions: Vec::new(),
            pod_spec: None,
            raw_pod_spec: None,
            reboot: None,
            effects: HookEffects::default(),
        }
    }

    /// Whether it is no hook, but commands of a person.
    pub fn is_for_commands(&self) -> bool {
        self.is_for_commands
    }

    /// Returns the unit.
    pub fn unit(&self) -> &Name {
        &self.unit
    }

    /// Returns the hook.
    pub fn hook(&self) -> &Hook {
        &self.hook
    }

    /// Returns whether the machine is to be rebooted. A process that asked for it at once is
    /// to be killed.
    pub fn reboot(&self) -> Option<Reboot> {
        self.reboot
    }

    /// Returns the action, if it is one: what it was called with, and what it has said so far.
    pub fn action(&self) -> Option<&ActionRun> {
        self.action.as_ref()
    }

    /// Returns what happened so far.
    pub fn effects(&self) -> &HookEffects {
        &self.effects
    }

    /// Returns what an action has told so far; `None` if it is none.
    pub fn action_log(&self) -> Option<&[String]> {
        self.action.as_ref().map(|action| action.outcome.log.as_slice())
    }

    /// Whether the unit leads its application.
    pub(crate) fn is_leader(&self, state: &State) -> bool {
        state.is_leader(&self.unit)
    }

    /// Returns the unit at the other end, where the hook is about one.
    pub(crate) fn remote_unit(&self) -> Option<&Name> {
        match &self.hook.remote {
            Remote::Unit(unit) => Some(unit),
            Remote::Unknown | Remote::Application => None,
        }
    }

    /// Whether the unit sees the relation. It does from its first hook of it, when the unit
    /// enters it (R35), to the last one.
    pub(crate) fn has_relation(&self, state: &State, id: u32) -> bool {
        state.relations.get(&id).is_some_and(|relation| {
            relation.end_of(&self.application).is_some()
                && (relation.in_scope.contains(&self.unit) || self.hook.relation_id == Some(id))
        })
    }

    /// Writes the addresses of the unit to the relations that have others. The agent does so
    /// with `config-changed`, when the hook is committed.
    fn renew_addresses(&mut self, state: &State) {
        let Some(unit) = state.units.get(&self.unit) else { return };
        let current = state.addresses_in_relations(&unit.private_address);
        for relation in state.relations.values().filter(|relation| relation.in_scope.contains(&self.unit)) {
            let written = relation.unit_data.get(&self.unit);
            let changed: Databag = current
                .iter()
                .filter(|(key, value)| written.and_then(|data| data.get(*key)) != Some(value))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if !changed.is_empty() {
                self.unit_data.insert(relation.id, changed);
            }
        }
    }
}

/// Returns what the agent shows before it runs a hook of the kind.
fn beginning_message(kind: HookKind) -> Option<&'static str> {
    match kind {
        HookKind::Install => Some("installing charm software"),
        HookKind::Stop => Some("stopping charm software"),
        HookKind::Remove => Some("cleaning up prior to charm deletion"),
        _ => None,
    }
}

/// Lets a unit join or leave those that `relation-list` lists. While a hook of a unit that
/// goes runs, the unit is not listed any more.
pub(super) fn move_members(members: &mut BTreeMap<u32, BTreeSet<Name>>, hook: &Hook) {
    let Some(id) = hook.relation_id else { return };
    let remote = match &hook.remote {
        Remote::Unit(unit) => Some(unit.clone()),
        Remote::Unknown | Remote::Application => None,
    };
    match (hook.kind, remote) {
        (HookKind::RelationJoined | HookKind::RelationChanged, Some(unit)) => {
            members.entry(id).or_default().insert(unit);
        }
        (HookKind::RelationDeparted, Some(unit)) => {
            members.entry(id).or_default().remove(&unit);
        }
        (HookKind::RelationBroken, _) => {
            members.remove(&id);
        }
        _ => {}
    }
}
