//! Reads a sequence event by event and asks every monitor about it.

use super::finding::{Finding, Found};
use super::monitor::Monitor as _;
use super::settings::{Filter, Settings, Start};
use super::view::View;
use super::{
    KnownBug, RuleId, availability, declared, errors, leadership, peers, relation_members, relations,
    restarts, setup, storage, teardown, upgrade, workload,
};
use crate::vocabulary::{Hook, HookKind, JujuVersion, Marker, Outcome, Platform, UnknownHook};

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
    monitors: Monitors,
    position: usize,
}

impl Judge {
    /// Returns a judge that has read nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { view: View::new(settings), monitors: Monitors::default(), position: 0 }
    }

    /// Reads one event and returns what is wrong with it. The places that findings refer
    /// to are positions of hooks.
    pub fn step(&mut self, event: &Event) -> Vec<Finding> {
        self.step_at(self.position, event)
    }

    /// Reads one event, which stands at `place` of its source: a line, for example. The
    /// places that findings refer to are such places.
    pub fn step_at(&mut self, place: usize, event: &Event) -> Vec<Finding> {
        self.view.place = place;
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
        availability::OnlyWhatExists.begins(&self.view, hook, found);
        declared::OnlyWhatIsDeclared.begins(&self.view, hook, found);
        if !hook.kind.is_run_by_uniter() {
            return;
        }
        if self.view.begins_new_life(hook) {
            // R78: the name of a unit that was removed may be used again.
            let settings = Settings { start: Start::Deployment, ..self.view.settings.clone() };
            let place = self.view.place;
            self.monitors = Monitors::default();
            self.view = View::new(settings);
            self.view.place = place;
        }
        self.view.turn_to(hook);
        self.monitors.begin(&self.view, hook, found);
        // A failed hook that is not tried again was resolved without a retry, or R90 has
        // been broken. In both cases what follows is judged as if it had been done (R91).
        // R66: the `stop` of a pod takes its place instead, and it is derived anew later.
        if self.view.gives_up_failed(hook) {
            if hook.kind == HookKind::Stop && self.view.may_be_on(Platform::Kubernetes) {
                self.view.take_failed();
            } else {
                self.commit_failed();
                self.view.turn_to(hook);
            }
        }
        self.view.begins(hook);
        match outcome {
            Outcome::Ok | Outcome::Missing => {
                self.commit(hook);
                self.view.is_done();
            }
            Outcome::Failed => {
                self.view.fails(hook);
                self.note_known_failure(hook, found);
            }
            Outcome::Terminated => self.view.is_terminated(hook),
        }
    }

    fn marker(&mut self, marker: Marker) {
        self.monitors.tell(&self.view, marker);
        if marker == Marker::ResolvedWithoutRetry {
            self.commit_failed();
        }
        self.view.is_told(marker);
    }

    fn commit_failed(&mut self) {
        if let Some(failed) = self.view.take_failed() {
            self.view.turn_to(&failed);
            self.commit(&failed);
        }
    }

    fn commit(&mut self, hook: &Hook) {
        if hook.kind == HookKind::Action {
            return;
        }
        self.monitors.commit(&self.view, hook);
        self.view.commits(hook);
    }

    /// A failed hook is no breach; where a bug of Juju makes hooks fail, it is told.
    fn note_known_failure(&self, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::StorageDetaching && self.view.settings.version == Some(JujuVersion::V4_0) {
            let reason =
                format!("`{hook}` failed; when several units are removed at once, Juju 4.0 cuts it off");
            found.warn(RuleId::R26, reason).bug(KnownBug::DetachingCancelled);
        }
    }
}

/// Judges a whole sequence.
pub fn judge(settings: Settings, events: &[Event]) -> Vec<Finding> {
    let mut judge = Judge::new(settings);
    events.iter().flat_map(|event| judge.step(event)).collect()
}

