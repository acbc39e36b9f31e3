//! What the page shows: the value that the templates see.
//!
//! All figures are words already, and all text is cleaned; the templates escape
//! it. `tone` is always the class of a [`Meaning`](crate::report::words::Meaning).

use serde::Serialize;

/// The whole page.
#[derive(Serialize)]
pub(super) struct Page {
    pub(super) tone: &'static str,
    pub(super) claim: String,
    pub(super) swap: String,
    pub(super) partial: bool,
    pub(super) run: Run,
    pub(super) swaps: Vec<Swap>,
    pub(super) totals: Vec<Total>,
    pub(super) causes: Vec<Cause>,
    pub(super) pairs: Vec<Pair>,
    pub(super) targets: Vec<String>,
    pub(super) teams: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) timings: Vec<Timing>,
    pub(super) otherwise: Vec<Silent>,
    pub(super) no_signal: Vec<Silence>,
    pub(super) missing: Vec<Named>,
    pub(super) left_out: Vec<Named>,
    pub(super) warnings: Vec<String>,
}

/// The run itself: the footer of the page.
#[derive(Serialize)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) started: String,
    pub(super) ending: &'static str,
    pub(super) charmproof: String,
    pub(super) command: String,
    pub(super) targets: String,
    pub(super) shard: Option<String>,
    pub(super) charms: usize,
    pub(super) wall: String,
    pub(super) work: String,
    pub(super) own: String,
    pub(super) reused: usize,
    pub(super) results: usize,
    pub(super) unfinished: usize,
    pub(super) interpreters: Vec<String>,
    pub(super) protections: Vec<String>,
}

/// One swapped package, on both sides.
#[derive(Serialize)]
pub(super) struct Swap {
    pub(super) package: String,
    /// The versions of the baseline; empty where none was seen.
    pub(super) before: Vec<String>,
    /// The version of the candidate; `None` where only the baseline swaps it.
    pub(super) version: Option<String>,
    /// What was put in, the baseline's first where it swaps the package as well.
    pub(super) sources: Vec<Source>,
}

/// Where a swapped package came from.
#[derive(Serialize)]
pub(super) struct Source {
    pub(super) version: String,
    pub(super) spec: String,
    pub(super) digest: String,
    pub(super) from: String,
    pub(super) link: Option<String>,
}

/// How many pairs have one verdict, and their part of the bar, in per cent.
#[derive(Serialize)]
pub(super) struct Total {
    pub(super) key: &'static str,
    pub(super) words: &'static str,
    pub(super) meaning: &'static str,
    pub(super) tone: &'static str,
    pub(super) count: usize,
    pub(super) from: String,
    pub(super) width: String,
}

/// A charm's target that another part of the page refers to.
#[derive(Serialize)]
pub(super) struct Link {
    pub(super) anchor: Option<String>,
    pub(super) charm: String,
    pub(super) target: String,
}

/// One root cause.
#[derive(Serialize)]
pub(super) struct Cause {
    pub(super) number: usize,
    pub(super) title: String,
    pub(super) place: Option<String>,
    pub(super) charms: Vec<Link>,
    pub(super) cases: String,
    pub(super) smallest: Link,
    pub(super) smallest_case: String,
    pub(super) command: Option<String>,
    pub(super) failure: Failure,
}

/// What a suite said of a failure.
#[derive(Serialize)]
pub(super) struct Failure {
    pub(super) said: String,
    pub(super) frames: Vec<Frame>,
    pub(super) excerpt: String,
}

/// One frame of it.
#[derive(Serialize)]
pub(super) struct Frame {
    pub(super) place: String,
    pub(super) function: String,
    pub(super) package: Option<String>,
}

/// An outcome, with how often it came in a row.
#[derive(Serialize)]
pub(super) struct Outcome {
    pub(super) words: String,
    pub(super) tone: &'static str,
    pub(super) times: usize,
}

/// A row of the charms table, and all behind it.
#[derive(Serialize)]
pub(super) struct Pair {
    pub(super) anchor: String,
    pub(super) charm: String,
    pub(super) link: Option<String>,
    pub(super) commit: String,
    pub(super) target: String,
    pub(super) team: String,
    pub(super) groups: Vec<String>,
    pub(super) verdict: &'static str,
    pub(super) words: &'static str,
    pub(super) tone: &'static str,
    pub(super) gravity: usize,
    pub(super) why: String,
    pub(super) baseline: Outcome,
    pub(super) candidate: Outcome,
    pub(super) cases: String,
    pub(super) time_ms: u64,
    pub(super) time: String,
    pub(super) change: String,
    pub(super) detail: Detail,
}

