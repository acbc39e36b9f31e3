//! The program behind every hook tool. It is started under the tool's name, hands all that
//! it was given to the unit agent, and prints what comes back.
//!
//! It is one file without dependencies, because it starts thousands of times: what is not
//! in it needs no loading. `protocol.rs` of the agent says what goes over the socket.
//! As `juju-exec` it has commands run in a hook's context (`exec.rs`). Under another file name it is the stand-in for programs that cannot run (`standin.rs`).

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::process::ExitCode;

mod exec;
mod standin;

/// Where the agent listens; a name that begins with `@` is no file.
const ADDRESS: &str = "JUJU_AGENT_SOCKET_ADDRESS";
/// Which hook the tool is called by.
const CONTEXT: &str = "JUJU_CONTEXT_ID";
/// The longest path that is an address of a socket, which ends with a zero.
const ADDRESS_BYTES_MAX: usize = 107;
/// The most that one frame holds.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The tools of which an argument may name a file to read.
const READERS: [&[u8]; 7] = [
    b"relation-set",
    b"state-set",
    b"secret-add",
    b"secret-set",
    b"pod-spec-set",
    b"k8s-spec-set",
    b"k8s-raw-set",
];

fn main() -> ExitCode {
    let arguments: Vec<Vec<u8>> = env::args_os().map(OsString::into_vec).collect();
    let answer = match standin::own_file() {
        Some(own) => standin::call(&own, &arguments),
        None if exec::is_called_as(&arguments) => exec::call(&arguments),
        None => call(&arguments),
    };
    match answer {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "ERROR {error}");
            ExitCode::FAILURE
        }
    }
}

fn call(arguments: &[Vec<u8>]) -> io::Result<u8> {
    let request = request(arguments)?;
    let reply = ask(connect()?, &request)?;
    print(&reply, output_file(arguments))
}

/// Sends a request and returns the payload of the reply.
fn ask(mut stream: UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).map_err(closed)?;
    let length = u32::from_le_bytes(length) as usize;
    if !(8..=FRAME_BYTES_MAX).contains(&length) {
        return Err(io::Error::other("the unit agent sent no reply that can be read"));
    }
    let mut reply = vec![0; length];
    stream.read_exact(&mut reply).map_err(closed)?;
    Ok(reply)
}

/// Prints what came back, and returns the exit code.
fn print(reply: &[u8], file: Option<Vec<u8>>) -> io::Result<u8> {
    let number = |at: usize| u32::from_le_bytes([reply[at], reply[at + 1], reply[at + 2], reply[at + 3]]);
    let code = number(0).to_le_bytes()[0];
    let end = (8 + number(4) as usize).min(reply.len());
    let (stdout, stderr) = (&reply[8..end], &reply[end..]);
    match file {
        Some(path) if code == 0 => fs::write(OsString::from_vec(path), stdout)?,
        Some(_) | None => io::stdout().write_all(stdout)?,
    }
    io::stderr().write_all(stderr)?;
    Ok(code)
}

fn closed(_: io::Error) -> io::Error {
    io::Error::other("the unit agent closed the connection")
}

fn connect() -> io::Result<UnixStream> {
    let address = env::var_os(ADDRESS).ok_or_else(|| io::Error::other(format!("{ADDRESS} not set")))?;
    connect_to(&address)
}

fn connect_to(address: &OsStr) -> io::Result<UnixStream> {
    let stream = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?),
        None if address.len() > ADDRESS_BYTES_MAX => connect_far(Path::new(address)),
        None => UnixStream::connect(address),
    };
    stream.map_err(|error| io::Error::other(format!("cannot reach the unit agent: {error}")))
}

/// Connects to a socket whose path is longer than an address can be: by way of its folder.
fn connect_far(path: &Path) -> io::Result<UnixStream> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let folder = fs::File::open(folder)?;
    UnixStream::connect(Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name))
}

/// Returns the frame that asks for the tool, with all that it is to read.
fn request(arguments: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let files = files(arguments);
    let mut payload = match env::var_os(CONTEXT) {
        Some(context_id) if !context_id.is_empty() => {
            let mut payload = vec![b'C'];
            put(&mut payload, context_id.as_bytes());
            payload
        }
        Some(_) | None => vec![b'T'],
    };
    put_count(&mut payload, arguments.len())?;
    for argument in arguments {
        put(&mut payload, argument);
    }
    if files.iter().any(|path| path == b"-") {
        let mut stdin = Vec::new();
        io::stdin().read_to_end(&mut stdin)?;
        payload.push(1);
        put(&mut payload, &stdin);
    } else {
        payload.push(0);
    }
    // Of a file that cannot be read, the agent says what Juju says.
    let read: Vec<(&Vec<u8>, Vec<u8>)> = files
        .iter()
        .filter(|path| *path != b"-" && std::str::from_utf8(path).is_ok())
        .filter_map(|path| Some((path, fs::read(OsString::from_vec(path.clone())).ok()?)))
        .collect();
    put_count(&mut payload, read.len())?;
    for (path, content) in read {
        put(&mut payload, path);
        put(&mut payload, &content);
    }
    if payload.len() > FRAME_BYTES_MAX {
        return Err(io::Error::other("too much was given to the tool"));
    }
    let mut frame = Vec::with_capacity(payload.len() + 4);
    put(&mut frame, &payload);
    Ok(frame)
}

fn put(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
}

fn put_count(bytes: &mut Vec<u8>, count: usize) -> io::Result<()> {
    let count = u16::try_from(count).map_err(|_| io::Error::other("too many arguments"))?;
    bytes.extend(count.to_le_bytes());
    Ok(())
}

/// Returns the files that the arguments name, `-` for standard input.
fn files(arguments: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let Some((name, rest)) = arguments.split_first() else { return Vec::new() };
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if !READERS.contains(&name) {
        return Vec::new();
    }
    let mut files = options(rest, &[b"--file", b"--k8s-resources"]);
    // Files of secrets are arguments, which may also stand behind `--`.
    if name.starts_with(b"secret-") {
        const MARK: &[u8] = b"#file=";
        for argument in rest {
            let mark = argument.windows(MARK.len()).position(|part| part == MARK);
            let first_equals = argument.iter().position(|byte| *byte == b'=');
            if let (Some(mark), Some(equals)) = (mark, first_equals) {
                if mark + MARK.len() == equals + 1 {
                    files.push(argument[equals + 1..].to_vec());
                }
            }
        }
    }
    files
}

/// Returns the file that the output is to go to.
fn output_file(arguments: &[Vec<u8>]) -> Option<Vec<u8>> {
    let rest = arguments.get(1..).unwrap_or_default();
    options(rest, &[b"-o", b"--output"]).pop().filter(|path| !path.is_empty())
}

/// Returns the values of some options.
fn options(arguments: &[Vec<u8>], names: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == b"--" {
            break;
        }
        for name in names {
            if argument == name {
                values.extend(rest.next().cloned());
                break;
            }
            let attached = argument.strip_prefix(*name).and_then(|value| {
                if name.starts_with(b"--") { value.strip_prefix(b"=") } else { Some(value) }
            });
            if let Some(value) = attached {
                values.push(value.to_vec());
                break;
            }
        }
    }
    values
}
