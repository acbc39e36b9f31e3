//! The head and the tail of what the command writes.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use camino::Utf8Path;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::SandboxError;
use crate::spec::LogTarget;

const LINE_BYTES_MAX: usize = 400;
/// More than a pipe holds, unless root made it larger.
const PIPE_BYTES_MAX: usize = 1 << 20;

/// What a running command does now: the last line of its output, and whether it only
/// waits. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct LiveLine {
    line: Arc<Mutex<Vec<u8>>>,
    is_waiting: Arc<AtomicBool>,
}

impl LiveLine {
    /// Returns the last complete line that was not empty, at most 400 bytes of
    /// it, with anything that is not UTF-8 replaced.
    pub fn get(&self) -> String {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Whether the command has used next to no processor time for some seconds.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn set_waiting(&self, is_waiting: bool) {
        self.is_waiting.store(is_waiting, Ordering::Relaxed);
    }

    fn update(&self, chunk: &[u8]) {
        let Some(end) = chunk.iter().rposition(|&byte| byte == b'\n') else {
            return;
        };
        let last = chunk[..end].split(|&byte| byte == b'\n').rev().find(|line| !line.trim_ascii().is_empty());
        if let Some(line) = last {
            let mut cell = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            cell.clear();
            cell.extend_from_slice(&line[..line.len().min(LINE_BYTES_MAX)]);
        }
    }
}

/// When the command last wrote; shared by the reader and the watch.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    start: Instant,
    last_us: AtomicU64,
}

impl Heartbeat {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, last_us: AtomicU64::new(0) }
    }

    pub(crate) fn last(&self) -> Instant {
        self.start + std::time::Duration::from_micros(self.last_us.load(Ordering::Relaxed))
    }

    fn beat(&self) {
        self.last_us.store(self.start.elapsed().as_micros() as u64, Ordering::Relaxed);
    }
}

/// What became of a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogSummary {
    pub(crate) bytes_total: u64,
    pub(crate) bytes_dropped: u64,
    pub(crate) error: Option<String>,
}

/// Writes the head as it comes and keeps the tail in memory.
#[derive(Debug)]
pub(crate) struct LogWriter<W> {
    file: W,
    head_bytes: u64,
    tail: Ring,
    total: u64,
    error: Option<String>,
}

impl LogWriter<File> {
    /// Opens the file anew.
    pub(crate) fn create(target: &LogTarget) -> Result<Self, SandboxError> {
        let failed = |source| SandboxError::Log { path: target.path.clone(), source };
        fs_err::create_dir_all(target.path.parent().unwrap_or(Utf8Path::new("."))).map_err(failed)?;
        let file = fs_err::File::create(&target.path).map_err(failed)?.into_parts().0;
        Ok(Self::new(file, target.head_bytes, target.tail_bytes))
    }
}

impl<W: Write> LogWriter<W> {
    fn new(file: W, head_bytes: u64, tail_bytes: u64) -> Self {
        let tail = Ring::new(usize::try_from(tail_bytes).unwrap_or(usize::MAX));
        Self { file, head_bytes, tail, total: 0, error: None }
    }

    fn push(&mut self, chunk: &[u8]) {
        let head_left = self.head_bytes.saturating_sub(self.total);
        let (head, rest) = chunk.split_at(chunk.len().min(usize::try_from(head_left).unwrap_or(usize::MAX)));
        self.total += chunk.len() as u64;
        self.write(head);
        self.tail.push(rest);
    }

    fn write(&mut self, bytes: &[u8]) {
        // A full disk must not stop the command's pipe from being drained.
        if self.error.is_none()
            && let Err(error) = self.file.write_all(bytes)
        {
            self.error = Some(error.to_string());
        }
    }

    fn finish(mut self) -> LogSummary {
        let dropped = self.tail.dropped;
        if dropped > 0 {
            let (first, last) = (self.head_bytes, self.tail.capacity);
            let notice = format!(
                "\n[… {dropped} bytes left out by charmproof: the log is kept as its first {first} and last {last} \
                 bytes …]\n"
            );
            self.write(notice.as_bytes());
        }
        let tail = std::mem::take(&mut self.tail);
        let (older, newer) = tail.parts();
        self.write(older);
        self.write(newer);
        LogSummary { bytes_total: self.total, bytes_dropped: dropped, error: self.error }
    }
}

