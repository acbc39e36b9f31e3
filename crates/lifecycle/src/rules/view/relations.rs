//! What a sequence has shown of relations. It accuses nobody.
//!
//! Where every hook of an endpoint has the number of its relation, each relation is known
//! by itself. Otherwise hooks are counted by endpoint.

use std::collections::{BTreeMap, BTreeSet};

use crate::vocabulary::{Hook, HookKind, Name, Remote, Scope};

/// A relation by its number and endpoint.
pub(in super::super) type RelationKey = (u32, Name);

/// What is known about one endpoint.
#[derive(Debug, Default)]
pub(in super::super) struct Endpoint {
    /// A hook of it came without the number of its relation.
    has_unlabelled: bool,
    /// Its relations that were created and not broken.
    live: u32,
    /// Whether any relation of it was ever seen.
    was_created: bool,
    /// How many units are in its relations.
    joined: u32,
}

/// The units of one relation, as far as hooks name them.
#[derive(Debug, Default)]
pub(in super::super) struct Members {
    /// The relation was created before our eyes, so there is nobody whom we missed.
    pub(in super::super) is_whole: bool,
    /// A hook came that did not name its unit.
    pub(in super::super) has_unnamed: bool,
    pub(in super::super) joined: BTreeSet<Name>,
    /// Who left, and the place of that.
    pub(in super::super) left: BTreeMap<Name, usize>,
    /// How many units are in it, named or not.
    pub(in super::super) count: u32,
    /// The place of `broken`, after which nothing comes.
    pub(in super::super) broken_at: Option<usize>,
    /// The place of `created`, until it is broken.
    pub(in super::super) created_at: Option<usize>,
}

impl Members {
    fn update(&mut self, hook: &Hook, place: usize) {
        if hook.kind == HookKind::RelationCreated {
            *self = Self { is_whole: true, created_at: Some(place), ..Self::default() };
        } else if hook.kind == HookKind::RelationBroken {
            *self = Self { is_whole: self.is_whole, broken_at: Some(place), ..Self::default() };
        } else if hook.kind == HookKind::RelationJoined {
            self.count += 1;
            if let Remote::Unit(unit) = &hook.remote {
                self.left.remove(unit);
                self.joined.insert(unit.clone());
            } else {
                self.has_unnamed = true;
            }
        } else if hook.kind == HookKind::RelationDeparted {
            self.count = self.count.saturating_sub(1);
            if let Remote::Unit(unit) = &hook.remote {
                self.joined.remove(unit);
                self.left.insert(unit.clone(), place);
            } else {
                self.has_unnamed = true;
            }
        }
    }
}

/// All relations of a unit.
#[derive(Debug, Default)]
pub(in super::super) struct Relations {
    /// The relation of the hook that is being judged.
    current: Option<RelationKey>,
    endpoints: BTreeMap<Name, Endpoint>,
    members: BTreeMap<RelationKey, Members>,
}

impl Relations {
    /// Turns to the relation of a hook. It is known by its number where numbers can be
    /// relied on: once a hook of the endpoint came without one, it may have been of any
    /// relation.
    pub(super) fn turn_to(&mut self, hook: &Hook) {
        self.current = hook.relation_id.map(|id| (id, hook.subject.clone().unwrap_or_default()));
        let is_unlabelled = |(_, subject): &RelationKey| {
            self.endpoints.get(subject).is_some_and(|endpoint| endpoint.has_unlabelled)
        };
        if self.current.as_ref().is_some_and(is_unlabelled) {
            self.current = None;
        }
    }

    /// Returns the relation of the hook that is being judged, where it can be told.
    pub(in super::super) fn key(&self) -> Option<&RelationKey> {
        self.current.as_ref()
    }

    /// Returns the units of a relation that has shown any hook.
    pub(in super::super) fn members(&self, key: &RelationKey) -> Option<&Members> {
        self.members.get(key)
    }

    /// Returns how many relations of the hook's endpoint were created and not broken.
    pub(in super::super) fn live(&self, hook: &Hook) -> u32 {
        self.endpoints.get(hook.subject()).map_or(0, |endpoint| endpoint.live)
    }

    /// Returns how many units are in the relations of the hook's endpoint.
    pub(in super::super) fn joined(&self, hook: &Hook) -> u32 {
        self.endpoints.get(hook.subject()).map_or(0, |endpoint| endpoint.joined)
    }

    /// Whether a relation of the endpoint was ever created, or used without that.
    pub(in super::super) fn was_created(&self, hook: &Hook) -> bool {
        self.endpoints.get(hook.subject()).is_some_and(|endpoint| endpoint.was_created)
    }

    fn endpoint(&mut self, hook: &Hook) -> &mut Endpoint {
        self.endpoints.entry(hook.subject.clone().unwrap_or_default()).or_default()
    }

    pub(super) fn begins(&mut self, hook: &Hook) {
        if hook.kind.scope() != Scope::Relation {
            return;
        }
        let endpoint = self.endpoint(hook);
        endpoint.has_unlabelled |= hook.relation_id.is_none();
        if hook.kind != HookKind::RelationCreated && !endpoint.was_created {
            // R30 or R48 has been asked; from here on there is one relation.
            endpoint.was_created = true;
            endpoint.live = 1;
        }
    }

    pub(super) fn commits(&mut self, hook: &Hook, place: usize, sees_all: bool) {
        if hook.kind.scope() != Scope::Relation {
            return;
        }
        if let Some(key) = &self.current {
            match self.members.get_mut(key) {
                Some(members) => members.update(hook, place),
                None => self.members.entry(key.clone()).or_default().update(hook, place),
            }
        }
        let endpoint = self.endpoint(hook);
        if hook.kind == HookKind::RelationCreated {
            endpoint.live += 1;
            endpoint.was_created = true;
        } else if hook.kind == HookKind::RelationJoined {
            endpoint.joined += 1;
        } else if hook.kind == HookKind::RelationDeparted {
            endpoint.joined = endpoint.joined.saturating_sub(1);
        } else if hook.kind == HookKind::RelationBroken {
            // Nobody is left when the last relation is over.
            if !sees_all || endpoint.live <= 1 {
                endpoint.joined = 0;
            }
            endpoint.live = endpoint.live.saturating_sub(1);
        }
    }
}
