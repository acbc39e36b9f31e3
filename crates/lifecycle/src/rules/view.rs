//! What a sequence has shown so far. It accuses nobody.

pub(super) mod relations;

use super::settings::{Filter, Markers, Settings, Start};
use crate::vocabulary::{Hook, HookKind, Marker, Platform, Scope};

use self::relations::Relations;

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
    /// It happened, or did not, before the first hook that we see; or the sequence is
    /// broken and what it says no longer counts.
    Unknown,
}

/// Where things happened that later hooks depend on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    pub(super) failed: Option<usize>,
    pub(super) installed: Option<usize>,
    pub(super) configured: Option<usize>,
    pub(super) upgraded: Option<usize>,
    pub(super) stopped: Option<usize>,
    pub(super) removed: Option<usize>,
    pub(super) restarted: Option<usize>,
}

/// What a sequence has shown so far.
#[derive(Debug)]
pub(super) struct View {
    pub(super) settings: Settings,
    /// The place of what is being read.
    pub(super) place: usize,
    pub(super) places: Places,
    pub(super) installed: Known,
    /// `start` was committed, in whichever life of the agent.
    pub(super) started: Known,
    /// `stop` was committed and no `start` since.
    pub(super) stopped: bool,
    /// That `stop` was the end of the unit, and not of a pod.
    stopped_for_good: bool,
    /// The same of a `stop` that was begun and not done; another run of it says no more.
    stop_begun_for_good: Option<bool>,
    pub(super) removed: bool,
    /// The source says that the unit is no more.
    pub(super) gone: bool,
    /// The first `config-changed` was committed.
    pub(super) configured: Known,
    /// `upgrade-charm` was committed, and its `config-changed` was not yet.
    pub(super) upgrade_pending: bool,
    /// The first `config-changed` was committed, and its `start` was not yet.
    pub(super) start_pending: bool,
    /// The hook that failed last and was not done since.
    pub(super) failed: Option<Hook>,
    /// The hook that was cut off when the agent died, and did not run since (R65).
    pub(super) interrupted: Option<Hook>,
    /// The hook that began last.
    pub(super) last: Option<Hook>,
    /// The source says that it was done.
    last_is_done: bool,
    /// The agent began since the last hook.
    pub(super) agent_is_new: bool,
    /// The machine was rebooted since the last hook.
    pub(super) rebooted: bool,
    /// The agent began at least once in the middle of the sequence.
    pub(super) has_restarted: bool,
    /// The agent was told to go, or may have been, and has not begun since.
    pub(super) told_to_go: bool,
    pub(super) relations: Relations,
}

impl View {
    pub(super) fn new(settings: Settings) -> Self {
        let at_deployment = match (settings.start, settings.filter) {
            (Start::Deployment, Filter::Nothing) => Known::No,
            (Start::Deployment, Filter::OtherEndpoints | Filter::Anything) | (Start::Unknown, _) => {
                Known::Unknown
            }
        };
        // Before the first line it may have been told.
        let told_to_go = settings.start == Start::Unknown;
        Self {
            settings,
            place: 0,
            places: Places::default(),
            installed: at_deployment,
            started: at_deployment,
            stopped: false,
            stopped_for_good: false,
            stop_begun_for_good: None,
            removed: false,
            gone: false,
            configured: at_deployment,
            upgrade_pending: false,
            start_pending: false,
            failed: None,
            interrupted: None,
            last: None,
            last_is_done: false,
            agent_is_new: false,
            rebooted: false,
            has_restarted: false,
            told_to_go,
            relations: Relations::default(),
        }
    }

    pub(super) fn is_on(&self, platform: Platform) -> bool {
        self.settings.platform == Some(platform)
    }

    pub(super) fn may_be_on(&self, platform: Platform) -> bool {
        self.settings.platform.is_none_or(|known| known == platform)
    }

    /// Whether the source tells of every marker.
    pub(super) fn tells_all(&self) -> bool {
        self.settings.markers == Markers::All
    }

    /// Whether nothing can have run that is not in the sequence.
    pub(super) fn sees_all(&self) -> bool {
        self.settings.start == Start::Deployment && self.settings.filter == Filter::Nothing
    }

    /// Whether every relation that the unit has or had can be known.
    pub(super) fn sees_all_relations(&self) -> bool {
        match self.settings.filter {
            Filter::Nothing => self.settings.start == Start::Deployment,
            Filter::OtherEndpoints => true,
            Filter::Anything => false,
        }
    }

