//! Brings the input to who reads it, piece by piece and never as a whole.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use charmproof_lifecycle::reading::form::{self, BEGINNING_BYTES, Form};
use charmproof_lifecycle::reading::json::{self, UnreadableJson};
use charmproof_lifecycle::reading::log::{self, Follower, LogForm};
use charmproof_lifecycle::reading::{About, Receiver, Unreadable, names};
use fs_err::File;

use crate::error::{Exit, Failure};

/// How much of a JSON text is read without coming to the end of a step or of a key. What is
/// longer is no life and no trace.
const JSON_PART_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An input whose form is known.
pub(crate) struct Input {
    form: Form,
    reader: Box<dyn BufRead>,
}

impl Input {
    /// Opens a file, or the standard input for `-`, and sees what it is.
    pub(crate) fn open(name: &str) -> Result<Self, Failure> {
        Self::of(name, open(name)?)
    }

    /// Sees what an input is that was opened under a name.
    pub(crate) fn of(name: &str, mut rest: Box<dyn Read>) -> Result<Self, Failure> {
        let mut beginning = Vec::new();
        (&mut rest)
            .take(BEGINNING_BYTES as u64)
            .read_to_end(&mut beginning)
            .map_err(|error| cannot_read(&error))?;
        let called = if name == "-" { "the standard input".to_owned() } else { format!("`{name}`") };
        let form = form::of(&beginning).map_err(|unknown| {
            Failure::usage(format!("{called} {}", with_verb(&unknown))).hint(unknown.hint())
        })?;
        // Editors of another system put a mark before the text.
        let mark = if beginning.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut beginning = Cursor::new(beginning);
        beginning.set_position(mark);
        Ok(Self { form, reader: Box::new(BufReader::with_capacity(BEGINNING_BYTES, beginning.chain(rest))) })
    }

    /// Returns what a place in it is called.
    pub(super) fn place(&self) -> &'static str {
        match self.form {
            Form::Names | Form::AgentLog | Form::StatusLog => "line",
            Form::Json => "step",
        }
    }

    /// Returns why it may have no hooks.
    pub(crate) fn no_hooks(&self, name: &str) -> Failure {
        let failure = Failure::usage(format!("`{name}` tells of no hook"));
        match self.form {
            Form::AgentLog => failure.hint(
                "agents tell of hooks at the level INFO: `juju model-config logging-config='<root>=INFO'`",
            ),
            Form::StatusLog => failure.hint("`juju show-status-log --type juju-unit UNIT` has them"),
            Form::Names | Form::Json => {
                failure.hint("give the names of hooks, one a line, such as `install` or `db-relation-joined`")
            }
        }
    }

    /// Reads all of it.
    pub(crate) fn read(&mut self, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        match self.form {
            Form::Names => self.read_names(receiver),
            Form::Json => self.read_json(receiver),
            Form::AgentLog => self.read_log(LogForm::Agent, receiver),
            Form::StatusLog => self.read_log(LogForm::Status, receiver),
        }
    }

    fn read_names(&mut self, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        receiver.begins(&About::default());
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let count = (&mut self.reader)
                .take(names::LINE_BYTES_MAX as u64)
                .read_until(b'\n', &mut line)
                .map_err(|error| cannot_read(&error))?;
            if count == 0 {
                break;
            }
            if count == names::LINE_BYTES_MAX && !line.ends_with(b"\n") {
                return Err(Failure::usage(format!("line {number} is too long for the name of a hook")));
            }
            let text = std::str::from_utf8(&line).map_err(|_| {
                Failure::usage(format!("line {number} is no text")).hint("names of hooks, one a line, are")
            })?;
            if let Some(event) = names::read_line(number, text).map_err(|error| unreadable(&error))? {
                receiver.event(None, number, &event);
            }
        }
        receiver.ends();
        Ok(())
    }

    fn read_log(&mut self, form: LogForm, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        receiver.begins(&About { is_recorded: true, ..About::default() });
        let mut follower = Follower::new(form);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let count = (&mut self.reader)
                .take(log::LINE_BYTES_MAX as u64)
                .read_until(b'\n', &mut line)
                .map_err(|error| cannot_read(&error))?;
            if count == 0 {
                break;
            }
            if !line.ends_with(b"\n") {
                skip_line(&mut self.reader)?;
            }
            follower
                .line(number, &String::from_utf8_lossy(&line), receiver)
                .map_err(|error| unreadable(&error))?;
        }
        follower.end(receiver);
        receiver.ends();
        Ok(())
    }

    fn read_json(&mut self, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let left = Rc::new(Cell::new(JSON_PART_BYTES_MAX));
        let bounded = Bounded { reader: &mut self.reader, left: Rc::clone(&left) };
        // serde_json asks for one byte at a time.
        let reader = serde_json::de::IoRead::new(BufReader::new(bounded));
        json::read(reader, receiver, &|| left.set(JSON_PART_BYTES_MAX)).map_err(|error| match error {
            UnreadableJson::Sequence(error) => unreadable(&error),
            UnreadableJson::Form { place, source } => {
                Failure::of(&format!("{place} of the JSON is no sequence"), &source)
                    .exit(Exit::Usage)
                    .hint("a life has `schema` and `steps`, a recorded trace has `events`; docs/reference/lives.md tells more")
            }
        })
    }
}

