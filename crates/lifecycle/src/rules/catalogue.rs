//! Every rule: what it says, how strong it is, where it holds, and who says so.
//!
//! Sources name files of Juju below `worker/uniter/` (3.6.3), its pull requests and issues,
//! those of `canonical/operator`, or recorded traces.

use std::fmt;

use crate::vocabulary::{JujuVersion, Platform};

/// How firmly a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Known to be possible, so it must be accepted.
    Observed,
    /// Normal. Juju's code, or a known bug of it, allows otherwise.
    Should,
    /// Juju's code enforces it.
    Must,
}

/// What the judge does about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A monitor watches it.
    Watched,
    /// A monitor watches a part of it, which this says.
    Partly(&'static str),
    /// A monitor watches it and never does more than warn, for this reason.
    WarnsOnly(&'static str),
    /// It only says what is possible, so it accuses nobody. The monitors of other rules
    /// know of it.
    Allows,
    /// A sequence of hooks cannot show a breach, for this reason.
    Unseen(&'static str),
}

/// What is to be known about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// How firmly it holds.
    pub strength: Strength,
    /// The platform that it is about; `None` for both.
    pub platform: Option<Platform>,
    /// The first line of Juju that it holds for; `None` for all.
    pub since: Option<JujuVersion>,
    /// The last one; `None` for all.
    pub until: Option<JujuVersion>,
    /// What the judge does about it.
    pub judgement: Judgement,
    /// What it says, in one sentence.
    pub title: &'static str,
    /// Where that can be read.
    pub source: &'static str,
}

/// Declares the ids and their table together, so that none can be without the other.
macro_rules! rules {
    ($($id:ident: $strength:ident, $platform:expr, $since:expr, $until:expr, $judgement:expr, $title:literal, $source:literal;)*) => {
        /// The id of a rule, as the documentation and findings cite it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RuleId {
            $(#[doc = $title] $id,)*
        }

        impl RuleId {
            /// Every rule, in the order of their ids.
            pub const ALL: &[Self] = &[$(Self::$id,)*];

            /// Returns what is to be known about the rule.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$id => Rule {
                        id: Self::$id,
                        strength: Strength::$strength,
                        platform: $platform,
                        since: $since,
                        until: $until,
                        judgement: $judgement,
                        title: $title,
                        source: $source,
                    },)*
                }
            }
        }
    };
}

use Judgement::{Allows, Partly, Unseen, WarnsOnly, Watched};

const MACHINE: Option<Platform> = Some(Platform::Machine);
const KUBERNETES: Option<Platform> = Some(Platform::Kubernetes);
const V3_1: Option<JujuVersion> = Some(JujuVersion::V3_1);
const V3_6: Option<JujuVersion> = Some(JujuVersion::V3_6);

