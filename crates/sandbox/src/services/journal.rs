//! What services wrote: a bounded file for each unit.
//!
//! A line of the file is one line of a service, as JSON. When a file is full it becomes the old
//! one, in place of the old one before; so a unit's journal never takes more than two files.
//! What an entry looks like when it is shown is the business of `journalctl`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::name::UnitName;

/// How long a unit's file may become.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// A line that is longer is cut into several.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Microseconds since 1970.
    #[serde(rename = "t")]
    pub time: i64,
    #[serde(rename = "u")]
    pub unit: String,
    #[serde(rename = "i")]
    pub identifier: String,
    #[serde(rename = "p")]
    pub pid: i32,
    /// From 0, an emergency, to 7.
    #[serde(rename = "l")]
    pub priority: u8,
    #[serde(rename = "m")]
    pub message: String,
}

/// The journals of a machine.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: Utf8PathBuf,
    open: BTreeMap<String, (File, u64)>,
}

impl Journal {
    pub(crate) fn new(folder: &Utf8Path) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), open: BTreeMap::new() })
    }

    /// Adds a line. A journal that cannot be written stops nothing.
    pub(crate) fn write(&mut self, record: &Record) {
        let Ok(mut line) = serde_json::to_vec(record) else { return };
        line.push(b'\n');
        let _ = self.append(&record.unit, &line);
    }

    fn append(&mut self, unit: &str, line: &[u8]) -> io::Result<()> {
        let path = self.folder.join(format!("{unit}.journal"));
        if !self.open.contains_key(unit) {
            // Descriptors are few, and most units are silent.
            if self.open.len() >= 64 {
                self.open.pop_first();
            }
            let file = fs_err::OpenOptions::new().create(true).append(true).open(&path)?;
            let length = file.metadata()?.len();
            self.open.insert(unit.to_owned(), (file.into_parts().0, length));
        }
        let Some((file, length)) = self.open.get_mut(unit) else { return Ok(()) };
        file.write_all(line)?;
        *length += line.len() as u64;
        if *length > FILE_BYTES_MAX {
            self.open.remove(unit);
            fs_err::rename(&path, self.folder.join(format!("{unit}.journal.old")))?;
        }
        Ok(())
    }

    /// All lines of some units, or of all, in the order of time.
    pub(crate) fn read(&self, wants: impl Fn(&str) -> bool) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        for entry in self.folder.read_dir_utf8().into_iter().flatten().flatten() {
            let name = entry.file_name();
            let unit = name.strip_suffix(".old").unwrap_or(name).strip_suffix(".journal");
            if !unit.is_some_and(&wants) {
                continue;
            }
            let Ok(bytes) = fs_err::read(entry.path()) else { continue };
            records.extend(
                bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()),
            );
        }
        records.sort_by_key(|record| record.time);
        records
    }
}

/// Takes a process's output apart into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes in what was written, and returns the lines that are complete.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' || self.begun.len() >= LINE_BYTES_MAX {
                lines.push(String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned());
            }
            if byte != b'\n' {
                self.begun.push(byte);
            }
        }
        lines
    }

    /// The last line, if it was not ended.
    pub(crate) fn end(&mut self) -> Option<String> {
        (!self.begun.is_empty())
            .then(|| String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned())
    }
}

/// The priority before a line, such as `<3>`, and the line without it.
pub(crate) fn priority(line: &str) -> (u8, &str) {
    const USUAL: u8 = 6;
    let prefixed = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    match prefixed.and_then(|(number, rest)| Some((number.parse::<u16>().ok()?, rest))) {
        // A facility may be in the higher bits.
        Some((number, rest)) if number < 192 => ((number % 8) as u8, rest),
        Some(_) | None => (USUAL, line),
    }
}

/// Reads a message for syslog: `<30>Nov 22 05:37:12 tinyproxy[570]: text`.
pub(crate) fn syslog(packet: &str) -> (u8, String, String) {
    let (priority, rest) = priority(packet.trim_end_matches(['\n', '\0']));
    // The time is fifteen letters wide, and not needed: it is now.
    let has_time = rest.len() > 16 && rest.is_char_boundary(16) && rest.as_bytes()[15] == b' ' && {
        let bytes = rest.as_bytes();
        bytes[3] == b' ' && bytes[9] == b':' && bytes[12] == b':'
    };
    let rest = if has_time { &rest[16..] } else { rest };
    match rest.split_once(':') {
        Some((tag, text)) if !tag.contains(' ') && !tag.is_empty() => {
            let identifier = tag.split('[').next().unwrap_or(tag);
            (priority, identifier.to_owned(), text.strip_prefix(' ').unwrap_or(text).to_owned())
        }
        Some(_) | None => (priority, "unknown".to_owned(), rest.to_owned()),
    }
}

/// A record of now.
pub(crate) fn record(
    now: Timestamp,
    unit: &UnitName,
    identifier: &str,
    pid: i32,
    (priority, message): (u8, &str),
) -> Record {
    Record {
        time: now.as_microsecond(),
        unit: unit.as_str().to_owned(),
        identifier: identifier.to_owned(),
        pid,
        priority,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(unit: &str, time: i64, message: &str) -> Record {
        let (unit, identifier) = (unit.to_owned(), "a".to_owned());
        Record { time, unit, identifier, pid: 1, priority: 6, message: message.to_owned() }
    }

    #[test]
    fn journals_are_read_in_the_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        for record in
            [line("a.service", 1, "one"), line("b.service", 3, "three"), line("a.service", 2, "two")]
        {
            journal.write(&record);
        }
        let read = |unit: Option<&str>| {
            let records = journal.read(|found| unit.is_none_or(|unit| unit == found));
            records.into_iter().map(|record| record.message).collect::<Vec<_>>()
        };
        assert_eq!(read(None), ["one", "two", "three"]);
        assert_eq!(read(Some("a.service")), ["one", "two"]);
        assert_eq!(read(Some("c.service")), [""; 0]);
    }

    #[test]
    fn a_journal_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        let text = "x".repeat(10_000);
        for time in 0..500 {
            journal.write(&line("a.service", time, &text));
        }
        let size: u64 = fs_err::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(size < 2 * FILE_BYTES_MAX + 20_000, "{size}");
        assert_eq!(journal.read(|_| true).last().unwrap().time, 499);
    }

    #[test]
    fn priorities_and_tags_are_taken_off() {
        assert_eq!(priority("<3>bad"), (3, "bad"));
        assert_eq!(priority("<html>"), (6, "<html>"));
        let expected = (6, "tinyproxy".to_owned(), "text: more".to_owned());
        assert_eq!(syslog("<30>Nov 22 05:37:12 tinyproxy[570]: text: more\n"), expected);
        assert_eq!(syslog("plain words"), (6, "unknown".to_owned(), "plain words".to_owned()));
    }

    proptest! {
        #[test]
        fn no_byte_of_a_line_is_lost(parts in prop::collection::vec("[a-z\n]{0,6}", 0..6)) {
            let mut lines = Lines::default();
            let mut found: Vec<String> = parts.iter().flat_map(|part| lines.add(part.as_bytes())).collect();
            found.extend(lines.end());
            let whole = parts.concat();
            prop_assert_eq!(found, whole.lines().collect::<Vec<_>>());
        }

        #[test]
        fn any_packet_is_read(packet in "(<[0-9]{1,3}>)?\\PC{0,40}") {
            syslog(&packet);
        }
    }
}
