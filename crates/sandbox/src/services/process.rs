//! The last steps between our fork and the program of a service.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};

use camino::{Utf8Path, Utf8PathBuf};
use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Gid, Pid, Uid, chdir, chown, chroot, dup2_stderr, dup2_stdin, dup2_stdout, execve, getpid, setgroups,
    setresgid, setresuid, setsid,
};
use rustix::thread::CapabilitySet;

use super::plan::ProcessPlan;
use super::service::config::{Folder, Output};
use super::service::status::code_of;
use crate::sys::{self, Side};

/// A step that failed, and the code to exit with.
struct Failure {
    code: i32,
    text: String,
}

/// Starts a process; the answer is its number and whether its program took over. Where it did
/// not, the process says why on its standard error and exits with systemd's code for it.
///
/// The caller has one thread.
pub(super) fn start(plan: &ProcessPlan, journal: &OwnedFd, sockets: Vec<OwnedFd>) -> io::Result<(Pid, bool)> {
    let (mut answer, question) = io::pipe()?;
    match sys::fork_here()? {
        Side::Child => {
            drop(answer);
            let Err(failure) = become_service(plan, journal, sockets);
            let _ = (&question).write_all(b"-");
            let _ = writeln!(io::stderr(), "{}", failure.text);
            leave(failure.code)
        }
        Side::Parent { child } => {
            drop(question);
            let mut failure = Vec::new();
            // The pipe closes when the program takes over.
            io::Read::read_to_end(&mut answer, &mut failure)?;
            Ok((child, failure.is_empty()))
        }
    }
}

#[expect(clippy::exit, reason = "the child of a fork must not return into its parent's code")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

fn become_service(
    plan: &ProcessPlan,
    journal: &OwnedFd,
    sockets: Vec<OwnedFd>,
) -> Result<Infallible, Failure> {
    let at = |step: &'static str| {
        move |errno: Errno| Failure {
            code: code_of(step).unwrap_or(1),
            text: format!("Failed at step {step} spawning {}: {}", plan.program, errno.desc()),
        }
    };
    let io_at = |step: &'static str| {
        let at = at(step);
        move |error: io::Error| at(Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    };
    sys::reset_signals();
    setsid().map_err(at("SETSID"))?;
    // From here on, what fails can be said.
    dup2_stderr(journal).map_err(at("STDERR"))?;
    if let Some((code, text)) = &plan.refusal {
        return Err(Failure { code: *code, text: text.clone() });
    }
    umask(Mode::from_bits_truncate(plan.umask));
    make_folders(plan).map_err(io_at("RUNTIME_DIRECTORY"))?;
    redirect(plan, journal).map_err(io_at("STDOUT"))?;
    for (name, soft, hard) in &plan.limits {
        limit(name, *soft, *hard).map_err(at("LIMITS"))?;
    }
    if let Some(nice) = plan.nice {
        // Where that is not allowed, the service runs all the same.
        let _ = rustix::process::setpriority_process(None, nice);
    }
    if let Some(score) = plan.oom_score {
        let _ = fs_err::write("/proc/self/oom_score_adj", score.to_string());
    }
    if let Some(root) = &plan.root_directory {
        chroot(root.as_str()).and_then(|()| chdir("/")).map_err(at("CHROOT"))?;
    }
    if let Some((user, group, groups)) = &plan.account {
        become_user(plan, *user, *group, groups).map_err(at("USER"))?;
    }
    let (folder, may_be_missing) = plan.working_directory.clone().unwrap_or(("/".to_owned(), false));
    match chdir(folder.as_str()) {
        Err(_) if may_be_missing => chdir("/").map_err(at("CHDIR"))?,
        done => done.map_err(at("CHDIR"))?,
    }
    sys::close_others_on_exec();
    sys::hand_on(sockets).map_err(at("FDS"))?;
    execute(plan).map_err(|errno| Failure {
        text: format!(
            "Failed to execute {}: {}\nFailed at step EXEC spawning {}: {}",
            plan.program,
            errno.desc(),
            plan.program,
            errno.desc()
        ),
        ..at("EXEC")(errno)
    })
}

fn become_user(plan: &ProcessPlan, user: u32, group: u32, groups: &[u32]) -> Result<(), Errno> {
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups)?;
    let group = Gid::from_raw(group);
    setresgid(group, group, group)?;
    let wanted = capabilities(&plan.ambient_capabilities);
    // What no program of the machine may have is not asked for: the kernel would refuse all of it.
    let is_there = |one: &CapabilitySet| rustix::thread::capability_is_in_bounding_set(*one) == Ok(true);
    let wanted = wanted.iter().filter(is_there).fold(CapabilitySet::empty(), |set, one| set | one);
    let fail = |errno: rustix::io::Errno| Errno::from_raw(errno.raw_os_error());
    if !wanted.is_empty() {
        rustix::thread::set_keep_capabilities(true).map_err(fail)?;
    }
    let user = Uid::from_raw(user);
    setresuid(user, user, user)?;
    if !wanted.is_empty() {
        let sets =
            rustix::thread::CapabilitySets { effective: wanted, permitted: wanted, inheritable: wanted };
        rustix::thread::set_capabilities(None, sets).map_err(fail)?;
        for capability in wanted.iter() {
            rustix::thread::configure_capability_in_ambient_set(capability, true).map_err(fail)?;
        }
    }
    Ok(())
}

fn capabilities(names: &[String]) -> CapabilitySet {
    names
        .iter()
        .filter_map(|name| CapabilitySet::from_name(name.trim_start_matches("CAP_")))
        .fold(CapabilitySet::empty(), |set, one| set | one)
}

