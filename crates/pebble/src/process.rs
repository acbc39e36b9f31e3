//! Starts real processes inside the container's root, and waits for them.
//!
//! A process leads a group of its own, so that it can be ended with its children. Into a root other than the
//! host's it is started with `chroot` where that is allowed, and else in the folder that the root maps to.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::files::Ids;
use crate::files::root::Root;
use crate::plan::quoted;

/// Where programs are looked for if the environment does not say.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is started.
pub(crate) struct Launch<'a> {
    pub(crate) words: &'a [String],
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// Inside the root; empty for the root itself.
    pub(crate) working_dir: &'a str,
    pub(crate) ids: Option<Ids>,
    pub(crate) stdin: Stdio,
    pub(crate) stdout: Stdio,
    pub(crate) stderr: Stdio,
}

/// Says whether a root has to be entered with `chroot`, and may be.
fn enters(root: &Root) -> bool {
    !root.is_host() && rustix::process::geteuid().is_root()
}

/// Says whether a program can be found by what is started in the root.
pub(crate) fn has_program(root: &Root, name: &str, environment: &BTreeMap<String, String>) -> bool {
    let search = environment.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    if root.is_host() || enters(root) {
        return root.find_program(name, search);
    }
    // Without chroot it is the host's programs that run.
    let is_program = |path: &str| fs_err::metadata(path).is_ok_and(|data| data.is_file());
    if name.contains('/') {
        is_program(name)
    } else {
        search.split(':').any(|folder| is_program(&format!("{folder}/{name}")))
    }
}

/// Starts a process. The error is in the words of Go.
pub(crate) fn launch(root: &Root, launch: Launch<'_>) -> Result<Child, String> {
    let Launch { words, environment, working_dir, ids, stdin, stdout, stderr } = launch;
    let Some((program, arguments)) = words.split_first() else {
        return Err("exec: no command".into());
    };
    if !has_program(root, program, environment) {
        return Err(if program.contains('/') {
            format!("fork/exec {program}: no such file or directory")
        } else {
            format!("exec: {}: executable file not found in $PATH", quoted(program))
        });
    }
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment);
    command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
    if let Some(ids) = ids.filter(|ids| !is_current(*ids)) {
        command.gid(ids.group).uid(ids.user);
    }
    let failed = |error: std::io::Error| format!("fork/exec {program}: {}", error.kind_text());
    if enters(root) {
        return in_root(root, working_dir, command).map_err(failed);
    }
    let folder = if root.is_host() { working_dir.to_owned() } else { mapped(root, working_dir) };
    if !folder.is_empty() {
        command.current_dir(folder);
    }
    command.spawn().map_err(failed)
}

fn is_current(ids: Ids) -> bool {
    rustix::process::geteuid().as_raw() == ids.user && rustix::process::getegid().as_raw() == ids.group
}

/// Where a folder of the container is on the host, as far as its text says.
fn mapped(root: &Root, folder: &str) -> String {
    let parts = folder.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    parts.fold(root.path().to_owned(), |path, part| path.join(part)).into_string()
}

/// What an error of the system is in the words of Go.
trait KindText {
    fn kind_text(&self) -> String;
}

impl KindText for std::io::Error {
    fn kind_text(&self) -> String {
        let text = self.to_string();
        let text = text.split(" (os error").next().unwrap_or(&text);
        text.to_lowercase()
    }
}

/// Starts a process from a thread that has the root as its own: a thread may leave the folders of the others
/// behind, and what it starts inherits its own.
fn in_root(root: &Root, working_dir: &str, mut command: Command) -> std::io::Result<Child> {
    let working_dir = if working_dir.is_empty() { "/" } else { working_dir };
    std::thread::scope(|scope| {
        let started =
            std::thread::Builder::new().name("pebble-launch".into()).spawn_scoped(scope, move || {
                nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS)?;
                nix::unistd::chroot(root.path().as_std_path())?;
                nix::unistd::chdir(working_dir)?;
                command.spawn()
            });
        match started?.join() {
            Ok(result) => result,
            Err(_) => Err(std::io::Error::other("the thread that starts processes ended")),
        }
    })
}

/// The exit code as Pebble counts it: a signal is 128 and its number.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Waits for the end of a process, until a time if one is given, and does not collect it. Says whether it
/// has ended.
pub(crate) fn ends_by(child: &Child, deadline: Option<Instant>) -> bool {
    // A process that cannot be watched is waited for when it is collected.
    let Some(handle) = handle_of(child) else { return true };
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], timeout.as_ref()) {
            Ok(0) if left.is_some_and(|left| left.is_zero()) => return false,
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
}

/// Opens a process, to wait for its end without collecting it.
pub(crate) fn handle_of(child: &Child) -> Option<OwnedFd> {
    pidfd_open(pid_of(child)?, PidfdFlags::empty()).ok()
}

/// The process' number.
pub(crate) fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// Kills a process that has not been waited for, and its group.
pub(crate) fn kill_group(child: &Child) {
    if let Some(pid) = pid_of(child) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}
