//! One machine: its files, its processes, and the programs in it.

use charmproof_sandbox::machine::{Bind, Exit, MachineExec, User};

use super::support::{Place, feed, null, sh, start, start_as, well};
use crate::case::{running, unique_sleep, wait_until};

#[test]
fn programs_have_their_descriptors_and_codes() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    assert_eq!(feed(&machine, "cat; echo end >&2; exit 7", b"in\n"), ("in\nend\n".to_owned(), Exit::Code(7)));
    assert_eq!(sh(&machine, "kill -ABRT $$").1, Exit::Signal(6));
    let error = machine.exec(MachineExec::new(["no-such-program"], [null(), null(), null()])).unwrap_err();
    assert_eq!(error.to_string(), "could not execute `no-such-program`");
    // Long arguments travel as well.
    let long = "x".repeat(100_000);
    assert_eq!(well(&machine, &format!("printf %s {long} | wc -c")).trim(), "100000");
}

#[test]
fn it_is_a_machine_of_its_own() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    assert_eq!(well(&machine, "hostname; cat /etc/hostname"), "unit-0\nunit-0\n");
    let host_id = fs_err::read_to_string("/etc/machine-id").unwrap_or_default();
    assert_ne!(well(&machine, "cat /etc/machine-id"), host_id);
    // The first process, the shell and ps.
    assert_eq!(well(&machine, "ps -e -o pid= | wc -l").trim(), "4");
    assert_eq!(well(&machine, "id -u; stat -c %a /dev /tmp /run /root"), "0\n755\n1777\n755\n700\n");
    // Empty, for they are somebody's.
    assert_eq!(well(&machine, "ls -A /home /root /tmp /var/tmp | grep -v : | grep -v ^$ | wc -l"), "0\n");
    assert!(
        !well(&machine, "ls /").contains(place.root().components().nth(1).unwrap().as_str())
            || place.root().starts_with("/tmp")
    );
    let kept = place.root().join("unit-0");
    assert_eq!(well(&machine, &format!("ls -A {kept} 2>/dev/null | wc -l")), "0\n");
    for device in ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "shm", "fd/0"] {
        well(&machine, &format!("test -e /dev/{device}"));
    }
    assert_eq!(
        sh(&machine, "echo x > /proc/sys/kernel/hostname; echo 1 > /proc/sysrq-trigger").1,
        Exit::Code(2)
    );
}

#[test]
fn what_it_changes_is_its_own_and_is_kept() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    well(
        &machine,
        "echo mine > /etc/charmproof-test && rm /etc/passwd && rm -r /usr/share/doc && mkdir /usr/share/doc \
         && echo kept > /root/file && echo lost > /tmp/file && echo lost > /run/file && mv /root/file /usr/file",
    );
    assert!(!std::path::Path::new("/etc/charmproof-test").exists());
    assert!(std::path::Path::new("/etc/passwd").exists());
    machine.reboot().unwrap();
    assert_eq!(
        well(&machine, "cat /etc/charmproof-test /usr/file; ls /usr/share/doc /tmp /run"),
        "mine\nkept\n/run:\nlock\n\n/tmp:\n\n/usr/share/doc:\n"
    );
    drop(machine);
    // As after a restart of the program.
    let other = Place { launcher: Place::new().launcher, ..place };
    let machine = other.machine("unit-0");
    assert_eq!(
        sh(&machine, "cat /etc/charmproof-test; test -e /etc/passwd"),
        ("mine\n".to_owned(), Exit::Code(1))
    );
}

#[test]
fn users_are_those_of_the_machine() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    well(&machine, "useradd --create-home --uid 4321 --groups adm ubuntu");
    let named = start_as(
        &machine,
        User::Named("ubuntu".into()),
        &["sh", "-c", "id -u; id -Gn; echo $HOME $USER; cd; touch x"],
    );
    assert_eq!(named.finish(), ("4321\nubuntu adm\n/home/ubuntu ubuntu\n".to_owned(), Exit::Code(0)));
    let numbers = start_as(&machine, User::Ids(170, 171), &["sh", "-c", "id -u; id -G; echo x > /etc/x"]);
    let (text, exit) = numbers.finish();
    assert!(text.starts_with("170\n171\n") && exit == Exit::Code(2), "{text} {exit:?}");
    let mut exec = MachineExec::new(["true"], [null(), null(), null()]);
    exec.user = User::Named("nobody-of-that-name".into());
    assert!(machine.exec(exec).unwrap_err().to_string().contains("find the user nobody-of-that-name"));
}

