//! The texts in `testdata` were printed by the tools (ruff 0.1.15, 0.4.10, 0.9.10
//! and 0.17.6, codespell, mypy, ty, pyright, black, flake8, pylint, isort,
//! pydocstyle, shellcheck, yamllint) on one small faulty charm, with machine paths
//! replaced.

use std::path::Path;

use proptest::prelude::*;

use super::*;

const PATHS: Paths<'static> = Paths { charm_dir: "/charm" };

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostics/testdata").join(name);
    fs_err::read_to_string(path).unwrap()
}

fn command(command: &str, exit_code: i32) -> CommandResult {
    CommandResult { command: command.to_owned(), exit_code: Some(exit_code) }
}

/// `path:line rule`, with the tool in front of the first.
fn places(cases: &[CaseResult]) -> String {
    let shown: Vec<String> = cases
        .iter()
        .filter(|case| !case.name.starts_with(COMMAND_CASE))
        .map(|case| {
            let failure = case.failure.as_ref().unwrap();
            let frame = &failure.frames[0];
            format!("{}:{} {}", frame.file, frame.line, failure.exception)
        })
        .collect();
    let tool = cases.first().and_then(|case| case.name.split(' ').next()).unwrap_or("");
    format!("{tool}: {}", shown.join(", "))
}

fn check(file: &str, called: &str, expected: &str) {
    let cases = parse(&text(file), &[command(called, 1)], &PATHS);
    assert_eq!(places(&cases), expected.replace("\n        ", " "), "{file}");
    for case in &cases {
        assert_eq!(case.outcome, Outcome::Fail, "{file}: {}", case.name);
    }
}

/// What ruff says of the faulty charm, whatever its format, behind the two
/// syntax errors that its versions name differently.
const RUFF: &str = "src/charm.py:1 E401, src/charm.py:1 D100, src/charm.py:1 I001, \
    src/charm.py:1 F401, src/charm.py:2 F811, src/charm.py:2 F401, src/charm.py:7 D101, \
    src/charm.py:8 D107, src/charm.py:11 F841, src/charm.py:12 F841, src/charm.py:14 F841, \
    src/charm.py:17 E711, src/charm.py:17 E701, src/charm.py:18 F821, src/charm.py:19 B018, \
    src/charm.py:20 E501";
const RUFF_TESTS: &str = "tests/unit/test_charm.py:1 D100, tests/unit/test_charm.py:1 D103";

#[test]
fn ruff_check_in_all_its_formats() {
    let two = |rule: &str| format!("src/bad_syntax.py:1 {rule}, src/bad_syntax.py:1 {rule}");
    for (file, syntax, with_tests) in [
        ("ruff-0.1.15-concise.txt", "src/bad_syntax.py:1 E999".to_owned(), true),
        ("ruff-0.4.10-concise.txt", two("E999"), true),
        ("ruff-0.4.10-full.txt", two("E999"), true),
        ("ruff-0.4.10-github.txt", two("E999"), false),
        ("ruff-0.9.10-concise.txt", two("SyntaxError"), true),
        ("ruff-0.9.10-default.txt", two("SyntaxError"), true),
        ("ruff-0.9.10-github.txt", two("SyntaxError"), true),
        ("ruff-0.17.6-concise.txt", two("invalid-syntax"), true),
        ("ruff-0.17.6-default.txt", two("invalid-syntax"), true),
        ("ruff-0.17.6-github.txt", two("invalid-syntax"), false),
        ("ruff-0.17.6-grouped.txt", two("invalid-syntax"), false),
    ] {
        let mut expected = format!("ruff: {syntax}, {RUFF}");
        if with_tests {
            expected = format!("{expected}, {RUFF_TESTS}");
        }
        check(file, "ruff check src tests", &expected);
    }
}

#[test]
fn names_agree_between_formats_of_one_ruff() {
    let names = |file: &str| -> Vec<String> {
        let cases = parse(&text(file), &[command("ruff check", 1)], &PATHS);
        let own = cases.into_iter().map(|case| case.name).filter(|name| !name.contains("F811"));
        own.take(17).collect()
    };
    let concise = names("ruff-0.17.6-concise.txt");
    assert_eq!(names("ruff-0.17.6-default.txt"), concise);
    assert_eq!(names("ruff-0.17.6-github.txt"), concise);
    assert_eq!(names("ruff-0.17.6-grouped.txt"), concise);
    assert!(concise.contains(&"ruff src/charm.py F401 `sys` imported but unused".to_owned()));
}

