//! What is decided when several things are true at once.

use super::{Classified, Exit, Kind, Runner, Seen, case, classify, command, seen, show};
use charmproof_store::outcome::Outcome;

fn check(seen: &Seen<'_>, expected: &str) -> Classified {
    let classified = classify(seen);
    assert_eq!(show(&classified), expected);
    classified
}

const NETWORK: &str = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
    'NewConnectionError(\"x\")': /simple/ops/\nERROR: No matching distribution found for ops\n";

#[test]
fn a_limit_of_the_sandbox_comes_first() {
    let failed = [case("a", Outcome::Fail, "ValueError", "x"), case("b", Outcome::Pass, "", "")];
    let ends = [
        (
            Exit::TimedOut,
            "timeout | sandbox-timeout | ran into the time limit (1 failed, 1 passed until then)",
        ),
        (Exit::Silent, "timeout | sandbox-timeout | fell silent (1 failed, 1 passed until then)"),
        (
            Exit::OutOfMemory,
            "out of memory | sandbox-memory | used more memory than allowed (1 failed, 1 passed until then)",
        ),
        (
            Exit::TooManyProcesses,
            "crashed | sandbox-processes | started more processes than allowed (1 failed, 1 passed until then)",
        ),
        (
            Exit::DiskFull,
            "could not prepare: disk | sandbox-disk | wrote more to the disk than allowed (1 failed, 1 passed until then)",
        ),
        (
            Exit::Cancelled,
            "charmproof failed | cancelled | stopped by the user (1 failed, 1 passed until then)",
        ),
    ];
    for (exit, expected) in ends {
        check(&Seen { exit, cases: &failed, ..seen("") }, expected);
    }
}

#[test]
fn waiting_for_a_host_during_set_up_is_no_slow_suite() {
    let silent = Seen { exit: Exit::Silent, reached_commands: Some(false), ..seen(NETWORK) };
    check(
        &silent,
        "could not prepare: network | sandbox-timeout-network | fell silent during set-up; \
         pip: NewConnectionError for /simple/ops/",
    );
    let other = Seen { log: "Collecting ops\n", ..silent };
    check(&other, "timeout | sandbox-timeout | fell silent during set-up");
    let later = Seen { reached_commands: Some(true), ..silent };
    check(&later, "timeout | sandbox-timeout | fell silent");
}

#[test]
fn a_failing_case_outweighs_what_the_log_says() {
    let cases = [case("a", Outcome::Fail, "KeyError", "'x'"), case("b", Outcome::Pass, "", "")];
    for log in [NETWORK, "No space left on device", "make: x: command not found", "HandledError| x"] {
        for reached_commands in [None, Some(false), Some(true)] {
            let seen = Seen { cases: &cases, reached_commands, ..seen(log) };
            check(&seen, "fail | tests-failed | 1 failed, 1 passed; KeyError: 'x'");
        }
    }
}

#[test]
fn failures_are_tallied() {
    let error = "scenario.errors.InconsistentScenarioError";
    let mut cases: Vec<_> = (0..13).map(|at| case(&format!("a{at}"), Outcome::Fail, error, "x")).collect();
    cases.push(case("b", Outcome::Fail, "KeyError", "x"));
    cases.push(case("c", Outcome::Fail, "ValueError", "x"));
    let seen = Seen { cases: &cases, ..seen("=== 15 failed in 0.10s ===\n") };
    let classified =
        check(&seen, "fail | tests-failed | 15 failed; InconsistentScenarioError x13 (+2 other)");
    assert_eq!(classified.evidence.as_deref(), Some("15 failed in 0.10s"));
}

#[test]
fn only_if_every_failure_is_the_environment_s_is_the_suite_excused() {
    let host = "<urlopen error [Errno -2] Name or service not known>";
    let outbound = case("a", Outcome::Fail, "urllib.error.URLError", host);
    let missing = case("b", Outcome::CollectionError, "ModuleNotFoundError", "No module named 'charms.x'");
    let own = case("c", Outcome::Fail, "AttributeError", "module 'ops' has no attribute 'x'");
    let check = |cases: &[_], expected: &str| {
        check(&Seen { cases, ..seen("") }, expected);
    };
    check(
        std::slice::from_ref(&outbound),
        &format!(
            "could not prepare: network | every-failure-is-environmental | network: 1 failed; URLError: {host}"
        ),
    );
    check(
        std::slice::from_ref(&missing),
        "could not prepare: charm library | every-failure-is-environmental | charm library: \
         collection error in b: ModuleNotFoundError: No module named 'charms.x'",
    );
    check(&[outbound.clone(), own.clone()], "fail | tests-failed | 2 failed; AttributeError x1 (+1 other)");
    check(
        &[missing, own],
        "fail | tests-failed | 1 failed, 1 collection error; AttributeError x1 (+1 other)",
    );
    let local = "Failed to resolve 'localhost'";
    check(
        &[case("a", Outcome::Fail, "ConnectionError", local)],
        "fail | tests-failed | 1 failed; ConnectionError: Failed to resolve 'localhost'",
    );
    check(
        &[case("a", Outcome::CollectionError, "ModuleNotFoundError", "No module named 'charmsx'")],
        "error in collection | tests-not-collected | collection error in a: ModuleNotFoundError: No module named 'charmsx'",
    );
}

