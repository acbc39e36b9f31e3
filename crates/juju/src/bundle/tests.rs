//! Bundles, what is wrong with some, and what is done for others.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use serde_json::json;

use super::*;

struct Files(BTreeMap<&'static str, &'static str>);

impl BundleFiles for Files {
    fn exists(&self, path: &Utf8Path) -> bool {
        self.0.contains_key(path.as_str())
    }

    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, String> {
        let text =
            self.0.get(path.as_str()).ok_or_else(|| format!("open {path}: no such file or directory"))?;
        Ok(text.as_bytes().to_vec())
    }
}

fn files() -> Files {
    Files(BTreeMap::from([("/b/x.charm", "zip"), ("/b/sub/y.charm", "zip"), ("/b/note.txt", "hello")]))
}

fn source(text: &str) -> BundleSource {
    BundleSource { text: text.to_owned(), directory: Utf8PathBuf::from("/b") }
}

fn composed(texts: &[&str]) -> Result<Composed, String> {
    let sources: Vec<BundleSource> = texts.iter().map(|text| source(text)).collect();
    compose(&sources, &files())
}

/// The steps for a bundle, as Juju prints them.
fn steps_in(texts: &[&str], model: &ExistingModel) -> String {
    let steps = plan(&composed(texts).unwrap().bundle, model).unwrap();
    let lines: Vec<String> = steps.iter().flat_map(Step::descriptions).collect();
    format!("- {}\n", lines.join("\n- "))
}

fn steps(texts: &[&str]) -> String {
    steps_in(texts, &ExistingModel { architecture: "amd64".to_owned(), ..ExistingModel::default() })
}

const WIKI: &str = "
default-base: ubuntu@22.04
applications:
  wiki: {charm: mediawiki, num_units: 2, expose: true, options: {name: A wiki}, annotations: {x: '1'}}
  db: {charm: mysql, channel: 8.0/stable, num_units: 1, constraints: mem=4G, to: ['0']}
machines:
  '0': {constraints: cores=2}
relations:
- [wiki:db, db:server]
";

#[test]
fn a_bundle_is_done_step_by_step() {
    assert_eq!(
        steps(&[WIKI]),
        "\
- upload charm mysql from charm-hub for base ubuntu@22.04/stable from channel 8.0/stable with architecture=amd64
- deploy application db from charm-hub on ubuntu@22.04/stable with 8.0/stable using mysql
- upload charm mediawiki from charm-hub for base ubuntu@22.04/stable with architecture=amd64
- deploy application wiki from charm-hub on ubuntu@22.04/stable using mediawiki
- expose all endpoints of wiki and allow access from CIDRs 0.0.0.0/0 and ::/0
- set annotations for wiki
- add new machine 0
- add relation wiki:db - db:server
- add unit db/0 to new machine 0
- add unit wiki/0 to new machine 1
- add unit wiki/1 to new machine 2
"
    );
}

#[test]
fn a_bundle_for_kubernetes_has_its_units_at_once() {
    let bundle = "
bundle: kubernetes
applications:
  web: {charm: ./x.charm, scale: 3, resources: {image: 'nginx:1', data: 4}, trust: true, placement: 'a=b,c=d'}
saas:
  db: {url: 'admin/other.mysql'}
relations: [[web, db]]
";
    assert_eq!(
        steps(&[bundle]),
        "\
- upload charm /b/x.charm with architecture=amd64
- deploy application web with 3 units
- consume offer db at admin/other.mysql
- add relation web - db
"
    );
    let bundle = composed(&[bundle]).unwrap().bundle;
    let web = &bundle.applications["web"];
    assert_eq!(web.charm, "/b/x.charm");
    assert_eq!(web.resources["image"], BundleResource::Text("nginx:1".to_owned()));
    assert_eq!(web.resources["data"], BundleResource::Revision(4));
    assert_eq!(web.to, ["a=b,c=d"]);
    assert_eq!(
        missing_trust(&bundle).unwrap(),
        "Bundle cannot be deployed without trusting applications with your cloud credentials.\nPlease repeat the \
         deploy command with the --trust argument if you consent to trust the following application(s):\n  - web"
    );
}