#[test]
fn formatters_name_their_files() {
    for (file, syntax, place) in [
        ("ruff-0.4.10-format.txt", "syntax", 1),
        ("ruff-0.4.10-format-diff.txt", "syntax", 1),
        ("ruff-0.9.10-format.txt", "syntax", 1),
        ("ruff-0.17.6-format.txt", "invalid-syntax", 17),
        ("ruff-0.17.6-format-diff.txt", "syntax", 1),
    ] {
        let expected = format!(
            "ruff-format: src/bad_syntax.py:1 {syntax}, src/charm.py:{place} unformatted, \
             tests/unit/test_charm.py:1 unformatted"
        );
        check(file, "ruff format --check src tests", &expected);
    }
    for file in ["black.txt", "black-diff.txt"] {
        check(
            file,
            "black --check src tests",
            "black: src/bad_syntax.py:1 syntax, tests/unit/test_charm.py:1 unformatted, \
             src/charm.py:1 unformatted",
        );
    }
    for file in ["isort.txt", "isort-diff.txt"] {
        check(file, "isort --check-only src", "isort: src/charm.py:1 unsorted");
    }
}

#[test]
fn type_checkers() {
    let mypy = "mypy: src/charm.py:10 arg-type, src/charm.py:12 assignment, \
        src/charm.py:13 attr-defined, src/charm.py:14 assignment, src/charm.py:17 return-value, \
        src/charm.py:18 name-defined, src/charm.py:19 attr-defined, src/charm.py:21 return-value";
    check("mypy.txt", "mypy src", mypy);
    check("mypy-pretty.txt", "mypy --pretty src", mypy);
    let ty = "ty: src/charm.py:10 invalid-argument-type, src/charm.py:12 invalid-assignment, \
        src/charm.py:13 missing-attribute, src/charm.py:14 invalid-assignment, \
        src/charm.py:17 invalid-explicit-return, src/charm.py:18 unresolved-reference, \
        src/charm.py:19 missing-attribute, src/charm.py:21 invalid-explicit-return";
    check("ty.txt", "ty check src", ty);
    check("ty-concise.txt", "ty check src", ty);
    check(
        "pyright.txt",
        "pyright src",
        "pyright: src/charm.py:10 reportArgumentType, src/charm.py:12 reportAssignmentType, \
         src/charm.py:13 reportAttributeAccessIssue, src/charm.py:14 reportAssignmentType, \
         src/charm.py:17 reportReturnType, src/charm.py:18 reportUndefinedVariable, \
         src/charm.py:19 reportAttributeAccessIssue, src/charm.py:21 reportReturnType",
    );
}

#[test]
fn other_linters() {
    check(
        "codespell.txt",
        "codespell .",
        "codespell: src/charm.py:13 spelling, src/charm.py:19 spelling, src/charm.py:20 spelling, \
         src/charm.py:20 spelling",
    );
    check(
        "flake8.txt",
        "/charm/.tox/lint/bin/flake8 src",
        "flake8: src/bad_syntax.py:1 E999, src/charm.py:1 F401, src/charm.py:1 E401, \
         src/charm.py:2 F811, src/charm.py:2 F401, src/charm.py:11 F841, src/charm.py:12 F841, \
         src/charm.py:14 F841, src/charm.py:17 E711, src/charm.py:17 E701, src/charm.py:18 E201, \
         src/charm.py:18 F821, src/charm.py:18 E202, src/charm.py:20 E501",
    );
    check(
        "pydocstyle.txt",
        "pydocstyle src",
        "pydocstyle: src/charm.py:1 D100, src/charm.py:7 D101, src/charm.py:8 D107",
    );
    for file in ["shellcheck.txt", "shellcheck-gcc.txt"] {
        check(
            file,
            "shellcheck run.sh",
            "shellcheck: run.sh:1 SC2086, run.sh:2 SC2045, run.sh:2 SC2006, run.sh:2 SC2086",
        );
    }
    for file in ["yamllint.txt", "yamllint-parsable.txt"] {
        check(file, "yamllint .", "yamllint: a.yaml:1 colons, a.yaml:5 key-duplicates");
    }
    let pylint = parse(&text("pylint.txt"), &[command("pylint src", 22)], &PATHS);
    assert_eq!(pylint.len(), 16);
    assert_eq!(pylint[3].name, "pylint src/charm.py reimported Reimport 'os' (imported line N)");
}

fn names(output: &str, commands: &[CommandResult]) -> Vec<String> {
    parse(output, commands, &PATHS).into_iter().map(|case| case.name).collect()
}

#[test]
fn a_shifted_line_is_the_same_case_and_duplicates_are_counted() {
    let before = names("a.py:1:1: F401 x from line 3\na.py:9:1: F401 x from line 4\n", &[]);
    let after = names("a.py:5:1: F401 x from line 7\na.py:99:1: F401 x from line 1\n", &[]);
    assert_eq!(before, after);
    assert_eq!(before, ["ruff a.py F401 x from line N", "ruff a.py F401 x from line N #2"]);
}