#[test]
fn nothing_that_ran_is_no_pass() {
    let ended_well = Seen { exit: Exit::Exited(0), ..seen("") };
    check(&ended_well, "empty | nothing-ran | ended well, but no test was seen to run");
    let skipped = [case("a", Outcome::SkippedBySuite, "", "")];
    check(
        &Seen { cases: &skipped, ..ended_well },
        "empty | all-skipped | ended well, but skipped all of its 1 tests",
    );
    let only_command = [case("command: true", Outcome::Pass, "", "")];
    check(
        &Seen { cases: &only_command, ..ended_well },
        "empty | nothing-ran | ended well, but no test was seen to run",
    );
    let passed = [case("a", Outcome::Pass, "", "")];
    check(&Seen { cases: &passed, ..ended_well }, "pass | pass | ");
    // What pytest told people counts where nothing better is left.
    check(&Seen { log: "== 3 passed in 0.01s ==\n", ..ended_well }, "pass | pass | ");
    check(
        &Seen { log: "== 1 failed, 3 passed in 0.01s ==\n", ..ended_well },
        "fail | tests-failed | 1 failed, 3 passed; the target ended well all the same",
    );
}

#[test]
fn an_environment_that_tox_skipped_is_no_pass() {
    let log = "unit: skipped because could not find python interpreter with spec(s): python3.5\n";
    for kind in [Kind::Suite, Kind::Lint] {
        check(
            &Seen { exit: Exit::Exited(0), kind, ..seen(log) },
            "could not prepare: interpreter | tox-skipped | tox skipped it: no Python interpreter for python3.5",
        );
    }
}

#[test]
fn lint_speaks_in_diagnostics() {
    let lint = Seen { kind: Kind::Lint, reached_commands: Some(true), ..seen("") };
    let cases = [
        case("ruff a.py F401 x", Outcome::Fail, "F401", "x"),
        case("ruff b.py F401 x", Outcome::Fail, "F401", "x"),
        case("mypy b.py arg-type x", Outcome::Fail, "arg-type", "x"),
        case("command: ruff check", Outcome::Fail, "exit 1", "x"),
    ];
    check(
        &Seen { cases: &cases, ..lint },
        "fail | lint-diagnostics | 3 diagnostics: ruff F401 x2, mypy arg-type",
    );
    check(
        &Seen { cases: &cases, exit: Exit::Exited(0), ..lint },
        "pass | lint-passed-over | 3 diagnostics: ruff F401 x2, mypy arg-type; the target ended well all the same",
    );
    // A failed command alone says nothing about whose failure it is.
    let commands = [command("ruff check", 127)];
    check(
        &Seen {
            cases: &cases[3..],
            commands: &commands,
            exit: Exit::Exited(127),
            log: "sh: 1: ruff: not found\n",
            ..lint
        },
        "could not prepare: tool | shell-program-missing | ruff: no such program",
    );
    let commands = [command("charmcraft lint", 3)];
    check(
        &Seen { cases: &cases[3..], commands: &commands, exit: Exit::Exited(3), log: "something\n", ..lint },
        "fail | unexplained | `charmcraft lint` ended with exit 3; something",
    );
    check(&Seen { exit: Exit::Exited(0), ..lint }, "empty | nothing-ran | ended well, but no command ran");
    check(&Seen { exit: Exit::Exited(0), runner: Runner::Make, ..lint }, "pass | pass | ");
    let commands = [command("ruff check", 0)];
    check(&Seen { exit: Exit::Exited(0), commands: &commands, ..lint }, "pass | pass | ");
}

