//! Real processes behind the same requests.

use std::time::{Duration, Instant};

use charmproof_pebble::{Clock, ExecRules, Options, PebbleError, Server, Workload};
use serde_json::json;

use crate::client::Pebble;

/// Waits until something is so.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what} does not come");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn services_are_processes_that_log_and_end() {
    let pebble = Pebble::process();
    let marker = pebble.folder.path().join("got-signal");
    let layer = format!(
        "services:\n  talk: {{override: replace, command: \"sh -c 'trap \\\"touch {}\\\" HUP; echo hello $WHO; while true; do sleep 0.05; done'\", environment: {{WHO: world}}}}\n",
        marker.display()
    );
    assert_eq!(pebble.layer(&layer).status, 200);
    assert_eq!(pebble.services("start", &["talk"])["status"], "Done");
    let log = String::from_utf8(pebble.get("/v1/logs?services=talk").body).unwrap();
    assert!(log.contains("\"message\":\"hello world\""), "{log}");
    let signal = json!({"signal": "SIGHUP", "services": ["talk"]});
    assert_eq!(pebble.post("/v1/signals", &signal).result(), json!(true));
    wait_until("the signal", || marker.exists());
    let bad = json!({"signal": "SIGFOO", "services": ["talk"]});
    assert_eq!(
        pebble.post("/v1/signals", &bad).message(),
        "500 cannot send signal to \"talk\": invalid signal name \"SIGFOO\""
    );
    assert_eq!(pebble.services("stop", &["talk"])["status"], "Done");
    assert_eq!(pebble.current(), "talk=inactive");
}

#[test]
fn a_service_that_fails_says_why() {
    let pebble = Pebble::process();
    pebble.layer("services: {a: {override: replace, command: \"sh -c 'echo broken >&2; exit 3'\", on-failure: ignore}, b: {override: replace, command: /none/b}, c: {override: replace, command: none-c}}");
    let change = pebble.services("start", &["a", "b", "c"]);
    assert_eq!(
        change["err"],
        "cannot perform the following tasks:\n\
         - Start service \"a\" (service start attempt: exited quickly with code 3, will ignore)\n\
         - Start service \"b\" (cannot start service: fork/exec /none/b: no such file or directory)\n\
         - Start service \"c\" (cannot start service: exec: \"none-c\": executable file not found in $PATH)"
    );
    assert!(
        change["tasks"][0]["log"][0].as_str().unwrap().ends_with("Most recent service output:\n    broken")
    );
    assert_eq!(pebble.current(), "a=error b=inactive c=inactive");
}

#[test]
fn a_service_that_will_not_end_is_killed_with_its_children() {
    let pebble = Pebble::process();
    let child = pebble.folder.path().join("child");
    let layer = format!(
        "services: {{deaf: {{override: replace, kill-delay: 200ms, command: \"sh -c 'trap : TERM; sleep 1000 & echo $! > {}; while true; do sleep 1000; done'\"}}}}",
        child.display()
    );
    pebble.layer(&layer);
    pebble.services("start", &["deaf"]);
    let pid = fs_err::read_to_string(&child).unwrap().trim().to_owned();
    let is_there =
        || fs_err::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    let change = pebble.services("stop", &["deaf"]);
    assert_eq!(change["status"], "Done");
    wait_until("the end of the child", || !is_there());
}

#[test]
fn the_end_of_the_server_is_the_end_of_its_processes() {
    let pebble = Pebble::process();
    let file = pebble.folder.path().join("pid");
    pebble.layer(&format!(
        "services: {{a: {{override: replace, command: \"sh -c 'echo $$ > {}; sleep 1000'\"}}}}",
        file.display()
    ));
    pebble.services("start", &["a"]);
    let pid = fs_err::read_to_string(&file).unwrap().trim().to_owned();
    drop(pebble.server);
    wait_until("the end of the service", || {
        fs_err::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
    });
}

#[test]
fn commands_have_input_output_and_errors() {
    let pebble = Pebble::process();
    let body = json!({"command": ["sh", "-c", "cat; echo ERR >&2; exit 3"], "split-stderr": true});
    let (output, errors, change) = pebble.exec(&body, Some(b"input"));
    assert_eq!((output.as_str(), errors.as_str()), ("input", "ERR\n"));
    assert_eq!(change["tasks"][0]["data"]["exit-code"], 3);
    let (output, _, _) = pebble.exec(&json!({"command": ["pwd"], "working-dir": "/usr"}), None);
    assert_eq!(output, "/usr\n");
    let (_, _, change) = pebble.exec(&json!({"command": ["sleep", "10"], "timeout": "100ms"}), None);
    assert_eq!(
        change["err"],
        "cannot perform the following tasks:\n- Execute command \"sleep\" (timed out after 100ms: context deadline exceeded)"
    );
    assert_eq!(
        pebble.post("/v1/exec", &json!({"command": ["no-such-program"]})).message(),
        "400 cannot find executable \"no-such-program\""
    );
    assert_eq!(
        pebble.post("/v1/exec", &json!({"command": ["true"], "working-dir": "/none"})).message(),
        "500 cannot call exec: working directory \"/none\" does not exist"
    );
    let big = "x".repeat(1 << 20);
    let (output, _, _) = pebble.exec(&json!({"command": ["cat"]}), Some(big.as_bytes()));
    assert_eq!(output.len(), big.len());
}