rules! {
    R01: Must, None, None, None, Watched,
        "`install` is done exactly once in a unit's life, and only the storage of a machine charm comes before it.",
        "storage/resolver.go:94-120, resolver.go:186-190,390";
    R02: Must, None, None, None, Partly("where the source tells of `juju resolved`; a log of Juju does not, so there it is a warning"),
        "A failed `install` runs again until it is done or resolved.",
        "uniter_test.go TestUniterInstallHook";
    R03: Must, None, None, None, Watched,
        "A unit that dies before `install` runs neither `stop` nor `remove`.",
        "uniter_test.go TestStorage";
    R10: Must, None, None, None, Watched,
        "After `install`: every known relation is created, then the leadership hook, then `config-changed`, then `start`.",
        "juju PR 11341, resolver.go:58-228";
    R11: Observed, None, None, None, Allows,
        "Between the leadership hook and `config-changed` there may be storage (Kubernetes), Pebble, secrets, actions, late relations and a late election.",
        "resolver.go:58-228";
    R12: Must, None, None, None, Partly("of peer relations; any other may have been added later"),
        "Relations known at `install` are created before the first leadership hook.",
        "juju PR 11341";
    R13: Must, None, None, None, Watched,
        "The first `config-changed` is immediately followed by `start`.",
        "operation/runhook.go:311-318";
    R14: Must, None, None, None, Watched,
        "Before the first `start` no unit joins, changes or departs, and there is no `update-status` and no second `config-changed`.",
        "resolver.go:346-416";
    R15: Should, None, None, None, Watched,
        "Setup has exactly one leadership hook.",
        "leadership/resolver.go";
    R16: Must, None, None, None, Allows,
        "`leader-elected` needs no peer relation.",
        "traces of charms without relations";
    R20: Must, MACHINE, None, None, WarnsOnly("somebody may have detached the storage before `install`"),
        "`install` waits until all storage of the deployment is attached.",
        "storage/resolver.go:113-117,144";
    R21: Must, KUBERNETES, None, None, Watched,
        "Storage is never attached before `install`.",
        "storage/resolver.go:98-114";
    R22: Should, KUBERNETES, None, None, Watched,
        "Storage is normally attached between the leadership hook and `config-changed`.",
        "traces of sidecar charms";
    R23: Observed, None, None, None, Allows,
        "Storage that is added later is attached at any time after `install`.",
        "uniter_test.go TestStorage";
    R24: Must, None, None, None, Watched,
        "A storage is attached and then detaching, once for each attachment.",
        "storage/resolver.go, uniter_test.go TestStorage";
    R25: Must, None, None, None, Watched,
        "The hook is called `STORAGE-storage-detaching`; there is no `storage-detached`.",
        "juju/charm PR 125";
    R26: Must, None, None, None, Partly("on Kubernetes, only where the source tells when the agent was told to go: there a pod that goes runs `stop`, too"),
        "When a unit is removed, storage is detached before `stop`.",
        "uniter_test.go:1466-1495, operator PR 2554";
    R27: Observed, None, None, None, Allows,
        "Detaching storage and leaving relations may come in any order, all before `stop`.",
        "juju PR 18073";
    R28: Observed, None, None, None, Allows,
        "Storage of a machine charm may be detached at any time.",
        "operator PR 2554";
    R30: Must, None, None, None, Watched,
        "A relation is created before any other hook of it.",
        "relation/resolver.go:185-345";
    R31: Must, None, None, None, Watched,
        "In one relation, a unit that joined is followed by its `changed` before any other hook of the relation.",
        "relation/resolver.go:188, relation/state.go Validate";
    R32: Observed, None, None, None, Allows,
        "Between joined and changed, hooks of other relations and of the unit may run.",
        "real traces: 38 of 93";
    R33: Must, None, None, None, Watched,
        "A relation is created once, and again only after it was broken.",
        "relation/statetracker.go";
    R34: Must, None, None, None, Watched,
        "`changed` and `departed` are of units that joined and have not departed since.",
        "relation/state.go Validate";
    R35: Must, None, None, None, Watched,
        "Units join and change only after `start`.",
        "resolver.go:346-416";
    R36: Observed, None, None, None, Allows,
        "A change of application data comes with no remote unit, and may precede every joined.",
        "relation/resolver.go:293-299";
    R37: Observed, None, None, None, Allows,
        "A leader may be told of its own application data in a peer relation.",
        "traces";
    R38: Observed, None, None, None, Allows,
        "Several writes between two hooks are one `changed`.",
        "relation/resolver.go";
    R39: Must, None, None, None, Partly("of units that depart because this one goes; otherwise nobody knows who waited"),
        "Units that wait together join and depart in the order of their names as text.",
        "relation/resolver.go";
    R40: Must, None, None, None, Watched,
        "A relation is broken when every unit that joined has departed.",
        "relation/state.go Validate";
    R41: Must, None, None, None, Watched,
        "Nothing of a relation runs after it was broken.",
        "relation/resolver.go";
    R42: Must, None, None, None, Unseen(
        "When a relation died, no hook tells. What shows is judged elsewhere: hooks of a relation that was not created by `R30`, a unit that was left behind by `R40`.",
    ),
        "A relation that dies before it was created has no hooks; one without units is created and broken.",
        "relation/resolver.go";
    R43: Must, None, None, None, Watched,
        "The departing unit is the remote unit, or this one when it goes.",
        "relation/resolver.go:243-255";
    R44: Must, None, None, None, Unseen(
        "That a remote application grew or shrank, no hook tells. What else would run is judged elsewhere: a second `created` by `R33`, a `broken` with units left by `R40`.",
    ),
        "A remote application that grows gives joined and changed; one that shrinks gives departed.",
        "relation/resolver.go";
    R45: Must, None, None, None, Watched,
        "Peer relations are created in setup, and a unit never joins itself.",
        "juju issue 19631";
    R46: Should, None, None, None, Watched,
        "Peer relations are not broken. Bug: after a restart of the agent a unit that goes breaks them.",
        "juju issue 20713, relation/statetracker.go:277";
    R47: Should, None, None, None, Unseen(
        "A log of one unit does not tell that another one left.",
    ),
        "Units that stay are told when a peer departs. Bug: 4.0.14 to 4.2-beta1 do not.",
        "juju issue 23326";
    R48: Observed, None, None, None, Watched,
        "Bug: an agent that restarts at the wrong moment leaves out `relation-created`.",
        "juju issue 20041, relation/statetracker.go:128";
    R49: Must, None, None, None, Partly("where the charm is known"),
        "A principal has no hooks for an implicit `juju-info`; a relation within a machine has one remote unit.",
        "relation/statetracker.go";
    R50: Observed, None, None, None, Allows,
        "A refresh runs no relation hooks.",
        "documentation of upgrade-charm";
    R51: Must, None, None, None, Watched,
        "`upgrade-charm` is immediately followed by `config-changed`.",
        "operation/runhook.go:319-325";
    R52: Observed, None, None, None, Allows,
        "A new resource runs `upgrade-charm` as a new revision does.",
        "uniter_test.go TestUpdateResourceCausesUpgrade";
    R53: Must, None, None, None, Partly("where the source tells of `juju resolved`; a log of Juju does not, so there it is a warning"),
        "While a hook is in error, a refresh waits, or if forced swaps the code without a hook.",
        "operation/deploy.go:92-131, juju issue 20173";
    R54: Must, None, None, None, Partly("up to Juju 3.6, or where the source tells that leadership was lost"),
        "A leader is elected again only after it lost leadership, which no hook tells.",
        "leadership/resolver.go";
    R55: Observed, None, None, V3_6, Allows,
        "`leader-settings-changed` also runs after each restart of an agent that does not lead.",
        "leadership/resolver.go";
    R56: Must, None, None, None, Partly("on Kubernetes, only where the source tells when the agent was told to go: there a pod that goes runs `stop`, too"),
        "A unit that is being removed has no leadership hooks. Bug: before about 2.9.29 it heard of settings.",
        "juju PR 13834, operator issue 708";
    R57: Observed, None, None, None, Allows,
        "An election or a secret hook that is queued is dropped when leadership is lost.",
        "operation/runhook.go:76-100";
    R58: Must, None, None, None, Watched,
        "`update-status` runs only on a unit that has started, is not stopping, and has nothing else to do.",
        "juju PR 3212, uniter_test.go TestNoUniterUpdateStatusHookInError";
    R59: Observed, None, None, None, Allows,
        "`config-changed` also runs when trust or the unit's address changes.",
        "traces";
    R60: Must, MACHINE, None, None, Watched,
        "After a reboot `start` comes first.",
        "juju PR 11261, reboot/resolver.go";
    R61: Must, MACHINE, None, None, Watched,
        "A reboot before the first `start` brings none of its own.",
        "reboot/resolver.go";
    R62: Observed, MACHINE, None, None, Allows,
        "`juju-reboot --now` runs the same hook again after the reboot.",
        "operation/runhook.go";
    R63: Must, KUBERNETES, None, None, Watched,
        "Each new agent of a unit that had started runs `start` first.",
        "uniter.go:482-490";
    R64: Must, KUBERNETES, None, None, Watched,
        "A new pod runs `upgrade-charm`, `config-changed` and `start`, with nothing between.",
        "loop.go:251-318";
    R65: Must, None, None, None, Partly("where the source tells how hooks ended and when the agent began"),
        "A hook that was killed with its agent runs again before anything else.",
        "operation/state.go";
    R66: Must, KUBERNETES, None, None, Partly("where the source tells when the agent was told to go"),
        "An agent that is told to go queues its hook again, runs `stop`, and ends.",
        "resolver.go";
    R67: Must, KUBERNETES, None, None, Partly("of units that join; what was going on may still end"),
        "What follows the `stop` of a pod belongs to the next agent.",
        "resolver.go";
    R68: Observed, KUBERNETES, None, None, Allows,
        "A pod may go without `stop`.",
        "traces";
    R69: Must, KUBERNETES, None, None, Watched,
        "`remove` does not run when a pod is replaced.",
        "traces";
    R70: Must, None, None, None, Partly("on Kubernetes, only where the source tells when the agent was told to go: there a pod that goes runs `stop`, too"),
        "A unit that goes leaves storage and relations, then runs `stop`, then `remove`.",
        "resolver.go:360-383, uniter_test.go:995-1030";
    R71: Must, None, None, None, Partly("on Kubernetes, only where the source tells when the agent was told to go: there a pod that goes runs `stop`, too"),
        "`stop` does not run while a relation that is no peer is not broken.",
        "resolver.go:360-383";
    R72: Must, None, None, None, Watched,
        "`remove` is the last hook.",
        "resolver.go:360-383";
    R73: Must, None, None, None, Watched,
        "A unit that had not started, or has stopped, does not stop.",
        "resolver.go:360-383";
    R74: Must, None, None, None, Partly("where the source tells of `juju resolved`; a log of Juju does not, so there it is a warning"),
        "A unit that goes while a hook is in error waits for its resolution.",
        "uniter_test.go TestUniterDyingReaction";
    R75: Observed, None, None, None, Allows,
        "With `--force` a life may end anywhere.",
        "resolver.go";
    R76: Must, None, None, None, Partly("on Kubernetes, only where the source tells when the agent was told to go: there a pod that goes runs `stop`, too"),
        "A unit that goes begins nothing: no created, joined, `config-changed`, refresh, timer or secrets.",
        "resolver.go:360-383";
    R77: Observed, KUBERNETES, None, None, Allows,
        "Older Juju may cut the hooks of a unit that is scaled away.",
        "juju PR 15313";
    R78: Observed, None, None, None, Allows,
        "The name of a removed unit may be used again, and begins with `install`.",
        "traces";
    R80: Must, KUBERNETES, None, None, Watched,
        "Pebble's hooks come after `install`, and never between `upgrade-charm`, `config-changed` and `start` where those are queued.",
        "container/workload.go:155-175";
    R81: Observed, KUBERNETES, None, None, Allows,
        "Otherwise Pebble's hooks come at any time, before `config-changed` or after `start`.",
        "container/workload.go";
    R82: Must, KUBERNETES, None, None, Unseen(
        "A container may start again at any time, which no hook tells, so one `pebble-ready` more or less proves nothing.",
    ),
        "After each restart of the agent every container becomes ready again.",
        "pebblepoller.go";
    R83: Observed, KUBERNETES, None, None, Allows,
        "After each restart all stored notices come again.",
        "pebblenotices.go:85";
    R84: Should, KUBERNETES, V3_6, None, Watched,
        "A check fails and recovers by turns.",
        "traces: 168 of 169";
    R85: Observed, KUBERNETES, None, None, Allows,
        "A failed Pebble hook does not hold the unit in error.",
        "container/workload.go";
    R86: Must, None, V3_1, None, Watched,
        "Secret hooks run only on an installed unit that stays; owners get rotate, expired and remove, consumers changed.",
        "secrets/resolver.go";
    R87: Observed, None, V3_1, None, Allows,
        "Rotate and expired repeat until the charm acts; remove comes once for each revision.",
        "juju issue 20794";
    R88: Observed, None, V3_1, None, Allows,
        "Of several secret hooks, expired comes first, then rotate, changed, remove.",
        "secrets/resolver.go:63-110";
    R90: Must, None, None, None, Partly("where the source tells of `juju resolved`; a log of Juju does not, so there it is a warning"),
        "A failed hook runs again, with nothing but actions between, until it is done or resolved.",
        "real failures: 76 of 76";
    R91: Must, None, None, None, Partly("where the source tells of `juju resolved`"),
        "`juju resolved --no-retry` counts the failed hook as done.",
        "uniter_test.go";
    R92: Must, None, None, None, Unseen(
        "Juju tries a failed hook again by itself as well, and the two look alike. That the hook is the next one is judged by `R90`.",
    ),
        "`juju resolved` runs the failed hook again at once.",
        "uniter_test.go";
    R93: Observed, None, None, None, Allows,
        "The agent may end at any point.",
        "operation/state.go";
    R95: Must, MACHINE, None, V3_6, Watched,
        "Between `pre-series-upgrade` and `post-series-upgrade` no hook runs.",
        "upgradeseries/resolver.go";
    V01: Must, None, None, None, Watched,
        "A hook exists in this Juju and on this platform.",
        "hooks.go, documentation of hooks";
    V02: Must, None, None, None, Partly("where the charm is known; in a log it is a warning, because an older revision may have had it"),
        "A hook is of an endpoint, a storage, a container or an action that the charm has.",
        "relation/statetracker.go SynchronizeScopes, documentation of hooks";
}

impl Rule {
    /// Whether a monitor watches the rule, or a part of it.
    pub fn is_judged(&self) -> bool {
        match self.judgement {
            Watched | Partly(_) | WarnsOnly(_) => true,
            Allows | Unseen(_) => false,
        }
    }

    /// Whether the judge can say that a sequence breaks it.
    pub fn can_be_broken(&self) -> bool {
        let accuses = match self.judgement {
            Watched | Partly(_) => true,
            WarnsOnly(_) | Allows | Unseen(_) => false,
        };
        accuses && self.strength == Strength::Must
    }
}

impl RuleId {
    /// Returns the rule that `text` names, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.to_string().eq_ignore_ascii_case(text.trim()))
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The ids are written in code as they are said.
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_found_by_its_name() {
        for &id in RuleId::ALL {
            assert_eq!(RuleId::parse(&id.to_string().to_lowercase()), Some(id));
        }
        assert_eq!(RuleId::parse("R99"), None);
    }

    #[test]
    fn every_rule_is_explained_in_a_sentence() {
        for rule in RuleId::ALL.iter().map(|id| id.rule()) {
            assert!(rule.title.ends_with('.') && !rule.source.is_empty(), "{}", rule.id);
        }
    }
}
