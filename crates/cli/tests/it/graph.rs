//! `charmproof lifecycle graph`.

use charmproof_testkit::TestEnv;

use crate::reports::{browse, elements};
use crate::support::PROGRAM;

/// A charm of Kubernetes with something of everything.
const CHARM: &str = "\
name: web
type: charm
summary: A web server
description: It serves pages.
requires:
  db: {interface: pg}
peers:
  replicas: {interface: replicas}
storage:
  data: {type: filesystem}
containers:
  app: {resource: image}
resources:
  image: {type: oci-image}
actions:
  backup: {description: Makes a backup.}
";

/// A sequence that Juju does not run.
const IMPOSSIBLE: &str = "\
install
replicas-relation-created
leader-elected
config-changed failed
config-changed
start
db-relation-joined
db-relation-changed
upgrade-charm
update-status      # not before config-changed
restore-action
";

fn with_charm() -> TestEnv {
    let env = TestEnv::new(PROGRAM);
    env.file("web/charmcraft.yaml", CHARM);
    env.file("impossible.txt", IMPOSSIBLE);
    env
}

fn said(env: &TestEnv, words: &[&str], code: i32) -> String {
    let words: Vec<&str> = ["lifecycle", "graph"].iter().chain(words).copied().collect();
    let result = env.charmproof(&words).expect_code(code);
    format!("$ charmproof {}\n{}{}\n", words.join(" "), result.stdout, env.redactor().redact(&result.stderr))
}

#[test]
fn a_charm_on_a_machine_as_mermaid() {
    let tinyproxy = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/tinyproxy");
    let env = TestEnv::new(PROGRAM);
    let drawn = env.charmproof(&["lifecycle", "graph", tinyproxy]).success();
    insta::assert_snapshot!("graph_tinyproxy", drawn);
}

#[test]
fn a_charm_on_kubernetes_as_mermaid() {
    let env = &with_charm();
    let all = [said(env, &["web"], 0), said(env, &["web", "--juju", "4.0", "--all"], 0)];
    insta::assert_snapshot!("graph_kubernetes", all.join("\n"));
}

#[test]
fn a_sequence_is_drawn_and_what_is_not_possible_is_told() {
    let env = &with_charm();
    insta::assert_snapshot!("graph_impossible", said(env, &["web", "--path", "impossible.txt"], 1));
}

#[test]
fn a_life_brings_its_charm_and_its_juju_along() {
    let env = &with_charm();
    let simulated = ["simulate", "web", "--seed", "3", "--length", "15", "--juju", "4.0", "--format", "json"];
    let life = env.charmproof(&simulated).success();
    env.file("life.json", &life);
    let alone = said(env, &["--path", "life.json"], 0);
    let with_charm = said(env, &["web", "--path", "life.json", "--juju", "4.0"], 0);
    assert_eq!(alone.lines().skip(1).collect::<Vec<_>>(), with_charm.lines().skip(1).collect::<Vec<_>>());
    assert!(alone.contains("What Juju 4.0 runs for web on Kubernetes"), "{alone}");
    assert!(alone.contains("linkStyle"), "the path is drawn: {alone}");
}

/// What `juju debug-log` prints can be drawn, one unit at a time.
#[test]
fn a_log_of_juju_is_drawn_unit_by_unit() {
    let env = &with_charm();
    let line = |unit: &str, hook: &str| {
        format!(
            "unit-web-{unit}: 10:00:00 INFO juju.worker.uniter.operation ran \"{hook}\" hook (via hook dispatching script: dispatch)\n"
        )
    };
    let log = [
        line("0", "install"),
        line("1", "install"),
        line("0", "replicas-relation-created"),
        line("1", "start"),
        line("0", "leader-elected"),
    ];
    env.file("juju.log", &log.concat());
    let first = said(env, &["web", "--path", "juju.log"], 0);
    assert!(first.contains("web/0 is drawn; there are hooks of web/0, web/1: see --unit"), "{first}");
    assert!(first.contains("c0_setup_relation_created -->|\"3\"| c0_setup_leader_elected"), "{first}");
    let second = said(env, &["web", "--path", "juju.log", "--unit", "web/1"], 1);
    assert!(second.contains("hook 2: `start` cannot follow `install` (the unit)"), "{second}");
}

