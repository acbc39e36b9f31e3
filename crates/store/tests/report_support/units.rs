//! What the units of a sample run did: failures, results, logs, proofs.

use std::collections::BTreeMap;
use std::fmt::Write;

use charmproof_store::comparison::{CaseComparison, PairComparison};
use charmproof_store::event::{
    CaseKind, CaseResult, CommandResult, Failure, Frame, Injection, OutputId, Proof, RunId, Side, Sighting,
    UnitId, UnitResult,
};
use charmproof_store::outcome::Outcome;
use charmproof_store::verdict::Verdict;

use super::build::{DIGEST, PairBuilder, VERSION, at};

/// The failure of the sample's one cause.
pub(crate) fn frozenset_failure(line: u32) -> Failure {
    let mut failure = traceback("AttributeError", "'frozenset' object has no attribute 'append'");
    failure.frames.insert(
        0,
        Frame {
            file: "tests/unit/test_operator.py".into(),
            line,
            function: "test_relation_data".into(),
            package: None,
        },
    );
    failure.frames.push(Frame {
        file: "ops/model.py".into(),
        line: 412,
        function: "get".into(),
        package: Some("ops".into()),
    });
    failure
}

/// A failure as pytest shows it.
pub(crate) fn traceback(exception: &str, message: &str) -> Failure {
    let excerpt = format!(
        "self = <tests.unit.test_operator.TestCharm object at 0x7f1c2a>\n\n    def test_relation_data(self):\n\
         \x20       harness.set_leader(True)\n>       harness.begin_with_initial_hooks()\n\n\
         tests/unit/test_operator.py:88:\n_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _\n\
         src/charm.py:204: in _on_config_changed\n    relations = self.model.relations.get(\"ingress\")\n\
         E   {exception}: {message}\n"
    );
    Failure {
        exception: exception.into(),
        message: message.into(),
        frames: vec![Frame {
            file: "src/charm.py".into(),
            line: 204,
            function: "_on_config_changed".into(),
            package: None,
        }],
        excerpt,
    }
}

impl PairBuilder {
    /// Adds the results of all attempts of both sides, and their logs.
    pub(super) fn results(
        &self,
        index: u64,
        results: &mut Vec<UnitResult>,
        outputs: &mut BTreeMap<OutputId, String>,
    ) {
        let pair = &self.pair;
        for (side, outcome, attempts, duration_ms) in [
            (Side::Baseline, pair.baseline, pair.attempts.0, pair.duration_ms.0),
            (Side::Candidate, pair.candidate, pair.attempts.1, pair.duration_ms.1),
        ] {
            let Some(first) = outcome else { continue };
            for attempt in 0..attempts {
                let flaky = pair.verdict == Verdict::Flaky && attempt > 0;
                let outcome = if flaky { Outcome::Pass } else { first };
                let duration_ms = duration_ms.unwrap_or(700) + u64::from(attempt) * 150;
                let log = OutputId(format!("{index:08x}{}{attempt}", side.word()));
                outputs.insert(log.clone(), self.log(side, outcome, duration_ms));
                results.push(UnitResult {
                    unit: UnitId {
                        subject: pair.subject.clone(),
                        target: pair.target.clone(),
                        side,
                        attempt,
                    },
                    outcome,
                    summary: if outcome == Outcome::Pass { String::new() } else { pair.summary.clone() },
                    cases: case_results(pair, side, attempt as usize),
                    injection: injection(side, outcome),
                    commands: vec![
                        CommandResult {
                            command: "uv venv --python 3.12 .tox/unit".into(),
                            exit_code: Some(0),
                        },
                        CommandResult {
                            command: "coverage run --source=src -m pytest tests/unit -v".into(),
                            exit_code: Some(i32::from(outcome != Outcome::Pass)),
                        },
                    ],
                    invocation: format!("tox -e {}", pair.target),
                    interpreter: Some("3.12.3 (requires-python >=3.10)".into()),
                    environment: BTreeMap::from([
                        ("ops".into(), if side == Side::Baseline { "3.7.1".into() } else { VERSION.into() }),
                        ("pytest".into(), "8.4.2".into()),
                    ]),
                    edits: match side {
                        Side::Baseline => Vec::new(),
                        Side::Candidate => {
                            vec![format!("tox.ini: commands_pre installs ops {VERSION}")]
                        }
                    },
                    log: Some(log),
                    started_at: at(index * 1_500 + u64::from(attempt) * 40_000),
                    duration_ms,
                    overhead_ms: 340,
                    cpu_ms: duration_ms / 10 * 9,
                    memory_peak_bytes: Some(310 * 1024 * 1024),
                    inputs: DIGEST.into(),
                    reused_from: self.reused.then(|| RunId("20261120-090000-aaaa".into())),
                    reproduce: format!(
                        "charmproof check {} --target {} --only {}",
                        pair.subject,
                        pair.target,
                        side.word()
                    ),
                    protection: "namespaces, no network in tests".into(),
                });
            }
        }
    }

