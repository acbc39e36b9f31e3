//! `__pebble`: the Pebble of a container by itself, for those who ask it from outside.
//!
//! `--socket FILE --root DIR [--process] [--http ADDRESS] [--stay]`. It says on standard output when it listens,
//! and ends when its standard input does, unless it is to stay, or with a signal.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use camino::Utf8Path;
use charmproof_pebble::{Clock, ExecRules, Options, Server, Workload};

use super::{chain, complain, variables};

/// Serves until it is told to end.
pub(super) fn serve(words: &[String]) -> i32 {
    let (options, stays) = match read(words) {
        Ok(read) => read,
        Err(message) => {
            complain(&message);
            return 2;
        }
    };
    let server = match Server::start(options) {
        Ok(server) => server,
        Err(error) => {
            complain(&chain(&error));
            return 70;
        }
    };
    say(&format!("listening on {}", server.socket()));
    wait_for_the_end(stays);
    drop(server);
    0
}

fn read(words: &[String]) -> Result<(Options, bool), String> {
    let (mut socket, mut root, mut http) = (None, None, None);
    let (mut has_processes, mut stays) = (false, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--socket" => socket = Some(value()?),
            "--root" => root = Some(value()?),
            "--http" => http = Some(value()?),
            "--process" => has_processes = true,
            "--stay" => stays = true,
            other => return Err(format!("__pebble does not know {other}")),
        }
    }
    let (Some(socket), Some(root)) = (socket, root) else {
        return Err("__pebble needs --socket FILE and --root DIR".into());
    };
    let mut options = Options::new(socket, root);
    options.clock = Clock::Real;
    options.http = http;
    options.workload =
        if has_processes { Workload::Process } else { Workload::Simulated(ExecRules::default()) };
    if has_processes {
        options.environment = variables();
        // What the image brings is in the plan from the beginning.
        let folder = options.environment.get("PEBBLE_COPY_ONCE").filter(|folder| !folder.is_empty());
        options.layers_dir = folder.map(|folder| Utf8Path::new(folder).join("layers"));
    }
    Ok((options, stays))
}

/// Waits until a signal comes, or standard input ends where that means something.
fn wait_for_the_end(stays: bool) {
    let (ended, end) = mpsc::channel();
    let has_signal = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Without the handler the signal ends the program all the same, and leaves the socket behind.
        let _ = signal_hook::flag::register(signal, Arc::clone(&has_signal));
    }
    std::thread::spawn(move || {
        let mut byte = [0];
        while stays || matches!(std::io::stdin().read(&mut byte), Ok(1..)) {
            if stays {
                std::thread::park();
            }
        }
        let _ = ended.send(());
    });
    while !has_signal.load(Ordering::Relaxed) {
        match end.recv_timeout(std::time::Duration::from_millis(100)) {
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[expect(clippy::print_stdout, reason = "who started it waits for this line")]
fn say(message: &str) {
    println!("{message}");
}
