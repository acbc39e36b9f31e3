//! Values that the tests of this crate start from.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use crate::event::{
    CaseKind, CaseResult, Failure, Frame, Injection, LOG_SCHEMA, Plan, Proof, RunId, RunStarted, Side,
    SubjectId, SubjectRecord, SwapRecord, UnitId, UnitResult,
};
use crate::outcome::Outcome;

/// A folder that is gone at the end of the test. In memory where that is possible:
/// the tests make things durable thousands of times.
pub(crate) struct Folder {
    pub(crate) path: Utf8PathBuf,
    _held: tempfile::TempDir,
}

pub(crate) fn folder() -> Folder {
    let held = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    Folder { path: Utf8Path::from_path(held.path()).unwrap().to_owned(), _held: held }
}

pub(crate) fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

pub(crate) fn swap(version: &str) -> SwapRecord {
    SwapRecord {
        spec: format!("ops@{version}"),
        package: "ops".into(),
        version: version.into(),
        digest: format!("digest-{version}"),
        source: "pypi".into(),
        modules: vec!["ops".into()],
    }
}

pub(crate) fn subject(name: &str) -> SubjectRecord {
    SubjectRecord {
        id: SubjectId(name.into()),
        charm: Some(name.into()),
        repository: format!("https://example.com/{name}"),
        commit: Some("c0ffee".into()),
        tree: format!("tree-{name}"),
        root: Utf8PathBuf::new(),
        team: None,
        groups: Vec::new(),
        filtered: None,
    }
}

pub(crate) fn plan(subjects: &[&str], targets: &[&str]) -> Plan {
    Plan {
        targets: targets.iter().map(|&target| target.to_owned()).collect(),
        subjects: subjects.iter().map(|name| subject(name)).collect(),
        candidate: vec![swap("3.9.0")],
        baseline: Vec::new(),
        shard: None,
        missing: BTreeMap::new(),
    }
}

pub(crate) fn head(name: &str, second: i64) -> RunStarted {
    RunStarted {
        schema: LOG_SCHEMA,
        run: RunId(name.into()),
        at: moment(second),
        charmproof: "0.1.0".into(),
        command: vec!["charmproof".into(), "check".into()],
        settings: serde_json::json!({"jobs": 2}),
    }
}

pub(crate) fn unit(name: &str, target: &str, side: Side, attempt: u32) -> UnitId {
    UnitId { subject: SubjectId(name.into()), target: target.into(), side, attempt }
}

pub(crate) fn failure(exception: &str, message: &str) -> Failure {
    Failure {
        exception: exception.into(),
        message: message.into(),
        frames: vec![
            Frame {
                file: "tests/unit/test_charm.py".into(),
                line: 12,
                function: "test".into(),
                package: None,
            },
            Frame {
                file: "ops/model.py".into(),
                line: 412,
                function: "get".into(),
                package: Some("ops".into()),
            },
        ],
        excerpt: "E   boom".into(),
    }
}

pub(crate) fn case(name: &str, outcome: Outcome) -> CaseResult {
    CaseResult {
        name: name.into(),
        kind: CaseKind::Test,
        outcome,
        duration_ms: 10,
        failure: outcome
            .is_failure()
            .then(|| failure("AttributeError", &format!("{name} has no attribute 'x'"))),
    }
}

pub(crate) fn diagnostic(name: &str, rule: &str) -> CaseResult {
    CaseResult {
        name: name.into(),
        kind: CaseKind::Diagnostic,
        outcome: Outcome::Fail,
        duration_ms: 0,
        failure: Some(Failure { exception: rule.into(), message: name.into(), ..Failure::default() }),
    }
}

/// A result of the `unit` target of the charm `a`, with proof.
pub(crate) fn result(side: Side, attempt: u32, outcome: Outcome, cases: Vec<CaseResult>) -> UnitResult {
    UnitResult {
        unit: unit("a", "unit", side, attempt),
        outcome,
        summary: match outcome {
            Outcome::Pass => String::new(),
            other => format!("said {}", other.words()),
        },
        cases,
        injection: Injection {
            proof: match (side, outcome) {
                (Side::Baseline, _) => Proof::NotNeeded,
                (Side::Candidate, Outcome::NotUsed) => Proof::NotUsed,
                (Side::Candidate, Outcome::NotInjected) => Proof::Missing,
                (Side::Candidate, _) => Proof::InProcess,
            },
            summary: String::new(),
            sightings: Vec::new(),
        },
        commands: Vec::new(),
        invocation: "tox -e unit".into(),
        interpreter: Some("3.12.3".into()),
        environment: BTreeMap::new(),
        edits: Vec::new(),
        log: None,
        started_at: moment(i64::from(attempt)),
        duration_ms: 20_000,
        overhead_ms: 1_000,
        cpu_ms: 15_000,
        memory_peak_bytes: Some(1 << 20),
        inputs: format!("inputs-{}-{attempt}", side.word()),
        reused_from: None,
        reproduce: "charmproof check a".into(),
        protection: "none".into(),
    }
}
