//! The same machines on hosts that offer less.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use charmproof_sandbox::Launcher;
use charmproof_sandbox::machine::{Exit, MachineExec, MachineLevel, MachineNetwork, NetworkSpec, User};

use super::support::{Place, null, sh, start_as, well};
use crate::case::{BINARY, running, unique_sleep, wait_until};

const NOBODY: u32 = 65534;

fn place_at(level: MachineLevel) -> Place {
    let launcher = Launcher::new(BINARY.into(), Vec::new()).with_machine_level(level);
    Place { launcher, ..Place::new() }
}

#[test]
fn root_gets_the_strongest() {
    let Some(place) = Place::of_root() else { return };
    let (level, notes) = place.launcher.machine_level().unwrap();
    assert_eq!(level, MachineLevel::RootInUserNamespace, "{notes:?}");
    let machine = place.machine("unit-0");
    // All rights inside, and none on the host.
    well(&machine, "mount -t tmpfs x /mnt && unshare --mount --pid --fork true && test -w /dev/null");
    let (text, exit) = sh(&machine, "mknod /root/disk b 254 0 2>&1");
    assert_eq!(exit, Exit::Code(1), "{text}");
}

#[test]
fn without_a_user_namespace_rights_are_taken() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let place = place_at(MachineLevel::Root);
    let network = place.network();
    let machine = place.machine_in("unit-0", &network);
    assert_eq!(machine.protection().level, MachineLevel::Root);
    assert_eq!(well(&machine, "hostname; ls -A /home; echo kept > /root/file"), "unit-0\n");
    assert_ne!(sh(&machine, "mount -t tmpfs x /mnt").1, Exit::Code(0));
    assert_ne!(sh(&machine, "mknod /root/disk b 254 0").1, Exit::Code(0));
    well(&machine, "chown 33 /root/file && python3 -c 'import socket; socket.socket().bind((\"\", 80))'");
    // What was kept is found again at the other level.
    drop(machine);
    let place = Place { launcher: Place::new().launcher, ..place };
    assert_eq!(well(&place.machine("unit-0"), "cat /root/file; ls /home"), "kept\n");
}

#[test]
fn people_log_in_and_have_the_rights_of_root_for_the_asking() {
    let script = "id -un; echo $HOME; [ -O ~ ] && cat /root/secret; sudo -n cat /root/secret; sudo id -u; sudo -u guest id -un";
    for level in [MachineLevel::RootInUserNamespace, MachineLevel::Root] {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let place = place_at(level);
        let mut spec = place.spec("unit-0");
        spec.login_user = Some("guest".to_owned());
        let machine = place.launcher.machine(&spec).unwrap();
        assert_eq!(machine.login_user(), Some("guest"), "{level:?}");
        well(&machine, "echo secret > /root/secret; chmod 644 /root/secret");
        let seen = || start_as(&machine, User::Named("guest".to_owned()), &["sh", "-c", script]).finish();
        let expected = "guest\n/home/guest\ncat: /root/secret: Permission denied\nsecret\n0\nguest\n";
        assert_eq!(seen(), (expected.to_owned(), Exit::Code(0)), "{level:?}");
        // What a machine has made of it stays.
        well(&machine, "echo own > /home/guest/file; rm /etc/sudoers.d/*; gpasswd --delete guest sudo");
        machine.reboot().unwrap();
        assert_eq!(well(&machine, "cat /home/guest/file; id -nG guest | grep -c sudo || true"), "own\n0\n");
    }
}

#[test]
fn with_a_single_id_root_has_sudo_as_well() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let place = place_at(MachineLevel::SingleId);
    let mut spec = place.spec("unit-0");
    spec.login_user = Some("guest".to_owned());
    let machine = place.launcher.machine(&spec).unwrap();
    assert_eq!(machine.login_user(), None);
    assert_eq!(well(&machine, "sudo sh -c 'id -u; echo $SUDO_USER'; sudo false || echo $?"), "0\nroot\n1\n");
}

