//! Tests of the life of one service, as scripts of what happens to it.

use super::*;
use crate::services::name::UnitName;
use crate::services::specifiers::Identity;
use crate::services::text;
use crate::services::unit::Reader;

fn config(section: &str) -> ServiceConfig {
    let identity = Identity {
        host_name: String::new(),
        machine_id: String::new(),
        boot_id: String::new(),
        kernel: String::new(),
    };
    let text = text::parse(&format!("[Service]\n{section}"));
    let name = UnitName::parse("a.service").unwrap();
    ServiceConfig::read(&Reader { text: &text, name: &name, identity: &identity }).unwrap()
}

/// Plays a script and returns what the service does at each step, in words.
///
/// Words of the script: `start`, `stop`, `reload`, `time`, `empty`, `ready`, `found`; `0`, `3`
/// and `TERM` are ends of the process that runs, the helper first. Each process has the number
/// that it would have in order, from 1.
fn play(section: &str, script: &str) -> String {
    let mut service = Service::new(Arc::new(config(section)));
    let mut next_pid = 0;
    let mut told = Vec::new();
    for word in script.split_ascii_whitespace() {
        let running = service.control.or(service.main).unwrap_or(0);
        let event = match word {
            "start" => Event::Start,
            "stop" => Event::Stop,
            "reload" => Event::Reload,
            "time" => Event::Elapsed,
            "empty" => Event::Empty,
            "ready" => Event::Notified(vec![("READY".to_owned(), "1".to_owned())]),
            "found" => Event::MainFound(99),
            "TERM" => {
                Event::Ended { pid: running, status: ExitStatus::Signal { number: 15, dumped_core: false } }
            }
            "KILL" => {
                Event::Ended { pid: running, status: ExitStatus::Signal { number: 9, dumped_core: false } }
            }
            "SEGV" => {
                Event::Ended { pid: running, status: ExitStatus::Signal { number: 11, dumped_core: true } }
            }
            "missing" => Event::NotSpawned("no memory".to_owned()),
            code => Event::Ended { pid: running, status: ExitStatus::Code(code.parse().unwrap()) },
        };
        let mut waiting = vec![event];
        let mut did = Vec::new();
        while !waiting.is_empty() {
            let event = waiting.remove(0);
            for effect in service.handle(event, Timestamp::UNIX_EPOCH) {
                match effect {
                    Effect::Run { slot, phase, command, .. } => {
                        next_pid += 1;
                        did.push(format!("{phase} {}", command.shown()));
                        service.note_process(slot, phase, command, next_pid);
                        waiting.push(Event::Spawned { slot, pid: next_pid, is_executed: true });
                    }
                    Effect::Signal { target, signal } => {
                        let target = match target {
                            Target::Process(pid) => pid.to_string(),
                            Target::All => "all".to_owned(),
                        };
                        did.push(format!("{} {target}", signal.as_str()));
                    }
                    Effect::FindMain => did.push("find main".to_owned()),
                    Effect::CleanUp => did.push("clean up".to_owned()),
                    Effect::RestartDue => did.push("restart".to_owned()),
                    Effect::Arm(_) | Effect::Log(_) => {}
                }
            }
        }
        let outcome = match service.outcome {
            Outcome::Success => String::new(),
            outcome => format!(" ({})", outcome.word()),
        };
        told.push(format!("{word}: {} → {}{outcome}", did.join(", "), service.state.word()));
    }
    told.join("\n")
}

