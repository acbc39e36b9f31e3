//! Makes a check for real: asks a web server, opens a port, or runs a command.

use std::io::{ErrorKind, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::Stdio;
use std::sync::Weak;
use std::time::{Duration, Instant};

use super::Failure;
use crate::core::Core;
use crate::duration;
use crate::files::root::Root;
use crate::plan::{Check, ExecCheck, HttpCheck, TcpCheck, split};
use crate::process::{self, Launch};
use crate::shared::Shared;

/// How often a command is seen to while it runs.
const WATCH: Duration = Duration::from_millis(200);
/// Bytes of output that a failure shows.
const OUTPUT_BYTES: usize = 512;
/// Lines of output that a failure shows.
const OUTPUT_LINES: usize = 5;

/// What a probe needs of the server.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) shared: Weak<Shared>,
    pub(crate) root: Root,
    pub(crate) environment: std::collections::BTreeMap<String, String>,
}

impl Surroundings {
    pub(crate) fn of(core: &Core) -> Self {
        Self { shared: core.shared.clone(), root: core.root.clone(), environment: core.environment.clone() }
    }

    /// Whether nobody wants to know any more.
    fn is_gone(&self) -> bool {
        self.shared.upgrade().is_none_or(|shared| shared.lock().is_closed)
    }
}

/// Makes a check on a thread of its own, which reports to the server.
pub(crate) fn in_background(core: &mut Core, name: &str, run: u64, config: &Check) {
    let surroundings = Surroundings::of(core);
    let (shared, name, config) = (core.shared.clone(), name.to_owned(), config.clone());
    let started = std::thread::Builder::new().name("pebble-check".into()).spawn({
        let name = name.clone();
        move || {
            let result = make(&config, &surroundings);
            if let Some(shared) = shared.upgrade() {
                shared.step(|core| core.check_made(&name, run, result));
            }
        }
    });
    if let Err(error) = started {
        core.check_made(&name, run, Err(Failure::new(format!("cannot start check: {error}"))));
    }
}

/// Makes a check.
pub(crate) fn make(config: &Check, surroundings: &Surroundings) -> Result<(), Failure> {
    let timeout = config.timeout();
    if let Some(http) = &config.http {
        probe_http(http, timeout)
    } else if let Some(tcp) = &config.tcp {
        probe_tcp(tcp, timeout)
    } else if let Some(exec) = &config.exec {
        probe_exec(exec, timeout, surroundings)
    } else {
        Ok(())
    }
}

fn timed_out(timeout: Duration) -> Failure {
    Failure::new(format!("check timed out after {}", duration::print(timeout)))
}

fn probe_http(check: &HttpCheck, timeout: Duration) -> Result<(), Failure> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut request = agent.get(&check.url);
    for (name, value) in &check.headers {
        request = request.header(name, value);
    }
    match request.call() {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(mut response) => {
            let status = response.status().as_u16();
            let mut body = Vec::new();
            let read = response.body_mut().as_reader().take(OUTPUT_BYTES as u64).read_to_end(&mut body);
            let details = match read {
                Ok(_) => first_lines(&String::from_utf8_lossy(&body)),
                Err(error) => format!("cannot read response: {error}"),
            };
            Err(Failure { message: format!("non-2xx status code {status}"), details })
        }
        Err(ureq::Error::Timeout(_)) => Err(timed_out(timeout)),
        Err(error) => Err(Failure::new(format!("Get \"{}\": {error}", check.url))),
    }
}

fn first_lines(text: &str) -> String {
    let mut lines: Vec<&str> = text.trim().lines().collect();
    if lines.len() > OUTPUT_LINES {
        lines.truncate(OUTPUT_LINES);
        lines.push("(...)");
    }
    lines.join("\n")
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    let skipped = lines.len().saturating_sub(OUTPUT_LINES);
    let marker = (skipped > 0).then_some("(...)");
    marker.into_iter().chain(lines[skipped..].iter().copied()).collect::<Vec<_>>().join("\n")
}

fn probe_tcp(check: &TcpCheck, timeout: Duration) -> Result<(), Failure> {
    let host = if check.host.is_empty() { "localhost" } else { &check.host };
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("dial tcp {host}:{}: {error}", check.port));
    let port = u16::try_from(check.port).map_err(|_| failed(&"invalid port"))?;
    let addresses = (host, port).to_socket_addrs().map_err(|error| failed(&error))?;
    let deadline = Instant::now() + timeout;
    let mut last = failed(&"no such host");
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(timed_out(timeout));
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::TimedOut => return Err(timed_out(timeout)),
            Err(error) => last = failed(&error),
        }
    }
    Err(last)
}

fn probe_exec(check: &ExecCheck, timeout: Duration, around: &Surroundings) -> Result<(), Failure> {
    let words =
        split(&check.command).map_err(|error| Failure::new(format!("cannot parse command: {error}")))?;
    let mut environment = around.environment.clone();
    environment.extend(check.context.environment.clone());
    let ids = around.root.accounts().resolve(&check.context, false).map_err(Failure::new)?;
    let (mut output, writer) = std::io::pipe().map_err(|error| Failure::new(error.to_string()))?;
    let second = writer.try_clone().map_err(|error| Failure::new(error.to_string()))?;
    let launch = Launch {
        words: &words,
        environment: &environment,
        working_dir: &check.context.working_dir,
        ids,
        stdin: Stdio::null(),
        stdout: writer.into(),
        stderr: second.into(),
    };
    let mut child = process::launch(&around.root, launch).map_err(Failure::new)?;
    let reader = std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count) = output.read(&mut buffer) {
            if count == 0 {
                break;
            }
            kept.extend_from_slice(&buffer[..count]);
            let excess = kept.len().saturating_sub(OUTPUT_BYTES);
            kept.drain(..excess);
        }
        kept
    });
    let deadline = Instant::now() + timeout;
    let mut has_ended = false;
    while !has_ended && Instant::now() < deadline && !around.is_gone() {
        has_ended = process::ends_by(&child, Some(deadline.min(Instant::now() + WATCH)));
    }
    // Whoever else holds the output open is not waited for.
    process::kill_group(&child);
    let code = child.wait().map_or(-1, process::exit_code);
    if !has_ended {
        return Err(timed_out(timeout));
    }
    if code == 0 {
        return Ok(());
    }
    let output = reader.join().unwrap_or_default();
    Err(Failure {
        message: format!("exit status {code}"),
        details: last_lines(&String::from_utf8_lossy(&output)),
    })
}
