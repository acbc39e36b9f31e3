//! People in machines and pods: who they are there, their terminals, their files, and what they may do.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use charmproof_testkit::{wait_for, wait_until};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::{LIMIT, Local, On, kill};

/// Runs a command, tells its number and its exit code, and does not touch the terminal as a shell with job
/// control would.
const SHELL: &str =
    "exec 3<&0; \"$@\" <&3 & echo \"pid=$!\"; wait $!; echo \"code=$?\"; stty -a | tr '\\n' ' '; echo";

/// Somebody who sits at a terminal.
struct Person {
    watched: File,
    shell: Child,
    seen: Arc<Mutex<String>>,
}

impl Person {
    /// Types a `juju` command in a terminal of this size.
    fn types(local: &Local, words: &[&str], size: (u16, u16)) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let watched = openpt(flags).unwrap();
        grantpt(&watched).unwrap();
        unlockpt(&watched).unwrap();
        let terminal = File::from(ioctl_tiocgptpeer(&watched, flags).unwrap());
        let watched = File::from(watched);
        let mut person = Self { watched, shell: idle(), seen: Arc::default() };
        person.resizes(size);
        let own = local.env.command(&[&["juju"], words].concat());
        let mut command = Command::new("setsid");
        command.args(["--ctty", "sh", "-c", SHELL, "sh"]).arg(own.get_program()).args(own.get_args());
        command.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(own.get_current_dir().unwrap_or(std::path::Path::new("/")));
        let end = || Stdio::from(terminal.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        person.shell = command.spawn().unwrap();
        let (mut from, seen) = (person.watched.try_clone().unwrap(), Arc::clone(&person.seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                seen.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        person
    }

    fn resizes(&self, (rows, columns): (u16, u16)) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.watched, size).unwrap();
    }

    fn enters(&mut self, text: &str) {
        self.watched.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until something is seen, and returns what came with it up to there.
    #[track_caller]
    fn sees(&self, text: &str) -> String {
        let mut seen = String::new();
        let found = wait_until(LIMIT, || {
            seen.clone_from(&self.seen.lock().unwrap());
            let end = seen.find(text)? + text.len();
            Some(seen[..end].to_owned())
        });
        let found = found.unwrap_or_else(|| panic!("{text:?} is not seen in {seen:?}"));
        self.seen.lock().unwrap().replace_range(..found.len(), "");
        found
    }

    /// Whether what is typed is edited by the terminal, as it is at rest.
    fn is_at_rest(&self) -> bool {
        tcgetattr(&self.watched).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Returns the number of the command.
    #[track_caller]
    fn command(&self) -> u32 {
        self.sees("pid=");
        self.sees("\n").trim().parse().unwrap()
    }

    /// Waits for the end of the command, and returns its exit code; the terminal has to be as it was.
    #[track_caller]
    fn leaves(mut self) -> String {
        self.sees("code=");
        let code = self.sees("\n").trim().to_owned();
        let modes = self.sees("echonl");
        for mode in [" icanon ", " isig ", " echo ", " opost "] {
            assert!(modes.contains(mode), "the terminal is left as {modes}");
        }
        self.shell.wait().unwrap();
        code
    }
}

fn idle() -> Child {
    Command::new("true").spawn().unwrap()
}

#[test]
fn a_shell_on_a_machine_has_the_terminal_of_whoever_types() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let mut person = Person::types(&local, &["ssh", "tiny/0"], (41, 131));
    person.command();
    person.sees("$ ");
    assert!(!person.is_at_rest());
    person.enters("echo at $(tty), $(stty size), $(id -un) in $PWD\n");
    person.sees("\r\nat /dev/pts/0, 41 131, ubuntu in /home/ubuntu\r\n");
    person.resizes((50, 100));
    person.enters("until [ \"$(stty size)\" = '50 100' ]; do sleep 0.05; done; echo wide''r\n");
    person.sees("wider");
    // Ctrl-C ends what runs inside, and nothing else; jobs are controlled.
    person.enters("echo 'now'; sleep 1000; echo not''reached\n");
    person.sees("\r\nnow\r\n");
    person.enters("\x03");
    person.enters("echo ended $?\n");
    let seen = person.sees("\r\nended 130\r\n");
    assert!(!seen.contains("notreached"), "{seen}");
    person.enters("sleep 1000 & jobs -r | wc -l; kill %1\n");
    person.sees("\r\n1\r\n");
    person.enters("exit 7\n");
    assert_eq!(person.leaves(), "7");
    local.end();
}

#[test]
fn whatever_ends_the_command_the_terminal_is_as_it_was() {
    let local = Local::new(On::Kubernetes);
    local.deploy("tiny");
    for (signal, code) in [("TERM", "143"), ("KILL", "137")] {
        let mut person = Person::types(&local, &["ssh", "tiny/0"], (24, 80));
        let command = person.command();
        person.enters("echo up''on $(tty)\n");
        person.sees("upon /dev/pts/");
        assert!(!person.is_at_rest());
        kill(command, signal);
        wait_for("the terminal to be at rest", LIMIT, || person.is_at_rest());
        person.sees(&format!("code={code}"));
    }
    // The same where the local Juju goes.
    let mut person = Person::types(&local, &["ssh", "tiny/0"], (24, 80));
    person.enters("echo up''on $(tty)\n");
    person.sees("upon /dev/pts/");
    local.kill_supervisor();
    assert_eq!(person.leaves(), "1");
    local.settle("tiny/0", "active", "red");
    local.end();
}

#[test]
fn a_terminal_can_be_asked_for_and_refused() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let tty = |words: &[&str]| {
        let all = [&["ssh"], words].concat();
        let out = local.juju(&all);
        (out.code.unwrap(), out.stdout.trim_end().to_owned())
    };
    assert_eq!(tty(&["tiny/0", "tty"]), (1, "not a tty".to_owned()));
    assert_eq!(tty(&["tiny/0", "-t", "tty"]), (1, "not a tty".to_owned()));
    assert_eq!(tty(&["tiny/0", "-tt", "tty; exit 4"]), (4, "/dev/pts/0".to_owned()));
    assert_eq!(tty(&["--pty=true", "tiny/0", "tty"]), (0, "/dev/pts/0".to_owned()));
    // A long answer arrives whole, though nobody has the terminal any more when it is read.
    let (code, long) = tty(&["--pty=true", "tiny/0", "seq 20000"]);
    assert_eq!((code, long.lines().count(), long.lines().last()), (0, 20_000, Some("20000")));
    let person = Person::types(&local, &["ssh", "tiny/0", "tty"], (24, 80));
    person.sees("/dev/pts/0");
    assert_eq!(person.leaves(), "0");
    let person = Person::types(&local, &["ssh", "--pty=false", "tiny/0", "tty"], (24, 80));
    person.sees("not a tty");
    assert_eq!(person.leaves(), "1");
    local.end();
}

