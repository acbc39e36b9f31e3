//! An index of all runs of a store: a cache of what their logs say.
//!
//! It answers in microseconds what would take reading every log: which result can
//! stand in for a unit, how long a unit will take, which runs there are. Nothing
//! is in it that is not in a log; it can be deleted at any time, and
//! [`Index::rebuild`] makes the very same again. A line that it points at is
//! always read from the log and checked before anyone gets it.

mod rows;
mod schema;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::error::{Error, Result, utf8};
use crate::event::{Ending, Event, RunId, UnitResult};
use crate::log::{LOG_FILE, LineSpan, output_path, read_line, visit};

use rows::{apply, from_sql, list, may_be_reused, moment, read_to, to_sql};

pub use schema::INDEX_VERSION;

/// How many results an estimate of cost looks at.
const COST_SAMPLES: i64 = 5;

/// The index of a store.
#[derive(Debug)]
pub struct Index {
    path: Utf8PathBuf,
    /// The folder of the runs that it is about.
    runs: Utf8PathBuf,
    connection: Mutex<Connection>,
}

/// A result that can stand in for a unit with the same inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Reusable {
    /// The result, with [`UnitResult::reused_from`] set to the run that made it.
    /// Its unit is the one it was made for.
    pub result: UnitResult,
    /// The run whose folder it was read from, and that holds its outputs.
    pub found_in: RunId,
}

/// What a unit is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Wall time: the mean of the last few times.
    pub duration_ms: u64,
    /// Memory: the most of the last few times; `None` if it was never measured.
    pub memory_bytes: Option<u64>,
}

/// A line about one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its name.
    pub id: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it did.
    pub finished_at: Option<Timestamp>,
    /// How it ended; `None` if it goes on or was killed.
    pub ending: Option<Ending>,
    /// The version of charmproof that wrote it.
    pub charmproof: String,
    /// The command line.
    pub command: Vec<String>,
    /// Its targets.
    pub targets: Vec<String>,
    /// What the candidate swaps in, as the user typed it.
    pub candidate: Vec<String>,
    /// How many charms it set out to run.
    pub subjects: usize,
    /// How many units have a result.
    pub units: usize,
}

impl Index {
    /// Opens the index at `path` of the runs in `runs`, and brings it up to date
    /// with their logs. Returns what the user should know as well: a damaged
    /// index that was moved aside, runs that could not be read.
    pub fn open(path: &Utf8Path, runs: &Utf8Path) -> Result<(Self, Vec<String>)> {
        let mut warnings = Vec::new();
        // SQLite waits for nobody while it makes a new file a write-ahead one, so openers
        // take turns. Where no lock can be had, its own answer stands.
        let turn = std::fs::File::create(path.with_extension("lock"));
        let _ = turn.as_ref().map(std::fs::File::lock);
        let connection = match schema::open(path) {
            Ok(connection) => connection,
            Err(schema::OpenError::Other(error)) => return Err(error),
            Err(schema::OpenError::Corrupt(reason)) => {
                let aside = move_aside(path)?;
                warnings.push(format!(
                    "the index was damaged ({reason}); it was moved to {aside} and rebuilt from the logs"
                ));
                schema::open(path).map_err(|error| match error {
                    schema::OpenError::Other(error) => error,
                    schema::OpenError::Corrupt(reason) => Error::Io {
                        doing: "replace the damaged index",
                        source: std::io::Error::other(reason),
                    },
                })?
            }
        };
        drop(turn);
        let index = Self { path: path.to_owned(), runs: runs.to_owned(), connection: Mutex::new(connection) };
        warnings.extend(index.refresh()?);
        Ok((index, warnings))
    }

    /// Returns where the index lies.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Takes one event in that was just written to a run's log. If the index has
    /// missed some before it, those are read from the log.
    pub fn record(&self, run: &RunId, event: &Event, span: LineSpan) -> Result<()> {
        let mut known = 0;
        let mut follows = false;
        self.write("write to", |transaction| {
            known = transaction
                .prepare_cached("SELECT read_to FROM runs WHERE id = ?1")?
                .query_row([&run.0], |row| from_sql(row, 0))
                .optional()?
                .unwrap_or(0);
            follows = known == span.offset;
            if follows {
                apply(transaction, run, event, span)?;
                read_to(transaction, run, span.offset + span.length + 1)?;
            }
            Ok(())
        })?;
        if follows || known > span.offset {
            return Ok(());
        }
        self.read_log(run, &self.runs.join(&run.0), known)
    }

