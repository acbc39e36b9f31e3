//! What a sequence has shown so far. It accuses nobody.

use std::collections::BTreeMap;

use super::judge::{Filter, Settings, Start};
use crate::vocabulary::{Hook, HookKind, Marker, Name, Platform, Scope};

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
    /// It happened, or did not, before the first hook that we see; or the sequence is
    /// broken and what it says no longer counts.
    Unknown,
}

/// What is known about one endpoint.
#[derive(Debug, Default)]
pub(super) struct Endpoint {
    /// A hook of it came without the number of its relation.
    pub(super) has_unlabelled: bool,
    /// Its relations that were created and not broken.
    pub(super) live: u32,
    /// Whether any relation of it was ever seen.
    pub(super) was_created: bool,
}

/// What a sequence has shown so far.
#[derive(Debug)]
pub(super) struct View {
    pub(super) settings: Settings,
    pub(super) installed: Known,
    /// `start` was committed, in whichever life of the agent.
    pub(super) started: Known,
    /// `stop` was committed and no `start` since.
    pub(super) stopped: bool,
    pub(super) removed: bool,
    /// The first `config-changed` was committed.
    pub(super) configured: Known,
    /// `upgrade-charm` was committed, and its `config-changed` was not yet.
    pub(super) upgrade_pending: bool,
    /// The first `config-changed` was committed, and its `start` was not yet.
    pub(super) start_pending: bool,
    /// The hook that failed last and was not done since.
    pub(super) failed: Option<Hook>,
    /// The hook that began last.
    pub(super) last: Option<Hook>,
    /// The agent began since the last hook.
    pub(super) agent_is_new: bool,
    /// The machine was rebooted since the last hook.
    pub(super) rebooted: bool,
    /// The agent began at least once in the middle of the sequence.
    pub(super) has_restarted: bool,
    endpoints: BTreeMap<Name, Endpoint>,
}

impl View {
    pub(super) fn new(settings: Settings) -> Self {
        let at_deployment = match (settings.start, settings.filter) {
            (Start::Deployment, Filter::Nothing) => Known::No,
            (Start::Deployment, Filter::OtherEndpoints | Filter::Anything) | (Start::Unknown, _) => {
                Known::Unknown
            }
        };
        Self {
            settings,
            installed: at_deployment,
            started: at_deployment,
            stopped: false,
            removed: false,
            configured: at_deployment,
            upgrade_pending: false,
            start_pending: false,
            failed: None,
            last: None,
            agent_is_new: false,
            rebooted: false,
            has_restarted: false,
            endpoints: BTreeMap::new(),
        }
    }

    pub(super) fn is_on(&self, platform: Platform) -> bool {
        self.settings.platform == Some(platform)
    }

    pub(super) fn may_be_on(&self, platform: Platform) -> bool {
        self.settings.platform.is_none_or(|known| known == platform)
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
        let application = |unit: &str| unit.split('/').next().map(str::to_owned);
        match (&self.settings.peers, &self.settings.unit, &hook.remote_app) {
            (Some(peers), _, _) => Some(peers.contains(hook.subject())),
            (None, Some(unit), Some(remote_app)) => {
                Some(application(unit).as_deref() == Some(remote_app.as_str()))
            }
            (None, None, _) | (None, _, None) => None,
        }
    }

    /// Returns the relation's number where numbers can be relied on: once a hook of the
    /// endpoint came without one, it may have been of any relation.
    pub(super) fn relation_id(&self, hook: &Hook) -> Option<u32> {
        let unlabelled = self.endpoints.get(hook.subject()).is_some_and(|endpoint| endpoint.has_unlabelled);
        hook.relation_id.filter(|_| !unlabelled)
    }

    /// Returns how many relations the endpoint has now, where that can be known.
    pub(super) fn live_relations(&self, hook: &Hook) -> Option<u32> {
        self.sees_all_relations()
            .then(|| self.endpoints.get(hook.subject()).map_or(0, |endpoint| endpoint.live))
    }

    /// Whether a relation of the endpoint was ever created, or used without that.
    pub(super) fn was_created(&self, hook: &Hook) -> bool {
        self.endpoints.get(hook.subject()).is_some_and(|endpoint| endpoint.was_created)
    }

