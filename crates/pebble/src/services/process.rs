//! The process of a service: started with its output into the log, and reported when it ends.

use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::process::{Child, Stdio};
use std::sync::Weak;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::Pid;

use crate::core::Core;
use crate::plan::Service;
use crate::process::{self, Launch};
use crate::shared::Shared;

/// The longest line of output that is kept as one.
const LINE_BYTES: u64 = 64 << 10;

/// Starts the process of a service.
pub(super) fn start(
    core: &Core,
    name: &str,
    run: u64,
    words: &[String],
    config: &Service,
) -> Result<Pid, String> {
    let accounts = core.root.accounts();
    let ids = accounts.resolve(&config.context, false)?;
    let mut environment = core.environment.clone();
    if let Some((user, home)) = ids.and_then(|ids| accounts.user(ids.user)) {
        environment.insert("HOME".into(), home.to_owned());
        environment.insert("USER".into(), user.to_owned());
    }
    environment.extend(config.context.environment.clone());
    let failed = |error: &dyn std::fmt::Display| format!("cannot start service: {error}");
    let (output, writer) = std::io::pipe().map_err(|error| failed(&error))?;
    let second = writer.try_clone().map_err(|error| failed(&error))?;
    let launch = Launch {
        words,
        environment: &environment,
        working_dir: &config.context.working_dir,
        ids,
        stdin: Stdio::null(),
        stdout: writer.into(),
        stderr: second.into(),
    };
    let mut child = process::launch(&core.root, launch).map_err(|error| failed(&error))?;
    let Some(pid) = process::pid_of(&child) else {
        return Err(failed(&"it has no number"));
    };
    let (done, drained) = channel();
    let reads = {
        let (shared, name) = (core.shared.clone(), name.to_owned());
        std::thread::Builder::new().name("pebble-output".into()).spawn(move || {
            read_output(&shared, &name, output);
            // Whoever waited is gone if nobody hears this.
            let _ = done.send(());
        })
    };
    // The output may be held open by others; a little less than the kill delay is waited for its end.
    let patience = config.kill_delay().mul_f64(0.9);
    let (shared, name) = (core.shared.clone(), name.to_owned());
    let waits = reads.and_then(|_| {
        std::thread::Builder::new().name("pebble-wait".into()).spawn(move || {
            process::ends_by(&child, None);
            report(&shared, &name, run, &mut child, &drained, patience);
        })
    });
    match waits {
        Ok(_) => Ok(pid),
        Err(error) => {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
            Err(failed(&error))
        }
    }
}

fn report(
    shared: &Weak<Shared>,
    name: &str,
    run: u64,
    child: &mut Child,
    drained: &Receiver<()>,
    patience: Duration,
) {
    // Nothing more can be done with output that does not end.
    let _ = drained.recv_timeout(patience);
    match shared.upgrade() {
        // Collected under the lock: until then the number cannot become another process'.
        Some(shared) => shared.step(|core| {
            let code = child.wait().map_or(-1, process::exit_code);
            core.service_exited(name, run, code);
        }),
        None => drop(child.wait()),
    }
}

/// Reads lines until the output ends or the server is gone.
fn read_output(shared: &Weak<Shared>, name: &str, output: PipeReader) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        match output.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.ends_with(b"\n") {
            line.pop();
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        let Some(shared) = shared.upgrade() else { return };
        shared.step(|core| core.service_printed(name, text));
    }
}
