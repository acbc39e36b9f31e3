//! The files in `testdata` were written by pytest 9.2 and 7.4 on one small suite.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostics/testdata").join(name);
    fs_err::read_to_string(path).unwrap()
}

fn show(cases: &[CaseResult]) -> Vec<String> {
    cases
        .iter()
        .map(|case| {
            let exception = case.failure.as_ref().map_or("", |failure| failure.exception.as_str());
            format!("{} [{}] {exception}", case.name, case.outcome.words()).trim_end().to_owned()
        })
        .collect()
}

const SUITE: [&str; 17] = [
    "tests/unit/test_charm.py::TestX::test_y[a] [pass]",
    "tests/unit/test_charm.py::TestX::test_y[b[c]] [fail] AssertionError",
    "tests/unit/test_charm.py::TestX::test_y[d::e] [fail] AssertionError",
    "tests/unit/test_charm.py::TestX::test_plain [fail] AssertionError",
    "tests/unit/test_charm.py::test_setup [fail] RuntimeError",
    "tests/unit/test_charm.py::test_teardown [fail] ValueError",
    "tests/unit/test_charm.py::test_skip [skipped by the suite] pytest.skip",
    "tests/unit/test_charm.py::test_xfail [skipped by the suite] pytest.xfail",
    "tests/unit/test_charm.py::test_xpass [fail] XPASS(strict)",
    "tests/unit/test_charm.py::test_deep [fail] json.decoder.JSONDecodeError",
    "tests/unit/test_charm.py::test_chain [fail] KeyError",
    "tests/unit/test_charm.py::test_ops [fail] AttributeError",
    "tests/unit/test_charm.py::TestU::test_net [fail] urllib.error.URLError",
    "tests/unit/test_charm.py::TestU::test_sub [fail] AssertionError",
    "tests/unit/test_charm.py::TestU::test_u [fail] AssertionError",
    "tests/unit/test_charm.py::TestU::test_uskip [skipped by the suite] pytest.skip",
    "tests/unit/test_charm.py::test_ok [pass]",
];

#[test]
fn one_suite_reads_the_same_in_every_family_and_style() {
    for file in ["pytest-full.xml", "pytest-xunit1.xml", "pytest-native.xml"] {
        assert_eq!(show(&junit(&text(file)).unwrap()), SUITE, "{file}");
    }
    // xdist only changes the order.
    let mut spread = show(&junit(&text("pytest-xdist.xml")).unwrap());
    spread.sort();
    let mut sorted = SUITE.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(spread, sorted);
}

fn failure_of(cases: &[CaseResult], name: &str) -> Failure {
    cases.iter().find(|case| case.name.ends_with(name)).unwrap().failure.clone().unwrap()
}

#[test]
fn failures_tell_what_where_and_in_whose_code() {
    let cases = junit(&text("pytest-full.xml")).unwrap();
    let failure = failure_of(&cases, "::test_ops");
    assert_eq!(failure.message, "'NoneType' object has no attribute 'load_snapshot'");
    let frames: Vec<_> = failure
        .frames
        .iter()
        .map(|frame| format!("{} {} {:?}", frame.file, frame.function, frame.package.as_deref()))
        .collect();
    assert_eq!(
        frames,
        [
            "tests/unit/test_charm.py test_ops None",
            "ops/framework.py __init__ Some(\"ops\")",
            "ops/framework.py load_snapshot Some(\"ops\")",
        ]
    );
    assert!(failure.excerpt.contains("AttributeError"));
    assert_eq!(failure_of(&cases, "::test_chain").frames.len(), 1);
    assert_eq!(failure_of(&cases, "::test_teardown").message, "in teardown\nsecond line");
    assert!(failure_of(&cases, "::test_plain").message.starts_with("assert {'a': 1} == {'a': 2}"));
}

#[test]
fn what_could_not_be_collected_is_told_apart() {
    for file in ["pytest-collect.xml", "pytest-old.xml"] {
        let cases = junit(&text(file)).unwrap();
        assert_eq!(cases[1].name, "tests/unit/test_broken.py", "{file}");
        assert_eq!(cases[1].outcome, Outcome::CollectionError);
        assert_eq!(cases[1].kind, CaseKind::Diagnostic);
        let failure = cases[1].failure.as_ref().unwrap();
        assert_eq!(failure.exception, "ModuleNotFoundError");
        assert_eq!(failure.message, "No module named 'charms'");
    }
}

