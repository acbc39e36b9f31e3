//! What holds of every input.

use charmproof_store::event::CaseResult;
use charmproof_store::outcome::Outcome;
use proptest::prelude::*;

use super::{Exit, Kind, Runner, Seen, case, classify, command, seen};

fn exits() -> impl Strategy<Value = Exit> {
    prop_oneof![
        4 => (-70..300_i32).prop_map(Exit::Exited),
        1 => (0..40_i32).prop_map(Exit::Signalled),
        1 => prop::sample::select(vec![
            Exit::TimedOut,
            Exit::Silent,
            Exit::OutOfMemory,
            Exit::TooManyProcesses,
            Exit::DiskFull,
            Exit::Cancelled,
        ]),
    ]
}

/// Lines that some rule listens for, among noise.
fn logs() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        prop::sample::select(vec![
            "unit: commands[0]> pytest",
            "  unit: FAIL code -11 (0.1 seconds)",
            "ROOT: HandledError| provided environments not found in configuration file:\nunit",
            "unit: failed with x is not allowed, use allowlist_externals to allow it",
            "error: No solution found when resolving dependencies",
            "  cause: dns error",
            "ERROR: No matching distribution found for ops",
            "make: *** [Makefile:4: x] Error 127",
            "sh: 1: x: not found",
            "[Errno 28] No space left on device",
            "E   ModuleNotFoundError: No module named 'charms'",
            "INTERNALERROR> RuntimeError: x",
            "Fatal Python error: Aborted",
            "error: Failed to build `x`",
        ])
        .prop_map(str::to_owned),
        "[ -~äß…\u{1b}\r\t]{0,200}",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

fn cases() -> impl Strategy<Value = Vec<CaseResult>> {
    let one = (
        "[a-z:./ ]{0,30}|command: [a-z]{1,5}",
        prop::sample::select(vec![
            Outcome::Pass,
            Outcome::Fail,
            Outcome::CollectionError,
            Outcome::SkippedBySuite,
            Outcome::Crashed,
        ]),
        "|[A-Za-z.]{1,20}Error",
        "\\PC{0,300}",
    )
        .prop_map(|(name, outcome, exception, message)| case(&name, outcome, &exception, &message));
    prop::collection::vec(one, 0..6)
}

const RUNNERS: [Runner; 5] = [Runner::Tox, Runner::Just, Runner::Make, Runner::Nox, Runner::Plain];

proptest! {
    #[test]
    fn summaries_are_short_lines_and_answers_never_change(
        exit in exits(),
        log in logs(),
        cases in cases(),
        runner in prop::sample::select(RUNNERS.to_vec()),
        target in "\\PC{0,10}",
        code in -20..140_i32,
        reached_commands in prop::option::of(any::<bool>()),
        is_suite in any::<bool>(),
    ) {
        let commands = [command("pytest tests", code)];
        let kind = if is_suite { Kind::Suite } else { Kind::Lint };
        let seen = Seen {
            runner, target: &target, exit, log: &log, commands: &commands, reached_commands,
            cases: &cases, kind,
        };
        let first = classify(&seen);
        prop_assert!(first.summary.chars().count() <= 160);
        prop_assert!(!first.summary.chars().any(char::is_control), "{:?}", first.summary);
        prop_assert_eq!(&first, &classify(&seen));
    }

    #[test]
    fn a_failure_of_set_up_is_never_the_suite_s(
        code in 1..300_i32,
        log in logs(),
        runner in prop::sample::select(RUNNERS.to_vec()),
    ) {
        prop_assume!(!log.contains(" in 0."));
        let seen = Seen {
            runner, exit: Exit::Exited(code), reached_commands: Some(false), ..seen(&log)
        };
        let outcome = classify(&seen).outcome;
        prop_assert!(
            matches!(outcome, Outcome::CouldNotPrepare(_) | Outcome::NoSuchTarget),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_suite_s_own_failure_is_never_the_environment_s(
        code in 1..128_i32,
        log in logs(),
        reached_commands in prop::option::of(any::<bool>()),
        runner in prop::sample::select(RUNNERS.to_vec()),
    ) {
        let cases = [case("a", Outcome::Fail, "AssertionError", "assert 1 == 2")];
        let seen = Seen {
            runner, exit: Exit::Exited(code), reached_commands, cases: &cases, ..seen(&log)
        };
        let outcome = classify(&seen).outcome;
        prop_assert!(outcome.is_failure(), "{outcome:?}");
    }

    #[test]
    fn without_a_case_nothing_passes(log in logs(), runner in prop::sample::select(RUNNERS.to_vec())) {
        prop_assume!(!log.contains(" in "));
        let seen = Seen { runner, exit: Exit::Exited(0), ..seen(&log) };
        prop_assert_ne!(classify(&seen).outcome, Outcome::Pass);
    }
}
