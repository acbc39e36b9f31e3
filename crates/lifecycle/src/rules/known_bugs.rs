//! Bugs of Juju that a sequence of hooks can show, by name.
//!
//! A finding that one of them explains carries it, so that nobody looks for the fault in
//! a charm.

use std::fmt;

use super::RuleId;

/// A bug of Juju.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KnownBug {
    /// Peer relations are broken when a unit goes after its agent restarted.
    PeersBroken,
    /// `relation-created` is left out when the agent restarts at the wrong moment.
    CreatedMissing,
    /// Units that stay are not told when a peer departs.
    PeerDepartureMissing,
    /// The other side of a relation sees it broken before its units departed.
    BrokenOnOtherSideFirst,
    /// A forced refresh of a unit in error runs no `upgrade-charm`.
    ForcedRefreshIsSilent,
    /// Removing a secret tells of revisions that were deleted before.
    SecretRemovedTwice,
    /// `storage-detaching` fails for a moment when several units are removed at once.
    DetachingCancelled,
    /// In a relation across models, units join without a hook.
    JoinedMissing,
    /// A unit that goes hears of leadership.
    SettingsWhenDying,
}

impl KnownBug {
    /// All of them, in the order of the rules that they touch.
    pub const ALL: [Self; 9] = [
        Self::BrokenOnOtherSideFirst,
        Self::JoinedMissing,
        Self::PeersBroken,
        Self::PeerDepartureMissing,
        Self::CreatedMissing,
        Self::ForcedRefreshIsSilent,
        Self::SettingsWhenDying,
        Self::SecretRemovedTwice,
        Self::DetachingCancelled,
    ];

    /// Returns the name under which it is known.
    pub fn name(self) -> &'static str {
        match self {
            Self::PeersBroken => "juju#20713",
            Self::CreatedMissing => "juju#20041",
            Self::PeerDepartureMissing => "juju#23326",
            Self::BrokenOnOtherSideFirst => "juju#20214",
            Self::ForcedRefreshIsSilent => "juju#20173",
            Self::SecretRemovedTwice => "juju#20794",
            Self::DetachingCancelled => "juju#22971",
            Self::JoinedMissing => "juju#21764",
            Self::SettingsWhenDying => "operator#708",
        }
    }

    /// Returns where it was reported.
    pub fn url(self) -> String {
        let (repository, number) = self.name().split_once('#').expect("names have a number");
        let owner = if repository == "juju" { "juju" } else { "canonical" };
        format!("https://github.com/{owner}/{repository}/issues/{number}")
    }

    /// Returns what it does, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::PeersBroken => {
                "A unit that goes after its agent restarted runs `relation-broken` for its peer relations (seen on 3.4 and 3.6.2)."
            }
            Self::CreatedMissing => {
                "An agent that restarts between entering a relation and running `relation-created` never runs it."
            }
            Self::PeerDepartureMissing => {
                "From 4.0.14 to 4.2-beta1, units that stay are not told when a peer departs."
            }
            Self::BrokenOnOtherSideFirst => {
                "The units of the other application may run `relation-broken` before this one's units departed; within one unit the order holds."
            }
            Self::ForcedRefreshIsSilent => {
                "A forced refresh of a unit in error swaps the code and runs neither `upgrade-charm` nor `config-changed`."
            }
            Self::SecretRemovedTwice => {
                "Removing a whole secret may run `secret-remove` for revisions that were deleted before."
            }
            Self::DetachingCancelled => {
                "On 4.0, when several units are removed at once, `storage-detaching` is cut off, fails and is tried again."
            }
            Self::JoinedMissing => {
                "On 4.0, units of a relation across models may join without `relation-joined` on one side."
            }
            Self::SettingsWhenDying => {
                "Before about 2.9.29, a unit that is being removed ran `leader-settings-changed`."
            }
        }
    }

    /// Returns the rule that it touches.
    pub fn rule(self) -> RuleId {
        match self {
            Self::PeersBroken => RuleId::R46,
            Self::CreatedMissing => RuleId::R48,
            Self::PeerDepartureMissing => RuleId::R47,
            Self::BrokenOnOtherSideFirst => RuleId::R40,
            Self::ForcedRefreshIsSilent => RuleId::R53,
            Self::SecretRemovedTwice => RuleId::R87,
            Self::DetachingCancelled => RuleId::R26,
            Self::JoinedMissing => RuleId::R44,
            Self::SettingsWhenDying => RuleId::R56,
        }
    }

    /// Returns the bugs that touch a rule.
    pub fn of_rule(rule: RuleId) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |bug| bug.rule() == rule)
    }
}

impl fmt::Display for KnownBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_can_be_read_up() {
        for bug in KnownBug::ALL {
            assert!(bug.about().ends_with('.'), "{bug}");
            assert!(KnownBug::of_rule(bug.rule()).any(|other| other == bug));
        }
        assert_eq!(KnownBug::PeersBroken.url(), "https://github.com/juju/juju/issues/20713");
        assert_eq!(KnownBug::SettingsWhenDying.url(), "https://github.com/canonical/operator/issues/708");
    }
}
