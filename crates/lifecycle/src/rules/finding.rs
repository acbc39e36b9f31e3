//! What a monitor says.

use std::fmt;

use super::{RuleId, Strength};

/// A hook that a rule does not allow, or thinks odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// How bad it is: [`Strength::Must`] is a breach, all else a warning.
    pub strength: Strength,
    /// Which hook it is, counted from 0 and without markers.
    pub position: usize,
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
    pub(super) fn add(&mut self, rule: RuleId, reason: impl Into<String>) {
        self.add_with(rule, rule.rule().strength, reason);
    }

    /// Adds a finding that is only a warning, whatever the rule's strength.
    pub(super) fn warn(&mut self, rule: RuleId, reason: impl Into<String>) {
        self.add_with(rule, Strength::Should, reason);
    }

    fn add_with(&mut self, rule: RuleId, strength: Strength, reason: impl Into<String>) {
        self.findings.push(Finding { rule, strength, position: self.position, reason: reason.into() });
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
