//! What a bundle finds in a model that is there already, and models as bundles.

use std::sync::Arc;

use charmproof_charm::metadata::{CharmMetadata, CharmTexts};
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use serde_json::json;

use super::*;
use crate::controller::data::{CharmData, ModelPlatform};

const CONFIG: &str = "options:\n  title: {type: string, default: a}\n  port: {type: int, default: 80}\n";

fn deploy(model: &mut ModelData, name: &str, metadata: &str, machines: &[u32]) {
    let texts = CharmTexts { metadata: Some(metadata), config: Some(CONFIG), ..CharmTexts::default() };
    let charm = CharmData::example(name);
    model.add_application(&name.into(), &Arc::new(CharmMetadata::parse(texts)), charm).unwrap();
    for machine in machines {
        model.add_unit(&name.into(), Some(*machine), None).unwrap();
    }
}

/// A model with `web` on machines 0 and 1, `db` beside its first unit, and a relation.
fn wiki() -> ModelData {
    let mut model = ModelData::new(
        "0ff3a1b2-0000-4000-8000-000000000001".to_owned(),
        "wiki",
        "concierge-lxd",
        "localhost",
        ModelPlatform::Machine,
    );
    for _ in 0..2 {
        model.add_machine(
            Base { name: "ubuntu".to_owned(), channel: "24.04".to_owned() },
            String::new(),
            false,
        );
    }
    deploy(&mut model, "web", "name: web\nrequires: {db: {interface: sql}}\n", &[0, 1]);
    deploy(&mut model, "db", "name: db\nprovides: {db: {interface: sql}}\n", &[0]);
    let stimulus = Stimulus::Integrate {
        relation: model.lifecycle.next_relation(),
        endpoint: "db".into(),
        remote_app: "db".into(),
        remote_endpoint: Some("db".into()),
    };
    model.poke(&Target::Application("web".into()), &stimulus).unwrap();
    let title = BTreeMap::from([("title".to_owned(), json!("42"))]);
    model.state.set_config("web", &title).unwrap();
    model
}

/// The lines of the steps that a bundle takes in the model.
fn steps(model: &ModelData, bundle: &str, map: &str) -> Vec<String> {
    let source = BundleSource { text: bundle.to_owned(), directory: "/b".into() };
    let bundle = compose(&[source], &Disk).unwrap().bundle;
    let steps = plan(&bundle, &existing(model, &bundle, map)).unwrap();
    steps.iter().flat_map(Step::descriptions).collect()
}

const WIKI: &str = "
applications:
  web: {charm: web, num_units: 2, to: ['3', '4'], options: {title: '42'}}
  db: {charm: db, num_units: 1, to: [web/0]}
machines: {'3': , '4': }
relations: [[web, db]]
";

#[test]
fn what_is_there_already_is_left_as_it_is() {
    assert_eq!(steps(&wiki(), WIKI, ""), [""; 0]);
}

#[test]
fn only_what_is_new_is_done() {
    let bundle =
        WIKI.replace("title: '42'", "title: '42', port: 8080").replace("num_units: 1", "num_units: 2");
    let expected = ["set application options for web", "add unit db/1 to new machine 2"];
    assert_eq!(steps(&wiki(), &bundle, ""), expected);
}

#[test]
fn machines_are_those_that_the_user_names() {
    let model = wiki();
    let check = |said: &str, expected: &[(&str, &str)]| {
        let source = BundleSource { text: WIKI.to_owned(), directory: "/b".into() };
        let bundle = compose(&[source], &Disk).unwrap().bundle;
        let map = existing(&model, &bundle, said).machine_map;
        let map: Vec<(&str, &str)> = map.iter().map(|(id, to)| (id.as_str(), to.as_str())).collect();
        assert_eq!(map, expected);
    };
    check("", &[("3", "0"), ("4", "1")]);
    check("existing", &[("3", "0"), ("4", "1")]);
    check("3=1", &[("3", "1")]);
    check("3=7, 4=8", &[("3", "7"), ("4", "8")]);
}

#[test]
fn a_model_that_was_exported_is_what_its_bundle_says() {
    let mut model = wiki();
    expose(model.applications.get_mut("web").unwrap().exposed.get_or_insert_default(), &BTreeMap::new());
    crate::commands::offers::make(&mut model, "db", &["db".to_owned()], "sql").unwrap();
    let text = crate::commands::export::text(&model, false);
    insta::assert_snapshot!(text);
    let is_offer = |line: &String| line.starts_with("update offer") || line.starts_with("grant user");
    let left: Vec<String> = steps(&model, &text, "").into_iter().filter(|line| !is_offer(line)).collect();
    assert_eq!(left, [""; 0]);
}