#[test]
fn signals_go_to_the_group_and_sigkill_to_all() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    let mut program = start(&machine, "trap 'echo asked; exit 3' TERM; echo ready; read x");
    assert_eq!(program.line(), "ready");
    program.process.kill(15);
    assert_eq!(program.line(), "asked");
    assert_eq!(program.finish(), (String::new(), Exit::Code(3)));

    let sleep = unique_sleep();
    let script =
        format!("setsid sleep {sleep} & sleep {sleep} & (sleep {sleep} &) ; echo ready; sleep {sleep}");
    let mut program = start(&machine, &script);
    assert_eq!(program.line(), "ready");
    wait_until("all sleep", || running(&sleep) == 4);
    assert_eq!(program.process.wait_for(std::time::Duration::from_millis(20)), None);
    program.process.kill(9);
    assert_eq!(program.process.wait(), Exit::Signal(9));
    // One shell whose child was adopted by the first process is in the same session.
    wait_until("the tree is gone", || running(&sleep) == 0);
    // What it leaves on purpose goes on, as on a real machine.
    assert_eq!(
        sh(&machine, &format!("setsid sleep {sleep} >/dev/null 2>&1 & echo ok")),
        ("ok\n".to_owned(), Exit::Code(0))
    );
    wait_until("it sleeps", || running(&sleep) == 1);
    machine.stop();
    assert_eq!(running(&sleep), 0);
    assert!(!machine.is_running());
    let error = machine.exec(MachineExec::new(["true"], [null(), null(), null()])).unwrap_err();
    assert_eq!(error.to_string(), "the machine `unit-0` is not running");
}

#[test]
fn programs_hear_of_the_end_of_their_machine() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    let program = start(&machine, "sleep 1000");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| program.process.wait());
        machine.stop();
        assert_eq!(waiting.join().unwrap(), Exit::MachineGone);
    });
}

#[test]
fn many_threads_execute_at_once() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let machine = &machine;
            scope.spawn(move || {
                for round in 0..10 {
                    let code = thread * 10 + round;
                    assert_eq!(
                        sh(machine, &format!("echo {code}; exit {code}")),
                        (format!("{code}\n"), Exit::Code(code))
                    );
                }
            });
        }
    });
    assert_eq!(well(&machine, "ps -e -o stat= | grep -c Z || true"), "0\n");
}

#[test]
fn folders_files_and_sockets_are_bound() {
    let Some(place) = Place::of_root() else { return };
    let root = place.root().to_owned();
    fs_err::create_dir(root.join("data")).unwrap();
    fs_err::write(root.join("data/one"), "1").unwrap();
    fs_err::write(root.join("file"), "2").unwrap();
    // A link from the host's root on, not from the machine's.
    fs_err::os::unix::fs::symlink(root.join("data"), root.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let mut spec = place.spec("unit-0");
    let bind = |source: &str, target: &str, is_read_only| Bind {
        source: root.join(source),
        target: target.into(),
        is_read_only,
    };
    spec.binds = vec![
        bind("data", "/var/lib/new/data", false),
        bind("link", "/srv/read", true),
        bind("file", "/etc/new/file", true),
        bind("socket", "/var/lib/new/socket", false),
    ];
    let machine = place.launcher.machine(&spec).unwrap();
    assert_eq!(
        well(
            &machine,
            "cat /var/lib/new/data/one /etc/new/file; echo 3 > /var/lib/new/data/two; test -S /var/lib/new/socket"
        ),
        "12"
    );
    assert_eq!(sh(&machine, "echo 3 > /srv/read/two").1, Exit::Code(2));
    assert_eq!(sh(&machine, "echo 3 > /etc/new/file").1, Exit::Code(2));
    assert_eq!(fs_err::read_to_string(root.join("data/two")).unwrap(), "3\n");
}

#[test]
fn files_are_written_in_place() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    let mut program = start(&machine, "exec 3</etc/hosts; echo ready; read x; cat <&3");
    assert_eq!(program.line(), "ready");
    machine.write_file("/etc/hosts".into(), "10.0.0.1 other\n").unwrap();
    assert_eq!(program.finish().0, "10.0.0.1 other\n");
    let error = machine.write_file("/nowhere/file".into(), "").unwrap_err();
    assert_eq!(error.to_string(), "could not write a file in `/nowhere/file`");
}

#[test]
fn a_terminal_controls_its_programs() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    let (watched, terminal) = machine.open_terminal().unwrap();
    let stdio = [terminal.try_clone().unwrap(), terminal.try_clone().unwrap(), terminal];
    let mut exec = MachineExec::new(["sh", "-c", "tty; test -t 1 && echo yes > /dev/tty"], stdio);
    exec.terminal = charmproof_sandbox::machine::Terminal::Controlling;
    let process = machine.exec(exec).unwrap();
    assert_eq!(process.wait(), Exit::Code(0));
    let (mut watched, mut text) = (std::fs::File::from(watched), Vec::new());
    while !text.ends_with(b"yes\r\n") {
        let mut chunk = [0; 100];
        let count = std::io::Read::read(&mut watched, &mut chunk).unwrap();
        text.extend_from_slice(&chunk[..count]);
    }
    assert_eq!(String::from_utf8_lossy(&text), "/dev/pts/0\r\nyes\r\n");
}

