//! The program that a charm finds under the name of each hook tool.
//!
//! It is built with this crate (`build.rs`), carried in it, and written to wherever a charm
//! is to find it.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};

use camino::Utf8Path;
use fs_err as fs;

use crate::state::Juju;
use crate::tools::Tool;

/// The program.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tool"));
/// What it is called in the folder of the tools, where nobody looks for it by this name.
const FILE: &str = ".hook-tool";

/// Whether the program needs no C library where it runs, so that it runs in any root filesystem.
/// Where there is no static C library to build it with, it needs the one that it was built with.
pub const IS_STATIC: bool = matches!(env!("CHARMPROOF_TOOL_LINKAGE").as_bytes(), b"static");

/// The name under which the program runs commands in a hook's context (`juju-exec`).
pub const EXEC: &str = "juju-exec";

/// Writes the program into a folder, which is made if need be, and links to it under the
/// name of each tool that this Juju has.
///
/// Nothing may be started by another thread meanwhile: it would hold the file open for
/// writing, and Linux starts no program that is being written.
pub fn install_tools(folder: &Utf8Path, juju: &Juju) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    install_program(&folder.join(FILE))?;
    link_tools(folder, Utf8Path::new(FILE), juju)
}

/// Writes the program to a file. One file serves all units that see it, with [`link_tools`].
pub fn install_program(path: &Utf8Path) -> io::Result<()> {
    fs::write(path, PROGRAM)?;
    fs::set_permissions(path, PermissionsExt::from_mode(0o755))
}

/// Links to the program under the name of each tool that this Juju has, in a folder that is made
/// if need be. `program` is where the program is for those who follow the links. Links that are
/// there are left.
pub fn link_tools(folder: &Utf8Path, program: &Utf8Path, juju: &Juju) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for tool in Tool::all().filter(|tool| tool.exists_in(juju)) {
        link(program, &folder.join(tool.name()))?;
    }
    Ok(())
}

/// Links to the program as `juju-exec`, for people and programs on a unit's machine.
pub fn link_exec(folder: &Utf8Path, program: &Utf8Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    link(program, &folder.join(EXEC))
}

