//! The example charms that ask their surroundings: real libraries, answered as the rules beside
//! each charm say, and as an unreachable network or a strange cluster where they say nothing.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::runner::Mode;
use charmproof_agent::standins::Rules;
use charmproof_fuzz::oracle::Blame;
use charmproof_fuzz::player::{HookRecord, Played};
use charmproof_fuzz::script;
use charmproof_fuzz::search::{Report, Settings, Subject, play_once, search};

use super::bench::Bench;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/surroundings");
const MODES: [Mode; 3] = [Mode::Sequence, Mode::Fork, Mode::Cold];

struct Example {
    subjects: Vec<Subject>,
    settings: Settings,
}

impl Example {
    fn new(bench: &Bench, name: &'static str, rules: &str) -> Self {
        let folder: Utf8PathBuf = Utf8Path::new(EXAMPLES).join(name);
        let rules = Rules::parse(Utf8Path::new("rules.toml"), rules).unwrap();
        let (subjects, settings) = bench.stage(&[(name, folder)], &bench.root().join("w"), rules);
        assert_eq!(settings.rules.misfits(&[&subjects[0].metadata]), Vec::<String>::new());
        Self { subjects, settings }
    }

    fn with_rules(bench: &Bench, name: &'static str) -> Self {
        let rules = fs_err::read_to_string(Utf8Path::new(EXAMPLES).join(name).join("rules.toml")).unwrap();
        Self::new(bench, name, &rules)
    }

    /// Plays the life of a seed.
    fn play(&self, seed: u64, mode: Mode) -> Played {
        let steps = script::of_seed(&self.settings.plan, seed);
        let played = play_once(&self.subjects, &self.settings, &steps, seed, mode, &|| false).unwrap();
        assert_eq!(played.trouble, None);
        played
    }

    fn search(&self, lives: u64) -> Report {
        let settings = Settings { lives: Some(lives), ..self.settings.clone() };
        let report = search(&self.subjects, &settings, &|| false, &|_| {}).unwrap();
        assert_eq!(report.troubles, Vec::<String>::new());
        report
    }
}

/// Returns what a unit says of itself at the end.
fn status(played: &Played) -> Vec<String> {
    let units = played.state.units.values();
    units.map(|unit| format!("{:?}: {}", unit.status.kind, unit.status.message)).collect()
}

fn asked(played: &Played, program: &str) -> BTreeSet<String> {
    let records = played.hooks.iter().flat_map(|hook: &HookRecord| &hook.stand_ins);
    let of_program = records.filter(|record| record.arguments[0] == program);
    of_program.map(|record| format!("{} {}", record.arguments[1..].join(" "), record.code)).collect()
}

fn failures(played: &Played) -> Vec<(&str, &str)> {
    let failed = played.hooks.iter().filter(|hook| !hook.exit.is_success());
    failed.map(|hook| (hook.name.as_str(), hook.output.as_str())).collect()
}

#[test]
fn a_cluster_refuses_what_it_has_not_granted() {
    let bench = Bench::new();
    let example = Example::new(&bench, "cluster", "");
    for mode in MODES {
        let played = example.play(1, mode);
        assert_eq!(
            status(&played),
            ["Blocked: 403 Forbidden: trust this charm"],
            "{mode:?} {:?}",
            failures(&played)
        );
        let requests = asked(&played, "http");
        assert!(
            requests.contains("GET https://10.152.183.1/api/v1/namespaces/proof/pods 403"),
            "{requests:?}"
        );
    }
}

#[test]
fn a_cluster_answers_by_rules_and_what_it_refuses_is_no_fault_of_the_charm() {
    let bench = Bench::new();
    let example = Example::with_rules(&bench, "cluster");
    for mode in MODES {
        let played = example.play(1, mode);
        assert_eq!(status(&played), ["Active: 2 pods"], "{mode:?} {:?}", failures(&played));
    }
    let report = example.search(8);
    let found: Vec<(Blame, &str)> = report
        .findings
        .iter()
        .map(|finding| (finding.suspicion.blame, finding.suspicion.summary.as_str()))
        .collect();
    let [(Blame::Environment, summary)] = found.as_slice() else { panic!("{found:?}") };
    assert!(summary.contains("nodes is forbidden"), "{summary}");
}

