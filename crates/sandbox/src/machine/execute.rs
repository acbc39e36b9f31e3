//! From the first process of a machine to a program: fork, become somebody, execute.

use std::convert::Infallible;
use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Gid, Pid, Uid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, setgroups, setresgid, setresuid, setsid,
};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use super::protocol::ExecPlan;
use super::spec::{MachineLevel, Terminal, User};
use super::users::{self, Account};
use crate::protocol::Failure;
use crate::sys::{self, Side};
use crate::{payload, plain};

/// Starts a program with these standard descriptors.
pub(crate) fn start(plan: &ExecPlan, level: MachineLevel, stdio: &[OwnedFd; 3]) -> Result<Pid, Failure> {
    let account = account(&plan.user)?;
    let (mut answer, question) = io::pipe().map_err(|error| Failure::io("make a pipe for", &error))?;
    match sys::fork_here().map_err(|errno| Failure::new("fork for", errno))? {
        Side::Child => {
            drop(answer);
            let Err(failure) = become_program(plan, level, account.as_ref(), stdio);
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

/// Looks the user up. Root needs no entry: it is there in every root filesystem.
fn account(user: &User) -> Result<Option<Account>, Failure> {
    match user {
        User::Root => Ok(None),
        User::Ids(user, group) => Ok(Some(Account {
            user: *user,
            group: *group,
            groups: vec![*group],
            home: String::new(),
            shell: String::new(),
        })),
        User::Named(name) => {
            let passwd = plain::read_text("/etc/passwd")
                .map_err(|error| Failure::io(&format!("look for the user {name} of"), &error))?;
            let group = plain::read_text("/etc/group").unwrap_or_default();
            match users::find(name, &passwd, &group) {
                Some(account) => Ok(Some(account)),
                None => Err(Failure::new(&format!("find the user {name} for"), Errno::ENOENT)),
            }
        }
    }
}

fn become_program(
    plan: &ExecPlan,
    level: MachineLevel,
    account: Option<&Account>,
    stdio: &[OwnedFd; 3],
) -> Result<Infallible, Failure> {
    sys::reset_signals();
    let failed = |what: &'static str| move |errno| Failure::new(what, errno);
    setsid().map_err(failed("make a session for"))?;
    if !level.is_isolated() {
        // Elsewhere the end of the first process is the end of all.
        set_pdeathsig(Signal::SIGKILL).map_err(failed("tie our life to"))?;
    }
    let [input, output, error] = stdio;
    dup2_stdin(input).map_err(failed("redirect the input of"))?;
    dup2_stdout(output).map_err(failed("redirect the output of"))?;
    dup2_stderr(error).map_err(failed("redirect the errors of"))?;
    if plan.terminal == Terminal::Controlling {
        rustix::process::ioctl_tiocsctty(io::stdin())
            .map_err(|errno| Failure::io("give the terminal to", &errno.into()))?;
    }
    // When the host runs out of memory, this goes first, not charmproof.
    let _ = fs_err::write("/proc/self/oom_score_adj", "500");
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    let mut environment: Vec<String> =
        plan.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if let (Some(account), User::Named(name)) = (account, &plan.user) {
        let ours = [("HOME", &account.home), ("USER", name), ("LOGNAME", name), ("SHELL", &account.shell)];
        for (variable, value) in ours {
            if !plan.env.contains_key(variable) {
                environment.push(format!("{variable}={value}"));
            }
        }
    }
    if let Some(account) = account {
        if plan.terminal == Terminal::Controlling {
            // Whoever logs in owns the terminal, or could not open it by its name. With one id it is so.
            let _ = rustix::fs::fchown(io::stdin(), Some(rustix::fs::Uid::from_raw(account.user)), None);
        }
        let groups: Vec<Gid> = account.groups.iter().copied().map(Gid::from_raw).collect();
        let (user, group) = (Uid::from_raw(account.user), Gid::from_raw(account.group));
        setgroups(&groups).map_err(failed("take the groups of the user of"))?;
        setresgid(group, group, group).map_err(failed("take the group of the user of"))?;
        setresuid(user, user, user).map_err(failed("become the user of"))?;
    }
    chdir(plan.cwd.as_std_path()).map_err(failed("enter the working directory of"))?;
    sys::close_others_on_exec();
    let Some(program) = plan.argv.first() else {
        return Err(Failure::new("find", Errno::EINVAL));
    };
    let arguments: Vec<CString> = plan
        .argv
        .iter()
        .map(|text| c_string(text))
        .collect::<Result<_, _>>()
        .map_err(failed("read the arguments of"))?;
    payload::execute(program.as_bytes(), &arguments, &environment).map_err(failed("execute"))
}

fn c_string(text: &str) -> Result<CString, Errno> {
    CString::new(text).map_err(|_| Errno::EINVAL)
}

/// Opens a new terminal of the machine: the end that is watched, and the end for a program.
pub(crate) fn open_terminal() -> Result<(OwnedFd, OwnedFd), Failure> {
    let failed =
        |errno: rustix::io::Errno| Failure::new("open a terminal for", Errno::from_raw(errno.raw_os_error()));
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let watched = openpt(flags).map_err(failed)?;
    grantpt(&watched).map_err(failed)?;
    unlockpt(&watched).map_err(failed)?;
    let terminal = ioctl_tiocgptpeer(&watched, flags).map_err(failed)?;
    Ok((watched, terminal))
}