    /// Whether the endpoint is one between units of the same application, if known.
    pub(super) fn is_peer(&self, hook: &Hook) -> Option<bool> {
        self.settings.is_peer(hook.subject(), hook.remote_app.as_ref())
    }

    /// Returns how many relations the endpoint has now, where that can be known.
    pub(super) fn live_relations(&self, hook: &Hook) -> Option<u32> {
        self.sees_all_relations().then(|| self.relations.live(hook))
    }

    /// Whether the hook can be another run of the one before it, which the agent's end
    /// interrupted (R65). A log tells of a hook that was cut off as of one that ended, if
    /// that was at the last moment.
    pub(super) fn may_be_rerun(&self, hook: &Hook) -> bool {
        let is_restart = self.agent_is_new || self.rebooted;
        let is_done = self.tells_all() && self.last_is_done;
        is_restart && !is_done && self.last.as_ref().is_some_and(|last| last.may_be(hook))
    }

    /// Whether a `stop` at this moment says that the unit is being removed. On machines
    /// nothing else runs it; on Kubernetes the agent of a pod that goes does, too.
    pub(super) fn stop_is_for_good(&self) -> bool {
        let is_told = self.is_on(Platform::Kubernetes) && self.tells_all() && !self.told_to_go;
        self.is_on(Platform::Machine) || self.stop_begun_for_good.unwrap_or(is_told)
    }

    /// Whether the unit is known to be one that stopped because it is being removed.
    pub(super) fn is_stopped_for_good(&self) -> bool {
        self.stopped && self.stopped_for_good
    }

    /// Whether the hook is the first one of a unit that got the name of a removed one.
    pub(super) fn begins_new_life(&self, hook: &Hook) -> bool {
        let storage_comes_first = hook.kind == HookKind::StorageAttached && self.may_be_on(Platform::Machine);
        (self.removed || self.gone) && (hook.kind == HookKind::Install || storage_comes_first)
    }

    /// Whether the unit is known to be one that `start` has not begun yet. A failed hook
    /// that may have been resolved counts as done.
    pub(super) fn is_not_started(&self) -> bool {
        self.started == Known::No && !self.has_failed(HookKind::Start)
    }

    /// Whether the unit is known to be one without an installed charm.
    pub(super) fn is_not_installed(&self) -> bool {
        self.installed == Known::No && !self.has_failed(HookKind::Install)
    }

    /// Whether a hook of the kind is the one that holds the unit in error.
    pub(super) fn has_failed(&self, kind: HookKind) -> bool {
        self.failed.as_ref().is_some_and(|failed| failed.kind == kind)
    }

    /// Whether `hook` shows that the failed hook will not be tried again.
    pub(super) fn gives_up_failed(&self, hook: &Hook) -> bool {
        hook.kind != HookKind::Action && self.failed.as_ref().is_some_and(|failed| !failed.may_be(hook))
    }

    /// Turns to a hook, before the monitors are asked about it or told that it was done.
    pub(super) fn turn_to(&mut self, hook: &Hook) {
        self.relations.turn_to(hook);
    }

    pub(super) fn take_failed(&mut self) -> Option<Hook> {
        self.failed.take()
    }

    /// A hook begins, after the monitors were asked about it.
    pub(super) fn begins(&mut self, hook: &Hook) {
        let kind = hook.kind;
        if needs_install(kind) && self.installed != Known::Yes {
            // Of a broken sequence we no longer know what was so; one finding is enough.
            let was_promised = self.installed == Known::No;
            self.installed = Known::Yes;
            if was_promised {
                self.started = Known::Unknown;
                self.configured = Known::Unknown;
            }
        }
        if needs_start(kind) {
            self.started = Known::Yes;
            self.configured = Known::Yes;
        }
        // After `remove`, or a hook that cannot follow `stop`, the sequence is broken, and
        // saying so once is enough.
        self.removed = false;
        self.gone = false;
        let belies_stop = kind == HookKind::UpdateStatus
            || (self.is_stopped_for_good()
                && matches!(
                    kind,
                    HookKind::ConfigChanged | HookKind::UpgradeCharm | HookKind::RelationJoined
                ));
        if self.stopped && belies_stop {
            self.stopped = false;
            self.started = Known::Unknown;
        }
        if kind != HookKind::Action {
            self.stop_begun_for_good = (kind == HookKind::Stop).then(|| self.stop_is_for_good());
            self.start_pending &= kind == HookKind::Start;
            self.upgrade_pending &= kind == HookKind::ConfigChanged || kind.scope() == Scope::Storage;
            self.interrupted = None;
            self.failed = None;
        }
        self.relations.begins(hook);
        self.agent_is_new = false;
        self.rebooted = false;
        self.last = Some(hook.clone());
        self.last_is_done = false;
    }

