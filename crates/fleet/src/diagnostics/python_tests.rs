use proptest::prelude::*;

use super::*;

fn check_exception(text: &str, class: &str, message: &str) {
    assert_eq!(exception_of(text), (class.to_owned(), message.to_owned()), "{text}");
}

#[test]
fn pytest_marks_the_exception() {
    check_exception("x\nE   KeyError: 'gone'\n\na.py:1: KeyError\n", "KeyError", "'gone'");
    check_exception(
        ">       raise X\nE       ops.model.ModelError: first\nE       second\n",
        "ops.model.ModelError",
        "first\nsecond",
    );
    check_exception(
        "E   AssertionError: because\nE   assert 1 == 2\n",
        "AssertionError",
        "because\nassert 1 == 2",
    );
    check_exception(
        "E   assert 1 == 2\nE    +  where 1 = f()\n",
        "AssertionError",
        "assert 1 == 2\n +  where 1 = f()",
    );
    check_exception("E   Failed: DID NOT RAISE <class 'X'>\n", "Failed", "DID NOT RAISE <class 'X'>");
    check_exception("E       fixture 'x' not found\n", "FixtureLookupError", "fixture 'x' not found");
    check_exception("E   SystemExit: 1\n", "SystemExit", "1");
    check_exception("E   KeyboardInterrupt\n", "KeyboardInterrupt", "");
}

#[test]
fn of_a_chain_the_last_exception_counts() {
    check_exception(
        "E   ValueError: a\n\nThe above exception was the direct cause of the following exception:\n\n\
         E   KeyError: b\n",
        "KeyError",
        "b",
    );
}

#[test]
fn plain_tracebacks_end_with_the_exception() {
    check_exception(
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    raise X\nValueError: one\ntwo\n",
        "ValueError",
        "one\ntwo",
    );
    check_exception(
        "Traceback\n  File \"a.py\", line 1, in f\n    x\nrequests.exceptions.ConnectionError\n",
        "requests.exceptions.ConnectionError",
        "",
    );
    check_exception("nothing to see\n", "", "");
    check_exception("", "", "");
}

#[test]
fn what_was_captured_is_not_the_failure() {
    let text = "a.py:3: in f\nE   KeyError: 1\n------ Captured log call ------\n\
        Traceback (most recent call last):\n  File \"/x/b.py\", line 9, in g\nE   ValueError: 2\n";
    check_exception(text, "KeyError", "1");
    check_frames(text, &["a.py:3 f"]);
}

fn check_frames(text: &str, expected: &[&str]) {
    let frames: Vec<_> = python_frames(text)
        .iter()
        .map(|frame| format!("{}:{} {}", frame.file, frame.line, frame.function).trim_end().to_owned())
        .collect();
    assert_eq!(frames, expected, "{text}");
}

#[test]
fn frames_of_every_style() {
    check_frames(
        "a/b.py:12: in run\n    x()\nc.py:3: in <module>\n    y\n",
        &["a/b.py:12 run", "c.py:3 <module>"],
    );
    check_frames(
        "    def test_a():\n>       f()\n\nt.py:5: \n_ _ _\n\n    def f():\n        def inner(): pass\n>       g\nE   X: 1\n\n/v/lib/python3.11/site-packages/ops/m.py:7: X\n",
        &["t.py:5 test_a", "ops/m.py:7 f"],
    );
    check_frames(
        "Traceback:\n  File \"/v/site-packages/ops/m.py\", line 7, in f\n  File \"<string>\", line 1, in <module>\n",
        &["ops/m.py:7 f", "<string>:1 <module>"],
    );
    check_frames("  File \"/x.py\", line 519 in string_at\n", &["/x.py:519 string_at"]);
    check_frames("see a.py:12: in time\n", &[]);
}

#[test]
fn endless_recursion_keeps_its_two_ends() {
    let lines: Vec<_> = (0..1_000).map(|line| format!("a.py:{line}: in f")).collect();
    let frames = python_frames(&lines.join("\n"));
    assert_eq!(frames.len(), FRAMES_MAX);
    assert_eq!((frames[0].line, frames[FRAMES_MAX - 1].line), (0, 999));
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(?s)(E   |File \"|[ -~\n|äß]){0,80}") {
        let _ = python_frames(&text);
        let (class, message) = exception_of(&text);
        prop_assert!(!class.contains(char::is_whitespace));
        prop_assert!(message.chars().count() <= MESSAGE_CHARS_MAX);
    }
}
