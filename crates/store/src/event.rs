//! What a run writes down, line by line, as it happens.
//!
//! The log of a run is the truth; everything else (the index, the comparison,
//! the reports) can be derived from it. Every type here is part of the stored
//! format: a change that an older reader would misunderstand raises
//! [`LOG_SCHEMA`].

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// The version of the log format that this build writes.
pub const LOG_SCHEMA: u32 = 1;

/// The name of one run, for example `20261121-130211-k3f9`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

/// The name of a subject within a fleet, for example
/// `canonical/kfp-operators/charms/kfp-ui`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectId(pub String);

/// The digest (hexadecimal SHA-256) of an output kept beside the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutputId(pub String);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for SubjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for OutputId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of the two variants a run belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Without the swap (or with the baseline's own swaps).
    Baseline,
    /// With the swap.
    Candidate,
}

impl Side {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        }
    }
}

/// One subject's target in one variant, run once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnitId {
    /// The charm.
    pub subject: SubjectId,
    /// The target as the user named it, for example `unit`.
    pub target: String,
    /// The variant.
    pub side: Side,
    /// 0 for the first run; higher for the repetitions that confirm.
    pub attempt: u32,
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// Always the first line.
    RunStarted(RunStarted),
    /// What the run is about to do; written once, before any unit.
    Planned(Plan),
    /// A unit began. Not made durable: losing it loses nothing.
    UnitStarted {
        /// The unit.
        unit: UnitId,
        /// When.
        at: Timestamp,
    },
    /// A unit ended, with all that was seen. Durable before anyone is told.
    UnitFinished(Box<UnitResult>),
    /// Something that the user should know and that belongs to no unit.
    Warned {
        /// One sentence.
        message: String,
    },
    /// Always the last line of a run that ended in order; a log without it was
    /// killed.
    RunFinished {
        /// When.
        at: Timestamp,
        /// Whether all was done.
        ending: Ending,
    },
    /// The run was taken up again after it had stopped.
    RunResumed {
        /// When.
        at: Timestamp,
    },
}

/// How a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every unit has a result.
    Completed,
    /// The user stopped it; `resume` finishes it.
    Interrupted,
}

/// The head of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`LOG_SCHEMA`] of the writer.
    pub schema: u32,
    /// The run's own name.
    pub run: RunId,
    /// When it began.
    pub at: Timestamp,
    /// The version of charmproof that wrote it.
    pub charmproof: String,
    /// The command line, as typed.
    pub command: Vec<String>,
    /// The resolved settings, opaque to this crate; `resume` reads them back.
    pub settings: serde_json::Value,
}

/// What a run is about to do.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The targets, as the user named them.
    pub targets: Vec<String>,
    /// The subjects, those left out included.
    pub subjects: Vec<SubjectRecord>,
    /// What the candidate swaps in.
    pub candidate: Vec<SwapRecord>,
    /// What the baseline swaps in; empty for the charm as it is.
    pub baseline: Vec<SwapRecord>,
    /// `I/N` of a sharded run.
    pub shard: Option<String>,
    /// Repositories that could not be had, with the reason.
    pub missing: BTreeMap<String, String>,
}

/// One charm of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectRecord {
    /// Its name in this fleet.
    pub id: SubjectId,
    /// The name in its metadata, where it has one.
    pub charm: Option<String>,
    /// Where the repository came from: a URL, or a path as the user typed it.
    pub repository: String,
    /// The commit, for a git repository; with `+` behind it when the checkout
    /// had changes on top.
    pub commit: Option<String>,
    /// Digest of all the files that the run was given.
    pub tree: String,
    /// The charm's folder inside the repository, empty for the top.
    pub root: Utf8PathBuf,
    /// Who owns it, where the fleet says so.
    pub team: Option<String>,
    /// Free labels from the fleet.
    pub groups: Vec<String>,
    /// Why it was left out, where it was.
    pub filtered: Option<String>,
}

/// One package that a variant swaps in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapRecord {
    /// As the user typed it.
    pub spec: String,
    /// The distribution (normalised name), or the dotted name of a vendored
    /// library.
    pub package: String,
    /// The exact version that is put in, for example `3.9.0+cp.1a2b3c4d`.
    pub version: String,
    /// Digest of the files that it installs.
    pub digest: String,
    /// Where it came from, with the commit where there is one.
    pub source: String,
    /// Import names of the top-level modules that it installs.
    pub modules: Vec<String>,
}

