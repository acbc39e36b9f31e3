//! Charms that move a model by what they do: a model, its state and tools, put together.

use std::collections::VecDeque;

use charmproof_lifecycle::model::{ModelEvent, Target};
use charmproof_lifecycle::vocabulary::{JujuVersion, Name, Outcome, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role, World};

use super::*;
use crate::state::{Application, HookContext, Juju, ModelIdentity};
use crate::tools::{ToolCall, answer};

/// A model and its state, moved as somebody does who runs real charms.
struct Juggler {
    model: Model,
    state: State,
    /// What hooks do, in the order in which they may: unit, hook, command lines.
    script: VecDeque<(&'static str, &'static str, Vec<String>)>,
}

impl Juggler {
    /// `web`, which needs `db`, with two units, and `pg`, which offers it, with one.
    fn new() -> Self {
        let line = JujuVersion::V3_6;
        let web = Charm::default().with_endpoint(Role::Requires, "db").with_storage("data");
        let web = web.with_endpoint(Role::Peer, "peers");
        let pg = Charm::default().with_endpoint(Role::Provides, "clients");
        let model = Model::new(Profile { version: line, platform: Platform::Machine }, false)
            .with_told_secrets()
            .with_application("web", web)
            .with_application("pg", pg);
        let juju = Juju::of_line(line, Platform::Machine);
        let mut juggler =
            Self { model, state: State::new(juju, ModelIdentity::default()), script: VecDeque::new() };
        for name in ["web", "pg"] {
            let mut application = Application::new(name);
            application.storages.insert(
                "data".into(),
                crate::state::StorageDeclaration {
                    kind: crate::state::StorageKind::Filesystem,
                    count_max: None,
                    location: None,
                },
            );
            juggler.state.add_application(application).unwrap();
        }
        for unit in ["web/0", "web/1", "pg/0"] {
            let deployment = juggler.model.deploy(&unit.into());
            juggler.poke(&Target::Unit(unit.into()), &deployment);
        }
        juggler
    }

    fn poke(&mut self, target: &Target, stimulus: &Stimulus) {
        let event = ModelEvent::Stimulus { target: target.clone(), stimulus: stimulus.clone() };
        self.model.step(event).unwrap();
        self.state.follow(&self.model, target, stimulus);
    }

    fn integrate(&mut self) -> u32 {
        let relation = self.model.next_relation();
        let stimulus = Stimulus::Integrate {
            relation,
            endpoint: "db".into(),
            remote_app: "pg".into(),
            remote_endpoint: Some("clients".into()),
        };
        self.poke(&Target::Application("web".into()), &stimulus);
        relation
    }

    /// Lets a hook do something.
    fn on(&mut self, unit: &'static str, hook: &'static str, lines: &[String]) {
        self.script.push_back((unit, hook, lines.to_vec()));
    }

    /// Runs until nobody has anything to do, and returns the hooks: `web/0 install`.
    fn settle(&mut self) -> Vec<String> {
        let mut ran = Vec::new();
        loop {
            let before = ran.len();
            let units: Vec<Name> = self.model.units().keys().cloned().collect();
            for unit in units {
                ran.extend(self.step(&unit));
            }
            if ran.len() == before {
                return ran;
            }
        }
    }

    fn step(&mut self, unit: &Name) -> Option<String> {
        self.model.step(ModelEvent::Resolve { unit: unit.clone(), choice: 0 }).unwrap();
        let Some(world) = self.model.units().get(unit) else {
            self.state.remove_unit(unit).unwrap();
            self.state.remove_relations_that_are_over();
            return None;
        };
        let hook = World::running(world).cloned()?;
        let name = format!("{unit} {}", hook.name());
        self.state.prepare(unit, &hook);
        let mut context = HookContext::new(&mut self.state, unit, &hook, None).unwrap();
        let is_next =
            self.script.front().is_some_and(|(of, at, _)| *of == unit.as_str() && *at == hook.name());
        let lines = if is_next { self.script.pop_front() } else { None };
        for line in lines.into_iter().flat_map(|(_, _, lines)| lines) {
            let call = ToolCall::of(&line.split(' ').collect::<Vec<_>>());
            let reply = answer(&mut self.state, &mut context, &call);
            assert_eq!(reply.code, 0, "{line}: {}", String::from_utf8_lossy(&reply.stderr));
        }
        let effects = context.finish(&mut self.state, Outcome::Ok);
        self.model.step(ModelEvent::HookEnds { unit: unit.clone(), outcome: Outcome::Ok }).unwrap();
        self.state.committed(unit, &hook);
        for deed in deeds(&effects, &self.model, &self.state) {
            self.poke(&Target::Unit(unit.clone()), &deed);
        }
        self.model.follow_secrets(&known_secrets(&self.state));
        Some(name)
    }
}

