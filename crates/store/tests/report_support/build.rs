//! Builds runs pair by pair.

use std::collections::BTreeMap;
use std::fmt::Write;

use camino::Utf8PathBuf;
use charmproof_store::comparison::{CaseComparison, Cause, Comparison, PairComparison};
use charmproof_store::event::{
    CaseKind, CaseResult, CommandResult, Ending, Failure, Frame, Injection, LOG_SCHEMA, OutputId,
    Plan, Proof, RunId, RunStarted, Side, Sighting, SubjectId, SubjectRecord, SwapRecord, UnitId,
    UnitResult,
};
use charmproof_store::outcome::Outcome;
use charmproof_store::verdict::Verdict;
use jiff::Timestamp;

use super::Sample;

const RUN: &str = "20261121-130211-k3f9";
const VERSION: &str = "3.8.0+cp.1a2b3c4d";
const DIGEST: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809";

/// The failure of the sample's one cause.
pub(crate) fn frozenset_failure(line: u32) -> Failure {
    let mut failure = traceback(
        "AttributeError",
        "'frozenset' object has no attribute 'append'",
    )?;
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
    Some(failure)
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
    Some(Failure {
        exception: exception.into(),
        message: message.into(),
        frames: vec![Frame {
            file: "src/charm.py".into(),
            line: 204,
            function: "_on_config_changed".into(),
            package: None,
        }],
        excerpt,
    })
}

/// A run that grows.
pub(crate) struct Builder {
    pairs: Vec<PairBuilder>,
}

/// One pair that grows.
pub(crate) struct PairBuilder {
    pair: PairComparison,
    team: Option<String>,
    groups: Vec<String>,
    cause: Option<usize>,
    reused: bool,
    log_lines: usize,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// Adds a pair, and returns it to be completed.
    pub(crate) fn pair(
        &mut self,
        subject: &str,
        target: &str,
        verdict: Verdict,
        baseline: Outcome,
        candidate: Outcome,
    ) -> &mut PairBuilder {
        self.pairs.push(PairBuilder {
            pair: PairComparison {
                subject: SubjectId(subject.into()),
                target: target.into(),
                verdict,
                baseline: Some(baseline),
                candidate: Some(candidate),
                summary: String::new(),
                cases: Vec::new(),
                still_passing: 0,
                case_counts: (0, 0),
                duration_ms: (None, None),
                attempts: (1, 1),
                drift: Vec::new(),
                signal: true,
            },
            team: None,
            groups: Vec::new(),
            cause: None,
            reused: false,
            log_lines: 6,
        });
        self.pairs.last_mut().expect("it was just added")
    }

    /// Makes the run of all that was added.
    pub(crate) fn finish(mut self) -> Sample {
        self.pairs.sort_by(|a, b| {
            (&a.pair.subject, &a.pair.target).cmp(&(&b.pair.subject, &b.pair.target))
        });
        let mut totals = BTreeMap::new();
        let mut outputs = BTreeMap::new();
        let mut results = Vec::new();
        let mut subjects: Vec<SubjectRecord> = Vec::new();
        for (index, builder) in self.pairs.iter().enumerate() {
            *totals.entry(builder.pair.verdict).or_insert(0) += 1;
            builder.results(index as u64, &mut results, &mut outputs);
            if subjects
                .iter()
                .all(|subject| subject.id != builder.pair.subject)
            {
                subjects.push(builder.subject());
            }
        }
        subjects.push(SubjectRecord {
            id: SubjectId("canonical/archived-operator".into()),
            charm: None,
            repository: "https://github.com/canonical/archived-operator".into(),
            commit: None,
            tree: String::new(),
            root: Utf8PathBuf::new(),
            team: None,
            groups: Vec::new(),
            filtered: Some("archived in 2024".into()),
        });
        let reused = results
            .iter()
            .filter(|result| result.reused_from.is_some())
            .count();
        let unfinished = self
            .pairs
            .iter()
            .filter(|builder| builder.pair.candidate.is_none())
            .count();
        let comparison = Comparison {
            causes: self.causes(),
            pairs: self.pairs.into_iter().map(|builder| builder.pair).collect(),
            totals,
            unfinished,
            reused,
        };
        Sample {
            started: RunStarted {
                schema: LOG_SCHEMA,
                run: RunId(RUN.into()),
                at: at(0),
                charmproof: "0.1.0".into(),
                command: [
                    "charmproof",
                    "check",
                    "--fleet",
                    "charms.csv",
                    "--swap",
                    "ops @ ../operator",
                ]
                .map(String::from)
                .to_vec(),
                settings: serde_json::Value::Null,
            },
            plan: Plan {
                targets: vec!["lint".into(), "unit".into()],
                subjects,
                candidate: vec![swap()],
                baseline: Vec::new(),
                shard: None,
                missing: BTreeMap::from([(
                    "https://opendev.org/openstack/charm-gone".into(),
                    "repository not found".into(),
                )]),
            },
            comparison,
            results,
            warnings: vec!["The disk is 91 % full; results may be lost.".into()],
            ending: Some(if unfinished == 0 {
                Ending::Completed
            } else {
                Ending::Interrupted
            }),
            outputs,
        }
    }