/// Reads on only as long as parts come to an end.
struct Bounded<'reader> {
    reader: &'reader mut Box<dyn BufRead>,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let left = self.left.get().checked_sub(count as u64).ok_or_else(|| {
            let megabytes = JSON_PART_BYTES_MAX / 1024 / 1024;
            io::Error::other(format!("a single value of it has more than {megabytes} MiB"))
        })?;
        self.left.set(left);
        Ok(count)
    }
}

/// Opens a file, or the standard input for `-`.
pub(crate) fn open(name: &str) -> Result<Box<dyn Read>, Failure> {
    if name == "-" { Ok(Box::new(io::stdin().lock())) } else { open_file(name) }
}

fn open_file(name: &str) -> Result<Box<dyn Read>, Failure> {
    let about = match fs_err::metadata(name) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::usage(format!("there is no file `{name}`")).hint(
                "`-` reads what comes in: `juju debug-log --replay --no-tail | charmproof validate -`",
            ));
        }
        Err(error) => return Err(cannot_read(&error)),
    };
    if about.is_dir() {
        return Err(Failure::usage(format!("`{name}` is a folder"))
            .hint("give the file in it; for the charm that the hooks are of, there is `--charm`"));
    }
    Ok(Box::new(File::open(name).map_err(|error| cannot_read(&error))?))
}

/// `line 3 is no log` is about a part of the input, `is empty` about all of it.
fn with_verb(unknown: &form::UnknownForm) -> String {
    match unknown {
        form::UnknownForm::Text { .. } => format!("is no sequence of hooks: {unknown}"),
        form::UnknownForm::Empty
        | form::UnknownForm::Utf16
        | form::UnknownForm::Compressed { .. }
        | form::UnknownForm::Binary { .. } => unknown.to_string(),
    }
}

/// Passes over the rest of a line, however long it is.
fn skip_line(reader: &mut Box<dyn BufRead>) -> Result<(), Failure> {
    loop {
        let buffer = reader.fill_buf().map_err(|error| cannot_read(&error))?;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let count = end.map_or(buffer.len(), |end| end + 1);
        let is_over = end.is_some() || buffer.is_empty();
        reader.consume(count);
        if is_over {
            return Ok(());
        }
    }
}

fn unreadable(error: &Unreadable) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        Unreadable::Hook { .. } => {
            failure.hint("`charmproof explain` lists all hooks; in a list of names, `#` begins a remark")
        }
        Unreadable::Outcome { .. } => {
            failure.hint("a line is the name of a hook and maybe `ok`, `failed`, `missing` or `terminated`")
        }
        Unreadable::Schema { .. } => failure.hint("a newer charmproof wrote it"),
        Unreadable::NoSequence { .. } => failure
            .hint("`charmproof simulate --format json` writes lives; docs/reference/lives.md tells of both"),
        Unreadable::Units { .. } => failure.hint("take some of them: `juju debug-log --include APPLICATION`"),
    }
}

fn cannot_read(error: &io::Error) -> Failure {
    Failure::of("the sequence cannot be read", error).exit(Exit::Usage)
}