#[test]
fn units_are_placed_where_the_bundle_says() {
    let bundle = "
applications:
  a: {charm: a, num_units: 3, to: ['0', 'lxd:0', new]}
  b: {charm: b, num_units: 3, to: [a]}
  c: {charm: c, num_units: 2, to: ['lxd:a/2', 'kvm:new']}
  d: {charm: d, num_units: 1, to: ['lxd:c/0']}
machines: {'0': }
";
    let placed: Vec<String> = steps(&[bundle])
        .lines()
        .filter(|line| line.contains("add "))
        .map(|line| line.trim_start_matches("- ").to_owned())
        .collect();
    assert_eq!(
        placed,
        [
            "add new machine 0",
            "add unit a/0 to new machine 0",
            "add unit b/0 to new machine 0 to satisfy [a]",
            "add lxd container 0/lxd/0 on new machine 0",
            "add new machine 1",
            "add unit a/1 to 0/lxd/0",
            "add unit a/2 to new machine 1",
            "add unit b/1 to 0/lxd/0 to satisfy [a]",
            "add unit b/2 to new machine 1 to satisfy [a]",
            "add lxd container 1/lxd/0 on new machine 1",
            "add kvm container 2/kvm/0 on new machine 2",
            "add unit c/0 to 1/lxd/0 to satisfy [lxd:a/2]",
            "add unit c/1 to 2/kvm/0",
            "add lxd container 1/lxd/1 on new machine 1",
            "add unit d/0 to 1/lxd/1 to satisfy [lxd:c/0]",
        ]
    );
}

#[test]
fn placements_in_a_circle_are_found() {
    let bundle = "
applications:
  a: {charm: a, num_units: 1, to: [b]}
  b: {charm: b, num_units: 1, to: [c]}
  c: {charm: c, num_units: 1, to: [a]}
  d: {charm: d, num_units: 1}
";
    let bundle = composed(&[bundle]).unwrap().bundle;
    assert_eq!(
        plan(&bundle, &ExistingModel::default()),
        Err("cycle in placement directives for: a, b, c".to_owned())
    );
}

#[test]
fn what_is_there_is_changed_or_left_alone() {
    let existing = ExistingApplication {
        unit_count: 1,
        next_unit: 4,
        machines: BTreeMap::from([(0, "7".to_owned())]),
        options: BTreeMap::from([("name".to_owned(), json!("Old"))]),
        ..ExistingApplication::default()
    };
    let model = ExistingModel {
        applications: BTreeMap::from([
            ("wiki".to_owned(), existing),
            (
                "db".to_owned(),
                ExistingApplication {
                    unit_count: 1,
                    constraints: "mem=4096M".to_owned(),
                    ..ExistingApplication::default()
                },
            ),
        ]),
        relations: vec![["db:server".to_owned(), "wiki:db".to_owned()]],
        next_machine: 8,
        machine_map: BTreeMap::from([("0".to_owned(), "3".to_owned())]),
        ..ExistingModel::default()
    };
    assert_eq!(
        steps_in(&[WIKI], &model),
        "\
- set application options for wiki
- expose all endpoints of wiki and allow access from CIDRs 0.0.0.0/0 and ::/0
- set annotations for wiki
- add unit wiki/4 to new machine 8
"
    );
    let kubernetes = ExistingModel { is_kubernetes: true, ..model };
    assert!(steps_in(&[WIKI], &kubernetes).contains("- scale wiki to 2 units\n"));
}