    pub(super) fn fails(&mut self, hook: &Hook) {
        // A4: a failed action is nobody's error. R85: nor is a failed Pebble hook, which
        // is sent again instead of being retried.
        if hook.kind != HookKind::Action && hook.kind.scope() != Scope::Container {
            self.failed = Some(hook.clone());
            self.places.failed = Some(self.place);
        }
    }

    pub(super) fn is_terminated(&mut self, hook: &Hook) {
        // What was queued behind it is derived anew by the next agent (R66).
        self.start_pending = false;
        self.upgrade_pending = false;
        let is_run_again = hook.kind != HookKind::Action && hook.kind.scope() != Scope::Container;
        if self.tells_all() && !self.told_to_go && is_run_again {
            self.interrupted = Some(hook.clone());
            self.places.failed = Some(self.place);
        }
    }

    /// The hook that began last ended well.
    pub(super) fn is_done(&mut self) {
        self.last_is_done = true;
    }

    pub(super) fn commits(&mut self, hook: &Hook) {
        let here = Some(self.place);
        match hook.kind {
            HookKind::Install => {
                // Even with an unknown beginning: nothing of these can be before it.
                if self.installed != Known::Yes {
                    self.started = Known::No;
                    self.configured = Known::No;
                }
                self.installed = Known::Yes;
                self.places.installed = here;
            }
            HookKind::ConfigChanged => {
                self.start_pending = self.started == Known::No;
                self.upgrade_pending = false;
                self.configured = Known::Yes;
                self.places.configured = here;
            }
            HookKind::Start => {
                self.started = Known::Yes;
                self.configured = Known::Yes;
                self.start_pending = false;
                self.stopped = false;
            }
            HookKind::UpgradeCharm => {
                self.upgrade_pending = true;
                self.places.upgraded = here;
            }
            HookKind::Stop => {
                self.stopped_for_good = self.stop_is_for_good();
                self.stopped = true;
                self.places.stopped = here;
            }
            HookKind::Remove => {
                self.removed = true;
                self.places.removed = here;
            }
            HookKind::RelationCreated
            | HookKind::RelationJoined
            | HookKind::RelationChanged
            | HookKind::RelationDeparted
            | HookKind::RelationBroken => {
                let sees_all = self.sees_all_relations();
                self.relations.commits(hook, self.place, sees_all);
            }
            HookKind::UpdateStatus
            | HookKind::LeaderElected
            | HookKind::LeaderSettingsChanged
            | HookKind::LeaderDeposed
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
            | HookKind::Action
            | HookKind::CollectMetrics
            | HookKind::MeterStatusChanged
            | HookKind::PreSeriesUpgrade
            | HookKind::PostSeriesUpgrade => {}
        }
    }

    pub(super) fn is_told(&mut self, marker: Marker) {
        let here = Some(self.place);
        match marker {
            Marker::AgentStarted => {
                self.agent_is_new = true;
                self.has_restarted |= self.last.is_some();
                self.told_to_go = false;
                self.places.restarted = here;
            }
            Marker::RebootDetected => {
                self.rebooted = true;
                self.told_to_go = false;
                self.places.restarted = here;
            }
            Marker::NewPod => {
                self.agent_is_new = true;
                self.upgrade_pending = false;
                self.start_pending = false;
                self.told_to_go = false;
                self.interrupted = None;
                self.places.restarted = here;
            }
            Marker::AgentStopping => {
                self.told_to_go = true;
                // R66: the `stop` of a pod may take its place.
                self.interrupted = None;
            }
            Marker::ResolvedWithoutRetry => self.interrupted = None,
            Marker::UnitRemoved => {
                self.gone = true;
                self.places.removed = here;
            }
            Marker::LeaderDeposed | Marker::AwaitingResolution | Marker::AgentExited => {}
        }
    }
}

/// Whether a hook of the kind shows that `install` was committed.
pub(super) fn needs_install(kind: HookKind) -> bool {
    kind != HookKind::Install && kind != HookKind::Action && kind.scope() != Scope::Storage
}

/// Whether a hook of the kind shows that `start` was committed.
fn needs_start(kind: HookKind) -> bool {
    matches!(
        kind,
        HookKind::UpdateStatus
            | HookKind::RelationJoined
            | HookKind::RelationChanged
            | HookKind::RelationDeparted
            | HookKind::Stop
    )
}