#[test]
fn a_worker_that_crashed_crashed_its_case() {
    let cases = junit(&text("pytest-xcrash.xml")).unwrap();
    assert_eq!(
        show(&cases),
        [
            "crash/test_c.py::test_c [crashed] worker crashed",
            "crash/test_c.py::test_a [pass]",
            "crash/test_c.py::test_d [pass]",
        ]
    );
}

#[test]
fn no_test_is_no_case() {
    assert!(junit(&text("pytest-empty.xml")).unwrap().is_empty());
}

#[test]
fn a_truncated_file_gives_what_it_holds() {
    let whole = text("pytest-full.xml");
    let end = whole.find("name=\"test_deep\"").unwrap();
    let error = junit(&whole[..end]).unwrap_err();
    assert_eq!(show(&error.cases), SUITE[..9]);
    let error = junit(&whole[..whole.len() - "</testsuites>".len()]).unwrap_err();
    assert!(matches!(error.problem, JunitProblem::Truncated));
    assert_eq!(error.cases.len(), SUITE.len());
}

#[test]
fn what_is_no_junit_is_refused() {
    for other in ["", "hello", "<html></html>"] {
        let error = junit(other).unwrap_err();
        assert!(matches!(error.problem, JunitProblem::NotJunit { .. }), "{other:?}: {error:?}");
    }
    let deep = format!("<testsuites>{}", "<testsuite>".repeat(100));
    assert!(matches!(junit(&deep).unwrap_err().problem, JunitProblem::TooLarge));
    let entity = "<!DOCTYPE x [<!ENTITY a \"b\">]><testsuites><testcase name=\"n\" classname=\"c\">\
        <failure message=\"m\">&a;&lt;&#65;</failure></testcase></testsuites>";
    assert_eq!(junit(entity).unwrap()[0].failure.as_ref().unwrap().excerpt, "<A");
}

fn check_name(file: &str, class: &str, name: &str, expected: &str) {
    assert_eq!(case_name(file, class, name), expected);
}

#[test]
fn names_are_node_ids() {
    check_name("", "tests.unit.test_a.TestX", "test_y[p]", "tests/unit/test_a.py::TestX::test_y[p]");
    check_name("", "tests.test_a.TestX.TestY", "test_y", "tests/test_a.py::TestX::TestY::test_y");
    check_name("", "tests.charm_spec.TestX", "test_y", "tests/charm_spec.py::TestX::test_y");
    check_name("", "tests.test_a", "test_y", "tests/test_a.py::test_y");
    check_name("", "tests.Unit.test_a.test_lower", "test_y", "tests/Unit/test_a/test_lower.py::test_y");
    check_name("t/test_a.py", "t.test_a.lower", "test_y", "t/test_a.py::lower::test_y");
    check_name("t/base.py", "t.test_a.TestX", "test_y", "t/test_a.py::TestX::test_y");
    check_name("", "", "tests.unit.test_a", "tests/unit/test_a.py");
}

#[test]
fn a_case_told_twice_is_one_and_failed_if_either_did() {
    let xml = "<testsuite><testcase classname=\"test_a\" name=\"t\" time=\"0.5\"/>\
        <testcase classname=\"test_a\" name=\"t\" time=\"0.25\"><error message=\"x\">E   KeyError: 1</error></testcase>\
        <testcase classname=\"test_a\" name=\"t\"/></testsuite>";
    let cases = junit(xml).unwrap();
    assert_eq!(show(&cases), ["test_a.py::t [fail] KeyError"]);
    assert_eq!(cases[0].duration_ms, 750);
}

proptest! {
    #[test]
    fn any_text_is_read(xml in "(?s).{0,300}") {
        let _ = junit(&xml);
    }

    #[test]
    fn a_cut_file_never_invents_a_case(part in 0..1000_usize) {
        let whole = text("pytest-xunit1.xml");
        let mut end = whole.len() * part / 1000;
        while !whole.is_char_boundary(end) {
            end -= 1;
        }
        let cases = junit(&whole[..end]).unwrap_or_else(|error| error.cases);
        prop_assert_eq!(show(&cases), SUITE[..cases.len()].to_vec());
    }
}