/// The picture is XML, is the same each time, and asks for nothing but itself.
#[test]
fn a_picture_stands_for_itself() {
    let env = &with_charm();
    let draw = || {
        let words = ["lifecycle", "graph", "web", "--path", "impossible.txt", "--format", "svg", "--all"];
        env.charmproof(&words).expect_code(1).stdout
    };
    let svg = draw();
    assert_eq!(svg, draw());
    let counts = elements(&svg);
    assert_eq!(counts["svg"], 1);
    assert!(counts["path"] > 100 && counts["rect"] > 50, "{counts:?}");
    for word in ["xlink", "href", "<script", "<image", "<foreignObject", "@import", "NaN"] {
        assert!(!svg.contains(word), "{word}");
    }
    let addresses: Vec<&str> = svg.match_indices("http").map(|(at, _)| &svg[at..at + 26]).collect();
    assert_eq!(addresses, ["http://www.w3.org/2000/svg"], "the name of the language, and no other address");
    let markers = ["url(#tip)", "url(#tip-taken)", "url(#tip-stray)"];
    let uses: usize = markers.iter().map(|marker| svg.matches(marker).count()).sum();
    assert_eq!(svg.matches("url(").count(), uses);
    for shown in ["db: requires pg", "app: container", "storage-attached", "failed 4", "Not possible:"] {
        assert!(svg.contains(shown), "{shown}");
    }
    assert_eq!(svg.matches("class=\"edge stray\" d=\"M").count(), 3, "one in the legend, two hooks");
}

#[test]
fn a_page_works_in_a_browser() {
    let env = &with_charm();
    let words = ["web", "--path", "impossible.txt", "--format", "html", "--output", "graph.html"];
    let told = said(env, &words, 1);
    assert!(told.contains("wrote graph.html"), "{told}");
    let (dom, said) = browse(&env.work().join("graph.html"), env.root());
    assert!(dom.contains("</html>"), "{said}");
    assert!(!said.contains(":CONSOLE") && !said.contains("Content Security Policy"), "{said}");
    for shown in ["<li tabindex=\"0\" data-hook=\"1\">install</li>", "class=\"stray\"", "class=\"failed\""] {
        assert!(dom.contains(shown), "{shown}: {dom}");
    }
}

#[test]
fn nonsense_is_told() {
    let env = &with_charm();
    let simulated = ["simulate", "web", "--seed", "3", "--runs", "2", "--length", "2", "--format", "json"];
    let lives = env.charmproof(&simulated).success();
    env.file("lives.json", &lives);
    env.file("life.json", lives.lines().next().unwrap());
    env.file("other.json", "{\"schema\": 7}");
    env.file("empty.txt", "# nothing\n");
    env.file("words.txt", "install\nfirst start\n");
    env.file("misnamed.txt", "install\ndata-storage-detached\n");
    fs_err::write(env.work().join("noise.bin"), [0xff, 0xfe, 0x00]).unwrap();
    let all = [
        said(env, &[], 2),
        said(env, &["nowhere"], 2),
        said(env, &["web", "--juju", "1.25"], 2),
        said(env, &["web", "--path", "nowhere.txt"], 2),
        said(env, &["web", "--path", "noise.bin"], 2),
        said(env, &["web", "--path", "empty.txt"], 2),
        said(env, &["web", "--path", "words.txt"], 2),
        said(env, &["web", "--path", "misnamed.txt"], 2),
        said(env, &["web", "--path", "lives.json"], 2),
        said(env, &["web", "--path", "other.json"], 2),
        said(env, &["--path", "life.json", "--unit", "db/0"], 2),
        said(env, &["--path", "words.txt"], 2),
        said(env, &["web", "--output", "nowhere/graph.svg"], 3),
        said(env, &["web", "--format", "png"], 2),
    ];
    insta::assert_snapshot!("graph_nonsense", all.join("\n"));
}
