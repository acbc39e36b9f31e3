//! How commands end, and how they are ended.

use std::time::{Duration, Instant};

use charmproof_sandbox::{CancelToken, Ended, SandboxError};

use crate::case::{BOTH, Case, Mode, unique_sleep, wait_until};

fn check(mode: Mode, script: &str, expected: &Ended) {
    let case = Case::shell(mode, script);
    let record = case.run();
    assert_eq!(record.ended, *expected, "{mode:?}: {}", case.log());
    assert_eq!(record.log_error, None);
}

#[test]
fn exit_codes_and_signals_are_told() {
    for mode in BOTH {
        check(mode, "exit 0", &Ended::Exited { code: 0 });
        check(mode, "exit 3", &Ended::Exited { code: 3 });
        check(mode, "exit 255", &Ended::Exited { code: 255 });
        check(mode, "kill -SEGV $$", &Ended::Signalled { signal: 11 });
        check(mode, "kill -KILL $$", &Ended::Signalled { signal: 9 });
    }
}

#[test]
fn programs_are_found_as_a_shell_would() {
    let mut case = Case::new(Mode::Full, "greet", &["you"]);
    let script = case.root().join("work/greet");
    // No `#!`: the shell's business.
    fs_err::write(&script, "echo hello $1 from $PWD\n").unwrap();
    fs_err::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("/nonexistent:{}:{}", case.root().join("work"), case.spec.environment["PATH"]);
    case.spec.environment.insert("PATH".to_owned(), path);
    assert!(case.run().ended.is_success());
    let work = case.root().join("work");
    assert_eq!(case.log(), format!("hello you from {work}\n"));
    case.spec.program = "./greet".into();
    assert!(case.run().ended.is_success());
}

#[test]
fn what_cannot_start_is_an_error() {
    for mode in BOTH {
        let mut case = Case::new(mode, "no-such-program", &[]);
        // A directory that may not be searched would change the answer.
        case.spec.environment.insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        let Err(SandboxError::NotStarted { step, program, source }) = case.try_run() else {
            panic!("it started")
        };
        assert_eq!((step.as_str(), program.as_str()), ("execute", "no-such-program"));
        assert_eq!(source.kind(), std::io::ErrorKind::NotFound);

        let mut case = Case::shell(mode, "true");
        case.spec.working_directory = case.root().join("missing");
        assert!(matches!(case.try_run(), Err(SandboxError::Specification { .. })));
    }
    let case = Case::shell(Mode::Full, "true");
    let cancel = CancelToken::new().unwrap();
    let no_launcher = charmproof_sandbox::Launcher::new("/bin/true".into(), Vec::new());
    let Err(error) = no_launcher.run(&case.spec, &cancel) else { panic!("`true` is no launcher") };
    assert!(matches!(error, SandboxError::LauncherLost { .. } | SandboxError::Launcher { .. }), "{error:?}");
}

#[test]
fn wall_time_is_bounded_and_the_log_kept() {
    for mode in BOTH {
        let mut case = Case::shell(mode, "trap '' TERM; echo begun; while :; do sleep 1; done");
        case.spec.limits.wall = Duration::from_millis(400);
        let record = case.run();
        assert_eq!(record.ended, Ended::TimedOut { after: Duration::from_millis(400) });
        assert_eq!(case.log(), "begun\n");
        // Wall time and grace, and it did not take for ever to kill.
        assert!(record.duration >= Duration::from_millis(700), "{:?}", record.duration);
        assert!(record.duration < Duration::from_secs(5), "{:?}", record.duration);
    }
}

#[test]
fn a_command_is_asked_before_it_is_killed() {
    for mode in BOTH {
        let script = "trap 'echo farewell; exit 0' TERM; echo begun; while :; do sleep 1; done";
        let mut case = Case::shell(mode, script);
        case.spec.limits.wall = Duration::from_millis(500);
        case.spec.limits.grace = Duration::from_secs(20);
        let record = case.run();
        assert_eq!(record.ended, Ended::TimedOut { after: Duration::from_millis(500) });
        assert!(case.log().starts_with("begun\n") && case.log().ends_with("farewell\n"), "{}", case.log());
        assert!(record.duration < Duration::from_secs(10), "{:?}", record.duration);
    }
}

#[test]
fn silence_is_bounded() {
    for mode in BOTH {
        let mut case = Case::shell(mode, &format!("echo begun; sleep {}", unique_sleep()));
        case.spec.limits.silence = Some(Duration::from_millis(500));
        let record = case.run();
        assert_eq!(record.ended, Ended::Silent { after: Duration::from_millis(500) }, "{mode:?}");
        assert_eq!(case.log(), "begun\n");
    }
}

#[test]
fn a_quiet_command_that_computes_is_not_silent() {
    for mode in BOTH {
        let busy = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass";
        let mut case = Case::python(mode, busy);
        case.spec.limits.silence = Some(Duration::from_secs(1));
        let record = case.run();
        assert!(record.ended.is_success(), "{mode:?}: {:?}", record.ended);
        assert!(record.cpu_time > Duration::from_millis(300), "{:?}", record.cpu_time);
    }
}

#[test]
fn a_command_that_speaks_now_and_then_is_not_silent() {
    for mode in BOTH {
        let mut case = Case::shell(mode, "for i in 1 2 3 4 5 6; do sleep 0.3; echo $i; done");
        case.spec.limits.silence = Some(Duration::from_millis(1500));
        assert!(case.run().ended.is_success(), "{mode:?}");
    }
}

#[test]
fn cancelling_ends_at_once() {
    for mode in BOTH {
        let case = Case::shell(mode, &format!("trap '' TERM; echo begun; sleep {}", unique_sleep()));
        let cancel = CancelToken::new().unwrap();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| case.launcher().run(&case.spec, &cancel).unwrap());
            wait_until("the command speaks", || case.log() == "begun\n");
            let start = Instant::now();
            cancel.cancel();
            let record = run.join().unwrap();
            assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
            assert_eq!(record.ended, Ended::Cancelled);
        });
        // For good.
        assert!(cancel.is_cancelled());
        assert_eq!(case.launcher().run(&case.spec, &cancel).unwrap().ended, Ended::Cancelled);
    }
}
