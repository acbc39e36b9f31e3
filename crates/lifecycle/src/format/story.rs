//! A life as people read it: phases, what somebody did, and what Juju did about it.

use std::fmt::Write as _;

use crate::life::{Happening, Life, Phase, Target};
use crate::stimulus::{Actor, Stimulus};
use crate::vocabulary::{Hook, Marker, Name, Outcome, Remote};

/// Tells a life, a step a line.
pub fn story(life: &Life) -> String {
    let mut text = String::new();
    let mut phase = None;
    // Where there is one unit, nobody needs to be told which it is.
    let has_many = life.stage.deployments.iter().map(|deployment| deployment.units).sum::<u32>() > 1;
    for step in &life.steps {
        if phase != Some(step.phase) {
            phase = Some(step.phase);
            let title = match step.phase {
                Phase::Setup => "Setup",
                Phase::Operation => "Operation",
                Phase::Teardown => "Teardown",
            };
            let _ = writeln!(text, "{title} phase");
        }
        let _ = match &step.what {
            Happening::Stimulus { target, stimulus } => {
                let source = actor(stimulus.kind().by());
                writeln!(text, "  Action :: Source.{source:<11} --> {}", act(target, stimulus))
            }
            Happening::Hook { unit, hook, outcome, .. } => {
                writeln!(text, "  Event  :: {}{}{}", of_unit(has_many, unit), event(hook), end(*outcome))
            }
            Happening::Begin { unit, hook } => {
                writeln!(text, "  Event  :: {}{} begins", of_unit(has_many, unit), event(hook))
            }
            Happening::Marker { unit, marker } => {
                writeln!(text, "         # {}{}", of_unit(has_many, unit), remark(*marker))
            }
        };
    }
    text
}

fn of_unit(has_many: bool, unit: &Name) -> String {
    if has_many { format!("{unit}: ") } else { String::new() }
}

/// Returns who it is, as one word.
fn actor(actor: Actor) -> &'static str {
    match actor {
        Actor::User => "user",
        Actor::Cloud => "cloud",
        Actor::ThisCharm => "this_charm",
        Actor::OtherCharm => "other_charm",
        Actor::Juju => "juju",
    }
}

fn end(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "",
        Outcome::Failed => " FAILED",
        Outcome::Missing => " (the charm has none)",
        Outcome::Terminated => " (cut off)",
    }
}

/// Names a hook with what it is about.
pub fn event(hook: &Hook) -> String {
    let mut text = hook.name();
    if let Some(id) = hook.relation_id {
        let _ = match &hook.remote {
            Remote::Unit(unit) => write!(text, " ({}:{id}, {unit})", hook.subject()),
            Remote::Application | Remote::Unknown => {
                let remote_app = hook.remote_app.as_deref().unwrap_or_default();
                write!(text, " ({}:{id}, {remote_app})", hook.subject())
            }
        };
    }
    for about in [&hook.storage_id, &hook.notice, &hook.check, &hook.secret_id].into_iter().flatten() {
        let _ = write!(text, " ({about}");
        let _ = hook.secret_revision.map_or(Ok(()), |revision| write!(text, ", revision {revision}"));
        text.push(')');
    }
    text
}

fn remark(marker: Marker) -> &'static str {
    match marker {
        Marker::AgentStarted => "the agent starts",
        Marker::AgentStopping => "the agent is told to stop",
        Marker::RebootDetected => "the agent sees a reboot",
        Marker::NewPod => "the pod is new",
        Marker::LeaderDeposed => "the unit leads no more",
        Marker::AwaitingResolution => "the unit is in error",
        Marker::ResolvedWithoutRetry => "the hook counts as done",
        Marker::AgentExited => "the agent has stopped",
        Marker::UnitRemoved => "the unit is gone",
    }
}

