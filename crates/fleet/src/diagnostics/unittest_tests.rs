//! The files in `testdata` were printed by Python 3.10 and 3.11.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostics/testdata").join(name);
    fs_err::read_to_string(path).unwrap()
}

fn check(text: &str, expected: &[&str]) {
    let shown: Vec<_> = unittest(text)
        .iter()
        .map(|case| {
            let exception = case.failure.as_ref().map_or("", |failure| failure.exception.as_str());
            format!("{} [{}] {exception}", case.name, case.outcome.words()).trim_end().to_owned()
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn verbose_output_names_all() {
    for file in ["unittest-verbose.txt", "unittest-3.10.txt"] {
        check(
            &text(file),
            &[
                "test_imp [error in collection] ModuleNotFoundError",
                "test_u.TestU.test_doc [fail] AssertionError",
                "test_u.TestU.test_err [fail] KeyError",
                "test_u.TestU.test_ok [pass]",
                "test_u.TestU.test_print [pass]",
                "test_u.TestU.test_u [fail] AssertionError",
                "test_u.TestU.test_uskip [skipped by the suite] skipped",
                "test_u.TestU.test_xf [skipped by the suite] expected failure",
                "test_u.TestU.test_xp [fail] unexpected success",
                "test_u.TestU.test_sub [fail] AssertionError",
                "unittest: the run as a whole [fail] FAILED",
            ],
        );
    }
}

#[test]
fn terse_output_names_what_failed() {
    check(
        &text("unittest-terse.txt"),
        &[
            "test_imp [error in collection] ModuleNotFoundError",
            "test_u.TestU.test_err [fail] KeyError",
            "test_u.TestU.test_doc [fail] AssertionError",
            "test_u.TestU.test_sub [fail] AssertionError",
            "test_u.TestU.test_u [fail] AssertionError",
            "test_u.TestU.test_xp [fail] unexpected success",
            "unittest: the run as a whole [fail] FAILED",
        ],
    );
}

#[test]
fn only_tests_that_ran_pass() {
    check("..\n---\nRan 2 tests in 0.1s\n\nOK (skipped=1)\n", &["unittest: the run as a whole [pass]"]);
    check("\n---\nRan 0 tests in 0.0s\n\nOK\n", &[]);
    check("\n---\nRan 0 tests in 0.0s\n\nNO TESTS RAN\n", &[]);
    check("OK\n", &[]);
    let two = "Ran 2 tests in 0.1s\n\nFAILED (failures=1)\nRan 1 test in 0.1s\n\nOK\n";
    check(two, &["unittest: the run as a whole [fail] FAILED"]);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(?s).{0,400}") {
        let _ = unittest(&text);
    }
}
