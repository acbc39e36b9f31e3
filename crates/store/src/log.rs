//! The log of one run: one folder, written by one process, read by anyone.
//!
//! ```text
//! runs/20261121-130211-k3f9/
//! ├── log.jsonl        one event a line, only ever appended to
//! ├── outputs/<sha256>.log
//! └── lock             held, with its process id, by whoever writes
//! ```
//!
//! The folder holds all that there is to know of the run and may be moved
//! anywhere. A line counts once its line feed is written: whatever follows the
//! last line feed was torn by a kill, is passed over by readers and cut off by
//! [`RunWriter::reopen`]. A line that is damaged otherwise is reported, and costs
//! nothing but itself.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::{File, OpenOptions};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result, name_of};
use crate::event::{Event, LOG_SCHEMA, OutputId, RunId, RunStarted};

/// The name of the log in a run's folder.
pub const LOG_FILE: &str = "log.jsonl";

const OUTPUTS: &str = "outputs";
const LOCK_FILE: &str = "lock";

/// How often, and after which pause, a lock is asked for again.
const LOCK_RETRIES: u32 = 3;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// Where a line lies in its log, its line feed not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpan {
    /// The byte at which it starts.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// A line that could not be read; the others could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProblem {
    /// The line, from 1; counted from where the reading began.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for LogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the log: {}", self.line, self.message)
    }
}

/// The one writer of a run.
#[derive(Debug)]
pub struct RunWriter {
    run: RunId,
    dir: Utf8PathBuf,
    log: File,
    /// Where the next line starts.
    end: u64,
    /// Whether there may be bytes behind `end`, of a line that failed.
    dirty: bool,
    _lock: File,
}

impl RunWriter {
    /// Starts a run in a folder of its own, whose parent is there.
    ///
    /// The folder gets its name once its head is written, so that no reader ever
    /// sees a run without one.
    pub(crate) fn create(dir: &Utf8Path, head: &RunStarted) -> Result<(Self, LineSpan)> {
        let exists = || Error::Exists { run: head.run.clone() };
        if dir.exists() {
            return Err(exists());
        }
        let parent = dir.parent().unwrap_or(Utf8Path::new("."));
        let making = parent.join(format!(".new-{}", name_of(dir)));
        let io = Error::io("create the run");
        if making.exists() {
            // Left by a kill, or being made; the lock tells which.
            drop(lock(&making, &head.run)?);
            fs_err::remove_dir_all(&making).map_err(&io)?;
        }
        fs_err::create_dir_all(making.join(OUTPUTS)).map_err(&io)?;
        let held_lock = lock(&making, &head.run)?;
        let log = OpenOptions::new().create_new(true).write(true).open(making.join(LOG_FILE)).map_err(&io)?;
        let mut writer =
            Self { run: head.run.clone(), dir: dir.to_owned(), log, end: 0, dirty: false, _lock: held_lock };
        let span = writer.append(&Event::RunStarted(head.clone()))?;
        fs_err::rename(&making, dir).map_err(|source| if dir.exists() { exists() } else { io(source) })?;
        sync_dir(parent).map_err(&io)?;
        Ok((writer, span))
    }

    /// Takes a run up again: locks it and cuts off what a kill left of a line.
    pub(crate) fn reopen(dir: &Utf8Path) -> Result<Self> {
        let run = read_head(dir)?.run;
        let held_lock = lock(dir, &run)?;
        let io = Error::io("take the run up again");
        let path = dir.join(LOG_FILE);
        let end = visit(dir, 0, |_, _| Ok(()))?;
        let log = OpenOptions::new().write(true).open(path).map_err(&io)?;
        log.set_len(end).map_err(&io)?;
        log.sync_all().map_err(&io)?;
        fs_err::create_dir_all(dir.join(OUTPUTS)).map_err(&io)?;
        Ok(Self { run, dir: dir.to_owned(), log, end, dirty: false, _lock: held_lock })
    }

    /// Returns the run's name.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Returns the run's folder.
    pub fn dir(&self) -> &Utf8Path {
        &self.dir
    }

