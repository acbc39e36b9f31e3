//! `__pebble`: the Pebble of a container by itself, for those who ask it from outside.
//!
//! `--socket FILE --root DIR [--folder DIR] [--process] [--http ADDRESS] [--stay]`. It says on standard output
//! when it listens, and ends when its standard input does, unless it is to stay, or with a signal. The folder
//! is Pebble's own, as `PEBBLE` names it: the plan begins with the layers there. When there are none yet, those
//! that the image brings are copied first (`PEBBLE_COPY_ONCE`).
//!
//! Called by the name `pebble`, the program is the [`client`].

mod client;

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_pebble::{Clock, ExecRules, Options, Server, Workload};

use super::{chain, complain, variables};

/// The folder of layers in Pebble's own.
const LAYERS: &str = "layers";

/// Is the program `pebble`, and returns the exit code.
pub(super) fn call(words: &[String]) -> i32 {
    let variables = variables();
    client::run(words, |name| variables.get(name).filter(|value| !value.is_empty()).cloned())
}

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
    let (mut socket, mut root, mut http, mut folder) = (None, None, None, None);
    let (mut has_processes, mut stays) = (false, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--socket" => socket = Some(value()?),
            "--root" => root = Some(value()?),
            "--http" => http = Some(value()?),
            "--folder" => folder = Some(Utf8PathBuf::from(value()?)),
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
    if let Some(folder) = folder {
        let variables = variables();
        if let Some(once) = variables.get("PEBBLE_COPY_ONCE").filter(|once| !once.is_empty()) {
            copy_once(Utf8Path::new(once), &folder)
                .map_err(|error| format!("cannot copy the layers of {once}: {error}"))?;
        }
        options.layers_dir = Some(folder.join(LAYERS));
    }
    options.workload =
        if has_processes { Workload::Process } else { Workload::Simulated(ExecRules::default()) };
    if has_processes {
        options.environment = variables();
    }
    Ok((options, stays))
}

/// Copies the layers of an image into Pebble's own folder, unless there are some: the image of a container
/// that is made anew changes nothing of what is there (internals/cli, `maybeCopyPebbleDir`).
fn copy_once(image: &Utf8Path, folder: &Utf8Path) -> std::io::Result<()> {
    let layers = folder.join(LAYERS);
    let has_some = layers.read_dir_utf8().is_ok_and(|mut entries| entries.next().is_some());
    if has_some || !image.join(LAYERS).is_dir() {
        return Ok(());
    }
    copy_tree(&image.join(LAYERS), &layers)
}

fn copy_tree(from: &Utf8Path, to: &Utf8Path) -> std::io::Result<()> {
    fs_err::create_dir_all(to)?;
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(entry.path(), &target)?;
        } else {
            fs_err::copy(entry.path(), target)?;
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_an_image_are_copied_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let (image, own) = (folder.join("image"), folder.join("own"));
        // An image without layers is one like any other.
        copy_once(&image, &own).unwrap();
        assert!(!own.exists());
        fs_err::create_dir_all(image.join("layers/002-more.d")).unwrap();
        fs_err::write(image.join("layers/001-base.yaml"), "summary: one").unwrap();
        fs_err::write(image.join("layers/002-more.d/001-x.yaml"), "summary: two").unwrap();
        copy_once(&image, &own).unwrap();
        assert_eq!(fs_err::read_to_string(own.join("layers/002-more.d/001-x.yaml")).unwrap(), "summary: two");
        fs_err::write(own.join("layers/001-base.yaml"), "summary: mine").unwrap();
        copy_once(&image, &own).unwrap();
        assert_eq!(fs_err::read_to_string(own.join("layers/001-base.yaml")).unwrap(), "summary: mine");
    }
}
