//! That the JSON report is what its published schema says.
//!
//! The check below knows exactly the keywords that the schema uses, and fails on
//! any other, so that it cannot overlook a demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod report_support;

use charmproof_store::outcome::Outcome;
use charmproof_store::report::{self, JSON_SCHEMA};
use report_support::{Sample, fleet, hostile, sample};
use serde_json::Value;

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/report.schema.json");
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

fn document(sample: &Sample) -> Value {
    serde_json::from_str(&sample.show(report::json)).unwrap()
}

/// Collects every way in which `value` is not what `schema` says.
fn check(root: &Value, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    let fault = |faults: &mut Vec<String>, text: String| faults.push(format!("{path}: {text}"));
    for (keyword, demand) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let pointer = demand.as_str().unwrap().strip_prefix('#').unwrap();
                let target = root.pointer(pointer).unwrap_or_else(|| panic!("{demand} leads nowhere"));
                check(root, target, value, path, faults);
            }
            "anyOf" => {
                let fits = |option: &Value| {
                    let mut wrong = Vec::new();
                    check(root, option, value, path, &mut wrong);
                    wrong.is_empty()
                };
                if !demand.as_array().unwrap().iter().any(fits) {
                    fault(faults, "fits none of its choices".into());
                }
            }
            "type" => {
                let one = std::slice::from_ref(demand);
                let types = demand.as_array().map_or(one, Vec::as_slice);
                if !types.iter().any(|name| is_type(value, name.as_str().unwrap())) {
                    fault(faults, format!("{value} is not {demand}"));
                }
            }
            "const" if demand == value => {}
            "enum" if demand.as_array().unwrap().contains(value) => {}
            "const" | "enum" => fault(faults, format!("{value} is not {demand}")),
            "minimum" => {
                if value.as_i64().is_some_and(|number| number < demand.as_i64().unwrap()) {
                    fault(faults, format!("{value} is too small"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, demand, item, &format!("{path}/{index}"), faults);
                }
            }
            "required" => {
                for name in demand.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        fault(faults, format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, demand) in demand.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        check(root, demand, member, &format!("{path}/{name}"), faults);
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(*demand, Value::Bool(false));
                let known = schema["properties"].as_object().unwrap();
                for name in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
                    if !known.contains_key(name) {
                        fault(faults, format!("{name} is not in the schema"));
                    }
                }
            }
            other => panic!("the check does not know {other}"),
        }
    }
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the check does not know the type {other}"),
    }
}

fn faults(value: &Value) -> Vec<String> {
    let schema = schema();
    let mut faults = Vec::new();
    check(&schema, &schema, value, "", &mut faults);
    faults
}

#[test]
fn report_json_is_what_its_schema_says() {
    for sample in [sample(), hostile(), fleet(3), fleet(0)] {
        assert_eq!(faults(&document(&sample)), Vec::<String>::new());
    }
}

#[test]
fn report_json_may_hold_every_outcome() {
    for outcome in Outcome::all() {
        let mut sample = sample();
        sample.comparison.pairs[0].candidate = Some(outcome);
        sample.comparison.pairs[0].signal = false;
        sample.comparison.pairs[0].verdict = charmproof_store::verdict::Verdict::Spurious;
        sample.results[0].outcome = outcome;
        assert_eq!(faults(&document(&sample)), Vec::<String>::new(), "{outcome:?}");
    }
}

/// The check finds what is wrong, so its silence means something.
#[test]
fn report_schema_check_finds_faults() {
    let good = document(&sample());
    for (pointer, bad) in [
        ("/schema", Value::from(2)),
        ("/verdict/regressed", Value::from("yes")),
        ("/pairs/0/verdict", Value::from("broken")),
        ("/pairs/0/cases", Value::from(3)),
        ("/run/reused", Value::from(-1)),
        ("/totals", serde_json::json!({})),
        ("/causes/0/failure", Value::Null),
    ] {
        let mut broken = good.clone();
        *broken.pointer_mut(pointer).unwrap() = bad;
        assert!(!faults(&broken).is_empty(), "{pointer}");
    }
    let mut more = good;
    more["unknown"] = Value::Null;
    assert_eq!(faults(&more), [": unknown is not in the schema"]);
}

/// Every word of the format is on the page that describes it.
#[test]
fn report_json_page_is_complete() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/report-json.md");
    let page = fs_err::read_to_string(path).unwrap();
    let schema = schema();
    assert_eq!(schema["properties"]["schema"]["const"], JSON_SCHEMA);
    let of = |pointer: &str| schema.pointer(pointer).unwrap().as_object().unwrap().keys();
    let mut names: Vec<&String> = of("/properties").collect();
    names.extend(of("/$defs/pair/properties"));
    names.extend(of("/$defs/unit/properties"));
    names.extend(of("/$defs/cause/properties"));
    names.extend(of("/properties/totals/properties"));
    let missing: Vec<&&String> = names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