    /// Writes one event and returns where its line lies.
    ///
    /// What others rely on is on the disk before this returns: the head, the
    /// plan, every result and the end. Where writing fails nothing is added.
    pub fn append(&mut self, event: &Event) -> Result<LineSpan> {
        let mut line = serde_json::to_vec(event).map_err(Error::Json)?;
        line.push(b'\n');
        let io = Error::io("write to the log");
        if self.dirty {
            self.log.set_len(self.end).map_err(&io)?;
        }
        self.dirty = true;
        self.log.seek(SeekFrom::Start(self.end)).map_err(&io)?;
        self.log.write_all(&line).map_err(&io)?;
        if is_durable(event) {
            self.log.sync_data().map_err(&io)?;
        }
        self.dirty = false;
        let span = LineSpan { offset: self.end, length: line.len() as u64 - 1 };
        self.end += line.len() as u64;
        Ok(span)
    }

    /// Keeps an output. It is on the disk before this returns, so that no event
    /// ever names one that is not there. Equal outputs are kept once.
    pub fn put_output(&self, content: &[u8]) -> Result<OutputId> {
        let id = OutputId(hex(&Sha256::digest(content)));
        self.keep(&id, |file| file.write_all(content))?;
        Ok(id)
    }

    /// Keeps a file as an output; see [`Self::put_output`].
    pub fn put_output_file(&self, path: &Utf8Path) -> Result<OutputId> {
        let io = Error::io("read an output");
        let mut file = File::open(path).map_err(&io)?;
        let id = OutputId(digest_of(&mut file).map_err(&io)?);
        file.seek(SeekFrom::Start(0)).map_err(&io)?;
        self.keep(&id, |target| std::io::copy(&mut file, target).map(drop))?;
        Ok(id)
    }

    /// Keeps an output of another run, so that this one stays complete in itself.
    pub fn take_output(&self, from: &Utf8Path, id: &OutputId) -> Result<()> {
        if output_path(&self.dir, id)?.exists() {
            return Ok(());
        }
        let content = read_output(from, id)?;
        self.put_output(&content).map(drop)
    }

    fn keep(&self, id: &OutputId, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
        let path = output_path(&self.dir, id)?;
        if path.exists() {
            return Ok(());
        }
        let io = Error::io("keep an output");
        let temporary = path.with_extension("part");
        let mut file = File::create(&temporary).map_err(&io)?;
        write(&mut file).map_err(&io)?;
        file.sync_all().map_err(&io)?;
        fs_err::rename(&temporary, &path).map_err(&io)?;
        sync_dir(&self.dir.join(OUTPUTS)).map_err(&io)
    }
}

/// Whether an event must be on the disk before anyone is told.
fn is_durable(event: &Event) -> bool {
    match event {
        Event::RunStarted(_) | Event::Planned(_) | Event::UnitFinished(_) | Event::RunFinished { .. } => true,
        Event::UnitStarted { .. } | Event::Warned { .. } | Event::RunResumed { .. } => false,
    }
}

/// Returns an output of the run in this folder, checked against its name.
pub fn read_output(dir: &Utf8Path, id: &OutputId) -> Result<Vec<u8>> {
    let content = fs_err::read(output_path(dir, id)?).map_err(Error::io("read an output"))?;
    if hex(&Sha256::digest(&content)) == id.0 {
        Ok(content)
    } else {
        Err(Error::BadOutput { id: id.0.clone(), dir: dir.to_owned() })
    }
}

/// Returns where an output lies in a run's folder. The name is checked, since
/// logs come from anywhere.
pub fn output_path(dir: &Utf8Path, id: &OutputId) -> Result<Utf8PathBuf> {
    if id.0.len() == 64 && id.0.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(dir.join(OUTPUTS).join(format!("{}.log", id.0)))
    } else {
        Err(Error::BadOutput { id: id.0.clone(), dir: dir.to_owned() })
    }
}

