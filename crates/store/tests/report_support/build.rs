//! Builds runs pair by pair.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use charmproof_store::comparison::{CaseComparison, Cause, Comparison, PairComparison};
use charmproof_store::event::{
    Ending, Failure, LOG_SCHEMA, Plan, RunId, RunStarted, SubjectId, SubjectRecord, SwapRecord,
};
use charmproof_store::outcome::Outcome;
use charmproof_store::verdict::Verdict;
use jiff::Timestamp;

use super::Sample;
use super::units::frozenset_failure;

const RUN: &str = "20261121-130211-k3f9";
pub(super) const VERSION: &str = "3.8.0+cp.1a2b3c4d";
pub(super) const DIGEST: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809";

/// A run that grows.
pub(crate) struct Builder {
    pairs: Vec<PairBuilder>,
}

/// One pair that grows.
pub(crate) struct PairBuilder {
    pub(super) pair: PairComparison,
    pub(super) team: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) cause: Option<usize>,
    pub(super) reused: bool,
    pub(super) log_lines: usize,
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
        self.pairs.sort_by(|a, b| (&a.pair.subject, &a.pair.target).cmp(&(&b.pair.subject, &b.pair.target)));
        let mut totals = BTreeMap::new();
        let mut outputs = BTreeMap::new();
        let mut results = Vec::new();
        let mut subjects: Vec<SubjectRecord> = Vec::new();
        for (index, builder) in self.pairs.iter().enumerate() {
            *totals.entry(builder.pair.verdict).or_insert(0) += 1;
            builder.results(index as u64, &mut results, &mut outputs);
            if subjects.iter().all(|subject| subject.id != builder.pair.subject) {
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
        let reused = results.iter().filter(|result| result.reused_from.is_some()).count();
        let unfinished = self.pairs.iter().filter(|builder| builder.pair.candidate.is_none()).count();
        let comparison = Comparison {
            causes: self.causes(),
            pairs: self.pairs.into_iter().map(|builder| builder.pair).collect(),
            totals,
            unfinished,
            reused,
            two_runs: None,
        };
        Sample {
            started: RunStarted {
                schema: LOG_SCHEMA,
                run: RunId(RUN.into()),
                at: at(0),
                charmproof: "0.1.0".into(),
                command: ["charmproof", "check", "--fleet", "charms.csv", "--swap", "ops @ ../operator"]
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
            ending: Some(if unfinished == 0 { Ending::Completed } else { Ending::Interrupted }),
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
            let regressed =
                |builder: &PairBuilder| builder.pair.cases.iter().filter(|case| case.cause.is_some()).count();
            let smallest = &pairs[0].pair;
            Cause {
                title: "AttributeError: 'frozenset' object has no attribute 'append'".into(),
                place: Some("ops/model.py:412 in get".into()),
                subjects: pairs.iter().map(|builder| builder.pair.subject.clone()).collect(),
                cases: pairs.iter().map(|builder| regressed(builder)).sum(),
                smallest: (smallest.subject.clone(), smallest.target.clone(), smallest.cases[0].case.clone()),
                failure: frozenset_failure(88),
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
pub(super) fn at(ms: u64) -> Timestamp {
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

    pub(crate) fn case(&mut self, name: &str, verdict: Verdict, failure: Option<Failure>) -> &mut Self {
        let (pass, fail) = (Some(Outcome::Pass), Some(Outcome::Fail));
        let each = self.pair.attempts.0 as usize;
        let (baseline, candidate) = match verdict {
            Verdict::Regressed => (vec![pass; each], vec![fail; each]),
            Verdict::LostCase => (vec![pass; each], vec![None; each]),
            Verdict::Flaky => (vec![pass; each], [vec![fail], vec![pass; each - 1]].concat()),
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
            baseline_failure: None,
            duration_ms: (Some(120), Some(95)),
            cause: None,
        });
        self
    }

    /// Adds many regressed cases.
    pub(crate) fn cases(&mut self, number: usize) -> &mut Self {
        for case in 0..number {
            let name = format!("tests/unit/test_charm.py::TestCharm::test_something_long[{case}-</td>]");
            self.case(&name, Verdict::Regressed, Some(frozenset_failure(case as u32)));
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
}
