//! The lives of real processes, under a manager in a process of its own.

use super::support::{Manager, Said};
use crate::case::{running, unique_sleep};

fn said(code: i32, stdout: &str, stderr: &str) -> Said {
    Said { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

const PYTHON_SERVER: &str = "\
import http.server, os, socket, sys
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
with open('port.new', 'w') as file:
    file.write(str(server.server_port))
os.rename('port.new', 'port')
notify = os.environ.get('NOTIFY_SOCKET')
if notify:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.sendto(b'READY=1\\nSTATUS=Serving on a port', notify)
server.serve_forever()
";

#[test]
fn a_service_starts_restarts_and_stops() {
    let pattern = unique_sleep();
    let sleep = format!("sleep {pattern}");
    let manager = Manager::start(&[("a.service", &format!("[Service]\nExecStart=/usr/bin/env {sleep}\n"))]);
    assert_eq!(manager.systemctl("is-active a"), said(3, "inactive\n", ""));
    assert_eq!(manager.systemctl("start a"), said(0, "", ""));
    assert_eq!(manager.systemctl("is-active a"), said(0, "active\n", ""));
    let first = manager.property("a", "MainPID");
    assert_eq!(running(&pattern), 1);
    manager.well("restart a");
    assert_ne!(manager.property("a", "MainPID"), first);
    manager.well("stop a");
    assert_eq!((manager.property("a", "ActiveState"), running(&pattern)), ("inactive".to_owned(), 0));
}

#[test]
fn what_is_not_there_is_told_in_systemds_words() {
    let manager = Manager::start(&[]);
    let unknown = "no-such.service";
    let check = |arguments: &str, code, stdout: &str, stderr: String| {
        assert_eq!(manager.systemctl(arguments), said(code, stdout, &stderr), "{arguments}");
    };
    check("start no-such", 5, "", format!("Failed to start {unknown}: Unit {unknown} not found.\n"));
    check("stop no-such", 5, "", format!("Failed to stop {unknown}: Unit {unknown} not loaded.\n"));
    check("restart no-such", 5, "", format!("Failed to restart {unknown}: Unit {unknown} not found.\n"));
    check("status no-such", 4, "", format!("Unit {unknown} could not be found.\n"));
    check("is-active no-such", 4, "inactive\n", String::new());
    check("is-enabled no-such", 4, "not-found\n", String::new());
    check("enable no-such", 1, "", format!("Failed to enable unit: Unit file {unknown} does not exist.\n"));
    check("cat no-such", 1, "", format!("No files found for {unknown}.\n"));
    check("dance", 1, "", "Unknown command verb dance.\n".to_owned());
    check("start", 1, "", "Too few arguments.\n".to_owned());
    check(
        "show no-such -p LoadState -p ActiveState",
        0,
        "LoadState=not-found\nActiveState=inactive\n",
        String::new(),
    );
    let refusal = "systemctl kexec is not supported in this machine of charmproof.\n";
    check("kexec", 1, "", refusal.to_owned());
    let refused = manager.systemctl("poweroff");
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("cannot be switched off from inside"), "{}", refused.stderr);
}

#[test]
fn a_service_that_fails_says_how() {
    let manager = Manager::start(&[
        ("bad.service", "[Service]\nExecStart=/bin/sh -c 'echo hello; exit 3'\n"),
        ("pre.service", "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep 9\n"),
        ("none.service", "[Service]\nExecStart=/no/such/program\n"),
        ("nobody.service", "[Service]\nUser=no-such-user\nExecStart=/bin/true\n"),
    ]);
    manager.well("start bad");
    manager.until(|manager| manager.property("bad", "ActiveState") == "failed");
    assert_eq!(manager.property("bad", "ExecMainStatus"), "3");
    assert_eq!(manager.systemctl("is-failed bad"), said(0, "failed\n", ""));
    assert_eq!(manager.systemctl("is-system-running"), said(1, "degraded\n", ""));
    manager.well("reset-failed bad");
    assert_eq!(manager.systemctl("is-failed bad"), said(1, "inactive\n", ""));
    let text = "Job for pre.service failed because the control process exited with error code.\n\
                See \"systemctl status pre.service\" and \"journalctl -xeu pre.service\" for details.\n";
    assert_eq!(manager.systemctl("start pre"), said(1, "", text));
    manager.well("start none nobody");
    manager.until(|manager| manager.property("nobody", "ActiveState") == "failed");
    manager.until(|manager| manager.property("none", "ActiveState") == "failed");
    assert_eq!(
        (manager.property("none", "ExecMainStatus"), manager.property("nobody", "ExecMainStatus")),
        ("203".to_owned(), "217".to_owned())
    );
    let journal = manager.run("journalctl", "-u bad -u none -o cat --no-pager").stdout;
    assert!(journal.contains("hello\n"), "{journal}");
    assert!(
        journal.contains("Failed at step EXEC spawning /no/such/program: No such file or directory\n"),
        "{journal}"
    );
}

#[test]
fn a_notifying_service_is_awaited() {
    let manager = Manager::start(&[(
        "web.service",
        "[Service]\nType=notify\nWorkingDirectory=DIR\nExecStart=/usr/bin/env python3 DIR/server.py\n",
    )]);
    fs_err::write(manager.work().join("server.py"), PYTHON_SERVER).unwrap();
    manager.well("start web");
    // It was awaited, so the port is open.
    let port: u16 = fs_err::read_to_string(manager.work().join("port")).unwrap().parse().unwrap();
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(manager.property("web", "StatusText"), "Serving on a port");
    manager.write("mute.service", "[Service]\nType=notify\nTimeoutStartSec=200ms\nExecStart=/bin/sleep 60\n");
    let late = manager.systemctl("start mute");
    assert!(
        late.stderr.starts_with("Job for mute.service failed because a timeout was exceeded."),
        "{late:?}"
    );
}

#[test]
fn a_daemon_in_the_background_is_found_and_ended_with_its_children() {
    let pattern = unique_sleep();
    let sleep = format!("sleep {pattern}");
    // Twice removed, in a session of its own, with a child.
    let script = format!("(setsid sh -c 'echo $$ > DIR/d.pid; {sleep} & exec env {sleep}' &) ; exit 0");
    let manager = Manager::start(&[]);
    manager.write("start.sh", "");
    fs_err::write(manager.work().join("start.sh"), script.replace("DIR", manager.work().as_str())).unwrap();
    let with_file = "[Service]\nType=forking\nPIDFile=DIR/d.pid\nExecStart=/bin/sh DIR/start.sh\n";
    manager.write("file.service", with_file);
    manager.well("start file");
    let pid = fs_err::read_to_string(manager.work().join("d.pid")).unwrap();
    assert_eq!(manager.property("file", "MainPID"), pid.trim());
    manager.until(|_| running(&pattern) == 2);
    manager.well("stop file");
    assert_eq!(running(&pattern), 0);

    let guessed = "[Service]\nType=forking\nExecStart=/bin/sh -c '(setsid sleep 60 > DIR/out 2>&1 &)'\n";
    manager.write("guess.service", guessed);
    manager.well("start guess");
    assert_eq!(manager.property("guess", "SubState"), "running");
    manager.well("stop guess");
    assert_eq!(manager.property("guess", "ActiveState"), "inactive");
}

#[test]
fn a_service_that_dies_comes_back_until_it_is_given_up() {
    let manager = Manager::start(&[
        (
            "once.service",
            "[Service]\nRestart=on-failure\nRestartSec=10ms\nExecStart=/bin/sh -c 'test -e DIR/was && exec sleep 60; touch DIR/was; exit 1'\n",
        ),
        ("never.service", "[Service]\nRestart=always\nRestartSec=1ms\nExecStart=/bin/false\n"),
    ]);
    manager.well("start once never");
    manager.until(|manager| manager.property("once", "NRestarts") == "1");
    manager.until(|manager| manager.property("once", "SubState") == "running");
    manager.until(|manager| manager.property("never", "SubState") == "failed");
    assert_eq!(manager.property("never", "NRestarts"), "5");
    let main: i32 = manager.property("once", "MainPID").parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(main), nix::sys::signal::Signal::SIGKILL).unwrap();
    manager.until(|manager| manager.property("once", "NRestarts") == "2");
    manager.until(|manager| manager.property("once", "SubState") == "running");
}