#[test]
fn people_are_who_they_are_on_a_machine_of_a_cloud() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let ssh = |target: &str, command: &str| local.juju(&["ssh", target, command]);
    let check = |target: &str, command: &str, expected: &str| {
        assert_eq!(ssh(target, command).success(), expected, "{target}: {command}");
    };
    check(
        "tiny/0",
        "id -un; id -u; pwd; echo $HOME $USER $LOGNAME",
        "ubuntu\n1000\n/home/ubuntu\n/home/ubuntu ubuntu ubuntu\n",
    );
    check("ubuntu@tiny/0", "id -un; echo $SHELL; [ -O . ] && echo own", "ubuntu\n/bin/bash\nown\n");
    check("root@tiny/0", "id -un; pwd", "root\n/root\n");
    let refused = ssh("nobody@tiny/0", "true");
    assert_eq!((refused.code, refused.stdout.trim()), (Some(1), "This account is currently not available."));
    // The rights of root are asked for, and given without a password.
    check(
        "tiny/0",
        "cat /root/x 2>&1; echo secret | sudo tee /root/x; sudo cat /root/x",
        "cat: /root/x: Permission denied\nsecret\nsecret\n",
    );
    check("tiny/0", "sudo sh -c 'id -u; id -G; echo $HOME $SUDO_USER'", "0\n0\n/root ubuntu\n");
    check(
        "tiny/0",
        "sudo -u daemon -- id -un; sudo -n true && sudo A=b env | grep ^A=; sudo -i pwd",
        "daemon\nA=b\n/root\n",
    );
    check("tiny/0", "sudo -l | grep -c NOPASSWD", "1\n");
    let refused = ssh("tiny/0", "sudo -u nobody sudo -n true");
    assert_eq!(refused.code, Some(1), "{refused}");
    let failed = ssh("tiny/0", "sudo sh -c 'exit 9'");
    assert_eq!(failed.code, Some(9), "{failed}");
    let unknown = ssh("tiny/0", "sudo no-such-program");
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (Some(1), "sudo: no-such-program: command not found\n")
    );
    // What suites of charms do.
    check("tiny/0", "sudo systemctl is-system-running", "running\n");
    check("tiny/0", "cat /var/lib/juju/agents/unit-tiny-0/charm/version", "1");
    check("tiny/0", "sudo juju-exec tiny/0 'id -un; echo $JUJU_UNIT_NAME'", "root\ntiny/0\n");
    assert_eq!(local.juju(&["exec", "--unit", "tiny/0", "id -un"]).success(), "root\n");
    local.end();
}

