//! The sequences that people ask for, each a script in `tests/scenarios`, and what Juju
//! refuses.

mod run;
mod script;

use std::path::Path;

use charmproof_lifecycle::machine::{Event, IllegalEvent, step};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{JujuVersion, Outcome, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role, World};
use proptest::prelude::*;

/// Reads and plays a script.
fn play(text: &str) -> Result<(), String> {
    let script = script::parse(text).map_err(|mistake| mistake.to_string())?;
    run::run(&script).map_err(|mistake| mistake.to_string())
}

#[test]
fn every_scenario_is_what_juju_does_and_what_the_judge_accepts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs_err::read_dir(folder).expect("the folder of scenarios can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("its entries can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "scenario"));
    paths.sort();
    assert!(paths.len() > 30, "the scenarios were found: {}", paths.len());
    let mut mistakes = Vec::new();
    for path in paths {
        let text = fs_err::read_to_string(&path).expect("a scenario can be read");
        if let Err(mistake) = play(&text) {
            mistakes.push(format!("{}:{mistake}", path.display()));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn the_example_of_the_description_is_a_scenario() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/README.md");
    let text = fs_err::read_to_string(path).expect("the description can be read");
    let example = text.split("```").nth(1).expect("it has an example");
    assert_eq!(play(example), Ok(()));
}

/// The beginning of a script of one unit, which takes six lines.
const HEADER: &str = "title: a test\njuju: 3.6\nplatform: machine\ncharm: app\nrequires: db\npeers: peers\n";
/// Its setup, which takes six lines more.
const SETUP: &str =
    "user deploy app/0 leader\ninstall\npeers-relation-created\nleader-elected\nconfig-changed\nstart\n";

#[track_caller]
fn check(lines: &str, expected: Result<(), &str>) {
    assert_eq!(play(&format!("{HEADER}{SETUP}{lines}")), expected.map_err(str::to_owned));
}

#[test]
fn a_script_that_tells_something_else_is_answered_with_what_happens() {
    let on = "Juju 3.6 on machine: ";
    let wrong = |line: usize, what: &str| format!("{line}: {on}{what}");
    check("is idle", Ok(()));
    check("config-changed", Err(&wrong(13, "expected `config-changed`, and app/0 has nothing to do")));
    check("user config-changes\nstart", Err(&wrong(14, "expected `start`, and app/0 runs `config-changed`")));
    check("user config-changes", Err(&wrong(13, "at the end, app/0 runs `config-changed`")));
    check("user config-changes\nis idle", Err(&wrong(14, "app/0 runs `config-changed`")));
    check("is down", Err(&wrong(13, "app/0 is not down")));
    check("cloud pod-lost", Err(&wrong(13, "this does not happen on machine")));
    check("user remove-relation db", Err(&wrong(13, "app has no relation `db`")));
    check(
        "user config-changes\nconfig-changed by-chance",
        Err("14: nothing else may run here: leave out `by-chance`"),
    );
    let integrated = "user integrate db pg\nuser integrate db mysql\n";
    check(
        &format!("{integrated}db-relation-created pg"),
        Err(&wrong(
            15,
            "app/0 may run `db-relation-created (db:1)` or `db-relation-created (db:2)`: say `by-chance`",
        )),
    );
    check(&format!("{integrated}db-relation-created pg by-chance\ndb-relation-created mysql"), Ok(()));
    check(
        &format!("{integrated}other-charm remote-app-writes db"),
        Err(&wrong(15, "app has several relations of `db`: say which, as in `db:1`")),
    );
    check(
        "user config-changes\nconfig-changed begins\ncloud machine-reboots\nstart",
        Err(&wrong(16, "`config-changed` was cut off: say so with `config-changed cut-off`")),
    );
    check(
        "user config-changes\nconfig-changed begins\nconfig-changed",
        Err(&wrong(
            15,
            "`config-changed` runs on app/0 already: it ends, fails, is missing or is terminated",
        )),
    );
    check("app/1 start", Err(&wrong(13, "there is no unit `app/1`")));
    let joined = "user integrate db pg\nother-charm remote-unit-joins db pg/0\ndb-relation-created\n";
    check(
        &format!("{joined}db-relation-joined"),
        Err(&wrong(16, "expected `db-relation-joined`, and app/0 runs `db-relation-joined (db:1) of pg/0`")),
    );
}

#[test]
fn a_line_that_says_nothing_is_told_with_its_number() {
    check(
        "user config-changed",
        Err("13: `config-changed` is nothing that happens: `user` does deploy, integrate, remove-relation, \
         suspend-relation, resume-relation, config-changes, storage-added, storage-detached, action-runs, \
         refresh, series-upgrade-prepared, series-upgrade-completed, retry, resolve-without-retry, remove-unit"),
    );
    check("\n# a remark\njuju config-changes", Err("15: `config-changes` is done by `user`"));
    check("user integrate db", Err("13: write `user integrate ENDPOINT APPLICATION`"));
    check("user refresh at once", Err("13: write `user refresh [forced]`"));
    check("user refresh quickly", Err("13: `quickly` says nothing here: write `user refresh [forced]`"));
    check("user", Err("13: what does `user` do?"));
    check("app/0", Err("13: what does the unit do?"));
    check(
        "storage-detached",
        Err("13: `storage-detached` is no hook of Juju; `STORAGE-storage-detaching` is"),
    );
    check("start soon", Err("13: `soon` says nothing about `start`"));
    check("db-relation-created http:1", Err("13: `http:1` is no relation of the endpoint"));
    check("is happy", Err("13: `happy` is no state of a unit: idle, in-error, down, gone"));
    check("start [before 5.0]", Err("13: `5.0` is no line of Juju: 2.9, 3.1, 3.4, 3.6, 4.0"));
    check("start [soon]", Err("13: `soon` is no platform: machine, k8s"));
    check("start [before", Err("13: a condition ends with `]`, and the line with it"));
    check("platform: k8s", Err("13: `platform:` belongs above the first thing that happens"));
}

#[test]
fn a_header_that_says_nothing_is_told_with_its_number() {
    let check = |text: &str, expected: &str| assert_eq!(play(text), Err(expected.to_owned()));
    check("", "0: `title:` is missing");
    check("title: x\njuju: all\nplatform: k8s\n", "3: `charm:` is missing");
    check(HEADER, "6: nothing happens");
    check("juju: 3.5", "1: `3.5` is no line of Juju: 2.9, 3.1, 3.4, 3.6, 4.0");
    check("platform: lxd", "1: `lxd` is no platform: machine, k8s");
    check("title:", "1: `title:` says nothing");
    check("requires: db", "1: `requires:` belongs below `charm:`, if it is anything");
    check("rules: R30 R99", "1: `R99` is no rule");
    check("quirks: maybe", "1: `maybe` is no answer: yes, no");
    let words = "title, juju, platform, quirks, rules, warnings, charm, and of a charm requires, provides, peers, \
                 storage, optional-storage, container, action";
    check("charm: app\nneeds: db", &format!("2: `needs:` is no word of a header: {words}"));
    let unneeded = format!("warnings: R46\n{HEADER}{SETUP}");
    check(&unneeded, "13: the judge warns of no R46: leave it out");
}

proptest! {
    #[test]
    fn any_text_is_a_script_or_is_not(lines in "([a-z/:\\[\\]# -]{0,40}\n){0,10}") {
        // What counts is that it ends, whatever it says.
        let _ = play(&format!("{HEADER}{SETUP}{lines}"));
        let _ = play(&lines);
    }

    #[test]
    fn any_words_of_the_language_can_be_played(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "user config-changes", "user integrate db pg", "user remove-relation db", "user remove-unit",
            "cloud machine-reboots", "juju leadership-lost", "user retry", "config-changed", "start", "stop",
            "config-changed fails", "config-changed begins", "config-changed cut-off", "is idle", "is gone",
            "db-relation-created", "db-relation-broken", "remove", "juju time-passes", "update-status",
        ]), 0..20)
    ) {
        let _ = play(&format!("{HEADER}{SETUP}{}", words.join("\n")));
    }
}

