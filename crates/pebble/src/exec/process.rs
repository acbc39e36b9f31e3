//! Runs a real command, with its websockets as standard input, output and errors.

use std::io::{PipeReader, Read as _, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Weak};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_process};

use super::socket::Frames;
use super::{Setup, timed_out};
use crate::process::{self, Launch};
use crate::shared::Shared;

/// Starts a command, and sees to it that its end is reported.
pub(super) fn run(
    shared: &Arc<Shared>,
    task: u64,
    setup: &Setup,
    output: Option<Frames>,
    errors: Option<Frames>,
) {
    if let Err(message) = start(shared, task, setup, output, errors) {
        shared.step(|core| core.finish_execution(task, None, Some(message)));
    }
}

fn start(
    shared: &Arc<Shared>,
    task: u64,
    setup: &Setup,
    output: Option<Frames>,
    errors: Option<Frames>,
) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let (stdin, stdin_writer) = std::io::pipe().map_err(text)?;
    let (stdout_reader, stdout) = std::io::pipe().map_err(text)?;
    let (stderr_reader, stderr) = if errors.is_some() {
        let (reader, writer) = std::io::pipe().map_err(text)?;
        (Some(reader), writer)
    } else {
        (None, stdout.try_clone().map_err(text)?)
    };
    let launch = Launch {
        words: &setup.command,
        environment: &setup.environment,
        working_dir: &setup.working_dir,
        ids: setup.ids,
        stdin: Stdio::from(stdin),
        stdout: Stdio::from(stdout),
        stderr: Stdio::from(stderr),
    };
    let root = shared.lock().root.clone();
    let mut child = process::launch(&root, launch)?;
    let pid = process::pid_of(&child);
    let mut stdin_writer = Some(stdin_writer);
    let is_known = shared.step(|core| {
        let Some(execution) = core.executions.get_mut(&task).filter(|_| !core.is_closed) else {
            return false;
        };
        execution.pid = pid;
        execution.is_started = true;
        execution.input = stdin_writer.take().map(Arc::new);
        true
    });
    if !is_known {
        process::kill_group(&child);
        let _ = child.wait();
        return Ok(());
    }
    let mut pumps = Vec::new();
    for (reader, frames) in [(Some(stdout_reader), output), (stderr_reader, errors)] {
        if let (Some(reader), Some(frames)) = (reader, frames) {
            let shared = Arc::downgrade(shared);
            let thread = std::thread::Builder::new().name("pebble-exec-output".into());
            pumps.extend(thread.spawn(move || pump(&shared, reader, frames)).ok());
        }
    }
    let deadline = setup.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let timeout = setup.timeout.unwrap_or_default();
    let weak = Arc::downgrade(shared);
    let waits = std::thread::Builder::new().name("pebble-exec-wait".into()).spawn(move || {
        let has_timed_out = !process::ends_by(&child, deadline);
        if has_timed_out && let Some(pid) = process::pid_of(&child) {
            // The command alone, as Pebble does: its children live on, and hold the output open.
            let _ = kill_process(pid, Signal::KILL);
        }
        let code = match weak.upgrade() {
            // Collected under the lock: until then the number cannot become another process'.
            Some(shared) => shared.step(|core| {
                let code = child.wait().map_or(-1, process::exit_code);
                if let Some(execution) = core.executions.get_mut(&task) {
                    execution.input = None;
                    execution.pid = None;
                }
                code
            }),
            None => child.wait().map_or(-1, process::exit_code),
        };
        for pump in pumps {
            let _ = pump.join();
        }
        let error = has_timed_out.then(|| timed_out(timeout));
        let code = (!has_timed_out).then_some(code);
        if let Some(shared) = weak.upgrade() {
            shared.step(|core| core.finish_execution(task, code, error));
        }
    });
    waits.map(drop).map_err(text)
}

/// Sends what a command prints, until it is over or the server goes away.
fn pump(shared: &Weak<Shared>, mut reader: PipeReader, mut frames: Frames) {
    let mut buffer = vec![0; 128 << 10];
    loop {
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        if let Ok(0) = poll(&mut [PollFd::new(&reader, PollFlags::IN)], Some(&second)) {
            match shared.upgrade() {
                Some(shared) if !shared.lock().is_closed => continue,
                Some(_) | None => return,
            }
        }
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                if !frames.send(&buffer[..count]) {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    frames.end();
}

/// Hands bytes to a command's standard input.
pub(super) fn feed(shared: &Shared, task: u64, bytes: &[u8]) {
    let input = shared.lock().executions.get(&task).and_then(|execution| execution.input.clone());
    if let Some(input) = input {
        // A command that does not read any more has closed its end.
        let _ = (&*input).write_all(bytes);
    }
}

/// Ends a command's standard input.
pub(super) fn end_input(shared: &Shared, task: u64) {
    if let Some(execution) = shared.lock().executions.get_mut(&task) {
        execution.input = None;
    }
}
