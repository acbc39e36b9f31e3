//! The same program as `juju-exec`: it has the unit's agent run commands in a hook's context, or
//! runs them itself without one (`--no-context`).
//!
//! What is wanted of the agent goes to a socket of its own, as a request for a tool of this name
//! whose options are spelt in one way (`agent::server` reads them).

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{CONTEXT, ask, connect_to, print, put, put_count};

/// What the program is called.
const NAME: &[u8] = b"juju-exec";
/// Where Juju has its things, unless the program lies among them somewhere else.
const DATA: &str = "/var/lib/juju";
/// The folder of the agents of this machine's units.
const AGENTS: &str = "agents";
/// The folder of the tools, beside that of the agents.
const TOOLS: &str = "tools";
/// The socket in the folder of an agent.
const SOCKET: &str = "run.socket";
/// How Juju ends when it does not understand its arguments.
const USAGE: u8 = 2;

/// Options that have a value, with the names that they are sent under.
const VALUES: [(&str, &str); 5] = [
    ("r", "relation"),
    ("relation", "relation"),
    ("remote-unit", "remote-unit"),
    ("remote-app", "remote-app"),
    ("u", "u"),
];
/// Options without one.
const SWITCHES: [&str; 3] = ["no-context", "force-remote-unit", "operator"];

/// Whether the program was started under this name.
pub(super) fn is_called_as(arguments: &[Vec<u8>]) -> bool {
    arguments.first().is_some_and(|name| name.rsplit(|byte| *byte == b'/').next() == Some(NAME))
}

/// Does what is asked for, and returns the exit code.
pub(super) fn call(arguments: &[Vec<u8>]) -> io::Result<u8> {
    match read(&arguments[1..]) {
        Ok(wanted) => run(&wanted),
        Err(message) => {
            eprintln!("ERROR {message}");
            Ok(USAGE)
        }
    }
}

/// What is wanted.
struct Wanted {
    /// The folder name of the unit: `unit-web-0`; none for no context at all.
    unit: Option<String>,
    /// What goes to the agent besides the commands.
    options: Vec<String>,
    commands: Vec<u8>,
}

fn read(arguments: &[Vec<u8>]) -> Result<Wanted, String> {
    if let Some(context) = env::var_os(CONTEXT).filter(|context| !context.is_empty()) {
        return Err(format!("juju-exec cannot be called from within a hook, have context {context:?}"));
    }
    let mut options = Vec::new();
    let mut unit = None;
    let mut is_without_context = false;
    let mut rest = arguments.iter();
    let mut words: Vec<&[u8]> = Vec::new();
    while let Some(argument) = rest.next() {
        let text = String::from_utf8_lossy(argument).into_owned();
        let option = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or_default();
        let (name, attached) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        if option.is_empty() {
            // What follows the commands' first word, or `--`, is theirs.
            words.extend((text != "--").then_some(argument.as_slice()));
            words.extend(rest.by_ref().map(Vec::as_slice));
        } else if let Some((_, sent)) = VALUES.iter().find(|(known, _)| *known == name) {
            let value =
                attached.or_else(|| rest.next().map(|value| String::from_utf8_lossy(value).into_owned()));
            let value = value.ok_or_else(|| format!("option needs an argument: -{name}"))?;
            if *sent == "u" { unit = Some(value) } else { options.push(format!("--{sent}={value}")) }
        } else if SWITCHES.contains(&name) {
            is_without_context |= name == "no-context";
            if name != "no-context" {
                options.push(format!("--{name}"));
            }
        } else {
            return Err(format!("option provided but not defined: {text}"));
        }
    }
    let unit = if is_without_context {
        if let Some(unit) = unit {
            return Err(format!("-no-context cannot be passed with an explicit unit-name (-u {unit:?})"));
        }
        None
    } else {
        Some(unit_of(unit, &mut words)?)
    };
    // `juju-exec UNIT -- COMMANDS` has a mark of its own behind the name of the unit.
    if words.first() == Some(&b"--".as_slice()) {
        words.remove(0);
    }
    let commands = match words.as_slice() {
        [] => return Err("missing commands".to_owned()),
        [one] => one.to_vec(),
        several => several.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(&b' '),
    };
    Ok(Wanted { unit, options, commands })
}

/// Returns the folder name of the unit that was named, or of the only one of this machine.
fn unit_of(named: Option<String>, words: &mut Vec<&[u8]>) -> Result<String, String> {
    match named {
        Some(name) if !name.is_empty() => tag_of(&name).ok_or_else(|| format!("{name:?} is not a valid tag")),
        Some(_) => only_unit().ok_or_else(|| "no unit".to_owned()),
        None => {
            let first = words.first().ok_or("missing unit-name")?;
            let first = String::from_utf8_lossy(first).into_owned();
            if let Some(tag) = tag_of(&first) {
                words.remove(0);
                return Ok(tag);
            }
            only_unit().ok_or_else(|| format!("{first:?} is not a valid tag"))
        }
    }
}

/// Returns the tag of a unit, which may be given as one: `unit-web-0` for `web/0`.
fn tag_of(name: &str) -> Option<String> {
    let (application, number) = match name.strip_prefix("unit-") {
        Some(rest) if !name.contains('/') => rest.rsplit_once('-')?,
        Some(_) | None => name.rsplit_once('/')?,
    };
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_unit =
        is_name(application) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_unit.then(|| format!("unit-{application}-{number}"))
}

/// Returns the folder of the agents.
fn agents() -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    let tools = own.ancestors().find(|folder| folder.file_name() == Some(OsStr::new(TOOLS)));
    tools.and_then(Path::parent).unwrap_or(Path::new(DATA)).join(AGENTS)
}

/// Returns the unit of this machine, if it has one only.
fn only_unit() -> Option<String> {
    let entries = fs::read_dir(agents()).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut units = names.filter(|name| name.starts_with("unit-")).filter_map(|name| tag_of(&name));
    units.next().filter(|_| units.next().is_none())
}

/// Returns a word as a shell reads it back.
fn quoted(word: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        return word.to_vec();
    }
    let mut quoted = vec![b'\''];
    for byte in word {
        if *byte == b'\'' {
            quoted.extend(b"'\"'\"'");
        } else {
            quoted.push(*byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

fn run(wanted: &Wanted) -> io::Result<u8> {
    let Some(unit) = &wanted.unit else {
        let status = Command::new("/bin/bash").arg("-c").arg(OsStr::from_bytes(&wanted.commands)).status()?;
        return Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
    };
    let folder: PathBuf = agents().join(unit);
    if !folder.is_dir() {
        let name = unit.strip_prefix("unit-").unwrap_or(unit);
        let (application, number) = name.rsplit_once('-').unwrap_or((name, ""));
        let name = format!("{application}/{number}");
        return Err(io::Error::other(format!("unit {name:?} not found on this machine")));
    }
    let mut arguments = vec![NAME.to_vec()];
    arguments.extend(wanted.options.iter().map(|option| option.clone().into_bytes()));
    arguments.extend([b"--".to_vec(), wanted.commands.clone()]);
    let mut payload = vec![b'T'];
    put_count(&mut payload, arguments.len())?;
    for argument in &arguments {
        put(&mut payload, argument);
    }
    payload.push(0);
    put_count(&mut payload, 0)?;
    let mut frame = Vec::with_capacity(payload.len() + 4);
    put(&mut frame, &payload);
    print(&ask(connect_to(folder.join(SOCKET).as_os_str())?, &frame)?, None)
}