#[test]
fn what_ignores_a_signal_is_killed_when_its_time_is_over() {
    let pattern = unique_sleep();
    let sleep = format!("sleep {pattern}");
    let text =
        format!("[Service]\nTimeoutStopSec=200ms\nExecStart=/bin/sh -c \"trap '' TERM; {sleep}; {sleep}\"\n");
    let manager = Manager::start(&[("deaf.service", &text)]);
    manager.well("start deaf");
    manager.until(|_| running(&pattern) >= 1);
    manager.well("stop deaf");
    assert_eq!(manager.property("deaf", "Result"), "timeout");
    manager.until(|_| running(&pattern) == 0);
}

#[test]
fn enabling_makes_links_and_masking_forbids() {
    let install = "[Unit]\nDescription=A\n[Service]\nExecStart=/bin/sleep 60\n[Install]\nWantedBy=multi-user.target\nAlias=b.service\n";
    let manager = Manager::start(&[]);
    let library = manager.root().join("lib/systemd/system");
    fs_err::create_dir_all(&library).unwrap();
    fs_err::write(library.join("a.service"), install).unwrap();
    let links = "Created symlink /etc/systemd/system/b.service → /lib/systemd/system/a.service.\n\
                 Created symlink /etc/systemd/system/multi-user.target.wants/a.service → /lib/systemd/system/a.service.\n";
    assert_eq!(manager.systemctl("is-enabled a"), said(1, "disabled\n", ""));
    assert_eq!(manager.systemctl("enable --now a"), said(0, "", links));
    assert_eq!(manager.systemctl("enable a"), said(0, "", ""));
    assert_eq!(manager.systemctl("is-enabled a"), said(0, "enabled\n", ""));
    assert_eq!(manager.systemctl("is-active b"), said(0, "active\n", ""));
    let removed = "Removed \"/etc/systemd/system/multi-user.target.wants/a.service\".\n\
                   Removed \"/etc/systemd/system/b.service\".\n";
    assert_eq!(manager.systemctl("disable --now a"), said(0, "", removed));
    assert_eq!(manager.systemctl("is-active a"), said(3, "inactive\n", ""));
    let mask = "Created symlink /etc/systemd/system/a.service → /dev/null.\n";
    assert_eq!(manager.systemctl("mask a"), said(0, "", mask));
    assert_eq!(
        manager.systemctl("start a"),
        said(1, "", "Failed to start a.service: Unit a.service is masked.\n")
    );
    assert_eq!(manager.systemctl("is-enabled a"), said(1, "masked\n", ""));
    assert_eq!(manager.systemctl("unmask a"), said(0, "", "Removed \"/etc/systemd/system/a.service\".\n"));
    assert_eq!(manager.systemctl("--root=/ --preset-mode=enable-only preset a").code, 0);
    assert_eq!(manager.systemctl("is-enabled a"), said(0, "enabled\n", ""));
    let listed = "a.service enabled enabled\n";
    assert_eq!(manager.well("list-unit-files a.service --no-legend"), listed);
}