    fn causes(&self) -> Vec<Cause> {
        let mut causes: BTreeMap<usize, Vec<&PairBuilder>> = BTreeMap::new();
        for builder in &self.pairs {
            if let Some(cause) = builder.cause {
                causes.entry(cause).or_default().push(builder);
            }
        }
        let cause = |pairs: Vec<&PairBuilder>| {
            let regressed = |builder: &PairBuilder| {
                builder
                    .pair
                    .cases
                    .iter()
                    .filter(|case| case.cause.is_some())
                    .count()
            };
            let smallest = &pairs[0].pair;
            Cause {
                title: "AttributeError: 'frozenset' object has no attribute 'append'".into(),
                place: Some("ops/model.py:412 in get".into()),
                subjects: pairs
                    .iter()
                    .map(|builder| builder.pair.subject.clone())
                    .collect(),
                cases: pairs.iter().map(|builder| regressed(builder)).sum(),
                smallest: (
                    smallest.subject.clone(),
                    smallest.target.clone(),
                    smallest.cases[0].case.clone(),
                ),
                failure: frozenset_failure(88).expect("it is one"),
            }
        };
        causes.into_values().map(cause).collect()
    }
}

fn swap() -> SwapRecord {
    SwapRecord {
        spec: "ops @ ../operator".into(),
        package: "ops".into(),
        version: VERSION.into(),
        digest: DIGEST.into(),
        source: "../operator at 9f8e7d6c5b4a".into(),
        modules: vec!["ops".into()],
    }
}

/// A moment of the run.
fn at(ms: u64) -> Timestamp {
    let start = Timestamp::from_second(1_795_266_131).expect("it is in range");
    start + std::time::Duration::from_millis(ms)
}

impl PairBuilder {
    pub(crate) fn team(&mut self, team: &str) -> &mut Self {
        self.team = Some(team.into());
        self
    }

    pub(crate) fn groups(&mut self, groups: &[&str]) -> &mut Self {
        self.groups = groups.iter().map(|&group| group.into()).collect();
        self
    }

    pub(crate) fn why(&mut self, why: &str) -> &mut Self {
        self.pair.summary = why.into();
        self
    }

    pub(crate) fn counts(&mut self, baseline: usize, candidate: usize) -> &mut Self {
        self.pair.case_counts = (baseline, candidate);
        self
    }

    pub(crate) fn durations(&mut self, baseline_ms: u64, candidate_ms: u64) -> &mut Self {
        self.pair.duration_ms = (Some(baseline_ms), Some(candidate_ms));
        self
    }

    pub(crate) fn attempts(&mut self, each: u32) -> &mut Self {
        self.pair.attempts = (each, each);
        self
    }

    pub(crate) fn still_passing(&mut self, cases: usize) -> &mut Self {
        self.pair.still_passing = cases;
        self
    }

    pub(crate) fn drift(&mut self, line: &str) -> &mut Self {
        self.pair.drift.push(line.into());
        self
    }

    pub(crate) fn silent(&mut self) -> &mut Self {
        self.pair.signal = false;
        self
    }

    pub(crate) fn reused(&mut self) -> &mut Self {
        self.reused = true;
        self
    }

    pub(crate) fn long_log(&mut self, lines: usize) -> &mut Self {
        self.log_lines = lines;
        self
    }

