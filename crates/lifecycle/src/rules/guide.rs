//! What is to be known about each kind of hook: when it fires, what comes before and after
//! it, and what its environment has.
//!
//! Nothing here judges. It is what `charmproof explain` tells, from the documentation of
//! Juju, its code, and the rules.

use super::RuleId;
use crate::vocabulary::{HookKind, Scope};

/// A variable of a hook's environment, and what it holds.
pub type Variable = (&'static str, &'static str);

/// What is to be known about a kind of hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guide {
    /// When Juju runs it.
    pub fires: &'static str,
    /// What has to have happened before.
    pub before: &'static str,
    /// What comes after it, or must not.
    pub after: &'static str,
    /// How often it runs.
    pub times: &'static str,
    /// Since when there is it, and until when.
    pub versions: &'static str,
    /// The rules that are about it; [`rules_of`] adds those that are about every hook.
    rules: &'static [RuleId],
    /// Where that can be read.
    pub source: &'static str,
}

/// The variables that every hook has.
pub const COMMON_VARIABLES: [Variable; 5] = [
    ("JUJU_HOOK_NAME", "the name of the hook; empty for an action"),
    ("JUJU_DISPATCH_PATH", "hooks/NAME, or actions/NAME for an action"),
    ("JUJU_UNIT_NAME", "the unit, as in web/0"),
    ("JUJU_VERSION", "the version of the unit's agent"),
    ("JUJU_MODEL_NAME, JUJU_MODEL_UUID", "the model"),
];

const RELATION: [Variable; 3] = [
    ("JUJU_RELATION", "the endpoint"),
    ("JUJU_RELATION_ID", "the endpoint and the number of the relation, as in db:3"),
    ("JUJU_REMOTE_APP", "the application at the other end"),
];

const STORAGE: [Variable; 3] = [
    ("JUJU_STORAGE_ID", "the instance, as in data/0"),
    ("JUJU_STORAGE_LOCATION", "where it is mounted; still so while it is detaching"),
    ("JUJU_STORAGE_KIND", "filesystem or block"),
];

const NOTICE: [Variable; 3] = [
    ("JUJU_NOTICE_ID", "the number of the notice"),
    ("JUJU_NOTICE_TYPE", "custom"),
    ("JUJU_NOTICE_KEY", "the key of the notice, as in example.com/ready"),
];

const SECRET: [Variable; 2] =
    [("JUJU_SECRET_ID", "the secret"), ("JUJU_SECRET_LABEL", "the label that this unit gave it")];

/// Returns the variables that a hook of the kind has besides [`COMMON_VARIABLES`].
pub fn variables(kind: HookKind) -> Vec<Variable> {
    let mut all = match kind.scope() {
        Scope::Unit => Vec::new(),
        Scope::Relation => RELATION.to_vec(),
        Scope::Storage => STORAGE.to_vec(),
        Scope::Container => vec![("JUJU_WORKLOAD_NAME", "the container")],
        Scope::Secret => SECRET.to_vec(),
        Scope::Action => vec![
            ("JUJU_ACTION_NAME", "the action"),
            ("JUJU_ACTION_UUID", "the number of this run"),
            ("JUJU_ACTION_TAG", "the same, as action-NUMBER"),
        ],
    };
    match kind {
        HookKind::RelationCreated | HookKind::RelationBroken => {
            all.push(("JUJU_REMOTE_UNIT", "empty: it is about the whole relation"));
        }
        HookKind::RelationJoined => all.push(("JUJU_REMOTE_UNIT", "the unit that joined")),
        HookKind::RelationChanged => {
            all.push(("JUJU_REMOTE_UNIT", "the unit whose data changed; empty for data of the application"));
        }
        HookKind::RelationDeparted => {
            all.push(("JUJU_REMOTE_UNIT", "the unit that leaves this unit's view"));
            all.push(("JUJU_DEPARTING_UNIT", "the unit that goes: the remote one, or this one"));
        }
        HookKind::PebbleCustomNotice => all.extend(NOTICE),
        HookKind::PebbleCheckFailed | HookKind::PebbleCheckRecovered => {
            all.push(("JUJU_PEBBLE_CHECK_NAME", "the check"));
        }
        HookKind::SecretExpired | HookKind::SecretRemove => {
            all.push(("JUJU_SECRET_REVISION", "the revision"));
        }
        HookKind::PreSeriesUpgrade => {
            all.push(("JUJU_TARGET_BASE", "the base that is upgraded to"));
            all.push(("JUJU_TARGET_SERIES", "its series"));
        }
        HookKind::MeterStatusChanged => {
            all.push(("JUJU_METER_STATUS", "the colour"));
            all.push(("JUJU_METER_INFO", "why"));
        }
        HookKind::Install
        | HookKind::Start
        | HookKind::ConfigChanged
        | HookKind::UpgradeCharm
        | HookKind::Stop
        | HookKind::Remove
        | HookKind::UpdateStatus
        | HookKind::LeaderElected
        | HookKind::LeaderSettingsChanged
        | HookKind::LeaderDeposed
        | HookKind::StorageAttached
        | HookKind::StorageDetaching
        | HookKind::PebbleReady
        | HookKind::SecretChanged
        | HookKind::SecretRotate
        | HookKind::Action
        | HookKind::CollectMetrics
        | HookKind::PostSeriesUpgrade => {}
    }
    all
}