/// Returns the hooks of a list that have the text in their names.
fn with<'a>(hooks: &'a [String], text: &str) -> Vec<&'a str> {
    hooks.iter().map(String::as_str).filter(|hook| hook.contains(text)).collect()
}

#[test]
fn what_a_unit_writes_makes_the_others_run_hooks() {
    let mut juggler = Juggler::new();
    juggler.settle();
    let relation = juggler.integrate();
    let line = format!("relation-set -r db:{relation} user=web");
    juggler.on("web/0", "db-relation-created", &[line]);
    let hooks = juggler.settle();
    // R36: the write was there when `pg/0` saw the unit for the first time.
    let seen = ["joined", "changed", "joined", "changed"].map(|kind| format!("pg/0 clients-relation-{kind}"));
    assert_eq!(with(&hooks, "pg/0 clients-relation-")[1..], seen);
    assert_eq!(juggler.state.relations[&relation].unit_data["web/0"]["user"], "web");
    let line = format!("relation-set -r clients:{relation} --app host=10.0.0.1");
    juggler.on("pg/0", "update-status", &[line]);
    juggler.poke(&Target::Unit("pg/0".into()), &Stimulus::TimePasses);
    assert_eq!(
        juggler.settle(),
        ["pg/0 update-status", "web/0 db-relation-changed", "web/1 db-relation-changed"]
    );
}

#[test]
fn secrets_are_told_to_readers_and_what_nobody_reads_to_the_owner() {
    let mut juggler = Juggler::new();
    juggler.settle();
    let relation = juggler.integrate();
    juggler.settle();
    juggler.on("pg/0", "update-status", &["secret-add password=one".to_owned()]);
    juggler.poke(&Target::Unit("pg/0".into()), &Stimulus::TimePasses);
    juggler.settle();
    let id = juggler.state.secrets.keys().next().unwrap().clone();
    let steps = [
        ("pg/0", "update-status", format!("secret-grant {id} -r {relation}")),
        ("web/1", "update-status", format!("secret-get {id}")),
        ("pg/0", "update-status", format!("secret-set {id} password=two")),
    ];
    juggler.on("web/1", "secret-changed", &[format!("secret-get {id} --refresh")]);
    for (unit, hook, line) in steps {
        // Before what is waiting to be done when the revision is there.
        juggler.script.push_front((unit, hook, vec![line]));
        juggler.poke(&Target::Unit(unit.into()), &Stimulus::TimePasses);
        let hooks = juggler.settle();
        let expected: &[&str] = match unit {
            "pg/0" if juggler.script.is_empty() => {
                &["pg/0 update-status", "web/1 secret-changed", "pg/0 secret-remove"]
            }
            other => &[if other == "pg/0" { "pg/0 update-status" } else { "web/1 update-status" }],
        };
        assert_eq!(hooks, expected);
    }
    assert_eq!(juggler.state.secrets[&id].unused_revisions().into_iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn storage_that_a_charm_asks_for_is_attached() {
    let mut juggler = Juggler::new();
    juggler.settle();
    juggler.on("web/0", "update-status", &["storage-add data=2".to_owned()]);
    juggler.poke(&Target::Unit("web/0".into()), &Stimulus::TimePasses);
    let attached = "web/0 data-storage-attached";
    assert_eq!(juggler.settle(), ["web/0 update-status", attached, attached]);
    let storages: Vec<&str> = juggler.state.units["web/0"]
        .storages
        .keys()
        .map(charmproof_lifecycle::vocabulary::Name::as_str)
        .collect();
    // Two were deployed with the units.
    assert_eq!(storages, ["data/0", "data/2", "data/3"]);
}

#[test]
fn a_relation_is_gone_when_all_have_left_it() {
    let mut juggler = Juggler::new();
    juggler.settle();
    let relation = juggler.integrate();
    juggler.settle();
    juggler.poke(&Target::Application("web".into()), &Stimulus::RemoveRelation { relation });
    assert!(juggler.state.relations[&relation].is_dying);
    assert!(juggler.state.remove_relations_that_are_over().is_empty());
    let hooks = juggler.settle();
    assert_eq!(with(&hooks, "broken").len(), 3);
    assert!(!juggler.state.relations.contains_key(&relation));
    // One that nobody has entered has nobody who would leave it.
    let relation = juggler.integrate();
    juggler.poke(&Target::Application("web".into()), &Stimulus::RemoveRelation { relation });
    assert_eq!(juggler.state.remove_relations_that_are_over(), [relation]);
    assert_eq!(juggler.settle(), Vec::<String>::new());
    juggler.poke(&Target::Unit("web/1".into()), &Stimulus::RemoveUnit);
    assert!(juggler.state.units["web/1"].is_dying);
    assert_eq!(juggler.settle().last().map(String::as_str), Some("web/1 remove"));
    assert!(!juggler.state.units.contains_key("web/1"));
}
