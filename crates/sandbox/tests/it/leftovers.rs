//! Nothing is left, whoever dies.

use std::process::Child;

use charmproof_sandbox::sweep;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::case::{BOTH, Case, Mode, running, unique_sleep, wait_until};

/// Leaves two sleepers behind: one in a session of its own whose parent is
/// gone, and one that ignores what it can.
fn leave(sleep: &str, then: &str) -> String {
    format!("(setsid sleep {sleep} &); sh -c \"trap '' TERM HUP INT; sleep {sleep}\" & {then}")
}

#[test]
fn background_processes_die_with_the_command() {
    for mode in BOTH {
        let sleep = unique_sleep();
        // It ends only when both are there, so that there is something to kill.
        let wait = format!("until [ $(pgrep -fxc 'sleep {sleep}') = 2 ]; do sleep 0.01; done; exit 5");
        let case = Case::shell(mode, &leave(&sleep, &wait));
        let record = case.run();
        assert_eq!(record.ended, charmproof_sandbox::Ended::Exited { code: 5 }, "{mode:?}: {}", case.log());
        // At once, not at some time: the call promises it.
        assert_eq!(running(&sleep), 0, "{mode:?}");
    }
}

#[test]
fn everything_dies_with_charmproof() {
    for mode in BOTH {
        check_killed(mode, |driver| driver.id().cast_signed());
    }
}

#[test]
fn everything_dies_with_the_launcher() {
    // Without a namespace, only SIGTERM lets it clean up.
    check_killed(Mode::Full, |driver| children(driver.id())[0]);
}

#[track_caller]
fn check_killed(mode: Mode, victim: impl FnOnce(&Child) -> i32) {
    let sleep = unique_sleep();
    let case = Case::shell(mode, &leave(&sleep, &format!("sleep {sleep}")));
    let mut driver = case.driver().spawn().unwrap();
    wait_until("all three sleep", || running(&sleep) == 3);
    let family = descendants(driver.id());
    assert!(family.len() >= 4, "{family:?}");
    kill(Pid::from_raw(victim(&driver)), Signal::SIGKILL).unwrap();
    driver.wait().unwrap();
    wait_until("all sleepers are gone", || running(&sleep) == 0);
    wait_until("the launchers are gone", || family.iter().all(|pid| is_gone(*pid)));
    sweep();
    let groups = groups_of(driver.id());
    assert!(groups.is_empty(), "{groups:?}");
}

#[test]
fn groups_are_removed() {
    let case = Case::shell(Mode::Full, "cat /proc/self/cgroup");
    let record = case.run();
    assert!(record.ended.is_success());
    let mine = format!("/charmproof/{}-", std::process::id());
    let has_group = record.protection.memory == charmproof_sandbox::Control::CgroupV1;
    assert_eq!(case.log().contains(&mine), has_group, "{}", case.log());
    // Other tests of this process run at the same time: look for this one.
    let name =
        case.log().lines().find_map(|line| line.rsplit_once("/charmproof/").map(|(_, name)| name.to_owned()));
    let groups = groups_of(std::process::id());
    assert!(name.is_none_or(|name| !groups.iter().any(|group| group.ends_with(&name))), "{groups:?}");
}

fn children(pid: u32) -> Vec<i32> {
    let text = fs_err::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn descendants(pid: u32) -> Vec<i32> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next].cast_unsigned()));
        next += 1;
    }
    found
}

/// A zombie that nobody waits for is gone as well.
fn is_gone(pid: i32) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

/// Returns the control groups that a process made for its runs.
fn groups_of(pid: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec!["/sys/fs/cgroup".to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs_err::read_dir(&directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let path = format!("{directory}/{name}");
            if directory.ends_with("/charmproof") && name.starts_with(&format!("{pid}-")) {
                found.push(path.clone());
            }
            pending.push(path);
        }
    }
    found
}
