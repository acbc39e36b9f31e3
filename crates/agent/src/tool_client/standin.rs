//! The same program in its other part: started under the name of a program that cannot run in a
//! unit, it asks the agent what that would have printed and done, and prints and does it.
//!
//! It never reads its standard input, which may be one that nobody closes.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{FRAME_BYTES_MAX, closed, connect, put, put_count};

/// What the program is called where it is a stand-in.
pub(super) const FILE: &str = ".stand-in";
/// Set for a process that is to stay, to the name that it is seen under.
const DAEMON: &str = "CHARMPROOF_DAEMON";
/// Programs that look users up where the C library does.
const USERS: [&str; 10] = [
    "useradd", "adduser", "usermod", "userdel", "deluser", "groupadd", "addgroup", "groupdel", "delgroup", "gpasswd",
];
/// Where files of systemd's units lie.
const UNITS: [&str; 3] = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];
/// The ends of the names of units; without one it is a service.
const KINDS: [&str; 11] = [
    ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope",
];

/// Signals that ask for something, and would end a process that does not know them.
const REQUESTS: [i32; 3] = [1, 10, 12];

unsafe extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
}

/// The program itself, if it was started as a stand-in.
pub(super) fn own_file() -> Option<PathBuf> {
    let file = fs::read_link("/proc/self/exe").ok()?;
    if file.file_name()? == FILE {
        return Some(file);
    }
    // It may lie in the place of the host's own program as well, where it has that one's name.
    let this = fs::metadata("/proc/self/exe").ok()?;
    let mut folders = env::split_paths(&env::var_os("PATH")?).collect::<Vec<_>>().into_iter();
    folders.find_map(|folder| {
        let candidate = folder.join(FILE);
        let is_this = fs::metadata(&candidate)
            .is_ok_and(|other| (other.dev(), other.ino()) == (this.dev(), this.ino()));
        is_this.then_some(candidate)
    })
}

/// Returns where a program is found whose own folder cannot be written to: beside this one.
fn beside(own: &Path, path: &Path) -> Option<PathBuf> {
    let is_program = path.parent().is_some_and(|folder| folder.ends_with("bin") || folder.ends_with("sbin"));
    Some(own.parent()?.join(path.file_name()?)).filter(|_| is_program)
}

/// Asks, prints and does what the agent says.
pub(super) fn call(own: &Path, arguments: &[Vec<u8>]) -> io::Result<u8> {
    if let Some(name) = env::var_os(DAEMON) {
        stay(name.as_bytes());
    }
    let mut stream = connect()?;
    stream.write_all(&request(arguments)?)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).map_err(closed)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other("the unit agent sent no reply that can be read"));
    }
    let mut reply = vec![0; length];
    stream.read_exact(&mut reply).map_err(closed)?;
    let mut reader = Reader { bytes: &reply };
    let code = reader.number()?.to_le_bytes()[0];
    let stdout = reader.counted()?;
    let stderr = reader.counted()?;
    for _ in 0..reader.count()? {
        act(own, &mut reader)?;
    }
    io::stdout().write_all(stdout)?;
    io::stderr().write_all(stderr)?;
    Ok(code)
}

