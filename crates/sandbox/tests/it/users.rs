//! The same as a plain user, who needs a user namespace for it.

use std::os::unix::process::CommandExt;

use charmproof_sandbox::{Ended, FileProtection, HostAbilities, ProcessProtection, RunRecord};

use crate::case::{Case, Mode, running, unique_sleep};

const NOBODY: u32 = 65534;

/// Runs the driver as nobody when the tests run as root, else as it is.
fn as_plain_user(case: &Case, arguments: Option<&[&str]>) -> String {
    let mut command = case.driver();
    if let Some(arguments) = arguments {
        let program = command.get_program().to_owned();
        command = std::process::Command::new(program);
        command.args(arguments).current_dir("/");
    }
    if nix::unistd::geteuid().is_root() {
        // Supplementary groups go with it: std sees to that.
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn run(case: &Case) -> RunRecord {
    serde_json::from_str(&as_plain_user(case, None)).unwrap()
}

/// Whether this host lets plain users have user namespaces.
fn has_namespaces(case: &Case) -> bool {
    let abilities: HostAbilities = serde_json::from_str(&as_plain_user(case, Some(&["probe"]))).unwrap();
    assert!(!abilities.is_root);
    assert!(abilities.user_namespaces.works || !abilities.user_namespaces.why.is_empty());
    abilities.read_only_host.works
}

#[test]
fn a_plain_user_is_protected_through_a_user_namespace() {
    let sleep = unique_sleep();
    let script = format!(
        "try() {{ if \"$@\" 2>/dev/null; then echo yes; else echo no; fi; }}
        id -u
        try touch ../outside/file
        try touch ./file
        try ln ./file ./linked
        try touch /tmp/file
        try touch /dev/shm/file
        try cat ../secret
        try sh -c 'echo x > /dev/null'
        try mount -o remount,bind,rw /
        try unshare -Urm mount -o remount,bind,rw /
        (setsid sleep {sleep} &)
        until pgrep -fx 'sleep {sleep}' >/dev/null; do sleep 0.01; done
        exit 6"
    );
    let mut case = Case::shell(Mode::Full, &script);
    let root = case.root().to_owned();
    // Writable for nobody by its mode, but not listed. Both are visible as the
    // whole root is: these tests live under the `/tmp` that is replaced.
    fs_err::create_dir(root.join("outside")).unwrap();
    fs_err::set_permissions(root.join("outside"), std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .unwrap();
    fs_err::write(root.join("secret"), "secret").unwrap();
    case.spec.isolation.visible = vec![root.clone()];
    case.spec.isolation.hidden = vec![root.join("secret")];
    case.spec.isolation.private_tmp = Some(root.join("tmp"));
    let record = run(&case);
    assert_eq!(record.ended, Ended::Exited { code: 6 }, "{}", case.log());
    assert_eq!(running(&sleep), 0);
    if has_namespaces(&case) {
        assert!(record.protection.user_namespace);
        assert_eq!(record.protection.files, FileProtection::ReadOnlyHost, "{:?}", record.protection.notes);
        assert_eq!(record.protection.processes, ProcessProtection::PidNamespace);
        let user = if nix::unistd::geteuid().is_root() { NOBODY } else { nix::unistd::geteuid().as_raw() };
        // The secret is there, and empty.
        let expected = format!("{user}\nno\nyes\nyes\nyes\nyes\nyes\nyes\nno\nno\n");
        assert_eq!(case.log(), expected);
    }
}

/// As in many containers: a part of `/proc` is masked, and then the kernel lets
/// no user namespace have a new one.
#[test]
fn without_a_new_proc_the_mounts_still_hold() {
    let mut may_mount = std::process::Command::new("unshare");
    let may_mount = may_mount.args(["--mount", "true"]).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        return;
    }
    let sleep = unique_sleep();
    let script = format!(
        "touch ./file; touch /etc/file; (setsid sleep {sleep} &)
        until pgrep -fx 'sleep {sleep}' >/dev/null; do sleep 0.01; done; exit 6"
    );
    let case = Case::shell(Mode::Full, &script);
    let driver = case.driver();
    let mut words = vec![driver.get_program().to_owned()];
    words.extend(driver.get_args().map(std::ffi::OsStr::to_owned));
    let masked = "mount --bind /dev/null /proc/version && exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"";
    let output = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", masked, "sh"])
        .args(words)
        .output()
        .unwrap();
    let record: RunRecord = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record.ended, Ended::Exited { code: 6 }, "{}", case.log());
    assert_eq!(running(&sleep), 0);
    if has_namespaces(&case) {
        assert_eq!(record.protection.files, FileProtection::ReadOnlyHost);
        assert_eq!(record.protection.processes, ProcessProtection::Subreaper);
        assert!(
            record.protection.notes.iter().any(|note| note.contains("/proc")),
            "{:?}",
            record.protection.notes
        );
        assert!(case.log().contains("Read-only file system"), "{}", case.log());
    }
}

#[test]
fn a_plain_user_is_bounded() {
    for mode in crate::case::BOTH {
        let mut case = Case::python(mode, "kept = []\nwhile True: kept.append(b'x' * (8 << 20))");
        case.spec.limits.memory_bytes = Some(100 << 20);
        let record = run(&case);
        assert!(
            matches!(record.ended, Ended::OutOfMemory { .. }),
            "{mode:?}: {:?} {}",
            record.ended,
            case.log()
        );

        let sleep = unique_sleep();
        let mut case = Case::shell(mode, &format!("for i in $(seq 100); do sleep {sleep} & done; wait"));
        case.spec.limits.processes = Some(20);
        let record = run(&case);
        assert_eq!(record.ended, Ended::TooManyProcesses { limit: 20 }, "{mode:?}: {}", case.log());
        assert_eq!(running(&sleep), 0);
    }
}
