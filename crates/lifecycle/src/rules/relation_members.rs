//! Who is in a relation: R34, R39, R40, R43 and R49.

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::view::View;
use super::view::relations::Members;
use crate::vocabulary::{Hook, HookKind, Name, Remote, Scope};

/// Returns the units of the hook's relation, where the relation can be told and is known.
fn members(view: &View) -> Option<&Members> {
    view.relations.key().and_then(|key| view.relations.members(key))
}

/// R34: `changed` and `departed` are of units that joined and have not departed since.
#[derive(Debug, Default)]
pub(super) struct MembersOnly;

impl Monitor for MembersOnly {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind.scope() != Scope::Relation || view.may_be_rerun(hook) {
            return;
        }
        if view.relations.key().is_some() {
            if let Some((reason, since)) = members(view).and_then(|members| forbidden(members, hook)) {
                found.add(RuleId::R34, reason).since(since);
            }
        } else if hook.kind == HookKind::RelationDeparted
            && view.sees_all_relations()
            && view.relations.joined(hook) == 0
        {
            found.add(RuleId::R34, format!("`{hook}`, and no unit is in any relation of the endpoint"));
        }
    }
}

/// Returns why a relation with these units does not have the hook, and since when.
fn forbidden(members: &Members, hook: &Hook) -> Option<(String, Option<usize>)> {
    let is_departed = hook.kind == HookKind::RelationDeparted;
    match &hook.remote {
        Remote::Unit(unit) if is_departed || hook.kind == HookKind::RelationChanged => {
            if let Some(place) = members.left.get(unit) {
                return Some((format!("`{hook}`, and that unit had departed"), Some(*place)));
            }
            let is_missing = members.is_whole && !members.has_unnamed && !members.joined.contains(unit);
            is_missing.then(|| (format!("`{hook}`, and that unit had not joined"), members.created_at))
        }
        Remote::Unit(unit) => {
            let is_there = members.joined.contains(unit) && !members.has_unnamed;
            (hook.kind == HookKind::RelationJoined && is_there)
                .then(|| (format!("`{hook}`, and that unit is in the relation already"), None))
        }
        Remote::Unknown => (is_departed && members.is_whole && members.count == 0)
            .then(|| (format!("`{hook}`, and no unit is in the relation"), members.created_at)),
        Remote::Application => None,
    }
}

/// R39: units that leave together do so in the order of their names as text.
///
/// That they leave together is known when it is this unit that goes: from then on all of
/// them do. Peers are left out: their application may go before this unit does.
#[derive(Debug, Default)]
pub(super) struct DepartsInOrder;

impl Monitor for DepartsInOrder {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let (HookKind::RelationDeparted, Some(departing), Some(unit), Remote::Unit(remote)) =
            (hook.kind, &hook.departing_unit, &view.settings.unit, &hook.remote)
        else {
            return;
        };
        if departing != unit || view.may_be_rerun(hook) || view.is_peer(hook) != Some(false) {
            return;
        }
        let first: Option<&Name> = members(view).and_then(|members| members.joined.first());
        if let Some(first) = first.filter(|first| *first < remote) {
            found.add(
                RuleId::R39,
                format!(
                    "`{hook}`, and {first} departs first: units depart in the order of their names as text"
                ),
            );
        }
    }
}

/// R40: a relation breaks when nobody is left in it.
#[derive(Debug, Default)]
pub(super) struct BrokenWhenEmpty;

impl Monitor for BrokenWhenEmpty {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        if hook.kind != HookKind::RelationBroken {
            return;
        }
        let rest = if view.relations.key().is_some() {
            members(view).map_or(0, |members| members.count)
        } else if view.live_relations(hook) == Some(1) {
            // With more relations, the units may be in another one.
            view.relations.joined(hook)
        } else {
            0
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
}

/// R43: the unit that departs is the remote one or this one.
#[derive(Debug, Default)]
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

/// R49: a relation within a machine has one remote unit.
#[derive(Debug, Default)]
pub(super) struct OneUnitBeside;

impl Monitor for OneUnitBeside {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let (HookKind::RelationJoined, Remote::Unit(remote), Some(charm)) =
            (hook.kind, &hook.remote, &view.settings.charm)
        else {
            return;
        };
        let endpoint = charm.endpoints.get(hook.subject());
        if !endpoint.is_some_and(|endpoint| endpoint.is_container_scoped) {
            return;
        }
        let joined = members(view).map(|members| &members.joined);
        if let Some(other) = joined.and_then(|joined| joined.iter().find(|unit| *unit != remote)) {
            found.add(
                RuleId::R49,
                format!("`{hook}`, and {other} has joined: an endpoint of `scope: container` sees the one unit beside it"),
            );
        }
    }
}
