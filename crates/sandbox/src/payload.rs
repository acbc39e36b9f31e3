//! The last steps between our fork and somebody else's program.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, chdir, dup2_stdin, dup2_stdout, execve, setsid};

use crate::protocol::{Failure, Plan};
use crate::sys::{self, Side};

const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin";

/// Capabilities that root keeps under a read-only host: those that Docker
/// gives its containers, without making devices. With any of the others the
/// view could be undone.
const ROOT_KEEPS: [libc::c_ulong; 13] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31];
const CAPABILITY_MAX: libc::c_ulong = 63;

/// Starts the command. Standard error is the log already; `joins` are the open
/// `cgroup.procs` files.
pub(crate) fn start(plan: &Plan, joins: &[File]) -> Result<Pid, Failure> {
    let (mut answer, question) = io::pipe().map_err(|error| Failure::io("make a pipe for", &error))?;
    match sys::fork_here().map_err(|errno| Failure::new("fork for", errno))? {
        Side::Child => {
            drop(answer);
            let Err(failure) = become_command(plan, joins);
            // If nobody listens any more, nobody needs to know.
            let _ = serde_json::to_writer(&question, &failure);
            let _ = (&question).flush();
            std::process::abort();
        }
        Side::Parent { child } => {
            drop(question);
            // The pipe closes when the program takes over.
            let mut failure = Vec::new();
            answer.read_to_end(&mut failure).map_err(|error| Failure::io("hear from", &error))?;
            if failure.is_empty() {
                return Ok(child);
            }
            let unreadable = Failure::new("hear from", Errno::EPROTO);
            Err(serde_json::from_slice(&failure).unwrap_or(unreadable))
        }
    }
}

fn become_command(plan: &Plan, joins: &[File]) -> Result<Infallible, Failure> {
    sys::reset_signals();
    // Of its own, so that SIGTERM reaches its group and no terminal is left.
    setsid().map_err(|errno| Failure::new("make a session for", errno))?;
    set_pdeathsig(Signal::SIGKILL).map_err(|errno| Failure::new("tie our life to", errno))?;
    for mut join in joins {
        join.write_all(b"0").map_err(|error| Failure::io("join the control group of", &error))?;
    }
    // When the whole host runs out of memory, this goes first, not charmproof.
    let _ = fs_err::write("/proc/self/oom_score_adj", "500");
    bound(Resource::RLIMIT_CORE, Some(0))?;
    bound(Resource::RLIMIT_FSIZE, plan.file_bytes)?;
    bound(Resource::RLIMIT_DATA, plan.data_bytes)?;
    bound(Resource::RLIMIT_NPROC, plan.user_processes)?;

    let null = fs_err::File::open("/dev/null").map_err(|error| Failure::io("open /dev/null for", &error))?;
    dup2_stdin(&null).map_err(|errno| Failure::new("redirect the input of", errno))?;
    dup2_stdout(io::stderr()).map_err(|errno| Failure::new("redirect the output of", errno))?;
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    chdir(plan.working_directory.as_std_path())
        .map_err(|errno| Failure::new("enter the working directory of", errno))?;
    let isolation = &plan.isolation;
    if isolation.read_only_host && !isolation.keeps_capabilities && nix::unistd::geteuid().is_root() {
        drop_capabilities();
    }
    sys::close_others_on_exec();
    let program = plan.program.as_bytes();
    let arguments: Result<Vec<CString>, Errno> =
        [&plan.program].into_iter().chain(&plan.arguments).map(|text| c_string(text.as_bytes())).collect();
    arguments
        .and_then(|arguments| execute(program, &arguments, &plan.environment))
        .map_err(|errno| Failure::new("execute", errno))
}

/// Takes from root what would let it undo its isolation.
pub(crate) fn drop_capabilities() {
    for number in (0..=CAPABILITY_MAX).filter(|number| !ROOT_KEEPS.contains(number)) {
        // Numbers that this kernel does not know fail, and that is fine.
        let _ = sys::drop_bounding_capability(number);
    }
}

/// Lowers a limit; one that is lower already stays.
fn bound(resource: Resource, limit: Option<u64>) -> Result<(), Failure> {
    let Some(limit) = limit else { return Ok(()) };
    let failed = |errno| Failure::new("set a limit for", errno);
    let (_, hard) = getrlimit(resource).map_err(failed)?;
    let limit = (limit as rlim_t).min(hard);
    setrlimit(resource, limit, limit).map_err(failed)
}

/// Becomes a program: a path, or a name that is looked up in the `PATH` of the environment
/// (`NAME=value` each).
pub(crate) fn execute(
    program: &[u8],
    arguments: &[CString],
    environment: &[String],
) -> Result<Infallible, Errno> {
    let path = environment.iter().find_map(|variable| variable.strip_prefix("PATH="));
    let environment: Vec<CString> =
        environment.iter().map(|text| c_string(text.as_bytes())).collect::<Result<_, _>>()?;
    if program.contains(&b'/') {
        return execute_file(&c_string(program)?, arguments, &environment);
    }
    let mut refusal = Errno::ENOENT;
    for directory in path.unwrap_or(PATH_DEFAULT).split(':') {
        let directory = if directory.is_empty() { "." } else { directory };
        let file = c_string(&[directory.as_bytes(), b"/", program].concat())?;
        let Err(errno) = execute_file(&file, arguments, &environment);
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => {}
            // As execvp does: go on looking, but remember there was one.
            Errno::EACCES => refusal = errno,
            _ => return Err(errno),
        }
    }
    Err(refusal)
}

fn execute_file(file: &CStr, arguments: &[CString], environment: &[CString]) -> Result<Infallible, Errno> {
    match execve(file, arguments, environment) {
        // A script without `#!` is the shell's.
        Err(Errno::ENOEXEC) => {
            let mut shell = vec![c"/bin/sh".to_owned(), file.to_owned()];
            shell.extend_from_slice(&arguments[1..]);
            execve(c"/bin/sh", &shell, environment)
        }
        other => other,
    }
}

fn c_string(text: &[u8]) -> Result<CString, Errno> {
    CString::new(text).map_err(|_| Errno::EINVAL)
}
