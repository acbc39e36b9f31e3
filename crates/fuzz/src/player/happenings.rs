//! What happens in the lifecycle, as it shows in Juju's state.

use std::collections::BTreeMap;

use charmproof_agent::state::{RelationEnds, application_of};
use charmproof_lifecycle::life::Target;
use charmproof_lifecycle::model::Model;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name};
use charmproof_pebble::CheckOutcome;
use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::{Player, made_up};

/// How much time passes when the script says that time passes: the interval of
/// `update-status`.
const SOME_MINUTES: SignedDuration = SignedDuration::from_mins(5);

impl Player<'_, '_> {
    /// Returns what really happens of what the script says.
    ///
    /// Charms do for themselves what a script of the lifecycle lets them do, and name their
    /// secrets themselves: the script's n-th secret is the n-th that a charm made.
    pub(super) fn adapted(&self, _: &Model, target: &Target, stimulus: &Stimulus) -> Option<Stimulus> {
        let secret = |name: &Name| self.secret_called(name);
        match stimulus {
            Stimulus::UnitWrites { .. }
            | Stimulus::AppWrites { .. }
            | Stimulus::SecretAdded { .. }
            | Stimulus::CharmReboots { .. }
            | Stimulus::LeaderSettingsWritten => None,
            Stimulus::SecretRevised { secret_id } => {
                Some(Stimulus::SecretRevised { secret_id: secret(secret_id)? })
            }
            Stimulus::SecretRotationDue { secret_id } => {
                Some(Stimulus::SecretRotationDue { secret_id: secret(secret_id)? })
            }
            Stimulus::SecretExpires { secret_id, revision } => {
                Some(Stimulus::SecretExpires { secret_id: secret(secret_id)?, revision: *revision })
            }
            Stimulus::SecretUnused { secret_id, revision } => {
                Some(Stimulus::SecretUnused { secret_id: secret(secret_id)?, revision: *revision })
            }
            // Only what is in the container's plan can fail.
            Stimulus::CheckFails { container, .. } => {
                let check = self.check_of(target, container)?;
                Some(Stimulus::CheckFails { container: container.clone(), check })
            }
            Stimulus::CheckRecovers { container, .. } => {
                let check = self.check_of(target, container)?;
                Some(Stimulus::CheckRecovers { container: container.clone(), check })
            }
            Stimulus::Deploy { .. }
            | Stimulus::Integrate { .. }
            | Stimulus::RemoveRelation { .. }
            | Stimulus::SuspendRelation { .. }
            | Stimulus::ResumeRelation { .. }
            | Stimulus::RemoteUnitJoins { .. }
            | Stimulus::RemoteUnitLeaves { .. }
            | Stimulus::RemoteUnitWrites { .. }
            | Stimulus::RemoteAppWrites { .. }
            | Stimulus::ConfigChanges
            | Stimulus::LeadershipGained
            | Stimulus::LeadershipLost
            | Stimulus::StorageAdded { .. }
            | Stimulus::StorageDetached { .. }
            | Stimulus::ContainerRestarts { .. }
            | Stimulus::CustomNotice { .. }
            | Stimulus::ActionRuns { .. }
            | Stimulus::Refresh { .. }
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
            | Stimulus::RemoveUnit => Some(stimulus.clone()),
        }
    }

    /// Returns a check that a container's plan has.
    fn check_of(&self, target: &Target, container: &str) -> Option<Name> {
        let checks = self.containers.get(target.name())?.checks(container);
        checks.into_iter().next().map(Name::from)
    }

    /// Returns the secret that a script calls `secret:N`; one with the name of a charm's own
    /// is that one, as in a life that was played before.
    fn secret_called(&self, name: &Name) -> Option<Name> {
        if self.secret_names.iter().any(|id| id.uri() == name.as_str()) {
            return Some(name.clone());
        }
        let number: usize = name.strip_prefix("secret:")?.parse().ok()?;
        let id = self.secret_names.get(number % self.secret_names.len().max(1))?;
        Some(id.uri().into())
    }

