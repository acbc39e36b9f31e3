//! The `juju` that people type: it hands its words to the supervisor, which it starts if there is
//! none, and ends as the supervisor says.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use crate::place::DataFolder;
use crate::terminal::RawTerminal;
use crate::wire::{self, Reply, Request};

/// The variables that commands look at.
const VARIABLES: [&str; 22] = [
    "CHARMHUB_URL",
    "CHARMPROOF_CACHE",
    "CHARMPROOF_CACHE_DIR",
    "CHARMPROOF_CHARMHUB",
    "CHARMPROOF_CHARMHUB_URL",
    "CHARMPROOF_IMAGES",
    "CHARMPROOF_JUJU_TIMEOUT",
    "COLUMNS",
    "HOME",
    "JUJU_CONTROLLER",
    "JUJU_DATA",
    "JUJU_MODEL",
    "JUJU_STATUS_ISO_TIME",
    "LINES",
    "NO_COLOR",
    "PATH",
    "TERM",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];
/// How often a supervisor that ends at that moment is replaced by another one.
const TRIES_MAX: u32 = 20;
/// What a supervisor prints when it can be talked to.
pub(crate) const READY: &str = "ready";

/// Runs a command line, and returns the exit code. `words` are those behind `juju`.
///
/// `program` are the program and its arguments that a supervisor is started with; the data folder
/// follows.
pub fn run(words: Vec<String>, program: &[String]) -> i32 {
    match ask(words, program) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("ERROR cannot reach the local controller: {error}"));
            1
        }
    }
}

#[expect(clippy::print_stderr, reason = "there is nobody else yet who could say it")]
fn complain(message: &str) {
    eprintln!("{message}");
}

fn ask(words: Vec<String>, program: &[String]) -> io::Result<i32> {
    let folder = DataFolder::of(&|name| std::env::var(name).ok())?;
    let cwd = std::env::current_dir()?;
    let cwd =
        Utf8PathBuf::from_path_buf(cwd).map_err(|_| io::Error::other("the current folder is not UTF-8"))?;
    let env: BTreeMap<String, String> =
        VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    let request = Request { words, cwd, env };
    for _ in 0..TRIES_MAX {
        let mut stream = supervisor(&folder, program)?;
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let sent = wire::send_request(&mut stream, &request, [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]);
        // One that ends just now has not done anything yet.
        let taken = sent.and_then(|()| wire::receive::<Reply>(&mut stream));
        match taken {
            Ok(Reply::Taken) => return attend(&mut stream),
            Ok(Reply::Done(code)) => return Ok(code),
            Ok(Reply::Ending | Reply::Terminal) | Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    Err(io::Error::other("it ends again and again; see supervisor.log in its data folder"))
}

/// Waits for the end of a command, and leaves it the terminal if it asks for that. The terminal is as it was
/// when this returns.
fn attend(stream: &mut UnixStream) -> io::Result<i32> {
    let mut terminal = None;
    loop {
        match wire::receive::<Reply>(stream) {
            Ok(Reply::Terminal) => {
                terminal = terminal.or_else(|| RawTerminal::begin().ok());
                stream.write_all(&[wire::TERMINAL_IS_LEFT])?;
            }
            Ok(Reply::Done(code)) => return Ok(code),
            Ok(Reply::Taken | Reply::Ending) => return Err(io::ErrorKind::InvalidData.into()),
            Err(error) => {
                return Err(io::Error::other(format!(
                    "it ended in the middle ({error}); what it did is kept, try `juju status`"
                )));
            }
        }
    }
}

/// Connects to the supervisor of a data folder, or starts it.
fn supervisor(folder: &DataFolder, program: &[String]) -> io::Result<UnixStream> {
    if let Ok(stream) = wire::connect(&folder.socket()) {
        return Ok(stream);
    }
    folder.make()?;
    // Of several commands at once, one starts it.
    let _starting = folder.lock_start()?;
    if let Ok(stream) = wire::connect(&folder.socket()) {
        return Ok(stream);
    }
    start(folder.path(), &folder.log(), program)?;
    wire::connect(&folder.socket())
}

fn start(folder: &Utf8Path, log: &Utf8Path, program: &[String]) -> io::Result<()> {
    let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let log = fs_err::OpenOptions::new().create(true).append(true).open(log)?;
    let mut child = Command::new(name)
        .args(arguments)
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.into_parts().0)
        .spawn()?;
    let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut line = String::new();
    // On a host that is busy it takes long, and is no worse for it.
    let count = BufReader::new(stdout).read_line(&mut line)?;
    if count == 0 || line.trim() != READY {
        let _ = child.kill();
        let _ = child.wait();
        let why = if line.is_empty() {
            "it did not start; see supervisor.log in its data folder"
        } else {
            line.trim()
        };
        return Err(io::Error::other(why.to_owned()));
    }
    Ok(())
}
