use std::time::Instant;

use super::*;

fn scratch() -> (tempfile::TempDir, camino::Utf8PathBuf) {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let path = camino::Utf8PathBuf::from_path_buf(dir.path().to_owned()).expect("UTF-8");
    (dir, path)
}

/// Returns a git that is really a shell script.
fn pretend(dir: &Utf8Path, script: &str) -> Git {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join("git");
    fs_err::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let mut git = Git::from_process();
    git.program = path.into_os_string();
    git
}

#[test]
fn answers_and_failures_are_told_apart() {
    let (_guard, dir) = scratch();
    let git = Git::from_process();
    let version = git.command(&dir).arg("--version").read_text().expect("git runs");
    assert!(version.starts_with("git version"));
    let error = git.command(&dir).args(["rev-parse", "HEAD"]).read().expect_err("no repository");
    assert!(matches!(error, GitError::Failed { code: Some(128), .. }), "{error}");
}

#[test]
fn the_environment_is_a_listed_part() {
    let (_guard, dir) = scratch();
    let mut git = pretend(&dir, "shift; env");
    git.environment = Git::with_environment([
        ("PATH".into(), std::env::var_os("PATH").expect("set")),
        ("GIT_DIR".into(), "/elsewhere".into()),
        ("AWS_SECRET".into(), "x".into()),
    ])
    .environment;
    let seen = git.command(&dir).read_text().expect("runs");
    assert!(!seen.contains("GIT_DIR") && !seen.contains("AWS_SECRET"), "{seen}");
    assert!(seen.contains("GIT_TERMINAL_PROMPT=0"), "{seen}");
}

#[test]
fn input_larger_than_a_pipe_goes_through() {
    let (_guard, dir) = scratch();
    let git = pretend(&dir, "cat");
    let bytes = vec![b'x'; 3 << 20];
    let back = git.command(&dir).input(bytes.clone()).read().expect("runs");
    assert_eq!(back.len(), bytes.len());
}

#[test]
fn a_slow_call_ends_with_its_children() {
    let (_guard, dir) = scratch();
    let git = pretend(&dir, "trap '' TERM; sleep 600 & echo $! >child; wait; sleep 600");
    let before = Instant::now();
    let error = git.command(&dir).timeout(Duration::from_millis(300)).run().expect_err("takes too long");
    assert!(matches!(error, GitError::TimedOut { .. }), "{error}");
    assert!(before.elapsed() < Duration::from_secs(10));
    let child = fs_err::read_to_string(dir.join("child")).expect("written");
    let stat = format!("/proc/{}/stat", child.trim());
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        // Gone, or a zombie that waits for init.
        let gone = fs_err::read_to_string(&stat).map_or(true, |text| text.contains(") Z "));
        if gone {
            break;
        }
        assert!(Instant::now() < deadline, "the grandchild still lives");
        std::thread::yield_now();
    }
}

#[test]
fn a_background_child_that_holds_the_pipe_does_not_hang_us() {
    let (_guard, dir) = scratch();
    let git = pretend(&dir, "setsid sleep 5 & echo done");
    let before = Instant::now();
    assert_eq!(git.command(&dir).read_text().expect("runs"), "done");
    assert!(before.elapsed() < Duration::from_secs(4));
}

#[test]
fn output_is_bounded_and_cancel_stops() {
    let (_guard, dir) = scratch();
    let git = pretend(&dir, "yes");
    let error = git.command(&dir).output_limit(100_000).run().expect_err("too much");
    assert!(matches!(error, GitError::TooMuchOutput { .. }), "{error}");
    let git = pretend(&dir, "exec sleep 600");
    let error = git.command(&dir).run_until(&|| true).expect_err("cancelled");
    assert!(matches!(error, GitError::Cancelled { .. }), "{error}");
}
