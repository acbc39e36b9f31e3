//! A process that a place runs for us, and what it prints.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use camino::Utf8PathBuf;

use super::lock;
use crate::hosting::{Exec, Host, Process};

/// How much of what a process prints is kept.
const OUTPUT_BYTES_MAX: usize = 4 << 20;
/// How long a line of a log may be, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// How long is waited for what a process has printed. One that stays behind may hold the pipe open.
const PATIENCE: Duration = Duration::from_millis(500);

/// Starts a program with nothing to read. Returns it, and what it prints: output and errors.
pub(super) fn start(
    place: &dyn Host,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: Utf8PathBuf,
) -> Result<(Box<dyn Process>, [OwnedFd; 2]), String> {
    let text = |error: std::io::Error| error.to_string();
    let (stdout, stdout_writer) = std::io::pipe().map_err(text)?;
    let (stderr, stderr_writer) = std::io::pipe().map_err(text)?;
    let stdin = fs_err::File::open("/dev/null").map_err(text)?;
    let stdio = [stdin.into_parts().0.into(), stdout_writer.into(), stderr_writer.into()];
    let process = place.exec(Exec { argv, env, cwd, user: None, stdio }).map_err(|error| error.0)?;
    Ok((process, [stdout.into(), stderr.into()]))
}

/// What a process prints, which is read on a thread of its own.
pub(super) struct Output {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Hangs up when nothing more will come.
    ended: Receiver<()>,
}

impl Output {
    /// Keeps what a process prints, as far as that is not too much.
    pub(super) fn keep(from: impl Into<OwnedFd>) -> Self {
        let kept = Arc::<Mutex<Vec<u8>>>::default();
        let ours = Arc::clone(&kept);
        let ended = read(from.into(), move |mut pipe| {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut kept = lock(&ours);
                let left = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..count.min(left)]);
            }
        });
        Self { kept, ended }
    }

    /// Tells each line that a process prints, and keeps none.
    pub(super) fn tell(from: impl Into<OwnedFd>, tell: impl Fn(&str) + Send + 'static) -> Self {
        let ended = read(from.into(), move |pipe| {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while let Ok(1..) = pipe.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                tell(String::from_utf8_lossy(&line).trim_end_matches('\n'));
                line.clear();
            }
        });
        Self { kept: Arc::default(), ended }
    }

    /// Returns what was kept of a process that has ended.
    pub(super) fn until_now(&self) -> String {
        // Nothing is ever sent: it hangs up, or the time is over.
        let _ = self.ended.recv_timeout(PATIENCE);
        String::from_utf8_lossy(&lock(&self.kept)).into_owned()
    }
}

fn read(from: OwnedFd, act: impl FnOnce(File) + Send + 'static) -> Receiver<()> {
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let _sender = sender;
        act(File::from(from));
    });
    ended
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_was_printed_is_kept_while_somebody_holds_the_pipe() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let output = Output::keep(reader);
        writer.write_all(b"said\nhalf").unwrap();
        // Who stays behind may say more, which nobody waits for.
        assert_eq!(output.until_now(), "said\nhalf");
        writer.write_all(b", and the rest").unwrap();
        drop(writer);
        assert_eq!(output.until_now(), "said\nhalf, and the rest");
    }

    #[test]
    fn a_long_line_is_whole_and_too_much_is_cut() {
        let check = |text: &str, length: usize| {
            let (reader, mut writer) = std::io::pipe().unwrap();
            let output = Output::keep(reader);
            writer.write_all(text.as_bytes()).unwrap();
            drop(writer);
            let kept = output.until_now();
            assert!(kept.len() == length && text.starts_with(&kept), "{} of {length}", kept.len());
        };
        // Letters of two bytes lie across the ends of what is read at once.
        let letters = format!("x{}", "ä".repeat(50_000));
        check(&letters, 100_001);
        check(&"x\n".repeat(3 << 20), 4 << 20);
    }
}
