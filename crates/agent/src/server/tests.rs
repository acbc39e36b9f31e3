//! Real tools that ask real servers.

use std::io::{Read as _, Write as _};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::Instant;

use camino::Utf8PathBuf;
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};

use super::*;
use crate::state::Juju;
use crate::tool_client::{EXEC, install_program, link_exec, link_tools};
use crate::tools::ToolCall;

/// A folder as `/var/lib/juju` of a machine with one unit.
struct Machine {
    _folder: tempfile::TempDir,
    data: Utf8PathBuf,
    agent: Utf8PathBuf,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        // Longer than the address of a socket may be.
        let data = root.join("a-folder-with-a-long-name/".repeat(5)).join("juju");
        let agent = data.join("agents/unit-web-0");
        fs::create_dir_all(&agent).unwrap();
        let tools = data.join("tools");
        let version = tools.join("3.6");
        fs::create_dir_all(&version).unwrap();
        install_program(&version.join("tool")).unwrap();
        let juju = Juju::of_line(JujuVersion::V3_6, Platform::Machine);
        for _ in 0..2 {
            // A second time finds all as it should be.
            link_tools(&tools.join("unit-web-0"), Utf8Path::new("../3.6/tool"), &juju).unwrap();
            link_exec(&data.join("bin"), Utf8Path::new("../tools/3.6/tool")).unwrap();
        }
        Self { _folder: folder, data, agent }
    }

    fn serve(&self, socket: &str, answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Server {
        Server::start(listen(&self.agent, socket).unwrap(), answer).unwrap()
    }

    /// A tool of the unit, of no hook.
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.data.join("tools/unit-web-0").join(name));
        command.env("JUJU_AGENT_SOCKET_ADDRESS", self.agent.join(TOOLS_SOCKET)).env_remove("JUJU_CONTEXT_ID");
        command
    }

    fn exec(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.data.join("bin").join(EXEC));
        command.env_remove("JUJU_CONTEXT_ID").args(arguments).output().unwrap()
    }
}

