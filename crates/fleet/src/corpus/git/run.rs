//! Starts git, feeds and reads it, and ends it with all its children.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::{CancelCheck, GitCommand, GitError, GitOutput, Input};

const STDERR_LIMIT_BYTES: usize = 64 << 10;
/// How long git has to clean up after itself before it is killed.
const GRACE: Duration = Duration::from_millis(500);
/// How often `cancel` is asked.
const CANCEL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) fn run(command: GitCommand<'_>, cancel: CancelCheck<'_>) -> Result<GitOutput, GitError> {
    let name = command.display();
    let start_error = |source| GitError::Start { command: name.clone(), source };
    let timeout = command.timeout;
    let limit_bytes = command.output_limit_bytes;
    let (mut running, child) = start(command).map_err(start_error)?;
    let mut guard = Group { child, reaped: false };
    let pidfd = pidfd_open(guard.pid(), PidfdFlags::empty()).map_err(|error| start_error(error.into()))?;
    let deadline = Instant::now() + timeout;

    let ended = loop {
        if cancel() {
            break End::Cancelled;
        }
        if running.stdout_bytes.len() > limit_bytes {
            break End::TooMuch;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break End::TimedOut;
        }
        match running.step(&pidfd, left.min(CANCEL_INTERVAL)) {
            Ok(true) => break End::Exited,
            Ok(false) => {}
            Err(error) => {
                guard.end(&pidfd);
                return Err(start_error(error));
            }
        }
    };
    if !matches!(ended, End::Exited) {
        guard.end(&pidfd);
    }
    // What is in the pipes now is all: a child that outlives git (a shared ssh
    // connection, say) may hold them open for hours.
    let _ = running.drain(limit_bytes);
    let stderr = String::from_utf8_lossy(&running.stderr_bytes).into_owned();
    match ended {
        End::Exited => {
            let status = guard.reap().map_err(start_error)?;
            if running.stdout_bytes.len() > limit_bytes {
                return Err(GitError::TooMuchOutput { command: name, limit_bytes });
            }
            Ok(GitOutput { code: status.code(), stdout: running.stdout_bytes, stderr })
        }
        End::Cancelled => Err(GitError::Cancelled { command: name }),
        End::TimedOut => Err(GitError::TimedOut { command: name, after: timeout, stderr }),
        End::TooMuch => Err(GitError::TooMuchOutput { command: name, limit_bytes }),
    }
}

enum End {
    Exited,
    Cancelled,
    TimedOut,
    TooMuch,
}

fn start(command: GitCommand<'_>) -> io::Result<(Running, Child)> {
    let mut process = Command::new(command.program);
    for setting in &command.config {
        process.arg("-c").arg(setting);
    }
    process
        .args(&command.args)
        .current_dir(&command.cwd)
        .env_clear()
        .envs(command.environment)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut pending = Vec::new();
    match command.input {
        Input::Nothing => process.stdin(Stdio::null()),
        Input::File(file) => process.stdin(Stdio::from(file)),
        Input::Bytes(bytes) => {
            pending = bytes;
            process.stdin(Stdio::piped())
        }
    };
    let mut child = process.spawn()?;
    let running = Running {
        stdin: child.stdin.take().map(OwnedFd::from).map(std::fs::File::from),
        stdout: child.stdout.take().map(OwnedFd::from).map(std::fs::File::from),
        stderr: child.stderr.take().map(OwnedFd::from).map(std::fs::File::from),
        pending,
        written: 0,
        stdout_bytes: Vec::new(),
        stderr_bytes: Vec::new(),
    };
    for pipe in [&running.stdin, &running.stdout, &running.stderr] {
        if let Some(pipe) = pipe
            && let Err(error) = rustix::io::ioctl_fionbio(pipe, true)
        {
            let mut group = Group { child, reaped: false };
            let _ = group.child.kill();
            let _ = group.reap();
            return Err(error.into());
        }
    }
    Ok((running, child))
}

struct Running {
    stdin: Option<std::fs::File>,
    stdout: Option<std::fs::File>,
    stderr: Option<std::fs::File>,
    pending: Vec<u8>,
    written: usize,
    stdout_bytes: Vec<u8>,
    stderr_bytes: Vec<u8>,
}

impl Running {
    /// Waits for something to happen; returns whether git has ended.
    fn step(&mut self, pidfd: &OwnedFd, wait: Duration) -> io::Result<bool> {
        let exited = {
            let mut fds = vec![PollFd::new(pidfd, PollFlags::IN)];
            for pipe in [&self.stdout, &self.stderr].into_iter().flatten() {
                fds.push(PollFd::new(pipe, PollFlags::IN));
            }
            if let Some(stdin) = &self.stdin {
                fds.push(PollFd::new(stdin, PollFlags::OUT));
            }
            let wait = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 1_000_000 });
            match poll(&mut fds, Some(&wait)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            !fds[0].revents().is_empty()
        };
        self.feed()?;
        read_some(&mut self.stdout, &mut self.stdout_bytes, usize::MAX, 1 << 20)?;
        read_some(&mut self.stderr, &mut self.stderr_bytes, STDERR_LIMIT_BYTES, 1 << 20)?;
        Ok(exited)
    }

    fn feed(&mut self) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else {
            return Ok(());
        };
        while self.written < self.pending.len() {
            match stdin.write(&self.pending[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // git stopped reading; its exit code says why.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => return Err(error),
            }
        }
        self.stdin = None;
        Ok(())
    }

    fn drain(&mut self, limit_bytes: usize) -> io::Result<()> {
        self.stdin = None;
        read_some(&mut self.stdout, &mut self.stdout_bytes, usize::MAX, limit_bytes)?;
        read_some(&mut self.stderr, &mut self.stderr_bytes, STDERR_LIMIT_BYTES, 1 << 20)
    }
}

/// Reads what is there now, at most about `once` bytes, keeping `keep` in all.
fn read_some(
    pipe: &mut Option<std::fs::File>,
    into: &mut Vec<u8>,
    keep: usize,
    once: usize,
) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    let mut seen = 0;
    while let Some(open) = pipe
        && seen <= once
    {
        match open.read(&mut buffer) {
            Ok(0) => *pipe = None,
            Ok(count) => {
                seen += count;
                let room = keep.saturating_sub(into.len()).min(count);
                into.extend_from_slice(&buffer[..room]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A child that leads its own process group; never left running.
struct Group {
    child: Child,
    reaped: bool,
}

impl Group {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Ends the whole group, gently first, so that git removes its partial
    /// packs and lock files where it can.
    fn end(&mut self, pidfd: &OwnedFd) {
        if self.reaped {
            return;
        }
        let _ = kill_process_group(self.pid(), Signal::TERM);
        let deadline = Instant::now() + GRACE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)];
            let wait = Timespec::try_from(left).ok();
            let done = poll(&mut fds, wait.as_ref()).is_ok_and(|count| count > 0);
            if done || left.is_zero() {
                break;
            }
        }
        self.kill();
    }

    fn kill(&mut self) {
        if !self.reaped {
            // The leader is not reaped yet, so the id is still ours.
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.reap();
        }
    }

    fn reap(&mut self) -> io::Result<std::process::ExitStatus> {
        self.reaped = true;
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