/// Whether some process writes the run in this folder at the moment.
pub fn is_being_written(dir: &Utf8Path) -> bool {
    File::open(dir.join(LOCK_FILE))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

/// Locks a run's folder for its writer.
pub(crate) fn lock(dir: &Utf8Path, run: &RunId) -> Result<File> {
    let io = Error::io("lock the run");
    let path = dir.join(LOCK_FILE);
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(&io)?;
    let mut answer = file.try_lock();
    for _ in 0..LOCK_RETRIES {
        if !matches!(answer, Err(std::fs::TryLockError::WouldBlock)) {
            break;
        }
        // It may only be a reader that asks whether there is a writer.
        std::thread::sleep(LOCK_PAUSE);
        answer = file.try_lock();
    }
    match answer {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Best effort: the answer is no in any case.
            let _ = file.read_to_string(&mut text);
            let holder = match text.trim() {
                "" => "another process".to_owned(),
                pid => format!("process {pid}"),
            };
            return Err(Error::Locked { run: run.clone(), holder });
        }
        Err(std::fs::TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).map_err(&io)?;
    writeln!(file, "{}", std::process::id()).map_err(&io)?;
    Ok(file)
}

/// Returns the head of the run in this folder.
pub fn read_head(dir: &Utf8Path) -> Result<RunStarted> {
    let path = dir.join(LOG_FILE);
    let io = Error::io("read the log");
    let mut reader = BufReader::new(File::open(&path).map_err(&io)?);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).map_err(&io)?;
    head_of(&line, &path)
}

fn head_of(line: &[u8], log: &Utf8Path) -> Result<RunStarted> {
    let no_head = || Error::NoHead { log: log.to_owned() };
    let line = line.strip_suffix(b"\n").ok_or_else(no_head)?;
    let value: serde_json::Value = serde_json::from_slice(line).map_err(|_| no_head())?;
    if value.get("event").and_then(|event| event.as_str()) != Some("run-started") {
        return Err(no_head());
    }
    // Before anything else is read: a newer head may look otherwise.
    let schema = value.get("schema").and_then(serde_json::Value::as_u64).ok_or_else(no_head)?;
    if schema > u64::from(LOG_SCHEMA) {
        return Err(Error::NewerLog {
            log: log.to_owned(),
            found: u32::try_from(schema).unwrap_or(u32::MAX),
        });
    }
    match serde_json::from_value(value) {
        Ok(Event::RunStarted(head)) => Ok(head),
        Ok(_) | Err(_) => Err(no_head()),
    }
}

/// Calls `each` with every whole line of the log in this folder that starts at
/// `from` or later, and returns where the last of them ends.
///
/// `from` must be the start of a line; at 0 the head is checked first.
pub(crate) fn visit(
    dir: &Utf8Path,
    from: u64,
    mut each: impl FnMut(LineSpan, std::result::Result<Event, LogProblem>) -> Result<()>,
) -> Result<u64> {
    let path = dir.join(LOG_FILE);
    let io = Error::io("read the log");
    let mut file = File::open(&path).map_err(&io)?;
    file.seek(SeekFrom::Start(from)).map_err(&io)?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut offset, mut number) = (from, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(&io)?;
        number += 1;
        if offset == 0 {
            head_of(&line, &path)?;
        }
        let Some(text) = line.strip_suffix(b"\n") else {
            return Ok(offset);
        };
        let span = LineSpan { offset, length: text.len() as u64 };
        let event = match parse(text) {
            Ok(Event::RunStarted(_)) if offset > 0 => {
                Err(LogProblem { line: number, message: "a second run starts here".to_owned() })
            }
            Ok(event) => Ok(event),
            Err(error) => Err(LogProblem { line: number, message: error.to_string() }),
        };
        each(span, event)?;
        offset += line.len() as u64;
    }
}

/// Returns the event on one line of the log in this folder.
pub(crate) fn read_line(dir: &Utf8Path, span: LineSpan) -> std::io::Result<Event> {
    let mut file = File::open(dir.join(LOG_FILE))?;
    let limit = file.metadata()?.len();
    if span.offset.saturating_add(span.length) >= limit {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    file.seek(SeekFrom::Start(span.offset))?;
    let mut line = vec![0; span.length as usize];
    file.read_exact(&mut line)?;
    parse(&line).map_err(std::io::Error::from)
}

/// Reads one line. Results are most of a log and are read past the tag, which
/// takes half the time.
fn parse(line: &[u8]) -> serde_json::Result<Event> {
    if line.starts_with(b"{\"event\":\"unit-finished\",") {
        serde_json::from_slice(line).map(Event::UnitFinished)
    } else {
        serde_json::from_slice(line)
    }
}

fn digest_of(file: &mut File) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
    }
    text
}

/// Makes the names in a folder durable.
fn sync_dir(dir: &Utf8Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