fn printed(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Answers as a unit does that runs the hook `web/0-start-7`.
fn answer(request: &Request) -> Reply {
    match request.context_id.as_deref() {
        Some("web/0-start-7") => {
            Reply { stdout: format!("{}\n", request.call.name()).into_bytes(), ..Reply::default() }
        }
        Some(other) => wrong_context(other),
        None => no_context(),
    }
}

#[test]
fn tools_of_the_hook_that_runs_are_answered() {
    let machine = Machine::new();
    let _server = machine.serve(TOOLS_SOCKET, answer);
    let check = |context: Option<&str>, expected: (i32, &str, &str)| {
        let mut tool = machine.tool("is-leader");
        if let Some(context) = context {
            tool.env("JUJU_CONTEXT_ID", context);
        }
        let (code, stdout, stderr) = printed(&tool.output().unwrap());
        assert_eq!((code, stdout.as_str(), stderr.as_str()), expected, "{context:?}");
    };
    check(Some("web/0-start-7"), (0, "is-leader\n", ""));
    check(Some("web/0-stop-1"), (1, "", "ERROR bad request: wrong context ID; got \"web/0-stop-1\"\n"));
    check(None, (1, "", "ERROR JUJU_CONTEXT_ID not set\n"));
    let mode = fs::metadata(machine.agent.join(TOOLS_SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn whoever_says_nothing_keeps_nobody_waiting() {
    let machine = Machine::new();
    let server = machine.serve(TOOLS_SOCKET, answer);
    let connect = || {
        let folder = fs::File::open(&machine.agent).unwrap();
        UnixStream::connect(format!("/proc/self/fd/{}/{TOOLS_SOCKET}", folder.as_raw_fd())).unwrap()
    };
    let mut silent: Vec<UnixStream> = (0..CONNECTIONS_MAX - 1).map(|_| connect()).collect();
    (&silent[0]).write_all(b"\xff\xff\xff\xffno frame").unwrap();
    (&silent[1]).write_all(&[2, 0, 0, 0, b'?', b'?']).unwrap();
    let mut tool = machine.tool("status-get");
    let output = tool.env("JUJU_CONTEXT_ID", "web/0-start-7").output().unwrap();
    assert_eq!(printed(&output), (0, "status-get\n".to_owned(), String::new()));
    // What is no request ends its connection.
    assert_eq!((&silent[1]).read(&mut [0; 8]).unwrap(), 0);
    // As many as there may be, and one that waits.
    silent.extend((0..3).map(|_| connect()));
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < CLIENT_TIMEOUT / 2, "the end waits for nobody who is silent");
    assert_eq!((&silent[2]).read(&mut [0; 8]).unwrap(), 0);
    let refused = printed(&machine.tool("status-get").output().unwrap());
    assert!(refused.2.starts_with("ERROR cannot reach the unit agent"), "{refused:?}");
}

#[test]
fn requests_are_answered_one_after_the_other() {
    let machine = Machine::new();
    let (mut running, mut most) = (0, 0);
    let (told, heard) = mpsc::channel();
    let server = machine.serve(TOOLS_SOCKET, move |_| {
        running += 1;
        most = most.max(running);
        thread::yield_now();
        running -= 1;
        told.send(most).unwrap();
        Reply::default()
    });
    let tools: Vec<_> = (0..8).map(|_| machine.tool("is-leader").spawn().unwrap()).collect();
    for mut tool in tools {
        assert!(tool.wait().unwrap().success());
    }
    drop(server);
    assert_eq!(heard.iter().collect::<Vec<_>>(), [1; 8]);
}

#[test]
fn an_answer_that_panics_ends_no_server() {
    let machine = Machine::new();
    let _server = machine.serve(TOOLS_SOCKET, |request| {
        assert_ne!(request.call.name(), "juju-log", "the test panics on purpose");
        Reply::default()
    });
    let failed = printed(&machine.tool("juju-log").arg("text").output().unwrap());
    assert_eq!((failed.0, failed.2.as_str()), (1, "ERROR the unit agent closed the connection\n"));
    assert!(machine.tool("is-leader").status().unwrap().success());
}

#[test]
fn juju_exec_asks_for_its_unit() {
    let machine = Machine::new();
    let (told, heard) = mpsc::channel();
    let _server = machine.serve(EXEC_SOCKET, move |request| {
        told.send(Commands::of(&request.call)).unwrap();
        Reply { code: 3, stdout: b"out\n".to_vec(), stderr: b"err\n".to_vec() }
    });
    let check = |arguments: &[&str], expected: Commands| {
        let output = printed(&machine.exec(arguments));
        assert_eq!(output, (3, "out\n".to_owned(), "err\n".to_owned()), "{arguments:?}");
        assert_eq!(heard.recv().unwrap(), Some(expected), "{arguments:?}");
    };
    let plain = |script: &str| Commands { script: script.to_owned(), ..Commands::default() };
    check(&["web/0", "hostname -f"], plain("hostname -f"));
    check(&["unit-web-0", "--", "echo", "it's", "-n"], plain("echo 'it'\"'\"'s' -n"));
    check(&["-u", "web/0", "hostname", "-f"], plain("hostname -f"));
    // The only unit of the machine needs no name.
    check(&["status-get"], plain("status-get"));
    check(&["-u", "", "--", "status-get"], plain("status-get"));
    let about_a_relation = Commands {
        relation: Some("db:1".to_owned()),
        remote_unit: Some("pg/0".into()),
        is_remote_unit_forced: true,
        ..plain("relation-get -")
    };
    let arguments = ["-r", "db:1", "--remote-unit=pg/0", "--force-remote-unit", "web/0", "relation-get -"];
    check(&arguments, about_a_relation);
}

#[test]
fn juju_exec_says_what_it_cannot_do() {
    let machine = Machine::new();
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let output = printed(&machine.exec(arguments));
        assert_eq!(output, (code, String::new(), format!("ERROR {expected}\n")), "{arguments:?}");
    };
    check(&[], 2, "missing unit-name");
    check(&["web/0"], 2, "missing commands");
    check(&["-u", "nothing", "ls"], 2, "\"nothing\" is not a valid tag");
    check(&["db/7", "ls"], 1, "unit \"db/7\" not found on this machine");
    check(&["--verbose", "ls"], 2, "option provided but not defined: --verbose");
    check(
        &["--no-context", "-u", "web/0", "ls"],
        2,
        "-no-context cannot be passed with an explicit unit-name (-u \"web/0\")",
    );
    let inside = Command::new(machine.data.join("bin").join(EXEC))
        .env("JUJU_CONTEXT_ID", "web/0-start-7")
        .args(["web/0", "ls"])
        .output()
        .unwrap();
    assert!(printed(&inside).2.contains("cannot be called from within a hook"), "{inside:?}");
    assert_eq!(
        printed(&machine.exec(&["--no-context", "echo here; exit 4"])),
        (4, "here\n".to_owned(), String::new())
    );
}

#[test]
fn the_relation_is_a_number_or_ends_in_one() {
    let check = |relation: Option<&str>, expected: Result<Option<u32>, &'static str>| {
        let commands = Commands { relation: relation.map(str::to_owned), ..Commands::default() };
        assert_eq!(commands.relation_id(), expected, "{relation:?}");
    };
    check(None, Ok(None));
    check(Some(""), Ok(None));
    check(Some("3"), Ok(Some(3)));
    check(Some("db:3"), Ok(Some(3)));
    check(Some("db"), Err("invalid relation id"));
    assert_eq!(Commands::of(&ToolCall::of(&["relation-get", "--", "x"])), None);
    assert_eq!(Commands::of(&ToolCall::of(&["juju-exec", "--what=x", "--", "x"])), None);
    assert_eq!(Commands::of(&ToolCall::of(&["juju-exec", "--"])), None);
}
