//! Two models without places: a hook of a unit runs the tools that the test says, and nothing else.

use std::sync::Arc;

use charmproof_agent::state::HookContext;
use charmproof_agent::tools::{ToolCall, answer};
use charmproof_charm::metadata::{CharmMetadata, CharmTexts};
use charmproof_lifecycle::model::ModelEvent;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Outcome, Remote};
use charmproof_lifecycle::world::World;
use proptest::prelude::*;

use super::*;
use crate::commands::offers;
use crate::controller::data::{CharmData, ModelPlatform};

/// A model that offers `db` of `pg` as `sql`, and one that consumes it as `store` for `web`.
struct Two {
    consuming: ModelData,
    offering: ModelData,
}

/// What tools a hook calls: words of the hook's line, and the calls.
type Script<'a> = &'a [(&'a str, &'a [&'a str])];

fn model(uuid: &str, name: &str) -> ModelData {
    ModelData::new(uuid.to_owned(), name, "concierge-lxd", "localhost", ModelPlatform::Machine)
}

fn deploy(model: &mut ModelData, name: &str, metadata: &str) {
    let metadata = CharmMetadata::parse(CharmTexts { metadata: Some(metadata), ..CharmTexts::default() });
    let charm = CharmData::example(name);
    model.add_application(&name.into(), &Arc::new(metadata), charm).unwrap();
    model.add_unit(&name.into(), None, None).unwrap();
}

impl Two {
    /// Returns both models with a unit each and what was consumed, and no relation yet.
    fn new() -> Self {
        let mut offering = model("0ff3a1b2-0000-4000-8000-000000000001", "data");
        deploy(&mut offering, "pg", "name: pg\nprovides: {db: {interface: sql}, dbs: {interface: sql}}\n");
        offers::make(&mut offering, "pg", &["db".to_owned()], "sql").unwrap();
        let mut consuming = model("c0a5e2d4-0000-4000-8000-000000000002", "apps");
        deploy(&mut consuming, "web", "name: web\nrequires: {db: {interface: sql}}\n");
        let mut two = Self { consuming, offering };
        two.consume();
        two.run(&[]);
        two
    }

    fn consume(&mut self) {
        let remote = offers::seen(&self.offering, "sql").unwrap();
        offers::add(&mut self.consuming, &"store".into(), remote).unwrap();
    }

    fn integrate(&mut self) {
        let relation = self.consuming.lifecycle.next_relation();
        let stimulus = Stimulus::Integrate {
            relation,
            endpoint: "db".into(),
            remote_app: "store".into(),
            remote_endpoint: Some("db".into()),
        };
        // Units that are all on their way out do not hear of it.
        let _ = self.consuming.poke(&Target::Application("web".into()), &stimulus);
    }

    /// Returns both models with the relation, of which all units know.
    fn integrated() -> Self {
        let mut two = Self::new();
        two.integrate();
        two.run(&[]);
        two
    }

    /// Brings both models to the same knowledge, which is to be so at once.
    fn settle(&mut self) {
        settle(&mut self.consuming, &mut self.offering);
        assert_eq!(settle(&mut self.consuming, &mut self.offering), [false; 2], "once is enough");
    }

    /// Lets all units run until they have nothing to do. Returns what they ran.
    fn run(&mut self, script: Script<'_>) -> Vec<String> {
        let mut ran = Vec::new();
        loop {
            let before = ran.len();
            self.settle();
            for is_offering in [true, false] {
                let units: Vec<Name> = self.model(is_offering).units.keys().cloned().collect();
                for unit in units {
                    ran.extend(self.turn(is_offering, &unit, script));
                    self.settle();
                }
            }
            if ran.len() == before {
                return ran;
            }
        }
    }

    fn model(&mut self, is_offering: bool) -> &mut ModelData {
        if is_offering { &mut self.offering } else { &mut self.consuming }
    }

    /// Runs one hook of a unit, as the controller does.
    fn turn(&mut self, is_offering: bool, unit: &Name, script: Script<'_>) -> Option<String> {
        let model = self.model(is_offering);
        let event = ModelEvent::Resolve { unit: unit.clone(), choice: 0 };
        let _ = model.lifecycle.step(event);
        let Some(world) = model.lifecycle.units().get(unit) else {
            model.forget_unit(unit);
            return None;
        };
        let hook = World::running(world)?.clone();
        model.state.prepare(unit, &hook);
        let mut context = HookContext::new(&mut model.state, unit, &hook, None).unwrap();
        // Others see a unit from the beginning of its first hook of a relation on.
        self.settle();
        let model = self.model(is_offering);
        let line = line(unit, &hook);
        let mut said = String::new();
        for call in script.iter().filter(|(wanted, _)| line == *wanted).flat_map(|(_, calls)| *calls) {
            let words: Vec<&str> = call.split(' ').collect();
            let reply = answer(&mut model.state, &mut context, &ToolCall::of(&words));
            said += &format!(" -> {}{}", text(&reply.stdout), text(&reply.stderr));
        }
        let effects = context.finish(&mut model.state, Outcome::Ok);
        let deeds = model.deeds(&effects);
        model.end_hook(unit, Outcome::Ok).unwrap();
        model.state.committed(unit, &hook);
        for deed in deeds {
            model.poke(&Target::Unit(unit.clone()), &deed).unwrap();
        }
        model.tidy();
        model.follow_secrets();
        Some(line + &said)
    }

    fn unit_data(&self, is_offering: bool, unit: &str) -> String {
        let model = if is_offering { &self.offering } else { &self.consuming };
        let mut relations = model.state.relations.values();
        let data = relations.find_map(|relation| relation.unit_data.get(unit)).cloned().unwrap_or_default();
        let own = data.iter().filter(|(key, _)| !key.contains('-'));
        own.map(|(key, value)| format!("{key}={value} ")).collect::<String>().trim_end().to_owned()
    }

    /// What units and relations of other models each side knows of.
    fn known(&self) -> (Vec<String>, Vec<String>) {
        let of = |model: &ModelData| {
            let relations = model.state.relations.values();
            let units = relations.flat_map(|relation| &relation.in_scope);
            units.filter(|unit| !model.units.contains_key(*unit)).map(|unit| short(unit)).collect()
        };
        (of(&self.consuming), of(&self.offering))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// Shortens numbers that nobody chose.
fn short(text: &str) -> String {
    let mut parts = text.split("remote-");
    let mut shortened = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shortened += "remote-*";
        shortened += part.strip_prefix('*').unwrap_or_else(|| &part[32..]);
    }
    shortened
}

fn line(unit: &Name, hook: &Hook) -> String {
    match (&hook.remote, hook.kind) {
        (Remote::Unit(remote), _) => format!("{unit} {} {}", hook.name(), short(remote)),
        (Remote::Application, HookKind::RelationChanged) => format!("{unit} {} app", hook.name()),
        (Remote::Application | Remote::Unknown, _) => format!("{unit} {}", hook.name()),
    }
}

#[test]
fn units_of_both_models_meet_and_read_what_the_others_wrote() {
    let mut two = Two::new();
    two.integrate();
    let ran = two.run(&[
        (
            "pg/0 db-relation-created",
            &["relation-set --app -r db:0 name=shop", "relation-set -r db:0 port=5432"],
        ),
        ("pg/0 db-relation-changed remote-*/0", &["relation-get user", "relation-list --app"]),
        (
            "web/0 db-relation-joined store/0",
            &["relation-set user=web", "relation-get port", "relation-list"],
        ),
        ("web/0 db-relation-changed app", &["relation-get --app name", "relation-model-get"]),
    ]);
    let ran: Vec<String> = ran.iter().map(|line| short(line).trim_end().to_owned()).collect();
    insta::assert_snapshot!(ran.join("\n"), @"
    pg/0 db-relation-created ->  ->
    web/0 db-relation-created
    pg/0 db-relation-joined remote-*/0
    web/0 db-relation-changed app -> shop -> uuid: 0ff3a1b2-0000-4000-8000-000000000001
    pg/0 db-relation-changed remote-*/0 ->  -> remote-*
    web/0 db-relation-joined store/0 ->  -> 5432 -> store/0
    pg/0 db-relation-changed remote-*/0 -> web -> remote-*
    web/0 db-relation-changed store/0
    ");
    let status = two.consuming.remotes["store"].status.clone().unwrap();
    assert_eq!(status.0, two.offering.state.units["pg/0"].shown_status().kind.name());
    let remote = two.offering.remotes.values().next().unwrap();
    assert_eq!((&*remote.application, &*remote.offer), ("web", "sql"));
    assert_eq!(two.offering.connections_of("sql").collect::<Vec<_>>(), [0]);
    let uuids =
        [&two.consuming, &two.offering].map(|model| model.state.relations[&0].remote_model_uuid.clone());
    assert_eq!(uuids, [Some(two.offering.uuid.clone()), Some(two.consuming.uuid.clone())]);
}

#[test]
fn what_a_unit_takes_back_is_gone_on_the_other_side() {
    let mut two = Two::integrated();
    let mut write = |words: &str, expected: &str| {
        two.offering.poke(&Target::Application("pg".into()), &Stimulus::ConfigChanges).unwrap();
        let ran = two.run(&[("pg/0 config-changed", &[words])]);
        assert!(ran.iter().any(|line| line == "web/0 db-relation-changed store/0"), "{ran:?}");
        assert_eq!(two.unit_data(false, "store/0"), expected);
    };
    write("relation-set -r db:0 port=5432 host=a", "host=a port=5432");
    write("relation-set -r db:0 port=", "host=a");
}

#[test]
fn units_come_and_go() {
    let mut two = Two::integrated();
    assert_eq!(two.known(), (vec!["store/0".to_owned()], vec!["remote-*/0".to_owned()]));
    two.offering.add_unit(&"pg".into(), None, None).unwrap();
    let ran = two.run(&[]);
    assert!(ran.contains(&"web/0 db-relation-joined store/1".to_owned()), "{ran:?}");
    two.consuming.add_unit(&"web".into(), None, None).unwrap();
    let ran = two.run(&[]);
    for joined in ["pg/1 db-relation-joined remote-*/1", "web/1 db-relation-joined store/1"] {
        assert!(ran.contains(&joined.to_owned()), "{joined}: {ran:?}");
    }
    two.offering.remove_unit(&"pg/0".into(), false).unwrap();
    let ran = two.run(&[]);
    assert!(ran.contains(&"web/0 db-relation-departed store/0".to_owned()), "{ran:?}");
    assert_eq!(two.known().0, ["store/1"]);
}

#[test]
fn a_relation_that_ends_while_the_last_unit_goes_may_come_again() {
    let mut two = Two::integrated();
    two.offering.remove_unit(&"pg/0".into(), false).unwrap();
    for _ in 0..2 {
        two.turn(true, &"pg/0".into(), &[]);
    }
    two.consuming.remove_relation(0).unwrap();
    two.run(&[]);
    two.integrate();
    two.run(&[]);
    assert_eq!(two.known().1, ["remote-*/0"]);
}

#[test]
fn who_offers_suspends_and_resumes() {
    let mut two = Two::integrated();
    offers::set_suspended(&mut two.offering, 0, true, "maintenance").unwrap();
    assert_eq!(
        two.run(&[]),
        [
            "pg/0 db-relation-departed remote-*/0",
            "web/0 db-relation-departed store/0",
            "pg/0 db-relation-broken",
            "web/0 db-relation-broken",
        ]
    );
    assert_eq!(two.consuming.suspensions[&0], "maintenance");
    assert_eq!(two.known(), (vec![], vec![]));
    offers::set_suspended(&mut two.offering, 0, false, "").unwrap();
    let ran = two.run(&[]);
    for joined in ["pg/0 db-relation-joined remote-*/0", "web/0 db-relation-joined store/0"] {
        assert!(ran.contains(&joined.to_owned()), "{joined}: {ran:?}");
    }
    assert!(two.consuming.suspensions.is_empty());
    let own = offers::set_suspended(&mut two.consuming, 0, true, "").unwrap_err();
    insta::assert_snapshot!(own, @r#"cannot set suspend status for "web:db store:db" which is not associated with an offer"#);
}

#[test]
fn a_relation_ends_on_both_sides_whoever_ends_it() {
    for is_offering in [true, false] {
        let mut two = Two::integrated();
        two.model(is_offering).remove_relation(0).unwrap();
        let ran = two.run(&[]);
        for broken in ["pg/0 db-relation-broken", "web/0 db-relation-broken"] {
            assert!(ran.contains(&broken.to_owned()), "{broken}: {ran:?}");
        }
        assert!(two.consuming.state.relations.is_empty() && two.offering.state.relations.is_empty());
        assert!(two.offering.remotes.is_empty(), "nobody consumes it any more");
        assert!(two.consuming.remotes.contains_key("store"), "it can be integrated again");
        two.integrate();
        assert!(two.run(&[]).contains(&"web/0 db-relation-joined store/0".to_owned()));
        assert_eq!(two.offering.connections_of("sql").collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn what_was_consumed_is_forgotten_when_its_relations_are_gone() {
    let mut two = Two::integrated();
    offers::forget_saas(&mut two.consuming, "store").unwrap();
    assert!(two.consuming.remotes["store"].is_dying);
    two.run(&[]);
    assert!(two.consuming.remotes.is_empty() && two.offering.remotes.is_empty());
    assert!(!two.consuming.state.applications.contains_key("store"));
    insta::assert_snapshot!(
        offers::forget_saas(&mut two.consuming, "store").unwrap_err(),
        @r#"saas application "store" not found"#
    );
}

#[test]
fn an_offer_that_is_taken_back_is_shown_as_terminated() {
    let mut two = Two::integrated();
    insta::assert_snapshot!(
        offers::withdraw(&mut two.offering, "sql", false).unwrap_err(),
        @r#"cannot delete application offer "sql": offer has 1 relation"#
    );
    offers::withdraw(&mut two.offering, "sql", true).unwrap();
    assert!(two.run(&[]).contains(&"web/0 db-relation-broken".to_owned()));
    let seen = two.consuming.remotes["store"].status.clone().unwrap();
    assert_eq!((&*seen.0, &*seen.1), ("terminated", "offer has been removed"));
    // One of the same name is another one, until it is consumed.
    offers::make(&mut two.offering, "pg", &["db".to_owned()], "sql").unwrap();
    two.settle();
    assert_eq!(two.consuming.remotes["store"].status.clone().unwrap().0, "terminated");
    two.consume();
    two.integrate();
    assert!(two.run(&[]).contains(&"web/0 db-relation-joined store/0".to_owned()));
}

#[test]
fn a_model_that_is_gone_leaves_nothing() {
    let mut two = Two::integrated();
    assert!(lose_offers(&mut two.consuming, &two.offering.uuid));
    assert!(lose_consumers(&mut two.offering, &two.consuming.uuid));
    for is_offering in [true, false] {
        let unit = Name::new(if is_offering { "pg/0" } else { "web/0" });
        // Each by itself.
        let model = two.model(is_offering);
        let mut ran = Vec::new();
        loop {
            let _ = model.lifecycle.step(ModelEvent::Resolve { unit: unit.clone(), choice: 0 });
            let Some(hook) = model.lifecycle.units().get(&unit).and_then(World::running).cloned() else {
                break;
            };
            model.end_hook(&unit, Outcome::Ok).unwrap();
            model.state.committed(&unit, &hook);
            ran.push(hook.name());
        }
        assert_eq!(ran, ["db-relation-departed", "db-relation-broken"]);
    }
    assert!(lose_consumers(&mut two.offering, &two.consuming.uuid));
    assert!(two.offering.remotes.is_empty() && two.offering.state.relations.is_empty());
    assert!(!lose_consumers(&mut two.offering, &two.consuming.uuid), "there is nobody left");
    assert_eq!(two.consuming.remotes["store"].status.clone().unwrap().0, "terminated");
}

#[test]
fn secrets_are_read_in_the_other_model_and_revisions_heard_of() {
    let mut two = Two::integrated();
    let change = |two: &mut Two, is_offering: bool, calls: &[&str]| {
        let application = if is_offering { "pg" } else { "web" };
        let target = Target::Application(application.into());
        two.model(is_offering).poke(&target, &Stimulus::ConfigChanges).unwrap();
        let line = format!("{application}/0 config-changed");
        let ran = two.run(&[(&line, calls)]);
        ran.iter().map(|line| short(line)).collect::<Vec<_>>().join("\n")
    };
    let made = change(&mut two, true, &["secret-add --owner application password=one"]);
    let id = made.rsplit("secret:").next().unwrap().trim().to_owned();
    let get = format!("secret-get secret://{}/{id} password", two.offering.uuid);
    let read = |two: &mut Two, mode: &str| change(two, false, &[&format!("{get}{mode}")]);
    let unread = read(&mut two, "");
    assert!(unread.ends_with("not found"), "{unread}");
    change(&mut two, true, &[&format!("secret-grant {id} -r db:0")]);
    assert_eq!(read(&mut two, ""), "web/0 config-changed -> one");
    let copy = two.consuming.state.secrets.values().next().unwrap();
    assert!(two.consuming.is_of_elsewhere(copy));
    // A new revision is told to who reads it, and the old one is the owner's to remove once nobody does.
    let revised = change(&mut two, true, &[&format!("secret-set {id} password=two")]);
    assert!(revised.contains("web/0 secret-changed"), "{revised}");
    assert_eq!(read(&mut two, ""), "web/0 config-changed -> one");
    let refreshed = read(&mut two, " --refresh");
    assert!(refreshed.contains("web/0 config-changed -> two"), "{refreshed}");
    assert!(refreshed.contains("pg/0 secret-remove"), "{refreshed}");
    change(&mut two, true, &[&format!("secret-revoke {id} -r db:0")]);
    assert_eq!(read(&mut two, ""), "web/0 config-changed -> ERROR permission denied");
    change(&mut two, true, &[&format!("secret-grant {id} -r db:0")]);
    two.consuming.remove_relation(0).unwrap();
    two.run(&[]);
    assert_eq!(read(&mut two, ""), "web/0 config-changed -> ERROR permission denied");
    assert!(two.offering.state.secrets.values().all(|secret| secret.consumers.is_empty()));
}

#[test]
fn an_offer_says_why_it_cannot_be() {
    let mut model = model("0ff3a1b2-0000-4000-8000-000000000001", "data");
    deploy(
        &mut model,
        "pg",
        "name: pg\nprovides: {db: {interface: sql}, in: {interface: a, scope: container}}\npeers: {p: {interface: b}}\n",
    );
    let mut check = |application: &str, endpoint: &str, name: &str| {
        offers::make(&mut model, application, &[endpoint.to_owned()], name).unwrap_err().to_string()
    };
    let errors = [
        check("no", "db", "sql"),
        check("pg", "no", "sql"),
        check("pg", "p", "sql"),
        check("pg", "in", "sql"),
        check("pg", "db", "Sql"),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    getting offered application no: application "no" not found
    cannot add application offer "sql": application "pg" has no "no" relation
    cannot add application offer "sql": application "pg" has no "p" relation
    cannot add application offer "sql": can only offer endpoints with global scope, provided scope "container"
    cannot add application offer "Sql": offer name "Sql" not valid
    "#);
}

#[test]
fn what_may_be_consumed_under_a_name() {
    let mut two = Two::integrated();
    let remote = offers::seen(&two.offering, "sql").unwrap();
    offers::add(&mut two.consuming, &"store".into(), remote.clone()).unwrap();
    let mut check = |alias: &str, change: &dyn Fn(&mut RemoteApplicationData)| {
        let mut remote = remote.clone();
        change(&mut remote);
        offers::add(&mut two.consuming, &alias.into(), remote).unwrap_err().to_string()
    };
    let own = "c0a5e2d4-0000-4000-8000-000000000002";
    let errors = [
        check("web", &|_| {}),
        check("store", &|remote| remote.model_uuid = "another".to_owned()),
        check("store", &|remote| drop(remote.endpoints.insert("db".to_owned(), ("x".to_owned(), true)))),
        check("own", &|remote| remote.model_uuid = own.to_owned()),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    cannot add saas application "web": local application with same name already exists
    saas application called "store" from a different model already exists
    conflicting endpoint db
    the offer is in the same model: integrate its application by its own name
    "#);
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    AddUnit(bool),
    RemoveUnit(bool),
    Write(bool),
    RemoveRelation(bool),
    Suspend(bool),
    Integrate,
    /// A hook of the model that offers, or of the other.
    Turn(bool),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        1 => any::<bool>().prop_map(Deed::AddUnit),
        1 => any::<bool>().prop_map(Deed::RemoveUnit),
        1 => any::<bool>().prop_map(Deed::Write),
        1 => any::<bool>().prop_map(Deed::RemoveRelation),
        1 => any::<bool>().prop_map(Deed::Suspend),
        1 => Just(Deed::Integrate),
        8 => any::<bool>().prop_map(Deed::Turn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever happens at whatever time: both sides end with the same knowledge.
    #[test]
    fn both_sides_come_to_the_same_knowledge(deeds in prop::collection::vec(deed(), 0..40)) {
        let mut two = Two::integrated();
        for deed in deeds {
            match deed {
                Deed::AddUnit(is_offering) => {
                    let name = if is_offering { "pg" } else { "web" };
                    two.model(is_offering).add_unit(&name.into(), None, None).unwrap();
                }
                Deed::RemoveUnit(is_offering) => {
                    let model = two.model(is_offering);
                    let unit = model.units.keys().next().cloned();
                    if let Some(unit) = unit {
                        model.remove_unit(&unit, false).unwrap();
                    }
                }
                Deed::Write(is_offering) => {
                    let model = two.model(is_offering);
                    let name = if is_offering { "pg" } else { "web" };
                    // An application without units has nobody who hears of it.
                    let _ = model.poke(&Target::Application(name.into()), &Stimulus::ConfigChanges);
                }
                Deed::RemoveRelation(is_offering) => {
                    let model = two.model(is_offering);
                    let id = model.state.relations.keys().next().copied();
                    if let Some(id) = id {
                        model.remove_relation(id).unwrap();
                    }
                }
                Deed::Suspend(is_suspended) => {
                    let id = two.offering.state.relations.keys().next().copied();
                    if let Some(id) = id {
                        // One that ends is not suspended any more.
                        let _ = offers::set_suspended(&mut two.offering, id, is_suspended, "");
                    }
                }
                Deed::Integrate => {
                    if two.consuming.state.relations.is_empty() {
                        two.integrate();
                    }
                }
                Deed::Turn(is_offering) => {
                    let unit = two.model(is_offering).units.keys().next().cloned();
                    if let Some(unit) = unit {
                        two.turn(is_offering, &unit, &[]);
                    }
                }
            }
            two.settle();
        }
        two.run(&[]);
        let alive = |model: &ModelData| -> Vec<String> {
            let relations: Vec<&charmproof_agent::state::Relation> = model.state.relations.values().collect();
            model
                .units
                .keys()
                .filter(|unit| relations.iter().any(|relation| relation.in_scope.contains(*unit)))
                .map(|unit| unit.rsplit_once('/').unwrap().1.to_owned())
                .collect()
        };
        let number = |units: Vec<String>| -> Vec<String> {
            units.iter().map(|unit| unit.rsplit_once('/').unwrap().1.to_owned()).collect()
        };
        let (seen_here, seen_there) = two.known();
        prop_assert_eq!(number(seen_here), alive(&two.offering));
        prop_assert_eq!(number(seen_there), alive(&two.consuming));
        prop_assert_eq!(two.consuming.state.relations.len(), two.offering.state.relations.len());
        prop_assert_eq!(two.offering.remotes.len(), two.offering.state.relations.len());
    }
}
