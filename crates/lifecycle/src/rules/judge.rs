//! Reads a sequence event by event and asks every monitor about it.

use std::collections::BTreeSet;

use super::finding::{Finding, Found};
use super::monitor::Monitor;
use super::view::View;
use super::{
    RuleId, availability, errors, leadership, peers, relation_members, relations, restarts, setup, storage,
    teardown, upgrade, workload,
};
use crate::vocabulary::{Hook, HookKind, JujuVersion, Marker, Outcome, Platform, UnknownHook};

/// Where a sequence begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the deployment of the unit: nothing ran before the first hook.
    Deployment,
    /// Somewhere. A rule may only accuse on what the sequence itself has shown.
    #[default]
    Unknown,
}

/// What somebody has left out of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    #[default]
    Nothing,
    /// All but the hooks of some endpoints, which are there from their first.
    OtherEndpoints,
    /// Anything. Only rules that need to see but one hook can judge.
    Anything,
}

/// What is known about a sequence before it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The line of Juju releases; without it, whatever any of them does is accepted.
    pub version: Option<JujuVersion>,
    /// The platform; without it, whatever either does is accepted.
    pub platform: Option<Platform>,
    /// Where the sequence begins.
    pub start: Start,
    /// What was left out.
    pub filter: Filter,
    /// The unit that ran the hooks.
    pub unit: Option<String>,
    /// The charm's peer endpoints, all of them. No log names them.
    pub peers: Option<BTreeSet<String>>,
}

/// One thing that a sequence has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A hook ran once.
    Hook {
        /// The hook.
        hook: Hook,
        /// How it ended.
        outcome: Outcome,
    },
    /// Something else happened.
    Marker(Marker),
    /// A name stands where a hook should. It counts as a hook in positions.
    Unknown(UnknownHook),
}

impl Event {
    /// Returns a hook that went well.
    pub fn ran(hook: Hook) -> Self {
        Self::Hook { hook, outcome: Outcome::Ok }
    }
}

/// Reads one unit's sequence. Its memory grows with the unit's relations and storages,
/// not with the sequence.
#[derive(Debug)]
pub struct Judge {
    view: View,
    monitors: Vec<Box<dyn Monitor>>,
    availability: availability::OnlyWhatExists,
    position: usize,
}

impl Judge {
    /// Returns a judge that has read nothing yet.
    pub fn new(settings: Settings) -> Self {
        let monitors = monitors(settings.filter);
        Self { view: View::new(settings), monitors, availability: availability::OnlyWhatExists, position: 0 }
    }

    /// Reads one event and returns what is wrong with it.
    pub fn step(&mut self, event: &Event) -> Vec<Finding> {
        match event {
            Event::Hook { hook, outcome } => {
                let mut found = Found::at(self.position);
                self.position += 1;
                self.hook(hook, *outcome, &mut found);
                found.into_findings()
            }
            Event::Marker(marker) => {
                self.marker(*marker);
                Vec::new()
            }
            Event::Unknown(unknown) => {
                let mut found = Found::at(self.position);
                self.position += 1;
                if unknown.meant == Some(HookKind::StorageDetaching) {
                    found.add(RuleId::R25, unknown.to_string());
                }
                found.into_findings()
            }
        }
    }

    fn hook(&mut self, hook: &Hook, outcome: Outcome, found: &mut Found) {
        self.availability.begins(&self.view, hook, found);
        if !hook.kind.is_run_by_uniter() {
            return;
        }
        if self.view.begins_new_life(hook) {
            // R78: the name of a unit that was removed may be used again.
            let settings = Settings { start: Start::Deployment, ..self.view.settings.clone() };
            self.monitors = monitors(settings.filter);
            self.view = View::new(settings);
        }
        for monitor in &mut self.monitors {
            monitor.begins(&self.view, hook, found);
        }
        // A failed hook that is not tried again was resolved without a retry, or R90 has
        // been broken. In both cases what follows is judged as if it had been done (R91).
        // R66: the `stop` of a pod takes its place instead, and it is derived anew later.
        if self.view.gives_up_failed(hook) {
            if hook.kind == HookKind::Stop && self.view.may_be_on(Platform::Kubernetes) {
                self.view.take_failed();
            } else {
                self.commit_failed();
            }
        }
        self.view.begins(hook);
        match outcome {
            Outcome::Ok | Outcome::Missing => self.commit(hook),
            Outcome::Failed => self.view.fails(hook),
            Outcome::Terminated => self.view.is_terminated(),
        }
    }

