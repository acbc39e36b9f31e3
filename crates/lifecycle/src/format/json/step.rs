//! A step as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::UnreadableLife;
use crate::environment::{self, Numbers};
use crate::life::{Happening, Phase, Step, Target};
use crate::stimulus::{Stimulus, StimulusKind};
use crate::vocabulary::{Hook, Marker, Name, Outcome, Remote, Scope};
use crate::world::{Profile, SecretOwner};

/// A step, with all the keys that any has. The keys are written in this order.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StepObject {
    phase: SmolStr,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stimulus: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    begins: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forced: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relation_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_app: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_endpoint: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_unit: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    departing_unit: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_id: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice_id: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice_type: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice_key: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_owner: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_revision: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<BTreeMap<SmolStr, String>>,
}

/// Makes objects of steps, and counts what Juju counts.
pub(super) struct Writer {
    profile: Profile,
    numbers: Numbers,
}

impl Writer {
    pub(super) fn new(profile: Profile) -> Self {
        Self { profile, numbers: Numbers::default() }
    }

    pub(super) fn object(&mut self, step: &Step) -> StepObject {
        let object = match &step.what {
            Happening::Stimulus { target, stimulus } => of_stimulus(target, stimulus),
            Happening::Marker { unit, marker } => StepObject {
                unit: Some(unit.clone()),
                marker: Some(marker.name().into()),
                ..StepObject::default()
            },
            Happening::Begin { unit, hook } => {
                StepObject { unit: Some(unit.clone()), begins: Some(hook.name().into()), ..of_hook(hook) }
            }
            Happening::Hook { unit, hook, outcome, leads } => {
                self.numbers.count(hook);
                let variables = environment::variables(self.profile.version, unit, hook, self.numbers);
                let has_notice = hook.notice.is_some();
                StepObject {
                    unit: Some(unit.clone()),
                    hook: Some(hook.name().into()),
                    leader: Some(*leads),
                    notice_id: has_notice.then(|| self.numbers.notice.to_string().into()),
                    notice_type: has_notice.then(|| "custom".into()),
                    outcome: Some(outcome.name().into()),
                    env: Some(variables.into_iter().map(|(name, value)| (name.into(), value)).collect()),
                    ..of_hook(hook)
                }
            }
        };
        StepObject { phase: step.phase.name().into(), ..object }
    }
}

/// Returns what a hook is about.
fn of_hook(hook: &Hook) -> StepObject {
    let subject = |scope: Scope| hook.subject.clone().filter(|_| hook.kind.scope() == scope);
    StepObject {
        kind: Some(hook.kind.suffix().into()),
        relation_id: hook.relation_id,
        endpoint: subject(Scope::Relation),
        remote_app: hook.remote_app.clone(),
        remote_unit: match &hook.remote {
            Remote::Unit(unit) => Some(unit.clone()),
            Remote::Application | Remote::Unknown => None,
        },
        departing_unit: hook.departing_unit.clone(),
        storage: subject(Scope::Storage),
        storage_id: hook.storage_id.clone(),
        container: subject(Scope::Container),
        notice_key: hook.notice.clone(),
        check: hook.check.clone(),
        secret_id: hook.secret_id.clone(),
        secret_revision: hook.secret_revision,
        action: subject(Scope::Action),
        ..StepObject::default()
    }
}

fn of_stimulus(target: &Target, stimulus: &Stimulus) -> StepObject {
    let kind = stimulus.kind();
    let (application, unit) = match target {
        Target::Application(name) => (Some(name.clone()), None),
        Target::Unit(name) => (None, Some(name.clone())),
    };
    let object = of_arguments(stimulus);
    StepObject {
        by: Some(kind.by().name().into()),
        stimulus: Some(kind.name().into()),
        application,
        unit,
        ..object
    }
}