/// Does nothing until it is ended.
fn stay(name: &[u8]) -> ! {
    let _ = fs::write("/proc/self/comm", name);
    for number in REQUESTS {
        // SAFETY: ignoring a signal (the handler 1 is `SIG_IGN`) touches no memory of ours.
        unsafe {
            signal(number, 1);
        }
    }
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

fn request(arguments: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut payload = vec![b'S'];
    put_count(&mut payload, arguments.len())?;
    for argument in arguments {
        put(&mut payload, argument);
    }
    payload.push(0);
    let mut attachments: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    if let Ok(folder) = env::current_dir() {
        attachments.push((b".".to_vec(), folder.as_os_str().as_bytes().to_vec()));
    }
    for path in files(arguments) {
        if let Ok(content) = fs::read(&path) {
            attachments.push((path.into_bytes(), content));
        }
    }
    put_count(&mut payload, attachments.len())?;
    for (path, content) in attachments {
        put(&mut payload, &path);
        put(&mut payload, &content);
    }
    if payload.len() > FRAME_BYTES_MAX {
        return Err(io::Error::other("too much was given to the program"));
    }
    let mut frame = Vec::with_capacity(payload.len() + 4);
    put(&mut frame, &payload);
    Ok(frame)
}

/// Returns the files that the answer depends on.
fn files(arguments: &[Vec<u8>]) -> Vec<String> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| std::str::from_utf8(word).ok()).collect();
    let Some((program, rest)) = words.split_first() else { return Vec::new() };
    let program = program.rsplit('/').next().unwrap_or(program);
    if USERS.contains(&program) {
        return vec!["/etc/passwd".into(), "/etc/group".into()];
    }
    if program != "systemctl" && program != "service" {
        return Vec::new();
    }
    let mut files = Vec::new();
    for word in rest.iter().filter(|word| !word.starts_with('-')) {
        let word = word.rsplit('/').next().unwrap_or(word);
        let has_kind = KINDS.iter().any(|kind| word.ends_with(kind));
        let unit = if has_kind { word.to_owned() } else { format!("{word}.service") };
        // `worker@1.service` is an instance of `worker@.service`.
        let template = unit.split_once('@').and_then(|(name, rest)| Some(format!("{name}@.{}", rest.rsplit_once('.')?.1)));
        for name in std::iter::once(unit).chain(template) {
            files.extend(UNITS.iter().map(|folder| format!("{folder}/{name}")));
        }
    }
    files
}

fn act(own: &Path, reader: &mut Reader<'_>) -> io::Result<()> {
    match reader.byte()? {
        b'W' => {
            let path = reader.path()?;
            let mode = reader.number()?;
            make_room(&path)?;
            fs::write(&path, reader.counted()?)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
        }
        b'R' => {
            let path = reader.path()?;
            if let Some(link) = beside(own, &path).filter(|link| link.is_symlink()) {
                fs::remove_file(link)?;
            }
            match fs::remove_file(path) {
                Err(error) if !is_harmless(&error) => Err(error),
                Err(_) | Ok(()) => Ok(()),
            }
        }
        b'P' => {
            let path = reader.path()?;
            let is_assumed = reader.byte()? == 1;
            if is_assumed && has_real(own, &path) {
                return Ok(());
            }
            let places = [Some(path.clone()), beside(own, &path)];
            for place in places.into_iter().flatten() {
                match make_room(&place).and_then(|()| symlink(own, &place)) {
                    Err(error) if !is_harmless(&error) => return Err(error),
                    Err(_) | Ok(()) => {}
                }
            }
            Ok(())
        }
        b'D' => {
            let name = String::from_utf8_lossy(reader.counted()?).into_owned();
            let mut arguments = Vec::new();
            for _ in 0..reader.count()? {
                arguments.push(String::from_utf8_lossy(reader.counted()?).into_owned());
            }
            let pid_file = reader.path()?;
            let child = Command::new(own)
                .arg0(&name)
                .args(arguments)
                .env(DAEMON, &name)
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()?;
            if !pid_file.as_os_str().is_empty() {
                make_room(&pid_file)?;
                fs::write(&pid_file, format!("{}\n", child.id()))?;
            }
            Ok(())
        }
        _ => Err(io::Error::other("the unit agent asks for something unknown")),
    }
}

/// Whether it does not matter: it is there or gone already, or the host's folders are only shown.
fn is_harmless(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied
    )
}

fn make_room(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    }
}

/// Whether a program of this name is there that is no stand-in.
fn has_real(own: &Path, path: &Path) -> bool {
    let (Some(name), Some(search_path)) = (path.file_name(), env::var_os("PATH")) else { return false };
    env::split_paths(&search_path).any(|folder| {
        let program = folder.join(name);
        let is_file = program.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0);
        is_file && fs::canonicalize(&program).is_ok_and(|real| real.file_name() != own.file_name())
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        if count > self.bytes.len() {
            return Err(io::Error::other("the unit agent's reply ends too early"));
        }
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn count(&mut self) -> io::Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn number(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn counted(&mut self) -> io::Result<&'a [u8]> {
        let count = self.number()? as usize;
        self.take(count)
    }

    fn path(&mut self) -> io::Result<PathBuf> {
        Ok(PathBuf::from(std::ffi::OsStr::from_bytes(self.counted()?)))
    }
}