#[test]
fn files_belong_to_one_machine_at_a_time() {
    let Some(place) = Place::of_root() else { return };
    let first = place.machine("unit-0");
    let error = place.launcher.machine(&place.spec("unit-0")).unwrap_err();
    assert_eq!(error.to_string(), "could not have the files for itself of the machine `unit-0`");
    well(&first, "echo x > /etc/file");
    first.stop();
    assert_eq!(well(&place.machine("unit-0"), "cat /etc/file"), "x\n");
}

#[test]
fn what_is_missing_is_told() {
    let Some(place) = Place::of_root() else { return };
    let mut spec = place.spec("unit-0");
    spec.root.layers = vec![place.root().join("nowhere")];
    let error = place.launcher.machine(&spec).unwrap_err();
    let nowhere = place.root().join("nowhere");
    assert_eq!(error.to_string(), format!("could not find the layer {nowhere} of the machine `unit-0`"));
    let mut spec = place.spec("unit-1");
    spec.binds =
        vec![Bind { source: "/no/such/file".into(), target: "/srv/file".into(), is_read_only: false }];
    let error = place.launcher.machine(&spec).unwrap_err();
    assert_eq!(error.to_string(), "could not show /no/such/file at /srv/file in the machine `unit-1`");
}

#[test]
fn what_is_kept_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    let kept = fs_err::metadata(place.root().join("unit-0")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o700);
    // Which is not the mode of the machine's own root.
    assert_eq!(well(&machine, "stat -c %a /"), "755\n");
}

#[test]
fn programs_are_asked_before_a_machine_goes_down() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    let mut program = start(&machine, "trap 'echo asked > /etc/asked; exit 0' TERM; echo ready; read x");
    assert_eq!(program.line(), "ready");
    machine.shut_down();
    assert_eq!(program.finish().1, Exit::Code(0));
    assert!(!machine.is_running());
    machine.reboot().unwrap();
    assert_eq!(well(&machine, "cat /etc/asked"), "asked\n");
}

#[test]
fn each_start_is_a_boot_of_its_own() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    let boot = || {
        let text = well(&machine, "cat /proc/sys/kernel/random/boot_id /proc/uptime");
        let (id, up) = text.split_once('\n').unwrap();
        (id.to_owned(), up.split('.').next().unwrap().parse::<u32>().unwrap())
    };
    let host_id = fs_err::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let (first_id, first_up_s) = boot();
    assert!(first_id != host_id.trim() && first_up_s < 60, "{first_id} {first_up_s}");
    // It stays what it is while the machine does, and nobody in it changes it.
    assert_eq!(sh(&machine, "echo x > /proc/sys/kernel/random/boot_id").1, Exit::Code(2));
    assert_eq!(boot().0, first_id);
    let since = well(&machine, "sleep 1.1; awk '$1 == \"btime\" {print $2}' /proc/stat");
    machine.reboot().unwrap();
    let (second_id, second_up_s) = boot();
    assert!(second_id != first_id && second_up_s < 60, "{second_id} {second_up_s}");
    let later = well(&machine, "awk '$1 == \"btime\" {print $2}' /proc/stat");
    assert!(later.trim().parse::<u64>().unwrap() > since.trim().parse::<u64>().unwrap());
    // The clock that durations are measured with is that of everybody.
    assert_eq!(well(&machine, "ls /run/boot-id 2>/dev/null | wc -l"), "0\n");
}

#[test]
fn a_folder_is_shown_at_another_place_for_as_long_as_that_is_wanted() {
    let Some(place) = Place::of_root() else { return };
    let machine = place.machine("unit-0");
    well(
        &machine,
        "mkdir -p /var/kept && echo one > /var/kept/file && mkdir /srv/there && touch /srv/there/old",
    );
    let (source, target) = ("/var/kept".into(), "/srv/there".into());
    machine.mount(source, target, false).unwrap();
    machine.mount(source, target, false).unwrap();
    assert_eq!(
        well(&machine, "cat /srv/there/file; echo two > /srv/there/file; cat /var/kept/file"),
        "one\ntwo\n"
    );
    machine.unmount(target).unwrap();
    machine.unmount(target).unwrap();
    assert_eq!(well(&machine, "ls /srv/there"), "old\n");
    machine.mount(source, "/new/place".into(), true).unwrap();
    let (text, exit) = sh(&machine, "cat /new/place/file; echo three > /new/place/file");
    assert!(
        text.starts_with("two\n") && text.contains("Read-only") && exit == Exit::Code(2),
        "{text} {exit:?}"
    );
    let error = machine.mount("/no/such".into(), target, false).unwrap_err();
    assert!(error.to_string().contains("show /no/such at /srv/there in"), "{error}");
}