    /// Brings the state, and what units have besides it, to where the model is after something
    /// happened, and makes up what a stimulus does not tell.
    pub(super) fn follow(&mut self, model: &Model, target: &Target, stimulus: &Stimulus) {
        self.state.follow(model, target, stimulus);
        let name = target.name().clone();
        match stimulus {
            Stimulus::RemoteUnitWrites { relation, unit } => {
                if !self.state.is_modelled(application_of(unit)) {
                    let data = self.remote_data(*relation, application_of(unit), true);
                    let _ = self.state.write_unit_data(*relation, unit, &data);
                }
            }
            Stimulus::RemoteAppWrites { relation } => self.remote_application_writes(&name, *relation),
            Stimulus::ConfigChanges => self.change_config(application_of(&name)),
            Stimulus::PodLost | Stimulus::PodStarted => {
                // A pod's files end with it.
                self.processes.remove(&name);
                self.containers.remove(&name);
            }
            Stimulus::ContainerRestarts { container } => {
                let now = self.state.now;
                if let Some(containers) = self.containers.get_mut(&name) {
                    containers.stop(container);
                    let starts = !self.has_early_containers || containers.start(container, now).is_ok();
                    debug_assert!(starts, "a container that ran can run again");
                }
            }
            Stimulus::CustomNotice { container, key } => {
                if let Some(containers) = self.containers.get(&name) {
                    containers.notify(container, key);
                }
            }
            Stimulus::CheckFails { container, check } => {
                if let Some(containers) = self.containers.get(&name) {
                    containers.set_check(container, check, CheckOutcome::Down);
                }
            }
            Stimulus::CheckRecovers { container, check } => {
                if let Some(containers) = self.containers.get(&name) {
                    containers.set_check(container, check, CheckOutcome::Up);
                }
            }
            Stimulus::MachineReboots => {
                if let Some(process) = self.processes.get_mut(&name) {
                    process.reboot();
                }
            }
            Stimulus::TimePasses => self.state.advance_clock(SOME_MINUTES),
            // The state has followed these.
            Stimulus::Deploy { .. }
            | Stimulus::Integrate { .. }
            | Stimulus::RemoveRelation { .. }
            | Stimulus::SuspendRelation { .. }
            | Stimulus::ResumeRelation { .. }
            | Stimulus::RemoteUnitJoins { .. }
            | Stimulus::RemoteUnitLeaves { .. }
            | Stimulus::LeadershipGained
            | Stimulus::LeadershipLost
            | Stimulus::RemoveUnit
            | Stimulus::StorageAdded { .. }
            | Stimulus::StorageDetached { .. }
            | Stimulus::UnitWrites { .. }
            | Stimulus::AppWrites { .. }
            | Stimulus::LeaderSettingsWritten
            | Stimulus::SecretAdded { .. }
            | Stimulus::SecretRevised { .. }
            | Stimulus::SecretRotationDue { .. }
            | Stimulus::SecretExpires { .. }
            | Stimulus::SecretUnused { .. }
            | Stimulus::ActionRuns { .. }
            | Stimulus::Refresh { .. }
            | Stimulus::AgentRestarts
            | Stimulus::PodTerminated
            | Stimulus::CharmReboots { .. }
            | Stimulus::SeriesUpgradePrepared
            | Stimulus::SeriesUpgradeCompleted
            | Stimulus::Retry
            | Stimulus::ResolveWithoutRetry => {}
        }
    }

    /// Shows what a hook is about before it runs, where Juju does.
    pub(super) fn prepare(&mut self, unit: &Name, hook: &Hook) {
        let now = self.state.now;
        if hook.kind == HookKind::PebbleReady
            && let Some(containers) = self.containers.get_mut(unit)
            && let Err(error) = containers.start(hook.subject(), now)
        {
            self.trouble = Some(error.to_string());
        }
        self.state.prepare(unit, hook);
    }