#[test]
fn units_that_changed_wait_for_a_reload() {
    let manager = Manager::start(&[
        ("a.service", "[Service]\nExecStart=/bin/sleep 60\n[Install]\nWantedBy=multi-user.target\n"),
        ("multi-user.target", "[Unit]\nDescription=Multi-User System\n"),
    ]);
    manager.systemctl("enable --now --quiet a");
    assert_eq!(manager.property("a", "NeedDaemonReload"), "no");
    manager.write("a.service.d/10-more.conf", "[Service]\nExecStart=\nExecStart=/bin/sleep 61\n");
    assert_eq!(manager.well("show a --property=NeedDaemonReload"), "NeedDaemonReload=yes\n");
    let warned = manager.systemctl("restart a");
    assert!(warned.stderr.contains("Run 'systemctl daemon-reload' to reload units."), "{warned:?}");
    manager.well("daemon-reload");
    assert_eq!(manager.property("a", "NeedDaemonReload"), "no");
    manager.well("restart a");
    assert!(manager.property("a", "ExecStart").contains("argv[]=/bin/sleep 61"));
}

#[test]
fn a_template_has_instances() {
    let manager = Manager::start(&[(
        "w@.service",
        "[Unit]\nDescription=Worker %i\n[Service]\nEnvironment=NAME=%i\nExecStart=/bin/sh -c 'echo ${NAME} > DIR/%i; exec sleep 60'\nExecReload=/bin/kill -HUP $MAINPID\n",
    )]);
    manager.well("start w@1 w@two");
    manager.until(|manager| manager.work().join("two").exists());
    assert_eq!(
        manager.well("list-units w@* --no-legend --plain"),
        "w@1.service   loaded active running Worker 1\nw@two.service loaded active running Worker two\n"
    );
    manager.well("stop w@*");
    assert_eq!(manager.systemctl("is-active w@1 w@two"), said(3, "inactive\ninactive\n", ""));
    let missing = manager.systemctl("start w@");
    assert_eq!(
        (missing.code, missing.stderr.lines().next()),
        (1, Some("Failed to start w@.service: Unit name w@.service is missing the instance name."))
    );
}