#[test]
fn warnings_and_notes_are_no_failures() {
    let output = "  /charm/a.py:1:1 - warning: w (reportX)\n  /charm/a.py:1:1 - information: i\n\
        a.py:1:2: warning[possibly-x] w\nwarning[x-y]: w\n --> a.py:1:1\n\na.yaml:1:1: [warning] w (x)\n\
        a.py:3: error: e  [misc]\na.py:3: note: see there\n";
    let cases = parse(output, &[], &PATHS);
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0].failure.as_ref().unwrap().message, "e\nnote: see there");
}

#[test]
fn what_only_looks_like_a_diagnostic_is_none() {
    for line in ["server:80: error: refused", "a.py:1:1: some-thing happened", "12:30:45: E1 x y", "a ==> b"]
    {
        assert_eq!(names(line, &[]), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn what_lies_in_site_packages_names_its_module() {
    let output = "/charm/.tox/s/lib/python3.11/site-packages/ops/model.py:3: error: e  [misc]\n";
    let cases = parse(output, &[], &PATHS);
    assert_eq!(cases[0].name, "mypy ops/model.py misc e");
    assert_eq!(cases[0].failure.as_ref().unwrap().frames[0].package.as_deref(), Some("ops"));
}

#[test]
fn commands_are_cases_and_decide_whether_diagnostics_count() {
    let output = "\u{1b}[1mlint: commands[0]> codespell .\u{1b}[0m\r\na.py:1: teh ==> the\r\n\
        lint: exit 65 (0.1 seconds) /charm> codespell . pid=1\r\n\
        lint: commands[1]> flake8 --exit-zero src\r\na.py:1:1: F401 x\r\n\
        lint: commands[2]> ruff check src\r\na.py:2:1: F841 y\r\n  lint: FAIL code 65 (1 seconds)\n";
    let commands = [
        command("codespell .", 65),
        command("flake8 --exit-zero src", 0),
        command("ruff check src", 1),
        CommandResult { command: "mypy".into(), exit_code: None },
    ];
    let cases = parse(output, &commands, &PATHS);
    let shown: Vec<_> = cases.iter().map(|case| format!("{} {}", case.name, case.outcome.words())).collect();
    assert_eq!(
        shown,
        [
            "codespell a.py spelling teh ==> the fail",
            "ruff a.py F841 y fail",
            "command: codespell . fail",
            "command: flake8 --exit-zero src pass",
            "command: ruff check src fail",
        ]
    );
    let failure = cases[2].failure.as_ref().unwrap();
    assert_eq!(failure.excerpt, "a.py:1: teh ==> the");
    assert_eq!(cases[2].kind, CaseKind::Test);
    assert_eq!(cases[0].kind, CaseKind::Diagnostic);
    // A command that ended well yields its case too.
    assert_eq!(names("All checks passed!\n", &[command("ruff check", 0)]), ["command: ruff check"]);
    assert_eq!(names("a.py:1:1: F401 x\n", &[command("make lint", 0)]), ["command: make lint"]);
}

#[test]
fn an_ambiguous_line_belongs_to_the_tool_that_ran() {
    let line = "a.py:1:1: E501 line too long\n";
    assert!(names(line, &[command("flake8", 1)])[0].starts_with("flake8 "));
    assert!(names(line, &[command("ruff check", 1)])[0].starts_with("ruff "));
    let echoed = format!("flake8 src\n{line}ruff check src\n{line}");
    let both = names(&echoed, &[command("flake8 src", 1), command("ruff check src", 1)]);
    assert!(both[0].starts_with("flake8 ") && both[1].starts_with("ruff "), "{both:?}");
}

proptest! {
    #[test]
    fn any_output_is_read(output in "(?s).{0,400}", code in prop::option::of(any::<i32>())) {
        let commands = [CommandResult { command: "ruff check".into(), exit_code: code }];
        let cases = parse(&output, &commands, &PATHS);
        prop_assert!(cases.iter().all(|case| !case.name.contains('\n')));
    }

    #[test]
    fn names_never_repeat_and_never_tell_lines(
        lines in prop::collection::vec((1..9_u32, 1..9_u32, "[A-C]1", "[xy]"), 0..20),
    ) {
        let output = |shift: u32| -> String {
            let told = lines.iter().map(|(line, column, rule, message)| {
                format!("a.py:{}:{column}: {rule} {message}", line + shift)
            });
            told.collect::<Vec<_>>().join("\n")
        };
        let found = names(&output(0), &[]);
        let unique: BTreeSet<_> = found.iter().collect();
        prop_assert_eq!(unique.len(), lines.len());
        prop_assert_eq!(found, names(&output(10), &[]));
    }
}