fn limit(name: &str, soft: Option<u64>, hard: Option<u64>) -> Result<(), Errno> {
    let resource = match name {
        "AS" => Resource::RLIMIT_AS,
        "CORE" => Resource::RLIMIT_CORE,
        "CPU" => Resource::RLIMIT_CPU,
        "DATA" => Resource::RLIMIT_DATA,
        "FSIZE" => Resource::RLIMIT_FSIZE,
        "LOCKS" => Resource::RLIMIT_LOCKS,
        "MEMLOCK" => Resource::RLIMIT_MEMLOCK,
        "MSGQUEUE" => Resource::RLIMIT_MSGQUEUE,
        "NICE" => Resource::RLIMIT_NICE,
        "NOFILE" => Resource::RLIMIT_NOFILE,
        "NPROC" => Resource::RLIMIT_NPROC,
        "RSS" => Resource::RLIMIT_RSS,
        "RTPRIO" => Resource::RLIMIT_RTPRIO,
        "RTTIME" => Resource::RLIMIT_RTTIME,
        "SIGPENDING" => Resource::RLIMIT_SIGPENDING,
        _ => Resource::RLIMIT_STACK,
    };
    let (soft, hard) = (soft.unwrap_or(RLIM_INFINITY), hard.unwrap_or(RLIM_INFINITY));
    match setrlimit(resource, soft, hard) {
        // A machine may not be allowed more than it was given: then it is all of that.
        Err(Errno::EPERM | Errno::EINVAL) => {
            let (_, most) = getrlimit(resource)?;
            setrlimit(resource, soft.min(most), hard.min(most))
        }
        done => done,
    }
}

fn make_folders(plan: &ProcessPlan) -> io::Result<()> {
    for folder in plan.folders.iter().flat_map(|kind| &kind.folders) {
        let path = Utf8Path::new(&folder.path);
        if !path.is_dir() {
            // The mask is about what the service makes.
            let before = umask(Mode::S_IWGRP | Mode::S_IWOTH);
            let made = fs_err::create_dir_all(path);
            umask(before);
            made?;
        }
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(folder.mode))?;
        if folder.is_given_away {
            give_away(path, plan.owner)?;
        }
        make_links(folder)?;
    }
    Ok(())
}

fn make_links(folder: &Folder) -> io::Result<()> {
    for link in &folder.links {
        match fs_err::os::unix::fs::symlink(&folder.path, link) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
    }
    Ok(())
}

/// A folder that belongs to somebody else is given away with all that is in it.
fn give_away(path: &Utf8Path, owner: (u32, u32)) -> io::Result<()> {
    let found = fs_err::symlink_metadata(path)?;
    if (found.uid(), found.gid()) == owner {
        return Ok(());
    }
    let (user, group) = (Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)));
    if found.is_dir() {
        for entry in path.read_dir_utf8()? {
            let entry: Utf8PathBuf = entry?.into_path();
            if !entry.is_symlink() {
                give_away(&entry, owner)?;
            }
        }
    }
    Ok(chown(path.as_std_path(), user, group)?)
}

fn redirect(plan: &ProcessPlan, journal: &OwnedFd) -> io::Result<()> {
    let input = match &plan.input {
        Some(path) => fs_err::File::open(path)?,
        None => fs_err::File::open("/dev/null")?,
    };
    dup2_stdin(&input)?;
    let opened = |output: &Output| -> io::Result<Option<File>> {
        Ok(match output {
            Output::Journal | Output::Inherit => None,
            Output::Null => Some(fs_err::OpenOptions::new().write(true).open("/dev/null")?.into_parts().0),
            Output::File { path, appends, truncates } => {
                let mut options = fs_err::OpenOptions::new();
                options.create(true).append(*appends).write(true).truncate(*truncates);
                options.options_mut().mode(0o666);
                Some(options.open(path)?.into_parts().0)
            }
        })
    };
    let output = opened(&plan.output)?;
    dup2_stdout(output.as_ref().map_or(journal.as_fd(), AsFd::as_fd))?;
    match &plan.error {
        Output::Inherit => dup2_stderr(io::stdout())?,
        Output::Journal | Output::Null | Output::File { .. } => {
            let error = opened(&plan.error)?;
            dup2_stderr(error.as_ref().map_or(journal.as_fd(), AsFd::as_fd))?;
        }
    }
    Ok(())
}

fn execute(plan: &ProcessPlan) -> Result<Infallible, Errno> {
    let c_string = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
    let arguments: Vec<CString> =
        plan.arguments.iter().map(|text| c_string(text)).collect::<Result<_, _>>()?;
    let mut variables = plan.environment.clone();
    let pid = getpid().as_raw().to_string();
    variables.push(("SYSTEMD_EXEC_PID".to_owned(), pid.clone()));
    if !plan.sockets.is_empty() {
        variables.push(("LISTEN_PID".to_owned(), pid));
        variables.push(("LISTEN_FDS".to_owned(), plan.sockets.len().to_string()));
        variables.push(("LISTEN_FDNAMES".to_owned(), plan.sockets.join(":")));
    }
    let environment: Vec<CString> = variables
        .iter()
        .map(|(name, value)| c_string(&format!("{name}={value}")))
        .collect::<Result<_, _>>()?;
    if plan.program.contains('/') {
        return execve(&c_string(&plan.program)?, &arguments, &environment);
    }
    let mut refusal = Errno::ENOENT;
    for folder in super::plan::PATH.split(':') {
        let file = c_string(&format!("{folder}/{}", plan.program))?;
        let Err(errno) = execve(&file, &arguments, &environment);
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => {}
            Errno::EACCES => refusal = errno,
            _ => return Err(errno),
        }
    }
    Err(refusal)
}