fn link(program: &Utf8Path, path: &Utf8Path) -> io::Result<()> {
    match symlink(program, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// What the same program is called where it is a stand-in; it looks at that name itself.
const STAND_IN_FILE: &str = ".stand-in";

/// Writes the program into a folder as a stand-in, and links to it under each of the names. More
/// names come with the packages that a charm installs.
///
/// As with the tools, nothing may be started by another thread meanwhile.
pub fn install_stand_ins<'a>(folder: &Utf8Path, names: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let program = folder.join(STAND_IN_FILE);
    fs::write(&program, PROGRAM)?;
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
    for name in names {
        symlink(STAND_IN_FILE, folder.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};
    use std::thread;

    use camino::Utf8PathBuf;
    use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};

    use super::*;
    use crate::protocol::{Request, read_frame, write_frame};
    use crate::tools::{Reply, ToolCall};

    struct Tools {
        _folder: tempfile::TempDir,
        path: Utf8PathBuf,
    }

    fn tools(line: JujuVersion) -> Tools {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("tools")).unwrap();
        install_tools(&path, &Juju::of_line(line, Platform::Machine)).unwrap();
        Tools { _folder: folder, path }
    }

    /// Runs a tool against an agent that gives one reply. Returns what the agent was asked,
    /// and what the tool did.
    fn run(tools: &Tools, arguments: &[&str], stdin: &str, reply: Reply) -> (ToolCall, std::process::Output) {
        let socket = tools.path.join("socket");
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let agent = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let payload = read_frame(&mut stream).unwrap().unwrap();
            write_frame(&mut stream, &reply.encode()).unwrap();
            Request::decode(&payload).unwrap().call
        });
        let mut child = Command::new(tools.path.join(arguments[0]))
            .args(&arguments[1..])
            .env("JUJU_AGENT_SOCKET_ADDRESS", &socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A tool that reads nothing may be gone by now.
        match io::Write::write_all(&mut child.stdin.take().unwrap(), stdin.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            other => other.unwrap(),
        }
        let output = child.wait_with_output().unwrap();
        (agent.join().unwrap(), output)
    }

    #[test]
    fn a_tool_hands_on_what_it_is_given_and_prints_what_comes_back() {
        let tools = tools(JujuVersion::V3_6);
        let reply = Reply { code: 2, stdout: b"out\n".to_vec(), stderr: b"ERROR bad\n".to_vec() };
        let (call, output) =
            run(&tools, &["relation-get", "-r", "1", "-", "db/0"], "not read", reply.clone());
        assert_eq!(call.name(), "relation-get");
        let rest: Vec<&[u8]> = call.arguments[1..].iter().map(Vec::as_slice).collect();
        assert_eq!(rest, [b"-r".as_slice(), b"1", b"-", b"db/0"]);
        assert_eq!((call.stdin, call.attachments.len()), (None, 0));
        assert_eq!(output.status.code(), Some(2));
        assert_eq!((output.stdout, output.stderr), (reply.stdout, reply.stderr));
    }

    #[test]
    fn a_tool_reads_what_its_arguments_name() {
        let tools = tools(JujuVersion::V3_6);
        let secret = tools.path.join("password");
        fs::write(&secret, "s3cret").unwrap();
        let argument = format!("password#file={secret}");
        let missing = "other#file=/nowhere/other";
        let (call, _) =
            run(&tools, &["secret-add", "--owner", "unit", &argument, missing], "", Reply::default());
        let expected = [(secret.to_string(), b"s3cret".to_vec())];
        assert_eq!(call.attachments.into_iter().collect::<Vec<_>>(), expected);
        let arguments = ["relation-set", "-r", "1", "--file=-"];
        let (call, _) = run(&tools, &arguments, "{\"a\": \"1\"}", Reply::default());
        assert_eq!(call.stdin.as_deref(), Some(b"{\"a\": \"1\"}".as_slice()));
    }

    #[test]
    fn the_output_goes_to_a_file_where_that_is_asked_for() {
        let tools = tools(JujuVersion::V3_6);
        let file = tools.path.join("output");
        let reply = Reply { stdout: b"True\n".to_vec(), ..Reply::default() };
        let (_, output) = run(&tools, &["is-leader", "-o", file.as_str()], "", reply);
        assert_eq!(output.stdout, b"");
        assert_eq!(fs::read(&file).unwrap(), b"True\n");
    }

    #[test]
    fn without_an_agent_a_tool_says_so() {
        let tools = tools(JujuVersion::V3_6);
        let run = |address: Option<&str>| {
            let mut command = Command::new(tools.path.join("is-leader"));
            command.env_remove("JUJU_AGENT_SOCKET_ADDRESS");
            if let Some(address) = address {
                command.env("JUJU_AGENT_SOCKET_ADDRESS", address);
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            String::from_utf8(output.stderr).unwrap()
        };
        assert_eq!(run(None), "ERROR JUJU_AGENT_SOCKET_ADDRESS not set\n");
        let nowhere = run(Some("/nowhere/socket"));
        assert!(nowhere.starts_with("ERROR cannot reach the unit agent: No such file"), "{nowhere}");
    }

    #[test]
    fn each_juju_has_its_own_tools() {
        let has = |line: JujuVersion, tool: &str| tools(line).path.join(tool).exists();
        assert!(has(JujuVersion::V2_9, "leader-set") && !has(JujuVersion::V2_9, "secret-get"));
        assert!(has(JujuVersion::V3_6, "leader-set") && has(JujuVersion::V3_6, "relation-model-get"));
        assert!(!has(JujuVersion::V4_0, "leader-set") && has(JujuVersion::V4_0, "secret-get"));
        assert!(!has(JujuVersion::V3_4, "relation-model-get"));
        assert!(has(JujuVersion::V3_6, "k8s-raw-set") && !has(JujuVersion::V4_0, "k8s-raw-set"));
    }
}