    /// Brings the index up to date with the logs: runs that appeared, grew or went
    /// away. Returns a line for each run that could not be read.
    pub fn refresh(&self) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        let there = run_dirs(&self.runs)?;
        let known: Vec<(String, u64)> = self.read("read", |connection| {
            let mut statement = connection.prepare_cached("SELECT id, read_to FROM runs")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, from_sql(row, 1)?)))?;
            rows.collect()
        })?;
        for (id, _) in &known {
            if !there.contains(&RunId(id.clone())) {
                self.forget(&RunId(id.clone()))?;
            }
        }
        for run in there {
            let dir = self.runs.join(&run.0);
            let length = fs_err::metadata(dir.join(LOG_FILE)).map_or(0, |data| data.len());
            let from = known.iter().find(|(id, _)| *id == run.0).map_or(0, |(_, read)| *read);
            if length != from || from == 0 {
                let from = if length < from { 0 } else { from };
                if let Err(error) = self.read_log(&run, &dir, from) {
                    match error {
                        Error::Index { .. } => return Err(error),
                        other => warnings.push(format!("the run {run} is left out: {other}")),
                    }
                }
            }
        }
        Ok(warnings)
    }

    /// Makes the index anew from the logs.
    pub fn rebuild(&self) -> Result<Vec<String>> {
        self.write("clear", |transaction| transaction.execute("DELETE FROM runs", []).map(drop))?;
        self.refresh()
    }

    /// Takes in the lines of a run's log from a byte on.
    fn read_log(&self, run: &RunId, dir: &Utf8Path, from: u64) -> Result<()> {
        let mut connection = self.lock();
        let index = Error::index("write to");
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&index)?;
        if from == 0 {
            transaction.execute("DELETE FROM runs WHERE id = ?1", [&run.0]).map_err(&index)?;
        }
        let end = visit(dir, from, |span, event| match event {
            Ok(event) => apply(&transaction, run, &event, span).map_err(&index),
            Err(_) => Ok(()),
        })?;
        read_to(&transaction, run, end).map_err(&index)?;
        transaction.commit().map_err(&index)
    }

    /// Takes a run out.
    pub fn forget(&self, run: &RunId) -> Result<()> {
        self.write("write to", |transaction| {
            transaction.execute("DELETE FROM runs WHERE id = ?1", [&run.0]).map(drop)
        })
    }

    /// Returns a result for these inputs, the newest that is fit to be used again.
    ///
    /// Where the newest run that has such results has them with different
    /// outcomes there is none: what does not agree with itself must be run. An
    /// entry whose line or output is not in its run any more is dropped.
    pub fn find_reusable(&self, inputs: &str) -> Result<Option<Reusable>> {
        let found: Vec<(String, LineSpan, String)> = self.read("read", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT run, offset, length, outcome FROM units
                 WHERE inputs = ?1 AND reusable = 1
                 ORDER BY started_at DESC, reused, run DESC, attempt, subject, target, side",
            )?;
            let rows = statement.query_map([inputs], |row| {
                let span = LineSpan { offset: from_sql(row, 1)?, length: from_sql(row, 2)? };
                Ok((row.get(0)?, span, row.get(3)?))
            })?;
            rows.collect()
        })?;
        if let Some((run, _, outcome)) = found.first()
            && found.iter().any(|(other, _, differs)| other == run && differs != outcome)
        {
            return Ok(None);
        }
        for (run, span, _) in found {
            let dir = self.runs.join(&run);
            let found_in = RunId(run);
            if let Some(result) = check_line(&dir, span, inputs) {
                let mut result = result;
                result.reused_from.get_or_insert_with(|| found_in.clone());
                return Ok(Some(Reusable { result, found_in }));
            }
            self.write("write to", |transaction| {
                transaction
                    .execute(
                        "DELETE FROM units WHERE run = ?1 AND offset = ?2",
                        params![found_in.0, to_sql(span.offset)],
                    )
                    .map(drop)
            })?;
        }
        Ok(None)
    }

    /// Returns what this target of this subject is expected to take, from the last
    /// few times that its suite ran.
    pub fn expected_cost(&self, subject: &str, target: &str) -> Result<Option<Cost>> {
        let samples: Vec<(u64, Option<u64>)> = self.read("read", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT duration_ms, memory_peak FROM units
                 WHERE subject = ?1 AND target = ?2 AND ran = 1 AND reused = 0
                 ORDER BY started_at DESC, run, side, attempt LIMIT ?3",
            )?;
            let rows = statement.query_map(params![subject, target, COST_SAMPLES], |row| {
                let memory: Option<i64> = row.get(1)?;
                Ok((from_sql(row, 0)?, memory.map(|bytes| u64::try_from(bytes).unwrap_or(0))))
            })?;
            rows.collect()
        })?;
        let sum: u128 = samples.iter().map(|(ms, _)| u128::from(*ms)).sum();
        Ok((!samples.is_empty()).then(|| Cost {
            duration_ms: (sum / samples.len() as u128) as u64,
            memory_bytes: samples.iter().filter_map(|(_, memory)| *memory).max(),
        }))
    }

    /// Returns all runs, the newest first.
    pub fn runs(&self) -> Result<Vec<RunSummary>> {
        self.read("read", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, started_at, finished_at, ending, charmproof, command, targets,
                        candidate, subjects,
                        (SELECT count(*) FROM units WHERE units.run = runs.id)
                 FROM runs ORDER BY started_at DESC, id DESC",
            )?;
            let rows = statement.query_map([], |row| {
                let finished_at: Option<i64> = row.get(2)?;
                let ending: Option<String> = row.get(3)?;
                Ok(RunSummary {
                    id: RunId(row.get(0)?),
                    started_at: moment(row.get(1)?),
                    finished_at: finished_at.map(moment),
                    ending: ending.and_then(|text| serde_json::from_str(&text).ok()),
                    charmproof: row.get(4)?,
                    command: list(row, 5)?,
                    targets: list(row, 6)?,
                    candidate: list(row, 7)?,
                    subjects: from_sql(row, 8)? as usize,
                    units: from_sql(row, 9)? as usize,
                })
            })?;
            rows.collect()
        })
    }

    /// Returns every row as text, in a fixed order: two indices of the same logs
    /// have equal dumps.
    pub fn dump(&self) -> Result<Vec<String>> {
        self.read("read", |connection| {
            let mut lines = Vec::new();
            for table in ["runs", "units"] {
                let mut statement =
                    connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5"))?;
                let width = statement.column_count();
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    let mut line = table.to_owned();
                    for column in 0..width {
                        let value: rusqlite::types::Value = row.get(column)?;
                        write!(line, " {value:?}").expect("a string takes all that is written");
                    }
                    lines.push(line);
                }
            }
            Ok(lines)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere leaves a rolled-back transaction, which is fine.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        doing: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        query(&self.lock()).map_err(Error::index(doing))
    }

    fn write(
        &self,
        doing: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let mut connection = self.lock();
        let index = Error::index(doing);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&index)?;
        change(&transaction).map_err(&index)?;
        transaction.commit().map_err(&index)
    }
}