#[test]
fn a_socket_starts_its_service_and_hands_itself_on() {
    let manager = Manager::start(&[
        ("echo.socket", "[Socket]\nListenStream=DIR/echo.sock\n"),
        ("echo.service", "[Service]\nExecStart=/usr/bin/env python3 DIR/echo.py\n"),
    ]);
    let program = "import os, socket\n\
                   assert os.environ['LISTEN_PID'] == str(os.getpid()) and os.environ['LISTEN_FDS'] == '1'\n\
                   server = socket.socket(fileno=3)\n\
                   connection, _ = server.accept()\n\
                   connection.sendall(b'hello')\n";
    fs_err::write(manager.work().join("echo.py"), program).unwrap();
    manager.well("start echo.socket");
    assert_eq!(manager.systemctl("is-active echo.socket echo.service"), said(0, "active\ninactive\n", ""));
    let mut connection = std::os::unix::net::UnixStream::connect(manager.work().join("echo.sock")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut connection, &mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn a_timer_starts_its_service() {
    let manager = Manager::start(&[
        ("tick.timer", "[Timer]\nOnActiveSec=50ms\nOnUnitActiveSec=50ms\n"),
        ("tick.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo x >> DIR/ticks'\n"),
    ]);
    manager.well("start tick.timer");
    manager.until(|manager| {
        fs_err::read_to_string(manager.work().join("ticks")).is_ok_and(|text| text.lines().count() >= 2)
    });
    assert!(manager.well("list-timers --no-legend").contains("tick.timer tick.service"));
    manager.well("stop tick.timer");
}

#[test]
fn the_status_is_shown_as_people_know_it() {
    let manager = Manager::start(&[(
        "a.service",
        "[Unit]\nDescription=A service\nDocumentation=man:a(1)\n[Service]\nExecStart=/bin/sh -c 'echo out; echo err >&2; exec sleep 60'\n",
    )]);
    manager.well("start a");
    manager.until(|manager| manager.run("journalctl", "-u a -o cat").stdout.contains("err"));
    let pid = manager.property("a", "MainPID");
    let status = manager.well("status a --no-pager").replace(&pid, "PID");
    let mut filters = insta::Settings::clone_current();
    filters.add_filter(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; .* ago", "SINCE");
    filters.add_filter(r"(?m)^\w{3} \d\d \d\d:\d\d:\d\d [^ ]+ ", "TIME HOST ");
    filters.bind(|| insta::assert_snapshot!(status));
}

#[test]
fn nothing_is_left_when_the_manager_ends() {
    let pattern = unique_sleep();
    let sleep = format!("sleep {pattern}");
    let text = format!(
        "[Service]\nExecStart=/bin/sh -c '{sleep} & {sleep}'\nExecStop=/bin/sh -c 'echo bye > DIR/bye'\n"
    );
    let mut manager = Manager::start(&[("a.service", &text)]);
    manager.well("start a");
    manager.until(|_| running(&pattern) == 2);
    manager.stop();
    assert_eq!(running(&pattern), 0);
    assert!(manager.work().join("bye").exists());
}