    fn log(&self, side: Side, outcome: Outcome, duration_ms: u64) -> String {
        let word = side.word();
        let mut log = format!(
            "unit: commands[0] /tmp/tmp{duration_ms}x/{word}-0> coverage run -m pytest\n\
             2026-11-21T13:02:{:02} collecting ...\ncollected {} items\n",
            duration_ms % 60,
            self.pair.case_counts.0
        );
        for line in 0..self.log_lines {
            let ended = if outcome == Outcome::Fail && line % 5 == 4 { "FAILED" } else { "PASSED" };
            let _ =
                writeln!(log, "tests/unit/test_charm.py::test_{line} {ended} <\u{1b}[32m{line}%\u{1b}[0m>");
        }
        let _ = writeln!(log, "===== {} in {:.2}s =====", outcome.words(), duration_ms as f64 / 1000.0);
        log
    }
}

fn case_results(pair: &PairComparison, side: Side, attempt: usize) -> Vec<CaseResult> {
    let outcomes = |case: &CaseComparison| match side {
        Side::Baseline => case.baseline.get(attempt).copied().flatten(),
        Side::Candidate => case.candidate.get(attempt).copied().flatten(),
    };
    let result = |case: &CaseComparison| {
        let outcome = outcomes(case)?;
        Some(CaseResult {
            name: case.case.clone(),
            kind: CaseKind::Test,
            outcome,
            duration_ms: 120,
            failure: if outcome.is_failure() { case.failure.clone() } else { None },
        })
    };
    pair.cases.iter().filter_map(result).collect()
}

fn injection(side: Side, outcome: Outcome) -> Injection {
    let sighting = |version: &str, process: &str, path: &str| Sighting {
        package: "ops".into(),
        version: version.into(),
        digest: if version == VERSION { DIGEST.into() } else { DIGEST.chars().rev().collect() },
        path: path.into(),
        process: process.into(),
        imported: !process.is_empty(),
    };
    let packages = ".tox/unit/lib/python3.12/site-packages";
    match (side, outcome) {
        (Side::Baseline, _) => Injection {
            proof: Proof::NotNeeded,
            summary: String::new(),
            sightings: vec![sighting("3.7.1", "pytest tests/unit", packages)],
        },
        (Side::Candidate, Outcome::NotInjected) => Injection {
            proof: Proof::Missing,
            summary: "ops 2.23.1 from lib/ was imported instead".into(),
            sightings: vec![sighting("2.23.1", "pytest tests/unit", "lib/ops")],
        },
        (Side::Candidate, Outcome::NotUsed | Outcome::CouldNotPrepare(_)) => Injection {
            proof: Proof::NotUsed,
            summary: "no environment holds ops".into(),
            sightings: Vec::new(),
        },
        (Side::Candidate, _) => Injection {
            proof: Proof::InProcess,
            summary: format!("pytest imported ops {VERSION}"),
            sightings: vec![
                sighting(VERSION, "", packages),
                sighting(VERSION, "pytest tests/unit", packages),
            ],
        },
    }
}
