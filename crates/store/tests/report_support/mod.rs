//! Runs to be shown: a realistic one with every verdict, a hostile one, a large
//! one. All are made of constants, so that what is shown of them never changes.

mod build;
mod units;

use std::collections::BTreeMap;

use charmproof_store::comparison::{Comparison, SUITE};
use charmproof_store::event::{Ending, OutputId, Plan, RunStarted, UnitResult};
use charmproof_store::outcome::{Outcome, PrepareKind};
use charmproof_store::report::Report;
use charmproof_store::verdict::Verdict;

use build::Builder;
use units::{frozenset_failure, traceback};

/// A run that owns its parts.
pub(crate) struct Sample {
    pub(crate) started: RunStarted,
    pub(crate) plan: Plan,
    pub(crate) comparison: Comparison,
    pub(crate) results: Vec<UnitResult>,
    pub(crate) warnings: Vec<String>,
    pub(crate) ending: Option<Ending>,
    pub(crate) outputs: BTreeMap<OutputId, String>,
}

impl Sample {
    /// Calls `show` with the run as reports take it.
    pub(crate) fn show<T>(&self, show: impl FnOnce(&Report<'_>) -> T) -> T {
        let outputs = |id: &OutputId| self.outputs.get(id).cloned();
        show(&Report {
            started: &self.started,
            plan: &self.plan,
            comparison: &self.comparison,
            results: &self.results,
            warnings: &self.warnings,
            ending: self.ending,
            outputs: &outputs,
        })
    }
}

/// A run with at least one pair of every verdict.
pub(crate) fn sample() -> Sample {
    let mut run = Builder::new();
    let kfp = "canonical/kfp-operators/charms/kfp-ui";
    run.pair(kfp, "unit", Verdict::Regressed, Outcome::Pass, Outcome::Fail)
        .team("analytics")
        .groups(&["kubeflow", "k8s"])
        .why("3 cases fail in ops/model.py:412 in get")
        .counts(42, 42)
        .durations(31_200, 33_900)
        .attempts(2)
        .case(
            "tests/unit/test_operator.py::TestCharm::test_relation_data",
            Verdict::Regressed,
            Some(frozenset_failure(88)),
        )
        .case(
            "tests/unit/test_operator.py::TestCharm::test_ingress[no-tls]",
            Verdict::Regressed,
            Some(frozenset_failure(131)),
        )
        .case("tests/unit/test_operator.py::TestCharm::test_status", Verdict::Flaky, None)
        .cause(0)
        .still_passing(39)
        .drift("websocket-client 1.8.0 -> 1.9.0");
    run.pair("canonical/discourse-k8s-operator", "unit", Verdict::Regressed, Outcome::Pass, Outcome::Fail)
        .team("platform")
        .groups(&["k8s"])
        .why("1 case fails in ops/model.py:412 in get")
        .counts(118, 118)
        .durations(74_000, 76_300)
        .attempts(2)
        .case(
            "tests/unit_harness/test_charm.py::test_pod_config",
            Verdict::Regressed,
            Some(frozenset_failure(57)),
        )
        .cause(0)
        .still_passing(117);
    run.pair("canonical/traefik-k8s-operator", "unit", Verdict::LostCase, Outcome::Pass, Outcome::Pass)
        .team("observability")
        .groups(&["k8s"])
        .why("1 case is not collected with the swap")
        .counts(205, 204)
        .durations(61_000, 60_400)
        .case("tests/scenario/test_ingress.py::test_ipv6[legacy]", Verdict::LostCase, None)
        .still_passing(204);
    run.pair(
        "canonical/mysql-router-operator",
        "unit",
        Verdict::NotInjected,
        Outcome::Pass,
        Outcome::NotInjected,
    )
    .team("data")
    .groups(&["machine"])
    .why("ops 2.23.1 was seen instead of 3.8.0: the charm vendors its own copy")
    .counts(12, 12)
    .durations(9_900, 9_800)
    .silent();
    run.pair(
        "canonical/grafana-agent-operator",
        "unit",
        Verdict::Spurious,
        Outcome::Pass,
        Outcome::CouldNotPrepare(PrepareKind::Network),
    )
    .team("observability")
    .why("the candidate could not reach packages.example.com")
    .counts(88, 0)
    .durations(40_000, 3_100)
    .silent();
    run.pair("canonical/postgresql-k8s-operator", "unit", Verdict::Flaky, Outcome::Pass, Outcome::Fail)
        .team("data")
        .groups(&["k8s"])
        .why("1 case fails on 1 of 3 attempts of the candidate")
        .counts(310, 310)
        .durations(210_000, 204_000)
        .attempts(3)
        .case("tests/unit/test_upgrade.py::test_rolling", Verdict::Flaky, None)
        .still_passing(309);
    run.pair(
        "canonical/hardware-observer-operator",
        "unit",
        Verdict::Blocked,
        Outcome::CouldNotPrepare(PrepareKind::HostPackage),
        Outcome::CouldNotPrepare(PrepareKind::HostPackage),
    )
    .team("soleng")
    .groups(&["machine"])
    .why("pg_config is missing: install libpq-dev")
    .durations(6_000, 5_900)
    .silent();
    run.pair(
        "canonical/landscape-charm",
        "unit",
        Verdict::Blocked,
        Outcome::CouldNotPrepare(PrepareKind::Interpreter),
        Outcome::CouldNotPrepare(PrepareKind::Interpreter),
    )
    .team("landscape")
    .why("wants Python 3.8")
    .silent();
    run.pair("canonical/wordpress-k8s-operator", "unit", Verdict::StillFailing, Outcome::Fail, Outcome::Fail)
        .team("platform")
        .groups(&["k8s"])
        .why("2 cases fail with and without the swap")
        .counts(31, 31)
        .durations(18_000, 18_200)
        .case(
            "tests/unit/test_charm.py::test_theme",
            Verdict::StillFailing,
            Some(traceback("AssertionError", "assert 1 == 2")),
        )
        .still_passing(29);
    run.pair("canonical/loki-k8s-operator", "unit", Verdict::Slower, Outcome::Pass, Outcome::Pass)
        .team("observability")
        .groups(&["k8s"])
        .why("takes 2.1 times as long on both attempts")
        .counts(140, 140)
        .durations(52_000, 109_000)
        .attempts(2)
        .still_passing(140);
    run.pair("canonical/vault-k8s-operator", "unit", Verdict::Fixed, Outcome::Fail, Outcome::Pass)
        .team("identity")
        .groups(&["k8s"])
        .why("1 case works with the swap")
        .counts(64, 64)
        .durations(27_000, 26_500)
        .case(
            "tests/unit/test_tls.py::test_renew",
            Verdict::Fixed,
            Some(traceback("RuntimeError", "deferred twice")),
        )
        .still_passing(63);
    run.pair("canonical/mimir-operators/coordinator", "unit", Verdict::Faster, Outcome::Pass, Outcome::Pass)
        .team("observability")
        .why("takes 0.6 of the time")
        .counts(77, 77)
        .durations(90_000, 54_000)
        .still_passing(77);
    run.pair("canonical/sdcore-amf-k8s-operator", "unit", Verdict::NewCase, Outcome::Pass, Outcome::Pass)
        .team("telco")
        .why("2 cases are run with the swap only")
        .counts(50, 52)
        .durations(22_000, 22_600)
        .case("tests/unit/test_charm_tracing.py::test_on[http]", Verdict::NewCase, None)
        .still_passing(50);
    run.pair("canonical/tempo-operators/worker", "unit", Verdict::StillPassing, Outcome::Pass, Outcome::Pass)
        .team("observability")
        .counts(18, 18)
        .durations(11_000, 11_100)
        .still_passing(18)
        .reused();
    run.pair(kfp, "lint", Verdict::StillPassing, Outcome::Pass, Outcome::Pass)
        .team("analytics")
        .groups(&["kubeflow", "k8s"])
        .durations(4_100, 4_200)
        .still_passing(1);
    run.pair("canonical/ubuntu-pro-bare", "unit", Verdict::Unaffected, Outcome::NotUsed, Outcome::NotUsed)
        .team("soleng")
        .why("its environment holds no ops")
        .durations(2_000, 2_000)
        .silent();
    run.pair("canonical/zookeeper-operator", "unit", Verdict::Unknown, Outcome::Pass, Outcome::Pass)
        .team("data")
        .why("the candidate has no result yet")
        .unfinished();
    run.finish()
}

/// A run whose every text tries to break out of its report.
pub(crate) fn hostile() -> Sample {
    const EVIL: &str = "</script></style><img src=x onerror=alert(1)>\"'><svg onload=alert(2)>| `x` ``` @canonical \
                        #1 ]]> \u{1b}[31m\u{202e}\u{0}{{ 7*7 }}{% raw %}&amp;\n\n# heading\n- [a](javascript:alert(3))";
    let mut sample = sample();
    let evil = |text: &mut String| *text = format!("{text}{EVIL}");
    evil(&mut sample.started.run.0);
    sample.started.command.push(EVIL.into());
    sample.warnings.push(EVIL.into());
    sample.plan.missing.insert(EVIL.into(), EVIL.into());
    for swap in &mut sample.plan.candidate {
        evil(&mut swap.version);
        evil(&mut swap.source);
        evil(&mut swap.spec);
    }
    for subject in &mut sample.plan.subjects {
        evil(&mut subject.id.0);
        evil(&mut subject.repository);
        subject.team = Some(EVIL.into());
        subject.groups.push(EVIL.into());
        subject.filtered = subject.filtered.as_ref().map(|_| EVIL.into());
    }
    for pair in &mut sample.comparison.pairs {
        evil(&mut pair.subject.0);
        evil(&mut pair.target);
        evil(&mut pair.summary);
        pair.drift.push(EVIL.into());
        for case in &mut pair.cases {
            if case.case != SUITE {
                evil(&mut case.case);
            }
            if let Some(failure) = &mut case.failure {
                evil(&mut failure.excerpt);
                evil(&mut failure.message);
                evil(&mut failure.exception);
            }
        }
    }
    for cause in &mut sample.comparison.causes {
        evil(&mut cause.title);
        cause.place = Some(EVIL.into());
        cause.subjects.iter_mut().for_each(|subject| evil(&mut subject.0));
        evil(&mut cause.smallest.0.0);
        evil(&mut cause.smallest.1);
        evil(&mut cause.smallest.2);
        evil(&mut cause.failure.excerpt);
    }
    for result in &mut sample.results {
        evil(&mut result.unit.subject.0);
        evil(&mut result.unit.target);
        evil(&mut result.summary);
        evil(&mut result.reproduce);
        evil(&mut result.invocation);
        evil(&mut result.injection.summary);
        result.edits.push(EVIL.into());
        result.commands.iter_mut().for_each(|command| evil(&mut command.command));
        result.injection.sightings.iter_mut().for_each(|sighting| evil(&mut sighting.path));
    }
    sample.outputs.values_mut().for_each(|log| *log = format!("{EVIL}\n{log}\n{EVIL}"));
    sample
}

/// A run of `charms` charms, of which every third regresses with long logs.
pub(crate) fn fleet(charms: usize) -> Sample {
    let mut run = Builder::new();
    for number in 0..charms {
        let name = format!("canonical/some-fairly-long-operator-name-{number:04}/charms/worker");
        let ms = 10_000 + (number as u64 * 7_919) % 300_000;
        if number % 3 == 0 {
            run.pair(&name, "unit", Verdict::Regressed, Outcome::Pass, Outcome::Fail)
                .why("60 cases fail in ops/model.py:412 in get")
                .counts(300, 300)
                .durations(ms, ms + 500)
                .attempts(2)
                .cases(60)
                .cause(number % 7)
                .long_log(1_500)
                .still_passing(240);
        } else {
            run.pair(&name, "unit", Verdict::StillPassing, Outcome::Pass, Outcome::Pass)
                .counts(300, 300)
                .durations(ms, ms + 300)
                .long_log(1_500)
                .still_passing(300);
        }
    }
    run.finish()
}