/// What unfolds under a row.
#[derive(Serialize)]
pub(super) struct Detail {
    pub(super) meaning: &'static str,
    pub(super) reproduce: Vec<SideLine>,
    pub(super) cases: Vec<Case>,
    pub(super) more_cases: usize,
    pub(super) still_passing: usize,
    pub(super) runs: Vec<UnitRun>,
    pub(super) proofs: Vec<Proof>,
    pub(super) commands: Vec<SideCommands>,
    pub(super) edits: Vec<SideLines>,
    pub(super) drift: Vec<String>,
    pub(super) logs: Option<Logs>,
    pub(super) show: String,
}

/// One case of a pair.
#[derive(Serialize)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) words: &'static str,
    pub(super) tone: &'static str,
    pub(super) baseline: Vec<Outcome>,
    pub(super) candidate: Vec<Outcome>,
    pub(super) time: String,
    pub(super) cause: Option<usize>,
    /// What it said without the swap, where that is something else.
    pub(super) without: String,
    pub(super) failure: Option<Failure>,
}

/// One run of one side.
#[derive(Serialize)]
pub(super) struct UnitRun {
    pub(super) side: &'static str,
    pub(super) attempt: u32,
    pub(super) outcome: Outcome,
    pub(super) summary: String,
    pub(super) time: String,
    pub(super) cpu: String,
    pub(super) memory: String,
    pub(super) interpreter: String,
    pub(super) invocation: String,
    pub(super) reused_from: Option<String>,
}

/// What one side was seen to run with.
#[derive(Serialize)]
pub(super) struct Proof {
    pub(super) side: &'static str,
    pub(super) words: &'static str,
    pub(super) tone: &'static str,
    pub(super) summary: String,
    pub(super) sightings: Vec<Sighting>,
}

/// One look at one package.
#[derive(Serialize)]
pub(super) struct Sighting {
    pub(super) package: String,
    pub(super) version: String,
    pub(super) digest: String,
    pub(super) path: String,
    pub(super) seen: String,
}

/// A line that belongs to a side.
#[derive(Serialize)]
pub(super) struct SideLine {
    pub(super) side: &'static str,
    pub(super) line: String,
}

/// Lines that belong to a side, or to both where they agree.
#[derive(Serialize)]
pub(super) struct SideLines {
    pub(super) side: &'static str,
    pub(super) lines: Vec<String>,
}

/// Commands of a side, or of both where they agree.
#[derive(Serialize)]
pub(super) struct SideCommands {
    pub(super) side: &'static str,
    pub(super) commands: Vec<Command>,
}

/// A command and how it ended.
#[derive(Serialize, PartialEq)]
pub(super) struct Command {
    pub(super) line: String,
    pub(super) exit: String,
    pub(super) tone: &'static str,
}

/// The logs of a pair.
#[derive(Serialize)]
pub(super) struct Logs {
    /// `None` where a side has no log.
    pub(super) diff: Option<Vec<DiffLine>>,
    pub(super) baseline: Option<String>,
    pub(super) candidate: Option<String>,
}

/// A line of a unified difference.
#[derive(Serialize)]
pub(super) struct DiffLine {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// A row of the timings.
#[derive(Serialize)]
pub(super) struct Timing {
    pub(super) link: Link,
    pub(super) baseline: String,
    pub(super) candidate: String,
    /// Lengths of the bars in per cent of the longest.
    pub(super) baseline_bar: String,
    pub(super) candidate_bar: String,
    pub(super) change: String,
    pub(super) tone: &'static str,
}

/// Pairs that give no signal for one reason.
#[derive(Serialize)]
pub(super) struct Silence {
    pub(super) words: String,
    pub(super) explanation: Vec<Span>,
    pub(super) pairs: Vec<Silent>,
}

/// A piece of a sentence, which may be code.
#[derive(Serialize)]
pub(super) struct Span {
    pub(super) code: bool,
    pub(super) text: String,
}

/// One pair of them.
#[derive(Serialize)]
pub(super) struct Silent {
    pub(super) link: Link,
    pub(super) why: String,
}

/// A name and why.
#[derive(Serialize)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) why: String,
}