/// The rules that are about every hook that the agent's own loop runs.
const GENERAL_RULES: [RuleId; 6] =
    [RuleId::R65, RuleId::R75, RuleId::R90, RuleId::R91, RuleId::R92, RuleId::R93];

/// Returns the rules that are about hooks of a kind, those about every hook last.
pub fn rules_of(kind: HookKind) -> Vec<RuleId> {
    let general = GENERAL_RULES.into_iter().filter(|_| kind.is_run_by_uniter());
    guide(kind).rules.iter().copied().chain(general).chain([RuleId::V01]).collect()
}

/// Whether a rule is about every hook.
pub fn is_general(rule: RuleId) -> bool {
    rule == RuleId::V01 || GENERAL_RULES.contains(&rule)
}

/// Returns what is to be known about a kind of hook.
pub fn guide(kind: HookKind) -> Guide {
    use RuleId::{
        R01, R02, R03, R10, R11, R12, R13, R14, R15, R16, R20, R21, R22, R23, R24, R25, R26, R27, R28, R30,
        R31, R32, R33, R34, R35, R36, R37, R38, R39, R40, R41, R42, R43, R44, R45, R46, R47, R48, R49, R50,
        R51, R52, R53, R54, R55, R56, R57, R58, R59, R60, R61, R62, R63, R64, R66, R67, R68, R69, R70, R71,
        R72, R73, R74, R76, R77, R78, R80, R81, R82, R83, R84, R85, R86, R87, R88, R95, V02,
    };
    const ALL_VERSIONS: &str = "every Juju";
    const UP_TO_3_6: &str = "up to Juju 3.6; gone in 4.0";
    match kind {
        HookKind::Install => Guide {
            fires: "The charm was unpacked; on a machine, when all storage of the deployment is attached as well.",
            before: "Nothing but the storage of a machine charm.",
            after: "The relations that are known are created, then comes the leadership hook, then config-changed, then start.",
            times: "Once in the life of a unit; again if it failed.",
            versions: "every Juju; on Kubernetes since 2.8",
            rules: &[R01, R02, R03, R10, R11, R20, R21, R53, R78],
            source: "resolver.go:386-390, documentation of install",
        },
        HookKind::Start => Guide {
            fires: "The first config-changed queues it; a machine was rebooted; on Kubernetes, the agent began again.",
            before: "config-changed, immediately, the first time.",
            after: "Relations join and change, and update-status may run.",
            times: "Once, and once more for each reboot (machine) or each new agent (Kubernetes).",
            versions: ALL_VERSIONS,
            rules: &[R10, R13, R14, R60, R61, R62, R63, R64, R70],
            source: "operation/runhook.go:311-318, reboot/resolver.go",
        },
        HookKind::ConfigChanged => Guide {
            fires: "For the first time in setup; after upgrade-charm; when an option, the trust or the unit's address changed.",
            before: "install, and the leadership hook if the leader is known by then.",
            after: "start, immediately, the first time.",
            times: "At least once.",
            versions: ALL_VERSIONS,
            rules: &[R10, R11, R13, R14, R51, R59, R64, R66, R76],
            source: "resolver.go:395-402, documentation of config-changed",
        },
        HookKind::UpgradeCharm => Guide {
            fires: "The charm or one of its resources was refreshed; on Kubernetes also in each new pod.",
            before: "install. While a hook is in error it waits.",
            after: "config-changed, immediately. In a new pod then start; on a machine no start.",
            times: "Once for each refresh, and for each new pod.",
            versions: ALL_VERSIONS,
            rules: &[R50, R51, R52, R53, R64, R69, R76],
            source: "operation/deploy.go, loop.go:251-318",
        },
        HookKind::Stop => Guide {
            fires: "The unit is being removed; on Kubernetes also when its pod is told to go.",
            before: "start. On removal all storage is detached, and every relation but peers is broken.",
            after: "remove; or, on Kubernetes, the next agent with upgrade-charm or start.",
            times: "At most once on a machine; once for each pod on Kubernetes.",
            versions: ALL_VERSIONS,
            rules: &[R03, R26, R56, R58, R66, R67, R68, R70, R71, R73, R74, R76, R77],
            source: "resolver.go:360-383, documentation of stop",
        },
        HookKind::Remove => Guide {
            fires: "The unit is being removed, as the last thing.",
            before: "stop, if the unit had started; otherwise install.",
            after: "Nothing. A new unit of the same name begins with install.",
            times: "At most once. A pod that is replaced does not run it.",
            versions: "since Juju 2.8",
            rules: &[R03, R69, R70, R72, R74, R78],
            source: "resolver.go:360-383, documentation of remove",
        },
        HookKind::UpdateStatus => Guide {
            fires: "A timer ran out, about every five minutes, and there is nothing else to do.",
            before: "start. It does not run between stop and the next start, nor while a hook is in error.",
            after: "Anything. If another hook runs first, this run is left out.",
            times: "Any number.",
            versions: ALL_VERSIONS,
            rules: &[R14, R32, R58, R66, R76],
            source: "resolver.go:404-410, juju PR 3212",
        },
        HookKind::LeaderElected => Guide {
            fires: "Juju made this unit the leader of its application.",
            before: "install, and the creation of all relations that were known then. It needs no peer relation.",
            after: "In setup config-changed, with storage, Pebble and secrets between. Losing leadership runs no hook.",
            times: "Once each time that leadership is gained.",
            versions: ALL_VERSIONS,
            rules: &[R10, R11, R12, R15, R16, R54, R56, R57],
            source: "leadership/resolver.go, operation/leader.go",
        },
        HookKind::LeaderSettingsChanged => Guide {
            fires: "This unit does not lead, and has not seen the leader's settings as they are, which is so after each restart of its agent.",
            before: "install, and the creation of all relations that were known then.",
            after: "In setup config-changed, with storage, Pebble and secrets between.",
            times: "Any number, also one after the other.",
            versions: UP_TO_3_6,
            rules: &[R10, R12, R15, R54, R55, R56],
            source: "leadership/resolver.go",
        },
        HookKind::LeaderDeposed => Guide {
            fires: "Never. Juju logs a warning instead.",
            before: "Nothing.",
            after: "Nothing.",
            times: "Never.",
            versions: "no Juju, though it has the name",
            rules: &[R54],
            source: "operation/leader.go",
        },
        HookKind::RelationCreated => Guide {
            fires: "The endpoint was integrated and the unit entered the relation.",
            before: "install. Relations that are there at the deployment come before the leadership hook.",
            after: "All other hooks of the relation, joined and changed not before start.",
            times: "Once for each relation; again when a relation across models was suspended and goes on.",
            versions: "since Juju 2.8",
            rules: &[R10, R11, R12, R30, R33, R42, R44, R45, R48, R49, R50, R76, V02],
            source: "relation/resolver.go, juju PR 11341",
        },
        HookKind::RelationJoined => Guide {
            fires: "A remote unit entered the relation; in a peer relation, another unit of this application.",
            before: "relation-created, and start.",
            after: "relation-changed of that unit, before anything else of the same relation. Hooks of other relations and of the unit may come between.",
            times: "Once for each unit and each time that it enters.",
            versions: ALL_VERSIONS,
            rules: &[R30, R31, R32, R34, R35, R39, R41, R44, R45, R49, R66, R67, R76, V02],
            source: "relation/resolver.go:185-345",
        },
        HookKind::RelationChanged => Guide {
            fires: "After each joined; when a remote unit wrote; when the remote application wrote, and then no unit is named.",
            before: "relation-created and start; for the data of a unit, its joined. Data of the application may come before any joined.",
            after: "Anything.",
            times: "Any number; several writes may be one hook.",
            versions: "every Juju; data of applications since 2.7",
            rules: &[R30, R31, R32, R34, R35, R36, R37, R38, R41, R44, R49, R76, V02],
            source: "relation/resolver.go:185-345",
        },
        HookKind::RelationDeparted => Guide {
            fires: "A remote unit left, or this unit, its application or the relation goes, or the relation was suspended.",
            before: "That unit's joined, and its changed.",
            after: "When this side goes: the other units' departed, then broken.",
            times: "Once for each joined.",
            versions: ALL_VERSIONS,
            rules: &[R14, R27, R30, R34, R39, R41, R43, R44, R47, R49, R70, R71, V02],
            source: "relation/resolver.go:185-345",
        },
        HookKind::RelationBroken => Guide {
            fires: "The relation was removed or suspended, or the unit is being removed, and nobody is left in it. Not for peer relations.",
            before: "relation-created, and the departed of every unit that joined.",
            after: "Nothing of this relation, unless it was suspended and goes on.",
            times: "Once for each relation.",
            versions: ALL_VERSIONS,
            rules: &[R27, R33, R40, R41, R42, R46, R49, R70, R71, V02],
            source: "relation/resolver.go:185-345",
        },
        HookKind::StorageAttached => Guide {
            fires: "An instance of the storage is there for the unit.",
            before: "On a machine nothing; on Kubernetes install, and usually the leadership hook.",
            after: "On a machine install, for the storage of the deployment.",
            times: "Once for each instance.",
            versions: ALL_VERSIONS,
            rules: &[R01, R11, R20, R21, R22, R23, R24, V02],
            source: "storage/resolver.go, documentation of storage hooks",
        },
        HookKind::StorageDetaching => Guide {
            fires: "The instance is detached or removed, or the unit is being removed.",
            before: "The storage-attached of that instance.",
            after: "On removal stop, after all storage; relations may depart and break in between.",
            times: "Once for each instance that was attached.",
            versions: "every Juju; until April 2015 it was called storage-detached",
            rules: &[R24, R25, R26, R27, R28, V02],
            source: "storage/resolver.go, juju PR 2154",
        },
        HookKind::PebbleReady => Guide {
            fires: "The agent sees that Pebble has started in the container, which it looks for every five seconds.",
            before: "install. Never between upgrade-charm, config-changed and start where those are queued.",
            after: "Anything.",
            times: "At least once for each container and each life of the agent.",
            versions: "since Juju 2.9",
            rules: &[R10, R11, R80, R81, R82, R83, R85, V02],
            source: "container/workload.go, pebblepoller.go",
        },
        HookKind::PebbleCustomNotice => Guide {
            fires: "The workload notified Pebble, with `pebble notify`.",
            before: "install. A new agent hears of all notices again, even before pebble-ready.",
            after: "Anything.",
            times: "Any number.",
            versions: "since Juju 3.4",
            rules: &[R11, R80, R81, R83, R85, V02],
            source: "container/workload.go, pebblenotices.go:85",
        },
        HookKind::PebbleCheckFailed => Guide {
            fires: "A check of Pebble failed as often as its threshold.",
            before: "install.",
            after: "pebble-check-recovered, if it recovers.",
            times: "Any number, by turns with recovered.",
            versions: "since Juju 3.6",
            rules: &[R80, R81, R83, R84, R85, V02],
            source: "container/workload.go",
        },
        HookKind::PebbleCheckRecovered => Guide {
            fires: "A check of Pebble that had failed is fine again.",
            before: "pebble-check-failed of the same check.",
            after: "Anything.",
            times: "Any number, by turns with failed.",
            versions: "since Juju 3.6",
            rules: &[R80, R81, R83, R84, R85, V02],
            source: "container/workload.go",
        },
        HookKind::SecretChanged => Guide {
            fires: "A secret that this unit has read has a new revision.",
            before: "install, and the unit's first reading of the secret.",
            after: "Anything.",
            times: "Any number.",
            versions: "since Juju 3.0",
            rules: &[R11, R76, R86, R88],
            source: "secrets/resolver.go:63-110",
        },
        HookKind::SecretRotate => Guide {
            fires: "A secret of this unit, or of its application if it leads, is to be rotated.",
            before: "install.",
            after: "The same hook, until the charm makes a new revision.",
            times: "Any number.",
            versions: "since Juju 3.0.2",
            rules: &[R57, R76, R86, R87, R88],
            source: "secrets/resolver.go:63-110",
        },
        HookKind::SecretExpired => Guide {
            fires: "A revision of a secret of this unit, or of its application if it leads, has expired.",
            before: "install.",
            after: "The same hook, until the charm removes the revision.",
            times: "Any number.",
            versions: "since Juju 3.0.2",
            rules: &[R57, R76, R86, R87, R88],
            source: "secrets/resolver.go:63-110",
        },
        HookKind::SecretRemove => Guide {
            fires: "Nobody reads a revision of a secret of this unit, or of its application if it leads, any more.",
            before: "install.",
            after: "Anything; several revisions may come one after the other.",
            times: "Once for each revision.",
            versions: "since Juju 3.0",
            rules: &[R57, R76, R86, R87, R88],
            source: "secrets/resolver.go:63-110",
        },
        HookKind::Action => Guide {
            fires: "Somebody ran the action.",
            before: "install, or a hook that is in error, install included.",
            after: "Anything. What it writes counts if it succeeds; if it fails the unit is not in error.",
            times: "Any number.",
            versions: ALL_VERSIONS,
            rules: &[R11, R13, R72, R95, V02],
            source: "actions/resolver.go, uniter_test.go TestRunAction",
        },
        HookKind::CollectMetrics => Guide {
            fires: "Every five minutes, for charms with metrics.yaml, by a worker of its own.",
            before: "start, and no stop since.",
            after: "Anything. It has few of the hook tools.",
            times: "Any number.",
            versions: UP_TO_3_6,
            rules: &[],
            source: "worker/metrics/collect",
        },
        HookKind::MeterStatusChanged => Guide {
            fires: "The meter's status changed, by a worker of its own.",
            before: "Nothing.",
            after: "Anything.",
            times: "Any number.",
            versions: UP_TO_3_6,
            rules: &[],
            source: "worker/meterstatus",
        },
        HookKind::PreSeriesUpgrade => Guide {
            fires: "Somebody ran `juju upgrade-machine MACHINE prepare`.",
            before: "start.",
            after: "No hook at all, until post-series-upgrade.",
            times: "Once for each upgrade of the series.",
            versions: UP_TO_3_6,
            rules: &[R95],
            source: "upgradeseries/resolver.go",
        },
        HookKind::PostSeriesUpgrade => Guide {
            fires: "Somebody ran `juju upgrade-machine MACHINE complete`.",
            before: "pre-series-upgrade, which an agent that was away may have missed.",
            after: "start, if the machine was rebooted in between.",
            times: "Once for each upgrade of the series.",
            versions: UP_TO_3_6,
            rules: &[R95],
            source: "upgradeseries/resolver.go",
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_of_hook_is_explained() {
        for kind in HookKind::ALL {
            let guide = guide(kind);
            for text in [guide.fires, guide.before, guide.after, guide.times] {
                assert!(text.ends_with('.'), "{kind:?}: {text}");
            }
            assert!(!guide.versions.is_empty() && !guide.source.is_empty(), "{kind:?}");
            assert!(guide.rules.is_sorted(), "{kind:?}");
        }
    }

    #[test]
    fn every_rule_is_about_some_hook() {
        let told: BTreeSet<RuleId> = HookKind::ALL.into_iter().flat_map(rules_of).collect();
        let missing: Vec<&RuleId> = RuleId::ALL.iter().filter(|id| !told.contains(id)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
