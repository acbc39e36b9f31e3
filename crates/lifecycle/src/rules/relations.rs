//! The course of one relation: R30 with R48, R31, R33, R35 and R41.
//!
//! Where every hook of an endpoint has the number of its relation, each relation is judged
//! alone. Otherwise hooks are counted: an endpoint with two relations can be waiting for
//! two `changed`, and not for three.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Found;
use super::monitor::Monitor;
use super::settings::Filter;
use super::view::View;
use super::view::relations::RelationKey;
use super::{KnownBug, RuleId};
use crate::vocabulary::{Hook, HookKind, Name, Remote, Scope};

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
        let is_missing = match view.relations.key() {
            Some(key) => {
                view.sees_all_relations() && !self.created.contains(key) && self.created.insert(key.clone())
            }
            None => view.live_relations(hook) == Some(0) && !view.relations.was_created(hook),
        };
        if !is_missing {
            return;
        }
        let endpoint = hook.subject();
        let may_have_restarted =
            view.has_restarted || view.agent_is_new || view.settings.filter == Filter::OtherEndpoints;
        if may_have_restarted {
            found
                .add(
                    RuleId::R48,
                    format!(
                        "`{hook}` without `{endpoint}-relation-created`, which happens when the agent restarts just then"
                    ),
                )
                .since(view.places.restarted)
                .bug(KnownBug::CreatedMissing);
        } else {
            found.add(RuleId::R30, format!("`{hook}` ran before `{endpoint}-relation-created`"));
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind == HookKind::RelationCreated
            && let Some(key) = view.relations.key()
        {
            self.created.insert(key.clone());
        }
    }
}

/// R31: in one relation, a unit that joined is followed by its `changed`, before anything
/// else. Hooks of other relations may come between (R32).
#[derive(Debug, Default)]
pub(super) struct JoinedThenChanged {
    /// Who joined, and where.
    pending: BTreeMap<RelationKey, (Remote, usize)>,
    /// How many joined, and where the first of them did.
    pending_by_endpoint: BTreeMap<Name, (u32, usize)>,
}

impl Monitor for JoinedThenChanged {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() != Scope::Relation || view.may_be_rerun(hook) {
            return;
        }
        let endpoint = hook.subject();
        if let Some(key) = view.relations.key() {
            let Some((joined, place)) = self.pending.get(key) else { return };
            let is_same_remote =
                *joined == Remote::Unknown || hook.remote == Remote::Unknown || *joined == hook.remote;
            if hook.kind == HookKind::RelationChanged && is_same_remote {
                return;
            }
            let who = match joined {
                Remote::Unit(unit) => format!("of {unit} "),
                Remote::Unknown | Remote::Application => String::new(),
            };
            found
                .add(
                    RuleId::R31,
                    format!(
                        "`{endpoint}-relation-joined` {who}has to be followed by its `changed` before `{hook}` of the same relation"
                    ),
                )
                .since(Some(*place));
            self.pending.remove(key);
            return;
        }
        let may_follow = matches!(hook.kind, HookKind::RelationChanged | HookKind::RelationCreated);
        let Some((pending, place)) = self.pending_by_endpoint.get(endpoint) else { return };
        let is_full = view.live_relations(hook).is_some_and(|live| live > 0 && *pending >= live);
        if is_full && !may_follow && !view.has_restarted {
            found
                .add(
                    RuleId::R31,
                    format!("every relation of `{endpoint}` has a unit that joined and waits for its `changed`, and `{hook}` ran"),
                )
                .since(Some(*place));
            self.pending_by_endpoint.remove(endpoint);
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        let key = || hook.relation_id.map(|id| (id, hook.subject.clone().unwrap_or_default()));
        let endpoint = hook.subject();
        if hook.kind == HookKind::RelationJoined {
            if let Some(key) = key() {
                self.pending.insert(key, (hook.remote.clone(), view.place));
            }
            let pending = self.pending_by_endpoint.entry(endpoint.into()).or_insert((0, view.place));
            pending.0 += 1;
        } else if hook.kind == HookKind::RelationChanged {
            match key() {
                Some(key) => drop(self.pending.remove(&key)),
                // It may have been the one that any of the relations waited for.
                None => self.pending.retain(|(_, of), _| of != endpoint),
            }
            let is_last = match self.pending_by_endpoint.get_mut(endpoint) {
                Some((pending, _)) => {
                    *pending = pending.saturating_sub(1);
                    *pending == 0
                }
                None => false,
            };
            if is_last {
                self.pending_by_endpoint.remove(endpoint);
            }
        } else if hook.kind == HookKind::RelationBroken
            && let Some(key) = key()
        {
            self.pending.remove(&key);
        }
    }
}

/// R33: a relation is created once, and again only after it was broken.
#[derive(Debug, Default)]
pub(super) struct CreatedOnce;

impl Monitor for CreatedOnce {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind != HookKind::RelationCreated || view.may_be_rerun(hook) {
            return;
        }
        let members = view.relations.key().and_then(|key| view.relations.members(key));
        if let Some(place) = members.and_then(|members| members.created_at) {
            found
                .add(RuleId::R33, format!("`{hook}` ran twice for one relation that was not broken between"))
                .since(Some(place));
        }
    }
}

/// R35: remote units are seen only after `start`.
#[derive(Debug, Default)]
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
pub(super) struct NothingAfterBroken;

impl Monitor for NothingAfterBroken {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let is_of_relation = hook.kind.scope() == Scope::Relation && hook.kind != HookKind::RelationCreated;
        if !is_of_relation || view.may_be_rerun(hook) {
            return;
        }
        let endpoint = hook.subject();
        if let Some(key) = view.relations.key() {
            let members = view.relations.members(key);
            if let Some(place) = members.and_then(|members| members.broken_at) {
                found
                    .add(
                        RuleId::R41,
                        format!("`{hook}` ran after `{endpoint}-relation-broken` of the same relation"),
                    )
                    .since(Some(place));
            }
        } else if view.live_relations(hook) == Some(0)
            && view.relations.was_created(hook)
            && !view.has_restarted
        {
            found.add(
                RuleId::R41,
                format!("`{hook}` ran when every relation of `{endpoint}` had been broken"),
            );
        }
    }
}
