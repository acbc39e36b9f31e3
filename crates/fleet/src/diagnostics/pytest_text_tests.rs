//! The files in `testdata` were printed by pytest 9.2 and 7.4.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostics/testdata").join(name);
    fs_err::read_to_string(path).unwrap()
}

fn show(text: &str) -> Vec<String> {
    pytest_text(text)
        .iter()
        .map(|case| {
            let exception = case.failure.as_ref().map_or("", |failure| failure.exception.as_str());
            format!("{} [{}] {exception}", case.name, case.outcome.words()).trim_end().to_owned()
        })
        .collect()
}

#[test]
fn the_summary_names_what_failed() {
    let expected = [
        "tests/unit/test_charm.py::TestX::test_y[b[c]] [fail] AssertionError",
        "tests/unit/test_charm.py::TestX::test_y[d::e] [fail] AssertionError",
        "tests/unit/test_charm.py::TestX::test_plain [fail] AssertionError",
        "tests/unit/test_charm.py::test_xpass [fail] XPASS(strict)",
        "tests/unit/test_charm.py::test_deep [fail] json.decoder.JSONDecodeError",
        "tests/unit/test_charm.py::test_chain [fail] KeyError",
        "tests/unit/test_charm.py::test_ops [fail] AttributeError",
        "tests/unit/test_charm.py::TestU::test_net [fail] urllib.error.URLError",
        "tests/unit/test_charm.py::TestU::test_sub [fail] AssertionError",
        "tests/unit/test_charm.py::TestU::test_u [fail] AssertionError",
        "tests/unit/test_charm.py::test_setup [fail] RuntimeError",
        "tests/unit/test_charm.py::test_teardown [fail] ValueError",
        "pytest: the run as a whole [fail] failed",
    ];
    for file in ["pytest-full.txt", "pytest-q.txt"] {
        assert_eq!(show(&text(file)), expected, "{file}");
    }
}

#[test]
fn sections_lend_their_frames_and_messages() {
    let cases = pytest_text(&text("pytest-full.txt"));
    let ops = cases.iter().find(|case| case.name.ends_with("::test_ops")).unwrap();
    let failure = ops.failure.as_ref().unwrap();
    assert_eq!(failure.message, "'NoneType' object has no attribute 'load_snapshot'");
    assert_eq!(failure.frames.last().unwrap().package.as_deref(), Some("ops"));
    assert!(cases[1].failure.as_ref().unwrap().message.contains("assert 'd::e' == 'a'"));
}

#[test]
fn verbose_output_names_all() {
    for file in ["pytest-v.txt", "pytest-v-xdist.txt"] {
        let shown = show(&text(file));
        assert_eq!(shown.len(), 18, "{file}");
        for expected in [
            "tests/unit/test_charm.py::TestX::test_y[a] [pass]",
            "tests/unit/test_charm.py::test_ok [pass]",
            "tests/unit/test_charm.py::test_skip [skipped by the suite]",
            "tests/unit/test_charm.py::test_xfail [skipped by the suite]",
            "tests/unit/test_charm.py::test_teardown [fail] ValueError",
        ] {
            assert!(shown.iter().any(|line| line == expected), "{file}: {expected}");
        }
    }
}

#[test]
fn collection_errors_and_crashes() {
    for file in ["pytest-collect.txt", "pytest-old.txt"] {
        let shown = show(&text(file));
        assert_eq!(shown[1], "tests/unit/test_broken.py [error in collection] ModuleNotFoundError");
    }
    assert_eq!(show(&text("pytest-xcrash.txt"))[0], "crash/test_c.py::test_c [crashed]");
}

#[test]
fn only_tests_that_ran_pass() {
    let whole = ["pytest: the run as a whole [pass]"];
    assert_eq!(show("===== 3 passed, 1 warning in 0.10s (0:01:02) =====\n"), whole);
    assert_eq!(show("3 passed in 0.10s\n"), whole);
    for nothing in ["=== no tests ran in 0.01s ===", "5 skipped in 0.01s", "passed", "3 passed"] {
        assert!(show(nothing).is_empty(), "{nothing}");
    }
}

fn check_split(told: &str, node: &str, message: &str) {
    assert_eq!(split_summary(told), (node, message));
}

#[test]
fn a_parameter_may_look_like_a_message() {
    check_split("a.py::t[x - y] - KeyError: 1", "a.py::t[x - y]", "KeyError: 1");
    check_split("a.py::t[[] - KeyError: 1", "a.py::t[[]", "KeyError: 1");
    check_split("a.py::t", "a.py::t", "");
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(?s)(FAILED a.py::|ERROR |___ x ___\n|.){0,200}") {
        let _ = pytest_text(&text);
    }
}