/// Returns the result on a line, if it is what the index says it is and all that
/// it names is there.
fn check_line(dir: &Utf8Path, span: LineSpan, inputs: &str) -> Option<UnitResult> {
    let Ok(Event::UnitFinished(result)) = read_line(dir, span) else {
        return None;
    };
    let has_log = match &result.log {
        Some(id) => output_path(dir, id).is_ok_and(|path| path.exists()),
        None => true,
    };
    (result.inputs == inputs && may_be_reused(&result) && has_log).then_some(*result)
}

/// Returns the names of the runs in a folder, the oldest first.
pub(crate) fn run_dirs(runs: &Utf8Path) -> Result<BTreeSet<RunId>> {
    let io = Error::io("list the runs");
    let mut found = BTreeSet::new();
    for entry in fs_err::read_dir(runs).map_err(&io)? {
        let path = utf8(entry.map_err(&io)?.path())?;
        if let Some(name) = path.file_name()
            && !name.starts_with('.')
            && path.join(LOG_FILE).exists()
        {
            found.insert(RunId(name.to_owned()));
        }
    }
    Ok(found)
}

/// Moves a damaged index, and what SQLite keeps beside it, out of the way.
fn move_aside(path: &Utf8Path) -> Result<Utf8PathBuf> {
    let io = Error::io("move the damaged index aside");
    let aside = (1..=u32::MAX)
        .map(|number| Utf8PathBuf::from(format!("{path}.damaged-{number}")))
        .find(|aside| !aside.exists())
        .expect("some number is free");
    fs_err::rename(path, &aside).map_err(&io)?;
    for suffix in ["-wal", "-shm"] {
        let beside = Utf8PathBuf::from(format!("{path}{suffix}"));
        if beside.exists() {
            fs_err::rename(&beside, format!("{aside}{suffix}")).map_err(&io)?;
        }
    }
    Ok(aside)
}

#[cfg(test)]
mod tests;