#[test]
fn what_fails_after_the_tests_is_told_apart() {
    let cases = [case("a", Outcome::Pass, "", ""), case("b", Outcome::Pass, "", "")];
    let commands = [command("pytest", 0), command("coverage report", 2)];
    let after = Seen { cases: &cases, reached_commands: Some(true), ..seen("") };
    check(
        &Seen { commands: &commands, exit: Exit::Exited(2), ..after },
        "fail | after-tests | tests passed (2 passed); then `coverage report` ended with exit 2",
    );
    check(
        &Seen {
            log: "2 passed in 0.1s\nunit: failed with ls is not allowed, use allowlist_externals to allow it\n",
            ..after
        },
        "fail | tox-allowlist-after-tests | tests passed (2 passed); tox: ls is not in allowlist_externals",
    );
    check(
        &Seen {
            log: "FAIL Required test coverage of 99% not reached. Total coverage: 20.00%\n2 passed in 0.1s\n",
            ..after
        },
        "fail | pytest-coverage | tests passed (2 passed); Required test coverage of 99% not reached. Total coverage: 20.00%",
    );
    check(
        &Seen {
            log: "2 passed in 0.1s\nunit: Exception running subprocess [Errno 2] No such file or directory: 'x'\n",
            ..after
        },
        "could not prepare: tool | tox-program-missing | tests passed (2 passed); x: no such program",
    );
    // Trouble that set-up overcame does not count.
    check(
        &Seen { log: &format!("{NETWORK}2 passed in 0.1s\n"), ..after },
        "fail | after-tests | tests passed (2 passed); then the target ended with exit 1",
    );
}

#[test]
fn signals_are_crashes() {
    check(&Seen { exit: Exit::Signalled(11), ..seen("") }, "crashed | crash | died of SIGSEGV");
    check(&Seen { exit: Exit::Exited(139), ..seen("") }, "crashed | crash | died of SIGSEGV");
    check(&Seen { exit: Exit::Exited(137), ..seen("") }, "crashed | crash | died of SIGKILL");
    let commands = [command("pytest", -6)];
    check(
        &Seen {
            commands: &commands,
            exit: Exit::Exited(250),
            log: "Fatal Python error: Aborted\n",
            ..seen("")
        },
        "crashed | crash | died of SIGABRT; Fatal Python error: Aborted",
    );
    check(
        &Seen { exit: Exit::Exited(139), reached_commands: Some(false), ..seen("") },
        "could not prepare: tool | crash-in-set-up | a program died of SIGSEGV during set-up",
    );
    // 254 is tox's own way to refuse, not a signal.
    check(
        &Seen { exit: Exit::Exited(254), reached_commands: Some(false), ..seen("x\n") },
        "could not prepare: configuration | set-up-failed | set-up failed (exit 254); x",
    );
    // The target passed over a crash; something else failed.
    let commands = [command("- flaky", -11), command("pytest", 0)];
    check(
        &Seen {
            commands: &commands,
            log: "unit: failed with ls is not allowed, use allowlist_externals to allow it\n",
            ..seen("")
        },
        "could not prepare: configuration | tox-allowlist | tox: ls is not in allowlist_externals",
    );
    // A test that shows a crash of another process is no crash of the suite.
    let cases = [case("a", Outcome::Fail, "AssertionError", "x")];
    check(
        &Seen { cases: &cases, log: "Fatal Python error: Aborted\n", ..seen("") },
        "fail | tests-failed | 1 failed; AssertionError: x",
    );
}

#[test]
fn a_target_is_missing_only_under_its_own_name() {
    let make = Seen { runner: Runner::Make, exit: Exit::Exited(2), ..seen("") };
    check(
        &Seen { log: "make: *** No rule to make target 'unit'.  Stop.\n", ..make },
        "no such target | make-no-rule | the makefile has no such target",
    );
    for log in [
        "make: *** No rule to make target 'units'.  Stop.\n",
        "make[1]: *** No rule to make target 'unit'.  Stop.\n",
        "make: *** No rule to make target 'x', needed by 'unit'.  Stop.\n",
        "  make: *** No rule to make target 'unit'.  Stop.\n",
    ] {
        assert_eq!(classify(&Seen { log, ..make }).outcome, Outcome::Fail, "{log}");
    }
}

#[test]
fn a_strange_target_name_is_only_a_name() {
    for target in ["a+b", "(", "[x", "$1", "\\"] {
        let log = format!("make: *** No rule to make target '{target}'.  Stop.\n");
        let seen = Seen { runner: Runner::Make, target, ..seen(&log) };
        assert_eq!(classify(&seen).outcome, Outcome::NoSuchTarget, "{target}");
    }
}