/// Returns what a stimulus is about.
fn of_arguments(stimulus: &Stimulus) -> StepObject {
    let nothing = StepObject::default();
    match stimulus {
        Stimulus::Deploy { leads, .. } => StepObject { leader: Some(*leads), ..nothing },
        Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint } => StepObject {
            relation_id: Some(*relation),
            endpoint: Some(endpoint.clone()),
            remote_app: Some(remote_app.clone()),
            remote_endpoint: remote_endpoint.clone(),
            ..nothing
        },
        Stimulus::RemoveRelation { relation }
        | Stimulus::SuspendRelation { relation }
        | Stimulus::ResumeRelation { relation }
        | Stimulus::RemoteAppWrites { relation }
        | Stimulus::UnitWrites { relation }
        | Stimulus::AppWrites { relation } => StepObject { relation_id: Some(*relation), ..nothing },
        Stimulus::RemoteUnitJoins { relation, unit }
        | Stimulus::RemoteUnitLeaves { relation, unit }
        | Stimulus::RemoteUnitWrites { relation, unit } => {
            StepObject { relation_id: Some(*relation), remote_unit: Some(unit.clone()), ..nothing }
        }
        Stimulus::StorageAdded { storage_id } | Stimulus::StorageDetached { storage_id } => {
            StepObject { storage_id: Some(storage_id.clone()), ..nothing }
        }
        Stimulus::ContainerRestarts { container } => {
            StepObject { container: Some(container.clone()), ..nothing }
        }
        Stimulus::CustomNotice { container, key } => {
            StepObject { container: Some(container.clone()), notice_key: Some(key.clone()), ..nothing }
        }
        Stimulus::CheckFails { container, check } | Stimulus::CheckRecovers { container, check } => {
            StepObject { container: Some(container.clone()), check: Some(check.clone()), ..nothing }
        }
        Stimulus::SecretAdded { secret_id, owner } => StepObject {
            secret_id: Some(secret_id.clone()),
            secret_owner: Some(owner.name().into()),
            ..nothing
        },
        Stimulus::SecretRevised { secret_id } | Stimulus::SecretRotationDue { secret_id } => {
            StepObject { secret_id: Some(secret_id.clone()), ..nothing }
        }
        Stimulus::SecretExpires { secret_id, revision } | Stimulus::SecretUnused { secret_id, revision } => {
            StepObject { secret_id: Some(secret_id.clone()), secret_revision: Some(*revision), ..nothing }
        }
        Stimulus::ActionRuns { action } => StepObject { action: Some(action.clone()), ..nothing },
        Stimulus::Refresh { forced } => StepObject { forced: forced.then_some(true), ..nothing },
        Stimulus::CharmReboots { now } => StepObject { now: now.then_some(true), ..nothing },
        Stimulus::ConfigChanges
        | Stimulus::LeadershipGained
        | Stimulus::LeadershipLost
        | Stimulus::LeaderSettingsWritten
        | Stimulus::AgentRestarts
        | Stimulus::PodTerminated
        | Stimulus::PodLost
        | Stimulus::PodStarted
        | Stimulus::MachineReboots
        | Stimulus::SeriesUpgradePrepared
        | Stimulus::SeriesUpgradeCompleted
        | Stimulus::Retry
        | Stimulus::ResolveWithoutRetry
        | Stimulus::TimePasses
        | Stimulus::RemoveUnit => nothing,
    }
}