/// All that was seen of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitResult {
    /// Which unit.
    pub unit: UnitId,
    /// How the suite as a whole ended.
    pub outcome: Outcome,
    /// One line that says why, for people; empty for a plain pass.
    pub summary: String,
    /// The cases, in the order in which they ended.
    pub cases: Vec<CaseResult>,
    /// What the environments that ran were seen to hold.
    pub injection: Injection,
    /// What was run, in order, as a shell would show it.
    pub commands: Vec<CommandResult>,
    /// Which runner and name served the target, for example `tox -e unit`.
    pub invocation: String,
    /// The Python that ran it, for example `3.11.7`, and why this one.
    pub interpreter: Option<String>,
    /// All distributions of the environment that ran, `name` to `version`.
    pub environment: BTreeMap<String, String>,
    /// What was changed in the copy before it ran, a line each.
    pub edits: Vec<String>,
    /// The kept log.
    pub log: Option<OutputId>,
    /// When it began.
    pub started_at: Timestamp,
    /// Wall time of the whole unit.
    pub duration_ms: u64,
    /// charmproof's own part of that: copying, swapping, book-keeping.
    pub overhead_ms: u64,
    /// Processor time of all processes.
    pub cpu_ms: u64,
    /// Highest memory use of all processes together, where it was measured.
    pub memory_peak_bytes: Option<u64>,
    /// Digest of all inputs; equal inputs may share one result.
    pub inputs: String,
    /// The run whose result this is, where it was not run anew.
    pub reused_from: Option<RunId>,
    /// A command that repeats this unit alone.
    pub reproduce: String,
    /// Which protections were in force, in words.
    pub protection: String,
}

/// One case of a suite, run once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// For example `tests/unit/test_charm.py::test_start[bad]`, or
    /// `ruff src/charm.py F401 'os' imported but unused`.
    pub name: String,
    /// What sort of case it is, which decides what its absence means.
    #[serde(default)]
    pub kind: CaseKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Wall time; 0 where the suite does not tell.
    pub duration_ms: u64,
    /// What was said of its failure.
    pub failure: Option<Failure>,
}

/// What sort of thing a case is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseKind {
    /// A test: it is listed whether it passes or fails, so its absence means
    /// that it was not run.
    #[default]
    Test,
    /// A diagnostic of a linter or a type checker: it is listed only where it is
    /// reported, so its absence means that all is well, if the tool ran.
    Diagnostic,
    /// The suite as a whole; its absence means that there is no result yet.
    Suite,
}

impl CaseKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Test, Self::Diagnostic, Self::Suite];
}

/// What a suite said of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// The class, for example `AttributeError`, or the lint rule.
    pub exception: String,
    /// The message, first 2,000 characters.
    pub message: String,
    /// Python frames, outermost first.
    pub frames: Vec<Frame>,
    /// The excerpt that a person wants to see, first 8,000 characters.
    pub excerpt: String,
}

/// One Python frame of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The file: relative to `site-packages` for an installed package, relative
    /// to the charm for its own files.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The function.
    pub function: String,
    /// The swapped package that the file belongs to, if it does.
    pub package: Option<String>,
}

/// One command of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// The command as a shell would show it.
    pub command: String,
    /// Its exit status, where it was seen.
    pub exit_code: Option<i32>,
}

/// What is known of the swapped packages in the environments that ran.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Injection {
    /// How strong the proof is.
    pub proof: Proof,
    /// One line that says what was seen.
    pub summary: String,
    /// Every sighting, after the install and from inside the processes.
    pub sightings: Vec<Sighting>,
}

/// How strongly it is known that a run used its variant's packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Nothing was swapped on this side, so there is nothing to prove.
    #[default]
    NotNeeded,
    /// A process that ran the suite reported the package that was put in.
    InProcess,
    /// The environment held it after the install; no process could be asked.
    Installed,
    /// The environments that ran hold none of the swapped packages.
    NotUsed,
    /// Another version was seen, or nothing could be seen at all.
    Missing,
}

/// One look at one swapped package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The distribution.
    pub package: String,
    /// Its version there; empty if it is not there.
    pub version: String,
    /// Digest of its files there; empty if it is not there.
    pub digest: String,
    /// Where it lies, relative to the copy where it is inside.
    pub path: String,
    /// Whether a process that ran the suite said so itself, and which: for
    /// example `pytest tests/unit`. Empty for a look after the install.
    pub process: String,
    /// Whether that process had imported it.
    pub imported: bool,
}
