//! The file that a controller survives in.
//!
//! Each model is one document, written whole with every change, so that a reader never sees half
//! of one. SQLite's log makes each change all or nothing, whenever the supervisor is killed.

use camino::Utf8Path;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::data::{ClientData, ModelData};

/// The form of what is kept. One of another form is not read.
const FORM: i64 = 1;
/// How many lines of a model's log are kept.
const LOG_LINES_MAX: i64 = 200_000;
/// How many lines come before those that are too many are removed.
const LOG_TRIM_EVERY: u32 = 5_000;

/// Among how many of the last lines a complaint is looked for.
const COMPLAINT_LINES_MAX: i64 = 20_000;

/// Why what is kept cannot be read or written.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// SQLite says so.
    #[error("the controller's database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It is not what it should be.
    #[error("the controller's database holds something that makes no sense: {0}")]
    Document(#[from] serde_json::Error),
    /// Another version has written it.
    #[error(
        "the controller's database is of form {found}, and this version reads form {FORM}: remove the data folder, or use the version that made it"
    )]
    Form {
        /// The form that it has.
        found: i64,
    },
}

/// A line of a model's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Counts the lines of all models.
    pub id: i64,
    /// When.
    pub time: Timestamp,
    /// Who: `unit-web-0`, `machine-0`, `controller-0`.
    pub entity: String,
    /// `TRACE` to `CRITICAL`.
    pub level: String,
    /// Which part: `juju.worker.uniter.operation`.
    pub module: String,
    /// What.
    pub message: String,
}

/// The database of a controller.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    lines_since_trim: u32,
}

impl Database {
    /// Opens a database, which is made if there is none.
    pub fn open(path: &Utf8Path) -> Result<Self, DatabaseError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // The write-ahead log is whole after a crash of the program; only after one of the host the
        // last changes may be missing.
        connection.pragma_update(None, "synchronous", "normal")?;
        let form: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match form {
            0 => connection.execute_batch(&format!(
                "BEGIN;
                 CREATE TABLE model (uuid TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
                 CREATE TABLE client (id INTEGER PRIMARY KEY CHECK (id = 1), document BLOB NOT NULL);
                 CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, time_us INTEGER NOT NULL,
                                   entity TEXT NOT NULL, level TEXT NOT NULL, module TEXT NOT NULL, message TEXT NOT NULL);
                 CREATE INDEX log_of_model ON log (model, id);
                 PRAGMA user_version = {FORM};
                 COMMIT;"
            ))?,
            FORM => {}
            found => return Err(DatabaseError::Form { found }),
        }
        Ok(Self { connection, lines_since_trim: 0 })
    }

    /// Reads all that is kept.
    pub fn load(&self) -> Result<(ClientData, Vec<ModelData>), DatabaseError> {
        let mut statement = self.connection.prepare("SELECT document FROM model")?;
        let documents = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        let mut models = Vec::new();
        for document in documents {
            models.push(read(&document?)?);
        }
        let mut statement = self.connection.prepare("SELECT document FROM client")?;
        let client = match statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?.next() {
            Some(document) => read(&document?)?,
            None => ClientData::default(),
        };
        Ok((client, models))
    }

    /// Keeps models and what the client knows, all or nothing.
    pub fn save<'a>(
        &mut self,
        models: impl Iterator<Item = &'a ModelData>,
        removed: impl Iterator<Item = &'a str>,
        client: Option<&ClientData>,
    ) -> Result<(), DatabaseError> {
        let transaction = self.connection.transaction()?;
        for model in models {
            let mut statement =
                transaction.prepare_cached("INSERT OR REPLACE INTO model (uuid, document) VALUES (?, ?)")?;
            statement.execute(params![model.uuid, written(model)?])?;
        }
        for uuid in removed {
            transaction.execute("DELETE FROM model WHERE uuid = ?", [uuid])?;
            transaction.execute("DELETE FROM log WHERE model = ?", [uuid])?;
        }
        if let Some(client) = client {
            transaction.execute(
                "INSERT OR REPLACE INTO client (id, document) VALUES (1, ?)",
                params![written(client)?],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Adds a line to a model's log.
    pub fn log(
        &mut self,
        model: &str,
        time: Timestamp,
        entity: &str,
        level: &str,
        module: &str,
        message: &str,
    ) -> Result<(), DatabaseError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO log (model, time_us, entity, level, module, message) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        statement.execute(params![model, time.as_microsecond(), entity, level, module, message])?;
        drop(statement);
        self.lines_since_trim += 1;
        if self.lines_since_trim >= LOG_TRIM_EVERY {
            self.lines_since_trim = 0;
            self.connection.execute(
                "DELETE FROM log WHERE model = ?1 AND id <= (SELECT max(id) FROM log WHERE model = ?1) - ?2",
                params![model, LOG_LINES_MAX],
            )?;
        }
        Ok(())
    }

    /// Returns what an entity complained about last since an instant, if it did: errors before warnings. Of a
    /// log that is long, only the end is looked through.
    pub fn complaint(&self, model: &str, entity: &str, since: Timestamp) -> Option<String> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT message FROM log WHERE model = ?1 AND entity = ?2 AND time_us >= ?3 \
                 AND id > (SELECT max(id) FROM log WHERE model = ?1) - ?4 AND level IN ('ERROR', 'WARNING') ORDER BY level = 'ERROR' DESC, id DESC LIMIT 1",
            )
            .ok()?;
        let parameters = params![model, entity, since.as_microsecond(), COMPLAINT_LINES_MAX];
        statement.query_row(parameters, |row| row.get(0)).ok()
    }

    /// Returns the lines of a model's log after one, the oldest first.
    pub fn lines(&self, model: &str, after: i64) -> Result<Vec<LogLine>, DatabaseError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, time_us, entity, level, module, message FROM log WHERE model = ? AND id > ? ORDER BY id",
        )?;
        let lines = statement.query_map(params![model, after], |row| {
            Ok(LogLine {
                id: row.get(0)?,
                time: Timestamp::from_microsecond(row.get(1)?).unwrap_or_default(),
                entity: row.get(2)?,
                level: row.get(3)?,
                module: row.get(4)?,
                message: row.get(5)?,
            })
        })?;
        Ok(lines.collect::<Result<_, _>>()?)
    }
}

fn read<T: DeserializeOwned>(document: &[u8]) -> Result<T, DatabaseError> {
    Ok(serde_json::from_slice(document)?)
}

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>, DatabaseError> {
    Ok(serde_json::to_vec(value)?)
}