#[test]
fn snapd_and_web_servers_answer_in_every_way_of_running() {
    let bench = Bench::new();
    let example = Example::with_rules(&bench, "machine");
    for mode in MODES {
        let played = example.play(1, mode);
        assert_eq!(failures(&played), [], "{mode:?}");
        assert_eq!(status(&played), ["Active: 3.5.1 healthy"], "{mode:?}");
        assert!(asked(&played, "snapd").contains("GET /v2/snaps 200"), "{:?}", asked(&played, "snapd"));
        assert!(asked(&played, "etcd").contains("--version 0"), "{mode:?}");
    }
    let report = example.search(8);
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.suspicion.summary.as_str()).collect();
    assert!(found.is_empty(), "{found:?}");
    let ran: Vec<&str> = report
        .handlers()
        .into_iter()
        .filter_map(|(handler, has_run)| has_run.then_some(handler.name.as_str()))
        .collect();
    assert!(ran.iter().any(|name| name.ends_with("_on_release_notes")), "{ran:?}");
}

#[test]
fn a_host_that_no_rule_names_is_not_found() {
    let bench = Bench::new();
    let example = Example::new(
        &bench,
        "machine",
        "[config.channel]\nvalues = [\"3.4/stable\"]\n[[http]]\nurl = \"https://api.example.com/other\"\n",
    );
    let report = example.search(4);
    let found: Vec<(Blame, &str)> = report
        .findings
        .iter()
        .map(|finding| (finding.suspicion.blame, finding.suspicion.summary.as_str()))
        .collect();
    assert!(found.iter().any(|(_, summary)| summary.contains("config-changed")), "{found:?}");
    assert!(found.iter().all(|(blame, _)| *blame == Blame::Environment), "{found:?}");
}

const LOOKS_AROUND: &str = r#"
import os, shutil, subprocess, sys
import ops

class Charm(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._on_start)
        framework.observe(self.on.collect_metrics, self._on_collect_metrics)

    def _on_start(self, event):
        subprocess.run(["is-leader", "-o", "/tmp/leads"], check=True)
        with open("/tmp/leads") as file:
            leads = file.read().strip()
        subprocess.run(["payload-register", "docker", "web", "1"], check=True)
        unknown = subprocess.run(["payload-register", "docker", "other", "1"], capture_output=True, text=True)
        credential = self.model.get_cloud_spec()
        seen = [name for name in ("cargo", "pip", "uv") if shutil.which(name)] + os.listdir("/usr/local/bin")
        self.unit.status = ops.ActiveStatus(f"{leads} {seen} {unknown.returncode} {credential.type}")

    def _on_collect_metrics(self, event):
        self.unit.status = ops.ActiveStatus()

if __name__ == "__main__":
    ops.main(Charm)
"#;

#[test]
fn what_a_unit_sees_is_the_same_in_every_way_of_running() {
    let bench = Bench::new();
    let folder = bench.root().join("looker");
    fs_err::create_dir_all(folder.join("src")).unwrap();
    fs_err::write(folder.join("src/charm.py"), LOOKS_AROUND).unwrap();
    fs_err::write(folder.join("requirements.txt"), "ops==3.9.0\n").unwrap();
    let metadata = "name: looker\nsummary: s\ndescription: d\npayloads:\n  web:\n    type: docker\n";
    fs_err::write(folder.join("metadata.yaml"), metadata).unwrap();
    let (subjects, settings) = bench.stage(&[("looker", folder)], &bench.root().join("w"), Rules::default());
    let example = Example { subjects, settings: Settings { is_trusted: true, ..settings } };
    for mode in MODES {
        let played = example.play(1, mode);
        assert_eq!(status(&played), ["Active: True [] 1 lxd"], "{mode:?} {:?}", failures(&played));
    }
    let report = example.search(2);
    let handlers: Vec<(&str, bool)> =
        report.handlers().into_iter().map(|(handler, ran)| (handler.name.as_str(), ran)).collect();
    assert_eq!(handlers, [("_on_start", true), ("_on_collect_metrics", false)]);
    assert!(!report.rules_reached.is_empty());
}