/// A unit of a charm with peers, relation 0, and an endpoint for a database.
struct Unit {
    world: World,
}

impl Unit {
    fn new() -> Self {
        let charm = Charm::default().with_endpoint(Role::Peer, "peers").with_endpoint(Role::Requires, "db");
        let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Machine };
        Self { world: World::new(profile, charm, "app/0").with_quirks() }
    }

    fn poke(&mut self, stimulus: Stimulus) {
        step(&mut self.world, Event::Stimulus(stimulus)).expect("a stimulus that is possible");
    }

    /// Runs hooks, all of which succeed, until there is nothing to do.
    fn run(&mut self) {
        loop {
            step(&mut self.world, Event::Resolve { choice: 0 }).expect("no hook runs");
            if !self.world.is_running() {
                return;
            }
            step(&mut self.world, Event::HookEnds { outcome: Outcome::Ok }).expect("a hook runs");
        }
    }
}

fn deploy(leads: bool) -> Stimulus {
    Stimulus::Deploy { leads, first_relation: 0, first_storage: 0 }
}

fn integrate(relation: u32, endpoint: &str, remote_app: &str) -> Stimulus {
    let (endpoint, remote_app) = (endpoint.into(), remote_app.into());
    Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint: None }
}

fn joins(relation: u32, unit: &str) -> Stimulus {
    Stimulus::RemoteUnitJoins { relation, unit: unit.into() }
}

#[test]
fn what_is_impossible_is_refused_and_changes_nothing() {
    let check = |unit: &mut Unit, stimulus: Stimulus, expected: IllegalEvent| {
        let before = unit.world.clone();
        assert_eq!(step(&mut unit.world, Event::Stimulus(stimulus)), Err(expected));
        assert_eq!(unit.world, before);
    };
    let mut unit = Unit::new();
    check(&mut unit, Stimulus::ConfigChanges, IllegalEvent::NotDeployed);
    let mut unit = Unit::new();
    unit.poke(deploy(true));
    unit.run();
    check(&mut unit, deploy(true), IllegalEvent::AlreadyDeployed);
    check(&mut unit, Stimulus::PodStarted, IllegalEvent::NotOnPlatform(Platform::Machine));
    check(&mut unit, Stimulus::Retry, IllegalEvent::NoHookFailed);
    check(&mut unit, integrate(1, "peers", "pg"), IllegalEvent::PeerRelation("peers".into()));
    check(&mut unit, Stimulus::LeadershipGained, IllegalEvent::NothingChanges);
    let nobody = IllegalEvent::Unknown { what: "remote unit", name: "app/0".into() };
    check(&mut unit, joins(0, "app/0"), nobody);
    unit.poke(Stimulus::RemoveUnit);
    check(&mut unit, Stimulus::Refresh { forced: false }, IllegalEvent::UnitDying);
    unit.run();
    check(&mut unit, Stimulus::ConfigChanges, IllegalEvent::UnitGone);
}