impl StepObject {
    /// Reads the step, which is the one of the number, counted from 1.
    pub(super) fn read(self, number: usize) -> Result<Step, UnreadableLife> {
        let place = Place(number);
        let phase = Phase::parse(&self.phase).ok_or_else(|| place.unknown("phase", &self.phase))?;
        let what = if let Some(word) = &self.stimulus {
            let kind = StimulusKind::parse(word).ok_or_else(|| place.unknown("stimulus", word))?;
            let target = match (&self.application, &self.unit) {
                (Some(application), _) if kind.is_of_application() => {
                    Target::Application(application.clone())
                }
                (_, Some(unit)) => Target::Unit(unit.clone()),
                (Some(_), None) => return Err(place.missing("unit")),
                (None, None) => return Err(place.missing("application")),
            };
            Happening::Stimulus { target, stimulus: self.read_stimulus(kind, place)? }
        } else {
            let unit = self.unit.clone().ok_or_else(|| place.missing("unit"))?;
            if let Some(word) = &self.marker {
                let marker = Marker::ALL.into_iter().find(|marker| marker.name() == word);
                Happening::Marker { unit, marker: marker.ok_or_else(|| place.unknown("marker", word))? }
            } else if let Some(word) = &self.begins {
                Happening::Begin { unit, hook: self.read_hook(word, place)? }
            } else {
                let word = self.hook.as_ref().ok_or_else(|| place.missing("hook"))?;
                let outcome = self.outcome.as_deref().unwrap_or("ok");
                Happening::Hook {
                    unit,
                    hook: self.read_hook(word, place)?,
                    outcome: Outcome::parse(outcome).ok_or_else(|| place.unknown("outcome", outcome))?,
                    leads: self.leader.unwrap_or(false),
                }
            }
        };
        Ok(Step { phase, what })
    }

    fn read_hook(&self, word: &str, place: Place) -> Result<Hook, UnreadableLife> {
        let hook = Hook::parse(word).map_err(|_| place.unknown("hook", word))?;
        let of_relation = hook.kind.scope() == Scope::Relation;
        Ok(Hook {
            relation_id: self.relation_id,
            remote_app: self.remote_app.clone(),
            remote: match &self.remote_unit {
                Some(unit) => Remote::Unit(unit.clone()),
                None if of_relation => Remote::Application,
                None => Remote::Unknown,
            },
            departing_unit: self.departing_unit.clone(),
            storage_id: self.storage_id.clone(),
            notice: self.notice_key.clone(),
            check: self.check.clone(),
            secret_id: self.secret_id.clone(),
            secret_revision: self.secret_revision,
            ..hook
        })
    }