#[track_caller]
fn check(section: &str, script: &str, expected: &[&str]) {
    assert_eq!(play(section, script).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_simple_service_starts_and_stops() {
    check(
        "ExecStart=/bin/a",
        "start stop TERM empty",
        &[
            "start: ExecStart /bin/a → running",
            "stop: SIGTERM all → stop-sigterm",
            "TERM: SIGTERM all → final-sigterm",
            "empty: clean up → dead",
        ],
    );
}

#[test]
fn a_service_that_fails_is_told_apart_from_one_that_ends() {
    check(
        "ExecStart=/bin/a",
        "start 3 empty",
        &[
            "start: ExecStart /bin/a → running",
            "3: SIGTERM all → stop-sigterm (exit-code)",
            "empty: clean up → failed (exit-code)",
        ],
    );
    assert!(play("ExecStart=/bin/a", "start 0 empty").ends_with("clean up → dead"));
    assert!(play("ExecStart=/bin/a", "start SEGV empty").ends_with("failed (core-dump)"));
    assert!(play("ExecStart=-/bin/a", "start 3 empty").ends_with("clean up → dead"));
    assert!(play("ExecStart=/bin/a\nSuccessExitStatus=3", "start 3 empty").ends_with("clean up → dead"));
}

#[test]
fn commands_run_in_their_order() {
    check(
        "ExecStartPre=/bin/p\nExecStartPre=/bin/q\nExecStart=/bin/a\nExecStartPost=/bin/r\nExecStop=/bin/s\nExecStopPost=/bin/t",
        "start 0 0 0 stop 0 TERM empty 0 empty",
        &[
            "start: ExecStartPre /bin/p → start-pre",
            "0: ExecStartPre /bin/q → start-pre",
            "0: ExecStart /bin/a, ExecStartPost /bin/r → start-post",
            "0:  → running",
            "stop: ExecStop /bin/s → stop",
            "0: SIGTERM all → stop-sigterm",
            "TERM: ExecStopPost /bin/t → stop-post",
            "empty:  → stop-post",
            "0: clean up → dead",
            "empty:  → dead",
        ],
    );
}

#[test]
fn a_failed_preparation_keeps_the_service_from_starting() {
    check(
        "ExecStartPre=/bin/p\nExecStart=/bin/a\nExecStopPost=/bin/t",
        "start 1 empty 0",
        &[
            "start: ExecStartPre /bin/p → start-pre",
            "1: SIGTERM all → stop-sigterm (exit-code)",
            "empty: ExecStopPost /bin/t → stop-post (exit-code)",
            "0: SIGTERM all → final-sigterm (exit-code)",
        ],
    );
}

#[test]
fn a_oneshot_is_over_when_it_ends_unless_it_remains() {
    check(
        "Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b",
        "start 0 0 empty",
        &[
            "start: ExecStart /bin/a → start",
            "0: ExecStart /bin/b → start",
            "0: SIGTERM all → stop-sigterm",
            "empty: clean up → dead",
        ],
    );
    assert!(play("Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/a", "start 0").ends_with("→ exited"));
    assert!(play("RemainAfterExit=yes\nExecStop=/bin/a", "start").ends_with("→ exited"));
}

#[test]
fn a_forking_service_is_its_daemon() {
    check(
        "Type=forking\nPIDFile=/run/a.pid\nExecStart=/bin/a\nExecReload=/bin/kill -HUP $MAINPID",
        "start 0 found reload 0 TERM empty",
        &[
            "start: ExecStart /bin/a → start",
            "0: find main → start",
            "found:  → running",
            "reload: ExecReload /bin/kill -HUP $MAINPID → reload",
            "0:  → running",
            "TERM: SIGTERM all → stop-sigterm",
            "empty: clean up → dead",
        ],
    );
    assert!(play("Type=forking\nExecStart=/bin/a", "start 0 empty").contains("0: find main → running"));
    assert!(
        play("Type=forking\nPIDFile=/run/a.pid\nExecStart=/bin/a", "start 0 empty")
            .ends_with("clean up → failed (protocol)")
    );
    assert!(play("Type=forking\nExecStart=/bin/a", "start 2 empty").ends_with("failed (exit-code)"));
}

#[test]
fn a_notifying_service_is_up_when_it_says_so() {
    assert!(play("Type=notify\nExecStart=/bin/a", "start").ends_with("→ start"));
    assert!(play("Type=notify\nExecStart=/bin/a", "start ready").ends_with("→ running"));
    assert!(play("Type=notify\nExecStart=/bin/a", "start 0 empty").ends_with("clean up → failed (protocol)"));
    assert!(
        play("Type=notify\nExecStart=/bin/a", "start 5 empty").ends_with("clean up → failed (exit-code)")
    );
    assert!(play("Type=notify\nExecStart=/bin/a", "start time TERM empty").ends_with("failed (timeout)"));
    assert!(play("Type=notify-reload\nExecStart=/bin/a", "start ready reload ready").ends_with("→ running"));
}

#[test]
fn what_does_not_end_is_killed() {
    check(
        "ExecStart=/bin/a\nTimeoutStopSec=1",
        "start stop time KILL empty",
        &[
            "start: ExecStart /bin/a → running",
            "stop: SIGTERM all → stop-sigterm",
            "time: SIGKILL all → stop-sigkill (timeout)",
            "KILL: SIGTERM all → final-sigterm (timeout)",
            "empty: clean up → failed (timeout)",
        ],
    );
    assert!(play("ExecStart=/bin/a\nKillMode=process", "start stop").contains("SIGTERM 1 →"));
    assert!(play("ExecStart=/bin/a\nKillMode=process", "start stop TERM").ends_with("clean up → dead"));
    assert!(
        play("ExecStart=/bin/a\nKillMode=mixed", "start stop TERM").ends_with("SIGKILL all → final-sigkill")
    );
    assert!(play("ExecStart=/bin/a\nKillMode=none", "start stop").ends_with("clean up → dead"));
}

#[test]
fn a_service_starts_again_as_its_unit_says() {
    #[track_caller]
    fn check(restart: &str, end: &str, expected: bool) {
        let told = play(&format!("ExecStart=/bin/a\nRestart={restart}"), &format!("start {end} empty time"));
        assert_eq!(
            told.ends_with("restart → auto-restart") || told.contains("time: restart"),
            expected,
            "{restart} {end}\n{told}"
        );
    }
    check("no", "1", false);
    check("always", "0", true);
    check("on-failure", "0", false);
    check("on-failure", "1", true);
    check("on-failure", "KILL", true);
    check("on-abnormal", "1", false);
    check("on-abnormal", "KILL", true);
    check("on-abort", "1", false);
    check("on-success", "0", true);
    check("on-success", "1", false);
    // Whoever stops a service does not want it back.
    assert!(play("ExecStart=/bin/a\nRestart=always", "start stop TERM empty time").ends_with("→ dead"));
    assert!(
        play("ExecStart=/bin/a\nRestart=always\nRestartPreventExitStatus=7", "start 7 empty")
            .ends_with("failed (exit-code)")
    );
    assert!(
        play("ExecStart=/bin/a\nRestart=always", "start 1 empty stop")
            .ends_with("clean up → dead (exit-code)")
    );
}

#[test]
fn a_reload_that_fails_leaves_the_service_running() {
    check(
        "ExecStart=/bin/a\nExecReload=/bin/r",
        "start reload 1 reload time",
        &[
            "start: ExecStart /bin/a → running",
            "reload: ExecReload /bin/r → reload",
            "1:  → running",
            "reload: ExecReload /bin/r → reload",
            "time: SIGKILL 3 → running",
        ],
    );
}

#[test]
fn a_condition_of_a_command_decides_whether_to_start() {
    let section = "ExecCondition=/bin/c\nExecStart=/bin/a";
    assert!(play(section, "start 0").ends_with("ExecStart /bin/a → running"));
    assert!(play(section, "start 1 empty").ends_with("clean up → dead (exec-condition)"));
    assert!(play(section, "start 255 empty").ends_with("clean up → failed (exit-code)"));
}

#[test]
fn a_process_that_cannot_be_made_is_a_failure() {
    assert!(play("Type=oneshot\nExecStart=/bin/a", "start missing empty").contains("(resources)"));
}

mod any_course_of_events {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever happens, a service that was stopped and has no process left comes to rest.
        #[test]
        fn ends(
            kind in "(simple|exec|forking|oneshot|notify)",
            restart in "(no|always|on-failure)",
            mode in "(control-group|mixed|process|none)",
            words in prop::collection::vec("(start|stop|reload|time|empty|ready|found|TERM|KILL|0|1)", 0..12),
        ) {
            let restart = if kind == "oneshot" { "no".to_owned() } else { restart };
            let section = format!(
                "Type={kind}\nRestart={restart}\nKillMode={mode}\nExecStartPre=/bin/p\nExecStart=/bin/a\n\
                 ExecReload=/bin/r\nExecStop=/bin/s\nExecStopPost=/bin/t"
            );
            let script = format!("{} stop{}", words.join(" "), " KILL KILL empty time".repeat(8));
            let told = play(&section, &script);
            let last = told.lines().last().unwrap_or("");
            prop_assert!(last.contains("→ dead") || last.contains("→ failed"), "{}", told);
        }
    }
}