#[test]
fn a_command_can_be_signalled_and_given_up() {
    let pebble = Pebble::process();
    let reply = pebble.post("/v1/exec", &json!({"command": ["sleep", "1000"]}));
    let task = reply.result()["task-id"].as_str().unwrap().to_owned();
    let mut control = pebble.websocket(&task, "control");
    let _stdio = pebble.websocket(&task, "stdio");
    let message = json!({"command": "signal", "signal": {"name": "SIGTERM"}});
    let control = std::cell::RefCell::new(&mut control);
    wait_until("the process", || {
        // What arrives before the process is there has nobody to go to.
        let _ = control.borrow_mut().send(tungstenite::Message::text(message.to_string()));
        let change =
            pebble.get(&format!("/v1/changes/{}", reply.json()["change"].as_str().unwrap())).result();
        change["tasks"][0]["data"]["exit-code"] == 143
    });
    let reply = pebble.post("/v1/exec", &json!({"command": ["sleep", "1000"]}));
    let change = reply.json()["change"].as_str().unwrap().to_owned();
    let task = reply.result()["task-id"].as_str().unwrap().to_owned();
    let _stdio = pebble.websocket(&task, "stdio");
    let path = format!("/v1/changes/{change}");
    assert_eq!(pebble.post(&path, &json!({"action": "abort"})).status, 200);
    assert_eq!(pebble.wait(&change)["ready"], true);
    assert_eq!(
        pebble.post(&path, &json!({"action": "abort"})).message(),
        format!("400 cannot abort change {change} with nothing pending")
    );
}

#[test]
fn checks_are_made() {
    let pebble = Pebble::process();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let layer = format!(
        "checks:\n  good: {{override: replace, period: 50ms, tcp: {{host: 127.0.0.1, port: {port}}}}}\n  bad: {{override: replace, period: 50ms, threshold: 1, exec: {{command: \"sh -c 'echo why; exit 4'\"}}}}\n  slow: {{override: replace, period: 100ms, timeout: 50ms, threshold: 1, exec: {{command: sleep 10}}}}\n  web: {{override: replace, period: 50ms, threshold: 1, http: {{url: 'http://127.0.0.1:1/'}}}}\n"
    );
    assert_eq!(pebble.layer(&layer).status, 200);
    wait_until("the results", || {
        let checks = pebble.get("/v1/checks").result();
        let statuses: Vec<_> = checks
            .as_array()
            .unwrap()
            .iter()
            .map(|check| check["status"].as_str().unwrap().to_owned())
            .collect();
        statuses == ["down", "up", "down", "down"] && checks[1]["successes"].as_i64().unwrap() > 0
    });
    let refresh =
        |name: &str| pebble.post("/v1/checks/refresh", &json!({"name": name})).result()["error"].clone();
    assert_eq!(refresh("bad"), "exit status 4; why");
    assert_eq!(refresh("slow"), "check timed out after 50ms");
    assert_eq!(refresh("good"), json!(null));
    assert_eq!(pebble.get("/v1/health").status, 502);
}

#[test]
fn processes_see_the_root_of_the_container() {
    let pebble = Pebble::start(|options| {
        options.workload = Workload::Process;
        options.clock = Clock::Real;
    });
    if !rustix::process::geteuid().is_root() {
        // Nobody else may enter another root; the programs are the machine's then, in the folder of the root.
        let (output, _, _) = pebble.exec(&json!({"command": ["pwd"]}), None);
        assert_eq!(output.trim(), pebble.root().canonicalize_utf8().unwrap());
        return;
    }
    let reply = pebble.post("/v1/exec", &json!({"command": ["sh"]}));
    assert_eq!(reply.message(), "400 cannot find executable \"sh\"");
    let layer = "services: {a: {override: replace, command: /bin/a}}";
    pebble.layer(layer);
    let change = pebble.services("start", &["a"]);
    assert!(change["err"].as_str().unwrap().contains("fork/exec /bin/a: no such file or directory"));
}

#[test]
fn processes_do_not_live_in_virtual_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8Path::from_path(folder.path()).unwrap();
    let mut options = Options::new(path.join("socket"), path);
    options.workload = Workload::Process;
    assert!(matches!(Server::start(options.clone()), Err(PebbleError::ProcessInVirtualTime)));
    options.workload = Workload::Simulated(ExecRules::default());
    options.root = path.join("none");
    assert!(matches!(Server::start(options.clone()), Err(PebbleError::Root { .. })));
    options.root = path.to_owned();
    options.socket = path.join("none/socket");
    assert!(matches!(Server::start(options), Err(PebbleError::Socket { .. })));
}