/// Says what somebody did, in the words of the juju command where there is one.
pub fn act(target: &Target, stimulus: &Stimulus) -> String {
    let whom = target.name();
    match stimulus {
        Stimulus::Deploy { leads, .. } => {
            format!("deploy {whom}{}", if *leads { " as the leader" } else { "" })
        }
        Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint } => {
            let remote_endpoint =
                remote_endpoint.as_ref().map_or_else(String::new, |name| format!(":{name}"));
            format!("integrate {whom}:{endpoint} {remote_app}{remote_endpoint} (relation {relation})")
        }
        Stimulus::RemoveRelation { relation } => format!("remove-relation {relation}"),
        Stimulus::SuspendRelation { relation } => format!("suspend-relation {relation}"),
        Stimulus::ResumeRelation { relation } => format!("resume-relation {relation}"),
        Stimulus::RemoteUnitJoins { relation, unit } => format!("{unit} enters relation {relation}"),
        Stimulus::RemoteUnitLeaves { relation, unit } => format!("{unit} leaves relation {relation}"),
        Stimulus::RemoteUnitWrites { relation, unit } => format!("{unit} writes to relation {relation}"),
        Stimulus::RemoteAppWrites { relation } => {
            format!("the other application writes to relation {relation}")
        }
        Stimulus::UnitWrites { relation } => format!("{whom} writes to relation {relation}"),
        Stimulus::AppWrites { relation } => {
            format!("{whom} writes to its application's data of relation {relation}")
        }
        Stimulus::ConfigChanges => format!("config {whom} changes"),
        Stimulus::LeadershipGained => format!("{whom} becomes the leader"),
        Stimulus::LeadershipLost => format!("{whom} is the leader no more"),
        Stimulus::LeaderSettingsWritten => format!("the leader's settings of {whom} change"),
        Stimulus::StorageAdded { storage_id } => format!("add-storage {whom} {storage_id}"),
        Stimulus::StorageDetached { storage_id } => format!("detach-storage {storage_id}"),
        Stimulus::ContainerRestarts { container } => format!("container {container} of {whom} restarts"),
        Stimulus::CustomNotice { container, key } => format!("{container} of {whom} notifies {key}"),
        Stimulus::CheckFails { container, check } => format!("check {check} of {container} fails"),
        Stimulus::CheckRecovers { container, check } => format!("check {check} of {container} recovers"),
        Stimulus::SecretAdded { secret_id, owner } => {
            format!("{secret_id} is there, owner: {}", owner.name())
        }
        Stimulus::SecretRevised { secret_id } => format!("{secret_id} has a new revision"),
        Stimulus::SecretRotationDue { secret_id } => format!("{secret_id} is to be rotated"),
        Stimulus::SecretExpires { secret_id, revision } => {
            format!("revision {revision} of {secret_id} expires")
        }
        Stimulus::SecretUnused { secret_id, revision } => {
            format!("revision {revision} of {secret_id} is read by nobody")
        }
        Stimulus::ActionRuns { action } => format!("run {whom} {action}"),
        Stimulus::Refresh { forced } => {
            format!("refresh {whom}{}", if *forced { " --force-units" } else { "" })
        }
        Stimulus::AgentRestarts => format!("the agent of {whom} restarts"),
        Stimulus::PodTerminated => format!("the pod of {whom} is told to go"),
        Stimulus::PodLost => format!("the pod of {whom} is lost"),
        Stimulus::PodStarted => format!("a new pod of {whom} starts"),
        Stimulus::MachineReboots => format!("the machine of {whom} reboots"),
        Stimulus::CharmReboots { now } => format!("juju-reboot{}", if *now { " --now" } else { "" }),
        Stimulus::SeriesUpgradePrepared => format!("upgrade-machine of {whom} prepare"),
        Stimulus::SeriesUpgradeCompleted => format!("upgrade-machine of {whom} complete"),
        Stimulus::Retry => format!("resolved {whom}"),
        Stimulus::ResolveWithoutRetry => format!("resolved --no-retry {whom}"),
        Stimulus::TimePasses => "minutes pass".to_owned(),
        Stimulus::RemoveUnit => format!("remove-unit {whom}"),
    }
}
