//! What happened in one run of one case.
//!
//! An outcome never compares anything: what a pair of outcomes means is a
//! [`Verdict`](crate::verdict::Verdict). Nothing here says whose *change* is at
//! fault; it says only whose *side of the fence* the event happened on: ours,
//! the environment's, or the suite's own code ([`Outcome::origin`]).

use serde::{Deserialize, Serialize};

/// How one case, or one whole suite, ended in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "kind")]
pub enum Outcome {
    /// The case ran and what it claims held.
    Pass,
    /// The case ran and what it claims did not hold; for a lint target, a
    /// diagnostic was reported.
    Fail,
    /// The file that holds the cases could not be imported, so they never ran.
    CollectionError,
    /// The wall-clock or silence limit ended it.
    Timeout,
    /// The memory limit ended it.
    OutOfMemory,
    /// A process died of a signal that no limit of ours sent.
    Crashed,
    /// The suite itself skipped the case (or expects its failure).
    SkippedBySuite,
    /// The environment that the suite needs could not be made.
    CouldNotPrepare(PrepareKind),
    /// It ran, but there is no proof that it ran against the swapped packages.
    NotInjected,
    /// The environment that ran holds none of the swapped packages, so the swap
    /// cannot matter to it.
    NotUsed,
    /// The suite ended well but ran no case at all.
    Empty,
    /// The charm offers no such target.
    NoSuchTarget,
    /// The charm was left out on purpose; the reason is in the record.
    Filtered,
    /// charmproof itself failed.
    ToolFailed,
}

/// Which part of the environment could not be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrepareKind {
    /// No interpreter that the charm accepts is on this host.
    Interpreter,
    /// A program that the suite calls is missing.
    Tool,
    /// A header, library or package of the host system is missing.
    HostPackage,
    /// The dependency resolver found no solution, or refused the lock.
    Resolver,
    /// A host could not be reached.
    Network,
    /// A charm library that the charm names could not be had.
    CharmLibrary,
    /// The disk, or its allowance, was full.
    Disk,
    /// The charm's own configuration (pyproject, tox, charmcraft) is broken.
    Configuration,
}

/// On whose side of the fence an outcome happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The suite's own code spoke: this is a signal.
    Suite,
    /// The host, the network or the installation spoke.
    Environment,
    /// charmproof's own limits, proof or failure spoke.
    Charmproof,
    /// Nobody spoke: there was nothing to run.
    Nothing,
}

impl PrepareKind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Interpreter,
        Self::Tool,
        Self::HostPackage,
        Self::Resolver,
        Self::Network,
        Self::CharmLibrary,
        Self::Disk,
        Self::Configuration,
    ];

    /// The words that people read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Interpreter => "interpreter",
            Self::Tool => "tool",
            Self::HostPackage => "host package",
            Self::Resolver => "resolver",
            Self::Network => "network",
            Self::CharmLibrary => "charm library",
            Self::Disk => "disk",
            Self::Configuration => "configuration",
        }
    }

    /// Whether the next attempt may well end otherwise, with no change to any
    /// input. Such results are never kept for reuse and never accuse.
    pub fn is_passing_trouble(self) -> bool {
        match self {
            Self::Network | Self::Disk => true,
            Self::Interpreter
            | Self::Tool
            | Self::HostPackage
            | Self::Resolver
            | Self::CharmLibrary
            | Self::Configuration => false,
        }
    }
}

impl Outcome {
    /// Every outcome, so that tests can go through all pairs.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Pass,
            Self::Fail,
            Self::CollectionError,
            Self::Timeout,
            Self::OutOfMemory,
            Self::Crashed,
            Self::SkippedBySuite,
            Self::NotInjected,
            Self::NotUsed,
            Self::Empty,
            Self::NoSuchTarget,
            Self::Filtered,
            Self::ToolFailed,
        ];
        all.extend(PrepareKind::ALL.map(Self::CouldNotPrepare));
        all
    }

    /// The name that a fleet's list uses, without the kind of a preparation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::CollectionError => "collection-error",
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out-of-memory",
            Self::Crashed => "crashed",
            Self::SkippedBySuite => "skipped-by-suite",
            Self::CouldNotPrepare(_) => "could-not-prepare",
            Self::NotInjected => "not-injected",
            Self::NotUsed => "not-used",
            Self::Empty => "empty",
            Self::NoSuchTarget => "no-such-target",
            Self::Filtered => "filtered",
            Self::ToolFailed => "tool-failed",
        }
    }

    /// The words that people read.
    pub fn words(self) -> String {
        match self {
            Self::Pass => "pass".into(),
            Self::Fail => "fail".into(),
            Self::CollectionError => "error in collection".into(),
            Self::Timeout => "timeout".into(),
            Self::OutOfMemory => "out of memory".into(),
            Self::Crashed => "crashed".into(),
            Self::SkippedBySuite => "skipped by the suite".into(),
            Self::CouldNotPrepare(kind) => format!("could not prepare: {}", kind.words()),
            Self::NotInjected => "not injected".into(),
            Self::NotUsed => "not used".into(),
            Self::Empty => "empty".into(),
            Self::NoSuchTarget => "no such target".into(),
            Self::Filtered => "filtered".into(),
            Self::ToolFailed => "charmproof failed".into(),
        }
    }

    /// On whose side of the fence this happened.
    pub fn origin(self) -> Origin {
        match self {
            Self::Pass
            | Self::Fail
            | Self::CollectionError
            | Self::SkippedBySuite
            | Self::Timeout
            | Self::OutOfMemory
            | Self::Crashed => Origin::Suite,
            Self::CouldNotPrepare(_) => Origin::Environment,
            Self::NotInjected | Self::ToolFailed => Origin::Charmproof,
            Self::NotUsed | Self::Empty | Self::NoSuchTarget | Self::Filtered => Origin::Nothing,
        }
    }

    /// Whether the suite's own code ran and failed, in whatever way.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::CollectionError | Self::Timeout | Self::OutOfMemory | Self::Crashed)
    }

    /// Whether a result with this outcome may stand in for a new run with the
    /// same inputs.
    pub fn is_reusable(self) -> bool {
        match self {
            Self::ToolFailed => false,
            Self::CouldNotPrepare(kind) => !kind.is_passing_trouble(),
            _ => true,
        }
    }
}