/// The last `capacity` bytes of what was pushed.
#[derive(Debug, Default)]
struct Ring {
    bytes: Vec<u8>,
    capacity: usize,
    // Where the oldest byte is, once the ring is full.
    start: usize,
    dropped: u64,
}

impl Ring {
    fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    fn push(&mut self, chunk: &[u8]) {
        let skipped = chunk.len().saturating_sub(self.capacity);
        self.dropped += skipped as u64;
        let mut chunk = &chunk[skipped..];
        if chunk.len() == self.capacity && skipped > 0 {
            self.dropped += self.bytes.len() as u64;
            self.bytes.clear();
            self.start = 0;
        }
        let room = self.capacity - self.bytes.len();
        let (fresh, over) = chunk.split_at(room.min(chunk.len()));
        self.bytes.extend_from_slice(fresh);
        chunk = over;
        self.dropped += chunk.len() as u64;
        while !chunk.is_empty() {
            let span = chunk.len().min(self.capacity - self.start);
            self.bytes[self.start..self.start + span].copy_from_slice(&chunk[..span]);
            self.start = (self.start + span) % self.capacity;
            chunk = &chunk[span..];
        }
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let (newer, older) = self.bytes.split_at(self.start);
        (older, newer)
    }
}

/// Reads `pipe` to its end into `writer`, or until `stop` closes and what was
/// waiting then is read: a process that escaped may hold the pipe open, and
/// write to it, for ever.
pub(crate) fn pump<W: Write>(
    mut pipe: impl Read + AsFd,
    stop: impl AsFd,
    mut writer: LogWriter<W>,
    heartbeat: &Heartbeat,
    live: Option<&LiveLine>,
) -> LogSummary {
    let mut buffer = vec![0; 64 * 1024];
    let mut late_bytes = 0;
    loop {
        let mut fds =
            [PollFd::new(pipe.as_fd(), PollFlags::POLLIN), PollFd::new(stop.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => continue,
            Err(_) => break,
            Ok(_) => {}
        }
        let (waiting, stopped) = (fds[0].any().unwrap_or(true), fds[1].any().unwrap_or(true));
        if stopped && (!waiting || late_bytes > PIPE_BYTES_MAX) {
            break;
        }
        if !waiting {
            continue;
        }
        match pipe.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(count) => {
                heartbeat.beat();
                late_bytes += if stopped { count } else { 0 };
                let chunk = &buffer[..count];
                if let Some(live) = live {
                    live.update(chunk);
                }
                writer.push(chunk);
            }
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `text` in chunks of each size up to its own and expects the same
    /// file every time.
    fn check(text: &str, head: u64, tail: u64, expected: &str) {
        for size in 1..=text.len().max(1) {
            let mut file = Vec::new();
            let mut writer = LogWriter::new(&mut file, head, tail);
            for chunk in text.as_bytes().chunks(size) {
                writer.push(chunk);
            }
            let summary = writer.finish();
            assert_eq!(String::from_utf8_lossy(&file), expected, "chunks of {size}");
            assert_eq!(summary.bytes_total, text.len() as u64);
            assert_eq!(summary.bytes_dropped, (text.len() as u64).saturating_sub(head + tail));
        }
    }

    #[test]
    fn short_logs_are_kept_whole() {
        check("", 3, 4, "");
        check("abc", 3, 4, "abc");
        check("abcdefg", 3, 4, "abcdefg");
    }

    #[test]
    fn long_logs_lose_their_middle() {
        let notice = |dropped, first, last| {
            format!(
                "\n[… {dropped} bytes left out by charmproof: the log is kept as its first {first} and last {last} \
                 bytes …]\n"
            )
        };
        check("abcdefgh", 3, 4, &format!("abc{}efgh", notice(1, 3, 4)));
        check("abcdefghijklmnopqrstuvwxyz", 3, 4, &format!("abc{}wxyz", notice(19, 3, 4)));
        check("abcdefgh", 0, 2, &format!("{}gh", notice(6, 0, 2)));
        check("abcdefgh", 2, 0, &format!("ab{}", notice(6, 2, 0)));
    }

    #[test]
    fn live_line_is_the_last_full_one() {
        let live = LiveLine::default();
        live.update(b"no end");
        assert_eq!(live.get(), "");
        live.update(b"one\ntwo\n\nthr");
        assert_eq!(live.get(), "two");
        live.update(b"ee \xff\n");
        assert_eq!(live.get(), "ee \u{fffd}");
    }
}
