//! Who is in a relation: R34, R40 and R43.

use std::collections::{BTreeMap, BTreeSet};

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::relations::{RelationKey, key};
use super::view::View;
use crate::vocabulary::{Hook, HookKind, Name, Remote, Scope};

/// The units of one relation, as far as hooks name them.
#[derive(Debug, Default)]
struct Members {
    /// The relation was created before our eyes, so there is nobody whom we missed.
    is_whole: bool,
    /// A hook came that did not name its unit.
    has_unnamed: bool,
    joined: BTreeSet<Name>,
    left: BTreeSet<Name>,
    /// How many units are in it, named or not.
    count: u32,
}

impl Members {
    fn update(&mut self, hook: &Hook) {
        if hook.kind == HookKind::RelationCreated {
            *self = Self { is_whole: true, ..Self::default() };
        } else if hook.kind == HookKind::RelationBroken {
            *self = Self { is_whole: self.is_whole, ..Self::default() };
        } else if hook.kind == HookKind::RelationJoined {
            self.count += 1;
            self.moves(&hook.remote, true);
        } else if hook.kind == HookKind::RelationDeparted {
            self.count = self.count.saturating_sub(1);
            self.moves(&hook.remote, false);
        }
    }

    /// Notes that a unit came or went.
    fn moves(&mut self, remote: &Remote, comes: bool) {
        let Remote::Unit(unit) = remote else {
            self.has_unnamed = true;
            return;
        };
        let (from, to) =
            if comes { (&mut self.left, &mut self.joined) } else { (&mut self.joined, &mut self.left) };
        from.remove(unit);
        to.insert(unit.clone());
    }

    fn forbids(&self, hook: &Hook) -> Option<String> {
        let is_departed = hook.kind == HookKind::RelationDeparted;
        match &hook.remote {
            Remote::Unit(unit) if is_departed || hook.kind == HookKind::RelationChanged => {
                let is_missing = self.is_whole && !self.has_unnamed && !self.joined.contains(unit);
                if self.left.contains(unit) {
                    Some(format!("`{hook}`, and that unit had departed"))
                } else if is_missing {
                    Some(format!("`{hook}`, and that unit had not joined"))
                } else {
                    None
                }
            }
            Remote::Unit(unit) => {
                let is_there = self.joined.contains(unit) && !self.has_unnamed;
                (hook.kind == HookKind::RelationJoined && is_there)
                    .then(|| format!("`{hook}`, and that unit is in the relation already"))
            }
            Remote::Unknown => (is_departed && self.is_whole && self.count == 0)
                .then(|| format!("`{hook}`, and no unit is in the relation")),
            Remote::Application => None,
        }
    }
}

/// R34: `changed` and `departed` are of units that joined and have not departed since.
#[derive(Debug, Default)]
pub(super) struct MembersOnly {
    members: BTreeMap<RelationKey, Members>,
    by_endpoint: BTreeMap<Name, u32>,
}

impl Monitor for MembersOnly {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() != Scope::Relation || view.may_be_rerun(hook) {
            return;
        }
        if let Some(key) = key(view, hook) {
            if let Some(reason) = self.members.get(&key).and_then(|members| members.forbids(hook)) {
                found.add(RuleId::R34, reason);
            }
            return;
        }
        let count = self.by_endpoint.get(hook.subject()).copied().unwrap_or(0);
        if hook.kind == HookKind::RelationDeparted && view.live_relations(hook).is_some() && count == 0 {
            found.add(RuleId::R34, format!("`{hook}`, and no unit is in any relation of the endpoint"));
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind.scope() != Scope::Relation {
            return;
        }
        if let Some(key) = key(view, hook) {
            self.members.entry(key).or_default().update(hook);
        }
        let count = self.by_endpoint.entry(hook.subject.clone().unwrap_or_default()).or_default();
        if hook.kind == HookKind::RelationJoined {
            *count += 1;
        } else if hook.kind == HookKind::RelationDeparted {
            *count = count.saturating_sub(1);
        }
    }
}

/// R40: a relation breaks when nobody is left in it.
#[derive(Debug, Default)]
pub(super) struct BrokenWhenEmpty {
    members: BTreeMap<RelationKey, Members>,
    by_endpoint: BTreeMap<Name, u32>,
}

impl Monitor for BrokenWhenEmpty {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind != HookKind::RelationBroken {
            return;
        }
        let rest = match key(view, hook) {
            Some(key) => self.members.get(&key).map_or(0, |members| members.count),
            // With more relations, the units may be in another one.
            None if view.live_relations(hook) == Some(1) => {
                self.by_endpoint.get(hook.subject()).copied().unwrap_or(0)
            }
            None => 0,
        };
        if rest > 0 {
            let endpoint = hook.subject();
            let units = if rest == 1 { "1 unit".to_owned() } else { format!("{rest} units") };
            found.add(
                RuleId::R40,
                format!(
                    "`{hook}` with {units} in the relation: each gets `{endpoint}-relation-departed` first"
                ),
            );
        }
    }

    fn commits(&mut self, view: &View, hook: &Hook) {
        if hook.kind.scope() != Scope::Relation {
            return;
        }
        if let Some(key) = key(view, hook) {
            self.members.entry(key).or_default().update(hook);
        }
        let is_last =
            hook.kind == HookKind::RelationBroken && view.live_relations(hook).is_none_or(|live| live <= 1);
        let count = self.by_endpoint.entry(hook.subject.clone().unwrap_or_default()).or_default();
        if hook.kind == HookKind::RelationJoined {
            *count += 1;
        } else if hook.kind == HookKind::RelationDeparted {
            *count = count.saturating_sub(1);
        } else if is_last {
            *count = 0;
        }
    }
}

/// R43: the unit that departs is the remote one or this one.
#[derive(Debug)]
pub(super) struct DepartingUnitIsOneOfTwo;

impl Monitor for DepartingUnitIsOneOfTwo {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let (Some(departing), Remote::Unit(remote), Some(unit)) =
            (&hook.departing_unit, &hook.remote, &view.settings.unit)
        else {
            return;
        };
        if hook.kind == HookKind::RelationDeparted && departing != remote && departing != unit {
            found.add(
                RuleId::R43,
                format!(
                    "`{hook}` says that {departing} departs; it can only be {remote} or this unit, {unit}"
                ),
            );
        }
    }
}