    fn marker(&mut self, marker: Marker) {
        for monitor in &mut self.monitors {
            monitor.is_told(&self.view, marker);
        }
        if marker == Marker::ResolvedWithoutRetry {
            self.commit_failed();
        }
        self.view.is_told(marker);
    }

    fn commit_failed(&mut self) {
        if let Some(failed) = self.view.take_failed() {
            self.commit(&failed);
        }
    }

    fn commit(&mut self, hook: &Hook) {
        if hook.kind == HookKind::Action {
            return;
        }
        for monitor in &mut self.monitors {
            monitor.commits(&self.view, hook);
        }
        self.view.commits(hook);
    }
}

/// Judges a whole sequence.
pub fn judge(settings: Settings, events: &[Event]) -> Vec<Finding> {
    let mut judge = Judge::new(settings);
    events.iter().flat_map(|event| judge.step(event)).collect()
}

/// Returns the monitors that can judge a sequence of which `filter` was left out.
fn monitors(filter: Filter) -> Vec<Box<dyn Monitor>> {
    let need_one_hook: [Box<dyn Monitor>; 3] = [
        Box::new(relation_members::DepartingUnitIsOneOfTwo),
        Box::new(peers::JoinedNeverNamesThisUnit),
        Box::new(peers::PeersAreNotBroken),
    ];
    let need_an_endpoint: [Box<dyn Monitor>; 6] = [
        Box::<relations::CreatedFirst>::default(),
        Box::<relations::JoinedThenChanged>::default(),
        Box::<relations::CreatedOnce>::default(),
        Box::<relation_members::MembersOnly>::default(),
        Box::<relation_members::BrokenWhenEmpty>::default(),
        Box::<relations::NothingAfterBroken>::default(),
    ];
    let need_all: [Box<dyn Monitor>; 32] = [
        Box::new(setup::InstallFirst),
        Box::new(errors::FailedInstallIsRetried),
        Box::new(setup::NothingWithoutInstall),
        Box::new(setup::ConfigChangedBeforeStart),
        Box::<setup::KnownRelationsBeforeLeadership>::default(),
        Box::new(setup::StartFollowsConfigChanged),
        Box::new(setup::QuietBeforeStart),
        Box::<setup::OneLeadershipHook>::default(),
        Box::<storage::NotBeforeInstallOnKubernetes>::default(),
        Box::<storage::AttachedBeforeStart>::default(),
        Box::<storage::AttachedThenDetaching>::default(),
        Box::new(storage::DetachingBeforeStop),
        Box::new(relations::JoinedAfterStart),
        Box::<peers::PeersAreCreatedInSetup>::default(),
        Box::new(upgrade::ConfigChangedFollowsUpgrade),
        Box::new(upgrade::NoUpgradeInError),
        Box::<leadership::ElectedOnce>::default(),
        Box::new(leadership::NoLeadershipWhenDying),
        Box::<upgrade::UpdateStatusWhenIdle>::default(),
        Box::<restarts::StartAfterReboot>::default(),
        Box::<restarts::NoStartBeforeSetup>::default(),
        Box::<restarts::StartAfterRestart>::default(),
        Box::<restarts::NewPodUpgrades>::default(),
        Box::new(restarts::NothingBetweenStopAndRestart),
        Box::<teardown::StopThenRemove>::default(),
        Box::<teardown::RelationsBeforeStop>::default(),
        Box::new(teardown::RemoveIsLast),
        Box::new(teardown::StopOnce),
        Box::new(teardown::DyingUnitsOnlyTearDown),
        Box::new(workload::PebbleWaits),
        Box::<workload::ChecksAlternate>::default(),
        Box::new(workload::SecretsNeedInstall),
    ];
    let mut monitors = Vec::from(need_one_hook);
    match filter {
        Filter::Anything => {}
        Filter::OtherEndpoints => monitors.extend(need_an_endpoint),
        Filter::Nothing => {
            monitors.extend(need_all);
            monitors.extend(need_an_endpoint);
            monitors.push(Box::new(errors::FailedIsRetried));
            monitors.push(Box::<upgrade::SeriesUpgradePauses>::default());
        }
    }
    monitors
}