#[test]
fn overlays_are_laid_over_in_order() {
    let overlay = "
applications:
  db:
  wiki:
    num_units: 1
    options: {name: null, other: include-file://note.txt, raw: include-base64://note.txt}
    annotations: {}
    exposed-endpoints: {'': {expose-to-cidrs: [10.0.0.0/24]}, web: {expose-to-spaces: [alpha]}}
    expose: false
    offers: {pages: {endpoints: [website], acl: {joe: consume}}}
  cache: {charm: ./sub/y.charm}
machines: {}
saas: {other: {url: admin/m.db}}
relations: [[wiki:db, other], [cache, wiki]]
";
    let last = "applications: {wiki: {charm: wiki-k8s, channel: edge}}\n---\nsaas: {other: }";
    let bundle = composed(&[WIKI, overlay, last]).unwrap().bundle;
    assert_eq!(bundle.applications.keys().collect::<Vec<_>>(), ["cache", "wiki"]);
    assert_eq!(bundle.relations, [["cache", "wiki"]]);
    assert!(bundle.machines.is_empty() && bundle.saas.is_empty());
    let wiki = &bundle.applications["wiki"];
    assert_eq!((wiki.charm.as_str(), wiki.channel.as_str(), wiki.unit_count), ("wiki-k8s", "edge", 1));
    assert_eq!(json!(wiki.options), json!({"other": "hello", "raw": "aGVsbG8="}));
    assert!(wiki.annotations.is_empty() && !wiki.is_exposed);
    assert_eq!(
        steps(&[WIKI, overlay, last]).lines().skip(4).collect::<Vec<_>>(),
        [
            "- expose all endpoints of wiki and allow access from CIDR 10.0.0.0/24",
            "- override expose settings for endpoint web of wiki and allow access from space alpha",
            "- create offer pages using wiki:website",
            "- grant user joe consume access to offer pages",
            "- add relation cache - wiki",
            "- add unit wiki/0 to new machine 0",
        ]
    );
}

#[test]
fn fields_that_nobody_knows_are_passed_over_and_told_of() {
    let bundle = "applications:\n  a:\n    charm: a\n    num_unit: 3\n    expose: perhaps\nrelation: []\n";
    let composed = composed(&[bundle]).unwrap();
    assert_eq!(
        composed.ignored_fields,
        [
            "unmarshal document 0: yaml: unmarshal errors:\n  line 4: field num_unit not found in applications\n  \
          line 5: cannot unmarshal !!str `perhaps` into bool\n  line 6: field relation not found in bundle"
        ]
    );
    assert_eq!(composed.bundle.applications["a"].unit_count, 0);
}

#[test]
fn wrong_bundles_are_refused_with_the_words_of_juju() {
    let check = |bundle: &str, expected: &str| {
        let found = composed(&[bundle]).map(drop).unwrap_err();
        let found = found.replace("the provided bundle has the following errors:\n", "");
        assert_eq!(found, expected, "{bundle}");
    };
    let application = |body: &str| format!("applications:\n  a: {{charm: a, {body}}}\n");
    check("", "malformed bundle: bundle is empty not valid");
    check("series: jammy", "at least one application must be specified");
    check("applications: {a: }", "bundle application for key \"a\" is undefined");
    check(
        "applications: {a: {}}",
        "empty charm path\ninvalid charm URL in application \"a\": cannot parse name and/or revision in URL \"\": name \"\" not valid",
    );
    check("bundle: vmware\napplications: {a: {charm: a}}", "bundle has an invalid type \"vmware\"");
    check(
        "applications: {a: {charm: ./none.charm}}",
        "charm path in application \"a\" does not exist: /b/none.charm",
    );
    check("applications: {a: {charm: a-4}}", "cannot specify revision in \"ch:a-4\", please use revision");
    check(&application("num_units: -1"), "negative number of units specified on application \"a\"");
    check(
        &application("num_units: 1, scale: 2"),
        "unmarshal document 0: cannot specify both scale and num_units for application \"a\"",
    );
    check(
        &application("placement: x=y"),
        "unmarshal document 0: placement (x=y) not valid for non-Kubernetes application \"a\"",
    );
    check(
        &application("revision: 4"),
        "application \"a\" with a revision requires a channel for future upgrades, please use channel",
    );
    check(
        &application("revision: -4, channel: edge"),
        "the revision for application \"a\" must be zero or greater",
    );
    check(
        &application("constraints: memory=4G"),
        "invalid constraints \"memory=4G\" in application \"a\": unknown constraint \"memory\"",
    );
    check(
        &application("constraints: image-id=x"),
        "invalid constraints \"image-id=x\" in application \"a\": 'image-id' constraint in a base bundle not supported",
    );
    check(
        &application("storage: {data: 5K}"),
        "invalid storage \"data\" in application \"a\": unrecognized storage constraint \"5K\" not valid",
    );
    check(&application("storage: {Data: '1'}"), "invalid storage name \"Data\" in application \"a\"");
    check(
        &application("devices: {gpu: '0,x'}"),
        "invalid device \"gpu\" in application \"a\": count must be greater than zero, got \"0\"",
    );
    check(&application("base: noble"), "application \"a\" declares an invalid base \"noble\"");
    check(&application("series: N"), "application \"a\" declares an invalid series \"N\"");
    check(
        &application("series: jammy, base: ubuntu@24.04"),
        "application \"a\" series \"jammy\" and base \"ubuntu@24.04\" must match if both supplied",
    );
    check(&application("resources: {x: [1]}"), "resource revision \"a\" is not int or string");
    check(
        &application("to: ['0']"),
        "too many units specified in unit placement for application \"a\"\nplacement \"0\" refers to a machine not defined in this bundle",
    );
    check(
        &application("num_units: 1, to: [b]"),
        "placement \"b\" refers to an application not defined in this bundle",
    );
    check(
        &application("num_units: 1, to: [a/1]"),
        "placement \"a/1\" specifies a unit greater than the 1 unit(s) started by the target application",
    );
    check(&application("num_units: 1, to: ['x y']"), "invalid placement syntax \"x y\"");
    check(
        &application("offers: {o: {endpoints: [x]}}"),
        "applications.a.offers can only appear in an overlay section",
    );
    check(
        "applications: {a: {charm: a}}\nmachines: {'0': , x: }",
        "invalid machine id \"x\" found in machines\nmachine \"0\" is not referred to by a placement directive\nmachine \"x\" is not referred to by a placement directive",
    );
    check(
        "bundle: kubernetes\napplications: {a: {charm: a, to: [x]}}\nmachines: {'0': }",
        "bundle machines not valid for Kubernetes bundles\nexpected \"key=value\", got \"x\" for application \"a\"",
    );
    check(
        "applications: {a: {charm: a}}\nsaas: {a: {url: x}, B: }",
        "application \"a\" already exists with SAAS \"a\" name\ninvalid offer URL \"x\" for SAAS a\nSAAS \"a\" already exists with application \"a\" name",
    );
    let related = |relations: &str| {
        format!("applications: {{a: {{charm: a}}, b: {{charm: b}}}}\nrelations: {relations}\n")
    };
    check(
        &related("[[a, c]]"),
        "relation [\"a\" \"c\"] refers to application \"c\" not defined in this bundle",
    );
    check(&related("[[a]]"), "relation [\"a\"] has 1 endpoint(s), not 2");
    check(&related("[[a:x, a:y]]"), "relation [\"a:x\" \"a:y\"] relates an application to itself");
    check(&related("[['a:', b]]"), "invalid relation syntax \"a:\"");
    check(&related("[[a, b], [b, a]]"), "relation [\"b\" \"a\"] is defined more than once");
    let broken = composed(&["applications: ["]).map(drop).unwrap_err();
    assert!(broken.starts_with("unmarshal document 0: yaml: line "), "{broken}");
}

#[test]
fn an_overlay_mends_nothing_that_is_wrong_in_the_bundle() {
    let refused = composed(&["applications: {a: {charm: A}}", "applications: {a: {charm: a}}"]).unwrap_err();
    assert!(refused.contains("invalid charm URL in application \"a\""), "{refused}");
    let refused = composed(&["applications: {a: {charm: a}}", "relations: [[a, b]]"]).unwrap_err();
    assert!(refused.contains("application \"b\" not defined in this bundle"), "{refused}");
    let refused = composed(&[
        "applications: {a: {charm: a}}",
        "applications: {a: {options: {x: include-file://none}}}",
    ])
    .unwrap_err();
    assert_eq!(
        refused,
        "processing option \"x\" for application \"a\": resolving include \"none\": open /b/none: no such file or directory"
    );
}

proptest! {
    #[test]
    fn any_text_is_a_bundle_or_refused(text in "\\PC{0,60}") {
        let _ = composed(&[&text]);
    }

    #[test]
    fn placed_units_are_added_after_what_they_are_beside(
        counts in proptest::collection::vec(1_usize..4, 4),
        places in proptest::collection::vec("(lxd:)?(new|0|a|b|c|d|a/0|b/0)", 4),
    ) {
        let names = ["a", "b", "c", "d"];
        let mut text = "machines: {'0': }\napplications:\n  e: {charm: e, num_units: 1, to: ['0']}\n".to_owned();
        for ((name, count), place) in names.iter().zip(&counts).zip(&places) {
            text.push_str(&format!("  {name}: {{charm: {name}, num_units: {count}, to: ['{place}']}}\n"));
        }
        if let Ok(steps) = plan(&composed(&[&text]).unwrap().bundle, &ExistingModel::default()) {
            let mut there: Vec<String> = Vec::new();
            let mut unit_count = 0;
            for step in steps {
                match step {
                    Step::AddMachine { machine, container, .. } => {
                        // A container's own machine is there, or comes with it.
                        there.extend(container.map(|(_, parent)| parent));
                        there.push(machine);
                    }
                    Step::AddUnit { machine: PlannedMachine::ForUnit(id), .. } => {
                        prop_assert!(!there.contains(&id));
                        there.push(id);
                        unit_count += 1;
                    }
                    Step::AddUnit { machine, .. } => {
                        prop_assert!(there.iter().any(|id| id == machine.id()), "{machine:?} {text}");
                        unit_count += 1;
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(unit_count, counts.iter().sum::<usize>() + 1);
        }
    }
}