    /// The candidate has not run.
    pub(crate) fn unfinished(&mut self) -> &mut Self {
        self.pair.candidate = None;
        self.pair.attempts = (1, 0);
        self.silent()
    }

    /// All regressed cases so far belong to this cause.
    pub(crate) fn cause(&mut self, cause: usize) -> &mut Self {
        self.cause = Some(cause);
        for case in &mut self.pair.cases {
            if case.verdict == Verdict::Regressed {
                case.cause = Some(cause);
            }
        }
        self
    }

    pub(crate) fn case(
        &mut self,
        name: &str,
        verdict: Verdict,
        failure: Option<Failure>,
    ) -> &mut Self {
        let (pass, fail) = (Some(Outcome::Pass), Some(Outcome::Fail));
        let each = self.pair.attempts.0 as usize;
        let (baseline, candidate) = match verdict {
            Verdict::Regressed => (vec![pass; each], vec![fail; each]),
            Verdict::LostCase => (vec![pass; each], vec![None; each]),
            Verdict::Flaky => (
                vec![pass; each],
                [vec![fail], vec![pass; each - 1]].concat(),
            ),
            Verdict::Fixed => (vec![fail; each], vec![pass; each]),
            Verdict::NewCase => (vec![None; each], vec![pass; each]),
            _ => (vec![fail; each], vec![fail; each]),
        };
        self.pair.cases.push(CaseComparison {
            case: name.into(),
            verdict,
            baseline,
            candidate,
            failure,
            duration_ms: (Some(120), Some(95)),
            cause: None,
        });
        self
    }

    /// Adds many regressed cases.
    pub(crate) fn cases(&mut self, number: usize) -> &mut Self {
        for case in 0..number {
            let name =
                format!("tests/unit/test_charm.py::TestCharm::test_something_long[{case}-</td>]");
            self.case(&name, Verdict::Regressed, frozenset_failure(case as u32));
        }
        self
    }

    fn subject(&self) -> SubjectRecord {
        let id = &self.pair.subject.0;
        let parts: Vec<&str> = id.split('/').collect();
        SubjectRecord {
            id: self.pair.subject.clone(),
            charm: parts.last().map(|&name| name.into()),
            repository: format!("https://github.com/{}", parts[..2].join("/")),
            commit: Some("4f3e2d1c0b9a88776655443322110099aabbccdd".into()),
            tree: DIGEST.into(),
            root: parts[2..].join("/").into(),
            team: self.team.clone(),
            groups: self.groups.clone(),
            filtered: None,
        }
    }

    /// Adds the results of all attempts of both sides, and their logs.
    fn results(
        &self,
        index: u64,
        results: &mut Vec<UnitResult>,
        outputs: &mut BTreeMap<OutputId, String>,
    ) {
        let pair = &self.pair;
        for (side, outcome, attempts, duration_ms) in [
            (
                Side::Baseline,
                pair.baseline,
                pair.attempts.0,
                pair.duration_ms.0,
            ),
            (
                Side::Candidate,
                pair.candidate,
                pair.attempts.1,
                pair.duration_ms.1,
            ),
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
                    summary: if outcome == Outcome::Pass {
                        String::new()
                    } else {
                        pair.summary.clone()
                    },
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
                        (
                            "ops".into(),
                            if side == Side::Baseline {
                                "3.7.1".into()
                            } else {
                                VERSION.into()
                            },
                        ),
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
            let ended = if outcome == Outcome::Fail && line % 5 == 4 {
                "FAILED"
            } else {
                "PASSED"
            };
            let _ = writeln!(
                log,
                "tests/unit/test_charm.py::test_{line} {ended} <\u{1b}[32m{line}%\u{1b}[0m>"
            );
        }
        let _ = writeln!(
            log,
            "===== {} in {:.2}s =====",
            outcome.words(),
            duration_ms as f64 / 1000.0
        );
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
            failure: if outcome.is_failure() {
                case.failure.clone()
            } else {
                None
            },
        })
    };
    pair.cases.iter().filter_map(result).collect()
}

fn injection(side: Side, outcome: Outcome) -> Injection {
    let sighting = |version: &str, process: &str, path: &str| Sighting {
        package: "ops".into(),
        version: version.into(),
        digest: if version == VERSION {
            DIGEST.into()
        } else {
            DIGEST.chars().rev().collect()
        },
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