#[test]
fn without_namespaces_programs_still_run_and_end() {
    let place = place_at(MachineLevel::ProcessOnly);
    let machine = place.machine("unit-0");
    let protection = machine.protection();
    assert_eq!(protection.level, MachineLevel::ProcessOnly);
    assert!(protection.level.describe().contains("on the host itself"));
    let sleep = unique_sleep();
    assert_eq!(sh(&machine, &format!("(setsid sleep {sleep} >/dev/null 2>&1 &) ; exit 4")).1, Exit::Code(4));
    wait_until("it sleeps", || running(&sleep) == 1);
    machine.reboot().unwrap();
    assert_eq!(running(&sleep), 0);
    let program = super::support::start(&machine, &format!("sleep {sleep}"));
    wait_until("it sleeps", || running(&sleep) == 1);
    program.process.kill(9);
    assert_eq!(program.process.wait(), Exit::Signal(9));
    wait_until("it is gone", || running(&sleep) == 0);
    let error = place.launcher.network(&NetworkSpec::default()).unwrap_err();
    assert_eq!(error.to_string(), "could not make a network for machines");
    drop(machine);
    let mut exec = MachineExec::new(["sleep", &sleep], [null(), null(), null()]);
    exec.cwd = "/tmp".into();
    let machine = place.machine("unit-1");
    let process = machine.exec(exec).unwrap();
    assert_eq!(running(&sleep), 1);
    drop((machine, place));
    assert_eq!((process.wait(), running(&sleep)), (Exit::MachineGone, 0));
}

#[test]
fn machines_are_bounded() {
    let Some(place) = Place::of_root() else { return };
    let mut spec = place.spec("unit-0");
    spec.limits.memory_bytes = Some(200 << 20);
    spec.limits.processes = Some(40);
    let machine = place.launcher.machine(&spec).unwrap();
    let protection = machine.protection();
    let is_bounded = |control| !matches!(control, charmproof_sandbox::Control::Unbounded);
    if is_bounded(protection.memory) {
        let (text, exit) = sh(&machine, "exec python3 -c 'x = bytearray(400 << 20)' 2>&1");
        assert!(matches!(exit, Exit::Signal(9)), "{exit:?} {text}");
    }
    if is_bounded(protection.process_count) {
        let (text, _) = sh(&machine, "for i in $(seq 100); do sleep 5 & done 2>&1");
        assert!(text.contains("fork"), "{text}");
    }
    assert!(protection.notes.iter().any(|note| note.contains("disk")));
    // The machine itself goes on.
    machine.reboot().unwrap();
    well(&machine, "true");
}

