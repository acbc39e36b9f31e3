//! The course of one relation: R30 with R48, R31, R33, R35 and R41.
//!
//! Where every hook of an endpoint has the number of its relation, each relation is judged
//! alone. Otherwise hooks are counted: an endpoint with two relations can be waiting for
//! two `changed`, and not for three.

use std::collections::{BTreeMap, BTreeSet};

use super::RuleId;
use super::finding::Found;
use super::judge::Filter;
use super::monitor::Monitor;
use super::view::View;
use crate::vocabulary::{Hook, HookKind, Name, Remote, Scope};

/// A relation by its endpoint and number.
pub(super) type RelationKey = (Name, u32);

/// Returns the relation where it can be told.
pub(super) fn key(view: &View, hook: &Hook) -> Option<RelationKey> {
    view.relation_id(hook).map(|id| (hook.subject.clone().unwrap_or_default(), id))
}

/// R30: a relation is created before anything else happens in it.
///
/// R48: an agent that restarts between entering a relation and running its hook takes the
/// relation for a created one. So after a restart the rule only warns.
#[derive(Debug, Default)]
pub(super) struct CreatedFirst {
    created: BTreeSet<RelationKey>,
}

impl Monitor for CreatedFirst {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() != Scope::Relation || hook.kind == HookKind::RelationCreated {
            return;
        }
        let is_missing = match key(view, hook) {
            Some(key) => view.sees_all_relations() && self.created.insert(key),
            None => view.live_relations(hook) == Some(0) && !view.was_created(hook),
        };
        if !is_missing {
            return;
        }
        let endpoint = hook.subject();
        let may_have_restarted =
            view.has_restarted || view.agent_is_new || view.settings.filter == Filter::OtherEndpoints;
        if may_have_restarted {
            found.add(
                RuleId::R48,
                format!(
                    "`{hook}` without `{endpoint}-relation-created`: a known bug of Juju, when the agent restarts just then"
                ),
            );
        } else {
            found.add(RuleId::R30, format!("`{hook}` ran before `{endpoint}-relation-created`"));
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind == HookKind::RelationCreated
            && let Some(key) = key(view, hook)
        {
            self.created.insert(key);
        }
    }
}

/// R31: in one relation, a unit that joined is followed by its `changed`, before anything
/// else. Hooks of other relations may come between (R32).
#[derive(Debug, Default)]
pub(super) struct JoinedThenChanged {
    pending: BTreeMap<RelationKey, Remote>,
    pending_by_endpoint: BTreeMap<Name, u32>,
}

impl Monitor for JoinedThenChanged {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() != Scope::Relation || view.may_be_rerun(hook) {
            return;
        }
        let endpoint = hook.subject();
        if let Some(key) = key(view, hook) {
            let Some(joined) = self.pending.get(&key) else { return };
            let is_same_remote =
                *joined == Remote::Unknown || hook.remote == Remote::Unknown || *joined == hook.remote;
            if hook.kind == HookKind::RelationChanged && is_same_remote {
                return;
            }
            let who = match joined {
                Remote::Unit(unit) => format!("of {unit} "),
                Remote::Unknown | Remote::Application => String::new(),
            };
            found.add(
                RuleId::R31,
                format!(
                    "`{endpoint}-relation-joined` {who}has to be followed by its `changed` before `{hook}` of the same relation"
                ),
            );
            self.pending.remove(&key);
            return;
        }
        let may_follow = matches!(hook.kind, HookKind::RelationChanged | HookKind::RelationCreated);
        let pending = self.pending_by_endpoint.get(endpoint).copied().unwrap_or(0);
        let is_full = view.live_relations(hook).is_some_and(|live| live > 0 && pending >= live);
        if is_full && !may_follow && !view.has_restarted {
            found.add(
                RuleId::R31,
                format!("every relation of `{endpoint}` has a unit that joined and waits for its `changed`, and `{hook}` ran"),
            );
            self.pending_by_endpoint.remove(endpoint);
        }
    }

    fn commits(&mut self, _view: &View, hook: &Hook) {
        let key = hook.relation_id.map(|id| (hook.subject.clone().unwrap_or_default(), id));
        let endpoint = hook.subject();
        if hook.kind == HookKind::RelationJoined {
            if let Some(key) = key {
                self.pending.insert(key, hook.remote.clone());
            }
            *self.pending_by_endpoint.entry(endpoint.into()).or_default() += 1;
        } else if hook.kind == HookKind::RelationChanged {
            match key {
                Some(key) => drop(self.pending.remove(&key)),
                // It may have been the one that any of the relations waited for.
                None => self.pending.retain(|(of, _), _| of != endpoint),
            }
            if let Some(pending) = self.pending_by_endpoint.get_mut(endpoint) {
                *pending = pending.saturating_sub(1);
            }
        } else if let Some(key) = key.filter(|_| hook.kind == HookKind::RelationBroken) {
            self.pending.remove(&key);
        }
    }
}

/// R33: a relation is created once, and again only after it was broken.
#[derive(Debug, Default)]
pub(super) struct CreatedOnce {
    live: BTreeSet<RelationKey>,
}

impl Monitor for CreatedOnce {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind == HookKind::RelationCreated
            && !view.may_be_rerun(hook)
            && key(view, hook).is_some_and(|key| self.live.contains(&key))
        {
            found
                .add(RuleId::R33, format!("`{hook}` ran twice for one relation that was not broken between"));
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        let Some(key) = key(view, hook) else { return };
        if hook.kind == HookKind::RelationCreated {
            self.live.insert(key);
        } else if hook.kind == HookKind::RelationBroken {
            self.live.remove(&key);
        }
    }
}

/// R35: remote units are seen only after `start`.
#[derive(Debug)]
pub(super) struct JoinedAfterStart;

impl Monitor for JoinedAfterStart {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if matches!(hook.kind, HookKind::RelationJoined | HookKind::RelationChanged) && view.is_not_started()
        {
            found.add(RuleId::R35, format!("`{hook}` ran before the first `start`"));
        }
    }
}

/// R41: `broken` is the last hook of a relation.
#[derive(Debug, Default)]
pub(super) struct NothingAfterBroken {
    broken: BTreeSet<RelationKey>,
}

impl Monitor for NothingAfterBroken {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let is_of_relation = hook.kind.scope() == Scope::Relation && hook.kind != HookKind::RelationCreated;
        if !is_of_relation || view.may_be_rerun(hook) {
            return;
        }
        let is_over = match key(view, hook) {
            Some(key) => self.broken.contains(&key),
            None => view.live_relations(hook) == Some(0) && view.was_created(hook) && !view.has_restarted,
        };
        if is_over {
            let endpoint = hook.subject();
            found.add(
                RuleId::R41,
                format!("`{hook}` ran after `{endpoint}-relation-broken` of the same relation"),
            );
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        let Some(key) = key(view, hook) else { return };
        if hook.kind == HookKind::RelationBroken {
            self.broken.insert(key);
        } else if hook.kind == HookKind::RelationCreated {
            self.broken.remove(&key);
        }
    }
}
