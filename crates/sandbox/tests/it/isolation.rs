//! What the command sees and can write.

use camino::Utf8PathBuf;
use charmproof_sandbox::{Ended, FileProtection, Namespaces, ProcessProtection, SandboxError};

use crate::case::{BOTH, Case, Mode, abilities};

/// Runs the script and expects its output, where the host offers namespaces.
fn check(case: &Case, expected: &str) {
    let record = case.run();
    if abilities().read_only_host.works {
        assert_eq!(record.protection.files, FileProtection::ReadOnlyHost, "{:?}", record.protection.notes);
        assert_eq!(case.log(), expected);
        assert!(record.ended.is_success());
    }
}

#[test]
fn the_environment_is_exactly_what_was_given() {
    for mode in BOTH {
        let mut case = Case::new(mode, "/usr/bin/env", &[]);
        case.spec.environment = [("A", "1"), ("EMPTY", ""), ("ZÄHLER", "zwei\nZeilen")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert!(case.run().ended.is_success());
        assert_eq!(case.log(), "A=1\nEMPTY=\nZÄHLER=zwei\nZeilen\n");
        case.spec.environment.clear();
        assert!(case.run().ended.is_success());
        assert_eq!(case.log(), "");
    }
}

#[test]
fn nothing_of_ours_is_inherited() {
    // A descriptor that was opened carelessly, as by a foreign library.
    let careless = fs_err::File::open("/dev/null").unwrap();
    let _careless = nix::unistd::dup(&careless).unwrap();
    for mode in BOTH {
        // The fourth is the directory that `ls` reads.
        let script = "ls /proc/self/fd; readlink /proc/self/fd/0; umask
            grep ^SigBlk: /proc/self/status
            # Signals 32 and 33 belong to the C library, which lets nobody touch them.
            sed -n 's/^SigIgn:.*\\(.\\{7\\}\\)/\\1/p' /proc/self/status; ulimit -c";
        let case = Case::shell(mode, script);
        assert!(case.run().ended.is_success());
        let expected = "0\n1\n2\n3\n/dev/null\n0022\nSigBlk:\t0000000000000000\n0000000\n0\n";
        assert_eq!(case.log(), expected);
    }
}

#[test]
fn only_what_is_listed_can_be_written() {
    let outside = tempfile::Builder::new().prefix("outside").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let outside = Utf8PathBuf::try_from(outside.path().to_owned()).unwrap();
    fs_err::create_dir_all(&outside).unwrap();
    let script = format!(
        "try() {{ if \"$@\" 2>/dev/null; then echo yes; else echo no; fi; }}
        try touch /etc/charmproof-was-here
        try touch {outside}/charmproof-was-here
        try touch ./inside
        try ln ./inside ./linked
        try touch /tmp/temporary
        try touch /var/tmp/also
        try sh -c 'echo x > /dev/null'
        try touch /dev/shm/charmproof-was-here
        try sh -c 'echo 1 > /proc/sys/vm/drop_caches'
        try mount -o remount,bind,rw /"
    );
    let case = Case::shell(Mode::Full, &script);
    check(&case, "no\nno\nyes\nyes\nyes\nyes\nyes\nyes\nno\nno\n");
    if abilities().read_only_host.works {
        let meta = fs_err::metadata(case.root().join("work/linked")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::nlink(&meta), 2);
        assert!(case.root().join("tmp/temporary").exists());
        assert!(!Utf8PathBuf::from("/dev/shm/charmproof-was-here").exists());
    }
    fs_err::remove_dir_all(&outside).unwrap();
}

#[test]
fn who_keeps_capabilities_makes_namespaces_on_a_host_that_stays_read_only() {
    let outside = Utf8PathBuf::from("/etc/charmproof-kept");
    let script = format!(
        "try() {{ if \"$@\" 2>/dev/null; then echo yes; else echo no; fi; }}
        try touch {outside}
        try unshare --mount --net sh -c 'mount -t tmpfs none /mnt && echo 1 > /proc/sys/net/ipv4/ip_forward'"
    );
    let mut case = Case::shell(Mode::Full, &script);
    case.spec.isolation.keeps_capabilities = true;
    // Nobody but root has any to keep.
    if nix::unistd::geteuid().is_root() {
        check(&case, "no\nyes\n");
    }
    case.spec.isolation.keeps_capabilities = false;
    check(&case, "no\nno\n");
}

#[test]
fn one_writable_tree_keeps_hard_links_working() {
    let mut case = Case::shell(Mode::Full, "ln ../cache/wheel wheel && echo linked");
    let cache = case.root().join("cache");
    fs_err::create_dir(&cache).unwrap();
    fs_err::write(cache.join("wheel"), "").unwrap();
    // The inner ones add nothing, and must not take anything away.
    case.spec.isolation.writable = vec![case.root().join("work"), case.root().to_owned(), cache];
    check(&case, "linked\n");
}

#[test]
fn a_private_tmp_shows_only_what_is_listed() {
    let mut case = Case::shell(
        Mode::Full,
        "cat ../library/source; cat ../note; ls ..
        try() { if \"$@\" 2>/dev/null; then echo yes; else echo no; fi; }
        try touch ../library/new; try touch ./new; try touch ./frozen/new",
    );
    let root = case.root().to_owned();
    for (path, text) in
        [("library/source", "open\n"), ("note", "seen\n"), ("unlisted", ""), ("work/frozen/x", "")]
    {
        let path = root.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    // These tests live under `/tmp`, or a private one would hide nothing.
    if root.starts_with("/tmp") {
        case.spec.isolation.visible = vec![root.join("library"), root.join("note"), root.join("work/frozen")];
        check(&case, "open\nseen\nlibrary\nnote\nwork\nno\nyes\nno\n");
    }
}

#[test]
fn credentials_are_hidden() {
    let mut case = Case::shell(
        Mode::Full,
        "ls -A keys; cat keys/id 2>/dev/null || echo no key; cat token; cat linked/id 2>/dev/null || echo no link; echo end",
    );
    let work = case.root().join("work");
    fs_err::create_dir(work.join("keys")).unwrap();
    for name in ["keys/id", "token"] {
        fs_err::write(work.join(name), "secret\n").unwrap();
    }
    fs_err::create_dir(work.join("real")).unwrap();
    fs_err::write(work.join("real/id"), "secret\n").unwrap();
    fs_err::os::unix::fs::symlink(work.join("real"), work.join("linked")).unwrap();
    case.spec.isolation.hidden = ["keys", "token", "linked", "missing"].map(|name| work.join(name)).into();
    check(&case, "no key\nno link\nend\n");
    assert_eq!(fs_err::read_to_string(work.join("keys/id")).unwrap(), "secret\n");
}

#[test]
fn processes_are_private() {
    let case = Case::shell(Mode::Full, "echo $$; ls -d /proc/[0-9]*");
    let record = case.run();
    if abilities().namespaces.works {
        assert_eq!(record.protection.processes, ProcessProtection::PidNamespace);
        let log = case.log();
        assert!(log.starts_with("2\n/proc/1\n/proc/2\n"), "{log}");
    }
}

#[test]
fn each_part_works_alone() {
    let mut case = Case::shell(Mode::Full, "touch /tmp/new && touch ./new && echo done");
    let isolation = &mut case.spec.isolation;
    isolation.read_only_host = false;
    isolation.private_processes = false;
    isolation.private_tmp = None;
    let record = case.run();
    assert_eq!(record.protection.files, FileProtection::None);
    assert_eq!(record.protection.processes, ProcessProtection::Subreaper);
    assert_eq!(record.protection.notes, Vec::<String>::new());
    assert!(record.ended.is_success());
    fs_err::remove_file("/tmp/new").unwrap();

    case.spec.isolation.private_tmp = Some(case.root().join("tmp"));
    let record = case.run();
    if abilities().namespaces.works {
        assert_eq!(record.protection.files, FileProtection::PrivateMounts);
        assert_eq!(record.protection.processes, ProcessProtection::Subreaper);
        assert!(case.root().join("tmp/new").exists());
    }
}

#[test]
fn without_namespaces_the_record_says_so() {
    let case = Case::shell(Mode::Bare, "exit 4");
    let record = case.run();
    assert_eq!(record.ended, Ended::Exited { code: 4 });
    assert_eq!(record.protection.processes, ProcessProtection::Subreaper);
    assert_eq!(record.protection.files, FileProtection::None);
    assert!(!record.protection.user_namespace);
}

#[test]
fn a_mount_that_cannot_be_made_is_refused_or_noted() {
    let mut case = Case::shell(Mode::Full, "echo ran");
    // A file cannot be `/tmp`.
    let file = case.root().join("file");
    fs_err::write(&file, "").unwrap();
    case.spec.isolation.private_tmp = Some(file);
    let record = case.run();
    assert_eq!(record.protection.files, FileProtection::None);
    assert!(!record.protection.notes.is_empty());
    assert_eq!(case.log(), "ran\n");

    fs_err::remove_file(&case.spec.log.path).unwrap();
    case.spec.isolation.namespaces = Namespaces::Required;
    let Err(SandboxError::Refused { notes }) = case.try_run() else { panic!("it was not refused") };
    assert!(!notes.is_empty());
    assert_eq!(case.log(), "");
}

#[test]
fn the_host_keeps_its_mounts() {
    let mounts = || fs_err::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    assert!(Case::shell(Mode::Full, "true").run().ended.is_success());
    assert_eq!(mounts(), before);
}
