//! Reports of a real run, in every format.

use std::process::Command;

use camino::Utf8Path;
use charmproof_testkit::charm;
use serde_json::Value;

use crate::support::{World, greeter, small_greeter};

/// The largest comment that GitHub takes.
const COMMENT_BYTES_MAX: usize = 65_536;

/// Collects every way in which `value` is not what `schema` says. It knows the keywords
/// that the schema uses, and fails on any other.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    for (keyword, demand) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let target = root.pointer(demand.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                faults(root, target, value, path, found);
            }
            "anyOf" => {
                let fits = |option: &Value| {
                    let mut wrong = Vec::new();
                    faults(root, option, value, path, &mut wrong);
                    wrong.is_empty()
                };
                if !demand.as_array().unwrap().iter().any(fits) {
                    found.push(format!("{path}: fits none of its choices"));
                }
            }
            "type" => {
                let one = std::slice::from_ref(demand);
                let is = |name: &Value| match name.as_str().unwrap() {
                    "null" => value.is_null(),
                    "boolean" => value.is_boolean(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("the check does not know the type {other}"),
                };
                if !demand.as_array().map_or(one, Vec::as_slice).iter().any(is) {
                    found.push(format!("{path}: {value} is not {demand}"));
                }
            }
            "const" if demand == value => {}
            "enum" if demand.as_array().unwrap().contains(value) => {}
            "const" | "enum" => found.push(format!("{path}: {value} is not {demand}")),
            "minimum" => {
                if value.as_i64().is_some_and(|number| number < demand.as_i64().unwrap()) {
                    found.push(format!("{path}: {value} is too small"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    faults(root, demand, item, &format!("{path}/{index}"), found);
                }
            }
            "required" => {
                for name in demand.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        found.push(format!("{path}: {name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, demand) in demand.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        faults(root, demand, member, &format!("{path}/{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object().unwrap();
                for name in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
                    if !known.contains_key(name) {
                        found.push(format!("{path}: {name} is not in the schema"));
                    }
                }
            }
            other => panic!("the check does not know {other}"),
        }
    }
}

/// The names of elements with their number; panics if it is not XML.
pub(crate) fn elements(xml: &str) -> std::collections::BTreeMap<String, usize> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut counts = std::collections::BTreeMap::new();
    let mut depth = 0_i32;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(start) => {
                depth += 1;
                *counts.entry(start.name().as_ref().to_owned()).or_insert(0) += 1;
            }
            quick_xml::events::Event::Empty(start) => {
                *counts.entry(start.name().as_ref().to_owned()).or_insert(0) += 1;
            }
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    counts
}

/// Returns what a browser makes of a page, and what it said.
pub(crate) fn browse(page: &Utf8Path, folder: &Utf8Path) -> (String, String) {
    let named = std::env::var("CHARMPROOF_CHROMIUM").ok().filter(|name| !name.is_empty());
    let names =
        named.map_or_else(|| vec!["chromium".to_owned(), "chromium-browser".to_owned()], |name| vec![name]);
    let program = names.into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    let output = Command::new(
        program.expect("chromium is not here: run `make setup`, or set CHARMPROOF_CHROMIUM to it"),
    )
    .args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ])
    .args(["--disable-component-update", "--disable-sync", "--disable-extensions", "--enable-logging=stderr"])
    .args(["--virtual-time-budget=4000", "--dump-dom"])
    .arg(format!("--user-data-dir={}", folder.join("profile")))
    .arg(format!("file://{page}"))
    .output()
    .unwrap();
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn reports_of_a_real_run() {
    let world = World::new();
    // What suites print must stay text in every format.
    let hostile = "import charmgreet\n\n\ndef test_prints():\n    print('<script>alert(1)</script> ]]> \\x1b[31m \\x00 | `x` &amp; </details>')\n    \
                   assert charmgreet.greet('you') == 'hello you', '<img src=x onerror=alert(2)> ]]> \\x1b[2J | @everyone'\n";
    world.add(&greeter("hostile").with_file("tests/unit/test_charm.py", hostile));
    world.add(&small_greeter("web"));
    world.add(&charm("lacking").with_tox_lint(&["python -c ''"]));
    world.add(&small_greeter("broken").with_file("tox.ini", "[tox\n"));
    let run = world.check(&["unit", "./fleet", "--swap", "charmgreet==2.0", "--attempts", "2"]).code(1);
    run.expect("web", "unit", "regressed: pass -> fail");
    run.expect("hostile", "unit", "regressed: pass -> fail");

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/report.schema.json");
    let schema: Value = serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap();
    let mut found = Vec::new();
    faults(&schema, &schema, &run.report, "", &mut found);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(run.report["verdict"]["charms_regressed"], 2);

    let report = |format: &str| world.env.charmproof(&["report", run.run(), "--format", format]).success();
    let junit = report("junit");
    let counts = elements(&junit);
    assert!(counts["testcase"] >= 3, "{counts:?}");
    assert!(counts["failure"] >= 2, "{counts:?}");

    let markdown = report("markdown");
    assert!(markdown.len() <= COMMENT_BYTES_MAX);
    assert!(markdown.contains("test_greets") && markdown.contains("web"), "{markdown}");
    // Outside of code, nobody is called and nothing is drawn.
    let prose: String = markdown.split("\n```").step_by(2).collect();
    assert!(!prose.contains("@everyone") && !prose.contains("<img") && !prose.contains("<script"), "{prose}");
    assert!(!markdown.contains('\x1b'), "{markdown:?}");

    let text = report("text");
    assert_eq!(text, run.result.stdout, "`report --format text` is what `check` printed");
    assert!(!text.contains('\x1b'));

    let page = world.env.work().join("report.html");
    let written = world
        .env
        .charmproof(&["report", run.run(), "--format", "html", "--output", "report.html"])
        .expect_code(0);
    assert_eq!(written.stdout, "");
    let (dom, said) = browse(&page, world.env.root());
    assert!(dom.contains("</html>"), "{said}");
    assert!(!said.contains(":CONSOLE") && !said.contains("Content Security Policy"), "{said}");
    for seen in ["test_greets", "HELLO you", "regressed", "data-charm=\"web\""] {
        assert!(dom.contains(seen), "{seen:?} is not on the page");
    }
    assert!(!dom.contains("<img"));
    assert_eq!(dom.matches("<script").count(), 1);

    // A report that cannot be written.
    let result = world.env.charmproof(&["report", run.run(), "--output", "nowhere/report.md"]).expect_code(3);
    assert!(result.stderr.contains("nowhere/report.md"), "{result}");
}