#[test]
fn files_are_copied_to_the_home_and_by_patterns() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.env.file("one.txt", "one");
    local.env.file("two.txt", "two");
    let ssh = |command: &str| local.juju(&["ssh", "tiny/0", command]).success();
    local.juju(&["scp", "one.txt", "tiny/0:"]).success();
    local.juju(&["scp", "one.txt", "two.txt", "tiny/0:/tmp/"]).success();
    local.juju(&["scp", "two.txt", "tiny/0:other.txt"]).success();
    assert_eq!(
        ssh("ls ~ /tmp; stat -c %U one.txt"),
        "/home/ubuntu:\none.txt\nother.txt\n\n/tmp:\none.txt\ntwo.txt\nubuntu\n"
    );
    local.env.file("got/here", "");
    local.juju(&["scp", "tiny/0:/etc/host*", "got"]).success();
    local.juju(&["scp", "tiny/0:o*.txt", "tiny/0:~/one.txt", "got/"]).success();
    let mut names: Vec<String> = local
        .env
        .work()
        .join("got")
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .collect();
    names.sort();
    assert!(
        ["hostname", "hosts", "one.txt", "other.txt"]
            .iter()
            .all(|name| names.iter().any(|found| found == name)),
        "{names:?}"
    );
    let refused = local.juju(&["scp", "tiny/0:nothing*", "got"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("nothing*"), "{refused}");
    let refused = local.juju(&["scp", "one.txt", "tiny/0:/root/"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("Permission denied"), "{refused}");
    local.end();
}

#[test]
fn a_machine_boots_again_when_somebody_inside_says_so() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["add-machine"]).success();
    let boot = |target: &str| local.juju(&["ssh", target, "cat /proc/sys/kernel/random/boot_id"]);
    let mut before = boot("tiny/0").success();
    local.juju(&["ssh", "tiny/0", "touch kept; sudo touch /run/lost"]).success();
    for (command, starts) in [("sudo reboot", 2), ("sudo shutdown -r now", 3), ("sudo systemctl reboot", 4)] {
        local.juju(&["ssh", "tiny/0", command]).success();
        wait_for("another boot", LIMIT, || {
            let now = boot("tiny/0");
            now.code == Some(0) && now.stdout != before
        });
        before = boot("tiny/0").success();
        wait_for("the unit to start again", LIMIT, || {
            local.ran("tiny/0").iter().filter(|hook| *hook == "start").count() == starts
        });
        local.settle("tiny/0", "active", "red");
    }
    assert_eq!(local.juju(&["ssh", "tiny/0", "ls; ls /run/lost 2>&1 | wc -l"]).success(), "kept\n1\n");
    // So does one that no unit is on.
    let before = boot("1").success();
    local.juju(&["ssh", "1", "sudo reboot"]).success();
    wait_for("another boot", LIMIT, || {
        let now = boot("1");
        now.code == Some(0) && now.stdout != before
    });
    // Whoever is there when it goes loses the connection.
    let lost = local.juju(&["ssh", "tiny/0", "sudo reboot; sleep 1000"]);
    assert_eq!(
        (lost.code, lost.stderr.as_str()),
        (Some(255), "Connection to tiny/0 closed by remote host.\n")
    );
    wait_for("the machine to be back", LIMIT, || boot("tiny/0").code == Some(0));
    for command in ["poweroff", "halt", "shutdown now", "shutdown -h now", "systemctl poweroff"] {
        let refused = local.juju(&["ssh", "tiny/0", &format!("sudo {command}")]);
        assert!(
            refused.code == Some(1) && refused.stderr.contains("cannot be switched off"),
            "{command}: {refused}"
        );
    }
    let refused = local.juju(&["ssh", "tiny/0", "reboot"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("authentication required"), "{refused}");
    local.end();
}

#[test]
fn the_agent_of_a_pod_is_a_service_that_can_be_stopped() {
    let local = Local::new(On::Kubernetes);
    local.deploy("tiny");
    let pebble =
        |words: &str| local.juju(&["ssh", "tiny/0", &format!("/charm/bin/pebble {words}")]).success();
    let listed = || {
        pebble("services")
            .lines()
            .nth(1)
            .unwrap_or_default()
            .split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(listed(), "container-agent enabled active");
    assert!(pebble("plan").contains("command: /charm/bin/containeragent unit"));
    pebble("stop container-agent");
    assert_eq!(listed(), "container-agent enabled inactive");
    wait_for("the agent to be lost", LIMIT, || local.unit("tiny/0")["juju-status"]["current"] == "lost");
    let unit = local.unit("tiny/0");
    assert_eq!(unit["juju-status"]["message"], "agent is not communicating with the server");
    assert_eq!(unit["workload-status"]["current"], "unknown");
    assert_eq!(unit["workload-status"]["message"], "agent lost, see 'juju show-status-log tiny/0'");
    // It does nothing, and what is to be done is done later.
    let ran = local.ran("tiny/0");
    local.juju(&["config", "tiny", "colour=blue"]).success();
    let late = local.juju(&["run", "tiny/0", "greet", "--wait", "1s"]);
    assert!(late.stderr.contains("timed out"), "{late}");
    assert_eq!(local.ran("tiny/0"), ran);
    pebble("start container-agent");
    local.settle("tiny/0", "active", "blue");
    assert!(local.ran("tiny/0").len() > ran.len());
    pebble("restart container-agent");
    local.settle("tiny/0", "active", "blue");
    // With the local Juju, all agents begin anew.
    pebble("stop container-agent");
    local.kill_supervisor();
    local.settle("tiny/0", "active", "blue");
    local.end();
}