    /// Does what Juju does when a hook was committed.
    pub(super) fn committed(&mut self, unit: &Name, hook: &Hook) {
        if let (HookKind::RelationBroken, Some(relation)) = (hook.kind, hook.relation_id)
            && self.state.is_leader(unit)
        {
            self.broken_by_leader.insert(relation);
        }
        self.state.committed(unit, hook);
    }

    fn remote_application_writes(&mut self, application: &str, relation: u32) {
        let Some(known) = self.state.relations.get(&relation) else { return };
        let Some(remote) = known.remote_application(application_of(application)).cloned() else { return };
        // What a modelled application has written is there already. With peers outside of the
        // model, one of them leads, and writes for all.
        let is_peer = known.is_peer();
        if !is_peer && self.play.actors.iter().any(|actor| actor.application == remote) {
            return;
        }
        if is_peer {
            return;
        }
        let data = self.remote_data(relation, &remote, false);
        let _ = self.state.write_application_data(relation, &remote, &data);
    }

    /// Returns what an application that does not run here writes: what the user's rules say,
    /// and nothing that a charm could take for the data of its interface otherwise.
    fn remote_data(&self, relation: u32, remote: &str, is_unit: bool) -> BTreeMap<String, String> {
        let ends = self.state.relations.get(&relation).map(|relation| &relation.ends);
        let Some(RelationEnds::Between(one, other)) = ends else { return BTreeMap::new() };
        let own = if one.application == remote { other } else { one };
        let endpoint = self.state.applications.get(&own.application);
        let interface = endpoint.and_then(|known| known.endpoints.get(&own.endpoint));
        let interface = interface.map_or("", |endpoint| endpoint.interface.as_str());
        let rule = self.play.rules.remote(&own.endpoint, interface);
        rule.map(|rule| if is_unit { rule.unit.clone() } else { rule.app.clone() }).unwrap_or_default()
    }

    fn change_config(&mut self, application: &str) {
        let Some(known) = self.state.applications.get(application) else { return };
        let names: Vec<String> = known.config.keys().cloned().collect();
        let Some(name) = self.chance.one_of(&names) else { return };
        let option = known.config[name].clone();
        let rule = self.play.rules.config.get(name);
        // An option that a rule gives values to is not left to its default.
        if rule.is_none() && option.value.is_some() && self.chance.happens(400) {
            let _ = self.state.reset_config(application, &[name]);
            return;
        }
        let value = made_up::value(&option, rule, &mut self.chance);
        let Some(value) = value else { return };
        let _ = self.state.set_config(application, &BTreeMap::from([(name.clone(), value)]));
    }

    /// Sets what rules give values to, as `juju deploy --config` does.
    pub(super) fn configure(&mut self) {
        let applications: Vec<Name> =
            self.play.actors.iter().map(|actor| actor.application.clone()).collect();
        for application in applications {
            for (name, rule) in &self.play.rules.config {
                let Some(value) = made_up::ruled(rule, None, &mut self.chance) else { continue };
                // Another charm of the life may be the one that has the option.
                let _ = self.state.set_config(&application, &BTreeMap::from([(name.clone(), value)]));
            }
        }
    }

    /// Returns what an action is called with: what its schema demands, and now and then more.
    pub(super) fn action_parameters(&mut self, unit: &Name, hook: &Hook) -> Map<String, Value> {
        let actor = self.play.actors.iter().find(|actor| actor.application == application_of(unit));
        let action = actor
            .and_then(|actor| actor.metadata.actions.iter().find(|action| action.name == hook.subject()));
        let rule = self.play.rules.actions.get(hook.subject());
        action.map(|action| made_up::parameters(action, rule, &mut self.chance)).unwrap_or_default()
    }
}