    /// Whether the hook can be another run of the one before it, which the agent's end
    /// interrupted (R65).
    pub(super) fn may_be_rerun(&self, hook: &Hook) -> bool {
        (self.agent_is_new || self.rebooted) && self.last.as_ref().is_some_and(|last| last.may_be(hook))
    }

    /// Whether the unit is being removed: on machines nothing else runs `stop`.
    pub(super) fn is_stopped_for_good(&self) -> bool {
        self.stopped && self.is_on(Platform::Machine)
    }

    /// Whether the hook is the first one of a unit that got the name of a removed one.
    pub(super) fn begins_new_life(&self, hook: &Hook) -> bool {
        let storage_comes_first = hook.kind == HookKind::StorageAttached && self.may_be_on(Platform::Machine);
        self.removed && (hook.kind == HookKind::Install || storage_comes_first)
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
            self.start_pending &= kind == HookKind::Start;
            self.upgrade_pending &= kind == HookKind::ConfigChanged || kind.scope() == Scope::Storage;
        }
        if kind.scope() == Scope::Relation {
            let endpoint = self.endpoints.entry(hook.subject.clone().unwrap_or_default()).or_default();
            endpoint.has_unlabelled |= hook.relation_id.is_none();
            if kind != HookKind::RelationCreated && !endpoint.was_created {
                // R30 or R48 has been asked; from here on there is one relation.
                endpoint.was_created = true;
                endpoint.live = 1;
            }
        }
        self.agent_is_new = false;
        self.rebooted = false;
        self.last = Some(hook.clone());
        if kind != HookKind::Action {
            self.failed = None;
        }
    }

    pub(super) fn fails(&mut self, hook: &Hook) {
        // A4: a failed action is nobody's error. R85: nor is a failed Pebble hook, which
        // is sent again instead of being retried.
        if hook.kind != HookKind::Action && hook.kind.scope() != Scope::Container {
            self.failed = Some(hook.clone());
        }
    }

    pub(super) fn is_terminated(&mut self) {
        // What was queued behind it is derived anew by the next agent (R66).
        self.start_pending = false;
        self.upgrade_pending = false;
    }

    pub(super) fn commits(&mut self, hook: &Hook) {
        match hook.kind {
            HookKind::Install => {
                // Even with an unknown beginning: nothing of these can be before it.
                if self.installed != Known::Yes {
                    self.started = Known::No;
                    self.configured = Known::No;
                }
                self.installed = Known::Yes;
            }
            HookKind::ConfigChanged => {
                self.start_pending = self.started == Known::No;
                self.upgrade_pending = false;
                self.configured = Known::Yes;
            }
            HookKind::Start => {
                self.started = Known::Yes;
                self.configured = Known::Yes;
                self.start_pending = false;
                self.stopped = false;
            }
            HookKind::UpgradeCharm => self.upgrade_pending = true,
            HookKind::Stop => self.stopped = true,
            HookKind::Remove => self.removed = true,
            HookKind::RelationCreated => {
                let endpoint = self.endpoints.entry(hook.subject.clone().unwrap_or_default()).or_default();
                endpoint.live += 1;
                endpoint.was_created = true;
            }
            HookKind::RelationBroken => {
                let endpoint = self.endpoints.entry(hook.subject.clone().unwrap_or_default()).or_default();
                endpoint.live = endpoint.live.saturating_sub(1);
            }
            HookKind::UpdateStatus
            | HookKind::LeaderElected
            | HookKind::LeaderSettingsChanged
            | HookKind::LeaderDeposed
            | HookKind::RelationJoined
            | HookKind::RelationChanged
            | HookKind::RelationDeparted
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
        match marker {
            Marker::AgentStarted => {
                self.agent_is_new = true;
                self.has_restarted |= self.last.is_some();
            }
            Marker::RebootDetected => self.rebooted = true,
            Marker::NewPod => {
                self.agent_is_new = true;
                self.upgrade_pending = false;
                self.start_pending = false;
            }
            Marker::AgentStopping
            | Marker::LeaderDeposed
            | Marker::AwaitingResolution
            | Marker::ResolvedWithoutRetry
            | Marker::AgentExited
            | Marker::UnitRemoved => {}
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
