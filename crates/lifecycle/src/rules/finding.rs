//! What a monitor says.

use std::fmt;

use super::{KnownBug, RuleId, Strength};

/// A hook that a rule does not allow, or thinks odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// How bad it is: [`Strength::Must`] is a breach, all else a warning.
    pub strength: Strength,
    /// Which hook it is, counted from 0 and without markers.
    pub position: usize,
    /// The place of an earlier hook or marker that makes it so, where there is one.
    pub since: Option<usize>,
    /// The bug of Juju that explains it, where one does.
    pub bug: Option<KnownBug>,
    /// Why, for people who write charms.
    pub reason: String,
}

impl Finding {
    /// Whether Juju cannot have done this.
    pub fn is_breach(&self) -> bool {
        match self.strength {
            Strength::Must => true,
            Strength::Should | Strength::Observed => false,
        }
    }

    /// Adds the earlier place that makes it so.
    pub(super) fn since(&mut self, place: Option<usize>) -> &mut Self {
        self.since = place;
        self
    }

    /// Adds the bug of Juju that explains it.
    pub(super) fn bug(&mut self, bug: KnownBug) -> &mut Self {
        self.bug = Some(bug);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.reason)
    }
}

/// Collects findings about one hook.
#[derive(Debug)]
pub(super) struct Found {
    position: usize,
    findings: Vec<Finding>,
}

impl Found {
    pub(super) fn at(position: usize) -> Self {
        Self { position, findings: Vec::new() }
    }

    /// Adds a finding of the strength that the rule has.
    pub(super) fn add(&mut self, rule: RuleId, reason: impl Into<String>) -> &mut Finding {
        self.add_with(rule, rule.rule().strength, reason)
    }

    /// Adds a finding that is only a warning, whatever the rule's strength.
    pub(super) fn warn(&mut self, rule: RuleId, reason: impl Into<String>) -> &mut Finding {
        self.add_with(rule, Strength::Should, reason)
    }

    fn add_with(&mut self, rule: RuleId, strength: Strength, reason: impl Into<String>) -> &mut Finding {
        let (position, reason) = (self.position, reason.into());
        self.findings.push(Finding { rule, strength, position, since: None, bug: None, reason });
        self.findings.last_mut().expect("one was pushed just now")
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