#[test]
fn a_userland_of_several_filesystems_is_one() {
    let Some(place) = Place::of_root() else { return };
    // As a host with a filesystem of its own for /var, and one for /var/lib in it. Neither lies upon the
    // other one's overlay: kernels allow two such layers, and the machine's is one.
    let script = "set -e
        mount -t tmpfs changes /mnt && mkdir /mnt/var /mnt/lib /mnt/work /mnt/work2 /mnt/plain
        mount --bind /var/lib /mnt/plain
        mount -t overlay var -o lowerdir=/var,upperdir=/mnt/var,workdir=/mnt/work /var
        mount -t overlay lib -o lowerdir=/mnt/plain,upperdir=/mnt/lib,workdir=/mnt/work2 /var/lib
        touch /var/lib/of-the-host /var/local/of-the-host
        \"$@\" </dev/null
        ls /var/lib /var | grep -c of-the-machine || true";
    let inside = "set -e; ls /var/local /var/lib | grep of-the-host; dpkg --status dash | grep -c ^Status
        mkdir /var/of-the-machine /var/lib/of-the-machine; rm /var/lib/of-the-host; ls -A /var/tmp /var/log";
    let scene = serde_json::json!({
        "layers": ["/"], "kept": place.root().join("unit-0"), "level": null, "has_network": false,
        "memory_bytes": null, "processes": null, "argv": ["sh", "-c", inside],
    });
    let file = place.root().join("scene.json");
    fs_err::write(&file, scene.to_string()).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh", BINARY, "machine"]);
    let output = command.arg(&file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (answer, rest) = text.split_once('\n').unwrap();
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{text}"));
    let expected = "of-the-host\nof-the-host\n1\n/var/log:\n\n/var/tmp:\n";
    assert_eq!(answer["output"], expected, "{answer}");
    assert_eq!(rest, "ended\n0\n");
}

/// A program that somebody else than root runs, with a machine in it.
struct PlainUser {
    child: Child,
    answer: serde_json::Value,
}

/// Runs a scene as a plain user.
fn as_plain_user(place: &Place, scene: &serde_json::Value) -> PlainUser {
    use std::os::unix::fs::PermissionsExt;
    let root = place.root();
    let everybody = std::fs::Permissions::from_mode(0o777);
    fs_err::set_permissions(root, everybody).unwrap();
    fs_err::copy(BINARY, root.join("charmproof-launch")).unwrap();
    let file = root.join("scene.json");
    fs_err::write(&file, scene.to_string()).unwrap();
    let mut command = plain(place, &["machine", file.as_str()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let answer = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
    PlainUser { child, answer }
}

fn plain(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(place.root().join("charmproof-launch"));
    command.args(arguments).current_dir("/").env("SCENE_SERVER", super::networks::SERVER);
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

#[test]
fn a_plain_user_has_machines_of_the_hosts_userland() {
    let place = Place::new();
    let script = "set -e
        id -u; hostname; ls -A /home | wc -l
        echo x > /etc/new; echo x >> /etc/profile; mkdir /usr/share/new /var/lib/new
        rm /usr/bin/env; mv /etc/hosts /etc/hosts.old; echo x > /usr/bin/env
        dpkg --status dash | grep -c '^Status: install ok'
        ls /sys/class/net
        (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y hello) > /root/log 2>&1 || cat /root/log
        hello
        nohup python3 -c \"$SCENE_SERVER\" >/dev/null 2>&1 &";
    let scene = serde_json::json!({
        "layers": ["/"], "kept": place.root().join("unit-0"), "level": null, "has_network": true,
        "memory_bytes": null, "processes": null, "argv": ["sh", "-c", script],
    });
    let mut user = as_plain_user(&place, &scene);
    let answer = &user.answer;
    assert!(["single-id", "subordinate-ids"].iter().any(|level| answer["level"] == *level), "{answer}");
    assert_eq!(answer["exit"], serde_json::json!({"Code": 0}), "{answer}");
    assert_eq!(answer["output"], "0\nunit-0\n0\n1\neth0\nlo\nHello, world!\n");
    assert!(std::path::Path::new("/usr/bin/env").exists());

    // The host's programs reach it from where the bridges are.
    let (address, visit) =
        (user.answer["address"].as_str().unwrap().to_owned(), user.answer["visit"].to_string());
    let fetch = format!(
        "import os, socket, urllib.request as r; print(os.getuid(), r.urlopen('http://{address}', timeout=5).read().decode(), \
         socket.gethostbyname('localhost'))"
    );
    let mut text = String::new();
    wait_until("the host's program reaches it", || {
        let output = plain(&place, &["visit", &visit, "python3", "-c", &fetch]).output().unwrap();
        text = String::from_utf8(output.stdout).unwrap();
        output.status.success()
    });
    let uid = if nix::unistd::geteuid().is_root() { NOBODY } else { nix::unistd::geteuid().as_raw() };
    assert_eq!(text, format!("{uid} unit-0 127.0.0.1\n"));
    drop(user.child.stdin.take());
    assert!(user.child.wait().unwrap().success());
    // The layer for other machines stays, and what this one kept does not.
    assert!(!place.root().join("unit-0").exists());
}

#[test]
fn a_pod_needs_a_machine_with_an_address() {
    let Some(place) = Place::of_root() else { return };
    let host = place.machine("unit-0");
    let mut spec = place.spec("unit-1");
    spec.network = MachineNetwork::Of(host);
    // The host's network is shared as well.
    assert_eq!(place.launcher.machine(&spec).unwrap().address(), None);
}
