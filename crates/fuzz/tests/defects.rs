//! The example charms with planted defects: each is found, made as small as its README says, and
//! written down as a test that fails for it. The same charms without the defect are clean.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "defects/bench.rs"]
mod bench;
#[path = "defects/surroundings.rs"]
mod surroundings;
mod workshop;

use std::collections::BTreeMap;

use bench::{Bench, Code, EXAMPLES};
use camino::Utf8Path;
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_fuzz::export::{Charm, Inexpressible, pytest};
use charmproof_fuzz::oracle::{Blame, Oracle};
use charmproof_fuzz::search::{Confirmation, Finding};
use charmproof_lifecycle::format::story::story;
use charmproof_lifecycle::stimulus::{Actor, StimulusKind};

/// How many lives a charm without its defect has to survive.
const CLEAN_LIVES: u64 = 24;

/// What the README of an example promises.
struct Promise {
    oracle: Oracle,
    lives: u64,
    stimuli: usize,
    hooks: usize,
    is_expressible: bool,
}

impl Promise {
    /// Reads `- name: value` lines.
    fn read(name: &str) -> Self {
        let text = fs_err::read_to_string(Utf8Path::new(EXAMPLES).join(name).join("README.md")).unwrap();
        let lines: BTreeMap<&str, &str> =
            text.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(": ")).collect();
        let number = |name: &str| lines[name].split(' ').next().unwrap().parse::<u64>().unwrap();
        let size = |name: &str| usize::try_from(number(name)).unwrap();
        Self {
            oracle: Oracle::parse(lines["oracle"].trim_matches('`')).expect("an oracle"),
            lives: number("found within"),
            stimuli: size("what has to happen"),
            hooks: size("hooks of the smallest life"),
            is_expressible: lines["as a test"].starts_with("yes"),
        }
    }
}

/// Counts what somebody did after the deployment. What the charm does is its own.
fn stimuli(finding: &Finding) -> usize {
    let all = finding.life.steps.iter().filter_map(|step| step.stimulus());
    let kinds = all.map(|(_, stimulus)| stimulus.kind());
    kinds.filter(|kind| *kind != StimulusKind::Deploy && kind.by() != Actor::ThisCharm).count()
}

fn exported(finding: &Finding, charm: &Utf8Path) -> Result<String, Inexpressible> {
    let source = fs_err::read_to_string(charm.join("src/charm.py")).unwrap();
    let metadata = CharmMetadata::read(&DiskTree::open(charm).unwrap());
    pytest(finding, &Charm { metadata: &metadata, program: Utf8Path::new("src/charm.py"), source: &source })
}

fn told(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let suspicion = &finding.suspicion;
        let (oracle, summary) = (suspicion.oracle.name(), &suspicion.summary);
        format!("seed {}, {oracle}: {summary}\n{}\n{}", finding.seed, suspicion.details, story(&finding.life))
    };
    findings.iter().map(one).collect::<Vec<String>>().join("\n")
}

/// The charm with the defect is found out as its README says, by its test as well.
fn check(name: &str) {
    let partner = format!("{name}-partner");
    let mut names = vec![name];
    if Utf8Path::new(EXAMPLES).join(&partner).exists() {
        names.push(&partner);
    }
    let promise = Promise::read(name);
    let bench = Bench::new();
    // Only one of the examples waits, and that one for ever.
    let hook_budget_s = if promise.oracle == Oracle::SlowHook { 2.0 } else { 30.0 };
    let report = bench.search(&names, Code::Defect, promise.lives, hook_budget_s);
    assert_eq!(report.troubles, Vec::<String>::new());
    let of_charm: Vec<Finding> =
        report.findings.into_iter().filter(|finding| finding.suspicion.blame == Blame::Charm).collect();
    let [finding] = of_charm.as_slice() else {
        panic!("{} findings of `{name}`:\n{}", of_charm.len(), told(&of_charm));
    };
    let all = told(&of_charm);
    assert_eq!(finding.suspicion.oracle, promise.oracle, "{all}");
    assert_eq!(finding.confirmation, Confirmation::Cold, "{all}");
    assert_eq!((stimuli(finding), finding.hooks.len()), (promise.stimuli, promise.hooks), "{all}");

    let defect = bench.charm(name, Code::Defect);
    let mended = bench.charm(name, Code::Mended);
    match exported(finding, &defect) {
        Ok(test) => {
            assert!(promise.is_expressible, "{test}");
            let (passes, text) = bench.pytest(&defect, &test);
            assert!(!passes && text.contains("1 failed"), "{test}\n{text}");
            let (passes, text) = bench.pytest(&mended, &test);
            assert!(passes, "{test}\n{text}");
        }
        Err(why) => assert!(!promise.is_expressible, "{why}"),
    }

    let report = bench.search(&names, Code::Mended, CLEAN_LIVES, hook_budget_s);
    assert_eq!(report.troubles, Vec::<String>::new());
    assert!(report.findings.is_empty() && report.unconfirmed.is_empty(), "{}", told(&report.findings));
    assert_eq!(report.lives, CLEAN_LIVES);
}

/// A test for each example, and one that none is without.
macro_rules! defects {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                check($name);
            }
        )*

        #[test]
        fn every_example_is_tested() {
            let mut named = vec![$($name),*];
            named.sort_unstable();
            let all = Utf8Path::new(EXAMPLES).read_dir_utf8().unwrap().map(Result::unwrap);
            let folders = all.filter(|entry| entry.path().is_dir());
            let mut there: Vec<String> = folders.map(|entry| entry.file_name().to_owned()).collect();
            there.retain(|name| !name.ends_with("-partner"));
            there.sort_unstable();
            assert_eq!(there, named);
        }

        #[test]
        fn every_oracle_has_an_example() {
            let found: Vec<Oracle> = [$($name),*].map(|name| Promise::read(name).oracle).into();
            let without: Vec<&Oracle> = Oracle::ALL.iter().filter(|oracle| !found.contains(oracle)).collect();
            assert!(without.is_empty(), "{without:?}");
        }
    };
}

defects! {
    empty_databag: "empty-databag",
    gone_units: "gone-units",
    leader_only_write: "leader-only-write",
    action_without_relation: "action-without-relation",
    any_text: "any-text",
    unready_container: "unready-container",
    reboot_in_action: "reboot-in-action",
    busy_for_ever: "busy-for-ever",
    new_token: "new-token",
    first_come: "first-come",
    ping_pong: "ping-pong",
    left_file: "left-file",
    left_secret: "left-secret",
    waits_in_vain: "waits-in-vain",
    logged_password: "logged-password",
    shared_password: "shared-password",
    old_call: "old-call",
    waits_for_file: "waits-for-file",
}