/// Declares all monitors together, by what they have to see. They are fields of one
/// structure and not boxes in a list, because each is asked about each hook.
macro_rules! monitors {
    ($($filter:ident { $($name:ident: $monitor:ty,)* })*) => {
        /// The monitors that watch a sequence.
        #[derive(Debug, Default)]
        struct Monitors { $($($name: $monitor,)*)* }

        impl Monitors {
            /// A hook begins.
            fn begin(&mut self, view: &View, hook: &Hook, found: &mut Found) {
                $(if view.settings.filter <= Filter::$filter {
                    $(self.$name.begins(view, hook, found);)*
                })*
            }

            /// A hook was committed.
            fn commit(&mut self, view: &View, hook: &Hook) {
                $(if view.settings.filter <= Filter::$filter {
                    $(self.$name.commits(view, hook);)*
                })*
            }

            /// The source says that something happened.
            fn tell(&mut self, view: &View, marker: Marker) {
                $(if view.settings.filter <= Filter::$filter {
                    $(self.$name.is_told(view, marker);)*
                })*
            }
        }
    };
}

// Each group is followed by what may have been left out of a sequence that it can judge.
monitors! {
    Anything {
        departing_unit_is_one_of_two: relation_members::DepartingUnitIsOneOfTwo,
        joined_never_names_this_unit: peers::JoinedNeverNamesThisUnit,
        peers_are_not_broken: peers::PeersAreNotBroken,
    }
    Nothing {
        install_first: setup::InstallFirst,
        failed_install_is_retried: errors::FailedInstallIsRetried,
        nothing_without_install: setup::NothingWithoutInstall,
        config_changed_before_start: setup::ConfigChangedBeforeStart,
        peers_right_after_install: setup::PeersRightAfterInstall,
        known_relations_before_leadership: setup::KnownRelationsBeforeLeadership,
        start_follows_config_changed: setup::StartFollowsConfigChanged,
        quiet_before_start: setup::QuietBeforeStart,
        one_leadership_hook: setup::OneLeadershipHook,
        install_waits_for_storage: storage::InstallWaitsForStorage,
        not_before_install_on_kubernetes: storage::NotBeforeInstallOnKubernetes,
        attached_before_start: storage::AttachedBeforeStart,
        attached_then_detaching: storage::AttachedThenDetaching,
        detaching_before_stop: storage::DetachingBeforeStop,
        joined_after_start: relations::JoinedAfterStart,
        peers_are_created_in_setup: peers::PeersAreCreatedInSetup,
        config_changed_follows_upgrade: upgrade::ConfigChangedFollowsUpgrade,
        no_upgrade_in_error: upgrade::NoUpgradeInError,
        elected_once: leadership::ElectedOnce,
        no_leadership_when_dying: leadership::NoLeadershipWhenDying,
        update_status_when_idle: upgrade::UpdateStatusWhenIdle,
        start_after_reboot: restarts::StartAfterReboot,
        no_start_before_setup: restarts::NoStartBeforeSetup,
        start_after_restart: restarts::StartAfterRestart,
        new_pod_upgrades: restarts::NewPodUpgrades,
        interrupted_runs_first: restarts::InterruptedRunsFirst,
        nothing_new_when_told_to_go: restarts::NothingNewWhenToldToGo,
        nothing_between_stop_and_restart: restarts::NothingBetweenStopAndRestart,
        no_remove_for_pods: restarts::NoRemoveForPods,
        stop_then_remove: teardown::StopThenRemove,
        relations_before_stop: teardown::RelationsBeforeStop,
        remove_is_last: teardown::RemoveIsLast,
        stop_once: teardown::StopOnce,
        dying_waits_in_error: errors::DyingWaitsInError,
        dying_units_only_tear_down: teardown::DyingUnitsOnlyTearDown,
        pebble_waits: workload::PebbleWaits,
        checks_alternate: workload::ChecksAlternate,
        secrets_need_install: workload::SecretsNeedInstall,
    }
    OtherEndpoints {
        created_first: relations::CreatedFirst,
        joined_then_changed: relations::JoinedThenChanged,
        created_once: relations::CreatedOnce,
        members_only: relation_members::MembersOnly,
        departs_in_order: relation_members::DepartsInOrder,
        broken_when_empty: relation_members::BrokenWhenEmpty,
        one_unit_beside: relation_members::OneUnitBeside,
        nothing_after_broken: relations::NothingAfterBroken,
    }
    Nothing {
        failed_is_retried: errors::FailedIsRetried,
        resolved_is_done: errors::ResolvedIsDone,
        series_upgrade_pauses: upgrade::SeriesUpgradePauses,
    }
}