    fn read_stimulus(&self, kind: StimulusKind, place: Place) -> Result<Stimulus, UnreadableLife> {
        let relation = || self.relation_id.ok_or_else(|| place.missing("relation_id"));
        let unit = || place.given(self.remote_unit.as_ref(), "remote_unit");
        let storage_id = || place.given(self.storage_id.as_ref(), "storage_id");
        let container = || place.given(self.container.as_ref(), "container");
        let check = || place.given(self.check.as_ref(), "check");
        let secret_id = || place.given(self.secret_id.as_ref(), "secret_id");
        let revision = || self.secret_revision.ok_or_else(|| place.missing("secret_revision"));
        Ok(match kind {
            StimulusKind::Deploy => {
                // Where relations and storages are counted from follows from the rest.
                Stimulus::Deploy { leads: self.leader.unwrap_or(false), first_relation: 0, first_storage: 0 }
            }
            StimulusKind::Integrate => Stimulus::Integrate {
                relation: relation()?,
                endpoint: place.given(self.endpoint.as_ref(), "endpoint")?,
                remote_app: place.given(self.remote_app.as_ref(), "remote_app")?,
                remote_endpoint: self.remote_endpoint.clone(),
            },
            StimulusKind::RemoveRelation => Stimulus::RemoveRelation { relation: relation()? },
            StimulusKind::SuspendRelation => Stimulus::SuspendRelation { relation: relation()? },
            StimulusKind::ResumeRelation => Stimulus::ResumeRelation { relation: relation()? },
            StimulusKind::RemoteUnitJoins => {
                Stimulus::RemoteUnitJoins { relation: relation()?, unit: unit()? }
            }
            StimulusKind::RemoteUnitLeaves => {
                Stimulus::RemoteUnitLeaves { relation: relation()?, unit: unit()? }
            }
            StimulusKind::RemoteUnitWrites => {
                Stimulus::RemoteUnitWrites { relation: relation()?, unit: unit()? }
            }
            StimulusKind::RemoteAppWrites => Stimulus::RemoteAppWrites { relation: relation()? },
            StimulusKind::UnitWrites => Stimulus::UnitWrites { relation: relation()? },
            StimulusKind::AppWrites => Stimulus::AppWrites { relation: relation()? },
            StimulusKind::ConfigChanges => Stimulus::ConfigChanges,
            StimulusKind::LeadershipGained => Stimulus::LeadershipGained,
            StimulusKind::LeadershipLost => Stimulus::LeadershipLost,
            StimulusKind::LeaderSettingsWritten => Stimulus::LeaderSettingsWritten,
            StimulusKind::StorageAdded => Stimulus::StorageAdded { storage_id: storage_id()? },
            StimulusKind::StorageDetached => Stimulus::StorageDetached { storage_id: storage_id()? },
            StimulusKind::ContainerRestarts => Stimulus::ContainerRestarts { container: container()? },
            StimulusKind::CustomNotice => {
                let key = place.given(self.notice_key.as_ref(), "notice_key")?;
                Stimulus::CustomNotice { container: container()?, key }
            }
            StimulusKind::CheckFails => Stimulus::CheckFails { container: container()?, check: check()? },
            StimulusKind::CheckRecovers => {
                Stimulus::CheckRecovers { container: container()?, check: check()? }
            }
            StimulusKind::SecretAdded => {
                let word = place.given(self.secret_owner.as_ref(), "secret_owner")?;
                let owner = SecretOwner::ALL.into_iter().find(|owner| owner.name() == word);
                let owner = owner.ok_or_else(|| place.unknown("owner of a secret", &word))?;
                Stimulus::SecretAdded { secret_id: secret_id()?, owner }
            }
            StimulusKind::SecretRevised => Stimulus::SecretRevised { secret_id: secret_id()? },
            StimulusKind::SecretRotationDue => Stimulus::SecretRotationDue { secret_id: secret_id()? },
            StimulusKind::SecretExpires => {
                Stimulus::SecretExpires { secret_id: secret_id()?, revision: revision()? }
            }
            StimulusKind::SecretUnused => {
                Stimulus::SecretUnused { secret_id: secret_id()?, revision: revision()? }
            }
            StimulusKind::ActionRuns => {
                Stimulus::ActionRuns { action: place.given(self.action.as_ref(), "action")? }
            }
            StimulusKind::Refresh => Stimulus::Refresh { forced: self.forced.unwrap_or(false) },
            StimulusKind::AgentRestarts => Stimulus::AgentRestarts,
            StimulusKind::PodTerminated => Stimulus::PodTerminated,
            StimulusKind::PodLost => Stimulus::PodLost,
            StimulusKind::PodStarted => Stimulus::PodStarted,
            StimulusKind::MachineReboots => Stimulus::MachineReboots,
            StimulusKind::CharmReboots => Stimulus::CharmReboots { now: self.now.unwrap_or(false) },
            StimulusKind::SeriesUpgradePrepared => Stimulus::SeriesUpgradePrepared,
            StimulusKind::SeriesUpgradeCompleted => Stimulus::SeriesUpgradeCompleted,
            StimulusKind::Retry => Stimulus::Retry,
            StimulusKind::ResolveWithoutRetry => Stimulus::ResolveWithoutRetry,
            StimulusKind::TimePasses => Stimulus::TimePasses,
            StimulusKind::RemoveUnit => Stimulus::RemoveUnit,
        })
    }
}

/// The number of a step, for what is wrong with it.
#[derive(Clone, Copy)]
struct Place(usize);

impl Place {
    fn given<T: Clone>(self, value: Option<&T>, what: &'static str) -> Result<T, UnreadableLife> {
        value.cloned().ok_or_else(|| self.missing(what))
    }

    fn missing(self, what: &'static str) -> UnreadableLife {
        UnreadableLife::Missing { step: self.0, what }
    }

    fn unknown(self, what: &'static str, word: &str) -> UnreadableLife {
        UnreadableLife::Word { step: self.0, what, word: word.chars().take(60).collect() }
    }
}
