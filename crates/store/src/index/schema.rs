//! The tables of the index, and how it is opened.

use camino::Utf8Path;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::Error;

/// What turns version N of the index into version N + 1, ever appended to.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        started_at INTEGER NOT NULL,   -- nanoseconds since 1970
        charmproof TEXT NOT NULL,
        command TEXT NOT NULL,         -- JSON
        targets TEXT NOT NULL,         -- JSON
        candidate TEXT NOT NULL,       -- JSON, as the user typed it
        subjects INTEGER NOT NULL,
        ending TEXT,                   -- JSON; NULL while it goes on
        finished_at INTEGER,
        read_to INTEGER NOT NULL       -- bytes of the log that are in here
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE units (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        subject TEXT NOT NULL,
        target TEXT NOT NULL,
        side TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        inputs TEXT NOT NULL,
        outcome TEXT NOT NULL,         -- JSON
        reusable INTEGER NOT NULL,     -- 1 if it may stand in for a new run
        ran INTEGER NOT NULL,          -- 1 if the suite spoke
        reused INTEGER NOT NULL,       -- 1 if it was taken from an earlier run
        offset INTEGER NOT NULL,       -- of its line in the log
        length INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL,
        memory_peak INTEGER,
        started_at INTEGER NOT NULL,
        PRIMARY KEY (run, subject, target, side, attempt)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX units_by_inputs ON units (inputs) WHERE reusable = 1;
    CREATE INDEX units_by_cost ON units (subject, target, started_at);
    "];

/// The version of the index that this build writes.
pub const INDEX_VERSION: i64 = MIGRATIONS.len().cast_signed() as i64;

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Why an index could not be opened.
pub(super) enum OpenError {
    /// It is damaged: it can be made anew.
    Corrupt(String),
    /// Anything else.
    Other(Error),
}

/// Opens the index at `path`, makes it if it is not there, and brings it up to
/// date. Nothing is written to the index of a newer build.
pub(super) fn open(path: &Utf8Path) -> std::result::Result<Connection, OpenError> {
    if path.exists() {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sort)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sort)?;
        let found = version(&connection).map_err(sort)?;
        if found > INDEX_VERSION {
            return Err(OpenError::Other(Error::NewerIndex { path: path.to_owned(), found }));
        }
    }
    let mut connection = Connection::open(path).map_err(sort)?;
    prepare(&mut connection).map_err(sort)?;
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sort)?;
    if answer == "ok" { Ok(connection) } else { Err(OpenError::Corrupt(answer)) }
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The index can be derived, so it need not survive a loss of power; the logs
    // are what is made durable.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    if version(connection)? == INDEX_VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let found = usize::try_from(version(&transaction)?).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", INDEX_VERSION)?;
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn sort(source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Corrupt(source.to_string()),
        _ => OpenError::Other(Error::Index { doing: "open", source }),
    }
}
